-- What the planted differences change: at least one object of each kind.
CREATE TABLE item (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    label VARCHAR(50) NOT NULL DEFAULT '' COLLATE NOCASE,
    price INTEGER DEFAULT 0,
    twice INTEGER GENERATED ALWAYS AS (price * 2) VIRTUAL,
    CONSTRAINT ck_price CHECK (price >= 0),
    CONSTRAINT uq_label UNIQUE (label)
);
CREATE TABLE part (
    id INTEGER NOT NULL PRIMARY KEY,
    item_id INTEGER,
    name TEXT,
    CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE
);
CREATE TABLE loose (a INTEGER PRIMARY KEY, b TEXT, c INTEGER);
CREATE INDEX ix_price ON item (price);
CREATE INDEX ix_partial ON item (price) WHERE price > 10;
CREATE INDEX ix_lower ON item (lower(label));
CREATE UNIQUE INDEX ix_unique ON loose (b, c DESC);
CREATE VIEW cheap AS SELECT id, label FROM item WHERE price < 10;
CREATE TRIGGER touch AFTER UPDATE ON item BEGIN UPDATE loose SET b = 'x'; END;

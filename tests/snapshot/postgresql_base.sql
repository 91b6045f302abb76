-- What the planted differences change: at least one object of each kind.
CREATE EXTENSION citext;
CREATE EXTENSION btree_gist;
CREATE EXTENSION pgcrypto;
CREATE SCHEMA app;
CREATE TABLE app.note (id int PRIMARY KEY, text text);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE span AS RANGE (SUBTYPE = float8);
CREATE DOMAIN positive AS int DEFAULT 1 CONSTRAINT is_positive CHECK (VALUE > 0);
CREATE SEQUENCE counter;
CREATE TABLE item (
    id serial PRIMARY KEY,
    label text CHECK (label <> ''),
    price int DEFAULT 0,
    code text,
    mood mood,
    email citext,
    double int GENERATED ALWAYS AS (price * 2) STORED,
    CONSTRAINT ck_price CHECK (price >= 0),
    CONSTRAINT uq_code UNIQUE (code)
) WITH (fillfactor = 70);
CREATE INDEX ix_partial ON item (price) WHERE price > 10;
CREATE INDEX ix_include ON item (price) INCLUDE (label);
CREATE INDEX ix_hash ON item USING hash (label);
CREATE INDEX ix_desc ON item (price DESC NULLS LAST);
CREATE INDEX ix_pattern ON item (label COLLATE "C" text_pattern_ops);
CREATE INDEX ix_lower ON item (lower(label));
COMMENT ON TABLE item IS 'things';
COMMENT ON COLUMN item.label IS 'its name';
CREATE TABLE part (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id int,
    name text COLLATE "C",
    CONSTRAINT fk_item FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE
);
CREATE TABLE booking (room int, during int4range, CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&));
CREATE TABLE loose (a int PRIMARY KEY, b text, c varchar(10));
CREATE TABLE event (at int, note text) PARTITION BY RANGE (at);
CREATE INDEX event_at_idx ON event (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (100);
CREATE VIEW cheap AS SELECT id, label FROM item WHERE price < 10;
CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM booking;
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION watched() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE PROCEDURE work() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE plus(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE TRIGGER touch BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION touched();
CREATE RULE quiet AS ON INSERT TO loose WHERE NEW.a = 0 DO INSTEAD NOTHING;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
ALTER TABLE item FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON item FOR SELECT TO snapshot_reader USING (price > 0);
CREATE STATISTICS price_label ON price, label FROM item;
CREATE PUBLICATION feed FOR TABLE item, part;
CREATE TEXT SEARCH CONFIGURATION words (COPY = pg_catalog.simple);
GRANT SELECT ON item TO snapshot_reader;

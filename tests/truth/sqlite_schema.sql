-- The schema every case of sqlite.json starts from: an in-memory database, made anew for each case.
-- Read one statement at a time (each ends with a semicolon at the end of a line); one that a version does not know is left out.
-- :rows is the number of rows of the larger tables.
CREATE TABLE audit (id INTEGER PRIMARY KEY, n INT);
CREATE TABLE bed (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, area INT);
CREATE TABLE plant (id INTEGER PRIMARY KEY, name TEXT NOT NULL, nick VARCHAR(50), latin TEXT UNIQUE, height INT, price NUMERIC(8,2) CHECK (price >= 0), low INT, high INT, spare TEXT, memo TEXT, flag INT NOT NULL DEFAULT 0, tag TEXT, bed_id INT REFERENCES bed(id), CONSTRAINT plant_range CHECK (low <= high));
CREATE INDEX plant_nick ON plant(nick);
CREATE INDEX plant_flagged ON plant(id) WHERE flag = 1;
CREATE INDEX plant_tag_lower ON plant(lower(tag));
CREATE VIEW plant_v AS SELECT id, name, height FROM plant;
CREATE TRIGGER plant_trg AFTER UPDATE OF name ON plant WHEN NEW.memo IS NOT NULL BEGIN UPDATE audit SET n = n + 1 WHERE id = NEW.id; END;
CREATE TABLE watering (id INTEGER PRIMARY KEY, plant_id INT NOT NULL REFERENCES plant(id) ON DELETE CASCADE, litres REAL);
CREATE TABLE harvest (id INTEGER PRIMARY KEY, plant_id INT REFERENCES plant(id), kilos REAL);
CREATE TABLE photo (id INTEGER PRIMARY KEY, plant_id INT REFERENCES plant(id) ON DELETE SET NULL, file TEXT);
CREATE TABLE sum_up (id INTEGER PRIMARY KEY, w INT, h INT, area INT GENERATED ALWAYS AS (w * h) VIRTUAL, total INT GENERATED ALWAYS AS (w + h) STORED, extra TEXT);
CREATE TABLE tool (code TEXT PRIMARY KEY, label TEXT, n INT) WITHOUT ROWID;
CREATE TABLE pair (a INT, b INT, v TEXT, w TEXT, PRIMARY KEY (a, b));
CREATE TABLE tight (id INTEGER PRIMARY KEY, n INT, t TEXT) STRICT;
CREATE TABLE part (id INTEGER PRIMARY KEY, parent INT REFERENCES part(id), label TEXT);
CREATE TABLE loose (id INTEGER PRIMARY KEY, k INT, maybe TEXT, full_text TEXT, d TEXT DEFAULT 'x');
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT);
CREATE TABLE hollow (id INTEGER PRIMARY KEY, v TEXT);
CREATE TABLE checked (id INTEGER PRIMARY KEY, v INT CONSTRAINT v_positive CHECK (v > 0), u INT, must TEXT NOT NULL, CONSTRAINT u_small CHECK (u < 100000000));
INSERT INTO bed(id, code, area) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT i, 'b' || i, i FROM n;
INSERT INTO plant(id, name, nick, latin, height, price, low, high, spare, memo, flag, tag, bed_id) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i, 'name ' || i, 'nick ' || i, 'latin ' || i, i, i + 0.5, i, i + 1, CASE WHEN i % 3 THEN 's' || i END, 'm', i % 2, 'T' || i, 1 + i % 50 FROM n;
INSERT INTO watering(id, plant_id, litres) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i, i, 1.5 FROM n;
INSERT INTO photo(id, plant_id, file) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i, i, 'f' || i FROM n;
INSERT INTO sum_up(id, w, h, extra) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i, i, 2, 'e' FROM n;
INSERT INTO tool(code, label, n) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT 'c' || i, 'l', i FROM n;
INSERT INTO pair(a, b, v, w) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i, i, 'v' || i, 'w' FROM n;
INSERT INTO tight(id, n, t) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i, i, 't' FROM n;
INSERT INTO part(id, parent, label) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, CASE WHEN i > 1 THEN i - 1 END, 'p' FROM n;
INSERT INTO loose(id, k, maybe, full_text, d) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i, i % 7, CASE WHEN i % 2 THEN 'm' END, 'f' || i, 'x' FROM n;
INSERT INTO counted(v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT 'v' || i FROM n;
INSERT INTO checked(id, v, u, must) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows) SELECT i, i, i, 'y' FROM n;
INSERT INTO audit(id, n) VALUES (1, 0);

#!/usr/bin/env python3
"""Further cases on the schema of sqlite.json, written before anybody looked at what we say of them;
observed by observe_sqlite.py with its arguments; writes or extends sqlite_further.json.

usage: observe_sqlite_further.py [--library libsqlite3.so]     one version
"""
import os
import sys

import observe_sqlite as observer

observer.CASES.clear()
case = observer.case

# --- columns
case("add_not_null_default_expression", "add-column-expression-default", "ALTER TABLE plant ADD COLUMN score INT NOT NULL DEFAULT (2 * 3)")
case("add_references_default", "add-column-fk", "ALTER TABLE plant ADD COLUMN other_bed INT DEFAULT 1 REFERENCES bed(id)")
case("add_references_null", "add-column-fk", "ALTER TABLE plant ADD COLUMN other_bed INT REFERENCES bed(id)")
case("add_stored_generated", "add-column-generated", "ALTER TABLE sum_up ADD COLUMN half REAL GENERATED ALWAYS AS (w / 2.0) STORED")
case("add_if_not_exists", "fails", "ALTER TABLE plant ADD COLUMN IF NOT EXISTS colour TEXT")
case("add_taken_other_case", "fails", "ALTER TABLE plant ADD COLUMN NICK TEXT")
case("add_two_at_once", "fails", "ALTER TABLE plant ADD COLUMN a INT, ADD COLUMN b INT")
case("add_to_view", "fails", "ALTER TABLE plant_v ADD COLUMN a INT")
case("add_to_strict_bad_type", "fails", "ALTER TABLE tight ADD COLUMN d DATE")
case("add_to_strict", "add-column", "ALTER TABLE tight ADD COLUMN d ANY")
case("add_check_of_other_column_violated", "add-column-check", "ALTER TABLE bed ADD COLUMN cap INT DEFAULT 10 CHECK (area < cap)")
case("drop_in_partial_index", "drop-column", "ALTER TABLE plant DROP COLUMN flag")
case("drop_in_expression_index", "drop-column", "ALTER TABLE plant DROP COLUMN tag")
case("drop_in_trigger_when", "drop-column", "ALTER TABLE plant DROP COLUMN memo")
case("drop_fk_column", "drop-column", "ALTER TABLE plant DROP COLUMN bed_id")
case("drop_unique_column", "drop-column", "ALTER TABLE plant DROP COLUMN latin")
case("drop_free_column", "drop-column", "ALTER TABLE plant DROP COLUMN spare")
case("drop_generated", "drop-column", "ALTER TABLE sum_up DROP COLUMN area")
case("drop_base_of_generated", "drop-column", "ALTER TABLE sum_up DROP COLUMN h")
case("drop_key_of_without_rowid", "drop-column", "ALTER TABLE tool DROP COLUMN code")
case("drop_last_but_one", "drop-column", "ALTER TABLE hollow DROP COLUMN v")
case("drop_column_of_missing", "fails", "ALTER TABLE nowhere DROP COLUMN v")
case("rename_in_view_and_trigger", "rename-column", "ALTER TABLE plant RENAME COLUMN name TO title")
case("rename_taken", "fails", "ALTER TABLE plant RENAME COLUMN spare TO Memo")
case("rename_missing", "fails", "ALTER TABLE plant RENAME COLUMN mood TO feeling")
# --- tables
case("rename_table", "rename-table", "ALTER TABLE watering RENAME TO drink")
case("rename_table_to_index_name", "fails", "ALTER TABLE watering RENAME TO plant_nick")
case("drop_parent_cascade_only", "drop-table", "DROP TABLE bed")
case("drop_parent_no_keys", "drop-table", "DROP TABLE plant", foreign_keys=False)
case("drop_view_as_table", "fails", "DROP TABLE plant_v")
case("drop_table_as_view", "fails", "DROP VIEW plant")
case("drop_missing_if_exists", "drop-table", "DROP TABLE IF EXISTS nowhere")
case("create_taken_by_view", "fails", "CREATE TABLE plant_v (id INTEGER PRIMARY KEY)")
case("create_same_column", "fails", "CREATE TABLE tray (id INTEGER PRIMARY KEY, a INT, A TEXT)")
case("create_two_keys", "fails", "CREATE TABLE tray (id INTEGER PRIMARY KEY, a INT PRIMARY KEY)")
case("create_autoincrement_text", "fails", "CREATE TABLE tray (id TEXT PRIMARY KEY AUTOINCREMENT)")
case("create_without_rowid_no_key", "fails", "CREATE TABLE tray (a INT, b INT) WITHOUT ROWID")
case("create_fk_missing_table", "create-table", "CREATE TABLE tray (id INTEGER PRIMARY KEY, soil_id INT REFERENCES soil(id))")
case("create_strict_bad_type", "fails", "CREATE TABLE tray (id INTEGER PRIMARY KEY, w VARCHAR(9)) STRICT")
case("create_unique_on_missing", "fails", "CREATE TABLE tray (id INTEGER PRIMARY KEY, UNIQUE (word))")
case("create_check_missing_column", "fails", "CREATE TABLE tray (id INTEGER PRIMARY KEY, CHECK (word > 0))")
# --- indexes
case("index_missing_column", "fails", "CREATE INDEX plant_mood ON plant(mood)")
case("index_taken", "fails", "CREATE INDEX plant_nick ON plant(height)")
case("unique_index_on_duplicates", "create-index-unique", "CREATE UNIQUE INDEX loose_k ON loose(k)")
case("index_concurrently", "fails", "CREATE INDEX CONCURRENTLY plant_height ON plant(height)")
case("index_volatile", "fails", "CREATE INDEX plant_random ON plant(random())")
case("drop_auto_index", "fails", "DROP INDEX sqlite_autoindex_bed_1")
case("drop_index_missing", "fails", "DROP INDEX nothing")
# --- rows
case("insert_null", "fails", "INSERT INTO bed(code) VALUES (NULL)")
case("insert_against_check", "fails", "INSERT INTO checked(v, must) VALUES (-1, 'y')")
case("insert_strict_wrong", "fails", "INSERT INTO tight(n) VALUES ('many')")
case("insert_generated", "fails", "INSERT INTO sum_up(w, h, area) VALUES (1, 2, 2)")
case("insert_missing_column", "fails", "INSERT INTO bed(code, mood) VALUES ('z', 'good')")
case("insert_too_few", "fails", "INSERT INTO bed(code, area) VALUES ('z')")
case("insert_or_replace", "insert", "INSERT OR REPLACE INTO bed(id, code, area) VALUES (1, 'b1', 77)")
case("upsert", "insert", "INSERT INTO counted(id, v) VALUES (1, 'n') ON CONFLICT(id) DO UPDATE SET v = excluded.v")
case("upsert_no_unique", "fails", "INSERT INTO loose(k) VALUES (1) ON CONFLICT(k) DO NOTHING")
case("update_null", "fails", "UPDATE plant SET name = NULL WHERE id = 3")
case("update_where_missing", "fails", "UPDATE plant SET spare = 'x' WHERE mood = 'bad'")
case("delete_parent_restricted", "dml", "DELETE FROM bed WHERE id = 3")
case("delete_parent_cascade", "dml", "DELETE FROM plant WHERE id = 3")
# --- others
case("alter_drop_constraint", "fails", "ALTER TABLE plant DROP CONSTRAINT plant_range")
case("alter_set_default", "fails", "ALTER TABLE plant ALTER COLUMN flag SET DEFAULT 1")
case("truncate", "fails", "TRUNCATE TABLE bed")
case("comment_on", "fails", "COMMENT ON TABLE bed IS 'where plants stand'")
case("nested_begin", "fails", ["BEGIN", "UPDATE bed SET area = 1 WHERE id = 1"])
case("create_view_or_replace", "fails", "CREATE OR REPLACE VIEW plant_v AS SELECT id FROM plant")
case("trigger_on_missing", "fails", "CREATE TRIGGER t1 AFTER INSERT ON nowhere BEGIN SELECT 1; END")
case("recreate_loses_index", "table-recreate", [
    "CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, k BIGINT, maybe TEXT, full_text TEXT, d TEXT, PRIMARY KEY (id))",
    "INSERT INTO _alembic_tmp_loose (id, k, maybe, full_text, d) SELECT loose.id, loose.k, loose.maybe, loose.full_text, loose.d FROM loose",
    "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"])
case("recreate_not_null_nulls", "table-recreate", [
    "CREATE TABLE new_loose (id INTEGER PRIMARY KEY, k INT, maybe TEXT NOT NULL)",
    "INSERT INTO new_loose SELECT id, k, maybe FROM loose",
    "DROP TABLE loose", "ALTER TABLE new_loose RENAME TO loose"])

if __name__ == "__main__":
    if "--out" not in sys.argv:
        sys.argv += ["--out", os.path.join(observer.HERE, "sqlite_further.json")]
    observer.main()

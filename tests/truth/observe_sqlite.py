#!/usr/bin/env python3
"""Observes what SQLite does with each case of CASES; writes or extends sqlite.json.

usage: observe_sqlite.py [--library libsqlite3.so] [--out FILE]     one version, added to FILE
needs: nothing; `apsw` is used when it is installed, else the `sqlite3` module; --library takes any shared library.

A case is made on a new in-memory database (sqlite_schema.sql): PRAGMA foreign_keys, the case's setup,
BEGIN, its statements, COMMIT. On an error everything is rolled back, as a careful caller would do
(`left_behind` says what a caller who commits instead would keep). `reads_rows`: the number of
virtual machine steps grew with the number of rows.
"""
import argparse
import ctypes
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL, LARGE = 200, 1200
CASES = []


def case(name, hazard, statement, foreign_keys=True, **options):
    """options: setup (before BEGIN), in_tx=False (each statement on its own)."""
    CASES.append((name, hazard, statement if isinstance(statement, list) else [statement], foreign_keys, options))


HARVEST = "INSERT INTO harvest(plant_id, kilos) SELECT id, 1.0 FROM plant WHERE id <= 100"
FREE_NICK = "DROP INDEX plant_nick"
NEW_PLANT = "CREATE TABLE _alembic_tmp_plant (id INTEGER NOT NULL, name TEXT NOT NULL, nick VARCHAR(80), latin TEXT, height INTEGER, PRIMARY KEY (id))"
COPY_PLANT = "INSERT INTO _alembic_tmp_plant (id, name, nick, latin, height) SELECT plant.id, plant.name, plant.nick, plant.latin, plant.height FROM plant"
SWAP_PLANT = ["DROP TABLE plant", "ALTER TABLE _alembic_tmp_plant RENAME TO plant"]
BATCH = [NEW_PLANT, COPY_PLANT] + SWAP_PLANT
BATCH_LOOSE = ["CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, k INTEGER, maybe TEXT NOT NULL, full_text TEXT, d TEXT DEFAULT 'x', PRIMARY KEY (id))",
               "INSERT INTO _alembic_tmp_loose (id, k, maybe, full_text, d) SELECT loose.id, loose.k, loose.maybe, loose.full_text, loose.d FROM loose",
               "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"]

# --- ADD COLUMN
case("add_nullable", "add-column", "ALTER TABLE plant ADD COLUMN colour TEXT")
case("add_without_column_word", "add-column", "ALTER TABLE plant ADD colour TEXT")
case("add_default", "add-column-default", "ALTER TABLE plant ADD COLUMN colour TEXT DEFAULT 'green'")
case("add_not_null_default", "add-column-default", "ALTER TABLE plant ADD COLUMN colour TEXT NOT NULL DEFAULT 'green'")
case("add_not_null_no_default", "add-column-required", "ALTER TABLE plant ADD COLUMN colour TEXT NOT NULL")
case("add_not_null_default_null", "add-column-required", "ALTER TABLE plant ADD COLUMN colour TEXT NOT NULL DEFAULT NULL")
case("add_not_null_no_default_empty", "add-column-required", "ALTER TABLE hollow ADD COLUMN must TEXT NOT NULL")
case("add_current_timestamp", "add-column-volatile-default", "ALTER TABLE plant ADD COLUMN added_at TEXT DEFAULT CURRENT_TIMESTAMP")
case("add_current_date", "add-column-volatile-default", "ALTER TABLE plant ADD COLUMN added_on TEXT DEFAULT CURRENT_DATE")
case("add_current_timestamp_empty", "add-column-volatile-default", "ALTER TABLE hollow ADD COLUMN added_at TEXT DEFAULT CURRENT_TIMESTAMP")
case("add_current_timestamp_not_null", "add-column-volatile-default", "ALTER TABLE plant ADD COLUMN added_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL")
case("add_expression_default", "add-column-volatile-default", "ALTER TABLE plant ADD COLUMN added_at TEXT DEFAULT (datetime('now'))")
case("add_constant_expression_default", "add-column-expression-default", "ALTER TABLE plant ADD COLUMN k INT DEFAULT (1 + 2)")
case("add_literal_in_parentheses", "add-column-expression-default", "ALTER TABLE plant ADD COLUMN k INT DEFAULT (5)")
case("add_negative_default", "add-column-default", "ALTER TABLE plant ADD COLUMN k INT DEFAULT -5")
case("add_true_default", "add-column-default", "ALTER TABLE plant ADD COLUMN k BOOLEAN NOT NULL DEFAULT true")
case("add_unique", "add-column-unique", "ALTER TABLE plant ADD COLUMN sku TEXT UNIQUE")
case("add_unique_empty", "add-column-unique", "ALTER TABLE hollow ADD COLUMN sku TEXT UNIQUE")
case("add_primary_key", "add-primary-key", "ALTER TABLE plant ADD COLUMN pk INTEGER PRIMARY KEY")
case("add_autoincrement", "add-primary-key", "ALTER TABLE plant ADD COLUMN pk INTEGER PRIMARY KEY AUTOINCREMENT")
case("add_check_holds", "add-column-check", "ALTER TABLE plant ADD COLUMN k INT DEFAULT 1 CHECK (k > 0)")
case("add_check_null", "add-column-check", "ALTER TABLE plant ADD COLUMN k INT CHECK (k > 0)")
case("add_check_violated", "add-column-check", "ALTER TABLE plant ADD COLUMN k INT DEFAULT 0 CHECK (k > 0)")
case("add_check_violated_named", "add-column-check", "ALTER TABLE plant ADD COLUMN k INT DEFAULT 0 CONSTRAINT k_positive CHECK (k > 0)")
case("add_check_violated_empty", "add-column-check", "ALTER TABLE hollow ADD COLUMN k INT DEFAULT 0 CHECK (k > 0)")
case("add_check_on_other_column", "add-column-check", "ALTER TABLE plant ADD COLUMN k INT CHECK (height < 10)")
case("add_references_null", "add-column-fk", "ALTER TABLE plant ADD COLUMN bed2 INT REFERENCES bed(id)")
case("add_references_default", "add-column-fk", "ALTER TABLE plant ADD COLUMN bed2 INT DEFAULT 1 REFERENCES bed(id)")
case("add_references_default_fk_off", "add-column-fk", "ALTER TABLE plant ADD COLUMN bed2 INT DEFAULT 1 REFERENCES bed(id)", foreign_keys=False)
case("add_references_not_null", "add-column-fk", "ALTER TABLE plant ADD COLUMN bed2 INT NOT NULL REFERENCES bed(id)")
case("add_references_default_empty", "add-column-fk", "ALTER TABLE hollow ADD COLUMN bed2 INT DEFAULT 1 REFERENCES bed(id)")
case("add_references_missing_table", "add-column-fk", "ALTER TABLE plant ADD COLUMN x INT REFERENCES nowhere(id)")
case("add_generated_virtual", "add-column-generated", "ALTER TABLE plant ADD COLUMN span INT GENERATED ALWAYS AS (high - low) VIRTUAL")
case("add_generated_plain", "add-column-generated", "ALTER TABLE plant ADD COLUMN span INT AS (high - low)")
case("add_generated_stored", "add-column-generated", "ALTER TABLE plant ADD COLUMN span INT GENERATED ALWAYS AS (high - low) STORED")
case("add_generated_not_null_violated", "add-column-generated", "ALTER TABLE plant ADD COLUMN copy_of TEXT NOT NULL GENERATED ALWAYS AS (spare) VIRTUAL")
case("add_collate", "add-column", "ALTER TABLE plant ADD COLUMN colour TEXT COLLATE NOCASE")
case("add_duplicate", "fails", "ALTER TABLE plant ADD COLUMN name TEXT")
case("add_to_missing_table", "fails", "ALTER TABLE nowhere ADD COLUMN a INT")
case("add_to_view", "fails", "ALTER TABLE plant_v ADD COLUMN a INT")
case("add_two", "fails", "ALTER TABLE plant ADD COLUMN a INT, ADD COLUMN b INT")
case("add_if_not_exists", "fails", "ALTER TABLE plant ADD COLUMN IF NOT EXISTS a INT")
case("add_after", "fails", "ALTER TABLE plant ADD COLUMN a INT AFTER id")
case("add_to_without_rowid", "add-column", "ALTER TABLE tool ADD COLUMN a INT DEFAULT 1")
case("add_to_strict", "add-column", "ALTER TABLE tight ADD COLUMN a INT")
case("add_to_strict_unknown_type", "add-column", "ALTER TABLE tight ADD COLUMN a VARCHAR(10)")
case("add_to_strict_wrong_default", "add-column", "ALTER TABLE tight ADD COLUMN a INT DEFAULT 'word'")

# --- DROP COLUMN
case("drop_plain", "drop-column", "ALTER TABLE plant DROP COLUMN spare")
case("drop_last_of_loose", "drop-column", "ALTER TABLE loose DROP COLUMN d")
case("drop_primary_key", "drop-column", "ALTER TABLE plant DROP COLUMN id")
case("drop_part_of_primary_key", "drop-column", "ALTER TABLE pair DROP COLUMN b")
case("drop_unique", "drop-column", "ALTER TABLE plant DROP COLUMN latin")
case("drop_indexed", "drop-column", "ALTER TABLE plant DROP COLUMN nick")
case("drop_indexed_after_index", "drop-column", [FREE_NICK, "ALTER TABLE plant DROP COLUMN nick"])
case("drop_in_partial_index", "drop-column", "ALTER TABLE plant DROP COLUMN flag")
case("drop_in_expression_index", "drop-column", "ALTER TABLE plant DROP COLUMN tag")
case("drop_in_view", "drop-column", "ALTER TABLE plant DROP COLUMN height")
case("drop_in_view_legacy", "drop-column", ["PRAGMA legacy_alter_table=ON", "ALTER TABLE plant DROP COLUMN height"])
case("drop_in_view_after_view", "drop-column", ["DROP VIEW plant_v", "ALTER TABLE plant DROP COLUMN height"])
case("drop_not_in_any_view_star", "drop-column", "ALTER TABLE loose DROP COLUMN k", setup=["CREATE VIEW loose_v AS SELECT * FROM loose"])
case("drop_in_trigger", "drop-column", "ALTER TABLE plant DROP COLUMN memo")
case("drop_in_trigger_of", "drop-column", "ALTER TABLE loose DROP COLUMN k", setup=["CREATE TRIGGER loose_t AFTER UPDATE OF k ON loose BEGIN SELECT 1; END"])
case("drop_in_trigger_of_other_table", "drop-column", "ALTER TABLE loose DROP COLUMN k", setup=["CREATE TRIGGER bed_t AFTER INSERT ON bed BEGIN UPDATE loose SET k = 1 WHERE id = NEW.id; END"])
case("drop_with_column_check", "drop-column", "ALTER TABLE plant DROP COLUMN price")
case("drop_in_table_check", "drop-column", "ALTER TABLE plant DROP COLUMN low")
case("drop_with_references", "drop-column", "ALTER TABLE plant DROP COLUMN bed_id")
case("drop_with_references_fk_off", "drop-column", "ALTER TABLE plant DROP COLUMN bed_id", foreign_keys=False)
case("drop_in_table_foreign_key", "drop-column", "ALTER TABLE kid DROP COLUMN bed_id", setup=["CREATE TABLE kid (id INTEGER PRIMARY KEY, bed_id INT, FOREIGN KEY (bed_id) REFERENCES bed(id))"])
case("drop_referenced_unique", "drop-column", "ALTER TABLE bed DROP COLUMN code")
case("drop_referenced_by_child_key", "drop-column", "ALTER TABLE pair DROP COLUMN v", setup=["CREATE UNIQUE INDEX pair_v ON pair(v)", "CREATE TABLE kid (id INTEGER PRIMARY KEY, v TEXT REFERENCES pair(v))", "DROP INDEX pair_v"])
case("drop_base_of_virtual", "drop-column", "ALTER TABLE sum_up DROP COLUMN w")
case("drop_generated_virtual", "drop-column", "ALTER TABLE sum_up DROP COLUMN area")
case("drop_generated_stored", "drop-column", "ALTER TABLE sum_up DROP COLUMN total")
case("drop_beside_generated", "drop-column", "ALTER TABLE sum_up DROP COLUMN extra")
case("drop_missing", "fails", "ALTER TABLE plant DROP COLUMN absent")
case("drop_missing_table", "fails", "ALTER TABLE nowhere DROP COLUMN a")
case("drop_only_column", "fails", "ALTER TABLE single DROP COLUMN a", setup=["CREATE TABLE single (a INT)"])
case("drop_column_if_exists", "fails", "ALTER TABLE plant DROP COLUMN IF EXISTS spare")
case("drop_two", "fails", "ALTER TABLE plant DROP COLUMN spare, DROP COLUMN memo")
case("drop_of_view", "fails", "ALTER TABLE plant_v DROP COLUMN name")
case("drop_from_without_rowid", "drop-column", "ALTER TABLE tool DROP COLUMN n")
case("drop_key_of_without_rowid", "drop-column", "ALTER TABLE tool DROP COLUMN code")
case("drop_from_strict", "drop-column", "ALTER TABLE tight DROP COLUMN t")
case("drop_with_broken_view_elsewhere", "drop-column", "ALTER TABLE loose DROP COLUMN k", setup=["CREATE VIEW broken_v AS SELECT absent FROM bed"])

# --- RENAME
case("rename_column", "rename-column", "ALTER TABLE plant RENAME COLUMN spare TO reserve")
case("rename_column_in_view", "rename-column", "ALTER TABLE plant RENAME COLUMN height TO tallness")
case("rename_column_indexed", "rename-column", "ALTER TABLE plant RENAME COLUMN nick TO handle")
case("rename_column_in_trigger", "rename-column", "ALTER TABLE plant RENAME COLUMN memo TO remark")
case("rename_column_referenced", "rename-column", "ALTER TABLE plant RENAME COLUMN id TO plant_no")
case("rename_column_in_generated", "rename-column", "ALTER TABLE sum_up RENAME COLUMN w TO width")
case("rename_column_taken", "fails", "ALTER TABLE plant RENAME COLUMN spare TO name")
case("rename_column_missing", "fails", "ALTER TABLE plant RENAME COLUMN absent TO a")
case("rename_column_ambiguous_star_view", "rename-column", "ALTER TABLE loose RENAME COLUMN k TO kk", setup=["CREATE VIEW loose_v AS SELECT * FROM loose"])
case("rename_column_broken_view_elsewhere", "rename-column", "ALTER TABLE loose RENAME COLUMN k TO kk", setup=["CREATE VIEW broken_v AS SELECT absent FROM bed"])
case("rename_column_broken_view_legacy", "rename-column", "ALTER TABLE loose RENAME COLUMN k TO kk", setup=["CREATE VIEW broken_v AS SELECT absent FROM bed", "PRAGMA legacy_alter_table=ON"])
case("rename_table", "rename-table", "ALTER TABLE plant RENAME TO herb")
case("rename_table_fk_off", "rename-table", "ALTER TABLE plant RENAME TO herb", foreign_keys=False)
case("rename_table_legacy", "rename-table", "ALTER TABLE plant RENAME TO herb", setup=["PRAGMA legacy_alter_table=ON"])
case("rename_table_legacy_fk_off", "rename-table", "ALTER TABLE plant RENAME TO herb", foreign_keys=False, setup=["PRAGMA legacy_alter_table=ON"])
case("rename_table_taken", "fails", "ALTER TABLE plant RENAME TO bed")
case("rename_table_missing", "fails", "ALTER TABLE nowhere RENAME TO a")
case("rename_table_if_exists", "fails", "ALTER TABLE IF EXISTS nowhere RENAME TO a")
case("rename_table_reserved", "fails", "ALTER TABLE plant RENAME TO sqlite_plant")
case("rename_view", "fails", "ALTER TABLE plant_v RENAME TO herb_v")
case("rename_table_broken_view_elsewhere", "rename-table", "ALTER TABLE loose RENAME TO slack", setup=["CREATE VIEW broken_v AS SELECT absent FROM nowhere"])
case("rename_table_statement", "fails", "RENAME TABLE plant TO herb")

# --- ALTER forms SQLite has late or never
case("alter_type", "alter-type", "ALTER TABLE plant ALTER COLUMN height TYPE TEXT")
case("alter_set_data_type", "alter-type", "ALTER TABLE plant ALTER COLUMN height SET DATA TYPE TEXT")
case("modify_column", "alter-type", "ALTER TABLE plant MODIFY COLUMN height TEXT")
case("change_column", "alter-type", "ALTER TABLE plant CHANGE height tall TEXT")
case("set_not_null", "set-not-null", "ALTER TABLE loose ALTER COLUMN full_text SET NOT NULL")
case("set_not_null_without_column_word", "set-not-null", "ALTER TABLE loose ALTER full_text SET NOT NULL")
case("set_not_null_has_nulls", "set-not-null", "ALTER TABLE loose ALTER COLUMN maybe SET NOT NULL")
case("set_not_null_already", "set-not-null", "ALTER TABLE checked ALTER COLUMN must SET NOT NULL")
case("set_not_null_missing", "fails", "ALTER TABLE loose ALTER COLUMN absent SET NOT NULL")
case("set_not_null_on_conflict", "set-not-null", "ALTER TABLE loose ALTER COLUMN full_text SET NOT NULL ON CONFLICT IGNORE")
case("set_not_null_in_view", "set-not-null", "ALTER TABLE plant ALTER COLUMN height SET NOT NULL")
case("drop_not_null", "drop-not-null", "ALTER TABLE checked ALTER COLUMN must DROP NOT NULL")
case("drop_not_null_not_there", "drop-not-null", "ALTER TABLE loose ALTER COLUMN k DROP NOT NULL")
case("drop_not_null_missing", "fails", "ALTER TABLE loose ALTER COLUMN absent DROP NOT NULL")
case("drop_not_null_key_without_rowid", "drop-not-null", "ALTER TABLE tool ALTER COLUMN code DROP NOT NULL")
case("set_default", "alter-default", "ALTER TABLE loose ALTER COLUMN k SET DEFAULT 5")
case("drop_default", "alter-default", "ALTER TABLE loose ALTER COLUMN d DROP DEFAULT")
case("add_constraint_check", "add-check", "ALTER TABLE loose ADD CONSTRAINT k_low CHECK (k < 100)")
case("add_check_unnamed", "add-check", "ALTER TABLE loose ADD CHECK (k < 100)")
case("add_constraint_check_violated", "add-check", "ALTER TABLE loose ADD CONSTRAINT k_lower CHECK (k < 3)")
case("add_constraint_check_taken", "add-check", "ALTER TABLE checked ADD CONSTRAINT u_small CHECK (u > 0)")
case("add_constraint_check_missing_column", "add-check", "ALTER TABLE loose ADD CONSTRAINT c CHECK (absent > 0)")
case("add_constraint_check_missing_table", "fails", "ALTER TABLE nowhere ADD CONSTRAINT c CHECK (a > 0)")
case("add_constraint_unique", "add-unique", "ALTER TABLE loose ADD CONSTRAINT u UNIQUE (k)")
case("add_constraint_fk", "add-fk", "ALTER TABLE loose ADD CONSTRAINT f FOREIGN KEY (k) REFERENCES bed(id)")
case("add_fk_unnamed", "add-fk", "ALTER TABLE loose ADD FOREIGN KEY (k) REFERENCES bed(id)")
case("add_constraint_primary_key", "add-primary-key", "ALTER TABLE loose ADD CONSTRAINT p PRIMARY KEY (k)")
case("drop_constraint_table_check", "drop-constraint", "ALTER TABLE checked DROP CONSTRAINT u_small")
case("drop_constraint_column_check", "drop-constraint", "ALTER TABLE checked DROP CONSTRAINT v_positive")
case("drop_constraint_missing", "fails", "ALTER TABLE checked DROP CONSTRAINT absent")
case("drop_constraint_if_exists", "fails", "ALTER TABLE checked DROP CONSTRAINT IF EXISTS absent")
case("drop_constraint_named_not_null", "drop-constraint", "ALTER TABLE named DROP CONSTRAINT nn", setup=["CREATE TABLE named (id INTEGER PRIMARY KEY, v TEXT CONSTRAINT nn NOT NULL)"])
case("drop_constraint_named_unique", "drop-constraint", "ALTER TABLE named DROP CONSTRAINT un", setup=["CREATE TABLE named (id INTEGER PRIMARY KEY, v TEXT, CONSTRAINT un UNIQUE (v))"])
case("drop_constraint_named_fk", "drop-constraint", "ALTER TABLE named DROP CONSTRAINT fk", setup=["CREATE TABLE named (id INTEGER PRIMARY KEY, v INT, CONSTRAINT fk FOREIGN KEY (v) REFERENCES bed(id))"])
case("drop_constraint_named_primary", "drop-constraint", "ALTER TABLE named DROP CONSTRAINT pk", setup=["CREATE TABLE named (id INT, v INT, CONSTRAINT pk PRIMARY KEY (id))"])
case("drop_constraint_unnamed_check", "fails", "ALTER TABLE plant DROP CONSTRAINT price")
case("drop_constraint_on_referenced_parent", "drop-constraint", "ALTER TABLE bed DROP CONSTRAINT absent")
case("add_constraint_not_null", "set-not-null", "ALTER TABLE loose ADD CONSTRAINT nn NOT NULL full_text")
case("add_constraint_check_on_view_column", "add-check", "ALTER TABLE plant ADD CONSTRAINT height_ok CHECK (height >= 0)")
case("add_constraint_check_to_view", "fails", "ALTER TABLE plant_v ADD CONSTRAINT c CHECK (id > 0)")
case("add_constraint_check_subquery", "fails", "ALTER TABLE loose ADD CONSTRAINT c CHECK (k IN (SELECT id FROM bed))")
case("set_not_null_generated", "set-not-null", "ALTER TABLE sum_up ALTER COLUMN area SET NOT NULL")
case("set_not_null_of_view", "fails", "ALTER TABLE plant_v ALTER COLUMN name SET NOT NULL")
case("set_not_null_strict", "set-not-null", "ALTER TABLE tight ALTER COLUMN t SET NOT NULL")
case("drop_not_null_named", "drop-not-null", "ALTER TABLE named ALTER COLUMN v DROP NOT NULL", setup=["CREATE TABLE named (id INTEGER PRIMARY KEY, v TEXT CONSTRAINT nn NOT NULL)"])
case("rename_index", "fails", "ALTER INDEX plant_nick RENAME TO plant_handle")
case("rename_constraint", "fails", "ALTER TABLE checked RENAME CONSTRAINT u_small TO u_low")

# --- Re-creation, as Alembic's batch mode does it
case("batch_fk_off", "table-recreate", ["DROP VIEW plant_v"] + BATCH, foreign_keys=False)
case("batch_with_view", "table-recreate", BATCH, foreign_keys=False)
case("batch_with_view_legacy", "table-recreate", BATCH, foreign_keys=False, setup=["PRAGMA legacy_alter_table=ON"])
case("batch_fk_on_cascade", "table-recreate", ["DROP VIEW plant_v"] + BATCH)
case("batch_fk_on_children_no_action", "table-recreate", ["DROP VIEW plant_v"] + BATCH, setup=[HARVEST])
case("batch_fk_off_children_no_action", "table-recreate", ["DROP VIEW plant_v"] + BATCH, foreign_keys=False, setup=[HARVEST])
case("batch_pragma_off_inside", "table-recreate", ["PRAGMA foreign_keys=OFF", "DROP VIEW plant_v"] + BATCH)
case("batch_pragma_off_inside_no_action", "table-recreate", ["PRAGMA foreign_keys=OFF", "DROP VIEW plant_v"] + BATCH, setup=[HARVEST])
case("batch_pragma_off_before", "table-recreate", ["DROP VIEW plant_v"] + BATCH, setup=[HARVEST, "PRAGMA foreign_keys=OFF"])
case("batch_defer_inside", "table-recreate", ["PRAGMA defer_foreign_keys=ON", "DROP VIEW plant_v"] + BATCH)
case("batch_defer_inside_no_action", "table-recreate", ["PRAGMA defer_foreign_keys=ON", "DROP VIEW plant_v"] + BATCH, setup=[HARVEST, "DELETE FROM watering", "DELETE FROM photo"])
case("batch_autocommit_fk_on", "table-recreate", ["DROP VIEW plant_v"] + BATCH, in_tx=False)
case("batch_autocommit_fk_on_no_action", "table-recreate", ["DROP VIEW plant_v"] + BATCH, in_tx=False, setup=[HARVEST])
case("batch_keeps_index", "table-recreate", ["DROP VIEW plant_v"] + BATCH + ["CREATE INDEX plant_nick ON plant (nick)"], foreign_keys=False)
case("batch_rename_old_away", "table-recreate", ["ALTER TABLE loose RENAME TO loose_old", "CREATE TABLE loose (id INTEGER PRIMARY KEY, k INT, maybe TEXT, full_text TEXT)", "INSERT INTO loose SELECT id, k, maybe, full_text FROM loose_old", "DROP TABLE loose_old"])
case("batch_rename_old_away_parent", "table-recreate", ["DROP VIEW plant_v", "ALTER TABLE plant RENAME TO plant_old", "CREATE TABLE plant (id INTEGER PRIMARY KEY, name TEXT, nick TEXT, latin TEXT, height INT)", "INSERT INTO plant SELECT id, name, nick, latin, height FROM plant_old", "DROP TABLE plant_old"], foreign_keys=False)
case("batch_not_null_with_nulls", "set-not-null", BATCH_LOOSE)
case("batch_not_null_without_nulls", "set-not-null", [s.replace("maybe TEXT NOT NULL, full_text TEXT", "maybe TEXT, full_text TEXT NOT NULL") for s in BATCH_LOOSE])
case("batch_tmp_left_over", "table-recreate", BATCH_LOOSE, setup=["CREATE TABLE _alembic_tmp_loose (id INTEGER)"])
case("batch_unique_violated", "add-unique", ["CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, k INTEGER, PRIMARY KEY (id), CONSTRAINT u UNIQUE (k))", "INSERT INTO _alembic_tmp_loose (id, k) SELECT loose.id, loose.k FROM loose", "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"])
case("batch_check_violated", "add-check", ["CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, k INTEGER, PRIMARY KEY (id), CONSTRAINT c CHECK (k < 3))", "INSERT INTO _alembic_tmp_loose (id, k) SELECT loose.id, loose.k FROM loose", "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"])
case("batch_drops_column", "drop-column", ["CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, k INTEGER, PRIMARY KEY (id))", "INSERT INTO _alembic_tmp_loose (id, k) SELECT loose.id, loose.k FROM loose", "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"])
case("batch_self_reference", "table-recreate", ["CREATE TABLE _alembic_tmp_part (id INTEGER NOT NULL, parent INTEGER, label VARCHAR(20), PRIMARY KEY (id), FOREIGN KEY(parent) REFERENCES part (id))", "INSERT INTO _alembic_tmp_part (id, parent, label) SELECT part.id, part.parent, part.label FROM part", "DROP TABLE part", "ALTER TABLE _alembic_tmp_part RENAME TO part"])
case("batch_self_reference_fk_off", "table-recreate", ["CREATE TABLE _alembic_tmp_part (id INTEGER NOT NULL, parent INTEGER, label VARCHAR(20), PRIMARY KEY (id), FOREIGN KEY(parent) REFERENCES part (id))", "INSERT INTO _alembic_tmp_part (id, parent, label) SELECT part.id, part.parent, part.label FROM part", "DROP TABLE part", "ALTER TABLE _alembic_tmp_part RENAME TO part"], foreign_keys=False)
case("batch_autoincrement_lost", "table-recreate", ["CREATE TABLE _alembic_tmp_counted (id INTEGER NOT NULL, v VARCHAR(10), PRIMARY KEY (id))", "INSERT INTO _alembic_tmp_counted (id, v) SELECT counted.id, counted.v FROM counted", "DROP TABLE counted", "ALTER TABLE _alembic_tmp_counted RENAME TO counted"])
case("batch_cast", "alter-type", ["CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, full_text INTEGER, PRIMARY KEY (id))", "INSERT INTO _alembic_tmp_loose (id, full_text) SELECT loose.id, CAST(loose.full_text AS INTEGER) AS full_text FROM loose", "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"])
case("batch_child_table", "table-recreate", ["CREATE TABLE _alembic_tmp_watering (id INTEGER NOT NULL, plant_id INTEGER, litres FLOAT, PRIMARY KEY (id))", "INSERT INTO _alembic_tmp_watering (id, plant_id, litres) SELECT watering.id, watering.plant_id, watering.litres FROM watering", "DROP TABLE watering", "ALTER TABLE _alembic_tmp_watering RENAME TO watering"])

# --- Tables, views, triggers, indexes
case("drop_table", "drop-table", "DROP TABLE loose")
case("drop_table_empty", "drop-table", "DROP TABLE hollow")
case("drop_table_if_exists_there", "drop-table", "DROP TABLE IF EXISTS loose")
case("drop_table_if_exists_missing", "drop-table", "DROP TABLE IF EXISTS nowhere")
case("drop_table_missing", "fails", "DROP TABLE nowhere")
case("drop_table_cascade_word", "fails", "DROP TABLE loose CASCADE")
case("drop_table_two", "fails", "DROP TABLE loose, hollow")
case("drop_table_parent_cascade", "drop-table", "DROP TABLE plant")
case("drop_table_parent_no_action", "drop-table", "DROP TABLE plant", setup=[HARVEST])
case("drop_table_parent_fk_off", "drop-table", "DROP TABLE plant", foreign_keys=False, setup=[HARVEST])
case("drop_table_parent_set_null", "drop-table", "DROP TABLE plant", setup=["DELETE FROM watering"])
case("drop_table_child", "drop-table", "DROP TABLE watering")
case("drop_table_child_then_parent", "drop-table", ["DROP TABLE watering", "DROP TABLE photo", "DROP TABLE harvest", "DROP TABLE plant"])
case("drop_table_self_reference", "drop-table", "DROP TABLE part")
case("drop_table_as_view", "fails", "DROP VIEW loose")
case("drop_view_as_table", "fails", "DROP TABLE plant_v")
case("create_table", "create-table", "CREATE TABLE fresh (id INTEGER PRIMARY KEY, v TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)")
case("create_table_there", "fails", "CREATE TABLE plant (id INTEGER PRIMARY KEY)")
case("create_table_if_not_exists", "create-table", "CREATE TABLE IF NOT EXISTS plant (id INTEGER PRIMARY KEY)")
case("create_table_as", "create-table", "CREATE TABLE fresh AS SELECT id, name FROM plant")
case("create_table_strict", "create-table", "CREATE TABLE fresh (id INTEGER PRIMARY KEY, v TEXT) STRICT")
case("create_table_strict_unknown_type", "fails", "CREATE TABLE fresh (id INTEGER PRIMARY KEY, v VARCHAR(20)) STRICT")
case("create_table_without_rowid", "create-table", "CREATE TABLE fresh (code TEXT PRIMARY KEY) WITHOUT ROWID")
case("create_table_without_rowid_no_key", "fails", "CREATE TABLE fresh (code TEXT) WITHOUT ROWID")
case("create_table_autoincrement_wrong_type", "fails", "CREATE TABLE fresh (id INT PRIMARY KEY AUTOINCREMENT)")
case("create_table_two_primary_keys", "fails", "CREATE TABLE fresh (a INTEGER PRIMARY KEY, b INTEGER PRIMARY KEY)")
case("create_table_missing_parent", "create-table", "CREATE TABLE fresh (id INTEGER PRIMARY KEY, x INT REFERENCES nowhere(id))")
case("create_table_duplicate_column", "fails", "CREATE TABLE fresh (a INT, A TEXT)")
case("create_table_fk_unknown_column", "fails", "CREATE TABLE fresh (a INT, FOREIGN KEY (b) REFERENCES bed(id))")
case("create_temp_table", "create-table", "CREATE TEMP TABLE fresh (a INT)")
case("create_virtual_fts5", "create-table", "CREATE VIRTUAL TABLE fresh USING fts5(body)")
case("create_virtual_unknown", "fails", "CREATE VIRTUAL TABLE fresh USING absent(body)")
case("create_table_reserved_name", "fails", "CREATE TABLE sqlite_fresh (a INT)")
case("create_index", "create-index", "CREATE INDEX plant_height ON plant(height)")
case("create_index_there", "fails", "CREATE INDEX plant_nick ON plant(height)")
case("create_index_if_not_exists", "create-index", "CREATE INDEX IF NOT EXISTS plant_nick ON plant(height)")
case("create_index_missing_column", "fails", "CREATE INDEX x ON plant(absent)")
case("create_index_quoted_missing_column", "create-index", "CREATE INDEX x ON plant(\"absent\")")
case("create_index_missing_table", "fails", "CREATE INDEX x ON nowhere(a)")
case("create_index_on_view", "fails", "CREATE INDEX x ON plant_v(id)")
case("create_index_concurrently", "fails", "CREATE INDEX CONCURRENTLY x ON plant(height)")
case("create_unique_index", "create-unique", "CREATE UNIQUE INDEX plant_name_u ON plant(name)")
case("create_unique_index_duplicates", "create-unique", "CREATE UNIQUE INDEX loose_k ON loose(k)")
case("create_unique_index_two_columns_duplicates", "create-unique", "CREATE UNIQUE INDEX loose_k ON loose(k, d)")
case("create_unique_index_nulls", "create-unique", "CREATE UNIQUE INDEX plant_spare ON plant(spare)")
case("create_partial_index", "create-index", "CREATE INDEX x ON plant(height) WHERE flag = 1")
case("create_expression_index", "create-index", "CREATE INDEX x ON plant(lower(name))")
case("create_expression_index_random", "fails", "CREATE INDEX x ON plant(random())")
case("create_expression_unique_duplicates", "create-unique", "CREATE UNIQUE INDEX x ON loose(k + 1)")
case("drop_index", "drop-index", FREE_NICK)
case("drop_index_missing", "fails", "DROP INDEX absent")
case("drop_index_if_exists_missing", "drop-index", "DROP INDEX IF EXISTS absent")
case("drop_index_of_unique", "fails", "DROP INDEX sqlite_autoindex_plant_1")
case("drop_index_on_table_form", "fails", "DROP INDEX plant_nick ON plant")
case("create_view", "view", "CREATE VIEW v2 AS SELECT id FROM bed")
case("create_view_missing_table", "view", "CREATE VIEW v2 AS SELECT id FROM nowhere")
case("create_or_replace_view", "fails", "CREATE OR REPLACE VIEW plant_v AS SELECT id FROM plant")
case("drop_view", "drop-view", "DROP VIEW plant_v")
case("drop_view_missing", "fails", "DROP VIEW absent")
case("create_trigger", "trigger", "CREATE TRIGGER t2 AFTER INSERT ON bed BEGIN UPDATE audit SET n = 1; END")
case("create_trigger_missing_table", "fails", "CREATE TRIGGER t2 AFTER INSERT ON nowhere BEGIN SELECT 1; END")
case("create_trigger_instead_of_on_table", "fails", "CREATE TRIGGER t2 INSTEAD OF INSERT ON bed BEGIN SELECT 1; END")
case("drop_trigger", "drop-trigger", "DROP TRIGGER plant_trg")
case("drop_trigger_missing", "fails", "DROP TRIGGER absent")

# --- DML
case("update_all", "dml-unbounded", "UPDATE plant SET height = height + 1")
case("update_by_key", "dml-bounded", "UPDATE plant SET height = 0 WHERE id = 5")
case("update_fill_nulls", "backfill", "UPDATE plant SET spare = 'none' WHERE spare IS NULL")
case("update_new_column", "backfill", ["ALTER TABLE plant ADD COLUMN fresh INT", "UPDATE plant SET fresh = 1"])
case("update_null_into_not_null", "fails", "UPDATE plant SET name = NULL")
case("update_unique_violated", "fails", "UPDATE plant SET latin = 'same'")
case("update_check_violated", "fails", "UPDATE plant SET price = -1")
case("update_named_check_violated", "fails", "UPDATE plant SET low = high + 1")
case("update_missing_parent", "fails", "UPDATE plant SET bed_id = 9999")
case("update_missing_parent_fk_off", "dml-unbounded", "UPDATE plant SET bed_id = 9999", foreign_keys=False)
case("update_strict_type", "fails", "UPDATE tight SET n = 'word'")
case("update_generated", "fails", "UPDATE sum_up SET area = 1")
case("update_missing_column", "fails", "UPDATE plant SET absent = 1")
case("update_varchar_longer", "dml-unbounded", "UPDATE plant SET nick = printf('%.200c', 'x') WHERE id > 0")
case("delete_all", "dml-unbounded", "DELETE FROM loose")
case("delete_by_key", "dml-bounded", "DELETE FROM loose WHERE id = 3")
case("delete_none", "dml-bounded", "DELETE FROM loose WHERE id = -1")
case("delete_parent_cascade", "dml-unbounded", "DELETE FROM plant WHERE id <= 10")
case("delete_parent_no_action", "fails", "DELETE FROM plant", setup=[HARVEST])
case("delete_parent_fk_off", "dml-unbounded", "DELETE FROM plant WHERE id <= 10", foreign_keys=False)
case("truncate", "fails", "TRUNCATE TABLE loose")
case("insert_select", "insert", "INSERT INTO hollow SELECT id, name FROM plant")
case("insert_column_count", "fails", "INSERT INTO hollow VALUES (1)")
case("insert_duplicate_key", "fails", "INSERT INTO bed VALUES (1, 'new', 1)")
case("insert_no_parent", "fails", "INSERT INTO watering(plant_id, litres) VALUES (99999, 1)")
case("insert_or_ignore", "insert", "INSERT OR IGNORE INTO bed VALUES (1, 'new', 1)")
case("insert_or_replace_parent", "replace", "INSERT OR REPLACE INTO plant(id, name, latin) VALUES (5, 'new', 'latin 5')")
case("replace_into_parent", "replace", "REPLACE INTO plant(id, name, latin) VALUES (5, 'new', 'latin 5')")
case("replace_into_parent_no_action", "replace", "REPLACE INTO plant(id, name, latin) VALUES (5, 'new', 'latin 5')", setup=[HARVEST])
case("replace_other_row_by_unique", "replace", "REPLACE INTO plant(id, name, latin) VALUES (900000, 'new', 'latin 5')", foreign_keys=False)
case("upsert", "insert", "INSERT INTO bed(id, code, area) VALUES (1, 'new', 1) ON CONFLICT(id) DO UPDATE SET code = excluded.code")

# --- Maintenance, pragmas, transactions
case("vacuum_in_tx", "vacuum-full", "VACUUM")
case("vacuum_alone", "vacuum-full", "VACUUM", in_tx=False)
case("reindex", "reindex", "REINDEX")
case("reindex_table", "reindex", "REINDEX plant")
case("reindex_missing", "fails", "REINDEX absent")
case("analyze", "analyze", "ANALYZE")
case("pragma_foreign_keys_in_tx", "pragma", "PRAGMA foreign_keys=OFF")
case("pragma_foreign_key_check", "pragma", "PRAGMA foreign_key_check")
case("pragma_defer_missing_parent", "pragma", ["PRAGMA defer_foreign_keys=ON", "UPDATE plant SET bed_id = 9999"])
case("pragma_defer_mended", "pragma", ["PRAGMA defer_foreign_keys=ON", "UPDATE plant SET bed_id = 9999 WHERE id = 1", "INSERT INTO bed VALUES (9999, 'late', 1)"])
case("pragma_user_version", "pragma", "PRAGMA user_version=7")
case("pragma_journal_mode_in_tx", "pragma", "PRAGMA journal_mode=WAL")
case("pragma_writable_schema", "pragma", ["PRAGMA writable_schema=ON", "UPDATE sqlite_master SET sql = replace(sql, 'full_text TEXT', 'full_text TEXT NOT NULL') WHERE name = 'loose'", "PRAGMA writable_schema=OFF"])
case("write_sqlite_master", "fails", "UPDATE sqlite_master SET sql = sql")
case("attach_in_tx", "attach", "ATTACH ':memory:' AS other")
case("attach_alone", "attach", "ATTACH ':memory:' AS other", in_tx=False)
case("detach_in_tx", "detach", "DETACH other", setup=["ATTACH ':memory:' AS other"])
case("begin_in_tx", "transaction", "BEGIN")
case("rollback_to_missing", "transaction", "ROLLBACK TO absent")
case("savepoint", "transaction", ["SAVEPOINT s", "DROP TABLE loose", "ROLLBACK TO s", "RELEASE s"])
case("ddl_rolls_back", "transaction", ["DROP TABLE loose", "ALTER TABLE plant DROP COLUMN spare", "ROLLBACK", "BEGIN"])
case("lock_table", "fails", "LOCK TABLE plant")
case("comment_on", "fails", "COMMENT ON TABLE plant IS 'x'")
case("create_schema", "fails", "CREATE SCHEMA s")
case("create_type", "fails", "CREATE TYPE mood AS ENUM ('a')")
case("create_sequence", "fails", "CREATE SEQUENCE s")
case("grant", "fails", "GRANT SELECT ON plant TO someone")
case("set_statement", "fails", "SET lock_timeout = '2s'")


# --- Three ways to a connection: all give run(sql) -> rows, steps(handler), close()

class Failed(Exception):
    pass


class Apsw:
    def __init__(self):
        import apsw
        self.apsw, self.connection = apsw, apsw.Connection(":memory:", statementcachesize=0)

    @staticmethod
    def version():
        import apsw
        return apsw.sqlitelibversion() if hasattr(apsw, "sqlitelibversion") else apsw.sqlite_lib_version()

    def run(self, sql):
        try:
            return list(self.connection.cursor().execute(sql))
        except self.apsw.Error as e:
            raise Failed(re.sub(r"^[A-Z]\w*Error: ", "", str(e)))

    def count_steps(self, on):
        set_handler = getattr(self.connection, "set_progress_handler", None) or self.connection.setprogresshandler
        set_handler(on, 20) if on else set_handler(None)

    def close(self):
        self.connection.close()


class Module:
    def __init__(self):
        import sqlite3
        self.sqlite3, self.connection = sqlite3, sqlite3.connect(":memory:", isolation_level=None, cached_statements=0)

    @staticmethod
    def version():
        import sqlite3
        return sqlite3.sqlite_version

    def run(self, sql):
        try:
            return self.connection.execute(sql).fetchall()
        except self.sqlite3.Error as e:
            raise Failed(str(e))

    def count_steps(self, on):
        self.connection.set_progress_handler(on, 20)

    def close(self):
        self.connection.close()


class Library:
    """Any libsqlite3 shared library."""
    path = None

    def __init__(self):
        self.lib = ctypes.CDLL(self.path)
        self.lib.sqlite3_errmsg.restype = ctypes.c_char_p
        self.lib.sqlite3_column_text.restype = ctypes.c_char_p
        self.db = ctypes.c_void_p()
        self.lib.sqlite3_open(b":memory:", ctypes.byref(self.db))

    @classmethod
    def version(cls):
        lib = ctypes.CDLL(cls.path)
        lib.sqlite3_libversion.restype = ctypes.c_char_p
        return lib.sqlite3_libversion().decode()

    def run(self, sql):
        statement = ctypes.c_void_p()
        rows = []
        text = sql.encode()
        if self.lib.sqlite3_prepare_v2(self.db, text, len(text), ctypes.byref(statement), None):
            raise Failed(self.lib.sqlite3_errmsg(self.db).decode())
        while True:
            code = self.lib.sqlite3_step(statement)
            if code == 100:
                n = self.lib.sqlite3_column_count(statement)
                rows.append(tuple(self.value(statement, i) for i in range(n)))
                continue
            message = self.lib.sqlite3_errmsg(self.db).decode()
            self.lib.sqlite3_finalize(statement)
            if code != 101:
                raise Failed(message)
            return rows

    def value(self, statement, i):
        if self.lib.sqlite3_column_type(statement, i) == 5:
            return None
        got = self.lib.sqlite3_column_text(statement, i)
        return got.decode()

    def count_steps(self, on):
        kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
        self.keep = kind(lambda _: 1 if on() else 0) if on else kind()
        self.lib.sqlite3_progress_handler(self.db, 20 if on else 0, self.keep, None)

    def close(self):
        self.lib.sqlite3_close_v2(self.db)


# --- Observation

def statements(text):
    return [s.strip() for s in re.split(r";\s*$", re.sub(r"^--.*$", "", text, flags=re.M), flags=re.M) if s.strip()]


with open(os.path.join(HERE, "sqlite_schema.sql"), encoding="utf-8") as f:
    SCHEMA = [s for s in statements(f.read())]


def quoted(name):
    return '"%s"' % name.replace('"', '""')


def snapshot(c):
    seen = {"objects": {}, "tables": {}}
    for kind, name, table, sql in c.run("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"):
        if name.startswith("sqlite_") and kind != "index":
            continue
        seen["objects"][(kind, name)] = (table, sql)
        if kind == "table" and not name.startswith("sqlite_"):
            try:
                columns = [r for r in c.run("PRAGMA table_xinfo(%s)" % quoted(name))]
            except Failed:
                columns = []
            if not columns:
                columns = c.run("PRAGMA table_info(%s)" % quoted(name))
            names = [r[1] for r in columns]
            rows = c.run("SELECT %s FROM %s" % (", ".join(map(quoted, names)), quoted(name)))
            seen["tables"][name] = {"columns": names, "rows": rows, "sql": sql,
                                    "not_null": {r[1] for r in columns if str(r[3]) == "1"},
                                    "default": {r[1] for r in columns if r[4] is not None},
                                    "computed": {r[1] for r in columns if len(r) > 6 and str(r[6]) in ("2", "3")}}
    return seen


def prepared(backend, rows, foreign_keys, setup, statement_list):
    c = backend()
    for s in SCHEMA:
        try:
            c.run(s.replace(":rows", str(rows)))
        except Failed as e:
            table = s.split()[2]
            if any(table in re.split(r"\W+", other) for other in setup + statement_list):
                raise Failed("%s: %s" % (table, e))
    c.run("PRAGMA foreign_keys=%s" % ("ON" if foreign_keys else "OFF"))
    for s in setup:
        c.run(s)
    return c


def carried_out(c, statement_list, in_tx):
    """The error and the number of the statement it came from, or None."""
    at = 0
    try:
        if in_tx:
            c.run("BEGIN")
        for at, s in enumerate(statement_list, 1):
            c.run(s)
        if in_tx:
            at = len(statement_list) + 1
            c.run("COMMIT")
    except Failed as e:
        return str(e), at
    return None


def steps(backend, rows, foreign_keys, options, statement_list):
    c = prepared(backend, rows, foreign_keys, options.get("setup", []), statement_list)
    count = [0]

    def one():
        count[0] += 1
        return 0
    c.count_steps(one)
    carried_out(c, statement_list, options.get("in_tx", True))
    c.count_steps(None)
    c.close()
    return count[0]


def refused_writes(c, before):
    """Tables into which nothing can be written any more, since a trigger or a foreign key broke.

    No statement cache may stand behind this: EXPLAIN runs without looking whether the schema changed.
    """
    refused = {}
    for t, had in before["tables"].items():
        for s in ("INSERT INTO %s DEFAULT VALUES", "UPDATE %%s SET %s = 1" % quoted(had["columns"][-1]), "DELETE FROM %s"):
            try:
                c.run("EXPLAIN QUERY PLAN " + s % quoted(t))
            except Failed as e:
                if not re.search("generated column|no such table: (main.)?%s$|no such column: \"?%s\"?$" % (t, had["columns"][-1]), str(e)):
                    refused["%s %s" % (t, s.split()[0].lower())] = str(e)
    return refused


def judge(before, after):
    found = {}
    rows_lost, columns_gone, changed, filled, weaker = {}, [], [], [], []
    renamed_tables = {}
    for t in before["tables"]:
        if t not in after["tables"]:
            for n in after["tables"]:
                if n not in before["tables"] and before["tables"][t]["rows"] and after["tables"][n]["rows"] == before["tables"][t]["rows"]:
                    renamed_tables[t] = n
    real_gone = False
    for t, old in before["tables"].items():
        name = renamed_tables.get(t, t)
        if name not in after["tables"]:
            rows_lost[t] = len(old["rows"])
            real_gone = True
            continue
        new = after["tables"][name]
        k = old["columns"][0]
        pairs = {}
        for i, col in enumerate(old["columns"]):
            if col in new["columns"]:
                pairs[col] = col
                continue
            columns_gone.append("%s.%s" % (t, col))
            if len(old["columns"]) == len(new["columns"]) and new["columns"][i] not in old["columns"]:
                pairs[col] = new["columns"][i]
            elif col not in old["computed"]:
                real_gone = True
        if k in pairs:
            at = new["columns"].index(pairs[k])
            now = {str(r[at]): r for r in new["rows"]}
            lost = [r for r in old["rows"] if str(r[0]) not in now]
            if lost:
                rows_lost[t] = len(lost)
            for col, to in pairs.items():
                i, j = old["columns"].index(col), new["columns"].index(to)
                both = [(r[i], now[str(r[0])][j]) for r in old["rows"] if str(r[0]) in now]
                if any(a != b for a, b in both) and col not in old["computed"]:
                    (filled if all(a is None or a == b for a, b in both) else changed).append("%s.%s" % (t, col))
        elif len(new["rows"]) < len(old["rows"]):
            rows_lost[t] = len(old["rows"]) - len(new["rows"])
        weaker += ["%s.%s not null" % (t, c) for c in sorted(old["not_null"]) if c in new["columns"] and c not in new["not_null"]]
        weaker += ["%s.%s default" % (t, c) for c in sorted(old["default"]) if c in new["columns"] and c not in new["default"]]
        for word in ("CHECK", "REFERENCES", "UNIQUE", "AUTOINCREMENT"):
            a, b = old["sql"].upper().count(word), new["sql"].upper().count(word)
            if b < a:
                weaker.append("%s %s" % (t, word.lower()))
    objects = []
    for (kind, name), (table, sql) in before["objects"].items():
        if (kind, name) in after["objects"] or kind == "table" and name in renamed_tables:
            continue
        if name.startswith("sqlite_autoindex"):
            continue
        objects.append("%s %s" % (kind, name))
    for key, value in (("rows_lost", {t: n for t, n in rows_lost.items() if n}), ("objects_lost", objects), ("columns_gone", columns_gone),
                       ("values_changed", changed), ("nulls_filled", filled), ("guarantees_lost", weaker), ("renamed", renamed_tables)):
        if value:
            found[key] = value
    if rows_lost or real_gone:
        found["data_loss"] = "high"
    elif changed:
        found["data_loss"] = "medium"
    elif objects or filled or weaker or columns_gone and any(c.split(".")[1] in before["tables"][c.split(".")[0]]["computed"] for c in columns_gone):
        found["data_loss"] = "low"
    else:
        found["data_loss"] = "none"
    return found


def observe(backend, foreign_keys, statement_list, options):
    in_tx = options.get("in_tx", True)
    c = prepared(backend, SMALL, foreign_keys, options.get("setup", []), statement_list)
    before = snapshot(c)
    refused_before = refused_writes(c, before)
    failed = carried_out(c, statement_list, in_tx)
    seen = {}
    if failed:
        seen["error"] = failed[0]
        if len(statement_list) > 1 or failed[1] > 1:
            seen["at"] = "COMMIT" if failed[1] > len(statement_list) else failed[1]
        if failed[1] > 1 and in_tx:
            try:
                kept = judge(before, snapshot(c))
                if kept["data_loss"] != "none":
                    seen["left_behind"] = kept
            except Failed:
                pass
        try:
            c.run("ROLLBACK")
        except Failed:
            pass
    if failed and in_tx:
        seen["data_loss"] = "none"
    else:
        try:
            after = snapshot(c)
            seen.update(judge(before, after))
            if not failed:
                broken = c.run("PRAGMA foreign_key_check")
                if broken:
                    seen["fk_violations"] = {t: sum(1 for r in broken if r[0] == t) for t in sorted({r[0] for r in broken})}
        except Failed as e:
            seen["broken_after"] = str(e)
            seen.setdefault("data_loss", "none")
        bad = []
        for kind, name in before["objects"]:
            if kind == "view":
                try:
                    c.run("SELECT * FROM %s LIMIT 0" % quoted(name))
                except Failed as e:
                    if "no such table: " + name not in str(e):
                        bad.append("%s: %s" % (name, e))
        if bad:
            seen["broken_views"] = bad
        if not failed:
            refused = {t: why for t, why in refused_writes(c, before).items() if t not in refused_before}
            if refused:
                seen["broken_writes"] = refused
    c.close()
    if not failed:
        few, many = (steps(backend, n, foreign_keys, options, statement_list) for n in (SMALL, LARGE))
        seen["reads_rows"] = many - few > (LARGE - SMALL) * 2 // 20
    return seen


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--library", default="")
    arguments.add_argument("--out", default=os.path.join(HERE, "sqlite.json"))
    options = arguments.parse_args()
    names = [c[0] for c in CASES]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)
    if options.library:
        Library.path, backend = os.path.abspath(options.library), Library
    else:
        try:
            import apsw  # noqa: F401
            backend = Apsw
        except ImportError:
            backend = Module
    version = backend.version()
    kept = {}
    if os.path.exists(options.out):
        with open(options.out, encoding="utf-8") as f:
            kept = {c["id"]: c["observed"] for c in json.load(f)["cases"]}
    order = lambda v: [int(n) for n in v.split(".")]
    cases, versions = [], {version}
    for name, hazard, statement_list, foreign_keys, extra in CASES:
        try:
            seen = observe(backend, foreign_keys, statement_list, extra)
        except Failed as e:
            seen = {"not_observed": str(e)}
        groups = [dict(g, sqlite=[v for v in g["sqlite"] if v != version]) for g in kept.get(name, [])]
        for g in groups:
            if {k: v for k, v in g.items() if k != "sqlite"} == json.loads(json.dumps(seen)):
                g["sqlite"] = sorted(g["sqlite"] + [version], key=order)
                break
        else:
            groups.append(dict({"sqlite": [version]}, **seen))
        groups = sorted((g for g in groups if g["sqlite"]), key=lambda g: order(g["sqlite"][0]))
        versions.update(v for g in groups for v in g["sqlite"])
        one = {"id": name, "hazard": hazard, "foreign_keys": foreign_keys, "setup": extra.get("setup", []), "statement": statement_list}
        if not extra.get("in_tx", True):
            one["in_tx"] = False
        one["observed"] = groups
        cases.append(one)
    head = {"sqlite": sorted(versions, key=order),
            "about": "each case in one transaction (unless in_tx is false) on a new in-memory database made by sqlite_schema.sql; foreign_keys is the pragma before BEGIN, setup runs between; "
                     "an error is followed by ROLLBACK; at: which statement failed; left_behind: what had already gone by then; fk_violations: PRAGMA foreign_key_check afterwards; "
                     "reads_rows: the work grew with the number of rows; broken_views, broken_writes: what fails afterwards with its message; not_observed: this version does not know the case's schema or setup; data_loss: high rows, columns or tables gone; medium values changed; low a definition or guarantee gone, or only NULLs filled"}
    with open(options.out, "w", encoding="utf-8") as f:
        f.write("{\n")
        for k, v in head.items():
            f.write(" %s: %s,\n" % (json.dumps(k), json.dumps(v)))
        f.write(' "cases": [\n')
        f.write(",\n".join("  " + json.dumps(c, ensure_ascii=False) for c in cases))
        f.write("\n ]\n}\n")
    print("%s: %d cases, SQLite %s" % (os.path.basename(options.out), len(cases), version))


if __name__ == "__main__":
    main()

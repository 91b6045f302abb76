#!/usr/bin/env python3
"""Cases of kinds that sqlite.json and sqlite_further.json lack, on their schema, written before anybody looked at what
we say of them; observed by observe_sqlite.py with its arguments; writes or extends sqlite_kinds.json.

usage: observe_sqlite_kinds.py [--library libsqlite3.so]     one version
"""
import os
import sys

import observe_sqlite as observer

observer.CASES.clear()
case = observer.case


def again(table, columns, definition, before=(), behind=()):
    """A table made anew as Alembic's batch does it."""
    return [*before, f"CREATE TABLE _alembic_tmp_{table} ({definition})", f"INSERT INTO _alembic_tmp_{table} ({columns}) SELECT {columns} FROM {table}",
            f"DROP TABLE {table}", f"ALTER TABLE _alembic_tmp_{table} RENAME TO {table}", *behind]


LOOSE = "id INTEGER NOT NULL, k INT, maybe TEXT, full_text TEXT, d TEXT"
# --- tables made anew
case("again_same", "table-recreate", again("loose", "id, k, maybe, full_text, d", LOOSE + ", PRIMARY KEY (id)"))
case("again_new_type", "table-recreate", again("loose", "id, k, maybe, full_text, d", LOOSE.replace("k INT", "k TEXT") + ", PRIMARY KEY (id)"))
case("again_unique_broken", "table-recreate", again("loose", "id, k, maybe, full_text, d", LOOSE + ", PRIMARY KEY (id), UNIQUE (k)"))
case("again_check_holds", "table-recreate", again("loose", "id, k, maybe, full_text, d", LOOSE + ", PRIMARY KEY (id), CHECK (k >= 0)"))
case("again_required_with_value", "table-recreate", [
    "CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, k INT, level INT NOT NULL, PRIMARY KEY (id))",
    "INSERT INTO _alembic_tmp_loose (id, k, level) SELECT id, k, 1 FROM loose", "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"])
case("again_some_rows", "table-recreate", [
    "CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, k INT, PRIMARY KEY (id))",
    "INSERT INTO _alembic_tmp_loose (id, k) SELECT id, k FROM loose WHERE k > 2", "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"])
case("again_renamed_column", "table-recreate", [
    "CREATE TABLE _alembic_tmp_loose (id INTEGER NOT NULL, k INT, perhaps TEXT, full_text TEXT, d TEXT, PRIMARY KEY (id))",
    "INSERT INTO _alembic_tmp_loose (id, k, perhaps, full_text, d) SELECT id, k, maybe, full_text, d FROM loose", "DROP TABLE loose", "ALTER TABLE _alembic_tmp_loose RENAME TO loose"])
case("again_keeps_trigger", "table-recreate", again("bed", "id, code, area", "id INTEGER NOT NULL, code TEXT NOT NULL, area INT, PRIMARY KEY (id), UNIQUE (code)"), foreign_keys=False)
case("again_strict", "table-recreate", again("tight", "id, n, t", "id INTEGER NOT NULL, n INT, t TEXT, PRIMARY KEY (id)"))
case("again_without_rowid", "table-recreate", again("tool", "code, label, n", "code TEXT NOT NULL, label TEXT, n INT, PRIMARY KEY (code)"))
case("again_of_generated", "table-recreate", again("sum_up", "id, w, h, extra", "id INTEGER NOT NULL, w INT, h INT, extra TEXT, PRIMARY KEY (id)"))
# --- columns
case("add_default_null_not_null_empty", "add-column-required", "ALTER TABLE hollow ADD COLUMN a TEXT NOT NULL DEFAULT NULL")
case("add_blob_default", "add-column-default", "ALTER TABLE loose ADD COLUMN b BLOB NOT NULL DEFAULT x'00'")
case("add_current_time_in_brackets", "fails", "ALTER TABLE loose ADD COLUMN b TEXT DEFAULT (CURRENT_TIMESTAMP)")
case("add_date_type_default", "add-column-default", "ALTER TABLE loose ADD COLUMN b DATE DEFAULT '2026-01-01'")
case("add_two_statements", "add-column", ["ALTER TABLE loose ADD COLUMN a1 INT", "ALTER TABLE loose ADD COLUMN a2 TEXT DEFAULT 'x'", "UPDATE loose SET a1 = k"])
case("add_collate_unknown", "fails", "ALTER TABLE loose ADD COLUMN b TEXT COLLATE GERMAN")
case("drop_two_statements", "drop-column", ["ALTER TABLE loose DROP COLUMN maybe", "ALTER TABLE loose DROP COLUMN d"])
case("drop_then_add_same", "drop-column", ["ALTER TABLE loose DROP COLUMN k", "ALTER TABLE loose ADD COLUMN k TEXT"])
case("rename_and_use_old", "fails", ["ALTER TABLE loose RENAME COLUMN k TO number", "UPDATE loose SET k = 1"])
case("rename_and_back", "rename-column", ["ALTER TABLE loose RENAME COLUMN k TO number", "ALTER TABLE loose RENAME COLUMN number TO k"])
# --- indexes, tables
case("index_many_columns", "create-index", "CREATE INDEX plant_many ON plant(name, height DESC, nick COLLATE NOCASE)")
case("index_two_and_drop", "create-index", ["CREATE INDEX loose_k ON loose(k)", "DROP INDEX loose_k"])
case("unique_index_of_text", "create-index-unique", "CREATE UNIQUE INDEX loose_text ON loose(full_text)")
case("index_on_generated", "create-index", "CREATE INDEX sum_up_area ON sum_up(area)")
case("index_not_deterministic_date", "fails", "CREATE INDEX loose_now ON loose(date('now'))")
case("drop_and_create_again", "drop-table", ["DROP TABLE loose", "CREATE TABLE loose (id INTEGER PRIMARY KEY, k INT)"])
case("create_fill_and_use", "create-table", ["CREATE TABLE fresh (id INTEGER PRIMARY KEY, v TEXT NOT NULL)", "INSERT INTO fresh(v) VALUES ('a'), ('b')", "CREATE UNIQUE INDEX fresh_v ON fresh(v)"])
case("create_fill_broken", "fails", ["CREATE TABLE fresh (id INTEGER PRIMARY KEY, v TEXT NOT NULL)", "INSERT INTO fresh(v) VALUES ('a'), (NULL)"])
case("view_of_missing_column", "view", "CREATE VIEW v9 AS SELECT absent FROM plant")
case("view_replaced", "view", ["DROP VIEW plant_v", "CREATE VIEW plant_v AS SELECT id, name FROM plant"])
# --- rows
case("update_key_range", "dml", "UPDATE loose SET d = 'y' WHERE id BETWEEN 5 AND 9")
case("update_key_open_range", "dml", "UPDATE loose SET d = 'y' WHERE id > 5")
case("update_two_keys", "dml", "UPDATE loose SET d = 'y' WHERE id = 5 OR id = 9")
case("update_in_query", "dml", "UPDATE loose SET d = 'y' WHERE id IN (SELECT id FROM plant WHERE flag = 1)")
case("update_from", "dml", "UPDATE loose SET d = plant.name FROM plant WHERE plant.id = loose.id")
case("delete_in_query", "dml", "DELETE FROM loose WHERE id IN (SELECT id FROM plant WHERE flag = 1)")
case("delete_no_row", "dml", "DELETE FROM hollow")
case("insert_select_null", "fails", "INSERT INTO bed(code, area) SELECT spare, 1 FROM plant")
case("insert_default_values", "insert", "INSERT INTO hollow DEFAULT VALUES")

if __name__ == "__main__":
    if "--out" not in sys.argv:
        sys.argv += ["--out", os.path.join(observer.HERE, "sqlite_kinds.json")]
    observer.main()

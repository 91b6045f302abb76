//! SQLite's facts, 3.25 to 3.54. `t` is the table of the examples, with rows; `c` points at `p` with `ON DELETE CASCADE`.

use crate::dialect::Dialect;
use crate::effects::Work;
use crate::effects::fact::{Fact, LockMode, Role, Source};

use Work::{Instant, Rewrite, Scan};

const ALTER: &str = "sqlite-alter#alter-table";
const CONSTRAINT: &str = "sqlite-alter#constraints";
const DROP: &str = "sqlite-alter#drop";
const CREATE: &str = "sqlite-alter#create";
const DATA: &str = "sqlite-alter#data";
const OTHER: &str = "sqlite-alter#other-statements";

type Locks = &'static [(Role, LockMode)];

/// One writer for the whole database.
const WRITES: Locks = &[(Role::Target, LockMode::Database)];
const READS: Locks = &[];

#[allow(clippy::too_many_arguments)] // A row has that many cells.
const fn between(
    first: u16,
    last: u16,
    situation: &'static str,
    locks: Locks,
    work: Work,
    cite: &'static str,
    setup: &'static str,
    sql: &'static str,
) -> Fact {
    let source = Source::Measured { setup, sql };
    Fact { situation, dialect: Dialect::Sqlite, first: (3, first), last: (3, last), locks, work, algorithm: "", source, cite }
}

const fn writes(situation: &'static str, work: Work, cite: &'static str, setup: &'static str, sql: &'static str) -> Fact {
    between(25, 99, situation, WRITES, work, cite, setup, sql)
}

const fn reads(situation: &'static str, work: Work, cite: &'static str, setup: &'static str, sql: &'static str) -> Fact {
    between(25, 99, situation, READS, work, cite, setup, sql)
}

/// All rows.
pub const FACTS: &[Fact] = &[
    writes("add_column", Instant, ALTER, "", "ALTER TABLE t ADD COLUMN n INT DEFAULT 5"),
    between(25, 36, "add_column_checked", WRITES, Instant, ALTER, "", "ALTER TABLE t ADD COLUMN n INT DEFAULT 5 CHECK (n > 1)"),
    between(37, 99, "add_column_checked", WRITES, Scan, ALTER, "", "ALTER TABLE t ADD COLUMN n INT DEFAULT 5 CHECK (n > 1)"),
    between(37, 44, "add_column_to_strict", WRITES, Instant, ALTER, "", "ALTER TABLE tight ADD COLUMN n INT"),
    between(45, 99, "add_column_to_strict", WRITES, Scan, ALTER, "", "ALTER TABLE tight ADD COLUMN n INT"),
    between(35, 99, "drop_column", WRITES, Rewrite, ALTER, "", "ALTER TABLE t DROP COLUMN a"),
    between(35, 99, "drop_virtual_column", WRITES, Instant, ALTER, "", "ALTER TABLE g DROP COLUMN v"),
    writes("rename_column", Instant, ALTER, "", "ALTER TABLE t RENAME COLUMN a TO n"),
    writes("rename_table", Instant, ALTER, "", "ALTER TABLE t RENAME TO n"),
    between(53, 99, "set_not_null", WRITES, Scan, CONSTRAINT, "", "ALTER TABLE t ALTER COLUMN a SET NOT NULL"),
    between(53, 99, "set_not_null_that_is", WRITES, Instant, CONSTRAINT, "", "ALTER TABLE t ALTER COLUMN b SET NOT NULL"),
    between(53, 99, "drop_not_null", WRITES, Instant, CONSTRAINT, "", "ALTER TABLE t ALTER COLUMN b DROP NOT NULL"),
    between(53, 99, "add_check", WRITES, Scan, CONSTRAINT, "", "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)"),
    between(
        53,
        99,
        "drop_constraint",
        WRITES,
        Instant,
        CONSTRAINT,
        "CREATE TABLE k (a INT CONSTRAINT k_a CHECK (a > 0))",
        "ALTER TABLE k DROP CONSTRAINT k_a",
    ),
    writes("create_table", Instant, CREATE, "", "CREATE TABLE n (id INTEGER PRIMARY KEY)"),
    writes("create_table_as", Scan, CREATE, "", "CREATE TABLE n AS SELECT id, a FROM t"),
    writes("create_index", Scan, CREATE, "", "CREATE INDEX n ON t (a)"),
    writes("create_view", Instant, CREATE, "", "CREATE VIEW n AS SELECT id FROM t"),
    writes("create_trigger", Instant, CREATE, "", "CREATE TRIGGER n AFTER INSERT ON t BEGIN UPDATE p SET n = 1; END"),
    writes("drop_table", Instant, DROP, "", "DROP TABLE t"),
    writes("drop_parent", Scan, DROP, "PRAGMA foreign_keys = ON", "DROP TABLE p"),
    writes("drop_index", Instant, DROP, "CREATE INDEX t_a ON t (a)", "DROP INDEX t_a"),
    writes("drop_view", Instant, DROP, "CREATE VIEW v AS SELECT id FROM t", "DROP VIEW v"),
    writes("drop_trigger", Instant, DROP, "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END", "DROP TRIGGER g"),
    writes("insert", Instant, DATA, "", "INSERT INTO t (id, b) VALUES (-1, 'x')"),
    writes("insert_select", Scan, DATA, "CREATE TABLE n (id INTEGER PRIMARY KEY, a INT)", "INSERT INTO n SELECT id, a FROM t"),
    writes("update", Instant, DATA, "", "UPDATE t SET a = 0 WHERE id = 5"),
    writes("update_all", Scan, DATA, "", "UPDATE t SET a = a + 1"),
    writes("delete", Instant, DATA, "", "DELETE FROM t WHERE id = 5"),
    writes("delete_some", Scan, DATA, "", "DELETE FROM t WHERE a = 5"),
    writes("delete_all", Instant, DATA, "", "DELETE FROM t"),
    writes("delete_parent", Scan, DATA, "PRAGMA foreign_keys = ON", "DELETE FROM p"),
    reads("select", Scan, DATA, "", "SELECT count(b) FROM t"),
    writes("vacuum", Rewrite, OTHER, "", "VACUUM"),
    writes("reindex", Scan, OTHER, "CREATE INDEX t_a ON t (a)", "REINDEX t"),
    writes("analyze", Scan, OTHER, "CREATE INDEX t_a ON t (a)", "ANALYZE"),
    writes("pragma_writes", Instant, OTHER, "", "PRAGMA user_version = 7"),
    reads("pragma", Instant, OTHER, "", "PRAGMA foreign_keys = OFF"),
    reads("pragma_check", Scan, OTHER, "", "PRAGMA foreign_key_check"),
    reads("other", Instant, OTHER, "", "ATTACH ':memory:' AS other"),
];

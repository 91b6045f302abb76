//! MySQL's and MariaDB's facts. `t` is the table of the examples, with rows: `id` its key, `a` a `VARCHAR(20)` with an
//! index `t_a`, `b` an `INT`, `c` a `VARCHAR(50)`, `e` an `ENUM('x','y')`; `r` is referenced by it, `p` is partitioned.
//!
//! A release is written as `(major, minor)` for MariaDB, and as `(major, minor * 100 + patch)` for MySQL, whose online
//! DDL changed within 8.0: 8.0.29 is `(8, 29)`, 5.7 is `(5, 700)`, 8.4 is `(8, 400)`.

use std::sync::LazyLock;

use crate::dialect::{Dialect, ServerVersion};
use crate::effects::Work;
use crate::effects::fact::{Fact, LockMode, Role, Source};

use LockMode::{OnlineExclusive as X, OnlineNone as N, OnlineShared as S};
use Role::Target;
use Work::{Instant, Rewrite, Scan};

const ONLINE: &str = "mysql-online-ddl#alter-table";
const INDEX: &str = "mysql-online-ddl#indexes";
const KEY: &str = "mysql-online-ddl#keys";
const TYPE: &str = "mysql-online-ddl#types";
const TABLE: &str = "mysql-online-ddl#tables";
const PARTITION: &str = "mysql-online-ddl#partitions";
const DATA: &str = "mysql-online-ddl#data";

/// The version as the rows write it. `8.0` alone is the newest of its patches.
#[must_use]
pub const fn release(dialect: Dialect, version: ServerVersion) -> (u16, u16) {
    match (dialect, version.major, version.minor, version.patch) {
        (Dialect::Mysql, 8, 0, 0) => (8, 99),
        (Dialect::Mariadb, 10, 0, 0) => (10, 11),
        (Dialect::Mysql, major, minor, patch) => (major, minor * 100 + patch),
        (_, major, minor, _) => (major, minor),
    }
}

/// 5.7 to the newest that was read.
const OLD: (u16, u16) = (5, 700);
const EIGHT: (u16, u16) = (8, 0);
const INSTANT_ADD: (u16, u16) = (8, 12);
const CHECKS: (u16, u16) = (8, 16);
const INSTANT_RENAME: (u16, u16) = (8, 28);
const INSTANT_DROP: (u16, u16) = (8, 29);
const NEWEST: (u16, u16) = (9, 799);

/// The release in front of another one.
const fn before(release: (u16, u16)) -> (u16, u16) {
    if release.1 == 0 { (release.0 - 1, u16::MAX) } else { (release.0, release.1 - 1) }
}

const fn locks(mode: LockMode) -> &'static [(Role, LockMode)] {
    match mode {
        S => &[(Target, S)],
        X => &[(Target, X)],
        _ => &[(Target, N)],
    }
}

const fn row(
    dialect: Dialect,
    versions: ((u16, u16), (u16, u16)),
    situation: &'static str,
    class: (&'static str, LockMode, Work),
    cite: &'static str,
    source: Source,
) -> Fact {
    let (first, last) = versions;
    let (algorithm, mode, work) = class;
    Fact { situation, dialect, first, last, locks: locks(mode), work, algorithm, source, cite }
}

/// Measured on MariaDB 10.11.
const fn measured(
    situation: &'static str,
    class: (&'static str, LockMode, Work),
    cite: &'static str,
    setup: &'static str,
    sql: &'static str,
) -> Fact {
    row(Dialect::Mariadb, ((10, 11), (10, 11)), situation, class, cite, Source::Measured { setup, sql })
}

/// MariaDB 10.6 to 10.10: the knowledge base says the same as was measured on 10.11.
fn older(measured: &Fact) -> Option<Fact> {
    let source = Source::Manual("MariaDB Knowledge Base, InnoDB Online DDL Overview: the same since 10.6; measured on 10.11");
    let known = !SINCE_10_11.contains(&measured.situation);
    known.then_some(Fact { first: (10, 6), last: (10, 10), source, ..*measured })
}

/// Nothing is known of these before 10.11: 10.5 copied the table for them.
const SINCE_10_11: &[&str] = &["widen_charset_indexed", "change_collation_indexed"];

/// MariaDB 11.0 and 11.1: as 10.11.
fn newer(measured: &Fact) -> Fact {
    let source = Source::Manual("MariaDB Knowledge Base, InnoDB Online DDL Overview: no other words for 11.0, 11.1; measured on 10.11");
    Fact { first: (11, 0), last: (11, 1), source, ..*measured }
}

/// MariaDB 11.2 and newer let others write while a table is copied. What is done in place locks as before.
fn online(measured: &Fact) -> Fact {
    let source = Source::Manual("MariaDB Knowledge Base, ALTER TABLE, LOCK=NONE for ALGORITHM=COPY since 11.2; measured on 11.8");
    let copied_online = measured.algorithm == "COPY" && !STILL_SHARED.contains(&measured.situation);
    Fact { first: (11, 2), last: (12, 99), locks: if copied_online { locks(N) } else { measured.locks }, source, ..*measured }
}

/// Others wait for these copies on 11.2 too.
const STILL_SHARED: &[&str] = &["gain_auto_increment", "copy_ignoring"];

/// In place with writers waiting, unless `LOCK=NONE` is asked for: then MariaDB 11.2 and newer copy the table instead.
///
/// Measured on 11.8: with `LOCK=NONE` they are accepted, with `ALGORITHM=INPLACE, LOCK=NONE` refused, and without a clause
/// an `INSERT` waits to their end.
pub(crate) const COPIED_FOR_LOCK_NONE: &[&str] = &[
    "add_column_virtual_and_index",
    "add_fulltext_first",
    "add_fulltext",
    "add_spatial",
    "rebuild_with_fulltext",
    "rebuild_with_virtual_index",
];

type Class = (&'static str, LockMode, Work);
const INSTANT: Class = ("INSTANT", N, Instant);
const NOCOPY: Class = ("NOCOPY", N, Scan);
const NOCOPY_SHARED: Class = ("NOCOPY", S, Scan);
const REBUILD: Class = ("INPLACE", N, Rewrite);
const REBUILD_SHARED: Class = ("INPLACE", S, Rewrite);
const COPY: Class = ("COPY", S, Rewrite);
/// MySQL: in place, only the catalogue is written; by its words no less than an index that is built.
const METADATA: Class = INPLACE;
/// MySQL: in place, without a rebuild.
const INPLACE: Class = ("INPLACE", N, Scan);
const INPLACE_SHARED: Class = ("INPLACE", S, Scan);
/// No `ALGORITHM` or `LOCK` clause can be written.
const AT_ONCE: Class = ("", X, Instant);
const QUIET: Class = ("", N, Instant);

const MEASURED: &[Fact] = &[
    measured("no_change", INSTANT, ONLINE, "", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a VARCHAR(20)"),
    measured("add_column", INSTANT, ONLINE, "", "ALTER TABLE t ADD COLUMN n VARCHAR(20) NOT NULL DEFAULT 'x' AFTER a"),
    measured("add_column_rebuild", REBUILD, ONLINE, "", "ALTER TABLE t ADD COLUMN n INT, ADD INDEX t_n (n)"),
    measured("add_column_default_expression", COPY, ONLINE, "", "ALTER TABLE t ADD COLUMN n CHAR(36) DEFAULT (UUID())"),
    measured(
        "add_column_auto_increment",
        REBUILD_SHARED,
        ONLINE,
        "CREATE OR REPLACE TABLE t (a INT) AS SELECT 1 AS a",
        "ALTER TABLE t ADD COLUMN n INT AUTO_INCREMENT UNIQUE",
    ),
    measured("add_column_unique", REBUILD, ONLINE, "", "ALTER TABLE t ADD COLUMN n VARCHAR(20) UNIQUE"),
    measured("add_column_references", COPY, ONLINE, "", "ALTER TABLE t ADD COLUMN n INT REFERENCES r (id)"),
    measured(
        "add_column_references_unchecked",
        REBUILD,
        ONLINE,
        "SET foreign_key_checks=0",
        "ALTER TABLE t ADD COLUMN n INT REFERENCES r (id)",
    ),
    measured("add_column_virtual", INSTANT, ONLINE, "", "ALTER TABLE t ADD COLUMN n INT AS (b * 2) VIRTUAL"),
    measured("add_column_virtual_and_plain", COPY, ONLINE, "", "ALTER TABLE t ADD COLUMN n INT AS (b * 2) VIRTUAL, ADD COLUMN m INT"),
    measured(
        "add_column_virtual_and_index",
        NOCOPY_SHARED,
        ONLINE,
        "",
        "ALTER TABLE t ADD COLUMN n INT AS (b * 2) VIRTUAL, ADD INDEX t_n (n)",
    ),
    measured("add_column_stored", COPY, ONLINE, "", "ALTER TABLE t ADD COLUMN n INT AS (b * 2) STORED"),
    measured("drop_column", INSTANT, ONLINE, "", "ALTER TABLE t DROP COLUMN b"),
    measured("drop_column_indexed", NOCOPY, ONLINE, "", "ALTER TABLE t DROP COLUMN a"),
    measured("drop_column_of_index", REBUILD, ONLINE, "ALTER TABLE t ADD INDEX t_bc (b, c)", "ALTER TABLE t DROP COLUMN b"),
    measured("drop_column_of_primary_key", COPY, ONLINE, "", "ALTER TABLE t DROP COLUMN id"),
    measured("drop_column_virtual", INSTANT, ONLINE, "ALTER TABLE t ADD COLUMN n INT AS (b * 2) VIRTUAL", "ALTER TABLE t DROP COLUMN n"),
    measured("drop_column_stored", INSTANT, ONLINE, "ALTER TABLE t ADD COLUMN n INT AS (b * 2) STORED", "ALTER TABLE t DROP COLUMN n"),
    measured("rename_column", INSTANT, ONLINE, "", "ALTER TABLE t RENAME COLUMN a TO z"),
    measured("move_column", INSTANT, ONLINE, "", "ALTER TABLE t MODIFY b INT FIRST"),
    measured("column_default", INSTANT, ONLINE, "", "ALTER TABLE t ALTER COLUMN b SET DEFAULT 5"),
    measured("column_metadata", INSTANT, ONLINE, "", "ALTER TABLE t MODIFY b INT COMMENT 'x'"),
    measured("set_not_null", REBUILD, ONLINE, "", "ALTER TABLE t MODIFY b INT NOT NULL"),
    measured(
        "set_not_null_beside_stored",
        COPY,
        ONLINE,
        "ALTER TABLE t ADD COLUMN n INT AS (b * 2) STORED",
        "ALTER TABLE t MODIFY c VARCHAR(50) NOT NULL",
    ),
    measured("drop_not_null", REBUILD, ONLINE, "ALTER TABLE t MODIFY b INT NOT NULL", "ALTER TABLE t MODIFY b INT"),
    measured(
        "drop_not_null_redundant",
        INSTANT,
        ONLINE,
        "ALTER TABLE t MODIFY b INT NOT NULL, ROW_FORMAT=REDUNDANT",
        "ALTER TABLE t MODIFY b INT",
    ),
    measured(
        "lose_auto_increment",
        INSTANT,
        ONLINE,
        "ALTER TABLE t MODIFY id INT NOT NULL AUTO_INCREMENT",
        "ALTER TABLE t MODIFY id INT NOT NULL",
    ),
    measured("gain_auto_increment", COPY, ONLINE, "", "ALTER TABLE t MODIFY id INT NOT NULL AUTO_INCREMENT"),
    measured("column_check", INSTANT, ONLINE, "", "ALTER TABLE t MODIFY b INT CHECK (b > 0)"),
    measured("widen_varchar", INSTANT, TYPE, "", "ALTER TABLE t MODIFY c VARCHAR(60)"),
    measured("widen_varchar_across", COPY, TYPE, "", "ALTER TABLE t MODIFY c VARCHAR(64)"),
    measured("widen_varchar_lenient", INSTANT, TYPE, "", "ALTER TABLE t MODIFY a VARCHAR(200)"),
    measured("narrow_type", COPY, TYPE, "", "ALTER TABLE t MODIFY c VARCHAR(45)"),
    measured("change_type", COPY, TYPE, "", "ALTER TABLE t MODIFY b BIGINT"),
    measured("change_unknown_column", COPY, TYPE, "", "ALTER TABLE t MODIFY b BIGINT"),
    measured("change_charset", COPY, TYPE, "", "ALTER TABLE t MODIFY c VARCHAR(50) CHARACTER SET utf8mb3"),
    measured(
        "widen_charset",
        INSTANT,
        TYPE,
        "ALTER TABLE t MODIFY c VARCHAR(20) CHARACTER SET utf8mb3",
        "ALTER TABLE t MODIFY c VARCHAR(20) CHARACTER SET utf8mb4",
    ),
    measured(
        "widen_charset_indexed",
        INSTANT,
        TYPE,
        "ALTER TABLE t MODIFY a VARCHAR(20) CHARACTER SET utf8mb3",
        "ALTER TABLE t MODIFY a VARCHAR(20) CHARACTER SET utf8mb4",
    ),
    measured("change_collation", INSTANT, TYPE, "", "ALTER TABLE t MODIFY c VARCHAR(50) COLLATE utf8mb4_bin"),
    measured("change_collation_indexed", NOCOPY, TYPE, "", "ALTER TABLE t MODIFY a VARCHAR(20) COLLATE utf8mb4_bin"),
    measured("append_value", INSTANT, TYPE, "", "ALTER TABLE t MODIFY e ENUM('x','y','z')"),
    measured("change_values", COPY, TYPE, "", "ALTER TABLE t MODIFY e ENUM('w','x','y')"),
    measured(
        "change_stored_expression",
        COPY,
        ONLINE,
        "ALTER TABLE t ADD COLUMN n INT AS (b * 2) STORED",
        "ALTER TABLE t MODIFY n INT AS (b * 3) STORED",
    ),
    measured(
        "change_virtual_expression",
        INSTANT,
        ONLINE,
        "ALTER TABLE t ADD COLUMN n INT AS (b * 2) VIRTUAL",
        "ALTER TABLE t MODIFY n INT AS (b * 3) VIRTUAL",
    ),
    measured("add_index", NOCOPY, INDEX, "", "ALTER TABLE t ADD INDEX t_b (b)"),
    measured("add_unique", NOCOPY, INDEX, "", "ALTER TABLE t ADD UNIQUE KEY t_u (id, b)"),
    measured("add_unique_hash", COPY, INDEX, "ALTER TABLE t MODIFY c TEXT", "ALTER TABLE t ADD UNIQUE KEY t_u (c)"),
    measured("add_fulltext_first", REBUILD_SHARED, INDEX, "", "ALTER TABLE t ADD FULLTEXT KEY t_f (c)"),
    measured("add_fulltext", NOCOPY_SHARED, INDEX, "ALTER TABLE t ADD FULLTEXT KEY t_f (c)", "ALTER TABLE t ADD FULLTEXT KEY t_g (a)"),
    measured("add_fulltext_several", COPY, INDEX, "", "ALTER TABLE t ADD FULLTEXT KEY t_f (c), ADD FULLTEXT KEY t_g (a)"),
    measured(
        "add_spatial",
        NOCOPY_SHARED,
        INDEX,
        "CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, g POINT NOT NULL)",
        "ALTER TABLE t ADD SPATIAL INDEX t_g (g)",
    ),
    measured("drop_index", NOCOPY, INDEX, "", "ALTER TABLE t DROP INDEX t_a"),
    measured("replace_same_index", INSTANT, INDEX, "", "ALTER TABLE t DROP INDEX t_a, ADD INDEX t_z (a)"),
    measured("rename_index", INSTANT, INDEX, "", "ALTER TABLE t RENAME INDEX t_a TO t_z"),
    measured("index_visibility", INSTANT, INDEX, "", "ALTER TABLE t ALTER INDEX t_a IGNORED"),
    measured("add_primary_key", REBUILD, KEY, "ALTER TABLE t DROP PRIMARY KEY", "ALTER TABLE t ADD PRIMARY KEY (id)"),
    measured("drop_primary_key", COPY, KEY, "", "ALTER TABLE t DROP PRIMARY KEY"),
    measured(
        "drop_primary_key_unique_left",
        REBUILD,
        KEY,
        "ALTER TABLE t ADD COLUMN u INT NOT NULL; UPDATE t SET u = id; ALTER TABLE t ADD UNIQUE KEY (u)",
        "ALTER TABLE t DROP PRIMARY KEY",
    ),
    measured("replace_primary_key", REBUILD, KEY, "", "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)"),
    measured("add_foreign_key", COPY, KEY, "", "ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (b) REFERENCES r (id)"),
    measured(
        "add_foreign_key_unchecked",
        NOCOPY,
        KEY,
        "SET foreign_key_checks=0",
        "ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (b) REFERENCES r (id)",
    ),
    measured(
        "add_foreign_key_unchecked_indexed",
        INSTANT,
        KEY,
        "ALTER TABLE t ADD INDEX t_b (b); SET foreign_key_checks=0",
        "ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (b) REFERENCES r (id)",
    ),
    measured(
        "drop_foreign_key",
        INSTANT,
        KEY,
        "ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (b) REFERENCES r (id)",
        "ALTER TABLE t DROP FOREIGN KEY t_r",
    ),
    measured("add_check", COPY, KEY, "", "ALTER TABLE t ADD CONSTRAINT t_c CHECK (id > 0)"),
    measured("drop_check", INSTANT, KEY, "ALTER TABLE t ADD CONSTRAINT t_c CHECK (id > 0)", "ALTER TABLE t DROP CONSTRAINT t_c"),
    measured("rebuild", REBUILD, TABLE, "", "ALTER TABLE t FORCE"),
    measured("rebuild_with_fulltext", REBUILD_SHARED, TABLE, "ALTER TABLE t ADD FULLTEXT KEY t_f (c)", "ALTER TABLE t FORCE"),
    measured(
        "rebuild_with_virtual_index",
        REBUILD_SHARED,
        TABLE,
        "ALTER TABLE t ADD COLUMN n INT AS (b * 2) VIRTUAL, ADD INDEX t_n (n)",
        "ALTER TABLE t ADD COLUMN m INT",
    ),
    measured("copy", COPY, TABLE, "", "ALTER TABLE t ADD SYSTEM VERSIONING"),
    measured("table_option", INSTANT, TABLE, "", "ALTER TABLE t COMMENT='x'"),
    measured("rename_table", ("INSTANT", X, Instant), TABLE, "", "ALTER TABLE t RENAME TO t2"),
    measured("keys", ("INSTANT", X, Instant), TABLE, "", "ALTER TABLE t DISABLE KEYS"),
    measured("drop_versioning", REBUILD_SHARED, TABLE, "ALTER TABLE t ADD SYSTEM VERSIONING", "ALTER TABLE t DROP SYSTEM VERSIONING"),
    measured("copy_ignoring", COPY, TABLE, "", "ALTER IGNORE TABLE t ADD UNIQUE KEY t_u (b)"),
    measured("add_partition", AT_ONCE, PARTITION, "", "ALTER TABLE p ADD PARTITION (PARTITION p9 VALUES LESS THAN (9999))"),
    measured("drop_partition", AT_ONCE, PARTITION, "", "ALTER TABLE p DROP PARTITION p0"),
    measured("partition_at_once", AT_ONCE, PARTITION, "", "ALTER TABLE p TRUNCATE PARTITION p0"),
    measured("partition_copy", ("", S, Rewrite), PARTITION, "", "ALTER TABLE p REBUILD PARTITION p0"),
    measured("partition_check", QUIET, PARTITION, "", "ALTER TABLE p ANALYZE PARTITION p0"),
    measured("rename_tables", AT_ONCE, TABLE, "", "RENAME TABLE t TO t2"),
    measured("drop_table", AT_ONCE, TABLE, "", "DROP TABLE t"),
    measured("truncate", AT_ONCE, TABLE, "", "TRUNCATE TABLE t"),
    measured("optimize_table", ("", N, Rewrite), TABLE, "", "OPTIMIZE TABLE t"),
    measured("analyze_table", QUIET, TABLE, "", "ANALYZE TABLE t"),
    measured("trigger", AT_ONCE, TABLE, "", "CREATE TRIGGER t_t BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 1"),
    measured("lock_tables_write", AT_ONCE, TABLE, "", "LOCK TABLES t WRITE"),
    measured("lock_tables_read", ("", S, Instant), TABLE, "", "LOCK TABLES t READ"),
    measured("rows_all", ("", N, Scan), DATA, "", "UPDATE t SET b = 1"),
    measured("rows_by_key", QUIET, DATA, "", "UPDATE t SET b = 1 WHERE id = 1"),
];

const MEASURED_97: &str =
    "MySQL Reference Manual 9, 15.1.24.5 FOREIGN KEY Constraints: REFERENCES behind a column counts since 9.0; measured on 9.7";
const FUNCTIONAL: &str = "MySQL Reference Manual, 15.1.15 CREATE INDEX, Functional Key Parts: since 8.0.13; the lock measured on 9.7";
const NINE: (u16, u16) = (9, 0);
const DDL_80: &str = "MySQL Reference Manual, 17.12.1 Online DDL Operations (8.0, 8.4); 14.13.1 (5.7)";
const LIMITS_80: &str = "MySQL Reference Manual, 17.12.8 Online DDL Limitations";
const ALTER_80: &str = "MySQL Reference Manual, 15.1.9 ALTER TABLE";
const PARTITION_80: &str = "MySQL Reference Manual, 17.12.1 Online DDL Operations, Partitioning Operations";
const METADATA_80: &str = "MySQL Reference Manual, 10.11.4 Metadata Locking";

const fn manual(versions: ((u16, u16), (u16, u16)), situation: &'static str, class: Class, cite: &'static str) -> Fact {
    row(Dialect::Mysql, versions, situation, class, cite, Source::Manual(DDL_80))
}

const fn from_page(
    page: &'static str,
    versions: ((u16, u16), (u16, u16)),
    situation: &'static str,
    class: Class,
    cite: &'static str,
) -> Fact {
    row(Dialect::Mysql, versions, situation, class, cite, Source::Manual(page))
}

const EVER: ((u16, u16), (u16, u16)) = (OLD, NEWEST);
const EIGHT_ON: ((u16, u16), (u16, u16)) = (EIGHT, NEWEST);
const ONLY_57: ((u16, u16), (u16, u16)) = (OLD, before(EIGHT));

const READ: &[Fact] = &[
    manual((OLD, before(INSTANT_ADD)), "add_column", REBUILD, ONLINE),
    manual((INSTANT_ADD, NEWEST), "add_column", INSTANT, ONLINE),
    manual((OLD, before(INSTANT_DROP)), "add_column_between", REBUILD, ONLINE),
    manual((INSTANT_DROP, NEWEST), "add_column_between", INSTANT, ONLINE),
    manual(EVER, "add_column_rebuild", REBUILD, ONLINE),
    row(Dialect::Mysql, (NINE, NEWEST), "add_column_references", COPY, ONLINE, Source::Manual(MEASURED_97)),
    row(Dialect::Mysql, (NINE, NEWEST), "add_column_references_unchecked", REBUILD, ONLINE, Source::Manual(MEASURED_97)),
    manual(EVER, "add_column_virtual_between", COPY, ONLINE),
    manual(EIGHT_ON, "add_column_virtual_and_index", INPLACE_SHARED, ONLINE),
    from_page(ALTER_80, ((8, 13), NEWEST), "add_column_default_expression", COPY, ONLINE),
    manual(EVER, "add_column_auto_increment", REBUILD_SHARED, ONLINE),
    manual(EVER, "add_column_unique", REBUILD, ONLINE),
    manual((OLD, before(INSTANT_ADD)), "add_column_virtual", METADATA, ONLINE),
    manual((INSTANT_ADD, NEWEST), "add_column_virtual", INSTANT, ONLINE),
    manual(EVER, "add_column_stored", COPY, ONLINE),
    manual((OLD, before(INSTANT_DROP)), "drop_column", REBUILD, ONLINE),
    manual((INSTANT_DROP, NEWEST), "drop_column", INSTANT, ONLINE),
    manual(EVER, "drop_column_indexed", REBUILD, ONLINE),
    manual(EVER, "drop_column_of_index", REBUILD, ONLINE),
    manual(EVER, "drop_column_of_primary_key", COPY, ONLINE),
    manual((OLD, before(INSTANT_ADD)), "drop_column_virtual", METADATA, ONLINE),
    manual((INSTANT_ADD, NEWEST), "drop_column_virtual", INSTANT, ONLINE),
    manual((OLD, before(NINE)), "drop_column_stored", REBUILD, ONLINE),
    row(
        Dialect::Mysql,
        (NINE, NEWEST),
        "drop_column_stored",
        INSTANT,
        ONLINE,
        Source::Manual("measured on MySQL 9.7; 17.12.1 still says that it rebuilds"),
    ),
    manual((OLD, before(INSTANT_RENAME)), "rename_column", METADATA, ONLINE),
    manual((INSTANT_RENAME, NEWEST), "rename_column", INSTANT, ONLINE),
    manual(EVER, "rename_column_referenced", METADATA, ONLINE),
    manual(EVER, "move_column", REBUILD, ONLINE),
    manual((OLD, before(INSTANT_ADD)), "column_default", METADATA, ONLINE),
    manual((INSTANT_ADD, NEWEST), "column_default", INSTANT, ONLINE),
    manual((OLD, before(INSTANT_ADD)), "column_metadata", METADATA, ONLINE),
    manual((INSTANT_ADD, NEWEST), "column_metadata", INSTANT, ONLINE),
    manual(EVER, "set_not_null", REBUILD, ONLINE),
    manual(EVER, "drop_not_null", REBUILD, ONLINE),
    manual(EVER, "gain_auto_increment", COPY, ONLINE),
    manual(EVER, "widen_varchar", INPLACE, TYPE),
    manual(EVER, "widen_varchar_across", COPY, TYPE),
    manual(EVER, "narrow_type", COPY, TYPE),
    manual(EVER, "change_type", COPY, TYPE),
    manual(EVER, "change_unknown_column", COPY, TYPE),
    manual(EVER, "change_charset", COPY, TYPE),
    from_page(ALTER_80, ONLY_57, "widen_charset", COPY, TYPE),
    from_page(ALTER_80, (EIGHT, before(INSTANT_ADD)), "widen_charset", COPY, TYPE),
    from_page(ALTER_80, (INSTANT_ADD, NEWEST), "widen_charset", METADATA, TYPE),
    from_page(ALTER_80, EVER, "widen_charset_indexed", COPY, TYPE),
    from_page(ALTER_80, (OLD, before(EIGHT)), "change_collation", COPY, TYPE),
    from_page(ALTER_80, EIGHT_ON, "change_collation", METADATA, TYPE),
    from_page(ALTER_80, EVER, "change_collation_indexed", COPY, TYPE),
    manual((OLD, before(INSTANT_ADD)), "append_value", METADATA, TYPE),
    manual((INSTANT_ADD, NEWEST), "append_value", INSTANT, TYPE),
    manual(EVER, "change_values", COPY, TYPE),
    manual(EVER, "change_stored_expression", COPY, ONLINE),
    manual(EVER, "change_virtual_expression", COPY, ONLINE),
    manual(EVER, "add_index", INPLACE, INDEX),
    manual(EVER, "add_unique", INPLACE, INDEX),
    from_page(FUNCTIONAL, ((8, 13), NEWEST), "add_functional_index", INPLACE_SHARED, INDEX),
    manual(EVER, "add_fulltext_first", REBUILD_SHARED, INDEX),
    manual(EVER, "add_fulltext", INPLACE_SHARED, INDEX),
    from_page(LIMITS_80, EVER, "add_fulltext_several", COPY, INDEX),
    manual(EVER, "add_spatial", INPLACE_SHARED, INDEX),
    manual(EVER, "drop_index", INPLACE, INDEX),
    manual(EVER, "replace_same_index", INPLACE, INDEX),
    manual(EVER, "rename_index", INPLACE, INDEX),
    manual(EIGHT_ON, "index_visibility", METADATA, INDEX),
    manual(EVER, "add_primary_key", REBUILD, KEY),
    manual(EVER, "drop_primary_key", COPY, KEY),
    manual(EVER, "drop_primary_key_unique_left", COPY, KEY),
    manual(EVER, "replace_primary_key", REBUILD, KEY),
    manual(EVER, "add_foreign_key", COPY, KEY),
    manual(EVER, "add_foreign_key_unchecked", INPLACE, KEY),
    manual(EVER, "add_foreign_key_unchecked_indexed", METADATA, KEY),
    manual(EVER, "drop_foreign_key", METADATA, KEY),
    from_page(ALTER_80, (OLD, before(CHECKS)), "add_check", METADATA, KEY),
    from_page(ALTER_80, (CHECKS, NEWEST), "add_check", COPY, KEY),
    from_page(ALTER_80, (CHECKS, NEWEST), "drop_check", INSTANT, KEY),
    manual(EVER, "rebuild", REBUILD, TABLE),
    manual(EVER, "rebuild_with_fulltext", COPY, TABLE),
    manual(EVER, "copy", COPY, TABLE),
    manual(EVER, "table_option", METADATA, TABLE),
    manual(ONLY_57, "default_charset", REBUILD_SHARED, TABLE),
    manual((EIGHT, before(NINE)), "default_charset", REBUILD, TABLE),
    row(
        Dialect::Mysql,
        (NINE, NEWEST),
        "default_charset",
        METADATA,
        TABLE,
        Source::Manual("MySQL Reference Manual 9, 17.12.1; measured on 9.7"),
    ),
    manual((OLD, before(INSTANT_ADD)), "rename_table", ("INPLACE", X, Instant), TABLE),
    manual((INSTANT_ADD, NEWEST), "rename_table", ("INSTANT", X, Instant), TABLE),
    from_page(ALTER_80, EVER, "keys", ("INSTANT", X, Instant), TABLE),
    from_page(ALTER_80, EVER, "no_change", ("INSTANT", X, Instant), ONLINE),
    from_page(PARTITION_80, ONLY_57, "add_partition", AT_ONCE, PARTITION),
    from_page(PARTITION_80, EIGHT_ON, "add_partition", INPLACE, PARTITION),
    from_page(PARTITION_80, ONLY_57, "drop_partition", AT_ONCE, PARTITION),
    from_page(PARTITION_80, EIGHT_ON, "drop_partition", INPLACE, PARTITION),
    from_page(PARTITION_80, ONLY_57, "partition_at_once", AT_ONCE, PARTITION),
    from_page(PARTITION_80, EIGHT_ON, "partition_at_once", INSTANT, PARTITION),
    from_page(PARTITION_80, ONLY_57, "partition_copy", ("", S, Rewrite), PARTITION),
    from_page(PARTITION_80, EIGHT_ON, "partition_copy", REBUILD_SHARED, PARTITION),
    from_page(PARTITION_80, EVER, "partition_check", INSTANT, PARTITION),
    from_page(PARTITION_80, EVER, "optimize_partition", ("INSTANT", N, Rewrite), PARTITION),
    from_page(METADATA_80, EVER, "rename_tables", AT_ONCE, TABLE),
    from_page(METADATA_80, EVER, "drop_table", AT_ONCE, TABLE),
    from_page(METADATA_80, EVER, "truncate", AT_ONCE, TABLE),
    manual(EVER, "optimize_table", ("", N, Rewrite), TABLE),
    from_page(METADATA_80, EVER, "analyze_table", QUIET, TABLE),
    from_page(METADATA_80, EVER, "trigger", AT_ONCE, TABLE),
    from_page(METADATA_80, EVER, "lock_tables_write", AT_ONCE, TABLE),
    from_page(METADATA_80, EVER, "lock_tables_read", ("", S, Instant), TABLE),
    from_page("MySQL Reference Manual, 17.7 InnoDB Locking and Transaction Model", EVER, "rows_all", ("", N, Scan), DATA),
    from_page("MySQL Reference Manual, 17.7 InnoDB Locking and Transaction Model", EVER, "rows_by_key", QUIET, DATA),
];

/// All rows: MariaDB 10.11 as measured, 10.6 and 11 as documented, MySQL as documented.
pub static FACTS: LazyLock<Vec<Fact>> = LazyLock::new(|| {
    let ranges = MEASURED.iter().flat_map(|row| [Some(*row), older(row), Some(newer(row)), Some(online(row))]);
    ranges.flatten().chain(READ.iter().copied()).collect()
});

//! The dialects a question speaks of, by the names of servers and drivers in it.

use crate::knowledge::words::Word;

/// A server's own words. MySQL and MariaDB share drivers, error numbers, and most of what they do.
const MARKS: &[(&[&str], &[&str])] = &[
    (
        &["postgresql"],
        &[
            "postgres",
            "postgresql",
            "psql",
            "pg",
            "psycopg",
            "psycopg2",
            "asyncpg",
            "pg8000",
            "pgbouncer",
            "sqlstate",
            "pg_dump",
            "plpgsql",
        ],
    ),
    (&["mysql"], &["mysql", "mysqldb", "mysqlclient", "aurora"]),
    (&["mariadb"], &["mariadb"]),
    (&["mysql", "mariadb"], &["innodb", "pymysql", "aiomysql", "asyncmy", "processlist", "auto_increment", "utf8mb4", "percona", "galera"]),
    (&["sqlite"], &["sqlite", "sqlite3", "aiosqlite", "pysqlite", "pragma"]),
    (&["mssql"], &["mssql", "sqlserver", "pyodbc", "pymssql", "tsql", "sp_rename", "nolock", "nocheck"]),
    (&["oracle"], &["oracle", "oracledb", "cx_oracle", "ora"]),
];

/// Clauses and tools that only MySQL and MariaDB have, as they are written.
const ONLINE: &[&str] =
    &["algorithm=", "algorithm =", "lock=none", "lock = none", "lock=shared", "lock = shared", "gh-ost", "pt-online-schema-change"];

/// Words of a catalogue or of an argument's name begin with their server's.
const BEGINNINGS: &[(&[&str], &str)] = &[
    (&["postgresql"], "pg_"),
    (&["postgresql"], "postgresql_"),
    (&["mysql", "mariadb"], "mysql_"),
    (&["mysql", "mariadb"], "innodb_"),
    (&["sqlite"], "sqlite_"),
    (&["mssql"], "mssql_"),
    (&["oracle"], "oracle_"),
];

/// The dialects that `asked`, the words of `text`, are about; none: it does not say.
#[must_use]
pub fn dialects(text: &str, asked: &[Word]) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    let has = |is: &dyn Fn(&str) -> bool| asked.iter().any(|word| is(&word.written));
    let mut found: Vec<&str> = Vec::new();
    for (dialects, words) in MARKS {
        if has(&|written| words.contains(&written)) {
            found.extend(*dialects);
        }
    }
    for (dialects, beginning) in BEGINNINGS {
        if has(&|written| written.starts_with(beginning)) {
            found.extend(*dialects);
        }
    }
    // Two words, and the forms in which a server prints its errors: `Msg 1222, Level 16`, `ERROR 1061 (42000)`.
    if lower.contains("sql server") || (lower.contains("msg ") && lower.contains("level ")) {
        found.push("mssql");
    }
    let is_online = || ONLINE.iter().any(|mark| lower.contains(mark));
    if found.is_empty() && (has_numbered_error(&lower) || has_error_of_a_driver(&lower) || is_online()) {
        found.extend(["mysql", "mariadb"]);
    }
    // `pg_stat_activity` names its server as a word and by its beginning.
    let mut told = Vec::with_capacity(found.len());
    for dialect in found {
        if !told.contains(&dialect) {
            told.push(dialect);
        }
    }
    told
}

/// A dialect's word with the name that the documents give its server; none: no dialect of ours.
#[must_use]
pub fn name(dialect: &str) -> Option<(&'static str, &'static str)> {
    const NAMES: &[(&str, &str)] = &[
        ("postgresql", "PostgreSQL"),
        ("mysql", "MySQL"),
        ("mariadb", "MariaDB"),
        ("sqlite", "SQLite"),
        ("mssql", "SQL Server"),
        ("oracle", "Oracle"),
    ];
    NAMES.iter().find(|(word, _)| word.eq_ignore_ascii_case(dialect)).copied()
}

/// True for two servers that share most of what they do.
#[must_use]
pub fn are_siblings(one: &str, other: &str) -> bool {
    matches!((one, other), ("mysql", "mariadb") | ("mariadb", "mysql"))
}

/// `error 1061 (42000)`: a number of four digits and a SQLSTATE in brackets.
fn has_numbered_error(lower: &str) -> bool {
    lower.match_indices("error ").any(|(at, mark)| {
        let rest = lower.get(at + mark.len()..).unwrap_or_default();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits == 4 && rest.get(digits..).unwrap_or_default().trim_start().starts_with('(')
    })
}

/// `(1205, 'Lock wait timeout exceeded')`: how Python's drivers print an error of MySQL or MariaDB.
fn has_error_of_a_driver(lower: &str) -> bool {
    lower.split('(').skip(1).any(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let told = rest.get(digits..).unwrap_or_default();
        digits == 4 && (told.starts_with(", '") || told.starts_with(", \""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::words::telling;

    fn spoken(text: &str) -> Vec<&'static str> {
        dialects(text, &telling(text))
    }

    #[test]
    fn a_question_is_about_the_servers_it_names() {
        assert_eq!(spoken("psycopg2.errors.LockNotAvailable"), ["postgresql"]);
        assert_eq!(spoken("pg_stat_activity shows a lock"), ["postgresql"]);
        assert_eq!(spoken("ERROR 1061 (42000): Duplicate key name 'i'"), ["mysql", "mariadb"]);
        assert_eq!(spoken("(1205, 'Lock wait timeout exceeded')"), ["mysql", "mariadb"]);
        assert_eq!(spoken("ADD COLUMN with LOCK=NONE blocks"), ["mysql", "mariadb"]);
        assert_eq!(spoken("PRAGMA foreign_keys"), ["sqlite"]);
        assert_eq!(spoken("mariadb 10.6 instant"), ["mariadb"]);
        assert_eq!(spoken("Msg 1222, Level 16, State 51"), ["mssql"]);
        assert_eq!(spoken("ORA-00054: resource busy"), ["oracle"]);
        assert_eq!(spoken("rename a column in SQL Server"), ["mssql"]);
        assert_eq!(spoken("sqlite and postgres differ"), ["postgresql", "sqlite"]);
        assert!(spoken("error 42 in my upgrade").is_empty() && spoken("rename a column (2024, or later)").is_empty());
    }
}

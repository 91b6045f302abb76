//! Input that means harm: no panic, no abort, no loss, and an end within seconds.

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::sql::script::{self, Script};
use alembic_gate::tools::review_sql;
use alembic_gate::tools::source::SqlInput;

const DIALECTS: [Dialect; 6] = [Dialect::Postgresql, Dialect::Mysql, Dialect::Mariadb, Dialect::Sqlite, Dialect::Mssql, Dialect::Oracle];

fn whole(script: &Script) -> String {
    let mut text = String::new();
    let gaps = script.gaps();
    for (gap, statement) in gaps.iter().zip(&script.statements) {
        text.push_str(&script.text[gap.clone()]);
        text.push_str(script.text_of(statement));
    }
    text.push_str(&script.text[gaps.last().unwrap().clone()]);
    text
}

/// The sizes are those of the names in a release build; without optimisation a tenth of them must do.
fn nasty() -> Vec<(&'static str, String)> {
    let many = |part: &str, n: usize| part.repeat(if cfg!(debug_assertions) { n.div_ceil(10) } else { n });
    vec![
        ("100k parentheses", format!("SELECT {}1{}", many("(", 100_000), many(")", 100_000))),
        ("100k open parentheses", format!("SELECT {}; DROP TABLE users;", many("(", 100_000))),
        ("check of 100k parentheses", format!("ALTER TABLE t ADD CHECK ({}a > 1{})", many("(", 100_000), many(")", 100_000))),
        ("1M terms", format!("SELECT 1{}", many("+1", 1_000_000))),
        ("a chain as long as a parser is given", format!("SELECT 1{}", "+1".repeat(4_000))),
        ("nested as deep as a parser is given", format!("SELECT {}1{}", "(".repeat(190), ")".repeat(190))),
        ("100k casts", format!("SELECT 1{}", many("::int", 100_000))),
        ("100k OR", format!("DELETE FROM t WHERE a = 1{}", many(" OR a = 2", 100_000))),
        ("100k AND", format!("UPDATE t SET a = 1 WHERE b = 1{}", many(" AND c = 2", 100_000))),
        ("20k CASE", format!("SELECT {}1{}", many("CASE WHEN 1=1 THEN ", 20_000), many(" END", 20_000))),
        ("100k NOT", format!("SELECT {} true", many("NOT ", 100_000))),
        ("20k sub-queries", format!("SELECT * FROM {}t{}", many("(SELECT * FROM ", 20_000), many(") x", 20_000))),
        ("50k unions", format!("CREATE VIEW v AS SELECT 1{}", many(" UNION SELECT 2", 50_000))),
        ("50k joins", format!("SELECT * FROM a{}", many(" JOIN b ON a.i = b.i", 50_000))),
        ("5k WITH", format!("WITH a AS (SELECT 1){} SELECT 2", many(", b AS (SELECT 1)", 5_000))),
        ("50k ARRAY[", format!("ALTER TABLE t ADD COLUMN a int[] DEFAULT {}1{}", many("ARRAY[", 50_000), many("]", 50_000))),
        ("10 MB string", format!("INSERT INTO t VALUES ('{}')", many("x", 10_000_000))),
        ("10 MB comment", format!("/*{}*/ DROP TABLE users;", many("x", 10_000_000))),
        ("10 MB statement", format!("INSERT INTO t VALUES {}(1, 'a');", many("(1, 'a'), ", 1_000_000))),
        ("nested comments", format!("{}{} DROP TABLE users", many("/*", 100_000), many("*/", 100_000))),
        ("open string", "ALTER TABLE t ADD COLUMN a text DEFAULT 'abc; DROP TABLE users;".to_owned()),
        ("open dollar quote", "DO $$ BEGIN DROP TABLE users; END".to_owned()),
        ("open comment", "SELECT 1 /* ; DROP TABLE users;".to_owned()),
        ("open identifier", "ALTER TABLE \"t ADD COLUMN a int; DROP TABLE users;".to_owned()),
        ("100k dollar tags", (0..100_000).map(|n| format!("$t{n}$ ")).collect()),
        ("100k statements", many("ALTER TABLE t ADD COLUMN a int;", 100_000)),
        ("100k semicolons", many(";", 100_000)),
        ("NUL", "DROP TABLE a\0; DROP TABLE b;".to_owned()),
        ("byte order mark", "\u{feff}ALTER TABLE t DROP COLUMN a;".to_owned()),
        ("CRLF", "ALTER TABLE t\r\n DROP COLUMN a;\r\nDROP TABLE b;\r\n".to_owned()),
        ("COPY without an end", "COPY t FROM STDIN;\n1\t2\nDROP TABLE users;\n".to_owned()),
        ("deep DO", format!("{}DROP TABLE t{}", "DO 'BEGIN EXECUTE ''".repeat(50), "''; END'".repeat(50))),
        ("no break spaces", "DROP\u{a0}TABLE\u{a0}users;".to_owned()),
        ("right to left", "ALTER TABLE \u{202e}t DROP COLUMN a;".to_owned()),
        ("empty", String::new()),
    ]
}

#[test]
fn nothing_is_lost_and_nothing_panics() {
    for (name, text) in nasty() {
        for dialect in DIALECTS {
            let script = script::read(text.clone(), Server::newest(dialect));
            assert!(whole(&script) == text, "{name} on {dialect}: statements and gaps are not the input");
        }
    }
}

#[test]
fn a_review_of_anything_comes_to_an_end() {
    for (name, text) in nasty() {
        let input = SqlInput { sql: Some(text), ..SqlInput::default() };
        let answer =
            review_sql::run(&input, Default::default(), &alembic_gate::tools::call::Call::local(&Default::default()), Some(20_000));
        let size = serde_json::to_string(&answer.output).unwrap().len();
        assert!(size <= 20_500, "{name}: the answer has {size} bytes");
    }
}

#[test]
fn a_statement_behind_a_stray_end_is_seen() {
    for dialect in DIALECTS {
        let script = script::read("SELECT 1 END; DROP TABLE users".to_owned(), Server::newest(dialect));
        assert_eq!(script.statements.len(), 2, "{dialect}");
    }
}

#[test]
fn what_is_open_is_not_safe() {
    for text in [
        "ALTER TABLE t ADD COLUMN a text DEFAULT 'abc; DROP TABLE users;",
        "SELECT (1; DROP TABLE users;",
        "SELECT 1 /* ; DROP TABLE users;",
    ] {
        let input = SqlInput { sql: Some(text.to_owned()), ..SqlInput::default() };
        let answer = review_sql::run(&input, Default::default(), &alembic_gate::tools::call::Call::local(&Default::default()), None);
        assert_eq!(answer.verdict.word(), "blocked", "{text}");
    }
}

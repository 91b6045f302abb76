//! Every measured fact of SQLite, run on the library that this program's tests bring.

use std::collections::BTreeMap;

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::effects::{Fact, Loss, Source, Work};
use alembic_gate::judge::{Judgement, Options, judge};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script::read;
use alembic_gate::sql::split::Direction;
use rusqlite::{Connection, StatementStatus};

const SCHEMA: &str = "
PRAGMA foreign_keys = OFF;
CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT NOT NULL);
CREATE TABLE g (id INTEGER PRIMARY KEY, a INT, v INT AS (a + 1) VIRTUAL);
CREATE TABLE tight (id INTEGER PRIMARY KEY, a INT) STRICT;
CREATE TABLE p (id INTEGER PRIMARY KEY, n TEXT);
CREATE TABLE c (id INTEGER PRIMARY KEY, p INT REFERENCES p(id) ON DELETE CASCADE);
INSERT INTO t SELECT value, value, 'b' || value FROM generated;
INSERT INTO g SELECT value, value FROM generated;
INSERT INTO tight SELECT value, value FROM generated;
INSERT INTO p SELECT value, 'n' FROM generated;
INSERT INTO c SELECT value, value FROM generated;
";

const MANY: usize = 2_000;
const FEW: usize = 20;

fn schema(rows: usize) -> String {
    let numbers =
        format!("(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {rows}) SELECT value FROM n)");
    SCHEMA.replace("generated", &numbers)
}

/// What the library did.
struct Observed {
    error: Option<String>,
    lost: bool,
    steps: i32,
}

fn counts(connection: &Connection) -> BTreeMap<String, (i64, i64)> {
    let names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let count = |sql: String| connection.query_row(&sql, [], |row| row.get(0)).unwrap();
    let of = |name: &str| {
        let rows = count(format!("SELECT count(*) FROM \"{name}\""));
        (rows, count(format!("SELECT count(*) FROM pragma_table_info('{name}')")))
    };
    names.into_iter().map(|name| (name.clone(), of(&name))).collect()
}

fn observe(setup: &str, sql: &str, rows: usize) -> Observed {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&schema(rows)).unwrap();
    connection.execute_batch(setup).unwrap();
    let before = counts(&connection);
    let (error, steps) = match connection.prepare(sql) {
        Ok(mut statement) => {
            let ran = statement.raw_query().next().map(|_| ());
            let mut more = ran.is_ok();
            let mut rows = statement.raw_query();
            while more {
                more = matches!(rows.next(), Ok(Some(_)));
            }
            drop(rows);
            (ran.err().map(|error| error.to_string()), statement.get_status(StatementStatus::VmStep))
        }
        Err(error) => (Some(error.to_string()), 0),
    };
    let after = counts(&connection);
    // A table that got another name has its rows still.
    let gone = |name: &str, had: (i64, i64)| after.get(name).is_none_or(|now| now.0 < had.0 || now.1 < had.1);
    let renamed = before.len() == after.len() && before.keys().ne(after.keys());
    let lost = !renamed && before.iter().any(|(name, had)| gone(name, *had));
    Observed { error, lost, steps }
}

fn say(setup: &str, sql: &str) -> Judgement {
    let server = Server { dialect: Dialect::Sqlite, version: rusqlite::version().parse().unwrap() };
    let before = Catalog::of_setup(&read(format!("{}{setup}", schema(FEW)), server));
    judge(&read(sql.to_owned(), server), Direction::Up, &before, &Options::default())
}

fn measured_facts() -> impl Iterator<Item = (&'static Fact, &'static str, &'static str)> {
    let version = rusqlite::version_number();
    let minor = u16::try_from(version / 1000 % 1000).unwrap();
    alembic_gate::effects::sqlite::FACTS.iter().filter(move |fact| fact.covers(3, minor)).filter_map(|fact| match fact.source {
        Source::Measured { setup, sql } => Some((fact, setup, sql)),
        Source::Manual(_) => None,
    })
}

/// Situations whose work is done by statements inside of the statement.
const INSIDE: &[&str] = &["vacuum", "add_check", "set_not_null", "add_column_checked", "add_column_to_strict"];

#[test]
fn facts_of_sqlite_hold_on_the_bundled_library() {
    let mut wrong = Vec::new();
    let mut asked = 0;
    for (fact, setup, sql) in measured_facts() {
        asked += 1;
        let (few, many) = (observe(setup, sql, FEW), observe(setup, sql, MANY));
        let judgement = say(setup, sql);
        let effect = &judgement.steps[0].effect;
        let mut note = |what: String| wrong.push(format!("{}: {what} ({sql})", fact.situation));
        if let Some(error) = &many.error {
            note(format!("fails: {error}"));
        }
        if effect.always_fails() {
            note(format!("said to fail: {:?}", effect.fails));
        }
        if many.lost != (effect.loss == Loss::High) {
            note(format!("loses rows or columns: {}, said {}", many.lost, effect.loss.word()));
        }
        if !effect.situations.contains(&fact.situation) {
            note(format!("meets {:?}", effect.situations));
        }
        // These run statements of their own inside, whose steps are not counted here (`tests/truth` counts them).
        let grows = many.steps - few.steps > 1_000;
        if grows != (fact.work > Work::Instant) && !INSIDE.contains(&fact.situation) {
            note(format!("grows with the rows: {grows} ({} to {} steps), said {}", few.steps, many.steps, fact.work.word()));
        }
    }
    println!("SQLite {}: {asked} facts measured, {} wrong", rusqlite::version(), wrong.len());
    assert!(asked >= 35, "only {asked} facts speak of SQLite {}", rusqlite::version());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Statements that SQLite refuses, with the message it gives: ours must be the same, word for word.
#[test]
fn refusals_are_those_of_the_bundled_library() {
    const REFUSED: &[(&str, &str)] = &[
        ("", "ALTER TABLE t ADD COLUMN n INT UNIQUE"),
        ("", "ALTER TABLE t ADD COLUMN a INT"),
        ("", "ALTER TABLE t ADD COLUMN n TEXT DEFAULT CURRENT_TIMESTAMP"),
        ("", "ALTER TABLE t ADD COLUMN n TEXT NOT NULL"),
        ("", "ALTER TABLE t DROP COLUMN id"),
        ("", "ALTER TABLE t DROP COLUMN absent"),
        ("CREATE INDEX t_a ON t (a)", "ALTER TABLE t DROP COLUMN a"),
        ("CREATE VIEW v AS SELECT a FROM t", "ALTER TABLE t DROP COLUMN a"),
        ("CREATE TRIGGER w AFTER UPDATE ON t BEGIN DELETE FROM p WHERE id = OLD.a; END", "ALTER TABLE t DROP COLUMN a"),
        ("CREATE VIEW v AS SELECT a FROM t; ALTER TABLE p RENAME TO q; DROP TABLE t", "ALTER TABLE q RENAME TO t"),
        ("", "ALTER TABLE t RENAME TO p"),
        ("", "ALTER TABLE absent RENAME TO n"),
        ("", "ALTER TABLE t MODIFY COLUMN a TEXT"),
        ("", "ALTER TABLE t ADD COLUMN n INT, ADD COLUMN o INT"),
        ("", "CREATE TABLE t (id INT)"),
        ("", "CREATE INDEX i ON absent (a)"),
        ("", "CREATE INDEX i ON t (absent)"),
        ("", "DROP TABLE absent"),
        ("", "DROP TABLE t CASCADE"),
        ("", "TRUNCATE TABLE t"),
        ("", "INSERT INTO t VALUES (1)"),
        ("", "UPDATE t SET absent = 1"),
        ("", "UPDATE g SET v = 1"),
        (
            "CREATE TABLE d (id INTEGER PRIMARY KEY, p INT REFERENCES p(id)); INSERT INTO d SELECT id, id FROM p; PRAGMA foreign_keys = ON",
            "DROP TABLE p",
        ),
    ];
    let mut wrong = Vec::new();
    for (setup, sql) in REFUSED {
        let error = observe(setup, sql, FEW).error.unwrap_or_default();
        let judgement = say(setup, sql);
        let said: Vec<&String> = judgement.steps[0].effect.fails.iter().map(|failure| &failure.code).collect();
        // rusqlite puts the statement behind a message about its text.
        if !said.iter().any(|code| error == **code || error.starts_with(&format!("{code} in "))) {
            wrong.push(format!("{sql}: `{error}`, said {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Expressions that are worked out without a server, and rows of a setup that a statement meets.

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::effects::When;
use alembic_gate::judge::{Options, judge};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::formula::read as formula;
use alembic_gate::sql::script::read;
use alembic_gate::sql::split::Direction;
use alembic_gate::sql::value::{NoRow, Value, evaluate};

fn worked_out(text: &str) -> Option<Value> {
    evaluate(&formula(text)?, &NoRow)
}

#[test]
fn operators_bind_as_in_postgresql() {
    for (one, other) in [
        ("a + b * 2 > 3 AND NOT c IS NULL", "((a + (b * 2)) > 3) AND (NOT (c IS NULL))"),
        ("'p' || g % 3 || 'x'", "('p' || (g % 3)) || 'x'"),
        ("a BETWEEN 1 AND 2 OR b", "(a >= 1 AND a <= 2) OR b"),
        ("- a + 1", "(- a) + 1"),
    ] {
        assert_eq!(formula(one), formula(other), "{one}");
    }
}

#[test]
fn what_is_not_read_is_no_formula() {
    for text in ["(SELECT 1)", "a @> b", "", "a +", "f(a", "x IS DISTINCT FROM y", "EXISTS (SELECT 1)", "count(*)", "a b"] {
        assert_eq!(formula(text), None, "{text}");
    }
    assert_eq!(formula(&format!("{}1{}", "(".repeat(1000), ")".repeat(1000))), None);
    assert_eq!(formula(&vec!["1"; 100_000].join("+")), None);
}

#[test]
fn answers_are_those_of_postgresql() {
    let text = |value: &str| Some(Value::Text(value.to_owned()));
    assert_eq!(worked_out("7 / 2 + 7 % 4"), Some(Value::Integer(6)));
    assert_eq!(worked_out("0.1 + 0.2 = 0.30"), Some(Value::Bool(true)));
    assert_eq!(worked_out("NULL = 1 OR true"), Some(Value::Bool(true)));
    assert_eq!(worked_out("NULL = 1 AND true"), Some(Value::Null));
    assert_eq!(worked_out("2 NOT IN (1, NULL)"), Some(Value::Null));
    assert_eq!(worked_out("date '2024-02-28' + 2 = '2024-03-01'"), Some(Value::Bool(true)));
    assert_eq!(worked_out("CASE WHEN 3 > 4 THEN 'a' ELSE 'b' || 5 END"), text("b5"));
    assert_eq!(worked_out("length('äö') BETWEEN 2 AND 3"), Some(Value::Bool(true)));
    assert_eq!(worked_out("now() > '2020-01-01'"), None);
    assert_eq!(worked_out("1 / 0"), None);
    assert_eq!(worked_out("'a' < 'b'"), None, "the order of texts hangs on the collation");
    assert_eq!(worked_out("ARRAY[1] IS NULL"), Some(Value::Bool(false)));
}

/// The code of the failure that comes for sure, if one does.
fn refused(setup: &str, sql: &str) -> Option<String> {
    let server = Server { dialect: Dialect::Postgresql, version: "16".parse().unwrap() };
    let before = Catalog::of_setup(&read(setup.to_owned(), server));
    let judged = judge(&read(sql.to_owned(), server), Direction::Up, &before, &Options::default());
    let mut fails = judged.steps.iter().flat_map(|step| &step.effect.fails);
    fails.find(|failure| failure.when == When::Always).map(|failure| failure.code.clone())
}

const SHELVES: &str = "CREATE TABLE shelves (id serial PRIMARY KEY, floor int, name text UNIQUE);
    INSERT INTO shelves (floor, name) SELECT g % 3, 'shelf ' || g FROM generate_series(1, 40) g;
    INSERT INTO shelves (floor) VALUES (NULL), (7);
    CREATE TABLE books (id int, shelf int, kept date);
    INSERT INTO books SELECT g, g + 2, date '2026-01-01' + g FROM generate_series(1, 41) g;
";

#[test]
fn rows_of_the_setup_stop_what_they_break() {
    for (code, sql) in [
        ("23514", "ALTER TABLE shelves ADD CONSTRAINT c CHECK (floor < 7)"),
        ("23502", "ALTER TABLE shelves ALTER COLUMN floor SET NOT NULL"),
        ("23505", "CREATE UNIQUE INDEX CONCURRENTLY u ON shelves (floor)"),
        ("23503", "ALTER TABLE books ADD FOREIGN KEY (shelf) REFERENCES shelves"),
        ("23505", "INSERT INTO shelves (name) VALUES ('shelf 40')"),
        ("23505", "INSERT INTO shelves (id) VALUES (42)"),
    ] {
        assert_eq!(refused(SHELVES, sql).as_deref(), Some(code), "{sql}");
    }
}

#[test]
fn rows_that_fit_stop_nothing() {
    for sql in [
        "ALTER TABLE shelves ADD CONSTRAINT c CHECK (floor <= 7)",
        "CREATE UNIQUE INDEX CONCURRENTLY u ON books (shelf)",
        "ALTER TABLE books ADD FOREIGN KEY (id) REFERENCES shelves",
        "INSERT INTO shelves (name) VALUES ('shelf 41')",
        "INSERT INTO shelves (id) VALUES (43)",
        "ALTER TABLE books ADD CHECK (kept > '2026-01-01' AND kept <= '2026-02-11')",
    ] {
        assert_eq!(refused(SHELVES, sql), None, "{sql}");
    }
}

#[test]
fn what_may_have_changed_since_proves_nothing() {
    let sql = "ALTER TABLE shelves ADD CONSTRAINT c CHECK (floor < 7)";
    for setup in [
        "UPDATE shelves SET floor = 1 WHERE floor = 7;",
        "DELETE FROM shelves;",
        "TRUNCATE shelves;",
        "DO $$ BEGIN UPDATE shelves SET floor = 1; END $$;",
        "ALTER TABLE shelves ALTER COLUMN floor TYPE int USING 0;",
        "CREATE FUNCTION mend() RETURNS int LANGUAGE sql AS 'UPDATE shelves SET floor = 1 RETURNING 1'; SELECT mend();",
    ] {
        assert_eq!(refused(&format!("{SHELVES}{setup}"), sql), None, "{setup}");
    }
    let guarded = SHELVES.replace(
        "INSERT INTO shelves (floor) V",
        "CREATE TRIGGER t BEFORE INSERT ON shelves EXECUTE FUNCTION f(); INSERT INTO shelves (floor) V",
    );
    assert_eq!(refused(&guarded, sql), None);
    assert_eq!(refused(SHELVES, "UPDATE shelves SET floor = 0; ALTER TABLE shelves ADD CONSTRAINT c CHECK (floor < 7)"), None);
}

#[test]
fn a_row_that_no_partition_takes_is_refused() {
    let setup = "CREATE TABLE visits (day date) PARTITION BY RANGE (day);
        CREATE TABLE visits_25 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        INSERT INTO visits VALUES ('2025-05-05');";
    assert_eq!(refused(setup, "INSERT INTO visits VALUES ('2026-01-01')").as_deref(), Some("23514"));
    assert_eq!(refused(setup, "INSERT INTO visits VALUES ('2025-12-31')"), None);
    let rest = format!("{setup} CREATE TABLE visits_rest PARTITION OF visits DEFAULT;");
    assert_eq!(refused(&rest, "INSERT INTO visits VALUES ('2026-01-01')"), None);
}

#[test]
fn text_that_literals_make_is_read() {
    for made in [
        "'DROP TABLE books'",
        "format('DROP TABLE %I', 'books')",
        "'DROP TABLE ' || quote_ident('bo' || 'oks')",
        "format('DROP TABLE %s', 'books') USING 1",
    ] {
        let server = Server { dialect: Dialect::Postgresql, version: "16".parse().unwrap() };
        let before = Catalog::of_setup(&read(SHELVES.to_owned(), server));
        let judged = judge(&read(format!("DO $$ BEGIN EXECUTE {made}; END $$;"), server), Direction::Up, &before, &Options::default());
        assert!(judged.findings.iter().any(|finding| finding.rule == "drop_table"), "{made}");
    }
}

#[test]
fn what_is_rolled_back_loses_nothing() {
    use alembic_gate::effects::Loss;
    let server = Server { dialect: Dialect::Postgresql, version: "16".parse().unwrap() };
    let before = Catalog::of_setup(&read(SHELVES.to_owned(), server));
    let loss = |sql: &str| {
        let judged = judge(&read(sql.to_owned(), server), Direction::Up, &before, &Options::default());
        judged.steps.iter().map(|step| step.effect.loss).max().unwrap()
    };
    assert_eq!(loss("BEGIN; DROP TABLE books; ROLLBACK;"), Loss::None);
    assert_eq!(loss("BEGIN; DROP TABLE books; COMMIT; BEGIN; ROLLBACK;"), Loss::High);
    assert_eq!(loss("BEGIN; SAVEPOINT s; DROP TABLE books; ROLLBACK TO s; COMMIT;"), Loss::None);
    assert_eq!(loss("BEGIN; DROP TABLE books; SAVEPOINT s; ROLLBACK TO s; COMMIT;"), Loss::High);
    assert_eq!(loss("BEGIN; SAVEPOINT s; COMMIT; BEGIN; DROP TABLE books; ROLLBACK TO s; COMMIT;"), Loss::High);
}

#[test]
fn a_cascade_that_is_stopped_further_on_is_refused() {
    let setup = "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);
        CREATE TABLE c (b int REFERENCES b);
        INSERT INTO a VALUES (1), (2), (3); INSERT INTO b VALUES (10, 1), (20, 2); INSERT INTO c VALUES (20);";
    assert_eq!(refused(setup, "DELETE FROM a WHERE id = 2").as_deref(), Some("23503"));
    assert_eq!(refused(setup, "DELETE FROM a WHERE id = 1"), None);
    assert_eq!(refused(setup, "DELETE FROM a WHERE id = 3"), None);
}

#[test]
fn rows_that_an_update_reaches_stop_it() {
    for (code, sql) in [
        (Some("23505"), "UPDATE shelves SET name = 'shelf 2' WHERE id = 1"),
        (Some("23505"), "UPDATE shelves SET name = 'one' WHERE id IN (1, 2)"),
        (Some("23502"), "UPDATE shelves SET id = NULL WHERE floor = 7"),
        (None, "UPDATE shelves SET name = 'shelf 1' WHERE id = 1"),
        (None, "UPDATE shelves SET name = 'shelf 2' WHERE id = 99"),
        (None, "UPDATE shelves SET name = 'one' WHERE id = 1 AND random() > 0.5"),
        (None, "UPDATE shelves SET id = id + 100"),
    ] {
        assert_eq!(refused(SHELVES, sql).as_deref(), code, "{sql}");
    }
    let with_trigger = format!("{SHELVES} CREATE TRIGGER t BEFORE UPDATE ON shelves EXECUTE FUNCTION f();");
    assert_eq!(refused(&with_trigger, "UPDATE shelves SET name = 'shelf 2' WHERE id = 1"), None, "a trigger may mend the row");
}

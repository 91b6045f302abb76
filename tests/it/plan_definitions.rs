//! What nobody can write again from its parts (views, triggers, policies, functions) comes back by the text that made it, and what hangs
//! on a column does not stand in the way of its change.

use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::sql::catalog::{Catalog, Defined};
use alembic_gate::sql::change::Name;
use alembic_gate::sql::script;
use serde_json::json;

use crate::apply::call;
use crate::walks::{BASE, site, write};

const TABLES: &[&str] = &[
    "CREATE TYPE mood AS ENUM ('sad', 'ok')",
    "CREATE TABLE \"User\" (id integer NOT NULL PRIMARY KEY, email varchar(200), age integer, feels mood)",
    "CREATE FUNCTION \"Touch\"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE FUNCTION doubled(n integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * n'",
    "CREATE TRIGGER touched BEFORE UPDATE OF feels ON \"User\" FOR EACH ROW EXECUTE FUNCTION \"Touch\"()",
    "CREATE POLICY grown ON \"User\" USING (age > 17)",
    "CREATE VIEW adults AS SELECT id, email, feels FROM \"User\" WHERE age > 17",
    "GRANT SELECT ON adults TO PUBLIC",
    "CREATE VIEW counted AS SELECT count(*) AS n FROM adults",
    "CREATE MATERIALIZED VIEW by_age AS SELECT age, count(*) AS n FROM \"User\" GROUP BY age",
    "CREATE UNIQUE INDEX ix_by_age ON by_age (age)",
];

#[test]
fn what_is_dropped_or_replaced_comes_back_by_its_text() {
    let Some(site) = site(Dialect::Postgresql, TABLES, "") else { return };
    let mut agent = site.client(false);
    let sql = "DROP VIEW counted; DROP MATERIALIZED VIEW by_age; DROP POLICY grown ON \"User\"; DROP TRIGGER touched ON \"User\";
        CREATE OR REPLACE VIEW adults AS SELECT id, email, feels, age FROM \"User\" WHERE age > 17;
        CREATE OR REPLACE FUNCTION doubled(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n + n'; DROP FUNCTION \"Touch\"()";
    let plan = call(&mut agent, "plan_migration", json!({ "sql": sql }));
    assert_eq!((&plan["verdict"], plan["revisions"].as_array().unwrap().len()), (&json!("warn"), 7), "{plan:#}");
    assert!(plan["open_questions"].to_string().contains("still name `by_age`"), "{plan:#}");
    assert!(!plan.to_string().contains("no reverse that is known"), "{plan:#}");
    write(&site, &plan);
    let review = call(&mut agent, "review_sql", json!({ "from": BASE }));
    assert_ne!(review["verdict"], "blocked", "{review:#}");
    let trip = call(&mut agent, "test_rollback", json!({ "from": BASE }));
    assert_eq!((&trip["outcome"], &trip["rollback_tested"]), (&json!("ok"), &json!(true)), "{trip:#}");
}

#[test]
fn what_hangs_on_a_column_is_made_anew_around_its_change() {
    for wish in [
        json!({ "kind": "alter_column_type", "table": "User", "column": "email", "type": "varchar(250)" }),
        json!({ "kind": "alter_column_type", "table": "User", "column": "age", "type": "bigint" }),
        json!({ "kind": "add_enum_value", "type": "mood", "value": "glad" }),
        json!({ "kind": "remove_enum_value", "type": "mood", "value": "sad", "replacement": "ok" }),
    ] {
        let Some(site) = site(Dialect::Postgresql, TABLES, "") else { return };
        let mut agent = site.client(false);
        let plan = call(
            &mut agent,
            "plan_migration",
            json!({ "intent": "change it", "changes": [wish], "table_stats": { "User": { "rows": 900, "bytes": 90_000 } } }),
        );
        assert_ne!(plan["verdict"], "blocked", "{wish}: {plan:#}");
        write(&site, &plan);
        let review = call(&mut agent, "review_sql", json!({ "from": BASE, "table_stats": { "User": { "rows": 900, "bytes": 90_000 } } }));
        assert_ne!(review["verdict"], "blocked", "{wish}: {review:#}");
        let trip = call(&mut agent, "test_rollback", json!({ "from": BASE }));
        assert!(["ok", "order_changed"].contains(&trip["outcome"].as_str().unwrap()), "{wish}: {trip:#}");
    }
}

#[test]
fn a_text_that_is_not_the_last_word_is_not_used() {
    let server = Server { dialect: Dialect::Postgresql, version: ServerVersion::new(18, 0) };
    let known = |more: &str| {
        let setup = "CREATE TABLE t (a integer, b integer); CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION f(n integer) RETURNS integer LANGUAGE sql AS 'SELECT n';";
        let catalog = Catalog::of_history(&script::read(format!("{setup} {more}"), server));
        let text = |defined, name: &str| catalog.definition(defined, &Name::bare(name), "").map(str::to_owned);
        (text(Defined::View, "v"), text(Defined::Function, "f").is_some())
    };
    let made = Some("CREATE VIEW v AS SELECT a FROM t".to_owned());
    assert_eq!(known(""), (made.clone(), true));
    assert_eq!(known("ALTER TABLE t ADD COLUMN c integer; CREATE INDEX ON t (a); INSERT INTO t VALUES (1, 2);"), (made.clone(), true));
    assert_eq!(known("DO $$ BEGIN CREATE TYPE x AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;"), (made.clone(), true));
    assert_eq!(
        known("CREATE OR REPLACE VIEW v AS SELECT a, b FROM t;").0.as_deref(),
        Some("CREATE OR REPLACE VIEW v AS SELECT a, b FROM t")
    );
    assert_eq!(known("ALTER TABLE t RENAME COLUMN a TO z;").0, None, "the view's text names a column that is gone");
    assert_eq!(known("ALTER VIEW v SET (security_barrier = true);").0, None);
    assert_eq!(known("DROP VIEW v;").0, None);
    assert_eq!(known("DO $$ BEGIN EXECUTE 'DROP ' || 'VIEW v'; END $$;").0, None, "nobody knows what it did");
    assert_eq!(known("CREATE FUNCTION f(n text) RETURNS text LANGUAGE sql AS 'SELECT n';"), (made, false), "two have the name");
}

//! A plan that demands something of rows is tested with rows that fit: which stand in its way only the real table says. A revision of
//! somebody's own that says nothing of them fails on made-up ones, and says what those that fit do.

use std::path::PathBuf;

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::apply::{Site, call};
use crate::walks::{BASE, site, write};

const TABLES: &[&str] = &[
    "CREATE TABLE users (id integer NOT NULL PRIMARY KEY, email varchar(200), age integer)",
    "CREATE TABLE orders (id integer NOT NULL PRIMARY KEY, user_id integer, amount decimal(10, 2) NOT NULL)",
];

/// A wish, and a word of the query that finds the rows in its way.
fn wishes() -> [(Value, &'static str); 4] {
    let orphans = json!({ "kind": "add_constraint", "table": "orders", "columns": ["user_id"], "references": "users(id)" });
    [
        (json!({ "kind": "add_constraint", "table": "users", "columns": ["email"], "unique": true }), "HAVING count(*) > 1"),
        (json!({ "kind": "add_constraint", "table": "users", "check": "age > 0 AND age < 1000", "name": "age_fits" }), "NOT (age > 0"),
        (json!({ "kind": "set_not_null", "table": "users", "column": "age" }), ""),
        (orphans, "NOT EXISTS"),
    ]
}

fn revisions(site: &Site) -> Vec<PathBuf> {
    let all = std::fs::read_dir(site.shop.path().join("migrations/versions")).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|end| end == "py")).collect()
}

fn plans_are_tested_with_rows_that_fit(dialect: Dialect) {
    let Some(site) = site(dialect, TABLES, "") else { return };
    let stood = revisions(&site);
    let mut agent = site.client(false);
    for (wish, query) in wishes() {
        let plan = call(&mut agent, "plan_migration", json!({ "changes": [wish], "zero_downtime": dialect != Dialect::Mariadb }));
        assert_eq!(plan["verdict"], "warn", "{plan:#}");
        let asked = plan["open_questions"].to_string();
        assert!(asked.contains(query) && !asked.contains("null,"), "{query}: {plan:#}");
        write(&site, &plan);
        let trip = call(&mut agent, "test_rollback", json!({ "from": BASE }));
        assert_eq!((&trip["outcome"], &trip["rollback_tested"]), (&json!("ok"), &json!(true)), "{dialect:?} {wish}: {trip:#}");
        let notes = trip["notes"].to_string();
        // Made-up keys happen to point at made-up rows, but for those that SQLite gives itself.
        let is_refused = wish["references"].is_null() || dialect == Dialect::Sqlite;
        assert_eq!(notes.contains("tested with rows that fit, since its text says"), is_refused, "{dialect:?} {wish}: {trip:#}");
        for file in revisions(&site).iter().filter(|file| !stood.contains(file)) {
            std::fs::remove_file(file).unwrap();
        }
    }
}

#[test]
fn plans_are_tested_with_rows_that_fit_on_postgresql() {
    plans_are_tested_with_rows_that_fit(Dialect::Postgresql);
}

#[test]
fn plans_are_tested_with_rows_that_fit_on_mariadb() {
    plans_are_tested_with_rows_that_fit(Dialect::Mariadb);
}

#[test]
fn plans_are_tested_with_rows_that_fit_on_sqlite() {
    plans_are_tested_with_rows_that_fit(Dialect::Sqlite);
}

/// The step that converts and the one that compares are stopped by values that do not fit: rows are made behind the last one.
#[test]
fn a_change_of_type_in_steps_is_tested_with_values_that_fit() {
    let Some(site) = site(Dialect::Postgresql, TABLES, "") else { return };
    let wish = json!({ "kind": "alter_column_type", "table": "users", "column": "email", "type": "integer" });
    let mut agent = site.client(false);
    let plan = call(&mut agent, "plan_migration", json!({ "changes": [wish] }));
    let asked = plan["open_questions"].to_string();
    assert!(asked.contains("SELECT count(*) FROM users WHERE (email::integer)::character varying(200) IS DISTINCT FROM email"), "{plan:#}");
    let names = write(&site, &plan);
    let trip = call(&mut agent, "test_rollback", json!({ "from": BASE }));
    assert_eq!(trip["rollback_tested"], true, "{trip:#}");
    assert!(trip["summary"].as_str().unwrap().contains("with rows that fit") || trip["outcome"] == "order_changed", "{trip:#}");
    // The same without a word in the head of the step that converts.
    let backfill = names.iter().find(|name| name.starts_with("backfill")).unwrap();
    let file = site.shop.path().join(format!("migrations/versions/{backfill}.py"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("alembic-gate: allow may_fail_on_rows", "nobody says")).unwrap();
    let trip = call(&mut agent, "test_rollback", json!({ "from": BASE }));
    assert_eq!((&trip["outcome"], &trip["rollback_tested"]), (&json!("upgrade_fails"), &json!(false)), "{trip:#}");
    assert!(trip["outcomes"][0]["why"].as_str().unwrap().contains("with rows that fit it goes up, down and up"), "{trip:#}");
}

const SCHEMA: &str = "CREATE TABLE users (id integer NOT NULL PRIMARY KEY, email varchar(200))";
const UP: &str = "CREATE UNIQUE INDEX ux ON users (email);";
const ALLOWED: &str = "-- alembic-gate: allow may_fail_on_rows because no two share an address";

fn tried(up: &str, down: &str, seed: &str) -> Value {
    let asked = json!({ "sql": up, "downgrade_sql": down, "setup_sql": SCHEMA, "seed_sql": seed, "dialect": "sqlite" });
    call(&mut crate::mcp_client::Client::with_handshake(), "test_rollback", asked)
}

#[test]
fn what_only_made_up_rows_stop_is_told_apart() {
    // Nothing is said of rows: those that were made up stop it, and those that fit come back.
    let plain = tried(UP, "DROP INDEX ux", "");
    assert_eq!((&plain["outcome"], &plain["rollback_tested"]), (&json!("upgrade_fails"), &json!(false)), "{plain:#}");
    assert!(plain["summary"].as_str().unwrap().contains("with rows that fit it goes up, down and up"), "{plain:#}");
    assert!(plain["notes"].to_string().contains("allow may_fail_on_rows because"), "{plain:#}");
    // The text says that there are none such.
    let allowed = tried(&format!("{ALLOWED}\n{UP}"), "DROP INDEX ux", "");
    assert_eq!((&allowed["outcome"], &allowed["rollback_tested"]), (&json!("ok"), &json!(true)), "{allowed:#}");
    assert!(allowed["notes"].to_string().contains("no two share an address"), "{allowed:#}");
    // An allowance beside another statement, or without a reason, says nothing.
    for beside in [format!("{ALLOWED}\nSELECT 1;\n{UP}"), format!("-- alembic-gate: allow may_fail_on_rows\n{UP}")] {
        assert_eq!(tried(&beside, "DROP INDEX ux", "")["outcome"], "upgrade_fails", "{beside}");
    }
}

#[test]
fn rows_that_fit_excuse_nothing_else() {
    // Their way back is lost like that of others.
    let lossy = format!("{ALLOWED}\n{UP}\nUPDATE users SET email = 'x' || id;");
    let lost = tried(&lossy, "DROP INDEX ux", "");
    assert_eq!((&lost["outcome"], &lost["rollback_tested"]), (&json!("data_lost"), &json!(false)), "{lost:#}");
    // Rows of somebody's own are no made-up ones: what they stop stays stopped.
    let own = tried(&format!("{ALLOWED}\n{UP}"), "DROP INDEX ux", "INSERT INTO users VALUES (1, 'a'), (2, 'a')");
    assert_eq!(own["outcome"], "upgrade_fails", "{own:#}");
    // What fails with rows of every kind fails with those that fit.
    let always = tried(
        "-- alembic-gate: allow may_fail_on_rows because why not\nINSERT INTO users VALUES (1, 'a'), (1, 'b');",
        "DELETE FROM users",
        "",
    );
    assert_eq!(always["outcome"], "upgrade_fails", "{always:#}");
}

/// A column of the plan's own holds nothing yet that could be in the way: nobody is asked.
#[test]
fn of_a_column_that_the_plan_adds_nobody_is_asked() {
    for changes in [
        json!([{ "kind": "add_column", "table": "users", "column": "slug", "type": "varchar(50)", "unique": true }]),
        json!([{ "kind": "add_column", "table": "users", "column": "boss", "type": "integer", "references": "users(id)" }]),
    ] {
        for dialect in ["postgresql", "mariadb", "sqlite"] {
            let asked = json!({ "changes": changes, "setup_sql": SCHEMA, "dialect": dialect, "table_stats": { "users": { "rows": 9_000_000, "bytes": 900_000_000 } } });
            let plan = call(&mut crate::mcp_client::Client::with_handshake(), "plan_migration", asked);
            assert!(
                !plan.to_string().contains("in the way of") && !plan.to_string().contains("allow may_fail_on_rows because it is applied"),
                "{dialect}: {plan:#}"
            );
            assert!(!plan["revisions"].as_array().unwrap().is_empty(), "{dialect}: {plan:#}");
        }
    }
}

/// What is set on tables and stands beside them: each comes with the way back that its trip proves.
#[test]
fn what_is_set_on_tables_and_stands_beside_them_goes_back() {
    let Some(site) = site(Dialect::Postgresql, TABLES, "") else { return };
    let mut agent = site.client(false);
    let sql = "COMMENT ON TABLE users IS 'it''s people'; COMMENT ON COLUMN users.email IS 'what IS written to';
        CREATE FUNCTION doubled(n integer DEFAULT 5) RETURNS integer LANGUAGE sql AS 'SELECT 2 * n';
        CREATE STATISTICS ages (dependencies) ON email, age FROM users; CREATE OR REPLACE VIEW adults AS SELECT id FROM users WHERE age > 17;
        ALTER TABLE users ALTER COLUMN age SET STATISTICS 500; ALTER TABLE users ALTER COLUMN email SET STORAGE EXTERNAL;
        ALTER TABLE orders SET (fillfactor = 80); ALTER TABLE orders REPLICA IDENTITY FULL";
    let plan = call(&mut agent, "plan_migration", json!({ "sql": sql }));
    assert_eq!((&plan["verdict"], plan["revisions"].as_array().unwrap().len()), (&json!("pass"), 9), "{plan:#}");
    write(&site, &plan);
    let trip = call(&mut agent, "test_rollback", json!({ "from": BASE }));
    assert_eq!((&trip["outcome"], &trip["rollback_tested"]), (&json!("ok"), &json!(true)), "{trip:#}");
    // Nobody knows what stood before: it is asked, not passed over.
    let asked = call(&mut agent, "plan_migration", json!({ "sql": "ALTER ROLE CURRENT_USER SET work_mem = '64MB'" }));
    assert!(asked["verdict"] != "pass", "{asked:#}");
}

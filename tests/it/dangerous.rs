//! The table of dangerous operations, a test a row, named by its number in the requirements (U-02 … U-36): what others wait for and how
//! long, what to do instead, and the lock as a real server takes it while the statement runs forth and back with rows.

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::{classify_risk, plan_migration, review_sql, test_rollback};
use serde_json::{Value, json};

/// A row of the table.
struct Row {
    dialect: &'static str,
    sql: &'static str,
    down: &'static str,
    /// The strongest lock on each table, in the server's words.
    locks: &'static [(&'static str, &'static str)],
    work: &'static str,
    loss: &'static str,
    /// The rule that says so; none: it may run as it is.
    rule: Option<&'static str>,
    /// A word of what to do instead.
    instead: &'static str,
    outcome: &'static str,
}

const SHOP: &str = "CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);\n\
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, status varchar(20), total int NOT NULL DEFAULT 0, note text);\n\
CREATE INDEX ix_orders_total ON orders (total);\nALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total >= 0);";
const MARIADB_SHOP: &str = "CREATE TABLE customers (id bigint PRIMARY KEY, name varchar(40) NOT NULL);\n\
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, status varchar(20), total int NOT NULL DEFAULT 0, note text, KEY ix_orders_total (total));";
const SQLITE_SHOP: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, status VARCHAR(20), total INTEGER NOT NULL DEFAULT 0, note TEXT);\n\
CREATE INDEX ix_orders_total ON orders (total);";

fn setup(dialect: &str) -> &'static str {
    match dialect {
        "mariadb" => MARIADB_SHOP,
        "sqlite" => SQLITE_SHOP,
        _ => SHOP,
    }
}

fn call(tool: fn(Value, &Call<'_>) -> alembic_gate::tools::answer::Answer, arguments: Value) -> Value {
    let settings = Settings::default();
    Value::Object(tool(arguments, &Call::local(&settings)).output)
}

fn arguments(row: &Row) -> Value {
    let mut asked = json!({ "sql": row.sql, "dialect": row.dialect, "setup_sql": setup(row.dialect) });
    if row.dialect == "mariadb" {
        asked["server_version"] = json!("10.11");
    }
    asked
}

fn shown(row: &Row) {
    let mut asked = arguments(row);
    asked["detail"] = json!("full");
    let risk = call(classify_risk::TOOL.call, asked);
    let statement = &risk["statements"][0];
    // What a server has no words for is not understood, and fails.
    assert!(statement["understood"] == true || row.rule == Some("will_fail"), "{risk:#}");
    assert_eq!((&statement["work"], &risk["data_loss_risk"]), (&json!(row.work), &json!(row.loss)), "{}: {statement:#}", row.sql);
    assert!(!risk["lock_duration"].is_null() && !statement["cite"].as_array().unwrap().is_empty(), "{risk:#}");
    for (table, mode) in row.locks {
        let told = statement["locks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|lock| lock["table"].as_str().unwrap().ends_with(table) && lock["mode"] == *mode);
        assert!(told, "{}: {mode} on {table}: {statement:#}", row.sql);
    }
    let review = call(review_sql::TOOL.call, arguments(row));
    let findings = review["findings"].as_array().unwrap();
    match row.rule {
        Some(rule) => {
            let found = findings.iter().find(|one| one["rule"] == rule).unwrap_or_else(|| panic!("{}: no `{rule}`: {review:#}", row.sql));
            assert!(found.to_string().contains(row.instead), "{}: {found:#}", row.sql);
            assert!(["what", "why", "do"].iter().all(|part| !found[part].as_str().unwrap().is_empty()), "{found:#}");
        }
        None => assert!(findings.iter().all(|one| one["severity"] != "error"), "{}: {review:#}", row.sql),
    }
    measured(row);
}

/// Forth and back with rows on a real server; its locks are those that were foretold.
fn measured(row: &Row) {
    let is_here = match row.dialect {
        "postgresql" => !crate::scratch::majors().is_empty(),
        "mariadb" => crate::scratch::mariadb().is_some(),
        _ => true,
    };
    if !is_here {
        eprintln!("SKIPPED: no server for {}", row.dialect);
        return;
    }
    let mut asked = arguments(row);
    asked["downgrade_sql"] = json!(row.down);
    asked["rows"] = json!(20);
    let trip = call(test_rollback::TOOL.call, asked);
    assert_eq!(trip["outcome"], row.outcome, "{}: {trip:#}", row.sql);
    assert!(!trip["notes"].to_string().contains("observed otherwise"), "{}: {trip:#}", row.sql);
    if row.dialect == "postgresql" && row.outcome != "upgrade_fails" {
        for (table, mode) in row.locks {
            let held = trip["locks"]
                .as_array()
                .unwrap()
                .iter()
                .any(|lock| lock["table"].as_str().unwrap_or_default().ends_with(table) && lock["mode"] == *mode);
            assert!(held, "{}: {mode} on {table} was not seen: {:#}", row.sql, trip["locks"]);
        }
    }
}

macro_rules! rows {
    ($($name:ident: $dialect:literal, $sql:literal, back $down:literal, locks [$($lock:expr),*], $work:literal, loses $loss:literal, $rule:expr, $instead:literal, $outcome:literal;)+) => {$(
        #[test]
        fn $name() {
            shown(&Row { dialect: $dialect, sql: $sql, down: $down, locks: &[$($lock),*], work: $work, loss: $loss, rule: $rule, instead: $instead, outcome: $outcome });
        }
    )+};
}

rows! {
    u_02_add_a_column_that_may_be_null: "postgresql", "ALTER TABLE orders ADD COLUMN fax text", back "ALTER TABLE orders DROP COLUMN fax",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "none", None, "", "ok";
    u_03_add_a_column_with_a_default: "postgresql", "ALTER TABLE orders ADD COLUMN state text DEFAULT 'new'", back "ALTER TABLE orders DROP COLUMN state",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "none", None, "", "ok";
    u_04_add_a_required_column_without_a_default: "postgresql", "ALTER TABLE orders ADD COLUMN state text NOT NULL", back "ALTER TABLE orders DROP COLUMN state",
        locks [], "instant", loses "none", Some("not_null_without_default"), "nullable", "upgrade_fails";
    u_05_drop_a_column: "postgresql", "ALTER TABLE orders DROP COLUMN note", back "ALTER TABLE orders ADD COLUMN note text",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "high", Some("drop_column"), "later revision", "data_lost";
    u_06_rename_a_column: "postgresql", "ALTER TABLE orders RENAME COLUMN note TO remark", back "ALTER TABLE orders RENAME COLUMN remark TO note",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "none", Some("rename"), "write both", "ok";
    u_07_a_compatible_type: "postgresql", "ALTER TABLE orders ALTER COLUMN status TYPE varchar(80)", back "ALTER TABLE orders ALTER COLUMN status TYPE varchar(20)",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "none", None, "", "ok";
    u_08_an_incompatible_type: "postgresql", "ALTER TABLE orders ALTER COLUMN total TYPE bigint", back "ALTER TABLE orders ALTER COLUMN total TYPE int",
        locks [("orders", "ACCESS EXCLUSIVE")], "rewrite", loses "none", Some("type_change_rewrite"), "column", "ok";
    u_09_set_not_null: "postgresql", "ALTER TABLE orders ALTER COLUMN id SET NOT NULL, ALTER COLUMN total SET NOT NULL, ALTER COLUMN note SET DEFAULT 'x'", back "ALTER TABLE orders ALTER COLUMN note DROP DEFAULT",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "none", None, "", "ok";
    u_10_drop_not_null: "postgresql", "ALTER TABLE orders ALTER COLUMN total DROP NOT NULL", back "ALTER TABLE orders ALTER COLUMN total SET NOT NULL",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "low", None, "", "ok";
    u_11_create_an_index: "postgresql", "CREATE INDEX ix_orders_status ON orders (status)", back "DROP INDEX ix_orders_status",
        locks [("orders", "SHARE")], "scan", loses "none", Some("index_without_concurrently"), "CONCURRENTLY", "ok";
    u_12_create_an_index_concurrently: "postgresql", "CREATE INDEX CONCURRENTLY ix_orders_status ON orders (status)", back "DROP INDEX CONCURRENTLY ix_orders_status",
        locks [("orders", "SHARE UPDATE EXCLUSIVE")], "scan", loses "none", None, "", "ok";
    u_13_drop_an_index: "postgresql", "DROP INDEX ix_orders_total", back "CREATE INDEX ix_orders_total ON orders (total)",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "low", None, "", "ok";
    u_14_drop_an_index_concurrently: "postgresql", "DROP INDEX CONCURRENTLY ix_orders_total", back "CREATE INDEX CONCURRENTLY ix_orders_total ON orders (total)",
        locks [("orders", "SHARE UPDATE EXCLUSIVE")], "instant", loses "low", None, "", "ok";
    u_15_create_a_unique_index: "postgresql", "CREATE UNIQUE INDEX uq_orders_id ON orders (id, status)", back "DROP INDEX uq_orders_id",
        locks [("orders", "SHARE")], "scan", loses "none", Some("index_without_concurrently"), "CONCURRENTLY", "ok";
    u_16_create_a_table: "postgresql", "CREATE TABLE tags (id bigint PRIMARY KEY, name text)", back "DROP TABLE tags",
        locks [], "instant", loses "none", None, "", "ok";
    u_17_drop_a_table: "postgresql", "DROP TABLE customers", back "CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL)",
        locks [("customers", "ACCESS EXCLUSIVE")], "instant", loses "high", Some("drop_table"), "rename", "data_lost";
    u_18_rename_a_table: "postgresql", "ALTER TABLE customers RENAME TO buyers", back "ALTER TABLE buyers RENAME TO customers",
        locks [("customers", "ACCESS EXCLUSIVE")], "instant", loses "none", Some("rename"), "old", "ok";
    u_19_truncate: "postgresql", "TRUNCATE customers", back "SELECT 1",
        locks [("customers", "ACCESS EXCLUSIVE")], "instant", loses "high", Some("truncate"), "backup", "data_lost";
    u_20_a_foreign_key: "postgresql", "ALTER TABLE orders ADD CONSTRAINT fk_orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id)", back "ALTER TABLE orders DROP CONSTRAINT fk_orders_customer",
        locks [("orders", "SHARE ROW EXCLUSIVE"), ("customers", "SHARE ROW EXCLUSIVE")], "scan", loses "none", Some("constraint_without_not_valid"), "NOT VALID", "upgrade_fails";
    u_21_a_check: "postgresql", "ALTER TABLE orders ADD CONSTRAINT has_id CHECK (id IS NOT NULL)", back "ALTER TABLE orders DROP CONSTRAINT has_id",
        locks [("orders", "ACCESS EXCLUSIVE")], "scan", loses "none", Some("constraint_without_not_valid"), "NOT VALID", "ok";
    u_22_drop_a_constraint: "postgresql", "ALTER TABLE orders DROP CONSTRAINT total_positive", back "ALTER TABLE orders ADD CONSTRAINT total_positive CHECK (total >= 0)",
        locks [("orders", "ACCESS EXCLUSIVE")], "instant", loses "low", Some("drop_constraint"), "", "ok";
    u_23_mariadb_add_a_column_at_the_end: "mariadb", "ALTER TABLE orders ADD COLUMN fax varchar(20)", back "ALTER TABLE orders DROP COLUMN fax",
        locks [("orders", "NONE")], "instant", loses "none", None, "", "ok";
    u_24_mariadb_add_a_column_in_the_middle: "mariadb", "ALTER TABLE orders ADD COLUMN fax varchar(20) AFTER id", back "ALTER TABLE orders DROP COLUMN fax",
        locks [("orders", "NONE")], "instant", loses "none", None, "", "ok";
    u_25_mariadb_drop_a_column: "mariadb", "ALTER TABLE orders DROP COLUMN note", back "ALTER TABLE orders ADD COLUMN note text",
        locks [("orders", "NONE")], "instant", loses "high", Some("drop_column"), "", "data_lost";
    u_26_mariadb_rename_a_column: "mariadb", "ALTER TABLE orders RENAME COLUMN note TO remark", back "ALTER TABLE orders RENAME COLUMN remark TO note",
        locks [("orders", "NONE")], "instant", loses "none", Some("rename"), "write both", "ok";
    u_27_mariadb_modify_a_column: "mariadb", "ALTER TABLE orders MODIFY COLUMN total bigint NOT NULL DEFAULT 0", back "ALTER TABLE orders MODIFY COLUMN total int NOT NULL DEFAULT 0",
        locks [("orders", "SHARED")], "rewrite", loses "none", Some("online_ddl_copy"), "", "ok";
    u_28_mariadb_create_an_index: "mariadb", "CREATE INDEX ix_orders_status ON orders (status)", back "DROP INDEX ix_orders_status ON orders",
        locks [("orders", "NONE")], "scan", loses "none", None, "", "ok";
    u_29_mariadb_drop_an_index: "mariadb", "DROP INDEX ix_orders_total ON orders", back "CREATE INDEX ix_orders_total ON orders (total)",
        locks [("orders", "NONE")], "scan", loses "low", None, "", "ok";
    u_30_sqlite_add_a_column_that_may_be_null: "sqlite", "ALTER TABLE orders ADD COLUMN fax TEXT", back "ALTER TABLE orders DROP COLUMN fax",
        locks [("*", "EXCLUSIVE")], "instant", loses "none", None, "", "ok";
    u_31_sqlite_add_a_required_column_without_a_default: "sqlite", "ALTER TABLE orders ADD COLUMN state TEXT NOT NULL", back "ALTER TABLE orders DROP COLUMN state",
        locks [], "instant", loses "none", Some("not_null_without_default"), "nullable", "upgrade_fails";
    u_32_sqlite_drop_a_column: "sqlite", "ALTER TABLE orders DROP COLUMN note", back "ALTER TABLE orders ADD COLUMN note TEXT",
        locks [("*", "EXCLUSIVE")], "rewrite", loses "high", Some("drop_column"), "", "data_lost";
    u_33_sqlite_rename_a_column: "sqlite", "ALTER TABLE orders RENAME COLUMN note TO remark", back "ALTER TABLE orders RENAME COLUMN remark TO note",
        locks [("*", "EXCLUSIVE")], "instant", loses "none", Some("rename"), "", "ok";
    u_35_sqlite_create_an_index: "sqlite", "CREATE INDEX ix_orders_status ON orders (status)", back "DROP INDEX ix_orders_status",
        locks [("*", "EXCLUSIVE")], "scan", loses "none", None, "", "ok";
}

#[test]
fn u_09_set_not_null_alone_reads_the_table_and_behind_a_check_it_does_not() {
    let risk = |sql: &str| call(classify_risk::TOOL.call, json!({ "sql": sql, "dialect": "postgresql", "setup_sql": SHOP }));
    let alone = risk("ALTER TABLE orders ALTER COLUMN note SET NOT NULL");
    assert_eq!(alone["statements"][0]["work"], "scan", "{alone:#}");
    let proven = risk(
        "ALTER TABLE orders ADD CONSTRAINT k CHECK (note IS NOT NULL) NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT k;\nALTER TABLE orders ALTER COLUMN note SET NOT NULL;",
    );
    assert_eq!(proven["statements"][2]["work"], "instant", "{proven:#}");
}

/// An index is dropped in an instant, but whoever waits for it makes others wait: with a long queue in front of it that is said.
#[test]
fn u_13_the_page_says_how_nobody_waits() {
    let rule = alembic_gate::rules::RULES.iter().find(|rule| rule.name == "drop_index_without_concurrently").unwrap();
    assert!(rule.page().contains("CONCURRENTLY") && rule.page().contains("autocommit_block"));
}

/// Rows that a revision takes out of a whole table are missed: nothing is written in their place.
#[test]
fn u_19_a_table_that_is_emptied_is_seen() {
    for (dialect, sql) in [("postgresql", "TRUNCATE customers"), ("postgresql", "DELETE FROM customers"), ("sqlite", "DELETE FROM orders")]
    {
        if dialect == "postgresql" && crate::scratch::majors().is_empty() {
            continue;
        }
        let trip = call(
            test_rollback::TOOL.call,
            json!({ "sql": sql, "downgrade_sql": "SELECT 1", "dialect": dialect, "setup_sql": setup(dialect), "rows": 20 }),
        );
        assert_eq!(trip["outcome"], "data_lost", "{dialect}: {sql}: {trip:#}");
    }
}

#[test]
fn u_17_a_table_is_renamed_watched_and_then_dropped() {
    let plan = call(
        plan_migration::TOOL.call,
        json!({ "dialect": "postgresql", "setup_sql": SHOP, "changes": [{ "kind": "drop_table", "table": "customers" }] }),
    );
    let names: Vec<&str> = plan["revisions"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["set_customers_aside", "drop_customers"], "{plan:#}");
}

#[test]
fn u_34_sqlite_makes_the_table_anew_in_batch_mode() {
    let wish = json!([{ "kind": "alter_column_type", "table": "orders", "column": "status", "type": "TEXT" }]);
    let plan = call(plan_migration::TOOL.call, json!({ "dialect": "sqlite", "setup_sql": SQLITE_SHOP, "changes": wish }));
    assert!(plan["revisions"][0]["upgrade"].as_str().unwrap().contains("op.batch_alter_table(\"orders\")"), "{plan:#}");
}

#[test]
fn u_36_a_test_on_sqlite_says_nothing_of_postgresql() {
    let trip = call(
        test_rollback::TOOL.call,
        json!({ "sql": "CREATE TABLE t (id int)", "downgrade_sql": "DROP TABLE t", "dialect": "sqlite", "production": { "dialect": "postgresql", "version": "16" } }),
    );
    assert_eq!(
        (&trip["outcome"], &trip["parity"]["ok"], &trip["rollback_tested"]),
        (&json!("ok"), &json!(false), &json!(false)),
        "{trip:#}"
    );
}

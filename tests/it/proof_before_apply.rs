//! The rest of the list in front of an apply, a test a row, named by its number in the requirements: rollback, time, loss, parity (U-52 … U-66),
//! and data migrations (U-77 … U-82). U-40 … U-51 and U-67 … U-69 stand in `before_apply`, U-63 in `apply` as S-010 and S-014.

use alembic_gate::tools::{classify_risk, plan_migration, review_sql, test_rollback};
use serde_json::{Value, json};

use crate::antipatterns::{call, told};
use crate::ranges::{AUTHORS, project};

const SHOP: &str = "CREATE TABLE users (id bigint PRIMARY KEY, name varchar(80), email text);";

fn review(sql: &str) -> Value {
    call(review_sql::TOOL, json!({ "sql": sql, "setup_sql": SHOP, "dialect": "postgresql" }))
}

fn trip(up: &str, down: &str) -> Value {
    call(
        test_rollback::TOOL,
        json!({ "sql": up, "downgrade_sql": down, "setup_sql": "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);", "dialect": "sqlite" }),
    )
}

#[test]
fn u_52_u_53_u_54_u_55_forth_back_equal_and_without_an_error() {
    let good = trip("ALTER TABLE users ADD COLUMN fax TEXT", "ALTER TABLE users DROP COLUMN fax");
    let steps: Vec<(&str, bool)> =
        good["steps"].as_array().unwrap().iter().map(|one| (one["direction"].as_str().unwrap(), one["ok"] == true)).collect();
    assert_eq!(steps, [("upgrade", true), ("downgrade", true), ("upgrade again", true)], "U-52, U-53, U-55: {good:#}");
    assert_eq!(good["schema"]["before"], good["schema"]["after_downgrade"], "U-54: {good:#}");
    let fails = trip("ALTER TABLE users ADD COLUMN fax TEXT", "ALTER TABLE users DROP COLUMN tax");
    assert_eq!(fails["outcome"], "downgrade_fails", "U-55: {fails:#}");
    let other = trip("CREATE INDEX IF NOT EXISTS i ON users (email)", "SELECT 1");
    assert_eq!(other["outcome"], "not_restored", "U-54: {other:#}");
}

#[test]
fn u_56_the_size_is_looked_at_or_asked_for() {
    let unknown = call(
        plan_migration::TOOL,
        json!({ "dialect": "postgresql", "setup_sql": SHOP, "changes": [{ "kind": "create_index", "table": "users", "columns": ["name"] }] }),
    );
    assert!(unknown["open_questions"].to_string().contains("how large is `users`"), "{unknown:#}");
    let known = call(
        classify_risk::TOOL,
        json!({ "sql": "CREATE INDEX i ON users (name)", "setup_sql": SHOP, "dialect": "postgresql", "table_stats": { "users": { "rows": 2e6, "bytes": 1.4e9 } } }),
    );
    assert_eq!((&known["lock_basis"]["table"], &known["lock_basis"]["rows"]), (&json!("users"), &json!(2e6)), "{known:#}");
}

#[test]
fn u_57_u_58_locks_are_reviewed_and_an_alternative_or_a_window_is_named() {
    let asked = json!({ "sql": "CREATE INDEX i ON users (name)", "setup_sql": SHOP, "dialect": "postgresql", "table_stats": { "users": { "rows": 2e8, "bytes": 1.4e11 } } });
    let answer = call(review_sql::TOOL, asked);
    let locks =
        answer["checklist"].as_object().unwrap().iter().find(|(name, _)| name.contains("lock")).unwrap_or_else(|| panic!("{answer:#}"));
    assert_eq!(locks.1["ok"], false, "U-57: {answer:#}");
    assert_eq!(answer["risk"]["lock_duration"], "maintenance_window", "U-58: {answer:#}");
    assert!(told(&answer, "index_without_concurrently")["do"].as_str().unwrap().contains("CONCURRENTLY"), "U-58");
}

#[test]
fn u_59_large_indexes_are_built_concurrently() {
    let plan = call(
        plan_migration::TOOL,
        json!({ "dialect": "postgresql", "setup_sql": SHOP, "changes": [{ "kind": "create_index", "table": "users", "columns": ["name"] }],
        "table_stats": { "users": { "rows": 2e6, "bytes": 1.4e9 } } }),
    );
    assert!(plan["revisions"][0]["upgrade"].as_str().unwrap().contains("postgresql_concurrently=True"), "{plan:#}");
}

#[test]
fn u_61_a_table_that_is_dropped_is_used_by_nobody() {
    let drop = (
        "drop_authors",
        "def upgrade():\n    op.drop_table('authors')\n\n\ndef downgrade():\n    op.create_table('authors', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(50), nullable=False))",
    );
    let Some(folder) = project("sqlite:////nowhere/shop.db", &[AUTHORS, drop]) else { return };
    std::fs::write(folder.path().join("report.py"), "QUERY = 'SELECT count(*) FROM authors'\n").unwrap();
    let answer = call(review_sql::TOOL, json!({ "project": folder.path(), "from": "create_authors" }));
    assert!(told(&answer, "dropped_column_in_use")["what"].as_str().unwrap().contains("report.py:1"), "{answer:#}");
}

#[test]
fn u_64_u_65_u_66_engine_version_and_volume_are_those_of_production() {
    let with = |production: Value, rows: u32| {
        call(
            test_rollback::TOOL,
            json!({ "sql": "ALTER TABLE users ADD COLUMN fax TEXT", "downgrade_sql": "ALTER TABLE users DROP COLUMN fax", "rows": rows,
            "setup_sql": "CREATE TABLE users (id INTEGER PRIMARY KEY);", "dialect": "sqlite", "production": production }),
        )
    };
    let other_engine = with(json!({ "dialect": "mariadb", "version": "11.4" }), 10);
    assert_eq!(other_engine["parity"]["ok"], false, "U-64: {other_engine:#}");
    let volume = with(json!({ "dialect": "sqlite", "version": "3.40" }), 6000);
    assert!(volume["rows"].to_string().contains("6000"), "U-66: {volume:#}");
    if crate::scratch::majors().is_empty() {
        return;
    }
    let other_version = call(
        test_rollback::TOOL,
        json!({ "sql": "CREATE TABLE t (id int)", "downgrade_sql": "DROP TABLE t", "dialect": "postgresql", "server_version": "18",
        "production": { "dialect": "postgresql", "version": "13" } }),
    );
    assert_eq!(other_version["parity"]["ok"], false, "U-65: {other_version:#}");
}

fn fill(value: &str) -> Value {
    call(
        plan_migration::TOOL,
        json!({ "dialect": "postgresql", "setup_sql": SHOP, "changes": [{ "kind": "backfill", "table": "users", "column": "email", "value": value }] }),
    )
}

#[test]
fn u_77_u_82_rows_are_a_revision_of_their_own_in_batches() {
    let plan = fill("lower(name)");
    assert_eq!((plan["revisions"].as_array().unwrap().len(), &plan["revisions"][0]["kind"]), (1, &json!("data")), "U-77: {plan:#}");
    let up = plan["revisions"][0]["upgrade"].as_str().unwrap();
    assert!(up.contains("autocommit_block") && up.contains("LIMIT 5000") && !up.contains("OFFSET"), "U-82: {up}");
    let mixed = review("BEGIN;\nALTER TABLE users ADD COLUMN slug text;\nUPDATE users SET slug = lower(name);\nCOMMIT;");
    told(&mixed, "schema_and_data_mixed");
}

/// A backfill over more rows than a batch has: run twice, taken back, and what the rows had is there again.
#[test]
fn u_62_u_78_to_u_81_a_backfill_is_timed_and_run_at_volume_twice_and_back() {
    let Some(folder) = crate::recipes::project("sqlite", "CREATE TABLE users (id integer PRIMARY KEY, name text, email text)") else {
        return;
    };
    let path = folder.path().display().to_string();
    let plan = call(
        plan_migration::TOOL,
        json!({ "project": path, "changes": [{ "kind": "backfill", "table": "users", "column": "email", "value": "lower(name)" }] }),
    );
    crate::recipes::write_revisions(folder.path(), &plan);
    let rows = "INSERT INTO users (name, email) WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 12000) SELECT 'User ' || n, CASE WHEN n % 2 THEN 'user ' || n END FROM s";
    let trip = call(test_rollback::TOOL, json!({ "project": path, "from": "r0000", "seed_sql": rows }));
    assert_eq!(trip["outcome"], "ok", "U-62, U-78, U-80: {trip:#}");
    assert_eq!(trip["rerun"]["ok"], true, "U-79: {trip:#}");
    assert!(
        trip["steps"].as_array().unwrap().iter().all(|step| step["seconds"].as_f64().is_some_and(|seconds| seconds < 60.0)),
        "U-81: {trip:#}"
    );
}

//! The table of anti-patterns, a test a row, named by its number in the requirements: each is found, explained and mended. S-133 stands in
//! `lifecycle_tools`, S-139 in `recovery`, S-142 in `verify`.

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::{migration_status, plan_migration, review_sql, test_rollback};
use serde_json::{Value, json};

use crate::ranges::{AUTHORS, project};

const URL: &str = "sqlite:////nowhere/production.db";

pub fn call(tool: alembic_gate::tools::Tool, arguments: Value) -> Value {
    let settings = Settings::default();
    Value::Object((tool.call)(arguments, &Call::local(&settings)).output)
}

/// The finding of a rule, with its three parts.
pub fn told<'a>(answer: &'a Value, rule: &str) -> &'a Value {
    let found = answer["findings"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["rule"] == rule))
        .unwrap_or_else(|| panic!("no `{rule}`: {answer:#}"));
    for part in ["what", "why", "do"] {
        assert!(!found[part].as_str().unwrap().is_empty(), "{part}: {found:#}");
    }
    found
}

/// The review of a revision behind `create_authors`.
fn reviewed(id: &str, body: &str) -> Option<Value> {
    let folder = project(URL, &[AUTHORS, (id, body)])?;
    Some(call(review_sql::TOOL, json!({ "project": folder.path(), "from": "create_authors" })))
}

#[test]
fn s_134_a_downgrade_that_does_nothing() {
    let body = "def upgrade():\n    op.add_column('authors', sa.Column('email', sa.String(80)))\n\n\ndef downgrade():\n    pass";
    let Some(answer) = reviewed("add_authors_email", body) else { return };
    told(&answer, "empty_downgrade");
    assert_ne!(answer["verdict"], "pass", "{answer:#}");
}

#[test]
fn s_135_schema_and_rows_in_one_revision() {
    let body = "def upgrade():\n    op.add_column('authors', sa.Column('email', sa.String(80)))\n    op.execute(\"UPDATE authors SET email = name WHERE id > 0\")\n\n\ndef downgrade():\n    op.drop_column('authors', 'email')";
    let Some(answer) = reviewed("add_authors_email", body) else { return };
    assert!(told(&answer, "schema_and_data_mixed")["do"].as_str().unwrap().contains("revision"), "{answer:#}");
}

#[test]
fn s_136_tested_on_sqlite_only() {
    let Some(folder) = project(URL, &[AUTHORS]) else { return };
    let trip = call(
        test_rollback::TOOL,
        json!({ "project": folder.path(), "from": "base", "production": { "dialect": "postgresql", "version": "15" } }),
    );
    assert_eq!(
        (&trip["outcome"], &trip["parity"]["ok"], &trip["rollback_tested"]),
        (&json!("ok"), &json!(false), &json!(false)),
        "{trip:#}"
    );
    assert!(trip["parity"].to_string().contains("postgresql") && !trip["next"].as_array().unwrap().is_empty(), "{trip:#}");
}

#[test]
fn s_137_a_name_that_says_nothing() {
    let body = "def upgrade():\n    op.add_column('authors', sa.Column('email', sa.String(80)))\n\n\ndef downgrade():\n    op.drop_column('authors', 'email')";
    let Some(answer) = reviewed("migration_001", body) else { return };
    told(&answer, "name_not_descriptive");
    let Some(good) = reviewed("add_user_email_index", body) else { return };
    assert!(!good["findings"].to_string().contains("name_not_descriptive"), "{good:#}");
}

#[test]
fn s_138_two_revisions_behind_one() {
    let body = |column: &str| {
        format!(
            "def upgrade():\n    op.add_column('authors', sa.Column('{column}', sa.String(80)))\n\n\ndef downgrade():\n    op.drop_column('authors', '{column}')"
        )
    };
    let Some(folder) = project(URL, &[AUTHORS, ("add_authors_email", &body("email")), ("add_authors_fax", &body("fax"))]) else { return };
    let path = folder.path().join("migrations/versions/add_authors_fax.py");
    let text = std::fs::read_to_string(&path).unwrap().replace("'add_authors_email'", "'create_authors'");
    std::fs::write(&path, text).unwrap();
    let answer = call(migration_status::TOOL, json!({ "project": folder.path() }));
    assert_eq!((&answer["chain"]["linear"], answer["chain"]["heads"].as_array().unwrap().len()), (&json!(false), 2), "{answer:#}");
    assert!(told(&answer, "multiple_heads")["do"].as_str().unwrap().contains("merge"), "{answer:#}");
    // Nothing is planned on top of it.
    let plan = call(
        plan_migration::TOOL,
        json!({ "project": folder.path(), "changes": [{ "kind": "drop_column", "table": "authors", "column": "name" }] }),
    );
    assert_eq!(plan["reasons"], json!(["multiple_heads"]), "{plan:#}");
}

#[test]
fn s_140_a_required_column_without_a_default() {
    let setup = "CREATE TABLE users (id bigint PRIMARY KEY);";
    let asked = json!({ "sql": "ALTER TABLE users ADD COLUMN phone text NOT NULL", "setup_sql": setup, "dialect": "postgresql" });
    let answer = call(review_sql::TOOL, asked);
    assert_eq!(told(&answer, "not_null_without_default")["severity"], "error", "{answer:#}");
    let plan = call(
        plan_migration::TOOL,
        json!({ "sql": "ALTER TABLE users ADD COLUMN phone text NOT NULL", "setup_sql": setup, "dialect": "postgresql" }),
    );
    assert_eq!(plan["revisions"].as_array().unwrap().len(), 3, "{plan:#}");
}

#[test]
fn s_141_a_large_index_that_makes_writes_wait() {
    let asked = json!({ "sql": "CREATE INDEX ix_orders_status ON orders (status)", "setup_sql": "CREATE TABLE orders (id bigint PRIMARY KEY, status text);",
        "dialect": "postgresql", "table_stats": { "orders": { "rows": 8e6, "bytes": 6e9 } } });
    let answer = call(review_sql::TOOL, asked);
    let found = told(&answer, "index_without_concurrently");
    assert!(found.to_string().contains("autocommit_block"), "{found:#}");
    assert_eq!((&found["severity"], &answer["verdict"]), (&json!("error"), &json!("blocked")), "{answer:#}");
}

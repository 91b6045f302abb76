//! `plan_migration` as agents call it: the walks, the requirements by name, and wishes that cannot be.

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::{generate_migration, plan_migration};
use serde_json::{Value, json};

use crate::recipes::project;

const SHOP: &str = "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, email text);\nCREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id), status text)";

fn planned(arguments: Value) -> Value {
    let settings = Settings::default();
    Value::Object((plan_migration::TOOL.call)(arguments, &Call::local(&settings)).output)
}

fn shop(changes: Value) -> Value {
    let sizes = json!({ "users": { "rows": 2_000_000, "bytes": 1.4e9 }, "orders": { "rows": 8_000_000, "bytes": 6e9 } });
    planned(json!({ "dialect": "postgresql", "setup_sql": SHOP, "table_stats": sizes, "changes": changes }))
}

fn names(output: &Value) -> Vec<&str> {
    output["revisions"].as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn u_37_s_047_a_required_column_is_three_revisions_and_one_question() {
    let output = shop(json!([{ "kind": "add_column", "table": "users", "column": "phone", "type": "varchar(20)", "nullable": false }]));
    assert_eq!(names(&output), ["add_users_phone", "backfill_users_phone", "enforce_users_phone_not_null"], "{output:#}");
    let revisions = output["revisions"].as_array().unwrap();
    assert_eq!(revisions[1]["kind"], "data");
    let enforce = revisions[2]["sql"].as_str().unwrap();
    let places: Vec<usize> =
        ["NOT VALID", "VALIDATE CONSTRAINT", "SET NOT NULL", "DROP CONSTRAINT ck"].map(|word| enforce.find(word).unwrap()).to_vec();
    assert!(places.is_sorted(), "{enforce}");
    assert_eq!(output["open_questions"].as_array().unwrap().len(), 1, "{output:#}");
    assert_eq!(output["data_loss_risk"], "low");
    assert_eq!(output["next"][0]["tool"], "generate_migration");
    assert_eq!(output["next"][0]["args"]["step"]["name"], "add_users_phone");
    assert!(output.to_string().len() < 20_000);
    // S-050, S-057, S-062, S-069
    assert!(output["commands"].as_array().unwrap().iter().all(|one| !one.as_str().unwrap().contains("autogenerate")));
    assert!(!output["suggested_queries"].as_array().unwrap().is_empty() && output["downgrade_plan"].as_array().unwrap().len() == 3);
}

#[test]
fn u_38_s_030_a_big_index_is_one_revision_outside_of_a_transaction() {
    let output = shop(json!([{ "kind": "create_index", "table": "orders", "columns": ["status"] }]));
    assert_eq!(names(&output), ["add_orders_status_index"], "{output:#}");
    let upgrade = output["revisions"][0]["upgrade"].as_str().unwrap();
    assert!(upgrade.contains("autocommit_block") && upgrade.contains("postgresql_concurrently=True"), "{upgrade}");
    assert!(upgrade.find("DROP INDEX CONCURRENTLY IF EXISTS") < upgrade.find("create_index"), "{upgrade}");
    assert!(!output["strategy"].is_null() && output["verdict"] == "pass", "{output:#}");
    let small = planned(json!({ "dialect": "postgresql", "setup_sql": SHOP, "table_stats": { "orders": { "rows": 100, "bytes": 10_000 } },
        "changes": [{ "kind": "create_index", "table": "orders", "columns": ["status"] }] }));
    assert!(!small["revisions"][0]["upgrade"].as_str().unwrap().contains("concurrently"), "a small table needs no recipe: {small:#}");
}

#[test]
fn a_view_in_the_way_is_named_with_the_way_round_it() {
    let setup = "CREATE TABLE users (id bigint PRIMARY KEY, name text); CREATE VIEW names AS SELECT name FROM users";
    let output = planned(json!({ "dialect": "postgresql", "setup_sql": setup, "sql": "ALTER TABLE users DROP COLUMN name" }));
    assert_eq!(output["verdict"], "blocked");
    let summary = output["summary"].as_str().unwrap();
    assert!(summary.contains("`public.names`") && summary.contains("drop the view in a revision in front"), "{summary}");
}

/// What is made already is left out with a word; the rest is planned.
#[test]
fn of_two_wishes_the_one_that_is_made_does_not_take_the_other_along() {
    let sql = "ALTER TABLE users ALTER COLUMN name SET NOT NULL; CREATE INDEX ON orders (status)";
    let output = planned(json!({ "dialect": "postgresql", "setup_sql": SHOP, "sql": sql }));
    assert_eq!(names(&output), ["add_orders_status_index"], "{output:#}");
    assert!(output["notes"].to_string().contains("`users.name` is NOT NULL"), "{output:#}");
    let both = "ALTER TABLE users ALTER COLUMN name SET NOT NULL; ALTER TABLE users ADD COLUMN email text";
    let output = planned(json!({ "dialect": "postgresql", "setup_sql": SHOP, "sql": both }));
    assert_eq!((names(&output).len(), &output["reasons"]), (0, &json!(["already_made"])), "{output:#}");
}

#[test]
fn a_timestamp_gets_its_zone_under_a_named_one() {
    let setup = "CREATE TABLE visits (id bigint PRIMARY KEY, seen_at timestamp)";
    let change = json!([{ "kind": "alter_column_type", "table": "visits", "column": "seen_at", "type": "timestamptz" }]);
    let output = planned(json!({ "dialect": "postgresql", "setup_sql": setup, "changes": change }));
    assert!(output["open_questions"].to_string().contains("`visits.seen_at` in UTC"), "{output:#}");
    for way in ["upgrade", "downgrade"] {
        let body = output["revisions"][0][way].as_str().unwrap();
        let places: Vec<usize> = ["SET LOCAL timezone = 'UTC'", "ALTER TABLE visits", "SET LOCAL timezone TO DEFAULT"]
            .map(|word| body.find(word).unwrap())
            .to_vec();
        assert!(places.is_sorted(), "{body}");
    }
    let own = planned(json!({ "dialect": "postgresql", "setup_sql": setup,
        "sql": "ALTER TABLE visits ALTER COLUMN seen_at TYPE timestamptz USING seen_at AT TIME ZONE 'Europe/Berlin'" }));
    assert!(!own["revisions"].to_string().contains("SET LOCAL timezone"), "who names a zone is taken at their word: {own:#}");
}

#[test]
fn a_constraint_may_be_named_by_its_kind() {
    let change = json!([{ "kind": "add_constraint", "table": "orders", "columns": ["status"], "constraint": "unique" }]);
    assert_eq!(
        names(&shop(change)),
        names(&shop(json!([{ "kind": "add_constraint", "table": "orders", "columns": ["status"], "unique": true }])))
    );
}

#[test]
fn s_015_a_column_its_index_and_its_rows_are_three_revisions() {
    let output = shop(json!([
        { "kind": "add_column", "table": "users", "column": "slug", "type": "text" },
        { "kind": "create_index", "table": "users", "columns": ["slug"] },
        { "kind": "backfill", "table": "users", "column": "slug", "value": "lower(name)" }
    ]));
    assert_eq!(names(&output), ["add_users_slug", "add_users_slug_index", "backfill_users_slug"], "{output:#}");
    // U-83: ranges of the key, own transactions, no OFFSET.
    let fill = output["revisions"][2]["upgrade"].as_str().unwrap();
    assert!(fill.contains("autocommit_block") && fill.contains("ORDER BY id LIMIT") && !fill.contains("OFFSET"), "{fill}");
}

#[test]
fn s_063_what_needs_no_recipe_is_one_revision() {
    for change in [
        json!({ "kind": "add_column", "table": "users", "column": "note", "type": "text" }),
        json!({ "kind": "add_column", "table": "users", "column": "state", "type": "text", "nullable": false, "default": "new" }),
        json!({ "kind": "set_default", "table": "users", "column": "email", "default": "" }),
        json!({ "kind": "drop_not_null", "table": "users", "column": "name" }),
        json!({ "kind": "create_extension", "name": "pg_trgm" }),
        json!({ "kind": "create_table", "table": "tags", "columns": [{ "name": "id", "type": "bigint", "primary_key": true }, { "name": "name", "type": "text" }] }),
    ] {
        let output = shop(json!([change]));
        assert_eq!(names(&output).len(), 1, "{change}: {output:#}");
        assert_eq!(output["verdict"], "pass", "{change}: {output:#}");
    }
    let together = planned(
        json!({ "dialect": "postgresql", "setup_sql": SHOP, "sql": "CREATE TABLE tags (id bigint PRIMARY KEY, name text); CREATE INDEX ix_tags_name ON tags (name);" }),
    );
    assert_eq!(names(&together), ["create_tags"], "{together:#}");
}

#[test]
fn u_39_a_rename_is_expand_backfill_switch_contract() {
    let output = shop(json!([{ "kind": "rename_column", "table": "users", "column": "name", "new_name": "full_name" }]));
    let stages: Vec<&str> = output["revisions"].as_array().unwrap().iter().map(|one| one["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["expand", "backfill", "switch", "contract"], "{output:#}");
}

#[test]
fn wishes_that_cannot_be_get_a_clear_answer() {
    for (changes, reason, word) in [
        (json!([{ "kind": "drop_column", "table": "user", "column": "name" }]), "unknown_table", "did you mean `users`"),
        (json!([{ "kind": "set_not_null", "table": "users", "column": "emal" }]), "unknown_column", "did you mean `email`"),
        (json!([{ "kind": "add_column", "table": "users", "column": "email", "type": "text" }]), "already_made", "email"),
        (json!([{ "kind": "add_column", "table": "users", "column": "email", "type": "integer" }]), "impossible", "already"),
        (json!([{ "kind": "rename_column", "table": "users", "column": "nom", "new_name": "name" }]), "already_made", "name"),
        (json!([{ "kind": "drop_table", "table": "sessions" }]), "already_made", "sessions"),
        (json!([{ "kind": "set_not_null", "table": "users", "column": "name" }]), "already_made", "NOT NULL"),
        (
            json!([{ "kind": "add_column", "table": "users", "column": "x", "type": "text" }, { "kind": "drop_column", "table": "users", "column": "x" }]),
            "contradiction",
            "added and dropped",
        ),
        (
            json!([{ "kind": "drop_table", "table": "orders" }, { "kind": "add_column", "table": "orders", "column": "x", "type": "text" }]),
            "contradiction",
            "orders",
        ),
        (
            json!([{ "kind": "set_not_null", "table": "users", "column": "email" }, { "kind": "drop_not_null", "table": "users", "column": "email" }]),
            "contradiction",
            "must have a value and may be NULL",
        ),
        (
            json!([{ "kind": "set_default", "table": "users", "column": "email", "default": "a" }, { "kind": "drop_default", "table": "users", "column": "email" }]),
            "contradiction",
            "said twice",
        ),
        (
            json!([{ "kind": "alter_column_type", "table": "users", "column": "email", "type": "varchar(9)" }, { "kind": "alter_column_type", "table": "users", "column": "email", "type": "varchar(20)" }]),
            "contradiction",
            "type of `users.email`",
        ),
        (
            json!([{ "kind": "create_index", "table": "users", "columns": ["email"], "name": "i" }, { "kind": "drop_index", "name": "i" }]),
            "contradiction",
            "made and dropped",
        ),
        (json!([{ "kind": "split_table", "table": "users", "into": "orders", "columns": ["email"] }]), "impossible", "stands already"),
        (json!([{ "kind": "split_table", "table": "users", "into": "mails", "columns": ["id"] }]), "impossible", "primary key"),
        (
            json!([{ "kind": "split_table", "table": "users", "into": "mails", "columns": ["emal"] }]),
            "unknown_column",
            "did you mean `email`",
        ),
        (json!([{ "kind": "merge_tables", "table": "orders", "into": "users" }]), "impossible", "no column `user_id`"),
        (json!([{ "kind": "merge_tables", "table": "users", "into": "users" }]), "impossible", "into itself"),
        (json!([{ "kind": "change_key_type", "table": "users", "column": "id", "type": "bigint" }]), "already_made", "bigint"),
        (json!([{ "kind": "remove_enum_value", "type": "colour", "value": "red" }]), "unknown_type", "colour"),
    ] {
        let output = shop(changes.clone());
        assert_eq!(output["reasons"], json!([reason]), "{changes}: {output:#}");
        assert!(output["summary"].as_str().unwrap().contains(word), "{changes}: {}", output["summary"]);
        assert!(names(&output).is_empty() && !output["next"].as_array().unwrap().is_empty(), "{output:#}");
    }
    for (arguments, word) in [
        (json!({ "dialect": "postgresql", "changes": [{ "kind": "paint_table", "table": "users" }] }), "rename_column"),
        (
            json!({ "dialect": "postgresql", "changes": [{ "kind": "drop_column", "table": "users", "colour": "x", "column": "y" }] }),
            "colour",
        ),
        (json!({ "dialect": "postgresql", "sql": "ALTER TABLE users FROBNICATE" }), "FROBNICATE"),
    ] {
        let output = planned(arguments.clone());
        assert_eq!(output["error"]["code"], "bad_change", "{arguments}: {output:#}");
        assert!(output["error"].to_string().contains(word), "{output:#}");
    }
}

#[test]
fn what_a_dialect_does_not_have_is_said_with_what_it_has() {
    for (dialect, change, word) in [
        ("mariadb", json!({ "kind": "add_enum_value", "type": "status", "value": "x" }), "alter_column_type"),
        ("sqlite", json!({ "kind": "remove_enum_value", "type": "status", "value": "x" }), "add_constraint"),
        ("mariadb", json!({ "kind": "create_extension", "name": "pg_trgm" }), "leave it out"),
        ("sqlite", json!({ "kind": "rename_index", "name": "a", "new_name": "b" }), "create_index"),
        ("mariadb", json!({ "kind": "rename_index", "name": "a", "new_name": "b" }), "within its table"),
        ("sqlite", json!({ "kind": "truncate", "table": "users" }), "DELETE FROM"),
    ] {
        let output =
            planned(json!({ "dialect": dialect, "setup_sql": "CREATE TABLE users (id integer PRIMARY KEY)", "changes": [change] }));
        assert_eq!(output["error"]["code"], "bad_change", "{change}: {output:#}");
        assert!(output["error"]["hint"].as_str().unwrap().contains(word), "{change}: {output:#}");
    }
    // The order of the recipe's own dialect decides where a recipe is not known.
    let split = planned(json!({ "dialect": "sqlite", "setup_sql": "CREATE TABLE users (id integer PRIMARY KEY, a int)",
        "changes": [{ "kind": "split_table", "table": "users", "into": "b", "columns": ["a"] }] }));
    assert_eq!(split["reasons"], json!(["impossible"]), "{split:#}");
    assert!(split["summary"].as_str().unwrap().contains("PostgreSQL"), "{split:#}");
}

#[test]
fn a_value_for_a_column_that_may_be_null_becomes_a_backfill() {
    let output = shop(json!([{ "kind": "add_column", "table": "users", "column": "slug", "type": "text", "fill": "lower(name)" }]));
    assert_eq!(names(&output), ["add_users_slug", "backfill_users_slug"], "{output:#}");
}

#[test]
fn on_mariadb_a_type_is_changed_with_all_that_stands_on_the_column() {
    let setup = "CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'x')";
    let ask = |kind: &str, rest: Value| {
        let mut change = json!({ "kind": kind, "table": "users", "column": "name" });
        change.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        planned(json!({ "dialect": "mariadb", "server_version": "10.11", "setup_sql": setup, "changes": [change] }))
    };
    let typed = ask("alter_column_type", json!({ "type": "varchar(60)" }));
    let up = typed["revisions"][0]["upgrade"].as_str().unwrap_or_else(|| panic!("{typed:#}"));
    assert!(up.contains("varchar(60) NOT NULL DEFAULT 'x'"), "{up}");
    assert!(typed["revisions"][0]["downgrade"].as_str().unwrap().contains("varchar(40) NOT NULL DEFAULT 'x'"), "{typed:#}");
    let nullable = ask("drop_not_null", json!({}));
    assert!(nullable["revisions"][0]["upgrade"].as_str().unwrap().contains("varchar(40) NULL DEFAULT 'x'"), "{nullable:#}");
}

#[test]
fn s_058_a_step_is_written_as_it_comes() {
    let Some(folder) = project("sqlite", "CREATE TABLE users (id integer PRIMARY KEY, name text)") else { return };
    let path = folder.path().display().to_string();
    let output =
        planned(json!({ "project": path, "changes": [{ "kind": "add_column", "table": "users", "column": "note", "type": "text" }] }));
    assert_eq!(names(&output), ["add_users_note"], "{output:#}");
    let files = || {
        std::fs::read_dir(folder.path().join("versions"))
            .unwrap()
            .filter(|one| one.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "py"))
            .count()
    };
    assert_eq!(files(), 1, "a plan writes no revision");
    let settings = Settings::default();
    let step = Value::Object((generate_migration::TOOL.call)(output["next"][0]["args"].clone(), &Call::local(&settings)).output);
    let text = std::fs::read_to_string(folder.path().join(step["file"].as_str().unwrap_or_else(|| panic!("{step:#}")))).unwrap();
    assert!(text.contains("ADD COLUMN note") && files() == 2, "{text}");
}

//! What is asked of a migration before it is applied (U-40 to U-51, U-67 to U-69) and while it is made (S-067 to S-070), each
//! on a project of its own: right once, wrong once, the wrong one named with its place.

use std::path::{Path, PathBuf};

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::source::{Detail, SqlInput};
use alembic_gate::tools::{plan_migration, review_sql};
use serde_json::{Value, json};

use crate::lifecycle_tools::{EMAIL, Shop};
use crate::ranges::{AUTHORS, INDEX, PG, project};

fn reviewed(folder: &Path) -> Value {
    of(SqlInput { project: Some(folder.display().to_string()), ..SqlInput::default() })
}

fn of(input: SqlInput) -> Value {
    let settings = Settings::default();
    let asked = SqlInput { detail: Some(Detail::Full), ..input };
    Value::Object(review_sql::run(&asked, Default::default(), &Call::local(&settings), None).output)
}

fn of_sql(setup: &str, sql: &str) -> Value {
    of(SqlInput { sql: Some(sql.to_owned()), setup_sql: Some(setup.to_owned()), ..SqlInput::default() })
}

/// The severity of a rule's first finding; none where it found nothing.
fn severity(output: &Value, rule: &str) -> Option<String> {
    let findings = output["findings"].as_array().unwrap_or_else(|| panic!("{output:#}"));
    findings.iter().find(|found| found["rule"] == rule).map(|found| found["severity"].as_str().unwrap().to_owned())
}

fn item<'a>(output: &'a Value, name: &str) -> &'a Value {
    &output["checklist"][name]["ok"]
}

/// A project whose second revision has this body.
fn with(id: &str, body: &str) -> Option<tempfile::TempDir> {
    project(PG, &[AUTHORS, (id, body)])
}

const NAMED: &str = "add_authors_email";

// 1, the file

#[test]
fn u_40_a_file_that_is_not_there_is_said_by_name() {
    let Some(folder) = project(PG, &[AUTHORS, INDEX]) else { return };
    std::fs::remove_file(folder.path().join("migrations/versions/create_authors.py")).unwrap();
    let output = reviewed(folder.path());
    assert_eq!(severity(&output, "missing_parent").as_deref(), Some("error"), "{output:#}");
    assert!(output.to_string().contains("create_authors") && output["verdict"] != "pass", "{output:#}");
    let Some(whole) = project(PG, &[AUTHORS, INDEX]) else { return };
    let asked =
        SqlInput { project: Some(whole.path().display().to_string()), to: Some("add_authors_phone".to_owned()), ..SqlInput::default() };
    let gone = of(asked);
    assert_eq!(gone["verdict"], "failed", "{gone:#}");
    let error = &gone["error"];
    assert!(error["message"].as_str().unwrap().contains("add_authors_phone"), "{gone:#}");
    assert!(error["hint"].as_str().unwrap().contains("add_authors_name_index"), "{gone:#}");
}

#[test]
fn u_41_a_name_that_says_nothing_is_found() {
    let good = with(NAMED, EMAIL.1).map(|folder| reviewed(folder.path()));
    let bad = with("update", EMAIL.1).map(|folder| reviewed(folder.path()));
    let (Some(good), Some(bad)) = (good, bad) else { return };
    assert_eq!((item(&good, "names_describe"), severity(&good, "name_not_descriptive")), (&json!(true), None), "{good:#}");
    assert_eq!(item(&bad, "names_describe"), &json!(false), "{bad:#}");
    assert_eq!(severity(&bad, "name_not_descriptive").as_deref(), Some("warning"));
}

#[test]
fn u_42_an_upgrade_that_does_nothing_is_found() {
    let Some(folder) = with(NAMED, "def upgrade():\n    pass\n\n\ndef downgrade():\n    pass") else { return };
    let output = reviewed(folder.path());
    let found = output["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["rule"] == "empty_upgrade")
        .unwrap_or_else(|| panic!("{output:#}"));
    assert_eq!((found["file"].as_str(), found["line"].as_u64()), (Some("migrations/versions/add_authors_email.py"), Some(11)), "{found:#}");
    let Some(full) = with(NAMED, EMAIL.1) else { return };
    assert_eq!(severity(&reviewed(full.path()), "empty_upgrade"), None);
}

#[test]
fn u_43_a_downgrade_that_does_nothing_is_found() {
    let up = "def upgrade():\n    op.add_column('authors', sa.Column('email', sa.String(80)))\n";
    for down in ["\n\ndef downgrade():\n    pass", ""] {
        let Some(folder) = with(NAMED, &format!("{up}{down}")) else { return };
        let output = reviewed(folder.path());
        assert_eq!(severity(&output, "empty_downgrade").as_deref(), Some("warning"), "{output:#}");
        assert_eq!(item(&output, "downgrade_reviewed"), &json!(false), "{output:#}");
    }
    let Some(full) = with(NAMED, EMAIL.1) else { return };
    let output = reviewed(full.path());
    assert_eq!((severity(&output, "empty_downgrade"), item(&output, "downgrade_reviewed")), (None, &json!(true)), "{output:#}");
}

#[test]
fn u_44_a_down_revision_that_is_not_right_is_found() {
    let Some(folder) = project(PG, &[AUTHORS, EMAIL]) else { return };
    let file = folder.path().join("migrations/versions/add_authors_email.py");
    let text = std::fs::read_to_string(&file).unwrap();
    for (parent, rule) in [("'create_author'", "missing_parent"), ("'add_authors_email'", "revision_cycle"), ("None", "multiple_heads")] {
        std::fs::write(&file, text.replace("down_revision = 'create_authors'", &format!("down_revision = {parent}"))).unwrap();
        let output = reviewed(folder.path());
        let found = output["findings"].as_array().and_then(|all| all.iter().find(|found| found["rule"] == rule));
        let found = found.unwrap_or_else(|| panic!("{parent}: {output:#}"));
        assert_eq!(found["severity"], "error");
        assert!(found["file"].is_string() && found["line"].is_u64(), "{found:#}");
    }
}

#[test]
fn u_45_markers_of_a_merge_are_found_with_their_line() {
    let Some(folder) = project(PG, &[AUTHORS, EMAIL]) else { return };
    let file = folder.path().join("migrations/versions/add_authors_email.py");
    let text = std::fs::read_to_string(&file).unwrap();
    let conflict = text
        .replace("    op.add_column", "<<<<<<< HEAD\n    op.add_column")
        .replace("\n\n\ndef downgrade", "\n=======\n    pass\n>>>>>>> other\n\n\ndef downgrade");
    std::fs::write(&file, conflict).unwrap();
    let output = reviewed(folder.path());
    let found = output["findings"].as_array().and_then(|all| all.iter().find(|found| found["rule"] == "merge_conflict"));
    let found = found.unwrap_or_else(|| panic!("{output:#}"));
    assert_eq!((found["severity"].as_str(), found["line"].as_u64()), (Some("error"), Some(12)), "{found:#}");
    assert_eq!(found["file"], "migrations/versions/add_authors_email.py");
}

// 2, the SQL

#[test]
fn u_46_u_47_both_ways_are_reviewed() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    let output = shop.call("review_sql", json!({}));
    assert_eq!(output["state"]["sql_reviewed"], true, "{output:#}");
    assert_eq!((&output["statements"][0]["kind"], item(&output, "downgrade_reviewed")), (&json!("alter_table"), &json!(true)));
    assert_eq!(output["downgrade"]["statements"][0]["kind"], "alter_table", "{output:#}");
    assert_eq!(output["downgrade"]["data_loss_risk"], "high", "the way back drops the column");
    // A way back that the server will refuse is told, though nobody runs it yet.
    let refused = of(SqlInput {
        downgrade_sql: Some("ALTER TABLE t DROP COLUMN never".to_owned()),
        ..with_sql("CREATE TABLE t (id int)", "ALTER TABLE t ADD COLUMN note text")
    });
    assert_eq!(item(&refused, "downgrade_reviewed"), &json!(false), "{refused:#}");
}

fn with_sql(setup: &str, sql: &str) -> SqlInput {
    SqlInput { sql: Some(sql.to_owned()), setup_sql: Some(setup.to_owned()), ..SqlInput::default() }
}

#[test]
fn u_48_a_drop_by_surprise_is_told_from_one_that_was_said() {
    let body = "def upgrade():\n    op.add_column('authors', sa.Column('email', sa.String(80)))\n    op.drop_column('authors', 'name')\n\n\ndef downgrade():\n    op.add_column('authors', sa.Column('name', sa.String(50)))\n    op.drop_column('authors', 'email')";
    for (id, expected) in [(NAMED, false), ("replace_authors_name_by_email", true)] {
        let Some(folder) = with(id, body) else { return };
        let output = reviewed(folder.path());
        assert_eq!(item(&output, "no_unexpected_drop"), &json!(expected), "{id}: {output:#}");
        assert_eq!(output["verdict"], "blocked", "said or not, it is a loss: {output:#}");
    }
}

#[test]
fn u_49_rows_that_go_without_a_condition_are_an_error() {
    let setup = "CREATE TABLE t (id int PRIMARY KEY, note text)";
    for sql in ["TRUNCATE t", "DELETE FROM t"] {
        let output = of_sql(setup, sql);
        assert_eq!((&output["verdict"], &output["risk"]["data_loss_risk"]), (&json!("blocked"), &json!("high")), "{sql}: {output:#}");
        assert_eq!(item(&output, "no_data_loss"), &json!(false), "{sql}");
    }
    // One row by its key is a loss too, and is only noted.
    let bounded = of_sql(setup, "DELETE FROM t WHERE id = 7");
    assert_eq!(severity(&bounded, "unbounded_write").as_deref(), Some("notice"), "{bounded:#}");
    assert_eq!(severity(&of_sql(setup, "UPDATE t SET note = 'x'"), "unbounded_write").as_deref(), Some("error"));
}

#[test]
fn u_50_widening_passes_and_narrowing_does_not() {
    let setup = "CREATE TABLE t (id int PRIMARY KEY, note varchar(50), amount numeric(10,2))";
    for (sql, loses) in [
        ("ALTER TABLE t ALTER COLUMN note TYPE varchar(80)", false),
        ("ALTER TABLE t ALTER COLUMN note TYPE text", false),
        ("ALTER TABLE t ALTER COLUMN note TYPE varchar(20) USING left(note, 20)", true),
        ("ALTER TABLE t ALTER COLUMN amount TYPE numeric(10,1)", true),
    ] {
        let output = of_sql(setup, sql);
        assert_eq!(output["verdict"] == "blocked", loses, "{sql}: {output:#}");
        assert_eq!(item(&output, "no_data_loss"), &json!(!loses), "{sql}: {output:#}");
    }
}

#[test]
fn u_51_not_null_needs_a_default_or_an_empty_table() {
    let add = "ALTER TABLE t ADD COLUMN kind int NOT NULL";
    let empty = "CREATE TABLE t (id int); CREATE TABLE other (id int); INSERT INTO other VALUES (1)";
    for (setup, sql, expected) in [
        ("CREATE TABLE t (id int)", add.to_owned(), Some("error")),
        ("CREATE TABLE t (id int)", format!("{add} DEFAULT 1"), None),
        (empty, add.to_owned(), Some("notice")),
    ] {
        assert_eq!(severity(&of_sql(setup, &sql), "not_null_without_default").as_deref(), expected, "{setup}: {sql}");
    }
}

// 7, the chain

#[test]
fn u_67_a_chain_is_linear_or_it_is_said_where_not() {
    let Some(folder) = project(PG, &[AUTHORS, EMAIL]) else { return };
    assert_eq!(item(&reviewed(folder.path()), "chain_linear"), &json!(true));
    second_head(folder.path());
    let output = reviewed(folder.path());
    assert_eq!(item(&output, "chain_linear"), &json!(false), "{output:#}");
    assert_eq!(severity(&output, "multiple_heads").as_deref(), Some("error"));
}

/// Another child of the first revision.
fn second_head(folder: &Path) -> PathBuf {
    let versions = folder.join("migrations/versions");
    let text = std::fs::read_to_string(versions.join("add_authors_email.py")).unwrap();
    let other = versions.join("add_authors_phone.py");
    std::fs::write(&other, text.replace("add_authors_email", "add_authors_phone").replace("'email'", "'phone'")).unwrap();
    other
}

#[test]
fn u_68_the_target_stands_where_it_should_or_the_gate_stays_closed() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    shop.configure("[environments.staging]\ntier = \"staging\"\nurl_env = \"STAGING_URL\"\nread_url_env = \"STAGING_URL\"\n");
    shop.proven();
    let file = shop.path().join("staging.db");
    let url = format!("sqlite:///{}", file.display());
    let asked = |stands_at: &str| {
        std::fs::write(&file, "").unwrap();
        let address = alembic_gate::database::url::read(&url).unwrap();
        let mut database = alembic_gate::database::Connection::open(&address).unwrap();
        database.execute("CREATE TABLE authors (id INTEGER NOT NULL, name VARCHAR(50) NOT NULL, PRIMARY KEY (id))").unwrap();
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, PRIMARY KEY (version_num))").unwrap();
        database.execute(&format!("INSERT INTO alembic_version VALUES ('{stands_at}')")).unwrap();
        drop(database);
        let status = shop.call_with("migration_status", json!({ "environment": "staging" }), &[("STAGING_URL", &url)]);
        let apply = shop.call_with("apply_migration", json!({ "environment": "staging" }), &[("STAGING_URL", &url)]);
        (status, apply)
    };
    let (status, apply) = asked("create_authors");
    assert_eq!(status["current_revision"], "create_authors", "{status:#}");
    assert!(!reasons(&apply).contains(&"state_dirty".to_owned()), "{apply:#}");
    let (status, apply) = asked("never_heard_of_it");
    assert!(status.to_string().contains("never_heard_of_it"), "{status:#}");
    assert!(reasons(&apply).contains(&"state_dirty".to_owned()), "{apply:#}");
}

fn reasons(apply: &Value) -> Vec<String> {
    let reasons = apply["reasons"].as_array().unwrap_or_else(|| panic!("{apply:#}"));
    reasons.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

#[test]
fn u_69_what_another_branch_brought_stops_the_chain_until_it_is_merged() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    shop.proven();
    let other = second_head(shop.path());
    let status = shop.call("migration_status", json!({}));
    assert_eq!((status["recovery"].as_str(), status["chain"]["linear"].as_bool()), (Some("multiple_heads"), Some(false)), "{status:#}");
    let refused = shop.call("generate_migration", json!({ "migration_name": "add_authors_city" }));
    assert_eq!(refused["error"]["code"], "multiple_heads", "{refused:#}");
    let text = std::fs::read_to_string(&other).unwrap();
    std::fs::write(&other, text.replace("down_revision = 'create_authors'", "down_revision = 'add_authors_email'")).unwrap();
    let mended = shop.call("migration_status", json!({}));
    assert_eq!(
        (mended["chain"]["linear"].as_bool(), mended["chain"]["heads"][0].as_str()),
        (Some(true), Some("add_authors_phone")),
        "{mended:#}"
    );
}

// GENERATE

fn files(shop: &Shop) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(shop.path().join("migrations/versions")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

#[test]
fn s_067_one_file_results_and_is_bound_by_its_digest() {
    let Some(shop) = Shop::new(&[AUTHORS]) else { return };
    let before = files(&shop);
    let made = shop.call("generate_migration", json!({ "migration_name": NAMED }));
    let new: Vec<PathBuf> = files(&shop).into_iter().filter(|file| !before.contains(file)).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    assert!(new[0].ends_with(made["file"].as_str().unwrap()), "{made:#}");
    let id = made["state"]["migration_id"].as_str().unwrap_or_else(|| panic!("{made:#}")).to_owned();
    assert!(id.starts_with("add_authors_email-"), "{id}");
    assert_eq!(made["state"]["phase"], "GENERATE");
    let reviewed = shop.call("review_sql", json!({ "migration_id": id }));
    assert_eq!(reviewed["state"]["sql_reviewed"], true, "{reviewed:#}");
    let text = std::fs::read_to_string(&new[0]).unwrap();
    std::fs::write(&new[0], format!("{text}\n")).unwrap();
    let changed = shop.call("migration_status", json!({ "migration_id": id }));
    assert_eq!((&changed["state"]["sql_reviewed"], &changed["state"]["migration_id"]), (&json!(false), &json!(id)), "{changed:#}");
    std::fs::write(&new[0], text).unwrap();
    assert_eq!(shop.call("migration_status", json!({ "migration_id": id }))["state"]["sql_reviewed"], true);
}

fn planned(changes: Value) -> Vec<String> {
    let settings = Settings::default();
    let input: plan_migration::Input =
        serde_json::from_value(json!({ "setup_sql": "CREATE TABLE users (id bigint PRIMARY KEY, email text)", "changes": changes }))
            .unwrap();
    let output = Value::Object(plan_migration::run(&input, &Call::local(&settings), None).output);
    output["commands"].as_array().unwrap_or_else(|| panic!("{output:#}")).iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn s_068_autogenerate_is_offered_with_a_name_that_describes() {
    let commands = planned(json!([{ "kind": "add_column", "table": "users", "column": "phone", "type": "varchar(20)" }]));
    assert!(commands.contains(&"alembic revision --autogenerate -m \"add_users_phone\"".to_owned()), "{commands:?}");
}

#[test]
fn s_069_rows_get_an_empty_revision() {
    let commands = planned(json!([{ "kind": "backfill", "table": "users", "column": "email", "value": "lower(email)" }]));
    assert!(commands.contains(&"alembic revision -m \"backfill_users_email\"".to_owned()), "{commands:?}");
    let Some(shop) = Shop::new(&[AUTHORS]) else { return };
    let made = shop.call("generate_migration", json!({ "mode": "empty", "migration_name": "backfill_authors_email" }));
    let text = std::fs::read_to_string(shop.path().join(made["file"].as_str().unwrap())).unwrap();
    assert!(text.contains("def upgrade():\n    pass") && made["operations"].as_array().unwrap().is_empty(), "{text}");
}

#[test]
fn s_070_a_file_that_nobody_read_stays_where_it_is() {
    let Some(shop) = Shop::new(&[AUTHORS]) else { return };
    let made = shop.call("generate_migration", json!({ "migration_name": NAMED }));
    assert_eq!((&made["state"]["phase"], &made["next"][0]["tool"]), (&json!("GENERATE"), &json!("review_sql")), "{made:#}");
    let tested = shop.call("test_rollback", json!({ "rows": 3 }));
    assert_eq!((&tested["outcome"], &tested["state"]["phase"]), (&json!("ok"), &json!("GENERATE")), "a test is no review: {tested:#}");
    let apply = shop.call("apply_migration", json!({ "environment": "production" }));
    assert_ne!(apply["applied"], true, "{apply:#}");
    let claim = made["state_block"]
        .as_str()
        .unwrap()
        .replace("phase: GENERATE", "phase: APPLY")
        .replace("sql_reviewed: false", "sql_reviewed: true");
    let status = shop.call("migration_status", json!({ "state_block": claim }));
    assert_eq!((&status["state"]["phase"], &status["state"]["sql_reviewed"]), (&json!("GENERATE"), &json!(false)), "{status:#}");
    let reviewed = shop.call("review_sql", json!({}));
    assert_ne!(reviewed["state"]["phase"], "GENERATE", "{reviewed:#}");
}

// What is wrong with the files is told by each tool, and nothing is left behind

#[test]
fn each_tool_names_file_and_line_of_a_broken_chain_and_leaves_nothing() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    let file = shop.revision("add_authors_email");
    let text = std::fs::read_to_string(&file).unwrap();
    let wrongs = [
        ("no Python", text.replace("def upgrade():", "def upgrade(:"), 11),
        ("no parent", text.replace("'create_authors'", "'never_heard_of_it'"), 6),
        ("a ring", text.replace("down_revision = 'create_authors'", "down_revision = 'add_authors_email'"), 6),
        ("a merge", text.replace("    op.add_column", "<<<<<<< HEAD\n    op.add_column"), 12),
    ];
    for (what, broken, line) in wrongs {
        std::fs::write(&file, broken).unwrap();
        let before = all_files(shop.path());
        let place = format!("migrations/versions/add_authors_email.py:{line}");
        let review = shop.call("review_sql", json!({}));
        assert_eq!(review["verdict"], "blocked", "{what}: {review:#}");
        let found = &review["findings"][0];
        assert_eq!(
            (found["file"].as_str(), found["line"].as_u64()),
            (Some("migrations/versions/add_authors_email.py"), Some(line)),
            "{what}: {review:#}"
        );
        assert!(!found["do"].as_str().unwrap().is_empty());
        let status = shop.call("migration_status", json!({}));
        assert_eq!(status["verdict"], "blocked", "{what}: {status:#}");
        for (tool, arguments) in [
            ("test_rollback", json!({})),
            ("classify_risk", json!({})),
            ("generate_migration", json!({ "migration_name": "add_authors_phone" })),
        ] {
            let answer = shop.call(tool, arguments);
            assert!(answer["error"]["message"].as_str().is_some_and(|message| message.contains(&place)), "{what}: {tool}: {answer:#}");
            assert!(answer["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{what}: {tool}: {answer:#}");
        }
        assert_eq!(all_files(shop.path()), before, "{what}");
    }
}

/// Every file of a project but its record and what Python keeps.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = glob::glob(&format!("{}/**/*", folder.display())).unwrap().flatten().collect();
    files.retain(|file| !file.to_string_lossy().contains(".alembic-gate/"));
    files.sort();
    files
}

//! Requirements on the tools around a project, each test named after the rows that it shows: on SQLite, whose scratch
//! databases cost nothing.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ranges::{AUTHORS, project};
use crate::requirements::ask;

const URL: &str = "sqlite:///production.db";

const EMAIL: (&str, &str) = (
    "add_authors_email",
    "def upgrade():\n    op.add_column('authors', sa.Column('email', sa.String(80)))\n\n\ndef downgrade():\n    op.drop_column('authors', 'email')",
);

fn call(folder: &TempDir, tool: &str, mut arguments: Value) -> Value {
    arguments["project"] = json!(folder.path().display().to_string());
    ask(tool, arguments)
}

/// Up, down and up of what stands behind the first revision.
fn tried(folder: &TempDir) -> Value {
    call(folder, "test_rollback", json!({ "from": "create_authors", "rows": 3 }))
}

fn steps(answer: &Value) -> Vec<(&str, bool)> {
    let steps = answer["steps"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    steps.iter().map(|step| (step["direction"].as_str().unwrap(), step["ok"].as_bool().unwrap())).collect()
}

/// alembic.ini, a section of pyproject.toml, an ini of another name, several folders of revisions.
#[test]
fn s_002_every_form_of_a_project_is_recognised() {
    let Some(folder) = project(URL, &[AUTHORS]) else { return };
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let kind = |arguments: Value| {
        let answer = call(&folder, "migration_status", arguments);
        assert_eq!(answer["project"]["kind"], "alembic", "{answer:#}");
        answer["chain"]["length"].clone()
    };
    assert_eq!(kind(json!({})), 1);
    let elsewhere = "\"\"\"more\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\nrevision = 'create_books'\ndown_revision = 'create_authors'\n\n\ndef upgrade():\n    op.create_table('books', sa.Column('id', sa.Integer, primary_key=True))\n\n\ndef downgrade():\n    op.drop_table('books')\n";
    write("more/create_books.py", elsewhere);
    let ini = "[alembic]\nscript_location = %(here)s/migrations\nversion_locations = %(here)s/migrations/versions:%(here)s/more\npath_separator = :\nsqlalchemy.url = sqlite:///production.db\n";
    write("alembic.ini", ini);
    assert_eq!(kind(json!({})), 2);
    std::fs::rename(folder.path().join("alembic.ini"), folder.path().join("shop.ini")).unwrap();
    assert_eq!(kind(json!({ "config": "shop.ini" })), 2);
    write("pyproject.toml", "[project]\nname = \"shop\"\n[tool.alembic]\nscript_location = \"%(here)s/migrations\"\n");
    assert_eq!(kind(json!({})), 1);
    let nothing = TempDir::new().unwrap();
    let none = call(&nothing, "migration_status", json!({}));
    assert_eq!(none["error"]["code"], "no_project", "{none:#}");
}

/// The file that the project's own settings lead to stays byte for byte what it was.
#[test]
fn s_035_s_086_the_configured_database_is_not_touched() {
    let Some(folder) = project(URL, &[AUTHORS, EMAIL]) else { return };
    let file = folder.path().join("production.db");
    let known = "not even a database".as_bytes();
    std::fs::write(&file, known).unwrap();
    let range = json!({ "from": "create_authors" });
    for (tool, arguments) in [
        ("migration_status", json!({})),
        (
            "plan_migration",
            json!({ "intent": "index authors by name", "changes": [{ "kind": "create_index", "table": "authors", "columns": ["name"] }] }),
        ),
        ("review_sql", range.clone()),
        ("classify_risk", range.clone()),
        ("test_rollback", range.clone()),
        ("generate_migration", json!({ "migration_name": "add_authors_bio", "mode": "empty" })),
        ("apply_migration", json!({ "environment": "staging" })),
    ] {
        let answer = call(&folder, tool, arguments);
        assert!(answer["verdict"].is_string(), "{tool}: {answer:#}");
        assert_eq!(std::fs::read(&file).unwrap(), known, "{tool}");
    }
    let tested = tried(&folder);
    assert!(tested["engine"]["made_by"].is_string() && !tested.to_string().contains("production.db"), "{tested:#}");
}

#[test]
fn s_087_s_088_s_089_up_down_and_up_are_run_and_the_schemas_compared() {
    let Some(folder) = project(URL, &[AUTHORS, EMAIL]) else { return };
    let answer = tried(&folder);
    let order: Vec<&str> = steps(&answer).into_iter().map(|(direction, _)| direction).collect();
    assert_eq!(order, ["upgrade", "downgrade", "upgrade again"], "{answer:#}");
    let schema = &answer["schema"];
    for side in ["before", "after_upgrade", "after_downgrade", "after_reupgrade"] {
        assert_eq!(schema[side].as_str().map(str::len), Some(64), "{side}: {answer:#}");
    }
    assert_eq!((&schema["before"], &schema["after_upgrade"]), (&schema["after_downgrade"], &schema["after_reupgrade"]), "{answer:#}");
    assert_ne!(schema["before"], schema["after_upgrade"]);
    assert_eq!((&answer["outcome"], &answer["rollback_tested"]), (&json!("ok"), &json!(true)), "{answer:#}");
}

/// What the downgrade leaves stops the second upgrade.
#[test]
fn s_091_a_second_upgrade_that_fails_is_no_way_back() {
    let leaves = (
        "create_books",
        "def upgrade():\n    op.create_table('books', sa.Column('id', sa.Integer, primary_key=True))\n\n\ndef downgrade():\n    pass",
    );
    let Some(folder) = project(URL, &[AUTHORS, leaves]) else { return };
    let answer = tried(&folder);
    assert_eq!((&answer["outcome"], &answer["rollback_tested"]), (&json!("reupgrade_fails"), &json!(false)), "{answer:#}");
    assert!(steps(&answer).contains(&("upgrade again", false)), "{answer:#}");
}

#[test]
fn s_026_a_second_run_of_the_upgrade_is_tried_on_the_database_at_the_target() {
    let guarded = (
        "add_authors_index",
        "def upgrade():\n    op.create_index('ix_authors_name', 'authors', ['name'], if_not_exists=True)\n\n\ndef downgrade():\n    op.drop_index('ix_authors_name', 'authors')",
    );
    let doubles = (
        "fill_authors",
        "def upgrade():\n    op.execute(\"INSERT INTO authors (name) VALUES ('ada')\")\n\n\ndef downgrade():\n    op.execute(\"DELETE FROM authors WHERE name = 'ada'\")",
    );
    for (revision, is_safe) in [(EMAIL, true), (guarded, true), (doubles, false)] {
        let Some(folder) = project(URL, &[AUTHORS, revision]) else { return };
        let answer = tried(&folder);
        assert_eq!(answer["rerun"]["ok"], is_safe, "{}: {answer:#}", revision.0);
        assert!(answer["rerun"]["why"].as_str().is_some_and(|why| !why.is_empty()), "{answer:#}");
    }
}

#[test]
fn s_040_a_plan_waits_for_the_cause_of_drift() {
    let Some(folder) = project(URL, &[AUTHORS, EMAIL]) else { return };
    let wish =
        json!({ "intent": "index authors by name", "changes": [{ "kind": "create_index", "table": "authors", "columns": ["name"] }] });
    let clean = call(&folder, "plan_migration", wish.clone());
    assert_ne!(clean["verdict"], "blocked", "{clean:#}");
    let models = folder.path().join("models.py");
    let text = std::fs::read_to_string(&models).unwrap();
    std::fs::write(&models, format!("{text}sa.Table('books', metadata, sa.Column('id', sa.Integer, primary_key=True))\n")).unwrap();
    let drifted = call(&folder, "plan_migration", wish);
    assert_eq!(drifted["verdict"], "blocked", "{drifted:#}");
    assert!(drifted["drift"].to_string().contains("books") && !drifted["next"].to_string().contains("generate_migration"), "{drifted:#}");
}

#[test]
fn s_050_s_102_a_plan_names_its_revisions_and_whether_nobody_may_wait() {
    let Some(folder) = project(URL, &[AUTHORS, EMAIL]) else { return };
    let wish = json!([{ "kind": "create_index", "table": "authors", "columns": ["name"] }]);
    let plain = call(&folder, "plan_migration", json!({ "intent": "index authors by name", "changes": wish }));
    let command = plain["commands"][0].as_str().unwrap_or_else(|| panic!("{plain:#}"));
    let message = command.split("-m \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{command}"));
    assert!(
        command.starts_with("alembic revision")
            && message.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'),
        "{command}"
    );
    assert!(plain["zero_downtime_required"].is_boolean() && plain["state"]["zero_downtime_required"].is_boolean(), "{plain:#}");
    let asked = call(&folder, "plan_migration", json!({ "intent": "index authors by name", "changes": wish, "zero_downtime": true }));
    assert_eq!((&asked["zero_downtime_required"], &asked["state"]["zero_downtime_required"]), (&json!(true), &json!(true)), "{asked:#}");
}

/// A block may claim any revision: what stands there is asked, or it is unknown.
#[test]
fn s_105_revisions_of_the_state_are_looked_up_and_never_taken_over() {
    let Some(folder) = project(URL, &[AUTHORS, EMAIL]) else { return };
    let reviewed = call(&folder, "review_sql", json!({ "from": "create_authors" }));
    let state = &reviewed["state"];
    assert_eq!((&state["current_revision"], &state["target_revision"]), (&json!("unknown"), &json!("add_authors_email")), "{reviewed:#}");
    let block = reviewed["state_block"].as_str().unwrap();
    for claimed in ["add_authors_email", "head", "none", "never_seen"] {
        let forged = block.replace("current_revision: unknown", &format!("current_revision: {claimed}"));
        let answer = call(&folder, "migration_status", json!({ "state_block": forged }));
        assert_eq!(answer["state"]["current_revision"], "unknown", "{answer:#}");
        assert_eq!(answer["state_overrides"][0]["claimed"], claimed, "{answer:#}");
    }
}

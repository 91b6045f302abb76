//! What the tools say of a project beside its SQL: drift and what was known of it, a new revision against what was
//! intended, the checklist, what autogenerate does not see.

use std::path::Path;

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::source::{Detail, SqlInput};
use alembic_gate::tools::{generate_migration, migration_status, review_sql};
use serde_json::Value;

use crate::ranges::{AUTHORS, INDEX, PG, has_postgresql, project};

const SQLITE: &str = "sqlite:///production.db";

fn text(folder: &Path) -> Option<String> {
    Some(folder.display().to_string())
}

fn status(folder: &Path, record_drift: bool) -> Value {
    let settings = Settings::default();
    let input = migration_status::Input { project: text(folder), record_drift, ..Default::default() };
    Value::Object(migration_status::run(&input, &Call::local(&settings), None).output)
}

fn generated(folder: &Path, name: &str) -> Value {
    let settings = Settings::default();
    let input = generate_migration::Input { project: text(folder), migration_name: Some(name.to_owned()), ..Default::default() };
    Value::Object(generate_migration::run(&input, &Call::local(&settings), None).output)
}

fn reviewed(folder: &Path) -> Value {
    let settings = Settings::default();
    let input = SqlInput { project: text(folder), detail: Some(Detail::Full), ..SqlInput::default() };
    Value::Object(review_sql::run(&input, Default::default(), &Call::local(&settings), None).output)
}

fn said(list: &Value) -> String {
    list.as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// The models of `ranges::project`, with something put into them.
fn with_models(folder: &Path, more: &str) {
    let path = folder.join("models.py");
    let models = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, models + more).unwrap();
}

const PAYMENTS: (&str, &str) = (
    "create_payments",
    "def upgrade():\n    op.create_table('payments', sa.Column('id', sa.Integer, primary_key=True))\n\n\ndef downgrade():\n    op.drop_table('payments')",
);

#[test]
fn s_039_s_132_drift_that_was_recorded_is_known_and_new_drift_is_not() {
    let Some(folder) = project(SQLITE, &[AUTHORS]) else { return };
    let folder = folder.path();
    let first = status(folder, false);
    assert_eq!((first["drift"]["new"].as_u64(), first["recovery"].as_str()), (Some(1), Some("drift")), "{first:#}");
    assert!(first["drift"]["items"].as_array().unwrap().iter().all(|item| !item["likely_cause"].as_str().unwrap().is_empty()));
    assert!(said(&first["notes"]).contains("record_drift"), "{first:#}");
    let recorded = status(folder, true);
    assert!(folder.join(".alembic-gate/drift.json").is_file());
    let known = status(folder, false);
    for answer in [recorded, known] {
        assert_eq!((answer["drift"]["new"].as_u64(), answer["recovery"].as_str()), (Some(0), None), "{answer:#}");
        assert_eq!((answer["verdict"].as_str(), answer["drift"]["items"][0]["known"].as_bool()), (Some("pass"), Some(true)), "{answer:#}");
    }
    with_models(folder, "sa.Table('books', metadata, sa.Column('id', sa.Integer, primary_key=True))\n");
    let new = status(folder, false);
    assert_eq!((new["drift"]["new"].as_u64(), new["recovery"].as_str()), (Some(1), Some("drift")), "{new:#}");
    let made = generated(folder, "create_books_table");
    let differs = said(&made["differs_from_intent"]);
    assert!(differs.contains("`authors.email` stood before this change") && !differs.contains("books"), "{made:#}");
    std::fs::write(folder.join(".alembic-gate/drift.json"), "{").unwrap();
    let broken = status(folder, false);
    assert!(broken["drift"]["new"].is_number() && !broken["drift"]["baseline"].as_bool().unwrap(), "{broken:#}");
}

#[test]
fn s_041_s_080_a_drop_that_nobody_spoke_of_is_found_when_it_is_made_and_when_it_is_reviewed() {
    let Some(folder) = project(SQLITE, &[AUTHORS, PAYMENTS]) else { return };
    let folder = folder.path();
    let made = generated(folder, "add_authors_email");
    let differs = said(&made["differs_from_intent"]);
    assert!(differs.contains("`payments`") && differs.contains("imported by `env.py`") && !differs.contains("authors.email"), "{made:#}");
    let of = |answer: &Value| answer["findings"].as_array().unwrap().iter().any(|found| found["rule"] == "unexpected_drop");
    assert!(of(&made) && made["verdict"] == "blocked", "{made:#}");
    let review = reviewed(folder);
    assert!(of(&review) && review["verdict"] == "blocked", "{review:#}");
    for item in ["no_unexpected_drop", "matches_intent"] {
        assert_eq!(review["checklist"][item]["ok"], false, "{review:#}");
        assert!(review["checklist"][item]["evidence"].as_str().unwrap().contains("payments"), "{review:#}");
    }
}

#[test]
fn s_041_s_079_what_was_said_and_done_is_one() {
    let Some(folder) = project(SQLITE, &[AUTHORS]) else { return };
    let made = generated(folder.path(), "add_authors_email");
    assert_eq!((made["differs_from_intent"].as_array().unwrap().len(), made["verdict"].as_str()), (0, Some("pass")), "{made:#}");
    let review = reviewed(folder.path());
    for item in ["matches_intent", "names_describe", "chain_linear", "no_unexpected_drop"] {
        assert_eq!(review["checklist"][item]["ok"], true, "{item}: {review:#}");
    }
    assert!(review["checklist"].as_object().unwrap().values().all(|item| !item["evidence"].as_str().unwrap().is_empty()));
}

#[test]
fn s_037_what_autogenerate_does_not_see_is_said_in_the_review() {
    let Some(folder) = project(SQLITE, &[AUTHORS, INDEX]) else { return };
    let caveats = said(&reviewed(folder.path())["autogenerate_caveats"]);
    for words in ["renamed tables and columns", "server defaults", "views, functions, triggers"] {
        assert!(caveats.contains(words), "{caveats}");
    }
    assert!(!caveats.contains("compare_type=False"), "{caveats}");
    let env = folder.path().join("migrations/env.py");
    let text = std::fs::read_to_string(&env).unwrap().replace("target_metadata=metadata)", "target_metadata=metadata, compare_type=False)");
    std::fs::write(&env, text).unwrap();
    assert!(said(&reviewed(folder.path())["autogenerate_caveats"]).contains("compare_type=False"));
}

#[test]
fn a_rename_that_comes_out_as_drop_and_add_is_named() {
    let Some(folder) = project(SQLITE, &[AUTHORS]) else { return };
    let models = folder.path().join("models.py");
    let text = std::fs::read_to_string(&models).unwrap().replace("'name', sa.String(50)", "'full_name', sa.String(50)");
    std::fs::write(&models, text).unwrap();
    let made = generated(folder.path(), "rename_authors_name");
    let differs = said(&made["differs_from_intent"]);
    assert!(differs.contains("new_column_name=\"full_name\""), "{made:#}");
}

#[test]
fn values_of_an_enum_are_compared_though_alembic_does_not() {
    if !has_postgresql() {
        return;
    }
    let status_of_orders: (&str, &str) = (
        "create_orders",
        "def upgrade():\n    op.create_table('orders', sa.Column('id', sa.Integer, primary_key=True), sa.Column('state', sa.Enum('new', 'paid', name='order_state')))\n\n\n\
         def downgrade():\n    op.drop_table('orders')\n    op.execute('DROP TYPE order_state')",
    );
    let Some(folder) = project(PG, &[AUTHORS, status_of_orders]) else { return };
    let folder = folder.path();
    let orders = "sa.Table('orders', metadata, sa.Column('id', sa.Integer, primary_key=True), sa.Column('state', sa.Enum('new', 'paid', 'refunded', name='order_state')))\n";
    with_models(folder, orders);
    let found = status(folder, false);
    let item = found["drift"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["kind"] == "modify_enum")
        .unwrap_or_else(|| panic!("{found:#}"));
    assert_eq!((item["database"].as_str(), item["model"].as_str()), (Some("new, paid"), Some("new, paid, refunded")));
    let made = generated(folder, "add_authors_email");
    assert!(said(&made["differs_from_intent"]).contains("ALTER TYPE order_state ADD VALUE 'refunded'"), "{made:#}");
    assert!(made["operations"].as_array().unwrap().iter().all(|operation| operation["kind"] != "modify_enum"), "{made:#}");
}

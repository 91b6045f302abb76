//! The last ten revisions of real projects, each up, down and up again with rows, on PostgreSQL and on SQLite: what is known
//! to be wrong with them is found, and nothing else is said of the rest.
//!
//! Projects and versions are those of `corpora.rs`; `README.md` says where an outcome differs from what others measured.

use std::collections::BTreeMap;

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::test_rollback;
use serde_json::Value;

use crate::corpora::{LANGFLOW, MLFLOW, OPTUNA, PHOENIX, PREFECT, PREFECT_SQLITE, Recipe, on_sqlite, project};

/// The outcomes that are not `ok`, by revision, with what was said; the rest is `ok`.
fn tried(recipe: &Recipe, from: &str) -> Option<(usize, BTreeMap<String, (String, String)>)> {
    let folder = project(recipe)?;
    let settings = Settings::default();
    let input = test_rollback::Input {
        project: Some(folder.path().display().to_string()),
        from: Some(from.to_owned()),
        timeout_s: Some(1_800),
        ..Default::default()
    };
    let answer = Value::Object(test_rollback::run(&input, &Call::local(&settings), None).output);
    let outcomes = answer["outcomes"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    println!("{} {}: {}", recipe.package, answer["engine"]["dialect"], answer["summary"]);
    for one in outcomes {
        println!("  {} {} {}", one["revision"], one["outcome"], one["why"]);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let bad = outcomes.iter().filter(|one| one["outcome"] != "ok");
    Some((outcomes.len(), bad.map(|one| (text(&one["revision"]), (text(&one["outcome"]), text(&one["why"])))).collect()))
}

#[test]
fn optuna_pg() {
    tried(&OPTUNA, "base");
}
#[test]
fn optuna_sqlite() {
    tried(&on_sqlite(&OPTUNA), "base");
}
#[test]
fn prefect_pg() {
    tried(&PREFECT, "head-10");
}
#[test]
fn prefect_sqlite() {
    tried(&PREFECT_SQLITE, "head-10");
}
#[test]
fn mlflow_pg() {
    tried(&MLFLOW, "head-10");
}
#[test]
fn mlflow_sqlite() {
    tried(&on_sqlite(&MLFLOW), "head-10");
}
#[test]
fn phoenix_pg() {
    tried(&PHOENIX, "head-10");
}
#[test]
fn phoenix_sqlite() {
    tried(&on_sqlite(&PHOENIX), "head-10");
}
#[test]
fn langflow_pg() {
    tried(&LANGFLOW, "head-10");
}
#[test]
fn langflow_sqlite() {
    tried(&on_sqlite(&LANGFLOW), "head-10");
}

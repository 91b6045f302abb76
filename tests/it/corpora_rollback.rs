//! The last ten revisions of real projects, each up, down and up again with rows, on PostgreSQL and on SQLite: what is known
//! to be wrong with them is found, and nothing else is said of the rest.
//!
//! Projects and versions are those of `corpora.rs`. `tests/corpora/verdicts.json` holds what is expected: of each revision
//! that is not `ok` the outcome, words of the reason, and why it is so.

use std::collections::BTreeMap;
use std::path::Path;

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::test_rollback;
use serde_json::Value;

use crate::corpora::{LANGFLOW, MLFLOW, OPTUNA, PHOENIX, PREFECT, PREFECT_SQLITE, Recipe, on_sqlite, project};

fn expected(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/verdicts.json");
    serde_json::from_str::<Value>(&std::fs::read_to_string(file).unwrap()).unwrap()[name].clone()
}

/// What each revision came to is what was expected of it.
fn ends_as_expected(recipe: &Recipe, dialect: &str) {
    let Some(folder) = project(recipe) else { return };
    let name = format!("{} {dialect}", recipe.package);
    let expected = expected(&name);
    let settings = Settings::default();
    let input = test_rollback::Input {
        project: Some(folder.path().display().to_string()),
        from: expected["from"].as_str().map(str::to_owned),
        timeout_s: Some(1_800),
        ..Default::default()
    };
    let answer = Value::Object(test_rollback::run(&input, &Call::local(&settings), None).output);
    let outcomes = answer["outcomes"].as_array().unwrap_or_else(|| panic!("{name}: {answer:#}"));
    assert_eq!((answer["engine"]["dialect"].as_str(), outcomes.len()), (Some(dialect), expected["revisions"].as_u64().unwrap() as usize));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found: BTreeMap<String, (String, String)> = outcomes
        .iter()
        .filter(|one| one["outcome"] != "ok")
        .map(|one| (text(&one["revision"]), (text(&one["outcome"]), text(&one["why"]))))
        .collect();
    let mut wrong: Vec<String> = Vec::new();
    for (revision, (outcome, why)) in &found {
        let wanted = &expected[revision];
        if wanted[0] != outcome.as_str() || !wanted[1].as_str().is_some_and(|words| why.contains(words)) {
            wrong.push(format!("{revision}: {outcome}: {why}"));
        }
    }
    let known = expected.as_object().unwrap().iter().filter(|(_, value)| value.is_array());
    wrong.extend(
        known.filter(|(revision, _)| !found.contains_key(*revision)).map(|(revision, _)| format!("{revision} is not found any more")),
    );
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

#[test]
fn optuna_on_postgresql() {
    ends_as_expected(&OPTUNA, "postgresql");
}

#[test]
fn optuna_on_sqlite() {
    ends_as_expected(&on_sqlite(&OPTUNA), "sqlite");
}

#[test]
fn prefect_on_postgresql() {
    ends_as_expected(&PREFECT, "postgresql");
}

#[test]
fn prefect_on_sqlite() {
    ends_as_expected(&PREFECT_SQLITE, "sqlite");
}

#[test]
fn mlflow_on_postgresql() {
    ends_as_expected(&MLFLOW, "postgresql");
}

#[test]
fn mlflow_on_sqlite() {
    ends_as_expected(&on_sqlite(&MLFLOW), "sqlite");
}

#[test]
fn phoenix_on_postgresql() {
    ends_as_expected(&PHOENIX, "postgresql");
}

#[test]
fn phoenix_on_sqlite() {
    ends_as_expected(&on_sqlite(&PHOENIX), "sqlite");
}

#[test]
fn langflow_on_postgresql() {
    ends_as_expected(&LANGFLOW, "postgresql");
}

#[test]
fn langflow_on_sqlite() {
    ends_as_expected(&on_sqlite(&LANGFLOW), "sqlite");
}

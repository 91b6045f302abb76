//! A new revision on the chain of a real project whose models were changed: what was asked for is written, what came along
//! is told apart, and one file results.

use std::path::{Path, PathBuf};

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::generate_migration::{Input, Mode};
use alembic_gate::tools::{generate_migration, migration_status};
use serde_json::Value;
use tempfile::TempDir;

use crate::corpora::{OPTUNA, site_packages};

/// Optuna's chain in a folder of its own, with a copy of its models that may be changed.
fn copied() -> Option<TempDir> {
    let (python, site) = site_packages(OPTUNA.package)?;
    let (chain, folder) = (site.join(OPTUNA.script_location), TempDir::new().unwrap());
    let versions = folder.path().join("migrations/versions");
    std::fs::create_dir_all(&versions).unwrap();
    for file in glob::glob(&format!("{}/versions/*.py", chain.display())).unwrap().flatten() {
        std::fs::copy(&file, versions.join(file.file_name().unwrap())).unwrap();
    }
    std::fs::copy(chain.join("script.py.mako"), folder.path().join("migrations/script.py.mako")).unwrap();
    let env = std::fs::read_to_string(chain.join("env.py")).unwrap().replace("optuna.storages._rdb.models", "own_models");
    assert!(env.contains("own_models.BaseModel.metadata"), "{env}");
    std::fs::write(folder.path().join("migrations/env.py"), env).unwrap();
    std::fs::copy(chain.parent().unwrap().join("models.py"), folder.path().join("own_models.py")).unwrap();
    let ini = "[alembic]\nscript_location = %(here)s/migrations\nprepend_sys_path = %(here)s\nsqlalchemy.url = sqlite:///production.db\n";
    std::fs::write(folder.path().join("alembic.ini"), ini).unwrap();
    std::fs::write(folder.path().join("alembic-gate.toml"), format!("[project]\npython = {:?}\n", python.display().to_string())).unwrap();
    Some(folder)
}

fn revisions(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = glob::glob(&format!("{}/migrations/versions/*.py", folder.display())).unwrap().flatten().collect();
    files.sort();
    files
}

fn generated(folder: &Path, name: &str, mode: Mode) -> Value {
    let settings = Settings::default();
    let input =
        Input { project: Some(folder.display().to_string()), migration_name: Some(name.to_owned()), mode: Some(mode), ..Input::default() };
    Value::Object(generate_migration::run(&input, &Call::local(&settings), None).output)
}

fn said(list: &Value) -> String {
    list.as_array().unwrap_or_else(|| panic!("{list:#}")).iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// The models without a class, with a column of another name and a new one.
fn changed(models: &str) -> String {
    let from = models.find("class TrialParamModel(").unwrap();
    let to = from + models[from..].find("\nclass ").unwrap();
    let without = format!("{}{}", &models[..from], &models[to..]);
    let renamed = without.replacen(
        "    study_name = _Column(\n",
        "    owner = _Column(String(80))\n    study_name = _Column(\n        \"title\",\n",
        1,
    );
    assert_ne!(renamed, without);
    renamed
}

#[test]
fn a_revision_of_optuna_is_told_apart_from_what_came_along() {
    let Some(folder) = copied() else { return };
    let folder = folder.path();
    let settings = Settings::default();
    let asked = migration_status::Input { project: Some(folder.display().to_string()), record_drift: true, ..Default::default() };
    let status = Value::Object(migration_status::run(&asked, &Call::local(&settings), None).output);
    let stood = status["drift"]["items"].as_array().unwrap_or_else(|| panic!("{status:#}")).len();
    assert!(stood > 0 && status["drift"]["new"] == 0, "{status:#}");
    let models = folder.join("own_models.py");
    std::fs::write(&models, changed(&std::fs::read_to_string(&models).unwrap())).unwrap();
    let before = revisions(folder);

    let made = generated(folder, "add_studies_owner", Mode::Autogenerate);
    let new: Vec<PathBuf> = revisions(folder).into_iter().filter(|file| !before.contains(file)).collect();
    assert_eq!(new.len(), 1, "{made:#}");
    assert!(new[0].ends_with(made["file"].as_str().unwrap()) && made["down_revision"] == "v3.2.0.a", "{made:#}");
    let operations = made["operations"].as_array().unwrap();
    let has = |kind: &str, name: &str| operations.iter().any(|one| one["kind"] == kind && (one["name"] == name || one["table"] == name));
    assert!(has("add_column", "owner") && has("remove_table", "trial_params"), "{made:#}");
    let differs = said(&made["differs_from_intent"]);
    assert!(differs.contains("new_column_name=\"title\""), "a rename: {differs}");
    assert!(differs.contains("`trial_params`") && differs.contains("imported by `env.py`"), "a model that is gone: {differs}");
    assert_eq!(differs.matches("stood before this change").count(), stood, "{differs}");
    assert!(!differs.contains("studies.owner"), "what was asked for: {differs}");
    assert_eq!(made["verdict"], "blocked", "{made:#}");

    std::fs::remove_file(&new[0]).unwrap();
    let empty = generated(folder, "backfill_studies_owner", Mode::Empty);
    let file = folder.join(empty["file"].as_str().unwrap_or_else(|| panic!("{empty:#}")));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("def upgrade():\n    pass") && text.contains("down_revision = 'v3.2.0.a'"), "{text}");
    assert_eq!(revisions(folder).len(), before.len() + 1);
    assert!(!folder.join("production.db").exists());
}

//! The chains of real packages: each file is read, and heads, bases and order are those of Alembic itself.
//!
//! The packages are those of `tests/run`'s environments, or of folders named in `ALEMBIC_GATE_CORPORA` (separated as in
//! PATH), into which wheels were unpacked; nothing of them is run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use alembic_gate::dialect::Dialect;
use alembic_gate::judge::judge_project;
use alembic_gate::workspace::{Place, Workspace, open};
use serde_json::{Value, json};

use crate::real_alembic;

/// Package, folder of its settings, and the dialect whose revisions are read where there are several.
const HISTORIES: &[(&str, &str, Dialect)] = &[
    ("optuna", "optuna/storages/_rdb", Dialect::Postgresql),
    ("mlflow", "mlflow/store/db_migrations", Dialect::Postgresql),
    ("mlflow-auth", "mlflow/server/auth/db/migrations", Dialect::Postgresql),
    ("prefect-postgresql", "prefect/server/database", Dialect::Postgresql),
    ("prefect-sqlite", "prefect/server/database", Dialect::Sqlite),
    ("phoenix", "phoenix/db", Dialect::Postgresql),
    ("langflow", "langflow/alembic", Dialect::Postgresql),
];

fn roots() -> Vec<PathBuf> {
    let named = std::env::var_os("ALEMBIC_GATE_CORPORA").map(|named| std::env::split_paths(&named).collect::<Vec<_>>()).unwrap_or_default();
    let tools = [PathBuf::from("/var/tmp/alembic-gate-tools"), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.tools")];
    let made = tools
        .iter()
        .flat_map(|tools| glob::glob(&format!("{}/corpus-*/lib/python3*/site-packages", tools.display())).unwrap())
        .filter_map(Result::ok);
    named.into_iter().chain(made).collect()
}

fn opened(folder: &Path, dialect: Dialect) -> Workspace {
    let text = folder.to_string_lossy();
    open(&Place { folder: &text, dialect: Some(dialect), ..Place::default() })
        .unwrap_or_else(|error| panic!("{text}: {error}; {}", error.hint()))
}

#[test]
fn real_histories_are_read_whole() {
    let roots = roots();
    let mut found = Vec::new();
    for (name, folder, dialect) in HISTORIES {
        match roots.iter().map(|root| root.join(folder)).find(|path| path.is_dir()) {
            Some(path) => found.push((name, opened(&path, *dialect))),
            None => println!("SKIPPED: {name} (not installed; name a folder with its unpacked wheel in ALEMBIC_GATE_CORPORA)"),
        }
    }
    let questions = found.iter().fold(String::new(), |mut text, (_, workspace)| {
        writeln!(text, "{}", json!({ "script_folder": workspace.script_folder, "version_folders": workspace.version_folders })).unwrap();
        text
    });
    let Some(said) = real_alembic::ask("heads.py", &[], &questions) else { return };
    for ((name, workspace), line) in found.iter().zip(said.lines()) {
        let theirs: Value = serde_json::from_str(line).unwrap();
        let graph = &workspace.project.graph;
        assert!(
            workspace.project.problems.is_empty() && graph.faults.is_empty(),
            "{name}: {:?} {:?}",
            workspace.project.problems,
            graph.faults
        );
        assert!(graph.nodes.len() >= 7, "{name}: {} revisions", graph.nodes.len());
        assert_eq!(json!(graph.ids(&graph.heads)), theirs["heads"], "{name}");
        assert_eq!(json!(graph.ids(&graph.bases)), theirs["bases"], "{name}");
        let mut order = graph.ids(&graph.upgrade_path(&[], "heads").unwrap());
        order.reverse();
        assert_eq!(json!(order), theirs["newest_first"], "{name}");
        let back = graph.downgrade_path(&graph.ids(&graph.heads), "base").unwrap();
        assert_eq!(json!(graph.ids(&back)), theirs["newest_first"], "{name}");
        let said = judge_project(&workspace.project, &Default::default(), &BTreeMap::new());
        let of_chain = said
            .iter()
            .filter(|found| matches!(found.rule, "multiple_heads" | "unreadable_revision" | "missing_parent" | "revision_cycle"));
        assert_eq!(of_chain.count(), 0, "{name}: {said:?}");
        println!("{name}: {} revisions, {} findings", graph.nodes.len(), said.len());
    }
}

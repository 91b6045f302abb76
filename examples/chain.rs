//! Reads the chain of a project and says what is in it and how long that took: `cargo run --release --example chain FOLDER [CONFIG]`.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use alembic_gate::judge::judge_project;
use alembic_gate::project::Expectations;
use alembic_gate::workspace::{Place, open};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().map_or(".", String::as_str);
    let started = Instant::now();
    let place = Place { folder, config: arguments.get(1).map(String::as_str), ..Place::default() };
    let workspace = match open(&place) {
        Ok(workspace) => workspace,
        Err(error) => {
            eprintln!("{error}\nhint: {}", error.hint());
            return ExitCode::from(2);
        }
    };
    let elapsed = started.elapsed();
    let graph = &workspace.project.graph;
    let findings: Vec<String> = judge_project(&workspace.project, &Expectations::default(), &BTreeMap::new())
        .iter()
        .map(|found| {
            let (file, line) = (found.file.as_deref().unwrap_or_default(), found.line.unwrap_or_default());
            format!("{} {}: {file}:{line}: {}", found.severity.word(), found.rule, found.what)
        })
        .collect();
    let answer = serde_json::json!({
        "script_folder": workspace.script_folder,
        "revisions": graph.nodes.len(),
        "heads": graph.ids(&graph.heads),
        "bases": graph.ids(&graph.bases),
        "branch_points": graph.branch_points().len(),
        "merges": graph.merges().len(),
        "faults": graph.faults.iter().map(|fault| format!("{fault:?}")).collect::<Vec<_>>(),
        "problems": workspace.project.problems.iter().map(|problem| format!("{problem:?}")).collect::<Vec<_>>(),
        "findings": findings,
        "notes": workspace.notes,
        "milliseconds": elapsed.as_secs_f64() * 1_000.0,
    });
    println!("{}", serde_json::to_string_pretty(&answer).unwrap_or_default());
    ExitCode::SUCCESS
}

//! How much of real SQL is understood: `cargo run --example understood -- mysql DIR…`.
//!
//! Prints the share of statements that were read to their end, and the commonest reasons for those that were not.

#![allow(clippy::print_stdout, clippy::print_stderr)] // A program for a terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::effects::{self, Place};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script;

/// Reasons shown.
const SHOWN: usize = 40;

#[derive(Default)]
struct Count {
    statements: usize,
    understood: usize,
    without_fact: usize,
    reasons: BTreeMap<String, Vec<String>>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().and_then(|word| server_of(&word));
    let Some(server) = server else {
        eprintln!("usage: understood DIALECT[:VERSION] DIR…");
        return ExitCode::from(2);
    };
    let mut count = Count::default();
    for folder in arguments {
        let mut files = Vec::new();
        collect(Path::new(&folder), &mut files);
        files.sort();
        for file in files {
            read(&file, server, &mut count);
        }
    }
    show(&count);
    ExitCode::SUCCESS
}

/// `mysql`, `mysql:8.0.29`.
fn server_of(word: &str) -> Option<Server> {
    let (dialect, version) = word.split_once(':').map_or((word, None), |(dialect, version)| (dialect, Some(version)));
    let dialect = <Dialect as clap::ValueEnum>::from_str(dialect, true).ok()?;
    let version = version.map_or(Some(dialect.newest()), |version| ServerVersion::from_str(version).ok())?;
    Some(Server { dialect, version })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
}

fn read(file: &Path, server: Server, count: &mut Count) {
    let Ok(bytes) = std::fs::read(file) else {
        return;
    };
    let script = script::read(String::from_utf8_lossy(&bytes).into_owned(), server);
    let mut catalog = Catalog::new(server.dialect);
    for statement in &script.statements {
        count.statements += 1;
        let place = Place { server, catalog: &catalog, transaction: statement.transaction, following: &[] };
        let missing = effects::effect_of(&statement.reading, &place).unknown;
        let why = statement.reading.not_understood.clone();
        count.understood += usize::from(why.is_none());
        count.without_fact += usize::from(why.is_none() && missing.is_some());
        if let Some(why) = why.or(missing) {
            let text: String = script.text_of(statement).chars().take(160).collect();
            let place = format!("{}:{} {}", file.display(), statement.line, text.replace('\n', " "));
            count.reasons.entry(why).or_default().push(place);
        }
        catalog.apply(&statement.reading, statement.transaction);
    }
}

fn show(count: &Count) {
    let share = |part: usize| part as f64 / count.statements.max(1) as f64 * 100.0;
    println!(
        "{} statements, {:.2} % understood, {:.2} % without a fact",
        count.statements,
        share(count.understood),
        share(count.without_fact)
    );
    let mut reasons: Vec<_> = count.reasons.iter().collect();
    reasons.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    for (why, places) in reasons.into_iter().take(SHOWN) {
        println!("{:5}  {why}\n       {}", places.len(), places.first().map_or("", String::as_str));
    }
}

//! How much of real SQL is understood: `cargo run --example understood -- sqlite FOLDER…`.
//!
//! Prints what was not, and the share of statements that were.
#![allow(clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::sql::script::read;
use clap::ValueEnum;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dialect = arguments.next().and_then(|word| Dialect::from_str(&word, true).ok()).unwrap_or(Dialect::Postgresql);
    let mut files = Vec::new();
    for folder in arguments {
        sql_files(Path::new(&folder), &mut files);
    }
    files.sort();
    let (mut statements, mut understood) = (0_usize, 0_usize);
    for file in &files {
        let text = String::from_utf8_lossy(&fs::read(file).unwrap_or_default()).into_owned();
        let script = read(text, Server::newest(dialect));
        for statement in &script.statements {
            statements += 1;
            match &statement.reading.not_understood {
                None => understood += 1,
                Some(why) => println!("{}:{}: {why}", file.display(), statement.line),
            }
        }
    }
    let share = understood as f64 * 100.0 / statements.max(1) as f64;
    println!("{dialect}: {} files, {understood} of {statements} statements understood ({share:.3} %)", files.len());
}

/// The SQL files below a folder, or the file itself.
fn sql_files(path: &Path, found: &mut Vec<PathBuf>) {
    if let Ok(entries) = fs::read_dir(path) {
        entries.flatten().for_each(|entry| sql_files(&entry.path(), found));
    } else if path.extension().is_some_and(|end| !["jsonl", "txt", "tsv", "py", "md"].iter().any(|other| end == *other)) {
        found.push(path.to_owned());
    }
}

//! Statement boundaries against another splitter's: `cargo run --example boundaries -- LIST.jsonl FOLDER`.
//!
//! A line of the list is `{"file": …, "statements": [[start, length, …], …]}` in bytes. Prints the files whose
//! statement starts differ, with the first place, and the share that agrees.
#![allow(clippy::print_stdout)]

use std::fs;
use std::path::Path;

use alembic_gate::dialect::Dialect;
use alembic_gate::sql::split::{Form, split};
use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [list, folder] = arguments.as_slice() else {
        eprintln!("usage: boundaries LIST.jsonl FOLDER");
        return;
    };
    let (mut files, mut agree) = (0_usize, 0_usize);
    for line in fs::read_to_string(list).unwrap_or_default().lines() {
        let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
        let Some(name) = entry.get("file").and_then(Value::as_str) else { continue };
        let Ok(text) = fs::read_to_string(Path::new(folder).join(name)) else { continue };
        files += 1;
        match difference(&text, &starts(&entry)) {
            None => agree += 1,
            Some(what) => println!("{name}: {what}"),
        }
    }
    println!("{agree} of {files} files agree ({:.2} %)", agree as f64 * 100.0 / files.max(1) as f64);
}

fn starts(entry: &Value) -> Vec<usize> {
    let statements = entry.get("statements").and_then(Value::as_array).into_iter().flatten();
    statements.filter_map(|statement| statement.get(0)?.as_u64()).map(|start| start as usize).collect()
}

/// The first place where the two lists part.
fn difference(text: &str, theirs: &[usize]) -> Option<String> {
    let pieces = split(text, Dialect::Postgresql).pieces;
    let ours: Vec<usize> = pieces.iter().filter(|piece| piece.form != Form::Client).map(|piece| piece.start as usize).collect();
    let at = ours.iter().zip(theirs).position(|(a, b)| a != b).or((ours.len() != theirs.len()).then_some(ours.len().min(theirs.len())))?;
    let place = ours.get(at).or_else(|| theirs.get(at)).copied().unwrap_or(text.len());
    let near: String = text.get(place..).unwrap_or_default().chars().take(60).collect();
    Some(format!("statement {}: ours {:?}, theirs {:?}, near {near:?}", at + 1, ours.get(at), theirs.get(at)))
}

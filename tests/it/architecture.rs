//! The direction of the modules, and which file names which crate: `src/lib.rs` says it, this reads it off the code.

use std::path::{Path, PathBuf};

/// A crate that could be exchanged, and the only places that name it.
const PLACES: &[(&str, &[&str])] = &[
    ("sqlparser::", &["sql/understand/tree.rs"]),
    ("ruff_", &["project/revision.rs", "project/uses.rs"]),
    ("tantivy::", &["knowledge/"]),
    ("rmcp::", &["mcp/"]),
    ("hyper::", &["mcp/"]),
    ("tracing_subscriber::", &["log.rs", "log/"]),
    ("opentelemetry", &["log/"]),
    ("postgres::", &["database/"]),
    ("mysql::Conn", &["database/"]),
    ("rusqlite::", &["database/", "scratch/sqlite.rs"]),
    ("std::process::Command", &["git.rs", "bridge/", "scratch/", "wrap.rs", "mcp/", "cli/demo/"]),
];

fn source(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)).unwrap()
}

/// The layers of the module doc of `src/lib.rs`: their titles, their modules from the bottom up.
fn layers() -> Vec<(String, Vec<String>)> {
    let mut layers: Vec<(String, Vec<String>)> = Vec::new();
    let text = source("lib.rs");
    let list = text.split("//! # Layers").nth(1).unwrap().split("//! # Invariants").next().unwrap();
    for line in list.lines().filter_map(|line| line.strip_prefix("//! ")) {
        if line.starts_with(|c: char| c.is_ascii_digit()) {
            layers.push((line.to_owned(), Vec::new()));
        } else if let (Some(name), Some((_, modules))) = (line.trim().strip_prefix("[`"), layers.last_mut()) {
            modules.push(name.split('`').next().unwrap().to_owned());
        }
    }
    layers
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/"), std::fs::read_to_string(path).unwrap()))
        .collect()
}

fn module_of(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

#[test]
fn a_module_uses_only_what_lies_below_it() {
    let order: Vec<String> = layers().into_iter().flat_map(|(_, modules)| modules).collect();
    let height = |module: &str| order.iter().position(|name| name == module);
    let mut wrong = Vec::new();
    for (file, text) in all_sources() {
        let own = module_of(&file);
        if matches!(own, "lib" | "main") {
            continue;
        }
        let own_height = height(own).unwrap_or_else(|| panic!("`{own}` has no place among the layers of src/lib.rs"));
        for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if height(&used).is_some_and(|height| height > own_height) {
                    wrong.push(format!("{file}:{}: {own} uses crate::{used}, which lies above it", n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_crate_that_could_be_exchanged_is_named_in_one_place() {
    let mut wrong = Vec::new();
    for (file, text) in all_sources() {
        for (name, places) in PLACES {
            let code = text.lines().any(|line| {
                let before = line.find(name).map(|at| &line[..at]);
                !line.trim_start().starts_with("//")
                    && before.is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
            });
            if code && !places.iter().any(|place| file.starts_with(place)) {
                wrong.push(format!("{file} names {name}, which belongs into {}", places.join(" or ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_lies_below_the_outside_world_has_no_io_and_no_clock() {
    let pure: Vec<String> =
        layers().into_iter().take_while(|(title, _)| !title.contains("the outside world")).flat_map(|(_, modules)| modules).collect();
    assert!(pure.iter().any(|module| module == "judge"), "{pure:?}");
    let mut wrong = Vec::new();
    for (file, text) in all_sources().into_iter().filter(|(file, _)| pure.iter().any(|module| module == module_of(file))) {
        for word in ["std::fs", "std::net", "std::env", "std::time", "async fn", "println!", "eprintln!"] {
            if text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word)) {
                wrong.push(format!("{file} has {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

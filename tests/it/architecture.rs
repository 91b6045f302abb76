//! The direction of the modules, and which file names which crate: `src/lib.rs` says it, this reads it off the code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules from the bottom up: a module uses only those before it, or on its own line.
const LAYERS: &[&[&str]] = &[
    &["allow", "dialect", "finding", "secret"],
    &["sql"],
    &["fix"],
    &["project"],
    &["effects"],
    &["risk"],
    &["step", "chain"],
    &["rules"],
    &["judge"],
    &["config", "git"],
    &["workspace"],
    &["tools"],
    &["report"],
    &["format"],
    &["mcp", "cli"],
];

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

fn height(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn a_module_uses_only_what_lies_below_it() {
    let mut wrong = Vec::new();
    for (file, text) in all_sources() {
        let own = module_of(&file);
        if matches!(own, "lib" | "main") {
            continue;
        }
        let own_height =
            height(own).unwrap_or_else(|| panic!("`{own}` has no place in the layers: put it into LAYERS and into src/lib.rs"));
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
    let places = BTreeMap::from([
        ("sqlparser::", "sql/understand/tree.rs"),
        ("ruff_", "project/revision.rs"),
        ("rmcp::", "mcp/"),
        ("std::process::Command", "git.rs"),
    ]);
    let mut wrong = Vec::new();
    for (file, text) in all_sources() {
        for (name, place) in &places {
            let code = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(name));
            if code && !file.starts_with(place) {
                wrong.push(format!("{file} names {name}, which belongs into {place}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn judgement_has_no_io_and_no_clock() {
    let mut wrong = Vec::new();
    for (file, text) in all_sources() {
        let low = ["allow", "chain", "project", "dialect", "finding", "sql", "effects", "risk", "rules", "judge", "fix", "secret", "step"]
            .contains(&module_of(&file));
        for word in ["std::fs", "std::net", "std::env", "std::time", "async fn", "println!", "eprintln!"] {
            if low && text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word)) {
                wrong.push(format!("{file} has {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

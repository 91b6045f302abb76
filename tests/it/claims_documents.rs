//! Every claim of the documents that a server or Alembic decides (`tests/truth/knowledge_*.json`), asked of it anew.
//!
//! The claims are run by the programs beside them, with the Python that has Alembic 1.20 and the drivers. One PostgreSQL,
//! the newest that is found, and Alembic on SQLite; with `CLAIMS=all` every PostgreSQL, and Alembic on the newest too. What is
//! not there is said on stderr.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use alembic_gate::knowledge::Library;
use serde_json::Value;

use crate::{claims, claims_mariadb, real_alembic};

const FILES: [&str; 3] = ["knowledge_postgresql.json", "knowledge_mariadb.json", "knowledge_alembic.json"];

fn truth() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth")
}

/// Runs a program of `tests/truth`; what it printed, where all that it ran holds.
fn held(python: &Path, arguments: &[String]) -> String {
    let output = Command::new(python).current_dir(truth()).env("PYTHONDONTWRITEBYTECODE", "1").args(arguments).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}:\n{said}");
    said
}

fn all_are_wanted() -> bool {
    std::env::var("CLAIMS").is_ok_and(|word| word == "all")
}

/// PostgreSQL by major version, the newest last.
fn postgresql() -> BTreeMap<u16, PathBuf> {
    let mut found = BTreeMap::new();
    for folder in claims::binaries() {
        if let Some(major) = claims::major_of(&folder) {
            found.entry(major).or_insert(folder);
        }
    }
    if all_are_wanted() {
        return found;
    }
    found.pop_last().into_iter().collect()
}

#[test]
fn claims_of_the_documents_on_postgresql_hold() {
    let Some(python) = real_alembic::python() else {
        eprintln!("SKIPPED: no Python with Alembic 1.20 (tests/run makes one)");
        return;
    };
    let servers = postgresql();
    if servers.is_empty() {
        eprintln!("SKIPPED: no PostgreSQL found: the claims of the documents on it were not checked");
    }
    for (major, folder) in &servers {
        let server = claims::start(folder, *major);
        let socket = server.socket_folder().display().to_string();
        let said = held(&python, &["observe_knowledge.py".to_owned(), FILES[0].to_owned(), socket]);
        println!("{said}");
        assert!(said.contains("claims in") && said.contains("0 do not hold"), "{said}");
    }
}

#[test]
fn claims_of_the_documents_on_alembic_hold() {
    let Some(python) = real_alembic::python() else {
        eprintln!("SKIPPED: no Python with Alembic 1.20 (tests/run makes one)");
        return;
    };
    let mut arguments = vec!["observe_alembic.py".to_owned()];
    let newest = postgresql().pop_last().filter(|_| all_are_wanted());
    let server = newest.map(|(major, folder)| claims::start(&folder, major));
    if let Some(server) = &server {
        let socket = server.socket_folder().display();
        arguments.extend(["--server".to_owned(), format!("postgresql=postgresql+psycopg://postgres@/postgres?host={socket}")]);
    }
    let said = held(&python, &arguments);
    println!("{said}");
    let told: Value = serde_json::from_str(said.lines().rfind(|line| line.starts_with('{')).unwrap_or_default()).unwrap();
    assert!(told["held"].as_u64().unwrap_or(0) > if server.is_some() { 240 } else { 150 }, "{told}");
}

#[test]
fn claims_of_the_documents_on_mariadb_hold() {
    let (Some(python), Some(mariadbd), Some(client)) =
        (real_alembic::python(), claims_mariadb::mariadbd(), claims_mariadb::in_path("mariadb"))
    else {
        eprintln!("SKIPPED: no MariaDB with its client, or no Python: the claims of the documents on it were not checked");
        return;
    };
    let server = claims_mariadb::start(&mariadbd, client);
    let said = held(&python, &["observe_knowledge.py".to_owned(), FILES[1].to_owned(), server.socket().display().to_string()]);
    println!("{said}");
    assert!(said.contains("claims in") && said.contains("0 do not hold"), "{said}");
}

/// A claim belongs to a section, and what is claimed stands for most documents about a server that can be had here.
#[test]
fn a_claim_names_a_section_that_is_there() {
    let library = Library::shared(None).unwrap_or_else(|error| panic!("{error}"));
    let mut documents: BTreeMap<String, usize> = BTreeMap::new();
    for file in FILES {
        let all: Value = serde_json::from_str(&std::fs::read_to_string(truth().join(file)).unwrap()).unwrap();
        for claim in all["claims"].as_array().unwrap() {
            let id = claim["id"].as_str().unwrap();
            assert_eq!(library.named(id).len(), 1, "{file}: there is no section {id}");
            *documents.entry(id.split('#').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
    }
    println!("{} claims on {} documents", documents.values().sum::<usize>(), documents.len());
    assert!(documents.len() >= 50 && documents.values().sum::<usize>() >= 800, "{documents:?}");
}

//! Names in quotes and capitals change nothing: our own cases on PostgreSQL are judged twice, as they stand and with the names of
//! tables, columns, types and functions written so, and what is said of both must be the same but for the names.

use std::collections::BTreeSet;

use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::judge::{Options, judge};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script;
use alembic_gate::sql::split::Direction;
use serde_json::Value;

const SCHEMA: &str = include_str!("../truth/postgresql_schema.sql");
const TRUTH: &str = include_str!("../truth/postgresql.json");

/// Words of SQL that are names in this schema too: left as they are.
const WORDS: &[&str] = &["name", "text", "date", "day", "state", "section", "position", "alembic_version", "version_num"];

const SERVER: Server = Server { dialect: Dialect::Postgresql, version: ServerVersion::new(17, 0) };

/// The names that are written anew.
fn names() -> BTreeSet<String> {
    let catalog = Catalog::of_setup(&script::read(SCHEMA.to_owned(), SERVER));
    let mut names = BTreeSet::new();
    for (name, table) in catalog.tables() {
        names.insert(name.name.clone());
        names.extend(table.columns.iter().map(|column| column.name.clone()));
    }
    for line in SCHEMA.lines() {
        let words: Vec<&str> = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect();
        if let ["CREATE", "TYPE" | "DOMAIN" | "FUNCTION", name, ..] = words.as_slice() {
            names.insert((*name).to_owned());
        }
    }
    names.retain(|name| name.len() > 1 && !WORDS.contains(&name.as_str()));
    names
}

/// `books` becomes `"Books"`; what stands in quotes of any kind and in comments stays.
fn quoted(sql: &str, names: &BTreeSet<String>) -> String {
    let (mut out, mut word, mut inside) = (String::new(), String::new(), None);
    for c in sql.chars().chain([' ']) {
        if inside.is_none() && (c.is_alphanumeric() || c == '_') {
            word.push(c);
            continue;
        }
        if names.contains(&word) {
            let (first, rest) = word.split_at(1);
            out.push_str(&format!("\"{}{rest}\"", first.to_uppercase()));
        } else {
            out.push_str(&word);
        }
        word.clear();
        inside = match inside {
            None if matches!(c, '\'' | '"') => Some(c),
            Some(open) if open == c => None,
            other => other,
        };
        out.push(c);
    }
    out
}

/// What is said of each statement, names in small letters without quotes.
fn said(setup: &str, sql: &str) -> Vec<String> {
    let before = Catalog::of_setup(&script::read(setup.to_owned(), SERVER));
    let judgement = judge(&script::read(sql.to_owned(), SERVER), Direction::Up, &before, &Options::default());
    let step = |step: &alembic_gate::step::Step| {
        let effect = &step.effect;
        let mut locks: Vec<String> = effect.locks.iter().map(|lock| format!("{} {}", lock.table.shown(), lock.mode.words())).collect();
        locks.sort();
        let codes: Vec<&str> = effect.fails.iter().map(|failure| failure.code.as_str()).collect();
        let facts =
            format!("{locks:?} {:?} {:?} {codes:?} scans {} builds {}", effect.work, effect.loss, effect.scans.len(), effect.builds.len());
        facts.to_lowercase()
    };
    let mut said: Vec<String> = judgement.steps.iter().map(step).collect();
    said.extend(judgement.findings.iter().map(|finding| format!("{} {:?}", finding.rule, finding.severity)));
    said
}

#[test]
fn names_in_quotes_and_capitals_change_nothing() {
    let names = names();
    assert!(names.contains("books") && names.contains("title") && names.contains("shelf_kind"), "{names:?}");
    let schema = quoted(SCHEMA, &names);
    let truth: Value = serde_json::from_str(TRUTH).unwrap();
    let text = |value: &Value| value.as_array().unwrap().iter().map(|one| format!("{};\n", one.as_str().unwrap())).collect::<String>();
    // Names that the server gives are made of the others, and bodies are text.
    let is_given = |sql: &str| {
        ["_pkey", "_key", "_fkey", "_check", "_seq", "_idx", "_excl", "$", "CALL ", "bump"].iter().any(|part| sql.contains(part))
    };
    let (mut compared, mut wrong) = (0, Vec::new());
    for case in truth["cases"].as_array().unwrap().iter().step_by(3) {
        let (setup, sql) = (text(&case["setup"]), text(&case["statement"]));
        if is_given(&format!("{setup}{sql}")) || sql.contains("AS '") {
            continue;
        }
        let plain = said(&format!("{SCHEMA}\n{setup}"), &sql);
        let other = said(&format!("{schema}\n{}", quoted(&setup, &names)), &quoted(&sql, &names));
        compared += 1;
        if plain != other {
            wrong.push(format!("{}: {sql}  {plain:?}\n  {other:?}", case["id"]));
        }
    }
    println!("{compared} cases compared");
    assert!(compared > 150, "{compared}");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

//! The rules against what real servers did: `tests/truth/postgresql.json`, our own cases, and
//! `tests/truth/examples/`, some that others observed on another schema. `MISSES=1` prints each miss.

use std::collections::BTreeMap;

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::finding::{Finding, Severity};
use alembic_gate::judge::{Options, judge};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script::read;
use alembic_gate::sql::split::Direction;
use serde_json::Value;

#[derive(Default)]
struct Score {
    hazards: u32,
    found: u32,
    safe: u32,
    safe_flagged: u32,
    brief: u32,
    brief_flagged: u32,
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Schemas that were read, by their text and the server: most cases stand on the same one.
type Read = BTreeMap<(String, String), Catalog>;

/// The findings of a case, as the contract says: `setup` behind the schema, a transaction around it where it says so.
fn findings(schema: &str, case: &Value, version: &str, read_before: &mut Read) -> Vec<Finding> {
    let server = Server { dialect: Dialect::Postgresql, version: version.parse().unwrap() };
    let setup: String = texts(&case["setup"]).iter().map(|sql| format!("{sql};\n")).collect();
    let statements: Vec<String> = texts(&case["statement"]).iter().map(|sql| format!("{sql};")).collect();
    let sql = statements.join("\n");
    let sql = if case["in_tx"] == true { format!("BEGIN;\n{sql}\nCOMMIT;") } else { sql };
    let before = read_before
        .entry((setup.clone(), version.to_owned()))
        .or_insert_with(|| Catalog::of_setup(&read(format!("{schema}\n{setup}"), server)));
    let options = Options { max_block_ms: 1000, ..Options::default() };
    judge(&read(sql, server), Direction::Up, before, &options).findings
}

fn flags(found: &[Finding]) -> Vec<&'static str> {
    found.iter().filter(|finding| finding.severity > Severity::Notice).map(|finding| finding.rule).collect()
}

/// The scores of all cases, by version.
fn scores(schema: &str, truth: &Value) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut misses: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut read_before = Read::new();
    for case in truth["cases"].as_array().unwrap() {
        for observed in case["observed"].as_array().unwrap() {
            let why = texts(&observed["why"]);
            for version in texts(&observed["pg"]) {
                // The minor version counts where a minor changed what the server does.
                let full = truth["servers"][version].as_str().and_then(|full| full.split(' ').next()).unwrap_or(version);
                let said = flags(&findings(schema, case, full, &mut read_before));
                let score = scores.entry(version.to_owned()).or_default();
                let mut miss = |label: &str| {
                    let line =
                        format!("{label} {} {why:?} {said:?}: {}", case["id"].as_str().unwrap(), texts(&case["statement"]).join("; "));
                    misses.entry(line).or_default().push(version);
                };
                match observed["verdict"].as_str() {
                    Some("H") => {
                        score.hazards += 1;
                        score.found += u32::from(!said.is_empty());
                        if said.is_empty() {
                            miss("H missed");
                        }
                    }
                    Some("S") => {
                        score.safe += 1;
                        score.safe_flagged += u32::from(!said.is_empty());
                        if !said.is_empty() {
                            miss("S flagged");
                        }
                    }
                    Some("B") if why == ["brief-lock"] => {
                        score.brief += 1;
                        score.brief_flagged += u32::from(!said.is_empty());
                        if !said.is_empty() {
                            miss("B flagged");
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    for (line, versions) in misses.iter().filter(|_| std::env::var_os("MISSES").is_some()) {
        println!("{} [{}]", line.chars().take(260).collect::<String>(), versions.join(" "));
    }
    for (version, score) in &scores {
        println!(
            "PostgreSQL {version}: {}/{} hazards flagged ({:.1} %), {}/{} safe flagged, {}/{} brief locks flagged",
            score.found,
            score.hazards,
            f64::from(score.found) * 100.0 / f64::from(score.hazards),
            score.safe_flagged,
            score.safe,
            score.brief_flagged,
            score.brief
        );
    }
    scores
}

#[test]
fn hazards_of_our_cases_are_flagged_and_safe_statements_are_not() {
    let truth: Value = serde_json::from_str(include_str!("../truth/postgresql.json")).unwrap();
    for (version, score) in scores(include_str!("../truth/postgresql_schema.sql"), &truth) {
        // What is left hangs on stored values, roles and installed extensions, which no text says.
        assert!(score.found * 1000 >= score.hazards * 975, "PostgreSQL {version}: {} of {} hazards", score.found, score.hazards);
        // A `MERGE … NOT MATCHED BY SOURCE THEN DELETE` that met no row.
        assert!(score.safe_flagged <= 1, "PostgreSQL {version}: {} safe statements flagged", score.safe_flagged);
        assert!(score.brief_flagged * 65 <= score.brief * 3, "PostgreSQL {version}: {} brief locks flagged", score.brief_flagged);
    }
}

#[test]
fn hazards_that_others_observed_are_flagged_and_safe_statements_are_not() {
    let truth: Value = serde_json::from_str(include_str!("../truth/examples/postgresql.json")).unwrap();
    for (version, score) in scores(include_str!("../truth/examples/postgresql_schema.sql"), &truth) {
        assert!(score.found * 100 >= score.hazards * 98, "PostgreSQL {version}: {} of {} hazards", score.found, score.hazards);
        assert_eq!(score.safe_flagged, 0, "PostgreSQL {version}");
        assert!(score.brief_flagged * 65 <= score.brief * 3, "PostgreSQL {version}: {} brief locks flagged", score.brief_flagged);
    }
}

#[test]
fn hazards_of_a_further_lot_are_flagged() {
    let truth: Value = serde_json::from_str(include_str!("../truth/further.json")).unwrap();
    for (version, score) in scores(include_str!("../truth/examples/postgresql_schema.sql"), &truth) {
        assert!(score.found * 1000 >= score.hazards * 955, "PostgreSQL {version}: {} of {} hazards", score.found, score.hazards);
        // Two run outside of a transaction, where the observer does not see the work; one takes rights that no probe uses.
        assert!(score.safe_flagged <= 4, "PostgreSQL {version}: {} safe statements flagged", score.safe_flagged);
        assert!(score.brief_flagged <= 6, "PostgreSQL {version}: {} brief locks flagged", score.brief_flagged);
    }
}

#[test]
fn hazards_of_siblings_of_the_examples_are_flagged_and_safe_statements_are_not() {
    let truth: Value = serde_json::from_str(include_str!("../truth/siblings.json")).unwrap();
    for (version, score) in scores(include_str!("../truth/examples/postgresql_schema.sql"), &truth) {
        assert!(score.found * 1000 >= score.hazards * 970, "PostgreSQL {version}: {} of {} hazards", score.found, score.hazards);
        assert_eq!(score.safe_flagged, 0, "PostgreSQL {version}");
        // What is flagged there is used by no query of the probes: a dropped empty table, a key, a child that leaves.
        assert!(score.brief_flagged <= 7, "PostgreSQL {version}: {} brief locks flagged", score.brief_flagged);
    }
}

#[test]
fn hazards_of_kinds_that_other_lots_lack_are_flagged() {
    let truth: Value = serde_json::from_str(include_str!("../truth/kinds.json")).unwrap();
    for (version, score) in scores(include_str!("../truth/examples/postgresql_schema.sql"), &truth) {
        // What is left hangs on the server: its collations, its settings, the name of the database in use, stored values.
        assert!(score.found * 1000 >= score.hazards * 965, "PostgreSQL {version}: {} of {} hazards", score.found, score.hazards);
        // A condition of a block that is never true.
        assert!(score.safe_flagged <= 1, "PostgreSQL {version}: {} safe statements flagged", score.safe_flagged);
        // No query of the probes uses what four of them take away: two tables' rows, a constraint, a role's rows.
        assert!(score.brief_flagged <= 4, "PostgreSQL {version}: {} brief locks flagged", score.brief_flagged);
    }
}

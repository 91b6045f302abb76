//! Every case of `tests/truth/mariadb.json`, measured on MariaDB 10.11, judged from the schema and the statement alone.

use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::judge::{self, Options, Step};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script;
use alembic_gate::sql::split::Direction;
use serde_json::Value;

const SERVER: Server = Server { dialect: Dialect::Mariadb, version: ServerVersion::new(10, 11) };

/// Share of the cases that must be right, for each question.
const GOAL: f64 = 0.97;

#[derive(Default)]
struct Score {
    right: usize,
    misses: Vec<String>,
}

impl Score {
    fn note(&mut self, id: &str, right: bool, miss: impl FnOnce() -> String) {
        if right {
            self.right += 1;
        } else {
            self.misses.push(format!("{id}: {}", miss()));
        }
    }

    fn share(&self) -> f64 {
        self.right as f64 / (self.right + self.misses.len()) as f64
    }
}

fn text<'a>(case: &'a Value, field: &str) -> Option<&'a str> {
    case.get(field).and_then(Value::as_str)
}

/// The last statement of the case, behind what the case sets up. New tables of the case stood before.
fn step_of(case: &Value, schema: &str) -> (Step, bool) {
    let setup: Vec<&str> = case.get("setup").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let (before, within): (Vec<&str>, Vec<&str>) = setup.iter().partition(|line| line.starts_with("CREATE") || line.starts_with("INSERT"));
    let schema = script::read(format!("{schema}\n{};", before.join(";\n")), SERVER);
    let catalog = Catalog::of_setup(&schema);
    let mode = text(case, "sql_mode").map(|mode| format!("SET sql_mode='{mode}';\n")).unwrap_or_default();
    let lines: String = within.iter().map(|line| format!("{line};\n")).collect();
    let script = script::read(format!("{mode}{lines}{};", text(case, "statement").unwrap()), SERVER);
    let judgement = judge::judge(&script, Direction::Up, &catalog, &Options::default());
    let understood = script.statements.last().unwrap().reading.is_understood();
    (judgement.steps.last().unwrap().clone(), understood)
}

#[test]
fn measured_cases_of_mariadb_are_foretold() {
    let cases: Value = serde_json::from_str(include_str!("../truth/mariadb.json")).unwrap();
    let schema = include_str!("../truth/mariadb_schema.sql");
    let [mut algorithms, mut locks, mut works, mut losses, mut errors] = <[Score; 5]>::default();
    for case in cases["cases"].as_array().unwrap() {
        let id = text(case, "id").unwrap();
        let (step, understood) = step_of(case, schema);
        let effect = &step.effect;
        let known = effect.unknown.is_none() && understood;
        let codes: Vec<&str> = effect.fails.iter().map(|failure| failure.code.as_str()).collect();
        if let Some(error) = text(case, "error") {
            let code = error.split(':').next().unwrap();
            // What cannot be read is a syntax error more often than not; it is never called safe.
            errors.note(id, codes.contains(&code) || code == "1064" && !known, || format!("expected {error}, found {codes:?}"));
            continue;
        }
        errors.note(id, !effect.always_fails(), || format!("expected no error, found {:?}", effect.fails));
        let copied = case.get("clause_ignored").is_some();
        if let Some(algorithm) = text(case, "min_algorithm") {
            let expected = if copied { "COPY" } else { algorithm };
            let found = effect.online.map_or("-", |online| online.algorithm);
            algorithms
                .note(id, found == expected, || format!("expected {expected}, found {found} {:?} {:?}", effect.situations, effect.unknown));
        }
        if let Some(lock) = text(case, "min_lock") {
            let found = effect.online.map_or("-", |online| online.lock);
            locks.note(id, found == lock, || format!("expected {lock}, found {found} {:?}", effect.situations));
        }
        if let Some(work) = text(case, "work") {
            works.note(id, effect.work.word() == work, || format!("expected {work}, found {} {:?}", effect.work.word(), effect.situations));
        }
        let loss = text(case, "data_loss").unwrap();
        losses.note(id, effect.loss.word() == loss, || {
            format!("expected {loss}, found {} {:?} {:?}", effect.loss.word(), effect.loss_why, effect.unknown)
        });
    }
    let all = [("algorithm", algorithms), ("lock", locks), ("work", works), ("loss", losses), ("error", errors)];
    for (name, score) in &all {
        println!("{name}: {:.1} % of {}", score.share() * 100.0, score.right + score.misses.len());
        for miss in &score.misses {
            println!("    {miss}");
        }
    }
    for (name, score) in &all {
        assert!(score.share() >= GOAL, "{name}: {:.3}", score.share());
    }
}

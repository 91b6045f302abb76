//! Kind, relation, actions and flags of single statements, in all dialects.

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::sql::script;
use serde_json::{Value, json};

fn misses(case: &Value) -> Vec<String> {
    let dialect: Dialect = serde_json::from_value(case["dialect"].clone()).unwrap();
    let script = script::read(case["sql"].as_str().unwrap().to_owned(), Server::newest(dialect));
    let Some(statement) = script.statements.first() else { return vec!["no statement".to_owned()] };
    let reading = &statement.reading;
    let expect = &case["expect"];
    let mut misses = Vec::new();
    let mut same = |what: &str, ours: Value, theirs: &Value| {
        if ours != *theirs {
            misses.push(format!("{what}: {ours}, expected {theirs}"));
        }
    };
    same("kind", json!(reading.kind), &expect["kind"]);
    same("relation", json!(reading.relation.as_ref().map(ToString::to_string)), &expect["relation"]);
    same("actions", json!(reading.actions), &expect["actions"]);
    for (flag, value) in expect["flags"].as_object().unwrap() {
        let ours = reading.flags.get(flag.as_str()).map_or(json!(false), |found| json!(found));
        same(flag, ours, value);
    }
    if let Some(why) = &reading.not_understood {
        misses.push(format!("not understood: {why}"));
    }
    misses
}

#[test]
fn single_statements_are_read_word_for_word() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../truth/examples/parse_cases.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &cases {
        let misses = misses(case);
        if !misses.is_empty() {
            wrong.push(format!("{} {}\n    {}", case["id"], case["sql"], misses.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

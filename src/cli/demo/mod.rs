//! `demo`: a real migration reviewed, then the whole life of one, told step by step: the calls of an agent, on a sample
//! project, a server and a database that are made for it and gone afterwards.

mod agent;
mod sample;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use crate::cli::{failed, print, wants_colour};
use crate::dialect::Dialect;
use crate::format::{Format, human};
use crate::step::{FilePart, Options};
use crate::tools::answer::clipped;
use crate::tools::call::{Call, Settings};
use crate::tools::review_sql;
use crate::tools::source::SqlInput;

use self::agent::{Agent, upgraded};
use self::sample::{NotHere, Sample, USERS};

/// A migration of Apache Airflow, and its name.
const REAL: &str = include_str!("../../../tests/corpus/airflow/postgresql_018_686269002441.up.sql");
const REAL_NAME: &str = "tests/corpus/airflow/postgresql_018_686269002441.up.sql";

/// Tells the story. What this machine cannot show is said with the mend; the exit code is 2 then.
pub fn demo(python: Option<&Path>) -> ExitCode {
    heading("A real migration, as it was released: Apache Airflow's 686269002441");
    let options = Options { files: vec![FilePart { name: REAL_NAME.to_owned(), first_line: 1, only_line: None }], ..Options::default() };
    let input = SqlInput { sql: Some(REAL.to_owned()), dialect: Some(Dialect::Postgresql), ..SqlInput::default() };
    match review_sql::review(&input, options, &Call::local(&Settings::default())) {
        Ok(review) => print(&human::review(&review, human::Paint { colour: wants_colour() }), 0),
        Err(error) => return failed(&error, Format::Human),
    };
    match life(python) {
        Ok(()) => ExitCode::SUCCESS,
        Err(NotHere { what, hint }) => {
            say(&format!("\nThe life of a migration cannot be shown here: {what}\ndo: {hint}"));
            ExitCode::from(2)
        }
    }
}

/// From PLAN to COMPLETE, then a door that stays shut.
fn life(python: Option<&Path>) -> Result<(), NotHere> {
    heading("The life of a migration: a sample project, a server and a `staging` made for it, gone afterwards");
    let sample = Sample::new(python, &say)?;
    upgraded(&sample, "0002")?;
    sample.fill()?;
    say(&format!("{} · staging stands at 0002, `users` has {USERS} rows", sample.server));
    let mut agent = Agent::new(&sample)?;

    heading("1 PLAN · somebody wants an index on a table of 8 million rows");
    let naive = "CREATE INDEX ix_orders_status ON orders (status)";
    let sizes = json!({ "orders": { "rows": 8_000_000, "bytes": 6_000_000_000_u64 } });
    let planned = told(&mut agent, "plan_migration", &json!({ "sql": naive, "table_stats": sizes }), |plan| {
        revisions(plan).iter().fold(String::new(), |mut lines, revision| {
            for line in text(revision, "upgrade").lines() {
                let _ = writeln!(lines, "{line}");
            }
            let _ = writeln!(lines, "why: {}", text(revision, "why"));
            lines
        })
    })?;
    heading("2 GENERATE · one file, written by the project's own Alembic");
    let generated = followed(&mut agent, &planned, |_| String::new())?;
    heading("3 REVIEW_SQL · the exact SQL, both ways");
    let reviewed = followed(&mut agent, &generated, |review| {
        let items = review.get("checklist").and_then(Value::as_object).into_iter().flatten();
        items.fold(String::new(), |mut lines, (name, item)| {
            let mark = match item.get("ok").and_then(Value::as_bool) {
                Some(true) => "x",
                Some(false) => "!",
                None => " ",
            };
            let _ = writeln!(lines, "[{mark}] {name}: {}", clipped(text(item, "evidence"), 90));
            lines
        })
    })?;
    heading("4 TEST_ROLLBACK · up, down and up again, with rows");
    let tested = followed(&mut agent, &reviewed, |test| {
        let locks = test.get("locks").and_then(Value::as_array).into_iter().flatten();
        locks.fold(String::new(), |mut lines, lock| {
            let number = lock.get("statement").and_then(Value::as_u64).unwrap_or_default();
            let _ = writeln!(lines, "seen while statement {number} ran: {} on {}", text(lock, "mode"), text(lock, "table"));
            lines
        })
    })?;
    heading("5 APPLY · five gates, each asked anew");
    let applied = followed(&mut agent, &tested, gates)?;
    heading("6 COMPLETE");
    followed(&mut agent, &applied, |_| String::new())?;

    heading("7 A one-way door · an agent drops a column and calls it reversible");
    let step = json!({
        "name": "drop_users_nickname",
        "upgrade": "op.drop_column(\"users\", \"nickname\")",
        "downgrade": "op.add_column(\"users\", sa.Column(\"nickname\", sa.String(40)))",
    });
    let dropped = told(&mut agent, "generate_migration", &json!({ "mode": "step", "step": step }), |_| String::new())?;
    let id = dropped.get("state").and_then(|state| state.get("migration_id")).cloned().unwrap_or_default();
    let this = json!({ "migration_id": id });
    told(&mut agent, "review_sql", &this, |_| String::new())?;
    told(&mut agent, "test_rollback", &this, |_| String::new())?;
    told(&mut agent, "apply_migration", &json!({ "migration_id": id, "environment": "staging" }), gates)?;
    heading(&format!("{} calls; nothing is left behind", agent.calls));
    Ok(())
}

/// Makes the call that the answer before gives as the next one.
fn followed(
    agent: &mut Agent,
    before: &Map<String, Value>,
    details: impl Fn(&Map<String, Value>) -> String,
) -> Result<Map<String, Value>, NotHere> {
    let next = before.get("next").and_then(|next| next.get(0));
    let (Some(tool), Some(arguments)) =
        (next.and_then(|next| next.get("tool")).and_then(Value::as_str), next.and_then(|next| next.get("args")))
    else {
        return Err(NotHere {
            what: format!("the answer names no next call: {}", text_of(before, "summary")),
            hint: "report it with this output".to_owned(),
        });
    };
    told(agent, tool, arguments, details)
}

/// Makes a call, and tells it with its answer.
fn told(
    agent: &mut Agent,
    tool: &str,
    arguments: &Value,
    details: impl Fn(&Map<String, Value>) -> String,
) -> Result<Map<String, Value>, NotHere> {
    say(&format!("{} {tool} {}", painted("→", "36"), clipped(&arguments.to_string(), 130)));
    let answer = agent.call(tool, arguments)?;
    say(&format!("  {}", coloured(text_of(&answer, "verdict"), text_of(&answer, "summary"))));
    for line in details(&answer).lines() {
        say(&format!("  {line}"));
    }
    if let Some(state) = answer.get("state").filter(|state| state.is_object()) {
        let flag = |name: &str| state.get(name).and_then(Value::as_bool).unwrap_or_default();
        say(&format!(
            "  phase {} · sql_reviewed {} · rollback_tested {} · data_loss_risk {}",
            text(state, "phase"),
            flag("sql_reviewed"),
            flag("rollback_tested"),
            text(state, "data_loss_risk")
        ));
    }
    Ok(answer)
}

fn gates(answer: &Map<String, Value>) -> String {
    let gates = answer.get("gates").and_then(Value::as_array).into_iter().flatten();
    let mut lines = gates.fold(String::new(), |mut lines, gate| {
        let is_open = gate.get("open").and_then(Value::as_bool).unwrap_or_default();
        let missing = gate.get("missing").and_then(|missing| missing.get(0)).and_then(Value::as_str).unwrap_or_default();
        let _ = writeln!(lines, "{} {} {}", if is_open { "open  " } else { "closed" }, text(gate, "gate"), clipped(missing, 110));
        lines
    });
    if let Some(way) = answer.get("rollback_command").and_then(Value::as_str) {
        let _ = writeln!(lines, "the way back: {way}");
    }
    lines
}

fn revisions(plan: &Map<String, Value>) -> Vec<Value> {
    plan.get("revisions").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn text_of<'a>(answer: &'a Map<String, Value>, name: &str) -> &'a str {
    answer.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn heading(words: &str) {
    say(&format!("\n{}", painted(&format!("── {words}"), "1")));
}

fn coloured(verdict: &str, summary: &str) -> String {
    let colour = match verdict {
        "pass" => "32",
        "warn" => "33",
        _ => "31",
    };
    match summary.split_once(':') {
        Some((head, rest)) => format!("{}:{rest}", painted(head, colour)),
        None => painted(summary, colour),
    }
}

fn painted(words: &str, colour: &str) -> String {
    if wants_colour() { format!("\u{1b}[{colour}m{words}\u{1b}[0m") } else { words.to_owned() }
}

/// One line, at once: the story goes on while servers start.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

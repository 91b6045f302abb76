//! What is answered: applied or refused, why, what is committed, the way back, the commands, what to do next.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::deploy::{Fate, Ran};
use crate::effects::Loss;
use crate::lifecycle::after::{CHECKS, Trouble, WayBack, is_base, way_back};
use crate::lifecycle::approval::Level;
use crate::lifecycle::gate::{Gate, Next, Reason, Verdict as GateVerdict};
use crate::tools::answer::{Answer, Common, NextCall, Verdict, clipped};
use crate::tools::migration::view::with_block;
use crate::tools::source::Detail;
use crate::tools::tool;

use super::look::{Look, Place};
use super::{Done, Input, Tried};

/// The most differences that are told.
const MOST_DIFFERENCES: usize = 20;

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    common: Common,
    applied: bool,
    environment: Option<String>,
    reasons: Vec<&'static str>,
    mend: Option<String>,
    gates: Vec<Value>,
    approval_required: Option<Value>,
    before: Option<Value>,
    after: Option<Value>,
    statements: Option<Value>,
    differences: Vec<String>,
    rollback_command: Option<String>,
    commands: Vec<String>,
    checks: Vec<Value>,
}

/// The answer of a call.
pub fn of(tried: &Tried, input: &Input, most: Option<usize>) -> Answer {
    let Tried { migration, look, reasons, done, is_declined: _ } = tried;
    let outcome = Outcome::of(tried);
    let verdict = match outcome {
        Outcome::Refused => Verdict::Blocked,
        Outcome::Stopped | Outcome::Differs => Verdict::Failed,
        Outcome::WasThere | Outcome::Applied => Verdict::Pass,
    };
    let mend = mend(tried);
    let mut common = Common::of(verdict, &summary(tried, outcome, verdict, mend.as_deref()));
    common.notes = notes(tried);
    common.next = next(tried, outcome);
    let place = done.as_ref().map(|done| &done.after).or(look.place.as_ref());
    let current = place.filter(|place| place.trouble.is_none()).map(Place::revision);
    migration.show(&mut common, Some(look.environment.as_str()).filter(|_| look.is_known), current.as_deref());
    let is_full = input.detail == Some(Detail::Full);
    let mut output = Output {
        applied: outcome == Outcome::Applied || outcome == Outcome::Differs,
        environment: input.environment.clone(),
        reasons: reasons.iter().map(|reason| reason.word()).collect(),
        mend,
        gates: look.gates.iter().map(|(gate, verdict)| gate_value(*gate, verdict)).collect(),
        approval_required: approval_required(tried),
        before: look.place.as_ref().map(place_value),
        after: done.as_ref().map(|done| place_value(&done.after)),
        statements: done.as_ref().map(|done| statements(look, &done.ran, is_full)).or_else(|| applied_already(look)),
        differences: differences(place),
        rollback_command: rollback_command(tried, outcome),
        commands: commands(tried, outcome),
        checks: checks(tried, outcome),
        common,
    };
    let text = with_block(&text_of(&output), &output.common, most);
    output.common.notes.dedup();
    Answer::of(&output, verdict, text).within(most)
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing was sent.
    Refused,
    /// Nothing was to be done.
    WasThere,
    /// It stopped on its way.
    Stopped,
    /// All of it ran, and the schema is not the one that was tested.
    Differs,
    /// All of it ran, and stands as tested.
    Applied,
}

impl Outcome {
    fn of(tried: &Tried) -> Self {
        match &tried.done {
            None if tried.reasons.is_empty() => Self::WasThere,
            None => Self::Refused,
            // Somebody else was first: where it stands is not by us.
            Some(done) if done.ran.left_nothing() => Self::Stopped,
            Some(done) => {
                let ends = tried.look.range.as_ref().is_some_and(|range| done.after.trouble.is_none() && done.after.revision() == range.to);
                match (ends, done.after.is_alike()) {
                    (true, true) => Self::Applied,
                    (true, false) => Self::Differs,
                    (false, _) => Self::Stopped,
                }
            }
        }
    }
}

fn range_words(look: &Look) -> String {
    look.range.as_ref().map_or_else(|| "nothing".to_owned(), |range| format!("{} → {}", range.from, range.to))
}

fn summary(tried: &Tried, outcome: Outcome, verdict: Verdict, mend: Option<&str>) -> String {
    let Tried { look, reasons, done, .. } = tried;
    let (name, range) = (&look.environment, range_words(look));
    let words: Vec<&str> = reasons.iter().map(|reason| reason.word()).collect();
    match (outcome, done) {
        (Outcome::Refused, _) => {
            format!(
                "{}: {range} was not applied to `{name}`, nothing was sent: {}. {}",
                verdict.word(),
                words.join(", "),
                mend.unwrap_or_default()
            )
        }
        (Outcome::WasThere, _) => {
            format!("{}: `{name}` is at {} already, with the tested schema; nothing was sent", verdict.word(), ends(look))
        }
        (Outcome::Applied, Some(done)) => {
            format!(
                "{}: {range} is applied to `{name}` in {} s: it is at {}, with the tested schema",
                verdict.word(),
                done.ran.seconds,
                ends(look)
            )
        }
        (Outcome::Differs, _) => {
            format!(
                "{}: {range} ran on `{name}` and it is at {}, but its schema is not the tested one (`differences`)",
                verdict.word(),
                ends(look)
            )
        }
        (_, Some(done)) => format!("{}: {}", verdict.word(), stopped_words(look, done)),
        (_, None) => verdict.word().to_owned(),
    }
}

fn ends(look: &Look) -> &str {
    look.range.as_ref().map_or("nothing", |range| range.to.as_str())
}

/// What stopped it and what stands, in a sentence.
fn stopped_words(look: &Look, done: &Done) -> String {
    let stopped = done.ran.stopped.as_ref().map_or_else(|| "it ended elsewhere".to_owned(), ToString::to_string);
    let stands = match &done.after.trouble {
        Some(_) => "where it stands nobody could ask afterwards".to_owned(),
        None => format!("it is at {}", done.after.revision()),
    };
    let numbers = |fate: Fate| done.ran.with(fate).iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let committed = match (done.ran.left_nothing(), numbers(Fate::Committed), numbers(Fate::Unknown)) {
        (true, _, _) => "nothing of it is committed".to_owned(),
        (false, committed, unknown) if unknown.is_empty() => format!("committed: statements {committed}"),
        (false, committed, unknown) if committed.is_empty() => format!("unknown: statements {unknown}"),
        (false, committed, unknown) => format!("committed: statements {committed}; unknown: {unknown}"),
    };
    format!("applying to `{}` stopped {stopped}. {committed}; {stands}", look.environment)
}

/// What opens the way, in a sentence.
fn mend(tried: &Tried) -> Option<String> {
    let Tried { look, reasons, .. } = tried;
    let first = *reasons.first()?;
    let of_gate = look.gates.iter().find_map(|(_, verdict)| match verdict {
        GateVerdict::Open | GateVerdict::OpenAsOneWayDoor { .. } => None,
        GateVerdict::Closed { missing, next, .. } => {
            let next = match next {
                Next::Tool(tool) => format!("call `{tool}`"),
                Next::Edit(what) | Next::Person(what) => what.clone(),
            };
            Some(format!("{}: {next}", clipped(&missing.join("; "), 200)))
        }
    });
    let trouble = look.troubles.first().cloned();
    Some(match first {
        Reason::UnknownEnvironment => {
            format!(
                "add `[environments.{}]` with `tier` and `url_env` to `alembic-gate.toml`, or name one that is there",
                shown(&look.environment)
            )
        }
        Reason::ApprovalRequired if tried.is_declined => {
            "the person at the client said no: ask them, and call again when they say yes".to_owned()
        }
        Reason::RollbackNotTested if of_gate.is_none() => trouble.unwrap_or_else(|| "call `test_rollback`".to_owned()),
        Reason::StateDirty => trouble.or(of_gate).unwrap_or_else(|| "call `migration_status`".to_owned()),
        Reason::ReviewStale if of_gate.is_none() => {
            "something changed while it was looked at: call `review_sql`, then this again".to_owned()
        }
        Reason::ParityMissing if of_gate.is_none() => engine_words(look),
        Reason::OnlyByAlembic => match &look.plan {
            Err(error) => format!("{error}; a person runs the command"),
            Ok(_) => "a person runs the command".to_owned(),
        },
        _ if reasons.contains(&Reason::RowsInTheWay) => rows_words(look),
        Reason::ApplyDisabled => "the gates are open: a person runs the commands, or starts the server with `--allow-apply`".to_owned(),
        _ => of_gate.unwrap_or_else(|| "call `migration_status`".to_owned()),
    })
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "staging" } else { name }
}

fn engine_words(look: &Look) -> String {
    let place = look.place.as_ref();
    let found = place.and_then(|place| place.server).map(|server| server.to_string()).unwrap_or_default();
    let written = place.and_then(|place| place.encoding.as_ref()).filter(|found| !look.encoding.is_met_by(found));
    if let Some(written) = written {
        return format!(
            "the database of `{}` writes text in {written}, everything was tested for {}: say `charset` and `collation` of `server` in \
             `alembic-gate.toml`, then call `test_rollback`",
            look.environment, look.encoding
        );
    }
    format!(
        "`{}` runs {found}, everything was judged and tested for {}: say `server` in `alembic-gate.toml`, then call `review_sql` and `test_rollback`",
        look.environment, look.server
    )
}

/// Which rows a statement would be refused for, and how they are found.
fn rows_words(look: &Look) -> String {
    let each = look.rows.found.iter().map(|found| format!("{} in `{}`: {}", found.count, found.table, found.query));
    format!(
        "rows that a statement is refused for stand in `{}`; mend them first. {}",
        look.environment,
        each.collect::<Vec<_>>().join("; ")
    )
}

fn notes(tried: &Tried) -> Vec<String> {
    let Tried { look, done, reasons, .. } = tried;
    let mut notes = look.troubles.clone();
    if reasons.contains(&Reason::RollbackNotTested) {
        notes.push("a downgrade that was never tested is not a rollback plan".to_owned());
    }
    for (gate, verdict) in &look.gates {
        if let GateVerdict::OpenAsOneWayDoor { level, approvers, lost, backups } = verdict {
            notes.push(format!(
                "one-way door: `{}` is open by {} ({level}), who know that this is lost: {}; backup: {}",
                gate.name(),
                approvers.join(", "),
                lost.join("; "),
                backups.join("; ")
            ));
        }
    }
    for unanswered in &look.rows.unanswered {
        notes.push(format!("rows in the way were not counted, {unanswered}"));
    }
    if !look.is_tested_engine() {
        notes.push(engine_words(look));
    }
    let encoding = look.place.as_ref().and_then(|place| place.encoding.as_ref());
    if let Some(found) = encoding.and_then(|found| found.charset.as_deref()).filter(|_| look.encoding.charset.is_none())
        && !matches!(found.to_lowercase().as_str(), "utf8" | "utf8mb4")
    {
        notes.push(format!(
            "the database writes text in {found}, tests ran in UTF-8: say `charset = \"{found}\"` of its `server` in `alembic-gate.toml`, \
             then they run as it does"
        ));
    }
    if let Some(done) = done {
        notes.extend(done.ran.waits.iter().cloned());
        notes.extend(done.after.trouble.iter().cloned());
    }
    let place = done.as_ref().map(|done| &done.after).or(look.place.as_ref());
    let strangers = place.and_then(|place| place.likeness.as_ref()).map(|likeness| likeness.strangers.as_slice()).unwrap_or_default();
    if !strangers.is_empty() {
        let some: Vec<&str> = strangers.iter().take(5).map(String::as_str).collect();
        notes.push(format!("{} objects that the chain does not make were left alone: {}", strangers.len(), some.join(", ")));
    }
    notes
}

/// The calls that open the closed gates, the first first.
fn next(tried: &Tried, outcome: Outcome) -> Vec<NextCall> {
    let Tried { migration, look, .. } = tried;
    let call = |name: &str, why: String| {
        let found = tool(name)?;
        Some(NextCall { tool: found.name, args: migration.arguments(found.name), why })
    };
    match outcome {
        Outcome::Refused => {
            let closed = look.gates.iter().filter_map(|(gate, verdict)| match verdict {
                GateVerdict::Closed { next: Next::Tool(tool), missing, .. } => {
                    call(tool, clipped(&format!("{}: {}", gate.name(), missing.join("; ")), 200))
                }
                GateVerdict::Closed { .. } | GateVerdict::Open | GateVerdict::OpenAsOneWayDoor { .. } => None,
            });
            let mut calls: Vec<NextCall> = Vec::new();
            for call in closed {
                if !calls.iter().any(|known| known.tool == call.tool) {
                    calls.push(call);
                }
            }
            calls
        }
        Outcome::Stopped | Outcome::Differs => {
            call("migration_status", "see what stands now, before anything else is tried".to_owned()).into_iter().collect()
        }
        Outcome::WasThere | Outcome::Applied => Vec::new(),
    }
}

fn gate_value(gate: Gate, verdict: &GateVerdict) -> Value {
    match verdict {
        GateVerdict::Open => json!({ "gate": gate.name(), "open": true }),
        GateVerdict::OpenAsOneWayDoor { level, approvers, lost, backups } => {
            json!({ "gate": gate.name(), "open": true, "one_way_door": { "level": level, "approvers": approvers, "lost": lost, "backups": backups } })
        }
        GateVerdict::Closed { reasons, missing, .. } => {
            let reasons: Vec<&str> = reasons.iter().map(|reason| reason.word()).collect();
            json!({ "gate": gate.name(), "open": false, "reasons": reasons, "missing": missing })
        }
    }
}

/// Who has to approve what, where somebody has to.
fn approval_required(tried: &Tried) -> Option<Value> {
    let Tried { migration, look, reasons, .. } = tried;
    if !reasons.iter().any(|reason| matches!(reason, Reason::ApprovalRequired | Reason::BackupUnconfirmed)) {
        return None;
    }
    let now = migration.now.as_ref()?;
    let target = migration.target(&look.environment, None, None);
    let is_door = now.judged.loss >= Loss::Medium && reasons.contains(&Reason::RollbackNotTested);
    let by_loss = target.policy.required(now.judged.loss, target.tier).max(if is_door { Level::L2 } else { Level::L0 });
    let (level, how) = match tried.is_declined {
        // All that people of a higher level had to say is said already.
        true => (Level::L1, "a person says yes where their client asks them".to_owned()),
        false => (
            by_loss,
            format!(
                "a person runs, on a terminal of their own: alembic-gate approve {} --environment {} --backup \"which backup, of when\"",
                migration.id, look.environment
            ),
        ),
    };
    Some(json!({
        "level": level,
        "digest": now.approval_digest().hex(),
        "loss": now.judged.loss.word(),
        "lost": now.judged.lost,
        "how": how,
    }))
}

fn place_value(place: &Place) -> Value {
    json!({
        "revision": place.trouble.is_none().then(|| place.revision()),
        "schema": place.digest.map(|digest| digest.hex()),
        "as_tested": place.likeness.as_ref().map(|likeness| likeness.is_alike()),
        "server": place.server.map(|server| server.to_string()),
    })
}

/// What became of the statements: by number, and each with its text where something went wrong or all is asked for.
fn statements(look: &Look, ran: &Ran, is_full: bool) -> Value {
    let of = |fate: Fate| ran.with(fate);
    let mut value = json!({
        "committed": of(Fate::Committed),
        "taken_back": of(Fate::TakenBack),
        "refused": of(Fate::Refused),
        "unknown": of(Fate::Unknown),
        "not_run": of(Fate::NotRun),
        "seconds": ran.seconds,
        "stopped": ran.stopped.as_ref().map(ToString::to_string),
    });
    if let (Ok(plan), Some(map), true) = (&look.plan, value.as_object_mut(), is_full || ran.stopped.is_some()) {
        let rows: Vec<Value> = plan
            .steps()
            .map(|step| {
                json!({
                    "index": step.number,
                    "revision": step.revision,
                    "file": step.place.as_ref().map(|(file, _)| file),
                    "line": step.place.as_ref().map(|(_, line)| line),
                    "sql": clipped(&crate::secret::redacted(&step.sql), 200),
                    "fate": ran.fates.get(&step.number).map(|fate| fate.word()),
                })
            })
            .collect();
        map.insert("sent".to_owned(), Value::Array(rows));
    }
    value
}

/// Statements of an earlier run that stands half way.
fn applied_already(look: &Look) -> Option<Value> {
    let place = look.place.as_ref()?;
    let (Some(applied), Ok(plan)) = (&place.applied, &look.plan) else { return None };
    let rest: Vec<usize> = plan.steps().map(|step| step.number).filter(|number| !applied.contains(number)).collect();
    Some(json!({ "committed": applied, "not_run": rest }))
}

fn differences(place: Option<&Place>) -> Vec<String> {
    let found = place.and_then(|place| place.likeness.as_ref()).map(|likeness| likeness.differences.as_slice()).unwrap_or_default();
    found.iter().take(MOST_DIFFERENCES).map(|one| clipped(&one.to_string(), 300)).collect()
}

/// The way back from where it stands now, with a revision by name; none where there is no tested one.
fn rollback_command(tried: &Tried, outcome: Outcome) -> Option<String> {
    let Tried { look, .. } = tried;
    let range = look.range.as_ref()?;
    if outcome == Outcome::Refused && tried.reasons.iter().any(|reason| *reason != Reason::ApplyDisabled) {
        return None;
    }
    let is_proven = look.gates.iter().any(|(gate, verdict)| *gate == Gate::RollbackTested && *verdict == GateVerdict::Open);
    match way_back(Trouble::Schema { way_back_is_proven: is_proven, written_is_approved: false }, &range.from) {
        WayBack::Downgrade { command } if !is_base(&range.from) => Some(command.replacen("alembic", &look.alembic, 1)),
        WayBack::Downgrade { .. } | WayBack::Deployment | WayBack::WrittenFirst | WayBack::ByHand => None,
    }
}

/// What a person may run now. While a gate is closed that is the text alone, never the change.
fn commands(tried: &Tried, outcome: Outcome) -> Vec<String> {
    let Tried { look, reasons, .. } = tried;
    let Some(range) = &look.range else { return Vec::new() };
    let alembic = &look.alembic;
    let text = format!("{alembic} upgrade {}:{} --sql", range.from, range.to);
    let may_go = reasons.iter().all(|reason| matches!(reason, Reason::ApplyDisabled | Reason::OnlyByAlembic));
    match outcome {
        Outcome::Refused if may_go => {
            vec![format!("{alembic} current"), text, format!("{alembic} upgrade {}", range.to), format!("{alembic} current")]
        }
        Outcome::Refused => vec![text],
        Outcome::WasThere | Outcome::Stopped | Outcome::Differs | Outcome::Applied => vec![format!("{alembic} current")],
    }
}

/// The checks after an apply: what we saw ourselves, and what is asked for.
fn checks(tried: &Tried, outcome: Outcome) -> Vec<Value> {
    let is_done = match outcome {
        Outcome::Applied | Outcome::Differs | Outcome::WasThere => true,
        Outcome::Refused | Outcome::Stopped => false,
    };
    if !is_done {
        return Vec::new();
    }
    let place = tried.done.as_ref().map(|done| &done.after).or(tried.look.place.as_ref());
    CHECKS
        .iter()
        .map(|check| {
            let answer = match check.name {
                "current" => place.map(|place| place.revision() == ends(&tried.look)),
                "schema_as_tested" => place.map(Place::is_alike),
                _ => None,
            };
            json!({ "check": check.name, "asks": check.asks, "ok": answer })
        })
        .collect()
}

fn text_of(output: &Output) -> String {
    let mut text = format!("{}\n", output.common.summary);
    for gate in &output.gates {
        let name = gate.get("gate").and_then(Value::as_str).unwrap_or_default();
        let is_open = gate.get("open").and_then(Value::as_bool).unwrap_or_default();
        let missing = gate.get("missing").and_then(Value::as_array);
        let why: Vec<&str> = missing.into_iter().flatten().filter_map(Value::as_str).collect();
        let _ = writeln!(
            text,
            "gate {name:<30} {}",
            if is_open { "open".to_owned() } else { format!("closed: {}", clipped(&why.join("; "), 300)) }
        );
    }
    if let Some(approval) = &output.approval_required {
        let _ = writeln!(text, "approval: {}", approval.get("how").and_then(Value::as_str).unwrap_or_default());
    }
    if let Some(mend) = &output.mend {
        let _ = writeln!(text, "do: {mend}");
    }
    let sent = output.statements.as_ref().and_then(|value| value.get("sent")).and_then(Value::as_array);
    for row in sent.into_iter().flatten() {
        let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let _ = writeln!(text, "{:>3} {:<11} {}", row.get("index").map(ToString::to_string).unwrap_or_default(), word("fate"), word("sql"));
    }
    for difference in &output.differences {
        let _ = writeln!(text, "differs: {difference}");
    }
    for command in &output.commands {
        let _ = writeln!(text, "command: {command}");
    }
    if let Some(back) = &output.rollback_command {
        let _ = writeln!(text, "way back: {back}");
    }
    for note in &output.common.notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

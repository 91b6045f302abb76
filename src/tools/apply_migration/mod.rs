//! `apply_migration`: the five gates, asked for one environment as it stands; where all are open, the range is applied.
//!
//! No argument opens anything: the range, the evidence and the environment are looked at anew in each call. What runs is
//! what was judged, from the same answer of the project's Alembic; right before the first statement all of it is rendered
//! and judged once more, and one changed digest stops it.

mod answer;
mod consent;
mod look;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::deploy::{Fate, Limits, News, Ran, Step, Target, run as run_plan};
use crate::lifecycle::gate::Reason;
use crate::lifecycle::ledger::Event;
use crate::store::Happening;
use crate::tools::answer::{Answer, MAX_CHARACTERS, ToolError, clipped};
use crate::tools::call::Call;
use crate::tools::migration::Migration;
use crate::tools::review_sql::Review;
use crate::tools::schema::{output_schema, schema_with_own};
use crate::tools::source::{Detail, SqlInput};
use crate::tools::{Tool, Touches, parsed};

use consent::Consent;
use look::{Look, Place};

/// After a wait as long as this the environment is looked at again.
const LONG_WAIT: std::time::Duration = std::time::Duration::from_secs(2);

/// The tool.
pub const TOOL: Tool = Tool {
    name: "apply_migration",
    title: "Apply a proven migration",
    description: "Applies a reviewed and tested range of revisions to an environment that `alembic-gate.toml` names, or says what is missing. \
Asks the five gates anew (SQL reviewed, rollback tested, loss confirmed and backed up, one concern, safe at target), then runs statement by statement \
with a lock timeout, and says what is committed. A refusal is an answer (`reasons`, `mend`, `next`), no error: do not retry it, open the gate. \
Off unless the server was started with --allow-apply: then it answers with the exact commands. Call it last; never run `alembic upgrade` in its place.",
    touches: Touches::Environment,
    input_schema,
    output_schema: schema,
    call,
};

/// What may be asked. A field's sentence is its help text and its schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// The environment, as `alembic-gate.toml` names it. Example: staging
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The folder with alembic.ini or pyproject.toml. Default: the current folder.
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The ini file, where it is not alembic.ini.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The ini section. Default: alembic.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The revision in front of the range; must be where the environment stands.
    #[arg(long, value_name = "REVISION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last revision of the range. Default: that of the migration, else head.
    #[arg(long, value_name = "REVISION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The migration that is meant, as an earlier answer named it: add_user_email_index-1a2b3c4d
    #[arg(long, value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_id: Option<String>,
    /// The state block of an earlier answer: says which migration is meant; what it claims is checked.
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_block: Option<String>,
    /// How long a statement waits for a lock before it is tried again, 10 to 60000 ms. Default: 3000.
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_timeout_ms: Option<u64>,
    /// How often what gets no lock is tried, 1 to 20. Default: 5.
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_tries: Option<u32>,
    /// How long a statement may run, in milliseconds. Default: as long as it takes.
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_timeout_ms: Option<u64>,
    /// concise (default) or full.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

fn input_schema() -> Value {
    schema_with_own::<Input>(&["from", "to"])
}

fn schema() -> Value {
    output_schema(&[
        ("applied", &["boolean"]),
        ("environment", &["string", "null"]),
        ("reasons", &["array"]),
        ("mend", &["string", "null"]),
        ("gates", &["array"]),
        ("approval_required", &["object", "null"]),
        ("before", &["object", "null"]),
        ("after", &["object", "null"]),
        ("statements", &["object", "null"]),
        ("differences", &["array"]),
        ("rollback_command", &["string", "null"]),
        ("commands", &["array"]),
        ("checks", &["array"]),
    ])
}

fn call(arguments: Value, call: &Call<'_>) -> Answer {
    match parsed::<Input>(TOOL.name, arguments) {
        Ok(input) => run(&input, call, Some(MAX_CHARACTERS)),
        Err(answer) => *answer,
    }
}

/// Runs the tool. `most`: how many characters the answer may have; the command line never cuts.
#[must_use]
pub fn run(input: &Input, call: &Call<'_>, most: Option<usize>) -> Answer {
    match tried(input, call) {
        Ok(tried) => answer::of(&tried, input, most),
        Err(error) => Answer::failed(error),
    }
}

/// What came of a call.
struct Tried {
    migration: Migration,
    look: Look,
    /// Why it is refused; empty where nothing stands in the way.
    reasons: Vec<Reason>,
    /// The person behind the client said no.
    is_declined: bool,
    /// What ran, and what stands afterwards.
    done: Option<Done>,
}

/// A run, and the environment after it.
struct Done {
    ran: Ran,
    after: Place,
}

fn tried(input: &Input, call: &Call<'_>) -> Result<Tried, ToolError> {
    let limits = limits(input)?;
    let asked = asked(input);
    let (mut migration, review) = Migration::found(&asked, call)?;
    let name = input.environment.clone().unwrap_or_default();
    call.say(0, 1, "looking at the environment");
    let mut look = look::look(&migration, &review, &name);
    let mut reasons = look.reasons(&migration, call.settings.allow_apply);
    let mut is_declined = false;
    if reasons.is_empty() && !look.is_there() && is_doubted(&mut look, &migration, &review, call)? {
        reasons.push(Reason::RollbackNotTested);
    }
    if reasons.iter().all(|reason| matches!(reason, Reason::ApplyDisabled | Reason::OnlyByAlembic)) && !look.is_there() {
        call.say(0, 1, "counting rows in the way");
        look.count_rows(&review);
        if !look.rows.found.is_empty() {
            reasons.push(Reason::RowsInTheWay);
        }
    }
    if reasons.is_empty() && !look.is_there() {
        match consent::asked(&mut migration, &look, call) {
            Consent::Given(waited) if waited >= LONG_WAIT => {
                look = look::look(&migration, &review, &name);
                reasons = look.reasons(&migration, call.settings.allow_apply);
            }
            Consent::NotAsked | Consent::Given(_) => {}
            Consent::Refused => {
                is_declined = true;
                reasons.push(Reason::ApprovalRequired);
            }
            Consent::Later => return Err(asked_later()),
        }
    }
    // A file that changes while it is looked at can also make the statements lead elsewhere.
    if reasons.iter().all(|reason| *reason == Reason::OnlyByAlembic) && !look.is_there() {
        call.say(0, 1, "rendering and judging once more");
        let (again, review) = Migration::found(&asked, call)?;
        // One changed byte since the gates were asked, and they are asked anew by the next call.
        let is_same_plan = look.plan.is_err() || look::plan_of(&review) == look.plan;
        if again.now != migration.now || !is_same_plan {
            reasons = vec![Reason::ReviewStale];
        }
    }
    note_asked(&mut migration, &name, &reasons);
    if !reasons.is_empty() || look.is_there() {
        // Where a gate is closed, somebody went around it: that is nothing to confirm.
        confirm(&mut migration, &look, &name, reasons.is_empty() && look.is_as_tested());
        return Ok(Tried { migration, look, reasons, is_declined, done: None });
    }
    let done = apply(&look, &limits, call)?;
    write_down(&mut migration, &look, &name, &done);
    Ok(Tried { migration, look, reasons, is_declined, done: Some(done) })
}

/// A round trip that another process put on record is repeated before anything is sent: true where it says better than it is.
fn is_doubted(look: &mut Look, migration: &Migration, review: &Review, call: &Call<'_>) -> Result<bool, ToolError> {
    let Some(ranged) = &review.asked.ranged else { return Ok(false) };
    let doubts = migration.doubts(&ranged.workshop, call)?;
    look.troubles.extend(doubts.iter().map(|doubt| format!("repeated just now, {doubt}: call `test_rollback`")));
    Ok(!doubts.is_empty())
}

/// Dropped by the server, which asks in its place.
fn asked_later() -> ToolError {
    ToolError {
        code: "asked",
        message: "the person behind the client is asked first".to_owned(),
        at: None,
        hint: "call again with what they reply".to_owned(),
        retry: true,
    }
}

/// The question that a review of the same range answers.
fn asked(input: &Input) -> SqlInput {
    SqlInput {
        project: input.project.clone(),
        config: input.config.clone(),
        section: input.section.clone(),
        from: input.from.clone(),
        to: input.to.clone(),
        migration_id: input.migration_id.clone(),
        state_block: input.state_block.clone(),
        ..SqlInput::default()
    }
}

fn limits(input: &Input) -> Result<Limits, ToolError> {
    let refused = |at: &str, message: String| ToolError {
        code: "bad_arguments",
        message,
        at: Some(at.to_owned()),
        hint: "leave it out, or give a number in these bounds".to_owned(),
        retry: false,
    };
    let mut limits = Limits::default();
    if let Some(lock_ms) = input.lock_timeout_ms {
        if !(10..=60_000).contains(&lock_ms) {
            return Err(refused("lock_timeout_ms", format!("`lock_timeout_ms` is {lock_ms}; it takes 10 to 60000")));
        }
        limits.lock = std::time::Duration::from_millis(lock_ms);
    }
    if let Some(tries) = input.lock_tries {
        if !(1..=20).contains(&tries) {
            return Err(refused("lock_tries", format!("`lock_tries` is {tries}; it takes 1 to 20")));
        }
        limits.tries = tries;
    }
    if let Some(statement_ms) = input.statement_timeout_ms {
        if statement_ms < 10 {
            return Err(refused("statement_timeout_ms", format!("`statement_timeout_ms` is {statement_ms}; it takes 10 and more")));
        }
        limits.statement = Some(std::time::Duration::from_millis(statement_ms));
    }
    Ok(limits)
}

/// Writes down that it was asked and what was answered, unless that is the last line already.
fn note_asked(migration: &mut Migration, environment: &str, reasons: &[Reason]) {
    let Some(now) = &migration.now else { return };
    let event = Event::ApplyAsked { environment: environment.to_owned(), digest: now.approval_digest(), reasons: reasons.to_vec() };
    let is_last = migration.record.proven.entries().last().is_some_and(|(entry, _)| entry.event == event);
    if !is_last || reasons.is_empty() {
        migration.add(&[Happening::Event(event)]);
    }
}

/// Writes down that the environment was seen at the target with the tested schema, once.
fn confirm(migration: &mut Migration, look: &Look, environment: &str, is_seen: bool) {
    let (Some(now), Some(range)) = (&migration.now, &look.range) else { return };
    let event = Event::Confirmed { environment: environment.to_owned(), files: now.subject.revision_files, revision: range.to.clone() };
    let is_known = migration.record.proven.sealed().any(|entry| entry.event == event);
    if is_seen && !is_known {
        migration.add(&[Happening::Event(event)]);
    }
}

/// Tells the caller how far it is, and stops when nobody waits any more.
struct Telling<'a, 'b> {
    call: &'a Call<'b>,
    total: u32,
}

impl News for Telling<'_, '_> {
    fn before(&mut self, step: &Step) -> bool {
        let done = u32::try_from(step.number).unwrap_or(u32::MAX).saturating_sub(1);
        self.call.say(done, self.total, format!("statement {} of {} ({})", step.number, self.total, step.revision));
        !self.call.is_cancelled()
    }

    fn waits(&mut self, words: &str) -> bool {
        self.call.say(0, self.total, words);
        !self.call.is_cancelled()
    }
}

fn apply(look: &Look, limits: &Limits, call: &Call<'_>) -> Result<Done, ToolError> {
    let (Ok(plan), Some(target), Some(place)) = (&look.plan, &look.target, &look.place) else {
        // Without them a gate is closed, and nobody comes here.
        return Err(look::unreachable("the environment was not looked at"));
    };
    let mut connection = target.connect().map_err(|error| look::failed(&error))?;
    let total = u32::try_from(plan.steps().count()).unwrap_or(u32::MAX);
    let ran = run_plan(&mut connection, plan, &place.versions, limits, &mut Telling { call, total });
    drop(connection);
    let after = seen_after(look, target, &ran);
    Ok(Done { ran, after })
}

/// Looks at the environment with a connection of its own; a server that comes back gets a moment for it.
fn seen_after(look: &Look, target: &Target, ran: &Ran) -> Place {
    let mut place = look.again(target);
    for pause_ms in [200, 800, 2_000] {
        if place.trouble.is_none() || ran.stopped.is_none() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        place = look.again(target);
    }
    place
}

/// Writes down what changed in the environment, and whether it is what was tested.
fn write_down(migration: &mut Migration, look: &Look, environment: &str, done: &Done) {
    let (Some(now), Some(range)) = (migration.now.clone(), &look.range) else { return };
    let before = look.place.as_ref().map(Place::revision).unwrap_or_default();
    let is_known = done.after.trouble.is_none();
    let after = if is_known { done.after.revision() } else { "unknown".to_owned() };
    let changed = !done.ran.left_nothing() && (!is_known || after != before || !done.ran.with(Fate::Committed).is_empty());
    let mut happened = Vec::new();
    if let Some(stopped) = &done.ran.stopped {
        let mut standing = done.ran.with(Fate::Committed);
        standing.extend(done.ran.with(Fate::Unknown));
        standing.sort_unstable();
        happened.push(Happening::Event(Event::ApplyStopped {
            environment: environment.to_owned(),
            files: now.subject.revision_files,
            because: clipped(&stopped.to_string(), 300),
            standing,
        }));
    }
    if !changed {
        migration.add(&happened);
        return;
    }
    let reaches = is_known && after == range.to;
    let lost = if reaches { now.judged.lost.clone() } else { Vec::new() };
    let files = now.subject.revision_files;
    let applied = Event::Applied { environment: environment.to_owned(), files, before, after, lost };
    happened.insert(0, Happening::Event(applied));
    migration.add(&happened);
    confirm(migration, look, environment, reaches && done.after.is_alike());
}

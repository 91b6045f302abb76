//! `test_rollback`: up, down and up again with rows on a scratch database: proof that schema and data come back.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bridge::Fences;
use crate::dialect::{Dialect, Production};
use crate::lifecycle::evidence::{Outcome, Rerun};
use crate::recovery::deployed::compatibility;
use crate::recovery::manual::{self, ManualRollback};
use crate::recovery::{Break, Compatibility};
use crate::snapshot::Difference;
use crate::sql::script;
use crate::store::Happening;
use crate::tools::answer::{Answer, Common, MAX_CHARACTERS, MAX_SUMMARY, NextCall, ToolError, Verdict, clipped, counted};
use crate::tools::call::{Call, Progress};
use crate::tools::migration::Migration;
use crate::tools::migration::now::{files_digest, production as production_of};
use crate::tools::migration::replayed;
use crate::tools::migration::tested::round_trip;
use crate::tools::migration::view::with_block;
use crate::tools::migration::written::shown;
use crate::tools::schema::{output_schema, portable_schema};
use crate::tools::source::{self, SqlInput, trial_failed};
use crate::tools::{Tool, Touches, code_in_use, parsed, rollback_place};
use crate::trace::Seen;
use crate::trial::{
    ALLOWANCE, Engine, Failure, Lost, Parity, ROWS, SchemaDigests, Scripts, Step, Trial, Trip, Wishes, parity, try_range, try_scripts,
};
use crate::workshop::Workshop;
use crate::workshop::range::Range;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "test_rollback",
    title: "Prove the way back with rows",
    description: "Proves that a migration can be taken back: runs each revision up, down and up again on a scratch database that it makes (never on the configured one), with rows, \
and compares schema object by object and every value. Says what did not come back (enum types, grants, values), what fails with file and line, and whether the upgrade may run twice. \
Call it after review_sql and before any apply; never try a downgrade on the configured database instead. \
Give `from`/`to` for a range of the project, or `sql` with `downgrade_sql` (and `setup_sql`).",
    touches: Touches::Scratch,
    input_schema,
    output_schema: schema,
    call,
};

/// What may be asked. A field's sentence is its help text and its schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// Raw SQL instead of revisions, as `psql -f` would run it.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The way back of `sql`.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downgrade_sql: Option<String>,
    /// The schema before `sql`.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_sql: Option<String>,
    /// The project's folder. Default: the current one.
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The ini file. Default: alembic.ini.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The ini section. Default: alembic.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The revision in front of the range. Default: where what is pending begins.
    #[arg(long, value_name = "REVISION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last revision of the range. Default: head.
    #[arg(long, value_name = "REVISION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The migration that is meant, as an earlier answer named it: add_user_email_index-1a2b3c4d
    #[arg(long, value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_id: Option<String>,
    /// The state block of an earlier answer; what it claims is checked.
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_block: Option<String>,
    /// The dialect. Default: what the project says.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// The server's version, for example "16": the nearest to be had is taken.
    #[arg(long, value_name = "VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// Made-up rows for each empty table, up to 10000. Default: 100.
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// SQL run where the range begins: rows of yours.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed_sql: Option<String>,
    /// SQL run behind the last revision's first upgrade: rows of the new release.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed_after_upgrade_sql: Option<String>,
    /// Production: {"dialect": "mariadb", "version": "11.8", "charset": "latin1"}. Default: as configured.
    #[arg(long, value_parser = production, value_name = "JSON")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production: Option<Production>,
    /// `scratch` (default) or a `[dev_servers.NAME]`, in databases of our own.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Seconds for all, 1 to 3600. Default: 600.
    #[arg(long, value_name = "S")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// For one statement. Default: 120.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_timeout_s: Option<u32>,
    /// For one wait for a lock. Default: 10.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_timeout_s: Option<u32>,
    /// Environments that have it: drafts a way back by hand.
    #[arg(long, value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applied_on: Vec<String>,
    /// The git commit that runs now, e.g. `origin/main`: its classes are tried before and after.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployed: Option<String>,
    /// concise (default) or full.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<source::Detail>,
}

fn production(given: &str) -> Result<Production, String> {
    serde_json::from_str(given)
        .map_err(|error| format!(r#"{error}; for example '{{"dialect": "postgresql", "version": "16", "charset": "UTF8"}}'"#))
}

const MOST_ROWS: u32 = 10_000;

fn input_schema() -> Value {
    portable_schema::<Input>()
}

fn schema() -> Value {
    output_schema(&[
        ("rollback_tested", &["boolean"]),
        ("outcome", &["string"]),
        ("outcomes", &["array"]),
        ("engine", &["object"]),
        ("parity", &["object"]),
        ("fences", &["object"]),
        ("steps", &["array"]),
        ("schema", &["object"]),
        ("schema_diff", &["array"]),
        ("data_diff", &["array"]),
        ("rows", &["array"]),
        ("locks", &["array"]),
        ("rerun", &["object"]),
        ("failure", &["object", "null"]),
        ("patch", &["string", "null"]),
        ("patch_why", &["string"]),
        ("recovery", &["string", "null"]),
        ("manual_rollback", &["object"]),
        ("deployed", &["object"]),
        ("report_uri", &["string", "null"]),
    ])
}

fn call(arguments: Value, call: &Call<'_>) -> Answer {
    match parsed::<Input>(TOOL.name, arguments) {
        Ok(input) => run(&input, call, Some(MAX_CHARACTERS)),
        Err(answer) => *answer,
    }
}

#[derive(Serialize)]
struct OutcomeOf<'a> {
    revision: &'a str,
    outcome: &'static str,
    left_dirty: bool,
    why: &'a str,
}

#[derive(Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    common: Common,
    rollback_tested: bool,
    outcome: &'static str,
    outcomes: Vec<OutcomeOf<'a>>,
    engine: &'a Engine,
    parity: &'a Parity,
    fences: &'a Fences,
    range: Value,
    steps: Vec<&'a Step>,
    schema: SchemaDigests,
    schema_diff: Vec<Value>,
    data_diff: Vec<Value>,
    rows: Vec<Value>,
    locks: Vec<Value>,
    rerun: Value,
    failure: Option<&'a Failure>,
    patch: Option<&'a str>,
    patch_why: &'a str,
    recovery: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manual_rollback: Option<&'a ManualRollback>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployed: Option<&'a Compatibility>,
    report_uri: Option<String>,
}

/// Runs the tool. `most`: how many characters the answer may have; the command line never cuts.
#[must_use]
pub fn run(input: &Input, call: &Call<'_>, most: Option<usize>) -> Answer {
    match tried(input, call) {
        Ok(tried) => answer(&tried, most),
        Err(error) => Answer::failed(rollback_place::with_static_verdict(error, input, call)),
    }
}

/// A trial with what it was about.
struct Tried {
    trial: Trial,
    range: Option<Range>,
    migration: Option<Migration>,
    parity: Parity,
    assumed: Vec<String>,
    /// The way back by hand, where it is applied somewhere and its downgrade does not lead back.
    manual: Option<ManualRollback>,
    manual_notes: Vec<String>,
    /// What the code of the commit that runs now is to both sides; none where none was named.
    deployed: Option<Compatibility>,
}

/// Drafts the way back by hand, into the record's folder.
fn by_hand(
    input: &Input,
    workshop: &crate::workshop::Workshop,
    range: &Range,
    migration: &Migration,
    outcome: Outcome,
    why: &str,
) -> Result<Option<ManualRollback>, String> {
    if input.applied_on.is_empty() || outcome.leads_back() || outcome == Outcome::UpgradeFails {
        return Ok(None);
    }
    let mut drafted = manual::draft(workshop, range, &input.applied_on, why)
        .map_err(|error| format!("no way back by hand was drafted: {error}. {}", error.hint()))?;
    if let Err(error) = drafted.write(&workshop.workspace.folder, migration.id.as_str(), range) {
        drafted.mind.push(format!("the document could not be written: {error}"));
    }
    if let Some(written) = migration.written_way_back() {
        let environments: Vec<String> = written.approvals.iter().map(|one| one.environment.clone()).collect();
        drafted.approved(written.approvals.iter().map(shown).collect(), &environments);
    }
    Ok(Some(drafted))
}

fn tried(input: &Input, call: &Call<'_>) -> Result<Tried, ToolError> {
    let rows = input.rows.unwrap_or(ROWS);
    if rows > MOST_ROWS {
        return Err(ToolError {
            code: "bad_arguments",
            message: format!("`rows` is {rows}; at most {MOST_ROWS} rows are made for a table"),
            at: Some("rows".to_owned()),
            hint: "give rows of your own with `seed_sql` where more are needed".to_owned(),
            retry: false,
        });
    }
    let wishes = Wishes {
        rows,
        seed_sql: input.seed_sql.clone(),
        seed_after_upgrade_sql: input.seed_after_upgrade_sql.clone(),
        limits: rollback_place::limits(input)?,
    };
    let call = &Call { limits: wishes.limits, ..*call };
    match &input.sql {
        Some(sql) => of_sql(sql, input, &wishes, call),
        None => of_range(input, &wishes, call),
    }
}

fn of_sql(sql: &str, input: &Input, wishes: &Wishes, call: &Call<'_>) -> Result<Tried, ToolError> {
    let mut assumed = Vec::new();
    let asked = SqlInput { dialect: input.dialect, server_version: input.server_version.clone(), ..SqlInput::default() };
    let server = source::server(&asked, &mut assumed)?;
    let up = script::read(sql.to_owned(), server);
    let down = input.downgrade_sql.as_ref().map(|text| script::read(text.clone(), server));
    let own_section = up.statements.iter().any(|statement| statement.direction == crate::sql::split::Direction::Down);
    let scripts = Scripts { setup: input.setup_sql.as_deref(), up: &up, down: down.as_ref().or(own_section.then_some(&up)) };
    let dev_server = rollback_place::of_sql(input, call)?;
    let encoding = input.production.as_ref().map(Production::encoding).unwrap_or_default();
    let trial =
        try_scripts(&scripts, server, (dev_server.as_ref(), encoding), wishes, call.cancelled).map_err(|error| trial_failed(&error))?;
    let parity = parity(input.production.as_ref(), &trial.engine);
    Ok(Tried { trial, range: None, migration: None, parity, assumed, manual: None, manual_notes: Vec::new(), deployed: None })
}

fn of_range(input: &Input, wishes: &Wishes, call: &Call<'_>) -> Result<Tried, ToolError> {
    let asked = SqlInput {
        project: input.project.clone(),
        config: input.config.clone(),
        section: input.section.clone(),
        from: input.from.clone(),
        to: input.to.clone(),
        dialect: input.dialect,
        server_version: input.server_version.clone(),
        migration_id: input.migration_id.clone(),
        state_block: input.state_block.clone(),
        ..SqlInput::default()
    };
    let (mut migration, mut workshop) = Migration::found_for(&asked, input.production.clone(), call)?;
    let Some(range) = migration.range.clone() else { return Err(no_range()) };
    workshop.dev_server = rollback_place::dev_server(input.database.as_deref(), &workshop.config)?;
    let news = |done: usize, total: usize, message: &str| {
        (call.progress)(Progress { done: done as u32, total: total as u32, message: message.to_owned() });
    };
    let wanted = production_of(&workshop.config, &migration.kept.wishes);
    workshop.encoding = wanted.as_ref().map(Production::encoding).unwrap_or_default();
    let trial = try_range(&workshop, &range, wishes, &news, call.cancelled).map_err(|error| trial_failed(&error))?;
    let parity = parity(wanted.as_ref(), &trial.engine);
    if let Some(said) = input.production.as_ref().filter(|said| wanted.as_ref() != Some(*said)) {
        let said = format!("{} {}", said.dialect.word(), said.version.clone().unwrap_or_default());
        migration.record.notes.push(format!("`production` says {}; what `alembic-gate.toml` declares counts", said.trim()));
    }
    keep(&mut migration, &workshop, &range, &trial, &parity);
    let deployed = match &input.deployed {
        Some(commit) => Some(compatibility(&workshop, &range, commit).map_err(|error| code_in_use::refused(&error))?),
        None => None,
    };
    let why = trial.trips.iter().min_by_key(|trip| trip.outcome).map(|trip| trip.why.clone()).unwrap_or_default();
    let (manual, manual_notes) = match by_hand(input, &workshop, &range, &migration, trial.outcome(), &why) {
        Ok(manual) => (manual, Vec::new()),
        Err(note) => (None, vec![note]),
    };
    Ok(Tried { trial, range: Some(range), migration: Some(migration), parity, assumed: workshop.assumed, manual, manual_notes, deployed })
}

fn no_range() -> ToolError {
    ToolError {
        code: "no_revision",
        message: "there is no revision to test".to_owned(),
        at: None,
        hint: "call `generate_migration` first".to_owned(),
        retry: false,
    }
}

/// Writes the round trip down, if what was tried is what stands.
fn keep(migration: &mut Migration, workshop: &Workshop, range: &Range, trial: &Trial, parity: &Parity) {
    let Some(now) = migration.now.clone() else { return };
    if files_digest(&workshop.workspace, range) != now.subject.revision_files {
        migration.record.notes.push("a revision file changed while it was tested: no evidence is kept; test again".to_owned());
        return;
    }
    let mut notes = trial.notes.clone();
    notes.extend(coverage(trial));
    let trip = round_trip(trial, range, &now, (parity.ok != Some(false), &parity.why), &notes);
    migration.add(&[Happening::Tested(Box::new(trip))]);
    if let Some((kept, _)) = migration.record.proven.trips().last() {
        replayed::witness(kept);
    }
}

fn answer(tried: &Tried, most: Option<usize>) -> Answer {
    let Tried { trial, range, migration, parity, assumed, manual, manual_notes, deployed } = tried;
    let outcome = trial.outcome();
    let unproven = if outcome.leads_back() { unproven(trial, migration.as_ref()) } else { None };
    let proven = outcome.leads_back() && parity.ok != Some(false) && unproven.is_none();
    let verdict = match (outcome.leads_back(), proven) {
        (true, true) if trial.second_run.rerun == Rerun::Unsafe => Verdict::Warn,
        (true, true) => Verdict::Pass,
        (true, false) if parity.ok != Some(false) => Verdict::Warn,
        (true, false) => Verdict::Blocked,
        (false, _) => Verdict::Failed,
    };
    let breaks: Vec<&Break> = deployed.iter().flat_map(|found| found.breaks.iter().chain(&found.breaks_after_downgrade)).collect();
    let verdict = if breaks.is_empty() { verdict } else { verdict.max(Verdict::Blocked) };
    let mut ordered: Vec<&Trip> = trial.trips.iter().collect();
    ordered.sort_by_key(|trip| trip.outcome);
    let mut outcomes: Vec<OutcomeOf<'_>> = trial
        .untried
        .iter()
        .map(|(revision, why)| OutcomeOf { revision, outcome: Outcome::UpgradeFails.word(), left_dirty: false, why })
        .collect();
    outcomes.splice(
        0..0,
        ordered.iter().map(|trip| OutcomeOf {
            revision: &trip.revision,
            outcome: trip.outcome.word(),
            left_dirty: trip.left_dirty,
            why: &trip.why,
        }),
    );
    let worst = ordered.first();
    let failure = worst.and_then(|trip| trip.failure.as_ref());
    let summary = summary(trial, verdict, outcome, parity);
    let mut notes = trial.notes.clone();
    notes.extend(coverage(trial));
    notes.extend(made_up_and_refused(trial));
    notes.extend(unproven.map(|why| format!("the schema comes back, of data nothing is proven: {why}")));
    notes.extend(trial.trace.mismatches.iter().take(5).map(|words| format!("observed otherwise than `classify_risk` foretells: {words}")));
    if trial.engine.dialect != Dialect::Postgresql.word() {
        notes.push(format!("locks are observed on PostgreSQL only: `classify_risk` says them for {}", trial.engine.dialect));
    }
    notes.extend(manual_notes.iter().cloned());
    notes.extend(deployed.iter().flat_map(|found| found.notes.iter().cloned()));
    if let Some(first) = breaks.first() {
        let column = first.column.as_ref().map(|column| format!(".{column}")).unwrap_or_default();
        notes.push(format!(
            "code that worked before fails: {}, the first {} by `{}` on `{}{column}` (`deployed`)",
            counted(breaks.len(), "statement"),
            first.statement,
            first.class,
            first.table
        ));
    }
    if let Some(ManualRollback { file: Some(file), environments, approval_required, approved_by, .. }) = manual {
        let where_it_is = environments.join(", ");
        let approval = match approval_required {
            true => "to be approved before anything of it is run".to_owned(),
            false => format!("approved by {}", approved_by.join(", ")),
        };
        notes
            .push(format!("applied on {where_it_is} already: going back may need SQL by hand; it is written down in `{file}`, {approval}"));
    }
    let digests = SchemaDigests {
        before: trial.trips.first().and_then(|trip| trip.schema.before.clone()),
        after_upgrade: trial.trips.last().and_then(|trip| trip.schema.after_upgrade.clone()),
        after_downgrade: trial.trips.first().and_then(|trip| trip.schema.after_downgrade.clone()),
        after_reupgrade: trial.trips.last().and_then(|trip| trip.schema.after_reupgrade.clone()),
    };
    let next = match failure {
        Some(_) => vec![NextCall {
            tool: "search_knowledge",
            args: json!({ "query": failure.map(|failure| clipped(&failure.message, 200)) }),
            why: "what this error means and what to do".to_owned(),
        }],
        None => Vec::new(),
    };
    let (locks, untold) = told_locks(&trial.trace.seen, most);
    notes.extend(untold);
    let text = text_of(trial, &summary, &notes, &outcomes, parity);
    let mut output = Output {
        common: Common {
            verdict,
            summary,
            state: None,
            state_block: None,
            state_overrides: Vec::new(),
            next,
            assumed: assumed.clone(),
            notes,
            suggested_queries: vec![outcome.word().replace('_', " ")].into_iter().filter(|_| verdict == Verdict::Failed).collect(),
            truncated: None,
        },
        rollback_tested: proven,
        outcome: outcome.word(),
        outcomes,
        engine: &trial.engine,
        parity,
        fences: &trial.fences,
        range: match range {
            Some(range) => json!({ "from": range.from, "to": range.to, "revisions": range.revisions }),
            None => json!({ "from": null, "to": null }),
        },
        steps: trial.trips.iter().flat_map(|trip| &trip.steps).collect(),
        schema: digests,
        schema_diff: trial.trips.iter().flat_map(|trip| trip.schema_diff.iter().map(|one| schema_value(&trip.revision, one))).collect(),
        data_diff: trial.trips.iter().flat_map(|trip| trip.data_diff.iter().map(|one| data_value(&trip.revision, one))).collect(),
        rows: trial
            .filled
            .iter()
            .map(|filled| json!({ "table": filled.table, "wanted": filled.wanted, "written": filled.written, "why": filled.why }))
            .collect(),
        locks,
        rerun: json!({ "ok": rerun_ok(trial.second_run.rerun), "why": trial.second_run.why }),
        failure,
        patch: trial.mend.patch.as_deref(),
        patch_why: &trial.mend.why,
        recovery: recovery(outcome, trial),
        manual_rollback: manual.as_ref(),
        deployed: deployed.as_ref(),
        report_uri: migration.as_ref().map(|migration| migration.report_uri("rollback.md")),
    };
    if let Some(migration) = migration {
        migration.show(&mut output.common, None, None);
    }
    let text = with_block(&text, &output.common, most);
    Answer::of(&output, verdict, text).within(most)
}

/// What was seen of locks. Of many statements an answer over MCP leaves out a lock that an earlier statement of the same
/// transaction holds, where nothing was done under it, and what says nothing; the command line prints all.
fn told_locks(seen: &[Seen], most: Option<usize>) -> (Vec<Value>, Option<String>) {
    const FEW: usize = 12;
    const MANY: usize = 40;
    let value = |one: &Seen| serde_json::to_value(one).unwrap_or_default();
    if most.is_none() || seen.len() <= FEW {
        return (seen.iter().map(value).collect(), None);
    }
    let says = |one: &&Seen| one.held_since.is_none() || one.rewrote || one.scanned || one.rows_changed > 0;
    let short = |one: &Seen| {
        let mut value = value(one);
        if let Some(map) = value.as_object_mut() {
            map.retain(|key, value| !matches!(key.as_str(), "file" | "held_until") && !(key.starts_with("rows_") && *value == json!(0)));
        }
        value
    };
    let told: Vec<Value> = seen.iter().filter(says).take(MANY).map(short).collect();
    let left = seen.len() - told.len();
    let note = (left > 0).then(|| {
        format!(
            "{} of {} not shown: held since an earlier statement with nothing done; the command line prints all",
            left,
            counted(seen.len(), "lock")
        )
    });
    (told, note)
}

/// An upgrade that made-up rows stopped: whether there are such rows only its author knows.
fn made_up_and_refused(trial: &Trial) -> Option<String> {
    let (table, failure) = trial.trips.iter().find_map(|trip| trip.refused.as_ref().zip(trip.failure.as_ref()))?;
    let beside = match (&failure.file, failure.line) {
        (Some(file), Some(line)) => format!("above {file}:{line} `# alembic-gate: allow {ALLOWANCE} because …`"),
        _ => format!("above it `-- alembic-gate: allow {ALLOWANCE} because …`"),
    };
    Some(format!(
        "the rows of `{table}` are made up, with NULLs, duplicates and values at the border on purpose: rows like them stop this upgrade. Ask \
         the real table; where it has none such, say so {beside}, and rows that fit are taken; or test with rows of yours (`seed_sql`, or \
         `seed` in `[project] hook`)"
    ))
}

/// Why a trip that leads back opens no gate: its rows, or the rows of an earlier one on record.
fn unproven(trial: &Trial, migration: Option<&Migration>) -> Option<String> {
    trial.rows_tried().prove_nothing().or_else(|| migration.and_then(Migration::rows_prove_nothing))
}

fn rerun_ok(rerun: Rerun) -> Option<bool> {
    match rerun {
        Rerun::NoOp | Rerun::ClearError => Some(true),
        Rerun::Unsafe => Some(false),
        Rerun::NotTried => None,
    }
}

fn schema_value(revision: &str, one: &Difference) -> Value {
    let mut value = serde_json::to_value(one).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("revision".to_owned(), revision.into());
    }
    value
}

fn data_value(revision: &str, one: &Lost) -> Value {
    let mut value = serde_json::to_value(one).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("revision".to_owned(), revision.into());
    }
    value
}

fn summary(trial: &Trial, verdict: Verdict, outcome: Outcome, parity: &Parity) -> String {
    let revisions = counted(trial.trips.len(), "revision");
    let on = format!("{} {}", trial.engine.dialect, trial.engine.version);
    let worst = trial.trips.iter().min_by_key(|trip| trip.outcome);
    let mut text = match (outcome, worst) {
        (Outcome::Ok, _) => {
            let fitted = if trial.trips.iter().any(|trip| trip.is_fitted) { ", with rows that fit" } else { "" };
            format!("{}: {revisions} up, down and up again on {on}{fitted}: schema and rows come back", verdict.word())
        }
        (_, Some(trip)) => format!("{}: {}: {} ({on})", outcome.word(), trip.revision, trip.why),
        (_, None) => format!("{}: nothing could be tried", outcome.word()),
    };
    if parity.ok == Some(false) {
        let _ = write!(text, "; not proven for production: {}", parity.why);
    }
    if let Some(part) = trial.filled.iter().find(|filled| filled.written < filled.wanted) {
        let _ = write!(text, "; rows: {} {}/{}", part.table, part.written, part.wanted);
    }
    clipped(&text, MAX_SUMMARY)
}

/// Tables that could not be filled wholly, in words.
fn coverage(trial: &Trial) -> Vec<String> {
    let full = trial.filled.iter().filter(|filled| filled.written >= filled.wanted).count();
    let mut notes = Vec::new();
    if trial.filled.len() > full {
        notes.push(format!("{full} of {} tables filled", trial.filled.len()));
    }
    let short = trial.filled.iter().filter(|filled| filled.written < filled.wanted).take(5);
    notes.extend(short.map(|filled| {
        let why = filled.why.as_ref().map(|why| format!(": {}", clipped(why, 160))).unwrap_or_default();
        format!("`{}` has {} of {} rows{why}", filled.table, filled.written, filled.wanted)
    }));
    notes
}

fn recovery(outcome: Outcome, trial: &Trial) -> Option<String> {
    let mut lost = trial.trips.iter().flat_map(|trip| &trip.data_diff).map(|lost| &lost.difference).peekable();
    let only_left = lost.peek().is_some() && lost.all(|one| one.lost == 0 && one.left_over > 0);
    let text = match outcome {
        Outcome::Ok | Outcome::OrderChanged => return None,
        Outcome::UpgradeFails if trial.trips.iter().any(|trip| trip.failure.as_ref().is_some_and(|one| !one.dependents.is_empty())) => {
            "mend upgrade(): what `dependents` names stands in its way, drop it in front, and make it again in downgrade()"
        }
        Outcome::UpgradeFails => "mend upgrade(): as it is it cannot be applied to a database with rows",
        Outcome::DowngradeFails => "downgrade_failed",
        Outcome::ReupgradeFails | Outcome::SecondUpgradeDiffers => {
            "let downgrade() remove all that upgrade() makes (types, sequences, functions), then test again"
        }
        Outcome::NoDowngrade => "write downgrade(), or treat it as a one-way door: a named backup and an approval",
        Outcome::DeclaredIrreversible => "a one-way door: it needs an approval that names what is lost, and a backup",
        Outcome::NotRestored => "let downgrade() put back what `schema_diff` lists, then test again",
        Outcome::DataLost if only_left => {
            "nothing is lost: rows came that the revision does not write by its own words, so a trigger behind its writes did. Take them out again in downgrade(), keep the trigger still meanwhile, or have them approved"
        }
        Outcome::DataLost => {
            "keep the values (copy them aside in upgrade(), bring them back in downgrade()), or have the loss approved with a backup"
        }
    };
    Some(text.to_owned())
}

fn text_of(trial: &Trial, summary: &str, notes: &[String], outcomes: &[OutcomeOf<'_>], parity: &Parity) -> String {
    let mut text = format!("{summary}\n\n");
    for outcome in outcomes {
        let dirty = if outcome.left_dirty { " (left dirty)" } else { "" };
        let _ = writeln!(text, "{:<24} {}{dirty}  {}", outcome.outcome, outcome.revision, outcome.why);
    }
    let mut by_revision: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in trial.trips.iter().flat_map(|trip| &trip.steps) {
        by_revision.entry(&step.revision).or_default().push(step);
    }
    for failure in trial.trips.iter().filter_map(|trip| trip.failure.as_ref()) {
        let place = failure.file.as_ref().map(|file| format!("{file}:{}", failure.line.unwrap_or(0))).unwrap_or_default();
        let _ = writeln!(text, "\n{} of {} fails {place}\n{}", failure.direction, failure.revision, failure.message);
        if let Some(sql) = &failure.sql {
            let _ = writeln!(text, "  statement: {}", clipped(sql, 300));
        }
        for dependent in &failure.dependents {
            let _ = writeln!(text, "  depends on it: {dependent}");
        }
    }
    if !trial.mend.why.is_empty() {
        let _ = writeln!(text, "\npatch: {}", trial.mend.why);
    }
    if let Some(patch) = &trial.mend.patch {
        let _ = writeln!(text, "{patch}");
    }
    let _ = writeln!(text, "\nrerun: {}", trial.second_run.why);
    let _ = writeln!(text, "parity: {}", parity.why);
    let _ = writeln!(text, "engine: {} {} ({})", trial.engine.dialect, trial.engine.version, trial.engine.made_by);
    if !trial.fences.active.is_empty() {
        let _ = writeln!(text, "fences: {}", trial.fences.active.join(", "));
    }
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

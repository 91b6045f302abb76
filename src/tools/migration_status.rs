//! `migration_status`: the chain, its heads, where a database stands, what differs between models and chain, what next.

mod after;
mod open;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bridge::Difference;
use crate::database::url;
use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::judge::judge_project;
use crate::lifecycle::approval::Tier;
use crate::lifecycle::ledger::Event;
use crate::recovery::{Item, Real, Trouble};
use crate::risk::TableSizes;
use crate::store::{Happening, Kept};
use crate::tools::answer::{Answer, Common, MAX_CHARACTERS, MAX_SUMMARY, NextCall, ToolError, Verdict, clipped, counted};
use crate::tools::call::Call;
use crate::tools::drift::{Known, of_models};
use crate::tools::migration::Migration;
use crate::tools::migration::claim::Claim;
use crate::tools::migration::named::on_record;
use crate::tools::migration::record::Record;
use crate::tools::migration::view::with_block;
use crate::tools::migration_status::open::{Open, Seen};
use crate::tools::project_input::ProjectInput;
use crate::tools::schema::{output_schema, schema_with_own};
use crate::tools::source::{Detail, SqlInput, counting};
use crate::tools::{Tool, Touches, parsed};
use crate::workshop::Workshop;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "migration_status",
    title: "Where the migrations stand",
    description: "Tells where a project's migrations stand: the chain with its heads (several heads, duplicate ids, missing parents, empty downgrades named with file and line), \
the revision of an environment whose read-only URL is configured, drift between models and chain with its likely cause, open migrations, and the next call. \
Call it first, before generating anything, and whenever you lost track. Instead of `alembic current`, `history`, `heads` and `check`. Never writes to a configured database.",
    touches: Touches::OwnRecord,
    input_schema,
    output_schema: schema,
    call,
};

/// What may be asked. A field's sentence is its help text and its schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
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
    /// The dialect. Default: what the project says.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// The server's version, for example "16".
    #[arg(long, value_name = "VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// An environment of alembic-gate.toml whose `read_url_env` is set. Default: the only one that has it.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The migration that is meant, as an earlier answer named it. Default: the open one.
    #[arg(long, value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_id: Option<String>,
    /// The state block of an earlier answer: what it claims is checked.
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_block: Option<String>,
    /// Answers to the checks after an apply: {"app_starts": "yes, 14:02"}
    #[arg(long, value_parser = after::answers, value_name = "JSON")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeMap<String, String>>,
    /// What is wrong after an apply, application or schema: `way_back` says what to do.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<after::Fault>,
    /// A revision that is given up: `may_delete` says whether its file may go.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abandoned: Option<String>,
    /// Record the present drift as known: only new differences count from then on.
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub record_drift: bool,
    /// concise (default) or full.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

fn input_schema() -> Value {
    schema_with_own::<Input>(&["environment"])
}

fn schema() -> Value {
    output_schema(&[
        ("project", &["object"]),
        ("chain", &["object"]),
        ("current_revision", &["string"]),
        ("pending", &["array"]),
        ("drift", &["object", "null"]),
        ("findings", &["array"]),
        ("migrations", &["array"]),
        ("recovery", &["string", "null"]),
        ("checks", &["array"]),
        ("way_back", &["object"]),
        ("may_delete", &["object"]),
        ("applied_statements", &["array"]),
        ("reverse_sql", &["array"]),
        ("plans", &["array"]),
    ])
}

fn call(arguments: Value, call: &Call<'_>) -> Answer {
    match parsed::<Input>(TOOL.name, arguments) {
        Ok(input) => run(&input, call, Some(MAX_CHARACTERS)),
        Err(answer) => *answer,
    }
}

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    common: Common,
    project: Value,
    chain: Value,
    current_revision: String,
    pending: Vec<Value>,
    drift: Option<Value>,
    findings: Vec<Finding>,
    migrations: Vec<Value>,
    recovery: Option<&'static str>,
    #[serde(flatten)]
    asked: Asked,
    #[serde(flatten)]
    trouble: Trouble,
}

/// Runs the tool. `most`: how many characters the answer may have; the command line never cuts.
#[must_use]
pub fn run(input: &Input, call: &Call<'_>, most: Option<usize>) -> Answer {
    let project = ProjectInput {
        project: input.project.clone(),
        config: input.config.clone(),
        section: input.section.clone(),
        dialect: input.dialect,
        server_version: input.server_version.clone(),
    };
    let workshop = match project.workshop(call) {
        Ok(workshop) => workshop,
        Err(error) => return Answer::failed(error),
    };
    let answered = status(input, &workshop).and_then(|status| {
        let seen = match &status.current {
            Current::Unknown => None,
            Current::At(versions) => environment(input, &workshop).zip(Some(versions.clone())),
        };
        let seen = seen.as_ref().map(|(environment, versions)| Seen { environment, versions, is_as_chain: status.trouble.is_as_chain() });
        let records = Records::of(input, &workshop, seen.as_ref(), call)?;
        Ok(answer(input, &workshop, status, records, most))
    });
    answered.unwrap_or_else(Answer::failed)
}

/// The environment that is asked: the one that is named, else the only one with a read-only URL.
fn environment(input: &Input, workshop: &Workshop) -> Option<String> {
    let mut readable = workshop.config.environments.iter().filter(|(_, environment)| environment.read_url_env.is_some());
    let only = readable.next().filter(|_| readable.next().is_none());
    input.environment.clone().or_else(|| only.map(|(name, _)| name.clone()))
}

/// What is only there where it was asked for, or after an apply.
#[derive(Debug, Default, Serialize)]
struct Asked {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    way_back: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    may_delete: Option<Value>,
}

/// What the records say, and what was asked of them.
struct Records {
    open: Open,
    asked: Asked,
    environment: Option<String>,
    current: Option<String>,
}

impl Records {
    fn of(input: &Input, workshop: &Workshop, seen: Option<&Seen<'_>>, call: &Call<'_>) -> Result<Self, ToolError> {
        let claim = Claim::of(input.migration_id.as_deref(), input.state_block.as_deref())?;
        let project = SqlInput {
            project: input.project.clone(),
            config: input.config.clone(),
            section: input.section.clone(),
            dialect: input.dialect,
            server_version: input.server_version.clone(),
            ..SqlInput::default()
        };
        let mut open = open::look(workshop, &project, &claim, seen, call)?;
        let mut asked = Asked::default();
        if let Some(revision) = &input.abandoned {
            asked.may_delete = Some(after::may_delete(workshop, open.shown.as_ref(), revision, seen)?);
        }
        if let Some(migration) = &mut open.shown {
            after::note(migration, &input.answers.clone().unwrap_or_default())?;
            asked.checks = after::checks(migration, seen);
            asked.way_back = input.trouble.map(|fault| after::way(migration, fault, seen));
        }
        Ok(Self { open, asked, environment: seen.map(|seen| seen.environment.to_owned()), current: seen.map(Seen::current) })
    }
}

/// What was found out.
struct Status {
    findings: Vec<Finding>,
    current: Current,
    /// Why the models were not compared.
    not_compared: Option<String>,
    trouble: Trouble,
    known: Known,
    notes: Vec<String>,
}

/// Where a database stands.
pub(crate) enum Current {
    /// Nobody was asked.
    Unknown,
    /// Its version table, sorted; empty for an empty database.
    At(Vec<String>),
}

fn status(input: &Input, workshop: &Workshop) -> Result<Status, ToolError> {
    let expected = workshop.workspace.expectations(&workshop.config);
    let findings = judge_project(&workshop.workspace.project, &expected, &workshop.config.severities());
    let mut notes = Vec::new();
    let mut real = real(input, workshop, &mut notes)?;
    let current = real.as_ref().map_or(Current::Unknown, |(_, real)| Current::At(real.versions.clone()));
    let heads = workshop.workspace.project.graph.real_heads.len();
    // Several heads that are declared are what the project wants.
    let is_expected = heads == 1 || expected.heads.is_some() && !findings.iter().any(|finding| finding.rule == "multiple_heads");
    let models = if workshop.workspace.project.graph.nodes.is_empty() {
        Err("there is no revision yet".to_owned())
    } else if !is_expected {
        Err(format!("the chain has {heads} heads: models are compared when it has one, or those that `[project] heads` declares"))
    } else {
        of_models(workshop).map_err(|error| format!("models were not compared: {error}. {}", error.hint()))
    };
    let (models, not_compared) = match models {
        Ok(models) => (models, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let mut trouble = match &mut real {
        Some((name, real)) => Trouble::of(workshop, real, name, &models),
        None => Trouble::of_models(&models),
    };
    let known = if input.record_drift { recorded(workshop, &trouble.items, &mut notes)? } else { Known::of(workshop) };
    trouble.set_known(|item| known.has(item));
    notes.extend(known.note.clone());
    if let Some(found) = counting(&findings).find(|finding| finding.rule == "multiple_heads") {
        trouble.look_at_heads(workshop, Some(&found.mend));
    }
    if let Some(begun) = &trouble.half_applied {
        notes.extend(voided(workshop, &begun.revision));
    }
    notes.append(&mut trouble.notes);
    Ok(Status { findings, current, not_compared, trouble, known, notes })
}

/// Writes the differences down as known.
fn recorded(workshop: &Workshop, items: &[Item], notes: &mut Vec<String>) -> Result<Known, ToolError> {
    let known = Known::all(items);
    known.write(workshop).map_err(|error| ToolError {
        code: "unwritable",
        message: format!("the drift baseline could not be recorded: {error}"),
        at: Some("record_drift".to_owned()),
        hint: error.hint().to_owned(),
        retry: false,
    })?;
    notes.push(format!("{} recorded as known in `.alembic-gate/drift.json`", counted(items.len(), "difference")));
    Ok(known)
}

/// Where the only configured environment that can be read stands.
pub(crate) fn current(workshop: &Workshop, notes: &mut Vec<String>) -> Result<Current, ToolError> {
    let real = real(&Input::default(), workshop, notes)?;
    Ok(real.map_or(Current::Unknown, |(_, real)| Current::At(real.versions)))
}

/// How large the tables of the only configured environment are that can be read, with its name and tier.
pub(crate) fn sizes(workshop: &Workshop, notes: &mut Vec<String>) -> Option<(String, Tier, TableSizes)> {
    let (name, mut real) = real(&Input::default(), workshop, &mut Vec::new()).ok()??;
    let tier = workshop.config.environments.get(&name)?.tier;
    match real.sizes() {
        Ok(sizes) => Some((name, tier, sizes)),
        Err(error) => {
            notes.push(format!("`{name}` was not asked how large its tables are: {error}"));
            None
        }
    }
}

/// The first environment that can be read and is not what its chain says; what was recorded as known is no trouble.
pub(crate) fn dirty(workshop: &Workshop, models: &[Difference], notes: &mut Vec<String>) -> Option<(String, Trouble)> {
    let known = Known::of(workshop);
    for (name, environment) in &workshop.config.environments {
        if environment.read_url_env.is_none() {
            continue;
        }
        let asked = Input { environment: Some(name.clone()), ..Input::default() };
        match real(&asked, workshop, notes) {
            Ok(Some((name, mut real))) => {
                let mut trouble = Trouble::of(workshop, &mut real, &name, models);
                trouble.set_known(|item| known.has(item));
                notes.append(&mut trouble.notes);
                if trouble.has_drifted() {
                    return Some((name, trouble));
                }
            }
            Ok(None) => {}
            Err(error) => notes.push(format!("{}: it was not compared with its chain", error.message)),
        }
    }
    None
}

/// A configured environment, open for reading, with its name; `env.py` takes no part. None where nobody can be asked.
fn real(input: &Input, workshop: &Workshop, notes: &mut Vec<String>) -> Result<Option<(String, Real)>, ToolError> {
    let environments = &workshop.config.environments;
    let refused = |code, message: String, hint: String| ToolError { code, message, at: Some("environment".to_owned()), hint, retry: false };
    let (name, environment) = match &input.environment {
        Some(name) => match environments.get_key_value(name) {
            Some(found) => found,
            None => {
                let known = environments.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err(refused(
                    "unknown_environment",
                    format!("`alembic-gate.toml` names no environment `{name}`"),
                    format!("it names: {known}"),
                ));
            }
        },
        None => {
            let readable: Vec<_> = environments.iter().filter(|(_, environment)| environment.read_url_env.is_some()).collect();
            match readable.as_slice() {
                [one] => *one,
                _ => return Ok(None),
            }
        }
    };
    let Some(variable) = &environment.read_url_env else {
        let hint = format!("add `read_url_env = \"…\"` to `[environments.{name}]`");
        return Err(refused("no_read_url", format!("environment `{name}` has no `read_url_env`"), hint));
    };
    let Ok(text) = std::env::var(variable) else {
        notes.push(format!("`{variable}` is not set: nobody was asked where `{name}` stands"));
        return Ok(None);
    };
    let address = url::read(&text).map_err(|error| refused("bad_url", format!("`{variable}`: {error}"), error.hint().to_owned()))?;
    let real =
        Real::open(&address).map_err(|error| refused("unreachable", format!("`{name}` could not be asked: {error}"), error.hint()))?;
    Ok(Some((name.clone(), real)))
}

/// Takes their weight from the tests of a revision that stopped half way: it did not do what they said it would.
fn voided(workshop: &Workshop, revision: &str) -> Option<String> {
    let concerns = |kept: &Kept| kept.revisions.iter().any(|one| one == revision);
    let (id, kept) = on_record(&workshop.workspace).into_iter().find_map(|(id, kept)| Some((id, kept.filter(concerns)?)))?;
    let mut record = Record::open(&workshop.workspace, &id);
    if record.proven.trips().is_empty() {
        return None;
    }
    record.add(&[Happening::Event(Event::Voided { because: format!("`{revision}` was found applied in part") })], &kept);
    Some(format!("what was tested of `{id}` before does not count any more: `{revision}` was found applied in part"))
}

fn answer(input: &Input, workshop: &Workshop, status: Status, records: Records, most: Option<usize>) -> Answer {
    let Status { findings, current, not_compared, trouble, known, mut notes } = status;
    let Records { open, asked, environment, current: stands } = records;
    notes.extend(open.notes);
    let graph = &workshop.workspace.project.graph;
    let heads = graph.ids(&graph.real_heads);
    let is_linear = graph.heads.len() == 1 && graph.faults.is_empty() && graph.branch_points().is_empty();
    let pending = pending(workshop, &current, &mut notes);
    let errors = counting(&findings).filter(|finding| finding.severity == Severity::Error).count();
    let fresh = trouble.new_items().count();
    let drifted = fresh > 0;
    let half = trouble.half_applied.is_some();
    let warned = drifted || open.is_bypassed || counting(&findings).any(|finding| finding.severity == Severity::Warning);
    let verdict = match (errors + usize::from(half), warned) {
        (0, false) => Verdict::Pass,
        (0, true) => Verdict::Warn,
        _ => Verdict::Blocked,
    };
    let unexpected = counting(&findings).any(|finding| finding.rule == "multiple_heads");
    let recovery = if unexpected { Some("multiple_heads") } else { trouble.recovery };
    let current_revision = match &current {
        Current::Unknown => "unknown".to_owned(),
        Current::At(versions) if versions.is_empty() => "none".to_owned(),
        Current::At(versions) => versions.join(", "),
    };
    let mut summary = format!(
        "{}: {} revisions, {} ({})",
        verdict.word(),
        graph.nodes.len(),
        counted(heads.len(), "head"),
        clipped(&heads.join(", "), 80)
    );
    let _ = match &current {
        Current::Unknown => write!(summary, "; no database was asked"),
        Current::At(_) => write!(summary, "; the database is at {current_revision}, {} pending", pending.len()),
    };
    if let Some(begun) = &trouble.half_applied {
        let list = trouble.applied_statements.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let all = begun.statements.iter().filter(|one| one.revision == begun.revision).count();
        let _ =
            write!(summary, "; `{}` is applied in part: statements {list} of {all}; `upgrade` waits until that is mended", begun.revision);
    }
    let before = trouble.items.len() - fresh;
    match trouble.new_items().next() {
        Some(first) => {
            let before = if before > 0 { format!(", {before} known before") } else { String::new() };
            let _ = write!(summary, "; drift: {} ({} {}){before}", counted(fresh, "difference"), first.kind, first.object);
            if !known.is_recorded() {
                notes.push("what is known and meant can be recorded, so that only new differences count: `record_drift: true`".to_owned());
            }
        }
        None if before > 0 => {
            let _ = write!(summary, "; no new drift ({} known)", counted(before, "difference"));
        }
        None if not_compared.is_none() => summary.push_str("; models and chain agree"),
        None => {}
    }
    notes.extend(not_compared.clone());
    if open.is_bypassed {
        summary.push_str("; applied around the gates");
    }
    if let Some(first) = counting(&findings).max_by_key(|finding| finding.severity).filter(|finding| finding.severity > Severity::Notice) {
        let _ = write!(summary, ". {}", first.what);
    }
    let next = next(unexpected, half, drifted, if open.shown.is_some() { &[] } else { &pending });
    let summary = clipped(&summary, MAX_SUMMARY);
    let shown = match input.detail.unwrap_or_default() {
        Detail::Full => findings,
        Detail::Concise => of_now(findings, &open.lines, open.shown.as_ref(), &pending, &mut notes),
    };
    let text = text_of(&summary, &shown, &trouble, &pending, &notes);
    let most_rows = if most.is_some() { MOST_ROWS } else { usize::MAX };
    let pending = few(pending, most_rows, "pending revision", &mut notes);
    let all_items = trouble.items.len();
    let mut items: Vec<&Item> = trouble.items.iter().collect();
    items.truncate(most_rows);
    let mut output = Output {
        common: Common {
            verdict,
            summary,
            state: None,
            state_block: None,
            state_overrides: Vec::new(),
            next,
            assumed: workshop.assumed.clone(),
            notes,
            suggested_queries: recovery.map(|word| format!("recover from {}", word.replace('_', " "))).into_iter().collect(),
            truncated: None,
        },
        project: json!({
            "kind": "alembic",
            "dialect": workshop.server.dialect.word(),
            "server": workshop.server.to_string(),
            "config": workshop.workspace.ini.as_ref().or(workshop.workspace.pyproject.as_ref()).and_then(|path| path.file_name()).map(|name| name.to_string_lossy()),
            "script_location": workshop.workspace.settings.script_location,
        }),
        chain: json!({
            "heads": heads,
            "bases": graph.ids(&graph.bases),
            "linear": is_linear,
            "length": graph.nodes.len(),
            "branch_points": graph.ids(&graph.branch_points()),
            "merges": graph.ids(&graph.merges()),
        }),
        current_revision,
        pending,
        drift: (not_compared.is_none() || drifted || trouble.database_compared)
            .then(|| json!({ "items": items, "new": fresh, "all": all_items, "baseline": known.is_recorded() })),
        findings: shown,
        migrations: open::as_json(&open.lines),
        recovery,
        asked,
        trouble,
    };
    let mend = half.then(|| output.common.next.clone());
    if let Some(migration) = &open.shown {
        migration.show(&mut output.common, environment.as_deref(), stands.as_deref());
    }
    if let Some(mend) = mend {
        // While the state is dirty nothing of the migration's own way is offered.
        output.common.next = mend;
    }
    let text = with_block(&text, &output.common, most);
    Answer::of(&output, verdict, text).within(most)
}

/// Over MCP no list is longer; its length is said.
const MOST_ROWS: usize = 20;

fn few<T>(mut rows: Vec<T>, most: usize, what: &str, notes: &mut Vec<String>) -> Vec<T> {
    if rows.len() > most {
        notes.push(format!("{} not shown", counted(rows.len() - most, what)));
        rows.truncate(most);
    }
    rows
}

/// Errors, and warnings of what is open or pending: what old revisions could have done better is only counted.
fn of_now(
    findings: Vec<Finding>,
    lines: &[open::Line],
    shown: Option<&Migration>,
    pending: &[Value],
    notes: &mut Vec<String>,
) -> Vec<Finding> {
    let of_open = lines.iter().flat_map(open::Line::revisions).chain(shown.iter().flat_map(|shown| &shown.kept.revisions));
    let mut current: BTreeSet<&str> = of_open.map(String::as_str).collect();
    current.extend(pending.iter().filter_map(|revision| revision.get("revision").and_then(Value::as_str)));
    let is_old = |finding: &Finding| {
        finding.severity < Severity::Error && finding.revision.as_ref().is_some_and(|revision| !current.contains(revision.as_str()))
    };
    let told: Vec<Finding> = findings.into_iter().filter(|finding| finding.severity > Severity::Notice).collect();
    let (old, mut told): (Vec<Finding>, Vec<Finding>) = told.into_iter().partition(is_old);
    if !old.is_empty() {
        notes.push(format!("{} of older revisions not shown (detail: full)", counted(old.len(), "warning")));
    }
    told.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    few(told, MOST_ROWS, "finding", notes)
}

/// The revisions between where the database stands and the heads.
fn pending(workshop: &Workshop, current: &Current, notes: &mut Vec<String>) -> Vec<Value> {
    let Current::At(versions) = current else { return Vec::new() };
    let project = &workshop.workspace.project;
    match project.graph.upgrade_path(versions, "heads") {
        Ok(path) => path
            .iter()
            .filter_map(|at| project.revision(*at))
            .map(|revision| json!({ "revision": revision.id, "file": revision.file }))
            .collect(),
        Err(error) => {
            notes.push(format!("what is pending cannot be told: {error}"));
            Vec::new()
        }
    }
}

fn next(several_heads: bool, half: bool, drifted: bool, pending: &[Value]) -> Vec<NextCall> {
    let call = |tool, args, why: &str| vec![NextCall { tool, args, why: why.to_owned() }];
    if several_heads {
        return call("search_knowledge", json!({ "query": "Multiple head revisions are present" }), "mend the heads before anything else");
    }
    if half {
        return call(
            "search_knowledge",
            json!({ "query": "upgrade failed in the middle, half applied" }),
            "mend the half-applied revision before anything else; then call this again",
        );
    }
    if drifted {
        return call(
            "search_knowledge",
            json!({ "query": "alembic check finds differences, drift" }),
            "find the cause of the drift before generating",
        );
    }
    match pending.is_empty() {
        true => Vec::new(),
        false => call("review_sql", json!({}), "review what is pending"),
    }
}

fn text_of(summary: &str, findings: &[Finding], trouble: &Trouble, pending: &[Value], notes: &[String]) -> String {
    let mut text = format!("{summary}\n");
    for finding in findings.iter().filter(|finding| finding.severity > Severity::Notice) {
        let place = finding.file.as_ref().map(|file| format!("{file}:{}", finding.line.unwrap_or(1))).unwrap_or_default();
        let _ = writeln!(text, "\n{} {} {place}\n  what: {}\n  do: {}", finding.severity.word(), finding.rule, finding.what, finding.mend);
    }
    if let Some(begun) = &trouble.half_applied {
        let _ = writeln!(text, "half applied: {}: {}", begun.revision, begun.why);
        for one in &begun.statements {
            let _ = writeln!(text, "  {} {} {}: {}", one.revision, one.index, one.state, clipped(&one.sql, 120));
        }
    }
    trouble.items.iter().for_each(|item| drift_line(&mut text, item));
    for plan in &trouble.plans {
        let _ = writeln!(text, "plan {}{}: {}", plan.name, if plan.proven { " (proven on scratch)" } else { "" }, plan.what);
        plan.sql.iter().chain(&plan.commands).for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
        plan.mind.iter().for_each(|line| {
            let _ = writeln!(text, "  mind: {line}");
        });
    }
    if let Some(stamp) = &trouble.stamp {
        let _ = writeln!(text, "stamp: {}", stamp.why);
    }
    for revision in pending {
        let _ = writeln!(text, "pending: {}", revision.get("revision").and_then(Value::as_str).unwrap_or_default());
    }
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

fn drift_line(text: &mut String, item: &Item) {
    let word = if item.known { "known drift" } else { "drift" };
    let _ = writeln!(text, "{word}: {} {} ({})", item.kind, item.object, item.likely_cause);
}

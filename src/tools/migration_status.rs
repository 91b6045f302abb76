//! `migration_status`: the chain, its heads, where a database stands, what differs between models and chain, what next.

mod after;
mod open;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::database::{Connection, url};
use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::judge::judge_project;
use crate::tools::answer::{Answer, Common, MAX_CHARACTERS, MAX_SUMMARY, NextCall, ToolError, Verdict, clipped, counted};
use crate::tools::call::Call;
use crate::tools::drift::{Drift, Item, drift};
use crate::tools::migration::claim::Claim;
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
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The ini file. Default: alembic.ini.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The ini section. Default: alembic.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The dialect. Default: what the project says.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// The server's version, for example "16".
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// An environment of alembic-gate.toml whose `read_url_env` is set. Default: the only one that has it.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The migration that is meant, as an earlier answer named it. Default: the open one.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_id: Option<String>,
    /// The state block of an earlier answer: what it claims is checked.
    #[arg(long)]
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
        let seen = seen.as_ref().map(|(environment, versions)| Seen { environment, versions });
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
    drift: Result<Drift, String>,
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
    let current = current(input, workshop, &mut notes)?;
    let heads = workshop.workspace.project.graph.real_heads.len();
    let drift = if workshop.workspace.project.graph.nodes.is_empty() {
        Err("there is no revision yet".to_owned())
    } else if heads != 1 {
        Err(format!("the chain has {heads} heads: models are compared when it has one"))
    } else {
        drift(workshop).map_err(|error| format!("models were not compared: {error}. {}", error.hint()))
    };
    let drift = match drift {
        Ok(found) if input.record_drift => Ok(recorded(workshop, found, &mut notes)?),
        other => other,
    };
    Ok(Status { findings, current, drift, notes })
}

/// Writes the differences down as known.
fn recorded(workshop: &Workshop, found: Drift, notes: &mut Vec<String>) -> Result<Drift, ToolError> {
    found.baseline().write(&workshop.workspace.folder).map_err(|error| ToolError {
        code: "unwritable",
        message: format!("the drift baseline could not be recorded: {error}"),
        at: Some("record_drift".to_owned()),
        hint: error.hint().to_owned(),
        retry: false,
    })?;
    notes.push(format!("{} recorded as known in `.alembic-gate/drift.json`", counted(found.items.len(), "difference")));
    let items = found.items.into_iter().map(|item| Item { known: true, ..item }).collect();
    Ok(Drift { items, has_baseline: true, notes: Vec::new() })
}

/// Reads the version table of a configured environment with one SELECT; `env.py` takes no part.
pub(crate) fn current(input: &Input, workshop: &Workshop, notes: &mut Vec<String>) -> Result<Current, ToolError> {
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
                _ => return Ok(Current::Unknown),
            }
        }
    };
    let Some(variable) = &environment.read_url_env else {
        let hint = format!("add `read_url_env = \"…\"` to `[environments.{name}]`");
        return Err(refused("no_read_url", format!("environment `{name}` has no `read_url_env`"), hint));
    };
    let Ok(text) = std::env::var(variable) else {
        notes.push(format!("`{variable}` is not set: nobody was asked where `{name}` stands"));
        return Ok(Current::Unknown);
    };
    let address = url::read(&text).map_err(|error| refused("bad_url", format!("`{variable}`: {error}"), error.hint().to_owned()))?;
    let mut connection = Connection::open(&address)
        .map_err(|error| refused("unreachable", format!("`{name}` could not be asked: {error}"), error.hint()))?;
    connection.set_time_limit(Some(std::time::Duration::from_secs(10)));
    match connection.rows("SELECT version_num FROM alembic_version ORDER BY version_num") {
        Ok(rows) => Ok(Current::At(rows.into_iter().flatten().flatten().collect())),
        Err(error) if matches!(error.code(), Some("42P01" | "1146")) || error.to_string().contains("no such table") => {
            Ok(Current::At(Vec::new()))
        }
        Err(error) => Err(refused("unreadable", format!("the version table of `{name}` could not be read: {error}"), error.hint())),
    }
}

fn answer(input: &Input, workshop: &Workshop, status: Status, records: Records, most: Option<usize>) -> Answer {
    let Status { findings, current, drift, mut notes } = status;
    let Records { open, asked, environment, current: stands } = records;
    notes.extend(open.notes);
    let graph = &workshop.workspace.project.graph;
    let heads = graph.ids(&graph.real_heads);
    let is_linear = graph.heads.len() == 1 && graph.faults.is_empty() && graph.branch_points().is_empty();
    let pending = pending(workshop, &current, &mut notes);
    let errors = counting(&findings).filter(|finding| finding.severity == Severity::Error).count();
    let fresh = drift.as_ref().map_or(0, |drift| drift.new_ones().count());
    let drifted = fresh > 0;
    let verdict = match (errors, drifted || open.is_bypassed || counting(&findings).any(|finding| finding.severity == Severity::Warning)) {
        (0, false) => Verdict::Pass,
        (0, true) => Verdict::Warn,
        _ => Verdict::Blocked,
    };
    let unexpected = counting(&findings).any(|finding| finding.rule == "multiple_heads");
    let recovery = if unexpected { Some("multiple_heads") } else { drifted.then_some("drift") };
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
    match &drift {
        Ok(drift) if drift.items.is_empty() => summary.push_str("; models and chain agree"),
        Ok(drift) if fresh == 0 => {
            let _ = write!(summary, "; no new drift ({} known)", counted(drift.items.len(), "difference"));
        }
        Ok(drift) => {
            let first = drift.new_ones().next().map(|item| format!("{} {}", item.kind, item.object)).unwrap_or_default();
            let known = drift.items.len() - fresh;
            let known = if known > 0 { format!(", {known} known before") } else { String::new() };
            let _ = write!(summary, "; drift: {} ({first}){known}", counted(fresh, "difference"));
            notes.extend(drift.notes.iter().cloned());
            if !drift.has_baseline {
                notes.push("what is known and meant can be recorded, so that only new differences count: `record_drift: true`".to_owned());
            }
        }
        Err(why) => notes.push(why.clone()),
    }
    if open.is_bypassed {
        summary.push_str("; applied around the gates");
    }
    if let Some(first) = counting(&findings).max_by_key(|finding| finding.severity).filter(|finding| finding.severity > Severity::Notice) {
        let _ = write!(summary, ". {}", first.what);
    }
    let next = next(unexpected, drifted, if open.shown.is_some() { &[] } else { &pending });
    let summary = clipped(&summary, MAX_SUMMARY);
    let text = text_of(&summary, &findings, drift.as_ref().ok(), &pending, &notes);
    let shown = findings.into_iter().filter(|finding| input.detail == Some(Detail::Full) || finding.severity > Severity::Notice).collect();
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
        drift: drift.ok().map(|drift| json!({ "items": drift.items, "new": fresh, "baseline": drift.has_baseline })),
        findings: shown,
        migrations: open::as_json(&open.lines),
        recovery,
        asked,
    };
    if let Some(migration) = &open.shown {
        migration.show(&mut output.common, environment.as_deref(), stands.as_deref());
    }
    let text = with_block(&text, &output.common, most);
    Answer::of(&output, verdict, text).within(most)
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

fn next(several_heads: bool, drifted: bool, pending: &[Value]) -> Vec<NextCall> {
    let call = |tool, args, why: &str| vec![NextCall { tool, args, why: why.to_owned() }];
    if several_heads {
        return call("search_knowledge", json!({ "query": "Multiple head revisions are present" }), "mend the heads before anything else");
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

fn text_of(summary: &str, findings: &[Finding], drift: Option<&Drift>, pending: &[Value], notes: &[String]) -> String {
    let mut text = format!("{summary}\n");
    for finding in findings.iter().filter(|finding| finding.severity > Severity::Notice) {
        let place = finding.file.as_ref().map(|file| format!("{file}:{}", finding.line.unwrap_or(1))).unwrap_or_default();
        let _ = writeln!(text, "\n{} {} {place}\n  what: {}\n  do: {}", finding.severity.word(), finding.rule, finding.what, finding.mend);
    }
    for item in drift.into_iter().flat_map(|drift| &drift.items) {
        let word = if item.known { "known drift" } else { "drift" };
        let _ = writeln!(text, "{word}: {} {} ({})", item.kind, item.object, item.likely_cause);
    }
    for revision in pending {
        let _ = writeln!(text, "pending: {}", revision.get("revision").and_then(Value::as_str).unwrap_or_default());
    }
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

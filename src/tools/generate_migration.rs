//! `generate_migration`: one new revision file, written by the project's own Alembic against a scratch database.

mod fill;

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::bridge::{NewRevision, RevisionMode};
use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::intent::Intent;
use crate::judge::judge_project;
use crate::lifecycle::ledger::Bodies;
use crate::recovery::Trouble;
use crate::tools::answer::{Answer, Common, MAX_CHARACTERS, MAX_SUMMARY, NextCall, ToolError, Verdict, clipped, counted};
use crate::tools::call::Call;
use crate::tools::differs::differs;
use crate::tools::migration::claim::Claim;
use crate::tools::migration::generated::{Made, generated as generated_record};
use crate::tools::migration::named::Named;
use crate::tools::migration::plan::Plan;
use crate::tools::migration::view::with_block;
use crate::tools::migration_status::dirty;
use crate::tools::project_input::ProjectInput;
use crate::tools::schema::{output_schema, portable_schema};
use crate::tools::source::{SqlInput, counting, failed};
use crate::tools::{Tool, Touches, parsed};
use crate::workshop::autogenerate::unseen;
use crate::workshop::{Workshop, WorkshopError};
use crate::workspace::Workspace;

use self::fill::fill;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "generate_migration",
    title: "Write one revision file",
    description: "Writes exactly one new Alembic revision file, made by the project's own Alembic against a scratch database at the head (never the configured one): \
`autogenerate` from the models, or `empty`. Says which operations it holds, probable renames that came out as drop and add, tables and columns that go by surprise, \
and what this Alembic version does not detect. Then call review_sql on it. Instead of `alembic revision --autogenerate`.",
    touches: Touches::RevisionFile,
    input_schema,
    output_schema: schema,
    call,
};

/// How the file is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Mode {
    /// From the difference between models and chain.
    #[default]
    Autogenerate,
    /// Nothing in it: for data and for what Alembic cannot detect.
    Empty,
    /// With the bodies of a plan's step.
    Step,
}

/// What may be asked. A field's sentence is its help text and its schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// What the revision does, in lower case with underscores. Example: add_user_email_index
    #[arg(long)]
    pub migration_name: Option<String>,
    /// autogenerate (default), empty, or step.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// For mode step: one of a plan's `revisions`, {"name", "upgrade", "downgrade"}; of a plan on record the name will do.
    #[arg(long, value_parser = step, value_name = "JSON")]
    #[schemars(with = "Option<Map<String, Value>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Value>,
    /// The planned or open migration that this file belongs to.
    #[arg(long, value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_id: Option<String>,
    /// The state block of an earlier answer.
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_block: Option<String>,
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
}

fn step(given: &str) -> Result<Value, String> {
    serde_json::from_str(given).map_err(|error| error.to_string())
}

fn input_schema() -> Value {
    portable_schema::<Input>()
}

fn schema() -> Value {
    output_schema(&[
        ("file", &["string", "null"]),
        ("revision", &["string", "null"]),
        ("down_revision", &["string", "null"]),
        ("operations", &["array"]),
        ("differs_from_intent", &["array"]),
        ("autogenerate_caveats", &["array"]),
        ("findings", &["array"]),
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
    file: Option<String>,
    revision: Option<String>,
    down_revision: Option<String>,
    operations: Vec<Value>,
    differs_from_intent: Vec<String>,
    autogenerate_caveats: Vec<String>,
    findings: Vec<Finding>,
}

fn refused(code: &'static str, at: &str, message: String, hint: String) -> ToolError {
    ToolError { code, message, at: Some(at.to_owned()), hint, retry: false }
}

/// Runs the tool. `most`: how many characters the answer may have; the command line never cuts.
#[must_use]
pub fn run(input: &Input, call: &Call<'_>, most: Option<usize>) -> Answer {
    match generated(input, call) {
        Ok(output) => {
            let verdict = output.common.verdict;
            let text = with_block(&text_of(&output), &output.common, most);
            Answer::of(&output, verdict, text).within(most)
        }
        Err(error) => Answer::failed(error),
    }
}

fn generated(input: &Input, call: &Call<'_>) -> Result<Output, ToolError> {
    let mode = input.mode.unwrap_or_default();
    let name = name(input)?;
    let claim = Claim::of(input.migration_id.as_deref(), input.state_block.as_deref())?;
    let project = ProjectInput {
        project: input.project.clone(),
        config: input.config.clone(),
        section: input.section.clone(),
        dialect: input.dialect,
        server_version: None,
    };
    let workshop = project.workshop(call)?;
    let bodies = match mode {
        Mode::Step => Some(bodies(input.step.as_ref(), &workshop.workspace, &claim, &name)?),
        Mode::Autogenerate | Mode::Empty => None,
    };
    let broken = workshop.faults();
    if !broken.is_empty() {
        return Err(failed(&WorkshopError::BrokenChain(broken)));
    }
    let graph = &workshop.workspace.project.graph;
    let heads = graph.ids(&graph.real_heads);
    if heads.len() > 1 {
        return Err(refused(
            "multiple_heads",
            "project",
            format!("the chain has {} heads ({}): a new revision would have no one parent", heads.len(), heads.join(", ")),
            "mend the heads first: `migration_status` says how".to_owned(),
        ));
    }
    let parent = heads.first().cloned();
    let at = if parent.is_some() { "head" } else { "base" };
    let (databases, _) = workshop.scratch_at(at).map_err(|error| failed(&error))?;
    let refs: Vec<_> = databases.iter().collect();
    let mut lent = workshop.python(&refs).map_err(|error| failed(&error))?;
    let mut compared = Vec::new();
    let is_readable = workshop.config.environments.values().any(|environment| environment.read_url_env.is_some());
    if mode == Mode::Autogenerate && parent.is_some() && is_readable {
        let models = lent.lock().bridge.compare().map_err(|error| failed(&error.into()))?.items;
        if let Some((environment, trouble)) = dirty(&workshop, &models, &mut compared) {
            return Ok(drifted(input, &workshop, &name, &environment, &trouble));
        }
        // The comparison may have led the Python elsewhere.
        lent = workshop.python(&refs).map_err(|error| failed(&error))?;
    }
    let wish = NewRevision {
        message: name.clone(),
        mode: if mode == Mode::Autogenerate { RevisionMode::Autogenerate } else { RevisionMode::Empty },
        rev_id: None,
        head: None,
        splice: false,
    };
    let (written, alembic) = {
        let mut warm = lent.lock();
        let alembic = warm.hello.alembic.clone();
        (warm.bridge.revision(&wish).map_err(|error| failed(&error.into()))?, alembic)
    };
    let Some(path) = &written.file else {
        return Ok(nothing(&workshop, &name));
    };
    if let Some(bodies) = &bodies {
        fill(path, bodies)?;
    }
    let shown = path.strip_prefix(&workshop.workspace.folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
    let intent = Intent::of(&name);
    let surprises = match mode {
        Mode::Autogenerate => differs(&workshop, intent.as_ref(), &written.items, &written.enums),
        Mode::Empty | Mode::Step => Vec::new(),
    };
    let after = project.workshop(call)?;
    let revision = written.revision.clone();
    let mut expected = after.workspace.expectations(&after.config);
    expected.range = Some(revision.iter().cloned().collect());
    let findings: Vec<Finding> = judge_project(&after.workspace.project, &expected, &after.config.severities())
        .into_iter()
        .filter(|finding| finding.revision == revision && finding.severity > Severity::Notice)
        .collect();
    let is_bad = counting(&findings).any(|finding| finding.severity == Severity::Error);
    let verdict = if is_bad {
        Verdict::Blocked
    } else if surprises.is_empty() && counting(&findings).next().is_none() {
        Verdict::Pass
    } else {
        Verdict::Warn
    };
    let mut summary = format!("{}: wrote {shown} after {}", verdict.word(), parent.clone().unwrap_or_else(|| "base".to_owned()));
    if mode == Mode::Autogenerate {
        let _ = write!(summary, "; {}", counted(written.items.len(), "operation"));
    }
    if let Some(first) = surprises.first() {
        let _ = write!(summary, "; {first}");
    }
    let revision_id = revision.clone().unwrap_or_default();
    let asked = SqlInput {
        project: input.project.clone(),
        config: input.config.clone(),
        section: input.section.clone(),
        dialect: input.dialect,
        ..SqlInput::default()
    };
    let made = Made { name: &name, revision: &revision_id, parent: parent.as_deref(), file: &shown };
    let migration = generated_record(&after.workspace, &asked, &claim, made, call);
    let mut output = Output {
        common: Common {
            verdict,
            summary: clipped(&summary, MAX_SUMMARY),
            state: None,
            state_block: None,
            state_overrides: Vec::new(),
            next: Vec::new(),
            assumed: workshop.assumed.clone(),
            notes: compared.into_iter().chain(written.about.notes.iter().cloned()).collect(),
            suggested_queries: vec!["what autogenerate does not detect".to_owned()],
            truncated: None,
        },
        file: Some(shown),
        revision,
        down_revision: parent.clone(),
        operations: written.items.iter().map(|item| serde_json::to_value(item).unwrap_or_default()).collect(),
        differs_from_intent: surprises,
        autogenerate_caveats: if mode == Mode::Autogenerate {
            unseen(&alembic, workshop.server.dialect, &written.about.env)
        } else {
            Vec::new()
        },
        findings,
    };
    match migration {
        Ok((migration, differs)) => {
            if let Some(what) = differs {
                output.common.verdict = output.common.verdict.max(Verdict::Warn);
                output.common.summary = clipped(&format!("{}; {what}", output.common.summary), MAX_SUMMARY);
                output.differs_from_intent.push(what);
            }
            migration.show(&mut output.common, None, None);
        }
        Err(error) => {
            output.common.notes.push(format!("nothing is on record yet: {}; {}", error.message, error.hint));
            output.common.next.push(NextCall {
                tool: "review_sql",
                args: json!({ "from": parent.unwrap_or_else(|| "base".to_owned()), "to": revision_id }),
                why: "the file must be reviewed before anything else".to_owned(),
            });
        }
    }
    Ok(output)
}

/// An environment is not what its chain says: nothing is generated on top of that (S-040, S-131, S-150).
fn drifted(input: &Input, workshop: &Workshop, name: &str, environment: &str, trouble: &Trouble) -> Output {
    let first = match (&trouble.half_applied, trouble.new_items().next()) {
        (Some(begun), _) => format!("`{}` is applied there in part", begun.revision),
        (None, Some(item)) => format!("{} {} ({})", item.kind, item.object, item.likely_cause),
        (None, None) => "it differs".to_owned(),
    };
    let mut output = nothing(workshop, name);
    output.common.verdict = Verdict::Blocked;
    output.common.summary = clipped(
        &format!("blocked: no file was written for `{name}`: `{environment}` is not what its chain says: {first}; find the cause first"),
        MAX_SUMMARY,
    );
    output.common.notes = vec![
        "`migration_status` has the way out: `formalise` (write it with mode `step`) or `align`; what is known and meant is recorded with `record_drift: true`".to_owned(),
    ];
    let mut args = json!({ "environment": environment });
    if let (Some(args), Some(project)) = (args.as_object_mut(), &input.project) {
        args.insert("project".to_owned(), json!(project));
    }
    output.common.next =
        vec![NextCall { tool: "migration_status", args, why: "it names each difference, its source and the plans".to_owned() }];
    output.common.suggested_queries = vec!["recover from drift".to_owned()];
    output
}

/// `process_revision_directives` of `env.py` dropped the revision, since nothing differs.
fn nothing(workshop: &Workshop, name: &str) -> Output {
    Output {
        common: Common {
            verdict: Verdict::Warn,
            summary: format!(
                "warn: no file was written for `{name}`: `env.py` drops revisions without operations, and models and chain agree"
            ),
            state: None,
            state_block: None,
            state_overrides: Vec::new(),
            next: Vec::new(),
            assumed: workshop.assumed.clone(),
            notes: Vec::new(),
            suggested_queries: vec!["autogenerate finds no change".to_owned()],
            truncated: None,
        },
        file: None,
        revision: None,
        down_revision: None,
        operations: Vec::new(),
        differs_from_intent: Vec::new(),
        autogenerate_caveats: Vec::new(),
        findings: Vec::new(),
    }
}

/// The name of the revision: what it does, not when.
fn name(input: &Input) -> Result<String, ToolError> {
    let of_step = input.step.as_ref().and_then(|step| step.get("name")).and_then(Value::as_str);
    let hint = "say what it does in lower case with underscores: `add_user_email_index`".to_owned();
    let Some(name) = input.migration_name.as_deref().or(of_step).map(str::trim).filter(|name| !name.is_empty()) else {
        return Err(refused("bad_arguments", "migration_name", "there is no `migration_name`".to_owned(), hint));
    };
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') && name.len() <= 80;
    if !is_plain || !name.contains('_') || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(refused("bad_arguments", "migration_name", format!("`{}` does not describe a change", clipped(name, 80)), hint));
    }
    Ok(name.to_owned())
}

/// Bodies of a step: as they are given, else those that were planned under its name.
fn bodies(step: Option<&Value>, workspace: &Workspace, claim: &Claim, name: &str) -> Result<Bodies, ToolError> {
    let text = |key: &str| step.and_then(|step| step.get(key)).and_then(Value::as_str).map(str::to_owned);
    match (text("upgrade"), text("downgrade")) {
        (Some(upgrade), Some(downgrade)) => return Ok(Bodies { upgrade, downgrade }),
        (None, None) => {}
        _ => {
            let message = "`step` has one of `upgrade` and `downgrade`: it needs both, or neither".to_owned();
            return Err(refused("bad_arguments", "step", message, "give one element of a plan's `revisions` as it stands".to_owned()));
        }
    }
    // A file may have a name of its own.
    let name = step.and_then(|step| step.get("name")).and_then(Value::as_str).unwrap_or(name);
    let id = claim.id.clone().unwrap_or_else(|| Named::of_plan(workspace, name).id);
    let planned = Plan::on_record(workspace, &id).map(|plan| plan.steps).unwrap_or_default();
    let names = planned.iter().map(|step| format!("`{}`", step.name)).collect::<Vec<_>>().join(", ");
    planned.into_iter().find(|step| step.name == name).and_then(|step| step.bodies).ok_or_else(|| {
        let known = if names.is_empty() { "holds no plan".to_owned() } else { format!("has plans for {names}") };
        refused(
            "bad_arguments",
            "step",
            format!(
                "`step` has no `upgrade` and `downgrade`, and the record of `{id}` {known}, with no bodies for `{}`",
                clipped(name, 80)
            ),
            "give one element of a plan's `revisions`; or its name, and the `migration_id` that `plan_migration` answered".to_owned(),
        )
    })
}

fn text_of(output: &Output) -> String {
    let mut text = format!("{}\n", output.common.summary);
    for operation in &output.operations {
        let word = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let _ = writeln!(text, "  {} {} {}", word("kind"), word("table"), word("name"));
    }
    for surprise in &output.differs_from_intent {
        let _ = writeln!(text, "look: {surprise}");
    }
    for finding in &output.findings {
        let _ = writeln!(text, "{} {} (line {}): {}", finding.severity.word(), finding.rule, finding.line.unwrap_or(1), finding.what);
    }
    for caveat in &output.autogenerate_caveats {
        let _ = writeln!(text, "not detected: {caveat}");
    }
    text
}

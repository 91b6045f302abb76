//! `plan_migration`: the wanted change becomes the safe set of revisions, in bodies that run.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bridge::Difference;
use crate::dialect::{Dialect, Server};
use crate::effects::Loss;
use crate::intent::Deed;
use crate::lifecycle::approval::Tier;
use crate::lifecycle::ledger::{Bodies, PlannedStep};
use crate::recipes::parts::doubts::ALREADY_MADE;
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::wish::{self, Wish};
use crate::recipes::{Asked, Concern, Planned, Refusal, plan};
use crate::recovery::Item;
use crate::recovery::planned::Survival;
use crate::risk::TableSizes;
use crate::secret::secrets;
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Change};
use crate::sql::script;
use crate::step::Options;
use crate::tools::answer::{Answer, Common, MAX_CHARACTERS, MAX_SUMMARY, NextCall, ToolError, Verdict, clipped, counted};
use crate::tools::call::Call;
use crate::tools::classify_risk::serialized_length;
use crate::tools::drift::told_apart;
use crate::tools::migration::Migration;
use crate::tools::migration::claim::Claim;
use crate::tools::migration::plan::Plan;
use crate::tools::migration::view::with_block;
use crate::tools::migration_status::{self, Current};
use crate::tools::plan_migration::around::{measured_too, sizes_of, still_named, survived, unwritten};
use crate::tools::project_input::ProjectInput;
use crate::tools::schema::{output_schema, schema_with_own};
use crate::tools::source::{SqlInput, server};
use crate::tools::{Tool, Touches, parsed};
use crate::workshop::Workshop;

mod around;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "plan_migration",
    title: "Plan a schema change",
    description: "Turns a wanted schema change into the safe set of Alembic revisions: bodies that run both ways, locks, deploy borders, data loss, open questions. \
NOT NULL, renames, drops, indexes, keys, constraints, backfills come out as expand, backfill, switch, contract; what needs no recipe as one revision. \
Say it as `changes` or as naive DDL in `sql`. Call it first. Writes no revision, touches no configured database.",
    touches: Touches::OwnRecord,
    input_schema,
    output_schema: schema,
    call,
};

/// What may be asked. A field's sentence is its help text and its schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// In a few words; names a single revision.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The changes, in order: [{"kind": "rename_column", "table": "users", "column": "name", "new_name": "full_name"}].
    #[arg(long, value_parser = changes, value_name = "JSON")]
    #[schemars(with = "Option<Vec<serde_json::Map<String, Value>>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Value>,
    /// The change as naive DDL, instead of `changes`.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The schema before, without a project.
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
    /// The dialect. Default: what the project says.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// The server's version, for example "16".
    #[arg(long, value_name = "VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// Sizes of tables, as review_sql takes them.
    #[arg(long, value_parser = sizes, value_name = "JSON")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_stats: Option<TableSizes>,
    /// The write block that the deploy tolerates, in milliseconds. Default: 1000.
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_block_ms: Option<u64>,
    /// The git commit of the code that runs now, for example HEAD: its classes are tried behind each revision.
    #[arg(long, value_name = "REF")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployed: Option<String>,
    /// false: the deploy stops the application. Default: true.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_downtime: Option<bool>,
    /// Go on behind this many revisions.
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}

fn json_or_file(given: &str) -> Result<String, String> {
    match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("`{path}` could not be read: {error}")),
        None => Ok(given.to_owned()),
    }
}

fn changes(given: &str) -> Result<Value, String> {
    serde_json::from_str(&json_or_file(given)?).map_err(|error| error.to_string())
}

fn sizes(given: &str) -> Result<TableSizes, String> {
    serde_json::from_str(&json_or_file(given)?).map_err(|error| error.to_string())
}

fn input_schema() -> Value {
    schema_with_own::<Input>(&["after", "setup_sql"])
}

fn schema() -> Value {
    output_schema(&[
        ("project", &["object"]),
        ("chain", &["object", "null"]),
        ("drift", &["object", "null"]),
        ("change", &["object"]),
        ("revisions", &["array"]),
        ("strategy", &["string", "null"]),
        ("data_loss_risk", &["string"]),
        ("zero_downtime_required", &["boolean"]),
        ("downgrade_plan", &["array"]),
        ("open_questions", &["array"]),
        ("commands", &["array"]),
        ("deployed", &["object", "null"]),
        ("reasons", &["array"]),
    ])
}

fn call(arguments: Value, call: &Call<'_>) -> Answer {
    match parsed::<Input>(TOOL.name, arguments) {
        Ok(input) => run(&input, call, Some(MAX_CHARACTERS)),
        Err(answer) => *answer,
    }
}

/// A revision, as it is told: what `generate_migration` takes as `step`.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct RevisionOut {
    name: String,
    kind: Concern,
    stage: crate::recipes::Stage,
    why: String,
    upgrade: String,
    downgrade: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    locks: Vec<crate::recipes::parts::planning::LockLine>,
    deploy: String,
}

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    common: Common,
    project: Value,
    chain: Value,
    drift: Value,
    change: Value,
    revisions: Vec<RevisionOut>,
    strategy: Option<String>,
    data_loss_risk: &'static str,
    zero_downtime_required: bool,
    downgrade_plan: Vec<String>,
    open_questions: Vec<String>,
    commands: Vec<String>,
    deployed: Option<Survival>,
    reasons: Vec<&'static str>,
}

/// What stands: of a project, or as it was given.
struct Standing {
    server: Server,
    is_version_known: bool,
    catalog: Catalog,
    project: Value,
    chain: Value,
    drift: Option<Vec<(Difference, Item)>>,
    /// Why nothing may be planned: several heads.
    closed: Option<(&'static str, String)>,
    assumed: Vec<String>,
    notes: Vec<String>,
    /// How large the tables of a database are that can be read: what it is called, whether it is production, the sizes.
    measured: Option<(String, bool, TableSizes)>,
    /// The project, where there is one: its record keeps the plan.
    workshop: Option<Workshop>,
}

/// Room for the state and its block.
const STATE: usize = 1_500;

/// Runs the tool. `most`: how many characters the answer may have; the command line never cuts.
#[must_use]
pub fn run(input: &Input, call: &Call<'_>, most: Option<usize>) -> Answer {
    match planned(input, call, most) {
        Ok(output) => {
            let verdict = output.common.verdict;
            let text = with_block(&text_of(&output), &output.common, most);
            Answer::of(&output, verdict, text).within(most)
        }
        Err(error) => Answer::failed(error),
    }
}

fn planned(input: &Input, call: &Call<'_>, most: Option<usize>) -> Result<Output, ToolError> {
    let standing = standing(input, call)?;
    let wishes = wishes(input, standing.server)?;
    let mut output = empty(input, &standing, &wishes);
    if let Some((reason, what)) = &standing.closed {
        closed(&mut output, reason, what, "search_knowledge", json!({ "query": "Multiple head revisions are present" }));
        return Ok(output);
    }
    let unexplained: Vec<&Item> = standing
        .drift
        .iter()
        .flatten()
        .filter(|(difference, item)| !item.known && !is_explained(difference, &wishes))
        .map(|(_, item)| item)
        .collect();
    if let Some(first) = unexplained.first() {
        let what = format!(
            "models and chain differ before this change in {}: {}; find the cause first, nothing is generated on top of it",
            counted(unexplained.len(), "place"),
            format_args!("{} {} ({})", first.kind, first.object, first.likely_cause)
        );
        closed(&mut output, "drift", &what, "migration_status", project_args(input));
        return Ok(output);
    }
    if wishes.is_empty() {
        output.common.verdict = Verdict::Warn;
        output.common.summary = "warn: nothing to plan yet: say the change as `changes` or as naive DDL in `sql`".to_owned();
        let kinds = wish::KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ");
        output
            .open_questions
            .push(format!("which changes? `changes` is a list of {{kind, table, …}} with the kinds {kinds}; or give the DDL as `sql`"));
        return Ok(output);
    }
    let options = Options {
        sizes: sizes_of(input, &standing, &mut output.common.assumed),
        max_block_ms: input.max_block_ms.unwrap_or(1000),
        ..Options::default()
    };
    let asked = Asked {
        server: standing.server,
        before: &standing.catalog,
        options: &options,
        zero_downtime: input.zero_downtime.unwrap_or(true),
        is_version_known: standing.is_version_known,
    };
    match plan(&wishes, &asked) {
        Ok(planned) => {
            let steps = steps(&planned, input, &standing);
            let loss = planned.steps.iter().map(|reviewed| reviewed.loss).max().unwrap_or(Loss::None);
            let most = most.map(|most| if standing.workshop.is_some() { most.saturating_sub(STATE) } else { most });
            let unwritten = unwritten(&planned, input);
            measured_too(&mut output, &standing, &planned.unsized_tables);
            filled(&mut output, input, planned, most);
            still_named(&mut output, &standing, &wishes);
            survived(&mut output, input, &standing, &unwritten)?;
            if let Some(workshop) = &standing.workshop {
                recorded(&mut output, input, workshop, steps, loss);
            }
        }
        Err(refusal) => refused(&mut output, input, &refusal),
    }
    Ok(output)
}

/// What each revision of the plan does, as it is written down.
fn steps(planned: &Planned, input: &Input, standing: &Standing) -> Vec<PlannedStep> {
    let is_single = planned.steps.len() == 1;
    let step = |reviewed: &crate::recipes::parts::planning::Reviewed| {
        let script = script::read(reviewed.sql.clone(), standing.server);
        let statements: Vec<_> = script.statements.iter().collect();
        let bodies = Bodies { upgrade: reviewed.step.upgrade.python(), downgrade: reviewed.step.downgrade.python() };
        let is_open = secrets(&bodies.upgrade).is_empty() && secrets(&bodies.downgrade).is_empty();
        PlannedStep {
            name: step_name(&reviewed.step.name, is_single, input),
            deeds: Deed::of_all(&script, &statements, &standing.catalog),
            bodies: is_open.then_some(bodies),
        }
    };
    planned.steps.iter().map(step).collect()
}

/// Writes a plan down that can be followed: later answers hold the revision against it.
fn recorded(output: &mut Output, input: &Input, workshop: &Workshop, steps: Vec<PlannedStep>, loss: Loss) {
    let Some(first) = steps.first().filter(|_| output.common.verdict != Verdict::Blocked) else { return };
    let asked =
        SqlInput { project: input.project.clone(), config: input.config.clone(), section: input.section.clone(), ..SqlInput::default() };
    let mut migration = Migration::planned(workshop, &first.name, Claim::default(), &asked);
    let plan = Plan { intent: input.intent.clone().unwrap_or_else(|| first.name.clone()), steps };
    let zero_downtime = input.zero_downtime.unwrap_or(true) && output.zero_downtime_required;
    migration.plan(plan, loss, zero_downtime);
    for call in output.common.next.iter_mut().filter(|call| call.tool == "generate_migration") {
        if let Some(args) = call.args.as_object_mut() {
            args.insert("migration_id".to_owned(), json!(migration.id));
        }
    }
    let current = output.project.get("current_revision").and_then(Value::as_str).filter(|at| *at != "unknown").map(str::to_owned);
    migration.show(&mut output.common, None, current.as_deref());
}

fn standing(input: &Input, call: &Call<'_>) -> Result<Standing, ToolError> {
    let is_raw = input.setup_sql.is_some() || input.dialect.is_some() && input.project.is_none() && input.config.is_none();
    if is_raw && input.project.is_none() {
        return of_text(input);
    }
    let project = ProjectInput {
        project: input.project.clone(),
        config: input.config.clone(),
        section: input.section.clone(),
        dialect: input.dialect,
        server_version: input.server_version.clone(),
    };
    match project.workshop(call) {
        Ok(workshop) => of_project(input, &workshop, call),
        // Without a project the schema is what the changes take for granted.
        Err(error) if error.code == "no_project" && input.project.is_none() && input.config.is_none() && input.sql.is_some() => {
            of_text(input)
        }
        Err(error) => Err(error),
    }
}

fn of_text(input: &Input) -> Result<Standing, ToolError> {
    let mut assumed = Vec::new();
    let asked = SqlInput { dialect: input.dialect, server_version: input.server_version.clone(), ..SqlInput::default() };
    let server = server(&asked, &mut assumed)?;
    let catalog = match &input.setup_sql {
        Some(setup) => Catalog::of_text(&script::read(setup.clone(), server)),
        None => {
            assumed.push(
                "every table that is named stands and has rows; its columns are not known (give `setup_sql` or a project)".to_owned(),
            );
            Catalog::new(server.dialect)
        }
    };
    Ok(Standing {
        server,
        is_version_known: input.server_version.is_some(),
        catalog,
        project: json!({ "kind": "none", "dialect": server.dialect.word(), "server": server.to_string(), "current_revision": "unknown" }),
        chain: Value::Null,
        drift: None,
        closed: None,
        assumed,
        notes: Vec::new(),
        measured: None,
        workshop: None,
    })
}

fn of_project(input: &Input, workshop: &Workshop, call: &Call<'_>) -> Result<Standing, ToolError> {
    let graph = &workshop.workspace.project.graph;
    let heads = graph.ids(&graph.real_heads);
    let mut notes = Vec::new();
    let current = match migration_status::current(workshop, &mut notes) {
        Ok(Current::At(versions)) if versions.is_empty() => "none".to_owned(),
        Ok(Current::At(versions)) => versions.join(", "),
        Ok(Current::Unknown) => "unknown".to_owned(),
        Err(error) => {
            notes.push(format!("the database was not asked: {}", error.message));
            "unknown".to_owned()
        }
    };
    let is_linear = graph.heads.len() <= 1 && graph.faults.is_empty() && graph.branch_points().is_empty();
    let chain = json!({ "heads": heads, "linear": is_linear, "length": graph.nodes.len() });
    let project = json!({ "kind": "alembic", "dialect": workshop.server.dialect.word(), "server": workshop.server.to_string(), "current_revision": current });
    let wanted_heads = match workshop.workspace.expectations(&workshop.config).heads {
        Some(crate::project::Heads::Labels(labels)) => labels.len(),
        Some(crate::project::Heads::Count(count)) => count,
        None => 1,
    };
    let closed = (heads.len() > wanted_heads.max(1))
        .then(|| ("multiple_heads", format!("the chain has {} heads ({}): merge them first", heads.len(), heads.join(", "))));
    let is_version_known =
        input.server_version.is_some() || !workshop.assumed.iter().any(|line| line.contains(&workshop.server.version.to_string()));
    let mut standing = Standing {
        server: workshop.server,
        is_version_known,
        catalog: Catalog::new(workshop.server.dialect),
        project,
        chain,
        drift: None,
        closed,
        assumed: workshop.assumed.clone(),
        notes,
        measured: None,
        workshop: Some(workshop.clone()),
    };
    if standing.closed.is_some() {
        return Ok(standing);
    }
    standing.measured =
        migration_status::sizes(workshop, &mut standing.notes).map(|(name, tier, sizes)| (name, tier == Tier::Production, sizes));
    call.say(1, 3, "bringing a scratch database to the head");
    match workshop.scratch_at(if heads.is_empty() { "base" } else { "heads" }) {
        Ok((databases, setup)) => {
            standing.catalog = Catalog::of_history(&script::read(setup, workshop.server));
            standing.catalog.is_complete = true;
            call.say(2, 3, "comparing models and chain");
            let refs: Vec<_> = databases.iter().collect();
            let compared = workshop.python(&refs).and_then(|lent| Ok(lent.lock().bridge.compare()?));
            match compared {
                Ok(compared) => standing.drift = Some(compared.items.iter().cloned().zip(told_apart(workshop, &compared.items)).collect()),
                Err(error) => standing.notes.push(format!("models were not compared: {error}")),
            }
        }
        Err(error) => offline(workshop, &mut standing, &error)?,
    }
    Ok(standing)
}

/// Without a scratch server the schema is read off Alembic's own text, and models are not compared.
fn offline(workshop: &Workshop, standing: &mut Standing, error: &crate::workshop::WorkshopError) -> Result<(), ToolError> {
    if !matches!(error, crate::workshop::WorkshopError::Scratch(_)) {
        return Err(crate::tools::source::failed(error));
    }
    let lent = workshop.python(&[]).map_err(|error| crate::tools::source::failed(&error))?;
    let rendered = lent
        .lock()
        .bridge
        .render(crate::bridge::Direction::Up, "base", "heads")
        .map_err(|error| crate::tools::source::failed(&error.into()))?;
    let Some(sql) = rendered.sql else {
        return Err(crate::tools::source::failed(error));
    };
    standing.notes.push(format!("models were not compared: {error}"));
    standing.catalog = Catalog::of_history(&script::read(sql, workshop.server));
    standing.catalog.is_complete = true;
    Ok(())
}

fn wishes(input: &Input, server: Server) -> Result<Vec<Wish>, ToolError> {
    let refused = |at: &str, error: wish::WishError| ToolError {
        code: "bad_change",
        message: error.message,
        at: Some(at.to_owned()),
        hint: error.hint,
        retry: false,
    };
    let mut wishes = Vec::new();
    let listed = match &input.changes {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Array(items)) => items,
            Ok(one) => vec![one],
            Err(error) => {
                let message = format!("`changes` is a list of objects: {error}");
                return Err(refused("changes", wish::WishError { message, hint: "naive DDL goes into `sql`".to_owned() }));
            }
        },
        Some(one) => vec![one.clone()],
    };
    for (n, change) in listed.iter().enumerate() {
        wishes.extend(wish::of_change(change, server).map_err(|error| refused(&format!("changes[{n}]"), error))?);
    }
    if let Some(sql) = &input.sql {
        wishes.extend(wish::statements(sql, None, server).map_err(|error| refused("sql", error))?);
    }
    Ok(wishes)
}

fn empty(input: &Input, standing: &Standing, wishes: &[Wish]) -> Output {
    let types: BTreeSet<&str> = wishes.iter().map(type_of).collect();
    Output {
        common: Common {
            verdict: Verdict::Pass,
            summary: String::new(),
            state: None,
            state_block: None,
            state_overrides: Vec::new(),
            next: Vec::new(),
            assumed: standing.assumed.clone(),
            notes: standing.notes.clone(),
            suggested_queries: vec!["what autogenerate does not detect".to_owned()],
            truncated: None,
        },
        project: standing.project.clone(),
        chain: standing.chain.clone(),
        drift: standing
            .drift
            .as_ref()
            .map_or(Value::Null, |items| json!({ "items": items.iter().map(|(_, item)| item).collect::<Vec<_>>() })),
        change: json!({ "type": types.first(), "types": types, "intent": input.intent }),
        revisions: Vec::new(),
        strategy: None,
        data_loss_risk: "none",
        zero_downtime_required: false,
        downgrade_plan: Vec::new(),
        open_questions: Vec::new(),
        commands: Vec::new(),
        deployed: None,
        reasons: Vec::new(),
    }
}

/// The word of the review report for a wish.
fn type_of(wish: &Wish) -> &'static str {
    match wish {
        Wish::Backfill(_) => "DATA MIGRATION",
        Wish::RemoveEnumValue(_) | Wish::ColumnValue(_) => "MODIFY COLUMN",
        Wish::SplitTable(_) => "ADD TABLE",
        Wish::MergeTables(_) => "DROP TABLE",
        Wish::Statement(statement) => match (&statement.reading.change, statement.action()) {
            (Change::CreateTable(_), _) => "ADD TABLE",
            (Change::CreateIndex { .. }, _) => "ADD INDEX",
            (Change::Drop(_), _) if statement.reading.kind.word() == "drop_table" => "DROP TABLE",
            (_, Some((_, AlterAction::AddColumn { .. }))) => "ADD COLUMN",
            (_, Some((_, AlterAction::DropColumn { .. }))) => "DROP COLUMN",
            (_, Some((_, AlterAction::AddIndex(_)))) => "ADD INDEX",
            (Change::Insert(_) | Change::Update(_) | Change::Delete(_) | Change::Merge(_), _) => "DATA MIGRATION",
            _ => "MODIFY COLUMN",
        },
    }
}

/// A difference that the wishes are about: the models say already what is planned.
fn is_explained(difference: &Difference, wishes: &[Wish]) -> bool {
    let table = difference.table.as_deref().unwrap_or_default().to_lowercase();
    wishes.iter().any(|wish| {
        let words: BTreeSet<String> = match wish {
            Wish::Statement(statement) => words_of(&statement.sql),
            Wish::RemoveEnumValue(value) => words_of(&value.type_name.name),
            Wish::ColumnValue(value) => words_of(&format!("{} {}", value.table.name, value.column)),
            Wish::Backfill(fill) => words_of(&format!("{} {}", fill.table.name, fill.column)),
            Wish::SplitTable(split) => words_of(&format!("{} {} {}", split.table.name, split.into.name, split.columns.join(" "))),
            Wish::MergeTables(merge) => words_of(&format!("{} {}", merge.from.name, merge.into.name)),
        };
        let is_kept = difference.kind.contains("index") || difference.kind.contains("constraint") || difference.kind.contains("fk");
        words.contains(&table)
            && (difference.kind.ends_with("_table")
                || is_kept
                || difference.name.as_ref().is_none_or(|name| words.contains(&name.to_lowercase())))
    })
}

fn words_of(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn project_args(input: &Input) -> Value {
    input.project.as_ref().map_or_else(|| json!({}), |project| json!({ "project": project }))
}

fn closed(output: &mut Output, reason: &'static str, what: &str, tool: &'static str, args: Value) {
    output.common.verdict = Verdict::Blocked;
    output.common.summary = clipped(&format!("blocked: {what}"), MAX_SUMMARY);
    output.common.next = vec![NextCall { tool, args, why: "it comes before any new revision".to_owned() }];
    output.reasons.push(reason);
}

fn refused(output: &mut Output, input: &Input, refusal: &Refusal) {
    let is_made = refusal.code == ALREADY_MADE;
    output.common.verdict = if is_made { Verdict::Warn } else { Verdict::Blocked };
    output.common.summary = clipped(&format!("{}: {}. {}", output.common.verdict.word(), refusal.message, refusal.hint), MAX_SUMMARY);
    output.common.notes.push(refusal.hint.clone());
    output.reasons.push(refusal.code);
    output.common.next = vec![if is_made {
        NextCall { tool: "migration_status", args: project_args(input), why: "it says what is pending where".to_owned() }
    } else {
        NextCall {
            tool: "search_knowledge",
            args: json!({ "query": clipped(&refusal.message, 200), "phase": "PLAN" }),
            why: "what is known of it".to_owned(),
        }
    }];
}

/// The name of a revision: what was asked for, where it is the only one.
fn step_name(name: &str, is_single: bool, input: &Input) -> String {
    let intent = input.intent.as_deref().map(snake).filter(|intent| is_single && intent.contains('_'));
    intent.unwrap_or_else(|| name.to_owned())
}

fn filled(output: &mut Output, input: &Input, planned: Planned, most: Option<usize>) {
    let loss = planned.steps.iter().map(|reviewed| reviewed.loss).max().unwrap_or(Loss::None);
    output.data_loss_risk = loss.word();
    output.zero_downtime_required = planned.needs_zero_downtime;
    output.open_questions = planned.questions;
    for table in &planned.unsized_tables {
        output.open_questions.push(format!(
            "how large is `{table}`? (`table_stats`: {{\"{table}\": {{\"rows\": …, \"bytes\": …}}}}; without it long work is assumed, a small table needs no recipe)"
        ));
    }
    output.common.notes.extend(planned.notes);
    output.common.suggested_queries = planned.recipes.iter().map(|name| format!("recipe-{name}")).collect();
    if output.common.suggested_queries.is_empty() {
        output.common.suggested_queries.push("what autogenerate does not detect".to_owned());
    }
    let single = planned.steps.len() == 1;
    let dialect = output.project.get("dialect").and_then(Value::as_str).unwrap_or_default().to_owned();
    for reviewed in &planned.steps {
        let name = step_name(&reviewed.step.name, single, input);
        let auto = if single && planned.recipes.is_empty() && reviewed.step.concern == Concern::Schema { "--autogenerate " } else { "" };
        output.commands.push(format!("alembic revision {auto}-m \"{name}\""));
        let lost =
            if reviewed.loss_back > Loss::None { format!("; the way back loses: {}", reviewed.loss_back.word()) } else { String::new() };
        output.downgrade_plan.insert(0, format!("{name}: {}{lost}", back_words(&reviewed.downgrade_sql)));
        output.revisions.push(RevisionOut {
            name,
            kind: reviewed.step.concern,
            stage: reviewed.step.stage,
            why: reviewed.step.why.clone(),
            upgrade: reviewed.step.upgrade.python(),
            downgrade: reviewed.step.downgrade.python(),
            sql: Some(reviewed.sql.clone()),
            locks: reviewed.locks.clone(),
            deploy: reviewed.step.deploy.clone(),
        });
    }
    if !single {
        let stages: Vec<String> = planned
            .steps
            .iter()
            .map(|one| {
                format!(
                    "{} ({})",
                    one.step.name,
                    serde_json::to_value(one.step.stage).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
                )
            })
            .collect();
        output.strategy = Some(stages.join(", then "));
    } else if output.zero_downtime_required {
        output.strategy = planned.steps.first().map(|one| one.step.why.clone());
    }
    let unsound: Vec<String> = planned
        .steps
        .iter()
        .flat_map(|one| one.errors.iter().map(move |found| format!("{}: {}: {}", one.step.name, found.rule, found.what)))
        .collect();
    output.common.verdict = match (unsound.is_empty(), output.open_questions.is_empty() && loss < Loss::Medium) {
        (false, _) => Verdict::Blocked,
        (true, false) => Verdict::Warn,
        (true, true) => Verdict::Pass,
    };
    if !unsound.is_empty() {
        output.reasons.push("findings_open");
        output.common.notes.extend(unsound);
    }
    output.common.summary = summary(output, &dialect);
    let after = input.after.unwrap_or(0) as usize;
    let first = output.revisions.get(after).cloned();
    output.revisions.drain(..after.min(output.revisions.len()));
    if let Some(first) = first.filter(|_| output.common.verdict != Verdict::Blocked) {
        let mut step = json!(first);
        if let Some(step) = step.as_object_mut() {
            step.remove("sql");
            step.remove("locks");
        }
        let mut args = json!({ "mode": "step", "step": step });
        if let (Some(args), Some(project)) = (args.as_object_mut(), &input.project) {
            args.insert("project".to_owned(), json!(project));
        }
        output.common.next =
            vec![NextCall { tool: "generate_migration", args, why: "writes the first revision; then review_sql on it".to_owned() }];
    }
    shrink(output, input, most, after);
}

/// From here on the SQL of the bodies is left to `review_sql`, which shows it with what it does.
const LONG: usize = 9_000;

/// Says bodies once only, takes the SQL out, then revisions from the end, until the answer fits.
fn shrink(output: &mut Output, input: &Input, most: Option<usize>, after: usize) {
    let Some(most) = most else { return };
    let room = most.saturating_sub(serialized_length(input) + 200);
    if serialized_length(output) <= LONG.min(most.saturating_sub(50)) {
        return;
    }
    // The bodies stand above, and on the record under this name.
    for step in output.common.next.iter_mut().filter_map(|call| call.args.get_mut("step")?.as_object_mut()) {
        step.retain(|key, _| key == "name");
    }
    for revision in &mut output.revisions {
        revision.sql = None;
    }
    output.common.notes.push("the SQL was left out to keep the answer short: `review_sql` shows it".to_owned());
    if serialized_length(output) <= most.saturating_sub(50) {
        return;
    }
    let all = output.revisions.len();
    while output.revisions.len() > 1 && serialized_length(output) > room {
        output.revisions.pop();
    }
    let left = all - output.revisions.len();
    if left > 0 {
        let args = Input { after: Some((after + output.revisions.len()) as u32), ..input.clone() };
        output.common.truncated = Some(json!({ "left": left, "args": args }));
    }
}

fn back_words(sql: &str) -> String {
    let kept: Vec<&str> = sql.lines().filter(|line| !line.starts_with("--") && !matches!(*line, "BEGIN;" | "COMMIT;")).collect();
    match kept.as_slice() {
        [] => "nothing to send".to_owned(),
        [one] => one.trim_end_matches(';').to_owned(),
        [one, rest @ ..] => format!("{}, and {} more", clipped(one.trim_end_matches(';'), 80), counted(rest.len(), "line")),
    }
}

fn summary(output: &Output, dialect: &str) -> String {
    let names: Vec<&str> = output.revisions.iter().map(|revision| revision.name.as_str()).collect();
    let mut text = format!("{}: {} for {dialect}: {}", output.common.verdict.word(), counted(names.len(), "revision"), names.join(", "));
    let _ = write!(text, "; data loss {}", output.data_loss_risk);
    if let Some(first) = output.open_questions.first() {
        let _ = write!(text, ". Open: {first}");
    }
    clipped(&text, MAX_SUMMARY)
}

fn text_of(output: &Output) -> String {
    let mut text = format!("{}\n", output.common.summary);
    for revision in &output.revisions {
        let _ = write!(
            text,
            "\n{} ({})\n  why: {}\n  deploy: {}\n  upgrade:\n{}  downgrade:\n{}",
            revision.name,
            serde_json::to_value(revision.stage).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default(),
            revision.why,
            revision.deploy,
            indented(&revision.upgrade),
            indented(&revision.downgrade)
        );
    }
    for (word, lines) in
        [("open", &output.open_questions), ("note", &output.common.notes), ("assumed", &output.common.assumed), ("run", &output.commands)]
    {
        for line in lines {
            let _ = write!(text, "\n{word}: {line}");
        }
    }
    text.push('\n');
    text
}

fn indented(body: &str) -> String {
    body.lines().map(|line| format!("    {line}\n")).collect()
}

//! `classify_risk`: data loss, locks, reversibility of SQL, with reasons. Touches nothing.

use serde::Serialize;
use serde_json::{Value, json};

use crate::effects::{Effect, Loss};
use crate::finding::Severity;
use crate::judge::Judgement;
use crate::risk::{self, LockBasis, Wait};
use crate::sql::change::{Flag, Name};
use crate::sql::script::{Script, Statement};
use crate::step::Step;
use crate::tools::answer::{Answer, Common, MAX_CHARACTERS, MAX_SUMMARY, NextCall, Verdict, clipped, counted};
use crate::tools::call::Call;
use crate::tools::schema::output_schema;
use crate::tools::source::{Asked, Detail, SqlInput, counting};
use crate::tools::{Tool, Touches, parsed};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "classify_risk",
    title: "Classify the risk of migration SQL",
    description: "Says for migration SQL (PostgreSQL, MariaDB/MySQL, SQLite) what each statement locks and for how long, whether it rewrites or scans a table, \
which rows or values it loses, how the server may refuse it, and whether it can be undone: facts measured on real servers, by version. \
Call it when you want to know what one statement does, before you write it into a revision. Give `setup_sql` (the schema before) and `table_stats` for exact answers. \
Touches nothing. For a judgement with mends, call review_sql.",
    touches: Touches::Nothing,
    input_schema,
    output_schema: schema,
    call,
};

fn input_schema() -> Value {
    crate::tools::source::input_schema(&["deployed", "downgrade_sql", "migration_id", "state_block"])
}

fn schema() -> Value {
    output_schema(&[
        ("data_loss_risk", &["string"]),
        ("zero_downtime_required", &["boolean"]),
        ("lock_duration", &["string"]),
        ("lock_duration_ms", &["number", "null"]),
        ("lock_basis", &["object", "null"]),
        ("reversible", &["string"]),
        ("reasons", &["array"]),
        ("statements", &["array"]),
    ])
}

fn call(arguments: Value, call: &Call<'_>) -> Answer {
    match parsed::<SqlInput>(TOOL.name, arguments) {
        Ok(input) => run(&input, crate::step::Options::default(), call, Some(MAX_CHARACTERS)),
        Err(answer) => *answer,
    }
}

/// The risk of a script, for both tools.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Risk {
    /// `none`, `low`, `medium`, `high`.
    pub data_loss_risk: &'static str,
    /// Somebody would wait longer than is tolerated.
    pub zero_downtime_required: bool,
    /// `none`, `seconds`, `minutes`, `maintenance_window`.
    pub lock_duration: &'static str,
    /// The longest wait in milliseconds; null where a size is missing.
    pub lock_duration_ms: Option<f64>,
    /// What it was computed from.
    pub lock_basis: Option<LockBasis>,
    /// `yes`, `shape_only`, `no`, `unknown`.
    pub reversible: &'static str,
    /// One line for each thing that makes the risk what it is.
    pub reasons: Vec<String>,
}

/// A lock, in an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LockOut {
    /// The table.
    pub table: String,
    /// The mode in the server's words.
    pub mode: &'static str,
    /// A `SELECT` waits.
    pub blocks_reads: bool,
    /// An `INSERT` waits.
    pub blocks_writes: bool,
}

/// A statement, in an answer. What is left out in `concise` is not there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatementOut {
    /// From 1.
    pub index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The revision, where a comment says it.
    pub revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The file.
    pub file: Option<String>,
    /// From 1.
    pub line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// From 1, in characters.
    pub column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The text.
    pub sql: Option<String>,
    /// What it is.
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The parts of an `ALTER`.
    pub actions: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// What its words say.
    pub flags: Option<std::collections::BTreeMap<&'static str, Flag>>,
    /// The table it names, then those it locks.
    pub tables: Vec<String>,
    /// On tables that stood before.
    pub locks: Vec<LockOut>,
    /// `instant`, `scan`, `rewrite`.
    pub work: &'static str,
    /// `none`, `low`, `medium`, `high`.
    pub loss: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// How the server may refuse.
    pub fails: Option<Vec<crate::effects::Failure>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// The MySQL family's class.
    pub online: Option<crate::effects::Online>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// It runs in a transaction.
    pub in_transaction: Option<bool>,
    /// Every word was understood, and there is a fact for it.
    pub understood: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Passages that tell more.
    pub cite: Option<Vec<&'static str>>,
}

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    common: Common,
    #[serde(flatten)]
    risk: Risk,
    statements: Vec<StatementOut>,
}

/// From so many statements on the file is named by the revision alone.
const FEW: usize = 10;

/// Runs the tool. `most`: how many characters the answer may have; the command line never cuts.
#[must_use]
pub fn run(input: &SqlInput, options: crate::step::Options, call: &Call<'_>, most: Option<usize>) -> Answer {
    let asked = match Asked::of(input, options, call) {
        Ok(asked) => asked,
        Err(error) => return Answer::failed(error),
    };
    let judged = asked.upgrade();
    let risk = risk_of(&judged, &asked);
    let verdict = verdict_of(counting(&judged.findings).map(|finding| finding.severity));
    let mut statements = statements_of(&asked.script, &judged, &asked);
    let count = statements.len();
    let summary = summary(verdict, &risk, &judged, count);
    let next = if (1..2_000).contains(&repeated_length(input)) && verdict > Verdict::Pass {
        vec![NextCall { tool: "review_sql", args: json!(input), why: "what to write instead".to_owned() }]
    } else {
        Vec::new()
    };
    let common = Common {
        verdict,
        summary,
        state: None,
        state_block: None,
        state_overrides: Vec::new(),
        next,
        assumed: assumptions(&asked, &risk),
        notes: asked.notes.clone(),
        suggested_queries: Vec::new(),
        truncated: None,
    };
    let text = text_of(&common, &risk, &statements);
    if most.is_some() && asked.detail != Detail::Full && statements.len() > FEW {
        statements.iter_mut().for_each(|statement| statement.file = None);
    }
    let mut output = Output { common, risk, statements: Vec::new() };
    let whole = serialized_length(&output) + serialized_length(&statements);
    let repeated = if most.is_some_and(|most| whole > most) { repeated_length(input) } else { 0 };
    let left = cut(&mut statements, serialized_length(&output) + repeated, most);
    output.common.truncated = continuation(input, &statements, left);
    output.statements = statements;
    Answer::of(&output, verdict, clipped_text(&text, most)).within(most)
}

/// The text part fits the same limit.
pub(crate) fn clipped_text(text: &str, most: Option<usize>) -> String {
    most.map_or_else(|| text.to_owned(), |most| clipped(text, most))
}

/// The length of a value as JSON, in bytes.
pub(crate) fn serialized_length(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

/// Cuts statements from the end until they fit; gives how many are left out.
pub(crate) fn cut<T: Serialize>(items: &mut Vec<T>, others: usize, most: Option<usize>) -> usize {
    let Some(most) = most else { return 0 };
    let room = most.saturating_sub(others).saturating_sub(300);
    let mut used = 0;
    let fitting = items
        .iter()
        .take_while(|item| {
            used += serialized_length(item) + 1;
            used <= room
        })
        .count();
    let left = items.len() - fitting;
    items.truncate(fitting);
    left
}

/// The call that goes on behind the last statement told.
pub(crate) fn continuation(input: &SqlInput, told: &[StatementOut], left: usize) -> Option<Value> {
    if left == 0 {
        return None;
    }
    let after = told.last().map_or(input.after.unwrap_or(0), |statement| statement.index);
    let short = repeated_length(input) > 0;
    let args = if short { json!(SqlInput { after: Some(after), ..input.clone() }) } else { json!({ "after": after }) };
    Some(json!({ "left": left, "args": args }))
}

/// The length that `input` takes in a call that goes on; 0: it is too long to be said again, or holds a secret.
pub(crate) fn repeated_length(input: &SqlInput) -> usize {
    const MOST: usize = 4_000;
    let texts = [&input.sql, &input.downgrade_sql, &input.setup_sql];
    let said = texts.into_iter().flatten();
    if said.clone().map(String::len).sum::<usize>() > MOST || said.into_iter().any(|text| !crate::secret::secrets(text).is_empty()) {
        return 0;
    }
    Some(serialized_length(input)).filter(|length| *length <= MOST).unwrap_or(0)
}

/// The risk of all statements together.
#[must_use]
pub fn risk_of(judged: &Judgement, asked: &Asked) -> Risk {
    let steps = &judged.steps;
    let loss = risk::greatest_loss(steps.iter().map(|step| &step.effect));
    let longest = steps.iter().map(|step| step.wait.clone()).fold(Wait::default(), risk::longer);
    let tolerated = asked.options.max_block_ms as f64;
    let undo = steps.iter().map(|step| step.effect.undo).max().unwrap_or_default();
    let reversible = match risk::reversible_word(undo) {
        "yes" if loss >= Loss::Medium => "shape_only",
        word => word,
    };
    Risk {
        data_loss_risk: loss.word(),
        zero_downtime_required: steps.iter().any(|step| step.wait.grows_with_size && step.wait.ms.is_none_or(|ms| ms > tolerated)),
        lock_duration: risk::duration_word(&longest),
        lock_duration_ms: longest.ms,
        lock_basis: longest.basis,
        reversible,
        reasons: reasons(steps, &asked.script, asked.detail),
    }
}

fn reasons(steps: &[Step], script: &Script, detail: Detail) -> Vec<String> {
    let mut found = Vec::new();
    for step in steps {
        let Some(statement) = script.statements.get(step.at) else { continue };
        let effect = &step.effect;
        if let (Some(why), true) = (&effect.loss_why, effect.loss > Loss::None) {
            found.push(format!("{}: loss {}: {why}", statement.index, effect.loss.word()));
        }
        if step.wait.grows_with_size {
            found.push(format!("{}: {} while others wait", statement.index, work_words(effect)));
        }
        for failure in &effect.fails {
            found.push(format!("{}: {} {}", statement.index, failure.code, failure.why));
        }
    }
    let most = if detail == Detail::Full { 200 } else { 12 };
    if found.len() > most {
        let left = found.len() - most;
        found.truncate(most);
        found.push(format!("and {left} more"));
    }
    found
}

fn work_words(effect: &Effect) -> String {
    let names = |tables: &[Name]| tables.iter().map(|table| format!("`{}`", table.shown())).collect::<Vec<_>>().join(", ");
    if !effect.rewrites.is_empty() {
        format!("{} is written anew", names(&effect.rewrites))
    } else if !effect.builds.is_empty() {
        format!("an index on {} is built", names(&effect.builds))
    } else {
        format!("{} is read through", names(&effect.scans))
    }
}

/// The statements as they are told, behind `after`.
#[must_use]
pub fn statements_of(script: &Script, judged: &Judgement, asked: &Asked) -> Vec<StatementOut> {
    judged
        .steps
        .iter()
        .filter_map(|step| Some((script.statements.get(step.at)?, step)))
        .filter(|(statement, _)| statement.index > asked.after)
        .map(|(statement, step)| statement_out(script, statement, &step.effect, asked))
        .collect()
}

fn statement_out(script: &Script, statement: &Statement, effect: &Effect, asked: &Asked) -> StatementOut {
    let full = asked.detail == Detail::Full;
    let reading = &statement.reading;
    let (file, line) = asked.place(script, statement.line);
    let locks: Vec<LockOut> = effect
        .locks
        .iter()
        .filter(|lock| lock.mode != crate::effects::LockMode::AccessShare)
        .map(|lock| LockOut {
            table: lock.table.shown(),
            mode: lock.mode.words(),
            blocks_reads: lock.mode.blocks_reads(),
            blocks_writes: lock.mode.blocks_writes(),
        })
        .collect();
    // The first is the statement's own; a statement that names none has none here, its locks say the rest.
    let mut tables: Vec<String> = reading.relation.iter().map(ToString::to_string).collect();
    for lock in locks.iter().filter(|_| reading.relation.is_some()) {
        if lock.table != "*" && !tables.iter().any(|table| table.trim_start_matches("public.") == lock.table) {
            tables.push(lock.table.clone());
        }
    }
    StatementOut {
        index: statement.index,
        revision: statement.revision.clone(),
        file,
        line,
        column: full.then_some(statement.column),
        sql: full.then(|| crate::secret::redacted(script.text_of(statement))),
        kind: reading.kind.word(),
        actions: (full || !reading.actions.is_empty()).then(|| reading.actions.iter().map(|action| action.word()).collect()),
        flags: full.then(|| reading.flags.clone()),
        tables,
        locks,
        work: effect.work.word(),
        loss: effect.loss.word(),
        fails: (full || !effect.fails.is_empty()).then(|| effect.fails.clone()),
        online: effect.online,
        in_transaction: full.then_some(statement.transaction.is_some()),
        understood: reading.is_understood() && effect.unknown.is_none(),
        cite: full.then(|| effect.cites.clone()),
    }
}

/// The verdict that the worst finding gives.
#[must_use]
pub fn verdict_of(severities: impl Iterator<Item = Severity>) -> Verdict {
    match severities.max() {
        Some(Severity::Error) => Verdict::Blocked,
        Some(Severity::Warning) => Verdict::Warn,
        Some(Severity::Notice) | None => Verdict::Pass,
    }
}

/// What was taken for granted, with the missing sizes.
#[must_use]
pub fn assumptions(asked: &Asked, risk: &Risk) -> Vec<String> {
    let mut assumed = asked.assumed.clone();
    if risk.lock_duration_ms.is_none() {
        assumed.push("sizes of tables are not known: work that grows with the table counts as minutes (give `table_stats`)".to_owned());
    }
    assumed
}

fn summary(verdict: Verdict, risk: &Risk, judged: &Judgement, statements: usize) -> String {
    let not_understood = judged.steps.iter().filter(|step| step.effect.unknown.is_some()).count();
    let mut text = format!(
        "{}: {}; data loss {}, others wait {}, reversible: {}",
        verdict.word(),
        counted(statements, "statement"),
        risk.data_loss_risk,
        match risk.lock_duration {
            "none" => "for nothing".to_owned(),
            "maintenance_window" => "longer than 10 minutes".to_owned(),
            word => format!(
                "{word}{}",
                risk.lock_duration_ms
                    .filter(|ms| *ms > 0.0)
                    .map_or(String::new(), |ms| format!(" (about {})", crate::rules::human_time(ms)))
            ),
        },
        risk.reversible
    );
    if not_understood > 0 {
        text.push_str(&format!("; {not_understood} not understood"));
    }
    if let Some(reason) = risk.reasons.first() {
        text.push_str(&format!(". {reason}"));
    }
    clipped(&text, MAX_SUMMARY)
}

fn text_of(common: &Common, risk: &Risk, statements: &[StatementOut]) -> String {
    let mut text = format!("verdict: {}\n{}\n", common.verdict.word(), common.summary);
    for reason in &risk.reasons {
        text.push_str(&format!("- {reason}\n"));
    }
    for statement in statements {
        let locks: Vec<String> = statement.locks.iter().map(|lock| format!("{} {}", lock.table, lock.mode)).collect();
        text.push_str(&format!(
            "{} (line {}) {} {}: {}, loss {}{}{}\n",
            statement.index,
            statement.line,
            statement.kind,
            statement.tables.first().map_or("", String::as_str),
            statement.work,
            statement.loss,
            if locks.is_empty() { String::new() } else { format!(", locks {}", locks.join(", ")) },
            if statement.understood { "" } else { ", NOT UNDERSTOOD" },
        ));
    }
    for line in &common.assumed {
        text.push_str(&format!("assumed: {line}\n"));
    }
    for line in &common.notes {
        text.push_str(&format!("note: {line}\n"));
    }
    text
}

//! `review_sql`: the exact SQL both ways, judged: findings with mends, the checklist, the report.

mod broken;
mod lean;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::intent::{Deed, Doing, Intent, beside};
use crate::judge::{Judgement, judge_project};
use crate::recovery::Compatibility;
use crate::rules::shortened;
use crate::sql::catalog::{Catalog, RelationKind};
use crate::sql::change::{AlterAction, Change};
use crate::sql::script::{Script, Statement};
use crate::step::{Options, is_ddl};
use crate::tools::answer::{Answer, Common, MAX_CHARACTERS, MAX_SUMMARY, ToolError, Verdict, clipped, counted};
use crate::tools::call::Call;
use crate::tools::classify_risk::{
    Risk, StatementOut, assumptions, continuation, cut, repeated_length, risk_of, serialized_length, statements_of, verdict_of,
};
use crate::tools::code_in_use;
use crate::tools::migration::Migration;
use crate::tools::migration::named::message_name;
use crate::tools::migration::plan::Plan;
use crate::tools::migration::view::with_block;
use crate::tools::schema::output_schema;
use crate::tools::source::{Asked, Detail, Ranged, SqlInput, counting};
use crate::tools::{Tool, Touches, parsed};
use crate::workshop::Workshop;
use crate::workshop::rendering::Broken;

/// The tool.
pub const TOOL: Tool = Tool {
    name: "review_sql",
    title: "Review migration SQL, both ways",
    description: "Reviews the exact SQL of a database migration before it is applied: locks on every table concerned, rewrites and scans, data loss, what breaks in the running release, \
what the server will refuse, in upgrade and downgrade. Each finding says what, why and what to write instead (SQL and Alembic operations). \
Call it after a revision was written or generated and before any `alembic upgrade`. PostgreSQL 12-18, MariaDB, MySQL and SQLite by version. Touches no configured database.",
    touches: Touches::OwnRecord,
    input_schema,
    output_schema: schema,
    call,
};

fn input_schema() -> Value {
    crate::tools::source::input_schema(&[])
}

fn schema() -> Value {
    output_schema(&[
        ("range", &["object", "null"]),
        ("rendered_by", &["string"]),
        ("risk", &["object"]),
        ("statements", &["array"]),
        ("findings", &["array"]),
        ("downgrade", &["object", "null"]),
        ("checklist", &["object"]),
        ("deployed", &["object", "null"]),
        ("autogenerate_caveats", &["array"]),
        ("report_uri", &["string", "null"]),
    ])
}

fn call(arguments: Value, call: &Call<'_>) -> Answer {
    match parsed::<SqlInput>(TOOL.name, arguments) {
        Ok(input) => run(&input, Options::default(), call, Some(MAX_CHARACTERS)),
        Err(answer) => *answer,
    }
}

/// One item of the checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// True only with evidence; null where nobody can tell.
    pub ok: Option<bool>,
    /// What was seen.
    pub evidence: String,
}

/// The way back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WayBack {
    /// Its statements.
    pub statements: Vec<StatementOut>,
    /// What the rules say of them.
    pub findings: Vec<Finding>,
    /// What it loses.
    pub data_loss_risk: &'static str,
}

/// A review, before it is cut to an answer.
pub struct Review {
    /// The question.
    pub asked: Asked,
    /// The way up, judged.
    pub judged: Judgement,
    /// Its risk.
    pub risk: Risk,
    /// The way back.
    pub downgrade: Option<WayBack>,
    /// The checklist, in the order of the contract.
    pub checklist: BTreeMap<&'static str, Item>,
    /// What the code of the deployed commit is to the new schema; none where none was named.
    pub deployed: Option<Compatibility>,
    /// The outcome.
    pub verdict: Verdict,
}

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    common: Common,
    range: Value,
    rendered_by: &'static str,
    risk: Risk,
    findings: Vec<Finding>,
    downgrade: Option<WayBack>,
    checklist: BTreeMap<&'static str, Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployed: Option<Compatibility>,
    autogenerate_caveats: Vec<String>,
    report_uri: Option<String>,
    statements: Vec<StatementOut>,
}

/// Reviews, without cutting.
///
/// # Errors
/// What `Asked::of` refuses.
pub fn review(input: &SqlInput, options: Options, call: &Call<'_>) -> Result<Review, crate::tools::answer::ToolError> {
    let mut review = reviewed(Asked::of(input, options, call)?);
    review.deployed = tried(input, &review.asked, &mut review.judged.findings)?;
    if review.deployed.as_ref().is_some_and(|found| !found.breaks.is_empty()) {
        review.verdict = review.verdict.max(Verdict::Blocked);
    }
    Ok(review)
}

/// The review of what is asked.
#[must_use]
pub fn reviewed(asked: Asked) -> Review {
    let mut judged = asked.upgrade();
    if let Some(ranged) = &asked.ranged {
        with_project(&mut judged.findings, ranged);
        judged.findings.extend(code_in_use::in_use(&asked.script, &asked.options, ranged));
    }
    let risk = risk_of(&judged, &asked);
    let downgrade = asked.way_back(&judged.after).map(|(script, back)| WayBack {
        statements: statements_of(script, &back, &asked),
        data_loss_risk: risk_of(&back, &asked).data_loss_risk,
        findings: back.findings,
    });
    let of_both = counting(&judged.findings).chain(
        downgrade
            .iter()
            .flat_map(|back| counting(&back.findings))
            .filter(|finding| finding.rule == "not_understood" || finding.rule == "will_fail"),
    );
    let verdict = verdict_of(of_both.map(|finding| finding.severity));
    let mut checklist = checklist(&asked.script, &judged, &risk, downgrade.as_ref());
    if let Some(ranged) = &asked.ranged {
        let statements: Vec<&Statement> = judged.steps.iter().filter_map(|step| asked.script.statements.get(step.at)).collect();
        checklist.extend(items_of_project(&asked, ranged, &judged.findings, &statements));
    }
    Review { asked, judged, risk, downgrade, checklist, deployed: None, verdict }
}

/// Runs the tool. `most`: how many characters the answer may have; the command line never cuts.
#[must_use]
pub fn run(input: &SqlInput, options: Options, call: &Call<'_>, most: Option<usize>) -> Answer {
    match review(input, options, call) {
        Ok(review) => answer(input, review, most),
        Err(error) if error.code == "broken_chain" => broken::answer(input, &error, call, most).unwrap_or_else(|| Answer::failed(error)),
        Err(error) => Answer::failed(error),
    }
}

/// The review as an answer.
#[must_use]
pub fn answer(input: &SqlInput, review: Review, most: Option<usize>) -> Answer {
    let migration = recorded(input, &review);
    let Review { asked, judged, risk, mut downgrade, checklist, deployed, verdict } = review;
    let concise = asked.detail == Detail::Concise;
    let notices = judged.findings.iter().filter(|finding| finding.severity == Severity::Notice).count();
    let kept = |findings: Vec<Finding>| -> Vec<Finding> {
        findings.into_iter().filter(|finding| !concise || finding.severity > Severity::Notice).collect()
    };
    let mut notes = asked.notes.clone();
    if concise && notices > 0 {
        notes.push(format!("{} not shown (detail: full)", counted(notices, "notice")));
    }
    let mut statements = statements_of(&asked.script, &judged, &asked);
    let summary = summary(verdict, &risk, &judged, downgrade.as_ref());
    let text = text_of(verdict, &summary, &judged.findings, downgrade.as_ref(), &asked, &risk, &notes);
    let findings = kept(judged.findings);
    if let Some(back) = &mut downgrade {
        back.findings = kept(std::mem::take(&mut back.findings));
    }
    let queries = suggested_queries(&findings);
    let mut common = Common {
        verdict,
        summary,
        state: None,
        state_block: None,
        state_overrides: Vec::new(),
        next: Vec::new(),
        assumed: assumptions(&asked, &risk),
        notes,
        suggested_queries: queries,
        truncated: None,
    };
    if let Some(migration) = &migration {
        migration.show(&mut common, None, None);
    }
    let text = with_block(&text, &common, most);
    let mut output = Output {
        common,
        range: range_of(asked.ranged.as_ref()),
        rendered_by: asked.ranged.as_ref().map_or("given", |ranged| ranged.rendering.by.word()),
        risk,
        findings,
        downgrade,
        checklist,
        deployed,
        autogenerate_caveats: asked.ranged.as_ref().map(|ranged| caveats(ranged, &asked.before)).unwrap_or_default(),
        report_uri: migration.as_ref().map(|migration| migration.report_uri("review.md")),
        statements: Vec::new(),
    };
    let repeated = repeated_length(input);
    let left = lean::lean(&mut output, &mut statements, asked.detail, most, repeated);
    let left = left + shrink(&mut output, &mut statements, most, repeated);
    output.common.truncated = continuation(input, &statements, left);
    output.statements = statements;
    Answer::of(&output, verdict, text).within(most)
}

/// The migration that was reviewed, with this review on its record; none for raw SQL. Once for each review, in whatever form it is told.
pub fn recorded(input: &SqlInput, review: &Review) -> Option<Migration> {
    let mut migration = Migration::of_review(review, input)?;
    if input.setup_sql.is_some() {
        migration.record.notes.push("reviewed against `setup_sql` and not the chain: no evidence is kept of it".to_owned());
    } else {
        migration.add_review();
    }
    Some(migration)
}

/// Adds what the rules say of the revision files and of the chain, and what failed on the scratch database; where they
/// and the SQL say the same of a revision, the file's line counts.
fn with_project(findings: &mut Vec<Finding>, ranged: &Ranged) {
    let Ranged { workshop, range, rendering, .. } = ranged;
    let mut expected = workshop.workspace.expectations(&workshop.config);
    expected.range = Some(range.revisions.iter().cloned().collect());
    let of_project = judge_project(&workshop.workspace.project, &expected, &workshop.config.severities());
    findings.retain(|found| !of_project.iter().any(|other| other.rule == found.rule && other.revision == found.revision));
    findings.extend(of_project);
    if let Some(broken) = &rendering.broken {
        findings.insert(0, broken_finding(broken, workshop));
    }
}

/// What autogenerate does not see in this project, with the names of what models cannot hold.
fn caveats(ranged: &Ranged, before: &Catalog) -> Vec<String> {
    let mut found = ranged.rendering.unseen_by_autogenerate.clone();
    let views = before.tables().filter(|(_, table)| matches!(table.kind, RelationKind::View | RelationKind::MaterializedView));
    let views = views.map(|(name, _)| format!("view `{}`", name.shown()));
    let stands: Vec<String> = views.take(8).collect();
    if !stands.is_empty() {
        found.insert(0, format!("what stands here and no model holds: {}", stands.join(", ")));
    }
    found
}

/// Those items of the checklist that a project answers.
fn items_of_project(asked: &Asked, ranged: &Ranged, findings: &[Finding], statements: &[&Statement]) -> Vec<(&'static str, Item)> {
    let (script, before) = (&asked.script, &asked.before);
    let Ranged { workshop, range, plan, .. } = ranged;
    let project = &workshop.workspace.project;
    let revisions = range.revisions.iter().filter_map(|id| project.graph.by_id(id).and_then(|at| project.revision(at)));
    let wish = plan.as_ref().and_then(Plan::wish);
    let intents: Vec<Intent> = revisions.filter_map(|revision| Intent::of(&revision.message)).chain(wish).collect();
    let deeds = Deed::of_all(script, statements, before);
    let said = |rules: &[&str]| counting(findings).find(|finding| rules.contains(&finding.rule)).map(|finding| finding.what.clone());
    let unsaid = beside(&intents, &deeds);
    let drops: Vec<String> = deeds.iter().filter(|deed| deed.doing == Doing::Drop).map(ToString::to_string).collect();
    let is_drop = |at: &usize| deeds.get(*at).is_some_and(|deed| deed.doing == Doing::Drop);
    let no_drop = match (&unsaid, said(&["unexpected_drop"])) {
        (_, Some(what)) => Some(item(Some(false), what)),
        (Ok(unsaid), None) if !drops.is_empty() => Some(match unsaid.iter().find(|(at, _)| is_drop(at)) {
            Some((_, what)) => item(Some(false), what.clone()),
            None => item(Some(true), format!("the messages speak of what goes: it {}", clipped(&drops.join(", "), 200))),
        }),
        _ => None,
    };
    let names: Vec<String> = range.revisions.iter().map(|id| message_name(&workshop.workspace, id)).collect();
    let planned = plan.as_ref().and_then(|plan| plan.is_met(&names, &deeds));
    let matches = match (planned, unsaid) {
        (Some(Ok(evidence)), _) => item(Some(true), evidence),
        (Some(Err(evidence)), _) => item(Some(false), evidence),
        (None, Err(why)) => item(None, why),
        (None, Ok(unsaid)) => match unsaid.first() {
            Some((_, first)) => item(Some(false), format!("{} beside what the messages say: {first}", counted(unsaid.len(), "change"))),
            None => {
                item(Some(true), format!("{} as the messages say: {}", counted(deeds.len(), "change"), clipped(&quoted(&intents), 200)))
            }
        },
    };
    let names = match said(&["name_not_descriptive"]) {
        Some(what) => item(Some(false), what),
        None => item(Some(true), format!("{} described by name", counted(ranged.range.revisions.len(), "revision"))),
    };
    let broken = [
        "multiple_heads",
        "missing_parent",
        "revision_cycle",
        "duplicate_revision",
        "unreadable_revision",
        "reserved_revision_id",
        "merge_conflict",
    ];
    let chain = match said(&broken) {
        Some(what) => item(Some(false), what),
        None => item(
            Some(true),
            format!("{}, {} as expected", counted(project.graph.nodes.len(), "revision"), counted(project.graph.real_heads.len(), "head")),
        ),
    };
    let mut items = vec![("matches_intent", matches), ("names_describe", names), ("chain_linear", chain)];
    items.extend(no_drop.map(|drop| ("no_unexpected_drop", drop)));
    items
}

fn quoted(intents: &[Intent]) -> String {
    intents.iter().map(|intent| format!("\"{}\"", intent.said)).collect::<Vec<_>>().join(", ")
}

/// Tries the code of the commit that the caller named.
fn tried(input: &SqlInput, asked: &Asked, findings: &mut Vec<Finding>) -> Result<Option<Compatibility>, ToolError> {
    let Some(deployed) = &input.deployed else { return Ok(None) };
    let Some(ranged) = &asked.ranged else {
        return Err(ToolError {
            code: "deployed",
            message: "`deployed` needs a project: raw SQL has no code".to_owned(),
            at: Some("deployed".to_owned()),
            hint: "leave it out, or give `project` instead of `sql`".to_owned(),
            retry: false,
        });
    };
    let (found, broken) = code_in_use::of_deployed(ranged, deployed).map_err(|error| code_in_use::refused(&error))?;
    findings.extend(broken);
    Ok(Some(found))
}

fn broken_finding(broken: &Broken, workshop: &Workshop) -> Finding {
    let failure = &broken.failure;
    let way = match broken.direction {
        crate::bridge::Direction::Up => "upgrade",
        crate::bridge::Direction::Down => "downgrade",
    };
    let folder = &workshop.workspace.folder;
    Finding {
        id: format!("will_fail:{}", failure.revision.clone().unwrap_or_default()),
        rule: "will_fail",
        severity: Severity::Error,
        statement: None,
        line: failure.line,
        revision: failure.revision.clone(),
        file: failure.file.as_ref().map(|file| file.strip_prefix(folder).unwrap_or(file).to_string_lossy().into_owned()),
        table: None,
        what: format!("the {way} fails on an empty scratch database: {}", failure.message.lines().next().unwrap_or_default()),
        why: failure.sentence.clone(),
        mend: "mend the revision, then review it again".to_owned(),
        fix_sql: None,
        fix_alembic: None,
        cite: vec!["rule-will_fail#why".to_owned()],
        allowed: None,
    }
}

/// The range as the contract names it; nulls for raw SQL.
fn range_of(ranged: Option<&Ranged>) -> Value {
    match ranged {
        Some(Ranged { range, .. }) => json!({ "from": range.from, "to": range.to, "revisions": range.revisions }),
        None => json!({ "from": null, "to": null }),
    }
}

/// Cuts statements, then fixes, then findings, from the end; errors of the way up stay longest. Gives how many are left out.
///
/// `repeated`: what the call that goes on takes.
fn shrink(output: &mut Output, statements: &mut Vec<StatementOut>, most: Option<usize>, repeated: usize) -> usize {
    let Some(most) = most else { return 0 };
    if serialized_length(output) + serialized_length(statements) <= most.saturating_sub(100) {
        return 0;
    }
    let limit = most.saturating_sub(repeated);
    let mut left = 0;
    if let Some(back) = &mut output.downgrade
        && serialized_length(&back.statements) > limit / 4
    {
        let all = back.statements.len();
        cut(&mut back.statements, 0, Some(limit / 4 + 300));
        left += all - back.statements.len();
    }
    if serialized_length(output) > limit / 2 {
        for finding in findings_of(output) {
            finding.fix_sql = finding.fix_sql.take().map(|text| clipped(&text, 200));
            finding.fix_alembic = finding.fix_alembic.take().map(|text| clipped(&text, 200));
        }
    }
    let room = limit.saturating_sub(1_000);
    let over = |output: &Output| serialized_length(output).saturating_sub(room);
    let too_long = over(output);
    left += drop_last(&mut output.findings, too_long, |finding| finding.severity < Severity::Error);
    let too_long = over(output);
    if let Some(back) = &mut output.downgrade {
        left += drop_last(&mut back.findings, too_long, |finding| finding.severity < Severity::Error);
    }
    let too_long = over(output);
    if let Some(back) = &mut output.downgrade {
        left += drop_last(&mut back.findings, too_long, |_| true);
    }
    if over(output) > 0 {
        // Only errors are left and they are too many: those at the end are told in one line.
        let all = output.findings.len();
        while over(output) > 0 && output.findings.len() > 1 {
            output.findings.truncate(output.findings.len() * 9 / 10);
        }
        let gone = all - output.findings.len();
        left += gone;
        if gone > 0 {
            output.common.notes.push(format!("{gone} more errors: go on with `after`"));
            let last = output.findings.last().and_then(|finding| finding.statement).unwrap_or(0);
            statements.retain(|statement| statement.index <= last);
        }
    }
    left + cut(statements, serialized_length(output) + repeated, Some(most))
}

fn findings_of(output: &mut Output) -> impl Iterator<Item = &mut Finding> {
    output.findings.iter_mut().chain(output.downgrade.iter_mut().flat_map(|back| back.findings.iter_mut()))
}

/// Drops items from the end, of those that `may_go`, until `too_long` bytes of JSON are saved. Gives how many.
fn drop_last<T: Serialize>(items: &mut Vec<T>, too_long: usize, may_go: impl Fn(&T) -> bool) -> usize {
    let before = items.len();
    let mut saved = 0;
    let mut kept: Vec<T> = Vec::new();
    while saved < too_long {
        let Some(item) = items.pop() else { break };
        if may_go(&item) {
            saved += serialized_length(&item) + 1;
        } else {
            kept.push(item);
        }
    }
    items.extend(kept.into_iter().rev());
    before - items.len()
}

fn suggested_queries(findings: &[Finding]) -> Vec<String> {
    let mut queries: Vec<String> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.severity > Severity::Notice) {
        let query = finding.rule.replace('_', " ");
        if !queries.contains(&query) && queries.len() < 3 {
            queries.push(query);
        }
    }
    queries
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    counting(findings).filter(|finding| finding.severity == severity).count()
}

fn summary(verdict: Verdict, risk: &Risk, judged: &Judgement, downgrade: Option<&WayBack>) -> String {
    let mut text = format!(
        "{}: {}, {}; data loss {}, lock duration {}",
        verdict.word(),
        counted(count(&judged.findings, Severity::Error), "error"),
        counted(count(&judged.findings, Severity::Warning), "warning"),
        risk.data_loss_risk,
        risk.lock_duration.replace('_', " "),
    );
    let first = counting(&judged.findings).max_by_key(|finding| (finding.severity, std::cmp::Reverse(finding.statement)));
    if let Some(finding) = first.filter(|finding| finding.severity > Severity::Notice) {
        text.push_str(&format!(". First: {} (line {}); {}", finding.what, finding.line.unwrap_or(0), finding.mend));
    } else if let Some(finding) = downgrade.and_then(|back| counting(&back.findings).max_by_key(|finding| finding.severity))
        && finding.severity == Severity::Error
        && verdict == Verdict::Blocked
    {
        text.push_str(&format!(". The way back: {} (line {}); {}", finding.what, finding.line.unwrap_or(0), finding.mend));
    }
    clipped(&text, MAX_SUMMARY)
}

fn text_of(
    verdict: Verdict,
    summary: &str,
    findings: &[Finding],
    downgrade: Option<&WayBack>,
    asked: &Asked,
    risk: &Risk,
    notes: &[String],
) -> String {
    let mut text = format!("verdict: {}\n{summary}\n", verdict.word());
    let told = findings.iter().filter(|finding| finding.severity > Severity::Notice || asked.detail == Detail::Full);
    for finding in told {
        text.push_str(&finding_text(finding));
    }
    if let Some(back) = downgrade {
        text.push_str(&format!("downgrade: {}, loss {}\n", counted(back.statements.len(), "statement"), back.data_loss_risk));
        for finding in back.findings.iter().filter(|finding| finding.severity > Severity::Notice) {
            text.push_str(&finding_text(finding));
        }
    }
    for line in assumptions(asked, risk) {
        text.push_str(&format!("assumed: {line}\n"));
    }
    for line in notes {
        text.push_str(&format!("note: {line}\n"));
    }
    text
}

fn finding_text(finding: &Finding) -> String {
    let mut text = format!(
        "{} {} (line {})\n  what: {}\n  why: {}\n  do: {}\n",
        finding.severity.word(),
        finding.rule,
        finding.line.unwrap_or(0),
        finding.what,
        finding.why,
        finding.mend
    );
    if let Some(because) = &finding.allowed {
        text.push_str(&format!("  allowed: {because}\n"));
    }
    if let Some(fix) = finding.fix_alembic.as_ref().or(finding.fix_sql.as_ref()) {
        text.push_str(&format!("  fix: {}\n", fix.replace('\n', "\n       ")));
    }
    text
}

fn item(ok: Option<bool>, evidence: impl Into<String>) -> Item {
    Item { ok, evidence: evidence.into() }
}

fn checklist(script: &Script, judged: &Judgement, risk: &Risk, downgrade: Option<&WayBack>) -> BTreeMap<&'static str, Item> {
    let statements: Vec<&Statement> = judged.steps.iter().filter_map(|step| script.statements.get(step.at)).collect();
    BTreeMap::from([
        ("matches_intent", item(None, "nobody said what was intended")),
        ("no_unexpected_drop", drops_item(script, &statements)),
        (
            "no_data_loss",
            item(
                Some(matches!(risk.data_loss_risk, "none" | "low")),
                format!("data loss {}; {}", risk.data_loss_risk, risk.reasons.first().map_or("nothing stored goes", String::as_str)),
            ),
        ),
        ("locks_acceptable", item(Some(!risk.zero_downtime_required), format!("others wait: {}", risk.lock_duration.replace('_', " ")))),
        ("downgrade_reviewed", downgrade_item(downgrade)),
        ("idempotent", idempotent_item(&statements)),
        ("names_describe", item(None, "SQL without a revision has no name")),
        ("one_concern", one_concern_item(judged)),
        ("chain_linear", item(None, "SQL without a project has no chain")),
    ])
}

fn drops_item(script: &Script, statements: &[&Statement]) -> Item {
    let drops: Vec<String> = statements
        .iter()
        .filter(|statement| drops(&statement.reading.change))
        .map(|statement| shortened(script.text_of(statement), 60))
        .collect();
    if drops.is_empty() {
        item(Some(true), "no DROP and no TRUNCATE")
    } else {
        item(None, format!("{}: {}", counted(drops.len(), "drop"), clipped(&drops.join("; "), 200)))
    }
}

fn drops(change: &Change) -> bool {
    match change {
        Change::Drop(_) | Change::Truncate { .. } => true,
        Change::AlterTable(alter) => alter.actions.iter().any(|action| {
            matches!(
                action,
                AlterAction::DropColumn { .. }
                    | AlterAction::DropConstraint { .. }
                    | AlterAction::DropIndex { .. }
                    | AlterAction::DropForeignKey { .. }
                    | AlterAction::DropPrimaryKey
                    | AlterAction::DropPartition { .. }
            )
        }),
        Change::Block(block) => block.statements.iter().any(|inner| drops(&inner.change)),
        _ => false,
    }
}

fn downgrade_item(downgrade: Option<&WayBack>) -> Item {
    let Some(back) = downgrade else { return item(None, "no way back was given (downgrade_sql)") };
    if back.statements.is_empty() {
        return item(Some(false), "the way back holds no statement");
    }
    let errors =
        back.findings.iter().filter(|finding| finding.allowed.is_none() && matches!(finding.rule, "not_understood" | "will_fail")).count();
    item(
        Some(errors == 0),
        format!(
            "{} read, data loss {}, {} that stop it",
            counted(back.statements.len(), "statement"),
            back.data_loss_risk,
            counted(errors, "finding")
        ),
    )
}

fn one_concern_item(judged: &Judgement) -> Item {
    match judged.findings.iter().find(|finding| finding.rule == "schema_and_data_mixed") {
        Some(finding) => item(Some(false), finding.what.clone()),
        None => item(Some(true), "schema and data do not meet in one revision"),
    }
}

/// Safe on a database that is at the target: each statement is guarded, or changes nothing the second time.
fn idempotent_item(statements: &[&Statement]) -> Item {
    let bare: Vec<u32> = statements
        .iter()
        .filter(|statement| is_ddl(&statement.reading.change) && !is_guarded(statement))
        .map(|statement| statement.index)
        .collect();
    if bare.is_empty() {
        return item(None, "every schema statement is guarded; only a second run proves it");
    }
    let list = bare.iter().take(8).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    item(
        Some(false),
        format!("without a guard, so that a second run stops with an error: statement {list}{}", if bare.len() > 8 { " …" } else { "" }),
    )
}

fn is_guarded(statement: &Statement) -> bool {
    use crate::sql::change::Flag;
    let flag = |name: &str| statement.reading.flags.get(name) == Some(&Flag::Yes(true));
    flag("if_not_exists") || flag("if_exists") || flag("or_replace") || flag("table_if_exists")
}

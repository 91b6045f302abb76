//! The plan: each wish on the schema that the ones before it leave, and each revision judged like anybody else's.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::dialect::{Dialect, Server, ServerVersion};
use crate::effects::{Effect, Loss};
use crate::finding::{Finding, Severity};
use crate::judge::{Judgement, judge};
use crate::recipes::parts::body::{Body, Line, Part};
use crate::recipes::parts::doubts::{ALREADY_MADE, doubt};
use crate::recipes::parts::fills::with_fills;
use crate::recipes::parts::fully::{said_fully, said_shortly};
use crate::recipes::parts::opposed::opposed;
use crate::recipes::parts::values::spelled_out;
use crate::recipes::parts::ways::way_round;
use crate::recipes::parts::wish::{Statement, Wish};
use crate::recipes::parts::{dependents, in_the_way, naming, online, standing, undo, zone};
use crate::recipes::{Case, Concern, Found, RECIPES, Stage, Step};
use crate::risk;
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Change, Name};
use crate::sql::script;
use crate::sql::split::Direction;
use crate::step::Options;

/// What is planned for.
pub struct Asked<'a> {
    /// The server.
    pub server: Server,
    /// The schema at the head of the chain.
    pub before: &'a Catalog,
    /// Sizes, and what the deploy tolerates.
    pub options: &'a Options,
    /// False: the deploy stops the application, so that others waiting and old code failing do not matter.
    pub zero_downtime: bool,
    /// Somebody said which version of the server it is.
    pub is_version_known: bool,
}

/// A wish that is not planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// A stable word.
    pub code: &'static str,
    /// What is wrong, with the names.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A lock of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LockLine {
    /// The table.
    pub table: String,
    /// The mode in the server's words.
    pub mode: &'static str,
    /// `instant`, `scan`, `rewrite`: the most work of the statements that take it.
    pub work: &'static str,
    /// A `SELECT` waits.
    pub blocks_reads: bool,
    /// An `INSERT` waits.
    pub blocks_writes: bool,
}

/// A revision with what our own review says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// The revision.
    pub step: Step,
    /// What it sends on the way up.
    pub sql: String,
    /// And on the way back.
    pub downgrade_sql: String,
    /// The strongest lock on each table.
    pub locks: Vec<LockLine>,
    /// What the way up loses.
    pub loss: Loss,
    /// What the way back loses.
    pub loss_back: Loss,
    /// What is left to be said of the way up, errors only.
    pub errors: Vec<Finding>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Planned {
    /// Its revisions, in order.
    pub steps: Vec<Reviewed>,
    /// What only the user knows.
    pub questions: Vec<String>,
    /// What else should be known.
    pub notes: Vec<String>,
    /// One of the wishes would make others wait or break running code if it were written in the shortest way.
    pub needs_zero_downtime: bool,
    /// The recipes that were used, each once.
    pub recipes: Vec<&'static str>,
    /// Tables whose size would decide something and is not known.
    pub unsized_tables: Vec<String>,
}

/// What is planned for unless somebody says the version, where the newest can do more than those that are in use: Python brings its own
/// SQLite, years behind; MariaDB copies tables without making others wait only from 11.2 on.
const fn usual_version(dialect: Dialect) -> Option<ServerVersion> {
    match dialect {
        Dialect::Sqlite => Some(ServerVersion::new(3, 40)),
        Dialect::Mariadb => Some(ServerVersion::new(10, 6)),
        Dialect::Postgresql | Dialect::Mysql | Dialect::Mssql | Dialect::Oracle => None,
    }
}

/// Plans wishes, in their order.
///
/// # Errors
/// A wish that is made already, cannot be, contradicts another, or for which nothing safe is known.
pub fn plan(wishes: &[Wish], asked: &Asked<'_>) -> Result<Planned, Refusal> {
    let usual = usual_version(asked.server.dialect).filter(|_| !asked.is_version_known);
    let asked = &Asked { server: Server { version: usual.unwrap_or(asked.server.version), ..asked.server }, ..*asked };
    if let Some(refusal) = opposed(wishes) {
        return Err(refusal);
    }
    let mut planned = Planned::default();
    let mut spelled = Vec::new();
    for wish in wishes {
        let (wishes, question) = spelled_out(wish, asked.before, asked.server)?;
        spelled.extend(wishes.iter().map(|wish| said_shortly(wish, asked.before)));
        planned.questions.extend(question);
    }
    let wishes = with_fills(&spelled);
    let mut stands = asked.before.clone();
    // The same without time passing in between: what the plan itself makes is new and empty.
    let mut fresh = asked.before.clone();
    let mut last: Option<Name> = None;
    let mut filled: Vec<Name> = Vec::new();
    let mut made = None;
    for (n, wish) in wishes.iter().enumerate() {
        let table = table_of(wish);
        let is_fresh = table.as_ref().is_some_and(|table| fresh.is_new(table));
        let catalog = if is_fresh { &fresh } else { &stands };
        match doubt(wish, catalog, asked.before) {
            // The others are wanted all the same.
            Some(refusal) if refusal.code == ALREADY_MADE => {
                planned.notes.push(format!("left out, {}", refusal.message));
                made = made.or(Some(refusal));
                continue;
            }
            Some(refusal) => return Err(refusal),
            None => {}
        }
        let wish = &said_fully(wish, catalog)?;
        let (found, is_plain) = found(wish, wishes.get(n + 1..).unwrap_or_default(), catalog, asked, &mut planned)?;
        planned.questions.extend(found.questions.into_iter().filter(|question| !planned.questions.contains(question)).collect::<Vec<_>>());
        planned.notes.extend(found.notes);
        let joins = is_plain && is_fresh && table.is_some() && table == last;
        // What a step of the plan fills or mends is in nobody's way.
        filled.extend(table.clone().filter(|_| found.steps.iter().any(|step| step.concern == Concern::Data)));
        let is_asked = !is_fresh && table.as_ref().is_some_and(|table| !filled.contains(table));
        for mut step in found.steps {
            if is_asked {
                let action = match wish {
                    Wish::Statement(statement) => statement.action(),
                    _ => None,
                };
                let questions = in_the_way::ask(&mut step, action, catalog_for(is_fresh, &fresh, &stands), &fresh, asked.server);
                let column = |table: &Name| format!("`{}.", table.shown());
                if !table.as_ref().is_some_and(|table| planned.questions.iter().any(|question| question.contains(&column(table)))) {
                    planned.questions.extend(questions);
                }
            }
            let reviewed = reviewed(step, catalog_for(is_fresh, &fresh, &stands), asked);
            planned.notes.extend(woken(&reviewed, asked).into_iter().filter(|note| !planned.notes.contains(note)).collect::<Vec<_>>());
            take_over(&mut stands, &reviewed.sql, asked.server);
            stands.settle();
            take_over(&mut fresh, &reviewed.sql, asked.server);
            match planned.steps.last_mut().filter(|_| joins) {
                Some(before) => join(before, reviewed),
                None => planned.steps.push(reviewed),
            }
        }
        last = table.filter(|table| fresh.is_new(table));
    }
    if let Some(refusal) = made.filter(|_| planned.steps.is_empty()) {
        return Err(refusal);
    }
    unique_names(&mut planned.steps);
    if asked.server.dialect == Dialect::Mysql && !planned.recipes.is_empty() {
        planned.notes.push(format!(
            "{}: from the manual of MySQL; run on MariaDB, not on MySQL: `test_rollback` on a MySQL dev server proves it",
            planned.recipes.join(", ")
        ));
    }
    Ok(planned)
}

const fn catalog_for<'a>(is_fresh: bool, fresh: &'a Catalog, stands: &'a Catalog) -> &'a Catalog {
    if is_fresh { fresh } else { stands }
}

fn table_of(wish: &Wish) -> Option<Name> {
    match wish {
        Wish::Statement(statement) => match &statement.reading.change {
            Change::CreateIndex { table, .. } => Some(table.clone()),
            Change::CreateTable(create) => Some(create.name.clone()),
            _ => statement.reading.relation.clone(),
        },
        Wish::Backfill(fill) => Some(fill.table.clone()),
        Wish::SplitTable(split) => Some(split.table.clone()),
        Wish::MergeTables(merge) => Some(merge.from.clone()),
        Wish::ColumnValue(value) => Some(value.table.clone()),
        Wish::RemoveEnumValue(_) => None,
    }
}

/// The revisions of one wish, and whether it is one plain statement.
fn found(wish: &Wish, following: &[Wish], catalog: &Catalog, asked: &Asked<'_>, planned: &mut Planned) -> Result<(Found, bool), Refusal> {
    let case = |effect, findings| Case {
        server: asked.server,
        catalog,
        wish,
        effect,
        findings,
        options: asked.options,
        following,
        is_version_known: asked.is_version_known,
        is_stopped: !asked.zero_downtime,
    };
    let statement = match wish {
        Wish::Statement(statement) => statement,
        Wish::RemoveEnumValue(_) | Wish::ColumnValue(_) => return by_word("remove_enum_value", &case(None, &[])),
        Wish::Backfill(_) => return by_word("backfill", &case(None, &[])),
        Wish::SplitTable(_) => return by_word("split_table", &case(None, &[])),
        Wish::MergeTables(_) => return by_word("merge_tables", &case(None, &[])),
    };
    // Rows without a value are filled first, whatever the demand itself costs.
    if statement.fill.is_some()
        && let Some((_, AlterAction::SetNotNull { .. })) = statement.action()
        && let Ok(found) = by_word("set_not_null", &case(None, &[]))
    {
        planned.recipes.push("required_column");
        return Ok(found);
    }
    let mut judged = judged(&statement.sql, catalog, asked);
    let findings = std::mem::take(&mut judged.findings);
    let Some(effect) = judged.steps.first().map(|step| &step.effect) else {
        return Err(nothing(&statement.sql));
    };
    // A warning counts where a recipe is known that spares it.
    let is_mended = |rule: &str| RECIPES.iter().any(|recipe| recipe.mends.contains(&rule) && recipe.serves(asked.server.dialect));
    // What SQLite adds to empty tables only is refused on every other.
    let needs_empty = asked.server.dialect == Dialect::Sqlite && effect.fails.iter().any(|failure| failure.code.starts_with("Cannot add"));
    let weighs = |found: &Finding| {
        let is_refused = needs_empty && found.rule == "may_fail_on_rows";
        found.severity == Severity::Error || (found.severity == Severity::Warning || is_refused) && is_mended(found.rule)
    };
    let errors: Vec<Finding> = findings.into_iter().filter(|found| weighs(found) && found.allowed.is_none()).collect();
    planned.needs_zero_downtime |= !errors.is_empty()
        || judged
            .steps
            .iter()
            .any(|step| step.wait.grows_with_size && step.wait.ms.is_none_or(|ms| ms > asked.options.max_block_ms as f64));
    let case = case(Some(effect), &errors);
    let counts: Vec<&Finding> = errors.iter().filter(|found| asked.zero_downtime || !WAITS_OR_BREAKS.contains(&found.rule)).collect();
    if counts.is_empty() {
        let found = plain(statement, effect, catalog, &errors, &case);
        // A way back that makes others wait is spared too, where a recipe knows how.
        let waits = asked.zero_downtime && found.steps.iter().any(|step| waits_back(step, &judged.after, asked));
        let better = RECIPES.iter().filter(|recipe| waits && recipe.serves(asked.server.dialect));
        let better = better.filter(|recipe| recipe.mends.iter().any(|rule| WAITS_OR_BREAKS.contains(rule)));
        return match better.filter_map(|recipe| (recipe.steps)(&case)).find(|found| found.steps.len() == 1) {
            Some(better) => Ok((better, false)),
            None => Ok((found, true)),
        };
    }
    let recipes = RECIPES.iter().filter(|recipe| recipe.serves(asked.server.dialect));
    let fitting = recipes.filter(|recipe| counts.iter().any(|found| recipe.mends.contains(&found.rule)));
    if let Some(found) = around_dependents(wish, statement, following, asked, &case, planned) {
        return found;
    }
    if let Some((name, found)) =
        fitting.filter_map(|recipe| Some((recipe.name, (recipe.steps)(&case)?))).find(|(_, found)| !found.steps.is_empty())
    {
        if !planned.recipes.contains(&name) {
            planned.recipes.push(name);
        }
        let unsized_table = judged.steps.iter().find(|step| step.wait.grows_with_size && step.wait.ms.is_none());
        if let Some(table) = unsized_table.and_then(|step| step.wait.basis.as_ref()).map(|basis| basis.table.clone())
            && !planned.unsized_tables.contains(&table)
        {
            planned.unsized_tables.push(table);
        }
        return Ok((found, false));
    }
    // Only warned of, and nothing known spares it: the warning stays with the revision.
    if !needs_empty && !effect.always_fails() && counts.iter().all(|found| found.severity == Severity::Warning) {
        return Ok((plain(statement, effect, catalog, &[], &case), true));
    }
    // What others may name goes when nobody names it: only the user knows that.
    if !effect.always_fails() && counts.iter().all(|found| found.rule == "drop_object") {
        let mut found = plain(statement, effect, catalog, &errors, &case);
        if let Change::Drop(drop) = &statement.reading.change {
            let names = drop.names.iter().map(|name| format!("`{}`", name.shown())).collect::<Vec<_>>().join(", ");
            found.questions.push(format!("does any running release, report or job still name {names}? It fails from then on"));
        }
        return Ok((found, true));
    }
    Err(unsafe_wish(&case, statement, &counts, effect))
}

/// Views, triggers and policies hang on the column: they are dropped and made anew around the revision that changes its type.
fn around_dependents(
    wish: &Wish,
    statement: &Statement,
    following: &[Wish],
    asked: &Asked<'_>,
    case: &Case<'_>,
    planned: &mut Planned,
) -> Option<Result<(Found, bool), Refusal>> {
    let Some((table, AlterAction::AlterColumnType { column, .. })) = statement.action() else { return None };
    let is_refused = case.effect.is_some_and(|effect| effect.fails.iter().any(|failure| failure.code == "0A000"));
    if !is_refused || asked.server.dialect != Dialect::Postgresql {
        return None;
    }
    let around = dependents::around(case.catalog, &[(table.clone(), column.clone())]).filter(|around| !around.is_empty())?;
    let mut without = case.catalog.clone();
    for drop in around.front() {
        take_over(&mut without, drop, asked.server);
    }
    let (mut found, is_plain) = match found(wish, following, &without, asked, planned) {
        Ok(found) => found,
        Err(refusal) => return Some(Err(refusal)),
    };
    let is_only = found.steps.len() == 1;
    let step = found.steps.iter_mut().rfind(|step| is_only || step.stage == Stage::Switch)?;
    (step.upgrade, step.downgrade) = (around.body(step.upgrade.clone())?, around.body(step.downgrade.clone())?);
    found.notes.extend(around.note());
    found.questions.extend(around.question());
    Some(Ok((found, is_plain)))
}

fn waits_back(step: &Step, after: &Catalog, asked: &Asked<'_>) -> bool {
    let mut after = after.clone();
    after.settle();
    let back = judged(&step.downgrade.sql(asked.server.dialect), &after, asked);
    back.findings.iter().any(|found| found.severity == Severity::Error && found.rule != "rename" && WAITS_OR_BREAKS.contains(&found.rule))
}

/// What does not matter while the application is stopped, unless something is lost or refused too.
const WAITS_OR_BREAKS: &[&str] = &[
    "rename",
    "index_without_concurrently",
    "key_without_using_index",
    "constraint_without_not_valid",
    "set_not_null_scan",
    "type_change_rewrite",
    "type_change_scan",
    "add_column_rewrite",
    "add_column_checked",
    "table_rewrite",
    "drop_index_without_concurrently",
    "attach_partition_scan",
    "default_partition_scan",
    "detach_partition",
    "breaks_running_release",
    "long_blocking",
    "online_ddl_copy",
    "drop_default_of_required_column",
];

fn by_word(word: &'static str, case: &Case<'_>) -> Result<(Found, bool), Refusal> {
    let dialect = case.dialect();
    let recipes = RECIPES.iter().filter(|recipe| recipe.mends.contains(&word));
    let found = recipes.clone().filter(|recipe| recipe.serves(dialect)).find_map(|recipe| (recipe.steps)(case));
    if let Some(why) = found.as_ref().filter(|found| found.steps.is_empty()).and_then(|found| found.questions.first()) {
        let message = format!("`{word}` cannot be planned on this schema: {why}");
        return Err(Refusal {
            code: "impossible",
            message,
            hint: "change that first, in a revision of its own, then plan this again".to_owned(),
        });
    }
    found.filter(|found| !found.steps.is_empty()).map(|found| (found, false)).ok_or_else(|| {
        let known: Vec<&str> = recipes.flat_map(|recipe| recipe.dialects).map(|dialect| dialect.title()).collect();
        let hint = if known.contains(&dialect.title()) {
            "look at the page of the recipe with `search_knowledge`, and say what it needs".to_owned()
        } else {
            format!("it is known for {}; say it as DDL in `sql`", if known.is_empty() { "no dialect".to_owned() } else { known.join(", ") })
        };
        Refusal { code: "impossible", message: format!("`{word}` cannot be planned for {} on this schema", dialect.title()), hint }
    })
}

fn nothing(sql: &str) -> Refusal {
    Refusal {
        code: "bad_change",
        message: format!("`{}` changes nothing", crate::rules::shortened(sql, 80)),
        hint: "give the DDL that makes the change".to_owned(),
    }
}

fn unsafe_wish(case: &Case<'_>, statement: &Statement, errors: &[&Finding], effect: &Effect) -> Refusal {
    let short = crate::rules::shortened(&statement.sql, 80);
    if let Some(failure) = effect.fails.iter().find(|failure| failure.when == crate::effects::When::Always) {
        return Refusal {
            code: "impossible",
            message: format!("the server refuses `{short}`: {} ({})", failure.why, failure.code),
            hint: match failure.why.starts_with("view ") {
                true => "drop the view in a revision in front and make it anew behind this one, without the column where that goes; their \
                         downgrades the other way round. Then plan this again"
                    .to_owned(),
                false => way_round(&statement.reading, &failure.code, case.catalog)
                    .unwrap_or_else(|| errors.first().map_or_else(String::new, |found| found.mend.clone())),
            },
        };
    }
    let first = errors.first();
    // While the application is stopped nobody waits; a small table is worked through before anybody notices.
    let is_wait = errors.iter().all(|found| WAITS_OR_BREAKS.contains(&found.rule));
    let stopped = if is_wait {
        ", or one revision with `zero_downtime: false`; a small table needs none of it: give its size in `table_stats`"
    } else {
        ""
    };
    Refusal {
        code: "no_safe_plan",
        message: format!("no safe way is known for `{short}`: {}", first.map(|found| found.what.as_str()).unwrap_or_default()),
        hint: first.map_or_else(String::new, |found| match &found.fix_sql {
            Some(sql) => format!("{}{stopped}: {sql}", found.mend),
            None => format!("{}{stopped}", found.mend),
        }),
    }
}

/// One revision with the statement as it is.
fn plain(statement: &Statement, effect: &Effect, catalog: &Catalog, accepted: &[Finding], case: &Case<'_>) -> Found {
    let dialect = case.dialect();
    let mut forward = online::written_out(case, undo::forward(dialect, statement));
    if let Some(found) = accepted.first() {
        let why = if case.is_stopped { "the application is stopped for this deploy" } else { "nothing that runs names it any more" };
        forward = forward.allowing(found.rule, why);
    }
    let back = undo::way_back(dialect, catalog, statement);
    if back.is_none()
        && let Ok((found, _)) = by_word("no_way_back", case)
    {
        return found;
    }
    let (mut notes, mut doors) = (Vec::new(), Vec::new());
    let back = back.unwrap_or_else(|| {
        let why = format!("`{}` has no reverse that is known", crate::rules::shortened(&statement.sql, 60));
        notes.push(format!("{why}: its downgrade raises, it is a one-way door"));
        doors.push(format!(
            "how is `{}` taken back? Write its downgrade, or have it approved as a one-way door",
            crate::rules::shortened(&statement.sql, 60)
        ));
        vec![Line::operation(format!("raise NotImplementedError({})", crate::fix::python(&why)), "")]
    });
    let gentle = gentle_back(statement, case);
    let question = zone::question(case).filter(|_| !effect.forbids_transaction);
    let (forth, back) = match question {
        Some(_) => (zone::in_utc(vec![forward]), zone::in_utc(back)),
        None => (vec![forward], back),
    };
    let alone = |lines: Vec<Line>| if effect.forbids_transaction { Body::outside(lines) } else { Body(vec![Part::Inside(lines)]) };
    let creates = matches!(statement.reading.change, Change::CreateTable(_) | Change::CreateIndex { .. });
    let stage = if effect.loss > Loss::None && !creates { Stage::Contract } else { Stage::Expand };
    let why = match (effect.locks.iter().map(|lock| lock.mode).max(), effect.work) {
        (Some(mode), crate::effects::Work::Instant) => {
            format!("one revision: {} for an instant, nothing is read or written anew", mode.words())
        }
        (Some(mode), work) => {
            format!("one revision: {} while the table is worked through ({}), within what the deploy tolerates", mode.words(), work.word())
        }
        (None, _) => "one revision: no table that stands is locked".to_owned(),
    };
    let step = Step {
        name: naming::of_statement(statement),
        concern: Concern::Schema,
        stage,
        why,
        upgrade: alone(forth),
        downgrade: gentle.unwrap_or_else(|| alone(back)),
        deploy: "before the code that needs it; running code does not notice".to_owned(),
    };
    Found { steps: vec![step], questions: question.into_iter().chain(doors).collect(), notes }
}

/// The way back of what only loosens: what was demanded is demanded again without a long lock.
fn gentle_back(statement: &Statement, case: &Case<'_>) -> Option<Body> {
    if case.dialect() != crate::dialect::Dialect::Postgresql {
        return None;
    }
    let (table, action) = statement.action()?;
    match action {
        AlterAction::DropNotNull { column } => Some(Body(standing::not_null(case, table, column))),
        AlterAction::DropConstraint { name, cascade: false, .. } => {
            let constraint = case.catalog.table(table)?.constraint(name)?;
            standing::one(case, table, constraint, name).map(Body)
        }
        _ => None,
    }
}

fn judged(sql: &str, catalog: &Catalog, asked: &Asked<'_>) -> Judgement {
    judge(&script::read(format!("{sql};\n"), asked.server), Direction::Up, catalog, asked.options)
}

fn reviewed(mut step: Step, catalog: &Catalog, asked: &Asked<'_>) -> Reviewed {
    let dialect = asked.server.dialect;
    if step.downgrade.lines().next().is_none() {
        let why = "nothing is left to take back: what was filled goes with the revision in front, what was checked stays";
        step.downgrade = Body::inside(vec![Line::operation("pass", "").allowing("empty_downgrade", why)]);
    }
    let (sql, downgrade_sql) = (step.upgrade.sql(dialect), step.downgrade.sql(dialect));
    let judged = judged(&sql, catalog, asked);
    let mut after = judged.after.clone();
    after.settle();
    let back = self::judged(&downgrade_sql, &after, asked);
    let mut locks: Vec<LockLine> = Vec::new();
    for effect in judged.steps.iter().map(|step| &step.effect) {
        for lock in effect.locks.iter().filter(|lock| lock.mode != crate::effects::LockMode::AccessShare) {
            let worked = [&effect.rewrites, &effect.scans, &effect.builds].iter().any(|tables| tables.contains(&lock.table));
            let line = LockLine {
                table: lock.table.shown(),
                mode: lock.mode.words(),
                work: if worked { effect.work.word() } else { "instant" },
                blocks_reads: lock.mode.blocks_reads(),
                blocks_writes: lock.mode.blocks_writes(),
            };
            if !locks.contains(&line) {
                locks.push(line);
            }
        }
    }
    let loss = |judged: &Judgement| risk::greatest_loss(judged.steps.iter().map(|step| &step.effect));
    let (loss, loss_back) = (loss(&judged), loss(&back));
    let errors = judged.findings.into_iter().filter(|found| found.severity == Severity::Error && found.allowed.is_none()).collect();
    Reviewed { step, sql, downgrade_sql, locks, loss, loss_back, errors }
}

/// What else happens behind the rows that a revision writes: the table's own triggers.
fn woken(reviewed: &Reviewed, asked: &Asked<'_>) -> BTreeSet<String> {
    let script = script::read(format!("{}{}", reviewed.sql, reviewed.downgrade_sql), asked.server);
    let written = script.statements.into_iter().filter_map(|statement| match statement.reading.change {
        Change::Update(update) => Some(update.table),
        _ => None,
    });
    let told = written.filter_map(|table| {
        let triggers = &asked.before.table(&table)?.triggers;
        (!triggers.is_empty()).then(|| {
            let (names, table) = (triggers.join(", "), table.shown());
            format!("the plan writes rows of `{table}`, and its triggers ({names}) may run for each: what they write stays, and `test_rollback` counts it as rows left")
        })
    });
    told.collect()
}

fn take_over(catalog: &mut Catalog, sql: &str, server: Server) {
    let script = script::read(sql.to_owned(), server);
    for statement in &script.statements {
        catalog.apply(&statement.reading, statement.transaction);
    }
    catalog.define(&script);
}

/// Takes a revision into the one before it: both are about the same new table.
fn join(before: &mut Reviewed, other: Reviewed) {
    let below = std::mem::take(&mut before.step.downgrade);
    before.step.upgrade = std::mem::take(&mut before.step.upgrade).then(other.step.upgrade);
    before.step.downgrade = other.step.downgrade.then(below);
    before.sql.push_str(&other.sql);
    before.downgrade_sql = format!("{}{}", other.downgrade_sql, before.downgrade_sql);
    before.locks.extend(other.locks);
    before.loss = before.loss.max(other.loss);
    before.loss_back = before.loss_back.max(other.loss_back);
    before.errors.extend(other.errors);
}

/// Two revisions of one name would be two files of one name.
fn unique_names(steps: &mut [Reviewed]) {
    let mut seen = BTreeSet::new();
    for reviewed in steps {
        let base = reviewed.step.name.clone();
        let mut n = 2;
        while !seen.insert(reviewed.step.name.clone()) {
            reviewed.step.name = format!("{base}_{n}");
            n += 1;
        }
    }
}

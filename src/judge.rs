//! A script walked through: the effect of each statement on what stood before it, the locks its transaction holds,
//! and what the rules say.

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::Dialect;
use crate::effects::{self, Effect, Place};
use crate::finding::{Finding, Severity};
use crate::project::{Expectations, Project};
use crate::risk;
use crate::rules;
use crate::sql::catalog::Catalog;
use crate::sql::change::Change;
use crate::sql::script::{Script, Statement};
use crate::sql::split::Direction;
pub use crate::step::{Options, Step, Transaction};

/// A script, judged.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// One for each statement judged, in order.
    pub steps: Vec<Step>,
    /// What the rules say, in the order of the statements.
    pub findings: Vec<Finding>,
    /// The schema afterwards.
    pub after: Catalog,
}

/// Judges a project: its chain, and each revision of the range.
#[must_use]
pub fn judge_project(project: &Project, expected: &Expectations, severities: &BTreeMap<String, Severity>) -> Vec<Finding> {
    rules::check_project(project, expected, severities)
}

/// Judges the statements of one direction.
#[must_use]
pub fn judge(script: &Script, direction: Direction, before: &Catalog, options: &Options) -> Judgement {
    let mut catalog = before.clone();
    let mut steps: Vec<Step> = Vec::new();
    let mut findings = Vec::new();
    let mut open: BTreeMap<u32, Transaction> = BTreeMap::new();
    let nothing = Transaction::default();
    let taken_back = rolled_back(script, direction);
    for (at, statement) in script.statements.iter().enumerate().filter(|(_, statement)| statement.direction == direction) {
        let _inside = tracing::debug_span!("statement", number = at + 1, line = statement.line).entered();
        let following = script.statements.get(at + 1..).unwrap_or_default();
        let place = Place { server: script.server, catalog: &catalog, transaction: statement.transaction, following };
        let mut effect = effects::effect_of(&statement.reading, &place);
        let transaction = statement.transaction.and_then(|id| open.get(&id)).unwrap_or(&nothing);
        use_of_new_enum_value(&mut effect, script, statement, transaction, &catalog);
        if taken_back.contains(&at) {
            effect.loses_nothing();
        }
        let held = transaction.held.iter().any(|(_, mode, _)| mode.blocks_writes());
        let wait = risk::wait(&effect.on_filled(&catalog), held, &options.sizes);
        let context = rules::Context { script, statement, effect: &effect, wait: &wait, catalog: &catalog, transaction, options };
        rules::check(&context, &mut findings);
        if !effect.always_fails() {
            catalog.apply(&statement.reading, statement.transaction);
        }
        if let Some(id) = statement.transaction {
            if matches!(statement.reading.change, Change::Commit | Change::Rollback { to_savepoint: false }) {
                open.remove(&id);
            } else {
                open.entry(id).or_default().take(statement, &effect);
            }
        }
        steps.push(Step { at, effect, wait });
    }
    take_back(script, &mut steps);
    rules::check_script(script, &steps, before, options, &mut findings);
    rules::settle(script, options, &mut findings);
    Judgement { steps, findings, after: catalog }
}

/// A transaction with a statement that is always refused changes nothing.
fn take_back(script: &Script, steps: &mut [Step]) {
    let transaction = |step: &Step| script.statements.get(step.at).and_then(|statement| statement.transaction);
    let refused: Vec<u32> = steps.iter().filter(|step| step.effect.always_fails()).filter_map(transaction).collect();
    for step in steps.iter_mut() {
        if transaction(step).is_some_and(|id| refused.contains(&id)) {
            step.effect.loses_nothing();
        }
    }
}

/// The statements that a later `ROLLBACK` takes back: its whole transaction, or what stands behind the last `SAVEPOINT`.
///
/// The MySQL family and Oracle commit at each DDL statement: nothing is sure to be taken back there.
fn rolled_back(script: &Script, direction: Direction) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    if script.server.dialect.is_mysql_family() || script.server.dialect == Dialect::Oracle {
        return found;
    }
    let (mut begun, mut saved) = (None, None);
    for (n, statement) in script.statements.iter().enumerate().filter(|(_, statement)| statement.direction == direction) {
        if statement.transaction.is_none() {
            (begun, saved) = (None, None);
            continue;
        }
        if begun.is_none_or(|(_, id)| id != statement.transaction) {
            (begun, saved) = (Some((n, statement.transaction)), None);
        }
        let from = match statement.reading.change {
            Change::Savepoint => {
                saved = Some(n);
                None
            }
            Change::Rollback { to_savepoint: true } => saved,
            Change::Rollback { to_savepoint: false } => begun.take().map(|(from, _)| from),
            _ => None,
        };
        found.extend(from.map(|from| from..n).into_iter().flatten());
    }
    found
}

/// A value added to an enum cannot be used before its transaction is committed: 55P04.
fn use_of_new_enum_value(effect: &mut Effect, script: &Script, statement: &Statement, transaction: &Transaction, catalog: &Catalog) {
    use crate::sql::catalog::UserType;
    if transaction.enum_values.is_empty() || matches!(statement.reading.change, Change::AlterType { .. } | Change::Comment { .. }) {
        return;
    }
    let text = script.text_of(statement);
    for (name, value) in &transaction.enum_values {
        let made_here = matches!(catalog.user_type(name), Some(UserType::Enum { is_new: true, .. })) && script.server.version.major >= 17;
        if !made_here && text.contains(&format!("'{value}'")) {
            effect.fail(
                "55P04",
                crate::effects::When::Always,
                format!("`'{value}'` was added to `{name}` in this transaction: it can be used when that is committed"),
            );
            effect.loses_nothing();
        }
    }
}

/// True for a fault with which Alembic loads no chain at all.
#[must_use]
pub fn breaks_chain(finding: &Finding) -> bool {
    matches!(finding.rule, "missing_parent" | "revision_cycle" | "unreadable_revision" | "merge_conflict")
        && finding.severity == Severity::Error
        && finding.allowed.is_none()
}

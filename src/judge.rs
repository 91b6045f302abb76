//! A script walked through: the effect of each statement on what stood before it, the locks its transaction holds,
//! and what the rules say.

use std::collections::BTreeMap;

use crate::effects::{self, Effect, LockMode, Place};
use crate::finding::{Finding, Severity};
use crate::risk::{self, TableSizes, Wait};
use crate::rules;
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Change, ConstraintKind, Name, TypeAction};
use crate::sql::script::{Script, Statement};
use crate::sql::split::Direction;

/// What the caller knows and wants, as far as judgement needs it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Sizes of tables.
    pub sizes: TableSizes,
    /// The write block that the deploy tolerates, in milliseconds.
    pub max_block_ms: u64,
    /// Severities changed by the project's configuration.
    pub severities: BTreeMap<String, Severity>,
    /// The files the script is made of, in order; empty where it is a text.
    pub files: Vec<FilePart>,
}

/// A file of a script that is made of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// Its name, as it was given.
    pub name: String,
    /// The line of the script at which it begins, from 1.
    pub first_line: u32,
}

impl Options {
    /// The file that a line of the script is from, and the line there.
    #[must_use]
    pub fn place(&self, line: u32) -> (Option<String>, u32) {
        match self.files.iter().rev().find(|part| part.first_line <= line) {
            Some(part) => (Some(part.name.clone()), line - part.first_line + 1),
            None => (None, line),
        }
    }
}

/// What a transaction holds at some point.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    /// Locks on tables that stood before, with the statement that took them first in that strength.
    pub held: Vec<(Name, LockMode, u32)>,
    /// Constraints added `NOT VALID`: table and name.
    pub not_valid: Vec<(Name, String)>,
    /// Enum values added: type and value.
    pub enum_values: Vec<(Name, String)>,
    /// Statements of DDL so far.
    pub ddl: u32,
}

impl Transaction {
    /// The strongest lock held that makes others wait, with the statement that took it.
    #[must_use]
    pub fn blocking(&self) -> Option<&(Name, LockMode, u32)> {
        self.held.iter().filter(|(_, mode, _)| mode.blocks_writes()).max_by_key(|(_, mode, _)| *mode)
    }

    fn take(&mut self, statement: &Statement, effect: &Effect) {
        for lock in &effect.locks {
            match self.held.iter_mut().find(|(table, _, _)| *table == lock.table) {
                Some(held) if held.1 < lock.mode => *held = (lock.table.clone(), lock.mode, statement.index),
                Some(_) => {}
                None => self.held.push((lock.table.clone(), lock.mode, statement.index)),
            }
        }
        self.note(&statement.reading.change);
    }

    fn note(&mut self, change: &Change) {
        match change {
            Change::AlterTable(alter) => {
                self.ddl += 1;
                for action in &alter.actions {
                    if let AlterAction::AddConstraint(constraint) = action
                        && constraint.not_valid
                    {
                        let name =
                            constraint.name.clone().unwrap_or_else(|| crate::sql::catalog::constraint_name(&alter.table, constraint));
                        self.not_valid.push((alter.table.clone(), name));
                    }
                }
            }
            Change::AlterType { name, actions } => {
                self.ddl += 1;
                for action in actions {
                    if let TypeAction::AddValue { value, .. } = action {
                        self.enum_values.push((name.clone(), value.clone()));
                    }
                }
            }
            Change::Block(block) => block.statements.iter().for_each(|inner| self.note(&inner.change)),
            other if is_ddl(other) => self.ddl += 1,
            _ => {}
        }
    }
}

/// True for statements that change the schema.
#[must_use]
pub fn is_ddl(change: &Change) -> bool {
    match change {
        Change::Insert(_)
        | Change::Update(_)
        | Change::Delete(_)
        | Change::Merge(_)
        | Change::Select(_)
        | Change::Copy { .. }
        | Change::LoadData { .. }
        | Change::Set { .. }
        | Change::Begin
        | Change::Commit
        | Change::Rollback { .. }
        | Change::Savepoint
        | Change::Other
        | Change::Unknown
        | Change::Call { .. }
        | Change::LockTables { .. }
        | Change::Grant { .. }
        | Change::Revoke { .. }
        | Change::Comment { .. }
        | Change::Analyze { .. }
        | Change::Vacuum { .. }
        | Change::Maintain { .. }
        | Change::Truncate { .. } => false,
        Change::Block(block) => block.statements.iter().any(|inner| is_ddl(&inner.change)),
        _ => true,
    }
}

/// A statement with all that is known of it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its place in `Script::statements`.
    pub at: usize,
    /// What the server does.
    pub effect: Effect,
    /// How long others wait.
    pub wait: Wait,
}

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

/// Judges the statements of one direction.
#[must_use]
pub fn judge(script: &Script, direction: Direction, before: &Catalog, options: &Options) -> Judgement {
    let mut catalog = before.clone();
    let mut steps: Vec<Step> = Vec::new();
    let mut findings = Vec::new();
    let mut open: BTreeMap<u32, Transaction> = BTreeMap::new();
    let nothing = Transaction::default();
    for (at, statement) in script.statements.iter().enumerate().filter(|(_, statement)| statement.direction == direction) {
        let following = script.statements.get(at + 1..).unwrap_or_default();
        let place = Place { server: script.server, catalog: &catalog, transaction: statement.transaction, following };
        let mut effect = effects::effect_of(&statement.reading, &place);
        let transaction = statement.transaction.and_then(|id| open.get(&id)).unwrap_or(&nothing);
        use_of_new_enum_value(&mut effect, script, statement, transaction, &catalog);
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

/// The foreign keys that a change adds, with their table: used by several rules.
#[must_use]
pub fn added_foreign_keys(change: &Change) -> Vec<(Name, Vec<String>, Name)> {
    let Change::AlterTable(alter) = change else {
        return Vec::new();
    };
    alter
        .actions
        .iter()
        .filter_map(|action| match action {
            AlterAction::AddConstraint(constraint) => match &constraint.kind {
                ConstraintKind::ForeignKey { columns, reference } => Some((alter.table.clone(), columns.clone(), reference.table.clone())),
                _ => None,
            },
            _ => None,
        })
        .collect()
}

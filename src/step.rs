//! What judgement passes from one to the next: what the caller wants, the steps of a script, what a transaction holds.

use std::collections::BTreeMap;

use crate::dialect::Production;
use crate::effects::{Effect, LockMode};
use crate::finding::Severity;
use crate::risk::{TableSizes, Wait};
use crate::sql::change::{AlterAction, Change, ConstraintKind, Name, TypeAction};
use crate::sql::script::Statement;

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
    /// What production runs, where somebody says it.
    pub production: Option<Production>,
}

/// A file of a script that is made of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// Its name, as it was given.
    pub name: String,
    /// The line of the script at which it begins, from 1.
    pub first_line: u32,
    /// The line there that all of it is from; none where lines count on.
    pub only_line: Option<u32>,
}

impl Options {
    /// The file that a line of the script is from, and the line there.
    #[must_use]
    pub fn place(&self, line: u32) -> (Option<String>, u32) {
        place_in(&self.files, line)
    }
}

/// The file and line of a line of a text that was put together of these.
#[must_use]
pub fn place_in(files: &[FilePart], line: u32) -> (Option<String>, u32) {
    match files.iter().rev().find(|part| part.first_line <= line) {
        Some(part) => (Some(part.name.clone()), part.only_line.unwrap_or(line - part.first_line + 1)),
        None => (None, line),
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

    /// Takes over what a statement locked and did.
    pub fn take(&mut self, statement: &Statement, effect: &Effect) {
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
                        let name = crate::sql::catalog::constraint_name(&alter.table, constraint);
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

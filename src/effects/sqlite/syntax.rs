//! Syntax that SQLite, or an older version of it, does not have: the word at which it stops.

use crate::dialect::ServerVersion;
use crate::sql::change::{
    AlterAction, AlterTable, Change, Column, Constraint, ConstraintKind, CreateTable, Delete, Drop, Index, Insert, Reading, Update,
};
use crate::sql::words::Kind;

/// The word in `near "…": syntax error`; `None` when the version reads the statement.
///
/// `ALTER TABLE` is looked at by `alter_word`, since SQLite looks for the table first in some of its forms.
#[must_use]
pub fn unknown_word(reading: &Reading, version: ServerVersion) -> Option<String> {
    match &reading.change {
        Change::CreateTable(create) => create_word(create, version).map(str::to_owned),
        Change::CreateIndex { concurrently, only, index, .. } => index_word(*concurrently, *only, index),
        Change::CreateView { or_replace: true, .. } | Change::CreateTrigger { or_replace: true, .. } => Some("OR".to_owned()),
        Change::CreateView { materialized: true, .. } => Some("MATERIALIZED".to_owned()),
        Change::Drop(drop) => drop_word(reading.kind, drop),
        Change::Insert(insert) => insert_word(insert, version).map(str::to_owned),
        Change::Update(update) => update_word(update, version).map(str::to_owned),
        Change::Delete(delete) => delete_word(delete, version).map(str::to_owned),
        Change::AlterTable(_)
        | Change::CreateView { .. }
        | Change::CreateTrigger { .. }
        | Change::Reindex { .. }
        | Change::Select(_)
        | Change::Vacuum { .. }
        | Change::Analyze { .. }
        | Change::Block(_)
        | Change::Begin
        | Change::Commit
        | Change::Rollback { .. }
        | Change::Savepoint
        | Change::Unknown => None,
        Change::Set { .. } if reading.kind == Kind::Pragma => None,
        Change::Other if is_known(reading.kind) => None,
        _ => Some(foreign_word(reading.kind)),
    }
}

/// Statements of no consequence that SQLite has.
fn is_known(kind: Kind) -> bool {
    matches!(kind, Kind::Attach | Kind::Detach | Kind::Explain | Kind::Release | Kind::Unknown)
}

/// The word at which SQLite stops in a statement that it does not have: its first, or what is created or dropped.
fn foreign_word(kind: Kind) -> String {
    let mut words = kind.word().split('_');
    let first = words.next().unwrap_or_default();
    let stop = if matches!(first, "create" | "alter" | "drop") { words.next().unwrap_or(first) } else { first };
    stop.to_uppercase()
}

fn create_word(create: &CreateTable, version: ServerVersion) -> Option<&'static str> {
    if create.or_replace {
        return Some("OR");
    }
    if let Some(word) = create.columns.iter().find_map(|column| generated_word(column, version)) {
        return Some(word);
    }
    (create.options.contains_key("strict") && !version.at_least(3, 37)).then_some("STRICT")
}

/// Generated columns come with 3.31. Before, `GENERATED ALWAYS` is read as a part of the type.
fn generated_word(column: &Column, version: ServerVersion) -> Option<&'static str> {
    let behind_type = !column.not_null && column.default.is_none() && column.constraints.is_empty();
    (column.generated.is_some() && !version.at_least(3, 31)).then_some(if behind_type { "AS" } else { "GENERATED" })
}

fn index_word(concurrently: bool, only: bool, index: &Index) -> Option<String> {
    match &index.name {
        // The word is taken as the name of the index.
        Some(name) if concurrently => Some(name.clone()),
        _ if only => Some("ONLY".to_owned()),
        _ if index.method.is_some() => Some("USING".to_owned()),
        _ if !index.include.is_empty() => Some("INCLUDE".to_owned()),
        _ => None,
    }
}

fn drop_word(kind: Kind, drop: &Drop) -> Option<String> {
    if !matches!(kind, Kind::DropTable | Kind::DropIndex | Kind::DropView | Kind::DropTrigger) {
        return Some(foreign_word(kind));
    }
    let word = if drop.names.len() > 1 {
        ","
    } else if drop.concurrently {
        "CONCURRENTLY"
    } else if drop.on.is_some() {
        "ON"
    } else if drop.cascade {
        "CASCADE"
    } else {
        return None;
    };
    Some(word.to_owned())
}

fn returning(returns: bool, version: ServerVersion) -> Option<&'static str> {
    (returns && !version.at_least(3, 35)).then_some("RETURNING")
}

fn insert_word(insert: &Insert, version: ServerVersion) -> Option<&'static str> {
    returning(insert.returns, version)
}

fn update_word(update: &Update, version: ServerVersion) -> Option<&'static str> {
    if !update.reach.joins.is_empty() && !version.at_least(3, 33) {
        return Some("FROM");
    }
    returning(update.reach.returns, version)
}

fn delete_word(delete: &Delete, version: ServerVersion) -> Option<&'static str> {
    if !delete.reach.joins.is_empty() {
        return Some("USING");
    }
    returning(delete.reach.returns, version)
}

/// The word at which SQLite stops in an `ALTER TABLE`.
#[must_use]
pub fn alter_word(alter: &AlterTable, version: ServerVersion) -> Option<String> {
    if alter.if_exists {
        return Some("EXISTS".to_owned());
    }
    if alter.only {
        return Some(alter.table.name.clone());
    }
    let first = alter.actions.first()?;
    let several = alter.actions.len() > 1 && !matches!(first, AlterAction::Unknown { .. });
    action_word(first, version).or_else(|| several.then(|| ",".to_owned()))
}

fn action_word(action: &AlterAction, version: ServerVersion) -> Option<String> {
    let word = match action {
        AlterAction::AddColumn { if_not_exists: true, .. } => "EXISTS",
        AlterAction::AddColumn { column, .. } => return generated_word(column, version).map(str::to_owned),
        AlterAction::DropColumn { .. } | AlterAction::DropConstraint { .. } if !version.at_least(3, 35) => "DROP",
        AlterAction::DropConstraint { .. } if !version.at_least(3, 53) => "CONSTRAINT",
        AlterAction::DropColumn { if_exists: true, .. } | AlterAction::DropConstraint { if_exists: true, .. } => "EXISTS",
        AlterAction::DropColumn { cascade: true, .. } | AlterAction::DropConstraint { cascade: true, .. } => "CASCADE",
        AlterAction::AddConstraint(constraint) => return constraint_word(constraint, version).map(str::to_owned),
        AlterAction::RenameConstraint { .. } => "CONSTRAINT",
        AlterAction::RenameColumn { .. } if !version.at_least(3, 25) => "COLUMN",
        AlterAction::AlterColumnType { .. }
        | AlterAction::SetDefault { .. }
        | AlterAction::DropDefault { .. }
        | AlterAction::SetNotNull { .. }
        | AlterAction::DropNotNull { .. }
            if !version.at_least(3, 53) =>
        {
            "ALTER"
        }
        AlterAction::AlterColumnType { .. } => "TYPE",
        AlterAction::SetDefault { .. } | AlterAction::DropDefault { .. } => "DEFAULT",
        AlterAction::DropColumn { .. }
        | AlterAction::DropConstraint { .. }
        | AlterAction::RenameColumn { .. }
        | AlterAction::RenameTable { .. }
        | AlterAction::SetNotNull { .. }
        | AlterAction::DropNotNull { .. } => return None,
        AlterAction::Unknown { text } => {
            let mut words = text.split_whitespace().map(str::to_uppercase);
            let is_known = |word: &String| matches!(word.as_str(), "ADD" | "DROP" | "RENAME" | "ALTER" | "COLUMN");
            // Behind a word that SQLite has, a name or anything may be meant, but not these.
            let is_reserved = |word: &String| matches!(word.as_str(), "INDEX" | "PRIMARY" | "FOREIGN" | "UNIQUE" | "TABLE");
            return match words.next() {
                Some(first) if is_known(&first) => words.next().filter(is_reserved),
                first => first,
            };
        }
        other => return Some(foreign_word_of(other)),
    };
    Some(word.to_owned())
}

fn foreign_word_of(action: &AlterAction) -> String {
    action.word().word().split('_').next().unwrap_or_default().to_uppercase()
}

/// `ADD CONSTRAINT` and `ADD CHECK` come with 3.53, for `CHECK` alone.
fn constraint_word(constraint: &Constraint, version: ServerVersion) -> Option<&'static str> {
    let is_known = version.at_least(3, 53);
    match &constraint.kind {
        ConstraintKind::Check(_) if is_known => None,
        _ if constraint.name.is_some() && !is_known => Some("CONSTRAINT"),
        ConstraintKind::Check(_) => Some("CHECK"),
        ConstraintKind::Unique { .. } => Some("UNIQUE"),
        ConstraintKind::PrimaryKey { .. } => Some("PRIMARY"),
        ConstraintKind::ForeignKey { .. } => Some("FOREIGN"),
        ConstraintKind::Exclude { .. } => Some("EXCLUDE"),
        ConstraintKind::NotNull { .. } => Some("NOT"),
        ConstraintKind::Default { .. } => Some("DEFAULT"),
    }
}

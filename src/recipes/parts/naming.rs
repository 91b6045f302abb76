//! Names of revisions: what they do, on what, in lower case with underscores.

use crate::recipes::parts::body::fitting;
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::wish::Statement;
use crate::sql::change::{AlterAction, Change, ConstraintKind, Name, TypeAction};

/// A text as a revision's name: `Add Phone to users!` is `add_phone_to_users`.
#[must_use]
pub fn snake(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('_') && !out.is_empty() {
            out.push('_');
        }
    }
    fitting(out.trim_matches('_'))
}

/// The name of the revision that makes one statement.
#[must_use]
pub fn of_statement(statement: &Statement) -> String {
    let text = match &statement.reading.change {
        Change::CreateTable(create) => format!("create_{}", create.name.name),
        Change::RenameTables { pairs } => {
            pairs.first().map_or_else(String::new, |(from, to)| format!("rename_{}_to_{}", from.name, to.name))
        }
        Change::CreateIndex { table, index, .. } => index_name(table, &index.plain_columns(), index.unique),
        Change::AlterType { name, actions } => match actions.as_slice() {
            [TypeAction::AddValue { value, .. }] => format!("add_{}_value_{value}", name.name),
            [TypeAction::RenameValue { from, to }] => format!("rename_{}_{from}_to_{to}", name.name),
            _ => format!("alter_{}", name.name),
        },
        Change::Drop(drop) => {
            let kind = statement.reading.kind.word().trim_start_matches("drop_");
            let name = drop.names.first().map(|name| name.name.clone()).unwrap_or_default();
            if name.contains(kind) || kind == "index" && name.contains('_') {
                format!("drop_{name}")
            } else {
                format!("drop_{name}_{kind}")
            }
        }
        _ => match statement.action() {
            Some((table, action)) => of_action(table, action),
            None => other(statement),
        },
    };
    let name = snake(&text);
    if name.contains('_') { name } else { format!("{}_{name}", snake(statement.reading.kind.word())) }
}

/// `add_users_email_index`.
#[must_use]
pub fn index_name(table: &Name, columns: &[String], unique: bool) -> String {
    format!("add_{}_{}{}_index", table.name, columns.join("_"), if unique { "_unique" } else { "" })
}

fn other(statement: &Statement) -> String {
    let kind = statement.reading.kind.word();
    let about =
        statement.reading.relation.as_ref().or(statement.reading.subject.as_ref()).map(|name| name.name.clone()).unwrap_or_default();
    match kind.split_once('_') {
        Some(("create", what)) => format!("add_{about}_{what}"),
        _ => format!("{kind}_{about}"),
    }
}

fn of_action(table: &Name, action: &AlterAction) -> String {
    let t = &table.name;
    match action {
        AlterAction::AddColumn { column, .. } => format!("add_{t}_{}", column.name),
        AlterAction::DropColumn { column, .. } => format!("drop_{t}_{column}"),
        AlterAction::RenameColumn { from, to } => format!("rename_{t}_{from}_to_{to}"),
        AlterAction::RenameTable { to } => format!("rename_{t}_to_{}", to.name),
        AlterAction::RenameConstraint { from, to } => format!("rename_{from}_to_{to}"),
        AlterAction::SetSchema { schema } => format!("move_{t}_to_{schema}"),
        AlterAction::AlterColumnType { column, data_type, .. } => format!("change_{t}_{column}_to_{}", data_type.name),
        AlterAction::SetDefault { column, .. } => format!("set_{t}_{column}_default"),
        AlterAction::DropDefault { column } => format!("drop_{t}_{column}_default"),
        AlterAction::SetNotNull { column } => format!("enforce_{t}_{column}_not_null"),
        AlterAction::DropNotNull { column } => format!("make_{t}_{column}_nullable"),
        AlterAction::AddIdentity { column, .. } => format!("add_{t}_{column}_identity"),
        AlterAction::DropIdentity { column, .. } => format!("drop_{t}_{column}_identity"),
        AlterAction::AddConstraint(constraint) => match &constraint.kind {
            ConstraintKind::Unique { columns, .. } => format!("add_{t}_{}_unique", columns.join("_")),
            ConstraintKind::PrimaryKey { .. } => format!("add_{t}_primary_key"),
            ConstraintKind::ForeignKey { columns, .. } => format!("add_{t}_{}_foreign_key", columns.join("_")),
            ConstraintKind::Check(_) | ConstraintKind::Exclude { .. } | ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. } => {
                format!("add_{}", constraint_name_of(table, constraint))
            }
        },
        AlterAction::DropConstraint { name, .. } => format!("drop_{name}"),
        AlterAction::ValidateConstraint { name } => format!("validate_{name}"),
        AlterAction::AttachPartition { partition, .. } => format!("attach_{}_to_{t}", partition.name),
        AlterAction::DetachPartition { partition, .. } => format!("detach_{}_from_{t}", partition.name),
        AlterAction::ChangeColumn { from, column, .. } if *from == column.name => format!("change_{t}_{from}"),
        AlterAction::ChangeColumn { from, column, .. } => format!("rename_{t}_{from}_to_{}", column.name),
        AlterAction::AddIndex(index) => index_name(table, &index.plain_columns(), index.unique),
        other => format!("{}_{t}", other.word().word()),
    }
}

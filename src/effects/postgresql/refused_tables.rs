//! Parts of `ALTER TABLE`, and tables, that PostgreSQL refuses whatever rows stand.

use crate::effects::Place;
use crate::effects::postgresql::lacks_columns;
use crate::effects::postgresql::refused::Refusal;
use crate::effects::postgresql::refused_objects::is_aggregate;
use crate::sql::catalog::Table;
use crate::sql::change::{AlterAction, AlterTable, Column, Constraint, ConstraintKind, CreateTable, Expression, Name};
use crate::sql::formula::{self, Formula};

/// One part of an `ALTER TABLE` on a table that is known.
pub(super) fn action(alter: &AlterTable, found: &Table, action: &AlterAction, place: &Place<'_>) -> Option<Refusal> {
    let table = &alter.table;
    match action {
        AlterAction::AddColumn { column, .. } => added(table, found, column, place),
        AlterAction::DropColumn { column, cascade, .. } => {
            if found.is_typed {
                return Some(("42809", format!("`{table}` is of a type: its columns are the type's")));
            }
            of_system(column, "dropped").or_else(|| if *cascade { None } else { watched(table, found, column) })
        }
        AlterAction::RenameColumn { from, to } => of_system(from, "renamed").or_else(|| taken_by_system(to)),
        AlterAction::AlterColumnType { .. } => row_type_is_used(table, place),
        AlterAction::SetNotNull { column } if alter.only => {
            let parts = found.partition_by.is_some() && !place.catalog.partitions(table).is_empty();
            let open = parts
                && place
                    .catalog
                    .partitions(table)
                    .iter()
                    .any(|part| place.catalog.table(part).is_some_and(|part| !part.is_not_null(column)));
            open.then(|| ("42P16", format!("`{column}` must be NOT NULL in the partitions of `{table}` too")))
        }
        AlterAction::SetSchema { schema } => {
            let missing = place.catalog.is_complete && !place.catalog.has_schema(schema) && place.catalog.in_schema(schema).is_empty();
            missing.then(|| ("3F000", format!("schema `{schema}` does not exist")))
        }
        AlterAction::SetStorageParams { names, .. } if found.partition_by.is_some() => {
            let name = names.iter().find(|name| !name.contains('.'))?;
            let code = if place.server.version.major >= 16 { "42809" } else { "22023" };
            Some((code, format!("`{table}` is partitioned: it has no storage for `{name}`")))
        }
        AlterAction::Trigger { name, .. } => {
            let known = matches!(name.as_str(), "all" | "user") || found.triggers.contains(name);
            (place.catalog.is_complete && !known).then(|| ("42704", format!("trigger `{name}` of `{table}` does not exist")))
        }
        AlterAction::Inherit { parent } => lacks_check(table, found, parent, place),
        AlterAction::NoInherit { parent } => {
            let above = place.catalog.key(parent);
            let is_child = found.inherits.iter().any(|own| place.catalog.key(own) == above);
            (place.catalog.is_complete && !is_child).then(|| ("42P01", format!("`{parent}` is no parent of `{table}`")))
        }
        AlterAction::AddConstraint(constraint) => constrained(table, found, constraint, place),
        _ => None,
    }
}

/// Columns that every table has.
pub(super) const SYSTEM: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

fn of_system(column: &str, what: &str) -> Option<Refusal> {
    SYSTEM.contains(&column).then(|| ("0A000", format!("`{column}` is a column of the system: it cannot be {what}")))
}

fn taken_by_system(column: &str) -> Option<Refusal> {
    SYSTEM.contains(&column).then(|| ("42701", format!("`{column}` is the name of a column of the system")))
}

fn added(table: &Name, found: &Table, column: &Column, place: &Place<'_>) -> Option<Refusal> {
    if found.is_typed {
        return Some(("42809", format!("`{table}` is of a type: its columns are the type's")));
    }
    let identity = column.identity.is_some() && place.server.version.major < 17 && !place.catalog.partitions(table).is_empty();
    if identity {
        return Some(("42P16", format!("`{table}` has partitions: an identity cannot be added before PostgreSQL 17")));
    }
    let has_default = column.default.as_ref().is_some_and(|default| !default.is_null);
    taken_by_system(&column.name).or_else(|| if has_default { row_type_is_used(table, place) } else { None })
}

/// A column of another table holds whole rows of this one: they cannot be written anew.
fn row_type_is_used(table: &Name, place: &Place<'_>) -> Option<Refusal> {
    let (owner, column) = place.catalog.tables_with_type(table).into_iter().next()?;
    Some(("0A000", format!("column `{owner}.{column}` holds rows of `{table}`")))
}

/// A policy or a trigger names the column.
fn watched(table: &Name, found: &Table, column: &str) -> Option<Refusal> {
    let named = found.column(column).is_some() && found.is_watched(column);
    named.then(|| ("2BP01", format!("a policy or a trigger of `{table}` names `{column}`")))
}

/// A child must hold all checks of its parent.
fn lacks_check(table: &Name, found: &Table, parent: &Name, place: &Place<'_>) -> Option<Refusal> {
    let above = place.catalog.table(parent).filter(|_| place.catalog.is_complete)?;
    if above.partition_by.is_some() {
        return Some(("42809", format!("`{parent}` is partitioned: nothing inherits from it")));
    }
    let is_check = |constraint: &&Constraint| matches!(constraint.kind, ConstraintKind::Check(_)) && !constraint.no_inherit;
    let missing = above
        .constraints
        .iter()
        .filter(is_check)
        .find(|wanted| wanted.name.as_deref().and_then(|name| found.constraint(name)).is_none())?;
    Some(("42804", format!("`{table}` lacks the check `{}` of `{parent}`", missing.name.as_deref().unwrap_or_default())))
}

fn constrained(table: &Name, found: &Table, constraint: &Constraint, place: &Place<'_>) -> Option<Refusal> {
    match &constraint.kind {
        ConstraintKind::Check(check) => aggregates(check).or_else(|| unknown_call(check, place)),
        ConstraintKind::ForeignKey { reference, .. } => {
            let target = place.catalog.table(&reference.table)?;
            let weaker = target.unlogged && !found.unlogged && !found.temporary || target.temporary != found.temporary;
            weaker.then(|| ("42P16", format!("`{table}` lasts longer than `{}`: it cannot point at it", reference.table)))
        }
        _ => None,
    }
}

/// A check is on one row.
fn aggregates(check: &Expression) -> Option<Refusal> {
    let name = check.functions.iter().find(|name| is_aggregate(name))?;
    Some(("42803", format!("`{name}` is over many rows: a check is on one")))
}

/// A function of a check that this server does not bring and nobody made.
fn unknown_call(check: &Expression, place: &Place<'_>) -> Option<Refusal> {
    if !place.catalog.is_complete || place.catalog.has_extensions() {
        return None;
    }
    let called = calls(&formula::of_expression(check)?);
    let name = called.into_iter().find(|name| place.catalog.function(name).is_none() && !crate::sql::functions::is_known(name))?;
    Some(("42883", format!("nothing in the schema makes function `{name}()`")))
}

fn calls(formula: &Formula) -> Vec<String> {
    match formula {
        Formula::Call(name, arguments) => std::iter::once(name.clone()).chain(arguments.iter().flat_map(calls)).collect(),
        Formula::Not(of) | Formula::Minus(of) | Formula::IsNull(of) | Formula::Cast(of, _) => calls(of),
        Formula::Binary(_, left, right) => [calls(left), calls(right)].concat(),
        Formula::In(of, list) => std::iter::once(of.as_ref()).chain(list).flat_map(calls).collect(),
        Formula::Case(arms, otherwise) => {
            arms.iter().flat_map(|(when, then)| [calls(when), calls(then)].concat()).chain(calls(otherwise)).collect()
        }
        Formula::Null | Formula::Bool(_) | Formula::Number(_) | Formula::Text(_) | Formula::Column(_) | Formula::Opaque => Vec::new(),
    }
}

/// `UPDATE OF` a column that is not there.
pub(super) fn trigger(table: &Name, columns: &[String], place: &Place<'_>) -> Option<Refusal> {
    let found = place.catalog.table(table).filter(|found| place.catalog.is_complete && !found.columns.is_empty())?;
    let column = columns.iter().find(|column| found.column(column).is_none())?;
    Some(("42703", format!("column `{column}` of `{table}` does not exist")))
}

/// A new table: its keys, its parents, its defaults.
pub(super) fn create(create: &CreateTable, place: &Place<'_>) -> Option<Refusal> {
    let parent = create.inherits.iter().find(|parent| place.catalog.table(parent).is_some_and(|found| found.partition_by.is_some()));
    if let Some(parent) = parent {
        return Some(("42809", format!("`{parent}` is partitioned: nothing inherits from it")));
    }
    if let Some((_, key)) = &create.partition_by {
        let constraints = create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints);
        let lacking = constraints.filter_map(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => Some(columns),
            _ => None,
        });
        if lacking.into_iter().any(|columns| lacks_columns(key, columns)) {
            return Some(("0A000", format!("a unique key of `{}` must hold its whole partition key", create.name)));
        }
    }
    if let Some(name) = create.columns.iter().find(|column| SYSTEM.contains(&column.name.as_str())) {
        return taken_by_system(&name.name);
    }
    create.columns.iter().find_map(|column| no_sequence(column.default.as_ref()?, place))
}

/// `nextval` of a sequence that nobody made.
fn no_sequence(default: &Expression, place: &Place<'_>) -> Option<Refusal> {
    let Formula::Call(function, arguments) = formula::of_expression(default)? else { return None };
    let [Formula::Text(name)] = arguments.as_slice() else { return None };
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let missing = function == "nextval" && plain && place.catalog.is_complete && !place.catalog.has_sequence(&Name::bare(name.clone()));
    missing.then(|| ("42P01", format!("sequence `{name}` does not exist")))
}

//! Constraints, indexes and columns of one table: how they come, go and are called.

use crate::sql::catalog::names::follow;
use crate::sql::catalog::tables::set;
use crate::sql::catalog::{IndexState, Table, constraint_uses, index_uses};
use crate::sql::change::{Column, Constraint, ConstraintKind, Index, IndexKey, Name};

/// An index of a partition that can stand for one of the parent.
#[must_use]
pub fn serves(own: &IndexState, parent: &IndexState) -> bool {
    own.is_valid
        && own.index.keys == parent.index.keys
        && own.index.unique == parent.index.unique
        && own.index.predicate == parent.index.predicate
        && (parent.constraint.is_none() || own.constraint.is_some())
}

/// The name of a constraint on PostgreSQL: its own, else the one the server gives it.
#[must_use]
pub fn constraint_name(table: &Name, constraint: &Constraint) -> String {
    constraint.name.clone().unwrap_or_else(|| given_name(table, constraint))
}

/// The name PostgreSQL gives to a constraint without one.
fn given_name(table: &Name, constraint: &Constraint) -> String {
    let base = &table.name;
    match &constraint.kind {
        ConstraintKind::PrimaryKey { using_index: Some(index), .. } | ConstraintKind::Unique { using_index: Some(index), .. } => {
            index.clone()
        }
        ConstraintKind::PrimaryKey { .. } => format!("{base}_pkey"),
        ConstraintKind::Unique { columns, .. } => format!("{base}_{}_key", columns.join("_")),
        ConstraintKind::ForeignKey { columns, .. } => format!("{base}_{}_fkey", columns.join("_")),
        ConstraintKind::Exclude { columns } => format!("{base}_{}_excl", columns.join("_")),
        ConstraintKind::NotNull { column } | ConstraintKind::Default { column } => {
            format!("{base}_{column}_not_null")
        }
        ConstraintKind::Check(expression) => match expression.words.first() {
            Some(column) => format!("{base}_{column}_check"),
            None => format!("{base}_check"),
        },
    }
}

/// The index that a partition gets from one of its parent.
pub(super) fn of_partition(partition: &Name, state: &IndexState) -> IndexState {
    let carries = state.constraint.is_some();
    let is_key = carries && state.index.name.as_deref().is_some_and(|name| name.ends_with("_pkey"));
    let name = match (carries, is_key) {
        (_, true) => format!("{}_pkey", partition.name),
        (true, false) => index_name(partition, &state.index).replace("_idx", "_key"),
        (false, false) => index_name(partition, &state.index),
    };
    IndexState {
        constraint: state.constraint.as_ref().map(|_| name.clone()),
        index: Index { name: Some(name), ..state.index.clone() },
        of_parent: true,
        ..state.clone()
    }
}

/// The constraint that a partition gets from one of its parent: keys are named anew.
pub(super) fn constraint_of_partition(partition: &Name, constraint: &Constraint) -> Constraint {
    let renamed = matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. });
    let name = if renamed { Some(given_name(partition, constraint)) } else { constraint.name.clone() };
    Constraint { name, ..constraint.clone() }
}

pub(super) fn index_name(table: &Name, index: &Index) -> String {
    let keys: Vec<&str> = index
        .keys
        .iter()
        .map(|key| match key {
            IndexKey::Column(name) => name.as_str(),
            IndexKey::Expression(expression) => expression.functions.first().map_or("expr", String::as_str),
        })
        .collect();
    format!("{}_{}_idx", table.name, keys.join("_"))
}

pub(super) fn add_constraint(table_name: &Name, table: &mut Table, constraint: &Constraint, is_new: bool) {
    let mut found = constraint.clone();
    let name = constraint_name(table_name, constraint);
    found.name = Some(name.clone());
    match &mut found.kind {
        ConstraintKind::PrimaryKey { columns, using_index } | ConstraintKind::Unique { columns, using_index } => {
            if let Some(index) = using_index.take() {
                adopt_index(table, &index, &name, columns);
            } else {
                let keys = columns.iter().cloned().map(IndexKey::Column).collect();
                let index = Index { name: Some(name.clone()), unique: true, keys, ..Index::default() };
                table.indexes.push(IndexState { index, constraint: Some(name.clone()), is_new, is_valid: true, of_parent: false });
            }
        }
        ConstraintKind::Exclude { columns } => {
            let keys = columns.iter().cloned().map(IndexKey::Column).collect();
            let index = Index { name: Some(name.clone()), keys, ..Index::default() };
            table.indexes.push(IndexState { index, constraint: Some(name.clone()), is_new, is_valid: true, of_parent: false });
        }
        ConstraintKind::NotNull { column } => {
            let column = column.clone();
            if !found.not_valid {
                set(table, &column, |target| target.not_null = true);
            }
        }
        ConstraintKind::Check(_) | ConstraintKind::ForeignKey { .. } | ConstraintKind::Default { .. } => {}
    }
    if let ConstraintKind::PrimaryKey { columns, .. } = &found.kind {
        for column in columns.clone() {
            set(table, &column, |target| target.not_null = true);
        }
    }
    table.constraints.push(found);
}

/// `ADD CONSTRAINT … USING INDEX`: the index takes the constraint's name.
fn adopt_index(table: &mut Table, index: &str, constraint: &str, columns: &mut Vec<String>) {
    if let Some(state) = table.indexes.iter_mut().find(|state| state.index.name.as_deref() == Some(index)) {
        state.index.name = Some(constraint.to_owned());
        state.constraint = Some(constraint.to_owned());
        *columns = state.index.plain_columns();
    }
}

pub(super) fn drop_constraint(table: &mut Table, name: &str) {
    let same = |own: Option<&str>| own.is_some_and(|own| own.eq_ignore_ascii_case(name));
    for constraint in table.constraints.iter().filter(|constraint| same(constraint.name.as_deref())) {
        if let ConstraintKind::NotNull { column } = &constraint.kind {
            let column = column.clone();
            for found in table.columns.iter_mut().filter(|found| found.name == column) {
                found.not_null = false;
            }
        }
    }
    table.constraints.retain(|constraint| !same(constraint.name.as_deref()));
    table.indexes.retain(|state| !same(state.constraint.as_deref()));
}

pub(super) fn drop_column(table: &mut Table, column: &str) {
    table.columns.retain(|found| !found.name.eq_ignore_ascii_case(column));
    table.null_columns.retain(|found| !found.eq_ignore_ascii_case(column));
    table.constraints.retain(|constraint| !constraint_uses(constraint, column));
    table.indexes.retain(|state| !index_uses(&state.index, column));
}

pub(super) fn rename_index(table: &mut Table, from: &str, to: &str) {
    for state in table.indexes.iter_mut().filter(|state| state.index.name.as_deref() == Some(from)) {
        state.index.name = Some(to.to_owned());
        if state.constraint.as_deref() == Some(from) {
            state.constraint = Some(to.to_owned());
        }
    }
}

pub(super) fn rename_column(table: &mut Table, from: &str, to: &str) {
    let follow = |name: &mut String| follow(name, from, to);
    table.null_columns.iter_mut().for_each(follow);
    for column in &mut table.columns {
        follow(&mut column.name);
        if let Some((_, expression)) = &mut column.generated {
            expression.words.iter_mut().for_each(follow);
        }
    }
    for constraint in &mut table.constraints {
        constraint.of_column.iter_mut().for_each(follow);
        match &mut constraint.kind {
            ConstraintKind::Check(expression) => expression.words.iter_mut().for_each(follow),
            ConstraintKind::Unique { columns, .. }
            | ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Exclude { columns }
            | ConstraintKind::ForeignKey { columns, .. } => {
                columns.iter_mut().for_each(follow);
            }
            ConstraintKind::NotNull { column } | ConstraintKind::Default { column } => follow(column),
        }
    }
    for state in &mut table.indexes {
        for key in &mut state.index.keys {
            match key {
                IndexKey::Column(name) => follow(name),
                IndexKey::Expression(expression) => expression.words.iter_mut().for_each(follow),
            }
        }
    }
}

pub(super) fn is_null_at_first(column: &Column) -> bool {
    let filled = column.default.as_ref().is_some_and(|default| !default.is_null)
        || column.generated.is_some()
        || column.identity.is_some()
        || column.auto_increment
        || column.data_type.as_ref().is_some_and(|data_type| data_type.serial);
    !filled && !column.not_null
}

pub(super) fn drop_trigger(table: &mut Table, name: &str) {
    table.watched.retain(|(watcher, _)| !watcher.eq_ignore_ascii_case(name));
    table.triggers.retain(|trigger| !trigger.eq_ignore_ascii_case(name));
    table.trigger_bodies.retain(|trigger, _| !trigger.eq_ignore_ascii_case(name));
    table.trigger_functions.retain(|trigger, _| !trigger.eq_ignore_ascii_case(name));
}

//! What MySQL and MariaDB do of their own accord: names of keys, the index below a foreign key, shrinking indexes.

use crate::dialect::Dialect;
use crate::sql::catalog::{IndexState, Table, add_constraint as add, constraint_uses, index_uses};
use crate::sql::change::{Constraint, ConstraintKind, Index, IndexKey, Name};

/// The option under which a table remembers the hidden column of a `FULLTEXT` index that it had.
pub const HAD_FULLTEXT: &str = "had fulltext";

/// A constraint with the server's name for it, and the index that a foreign key needs.
pub fn add_constraint(dialect: Dialect, table_name: &Name, table: &mut Table, constraint: &Constraint) {
    let name = constraint_name(dialect, table_name, table, constraint);
    if let ConstraintKind::ForeignKey { columns, .. } = &constraint.kind
        && !begins_an_index(table, columns)
    {
        let keys = columns.iter().cloned().map(IndexKey::Column).collect();
        let index = Index { keys, ..Index::default() };
        let own = constraint.name.clone().unwrap_or_else(|| index_name(table, &index));
        table.indexes.push(IndexState {
            index: Index { name: Some(own), ..index },
            constraint: None,
            is_new: true,
            is_valid: true,
            of_parent: false,
        });
    }
    add(table_name, table, &Constraint { name: Some(name), ..constraint.clone() }, true);
}

/// True when an index begins with these columns, in any order among them.
#[must_use]
pub fn begins_an_index(table: &Table, columns: &[String]) -> bool {
    table.indexes.iter().any(|state| {
        state.index.special.is_none()
            && state.index.keys.len() >= columns.len()
            && state.index.keys.iter().take(columns.len()).all(|key| match key {
                IndexKey::Column(name) => columns.iter().any(|column| column.eq_ignore_ascii_case(name)),
                IndexKey::Expression(_) => false,
            })
    })
}

fn constraint_name(dialect: Dialect, table_name: &Name, table: &Table, constraint: &Constraint) -> String {
    if matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }) {
        return "PRIMARY".to_owned();
    }
    if let Some(name) = &constraint.name {
        return name.clone();
    }
    let count = |of: fn(&ConstraintKind) -> bool| table.constraints.iter().filter(|other| of(&other.kind)).count() + 1;
    match &constraint.kind {
        ConstraintKind::Unique { columns, .. } => {
            let keys = columns.iter().cloned().map(IndexKey::Column).collect();
            index_name(table, &Index { keys, ..Index::default() })
        }
        ConstraintKind::ForeignKey { .. } => {
            format!("{}_ibfk_{}", table_name.name, count(|kind| matches!(kind, ConstraintKind::ForeignKey { .. })))
        }
        ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::Check(_)
        | ConstraintKind::Exclude { .. }
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Default { .. } => {
            let number = count(|kind| matches!(kind, ConstraintKind::Check(_)));
            if dialect == Dialect::Mysql { format!("{}_chk_{number}", table_name.name) } else { format!("CONSTRAINT_{number}") }
        }
    }
}

/// The name of an index without one: its first column, with a number where that is taken.
#[must_use]
pub fn index_name(table: &Table, index: &Index) -> String {
    let base = match index.keys.first() {
        Some(IndexKey::Column(name)) => name.clone(),
        Some(IndexKey::Expression(_)) | None => "functional_index".to_owned(),
    };
    let taken = |name: &str| table.index(name).is_some();
    if !taken(&base) {
        return base;
    }
    (2..).map(|number| format!("{base}_{number}")).find(|name| !taken(name)).unwrap_or(base)
}

/// A column goes: from indexes of several columns too, which stay.
pub fn drop_column(table: &mut Table, column: &str) {
    let same = |key: &IndexKey| matches!(key, IndexKey::Column(name) if name.eq_ignore_ascii_case(column));
    for state in &mut table.indexes {
        state.index.keys.retain(|key| !same(key));
    }
    table.indexes.retain(|state| !state.index.keys.is_empty() && !index_uses(&state.index, column));
    for constraint in &mut table.constraints {
        if let ConstraintKind::Unique { columns, .. } | ConstraintKind::PrimaryKey { columns, .. } = &mut constraint.kind {
            columns.retain(|name| !name.eq_ignore_ascii_case(column));
        }
    }
    table.constraints.retain(|constraint| {
        !constraint_uses(constraint, column)
            && !matches!(&constraint.kind, ConstraintKind::Unique { columns, .. } | ConstraintKind::PrimaryKey { columns, .. } if columns.is_empty())
    });
    table.columns.retain(|found| !found.name.eq_ignore_ascii_case(column));
}

/// `MODIFY` writes a column's own check anew. Such a check has no name that a user could know.
pub fn replace_column_check(table: &mut Table, column: &str) {
    table.constraints.retain(|constraint| !is_column_check(constraint, column));
}

/// True for the unnamed check of one column.
#[must_use]
pub fn is_column_check(constraint: &Constraint, column: &str) -> bool {
    let unnamed = constraint.name.as_deref().is_some_and(|name| name.starts_with("CONSTRAINT_"));
    unnamed && matches!(&constraint.kind, ConstraintKind::Check(check) if check.words.iter().all(|word| word.eq_ignore_ascii_case(column)))
}

/// A `FULLTEXT` index goes: its hidden column stays until the table is built anew.
pub fn remember_fulltext(table: &mut Table, index: &str) {
    if table.index(index).is_some_and(|state| state.index.special.as_deref() == Some("fulltext")) {
        table.options.insert(HAD_FULLTEXT.to_owned(), String::new());
    }
}

/// The table is built anew.
pub fn forget_fulltext(table: &mut Table) {
    table.options.remove(HAD_FULLTEXT);
}

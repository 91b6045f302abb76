//! # A column is added NOT NULL without a default
//!
//! Rows that stand cannot have a value for it: PostgreSQL refuses with 23502 and SQLite with its own message, while
//! MySQL and MariaDB fill in the type's zero value without a word (also in strict mode).
//!
//! ## Why
//! On an empty table the statement succeeds, which is a notice only; but an `INSERT` of the running release, which
//! does not know the column, fails from then on there too.
//!
//! ## Do
//! In three revisions: add the column nullable, fill it in batches, then set NOT NULL by way of a validated check.
//! A constant default does it in one: PostgreSQL keeps it in the catalogue, without a rewrite.
//!
//! ```sql bad
//! ALTER TABLE books ADD COLUMN owner text NOT NULL;
//! ```
//! ```sql bad mariadb
//! ALTER TABLE books ADD COLUMN owner int NOT NULL;
//! ```
//! ```sql bad sqlite
//! ALTER TABLE books ADD COLUMN owner text NOT NULL;
//! ```
//! ```sql good
//! ALTER TABLE books ADD COLUMN owner text NOT NULL DEFAULT '';
//! ```
//! ```sql good
//! ALTER TABLE books ADD COLUMN owner text;
//! ```

use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::{AlterAction, AlterTable, Change, Column, Name, Reading};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let inner = match context.change() {
        Change::AlterTable(alter) => vec![alter],
        Change::Block(block) if !block.guarded => block.statements.iter().filter_map(altered).collect(),
        _ => return Vec::new(),
    };
    inner.into_iter().flat_map(|alter| in_table(context, alter)).collect()
}

const fn altered(reading: &Reading) -> Option<&AlterTable> {
    match &reading.change {
        Change::AlterTable(alter) => Some(alter),
        _ => None,
    }
}

fn in_table(context: &Context<'_>, alter: &AlterTable) -> Vec<Finding> {
    let other_failure = context.effect.fails.iter().any(|failure| matches!(failure.code.as_str(), "42701" | "42P01" | "42704" | "42809"));
    if context.catalog.is_new(&alter.table) || other_failure {
        return Vec::new();
    }
    let columns = alter.actions.iter().filter_map(|action| match action {
        AlterAction::AddColumn { column, if_not_exists: false } => Some(column),
        AlterAction::AddColumn { column, .. } if !stands(context, &alter.table, column) => Some(column),
        _ => None,
    });
    columns.filter(|column| column.not_null && !has_value(column)).map(|column| finding(context, &alter.table, column)).collect()
}

fn stands(context: &Context<'_>, table: &Name, column: &Column) -> bool {
    context.catalog.table(table).is_some_and(|found| found.column(&column.name).is_some())
}

fn has_value(column: &Column) -> bool {
    column.default.as_ref().is_some_and(|default| !default.is_null)
        || column.generated.is_some()
        || column.identity.is_some()
        || column.auto_increment
        || column.data_type.as_ref().is_some_and(|data_type| data_type.serial)
}

fn finding(context: &Context<'_>, table: &Name, column: &Column) -> Finding {
    let name = &column.name;
    let what = match context.script.server.dialect {
        Dialect::Mysql | Dialect::Mariadb => format!("rows of `{table}` get the zero value of their type in `{name}`, without a word"),
        Dialect::Sqlite => format!("`{name}` cannot be added to `{table}`: NOT NULL without a default"),
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle if context.catalog.has_rows(table) => {
            format!("`{name}` cannot be added to `{table}`: its rows would hold NULL (23502)")
        }
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => format!("inserts into `{table}` that do not know `{name}` fail"),
    };
    let why = "`NOT NULL` has no default: rows that stand have no value, and the running release does not send one";
    let mend = "add it nullable, fill it in batches in a data revision, then set NOT NULL; or give it a constant default";
    // A table known to be empty takes it; who writes to it is not known.
    let severity = if context.catalog.has_rows(table) || context.effect.always_fails() { Severity::Error } else { Severity::Notice };
    let mut found = context.finding(severity, what, why, mend);
    if let Some(data_type) = &column.data_type {
        found.fix_sql = Some(format!("ALTER TABLE {} ADD COLUMN {} {data_type};", fix::relation(table), fix::ident(name)));
        let add = fix::add_nullable(table, name, data_type);
        let required = if context.is_postgresql() { format!("\n{}", fix::not_null(table, name, 2)) } else { String::new() };
        found.fix_alembic = Some(format!("# revision 1\n{add}\n# then fill it in batches, in a data revision{required}"));
    }
    found
}

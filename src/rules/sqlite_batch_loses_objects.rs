//! # Making a table anew loses what stood on it
//!
//! The new table of a batch operation has only what its `CREATE TABLE` says: indexes, triggers, checks, defaults and keys of
//! the old one go with it.
//!
//! ## Why
//! Alembic reflects columns and most indexes, but no triggers, no partial or expression indexes, no unnamed checks. A
//! view that names the table stops the rename.
//!
//! ## Do
//! Make them again in the same revision, and give `table_args` and `reflect_kwargs` to `batch_alter_table`.
//!
//! ```sql bad sqlite
//! CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT);
//! CREATE INDEX ix_books_title ON books (lower(title));
//! -- when
//! CREATE TABLE _alembic_tmp_books (id INTEGER PRIMARY KEY, title VARCHAR(80));
//! INSERT INTO _alembic_tmp_books (id, title) SELECT id, title FROM books;
//! DROP TABLE books;
//! ALTER TABLE _alembic_tmp_books RENAME TO books;
//! ```
//! ```sql good sqlite
//! CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT);
//! CREATE INDEX ix_books_title ON books (title);
//! -- when
//! CREATE TABLE _alembic_tmp_books (id INTEGER PRIMARY KEY, title VARCHAR(80));
//! INSERT INTO _alembic_tmp_books (id, title) SELECT id, title FROM books;
//! DROP TABLE books;
//! ALTER TABLE _alembic_tmp_books RENAME TO books;
//! CREATE INDEX ix_books_title ON books (title);
//! ```

use std::collections::BTreeSet;

use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, ScriptContext};
use crate::sql::catalog::{Catalog, Table};
use crate::sql::change::Change;

/// Looks at the whole script.
pub const CHECK: Check = Check::Script(check);

fn check(context: &ScriptContext<'_>) -> Vec<Finding> {
    if context.script.server.dialect != Dialect::Sqlite {
        return Vec::new();
    }
    let mut catalog = context.before.clone();
    for step in context.steps.iter().filter(|step| !step.effect.always_fails()) {
        if let Some(statement) = context.statement(step) {
            catalog.apply(&statement.reading, statement.transaction);
        }
    }
    context.steps.iter().filter_map(|step| dropped(context, step, &catalog)).collect()
}

/// A finding where a table that comes back under its name lacks what it had.
fn dropped(context: &ScriptContext<'_>, step: &crate::step::Step, after: &Catalog) -> Option<Finding> {
    let statement = context.statement(step)?;
    let Change::Drop(drop) = &statement.reading.change else { return None };
    let name = drop.names.first()?;
    let (old, new) = (context.before.table(name)?, after.table(name)?);
    let mut lost: Vec<String> = objects(old).difference(&objects(new)).cloned().collect();
    let is_demand = |what: &&String| !["index ", "trigger ", "rows of", "values of"].iter().any(|word| what.starts_with(word));
    lost.extend(step.effect.cascades.iter().filter(is_demand).cloned());
    if lost.is_empty() {
        return None;
    }
    let what = format!("`{name}` comes back without {}", lost.join(", "));
    let why = "the new table has only what its `CREATE TABLE` says";
    Some(context.finding(Some(statement), Severity::Warning, what, why, "make them again in the same revision"))
}

fn objects(table: &Table) -> BTreeSet<String> {
    let indexes = table.indexes.iter().filter(|state| state.constraint.is_none()).filter_map(|state| state.index.name.as_ref());
    let triggers = table.triggers.iter().map(|name| format!("trigger `{name}`"));
    indexes.map(|name| format!("index `{name}`")).chain(triggers).collect()
}

//! # A foreign key has no index
//!
//! The server makes an index for the referenced key only. Without one on the referencing column, each delete of a
//! referenced row reads the whole table.
//!
//! ## Why
//! Deleting one row of the parent takes as long as the child is large, and holds its locks meanwhile.
//!
//! ## Do
//! Build the index with `CONCURRENTLY` in front of the foreign key.
//!
//! ```sql bad
//! CREATE TABLE shelves (id int PRIMARY KEY);
//! CREATE TABLE books (id bigint PRIMARY KEY, shelf int);
//! -- when
//! ALTER TABLE books ADD CONSTRAINT books_shelf FOREIGN KEY (shelf) REFERENCES shelves NOT VALID;
//! ```
//! ```sql good
//! CREATE TABLE shelves (id int PRIMARY KEY);
//! CREATE TABLE books (id bigint PRIMARY KEY, shelf int);
//! CREATE INDEX ix_books_shelf ON books (shelf);
//! -- when
//! ALTER TABLE books ADD CONSTRAINT books_shelf FOREIGN KEY (shelf) REFERENCES shelves NOT VALID;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::step::added_foreign_keys;
use crate::rules::{Check, ScriptContext};
use crate::sql::catalog::Table;
use crate::sql::change::{Change, ConstraintKind, IndexKey, Name};

/// Looks at the whole script.
pub const CHECK: Check = Check::Script(check);

fn check(context: &ScriptContext<'_>) -> Vec<Finding> {
    // MySQL and MariaDB make the index themselves.
    if context.script.server.dialect.is_mysql_family() {
        return Vec::new();
    }
    let mut catalog = context.before.clone();
    for step in context.steps.iter().filter(|step| !step.effect.always_fails()) {
        if let Some(statement) = context.statement(step) {
            catalog.apply(&statement.reading, statement.transaction);
        }
    }
    let mut found = Vec::new();
    for step in context.steps {
        let Some(statement) = context.statement(step) else { continue };
        for (table, columns, referenced) in keys(&statement.reading.change) {
            let bare = catalog.table(&table).is_some_and(|known| !known.columns.is_empty() && !is_covered(known, &columns));
            if !bare {
                continue;
            }
            let what = format!("`{table} ({})` points at `{referenced}` and has no index", columns.join(", "));
            let why = format!("each delete in `{referenced}` reads all of `{table}`");
            let mut finding = context.finding(Some(statement), Severity::Notice, what, why, "build an index on the referencing columns with `CONCURRENTLY`");
            let name = fix::ident(&format!("ix_{}_{}", table.name, columns.join("_")));
            finding.fix_sql = Some(format!("CREATE INDEX CONCURRENTLY {name} ON {} ({});", fix::relation(&table), fix::idents(&columns)));
            found.push(finding);
        }
    }
    found
}

fn keys(change: &Change) -> Vec<(Name, Vec<String>, Name)> {
    let Change::CreateTable(create) = change else { return added_foreign_keys(change) };
    let table = create.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ConstraintKind::ForeignKey { columns, reference } => Some((columns.clone(), reference.table.clone())),
        _ => None,
    });
    let inline = create.columns.iter().flat_map(|column| {
        column.constraints.iter().filter_map(|constraint| Some((vec![column.name.clone()], constraint.reference()?.table.clone())))
    });
    table.chain(inline).map(|(columns, referenced)| (create.name.clone(), columns, referenced)).collect()
}

/// An index begins with the columns, in any order.
fn is_covered(table: &Table, columns: &[String]) -> bool {
    table.indexes.iter().filter(|state| state.index.predicate.is_none()).any(|state| {
        state.index.keys.len() >= columns.len()
            && state.index.keys.iter().take(columns.len()).all(|key| matches!(key, IndexKey::Column(name) if columns.contains(name)))
    })
}

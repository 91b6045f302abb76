//! # CASCADE takes more along than the statement names
//!
//! `CASCADE` drops whatever depends on the object: views, foreign keys of other tables, columns of a type.
//!
//! ## Why
//! Nobody reads from the statement what goes, and the next one who adds a view does not know that a migration takes
//! it along. Each dependent is locked with ACCESS EXCLUSIVE.
//!
//! ## Do
//! Name every object in a statement of its own, dependents first, so that the downgrade can make them again.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, title text);
//! CREATE VIEW titles AS SELECT title FROM books;
//! -- when
//! ALTER TABLE books DROP COLUMN title CASCADE;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, title text);
//! CREATE VIEW ids AS SELECT id FROM books;
//! -- when
//! ALTER TABLE books DROP COLUMN title CASCADE;
//! ```

use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::Change;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let cascades = &context.effect.cascades;
    // Rows that go by a foreign key are another rule's.
    let drops = !matches!(context.change(), Change::Truncate { .. } | Change::Delete(_) | Change::Update(_) | Change::Insert(_) | Change::Merge(_));
    // SQLite has no CASCADE: what a table made anew lacks is `sqlite_batch_loses_objects`.
    if context.script.server.dialect == Dialect::Sqlite || cascades.is_empty() || !drops || cascades.iter().all(|what| what.starts_with("rows of")) {
        return Vec::new();
    }
    let what = format!("`CASCADE` drops {} too", cascades.join(", "));
    let why = "what goes with it does not stand in the revision, so that the downgrade does not bring it back";
    vec![context.finding(Severity::Error, what, why, "drop each of them by name in front of it, and make them again in the downgrade")]
}

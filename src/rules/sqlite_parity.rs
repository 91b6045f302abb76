//! # What holds on SQLite need not hold in production
//!
//! The script is judged, and will be tried, on SQLite; production runs another server.
//!
//! ## Why
//! SQLite keeps any value in any column, has one lock for the whole file, no enum types, and copies the table for most
//! changes of a constraint. So neither its locks, nor its failures, nor what it does to rows say anything about another
//! server.
//!
//! ## Do
//! Review with the dialect of production, and test on a scratch server of its release: `test_rollback` starts one where
//! its programs are installed. A test on SQLite alone keeps the gate `rollback_tested` shut.
//!
//! ```sql bad sqlite postgresql
//! CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT);
//! -- when
//! ALTER TABLE books ADD COLUMN isbn VARCHAR(13);
//! ```
//! ```sql bad sqlite mariadb
//! CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT);
//! -- when
//! CREATE INDEX ix_books_title ON books (title);
//! ```
//! ```sql good sqlite
//! CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT);
//! -- when
//! ALTER TABLE books ADD COLUMN isbn VARCHAR(13);
//! ```
//! ```sql good postgresql postgresql
//! CREATE TABLE books (id integer PRIMARY KEY, title text);
//! -- when
//! SET lock_timeout = '2s';
//! ALTER TABLE books ADD COLUMN isbn varchar(13);
//! ```

use crate::dialect::{Dialect, Production};
use crate::finding::{Finding, Severity};
use crate::rules::{Check, ScriptContext};
use crate::sql::change::Change;

/// Looks at the whole script.
pub const CHECK: Check = Check::Script(check);

fn check(context: &ScriptContext<'_>) -> Vec<Finding> {
    let Some(Production { dialect, version, .. }) = &context.options.production else { return Vec::new() };
    if context.script.server.dialect != Dialect::Sqlite || *dialect == Dialect::Sqlite {
        return Vec::new();
    }
    let changes = context.steps.iter().filter_map(|step| context.statement(step)).filter(|one| differs(&one.reading.change).is_some());
    let changes: Vec<_> = changes.collect();
    let Some(first) = changes.first() else { return Vec::new() };
    let mut differences: Vec<&str> = Vec::new();
    for difference in changes.iter().filter_map(|one| differs(&one.reading.change)) {
        if !differences.contains(&difference) {
            differences.push(difference);
        }
    }
    let production = format!("{} {}", dialect.title(), version.as_deref().unwrap_or_default());
    let what = format!("{} of the statements are judged on SQLite, production runs {}", changes.len(), production.trim());
    let mend = format!("review and test with `dialect: {}`: a scratch server of its release is started where it is installed", dialect.word());
    let mut found = context.finding(Some(first), Severity::Warning, what, differences.join("; "), mend);
    found.cite = vec!["testing-migrations#parity".to_owned(), "sqlite-alter#alter-table".to_owned()];
    vec![found]
}

/// How SQLite differs for such a change; none where nothing of a schema or of rows is changed.
fn differs(change: &Change) -> Option<&'static str> {
    match change {
        Change::CreateTable(_) | Change::AlterTable(_) => {
            Some("SQLite minds neither types nor lengths of columns, and copies the table where others change or scan it under a lock")
        }
        Change::CreateIndex { .. } | Change::Reindex { .. } => {
            Some("SQLite locks the whole file for an index: who waits elsewhere, and for how long, is not seen")
        }
        Change::Drop(_) | Change::RenameTables { .. } => Some("SQLite drops and renames where others refuse for what depends on it"),
        Change::Insert(_) | Change::Update(_) | Change::Delete(_) => {
            Some("SQLite takes values that others refuse, and keeps foreign keys only where it is told to")
        }
        Change::CreateView { .. } => Some("SQLite looks into a view only when it is read"),
        _ => None,
    }
}

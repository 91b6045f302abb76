//! # An index is dropped with ACCESS EXCLUSIVE
//!
//! `DROP INDEX` locks the index and its table: reads and writes wait, though for a moment only.
//!
//! ## Why
//! The drop is instant, but it waits for the queries that run, and all that come later queue behind it.
//! `CONCURRENTLY` takes SHARE UPDATE EXCLUSIVE and makes nobody wait; it must not run in a transaction, knows no
//! `CASCADE`, one index at a time, and not on a partitioned table.
//!
//! ## Do
//! Drop it with `CONCURRENTLY` in an `autocommit_block()`, or set a `lock_timeout`.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, note text);
//! CREATE INDEX ix_books_note ON books (note);
//! -- when
//! DROP INDEX ix_books_note;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, note text);
//! CREATE INDEX ix_books_note ON books (note);
//! -- when
//! DROP INDEX CONCURRENTLY ix_books_note;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::Change;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Change::Drop(drop) = context.change() else { return Vec::new() };
    if !context.is_postgresql() || !context.met("drop_index") || drop.concurrently {
        return Vec::new();
    }
    let lock = context.blocking_lock().map(|(table, mode)| format!("`{}` on `{table}`", mode.words()));
    let why = lock.map_or_else(|| "it locks the table with `ACCESS EXCLUSIVE`".to_owned(), |lock| format!("{lock}: reads and writes wait for a moment"));
    let what = format!("`{}` makes others wait until it has its lock", context.short());
    let mut found = context.finding(Severity::Notice, what, why, "drop it with `CONCURRENTLY` in an `autocommit_block()`, or set a `lock_timeout`");
    let partitioned = context.effect.locks.len() > 1 && drop.names.len() == 1;
    if !drop.cascade && !partitioned {
        let guard = if drop.if_exists { "IF EXISTS " } else { "" };
        let each: Vec<String> = drop.names.iter().map(|name| format!("DROP INDEX CONCURRENTLY {guard}{};", fix::relation(name))).collect();
        found.fix_sql = Some(each.join("\n"));
        let guard = if drop.if_exists { ", if_exists=True" } else { "" };
        let operations: Vec<String> = drop.names.iter().map(|name| {
            format!("op.drop_index({}{}, postgresql_concurrently=True{guard})", fix::python(&name.name), fix::python_schema(name))
        }).collect();
        found.fix_alembic = Some(fix::autocommit(&operations.join("\n")));
    }
    vec![found]
}

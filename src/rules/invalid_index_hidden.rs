//! # An index that is not valid hides behind IF NOT EXISTS
//!
//! A concurrent build that failed leaves an index behind that no query uses; `IF NOT EXISTS` then builds nothing.
//!
//! ## Why
//! The script passes and the index is missing all the same: it costs at each write, answers no query, and a unique
//! one keeps no doubles out of what stands.
//!
//! ## Do
//! Drop the invalid index concurrently, mend the rows that stopped it, and build it again.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint, isbn text);
//! CREATE INDEX ix_books_isbn ON books (isbn);
//! UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_books_isbn'::regclass;
//! -- when
//! CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_books_isbn ON books (isbn);
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint, isbn text);
//! CREATE INDEX ix_books_isbn ON books (isbn);
//! -- when
//! CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_books_isbn ON books (isbn);
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::Change;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("invalid_index_hidden");
    if let Some(first) = broken.first() {
        let why = "an earlier build failed and left it behind; `IF NOT EXISTS` looks at the name alone";
        return vec![context.finding(Severity::Error, *first, why, "drop it concurrently, mend the rows that stopped it, and build it again")];
    }
    match context.change() {
        Change::CreateIndex { concurrently: true, index, .. } if index.if_not_exists && context.is_postgresql() => {
            let what = format!("where a build of `{}` failed before, this passes and builds nothing", index.name.as_deref().unwrap_or("it"));
            let why = "a build that fails leaves an INVALID index under the name, and `IF NOT EXISTS` looks at the name alone";
            let mend = "in place of `IF NOT EXISTS`: `DROP INDEX CONCURRENTLY IF EXISTS` in front of it; look at `pg_index.indisvalid` behind it";
            vec![context.finding(Severity::Notice, what, why, mend)]
        }
        _ => Vec::new(),
    }
}

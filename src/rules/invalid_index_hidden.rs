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

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("invalid_index_hidden");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = "an earlier build failed and left it behind; `IF NOT EXISTS` looks at the name alone";
    vec![context.finding(Severity::Error, *first, why, "drop it concurrently, mend the rows that stopped it, and build it again")]
}

//! # A uniqueness that queries rely on goes
//!
//! `ON CONFLICT (column)` needs a unique index or constraint on it: without it every such `INSERT` fails with 42P10.
//!
//! ## Why
//! Upserts of the running release fail at once, and doubles come in that no later index can be built over.
//!
//! ## Do
//! Make the new index first, change the queries, deploy, and drop the old one in a later revision.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, isbn text CONSTRAINT books_isbn_key UNIQUE);
//! -- when
//! ALTER TABLE books DROP CONSTRAINT books_isbn_key;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, isbn text);
//! CREATE INDEX ix_books_isbn ON books (isbn);
//! -- when
//! DROP INDEX ix_books_isbn;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("drop_unique");
    let Some(first) = broken.first() else { return Vec::new() };
    let (what, why) = if context.script.server.dialect.is_mysql_family() {
        ((*first).to_owned(), "doubles are let in, and `ON DUPLICATE KEY UPDATE` inserts where it updated")
    } else {
        (format!("{first} fail"), "an `INSERT … ON CONFLICT` without its index fails with 42P10, and doubles are let in")
    };
    vec![context.finding(Severity::Warning, what, why, "make the index that takes its place first, and be sure that no query needs the old one")]
}

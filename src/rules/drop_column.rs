//! # A column is dropped
//!
//! `DROP COLUMN` takes the stored values of a column with it, and every query of the running release that names the
//! column fails from then on.
//!
//! ## Why
//! A downgrade can make the column again, but not what was in it. PostgreSQL only marks the column as dropped
//! (ACCESS EXCLUSIVE, no rewrite), so that it is quick; it is also the surest way to break a rolling deploy.
//!
//! ## Do
//! Take the column out of the application first and deploy that. Drop it in a later revision, with a backup that
//! was confirmed. Where the values may still matter, copy them into another table first.
//!
//! ```sql bad
//! ALTER TABLE books DROP COLUMN note;
//! ```
//! ```sql bad
//! CREATE TYPE mood AS ENUM ('a');
//! CREATE TABLE books (id bigint PRIMARY KEY, m mood);
//! -- when
//! DROP TYPE mood CASCADE;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint, note text);
//! ALTER TABLE drafts DROP COLUMN note;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("drop_column");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = context.effect.loss_why.clone().unwrap_or_else(|| "nothing is stored in it".to_owned());
    let mend = "drop it in a later revision, when no release uses it any more; back it up first";
    let mut found = context.finding(Severity::Error, format!("{first} fail once the column is gone"), why, mend);
    found.fix_alembic = Some("# release 1: remove the column from the model and deploy\n# release 2, a later revision:\nop.drop_column(table, column)".to_owned());
    vec![found]
}

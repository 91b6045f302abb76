//! # A table is published without a way to name its rows
//!
//! A table in a publication needs a primary key or another `REPLICA IDENTITY`: else every `UPDATE` and `DELETE` on it
//! fails with 55000.
//!
//! ## Why
//! The statement itself succeeds; it is the running application that fails.
//!
//! ## Do
//! Give the table a primary key first, or `REPLICA IDENTITY FULL`.
//!
//! ```sql bad
//! CREATE TABLE hits (a bigint);
//! -- when
//! CREATE PUBLICATION changes FOR TABLE hits;
//! ```
//! ```sql good
//! CREATE TABLE hits (a bigint PRIMARY KEY);
//! -- when
//! CREATE PUBLICATION changes FOR TABLE hits;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("publication_without_identity");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = "a published table without a primary key has no replica identity (55000)";
    vec![context.finding(Severity::Error, format!("failing from now on: {first}"), why, "give the table a primary key or `REPLICA IDENTITY FULL` first")]
}

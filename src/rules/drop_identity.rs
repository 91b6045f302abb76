//! # A column loses its numbers
//!
//! `DROP IDENTITY` takes the sequence along: the column is NOT NULL, and nothing fills it any more.
//!
//! ## Why
//! Every `INSERT` that leaves it out fails with 23502. The counter is gone, so that a new identity starts at 1.
//!
//! ## Do
//! Let the application send the number first, or set another default in the same transaction.
//!
//! ```sql bad
//! ALTER TABLE books ALTER COLUMN id DROP IDENTITY;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint GENERATED ALWAYS AS IDENTITY);
//! ALTER TABLE drafts ALTER COLUMN id DROP IDENTITY;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("drop_identity");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = context.effect.loss_why.clone().unwrap_or_default();
    vec![context.finding(Severity::Error, format!("failing from now on: {first}"), why, "set another default first, or let the application send the number")]
}

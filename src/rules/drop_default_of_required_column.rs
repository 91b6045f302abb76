//! # A required column loses its default
//!
//! The column is NOT NULL, and from now on an `INSERT` that leaves it out fails with 23502.
//!
//! ## Why
//! The running release relies on the default wherever it does not send a value.
//!
//! ## Do
//! Let the application send the value, deploy that, and drop the default in a later revision.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, note text NOT NULL DEFAULT '');
//! -- when
//! ALTER TABLE books ALTER COLUMN note DROP DEFAULT;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, note text DEFAULT '');
//! -- when
//! ALTER TABLE books ALTER COLUMN note DROP DEFAULT;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("drop_default_of_required_column");
    let Some(first) = broken.first() else { return Vec::new() };
    let mend = "let the application send the value first, and drop the default in a later release";
    vec![context.finding(Severity::Error, format!("failing from now on: {first}"), "a NOT NULL column without a default must be in every `INSERT` (23502)", mend)]
}

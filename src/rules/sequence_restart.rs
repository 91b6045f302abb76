//! # A sequence is set to another value
//!
//! Numbers that are taken already may come again.
//!
//! ## Why
//! The next `INSERT` fails with 23505, or, without a unique key, gives two rows one number. The old counter is gone.
//!
//! ## Do
//! Set it forward only: `SELECT setval('x_id_seq', (SELECT max(id) FROM x))`.
//!
//! ```sql bad
//! ALTER SEQUENCE ticket_numbers RESTART WITH 1;
//! ```
//! ```sql bad
//! SELECT setval('ticket_numbers', 1);
//! ```
//! ```sql good
//! SELECT setval('books_id_seq', (SELECT max(id) FROM books));
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("sequence_restart");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = context.effect.loss_why.clone().unwrap_or_default();
    vec![context.finding(Severity::Error, format!("in danger: {first}"), why, "set it forward only, to the greatest number in use")]
}

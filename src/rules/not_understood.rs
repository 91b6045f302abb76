//! # A statement was not understood
//!
//! What cannot be read is never taken for safe. The statement, or a part of it, is not in the grammar that was
//! read, or there is no fact about it for this version of the server.
//!
//! ## Why
//! A reviewer that passes over what it does not know lets everything through. The risk counts as *medium* until
//! somebody has looked.
//!
//! ## Do
//! Look at the statement yourself. If it is valid, allow it with a reason, and tell us about it.
//!
//! ```sql bad
//! ALTER TABLE books FROBNICATE;
//! ```
//! ```sql good
//! ALTER TABLE books ADD COLUMN note text;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let reading = &context.statement.reading;
    let Some(why) = reading.not_understood.as_ref().or(context.effect.unknown.as_ref()) else { return Vec::new() };
    let what = format!("`{}` was not understood", context.short());
    vec![context.finding(Severity::Error, what, format!("{why}; nobody can tell from here what it locks or loses"), "look at it yourself; allow it with a reason if it is right")]
}

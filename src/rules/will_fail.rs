//! # The server refuses the statement
//!
//! As the schema stands in front of it, this statement cannot succeed, whatever is stored.
//!
//! ## Why
//! The revision fails at this place. Where DDL is transactional it is rolled back; on MySQL and MariaDB it stays half
//! applied.
//!
//! ## Do
//! Mend what the reason says; run the script on a copy of the schema first.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY);
//! -- when
//! ALTER TABLE books DROP COLUMN title;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, title text);
//! -- when
//! ALTER TABLE books ALTER COLUMN title SET DEFAULT '';
//! ```

use crate::effects::When;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement, where nothing else said that it fails.
pub const CHECK: Check = Check::Otherwise(check);

fn check(context: &Context<'_>, said: &[Finding]) -> Vec<Finding> {
    if said.iter().any(|found| found.severity == Severity::Error) {
        return Vec::new();
    }
    let Some(failure) = context.effect.fails.iter().find(|failure| failure.when == When::Always) else { return Vec::new() };
    let what = format!("`{}` fails with {}", context.short(), failure.code);
    vec![context.finding(Severity::Error, what, failure.why.clone(), "mend what the reason says, and try the script on a copy of the schema")]
}

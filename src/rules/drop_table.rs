//! # A table is dropped
//!
//! The table goes with its rows, and every query of the running release that names it fails.
//!
//! ## Why
//! A downgrade makes an empty table. PostgreSQL takes ACCESS EXCLUSIVE on the table and on every table its foreign
//! keys name; dropping a partition locks its parent as well.
//!
//! ## Do
//! Take it out of the application, deploy, rename it aside in a later revision, and drop it when nobody missed it.
//! Have a backup that was tried.
//!
//! ```sql bad
//! DROP TABLE books;
//! ```
//! ```sql bad
//! CREATE SCHEMA attic;
//! CREATE TABLE attic.boxes (id bigint);
//! -- when
//! DROP SCHEMA attic CASCADE;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint);
//! DROP TABLE drafts;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("drop_table");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = context.effect.loss_why.clone().unwrap_or_else(|| "nothing is stored in it".to_owned());
    let more = if broken.len() > 1 { format!(" (and {} more)", broken.len() - 1) } else { String::new() };
    let what = format!("fails from now on: {first}{more}");
    let mend = "drop it in a later revision, when no release uses it any more; rename it aside first, with a backup";
    vec![context.finding(Severity::Error, what, why, mend)]
}

//! # A table is emptied
//!
//! `TRUNCATE` takes all rows, with `CASCADE` also those of every table that points at it.
//!
//! ## Why
//! No downgrade brings them back. It takes ACCESS EXCLUSIVE on each of the tables.
//!
//! ## Do
//! Delete in batches what is not needed, in a data revision, or leave it to a job outside of the migrations. Have a
//! backup that was tried.
//!
//! ```sql bad
//! TRUNCATE books;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint);
//! TRUNCATE drafts;
//! ```

use crate::effects::Loss;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.met("truncate") || context.effect.loss < Loss::Medium {
        return Vec::new();
    }
    let tables: Vec<String> = context.effect.locks.iter().map(|lock| format!("`{}`", lock.table)).collect();
    let what = format!("all rows of {} go", tables.join(", "));
    let why = context.effect.loss_why.clone().unwrap_or_default();
    vec![context.finding(Severity::Error, what, why, "delete in batches what is not needed, or copy the rows aside first; confirm a backup")]
}

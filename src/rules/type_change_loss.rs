//! # A type change alters stored values
//!
//! The new type does not hold what the old one held, or the `USING` expression makes something else of it.
//!
//! ## Why
//! Scales are cut, fractions and times of day go, JSON loses its spelling; the reverse change does not bring them
//! back. Without `USING`, PostgreSQL never cuts a string: `varchar(10)` for longer values fails with 22001.
//! `USING c::varchar(10)` cuts without a word.
//!
//! ## Do
//! Count what would change first. Keep the old column: add a new one, fill it, switch over, drop the old one later.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, price numeric(8,2));
//! -- when
//! ALTER TABLE books ALTER COLUMN price TYPE numeric(8,1);
//! ```
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, note varchar(80));
//! -- when
//! ALTER TABLE books ALTER COLUMN note TYPE varchar(10) USING note::varchar(10);
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, note varchar(80));
//! -- when
//! ALTER TABLE books ALTER COLUMN note TYPE varchar(120);
//! ```

use crate::effects::Loss;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let column = context.action(|action| match action {
        AlterAction::AlterColumnType { column, .. } => Some(column.clone()),
        AlterAction::ChangeColumn { from, .. } => Some(from.clone()),
        AlterAction::AlterColumn { column } => Some(column.name.clone()),
        _ => None,
    });
    let Some(column) = column else { return Vec::new() };
    if context.effect.loss < Loss::Medium || !context.broken("drop_column").is_empty() {
        return Vec::new();
    }
    let why = context.effect.loss_why.clone().unwrap_or_default();
    let what = format!("values of `{column}` may not come back as they were");
    let mend = "count the values that change first; add a column of the new type, fill it, switch over, drop the old one later";
    vec![context.finding(Severity::Error, what, why, mend)]
}

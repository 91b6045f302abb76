//! # A guarantee is given up
//!
//! Without the check, foreign key or policy, rows come in (or are seen) that it kept out.
//!
//! ## Why
//! A downgrade that adds it again fails as soon as one wrong row is stored. Dropping a foreign key takes ACCESS
//! EXCLUSIVE on both tables.
//!
//! ## Do
//! Be sure that the application keeps the rule itself. To change a constraint, add the new one `NOT VALID`, validate
//! it, then drop the old one.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, pages int CONSTRAINT pages_positive CHECK (pages > 0));
//! -- when
//! ALTER TABLE books DROP CONSTRAINT pages_positive;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, pages int);
//! -- when
//! ALTER TABLE books DROP CONSTRAINT IF EXISTS pages_positive;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("drop_constraint");
    let Some(first) = broken.first() else { return Vec::new() };
    // In one statement with its successor, as a constraint is changed.
    let is_replaced = context.actions().iter().any(|action| matches!(action, AlterAction::AddConstraint(_)));
    let severity = if is_replaced { Severity::Notice } else { Severity::Warning };
    let why = context.effect.loss_why.clone().unwrap_or_default();
    vec![context.finding(severity, (*first).to_owned(), why, "be sure that nothing relies on it; add the constraint that takes its place first")]
}

//! # A view, function, type or sequence in use is dropped
//!
//! What calls it or selects from it fails. A sequence takes its counter along.
//!
//! ## Why
//! The definition can be made again, the grants on it and a counter cannot. `DROP VIEW` locks the view only.
//!
//! ## Do
//! Take it out of the application first. To change a view, use `CREATE OR REPLACE VIEW`, or drop and create it in one
//! transaction with its grants.
//!
//! ```sql bad
//! DROP VIEW open_books;
//! ```
//! ```sql bad
//! DROP SEQUENCE ticket_numbers;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint);
//! CREATE VIEW open_books AS SELECT id FROM books;
//! -- when
//! BEGIN;
//! DROP VIEW open_books;
//! CREATE VIEW open_books AS SELECT id FROM books WHERE id > 0;
//! COMMIT;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::{Change, Name};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("drop_object");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = context.effect.loss_why.clone().unwrap_or_else(|| "the running release may still use it".to_owned());
    if comes_back(context) {
        let what = format!("{first}: it is made again in the same transaction, without the grants it had");
        return vec![context.finding(Severity::Notice, what, why, "grant again what was granted on it")];
    }
    let what = format!("fails from now on: {first}");
    let mend = "drop it in a later revision, when no release uses it any more";
    vec![context.finding(Severity::Error, what, why, mend)]
}

/// All objects dropped are made again later in the same transaction.
fn comes_back(context: &Context<'_>) -> bool {
    let Change::Drop(drop) = context.change() else { return false };
    let Some(transaction) = context.statement.transaction else { return false };
    let later = context.script.statements.iter().filter(|other| other.index > context.statement.index && other.transaction == Some(transaction));
    let made: Vec<&Name> = later
        .filter_map(|other| match &other.reading.change {
            Change::CreateView { name, .. } | Change::CreateFunction { name, .. } | Change::CreateSequence { name, .. } => Some(name),
            _ => None,
        })
        .collect();
    drop.names.iter().all(|name| made.iter().any(|other| context.catalog.key(other) == context.catalog.key(name)))
}

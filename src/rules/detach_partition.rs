//! # Rows leave the table with their partition
//!
//! After `DETACH PARTITION` or `NO INHERIT` the rows are in a table of their own: queries on the parent do not find
//! them any more.
//!
//! ## Why
//! Reports and the running release see fewer rows, without an error. A plain detach takes ACCESS EXCLUSIVE on the
//! parent, on the default partition and on tables that point at it.
//!
//! ## Do
//! Make sure that nothing reads those rows. From PostgreSQL 14 on use `DETACH PARTITION … CONCURRENTLY`, outside of a
//! transaction and without a default partition.
//!
//! ```sql bad
//! ALTER TABLE visits DETACH PARTITION visits_2024;
//! ```
//! ```sql bad
//! ALTER TABLE films NO INHERIT media;
//! ```
//! ```sql good
//! CREATE TABLE visits (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
//! CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
//! ALTER TABLE visits DETACH PARTITION visits_2024;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("detach_partition");
    let Some(first) = broken.first() else { return Vec::new() };
    let plain = context.actions().iter().any(|action| matches!(action, AlterAction::DetachPartition { concurrently: false, finalize: false, .. }));
    let why = if plain { context.waits() } else { "they stay stored, in a table of their own".to_owned() };
    let mend = if plain && context.script.server.is_postgresql_from(14) {
        "be sure that nothing reads these rows; detach with `CONCURRENTLY`, outside of a transaction"
    } else {
        "be sure that nothing reads these rows"
    };
    vec![context.finding(Severity::Warning, (*first).to_owned(), why, mend)]
}

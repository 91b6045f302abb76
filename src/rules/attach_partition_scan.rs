//! # Attaching a partition reads it through
//!
//! `ATTACH PARTITION` reads the new partition, under ACCESS EXCLUSIVE on it, to see that its rows fit the bound,
//! unless a valid `CHECK` says so. It also builds the indexes and checks the foreign keys that the partition lacks.
//!
//! ## Why
//! The parent is locked with SHARE UPDATE EXCLUSIVE only, but users of the partition wait, and so do writers of every
//! table that a foreign key of the parent names.
//!
//! ## Do
//! Add a `CHECK` with the bound (and NOT NULL for the key) `NOT VALID`, validate it, build the indexes with
//! `CONCURRENTLY`; then attach, which is instant, and drop the check. For a hash partition there is no such proof.
//!
//! ```sql bad
//! CREATE TABLE visits (id bigint NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
//! CREATE TABLE visits_2026 (id bigint NOT NULL, day date NOT NULL);
//! -- when
//! ALTER TABLE visits ATTACH PARTITION visits_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
//! ```
//! ```sql good
//! CREATE TABLE visits (id bigint NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
//! CREATE TABLE visits_2026 (id bigint NOT NULL, day date NOT NULL, CHECK (day >= '2026-01-01' AND day < '2027-01-01'));
//! -- when
//! ALTER TABLE visits ATTACH PARTITION visits_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let partition = context.action(|action| match action {
        AlterAction::AttachPartition { partition, .. } => Some(context.catalog.key(partition)),
        _ => None,
    });
    let Some(partition) = partition else { return Vec::new() };
    let worked = context.effect.scans.contains(&partition) || context.effect.builds.contains(&partition);
    if !worked || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let does = if context.met("attach_partition_proven") { "builds the indexes that it lacks" } else { "is read through" };
    let what = format!("`{partition}` {does} while others wait");
    let mend = "validate a `CHECK` with the bound on it first and build its indexes with `CONCURRENTLY`; then attaching is instant";
    vec![context.finding(Severity::Error, what, context.waits(), mend)]
}

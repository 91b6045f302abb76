//! # A new partition makes the server read the default one
//!
//! Rows of the default partition may belong to the new one, so that all of them are looked at under ACCESS EXCLUSIVE.
//!
//! ## Why
//! `CREATE TABLE … PARTITION OF` holds ACCESS EXCLUSIVE on the parent too: the whole table waits. If a row belongs to
//! the new partition, the statement fails with 23514.
//!
//! ## Do
//! Add a `CHECK` to the default partition that excludes the new range, `NOT VALID`, and validate it first. Make the
//! partition as a table of its own and attach it, which takes a weaker lock on the parent.
//!
//! ```sql bad
//! CREATE TABLE visits (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
//! CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
//! -- when
//! CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
//! ```
//! ```sql good
//! CREATE TABLE visits (id bigint, day date NOT NULL) PARTITION BY RANGE (day);
//! -- when
//! CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::{AlterAction, Change, Name};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(default) = parent(context).and_then(|parent| context.catalog.default_partition(parent)) else { return Vec::new() };
    if !context.effect.scans.contains(&default) || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("the default partition `{default}` is read through while others wait");
    let why = context.may_fail().map_or_else(|| context.waits(), |fails| format!("{}; {fails} (23514)", context.waits()));
    let mend = "validate a `CHECK` on the default partition that excludes the new range first";
    vec![context.finding(Severity::Error, what, why, mend)]
}

fn parent<'a>(context: &Context<'a>) -> Option<&'a Name> {
    match &context.statement.reading.change {
        Change::CreateTable(create) => create.partition_of.as_ref().map(|(parent, _)| parent),
        Change::AlterTable(alter) if alter.actions.iter().any(|action| matches!(action, AlterAction::AttachPartition { .. })) => Some(&alter.table),
        _ => None,
    }
}

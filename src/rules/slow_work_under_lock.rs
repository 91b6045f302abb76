//! # Slow work goes on while a lock of an earlier statement is held
//!
//! The statement alone would make nobody wait. But an earlier one of the same transaction holds a lock that does, and
//! keeps it until the commit.
//!
//! ## Why
//! `ALTER TABLE … ADD COLUMN` takes a moment; with a backfill behind it in the same transaction, the table is locked
//! as long as the backfill runs.
//!
//! ## Do
//! Commit in between: one revision for the lock, another for the work, with `transaction_per_migration=True`.
//!
//! ```sql bad
//! BEGIN;
//! ALTER TABLE books ADD COLUMN slug text;
//! UPDATE books SET slug = lower(title);
//! COMMIT;
//! ```
//! ```sql good
//! ALTER TABLE books ADD COLUMN slug text;
//! UPDATE books SET slug = lower(title);
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement that makes nobody wait alone.
pub const CHECK: Check = Check::Otherwise(check);

fn check(context: &Context<'_>, said: &[Finding]) -> Vec<Finding> {
    let says_wait = said.iter().any(|found| found.rule == "validate_in_same_transaction");
    if !context.blocks_long() || says_wait || context.blocks_by_itself() {
        return Vec::new();
    }
    let Some((table, mode, since)) = context.transaction.blocking() else { return Vec::new() };
    let held = format!("`{}` on `{}`", mode.words(), table.shown());
    let what = format!("`{}` works while {held} is held since statement {since}", context.short());
    let mend = "commit in between: put the work into a revision of its own";
    vec![context.finding(Severity::Error, what, context.waits(), mend)]
}

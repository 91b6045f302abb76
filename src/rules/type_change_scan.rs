//! # A type change reads the table through
//!
//! The rows stay as they are, but an index is built anew or a `CHECK` is verified again, under ACCESS EXCLUSIVE.
//!
//! ## Why
//! PostgreSQL builds expression and partial indexes that use the column again even when a `varchar` only grows, and
//! plain ones when the operators or the collation change. On a partitioned table the indexes of the partitions are
//! built again. A valid `CHECK` that names the column is verified.
//!
//! ## Do
//! Drop the index or the check first, change the type, and make it again with `CONCURRENTLY`, or with `NOT VALID` and
//! a later `VALIDATE`.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, note varchar(50));
//! CREATE INDEX ix_books_note ON books (lower(note));
//! -- when
//! ALTER TABLE books ALTER COLUMN note TYPE varchar(80);
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, note varchar(50));
//! CREATE INDEX ix_books_note ON books (note);
//! -- when
//! ALTER TABLE books ALTER COLUMN note TYPE varchar(80);
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let scans = context.met("alter_type_scan") && !context.met("alter_type_rewrite");
    if !scans || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let does = if context.effect.builds.is_empty() { "verifies a check again" } else { "builds an index anew" };
    let what = format!("`{}` {does} while others wait", context.short());
    let mend = "drop that index or check first, and make it again afterwards without the lock (`CONCURRENTLY`, or `NOT VALID` and `VALIDATE`)";
    vec![context.finding(Severity::Error, what, context.waits(), mend)]
}

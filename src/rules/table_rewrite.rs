//! # A whole table is written into new files
//!
//! `VACUUM FULL`, `CLUSTER`, `SET LOGGED`, `SET UNLOGGED`, `SET TABLESPACE`, `SET ACCESS METHOD` and `SET EXPRESSION`
//! copy the table, with all indexes, under ACCESS EXCLUSIVE.
//!
//! ## Why
//! Reads and writes wait as long as the copy takes, and it needs the space twice.
//!
//! ## Do
//! Do it in a maintenance window, or with a tool that copies beside the running table (pg_repack).
//!
//! ```sql bad
//! VACUUM FULL books;
//! ```
//! ```sql bad
//! ALTER TABLE books SET UNLOGGED;
//! ```
//! ```sql good
//! VACUUM books;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

const SITUATIONS: &[&str] = &["vacuum_full", "cluster", "set_unlogged", "set_tablespace", "set_access_method", "set_expression"];

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met_any(SITUATIONS) || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("`{}` copies the whole table while others wait", context.short());
    vec![context.finding(Severity::Error, what, context.waits(), "do it in a maintenance window with a `lock_timeout`, or with pg_repack")]
}

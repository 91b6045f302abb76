//! # An index is rebuilt while others wait
//!
//! `REINDEX` holds SHARE on the table and ACCESS EXCLUSIVE on the index: writes wait, and so do reads that plan with
//! the index.
//!
//! ## Why
//! The build takes as long as the table is large. `CONCURRENTLY` (PostgreSQL 12 and newer) takes SHARE UPDATE
//! EXCLUSIVE.
//!
//! ## Do
//! `REINDEX … CONCURRENTLY` outside of a transaction; better in an operations job than in a migration.
//!
//! ```sql bad
//! REINDEX TABLE books;
//! ```
//! ```sql good
//! REINDEX TABLE CONCURRENTLY books;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::{Change, ReindexScope};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Change::Reindex { scope, concurrently: false, .. } = context.change() else { return Vec::new() };
    // Of an index that is not known, nobody knows that it is small.
    let unknown = context.effect.builds.is_empty() && context.effect.work > crate::effects::Work::Instant;
    if context.effect.always_fails() || !context.met("reindex") || !(unknown || context.blocks_long()) {
        return Vec::new();
    }
    let what = format!("`{}` makes others wait until the index is built", context.short());
    let mut found = context.finding(Severity::Error, what, context.waits(), "add `CONCURRENTLY`, and run it outside of a transaction");
    let word = match scope {
        ReindexScope::Index => "INDEX",
        ReindexScope::Table => "TABLE",
        ReindexScope::Schema => "SCHEMA",
        ReindexScope::Database => "DATABASE",
        ReindexScope::System => return vec![found],
    };
    let sql = context.sql();
    let from = fix::behind(sql, "REINDEX").unwrap_or_default();
    let at = sql.get(from..).and_then(|rest| fix::behind(rest, word)).map(|at| from + at);
    if let Some(fixed) = at.and_then(|at| fix::put_in(sql, at, " CONCURRENTLY")) {
        found.fix_alembic = Some(fix::autocommit(&fix::execute(&fixed)));
        found.fix_sql = Some(format!("{fixed};"));
    }
    vec![found]
}

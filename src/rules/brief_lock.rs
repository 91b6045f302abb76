//! # Others wait for a moment
//!
//! The statement takes a lock that makes others wait, and is done at once.
//!
//! ## Why
//! It is harmless as long as it gets the lock at once. Behind a long query it waits, and all others wait behind it.
//!
//! ## Do
//! Set a `lock_timeout` and try again.
//!
//! ```sql bad
//! ALTER TABLE books ADD COLUMN note text;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint);
//! ```

use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement of which nothing else was said.
pub const CHECK: Check = Check::Otherwise(check);

fn check(context: &Context<'_>, said: &[Finding]) -> Vec<Finding> {
    let locks: Vec<String> =
        context.effect.locks.iter().filter(|lock| lock.mode.blocks_writes()).map(|lock| format!("`{}` on `{}`", lock.mode.words(), lock.table)).collect();
    // SQLite takes its one lock for every write: no news.
    let is_sqlite = context.script.server.dialect == Dialect::Sqlite;
    if is_sqlite || !said.is_empty() || locks.is_empty() || context.blocks_long() {
        return Vec::new();
    }
    let what = format!("`{}` makes others wait for a moment", context.short());
    let mend = if context.script.server.dialect.is_mysql_family() {
        "set `lock_wait_timeout` for the session and try again when it runs out"
    } else {
        "set a `lock_timeout` and try again when it runs out"
    };
    vec![context.finding(Severity::Notice, what, locks.join(", "), mend)]
}

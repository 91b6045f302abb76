//! # Others wait while a table is worked through
//!
//! The statement reads or writes a whole table while it holds a lock that makes other sessions wait.
//!
//! ## Why
//! The wait grows with the table. Behind it queue all statements that want the table, also those that would not
//! wait for it alone.
//!
//! ## Do
//! Look for a form that works without the lock, or do it in a maintenance window with a `lock_timeout`.
//!
//! ```sql bad
//! DO $$ BEGIN EXECUTE 'CREATE INDEX ix_books_note ON books (note)'; END $$;
//! ```
//! ```sql good
//! VACUUM books;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context, is_flagged};

/// Looks at each statement. Speaks only where no other rule did.
pub const CHECK: Check = Check::Otherwise(check);

fn check(context: &Context<'_>, said: &[Finding]) -> Vec<Finding> {
    if !context.blocks_long() || is_flagged(said) {
        return Vec::new();
    }
    let what = format!("`{}` makes others wait as long as it works", context.short());
    vec![context.finding(Severity::Error, what, context.waits(), "do it in a maintenance window with a `lock_timeout`, or in steps that hold no such lock")]
}

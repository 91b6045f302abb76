//! # A statement that must run alone stands in a transaction
//!
//! `CREATE INDEX CONCURRENTLY`, `DROP INDEX CONCURRENTLY`, `REINDEX CONCURRENTLY`, `DETACH PARTITION CONCURRENTLY`,
//! `VACUUM`, `ALTER SYSTEM`, `CREATE DATABASE` and their like commit on their own. Inside of a transaction
//! PostgreSQL refuses them with 25001.
//!
//! ## Why
//! Alembic puts a revision into a transaction, so that such a statement fails at the first run.
//!
//! ## Do
//! Put it into `with op.get_context().autocommit_block():`, best in a revision of its own: what stands before the
//! block is committed when it begins, and is not undone when the block fails.
//!
//! ```sql bad
//! BEGIN;
//! CREATE INDEX CONCURRENTLY ix_books_note ON books (note);
//! COMMIT;
//! ```
//! ```sql bad
//! BEGIN;
//! VACUUM books;
//! COMMIT;
//! ```
//! ```sql good
//! CREATE INDEX CONCURRENTLY ix_books_note ON books (note);
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(failure) = context.effect.fails.iter().find(|failure| failure.code == "25001") else { return Vec::new() };
    let what = format!("`{}` fails here: {}", context.short(), failure.why);
    let why = format!("{} answers 25001, and the revision is rolled back", context.server());
    let mut found = context.finding(Severity::Error, what, why, "run it outside of the transaction, in an `autocommit_block()` of a revision of its own");
    found.fix_sql = Some(format!("{};", context.sql()));
    found.fix_alembic = Some(fix::autocommit(&fix::execute(context.sql())));
    vec![found]
}

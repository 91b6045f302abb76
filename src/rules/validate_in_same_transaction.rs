//! # A constraint is validated in the transaction that added it
//!
//! `VALIDATE CONSTRAINT` alone makes nobody wait. Here the transaction still holds the lock of `ADD CONSTRAINT`.
//!
//! ## Why
//! A lock is kept until the commit: ACCESS EXCLUSIVE of the check, SHARE ROW EXCLUSIVE of the foreign key. With the
//! scan inside, `NOT VALID` gains nothing.
//!
//! ## Do
//! Validate in the next revision, with `transaction_per_migration=True`, or behind the commit.
//!
//! ```sql bad
//! BEGIN;
//! ALTER TABLE books ADD CONSTRAINT pages_positive CHECK (pages > 0) NOT VALID;
//! ALTER TABLE books VALIDATE CONSTRAINT pages_positive;
//! COMMIT;
//! ```
//! ```sql good
//! ALTER TABLE books ADD CONSTRAINT pages_positive CHECK (pages > 0) NOT VALID;
//! ALTER TABLE books VALIDATE CONSTRAINT pages_positive;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(alter) = context.altered() else { return Vec::new() };
    let added_here = alter.actions.iter().any(|action| {
        matches!(action, AlterAction::ValidateConstraint { name } if context.transaction.not_valid.iter().any(|(table, added)| {
            added == name && context.catalog.key(table) == context.catalog.key(&alter.table)
        }))
    });
    if !added_here || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("`{}` reads all rows while the lock of `ADD CONSTRAINT` is still held", context.short());
    let mut found = context.finding(Severity::Error, what, context.waits(), "validate it in a revision of its own, behind the commit of the first");
    found.fix_sql = Some(format!("{};", context.sql()));
    found.fix_alembic = Some(format!("# in the next revision, with transaction_per_migration=True\n{}", fix::execute(context.sql())));
    vec![found]
}

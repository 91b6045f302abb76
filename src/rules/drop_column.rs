//! # A column is dropped
//!
//! `DROP COLUMN` takes the stored values of a column with it, and every query of the running release that names the
//! column fails from then on.
//!
//! ## Why
//! A downgrade can make the column again, but not what was in it. PostgreSQL only marks the column as dropped
//! (ACCESS EXCLUSIVE, no rewrite), so that it is quick; it is also the surest way to break a rolling deploy.
//!
//! ## Do
//! Take the column out of the application first and deploy that. Drop it in a later revision, with a backup that
//! was confirmed. Where the values may still matter, copy them into another table first.
//!
//! ```sql bad
//! ALTER TABLE books DROP COLUMN note;
//! ```
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, note text NOT NULL);
//! -- when
//! ALTER TABLE books DROP COLUMN note;
//! ```
//! ```sql bad
//! CREATE TYPE mood AS ENUM ('a');
//! CREATE TABLE books (id bigint PRIMARY KEY, m mood);
//! -- when
//! DROP TYPE mood CASCADE;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint, note text);
//! ALTER TABLE drafts DROP COLUMN note;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("drop_column");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = context.effect.loss_why.clone().unwrap_or_else(|| "nothing is stored in it".to_owned());
    let mend = "drop it in a later revision, when no release uses it any more; back it up first";
    let mut found = context.finding(Severity::Error, format!("{first} fail once the column is gone"), why, mend);
    found.fix_alembic = made_optional(context);
    vec![found]
}

/// What new code needs that leaves the column out while old code still writes it. The drop itself comes when no process names
/// it any more: nothing that is written today makes it safe.
fn made_optional(context: &Context<'_>) -> Option<String> {
    let (table, AlterAction::DropColumn { column, .. }) = context.single_action()? else { return None };
    let known = context.catalog.table(table)?;
    let own = known.column(column)?;
    let is_key = known.primary_key().is_some_and(|key| key.contains(column));
    let asks = own.not_null && own.default.is_none() && own.generated.is_none() && own.identity.is_none() && !is_key;
    (context.is_postgresql() && asks).then(|| {
        format!(
            "# revision 1, before the code that no longer writes it; the drop is a later one\nop.alter_column({}, {}, nullable=True{})",
            fix::python(&table.name),
            fix::python(column),
            fix::python_schema(table)
        )
    })
}

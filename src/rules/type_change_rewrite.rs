//! # A type change writes the table anew
//!
//! The new type is stored in another way, so that every row is written again, with all indexes, under ACCESS
//! EXCLUSIVE: reads and writes wait.
//!
//! ## Why
//! Whether PostgreSQL rewrites hangs on both types: `varchar(50)` to `varchar(80)` or to `text` does not,
//! `integer` to `bigint`, `char(n)` to anything, `numeric(10,2)` to `numeric(12,4)` and nearly every `USING` do.
//! Measured on 12 to 18 for all pairs of 63 types.
//!
//! ## Do
//! Add a column of the new type, write both from the application or by a trigger, fill it in batches, switch over,
//! and drop the old one in a later release.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, pages int);
//! -- when
//! ALTER TABLE books ALTER COLUMN pages TYPE bigint;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, note varchar(50));
//! -- when
//! ALTER TABLE books ALTER COLUMN note TYPE text;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met("alter_type_rewrite") || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("`{}` writes the whole table anew while others wait", context.short());
    let mend = "add a column of the new type, fill it in batches, switch over, drop the old one in a later release";
    let mut found = context.finding(Severity::Error, what, context.waits(), mend);
    if let Some((table, AlterAction::AlterColumnType { column, data_type, .. })) = context.single_action() {
        let new = format!("{column}_new");
        found.fix_sql = Some(format!("ALTER TABLE {} ADD COLUMN {} {data_type};", fix::relation(table), fix::ident(&new)));
        found.fix_alembic = Some(format!(
            "# revision 1; then write both columns, fill the new one in batches, read it; a later revision drops the old one\n{}",
            fix::add_nullable(table, &new, data_type)
        ));
    }
    vec![found]
}

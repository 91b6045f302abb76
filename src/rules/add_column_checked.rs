//! # A new column brings a constraint that is checked on all rows
//!
//! A `CHECK`, a `UNIQUE` or a `REFERENCES` with a default, written behind a new column, makes the server read the
//! whole table or build an index while it holds ACCESS EXCLUSIVE.
//!
//! ## Why
//! The column alone would be quick. PostgreSQL does not conclude from the constant default that the check holds.
//!
//! ## Do
//! Add the plain column first. Then add the check or the foreign key `NOT VALID` and validate it in a later
//! transaction; build the unique index `CONCURRENTLY`.
//!
//! ```sql bad
//! ALTER TABLE books ADD COLUMN rating int DEFAULT 5 CHECK (rating > 0);
//! ```
//! ```sql bad
//! ALTER TABLE books ADD COLUMN slug text UNIQUE;
//! ```
//! ```sql good
//! ALTER TABLE books ADD COLUMN shelf int REFERENCES shelves (id);
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::{AlterAction, Column, Name};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

const SITUATIONS: &[&str] = &["add_column_checked", "add_column_unique", "add_column_references_default"];

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met_any(SITUATIONS) || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("the constraint of the new column in `{}` is checked on all rows while others wait", context.short());
    let mend = "add the plain column, then the constraint as `NOT VALID` with a later `VALIDATE`, or the unique index with `CONCURRENTLY`";
    let mut found = context.finding(Severity::Error, what, context.waits(), mend);
    if let Some((table, AlterAction::AddColumn { column, .. })) = context.single_action() {
        found.fix_sql = fix_sql(context, table, column);
    }
    vec![found]
}

/// The column alone, and for a unique one its index.
fn fix_sql(context: &Context<'_>, table: &Name, column: &Column) -> Option<String> {
    let data_type = column.data_type.as_ref().filter(|data_type| !data_type.serial)?;
    let relation = fix::relation(table);
    let name = fix::ident(&column.name);
    let default = column.default.as_ref().map(|default| format!(" DEFAULT {}", default.text)).unwrap_or_default();
    let add = format!("ALTER TABLE {relation} ADD COLUMN {name} {data_type}{default};");
    if context.met("add_column_unique") {
        let index = fix::ident(&format!("{}_{}_key", table.name, column.name));
        return Some(format!("{add}\nCREATE UNIQUE INDEX CONCURRENTLY {index} ON {relation} ({name});"));
    }
    Some(add)
}

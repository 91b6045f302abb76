//! # What is dropped is still used
//!
//! The application's code or a function of the database names a column or table that this revision drops.
//!
//! ## Why
//! The server does not look into the text of a function, and not into the application: both fail from the moment the statement is
//! committed (PostgreSQL: 42703), in the release that runs and in the one that comes.
//!
//! ## Do
//! Take it out of the code and the functions first, deploy that, and drop it in a later revision. The answer names file and line of each
//! place: attributes of the mapped class, `User.phone`, and SQL in strings. A name that is used for something else is allowed in the revision:
//! `# alembic-gate: allow dropped_column_in_use because …`.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, title text);
//! CREATE FUNCTION title_of(wanted bigint) RETURNS text LANGUAGE sql AS 'SELECT title FROM books WHERE id = wanted';
//! -- when
//! ALTER TABLE books DROP COLUMN title;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, title text);
//! CREATE FUNCTION known(wanted bigint) RETURNS bigint LANGUAGE sql AS 'SELECT id FROM books WHERE id = wanted';
//! -- when
//! ALTER TABLE books DROP COLUMN title;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement; the application's code is looked at where there is a project (`tools::code_in_use`).
pub const CHECK: Check = Check::Statement(check);

/// Why it is an error.
pub const WHY: &str = "what names it fails from the moment the statement is committed, in the release that runs and in this one";

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(alter) = context.altered() else { return Vec::new() };
    let dropped = alter.actions.iter().filter_map(|action| match action {
        AlterAction::DropColumn { column, .. } => Some(column),
        _ => None,
    });
    let mut found = Vec::new();
    for column in dropped {
        let functions = context.catalog.functions_reading(&alter.table, column);
        if functions.is_empty() {
            continue;
        }
        let named = functions.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let what = format!("`{}.{column}` is dropped and functions still read it: {named}", alter.table.shown());
        let mend = "make the functions anew without it first";
        found.push(context.finding(Severity::Error, what, WHY, mend));
    }
    found
}

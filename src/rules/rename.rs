//! # A name that is in use changes
//!
//! Queries of the running release still use the old name of the table, column, view, type, sequence or enum value.
//!
//! ## Why
//! Old and new release run side by side during a deploy, and after a roll back. A view under the old name helps for
//! reads, if it gets the grants of the old table; a prepared `SELECT *` fails once all the same.
//!
//! ## Do
//! Add the new name beside the old one, write both, switch reads over, drop the old one in a later release.
//!
//! ```sql bad
//! ALTER TABLE books RENAME COLUMN title TO headline;
//! ```
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, title varchar(80));
//! -- when
//! ALTER TABLE books RENAME COLUMN title TO headline;
//! ```
//! ```sql bad
//! ALTER TABLE books RENAME TO titles;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint, title text);
//! ALTER TABLE drafts RENAME COLUMN title TO headline;
//! ```
//! ```sql good
//! ALTER INDEX ix_books_title RENAME TO ix_books_headline;
//! ```
//! ```sql good
//! BEGIN;
//! ALTER TABLE books RENAME COLUMN title TO kept;
//! ALTER TABLE books RENAME COLUMN kept TO title;
//! COMMIT;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::{AlterAction, Change, Name};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("rename");
    let Some(first) = broken.first().filter(|_| !is_undone(context)) else { return Vec::new() };
    if let Some(granted) = view_in_its_place(context) {
        let severity = if granted { Severity::Notice } else { Severity::Warning };
        let what = format!("goes to a view from now on: {first}");
        let why = "a view under the old name takes its place in the same transaction; a role needs a grant on it";
        return vec![context.finding(severity, what, why, "grant on the view what was granted on the table")];
    }
    let what = format!("fails from now on: {first}");
    let why = "the running release uses the old name until the last process of it is gone";
    let mend = "add the new name beside the old one, write both, switch over, and drop the old one in a later release";
    let mut found = context.finding(Severity::Error, what, why, mend);
    found.fix_alembic = beside_it(context);
    vec![found]
}

/// The new name beside the old one, which is where the way of a column begins; none where its type is not known.
fn beside_it(context: &Context<'_>) -> Option<String> {
    let (table, AlterAction::RenameColumn { from, to }) = context.single_action()? else { return None };
    let data_type = context.catalog.table(table)?.column(from)?.data_type.as_ref()?;
    context.is_postgresql().then(|| {
        format!(
            "# revision 1; then write both columns, copy the old values in batches, read the new one; a later revision drops the old one\n{}",
            fix::add_nullable(table, to, data_type)
        )
    })
}

/// The same transaction takes the name back, or gives it back here: nobody sees the other one.
fn is_undone(context: &Context<'_>) -> bool {
    let Some((transaction, (table, from, to))) = context.statement.transaction.zip(renamed(context.change())) else { return false };
    let beside = context.script.statements.iter().filter(|other| other.transaction == Some(transaction));
    beside.filter_map(|other| renamed(&other.reading.change)).any(|other| other == (table, to, from))
}

/// The table of a column that is renamed, with its old and its new name; no table where a table is.
fn renamed(change: &Change) -> Option<(Option<&Name>, &str, &str)> {
    let Change::AlterTable(alter) = change else { return None };
    match alter.actions.as_slice() {
        [AlterAction::RenameColumn { from, to }] => Some((Some(&alter.table), from, to)),
        [AlterAction::RenameTable { to }] => Some((None, &alter.table.name, &to.name)),
        _ => None,
    }
}

/// A view gets the old name in the same transaction: whether something is granted on it there.
fn view_in_its_place(context: &Context<'_>) -> Option<bool> {
    let (table, AlterAction::RenameTable { .. }) = context.single_action()? else { return None };
    let transaction = context.statement.transaction?;
    let later = || {
        context.script.statements.iter().filter(move |other| other.index > context.statement.index && other.transaction == Some(transaction))
    };
    let same = |name: &Name| context.catalog.key(name) == context.catalog.key(table);
    later().find(|other| matches!(&other.reading.change, Change::CreateView { name, .. } if same(name)))?;
    Some(later().any(|other| matches!(&other.reading.change, Change::Grant { tables, .. } if tables.iter().any(same))))
}

//! # A revision drops what its message does not speak of
//!
//! The message says that something comes or changes, and `upgrade` drops a table or a column beside it.
//!
//! ## Why
//! Autogenerate drops every table whose model `env.py` does not import, and every column that a model lost in a merge; a
//! renamed column comes out as drop and add. The message says what somebody wanted; a drop beside it is mostly an accident,
//! and the rows are gone with it.
//!
//! ## Do
//! If it is an accident, take it out of the revision and import the model in `env.py`. If it is meant, make a revision of
//! its own whose message says so. A rename is `op.alter_column(…, new_column_name=…)` or `op.rename_table`.
//!
//! ```python bad
//! """add invoice number"""
//! import sqlalchemy as sa
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.add_column("invoices", sa.Column("number", sa.Integer()))
//!     op.drop_table("payments")
//! ```
//! ```python bad
//! """drop_legacy_sessions_table"""
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.execute("DROP TABLE legacy_sessions")
//!     op.drop_column("users", "phone")
//! ```
//! ```python good
//! """drop legacy sessions table"""
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.drop_table("legacy_sessions")
//! ```
//! ```python good
//! """move phone from users to contacts"""
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.drop_column("users", "phone")
//! ```
//! ```python good
//! """add scratch report"""
//! import sqlalchemy as sa
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.create_table("tmp_report", sa.Column("id", sa.Integer()))
//!     op.drop_table("tmp_report")
//! ```

use std::collections::BTreeSet;

use crate::chain::RevisionContext;
use crate::dialect::Server;
use crate::finding::{Finding, Severity};
use crate::intent::{Deed, Doing, Intent, beside};
use crate::project::operation::Operation;
use crate::rules::Check;
use crate::sql::change::{AlterAction, Change};
use crate::sql::script;

/// Looks at each revision.
pub const CHECK: Check = Check::Revision(check);

fn check(context: &RevisionContext<'_>) -> Vec<Finding> {
    let Some(intent) = Intent::of(&context.revision.message).filter(|_| !context.revision.is_merge()) else { return Vec::new() };
    let server = context.server();
    let mut made: BTreeSet<String> = BTreeSet::new();
    let mut deeds: Vec<(Deed, &Operation)> = Vec::new();
    for operation in context.upgrade() {
        let done = deeds_of(operation, server);
        made.extend(done.iter().filter(|deed| deed.doing == Doing::Add && deed.name.is_none()).map(|deed| deed.table.clone()));
        made.extend(renamed_to(operation, server));
        deeds.extend(done.into_iter().map(|deed| (deed, operation)));
    }
    let plain: Vec<Deed> = deeds.iter().map(|(deed, _)| deed.clone()).collect();
    let why = "autogenerate drops what `env.py` does not import, and a rename comes out as drop and add: the stored rows go with it";
    let mend = "take it out and import its model in `env.py`; if it is meant, drop it in a revision whose message says so";
    let unsaid = beside(&[intent], &plain).unwrap_or_default();
    unsaid
        .into_iter()
        .filter_map(|(at, said)| Some((deeds.get(at)?, said)))
        .filter(|((deed, _), _)| deed.doing == Doing::Drop && !made.contains(&deed.table))
        .map(|((deed, operation), said)| {
            let mut found = context.finding(operation.line, Severity::Error, said, why, mend);
            found.table = Some(deed.table.clone());
            found
        })
        .collect()
}

/// Tables that get their name here: one that was made anew takes the place of the one that goes; and views that are made anew.
fn renamed_to(operation: &Operation, server: Server) -> Vec<String> {
    let Some(text) = operation.literal_sql() else { return Vec::new() };
    let script = script::read(text.to_owned(), server);
    let names = script.statements.iter().filter_map(|statement| match &statement.reading.change {
        Change::AlterTable(alter) => alter.actions.iter().find_map(|action| match action {
            AlterAction::RenameTable { to } => Some(to.name.clone()),
            _ => None,
        }),
        Change::CreateView { name, .. } => Some(name.name.clone()),
        _ => None,
    });
    names.collect()
}

/// What an operation brings and takes, as far as tables and columns go.
fn deeds_of(operation: &Operation, server: Server) -> Vec<Deed> {
    let table = operation.table.as_deref().unwrap_or_default();
    let columns = |doing| operation.columns.iter().map(move |column| Deed::new(doing, "column", table, Some(column))).collect();
    match operation.name.as_str() {
        "create_table" => vec![Deed::new(Doing::Add, "table", table, None)],
        "drop_table" if !table.is_empty() => vec![Deed::new(Doing::Drop, "table", table, None)],
        "add_column" => columns(Doing::Add),
        "drop_column" if !table.is_empty() => columns(Doing::Drop),
        _ => match operation.literal_sql() {
            Some(text) => script::read(text.to_owned(), server).statements.iter().flat_map(|statement| Deed::of(&statement.reading)).collect(),
            None => Vec::new(),
        },
    }
}

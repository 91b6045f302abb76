//! # Row security is switched on without a policy
//!
//! Without a policy, every role but the owner sees no rows at all.
//!
//! ## Why
//! There is no error: the application works on an empty table.
//!
//! ## Do
//! Make the policies first, in the same transaction.
//!
//! ```sql bad
//! ALTER TABLE books ENABLE ROW LEVEL SECURITY;
//! ```
//! ```sql good
//! BEGIN;
//! CREATE POLICY all_rows ON books USING (true);
//! ALTER TABLE books ENABLE ROW LEVEL SECURITY;
//! COMMIT;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::Change;
use crate::sql::script::Statement;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("row_security_without_policy");
    let Some(first) = broken.first() else { return Vec::new() };
    let Some(alter) = context.altered() else { return Vec::new() };
    if made_before(context, &alter.table) {
        return Vec::new();
    }
    let mut found = context.finding(Severity::Error, format!("in danger: {first}"), "no policy stands on the table", "make the policies first, in the same transaction");
    let relation = fix::relation(&alter.table);
    found.fix_sql = Some(format!("BEGIN;\nCREATE POLICY {0} ON {relation} USING (true);\nALTER TABLE {relation} ENABLE ROW LEVEL SECURITY;\nCOMMIT;", fix::ident(&format!("{}_all", alter.table.name))));
    vec![found]
}

/// The script made a policy for a table that the catalogue does not know, or makes one in the same transaction.
fn made_before(context: &Context<'_>, table: &crate::sql::change::Name) -> bool {
    let together = |other: &Statement| context.statement.transaction.is_some() && other.transaction == context.statement.transaction;
    let in_time = context.script.statements.iter().filter(|other| other.index < context.statement.index || together(other));
    in_time.into_iter().any(|other| matches!(&other.reading.change, Change::CreatePolicy { table: on, .. } if context.catalog.key(on) == context.catalog.key(table)))
}

//! # Stored rows may stop the statement
//!
//! Whether it succeeds hangs on what is stored, which nobody can see from here.
//!
//! ## Why
//! It passes on an empty test database and fails in production.
//!
//! ## Do
//! Count the rows in the way first, and mend them in a data revision. Where the real table has none, say so beside the statement:
//! `alembic-gate: allow may_fail_on_rows because …`. `test_rollback` then makes up rows that fit; without it, rows that do not stop it.
//!
//! ```sql bad
//! CREATE UNIQUE INDEX CONCURRENTLY ix_books_isbn ON books (isbn);
//! ```
//! ```sql good
//! CREATE INDEX CONCURRENTLY ix_books_isbn ON books (isbn);
//! ```

use crate::demand;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context, is_flagged};
use crate::sql::change::Change;

/// Looks at each statement that is not flagged.
pub const CHECK: Check = Check::Otherwise(check);

fn check(context: &Context<'_>, said: &[Finding]) -> Vec<Finding> {
    let Some(why) = context.may_fail().filter(|_| !is_flagged(said)) else { return Vec::new() };
    let code = context.effect.fails.first().map(|failure| failure.code.clone()).unwrap_or_default();
    // Rows that others point at are the rule, not the exception.
    let pointed_at = code == "23503" && is_pointed_at(context, why);
    let left_out = code == "23502" && matches!(context.change(), Change::Insert(_));
    // A column that may hold NULL today usually does, and releases that write it fail from then on.
    let is_copied = code == "23505" && matches!(context.change(), Change::Insert(insert) if insert.query.is_some());
    let is_likely = pointed_at || left_out || is_copied || context.effect.needs_trigger || context.met_any(&["set_not_null", "set_not_null_beside_stored"]);
    let severity = if is_likely { Severity::Warning } else { Severity::Notice };
    let what = format!("`{}` may fail with {code}", context.short());
    let found = demand::of(context.change(), context.catalog, context.script.server.dialect).into_iter().next();
    let how = found.map(|demand| format!(": `{}`", demand.query)).unwrap_or_default();
    vec![context.finding(severity, what, why, format!("count the rows in the way first, and mend them in a data revision{how}"))]
}

/// The rows written are those that other tables point at; what goes by a cascade is further away.
fn is_pointed_at(context: &Context<'_>, why: &str) -> bool {
    let table = match context.change() {
        Change::Delete(delete) => delete.tables.first(),
        Change::Update(update) => Some(&update.table),
        _ => None,
    };
    table.is_some_and(|table| why.contains(&format!("point at `{table}`")))
}

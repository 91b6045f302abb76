//! # A materialized view is refreshed while readers wait
//!
//! `REFRESH MATERIALIZED VIEW` holds ACCESS EXCLUSIVE on the view while its query runs.
//!
//! ## Why
//! Readers wait for the whole query. `CONCURRENTLY` holds EXCLUSIVE, which lets them pass; it needs a unique index on
//! plain columns, without a condition.
//!
//! ## Do
//! Make such an index and refresh with `CONCURRENTLY`; better in a job than in a migration.
//!
//! ```sql bad
//! REFRESH MATERIALIZED VIEW totals;
//! ```
//! ```sql good
//! REFRESH MATERIALIZED VIEW CONCURRENTLY totals;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::Change;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Change::RefreshMaterializedView { name, concurrently: false, with_data: true } = context.change() else { return Vec::new() };
    if !context.met("refresh") || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("readers of `{name}` wait until its query is done");
    let mend = "refresh it with `CONCURRENTLY`, which needs a unique index without a condition";
    let mut found = context.finding(Severity::Error, what, context.waits(), mend);
    let unique = context.catalog.table(name).is_none_or(|view| view.indexes.iter().any(|state| state.index.unique && state.index.predicate.is_none()));
    if unique {
        let fixed = format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {}", fix::relation(name));
        found.fix_alembic = Some(fix::execute(&fixed));
        found.fix_sql = Some(format!("{fixed};"));
    }
    vec![found]
}

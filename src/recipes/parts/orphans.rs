//! Rows that point at nothing, counted before a foreign key is added where the server does not look at them.

use crate::demand;
use crate::recipes::Case;
use crate::recipes::parts::body::{Line, python_sql};
use crate::sql::change::{Name, Reference};

/// Stops if a row of `table` has no match; `None`: the key it points at is not known.
#[must_use]
pub fn orphans_or_raise(case: &Case<'_>, table: &Name, columns: &[String], reference: &Reference, why: &str) -> Option<Line> {
    let dialect = case.dialect();
    let orphans = demand::orphans(dialect, table, columns, reference, case.catalog)?;
    let python = format!(
        "orphans = op.get_bind().scalar(sa.text({}))\nif orphans:\n    # alembic-gate: allow may_fail_on_rows because it says so itself, and nothing is changed by then\n    raise RuntimeError(f\"{{orphans}} rows of {} have no match in {}: {why}\")",
        python_sql(&orphans),
        table.shown(),
        reference.table.shown()
    );
    Some(Line::operation(python, orphans))
}

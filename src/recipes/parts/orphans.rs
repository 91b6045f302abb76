//! Rows that point at nothing, counted before a foreign key is added where the server does not look at them.

use crate::recipes::Case;
use crate::recipes::parts::body::{Line, python_sql, quoted};
use crate::recipes::parts::written::relation;
use crate::sql::change::{Name, Reference};

/// Stops if a row of `table` has no match; `None`: the key it points at is not known.
#[must_use]
pub fn orphans_or_raise(case: &Case<'_>, table: &Name, columns: &[String], reference: &Reference, why: &str) -> Option<Line> {
    let dialect = case.dialect();
    let key = case.catalog.table(&reference.table).and_then(|known| known.primary_key()).map(<[String]>::to_vec);
    let referred = if reference.columns.is_empty() { key? } else { reference.columns.clone() };
    let (written, parent) = (relation(dialect, table), relation(dialect, &reference.table));
    let pairs: Vec<String> =
        columns.iter().zip(&referred).map(|(own, other)| format!("p.{} = c.{}", quoted(dialect, other), quoted(dialect, own))).collect();
    let present = columns.iter().map(|own| format!("c.{} IS NOT NULL", quoted(dialect, own))).collect::<Vec<_>>().join(" AND ");
    let orphans = format!(
        "SELECT count(*) FROM {written} AS c WHERE {present} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {})",
        pairs.join(" AND ")
    );
    let python = format!(
        "orphans = op.get_bind().scalar(sa.text({}))\nif orphans:\n    raise RuntimeError(f\"{{orphans}} rows of {} have no match in {}: {why}\")",
        python_sql(&orphans),
        table.shown(),
        reference.table.shown()
    );
    Some(Line::operation(python, orphans))
}

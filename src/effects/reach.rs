//! How many rows an `UPDATE` or `DELETE` reaches: the same for all dialects with indexes.

use crate::effects::Place;
use crate::sql::change::{IndexKey, Name, Reach};

/// True when a condition compares the first column of an index, or all of the primary key, with values.
#[must_use]
pub fn by_key(table: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    let Some(found) = place.catalog.table(table) else {
        // Without the schema, a name that looks like a key is taken for one.
        return reach.bounded_by.iter().any(|column| column == "id" || column.ends_with("_id") || column == "version_num");
    };
    found.indexes.iter().any(|state| {
        state.index.predicate.is_none()
            && matches!(state.index.keys.first(), Some(IndexKey::Column(first)) if reach.bounded_by.iter().any(|column| column == first))
    })
}

/// True when the rows reached are bounded: by a key, a limit, or by being the one row of a small table.
#[must_use]
pub fn is_bounded(table: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    reach.limit.is_some() || by_key(table, reach, place) || table.name == "alembic_version"
}

/// `WHERE` compares a column with values, whether or not an index helps.
#[must_use]
pub fn is_selective(reach: &Reach) -> bool {
    !reach.bounded_by.is_empty() || reach.limit.is_some()
}

/// All columns written were added by the script under review.
#[must_use]
pub fn all_new(table: &Name, columns: &[String], place: &Place<'_>) -> bool {
    let Some(found) = place.catalog.table(table) else {
        return false;
    };
    !columns.is_empty() && columns.iter().all(|column| found.column(column).is_some_and(|known| known.is_new))
}

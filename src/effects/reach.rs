//! How many rows an `UPDATE` or `DELETE` reaches: the same for all dialects with indexes.

use crate::effects::Place;
use crate::sql::change::{IndexKey, Name, Reach};
use crate::sql::formula::{self, Formula};

/// True when a condition compares the first column of an index, or all of the primary key, with values.
#[must_use]
pub fn by_key(table: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    let Some(found) = place.catalog.table(table) else {
        // Without the schema, a name that looks like a key is taken for one.
        return reach.bounded_by.iter().any(|column| column == "id" || column.ends_with("_id") || column == "version_num");
    };
    found.indexes.iter().any(|state| {
        state.index.predicate.is_none()
            && matches!(state.index.keys.first(), Some(IndexKey::Column(first)) if reach.bounded_by.iter().any(|column| column == first) && !is_one_sided(reach, first))
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

/// Numbers of a key that a condition such as `id < 1000` may let through and still name few rows.
const FEW: f64 = 1000.0;

/// True when a condition holds a key on one side only (`id > 100`): it reaches any number of rows.
#[must_use]
pub fn is_one_sided(reach: &Reach, key: &str) -> bool {
    reach.condition.as_ref().and_then(formula::of_expression).is_some_and(|formula| {
        let sides = sides(&formula, key);
        !sides.closed && sides.above != sides.below
    })
}

/// True when a condition names the values of a key: some, or all between two.
#[must_use]
pub fn names_few(condition: &Formula, key: &str) -> bool {
    sides(condition, key).closed
}

/// How a condition bounds a key.
#[derive(Default, Clone, Copy)]
struct Sides {
    /// It is one of some values, or between two, or one of the first few.
    closed: bool,
    above: bool,
    below: bool,
}

fn sides(formula: &Formula, key: &str) -> Sides {
    let is_key = |formula: &Formula| matches!(formula, Formula::Column(name) if name.eq_ignore_ascii_case(key));
    match formula {
        Formula::In(of, _) if is_key(of) => Sides { closed: true, ..Sides::default() },
        Formula::Binary(mark, left, right) => match mark.as_str() {
            "and" => {
                let (a, b) = (sides(left, key), sides(right, key));
                let (above, below) = (a.above || b.above, a.below || b.below);
                Sides { closed: a.closed || b.closed || above && below, above, below }
            }
            "or" => {
                let (a, b) = (sides(left, key), sides(right, key));
                Sides { closed: a.closed && b.closed, above: a.above || b.above, below: a.below || b.below }
            }
            "=" if is_key(left) || is_key(right) => Sides { closed: true, ..Sides::default() },
            ">" | ">=" if is_key(left) => Sides { above: true, ..Sides::default() },
            "<" | "<=" if is_key(left) => {
                let few = matches!(right.as_ref(), Formula::Number(number) if number.parse::<f64>().is_ok_and(|number| number <= FEW));
                Sides { closed: few, below: true, ..Sides::default() }
            }
            _ => Sides::default(),
        },
        _ => Sides::default(),
    }
}

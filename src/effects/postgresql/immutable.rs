//! Expressions that PostgreSQL does not keep in an index or a generated column: their answer hangs on the session.

use crate::effects::Place;
use crate::effects::postgresql::changes_with_time;
use crate::sql::change::{DataType, Expression};
use crate::sql::formula::{self, Formula};

/// True for an expression that is not immutable (42P17). `type_of` gives the types of the columns that it names.
///
/// Source: `provolatile` of the casts' and functions' `pg_proc` rows, 12 to 18.
pub(super) fn is_refused(expression: &Expression, type_of: &dyn Fn(&str) -> Option<DataType>, place: &Place<'_>) -> bool {
    changes_with_time(expression, place) || formula::of_expression(expression).is_some_and(|formula| hangs_on_session(&formula, type_of))
}

fn hangs_on_session(formula: &Formula, type_of: &dyn Fn(&str) -> Option<DataType>) -> bool {
    let inner = |formula: &Formula| hangs_on_session(formula, type_of);
    match formula {
        Formula::Cast(of, to) => kind_of(of, type_of).is_some_and(|from| cast_hangs_on_session(&from, &to.name)) || inner(of),
        Formula::Call(name, arguments) => {
            let zoned = || arguments.iter().any(|argument| kind_of(argument, type_of).as_deref() == Some(ZONED));
            let own = match name.as_str() {
                // With a zone's name behind it, it hangs on nothing else.
                "date_trunc" => arguments.len() == 2 && zoned(),
                "date_part" => zoned(),
                "to_tsvector" | "to_tsquery" | "plainto_tsquery" => arguments.len() == 1,
                _ => false,
            };
            own || arguments.iter().any(inner)
        }
        Formula::Not(of) | Formula::Minus(of) | Formula::IsNull(of) => inner(of),
        Formula::Binary(_, left, right) => inner(left) || inner(right),
        Formula::In(of, list) => inner(of) || list.iter().any(inner),
        Formula::Case(arms, otherwise) => arms.iter().any(|(when, then)| inner(when) || inner(then)) || inner(otherwise),
        Formula::Null | Formula::Bool(_) | Formula::Number(_) | Formula::Text(_) | Formula::Column(_) | Formula::Opaque => false,
    }
}

const ZONED: &str = "timestamp with time zone";

/// The name of the type of a column or a cast; a literal has none yet.
fn kind_of(formula: &Formula, type_of: &dyn Fn(&str) -> Option<DataType>) -> Option<String> {
    match formula {
        Formula::Column(name) => type_of(name).filter(|own| own.dimensions == 0).map(|own| own.name),
        Formula::Cast(_, to) => Some(to.name.clone()),
        _ => None,
    }
}

/// `TimeZone` decides between a time with a zone and one without, `DateStyle` how dates are written and read.
fn cast_hangs_on_session(from: &str, to: &str) -> bool {
    let is_text = |name: &str| matches!(name, "text" | "character varying" | "character" | "name");
    let is_day = |name: &str| matches!(name, "date" | "timestamp without time zone" | "timestamp");
    if from == ZONED {
        return is_day(to) || is_text(to) || to.starts_with("time");
    }
    if to == ZONED {
        return is_day(from) || is_text(from);
    }
    is_day(from) && is_text(to) || is_text(from) && (is_day(to) || to.starts_with("time"))
}

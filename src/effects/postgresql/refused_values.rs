//! Values that PostgreSQL does not take in a row: what can be told from the statement and the schema.

use crate::effects::postgresql::{stored_rows, types};
use crate::effects::{Effect, Place, When};
use crate::sql::catalog::{Table, UserType};
use crate::sql::change::{Column, ConstraintKind, DataType, Expression, IndexKey, Insert, Name, Query, Update};
use crate::sql::formula::{self, Formula};

/// Notes how an `INSERT` may be refused. True: it is refused whatever the rows are.
pub fn insert<'a>(effect: &mut Effect, change: &'a Insert, place: &Place<'a>) -> bool {
    let Some(found) = place.catalog.table(&change.table).filter(|found| place.catalog.is_complete && found.query.is_none()) else {
        return false;
    };
    if found.columns.is_empty() {
        return false;
    }
    let given: Vec<&Column> = if change.columns.is_empty() {
        found.columns.iter().take(change.row.len()).collect()
    } else {
        change.columns.iter().filter_map(|name| found.column(name)).collect()
    };
    if let Some(column) = change.columns.iter().find(|name| found.column(name).is_none()) {
        effect.fail("42703", When::Always, format!("column `{column}` of `{}` does not exist", change.table));
        return true;
    }
    let value = |n: usize| change.row.get(n).and_then(Option::as_deref);
    for (n, column) in given.iter().enumerate() {
        if value(n).is_some_and(|value| value.eq_ignore_ascii_case("default")) {
            continue;
        }
        if written_always(effect, &change.table, column, change.overrides_system, place) {
            return true;
        }
        if let Some(code) = value(n).zip(column.data_type.as_ref()).and_then(|(value, own)| types::refuses_literal(own, value, place)) {
            effect.fail(code, When::Always, format!("the value for `{}` does not fit its type", column.name));
            return true;
        }
    }
    if unkeyed_conflict(effect, change, found) || left_out(effect, change, found, &given) {
        return true;
    }
    let refused = if found.rules.is_empty() { stored_rows::refuses_insert(change, found, place) } else { None };
    if stops(effect, refused, !found.has_insert_trigger) {
        return true;
    }
    if let Some(query) = &change.query {
        copied(effect, change, query, found, &given, place);
    }
    if change.query.is_none() {
        let pairs: Vec<(&str, Option<&str>)> = given.iter().enumerate().map(|(n, column)| (column.name.as_str(), value(n))).collect();
        checked(effect, &change.table, found, &pairs, place);
        keys(effect, change, found, &pairs, place);
        if found.partition_by.is_some() {
            effect.fail("23514", When::OnRows, format!("`{}` may have no partition for the row", change.table));
        }
    }
    effect.always_fails()
}

/// `INSERT … SELECT` of one table: columns that are NULL in some of its rows, and keys that stand already.
fn copied(effect: &mut Effect, change: &Insert, query: &Query, found: &Table, given: &[&Column], place: &Place<'_>) {
    let [source] = query.tables.as_slice() else { return };
    let plain = |n: usize| query.items.get(n).and_then(|item| item.text.rsplit('.').next());
    for (n, column) in given.iter().enumerate() {
        let Some(from) = plain(n) else { continue };
        if found.is_not_null(&column.name) && stored_rows::has_null(source, from, place) {
            effect.fail("23502", When::OnRows, format!("`{from}` of `{source}` is NULL in some rows, and `{}` is NOT NULL", column.name));
        }
    }
    let itself = place.catalog.key(source) == place.catalog.key(&change.table) && !change.on_conflict;
    let keeps = |name: &String| given.iter().enumerate().any(|(n, column)| column.name == *name && plain(n) == Some(name.as_str()));
    let unique =
        found.indexes.iter().filter(|state| state.index.unique && state.index.predicate.is_none()).map(|state| state.index.plain_columns());
    if itself && unique.into_iter().any(|columns| !columns.is_empty() && columns.iter().all(keeps)) {
        effect.fail(
            "23505",
            When::OnRows,
            format!("the rows are copied within `{}`: each has the key of the row it comes from", change.table),
        );
    }
}

/// Notes what the rows prove; where triggers run, they may mend the row. True: nobody can.
fn stops(effect: &mut Effect, refused: Option<(&'static str, String)>, for_sure: bool) -> bool {
    if let Some((code, why)) = refused {
        effect.fail(code, stored_rows::when(for_sure), why);
        effect.needs_trigger |= !for_sure;
    }
    effect.always_fails()
}

/// Generated columns and identities `ALWAYS` take no value.
fn written_always(effect: &mut Effect, table: &Name, column: &Column, overrides: bool, place: &Place<'_>) -> bool {
    let code = if column.generated.is_some() {
        if place.server.version.major >= 14 { "428C9" } else { "42601" }
    } else if column.identity == Some(true) && !overrides {
        "428C9"
    } else {
        return false;
    };
    effect.fail(code, When::Always, format!("`{table}.{}` is filled by the server", column.name));
    true
}

/// `ON CONFLICT (a)` needs a unique index on exactly these columns.
fn unkeyed_conflict(effect: &mut Effect, change: &Insert, found: &Table) -> bool {
    let wanted = &change.conflict_columns;
    if wanted.is_empty() || wanted.iter().any(|name| found.column(name).is_none()) {
        return false;
    }
    let fits = found.indexes.iter().any(|state| {
        let plain = state.index.keys.iter().all(|key| matches!(key, IndexKey::Column(name) if wanted.contains(name)));
        state.index.unique && plain && state.index.keys.len() == wanted.len()
    });
    if !fits {
        effect.fail("42P10", When::Always, format!("no unique index on ({}) of `{}`", wanted.join(", "), change.table));
    }
    !fits
}

/// A column that must hold something and gets nothing. A trigger may fill it.
fn left_out(effect: &mut Effect, change: &Insert, found: &Table, given: &[&Column]) -> bool {
    let is_filled = |column: &Column| {
        column.default.is_some()
            || column.generated.is_some()
            || column.identity.is_some()
            || column.data_type.as_ref().is_some_and(|data_type| data_type.serial)
    };
    let missing = found
        .columns
        .iter()
        .find(|column| found.is_not_null(&column.name) && !is_filled(column) && !given.iter().any(|other| other.name == column.name));
    let Some(column) = missing.filter(|_| change.query.is_none() && !given.is_empty()) else {
        return false;
    };
    let when = if found.triggers.is_empty() { When::Always } else { When::OnRows };
    effect.fail("23502", when, format!("`{}.{}` is NOT NULL and gets no value", change.table, column.name));
    when == When::Always
}

/// Checks of the table and of domains that the values given may break.
fn checked(effect: &mut Effect, table: &Name, found: &Table, given: &[(&str, Option<&str>)], place: &Place<'_>) {
    for constraint in found.constraints.iter().filter(|constraint| !constraint.not_enforced) {
        let ConstraintKind::Check(check) = &constraint.kind else { continue };
        let Some((_, value)) = given.iter().find(|(column, _)| check.words.iter().any(|word| word == column)) else {
            continue;
        };
        match value.and_then(|value| holds(check, value)) {
            Some(true) => {}
            Some(false) => effect.fail("23514", When::Always, format!("the row breaks the check `{}`", check.text)),
            None => effect.fail("23514", When::OnRows, format!("the row of `{table}` may break the check `{}`", check.text)),
        }
    }
    for (column, _) in given {
        let own = found.column(column).and_then(|column| column.data_type.as_ref());
        if own.is_some_and(|own| matches!(place.catalog.type_of(own), Some(UserType::Domain { constrained: true, .. }))) {
            effect.fail("23514", When::OnRows, format!("the value for `{table}.{column}` may break the check of its domain"));
        }
    }
}

/// `column >= 0` for a number; `None` for all that is less simple.
fn holds(check: &Expression, value: &str) -> Option<bool> {
    let text = check.text.trim_matches(['(', ')']);
    let mut parts = text.split_whitespace();
    let (_, mark, limit) = (parts.next()?, parts.next()?, parts.next()?);
    let (limit, value) = (limit.parse::<f64>().ok()?, value.trim_matches('\'').parse::<f64>().ok()?);
    if parts.next().is_some() {
        return None;
    }
    match mark {
        ">" => Some(value > limit),
        ">=" => Some(value >= limit),
        "<" => Some(value < limit),
        "<=" => Some(value <= limit),
        _ => None,
    }
}

/// Unique keys and foreign keys that the values given may break.
fn keys(effect: &mut Effect, change: &Insert, found: &Table, given: &[(&str, Option<&str>)], place: &Place<'_>) {
    let is_given = |name: &String| {
        given.iter().any(|(column, value)| column == name && !value.is_some_and(|value| value.eq_ignore_ascii_case("null")))
    };
    let unique = found
        .indexes
        .iter()
        .find(|state| state.index.unique && state.index.keys.iter().all(|key| matches!(key, IndexKey::Column(name) if is_given(name))));
    if unique.is_some() && change.conflict_columns.is_empty() && !change.updates_on_conflict && place.catalog.has_rows(&change.table) {
        effect.fail("23505", When::OnRows, format!("a row of `{}` may have the key already", change.table));
    }
    for constraint in &found.constraints {
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { continue };
        if columns.iter().all(is_given) && !constraint.not_enforced {
            effect.fail("23503", When::OnRows, format!("`{}` may have no row for the key", reference.table));
        }
    }
}

/// A constant is made a value of the column's type before any row is looked at.
fn refuses(own: &DataType, formula: &Formula, place: &Place<'_>) -> Option<&'static str> {
    match formula {
        Formula::Text(text) => types::refuses_literal(own, &format!("'{}'", text.replace('\'', "''")), place),
        Formula::Number(number) => types::refuses_literal(own, number, place),
        _ => None,
    }
}

/// Notes how an `UPDATE` may be refused by the values it writes. True: whatever the rows are.
pub fn update<'a>(effect: &mut Effect, change: &'a Update, place: &Place<'a>) -> bool {
    let Some(found) = place.catalog.table(&change.table).filter(|found| place.catalog.is_complete && found.query.is_none()) else {
        return false;
    };
    let value_of = |column: &str| match change.columns.as_slice() {
        [only] if only == column => change.values.text.split_once('=').map(|(_, value)| value.trim()),
        _ => None,
    };
    let given: Vec<(&str, Option<&str>)> = change.columns.iter().map(|column| (column.as_str(), value_of(column))).collect();
    for (name, value) in &given {
        let Some(column) = found.column(name) else { continue };
        if value.is_some_and(|value| value.eq_ignore_ascii_case("default")) {
            continue;
        }
        if written_always(effect, &change.table, column, false, place) {
            return true;
        }
        let written = formula::assignments(&change.values).into_iter().flatten().find(|(own, _)| own == name).map(|(_, formula)| formula);
        if let Some(code) = written.zip(column.data_type.as_ref()).and_then(|(formula, own)| refuses(own, &formula, place)) {
            effect.fail(code, When::Always, format!("the value for `{name}` does not fit its type"));
            return true;
        }
    }
    if !place.catalog.has_rows(&change.table) {
        return false;
    }
    let refused = if found.rules.is_empty() { stored_rows::refuses_update(change, found, place) } else { None };
    if stops(effect, refused, found.triggers.is_empty()) {
        return true;
    }
    let mut checks = Effect::default();
    checked(&mut checks, &change.table, found, &given, place);
    for failure in checks.fails {
        // Without a row that it reaches, nothing is checked.
        effect.fail(failure.code, When::OnRows, failure.why);
    }
    for constraint in &found.constraints {
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { continue };
        let touched = columns.iter().any(|column| change.columns.contains(column));
        let to_null = columns.iter().any(|column| value_of(column).is_some_and(|value| value.eq_ignore_ascii_case("null")));
        if touched && !to_null && !constraint.not_enforced {
            effect.fail("23503", When::OnRows, format!("`{}` may have no row for the key", reference.table));
        }
    }
    false
}

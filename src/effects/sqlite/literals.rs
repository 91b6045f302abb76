//! Literals that SQLite does not store: against `NOT NULL`, `CHECK` and the types of a STRICT table.
//!
//! Messages as 3.40.1 gave them (`tests/truth/sqlite_further.json`).

use crate::effects::Place;
use crate::effects::sqlite::rows::{check_words, is_rowid};
use crate::sql::catalog::Table;
use crate::sql::change::{Column, ConstraintKind, IndexKey, Insert};
use crate::sql::formula::{self, Formula};
use crate::sql::value::{self, Given, Value};

/// SQLite's message for an `INSERT` that no row that stands could mend.
pub fn refused(change: &Insert, table: &Table, place: &Place<'_>) -> Option<String> {
    let named = change.columns.iter().filter_map(|name| table.column(name));
    if let Some(computed) = named.clone().find(|column| column.generated.is_some()) {
        return Some(format!("cannot INSERT into generated column \"{}\"", computed.name));
    }
    if let Some(message) = unmatched_conflict(change, table) {
        return Some(message);
    }
    if change.ignores || change.replaces {
        return None;
    }
    let rows = formula::rows(change.values.as_deref().filter(|text| formula::is_plain(text))?)?;
    let columns: Vec<&Column> = if change.columns.is_empty() {
        table.columns.iter().filter(|column| column.generated.is_none()).collect()
    } else {
        named.collect()
    };
    rows.iter().find_map(|row| {
        let given: Vec<(&str, &Formula)> =
            columns.iter().zip(row).filter_map(|(column, value)| Some((column.name.as_str(), value.as_ref()?))).collect();
        let null = columns.iter().zip(row).find_map(|(column, value)| unfit(change, table, column, value.as_ref()?));
        null.or_else(|| breaks_check(change, table, &given, place))
    })
}

/// A `NULL` that must not be, or a word for a number in a STRICT table.
fn unfit(change: &Insert, table: &Table, column: &Column, value: &Formula) -> Option<String> {
    let (of, name) = (&change.table.name, &column.name);
    match value {
        Formula::Null if column.not_null && !is_rowid(table, column) => Some(format!("NOT NULL constraint failed: {of}.{name}")),
        Formula::Text(text) if table.options.contains_key("strict") => {
            let written = column.data_type.as_ref()?.to_string();
            let is_number = ["int", "integer", "real"].iter().any(|known| written.eq_ignore_ascii_case(known));
            let refused = is_number && text.trim().parse::<f64>().is_err();
            refused.then(|| format!("cannot store TEXT value in {written} column {of}.{name}"))
        }
        _ => None,
    }
}

fn breaks_check(change: &Insert, table: &Table, given: &[(&str, &Formula)], place: &Place<'_>) -> Option<String> {
    table.constraints.iter().find_map(|constraint| {
        let ConstraintKind::Check(check) = &constraint.kind else { return None };
        let holds = value::evaluate(&formula::of_expression(check)?, &Given(given))?;
        let words = || check_words(&change.table, constraint.name.as_deref(), check, place);
        (holds == Value::Bool(false)).then(|| format!("CHECK constraint failed: {}", words()))
    })
}

/// `ON CONFLICT (a)` where no unique key is over exactly these columns.
fn unmatched_conflict(change: &Insert, table: &Table) -> Option<String> {
    let target = &change.conflict_columns;
    let stands = target.iter().all(|name| table.column(name).is_some());
    if target.is_empty() || !stands {
        return None;
    }
    let same =
        |key: &[String]| key.len() == target.len() && key.iter().all(|name| target.iter().any(|other| other.eq_ignore_ascii_case(name)));
    let by_constraint = table.constraints.iter().any(|constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Unique { columns, .. } => same(columns),
        _ => false,
    });
    // A key over a part of the rows, or over an expression, may be meant.
    let by_index = table.indexes.iter().any(|state| {
        let special = state.index.predicate.is_some() || state.index.keys.iter().any(|key| matches!(key, IndexKey::Expression(_)));
        state.index.unique && (special || same(&state.index.plain_columns()))
    });
    let by_key = table.primary_key().is_some_and(same);
    let message = || "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint".to_owned();
    (!by_constraint && !by_index && !by_key).then(message)
}

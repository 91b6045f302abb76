//! Views and triggers in the way of an `ALTER TABLE`: SQLite reads all of them again and stops at the first that breaks.

use crate::effects::Effect;
use crate::effects::Place;
use crate::effects::sqlite::{knows_columns, refuse};
use crate::sql::catalog::{RelationKind, Table};
use crate::sql::change::{Expression, Name, Query};

/// The views with what they read.
fn views<'a>(place: &Place<'a>) -> impl Iterator<Item = (&'a Name, &'a Query)> {
    let views = place.catalog.tables().filter(|(_, table)| table.kind == RelationKind::View);
    views.filter_map(|(name, table)| table.query.as_ref().map(|query| (name, query)))
}

/// A view that does not work already stops every rename and `DROP COLUMN`, of whatever table.
pub fn refused_by_broken_view(effect: &mut Effect, place: &Place<'_>) -> bool {
    if place.catalog.is_on("legacy_alter_table") {
        return false;
    }
    let Some((view, why)) = broken_view(place) else { return false };
    refuse(effect, format!("error in view {}: {why}", view.name), format!("`{view}` does not work: drop it first"));
    true
}

/// The first view that reads what is not there, and SQLite's complaint.
#[must_use]
pub fn broken_view(place: &Place<'_>) -> Option<(Name, String)> {
    views(place).find_map(|(name, query)| complaint(query, place).map(|why| (name.clone(), why)))
}

fn complaint(query: &Query, place: &Place<'_>) -> Option<String> {
    if let Some(table) = query.tables.iter().find(|table| place.catalog.is_missing(table)) {
        return Some(format!("no such table: main.{}", table.name));
    }
    let [only] = query.tables.as_slice() else { return None };
    let table = place.catalog.table(only).filter(|_| knows_columns(only, place))?;
    let missing = query.items.iter().filter(|item| is_bare_column(item)).find(|item| !has_column(table, &item.text))?;
    Some(format!("no such column: {}", missing.text))
}

fn is_bare_column(item: &Expression) -> bool {
    matches!(item.words.as_slice(), [word] if *word == item.text) && item.functions.is_empty() && !item.is_literal
}

fn has_column(table: &Table, name: &str) -> bool {
    table.column(name).is_some() || ["rowid", "oid", "_rowid_", "*"].iter().any(|hidden| name.eq_ignore_ascii_case(hidden))
}

/// Views that name a column of `table`; `*` does not.
pub fn naming_column(table: &Name, column: &str, place: &Place<'_>) -> Vec<Name> {
    let key = place.catalog.key(table);
    let has_it = |other: &Name| place.catalog.table(other).is_some_and(|found| found.column(column).is_some());
    let names_it = |query: &Query| {
        let reads = query.tables.iter().any(|read| place.catalog.key(read) == key);
        // Where another table of the view has such a column, the name may be that one's.
        let elsewhere = query.tables.iter().any(|read| place.catalog.key(read) != key && has_it(read));
        reads && !elsewhere && query.words.iter().any(|word| word.eq_ignore_ascii_case(column))
    };
    views(place).filter(|(_, query)| names_it(query)).map(|(name, _)| name.clone()).collect()
}

/// How a trigger of `table` names its column: `NEW.x`, or `x` in a statement on the table.
#[must_use]
pub fn word_in_trigger(body: &Expression, table: &Name, column: &str, place: &Place<'_>) -> Option<String> {
    let row = body.words.windows(2).find_map(|pair| match pair {
        [row, name] if is_row(row) && name.eq_ignore_ascii_case(column) => Some(format!("{row}.{name}")),
        _ => None,
    });
    row.or_else(|| names_of_table(body, table, column, place).then(|| column.to_owned()))
}

fn is_row(word: &str) -> bool {
    word.eq_ignore_ascii_case("new") || word.eq_ignore_ascii_case("old")
}

/// The body has a statement on `table`, and no other table it names has such a column.
fn names_of_table(body: &Expression, table: &Name, column: &str, place: &Place<'_>) -> bool {
    let names = |wanted: &str| body.words.iter().any(|word| word.eq_ignore_ascii_case(wanted));
    let elsewhere = place
        .catalog
        .tables()
        .filter(|(other, found)| !other.name.eq_ignore_ascii_case(&table.name) && found.column(column).is_some())
        .any(|(other, _)| names(&other.name));
    names(&table.name) && names(column) && !elsewhere
}

/// Triggers of other tables that write to `table` and name its column.
pub fn triggers_elsewhere(table: &Name, column: &str, place: &Place<'_>) -> Vec<(Name, String)> {
    let key = place.catalog.key(table);
    let mut found = Vec::new();
    for (other, state) in place.catalog.tables().filter(|(other, _)| **other != key) {
        let bodies = state.trigger_bodies.iter().filter(|(_, body)| names_of_table(body, table, column, place));
        found.extend(bodies.map(|(trigger, _)| (other.clone(), trigger.clone())));
    }
    found
}

/// A trigger of another table whose statements name `table`, which is missing while another takes its name.
#[must_use]
pub fn trigger_naming(table: &Name, place: &Place<'_>) -> Option<String> {
    let names_it = |body: &Expression| {
        body.words.windows(2).any(|pair| {
            matches!(pair, [before, name] if name.eq_ignore_ascii_case(&table.name)
                && ["into", "update", "from", "join"].iter().any(|word| before.eq_ignore_ascii_case(word)))
        })
    };
    place.catalog.tables().flat_map(|(_, state)| &state.trigger_bodies).find(|(_, body)| names_it(body)).map(|(name, _)| name.clone())
}

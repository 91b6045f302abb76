//! DML and queries on SQLite.

use crate::effects::sqlite::foreign_keys::{self, Cause, ForeignKeys};
use crate::effects::sqlite::{fact, knows_columns, literals, meets, missing, refuse, works};
use crate::effects::{Effect, Loss, Place, Undo, When, Work};
use crate::sql::catalog::{RelationKind, Table};
use crate::sql::change::{Change, Column, ConstraintKind, Delete, Expression, IndexKey, Insert, Name, Reach, Update};
use crate::sql::formula;

/// A statement on rows.
pub fn effect(effect: &mut Effect, change: &Change, place: &Place<'_>) {
    match change {
        Change::Insert(change) => insert(effect, change, place),
        Change::Update(change) => update(effect, change, place),
        Change::Delete(change) => delete(effect, change, place),
        Change::Select(query) => {
            fact(effect, "select", place);
            reads(effect, &query.tables, place);
        }
        _ => {}
    }
}

/// Tables that are read through.
fn reads(effect: &mut Effect, tables: &[Name], place: &Place<'_>) {
    for table in tables {
        if missing(effect, table, place) {
            return;
        }
        match place.catalog.table(table).and_then(|found| found.query.as_ref()) {
            Some(query) => query.tables.iter().for_each(|base| works(effect, base, Work::Scan, place)),
            None => works(effect, table, Work::Scan, place),
        }
    }
}

/// The table that is written to, with its columns, where it is known as a whole.
fn known<'a>(table: &Name, place: &Place<'a>) -> Option<&'a Table> {
    place.catalog.table(table).filter(|_| knows_columns(table, place))
}

/// Nothing that anybody stored: made by this script, or Alembic's own table.
fn is_own(table: &Name, place: &Place<'_>) -> bool {
    place.catalog.is_new(table) || table.name == "alembic_version"
}

fn refused_for_schema_table(effect: &mut Effect, table: &Name, place: &Place<'_>) -> bool {
    let is_schema = matches!(table.name.to_lowercase().as_str(), "sqlite_master" | "sqlite_schema");
    if is_schema && !place.catalog.is_on("writable_schema") {
        refuse(effect, format!("table {} may not be modified", table.name), "the schema is changed by DDL");
        return true;
    }
    if is_schema {
        effect.lose(Loss::Medium, "the schema is edited as text: SQLite does not look at what comes out");
        effect.undo(Undo::Unknown);
    }
    is_schema
}

fn insert(effect: &mut Effect, change: &Insert, place: &Place<'_>) {
    let table = &change.table;
    if missing(effect, table, place)
        || refused_for_schema_table(effect, table, place)
        || foreign_keys::points_at_nothing(effect, table, place)
    {
        return;
    }
    if known(table, place).is_some_and(|found| refused_for_columns(effect, change, found)) {
        return;
    }
    if let Some(message) = known(table, place).and_then(|found| literals::refused(change, found, place)) {
        refuse(effect, message, format!("`{table}` does not take the row"));
        return;
    }
    fact(effect, if change.query.is_some() { "insert_select" } else { "insert" }, place);
    if let Some(query) = &change.query {
        reads(effect, &query.tables, place);
        refused_for_copied_rows(effect, change, place);
    }
    if is_own(table, place) || !place.catalog.has_rows(table) {
        return;
    }
    if change.replaces {
        replaces(effect, table, place);
    }
    if change.updates_on_conflict {
        effect.lose(Loss::Medium, format!("rows of `{table}` with the same key are overwritten"));
        effect.undo(Undo::ShapeOnly);
        effect.is_bounded = true;
    }
}

/// The columns or the number of values do not fit.
fn refused_for_columns(effect: &mut Effect, change: &Insert, table: &Table) -> bool {
    let name = &change.table.name;
    let stored: Vec<&Column> = table.columns.iter().filter(|column| column.generated.is_none()).collect();
    let unknown = change.columns.iter().find(|column| table.column(column).is_none() && !column.eq_ignore_ascii_case("rowid"));
    let message = match (unknown, change.width) {
        (Some(column), _) => format!("table {name} has no column named {column}"),
        (None, Some(width)) if change.columns.is_empty() && width != stored.len() => {
            format!("table {name} has {} columns but {width} values were supplied", stored.len())
        }
        (None, Some(width)) if !change.columns.is_empty() && width != change.columns.len() => {
            format!("{width} values for {} columns", change.columns.len())
        }
        _ => match left_out(change, table, &stored) {
            Some(column) => format!("NOT NULL constraint failed: {name}.{column}"),
            None => return false,
        },
    };
    refuse(effect, message, format!("the statement does not fit `{name}`"));
    true
}

/// A column without a default that must have a value and gets none.
fn left_out<'a>(change: &Insert, table: &Table, stored: &[&'a Column]) -> Option<&'a str> {
    if change.columns.is_empty() || change.replaces || change.updates_on_conflict {
        return None;
    }
    let given = |column: &Column| change.columns.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
    let has_rows = change.query.is_none();
    let in_key = |column: &Column| table.primary_key().is_some_and(|key| key.iter().any(|name| name.eq_ignore_ascii_case(&column.name)));
    let required = stored.iter().find(|column| column.not_null && !in_key(column) && column.default.is_none() && !given(column));
    required.filter(|column| has_rows && !is_rowid(table, column)).map(|column| column.name.as_str())
}

/// A column that SQLite fills with the number of the row.
pub(super) fn is_rowid(table: &Table, column: &Column) -> bool {
    table.primary_key().is_some_and(|key| matches!(key, [only] if only.eq_ignore_ascii_case(&column.name)))
        && column.data_type.as_ref().is_some_and(|found| found.name.eq_ignore_ascii_case("integer"))
}

/// A column of a `WHERE` that the only table of the statement does not have.
fn unknown_column(effect: &mut Effect, table: &Name, reach: &Reach, reads: &[Name], place: &Place<'_>) -> bool {
    let (Some(found), Some(condition)) = (known(table, place), &reach.condition) else { return false };
    let hidden = |name: &String| ["rowid", "oid", "_rowid_"].iter().any(|hidden| name.eq_ignore_ascii_case(hidden));
    let unknown = |name: &String| !hidden(name) && !found.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let alone = reach.joins.is_empty() && reads.is_empty();
    let Some(name) = formula::columns_named(condition).into_iter().find(unknown).filter(|_| alone) else { return false };
    refuse(effect, format!("no such column: {name}"), format!("`{table}` has no such column"));
    true
}

/// Rows that were good for the table they are from, and may not be for the one they go to.
fn refused_for_copied_rows(effect: &mut Effect, change: &Insert, place: &Place<'_>) {
    let (Some(target), Some(query)) = (place.catalog.table(&change.table), &change.query) else {
        return;
    };
    let source = query.tables.first().and_then(|table| place.catalog.table(table));
    let fails = demands(change, target, source, place);
    if query.tables.iter().any(|table| place.catalog.has_rows(table)) {
        for (message, why) in fails {
            effect.fail(message, When::OnRows, why);
        }
    }
}

/// `maybe` of `loose.maybe`.
fn unqualified(item: &str) -> &str {
    item.rsplit('.').next().unwrap_or(item)
}

/// What the target demands and the source did not: SQLite's message, and why.
fn demands(change: &Insert, target: &Table, source: Option<&Table>, place: &Place<'_>) -> Vec<(String, String)> {
    let foreign_keys_on = foreign_keys::setting(place) == ForeignKeys::On;
    let name = &change.table.name;
    let written = |column: &str| change.columns.is_empty() || change.columns.iter().any(|other| other.eq_ignore_ascii_case(column));
    let mut found = Vec::new();
    for column in target.columns.iter().filter(|column| column.not_null && written(&column.name)) {
        let at = change.columns.iter().position(|other| other.eq_ignore_ascii_case(&column.name));
        let item = at.and_then(|at| change.query.as_ref()?.items.get(at)).map_or(column.name.as_str(), |item| unqualified(&item.text));
        let may_be_null = |source: &Table| source.column(item).is_some_and(|own| !source.is_not_null(&own.name));
        if source.is_none_or(may_be_null) {
            found.push((
                format!("NOT NULL constraint failed: {name}.{}", column.name),
                format!("`{}` may be NULL where it comes from", column.name),
            ));
        }
    }
    for constraint in &target.constraints {
        let stood = source.is_some_and(|source| source.constraints.iter().any(|other| other.kind == constraint.kind));
        let message = match &constraint.kind {
            _ if stood => continue,
            ConstraintKind::Unique { columns, .. } if !is_unique(source, columns) => {
                let columns: Vec<String> = columns.iter().map(|column| format!("{name}.{column}")).collect();
                format!("UNIQUE constraint failed: {}", columns.join(", "))
            }
            ConstraintKind::Check(check) => {
                format!("CHECK constraint failed: {}", check_words(&change.table, constraint.name.as_deref(), check, place))
            }
            ConstraintKind::ForeignKey { .. } if foreign_keys_on && source.is_some() && !has_same_reference(source, constraint) => {
                "FOREIGN KEY constraint failed".to_owned()
            }
            _ => continue,
        };
        found.push((message, format!("rows that were good before may not satisfy what `{name}` demands")));
    }
    found
}

fn is_unique(source: Option<&Table>, columns: &[String]) -> bool {
    let covers = |table: &Table| {
        table.indexes.iter().any(|state| {
            state.index.unique
                && state.index.predicate.is_none()
                && state
                    .index
                    .keys
                    .iter()
                    .all(|key| matches!(key, IndexKey::Column(name) if columns.iter().any(|column| column.eq_ignore_ascii_case(name))))
        })
    };
    source.is_some_and(covers)
}

fn has_same_reference(source: Option<&Table>, constraint: &crate::sql::change::Constraint) -> bool {
    let target = |found: &crate::sql::change::Constraint| found.reference().map(|reference| reference.table.name.to_lowercase());
    source.is_some_and(|source| source.constraints.iter().any(|other| target(other).is_some() && target(other) == target(constraint)))
}

/// A CHECK's name as it stands in messages: its own, else its expression, before 3.35 its table.
pub(super) fn check_words(table: &Name, name: Option<&str>, check: &Expression, place: &Place<'_>) -> String {
    let unnamed = if place.server.version.at_least(3, 35) { &check.text } else { &table.name };
    name.filter(|name| !name.starts_with("sqlite_constraint_")).unwrap_or(unnamed).to_owned()
}

/// `REPLACE` deletes every row with the same key first.
fn replaces(effect: &mut Effect, table: &Name, place: &Place<'_>) {
    let has_other_key = place.catalog.table(table).is_some_and(|found| found.indexes.iter().filter(|state| state.index.unique).count() > 1);
    if has_other_key {
        effect.lose(Loss::High, format!("rows of `{table}` with the same value in a unique column are deleted"));
    } else {
        effect.lose(Loss::Medium, format!("rows of `{table}` with the same key are written anew"));
    }
    effect.undo(Undo::ShapeOnly);
    foreign_keys::follow(effect, table, Cause::Replace, place);
    effect.is_bounded = true;
}

/// True when a condition compares the first column of an index with values.
fn by_key(table: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    let Some(found) = place.catalog.table(table) else {
        return reach.bounded_by.iter().any(|column| column == "id" || column.ends_with("_id") || column == "version_num");
    };
    found.indexes.iter().any(|state| {
        state.index.predicate.is_none()
            && matches!(state.index.keys.first(), Some(IndexKey::Column(first)) if reach.bounded_by.iter().any(|column| column.eq_ignore_ascii_case(first)))
    })
}

fn update(effect: &mut Effect, change: &Update, place: &Place<'_>) {
    let table = &change.table;
    if missing(effect, table, place) || refused_for_schema_table(effect, table, place) {
        return;
    }
    if known(table, place).is_some_and(|found| refused_for_assigned(effect, change, found, place))
        || unknown_column(effect, table, &change.reach, &change.reads, place)
    {
        return;
    }
    let keyed = by_key(table, &change.reach, place) || table.name == "alembic_version";
    meets(effect, if keyed { "update" } else { "update_all" }, table, place);
    effect.is_bounded = keyed || change.reach.limit.is_some() || !change.reach.bounded_by.is_empty();
    reads(effect, &change.reach.joins, place);
    reads(effect, &change.reads, place);
    if is_own(table, place) || !place.catalog.has_rows(table) {
        return;
    }
    let is_new = |name: &String| place.catalog.table(table).and_then(|found| found.column(name)).is_some_and(|column| column.is_new);
    if change.fills_null {
        effect.lose(Loss::Low, format!("columns of `{table}` that were NULL are filled"));
    } else if change.columns.iter().all(is_new) {
        return;
    } else {
        effect.lose(Loss::Medium, format!("values of `{table}` are overwritten: {}", change.columns.join(", ")));
    }
    effect.undo(Undo::ShapeOnly);
}

/// What is assigned does not fit the column.
fn refused_for_assigned(effect: &mut Effect, change: &Update, table: &Table, place: &Place<'_>) -> bool {
    let name = &change.table.name;
    for column in &change.columns {
        let found = table.column(column);
        if found.is_none() && !["rowid", "oid", "_rowid_"].iter().any(|hidden| column.eq_ignore_ascii_case(hidden)) {
            refuse(effect, format!("no such column: {column}"), format!("`{name}` has no such column"));
            return true;
        }
        if found.is_some_and(|found| found.generated.is_some()) {
            refuse(effect, format!("cannot UPDATE generated column \"{column}\""), "it is computed");
            return true;
        }
    }
    if let (true, [column]) = (place.catalog.has_rows(&change.table), change.columns.as_slice()) {
        literal_in_the_way(effect, change, table, column, place);
    }
    false
}

/// One literal for a column that many rows share.
fn literal_in_the_way(effect: &mut Effect, change: &Update, table: &Table, column: &str, place: &Place<'_>) {
    let name = &change.table.name;
    let value = change.values.text.split_once('=').map_or("", |(_, value)| value.trim());
    let is_literal = value.starts_with(['\'', '-']) || value.starts_with(|first: char| first.is_ascii_digit());
    let is_single = is_literal && !value.contains(['+', '*', '|', '(']) || value.eq_ignore_ascii_case("null");
    if !is_single {
        check_in_the_way(effect, change, table, column, place);
        return;
    }
    let strict = table.options.contains_key("strict");
    let data_type = table.column(column).and_then(|found| found.data_type.as_ref());
    let is_number = data_type.is_some_and(|found| matches!(found.name.to_lowercase().as_str(), "int" | "integer" | "real"));
    if value.eq_ignore_ascii_case("null") && table.column(column).is_some_and(|found| found.not_null) {
        effect.fail(format!("NOT NULL constraint failed: {name}.{column}"), When::OnRows, format!("`{column}` is NOT NULL"));
    } else if strict && is_number && value.starts_with('\'') && value.trim_matches('\'').trim().parse::<f64>().is_err() {
        let written = data_type.map(ToString::to_string).unwrap_or_default();
        effect.fail(format!("cannot store TEXT value in {written} column {name}.{column}"), When::OnRows, "the table is STRICT");
    }
    if value.eq_ignore_ascii_case("null") {
        return;
    }
    if is_unique(Some(table), &[column.to_owned()]) && !by_key(&change.table, &change.reach, place) {
        effect.fail(format!("UNIQUE constraint failed: {name}.{column}"), When::OnRows, "two rows would get the same value");
    }
    let references = table.constraints_on(column).any(|found| found.reference().is_some());
    if references && foreign_keys::setting(place) == ForeignKeys::On {
        effect.fail("FOREIGN KEY constraint failed", When::OnRows, format!("no row may stand behind `{value}`"));
    }
    check_in_the_way(effect, change, table, column, place);
}

/// A CHECK that names the column assigned.
fn check_in_the_way(effect: &mut Effect, change: &Update, table: &Table, column: &str, place: &Place<'_>) {
    for found in table.constraints_on(column) {
        if let ConstraintKind::Check(check) = &found.kind {
            let message = format!("CHECK constraint failed: {}", check_words(&change.table, found.name.as_deref(), check, place));
            effect.fail(message, When::OnRows, format!("new values of `{}.{column}` may not satisfy it", change.table));
        }
    }
}

fn delete(effect: &mut Effect, change: &Delete, place: &Place<'_>) {
    let Some(table) = change.tables.first() else { return };
    if missing(effect, table, place)
        || refused_for_schema_table(effect, table, place)
        || foreign_keys::points_at_nothing(effect, table, place)
    {
        return;
    }
    if change.tables.len() == 1 && unknown_column(effect, table, &change.reach, &change.reads, place) {
        return;
    }
    let is_all = change.reach.condition.is_none() && change.reach.limit.is_none();
    let keyed = by_key(table, &change.reach, place) || table.name == "alembic_version";
    let situation = match (is_all, keyed) {
        (true, _) => "delete_all",
        (false, true) => "delete",
        (false, false) => "delete_some",
    };
    meets(effect, situation, table, place);
    reads(effect, &change.reads, place);
    effect.is_bounded = keyed || !change.reach.bounded_by.is_empty() || change.reach.limit.is_some();
    if is_own(table, place) || !place.catalog.has_rows(table) {
        return;
    }
    let stored = place.catalog.table(table).is_none_or(|found| found.kind == RelationKind::Table);
    if stored {
        effect.lose(Loss::High, format!("rows of `{table}` are deleted"));
        effect.undo(Undo::ShapeOnly);
    }
    foreign_keys::follow(effect, table, Cause::Delete, place);
}

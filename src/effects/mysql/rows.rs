//! DML and queries: nobody else's table waits, rows do.

use crate::effects::mysql::{fails_on_rows, has_old_rows, is_on, is_strict, known, literals, loses, loses_stored, meets, missing, refused};
use crate::effects::reach::{all_new, by_key, is_bounded, is_selective};
use crate::effects::{Effect, Loss, Place, When, Work};
use crate::sql::catalog::{RelationKind, Table};
use crate::sql::change::{Change, Column, ConstraintKind, Delete, Insert, Name, Reach, Update};

/// A statement on rows.
pub fn effect(effect: &mut Effect, change: &Change, place: &Place<'_>) {
    match change {
        Change::Insert(change) => insert(effect, change, place),
        Change::Update(change) => update(effect, change, place),
        Change::Delete(change) => delete(effect, change, place),
        Change::Select(query) => reads(effect, &query.tables, place),
        Change::LoadData { table } if !missing(effect, "1146", table, false, place) => {
            meets(effect, "rows_by_key", table, place);
        }
        _ => {}
    }
}

/// Whole tables are read.
pub fn reads(effect: &mut Effect, tables: &[Name], place: &Place<'_>) {
    for table in tables {
        if missing(effect, "1146", table, false, place) {
            return;
        }
        let found = place.catalog.table(table);
        match found.filter(|found| found.kind == RelationKind::View).and_then(|found| found.query.clone()) {
            Some(query) => reads(effect, &query.tables, place),
            None if has_old_rows(table, place) => effect.works(&place.catalog.key(table), Work::Scan),
            None => {}
        }
    }
}

fn is_version_table(table: &Name) -> bool {
    table.name == "alembic_version"
}

/// A column that must hold something and is given one of another table that need not: both names.
fn nullable_source(change: &Insert, found: &Table, place: &Place<'_>) -> Option<(String, String)> {
    let query = change.query.as_ref().filter(|_| is_strict(place))?;
    let [source] = query.tables.as_slice() else { return None };
    let source = place.catalog.table(source).filter(|source| !source.columns.is_empty())?;
    change.columns.iter().zip(&query.items).find_map(|(column, item)| {
        let from = source.column(item.text.rsplit('.').next()?)?;
        (found.is_not_null(column) && !source.is_not_null(&from.name)).then(|| (column.clone(), from.name.clone()))
    })
}

fn insert(effect: &mut Effect, change: &Insert, place: &Place<'_>) {
    let table = &change.table;
    if missing(effect, "1146", table, false, place) {
        return;
    }
    meets(effect, "rows_by_key", table, place);
    if let Some(query) = &change.query {
        reads(effect, &query.tables, place);
    }
    if let Some(found) = known(table, place) {
        if let Some(column) = change.columns.iter().find(|column| found.column(column).is_none()) {
            effect.fail("1054", When::Always, format!("`{table}` has no column `{column}`"));
            return;
        }
        let wanted = if change.columns.is_empty() { found.columns.len() } else { change.columns.len() };
        if change.width.is_some_and(|width| width != wanted && width > 0) && !found.columns.is_empty() {
            effect.fail("1136", When::Always, format!("the row has not as many values as `{table}` has columns named"));
            return;
        }
        if let Some((column, from)) = nullable_source(change, found, place) {
            effect.fail("1048", When::OnRows, format!("`{from}` may be NULL where it comes from, and `{column}` is NOT NULL"));
        }
        if let Some((code, why)) = literals::insert(change, found, place) {
            effect.fail(code, When::Always, why);
            return;
        }
        let needed = found.columns.iter().find(|column| is_required(found, column) && !names(&change.columns, &column.name));
        if let Some(column) = needed.filter(|_| !change.columns.is_empty() && is_strict(place)) {
            effect.fail("1364", When::Always, format!("`{}` of `{table}` has no default and gets no value", column.name));
            return;
        }
    }
    if is_version_table(table) || !has_old_rows(table, place) {
        return;
    }
    if change.replaces {
        loses(effect, table, Loss::Medium, format!("rows of `{table}` with the same key are deleted and written anew"), place);
        effect.is_bounded = true;
        // MySQL writes over a row with the same key, MariaDB deletes it.
        if place.server.dialect == crate::dialect::Dialect::Mariadb {
            children(effect, table, place);
        }
    } else if change.updates_on_conflict {
        loses(effect, table, Loss::Medium, format!("rows of `{table}` with the same key are overwritten"), place);
        effect.is_bounded = true;
    }
}

fn names(columns: &[String], column: &str) -> bool {
    columns.iter().any(|name| name.eq_ignore_ascii_case(column))
}

/// A column that an INSERT must name.
fn is_required(table: &Table, column: &Column) -> bool {
    let stamps = column.data_type.as_ref().is_some_and(|data_type| data_type.name == "timestamp" || data_type.serial);
    table.is_not_null(&column.name) && column.default.is_none() && !column.auto_increment && column.generated.is_none() && !stamps
}

fn keyed(effect: &mut Effect, table: &Name, reach: &Reach, place: &Place<'_>) {
    let keyed = by_key(table, reach, place) || is_version_table(table) || reach.limit.is_some();
    meets(effect, if keyed { "rows_by_key" } else { "rows_all" }, table, place);
    effect.is_bounded = is_bounded(table, reach, place) || is_selective(reach);
    reads(effect, &reach.joins, place);
}

fn update(effect: &mut Effect, change: &Update, place: &Place<'_>) {
    let table = &change.table;
    if missing(effect, "1146", table, false, place) {
        return;
    }
    if let Some(found) = known(table, place) {
        let unknown = change.columns.iter().find(|column| found.column(column).is_none());
        if let Some(column) = unknown.filter(|_| change.reach.joins.is_empty()) {
            effect.fail("1054", When::Always, format!("`{table}` has no column `{column}`"));
            return;
        }
        if let Some((code, why)) = refused::condition(table, found, &change.reach, &change.reads) {
            effect.fail(code, When::Always, why);
            return;
        }
        refuse_values(effect, found, change, place);
    }
    keyed(effect, table, &change.reach, place);
    reads(effect, &change.reads, place);
    if is_version_table(table) || !has_old_rows(table, place) {
        return;
    }
    if change.fills_null || all_new(table, &change.columns, place) {
        loses(effect, table, Loss::Low, format!("columns of `{table}` that were NULL or new are filled"), place);
    } else {
        loses(effect, table, Loss::Medium, format!("values of `{table}` are overwritten: {}", change.columns.join(", ")), place);
    }
}

/// Values that no row can take, and those that some rows cannot.
fn refuse_values(effect: &mut Effect, found: &Table, change: &Update, place: &Place<'_>) {
    let table = &change.table;
    for column in change.columns.iter().filter_map(|name| found.column(name)) {
        if column.generated.is_some() {
            let code = if place.server.dialect == crate::dialect::Dialect::Mariadb { "1906" } else { "3105" };
            effect.fail(code, When::Always, format!("`{}` of `{table}` is computed", column.name));
        }
        let own = found.constraints_on(&column.name).any(|constraint| constraint.reference().is_some());
        if own && is_on("foreign_key_checks", place) {
            fails_on_rows(effect, "1452", table, format!("a value of `{}` without a match stops it", column.name), place);
        }
        let checked = found.constraints_on(&column.name).any(|constraint| matches!(constraint.kind, ConstraintKind::Check(_)));
        if checked {
            let code = if place.server.dialect == crate::dialect::Dialect::Mariadb { "4025" } else { "3819" };
            fails_on_rows(effect, code, table, format!("a value of `{}` that breaks a check stops it", column.name), place);
        }
        let unique = found.indexes_on(&column.name).any(|state| state.index.unique && state.index.keys.len() == 1);
        if unique && !by_key(table, &change.reach, place) {
            fails_on_rows(effect, "1062", table, format!("equal values in `{}` stop it", column.name), place);
        }
    }
    for (code, why) in literals::update(change, found, place) {
        fails_on_rows(effect, code, table, why, place);
    }
    if is_on("foreign_key_checks", place) {
        referenced(effect, found, change, place);
    }
}

/// A key that other tables point at is written.
fn referenced(effect: &mut Effect, found: &Table, change: &Update, place: &Place<'_>) {
    for (owner, key) in place.catalog.foreign_keys_to(&change.table) {
        let Some(reference) = key.reference() else {
            continue;
        };
        let targets = if reference.columns.is_empty() { found.primary_key().unwrap_or_default() } else { reference.columns.as_slice() };
        let follows = matches!(reference.on_update.as_deref(), Some("cascade" | "set null"));
        if targets.iter().any(|target| names(&change.columns, target)) && !follows && has_old_rows(&owner, place) {
            effect.fail("1451", When::OnRows, format!("rows of `{owner}` that point at `{}` stop it", change.table));
        }
    }
}

fn delete(effect: &mut Effect, change: &Delete, place: &Place<'_>) {
    for table in &change.tables {
        if missing(effect, "1146", table, false, place) {
            return;
        }
        let only = known(table, place).filter(|_| change.tables.len() == 1);
        if let Some((code, why)) = only.and_then(|found| refused::condition(table, found, &change.reach, &change.reads)) {
            effect.fail(code, When::Always, why);
            return;
        }
        keyed(effect, table, &change.reach, place);
        reads(effect, &change.reads, place);
        if is_version_table(table) || !has_old_rows(table, place) {
            continue;
        }
        loses_stored(effect, table, format!("rows of `{table}` are deleted"), place);
        children(effect, table, place);
    }
}

/// Rows of other tables that point at rows deleted.
fn children(effect: &mut Effect, table: &Name, place: &Place<'_>) {
    if !is_on("foreign_key_checks", place) {
        return;
    }
    for (owner, key) in place.catalog.foreign_keys_to(table) {
        if !has_old_rows(&owner, place) {
            continue;
        }
        match key.reference().and_then(|reference| reference.on_delete.as_deref()) {
            Some("cascade") => {
                effect.lock(owner.clone(), crate::effects::LockMode::OnlineNone);
                loses(effect, &owner, Loss::High, format!("rows of `{owner}` go with the rows of `{table}` that they point at"), place);
                if !effect.is_bounded {
                    effect.cascades.push(format!("rows of `{owner}`"));
                }
            }
            Some("set null") => {
                effect.lock(owner.clone(), crate::effects::LockMode::OnlineNone);
                loses(effect, &owner, Loss::Medium, format!("values of `{owner}` are set to NULL"), place);
            }
            _ => effect.fail("1451", When::OnRows, format!("rows of `{owner}` that point at `{table}` stop it")),
        }
    }
}

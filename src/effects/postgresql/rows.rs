//! DML, queries, COPY and TRUNCATE on PostgreSQL.

use crate::effects::fact::{LockMode, Role};
use crate::effects::postgresql::refused_values;
use crate::effects::postgresql::{fact, lock, loses_rows, meets, missing, stored_rows, works};
use crate::effects::reach::is_one_sided;
use crate::effects::{Effect, Loss, Place, Undo, When, Work};
use crate::sql::catalog::RelationKind;
use crate::sql::change::{Change, ConstraintKind, Delete, IndexKey, Insert, Merge, Name, Query, Reach, Update};
use crate::sql::formula::{self, Formula};
use crate::sql::functions;

/// A statement on rows.
pub fn effect(effect: &mut Effect, change: &Change, place: &Place<'_>) {
    match change {
        Change::Insert(insert_into) => insert(effect, insert_into, place),
        Change::Update(change) => update(effect, change, place),
        Change::Delete(change) => delete(effect, change, place),
        Change::Merge(change) => merge(effect, change, place),
        Change::Select(query) => select(effect, query, place),
        Change::Copy { table, into_table, query } => copy(effect, table.as_ref(), *into_table, query.as_ref(), place),
        Change::Truncate { tables, cascade, only, .. } => truncate(effect, tables, *cascade, *only, place),
        _ => {}
    }
}

/// Reads whole tables, without a lock that anybody but DDL minds.
fn reads(effect: &mut Effect, tables: &[Name], place: &Place<'_>) {
    for table in tables {
        if missing(effect, table, false, place) {
            return;
        }
        let mut sources = place.catalog.partitions(table);
        sources.push(table.clone());
        for source in sources {
            let base =
                place.catalog.table(&source).and_then(|found| (found.kind == RelationKind::View).then(|| found.query.clone()).flatten());
            match base {
                Some(query) => reads(effect, &query.tables, place),
                None => works(effect, &source, Work::Scan, place),
            }
        }
    }
}

fn nested_writes(effect_so_far: &mut Effect, writes: &[Change], place: &Place<'_>) {
    for write in writes {
        effect(effect_so_far, write, place);
    }
}

/// Foreign key checks of rows written: `ROW SHARE` on what the keys point at.
fn checks_references(effect: &mut Effect, table: &Name, columns: Option<&[String]>, place: &Place<'_>) {
    let Some(found) = place.catalog.table(table).filter(|_| !stored_rows::skips_references(place)) else {
        return;
    };
    for constraint in &found.constraints {
        let ConstraintKind::ForeignKey { columns: own, reference } = &constraint.kind else {
            continue;
        };
        let touched = columns.is_none_or(|written| own.iter().all(|column| written.contains(column)));
        if touched && !constraint.not_enforced {
            lock(effect, &reference.table, LockMode::RowShare, place);
        }
    }
}

fn insert(effect: &mut Effect, change: &Insert, place: &Place<'_>) {
    nested_writes(effect, &change.writes, place);
    if missing(effect, &change.table, false, place) || view_target(effect, &change.table, place) {
        return;
    }
    if refused_values::insert(effect, change, place) {
        return;
    }
    meets(effect, "insert", &change.table, place);
    let columns = (!change.columns.is_empty()).then_some(change.columns.as_slice());
    let source_empty = change
        .query
        .as_ref()
        .is_some_and(|query| !query.tables.is_empty() && query.tables.iter().all(|table| !place.catalog.has_rows(table)));
    let points = place.catalog.table(&change.table).is_some_and(|found| found.constraints.iter().any(|own| own.reference().is_some()));
    if points && stored_rows::skips_references(place) && !place.catalog.is_new(&change.table) {
        effect.lose(Loss::Low, format!("foreign keys of `{}` are not checked", change.table));
    }
    if !source_empty {
        checks_references(effect, &change.table, columns, place);
    }
    if let Some(query) = &change.query {
        reads(effect, &query.tables, place);
        calls(effect, query, place);
    }
    if change.updates_on_conflict && !place.catalog.is_new(&change.table) {
        effect.lose(Loss::Medium, format!("rows of `{}` with the same key are overwritten", change.table));
        effect.is_bounded = true;
        effect.undo(Undo::ShapeOnly);
    }
}

/// A view is written through: the table below is what counts, and it is rarely so in a migration.
fn view_target(effect: &mut Effect, table: &Name, place: &Place<'_>) -> bool {
    let Some(found) = place.catalog.table(table).filter(|found| found.kind == RelationKind::View) else {
        return false;
    };
    for base in found.query.iter().flat_map(|query| &query.tables) {
        lock(effect, base, LockMode::RowExclusive, place);
    }
    lock(effect, table, LockMode::RowExclusive, place);
    false
}

/// The one table that a view reads.
fn table_below(view: &Name, place: &Place<'_>) -> Option<Name> {
    let found = place.catalog.table(view).filter(|found| found.kind == RelationKind::View)?;
    match found.query.as_ref()?.tables.as_slice() {
        [below] => Some(below.clone()),
        _ => None,
    }
}

/// True when a condition compares the first column of an index, or all of the primary key, with values.
fn by_key(table: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    let found = place.catalog.table(table);
    if let Some([below]) =
        found.filter(|found| found.kind == RelationKind::View).and_then(|view| view.query.as_ref()).map(|query| query.tables.as_slice())
    {
        return by_key(below, reach, place);
    }
    let Some(found) = found else {
        // Without the schema, a name that looks like a key is taken for one.
        return reach.bounded_by.iter().any(|column| column == "id" || column.ends_with("_id") || column == "version_num");
    };
    found.indexes.iter().any(|state| {
        state.index.predicate.is_none()
            && matches!(state.index.keys.first(), Some(IndexKey::Column(first)) if reach.bounded_by.iter().any(|column| column == first) && !is_one_sided(reach, first))
    })
}

/// `id IN (SELECT id … LIMIT n)`, `ctid = ANY (ARRAY(SELECT ctid … LIMIT n))`: a bounded batch, found by key.
fn is_batch(table: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    let Some(condition) = &reach.condition else { return false };
    let text = condition.text.to_lowercase();
    let key = text.split([' ', '=', '(']).next().unwrap_or_default().trim_matches('"');
    let is_key = key == "ctid"
        || place.catalog.table(table).is_none_or(|found| {
            found
                .indexes
                .iter()
                .any(|state| matches!(state.index.keys.first(), Some(IndexKey::Column(first)) if first.eq_ignore_ascii_case(key)))
        });
    is_key && text.contains("select") && text.contains(" limit ")
}

/// True when the rows reached are bounded: by a key, a limit, or by being the one row of a small table.
fn is_bounded(table: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    reach.limit.is_some() || by_key(table, reach, place) || table.name == "alembic_version"
}

/// `WHERE` compares a column with values, whether or not an index helps.
fn is_selective(reach: &Reach) -> bool {
    !reach.bounded_by.is_empty() || reach.limit.is_some()
}

fn scan_or_key(
    effect: &mut Effect,
    situation_all: &'static str,
    situation_key: &'static str,
    table: &Name,
    reach: &Reach,
    place: &Place<'_>,
) {
    let keyed = by_key(table, reach, place) || is_batch(table, reach, place) || table.name == "alembic_version";
    let situation = if keyed { situation_key } else { situation_all };
    meets(effect, situation, table, place);
    for child in place.catalog.descendants(table) {
        if !crate::effects::postgresql::bounds::is_pruned(&child, reach, place) {
            meets(effect, situation, &child, place);
        }
    }
    effect.is_bounded = is_bounded(table, reach, place) || is_selective(reach);
    reads(effect, &reach.joins, place);
}

/// `ONLY` a partitioned table: it holds no row itself.
fn reaches_nothing(table: &Name, only: bool, place: &Place<'_>) -> bool {
    only && place.catalog.table(table).is_some_and(|found| found.partition_by.is_some())
}

fn update(effect: &mut Effect, change: &Update, place: &Place<'_>) {
    nested_writes(effect, &change.writes, place);
    let table = &change.table;
    if missing(effect, table, false, place) || view_target(effect, table, place) {
        return;
    }
    let known = place.catalog.table(table).filter(|found| place.catalog.is_complete && !found.columns.is_empty() && found.query.is_none());
    if let Some(column) = known.and_then(|found| change.columns.iter().find(|column| found.column(column).is_none())) {
        effect.fail("42703", When::Always, format!("column `{column}` of `{table}` does not exist"));
        return;
    }
    if refused_values::update(effect, change, place) {
        return;
    }
    if reaches_nothing(table, change.only, place) {
        meets(effect, "update", table, place);
        return;
    }
    scan_or_key(effect, "update_all", "update", table, &change.reach, place);
    if is_batch(table, &change.reach, place) {
        effect.is_bounded = true;
    } else {
        reads(effect, &change.reads, place);
    }
    if moves_rows(table, &change.columns, place) {
        checks_references(effect, table, None, place);
        for child in place.catalog.partitions(table) {
            lock(effect, &child, LockMode::RowExclusive, place);
        }
    }
    checks_references(effect, table, Some(&change.columns), place);
    referencing(effect, table, Some(&change.columns), place);
    if place.catalog.is_new(table) || table.name == "alembic_version" || !place.catalog.has_rows(table) {
        return;
    }
    let new_columns = known_new(table, &change.columns, place);
    if change.values.text.replace('"', "") == own_values(&change.columns) || all_computed(table, &change.columns, place) {
        return;
    }
    if change.fills_null || new_columns || only_null(table, &change.columns, place) {
        effect.lose(Loss::Low, format!("columns of `{table}` that were NULL or new are filled"));
    } else {
        effect.lose(Loss::Medium, format!("values of `{table}` are overwritten: {}", change.columns.join(", ")));
    }
    effect.undo(Undo::ShapeOnly);
}

/// A new value in a partition key may move a row to another partition: deleted there, inserted here.
fn moves_rows(table: &Name, columns: &[String], place: &Place<'_>) -> bool {
    let key = place.catalog.table(table).and_then(|found| found.partition_by.as_ref());
    key.is_some_and(|(_, key)| columns.iter().any(|column| key.words.contains(column)))
}

/// `a = a`: nothing changes.
fn own_values(columns: &[String]) -> String {
    columns.iter().map(|column| format!("{column} = {column}")).collect::<Vec<_>>().join(", ")
}

/// Generated columns take nothing but `DEFAULT`: the same values are computed again.
fn all_computed(table: &Name, columns: &[String], place: &Place<'_>) -> bool {
    let found = place.catalog.table(table);
    !columns.is_empty()
        && found.is_some_and(|found| columns.iter().all(|column| found.column(column).is_some_and(|own| own.generated.is_some())))
}

/// All columns written are known to be NULL in every row.
fn only_null(table: &Name, columns: &[String], place: &Place<'_>) -> bool {
    place.catalog.table(table).is_some_and(|found| !columns.is_empty() && columns.iter().all(|column| found.null_columns.contains(column)))
}

/// All columns written were added by the script under review.
fn known_new(table: &Name, columns: &[String], place: &Place<'_>) -> bool {
    let Some(found) = place.catalog.table(table) else {
        return false;
    };
    !columns.is_empty() && columns.iter().all(|column| found.column(column).is_some_and(|known| known.is_new))
}

/// Foreign keys of other tables that point at rows changed or deleted.
fn referencing(effect: &mut Effect, table: &Name, columns: Option<&[String]>, place: &Place<'_>) {
    for (owner, key) in place.catalog.foreign_keys_to(table) {
        let Some(reference) = key.reference() else {
            continue;
        };
        let target: Vec<String> = if reference.columns.is_empty() {
            place.catalog.table(table).and_then(|found| found.primary_key().map(<[String]>::to_vec)).unwrap_or_default()
        } else {
            reference.columns.clone()
        };
        if columns.is_some_and(|written| !written.iter().any(|column| target.contains(column))) {
            continue;
        }
        let action = if columns.is_some() { &reference.on_update } else { &reference.on_delete };
        if !is_indexed(&owner, &key, place) {
            // The server looks for rows that point here.
            works(effect, &owner, Work::Scan, place);
        }
        match action.as_deref() {
            Some("cascade" | "set null" | "set default") => {
                lock(effect, &owner, LockMode::RowExclusive, place);
                if columns.is_none() && place.catalog.has_rows(&owner) && !place.catalog.is_new(&owner) {
                    let what = if action.as_deref() == Some("cascade") { "rows" } else { "values" };
                    let loss = if what == "rows" { Loss::High } else { Loss::Medium };
                    effect.lose(loss, format!("{what} of `{owner}` go with the rows of `{table}` that they point at"));
                    if !effect.is_bounded {
                        effect.cascades.push(format!("{what} of `{owner}`"));
                    }
                }
                if action.as_deref() == Some("cascade") && columns.is_none() {
                    referencing_once(effect, &owner, place);
                }
            }
            _ => {
                lock(effect, &owner, LockMode::RowShare, place);
                if place.catalog.has_rows(&owner) && !place.catalog.is_new(&owner) {
                    effect.fail("23503", When::OnRows, format!("rows of `{owner}` that point at `{table}` stop it"));
                }
            }
        }
    }
}

/// An index starts with the columns of a foreign key.
fn is_indexed(owner: &Name, key: &crate::sql::change::Constraint, place: &Place<'_>) -> bool {
    let ConstraintKind::ForeignKey { columns, .. } = &key.kind else {
        return true;
    };
    place.catalog.table(owner).is_none_or(|found| {
        found.indexes.iter().any(|state| {
            state.index.predicate.is_none() && matches!(state.index.keys.first(), Some(IndexKey::Column(first)) if columns.contains(first))
        })
    })
}

/// One more level of `ON DELETE CASCADE`.
fn referencing_once(effect: &mut Effect, table: &Name, place: &Place<'_>) {
    for (owner, key) in place.catalog.foreign_keys_to(table) {
        let cascades =
            key.reference().is_some_and(|reference| matches!(reference.on_delete.as_deref(), Some("cascade" | "set null" | "set default")));
        lock(effect, &owner, if cascades { LockMode::RowExclusive } else { LockMode::RowShare }, place);
        if !is_indexed(&owner, &key, place) {
            works(effect, &owner, Work::Scan, place);
        }
        if !cascades && place.catalog.has_rows(&owner) && !place.catalog.is_new(&owner) {
            effect.fail("23503", When::OnRows, format!("rows of `{owner}` that point at `{table}` stop it"));
        }
    }
}

fn delete(effect: &mut Effect, change: &Delete, place: &Place<'_>) {
    nested_writes(effect, &change.writes, place);
    for table in &change.tables {
        if missing(effect, table, false, place) || view_target(effect, table, place) {
            return;
        }
        if reaches_nothing(table, change.only, place) {
            meets(effect, "delete", table, place);
            continue;
        }
        scan_or_key(effect, "delete_all", "delete", table, &change.reach, place);
        reads(effect, &change.reads, place);
        if table.name == "alembic_version" {
            continue;
        }
        if place.catalog.has_rows(table) {
            if stored_rows::blocks_delete(table, &change.reach, place) {
                effect.fail("23503", When::Always, format!("rows of other tables point at the rows of `{table}` that are deleted"));
            }
            referencing(effect, table, None, place);
        }
        if let Some(below) = table_below(table, place) {
            // Rows that go through a view are its table's.
            referencing(effect, &below, None, place);
        }
        if place.catalog.has_rows(table) {
            loses_rows(effect, table, &format!("rows of `{table}` are deleted"), place);
        }
    }
}

fn merge(effect: &mut Effect, change: &Merge, place: &Place<'_>) {
    if missing(effect, &change.table, false, place) {
        return;
    }
    meets(effect, "update_all", &change.table, place);
    if let Some(source) = &change.source {
        reads(effect, std::slice::from_ref(source), place);
    }
    if change.deletes {
        loses_rows(effect, &change.table, &format!("rows of `{}` are deleted", change.table), place);
        referencing(effect, &change.table, None, place);
    }
    if change.inserts {
        checks_references(effect, &change.table, None, place);
    } else if change.updates {
        checks_references(effect, &change.table, Some(&change.columns), place);
    }
    if change.updates && !place.catalog.is_new(&change.table) && place.catalog.has_rows(&change.table) {
        effect.lose(Loss::Medium, format!("values of `{}` are overwritten", change.table));
        effect.undo(Undo::ShapeOnly);
    }
}

fn select(effect: &mut Effect, query: &Query, place: &Place<'_>) {
    nested_writes(effect, &query.writes, place);
    let Some(row) = fact(effect, if query.locks_rows { "select_for_update" } else { "select" }, place) else {
        return;
    };
    if let Some(mode) = row.mode(Role::Target) {
        for table in &query.tables {
            lock(effect, table, mode, place);
        }
    }
    if let Some(into) = &query.into
        && place.catalog.table(into).is_some()
    {
        effect.fail("42P07", When::Always, format!("relation `{into}` already exists"));
        return;
    }
    if !(query.is_limited || finds_by_key(query, place)) {
        reads(effect, &query.tables, place);
    }
    calls(effect, query, place);
}

/// A query on one table that a key answers: compared with values, or the least or greatest of an indexed column.
fn finds_by_key(query: &Query, place: &Place<'_>) -> bool {
    let [table] = query.tables.as_slice() else { return false };
    let Some(found) = place.catalog.table(table) else { return false };
    let leads = |column: &String| {
        found.indexes.iter().any(|state| {
            state.index.predicate.is_none() && matches!(state.index.keys.first(), Some(IndexKey::Column(first)) if first == column)
        })
    };
    let extreme = !query.has_where
        && query.functions.iter().any(|name| matches!(name.as_str(), "max" | "min"))
        && !query.functions.iter().any(|name| matches!(name.as_str(), "count" | "sum" | "avg"))
        && !query.words.iter().any(|word| word == "group");
    query.bounded_by.iter().any(leads) || extreme && query.words.iter().any(leads)
}

/// Functions that a query calls: those that change something, and those that nobody here can read.
fn calls(effect: &mut Effect, query: &Query, place: &Place<'_>) {
    for name in &query.functions {
        match name.as_str() {
            "setval" => {
                let counted = query.functions.iter().any(|other| matches!(other.as_str(), "max" | "coalesce" | "greatest"));
                if !counted && !goes_forward(query, place) {
                    effect.lose(Loss::Medium, "a sequence is set to another value");
                    effect.breaks("sequence_restart", "inserts: numbers that are taken may come again");
                }
                effect.undo(Undo::ShapeOnly);
            }
            "pg_terminate_backend" | "pg_cancel_backend" => effect.breaks("opaque_code", "sessions of others are ended"),
            "lo_unlink" | "pg_drop_replication_slot" | "lo_put" => effect.lose(Loss::High, "stored data is deleted by a function"),
            other if functions::is_known(other) => {}
            other if crate::effects::postgresql::runs_body(effect, other, place) => {}
            other => {
                let harmless = place.catalog.function(other).is_some_and(|own| own.volatility < functions::Volatility::Volatile);
                let in_table_position = !query.tables.is_empty();
                if !harmless && !in_table_position {
                    effect.is_opaque = true;
                    effect.undo(Undo::Unknown);
                }
            }
        }
    }
}

/// `setval('s', n)` with no smaller number than the sequence gave away.
fn goes_forward(query: &Query, place: &Place<'_>) -> bool {
    let [item] = query.items.as_slice() else { return false };
    let Some(Formula::Call(_, arguments)) = formula::of_expression(item) else { return false };
    let [Formula::Text(sequence), Formula::Number(number)] = arguments.as_slice() else { return false };
    let name = match sequence.split_once('.') {
        Some((schema, name)) => Name { schema: Some(schema.to_owned()), name: name.to_owned() },
        None => Name::bare(sequence.clone()),
    };
    place.catalog.last_number(&name).zip(number.parse().ok()).is_some_and(|(last, next): (i64, i64)| next >= last)
}

fn copy(effect: &mut Effect, table: Option<&Name>, into_table: bool, query: Option<&Query>, place: &Place<'_>) {
    if let Some(query) = query {
        reads(effect, &query.tables, place);
    }
    let Some(table) = table else { return };
    if missing(effect, table, false, place) {
        return;
    }
    if into_table {
        meets(effect, "insert", table, place);
        checks_references(effect, table, None, place);
    } else {
        reads(effect, std::slice::from_ref(table), place);
    }
}

fn truncate(effect: &mut Effect, tables: &[Name], cascade: bool, only: bool, place: &Place<'_>) {
    let mut open: Vec<Name> = tables.to_vec();
    let mut done: Vec<Name> = Vec::new();
    for table in tables {
        if missing(effect, table, false, place) {
            return;
        }
        if only && place.catalog.table(table).is_some_and(|found| found.partition_by.is_some()) {
            effect.fail("42809", When::Always, format!("`{table}` is partitioned: it cannot be truncated alone"));
            return;
        }
    }
    while let Some(table) = open.pop() {
        let key = place.catalog.key(&table);
        if done.contains(&key) {
            continue;
        }
        done.push(key.clone());
        meets(effect, "truncate", &table, place);
        if !only {
            open.extend(place.catalog.descendants(&table));
        }
        for (owner, constraint) in place.catalog.foreign_keys_to(&table) {
            if cascade {
                if !done.contains(&owner) {
                    effect.cascades.push(format!("rows of `{owner}`"));
                }
                open.push(owner);
            } else if !tables.iter().any(|other| place.catalog.key(other) == owner) && owner != key {
                effect.fail(
                    "0A000",
                    When::Always,
                    format!("foreign key `{}` of `{owner}` points at `{table}`", constraint.name.as_deref().unwrap_or_default()),
                );
            }
        }
        loses_rows(effect, &table, &format!("all rows of `{table}` are gone"), place);
    }
}

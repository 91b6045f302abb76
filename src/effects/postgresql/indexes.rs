//! Indexes on PostgreSQL.

use crate::effects::fact::Role;
use crate::effects::postgresql::drops::is_other_kind;
use crate::effects::postgresql::{fact, immutable, lock, meets, meets_all, missing, stored_rows, types, works};
use crate::effects::{Effect, Loss, Place, When, Work};
use crate::sql::catalog::RelationKind;
use crate::sql::change::{Change, Drop, Index, IndexAction, IndexKey, Name, ReindexScope};

pub(super) fn create_index(effect: &mut Effect, table: &Name, only: bool, concurrently: bool, index: &Index, place: &Place<'_>) {
    if missing(effect, table, false, place) {
        return;
    }
    let found = place.catalog.table(table);
    let standing = |name: &str| place.catalog.index(&Name { schema: table.schema.clone(), name: name.to_owned() });
    if let Some((name, (owner, state))) = index.name.as_deref().and_then(|name| standing(name).map(|found| (name, found))) {
        if index.if_not_exists {
            let partitioned = place.catalog.table(owner).is_some_and(|found| found.partition_by.is_some());
            if !state.is_valid && !partitioned {
                effect.breaks("invalid_index_hidden", format!("`{name}` stands, but is not valid: it stays so"));
            }
            // It does nothing, but it has locked the table by then.
            let row = fact(effect, if concurrently { "create_index_concurrently" } else { "create_index_only" }, place);
            if let Some(mode) = row.and_then(|row| row.mode(Role::Target)) {
                lock(effect, table, mode, place);
            }
        } else {
            effect.fail("42P07", When::Always, format!("relation `{name}` already exists"));
        }
        return;
    }
    if let Some(found) = found.filter(|found| place.catalog.is_complete && !found.columns.is_empty() && found.query.is_none())
        && let Some(column) = index.keys.iter().find_map(|key| match key {
            IndexKey::Column(name) if found.column(name).is_none() => Some(name),
            _ => None,
        })
    {
        effect.fail("42703", When::Always, format!("column `{column}` of `{table}` does not exist"));
        return;
    }
    if found.is_some_and(|found| found.kind == RelationKind::View) {
        effect.fail("42809", When::Always, format!("`{table}` is a view: it has no indexes"));
        return;
    }
    let expressions = index.keys.iter().filter_map(|key| match key {
        IndexKey::Expression(expression) => Some(expression),
        IndexKey::Column(_) => None,
    });
    for expression in expressions.chain(&index.predicate) {
        if immutable::is_refused(expression, &|column: &str| types::column_type(table, column, place), place) {
            effect.fail("42P17", When::Always, format!("functions in index expression `{}` must be IMMUTABLE", expression.text));
            return;
        }
    }
    let partitioned = found.is_some_and(|found| found.partition_by.is_some());
    let columns = index.plain_columns();
    if index.unique && crate::effects::postgresql::lacks_partition_key(table, &columns, place) {
        effect.fail("0A000", When::Always, format!("a unique index on `{table}` must hold its whole partition key"));
        return;
    }
    if partitioned && concurrently {
        effect.fail("0A000", When::Always, format!("`{table}` is partitioned: an index there cannot be built concurrently"));
        return;
    }
    if only && partitioned {
        meets(effect, "create_index_only", table, place);
        return;
    }
    let situation = if concurrently { "create_index_concurrently" } else { "create_index" };
    meets_all(effect, situation, table, only || !partitioned, place);
    if !place.catalog.is_new(table) && place.catalog.has_rows(table) {
        effect.builds.push(place.catalog.key(table));
    }
    // Nobody writes to a materialized view but its refresh.
    effect.is_online = concurrently || found.is_some_and(|found| found.kind == RelationKind::MaterializedView);
    if index.unique && !place.catalog.is_new(table) && place.catalog.has_rows(table) {
        let left = if concurrently { "; the index stays behind, invalid" } else { "" };
        let when = stored_rows::when(stored_rows::breaks_index(table, index, place));
        effect.fail("23505", when, format!("rows of `{table}` with the same key stop it{left}"));
    }
}

pub(super) fn alter_index(effect: &mut Effect, index: &Name, if_exists: bool, action: &IndexAction, place: &Place<'_>) {
    let known = place.catalog.index(index).is_some() || place.catalog.table(index).is_some();
    if place.catalog.is_complete && !known && !if_exists {
        effect.fail("42P01", When::Always, format!("relation `{index}` does not exist"));
        return;
    }
    fact(effect, "alter_index", place);
    match action {
        IndexAction::SetTablespace => {
            // The index is copied into a new file; the table is neither locked nor read.
            if let Some((table, _)) = place.catalog.index(index)
                && !place.catalog.is_new(table)
            {
                effect.builds.push(table.clone());
                effect.work = Work::Scan;
            }
        }
        IndexAction::Disable | IndexAction::Rebuild { .. } => effect.unknown = Some("PostgreSQL has no such `ALTER INDEX`".to_owned()),
        IndexAction::Rename { .. }
        | IndexAction::AttachPartition { .. }
        | IndexAction::SetStorageParams
        | IndexAction::ResetStorageParams
        | IndexAction::SetStatistics
        | IndexAction::DependsOnExtension => {}
    }
}

pub(super) fn reindex(effect: &mut Effect, scope: ReindexScope, name: Option<&Name>, concurrently: bool, place: &Place<'_>) {
    let situation = if concurrently { "reindex_concurrently" } else { "reindex" };
    effect.is_online = concurrently;
    let tables: Vec<Name> = match (scope, name) {
        (ReindexScope::Index, Some(index)) => place.catalog.index(index).map(|(table, _)| table.clone()).into_iter().collect(),
        (ReindexScope::Table, Some(table)) => {
            if missing(effect, table, false, place) {
                return;
            }
            std::iter::once(place.catalog.key(table)).chain(place.catalog.partitions(table)).collect()
        }
        (ReindexScope::Schema, Some(schema)) => place.catalog.in_schema(&schema.name),
        _ => place.catalog.tables().map(|(name, _)| name.clone()).collect(),
    };
    let row = fact(effect, situation, place);
    // Before 14 it passes over a partitioned table with a warning.
    let skips_partitions = place.server.version.major < 14
        && name.and_then(|name| place.catalog.table(name)).is_some_and(|found| found.partition_by.is_some());
    let tables: Vec<Name> = if skips_partitions { tables.into_iter().take(1).collect() } else { tables };
    for table in tables {
        let Some(found) = place.catalog.table(&table) else {
            meets(effect, situation, &table, place);
            effect.builds.push(table);
            continue;
        };
        if found.kind == RelationKind::View {
            continue;
        }
        if let Some(mode) = row.and_then(|row| row.mode(Role::Target)) {
            lock(effect, &table, mode, place);
        }
        if found.partition_by.is_none() && !found.indexes.is_empty() && !skips_partitions {
            works(effect, &table, Work::Scan, place);
            effect.builds.push(table);
        }
    }
    if effect.builds.is_empty() && scope == ReindexScope::Index {
        // The index is not known: what it stands on is not either.
        effect.work = Work::Scan;
    }
}

pub(super) fn drop_index(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    if is_other_kind(effect, name, &[], "an index", place) {
        return;
    }
    let situation = if drop.concurrently { "drop_index_concurrently" } else { "drop_index" };
    effect.is_online = drop.concurrently;
    let Some((table, state)) = place.catalog.index(name) else {
        if place.catalog.is_complete {
            if !drop.if_exists {
                effect.fail("42704", When::Always, format!("index `{name}` does not exist"));
            }
            return;
        }
        // Its table is not known, and is locked like the index itself.
        if let Some(mode) = fact(effect, situation, place).and_then(|row| row.mode(Role::Target)) {
            lock(effect, name, mode, place);
        }
        effect.lose(Loss::Low, format!("index `{name}` is dropped"));
        return;
    };
    let partitioned = place.catalog.table(table).is_some_and(|found| found.partition_by.is_some());
    if drop.concurrently && partitioned {
        effect.fail("0A000", When::Always, format!("`{table}` is partitioned: its index cannot be dropped concurrently"));
        return;
    }
    if let Some(constraint) = &state.constraint {
        effect.fail("2BP01", When::Always, format!("constraint `{constraint}` needs index `{name}`"));
        return;
    }
    if state.of_parent {
        effect.fail("2BP01", When::Always, format!("`{name}` belongs to an index of the partitioned table"));
        return;
    }
    meets_all(effect, situation, table, !partitioned, place);
    if !state.is_new && !place.catalog.is_new(table) {
        if !is_built_again(&state.index, table, place) {
            effect.lose(Loss::Low, format!("index `{name}` is dropped"));
        }
        if state.index.unique {
            let columns = state.index.plain_columns();
            effect
                .breaks("drop_unique", format!("`ON CONFLICT ({})` on `{table}`, and the guarantee that it is unique", columns.join(", ")));
        }
    }
}

/// An index on the same keys comes later in the script.
fn is_built_again(index: &Index, table: &Name, place: &Place<'_>) -> bool {
    place.following.iter().any(|later| match &later.reading.change {
        Change::CreateIndex { table: on, index: new, .. } => {
            place.catalog.key(on) == *table && new.keys == index.keys && new.unique == index.unique && new.predicate == index.predicate
        }
        _ => false,
    })
}

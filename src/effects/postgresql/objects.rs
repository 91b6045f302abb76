//! Indexes, views, types, triggers and all else that is no table, on PostgreSQL.

use crate::effects::fact::{LockMode, Role};
use crate::effects::postgresql::{fact, lock, loses_rows, meets, meets_all, missing, stored_rows, works};
use crate::effects::{Effect, Loss, Place, Undo, When, Work};
use crate::sql::catalog::{RelationKind, UserType};
use crate::sql::change::{
    Change, Constraint, DomainAction, Drop, Expression, Index, IndexAction, IndexKey, Name, Query, Reading, ReindexScope, SequenceAction,
    TypeAction, ViewAction,
};
use crate::sql::words::Kind;

/// A statement on something that is no table.
#[allow(clippy::too_many_lines)] // One arm a kind: the compiler asks for each.
pub fn effect(effect: &mut Effect, reading: &Reading, place: &Place<'_>) {
    match &reading.change {
        Change::CreateIndex { table, only, concurrently, index, .. } => create_index(effect, table, *only, *concurrently, index, place),
        Change::AlterIndex { index, if_exists, action, .. } => alter_index(effect, index, *if_exists, action, place),
        Change::Reindex { scope, name, concurrently } => reindex(effect, *scope, name.as_ref(), *concurrently, place),
        Change::Drop(drop) if reading.kind == Kind::DropOwned => drop_owned(effect, reading.subject.as_ref(), drop, place),
        Change::Drop(drop) => drop_objects(effect, reading.kind, drop, place),
        Change::CreateView { name, or_replace, if_not_exists, materialized, query, columns, with_data, .. } => {
            create_view(effect, name, *or_replace, *if_not_exists, *materialized, query, columns, *with_data, place);
        }
        Change::AlterView { name, action, if_exists, .. } => alter_view(effect, name, *if_exists, action, place),
        Change::RefreshMaterializedView { name, concurrently, with_data } => refresh(effect, name, *concurrently, *with_data, place),
        Change::AlterType { name, actions } => alter_type(effect, name, actions, place),
        Change::AlterDomain { name, action } => alter_domain(effect, name, action, place),
        Change::AlterSequence { name, actions, if_exists } => alter_sequence(effect, name, *if_exists, actions, place),
        Change::CreateTrigger { name, table, function, or_replace, .. } => {
            let stands = place.catalog.table(table).is_some_and(|found| found.triggers.contains(name));
            if stands && !or_replace {
                effect.fail("42710", When::Always, format!("trigger `{name}` of `{table}` already exists"));
            } else if let Some(function) = function.as_ref().filter(|function| no_such_function(&function.name, place)) {
                effect.fail("42883", When::Always, format!("function `{function}()` does not exist"));
            } else if !missing(effect, table, false, place) {
                meets_all(effect, "create_trigger", table, false, place);
            }
        }
        Change::AlterTrigger { table: Some(table) } => drop_result(meets(effect, "drop_trigger", table, place)),
        Change::CreateRule { table, .. } | Change::AlterRule { table } => {
            if !missing(effect, table, false, place) {
                meets(effect, "rule", table, place);
            }
        }
        Change::CreatePolicy { table, .. } | Change::AlterPolicy { table } => {
            if !missing(effect, table, false, place) {
                meets(effect, "policy", table, place);
            }
        }
        Change::CreateStatistics { tables, .. } => {
            for table in tables {
                meets(effect, "create_statistics", table, place);
            }
        }
        Change::Publication { tables, all, drops, sets, .. } => {
            fact(effect, "object_without_table", place);
            if *drops && !tables.is_empty() {
                effect.lose(Loss::Low, "tables are published no more");
            }
            for table in tables {
                if !sets {
                    meets(effect, "publication_table", table, place);
                }
            }
            let every = place.catalog.tables().filter(|(_, table)| *all && table.kind == RelationKind::Table).map(|(name, _)| name);
            for table in tables.iter().filter(|_| !drops).chain(every) {
                if lacks_identity(table, place) {
                    effect.breaks("publication_without_identity", format!("updates and deletes on `{table}`"));
                }
            }
        }
        Change::CreateSchema { elements, name, if_not_exists } => {
            fact(effect, "object_without_table", place);
            let stands = name.as_ref().is_some_and(|name| place.catalog.has_schema(&name.name));
            if stands && !if_not_exists && place.catalog.is_complete {
                effect.fail("42P06", When::Always, "the schema already exists");
            }
            for element in elements {
                effect.merge(crate::effects::effect_of(element, place));
            }
        }
        Change::AlterSchema { name, rename_to } => {
            fact(effect, "object_without_table", place);
            if rename_to.is_some() {
                let used = place.catalog.in_schema(&name.name).iter().any(|table| !place.catalog.is_new(table));
                if used || !place.catalog.is_complete {
                    effect.breaks("rename", format!("queries that name schema `{}`", name.name));
                }
            }
        }
        Change::Vacuum { tables, full } => {
            let situation = if *full { "vacuum_full" } else { "vacuum" };
            for table in tables {
                meets_all(effect, situation, table, false, place);
            }
            if tables.is_empty() {
                every_table(effect, situation, place);
            }
        }
        Change::Cluster { table } => match table {
            Some(table) => {
                let known = place.catalog.table(table).filter(|_| place.catalog.is_complete && reading.subject.is_none());
                if missing(effect, table, false, place) {
                    return;
                }
                if known.is_some_and(|found| !found.is_clustered) {
                    effect.fail("42704", When::Always, format!("`{table}` was never clustered: name an index"));
                    return;
                }
                drop_result(meets(effect, "cluster", table, place));
            }
            None => every_table(effect, "cluster", place),
        },
        Change::Analyze { tables } => {
            for table in tables {
                analyze(effect, table, place);
            }
            if tables.is_empty() {
                every_table(effect, "analyze", place);
            }
        }
        Change::Comment { table } => {
            fact(effect, "comment", place);
            let columns = table.as_ref().and_then(|table| place.catalog.table(table)).filter(|_| place.catalog.is_complete);
            if let (Some(found), Some(column)) = (columns.filter(|found| !found.columns.is_empty()), &reading.subject)
                && found.column(&column.name).is_none()
            {
                effect.fail("42703", When::Always, format!("column `{column}` does not exist"));
                return;
            }
            let on_relation = !reading_is_on_constraint(reading);
            if let (Some(table), true) = (table, on_relation) {
                lock(effect, table, LockMode::ShareUpdateExclusive, place);
            }
        }
        Change::LockTables { tables, mode } => {
            fact(effect, "object_without_table", place);
            let mode = lock_mode(mode.as_deref());
            let only = reading.flags.contains_key("only") || reading.kind == Kind::Explain;
            for table in tables {
                if !missing(effect, table, false, place) {
                    lock_table(effect, table, mode, only, place);
                }
            }
        }
        Change::Revoke { tables, grantees, privileges, .. } => revoke(effect, tables, grantees, privileges, place),
        Change::CreateType { name, .. } => {
            fact(effect, "object_without_table", place);
            if place.catalog.user_type(name).is_some() {
                effect.fail("42710", When::Always, format!("type `{name}` already exists"));
            }
        }
        Change::CreateSequence { name, if_not_exists, .. } => {
            fact(effect, "object_without_table", place);
            if place.catalog.has_sequence(name) && !if_not_exists {
                effect.fail("42P07", When::Always, format!("relation `{name}` already exists"));
            }
        }
        Change::Call { name } => {
            fact(effect, "object_without_table", place);
            if !crate::effects::postgresql::runs_body(effect, &name.name, place) {
                effect.is_opaque = true;
                effect.undo(Undo::Unknown);
            }
        }
        Change::Other if reading.kind == Kind::ImportForeignSchema => drop_result(fact(effect, "object_without_table", place)),
        Change::Other => other(effect, reading, place),
        Change::CreateFunction { name, or_replace, returns, body, .. } => {
            create_function(effect, reading, name, *or_replace, returns.as_ref(), body, place);
        }
        Change::CreateDomain { .. }
        | Change::Grant { .. }
        | Change::Set { .. }
        | Change::Begin
        | Change::Commit
        | Change::Rollback { .. }
        | Change::Savepoint
        | Change::AlterTrigger { table: None } => drop_result(fact(effect, "object_without_table", place)),
        Change::AlterSchemaTransfer { .. } | Change::Maintain { .. } | Change::LoadData { .. } | Change::RenameTables { .. } => {
            effect.unknown = Some(format!("PostgreSQL has no `{}`", reading.kind.word()));
        }
        Change::CreateTable(_)
        | Change::AlterTable(_)
        | Change::Insert(_)
        | Change::Update(_)
        | Change::Delete(_)
        | Change::Merge(_)
        | Change::Select(_)
        | Change::Copy { .. }
        | Change::Truncate { .. }
        | Change::Block(_)
        | Change::Unknown => {}
    }
}

fn drop_result<T>(_: T) {}

/// A known table without a primary key: its rows cannot be named to a subscriber.
fn lacks_identity(table: &Name, place: &Place<'_>) -> bool {
    !place.catalog.is_new(table)
        && place.catalog.table(table).is_some_and(|found| {
            found.primary_key().is_none() && !found.columns.is_empty() && found.partition_by.is_none() && !found.unlogged
        })
}

fn no_such_function(name: &str, place: &Place<'_>) -> bool {
    place.catalog.is_complete && place.catalog.function(name).is_none() && !crate::sql::functions::is_known(name)
}

fn reading_is_on_constraint(reading: &Reading) -> bool {
    reading.flags.contains_key("on_constraint")
}

/// A partitioned table's partitions are analyzed with it; from 18 on an inheritance parent's children too.
fn analyze(effect: &mut Effect, table: &Name, place: &Place<'_>) {
    meets(effect, "analyze", table, place);
    let children = if place.server.version.major >= 18 { place.catalog.descendants(table) } else { place.catalog.partitions(table) };
    for child in children {
        meets(effect, "analyze", &child, place);
    }
}

/// Tables and materialized views.
fn every_table(effect: &mut Effect, situation: &'static str, place: &Place<'_>) {
    every_relation(effect, situation, &[RelationKind::Table, RelationKind::MaterializedView], place);
}

fn every_relation(effect: &mut Effect, situation: &'static str, kinds: &[RelationKind], place: &Place<'_>) {
    fact(effect, situation, place);
    let tables: Vec<Name> = place.catalog.tables().filter(|(_, table)| kinds.contains(&table.kind)).map(|(name, _)| name.clone()).collect();
    for table in tables {
        meets(effect, situation, &table, place);
    }
}

/// A view hands the lock on to the tables below it.
fn lock_table(effect: &mut Effect, table: &Name, mode: LockMode, only: bool, place: &Place<'_>) {
    lock(effect, table, mode, place);
    let view = place.catalog.table(table).filter(|found| found.kind == RelationKind::View).and_then(|found| found.query.as_ref());
    for below in view.iter().flat_map(|query| &query.tables) {
        lock_table(effect, below, mode, only, place);
    }
    if !only {
        for child in place.catalog.descendants(table) {
            lock(effect, &child, mode, place);
        }
    }
}

fn lock_mode(words: Option<&str>) -> LockMode {
    match words {
        Some("access share") => LockMode::AccessShare,
        Some("row share") => LockMode::RowShare,
        Some("row exclusive") => LockMode::RowExclusive,
        Some("share update exclusive") => LockMode::ShareUpdateExclusive,
        Some("share") => LockMode::Share,
        Some("share row exclusive") => LockMode::ShareRowExclusive,
        Some("exclusive") => LockMode::Exclusive,
        _ => LockMode::AccessExclusive,
    }
}

/// Kinds that are understood by their first words.
fn other(effect: &mut Effect, reading: &Reading, place: &Place<'_>) {
    use crate::sql::words::Action;
    fact(effect, "object_without_table", place);
    let renames = reading.actions.iter().any(|action| matches!(action, Action::Rename | Action::SetSchema));
    if renames && matches!(reading.kind, Kind::AlterFunction | Kind::AlterProcedure | Kind::AlterAggregate) {
        effect.breaks("rename", "calls by the old name");
    }
    effect.is_opaque |= reading.kind == Kind::Execute;
    match reading.kind {
        Kind::AlterTableAll if reading.subject.is_some() => every_relation(effect, "set_tablespace", &[RelationKind::Table], place),
        Kind::ReassignOwned => {
            for table in tables_of_role(reading.subject.as_ref(), place) {
                meets(effect, "owner_to", &table, place);
            }
        }
        Kind::DropCast => {
            let made = reading.subject.as_ref().is_some_and(|cast| place.catalog.has_object(Kind::CreateCast, cast));
            let if_exists = reading.flags.get("if_exists").is_some_and(|flag| *flag == true.into());
            if place.catalog.is_complete && !made && !if_exists {
                effect.fail("42704", When::Always, "no such cast was made");
            }
        }
        Kind::Discard if place.transaction.is_some() && reading.subject.as_ref().is_some_and(|what| what.name == "all") => {
            effect.fail("25001", When::Always, "`DISCARD ALL` cannot run inside a transaction block");
        }
        Kind::SecurityLabel => effect.fail("22023", When::OnRows, "without a loaded provider of security labels"),
        _ => {}
    }
}

/// The body of a SQL function is read when it is made: its tables are locked as its statements would lock them.
fn create_function(
    effect: &mut Effect,
    reading: &Reading,
    name: &Name,
    or_replace: bool,
    returns: Option<&crate::sql::change::DataType>,
    body: &[Reading],
    place: &Place<'_>,
) {
    fact(effect, "object_without_table", place);
    for statement in body {
        let inner = crate::effects::effect_of(statement, place);
        for lock in inner.locks.iter().filter(|lock| lock.mode <= LockMode::RowExclusive) {
            effect.lock(lock.table.clone(), lock.mode);
        }
        for failure in inner.fails.into_iter().filter(|failure| matches!(failure.code.as_str(), "42P01" | "42703")) {
            effect.fail(failure.code, failure.when, failure.why);
        }
    }
    let old = place.catalog.function(&name.name).filter(|_| or_replace && reading.kind == Kind::CreateFunction);
    if let Some((before, after)) = old.and_then(|old| old.returns.as_ref()).zip(returns)
        && before.name != after.name
    {
        effect.fail("42P13", When::Always, format!("`{name}` returns `{before}`; drop it first"));
    }
}

fn create_index(effect: &mut Effect, table: &Name, only: bool, concurrently: bool, index: &Index, place: &Place<'_>) {
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
        if crate::effects::postgresql::changes_with_time(expression, place) {
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

fn alter_index(effect: &mut Effect, index: &Name, if_exists: bool, action: &IndexAction, place: &Place<'_>) {
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

fn reindex(effect: &mut Effect, scope: ReindexScope, name: Option<&Name>, concurrently: bool, place: &Place<'_>) {
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

fn drop_objects(effect: &mut Effect, kind: Kind, drop: &Drop, place: &Place<'_>) {
    for name in &drop.names {
        match kind {
            Kind::DropTable | Kind::DropForeignTable => drop_table(effect, name, drop, place),
            Kind::DropView | Kind::DropMaterializedView => drop_view(effect, name, drop, place),
            Kind::DropIndex => drop_index(effect, name, drop, place),
            Kind::DropType | Kind::DropDomain => drop_type(effect, name, drop, place),
            Kind::DropSchema => drop_schema(effect, name, drop, place),
            Kind::DropSequence => drop_sequence(effect, name, drop, place),
            Kind::DropTrigger | Kind::DropRule | Kind::DropPolicy => drop_on_table(effect, kind, name, drop, place),
            Kind::DropFunction | Kind::DropProcedure | Kind::DropAggregate => drop_function(effect, kind, name, drop, place),
            Kind::DropDatabase => {
                fact(effect, "object_without_table", place);
                effect.lose(Loss::High, format!("database `{name}` is gone with all its rows"));
                effect.undo(Undo::ShapeOnly);
                effect.breaks("drop_table", format!("everything that uses database `{name}`"));
            }
            Kind::DropStatistics => drop_statistics(effect, name, drop, place),
            Kind::DropRole | Kind::DropUser => drop_role(effect, name, drop, place),
            _ => drop_other(effect, kind, name, drop, place),
        }
    }
}

fn tables_of_role(role: Option<&Name>, place: &Place<'_>) -> Vec<Name> {
    let owns = |found: &crate::sql::catalog::Table| role.is_some_and(|role| found.owner.as_deref() == Some(role.name.as_str()));
    place.catalog.tables().filter(|(_, found)| owns(found)).map(|(name, _)| name.clone()).collect()
}

/// What a role owns is dropped, and what it was granted is taken away.
fn drop_owned(effect: &mut Effect, role: Option<&Name>, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    let tables = tables_of_role(role, place);
    for table in &tables {
        drop_table(effect, table, drop, place);
    }
    if place.catalog.is_complete && tables.is_empty() {
        effect.lose(Loss::Low, "the role's rights are taken away");
        effect.breaks("revoke", "queries of the role");
        return;
    }
    effect.lose(Loss::High, "everything that the role owns in this database is dropped");
    effect.undo(Undo::ShapeOnly);
    effect.breaks("drop_table", "everything that uses what the role owns");
}

/// Kinds of objects that the catalogue keeps by name only, with the statement that makes them.
const fn made_by(drop: Kind) -> Option<Kind> {
    Some(match drop {
        Kind::DropCollation => Kind::CreateCollation,
        Kind::DropConversion => Kind::CreateConversion,
        Kind::DropExtension => Kind::CreateExtension,
        Kind::DropTsConfig => Kind::CreateTsConfig,
        Kind::DropPublication => Kind::CreatePublication,
        Kind::DropSubscription => Kind::CreateSubscription,
        Kind::DropEventTrigger => Kind::CreateEventTrigger,
        Kind::DropServer => Kind::CreateServer,
        Kind::DropForeignDataWrapper => Kind::CreateForeignDataWrapper,
        Kind::DropAccessMethod => Kind::CreateAccessMethod,
        Kind::DropOperatorClass => Kind::CreateOperatorClass,
        Kind::DropOperatorFamily => Kind::CreateOperatorFamily,
        _ => return None,
    })
}

/// Something that is kept by its name only.
fn drop_other(effect: &mut Effect, kind: Kind, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if kind == Kind::DropExtension && name.name == "plpgsql" {
        // Each database has it; functions in it hang on it.
        let used = place.catalog.functions().any(|function| function.language.as_deref().is_none_or(|language| language == "plpgsql"));
        if used && !drop.cascade {
            effect.fail("2BP01", When::Always, "functions are written in `plpgsql`");
            return;
        }
        effect.lose(Loss::Low, format!("`{name}` is dropped"));
        return;
    }
    let gone = place.catalog.is_complete && made_by(kind).is_some_and(|maker| !place.catalog.has_object(maker, name));
    if gone {
        if !drop.if_exists {
            effect.fail("42704", When::Always, format!("`{name}` does not exist"));
        }
        return;
    }
    effect.lose(Loss::Low, format!("`{name}` is dropped"));
    if kind == Kind::DropExtension && drop.cascade {
        effect.lose(Loss::High, format!("everything that uses extension `{name}` is dropped with it, columns too"));
        effect.cascades.push(format!("whatever uses extension `{name}`"));
    }
}

fn drop_role(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if place.catalog.role_is_used(&name.name) {
        effect.fail("2BP01", When::Always, format!("role `{name}` owns tables or has rights"));
    } else if !(drop.if_exists && place.catalog.is_complete && !place.catalog.knows_role(&name.name)) {
        effect.lose(Loss::Low, format!("`{name}` is dropped"));
    }
}

fn drop_statistics(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    let Some(tables) = place.catalog.statistics(name) else {
        if place.catalog.is_complete && !drop.if_exists {
            effect.fail("42704", When::Always, format!("statistics `{name}` do not exist"));
        } else if !place.catalog.is_complete {
            effect.lose(Loss::Low, format!("`{name}` is dropped"));
        }
        return;
    };
    for table in tables {
        meets(effect, "create_statistics", table, place);
    }
    effect.lose(Loss::Low, format!("`{name}` is dropped"));
}

fn drop_table(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    if is_other_kind(effect, name, &[RelationKind::Table, RelationKind::Foreign], "a table", place)
        || missing(effect, name, drop.if_exists, place)
    {
        return;
    }
    meets(effect, "drop_table", name, place);
    let key = place.catalog.key(name);
    let Some(table) = place.catalog.table(name) else {
        loses_rows(effect, name, &format!("table `{name}` is gone with its rows"), place);
        effect.breaks("drop_table", format!("queries that name `{name}`"));
        return;
    };
    for partition in place.catalog.partitions(name) {
        lock(effect, &partition, LockMode::AccessExclusive, place);
    }
    let inherited = |constraint: &Constraint| {
        table
            .partition_of
            .as_ref()
            .and_then(|(parent, _)| place.catalog.table(parent))
            .is_some_and(|parent| parent.constraints.iter().any(|above| above.kind == constraint.kind))
    };
    for constraint in table.constraints.iter().filter(|constraint| !inherited(constraint)) {
        if let Some(reference) = constraint.reference()
            && let Some(row) = fact(effect, "drop_table_with_foreign_key", place)
        {
            crate::effects::postgresql::lock_referenced(effect, row, &reference.table, place);
        }
    }
    if let Some((parent, _)) = &table.partition_of {
        lock(effect, parent, LockMode::AccessExclusive, place);
        if let Some(default) = place.catalog.default_partition(parent) {
            lock(effect, &default, LockMode::AccessExclusive, place);
        }
    }
    let dropped: Vec<Name> = drop.names.iter().map(|other| place.catalog.key(other)).collect();
    let views = place.catalog.views_on(name);
    let children: Vec<Name> = place
        .catalog
        .descendants(name)
        .into_iter()
        .filter(|child| place.catalog.table(child).is_some_and(|found| found.partition_of.is_none()))
        .collect();
    let keys: Vec<(Name, String)> = place
        .catalog
        .foreign_keys_to(name)
        .into_iter()
        .filter(|(owner, _)| *owner != key && !dropped.contains(owner))
        .map(|(owner, found)| (owner, found.name.unwrap_or_default()))
        .collect();
    if drop.cascade {
        for view in &views {
            lock(effect, view, LockMode::AccessExclusive, place);
            effect.cascades.push(format!("view `{view}`"));
        }
        for (owner, constraint) in &keys {
            lock(effect, owner, LockMode::AccessExclusive, place);
            effect.cascades.push(format!("foreign key `{constraint}` of `{owner}`"));
        }
        for child in &children {
            lock(effect, child, LockMode::AccessExclusive, place);
            loses_rows(effect, child, &format!("child `{child}` is dropped too"), place);
        }
    } else if let Some(dependent) = views
        .iter()
        .map(|view| format!("view `{view}`"))
        .chain(keys.iter().map(|(owner, _)| format!("a foreign key of `{owner}`")))
        .chain(children.iter().map(|child| format!("child `{child}`")))
        .next()
    {
        effect.fail("2BP01", When::Always, format!("{dependent} depends on `{name}`"));
    }
    if !place.catalog.is_new(name) {
        loses_rows(effect, name, &format!("table `{name}` is gone with its rows"), place);
        effect.lose(Loss::Low, format!("table `{name}` is gone; it is empty"));
        for partition in place.catalog.partitions(name) {
            loses_rows(effect, &partition, &format!("partition `{partition}` is gone with its rows"), place);
        }
        effect.undo(Undo::ShapeOnly);
        effect.breaks("drop_table", format!("queries that name `{name}`"));
    }
}

fn drop_view(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    if is_other_kind(effect, name, &[RelationKind::View, RelationKind::MaterializedView], "a view", place)
        || missing(effect, name, drop.if_exists, place)
    {
        return;
    }
    meets(effect, "drop_view", name, place);
    let views = place.catalog.views_on(name);
    if drop.cascade {
        for view in &views {
            lock(effect, view, LockMode::AccessExclusive, place);
            effect.cascades.push(format!("view `{view}`"));
        }
    } else if let Some(view) = views.iter().find(|view| !drop.names.iter().any(|other| place.catalog.key(other) == **view)) {
        effect.fail("2BP01", When::Always, format!("view `{view}` depends on `{name}`"));
    }
    if !place.catalog.is_new(name) {
        effect.lose(Loss::Low, format!("`{name}` is dropped"));
        effect.breaks("drop_object", format!("queries that name `{name}`"));
    }
}

/// The name is taken by a relation of another kind: 42809.
fn is_other_kind(effect: &mut Effect, name: &Name, kinds: &[RelationKind], what: &str, place: &Place<'_>) -> bool {
    let other = match place.catalog.table(name) {
        Some(found) => !kinds.contains(&found.kind),
        None => place.catalog.index(name).is_some() && what != "an index" || place.catalog.has_sequence(name) && what != "a sequence",
    };
    if other {
        effect.fail("42809", When::Always, format!("`{name}` is not {what}"));
    }
    other
}

fn drop_index(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
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
        fact(effect, situation, place);
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

fn drop_type(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    let known = place.catalog.user_type(name).is_some();
    if place.catalog.is_complete && !known {
        if !drop.if_exists {
            effect.fail("42704", When::Always, format!("type `{name}` does not exist"));
        }
        return;
    }
    let columns = place.catalog.tables_with_type(name);
    if !drop.cascade
        && let Some((table, column)) = columns.first()
    {
        effect.fail("2BP01", When::Always, format!("column `{table}.{column}` is of type `{name}`"));
    }
    effect.lose(Loss::Low, format!("type `{name}` is dropped"));
    for (table, column) in columns.iter().filter(|_| drop.cascade) {
        meets(effect, "drop_type_of_column", table, place);
        loses_rows(effect, table, &format!("column `{table}.{column}` is dropped with its type"), place);
        effect.cascades.push(format!("column `{table}.{column}`"));
        if !place.catalog.is_new(table) {
            effect.breaks("drop_column", format!("queries that name `{table}.{column}`"));
        }
    }
    if drop.cascade && !place.catalog.is_complete {
        effect.lose(Loss::High, format!("columns of type `{name}` are dropped with it"));
        effect.cascades.push(format!("whatever uses type `{name}`"));
        effect.undo(Undo::ShapeOnly);
    }
}

fn drop_schema(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if place.catalog.is_complete && !place.catalog.has_schema(&name.name) {
        if !drop.if_exists {
            effect.fail("3F000", When::Always, format!("schema `{name}` does not exist"));
        }
        return;
    }
    let inside = place.catalog.in_schema(&name.name);
    if !drop.cascade {
        if let Some(first) = inside.first() {
            effect.fail("2BP01", When::Always, format!("`{first}` is in schema `{name}`"));
        }
        effect.lose(Loss::Low, format!("schema `{name}` is dropped"));
        return;
    }
    for relation in &inside {
        lock(effect, relation, LockMode::AccessExclusive, place);
        for constraint in place.catalog.table(relation).iter().flat_map(|found| &found.constraints) {
            if let Some(reference) = constraint.reference() {
                lock(effect, &reference.table, LockMode::AccessExclusive, place);
            }
        }
        for (owner, _) in place.catalog.foreign_keys_to(relation) {
            lock(effect, &owner, LockMode::AccessExclusive, place);
        }
        loses_rows(effect, relation, &format!("`{relation}` is gone with schema `{name}`"), place);
        if !place.catalog.is_new(relation) {
            effect.breaks("drop_table", format!("queries that name `{relation}`"));
            effect.cascades.push(format!("`{relation}`"));
        }
    }
    if !place.catalog.is_complete {
        effect.lose(Loss::High, format!("everything in schema `{name}` is gone"));
        effect.undo(Undo::ShapeOnly);
        effect.breaks("drop_table", format!("queries that name anything in schema `{name}`"));
        effect.cascades.push(format!("everything in schema `{name}`"));
    }
    effect.lose(Loss::Low, format!("schema `{name}` is dropped"));
}

fn drop_sequence(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    if is_other_kind(effect, name, &[], "a sequence", place) {
        return;
    }
    fact(effect, "object_without_table", place);
    if place.catalog.is_complete && !place.catalog.has_sequence(name) {
        if !drop.if_exists {
            effect.fail("42P01", When::Always, format!("sequence `{name}` does not exist"));
        }
        return;
    }
    for (table, column) in place.catalog.users_of_sequence(name) {
        if column.identity.is_some() || !drop.cascade {
            effect.fail("2BP01", When::Always, format!("`{table}.{}` takes its numbers from sequence `{name}`", column.name));
            return;
        }
        meets(effect, "drop_default", &table, place);
    }
    effect.lose(Loss::Medium, format!("the counter of sequence `{name}` is gone"));
    effect.undo(Undo::ShapeOnly);
    effect.breaks("drop_object", format!("what calls `nextval('{name}')`"));
    if drop.cascade {
        effect.cascades.push(format!("defaults that use sequence `{name}`"));
    }
}

fn drop_on_table(effect: &mut Effect, kind: Kind, name: &Name, drop: &Drop, place: &Place<'_>) {
    let situation = match kind {
        Kind::DropTrigger => "drop_trigger",
        Kind::DropRule => "rule",
        _ => "policy",
    };
    let Some(table) = &drop.on else {
        drop_result(fact(effect, situation, place));
        return;
    };
    if missing(effect, table, drop.if_exists, place) {
        return;
    }
    let known = place.catalog.table(table).map(|found| match kind {
        Kind::DropTrigger => found.triggers.contains(&name.name),
        Kind::DropPolicy => found.policies.contains(&name.name),
        _ => true,
    });
    if place.catalog.is_complete && known == Some(false) {
        // It is looked up before the table is locked.
        drop_result(fact(effect, "object_without_table", place));
        if !drop.if_exists {
            effect.fail("42704", When::Always, format!("`{name}` on `{table}` does not exist"));
        }
        return;
    }
    meets_all(effect, situation, table, kind != Kind::DropTrigger, place);
    if !place.catalog.is_new(table) {
        effect.lose(Loss::Low, format!("`{name}` on `{table}` is dropped"));
        let holds = place.catalog.table(table).is_none_or(|found| found.row_security);
        if kind == Kind::DropPolicy && holds {
            effect.breaks("drop_constraint", format!("policy `{name}` of `{table}` does not hold any more"));
        }
    }
}

fn drop_function(effect: &mut Effect, kind: Kind, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if place.catalog.is_complete && place.catalog.function(&name.name).is_none() && !crate::sql::functions::is_known(&name.name) {
        if drop.if_exists {
            return;
        }
        effect.fail("42883", When::Always, format!("function `{name}` does not exist"));
        return;
    }
    let trigger = place.catalog.tables().find(|(_, found)| found.trigger_functions.iter().any(|function| function.name == name.name));
    if let (Some((table, _)), false) = (trigger, drop.cascade) {
        effect.fail("2BP01", When::Always, format!("a trigger of `{table}` calls `{name}`"));
        return;
    }
    effect.lose(Loss::Low, format!("`{name}` is dropped"));
    if kind == Kind::DropFunction {
        effect.breaks("drop_object", format!("what calls `{name}`"));
    }
    if drop.cascade {
        effect.cascades.push(format!("triggers, defaults and views that call `{name}`"));
        let calls = |function: &Name| function.name == name.name;
        let tables = place.catalog.tables().filter(|(_, found)| found.trigger_functions.iter().any(calls));
        for (table, _) in tables {
            meets(effect, "drop_trigger", table, place);
        }
    }
}

/// A plain column in the select list of a query on one known table, which that table lacks.
fn missing_column<'a>(query: &'a Query, place: &Place<'_>) -> Option<(&'a Name, &'a str)> {
    let [table] = query.tables.as_slice() else { return None };
    let found = place.catalog.table(table).filter(|found| place.catalog.is_complete && found.kind == RelationKind::Table)?;
    let nested =
        query.words.iter().filter(|word| *word == "select").count() > 1 || query.words.iter().any(|word| word == "with" || word == "join");
    let lacks = |column: &&str| {
        let plain = column.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
        // Columns of the server's own, and words that stand for values.
        let own = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"].contains(column)
            || column.starts_with("current_")
            || column.ends_with("_user")
            || *column == "user";
        let whole = *column == table.name;
        plain && !own && !whole && found.column(column).is_none()
    };
    let plain = |item: &'a Expression| match item.words.as_slice() {
        [word] if item.functions.is_empty() && item.text == *word => Some(word.as_str()),
        _ => None,
    };
    if nested || found.columns.is_empty() || query.functions.len() > query.items.len() {
        return None;
    }
    query.items.iter().filter_map(plain).find(lacks).map(|column| (table, column))
}

#[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools)]
fn create_view(
    effect: &mut Effect,
    name: &Name,
    or_replace: bool,
    if_not_exists: bool,
    materialized: bool,
    query: &Query,
    columns: &[String],
    with_data: bool,
    place: &Place<'_>,
) {
    for table in &query.tables {
        if missing(effect, table, false, place) {
            return;
        }
    }
    if let Some((table, column)) = missing_column(query, place) {
        effect.fail("42703", When::Always, format!("column `{column}` of `{table}` does not exist"));
        return;
    }
    let old = place.catalog.table(name);
    match old {
        Some(_) if if_not_exists => return,
        Some(_) if !or_replace => {
            effect.fail("42P07", When::Always, format!("relation `{name}` already exists"));
            return;
        }
        Some(old) => {
            meets(effect, "replace_view", name, place);
            let new = if columns.is_empty() { query.columns.clone() } else { Some(columns.to_vec()) };
            if let (Some(before), Some(after)) = (&old.view_columns, new)
                && !after.iter().any(|column| column == "*")
                && (after.len() < before.len() || before.iter().zip(&after).any(|(a, b)| a != b))
            {
                effect.fail("42P16", When::Always, format!("the columns of view `{name}` change their names or order"));
            }
        }
        None => {
            fact(effect, "create_view", place);
        }
    }
    if materialized && with_data {
        for table in &query.tables {
            works(effect, table, Work::Scan, place);
        }
    }
}

fn alter_view(effect: &mut Effect, name: &Name, if_exists: bool, action: &ViewAction, place: &Place<'_>) {
    if missing(effect, name, if_exists, place) {
        return;
    }
    let is_matview = place.catalog.table(name).is_some_and(|found| found.kind == RelationKind::MaterializedView);
    let situation = match action {
        ViewAction::ClusterOn => "cluster_on",
        ViewAction::SetStorage => "set_storage",
        ViewAction::SetOptions if is_matview => "set_storage_params",
        ViewAction::SetTablespace => "set_tablespace",
        ViewAction::SetAccessMethod => "set_access_method",
        _ => "alter_view",
    };
    meets(effect, situation, name, place);
    if let ViewAction::Rename { .. } | ViewAction::SetSchema { .. } = action
        && !place.catalog.is_new(name)
    {
        effect.breaks("rename", format!("queries that name `{name}`"));
    }
    if matches!(action, ViewAction::OwnerTo) && !is_matview && !place.catalog.is_new(name) {
        effect.breaks("revoke", format!("queries on `{name}`, which reads its tables with the rights of its new owner,"));
    }
    if let ViewAction::RenameColumn { from, .. } = action
        && !place.catalog.is_new(name)
    {
        effect.breaks("rename", format!("queries that name `{name}.{from}`"));
    }
}

fn refresh(effect: &mut Effect, name: &Name, concurrently: bool, with_data: bool, place: &Place<'_>) {
    if missing(effect, name, false, place) {
        return;
    }
    let found = place.catalog.table(name);
    if concurrently && found.is_some_and(|view| !view.indexes.iter().any(|state| state.index.unique && state.index.predicate.is_none())) {
        effect.fail("55000", When::Always, format!("`{name}` has no unique index: it cannot be refreshed concurrently"));
        return;
    }
    meets(effect, if concurrently { "refresh_concurrently" } else { "refresh" }, name, place);
    effect.is_online = concurrently;
    if concurrently {
        effect.work = Work::Instant;
        effect.scans.clear();
        for table in found.iter().flat_map(|view| &view.query).flat_map(|query| &query.tables) {
            works(effect, table, Work::Scan, place);
        }
    }
    if !with_data && !place.catalog.is_new(name) {
        effect.breaks("drop_object", format!("queries on `{name}`: it holds nothing until it is refreshed"));
    }
}

fn alter_type(effect: &mut Effect, name: &Name, actions: &[TypeAction], place: &Place<'_>) {
    fact(effect, "enum_value", place);
    let known = place.catalog.user_type(name);
    if known.is_none() && place.catalog.is_complete && place.catalog.table(name).is_none() {
        effect.fail("42704", When::Always, format!("type `{name}` does not exist"));
        return;
    }
    let is_new = matches!(known, Some(UserType::Enum { is_new: true, .. }));
    for action in actions {
        match action {
            TypeAction::AddValue { value, if_not_exists } => {
                if let (Some(UserType::Enum { values, .. }), false) = (known, if_not_exists)
                    && values.contains(value)
                {
                    effect.fail("42710", When::Always, format!("`{name}` has the value `{value}` already"));
                }
                effect.undo(Undo::Never);
            }
            TypeAction::RenameValue { from, .. } => {
                if let Some(UserType::Enum { values, .. }) = known
                    && !values.is_empty()
                    && !values.contains(from)
                {
                    effect.fail("22023", When::Always, format!("`{name}` has no value `{from}`"));
                }
                if !is_new {
                    effect.breaks("rename", format!("queries that write `'{from}'` as a `{name}`"));
                }
            }
            TypeAction::Rename { .. } | TypeAction::SetSchema { .. } => {
                if !is_new && is_used(name, place) {
                    effect.breaks("rename", format!("queries that name type `{name}`"));
                }
            }
            TypeAction::DropAttribute { cascade } => {
                let used = !place.catalog.is_complete
                    || place.catalog.tables_with_type(name).iter().any(|(table, _)| place.catalog.has_rows(table));
                let loss = if used { Loss::Medium } else { Loss::Low };
                effect.lose(loss, format!("the attribute's values are gone in every column of type `{name}`"));
                effect.undo(Undo::ShapeOnly);
                if *cascade {
                    effect.cascades.push(format!("typed tables of `{name}`"));
                }
            }
            TypeAction::AlterAttribute { cascade } => {
                if !place.catalog.tables_with_type(name).is_empty() {
                    effect.fail("0A000", When::Always, format!("a column is of type `{name}`"));
                }
                if *cascade {
                    effect.cascades.push(format!("typed tables of `{name}`"));
                }
            }
            TypeAction::RenameAttribute { .. } => effect.breaks("rename", format!("queries that name attributes of `{name}`")),
            TypeAction::OwnerTo | TypeAction::AddAttribute { .. } | TypeAction::Set => {}
        }
    }
}

/// A column is of the type, or nobody knows.
fn is_used(name: &Name, place: &Place<'_>) -> bool {
    !place.catalog.is_complete || !place.catalog.tables_with_type(name).is_empty()
}

fn alter_domain(effect: &mut Effect, name: &Name, action: &DomainAction, place: &Place<'_>) {
    let known = matches!(place.catalog.user_type(name), Some(UserType::Domain { .. }));
    if place.catalog.is_complete && !known {
        effect.fail("42704", When::Always, format!("type `{name}` does not exist"));
        return;
    }
    let checks = match action {
        DomainAction::SetNotNull => Some("23502"),
        DomainAction::AddConstraint { not_valid: false, not_null, .. } => Some(if *not_null { "23502" } else { "23514" }),
        DomainAction::ValidateConstraint { .. } => Some("23514"),
        _ => None,
    };
    let Some(code) = checks else {
        fact(effect, "domain_other", place);
        match action {
            // Its name stands in casts and declarations only: drivers send the type below.
            DomainAction::SetSchema { .. } if is_used(name, place) => {
                effect.breaks("rename", format!("queries that name domain `{name}`"));
            }
            DomainAction::DropNotNull if matches!(place.catalog.user_type(name), Some(UserType::Domain { not_null: false, .. })) => {}
            DomainAction::DropConstraint { .. } | DomainAction::DropNotNull => {
                effect.lose(Loss::Low, format!("a check of domain `{name}` is dropped"))
            }
            DomainAction::DropDefault => effect.lose(Loss::Low, format!("the default of domain `{name}` is dropped")),
            _ => {}
        }
        return;
    };
    let Some(row) = fact(effect, "domain_check", place) else {
        return;
    };
    let mut users = place.catalog.tables_with_type(name);
    for domain in place.catalog.domains_over(name) {
        users.extend(place.catalog.tables_with_type(&domain));
    }
    for (table, column) in users {
        let partitioned = place.catalog.table(&table).is_some_and(|found| found.partition_by.is_some());
        if partitioned {
            continue;
        }
        if let Some(mode) = row.mode(Role::Target) {
            lock(effect, &table, mode, place);
        }
        works(effect, &table, Work::Scan, place);
        if place.catalog.has_rows(&table) && !place.catalog.is_new(&table) {
            let proved = match action {
                DomainAction::SetNotNull | DomainAction::AddConstraint { not_null: true, .. } => {
                    stored_rows::has_null(&table, &column, place)
                }
                DomainAction::AddConstraint { check: Some(check), .. } => stored_rows::breaks_domain_check(&table, &column, check, place),
                DomainAction::ValidateConstraint { name: own } => {
                    let check = checks_of(name, place).iter().find(|(name, _)| name.as_ref() == Some(own));
                    check.is_some_and(|(_, check)| stored_rows::breaks_domain_check(&table, &column, check, place))
                }
                _ => false,
            };
            effect.fail(code, stored_rows::when(proved), format!("values of `{table}.{column}` that break the check stop it"));
        }
    }
    if !place.catalog.is_complete {
        effect.work = Work::Scan;
    }
}

fn checks_of<'a>(domain: &Name, place: &Place<'a>) -> &'a [(Option<String>, Expression)] {
    match place.catalog.user_type(domain) {
        Some(UserType::Domain { checks, .. }) => checks,
        _ => &[],
    }
}

fn alter_sequence(effect: &mut Effect, name: &Name, if_exists: bool, actions: &[SequenceAction], place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if place.catalog.is_complete && !place.catalog.has_sequence(name) {
        if !if_exists {
            effect.fail("42P01", When::Always, format!("sequence `{name}` does not exist"));
        }
        return;
    }
    for action in actions {
        match action {
            SequenceAction::Restart => {
                effect.lose(Loss::Medium, format!("the counter of sequence `{name}` is set to another value"));
                effect.undo(Undo::ShapeOnly);
                effect
                    .breaks("sequence_restart", format!("inserts that take numbers from `{name}`: numbers that are taken may come again"));
            }
            SequenceAction::Rename { .. } | SequenceAction::SetSchema { .. } => {
                // A column's own sequence is called by its default, which follows.
                if place.catalog.owner_of_sequence(name).is_none() {
                    effect.breaks("rename", format!("what calls `nextval('{name}')`"));
                }
            }
            SequenceAction::Options | SequenceAction::OwnedBy { .. } | SequenceAction::OwnerTo | SequenceAction::SetLogged => {}
        }
    }
}

fn revoke(effect: &mut Effect, tables: &[Name], grantees: &[String], privileges: &[String], place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    for table in tables {
        let known = place.catalog.table(table);
        let taken = |role: &String, held: &str| {
            grantees.contains(role) && (held == "all" || privileges.iter().any(|privilege| privilege == "all" || privilege == held))
        };
        let held = known.is_none_or(|found| !place.catalog.is_complete || found.grants.iter().any(|(role, held)| taken(role, held)));
        if held && !place.catalog.is_new(table) {
            effect.lose(Loss::Low, format!("rights on `{table}` are taken away"));
            effect.breaks("revoke", format!("queries of {} on `{table}`", grantees.join(", ")));
        }
    }
    if tables.is_empty() {
        effect.lose(Loss::Low, "rights are taken away");
    }
}

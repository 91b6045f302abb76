//! All that is no table and has no file of its own, on PostgreSQL.

use crate::effects::fact::LockMode;
use crate::effects::postgresql::alter::breaks;
use crate::effects::postgresql::drops::{drop_objects, drop_owned, tables_of_role};
use crate::effects::postgresql::indexes::{alter_index, create_index, reindex};
use crate::effects::postgresql::named_types::{alter_domain, alter_type};
use crate::effects::postgresql::views::{alter_view, create_view, missing_column, refresh};
use crate::effects::postgresql::{fact, lock, meets, meets_all, missing};
use crate::effects::{Effect, Loss, Place, Undo, When};
use crate::sql::catalog::{OF_COLUMNS, RelationKind, Table};
use crate::sql::change::{Change, Name, Reading, SequenceAction};
use crate::sql::words::Kind;

/// A statement on something that is no table.
#[allow(clippy::too_many_lines)] // One arm a kind: the compiler asks for each.
pub(super) fn effect(effect: &mut Effect, reading: &Reading, place: &Place<'_>) {
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
                if function.as_ref().is_some_and(|function| place.catalog.function(&function.name).is_some_and(|own| own.raises)) {
                    breaks(effect, "breaks_running_release", table, format!("writes to `{table}`, which the trigger refuses,"), place);
                }
            }
        }
        Change::AlterTrigger { table: Some(table) } => drop_result(meets(effect, "drop_trigger", table, place)),
        Change::CreateRule { table, event, .. } => {
            if !missing(effect, table, false, place) {
                meets(effect, "rule", table, place);
                rewritten_writes(effect, table, event, place);
            }
        }
        Change::AlterRule { table } => {
            if !missing(effect, table, false, place) {
                meets(effect, "rule", table, place);
            }
        }
        Change::CreatePolicy { table, restrictive: narrows, .. } | Change::AlterPolicy { table, redefines: narrows } => {
            if !missing(effect, table, false, place) {
                meets(effect, "policy", table, place);
                if *narrows && place.catalog.table(table).is_some_and(|found| found.row_security) {
                    breaks(
                        effect,
                        "policy_narrowed",
                        table,
                        format!("queries of `{table}`: rows that a policy let through may be hidden"),
                        place,
                    );
                }
            }
        }
        Change::CreateStatistics { tables, .. } => {
            for table in tables {
                meets(effect, "create_statistics", table, place);
            }
        }
        Change::Publication { tables, all, drops, sets, inserts_only, .. } => {
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
                if !inserts_only && lacks_identity(table, place) {
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
        Change::Comment { table, .. } => {
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
        Change::Revoke { tables, grantees, privileges, schemas, of_columns, .. } => {
            let inside = schemas.iter().flat_map(|schema| place.catalog.in_schema(schema));
            let all: Vec<Name> = tables.iter().cloned().chain(inside).collect();
            revoke(effect, &all, grantees, privileges, *of_columns, place);
        }
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
        Change::CreateFunction { name, or_replace, arguments, returns, body, .. } => {
            create_function(effect, reading, name, *or_replace, returns.as_ref(), body, place);
            shadows(effect, name, arguments, place);
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

pub(super) fn drop_result<T>(_: T) {}

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
    if renames && reading.kind == Kind::AlterDatabase {
        effect.breaks("rename", "connections that name the database");
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
        if let Change::Select(query) = &statement.change
            && let Some((table, column)) = missing_column(query, place)
        {
            effect.fail("42703", When::Always, format!("column `{column}` of `{table}` does not exist"));
        }
        let inner = crate::effects::effect_of(statement, place);
        for lock in inner.locks.iter().filter(|lock| lock.mode <= LockMode::RowExclusive) {
            effect.lock(lock.table.clone(), lock.mode);
        }
        for failure in inner.fails.into_iter().filter(|failure| matches!(failure.code.as_str(), "42P01" | "42703")) {
            effect.fail(failure.code, failure.when, failure.why);
        }
    }
    let old = place.catalog.function(&name.name).filter(|_| or_replace && reading.kind == Kind::CreateFunction);
    if old.is_some() && matches!(reading.change, Change::CreateFunction { raises: true, .. }) {
        let called = |found: &Table| found.trigger_functions.values().any(|function| function.name == name.name);
        for (table, _) in place.catalog.tables().filter(|(_, found)| called(found)) {
            breaks(effect, "breaks_running_release", table, format!("writes to `{table}`, which its trigger refuses,"), place);
        }
    }
    if let Some((before, after)) = old.and_then(|old| old.returns.as_ref()).zip(returns)
        && before.name != after.name
    {
        effect.fail("42P13", When::Always, format!("`{name}` returns `{before}`; drop it first"));
    }
}

/// Another form whose arguments may all be left out: a call of the old form does not say which is meant.
fn shadows(effect: &mut Effect, name: &Name, arguments: &str, place: &Place<'_>) {
    let other = place.catalog.function(&name.name).is_some_and(|old| old.arguments != arguments);
    if other && (arguments.contains(" default ") || arguments.contains('=')) {
        effect.breaks("rename", format!("calls of `{name}()`: they fit both forms"));
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

fn revoke(effect: &mut Effect, tables: &[Name], grantees: &[String], privileges: &[String], of_columns: bool, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    for table in tables {
        let known = place.catalog.table(table);
        let taken = |role: &String, held: &str| {
            // A right on the table goes with those on its columns, but not the other way round.
            let own = held.strip_suffix(OF_COLUMNS);
            let reached = !of_columns || own.is_some();
            let held = own.unwrap_or(held);
            reached
                && grantees.contains(role)
                && (held == "all" || privileges.iter().any(|privilege| privilege == "all" || privilege == held))
        };
        let held = known.is_none_or(|found| !place.catalog.is_complete || found.grants.iter().any(|(role, held)| taken(role, held)));
        if held && !place.catalog.is_new(table) && !is_granted_again(table, grantees, privileges, place) {
            effect.lose(Loss::Low, format!("rights on `{table}` are taken away"));
            effect.breaks("revoke", format!("queries of {} on `{table}`", grantees.join(", ")));
        }
    }
    if tables.is_empty() {
        effect.lose(Loss::Low, "rights are taken away");
    }
}

/// The same right is given again before anybody can miss it: later in the transaction.
fn is_granted_again(table: &Name, grantees: &[String], privileges: &[String], place: &Place<'_>) -> bool {
    let within = place.following.iter().take_while(|later| place.transaction.is_some() && later.transaction == place.transaction);
    let held = place.catalog.table(table).map(|found| found.grants.as_slice()).unwrap_or_default();
    let taken = |privilege: &str| privileges.iter().any(|own| own == "all" || own == privilege);
    let lost: Vec<&(String, String)> = held.iter().filter(|(role, privilege)| grantees.contains(role) && taken(privilege)).collect();
    let given: Vec<(&[String], &[String])> = within
        .filter_map(|later| match &later.reading.change {
            Change::Grant { tables, grantees, privileges, of_columns: false }
                if tables.iter().any(|on| place.catalog.key(on) == place.catalog.key(table)) =>
            {
                Some((grantees.as_slice(), privileges.as_slice()))
            }
            _ => None,
        })
        .collect();
    let returns = |role: &String, privilege: &String| {
        given.iter().any(|(roles, rights)| roles.contains(role) && (rights.contains(privilege) || rights.iter().any(|own| own == "all")))
    };
    !lost.is_empty() && lost.iter().all(|(role, privilege)| returns(role, privilege))
}

/// `INSERT … ON CONFLICT` is refused on a table with a rule for `INSERT` or `UPDATE` (0A000). Whoever has a unique key
/// besides the primary one is written to in this way.
fn rewritten_writes(effect: &mut Effect, table: &Name, event: &str, place: &Place<'_>) {
    let keyed = place.catalog.table(table).is_some_and(|found| {
        let key = found.primary_key().unwrap_or_default();
        found.kind == RelationKind::Table && found.indexes.iter().any(|state| state.index.unique && state.index.plain_columns() != key)
    });
    if keyed && matches!(event, "insert" | "update") {
        breaks(
            effect,
            "breaks_running_release",
            table,
            format!("`INSERT … ON CONFLICT` into `{table}` (0A000), and writes that the rule takes over,"),
            place,
        );
    }
}

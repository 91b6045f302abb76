//! `CREATE TABLE` and `ALTER TABLE` on PostgreSQL.

use crate::effects::fact::{LockMode, Role};
use crate::effects::postgresql::types::{self, Conversion, Values};
use crate::effects::postgresql::{bounds, stored_rows};
use crate::effects::postgresql::{
    changes_with_time, fact, is_volatile, lacks_partition_key, lock, lock_referenced, loses_rows, meets, meets_all, missing,
    missing_function, works,
};
use crate::effects::{Effect, Loss, Place, Undo, When, Work};
use crate::sql::catalog::{Table, UserType};
use crate::sql::change::{
    AlterAction, AlterTable, Change, Column, Constraint, ConstraintKind, CreateTable, DataType, Expression, Generated, IndexKey, Name,
    PartitionBound, Reading,
};
use crate::sql::formula::{self, Formula};
use crate::sql::words::Action;

/// `CREATE TABLE`.
pub fn create(effect: &mut Effect, create: &CreateTable, place: &Place<'_>) {
    let stands = place.catalog.table(&create.name).is_some();
    if stands && create.if_not_exists {
        effect.situations.push("create_table_that_stands");
        return;
    }
    if stands && !create.temporary {
        effect.fail("42P07", When::Always, format!("relation `{}` already exists", create.name));
        return;
    }
    fact(effect, "create_table", place);
    for constraint in create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints) {
        if let Some(reference) =
            constraint.reference().filter(|reference| place.catalog.key(&reference.table) != place.catalog.key(&create.name))
        {
            if missing(effect, &reference.table, false, place) {
                return;
            }
            if let Some(found) = fact(effect, "create_table_references", place) {
                lock_referenced(effect, found, &reference.table, place);
            }
        }
    }
    if let Some((parent, bound)) = &create.partition_of {
        create_partition(effect, parent, bound, place);
    }
    for parent in &create.inherits {
        if let Some(mode) = fact(effect, "create_child", place).and_then(|found| found.mode(Role::Parent)) {
            lock(effect, parent, mode, place);
        }
    }
    if let Some((query, with_data)) = &create.query {
        fact(effect, if *with_data { "create_table_as" } else { "create_table" }, place);
        for table in &query.tables {
            missing(effect, table, false, place);
            if *with_data {
                works(effect, table, Work::Scan, place);
            }
        }
    }
    unknown_types(effect, create.columns.iter(), place);
}

/// A type that nobody made: 42704, where the whole schema is known.
fn unknown_types<'a>(effect: &mut Effect, columns: impl Iterator<Item = &'a Column>, place: &Place<'_>) {
    for column in columns {
        if let Some(default) = &column.default {
            missing_function(effect, &default.functions, place);
            default_refused(effect, default, column.data_type.as_ref(), place);
        }
        if let Some((_, expression)) = column.generated.as_ref().filter(|(_, expression)| changes_with_time(expression, place)) {
            effect.fail("42P17", When::Always, format!("generated column expression `{}` must be immutable", expression.text));
        }
        unknown_type(effect, column.data_type.as_ref(), place);
    }
}

fn create_partition(effect: &mut Effect, parent: &Name, bound: &PartitionBound, place: &Place<'_>) {
    if missing(effect, parent, false, place) {
        return;
    }
    if not_partitioned(effect, parent, place) || overlaps(effect, parent, bound, place) {
        return;
    }
    let Some(found) = fact(effect, "create_partition", place) else {
        return;
    };
    if let Some(mode) = found.mode(Role::Parent) {
        lock(effect, parent, mode, place);
    }
    referenced_by_parent(effect, parent, place);
    default_partition(effect, parent, bound, place);
    if place.server.version.major >= 15 {
        for (table, _) in place.catalog.foreign_keys_to(parent) {
            lock(effect, &table, LockMode::ShareRowExclusive, place);
        }
    }
}

fn not_partitioned(effect: &mut Effect, parent: &Name, place: &Place<'_>) -> bool {
    let plain = place.catalog.table(parent).is_some_and(|found| found.partition_by.is_none() && place.catalog.is_complete);
    if plain {
        effect.fail("42P17", When::Always, format!("`{parent}` is not partitioned"));
    }
    plain
}

fn overlaps(effect: &mut Effect, parent: &Name, bound: &PartitionBound, place: &Place<'_>) -> bool {
    let other = bounds::overlapping(parent, bound, place);
    if let Some(other) = &other {
        effect.fail("42P17", When::Always, format!("the bound overlaps that of partition `{other}`"));
    }
    other.is_some()
}

/// A column that only one of both has, or has with another type.
fn different_column<'a>(child: &'a Table, parent: &'a Table, both_ways: bool) -> Option<&'a str> {
    let type_of = |column: &Column| column.data_type.as_ref().map(|data_type| (data_type.name.clone(), data_type.arguments.clone()));
    let lacks = parent.columns.iter().find(|column| child.column(&column.name).is_none_or(|own| type_of(own) != type_of(column)));
    let more = child.columns.iter().find(|column| both_ways && parent.column(&column.name).is_none());
    lacks.or(more).map(|column| column.name.as_str())
}

/// A new partition gets its parent's foreign keys.
fn referenced_by_parent(effect: &mut Effect, parent: &Name, place: &Place<'_>) {
    let references: Vec<Name> = place
        .catalog
        .table(parent)
        .map(|table| {
            table.constraints.iter().filter_map(|constraint| constraint.reference().map(|reference| reference.table.clone())).collect()
        })
        .unwrap_or_default();
    for table in references {
        lock(effect, &table, LockMode::ShareRowExclusive, place);
    }
}

/// Rows that belong to a new partition may lie in the default partition: it is locked and scanned, unless a check excludes them.
fn default_partition(effect: &mut Effect, parent: &Name, bound: &PartitionBound, place: &Place<'_>) {
    let Some(default) = place.catalog.default_partition(parent).filter(|_| !bound.is_default) else {
        return;
    };
    lock(effect, &default, LockMode::AccessExclusive, place);
    let excluded =
        place.catalog.table(&default).is_some_and(|table| partition_key(parent, place).iter().any(|key| has_valid_check_on(table, key)));
    if !excluded && place.catalog.has_rows(&default) {
        works(effect, &default, Work::Scan, place);
        effect.fail("23514", When::OnRows, format!("rows of the default partition `{default}` may belong to the new one"));
    }
}

fn partition_key(parent: &Name, place: &Place<'_>) -> Vec<String> {
    place.catalog.table(parent).and_then(|table| table.partition_by.as_ref()).map(|(_, key)| key.words.clone()).unwrap_or_default()
}

fn has_valid_check_on(table: &Table, column: &str) -> bool {
    table.constraints.iter().any(|constraint| {
        !constraint.not_valid
            && !constraint.not_enforced
            && matches!(&constraint.kind, ConstraintKind::Check(check) if check.words.iter().any(|word| word == column))
    })
}

/// `ALTER TABLE`, also where it names an index, a view or a sequence.
pub fn alter(effect: &mut Effect, reading: &Reading, alter: &AlterTable, place: &Place<'_>) {
    if place.catalog.index(&alter.table).is_some()
        || place.catalog.has_sequence(&alter.table) && place.catalog.table(&alter.table).is_none()
    {
        fact(effect, "alter_index", place);
        if alter.actions.iter().any(|action| matches!(action, AlterAction::RenameTable { .. })) && place.catalog.has_sequence(&alter.table)
        {
            effect.breaks("rename", format!("queries that name `{}`", alter.table));
        }
        return;
    }
    if missing(effect, &alter.table, alter.if_exists, place) {
        return;
    }
    if waits_for_checks(effect, &alter.table, place) || not_for_views(effect, alter, place) {
        return;
    }
    let [several @ .., last] = alter.actions.as_slice() else {
        return;
    };
    if several.is_empty() {
        return one(effect, alter, last, place);
    }
    // Each part meets what the parts before it left.
    let mut catalog = place.catalog.clone();
    for action in &alter.actions {
        one(effect, alter, action, &Place { catalog: &catalog, ..*place });
        let single =
            Reading { change: Change::AlterTable(AlterTable { actions: vec![action.clone()], ..alter.clone() }), ..reading.clone() };
        catalog.apply(&single, place.transaction);
    }
}

/// A foreign key's checks wait for the commit: the table cannot be altered before.
pub fn waits_for_checks(effect: &mut Effect, table: &Name, place: &Place<'_>) -> bool {
    let waits = place.catalog.has_pending_checks(table, place.transaction);
    if waits {
        effect.fail("55006", When::Always, format!("checks of `{table}` wait for the end of this transaction"));
    }
    waits
}

/// What `ALTER TABLE` does to views too; all else is refused.
fn not_for_views(effect: &mut Effect, alter: &AlterTable, place: &Place<'_>) -> bool {
    let is_view = place.catalog.table(&alter.table).is_some_and(|found| found.kind == crate::sql::catalog::RelationKind::View);
    let fits = |action: &AlterAction| {
        matches!(
            action,
            AlterAction::RenameColumn { .. }
                | AlterAction::RenameTable { .. }
                | AlterAction::SetSchema { .. }
                | AlterAction::OwnerTo
                | AlterAction::SetDefault { .. }
                | AlterAction::DropDefault { .. }
                | AlterAction::SetStorageParams { .. }
                | AlterAction::Rule { .. }
                | AlterAction::Trigger { .. }
                | AlterAction::Unknown { .. }
        )
    };
    let refused = is_view && !alter.actions.iter().all(fits);
    if refused {
        effect.fail("42809", When::Always, format!("`{}` is a view", alter.table));
    }
    refused
}

/// The parent, by partition or inheritance, that fits a question.
fn parent_with(table: &Name, place: &Place<'_>, fits: impl Fn(&Table) -> bool) -> Option<Name> {
    let found = place.catalog.table(table)?;
    let mut parents = found.partition_of.iter().map(|(parent, _)| parent).chain(&found.inherits);
    parents.find(|parent| place.catalog.table(parent).is_some_and(&fits)).cloned()
}

fn inherited_column(effect: &mut Effect, table: &Name, column: &str, place: &Place<'_>) -> bool {
    let parent = parent_with(table, place, |parent| parent.column(column).is_some());
    if let Some(parent) = &parent {
        effect.fail("42P16", When::Always, format!("`{column}` of `{table}` is inherited from `{parent}`"));
    }
    parent.is_some()
}

#[allow(clippy::too_many_lines)] // One arm a kind: the compiler asks for each.
fn one(effect: &mut Effect, alter: &AlterTable, action: &AlterAction, place: &Place<'_>) {
    let table = &alter.table;
    let only = alter.only;
    match action {
        AlterAction::AddColumn { column, if_not_exists } => add_column(effect, alter, column, *if_not_exists, place),
        AlterAction::DropColumn { column, if_exists, cascade } => drop_column(effect, alter, column, *if_exists, *cascade, place),
        AlterAction::RenameColumn { from, to } => {
            if column_missing(effect, table, from, false, place) || column_stands(effect, table, to, place) {
                return;
            }
            if inherited_column(effect, table, from, place) {
                return;
            }
            meets_all(effect, "rename_column", table, only, place);
            breaks(effect, "rename", table, format!("queries that name `{table}.{from}`"), place);
        }
        AlterAction::RenameTable { to } => {
            if place.catalog.table(&Name { schema: table.schema.clone(), name: to.name.clone() }).is_some() {
                effect.fail("42P07", When::Always, format!("relation `{to}` already exists"));
                return;
            }
            meets(effect, "rename_table", table, place);
            if place.catalog.table(table).is_some_and(|found| found.partition_of.is_some()) {
                // Queries go to the parent.
                return;
            }
            breaks(effect, "rename", table, format!("queries that name `{table}`"), place);
        }
        AlterAction::RenameConstraint { from, .. } => {
            if constraint_missing(effect, table, from, false, place) {
                return;
            }
            let is_check = place
                .catalog
                .table(table)
                .and_then(|found| found.constraint(from))
                .is_none_or(|found| matches!(found.kind, ConstraintKind::Check(_)));
            meets_all(effect, "rename_constraint", table, only || !is_check, place);
        }
        AlterAction::SetSchema { schema } => {
            meets(effect, "set_schema", table, place);
            breaks(effect, "rename", table, format!("queries that name `{table}`: it moves to `{schema}`"), place);
        }
        AlterAction::AlterColumnType { column, data_type, using } => alter_type(effect, alter, column, data_type, using.as_ref(), place),
        AlterAction::SetDefault { column, default } => {
            if column_missing(effect, table, column, false, place) {
                return;
            }
            missing_function(effect, &default.functions, place);
            let data_type = types::column_type(table, column, place);
            if default_refused(effect, default, data_type.as_ref(), place) {
                return;
            }
            meets_all(effect, "set_default", table, only, place);
        }
        AlterAction::DropDefault { column } => {
            if column_missing(effect, table, column, false, place) {
                return;
            }
            meets_all(effect, "drop_default", table, only, place);
            let found = place.catalog.table(table).and_then(|found| found.column(column));
            if found.is_none_or(|found| found.default.is_some() || found.data_type.as_ref().is_some_and(|data_type| data_type.serial))
                && !place.catalog.is_new(table)
            {
                effect.lose(Loss::Low, format!("the default of `{table}.{column}` is dropped"));
            }
            if found.is_some_and(|found| found.not_null && found.default.is_some()) {
                breaks(
                    effect,
                    "drop_default_of_required_column",
                    table,
                    format!("inserts that leave `{table}.{column}` out: it is NOT NULL and has no default any more"),
                    place,
                );
            }
        }
        AlterAction::SetNotNull { column } => set_not_null(effect, alter, column, place),
        AlterAction::DropNotNull { column } => {
            if column_missing(effect, table, column, false, place) {
                return;
            }
            if place.catalog.table(table).and_then(|found| found.column(column)).is_some_and(|found| found.identity.is_some()) {
                effect.fail("42601", When::Always, format!("`{column}` is an identity column"));
                return;
            }
            if parent_with(table, place, |parent| parent.is_not_null(column)).is_some_and(|parent| {
                place.server.version.major >= 18 || place.catalog.table(&parent).is_some_and(|parent| parent.partition_by.is_some())
            }) {
                effect.fail("42P16", When::Always, format!("`{column}` is NOT NULL in the parent of `{table}`"));
                return;
            }
            if place.catalog.table(table).and_then(Table::primary_key).is_some_and(|key| key.iter().any(|name| name == column)) {
                effect.fail("42P16", When::Always, format!("`{column}` is in a primary key"));
                return;
            }
            meets_all(effect, "drop_not_null", table, only, place);
            if place.catalog.table(table).is_none_or(|found| found.is_not_null(column)) && !place.catalog.is_new(table) {
                effect.lose(Loss::Low, format!("`{table}.{column}` may be NULL from now on"));
            }
        }
        AlterAction::SetExpression { column, .. } => {
            let found = place.catalog.table(table).and_then(|found| found.column(column)).and_then(|found| found.generated.as_ref());
            if matches!(found, Some((Generated::Virtual, _))) {
                meets_all(effect, "set_expression_virtual", table, only, place);
            } else {
                meets_all(effect, "set_expression", table, only, place);
                if !place.catalog.is_new(table) {
                    effect.lose(Loss::Medium, format!("the stored values of `{table}.{column}` are computed anew"));
                }
            }
        }
        AlterAction::DropExpression { column, if_exists } => {
            if column_missing(effect, table, column, false, place) {
                return;
            }
            let found = place.catalog.table(table).and_then(|found| found.column(column));
            let is_plain = found.is_some_and(|found| found.generated.is_none());
            if is_plain && !if_exists {
                effect.fail("55000", When::Always, format!("`{column}` of `{table}` is not a generated column"));
                return;
            }
            if matches!(found.and_then(|found| found.generated.as_ref()), Some((Generated::Virtual, _))) {
                effect.fail("0A000", When::Always, format!("`{column}` of `{table}` is virtual: its values are stored nowhere"));
                return;
            }
            meets_all(effect, "drop_expression", table, only, place);
            if is_plain {
                return;
            }
            effect.lose(Loss::Low, format!("`{table}.{column}` is not computed any more"));
            effect.undo(Undo::Never);
        }
        AlterAction::AddIdentity { column, .. } => {
            if column_missing(effect, table, column, false, place) {
                return;
            }
            let found = place.catalog.table(table);
            if found.is_some_and(|found| found.column(column).is_some() && !found.is_not_null(column)) {
                effect.fail("55000", When::Always, format!("`{column}` must be NOT NULL before it can be an identity"));
                return;
            }
            let state = found.and_then(|found| found.column(column));
            if state.is_some_and(|state| state.identity.is_some() || state.default.is_some() || is_serial(state)) {
                effect.fail("55000", When::Always, format!("`{column}` has a default or is an identity already"));
                return;
            }
            meets_all(effect, "add_identity", table, only, place);
        }
        AlterAction::SetIdentity { column, restart } => {
            meets_all(effect, "set_identity", table, only, place);
            if *restart {
                effect.lose(Loss::Medium, format!("the counter of `{table}.{column}` is set back"));
                breaks(effect, "sequence_restart", table, format!("inserts into `{table}`: numbers that are taken come again"), place);
            }
        }
        AlterAction::DropIdentity { column, if_exists } => {
            if column_missing(effect, table, column, false, place) {
                return;
            }
            let is_plain = place.catalog.table(table).and_then(|found| found.column(column)).is_some_and(|found| found.identity.is_none());
            if is_plain && !if_exists {
                effect.fail("55000", When::Always, format!("`{column}` of `{table}` is not an identity column"));
                return;
            }
            meets_all(effect, "drop_identity", table, only, place);
            if is_plain {
                return;
            }
            effect.lose(Loss::Low, format!("the identity of `{table}.{column}` is dropped, with its sequence"));
            breaks(
                effect,
                "drop_identity",
                table,
                format!("inserts that leave `{table}.{column}` out: it is NOT NULL and has no default any more"),
                place,
            );
        }
        AlterAction::SetStatistics { .. } => none(meets_all(effect, "set_statistics", table, only, place)),
        AlterAction::SetColumnOptions { .. } => none(meets_all(effect, "set_column_options", table, only, place)),
        AlterAction::SetStorage { .. } => none(meets_all(effect, "set_storage", table, only, place)),
        AlterAction::SetCompression { .. } => none(meets_all(effect, "set_compression", table, only, place)),
        AlterAction::AddConstraint(constraint) => add_constraint(effect, alter, constraint, place),
        AlterAction::DropConstraint { name, if_exists, cascade } => drop_constraint(effect, alter, name, *if_exists, *cascade, place),
        AlterAction::AlterConstraint { name, enforced, deferred, .. } => {
            if constraint_missing(effect, table, name, false, place) {
                return;
            }
            let constraint = place.catalog.table(table).and_then(|found| found.constraint(name));
            if deferred.is_some() && constraint.is_some_and(|constraint| constraint.reference().is_none()) {
                effect.fail("42809", When::Always, format!("`{name}` of `{table}` is not a foreign key"));
                return;
            }
            let Some(found) = meets_all(effect, "alter_constraint", table, only, place) else {
                return;
            };
            let reference = reference_of(table, name, place);
            let _ = found;
            match (enforced, reference) {
                (Some(true), Some(other)) => {
                    lock(effect, &other, LockMode::ShareRowExclusive, place);
                    works(effect, table, Work::Scan, place);
                }
                (Some(false), Some(other)) => {
                    lock(effect, &other, LockMode::AccessExclusive, place);
                    effect.lose(Loss::Low, format!("`{name}` is not enforced any more"));
                }
                _ => {}
            }
        }
        AlterAction::ValidateConstraint { name } => validate(effect, alter, name, place),
        AlterAction::OwnerTo => none(meets(effect, "owner_to", table, place)),
        AlterAction::SetTablespace => {
            let stays = alter.tablespace.as_deref() == Some("pg_default") && place.catalog.is_complete;
            let situation = if stays { "set_logged_same" } else { "set_tablespace" };
            none(meets(effect, situation, table, place));
        }
        AlterAction::SetLogged { logged } => {
            let same = place.catalog.table(table).map_or(*logged, |found| found.unlogged != *logged);
            if same {
                meets(effect, "set_logged_same", table, place);
                return;
            }
            if !logged
                && let Some((owner, _)) = place.catalog.foreign_keys_to(table).into_iter().find(|(owner, _)| {
                    *owner != place.catalog.key(table) && place.catalog.table(owner).is_some_and(|found| !found.unlogged)
                })
            {
                effect.fail("42P16", When::Always, format!("`{owner}`, which is logged, points at `{table}`"));
                return;
            }
            let partitioned = place.catalog.table(table).is_some_and(|found| found.partition_by.is_some());
            if partitioned && place.server.version.major >= 18 {
                effect.fail("42809", When::Always, format!("`{table}` is partitioned: set its partitions"));
                return;
            }
            meets(effect, "set_unlogged", table, place);
        }
        AlterAction::SetAccessMethod { method } => {
            let current = place.catalog.table(table).and_then(|found| found.access_method.as_deref()).unwrap_or("heap");
            if current == method {
                none(meets(effect, "set_logged_same", table, place));
            } else {
                none(meets(effect, "set_access_method", table, place));
            }
        }
        AlterAction::SetStorageParams { names, .. } => {
            let exclusive = names.iter().any(|name| name == "user_catalog_table");
            meets(effect, if exclusive { "set_storage_params_exclusive" } else { "set_storage_params" }, table, place);
            if exclusive {
                breaks(
                    effect,
                    "breaks_running_release",
                    table,
                    format!("`ON CONFLICT` on `{table}`, which then counts as a catalogue table,"),
                    place,
                );
            }
        }
        AlterAction::ClusterOn | AlterAction::SetWithoutCluster => none(meets(effect, "cluster_on", table, place)),
        AlterAction::SetWithoutOids => none(meets(effect, "set_storage", table, place)),
        AlterAction::ReplicaIdentity => none(meets(effect, "replica_identity", table, place)),
        AlterAction::RowSecurity { action } => {
            meets(effect, "row_security", table, place);
            row_security(effect, table, *action, place);
        }
        AlterAction::Trigger { enable, name } => {
            let recurses = place.server.version.major >= 15;
            meets_all(effect, "enable_trigger", table, only || !recurses, place);
            if !enable && !place.catalog.is_new(table) {
                effect.lose(Loss::Low, format!("trigger `{name}` of `{table}` does not run any more"));
                if matches!(name.as_str(), "all") {
                    effect.breaks("checks_disabled", format!("foreign keys of `{table}` are not checked"));
                }
            }
        }
        AlterAction::Rule { .. } => none(meets(effect, "enable_rule", table, place)),
        AlterAction::Inherit { parent } => {
            if let Some((child, above)) = place.catalog.table(table).zip(place.catalog.table(parent))
                && let Some(column) = different_column(child, above, false).filter(|_| place.catalog.is_complete)
            {
                effect.fail("42804", When::Always, format!("`{table}` lacks column `{column}` of `{parent}`"));
                return;
            }
            if let Some(mode) = meets(effect, "inherit", table, place).and_then(|found| found.mode(Role::Parent)) {
                lock(effect, parent, mode, place);
            }
        }
        AlterAction::NoInherit { parent } => {
            meets(effect, "no_inherit", table, place);
            breaks(
                effect,
                "detach_partition",
                table,
                format!("queries on `{parent}`: the rows of `{table}` are not in it any more"),
                place,
            );
        }
        AlterAction::NotOf if place.catalog.is_complete && place.catalog.table(table).is_some_and(|found| !found.is_typed) => {
            effect.fail("42809", When::Always, format!("`{table}` is not of a type"));
        }
        AlterAction::OfType { .. } | AlterAction::NotOf => none(meets(effect, "of_type", table, place)),
        AlterAction::Options => none(meets(effect, "foreign_options", table, place)),
        AlterAction::AttachPartition { partition, bound } => attach(effect, table, partition, bound, place),
        AlterAction::DetachPartition { partition, concurrently, finalize } => {
            detach(effect, table, partition, *concurrently, *finalize, place)
        }
        AlterAction::MergePartitions { .. } | AlterAction::SplitPartition { .. } => {
            effect.unknown = Some(format!("`{}` comes with PostgreSQL 19", action.word().word()));
        }
        AlterAction::Unknown { .. } => effect.unknown = Some("a part of the statement is not known".to_owned()),
        AlterAction::RenameIndex { .. }
        | AlterAction::ChangeColumn { .. }
        | AlterAction::AddIndex(_)
        | AlterAction::DropIndex { .. }
        | AlterAction::DropPrimaryKey
        | AlterAction::DropForeignKey { .. }
        | AlterAction::AlterIndex { .. }
        | AlterAction::ColumnVisibility { .. }
        | AlterAction::ConvertCharset { .. }
        | AlterAction::DefaultCharset
        | AlterAction::Engine { .. }
        | AlterAction::TableOption { .. }
        | AlterAction::OrderBy
        | AlterAction::Force
        | AlterAction::Keys { .. }
        | AlterAction::Tablespace { .. }
        | AlterAction::AddPartition { .. }
        | AlterAction::DropPartition { .. }
        | AlterAction::TruncatePartition
        | AlterAction::CoalescePartition
        | AlterAction::ReorganizePartition
        | AlterAction::ExchangePartition { .. }
        | AlterAction::PartitionMaintenance { .. }
        | AlterAction::RemovePartitioning
        | AlterAction::PartitionBy
        | AlterAction::SystemVersioning { .. }
        | AlterAction::AlterColumn { .. }
        | AlterAction::ConstraintCheck { .. }
        | AlterAction::SwitchPartition
        | AlterAction::Rebuild { .. } => {
            effect.unknown = Some(format!("PostgreSQL has no `{}`", action.word().word()));
        }
    }
}

fn none<T>(_: Option<T>) {}

fn is_serial(column: &Column) -> bool {
    column.data_type.as_ref().is_some_and(|data_type| data_type.serial)
}

/// Notes that the running release is hurt, unless nobody but this script knows the table.
fn breaks(effect: &mut Effect, rule: &'static str, table: &Name, what: String, place: &Place<'_>) {
    if !place.catalog.is_new(table) {
        effect.breaks(rule, what);
    }
}

fn column_missing(effect: &mut Effect, table: &Name, column: &str, if_exists: bool, place: &Place<'_>) -> bool {
    let known = place.catalog.table(table).filter(|found| place.catalog.is_complete && !found.columns.is_empty() && found.query.is_none());
    let missing = known.is_some_and(|found| found.column(column).is_none());
    if missing && !if_exists {
        effect.fail("42703", When::Always, format!("column `{column}` of `{table}` does not exist"));
    }
    missing
}

fn column_stands(effect: &mut Effect, table: &Name, column: &str, place: &Place<'_>) -> bool {
    let stands = place.catalog.table(table).is_some_and(|found| found.column(column).is_some());
    if stands {
        effect.fail("42701", When::Always, format!("column `{column}` of `{table}` already exists"));
    }
    stands
}

fn constraint_missing(effect: &mut Effect, table: &Name, name: &str, if_exists: bool, place: &Place<'_>) -> bool {
    // A NOT NULL of a column has a name of its own from 18 on, which no text need say.
    let known = place.catalog.table(table).filter(|_| place.catalog.is_complete && !name.ends_with("_not_null"));
    let missing = known.is_some_and(|found| found.constraint(name).is_none());
    if missing && !if_exists {
        effect.fail("42704", When::Always, format!("constraint `{name}` of `{table}` does not exist"));
    }
    missing
}

fn reference_of(table: &Name, constraint: &str, place: &Place<'_>) -> Option<Name> {
    place.catalog.table(table)?.constraint(constraint)?.reference().map(|reference| reference.table.clone())
}

fn add_column(effect: &mut Effect, alter: &AlterTable, column: &Column, if_not_exists: bool, place: &Place<'_>) {
    let table = &alter.table;
    let stands = place.catalog.table(table).is_some_and(|found| found.column(&column.name).is_some());
    if stands {
        meets(effect, "add_column", table, place);
        if !if_not_exists {
            effect.fail("42701", When::Always, format!("column `{}` of `{table}` already exists", column.name));
        }
        return;
    }
    if alter.only && !place.catalog.descendants(table).is_empty() {
        effect.fail("42P16", When::Always, format!("the column must be added to the children of `{table}` too"));
    }
    if place.catalog.table(table).is_some_and(|found| found.partition_of.is_some()) {
        effect.fail("42809", When::Always, format!("`{table}` is a partition: its columns are its parent's"));
    }
    if let Some(default) = &column.default {
        missing_function(effect, &default.functions, place);
        if default_refused(effect, default, column.data_type.as_ref(), place) {
            return;
        }
    }
    if unknown_type(effect, column.data_type.as_ref(), place) {
        return;
    }
    if let Some((_, expression)) = column.generated.as_ref().filter(|(_, expression)| changes_with_time(expression, place)) {
        effect.fail("42P17", When::Always, format!("generated column expression `{}` must be immutable", expression.text));
        return;
    }
    let situation = new_column_situation(column, place);
    meets_all(effect, situation, table, alter.only, place);
    let has_value = column.default.as_ref().is_some_and(|default| !default.is_null)
        || column.generated.is_some()
        || column.identity.is_some()
        || column.data_type.as_ref().is_some_and(|data_type| data_type.serial);
    if column.not_null && !has_value && place.catalog.has_rows(table) && !place.catalog.is_new(table) {
        effect.fail("23502", When::OnRows, format!("rows of `{table}` would hold NULL in `{}`", column.name));
    }
    for constraint in &column.constraints {
        new_column_constraint(effect, alter, column, constraint, has_value, place);
    }
}

/// A default that the server does not take, whatever the rows are.
fn default_refused(effect: &mut Effect, default: &Expression, data_type: Option<&DataType>, place: &Place<'_>) -> bool {
    let text = default.text.to_lowercase();
    if text.contains("(select ") || text.contains("( select ") {
        effect.fail("0A000", When::Always, "a default cannot hold a sub-query");
        return true;
    }
    let code =
        data_type.filter(|_| default.is_literal && !default.is_null).and_then(|own| types::refuses_literal(own, &default.text, place));
    if let Some(code) = code.filter(|code| *code != "22001") {
        effect.fail(code, When::Always, format!("`{}` is no value of the column's type", default.text));
        return true;
    }
    false
}

/// A type that nobody made: 42704, where the whole schema is known.
fn unknown_type(effect: &mut Effect, data_type: Option<&DataType>, place: &Place<'_>) -> bool {
    let unknown = data_type.filter(|data_type| {
        place.catalog.is_complete && !place.catalog.has_extensions() && data_type.schema.is_none() && types::is_unknown(data_type, place)
    });
    if let Some(data_type) = unknown {
        effect.fail("42704", When::Always, format!("type `{data_type}` does not exist"));
    }
    unknown.is_some()
}

fn new_column_situation(column: &Column, place: &Place<'_>) -> &'static str {
    let volatile = column.default.as_ref().is_some_and(|default| is_volatile(&default.functions, place));
    let domain = column.data_type.as_ref().is_some_and(|data_type| {
        data_type.dimensions == 0 && matches!(place.catalog.type_of(data_type), Some(UserType::Domain { constrained: true, .. }))
    });
    let serial = column.data_type.as_ref().is_some_and(|data_type| data_type.serial);
    match &column.generated {
        Some((Generated::Stored, _)) => "add_column_rewrite",
        Some((Generated::Virtual, _)) if !column.not_null => "add_column_virtual",
        Some((Generated::Virtual, _)) => "add_column_checked",
        None if volatile || domain || serial || column.identity.is_some() => "add_column_rewrite",
        None => "add_column",
    }
}

fn new_column_constraint(
    effect: &mut Effect,
    alter: &AlterTable,
    column: &Column,
    constraint: &Constraint,
    has_value: bool,
    place: &Place<'_>,
) {
    let table = &alter.table;
    match &constraint.kind {
        ConstraintKind::Check(_) => {
            if !constraint.not_enforced {
                meets_all(effect, "add_column_checked", table, alter.only, place);
            }
            if has_value && !constraint.not_enforced && !place.catalog.is_new(table) {
                effect.fail("23514", When::OnRows, format!("the default of `{}` may break its own check", column.name));
            }
        }
        ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. } => {
            meets_all(effect, "add_column_unique", table, alter.only, place);
            let constant = column.default.as_ref().is_some_and(|default| !default.is_null && !is_volatile(&default.functions, place));
            if constant && !place.catalog.is_new(table) && place.catalog.has_rows(table) {
                effect.fail("23505", When::OnRows, format!("all rows of `{table}` get the same value in `{}`", column.name));
            }
        }
        ConstraintKind::ForeignKey { reference, .. } => {
            if missing(effect, &reference.table, false, place) {
                return;
            }
            let filled = column.default.as_ref().is_some_and(|default| !default.is_null);
            let situation = if filled && !constraint.not_valid { "add_column_references_default" } else { "add_column_references" };
            if let Some(found) = meets_all(effect, situation, table, alter.only, place) {
                lock_referenced(effect, found, &reference.table, place);
            }
            if filled && !place.catalog.is_new(table) {
                effect.fail("23503", When::OnRows, format!("the default may not be in `{}`", reference.table));
            }
        }
        ConstraintKind::Exclude { .. } | ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. } => {}
    }
}

fn drop_column(effect: &mut Effect, alter: &AlterTable, column: &str, if_exists: bool, cascade: bool, place: &Place<'_>) {
    let table = &alter.table;
    if column_missing(effect, table, column, if_exists, place) {
        if if_exists {
            meets(effect, "drop_column", table, place);
        }
        return;
    }
    let Some(found) = place.catalog.table(table) else {
        meets(effect, "drop_column", table, place);
        loses_rows(effect, table, &format!("the values of `{table}.{column}` are gone"), place);
        breaks(effect, "drop_column", table, format!("queries that name `{table}.{column}`"), place);
        return;
    };
    if found.partition_by.as_ref().is_some_and(|(_, key)| key.words.iter().any(|word| word == column)) {
        effect.fail("42P16", When::Always, format!("`{column}` is in the partition key of `{table}`"));
        return;
    }
    if found.partition_of.is_some() {
        effect.fail("42P16", When::Always, format!("`{column}` is inherited from the parent of `{table}`"));
        return;
    }
    let keys: Vec<Name> =
        found.constraints_on(column).filter_map(|constraint| constraint.reference().map(|reference| reference.table.clone())).collect();
    // `ONLY` keeps the column in the children, but locks them.
    meets_all(effect, "drop_column", table, false, place);
    for other in keys {
        if let Some(row) = fact(effect, "drop_column_with_foreign_key", place) {
            lock_referenced(effect, row, &other, place);
        }
    }
    dependents_of_column(effect, table, found, column, cascade, place);
    if holds_values(found, table, column, place) {
        loses_rows(effect, table, &format!("the values of `{table}.{column}` are gone"), place);
    }
    breaks(effect, "drop_column", table, format!("queries that name `{table}.{column}`"), place);
}

/// True unless the table is empty or the column is known to be NULL in every row.
fn holds_values(found: &Table, table: &Name, column: &str, place: &Place<'_>) -> bool {
    place.catalog.has_rows(table) && !found.null_columns.iter().any(|name| name == column)
}

/// Views, foreign keys from other tables and generated columns that hang on a column.
fn dependents_of_column(effect: &mut Effect, table: &Name, found: &Table, column: &str, cascade: bool, place: &Place<'_>) {
    let views = place.catalog.views_on_column(table, column);
    let unique: Vec<&str> = found
        .constraints_on(column)
        .filter(|constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. }))
        .filter_map(|constraint| constraint.name.as_deref())
        .collect();
    let keys: Vec<(Name, Constraint)> = place
        .catalog
        .foreign_keys_to(table)
        .into_iter()
        .filter(|(owner, key)| *owner != place.catalog.key(table) && points_at(key, column, found) && !unique.is_empty())
        .collect();
    let generated: Vec<String> = found.generated_from(column).map(|other| other.name.clone()).collect();
    if cascade {
        for view in &views {
            lock(effect, view, LockMode::AccessExclusive, place);
            effect.cascades.push(format!("view `{view}`"));
        }
        for (owner, key) in &keys {
            lock(effect, owner, LockMode::AccessExclusive, place);
            effect.cascades.push(format!("foreign key `{}` of `{owner}`", key.name.as_deref().unwrap_or_default()));
        }
        effect.cascades.extend(generated.iter().map(|name| format!("generated column `{name}`")));
        return;
    }
    if let Some(view) = views.first() {
        effect.fail("2BP01", When::Always, format!("view `{view}` depends on `{table}.{column}`"));
    } else if let Some((owner, key)) = keys.first() {
        effect.fail(
            "2BP01",
            When::Always,
            format!("foreign key `{}` of `{owner}` depends on `{table}.{column}`", key.name.as_deref().unwrap_or_default()),
        );
    } else if let (Some(other), true) = (generated.first(), place.server.version.major >= 15) {
        effect.fail("2BP01", When::Always, format!("generated column `{other}` depends on `{column}`"));
    }
}

/// True when a foreign key points at a column: named, or as the primary key.
fn points_at(key: &Constraint, column: &str, table: &Table) -> bool {
    key.reference().is_some_and(|reference| {
        if reference.columns.is_empty() {
            table.primary_key().is_some_and(|own| own.iter().any(|name| name == column))
        } else {
            reference.columns.iter().any(|name| name == column)
        }
    })
}

fn alter_type(effect: &mut Effect, alter: &AlterTable, column: &str, to: &DataType, using: Option<&Expression>, place: &Place<'_>) {
    let table = &alter.table;
    if column_missing(effect, table, column, false, place) {
        return;
    }
    if unknown_type(effect, Some(to), place) {
        return;
    }
    let from = types::column_type(table, column, place);
    let Some((from, found)) = from.zip(place.catalog.table(table)) else {
        // The type before is not known: the server may have to write the table anew.
        meets_all(effect, "alter_type_rewrite", table, alter.only, place);
        effect.lose(Loss::Medium, format!("the values of `{table}.{column}` are converted; the type before is not known"));
        effect.undo(Undo::Unknown);
        return;
    };
    if refused(effect, table, found, column, alter.only, place) {
        return;
    }
    let plain = using.is_none_or(|using| types::using_is_plain(using, column, to));
    let by_cast = types::conversion(&from, to, place);
    let conversion = match (plain, by_cast) {
        // What no assignment may do, a cast that is written out may.
        (true, Conversion::Refused) if using.is_some() => Conversion::Rewrite,
        (true, _) => by_cast,
        (false, _) if using.is_some_and(|using| casts_to_string(using, column)) && by_cast == Conversion::Same => Conversion::Rewrite,
        (false, _) => Conversion::Rewrite,
    };
    if conversion == Conversion::Refused && using.is_none() {
        effect.fail("42804", When::Always, format!("no cast from `{from}` to `{to}` that `ALTER TYPE` uses; `USING` is needed"));
        return;
    }
    if let Some(default) = found.column(column).and_then(|found| found.default.as_ref())
        && !default_casts(&from, to, default, place)
    {
        effect.fail("42804", When::Always, format!("the default of `{column}` cannot be cast to `{to}`; drop it first"));
        return;
    }
    let explicit = using.is_some_and(|using| !using.text.to_lowercase().replace('"', "").eq(&column.to_lowercase()));
    apply_conversion(effect, alter, column, to, conversion, found, place);
    let checked = matches!(place.catalog.type_of(&from), Some(UserType::Domain { constrained: true, .. }));
    if checked && from.name != to.name && !place.catalog.is_new(table) {
        effect.lose(Loss::Low, format!("the checks of domain `{from}` do not hold for `{table}.{column}` any more"));
    }
    if conversion != Conversion::Same && !place.catalog.is_new(table) {
        converted_values(effect, table, column, &from, to, explicit.then_some(using).flatten(), plain, place);
    }
}

fn casts_to_string(using: &Expression, column: &str) -> bool {
    using.text.to_lowercase().starts_with(&format!("{}::", column.to_lowercase()))
}

/// What hangs on the column and stops `ALTER TYPE`.
fn refused(effect: &mut Effect, table: &Name, found: &Table, column: &str, only: bool, place: &Place<'_>) -> bool {
    let version = place.server.version.major;
    if let Some(view) = place.catalog.views_on_column(table, column).first() {
        effect.fail("0A000", When::Always, format!("view `{view}` uses `{table}.{column}`"));
    } else if let Some(other) = found.generated_from(column).next() {
        effect.fail(
            if version >= 15 { "0A000" } else { "42601" },
            When::Always,
            format!("generated column `{}` uses `{column}`", other.name),
        );
    } else if found.partition_by.as_ref().is_some_and(|(_, key)| key.words.iter().any(|word| word == column)) {
        effect.fail("42P16", When::Always, format!("`{column}` is in the partition key of `{table}`"));
    } else if found.watched.iter().any(|word| word == column) {
        effect.fail("0A000", When::Always, format!("a policy or a trigger of `{table}` names `{column}`"));
    } else if found.partition_of.is_some()
        || only && !place.catalog.descendants(table).is_empty()
        || parent_with(table, place, |parent| parent.column(column).is_some()).is_some()
    {
        effect.fail("42P16", When::Always, format!("`{column}` is inherited: change it on the parent"));
    } else {
        return false;
    }
    true
}

/// `DEFAULT 7` becomes no boolean, `'a'` no enum of another type.
fn default_casts(from: &DataType, to: &DataType, default: &Expression, place: &Place<'_>) -> bool {
    if default.is_null || from.name == to.name {
        return true;
    }
    let strings = |data_type: &DataType| matches!(data_type.name.as_str(), "text" | "character varying" | "character" | "citext");
    let from_enum = matches!(place.catalog.type_of(from), Some(UserType::Enum { .. }));
    let to_enum = matches!(place.catalog.type_of(to), Some(UserType::Enum { .. }));
    if strings(&place.catalog.base_type(to)) && !to_enum {
        return true;
    }
    if strings(from) || from_enum || to_enum {
        return false;
    }
    types::conversion(from, to, place) != Conversion::Refused
}

fn apply_conversion(
    effect: &mut Effect,
    alter: &AlterTable,
    column: &str,
    to: &DataType,
    conversion: Conversion,
    found: &Table,
    place: &Place<'_>,
) {
    let table = &alter.table;
    let work = if conversion == Conversion::Rewrite { "alter_type_rewrite" } else { "alter_type_instant" };
    meets_all(effect, work, table, alter.only, place);
    // A foreign key on the column, or to it, locks the other table.
    for other in found.constraints_on(column).filter_map(Constraint::reference) {
        lock(effect, &other.table, LockMode::AccessExclusive, place);
    }
    for (owner, key) in place.catalog.foreign_keys_to(table) {
        if points_at(&key, column, found) {
            lock(effect, &owner, LockMode::AccessExclusive, place);
            if conversion == Conversion::Rewrite {
                works(effect, &owner, Work::Scan, place);
            }
        }
    }
    if conversion == Conversion::Rewrite || matches!(conversion, Conversion::Same) {
        let recollates = recollates(found, column, to);
        if !(conversion == Conversion::Same && recollates) {
            return;
        }
    }
    let rebuilt = found.indexes.iter().any(|state| index_is_rebuilt(&state.index, column, conversion, recollates(found, column, to)))
        || place
            .catalog
            .partitions(table)
            .iter()
            .any(|partition| place.catalog.table(partition).is_some_and(|part| part.indexes_on(column).next().is_some()));
    let checked = found.constraints.iter().any(|constraint| {
        !constraint.not_valid
            && !constraint.not_enforced
            && matches!(&constraint.kind, ConstraintKind::Check(check) if check.words.iter().any(|word| word == column))
    });
    if rebuilt || checked && conversion != Conversion::Same {
        meets_all(effect, "alter_type_scan", table, alter.only, place);
        if rebuilt {
            effect.builds.push(place.catalog.key(table));
        }
    }
}

fn recollates(found: &Table, column: &str, to: &DataType) -> bool {
    let before = found.column(column).and_then(|found| found.data_type.as_ref()).and_then(|data_type| data_type.collation.clone());
    let plain = |collation: Option<String>| collation.filter(|name| name != "default");
    plain(to.collation.clone()) != plain(before)
}

/// Expression and partial indexes are always built anew; plain ones when their operators or collation change.
fn index_is_rebuilt(index: &crate::sql::change::Index, column: &str, conversion: Conversion, recollates: bool) -> bool {
    use crate::sql::catalog::index_uses;
    use crate::sql::change::IndexKey;
    if !index_uses(index, column) {
        return false;
    }
    let special = index.predicate.is_some()
        || index.keys.iter().any(|key| matches!(key, IndexKey::Expression(found) if found.words.iter().any(|word| word == column)));
    let is_key = index.keys.iter().any(|key| matches!(key, IndexKey::Column(name) if name == column));
    special || recollates && is_key || conversion == Conversion::RelabelOtherOperators
}

#[allow(clippy::too_many_arguments)]
fn converted_values(
    effect: &mut Effect,
    table: &Name,
    column: &str,
    from: &DataType,
    to: &DataType,
    using: Option<&Expression>,
    plain: bool,
    place: &Place<'_>,
) {
    if !place.catalog.has_rows(table) {
        return;
    }
    let by_cast = types::values(from, to, place);
    if plain && using.is_some_and(|using| casts_from_text(from, to, using)) {
        effect.fail("22P02", When::OnRows, format!("values of `{table}.{column}` that are no `{to}` stop it"));
    }
    if let Some(using) = using.filter(|_| !plain || matches!(by_cast, Values::MayNotFit("22001"))) {
        // Only two forms are known to keep what was there: a zone given to a timestamp, and a cast to text.
        if casts_from_text(from, to, using) {
            effect.fail("22P02", When::OnRows, format!("values of `{table}.{column}` that are no `{to}` stop it"));
        }
        let kept = keeps_values(using, from, to, place) || tells_truth(using, column, from, table, place);
        if !kept {
            effect.lose(
                Loss::Medium,
                format!("the values of `{table}.{column}` become `{}`, which the reverse change does not undo", using.text),
            );
            effect.undo(Undo::ShapeOnly);
        }
        return;
    }
    match by_cast {
        Values::Kept => {}
        Values::MayChange => {
            effect.lose(Loss::Medium, format!("some values of `{table}.{column}` may change when `{from}` becomes `{to}`"));
            effect.undo(Undo::ShapeOnly);
        }
        Values::Changed => {
            effect.lose(Loss::Medium, format!("values of `{table}.{column}` change when `{from}` becomes `{to}`"));
            effect.undo(Undo::ShapeOnly);
        }
        Values::MayNotFit(code) => effect.fail(code, When::OnRows, format!("values of `{table}.{column}` that do not fit `{to}` stop it")),
    }
}

fn casts_from_text(from: &DataType, to: &DataType, using: &Expression) -> bool {
    let string = |data_type: &DataType| matches!(data_type.name.as_str(), "text" | "character varying" | "character" | "citext");
    !string(to)
        && (string(from) || using.text.to_lowercase().contains("::text::"))
        && (using.text.contains("::") || using.text.to_lowercase().contains("cast("))
}

fn keeps_values(using: &Expression, from: &DataType, to: &DataType, place: &Place<'_>) -> bool {
    let text = using.text.to_lowercase();
    let time = |name: &str| name.starts_with("timestamp");
    // The way back is a cast in the session's zone: only the same zone gives the same values.
    let zone =
        time(&from.name) && time(&to.name) && text.rsplit_once("at time zone").is_some_and(|(_, zone)| types::is_session_zone(zone, place));
    let is_enum = |data_type: &DataType| matches!(place.catalog.type_of(data_type), Some(UserType::Enum { .. }));
    if is_enum(from) && is_enum(to) && text.contains("::text::") {
        return true;
    }
    let longest = match place.catalog.type_of(from) {
        Some(UserType::Enum { values, .. }) => values.iter().map(|value| value.chars().count()).max(),
        _ => None,
    };
    let fits = longest.and_then(|longest| i64::try_from(longest).ok()).zip(to.number(0)).is_some_and(|(longest, most)| longest <= most);
    let to_text = (to.arguments.is_empty() || fits)
        && matches!(to.name.as_str(), "text" | "character varying")
        && (text.ends_with("::text") || text.ends_with("::varchar") || text.starts_with("cast("));
    let between_strings_and = matches!(from.name.as_str(), "text" | "character varying")
        && using.functions.is_empty()
        && text.contains("::")
        && !matches!(to.name.as_str(), "character varying" | "character" | "jsonb" | "boolean" | "numeric" | "double precision" | "real");
    zone || to_text || between_strings_and && !using.is_literal
}

/// `CASE WHEN c THEN 1 ELSE 0 END` of a truth value that is never NULL: the way back gives the same.
fn tells_truth(using: &Expression, column: &str, from: &DataType, table: &Name, place: &Place<'_>) -> bool {
    let Some(Formula::Case(arms, otherwise)) = formula::of_expression(using).filter(|_| from.name == "boolean") else {
        return false;
    };
    let [(Formula::Column(asked), Formula::Number(yes))] = arms.as_slice() else { return false };
    let numbers = yes == "1" && *otherwise == Formula::Number("0".to_owned());
    let never_null =
        place.catalog.table(table).is_some_and(|found| found.is_not_null(column)) || stored_rows::has_no_null(table, column, place);
    asked == column && numbers && never_null
}

fn set_not_null(effect: &mut Effect, alter: &AlterTable, column: &str, place: &Place<'_>) {
    let table = &alter.table;
    if column_missing(effect, table, column, false, place) {
        return;
    }
    let mut targets = vec![place.catalog.key(table)];
    targets.extend(place.catalog.descendants(table));
    let proven = |name: &Name| {
        let known = place.catalog.table(name).or_else(|| place.catalog.sketch(name));
        known.is_some_and(|found| found.is_not_null(column) || found.has_valid_not_null_check(column))
    };
    if targets.iter().all(proven) {
        meets_all(effect, "set_not_null_proven", table, alter.only, place);
        return;
    }
    meets_all(effect, "set_not_null", table, alter.only, place);
    if place.catalog.has_rows(table) && !place.catalog.is_new(table) {
        let when = stored_rows::when(stored_rows::has_null(table, column, place));
        effect.fail("23502", when, format!("rows of `{table}` with NULL in `{column}` stop it"));
    }
}

fn add_constraint(effect: &mut Effect, alter: &AlterTable, constraint: &Constraint, place: &Place<'_>) {
    let table = &alter.table;
    if let Some(name) = &constraint.name
        && place.catalog.table(table).is_some_and(|found| found.constraint(name).is_some())
    {
        effect.fail("42710", When::Always, format!("constraint `{name}` of `{table}` already exists"));
        return;
    }
    for column in named_columns(constraint) {
        if column_missing(effect, table, &column, false, place) {
            return;
        }
    }
    let on_rows = place.catalog.has_rows(table) && !place.catalog.is_new(table) && !constraint.not_valid && !constraint.not_enforced;
    let proof = || stored_rows::when(stored_rows::breaks(table, constraint, place));
    if constraint.not_valid && !place.catalog.is_new(table) && stored_rows::breaks(table, constraint, place) {
        effect.breaks("not_valid_broken_by_rows", format!("writes of rows such as those that stand in `{table}`"));
    }
    match &constraint.kind {
        ConstraintKind::Check(_) => {
            let situation = if constraint.not_enforced {
                "add_check_not_enforced"
            } else if constraint.not_valid {
                "add_check_not_valid"
            } else {
                "add_check"
            };
            if alter.only && !constraint.no_inherit && !place.catalog.descendants(table).is_empty() {
                effect.fail("42P16", When::Always, format!("the check must be added to the children of `{table}` too"));
                return;
            }
            let skips = constraint.no_inherit && place.server.version.major < 18;
            meets_all(effect, situation, table, alter.only || skips, place);
            if on_rows {
                effect.fail("23514", proof(), format!("rows of `{table}` that break the check stop it"));
            }
        }
        ConstraintKind::ForeignKey { reference, .. } => add_foreign_key(effect, alter, constraint, &reference.table, on_rows, place),
        ConstraintKind::Unique { using_index, .. } | ConstraintKind::PrimaryKey { using_index, .. } => {
            add_key(effect, alter, constraint, using_index.as_deref(), on_rows, place)
        }
        ConstraintKind::Exclude { .. } => {
            meets_all(effect, "add_exclude", table, alter.only, place);
            effect.builds.push(place.catalog.key(table));
            if on_rows {
                effect.fail("23P01", When::OnRows, format!("rows of `{table}` that exclude each other stop it"));
            }
        }
        ConstraintKind::NotNull { column } => {
            let proven =
                place.catalog.table(table).is_some_and(|found| found.is_not_null(column) || found.has_valid_not_null_check(column));
            let situation = if constraint.not_valid || proven { "add_not_null_constraint_not_valid" } else { "add_not_null_constraint" };
            meets_all(effect, situation, table, alter.only, place);
            if on_rows && !proven {
                effect.fail("23502", proof(), format!("rows of `{table}` with NULL in `{column}` stop it"));
            }
        }
        ConstraintKind::Default { .. } => effect.unknown = Some("PostgreSQL has no default constraints".to_owned()),
    }
}

fn named_columns(constraint: &Constraint) -> Vec<String> {
    match &constraint.kind {
        ConstraintKind::Unique { columns, .. }
        | ConstraintKind::PrimaryKey { columns, .. }
        | ConstraintKind::ForeignKey { columns, .. } => columns.clone(),
        ConstraintKind::NotNull { column } => vec![column.clone()],
        ConstraintKind::Check(_) | ConstraintKind::Exclude { .. } | ConstraintKind::Default { .. } => Vec::new(),
    }
}

fn add_foreign_key(effect: &mut Effect, alter: &AlterTable, constraint: &Constraint, referenced: &Name, on_rows: bool, place: &Place<'_>) {
    let table = &alter.table;
    if missing(effect, referenced, false, place) {
        return;
    }
    let partitioned = place.catalog.table(table).is_some_and(|found| found.partition_by.is_some());
    if alter.only && partitioned {
        effect.fail("42809", When::Always, format!("`{table}` is partitioned: a foreign key cannot be added to it alone"));
        return;
    }
    if unfit_foreign_key(effect, table, constraint, place) {
        return;
    }
    if constraint.not_valid && partitioned && place.server.version.major < 18 {
        effect.fail(
            "42809",
            When::Always,
            format!("`{table}` is partitioned: a foreign key cannot be NOT VALID there before PostgreSQL 18"),
        );
        return;
    }
    let situation = if constraint.not_enforced {
        "add_foreign_key_not_enforced"
    } else if constraint.not_valid {
        "add_foreign_key_not_valid"
    } else {
        "add_foreign_key"
    };
    if let Some(found) = meets_all(effect, situation, table, false, place) {
        lock_referenced(effect, found, referenced, place);
    }
    if on_rows {
        let when = stored_rows::when(stored_rows::has_orphans(table, constraint, place));
        effect.fail("23503", when, format!("rows of `{table}` without a match in `{referenced}` stop it"));
    }
}

/// The referenced columns need a unique index, and types that can be compared.
fn unfit_foreign_key(effect: &mut Effect, table: &Name, constraint: &Constraint, place: &Place<'_>) -> bool {
    let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else {
        return false;
    };
    let Some(target) = place.catalog.table(&reference.table).filter(|found| place.catalog.is_complete && !found.columns.is_empty()) else {
        return false;
    };
    let keys = if reference.columns.is_empty() { target.primary_key().map(<[String]>::to_vec) } else { Some(reference.columns.clone()) };
    let Some(keys) = keys else {
        effect.fail("42704", When::Always, format!("`{}` has no primary key", reference.table));
        return true;
    };
    let is_unique = target.indexes.iter().any(|state| {
        let own: Vec<&str> =
            state.index.keys.iter().filter_map(|key| if let IndexKey::Column(name) = key { Some(name.as_str()) } else { None }).collect();
        state.index.unique
            && state.index.predicate.is_none()
            && own.len() == keys.len()
            && keys.iter().all(|key| own.contains(&key.as_str()))
    });
    if !is_unique {
        effect.fail("42830", When::Always, format!("nothing makes ({}) of `{}` unique", keys.join(", "), reference.table));
        return true;
    }
    for (own, key) in columns.iter().zip(&keys) {
        let types = types::column_type(table, own, place).zip(types::column_type(&reference.table, key, place));
        if let Some((own_type, key_type)) = types.filter(|(own, key)| !types::comparable(own, key, place)) {
            effect.fail("42804", When::Always, format!("`{own}` is `{own_type}` and `{key}` of `{}` is `{key_type}`", reference.table));
            return true;
        }
    }
    false
}

/// An index that cannot become a constraint: SQLSTATE and why.
fn unfit_index(found: &Table, index: &str) -> Option<(&'static str, &'static str)> {
    let Some(state) = found.index(index) else {
        return Some(("42704", "does not exist"));
    };
    let plain = state.index.predicate.is_none() && state.index.keys.iter().all(|key| matches!(key, IndexKey::Column(_)));
    if !state.index.unique {
        Some(("42809", "is not unique"))
    } else if !plain {
        Some(("42809", "is partial, or on an expression"))
    } else if state.constraint.is_some() {
        Some(("55000", "belongs to a constraint"))
    } else if state.is_valid {
        None
    } else {
        Some(("55000", "is not valid"))
    }
}

fn add_key(effect: &mut Effect, alter: &AlterTable, constraint: &Constraint, using_index: Option<&str>, on_rows: bool, place: &Place<'_>) {
    let table = &alter.table;
    let is_primary = matches!(constraint.kind, ConstraintKind::PrimaryKey { .. });
    let found = place.catalog.table(table);
    if is_primary && found.is_some_and(|found| found.primary_key().is_some()) {
        effect.fail("42P16", When::Always, format!("`{table}` has a primary key already"));
        return;
    }
    if let Some(index) = using_index {
        if found.is_some_and(|found| found.partition_by.is_some()) {
            effect.fail("0A000", When::Always, format!("`{table}` is partitioned: an index cannot become its constraint"));
            return;
        }
        if let Some((code, why)) = found.filter(|_| place.catalog.is_complete).and_then(|found| unfit_index(found, index)) {
            effect.fail(code, When::Always, format!("index `{index}` {why}"));
            return;
        }
        let nullable = is_primary && !found.and_then(|found| found.index(index).map(|state| (found, state))).is_some_and(|(found, state)| {
            state.index.keys.iter().all(|key| matches!(key, crate::sql::change::IndexKey::Column(name) if found.is_not_null(name) || found.has_valid_not_null_check(name)))
        });
        let situation = match (is_primary, nullable) {
            (true, true) => "add_primary_key_using_index_nullable",
            (true, false) => "add_primary_key_using_index",
            (false, _) => "add_unique_using_index",
        };
        meets_all(effect, situation, table, alter.only, place);
        if nullable && on_rows {
            effect.fail("23502", When::OnRows, format!("rows of `{table}` with NULL in the key stop it"));
        }
        return;
    }
    let columns = named_columns(constraint);
    if lacks_partition_key(table, &columns, place) {
        effect.fail("0A000", When::Always, format!("a unique key of `{table}` must hold its whole partition key"));
        return;
    }
    if is_primary && on_rows && found.is_some_and(|found| columns.iter().any(|column| !found.is_not_null(column))) {
        let when = stored_rows::when(columns.iter().any(|column| stored_rows::has_null(table, column, place)));
        effect.fail("23502", when, format!("rows of `{table}` with NULL in the key stop it"));
    }
    // Where a column becomes NOT NULL on the way, the partitions are altered too.
    let stays = columns.iter().all(|column| found.is_some_and(|found| found.column(column).is_some_and(|column| column.not_null)));
    let only_builds = (!is_primary || stays) && place.server.version.major < 18;
    meets(effect, if is_primary { "add_primary_key" } else { "add_unique" }, table, place);
    for partition in place.catalog.partitions(table) {
        lock(effect, &partition, if only_builds { LockMode::Share } else { LockMode::AccessExclusive }, place);
        works(effect, &partition, Work::Scan, place);
    }
    effect.builds.push(place.catalog.key(table));
    if on_rows {
        let when = stored_rows::when(stored_rows::has_duplicates(table, &columns, place));
        effect.fail("23505", when, format!("rows of `{table}` with the same key stop it"));
    }
}

fn drop_constraint(effect: &mut Effect, alter: &AlterTable, name: &str, if_exists: bool, cascade: bool, place: &Place<'_>) {
    let table = &alter.table;
    if constraint_missing(effect, table, name, if_exists, place) {
        if if_exists {
            meets(effect, "drop_constraint", table, place);
        }
        return;
    }
    if let Some(parent) = parent_with(table, place, |parent| parent.constraint(name).is_some_and(|found| !found.no_inherit)) {
        effect.fail("42P16", When::Always, format!("`{name}` of `{table}` is inherited from `{parent}`"));
        return;
    }
    meets_all(effect, "drop_constraint", table, alter.only, place);
    if place.catalog.is_new(table) {
        return;
    }
    let found = place.catalog.table(table).and_then(|found| found.constraint(name));
    // One of this script guaranteed nothing before it; one that comes again in the same statement goes on.
    let is_new = place.catalog.table(table).is_some_and(|found| found.new_constraints.iter().any(|own| own == name));
    let comes_again = alter.actions.iter().any(|action| match action {
        AlterAction::AddConstraint(added) => added.name.as_deref() == Some(name),
        _ => false,
    });
    if !is_new && !comes_again {
        effect.lose(Loss::Low, format!("`{name}` of `{table}` is not checked any more"));
    }
    let Some(constraint) = found else {
        // Its kind is not known: if it is a foreign key, the other table is locked too.
        return;
    };
    if let Some(reference) = constraint.reference()
        && let Some(row) = fact(effect, "drop_foreign_key", place)
    {
        lock_referenced(effect, row, &reference.table, place);
    }
    if matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. }) {
        let columns = named_columns(constraint);
        let users: Vec<(Name, Constraint)> = place
            .catalog
            .foreign_keys_to(table)
            .into_iter()
            .filter(|(_, key)| {
                key.reference().is_some_and(|reference| {
                    if reference.columns.is_empty() {
                        matches!(constraint.kind, ConstraintKind::PrimaryKey { .. })
                    } else {
                        reference.columns == columns
                    }
                })
            })
            .collect();
        for (owner, key) in users {
            let label = key.name.clone().unwrap_or_default();
            if cascade {
                lock(effect, &owner, LockMode::AccessExclusive, place);
                effect.cascades.push(format!("foreign key `{label}` of `{owner}`"));
            } else {
                effect.fail("2BP01", When::Always, format!("foreign key `{label}` of `{owner}` depends on `{name}`"));
            }
        }
        breaks(
            effect,
            "drop_unique",
            table,
            format!("`ON CONFLICT ({})` on `{table}`, and what relies on `{name}`", columns.join(", ")),
            place,
        );
    } else if !is_new && !comes_again && !is_replaced(constraint, table, place) && guards(constraint, table, place) {
        effect.breaks("drop_constraint", format!("`{name}` of `{table}` does not keep wrong rows out any more"));
    }
}

/// A constraint of the same kind on the same columns comes in its place, in the same transaction.
fn is_replaced(constraint: &Constraint, table: &Name, place: &Place<'_>) -> bool {
    let takes_place = |added: &Constraint| match (&added.kind, &constraint.kind) {
        (ConstraintKind::Check(new), ConstraintKind::Check(old)) => new.words == old.words,
        (ConstraintKind::ForeignKey { columns: new, .. }, ConstraintKind::ForeignKey { columns: old, .. }) => new == old,
        _ => false,
    };
    let behind = place.following.iter().take_while(|statement| place.transaction.is_some() && statement.transaction == place.transaction);
    behind
        .filter_map(|statement| match &statement.reading.change {
            Change::AlterTable(alter) if place.catalog.key(&alter.table) == place.catalog.key(table) => Some(alter),
            _ => None,
        })
        .flat_map(|alter| &alter.actions)
        .any(|action| matches!(action, AlterAction::AddConstraint(added) if !added.not_enforced && takes_place(added)))
}

/// A constraint that was not valid yet proved nothing; `CHECK (c IS NOT NULL)` beside NOT NULL says nothing of its own.
fn guards(constraint: &Constraint, table: &Name, place: &Place<'_>) -> bool {
    let check = match &constraint.kind {
        _ if constraint.not_valid || constraint.not_enforced => return false,
        ConstraintKind::NotNull { .. } => return false,
        ConstraintKind::Check(check) => check.text.trim_matches(['(', ')', ' ']).to_lowercase(),
        _ => return true,
    };
    let column = check.strip_suffix(" is not null").map(|column| column.trim_matches('"'));
    let known = place.catalog.table(table);
    !column.is_some_and(|column| known.and_then(|found| found.column(column)).is_some_and(|found| found.not_null))
}

fn validate(effect: &mut Effect, alter: &AlterTable, name: &str, place: &Place<'_>) {
    let table = &alter.table;
    if constraint_missing(effect, table, name, false, place) {
        return;
    }
    let found = place.catalog.table(table).and_then(|found| found.constraint(name));
    if found.is_some_and(|constraint| !constraint.not_valid && !constraint.not_enforced) {
        meets_all(effect, "validate_valid", table, alter.only, place);
        return;
    }
    let on_rows = place.catalog.has_rows(table) && !place.catalog.is_new(table);
    let proof = || stored_rows::when(found.is_some_and(|constraint| stored_rows::breaks(table, constraint, place)));
    match found.map(|constraint| (&constraint.kind, constraint.reference())) {
        Some((_, Some(reference))) => {
            let referenced = reference.table.clone();
            if let Some(row) = meets_all(effect, "validate_foreign_key", table, alter.only, place) {
                lock_referenced(effect, row, &referenced, place);
            }
            if on_rows {
                effect.fail("23503", proof(), format!("rows of `{table}` without a match stop it"));
            }
        }
        kind => {
            meets_all(effect, "validate_check", table, alter.only, place);
            if on_rows {
                let code = if matches!(kind, Some((ConstraintKind::NotNull { .. }, _))) { "23502" } else { "23514" };
                effect.fail(code, proof(), format!("rows of `{table}` that break `{name}` stop it"));
            }
        }
    }
}

fn row_security(effect: &mut Effect, table: &Name, action: Action, place: &Place<'_>) {
    let policies = place.catalog.table(table).map(|found| found.policies.len());
    match action {
        Action::EnableRls if policies.unwrap_or(0) == 0 => {
            breaks(
                effect,
                "row_security_without_policy",
                table,
                format!("queries of all roles but the owner of `{table}`: without a policy they see no row"),
                place,
            );
        }
        Action::DisableRls if !place.catalog.is_new(table) => {
            effect.lose(Loss::Low, format!("the policies of `{table}` do not hold any more"))
        }
        _ => {}
    }
}

fn attach(effect: &mut Effect, parent: &Name, partition: &Name, bound: &PartitionBound, place: &Place<'_>) {
    if missing(effect, partition, false, place) {
        return;
    }
    if not_partitioned(effect, parent, place) || overlaps(effect, parent, bound, place) {
        return;
    }
    let keys = partition_key(parent, place);
    let found = place.catalog.table(partition);
    if let Some((child, above)) =
        found.zip(place.catalog.table(parent)).filter(|(child, above)| !child.columns.is_empty() && !above.columns.is_empty())
        && let Some(column) = different_column(child, above, true)
    {
        effect.fail("42804", When::Always, format!("`{partition}` and `{parent}` differ in column `{column}`"));
        return;
    }
    let hash = place.catalog.table(parent).and_then(|table| table.partition_by.as_ref()).is_some_and(|(method, _)| method == "hash");
    let proven = !hash && !keys.is_empty() && found.is_some_and(|table| keys.iter().all(|key| check_implies(table, key, bound)));
    let situation = if proven { "attach_partition_proven" } else { "attach_partition" };
    let Some(row) = fact(effect, situation, place) else {
        return;
    };
    if let Some(mode) = row.mode(Role::Parent) {
        lock(effect, parent, mode, place);
    }
    if let Some(mode) = row.mode(Role::Partition) {
        lock(effect, partition, mode, place);
    }
    works(effect, partition, row.work, place);
    // Indexes and foreign keys of the parent that the partition lacks are made now.
    let missing_index = place.catalog.table(parent).is_some_and(|above| {
        above.indexes.iter().any(|state| {
            !found.is_some_and(|table| {
                table.indexes.iter().any(|own| own.index.keys == state.index.keys && own.index.unique >= state.index.unique)
            })
        })
    });
    if missing_index {
        works(effect, partition, Work::Scan, place);
        effect.builds.push(place.catalog.key(partition));
    }
    foreign_keys_of_parent(effect, parent, partition, place);
    default_partition(effect, parent, bound, place);
    if !proven && place.catalog.has_rows(partition) && !place.catalog.is_new(partition) {
        effect.fail("23514", When::OnRows, format!("rows of `{partition}` outside of the bound stop it"));
    }
}

/// A foreign key that the partition has already is merged under the strongest lock; one that it lacks is made and checked.
fn foreign_keys_of_parent(effect: &mut Effect, parent: &Name, partition: &Name, place: &Place<'_>) {
    let own = place.catalog.table(partition);
    for constraint in place.catalog.table(parent).iter().flat_map(|above| &above.constraints) {
        let Some(reference) = constraint.reference() else { continue };
        if own.is_some_and(|own| own.constraints.iter().any(|other| other.kind == constraint.kind)) {
            lock(effect, &reference.table, LockMode::AccessExclusive, place);
        } else {
            lock(effect, &reference.table, LockMode::ShareRowExclusive, place);
            works(effect, partition, Work::Scan, place);
            if place.catalog.has_rows(partition) && !place.catalog.is_new(partition) {
                effect.fail("23503", When::OnRows, format!("rows of `{partition}` without a match in `{}` stop it", reference.table));
            }
        }
    }
}

/// A valid check on the key that says NOT NULL (or the column does) and compares it.
fn check_implies(table: &Table, key: &str, bound: &PartitionBound) -> bool {
    let checks: Vec<String> = table
        .constraints
        .iter()
        .filter(|constraint| !constraint.not_valid && !constraint.not_enforced)
        .filter_map(|constraint| match &constraint.kind {
            ConstraintKind::Check(check) if check.words.iter().any(|word| word == key) => Some(check.text.to_lowercase()),
            _ => None,
        })
        .collect();
    let not_null = table.is_not_null(key) || table.has_valid_not_null_check(key) || checks.iter().any(|text| text.contains("is not null"));
    let compares = checks.iter().any(|text| {
        text.contains('<')
            || text.contains('>')
            || text.contains('=')
            || text.contains(" in ")
            || text.contains("between")
            || text.contains("any")
    });
    let literals: Vec<&str> =
        bound.text.split(['\'', '(', ')', ',', ' ']).filter(|part| part.chars().any(|c| c.is_ascii_digit())).collect();
    let names_bounds =
        literals.is_empty() || literals.iter().any(|literal| checks.iter().any(|text| text.contains(literal))) || checks.len() > 1;
    not_null && compares && names_bounds
}

fn detach(effect: &mut Effect, parent: &Name, partition: &Name, concurrently: bool, finalize: bool, place: &Place<'_>) {
    if concurrently && place.catalog.default_partition(parent).is_some() {
        effect.fail("55000", When::Always, format!("`{parent}` has a default partition: it cannot be detached concurrently"));
        return;
    }
    if missing(effect, partition, false, place) {
        return;
    }
    let is_partition = place
        .catalog
        .table(partition)
        .is_none_or(|found| found.partition_of.as_ref().is_some_and(|(of, _)| place.catalog.key(of) == place.catalog.key(parent)));
    if place.catalog.is_complete && !is_partition {
        effect.fail("42P01", When::Always, format!("`{partition}` is not a partition of `{parent}`"));
        return;
    }
    if finalize && place.catalog.is_complete {
        effect.fail("55000", When::Always, format!("no detaching of `{partition}` is pending"));
        return;
    }
    let situation = if concurrently || finalize { "detach_partition_concurrently" } else { "detach_partition" };
    let Some(row) = fact(effect, situation, place) else {
        return;
    };
    if let Some(mode) = row.mode(Role::Parent) {
        lock(effect, parent, mode, place);
    }
    if let Some(mode) = row.mode(Role::Partition) {
        lock(effect, partition, mode, place);
    }
    referenced_by_parent(effect, parent, place);
    if !concurrently {
        if let Some(default) = place.catalog.default_partition(parent) {
            lock(effect, &default, LockMode::AccessExclusive, place);
        }
        for (table, _) in place.catalog.foreign_keys_to(parent) {
            lock(effect, &table, LockMode::AccessExclusive, place);
        }
    }
    breaks(effect, "detach_partition", parent, format!("queries on `{parent}`: the rows of `{partition}` are not in it any more"), place);
}

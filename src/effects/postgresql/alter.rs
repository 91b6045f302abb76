//! `ALTER TABLE` on PostgreSQL: which part goes where, and what all parts ask.

use crate::effects::fact::{LockMode, Role};
use crate::effects::postgresql::column_type::alter_type;
use crate::effects::postgresql::columns::{add_column, default_refused, drop_column, is_serial, set_not_null};
use crate::effects::postgresql::constraints::{add_constraint, drop_constraint, validate};
use crate::effects::postgresql::partitions::{attach, detach, different_column};
use crate::effects::postgresql::{fact, lock, meets, meets_all, missing, missing_function, works};
use crate::effects::postgresql::{refused, types};
use crate::effects::{Effect, Loss, Place, Undo, When, Work};
use crate::sql::catalog::{RelationKind, Table};
use crate::sql::change::{AlterAction, AlterTable, Change, ConstraintKind, Generated, Name, Reading};
use crate::sql::words::Action;

/// `ALTER TABLE`, also where it names an index, a view or a sequence.
pub(super) fn alter(effect: &mut Effect, reading: &Reading, alter: &AlterTable, place: &Place<'_>) {
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
pub(super) fn waits_for_checks(effect: &mut Effect, table: &Name, place: &Place<'_>) -> bool {
    let waits = place.catalog.has_pending_checks(table, place.transaction);
    if waits {
        effect.fail("55006", When::Always, format!("checks of `{table}` wait for the end of this transaction"));
    }
    waits
}

/// What `ALTER TABLE` does to views too; all else is refused.
fn not_for_views(effect: &mut Effect, alter: &AlterTable, place: &Place<'_>) -> bool {
    let Some(kind) = place.catalog.table(&alter.table).map(|found| found.kind).filter(|kind| *kind != RelationKind::Table) else {
        return false;
    };
    let stored = kind == RelationKind::MaterializedView;
    let fits = |action: &AlterAction| match action {
        AlterAction::RenameColumn { .. }
        | AlterAction::RenameTable { .. }
        | AlterAction::SetSchema { .. }
        | AlterAction::OwnerTo
        | AlterAction::SetStorageParams { .. }
        | AlterAction::Unknown { .. } => true,
        AlterAction::SetDefault { .. } | AlterAction::DropDefault { .. } | AlterAction::Rule { .. } | AlterAction::Trigger { .. } => {
            !stored
        }
        AlterAction::SetStatistics { .. }
        | AlterAction::SetStorage { .. }
        | AlterAction::SetCompression { .. }
        | AlterAction::SetColumnOptions { .. }
        | AlterAction::SetTablespace
        | AlterAction::SetAccessMethod { .. }
        | AlterAction::ClusterOn
        | AlterAction::SetWithoutCluster => stored,
        _ => false,
    };
    let refused = !alter.actions.iter().all(fits);
    if refused {
        let kind = if stored { "materialized view" } else { "view" };
        effect.fail("42809", When::Always, format!("`{}` is a {kind}", alter.table));
    }
    refused
}

#[allow(clippy::too_many_lines)] // One arm a kind: the compiler asks for each.
fn one(effect: &mut Effect, alter: &AlterTable, action: &AlterAction, place: &Place<'_>) {
    if refused::action(effect, alter, action, place) {
        return;
    }
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
            let old = place.catalog.table(table).and_then(|found| found.column(column)).filter(|old| !old.is_new);
            if default.is_null
                && old.is_some_and(|old| old.default.as_ref().is_some_and(|old| !old.is_null))
                && !place.catalog.is_new(table)
            {
                effect.lose(Loss::Low, format!("the default of `{table}.{column}` is dropped"));
            }
        }
        AlterAction::DropDefault { column } => {
            if column_missing(effect, table, column, false, place) {
                return;
            }
            meets_all(effect, "drop_default", table, only, place);
            let found = place.catalog.table(table).and_then(|found| found.column(column));
            if found.is_none_or(|found| found.default.is_some() || found.data_type.as_ref().is_some_and(|data_type| data_type.serial))
                && !place.catalog.is_new(table)
                && !found.is_some_and(|found| found.is_new)
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

/// The parent, by partition or inheritance, that fits a question.
pub(super) fn parent_with(table: &Name, place: &Place<'_>, fits: impl Fn(&Table) -> bool) -> Option<Name> {
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

fn none<T>(_: Option<T>) {}

/// Notes that the running release is hurt, unless nobody but this script knows the table.
pub(super) fn breaks(effect: &mut Effect, rule: &'static str, table: &Name, what: String, place: &Place<'_>) {
    if !place.catalog.is_new(table) {
        effect.breaks(rule, what);
    }
}

pub(super) fn column_missing(effect: &mut Effect, table: &Name, column: &str, if_exists: bool, place: &Place<'_>) -> bool {
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

pub(super) fn constraint_missing(effect: &mut Effect, table: &Name, name: &str, if_exists: bool, place: &Place<'_>) -> bool {
    // A NOT NULL of a column has a name of its own from 18 on, which no text need say.
    let unsaid = place.server.version.major >= 18 && name.ends_with("_not_null");
    let known = place.catalog.table(table).filter(|_| place.catalog.is_complete && !unsaid);
    let missing = known.is_some_and(|found| found.constraint(name).is_none());
    if missing && !if_exists {
        effect.fail("42704", When::Always, format!("constraint `{name}` of `{table}` does not exist"));
    }
    missing
}

fn reference_of(table: &Name, constraint: &str, place: &Place<'_>) -> Option<Name> {
    place.catalog.table(table)?.constraint(constraint)?.reference().map(|reference| reference.table.clone())
}

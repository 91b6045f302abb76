//! Partitions that are made, attached and detached, on PostgreSQL.

use crate::effects::fact::{LockMode, Role};
use crate::effects::postgresql::alter::breaks;
use crate::effects::postgresql::{bounds, fact, lock, missing, works};
use crate::effects::{Effect, Place, When, Work};
use crate::sql::catalog::Table;
use crate::sql::change::{Column, ConstraintKind, Name, PartitionBound};
use crate::sql::formula::{self, Formula};

pub(super) fn create_partition(effect: &mut Effect, parent: &Name, bound: &PartitionBound, place: &Place<'_>) {
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

pub(super) fn attach(effect: &mut Effect, parent: &Name, partition: &Name, bound: &PartitionBound, place: &Place<'_>) {
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
    let nullable = found.zip(place.catalog.table(parent)).and_then(|(child, above)| {
        above.columns.iter().find(|column| above.is_not_null(&column.name) && !child.columns.is_empty() && !child.is_not_null(&column.name))
    });
    if let Some(column) = nullable {
        effect.fail("42804", When::Always, format!("`{}` of `{partition}` must be NOT NULL, as it is in `{parent}`", column.name));
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

pub(super) fn detach(effect: &mut Effect, parent: &Name, partition: &Name, concurrently: bool, finalize: bool, place: &Place<'_>) {
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
pub(super) fn different_column<'a>(child: &'a Table, parent: &'a Table, both_ways: bool) -> Option<&'a str> {
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
    let valid = table.constraints.iter().filter(|constraint| !constraint.not_valid && !constraint.not_enforced);
    let formulas: Vec<Formula> = valid
        .filter_map(|constraint| match &constraint.kind {
            ConstraintKind::Check(check) if check.words.iter().any(|word| word == key) => formula::of_expression(check),
            _ => None,
        })
        .collect();
    if let Some(within) = bounds::lies_within(bound, key, &formulas) {
        return within && (table.is_not_null(key) || table.has_valid_not_null_check(key));
    }
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

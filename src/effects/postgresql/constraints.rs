//! Constraints that come, go and are validated, on PostgreSQL.

use crate::effects::fact::LockMode;
use crate::effects::postgresql::alter::{breaks, column_missing, constraint_missing, parent_with};
use crate::effects::postgresql::types;
use crate::effects::postgresql::{fact, lacks_partition_key, lock, lock_referenced, meets, meets_all, missing, stored_rows, works};
use crate::effects::{Effect, Loss, Place, When, Work};
use crate::sql::catalog::{RelationKind, Table};
use crate::sql::change::{AlterAction, AlterTable, Change, Constraint, ConstraintKind, DataType, IndexKey, Name};

pub(super) fn add_constraint(effect: &mut Effect, alter: &AlterTable, constraint: &Constraint, place: &Place<'_>) {
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
    let unchecked = constraint.not_valid || constraint.not_enforced;
    if place.catalog.is_new(table) && !unchecked && stored_rows::breaks(table, constraint, place) {
        let code = match &constraint.kind {
            ConstraintKind::Check(_) => "23514",
            ConstraintKind::ForeignKey { .. } => "23503",
            ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. } => "23505",
            ConstraintKind::NotNull { .. } => "23502",
            ConstraintKind::Exclude { .. } | ConstraintKind::Default { .. } => "23P01",
        };
        effect.fail(code, When::Always, format!("rows that stand in `{table}` break it"));
        return;
    }
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
            meets_all(effect, situation, table, alter.only || skips || constraint.no_inherit, place);
            if constraint.no_inherit && !skips && !alter.only {
                // The children are locked on the way, and not looked at.
                for child in place.catalog.descendants(table) {
                    lock(effect, &child, LockMode::AccessExclusive, place);
                }
            }
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
    if unfit_foreign_key(effect, constraint, &|column| types::column_type(table, column, place), place) {
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
pub(super) fn unfit_foreign_key(
    effect: &mut Effect,
    constraint: &Constraint,
    type_of: &dyn Fn(&str) -> Option<DataType>,
    place: &Place<'_>,
) -> bool {
    let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else {
        return false;
    };
    if place.catalog.table(&reference.table).is_some_and(|target| target.kind != RelationKind::Table) {
        effect.fail("42809", When::Always, format!("`{}` is not a table: nothing can point at it", reference.table));
        return true;
    }
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
    if columns.len() != keys.len() {
        effect.fail("42830", When::Always, format!("{} columns point at {} of `{}`", columns.len(), keys.len(), reference.table));
        return true;
    }
    if !is_unique {
        effect.fail("42830", When::Always, format!("nothing makes ({}) of `{}` unique", keys.join(", "), reference.table));
        return true;
    }
    for (own, key) in columns.iter().zip(&keys) {
        let types = type_of(own).zip(types::column_type(&reference.table, key, place));
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

pub(super) fn drop_constraint(effect: &mut Effect, alter: &AlterTable, name: &str, if_exists: bool, cascade: bool, place: &Place<'_>) {
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
    // A row that could not be deleted while others point at it goes from now on, and they with it.
    let on_delete =
        |constraint: &Constraint| constraint.reference().and_then(|own| own.on_delete.clone()).filter(|action| action != "restrict");
    let lets_go = alter.actions.iter().any(|action| match action {
        AlterAction::AddConstraint(added) if added.name.as_deref() == Some(name) => {
            found.is_some_and(|old| on_delete(old).is_none() && on_delete(added).is_some())
        }
        _ => false,
    });
    if !is_new && (!comes_again || lets_go) {
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

pub(super) fn validate(effect: &mut Effect, alter: &AlterTable, name: &str, place: &Place<'_>) {
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

//! Columns that come and go, and become NOT NULL, on PostgreSQL.

use crate::effects::fact::LockMode;
use crate::effects::postgresql::alter::{breaks, column_missing};
use crate::effects::postgresql::constraints::unfit_foreign_key;
use crate::effects::postgresql::types;
use crate::effects::postgresql::{
    fact, immutable, is_volatile, lock, lock_referenced, loses_rows, meets, meets_all, missing, missing_function, stored_rows,
};
use crate::effects::{Effect, Place, When};
use crate::sql::catalog::{Table, UserType};
use crate::sql::change::{AlterTable, Column, Constraint, ConstraintKind, DataType, Expression, Generated, Name};

pub(super) fn add_column(effect: &mut Effect, alter: &AlterTable, column: &Column, if_not_exists: bool, place: &Place<'_>) {
    let table = &alter.table;
    let stands = place.catalog.table(table).is_some_and(|found| found.column(&column.name).is_some());
    if stands {
        meets(effect, "add_column", table, place);
        // PostgreSQL 12 leaves the column out, and makes the key that stands behind it all the same.
        let keyed = column.constraints.iter().any(|own| matches!(own.kind, ConstraintKind::Unique { .. }));
        if if_not_exists && keyed && place.server.version.major < 13 {
            meets_all(effect, "add_column_unique", table, alter.only, place);
        }
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
    if let Some((_, expression)) = column
        .generated
        .as_ref()
        .filter(|(_, expression)| immutable::is_refused(expression, &|column: &str| types::column_type(table, column, place), place))
    {
        effect.fail("42P17", When::Always, format!("generated column expression `{}` must be immutable", expression.text));
        return;
    }
    let situation = new_column_situation(column, place);
    meets_all(effect, situation, table, alter.only, place);
    let has_value = default_of(column, place).is_some_and(|default| !default.is_null)
        || column.generated.is_some()
        || column.identity.is_some()
        || column.data_type.as_ref().is_some_and(|data_type| data_type.serial);
    let by_domain = column
        .data_type
        .as_ref()
        .and_then(|own| place.catalog.type_of(own))
        .is_some_and(|own| matches!(own, UserType::Domain { not_null: true, .. }));
    if (column.not_null || by_domain) && !has_value && place.catalog.has_rows(table) && !place.catalog.is_new(table) {
        effect.fail("23502", When::OnRows, format!("rows of `{table}` would hold NULL in `{}`", column.name));
    }
    for constraint in &column.constraints {
        new_column_constraint(effect, alter, column, constraint, has_value, place);
    }
}

/// The default of a new column: its own, else that of its domain.
fn default_of<'a>(column: &'a Column, place: &Place<'a>) -> Option<&'a Expression> {
    column.default.as_ref().or_else(|| place.catalog.default_of_type(column.data_type.as_ref()?))
}

pub(super) fn is_serial(column: &Column) -> bool {
    column.data_type.as_ref().is_some_and(|data_type| data_type.serial)
}

/// A default that the server does not take, whatever the rows are.
pub(super) fn default_refused(effect: &mut Effect, default: &Expression, data_type: Option<&DataType>, place: &Place<'_>) -> bool {
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
pub(super) fn unknown_type(effect: &mut Effect, data_type: Option<&DataType>, place: &Place<'_>) -> bool {
    let unknown = data_type.filter(|data_type| {
        place.catalog.is_complete && !place.catalog.has_extensions() && data_type.schema.is_none() && types::is_unknown(data_type, place)
    });
    if let Some(data_type) = unknown {
        effect.fail("42704", When::Always, format!("type `{data_type}` does not exist"));
    }
    unknown.is_some()
}

fn new_column_situation(column: &Column, place: &Place<'_>) -> &'static str {
    // PostgreSQL 12 works the default of a domain out once for all rows.
    let told = if place.server.version.major < 13 { column.default.as_ref() } else { default_of(column, place) };
    let volatile = told.is_some_and(|default| is_volatile(&default.functions, place));
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
            let type_of = |name: &str| column.data_type.clone().filter(|_| name == column.name);
            if missing(effect, &reference.table, false, place) || unfit_foreign_key(effect, constraint, &type_of, place) {
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

pub(super) fn drop_column(effect: &mut Effect, alter: &AlterTable, column: &str, if_exists: bool, cascade: bool, place: &Place<'_>) {
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
    // A column of this script is in no query yet.
    if !found.column(column).is_some_and(|own| own.is_new) {
        breaks(effect, "drop_column", table, format!("queries that name `{table}.{column}`"), place);
    }
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
pub(super) fn points_at(key: &Constraint, column: &str, table: &Table) -> bool {
    key.reference().is_some_and(|reference| {
        if reference.columns.is_empty() {
            table.primary_key().is_some_and(|own| own.iter().any(|name| name == column))
        } else {
            reference.columns.iter().any(|name| name == column)
        }
    })
}

pub(super) fn set_not_null(effect: &mut Effect, alter: &AlterTable, column: &str, place: &Place<'_>) {
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

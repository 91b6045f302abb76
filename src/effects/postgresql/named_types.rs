//! Types and domains of the user's own, on PostgreSQL.

use crate::effects::fact::Role;
use crate::effects::postgresql::{fact, lock, stored_rows, works};
use crate::effects::{Effect, Loss, Place, Undo, When, Work};
use crate::sql::catalog::UserType;
use crate::sql::change::{DomainAction, Expression, Name, TypeAction};

pub(super) fn alter_type(effect: &mut Effect, name: &Name, actions: &[TypeAction], place: &Place<'_>) {
    fact(effect, "enum_value", place);
    let known = place.catalog.user_type(name);
    if known.is_none() && place.catalog.is_complete && place.catalog.table(name).is_none() {
        effect.fail("42704", When::Always, format!("type `{name}` does not exist"));
        return;
    }
    let is_new = matches!(known, Some(UserType::Enum { is_new: true, .. }));
    for action in actions {
        match action {
            TypeAction::AddValue { value, if_not_exists, .. } => {
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

pub(super) fn alter_domain(effect: &mut Effect, name: &Name, action: &DomainAction, place: &Place<'_>) {
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
            DomainAction::DropDefault
                if place.catalog.is_complete && matches!(place.catalog.user_type(name), Some(UserType::Domain { default: None, .. })) => {}
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

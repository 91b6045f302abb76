//! Views and materialized views on PostgreSQL.

use crate::effects::postgresql::{fact, meets, missing, works};
use crate::effects::{Effect, Place, When, Work};
use crate::sql::catalog::RelationKind;
use crate::sql::change::{Expression, Name, Query, ViewAction};

/// A plain column in the select list of a query on one known table, which that table lacks.
pub(super) fn missing_column<'a>(query: &'a Query, place: &Place<'_>) -> Option<(&'a Name, &'a str)> {
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
pub(super) fn create_view(
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

pub(super) fn alter_view(effect: &mut Effect, name: &Name, if_exists: bool, action: &ViewAction, place: &Place<'_>) {
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

pub(super) fn refresh(effect: &mut Effect, name: &Name, concurrently: bool, with_data: bool, place: &Place<'_>) {
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

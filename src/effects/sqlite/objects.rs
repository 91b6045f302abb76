//! Indexes, views, triggers, upkeep, settings and transactions on SQLite.

use crate::effects::sqlite::{fact, is_view, knows_columns, meets, refuse, works};
use crate::effects::{Effect, Place, When, Work};
use crate::sql::catalog::{RelationKind, Table};
use crate::sql::change::{Change, Expression, Index, IndexKey, Name, Reading};

/// All that is neither a table's nor about rows.
pub fn effect(effect: &mut Effect, reading: &Reading, place: &Place<'_>) {
    match &reading.change {
        Change::CreateIndex { table, index, .. } => create_index(effect, table, index, place),
        Change::CreateView { name, if_not_exists, .. } => create_view(effect, name, *if_not_exists, place),
        Change::CreateTrigger { name, table, instead_of, .. } => {
            let if_not_exists = reading.flags.get("if_not_exists") == Some(&true.into());
            create_trigger(effect, name, table, *instead_of, if_not_exists, place);
        }
        Change::Vacuum { .. } => vacuum(effect, place),
        Change::Reindex { name, .. } => reindex(effect, name.as_ref(), place),
        Change::Analyze { .. } => all_tables(effect, "analyze", place),
        Change::Set { name, value, .. } => pragma(effect, name, value, place),
        Change::Begin if place.catalog.begun().is_some() => {
            refuse(effect, "cannot start a transaction within a transaction", "the script has begun one");
        }
        Change::Rollback { to_savepoint: true } if place.catalog.begun() == Some(0) => {
            let name = match reading.flags.get("savepoint") {
                Some(crate::sql::change::Flag::Text(name)) => name.clone(),
                _ => String::new(),
            };
            refuse(effect, format!("no such savepoint: {name}"), "none was set in this transaction");
        }
        Change::Begin | Change::Commit | Change::Rollback { .. } | Change::Savepoint => {}
        _ => {
            fact(effect, "other", place);
        }
    }
}

/// Functions that give another answer each time.
const NOT_DETERMINISTIC: &[&str] =
    &["random", "randomblob", "changes", "total_changes", "last_insert_rowid", "current_timestamp", "current_date", "current_time"];

fn create_index(effect: &mut Effect, table: &Name, index: &Index, place: &Place<'_>) {
    let name = index.name.as_deref().unwrap_or_default();
    if super::index(&Name::bare(name), place).is_some() {
        if !index.if_not_exists {
            refuse(effect, format!("index {name} already exists"), "the name is taken");
        }
        return;
    }
    if place.catalog.table(&Name::bare(name)).is_some() {
        refuse(effect, format!("there is already a table named {name}"), "the name is taken");
        return;
    }
    if missing_main(effect, table, place) {
        return;
    }
    if is_view(table, place) {
        refuse(effect, "views may not be indexed", format!("`{table}` is a view"));
        return;
    }
    if let Some(message) = bad_key(table, index, place) {
        refuse(effect, message, "the key cannot be computed");
        return;
    }
    meets(effect, "create_index", table, place);
    if place.catalog.has_rows(table) && !place.catalog.is_new(table) {
        effect.builds.push(place.catalog.key(table));
    }
    if index.unique && place.catalog.has_rows(table) {
        let message = format!("UNIQUE constraint failed: {}", unique_words(table, index));
        effect.fail(message, When::OnRows, format!("rows of `{table}` with the same values stop it"));
    }
}

/// `t.a, t.b`, or the index where a key is computed.
fn unique_words(table: &Name, index: &Index) -> String {
    let columns: Option<Vec<String>> = index
        .keys
        .iter()
        .map(|key| match key {
            IndexKey::Column(name) => Some(format!("{}.{name}", table.name)),
            IndexKey::Expression(_) => None,
        })
        .collect();
    columns.map_or_else(|| format!("index '{}'", index.name.as_deref().unwrap_or_default()), |columns| columns.join(", "))
}

fn bad_key(table: &Name, index: &Index, place: &Place<'_>) -> Option<String> {
    let found = place.catalog.table(table).filter(|_| knows_columns(table, place));
    index.keys.iter().find_map(|key| match key {
        IndexKey::Column(name) if found.is_some_and(|found| found.column(name).is_none()) && !is_rowid(name) => {
            Some(format!("no such column: {name}"))
        }
        IndexKey::Column(_) => None,
        IndexKey::Expression(expression) => expression
            .functions
            .iter()
            .any(|function| NOT_DETERMINISTIC.contains(&function.as_str()))
            .then(|| "non-deterministic functions prohibited in index expressions".to_owned())
            .or_else(|| asks_the_clock(expression).filter(|_| place.catalog.has_rows(table))),
    })
}

/// `date('now')` and its like are worked out for each row, and refused there.
fn asks_the_clock(expression: &Expression) -> Option<String> {
    const CLOCKS: &[&str] = &["date", "time", "datetime", "julianday", "strftime", "unixepoch"];
    let function = expression.functions.iter().find(|function| CLOCKS.contains(&function.as_str()))?;
    let text = expression.text.to_lowercase();
    (text.contains("'now'") || text.contains(&format!("{function}()")))
        .then(|| format!("non-deterministic use of {function}() in an index"))
}

fn is_rowid(name: &str) -> bool {
    ["rowid", "oid", "_rowid_"].iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Indexes and triggers say the schema too: `main.x`.
fn missing_main(effect: &mut Effect, table: &Name, place: &Place<'_>) -> bool {
    let is_missing = place.catalog.is_missing(table);
    if is_missing {
        refuse(effect, format!("no such table: main.{}", table.name), format!("`{table}` does not stand here"));
    }
    is_missing
}

fn create_view(effect: &mut Effect, name: &Name, if_not_exists: bool, place: &Place<'_>) {
    let stands = place.catalog.table(name).map(|table| if table.kind == RelationKind::View { "view" } else { "table" });
    match stands {
        Some(_) if if_not_exists => {}
        Some(kind) => refuse(effect, format!("{kind} {} already exists", name.name), "the name is taken"),
        None => {
            fact(effect, "create_view", place);
        }
    }
}

fn create_trigger(effect: &mut Effect, name: &str, table: &Name, instead_of: bool, if_not_exists: bool, place: &Place<'_>) {
    if missing_main(effect, table, place) {
        return;
    }
    let mut tables = place.catalog.tables();
    let stands = tables.any(|(_, found)| found.triggers.iter().any(|other| other.eq_ignore_ascii_case(name)));
    if stands {
        if !if_not_exists {
            refuse(effect, format!("trigger {name} already exists"), "the name is taken");
        }
        return;
    }
    let is_table = place.catalog.table(table).is_some_and(|found| found.kind == RelationKind::Table);
    if instead_of && is_table {
        refuse(effect, format!("cannot create INSTEAD OF trigger on table: {}", table.name), "INSTEAD OF is for views");
        return;
    }
    fact(effect, "create_trigger", place);
}

fn all_tables(effect: &mut Effect, situation: &'static str, place: &Place<'_>) {
    let Some(found) = fact(effect, situation, place) else { return };
    effect.work = found.work;
    let stored = place.catalog.tables().filter(|(_, table)| table.kind == RelationKind::Table);
    for name in stored.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
        works(effect, &name, found.work, place);
    }
}

fn vacuum(effect: &mut Effect, place: &Place<'_>) {
    effect.forbids_transaction = true;
    if place.transaction.is_some() {
        refuse(effect, "cannot VACUUM from within a transaction", "the file is written anew as a whole");
        return;
    }
    all_tables(effect, "vacuum", place);
}

fn reindex(effect: &mut Effect, name: Option<&Name>, place: &Place<'_>) {
    let Some(name) = name else {
        return all_tables(effect, "reindex", place);
    };
    let index = super::index(name, place).map(|(table, _)| table.clone());
    let is_collation = ["binary", "nocase", "rtrim"].iter().any(|other| name.name.eq_ignore_ascii_case(other));
    if place.catalog.is_missing(name) && index.is_none() && !is_collation {
        refuse(effect, "unable to identify the object to be reindexed", format!("`{name}` is no table, index or collation"));
        return;
    }
    let table = index.unwrap_or_else(|| name.clone());
    meets(effect, "reindex", &table, place);
    let has_indexes = place.catalog.table(&table).is_none_or(|found: &Table| !found.indexes.is_empty());
    if has_indexes && place.catalog.has_rows(&table) {
        effect.builds.push(place.catalog.key(&table));
    }
}

fn pragma(effect: &mut Effect, name: &str, value: &str, place: &Place<'_>) {
    const CHECKS: &[&str] = &["foreign_key_check", "integrity_check", "quick_check"];
    const IN_THE_FILE: &[&str] = &["user_version", "application_id", "journal_mode", "schema_version", "encoding", "auto_vacuum"];
    if CHECKS.contains(&name) {
        if let Some(found) = fact(effect, "pragma_check", place) {
            effect.work = found.work.max(Work::Scan);
        }
    } else if IN_THE_FILE.contains(&name) && !value.is_empty() {
        fact(effect, "pragma_writes", place);
    } else {
        fact(effect, "pragma", place);
    }
}

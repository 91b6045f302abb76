//! What stands in the way of a statement that failed: named by the server, or read off the schema where it names nothing.

use crate::dialect::Server;
use crate::snapshot::{Object, SchemaSnapshot};
use crate::sql::change::Change;
use crate::sql::script;
use crate::trial::Failure;

/// What the server named as depending on what was to go (its DETAIL), the last dependent first, so that it can be dropped
/// in that order; else what the snapshot has below it.
pub(super) fn dependents(failure: &Failure, schema: &SchemaSnapshot, server: Server) -> Vec<String> {
    let mut found: Vec<String> = failure
        .message
        .lines()
        .filter_map(|line| line.split_once(" depends on ").map(|(first, _)| first.trim_start_matches("DETAIL:").trim().to_owned()))
        .collect();
    found.reverse();
    // SQLite: `error in view v after drop column: no such column: b`.
    let blamed = failure.message.split_once("error in ").and_then(|(_, rest)| rest.split_once(" after ")).map(|(what, _)| what.to_owned());
    found.extend(blamed.filter(|what| what.starts_with("view ") || what.starts_with("trigger ")));
    if found.is_empty() && failure.sqlstate.as_deref() == Some("2BP01") {
        let named = failure.sql.clone().unwrap_or_default();
        found = schema
            .objects
            .values()
            .filter(|object| {
                object.kind == "view"
                    && object.attributes.values().any(|text| named.split_whitespace().any(|word| word.len() > 2 && text.contains(word)))
            })
            .map(|object| format!("{} {}", object.kind, object.name))
            .collect();
    }
    if found.is_empty() && server.dialect.is_mysql_family() {
        found = foreign_keys(failure, schema, server);
    }
    found
}

/// MySQL and MariaDB say that a foreign key is in the way, and seldom which: `constraint fk on table t` (MariaDB 10.11, measured).
fn foreign_keys(failure: &Failure, schema: &SchemaSnapshot, server: Server) -> Vec<String> {
    let keys = schema.objects.values().filter(|object| object.kind == "constraint" && object.attributes.contains_key("references"));
    let in_the_way: Box<dyn Fn(&Key<'_>) -> bool> = match failure.sqlstate.as_deref() {
        // A table that others point at is dropped, emptied, or loses rows.
        Some("1451" | "1701") => {
            let gone = tables(failure, server);
            Box::new(move |key| gone.iter().any(|table| key.points_at(table)) && !gone.iter().any(|table| table == key.table))
        }
        // An index that a key reads, of either side.
        Some("1553") => {
            let tables = tables(failure, server);
            let name = quoted_word(&failure.message).unwrap_or_default().to_owned();
            let columns = |table: &String| {
                schema
                    .objects
                    .get(&format!("index {table}.{name}"))
                    .and_then(|index| index.attributes.get("columns"))
                    .cloned()
                    .unwrap_or_default()
            };
            let indexes: Vec<(String, String)> = tables.iter().map(|table| (table.clone(), columns(table))).collect();
            Box::new(move |key| {
                indexes.iter().any(|(table, columns)| {
                    key.table == table && begins(columns, key.columns) || key.points_at(table) && begins(columns, key.pointed_columns())
                })
            })
        }
        // A column that a key has or points at: the server names the key.
        Some("1828" | "1829" | "1832" | "1833") => {
            let words: Vec<String> = failure.message.split('\'').map(str::to_owned).collect();
            Box::new(move |key| words.iter().any(|word| word == key.name))
        }
        _ => return Vec::new(),
    };
    keys.filter_map(Key::of).filter(|key| in_the_way(key)).map(|key| format!("constraint {} on table {}", key.name, key.table)).collect()
}

/// A foreign key of the snapshot.
struct Key<'a> {
    table: &'a str,
    name: &'a str,
    columns: &'a str,
    references: &'a str,
}

impl<'a> Key<'a> {
    fn of(object: &'a Object) -> Option<Self> {
        let text = |name: &str| object.attributes.get(name).map(String::as_str);
        Some(Self {
            table: object.belongs_to.as_deref()?.strip_prefix("table ")?,
            name: text("own_name")?,
            columns: text("columns")?,
            references: text("references")?,
        })
    }

    fn points_at(&self, table: &str) -> bool {
        self.references.split_once(" (").is_some_and(|(name, _)| name == table)
    }

    fn pointed_columns(&self) -> &str {
        self.references.split_once(" (").map(|(_, columns)| columns.trim_end_matches(')')).unwrap_or_default()
    }
}

/// One list of columns begins with another.
fn begins(list: &str, first: &str) -> bool {
    !first.is_empty() && list.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
}

/// The first text in single quotes behind the error's own (`(1553, "Cannot drop index 'ix': …")`).
fn quoted_word(message: &str) -> Option<&str> {
    message.split('\'').nth(1)
}

/// The tables that the statement names.
fn tables(failure: &Failure, server: Server) -> Vec<String> {
    let script = script::read(failure.sql.clone().unwrap_or_default(), server);
    let names = script.statements.iter().flat_map(|statement| match &statement.reading.change {
        Change::Drop(drop) if statement.reading.kind.word() == "drop_table" => drop.names.clone(),
        Change::Drop(drop) => drop.on.iter().cloned().collect(),
        Change::AlterTable(alter) => vec![alter.table.clone()],
        Change::Truncate { tables, .. } => tables.clone(),
        Change::Delete(delete) => delete.tables.clone(),
        _ => Vec::new(),
    });
    names.map(|name| name.name).collect()
}

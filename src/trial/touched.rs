//! Which tables an upgrade touches, and what stood in them.

use std::collections::BTreeSet;

use crate::dialect::{Dialect, Server};
use crate::rows::TableName;
use crate::snapshot::{Difference, Object, SchemaSnapshot};
use crate::sql::change::{Change, Name};
use crate::sql::script;
use crate::trace::Sent;
use crate::trial::look::Moment;

/// A table that stood before an upgrade touched it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// As answers name it.
    pub table: String,
    /// Rows that stood in it.
    pub rows: usize,
}

/// The tables that statements write rows into, under each name they may have.
pub(super) fn written_by(sent: &[Sent], server: Server) -> BTreeSet<TableName> {
    let mut names = Vec::new();
    for statement in sent {
        for one in script::read(statement.sql.clone(), server).statements {
            add_written(&one.reading.change, &mut names);
        }
    }
    let schema = if server.dialect == Dialect::Postgresql { "public" } else { "" };
    let named = |name: Name| TableName { schema: name.schema.unwrap_or_else(|| schema.to_owned()), table: name.name };
    names.into_iter().map(named).collect()
}

fn add_written(change: &Change, names: &mut Vec<Name>) {
    let (query, writes): (_, &[Change]) = match change {
        Change::CreateTable(create) => {
            names.extend(create.query.iter().map(|_| create.name.clone()));
            (create.query.as_ref().map(|(query, _)| query), &[])
        }
        Change::Insert(insert) => {
            names.push(insert.table.clone());
            (insert.query.as_ref(), &insert.writes)
        }
        Change::Update(update) => {
            names.push(update.table.clone());
            (None, &update.writes)
        }
        Change::Delete(delete) => {
            names.extend(delete.tables.iter().cloned());
            (None, &delete.writes)
        }
        Change::Truncate { tables, .. } => {
            names.extend(tables.iter().cloned());
            (None, &[])
        }
        Change::Merge(merge) => {
            names.push(merge.table.clone());
            (None, &[])
        }
        Change::Select(query) => (Some(&**query), &[]),
        Change::Block(block) => {
            block.statements.iter().for_each(|part| add_written(&part.change, names));
            (None, &[])
        }
        _ => (None, &[]),
    };
    writes.iter().for_each(|part| add_written(part, names));
    if let Some(query) = query {
        names.extend(query.into.clone());
        query.writes.iter().for_each(|part| add_written(part, names));
    }
}

/// The tables of `before` that an upgrade changed, or wrote into.
pub(super) fn touched(before: &Moment, upgraded: &SchemaSnapshot, changes: &[Difference], written: &BTreeSet<TableName>) -> Vec<Touched> {
    let changed: BTreeSet<String> = changes.iter().flat_map(|change| tables_of(&change.object, &before.schema, upgraded)).collect();
    let is_touched = |name: &TableName| {
        let plain = if name.schema.is_empty() { name.table.clone() } else { format!("{}.{}", name.schema, name.table) };
        changed.contains(&plain) || written.contains(name)
    };
    let rows = before.data.rows_by_table();
    rows.filter(|(name, _)| is_touched(name)).map(|(name, rows)| Touched { table: name.to_string(), rows }).collect()
}

/// The names, without quotes, of the tables that an object is or belongs to in either schema; of a type, those with a column of it.
fn tables_of(label: &str, before: &SchemaSnapshot, upgraded: &SchemaSnapshot) -> Vec<String> {
    let mut found = Vec::new();
    for schema in [before, upgraded] {
        let Some(object) = schema.objects.get(label) else { continue };
        found.extend(table_of(object, schema));
        if object.kind == "type" {
            let columns = schema.objects.values().filter(|column| column.kind == "column" && is_of(column, &object.name));
            found.extend(columns.filter_map(|column| table_of(column, schema)));
        }
    }
    found
}

fn table_of(object: &Object, schema: &SchemaSnapshot) -> Option<String> {
    let mut at = object;
    while at.kind != "table" {
        at = schema.objects.get(at.belongs_to.as_deref()?)?;
    }
    Some(at.name.chars().filter(|c| !matches!(c, '"' | '`')).collect())
}

/// The column holds values of this type, or arrays of them.
fn is_of(column: &Object, name: &str) -> bool {
    let rest = column.attributes.get("type").and_then(|written| written.strip_prefix(name));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '(']))
}

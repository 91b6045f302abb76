//! PostgreSQL: one catalogue query.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{SchemaSnapshot, SnapshotError};
use crate::database::{Connection, DatabaseError, Row};

const QUERY: &str = include_str!("postgresql.sql");

/// Whatever a session or the database has set, values are written the same way; the catalogue is read at one moment.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = ''; SET LOCAL datestyle = 'ISO, MDY'; \
     SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
     SET LOCAL quote_all_identifiers = off; SET LOCAL standard_conforming_strings = on; SET LOCAL jit = off;";

/// The name of the query where it stays prepared.
const PREPARED: &str = "alembic_gate_snapshot";

pub(super) fn take(connection: &mut Connection) -> Result<SchemaSnapshot, SnapshotError> {
    let query = query(connection);
    read(in_one_form(connection, &query)?)
}

/// Planning takes a third of the time of the query: here it is done once for a connection.
pub(super) fn take_again(connection: &mut Connection) -> Result<SchemaSnapshot, SnapshotError> {
    match in_one_form(connection, &format!("EXECUTE {PREPARED}")) {
        // invalid_sql_statement_name: the first time.
        Err(error) if error.code() == Some("26000") => {
            let query = query(connection);
            read(in_one_form(connection, &format!("PREPARE {PREPARED} AS {query}; EXECUTE {PREPARED}"))?)
        }
        told => read(told?),
    }
}

/// The query for the server's version.
fn query(connection: &Connection) -> String {
    let major = connection.server().version.major;
    let since = |first: u16, column: &str| if major >= first { column.to_owned() } else { "NULL".to_owned() };
    QUERY
        .replace("{compression}", &since(14, "NULLIF(a.attcompression::text, '')"))
        .replace("{enforced}", &since(18, "NULLIF(x.conenforced, true)"))
}

fn in_one_form(connection: &mut Connection, query: &str) -> Result<Vec<Row>, DatabaseError> {
    let rows = connection.rows(&format!("{BEGIN}\n{query};\nCOMMIT;"));
    if rows.is_err() {
        // The first error is the one that counts.
        let _ = connection.execute("ROLLBACK");
    }
    rows
}

fn read(rows: Vec<Row>) -> Result<SchemaSnapshot, SnapshotError> {
    let mut snapshot = SchemaSnapshot::default();
    for row in rows {
        let (kind, name, belongs_to, attributes) =
            object(&row).ok_or_else(|| SnapshotError::Row { row: format!("{row:?}").chars().take(200).collect() })?;
        snapshot.insert(&kind, name, belongs_to, attributes);
    }
    Ok(snapshot)
}

type Read = (String, String, Option<String>, BTreeMap<String, String>);

fn object(row: &Row) -> Option<Read> {
    let [kind, name, belongs_to, attributes] = row.as_slice() else { return None };
    let mut words = serde_json::from_str::<Vec<Value>>(attributes.as_deref()?).ok()?.into_iter();
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let mut attributes = BTreeMap::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if !value.is_null() {
            attributes.insert(text(name), text(value));
        }
    }
    Some((kind.clone()?, name.clone()?, belongs_to.clone(), attributes))
}

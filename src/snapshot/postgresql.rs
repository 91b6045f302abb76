//! PostgreSQL: one catalogue query.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{SchemaSnapshot, SnapshotError};
use crate::database::{Connection, Row};

const QUERY: &str = include_str!("postgresql.sql");

/// Whatever a session or the database has set, values are written the same way; the catalogue is read at one moment.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = ''; SET LOCAL datestyle = 'ISO, MDY'; \
     SET LOCAL intervalstyle = 'postgres'; SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
     SET LOCAL quote_all_identifiers = off; SET LOCAL standard_conforming_strings = on; SET LOCAL jit = off;";

pub(super) fn take(connection: &mut Connection) -> Result<SchemaSnapshot, SnapshotError> {
    let rows = connection.rows(&format!("{BEGIN}\n{QUERY};\nCOMMIT;"));
    if rows.is_err() {
        // The first error is the one that counts.
        let _ = connection.execute("ROLLBACK");
    }
    let mut snapshot = SchemaSnapshot::default();
    for row in rows? {
        let (kind, name, belongs_to, attributes) =
            read(&row).ok_or_else(|| SnapshotError::Row { row: format!("{row:?}").chars().take(200).collect() })?;
        snapshot.insert(&kind, name, belongs_to, attributes);
    }
    Ok(snapshot)
}

type Read = (String, String, Option<String>, BTreeMap<String, String>);

fn read(row: &Row) -> Option<Read> {
    let [kind, name, belongs_to, attributes] = row.as_slice() else { return None };
    let attributes: BTreeMap<String, Value> = serde_json::from_str(attributes.as_deref()?).ok()?;
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let attributes = attributes.into_iter().map(|(name, value)| (name, text(value))).collect();
    Some((kind.clone()?, name.clone()?, belongs_to.clone(), attributes))
}

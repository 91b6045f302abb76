//! Telling that the rows of a table cannot have changed, without reading them.
//!
//! PostgreSQL only. Every row carries the number of the transaction that wrote it (`xmin`): with as many rows and the same
//! sum of these numbers nothing was inserted, updated or deleted, since later transactions have greater numbers. A table
//! whose values can read otherwise while its rows stay is never told unchanged: one with a column of a type that a
//! migration can alter (an enum's label), or one that is computed when it is read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::database::{Connection, DatabaseError};
use crate::dialect::Dialect;
use crate::rows::shape::{Table, TableName};

/// The state of a table's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// How many there are.
    pub(super) rows: u64,
    /// The sum of the transactions that wrote them.
    writers: String,
    /// Its file and the transactions that wrote its columns.
    columns: String,
}

/// Tables asked about in one statement: the stack of the server's parser is finite.
const AT_ONCE: usize = 200;

/// What can be told of each table.
pub(super) fn marks(connection: &mut Connection, tables: &[Table]) -> Result<BTreeMap<TableName, Mark>, DatabaseError> {
    if connection.server().dialect != Dialect::Postgresql {
        return Ok(BTreeMap::new());
    }
    let mut columns = columns(connection)?;
    let told: Vec<(&Table, String)> =
        tables.iter().filter_map(|table| columns.remove(&table.name).map(|columns| (table, columns))).collect();
    let mut marks = BTreeMap::new();
    for some in told.chunks(AT_ONCE) {
        let mut sql = String::new();
        for (at, (table, _)) in some.iter().enumerate() {
            let between = if at == 0 { "" } else { " UNION ALL " };
            let name = table.name.quoted(Dialect::Postgresql);
            let _ = write!(sql, "{between}SELECT {at}, count(*), sum(xmin::text::bigint) FROM {name}");
        }
        for row in connection.rows(&sql)? {
            let mut values = row.into_iter().map(Option::unwrap_or_default);
            let (at, rows) = (values.next().and_then(|at| at.parse().ok()), values.next().and_then(|rows| rows.parse().ok()));
            let (Some(at), Some(rows)) = (at, rows) else { continue };
            let at: usize = at;
            if let Some((table, columns)) = some.get(at) {
                let mark = Mark { rows, writers: values.next().unwrap_or_default(), columns: columns.clone() };
                marks.insert(table.name.clone(), mark);
            }
        }
    }
    Ok(marks)
}

/// File and columns of each table whose values can only change with its rows: partitioned tables and parents have theirs
/// in others, types from 16384 on were made by somebody.
fn columns(connection: &mut Connection) -> Result<BTreeMap<TableName, String>, DatabaseError> {
    let sql = "SELECT n.nspname, c.relname, c.relfilenode || ' ' || string_agg(a.attnum || ' ' || a.attname || ' ' || a.xmin::text, ',' ORDER BY a.attnum) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
         WHERE c.relkind = 'r' AND NOT c.relhassubclass AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' \
         GROUP BY n.nspname, c.relname, c.relfilenode HAVING bool_and(a.attisdropped OR a.atttypid < 16384 AND a.attgenerated <> 'v')";
    let mut found = BTreeMap::new();
    for row in connection.rows(sql)? {
        let mut values = row.into_iter().map(Option::unwrap_or_default);
        let (Some(schema), Some(table), Some(columns)) = (values.next(), values.next(), values.next()) else { continue };
        found.insert(TableName { schema, table }, columns);
    }
    Ok(found)
}

//! Every value of every table, remembered by its digest, and what differs later.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde::Serialize;

use crate::database::Connection;
use crate::dialect::Dialect;
use crate::rows::RowsError;
use crate::rows::mark::{Mark, marks};
use crate::rows::shape::{Table, TableName, quoted, tables};

/// Rows of one table that are remembered; of larger ones the first, by key.
pub const MOST_ROWS: usize = 200_000;

/// All rows at one moment.
#[derive(Debug, Clone, Default)]
pub struct DataSnapshot {
    dialect: Option<Dialect>,
    tables: BTreeMap<TableName, Arc<TableData>>,
    /// Columns, keys and references of the tables, as they were read on the way.
    shapes: Arc<Vec<Table>>,
    /// What would be otherwise had anything touched the rows of a table; none where that cannot be told.
    marks: BTreeMap<TableName, Mark>,
}

/// Two moments are equal when all their rows are.
impl PartialEq for DataSnapshot {
    fn eq(&self, other: &Self) -> bool {
        self.dialect == other.dialect && self.tables == other.tables
    }
}

impl Eq for DataSnapshot {}

/// The rows of a table: by key, or as a whole where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TableData {
    columns: Vec<String>,
    /// Names of the key's columns; empty: whole rows are compared.
    key: Vec<String>,
    rows: BTreeMap<Vec<Option<String>>, Vec<u64>>,
}

/// What became of values that stood before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataDifference {
    /// The table.
    pub table: String,
    /// The column; none: whole rows.
    pub column: Option<String>,
    /// Rows that stood before.
    pub rows: u64,
    /// Of these: gone, or with another value.
    pub lost: u64,
    /// Rows that nobody wrote and that stand now.
    pub left_over: u64,
    /// Finds them: run in front of the upgrade it gives the rows that will be lost, behind the round trip those left over.
    pub query: String,
}

impl DataSnapshot {
    /// Reads all rows of all tables but `alembic_version`.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub fn of(connection: &mut Connection) -> Result<Self, RowsError> {
        Self::since(connection, &Self::default(), None)
    }

    /// As [`Self::of`]; a table that cannot have changed since `earlier`, a moment of the same database, is not read again.
    /// `shaped_as`: a moment with the very schema that stands now.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub fn since(connection: &mut Connection, earlier: &Self, shaped_as: Option<&Self>) -> Result<Self, RowsError> {
        let dialect = connection.server().dialect;
        if dialect == Dialect::Postgresql {
            let one_form = "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1";
            connection.execute(one_form).map_err(RowsError::of("setting the form of values"))?;
        }
        let shapes = match shaped_as {
            Some(moment) => Arc::clone(&moment.shapes),
            None => Arc::new(tables(connection).map_err(RowsError::of("reading the tables to be compared"))?),
        };
        // Read before the rows: what changes in between is read again next time.
        let marks = marks(connection, &shapes).map_err(RowsError::of("looking for tables that changed"))?;
        let mut found = BTreeMap::new();
        for table in shapes.iter() {
            let mark = marks.get(&table.name);
            let same = mark.is_some() && mark == earlier.marks.get(&table.name);
            let known = earlier.tables.get(&table.name).filter(|known| same && known.key == table.primary_key).cloned();
            let data = match (known, mark) {
                (Some(known), _) => known,
                (None, Some(mark)) if mark.rows == 0 => Arc::new(TableData::new(table)),
                (None, _) => Arc::new(rows_of(connection, table, dialect)?),
            };
            found.insert(table.name.clone(), data);
        }
        Ok(Self { dialect: Some(dialect), tables: found, shapes, marks })
    }

    /// The tables that hold no row.
    pub(crate) fn empty_tables(&self) -> BTreeSet<&TableName> {
        self.tables.iter().filter(|(_, table)| table.rows.is_empty()).map(|(name, _)| name).collect()
    }

    /// The shapes of all tables.
    pub(crate) fn shapes(&self) -> &[Table] {
        &self.shapes
    }

    /// Whether there is such a table.
    #[must_use]
    pub fn has(&self, table: &TableName) -> bool {
        self.tables.contains_key(table)
    }

    /// How many rows each table has.
    pub fn rows_by_table(&self) -> impl Iterator<Item = (&TableName, usize)> {
        self.tables.iter().map(|(name, table)| (name, table.rows.len()))
    }

    /// How many rows there are.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.tables.values().map(|table| table.rows.len()).sum()
    }

    /// What stood here and differs in `later`, the worst first. Rows in `written` were written on purpose in between,
    /// changed or added: they are left aside.
    #[must_use]
    pub fn lost_in(&self, later: &Self, written: &Written) -> Vec<DataDifference> {
        let mut found = Vec::new();
        let dialect = self.dialect;
        for (name, before) in &self.tables {
            let aside = written.rows.get(name);
            let is_aside = |key: &Vec<Option<String>>| aside.is_some_and(|keys| keys.contains_key(key));
            let all = before.rows.len() as u64;
            let Some(after) = later.tables.get(name) else {
                if all > 0 {
                    let query = query(name, None, &[], &[], dialect);
                    found.push(DataDifference { table: name.to_string(), column: None, rows: all, lost: all, left_over: 0, query });
                }
                continue;
            };
            let difference = |column: Option<String>, lost, left_over, keys: &[&Vec<Option<String>>]| {
                let query = query(name, column.as_deref(), &before.key, keys, dialect);
                DataDifference { table: name.to_string(), column, rows: all, lost, left_over, query }
            };
            let gone: Vec<_> = before.rows.keys().filter(|key| !after.rows.contains_key(*key) && !is_aside(key)).collect();
            let left: Vec<_> = after.rows.keys().filter(|key| !before.rows.contains_key(*key) && !is_aside(key)).collect();
            if !gone.is_empty() || !left.is_empty() {
                let keys = if gone.is_empty() { &left } else { &gone };
                found.push(difference(None, gone.len() as u64, left.len() as u64, keys));
            }
            for (place, column) in before.columns.iter().enumerate() {
                let Some(there) = after.columns.iter().position(|other| other == column) else {
                    // A column that is gone is a difference of the schema; its values are lost all the same.
                    if all > 0 {
                        found.push(difference(Some(column.clone()), all, 0, &[]));
                    }
                    continue;
                };
                let differs = |(key, values): &(&Vec<Option<String>>, &Vec<u64>)| {
                    after.rows.get(*key).is_some_and(|now| now.get(there) != values.get(place)) && !is_aside(key)
                };
                let lost: Vec<_> = before.rows.iter().filter(differs).map(|(key, _)| key).collect();
                if !lost.is_empty() {
                    found.push(difference(Some(column.clone()), lost.len() as u64, 0, &lost));
                }
            }
        }
        found.sort_by(|a, b| b.lost.cmp(&a.lost).then_with(|| a.table.cmp(&b.table)).then_with(|| a.column.cmp(&b.column)));
        found
    }

    /// Tables that have rows here and none there: their rows went elsewhere, or are gone.
    #[must_use]
    pub fn emptied_in(&self, later: &Self) -> Vec<TableName> {
        let is_empty = |name: &TableName| later.tables.get(name).is_some_and(|table| table.rows.is_empty());
        self.tables.iter().filter(|(name, table)| !table.rows.is_empty() && is_empty(name)).map(|(name, _)| name.clone()).collect()
    }

    /// Rows that were added or changed between this moment and `later`.
    #[must_use]
    pub fn written_until(&self, later: &Self) -> Written {
        let mut rows: BTreeMap<TableName, BTreeMap<Vec<Option<String>>, ()>> = BTreeMap::new();
        for (name, now) in &later.tables {
            let before = self.tables.get(name);
            let same = |key: &Vec<Option<String>>, values: &Vec<u64>| before.is_some_and(|table| table.rows.get(key) == Some(values));
            let changed = now.rows.iter().filter(|(key, values)| !same(key, values)).map(|(key, _)| (key.clone(), ()));
            rows.entry(name.clone()).or_default().extend(changed);
        }
        for (name, then) in &self.tables {
            let now = later.tables.get(name);
            let gone = then.rows.keys().filter(|key| now.is_some_and(|table| !table.rows.contains_key(*key)));
            rows.entry(name.clone()).or_default().extend(gone.map(|key| (key.clone(), ())));
        }
        Written { rows }
    }
}

/// Keys that a query names; of more rows these are the first.
const MOST_KEYS: usize = 20;

/// The rows with these keys; without keys all rows in which the column holds something.
fn query(table: &TableName, column: Option<&str>, key: &[String], keys: &[&Vec<Option<String>>], dialect: Option<Dialect>) -> String {
    let dialect = dialect.unwrap_or(Dialect::Postgresql);
    let name = |column: &str| quoted(column, dialect);
    let literal =
        |value: &Option<String>| value.as_ref().map_or_else(|| "NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
    let shown = match column {
        Some(column) => key.iter().map(String::as_str).chain([column]).map(name).collect::<Vec<_>>().join(", "),
        None => "*".to_owned(),
    };
    let tuple = |values: Vec<String>| if values.len() == 1 { values.concat() } else { format!("({})", values.join(", ")) };
    let condition = match (key, keys, column) {
        ([], _, None) | (_, [], None) => String::new(),
        ([], _, Some(column)) | (_, [], Some(column)) => format!(" WHERE {} IS NOT NULL", name(column)),
        (key, keys, _) => {
            let wanted: Vec<String> = keys.iter().take(MOST_KEYS).map(|key| tuple(key.iter().map(literal).collect())).collect();
            format!(" WHERE {} IN ({})", tuple(key.iter().map(|column| name(column)).collect()), wanted.join(", "))
        }
    };
    format!("SELECT {shown} FROM {}{condition}", table.quoted(dialect))
}

/// Rows that were written on purpose.
#[derive(Debug, Clone, Default)]
pub struct Written {
    rows: BTreeMap<TableName, BTreeMap<Vec<Option<String>>, ()>>,
}

impl TableData {
    /// Without rows yet.
    fn new(table: &Table) -> Self {
        // By name: a column that comes back at the end is no other row.
        let mut columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        columns.sort();
        Self { columns, key: table.primary_key.clone(), rows: BTreeMap::new() }
    }
}

fn rows_of(connection: &mut Connection, table: &Table, dialect: Dialect) -> Result<TableData, RowsError> {
    let TableData { columns, key, mut rows } = TableData::new(table);
    let list = columns.iter().map(|column| quoted(column, dialect)).collect::<Vec<_>>().join(", ");
    let order = if key.is_empty() {
        String::new()
    } else {
        format!(" ORDER BY {}", key.iter().map(|column| quoted(column, dialect)).collect::<Vec<_>>().join(", "))
    };
    let sql = format!("SELECT {list} FROM {}{order} LIMIT {MOST_ROWS}", table.name.quoted(dialect));
    let read = connection.rows(&sql).map_err(RowsError::of(format!("reading the rows of {}", table.name)))?;
    let places: Vec<usize> = key.iter().filter_map(|name| columns.iter().position(|column| column == name)).collect();
    let mut alike: BTreeMap<Vec<Option<String>>, u32> = BTreeMap::new();
    for row in read {
        let values = row.iter().map(digest).collect();
        let mut own: Vec<Option<String>> =
            if places.is_empty() { row } else { places.iter().map(|place| row.get(*place).cloned().flatten()).collect() };
        // Rows without a key may be there more than once: each has its number.
        if places.is_empty() {
            let number = alike.entry(own.clone()).or_default();
            own.push(Some(number.to_string()));
            *number += 1;
        }
        rows.insert(own, values);
    }
    Ok(TableData { columns, key, rows })
}

fn digest(value: &Option<String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

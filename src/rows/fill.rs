//! Writing rows: parents before children, keys drawn from rows that stand, values as awkward as the constraints allow.
//!
//! A row that is refused is tried tame, then with NULL wherever it is taken; what still does not fit is counted.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::database::Connection;
use crate::dialect::Dialect;
use crate::rows::RowsError;
use crate::rows::data::DataSnapshot;
use crate::rows::shape::{ForeignKey, Table, TableName, Words, quoted, tables};
use crate::rows::value::{Kind, Mood, Value};

/// How far one table was filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// The table.
    pub table: String,
    /// Rows that were wanted.
    pub wanted: u32,
    /// Rows that were written.
    pub written: u32,
    /// What the server said to the last row that did not fit.
    pub why: Option<String>,
}

/// Which rows are made.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// How many for each table.
    pub rows: u32,
    /// How awkward, as far as the constraints allow.
    pub mood: Mood,
    /// What an application asks of columns beside the database.
    pub words: &'a [Words],
}

/// Rows in one INSERT.
const BATCH: u32 = 50;
/// After so many refusals in a row a table is given up.
const PATIENCE: u32 = 8;

/// Writes rows into every table that has none: what somebody seeded says more than what we make up. `except`: tables that stay empty.
///
/// # Errors
/// As of `fill`.
pub fn fill_empty(connection: &mut Connection, made: Made<'_>, except: &[TableName]) -> Result<Vec<Filled>, RowsError> {
    if made.rows == 0 {
        return Ok(Vec::new());
    }
    let all = tables(connection).map_err(RowsError::of("reading the tables to be filled"))?;
    let mut wanted = BTreeSet::new();
    for table in &all {
        if !except.contains(&table.name) && is_empty(connection, table)? {
            wanted.insert(table.name.clone());
        }
    }
    write(connection, made, all, &wanted)
}

/// As [`fill_empty`], where the tables and their rows are known of this moment.
///
/// # Errors
/// As of `fill`.
pub fn fill_empty_of(
    connection: &mut Connection,
    made: Made<'_>,
    known: &DataSnapshot,
    except: &[TableName],
) -> Result<Vec<Filled>, RowsError> {
    let wanted = known.empty_tables().into_iter().filter(|name| !except.contains(name)).cloned().collect();
    write(connection, made, known.shapes().to_vec(), &wanted)
}

/// Writes `rows` rows into every table; gives what became of each, in the order of writing.
///
/// # Errors
/// The server cannot be asked. A refused row is no error.
pub fn fill(connection: &mut Connection, rows: u32) -> Result<Vec<Filled>, RowsError> {
    let all = tables(connection).map_err(RowsError::of("reading the tables to be filled"))?;
    let wanted = all.iter().map(|table| table.name.clone()).collect();
    write(connection, Made { rows, mood: Mood::Awkward, words: &[] }, all, &wanted)
}

fn write(
    connection: &mut Connection,
    Made { rows, mood, words }: Made<'_>,
    all: Vec<Table>,
    wanted: &BTreeSet<TableName>,
) -> Result<Vec<Filled>, RowsError> {
    if rows == 0 || wanted.is_empty() {
        return Ok(Vec::new());
    }
    let all: Vec<Table> = all.into_iter().map(|table| table.with(words)).collect();
    let mut keys: BTreeMap<(TableName, Vec<String>), Vec<Vec<String>>> = BTreeMap::new();
    let mut filled = Vec::with_capacity(wanted.len());
    for table in in_order(&all).into_iter().filter(|table| wanted.contains(&table.name)) {
        for reference in &table.foreign_keys {
            let entry = (reference.parent.clone(), reference.parent_columns.clone());
            if let Entry::Vacant(free) = keys.entry(entry) {
                free.insert(parent_keys(connection, reference, rows)?);
            }
        }
        filled.push(Filling { table, dialect: connection.server().dialect, keys: &keys, mood }.run(connection, rows)?);
        // What was read of this table before it was filled, for rows that refer to their own table, is old now.
        keys.retain(|(parent, _), _| *parent != table.name);
    }
    Ok(filled)
}

fn is_empty(connection: &mut Connection, table: &Table) -> Result<bool, RowsError> {
    let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name.quoted(connection.server().dialect));
    let found = connection.rows(&sql).map_err(RowsError::of(format!("looking for rows of {}", table.name)))?;
    Ok(found.is_empty())
}

/// Parents first; in a circle the table with the fewest parents that are still to come.
fn in_order(all: &[Table]) -> Vec<&Table> {
    let mut open: Vec<&Table> = all.iter().collect();
    let mut done: BTreeSet<&TableName> = BTreeSet::new();
    let mut ordered = Vec::with_capacity(all.len());
    while !open.is_empty() {
        let waits_for = |table: &&Table| {
            let parents: BTreeSet<&TableName> =
                table.foreign_keys.iter().map(|reference| &reference.parent).filter(|parent| **parent != table.name).collect();
            parents.iter().filter(|parent| !done.contains(**parent)).count()
        };
        let Some(next) = (0..open.len()).min_by_key(|at| open.get(*at).map_or(usize::MAX, &waits_for)) else { break };
        let table = open.remove(next);
        done.insert(&table.name);
        ordered.push(table);
    }
    ordered
}

/// Keys of the parent's rows, as literals.
fn parent_keys(connection: &mut Connection, reference: &ForeignKey, most: u32) -> Result<Vec<Vec<String>>, RowsError> {
    let dialect = connection.server().dialect;
    let columns: Vec<String> = reference.parent_columns.iter().map(|column| quoted(column, dialect)).collect();
    let sql = format!(
        "SELECT {0} FROM {1} WHERE {2} ORDER BY {0} LIMIT {most}",
        columns.join(", "),
        reference.parent.quoted(dialect),
        columns.iter().map(|column| format!("{column} IS NOT NULL")).collect::<Vec<_>>().join(" AND ")
    );
    let rows = connection.rows(&sql).map_err(RowsError::of(format!("reading the keys of {}", reference.parent)))?;
    Ok(rows.into_iter().map(|row| row.into_iter().map(Option::unwrap_or_default).collect()).collect())
}

/// One table being filled.
struct Filling<'a> {
    table: &'a Table,
    dialect: Dialect,
    keys: &'a BTreeMap<(TableName, Vec<String>), Vec<Vec<String>>>,
    mood: Mood,
}

impl Filling<'_> {
    fn run(&self, connection: &mut Connection, rows: u32) -> Result<Filled, RowsError> {
        let mut filled = Filled { table: self.table.name.to_string(), wanted: rows, written: 0, why: None };
        let mut refused_in_a_row = 0;
        let mut from = 0;
        while from < rows && refused_in_a_row < PATIENCE {
            let to = (from + BATCH).min(rows);
            let batch: Vec<u32> = (from..to).collect();
            if self.insert(connection, &batch, self.mood).is_ok() {
                filled.written += to - from;
                from = to;
                continue;
            }
            for row in batch {
                let moods = [(self.mood, row), (Mood::Tame, row + 1_000), (Mood::Sparse, row + 2_000)];
                let mut tried = moods.iter().map(|(mood, row)| self.insert(connection, &[*row], *mood));
                match tried.find(|outcome| !matches!(outcome, Err(error) if error.refusal().is_some())) {
                    Some(Ok(())) => {
                        filled.written += 1;
                        refused_in_a_row = 0;
                    }
                    Some(Err(error)) => {
                        return Err(RowsError { attempted: format!("writing rows into {}", self.table.name), source: error });
                    }
                    None => {
                        let last = self.insert(connection, &[row + 3_000], Mood::Tame);
                        filled.written += u32::from(last.is_ok());
                        filled.why = last.err().map(|error| error.refusal().map_or_else(|| error.to_string(), ToString::to_string));
                        refused_in_a_row += 1;
                    }
                }
                if refused_in_a_row >= PATIENCE {
                    break;
                }
            }
            from = to;
        }
        Ok(filled)
    }

    fn insert(&self, connection: &mut Connection, rows: &[u32], mood: Mood) -> Result<(), crate::database::DatabaseError> {
        let columns: Vec<&str> =
            self.table.columns.iter().filter(|column| !column.made_by_server).map(|column| column.name.as_str()).collect();
        let names: Vec<String> = columns.iter().map(|column| quoted(column, self.dialect)).collect();
        let table = self.table.name.quoted(self.dialect);
        if names.is_empty() {
            let nothing = if matches!(self.dialect, Dialect::Mysql | Dialect::Mariadb) { "() VALUES ()" } else { "DEFAULT VALUES" };
            for _ in rows {
                connection.execute(&format!("INSERT INTO {table} {nothing}"))?;
            }
            return Ok(());
        }
        let tuples: Vec<String> = rows.iter().map(|row| format!("({})", self.tuple(*row, mood).join(", "))).collect();
        connection.execute(&format!("INSERT INTO {table} ({}) VALUES {}", names.join(", "), tuples.join(", "))).map(|_| ())
    }

    /// The values of one row, as SQL.
    fn tuple(&self, row: u32, mood: Mood) -> Vec<String> {
        let referenced = self.referenced(row, mood);
        let mut out = Vec::new();
        for (place, column) in self.table.columns.iter().enumerate().filter(|(_, column)| !column.made_by_server) {
            let value = match referenced.get(column.name.as_str()) {
                Some(value) => value.clone(),
                None => self.own_value(row, place as u32, column, mood),
            };
            out.push(self.literal(&value));
        }
        out
    }

    fn own_value(&self, row: u32, place: u32, column: &crate::rows::shape::Column, mood: Mood) -> Value {
        let unique = self.table.is_unique(&column.name);
        let takes_null = column.nullable && !unique && !self.table.fits.iter().any(|fit| fit.names(&column.name));
        if takes_null && (mood == Mood::Sparse || (mood == Mood::Awkward && row % 7 == place % 7)) {
            return Value::Null;
        }
        let (partitions, nth) = (self.table.fits.len().max(1), row as usize);
        let fit = self.table.fits.get(nth % partitions).and_then(|fit| fit.value(&column.name, &column.kind, (nth / partitions) as u32));
        if let Some(value) = fit {
            return Value::Raw(value);
        }
        let named = self.table.named_values(&column.name);
        if let Some(value) = named.get(row as usize % named.len().max(1)) {
            return Value::Text(value.clone());
        }
        let value = match column.kind.value(row, mood, unique) {
            // Keys that are made at random are the same in no two tables.
            Value::Text(text) if unique && column.kind == Kind::Uuid => Value::Text(self.of_this_table(&text)),
            Value::Text(text) if matches!(column.kind, Kind::Text { .. }) => {
                Value::Text(self.table.like(&column.name, &row.to_string()).unwrap_or(text))
            }
            value => value,
        };
        match (&value, self.dialect) {
            (Value::Default, _) if column.nullable => Value::Null,
            // SQLite has no DEFAULT among values.
            (Value::Default, Dialect::Sqlite) => Value::Text(row.to_string()),
            _ => value,
        }
    }

    /// A UUID with the table's name in its first digits.
    fn of_this_table(&self, uuid: &str) -> String {
        let name = self.table.name.to_string();
        let mark = name.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("{mark:08x}{}", uuid.get(8..).unwrap_or_default())
    }

    /// Values of columns that refer to other rows: a whole key from one of them.
    fn referenced(&self, row: u32, mood: Mood) -> BTreeMap<&str, Value> {
        let mut values = BTreeMap::new();
        for (nth, reference) in self.table.foreign_keys.iter().enumerate() {
            let keys = self.keys.get(&(reference.parent.clone(), reference.parent_columns.clone())).map(Vec::as_slice).unwrap_or_default();
            let nullable = reference
                .columns
                .iter()
                .all(|name| self.table.columns.iter().any(|column| column.name == *name && column.nullable) && !self.table.is_unique(name));
            let row = row as usize;
            // Pairs of parents differ from row to row, as a table of pairs needs it.
            let at = (row + nth * (row / keys.len().max(1))) % keys.len().max(1);
            let skips = nullable && (mood == Mood::Sparse || (mood == Mood::Awkward && row % 7 == nth % 7));
            for (place, column) in reference.columns.iter().enumerate() {
                let value = match keys.get(at).and_then(|key| key.get(place)) {
                    Some(key) if !skips => Value::Text(key.clone()),
                    _ if nullable => Value::Null,
                    // Refused by the server, unless the row refers to itself.
                    _ => continue,
                };
                values.entry(column.as_str()).or_insert(value);
            }
        }
        values
    }

    fn literal(&self, value: &Value) -> String {
        match value {
            Value::Null => "NULL".to_owned(),
            Value::Default => "DEFAULT".to_owned(),
            Value::Raw(text) => text.clone(),
            Value::Text(text) => {
                let text = text.replace('\'', "''");
                match self.dialect {
                    Dialect::Mysql | Dialect::Mariadb => format!("'{}'", text.replace('\\', "\\\\")),
                    Dialect::Postgresql | Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => format!("'{text}'"),
                }
            }
        }
    }
}

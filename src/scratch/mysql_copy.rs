//! A copy of a MariaDB or MySQL database on the same server: every object made again from `SHOW CREATE`, rows with
//! `INSERT … SELECT`.
//!
//! Neither family can clone a database. Copying the files of the whole server would stop what else runs on it; this
//! costs one statement an object and keeps what `SHOW CREATE` keeps: the history of system-versioned tables is not.

use crate::address::Address;
use crate::database::{Connection, DatabaseError, Row};

/// No checks while objects come in any order; zero stays zero in key columns.
const SESSION: &str = "SET SESSION foreign_key_checks = 0, unique_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO', autocommit = 0, \
                       character_set_results = utf8mb4, character_set_client = utf8mb4, character_set_connection = utf8mb4;";

/// Copies all of `from` into the empty database `to`.
pub(super) fn copy(server: &Address, from: &str, to: &str) -> Result<(), DatabaseError> {
    // In the database itself `SHOW CREATE` writes names without it.
    let mut source = Connection::open(&server.with_database(from))?;
    let mut target = Connection::open(&server.with_database(to))?;
    source.execute(SESSION)?;
    target.execute(SESSION)?;
    settings(&mut source, &mut target, from, to)?;
    let objects = objects(&mut source, from)?;
    let of =
        |wanted: &'static [&'static str]| objects.iter().filter(move |(_, kind)| wanted.contains(&kind.as_str())).map(|(name, _)| name);
    for name in of(&["SEQUENCE"]) {
        sequence(&mut source, &mut target, name)?;
    }
    for name in of(&["BASE TABLE", "SYSTEM VERSIONED"]) {
        target.execute(&shown(&mut source, &format!("SHOW CREATE TABLE {}", quoted(name)), 1)?)?;
        rows(&mut source, &mut target, from, name)?;
    }
    routines(&mut source, &mut target, from)?;
    views(&mut source, &mut target, from, &of(&["VIEW"]).cloned().collect::<Vec<_>>())?;
    triggers(&mut source, &mut target, from)?;
    target.execute("COMMIT").map(drop)
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn value(row: &Row, at: usize) -> String {
    row.get(at).cloned().flatten().unwrap_or_default()
}

/// One column of the first row of a `SHOW CREATE`.
fn shown(source: &mut Connection, sql: &str, column: usize) -> Result<String, DatabaseError> {
    Ok(source.rows(sql)?.first().map(|row| value(row, column)).unwrap_or_default())
}

/// Character set and collation of the database itself.
fn settings(source: &mut Connection, target: &mut Connection, from: &str, to: &str) -> Result<(), DatabaseError> {
    let sql =
        format!("SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = '{from}'");
    for row in source.rows(&sql)? {
        target.execute(&format!("ALTER DATABASE {to} CHARACTER SET {} COLLATE {}", value(&row, 0), value(&row, 1)))?;
    }
    Ok(())
}

/// Names and kinds, sorted by name.
fn objects(source: &mut Connection, from: &str) -> Result<Vec<(String, String)>, DatabaseError> {
    let sql = format!("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = '{from}' ORDER BY table_name");
    Ok(source.rows(&sql)?.iter().map(|row| (value(row, 0), value(row, 1))).collect())
}

/// MariaDB only; its position goes along.
fn sequence(source: &mut Connection, target: &mut Connection, name: &str) -> Result<(), DatabaseError> {
    let name = quoted(name);
    target.execute(&shown(source, &format!("SHOW CREATE SEQUENCE {name}"), 1)?)?;
    let next = shown(source, &format!("SELECT next_not_cached_value FROM {name}"), 0)?;
    target.execute(&format!("SELECT SETVAL({name}, {next}, 0)")).map(drop)
}

/// All columns but the generated ones, which are computed again.
fn rows(source: &mut Connection, target: &mut Connection, from: &str, table: &str) -> Result<(), DatabaseError> {
    let sql = format!(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = '{from}' AND table_name = {} \
         AND coalesce(generation_expression, '') = '' ORDER BY ordinal_position",
        literal(table)
    );
    let columns: Vec<String> = source.rows(&sql)?.iter().map(|row| quoted(&value(row, 0))).collect();
    let (columns, table) = (columns.join(", "), quoted(table));
    target.execute(&format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {from}.{table}")).map(drop)
}

/// Functions, procedures and events, each under the `sql_mode` it was made with.
fn routines(source: &mut Connection, target: &mut Connection, from: &str) -> Result<(), DatabaseError> {
    let sql = format!(
        "SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = '{from}' ORDER BY 1, 2; \
         SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = '{from}' ORDER BY 2"
    );
    for row in source.rows(&sql)? {
        let (kind, name) = (value(&row, 0), quoted(&value(&row, 1)));
        // name, sql_mode, [time zone of an event], text
        let (mode, text) = if kind == "EVENT" { (1, 3) } else { (1, 2) };
        let Some(made) = source.rows(&format!("SHOW CREATE {kind} {name}"))?.into_iter().next() else { continue };
        with_mode(target, &value(&made, mode), &value(&made, text))?;
    }
    Ok(())
}

fn with_mode(target: &mut Connection, mode: &str, sql: &str) -> Result<(), DatabaseError> {
    target.execute(&format!("SET SESSION sql_mode = {}", literal(mode)))?;
    target.execute(sql)?;
    target.execute("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'").map(drop)
}

/// A view may stand on another: what fails is tried again as long as the others get on.
///
/// MariaDB writes columns of a view with the database in front that the view was made in, tables without it.
fn views(source: &mut Connection, target: &mut Connection, from: &str, names: &[String]) -> Result<(), DatabaseError> {
    let mut left = Vec::new();
    for name in names {
        left.push(shown(source, &format!("SHOW CREATE VIEW {}", quoted(name)), 1)?.replace(&format!("{}.", quoted(from)), ""));
    }
    while !left.is_empty() {
        let before = left.len();
        let mut last = None;
        left.retain(|view| target.execute(view).map_err(|error| last = Some(error)).is_err());
        match last {
            Some(error) if left.len() == before => return Err(error),
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// In the order in which they fire.
fn triggers(source: &mut Connection, target: &mut Connection, from: &str) -> Result<(), DatabaseError> {
    let sql = format!(
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = '{from}' \
         ORDER BY event_object_table, action_timing, event_manipulation, action_order"
    );
    for row in source.rows(&sql)? {
        let Some(made) = source.rows(&format!("SHOW CREATE TRIGGER {}", quoted(&value(&row, 0))))?.into_iter().next() else { continue };
        with_mode(target, &value(&made, 1), &value(&made, 2))?;
    }
    Ok(())
}

//! Keys and values of rows, copied aside into a table of their own, for a way back that returns exactly.

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::Case;
use crate::recipes::parts::body::{Body, Line, Part};
use crate::recipes::parts::loops::{BATCH, bound};
use crate::recipes::parts::written::{column_text, columns};
use crate::sql::change::{Column, DataType, Name};

/// The table that is empty, and the copy in ranges of the key; run again it goes on where it was stopped.
#[must_use]
pub fn kept_aside(case: &Case<'_>, table: &Name, archive: &Name, key: &[String], column: Option<&Column>, which: &str) -> Option<Body> {
    let dialect = case.dialect();
    let (archive_sql, written) = (relation(dialect, archive), relation(dialect, table));
    let own = column.map(|column| format!(", {}", quoted(dialect, &column.name))).unwrap_or_default();
    let list = format!("{}{own}", columns(dialect, key));
    let copy = format!("{} INTO {archive_sql} SELECT {list} FROM {written} WHERE {which}", insert_word(dialect));
    let end = insert_end(dialect);
    let create = created(case, table, archive, key, column)?;
    let walk = ranged(dialect, &written, key, &copy, &format!("{copy}{end}"), ("", end));
    Some(Body(vec![Part::Inside(vec![create]), Part::Outside(vec![walk])]))
}

/// The table itself: the key, and a column with nothing that computes or demands.
#[must_use]
pub fn created(case: &Case<'_>, table: &Name, archive: &Name, key: &[String], column: Option<&Column>) -> Option<Line> {
    let dialect = case.dialect();
    let known = case.catalog.table(table)?;
    let mut parts = Vec::new();
    for name in key {
        parts.push(plain_text(dialect, known.column(name)?)?);
    }
    if let Some(column) = column {
        parts.push(plain_text(dialect, column)?);
    }
    parts.push(format!("PRIMARY KEY ({})", columns(dialect, key)));
    Some(Line::execute(format!("CREATE TABLE IF NOT EXISTS {} ({})", relation(dialect, archive), parts.join(", "))))
}

fn plain_text(dialect: Dialect, column: &Column) -> Option<String> {
    let data_type = column.data_type.clone().map(|one| DataType { serial: false, ..one });
    let plain = Column {
        data_type,
        not_null: false,
        default: None,
        generated: None,
        identity: None,
        auto_increment: false,
        on_update: false,
        constraints: Vec::new(),
        ..column.clone()
    };
    column_text(dialect, &plain)
}

/// `INSERT` that leaves out what stands already, with `insert_end`.
#[must_use]
pub const fn insert_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "INSERT OR IGNORE",
        Dialect::Mysql | Dialect::Mariadb => "INSERT IGNORE",
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => "INSERT",
    }
}

/// What stands behind such an `INSERT`.
#[must_use]
pub const fn insert_end(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgresql => " ON CONFLICT DO NOTHING",
        Dialect::Sqlite | Dialect::Mysql | Dialect::Mariadb | Dialect::Mssql | Dialect::Oracle => "",
    }
}

/// Walks a table by its key; `write` is sent for each range and ends where `AND` may follow, `whole` is what it says of all rows; `ends`
/// stand in front of the key's columns and behind the range.
#[must_use]
pub fn ranged(dialect: Dialect, walked: &str, key: &[String], write: &str, whole: &str, ends: (&str, &str)) -> Line {
    let (prefix, tail) = ends;
    let list = columns(dialect, key);
    let tuple = if key.len() == 1 { list.clone() } else { format!("({list})") };
    let binds = |prefix: &str, from: &str| (0..key.len()).map(|n| format!("\"{prefix}{n}\": {from}[{n}]")).collect::<Vec<_>>().join(", ");
    let row = |prefix: &str| {
        let names: Vec<String> = (0..key.len()).map(|n| format!(":{prefix}{n}")).collect();
        if let [one] = names.as_slice() { one.clone() } else { format!("({})", names.join(", ")) }
    };
    let qualified = key.iter().map(|one| format!("{prefix}{}", quoted(dialect, one))).collect::<Vec<_>>().join(", ");
    let qualified = if key.len() == 1 { qualified } else { format!("({qualified})") };
    let write = format!("{write} AND {qualified} >= {} AND {qualified} <= {}{tail}", row("a"), row("z"));
    let select = format!("SELECT {list} FROM {walked}");
    let order = format!("ORDER BY {list} LIMIT {BATCH}");
    let python = format!(
        "connection = op.get_bind()\nkeys = connection.execute(sa.text({})).all()\nwhile keys:\n    connection.execute(sa.text({}), {{{}, {}}})\n    keys = connection.execute(sa.text({}), {{{}}}).all()\n",
        bound(&format!("{select} {order}")),
        bound(&write),
        binds("a", "keys[0]"),
        binds("z", "keys[-1]"),
        bound(&format!("{select} WHERE {tuple} > {} {order}", row("a"))),
        binds("a", "keys[-1]"),
    );
    Line::operation(python, format!("-- in ranges of {BATCH} rows, each committed on its own\n{whole}"))
}

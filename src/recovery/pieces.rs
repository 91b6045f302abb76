//! Definitions as a server writes them, for what attributes alone do not make again.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::{Connection, DatabaseError};
use crate::dialect::Dialect;

/// By label: the statement that makes a table, index, view or trigger (SQLite), a table (MariaDB, MySQL), or the line of
/// it that makes a column, an index, a constraint.
pub(super) type Texts = BTreeMap<String, String>;

/// The texts that concern `labels`; empty for PostgreSQL, whose attributes say all.
pub(super) fn texts(connection: &mut Connection, labels: &[String]) -> Result<Texts, DatabaseError> {
    match connection.server().dialect {
        Dialect::Sqlite => of_sqlite(connection),
        Dialect::Mysql | Dialect::Mariadb => of_mysql(connection, labels),
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => Ok(Texts::new()),
    }
}

fn of_sqlite(connection: &mut Connection) -> Result<Texts, DatabaseError> {
    let rows = connection.rows("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
    let text = |row: Vec<Option<String>>| {
        let mut fields = row.into_iter().flatten();
        let (kind, name, sql) = (fields.next()?, fields.next()?, fields.next()?);
        Some((format!("{kind} {}", name.to_lowercase()), sql))
    };
    Ok(rows.into_iter().filter_map(text).collect())
}

fn of_mysql(connection: &mut Connection, labels: &[String]) -> Result<Texts, DatabaseError> {
    let tables: BTreeSet<&str> = labels
        .iter()
        .filter_map(|label| {
            let (kind, name) = label.split_once(' ')?;
            matches!(kind, "table" | "column" | "index" | "constraint").then(|| name.split('.').next().unwrap_or(name))
        })
        .collect();
    let mut found = Texts::new();
    for table in tables {
        let Ok(rows) = connection.rows(&format!("SHOW CREATE TABLE `{}`", table.replace('`', "``"))) else { continue };
        let Some(text) = rows.into_iter().next().and_then(|row| row.into_iter().nth(1)).flatten() else { continue };
        for line in text.lines().map(|line| line.trim().trim_end_matches(',')) {
            if let Some(label) = label_of(line, table) {
                found.insert(label, line.to_owned());
            }
        }
        found.insert(format!("table {table}"), text);
    }
    Ok(found)
}

/// The label of what a line of `SHOW CREATE TABLE` makes.
fn label_of(line: &str, table: &str) -> Option<String> {
    let first = |text: &str| text.split('`').nth(1).map(str::to_owned);
    if line.starts_with('`') {
        return Some(format!("column {table}.{}", first(line)?));
    }
    if line.starts_with("PRIMARY KEY") {
        return Some(format!("index {table}.PRIMARY"));
    }
    if line.starts_with("CONSTRAINT") {
        let check = if line.contains(" CHECK ") { " (check)" } else { "" };
        return Some(format!("constraint {table}.{}{check}", first(line)?));
    }
    let is_key = ["KEY ", "UNIQUE KEY ", "FULLTEXT KEY ", "SPATIAL KEY "].iter().any(|word| line.starts_with(word));
    is_key.then(|| first(line).map(|name| format!("index {table}.{name}"))).flatten()
}

#[cfg(test)]
mod tests {
    use super::label_of;

    #[test]
    fn each_line_of_a_table_is_known_by_what_it_makes() {
        let label = |line| label_of(line, "t");
        assert_eq!(label("`a` int(11) NOT NULL").as_deref(), Some("column t.a"));
        assert_eq!(label("PRIMARY KEY (`a`)").as_deref(), Some("index t.PRIMARY"));
        assert_eq!(label("UNIQUE KEY `u` (`a`)").as_deref(), Some("index t.u"));
        assert_eq!(label("CONSTRAINT `c` CHECK (`a` > 0)").as_deref(), Some("constraint t.c (check)"));
        assert_eq!(label("CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `o` (`id`)").as_deref(), Some("constraint t.f"));
        assert_eq!(label(") ENGINE=InnoDB"), None);
    }
}

//! A table of SQLite as text, as it stood: what `CREATE TABLE` says decides, and names that nobody gave are not invented.

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::written::{column_text, columns, constraint_text};
use crate::sql::catalog::Table;
use crate::sql::change::{Column, Constraint, ConstraintKind, Name};

const SQLITE: Dialect = Dialect::Sqlite;

/// `CREATE TABLE …` of the table under a name; `None`: some text of it was cut when it was read.
#[must_use]
pub fn create_table(name: &Name, table: &Table) -> Option<String> {
    let row_key = row_key(table);
    let mut parts = Vec::new();
    for column in &table.columns {
        let is_key = row_key == Some(column.name.as_str());
        let mut text = column_text(SQLITE, &Column { not_null: column.not_null && !is_key, ..column.clone() })?;
        if is_key {
            text.push_str(if column.auto_increment { " PRIMARY KEY AUTOINCREMENT" } else { " PRIMARY KEY" });
        }
        parts.push(text);
    }
    for constraint in &table.constraints {
        match &constraint.kind {
            ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. } => {}
            ConstraintKind::PrimaryKey { .. } if row_key.is_some() => {}
            ConstraintKind::PrimaryKey { .. }
            | ConstraintKind::Unique { .. }
            | ConstraintKind::Check(_)
            | ConstraintKind::ForeignKey { .. } => {
                parts.push(match given_name(constraint) {
                    Some(given) => constraint_text(SQLITE, given, constraint)?,
                    None => constraint_text(SQLITE, "x", constraint)?.trim_start_matches("CONSTRAINT x ").to_owned(),
                });
            }
            ConstraintKind::Exclude { .. } => return None,
        }
    }
    let options: Vec<String> =
        table.options.keys().filter(|word| matches!(word.as_str(), "strict" | "without rowid")).map(|word| word.to_uppercase()).collect();
    let options = if options.is_empty() { String::new() } else { format!(" {}", options.join(", ")) };
    Some(format!("CREATE TABLE {} ({}){options}", relation(SQLITE, name), parts.join(", ")))
}

/// The name that somebody gave: what the catalogue calls a constraint without one is nobody's.
#[must_use]
pub fn given_name(constraint: &Constraint) -> Option<&str> {
    constraint.name.as_deref().filter(|name| !name.starts_with("sqlite_"))
}

/// The column that is the row's own number: `INTEGER PRIMARY KEY`.
fn row_key(table: &Table) -> Option<&str> {
    let [one] = table.primary_key()? else { return None };
    let column = table.column(one)?;
    let is_number = column.data_type.as_ref().is_some_and(|data_type| data_type.name.eq_ignore_ascii_case("integer"));
    is_number.then_some(column.name.as_str())
}

/// The rows of a table into another of the same columns, the generated ones left out.
#[must_use]
pub fn copy_rows(from: &Name, to: &Name, table: &Table, is_kept: impl Fn(&str) -> bool) -> String {
    let kept: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.generated.is_none() && is_kept(&column.name))
        .map(|column| column.name.clone())
        .collect();
    let list = columns(SQLITE, &kept);
    format!("INSERT INTO {} ({list}) SELECT {list} FROM {}", relation(SQLITE, to), quoted(SQLITE, &from.name))
}

//! Triggers of MySQL and MariaDB that carry the writes of one table over to another, in both directions without going in circles.
//!
//! A trigger may not write a table that the statement which fired it writes (1442): while one of them works, the session's variable keeps
//! the others still, and it is taken back whatever happens (MariaDB 10.11, measured).

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Line, fitting};
use crate::recipes::parts::loops::SILENCE;
use crate::sql::change::{Column, Name};

/// A trigger behind a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guarded {
    /// What it is called.
    pub name: Name,
    /// The table whose writes it carries over.
    pub on: Name,
    /// `INSERT`, `UPDATE`, `DELETE`.
    pub event: &'static str,
    /// What it does, statements with semicolons behind them.
    pub body: String,
}

impl Guarded {
    /// A trigger with a name made of words and the event.
    #[must_use]
    pub fn new(words: &str, on: &Name, event: &'static str, body: String) -> Self {
        let name = Name { schema: on.schema.clone(), name: fitting(&format!("{words}_{}", event.to_lowercase())) };
        Self { name, on: on.clone(), event, body }
    }

    /// Makes it.
    #[must_use]
    pub fn made(&self, dialect: Dialect) -> Line {
        let switch = SILENCE.replace('.', "_");
        Line::execute(format!(
            "CREATE TRIGGER {} AFTER {} ON {} FOR EACH ROW BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SET @{switch} = ''; RESIGNAL; END; IF COALESCE(@{switch}, '') <> 'off' THEN SET @{switch} = 'off'; {} SET @{switch} = ''; END IF; END",
            relation(dialect, &self.name),
            self.event,
            relation(dialect, &self.on),
            self.body
        ))
    }

    /// Takes it away.
    #[must_use]
    pub fn gone(&self, dialect: Dialect) -> Line {
        Line::execute(format!("DROP TRIGGER {}", relation(dialect, &self.name)))
            .allowing("drop_object", "it only carried writes from one table to the other")
    }
}

/// A value as it is compared to the byte, whatever the collations of both sides are; `place` stands in front of the column's name.
#[must_use]
pub fn comparable(dialect: Dialect, column: &Column, place: &str) -> String {
    let own = format!("{place}{}", quoted(dialect, &column.name));
    let is_text = |name: &str| ["char", "text", "enum", "set", "json"].iter().any(|word| name.contains(word));
    match &column.data_type {
        Some(data_type) if is_text(&data_type.name) => format!("CAST(CONVERT({own} USING utf8mb4) AS BINARY)"),
        _ => own,
    }
}

/// One of the columns differs between two places.
#[must_use]
pub fn any_differs(dialect: Dialect, columns: &[&Column], one: &str, other: &str) -> String {
    let differs = |column: &&Column| format!("NOT ({} <=> {})", comparable(dialect, column, one), comparable(dialect, column, other));
    columns.iter().map(differs).collect::<Vec<_>>().join(" OR ")
}

/// The same key at two places.
#[must_use]
pub fn same_key(dialect: Dialect, key: &[String], one: &str, other: &str) -> String {
    key.iter().map(|name| quoted(dialect, name)).map(|name| format!("{one}{name} = {other}{name}")).collect::<Vec<_>>().join(" AND ")
}

/// Stops if a query counts a row. `because`: why it may, where rows that fit are tested with.
#[must_use]
pub fn none_or_raise(select: &str, what: &str, because: Option<&str>) -> Line {
    let allow = because.map(|because| format!("    # alembic-gate: allow may_fail_on_rows because {because}\n")).unwrap_or_default();
    let python = format!(
        "stopped = op.get_bind().scalar(sa.text({}))\nif stopped:\n{allow}    raise RuntimeError(f\"{{stopped}} {}\")",
        crate::recipes::parts::body::python_sql(select),
        what.replace(['{', '}', '"', '\\'], "")
    );
    Line::operation(python, select)
}

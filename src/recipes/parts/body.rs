//! What stands in a revision's functions: operations as Python and as the SQL they send, each in its transaction or outside.

use std::fmt::Write as _;

use crate::dialect::Dialect;
pub use crate::fix::python_sql;

/// An operation, twice: as Python in a revision, and as the SQL that it sends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Python, several lines where it has to be.
    pub python: String,
    /// SQL without the last semicolon; empty where it sends none.
    pub sql: String,
    /// Rules that are accepted here, and why.
    pub allow: Vec<(&'static str, String)>,
}

impl Line {
    /// `op.execute` of one statement.
    #[must_use]
    pub fn execute(sql: impl Into<String>) -> Self {
        let sql = sql.into().trim().trim_end_matches(';').to_owned();
        Self { python: format!("op.execute({})", python_sql(&sql)), sql, allow: Vec::new() }
    }

    /// An operation of Alembic's, and what it sends.
    #[must_use]
    pub fn operation(python: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { python: python.into(), sql: sql.into(), allow: Vec::new() }
    }

    /// The same, with a rule accepted for a reason.
    #[must_use]
    pub fn allowing(mut self, rule: &'static str, because: impl Into<String>) -> Self {
        self.allow.push((rule, because.into()));
        self
    }
}

/// Operations that run together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// In the revision's transaction.
    Inside(Vec<Line>),
    /// Each on its own, committed at once.
    Outside(Vec<Line>),
}

/// The body of `upgrade` or `downgrade`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Body(pub Vec<Part>);

impl Part {
    /// Its lines, in order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        let (Self::Inside(lines) | Self::Outside(lines)) = self;
        lines
    }
}

impl Body {
    /// Lines in one transaction.
    #[must_use]
    pub fn inside(lines: Vec<Line>) -> Self {
        Self(vec![Part::Inside(lines)])
    }

    /// Lines outside of a transaction.
    #[must_use]
    pub fn outside(lines: Vec<Line>) -> Self {
        Self(vec![Part::Outside(lines)])
    }

    /// Says in its head that no stored row is in the way of what comes behind, and why; does nothing itself.
    #[must_use]
    pub fn granting(because: &str) -> Self {
        Self::inside(vec![Line::default().allowing("may_fail_on_rows", because)])
    }

    /// This body, then another.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// All lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.0.iter().flat_map(Part::lines)
    }

    /// The body as Python, not indented.
    #[must_use]
    pub fn python(&self) -> String {
        let mut text = String::new();
        for part in &self.0 {
            let indent = match part {
                Part::Inside(_) => "",
                Part::Outside(_) => "    ",
            };
            if matches!(part, Part::Outside(_)) {
                text.push_str("with op.get_context().autocommit_block():\n");
            }
            let (Part::Inside(lines) | Part::Outside(lines)) = part;
            for line in lines {
                for (rule, because) in &line.allow {
                    let _ = writeln!(text, "{indent}# alembic-gate: allow {rule} because {because}");
                }
                for row in line.python.lines() {
                    let _ = writeln!(text, "{}{row}", if row.is_empty() { "" } else { indent });
                }
            }
        }
        if text.is_empty() { "pass\n".to_owned() } else { text }
    }

    /// The SQL that it sends, with its transactions.
    #[must_use]
    pub fn sql(&self, dialect: Dialect) -> String {
        let brackets = !dialect.is_mysql_family();
        let mut text = String::new();
        for part in &self.0 {
            let (Part::Inside(lines) | Part::Outside(lines)) = part;
            let bracketed = brackets && matches!(part, Part::Inside(_)) && lines.iter().any(|line| !line.sql.is_empty());
            if bracketed {
                text.push_str("BEGIN;\n");
            }
            for line in lines.iter().filter(|line| !line.sql.is_empty()) {
                // Of an operation that sends several statements each may be the one that is meant.
                let several = if line.sql.contains("$$") { vec![line.sql.as_str()] } else { line.sql.split(";\n").collect() };
                for statement in several {
                    for (rule, because) in &line.allow {
                        let _ = writeln!(text, "-- alembic-gate: allow {rule} because {because}");
                    }
                    let _ = writeln!(text, "{statement};");
                }
            }
            if bracketed {
                text.push_str("COMMIT;\n");
            }
        }
        text
    }
}

/// A name that fits where the server cuts at 63 bytes: what is too long ends with a digest of itself.
#[must_use]
pub fn fitting(name: &str) -> String {
    if name.len() <= 60 {
        return name.to_owned();
    }
    let digest = name.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let cut: String = name.chars().take(48).collect();
    format!("{cut}_{digest:08x}")
}

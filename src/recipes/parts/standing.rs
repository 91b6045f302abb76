//! What stands on a column, made again on it or on the one that takes its place, without a long lock (PostgreSQL).

use crate::fix::names::{quoted, relation};
use crate::recipes::Case;
use crate::recipes::parts::body::{Line, Part, fitting, python_sql};
use crate::recipes::parts::online::{IN_PLACE, in_place, modified};
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::written::{constraint_text, create_index, differ, exact};
use crate::sql::change::{Constraint, ConstraintKind, Expression, Index, IndexKey, Name};

/// On which column it is made.
#[derive(Debug, Clone, Copy)]
pub struct Onto<'a> {
    /// The column it stands on.
    pub from: &'a str,
    /// The column it is made on.
    pub to: &'a str,
    /// Indexes and constraints keep their names: those that had them are gone.
    pub keeps_names: bool,
}

impl Onto<'_> {
    /// The name of an index or constraint there: the column's word in it is exchanged, else it gets one behind.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        if self.keeps_names || self.from == self.to {
            return name.to_owned();
        }
        let renamed = word_replaced(name, self.from, self.to, |c| c.is_alphanumeric());
        fitting(&if renamed == name { format!("{name}_{}", self.to) } else { renamed })
    }

    fn columns(&self, names: &[String]) -> Vec<String> {
        names.iter().map(|name| if name == self.from { self.to.to_owned() } else { name.clone() }).collect()
    }

    fn text(&self, expression: &Expression) -> Option<Expression> {
        let text = word_replaced(exact(expression)?, self.from, self.to, |c| c.is_alphanumeric() || c == '_');
        Some(Expression { text, ..expression.clone() })
    }
}

/// A column's name exchanged in an expression.
#[must_use]
pub fn with_column(text: &str, from: &str, to: &str) -> String {
    word_replaced(text, from, to, |c| c.is_alphanumeric() || c == '_')
}

/// The text with each whole word exchanged; `is_word` says what a word is made of.
fn word_replaced(text: &str, from: &str, to: &str, is_word: fn(char) -> bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let (before, behind) = (rest.get(..at).unwrap_or_default(), rest.get(at + from.len()..).unwrap_or_default());
        let whole = !out.chars().chain(before.chars()).next_back().is_some_and(is_word) && !behind.chars().next().is_some_and(is_word);
        out.push_str(before);
        out.push_str(if whole { to } else { from });
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The operations that make it; `None`: something stands there that cannot be made so (a key that others point at, an exclusion).
#[must_use]
pub fn standing(case: &Case<'_>, table: &Name, onto: Onto<'_>) -> Option<Vec<Part>> {
    standing_of(case, table, onto, &|_| true)
}

/// The same for the indexes and for those constraints that are asked for.
#[must_use]
pub fn standing_of(case: &Case<'_>, table: &Name, onto: Onto<'_>, takes: &dyn Fn(&Constraint) -> bool) -> Option<Vec<Part>> {
    let known = case.catalog.table(table)?;
    let mut parts = Vec::new();
    for state in known.indexes_on(onto.from).filter(|state| state.constraint.is_none()) {
        if state.of_parent || known.partition_by.is_some() {
            return None;
        }
        let name = onto.name(state.index.name.as_deref()?);
        parts.push(Part::Outside(concurrent(case, table, &name, &moved(&state.index, onto)?)?));
    }
    for constraint in known.constraints_on(onto.from).filter(|one| takes(one)) {
        let name = onto.name(&constraint_name_of(table, constraint));
        let moved = Constraint { kind: moved_kind(&constraint.kind, onto)?, ..constraint.clone() };
        if !matches!(moved.kind, ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. }) {
            parts.extend(one(case, table, &moved, &name)?);
        }
    }
    Some(parts)
}

/// One constraint, made without a long lock; `None`: a primary key, an exclusion.
#[must_use]
pub fn one(case: &Case<'_>, table: &Name, constraint: &Constraint, name: &str) -> Option<Vec<Part>> {
    let dialect = case.dialect();
    let (written, own) = (relation(dialect, table), quoted(dialect, name));
    if dialect.is_mysql_family() {
        return one_in_place(case, table, constraint, name);
    }
    match &constraint.kind {
        ConstraintKind::Unique { columns, .. } => {
            let index = Index { unique: true, keys: columns.iter().cloned().map(IndexKey::Column).collect(), ..Index::default() };
            let add = Line::execute(format!("ALTER TABLE {written} ADD CONSTRAINT {own} UNIQUE USING INDEX {own}"));
            Some(vec![Part::Outside(concurrent(case, table, name, &index)?), Part::Outside(vec![add])])
        }
        ConstraintKind::Check(_) | ConstraintKind::ForeignKey { .. } => {
            let mut lines = vec![
                Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT IF EXISTS {own}")),
                Line::execute(format!("ALTER TABLE {written} ADD {} NOT VALID", constraint_text(dialect, name, constraint)?)),
            ];
            if !constraint.not_valid {
                lines.push(Line::execute(format!("ALTER TABLE {written} VALIDATE CONSTRAINT {own}")));
            }
            Some(vec![Part::Outside(lines)])
        }
        ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::Exclude { .. }
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Default { .. } => None,
    }
}

/// MySQL and MariaDB: unique in place; a foreign key in place while its rows are not looked at, since they held it before; a check as the
/// server can.
fn one_in_place(case: &Case<'_>, table: &Name, constraint: &Constraint, name: &str) -> Option<Vec<Part>> {
    let text = constraint_text(case.dialect(), name, constraint);
    let line = match &constraint.kind {
        ConstraintKind::Unique { .. } => in_place(case, table, &format!("ADD {}", text?)),
        ConstraintKind::ForeignKey { .. } => unchecked_foreign_key(case, table, &text?),
        ConstraintKind::Check(_) => Line::execute(format!("ALTER TABLE {} ADD {}", relation(case.dialect(), table), text?)),
        ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::Exclude { .. }
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Default { .. } => return None,
    };
    Some(vec![Part::Inside(vec![line])])
}

/// A foreign key added in place: the session's checks are off for this one statement, and on again whatever happens.
#[must_use]
pub fn unchecked_foreign_key(case: &Case<'_>, table: &Name, constraint: &str) -> Line {
    let add = in_place(case, table, &format!("ADD {constraint}"));
    let (off, on) = ("SET SESSION foreign_key_checks = 0", "SET SESSION foreign_key_checks = 1");
    let allow = "alembic-gate: allow checks_disabled because the rows are counted in this plan, and the checks are on again behind it";
    let python = format!("# {allow}\nop.execute(\"{off}\")\ntry:\n    # {allow}\n    {}\nfinally:\n    op.execute(\"{on}\")", add.python);
    Line::operation(python, format!("-- {allow}\n{off};\n-- {allow}\n{};\n{on}", add.sql))
}

/// An index, outside of a transaction; what an earlier try left of it goes first.
#[must_use]
pub fn concurrent(case: &Case<'_>, table: &Name, name: &str, index: &Index) -> Option<Vec<Line>> {
    let dialect = case.dialect();
    if dialect.is_mysql_family() {
        let sql = create_index(dialect, table, name, index, false)?.sql;
        return Some(vec![Line::execute(format!("{sql} {}", IN_PLACE.replace(',', "")))]);
    }
    let leftover = relation(dialect, &Name { schema: table.schema.clone(), name: name.to_owned() });
    Some(vec![Line::execute(format!("DROP INDEX CONCURRENTLY IF EXISTS {leftover}")), create_index(dialect, table, name, index, true)?])
}

fn moved(index: &Index, onto: Onto<'_>) -> Option<Index> {
    let mut keys = Vec::new();
    for key in &index.keys {
        keys.push(match key {
            IndexKey::Column(name) if name == onto.from => IndexKey::Column(onto.to.to_owned()),
            IndexKey::Column(name) => IndexKey::Column(name.clone()),
            IndexKey::Expression(expression) => IndexKey::Expression(onto.text(expression)?),
        });
    }
    let predicate = match &index.predicate {
        Some(predicate) => Some(onto.text(predicate)?),
        None => None,
    };
    Some(Index { keys, predicate, include: onto.columns(&index.include), if_not_exists: false, ..index.clone() })
}

fn moved_kind(kind: &ConstraintKind, onto: Onto<'_>) -> Option<ConstraintKind> {
    Some(match kind {
        ConstraintKind::Check(check) => ConstraintKind::Check(onto.text(check)?),
        ConstraintKind::Unique { columns, .. } => ConstraintKind::Unique { columns: onto.columns(columns), using_index: None },
        ConstraintKind::ForeignKey { columns, reference } => {
            ConstraintKind::ForeignKey { columns: onto.columns(columns), reference: reference.clone() }
        }
        other => other.clone(),
    })
}

/// `NOT NULL`, proven without a long lock: outside of a transaction, then in it.
#[must_use]
pub fn not_null(case: &Case<'_>, table: &Name, column: &str) -> Vec<Part> {
    let dialect = case.dialect();
    let (written, own) = (relation(dialect, table), quoted(dialect, column));
    if dialect.is_mysql_family() {
        let known = case.catalog.table(table).and_then(|known| known.column(column));
        return known
            .and_then(|known| modified(dialect, known, true))
            .map(|text| Part::Inside(vec![in_place(case, table, &text)]))
            .into_iter()
            .collect();
    }
    let name = quoted(dialect, &fitting(&format!("ck_{}_{column}_present", table.name)));
    vec![
        Part::Outside(vec![
            Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT IF EXISTS {name}")),
            Line::execute(format!("ALTER TABLE {written} ADD CONSTRAINT {name} CHECK ({own} IS NOT NULL) NOT VALID")),
            Line::execute(format!("ALTER TABLE {written} VALIDATE CONSTRAINT {name}")),
        ]),
        Part::Inside(vec![
            Line::execute(format!("ALTER TABLE {written} ALTER COLUMN {own} SET NOT NULL")),
            Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT {name}")),
        ]),
    ]
}

/// Stops if two columns differ in any row: raises before anything is locked.
#[must_use]
pub fn equal_or_raise(case: &Case<'_>, table: &Name, one: &str, other: &str) -> Line {
    let written = relation(case.dialect(), table);
    if case.dialect() != crate::dialect::Dialect::Postgresql {
        let select = format!("SELECT count(*) FROM {written} WHERE {}", differ(case.dialect(), one, other));
        let python = format!(
            "if op.get_bind().scalar(sa.text({})):\n    raise RuntimeError({})",
            python_sql(&select),
            crate::fix::python(&format!("{one} and {other} differ: run the backfill again"))
        );
        return Line::operation(python, select);
    }
    Line::execute(format!(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM {written} WHERE {one} IS DISTINCT FROM {other}) THEN RAISE EXCEPTION '{} and {} differ: run the backfill again'; END IF; END $$",
        one.replace(['\'', '"'], ""),
        other.replace(['\'', '"'], "")
    ))
}

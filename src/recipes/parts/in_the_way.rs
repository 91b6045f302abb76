//! Rows that stand in the way of what a step demands: the query that finds them, asked of the user and written beside the statement.
//!
//! Which rows there are, only the real table says. A refused statement stops the deploy; an index built CONCURRENTLY is left invalid.

use crate::dialect::{Dialect, Server};
use crate::recipes::Step;
use crate::recipes::parts::body::{Line, Part, quoted};
use crate::recipes::parts::written::{exact, relation};
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Change, Constraint, ConstraintKind, Index, IndexKey, Name, Reference};
use crate::sql::script;

/// Writes beside each statement of the way up that stored rows may stop which query finds them; gives the questions to be asked.
/// `wish`: the table and what is wished of it, for SQLite, whose statements say it of a copy. `fresh`: the schema where all that the plan
/// makes is new; a column of the plan's own holds nothing that could be in the way.
pub fn ask(step: &mut Step, wish: Option<(&Name, &AlterAction)>, catalog: &Catalog, fresh: &Catalog, server: Server) -> Vec<String> {
    let dialect = server.dialect;
    let is_own = |table: &Name, columns: &[String]| {
        let known = fresh.table(table);
        !columns.is_empty() && columns.iter().all(|name| known.and_then(|known| known.column(name)).is_some_and(|column| column.is_new))
    };
    let copies = |line: &&Line| line.sql.contains("INSERT INTO ") && line.sql.contains("_alembic_tmp_");
    let copy = step.upgrade.lines().find(copies).filter(|_| dialect == Dialect::Sqlite).map(|line| line.sql.clone());
    let found = match copy {
        Some(copy) => {
            let asked = wish.filter(|(table, action)| !is_own(table, &columns_of(table, action, catalog)));
            let query = asked.and_then(|(table, action)| of_action(dialect, table, action, catalog));
            query.map(|query| (copy, query)).into_iter().collect()
        }
        None => of_statements(step, catalog, server, &is_own),
    };
    let mut questions = Vec::new();
    for (statement, query) in found {
        for part in &mut step.upgrade.0 {
            let (Part::Inside(lines) | Part::Outside(lines)) = part;
            for line in lines.iter_mut().filter(|line| line.sql.contains(&statement)) {
                line.allow.push(("may_fail_on_rows", format!("it is applied only where this finds none: {query}")));
            }
        }
        questions.push(format!("is a row in the way of {}? Mend those that this finds first, one stops it: {query}", step.name));
    }
    questions
}

/// The statements of the way up that demand something of rows that stand, each with the query that finds those in its way.
fn of_statements(step: &Step, catalog: &Catalog, server: Server, is_own: &dyn Fn(&Name, &[String]) -> bool) -> Vec<(String, String)> {
    let dialect = server.dialect;
    let mut found = Vec::new();
    let sql = script::read(step.upgrade.sql(dialect), server);
    let mut stands = catalog.clone();
    for statement in &sql.statements {
        let demands = match &statement.reading.change {
            Change::CreateIndex { table, index, .. } if !stands.is_new(table) && !is_own(table, &columns_of_index(index)) => {
                of_index(dialect, table, index)
            }
            Change::AlterTable(alter) if !stands.is_new(&alter.table) => {
                let mut asked = alter.actions.iter().filter(|action| !is_own(&alter.table, &columns_of(&alter.table, action, &stands)));
                asked.find_map(|action| of_action(dialect, &alter.table, action, &stands))
            }
            _ => None,
        };
        found.extend(demands.map(|query| (sql.text_of(statement).to_owned(), query)));
        stands.apply(&statement.reading, statement.transaction);
    }
    found
}

/// The columns that an action demands something of; none where they are not known.
fn columns_of(table: &Name, action: &AlterAction, catalog: &Catalog) -> Vec<String> {
    let of_constraint = |constraint: &Constraint| match &constraint.kind {
        ConstraintKind::Unique { columns, .. }
        | ConstraintKind::PrimaryKey { columns, .. }
        | ConstraintKind::ForeignKey { columns, .. } => columns.clone(),
        ConstraintKind::NotNull { column } => vec![column.clone()],
        _ => Vec::new(),
    };
    match action {
        AlterAction::AddConstraint(constraint) => of_constraint(constraint),
        AlterAction::ValidateConstraint { name } => {
            catalog.table(table).and_then(|known| known.constraint(name)).map(of_constraint).unwrap_or_default()
        }
        AlterAction::AddIndex(index) => columns_of_index(index),
        AlterAction::SetNotNull { column } => vec![column.clone()],
        _ => Vec::new(),
    }
}

/// None where an expression is among the keys.
fn columns_of_index(index: &Index) -> Vec<String> {
    let columns = index.plain_columns();
    if columns.len() == index.keys.len() { columns } else { Vec::new() }
}

fn of_action(dialect: Dialect, table: &Name, action: &AlterAction, catalog: &Catalog) -> Option<String> {
    match action {
        AlterAction::AddConstraint(constraint) if !constraint.not_valid && !constraint.not_enforced => {
            of_constraint(dialect, table, constraint, catalog)
        }
        AlterAction::ValidateConstraint { name } => of_constraint(dialect, table, catalog.table(table)?.constraint(name)?, catalog),
        AlterAction::AddIndex(index) => of_index(dialect, table, index),
        // A check that was proven says that there are none.
        AlterAction::SetNotNull { column } => {
            let is_proven = catalog.table(table).is_some_and(|known| known.constraints_on(column).any(|one| says_present(one, column)));
            (!is_proven).then(|| of_nulls(dialect, table, column))
        }
        AlterAction::ChangeColumn { from, column, .. } => {
            let was_open = catalog.table(table).is_some_and(|known| !known.is_not_null(from));
            (column.not_null && was_open).then(|| of_nulls(dialect, table, from))
        }
        _ => None,
    }
}

fn says_present(constraint: &Constraint, column: &str) -> bool {
    let ConstraintKind::Check(expression) = &constraint.kind else { return false };
    let words: Vec<&str> = expression.text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    matches!(words.as_slice(), [own, is, not, null] if own.eq_ignore_ascii_case(column)
        && is.eq_ignore_ascii_case("is") && not.eq_ignore_ascii_case("not") && null.eq_ignore_ascii_case("null"))
}

fn of_constraint(dialect: Dialect, table: &Name, constraint: &Constraint, catalog: &Catalog) -> Option<String> {
    let named = |columns: &[String]| columns.iter().map(|column| quoted(dialect, column)).collect::<Vec<_>>();
    match &constraint.kind {
        ConstraintKind::Unique { columns, using_index: None } => Some(of_duplicates(dialect, table, &named(columns), None, true)),
        ConstraintKind::PrimaryKey { columns, using_index: None } => Some(of_duplicates(dialect, table, &named(columns), None, false)),
        ConstraintKind::Check(expression) => {
            Some(format!("SELECT count(*) FROM {} WHERE NOT ({})", relation(dialect, table), on_one_line(&expression.text)))
        }
        ConstraintKind::NotNull { column } => Some(of_nulls(dialect, table, column)),
        ConstraintKind::ForeignKey { columns, reference } => of_orphans(dialect, table, columns, reference, catalog),
        _ => None,
    }
}

fn of_index(dialect: Dialect, table: &Name, index: &Index) -> Option<String> {
    let keys: Option<Vec<String>> = index
        .keys
        .iter()
        .map(|key| match key {
            IndexKey::Column(name) => Some(quoted(dialect, name)),
            IndexKey::Expression(expression) => exact(expression).map(on_one_line),
        })
        .collect();
    let keys = keys.filter(|_| index.unique && !index.prefixed)?;
    let predicate = index.predicate.as_ref().map(|predicate| on_one_line(&predicate.text));
    Some(of_duplicates(dialect, table, &keys, predicate.as_deref(), true))
}

/// Values that stand more than once; `nulls_differ`: those with a NULL do not count.
fn of_duplicates(dialect: Dialect, table: &Name, names: &[String], predicate: Option<&str>, nulls_differ: bool) -> String {
    let present = names.iter().filter(|_| nulls_differ).map(|name| format!("{name} IS NOT NULL"));
    let conditions: Vec<String> = present.chain(predicate.map(|predicate| format!("({predicate})"))).collect();
    let condition = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let list = names.join(", ");
    format!("SELECT {list}, count(*) FROM {}{condition} GROUP BY {list} HAVING count(*) > 1", relation(dialect, table))
}

fn of_nulls(dialect: Dialect, table: &Name, column: &str) -> String {
    format!("SELECT count(*) FROM {} WHERE {} IS NULL", relation(dialect, table), quoted(dialect, column))
}

/// Rows that point at nothing, counted; `None`: the key they point at is not known.
#[must_use]
pub fn of_orphans(dialect: Dialect, table: &Name, columns: &[String], reference: &Reference, catalog: &Catalog) -> Option<String> {
    let key = catalog.table(&reference.table).and_then(|known| known.primary_key()).map(<[String]>::to_vec);
    let referred = if reference.columns.is_empty() { key? } else { reference.columns.clone() };
    let (written, parent) = (relation(dialect, table), relation(dialect, &reference.table));
    let pairs: Vec<String> =
        columns.iter().zip(&referred).map(|(own, other)| format!("p.{} = c.{}", quoted(dialect, other), quoted(dialect, own))).collect();
    let present = columns.iter().map(|own| format!("c.{} IS NOT NULL", quoted(dialect, own))).collect::<Vec<_>>().join(" AND ");
    Some(format!(
        "SELECT count(*) FROM {written} AS c WHERE {present} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {})",
        pairs.join(" AND ")
    ))
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

//! Rows that stand in the way of what a step demands: the query that finds them, asked of the user and written beside the statement.

use crate::demand::{self, Demand};
use crate::dialect::{Dialect, Server};
use crate::recipes::Step;
use crate::recipes::parts::body::{Line, Part};
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Name};
use crate::sql::script;

/// Writes beside each statement of the way up that stored rows may stop which query finds them; gives the questions to be asked.
/// `wish`: the table and what is wished of it, for SQLite, whose statements say it of a copy. `fresh`: the schema where all that the plan
/// makes is new; a column of the plan's own holds nothing that could be in the way.
pub fn ask(step: &mut Step, wish: Option<(&Name, &AlterAction)>, catalog: &Catalog, fresh: &Catalog, server: Server) -> Vec<String> {
    let dialect = server.dialect;
    let is_asked = |demand: &Demand| {
        let known = fresh.table(&demand.table);
        let is_own = |name: &String| known.and_then(|known| known.column(name)).is_some_and(|column| column.is_new);
        demand.columns.is_empty() || !demand.columns.iter().all(is_own)
    };
    let copies = |line: &&Line| line.sql.contains("INSERT INTO ") && line.sql.contains("_alembic_tmp_");
    let copy = step.upgrade.lines().find(copies).filter(|_| dialect == Dialect::Sqlite).map(|line| line.sql.clone());
    let found = match copy {
        Some(copy) => {
            let demand = wish.and_then(|(table, action)| demand::of_action(table, action, catalog, dialect)).filter(is_asked);
            demand.map(|demand| (copy, demand)).into_iter().collect()
        }
        None => of_statements(step, catalog, server, &is_asked),
    };
    let mut questions = Vec::new();
    for (statement, Demand { query, .. }) in found {
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

/// The statements of the way up that demand something of rows that stand, each with what it demands.
fn of_statements(step: &Step, catalog: &Catalog, server: Server, is_asked: &dyn Fn(&Demand) -> bool) -> Vec<(String, Demand)> {
    let mut found = Vec::new();
    let sql = script::read(step.upgrade.sql(server.dialect), server);
    let mut stands = catalog.clone();
    for statement in &sql.statements {
        let demand = demand::of(&statement.reading.change, &stands, server.dialect).into_iter().find(is_asked);
        found.extend(demand.map(|demand| (sql.text_of(statement).to_owned(), demand)));
        stands.apply(&statement.reading, statement.transaction);
    }
    found
}

//! A second opinion on queries: what `sqlparser` says they read.
//!
//! Its tree counts only when it is one statement of the kind that our reader saw, and when it could be asked safely:
//! short text, shallow nesting (its recursion is bounded, but dropping a long chain is not). The only file that
//! names `sqlparser`.

use std::ops::ControlFlow;

use sqlparser::ast::{ObjectName, ObjectNamePart, Query, Statement, Visit, Visitor};
use sqlparser::dialect::{Dialect as Grammar, MsSqlDialect, MySqlDialect, OracleDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::dialect::Dialect;
use crate::sql::change::Name;

/// Longer statements are not parsed.
const MAX_BYTES: usize = 8 * 1024;

/// Tables named, and the names that `WITH` gives.
#[derive(Default)]
struct Relations(Vec<Name>, Vec<String>);

impl Visitor for Relations {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let named = query.with.iter().flat_map(|with| &with.cte_tables).map(|table| table.alias.name.value.to_lowercase());
        self.1.extend(named);
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let mut parts = relation.0.iter().rev().filter_map(|part| match part {
            ObjectNamePart::Identifier(identifier) => Some((identifier.value.clone(), identifier.quote_style.is_some())),
            ObjectNamePart::Function(_) => None,
        });
        let folded = |(name, quoted): (String, bool)| if quoted { name } else { name.to_lowercase() };
        if let Some(name) = parts.next() {
            self.0.push(Name { name: folded(name), schema: parts.next().map(folded) });
        }
        ControlFlow::Continue(())
    }
}

/// The tables that a query or DML names, common table expressions left out; `None` when the tree does not count.
#[must_use]
pub fn relations(text: &str, dialect: Dialect) -> Option<Vec<Name>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let grammar: &dyn Grammar = match dialect {
        Dialect::Postgresql => &PostgreSqlDialect {},
        Dialect::Mysql | Dialect::Mariadb => &MySqlDialect {},
        Dialect::Sqlite => &SQLiteDialect {},
        Dialect::Mssql => &MsSqlDialect {},
        Dialect::Oracle => &OracleDialect {},
    };
    let statements = Parser::new(grammar).with_recursion_limit(64).try_with_sql(text).ok()?.parse_statements().ok()?;
    let [statement] = statements.as_slice() else {
        return None;
    };
    if !matches!(
        statement,
        Statement::Query(_) | Statement::Insert(_) | Statement::Update { .. } | Statement::Delete(_) | Statement::Merge { .. }
    ) {
        return None;
    }
    let mut relations = Relations::default();
    let _ = statement.visit(&mut relations);
    let Relations(mut tables, named) = relations;
    tables.retain(|table| table.schema.is_some() || !named.contains(&table.name.to_lowercase()));
    Some(tables)
}

//! Rows of an environment that a statement would be refused for, counted before the first statement is sent.

use std::time::Duration;

use crate::database::{Connection, DatabaseError, Refusal};
use crate::demand::Demand;
use crate::dialect::Dialect;

/// How long a query may count. What takes longer is told, and holds nothing up.
const COUNTING: Duration = Duration::from_secs(20);

/// Rows in the way of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InTheWay {
    /// How many rows, or values that stand more than once.
    pub count: u64,
    /// The table that holds them.
    pub table: String,
    /// Finds them.
    pub query: String,
}

/// What an environment answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    /// What is in the way.
    pub found: Vec<InTheWay>,
    /// The queries that were not answered, each with the reason.
    pub unanswered: Vec<String>,
}

/// Counts, in transactions that can only read. A demand of a column or table that the range makes itself is nobody's: the
/// server refuses the query, and nothing is said.
///
/// # Errors
/// The connection broke, or cannot be kept from writing.
pub fn count(connection: &mut Connection, demands: &[Demand]) -> Result<Counted, DatabaseError> {
    let (begin, end) = match connection.server().dialect {
        Dialect::Postgresql => ("BEGIN READ ONLY", "ROLLBACK"),
        Dialect::Mysql | Dialect::Mariadb => ("START TRANSACTION READ ONLY", "ROLLBACK"),
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    };
    connection.set_time_limit(Some(COUNTING));
    let mut counted = Counted::default();
    for demand in demands {
        connection.execute(begin)?;
        let answer = connection.value(&demand.counted());
        connection.execute(end)?;
        match answer {
            Ok(count) => {
                let count = count.and_then(|count| count.parse().ok()).unwrap_or(0);
                if count > 0 {
                    counted.found.push(InTheWay { count, table: demand.table.shown(), query: demand.query.clone() });
                }
            }
            Err(DatabaseError::TimedOut { limit, .. }) => {
                counted.unanswered.push(format!("not to the end in {} s: {}", limit.as_secs(), demand.query));
            }
            Err(DatabaseError::Refused { refusal, .. }) if is_not_there(&refusal) => {}
            Err(DatabaseError::Refused { refusal, .. }) => counted.unanswered.push(format!("{}: {}", refusal.message, demand.query)),
            Err(error) => return Err(error),
        }
    }
    Ok(counted)
}

/// The server knows no such table or column.
fn is_not_there(refusal: &Refusal) -> bool {
    matches!(refusal.code.as_str(), "42703" | "42P01" | "3F000" | "1054" | "1146") || refusal.message.starts_with("no such ")
}

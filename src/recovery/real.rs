//! A configured database as it is: its version table and its schema, read in a session that refuses writes.

use std::time::Duration;

use super::RecoveryError;
use super::pieces::Texts;
use crate::address::Address;
use crate::database::{Connection, DatabaseError};
use crate::deploy::{limit_look, versions};
use crate::dialect::{Dialect, Server};
use crate::risk::{TableSize, TableSizes};
use crate::snapshot::SchemaSnapshot;
use crate::snapshot::likeness::{VersionTable, comparable};

/// No question to a configured database takes longer.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A configured database, open for reading.
pub struct Real {
    connection: Connection,
    /// Its server.
    pub server: Server,
    /// Its version table, sorted; empty where there is none.
    pub versions: Vec<String>,
}

impl Real {
    /// Connects, makes the session read-only, reads the version table.
    ///
    /// # Errors
    /// No connection; the version table cannot be read.
    pub fn open(address: &Address) -> Result<Self, DatabaseError> {
        let mut connection = Connection::open(address)?;
        connection.set_time_limit(Some(TIME_LIMIT));
        let server = connection.server();
        match server.dialect {
            Dialect::Postgresql => connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")?,
            Dialect::Mysql | Dialect::Mariadb => connection.execute("SET SESSION TRANSACTION READ ONLY")?,
            Dialect::Sqlite => connection.execute("PRAGMA query_only = ON")?,
            Dialect::Mssql | Dialect::Oracle => 0,
        };
        limit_look(&mut connection)?;
        let versions = versions(&mut connection, &VersionTable::default())?;
        Ok(Self { connection, server, versions })
    }

    /// Its schema, without the version table and without what belongs to an environment and not to a chain.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn schema(&mut self) -> Result<SchemaSnapshot, RecoveryError> {
        Ok(comparable(SchemaSnapshot::take(&mut self.connection)?, &VersionTable::default()))
    }

    /// How large its tables are, as the server counts them; a table that was never counted has bytes only.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn sizes(&mut self) -> Result<TableSizes, DatabaseError> {
        let mut sizes = TableSizes::default();
        let sql = match self.server.dialect {
            Dialect::Postgresql => {
                "SELECT CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END, \
                 CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END, pg_total_relation_size(c.oid) \
                 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'"
            }
            Dialect::Mysql | Dialect::Mariadb => {
                "SELECT table_name, table_rows, data_length + index_length FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'"
            }
            Dialect::Sqlite => "SELECT name, NULL, NULL FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
            Dialect::Mssql | Dialect::Oracle => return Ok(sizes),
        };
        for row in self.connection.rows(sql)? {
            let mut cells = row.into_iter();
            let Some(name) = cells.next().flatten() else { continue };
            let mut number = || cells.next().flatten().and_then(|text| text.parse::<f64>().ok());
            let (mut rows, bytes) = (number(), number());
            if self.server.dialect == Dialect::Sqlite {
                // The greatest row number is read off the end of the tree; a table without one is not counted.
                let quoted = name.replace('"', "\"\"");
                rows = self
                    .connection
                    .value(&format!("SELECT max(rowid) FROM \"{quoted}\""))
                    .ok()
                    .flatten()
                    .and_then(|text| text.parse().ok());
            }
            sizes.0.insert(name, TableSize { rows, bytes });
        }
        Ok(sizes)
    }

    /// The definitions of tables and the like as the server writes them.
    pub(super) fn texts(&mut self, labels: &[String]) -> Result<Texts, DatabaseError> {
        super::pieces::texts(&mut self.connection, labels)
    }
}

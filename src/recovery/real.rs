//! A configured database as it is: its version table and its schema, read in a session that refuses writes.

use std::time::Duration;

use super::RecoveryError;
use super::pieces::Texts;
use crate::address::Address;
use crate::database::{Connection, DatabaseError};
use crate::deploy::{limit_look, versions};
use crate::dialect::{Dialect, Server};
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

    /// The definitions of tables and the like as the server writes them.
    pub(super) fn texts(&mut self, labels: &[String]) -> Result<Texts, DatabaseError> {
        super::pieces::texts(&mut self.connection, labels)
    }
}

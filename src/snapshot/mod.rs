//! The schema of a database as plain data, and what differs between two of them.
//!
//! PostgreSQL is asked one catalogue query, MariaDB and MySQL `information_schema` and `SHOW CREATE`, SQLite pragmas.
//! Nothing in a snapshot depends on object numbers, on time, on rows or on statistics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::database::{Connection, DatabaseError};
use crate::dialect::Dialect;

pub mod diff;
pub mod likeness;
mod mysql;
mod postgresql;
mod sqlite;

pub use diff::{Change, Class, Difference, SchemaDiff, diff};

/// A schema could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The server did not answer the catalogue query.
    #[error("the schema of the database could not be read")]
    Database(#[from] DatabaseError),
    /// The server answered what we do not understand.
    #[error("the catalogue of the database gave a row of an unknown form: {row}")]
    Row {
        /// Its beginning.
        row: String,
    },
    /// There is no snapshot for this kind of server.
    #[error("the schema of {} cannot be read", .0.title())]
    NotSupported(Dialect),
}

impl SnapshotError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Database(error) => error.hint(),
            Self::Row { .. } => "this is an error of alembic-gate: report it with the version of the server".to_owned(),
            Self::NotSupported(_) => "take PostgreSQL, MariaDB, MySQL or SQLite".to_owned(),
        }
    }
}

/// An object and all that can be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Object {
    /// `table`, `column`, `index`, … in lower case with underscores.
    pub kind: String,
    /// Qualified, quoted where the server would want quotes.
    pub name: String,
    /// The label of what it comes and goes with: the table of a column.
    pub belongs_to: Option<String>,
    /// By name; what is not set or is the default of the server is not there.
    pub attributes: BTreeMap<String, String>,
}

/// Every object of a database.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SchemaSnapshot {
    /// By label, which is kind and name: `table public.users`, `column public.users.phone`.
    pub objects: BTreeMap<String, Object>,
}

impl SchemaSnapshot {
    /// Reads the schema of the database a connection is in; the connection must be in no transaction.
    ///
    /// # Errors
    /// The server refuses, or the dialect has no snapshot.
    pub fn take(connection: &mut Connection) -> Result<Self, SnapshotError> {
        match connection.server().dialect {
            Dialect::Postgresql => postgresql::take(connection),
            Dialect::Mysql | Dialect::Mariadb => mysql::take(connection),
            Dialect::Sqlite => sqlite::take(connection),
            other @ (Dialect::Mssql | Dialect::Oracle) => Err(SnapshotError::NotSupported(other)),
        }
    }

    /// As [`Self::take`], for a connection of our own that is looked at more than once: what can be prepared stays so.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_again(connection: &mut Connection) -> Result<Self, SnapshotError> {
        if connection.server().dialect == Dialect::Postgresql { postgresql::take_again(connection) } else { Self::take(connection) }
    }

    /// 64 hex digits: equal for equal schemas, whatever the order in which things were made.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (label, object) in &self.objects {
            hash.update(label.as_bytes());
            for (name, value) in &object.attributes {
                hash.update(format!("\0{}\0{name}\0{}\0{value}", name.len(), value.len()).as_bytes());
            }
            hash.update(b"\0\0");
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Without an object and all that belongs to it, for example Alembic's own table of versions.
    #[must_use]
    pub fn without(mut self, label: &str) -> Self {
        let gone: Vec<String> = self.objects.keys().filter(|key| *key == label || self.is_below(key, label)).cloned().collect();
        for key in gone {
            self.objects.remove(&key);
        }
        self
    }

    /// True where `label` belongs to `above`, directly or by way of others.
    fn is_below(&self, label: &str, above: &str) -> bool {
        self.ancestors(label).any(|ancestor| ancestor == above)
    }

    /// What an object belongs to, what that belongs to, and so on.
    pub(crate) fn ancestors<'a>(&'a self, label: &str) -> impl Iterator<Item = &'a str> {
        let parent = |label: &str| self.objects.get(label).and_then(|object| object.belongs_to.as_deref());
        // Bounded: names come from a server, and a circle must not hold us.
        std::iter::successors(parent(label), move |above| parent(above)).take(16)
    }

    pub(crate) fn attribute(&self, label: &str, name: &str) -> Option<&str> {
        self.objects.get(label)?.attributes.get(name).map(String::as_str)
    }

    fn insert(&mut self, kind: &str, name: String, belongs_to: Option<String>, attributes: BTreeMap<String, String>) {
        self.objects.insert(format!("{kind} {name}"), Object { kind: kind.to_owned(), name, belongs_to, attributes });
    }
}

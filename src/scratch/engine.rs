//! What an engine must be able to do to hold scratch databases.

use std::fmt::Debug;
use std::path::Path;

use super::error::ScratchError;
use super::owner::Owner;
use crate::address::Address;
use crate::dialect::{Encoding, Server};

/// A question to a connection and the only right answer: run before the first statement of every connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// A query that reads and gives one row.
    pub sql: String,
    /// That row, as text.
    pub expected: Vec<String>,
}

/// A template as it stands on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredTemplate {
    /// The database or file.
    pub(super) name: String,
    /// The digest the caller gave, hashed.
    pub(super) key: String,
    /// When it was last cloned, in seconds since 1970 by the server's clock.
    pub(super) used: u64,
}

impl StoredTemplate {
    /// The mark that stands on a template: `alembic-gate template key=… used=…`.
    pub(super) fn mark(key: &str, used: u64) -> String {
        format!("alembic-gate template key={key} used={used}")
    }

    pub(super) fn read(name: &str, mark: &str) -> Option<Self> {
        let (key, used) = mark.strip_prefix("alembic-gate template key=")?.split_once(" used=")?;
        Some(Self { name: name.to_owned(), key: key.to_owned(), used: used.parse().ok()? })
    }
}

/// A server, or a folder in SQLite. Names of databases are always ours: letters, digits, underscores.
pub(super) trait Engine: Send + Sync + Debug {
    fn server(&self) -> Server;
    /// What tells this server from any other: PostgreSQL's system identifier, MySQL's server UUID.
    fn identifier(&self) -> Option<&str>;
    fn is_alive(&self) -> bool;
    /// The process we started, where we did.
    fn process_id(&self) -> Option<u32>;
    /// For migrations.
    fn address(&self, database: &str) -> Address;
    /// For us.
    fn admin_address(&self, database: &str) -> Address;
    /// Makes a database that is marked as ours.
    /// `encoding` is what the template has, where there is one.
    fn create(&self, name: &str, template: Option<&str>, encoding: &Encoding) -> Result<Owner, ScratchError>;
    fn drop_database(&self, name: &str) -> Result<(), ScratchError>;
    fn proof(&self, name: &str, owner: &Owner) -> Proof;
    /// Turns a database into a template that nobody connects to.
    fn keep(&self, name: &str, template: &str, mark: &str) -> Result<(), ScratchError>;
    fn templates(&self) -> Result<Vec<StoredTemplate>, ScratchError>;
    /// Writes a new mark on a template.
    fn mark(&self, template: &str, mark: &str) -> Result<(), ScratchError>;
    /// Seconds since 1970 as the server counts them.
    fn clock(&self) -> Result<u64, ScratchError>;
    /// Databases of ours whose owners are gone.
    fn leftovers(&self) -> Result<Vec<String>, ScratchError>;
    /// The mark on a database, where it is there; empty where it has none.
    fn owner_of(&self, name: &str) -> Result<Option<String>, ScratchError>;
    /// The size of a database, 0 where it is not known.
    fn bytes_of(&self, name: &str) -> u64;
    /// The run folder, where we started the server.
    fn folder(&self) -> Option<&Path>;
    /// Ends a server of our own and removes its folder, whoever still works with it; the user's own is left alone.
    fn stop(&self);
}

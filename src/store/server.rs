//! Records in PostgreSQL: the same texts under the same names as in a folder, for replicas that share no disk.
//!
//! Who writes a record holds its row; all of it is written, or nothing. Connections go without TLS: stand beside the server,
//! or behind a proxy that speaks it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use crate::address::Address;
use crate::database::{Connection, DatabaseError, url};
use crate::digest::Digest;
use crate::lifecycle::identity::MigrationId;

/// The variable that names the database: a URL, as SQLAlchemy writes it.
pub const URL_VARIABLE: &str = "ALEMBIC_GATE_STORE_URL";

/// The schema of the store, one numbered migration after the other; what is here is never changed again.
const MIGRATIONS: &[(&str, &str)] =
    &[("0001_records", include_str!("schema_0001_records.sql")), ("0002_runs", include_str!("schema_0002_runs.sql"))];

/// The lock under which the schema is brought up to date: `alembic` in ASCII.
const SCHEMA_LOCK: i64 = 0x61_6c_65_6d_62_69_63;

/// The longest that a statement may take; how long another replica may hold a record.
const LIMIT: Duration = Duration::from_secs(20);
/// How long we wait for another replica.
pub const MOST_WAIT: Duration = Duration::from_secs(5);

/// A database that keeps records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    address: Address,
    /// The project's name, the same on every replica.
    project: String,
}

/// A record could not be read from or written to the database.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The variable names no database of ours.
    #[error("`{URL_VARIABLE}` is no URL of a PostgreSQL database")]
    Url,
    /// The database did not do what it was asked.
    #[error("the store in PostgreSQL: {0}")]
    Database(#[from] DatabaseError),
    /// Another replica holds the record.
    #[error("the record is held by another replica for more than {} s", MOST_WAIT.as_secs())]
    Busy,
    /// A newer program has changed the schema.
    #[error("the store was made by a newer alembic-gate: it has schema migration {found}, this program knows {known}")]
    Newer {
        /// The last one there.
        found: usize,
        /// The last one here.
        known: usize,
    },
    /// The schema is not what was applied.
    #[error("schema migration {number} of the store is not the one of this program")]
    Changed {
        /// Which.
        number: usize,
    },
}

impl ServerError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Url => "give for example `postgresql://gate:…@host/gate`; without the variable records lie in the project".to_owned(),
            Self::Database(error) => error.hint(),
            Self::Busy => "try again; if it stays so, look for a replica that hangs".to_owned(),
            Self::Newer { .. } => "take the same version of alembic-gate on all replicas".to_owned(),
            Self::Changed { .. } => "name another database, or drop the schema `alembic_gate_store`: tests are then repeated".to_owned(),
        }
    }
}

impl Server {
    /// The database that the environment names for a project; none where it names none, and then nobody asks for its name.
    ///
    /// # Errors
    /// It names something else.
    pub fn from_environment(name: impl FnOnce() -> String) -> Result<Option<Self>, ServerError> {
        let Some(text) = std::env::var(URL_VARIABLE).ok().filter(|text| !text.is_empty()) else { return Ok(None) };
        Self::at(url::read(&text).map_err(|_| ServerError::Url)?, &name()).map(Some)
    }

    /// A database for a project.
    ///
    /// # Errors
    /// It is no PostgreSQL.
    pub fn at(address: Address, project: &str) -> Result<Self, ServerError> {
        match address {
            Address::Postgresql { .. } | Address::PostgresqlHost { .. } => Ok(Self { address, project: project.to_owned() }),
            Address::Mysql { .. } | Address::MysqlHost { .. } | Address::Sqlite { .. } => Err(ServerError::Url),
        }
    }

    /// The project's name there.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// A connection to a store whose schema is up to date.
    ///
    /// # Errors
    /// It cannot be reached, or another program has made it.
    pub fn connect(&self) -> Result<Connection, ServerError> {
        static READY: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
        let mut connection = Connection::open(&self.address)?;
        connection.set_time_limit(Some(LIMIT));
        connection.execute(&format!("SET standard_conforming_strings = on; SET lock_timeout = '{} s'", MOST_WAIT.as_secs()))?;
        let place = self.address.to_string();
        let is_ready = |ready: &HashSet<String>| ready.contains(&place);
        if !is_ready(&READY.lock().unwrap_or_else(PoisonError::into_inner)) {
            prepared(&mut connection)?;
            READY.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        }
        Ok(connection)
    }

    /// The ids of all migrations on record.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn migrations(&self) -> Result<Vec<String>, ServerError> {
        let sql = format!("SELECT id FROM alembic_gate_store.migration WHERE project = {} ORDER BY id", literal(&self.project));
        Ok(self.connect()?.rows(&sql)?.into_iter().flatten().flatten().collect())
    }

    /// The texts of a record, by name.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn texts(&self, id: &MigrationId) -> Result<BTreeMap<String, String>, ServerError> {
        Ok(texts(&mut self.connect()?, &self.project, id)?)
    }

    /// Holds a record until it is kept, or dropped: then nothing was written.
    ///
    /// # Errors
    /// The database cannot be asked, or another replica holds the record.
    pub fn hold(&self, id: &MigrationId) -> Result<Held, ServerError> {
        let mut connection = self.connect()?;
        let (project, migration) = (literal(&self.project), literal(id.as_str()));
        let held = connection.execute(&format!(
            "BEGIN; INSERT INTO alembic_gate_store.migration (project, id) VALUES ({project}, {migration}) ON CONFLICT DO NOTHING; \
             SELECT id FROM alembic_gate_store.migration WHERE project = {project} AND id = {migration} FOR UPDATE"
        ));
        match held {
            Ok(_) => Ok(Held { connection, project: self.project.clone(), id: id.clone() }),
            Err(error) if error.code() == Some("55P03") => Err(ServerError::Busy),
            Err(error) => Err(error.into()),
        }
    }
}

/// A record that nobody else writes.
#[derive(Debug)]
pub struct Held {
    connection: Connection,
    project: String,
    id: MigrationId,
}

impl Held {
    /// Its texts, by name.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn texts(&mut self) -> Result<BTreeMap<String, String>, ServerError> {
        Ok(texts(&mut self.connection, &self.project, &self.id)?)
    }

    /// Writes one of them.
    ///
    /// # Errors
    /// The database refuses.
    pub fn write(&mut self, name: &str, content: &str) -> Result<(), ServerError> {
        let values = [self.project.as_str(), self.id.as_str(), name, content].map(literal).join(", ");
        self.connection.execute(&format!(
            "INSERT INTO alembic_gate_store.record (project, migration, name, content) VALUES ({values}) \
             ON CONFLICT (project, migration, name) DO UPDATE SET content = excluded.content, changed_at = now()"
        ))?;
        Ok(())
    }

    /// Renames one of them to the first free name, which is given back.
    ///
    /// # Errors
    /// The database refuses.
    pub fn put_aside(&mut self, name: &str, numbered: fn(u32) -> String) -> Result<String, ServerError> {
        let there = self.texts()?;
        let free = (1..).map(numbered).find(|name| !there.contains_key(name)).unwrap_or_else(|| numbered(0));
        let [project, migration, from, to] = [self.project.as_str(), self.id.as_str(), name, free.as_str()].map(literal);
        self.connection.execute(&format!(
            "UPDATE alembic_gate_store.record SET name = {to} WHERE project = {project} AND migration = {migration} AND name = {from}"
        ))?;
        Ok(free)
    }

    /// All of it stands.
    ///
    /// # Errors
    /// The database refuses: nothing of it stands.
    pub fn keep(mut self) -> Result<(), ServerError> {
        self.connection.execute("COMMIT")?;
        Ok(())
    }
}

fn texts(connection: &mut Connection, project: &str, id: &MigrationId) -> Result<BTreeMap<String, String>, DatabaseError> {
    let (project, migration) = (literal(project), literal(id.as_str()));
    let rows = connection
        .rows(&format!("SELECT name, content FROM alembic_gate_store.record WHERE project = {project} AND migration = {migration}"))?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let mut values = row.into_iter().flatten();
            Some((values.next()?, values.next()?))
        })
        .collect())
}

/// Brings the schema up to date; replicas that start together do it one after the other.
fn prepared(connection: &mut Connection) -> Result<(), ServerError> {
    connection.execute(&format!(
        "BEGIN; SELECT pg_advisory_xact_lock({SCHEMA_LOCK}); CREATE SCHEMA IF NOT EXISTS alembic_gate_store; \
         CREATE TABLE IF NOT EXISTS alembic_gate_store.schema_migration \
         (number int PRIMARY KEY, name text NOT NULL, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    ))?;
    let done = connection.rows("SELECT digest FROM alembic_gate_store.schema_migration ORDER BY number")?;
    if done.len() > MIGRATIONS.len() {
        return Err(ServerError::Newer { found: done.len(), known: MIGRATIONS.len() });
    }
    for (at, (name, sql)) in MIGRATIONS.iter().enumerate() {
        let (number, digest) = (at + 1, Digest::of_source("schema of the store", sql).hex());
        match done.get(at) {
            Some(row) if row.first() == Some(&Some(digest.clone())) => {}
            Some(_) => return Err(ServerError::Changed { number }),
            None => {
                connection.execute(sql)?;
                connection.execute(&format!(
                    "INSERT INTO alembic_gate_store.schema_migration (number, name, digest) VALUES ({number}, {}, {})",
                    literal(name),
                    literal(&digest)
                ))?;
            }
        }
    }
    connection.execute("COMMIT")?;
    Ok(())
}

/// A text as SQL writes it, where `standard_conforming_strings` is on.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

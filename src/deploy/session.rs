//! A connection to an environment: limits, the lock against a second runner, the revision it stands at.

use std::time::Duration;

use crate::address::Address;
use crate::config::Environment;
use crate::database::url::{self, UrlError};
use crate::database::{Connection, DatabaseError};
use crate::dialect::Dialect;
use crate::digest::Digest;
use crate::snapshot::likeness::VersionTable;

/// How long anything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For a lock, each time.
    pub lock: Duration,
    /// For a statement; none where it may take as long as it takes.
    pub statement: Option<Duration>,
    /// How often a statement or transaction that got no lock is tried, at least 1.
    pub tries: u32,
    /// Before the second try; doubled each time, at most 30 s.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lock: Duration::from_secs(3), statement: None, tries: 5, pause: Duration::from_secs(1) }
    }
}

/// An environment cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It names no variable.
    #[error("`[environments.{0}]` has no `url_env`")]
    NoVariable(String),
    /// The variable is not set.
    #[error("`{variable}` is not set: nobody can be asked where `{environment}` stands")]
    NotSet {
        /// The environment.
        environment: String,
        /// The variable that should hold the URL.
        variable: String,
    },
    /// The variable holds no URL that we can use; what it holds is not repeated.
    #[error("`{variable}` holds no URL that can be used")]
    Url {
        /// The variable.
        variable: String,
        /// Why.
        #[source]
        source: UrlError,
    },
    /// The server does not answer, or refuses.
    #[error("`{environment}` could not be asked")]
    Database {
        /// The environment.
        environment: String,
        /// Why.
        #[source]
        source: DatabaseError,
    },
}

impl TargetError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoVariable(environment) => format!("add `url_env = \"…\"` to `[environments.{environment}]`"),
            Self::NotSet { variable, .. } => format!("set `{variable}` where alembic-gate is started, never in a file"),
            Self::Url { source, .. } => source.hint().to_owned(),
            Self::Database { source, .. } => source.hint(),
        }
    }
}

/// An environment, and where it is. Its URL is read from the environment of this process and shown to nobody.
#[derive(Debug, Clone)]
pub struct Target {
    environment: String,
    address: Address,
}

impl Target {
    /// The environment's database.
    ///
    /// # Errors
    /// No variable is named, it is not set, it holds no URL.
    pub fn of(name: &str, environment: &Environment) -> Result<Self, TargetError> {
        let Some(variable) = &environment.url_env else { return Err(TargetError::NoVariable(name.to_owned())) };
        let text = std::env::var(variable).ok().filter(|text| !text.trim().is_empty());
        let Some(text) = text else {
            return Err(TargetError::NotSet { environment: name.to_owned(), variable: variable.clone() });
        };
        Self::at(name, variable, &text)
    }

    /// The database behind a URL.
    ///
    /// # Errors
    /// It is no URL of a server that can be used.
    pub fn at(environment: &str, variable: &str, text: &str) -> Result<Self, TargetError> {
        let address = url::read(text).map_err(|source| TargetError::Url { variable: variable.to_owned(), source })?;
        Ok(Self { environment: environment.to_owned(), address })
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// A connection.
    ///
    /// # Errors
    /// The server does not answer or refuses.
    pub fn connect(&self) -> Result<Connection, TargetError> {
        Connection::open(&self.address).map_err(|source| TargetError::Database { environment: self.environment.clone(), source })
    }
}

/// What the version table says, sorted; empty where there is none, or nothing in it.
///
/// # Errors
/// The server refuses.
pub fn versions(connection: &mut Connection, table: &VersionTable) -> Result<Vec<String>, DatabaseError> {
    if !stands(connection, table)? {
        return Ok(Vec::new());
    }
    let name = quoted(connection.server().dialect, table);
    let rows = connection.rows(&format!("SELECT version_num FROM {name} ORDER BY version_num"))?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

/// True where the version table is there.
///
/// # Errors
/// The server refuses.
pub fn stands(connection: &mut Connection, table: &VersionTable) -> Result<bool, DatabaseError> {
    let dialect = connection.server().dialect;
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let sql = match dialect {
        Dialect::Postgresql => format!("SELECT to_regclass({})", text(&quoted(dialect, table))),
        Dialect::Mysql | Dialect::Mariadb => {
            let schema = table.schema.as_deref().map_or_else(|| "DATABASE()".to_owned(), text);
            format!("SELECT table_name FROM information_schema.tables WHERE table_schema = {schema} AND table_name = {}", text(&table.name))
        }
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => {
            format!("SELECT name FROM sqlite_master WHERE type = 'table' AND name = {}", text(&table.name))
        }
    };
    Ok(connection.value(&sql)?.is_some())
}

fn quoted(dialect: Dialect, table: &VersionTable) -> String {
    let mark = if dialect.is_mysql_family() { '`' } else { '"' };
    let one = |name: &str| format!("{mark}{}{mark}", name.replace(mark, &format!("{mark}{mark}")));
    match &table.schema {
        Some(schema) => format!("{}.{}", one(schema), one(&table.name)),
        None => one(&table.name),
    }
}

/// Sets the limits of a connection. What a revision sets itself holds over them.
///
/// # Errors
/// The server refuses.
pub fn limit(connection: &mut Connection, limits: &Limits) -> Result<(), DatabaseError> {
    let lock_ms = limits.lock.as_millis().max(1);
    let sql = match connection.server().dialect {
        Dialect::Postgresql => {
            let statement_ms = limits.statement.map_or(0, |limit| limit.as_millis().max(1));
            format!("SET lock_timeout = {lock_ms}; SET statement_timeout = {statement_ms}; SET idle_in_transaction_session_timeout = 0")
        }
        // A change is committed where Alembic commits it, as the drivers of Python do.
        Dialect::Mysql | Dialect::Mariadb => {
            let seconds = limits.lock.as_secs().max(1);
            format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}, autocommit = 0")
        }
        // SQLite's own default, and what Python has: with foreign keys on, DROP TABLE deletes what refers to it.
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => format!("PRAGMA busy_timeout = {lock_ms}; PRAGMA foreign_keys = OFF"),
    };
    connection.execute(&sql)?;
    if !matches!(connection.server().dialect, Dialect::Postgresql) {
        connection.set_time_limit(limits.statement);
    }
    Ok(())
}

/// How long who only looks waits for a lock: PostgreSQL asks for one on a table to show its expressions, and gets none behind
/// somebody who waits to change it.
const LOOK: Duration = Duration::from_secs(2);

/// Limits a session that only looks.
///
/// # Errors
/// The server refuses.
pub fn limit_look(connection: &mut Connection) -> Result<(), DatabaseError> {
    let sql = match connection.server().dialect {
        Dialect::Postgresql => format!("SET lock_timeout = {}", LOOK.as_millis()),
        Dialect::Mysql | Dialect::Mariadb => format!("SET SESSION lock_wait_timeout = {0}, innodb_lock_wait_timeout = {0}", LOOK.as_secs()),
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => format!("PRAGMA busy_timeout = {}", LOOK.as_millis()),
    };
    connection.execute(&sql).map(drop)
}

/// Two numbers that say "a runner of alembic-gate" to `pg_try_advisory_lock`.
const LOCK: (i32, i32) = (0x616c_656d, 0x6761_7465);

/// Takes the lock against a second runner; who holds it where somebody does, in a few words.
///
/// # Errors
/// The server refuses.
pub fn lock(connection: &mut Connection) -> Result<Result<(), String>, DatabaseError> {
    match connection.server().dialect {
        Dialect::Postgresql => {
            let taken = connection.value(&format!("SELECT pg_try_advisory_lock({}, {})", LOCK.0, LOCK.1))?;
            if taken.as_deref() == Some("t") {
                return Ok(Ok(()));
            }
            let holder = format!(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = {} AND objid = {} AND objsubid = 2 AND granted \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                LOCK.0, LOCK.1
            );
            let holder = connection.value(&holder)?.map_or_else(|| "another session".to_owned(), |pid| format!("session {pid}"));
            Ok(Err(holder))
        }
        Dialect::Mysql | Dialect::Mariadb => {
            let name = lock_name(connection)?;
            let taken = connection.value(&format!("SELECT GET_LOCK('{name}', 0)"))?;
            if taken.as_deref() == Some("1") {
                return Ok(Ok(()));
            }
            let holder = connection.value(&format!("SELECT IS_USED_LOCK('{name}')"))?;
            Ok(Err(holder.map_or_else(|| "another session".to_owned(), |id| format!("connection {id}"))))
        }
        // The write lock of each transaction, under which the revision is compared, keeps a second one out.
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => Ok(Ok(())),
    }
}

/// Gives the lock back; it goes with the connection anyway.
pub fn unlock(connection: &mut Connection) {
    let sql = match connection.server().dialect {
        Dialect::Postgresql => format!("SELECT pg_advisory_unlock({}, {})", LOCK.0, LOCK.1),
        Dialect::Mysql | Dialect::Mariadb => match lock_name(connection) {
            Ok(name) => format!("SELECT RELEASE_LOCK('{name}')"),
            Err(_) => return,
        },
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => return,
    };
    let _ = connection.rows(&sql);
}

/// Locks of MariaDB belong to the server: the name carries the database, at most 64 characters.
fn lock_name(connection: &mut Connection) -> Result<String, DatabaseError> {
    let database = connection.value("SELECT DATABASE()")?.unwrap_or_default();
    let digits: String = Digest::of("runner's lock", &[database.as_bytes()]).hex().chars().take(32).collect();
    Ok(format!("alembic-gate {digits}"))
}

/// True where somebody else held a lock for too long: `lock_timeout` and a deadlock in PostgreSQL, `ER_LOCK_WAIT_TIMEOUT`
/// in MariaDB (a deadlock there takes the whole transaction back), SQLITE_BUSY.
pub fn is_lock_trouble(dialect: Dialect, error: &DatabaseError) -> bool {
    let Some(code) = error.code() else { return false };
    match dialect {
        Dialect::Postgresql => ["55P03", "40P01"].contains(&code),
        Dialect::Mysql | Dialect::Mariadb => code == "1205",
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => code.contains("is locked"),
    }
}

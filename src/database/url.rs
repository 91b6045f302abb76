//! The URL of a server, as people write it for SQLAlchemy, libpq or a MySQL client.

use crate::address::{Address, Login, Password};

/// A URL that names no server we can use. Its text is not repeated: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It has no `scheme://`.
    #[error("the URL has no scheme such as `postgresql://`")]
    NoScheme,
    /// Its scheme is of another kind of server.
    #[error("`{scheme}` is no server we can use")]
    UnknownScheme {
        /// The word before `://`.
        scheme: String,
    },
    /// Its port is no number.
    #[error("the port `{port}` is no number from 1 to 65535")]
    Port {
        /// What stands there.
        port: String,
    },
    /// A part is not percent-encoded as URLs are.
    #[error("the {part} of the URL holds a `%` that is no code, or bytes that are no text")]
    Encoding {
        /// Which part.
        part: &'static str,
    },
}

impl UrlError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoScheme | Self::UnknownScheme { .. } => {
                "write it like `postgresql://user:password@host:5432/` or `mariadb://user:password@host:3306/`"
            }
            Self::Port { .. } => "put the port behind the host: `host:5432`",
            Self::Encoding { .. } => "write special characters as `%` and two hex digits, `@` for example as `%40`",
        }
    }
}

/// Reads `postgresql[+driver]://user:password@host:port/database?host=/socket/folder`, and the same with `postgres`,
/// `mysql` and `mariadb` (there `?unix_socket=`), and `sqlite:////folder/file`. What is left out is what the server's
/// own clients take: localhost, 5432 or 3306, the user `postgres` or `root`, a database named as the user or none.
///
/// # Errors
/// What cannot be read, never with the text of the URL.
pub fn read(text: &str) -> Result<Address, UrlError> {
    let (scheme, rest) = text.trim().split_once("://").ok_or(UrlError::NoScheme)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let family = scheme.split('+').next().unwrap_or_default();
    match family {
        "postgresql" | "postgres" => postgresql(rest, query),
        "mysql" | "mariadb" => mysql(rest, query),
        "sqlite" => Ok(Address::Sqlite { file: decoded(rest.strip_prefix('/').unwrap_or(rest), "file")?.into() }),
        _ => Err(UrlError::UnknownScheme { scheme: scheme.chars().take(30).collect() }),
    }
}

fn postgresql(rest: &str, query: &str) -> Result<Address, UrlError> {
    let (login, database) = login(rest, 5432, "postgres")?;
    let port = parameter(query, "port").map_or(Ok(login.port), |port| number(&port))?;
    let database = if database.is_empty() { login.user.clone() } else { database };
    match parameter(query, "host") {
        Some(folder) if folder.starts_with('/') && login.password.is_none() => {
            Ok(Address::Postgresql { socket_dir: folder.into(), port, user: login.user, database })
        }
        Some(host) => Ok(Address::PostgresqlHost { login: Login { host, port, ..login }, database }),
        None => Ok(Address::PostgresqlHost { login: Login { port, ..login }, database }),
    }
}

fn mysql(rest: &str, query: &str) -> Result<Address, UrlError> {
    let (login, database) = login(rest, 3306, "root")?;
    match parameter(query, "unix_socket") {
        Some(socket) if login.password.is_none() => Ok(Address::Mysql { socket: socket.into(), user: login.user, database }),
        // As in PostgreSQL, a host that begins with a slash is a socket.
        Some(socket) => Ok(Address::MysqlHost { login: Login { host: socket, ..login }, database }),
        None => Ok(Address::MysqlHost { login, database }),
    }
}

/// `user:password@host:port/database`.
fn login(rest: &str, port: u16, user: &str) -> Result<(Login, String), UrlError> {
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (who, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (name, password) = who.split_once(':').map_or((who, None), |(name, password)| (name, Some(password)));
    let (host, port) = host_and_port(place, port)?;
    let name = decoded(name, "user")?;
    let login = Login {
        host: if host.is_empty() { "localhost".to_owned() } else { decoded(host, "host")? },
        port,
        user: if name.is_empty() { user.to_owned() } else { name },
        password: password.map(|password| decoded(password, "password").map(Password::new)).transpose()?,
    };
    Ok((login, decoded(database, "database")?))
}

fn host_and_port(place: &str, port: u16) -> Result<(&str, u16), UrlError> {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|place| place.split_once(']')) {
        return Ok((host, rest.strip_prefix(':').map_or(Ok(port), number)?));
    }
    match place.rsplit_once(':') {
        Some((host, given)) => Ok((host, number(given)?)),
        None => Ok((place, port)),
    }
}

fn number(port: &str) -> Result<u16, UrlError> {
    port.parse().ok().filter(|port| *port > 0).ok_or_else(|| UrlError::Port { port: port.chars().take(12).collect() })
}

fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).find_map(|(_, value)| decoded(value, "query").ok())
}

fn decoded(text: &str, part: &'static str) -> Result<String, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(UrlError::Encoding { part }) };
        bytes.push(high * 16 + low);
    }
    String::from_utf8(bytes).map_err(|_| UrlError::Encoding { part })
}

//! MariaDB and MySQL by the text protocol: several statements at once, values as text.

use mysql::prelude::Queryable;
use mysql::{Conn, Opts, OptsBuilder, Value};

use super::{Answer, CONNECT_TIMEOUT, Canceller, DatabaseError, GRACE, Opened, Refusal, Session, shown, text_of};
use crate::address::Address;
use crate::dialect::Dialect;
use crate::secret::redacted;

struct MysqlSession {
    client: Conn,
    address: String,
}

pub(super) fn open(address: &Address) -> Result<Opened, DatabaseError> {
    let unreachable =
        |error: mysql::Error| DatabaseError::Unreachable { address: address.to_string(), message: redacted(&error.to_string()) };
    let mut client = Conn::new(settings(address)).map_err(unreachable)?;
    let version: String = client.query_first("SELECT VERSION()").map_err(unreachable)?.unwrap_or_default();
    let dialect = if version.contains("MariaDB") { Dialect::Mariadb } else { Dialect::Mysql };
    let session_id = client.connection_id();
    let canceller = canceller(address, session_id);
    let session = Box::new(MysqlSession { client, address: address.to_string() });
    Ok(Opened { session, canceller, dialect, version, session_id: Some(u64::from(session_id)) })
}

/// A second connection that kills what the first one runs; it gives up where the server is silent.
fn canceller(address: &Address, session_id: u32) -> Canceller {
    let settings: Opts = OptsBuilder::from_opts(settings(address)).read_timeout(Some(GRACE)).write_timeout(Some(GRACE)).into();
    Canceller(std::sync::Arc::new(move || {
        if let Ok(mut client) = Conn::new(settings.clone()) {
            let _ = client.query_drop(format!("KILL QUERY {session_id}"));
        }
    }))
}

fn settings(address: &Address) -> Opts {
    // Prepared statements are not used; the socket is the one that is named, never one that the server proposes.
    let plain = OptsBuilder::new().prefer_socket(false).stmt_cache_size(0).tcp_connect_timeout(Some(CONNECT_TIMEOUT));
    match address {
        Address::Mysql { socket, user, database } => {
            plain.socket(Some(socket.to_string_lossy())).user(Some(user)).db_name(named(database)).into()
        }
        Address::MysqlHost { login, database } => {
            if login.is_socket() { plain.socket(Some(&login.host)) } else { plain.ip_or_hostname(Some(&login.host)).tcp_port(login.port) }
                .user(Some(&login.user))
                .pass(login.password.as_ref().map(|password| password.reveal()))
                .db_name(named(database))
                .into()
        }
        Address::Postgresql { .. } | Address::PostgresqlHost { .. } | Address::Sqlite { .. } => plain.into(),
    }
}

/// An empty name is a connection without a database.
fn named(database: &str) -> Option<&str> {
    (!database.is_empty()).then_some(database)
}

impl Session for MysqlSession {
    fn run(&mut self, sql: &str) -> Result<Answer, DatabaseError> {
        collect(&mut self.client, sql).map_err(|error| refused(&error, &self.address, sql))
    }
}

fn collect(client: &mut Conn, sql: &str) -> Result<Answer, mysql::Error> {
    let mut answer = Answer::default();
    let mut results = client.query_iter(sql)?;
    while let Some(result) = results.iter() {
        let changed = result.affected_rows();
        let before = answer.rows.len();
        for row in result {
            answer.rows.push(row?.unwrap().into_iter().map(written).collect());
        }
        answer.changed += changed.max((answer.rows.len() - before) as u64);
    }
    Ok(answer)
}

fn written(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(text_of(&bytes)),
        // The text protocol has no others.
        other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
    }
}

fn refused(error: &mysql::Error, address: &str, sql: &str) -> DatabaseError {
    let mysql::Error::MySqlError(said) = error else {
        return DatabaseError::Lost { address: address.to_owned(), message: redacted(&error.to_string()) };
    };
    let refusal = Refusal {
        code: said.code.to_string(),
        message: redacted(&said.message),
        is_engine_trouble: is_engine_trouble(said.code, &said.message),
        is_cancelled: [1317, 3024, 1969].contains(&said.code),
        ..Refusal::default()
    };
    DatabaseError::Refused { refusal: Box::new(refusal), sql: shown(sql) }
}

/// Numbers that speak of the server's disk, memory and threads (MariaDB: Error Codes): `ER_DISK_FULL`, `ER_OUTOFMEMORY`,
/// `ER_OUT_OF_SORTMEMORY`, `ER_CON_COUNT_ERROR`, `ER_OUT_OF_RESOURCES`, `ER_SERVER_SHUTDOWN`, `ER_RECORD_FILE_FULL`,
/// `ER_CANT_CREATE_THREAD`; `ER_GET_ERRNO` and `ER_ERROR_ON_WRITE` where they carry the system's "no space" (28).
fn is_engine_trouble(code: u16, message: &str) -> bool {
    [1021, 1037, 1038, 1040, 1041, 1053, 1114, 1135].contains(&code)
        || ([1003, 1005, 1026, 1030].contains(&code) && (message.contains(" 28 ") || message.contains("No space left")))
}

//! PostgreSQL by the simple query protocol: several statements at once, values as text.

use postgres::error::DbError;
use postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::{Answer, CONNECT_TIMEOUT, Canceller, DatabaseError, Opened, Refusal, Session, shown};
use crate::address::Address;
use crate::dialect::Dialect;
use crate::secret::redacted;

struct PostgresqlSession {
    client: Client,
    address: String,
}

pub(super) fn open(address: &Address) -> Result<Opened, DatabaseError> {
    let unreachable = |message: String| DatabaseError::Unreachable { address: address.to_string(), message: redacted(&message) };
    let mut client = settings(address).connect(NoTls).map_err(|error| unreachable(full_words(&error)))?;
    let token = client.cancel_token();
    let canceller = Canceller(std::sync::Arc::new(move || {
        let _ = token.cancel_query(NoTls);
    }));
    let row = client
        .query_one("SELECT current_setting('server_version'), pg_backend_pid()::int8", &[])
        .map_err(|error| unreachable(full_words(&error)))?;
    let (version, session_id): (String, i64) = (row.get(0), row.get(1));
    let session = Box::new(PostgresqlSession { client, address: address.to_string() });
    Ok(Opened { session, canceller, dialect: Dialect::Postgresql, version, session_id: u64::try_from(session_id).ok() })
}

fn settings(address: &Address) -> Config {
    let mut config = Config::new();
    config.application_name("alembic-gate").connect_timeout(CONNECT_TIMEOUT);
    match address {
        Address::Postgresql { socket_dir, port, user, database } => {
            config.host_path(socket_dir).port(*port).user(user).dbname(database);
        }
        Address::PostgresqlHost { login, database } => {
            config.host(&login.host).port(login.port).user(&login.user).dbname(database);
            if let Some(password) = &login.password {
                config.password(password.reveal());
            }
        }
        Address::Mysql { .. } | Address::MysqlHost { .. } | Address::Sqlite { .. } => {}
    }
    config
}

impl Session for PostgresqlSession {
    fn run(&mut self, sql: &str) -> Result<Answer, DatabaseError> {
        let messages = self.client.simple_query(sql).map_err(|error| self.refused(&error, sql))?;
        let mut answer = Answer::default();
        for message in messages {
            match message {
                SimpleQueryMessage::Row(row) => {
                    answer.rows.push((0..row.len()).map(|at| row.try_get(at).ok().flatten().map(str::to_owned)).collect());
                }
                SimpleQueryMessage::CommandComplete(changed) => answer.changed += changed,
                _ => {}
            }
        }
        Ok(answer)
    }
}

impl PostgresqlSession {
    fn refused(&self, error: &postgres::Error, sql: &str) -> DatabaseError {
        match error.as_db_error() {
            Some(said) => DatabaseError::Refused { refusal: Box::new(refusal(said)), sql: shown(sql) },
            None => DatabaseError::Lost { address: self.address.clone(), message: full_words(error) },
        }
    }
}

fn refusal(said: &DbError) -> Refusal {
    let code = said.code().code();
    let position = match said.position() {
        Some(postgres::error::ErrorPosition::Original(at)) => Some(*at),
        Some(postgres::error::ErrorPosition::Internal { .. }) | None => None,
    };
    Refusal {
        code: code.to_owned(),
        message: redacted(said.message()),
        detail: said.detail().map(redacted),
        hint: said.hint().map(str::to_owned),
        context: said.where_().map(redacted),
        position,
        is_engine_trouble: is_engine_trouble(code),
        is_cancelled: code == "57014",
    }
}

/// Classes of SQLSTATE that speak of the server: connection, resources, intervention, system and internal errors
/// (PostgreSQL 18 manual, appendix A). 57014 is a cancelled statement, 53300 to 53400 are limits of ours to raise.
fn is_engine_trouble(code: &str) -> bool {
    ["08", "53", "58", "XX"].iter().any(|class| code.starts_with(class)) || ["57P01", "57P02", "57P03", "57P05"].contains(&code)
}

/// The sentence of the client and those of its causes.
fn full_words(error: &postgres::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = inner.source();
    }
    words
}

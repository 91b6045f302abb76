//! SQLite by the library that is built in.

use std::path::Path;

use rusqlite::ffi::ErrorCode;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, OpenFlags, fallible_iterator::FallibleIterator};

use super::{Answer, Canceller, DatabaseError, Opened, Refusal, Row, Session, shown, text_of};
use crate::dialect::Dialect;

struct SqliteSession {
    client: rusqlite::Connection,
}

/// Opens a file that is there: a name that is wrong makes no new database.
pub(super) fn open(file: &Path) -> Result<Opened, DatabaseError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let client = rusqlite::Connection::open_with_flags(file, flags)
        .map_err(|error| DatabaseError::Unreachable { address: file.display().to_string(), message: error.to_string() })?;
    let interrupt = client.get_interrupt_handle();
    let canceller = Canceller(std::sync::Arc::new(move || interrupt.interrupt()));
    let version = rusqlite::version().to_owned();
    Ok(Opened { session: Box::new(SqliteSession { client }), canceller, dialect: Dialect::Sqlite, version, session_id: None })
}

impl Session for SqliteSession {
    fn run(&mut self, sql: &str) -> Result<Answer, DatabaseError> {
        collect(&self.client, sql).map_err(|error| refused(&error, sql))
    }
}

fn collect(client: &rusqlite::Connection, sql: &str) -> Result<Answer, rusqlite::Error> {
    let before = client.total_changes();
    let mut answer = Answer::default();
    let mut statements = Batch::new(client, sql);
    while let Some(mut statement) = statements.next()? {
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            answer.rows.push((0..columns).map(|at| row.get_ref(at).map(written)).collect::<Result<Row, _>>()?);
        }
    }
    answer.changed = client.total_changes() - before;
    Ok(answer)
}

fn written(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(format!("{number:?}")),
        ValueRef::Text(text) | ValueRef::Blob(text) => Some(text_of(text)),
    }
}

fn refused(error: &rusqlite::Error, sql: &str) -> DatabaseError {
    let kind = error.sqlite_error_code();
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    };
    let refusal = Refusal {
        code: message.clone(),
        message,
        is_engine_trouble: kind.is_some_and(is_engine_trouble),
        is_cancelled: kind == Some(ErrorCode::OperationInterrupted),
        ..Refusal::default()
    };
    DatabaseError::Refused { refusal: Box::new(refusal), sql: shown(sql) }
}

const fn is_engine_trouble(kind: ErrorCode) -> bool {
    matches!(
        kind,
        ErrorCode::DiskFull | ErrorCode::OutOfMemory | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::DatabaseCorrupt
    )
}

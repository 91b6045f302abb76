//! One connection for three engines: SQL in, text out, within a time limit, cancelled from anywhere.
//!
//! The client of an engine lives on a thread of its own, so that neither a server that fell silent nor the runtime of
//! the caller can hold a call: a statement comes back, is cancelled at its limit, or the connection is given up.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use crate::address::Address;
use crate::dialect::{Dialect, Encoding, Server, VersionError};
use crate::secret::redacted;

mod mysql;
mod postgresql;
mod sqlite;
pub mod url;

/// The values of a row in the order of the query, as the server writes them; `None` is NULL.
///
/// Bytes that are no text stand as `0x` and hex digits.
pub type Row = Vec<Option<String>>;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may take to end a statement that was cancelled, before it counts as silent.
const GRACE: Duration = Duration::from_secs(2);

/// What a server said against a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// SQLSTATE in PostgreSQL (`23502`), the error number in MariaDB and MySQL (`1062`), the message in SQLite.
    pub code: String,
    /// The server's sentence.
    pub message: String,
    /// What it adds, for example the key that is there twice.
    pub detail: Option<String>,
    /// What it proposes.
    pub hint: Option<String>,
    /// Where it happened inside functions, PostgreSQL only.
    pub context: Option<String>,
    /// The character of the SQL at which it stumbled, from 1, PostgreSQL only.
    pub position: Option<u32>,
    /// The server's own resources were at fault (disk, memory, shutdown), not the statement.
    pub is_engine_trouble: bool,
    /// It was ended from outside before it was done.
    pub is_cancelled: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code == self.message { write!(f, "{}", self.message) } else { write!(f, "{}: {}", self.code, self.message) }
    }
}

/// A database could not be reached or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// No connection came about.
    #[error("no connection to `{address}`: {message}")]
    Unreachable {
        /// Without its password.
        address: String,
        /// The client's words.
        message: String,
    },
    /// The server answered with an error.
    #[error("the database refused a statement: {refusal}")]
    Refused {
        /// What it said.
        refusal: Box<Refusal>,
        /// What it was asked; shortened, its secrets hidden.
        sql: String,
    },
    /// The statement ran longer than it may, and was cancelled.
    #[error("a statement was cancelled after {} s, its time limit", .limit.as_secs_f32())]
    TimedOut {
        /// The limit.
        limit: Duration,
        /// What was asked; shortened, its secrets hidden.
        sql: String,
    },
    /// The server did not even answer to the cancelling: the connection is given up.
    #[error("`{address}` has fallen silent: it neither answers nor can be cancelled")]
    Silent {
        /// Without its password.
        address: String,
    },
    /// The connection broke.
    #[error("the connection to `{address}` broke: {message}")]
    Lost {
        /// Without its password.
        address: String,
        /// The client's words.
        message: String,
    },
    /// The server does not say a version we can read.
    #[error("the server does not say which version it is")]
    Version(#[from] VersionError),
}

impl DatabaseError {
    /// What the server said, where it said something.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Silent { .. } | Self::Lost { .. } | Self::Version(_) => None,
        }
    }

    /// SQLSTATE, the number of MariaDB, the message of SQLite.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.code.as_str())
    }

    /// True where disk, memory, network or the server itself is at fault and not the SQL.
    #[must_use]
    pub fn is_engine_trouble(&self) -> bool {
        match self {
            Self::Refused { refusal, .. } => refusal.is_engine_trouble,
            Self::Unreachable { .. } | Self::Silent { .. } | Self::Lost { .. } | Self::Version(_) => true,
            Self::TimedOut { .. } => false,
        }
    }

    /// True where the statement was ended by [`Canceller::cancel`] or an administrator.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.is_cancelled)
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreachable { .. } => {
                "see that the server runs, that user and password are right, and that it takes connections without TLS from here".to_owned()
            }
            Self::Refused { refusal, .. } if refusal.is_engine_trouble => "free disk or memory for the server, then call again".to_owned(),
            Self::Refused { refusal, .. } => refusal.hint.clone().unwrap_or_else(|| "change the statement".to_owned()),
            Self::TimedOut { .. } => "raise the time limit, or see what the statement waits for".to_owned(),
            Self::Silent { .. } | Self::Lost { .. } => "see the server's log, then call again".to_owned(),
            Self::Version(_) => "name a PostgreSQL, MariaDB or MySQL server".to_owned(),
        }
    }
}

/// What a statement, or several of them, gave.
#[derive(Debug, Default)]
struct Answer {
    rows: Vec<Row>,
    changed: u64,
}

/// The client of one engine, on its own thread.
trait Session: Send {
    /// Runs one or several statements; stops at the first that is refused.
    fn run(&mut self, sql: &str) -> Result<Answer, DatabaseError>;
}

/// What an engine gives when a connection is made.
struct Opened {
    session: Box<dyn Session>,
    canceller: Canceller,
    dialect: Dialect,
    version: String,
    session_id: Option<u64>,
}

struct Question {
    sql: String,
    reply: SyncSender<Result<Answer, DatabaseError>>,
}

/// Ends what a connection runs right now; the statement then fails with [`DatabaseError::is_cancelled`].
#[derive(Clone)]
pub struct Canceller(Arc<dyn Fn() + Send + Sync>);

impl Canceller {
    /// Asks the server to end the statement, if one runs; comes back at once.
    pub fn cancel(&self) {
        self.start();
    }

    /// The receiver ends when the server has taken the request.
    fn start(&self) -> Receiver<()> {
        let (done, wait) = channel();
        let ask = Arc::clone(&self.0);
        std::thread::spawn(move || {
            ask();
            drop(done);
        });
        wait
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canceller")
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    questions: Sender<Question>,
    canceller: Canceller,
    address: Address,
    server: Server,
    session_id: Option<u64>,
    time_limit: Option<Duration>,
}

impl Connection {
    /// What the database writes text in, and how it compares it; nothing of SQLite, which knows one way only.
    ///
    /// # Errors
    /// The server does not say it.
    pub fn encoding(&mut self) -> Result<Encoding, DatabaseError> {
        let sql = match self.server.dialect {
            Dialect::Postgresql => "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()",
            Dialect::Mysql | Dialect::Mariadb => "SELECT @@character_set_database, @@collation_database",
            Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => return Ok(Encoding::default()),
        };
        let mut found = self.rows(sql)?.into_iter().flatten();
        Ok(Encoding { charset: found.next().flatten(), collation: found.next().flatten() })
    }

    /// Connects; gives up after ten seconds.
    ///
    /// # Errors
    /// Nobody listens, the login is refused, the server's version cannot be read.
    pub fn open(address: &Address) -> Result<Self, DatabaseError> {
        let (questions, asked) = channel::<Question>();
        let (opened, wait) = sync_channel(1);
        let there = address.clone();
        std::thread::spawn(move || serve(&there, &opened, &asked));
        let silent = || DatabaseError::Silent { address: address.to_string() };
        let (canceller, dialect, version, session_id) = wait.recv_timeout(CONNECT_TIMEOUT + GRACE).map_err(|_| silent())??;
        let server = Server { dialect, version: version.parse()? };
        Ok(Self { questions, canceller, address: address.clone(), server, session_id, time_limit: None })
    }

    /// Where it leads.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Dialect and version, as the server said them; for SQLite the version of our own library.
    #[must_use]
    pub fn server(&self) -> Server {
        self.server
    }

    /// The number of the session on its server, as lock views and `KILL` know it; none in SQLite.
    #[must_use]
    pub fn session_id(&self) -> Option<u64> {
        self.session_id
    }

    /// From now on a call that lasts longer is cancelled; `None` for no limit.
    pub fn set_time_limit(&mut self, limit: Option<Duration>) {
        self.time_limit = limit;
    }

    /// What ends a running statement from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The rows of all statements of `sql`, one after the other.
    ///
    /// # Errors
    /// The first statement that is refused; those before it have run.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Row>, DatabaseError> {
        self.ask(sql).map(|answer| answer.rows)
    }

    /// Runs the statements of `sql`; how many rows they changed or read, as the server counts.
    ///
    /// # Errors
    /// The first statement that is refused; those before it have run.
    pub fn execute(&mut self, sql: &str) -> Result<u64, DatabaseError> {
        self.ask(sql).map(|answer| answer.changed)
    }

    /// The first value of the first row, where there is one that is not NULL.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn value(&mut self, sql: &str) -> Result<Option<String>, DatabaseError> {
        Ok(self.rows(sql)?.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    fn ask(&self, sql: &str) -> Result<Answer, DatabaseError> {
        let (reply, answer) = sync_channel(1);
        self.questions.send(Question { sql: sql.to_owned(), reply }).map_err(|_| self.lost())?;
        let Some(limit) = self.time_limit else { return answer.recv().map_err(|_| self.lost())? };
        match answer.recv_timeout(limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Disconnected) => Err(self.lost()),
            Err(RecvTimeoutError::Timeout) => self.cancelled(&answer, limit, sql),
        }
    }

    /// Cancels at the limit; an answer that was on its way counts all the same.
    fn cancelled(&self, answer: &Receiver<Result<Answer, DatabaseError>>, limit: Duration, sql: &str) -> Result<Answer, DatabaseError> {
        // The request is waited for: it must not hit the next statement.
        let _ = self.canceller.start().recv_timeout(GRACE);
        match answer.recv_timeout(GRACE) {
            Ok(Err(error)) if error.is_cancelled() => Err(DatabaseError::TimedOut { limit, sql: shown(sql) }),
            Ok(result) => result,
            Err(_) => Err(DatabaseError::Silent { address: self.address.to_string() }),
        }
    }

    fn lost(&self) -> DatabaseError {
        DatabaseError::Lost { address: self.address.to_string(), message: "it was closed".to_owned() }
    }
}

type Greeting = Result<(Canceller, Dialect, String, Option<u64>), DatabaseError>;

/// The thread of a connection: opens it, then answers one question after the other until nobody asks any more.
fn serve(address: &Address, opened: &SyncSender<Greeting>, asked: &Receiver<Question>) {
    let result = match address {
        Address::Postgresql { .. } | Address::PostgresqlHost { .. } => postgresql::open(address),
        Address::Mysql { .. } | Address::MysqlHost { .. } => mysql::open(address),
        Address::Sqlite { file } => sqlite::open(file),
    };
    let mut session = match result {
        Ok(Opened { session, canceller, dialect, version, session_id }) => {
            if opened.send(Ok((canceller, dialect, version, session_id))).is_err() {
                return;
            }
            session
        }
        Err(error) => {
            let _ = opened.send(Err(error));
            return;
        }
    };
    for Question { sql, reply } in asked {
        // Whoever asked may have given up waiting.
        let _ = reply.send(session.run(&sql));
    }
}

/// The beginning of a statement, without its secrets.
fn shown(sql: &str) -> String {
    let mut text: String = redacted(sql).chars().take(400).collect();
    if text.len() < sql.len() && text.chars().count() == 400 {
        text.push('…');
    }
    text
}

/// Bytes as text where they are text, else as hex digits.
fn text_of(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}")), str::to_owned)
}

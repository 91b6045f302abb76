//! Watching over a trial from a session of its own: waits that nothing else ends, limits, and a caller who went away.
//!
//! A migration that waits for a session which `env.py` itself opened waits for ever, and no detector of deadlocks sees
//! it: the other session waits for nothing. Here the waiter is cancelled and both statements are named.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::database::{Canceller, Connection};
use crate::dialect::Dialect;

/// So often it looks.
const PAUSE: Duration = Duration::from_millis(50);
/// The server is asked less often, and not at all about work that is done by then: nothing is ended before half a second.
const ASKED_EVERY: Duration = Duration::from_millis(250);

/// How long things may take, each settable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The whole, from the first thing that is watched.
    pub whole: Duration,
    /// One statement.
    pub statement: Duration,
    /// One wait for a lock.
    pub lock: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { whole: Duration::from_secs(600), statement: Duration::from_secs(120), lock: Duration::from_secs(10) }
    }
}

/// Work was ended from outside: nothing is said about the migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The caller went away.
    #[error("it was cancelled")]
    Cancelled,
    /// The whole took too long.
    #[error("it was ended after {seconds} s")]
    OutOfTime {
        /// The limit.
        seconds: u64,
    },
}

impl Ended {
    /// A stable word for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::OutOfTime { .. } => "timeout",
        }
    }

    /// What to do.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Cancelled => "ask again",
            Self::OutOfTime { .. } => "raise `timeout_s` of test_rollback, or take fewer revisions",
        }
    }
}

/// Watches over work with scratch databases; clones watch the same.
#[derive(Clone, Default)]
pub struct Watch {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    begun: Mutex<Option<Instant>>,
    done: AtomicBool,
    /// Set where the project's Python has to be ended.
    stop: Arc<AtomicBool>,
    ended: Mutex<Option<Ended>>,
    found: Mutex<Option<String>>,
    place: Mutex<Option<Place>>,
    /// What ends the statements of connections that no server knows of.
    inside: Mutex<Vec<Canceller>>,
}

/// Where sessions are looked at: a database, and our own session in it.
#[derive(Clone)]
struct Place {
    address: Address,
    name: String,
    looker: Option<u64>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Runs `work` while a thread watches; what was ended is an error, whatever `work` made of it.
    ///
    /// The whole is counted from the first work that this watches over.
    ///
    /// # Errors
    /// Those of `work`; that it was ended.
    pub fn over<T, E: From<Ended>>(&self, limits: Limits, cancelled: &AtomicBool, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let shared = &*self.shared;
        let begun = *locked(&shared.begun).get_or_insert_with(Instant::now);
        shared.done.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| look(shared, limits, cancelled, begun));
            let _done = Done { shared, watching: watching.thread().clone() };
            let outcome = work();
            drop(_done);
            let _ = watching.join();
            shared.stop.store(false, Ordering::Relaxed);
            match *locked(&shared.ended) {
                Some(ended) => Err(ended.into()),
                None => outcome,
            }
        })
    }

    /// From now on the sessions in this database are looked at.
    pub fn at(&self, address: &Address, name: &str) {
        let mut place = locked(&self.shared.place);
        if place.as_ref().is_none_or(|place| place.name != name) {
            *place = Some(Place { address: address.clone(), name: name.to_owned(), looker: None });
        }
    }

    /// This session is ours: it is never taken for one that waits too long.
    pub fn spare(&self, session: Option<u64>) {
        if let Some(place) = &mut *locked(&self.shared.place) {
            place.looker = session;
        }
    }

    /// What this connection runs is ended with the work: SQLite runs inside of this process, no other session can end it.
    pub fn reach(&self, connection: &Connection) {
        if connection.server().dialect == Dialect::Sqlite {
            locked(&self.shared.inside).push(connection.canceller());
        }
    }

    /// What was cancelled since the last call, in a sentence.
    #[must_use]
    pub fn found(&self) -> Option<String> {
        locked(&self.shared.found).take()
    }

    /// Is set once the project's Python has to be ended.
    #[must_use]
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.shared.stop)
    }
}

/// Lets the watching thread end, also where the work panics.
struct Done<'a> {
    shared: &'a Shared,
    watching: std::thread::Thread,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::Relaxed);
        self.watching.unpark();
    }
}

fn look(shared: &Shared, limits: Limits, cancelled: &AtomicBool, begun: Instant) {
    let mut session: Option<(String, Connection)> = None;
    let mut stopping: Option<Instant> = None;
    let mut asked = Instant::now();
    while !shared.done.load(Ordering::Relaxed) {
        let why = if cancelled.load(Ordering::Relaxed) {
            Some(Ended::Cancelled)
        } else {
            (begun.elapsed() > limits.whole).then_some(Ended::OutOfTime { seconds: limits.whole.as_secs() })
        };
        if why.is_none() && asked.elapsed() < ASKED_EVERY {
            std::thread::park_timeout(PAUSE);
            continue;
        }
        asked = Instant::now();
        let place = locked(&shared.place).clone();
        let looker = place.as_ref().and_then(|place| place.looker);
        if let Some(place) = place.filter(|place| {
            !matches!(place.address, Address::Sqlite { .. }) && session.as_ref().is_none_or(|(name, _)| *name != place.name)
        }) {
            session = Connection::open(&place.address).ok().map(|connection| (place.name, connection));
            if let Some((_, connection)) = &mut session {
                connection.set_time_limit(Some(Duration::from_secs(2)));
            }
        }
        if let Some(why) = why {
            locked(&shared.ended).get_or_insert(why);
            let since = *stopping.get_or_insert_with(Instant::now);
            if let Some((name, connection)) = &mut session {
                end_all(connection, name);
            }
            locked(&shared.inside).iter().for_each(Canceller::cancel);
            // A Python that is busy with something else than the server does not notice.
            if since.elapsed() > Duration::from_millis(200) {
                shared.stop.store(true, Ordering::Relaxed);
            }
        } else if let Some((name, connection)) = &mut session {
            waits(connection, name, looker, limits, |found| {
                locked(&shared.found).get_or_insert(found);
            });
        }
        std::thread::park_timeout(PAUSE);
    }
}

/// Ends every session in the database but this one: also the one that fills tables for us.
fn end_all(connection: &mut Connection, name: &str) {
    match connection.server().dialect {
        Dialect::Postgresql => {
            let _ = connection.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
        }
        Dialect::Mysql | Dialect::Mariadb => {
            for id in sessions(connection, name, 0, "") {
                let _ = connection.execute(&format!("KILL {id}"));
            }
        }
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => {}
    }
}

fn sessions(connection: &mut Connection, name: &str, looker: u64, more: &str) -> Vec<String> {
    let sql = format!("SELECT id FROM information_schema.processlist WHERE db = '{name}' AND id NOT IN (connection_id(), {looker}) {more}");
    connection.rows(&sql).unwrap_or_default().into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

/// Cancels a statement that waits or runs too long. What it was is told before, in a sentence: who runs it goes on at once.
fn waits(connection: &mut Connection, name: &str, looker: Option<u64>, limits: Limits, tell: impl Fn(String)) {
    let looker = looker.unwrap_or_default();
    let (lock_s, statement_s) = (limits.lock.as_secs_f64(), limits.statement.as_secs_f64());
    match connection.server().dialect {
        Dialect::Postgresql => {
            // Sessions of ours hold a statement up on purpose, for a moment (`trace::concurrent`).
            let sql = format!(
                "SELECT w.pid, left(w.query, 200), b.state, left(b.query, 200), b.state = 'idle in transaction' AND b.application_name <> 'alembic-gate' \
                 AND clock_timestamp() - w.query_start > interval '0.5 s', \
                 clock_timestamp() - w.query_start > interval '{lock_s} s' AND w.wait_event_type = 'Lock', \
                 clock_timestamp() - w.query_start > interval '{statement_s} s' \
                 FROM pg_stat_activity w LEFT JOIN LATERAL unnest(pg_blocking_pids(w.pid)) p ON true LEFT JOIN pg_stat_activity b ON b.pid = p \
                 WHERE w.datname = current_database() AND w.state = 'active' AND w.pid NOT IN (pg_backend_pid(), {looker})"
            );
            for row in connection.rows(&sql).unwrap_or_default() {
                let Ok([Some(pid), query, _, blocker, is_self_block, is_locked_out, is_long]) = <[Option<String>; 7]>::try_from(row) else {
                    continue;
                };
                let yes = |text: &Option<String>| text.as_deref() == Some("t");
                let query = query.unwrap_or_default();
                let words = if yes(&is_self_block) {
                    format!(
                        "`{query}` waits for a session that the migration itself or `env.py` opened and left idle in its transaction (last: `{}`): nothing would ever end that",
                        blocker.unwrap_or_default()
                    )
                } else if yes(&is_locked_out) {
                    format!("`{query}` waited longer than {lock_s} s for a lock (`lock_timeout_s`)")
                } else if yes(&is_long) {
                    format!("`{query}` ran longer than {statement_s} s (`statement_timeout_s`)")
                } else {
                    continue;
                };
                tell(words);
                let _ = connection.rows(&format!("SELECT pg_cancel_backend({pid})"));
                return;
            }
        }
        Dialect::Mysql | Dialect::Mariadb => {
            let more = format!(
                "AND command = 'Query' AND (time >= {statement_s} OR time >= {lock_s} AND (state LIKE 'Waiting for%lock%' OR state LIKE '%lock wait%'))"
            );
            let found = sessions(connection, name, looker, &more);
            let Some(id) = found.first() else { return };
            tell(format!(
                "a statement waited longer than {lock_s} s for a lock (`lock_timeout_s`) or ran longer than {statement_s} s (`statement_timeout_s`)"
            ));
            let _ = connection.execute(&format!("KILL QUERY {id}"));
        }
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => {}
    }
}

//! Watching over a trial from a session of its own: waits that nothing else ends, limits, and a caller who went away.
//!
//! A migration that waits for a session which `env.py` itself opened waits for ever, and no detector of deadlocks sees
//! it: the other session waits for nothing. Here the waiter is cancelled and both statements are named.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::trial::{Limits, TrialError};

/// So often it looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a trial was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    Cancelled,
    OutOfTime,
}

/// Watches as long as it lives.
pub(super) struct Watch {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    done: AtomicBool,
    stopped: Mutex<Option<Stopped>>,
    found: Mutex<Option<String>>,
    /// The sessions that are looked at: the database, and our own session in it.
    place: Mutex<Option<Place>>,
}

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
    /// Runs `work` while a thread watches; what was stopped is an error, whatever `work` made of it. `stop` is set where
    /// the project's Python has to be ended.
    pub(super) fn over<T>(
        limits: Limits,
        cancelled: &AtomicBool,
        stop: &AtomicBool,
        work: impl FnOnce(&Self) -> Result<T, TrialError>,
    ) -> Result<T, TrialError> {
        let shared = Arc::new(Shared::default());
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let theirs = Arc::clone(&shared);
            let watching = scope.spawn(move || look(&theirs, limits, (cancelled, stop), begun));
            let watch = Self { shared: Arc::clone(&shared) };
            let outcome = work(&watch);
            shared.done.store(true, Ordering::Relaxed);
            stop.store(false, Ordering::Relaxed);
            let _ = watching.join();
            match *locked(&shared.stopped) {
                Some(Stopped::Cancelled) => Err(TrialError::Cancelled),
                Some(Stopped::OutOfTime) => Err(TrialError::OutOfTime { seconds: limits.whole.as_secs() }),
                None => outcome,
            }
        })
    }

    /// From now on the sessions in this database are looked at.
    pub(super) fn at(&self, address: &Address, name: &str, looker: Option<u64>) {
        *locked(&self.shared.place) = Some(Place { address: address.clone(), name: name.to_owned(), looker });
    }

    /// What was cancelled since the last call, in a sentence.
    pub(super) fn found(&self) -> Option<String> {
        locked(&self.shared.found).take()
    }
}

fn look(shared: &Shared, limits: Limits, (cancelled, stop): (&AtomicBool, &AtomicBool), begun: Instant) {
    let mut session: Option<(String, Connection)> = None;
    let mut stopping: Option<Instant> = None;
    while !shared.done.load(Ordering::Relaxed) {
        let place = locked(&shared.place).clone();
        if let Some(place) = place.filter(|place| session.as_ref().is_none_or(|(name, _)| *name != place.name)) {
            session = Connection::open(&place.address).ok().map(|connection| (place.name, connection));
            if let Some((_, connection)) = &mut session {
                connection.set_time_limit(Some(Duration::from_secs(2)));
            }
        }
        let why = if cancelled.load(Ordering::Relaxed) {
            Some(Stopped::Cancelled)
        } else {
            (begun.elapsed() > limits.whole).then_some(Stopped::OutOfTime)
        };
        let looker = locked(&shared.place).as_ref().and_then(|place| place.looker);
        if let Some(why) = why {
            locked(&shared.stopped).get_or_insert(why);
            let since = *stopping.get_or_insert_with(Instant::now);
            if let Some((name, connection)) = &mut session {
                end_all(connection, name, looker);
            }
            // A Python that is busy with something else than the server does not notice.
            if since.elapsed() > Duration::from_millis(200) {
                stop.store(true, Ordering::Relaxed);
            }
        } else if let Some((name, connection)) = &mut session
            && let Some(found) = waits(connection, name, looker, limits)
        {
            locked(&shared.found).get_or_insert(found);
        }
        std::thread::park_timeout(PAUSE);
    }
}

/// Ends every session in the database but ours.
fn end_all(connection: &mut Connection, name: &str, looker: Option<u64>) {
    let looker = looker.unwrap_or_default();
    match connection.server().dialect {
        Dialect::Postgresql => {
            let _ = connection.rows(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), {looker})"
            ));
        }
        Dialect::Mysql | Dialect::Mariadb => {
            for id in sessions(connection, name, looker, "") {
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

/// Cancels a statement that waits or runs too long; what it was, in a sentence.
fn waits(connection: &mut Connection, name: &str, looker: Option<u64>, limits: Limits) -> Option<String> {
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
            for row in connection.rows(&sql).ok()? {
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
                let _ = connection.rows(&format!("SELECT pg_cancel_backend({pid})"));
                return Some(words);
            }
            None
        }
        Dialect::Mysql | Dialect::Mariadb => {
            let more = format!(
                "AND command = 'Query' AND (time >= {statement_s} OR time >= {lock_s} AND (state LIKE 'Waiting for%lock%' OR state LIKE '%lock wait%'))"
            );
            let found = sessions(connection, name, looker, &more);
            let id = found.first()?;
            let _ = connection.execute(&format!("KILL QUERY {id}"));
            Some(format!("a statement waited longer than {lock_s} s for a lock or ran longer than {statement_s} s"))
        }
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => None,
    }
}

//! Statements that commit by themselves: `CONCURRENTLY` takes its locks for a few milliseconds, and nobody who looks now
//! and then sees them. A session that holds a weak lock on the table makes the statement wait; another looks meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::bridge::{Touched, Watcher};
use crate::database::{Connection, DatabaseError};
use crate::sql::change::Change;
use crate::sql::script;
use crate::trace::mode_of;

/// So long a statement is held up at most.
const PATIENCE: Duration = Duration::from_secs(2);
/// So often the third session looks.
const PAUSE: Duration = Duration::from_millis(2);

/// What the sessions that wait hold. Whoever waits in this database waits for us: nobody else is in it.
const LOOK: &str = "WITH waiting AS (SELECT DISTINCT w.pid FROM pg_catalog.pg_locks w JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid \
     WHERE NOT w.granted AND a.datname = pg_catalog.current_database()) \
     SELECT n.nspname || '.' || c.relname, l.mode FROM pg_catalog.pg_locks l JOIN waiting USING (pid) \
     JOIN pg_catalog.pg_class c ON c.oid = l.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE l.granted AND l.locktype = 'relation' AND c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm')";

/// Holds statements up and looks at them.
pub struct ConcurrentWatch {
    address: Address,
    done: Arc<AtomicBool>,
    running: Option<JoinHandle<Vec<(String, String)>>>,
    builds: bool,
}

impl ConcurrentWatch {
    /// On the database at `address`, as a role that may lock its tables.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, done: Arc::new(AtomicBool::new(false)), running: None, builds: false }
    }

    /// Locks the table that `sql` is about; None where there is none.
    fn held_up(&self, sql: &str) -> Result<Option<(Connection, Connection)>, DatabaseError> {
        let mut stopper = Connection::open(&self.address)?;
        let script = script::read(sql.to_owned(), stopper.server());
        let named = script.statements.first().and_then(|statement| match &statement.reading.change {
            Change::Drop(drop) => drop.names.first(),
            Change::Reindex { name: Some(name), .. } => Some(name),
            _ => statement.reading.relation.as_ref(),
        });
        let Some(named) = named.map(|name| name.to_string().replace('\'', "''")) else { return Ok(None) };
        let of = format!(
            "SELECT coalesce(i.indrelid, c.oid)::regclass::text FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = to_regclass('{named}')"
        );
        let Some(table) = stopper.value(&of)? else { return Ok(None) };
        // What the statement waits for differs: PostgreSQL 18 manual, CREATE INDEX and DROP INDEX.
        let words = sql.to_uppercase();
        let mode = if words.contains("DROP") || words.contains("DETACH") { "ACCESS SHARE" } else { "ROW EXCLUSIVE" };
        stopper.execute(&format!("SET lock_timeout = '1s'; BEGIN; LOCK TABLE {table} IN {mode} MODE"))?;
        let looker = Connection::open(&self.address)?;
        Ok(Some((stopper, looker)))
    }
}

impl Watcher for ConcurrentWatch {
    fn before(&mut self, sql: &str) {
        self.done = Arc::new(AtomicBool::new(false));
        let words = sql.to_uppercase();
        self.builds = words.contains("CREATE") || words.contains("REINDEX");
        // A statement that cannot be held up is run all the same: nothing is seen of it then.
        let Ok(Some((stopper, looker))) = self.held_up(sql) else { return };
        let done = Arc::clone(&self.done);
        self.running = Some(std::thread::spawn(move || look(stopper, looker, &done)));
    }

    fn after(&mut self) -> Vec<Touched> {
        self.done.store(true, Ordering::Relaxed);
        let Some(running) = self.running.take() else { return Vec::new() };
        let mut touched: Vec<Touched> = Vec::new();
        for (table, mode) in running.join().unwrap_or_default() {
            match touched.iter_mut().find(|one| one.table == table) {
                Some(one) if one.mode.as_deref().and_then(mode_of) < mode_of(&mode) => one.mode = Some(mode),
                Some(_) => {}
                // That an index cannot be built without reading the table is known, its counters come too late to be seen.
                None => touched.push(Touched {
                    table,
                    mode: Some(mode),
                    taken: true,
                    rewrote: false,
                    scanned: self.builds,
                    rows_read: 0,
                    rows_changed: 0,
                }),
            }
        }
        touched
    }
}

/// Looks until something is seen, the statement is through, or patience ends; then lets it go.
fn look(mut stopper: Connection, mut looker: Connection, done: &AtomicBool) -> Vec<(String, String)> {
    let begun = Instant::now();
    let mut found = Vec::new();
    while found.is_empty() && !done.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE {
        let rows = looker.rows(LOOK).unwrap_or_default();
        found = rows
            .into_iter()
            .filter_map(|row| <[Option<String>; 2]>::try_from(row).ok())
            .filter_map(|[table, mode]| Some((table?, mode?)))
            .collect();
        std::thread::park_timeout(PAUSE);
    }
    let _ = stopper.execute("ROLLBACK");
    found
}

//! Raw SQL both ways, run statement by statement on a scratch database; no Python takes part.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::allow::Allowance;
use crate::bridge::{Fences, Touched, Watcher};
use crate::database::{Connection, DatabaseError};
use crate::dialect::{Dialect, Encoding, Server};
use crate::lifecycle::evidence::{Outcome, Rerun};
use crate::rows::Mood;
use crate::rows::Words;
use crate::scratch::{ScratchDatabase, ScratchServer, Settings};
use crate::sql::change::Change;
use crate::sql::script::{self, Script};
use crate::sql::split::Direction;
use crate::trace::concurrent::ConcurrentWatch;
use crate::trace::foresight::Foresight;
use crate::trace::own::OwnTrace;
use crate::trace::{Sent, Trace};
use crate::trial::fitting::{self, ALLOWANCE};
use crate::trial::look::Looker;
use crate::trial::trip::{Mover, Trying, WayBack, second_run, try_one};
use crate::trial::{Engine, Failure, Mend, SecondRun, Trial, TrialError, Trip, Wishes};
use crate::workshop::watch::{Ended, Watch};

/// The migration as SQL.
pub struct Scripts<'a> {
    /// The schema before.
    pub setup: Option<&'a str>,
    /// The way up.
    pub up: &'a Script,
    /// The way back; none where nobody wrote it.
    pub down: Option<&'a Script>,
}

/// The name that raw SQL has among revisions.
const NAME: &str = "sql";

/// Tries SQL: up, down, up.
///
/// # Errors
/// No scratch database, `setup_sql` or seeds that fail.
pub fn try_scripts(
    scripts: &Scripts<'_>,
    server: Server,
    (dev_server, encoding): (Option<&ScratchServer>, Encoding),
    wishes: &Wishes,
    cancelled: &AtomicBool,
) -> Result<Trial, TrialError> {
    let scratch = match dev_server {
        Some(server) => server.clone(),
        None => ScratchServer::start(server, &Settings::from_environment(None))?,
    };
    let scratch = scratch.writing(encoding)?;
    let watch = Watch::default();
    watch.over(wishes.limits, cancelled, || try_watched(scripts, &scratch, wishes, cancelled, &watch))
}

fn try_watched(
    scripts: &Scripts<'_>,
    scratch: &ScratchServer,
    wishes: &Wishes,
    cancelled: &AtomicBool,
    watch: &Watch,
) -> Result<Trial, TrialError> {
    let mut place = Place::in_front(scripts, scratch, wishes, watch)?;
    let mut filled = place.looker.fill(wishes.rows, &[], &[])?;
    if cancelled.load(Ordering::Relaxed) {
        return Err(TrialError::Ended(Ended::Cancelled));
    }
    let trying = Trying {
        revision: NAME,
        way_back: if scripts.down.is_some() { WayBack::Runs } else { WayBack::Missing },
        wishes,
        seed_after: wishes.seed_after_upgrade_sql.as_deref(),
    };
    let is_postgresql = scratch.server.dialect == Dialect::Postgresql;
    let new_trace = || Trace::new(is_postgresql.then(|| Foresight::behind(scripts.setup.unwrap_or_default(), scratch.server)));
    let mut trace = new_trace();
    let (mut trip, mut is_usable) = try_one(&mut place.mover, &mut place.looker, &trying, &mut filled, &mut trace)?;
    trip.ended(watch.found())?;
    let mut notes: Vec<String> = scratch.note.clone().into_iter().collect();
    if let Some(table) = trip.refused_table(&filled) {
        drop(place);
        place = Place::in_front(scripts, scratch, wishes, watch)?;
        match fitting::fill(&mut place.mover, &mut place.looker, &[NAME.to_owned()], (wishes.rows, Mood::Awkward))? {
            Err(why) => trip.also(&why),
            Ok(mut refilled) => {
                let mut retraced = new_trace();
                let (again, is_usable_again) = try_one(&mut place.mover, &mut place.looker, &trying, &mut refilled, &mut retraced)?;
                match allowance(scripts.up, &trip) {
                    Some(because) => {
                        notes.push(trip.stopped_by(&table, &because));
                        (trip, is_usable, filled, trace) = (Trip { is_fitted: true, ..again }, is_usable_again, refilled, retraced);
                    }
                    None => trip.also_with_rows_that_fit(table, &again),
                }
            }
        }
    }
    let second_run = if is_usable && trip.outcome != Outcome::UpgradeFails {
        second_run(&mut place.mover, &mut place.looker, NAME)?
    } else {
        SecondRun { rerun: Rerun::NotTried, why: "not tried: the upgrade does not stand at its target".to_owned() }
    };
    let encoding = place.looker.encoding()?;
    Ok(Trial {
        trips: vec![trip],
        untried: std::collections::BTreeMap::new(),
        rows: wishes.rows,
        filled,
        second_run,
        engine: Engine::of(scratch, None, encoding),
        fences: Fences { active: vec!["own_server".to_owned()], not_closed: Vec::new() },
        notes,
        mend: Mend { patch: None, why: "raw SQL has no file to patch".to_owned() },
        trace,
    })
}

/// Why no stored row is in the way of the statement that failed, as the text says beside it.
fn allowance(up: &Script, trip: &Trip) -> Option<String> {
    Allowance::at(&up.allowances(), trip.failure.as_ref()?.line?, ALLOWANCE)?.because.clone()
}

/// A scratch database in front of the script.
struct Place<'a> {
    mover: ByScript<'a>,
    looker: Looker,
    /// Kept as long as anybody is connected.
    _database: ScratchDatabase,
}

impl<'a> Place<'a> {
    /// With the schema and the rows of the caller, and none made up.
    fn in_front(scripts: &'a Scripts<'a>, scratch: &ScratchServer, wishes: &Wishes, watch: &Watch) -> Result<Self, TrialError> {
        let dialect = scratch.server.dialect;
        let database = ScratchDatabase::create(scratch)?;
        let mut connection = database.connect()?;
        let looker = Looker::new(if dialect == Dialect::Sqlite { database.connect()? } else { database.connect_admin()? });
        watch.at(&database.admin_address(), database.name());
        watch.spare(looker.connection.session_id());
        watch.reach(&connection);
        watch.reach(&looker.connection);
        if dialect == Dialect::Sqlite {
            // Nobody else could: the watch asks servers.
            connection.set_time_limit(Some(wishes.limits.statement));
        }
        for (which, sql) in [("setup_sql", scripts.setup), ("seed_sql", wishes.seed_sql.as_deref())] {
            let Some(sql) = sql else { continue };
            let script = script::read(sql.to_owned(), scratch.server);
            run(&mut connection, &script, Direction::Up).map_err(|(_, source)| TrialError::Seed { which, source })?;
        }
        let outside = (dialect == Dialect::Postgresql).then(|| ConcurrentWatch::new(database.admin_address()));
        Ok(Self { mover: ByScript { scripts, connection, watch: outside, sent: Vec::new() }, looker, _database: database })
    }
}

/// Runs the statements of one direction; stops at the first that is refused, and gives its place.
fn run(connection: &mut Connection, script: &Script, direction: Direction) -> Result<(), (usize, DatabaseError)> {
    for (at, statement) in script.statements.iter().enumerate().filter(|(_, statement)| statement.direction == direction) {
        if let Err(error) = connection.execute(script.text_of(statement)) {
            // What was begun is not left open for the next look.
            let _ = connection.execute("ROLLBACK");
            return Err((at, error));
        }
    }
    Ok(())
}

struct ByScript<'a> {
    scripts: &'a Scripts<'a>,
    connection: Connection,
    /// PostgreSQL: who looks at statements that commit by themselves.
    watch: Option<ConcurrentWatch>,
    sent: Vec<Sent>,
}

/// Code and sentence of a statement that was refused or took too long; none where the engine is in trouble.
fn said(error: &DatabaseError) -> Option<(String, String)> {
    if let DatabaseError::TimedOut { limit, sql } = error {
        return Some(("timeout".to_owned(), format!("`{sql}` ran longer than {} s (`statement_timeout_s`)", limit.as_secs())));
    }
    let refusal = error.refusal().filter(|refusal| !refusal.is_engine_trouble)?;
    let message = match &refusal.detail {
        Some(detail) => format!("{refusal}\nDETAIL: {detail}"),
        None => refusal.to_string(),
    };
    Some((refusal.code.clone(), message))
}

impl Mover for ByScript<'_> {
    fn words(&mut self) -> Result<Vec<Words>, TrialError> {
        Ok(Vec::new())
    }

    fn go(&mut self, is_up: bool, revision: &str) -> Result<Option<Failure>, TrialError> {
        self.sent.clear();
        let script = if is_up { Some(self.scripts.up) } else { self.scripts.down };
        let Some(script) = script else { return Ok(None) };
        let has_down = script.statements.iter().any(|statement| statement.direction == Direction::Down);
        let direction = if !is_up && has_down { Direction::Down } else { Direction::Up };
        let Err((at, error)) = self.run(script, direction) else { return Ok(None) };
        let statement = script.statements.get(at);
        let Some((code, message)) = said(&error) else { return Err(TrialError::Seed { which: "sql", source: error }) };
        Ok(Some(Failure {
            revision: revision.to_owned(),
            direction: "",
            file: None,
            line: statement.map(|statement| statement.line),
            sql: statement.map(|statement| script.text_of(statement).to_owned()),
            sqlstate: Some(code),
            message,
            dependents: Vec::new(),
        }))
    }

    fn statements(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }
}

impl ByScript<'_> {
    /// As [`run`], and PostgreSQL is asked about each statement while its transaction is open.
    fn run(&mut self, script: &Script, direction: Direction) -> Result<(), (usize, DatabaseError)> {
        if self.watch.is_none() {
            return run(&mut self.connection, script, direction);
        }
        let mut open: Option<(u64, OwnTrace, Instant)> = None;
        let mut begun = 0;
        for (at, statement) in script.statements.iter().enumerate().filter(|(_, statement)| statement.direction == direction) {
            let sql = script.text_of(statement);
            let started = Instant::now();
            let outcome = match (&statement.reading.change, &mut open) {
                (Change::Begin, _) => self.connection.execute(sql).and_then(|_| OwnTrace::begin(&mut self.connection)).map(|trace| {
                    begun += 1;
                    open = Some((begun, trace, started));
                    None
                }),
                (Change::Commit | Change::Rollback { to_savepoint: false }, _) => self.connection.execute(sql).map(|_| {
                    self.close(open.take().map(|(number, ..)| number));
                    None
                }),
                (_, Some((_, trace, _))) => self.connection.execute(sql).and_then(|_| trace.after(&mut self.connection)).map(Some),
                (_, None) => self.alone(sql, &statement.reading.change).map(Some),
            };
            let touched = match outcome {
                Ok(touched) => touched,
                Err(error) => {
                    // What was begun is not left open for the next look.
                    let _ = self.connection.execute("ROLLBACK");
                    return Err((at, error));
                }
            };
            let ms = started.elapsed().as_secs_f64() * 1_000.0;
            self.sent.push(Sent {
                file: None,
                line: Some(statement.line),
                sql: sql.to_owned(),
                transaction: open.as_ref().map(|(number, ..)| *number),
                ms: Some((ms * 1_000.0).round() / 1_000.0),
                held_ms: None,
                touched,
            });
        }
        Ok(())
    }

    /// A statement that is a transaction of its own: put into one, so that it can be asked about before it is committed;
    /// one that refuses that is watched from outside.
    fn alone(&mut self, sql: &str, change: &Change) -> Result<Vec<Touched>, DatabaseError> {
        if matches!(change, Change::Set { .. }) {
            return self.connection.execute(sql).map(|_| Vec::new());
        }
        self.connection.execute("BEGIN")?;
        let mut trace = OwnTrace::begin(&mut self.connection)?;
        let inside = self.connection.execute(sql).and_then(|_| trace.after(&mut self.connection));
        match inside {
            Ok(touched) => self.connection.execute("COMMIT").map(|_| touched),
            Err(error) if error.code() == Some("25001") => {
                self.connection.execute("ROLLBACK")?;
                let Some(watch) = &mut self.watch else { return self.connection.execute(sql).map(|_| Vec::new()) };
                watch.before(sql);
                let outcome = self.connection.execute(sql);
                let touched = watch.after();
                outcome.map(|_| touched)
            }
            Err(error) => Err(error),
        }
    }

    /// A transaction has ended: so long its locks were held.
    fn close(&mut self, number: Option<u64>) {
        let mut held = 0.0;
        for sent in self.sent.iter_mut().rev().filter(|sent| number.is_some() && sent.transaction == number) {
            held += sent.ms.unwrap_or_default();
            sent.held_ms = Some(held);
        }
    }
}

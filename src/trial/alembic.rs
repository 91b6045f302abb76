//! A range of a project's revisions, run by its own Alembic on scratch databases.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::allow::Allowance;
use crate::bridge::{self, Bridge, Direction, StatementSource};
use crate::dialect::Dialect;
use crate::lifecycle::evidence::{Outcome, Rerun};
use crate::project::revision::{Body, Shape};
use crate::rows::Mood;
use crate::rows::Words;
use crate::rows::fill::Filled;
use crate::trace::foresight::Foresight;
use crate::trace::{Sent, Trace};
use crate::trial::base::{Base, Start, as_words};
use crate::trial::fitting::ALLOWANCE;
use crate::trial::mending::{Mending, mend};
use crate::trial::trip::{Mover, Trying, WayBack, add_new, second_run, try_one};
use crate::trial::{Engine, Failure, SecondRun, Trial, TrialError, Trip, Wishes};
use crate::workshop::range::Range;
use crate::workshop::watch::Ended;
use crate::workshop::{Lent, Workshop, WorkshopError, target};

/// Tries each revision of a range: up, down, up.
///
/// # Errors
/// No Python or scratch database, a chain that cannot be brought to where the range begins, the caller's own SQL.
pub fn try_range(
    workshop: &Workshop,
    range: &Range,
    wishes: &Wishes,
    news: &dyn Fn(usize, usize, &str),
    cancelled: &AtomicBool,
) -> Result<Trial, TrialError> {
    workshop.watch.over(wishes.limits, cancelled, || try_watched(workshop, range, wishes, news, cancelled))
}

fn try_watched(
    workshop: &Workshop,
    range: &Range,
    wishes: &Wishes,
    news: &dyn Fn(usize, usize, &str),
    cancelled: &AtomicBool,
) -> Result<Trial, TrialError> {
    news(0, range.revisions.len(), &format!("making a scratch database at {}", range.from));
    let base = Base::at(workshop, &range.from, wishes)?;
    if base.is_reused {
        news(0, range.revisions.len(), &format!("cloned the template of {}", range.from));
    }
    let is_postgresql = workshop.server.dialect == Dialect::Postgresql;
    let trace = Trace::new(is_postgresql.then(|| Foresight::behind(&base.setup, workshop.server)));
    let lent = workshop.python(&base.refs())?;
    let fences = lent.fences();
    let server = base.databases.first().map(|database| database.server().clone());
    let mut notes = server.as_ref().and_then(|server| server.note.clone()).into_iter().collect::<Vec<_>>();
    if base.databases.len() > 1 {
        notes.push(format!("`env.py` opens {} databases: the first is compared", base.databases.len()));
    }
    let starts = vec![Start { revision: range.from.clone(), place: 0 }];
    let filled = base.filled.clone();
    let mut walk = Walk { workshop, range, wishes, lent: &lent, starts, base, is_usable: true, filled, trace, notes };
    walk.watch();
    let mut trips = Vec::new();
    let mut untried = BTreeMap::new();
    for (at, revision) in range.revisions.iter().enumerate() {
        if cancelled.load(Ordering::Relaxed) {
            return Err(TrialError::Ended(Ended::Cancelled));
        }
        news(at, range.revisions.len(), &format!("round trip of {revision}"));
        match walk.stand_before(at) {
            Ok(()) => {}
            Err(TrialError::Workshop(WorkshopError::CannotReach { sentence, .. })) => {
                untried.extend(range.revisions.iter().skip(at).map(|later| (later.clone(), format!("not reached: {sentence}"))));
                break;
            }
            Err(other) => return Err(other),
        }
        let mut trip = walk.trip(at, revision)?;
        let is_reached = walk.go_on_behind(at, &mut trip)?;
        trips.push(trip);
        if !is_reached {
            let later = range.revisions.iter().skip(at + 1);
            untried.extend(later.map(|later| (later.clone(), format!("not reached: the upgrade of {revision} fails"))));
            break;
        }
    }
    let second_run = match trips.last() {
        Some(last) if walk.is_usable && untried.is_empty() => run_again(workshop, &lent, &mut walk.base, &last.revision)?,
        _ => SecondRun { rerun: Rerun::NotTried, why: "not tried: the upgrade does not stand at its target".to_owned() },
    };
    let own_version = sqlite_version(workshop, &lent);
    let encoding = walk.base.looker.encoding()?;
    let engine = server.map(|server| Engine::of(&server, own_version, encoding));
    let engine = engine.unwrap_or_else(|| Engine {
        dialect: workshop.server.dialect.word(),
        version: String::new(),
        made_by: String::new(),
        charset: None,
        collation: None,
        identifier: None,
    });
    lent.watch(None);
    let Walk { starts, filled, trace, notes, .. } = walk;
    let mend = mend(&Mending { workshop, range, wishes, starts: &starts, lent: &lent }, &trips, cancelled)?;
    Ok(Trial { trips, untried, rows: wishes.rows, filled, second_run, engine, fences, notes, mend, trace })
}

/// On the way through a range, one revision after the other.
struct Walk<'a> {
    workshop: &'a Workshop,
    range: &'a Range,
    wishes: &'a Wishes,
    lent: &'a Lent,
    /// From where it can begin anew, the first at the range's beginning.
    starts: Vec<Start>,
    /// Where it stands.
    base: Base,
    /// It stands behind the last revision; else what failed may have left anything.
    is_usable: bool,
    filled: Vec<Filled>,
    trace: Trace,
    notes: Vec<String>,
}

impl Walk<'_> {
    /// The watchdog leaves the looker alone; PostgreSQL is watched from outside.
    fn watch(&self) {
        self.workshop.watch.spare(self.base.looker.connection.session_id());
        self.workshop.watch.reach(&self.base.looker.connection);
        let is_postgresql = self.workshop.server.dialect == Dialect::Postgresql;
        self.lent.watch(is_postgresql.then(|| self.base.databases.first()).flatten());
    }

    /// Goes on another database.
    fn enter(&mut self, base: Base) -> Result<(), TrialError> {
        self.base = base;
        self.watch();
        self.lent.lock().bridge.point_at(self.base.databases.iter().map(target).collect())?;
        Ok(())
    }

    fn start(&self, at: usize) -> Start {
        Start::before(&self.starts, at).cloned().unwrap_or_else(|| Start { revision: self.range.from.clone(), place: 0 })
    }

    /// In front of the revision at place `at`, with rows in every table.
    fn stand_before(&mut self, at: usize) -> Result<(), TrialError> {
        if !self.is_usable {
            self.enter(Base::again(self.workshop, self.range, &self.start(at), at, self.wishes)?)?;
        }
        // What the revisions before it made, or left empty on their way down and up, gets its rows now.
        let words: Vec<Words> = self.lent.lock().bridge.enums()?.into_iter().map(as_words).collect();
        add_new(&mut self.filled, self.base.looker.fill(self.wishes.rows, &words, &[])?);
        Ok(())
    }

    /// The round trip of the revision at place `at`; where made-up rows stop its upgrade, another with rows that fit.
    fn trip(&mut self, at: usize, revision: &str) -> Result<Trip, TrialError> {
        let before = has_allowance(self.workshop, revision).then(|| self.trace.clone());
        let mut trip = self.try_one(at, revision)?;
        trip.ended(self.workshop.watch.found())?;
        let Some(table) = trip.refused_table(&self.filled) else { return Ok(trip) };
        let allowed = trip.failure.as_ref().and_then(|failure| allowance(self.workshop, failure)).zip(before);
        // What fits it may not fit those behind it: of a plan in steps the last one says most. What the old shape does not hold is awkward
        // behind it too.
        let last = self.range.revisions.len().saturating_sub(1);
        let mut why = String::new();
        let ways = [(at, Mood::Awkward), (last, Mood::Awkward), (last, Mood::Tame)];
        for (n, (until, mood)) in ways.into_iter().enumerate().skip(usize::from(at == last)) {
            let base = match Base::fitting(self.workshop, self.range, &self.start(at), (at, until), mood, self.wishes)? {
                Ok(base) => base,
                Err(reason) => {
                    why = reason;
                    continue;
                }
            };
            let before = allowed.as_ref().map_or_else(Trace::default, |(_, before)| before.clone());
            let told = std::mem::replace(&mut self.trace, before);
            let filled = std::mem::replace(&mut self.filled, base.filled.clone());
            self.enter(base)?;
            let again = self.try_one(at, revision)?;
            let refilled = std::mem::replace(&mut self.filled, filled);
            if again.outcome == Outcome::UpgradeFails && n + 1 < ways.len() {
                self.trace = told;
                continue;
            }
            if let Some((because, _)) = allowed.filter(|_| again.outcome != Outcome::UpgradeFails) {
                self.notes.push(trip.stopped_by(&table, &because));
                add_new(&mut self.filled, refilled);
                return Ok(Trip { is_fitted: true, ..again });
            }
            (self.trace, self.is_usable) = (told, false);
            trip.also_with_rows_that_fit(table, &again);
            return Ok(trip);
        }
        self.is_usable = false;
        trip.also(&why);
        Ok(trip)
    }

    fn try_one(&mut self, at: usize, revision: &str) -> Result<Trip, TrialError> {
        let is_last = at + 1 == self.range.revisions.len();
        let trying = Trying {
            revision,
            way_back: way_back(self.workshop, revision),
            wishes: self.wishes,
            seed_after: self.wishes.seed_after_upgrade_sql.as_deref().filter(|_| is_last),
        };
        let mut warm = self.lent.lock();
        let mut mover = ByAlembic { bridge: &mut warm.bridge, workshop: self.workshop, sent: Vec::new() };
        let (trip, is_usable) = try_one(&mut mover, &mut self.base.looker, &trying, &mut self.filled, &mut self.trace)?;
        self.is_usable = is_usable;
        Ok(trip)
    }

    /// Where an upgrade failed and others follow: on a database that is brought behind it from nothing. False where it cannot be.
    fn go_on_behind(&mut self, at: usize, trip: &mut Trip) -> Result<bool, TrialError> {
        if trip.outcome != Outcome::UpgradeFails || at + 1 == self.range.revisions.len() {
            return Ok(true);
        }
        // What stopped it may be rows, or that it ran by itself: from nothing the chain may go on all the same.
        let start = Start { revision: trip.revision.clone(), place: at + 1 };
        match Base::at(self.workshop, &trip.revision, &start.wishes(self.wishes)) {
            Ok(fresh) => {
                self.enter(fresh)?;
                self.is_usable = true;
                self.starts.push(start);
                trip.also("from nothing, without rows and in one run with those before it, it runs");
                Ok(true)
            }
            Err(TrialError::Workshop(WorkshopError::CannotReach { .. })) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// Where its file says so anywhere.
fn has_allowance(workshop: &Workshop, revision: &str) -> bool {
    let project = &workshop.workspace.project;
    let found = project.graph.by_id(revision).and_then(|at| project.revision(at));
    found.is_some_and(|revision| revision.allowances.iter().any(|allowance| allowance.names(ALLOWANCE)))
}

/// Why no stored row is in the way of the statement that failed, as its file says beside it or in the head of `upgrade()`.
fn allowance(workshop: &Workshop, failure: &Failure) -> Option<String> {
    let project = &workshop.workspace.project;
    let revision = project.graph.by_id(&failure.revision).and_then(|at| project.revision(at))?;
    let (file, line) = (failure.file.as_ref()?, failure.line?);
    let allowances = &revision.allowances;
    let upgrade = revision.upgrade.as_ref().filter(|body| (body.line..=body.end_line).contains(&line));
    let in_its_head = |body: &Body| allowances.iter().find(|one| (body.line..body.first_line).contains(&one.line) && one.names(ALLOWANCE));
    let allowance = Allowance::at(allowances, line, ALLOWANCE).or_else(|| upgrade.and_then(in_its_head));
    allowance.filter(|_| revision.file == *file)?.because.clone()
}

/// SQLite is a library: the one that counts is in the project's Python.
fn sqlite_version(workshop: &Workshop, lent: &Lent) -> Option<String> {
    if workshop.server.dialect != Dialect::Sqlite {
        return None;
    }
    let rows = lent.lock().bridge.query(0, "SELECT sqlite_version()").ok()?;
    rows.rows.first()?.first()?.as_str().map(str::to_owned)
}

pub(super) fn way_back(workshop: &Workshop, revision: &str) -> WayBack {
    let project = &workshop.workspace.project;
    let body = project.graph.by_id(revision).and_then(|at| project.revision(at)).and_then(|revision| revision.downgrade.as_ref());
    match body.map(|body| &body.shape) {
        None => WayBack::Missing,
        Some(Shape::Raises { .. }) => WayBack::Raises,
        Some(Shape::Empty | Shape::Works) => WayBack::Runs,
    }
}

/// The version table says that the revision is not there, and its upgrade is run.
fn run_again(workshop: &Workshop, lent: &Lent, base: &mut Base, revision: &str) -> Result<SecondRun, TrialError> {
    let project = &workshop.workspace.project;
    let parents =
        project.graph.by_id(revision).and_then(|at| project.revision(at)).map(|revision| revision.parents.clone()).unwrap_or_default();
    let id = revision.replace('\'', "''");
    let pointer = match parents.as_slice() {
        [] => format!("DELETE FROM alembic_version WHERE version_num = '{id}'"),
        [one] => format!("UPDATE alembic_version SET version_num = '{}' WHERE version_num = '{id}'", one.replace('\'', "''")),
        _ => return Ok(SecondRun { rerun: Rerun::NotTried, why: "not tried: it is a merge".to_owned() }),
    };
    match base.looker.aside(&pointer) {
        Ok(1) => {}
        _ => {
            return Ok(SecondRun {
                rerun: Rerun::NotTried,
                why: "not tried: its version table is another one than `alembic_version`".to_owned(),
            });
        }
    }
    let mut warm = lent.lock();
    let mut mover = ByAlembic { bridge: &mut warm.bridge, workshop, sent: Vec::new() };
    second_run(&mut mover, &mut base.looker, revision)
}

/// Steps of the project's own Alembic.
pub(super) struct ByAlembic<'a> {
    pub(super) bridge: &'a mut Bridge,
    pub(super) workshop: &'a Workshop,
    pub(super) sent: Vec<Sent>,
}

impl Mover for ByAlembic<'_> {
    fn words(&mut self) -> Result<Vec<Words>, TrialError> {
        Ok(self.bridge.enums()?.into_iter().map(as_words).collect())
    }

    fn go(&mut self, is_up: bool, revision: &str) -> Result<Option<Failure>, TrialError> {
        let direction = if is_up { Direction::Up } else { Direction::Down };
        let executed = self.bridge.traced_step(direction, revision)?;
        let folder = &self.workshop.workspace.folder;
        let of_revision = executed.statements.into_iter().filter(|statement| statement.source == StatementSource::Revision);
        self.sent = of_revision
            .map(|statement| Sent {
                file: statement.file.as_ref().map(|file| shown(file, folder)),
                line: statement.line,
                sql: statement.sql,
                transaction: statement.transaction,
                ms: statement.milliseconds,
                held_ms: statement.held_milliseconds,
                touched: statement.touched,
            })
            .collect();
        if let Some(failure) = executed.failure.as_ref().filter(|failure| is_engine_trouble(failure)) {
            return Err(TrialError::Engine { revision: revision.to_owned(), message: failure.message.clone() });
        }
        Ok(executed.failure.map(|failure| told(&failure, revision, self.workshop)))
    }

    fn statements(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }
}

/// The server or its machine was at fault: PostgreSQL's classes 53, 58, XX and shutdowns, MariaDB's numbers for disk and
/// memory, SQLite's words.
fn is_engine_trouble(failure: &bridge::Failure) -> bool {
    let code = failure.sqlstate.as_deref().unwrap_or_default();
    let is_server =
        ["53", "58", "XX"].iter().any(|class| code.len() == 5 && code.starts_with(class)) || ["57P01", "57P02", "57P03"].contains(&code);
    let is_family = ["1021", "1037", "1038", "1041", "1114", "1135", "2006", "2013"].contains(&code);
    let is_library = ["database or disk is full", "disk I/O error"].iter().any(|words| failure.message.contains(words));
    is_server || is_family || is_library
}

/// A path as the project shows it.
fn shown(file: &Path, folder: &Path) -> String {
    file.strip_prefix(folder).unwrap_or(file).to_string_lossy().replace('\\', "/")
}

fn told(failure: &bridge::Failure, revision: &str, workshop: &Workshop) -> Failure {
    let folder = &workshop.workspace.folder;
    let message = match &failure.detail {
        Some(detail) if !failure.message.contains(detail.as_str()) => format!("{}\n{detail}", failure.message),
        _ => failure.message.clone(),
    };
    Failure {
        revision: revision.to_owned(),
        direction: "",
        file: failure.file.as_ref().map(|file| shown(file, folder)),
        line: failure.line,
        sql: failure.statement.clone(),
        sqlstate: failure.sqlstate.clone(),
        message,
        dependents: Vec::new(),
    }
}

//! A range of a project's revisions, run by its own Alembic on scratch databases.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bridge::{self, Bridge, Direction, StatementSource};
use crate::dialect::Dialect;
use crate::lifecycle::evidence::{Outcome, Rerun};
use crate::project::revision::Shape;
use crate::rows::Words;
use crate::trace::foresight::Foresight;
use crate::trace::{Sent, Trace};
use crate::trial::base::{Base, Start, as_words};
use crate::trial::mending::{Mending, mend};
use crate::trial::trip::{Mover, Trying, WayBack, add_new, second_run, try_one};
use crate::trial::{Engine, Failure, SecondRun, Trial, TrialError, Wishes};
use crate::workshop::range::Range;
use crate::workshop::watch::Ended;
use crate::workshop::{Workshop, WorkshopError, target};

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
    let mut base = Base::at(workshop, &range.from, wishes)?;
    if base.is_reused {
        news(0, range.revisions.len(), &format!("cloned the template of {}", range.from));
    }
    workshop.watch.spare(base.looker.connection.session_id());
    let mut filled = base.filled.clone();
    let is_postgresql = workshop.server.dialect == Dialect::Postgresql;
    let foresight = |base: &Base| is_postgresql.then(|| Foresight::behind(&base.setup, workshop.server));
    let mut trace = Trace::new(foresight(&base));
    let lent = workshop.python(&base.refs())?;
    lent.watch(is_postgresql.then(|| base.databases.first()).flatten());
    let fences = lent.fences();
    let server = base.databases.first().map(|database| database.server().clone());
    let mut trips = Vec::new();
    let mut untried = BTreeMap::new();
    let mut notes = server.as_ref().and_then(|server| server.note.clone()).into_iter().collect::<Vec<_>>();
    if base.databases.len() > 1 {
        notes.push(format!("`env.py` opens {} databases: the first is compared", base.databases.len()));
    }
    let mut is_usable = true;
    let mut starts = vec![Start { revision: range.from.clone(), place: 0 }];
    for (at, revision) in range.revisions.iter().enumerate() {
        if cancelled.load(Ordering::Relaxed) {
            return Err(TrialError::Ended(Ended::Cancelled));
        }
        news(at, range.revisions.len(), &format!("round trip of {revision}"));
        if !is_usable {
            // What failed before may have left anything: another database takes its place, in front of this revision.
            let Some(start) = Start::before(&starts, at) else { break };
            match Base::again(workshop, range, start, at, wishes) {
                Ok(fresh) => {
                    base = fresh;
                    workshop.watch.spare(base.looker.connection.session_id());
                    lent.watch(is_postgresql.then(|| base.databases.first()).flatten());
                }
                Err(TrialError::Workshop(WorkshopError::CannotReach { sentence, .. })) => {
                    untried.extend(range.revisions.iter().skip(at).map(|later| (later.clone(), format!("not reached: {sentence}"))));
                    break;
                }
                Err(other) => return Err(other),
            }
            lent.lock().bridge.point_at(base.databases.iter().map(target).collect())?;
        }
        // What the revisions before it made, or left empty on their way down and up, gets its rows now.
        let words: Vec<Words> = lent.lock().bridge.enums()?.into_iter().map(as_words).collect();
        add_new(&mut filled, base.looker.fill(wishes.rows, &words, &[])?);
        let is_last = at + 1 == range.revisions.len();
        let trying = Trying {
            revision,
            way_back: way_back(workshop, revision),
            wishes,
            seed_after: wishes.seed_after_upgrade_sql.as_deref().filter(|_| is_last),
        };
        let mut warm = lent.lock();
        let mut mover = ByAlembic { bridge: &mut warm.bridge, workshop, sent: Vec::new() };
        let (mut trip, usable) = try_one(&mut mover, &mut base.looker, &trying, &mut filled, &mut trace)?;
        is_usable = usable;
        if let (Some(found), Some(failure)) = (workshop.watch.found(), &mut trip.failure) {
            trip.why = format!("{} ({found})", trip.why);
            failure.message = format!("{found}\n{}", failure.message);
        }
        drop(warm);
        if trip.outcome == Outcome::UpgradeFails && !is_last {
            // What stopped it may be rows, or that it ran by itself: from nothing the chain may go on all the same.
            let start = Start { revision: revision.clone(), place: at + 1 };
            match Base::at(workshop, revision, &start.wishes(wishes)) {
                Ok(fresh) => {
                    base = fresh;
                    is_usable = true;
                    starts.push(start);
                    workshop.watch.spare(base.looker.connection.session_id());
                    lent.watch(is_postgresql.then(|| base.databases.first()).flatten());
                    lent.lock().bridge.point_at(base.databases.iter().map(target).collect())?;
                    trip.why.push_str("; from nothing, without rows and in one run with those before it, it runs");
                }
                Err(TrialError::Workshop(WorkshopError::CannotReach { .. })) => {
                    let later = range.revisions.iter().skip(at + 1);
                    untried.extend(later.map(|later| (later.clone(), format!("not reached: the upgrade of {revision} fails"))));
                    trips.push(trip);
                    break;
                }
                Err(other) => return Err(other),
            }
        }
        trips.push(trip);
    }
    let last = trips.last().map(|trip| trip.revision.clone());
    let second_run = match last {
        Some(revision) if is_usable && untried.is_empty() => run_again(workshop, &lent, &mut base, &revision)?,
        _ => SecondRun { rerun: Rerun::NotTried, why: "not tried: the upgrade does not stand at its target".to_owned() },
    };
    let own_version = sqlite_version(workshop, &lent);
    let engine = server.map(|server| Engine {
        dialect: server.server.dialect.word(),
        version: own_version.unwrap_or_else(|| server.server.version.to_string()),
        made_by: server.made_by.clone(),
        identifier: server.identifier().map(str::to_owned),
    });
    let engine = engine.unwrap_or_else(|| Engine {
        dialect: workshop.server.dialect.word(),
        version: String::new(),
        made_by: String::new(),
        identifier: None,
    });
    lent.watch(None);
    let mend = mend(&Mending { workshop, range, wishes, starts: &starts, lent: &lent }, &trips, cancelled)?;
    Ok(Trial { trips, untried, rows: wishes.rows, filled, second_run, engine, fences, notes, mend, trace })
}

/// SQLite is a library: the one that counts is in the project's Python.
fn sqlite_version(workshop: &Workshop, lent: &crate::workshop::Lent) -> Option<String> {
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
fn run_again(workshop: &Workshop, lent: &crate::workshop::Lent, base: &mut Base, revision: &str) -> Result<SecondRun, TrialError> {
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

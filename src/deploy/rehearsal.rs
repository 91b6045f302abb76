//! A range on scratch databases before it runs anywhere else: by Alembic, and by our own runner; both must agree.

use crate::bridge::Direction;
use crate::database::DatabaseError;
use crate::dialect::Dialect;
use crate::scratch::{ScratchDatabase, ScratchError};
use crate::snapshot::likeness::{Likeness, likeness};
use crate::snapshot::{SchemaSnapshot, SnapshotError};
use crate::workshop::range::Range;
use crate::workshop::{Workshop, WorkshopError};

use super::plan::{Plan, Step};
use super::run::{News, Ran, run};
use super::session::{Limits, versions};

/// The schema in front of a range and behind it, as Alembic makes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// In front.
    pub before: SchemaSnapshot,
    /// Behind.
    pub after: SchemaSnapshot,
}

/// A rehearsal did not come out well: nothing is run anywhere else.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The project, its Python, its scratch databases.
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    /// A scratch database.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// The schema could not be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The scratch database refused what is ours.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Alembic itself fails.
    #[error("Alembic fails on a scratch database: {0}")]
    Fails(String),
    /// Our runner stops.
    #[error("the statements fail on a scratch database, sent one by one: {}", stopped(.0))]
    Stops(Box<Ran>),
    /// Both run, and lead to different schemas.
    #[error("the statements lead to another schema than Alembic itself: {}", first(.0))]
    Differs(Likeness),
}

impl RehearsalError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Workshop(error) => error.hint(),
            Self::Scratch(error) => error.hint(),
            Self::Snapshot(error) => error.hint(),
            Self::Database(error) => error.hint(),
            Self::Fails(_) | Self::Stops(_) => "mend the revision; then call `review_sql` and `test_rollback`".to_owned(),
            Self::Differs(_) => "`env.py` does something that its offline mode does not: let a person run `alembic upgrade`".to_owned(),
        }
    }
}

fn first(likeness: &Likeness) -> String {
    likeness.differences.first().map(ToString::to_string).or_else(|| likeness.strangers.first().cloned()).unwrap_or_default()
}

fn stopped(ran: &Ran) -> String {
    ran.stopped.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// Nobody listens, nothing stops it.
struct Silent;

impl News for Silent {
    fn before(&mut self, _: &Step) -> bool {
        true
    }

    fn waits(&mut self, _: &str) -> bool {
        true
    }
}

/// The schema in front of a range and behind it, by the project's own Alembic on a scratch database.
///
/// # Errors
/// No Python, no scratch database, a revision that fails.
pub fn expected(workshop: &Workshop, range: &Range) -> Result<Rehearsal, RehearsalError> {
    let (databases, _) = workshop.scratch_at(&range.from)?;
    let before = snapshot(databases.first())?;
    {
        let refs: Vec<&ScratchDatabase> = databases.iter().collect();
        let lent = workshop.python(&refs)?;
        let executed = lent.lock().bridge.execute(Direction::Up, &range.from, &range.to).map_err(WorkshopError::from)?;
        if let Some(failure) = executed.failure {
            return Err(RehearsalError::Fails(failure.sentence));
        }
    }
    Ok(Rehearsal { before, after: snapshot(databases.first())? })
}

/// Runs a plan on a scratch database, and compares with what Alembic makes.
///
/// # Errors
/// It fails, or leads to another schema.
pub fn rehearse(workshop: &Workshop, plan: &Plan, expected: &Rehearsal) -> Result<(), RehearsalError> {
    let (databases, _) = workshop.scratch_at(&plan.range.from)?;
    let Some(database) = databases.first() else { return Err(RehearsalError::Fails("there is no scratch database".to_owned())) };
    let mut connection = database.connect()?;
    let from = versions(&mut connection, &plan.table)?;
    let ran = run(&mut connection, plan, &from, &Limits::default(), &mut Silent);
    drop(connection);
    if ran.stopped.is_some() {
        return Err(RehearsalError::Stops(Box::new(ran)));
    }
    let ours = snapshot(Some(database))?;
    let alike = likeness(&expected.after, &ours, &[&expected.before], &plan.table);
    if alike.is_alike() && alike.strangers.is_empty() { Ok(()) } else { Err(RehearsalError::Differs(alike)) }
}

fn snapshot(database: Option<&ScratchDatabase>) -> Result<SchemaSnapshot, RehearsalError> {
    let Some(database) = database else { return Ok(SchemaSnapshot::default()) };
    // SQLite has no accounts.
    let mut connection =
        if database.server().server.dialect == Dialect::Sqlite { database.connect()? } else { database.connect_admin()? };
    Ok(SchemaSnapshot::take(&mut connection)?)
}

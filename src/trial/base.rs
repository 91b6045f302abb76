//! Scratch databases in front of a revision, with rows: filled once, then cloned.

use crate::bridge::{BridgeError, EnumColumn};
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::rows::Mood;
use crate::rows::Words;
use crate::rows::fill::Filled;
use crate::scratch::ScratchDatabase;
use crate::trial::alembic::ByAlembic;
use crate::trial::fitting;
use crate::trial::look::{Looker, Moment};
use crate::trial::trip::Mover;
use crate::trial::{TrialError, Wishes};
use crate::workshop::kept::Templates;
use crate::workshop::range::Range;
use crate::workshop::{Workshop, WorkshopError};

/// Scratch databases where a revision begins, and what looks at the first.
pub(super) struct Base {
    pub(super) databases: Vec<ScratchDatabase>,
    pub(super) looker: Looker,
    /// The statements that made its schema.
    pub(super) setup: String,
    /// How far its tables were filled.
    pub(super) filled: Vec<Filled>,
    /// It was filled in an earlier call.
    pub(super) is_reused: bool,
}

/// From where a range is walked anew: a revision that can be reached from nothing, and the place in the range behind it.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) revision: String,
    pub(super) place: usize,
}

impl Start {
    /// The last one in front of a place of the range; the first is at the range's beginning.
    pub(super) fn before(starts: &[Self], at: usize) -> Option<&Self> {
        starts.iter().rev().find(|start| start.place <= at)
    }

    /// What is wished there: rows of the caller fit where the range begins, and nowhere else.
    pub(super) fn wishes(&self, wishes: &Wishes) -> Wishes {
        Wishes { seed_sql: wishes.seed_sql.clone().filter(|_| self.place == 0), ..wishes.clone() }
    }
}

/// What is known of a template, with its rows.
#[derive(Clone)]
struct Known {
    setup: String,
    filled: Vec<Filled>,
    moment: Moment,
}

/// Databases in front of a revision, as they were filled.
static FILLED: Templates<Known> = Templates::new();

impl Base {
    /// At `revision`, seeded and filled.
    pub(super) fn at(workshop: &Workshop, revision: &str, wishes: &Wishes) -> Result<Self, TrialError> {
        let server = workshop.scratch_server()?;
        let key = workshop.template_key(revision, &format!("{} {:?}", wishes.rows, wishes.seed_sql), &server)?;
        if let Some(key) = &key
            && let Some((databases, known)) = FILLED.cloned(&server, key)?
        {
            return Self::knowing(workshop, databases, known, true);
        }
        let (databases, setup) = workshop.scratch_at(revision)?;
        let mut looker = looking_at(workshop, &databases).map(Looker::new)?;
        if workshop.config.project.hook.is_some() && revision != "base" {
            workshop.python(&databases.iter().collect::<Vec<_>>())?.lock().bridge.seed(revision)?;
        }
        if let Some(seed) = &wishes.seed_sql {
            looker.connection.execute(seed).map_err(|source| TrialError::Seed { which: "seed_sql", source })?;
        }
        let words = if revision == "base" { Vec::new() } else { words_of(workshop, &databases)? };
        let filled = looker.fill(wishes.rows, &words, &[])?;
        if let Some(key) = key {
            let moment = looker.look()?;
            drop(looker);
            let (databases, known) = FILLED.keep(&key, databases, Known { setup, filled, moment })?;
            return Self::knowing(workshop, databases, known, false);
        }
        Ok(Self { databases, looker, setup, filled, is_reused: false })
    }

    fn knowing(workshop: &Workshop, databases: Vec<ScratchDatabase>, known: Known, is_reused: bool) -> Result<Self, TrialError> {
        let looker = Looker::knowing(looking_at(workshop, &databases)?, known.moment)?;
        Ok(Self { databases, looker, setup: known.setup, filled: known.filled, is_reused })
    }

    /// In front of the revision at place `at` of the range, with rows.
    pub(super) fn again(workshop: &Workshop, range: &Range, start: &Start, at: usize, wishes: &Wishes) -> Result<Self, TrialError> {
        let mut base = Self::at(workshop, &start.revision, &start.wishes(wishes))?;
        let lent = workshop.python(&base.refs())?;
        for revision in range.revisions.iter().take(at).skip(start.place) {
            let mut warm = lent.lock();
            let mut mover = ByAlembic { bridge: &mut warm.bridge, workshop, sent: Vec::new() };
            if let Some(failure) = mover.go(true, revision)? {
                return Err(WorkshopError::CannotReach { at: revision.clone(), sentence: failure.message }.into());
            }
        }
        if at > start.place {
            let words = words_of(workshop, &base.databases)?;
            base.looker.fill(wishes.rows, &words, &[])?;
        }
        Ok(base)
    }

    /// As [`Self::again`], with rows that fit what the revisions from place `at` to place `until` demand, as awkward as said; `Err`: why
    /// there are none.
    pub(super) fn fitting(
        workshop: &Workshop,
        range: &Range,
        start: &Start,
        (at, until): (usize, usize),
        mood: Mood,
        wishes: &Wishes,
    ) -> Result<Result<Self, String>, TrialError> {
        let revisions = range.revisions.get(at..=until).unwrap_or_default();
        let mut base = match Self::again(workshop, range, start, at, &Wishes { rows: 0, ..wishes.clone() }) {
            Ok(base) => base,
            Err(TrialError::Workshop(WorkshopError::CannotReach { at, sentence })) => {
                return Ok(Err(format!("without rows {at} is stopped: {sentence}")));
            }
            Err(other) => return Err(other),
        };
        let lent = workshop.python(&base.refs())?;
        let mut warm = lent.lock();
        let mut mover = ByAlembic { bridge: &mut warm.bridge, workshop, sent: Vec::new() };
        Ok(fitting::fill(&mut mover, &mut base.looker, revisions, (wishes.rows, mood))?.map(|filled| Self { filled, ..base }))
    }

    pub(super) fn refs(&self) -> Vec<&ScratchDatabase> {
        self.databases.iter().collect()
    }
}

/// SQLite has no accounts; a server's administrator sees what the role of migrations may not.
fn looking_at(workshop: &Workshop, databases: &[ScratchDatabase]) -> Result<Connection, TrialError> {
    let first = databases.first().ok_or_else(|| BridgeError::NoPython { looked_at: Vec::new() })?;
    Ok(if workshop.server.dialect == Dialect::Sqlite { first.connect()? } else { first.connect_admin()? })
}

/// What the application asks of text columns, as far as the project's Python has seen them made.
fn words_of(workshop: &Workshop, databases: &[ScratchDatabase]) -> Result<Vec<Words>, TrialError> {
    let lent = workshop.python(&databases.iter().collect::<Vec<_>>())?;
    let columns = lent.lock().bridge.enums()?;
    Ok(columns.into_iter().map(as_words).collect())
}

/// A column of Python's as one to be filled.
pub(super) fn as_words(column: EnumColumn) -> Words {
    let EnumColumn { schema, table, column, words } = column;
    Words { schema, table, column, words }
}

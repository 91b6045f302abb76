//! Up, down and up again on a scratch database, with rows: what came back and what did not.
//!
//! Each revision of a range is tried singly. Schema and rows are remembered before, after the upgrade, after the
//! downgrade and after the second upgrade; the outcome is read off their differences and off nothing else.

mod alembic;
mod base;
mod candidates;
mod dependents;
mod fitting;
mod look;
mod mend;
mod mending;
mod parity;
mod patch;
mod script;
mod touched;
mod trip;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::bridge::{BridgeError, Fences};
use crate::database::DatabaseError;
use crate::dialect::Encoding;
use crate::lifecycle::evidence::{Outcome, Rerun, RowsTried};
use crate::rows::RowsError;
use crate::rows::data::DataDifference;
use crate::rows::fill::Filled;
use crate::scratch::{ScratchError, ScratchServer};
use crate::snapshot::{Difference, SchemaSnapshot, SnapshotError};
use crate::trace::Trace;
use crate::trial::fitting::refused_table;
use crate::workshop::WorkshopError;
use crate::workshop::watch::{Ended, Limits};

pub use alembic::try_range;
pub use fitting::ALLOWANCE;
pub use parity::{Parity, parity};
pub use script::{Scripts, try_scripts};
pub use touched::Touched;

/// Rows of each table where nobody says how many.
pub const ROWS: u32 = 100;

/// What is wanted of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Rows for every table that is empty; 0 for none.
    pub rows: u32,
    /// Run once where the range begins.
    pub seed_sql: Option<String>,
    /// Run once, behind the first upgrade of the last revision.
    pub seed_after_upgrade_sql: Option<String>,
    /// How long things may take.
    pub limits: Limits,
}

/// A trial could not be made: nothing is said about the migration.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The project, its Python, or the way to where the range begins.
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    /// The Python.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// The scratch database.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// Reading the schema.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Writing or reading rows.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// SQL of the caller that shall run before the migration does not.
    #[error("`{which}` fails on the scratch database")]
    Seed {
        /// `setup_sql`, `seed_sql` or `seed_after_upgrade_sql`.
        which: &'static str,
        /// What the server said.
        #[source]
        source: DatabaseError,
    },
    /// The server or the machine was in trouble: nothing is said about the migration.
    #[error("the scratch server was in trouble while {revision} ran: {message}")]
    Engine {
        /// The revision.
        revision: String,
        /// What it said.
        message: String,
    },
    /// A statement was ended, and the server made no error of it: not all of the migration has run.
    #[error("{revision}: {found}; it was ended, and the server does not say so")]
    Unproven {
        /// The revision.
        revision: String,
        /// What took so long.
        found: String,
    },
    /// It was ended from outside.
    #[error(transparent)]
    Ended(#[from] Ended),
}

impl TrialError {
    /// A stable word for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Workshop(error) => error.code(),
            Self::Bridge(_) => "bridge",
            Self::Scratch(_) => "scratch",
            Self::Snapshot(_) => "snapshot",
            Self::Rows(_) => "rows",
            Self::Seed { .. } => "bad_seed",
            Self::Engine { .. } => "engine",
            Self::Unproven { .. } => "timeout",
            Self::Ended(ended) => ended.code(),
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Workshop(error) => error.hint(),
            Self::Bridge(error) => error.hint(),
            Self::Scratch(error) => error.hint(),
            Self::Snapshot(error) => error.hint(),
            Self::Rows(error) => error.hint(),
            Self::Seed { which, .. } => format!("mend `{which}`: it runs on the schema in front of the range"),
            Self::Engine { .. } => "free disk or memory for the scratch server, then call again".to_owned(),
            Self::Unproven { .. } => "raise `statement_timeout_s` or `lock_timeout_s`".to_owned(),
            Self::Ended(ended) => ended.hint().to_owned(),
        }
    }
}

/// One way of one revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The revision.
    pub revision: String,
    /// `upgrade`, `downgrade`, `upgrade again`.
    pub direction: &'static str,
    /// It ran.
    pub ok: bool,
    /// How long it took.
    pub seconds: f64,
    /// What was said where it did not.
    pub error: Option<String>,
}

/// What stopped a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The revision.
    pub revision: String,
    /// Which step it was.
    pub direction: &'static str,
    /// The file.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// The statement.
    pub sql: Option<String>,
    /// SQLSTATE, MariaDB's number, or SQLite's name.
    pub sqlstate: Option<String>,
    /// The server's or Python's words.
    pub message: String,
    /// What depends on what was to go, in the order in which it can be dropped.
    pub dependents: Vec<String>,
}

impl Failure {
    /// It is the rows that were refused, not the statement: PostgreSQL's classes 22 and 23, MariaDB's numbers for values and
    /// constraints, SQLite's words.
    #[must_use]
    pub fn is_by_rows(&self) -> bool {
        const MARIADB: [&str; 9] = ["1048", "1062", "1138", "1169", "1264", "1265", "1406", "1452", "4025"];
        let code = self.sqlstate.as_deref().unwrap_or_default();
        let is_postgresql = code.len() == 5 && ["22", "23"].iter().any(|class| code.starts_with(class));
        is_postgresql || MARIADB.contains(&code) || self.message.contains("constraint failed")
    }
}

/// Digests of the schema at the four moments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SchemaDigests {
    /// In front of the revision.
    pub before: Option<String>,
    /// Behind its upgrade.
    pub after_upgrade: Option<String>,
    /// Behind its downgrade.
    pub after_downgrade: Option<String>,
    /// Behind the second upgrade.
    pub after_reupgrade: Option<String>,
}

/// A value that did not come back, and who lost it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// What and how much.
    #[serde(flatten)]
    pub difference: DataDifference,
    /// `upgrade`: it was gone already behind the upgrade; `downgrade`: it was there and did not come back.
    pub by: &'static str,
}

/// The round trip of one revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trip {
    /// The revision.
    pub revision: String,
    /// The worst of what was seen.
    pub outcome: Outcome,
    /// A failed step left something behind.
    pub left_dirty: bool,
    /// The outcome in a sentence.
    pub why: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Digests of the schema.
    pub schema: SchemaDigests,
    /// What the schema has otherwise than before, behind the downgrade; or behind the second upgrade than behind the first.
    pub schema_diff: Vec<Difference>,
    /// What the rows have otherwise.
    pub data_diff: Vec<Lost>,
    /// What stopped it.
    pub failure: Option<Failure>,
    /// The table whose made-up rows stop its upgrade.
    #[serde(skip)]
    pub refused: Option<String>,
    /// Its rows fit what it demands, since its text says that no other stand.
    #[serde(skip)]
    pub is_fitted: bool,
    /// Rows that stood when it began.
    pub rows: usize,
    /// What stood when it began: `12 tables, 31 indexes`.
    pub counts: String,
    /// What the upgrade changed in the schema, an object a line: `+ index ix_users_email`.
    pub changes: Vec<String>,
    /// The tables that stood before and that it touched.
    #[serde(skip)]
    pub touched: Vec<Touched>,
    /// The schema on the way.
    #[serde(skip)]
    pub schemas: Schemas,
}

/// The schema of one round trip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schemas {
    /// In front of the revision.
    pub before: Arc<SchemaSnapshot>,
    /// Behind its upgrade.
    pub upgraded: Arc<SchemaSnapshot>,
    /// Behind its downgrade; None where that did not run.
    pub back: Option<Arc<SchemaSnapshot>>,
}

/// Another `downgrade()` that was tried and leads back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mend {
    /// For `git apply` in the project's folder; None where there is none.
    pub patch: Option<String>,
    /// What it does, or why there is none, in a sentence; empty where nothing had to be mended.
    pub why: String,
}

impl Trip {
    /// What the watch ended is said with the failure.
    ///
    /// # Errors
    /// Nothing failed, as MariaDB answers a `SELECT benchmark(…)` that was ended: nothing is proven then.
    fn ended(&mut self, found: Option<String>) -> Result<(), TrialError> {
        let Some(found) = found else { return Ok(()) };
        let Some(failure) = &mut self.failure else {
            return Err(TrialError::Unproven { revision: self.revision.clone(), found });
        };
        self.why = format!("{} ({found})", self.why);
        failure.message = format!("{found}\n{}", failure.message);
        Ok(())
    }

    /// The made-up table whose rows the upgrade refuses; None where it does not fail by rows, or by rows of somebody's own.
    fn refused_table(&self, filled: &[Filled]) -> Option<String> {
        let failure = self.failure.as_ref().filter(|_| self.outcome == Outcome::UpgradeFails)?;
        refused_table(failure, filled).map(|filled| filled.table.clone())
    }

    /// Adds to what is said of it.
    fn also(&mut self, words: &str) {
        self.why.push_str("; ");
        self.why.push_str(words);
    }

    /// Adds what `again`, with rows that fit, did; `table`: whose rows do not.
    fn also_with_rows_that_fit(&mut self, table: String, again: &Self) {
        if again.outcome > Outcome::UpgradeFails {
            self.refused = Some(table);
        }
        match again.outcome.leads_back() {
            true => self.also("with rows that fit it goes up, down and up, and all comes back"),
            false => self.also(&format!("with rows that fit: {}", again.why)),
        }
    }

    /// What rows that do not fit did, where its text says that there are none.
    fn stopped_by(&self, table: &str, because: &str) -> String {
        let left = if self.left_dirty { "what it had done by then stays" } else { "nothing of it stays" };
        format!(
            "{}: with the rows made up for `{table}` {}, and {left}; tested with rows that fit, since its text says: {because}",
            self.revision, self.why
        )
    }

    /// All that was lost is what the upgrade itself removes or overwrites.
    #[must_use]
    pub fn loss_is_the_upgrades(&self) -> bool {
        self.data_diff.iter().all(|lost| lost.by == "upgrade")
    }
}

/// What running the upgrade once more on the database that has it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondRun {
    /// In a word.
    pub rerun: Rerun,
    /// In a sentence.
    pub why: String,
}

/// A whole trial.
#[derive(Debug)]
pub struct Trial {
    /// One for each revision that was tried, in the order of the range.
    pub trips: Vec<Trip>,
    /// Revisions that could not be reached, with the reason.
    pub untried: BTreeMap<String, String>,
    /// Made-up rows that were wanted for each table without any.
    pub rows: u32,
    /// How far tables were filled, each when it was first seen empty.
    pub filled: Vec<Filled>,
    /// The upgrade on a database that has it.
    pub second_run: SecondRun,
    /// The server in words, who made it, and its identifier.
    pub engine: Engine,
    /// What kept `env.py` from anything else.
    pub fences: Fences,
    /// What else should be known.
    pub notes: Vec<String>,
    /// A patch for what fails.
    pub mend: Mend,
    /// What each statement was seen to lock, rewrite, read and change; empty where nobody can look.
    pub trace: Trace,
}

impl Trial {
    /// The rows it was made with.
    #[must_use]
    pub fn rows_tried(&self) -> RowsTried {
        let touched: BTreeMap<&str, usize> =
            self.trips.iter().flat_map(|trip| &trip.touched).map(|one| (one.table.as_str(), one.rows)).rev().collect();
        let is_made_up = |table: &str| self.filled.iter().any(|filled| filled.table == table);
        let seeded = touched.values().any(|rows| *rows > 0) && !touched.keys().any(|table| is_made_up(table));
        // A row in one of them is a row that the way back can lose.
        let is_empty = self.rows == 0 && touched.values().all(|rows| *rows == 0);
        let empty = touched.into_keys().filter(|_| is_empty);
        RowsTried { made_up: self.rows, seeded, touched_empty: empty.map(str::to_owned).collect() }
    }

    /// The worst outcome; a revision that was not reached counts as an upgrade that fails.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let worst = self.trips.iter().map(|trip| trip.outcome).min().unwrap_or(Outcome::Ok);
        if self.untried.is_empty() { worst } else { worst.min(Outcome::UpgradeFails) }
    }
}

/// On what it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Engine {
    /// The dialect.
    pub dialect: &'static str,
    /// Its version.
    pub version: String,
    /// `started here`, or the dev server.
    pub made_by: String,
    /// What its database writes text in: `UTF8`, `utf8mb4`; null where it knows one way only.
    pub charset: Option<String>,
    /// How it compares text: `C`, `utf8mb4_general_ci`.
    pub collation: Option<String>,
    /// The server's own identifier.
    pub identifier: Option<String>,
}

impl Engine {
    /// A scratch server whose databases write in `encoding`; `version`: where another library than the server's decides.
    fn of(server: &ScratchServer, version: Option<String>, encoding: Encoding) -> Self {
        Self {
            dialect: server.server.dialect.word(),
            version: version.unwrap_or_else(|| server.server.version.to_string()),
            made_by: server.made_by.clone(),
            charset: encoding.charset,
            collation: encoding.collation,
            identifier: server.identifier().map(str::to_owned),
        }
    }

    /// What its database writes text in.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        Encoding { charset: self.charset.clone(), collation: self.collation.clone() }
    }
}

//! What is kept of a migration between two calls ([`records`]), and where ([`shelf`]): in the project, or in PostgreSQL for several
//! replicas; but for what an agent that may write the project must not have ([`home`]).

pub mod clock;
pub mod drift;
mod folder;
pub mod home;
pub mod records;
pub mod runs;
pub mod server;
pub mod shelf;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dialect::{Dialect, Production};
use crate::lifecycle::evidence::{Evidence, Outcome, Review, RoundTrip};
use crate::lifecycle::ledger::{Event, Version};
use crate::lifecycle::proven::Record;
use crate::risk::TableSizes;
use crate::secret::redacted;
use crate::store::server::ServerError;

/// Something that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a handful at a time")]
pub enum Happening {
    /// A review, with its evidence.
    Reviewed(Box<Review>),
    /// A round trip, with its evidence.
    Tested(Box<RoundTrip>),
    /// Anything else.
    Event(Event),
}

/// A record, and the version it was read at.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What was read.
    pub record: Record,
    /// To be given back with what is saved on top of it.
    pub version: Version,
    /// What was wished for, if it can be read.
    pub kept: Option<Kept>,
}

/// What the caller said beside the project's files: kept, so that the next question is judged by the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wishes {
    /// The server's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// The dialect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// Sizes of tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_stats: Option<TableSizes>,
    /// The write block that the deploy tolerates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_block_ms: Option<u64>,
    /// What production runs; what `alembic-gate.toml` declares counts more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production: Option<Production>,
}

impl Wishes {
    /// What is said now; where nothing is, what was said before.
    #[must_use]
    pub fn or(self, before: Self) -> Self {
        Self {
            server_version: self.server_version.or(before.server_version),
            dialect: self.dialect.or(before.dialect),
            table_stats: self.table_stats.or(before.table_stats),
            max_block_ms: self.max_block_ms.or(before.max_block_ms),
            production: self.production.or(before.production),
        }
    }
}

/// What is kept beside evidence and ledger: wishes, from which nothing is concluded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The migration's name.
    pub migration_name: String,
    /// Where it goes: an id or `head`.
    pub target_revision: String,
    /// Its revisions, in order, as far as they exist.
    pub revisions: Vec<String>,
    /// What the caller said.
    #[serde(default)]
    pub wishes: Wishes,
}

/// What came of saving.
#[derive(Debug)]
pub enum Saved {
    /// It is on disk.
    Kept {
        /// The version now.
        version: Version,
        /// What should be said about it: a ledger that was put aside, a missing key.
        notes: Vec<String>,
    },
    /// Somebody else saved in between: load again, decide again.
    Conflict {
        /// The version found.
        found: Version,
    },
    /// It could not be written: the answer is the same, with a note.
    NotKept(StoreError),
}

/// A record could not be written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be written.
    #[error("`{}` could not be written", .path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds the record.
    #[error("`{}` is being written by another process for more than {seconds} s", .path.display())]
    Busy {
        /// Which.
        path: PathBuf,
        /// How long we waited.
        seconds: u64,
    },
    /// The database that keeps the records did not.
    #[error("{0}")]
    Server(Arc<ServerError>),
}

impl StoreError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unwritable { .. } => "make `.alembic-gate/` writable: without it nothing is remembered between calls".to_owned(),
            Self::Busy { .. } => "try again; if it stays so, look for a process that hangs".to_owned(),
            Self::Server(error) => error.hint(),
        }
    }
}

/// What happened, as evidence and an event, without secrets and without paths of this machine.
fn prepared(happening: &Happening, project: &Path) -> (Option<Evidence>, Event) {
    match happening {
        Happening::Reviewed(review) => {
            let evidence = cleaned(&Evidence::Review(review.clone()), project);
            let event = Event::Reviewed { evidence: evidence.digest(), errors: review.judged.errors.len() };
            (Some(evidence), event)
        }
        Happening::Tested(trip) => {
            let evidence = cleaned(&Evidence::RoundTrip(trip.clone()), project);
            let outcome = trip.outcome().unwrap_or(Outcome::UpgradeFails);
            (Some(evidence.clone()), Event::Tested { evidence: evidence.digest(), key: trip.key(), outcome })
        }
        Happening::Event(event) => (None, cleaned(event, project)),
    }
}

/// The same without secrets and without the project's own path.
fn cleaned<T: serde::Serialize + serde::de::DeserializeOwned + Clone>(given: &T, project: &Path) -> T {
    let Ok(mut value) = serde_json::to_value(given) else { return given.clone() };
    clean(&mut value, &project.display().to_string());
    serde_json::from_value(value).unwrap_or_else(|_| given.clone())
}

fn clean(value: &mut serde_json::Value, project: &str) {
    match value {
        serde_json::Value::String(text) => {
            let short = if project.len() > 1 { text.replace(project, ".") } else { text.clone() };
            *text = redacted(&short);
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| clean(value, project)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|value| clean(value, project)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

//! The ways back from trouble: what a real database has against what its chain says, and the plans that mend it.
//!
//! A configured database is only read, in sessions that refuse writes. What a plan would do is run on scratch databases
//! first: `proven` says that it led there to exactly the schema that it promises.

use serde::Serialize;

use crate::database::DatabaseError;
use crate::scratch::ScratchError;
use crate::snapshot::SnapshotError;
use crate::workshop::WorkshopError;

mod bench;
mod ddl;
pub mod deployed;
pub mod document;
pub mod draft;
pub mod drift;
pub mod half;
pub mod heads;
pub mod manual;
mod patch;
mod pieces;
pub mod planned;
mod plans;
pub mod real;
mod replay;
mod trouble;

pub use deployed::{Break, Compatibility};
pub use drift::Item;
pub use half::{HalfApplied, Stamp, Statement};
pub use heads::BothOrders;
pub use real::Real;
pub use trouble::{Begun, Trouble};

/// What happened could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// The project, its Python, or its chain.
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    /// A scratch database.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// A schema could not be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The real database.
    #[error("the database could not be read: {0}")]
    Database(#[from] DatabaseError),
    /// Several databases, or several version rows.
    #[error("{0}")]
    NotComparable(String),
}

impl From<crate::project::NameError> for RecoveryError {
    fn from(error: crate::project::NameError) -> Self {
        Self::Workshop(error.into())
    }
}

impl RecoveryError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Workshop(error) => error.hint(),
            Self::Scratch(error) => error.hint(),
            Self::Snapshot(error) => error.hint(),
            Self::Database(error) => error.hint(),
            Self::NotComparable(_) => {
                "compare it by hand: `alembic current`, and the schema against a database built by the chain".to_owned()
            }
        }
    }
}

/// A way out, ready to be read and decided on. Nothing runs it but people, or the gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// `forward`, `back`, `stamp`, `formalise`, `align`, `merge`.
    pub name: &'static str,
    /// In one sentence.
    pub what: String,
    /// Statements, in the order in which they are run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sql: Vec<String>,
    /// The bodies of a revision to be generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<draft::Draft>,
    /// A change of a revision file, for `git apply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Exact commands for a person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// It was run on a scratch database in this state and led to the schema it promises.
    pub proven: bool,
    /// What must be seen to: what is lost, what could not be written, what comes after.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mind: Vec<String>,
}

//! The six phases, in order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How far a migration has come. Derived from evidence each time it is asked, never stored as truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// The change is described; there is no revision file.
    Plan,
    /// A revision file exists and nobody reviewed it. STOP: it is reviewed before anything else.
    Generate,
    /// It was reviewed. STOP: its way back is tested before it goes anywhere.
    ReviewSql,
    /// The way back was tried on a scratch database, and what was tried is what stands now.
    TestRollback,
    /// It was asked to be applied, with the review and the rollback gates open.
    Apply,
    /// It is applied and the database was seen at the target.
    Complete,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 6] = [Self::Plan, Self::Generate, Self::ReviewSql, Self::TestRollback, Self::Apply, Self::Complete];

    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plan => "PLAN",
            Self::Generate => "GENERATE",
            Self::ReviewSql => "REVIEW_SQL",
            Self::TestRollback => "TEST_ROLLBACK",
            Self::Apply => "APPLY",
            Self::Complete => "COMPLETE",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Phase {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|phase| phase.word() == text).ok_or(())
    }
}

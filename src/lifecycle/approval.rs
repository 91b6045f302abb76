//! Approvals, with honest levels: what a person confirmed, how we know it was a person, and what that is worth.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::effects::Loss;
use crate::lifecycle::canonical::canonical;
use crate::lifecycle::identity::MigrationId;

/// What an approval is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Nobody said anything.
    L0,
    /// The client says that a person said so; a client without a person can say it too.
    L1,
    /// Out of band: a person on a terminal, or a signature.
    L2,
    /// Two of them, by different people.
    L3,
}

impl Level {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::L0 => "L0",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How it came to us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "snake_case", deny_unknown_fields)]
pub enum Way {
    /// A form that the client showed.
    Elicited,
    /// Typed on a terminal.
    Terminal,
    /// A signed tag in git.
    SignedTag {
        /// The tag.
        tag: String,
        /// The signer's key, as git's verification names it.
        signer: String,
    },
}

impl Way {
    /// What it is worth alone.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self {
            Self::Elicited => Level::L1,
            Self::Terminal | Self::SignedTag { .. } => Level::L2,
        }
    }
}

/// What somebody approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// For which environment.
    pub environment: String,
    /// What that environment was: renaming another one to its name does not take the approval along.
    pub environment_digest: Digest,
    /// Of what: `Now::approval_digest`.
    pub digest: Digest,
    /// The loss that was shown.
    pub loss: Loss,
    /// What is lost, as it was shown.
    pub lost: Vec<String>,
    /// The backup that the person named.
    pub backup: Option<String>,
    /// Who, as far as we know.
    pub approver: String,
    /// How it came.
    pub way: Way,
}

/// What a signed tag says, on one line of its message behind [`STATEMENT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Which migration.
    pub migration_id: MigrationId,
    /// As in [`Approval`].
    pub environment: String,
    /// As in [`Approval`].
    pub environment_digest: Digest,
    /// As in [`Approval`].
    pub digest: Digest,
    /// As in [`Approval`].
    pub loss: Loss,
    /// As in [`Approval`].
    pub lost: Vec<String>,
    /// As in [`Approval`].
    pub backup: Option<String>,
}

/// What stands before the statement in a tag's message.
pub const STATEMENT: &str = "alembic-gate-approval: ";

impl Statement {
    /// The line for a tag's message.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{STATEMENT}{}", canonical(&serde_json::to_value(self).unwrap_or_default()))
    }

    /// The one statement in a message; `None` where there is none, or more than one.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        let mut lines = message.lines().filter_map(|line| line.strip_prefix(STATEMENT));
        let found = serde_json::from_str(lines.next()?).ok()?;
        lines.next().is_none().then_some(found)
    }

    /// The approval of the one who signed it.
    #[must_use]
    pub fn signed(self, tag: &str, principal: &str, key: &str) -> Checked {
        let Self { migration_id: _, environment, environment_digest, digest, loss, lost, backup } = self;
        let way = Way::SignedTag { tag: tag.to_owned(), signer: key.to_owned() };
        let approval = Approval { environment, environment_digest, digest, loss, lost, backup, approver: principal.to_owned(), way };
        Checked { approval, identity: format!("signer {key}") }
    }
}

/// An approval whose seal or signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What was approved.
    pub approval: Approval,
    /// By which key: two approvals by one key are one person's.
    pub identity: String,
}

/// The level that approvals reach for this digest and environment, and the backup they name.
///
/// L3 wants two at L2 whose keys and whose names differ.
#[must_use]
pub fn reached<'a>(approvals: &'a [Checked], digest: Digest, environment: &str, environment_digest: Digest) -> (Level, Vec<&'a Checked>) {
    let fitting: Vec<&Checked> = approvals
        .iter()
        .filter(|checked| {
            let approval = &checked.approval;
            approval.digest == digest && approval.environment == environment && approval.environment_digest == environment_digest
        })
        .collect();
    let strong: Vec<&&Checked> = fitting.iter().filter(|checked| checked.approval.way.level() >= Level::L2).collect();
    let two = strong
        .iter()
        .any(|one| strong.iter().any(|other| one.identity != other.identity && one.approval.approver != other.approval.approver));
    let level = if two { Level::L3 } else { fitting.iter().map(|checked| checked.approval.way.level()).max().unwrap_or(Level::L0) };
    (level, fitting)
}

/// How serious an environment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// A developer's own.
    Dev,
    /// Shared, before production.
    Staging,
    /// What users see; also what nobody said anything about.
    Production,
}

/// The level that is asked for. A project's configuration can raise it, never lower it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Where values can be lost.
    pub medium: Level,
    /// Where rows, columns or tables are lost.
    pub high: Level,
    /// For production, whatever is lost.
    pub production: Level,
}

impl Policy {
    /// What holds where nobody asks for more.
    pub const FLOOR: Self = Self { medium: Level::L2, high: Level::L2, production: Level::L2 };

    /// This policy, nowhere below the floor.
    #[must_use]
    pub fn raised(self) -> Self {
        Self {
            medium: self.medium.max(Self::FLOOR.medium),
            high: self.high.max(Self::FLOOR.high),
            production: self.production.max(Self::FLOOR.production),
        }
    }

    /// The level asked for; L0 where nothing is lost and nobody sees it.
    #[must_use]
    pub fn required(self, loss: Loss, tier: Tier) -> Level {
        let policy = self.raised();
        let by_loss = match loss {
            Loss::None | Loss::Low => Level::L0,
            Loss::Medium => policy.medium,
            Loss::High => policy.high,
        };
        match tier {
            Tier::Dev | Tier::Staging => by_loss,
            Tier::Production => by_loss.max(policy.production),
        }
    }
}

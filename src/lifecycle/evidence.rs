//! Evidence: what was looked at and what came out, by digests. It holds as long as the digests computed now are the same.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::effects::Loss;
use crate::lifecycle::canonical::canonical;

/// What every piece of evidence is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The revision files of the range.
    pub revision_files: Digest,
    /// The SQL forward.
    pub upgrade_sql: Digest,
    /// The SQL back.
    pub downgrade_sql: Digest,
    /// The chain up to the target: ids and parents.
    pub chain: Digest,
    /// Dialect and version of the server it is meant for.
    pub server: Digest,
}

/// What the rules say about the SQL: computed again at each question, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Error findings that no accepted suppression covers: `rule:statement`.
    pub errors: Vec<String>,
    /// All findings, both ways.
    pub findings: Digest,
    /// What the upgrade loses.
    pub loss: Loss,
    /// Its losses in words, one a line: what an approval names.
    pub lost: Vec<String>,
    /// Revisions that hold more than one concern, with what they hold.
    pub mixed: Vec<String>,
    /// Somebody would wait longer than is tolerated.
    pub zero_downtime_required: bool,
}

/// A review that took place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// What was reviewed.
    pub subject: Subject,
    /// The rules and their settings.
    pub rules: Digest,
    /// What they said.
    pub judged: Judged,
}

/// How a revision's round trip ended, worst first (the contract's order).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The upgrade does not run.
    UpgradeFails,
    /// The downgrade does not run.
    DowngradeFails,
    /// The second upgrade does not run.
    ReupgradeFails,
    /// There is no such function.
    NoDowngrade,
    /// It only raises.
    DeclaredIrreversible,
    /// The schema is another one afterwards.
    NotRestored,
    /// Rows or values are gone.
    DataLost,
    /// The second upgrade leads elsewhere.
    SecondUpgradeDiffers,
    /// Only the order of columns changed.
    OrderChanged,
    /// As before.
    Ok,
}

impl Outcome {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UpgradeFails => "upgrade_fails",
            Self::DowngradeFails => "downgrade_fails",
            Self::ReupgradeFails => "reupgrade_fails",
            Self::NoDowngrade => "no_downgrade",
            Self::DeclaredIrreversible => "declared_irreversible",
            Self::NotRestored => "not_restored",
            Self::DataLost => "data_lost",
            Self::SecondUpgradeDiffers => "second_upgrade_differs",
            Self::OrderChanged => "order_changed",
            Self::Ok => "ok",
        }
    }

    /// The way back leads back.
    #[must_use]
    pub const fn leads_back(self) -> bool {
        match self {
            Self::OrderChanged | Self::Ok => true,
            Self::UpgradeFails
            | Self::DowngradeFails
            | Self::ReupgradeFails
            | Self::NoDowngrade
            | Self::DeclaredIrreversible
            | Self::NotRestored
            | Self::DataLost
            | Self::SecondUpgradeDiffers => false,
        }
    }

    /// A one-way door that can be walked through knowingly, where the loss is the upgrade's own.
    #[must_use]
    pub const fn is_door(self) -> bool {
        match self {
            Self::DataLost | Self::DeclaredIrreversible => true,
            Self::UpgradeFails
            | Self::DowngradeFails
            | Self::ReupgradeFails
            | Self::NoDowngrade
            | Self::NotRestored
            | Self::SecondUpgradeDiffers
            | Self::OrderChanged
            | Self::Ok => false,
        }
    }
}

/// One revision's round trip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trip {
    /// The revision.
    pub revision: String,
    /// How it ended.
    pub outcome: Outcome,
    /// All it lost is what its upgrade removes or overwrites: a dropped column, a deleted row.
    pub loss_is_the_upgrades: bool,
}

/// What a second run of the upgrade on the same database did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rerun {
    /// Nothing.
    NoOp,
    /// It stopped with a clear error and changed nothing.
    ClearError,
    /// It changed something, or left something half done.
    Unsafe,
    /// It was not tried.
    NotTried,
}

/// A schema as a report describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaSeen {
    /// `alembic current`.
    pub revision: String,
    /// `12 tables, 31 indexes`.
    pub counts: String,
    /// Of the whole schema.
    pub digest: Digest,
}

/// The rows a round trip was made with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsTried {
    /// Made-up rows, for each table that had none.
    pub made_up: u32,
    /// Rows of the caller's own or of the project's hook were there.
    pub seeded: bool,
    /// The tables that the upgrade touches and that stood before, where none of them held a row since none was wanted: the trip
    /// proves nothing of data, and opens no gate.
    pub touched_empty: Vec<String>,
}

impl RowsTried {
    /// Why these rows prove nothing: of what is touched there were none.
    #[must_use]
    pub fn prove_nothing(&self) -> Option<String> {
        let first = self.touched_empty.first()?;
        Some(format!("`{first}` held no row (`rows: 0`), and an empty table loses nothing: call `test_rollback` with rows"))
    }

    /// Whether a trip with these rows says nothing against an earlier one with `earlier`: made-up rows, and fewer of them.
    #[must_use]
    pub const fn are_fewer_than(&self, earlier: &Self) -> bool {
        !self.seeded && self.made_up < earlier.made_up
    }
}

/// A round trip that took place on a scratch database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoundTrip {
    /// What was tried.
    pub subject: Subject,
    /// The engine it ran on and the method: dialect, version, how it was made.
    pub engine: Digest,
    /// What production was said to be.
    pub parity: Digest,
    /// The engine is like production.
    pub parity_ok: bool,
    /// Why it is, or is not.
    pub parity_why: String,
    /// One for each revision, in order.
    pub trips: Vec<Trip>,
    /// With which rows.
    #[serde(default)]
    pub rows: RowsTried,
    /// The upgrade run once more.
    pub rerun: Rerun,
    /// Before the upgrade.
    pub before: SchemaSeen,
    /// After it.
    pub after_upgrade: SchemaSeen,
    /// What the upgrade changed, one line an object.
    pub changes: Vec<String>,
    /// After the way back.
    pub after_downgrade: SchemaSeen,
    /// The day, `YYYY-MM-DD`.
    pub date: String,
    /// Every issue that was met.
    pub notes: Vec<String>,
}

impl RoundTrip {
    /// What a later trip must have in common to say something about the same thing.
    #[must_use]
    pub fn key(&self) -> Digest {
        let subject = canonical(&serde_json::to_value(&self.subject).unwrap_or_default());
        Digest::of("round trip", &[subject.as_bytes(), self.engine.hex().as_bytes(), self.parity.hex().as_bytes()])
    }

    /// The worst outcome; `None` where no revision was tried.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.trips.iter().map(|trip| trip.outcome).min()
    }
}

/// A piece of evidence, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// A review.
    Review(Box<Review>),
    /// A round trip.
    RoundTrip(Box<RoundTrip>),
}

impl Evidence {
    /// As it is kept: canonical JSON.
    #[must_use]
    pub fn text(&self) -> String {
        canonical(&serde_json::to_value(self).unwrap_or(Value::Null))
    }

    /// Its name in a ledger.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of("evidence", &[self.text().as_bytes()])
    }
}

/// What stands now: given by the caller at each question, never read from a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Now {
    /// The digests of files, SQL, chain and server.
    pub subject: Subject,
    /// The revisions of the range, in order.
    pub revisions: Vec<String>,
    /// The rules and their settings.
    pub rules: Digest,
    /// What they say.
    pub judged: Judged,
    /// The engine that a test would run on.
    pub engine: Digest,
    /// The engine that production is said to run: what was tested on it counts wherever it was tested.
    pub production_engine: Digest,
    /// What production is said to be.
    pub parity: Digest,
    /// The heads of the chain.
    pub heads: Vec<String>,
    /// How many heads the project wants.
    pub heads_wanted: usize,
}

impl Now {
    /// What an approval names: one digest of everything a person is asked about.
    #[must_use]
    pub fn approval_digest(&self) -> Digest {
        Review { subject: self.subject.clone(), rules: self.rules, judged: self.judged.clone() }.approval_digest()
    }
}

impl Review {
    /// What an approval names.
    #[must_use]
    pub fn approval_digest(&self) -> Digest {
        let text = canonical(&serde_json::to_value(self).unwrap_or(Value::Null));
        Digest::of("approval", &[text.as_bytes()])
    }
}

/// What changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// What, in words.
    pub what: &'static str,
    /// Its digest in the evidence.
    pub then: Digest,
    /// Its digest now.
    pub now: Digest,
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} changed: {} → {}", self.what, self.then, self.now)
    }
}

fn compared(pairs: &[(&'static str, Digest, Digest)]) -> Vec<Changed> {
    pairs.iter().filter(|(_, then, now)| then != now).map(|(what, then, now)| Changed { what, then: *then, now: *now }).collect()
}

fn subject_changes(then: &Subject, now: &Subject) -> Vec<Changed> {
    let Subject { revision_files, upgrade_sql, downgrade_sql, chain, server } = then;
    compared(&[
        ("the revision file", *revision_files, now.revision_files),
        ("the upgrade SQL", *upgrade_sql, now.upgrade_sql),
        ("the downgrade SQL", *downgrade_sql, now.downgrade_sql),
        ("the chain of revisions", *chain, now.chain),
        ("the server's dialect or version", *server, now.server),
    ])
}

impl Review {
    /// What is not as it was reviewed; empty where the review holds.
    #[must_use]
    pub fn changes(&self, now: &Now) -> Vec<Changed> {
        let mut changes = subject_changes(&self.subject, &now.subject);
        let judgement =
            |judged: &Judged| Digest::of("judgement", &[canonical(&serde_json::to_value(judged).unwrap_or(Value::Null)).as_bytes()]);
        changes.extend(compared(&[
            ("the rule set", self.rules, now.rules),
            ("what the rules say", judgement(&self.judged), judgement(&now.judged)),
        ]));
        changes
    }
}

impl RoundTrip {
    /// What is not as it was tested; empty where the test holds.
    #[must_use]
    pub fn changes(&self, now: &Now) -> Vec<Changed> {
        let mut changes = subject_changes(&self.subject, &now.subject);
        let engine = if self.engine == now.production_engine { self.engine } else { now.engine };
        changes.extend(compared(&[("the test engine", self.engine, engine), ("what production is said to be", self.parity, now.parity)]));
        changes
    }
}

//! The ledger: what happened to a migration, a line an event, each line with the digest of the one before and a seal.
//!
//! A line is canonical JSON: changed by one byte it is another line, and every line behind it no longer fits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::effects::Loss;
use crate::intent::Deed;
use crate::lifecycle::approval::Approval;
use crate::lifecycle::canonical::canonical;
use crate::lifecycle::evidence::Outcome;
use crate::lifecycle::gate::Reason;
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::seal::{Key, KeyRing, Seal, Signer};

/// A revision of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// Its name.
    pub name: String,
    /// What its SQL does.
    pub deeds: Vec<Deed>,
    /// What is written into its file; none where it holds a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bodies: Option<Bodies>,
}

/// The Python of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bodies {
    /// Of `upgrade()`.
    pub upgrade: String,
    /// Of `downgrade()`.
    pub downgrade: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The change was planned.
    Planned {
        /// What was wanted.
        intent: String,
        /// What it will lose.
        loss: Loss,
        /// It has to go without anybody waiting.
        zero_downtime: bool,
        /// The revisions it takes, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        steps: Vec<PlannedStep>,
    },
    /// A revision file was made.
    Generated {
        /// The revision.
        revision: String,
        /// The file, from the project's folder.
        file: String,
    },
    /// The SQL was reviewed.
    Reviewed {
        /// The evidence.
        evidence: Digest,
        /// How many error findings are open.
        errors: usize,
    },
    /// The way back was tried.
    Tested {
        /// The evidence.
        evidence: Digest,
        /// What was tried: `RoundTrip::key`.
        key: Digest,
        /// The worst outcome.
        outcome: Outcome,
    },
    /// Somebody approved.
    Approved {
        /// What and how.
        approval: Box<Approval>,
    },
    /// It was asked to be applied.
    ApplyAsked {
        /// Where.
        environment: String,
        /// Of what: `Now::approval_digest`.
        digest: Digest,
        /// Why not; empty where it was allowed.
        reasons: Vec<Reason>,
    },
    /// It was applied.
    Applied {
        /// Where.
        environment: String,
        /// Of what: the revision files' digest.
        files: Digest,
        /// The revision before.
        before: String,
        /// The revision after.
        after: String,
        /// What was lost knowingly; empty where nothing was.
        lost: Vec<String>,
    },
    /// A run stopped before its end.
    ApplyStopped {
        /// Where.
        environment: String,
        /// Of what: the revision files' digest.
        files: Digest,
        /// Why, with the statement.
        because: String,
        /// The numbers of the statements that stand; with those of which nobody knows.
        standing: Vec<usize>,
    },
    /// The environment was seen at the target, with the schema that was tested.
    Confirmed {
        /// Where.
        environment: String,
        /// Of what: the revision files' digest.
        files: Digest,
        /// The revision it was seen at.
        revision: String,
    },
    /// A check after the apply was answered (`after::CHECKS`).
    Answered {
        /// Which check.
        check: String,
        /// What was answered.
        answer: String,
    },
    /// The environment was found at a revision that was not reviewed: somebody went around the gates.
    AppliedUnreviewed {
        /// Where.
        environment: String,
        /// The revision it was found at.
        revision: String,
    },
    /// Tests before this line no longer count.
    Voided {
        /// Why.
        because: String,
    },
    /// The ledger before could not be used and was put aside.
    SetAside {
        /// Its file now.
        file: String,
        /// What was wrong with it.
        because: String,
    },
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 1.
    pub number: u64,
    /// The digest of the line before; none for the first.
    pub previous: Option<Digest>,
    /// Whose ledger this is.
    pub migration_id: MigrationId,
    /// When, UTC, `2026-11-24T12:00:00Z`.
    pub at: String,
    /// What.
    pub event: Event,
    /// Who wrote it; none where no key could be had.
    pub seal: Option<Seal>,
}

impl Entry {
    /// The line.
    #[must_use]
    pub fn line(&self) -> String {
        canonical(&serde_json::to_value(self).unwrap_or(Value::Null))
    }

    /// What the seal is on: the line without it.
    fn sealed_text(&self) -> String {
        Self { seal: None, ..self.clone() }.line()
    }
}

/// The digest of a line.
fn line_digest(line: &str) -> Digest {
    Digest::of("ledger line", &[line.as_bytes()])
}

/// What is wrong with a file of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, from the project's folder.
    pub file: String,
    /// The line, from 1, where there is one.
    pub line: Option<usize>,
    /// What.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// A ledger that was read, with who wrote each line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The lines, in order; empty where anything is wrong with one of them.
    pub entries: Vec<(Entry, Signer)>,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

/// The state of a ledger: how many lines, and the digest of the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// How many lines.
    pub lines: u64,
    /// The digest of the last one.
    pub head: Option<Digest>,
}

/// Reads a ledger. One line that does not fit, and none of it counts.
#[must_use]
pub fn read(file: &str, text: &str, id: &MigrationId, keys: &KeyRing) -> (Ledger, Version) {
    let mut entries = Vec::new();
    let mut version = Version::default();
    let faulty =
        |line: usize, what: String| Ledger { entries: Vec::new(), fault: Some(Fault { file: file.to_owned(), line: Some(line), what }) };
    for (at, whole) in text.split_inclusive('\n').enumerate() {
        let number = at + 1;
        let Some(line) = whole.strip_suffix('\n') else {
            return (faulty(number, "the line is cut off".to_owned()), version);
        };
        let entry: Entry = match serde_json::from_str(line) {
            Ok(entry) => entry,
            Err(error) => return (faulty(number, format!("the line is no ledger entry: {error}")), version),
        };
        let wrong = if entry.line() != line {
            Some("the line was edited: it is not written as it is written here")
        } else if entry.number != version.lines + 1 || entry.previous != version.head {
            Some("the line does not follow the one before: lines were removed, added or changed places")
        } else if entry.migration_id != *id {
            Some("the line belongs to another migration")
        } else {
            None
        };
        if let Some(what) = wrong {
            return (faulty(number, what.to_owned()), version);
        }
        let Some(signer) = keys.signer(&entry.sealed_text(), entry.seal.as_ref()) else {
            return (faulty(number, "the seal does not fit: the line was not written with the key it names".to_owned()), version);
        };
        version = Version { lines: entry.number, head: Some(line_digest(line)) };
        entries.push((entry, signer));
    }
    (Ledger { entries, fault: None }, version)
}

/// The lines that carry `events` behind `version`, and the version after them.
#[must_use]
pub fn append(version: Version, id: &MigrationId, at: &str, events: &[Event], key: Option<&Key>) -> (String, Version) {
    let mut text = String::new();
    let mut version = version;
    for event in events {
        let mut entry = Entry {
            number: version.lines + 1,
            previous: version.head,
            migration_id: id.clone(),
            at: at.to_owned(),
            event: event.clone(),
            seal: None,
        };
        entry.seal = key.map(|key| key.seal(&entry.sealed_text()));
        let line = entry.line();
        version = Version { lines: entry.number, head: Some(line_digest(&line)) };
        text.push_str(&line);
        text.push('\n');
    }
    (text, version)
}

/// What this machine knows beside the ledger: of each thing that was tested, the evidence of the last test.
///
/// It lies with the key, outside the project: a failed test cannot be taken back by cutting the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latest(pub BTreeMap<String, Option<Digest>>);

impl Latest {
    /// Notes what an event says about tests.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Tested { evidence, key, .. } => {
                self.0.insert(key.hex(), Some(*evidence));
            }
            Event::Voided { .. }
            | Event::Planned { .. }
            | Event::Generated { .. }
            | Event::Reviewed { .. }
            | Event::Approved { .. }
            | Event::ApplyAsked { .. }
            | Event::Applied { .. }
            | Event::ApplyStopped { .. }
            | Event::Confirmed { .. }
            | Event::Answered { .. }
            | Event::AppliedUnreviewed { .. }
            | Event::SetAside { .. } => {}
        }
    }

    /// Notes that the tests of these things no longer count.
    pub fn void(&mut self, keys: impl Iterator<Item = Digest>) {
        for key in keys {
            self.0.insert(key.hex(), None);
        }
    }

    /// True where this evidence is the last word on its key, or nothing is known of the key.
    #[must_use]
    pub fn agrees(&self, key: Digest, evidence: Digest) -> bool {
        self.0.get(&key.hex()).is_none_or(|latest| *latest == Some(evidence))
    }
}

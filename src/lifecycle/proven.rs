//! What a record proves here: evidence that a fitting line of the ledger names, with who stands behind it.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::lifecycle::approval::{Checked, Way};
use crate::lifecycle::evidence::{Evidence, Outcome, Review, RoundTrip};
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::{Entry, Event, Fault, Latest, Ledger};
use crate::lifecycle::seal::{KeyRing, Signer};

/// A record as it was read: nothing in it is believed yet.
#[derive(Debug, Clone)]
pub struct Record {
    /// Whose.
    pub id: MigrationId,
    /// The ledger.
    pub ledger: Ledger,
    /// The evidence files, by the digest of what they hold.
    pub evidence: BTreeMap<Digest, Evidence>,
    /// What is wrong with files.
    pub faults: Vec<Fault>,
}

/// Why a round trip counts, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It counts: sealed by this machine's key or by the team's, and nothing later says otherwise.
    Counts,
    /// It is sealed by a key that is not known here.
    OtherMachine(String),
    /// It is sealed by nobody.
    Unsealed,
    /// A later test of the same thing, or a note that tests no longer count, was written.
    Superseded,
}

/// What a record proves.
// Invariant: only `proven` makes one, from a ledger whose every line fits: what is in it was sealed or says that it was not.
#[derive(Debug, Clone)]
pub struct Proven {
    id: MigrationId,
    reviews: Vec<Review>,
    trips: Vec<(RoundTrip, Standing)>,
    approvals: Vec<Checked>,
    entries: Vec<(Entry, Signer)>,
    faults: Vec<Fault>,
}

/// What the record proves with these keys.
///
/// `signed`: approvals whose signature git verified. A fault in the ledger leaves nothing but the faults.
#[must_use]
pub fn proven(record: &Record, latest: &Latest, keys: &KeyRing, signed: Vec<Checked>) -> Proven {
    let mut faults: Vec<Fault> = record.faults.clone();
    faults.extend(record.ledger.fault.clone());
    let mut found =
        Proven { id: record.id.clone(), reviews: Vec::new(), trips: Vec::new(), approvals: signed, entries: Vec::new(), faults };
    if record.ledger.fault.is_some() {
        return found;
    }
    for (entry, signer) in &record.ledger.entries {
        let of = |digest: &Digest| record.evidence.get(digest);
        match &entry.event {
            Event::Reviewed { evidence, .. } => {
                if let Some(Evidence::Review(review)) = of(evidence) {
                    found.reviews.push((**review).clone());
                }
            }
            Event::Tested { evidence, .. } => {
                if let Some(Evidence::RoundTrip(trip)) = of(evidence) {
                    let key = trip.key();
                    let standing = if latest.agrees(key, *evidence) { standing_of(signer) } else { Standing::Superseded };
                    // A failure counts whoever reports it; a success only from those who can prove it.
                    let fails = !trip.outcome().is_some_and(Outcome::leads_back);
                    if fails || standing == Standing::Counts {
                        supersede(&mut found.trips, key);
                    }
                    found.trips.push(((**trip).clone(), standing));
                }
            }
            Event::Voided { .. } | Event::SetAside { .. } => {
                found.trips.iter_mut().for_each(|(_, standing)| *standing = Standing::Superseded);
            }
            Event::Approved { approval } => {
                // A tag speaks for itself: git verifies it again each time, its line here is a note.
                let identity = match (&approval.way, signer) {
                    (Way::Elicited | Way::Terminal, Signer::Own) => keys.own.as_ref().map(|key| format!("key {}", key.id())),
                    (Way::Elicited | Way::Terminal, Signer::Team(key)) => Some(format!("key {key}")),
                    (Way::SignedTag { .. }, _) | (_, Signer::Unknown(_) | Signer::Nobody) => None,
                };
                found.approvals.extend(identity.map(|identity| Checked { approval: (**approval).clone(), identity }));
            }
            Event::Planned { .. }
            | Event::Generated { .. }
            | Event::ApplyAsked { .. }
            | Event::Applied { .. }
            | Event::ApplyStopped { .. }
            | Event::Confirmed { .. }
            | Event::Answered { .. }
            | Event::AppliedUnreviewed { .. } => {}
        }
        found.entries.push((entry.clone(), signer.clone()));
    }
    found
}

fn supersede(trips: &mut [(RoundTrip, Standing)], key: Digest) {
    trips.iter_mut().filter(|(trip, _)| trip.key() == key).for_each(|(_, standing)| *standing = Standing::Superseded);
}

fn standing_of(signer: &Signer) -> Standing {
    match signer {
        Signer::Own | Signer::Team(_) => Standing::Counts,
        Signer::Unknown(key) => Standing::OtherMachine(key.to_string()),
        Signer::Nobody => Standing::Unsealed,
    }
}

impl Proven {
    /// Whose.
    #[must_use]
    pub const fn id(&self) -> &MigrationId {
        &self.id
    }

    /// Reviews, oldest first. They need no seal: each is compared with what the rules say now.
    #[must_use]
    pub fn reviews(&self) -> &[Review] {
        &self.reviews
    }

    /// Round trips, oldest first.
    #[must_use]
    pub fn trips(&self) -> &[(RoundTrip, Standing)] {
        &self.trips
    }

    /// Approvals whose seal or signature fits.
    #[must_use]
    pub fn approvals(&self) -> &[Checked] {
        &self.approvals
    }

    /// The ledger's lines, oldest first; empty where the ledger does not fit.
    #[must_use]
    pub fn entries(&self) -> &[(Entry, Signer)] {
        &self.entries
    }

    /// Lines that this machine or the team wrote.
    pub fn sealed(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|(_, signer)| matches!(signer, Signer::Own | Signer::Team(_))).map(|(entry, _)| entry)
    }

    /// What is wrong with the record's files.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

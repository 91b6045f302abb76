//! A trial as evidence: what was tried, on what, and what came out.

use crate::digest::Digest;
use crate::lifecycle::evidence::{Now, Outcome, RoundTrip, SchemaSeen, Trip};
use crate::store::clock;
use crate::tools::migration::now::engine_of;
use crate::trial::Trial;
use crate::workshop::range::Range;

/// The evidence of a trial of this range. `parity`: whether it ran on what production runs, and why one can say so.
#[must_use]
pub fn round_trip(trial: &Trial, range: &Range, now: &Now, parity: (bool, &str), notes: &[String]) -> RoundTrip {
    let (first, last) = (trial.trips.first(), trial.trips.last());
    let seen = |revision: &str, counts: Option<&String>, digest: Option<&String>| SchemaSeen {
        revision: if revision == "base" { "none".to_owned() } else { revision.to_owned() },
        counts: counts.cloned().unwrap_or_else(|| "not reached".to_owned()),
        digest: digest.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| Digest::of("schema", &[b"not reached"])),
    };
    let tried = trial.trips.iter().map(|trip| Trip {
        revision: trip.revision.clone(),
        outcome: trip.outcome,
        loss_is_the_upgrades: trip.loss_is_the_upgrades(),
    });
    let untried = trial.untried.keys().map(|revision| Trip {
        revision: revision.clone(),
        outcome: Outcome::UpgradeFails,
        loss_is_the_upgrades: false,
    });
    let mut trips: Vec<Trip> = tried.chain(untried).collect();
    trips.sort_by_key(|trip| range.revisions.iter().position(|revision| *revision == trip.revision));
    let why = trial.trips.iter().filter(|trip| !trip.why.is_empty()).map(|trip| format!("{}: {}", trip.revision, trip.why));
    RoundTrip {
        subject: now.subject.clone(),
        engine: engine_of(&trial.engine),
        parity: now.parity,
        parity_ok: parity.0,
        parity_why: parity.1.to_owned(),
        trips,
        rows: trial.rows_tried(),
        rerun: trial.second_run.rerun,
        before: seen(&range.from, first.map(|trip| &trip.counts), first.and_then(|trip| trip.schema.before.as_ref())),
        after_upgrade: seen(&range.to, last.map(|trip| &trip.counts), last.and_then(|trip| trip.schema.after_upgrade.as_ref())),
        changes: trial.trips.iter().flat_map(|trip| trip.changes.iter().cloned()).take(MOST_CHANGES).collect(),
        after_downgrade: seen(&range.from, first.map(|trip| &trip.counts), first.and_then(|trip| trip.schema.after_downgrade.as_ref())),
        date: clock::now().chars().take(10).collect(),
        notes: why.chain(notes.iter().cloned()).take(MOST_CHANGES).collect(),
    }
}

/// No report lists more.
const MOST_CHANGES: usize = 50;

//! A round trip of the record against one that was run here and now. A record is a file, and whoever has the key that seals it
//! can write what they like: what a gate or a pipeline opens by was seen by this very process, or is repeated.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::digest::Digest;
use crate::lifecycle::evidence::{Evidence, Now, Rerun, RoundTrip};
use crate::lifecycle::gate::trip_that_counts;
use crate::tools::answer::ToolError;
use crate::tools::call::{Call, Progress};
use crate::tools::migration::Migration;
use crate::tools::migration::now::{engine_of, production};
use crate::tools::source::trial_failed;
use crate::trial::{Parity, ROWS, Trial, Trip, Wishes, parity, try_range};
use crate::workshop::Workshop;

/// What this process ran itself: the digests of its evidence.
static WITNESSED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn digest_of(trip: &RoundTrip) -> Digest {
    Evidence::RoundTrip(Box::new(trip.clone())).digest()
}

/// Remembers a round trip that was run here, as it was kept.
pub fn witness(trip: &RoundTrip) {
    WITNESSED.lock().unwrap_or_else(PoisonError::into_inner).insert(digest_of(trip).hex());
}

/// True for a round trip that this process ran.
#[must_use]
pub fn is_witnessed(trip: &RoundTrip) -> bool {
    WITNESSED.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest_of(trip).hex())
}

/// A fact that did not come out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// In a sentence.
    pub what: String,
    /// The record says better of it than was found: a gate would open by it.
    pub opens: bool,
}

/// What a record says of a round trip that did not come out again.
#[must_use]
pub fn contradictions(claimed: &RoundTrip, now: &Now, trial: &Trial, parity: &Parity) -> Vec<Contradiction> {
    let mut wrong: Vec<Contradiction> = now.revisions.iter().filter_map(|revision| of_revision(claimed, revision, trial)).collect();
    let is_safe = |rerun: Rerun| matches!(rerun, Rerun::NoOp | Rerun::ClearError);
    let (said, found) = (claimed.rerun, trial.second_run.rerun);
    if is_safe(said) != is_safe(found) && said != Rerun::NotTried {
        let what = format!("the test says that a second run is {}; here it is {}", safe_or_not(is_safe(said)), safe_or_not(is_safe(found)));
        wrong.push(Contradiction { what, opens: is_safe(said) });
    }
    if claimed.engine != engine_of(&trial.engine) {
        return wrong;
    }
    if claimed.parity == now.parity && claimed.parity_ok != (parity.ok != Some(false)) {
        let what = format!("the test is wrong about what production runs: {}", parity.why);
        wrong.push(Contradiction { what, opens: claimed.parity_ok });
    }
    let of = |revision: Option<&String>, before: bool| {
        let trip = trial.trips.iter().find(|trip| Some(&trip.revision) == revision)?;
        let digits = if before { &trip.schema.before } else { &trip.schema.after_upgrade };
        digits.clone()
    };
    let before = (of(now.revisions.first(), true), claimed.before.digest.hex(), "in front of the range");
    let after = (of(now.revisions.last(), false), claimed.after_upgrade.digest.hex(), "behind the upgrade");
    for (found, said, place) in [before, after] {
        if found.is_some_and(|found| found != said) {
            wrong.push(Contradiction { what: format!("the schema {place} is another one than the test says"), opens: false });
        }
    }
    wrong
}

const fn safe_or_not(is_safe: bool) -> &'static str {
    if is_safe { "safe" } else { "not safe" }
}

fn of_revision(claimed: &RoundTrip, revision: &str, trial: &Trial) -> Option<Contradiction> {
    let found = trial.trips.iter().find(|trip| trip.revision == *revision);
    let Some(said) = claimed.trips.iter().find(|trip| trip.revision == *revision) else {
        return Some(Contradiction { what: format!("the test says nothing of `{revision}`"), opens: true });
    };
    let Some(found) = found else {
        let what = format!("the test says `{revision}` comes back; here it was not reached");
        return said.outcome.leads_back().then_some(Contradiction { what, opens: true });
    };
    let is_door = |trip: &Trip| trip.outcome.is_door() && trip.loss_is_the_upgrades();
    let is_no_better = found.outcome.leads_back() || (is_door(found) && !said.outcome.leads_back());
    if said.outcome != found.outcome {
        let what = format!("the test says `{revision}` ended with {}; here it ended with {}", said.outcome.word(), found.outcome.word());
        return Some(Contradiction { what, opens: !is_no_better });
    }
    (said.loss_is_the_upgrades != found.loss_is_the_upgrades()).then(|| Contradiction {
        what: format!("the test is wrong about who loses the rows of `{revision}`"),
        opens: said.loss_is_the_upgrades && !found.outcome.leads_back(),
    })
}

impl Migration {
    /// What the round trip that counts says better than it comes out now; empty where this process saw it itself.
    ///
    /// # Errors
    /// It could not be repeated.
    pub fn doubts(&self, workshop: &Workshop, call: &Call<'_>) -> Result<Vec<String>, ToolError> {
        let (Some(now), Some(range)) = (&self.now, &self.range) else { return Ok(Vec::new()) };
        let Some(claimed) = trip_that_counts(&self.record.proven, now).filter(|trip| !is_witnessed(trip)) else { return Ok(Vec::new()) };
        let news = |done: usize, total: usize, message: &str| {
            (call.progress)(Progress { done: done as u32, total: total as u32, message: format!("repeating the round trip: {message}") });
        };
        let wishes = Wishes { rows: ROWS, limits: call.limits, ..Wishes::default() };
        let trial = try_range(workshop, range, &wishes, &news, call.cancelled).map_err(|error| trial_failed(&error))?;
        let parity = parity(production(&self.config, &self.kept.wishes).as_ref(), &trial.engine);
        let wrong: Vec<String> =
            contradictions(claimed, now, &trial, &parity).into_iter().filter(|one| one.opens).map(|one| one.what).collect();
        if wrong.is_empty() {
            witness(claimed);
        }
        Ok(wrong)
    }
}

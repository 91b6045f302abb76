//! A record that lies in the project, against what was found here: it is a claim, and each of its facts is compared.

use crate::lifecycle::evidence::{Evidence, Now, RoundTrip};
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::Event;
use crate::lifecycle::proven::Record;
use crate::lifecycle::seal::KeyRing;
use crate::store::records::Records;
use crate::tools::answer::ToolError;
use crate::tools::migration::now::{engine_of, now};
use crate::trial::Trial;
use crate::workshop::Workshop;
use crate::workshop::range::Range;

use super::from_nothing;

/// A record and what does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Whose.
    pub id: MigrationId,
    /// What it says otherwise than what was found, each in a sentence; empty where it fits.
    pub wrong: Vec<String>,
}

impl Compared {
    /// True where nothing in it is contradicted.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// The records that speak of a revision of the range, and those that cannot be read.
pub fn compared(workshop: &Workshop, range: &Range, whole: &Now, trial: &Trial) -> Result<Vec<Compared>, ToolError> {
    let store = Records::of(&workshop.workspace.folder);
    let listing = store.list();
    let mut all = Vec::new();
    for id in listing.migrations {
        let loaded = store.load(&id, &KeyRing::default());
        let revisions = loaded.kept.as_ref().map(|kept| kept.revisions.clone()).unwrap_or_default();
        let mut wrong: Vec<String> = loaded.record.faults.iter().chain(&loaded.record.ledger.fault).map(ToString::to_string).collect();
        let touches = revisions.iter().any(|revision| range.revisions.contains(revision));
        if touches {
            match own_range(range, &revisions) {
                Some(own) if own.revisions == range.revisions => wrong.extend(differences(&loaded.record, whole, trial)),
                Some(own) => wrong.extend(differences(&loaded.record, &now_of(workshop, &own)?, trial)),
                None => wrong.push(format!("it holds the revisions {}, which do not follow each other in the range", revisions.join(", "))),
            }
        }
        if touches || !wrong.is_empty() {
            all.push(Compared { id, wrong });
        }
    }
    Ok(all)
}

/// The part of a range that a record is about.
pub(super) fn own_range(range: &Range, revisions: &[String]) -> Option<Range> {
    let at = range.revisions.windows(revisions.len().max(1)).position(|part| part == revisions)?;
    let before = at.checked_sub(1).and_then(|before| range.revisions.get(before)).unwrap_or(&range.from);
    Some(Range { from: before.clone(), to: revisions.last()?.clone(), revisions: revisions.to_vec() })
}

pub(super) fn now_of(workshop: &Workshop, range: &Range) -> Result<Now, ToolError> {
    let review = from_nothing(workshop.clone(), range)?;
    now(&review).ok_or_else(|| super::internal("what stands now could not be computed"))
}

/// The evidence that a ledger names last, by kind; all evidence where there is no ledger that could say it.
fn last(record: &Record) -> Vec<&Evidence> {
    let named = |event: &Event| match event {
        Event::Reviewed { evidence, .. } | Event::Tested { evidence, .. } => record.evidence.get(evidence),
        _ => None,
    };
    let entries: Vec<&Evidence> = record.ledger.entries.iter().filter_map(|(entry, _)| named(&entry.event)).collect();
    if entries.is_empty() {
        return record.evidence.values().collect();
    }
    let is_review = |evidence: &&&Evidence| matches!(evidence, Evidence::Review(_));
    let review = entries.iter().rev().find(is_review);
    let trip = entries.iter().rev().find(|evidence| !is_review(evidence));
    review.into_iter().chain(trip).copied().collect()
}

fn differences(record: &Record, now: &Now, trial: &Trial) -> Vec<String> {
    let mut wrong = Vec::new();
    for evidence in last(record) {
        match evidence {
            Evidence::Review(review) => {
                let changes = review.changes(now);
                let is_other_file = review.subject != now.subject;
                // Other settings than the project's are the reviewer's own: the text is the same.
                if is_other_file {
                    wrong.extend(changes.iter().map(|change| format!("after the review {change}")));
                } else if review.rules == now.rules && review.judged != now.judged {
                    wrong.push(format!(
                        "the review says {} open errors and a loss of {}; found were {} and {}",
                        review.judged.errors.len(),
                        review.judged.loss.word(),
                        now.judged.errors.len(),
                        now.judged.loss.word()
                    ));
                }
            }
            Evidence::RoundTrip(trip) if trip.subject != now.subject => {
                let changes =
                    trip.changes(now).into_iter().filter(|change| !change.what.contains("engine") && !change.what.contains("production"));
                wrong.extend(changes.map(|change| format!("after the test {change}")));
            }
            Evidence::RoundTrip(trip) => wrong.extend(facts(trip, now, trial)),
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

/// What a test says that did not come out again.
fn facts(claimed: &RoundTrip, now: &Now, trial: &Trial) -> Vec<String> {
    let mut wrong = Vec::new();
    for revision in &now.revisions {
        let said = claimed.trips.iter().find(|trip| trip.revision == *revision);
        let found = trial.trips.iter().find(|trip| trip.revision == *revision);
        match (said, found) {
            (None, _) => wrong.push(format!("the test says nothing of `{revision}`")),
            (Some(said), Some(found)) if said.outcome != found.outcome => {
                wrong.push(format!(
                    "the test says `{revision}` ended with {}; here it ended with {}",
                    said.outcome.word(),
                    found.outcome.word()
                ));
            }
            (Some(said), Some(found)) if said.loss_is_the_upgrades != found.loss_is_the_upgrades() => {
                wrong.push(format!("the test is wrong about who loses the rows of `{revision}`"));
            }
            (Some(said), None) if said.outcome.leads_back() => {
                wrong.push(format!("the test says `{revision}` comes back; here it was not reached"))
            }
            (Some(_), _) => {}
        }
    }
    if claimed.engine != engine_of(&trial.engine) {
        return wrong;
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
            wrong.push(format!("the schema {place} is another one than the test says"));
        }
    }
    wrong
}

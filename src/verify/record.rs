//! A record that lies in the project, against what was found here: it is a claim, and each of its facts is compared.

use crate::lifecycle::evidence::{Evidence, Now};
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::Event;
use crate::lifecycle::proven::Record;
use crate::lifecycle::seal::KeyRing;
use crate::store::records::Records;
use crate::tools::answer::ToolError;
use crate::tools::migration::now::now;
use crate::tools::migration::replayed::contradictions;
use crate::trial::{Parity, Trial};
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
pub fn compared(workshop: &Workshop, range: &Range, whole: &Now, trial: &Trial, parity: &Parity) -> Result<Vec<Compared>, ToolError> {
    let store = Records::of(&workshop.workspace.folder);
    let listing = store.list();
    let mut all = Vec::new();
    for id in listing.migrations {
        let loaded = store.load(&id, &KeyRing::default());
        let kept = loaded.kept.as_ref().map(|kept| kept.revisions.clone()).unwrap_or_default();
        let mut wrong: Vec<String> = loaded.record.faults.iter().chain(&loaded.record.ledger.fault).map(ToString::to_string).collect();
        // A state that names other revisions than the last test does not lead away from it.
        let tested = tested(&loaded.record).filter(|tested| *tested != kept);
        let revisions = match tested {
            Some(tested) => {
                wrong.push(format!("its state names the revisions {}, its last test {}", listed(&kept), listed(&tested)));
                tested
            }
            None => kept,
        };
        let touches = revisions.iter().any(|revision| range.revisions.contains(revision));
        if touches {
            match own_range(range, &revisions) {
                Some(own) if own.revisions == range.revisions => wrong.extend(differences(&loaded.record, whole, trial, parity)),
                Some(own) => wrong.extend(differences(&loaded.record, &now_of(workshop, &own)?, trial, parity)),
                // It reaches beyond the range: what was looked at is compared, what was tried was not tried here.
                None => match wider_range(workshop, &revisions) {
                    Some(wider) => wrong.extend(changes(&loaded.record, &now_of(workshop, &wider)?)),
                    None => {
                        wrong.push(format!("it holds the revisions {}, which do not follow each other", revisions.join(", ")));
                    }
                },
            }
        }
        if touches || !wrong.is_empty() {
            all.push(Compared { id, wrong });
        }
    }
    Ok(all)
}

/// The revisions that the last test was about; none where nothing was tested.
fn tested(record: &Record) -> Option<Vec<String>> {
    let trip = last(record).into_iter().find_map(|evidence| match evidence {
        Evidence::RoundTrip(trip) => Some(trip),
        Evidence::Review(_) => None,
    })?;
    Some(trip.trips.iter().map(|trip| trip.revision.clone()).collect())
}

fn listed(revisions: &[String]) -> String {
    if revisions.is_empty() { "none".to_owned() } else { revisions.join(", ") }
}

/// Where a ledger says something else than the evidence that its own lines name.
fn inner(record: &Record) -> Vec<String> {
    let mut wrong = Vec::new();
    for (entry, _) in &record.ledger.entries {
        let number = entry.number;
        match &entry.event {
            Event::Reviewed { evidence, errors } => match record.evidence.get(evidence) {
                Some(Evidence::Review(review)) if review.judged.errors.len() == *errors => {}
                Some(_) => {
                    wrong.push(format!("line {number} of the ledger says {errors} open errors, the review that it names says otherwise"))
                }
                None => {}
            },
            Event::Tested { evidence, outcome, key } => match record.evidence.get(evidence) {
                Some(Evidence::RoundTrip(trip)) if trip.outcome() == Some(*outcome) && trip.key() == *key => {}
                Some(_) => {
                    wrong.push(format!("line {number} of the ledger says {}, the test that it names says otherwise", outcome.word()));
                }
                None => {}
            },
            Event::Planned { .. }
            | Event::Generated { .. }
            | Event::Approved { .. }
            | Event::ApplyAsked { .. }
            | Event::Applied { .. }
            | Event::ApplyStopped { .. }
            | Event::Confirmed { .. }
            | Event::Answered { .. }
            | Event::AppliedUnreviewed { .. }
            | Event::Voided { .. }
            | Event::SetAside { .. } => {}
        }
    }
    wrong
}

/// The part of a range that a record is about.
pub(super) fn own_range(range: &Range, revisions: &[String]) -> Option<Range> {
    let at = range.revisions.windows(revisions.len().max(1)).position(|part| part == revisions)?;
    let before = at.checked_sub(1).and_then(|before| range.revisions.get(before)).unwrap_or(&range.from);
    Some(Range { from: before.clone(), to: revisions.last()?.clone(), revisions: revisions.to_vec() })
}

/// The range of revisions that follow each other in the chain; none where they do not.
fn wider_range(workshop: &Workshop, revisions: &[String]) -> Option<Range> {
    let project = &workshop.workspace.project;
    let first = project.graph.by_id(revisions.first()?).and_then(|at| project.revision(at))?;
    let from = match first.parents.as_slice() {
        [] => "base".to_owned(),
        [one] => one.clone(),
        _ => format!("{}-1", first.id),
    };
    let range = workshop.clone().range(Some(&from), revisions.last().map(String::as_str)).ok()?;
    (range.revisions == revisions).then_some(range)
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

fn differences(record: &Record, now: &Now, trial: &Trial, parity: &Parity) -> Vec<String> {
    let mut wrong = changes(record, now);
    for evidence in last(record) {
        if let Evidence::RoundTrip(trip) = evidence
            && trip.subject == now.subject
        {
            wrong.extend(contradictions(trip, now, trial, parity).into_iter().map(|one| one.what));
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

/// What a record says of files and SQL that are other ones now, or that it says in two ways.
fn changes(record: &Record, now: &Now) -> Vec<String> {
    let mut wrong = inner(record);
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
            Evidence::RoundTrip(_) => {}
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

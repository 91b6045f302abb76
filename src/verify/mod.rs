//! `alembic-gate verify`: everything from nothing, for CI and for who trusts no record.
//!
//! The range is rendered, judged and tried up, down and up again here and now; no ledger is asked for any of it. What lies
//! in `.alembic-gate/` is compared with what was found: a record of another file, or with facts that do not come out
//! again, is named.

mod door;
mod record;
mod said;

use crate::finding::{Finding, Severity};
use crate::lifecycle::evidence::Outcome;
use crate::tools::answer::{ToolError, Verdict, clipped};
use crate::tools::call::{Call, Progress};
use crate::tools::migration::now::{now, production};
use crate::tools::review_sql::{Review, reviewed};
use crate::tools::source::{Asked, counting, failed, trial_failed};
use crate::trial::{Engine, Parity, ROWS, Trial, Wishes as TrialWishes, parity, try_range};
use crate::workshop::Workshop;
use crate::workshop::range::Range;

pub use record::Compared;
pub use said::{findings, human, json};

/// What was found.
pub struct Verified {
    /// Which revisions.
    pub range: Range,
    /// What was taken for granted.
    pub assumed: Vec<String>,
    /// The engine of the round trips.
    pub engine: Engine,
    /// Whether that is production's.
    pub parity: Parity,
    /// One for each revision, in order.
    pub revisions: Vec<Checked>,
    /// What rules say of the range as a whole.
    pub of_range: Vec<Finding>,
    /// The records of these revisions.
    pub records: Vec<Compared>,
}

/// A revision, judged and tried.
pub struct Checked {
    /// Its id.
    pub revision: String,
    /// Its file, from the project's folder.
    pub file: Option<String>,
    /// What rules say of it, both ways; those that are accepted in the file too.
    pub findings: Vec<Finding>,
    /// How its round trip ended; none where it was not reached.
    pub outcome: Option<Outcome>,
    /// The same in a sentence.
    pub why: String,
    /// It cannot come back, the loss is the upgrade's own, the file accepts it with a reason, and somebody approved it.
    pub accepted_door: bool,
    /// It could be that, and nobody approved it: what to do.
    pub to_approve: Option<String>,
    /// How long its round trip took.
    pub seconds: f64,
}

impl Checked {
    /// Error findings that are not accepted.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        counting(&self.findings).filter(|finding| finding.severity == Severity::Error)
    }

    /// The way back leads back, or the file says with a reason that there is none.
    #[must_use]
    pub fn comes_back(&self) -> bool {
        self.outcome.is_some_and(Outcome::leads_back)
    }

    /// The outcome in one word.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let warns = counting(&self.findings).any(|finding| finding.severity == Severity::Warning);
        match (self.comes_back(), self.accepted_door, self.errors().next().is_some()) {
            (false, false, _) => Verdict::Failed,
            (_, _, true) => Verdict::Blocked,
            (false, true, false) => Verdict::Warn,
            (true, _, false) if warns => Verdict::Warn,
            (true, _, false) => Verdict::Pass,
        }
    }
}

impl Verified {
    /// The worst of all.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let of_range = counting(&self.of_range).map(|finding| match finding.severity {
            Severity::Error => Verdict::Blocked,
            Severity::Warning => Verdict::Warn,
            Severity::Notice => Verdict::Pass,
        });
        let of_records = self.records.iter().map(|record| if record.fits() { Verdict::Pass } else { Verdict::Blocked });
        let parity = if self.parity.ok == Some(false) { Verdict::Blocked } else { Verdict::Pass };
        let all = self.revisions.iter().map(Checked::verdict).chain(of_range).chain(of_records).chain([parity]);
        all.max().unwrap_or(Verdict::Pass)
    }
}

/// Verifies a range; without names what no shared branch has.
///
/// # Errors
/// Neither Python nor a scratch database, a chain that cannot be followed, names that mean nothing.
pub fn verify(mut workshop: Workshop, from: Option<&str>, to: Option<&str>, call: &Call<'_>) -> Result<Verified, ToolError> {
    let range = workshop.range(from, to).map_err(|error| failed(&error))?;
    let review = from_nothing(workshop, &range)?;
    let Some(ranged) = &review.asked.ranged else { return Err(internal("a range was reviewed as raw SQL")) };
    let workshop = &ranged.workshop;
    let wishes = TrialWishes { rows: ROWS, ..TrialWishes::default() };
    let news = |done: usize, total: usize, revision: &str| {
        (call.progress)(Progress { done: done as u32, total: total as u32, message: format!("round trip of {revision}") });
    };
    let trial = try_range(workshop, &range, &wishes, &news, call.cancelled).map_err(|error| trial_failed(&error))?;
    let parity = parity(production(&workshop.config, &Default::default()).as_ref(), &trial.engine);
    let Some(now) = now(&review) else { return Err(internal("what stands now could not be computed")) };
    let (mut revisions, of_range) = by_revision(&review, &range, &trial);
    for one in revisions.iter_mut().filter(|one| one.accepted_door) {
        one.to_approve = door::unapproved(workshop, &range, &now, &one.revision)?;
        one.accepted_door = one.to_approve.is_none();
    }
    let records = record::compared(workshop, &range, &now, &trial, &parity)?;
    Ok(Verified { assumed: workshop.assumed.clone(), engine: trial.engine.clone(), range, parity, revisions, of_range, records })
}

/// A review that knows the files and nothing that was kept.
fn from_nothing(workshop: Workshop, range: &Range) -> Result<Review, ToolError> {
    let rendering = workshop.render(range).map_err(|error| failed(&error))?;
    Ok(reviewed(Asked::from_nothing(workshop, range.clone(), rendering)))
}

fn by_revision(review: &Review, range: &Range, trial: &Trial) -> (Vec<Checked>, Vec<Finding>) {
    let back = review.downgrade.iter().flat_map(|back| &back.findings);
    // Of the way back it counts what cannot run: that it loses what the upgrade made is its nature.
    let back = back.filter(|finding| matches!(finding.rule, "not_understood" | "will_fail"));
    let all: Vec<&Finding> = review.judged.findings.iter().chain(back).collect();
    let project = review.asked.ranged.as_ref().map(|ranged| &ranged.workshop.workspace.project);
    let checked = range.revisions.iter().map(|id| {
        let file = project.and_then(|project| project.revision(project.graph.by_id(id)?)).map(|revision| revision.file.clone());
        let findings: Vec<Finding> =
            all.iter().filter(|finding| finding.revision.as_ref() == Some(id)).map(|finding| (*finding).clone()).collect();
        let trip = trial.trips.iter().find(|trip| trip.revision == *id);
        let accepts_loss = findings.iter().any(|finding| finding.allowed.is_some() && finding.severity == Severity::Error);
        let accepted_door = trip.is_some_and(|trip| trip.outcome.is_door() && trip.loss_is_the_upgrades()) && accepts_loss;
        Checked {
            revision: id.clone(),
            file,
            accepted_door,
            to_approve: None,
            findings,
            outcome: trip.map(|trip| trip.outcome),
            why: trip.map_or_else(|| trial.untried.get(id).cloned().unwrap_or_default(), |trip| clipped(&trip.why, 300)),
            seconds: trip.map(|trip| trip.steps.iter().map(|step| step.seconds).sum()).unwrap_or_default(),
        }
    });
    let checked: Vec<Checked> = checked.collect();
    let is_of_revision = |finding: &Finding| finding.revision.as_ref().is_some_and(|id| range.revisions.contains(id));
    (checked, all.into_iter().filter(|finding| !is_of_revision(finding)).cloned().collect())
}

fn internal(message: &str) -> ToolError {
    ToolError { code: "internal", message: message.to_owned(), at: None, hint: "please report it".to_owned(), retry: false }
}

//! What the reports' boxes may say: each by evidence that holds now, names from approvals that were checked.

use crate::digest::Digest;
use crate::lifecycle::approval::Approval;
use crate::lifecycle::evidence::{Now, Rerun};
use crate::lifecycle::gate::{rollback_tested, trip_that_counts};
use crate::lifecycle::proven::Proven;

/// The boxes that a review of SQL alone leaves empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Boxes {
    /// A second run was tried and does no harm.
    pub is_idempotent: bool,
    /// The way back was tried on a scratch database.
    pub is_tested: bool,
    /// It leads back.
    pub leads_back: bool,
    /// `ada (L2)`, one for each approval that holds.
    pub reviewed_by: Vec<String>,
    /// The environments they approved it for.
    pub approved_for: Vec<String>,
}

/// The boxes. `environments`: names with the digests of what they are now; an approval for another one does not hold.
#[must_use]
pub fn boxes(proven: &Proven, now: &Now, environments: &[(String, Digest)]) -> Boxes {
    let trip = trip_that_counts(proven, now);
    let digest = now.approval_digest();
    let mut found = Boxes {
        is_idempotent: trip.is_some_and(|trip| matches!(trip.rerun, Rerun::NoOp | Rerun::ClearError)),
        is_tested: trip.is_some(),
        leads_back: rollback_tested(proven, now),
        ..Boxes::default()
    };
    for approval in approvals_of(proven, digest, environments) {
        let name = format!("{} ({})", approval.approver, approval.way.level());
        if !found.reviewed_by.contains(&name) {
            found.reviewed_by.push(name);
        }
        if !found.approved_for.contains(&approval.environment) {
            found.approved_for.push(approval.environment.clone());
        }
    }
    found
}

/// The approvals of this digest, each for an environment that is still what it was.
pub fn approvals_of<'a>(proven: &'a Proven, digest: Digest, environments: &[(String, Digest)]) -> impl Iterator<Item = &'a Approval> {
    proven.approvals().iter().map(|checked| &checked.approval).filter(move |approval| {
        let is_same = |(name, definition): &(String, Digest)| *name == approval.environment && *definition == approval.environment_digest;
        approval.digest == digest && environments.iter().any(is_same)
    })
}

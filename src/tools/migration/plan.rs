//! What was planned, from a migration's record: the wish in words, and what each revision of the plan does.

use crate::effects::Loss;
use crate::intent::{Deed, Intent, beside_plan};
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::{Event, PlannedStep};
use crate::lifecycle::seal::KeyRing;
use crate::store::records::Records;
use crate::tools::answer::{clipped, counted};
use crate::workspace::Workspace;

/// A plan as it was written down. It opens no gate: it is what a change is held against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What was wanted.
    pub intent: String,
    /// Its revisions, in order.
    pub steps: Vec<PlannedStep>,
}

impl Plan {
    /// The last plan on the record of a migration; `None` where nothing was planned.
    #[must_use]
    pub fn on_record(workspace: &Workspace, id: &MigrationId) -> Option<Self> {
        let loaded = Records::of(&workspace.folder).load(id, &KeyRing::default());
        let entries = loaded.record.ledger.entries.into_iter().rev();
        entries.map(|(entry, _)| entry.event).find_map(Self::of)
    }

    /// The plan that an event tells of.
    #[must_use]
    pub fn of(event: Event) -> Option<Self> {
        match event {
            Event::Planned { intent, steps, .. } => Some(Self { intent, steps }),
            _ => None,
        }
    }

    /// The event that keeps it.
    #[must_use]
    pub fn event(self, loss: Loss, zero_downtime: bool) -> Event {
        Event::Planned { intent: self.intent, loss, zero_downtime, steps: self.steps }
    }

    /// What its steps of these names do together; `None` where it has none of them.
    #[must_use]
    pub fn deeds(&self, names: &[String]) -> Option<Vec<Deed>> {
        let meant = || self.steps.iter().filter(|step| names.contains(&step.name));
        (meant().count() > 0).then(|| meant().flat_map(|step| step.deeds.iter().cloned()).collect())
    }

    /// Whether a change is what was planned under these names, with the first thing that is not; `None` where nothing
    /// of that name was planned.
    #[must_use]
    pub fn is_met(&self, names: &[String], deeds: &[Deed]) -> Option<Result<String, String>> {
        let planned = self.deeds(names)?;
        let other = beside_plan(&planned, deeds);
        Some(match other.first() {
            Some(first) => Err(format!("{} from the plan: {first}", counted(other.len(), "difference"))),
            None => Ok(format!("{} as planned: {}", counted(deeds.len(), "change"), clipped(&names.join(", "), 200))),
        })
    }

    /// The wish as words that a change can be held against.
    #[must_use]
    pub fn wish(&self) -> Option<Intent> {
        Intent::of(&self.intent)
    }
}

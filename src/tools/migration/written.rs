//! The way back that was written down for people, and who approved exactly that text.

use crate::lifecycle::approval::{Approval, Level};
use crate::lifecycle::boxes::approvals_of;
use crate::recovery::document::{self, Document};
use crate::tools::migration::Migration;

/// A document with its approvals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// As it lies on the disk.
    pub document: Document,
    /// Those that hold: by people (L2), of these very bytes, for environments that are what they were.
    pub approvals: Vec<Approval>,
}

impl Migration {
    /// The document of the way back by hand; none where none was written, or it cannot be read.
    #[must_use]
    pub fn written_way_back(&self) -> Option<Written> {
        let document = document::read(self.record.project(), self.id.as_str()).ok()??;
        let known = self.config.environments.keys().filter_map(|name| self.config.environment(name));
        let known: Vec<_> = known.map(|environment| (environment.name, environment.definition)).collect();
        let all = approvals_of(&self.record.proven, document.digest, &known);
        let approvals = all.filter(|approval| approval.way.level() >= Level::L2).cloned().collect();
        Some(Written { document, approvals })
    }
}

/// An approval in a few words: `ada (L2) for staging`.
#[must_use]
pub fn shown(approval: &Approval) -> String {
    format!("{} ({}) for {}", approval.approver, approval.way.level(), approval.environment)
}

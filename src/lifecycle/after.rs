//! What comes after an apply, and what to do when something is wrong: checks, the way back, when a file may go.

use serde::Serialize;

/// A check after an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name in the ledger.
    pub name: &'static str,
    /// What is asked.
    pub asks: &'static str,
    /// We answer it ourselves; the others are asked for, and the answer is recorded as somebody's.
    pub is_automatic: bool,
}

/// The five, in order.
pub const CHECKS: [Check; 5] = [
    Check { name: "current", asks: "is the database at the target revision?", is_automatic: true },
    Check { name: "app_starts", asks: "does the application start?", is_automatic: false },
    Check { name: "smoke_test", asks: "does a smoke test of what was changed pass?", is_automatic: false },
    Check { name: "no_log_errors", asks: "are the logs free of database errors?", is_automatic: false },
    Check { name: "schema_as_tested", asks: "is the schema the one that was tested?", is_automatic: true },
];

/// What went wrong after an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The application is at fault; the schema is as it should be.
    Application,
    /// The schema is at fault.
    Schema {
        /// The way back was tested, with these digests, and leads back.
        way_back_is_proven: bool,
        /// SQL for it was written down, and a person approved exactly that for this environment.
        written_is_approved: bool,
    },
}

/// What to do then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WayBack {
    /// Roll the deployment back and leave the migration where it is.
    Deployment,
    /// Downgrade to exactly this revision.
    Downgrade {
        /// The command, with an explicit revision.
        command: String,
    },
    /// Write down SQL for the way back, and have it approved.
    WrittenFirst,
    /// A person runs the SQL that was written down and approved.
    ByHand,
}

/// The decision: `before` is the revision that stood before the apply.
#[must_use]
pub fn way_back(trouble: Trouble, before: &str) -> WayBack {
    match trouble {
        Trouble::Application => WayBack::Deployment,
        // An empty database is reached by `downgrade base` only: that is no way back, it is a loss of everything.
        Trouble::Schema { way_back_is_proven: true, .. } if !is_base(before) => {
            WayBack::Downgrade { command: format!("alembic downgrade {before}") }
        }
        Trouble::Schema { written_is_approved: true, .. } => WayBack::ByHand,
        Trouble::Schema { .. } => WayBack::WrittenFirst,
    }
}

/// True for a target that would take a database back to nothing.
#[must_use]
pub fn is_base(revision: &str) -> bool {
    let revision = revision.trim().rsplit('@').next().unwrap_or_default();
    revision.is_empty() || revision.eq_ignore_ascii_case("base") || revision.eq_ignore_ascii_case("none")
}

/// A command for an emergency, as a page shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EmergencyCommand {
    /// The command; `<…>` is to be filled in.
    pub command: &'static str,
    /// What it does.
    pub does: &'static str,
    /// It destroys: shown with the word DANGEROUS, never in a `next`, never run.
    pub is_dangerous: bool,
}

/// Commands for an emergency. The dangerous one is listed so that people know it when they see it.
pub const EMERGENCY: [EmergencyCommand; 4] = [
    EmergencyCommand { command: "alembic current --verbose", does: "says where the database stands", is_dangerous: false },
    EmergencyCommand { command: "alembic history --verbose", does: "says what there is", is_dangerous: false },
    EmergencyCommand {
        command: "alembic downgrade <revision>",
        does: "goes back to that revision, if the way was tested",
        is_dangerous: false,
    },
    EmergencyCommand { command: "alembic downgrade base", does: "DANGEROUS: takes every table away", is_dangerous: true },
];

/// What is known of a revision file that somebody wants to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// It stands in a branch that others have; `None` where git could not be asked.
    pub is_published: Option<bool>,
    /// Environments at or behind it, by our record or by asking.
    pub applied_on: Vec<String>,
    /// Databases that could not be asked.
    pub not_asked: Vec<String>,
    /// Revisions that name it as their parent.
    pub children: Vec<String>,
}

/// Why the file stays; empty where it may be deleted.
#[must_use]
pub fn reasons_to_keep(file: &Abandoned) -> Vec<String> {
    let mut reasons = Vec::new();
    match file.is_published {
        Some(false) => {}
        Some(true) => reasons.push("it is published: others may have applied it; write a new revision that undoes it".to_owned()),
        None => reasons.push("git could not say whether it is published".to_owned()),
    }
    reasons.extend(file.applied_on.iter().map(|environment| format!("`{environment}` has it: downgrade that first")));
    reasons.extend(file.not_asked.iter().map(|environment| format!("nobody could ask `{environment}` whether it has it")));
    reasons.extend(file.children.iter().map(|child| format!("`{child}` follows it")));
    reasons
}

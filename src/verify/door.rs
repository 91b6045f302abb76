//! A one-way door in CI: a revision that loses data verifies only where a person said that they know. That is no fact that
//! can be repeated, so it is the one thing read from outside: tags whose signature git verifies now, and approvals that this
//! machine's or the team's key sealed.

use crate::lifecycle::approval::{Level, reached};
use crate::lifecycle::evidence::Now;
use crate::lifecycle::identity::MigrationId;
use crate::tools::answer::ToolError;
use crate::tools::migration::named::{Named, on_record};
use crate::tools::migration::record::Record;
use crate::workshop::Workshop;
use crate::workshop::range::Range;

use super::record::{now_of, own_range};

/// How to approve what this revision loses; `None` where somebody did: at L2 and more, for exactly these digests and this
/// loss, with a backup, for an environment as it is configured now.
///
/// # Errors
/// The part of the range that the migration is about cannot be rendered.
pub fn unapproved(workshop: &Workshop, range: &Range, whole: &Now, revision: &str) -> Result<Option<String>, ToolError> {
    let migrations = migrations(workshop, range, revision);
    for (id, own) in &migrations {
        let now = if own.revisions == range.revisions { whole.clone() } else { now_of(workshop, own)? };
        if is_approved(workshop, id, &now) {
            return Ok(None);
        }
    }
    let id = migrations.first().map_or_else(|| revision.to_owned(), |(id, _)| id.to_string());
    let environment = workshop.config.environments.keys().next().map_or("…", String::as_str);
    Ok(Some(format!(
        "a person signs it: `alembic-gate approve {id} --environment {environment} --backup \"…\" --tag-message | git tag -s -F - alembic-gate/{id}/{environment}`"
    )))
}

/// The migrations that hold the revision, with their part of the range: those on record, the range itself, the revision alone.
fn migrations(workshop: &Workshop, range: &Range, revision: &str) -> Vec<(MigrationId, Range)> {
    let workspace = &workshop.workspace;
    let recorded = on_record(workspace).into_iter().filter_map(|(id, kept)| {
        let revisions = kept?.revisions;
        let own = own_range(range, &revisions).filter(|_| revisions.iter().any(|one| one == revision))?;
        Some((id, own))
    });
    let mut found: Vec<(MigrationId, Range)> = recorded.collect();
    let whole = range.revisions.first().map(|first| (Named::of_revision(workspace, first).id, range.clone()));
    let alone = own_range(range, &[revision.to_owned()]).map(|own| (Named::of_revision(workspace, revision).id, own));
    for candidate in alone.into_iter().chain(whole) {
        if !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    found
}

fn is_approved(workshop: &Workshop, id: &MigrationId, now: &Now) -> bool {
    let record = Record::open(&workshop.workspace, id);
    let judged = &now.judged;
    let good: Vec<_> = record
        .proven
        .approvals()
        .iter()
        .filter(|checked| {
            let approval = &checked.approval;
            let has_backup = approval.backup.as_ref().is_some_and(|backup| !backup.trim().is_empty());
            has_backup && approval.loss == judged.loss && approval.lost == judged.lost
        })
        .cloned()
        .collect();
    let environments = workshop.config.environments.keys().filter_map(|name| workshop.config.environment(name));
    let digest = now.approval_digest();
    environments.into_iter().any(|one| reached(&good, digest, &one.name, one.definition).0 >= Level::L2)
}

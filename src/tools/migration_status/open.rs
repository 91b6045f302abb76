//! What is open: every migration on record with its phase and what changed since, the one that is meant, and what was
//! done without us.

use serde::Serialize;
use serde_json::{Value, json};

use crate::lifecycle::evidence::Changed;
use crate::lifecycle::gate::{Gate, Verdict, rollback_tested, sql_reviewed};
use crate::lifecycle::ledger::Event;
use crate::lifecycle::phase::Phase;
use crate::store::Happening;
use crate::tools::answer::ToolError;
use crate::tools::call::Call;
use crate::tools::migration::Migration;
use crate::tools::migration::claim::Claim;
use crate::tools::migration::named::{Named, on_record};
use crate::tools::migration::now::files_of;
use crate::tools::migration::record::Record;
use crate::tools::source::SqlInput;
use crate::workshop::Workshop;

/// More migrations are listed by name only.
const MOST_LOOKED_AT: usize = 8;

/// Where an environment was seen.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its name.
    pub environment: &'a str,
    /// Its version table; empty for an empty database.
    pub versions: &'a [String],
    /// Its schema was compared and is what the chain makes there.
    pub is_as_chain: bool,
}

impl Seen<'_> {
    /// As the state block writes it.
    #[must_use]
    pub fn current(&self) -> String {
        if self.versions.is_empty() { "none".to_owned() } else { self.versions.join(", ") }
    }
}

/// One line of `migrations`.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    migration_id: String,
    phase: &'static str,
    sql_reviewed: bool,
    rollback_tested: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revisions: Vec<String>,
    /// What is not as it was reviewed or tested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    last_action: String,
    next_action: String,
}

impl Line {
    /// Its revisions, in order.
    #[must_use]
    pub fn revisions(&self) -> &[String] {
        &self.revisions
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Open {
    /// All that is on record.
    pub lines: Vec<Line>,
    /// The one that is meant.
    pub shown: Option<Migration>,
    /// What should be said.
    pub notes: Vec<String>,
    /// Somebody went around the gates.
    pub is_bypassed: bool,
}

/// Looks at all records. `project` names the project; `seen`: where an environment stands, if one was asked.
///
/// # Errors
/// A claim that names nothing.
pub fn look(workshop: &Workshop, project: &SqlInput, claim: &Claim, seen: Option<&Seen<'_>>, call: &Call<'_>) -> Result<Open, ToolError> {
    let mut open = Open::default();
    let mut found: Vec<Migration> = Vec::new();
    let records = on_record(&workshop.workspace);
    if !claim.is_empty() {
        let asked = SqlInput {
            migration_id: claim.id.as_ref().map(ToString::to_string),
            state_block: claim.block.as_ref().map(crate::lifecycle::block::render),
            ..project.clone()
        };
        match Migration::found(&asked, call) {
            Ok((migration, _)) => open.shown = Some(migration),
            Err(error) if error.code == "no_revision" => {
                open.shown = claim.name().map(|name| Migration::planned(workshop, name, claim.clone(), project));
            }
            Err(error) => return Err(error),
        }
    }
    for (at, (id, kept)) in records.iter().enumerate() {
        if open.shown.as_ref().is_some_and(|shown| shown.id == *id) {
            continue;
        }
        let revisions = kept.as_ref().map(|kept| kept.revisions.clone()).unwrap_or_default();
        if at >= MOST_LOOKED_AT {
            open.notes.push(format!("`{id}` was not looked at: give it as `migration_id`"));
            continue;
        }
        if is_done(workshop, id, &revisions) || became_another(workshop, id, &revisions) {
            continue;
        }
        if revisions.is_empty() {
            found.push(Migration::planned(workshop, id.name(), Claim { id: Some(id.clone()), block: None }, project));
            continue;
        }
        match Migration::found(&SqlInput { migration_id: Some(id.to_string()), ..project.clone() }, call) {
            Ok((migration, _)) => found.push(migration),
            Err(error) => open.notes.push(format!("`{id}`: {}; {}", error.message, error.hint)),
        }
    }
    if open.shown.is_none() && found.is_empty() && !workshop.workspace.project.graph.nodes.is_empty() {
        open.shown = pending(workshop, project, seen, call);
    }
    for migration in open.shown.iter_mut().chain(found.iter_mut()) {
        if let Some(seen) = seen {
            notice(workshop, migration, seen, &mut open.notes, &mut open.is_bypassed);
        }
    }
    if open.shown.is_none() {
        let last = |migration: &Migration| migration.record.proven.entries().last().map(|(entry, _)| entry.at.clone());
        let latest = (0..found.len()).max_by_key(|at| found.get(*at).and_then(last));
        open.lines.extend(found.iter().enumerate().filter(|(at, _)| Some(*at) != latest).map(|(_, migration)| line(migration, seen)));
        open.shown = latest.map(|at| found.swap_remove(at));
    } else {
        open.lines.extend(found.iter().map(|migration| line(migration, seen)));
    }
    let shown = open.shown.as_ref().filter(|shown| shown.record.is_there());
    open.lines.splice(0..0, shown.map(|shown| line(shown, seen)));
    Ok(open)
}

/// What is pending and has no record: nobody began with it yet.
fn pending(workshop: &Workshop, project: &SqlInput, seen: Option<&Seen<'_>>, call: &Call<'_>) -> Option<Migration> {
    let graph = &workshop.workspace.project.graph;
    let from = match seen.map(|seen| seen.versions) {
        Some([]) => Some("base".to_owned()),
        Some([one]) => Some(one.clone()),
        Some(_) | None => None,
    };
    if from.as_ref().is_some_and(|from| graph.ids(&graph.heads).contains(from)) {
        // Everything is applied; what others do not have yet may still have been applied behind our back.
        let unpublished = Migration::found(project, call).ok().map(|(migration, _)| migration);
        return unpublished.filter(|migration| is_unpublished(workshop, migration));
    }
    Migration::found(&SqlInput { from, ..project.clone() }, call).ok().map(|(migration, _)| migration)
}

/// True where git says that nobody else has any of its files.
fn is_unpublished(workshop: &Workshop, migration: &Migration) -> bool {
    let Some(published) = workshop.workspace.published() else { return false };
    let project = &workshop.workspace.project;
    let file = |id: &String| project.graph.by_id(id).and_then(|at| project.revision(at)).map(|revision| revision.file.clone());
    migration.kept.revisions.iter().filter_map(file).all(|file| !published.contains(&file))
}

/// It was seen at its target somewhere, with the files that stand now.
fn is_done(workshop: &Workshop, id: &crate::lifecycle::identity::MigrationId, revisions: &[String]) -> bool {
    let record = Record::open(&workshop.workspace, id);
    let files = files_of(&workshop.workspace, revisions);
    let environments = workshop.config.environments.len().max(1);
    let confirmed: std::collections::BTreeSet<String> = record
        .proven
        .sealed()
        .filter_map(|entry| match &entry.event {
            Event::Confirmed { environment, files: of, .. } if *of == files => Some(environment.clone()),
            _ => None,
        })
        .collect();
    !revisions.is_empty() && confirmed.len() >= environments
}

/// A plan whose revision was made goes on under the id of that revision.
fn became_another(workshop: &Workshop, id: &crate::lifecycle::identity::MigrationId, revisions: &[String]) -> bool {
    let Some(first) = revisions.first() else { return false };
    let named = Named::of_revision(&workshop.workspace, first);
    named.id != *id && named.kept.is_some()
}

/// A revision that is applied although nobody reviewed and tested what stands: it is said, and stays in the ledger.
fn notice(workshop: &Workshop, migration: &mut Migration, seen: &Seen<'_>, notes: &mut Vec<String>, is_bypassed: &mut bool) {
    let Some(now) = &migration.now else { return };
    let graph = &workshop.workspace.project.graph;
    let stands: Vec<usize> = seen.versions.iter().filter_map(|version| graph.by_id(version)).collect();
    let applied = graph.ids(&graph.ancestors(&stands).into_iter().collect::<Vec<_>>());
    let Some(revision) = now.revisions.iter().rev().find(|revision| applied.contains(revision)).cloned() else { return };
    let environment = seen.environment.to_owned();
    let proven = &migration.record.proven;
    let by_us = proven.sealed().any(|entry| match &entry.event {
        Event::Applied { environment: of, files, .. } | Event::Confirmed { environment: of, files, .. } => {
            *of == environment && *files == now.subject.revision_files
        }
        _ => false,
    });
    let noted = proven.entries().iter().any(
        |(entry, _)| matches!(&entry.event, Event::AppliedUnreviewed { environment: of, revision: at } if *of == environment && *at == revision),
    );
    let was_right = sql_reviewed(proven, now) && rollback_tested(proven, now);
    if by_us || (was_right && !noted) {
        confirm(migration, seen);
        return;
    }
    *is_bypassed = true;
    notes.push(format!(
        "`{environment}` has `{revision}`, and nobody reviewed and tested it before: it was applied around the gates; this stays in the ledger"
    ));
    if !noted {
        migration.add(&[Happening::Event(Event::AppliedUnreviewed { environment, revision })]);
    }
}

/// By hand or by us: with open gates, at its target, and the schema the tested one, a migration is complete there.
fn confirm(migration: &mut Migration, seen: &Seen<'_>) {
    let (Some(now), Some(range)) = (&migration.now, &migration.range) else { return };
    let current = seen.current();
    if !seen.is_as_chain || current != range.to {
        return;
    }
    let event =
        Event::Confirmed { environment: seen.environment.to_owned(), files: now.subject.revision_files, revision: range.to.clone() };
    let is_known = migration.record.proven.sealed().any(|entry| entry.event == event);
    // Where it stands now it stood not when it was applied: the last gate has nothing to say any more.
    let gates = migration.gates(seen.environment, Some(&range.from), Some(false));
    let is_open = gates.iter().all(|(gate, verdict)| *gate == Gate::SafeAtTarget || !matches!(verdict, Verdict::Closed { .. }));
    if is_open && !is_known {
        migration.add(&[Happening::Event(event)]);
    }
}

fn line(migration: &Migration, seen: Option<&Seen<'_>>) -> Line {
    let current = seen.map(Seen::current);
    let state = migration.state(seen.map(|seen| seen.environment), current.as_deref());
    let block = state.block();
    Line {
        migration_id: migration.id.to_string(),
        phase: block.phase.word(),
        sql_reviewed: block.review_as_printed,
        rollback_tested: block.rollback_as_printed,
        revisions: migration.kept.revisions.clone(),
        changed: changed(migration, block.phase),
        last_action: block.last_action,
        next_action: block.next_action,
    }
}

/// What is not as it was when it was last looked at.
fn changed(migration: &Migration, phase: Phase) -> Vec<String> {
    let Some(now) = &migration.now else { return Vec::new() };
    if phase >= Phase::Apply {
        return Vec::new();
    }
    let proven = &migration.record.proven;
    let of_review = proven.reviews().last().map(|review| review.changes(now)).unwrap_or_default();
    let of_trip = proven.trips().last().map(|(trip, _)| trip.changes(now)).unwrap_or_default();
    let mut told: Vec<String> = Vec::new();
    for change in of_review.iter().chain(&of_trip).map(Changed::to_string) {
        if !told.contains(&change) {
            told.push(change);
        }
    }
    told
}

/// The lines as JSON.
#[must_use]
pub fn as_json(lines: &[Line]) -> Vec<Value> {
    lines.iter().map(|line| json!(line)).collect()
}

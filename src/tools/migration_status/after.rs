//! After an apply, and when something is wrong: the checks and their answers, which way back, whether a file may go.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::lifecycle::after::{Abandoned, CHECKS, Trouble, WayBack, reasons_to_keep, way_back};
use crate::lifecycle::approval::Approval;
use crate::lifecycle::gate::rollback_tested;
use crate::lifecycle::ledger::Event;
use crate::lifecycle::phase::Phase;
use crate::store::Happening;
use crate::tools::answer::{ToolError, clipped};
use crate::tools::migration::Migration;
use crate::tools::migration::written::shown;
use crate::tools::migration_status::open::Seen;
use crate::workshop::Workshop;

/// What is wrong after an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Fault {
    /// The application; the schema is as it should be.
    Application,
    /// The schema.
    Schema,
}

/// Answers to the checks, as the command line gives them.
///
/// # Errors
/// No JSON object of texts.
pub fn answers(given: &str) -> Result<BTreeMap<String, String>, String> {
    serde_json::from_str(given).map_err(|error| format!(r#"{error}; for example '{{"app_starts": "yes, 14:02"}}'"#))
}

/// The longest answer that is kept, in characters.
const LONGEST: usize = 400;

/// Writes answers to the checks down, each as somebody's word.
///
/// # Errors
/// A check that does not exist, or that we answer ourselves.
pub fn note(migration: &mut Migration, answers: &BTreeMap<String, String>) -> Result<(), ToolError> {
    let asked: Vec<&str> = CHECKS.iter().filter(|check| !check.is_automatic).map(|check| check.name).collect();
    let mut happened = Vec::new();
    for (check, answer) in answers {
        if !asked.contains(&check.as_str()) {
            return Err(ToolError {
                code: "bad_arguments",
                message: format!("`{}` is no check that somebody answers", clipped(check, 60)),
                at: Some("answers".to_owned()),
                hint: format!("they are {}; `current` and `schema_as_tested` are looked at, not asked for", asked.join(", ")),
                retry: false,
            });
        }
        happened.push(Happening::Event(Event::Answered { check: check.clone(), answer: clipped(answer, LONGEST) }));
    }
    if !happened.is_empty() {
        migration.add(&happened);
    }
    Ok(())
}

/// The five checks with what is known of each; empty before an apply.
#[must_use]
pub fn checks(migration: &Migration, seen: Option<&Seen<'_>>) -> Vec<Value> {
    let Some(now) = &migration.now else { return Vec::new() };
    let state = migration.state(seen.map(|seen| seen.environment), None);
    if state.phase() < Phase::Apply {
        return Vec::new();
    }
    let answered = |name: &str| {
        let entries = migration.record.proven.entries().iter().rev();
        entries.map(|(entry, _)| &entry.event).find_map(|event| match event {
            Event::Answered { check, answer } if check == name => Some(answer.clone()),
            _ => None,
        })
    };
    let target = now.revisions.last().cloned().unwrap_or_default();
    let confirmed = migration.record.proven.sealed().find_map(|entry| match &entry.event {
        Event::Confirmed { environment, files, revision } if *files == now.subject.revision_files => {
            Some(format!("{environment} was seen at {revision} with the tested schema"))
        }
        _ => None,
    });
    let rows = CHECKS.iter().map(|check| {
        let answer = match check.name {
            "current" => seen.map(|seen| format!("{} is at {}, the target is {target}", seen.environment, seen.current())),
            "schema_as_tested" => confirmed.clone(),
            name => answered(name),
        };
        json!({ "check": check.name, "asks": check.asks, "answer": answer, "by": if check.is_automatic { "alembic-gate" } else { "somebody" } })
    });
    rows.collect()
}

/// Which way back, when something is wrong after an apply.
#[must_use]
pub fn way(migration: &Migration, fault: Fault, seen: Option<&Seen<'_>>) -> Value {
    let here = |environment: &str| seen.is_none_or(|seen| seen.environment == environment);
    let applied = migration.record.proven.sealed().filter_map(|entry| match &entry.event {
        Event::Applied { environment, before, .. } if here(environment) => Some(before.clone()),
        _ => None,
    });
    let begins = migration.range.as_ref().map(|range| range.from.clone()).unwrap_or_default();
    let before = applied.last().unwrap_or(begins);
    let way_back_is_proven = migration.now.as_ref().is_some_and(|now| rollback_tested(&migration.record.proven, now));
    let written = migration.written_way_back();
    let approved: Vec<&Approval> = written.iter().flat_map(|written| &written.approvals).filter(|one| here(&one.environment)).collect();
    let trouble = match fault {
        Fault::Application => Trouble::Application,
        Fault::Schema => Trouble::Schema { way_back_is_proven, written_is_approved: !approved.is_empty() },
    };
    let document = written.as_ref().map(|written| &written.document);
    match way_back(trouble, &before) {
        WayBack::Deployment => json!({
            "do": "deployment", "command": null,
            "why": "the schema is as it should be: roll the deployment back and leave the migration where it is",
        }),
        WayBack::Downgrade { command } => json!({
            "do": "downgrade", "command": command,
            "why": "this way back was tested for these very files, and leads to the revision before",
        }),
        WayBack::ByHand => json!({
            "do": "by_hand", "command": null, "document": document.map(|document| &document.file),
            "approved_by": approved.iter().map(|one| shown(one)).collect::<Vec<_>>(),
            "why": "exactly this document is approved: a person runs its statements in their order, each with its check",
        }),
        WayBack::WrittenFirst => json!({
            "do": "written_first", "command": null, "document": document.map(|document| &document.file),
            "why": "the way back is not proven, or would empty the database: write the SQL down, have it approved, then run it by hand",
            "how": match document {
                Some(_) => how_to_approve(migration, seen),
                None => "`test_rollback` with `applied_on` drafts the document".to_owned(),
            },
        }),
    }
}

fn how_to_approve(migration: &Migration, seen: Option<&Seen<'_>>) -> String {
    let environment = seen.map(|seen| seen.environment.to_owned()).or_else(|| migration.first_environment());
    format!(
        "a person reads it and runs, on a terminal of their own: alembic-gate approve {} --environment {} --backup \"which backup, of when\" --manual-rollback",
        migration.id,
        environment.as_deref().unwrap_or("…")
    )
}

/// Whether the file of an abandoned revision may be deleted.
///
/// # Errors
/// No such revision.
pub fn may_delete(workshop: &Workshop, migration: Option<&Migration>, revision: &str, seen: Option<&Seen<'_>>) -> Result<Value, ToolError> {
    let project = &workshop.workspace.project;
    let found = project.graph.resolve_one(revision).ok().flatten();
    let Some((at, file)) = found.and_then(|at| Some((at, project.revision(at)?))) else {
        return Err(ToolError {
            code: "no_such_revision",
            message: format!("no revision is called `{}`", clipped(revision, 60)),
            at: Some("abandoned".to_owned()),
            hint: "give its id as the file writes it".to_owned(),
            retry: false,
        });
    };
    let id = file.id.clone();
    let mut applied_on = Vec::new();
    if let Some(seen) = seen {
        let stands: Vec<usize> = seen.versions.iter().filter_map(|version| project.graph.by_id(version)).collect();
        if project.graph.ancestors(&stands).contains(&at) {
            applied_on.push(seen.environment.to_owned());
        }
    }
    let is_asked = |name: &String| seen.is_some_and(|seen| seen.environment == name);
    if let Some(migration) = migration.filter(|migration| migration.kept.revisions.contains(&id)) {
        for (entry, _) in migration.record.proven.entries() {
            if let Event::Applied { environment, .. } | Event::AppliedUnreviewed { environment, .. } = &entry.event
                && !is_asked(environment)
                && !applied_on.contains(environment)
            {
                applied_on.push(environment.clone());
            }
        }
    }
    let published = workshop.workspace.published();
    let abandoned = Abandoned {
        is_published: published.map(|files| files.contains(&file.file)),
        not_asked: workshop.config.environments.keys().filter(|name| !is_asked(name) && !applied_on.contains(name)).cloned().collect(),
        applied_on,
        children: project.graph.nodes.get(at).map(|node| project.graph.ids(&node.children)).unwrap_or_default(),
    };
    let keep = reasons_to_keep(&abandoned);
    Ok(json!({ "revision": id, "file": file.file, "ok": keep.is_empty(), "keep_because": keep }))
}

//! The pages of migrations: what is open, a state, the two reports. Computed when they are read, so they are never old.

use std::path::Path;

use crate::git;
use crate::lifecycle::boxes::{Boxes, boxes};
use crate::store::records::Records;
use crate::tools::answer::ToolError;
use crate::tools::call::Call;
use crate::tools::migration::Migration;
use crate::tools::report::{self, Heading};
use crate::tools::review_sql::Review;
use crate::tools::source::SqlInput;
use crate::workspace::Workspace;

/// The page that lists the others.
pub const OPEN: &str = "open";

/// The pages of one migration, with titles.
pub const PAGES: [(&str, &str); 3] =
    [("state", "the state block"), ("review.md", "the review report"), ("rollback.md", "the rollback verification")];

/// The ids on record in the project of a call.
#[must_use]
pub fn ids(call: &Call<'_>) -> Vec<String> {
    let listed = call.project(None).map(|folder| Records::of(&folder).list().migrations).unwrap_or_default();
    listed.iter().map(ToString::to_string).collect()
}

/// A page by what stands behind `migration://`; `None` where there is no such page.
///
/// # Errors
/// The project cannot be worked on.
pub fn read(rest: &str, call: &Call<'_>) -> Result<Option<String>, ToolError> {
    if rest == OPEN {
        return Ok(Some(open(call)));
    }
    let Some((id, page)) = rest.split_once('/') else { return Ok(None) };
    if !ids(call).iter().any(|known| known == id) || !PAGES.iter().any(|(name, _)| *name == page) {
        return Ok(None);
    }
    let asked = SqlInput { migration_id: Some(id.to_owned()), ..SqlInput::default() };
    let (migration, review) = match Migration::found(&asked, call) {
        Ok(found) => found,
        // A plan has a state and no report.
        Err(error) if error.code == "no_revision" => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(match page {
        "state" => Some(migration.state(None, None).text()),
        "review.md" => Some(review_report(&migration, &review)),
        _ => Some(rollback_report(&migration)),
    })
}

fn open(call: &Call<'_>) -> String {
    let mut text = "# Open migrations\n\n".to_owned();
    let ids = ids(call);
    if ids.is_empty() {
        text.push_str("None is on record here. `migration_status` says where the project stands.\n");
    }
    for id in ids {
        let asked = SqlInput { migration_id: Some(id.clone()), ..SqlInput::default() };
        match Migration::found(&asked, call) {
            Ok((migration, _)) => {
                let state = migration.state(None, None);
                text.push_str(&format!("- `{id}`: {}; {}; next {}\n", state.phase(), state.last_action(), state.next_action().text));
            }
            Err(error) => text.push_str(&format!("- `{id}`: {}\n", error.message)),
        }
    }
    text.push_str("\nPages of each: `migration://{id}/state`, `migration://{id}/review.md`, `migration://{id}/rollback.md`.\n");
    text
}

/// The review report, boxes by evidence that holds now.
#[must_use]
pub fn review_report(migration: &Migration, review: &Review) -> String {
    let workspace = review.asked.ranged.as_ref().map(|ranged| &ranged.workshop.workspace);
    let heading = workspace.map(|workspace| heading(migration, workspace)).unwrap_or_default();
    report::review(review, &heading)
}

/// The rollback report; one that says that nothing was tested where nothing is on record.
#[must_use]
pub fn rollback_report(migration: &Migration) -> String {
    let written = migration.now.as_ref().and_then(|now| report::rollback(&migration.name, &migration.record.proven, now, None));
    written.unwrap_or_else(|| {
        format!(
            "## Rollback Verification: {}\n\n**Environment:** development\n**Date:** none\n\n**Rollback verified:** ✗ No\n\
             **Notes:** the downgrade was never tested; call `test_rollback`\n",
            migration.name
        )
    })
}

/// What stands above the review report: the revisions, their date and author, and the boxes that evidence ticks.
#[must_use]
pub fn heading(migration: &Migration, workspace: &Workspace) -> Heading {
    let project = &workspace.project;
    let last = migration.kept.revisions.iter().rev().find_map(|id| project.graph.by_id(id).and_then(|at| project.revision(at)));
    let date = |text: &String| text.chars().take(10).collect::<String>();
    let boxes = migration.now.as_ref().map_or_else(Boxes::default, |now| {
        let known = migration.config.environments.keys().filter_map(|name| migration.config.environment(name));
        boxes(&migration.record.proven, now, &known.map(|environment| (environment.name, environment.definition)).collect::<Vec<_>>())
    });
    Heading {
        name: migration.name.clone(),
        revision: Some(migration.kept.revisions.join(", ")).filter(|text| !text.is_empty()),
        generated: last.and_then(|revision| revision.created.as_ref()).map(date),
        author: last.and_then(|revision| git::author(&workspace.folder, Path::new(&revision.file))),
        boxes,
    }
}

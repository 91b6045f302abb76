//! Does the code that runs today survive a plan, and until which of its revisions? The plan is written into a checkout of the deployed
//! commit, never into the project, and run on a scratch database; its mapped classes are tried behind each revision.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::deployed::{breaks, folder_in, of_commit, used};
use super::{Break, RecoveryError};
use crate::bridge::Direction;
use crate::git;
use crate::scratch::ScratchDatabase;
use crate::workshop::Workshop;

/// A revision that is not written yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritten {
    /// Its name.
    pub name: String,
    /// The body of `upgrade`, not indented.
    pub upgrade: String,
}

/// What the deployed code is to each revision of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Survival {
    /// As it was asked.
    pub deployed: String,
    /// The commit.
    pub commit: String,
    /// How many of its classes were tried.
    pub classes: usize,
    /// How many of their statements.
    pub statements: usize,
    /// In order; up to the first that could not be run.
    pub revisions: Vec<Behind>,
    /// What could not be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The deployed code behind one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// The revision's name.
    pub name: String,
    /// What worked in front of the plan and fails behind this revision.
    pub breaks: Vec<Break>,
}

/// Tries the code of `deployed` behind each revision of a plan, from the head of the chain on.
///
/// # Errors
/// No such commit; its project cannot be loaded; the chain does not lead to its head.
pub fn survival(workshop: &Workshop, deployed: &str, plan: &[Unwritten]) -> Result<Survival, RecoveryError> {
    let unwritable = |error: std::io::Error| RecoveryError::NotComparable(format!("no temporary files could be made: {error}"));
    let room = tempfile::Builder::new().prefix("alembic-gate-planned-").tempdir().map_err(unwritable)?;
    let target = std::fs::canonicalize(room.path()).unwrap_or_else(|_| room.path().to_owned());
    let checked = git::check_out(&workshop.workspace.folder, deployed, &target)
        .map_err(|error| RecoveryError::NotComparable(format!("the deployed commit could not be had: {error}")))?;
    let folder = folder_in(workshop, &checked.top, &target)?;
    let graph = &workshop.workspace.project.graph;
    let heads = graph.ids(&graph.real_heads);
    let [head] = heads.as_slice() else {
        return Err(RecoveryError::NotComparable(format!("the chain has {} heads: a plan is tried on one", heads.len())));
    };
    let ids = written(workshop, &folder, head, plan).map_err(unwritable)?;
    let (databases, _) = workshop.scratch_at("heads")?;
    let refs: Vec<&ScratchDatabase> = databases.iter().collect();
    let (mut old, _) =
        workshop.python_elsewhere(&folder, (checked.top.clone(), target.clone()), &refs).map_err(|error| of_commit(deployed, error))?;
    let before = used(&mut old, deployed)?;
    let mut found = Survival {
        deployed: deployed.to_owned(),
        commit: checked.commit.clone(),
        classes: before.classes.len(),
        statements: before.classes.iter().map(|class| class.statements.len()).sum(),
        notes: before.about.notes.clone(),
        ..Survival::default()
    };
    let mut at: &str = head;
    for (id, revision) in ids.iter().zip(plan) {
        let moved = old.bring_to(Direction::Up, at, id).map_err(|error| of_commit(deployed, error))?;
        if let Some(failure) = moved.failure {
            found.notes.push(format!("`{}` stopped on empty tables: {}", revision.name, failure.sentence));
            break;
        }
        let after = used(&mut old, deployed)?;
        found.revisions.push(Behind { name: revision.name.clone(), breaks: breaks(&before, &after, &target) });
        at = id;
    }
    Ok(found)
}

/// The chain of the work tree and the plan behind it, in the checkout; the ids of the plan's revisions.
fn written(workshop: &Workshop, folder: &Path, head: &str, plan: &[Unwritten]) -> std::io::Result<Vec<String>> {
    let revisions = &workshop.workspace.project.revisions;
    let folders: BTreeSet<PathBuf> =
        revisions.iter().filter_map(|revision| folder.join(&revision.file).parent().map(Path::to_path_buf)).collect();
    for there in &folders {
        std::fs::create_dir_all(there)?;
        for entry in std::fs::read_dir(there)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "py") && !path.ends_with("__init__.py") {
                std::fs::remove_file(path)?;
            }
        }
    }
    for revision in revisions {
        std::fs::copy(workshop.workspace.path(&revision.file), folder.join(&revision.file))?;
    }
    let beside = revisions.iter().find(|revision| revision.id == head).map(|revision| folder.join(&revision.file));
    let there = beside.as_deref().and_then(Path::parent).map_or_else(|| folder.to_owned(), Path::to_path_buf);
    let mut ids: Vec<String> = Vec::new();
    for (n, revision) in plan.iter().enumerate() {
        let id = format!("planned{:04}", n + 1);
        let below = ids.last().map_or(head, String::as_str);
        let mut text = format!(
            "from alembic import op\nimport sqlalchemy as sa\n\nrevision = \"{id}\"\ndown_revision = \"{below}\"\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n"
        );
        for line in revision.upgrade.lines() {
            let _ = writeln!(text, "{}{line}", if line.is_empty() { "" } else { "    " });
        }
        std::fs::write(there.join(format!("{id}.py")), text)?;
        ids.push(id);
    }
    Ok(ids)
}

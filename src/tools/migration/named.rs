//! Which migration a range of revisions is: its name, its id, what was kept of it.

use crate::lifecycle::identity::{MigrationId, snake};
use crate::lifecycle::seal::KeyRing;
use crate::store::Kept;
use crate::store::records::Records;
use crate::tools::answer::{ToolError, clipped};
use crate::tools::migration::claim::Claim;
use crate::tools::source::failed;
use crate::workshop::Workshop;
use crate::workshop::range::Range;
use crate::workspace::Workspace;

/// A migration by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its id.
    pub id: MigrationId,
    /// Its name.
    pub name: String,
    /// What was wished for, if there is a record that can be read.
    pub kept: Option<Kept>,
}

/// The project's name: `[project] name` of `pyproject.toml`, else the folder's.
#[must_use]
pub fn project_name(workspace: &Workspace) -> String {
    let toml = std::fs::read_to_string(workspace.folder.join("pyproject.toml")).ok();
    let table: Option<toml::Table> = toml.and_then(|text| toml::from_str(&text).ok());
    let said = table.and_then(|table| table.get("project")?.get("name")?.as_str().map(str::to_owned));
    let folder = || workspace.folder.file_name().map(|name| name.to_string_lossy().into_owned());
    said.or_else(folder).unwrap_or_else(|| "project".to_owned())
}

fn kept(workspace: &Workspace, id: &MigrationId) -> Option<Kept> {
    Records::of(&workspace.folder).load(id, &KeyRing::default()).kept
}

/// The records of a project: what each is called and what was wished.
#[must_use]
pub fn on_record(workspace: &Workspace) -> Vec<(MigrationId, Option<Kept>)> {
    let listed = Records::of(&workspace.folder).list().migrations;
    listed.into_iter().map(|id| (id.clone(), kept(workspace, &id))).collect()
}

/// The name that a revision's message gives.
#[must_use]
pub fn message_name(workspace: &Workspace, revision: &str) -> String {
    let project = &workspace.project;
    let found = project.graph.by_id(revision).and_then(|at| project.revision(at));
    let message = found.map(|revision| revision.message.clone()).filter(|message| !message.trim().is_empty());
    snake(&message.unwrap_or_else(|| revision.to_owned()))
}

impl Named {
    /// The migration that begins with this revision.
    #[must_use]
    pub fn of_revision(workspace: &Workspace, first: &str) -> Self {
        let name = message_name(workspace, first);
        let id = MigrationId::of_revision(&name, &project_name(workspace), first);
        if let Some(kept) = kept(workspace, &id) {
            return Self { name: kept.migration_name.clone(), id, kept: Some(kept) };
        }
        // The message was changed, or the folder has another name on this machine: the record knows the revision.
        let same = |kept: &Kept| kept.revisions.first().is_some_and(|revision| revision == first);
        let mut others = on_record(workspace).into_iter().filter_map(|(id, kept)| Some((id, kept.filter(same)?)));
        match (others.next(), others.next()) {
            (Some((id, kept)), None) => Self { id, name: kept.migration_name.clone(), kept: Some(kept) },
            _ => Self { id, name, kept: None },
        }
    }

    /// A migration that is planned, as long as it has no revision.
    #[must_use]
    pub fn of_plan(workspace: &Workspace, name: &str) -> Self {
        let id = MigrationId::of_name(name);
        let kept = kept(workspace, &id);
        Self { name: kept.as_ref().map_or_else(|| snake(name), |kept| kept.migration_name.clone()), id, kept }
    }

    /// The migration of an id that is on record, or that a revision of the chain gives.
    #[must_use]
    pub fn of_id(workspace: &Workspace, id: &MigrationId) -> Option<Self> {
        if let Some(kept) = kept(workspace, id) {
            return Some(Self { id: id.clone(), name: kept.migration_name.clone(), kept: Some(kept) });
        }
        first_by_name(workspace, Some(id), id.name()).map(|first| Self::of_revision(workspace, &first))
    }

    /// Its first revision, as far as the record and the chain agree.
    #[must_use]
    pub fn first(&self, workspace: &Workspace) -> Option<String> {
        let known = |revision: &&String| workspace.project.graph.by_id(revision).is_some();
        let kept = self.kept.as_ref().and_then(|kept| kept.revisions.first()).filter(known).cloned();
        kept.or_else(|| first_by_name(workspace, Some(&self.id), &self.name))
    }
}

/// The revision whose id gives this migration id; else the only one of that name.
fn first_by_name(workspace: &Workspace, id: Option<&MigrationId>, name: &str) -> Option<String> {
    let project = project_name(workspace);
    let ids: Vec<&str> = workspace.project.revisions.iter().map(|revision| revision.id.as_str()).collect();
    let same: Vec<&str> = ids.into_iter().filter(|revision| message_name(workspace, revision) == name).collect();
    let exact = same.iter().find(|revision| id.is_some_and(|id| MigrationId::of_revision(name, &project, revision) == *id));
    exact.copied().or_else(|| <[&str; 1]>::try_from(same.as_slice()).ok().map(|[one]| one)).map(str::to_owned)
}

/// The range that is meant: what was named, what is claimed, the one open migration, else what is pending.
///
/// # Errors
/// Names that mean nothing; a migration that nobody knows, or that has no revision yet.
pub fn range(workshop: &mut Workshop, claim: &Claim, from: Option<&str>, to: Option<&str>) -> Result<(Range, Named), ToolError> {
    let named = match (from.or(to), claim.is_empty()) {
        (Some(_), _) => None,
        (None, false) => Some(claimed(&workshop.workspace, claim)?),
        (None, true) => open_one(&workshop.workspace),
    };
    let Some((named, first)) = named else {
        let range = workshop.range(from, to).map_err(|error| failed(&error))?;
        let first = range.revisions.first().cloned().unwrap_or_default();
        let named = Named::of_revision(&workshop.workspace, &first);
        return Ok((range, named));
    };
    let graph = &workshop.workspace.project.graph;
    let parents = graph.by_id(&first).and_then(|at| workshop.workspace.project.revision(at)).map(|revision| revision.parents.clone());
    let from = match parents.unwrap_or_default().as_slice() {
        [] => "base".to_owned(),
        [one] => one.clone(),
        _ => format!("{first}-1"),
    };
    let known = |revision: &&String| graph.by_id(revision).is_some();
    let last = named.kept.as_ref().and_then(|kept| kept.revisions.last()).filter(known).cloned();
    let to = last.or_else(|| claim.target().map(str::to_owned)).unwrap_or_else(|| "head".to_owned());
    let range = workshop.range(Some(&from), Some(&to)).map_err(|error| failed(&error))?;
    if claim.is_empty() {
        workshop.assumed.push(format!("the range is that of the open migration `{}`", named.id));
    }
    Ok((range, named))
}

/// The only migration on record whose last revision is a head: who asks without a word means that one.
fn open_one(workspace: &Workspace) -> Option<(Named, String)> {
    let graph = &workspace.project.graph;
    let heads = graph.ids(&graph.heads);
    let mut open = on_record(workspace).into_iter().filter_map(|(id, kept)| {
        let kept = kept?;
        let (first, last) = (kept.revisions.first()?.clone(), kept.revisions.last()?);
        let is_there = kept.revisions.iter().all(|revision| graph.by_id(revision).is_some());
        (is_there && heads.contains(last)).then(|| (Named { id, name: kept.migration_name.clone(), kept: Some(kept) }, first))
    });
    open.next().filter(|_| open.next().is_none())
}

/// The migration that a claim names, and its first revision.
fn claimed(workspace: &Workspace, claim: &Claim) -> Result<(Named, String), ToolError> {
    let refused =
        |code, message: String, hint: String| ToolError { code, message, at: Some("migration_id".to_owned()), hint, retry: false };
    let name = claim.name().unwrap_or_default();
    let named = match &claim.id {
        Some(id) => Named::of_id(workspace, id),
        None => first_by_name(workspace, None, name).map(|first| Named::of_revision(workspace, &first)),
    };
    let planned = || Some(Named::of_plan(workspace, name)).filter(|named| named.kept.is_some());
    let Some(named) = named.or_else(planned) else {
        let known: Vec<String> = on_record(workspace).into_iter().map(|(id, _)| id.to_string()).take(10).collect();
        let known = if known.is_empty() { "no migration is on record here".to_owned() } else { format!("on record: {}", known.join(", ")) };
        let hint = format!("{known}; give `from` and `to`, or call `generate_migration`");
        return Err(refused("unknown_migration", format!("there is no record and no revision of `{}`", clipped(name, 80)), hint));
    };
    match named.first(workspace) {
        Some(first) => Ok((named, first)),
        None => Err(refused(
            "no_revision",
            format!("`{}` has no revision file", named.id),
            "call `generate_migration` first, or restore the file".to_owned(),
        )),
    }
}

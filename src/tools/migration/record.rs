//! The record of a migration: what it proves here, and how something is added to it.

use std::path::Path;

use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::{Event, Version};
use crate::lifecycle::proven::Proven;
use crate::store::home::{Home, Opened, with_cause};
use crate::store::records::Records;
use crate::store::{Happening, Kept, Saved, clock};
use crate::workspace::Workspace;

/// How often a save is tried where others save too.
const TRIES: usize = 20;

/// A record, opened.
#[derive(Debug)]
pub struct Record {
    /// What it proves.
    pub proven: Proven,
    /// What should be said of it.
    pub notes: Vec<String>,
    store: Records,
    home: Option<Home>,
    version: Version,
}

impl Record {
    /// Opens the record of a migration; one that is not there is empty.
    #[must_use]
    pub fn open(workspace: &Workspace, id: &MigrationId) -> Self {
        let store = Records::of(&workspace.folder);
        let mut notes = Vec::new();
        let home = Home::found(&workspace.folder).map_err(|error| notes.push(format!("{}; {}", with_cause(&error), error.hint()))).ok();
        let (proven, version, more) = read(&store, home.as_ref(), id);
        notes.extend(more);
        Self { proven, notes, store, home, version }
    }

    /// The project's folder.
    #[must_use]
    pub fn project(&self) -> &Path {
        self.store.project()
    }

    /// True where something was written about this migration.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.version.lines > 0 || !self.proven.faults().is_empty()
    }

    /// The first revision of the last plan, where its file can be made of what is on record.
    #[must_use]
    pub fn planned_first(&self) -> Option<&str> {
        let steps = self.proven.entries().iter().rev().find_map(|(entry, _)| match &entry.event {
            Event::Planned { steps, .. } => Some(steps),
            _ => None,
        })?;
        steps.first().filter(|step| step.bodies.is_some()).map(|step| step.name.as_str())
    }

    /// Writes what happened, on top of whatever others wrote meanwhile. Where nothing can be written it is noted, and no
    /// gate opens by it: evidence that nobody can look up again is none.
    pub fn add(&mut self, happened: &[Happening], kept: &Kept) {
        let id = self.proven.id().clone();
        for _ in 0..TRIES {
            match self.store.save(&id, self.version, happened, kept, self.home.as_ref(), &clock::now()) {
                Saved::Kept { notes, .. } => {
                    self.notes.extend(notes);
                    self.reload();
                    return;
                }
                Saved::Conflict { found } => self.version = found,
                Saved::NotKept(error) => {
                    let cause = std::error::Error::source(&error).map(|cause| format!(" ({cause})")).unwrap_or_default();
                    self.notes.push(format!("not kept: {error}{cause}; {}", error.hint()));
                    return;
                }
            }
        }
        self.notes.push(format!("not kept: `{id}` was written by others {TRIES} times in a row; call again"));
    }

    /// Reads it again.
    pub fn reload(&mut self) {
        let id = self.proven.id().clone();
        let (proven, version, _) = read(&self.store, self.home.as_ref(), &id);
        self.proven = proven;
        self.version = version;
    }
}

fn read(store: &Records, home: Option<&Home>, id: &MigrationId) -> (Proven, Version, Vec<String>) {
    let opened = home.map_or_else(Opened::default, |home| store.opened(home, id));
    let (proven, version) = store.proven(id, &opened);
    (proven, version, opened.notes)
}

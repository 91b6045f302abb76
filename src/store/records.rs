//! The records of a project: what is read of them, what is written, and what happens when somebody else wrote meanwhile.
//!
//! The ledger comes after the evidence it names, the view last. A version is the ledger's length and head: who saves on top
//! of another one is told so. Where the texts lie is the shelf's matter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::git::signed_tags;
use crate::lifecycle::approval::Statement;
use crate::lifecycle::evidence::Evidence;
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::{self, Event, Fault, Latest, Ledger, Version};
use crate::lifecycle::proven::{Proven, Record, proven};
use crate::lifecycle::seal::KeyRing;
use crate::store::folder;
use crate::store::home::{Home, Opened, with_cause};
use crate::store::server::Server;
use crate::store::shelf::{EVIDENCE, LATEST, LEDGER, STATE, Shelf, Texts};
use crate::store::{Happening, Kept, Loaded, Saved, StoreError, cleaned, prepared};

/// The folder's name.
pub const FOLDER: &str = folder::NAME;

/// The records of one project.
#[derive(Debug, Clone)]
pub struct Records {
    project: PathBuf,
    shelf: Shelf,
}

/// The migrations on record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Their ids, sorted.
    pub migrations: Vec<MigrationId>,
    /// What lies there and is no record.
    pub faults: Vec<Fault>,
}

impl Records {
    /// The records of the project in this folder.
    #[must_use]
    pub fn of(project: &Path) -> Self {
        Self { project: project.to_owned(), shelf: Shelf::of(project) }
    }

    /// The records of the project in this folder, in a database.
    #[must_use]
    pub fn on_server(project: &Path, server: Server) -> Self {
        Self { project: project.to_owned(), shelf: Shelf::Server(server) }
    }

    /// The nearest folder that has records or is a project, or `folder` itself.
    #[must_use]
    pub fn found_from(folder: &Path) -> Self {
        let is_project = |above: &&Path| ["alembic.ini", crate::config::FILE].iter().any(|name| above.join(name).is_file());
        let above = folder::nearest(folder).or_else(|| folder.ancestors().find(is_project).map(Path::to_owned));
        Self::of(above.as_deref().unwrap_or(folder))
    }

    /// The project's folder.
    #[must_use]
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// The migrations on record.
    #[must_use]
    pub fn list(&self) -> Listing {
        let (names, faults) = self.shelf.migrations();
        let mut listing = Listing { migrations: Vec::new(), faults };
        for name in names {
            match name.parse() {
                Ok(id) => listing.migrations.push(id),
                Err(_) => {
                    let what = format!("`{name}` is the folder of no migration");
                    listing.faults.push(Fault { file: FOLDER.to_owned(), line: None, what });
                }
            }
        }
        listing.migrations.sort();
        listing
    }

    /// Reads a record. What cannot be read is a fault of the record, never an error: a record that is not there is empty.
    #[must_use]
    pub fn load(&self, id: &MigrationId, keys: &KeyRing) -> Loaded {
        self.read(id, keys, self.shelf.texts(id))
    }

    fn read(&self, id: &MigrationId, keys: &KeyRing, mut texts: Texts) -> Loaded {
        let (ledger, version) = self.ledger(id, keys, &mut texts);
        let mut faults = std::mem::take(&mut texts.faults);
        let evidence = self.evidence(id, &texts, &mut faults);
        let kept = texts.by_name.get(STATE).and_then(|text| {
            let fault = |error: &serde_json::Error| Fault {
                file: self.shelf.shown(id, STATE),
                line: Some(error.line()),
                what: format!("this is no state: {error}"),
            };
            serde_json::from_str(text).map_err(|error| faults.push(fault(&error))).ok()
        });
        Loaded { record: Record { id: id.clone(), ledger, evidence, faults }, version, kept }
    }

    /// What counts here for a migration: keys, what was tested last, approvals by signed tags.
    #[must_use]
    pub fn opened(&self, home: &Home, id: &MigrationId) -> Opened {
        let mut opened = self.keys(Some(home), id, &self.shelf.texts(id));
        let allowed = match home.allowed_signers() {
            Ok(Some(allowed)) => allowed,
            Ok(None) => return opened,
            Err(error) => {
                opened.notes.push(format!("{}; {}", with_cause(&error), error.hint()));
                return opened;
            }
        };
        match signed_tags(&self.project, &format!("alembic-gate/{id}/"), &allowed) {
            Ok(tags) => {
                let stated = tags.iter().filter_map(|tag| Some((tag, Statement::read(&tag.message)?)));
                opened.signed = stated
                    .filter(|(_, statement)| statement.migration_id == *id)
                    .map(|(tag, statement)| statement.signed(&tag.name, &tag.principal, &tag.key))
                    .collect();
            }
            Err(error) => opened.notes.push(format!("approvals by signed tags could not be read: {error}")),
        }
        opened
    }

    /// Keys, and what was tested last: out of an agent's reach, in the database for all replicas, else with the key.
    fn keys(&self, home: Option<&Home>, id: &MigrationId, texts: &Texts) -> Opened {
        let mut opened = home.map(|home| home.open(id)).unwrap_or_default();
        if self.shelf.is_out_of_reach() {
            let latest = texts.by_name.get(LATEST).map_or(Ok(Latest::default()), |text| serde_json::from_str(text));
            opened.latest = latest.unwrap_or_else(|error| {
                // Who does not know what was tested last cannot say that a test is the last.
                opened.notes.push(format!("{}: {error}", self.shelf.shown(id, LATEST)));
                opened.keys = KeyRing::default();
                Latest::default()
            });
        }
        opened
    }

    /// What the record proves on this machine.
    #[must_use]
    pub fn proven(&self, id: &MigrationId, opened: &Opened) -> (Proven, Version) {
        let loaded = self.load(id, &opened.keys);
        (proven(&loaded.record, &opened.latest, &opened.keys, opened.signed.clone()), loaded.version)
    }

    /// The ledger; one that cannot be read is faulty.
    fn ledger(&self, id: &MigrationId, keys: &KeyRing, texts: &mut Texts) -> (Ledger, Version) {
        let name = self.shelf.shown(id, LEDGER);
        if let Some(text) = texts.by_name.get(LEDGER) {
            return ledger::read(&name, text, id, keys);
        }
        // Without any text the place itself cannot be read.
        let at = texts.faults.iter().position(|fault| fault.file == name || (texts.by_name.is_empty() && self.shelf.is_out_of_reach()));
        let fault = at.map(|at| texts.faults.remove(at));
        (Ledger { entries: Vec::new(), fault }, Version::default())
    }

    fn evidence(&self, id: &MigrationId, texts: &Texts, faults: &mut Vec<Fault>) -> BTreeMap<Digest, Evidence> {
        let mut found = BTreeMap::new();
        for (name, text) in texts.by_name.iter().filter(|(name, _)| name.starts_with(EVIDENCE)) {
            let mut fault = |line: usize, what: String| faults.push(Fault { file: self.shelf.shown(id, name), line: Some(line), what });
            let evidence: Evidence = match serde_json::from_str(text) {
                Ok(evidence) => evidence,
                Err(error) => {
                    fault(error.line(), format!("this is no evidence: {error}"));
                    continue;
                }
            };
            if format!("{}\n", evidence.text()) != *text || evidence_name(&evidence) != *name {
                fault(1, "the file was edited or renamed: its name is not the digest of what it holds".to_owned());
                continue;
            }
            found.insert(evidence.digest(), evidence);
        }
        found
    }

    /// Writes what happened on top of the version that was loaded.
    pub fn save(&self, id: &MigrationId, expected: Version, happened: &[Happening], kept: &Kept, home: Option<&Home>, at: &str) -> Saved {
        match self.saved(id, expected, happened, kept, home, at) {
            Ok(saved) => saved,
            Err(error) => Saved::NotKept(error),
        }
    }

    fn saved(
        &self,
        id: &MigrationId,
        expected: Version,
        happened: &[Happening],
        kept: &Kept,
        home: Option<&Home>,
        at: &str,
    ) -> Result<Saved, StoreError> {
        let mut held = self.shelf.hold(id)?;
        let texts = self.shelf.texts(id);
        let Opened { keys, mut latest, mut notes, signed: _ } = self.keys(home, id, &texts);
        if keys.own.is_none() {
            notes.push("there is no key to seal the record with: tests and approvals in it will not count".to_owned());
        }
        let mut text = texts.by_name.get(LEDGER).cloned().unwrap_or_default();
        let Loaded { record, version: found, .. } = self.read(id, &keys, texts);
        if found != expected {
            return Ok(Saved::Conflict { found });
        }
        let mut events = Vec::new();
        let mut version = found;
        if let Some(fault) = &record.ledger.fault {
            let aside = held.put_ledger_aside()?;
            notes.push(format!("{fault}; the file is now `{}`, and a new one begins", self.shelf.shown(id, &aside)));
            events.push(Event::SetAside { file: aside, because: fault.to_string() });
            version = Version::default();
            text.clear();
        }
        for happening in happened {
            let (evidence, event) = prepared(happening, &self.project);
            if let Some(evidence) = evidence {
                held.write(&evidence_name(&evidence), &format!("{}\n", evidence.text()))?;
            }
            events.push(event);
        }
        // First what is out of reach: a failed test must be known there before anybody can cut the ledger.
        if keys.own.is_some() {
            let before = latest.clone();
            if events.iter().any(|event| matches!(event, Event::Voided { .. })) {
                let known = proven(&record, &latest, &keys, Vec::new());
                latest.void(known.trips().iter().map(|(trip, _)| trip.key()));
            }
            events.iter().for_each(|event| latest.note(event));
            match home {
                _ if latest == before => {}
                _ if self.shelf.is_out_of_reach() => held.write(LATEST, &serde_json::to_string(&latest).unwrap_or_default())?,
                Some(home) => home.note_latest(id, &latest).map_err(|error| {
                    let source = std::io::Error::other(error.to_string());
                    StoreError::Unwritable { path: PathBuf::from("latest"), source }
                })?,
                None => {}
            }
        }
        let (lines, version) = ledger::append(version, id, at, &events, keys.own.as_ref());
        text.push_str(&lines);
        held.write(LEDGER, &text)?;
        let shown = serde_json::to_string_pretty(&cleaned(kept, &self.project)).unwrap_or_default();
        held.write(STATE, &format!("{shown}\n"))?;
        held.keep()?;
        Ok(Saved::Kept { version, notes })
    }
}

/// The name of a piece of evidence: its kind and its digest.
fn evidence_name(evidence: &Evidence) -> String {
    let kind = match evidence {
        Evidence::Review(_) => "review",
        Evidence::RoundTrip(_) => "rollback",
    };
    let digits: String = evidence.digest().hex().chars().take(16).collect();
    format!("{EVIDENCE}{kind}-{digits}.json")
}

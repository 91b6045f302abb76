//! Records in the project: `<project>/.alembic-gate/<migration_id>/{state.json, ledger.jsonl, evidence/*.json}`.
//!
//! Every file is written whole beside its place and renamed into it; the ledger comes after the evidence it names, the
//! view last. A version is the ledger's length and head: who saves on top of another one is told so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::digest::Digest;
use crate::git::signed_tags;
use crate::lifecycle::approval::Statement;
use crate::lifecycle::evidence::Evidence;
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::{self, Event, Fault, Ledger, Version};
use crate::lifecycle::proven::{Proven, Record, proven};
use crate::lifecycle::seal::KeyRing;
use crate::store::home::{Home, Opened, with_cause};
use crate::store::{Happening, Kept, Loaded, Saved, StoreError, cleaned, prepared};

/// The folder's name.
pub const FOLDER: &str = ".alembic-gate";

/// The longest file that is read; the most evidence of one migration; the most migrations.
const MOST_BYTES: u64 = 8 << 20;
const MOST_FILES: usize = 2_000;

/// How long another process may hold a record.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// The records of one project.
#[derive(Debug, Clone)]
pub struct FileStore {
    project: PathBuf,
}

/// The migrations on record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Their ids, sorted.
    pub migrations: Vec<MigrationId>,
    /// What lies there and is no record.
    pub faults: Vec<Fault>,
}

impl FileStore {
    /// The records of the project in this folder.
    #[must_use]
    pub fn of(project: &Path) -> Self {
        Self { project: project.to_owned() }
    }

    /// The nearest folder that has records, or `folder` itself.
    #[must_use]
    pub fn found_from(folder: &Path) -> Self {
        let above = folder.ancestors().find(|above| above.join(FOLDER).is_dir());
        Self::of(above.unwrap_or(folder))
    }

    /// The project's folder.
    #[must_use]
    pub fn project(&self) -> &Path {
        &self.project
    }

    fn folder(&self, id: &MigrationId) -> PathBuf {
        self.project.join(FOLDER).join(id.as_str())
    }

    /// The migrations on record.
    #[must_use]
    pub fn list(&self) -> Listing {
        let mut listing = Listing::default();
        let mut fault = |what: String| listing.faults.push(Fault { file: FOLDER.to_owned(), line: None, what });
        let entries = match std::fs::read_dir(self.project.join(FOLDER)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return listing,
            Err(error) => {
                fault(format!("the folder could not be read: {error}"));
                return listing;
            }
        };
        for (at, entry) in entries.enumerate() {
            if at >= MOST_FILES {
                fault(format!("there are more than {MOST_FILES} entries"));
                break;
            }
            let Ok(entry) = entry else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.path().is_dir() {
                continue;
            }
            match name.parse() {
                Ok(id) => listing.migrations.push(id),
                Err(_) => fault(format!("`{name}` is the folder of no migration")),
            }
        }
        listing.migrations.sort();
        listing
    }

    /// Reads a record. What cannot be read is a fault of the record, never an error: a record that is not there is empty.
    #[must_use]
    pub fn load(&self, id: &MigrationId, keys: &KeyRing) -> Loaded {
        let mut faults = Vec::new();
        let evidence = self.evidence(id, &mut faults);
        let (ledger, version) = self.ledger(id, keys);
        let kept = self.kept(id, &mut faults);
        Loaded { record: Record { id: id.clone(), ledger, evidence, faults }, version, kept }
    }

    fn kept(&self, id: &MigrationId, faults: &mut Vec<Fault>) -> Option<Kept> {
        let path = self.folder(id).join("state.json");
        let mut fault = |line: Option<usize>, what: String| faults.push(Fault { file: self.name(&path), line, what });
        match read(&path) {
            Ok(None) => None,
            Ok(Some(text)) => {
                serde_json::from_str(&text).map_err(|error| fault(Some(error.line()), format!("this is no state: {error}"))).ok()
            }
            Err(what) => {
                fault(None, what);
                None
            }
        }
    }

    /// What counts here for a migration: keys, what was tested last, approvals by signed tags.
    #[must_use]
    pub fn opened(&self, home: &Home, id: &MigrationId) -> Opened {
        let mut opened = home.open(id);
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

    /// What the record proves on this machine.
    #[must_use]
    pub fn proven(&self, id: &MigrationId, opened: &Opened) -> (Proven, Version) {
        let loaded = self.load(id, &opened.keys);
        (proven(&loaded.record, &opened.latest, &opened.keys, opened.signed.clone()), loaded.version)
    }

    fn ledger(&self, id: &MigrationId, keys: &KeyRing) -> (Ledger, Version) {
        let path = self.folder(id).join("ledger.jsonl");
        let name = self.name(&path);
        match read(&path) {
            Ok(Some(text)) => ledger::read(&name, &text, id, keys),
            Ok(None) => (Ledger::default(), Version::default()),
            Err(what) => (Ledger { entries: Vec::new(), fault: Some(Fault { file: name, line: None, what }) }, Version::default()),
        }
    }

    fn evidence(&self, id: &MigrationId, faults: &mut Vec<Fault>) -> BTreeMap<Digest, Evidence> {
        let folder = self.folder(id).join("evidence");
        let mut found = BTreeMap::new();
        let Ok(entries) = std::fs::read_dir(&folder) else { return found };
        let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).take(MOST_FILES + 1).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        paths.sort();
        let mut fault = |path: &Path, line: Option<usize>, what: String| faults.push(Fault { file: self.name(path), line, what });
        if paths.len() > MOST_FILES {
            fault(&folder, None, format!("there are more than {MOST_FILES} files"));
        }
        for path in paths {
            let text = match read(&path) {
                Ok(text) => text.unwrap_or_default(),
                Err(what) => {
                    fault(&path, None, what);
                    continue;
                }
            };
            let evidence: Evidence = match serde_json::from_str(&text) {
                Ok(evidence) => evidence,
                Err(error) => {
                    fault(&path, Some(error.line()), format!("this is no evidence: {error}"));
                    continue;
                }
            };
            if format!("{}\n", evidence.text()) != text || self.evidence_path(id, &evidence) != path {
                fault(&path, Some(1), "the file was edited or renamed: its name is not the digest of what it holds".to_owned());
                continue;
            }
            found.insert(evidence.digest(), evidence);
        }
        found
    }

    fn evidence_path(&self, id: &MigrationId, evidence: &Evidence) -> PathBuf {
        let kind = match evidence {
            Evidence::Review(_) => "review",
            Evidence::RoundTrip(_) => "rollback",
        };
        let digits: String = evidence.digest().hex().chars().take(16).collect();
        self.folder(id).join("evidence").join(format!("{kind}-{digits}.json"))
    }

    /// The path from the project's folder, for messages.
    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.project).unwrap_or(path).display().to_string()
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
        let folder = self.folder(id);
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Unwritable { path, source }
        };
        std::fs::create_dir_all(folder.join("evidence")).map_err(unwritable(&folder))?;
        let _held = hold(&folder)?;
        let Opened { keys, mut latest, mut notes, signed: _ } = home.map(|home| home.open(id)).unwrap_or_default();
        if keys.own.is_none() {
            notes.push("there is no key to seal the record with: tests and approvals in it will not count".to_owned());
        }
        let (before, found) = self.ledger(id, &keys);
        if found != expected {
            return Ok(Saved::Conflict { found });
        }
        let path = folder.join("ledger.jsonl");
        let mut events = Vec::new();
        let mut version = found;
        let mut text = String::new();
        match &before.fault {
            Some(fault) => {
                let aside = aside(&path)?;
                notes.push(format!("{fault}; the file is now `{}`, and a new one begins", self.name(&aside)));
                events.push(Event::SetAside {
                    file: aside.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    because: fault.to_string(),
                });
                version = Version::default();
            }
            None => text = read(&path).ok().flatten().unwrap_or_default(),
        }
        for happening in happened {
            let (evidence, event) = prepared(happening, &self.project);
            if let Some(evidence) = evidence {
                let path = self.evidence_path(id, &evidence);
                write_whole(&path, &format!("{}\n", evidence.text())).map_err(unwritable(&path))?;
            }
            events.push(event);
        }
        // First what is outside: a failed test must be known there before anybody can cut the ledger.
        if let Some(home) = home.filter(|_| keys.own.is_some()) {
            let voids = events.iter().any(|event| matches!(event, Event::Voided { .. }));
            if voids {
                let known = proven(&self.load(id, &keys).record, &latest, &keys, Vec::new());
                latest.void(known.trips().iter().map(|(trip, _)| trip.key()));
            }
            let noted = latest.clone();
            events.iter().for_each(|event| latest.note(event));
            if (voids || latest != noted)
                && let Err(error) = home.note_latest(id, &latest)
            {
                let source = std::io::Error::other(error.to_string());
                return Err(StoreError::Unwritable { path: PathBuf::from("latest"), source });
            }
        }
        let (lines, version) = ledger::append(version, id, at, &events, keys.own.as_ref());
        text.push_str(&lines);
        write_whole(&path, &text).map_err(unwritable(&path))?;
        let state = folder.join("state.json");
        let shown = serde_json::to_string_pretty(&cleaned(kept, &self.project)).unwrap_or_default();
        write_whole(&state, &format!("{shown}\n")).map_err(unwritable(&state))?;
        Ok(Saved::Kept { version, notes })
    }
}

/// Holds the record's folder against other processes, as long as the value lives.
fn hold(folder: &Path) -> Result<File, StoreError> {
    let handle = File::open(folder).map_err(|source| StoreError::Unwritable { path: folder.to_owned(), source })?;
    let begun = Instant::now();
    loop {
        match handle.try_lock() {
            Ok(()) => return Ok(handle),
            Err(std::fs::TryLockError::WouldBlock) if begun.elapsed() < MOST_WAIT => std::thread::sleep(Duration::from_millis(5)),
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::Busy { path: folder.to_owned(), seconds: MOST_WAIT.as_secs() });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(StoreError::Unwritable { path: folder.to_owned(), source }),
        }
    }
}

/// Puts a file that cannot be used aside, under a name that no other has.
fn aside(path: &Path) -> Result<PathBuf, StoreError> {
    let free = (1..).map(|number| path.with_file_name(format!("ledger.aside-{number}.jsonl"))).find(|place| !place.exists());
    let place = free.unwrap_or_else(|| path.with_file_name("ledger.aside.jsonl"));
    std::fs::rename(path, &place).map_err(|source| StoreError::Unwritable { path: path.to_owned(), source })?;
    Ok(place)
}

/// Writes beside the place, to the disk, and renames: a reader sees the file before or the file after.
fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// A file of ours; `None` where there is none, a sentence where it cannot be one.
fn read(path: &Path) -> Result<Option<String>, String> {
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("the file could not be read: {error}")),
    };
    if !found.is_file() {
        return Err("this is no file".to_owned());
    }
    if found.len() > MOST_BYTES {
        return Err(format!("the file is larger than {} MiB", MOST_BYTES >> 20));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("the file could not be read: {error}"))?;
    String::from_utf8(bytes).map(Some).map_err(|_| "the file is not UTF-8".to_owned())
}

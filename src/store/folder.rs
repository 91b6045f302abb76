//! Texts of records in a folder: `<project>/.alembic-gate/<migration_id>/{state.json, ledger.jsonl, evidence/*.json}`.
//!
//! Every file is written whole beside its place and renamed into it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::Fault;
use crate::store::StoreError;
use crate::store::shelf::{EVIDENCE, LEDGER, STATE, Texts};

/// The folder's name.
pub const NAME: &str = ".alembic-gate";

/// The longest file that is read; the most evidence of one migration; the most migrations.
const MOST_BYTES: u64 = 8 << 20;
const MOST_FILES: usize = 2_000;

/// How long another process may hold a record.
const MOST_WAIT: Duration = Duration::from_secs(5);

/// Holds a record's folder against other processes, as long as the value lives.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not looked at")] File);

/// The folders of migrations, and what is wrong.
pub fn migrations(folder: &Path) -> (Vec<String>, Vec<Fault>) {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(Fault { file: NAME.to_owned(), line: None, what });
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for (at, entry) in entries.enumerate() {
                if at >= MOST_FILES {
                    fault(format!("there are more than {MOST_FILES} entries"));
                    break;
                }
                let Ok(entry) = entry else { continue };
                if entry.path().is_dir() {
                    found.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => fault(format!("the folder could not be read: {error}")),
    }
    (found, faults)
}

/// The texts of a record.
pub fn texts(folder: &Path, id: &MigrationId) -> Texts {
    let mut texts = Texts::default();
    let shown = |name: &str| format!("{NAME}/{id}/{name}");
    let own = folder.join(id.as_str());
    let mut names = vec![LEDGER.to_owned(), STATE.to_owned()];
    if let Ok(entries) = std::fs::read_dir(own.join(EVIDENCE)) {
        let mut found: Vec<String> =
            entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned()).take(MOST_FILES + 1).collect();
        found.retain(|name| name.ends_with(".json"));
        found.sort();
        if found.len() > MOST_FILES {
            texts.faults.push(Fault { file: shown("evidence"), line: None, what: format!("there are more than {MOST_FILES} files") });
        }
        names.extend(found.into_iter().map(|name| format!("{EVIDENCE}{name}")));
    }
    for name in names {
        match read(&own.join(&name)) {
            Ok(Some(text)) => drop(texts.by_name.insert(name, text)),
            Ok(None) => {}
            Err(what) => texts.faults.push(Fault { file: shown(&name), line: None, what }),
        }
    }
    texts
}

/// Holds a record's folder, which is made where it is not there.
///
/// # Errors
/// It cannot be made; another process holds it.
pub fn hold(folder: &Path) -> Result<Lock, StoreError> {
    let unwritable = |source| StoreError::Unwritable { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder.join(EVIDENCE)).map_err(unwritable)?;
    // Only Unix lets a folder be opened as a file.
    let handle = if cfg!(unix) { File::open(folder) } else { File::create(folder.join(".lock")) }.map_err(unwritable)?;
    let begun = Instant::now();
    loop {
        match handle.try_lock() {
            Ok(()) => return Ok(Lock(handle)),
            Err(std::fs::TryLockError::WouldBlock) if begun.elapsed() < MOST_WAIT => std::thread::sleep(Duration::from_millis(5)),
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::Busy { path: folder.to_owned(), seconds: MOST_WAIT.as_secs() });
            }
            Err(std::fs::TryLockError::Error(source)) => return Err(unwritable(source)),
        }
    }
}

/// Writes beside the place, to the disk, and renames: a reader sees the file before or the file after.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), StoreError> {
    written(path, text).map_err(|source| StoreError::Unwritable { path: path.to_owned(), source })
}

fn written(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Puts a file aside, under a name that no other has.
///
/// # Errors
/// It cannot be renamed.
pub fn put_aside(path: &Path) -> Result<String, StoreError> {
    let free = (1..).map(|number| path.with_file_name(aside_name(number))).find(|place| !place.exists());
    let place = free.unwrap_or_else(|| path.with_file_name(aside_name(0)));
    std::fs::rename(path, &place).map_err(|source| StoreError::Unwritable { path: path.to_owned(), source })?;
    Ok(place.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// The name of a ledger that was put aside.
pub fn aside_name(number: u32) -> String {
    format!("ledger.aside-{number}.jsonl")
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

/// The nearest folder above that has records.
#[must_use]
pub fn nearest(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|above| above.join(NAME).is_dir()).map(Path::to_owned)
}

//! What lies outside every project: this machine's key, keys of a team, and what was tested last.
//!
//! `$XDG_STATE_HOME/alembic-gate/` (else `~/.local/state/alembic-gate/`): `key`, `keys/<name>`, `latest/<migration_id>.json`.
//! `allowed_signers` (ssh-keygen(1), "ALLOWED SIGNERS") names who may approve by a signed tag.
//! A key is 64 hexadecimal digits in a file that its owner alone can read.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::lifecycle::approval::Checked;
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::Latest;
use crate::lifecycle::seal::{Key, KeyRing};

/// The longest file that is read.
const MOST_BYTES: u64 = 4 << 20;

/// The folder.
#[derive(Debug, Clone)]
pub struct Home {
    folder: PathBuf,
}

/// A key or a note beside it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// There is no place for it.
    #[error("neither `XDG_STATE_HOME` nor `HOME` names a folder for the key")]
    NoPlace,
    /// It would lie in the project.
    #[error("`{}` lies in the project: whoever writes the project could write the key", .folder.display())]
    InProject {
        /// The folder.
        folder: PathBuf,
    },
    /// Others can read it.
    #[error("`{}` can be read by others than its owner", .path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("`{}` does not hold what it should: {what}", .path.display())]
    NotUnderstood {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The system refused.
    #[error("`{}` could not be used", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl HomeError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoPlace => "set `HOME`".to_owned(),
            Self::InProject { .. } => "set `XDG_STATE_HOME` to a folder outside the project".to_owned(),
            Self::TooOpen { path } => {
                format!("run `chmod 600 {}`; if somebody may have read it, delete it: a new one is made", path.display())
            }
            Self::NotUnderstood { path, .. } => format!("delete `{}`: a new one is made, and tests are repeated", path.display()),
            Self::Io { .. } => "check the folder's rights".to_owned(),
        }
    }

    fn io(path: &Path) -> impl Fn(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }
}

/// What of it counts for one migration.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    /// The keys.
    pub keys: KeyRing,
    /// What was tested last.
    pub latest: Latest,
    /// Approvals by signed tags.
    pub signed: Vec<Checked>,
    /// Why something does not count.
    pub notes: Vec<String>,
}

impl Home {
    /// The folder of this user; `project` must not hold it.
    ///
    /// # Errors
    /// There is no place for it, or only one in the project.
    pub fn found(project: &Path) -> Result<Self, HomeError> {
        Self::at(&Self::of_this_user()?.folder, project)
    }

    /// The folder of this user, for what concerns no project.
    ///
    /// # Errors
    /// There is no place for it.
    pub fn of_this_user() -> Result<Self, HomeError> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
            .or_else(|| absolute("LOCALAPPDATA"))
            .ok_or(HomeError::NoPlace)?;
        Ok(Self { folder: state.join("alembic-gate") })
    }

    /// The folder at a given place; `project` must not hold it.
    ///
    /// # Errors
    /// It lies in the project.
    pub fn at(folder: &Path, project: &Path) -> Result<Self, HomeError> {
        let real = |path: &Path| -> PathBuf {
            let existing = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
            existing.map_or_else(|| path.to_owned(), |(above, real)| real.join(path.strip_prefix(above).unwrap_or(path)))
        };
        if real(folder).starts_with(real(project)) {
            return Err(HomeError::InProject { folder: folder.to_owned() });
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Keys and notes for a migration. What cannot be used does not count, and is said.
    #[must_use]
    pub fn open(&self, id: &MigrationId) -> Opened {
        let mut opened = Opened::default();
        let mut note = |error: &HomeError| opened.notes.push(format!("{}; {}", with_cause(error), error.hint()));
        match self.own_key() {
            Ok(key) => opened.keys.own = Some(key),
            Err(error) => note(&error),
        }
        match self.team_keys() {
            Ok(keys) => opened.keys.team = keys,
            Err(error) => note(&error),
        }
        match self.latest(id) {
            Ok(latest) => opened.latest = latest,
            Err(error) => {
                // Who does not know what was tested last cannot say that a test is the last.
                note(&error);
                opened.keys = KeyRing::default();
            }
        }
        opened
    }

    /// This machine's key; made on first use.
    ///
    /// # Errors
    /// It cannot be read or made, others can read it, or it is no key.
    pub fn own_key(&self) -> Result<Key, HomeError> {
        let path = self.folder.join("key");
        if let Some(key) = read_key(&path)? {
            return Ok(key);
        }
        make_folder(&self.folder)?;
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| HomeError::Io { path: path.clone(), source: std::io::Error::other(error) })?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(HomeError::io(&path))?;
        writeln!(file, "{}", crate::digest::hex(&bytes)).and_then(|()| file.as_file().sync_all()).map_err(HomeError::io(&path))?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(Key::new(bytes)),
            // Another process was first: its key is the key.
            Err(_) => read_key(&path)?.ok_or_else(|| HomeError::NotUnderstood { path: path.clone(), what: "it is gone again".to_owned() }),
        }
    }

    fn team_keys(&self) -> Result<Vec<Key>, HomeError> {
        let folder = self.folder.join("keys");
        let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
        let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().filter_map(|path| read_key(path).transpose()).collect()
    }

    /// The file that names who may approve by a signed tag; `None` where there is none.
    ///
    /// # Errors
    /// Others than its owner can write it, or it is no file.
    pub fn allowed_signers(&self) -> Result<Option<PathBuf>, HomeError> {
        let path = self.folder.join("allowed_signers");
        if read(&path)?.is_none() {
            return Ok(None);
        }
        if is_open_to_others(&path).map_err(HomeError::io(&path))? {
            return Err(HomeError::TooOpen { path });
        }
        Ok(Some(path))
    }

    fn latest_path(&self, id: &MigrationId) -> PathBuf {
        self.folder.join("latest").join(format!("{id}.json"))
    }

    fn latest(&self, id: &MigrationId) -> Result<Latest, HomeError> {
        let path = self.latest_path(id);
        let Some(text) = read(&path)? else { return Ok(Latest::default()) };
        serde_json::from_str(&text).map_err(|error| HomeError::NotUnderstood { path, what: error.to_string() })
    }

    /// Writes down what was tested last.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn note_latest(&self, id: &MigrationId, latest: &Latest) -> Result<(), HomeError> {
        let path = self.latest_path(id);
        let folder = self.folder.join("latest");
        make_folder(&folder)?;
        let text = serde_json::to_string(latest).unwrap_or_default();
        let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(HomeError::io(&path))?;
        writeln!(file, "{text}").and_then(|()| file.as_file().sync_all()).map_err(HomeError::io(&path))?;
        file.persist(&path).map_err(|error| HomeError::Io { path: path.clone(), source: error.error })?;
        Ok(())
    }
}

/// A sentence with its cause.
pub(crate) fn with_cause(error: &HomeError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn make_folder(folder: &Path) -> Result<(), HomeError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(HomeError::io(folder))
}

/// A small regular file; `None` where there is none.
fn read(path: &Path) -> Result<Option<String>, HomeError> {
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(HomeError::io(path)(error)),
    };
    if !found.is_file() || found.len() > MOST_BYTES {
        return Err(HomeError::NotUnderstood { path: path.to_owned(), what: "it is no small file".to_owned() });
    }
    std::fs::read_to_string(path).map(Some).map_err(HomeError::io(path))
}

fn read_key(path: &Path) -> Result<Option<Key>, HomeError> {
    let Some(text) = read(path)? else { return Ok(None) };
    if is_open_to_others(path).map_err(HomeError::io(path))? {
        return Err(HomeError::TooOpen { path: path.to_owned() });
    }
    let wrong = || HomeError::NotUnderstood { path: path.to_owned(), what: "a key is 64 hexadecimal digits".to_owned() };
    let digits = text.trim();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return Err(wrong());
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        let pair = digits.get(at * 2..at * 2 + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(Some(Key::new(bytes)))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path)?;
    Ok(found.mode() & 0o077 != 0 || found.uid() != rustix::process::geteuid().as_raw())
}

/// Elsewhere the folder of a user's own data is closed by the system.
#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

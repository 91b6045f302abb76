//! SQLite: files in a private folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::engine::{Engine, Proof, StoredTemplate};
use super::error::ScratchError;
use super::folder::{self, RunFolder};
use super::owner::{Owner, TEMPLATE_PREFIX};
use super::settings::Settings;
use crate::address::Address;
use crate::dialect::{Dialect, Encoding, Server};

/// A folder with scratch databases; templates end in `.mark` files of their own.
#[derive(Debug)]
pub(super) struct SqliteEngine {
    run: RunFolder,
    files: PathBuf,
    server: Server,
}

impl SqliteEngine {
    pub(super) fn start(settings: &Settings) -> Result<Self, ScratchError> {
        folder::ensure_ours(&settings.run)?;
        folder::require_space(&settings.run, 0)?;
        let run = RunFolder::create(&settings.run, "sqlite")?;
        let files = run.private("s", None)?;
        // SQLite names files by their real path.
        let files = files.canonicalize().map_err(ScratchError::folder("look at", &files))?;
        let version = rusqlite::version().parse().unwrap_or(Dialect::Sqlite.newest());
        Ok(Self { run, files, server: Server { dialect: Dialect::Sqlite, version } })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.files.join(format!("{name}.db"))
    }

    fn mark_file(&self, name: &str) -> PathBuf {
        self.files.join(format!("{name}.mark"))
    }

    fn write_mark(&self, name: &str, text: &str) -> Result<(), ScratchError> {
        let path = self.mark_file(name);
        std::fs::write(&path, text).map_err(ScratchError::folder("write", &path))
    }

    /// Page by page, so that nothing of the file changes; what is in its log goes along.
    fn copy(&self, from: &str, to: &str) -> Result<(), ScratchError> {
        let failed = |error: rusqlite::Error| ScratchError::Program {
            program: "SQLite".to_owned(),
            attempted: "copy a database",
            message: error.to_string(),
        };
        let source = rusqlite::Connection::open(self.file(from)).map_err(failed)?;
        let mut target = rusqlite::Connection::open(self.file(to)).map_err(failed)?;
        let backup = rusqlite::backup::Backup::new(&source, &mut target).map_err(failed)?;
        backup.run_to_completion(4_096, Duration::ZERO, None).map_err(failed)
    }
}

impl Engine for SqliteEngine {
    fn server(&self) -> Server {
        self.server
    }

    fn identifier(&self) -> Option<&str> {
        None
    }

    fn is_alive(&self) -> bool {
        self.files.is_dir()
    }

    fn process_id(&self) -> Option<u32> {
        None
    }

    fn address(&self, database: &str) -> Address {
        Address::Sqlite { file: self.file(database) }
    }

    fn admin_address(&self, database: &str) -> Address {
        self.address(database)
    }

    fn create(&self, name: &str, template: Option<&str>, _: &Encoding) -> Result<Owner, ScratchError> {
        let owner = Owner::new(self.clock()?)?;
        self.write_mark(name, &owner.comment())?;
        let path = self.file(name);
        let made = match template {
            Some(template) => self.copy(template, name),
            None => std::fs::write(&path, "").map_err(ScratchError::folder("make", &path)),
        };
        if let Err(error) = made {
            let _ = self.drop_database(name);
            return Err(error);
        }
        Ok(owner)
    }

    fn drop_database(&self, name: &str) -> Result<(), ScratchError> {
        let file = self.file(name);
        let beside = ["-journal", "-wal", "-shm"].map(|ending| self.files.join(format!("{name}.db{ending}")));
        for path in beside.iter().chain([&file, &self.mark_file(name)]) {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(ScratchError::folder("remove", path)(error)),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn proof(&self, name: &str, _owner: &Owner) -> Proof {
        let file = self.file(name).display().to_string();
        Proof { sql: "SELECT file FROM pragma_database_list WHERE name = 'main'".to_owned(), expected: vec![file] }
    }

    fn keep(&self, name: &str, template: &str, mark: &str) -> Result<(), ScratchError> {
        self.copy(name, template)?;
        self.write_mark(template, mark)?;
        self.drop_database(name)
    }

    fn templates(&self) -> Result<Vec<StoredTemplate>, ScratchError> {
        let entries = std::fs::read_dir(&self.files).map_err(ScratchError::folder("read", &self.files))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let marked =
            names.filter_map(|name| name.strip_suffix(".mark").filter(|name| name.starts_with(TEMPLATE_PREFIX)).map(str::to_owned));
        Ok(marked.filter_map(|name| StoredTemplate::read(&name, &std::fs::read_to_string(self.mark_file(&name)).ok()?)).collect())
    }

    fn mark(&self, template: &str, mark: &str) -> Result<(), ScratchError> {
        self.write_mark(template, mark)
    }

    fn clock(&self) -> Result<u64, ScratchError> {
        Ok(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// The folder goes with its process: nothing is left in one that is in use.
    fn leftovers(&self) -> Result<Vec<String>, ScratchError> {
        Ok(Vec::new())
    }

    fn owner_of(&self, name: &str) -> Result<Option<String>, ScratchError> {
        Ok(self.file(name).exists().then(|| std::fs::read_to_string(self.mark_file(name)).unwrap_or_default()))
    }

    fn bytes_of(&self, name: &str) -> u64 {
        self.file(name).metadata().map_or(0, |found| found.len())
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.run.path)
    }

    fn stop(&self) {
        self.run.remove();
    }
}

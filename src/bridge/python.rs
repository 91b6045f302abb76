//! Which Python runs Alembic: the user's own, found where tools look for it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::BridgeError;
use super::process::told_by;

/// How long an interpreter may take to say what is installed.
const LIMIT: Duration = Duration::from_secs(30);

/// A Python that has Alembic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    /// The interpreter.
    pub program: PathBuf,
    /// Why this one.
    pub found_by: FoundBy,
    /// Versions of Python, Alembic and SQLAlchemy.
    pub versions: Versions,
    /// What was looked at before, and why it was not taken.
    pub looked_at: Vec<LookedAt>,
}

/// Versions as the packages say them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Versions {
    /// Python's.
    pub python: String,
    /// Alembic's; None where it is not installed.
    pub alembic: Option<String>,
    /// `SQLAlchemy`'s; None where it is not installed.
    pub sqlalchemy: Option<String>,
}

/// Where an interpreter was found, in the order that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// `[project] python` of `alembic-gate.toml`.
    Setting,
    /// The variable of an activated environment.
    VirtualEnv,
    /// uv's own variable, `UV_PROJECT_ENVIRONMENT`.
    Uv,
    /// A folder `.venv` or `venv` of the project, or above it up to the repository's root.
    Folder,
    /// What `poetry env info --path` says.
    Poetry,
    /// The search path.
    Path,
}

/// An interpreter, or a place for one, that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedAt {
    /// Where.
    pub found_by: FoundBy,
    /// The place.
    pub place: PathBuf,
    /// Why not.
    pub why_not: WhyNot,
}

/// Why an interpreter was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// There is none.
    Missing,
    /// It does not run.
    DoesNotRun,
    /// Alembic is not installed; its version of Python.
    NoAlembic(String),
}

impl fmt::Display for FoundBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Setting => "`[project] python`",
            Self::VirtualEnv => "`VIRTUAL_ENV`",
            Self::Uv => "`UV_PROJECT_ENVIRONMENT`",
            Self::Folder => "the project's folders",
            Self::Poetry => "`poetry env info`",
            Self::Path => "`PATH`",
        })
    }
}

impl fmt::Display for LookedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, by) = (self.place.display(), self.found_by);
        match &self.why_not {
            WhyNot::Missing => write!(f, "`{place}` (of {by}: not there)"),
            WhyNot::DoesNotRun => write!(f, "`{place}` (of {by}: it does not run)"),
            WhyNot::NoAlembic(version) => write!(f, "`{place}` (of {by}: Python {version} without alembic)"),
        }
    }
}

/// What of the environment decides; read by the caller.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// `VIRTUAL_ENV`.
    pub virtual_env: Option<PathBuf>,
    /// `UV_PROJECT_ENVIRONMENT`.
    pub uv_project_environment: Option<PathBuf>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let path = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        Self { virtual_env: named("VIRTUAL_ENV"), uv_project_environment: named("UV_PROJECT_ENVIRONMENT"), path }
    }
}

impl Python {
    /// The Python of the project in `folder`. A `setting` is taken or refused; else the first that has Alembic is taken.
    ///
    /// # Errors
    /// The setting's Python is missing, does not run or has no Alembic; or no Python that was found has it.
    pub fn found(setting: Option<&Path>, folder: &Path, surroundings: &Surroundings) -> Result<Self, BridgeError> {
        if let Some(setting) = setting {
            let program = interpreter_of(&folder.join(setting));
            return match tried(&program, FoundBy::Setting, folder) {
                Ok(versions) => Ok(Self { program, found_by: FoundBy::Setting, versions, looked_at: Vec::new() }),
                Err(looked_at) => Err(BridgeError::NoPython { looked_at: vec![looked_at] }),
            };
        }
        let mut looked_at = Vec::new();
        let steps: [&dyn Fn() -> Vec<(FoundBy, PathBuf)>; 3] =
            [&|| in_folders(folder, surroundings), &|| by_poetry(folder, surroundings).into_iter().collect(), &|| on_path(surroundings)];
        for candidates in steps {
            for (found_by, program) in candidates() {
                match tried(&program, found_by, folder) {
                    Ok(versions) => return Ok(Self { program, found_by, versions, looked_at }),
                    Err(refused) => looked_at.push(refused),
                }
            }
        }
        Err(BridgeError::NoPython { looked_at })
    }
}

/// What is told without importing anything of the project or of Alembic.
const ASK: &str = "import sys; sys.path[:] = [p for p in sys.path if p]
import json
from importlib import metadata
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
print(json.dumps({'python': '%d.%d.%d' % sys.version_info[:3], 'alembic': version('alembic'), 'sqlalchemy': version('sqlalchemy')}))";

fn tried(program: &Path, found_by: FoundBy, folder: &Path) -> Result<Versions, LookedAt> {
    let refused = |why_not| LookedAt { found_by, place: program.to_owned(), why_not };
    if !program.is_file() {
        return Err(refused(WhyNot::Missing));
    }
    let told = told_by(program, &["-B", "-c", ASK], folder, LIMIT).ok_or_else(|| refused(WhyNot::DoesNotRun))?;
    let versions: Versions = serde_json::from_str(&told).map_err(|_| refused(WhyNot::DoesNotRun))?;
    if versions.alembic.is_none() || versions.sqlalchemy.is_none() {
        return Err(refused(WhyNot::NoAlembic(versions.python)));
    }
    Ok(versions)
}

/// The interpreter of an environment, or the path itself where it is one.
fn interpreter_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("bin").join("python") } else { path.to_owned() }
}

fn in_folders(folder: &Path, surroundings: &Surroundings) -> Vec<(FoundBy, PathBuf)> {
    let mut found: Vec<(FoundBy, PathBuf)> = Vec::new();
    found.extend(surroundings.virtual_env.iter().map(|environment| (FoundBy::VirtualEnv, interpreter_of(environment))));
    found.extend(surroundings.uv_project_environment.iter().map(|environment| (FoundBy::Uv, interpreter_of(&folder.join(environment)))));
    for above in folder.ancestors() {
        let environments = [".venv", "venv"].map(|name| above.join(name)).into_iter().filter(|environment| environment.is_dir());
        found.extend(environments.map(|environment| (FoundBy::Folder, interpreter_of(&environment))));
        if above.join(".git").exists() {
            break;
        }
    }
    found
}

fn by_poetry(folder: &Path, surroundings: &Surroundings) -> Option<(FoundBy, PathBuf)> {
    let asks_for_it = folder.ancestors().any(|above| {
        above.join("poetry.lock").is_file()
            || std::fs::read_to_string(above.join("pyproject.toml")).is_ok_and(|text| text.contains("[tool.poetry"))
    });
    if !asks_for_it {
        return None;
    }
    let poetry = programs_on_path(surroundings, &["poetry"]).into_iter().next()?;
    let environment = told_by(&poetry, &["env", "info", "--path", "--no-ansi"], folder, LIMIT)?;
    Some((FoundBy::Poetry, interpreter_of(Path::new(environment.trim()))))
}

fn on_path(surroundings: &Surroundings) -> Vec<(FoundBy, PathBuf)> {
    programs_on_path(surroundings, &["python3", "python"]).into_iter().map(|program| (FoundBy::Path, program)).collect()
}

/// Each program once, though several names and links lead to it.
fn programs_on_path(surroundings: &Surroundings, names: &[&str]) -> Vec<PathBuf> {
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for folder in &surroundings.path {
        for program in names.iter().map(|name| folder.join(name)).filter(|program| program.is_file()) {
            let real = program.canonicalize().unwrap_or_else(|_| program.clone());
            if seen.insert(real, ()).is_none() {
                found.push(program);
            }
        }
    }
    found
}

//! The bridge to a project's own Python, with real Alembic: every question, and every way an env.py can misbehave.
//!
//! The environments come from `tests/run` (`ALEMBIC_GATE_PYTHONS`: the folder of `python-new`, `python-middle` and
//! `python-old`); one that is not there is said on stderr.

use std::path::{Path, PathBuf};

use alembic_gate::address::Address;
use alembic_gate::bridge::{Bridge, BridgeSettings, Direction, FoundBy, Python, ScratchTarget, Surroundings};
use alembic_gate::dialect::Dialect;
use tempfile::TempDir;

/// The folder of an environment of the tests, or a word on stderr that it is missing.
pub fn environment(name: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("ALEMBIC_GATE_PYTHONS").map_or_else(|| PathBuf::from("/var/tmp/alembic-gate-tools"), PathBuf::from);
    let folders = [tools.join(name), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.tools").join(name)];
    let found = folders.into_iter().find(|folder| folder.join("bin/python").exists());
    if found.is_none() {
        eprintln!("SKIPPED: the Python environment `{name}` is missing; `tests/run` makes it");
    }
    found
}

pub fn python(name: &str) -> Option<Python> {
    let setting = environment(name)?;
    Some(Python::found(Some(&setting), Path::new("/"), &Surroundings::default()).unwrap())
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A copy of the base project, with the files of `overlay` over it.
pub fn project(overlay: Option<&str>) -> TempDir {
    let projects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects");
    let folder = TempDir::new().unwrap();
    copy(&projects.join("env_base"), folder.path());
    if let Some(overlay) = overlay {
        copy(&projects.join(overlay), folder.path());
    }
    folder
}

/// A SQLite project that says a production file, and its scratch file beside.
pub struct SqliteProject {
    pub folder: TempDir,
    pub scratch: TempDir,
}

impl SqliteProject {
    pub fn new(overlay: Option<&str>) -> Self {
        let project = Self { folder: project(overlay), scratch: TempDir::new().unwrap() };
        let ini = project.folder.path().join("alembic.ini");
        let text = std::fs::read_to_string(&ini).unwrap();
        let production = format!("sqlite:///{}", project.production().display());
        std::fs::write(&ini, text.replace("postgresql+psycopg://app:secret@production.invalid:5432/shop", &production)).unwrap();
        project
    }

    pub fn production(&self) -> PathBuf {
        self.folder.path().join("production.db")
    }

    pub fn scratch_file(&self) -> PathBuf {
        self.scratch.path().join("scratch.db")
    }

    pub fn settings(&self) -> BridgeSettings {
        let target = ScratchTarget { address: Address::Sqlite { file: self.scratch_file() }, token: None };
        BridgeSettings::plain(self.folder.path(), Dialect::Sqlite, vec![target])
    }
}

#[test]
fn a_project_is_rendered_and_its_database_is_never_opened() {
    let Some(python) = python("python-new") else { return };
    assert_eq!(python.found_by, FoundBy::Setting);
    let project = SqliteProject::new(None);
    let (mut bridge, hello) = Bridge::start(python, project.settings()).unwrap();
    assert_eq!((hello.alembic.as_str(), hello.sqlalchemy.as_str()), ("1.20.1", "2.1.9"));
    assert!(hello.fences.active.iter().any(|fence| fence == "redirect"), "{:?}", hello.fences);

    let up = bridge.render(Direction::Up, "a1", "b2").unwrap();
    let sql = up.sql.unwrap();
    assert!(sql.contains("'o''hara@example.org'") && !sql.contains("CREATE TABLE"), "{sql}");
    let insert = up.pieces.iter().find(|piece| piece.sql.starts_with("INSERT INTO shop_user")).unwrap();
    assert_eq!((insert.revision.as_deref(), insert.line), (Some("b2"), Some(14)));
    assert!(insert.file.as_ref().unwrap().ends_with("b2_seed_user.py"));

    let down = bridge.render(Direction::Down, "b2", "c3").unwrap();
    assert!(down.sql.unwrap().contains("DROP COLUMN note"));

    let current = bridge.current().unwrap();
    assert_eq!(current.databases, vec![Vec::<String>::new()]);
    assert!(!project.production().exists() && project.scratch_file().exists());
}

#[test]
fn what_cannot_run_offline_is_said_in_one_sentence() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::new(None);
    let (mut bridge, _) = Bridge::start(python, project.settings()).unwrap();
    let reads = bridge.render(Direction::Up, "b2", "c3").unwrap().failure.unwrap();
    assert_eq!(
        reads.sentence,
        "`c3_add_note.py` line 13 cannot run without a database: it reads rows back (AttributeError: 'NoneType' object has no attribute 'scalar')"
    );
    let parameters = bridge.render(Direction::Down, "a1", "b2").unwrap().failure.unwrap();
    assert!(
        parameters.sentence.starts_with("`b2_seed_user.py` line 18 cannot run without a database: it hands parameters"),
        "{}",
        parameters.sentence
    );
}

//! The bridge to a project's own Python, with real Alembic: every question, and every way an env.py can misbehave.
//!
//! The environments come from `tests/run` (`ALEMBIC_GATE_PYTHONS`: the folder of `python-new`, `python-middle` and
//! `python-old`); one that is not there is said on stderr.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use alembic_gate::address::Address;
use alembic_gate::bridge::{
    Bridge, BridgeError, BridgeSettings, Captured, Direction, FoundBy, NewRevision, Python, RevisionMode, Runner, ScratchTarget,
    StatementSource, Surroundings, WhyNot,
};
use alembic_gate::database::Connection;
use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use alembic_gate::workshop::target;
use tempfile::TempDir;

use crate::scratch::{majors, mariadb, settings};

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

/// The newest PostgreSQL that is here, or a word that there is none.
pub fn postgresql() -> Option<ScratchServer> {
    let server = Server { dialect: Dialect::Postgresql, version: ServerVersion::new(*majors().last()?, 0) };
    Some(ScratchServer::start(server, &settings()).unwrap())
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

    /// The base project with another env.py, of `tests/projects/env_behaviours/`.
    pub fn behaving(behaviour: &str) -> Self {
        let project = Self::new(None);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/projects/env_behaviours/{behaviour}.py"));
        std::fs::copy(file, project.env_file()).unwrap();
        project
    }

    pub fn env_file(&self) -> PathBuf {
        self.folder.path().join("migrations/env.py")
    }

    pub fn versions(&self) -> PathBuf {
        self.folder.path().join("migrations/versions")
    }

    /// All files of the project, sorted: what is there after a test that was not before is left behind.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = glob::glob(&format!("{}/**/*", self.folder.path().display())).unwrap().flatten().collect();
        files.sort();
        files
    }

    pub fn start(&self, python: &Python) -> Bridge {
        Bridge::start(python.clone(), self.settings()).unwrap().0
    }

    pub fn production(&self) -> PathBuf {
        self.folder.path().join("production.db")
    }

    pub fn scratch_file(&self) -> PathBuf {
        self.scratch.path().join("scratch.db")
    }

    pub fn settings(&self) -> BridgeSettings {
        let target = ScratchTarget { address: Address::Sqlite { file: self.scratch_file() }, proof: None, is_prepared: false };
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

/// The statements of the revisions themselves, each with revision, line and text.
fn of_revisions(statements: &[Captured]) -> Vec<(String, u32, String)> {
    let own = statements.iter().filter(|statement| statement.source == StatementSource::Revision);
    own.map(|one| (one.revision.clone().unwrap(), one.line.unwrap(), one.sql.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
}

fn failed(error: BridgeError) -> String {
    match error {
        BridgeError::Failed { failure, .. } => failure.sentence,
        other => panic!("{other}"),
    }
}

fn is_running(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn ends_soon(process: u32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if !is_running(process) {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    false
}

// Every version, every driver

#[test]
fn every_version_tells_the_same() {
    for name in ["python-new", "python-middle", "python-old"] {
        let Some(python) = python(name) else { continue };
        let project = SqliteProject::new(None);
        let before = project.files();
        let mut bridge = project.start(&python);
        assert!(bridge.render(Direction::Up, "a1", "b2").unwrap().sql.unwrap().contains("'o''hara@example.org'"), "{name}");
        let lost = bridge.render(Direction::Down, "a1", "b2").unwrap().failure.unwrap();
        assert_eq!((lost.kind.as_str(), lost.line), ("LostParameters", Some(18)), "{name}");
        let up = bridge.execute(Direction::Up, "base", "c3").unwrap();
        assert_eq!(up.failure, None, "{name}");
        let sent = of_revisions(&up.statements);
        assert_eq!(sent.len(), 5, "{name}: {sent:#?}");
        assert_eq!(
            sent[1],
            ("b2".to_owned(), 14, "INSERT INTO shop_user (id, email) VALUES (1, 'o''hara@example.org')".to_owned()),
            "{name}"
        );
        assert_eq!(sent[4].2, "UPDATE shop_user SET note = 'one of 2'", "{name}");
        let down = bridge.execute(Direction::Down, "a1", "c3").unwrap();
        assert_eq!(of_revisions(&down.statements)[1].2, "DELETE FROM shop_user WHERE id IN (1, 2)", "{name}");
        assert_eq!(down.done.iter().map(|done| done.revision.as_str()).collect::<Vec<_>>(), ["c3", "b2"], "{name}");
        assert_eq!(bridge.current().unwrap().databases, [["a1"]], "{name}");
        bridge.bring_to(Direction::Up, "a1", "c3").unwrap();
        let compared = bridge.compare().unwrap();
        assert_eq!(
            compared.items.iter().map(|item| (item.kind.as_str(), item.table.as_deref())).collect::<Vec<_>>(),
            [("add_table", Some("shop_order"))],
            "{name}"
        );
        assert!(compared.code.contains("op.create_table('shop_order'"), "{name}: {}", compared.code);
        assert_eq!(bridge.heads().unwrap(), ["c3"], "{name}");
        assert_eq!(bridge.history().unwrap().revisions.len(), 3, "{name}");
        drop(bridge);
        assert_eq!(project.files(), before, "{name} left files behind");
    }
}

#[test]
fn every_driver_of_postgresql_is_redirected_and_captured() {
    let Some(server) = postgresql() else { return };
    for name in ["python-new", "python-middle", "python-old"] {
        let Some(python) = python(name) else { continue };
        for driver in ["psycopg2", "psycopg", "asyncpg"] {
            if name == "python-old" && driver == "psycopg" {
                continue; // SQLAlchemy 1.4 does not know it
            }
            let project = project(None);
            let env = if driver == "asyncpg" {
                "from sqlalchemy.ext.asyncio import create_async_engine as make\nfrom shop_env import run_on_async_engine as run\n"
            } else {
                "from sqlalchemy import create_engine as make\nfrom shop_env import run_on_engine as run\n"
            };
            let env = format!("{env}run(make('postgresql+{driver}://app:secret@production.invalid/shop'))\n");
            std::fs::write(project.path().join("migrations/env.py"), env).unwrap();
            let scratch = ScratchDatabase::create(&server).unwrap();
            let settings = BridgeSettings::plain(project.path(), Dialect::Postgresql, vec![target(&scratch)]);
            let (mut bridge, _) = Bridge::start(python.clone(), settings).unwrap();
            let up = bridge.execute(Direction::Up, "base", "c3").unwrap();
            let sent = of_revisions(&up.statements);
            assert_eq!(up.failure, None, "{name} {driver}");
            assert!(sent[1].2.contains("o''hara@example.org"), "{name} {driver}: {sent:#?}");
            let transactions: Vec<_> =
                up.statements.iter().filter(|one| one.source == StatementSource::Revision).map(|one| one.transaction).collect();
            assert!(transactions.iter().all(Option::is_some) && transactions[0] != transactions[1], "{name} {driver}: {transactions:?}");
            let down = bridge.execute(Direction::Down, "b2", "c3").unwrap();
            assert_eq!((down.failure, down.done.len()), (None, 1), "{name} {driver}");
            let rows = bridge.query(0, "SELECT email FROM shop_user ORDER BY id").unwrap();
            assert_eq!(rows.rows[0][0], "o'hara@example.org", "{name} {driver}");
            let error = bridge.query(0, "SELECT no_such_column FROM shop_user").unwrap_err();
            let BridgeError::Failed { failure, .. } = error else { panic!("{error}") };
            assert_eq!(failure.sqlstate.as_deref(), Some("42703"), "{name} {driver}");
        }
    }
}

#[test]
fn mariadb_is_redirected_and_captured() {
    let Some(server) = mariadb() else { return };
    for name in ["python-new", "python-old"] {
        let Some(python) = python(name) else { continue };
        let project = project(None);
        let ini = project.path().join("alembic.ini");
        let text = std::fs::read_to_string(&ini).unwrap();
        std::fs::write(&ini, text.replace("postgresql+psycopg://", "mysql+pymysql://").replace(":5432", "")).unwrap();
        let scratch = ScratchDatabase::create(&server).unwrap();
        let settings = BridgeSettings::plain(project.path(), Dialect::Mariadb, vec![target(&scratch)]);
        let (mut bridge, _) = Bridge::start(python, settings).unwrap();
        let rendered = bridge.render(Direction::Up, "a1", "b2").unwrap();
        assert_eq!(rendered.failure, None, "{name}");
        assert!(rendered.sql.unwrap().contains("o''hara"), "{name}");
        let up = bridge.execute(Direction::Up, "base", "c3").unwrap();
        assert_eq!(up.failure, None, "{name}");
        assert!(of_revisions(&up.statements)[1].2.contains("o''hara@example.org"), "{name}");
        assert_eq!(bridge.compare().unwrap().items.len(), 1, "{name}");
        let error = bridge.query(0, "SELECT no_such_column FROM shop_user").unwrap_err();
        let BridgeError::Failed { failure, .. } = error else { panic!("{error}") };
        assert_eq!(failure.sqlstate.as_deref(), Some("1054"), "{name}");
    }
}

// Steps

#[test]
fn a_walk_commits_each_step_also_inside_a_transaction_of_env_py() {
    let (Some(python), Some(server)) = (python("python-new"), postgresql()) else { return };
    for behaviour in ["own_transaction", "own_transaction_async"] {
        let project = SqliteProject::behaving(behaviour);
        let scratch = ScratchDatabase::create(&server).unwrap();
        let settings = BridgeSettings::plain(project.folder.path(), Dialect::Postgresql, vec![target(&scratch)]);
        let (mut bridge, _) = Bridge::start(python.clone(), settings).unwrap();
        let mut other: Connection = scratch.connect_admin().unwrap();
        other.execute("SET lock_timeout = '5s'").unwrap();
        let mut walk = bridge.walk().unwrap();
        assert!(walk.heads.is_empty());
        for (direction, revision, there) in
            [(Direction::Up, "a1", true), (Direction::Down, "a1", false), (Direction::Up, "a1", true), (Direction::Up, "b2", true)]
        {
            let executed = walk.step(direction, revision).unwrap();
            assert_eq!((executed.failure, executed.done.len()), (None, 1));
            let seen = other.value("SELECT to_regclass('shop_user') IS NOT NULL").unwrap();
            assert_eq!(seen.as_deref().is_some_and(|seen| seen.starts_with('t')), there, "{behaviour}: {direction:?} {revision}");
            other.execute("DELETE FROM alembic_version WHERE false").unwrap();
            other.execute("ALTER TABLE alembic_version SET (fillfactor = 90)").unwrap();
        }
        assert_eq!(walk.query("SELECT count(*) FROM shop_user").unwrap().rows, [[2]]);
        walk.end().unwrap();
        assert_eq!(bridge.current().unwrap().databases, [["b2"]], "{behaviour}");
    }
}

#[test]
fn a_step_that_fails_says_what_and_where_and_the_next_goes_on() {
    let (Some(python), Some(server)) = (python("python-new"), postgresql()) else { return };
    let project = SqliteProject::behaving("own_transaction");
    let file = project.versions().join("c3_add_note.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("op.drop_column(\"shop_user\", \"note\")", "op.drop_column(\"shop_user\", \"no_such\")")).unwrap();
    let scratch = ScratchDatabase::create(&server).unwrap();
    let settings = BridgeSettings::plain(project.folder.path(), Dialect::Postgresql, vec![target(&scratch)]);
    let (mut bridge, _) = Bridge::start(python, settings).unwrap();
    bridge.bring_to(Direction::Up, "base", "c3").unwrap();
    let mut walk = bridge.walk().unwrap();
    let failure = walk.step(Direction::Down, "c3").unwrap().failure.unwrap();
    assert_eq!((failure.kind.as_str(), failure.sqlstate.as_deref(), failure.line), ("UndefinedColumn", Some("42703"), Some(19)));
    assert_eq!((failure.revision.as_deref(), failure.direction), (Some("c3"), Some(Direction::Down)));
    assert_eq!(failure.statement.as_deref(), Some("ALTER TABLE shop_user DROP COLUMN no_such"));
    assert_eq!(
        failure.sentence,
        "`c3_add_note.py` line 19 failed: UndefinedColumn: column \"no_such\" of relation \"shop_user\" does not exist"
    );
    assert_eq!(walk.query("SELECT version_num FROM alembic_version").unwrap().rows, [["c3"]]);
    std::fs::write(&file, text).unwrap();
    assert_eq!(walk.step(Direction::Down, "c3").unwrap().failure, None);
    walk.end().unwrap();
    assert_eq!(bridge.current().unwrap().databases, [["b2"]]);
}

#[test]
fn a_walk_that_is_left_ends_its_process_and_the_next_question_starts_another() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::new(None);
    let mut bridge = project.start(&python);
    let process = bridge.process_id().unwrap();
    drop(bridge.walk().unwrap());
    assert!(ends_soon(process));
    assert_eq!(bridge.current().unwrap().databases, [Vec::<String>::new()]);
}

#[test]
fn a_range_that_does_not_begin_where_the_database_stands_is_refused() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::new(None);
    let mut bridge = project.start(&python);
    let sentence = failed(bridge.execute(Direction::Up, "b2", "c3").unwrap_err());
    assert_eq!(sentence, "the scratch database is at base, the range begins at b2");
    assert!(failed(bridge.render(Direction::Up, "nowhere", "c3").unwrap_err()).contains("nowhere"));
    assert!(failed(bridge.walk().unwrap().step(Direction::Up, "nowhere").unwrap_err()).contains("nowhere"));
}

#[test]
fn an_error_that_env_py_swallows_is_told() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::behaving("swallows");
    let file = project.versions().join("b2_seed_user.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("def upgrade():", "def upgrade():\n    op.execute('SELECT missing FROM nowhere')")).unwrap();
    let executed = project.start(&python).execute(Direction::Up, "base", "c3").unwrap();
    let failure = executed.failure.unwrap();
    assert_eq!(
        failure.sentence,
        "`env.py` went on after an error: `b2_seed_user.py` line 13 failed: OperationalError: no such table: nowhere"
    );
    assert_eq!(failure.statement.as_deref(), Some("SELECT missing FROM nowhere"));
}

#[test]
fn a_statement_in_an_autocommit_block_is_in_no_transaction() {
    let (Some(python), Some(server)) = (python("python-new"), postgresql()) else { return };
    let project = SqliteProject::behaving("own_transaction");
    std::fs::write(
        project.env_file(),
        "from sqlalchemy import create_engine\nfrom shop_env import run_on_engine\nrun_on_engine(create_engine('postgresql+psycopg://'))\n",
    )
    .unwrap();
    let file = project.versions().join("c3_add_note.py");
    let text = std::fs::read_to_string(&file).unwrap();
    let block = "    with op.get_context().autocommit_block():\n        op.create_index('i', 'shop_user', ['email'], postgresql_concurrently=True)\n\n\ndef downgrade";
    std::fs::write(&file, text.replace("\n\ndef downgrade", block)).unwrap();
    let scratch = ScratchDatabase::create(&server).unwrap();
    let settings = BridgeSettings::plain(project.folder.path(), Dialect::Postgresql, vec![target(&scratch)]);
    let (mut bridge, _) = Bridge::start(python, settings).unwrap();
    let executed = bridge.execute(Direction::Up, "base", "c3").unwrap();
    assert_eq!(executed.failure, None);
    let index = executed.statements.iter().find(|one| one.sql.contains("CONCURRENTLY")).unwrap();
    assert_eq!((index.transaction, index.line), (None, Some(17)));
    assert!(
        executed
            .statements
            .iter()
            .filter(|one| one.source == StatementSource::Revision && !one.sql.contains("CONCURRENTLY"))
            .all(|one| one.transaction.is_some())
    );
}

// Several databases

#[test]
fn each_database_of_env_py_gets_one_of_its_own() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::new(Some("env_multidb"));
    let before = project.files();
    let mut settings = project.settings();
    let error = Bridge::start(python.clone(), settings.clone()).unwrap().0.current().unwrap_err();
    let BridgeError::Failed { failure, .. } = error else { panic!("{error}") };
    assert_eq!(failure.databases_wanted, 2);
    assert!(
        failure.sentence.contains("opens a database number 2") && failure.sentence.contains("1 scratch database was given"),
        "{}",
        failure.sentence
    );

    let second = project.scratch.path().join("second.db");
    settings.scratch.push(ScratchTarget { address: Address::Sqlite { file: second }, proof: None, is_prepared: false });
    let (mut bridge, _) = Bridge::start(python, settings).unwrap();
    assert_eq!(bridge.current().unwrap().databases, [Vec::<String>::new(), Vec::new()]);
    let mut walk = bridge.walk().unwrap();
    for revision in ["m1", "m2"] {
        assert_eq!(walk.step(Direction::Up, revision).unwrap().failure, None);
    }
    walk.end().unwrap();
    assert_eq!(bridge.current().unwrap().databases, [["m2"], ["m2"]]);
    assert_eq!(bridge.query(0, "SELECT name FROM pragma_table_info('of_shop')").unwrap().rows, [["id"], ["note"]]);
    assert_eq!(bridge.query(1, "SELECT name FROM pragma_table_info('of_audit')").unwrap().rows, [["id"]]);
    let text = bridge.render(Direction::Up, "base", "m1").unwrap().sql.unwrap();
    assert!(text.contains("of_shop") && text.contains("of_audit"), "{text}");
    drop(bridge);
    assert_eq!(project.files(), before);
}

// New revisions

fn new_revision(mode: RevisionMode) -> NewRevision {
    NewRevision { message: "create order".to_owned(), mode, rev_id: Some("d4".to_owned()), head: None, splice: false }
}

#[test]
fn one_revision_file_is_written_or_none() {
    for name in ["python-new", "python-old"] {
        let Some(python) = python(name) else { continue };
        let project = SqliteProject::new(None);
        let mut bridge = project.start(&python);
        let before = project.files();
        assert_eq!(failed(bridge.revision(&new_revision(RevisionMode::Autogenerate)).unwrap_err()), "Target database is not up to date.");
        assert_eq!(project.files(), before);
        bridge.bring_to(Direction::Up, "base", "c3").unwrap();
        let written = bridge.revision(&new_revision(RevisionMode::Autogenerate)).unwrap();
        let file = written.file.unwrap();
        assert_eq!((written.revision.as_deref(), written.down_revisions), (Some("d4"), vec!["c3".to_owned()]));
        assert_eq!(written.items.len(), 1);
        assert!(std::fs::read_to_string(&file).unwrap().contains("op.create_table('shop_order'"));
        let executed = bridge.execute(Direction::Up, "c3", "d4").unwrap();
        assert_eq!(executed.failure, None);
        assert!(bridge.compare().unwrap().items.is_empty());
        let again = failed(bridge.revision(&new_revision(RevisionMode::Empty)).unwrap_err());
        assert!(again.contains("is there already") || again.contains("d4"), "{again}");
        let branch = NewRevision { head: Some("b2".to_owned()), rev_id: Some("e5".to_owned()), ..new_revision(RevisionMode::Empty) };
        assert!(failed(bridge.revision(&branch).unwrap_err()).contains("--splice"));
        let branch = bridge.revision(&NewRevision { splice: true, ..branch }).unwrap();
        assert_eq!(branch.down_revisions, ["b2"]);
        assert_eq!(project.files().len(), before.len() + 2);
    }
}

#[test]
fn a_revision_that_cannot_be_finished_leaves_no_file() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::new(None);
    let template = project.folder.path().join("migrations/script.py.mako");
    let text = std::fs::read_to_string(&template).unwrap();
    let before = project.files();
    std::fs::write(&template, text.replace("def upgrade():", "def upgrade(:")).unwrap();
    let mut bridge = project.start(&python);
    assert!(failed(bridge.revision(&new_revision(RevisionMode::Empty)).unwrap_err()).contains("SyntaxError"));
    assert_eq!(project.files(), before);
    std::fs::write(&template, text.replace("def upgrade():", "import threading\nthreading.Event().wait()\ndef upgrade():")).unwrap();
    bridge.limit_time(Duration::from_secs(3));
    assert!(matches!(
        bridge.revision(&new_revision(RevisionMode::Empty)),
        Err(BridgeError::Silent { question: "revision", seconds: 3, .. })
    ));
    assert_eq!(project.files(), before);
}

#[test]
fn a_revision_that_env_py_drops_is_no_error() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::behaving("drops_empty_revisions");
    let models = project.folder.path().join("shop_models.py");
    let text = std::fs::read_to_string(&models).unwrap();
    std::fs::write(&models, text.split("shop_order = ").next().unwrap()).unwrap();
    let mut bridge = project.start(&python);
    bridge.bring_to(Direction::Up, "base", "c3").unwrap();
    assert_eq!(bridge.revision(&new_revision(RevisionMode::Autogenerate)).unwrap().file, None);
    assert_eq!(project.versions().read_dir().unwrap().count(), 3);
}

// What changes under way

#[test]
fn a_changed_model_or_env_py_starts_a_new_process_a_changed_revision_does_not() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::new(None);
    let mut bridge = project.start(&python);
    bridge.bring_to(Direction::Up, "base", "c3").unwrap();
    let process = bridge.process_id();
    let file = project.versions().join("c3_add_note.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("op.drop_column", "op.execute('SELECT 1')\n    op.drop_column")).unwrap();
    assert_eq!(of_revisions(&bridge.execute(Direction::Down, "b2", "c3").unwrap().statements).len(), 2);
    std::fs::copy(&file, project.versions().join("d4_new.py")).unwrap();
    let new = std::fs::read_to_string(&file).unwrap().replace("\"c3\"", "\"d4\"").replace("\"b2\"", "\"c3\"");
    std::fs::write(project.versions().join("d4_new.py"), new).unwrap();
    assert_eq!(bridge.heads().unwrap(), ["d4"]);
    std::fs::remove_file(project.versions().join("d4_new.py")).unwrap();
    assert_eq!(bridge.heads().unwrap(), ["c3"]);
    assert_eq!(bridge.process_id(), process);

    bridge.bring_to(Direction::Up, "b2", "c3").unwrap();
    let models = project.folder.path().join("shop_models.py");
    let text = std::fs::read_to_string(&models).unwrap();
    std::fs::write(&models, text.replace("sa.Text", "sa.String(7)")).unwrap();
    let kinds: Vec<String> = bridge.compare().unwrap().items.into_iter().map(|item| item.kind).collect();
    assert_eq!(kinds, ["add_table", "modify_type"]);
    assert_ne!(bridge.process_id(), process);
    let process = bridge.process_id();
    std::fs::write(project.env_file(), "raise RuntimeError('changed')").unwrap();
    assert!(failed(bridge.current().unwrap_err()).contains("RuntimeError: changed"));
    assert_ne!(bridge.process_id(), process);
}

#[test]
fn another_scratch_database_needs_no_new_process() {
    let (Some(python), Some(server)) = (python("python-new"), postgresql()) else { return };
    // An engine with a pool that outlives env.py, as applications keep them.
    let project = SqliteProject::behaving("own_transaction");
    std::fs::write(
        project.folder.path().join("shop_engine.py"),
        "from sqlalchemy import create_engine\nengine = create_engine('postgresql+psycopg://app@production.invalid/shop')\n",
    )
    .unwrap();
    std::fs::write(project.env_file(), "from shop_engine import engine\nfrom shop_env import run_on_engine\nrun_on_engine(engine)\n")
        .unwrap();
    let scratch = ScratchDatabase::create(&server).unwrap();
    let settings = BridgeSettings::plain(project.folder.path(), Dialect::Postgresql, vec![target(&scratch)]);
    let (mut bridge, _) = Bridge::start(python, settings).unwrap();
    bridge.bring_to(Direction::Up, "base", "a1").unwrap();
    let process = bridge.process_id();
    let other = ScratchDatabase::create(&server).unwrap();
    bridge.point_at(vec![target(&other)]).unwrap();
    assert_eq!(bridge.current().unwrap().databases, [Vec::<String>::new()]);
    assert_eq!(bridge.query(0, "SELECT current_database()").unwrap().rows, [[other.name()]]);
    assert_eq!(bridge.process_id(), process);
}

// env.py as it comes

#[test]
fn env_py_may_print_log_thread_and_need_a_loop() {
    for name in ["python-new", "python-old"] {
        let Some(python) = python(name) else { continue };
        for (behaviour, runner) in [
            ("prints", Runner::Plain),
            ("leaves_threads", Runner::Plain),
            ("logs_with_a_missing_class", Runner::Plain),
            ("reads_the_environment", Runner::Plain),
            ("async_sqlite", Runner::Plain),
            ("needs_event_loop", Runner::Thread),
        ] {
            let project = SqliteProject::behaving(behaviour);
            std::fs::write(project.folder.path().join("migrations/logging.ini"), "[loggers]\nkeys=root\n[handlers]\nkeys=a\n[formatters]\nkeys=f\n[logger_root]\nhandlers=a\n[handler_a]\nclass=StreamHandler\nformatter=f\n[formatter_f]\nclass=nowhere.Formatter\n").unwrap();
            let before = project.files();
            let mut settings = project.settings();
            settings.runner = runner;
            settings.env = [("DATABASE_URL".to_owned(), "{scratch_url}".to_owned())].into();
            let (mut bridge, _) = Bridge::start(python.clone(), settings).unwrap();
            let process = bridge.process_id().unwrap();
            assert_eq!(bridge.current().unwrap().databases, [Vec::<String>::new()], "{name} {behaviour}");
            let executed = bridge.execute(Direction::Up, "base", "c3").unwrap();
            assert_eq!((executed.failure, executed.done.len()), (None, 3), "{name} {behaviour}");
            if behaviour.starts_with("logs") {
                assert_eq!(
                    executed.about.notes,
                    ["`env.py` line 9: logging could not be set up: ModuleNotFoundError: No module named 'nowhere'"]
                );
            }
            drop(bridge);
            assert!(!is_running(process), "{name} {behaviour} left a process");
            assert_eq!(project.files(), before, "{name} {behaviour} left files");
        }
    }
}

#[test]
fn what_env_py_does_wrong_is_said_with_file_and_line() {
    let Some(python) = python("python-new") else { return };
    for (behaviour, sentence) in [
        ("exits", "`env.py` line 3: it ended the program: production is asleep"),
        ("raises", "`env.py` line 1 failed: RuntimeError: no settings for this host"),
        ("spawns", "`env.py` line 3: refused: starting a program: `git`; only the scratch database may be reached"),
        ("never_runs", "`env.py` ended without calling `context.run_migrations()`"),
        ("asks_for_a_password", "`env.py` line 3 failed: EOFError: EOFError"),
        ("reads_the_environment", "`env.py` line 7 failed: KeyError: 'DATABASE_URL'"),
    ] {
        let project = SqliteProject::behaving(behaviour);
        let mut bridge = project.start(&python);
        let error = bridge.current().unwrap_err();
        assert!(!error.hint().is_empty());
        assert_eq!(failed(error), sentence, "{behaviour}");
        assert!(!project.production().exists());
        assert_eq!(bridge.heads().unwrap(), ["c3"], "{behaviour}: the process goes on");
    }
    let project = SqliteProject::new(None);
    std::fs::write(project.env_file(), "raise RuntimeError('cannot reach postgresql://app:hunter2@db/shop')").unwrap();
    let error = project.start(&python).execute(Direction::Up, "base", "c3").unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2") && error.to_string().contains("cannot reach"), "{error:?}");
    let project = SqliteProject::behaving("no_metadata");
    let mut bridge = project.start(&python);
    bridge.bring_to(Direction::Up, "base", "c3").unwrap();
    assert!(failed(bridge.compare().unwrap_err()).contains("does not provide a MetaData object"));
}

#[test]
fn a_process_that_ends_itself_is_told_and_started_anew() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::behaving("ends_the_process");
    let mut bridge = project.start(&python);
    let error = bridge.current().unwrap_err();
    assert!(matches!(&error, BridgeError::Ended { question: "current", status, .. } if status == "exit status: 3"), "{error}");
    assert!(error.to_string().ends_with("its last words: memory is out"), "{error}");
    assert_eq!(bridge.heads().unwrap(), ["c3"]);
}

#[test]
fn what_hangs_is_ended_at_its_limit() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::behaving("hangs");
    let mut bridge = project.start(&python);
    bridge.limit_time(Duration::from_secs(2));
    let before = Instant::now();
    let error = bridge.current().unwrap_err();
    assert!(before.elapsed() < Duration::from_secs(20));
    let BridgeError::Silent { question: "current", seconds: 2, stderr } = &error else { panic!("{error}") };
    let process: u32 = stderr.lines().find_map(|line| line.strip_prefix("waiting for ")).unwrap().parse().unwrap();
    assert!(!is_running(process));
    assert_eq!(bridge.process_id(), None);
    bridge.limit_time(Duration::from_secs(60));
    assert_eq!(bridge.heads().unwrap(), ["c3"]);
}

const VICTIM: &str = "ALEMBIC_GATE_TEST_VICTIM";

/// Starts a bridge and waits to be ended; only when the test below asks for it.
#[test]
fn victim() {
    let Some(python) = python("python-new").filter(|_| std::env::var_os(VICTIM).is_some()) else { return };
    let project = SqliteProject::new(None);
    let bridge = project.start(&python);
    println!("\nprocess {}", bridge.process_id().unwrap());
    loop {
        std::thread::park();
    }
}

#[test]
fn nothing_is_left_when_the_program_is_killed() {
    use std::io::{BufRead, BufReader};
    if environment("python-new").is_none() {
        return;
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["bridge::victim", "--exact", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let process: u32 = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("process ").and_then(|id| id.parse().ok())).unwrap();
    assert!(is_running(process));
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(ends_soon(process));
}

// Which Python

#[test]
fn python_is_found_where_tools_look_for_it() {
    let Some(environment) = environment("python-new") else { return };
    let top = TempDir::new().unwrap();
    let folder = top.path().join("service/db");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::create_dir(top.path().join(".git")).unwrap();
    let bare = Path::new("/usr/bin/python3");
    let mut surroundings = Surroundings::default();

    let error = Python::found(None, &folder, &surroundings).unwrap_err();
    assert!(error.to_string().contains("no place at all") && error.hint().contains(".venv"), "{error}");
    let error = Python::found(Some(Path::new("missing/python")), &folder, &surroundings).unwrap_err();
    assert!(error.to_string().contains("missing/python` (of `[project] python`: not there)"), "{error}");
    let error = Python::found(Some(&folder), &folder, &surroundings).unwrap_err();
    assert!(error.to_string().contains("not there"), "{error}");

    std::os::unix::fs::symlink(&environment, top.path().join(".venv")).unwrap();
    let found = Python::found(None, &folder, &surroundings).unwrap();
    assert_eq!((found.found_by, found.program), (FoundBy::Folder, top.path().join(".venv/bin/python")));
    assert_eq!(found.versions.alembic.as_deref(), Some("1.20.1"));

    surroundings.virtual_env = Some(environment.clone());
    assert_eq!(Python::found(None, &folder, &surroundings).unwrap().found_by, FoundBy::VirtualEnv);
    surroundings.virtual_env = None;
    surroundings.uv_project_environment = Some(environment.clone());
    assert_eq!(Python::found(None, &folder, &surroundings).unwrap().found_by, FoundBy::Uv);
    surroundings.uv_project_environment = None;
    std::fs::remove_file(top.path().join(".venv")).unwrap();
    surroundings.path = vec![environment.join("bin")];
    assert_eq!(Python::found(None, &folder, &surroundings).unwrap().found_by, FoundBy::Path);

    if !bare.exists() {
        eprintln!("SKIPPED: no /usr/bin/python3 without alembic");
        return;
    }
    let error = Python::found(Some(bare), &folder, &surroundings).unwrap_err();
    assert!(error.to_string().contains("without alembic") && error.hint().contains("-m pip install alembic"), "{error}");
    let empty = top.path().join("venv/bin");
    std::fs::create_dir_all(&empty).unwrap();
    std::os::unix::fs::symlink(bare, empty.join("python")).unwrap();
    let found = Python::found(None, &folder, &surroundings).unwrap();
    assert_eq!(found.found_by, FoundBy::Path);
    assert!(matches!(found.looked_at.first().unwrap().why_not, WhyNot::NoAlembic(_)), "{:?}", found.looked_at);
}

#[test]
fn poetry_is_asked_where_the_project_uses_it() {
    use std::os::unix::fs::PermissionsExt;
    let Some(environment) = environment("python-new") else { return };
    let folder = TempDir::new().unwrap();
    let poetry = folder.path().join("bin/poetry");
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    std::fs::write(&poetry, format!("#!/bin/sh\n[ \"$*\" = 'env info --path --no-ansi' ] && echo {}\n", environment.display())).unwrap();
    std::fs::set_permissions(&poetry, std::fs::Permissions::from_mode(0o755)).unwrap();
    let surroundings = Surroundings { path: vec![folder.path().join("bin")], ..Surroundings::default() };
    assert!(Python::found(None, folder.path(), &surroundings).is_err());
    std::fs::write(folder.path().join("pyproject.toml"), "[tool.poetry]\nname = 'x'\n").unwrap();
    assert_eq!(Python::found(None, folder.path(), &surroundings).unwrap().found_by, FoundBy::Poetry);
}

// The adapter

#[test]
fn the_hook_runs_once_before_env_py_and_knows_the_scratch_database() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::behaving("reads_the_environment");
    let hook = project.folder.path().join("gate_hook.py");
    let runs = project.scratch.path().join("runs");
    std::fs::write(&hook, format!("import os\nos.environ['DATABASE_URL'] = scratch_url\nassert config.get_main_option('script_location')\nwith open({:?}, 'a') as runs:\n    runs.write('.')\n", runs)).unwrap();
    let mut settings = project.settings();
    settings.hook = Some(hook.clone());
    let (mut bridge, _) = Bridge::start(python.clone(), settings.clone()).unwrap();
    bridge.bring_to(Direction::Up, "base", "b2").unwrap();
    assert_eq!(bridge.current().unwrap().databases, [["b2"]]);
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), ".");
    let prepare = "\ndef prepare(scratch_url):\n    from sqlalchemy import create_engine, text\n    with create_engine(scratch_url).begin() as connection:\n        connection.execute(text('CREATE TABLE prepared (id integer)'))\n";
    let text = std::fs::read_to_string(&hook).unwrap();
    std::fs::write(&hook, text + prepare).unwrap();
    for name in ["one.db", "two.db"] {
        let address = Address::Sqlite { file: project.scratch.path().join(name) };
        bridge.point_at(vec![ScratchTarget { address, proof: None, is_prepared: false }]).unwrap();
        assert_eq!(bridge.query(0, "SELECT count(*) FROM prepared").unwrap().rows, [[0]], "{name}");
    }
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "..");
    std::fs::write(&hook, "import no_such_package\n").unwrap();
    let error = bridge.current().unwrap_err();
    assert!(error.hint().contains("install the missing package"), "{error}");
    assert_eq!(failed(error), "`gate_hook.py` line 1 failed: ModuleNotFoundError: No module named 'no_such_package'");
}

#[test]
fn a_project_may_have_only_a_pyproject_toml_or_nothing() {
    let Some(python) = python("python-new") else { return };
    let project = SqliteProject::behaving("drops_empty_revisions");
    std::fs::remove_file(project.folder.path().join("alembic.ini")).unwrap();
    let error = Bridge::start(python.clone(), project.settings()).err().unwrap();
    assert!(error.hint().contains("[project] config"), "{error}");
    std::fs::write(
        project.folder.path().join("pyproject.toml"),
        "[tool.alembic]\nscript_location = \"%(here)s/migrations\"\nprepend_sys_path = [\"%(here)s\"]\n",
    )
    .unwrap();
    assert_eq!(project.start(&python).bring_to(Direction::Up, "base", "c3").unwrap().failure, None);
}

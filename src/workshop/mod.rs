//! A project at work: its files, its own Python, and scratch databases, each had when it is first needed.
//!
//! The Python stays warm for the next call on the same project; scratch databases go with the workshop.

pub mod autogenerate;
mod dialect;
pub mod kept;
pub mod range;
pub mod rendering;
pub mod watch;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::bridge::{Bridge, BridgeError, BridgeSettings, Fences, Hello, Python, Runner, ScratchTarget, Surroundings, Watcher};
use crate::config::{self, Config, ConfigError};
use crate::database::url;
use crate::dialect::{Dialect, Encoding, Production, Server};
use crate::project::NameError;
use crate::scratch::{ScratchDatabase, ScratchError, ScratchServer, Settings as ScratchSettings};
use crate::trace::concurrent::ConcurrentWatch;
use crate::workshop::kept::Recent;
use crate::workshop::watch::{Ended, Watch};
use crate::workspace::{self, OpenError, Place, Workspace};

/// Which project, as a caller says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The folder with `alembic.ini`, or the ini file itself.
    pub folder: PathBuf,
    /// The ini file.
    pub config: Option<String>,
    /// Its section.
    pub section: Option<String>,
    /// The dialect, where the caller says it.
    pub dialect: Option<Dialect>,
    /// The server's version, where the caller says it.
    pub server: Option<Server>,
    /// How long one question to the project's Python may take.
    pub time_limit: Option<Duration>,
}

/// A project cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum WorkshopError {
    /// Its files say nothing.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// `alembic-gate.toml` cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its Python.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// A scratch database.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// A revision that is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The chain itself is broken.
    #[error("the chain cannot be followed: {}", .0.join("; "))]
    BrokenChain(Vec<String>),
    /// A range without revisions.
    #[error("there is no revision between `{from}` and `{to}`")]
    EmptyRange {
        /// Behind which it begins.
        from: String,
        /// With which it ends.
        to: String,
    },
    /// It was ended from outside.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// The way to where the range begins does not work on an empty database.
    #[error("the chain cannot be brought to `{at}` on an empty database: {sentence}")]
    CannotReach {
        /// The revision.
        at: String,
        /// What failed, with file and line.
        sentence: String,
    },
}

impl WorkshopError {
    /// A stable word for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open(_) => "no_project",
            Self::Config(_) => "bad_config",
            Self::Bridge(BridgeError::NoPython { .. }) => "no_python",
            Self::Bridge(_) => "bridge",
            Self::Scratch(_) => "scratch",
            Self::Name(_) => "no_such_revision",
            Self::BrokenChain(_) => "broken_chain",
            Self::EmptyRange { .. } => "empty_range",
            Self::CannotReach { .. } => "cannot_reach",
            Self::Ended(ended) => ended.code(),
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Open(error) => error.hint(),
            Self::Config(error) => error.hint(),
            Self::Bridge(error) => error.hint(),
            Self::Scratch(error) => error.hint(),
            Self::Name(error) => error.hint(),
            Self::Ended(ended) => ended.hint().to_owned(),
            Self::BrokenChain(_) => {
                "mend the revision files first; `alembic-gate migration-status` names each fault with its line".to_owned()
            }
            Self::EmptyRange { .. } => "`from` is the revision in front of the first one that is meant, `to` the last one".to_owned(),
            Self::CannotReach { .. } => {
                "make what the first revision takes for granted in `[project] hook`, or mend the revision that is named".to_owned()
            }
        }
    }
}

/// A project, opened.
#[derive(Clone)]
pub struct Workshop {
    /// Its files.
    pub workspace: Workspace,
    /// What `alembic-gate.toml` says.
    pub config: Config,
    /// The server it is meant for: production's, as far as somebody says it.
    pub server: Server,
    /// What was taken for granted.
    pub assumed: Vec<String>,
    /// Where scratch databases are made: a dev server of the user's; None: a server of ours.
    pub dev_server: Option<ScratchServer>,
    /// What production's database writes text in, as far as somebody says it: so do scratch databases.
    pub encoding: Encoding,
    /// Who watches over its work, where somebody does: limits, waits, a caller who goes away.
    pub watch: Watch,
    time_limit: Duration,
}

/// The warm Python of a project, lent for one call.
pub struct Lent {
    bridge: Arc<Mutex<Warm>>,
}

/// A Python that was started, with what it said of itself.
pub struct Warm {
    /// The Python.
    pub bridge: Bridge,
    /// What it said.
    pub hello: Hello,
}

/// Pythons that run for this process, by project and settings; those not used for long end.
static PYTHONS: Recent<Arc<Mutex<Warm>>> = Recent::new();

/// Held while one starts: a second caller waits for the same one.
static STARTING: Mutex<()> = Mutex::new(());

/// A question may take so long unless the caller says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(300);

impl Workshop {
    /// Opens a project: reads its files and settings, starts nothing.
    ///
    /// # Errors
    /// There is no project, or its settings are not understood.
    pub fn open(wanted: &Wanted) -> Result<Self, WorkshopError> {
        let (folder, own_config) = folder_of(&wanted.folder);
        let config = Config::found_from(&std::path::absolute(&folder).unwrap_or_else(|_| folder.clone()))?;
        let settings = &config.project;
        let ini = wanted.config.clone().or(own_config).or_else(|| settings.config.as_ref().map(|path| path.to_string_lossy().into_owned()));
        let section = wanted.section.clone().or_else(|| settings.section.clone());
        let place = |dialect| {
            workspace::open(&Place { folder: &folder.to_string_lossy(), config: ini.as_deref(), section: section.as_deref(), dialect })
        };
        let workspace = place(wanted.dialect)?;
        let mut assumed = Vec::new();
        let server = match wanted.server {
            Some(server) => server,
            None => dialect::server_of(wanted.dialect, &config, &workspace, &mut assumed),
        };
        let encoding = config.production().map(Production::encoding).unwrap_or_default();
        // Where a folder of revisions is kept for each dialect, the one of this dialect counts.
        let workspace =
            if wanted.dialect.is_none() && workspace.project.revisions.is_empty() { place(Some(server.dialect))? } else { workspace };
        assumed.extend(workspace.notes.iter().cloned());
        Ok(Self {
            workspace,
            config,
            server,
            assumed,
            dev_server: None,
            encoding,
            watch: Watch::default(),
            time_limit: wanted.time_limit.unwrap_or(TIME_LIMIT),
        })
    }

    /// The project's Python, warm from an earlier call or started now. It may open nothing but `scratch`.
    ///
    /// # Errors
    /// No Python with Alembic, or the project cannot be loaded in it.
    pub fn python(&self, scratch: &[&ScratchDatabase]) -> Result<Lent, WorkshopError> {
        if let Some(first) = scratch.first() {
            self.watch.at(&first.admin_address(), first.name());
        }
        let targets: Vec<ScratchTarget> = scratch.iter().map(|database| target(database)).collect();
        let (place, running) = (&self.workspace, &self.config.project);
        let key = format!("{:?} {:?} {:?} {running:?} {}", place.folder, place.ini, place.section, self.server.dialect.word());
        let starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bridge) = PYTHONS.get(&key) {
            drop(starting);
            let lent = Lent { bridge };
            {
                let mut warm = lent.lock();
                warm.bridge.limit_time(self.time_limit);
                warm.bridge.stop = self.watch.stop();
                warm.bridge.point_at(targets)?;
            }
            return Ok(lent);
        }
        let python = Python::found(running.python.as_deref(), &self.workspace.folder, &Surroundings::of_this_process())?;
        let settings = self.bridge_settings(scratch);
        let (mut bridge, hello) = Bridge::start(python, settings)?;
        bridge.stop = self.watch.stop();
        let bridge = Arc::new(Mutex::new(Warm { bridge, hello }));
        PYTHONS.put(&key, Arc::clone(&bridge));
        Ok(Lent { bridge })
    }

    /// A Python of its own for another state of the project: the same interpreter and settings, the files of `folder`,
    /// which stands for the folder of this project below `to` as it does below `from`. Not kept warm.
    ///
    /// # Errors
    /// As of `python`.
    pub fn python_elsewhere(
        &self,
        folder: &Path,
        moved: (PathBuf, PathBuf),
        scratch: &[&ScratchDatabase],
    ) -> Result<(Bridge, Hello), WorkshopError> {
        let running = &self.config.project;
        let python = Python::found(running.python.as_deref(), &self.workspace.folder, &Surroundings::of_this_process())?;
        let there = |path: &Path| {
            let inside = path.strip_prefix(&self.workspace.folder).map_or_else(|_| folder.join(path), |rest| folder.join(rest));
            if inside.exists() { inside } else { path.to_owned() }
        };
        let mut settings = self.bridge_settings(scratch);
        settings.ini = settings.ini.as_deref().map(there);
        settings.hook = settings.hook.as_deref().map(there);
        settings.folder = folder.to_owned();
        settings.moved = Some(moved);
        let (mut bridge, hello) = Bridge::start(python, settings)?;
        bridge.stop = self.watch.stop();
        Ok((bridge, hello))
    }

    fn bridge_settings(&self, scratch: &[&ScratchDatabase]) -> BridgeSettings {
        let running = &self.config.project;
        BridgeSettings {
            folder: self.workspace.folder.clone(),
            ini: self.workspace.ini.clone(),
            section: self.workspace.section.clone(),
            runner: match running.runner {
                config::Runner::Plain => Runner::Plain,
                config::Runner::Thread => Runner::Thread,
            },
            hook: running.hook.as_ref().map(|hook| self.workspace.folder.join(hook)),
            env: running.env.clone(),
            dialect: self.server.dialect,
            scratch: scratch.iter().map(|database| target(database)).collect(),
            namespaces: true,
            moved: None,
            time_limit: self.time_limit,
        }
    }

    /// A scratch server of the wanted kind: the dev server that was asked for, else one of our own, else, where this
    /// machine has no such engine, a dev server of the settings.
    ///
    /// # Errors
    /// None can be had.
    pub fn scratch_server(&self) -> Result<ScratchServer, WorkshopError> {
        let settings = ScratchSettings::from_environment(Some(&self.workspace.folder));
        let server = match &self.dev_server {
            Some(server) => server.clone(),
            None => match ScratchServer::start(self.server, &settings) {
                Err(missing @ ScratchError::NoEngine { .. }) => self.only_dev_server().unwrap_or(Err(missing))?,
                started => started?,
            },
        };
        Ok(server.writing(self.encoding.clone())?)
    }

    /// The first dev server of the settings whose URL is set and of this dialect's family.
    fn only_dev_server(&self) -> Option<Result<ScratchServer, ScratchError>> {
        let urls = self.config.dev_servers.iter().filter_map(|(name, server)| Some((name, std::env::var(&server.url_env).ok()?)));
        let mut fitting = urls.filter(|(_, url)| url::read(url).is_ok_and(|address| address.is_for(self.server.dialect)));
        fitting.next().map(|(name, url)| ScratchServer::dev(name, &url))
    }
}

impl Lent {
    /// The Python, for as long as the guard lives.
    pub fn lock(&self) -> MutexGuard<'_, Warm> {
        self.bridge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on statements that commit by themselves are looked at on `database`; None: no more.
    pub fn watch(&self, database: Option<&ScratchDatabase>) {
        let watcher = database.map(|database| Box::new(ConcurrentWatch::new(database.admin_address())) as Box<dyn Watcher>);
        self.lock().bridge.watcher = watcher;
    }

    /// What keeps `env.py` from anything but the scratch databases.
    #[must_use]
    pub fn fences(&self) -> Fences {
        self.lock().hello.fences.clone()
    }
}

/// Ends all Pythons of this process; one that starts just now or still works dies with the process.
pub fn stop_all() {
    PYTHONS.clear();
}

/// Where the bridge may go.
#[must_use]
pub fn target(database: &ScratchDatabase) -> ScratchTarget {
    ScratchTarget { address: database.address(), proof: Some(database.proof()), is_prepared: database.is_clone() }
}

/// A folder, or the folder of an ini file that was given instead.
fn folder_of(path: &Path) -> (PathBuf, Option<String>) {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    match (path.is_file(), path.parent(), name) {
        (true, Some(above), Some(name)) => {
            let folder = if above.as_os_str().is_empty() { PathBuf::from(".") } else { above.to_owned() };
            (folder, Some(name))
        }
        _ => (path.to_owned(), None),
    }
}

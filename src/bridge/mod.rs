//! One warm Python of the user's own environment: it runs `env.py`, behind fences, against scratch databases only.
//!
//! The program on the other side is embedded (`python/`); nothing is written to disk. A question is one line of JSON, so
//! is its answer, on a pipe of their own: what `env.py` prints goes to standard error. A question that takes too long
//! ends the process and everything it started; the next question starts another. The process ends with this program.

pub mod environment;
mod process;
mod protocol;
mod python;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

pub use self::protocol::{
    About, Attempt, Captured, Compared, Current, Difference, DifferenceColumn, Direction, Done, EnumColumn, EnvSettings, Executed, Failure,
    Fences, Hello, History, KnownRevision, NewRevision, Outcome, Piece, Place, Rendered, RevisionMode, Rows, Runner, ScratchTarget,
    StatementSource, Touched, UsedClass, UsedModels, UsedStatement, WrittenRevision,
};
pub use self::python::{FoundBy, LookedAt, Python, Surroundings, Versions, WhyNot};

use self::process::{NoAnswer, Process};
use self::protocol::{Line, Moved, Question, Reach, ReachPlace, ReachProof, Start, StartSettings, Watch};
use crate::address::{Address, Login};
use crate::dialect::Dialect;
use crate::secret::redacted;

/// What Python is started with.
const START: &str = include_str!("python/start.py");

/// The modules that the start message carries.
const MODULES: &[(&str, &str)] = &[
    ("alembic_gate_bridge", ""),
    ("alembic_gate_bridge.capture", include_str!("python/capture.py")),
    ("alembic_gate_bridge.comparison", include_str!("python/comparison.py")),
    ("alembic_gate_bridge.enums", include_str!("python/enums.py")),
    ("alembic_gate_bridge.failure", include_str!("python/failure.py")),
    ("alembic_gate_bridge.fence", include_str!("python/fence.py")),
    ("alembic_gate_bridge.literal", include_str!("python/literal.py")),
    ("alembic_gate_bridge.models", include_str!("python/models.py")),
    ("alembic_gate_bridge.places", include_str!("python/places.py")),
    ("alembic_gate_bridge.process", include_str!("python/process.py")),
    ("alembic_gate_bridge.project", include_str!("python/project.py")),
    ("alembic_gate_bridge.questions", include_str!("python/questions.py")),
    ("alembic_gate_bridge.scratch", include_str!("python/scratch.py")),
    ("alembic_gate_bridge.serve", include_str!("python/serve.py")),
    ("alembic_gate_bridge.trace", include_str!("python/trace.py")),
    ("alembic_gate_bridge.wire", include_str!("python/wire.py")),
];

/// Variables of our environment that Python sees, besides those that begin with `LC_`; all others are dropped, addresses
/// and secrets among them.
const PASSED_VARIABLES: &[&str] = &[
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
];

/// Files that client libraries read addresses and secrets from: none.
const EMPTIED_VARIABLES: &[&str] = &["PGPASSFILE", "PGSERVICEFILE", "PGSYSCONFDIR", "MYSQL_HOME"];

/// So long a wait is not interrupted.
const TURN: Duration = Duration::from_millis(50);

/// How often a process may turn out to be out of date before its answer is given up.
const MAX_RESTARTS: usize = 3;

/// Alembic could not be asked, or could not answer.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// No Python can be used.
    #[error("no Python with `alembic` found; looked at {}", listed(.looked_at))]
    NoPython {
        /// What was looked at, in that order.
        looked_at: Vec<LookedAt>,
    },
    /// Python could not be started.
    #[error("`{}` could not be started", .python.display())]
    NotStarted {
        /// The interpreter.
        python: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The other side has no network: a scratch database must be behind a socket or in a file.
    #[error("the scratch database {address} is behind a port; the Python that runs `env.py` has no network")]
    BehindPort {
        /// Where it is, without its password.
        address: String,
    },
    /// No answer came in time; the process and all that it started are ended.
    #[error("Alembic did not answer `{question}` within {seconds} s and was ended{}", said(.stderr))]
    Silent {
        /// What was asked.
        question: &'static str,
        /// The limit.
        seconds: u64,
        /// The end of what was written to standard error.
        stderr: String,
    },
    /// The process ended by itself.
    #[error("the Python that runs `env.py` ended ({status}) instead of answering `{question}`{}", said(.stderr))]
    Ended {
        /// What was asked.
        question: &'static str,
        /// How it ended, in words.
        status: String,
        /// The end of what was written to standard error.
        stderr: String,
    },
    /// Something in the project, in its environment or in the question made it fail.
    #[error("{}", .failure.sentence)]
    Failed {
        /// What was asked.
        question: &'static str,
        /// What went wrong, and where.
        failure: Box<Failure>,
    },
    /// Files change faster than they can be read.
    #[error("files of the project keep changing while `{question}` is asked: {}", paths(.changed))]
    KeepsChanging {
        /// What was asked.
        question: &'static str,
        /// Which.
        changed: Vec<PathBuf>,
    },
    /// The answer is not what was agreed on: a mistake of ours.
    #[error("the answer to `{question}` was not understood")]
    NotUnderstood {
        /// What was asked.
        question: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

fn listed(looked_at: &[LookedAt]) -> String {
    if looked_at.is_empty() {
        return "no place at all: there is no environment beside the project and no `python3` on the search path".to_owned();
    }
    looked_at.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn paths(paths: &[PathBuf]) -> String {
    paths.iter().take(3).map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}

/// The last line of standard error, if there is one.
fn said(stderr: &str) -> String {
    stderr.lines().last().map(|line| format!("; its last words: {line}")).unwrap_or_default()
}

impl BridgeError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoPython { looked_at } => match looked_at.iter().find(|one| matches!(one.why_not, WhyNot::NoAlembic(_))) {
                Some(one) => format!("install what the project needs: `{} -m pip install alembic sqlalchemy`, or name another Python in `[project] python`", one.place.display()),
                None => "make a virtual environment `.venv` beside `alembic.ini` with the project's packages, or name its Python in `[project] python`".to_owned(),
            },
            Self::NotStarted { .. } => "check that the interpreter runs, or name another in `[project] python`".to_owned(),
            Self::BehindPort { .. } => "give a scratch database behind a socket".to_owned(),
            Self::Silent { .. } => "look for what `env.py` or the revision waits for (a lock, an answer from the network, input), or allow more time".to_owned(),
            Self::Ended { .. } => "look for `os._exit`, a crash of a C extension or a lack of memory in what `env.py` imports".to_owned(),
            Self::Failed { failure, .. } => hint_of(failure),
            Self::KeepsChanging { .. } => "ask again when the files rest".to_owned(),
            Self::NotUnderstood { .. } => "this is a mistake of alembic-gate: please report it".to_owned(),
        }
    }
}

fn hint_of(failure: &Failure) -> String {
    let refused = failure.attempts.iter().find(|attempt| attempt.outcome == Outcome::Refused);
    if failure.kind == "ModuleNotFoundError" || failure.kind == "ImportError" {
        return "install the missing package into the project's environment, or name the right Python in `[project] python`".to_owned();
    }
    if failure.message.contains("No 'script_location' key found") {
        return "name the ini file in `[project] config` and its section in `[project] section`".to_owned();
    }
    if let Some(attempt) = refused {
        return format!(
            "{} to {} was refused: give `env.py` its address through a variable in `[project] env`, or set it up in `[project] hook`",
            attempt.what, attempt.target
        );
    }
    match (&failure.file, failure.line) {
        (Some(file), Some(line)) => format!("look at {}:{line}", file.display()),
        _ => "run the same with `alembic` in the project's environment to see it whole".to_owned(),
    }
}

/// How a project is run: what its `alembic-gate.toml` says, and where the scratch databases are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgeSettings {
    /// Where Alembic is run: the folder of `alembic.ini`.
    pub folder: PathBuf,
    /// The ini file; None where there is only a `pyproject.toml`.
    pub ini: Option<PathBuf>,
    /// Its section.
    pub section: String,
    /// Where env.py runs.
    pub runner: Runner,
    /// A Python file that is run once, before any env.py; it finds `config` and `scratch_url`. A function
    /// `prepare(scratch_url)` in it is called for each scratch database that is named, `seed(scratch_url, revision)` when
    /// asked for ([`Bridge::seed`]).
    pub hook: Option<PathBuf>,
    /// Variables; `{scratch_url}` and `{scratch_url_1}`, `{scratch_url_2}`, … in them are replaced.
    pub env: BTreeMap<String, String>,
    /// The dialect of the project: env.py may open nothing else.
    pub dialect: Dialect,
    /// One for each database that env.py opens, in its order; none when nothing may be opened at all.
    pub scratch: Vec<ScratchTarget>,
    /// How long one question may take.
    pub time_limit: Duration,
    /// Whether the kernel's fences are put up too, where it lets us: no network, no sockets of other servers.
    pub namespaces: bool,
    /// The work tree, and where another state of it stands that is looked at instead.
    pub moved: Option<(PathBuf, PathBuf)>,
}

impl BridgeSettings {
    /// The plainest project: `alembic.ini` in `folder`, two minutes for a question.
    #[must_use]
    pub fn plain(folder: &Path, dialect: Dialect, scratch: Vec<ScratchTarget>) -> Self {
        let ini = folder.join("alembic.ini");
        Self {
            folder: folder.to_owned(),
            ini: ini.is_file().then_some(ini),
            section: "alembic".to_owned(),
            runner: Runner::Plain,
            hook: None,
            env: BTreeMap::new(),
            dialect,
            scratch,
            time_limit: Duration::from_secs(120),
            namespaces: true,
            moved: None,
        }
    }
}

/// Looks from another session at statements that commit by themselves.
pub trait Watcher: Send {
    /// A statement is about to be sent.
    fn before(&mut self, sql: &str);
    /// It has been sent, or was refused: what was seen.
    fn after(&mut self) -> Vec<Touched>;
}

/// The way to a project's Alembic.
pub struct Bridge {
    /// Who looks at `CONCURRENTLY`; nobody where that is None.
    pub watcher: Option<Box<dyn Watcher>>,
    /// Once it is set nobody waits for an answer any more: the process is ended.
    pub stop: Arc<AtomicBool>,
    python: Python,
    settings: BridgeSettings,
    process: Option<Process>,
    next_id: u64,
    /// How many databases env.py opens; None before it was run.
    databases: Option<usize>,
}

impl Bridge {
    /// Starts the process and has it load the project; its fences are in the answer.
    ///
    /// # Errors
    /// Python cannot be started, or the project cannot be loaded.
    pub fn start(python: Python, settings: BridgeSettings) -> Result<(Self, Hello), BridgeError> {
        let mut bridge = Self { watcher: None, stop: Arc::default(), python, settings, process: None, next_id: 0, databases: None };
        let hello = bridge.hello()?;
        Ok((bridge, hello))
    }

    /// The Python that runs.
    #[must_use]
    pub const fn python(&self) -> &Python {
        &self.python
    }

    /// The id of the running process; None when the next question starts one.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Process::id)
    }

    /// How long one question may take from now on.
    pub const fn limit_time(&mut self, limit: Duration) {
        self.settings.time_limit = limit;
    }

    /// Names other scratch databases, without starting anew.
    ///
    /// # Errors
    /// One is behind a port; the process fails.
    pub fn point_at(&mut self, scratch: Vec<ScratchTarget>) -> Result<(), BridgeError> {
        let reached = reach(&scratch)?;
        self.settings.scratch = scratch;
        let Some(process) = self.process.take() else { return Ok(()) };
        // A process that is out of date is dropped here: the next one starts with the new databases.
        self.asked(process, &Question::PointAt { scratch: &reached }).map(drop)
    }

    /// Versions, places and fences.
    ///
    /// # Errors
    /// The process fails.
    pub fn hello(&mut self) -> Result<Hello, BridgeError> {
        self.ask(&Question::Hello)
    }

    /// What `prepare` of the hook did in the scratch database, in its order.
    ///
    /// # Errors
    /// The process fails.
    pub fn prepared(&mut self) -> Result<Vec<Captured>, BridgeError> {
        #[derive(serde::Deserialize)]
        struct Prepared {
            statements: Vec<Captured>,
        }
        self.ask::<Prepared>(&Question::Prepared).map(|answer| answer.statements)
    }

    /// Lets `seed(scratch_url, revision)` of the hook write rows into the (first) scratch database, which stands at that
    /// revision; false where there is no such function.
    ///
    /// # Errors
    /// It fails; the process fails.
    pub fn seed(&mut self, revision: &str) -> Result<bool, BridgeError> {
        #[derive(serde::Deserialize)]
        struct Seeded {
            called: bool,
        }
        self.ask::<Seeded>(&Question::Seed { revision }).map(|answer| answer.called)
    }

    /// All revisions as Alembic reads them.
    ///
    /// # Errors
    /// A revision file cannot be loaded; the chain is broken.
    pub fn history(&mut self) -> Result<History, BridgeError> {
        self.ask(&Question::History)
    }

    /// Ids of the heads.
    ///
    /// # Errors
    /// As of `history`.
    pub fn heads(&mut self) -> Result<Vec<String>, BridgeError> {
        #[derive(serde::Deserialize)]
        struct Heads {
            heads: Vec<String>,
        }
        self.ask::<Heads>(&Question::Heads).map(|answer| answer.heads)
    }

    /// Where the scratch databases stand.
    ///
    /// # Errors
    /// env.py fails.
    pub fn current(&mut self) -> Result<Current, BridgeError> {
        let current: Current = self.ask(&Question::Current)?;
        self.databases = Some(current.databases.len());
        Ok(current)
    }

    /// Alembic's offline text: of `upgrade()` after `from` up to `to`, or of `downgrade()` from `to` back to `from`.
    /// A revision that cannot run offline is no error: the answer says which line, and why.
    ///
    /// # Errors
    /// There is no such range.
    pub fn render(&mut self, direction: Direction, from: &str, to: &str) -> Result<Rendered, BridgeError> {
        self.ask(&Question::Render { direction, from, to })
    }

    /// Runs exactly these revisions on the scratch databases, each in a transaction of its own, and tells what was sent.
    /// An error of a revision is part of the answer.
    ///
    /// # Errors
    /// There is no such range; the scratch databases do not stand where it begins; env.py does not get as far.
    pub fn execute(&mut self, direction: Direction, from: &str, to: &str) -> Result<Executed, BridgeError> {
        self.ask(&Question::Execute { direction, from, to, capture: true })
    }

    /// As `execute`, without telling what was sent: for the way to where a test begins.
    ///
    /// # Errors
    /// As of `execute`.
    pub fn bring_to(&mut self, direction: Direction, from: &str, to: &str) -> Result<Executed, BridgeError> {
        self.ask(&Question::Execute { direction, from, to, capture: false })
    }

    /// Runs one revision one way, in a run of env.py of its own. Its error is part of the answer.
    ///
    /// # Errors
    /// There is no such revision; the process fails.
    pub fn step(&mut self, direction: Direction, revision: &str) -> Result<Executed, BridgeError> {
        self.ask(&Question::Step { revision, direction, capture: true, trace: false })
    }

    /// As `step`, and each statement tells what it locked, rewrote, read and changed (PostgreSQL only).
    ///
    /// # Errors
    /// As of `step`.
    pub fn traced_step(&mut self, direction: Direction, revision: &str) -> Result<Executed, BridgeError> {
        self.ask(&Question::Step { revision, direction, capture: true, trace: true })
    }

    /// From now on a revision has another text than its file, which stays as it is; None: its own again.
    ///
    /// # Errors
    /// There is no such revision; the text is no Python.
    pub fn override_revision(&mut self, revision: &str, text: Option<&str>) -> Result<(), BridgeError> {
        self.ask::<serde_json::Value>(&Question::Override { revision, text }).map(drop)
    }

    /// Begins a walk: single revisions up and down in one run of env.py, with room for the caller between them.
    ///
    /// # Errors
    /// env.py fails before its first revision.
    pub fn walk(&mut self) -> Result<Walk<'_>, BridgeError> {
        #[derive(serde::Deserialize)]
        struct Begun {
            heads: Vec<String>,
        }
        let databases = match self.databases {
            Some(databases) => databases,
            None => self.current()?.databases.len(),
        };
        if databases > 1 {
            let heads = self.current()?.databases.into_iter().next().unwrap_or_default();
            return Ok(Walk { heads, open: false, bridge: self });
        }
        let begun: Begun = self.ask(&Question::BeginWalk)?;
        Ok(Walk { heads: begun.heads, open: true, bridge: self })
    }

    /// What autogenerate would change on the scratch database, which must be at the heads.
    ///
    /// # Errors
    /// It is not at the heads; env.py has no `target_metadata`, or fails.
    pub fn compare(&mut self) -> Result<Compared, BridgeError> {
        self.ask(&Question::Compare)
    }

    /// Which statements of the mapped classes the (first) scratch database takes: INSERT, SELECT and UPDATE of each, run
    /// and taken back. What the server refuses is part of the answer.
    ///
    /// # Errors
    /// env.py fails.
    pub fn use_models(&mut self) -> Result<UsedModels, BridgeError> {
        self.ask(&Question::UseModels)
    }

    /// The words of all Enum columns that this process has seen made, whichever database it was in.
    ///
    /// # Errors
    /// The process fails.
    pub fn enums(&mut self) -> Result<Vec<EnumColumn>, BridgeError> {
        #[derive(serde::Deserialize)]
        struct Enums {
            columns: Vec<EnumColumn>,
        }
        self.ask::<Enums>(&Question::Enums).map(|answer| answer.columns)
    }

    /// Has Alembic write one revision file. When it fails none is left behind, nor when its time is up.
    ///
    /// # Errors
    /// As of `compare`; the head is none or not the only one; the file is there already.
    pub fn revision(&mut self, revision: &NewRevision) -> Result<WrittenRevision, BridgeError> {
        self.ask(&Question::Revision(revision))
    }

    /// Runs one statement on the `database`th scratch database (from 0), through the project's own driver.
    ///
    /// # Errors
    /// The statement fails; env.py opens fewer databases.
    pub fn query(&mut self, database: usize, sql: &str) -> Result<Rows, BridgeError> {
        self.ask(&Question::Query { sql, database })
    }

    /// Asks, starting a process where none is, and again where it turns out to be out of date.
    fn ask<A: DeserializeOwned>(&mut self, question: &Question<'_>) -> Result<A, BridgeError> {
        let mut changed = Vec::new();
        for _ in 0..MAX_RESTARTS {
            let process = match self.process.take() {
                Some(process) => process,
                None => self.started()?,
            };
            match self.asked(process, question)? {
                Told::Answer(answer) => {
                    let understood = serde_json::from_value(answer);
                    return understood.map_err(|source| BridgeError::NotUnderstood { question: question.name(), source });
                }
                Told::Stale(paths) => changed = paths,
            }
        }
        Err(BridgeError::KeepsChanging { question: question.name(), changed })
    }

    /// One question to one process, which is kept unless it must not be asked again.
    fn asked(&mut self, process: Process, question: &Question<'_>) -> Result<Told, BridgeError> {
        self.next_id += 1;
        let id = self.next_id;
        let asked = serde_json::to_value(question).and_then(|mut asked| {
            if let Some(asked) = asked.as_object_mut() {
                asked.insert("id".to_owned(), id.into());
            }
            serde_json::to_vec(&asked)
        });
        let mut line = asked.map_err(|source| BridgeError::NotUnderstood { question: question.name(), source })?;
        line.push(b'\n');
        process.send(line);
        let deadline = Instant::now() + self.settings.time_limit;
        let mut writing = Vec::new();
        loop {
            let line = match self.next_line(&process, deadline) {
                Ok(line) => line,
                Err(reason) => {
                    let error = self.no_answer(&process, question.name(), reason);
                    drop(process);
                    writing.iter().for_each(|path| drop(std::fs::remove_file(path)));
                    return Err(error);
                }
            };
            let line: Line =
                serde_json::from_str(&line).map_err(|source| BridgeError::NotUnderstood { question: question.name(), source })?;
            if line.id != id {
                continue;
            }
            if let Some(path) = line.writing {
                writing.push(path);
            } else if let Some(watch) = line.watch {
                let seen = self.watched(&watch);
                let reply = serde_json::json!({ "id": id, "seen": seen }).to_string();
                process.send(format!("{reply}\n").into_bytes());
            } else if let Some(paths) = line.stale {
                return Ok(Told::Stale(paths));
            } else if let Some(failure) = line.failure {
                if !failure.starting {
                    self.process = Some(process);
                }
                return Err(BridgeError::Failed { question: question.name(), failure: Box::new(failure) });
            } else {
                self.process = Some(process);
                return Ok(Told::Answer(line.answer.unwrap_or_default()));
            }
        }
    }

    /// The next line, looked for in short turns: somebody may set `stop`.
    fn next_line(&self, process: &Process, deadline: Instant) -> Result<String, NoAnswer> {
        loop {
            let now = Instant::now();
            match process.next_line(deadline.min(now + TURN)) {
                Err(NoAnswer::Late) if now < deadline && !self.stop.load(Ordering::Relaxed) => {}
                other => return other,
            }
        }
    }

    fn watched(&mut self, watch: &Watch) -> Vec<Touched> {
        match (&mut self.watcher, &watch.before) {
            (Some(watcher), Some(sql)) => {
                watcher.before(sql);
                Vec::new()
            }
            (Some(watcher), None) => watcher.after(),
            (None, _) => Vec::new(),
        }
    }

    fn no_answer(&self, process: &Process, question: &'static str, reason: NoAnswer) -> BridgeError {
        let stderr = redacted(&process.errors());
        match reason {
            NoAnswer::Late => BridgeError::Silent { question, seconds: self.settings.time_limit.as_secs(), stderr },
            NoAnswer::Gone(status) => {
                let status = status.map_or_else(|| "in an unknown way".to_owned(), |status| status.to_string());
                BridgeError::Ended { question, status, stderr }
            }
        }
    }

    fn started(&mut self) -> Result<Process, BridgeError> {
        let scratch = reach(&self.settings.scratch)?;
        let settings = &self.settings;
        let start = Start {
            modules: MODULES.iter().copied().collect(),
            settings: StartSettings {
                parent: std::process::id(),
                folder: &settings.folder,
                ini: settings.ini.as_deref(),
                section: &settings.section,
                runner: settings.runner,
                hook: settings.hook.as_deref(),
                env: &settings.env,
                dialect: settings.dialect,
                namespaces: settings.namespaces,
                moved: settings.moved.as_ref().map(|(from, to)| Moved { from, to }),
                scratch: &scratch,
            },
        };
        let mut line = serde_json::to_vec(&start).map_err(|source| BridgeError::NotUnderstood { question: "start", source })?;
        line.push(b'\n');
        let process = Process::start(command(&self.python.program, &settings.folder))
            .map_err(|source| BridgeError::NotStarted { python: self.python.program.clone(), source })?;
        process.send(line);
        self.databases = None;
        Ok(process)
    }
}

/// What came back.
enum Told {
    Answer(serde_json::Value),
    Stale(Vec<PathBuf>),
}

fn reach(scratch: &[ScratchTarget]) -> Result<Vec<Reach>, BridgeError> {
    scratch
        .iter()
        .map(|target| {
            let proof = target.proof.clone().map(|proof| ReachProof { sql: proof.sql, expected: proof.expected });
            let place = match target.address.clone() {
                Address::Postgresql { socket_dir, port, user, database } => {
                    ReachPlace::Postgresql { socket_dir, port, user, password: None, database }
                }
                Address::PostgresqlHost { login: Login { host, port, user, password }, database } if host.starts_with('/') => {
                    ReachPlace::Postgresql { socket_dir: host.into(), port, user, password, database }
                }
                Address::Mysql { socket, user, database } => ReachPlace::Mysql { socket, user, password: None, database },
                Address::MysqlHost { login: Login { host, user, password, .. }, database } if host.starts_with('/') => {
                    ReachPlace::Mysql { socket: host.into(), user, password, database }
                }
                Address::Sqlite { file } => ReachPlace::Sqlite { file },
                Address::PostgresqlHost { .. } | Address::MysqlHost { .. } => {
                    return Err(BridgeError::BehindPort { address: target.address.to_string() });
                }
            };
            Ok(Reach { place, proof, prepared: target.is_prepared })
        })
        .collect()
}

/// Python with an environment of few words: none of the addresses and secrets that ours may hold.
fn command(python: &Path, folder: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-u", "-B", "-c", START]).current_dir(folder).env_clear();
    for (name, value) in std::env::vars_os() {
        let word = name.to_string_lossy();
        if PASSED_VARIABLES.contains(&word.as_ref()) || word.starts_with("LC_") {
            command.env(name, value);
        }
    }
    for name in EMPTIED_VARIABLES {
        command.env(name, "/dev/null");
    }
    command
}

/// A walk along the chain in one run of env.py. Each step is committed before the next; what has failed ends the run, and
/// the steps after it make runs of their own.
pub struct Walk<'a> {
    /// Where the (first) scratch database stood at the beginning.
    pub heads: Vec<String>,
    open: bool,
    bridge: &'a mut Bridge,
}

impl Walk<'_> {
    /// Runs one revision one way. Its error is part of the answer.
    ///
    /// # Errors
    /// There is no such revision; the process fails.
    pub fn step(&mut self, direction: Direction, revision: &str) -> Result<Executed, BridgeError> {
        let executed: Result<Executed, _> = self.bridge.ask(&Question::Step { revision, direction, capture: true, trace: false });
        if executed.as_ref().is_ok_and(|executed| executed.failure.is_some()) || self.bridge.process.is_none() {
            self.open = false;
        }
        executed
    }

    /// Runs one statement between two steps, and commits it.
    ///
    /// # Errors
    /// The statement fails; the process fails.
    pub fn query(&mut self, sql: &str) -> Result<Rows, BridgeError> {
        let rows = self.bridge.query(0, sql);
        if self.bridge.process.is_none() {
            self.open = false;
        }
        rows
    }

    /// Lets env.py come to its end.
    ///
    /// # Errors
    /// What env.py does behind its migrations fails.
    pub fn end(mut self) -> Result<(), BridgeError> {
        if !std::mem::take(&mut self.open) {
            return Ok(());
        }
        self.bridge.ask::<serde_json::Value>(&Question::EndWalk).map(drop)
    }
}

impl Drop for Walk<'_> {
    /// A walk that is left in the middle ends its process: env.py waits for a step that never comes.
    fn drop(&mut self) {
        if self.open {
            self.bridge.process = None;
        }
    }
}

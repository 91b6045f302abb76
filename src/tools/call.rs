//! What a running tool sees of the one who called it: who that is, what the server allows, where news go,
//! and whether anyone still waits for the answer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::tools::answer::{ToolError, clipped};
use crate::tools::question::{Question, Reply};
use crate::workshop::watch::Limits;

/// A call under way. Tools that take long say how far they are, and stop where `cancelled` is set.
pub struct Call<'a> {
    /// What the server was started with.
    pub settings: &'a Settings,
    /// Who asks.
    pub caller: &'a Caller,
    /// Takes news on the way; may go nowhere.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Asks the person behind the client; blocks until they have replied, or the client will call again.
    pub ask: &'a (dyn Fn(Question) -> Reply + Sync),
    /// Set once nobody waits for the answer: the client cancelled, left, or the server ends.
    pub cancelled: &'a AtomicBool,
    /// How long work on scratch databases may take.
    pub limits: Limits,
}

/// How far a call is. Nothing that the answer does not say too: clients may drop it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Steps done; grows from one to the next.
    pub done: u32,
    /// Steps in all.
    pub total: u32,
    /// What is being done, in a few words, without secrets.
    pub message: String,
}

/// Who calls a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Someone on this machine with the rights of the process: the command line, or a client over standard input.
    Local,
    /// Someone over HTTP, by the name of the token; names projects, never paths.
    Remote(String),
}

/// What a server was started with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The folder of calls that name no project; none: the current folder.
    pub project: Option<PathBuf>,
    /// Projects by name.
    pub projects: BTreeMap<String, PathBuf>,
    /// `apply_migration` may apply.
    pub allow_apply: bool,
}

impl<'a> Call<'a> {
    /// A call from this machine that reports to nobody.
    #[must_use]
    pub fn local(settings: &'a Settings) -> Self {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Self { settings, caller: &Caller::Local, progress: &|_| {}, ask: &|_| Reply::Nobody, cancelled: &NEVER, limits: Limits::default() }
    }

    /// Nobody waits for the answer any more: stop, tidy up, return anything.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Says how far the call is.
    pub fn say(&self, done: u32, total: u32, message: impl Into<String>) {
        (self.progress)(Progress { done, total, message: message.into() });
    }

    /// Asks the person behind the client. A model's word is none: it comes as an argument, never from here.
    #[must_use]
    pub fn ask(&self, question: Question) -> Reply {
        (self.ask)(question)
    }

    /// The folder of the project that the caller names.
    ///
    /// # Errors
    /// Over HTTP: anything but the name of a project that the server was started with.
    pub fn project(&self, named: Option<&str>) -> Result<PathBuf, ToolError> {
        let known = &self.settings.projects;
        let folder = match (named, self.caller) {
            (Some(name), _) if known.contains_key(name) => known.get(name),
            (Some(path), Caller::Local) => return Ok(PathBuf::from(path)),
            (Some(_), Caller::Remote(_)) => None,
            // The only project of a server needs no name.
            (None, _) if known.len() == 1 => known.values().next(),
            (None, Caller::Local) => return Ok(self.settings.project.clone().unwrap_or_else(|| PathBuf::from("."))),
            (None, Caller::Remote(_)) => None,
        };
        folder.cloned().ok_or_else(|| unknown_project(named, known))
    }
}

fn unknown_project(named: Option<&str>, known: &BTreeMap<String, PathBuf>) -> ToolError {
    let names = known.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    ToolError {
        code: "unknown_project",
        message: match named {
            Some(name) => format!("this server has no project `{}`", clipped(name, 80)),
            None => "no project was named".to_owned(),
        },
        at: Some("project".to_owned()),
        hint: if names.is_empty() {
            "start the server with `--project NAME=DIR`; over HTTP a project is a name, never a path".to_owned()
        } else {
            format!("over HTTP `project` is a name, never a path: {names}")
        },
        retry: false,
    }
}

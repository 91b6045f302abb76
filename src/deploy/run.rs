//! Runs a plan on a connection, statement by statement, and says what is committed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::database::{Connection, DatabaseError};
use crate::dialect::Dialect;

use super::plan::{Commits, Part, Plan, Step, Unit};
use super::session::{Limits, is_lock_trouble, limit, lock, stands, unlock, versions};

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It has taken effect.
    Committed,
    /// It ran, and the server has taken it back.
    TakenBack,
    /// The server refused it: nothing of it stands, but for what the server itself says it leaves.
    Refused,
    /// The connection broke while it, or the commit of it, was under way.
    Unknown,
    /// Its table stands already.
    Skipped,
    /// It was not sent.
    NotRun,
}

impl Fate {
    /// The word for answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::TakenBack => "taken_back",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::NotRun => "not_run",
        }
    }
}

/// Why it stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Another runner is at work.
    Busy {
        /// Which, as the server calls it.
        by: String,
    },
    /// The database is not where the plan begins.
    Moved {
        /// Where it begins.
        wanted: Vec<String>,
        /// Where the database is.
        found: Vec<String>,
    },
    /// No lock was to be had.
    NoLock {
        /// How often it was tried.
        tries: u32,
        /// The server's words.
        message: String,
    },
    /// The server refused.
    Refused {
        /// SQLSTATE, the number of MariaDB, the message of SQLite.
        code: String,
        /// The server's words.
        message: String,
    },
    /// It took longer than it may.
    TooLong {
        /// The words of the limit.
        message: String,
    },
    /// The connection broke.
    Lost {
        /// The client's words.
        message: String,
    },
    /// A step of the version table did not hit exactly one row.
    VersionRows(u64),
    /// Nobody waits for it any more.
    Cancelled,
}

/// Where it stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Why.
    pub stop: Stop,
    /// At which statement; none before the first, or at a commit.
    pub step: Option<usize>,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = self.step {
            write!(f, "at statement {step}: ")?;
        }
        match &self.stop {
            Stop::Busy { by } => write!(f, "another runner is at work ({by})"),
            Stop::Moved { wanted, found } => {
                let named = |versions: &[String]| if versions.is_empty() { "empty".to_owned() } else { versions.join(", ") };
                write!(f, "the database is at {}, not at {}", named(found), named(wanted))
            }
            Stop::NoLock { tries, message } => write!(f, "no lock in {tries} tries: {message}"),
            Stop::Refused { code, message } if code == message => write!(f, "{message}"),
            Stop::Refused { code, message } => write!(f, "{code}: {message}"),
            Stop::TooLong { message } => write!(f, "{message}"),
            Stop::Lost { message } => write!(f, "the connection broke: {message}"),
            Stop::VersionRows(rows) => write!(f, "the version table had {rows} fitting rows, not one: somebody else moved it"),
            Stop::Cancelled => write!(f, "stopped: nobody waits for the answer any more"),
        }
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// What became of each statement, by its number.
    pub fates: BTreeMap<usize, Fate>,
    /// The version table before the first statement.
    pub before: Vec<String>,
    /// The version table afterwards; none where this connection can no longer be asked.
    pub after: Option<Vec<String>>,
    /// Why it is not done.
    pub stopped: Option<Stopped>,
    /// What was waited for.
    pub waits: Vec<String>,
    /// How long it took, with all its waiting.
    pub seconds: f64,
}

impl Ran {
    /// The numbers of statements with this fate.
    #[must_use]
    pub fn with(&self, fate: Fate) -> Vec<usize> {
        self.fates.iter().filter(|(_, found)| **found == fate).map(|(number, _)| *number).collect()
    }

    /// True where nothing of it stands in the database.
    #[must_use]
    pub fn left_nothing(&self) -> bool {
        !self.fates.values().any(|fate| matches!(fate, Fate::Committed | Fate::Unknown))
    }
}

/// Who hears how far it is, and may stop it between two statements.
pub trait News {
    /// A statement is about to be sent; false stops.
    fn before(&mut self, step: &Step) -> bool;

    /// A lock was not to be had, and is waited for; false stops.
    fn waits(&mut self, words: &str) -> bool;
}

/// Runs a plan. `from` is what the version table says where the plan begins, sorted.
pub fn run(connection: &mut Connection, plan: &Plan, from: &[String], limits: &Limits, news: &mut dyn News) -> Ran {
    let begun = Instant::now();
    let fates = plan.steps().map(|step| (step.number, Fate::NotRun)).collect();
    let mut runner =
        Runner { dialect: connection.server().dialect, connection, plan, limits, news, fates, before: Vec::new(), waits: Vec::new() };
    let stopped = runner.all(from).err();
    unlock(runner.connection);
    let after = versions(runner.connection, &plan.table).ok();
    let Runner { fates, before, waits, .. } = runner;
    Ran { fates, before, after, stopped, waits, seconds: (begun.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0 }
}

struct Runner<'a> {
    connection: &'a mut Connection,
    dialect: Dialect,
    plan: &'a Plan,
    limits: &'a Limits,
    news: &'a mut dyn News,
    fates: BTreeMap<usize, Fate>,
    before: Vec<String>,
    waits: Vec<String>,
}

/// A try that did not succeed.
struct Failed {
    stopped: Stopped,
    /// The server has taken everything of it back, and only a lock was missing.
    may_be_tried_again: bool,
}

impl Runner<'_> {
    fn all(&mut self, from: &[String]) -> Result<(), Stopped> {
        let early = |error: &DatabaseError| Stopped { stop: stop_of(error), step: None };
        limit(self.connection, self.limits).map_err(|error| early(&error))?;
        if let Err(by) = lock(self.connection).map_err(|error| early(&error))? {
            return Err(Stopped { stop: Stop::Busy { by }, step: None });
        }
        self.before = versions(self.connection, &self.plan.table).map_err(|error| early(&error))?;
        self.stands_at(from)?;
        if self.dialect.is_mysql_family() {
            self.connection.execute("COMMIT").map_err(|error| early(&error))?;
        }
        let mut at = from.to_vec();
        for unit in &self.plan.units {
            match unit.commits {
                Commits::Together => self.together(unit, &at)?,
                Commits::Alone => self.alone(unit)?,
                Commits::AsItGoes => self.as_it_goes(unit)?,
            }
            if self.dialect == Dialect::Sqlite {
                at = versions(self.connection, &self.plan.table).map_err(|error| early(&error))?;
            }
        }
        Ok(())
    }

    fn stands_at(&mut self, wanted: &[String]) -> Result<(), Stopped> {
        if self.before == wanted {
            return Ok(());
        }
        let stop = Stop::Moved { wanted: wanted.to_vec(), found: self.before.clone() };
        Err(Stopped { stop, step: None })
    }

    fn together(&mut self, unit: &Unit, at: &[String]) -> Result<(), Stopped> {
        let mut tries = 1;
        loop {
            let Err(failed) = self.transaction(unit, at) else {
                self.mark(&unit.steps, Fate::Committed);
                return Ok(());
            };
            if !failed.may_be_tried_again {
                return Err(failed.stopped);
            }
            self.wait(&mut tries, failed.stopped)?;
        }
    }

    fn transaction(&mut self, unit: &Unit, at: &[String]) -> Result<(), Failed> {
        // SQLite's write lock from the first statement on: what was compared cannot change before the commit.
        let begin = if self.dialect == Dialect::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
        self.connection.execute(begin).map_err(|error| self.failed(&error, None, &[], false))?;
        if self.dialect == Dialect::Sqlite {
            let found = versions(self.connection, &self.plan.table).map_err(|error| self.failed(&error, None, &[], true))?;
            if found != at {
                self.rollback();
                let stopped = Stopped { stop: Stop::Moved { wanted: at.to_vec(), found }, step: None };
                return Err(Failed { stopped, may_be_tried_again: false });
            }
        }
        for (done, step) in unit.steps.iter().enumerate() {
            let ran = unit.steps.get(..done).unwrap_or_default();
            if !self.news.before(step) {
                self.rollback();
                self.mark(ran, Fate::TakenBack);
                return Err(Failed { stopped: Stopped { stop: Stop::Cancelled, step: Some(step.number) }, may_be_tried_again: false });
            }
            match self.send(step) {
                Ok(None) => {}
                Ok(Some(rows)) => {
                    self.rollback();
                    self.mark(ran, Fate::TakenBack);
                    self.mark(std::slice::from_ref(step), Fate::TakenBack);
                    return Err(Failed {
                        stopped: Stopped { stop: Stop::VersionRows(rows), step: Some(step.number) },
                        may_be_tried_again: false,
                    });
                }
                Err(error) => return Err(self.failed(&error, Some(step), ran, true)),
            }
        }
        match self.connection.execute("COMMIT") {
            Ok(_) => Ok(()),
            Err(error) if is_lost(&error) => {
                // It may have reached the server: the version table says it.
                self.mark(&unit.steps, Fate::Unknown);
                Err(Failed { stopped: Stopped { stop: stop_of(&error), step: None }, may_be_tried_again: false })
            }
            Err(error) => Err(self.failed(&error, None, &unit.steps, true)),
        }
    }

    /// A transaction that is over: what ran in it is taken back, by us or by the server.
    fn failed(&mut self, error: &DatabaseError, step: Option<&Step>, ran: &[Step], is_open: bool) -> Failed {
        if is_open && !is_lost(error) {
            self.rollback();
        }
        self.mark(ran, Fate::TakenBack);
        if let Some(step) = step {
            self.mark(std::slice::from_ref(step), if is_lost(error) { Fate::TakenBack } else { Fate::Refused });
        }
        let stopped = Stopped { stop: stop_of(error), step: step.map(|step| step.number) };
        Failed { stopped, may_be_tried_again: is_lock_trouble(self.dialect, error) }
    }

    fn alone(&mut self, unit: &Unit) -> Result<(), Stopped> {
        for step in &unit.steps {
            let mut tries = 1;
            loop {
                if !self.news.before(step) {
                    return Err(Stopped { stop: Stop::Cancelled, step: Some(step.number) });
                }
                match self.send_alone(step) {
                    Ok(rows) => {
                        self.mark(std::slice::from_ref(step), Fate::Committed);
                        match rows {
                            None => break,
                            Some(rows) => return Err(Stopped { stop: Stop::VersionRows(rows), step: Some(step.number) }),
                        }
                    }
                    Err(error) => {
                        let fate = if is_lost(&error) { Fate::Unknown } else { Fate::Refused };
                        self.mark(std::slice::from_ref(step), fate);
                        let stopped = Stopped { stop: stop_of(&error), step: Some(step.number) };
                        // What works concurrently leaves something behind when it stops: nobody runs over that.
                        if !is_lock_trouble(self.dialect, &error) || is_concurrent(step) {
                            return Err(stopped);
                        }
                        self.wait(&mut tries, stopped)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What works concurrently waits for others and lets nobody wait: it gets the time it needs.
    fn send_alone(&mut self, step: &Step) -> Result<Option<u64>, DatabaseError> {
        if self.dialect != Dialect::Postgresql || !is_concurrent(step) {
            return self.send(step);
        }
        self.connection.execute("SET lock_timeout = 0")?;
        let sent = self.send(step);
        let back = self.connection.execute(&format!("SET lock_timeout = {}", self.limits.lock.as_millis().max(1)));
        let sent = sent?;
        back?;
        Ok(sent)
    }

    fn as_it_goes(&mut self, unit: &Unit) -> Result<(), Stopped> {
        // What ran and is not committed yet.
        let mut open: Vec<Step> = Vec::new();
        for step in &unit.steps {
            if !self.news.before(step) {
                self.rollback();
                self.mark(&open, Fate::TakenBack);
                return Err(Stopped { stop: Stop::Cancelled, step: Some(step.number) });
            }
            self.sent_as_it_goes(step, &mut open)?;
        }
        match self.connection.execute("COMMIT") {
            Ok(_) => {
                self.mark(&open, Fate::Committed);
                Ok(())
            }
            Err(error) => {
                self.mark(&open, if is_lost(&error) { Fate::Unknown } else { Fate::TakenBack });
                Err(Stopped { stop: stop_of(&error), step: None })
            }
        }
    }

    fn sent_as_it_goes(&mut self, step: &Step, open: &mut Vec<Step>) -> Result<(), Stopped> {
        let own = std::slice::from_ref(step);
        let mut tries = 1;
        loop {
            let sent = self.send(step);
            if step.commits_before && !sent.as_ref().is_err_and(is_lost) {
                self.mark(open, Fate::Committed);
                open.clear();
            }
            match sent {
                Ok(None) if step.commits_before => self.mark_sent(step),
                Ok(None) => open.push(step.clone()),
                Ok(Some(rows)) => {
                    self.rollback();
                    self.mark(open, Fate::TakenBack);
                    self.mark(own, Fate::TakenBack);
                    return Err(Stopped { stop: Stop::VersionRows(rows), step: Some(step.number) });
                }
                Err(error) if is_lost(&error) => {
                    let fate = if step.commits_before { Fate::Unknown } else { Fate::TakenBack };
                    self.mark(open, fate);
                    self.mark(own, fate);
                    return Err(Stopped { stop: stop_of(&error), step: Some(step.number) });
                }
                Err(error) => {
                    self.mark(own, Fate::Refused);
                    let stopped = Stopped { stop: stop_of(&error), step: Some(step.number) };
                    if is_lock_trouble(self.dialect, &error) && open.is_empty() {
                        self.wait(&mut tries, stopped)?;
                        continue;
                    }
                    self.rollback();
                    self.mark(open, Fate::TakenBack);
                    return Err(stopped);
                }
            }
            return Ok(());
        }
    }

    /// Sends a statement; the number of rows where the version table's was not one.
    fn send(&mut self, step: &Step) -> Result<Option<u64>, DatabaseError> {
        if step.part == Part::VersionTable && stands(self.connection, &self.plan.table)? {
            self.fates.insert(step.number, Fate::Skipped);
            return Ok(None);
        }
        let span = tracing::debug_span!("statement", number = step.number, direction = "apply");
        let rows = span.in_scope(|| self.connection.execute(&step.sql))?;
        Ok(Some(rows).filter(|rows| step.part == Part::Version && *rows != 1))
    }

    /// Another try after a pause, or the end.
    fn wait(&mut self, tries: &mut u32, stopped: Stopped) -> Result<(), Stopped> {
        let Stop::Refused { message, .. } = &stopped.stop else { return Err(stopped) };
        if *tries >= self.limits.tries.max(1) {
            return Err(Stopped { stop: Stop::NoLock { tries: *tries, message: message.clone() }, step: stopped.step });
        }
        let pause = (self.limits.pause * 2_u32.saturating_pow(*tries - 1)).min(Duration::from_secs(30));
        let words = format!("no lock at try {tries} of {}: {message}", self.limits.tries);
        self.waits.push(words.clone());
        if !self.news.waits(&words) {
            return Err(Stopped { stop: Stop::Cancelled, step: stopped.step });
        }
        std::thread::sleep(pause);
        *tries += 1;
        Ok(())
    }

    fn rollback(&mut self) {
        let _ = self.connection.execute("ROLLBACK");
    }

    fn mark_sent(&mut self, step: &Step) {
        self.mark(std::slice::from_ref(step), Fate::Committed);
    }

    /// Writes down what became of statements; one that was left out stays so.
    fn mark(&mut self, steps: &[Step], fate: Fate) {
        for step in steps {
            let known = self.fates.entry(step.number).or_insert(Fate::NotRun);
            if *known != Fate::Skipped {
                *known = fate;
            }
        }
    }
}

fn is_concurrent(step: &Step) -> bool {
    step.sql.to_ascii_uppercase().split_whitespace().any(|word| word == "CONCURRENTLY")
}

fn is_lost(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Unreachable { .. } | DatabaseError::Silent { .. } | DatabaseError::Lost { .. } => true,
        // The server ends the session with its last word: an administrator's command, or its own end.
        DatabaseError::Refused { refusal, .. } => ["57P01", "57P02", "57P03", "57P05", "1053", "1927"].contains(&refusal.code.as_str()),
        DatabaseError::TimedOut { .. } | DatabaseError::Version(_) => false,
    }
}

fn stop_of(error: &DatabaseError) -> Stop {
    match error {
        error if is_lost(error) => Stop::Lost { message: error.to_string() },
        DatabaseError::Refused { refusal, .. } => {
            let detail = refusal.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            Stop::Refused { code: refusal.code.clone(), message: format!("{}{detail}", refusal.message) }
        }
        other => Stop::TooLong { message: other.to_string() },
    }
}

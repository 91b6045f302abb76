//! `alembic-gate approve`: a person on a terminal says that they know what is lost and where the backup is.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use crate::config::{Config, NamedEnvironment};
use crate::effects::Loss;
use crate::lifecycle::approval::{Approval, Tier, Way};
use crate::lifecycle::evidence::Review;
use crate::lifecycle::identity::{IdError, MigrationId};
use crate::lifecycle::ledger::Event;
use crate::store::file::FileStore;
use crate::store::home::{Home, HomeError};
use crate::store::{Happening, Kept, Saved, StoreError, clock};

/// How often the person may try to type the digest.
const TRIES: usize = 3;

/// An approval did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// Nobody sits there.
    #[error("`approve` is for a person: standard input and output must be a terminal")]
    NoTerminal,
    /// The id is none.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Nothing is on record.
    #[error("no review of `{id}` is on record in `{}`", .folder)]
    NoReview {
        /// The migration.
        id: MigrationId,
        /// Where it was looked for.
        folder: String,
    },
    /// The record cannot be believed.
    #[error("the record of `{id}` cannot be trusted: {fault}")]
    Faulty {
        /// The migration.
        id: MigrationId,
        /// What is wrong.
        fault: String,
    },
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// It names no such environment.
    #[error("`alembic-gate.toml` names no environment `{name}`")]
    NoEnvironment {
        /// The name.
        name: String,
        /// Those it names.
        known: Vec<String>,
    },
    /// A backup is asked for.
    #[error("`{environment}` can lose something here, and no backup is named")]
    NoBackup {
        /// The environment.
        environment: String,
    },
    /// There is no key.
    #[error(transparent)]
    Key(#[from] HomeError),
    /// Another text was typed.
    #[error("what was typed is not the digest: nothing is approved")]
    NotTyped,
    /// Somebody else wrote.
    #[error("the record of `{id}` changed while you were asked: nothing is approved")]
    Changed {
        /// The migration.
        id: MigrationId,
    },
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The terminal is gone.
    #[error("the terminal could not be used")]
    Terminal(#[source] std::io::Error),
}

impl ApproveError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoTerminal => "run it in a terminal of your own; no option takes its place".to_owned(),
            Self::Id(error) => error.hint(),
            Self::NoReview { .. } => "call `review_sql` first, or go to the project's folder".to_owned(),
            Self::Faulty { .. } => "call `review_sql` and `test_rollback` again: they begin a new record".to_owned(),
            Self::Config(error) => error.hint(),
            Self::NoEnvironment { known, .. } if known.is_empty() => "add `[environments.production]` to it".to_owned(),
            Self::NoEnvironment { known, .. } => format!("it names {}", known.join(", ")),
            Self::NoBackup { .. } => {
                "say which: `--backup \"snapshot of 2026-11-24 06:00\"`; we cannot make one and do not look".to_owned()
            }
            Self::Key(error) => error.hint(),
            Self::NotTyped => "run it again and type the eight characters as they are shown".to_owned(),
            Self::Changed { .. } => "run it again: what you were shown may not be what stands now".to_owned(),
            Self::Store(error) => error.hint(),
            Self::Terminal(_) => "run it again in a terminal".to_owned(),
        }
    }
}

/// What the person is shown.
#[must_use]
pub fn shown(id: &MigrationId, environment: &NamedEnvironment, review: &Review, trip: &str, backup: Option<&str>) -> String {
    let mut text = format!("Migration    {id}\nEnvironment  {}\nData loss    {}\n", environment.name, review.judged.loss.word());
    for line in &review.judged.lost {
        text.push_str(&format!("             {}\n", plain(line)));
    }
    for line in review.judged.errors.iter().chain(&review.judged.mixed) {
        text.push_str(&format!("Open         {}\n", plain(line)));
    }
    text.push_str(&format!("Way back     {trip}\n"));
    text.push_str(&format!("Backup       {}\n", backup.map_or_else(|| "none named".to_owned(), plain)));
    text.push_str(&format!("Digest       {}\n\n", review.approval_digest()));
    text.push_str("The approval holds for this digest alone: one changed byte, and it is none.\n");
    text
}

/// A text from a file on a terminal: no escape of it reaches the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

/// Asks on the terminal and writes the approval down. Gives what is to be said at the end.
///
/// # Errors
/// No terminal, no review, no such environment, no backup, no key, another text was typed, the record changed.
pub fn approve(folder: &Path, migration_id: &str, environment: &str, backup: Option<&str>) -> Result<String, ApproveError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(ApproveError::NoTerminal);
    }
    let id: MigrationId = migration_id.parse()?;
    let store = FileStore::found_from(folder);
    let config = Config::found_from(store.project())?;
    let environment = config.environment(environment).ok_or_else(|| ApproveError::NoEnvironment {
        name: environment.to_owned(),
        known: config.environments.keys().cloned().collect(),
    })?;
    let home = Home::found(store.project())?;
    let key = home.own_key()?;
    let opened = home.open(&id);
    let (proven, version) = store.proven(&id, &opened);
    if let Some(fault) = proven.faults().first() {
        return Err(ApproveError::Faulty { id, fault: fault.to_string() });
    }
    let Some(review) = proven.reviews().last() else {
        return Err(ApproveError::NoReview { id, folder: store.project().display().to_string() });
    };
    let backup = backup.map(str::trim).filter(|backup| !backup.is_empty());
    if backup.is_none() && (review.judged.loss >= Loss::Medium || environment.tier == Tier::Production) {
        return Err(ApproveError::NoBackup { environment: environment.name });
    }
    let trip = proven.trips().iter().rev().find(|(trip, _)| trip.subject == review.subject);
    let trip = trip.and_then(|(trip, _)| trip.outcome()).map_or("never tested", crate::lifecycle::evidence::Outcome::word);
    ask(&shown(&id, &environment, review, trip, backup), &review.approval_digest().short())?;
    let approval = Approval {
        environment: environment.name.clone(),
        environment_digest: environment.definition,
        digest: review.approval_digest(),
        loss: review.judged.loss,
        lost: review.judged.lost.clone(),
        backup: backup.map(str::to_owned),
        approver: user(),
        way: Way::Terminal,
    };
    let said = format!("approved by {} for {} at level L2, sealed with key {}", approval.approver, environment.name, key.id());
    let kept = store.load(&id, &opened.keys).kept.unwrap_or_else(|| Kept {
        migration_name: id.name().to_owned(),
        target_revision: "head".to_owned(),
        revisions: Vec::new(),
    });
    let happened = [Happening::Event(Event::Approved { approval: Box::new(approval) })];
    match store.save(&id, version, &happened, &kept, Some(&home), &clock::now()) {
        Saved::Kept { .. } => Ok(said),
        Saved::Conflict { .. } => Err(ApproveError::Changed { id }),
        Saved::NotKept(error) => Err(error.into()),
    }
}

/// Shows the text and wants the digits typed back.
fn ask(text: &str, digits: &str) -> Result<(), ApproveError> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}").map_err(ApproveError::Terminal)?;
    for _ in 0..TRIES {
        write!(out, "Type the digest to approve: ").and_then(|()| out.flush()).map_err(ApproveError::Terminal)?;
        let mut typed = String::new();
        if std::io::stdin().lock().read_line(&mut typed).map_err(ApproveError::Terminal)? == 0 {
            break;
        }
        if typed.trim() == digits {
            return Ok(());
        }
    }
    Err(ApproveError::NotTyped)
}

/// The user that the system knows us as; a variable of the environment would be anybody's word.
#[cfg(unix)]
fn user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let row = table.lines().find(|row| row.split(':').nth(2).is_some_and(|field| field == uid.to_string()));
    row.and_then(|row| row.split(':').next()).map_or_else(|| format!("user {uid}"), str::to_owned)
}

#[cfg(not(unix))]
fn user() -> String {
    std::env::var("USERNAME").unwrap_or_else(|_| "unknown user".to_owned())
}

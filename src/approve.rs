//! `alembic-gate approve`: a person says that they know what is lost and where the backup is, on a terminal or by a
//! signed tag.
//!
//! A terminal shows that somebody typed; an agent of the same user can open one. A tag is signed with a key of the
//! person's own: with a passphrase or a touch, an agent cannot make one.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use crate::config::{Config, NamedEnvironment};
use crate::digest::Digest;
use crate::effects::Loss;
use crate::lifecycle::approval::{Approval, Statement, Tier, Way};
use crate::lifecycle::evidence::{Outcome, Review};
use crate::lifecycle::identity::{IdError, MigrationId};
use crate::lifecycle::ledger::{Event, Version};
use crate::lifecycle::proven::Proven;
use crate::recovery::document::{self, Document};
use crate::store::home::{Home, HomeError};
use crate::store::records::Records;
use crate::store::{Happening, Kept, Saved, StoreError, Wishes, clock};
use crate::tools::call::{Call, Settings};
use crate::tools::migration::Migration;
use crate::tools::source::SqlInput;

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
    /// What was reviewed is not what stands.
    #[error("what was reviewed of `{id}` is not what stands now: {change}")]
    Stale {
        /// The migration.
        id: MigrationId,
        /// The first thing that changed.
        change: String,
    },
    /// The project cannot be read: nobody can say what stands.
    #[error("what stands now of `{id}` could not be seen: {why}")]
    Unseen {
        /// The migration.
        id: MigrationId,
        /// Why.
        why: String,
        /// What to do.
        hint: String,
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
    /// No way back was written down.
    #[error("no way back by hand is written down for `{id}`: there is no `{file}`")]
    NoDocument {
        /// The migration.
        id: MigrationId,
        /// Where it would lie.
        file: &'static str,
    },
    /// The document cannot be read.
    #[error("the document of the way back could not be read")]
    Document(#[source] std::io::Error),
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
            Self::Stale { .. } => "call `review_sql`, then approve what it shows".to_owned(),
            Self::Unseen { hint, .. } => hint.clone(),
            Self::Config(error) => error.hint(),
            Self::NoEnvironment { known, .. } if known.is_empty() => "add `[environments.production]` to it".to_owned(),
            Self::NoEnvironment { known, .. } => format!("it names {}", known.join(", ")),
            Self::NoBackup { .. } => {
                "say which: `--backup \"snapshot of 2026-11-24 06:00\"`; we cannot make one and do not look".to_owned()
            }
            Self::NoDocument { .. } => "`test_rollback` with `applied_on` drafts it".to_owned(),
            Self::Document(_) => "look at the file in `.alembic-gate/`".to_owned(),
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
    format!("{text}Way back     {trip}\n{}", foot(backup, review.approval_digest()))
}

/// What stands below, whatever is approved.
fn foot(backup: Option<&str>, digest: Digest) -> String {
    let backup = backup.map_or_else(|| "none named".to_owned(), plain);
    format!("Backup       {backup}\nDigest       {digest}\n\nThe approval holds for this digest alone: one changed byte, and it is none.\n")
}

/// A text from a file on a terminal: no escape of it reaches the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

/// What a person asks for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which migration.
    pub migration_id: &'a str,
    /// For which environment.
    pub environment: &'a str,
    /// Which backup there is.
    pub backup: Option<&'a str>,
    /// The document of the way back by hand is approved, not the migration.
    pub manual_rollback: bool,
}

/// What is approved.
#[derive(Debug)]
enum Subject {
    /// A migration as it was reviewed, and how its round trip ended.
    Migration(Box<Review>, &'static str),
    /// A document.
    WayBack(Document),
}

impl Subject {
    /// What was reviewed of a migration last, if that is what stands now.
    fn migration(id: &MigrationId, store: &Records, proven: &Proven) -> Result<Self, ApproveError> {
        let project = store.project().display().to_string();
        let Some(review) = proven.reviews().last().cloned() else {
            return Err(ApproveError::NoReview { id: id.clone(), folder: project });
        };
        let asked = SqlInput { project: Some(project), migration_id: Some(id.to_string()), ..SqlInput::default() };
        let settings = Settings::default();
        match Migration::found(&asked, &Call::local(&settings)) {
            Ok((migration, _)) => {
                if let Some(change) = migration.now.as_ref().and_then(|now| review.changes(now).into_iter().next()) {
                    return Err(ApproveError::Stale { id: id.clone(), change: change.to_string() });
                }
            }
            // A record alone, without its project: the gates compare the digest when somebody asks them.
            Err(error) if error.code == "no_project" => {}
            Err(error) => return Err(ApproveError::Unseen { id: id.clone(), why: error.message, hint: error.hint }),
        }
        let trip = proven.trips().iter().rev().find(|(trip, _)| trip.subject == review.subject);
        let trip = trip.and_then(|(trip, _)| trip.outcome()).map_or("never tested", Outcome::word);
        Ok(Self::Migration(Box::new(review), trip))
    }

    fn way_back(id: &MigrationId, store: &Records) -> Result<Self, ApproveError> {
        let found = document::read(store.project(), id.as_str()).map_err(ApproveError::Document)?;
        found.map(Self::WayBack).ok_or_else(|| ApproveError::NoDocument { id: id.clone(), file: document::FILE })
    }

    fn digest(&self) -> Digest {
        match self {
            Self::Migration(review, _) => review.approval_digest(),
            Self::WayBack(document) => document.digest,
        }
    }

    /// What is lost, in words, and how bad that is; a document that has something to be minded may lose values.
    fn lost(&self) -> (Loss, Vec<String>) {
        match self {
            Self::Migration(review, _) => (review.judged.loss, review.judged.lost.clone()),
            Self::WayBack(document) => {
                let mind = document.mind();
                (if mind.is_empty() { Loss::None } else { Loss::Medium }, mind)
            }
        }
    }
}

/// What is to be approved, and where.
#[derive(Debug)]
struct Matter {
    id: MigrationId,
    store: Records,
    home: Home,
    environment: NamedEnvironment,
    subject: Subject,
    backup: Option<String>,
    version: Version,
    kept: Kept,
}

impl Matter {
    fn found(folder: &Path, asked: &Asked<'_>) -> Result<Self, ApproveError> {
        let id: MigrationId = asked.migration_id.parse()?;
        let store = Records::found_from(folder);
        let config = Config::found_from(store.project())?;
        let environment = config.environment(asked.environment).ok_or_else(|| ApproveError::NoEnvironment {
            name: asked.environment.to_owned(),
            known: config.environments.keys().cloned().collect(),
        })?;
        let home = Home::found(store.project())?;
        let opened = home.open(&id);
        let (proven, version) = store.proven(&id, &opened);
        if let Some(fault) = proven.faults().first() {
            return Err(ApproveError::Faulty { id, fault: fault.to_string() });
        }
        let subject = if asked.manual_rollback { Subject::way_back(&id, &store)? } else { Subject::migration(&id, &store, &proven)? };
        let backup = asked.backup.map(str::trim).filter(|backup| !backup.is_empty()).map(str::to_owned);
        if backup.is_none() && (subject.lost().0 >= Loss::Medium || environment.tier == Tier::Production) {
            return Err(ApproveError::NoBackup { environment: environment.name });
        }
        let kept = store.load(&id, &opened.keys).kept.unwrap_or_else(|| Kept {
            migration_name: id.name().to_owned(),
            target_revision: "head".to_owned(),
            revisions: Vec::new(),
            wishes: Wishes::default(),
        });
        Ok(Self { id, store, home, environment, subject, backup, version, kept })
    }

    fn shown(&self) -> String {
        match &self.subject {
            Subject::Migration(review, trip) => shown(&self.id, &self.environment, review, trip, self.backup.as_deref()),
            Subject::WayBack(document) => {
                let text: String = document.text.lines().map(|line| format!("  {}\n", plain(line))).collect();
                let (id, environment) = (&self.id, &self.environment.name);
                let head = format!("Way back of  {id}\nEnvironment  {environment}\nDocument     {}\n\n{text}\n", document.file);
                format!("{head}{}", foot(self.backup.as_deref(), document.digest))
            }
        }
    }

    fn statement(&self) -> Statement {
        let (loss, lost) = self.subject.lost();
        Statement {
            migration_id: self.id.clone(),
            environment: self.environment.name.clone(),
            environment_digest: self.environment.definition,
            digest: self.subject.digest(),
            loss,
            lost,
            backup: self.backup.clone(),
        }
    }
}

/// The message of a tag that approves when somebody signs it: `… | git tag -s -F - alembic-gate/<id>/<environment>`.
///
/// # Errors
/// As [`approve`], but for the terminal and the key.
pub fn tag_message(folder: &Path, asked: &Asked<'_>) -> Result<String, ApproveError> {
    let matter = Matter::found(folder, asked)?;
    Ok(format!("Approve {} for {}\n\n{}\n{}\n", matter.id, matter.environment.name, matter.shown(), matter.statement().line()))
}

/// Asks on the terminal and writes the approval down. Gives what is to be said at the end.
///
/// # Errors
/// No terminal, no review or no document, no such environment, no backup, no key, another text was typed, the record changed.
pub fn approve(folder: &Path, asked: &Asked<'_>) -> Result<String, ApproveError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(ApproveError::NoTerminal);
    }
    let matter = Matter::found(folder, asked)?;
    let key = matter.home.own_key()?;
    ask(&matter.shown(), &matter.subject.digest().short())?;
    let Statement { migration_id: id, environment, environment_digest, digest, loss, lost, backup } = matter.statement();
    let approval = Approval { environment, environment_digest, digest, loss, lost, backup, approver: user(), way: Way::Terminal };
    let said = format!("approved by {} for {} at level L2, sealed with key {}", approval.approver, approval.environment, key.id());
    let happened = [Happening::Event(Event::Approved { approval: Box::new(approval) })];
    match matter.store.save(&id, matter.version, &happened, &matter.kept, Some(&matter.home), &clock::now()) {
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

//! What statements lock, rewrite, read and change, as the server was seen to do it, and how that agrees with what was
//! foretold.
//!
//! PostgreSQL only. A statement inside a transaction is asked about on its own connection, right behind it, while its
//! locks are held (the project's Python does that for revisions, [`own`] for raw SQL). A statement that commits by itself
//! (`CONCURRENTLY`) is held up by a second session for a moment, and seen by a third ([`concurrent`]).

pub mod concurrent;
pub mod foresight;
pub mod own;

use serde::Serialize;

use crate::bridge::Touched;
use crate::effects::LockMode;
use crate::trace::foresight::Foresight;

/// A statement that was sent, with what was seen of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The file, as the project shows it.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The text.
    pub sql: String,
    /// The transaction it ran in; None: one of its own.
    pub transaction: Option<u64>,
    /// How long it ran; None for one that was refused.
    pub ms: Option<f64>,
    /// From its start to the end of its transaction.
    pub held_ms: Option<f64>,
    /// What it did to tables that stood before; None: nobody looked.
    pub touched: Option<Vec<Touched>>,
}

/// What one statement did to one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// The revision.
    pub revision: String,
    /// `upgrade` or `downgrade`.
    pub direction: &'static str,
    /// Its place among the statements of the revision that way, from 1.
    pub statement: u32,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The table, with its schema.
    pub table: String,
    /// The strongest lock held on it behind the statement, in the server's words: `ACCESS EXCLUSIVE`.
    pub mode: &'static str,
    /// The earlier statement that took it, where this one did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_since: Option<u32>,
    /// Every row was written into a new file.
    pub rewrote: bool,
    /// Its rows were read through.
    pub scanned: bool,
    /// Rows read for that.
    pub rows_read: u64,
    /// Rows written, changed or deleted.
    pub rows_changed: u64,
    /// How long the statement ran, in milliseconds.
    pub ms: f64,
    /// How long the lock was held from then on, in milliseconds.
    pub held_ms: f64,
    /// `commit`: until the revision's transaction ended; `statement`: the statement commits by itself.
    pub held_until: &'static str,
}

/// What was seen of a whole trial, and where it differs from what was foretold.
#[derive(Debug, Default, Clone)]
pub struct Trace {
    /// By revision, direction, statement, table.
    pub seen: Vec<Seen>,
    /// Where the server did otherwise than `classify_risk` says, in sentences.
    pub mismatches: Vec<String>,
    foresight: Option<Foresight>,
}

/// Which way the statements went, and whether they are told.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The revision.
    pub revision: &'a str,
    /// `upgrade` or `downgrade`.
    pub direction: &'static str,
    /// Told; else only the schema that is foretold goes on.
    pub is_told: bool,
}

impl Trace {
    /// With the schema in front of the first statement; None: nothing is foretold.
    #[must_use]
    pub fn new(foresight: Option<Foresight>) -> Self {
        Self { seen: Vec::new(), mismatches: Vec::new(), foresight }
    }

    /// Takes in the statements of one way of one revision. `stood`: the tables that were there before it, with schema.
    pub fn add(&mut self, way: Way<'_>, sent: &[Sent], stood: &[String]) {
        let mut held: Vec<Held> = Vec::new();
        let mut transaction = None;
        for (at, statement) in sent.iter().enumerate() {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            tracing::debug!(
                revision = way.revision,
                direction = way.direction,
                number,
                line = statement.line,
                ms = statement.ms,
                "statement"
            );
            if statement.transaction.is_none() || statement.transaction != transaction {
                held.clear();
                transaction = statement.transaction;
            }
            let before = held.clone();
            let foretold = self.foresight.as_mut().map(|foresight| foresight.next(&statement.sql, statement.transaction));
            let Some(touched) = &statement.touched else { continue };
            let is_truncate = foretold.as_ref().is_some_and(|foretold| foretold.is_truncate);
            for one in touched {
                let Some(mode) = one.mode.as_deref().and_then(mode_of) else { continue };
                let since = held.iter().find(|known| known.table == one.table).map(|known| known.since);
                if one.taken || since.is_none() {
                    held.retain(|known| known.table != one.table);
                    held.push(Held { table: one.table.clone(), mode, since: number });
                }
                let seen = Seen {
                    revision: way.revision.to_owned(),
                    direction: way.direction,
                    statement: number,
                    file: statement.file.clone(),
                    line: statement.line,
                    table: one.table.clone(),
                    mode: mode.words(),
                    held_since: since.filter(|_| !one.taken),
                    rewrote: one.rewrote && !is_truncate,
                    scanned: one.scanned,
                    rows_read: one.rows_read,
                    rows_changed: one.rows_changed,
                    ms: statement.ms.unwrap_or_default(),
                    held_ms: statement.held_ms.or(statement.ms).unwrap_or_default(),
                    held_until: if statement.transaction.is_some() { "commit" } else { "statement" },
                };
                if way.is_told && (mode != LockMode::AccessShare || seen.scanned) {
                    self.seen.push(seen);
                }
            }
            if let (Some(foretold), true) = (foretold, way.is_told) {
                self.add_held(way, number, statement, &foretold, &before);
                let place = place(way, number, statement);
                self.mismatches.extend(foretold.mismatches(touched, &before, stood).into_iter().map(|words| format!("{place} {words}")));
            }
        }
        if let Some(foresight) = &mut self.foresight {
            foresight.settle();
        }
    }

    /// A lock that the statement takes and that was held already shows nothing new: what is foretold says that it is taken.
    fn add_held(&mut self, way: Way<'_>, number: u32, statement: &Sent, foretold: &foresight::Foretold, before: &[Held]) {
        for (table, mode) in &foretold.locks {
            let is_told = self.seen.iter().any(|seen| {
                seen.revision == way.revision && seen.direction == way.direction && seen.statement == number && same(&seen.table, table)
            });
            let Some(held) = before.iter().find(|held| same(&held.table, table) && held.mode >= *mode).filter(|_| !is_told) else {
                continue;
            };
            self.seen.push(Seen {
                revision: way.revision.to_owned(),
                direction: way.direction,
                statement: number,
                file: statement.file.clone(),
                line: statement.line,
                table: held.table.clone(),
                mode: held.mode.words(),
                held_since: Some(held.since),
                rewrote: false,
                scanned: false,
                rows_read: 0,
                rows_changed: 0,
                ms: statement.ms.unwrap_or_default(),
                held_ms: statement.held_ms.or(statement.ms).unwrap_or_default(),
                held_until: "commit",
            });
        }
    }
}

/// A lock that is held, and the statement that took it.
#[derive(Debug, Clone)]
pub struct Held {
    table: String,
    mode: LockMode,
    since: u32,
}

fn place(way: Way<'_>, number: u32, statement: &Sent) -> String {
    match (&statement.file, statement.line) {
        (Some(file), Some(line)) => format!("{} of {}, statement {number} ({file}:{line}):", way.direction, way.revision),
        _ => format!("{} of {}, statement {number}:", way.direction, way.revision),
    }
}

/// `public.` may be left out, and quotes.
fn same(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.replace('"', "").trim_start_matches("public.").to_lowercase();
    bare(one) == bare(other)
}

/// As `pg_locks` writes it.
fn mode_of(word: &str) -> Option<LockMode> {
    Some(match word {
        "AccessShareLock" => LockMode::AccessShare,
        "RowShareLock" => LockMode::RowShare,
        "RowExclusiveLock" => LockMode::RowExclusive,
        "ShareUpdateExclusiveLock" => LockMode::ShareUpdateExclusive,
        "ShareLock" => LockMode::Share,
        "ShareRowExclusiveLock" => LockMode::ShareRowExclusive,
        "ExclusiveLock" => LockMode::Exclusive,
        "AccessExclusiveLock" => LockMode::AccessExclusive,
        _ => return None,
    })
}

//! What a server does with a change: facts, no judgement.
//!
//! A change meets the catalogue in a *situation* (`add_column_rewrite`, `validate_foreign_key` …). For each
//! situation and range of versions there is one row (`Fact`) with locks, work and source, and an example that
//! `tests/it/claims.rs` runs on real servers. A situation without a row for a version is not understood there.

pub mod fact;
pub mod mysql;
pub mod postgresql;
pub mod reach;
pub mod sqlite;
pub mod words_only;

use serde::Serialize;

use crate::dialect::{Dialect, Server};
use crate::sql::catalog::Catalog;
use crate::sql::change::{Change, Name, Reading};
use crate::sql::script::Statement;
pub use fact::{Fact, LockMode, Role, Source};

/// How much of a table a statement goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// Only the catalogue, or rows found by key.
    #[default]
    Instant,
    /// All rows are read, or an index over them is built.
    Scan,
    /// All rows are written into a new file.
    Rewrite,
}

impl Work {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Instant => "instant",
            Self::Scan => "scan",
            Self::Rewrite => "rewrite",
        }
    }
}

/// What is gone afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// Nothing.
    #[default]
    None,
    /// A definition or a guarantee; or a column was filled that was NULL or is new.
    Low,
    /// Stored values are overwritten, or the reverse change cannot restore them; or nobody can tell.
    Medium,
    /// Stored rows, columns or tables.
    High,
}

impl Loss {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Whether the reverse change brings everything back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Undo {
    /// Schema and rows come back.
    #[default]
    Exact,
    /// The schema comes back, what was stored does not.
    ShapeOnly,
    /// Nobody can tell from the text.
    Unknown,
    /// There is no reverse change.
    Never,
}

/// When a failure comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// On every database that is as the catalogue says.
    Always,
    /// If stored rows are in the way.
    OnRows,
}

/// A way in which the server refuses the statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// SQLSTATE, MariaDB's error number, or SQLite's message.
    pub code: String,
    /// When it comes.
    pub when: When,
    /// Why, in one line.
    pub why: String,
}

/// A lock on a table that stood before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The table, with its schema where that is known.
    pub table: Name,
    /// The mode.
    pub mode: LockMode,
}

/// The online DDL class of the MySQL family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Online {
    /// The cheapest algorithm the server accepts.
    pub algorithm: &'static str,
    /// The cheapest lock it accepts with that.
    pub lock: &'static str,
}

/// Something that worked for the running release, and will not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// What stops working.
    pub what: String,
    /// Which rule speaks of it.
    pub rule: &'static str,
}

/// All that a statement does, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effect {
    /// Locks on tables that stood before, the strongest for each.
    pub locks: Vec<Lock>,
    /// The most work it does on a table that stood before.
    pub work: Work,
    /// Tables whose rows are read through.
    pub scans: Vec<Name>,
    /// Tables that are written anew.
    pub rewrites: Vec<Name>,
    /// Tables on which an index is built.
    pub builds: Vec<Name>,
    /// What is gone afterwards.
    pub loss: Loss,
    /// Why, when something is.
    pub loss_why: Option<String>,
    /// Whether the reverse change brings everything back.
    pub undo: Undo,
    /// How the server may refuse.
    pub fails: Vec<Failure>,
    /// The MySQL family's class.
    pub online: Option<Online>,
    /// What of the running release stops working.
    pub breaks: Vec<Break>,
    /// Objects that `CASCADE` takes along.
    pub cascades: Vec<String>,
    /// Sources: ids of passages.
    pub cites: Vec<&'static str>,
    /// Situations met, by name, for explanations and tests.
    pub situations: Vec<&'static str>,
    /// A situation without a row for this version.
    pub unknown: Option<String>,
    /// It must not run in a transaction.
    pub forbids_transaction: bool,
    /// Rows are changed that a condition on a key or a limit bounds.
    pub is_bounded: bool,
    /// The work goes on while other sessions write.
    pub is_online: bool,
    /// Text that is built at run time.
    pub is_opaque: bool,
    /// Rows of the setup prove that it fails, unless a trigger mends the row first.
    pub needs_trigger: bool,
}

impl Effect {
    /// Notes a lock; of two on one table the stronger stays.
    pub fn lock(&mut self, table: Name, mode: LockMode) {
        match self.locks.iter_mut().find(|lock| lock.table == table) {
            Some(lock) => lock.mode = lock.mode.max(mode),
            None => self.locks.push(Lock { table, mode }),
        }
    }

    /// Notes a loss; the greater of two stays, with its reason.
    pub fn lose(&mut self, loss: Loss, why: impl Into<String>) {
        if loss > self.loss || self.loss_why.is_none() && loss == self.loss && loss > Loss::None {
            self.loss = loss;
            self.loss_why = Some(why.into());
        }
    }

    /// Notes how far it can be undone; the worst stays.
    pub fn undo(&mut self, undo: Undo) {
        self.undo = self.undo.max(undo);
    }

    /// Notes a failure.
    pub fn fail(&mut self, code: impl Into<String>, when: When, why: impl Into<String>) {
        let code = code.into();
        if !self.fails.iter().any(|failure| failure.code == code) {
            self.fails.push(Failure { code, when, why: why.into() });
        }
    }

    /// Notes work on a table.
    pub fn works(&mut self, table: &Name, work: Work) {
        self.work = self.work.max(work);
        let list = match work {
            Work::Instant => return,
            Work::Scan => &mut self.scans,
            Work::Rewrite => &mut self.rewrites,
        };
        if !list.contains(table) {
            list.push(table.clone());
        }
    }

    /// Notes what stops working.
    pub fn breaks(&mut self, rule: &'static str, what: impl Into<String>) {
        self.breaks.push(Break { what: what.into(), rule });
    }

    /// What the server refuses, or takes back, changes nothing.
    pub fn loses_nothing(&mut self) {
        self.loss = Loss::None;
        self.loss_why = None;
        self.undo = Undo::Exact;
        self.breaks.clear();
        self.cascades.clear();
    }

    /// The same without work on tables that hold no rows: it is done at once.
    #[must_use]
    pub fn on_filled(&self, catalog: &Catalog) -> Self {
        let filled = |table: &Name| catalog.has_rows(table) && !catalog.is_new(table);
        let mut effect = self.clone();
        effect.rewrites.retain(filled);
        effect.scans.retain(filled);
        effect.builds.retain(filled);
        effect
    }

    /// True when the server refuses it whatever the rows are.
    #[must_use]
    pub fn always_fails(&self) -> bool {
        self.fails.iter().any(|failure| failure.when == When::Always)
    }

    /// Takes another effect in, as if both were one statement.
    pub fn merge(&mut self, other: Self) {
        for lock in other.locks {
            self.lock(lock.table, lock.mode);
        }
        self.work = self.work.max(other.work);
        for (mine, theirs) in [(&mut self.scans, other.scans), (&mut self.rewrites, other.rewrites), (&mut self.builds, other.builds)] {
            for name in theirs {
                if !mine.contains(&name) {
                    mine.push(name);
                }
            }
        }
        if let Some(why) = other.loss_why {
            self.lose(other.loss, why);
        }
        self.loss = self.loss.max(other.loss);
        self.undo(other.undo);
        for failure in other.fails {
            self.fail(failure.code, failure.when, failure.why);
        }
        self.breaks.extend(other.breaks);
        self.cascades.extend(other.cascades);
        for cite in other.cites {
            if !self.cites.contains(&cite) {
                self.cites.push(cite);
            }
        }
        self.situations.extend(other.situations);
        self.unknown = self.unknown.take().or(other.unknown);
        self.forbids_transaction |= other.forbids_transaction;
        self.is_opaque |= other.is_opaque;
        self.needs_trigger |= other.needs_trigger;
        self.online = match (self.online, other.online) {
            (Some(mine), Some(theirs)) => Some(mysql::worse(mine, theirs)),
            (mine, theirs) => mine.or(theirs),
        };
    }
}

/// Where a statement runs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The server.
    pub server: Server,
    /// The schema in front of the statement.
    pub catalog: &'a Catalog,
    /// The transaction it runs in.
    pub transaction: Option<u32>,
    /// The statements behind it, in order: what is dropped may be made again.
    pub following: &'a [Statement],
}

/// What the server does with a statement.
#[must_use]
pub fn effect_of(reading: &Reading, place: &Place<'_>) -> Effect {
    if let Change::Block(block) = &reading.change {
        let language = match reading.flags.get("language") {
            Some(crate::sql::change::Flag::Text(language)) => language.as_str(),
            _ => "",
        };
        return block_effect(block, language, place);
    }
    if matches!(reading.change, Change::Unknown) {
        return Effect {
            loss: Loss::Medium,
            loss_why: Some("nobody can tell: the statement was not understood".to_owned()),
            undo: Undo::Unknown,
            ..Effect::default()
        };
    }
    let mut effect = match place.server.dialect {
        Dialect::Postgresql => postgresql::effect(reading, place),
        Dialect::Mysql | Dialect::Mariadb => mysql::effect(reading, place),
        Dialect::Sqlite => sqlite::effect(reading, place),
        Dialect::Mssql | Dialect::Oracle => words_only::effect(reading, place),
    };
    if effect.always_fails() {
        effect.loses_nothing();
    }
    // SQLite refuses by its words: what it stops at needs no understanding behind it.
    let is_refused = place.server.dialect == Dialect::Sqlite && effect.always_fails();
    if !is_refused && (!reading.is_understood() || effect.unknown.is_some()) {
        effect.lose(Loss::Medium, "nobody can tell: not all of the statement was understood");
        effect.undo(Undo::Unknown);
    }
    effect
}

/// A block does what its statements do, one after the other; what is built at run time may do anything.
fn block_effect(block: &crate::sql::change::Block, language: &str, place: &Place<'_>) -> Effect {
    let mut whole = Effect::default();
    let is_postgresql = place.server.dialect == Dialect::Postgresql;
    if is_postgresql && matches!(language, "sql" | "c" | "internal") {
        whole.fail("0A000", When::Always, format!("language `{language}` has no code that runs at once"));
        return whole;
    }
    if block.ends_transaction && place.transaction.is_some() {
        whole.fail("2D000", When::Always, "the block ends a transaction, which it may not do within one that was begun outside");
        return whole;
    }
    let mut catalog = place.catalog.clone();
    for inner in &block.statements {
        let effect = effect_of(inner, &Place { catalog: &catalog, transaction: place.transaction.or(Some(u32::MAX)), ..*place });
        if block.guarded && effect.always_fails() {
            // A condition keeps it from being run, or its error is caught and its locks are given back.
            continue;
        }
        catalog.apply(inner, place.transaction);
        whole.merge(effect);
    }
    if block.raises {
        whole.fail("P0001", When::Always, "the block raises an error");
    }
    if block.opaque {
        whole.is_opaque = true;
        whole.undo(Undo::Unknown);
        if !block.hidden.is_empty() {
            whole.lose(Loss::Medium, format!("nobody can tell: {} is built at run time", block.hidden.join(", ")));
        }
    }
    whole
}

/// All rows of facts, for tests and documentation.
#[must_use]
pub fn all_facts() -> Vec<&'static Fact> {
    postgresql::facts::FACTS.iter().chain(mysql::facts::FACTS.iter()).chain(sqlite::FACTS).collect()
}

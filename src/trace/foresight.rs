//! What `classify_risk` says of the same statements, and where the server did otherwise.

use crate::bridge::Touched;
use crate::dialect::Server;
use crate::effects::{LockMode, Place, Work, effect_of};
use crate::sql::catalog::Catalog;
use crate::sql::change::Change;
use crate::sql::script;
use crate::step::is_ddl;
use crate::trace::{Held, mode_of, same};

/// The schema as it is known from the statements so far.
#[derive(Debug, Clone)]
pub struct Foresight {
    catalog: Catalog,
    server: Server,
}

/// What one statement is said to do.
#[derive(Debug, Default)]
pub(super) struct Foretold {
    /// Tables that stood before, and modes.
    pub(super) locks: Vec<(String, LockMode)>,
    rewrites: Vec<String>,
    reads: Vec<String>,
    /// Every word was understood.
    is_understood: bool,
    is_ddl: bool,
    /// A new file without rows is no rewrite.
    pub(super) is_truncate: bool,
}

impl Foresight {
    /// Behind `history`, the statements that made the schema.
    #[must_use]
    pub fn behind(history: &str, server: Server) -> Self {
        Self { catalog: Catalog::of_history(&script::read(history.to_owned(), server)), server }
    }

    /// The transaction is committed: what was new stands.
    pub(super) fn settle(&mut self) {
        self.catalog.settle();
    }

    /// What the next text does; it may hold several statements.
    pub(super) fn next(&mut self, sql: &str, transaction: Option<u64>) -> Foretold {
        let transaction = transaction.map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let script = script::read(sql.to_owned(), self.server);
        let mut foretold = Foretold { is_understood: true, ..Foretold::default() };
        for (at, statement) in script.statements.iter().enumerate() {
            let following = script.statements.get(at + 1..).unwrap_or_default();
            let place = Place { server: self.server, catalog: &self.catalog, transaction, following };
            let effect = effect_of(&statement.reading, &place);
            foretold.is_understood &= statement.reading.is_understood() && effect.unknown.is_none() && !effect.is_opaque;
            foretold.is_ddl |= is_ddl(&statement.reading.change);
            foretold.is_truncate |= matches!(statement.reading.change, Change::Truncate { .. });
            for lock in effect.locks.iter().filter(|lock| lock.mode != LockMode::AccessShare) {
                foretold.locks.push((lock.table.shown(), lock.mode));
            }
            let names = |tables: &[crate::sql::change::Name]| tables.iter().map(crate::sql::change::Name::shown).collect::<Vec<_>>();
            foretold.rewrites.extend(names(&effect.rewrites));
            foretold.reads.extend(names(&effect.scans));
            foretold.reads.extend(names(&effect.builds));
            if effect.work == Work::Rewrite {
                foretold.reads.extend(names(&effect.rewrites));
            }
            self.catalog.apply(&statement.reading, transaction);
        }
        foretold
    }
}

impl Foretold {
    /// Where the server did otherwise, in sentences; nothing where the statement was not understood.
    pub(super) fn mismatches(&self, touched: &[Touched], before: &[Held], stood: &[String]) -> Vec<String> {
        if !self.is_understood {
            return Vec::new();
        }
        let mut found = Vec::new();
        let said = |table: &str| self.locks.iter().filter(|(name, _)| same(name, table)).map(|(_, mode)| *mode).max();
        for one in touched {
            let Some(mode) = one.mode.as_deref().and_then(mode_of).filter(|_| one.taken) else { continue };
            let foretold = said(&one.table);
            if mode != LockMode::AccessShare && foretold != Some(mode) {
                let words = foretold.map_or("no lock", LockMode::words);
                found.push(format!("took {} on {}, foretold was {words}", mode.words(), one.table));
            }
        }
        for (table, mode) in &self.locks {
            let is_held = before.iter().any(|held| same(&held.table, table) && held.mode >= *mode);
            let is_taken = touched.iter().any(|one| same(&one.table, table));
            if stood.iter().any(|name| same(name, table)) && !is_held && !is_taken {
                found.push(format!("took no lock on {table}, foretold was {}", mode.words()));
            }
        }
        let lists = |names: &[String], table: &str| names.iter().any(|name| same(name, table));
        // A foreign key is proven by a join: whether the other table is read through is the planner's choice.
        let is_joined = |table: &str| !self.reads.is_empty() && said(table).is_some();
        for one in touched.iter().filter(|_| self.is_ddl && !self.is_truncate) {
            if one.rewrote != lists(&self.rewrites, &one.table) {
                let words = if one.rewrote { "wrote every row of" } else { "wrote no row of" };
                found.push(format!("{words} {} anew, foretold was otherwise", one.table));
            } else if one.scanned && one.rows_read > 0 && !lists(&self.reads, &one.table) && !is_joined(&one.table) {
                found.push(format!("read {} rows of {}, foretold was none", one.rows_read, one.table));
            }
        }
        found
    }
}

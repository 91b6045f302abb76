//! Scratch databases that stand at one revision, as many as a question needs: the chain runs once.

use super::RecoveryError;
use super::pieces::Texts;
use crate::database::{Connection, DatabaseError};
use crate::dialect::Dialect;
use crate::digest::Digest;
use crate::scratch::{ScratchDatabase, ScratchServer, Template};
use crate::snapshot::SchemaSnapshot;
use crate::snapshot::likeness::{VersionTable, comparable};
use crate::workshop::Workshop;

/// A revision on a scratch server.
pub(super) struct Bench {
    server: ScratchServer,
    template: Template,
    /// The schema that the chain makes up to it.
    pub(super) schema: SchemaSnapshot,
}

impl Bench {
    /// Replays the chain up to a revision, or `base`.
    pub(super) fn at(workshop: &Workshop, revision: &str) -> Result<Self, RecoveryError> {
        let (mut databases, setup) = workshop.scratch_at(revision)?;
        if databases.len() > 1 {
            return Err(RecoveryError::NotComparable(format!("`env.py` opens {} databases: they cannot be compared yet", databases.len())));
        }
        let Some(database) = databases.pop() else {
            return Err(RecoveryError::NotComparable("there is no scratch database".to_owned()));
        };
        let server = database.server().clone();
        let schema = comparable(SchemaSnapshot::take(&mut looker(&database)?)?, &VersionTable::default());
        let digest = Digest::of("recovery", &[revision.as_bytes(), setup.as_bytes(), schema.digest().as_bytes()]).hex();
        let template = match Template::find(&server, &digest)? {
            Some(known) => known,
            None => database.keep_as_template(&digest)?,
        };
        Ok(Self { server, template, schema })
    }

    /// A database of its own at this revision.
    pub(super) fn fresh(&self) -> Result<Try, RecoveryError> {
        let database = ScratchDatabase::from_template(&self.server, &self.template)?;
        let runner = database.connect()?;
        let looker = looker(&database)?;
        Ok(Try { runner, looker, _database: database })
    }
}

fn looker(database: &ScratchDatabase) -> Result<Connection, RecoveryError> {
    // SQLite has no accounts; a server's administrator sees what the role of migrations may not.
    let is_file = database.server().server.dialect == Dialect::Sqlite;
    Ok(if is_file { database.connect()? } else { database.connect_admin()? })
}

/// A scratch database to try statements on; it goes with this.
pub(super) struct Try {
    runner: Connection,
    looker: Connection,
    _database: ScratchDatabase,
}

impl Try {
    /// Runs one statement in a transaction of its own.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.runner.execute(sql).map(drop)
    }

    /// Runs statements until one is refused; that one and why.
    pub(super) fn run_all<'a>(&mut self, statements: impl Iterator<Item = &'a str>) -> Option<(String, DatabaseError)> {
        for sql in statements {
            if let Err(error) = self.run(sql) {
                return Some((sql.to_owned(), error));
            }
        }
        None
    }

    /// Its schema now.
    pub(super) fn schema(&mut self) -> Result<SchemaSnapshot, RecoveryError> {
        Ok(comparable(SchemaSnapshot::take(&mut self.looker)?, &VersionTable::default()))
    }

    pub(super) fn texts(&mut self, labels: &[String]) -> Result<Texts, DatabaseError> {
        super::pieces::texts(&mut self.looker, labels)
    }
}

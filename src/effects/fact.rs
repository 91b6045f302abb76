//! The form of a fact: one situation on a range of versions, with its source.

use crate::dialect::Dialect;
use crate::effects::Work;

/// Lock modes of all dialects, weakest first within each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// PostgreSQL: readers.
    AccessShare,
    /// PostgreSQL: `SELECT FOR UPDATE`, foreign key checks.
    RowShare,
    /// PostgreSQL: writers.
    RowExclusive,
    /// PostgreSQL: `VACUUM`, `CREATE INDEX CONCURRENTLY`, `VALIDATE`.
    ShareUpdateExclusive,
    /// PostgreSQL: `CREATE INDEX`; writers wait.
    Share,
    /// PostgreSQL: `CREATE TRIGGER`, foreign keys; writers wait.
    ShareRowExclusive,
    /// PostgreSQL: `REFRESH … CONCURRENTLY`; writers wait.
    Exclusive,
    /// PostgreSQL: everybody waits.
    AccessExclusive,
    /// MySQL family: nobody waits while it works.
    OnlineNone,
    /// MySQL family: writers wait.
    OnlineShared,
    /// MySQL family: everybody waits.
    OnlineExclusive,
    /// SQLite: one writer, and readers wait at its commit.
    Database,
    /// SQL Server, Oracle: in words.
    SchemaModification,
    /// SQL Server, Oracle: in words.
    TableShared,
}

impl LockMode {
    /// The server's words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive | Self::Database => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
            Self::OnlineNone => "NONE",
            Self::OnlineShared => "SHARED",
            Self::OnlineExclusive => "EXCLUSIVE",
            Self::SchemaModification => "SCHEMA MODIFICATION",
            Self::TableShared => "SHARED",
        }
    }

    /// True when a `SELECT` of another session waits.
    #[must_use]
    pub const fn blocks_reads(self) -> bool {
        matches!(self, Self::AccessExclusive | Self::OnlineExclusive | Self::SchemaModification)
    }

    /// True when `INSERT`, `UPDATE` and `DELETE` of another session wait.
    #[must_use]
    pub const fn blocks_writes(self) -> bool {
        matches!(
            self,
            Self::Share
                | Self::ShareRowExclusive
                | Self::Exclusive
                | Self::AccessExclusive
                | Self::OnlineShared
                | Self::OnlineExclusive
                | Self::Database
                | Self::SchemaModification
                | Self::TableShared
        )
    }
}

/// Which table a lock is on, seen from the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The table the statement names.
    Target,
    /// What a foreign key points at.
    Referenced,
    /// The parent of a partition or of an inheriting table.
    Parent,
    /// The partition that is attached or detached.
    Partition,
    /// The default partition beside it.
    DefaultPartition,
}

/// Where a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Measured: `setup` makes the schema on a table `t` with rows, `sql` is run and watched.
    Measured {
        /// Statements before, separated by semicolons.
        setup: &'static str,
        /// The statement watched.
        sql: &'static str,
    },
    /// Read in the server's manual, not measured here.
    Manual(&'static str),
}

/// One situation on a range of versions.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// The situation's name.
    pub situation: &'static str,
    /// The dialect.
    pub dialect: Dialect,
    /// First version, `major.minor`.
    pub first: (u16, u16),
    /// Last version, `major.minor`.
    pub last: (u16, u16),
    /// Locks by role, the strongest for each.
    pub locks: &'static [(Role, LockMode)],
    /// The work on the target.
    pub work: Work,
    /// The MySQL family's algorithm.
    pub algorithm: &'static str,
    /// Where this is from.
    pub source: Source,
    /// The passage that tells it.
    pub cite: &'static str,
}

impl Fact {
    /// True when the row speaks of this version.
    #[must_use]
    pub const fn covers(&self, major: u16, minor: u16) -> bool {
        let from = self.first.0 < major || self.first.0 == major && self.first.1 <= minor;
        let to = major < self.last.0 || major == self.last.0 && minor <= self.last.1;
        from && to
    }

    /// The mode for a role.
    #[must_use]
    pub fn mode(&self, role: Role) -> Option<LockMode> {
        self.locks.iter().find(|(own, _)| *own == role).map(|(_, mode)| *mode)
    }
}

//! A scratch database looked at again and again: what cannot have changed since the last look is not read again.

use std::sync::Arc;

use crate::database::{Connection, DatabaseError};
use crate::dialect::{Dialect, Encoding};
use crate::rows::Mood;
use crate::rows::data::DataSnapshot;
use crate::rows::fill::{Filled, Made, fill_empty, fill_empty_of};
use crate::rows::{TableName, Words};
use crate::snapshot::SchemaSnapshot;
use crate::trial::TrialError;

/// A database at a moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Moment {
    pub(super) schema: Arc<SchemaSnapshot>,
    pub(super) data: DataSnapshot,
}

impl Moment {
    /// Tables and materialized views, with their schemas.
    pub(super) fn tables(&self) -> Vec<String> {
        let stored = |kind: &str| matches!(kind, "table" | "materialized_view");
        self.schema.objects.values().filter(|object| stored(&object.kind)).map(|object| object.name.clone()).collect()
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.schema == other.schema && self.data == other.data
    }
}

/// Looks at one database, on a connection of its own.
pub(super) struct Looker {
    pub(super) connection: Connection,
    last: Option<Moment>,
    /// Moments of different schemas, the last one among them: a round trip comes back to what was seen.
    seen: Vec<Moment>,
    /// The number of the next transaction when `last` was seen, and no other was under way; PostgreSQL only.
    next_transaction: Option<u64>,
}

impl Looker {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, last: None, seen: Vec::new(), next_transaction: None }
    }

    /// At a database that is just now as it was at `moment`: a clone of the one that was looked at then.
    pub(super) fn knowing(mut connection: Connection, moment: Moment) -> Result<Self, TrialError> {
        let next_transaction = quiet(&mut connection).map_err(asking)?;
        Ok(Self { connection, last: Some(moment.clone()), seen: vec![moment], next_transaction })
    }

    /// What the database writes text in.
    pub(super) fn encoding(&mut self) -> Result<Encoding, TrialError> {
        self.connection.encoding().map_err(asking)
    }

    /// What stands now.
    pub(super) fn look(&mut self) -> Result<Moment, TrialError> {
        let next = quiet(&mut self.connection).map_err(asking)?;
        if let Some(last) = self.unchanged(next)? {
            self.next_transaction = next;
            return Ok(last);
        }
        let mut schema = SchemaSnapshot::take_again(&mut self.connection)?;
        // Alembic's own table is no part of the user's schema, whatever schema it is in.
        let own: Vec<String> = schema
            .objects
            .iter()
            .filter(|(_, object)| object.kind == "table" && object.name.rsplit('.').next() == Some("alembic_version"))
            .map(|(label, _)| label.clone())
            .collect();
        for label in own {
            schema = schema.without(&label);
        }
        let alike = self.seen.iter().find(|moment| *moment.schema == schema);
        let (shaped_as, is_new) = (alike.map(|moment| &moment.data), alike.is_none());
        let data = match &self.last {
            Some(last) => DataSnapshot::since(&mut self.connection, &last.data, shaped_as)?,
            None => DataSnapshot::of(&mut self.connection)?,
        };
        let moment = Moment { schema: Arc::new(schema), data };
        if is_new {
            self.seen.push(moment.clone());
        }
        self.next_transaction = next;
        self.last = Some(moment.clone());
        Ok(moment)
    }

    /// Rows for every table that has none and is not in `except`.
    pub(super) fn fill(&mut self, rows: u32, words: &[Words], except: &[TableName]) -> Result<Vec<Filled>, TrialError> {
        self.fill_with(Made { rows, mood: Mood::Awkward, words }, except)
    }

    /// The same, as awkward as it is said.
    pub(super) fn fill_with(&mut self, made: Made<'_>, except: &[TableName]) -> Result<Vec<Filled>, TrialError> {
        let next = quiet(&mut self.connection).map_err(asking)?;
        match self.unchanged(next)? {
            Some(last) => Ok(fill_empty_of(&mut self.connection, made, &last.data, except)?),
            None => Ok(fill_empty(&mut self.connection, made, except)?),
        }
    }

    /// Runs a statement that touches nothing which a moment holds: the last one stays true.
    pub(super) fn aside(&mut self, sql: &str) -> Result<u64, DatabaseError> {
        let stands = self.next_transaction.is_some() && quiet(&mut self.connection)? == self.next_transaction;
        let changed = self.connection.execute(sql)?;
        if stands {
            self.next_transaction = quiet(&mut self.connection)?;
        }
        Ok(changed)
    }

    /// The last moment, where no transaction that began since then was committed: what was rolled back left nothing.
    fn unchanged(&mut self, next: Option<u64>) -> Result<Option<Moment>, TrialError> {
        /// Asked one by one: of more transactions it is not worth it.
        const FEW: u64 = 1_000;
        let (Some(from), Some(next), Some(last)) = (self.next_transaction, next, &self.last) else { return Ok(None) };
        if next == from {
            return Ok(Some(last.clone()));
        }
        if next < from || next - from > FEW {
            return Ok(None);
        }
        let sql = format!(
            "SELECT count(*) FROM generate_series({from}::bigint, {}::bigint) x WHERE txid_status(x) IS DISTINCT FROM 'aborted'",
            next - 1
        );
        let committed = self.connection.value(&sql).map_err(asking)?;
        Ok((committed.as_deref() == Some("0")).then(|| last.clone()))
    }
}

/// The number of the next transaction, where none that writes is under way; None otherwise, and on other servers than
/// PostgreSQL.
fn quiet(connection: &mut Connection) -> Result<Option<u64>, DatabaseError> {
    if connection.server().dialect != Dialect::Postgresql {
        return Ok(None);
    }
    let sql =
        "SELECT txid_snapshot_xmax(s) FROM (SELECT txid_current_snapshot() AS s) n WHERE txid_snapshot_xmin(s) = txid_snapshot_xmax(s)";
    Ok(connection.value(sql)?.and_then(|number| number.parse().ok()))
}

fn asking(source: DatabaseError) -> TrialError {
    crate::snapshot::SnapshotError::Database(source).into()
}

//! The same look at statements that we send ourselves: raw SQL, without a Python in between.

use std::collections::BTreeMap;

use crate::bridge::Touched;
use crate::database::{Connection, DatabaseError};
use crate::trace::mode_of;

// A server counts on through several transactions until it makes the counts known: only differences count.
const STOOD: &str = "SELECT c.oid, n.nspname || '.' || c.relname, pg_catalog.pg_relation_filenode(c.oid), \
     pg_catalog.pg_stat_get_xact_numscans(c.oid), pg_catalog.pg_stat_get_xact_tuples_returned(c.oid), \
     pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) \
     + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND n.nspname <> 'alembic_gate'";

const NOW: &str = "SELECT l.relation, pg_catalog.string_agg(DISTINCT l.mode, ','), pg_catalog.pg_relation_filenode(l.relation), \
     pg_catalog.pg_stat_get_xact_numscans(l.relation), pg_catalog.pg_stat_get_xact_tuples_returned(l.relation), \
     pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation) + pg_catalog.pg_stat_get_xact_tuples_updated(l.relation) \
     + pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation) \
     FROM pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted \
     AND l.relation >= 16384 GROUP BY l.relation";

/// What is known of a table inside a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    mode: Option<String>,
    node: Option<String>,
    scans: u64,
    read: u64,
    changed: u64,
}

/// One transaction, looked at behind each of its statements.
#[derive(Debug, Default)]
pub struct OwnTrace {
    /// Names by object number.
    stood: BTreeMap<String, String>,
    last: BTreeMap<String, Known>,
}

impl OwnTrace {
    /// At the beginning of a transaction: what stands.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub fn begin(connection: &mut Connection) -> Result<Self, DatabaseError> {
        let mut begun = Self::default();
        for row in connection.rows(STOOD)? {
            let Ok([Some(oid), Some(name), node, scans, read, changed]) = <[Option<String>; 6]>::try_from(row) else { continue };
            let known = Known { mode: None, node, scans: number(scans, 0), read: number(read, 0), changed: number(changed, 0) };
            begun.last.insert(oid.clone(), known);
            begun.stood.insert(oid, name);
        }
        Ok(begun)
    }

    /// Behind a statement: what it did to tables that stood.
    ///
    /// # Errors
    /// The server cannot be asked.
    pub fn after(&mut self, connection: &mut Connection) -> Result<Vec<Touched>, DatabaseError> {
        let mut touched = Vec::new();
        for row in connection.rows(NOW)? {
            let Ok([Some(oid), Some(modes), node, scans, read, changed]) = <[Option<String>; 6]>::try_from(row) else { continue };
            let (Some(name), Some(was)) = (self.stood.get(&oid), self.last.get(&oid).cloned()) else { continue };
            let strongest = modes.split(',').map(str::to_owned).chain(was.mode.clone()).max_by_key(|mode| mode_of(mode));
            let now = Known {
                mode: strongest,
                node,
                scans: number(scans, was.scans),
                read: number(read, was.read),
                changed: number(changed, was.changed),
            };
            if now != was {
                touched.push(Touched {
                    table: name.clone(),
                    mode: now.mode.clone(),
                    taken: now.mode != was.mode,
                    rewrote: now.node.is_some() && was.node.is_some() && now.node != was.node,
                    scanned: now.scans > was.scans,
                    rows_read: now.read.saturating_sub(was.read),
                    rows_changed: now.changed.saturating_sub(was.changed),
                });
            }
            self.last.insert(oid, now);
        }
        Ok(touched)
    }
}

/// Of a table that is gone the server counts nothing any more.
fn number(text: Option<String>, otherwise: u64) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

//! # An index on a table that is written
//!
//! Build it, or drop it, `CONCURRENTLY`, outside of a transaction; what a failed build leaves behind goes first.
//!
//! ## Why
//! `CREATE INDEX` holds SHARE from start to commit: writes wait until it is built. `CONCURRENTLY` takes SHARE UPDATE EXCLUSIVE,
//! must not run in a transaction (25001), and leaves an INVALID index behind when it fails. With `IF NOT EXISTS` that index would be
//! taken for the real one by the next run.
//!
//! ## Do
//! One revision with `autocommit_block()`: drop the leftover if there is one, then build. On a partitioned table: on each partition
//! concurrently, then on the parent, which adopts them.
//!
//! ```plan postgresql
//! CREATE TABLE orders (id bigint PRIMARY KEY, status text, total int);
//! -- wish
//! {"kind": "create_index", "table": "orders", "columns": ["status"]}
//! -- gives
//! add_orders_status_index
//! -- old code
//! INSERT INTO orders (id, status) VALUES (900001, 'new');
//! ```
//! ```plan postgresql
//! CREATE TABLE orders (id bigint PRIMARY KEY, status text, email text);
//! -- wish
//! CREATE UNIQUE INDEX uq_orders_mail ON orders USING btree (lower(email)) WHERE status = 'open';
//! -- gives
//! add_orders_unique_index
//! -- old code
//! SELECT 1 FROM orders WHERE lower(email) = 'x';
//! ```
//! ```plan postgresql
//! CREATE TABLE orders (id bigint PRIMARY KEY, status text);
//! CREATE INDEX ix_orders_status ON orders (status);
//! -- wish
//! {"kind": "drop_index", "name": "ix_orders_status", "table": "orders"}
//! -- gives
//! drop_ix_orders_status
//! -- old code
//! SELECT 1 FROM orders WHERE status = 'x';
//! ```
//! ```plan postgresql
//! CREATE TABLE events (id bigint, day date NOT NULL, kind text) PARTITION BY RANGE (day);
//! CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
//! CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
//! -- rows
//! INSERT INTO events SELECT n, DATE '2025-06-01' + n, 'k' FROM generate_series(1, 400) AS n;
//! -- wish
//! {"kind": "create_index", "table": "events", "columns": ["kind"]}
//! -- gives
//! add_events_kind_index
//! -- old code
//! INSERT INTO events VALUES (9, '2026-02-02', 'z');
//! ```

use crate::dialect::Dialect;
use crate::fix::names::relation;
use crate::recipes::parts::body::{Body, Line, Part, fitting};
use crate::recipes::parts::naming;
use crate::recipes::parts::written::{create_index, drop_index};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{Change, Index, Name};

/// What it mends.
pub const MENDS: &[&str] = &["index_without_concurrently", "drop_index_without_concurrently", "concurrently_in_transaction", "invalid_index_hidden", "drop_unique"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let statement = case.statement()?;
    let step = match &statement.reading.change {
        Change::CreateIndex { table, index, .. } => {
            let name = index.name.clone().unwrap_or_else(|| fitting(&format!("ix_{}_{}", table.name, index.plain_columns().join("_"))));
            built(case, table, &name, index)?
        }
        Change::Drop(drop) if statement.reading.kind.word() == "drop_index" => dropped(case, drop.names.first()?)?,
        _ => return None,
    };
    Some(Found { steps: vec![step], ..Found::default() })
}

/// The lines that build an index without a long lock, behind the leftover of a failed build.
#[must_use]
pub fn concurrently(case: &Case<'_>, table: &Name, name: &str, index: &Index) -> Option<Vec<Line>> {
    let dialect = case.dialect();
    let leftover = relation(dialect, &Name { schema: table.schema.clone(), name: name.to_owned() });
    let guard = Line::execute(format!("DROP INDEX CONCURRENTLY IF EXISTS {leftover}"));
    Some(vec![guard, create_index(dialect, table, name, &Index { if_not_exists: false, ..index.clone() }, true)?])
}

fn built(case: &Case<'_>, table: &Name, name: &str, index: &Index) -> Option<Step> {
    let dialect = case.dialect();
    let partitions: Vec<Name> = case.catalog.bounds(table).map(|(child, _)| child.clone()).collect();
    let is_nested = partitions.iter().any(|partition| case.catalog.bounds(partition).next().is_some());
    let (upgrade, downgrade) = if partitions.is_empty() {
        (Body::outside(concurrently(case, table, name, index)?), Body::outside(vec![drop_index(dialect, table, name, true)]))
    } else if is_nested {
        return None;
    } else {
        // The parent's index comes first, without its partitions: it becomes valid when each of theirs is attached.
        let own = |table: &Name, name: &str| relation(dialect, &Name { schema: table.schema.clone(), name: name.to_owned() });
        let parent = create_index(dialect, table, name, index, false)?;
        let only = parent.sql.replacen(" ON ", " ON ONLY ", 1);
        let leftover = Line::execute(format!("DROP INDEX IF EXISTS {}", own(table, name)));
        let (mut lines, mut attach) = (Vec::new(), Vec::new());
        for partition in &partitions {
            let child = fitting(&format!("{name}_{}", partition.name));
            lines.extend(concurrently(case, partition, &child, index)?);
            attach.push(Line::execute(format!("ALTER INDEX {} ATTACH PARTITION {}", own(table, name), own(partition, &child))));
        }
        let up = Body(vec![Part::Outside(vec![leftover, Line::execute(only)]), Part::Outside(lines), Part::Inside(attach)]);
        // The partitions' indexes belong to the parent's: it takes them along.
        (up, Body::inside(vec![drop_index(dialect, table, name, false)]))
    };
    Some(Step {
        name: naming::snake(&naming::index_name(table, &index.plain_columns(), index.unique)),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "built CONCURRENTLY under SHARE UPDATE EXCLUSIVE: reads and writes go on; outside of a transaction, since the server refuses it inside (25001)".to_owned(),
        upgrade,
        downgrade,
        deploy: if index.unique {
            "duplicates stop the build (23505): count them first; the leftover goes at the next run".to_owned()
        } else {
            "any time; before the code whose queries need it".to_owned()
        },
    })
}

fn dropped(case: &Case<'_>, name: &Name) -> Option<Step> {
    let dialect = case.dialect();
    let (table, state) = case.catalog.index(name)?;
    if state.constraint.is_some() || state.of_parent {
        return None;
    }
    let again = create_index(dialect, table, &name.name, &state.index, true)?;
    let mut drop = drop_index(dialect, table, &name.name, true);
    if state.index.unique {
        drop = drop.allowing("drop_unique", "it is planned that the rows need not be unique any more");
    }
    let upgrade = Body::outside(vec![drop]);
    Some(Step {
        name: naming::snake(&format!("drop_{}", name.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "dropped CONCURRENTLY: queries that use it end first, nobody waits".to_owned(),
        upgrade,
        downgrade: Body::outside(vec![again]),
        deploy: "after `pg_stat_user_indexes.idx_scan` shows that no query uses it".to_owned(),
    })
}

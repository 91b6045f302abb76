//! # A table becomes a partition, or a partition goes on its own
//!
//! Prove the bound first, then attach: an instant. Detach concurrently.
//!
//! ## Why
//! `ATTACH PARTITION` reads the whole table under ACCESS EXCLUSIVE on it, to see that its rows are within the bound, unless a valid
//! check says so. `DETACH PARTITION` takes ACCESS EXCLUSIVE on the parent: all reads and writes of all partitions wait.
//!
//! ## Do
//! - Attach: the bound as a `CHECK … NOT VALID`, `VALIDATE` it outside of the transaction (nobody waits), attach, drop the check.
//! - Detach: `DETACH … CONCURRENTLY` (PostgreSQL 14 and newer), outside of a transaction, without a default partition.
//!
//! ```plan postgresql
//! CREATE TABLE events (id bigint NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
//! CREATE TABLE events_2026 (id bigint NOT NULL, day date NOT NULL);
//! -- rows
//! INSERT INTO events_2026 SELECT n, DATE '2026-01-01' + n FROM generate_series(1, 40) AS n;
//! -- wish
//! {"kind": "attach_partition", "table": "events", "partition": "events_2026", "bound": "FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"}
//! -- gives
//! prove_events_2026_bound, attach_events_2026_to_events
//! -- old code
//! INSERT INTO events_2026 VALUES (900, '2026-05-05');
//! ```
//! ```plan postgresql
//! CREATE TABLE events (id bigint NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
//! CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
//! -- rows
//! INSERT INTO events SELECT n, DATE '2026-01-01' + n FROM generate_series(1, 40) AS n;
//! -- wish
//! {"kind": "detach_partition", "table": "events", "partition": "events_2026"}
//! -- gives
//! detach_events_2026_from_events
//! -- old code
//! INSERT INTO events_2026 VALUES (900, '2026-05-05');
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, Part, fitting};
use crate::recipes::parts::naming::snake;
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Name};

/// What it mends.
pub const MENDS: &[&str] = &["attach_partition_scan", "detach_partition"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let (table, action) = case.statement()?.action()?;
    match action {
        AlterAction::AttachPartition { partition, bound } if !bound.is_default => attached(case, table, partition, &bound.text),
        AlterAction::DetachPartition { partition, .. } => detached(case, table, partition),
        _ => None,
    }
}

/// `FOR VALUES FROM (a) TO (b)` or `FOR VALUES IN (…)` of one column, as a check.
fn condition(case: &Case<'_>, table: &Name, bound: &str) -> Option<String> {
    let known = case.catalog.table(table)?;
    let (method, key) = known.partition_by.as_ref()?;
    let [column] = key.words.as_slice() else { return None };
    if !key.functions.is_empty() {
        return None;
    }
    let own = quoted(case.dialect(), column);
    let upper = bound.to_uppercase();
    let inner = |from: usize| -> Option<&str> {
        let rest = bound.get(from..)?;
        let open = rest.find('(')?;
        let close = rest.get(open..)?.find(')')? + open;
        Some(rest.get(open + 1..close)?.trim())
    };
    let text = match method.as_str() {
        "range" => {
            let (low, high) = (inner(upper.find("FROM")?)?, inner(upper.find(" TO ")?)?);
            if low.contains(',') || high.contains(',') {
                return None;
            }
            let low = (!low.eq_ignore_ascii_case("minvalue")).then(|| format!("{own} >= {low}"));
            let high = (!high.eq_ignore_ascii_case("maxvalue")).then(|| format!("{own} < {high}"));
            [low, high].into_iter().flatten().collect::<Vec<_>>().join(" AND ")
        }
        "list" => format!("{own} IN ({})", inner(upper.find(" IN ")?)?),
        _ => return None,
    };
    Some(format!("{own} IS NOT NULL AND {text}"))
}

fn attached(case: &Case<'_>, table: &Name, partition: &Name, bound: &str) -> Option<Found> {
    let dialect = case.dialect();
    let (parent, written) = (relation(dialect, table), relation(dialect, partition));
    let name = quoted(dialect, &fitting(&format!("{}_bound", partition.name)));
    let check = condition(case, table, bound)?;
    let drop = Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT {name}"));
    let guard = Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT IF EXISTS {name}"));
    let add = Line::execute(format!("ALTER TABLE {written} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID"));
    let validate = Line::execute(format!("ALTER TABLE {written} VALIDATE CONSTRAINT {name}"));
    let bound = if bound.to_uppercase().starts_with("FOR ") { bound.to_owned() } else { format!("FOR VALUES {bound}") };
    let attach = Line::execute(format!("ALTER TABLE {parent} ATTACH PARTITION {written} {bound}"));
    let proof = Part::Outside(vec![guard, add, validate]);
    let mut found = Found::default();
    found.steps.push(Step {
        name: snake(&format!("prove_{}_bound", partition.name)),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "the bound as a check: its rows are read under SHARE UPDATE EXCLUSIVE, nobody waits".to_owned(),
        upgrade: Body(vec![proof.clone()]),
        downgrade: Body::inside(vec![drop.clone()]),
        deploy: format!("rows outside of the bound stop it: move them first; from here on none can be written to `{}`", partition.shown()),
    });
    found.steps.push(Step {
        name: snake(&format!("attach_{}_to_{}", partition.name, table.name)),
        concern: Concern::Schema,
        stage: Stage::Switch,
        why: "the valid check proves the bound: the parent is locked SHARE UPDATE EXCLUSIVE, nothing is read".to_owned(),
        upgrade: Body::inside(vec![attach, drop]),
        downgrade: Body::inside(vec![
            Line::execute(format!("ALTER TABLE {parent} DETACH PARTITION {written}")).allowing("detach_partition", "the way back of an attach, for a moment"),
        ])
        .then(Body(vec![proof])),
        deploy: "make the indexes of the parent on the partition before: else they are built while it is locked".to_owned(),
    });
    Some(found)
}

/// The check that `DETACH … CONCURRENTLY` leaves in place of the bound: the server names it after its only column.
fn left_check(case: &Case<'_>, table: &Name, partition: &Name) -> Option<String> {
    let (_, key) = case.catalog.table(table)?.partition_by.as_ref()?;
    let [column] = key.words.as_slice() else { return None };
    let known = case.catalog.table(partition)?;
    let base = fitting(&format!("{}_{column}_check", partition.name));
    let numbered = std::iter::once(base.clone()).chain((1..20).map(|n| format!("{base}{n}")));
    numbered.into_iter().find(|name| known.constraint(name).is_none())
}

fn detached(case: &Case<'_>, table: &Name, partition: &Name) -> Option<Found> {
    let dialect = case.dialect();
    if !case.server.is_postgresql_from(14) || case.catalog.default_partition(table).is_some() {
        return None;
    }
    let (parent, written) = (relation(dialect, table), relation(dialect, partition));
    let (_, bound) = case.catalog.table(partition)?.partition_of.as_ref()?;
    let bound = if bound.text.to_uppercase().starts_with("FOR ") { bound.text.clone() } else { format!("FOR VALUES {}", bound.text) };
    let name = quoted(dialect, &fitting(&format!("{}_bound", partition.name)));
    let check = condition(case, table, &bound)?;
    Some(Found {
        steps: vec![Step {
            name: snake(&format!("detach_{}_from_{}", partition.name, table.name)),
            concern: Concern::Schema,
            stage: Stage::Switch,
            why: "detached CONCURRENTLY: reads and writes of the other partitions go on".to_owned(),
            upgrade: Body::outside(vec![Line::execute(format!("ALTER TABLE {parent} DETACH PARTITION {written} CONCURRENTLY"))]).then(Body::inside(vec![
                Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT IF EXISTS {}", quoted(dialect, &left_check(case, table, partition)?))),
            ])),
            downgrade: Body(vec![
                Part::Outside(vec![
                    Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT IF EXISTS {name}")),
                    Line::execute(format!("ALTER TABLE {written} ADD CONSTRAINT {name} CHECK ({check}) NOT VALID")),
                    Line::execute(format!("ALTER TABLE {written} VALIDATE CONSTRAINT {name}")),
                ]),
                Part::Inside(vec![
                    Line::execute(format!("ALTER TABLE {parent} ATTACH PARTITION {written} {bound}")),
                    Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT {name}")),
                ]),
            ]),
            deploy: format!("after no running code reads the rows of `{}` through `{}`", partition.shown(), table.shown()),
        }],
        questions: Vec::new(),
        notes: vec!["interrupted, the partition stays pending: `DETACH PARTITION … FINALIZE` ends it".to_owned()],
    })
}

//! # Rows that get a value, in ranges of the key
//!
//! A data revision of its own that walks the primary key, commits each range, and can be stopped and run again.
//!
//! ## Why
//! One `UPDATE` over a whole table locks every row it touches until it commits, doubles the table, and begins anew after a failure.
//! `OFFSET` reads everything before it again and misses rows.
//!
//! ## Do
//! Take the keys of the next 5,000 rows that are still open, write from the first to the last of them, commit, go on behind the last.
//! The condition finds only what is left, so the loop is its own bookmark. A table without a primary key is walked by `LIMIT`.
//! What each row had is kept aside under its key in a table of its own, in the same range; the way back gives it back, where the row still
//! has what was written. Without a primary key the way back knows the rows by their value only, and the plan says so.
//!
//! ```plan postgresql
//! CREATE TABLE files (id bigint PRIMARY KEY, meta json);
//! -- rows
//! INSERT INTO files SELECT n, CASE WHEN n % 3 > 0 THEN '{"a": 1}'::json END FROM generate_series(1, 20) AS n;
//! -- wish
//! {"kind": "backfill", "table": "files", "column": "meta", "value": "'{}'", "where": "id < 10"}
//! -- gives
//! backfill_files_meta
//! ```
//! ```plan postgresql
//! CREATE TABLE users (id bigint PRIMARY KEY, name text, slug text);
//! -- rows
//! INSERT INTO users SELECT n, 'User ' || n FROM generate_series(1, 12000) AS n;
//! -- wish
//! {"kind": "backfill", "table": "users", "column": "slug", "value": "lower(name)"}
//! -- gives
//! backfill_users_slug
//! -- old code
//! UPDATE users SET name = 'x' WHERE id = 1;
//! ```
//! ```plan postgresql
//! CREATE TABLE users (region text, number integer, state text, PRIMARY KEY (region, number));
//! -- rows
//! INSERT INTO users SELECT 'r' || n % 3, n, CASE n % 3 WHEN 0 THEN 'on' WHEN 1 THEN 'off' END FROM generate_series(1, 6000) AS n;
//! -- wish
//! UPDATE users SET state = 'off' WHERE number > 10
//! -- gives
//! backfill_users_state
//! -- old code
//! UPDATE users SET state = 'on' WHERE region = 'r1' AND number = 1;
//! ```
//! ```plan mariadb
//! CREATE TABLE users (shop int, id bigint, name varchar(40), slug varchar(40), PRIMARY KEY (shop, id));
//! -- rows
//! INSERT INTO users (shop, id, name) SELECT seq % 3, seq, CONCAT('User ', seq) FROM seq_1_to_12000;
//! -- wish
//! {"kind": "backfill", "table": "users", "column": "slug", "value": "lower(name)"}
//! -- gives
//! backfill_users_slug
//! -- old code
//! UPDATE users SET name = 'x' WHERE id = 1;
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id integer PRIMARY KEY, name text, slug text);
//! -- rows
//! INSERT INTO users (id, name) WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 12000) SELECT n, 'User ' || n FROM s;
//! -- wish
//! {"kind": "backfill", "table": "users", "column": "slug", "value": "lower(name)"}
//! -- gives
//! backfill_users_slug
//! -- old code
//! UPDATE users SET name = 'x' WHERE id = 1;
//! ```

use crate::dialect::Dialect;
use crate::fix::names::quoted;
use crate::recipes::parts::body::{Body, Line};
use crate::recipes::parts::exact_fill::exact_fill;
use crate::recipes::parts::loops::{Filling, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::wish::Wish;
use crate::recipes::parts::written::{comparable, differ, same};
use crate::recipes::{Case, Concern, Found, Stage, Step};

/// What it mends.
pub const MENDS: &[&str] = &["backfill"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb, Dialect::Sqlite];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let Wish::Backfill(fill) = case.wish else { return None };
    let own = quoted(case.dialect(), &fill.column);
    let mut found = Found::default();
    let value = fill.value.clone();
    if value.is_none() {
        found.questions.push(format!("which value do the rows of `{}` get in `{}`? (`value`)", fill.table.shown(), fill.column));
    }
    let column = case.catalog.table(&fill.table).and_then(|known| known.column(&fill.column));
    let comparable = |text: &str| comparable(case.dialect(), column.and_then(|column| column.data_type.as_ref()), text);
    let is_null = format!("{own} IS NULL");
    let open = fill.condition.clone().unwrap_or_else(|| is_null.clone());
    let fills_nulls = fill.condition.is_none() || open.to_lowercase().contains("is null");
    let assigned = value.clone().unwrap_or_else(|| ":fill".to_owned());
    // A condition that does not speak of the column would be true for ever: only what differs is open.
    let open = if fills_nulls { open } else { format!("({open}) AND {}", differ(case.dialect(), &comparable(&own), &comparable(&assigned))) };
    let filling = Filling {
        table: fill.table.clone(),
        assignment: format!("{own} = {assigned}"),
        open,
        is_silent: false,
        must_end: false,
        asks_fill: value.is_none(),
    };
    let is_new = column.is_none_or(|column| column.is_new);
    let exact = column.filter(|_| !is_new).and_then(|column| exact_fill(case, &fill.table, column, &assigned, &filling));
    let (upgrade, downgrade) = match (exact, &value) {
        (Some(exact), _) => {
            found.notes.push(format!("`{}` keeps what the rows had, for the way back: plan `drop_table` of it a release later", exact.before.shown()));
            (exact.up, exact.down)
        }
        (None, Some(value)) if fills_nulls => {
            if !is_new {
                found.notes.push(format!("`{}` has no primary key, so the way back knows the rows by their value only: those that had it before become NULL too", fill.table.shown()));
            }
            let back = Filling { assignment: format!("{own} = NULL"), open: same(case.dialect(), &comparable(&own), &comparable(value)), asks_fill: false, ..filling.clone() };
            (filled(case, &filling), filled(case, &back))
        }
        (None, _) => {
            found.notes.push(format!("the old values of `{}.{}` are overwritten: the way back raises; keep them in a column or table of their own first", fill.table.shown(), fill.column));
            let why = format!("the values that {} had are not kept", fill.column);
            (filled(case, &filling), Body::inside(vec![Line::operation(format!("raise NotImplementedError({})", crate::fix::python(&why)), "")]))
        }
    };
    found.steps.push(Step {
        name: snake(&format!("backfill_{}_{}", fill.table.name, fill.column)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: "rows are written in ranges of the key, each in its own transaction: no lock is held long, and it can be run again where it was stopped".to_owned(),
        upgrade,
        downgrade,
        deploy: "after all running code writes the column for new rows".to_owned(),
    });
    Some(found)
}

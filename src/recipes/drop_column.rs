//! # A column goes
//!
//! First the code stops using it, then its constraints stop asking for it, then it goes; what it holds is copied aside before.
//!
//! ## Why
//! Dropping is instant and for ever: the values are gone, and every running process that still names the column fails (42703). An ORM
//! names each mapped column in every SELECT and INSERT, used or not.
//!
//! ## Do
//! 1. Transition: code that does not use the column. While old and new code run, it must not be required: `DROP NOT NULL`, a revision.
//!    Keep the model from naming it: take the attribute out, or `deferred()` for a release; autogenerate is kept quiet with `include_object`.
//! 2. Archive, a revision with the key and the values in a table of its own, if anybody may want them back.
//! 3. Contract: drop it. The way back fills it from the archive.
//!
//! ```plan postgresql
//! CREATE TABLE users (id bigint PRIMARY KEY, name text, phone varchar(20) NOT NULL);
//! CREATE INDEX ix_users_phone ON users (phone);
//! -- rows
//! INSERT INTO users SELECT n, 'user ' || n, '+49' || n FROM generate_series(1, 6000) AS n;
//! -- wish
//! {"kind": "drop_column", "table": "users", "column": "phone"}
//! -- gives
//! make_users_phone_nullable, archive_users_phone, drop_users_phone
//! -- old code
//! INSERT INTO users (id, name, phone) VALUES (20001, 'old', '1');
//! SELECT phone FROM users WHERE id = 1;
//! -- new code
//! INSERT INTO users (id, name) VALUES (20002, 'new');
//! ```
//! ```plan mariadb
//! CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40), phone varchar(20) NOT NULL, KEY ix_users_phone (phone));
//! -- rows
//! INSERT INTO users SELECT seq, CONCAT('user ', seq), CONCAT('+49', seq) FROM seq_1_to_6000;
//! -- wish
//! {"kind": "drop_column", "table": "users", "column": "phone"}
//! -- gives
//! make_users_phone_nullable, archive_users_phone, drop_users_phone
//! -- old code
//! INSERT INTO users (id, name, phone) VALUES (20001, 'old', '1');
//! SELECT phone FROM users WHERE id = 1;
//! -- new code
//! INSERT INTO users (id, name) VALUES (20002, 'new');
//! ```

use crate::dialect::Dialect;
use crate::recipes::parts::body::{Body, Line, Part, fitting, python_sql, quoted};
use crate::recipes::parts::loops::BATCH;
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::online::{in_place, modified, written_out};
use crate::recipes::parts::standing::{Onto, not_null, standing};
use crate::recipes::parts::written::{add_column, columns, drop_column, relation};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Column, Name};

/// What it mends.
pub const MENDS: &[&str] = &["drop_column"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::DropColumn { column, cascade: false, .. }) = case.statement()?.action()? else { return None };
    let known = case.catalog.table(table)?;
    let own = known.column(column)?;
    let key = known.primary_key().map(<[String]>::to_vec).filter(|key| !key.contains(column));
    let shown = table.shown();
    let mut found = Found::default();
    if own.not_null && own.default.is_none() && own.generated.is_none() {
        let (written, name) = (relation(dialect, table), quoted(dialect, column));
        found.steps.push(Step {
            name: snake(&format!("make_{}_{column}_nullable", table.name)),
            concern: Concern::Schema,
            stage: Stage::Expand,
            why: format!("new code leaves `{column}` out while old code still writes it: it must not be required"),
            upgrade: Body::inside(vec![if dialect.is_mysql_family() {
                in_place(case, table, &modified(dialect, own, false)?)
            } else {
                Line::execute(format!("ALTER TABLE {written} ALTER COLUMN {name} DROP NOT NULL"))
            }]),
            downgrade: Body(not_null(case, table, column)),
            deploy: format!("behind it deploy code that neither reads nor writes `{shown}.{column}`, its model without the attribute"),
        });
    }
    if own.generated.is_none()
        && let Some(key) = &key
    {
        found.steps.push(archived(case, table, own, key)?);
    }
    found.steps.push(dropped(case, table, own, key.as_deref())?);
    for view in case.catalog.views_on_column(table, column) {
        found.questions.push(format!("the view `{}` reads `{shown}.{column}`: make it anew without it before the last revision", view.shown()));
    }
    found.questions.push(format!("may the values of `{shown}.{column}` go? The last revision needs an approval that names them, and a backup"));
    found.notes.push(format!("look for the name in code, reports and jobs before: every process that still names `{column}` fails once it is gone"));
    Some(found)
}

fn archive_of(table: &Name, column: &str) -> Name {
    Name { schema: table.schema.clone(), name: fitting(&format!("{}_{column}_archive", table.name)) }
}

/// The key and the values in a table of their own; filled in ranges.
fn archived(case: &Case<'_>, table: &Name, column: &Column, key: &[String]) -> Option<Step> {
    let dialect = case.dialect();
    let archive = relation(dialect, &archive_of(table, &column.name));
    let (written, own, list) = (relation(dialect, table), quoted(dialect, &column.name), columns(dialect, key));
    let create = format!("CREATE TABLE {archive} AS SELECT {list}, {own} FROM {written} WHERE false");
    let unique = format!("ALTER TABLE {archive} ADD PRIMARY KEY ({list})");
    let copy = format!("INSERT INTO {archive} SELECT {list}, {own} FROM {written} WHERE {own} IS NOT NULL ON CONFLICT DO NOTHING");
    let mut up = vec![Part::Inside(vec![Line::execute(create), Line::execute(unique), Line::execute(copy)])];
    if dialect.is_mysql_family() {
        // `INSERT … SELECT` over the whole table would lock all its rows: ranges of the key.
        let create = format!("CREATE TABLE IF NOT EXISTS {archive} (PRIMARY KEY ({list})) AS SELECT {list}, {own} FROM {written} WHERE false");
        let copy = format!("INSERT IGNORE INTO {archive} SELECT {list}, {own} FROM {written} WHERE {own} IS NOT NULL");
        up = vec![Part::Inside(vec![Line::execute(create)]), Part::Outside(vec![ranged(dialect, &written, key, &copy, &copy, "")])];
    }
    Some(Step {
        name: snake(&format!("archive_{}_{}", table.name, column.name)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: "the values are copied aside under their key, for the way back and for those who ask later".to_owned(),
        upgrade: Body(up),
        downgrade: Body::inside(vec![Line::execute(format!("DROP TABLE {archive}")).allowing("drop_table", format!("it is a copy of what stands in {}", table.name))]),
        deploy: format!("after no running code writes `{}` any more: what is written later is not in the copy", column.name),
    })
}

fn dropped(case: &Case<'_>, table: &Name, column: &Column, key: Option<&[String]>) -> Option<Step> {
    let dialect = case.dialect();
    let name = &column.name;
    let drop = written_out(case, drop_column(dialect, table, name));
    let because = match key {
        Some(_) => format!("no running code uses it, and its values stand in {}", archive_of(table, name).name),
        None => "no running code uses it; the loss has its own gate".to_owned(),
    };
    let mut back = vec![Part::Inside(vec![add_column(dialect, table, &Column { not_null: false, constraints: Vec::new(), ..column.clone() })?])];
    if column.generated.is_none()
        && let Some(key) = key
    {
        back.push(Part::Outside(vec![restored(case, table, name, key)]));
    }
    back.extend(standing(case, table, Onto { from: name, to: name, keeps_names: true }).unwrap_or_default());
    Some(Step {
        name: snake(&format!("drop_{}_{name}", table.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "ACCESS EXCLUSIVE for an instant; the values are gone from the table for ever".to_owned(),
        upgrade: Body::inside(vec![drop.allowing("drop_column", because)]),
        downgrade: Body(back),
        deploy: format!("only when the last process that names `{name}` is gone; a release after the code stopped using it"),
    })
}

/// The values come back from the archive in ranges of the key.
fn restored(case: &Case<'_>, table: &Name, column: &str, key: &[String]) -> Line {
    let dialect = case.dialect();
    let archive = relation(dialect, &archive_of(table, column));
    let (written, own) = (relation(dialect, table), quoted(dialect, column));
    let joined = key.iter().map(|one| format!("t.{0} = a.{0}", quoted(dialect, one))).collect::<Vec<_>>().join(" AND ");
    let whole = if dialect.is_mysql_family() {
        format!("UPDATE {written} AS t JOIN {archive} AS a ON {joined} SET t.{own} = a.{own}")
    } else {
        format!("UPDATE {written} AS t SET {own} = a.{own} FROM {archive} AS a WHERE {joined}")
    };
    let write = if dialect.is_mysql_family() { format!("{whole} WHERE true") } else { whole.clone() };
    ranged(dialect, &archive, key, &write, &whole, "a.")
}

/// Walks a table by its key; `write` is sent for each range and ends where `AND` may follow, `whole` is what it says of all rows.
fn ranged(dialect: Dialect, walked: &str, key: &[String], write: &str, whole: &str, prefix: &str) -> Line {
    let list = columns(dialect, key);
    let tuple = if key.len() == 1 { list.clone() } else { format!("({list})") };
    let binds = |prefix: &str, from: &str| (0..key.len()).map(|n| format!("\"{prefix}{n}\": {from}[{n}]")).collect::<Vec<_>>().join(", ");
    let row = |prefix: &str| {
        let names: Vec<String> = (0..key.len()).map(|n| format!(":{prefix}{n}")).collect();
        if let [one] = names.as_slice() { one.clone() } else { format!("({})", names.join(", ")) }
    };
    let qualified = key.iter().map(|one| format!("{prefix}{}", quoted(dialect, one))).collect::<Vec<_>>().join(", ");
    let qualified = if key.len() == 1 { qualified } else { format!("({qualified})") };
    let write = format!("{write} AND {qualified} >= {} AND {qualified} <= {}", row("a"), row("z"));
    let select = format!("SELECT {list} FROM {walked}");
    let order = format!("ORDER BY {list} LIMIT {BATCH}");
    let text = |sql: &str| python_sql(sql).replace("\\\\:", ":");
    let python = format!(
        "connection = op.get_bind()\nkeys = connection.execute(sa.text({})).all()\nwhile keys:\n    connection.execute(sa.text({}), {{{}, {}}})\n    keys = connection.execute(sa.text({}), {{{}}}).all()\n",
        text(&format!("{select} {order}")),
        text(&write),
        binds("a", "keys[0]"),
        binds("z", "keys[-1]"),
        text(&format!("{select} WHERE {tuple} > {} {order}", row("a"))),
        binds("a", "keys[-1]"),
    );
    Line::operation(python, format!("-- in ranges of {BATCH} rows, each committed on its own\n{whole}"))
}

//! # A table goes
//!
//! First the code stops using it, then it is set aside under another name for a release, then it goes.
//!
//! ## Why
//! Dropping is instant and for ever. Set aside, the table can come back in a second if anybody turns out to need it: code that still
//! names it fails as it would after the drop, and nothing is lost.
//!
//! ## Do
//! 1. Deploy code that does not use it. Keep autogenerate quiet with `include_object` until it is gone, or drop the model in the same release.
//! 2. Switch: rename it aside. Watch for errors for a release; the way back is to rename it again.
//! 3. Contract: drop it, with a backup that was tried. The way back makes the table anew, without its rows.
//!
//! ```plan postgresql loses
//! CREATE TABLE sessions (id bigserial PRIMARY KEY, note text NOT NULL DEFAULT 'x');
//! CREATE INDEX ix_sessions_note ON sessions (note);
//! -- rows
//! INSERT INTO sessions SELECT n, 'user ' || n FROM generate_series(1, 60) AS n;
//! -- wish
//! {"kind": "drop_table", "table": "sessions"}
//! -- gives
//! set_sessions_aside, drop_sessions
//! ```
//! ```plan mariadb loses
//! CREATE TABLE sessions (id bigint PRIMARY KEY, note varchar(40) NOT NULL DEFAULT 'x', seen timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), KEY ix_sessions_note (note)) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
//! -- rows
//! INSERT INTO sessions (id, note) SELECT seq, CONCAT('user ', seq) FROM seq_1_to_60;
//! -- wish
//! {"kind": "drop_table", "table": "sessions"}
//! -- gives
//! set_sessions_aside, drop_sessions
//! ```
//! ```plan sqlite loses
//! CREATE TABLE sessions (id integer PRIMARY KEY, note text NOT NULL DEFAULT 'x');
//! CREATE INDEX ix_sessions_note ON sessions (note);
//! -- rows
//! INSERT INTO sessions (note) VALUES ('a'), ('b');
//! -- wish
//! {"kind": "drop_table", "table": "sessions"}
//! -- gives
//! set_sessions_aside, drop_sessions
//! ```

use crate::dialect::Dialect;
use crate::fix;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, fitting};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::undo::table_again;
use crate::recipes::parts::written::python_table;
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{Change, Name};

/// What it mends.
pub const MENDS: &[&str] = &["drop_table"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb, Dialect::Sqlite];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let statement = case.statement()?;
    let Change::Drop(drop) = &statement.reading.change else { return None };
    let ([table], false, "drop_table") = (drop.names.as_slice(), drop.cascade, statement.reading.kind.word()) else { return None };
    let known = case.catalog.table(table)?;
    let aside = Name { schema: table.schema.clone(), name: fitting(&format!("{}_unused", table.name)) };
    let rename = |from: &Name, to: &Name| {
        let (py_from, schema) = python_table(from);
        Line::operation(
            format!("op.rename_table({py_from}, {}{schema})", fix::python(&to.name)),
            format!("ALTER TABLE {} RENAME TO {}", relation(dialect, from), quoted(dialect, &to.name)),
        )
    };
    let pointing: Vec<String> =
        case.catalog.foreign_keys_to(table).into_iter().filter(|(other, _)| case.catalog.key(other) != case.catalog.key(table)).map(|(other, _)| other.shown()).collect();
    let mut found = Found::default();
    found.steps.push(Step {
        name: snake(&format!("set_{}_aside", table.name)),
        concern: Concern::Schema,
        stage: Stage::Switch,
        why: "under another name it can come back in a second, with all its rows, if somebody turns out to use it".to_owned(),
        upgrade: Body::inside(vec![rename(table, &aside).allowing("rename", format!("no running code uses {}: it is set aside before it is dropped", table.name))]),
        downgrade: Body::inside(vec![rename(&aside, table).allowing("rename", "it gets its own name back")]),
        deploy: format!("after the code that does not use `{}` is deployed everywhere", table.shown()),
    });
    let (py_aside, schema) = python_table(&aside);
    let gone = Line::operation(format!("op.drop_table({py_aside}{schema})"), format!("DROP TABLE {}", relation(dialect, &aside)));
    // Made under its own name, so that what the server names after it (sequences, keys) is called as it was.
    let again = table_again(dialect, table, known).map(|mut lines| {
        lines.push(rename(table, &aside).allowing("rename", "it is set aside again, as it stood"));
        lines
    });
    if again.is_none() {
        found.notes.push(format!("`{}` cannot be written anew from what is known of it: the last way back raises", table.shown()));
    }
    found.steps.push(Step {
        name: snake(&format!("drop_{}", table.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "its rows are gone for ever: a revision of its own, behind a release without the table and a backup".to_owned(),
        upgrade: Body::inside(vec![gone.allowing("drop_table", "it was set aside for a release and nobody missed it; the loss has its own gate")]),
        downgrade: Body::inside(again.unwrap_or_else(|| {
            vec![Line::operation("raise NotImplementedError(\"restore the table from the backup\")", "")]
        })),
        deploy: "a release after it was set aside, when nobody missed it, with an approval that names the rows and a backup".to_owned(),
    });
    for other in pointing {
        found.questions.push(format!("`{other}` points at `{}`: drop its foreign key first (plan `drop_constraint`)", table.shown()));
    }
    found.questions.push(format!("may the rows of `{}` go? Name the backup at the approval", table.shown()));
    Some(found)
}

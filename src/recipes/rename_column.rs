//! # A column gets another name while code runs
//!
//! Old and new code run side by side during a deploy: for a while the column has both names.
//!
//! ## Why
//! `RENAME COLUMN` is instant, and breaks every running process that uses the old name (PostgreSQL: 42703), until the last one is
//! replaced; the other way round new code fails until the rename has run.
//!
//! ## Do
//! Five phases, three deploys:
//! 1. Expand: the new column, and a trigger that keeps both equal.
//! 2. Backfill, a data revision in ranges of the key.
//! 3. Switch: indexes, constraints and NOT NULL of the old column on the new one, without a long lock.
//!    Deploy code that reads and writes the new name only.
//! 4. Contract: the trigger and the old column go, after no running code names it. It stops if a row differs.
//!
//! The cheapest rename is none: SQLAlchemy maps a new attribute onto the old column, `mapped_column("name", Text)`.
//!
//! ```plan postgresql
//! CREATE TABLE users (id bigint PRIMARY KEY, name varchar(80) NOT NULL, CONSTRAINT name_filled CHECK (name <> ''));
//! CREATE INDEX ix_users_name ON users (name);
//! -- rows
//! INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 7000) AS n;
//! -- wish
//! {"kind": "rename_column", "table": "users", "column": "name", "new_name": "full_name"}
//! -- gives
//! add_users_full_name, backfill_users_full_name, enforce_users_full_name, drop_users_name
//! -- old code
//! INSERT INTO users (id, name) VALUES (20001, 'old');
//! UPDATE users SET name = 'older' WHERE id = 20001;
//! SELECT name FROM users WHERE id = 1;
//! -- new code
//! INSERT INTO users (id, full_name) VALUES (20002, 'new');
//! UPDATE users SET full_name = 'newer' WHERE id = 20001;
//! SELECT full_name FROM users WHERE id = 1;
//! ```
//! ```plan postgresql
//! CREATE TABLE files (id bigint PRIMARY KEY, meta json);
//! -- rows
//! INSERT INTO files SELECT n, '{"a": 1}' FROM generate_series(1, 20) AS n;
//! -- wish
//! {"kind": "rename_column", "table": "files", "column": "meta", "new_name": "details"}
//! -- gives
//! add_files_details, backfill_files_details, drop_files_meta
//! -- old code
//! UPDATE files SET meta = '{"b": 2}' WHERE id = 1;
//! ```
//! ```plan mariadb
//! CREATE TABLE users (id bigint PRIMARY KEY, name varchar(80) NOT NULL, seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY ix_users_name (name));
//! -- rows
//! INSERT INTO users SELECT seq, CONCAT('user ', seq), '2020-01-02 03:04:05' FROM seq_1_to_7000;
//! -- wish
//! {"kind": "rename_column", "table": "users", "column": "name", "new_name": "full_name"}
//! -- gives
//! add_users_full_name, backfill_users_full_name, enforce_users_full_name, drop_users_name
//! -- old code
//! INSERT INTO users (id, name) VALUES (20001, 'old');
//! UPDATE users SET name = 'older' WHERE id = 20001;
//! SELECT name FROM users WHERE id = 1;
//! -- new code
//! INSERT INTO users (id, full_name) VALUES (20002, 'new');
//! UPDATE users SET full_name = 'newer' WHERE id = 20001;
//! SELECT full_name FROM users WHERE id = 1;
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, Part};
use crate::recipes::parts::loops::{Filling, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::standing::{Onto, equal_or_raise, not_null, standing};
use crate::recipes::parts::sync::Sync;
use crate::recipes::parts::undo::{constraint_name_of, in_its_place};
use crate::recipes::parts::online::{in_place, modified, written_out};
use crate::recipes::parts::written::{add_column, comparable, differ, drop_column, drop_index, exact, exactly, same};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Column, ConstraintKind, Name};

/// What it mends.
pub const MENDS: &[&str] = &["rename"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::RenameColumn { from, to }) = case.statement()?.action()? else { return None };
    let known = case.catalog.table(table)?;
    let column = known.column(from)?;
    let is_key = column.generated.is_some() || column.identity.is_some() || known.primary_key().is_some_and(|key| key.contains(from));
    if is_key || known.generated_from(from).next().is_some() || known.partition_by.is_some() {
        return None;
    }
    let sync = Sync::equal(table, from, to).of(&[column.data_type.as_ref()]);
    let new = Column { name: to.clone(), not_null: false, default: None, constraints: Vec::new(), ..column.clone() };
    let shown = table.shown();
    let mut expand = vec![written_out(case, add_column(dialect, table, &new)?)];
    expand.extend(sync.made(dialect));
    let mut unexpand = sync.gone(dialect);
    unexpand.push(drop_column(dialect, table, to));
    let mut found = Found::default();
    found.steps.push(Step {
        name: snake(&format!("add_{}_{to}", table.name)),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: format!("`{to}` stands beside `{from}`; the trigger copies each write in either direction, so that old and new code see each other's values"),
        upgrade: Body::inside(expand),
        downgrade: Body::inside(unexpand),
        deploy: "run it first: running code does not notice".to_owned(),
    });
    found.steps.push(copied(case, table, from, to));
    let (switch, unswitch) = switched(case, table, column, Onto { from, to, keeps_names: false })?;
    if !switch.is_empty() {
        found.steps.push(Step {
            name: snake(&format!("enforce_{}_{to}", table.name)),
            concern: Concern::Schema,
            stage: Stage::Switch,
            why: format!("what stands on `{from}` is made on `{to}` without a long lock, before anybody relies on it"),
            upgrade: Body(switch),
            downgrade: Body::inside(unswitch),
            deploy: format!("behind it deploy the code that reads and writes `{to}` and no more names `{from}`"),
        });
    } else if let Some(last) = found.steps.last_mut() {
        last.deploy.push_str(&format!("; behind it deploy the code that reads and writes `{to}` and no more names `{from}`"));
    }
    found.steps.push(contracted(case, table, column, to, &sync)?);
    for view in case.catalog.views_on_column(table, from) {
        found.questions.push(format!("the view `{}` reads `{shown}.{from}`: make it anew over `{to}` before the last revision", view.shown()));
    }
    found.notes.push(format!("three deploys: (1) revisions to the backfill, (2) code that uses `{to}`, (3) the last revision, when no process names `{from}`"));
    Some(found)
}

fn copied(case: &Case<'_>, table: &Name, from: &str, to: &str) -> Step {
    let (old, new) = (quoted(case.dialect(), from), quoted(case.dialect(), to));
    let column = case.catalog.table(table).and_then(|known| known.column(from));
    let comparable = |name: &str| exactly(case.dialect(), &comparable(case.dialect(), column.and_then(|column| column.data_type.as_ref()), name));
    let filling = |assignment: String, open: String, is_silent: bool| Filling { table: table.clone(), assignment, open, is_silent, must_end: !is_silent, asks_fill: false };
    Step {
        name: snake(&format!("backfill_{}_{to}", table.name)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: "rows from before the trigger are copied in ranges of the key, each in its own transaction; it can be run again".to_owned(),
        upgrade: filled(case, &filling(format!("{new} = {old}"), format!("{new} IS NULL AND {old} IS NOT NULL"), false)),
        downgrade: filled(case, &filling(format!("{new} = NULL"), format!("{new} IS NOT NULL AND {}", same(case.dialect(), &comparable(&new), &comparable(&old))), true)),
        deploy: "any time behind the first; while it runs nobody waits longer than for one range".to_owned(),
    }
}

/// What stands on the old column, on the new one; and what takes it away.
fn switched(case: &Case<'_>, table: &Name, column: &Column, onto: Onto<'_>) -> Option<(Vec<Part>, Vec<Line>)> {
    let dialect = case.dialect();
    let known = case.catalog.table(table)?;
    let written = relation(dialect, table);
    let mut up = standing(case, table, onto)?;
    let mut down = Vec::new();
    let new = Column { name: onto.to.to_owned(), default: None, ..column.clone() };
    if column.not_null && dialect.is_mysql_family() {
        // One rebuild for both: from here on code may leave the old column out, and the trigger fills it.
        let both = |required: bool| Some(format!("{}, {}", modified(dialect, &new, required)?, modified(dialect, column, !required)?));
        up.push(Part::Inside(vec![in_place(case, table, &both(true)?)]));
        down.push(in_place(case, table, &both(false)?));
    } else if column.not_null {
        up.extend(not_null(case, table, onto.to));
        down.push(Line::execute(format!("ALTER TABLE {written} ALTER COLUMN {} DROP NOT NULL", quoted(dialect, onto.to))));
    }
    for constraint in known.constraints_on(onto.from).filter(|one| !matches!(one.kind, ConstraintKind::NotNull { .. })) {
        let name = onto.name(&constraint_name_of(table, constraint));
        down.push(Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT {}", quoted(dialect, &name))));
    }
    for state in known.indexes_on(onto.from).filter(|state| state.constraint.is_none()) {
        down.push(drop_index(dialect, table, &onto.name(state.index.name.as_deref()?), false));
    }
    Some((up, down))
}

fn contracted(case: &Case<'_>, table: &Name, column: &Column, to: &str, sync: &Sync) -> Option<Step> {
    let dialect = case.dialect();
    let from = &column.name;
    let (written, old, new) = (relation(dialect, table), quoted(dialect, from), quoted(dialect, to));
    let comparable = |name: &str| exactly(dialect, &comparable(dialect, column.data_type.as_ref(), name));
    let mut up = sync.gone(dialect);
    if let Some(default) = &column.default {
        up.push(Line::execute(format!("ALTER TABLE {written} ALTER COLUMN {new} SET DEFAULT {}", exact(default)?)));
    }
    up.push(drop_column(dialect, table, from).allowing("drop_column", format!("every value stands in {to}, kept equal by the trigger and compared in this revision")));
    let stood = add_column(dialect, table, &Column { not_null: false, constraints: Vec::new(), ..column.clone() })?;
    let mut again = vec![written_out(case, in_its_place(dialect, case.catalog.table(table)?, from, stood))];
    if column.default.is_some() {
        again.insert(0, Line::execute(format!("ALTER TABLE {written} ALTER COLUMN {new} DROP DEFAULT")));
    }
    again.extend(sync.made(dialect));
    let mut back = vec![Part::Inside(again)];
    let fill = Filling {
        table: table.clone(),
        assignment: format!("{old} = {new}"),
        open: differ(dialect, &comparable(&old), &comparable(&new)),
        is_silent: false,
        must_end: true,
        asks_fill: false,
    };
    back.extend(filled(case, &fill).0);
    back.extend(standing(case, table, Onto { from, to: from, keeps_names: true })?);
    if column.not_null && !dialect.is_mysql_family() {
        back.extend(not_null(case, table, from));
    }
    Some(Step {
        name: snake(&format!("drop_{}_{from}", table.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: format!("the old name goes; it stops before anything is locked if `{from}` and `{to}` differ in any row"),
        upgrade: Body(vec![Part::Outside(vec![equal_or_raise(case, table, &comparable(&old), &comparable(&new))]), Part::Inside(up)]),
        downgrade: Body(back),
        deploy: format!("only when the last process that names `{from}` is gone; a release after the switch"),
    })
}

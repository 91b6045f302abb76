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
//! ```plan postgresql
//! CREATE TABLE orders (shop integer, number integer, state text NOT NULL DEFAULT 'new', PRIMARY KEY (shop, number));
//! -- rows
//! INSERT INTO orders SELECT n % 3, n, 'state ' || n FROM generate_series(1, 7000) AS n;
//! -- wish
//! {"kind": "drop_column", "table": "orders", "column": "state"}
//! -- gives
//! archive_orders_state, drop_orders_state
//! -- old code
//! INSERT INTO orders (shop, number) VALUES (1, 20001);
//! ```
//! ```plan postgresql
//! CREATE TABLE users (id bigint PRIMARY KEY, prefs jsonb DEFAULT '{}');
//! -- rows
//! INSERT INTO users SELECT n, CASE WHEN n % 3 = 0 THEN NULL ELSE '{"a": 1}'::jsonb END FROM generate_series(1, 60) AS n;
//! -- wish
//! {"kind": "drop_column", "table": "users", "column": "prefs"}
//! -- gives
//! archive_users_prefs, drop_users_prefs
//! -- old code
//! INSERT INTO users (id) VALUES (20001);
//! ```
//! ```plan sqlite
//! CREATE TABLE teams (id INTEGER PRIMARY KEY);
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, phone VARCHAR(20) NOT NULL, team INTEGER REFERENCES teams (id));
//! CREATE INDEX ix_users_phone ON users (phone);
//! -- rows
//! INSERT INTO users (name, phone) VALUES ('a', '1'), ('b', '2');
//! -- wish
//! {"kind": "drop_column", "table": "users", "column": "phone"}
//! -- gives
//! make_users_phone_nullable, archive_users_phone, drop_users_phone
//! -- old code
//! INSERT INTO users (name, phone) VALUES ('old', '1');
//! SELECT phone FROM users WHERE id = 1;
//! -- new code
//! INSERT INTO users (name) VALUES ('new');
//! ```
//! ```plan sqlite
//! CREATE TABLE teams (id INTEGER PRIMARY KEY);
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, team INTEGER REFERENCES teams (id));
//! -- rows
//! INSERT INTO teams (id) VALUES (1);
//! INSERT INTO users (name, team) VALUES ('a', 1), ('b', NULL);
//! -- wish
//! ALTER TABLE users DROP COLUMN team
//! -- gives
//! archive_users_team, drop_users_team
//! -- old code
//! INSERT INTO users (name, team) VALUES ('old', 1);
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(80), score VARCHAR(30));
//! -- rows
//! INSERT INTO users (name, score) VALUES ('a', '1'), ('b', '2');
//! -- wish
//! {"kind": "drop_column", "table": "users", "column": "score"}
//! -- gives
//! archive_users_score, drop_users_score
//! -- old code
//! INSERT INTO users (name, score) VALUES ('old', '1');
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score INTEGER DEFAULT 5 NOT NULL);
//! CREATE TABLE log (id INTEGER PRIMARY KEY, user_id INTEGER);
//! CREATE TRIGGER users_log AFTER UPDATE ON users BEGIN INSERT INTO log (user_id) VALUES (NEW.id); END;
//! -- rows
//! INSERT INTO users (name, score) VALUES ('a', 1), ('b', 2);
//! -- wish
//! {"kind": "drop_column", "table": "users", "column": "score"}
//! -- gives
//! archive_users_score, drop_users_score
//! -- old code
//! INSERT INTO users (name, score) VALUES ('old', 1);
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::archive::{kept_aside, ranged};
use crate::recipes::parts::batch::{Anew, operation};
use crate::recipes::parts::body::{Body, Line, Part, fitting};
use crate::recipes::parts::loops::kept_clocks;
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::online::{in_place, modified, written_out};
use crate::recipes::parts::standing::{Onto, not_null, standing};
use crate::recipes::parts::undo::in_its_place;
use crate::recipes::parts::written::{add_column, drop_column, exact};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::catalog::{Table, constraint_uses, index_uses};
use crate::sql::change::{AlterAction, Column, Name};

/// What it mends.
pub const MENDS: &[&str] = &["drop_column", "will_fail"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb, Dialect::Sqlite];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::DropColumn { column, cascade: false, .. }) = case.statement()?.action()? else { return None };
    let known = case.catalog.table(table)?;
    let own = known.column(column)?;
    // SQLite refuses a column that something stands on, and a table made anew does without.
    if dialect != Dialect::Sqlite && case.effect.is_some_and(crate::effects::Effect::always_fails) {
        return None;
    }
    let key = known.primary_key().map(<[String]>::to_vec).filter(|key| !key.contains(column));
    let shown = table.shown();
    let mut found = Found::default();
    if is_loosened(own) {
        let (upgrade, downgrade) = loosened(case, table, own)?;
        found.steps.push(Step {
            name: snake(&format!("make_{}_{column}_nullable", table.name)),
            concern: Concern::Schema,
            stage: Stage::Expand,
            why: format!("new code leaves `{column}` out while old code still writes it: it must not be required"),
            upgrade,
            downgrade,
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

/// Code that leaves the column out would fail: it gets no value from anywhere else.
const fn is_loosened(column: &Column) -> bool {
    column.not_null && column.default.is_none() && column.generated.is_none()
}

/// The column need not have a value any more, and the way back.
fn loosened(case: &Case<'_>, table: &Name, own: &Column) -> Option<(Body, Body)> {
    let dialect = case.dialect();
    if dialect == Dialect::Sqlite {
        let known = case.catalog.table(table)?;
        let loose = with_column(known, &Column { not_null: false, ..own.clone() });
        let (to, from) = (AlterAction::DropNotNull { column: own.name.clone() }, AlterAction::SetNotNull { column: own.name.clone() });
        let up = Anew { case, name: table, old: known, new: &loose, operation: operation(table, &to), filled: None, proof: None };
        let down = Anew { case, name: table, old: &loose, new: known, operation: operation(table, &from), filled: None, proof: None };
        return Some((up.body()?, down.body()?));
    }
    let up = if dialect.is_mysql_family() {
        in_place(case, table, &modified(dialect, own, false)?)
    } else {
        Line::execute(format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", relation(dialect, table), quoted(dialect, &own.name)))
    };
    Some((Body::inside(vec![up]), Body(not_null(case, table, &own.name))))
}

fn with_column(table: &Table, column: &Column) -> Table {
    let columns = table.columns.iter().map(|one| if one.name == column.name { column.clone() } else { one.clone() }).collect();
    Table { columns, ..table.clone() }
}

/// The key and the values in a table of their own; filled in ranges.
fn archived(case: &Case<'_>, table: &Name, column: &Column, key: &[String]) -> Option<Step> {
    let dialect = case.dialect();
    let name = archive_of(table, &column.name);
    // Where the column comes back with a default, a row without a value has to be told from one that never was.
    let comes_back_filled = column.default.is_some() && !column.not_null;
    let present = if comes_back_filled { "TRUE".to_owned() } else { format!("{} IS NOT NULL", quoted(dialect, &column.name)) };
    Some(Step {
        name: snake(&format!("archive_{}_{}", table.name, column.name)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: "the values are copied aside under their key in ranges, each in its own transaction, for the way back and for those who ask later".to_owned(),
        upgrade: kept_aside(case, table, &name, key, Some(column), &present)?,
        downgrade: Body::inside(vec![Line::execute(format!("DROP TABLE {}", relation(dialect, &name))).allowing("drop_table", format!("it is a copy of what stands in {}", table.name))]),
        deploy: format!("after no running code writes `{}` any more: what is written later is not in the copy", column.name),
    })
}

fn dropped(case: &Case<'_>, table: &Name, column: &Column, key: Option<&[String]>) -> Option<Step> {
    let dialect = case.dialect();
    let name = &column.name;
    let because = match key {
        Some(_) => format!("no running code uses it, and its values stand in {}", archive_of(table, name).name),
        None => "no running code uses it; the loss has its own gate".to_owned(),
    };
    let (upgrade, downgrade) = if dialect == Dialect::Sqlite {
        let known = case.catalog.table(table)?;
        let loose = with_column(known, &Column { not_null: column.not_null && !is_loosened(column), ..column.clone() });
        let left = without(&loose, name);
        let stands = known.constraints_on(name).next().is_some() || known.indexes_on(name).next().is_some();
        let told = operation(table, &AlterAction::DropColumn { column: name.clone(), if_exists: false, cascade: false }).filter(|_| !stands);
        let up = Anew { case, name: table, old: &loose, new: &left, operation: told, filled: None, proof: None }.allowed("drop_column", &because)?;
        let mut down = Anew { case, name: table, old: &left, new: &loose, operation: None, filled: None, proof: None }.body()?;
        if let Some(key) = key.filter(|_| column.generated.is_none()) {
            filled_behind_copy(&mut down, &of_archive(table, column, key)?);
        }
        (up, down)
    } else {
        let drop = written_out(case, drop_column(dialect, table, name));
        let again = Column { not_null: false, constraints: Vec::new(), ..column.clone() };
        let again = in_its_place(dialect, case.catalog.table(table)?, name, add_column(dialect, table, &again)?);
        let mut back = vec![Part::Inside(vec![written_out(case, again)])];
        back.extend(key.filter(|_| column.generated.is_none()).map(|key| Part::Outside(vec![restored(case, table, name, key)])));
        if column.not_null && !is_loosened(column) && column.generated.is_none() {
            back.extend(not_null(case, table, name));
        }
        back.extend(standing(case, table, Onto { from: name, to: name, keeps_names: true }).unwrap_or_default());
        (Body::inside(vec![drop.allowing("drop_column", because)]), Body(back))
    };
    Some(Step {
        name: snake(&format!("drop_{}_{name}", table.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: match dialect {
            Dialect::Sqlite => "the values are gone from the table for ever; nobody writes while the rows are copied",
            _ => "the values are gone from the table for ever; others wait for an instant",
        }
        .to_owned(),
        upgrade,
        downgrade,
        deploy: format!("only when the last process that names `{name}` is gone; a release after the code stopped using it"),
    })
}

/// The table without a column and all that names it.
fn without(table: &Table, column: &str) -> Table {
    Table {
        columns: table.columns.iter().filter(|one| one.name != column).cloned().collect(),
        constraints: table.constraints.iter().filter(|one| !constraint_uses(one, column)).cloned().collect(),
        indexes: table.indexes.iter().filter(|state| !index_uses(&state.index, column)).cloned().collect(),
        ..table.clone()
    }
}

/// The values from the archive into the table that takes the place of SQLite's: an `UPDATE` later would wake the triggers of the table.
fn of_archive(table: &Name, column: &Column, key: &[String]) -> Option<Line> {
    let dialect = Dialect::Sqlite;
    let archive = relation(dialect, &archive_of(table, &column.name));
    let beside = relation(dialect, &Name::bare(format!("_alembic_tmp_{}", table.name)));
    let (own, names) = (quoted(dialect, &column.name), key.iter().map(|one| quoted(dialect, one)));
    let same = names.map(|one| format!("a.{one} = {beside}.{one}")).collect::<Vec<_>>().join(" AND ");
    let value = format!("(SELECT a.{own} FROM {archive} AS a WHERE {same})");
    let value = match &column.default {
        Some(default) if column.not_null => format!("coalesce({value}, {})", exact(default)?),
        _ => value,
    };
    Some(Line::execute(format!("UPDATE {beside} SET {own} = {value}")).allowing("unbounded_write", "each row gets its own value back"))
}

/// Puts a line behind the copy of the rows.
fn filled_behind_copy(body: &mut Body, line: &Line) {
    for part in &mut body.0 {
        let (Part::Inside(lines) | Part::Outside(lines)) = part;
        if let Some(at) = lines.iter().position(|one| one.sql.starts_with("INSERT INTO ") && one.sql.contains("_alembic_tmp_")) {
            lines.insert(at + 1, line.clone());
        }
    }
}

/// The values come back from the archive in ranges of the key.
fn restored(case: &Case<'_>, table: &Name, column: &str, key: &[String]) -> Line {
    let dialect = case.dialect();
    let archive = relation(dialect, &archive_of(table, column));
    let (written, own) = (relation(dialect, table), quoted(dialect, column));
    let joined = key.iter().map(|one| format!("t.{0} = a.{0}", quoted(dialect, one))).collect::<Vec<_>>().join(" AND ");
    let whole = if dialect.is_mysql_family() {
        let kept = kept_clocks(case, table, &format!("t.{own} ="), "t.");
        format!("UPDATE {written} AS t JOIN {archive} AS a ON {joined} SET t.{own} = a.{own}{kept}")
    } else {
        format!("UPDATE {written} AS t SET {own} = a.{own} FROM {archive} AS a WHERE {joined}")
    };
    let write = if dialect.is_mysql_family() { format!("{whole} WHERE true") } else { whole.clone() };
    ranged(dialect, &archive, key, &write, &whole, ("a.", ""))
}

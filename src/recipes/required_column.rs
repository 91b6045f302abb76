//! # A column that must have a value
//!
//! A new column that is NOT NULL without a default, an existing one that becomes NOT NULL, or a default that is computed
//! for each row: add it nullable, fill it in ranges, then prove it without making anybody wait.
//!
//! ## Why
//! `ADD COLUMN … NOT NULL` without default is refused at once on a table with rows (PostgreSQL: 23502). `SET NOT NULL` alone
//! reads the whole table under ACCESS EXCLUSIVE. A volatile default (`gen_random_uuid()`) rewrites the table.
//!
//! ## Do
//! 1. Expand: the column, nullable. Deploy code that writes it.
//! 2. Backfill, a data revision: ranges of the primary key, each committed on its own; it can be stopped and run again.
//! 3. Contract: `CHECK (… IS NOT NULL) NOT VALID`, `VALIDATE` (SHARE UPDATE EXCLUSIVE, nobody waits), then `SET NOT NULL`, which
//!    finds the valid check and reads nothing, then the check goes. PostgreSQL 18 has `NOT NULL … NOT VALID` instead.
//!
//! Where a constant default means something no recipe is needed: `ADD COLUMN … NOT NULL DEFAULT 'x'` only changes the catalogue.
//!
//! ```plan postgresql
//! CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
//! -- rows
//! INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 12000) AS n;
//! -- wish
//! {"kind": "add_column", "table": "users", "column": "phone", "type": "varchar(20)", "nullable": false, "fill": "unknown"}
//! -- gives
//! add_users_phone, backfill_users_phone, enforce_users_phone_not_null
//! -- old code
//! INSERT INTO users (id, name) VALUES (20001, 'old');
//! UPDATE users SET name = 'new' WHERE id = 1;
//! ```
//! ```plan postgresql
//! CREATE TABLE users (id bigint PRIMARY KEY, email text);
//! -- rows
//! INSERT INTO users SELECT n, CASE WHEN n % 2 = 0 THEN 'a@example.org' WHEN n % 3 = 0 THEN 'user-' || n END FROM generate_series(1, 40) AS n;
//! -- wish
//! {"kind": "set_not_null", "table": "users", "column": "email", "fill": "'user-' || id"}
//! -- gives
//! backfill_users_email, enforce_users_email_not_null
//! -- old code
//! SELECT email FROM users;
//! ```
//! ```plan postgresql 18
//! CREATE TABLE users (id bigint PRIMARY KEY, email text);
//! -- rows
//! INSERT INTO users SELECT n, 'a' || n FROM generate_series(1, 40) AS n;
//! -- wish
//! {"kind": "set_not_null", "table": "users", "column": "email"}
//! -- gives
//! enforce_users_email_not_null
//! -- old code
//! INSERT INTO users VALUES (9001, 'b');
//! ```
//! ```plan postgresql
//! CREATE TABLE users (region text, number int, PRIMARY KEY (region, number));
//! -- rows
//! INSERT INTO users SELECT 'r' || n % 3, n FROM generate_series(1, 40) AS n;
//! -- wish
//! {"kind": "add_column", "table": "users", "column": "token", "type": "uuid", "nullable": false, "default": "gen_random_uuid()"}
//! -- gives
//! add_users_token, backfill_users_token, enforce_users_token_not_null
//! -- old code
//! INSERT INTO users (region, number) VALUES ('x', 1);
//! ```
//! ```plan postgresql
//! CREATE TABLE lines (order_id bigint, n int, PRIMARY KEY (order_id, n));
//! -- rows
//! INSERT INTO lines SELECT g, 1 FROM generate_series(1, 60) AS g;
//! -- wish
//! ALTER TABLE lines ADD COLUMN id bigserial;
//! -- gives
//! add_lines_id, backfill_lines_id, enforce_lines_id_not_null
//! -- old code
//! INSERT INTO lines VALUES (901, 1);
//! ```
//! ```plan mariadb
//! CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40) NOT NULL);
//! -- rows
//! INSERT INTO users SELECT seq, CONCAT('user ', seq) FROM seq_1_to_12000;
//! -- wish
//! {"kind": "add_column", "table": "users", "column": "phone", "type": "varchar(20)", "nullable": false, "fill": "unknown"}
//! -- gives
//! add_users_phone, backfill_users_phone, enforce_users_phone_not_null
//! -- old code
//! INSERT INTO users (id, name) VALUES (20001, 'old');
//! UPDATE users SET name = 'new' WHERE id = 1;
//! ```
//! ```plan mariadb
//! CREATE TABLE users (id bigint PRIMARY KEY, email varchar(80) DEFAULT 'x', KEY ix_users_email (email));
//! -- rows
//! INSERT INTO users SELECT seq, IF(seq % 2 = 0, 'a@example.org', IF(seq % 3 = 0, CONCAT('user-', seq), NULL)) FROM seq_1_to_6000;
//! -- wish
//! {"kind": "set_not_null", "table": "users", "column": "email", "fill": "concat('user-', id)"}
//! -- gives
//! backfill_users_email, enforce_users_email_not_null
//! -- old code
//! SELECT email FROM users;
//! INSERT INTO users (id, email) VALUES (20001, 'b');
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
//! -- rows
//! INSERT INTO users (name) VALUES ('a'), ('b');
//! -- wish
//! {"kind": "add_column", "table": "users", "column": "phone", "type": "VARCHAR(20)", "nullable": false, "fill": "unknown"}
//! -- gives
//! add_users_phone, backfill_users_phone, enforce_users_phone_not_null
//! -- old code
//! INSERT INTO users (name) VALUES ('old');
//! UPDATE users SET name = 'new' WHERE id = 1;
//! ```
//! ```plan sqlite
//! CREATE TABLE teams (id INTEGER PRIMARY KEY);
//! CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, team INTEGER REFERENCES teams (id));
//! CREATE UNIQUE INDEX ix_users_email ON users (email);
//! -- rows
//! INSERT INTO teams (id) VALUES (1);
//! INSERT INTO users (email, team) VALUES ('a', 1), (NULL, 1), ('b', NULL);
//! -- wish
//! {"kind": "set_not_null", "table": "users", "column": "email", "fill": "'user-' || id"}
//! -- gives
//! backfill_users_email, enforce_users_email_not_null
//! -- old code
//! SELECT email FROM users;
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::batch::{Anew, operation};
use crate::recipes::parts::body::{Body, Line, Part, fitting};
use crate::recipes::parts::exact_fill::exact_fill;
use crate::recipes::parts::loops::{Filling, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::online::{in_place, modified, written_out};
use crate::recipes::parts::written::{add_column, comparable, drop_column, exact, literal, python_table, same};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Column, DataType, Name};

/// What it mends.
pub const MENDS: &[&str] = &["not_null_without_default", "set_not_null_scan", "add_column_rewrite", "will_fail", "may_fail_on_rows", "set_not_null"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb, Dialect::Sqlite];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let statement = case.statement()?;
    let (table, action) = statement.action()?;
    match action {
        AlterAction::AddColumn { column, .. } if column.generated.is_none() && column.identity.is_none() && column.constraints.is_empty() => {
            added(case, table, column, statement.fill.as_deref())
        }
        AlterAction::SetNotNull { column } => {
            let mut found = Found::default();
            match &statement.fill {
                Some(fill) => {
                    let known = case.catalog.table(table).and_then(|known| known.column(column));
                    let data_type = known.and_then(|column| column.data_type.as_ref());
                    let mut step = backfill(case, table, column, data_type, Some(fill), false);
                    let own = quoted(case.dialect(), column);
                    let filling = Filling {
                        table: table.clone(),
                        assignment: format!("{own} = {fill}"),
                        open: format!("{own} IS NULL"),
                        is_silent: false,
                        must_end: true,
                        asks_fill: false,
                    };
                    let known = case.catalog.table(table).and_then(|known| known.column(column));
                    if let Some(exact) = known.and_then(|known| exact_fill(case, table, known, fill, &filling)) {
                        (step.upgrade, step.downgrade) = (exact.up, exact.down);
                        found.notes.push(format!("`{}` keeps which rows had none, for the way back: plan `drop_table` of it a release later", exact.before.shown()));
                    }
                    found.steps.push(step);
                }
                None => found.questions.push(format!(
                    "which value do rows get that have NULL in `{}.{column}`? (`fill`; without it the plan takes for granted that there are none)",
                    table.shown()
                )),
            }
            found.steps.push(enforced(case, table, case.catalog.table(table)?.column(column)?)?);
            Some(found)
        }
        _ => None,
    }
}

/// What `serial` stands for: a sequence of the column's own, and the number it gives.
struct Numbers {
    made: String,
    next: String,
    owned: String,
}

/// None for a column that is no `serial` of PostgreSQL.
fn numbers_of(dialect: Dialect, table: &Name, column: &Column) -> Option<Numbers> {
    let data_type = column.data_type.as_ref().filter(|one| one.serial && dialect == Dialect::Postgresql)?;
    let name = Name { schema: table.schema.clone(), name: fitting(&format!("{}_{}_seq", table.name, column.name)) };
    let written = relation(dialect, &name);
    Some(Numbers {
        made: format!("CREATE SEQUENCE {written} AS {}", data_type.name),
        next: format!("nextval({})", literal(&written)),
        owned: format!("ALTER SEQUENCE {written} OWNED BY {}.{}", relation(dialect, table), quoted(dialect, &column.name)),
    })
}

fn added(case: &Case<'_>, table: &Name, column: &Column, fill: Option<&str>) -> Option<Found> {
    let dialect = case.dialect();
    let name = &column.name;
    let shown = table.shown();
    if dialect == Dialect::Sqlite && column.default.is_some() {
        return None;
    }
    let numbers = numbers_of(dialect, table, column);
    let data_type = column.data_type.clone().map(|one| DataType { serial: false, ..one });
    let nullable = Column { not_null: false, default: None, data_type, ..column.clone() };
    let mut lines = vec![written_out(case, add_column(dialect, table, &nullable)?)];
    let default = match (&column.default, &numbers) {
        (_, Some(numbers)) => {
            lines.insert(0, Line::execute(&numbers.made));
            let set = format!("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}", relation(dialect, table), quoted(dialect, name), numbers.next);
            lines.extend([Line::execute(set), Line::execute(&numbers.owned)]);
            Some(numbers.next.as_str())
        }
        (Some(default), None) => {
            let text = exact(default)?;
            lines.push(Line::execute(format!("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {text}", relation(dialect, table), quoted(dialect, name))));
            Some(text)
        }
        (None, None) => None,
    };
    let value = fill.or(default);
    let mut found = Found::default();
    found.steps.push(Step {
        name: snake(&format!("add_{}_{name}", table.name)),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "nullable, so that only the catalogue changes and code that does not know the column goes on".to_owned(),
        upgrade: Body::inside(lines),
        downgrade: Body::inside(vec![drop_column(dialect, table, name)]),
        deploy: format!("run it first; then deploy code that writes `{name}` on every insert and update of `{shown}`"),
    });
    found.steps.push(backfill(case, table, name, column.data_type.as_ref(), value, default.is_some()));
    if value.is_none() {
        found.questions.push(format!("which value do the existing rows of `{shown}` get in `{name}`? (`fill`: a literal, or an expression over the row)"));
    }
    if column.not_null {
        found.steps.push(enforced(case, table, column)?);
    }
    if dialect.is_mysql_family() {
        found.notes.push(format!("added NOT NULL at once, the server would put the zero value of its type (0, '') into `{name}` of every row without a word"));
    }
    if column.default.is_none() && dialect == Dialect::Postgresql {
        found.notes.push(format!(
            "where a constant default means something, `ADD COLUMN {name} … NOT NULL DEFAULT …` is one revision and only changes the catalogue (PostgreSQL 11 and newer)"
        ));
    }
    Some(found)
}

fn backfill(
    case: &Case<'_>,
    table: &Name,
    column: &str,
    data_type: Option<&DataType>,
    value: Option<&str>,
    is_random: bool,
) -> Step {
    let dialect = case.dialect();
    let own = quoted(dialect, column);
    let assigned = value.unwrap_or(":fill");
    let asks_fill = value.is_none();
    let filling = |assignment: String, open: String, must_end: bool| Filling {
        table: table.clone(),
        assignment,
        open,
        is_silent: false,
        must_end,
        asks_fill,
    };
    let up = filled(case, &filling(format!("{own} = {assigned}"), format!("{own} IS NULL"), true));
    // What was filled is told by its value; a value that is computed anew each time cannot be told.
    let back = if is_random { format!("{own} IS NOT NULL") } else { same(dialect, &comparable(dialect, data_type, &own), &comparable(dialect, data_type, assigned)) };
    let down = filled(case, &filling(format!("{own} = NULL"), back, false));
    Step {
        name: snake(&format!("backfill_{}_{column}", table.name)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: "rows are written in ranges of the key, each in its own transaction: no lock is held long, and it can be run again where it was stopped".to_owned(),
        upgrade: up,
        downgrade: down,
        deploy: format!("after all running code writes `{column}`; while it runs nobody waits longer than for one range"),
    }
}

fn enforced(case: &Case<'_>, table: &Name, column: &Column) -> Option<Step> {
    match case.dialect() {
        Dialect::Sqlite => made_anew(case, table, column),
        dialect if dialect.is_mysql_family() => modified_in_place(case, table, column),
        _ => Some(proven(case, table, &column.name)),
    }
}

/// SQLite makes the table anew.
fn made_anew(case: &Case<'_>, table: &Name, column: &Column) -> Option<Step> {
    let name = &column.name;
    let demanded = |required: bool| {
        let mut known = case.catalog.table(table)?.clone();
        match known.columns.iter_mut().find(|one| one.name == *name) {
            Some(stands) => stands.not_null = required,
            None => known.columns.push(Column { not_null: required, ..column.clone() }),
        }
        Some(known)
    };
    let (loose, tight) = (demanded(false)?, demanded(true)?);
    let told = |required: bool| {
        let column = name.clone();
        operation(table, &if required { AlterAction::SetNotNull { column } } else { AlterAction::DropNotNull { column } })
    };
    let up = Anew { case, name: table, old: &loose, new: &tight, operation: told(true), filled: None, proof: None };
    let down = Anew { case, name: table, old: &tight, new: &loose, operation: told(false), filled: None, proof: None };
    Some(Step {
        name: snake(&format!("enforce_{}_{name}_not_null", table.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "the table is made anew with the demand, and its rows are copied: a row that is not filled stops the copy, and nothing is lost".to_owned(),
        upgrade: up.body()?,
        downgrade: down.body()?,
        deploy: format!("only when no running code leaves `{name}` out or writes NULL, and the backfill has ended; nobody writes while the rows are copied"),
    })
}

/// MySQL and MariaDB read the rows while they rebuild the table; others read and write meanwhile.
fn modified_in_place(case: &Case<'_>, table: &Name, column: &Column) -> Option<Step> {
    let (dialect, name) = (case.dialect(), &column.name);
    Some(Step {
        name: snake(&format!("enforce_{}_{name}_not_null", table.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "the table is rebuilt in place while others read and write; LOCK=NONE is written out, so that the server refuses rather than blocks".to_owned(),
        upgrade: Body::inside(vec![in_place(case, table, &modified(dialect, column, true)?)]),
        downgrade: Body::inside(vec![in_place(case, table, &modified(dialect, column, false)?)]),
        deploy: format!("only when no running code leaves `{name}` out or writes NULL, and the backfill has ended; a rebuild needs the space of the table once more, and replicas lag behind it"),
    })
}

fn proven(case: &Case<'_>, table: &Name, column: &str) -> Step {
    let dialect = case.dialect();
    let (written, own) = (relation(dialect, table), quoted(dialect, column));
    let (py_table, schema) = python_table(table);
    let py_column = crate::fix::python(column);
    let is_native = case.is_version_known && case.server.is_postgresql_from(18);
    let name = quoted(dialect, &fitting(&if is_native { format!("{}_{column}_not_null", table.name) } else { format!("ck_{}_{column}_present", table.name) }));
    let guard = Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT IF EXISTS {name}"));
    let demand = if is_native { format!("NOT NULL {own}") } else { format!("CHECK ({own} IS NOT NULL)") };
    let add = Line::execute(format!("ALTER TABLE {written} ADD CONSTRAINT {name} {demand} NOT VALID"));
    let validate = Line::execute(format!("ALTER TABLE {written} VALIDATE CONSTRAINT {name}"));
    let mut parts = vec![Part::Outside(vec![guard, add, validate])];
    if !is_native {
        let set = format!("ALTER TABLE {written} ALTER COLUMN {own} SET NOT NULL");
        parts.push(Part::Inside(vec![
            Line::operation(format!("op.alter_column({py_table}, {py_column}, nullable=False{schema})"), set),
            Line::execute(format!("ALTER TABLE {written} DROP CONSTRAINT {name}")),
        ]));
    }
    let back = format!("ALTER TABLE {written} ALTER COLUMN {own} DROP NOT NULL");
    Step {
        name: snake(&format!("enforce_{}_{column}_not_null", table.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "the rows are checked under SHARE UPDATE EXCLUSIVE while others read and write; NOT NULL then costs an instant".to_owned(),
        upgrade: Body(parts),
        downgrade: Body::inside(vec![Line::operation(format!("op.alter_column({py_table}, {py_column}, nullable=True{schema})"), back)]),
        deploy: format!("only when no running code leaves `{column}` out or writes NULL, and the backfill has ended"),
    }
}

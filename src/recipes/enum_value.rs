//! # Values of an enum
//!
//! Adding one is instant. Renaming one breaks code that writes the old word. Removing one needs a new type.
//!
//! ## Why
//! A value that was added cannot be used in the same transaction (55P04), and `alembic upgrade` runs all revisions in one. `RENAME VALUE`
//! changes what all rows show: from that moment the old word is refused (22P02). There is no `DROP VALUE` in any version of PostgreSQL.
//!
//! ## Do
//! - Add: in an `autocommit_block()`. The way back makes the type anew without the value; it stops if a row has it.
//! - Rename: add the new value, move the code, then the rows; remove the old value later, or never.
//! - Remove: which rows have it is kept aside, they get another value; then a new type takes the place of the old, each column converted in one transaction.
//!   Views, triggers, policies and indexes that hang on such a column are dropped and made anew in that transaction.
//!   It writes the table anew: plan a window for a large one, or leave the value, since it harms nobody.
//!
//! ```plan postgresql
//! CREATE TYPE status AS ENUM ('new', 'paid');
//! CREATE TABLE orders (id bigint PRIMARY KEY, state status NOT NULL DEFAULT 'new');
//! -- rows
//! INSERT INTO orders SELECT n, 'paid' FROM generate_series(1, 30) AS n;
//! -- wish
//! {"kind": "add_enum_value", "type": "status", "value": "shipped", "after": "paid"}
//! -- gives
//! add_status_value_shipped
//! -- old code
//! INSERT INTO orders (id) VALUES (9001);
//! -- new code
//! INSERT INTO orders VALUES (9002, 'shipped');
//! ```
//! ```plan postgresql
//! CREATE TYPE status AS ENUM ('new', 'paid');
//! CREATE TABLE orders (id bigint PRIMARY KEY, state status NOT NULL DEFAULT 'new');
//! -- rows
//! INSERT INTO orders SELECT n, CASE WHEN n % 2 = 0 THEN 'new'::status ELSE 'paid' END FROM generate_series(1, 30) AS n;
//! -- wish
//! {"kind": "remove_enum_value", "type": "status", "value": "paid", "replacement": "new"}
//! -- gives
//! archive_status_paid, move_status_paid_to_new, remove_status_value_paid
//! -- old code
//! INSERT INTO orders (id, state) VALUES (9001, 'paid');
//! ```
//! ```plan postgresql
//! CREATE TYPE status AS ENUM ('new', 'paid', 'sent');
//! CREATE TABLE orders (id bigint PRIMARY KEY, state status NOT NULL DEFAULT 'new');
//! CREATE INDEX ix_orders_open ON orders (id) WHERE state = 'new';
//! CREATE VIEW open_orders AS SELECT id, state FROM orders WHERE state = 'new';
//! CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
//! CREATE TRIGGER orders_touched BEFORE UPDATE OF state ON orders FOR EACH ROW EXECUTE FUNCTION touched();
//! -- rows
//! INSERT INTO orders SELECT n, CASE WHEN n % 2 = 0 THEN 'new'::status ELSE 'sent' END FROM generate_series(1, 30) AS n;
//! -- wish
//! {"kind": "remove_enum_value", "type": "status", "value": "sent", "replacement": "paid"}
//! -- gives
//! archive_status_sent, move_status_sent_to_paid, remove_status_value_sent
//! -- old code
//! SELECT id FROM open_orders;
//! -- new code
//! SELECT id FROM open_orders;
//! UPDATE orders SET state = 'paid' WHERE id = 2;
//! ```
//! ```plan postgresql
//! CREATE TYPE status AS ENUM ('new', 'paid');
//! CREATE TABLE orders (id bigint PRIMARY KEY, state status NOT NULL DEFAULT 'paid');
//! -- rows
//! INSERT INTO orders SELECT n, 'paid' FROM generate_series(1, 30) AS n;
//! -- wish
//! ALTER TYPE status RENAME VALUE 'paid' TO 'settled'
//! -- gives
//! add_status_value_settled, move_status_paid_to_settled
//! -- old code
//! INSERT INTO orders (id, state) VALUES (9001, 'paid');
//! -- new code
//! INSERT INTO orders (id, state) VALUES (9002, 'settled');
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::archive::kept_aside;
use crate::recipes::parts::body::{Body, Line, fitting};
use crate::recipes::parts::dependents;
use crate::recipes::parts::loops::{Filling, filled};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::wish::Wish;
use crate::recipes::parts::written::{create_index, drop_index, exact, literal};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::catalog::UserType;
use crate::sql::change::{Change, Expression, IndexKey, Name, TypeAction};

/// What it mends.
pub const MENDS: &[&str] = &["no_way_back", "rename", "remove_enum_value"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    match case.wish {
        Wish::RemoveEnumValue(value) => removed(case, &value.type_name, &value.value, value.replacement.as_deref()),
        Wish::Statement(statement) => {
            let Change::AlterType { name, actions } = &statement.reading.change else { return None };
            match actions.as_slice() {
                [TypeAction::AddValue { value, .. }] => Some(Found { steps: vec![added(case, name, value, &statement.sql)?], ..Found::default() }),
                [TypeAction::RenameValue { from, to }] => renamed(case, name, from, to),
                _ => None,
            }
        }
        Wish::ColumnValue(_) | Wish::Backfill(_) | Wish::SplitTable(_) | Wish::MergeTables(_) => None,
    }
}

fn values(case: &Case<'_>, name: &Name) -> Option<Vec<String>> {
    match case.catalog.user_type(name)? {
        UserType::Enum { values, .. } => Some(values.clone()),
        UserType::Domain { .. } | UserType::Other => None,
    }
}

fn added(case: &Case<'_>, name: &Name, value: &str, sql: &str) -> Option<Step> {
    let before = values(case, name)?;
    let guarded = if sql.to_uppercase().contains("IF NOT EXISTS") { sql.to_owned() } else { sql.replacen("VALUE ", "VALUE IF NOT EXISTS ", 1).replacen("value ", "VALUE IF NOT EXISTS ", 1) };
    Some(Step {
        name: snake(&format!("add_{}_value_{value}", name.name)),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "committed at once, so that revisions behind it may use the value (55P04 else); no table is locked".to_owned(),
        upgrade: Body::outside(vec![Line::execute(guarded)]),
        downgrade: Body::inside(exchanged(case, name, &before, None, None)?),
        deploy: format!("before any code that writes '{value}'; code that reads must know it before anybody writes it"),
    })
}

/// A new type takes the place of the old: each column is converted. Rows with a value that is not among them stop it (22P02).
/// `lacking`: a value that the type does not have when it begins, though the schema in front of the plan does.
fn exchanged(case: &Case<'_>, name: &Name, values: &[String], instead: Option<(&str, &str)>, lacking: Option<&str>) -> Option<Vec<Line>> {
    let dialect = Dialect::Postgresql;
    let old = Name { schema: name.schema.clone(), name: fitting(&format!("{}_old", name.name)) };
    let (own, old_own) = (relation(dialect, name), relation(dialect, &old));
    let list = values.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ");
    let window = "planned: the table is written anew while others wait";
    let mut lines = vec![
        Line::execute(format!("ALTER TYPE {own} RENAME TO {}", quoted(dialect, &old.name))).allowing("rename", "the new type takes the name in the same transaction"),
        Line::execute(format!("CREATE TYPE {own} AS ENUM ({list})")),
    ];
    let around = dependents::around(case.catalog, &holders(case, name))?;
    let mut indexes = Vec::new();
    for (table, column) in holders(case, name) {
        indexes.extend(indexes_about(case, &table, &column)?);
        let known = case.catalog.table(&table)?.column(&column)?;
        if known.data_type.as_ref()?.dimensions > 0 {
            return None;
        }
        let (written, own_column) = (relation(dialect, &table), quoted(dialect, &column));
        let alter = |what: &str| Line::execute(format!("ALTER TABLE {written} ALTER COLUMN {own_column} {what}"));
        if known.default.is_some() {
            lines.push(alter("DROP DEFAULT").allowing("drop_default_of_required_column", "it is set again in the same transaction"));
        }
        lines.push(alter(&format!("TYPE {own} USING {own_column}::text::{own}")).allowing("type_change_rewrite", window));
        if let Some(default) = &known.default {
            let text = exact(default)?;
            let text = instead.map_or_else(|| text.to_owned(), |(from, to)| text.replace(&literal(from), &literal(to)));
            lines.push(alter(&format!("SET DEFAULT {text}")));
        }
    }
    lines.push(Line::execute(format!("DROP TYPE {old_own}")).allowing("drop_object", "no column uses it any more"));
    // An index over a value that goes is not made again, and is not there when the value comes back.
    let all = self::values(case, name)?;
    let is_over_gone = |line: &Line| all.iter().filter(|one| !values.contains(one)).any(|gone| line.sql.contains(&literal(gone)));
    let is_over_lacking = |line: &Line| lacking.is_some_and(|value| line.sql.contains(&literal(value)));
    let dropped: Vec<Line> = indexes.iter().filter(|(_, made)| !is_over_lacking(made)).map(|(dropped, _)| dropped.clone()).collect();
    let made: Vec<Line> = indexes.into_iter().map(|(_, made)| made).filter(|made| !is_over_gone(made)).collect();
    let lines = dropped.into_iter().chain(lines).chain(made).collect();
    Some(around.lines(lines))
}

/// Indexes whose condition or keys compare the column with values of the old type: the server converts none of them.
fn indexes_about(case: &Case<'_>, table: &Name, column: &str) -> Option<Vec<(Line, Line)>> {
    let dialect = Dialect::Postgresql;
    let names = |expression: &Expression| expression.words.iter().any(|word| word.eq_ignore_ascii_case(column));
    let mut found = Vec::new();
    for state in &case.catalog.table(table)?.indexes {
        let keys = state.index.keys.iter().any(|key| matches!(key, IndexKey::Expression(expression) if names(expression)));
        if keys || state.index.predicate.as_ref().is_some_and(names) {
            let own = state.index.name.as_deref()?;
            let window = "planned: the table is written anew while others wait";
            found.push((
                drop_index(dialect, table, own, false).allowing("drop_index_without_concurrently", window),
                create_index(dialect, table, own, &state.index, false)?.allowing("index_without_concurrently", window),
            ));
        }
    }
    Some(found)
}

/// The columns that hold the type.
fn holders(case: &Case<'_>, name: &Name) -> Vec<(Name, String)> {
    case.catalog.tables_with_type(name)
}

/// A loop over each column of the type, from one value to another, where the condition of that column holds.
fn changed(case: &Case<'_>, name: &Name, from: &str, to: &str, also: impl Fn(&Name, &str) -> String) -> Body {
    let mut parts = Vec::new();
    for (table, column) in holders(case, name) {
        let own = quoted(case.dialect(), &column);
        let filling = Filling {
            assignment: format!("{own} = {}", literal(to)),
            open: format!("{own} = {}{}", literal(from), also(&table, &column)),
            table,
            is_silent: false,
            must_end: false,
            asks_fill: false,
        };
        parts.extend(filled(case, &filling).0);
    }
    Body(parts)
}

/// Rows of every column of the type change from one value to another, and all of them back.
fn moved(case: &Case<'_>, name: &Name, from: &str, to: &str) -> Step {
    let everywhere = |_: &Name, _: &str| String::new();
    Step {
        name: snake(&format!("move_{}_{from}_to_{to}", name.name)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: "rows change in ranges of the key, each in its own transaction; it can be run again".to_owned(),
        upgrade: changed(case, name, from, to, everywhere),
        downgrade: changed(case, name, to, from, everywhere),
        deploy: format!("only when no running code writes '{from}' any more"),
    }
}

/// Where the keys of the rows that had a value are kept.
fn kept(table: &Name, column: &str, value: &str) -> Name {
    Name { schema: table.schema.clone(), name: fitting(&snake(&format!("{}_{column}_{value}_archive", table.name))) }
}

/// Which rows have the value, in a table of their own for each column; none where a table has no key.
fn archived(case: &Case<'_>, name: &Name, value: &str) -> Option<Step> {
    let dialect = case.dialect();
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for (table, column) in holders(case, name) {
        let key = case.catalog.table(&table)?.primary_key().filter(|key| !key.contains(&column))?;
        let (name, own) = (kept(&table, &column, value), quoted(dialect, &column));
        let archive = relation(dialect, &name);
        up.extend(kept_aside(case, &table, &name, key, None, &format!("{own} = {}", literal(value)))?.0);
        down.push(Line::execute(format!("DROP TABLE {archive}")).allowing("drop_table", format!("it only says which rows of {} had the value", table.name)));
    }
    Some(Step {
        name: snake(&format!("archive_{}_{value}", name.name)),
        concern: Concern::Data,
        stage: Stage::Backfill,
        why: format!("the keys of the rows with '{value}' are kept aside: the way back gives it to these rows and to no others"),
        upgrade: Body(up),
        downgrade: Body::inside(down),
        deploy: format!("after no running code writes '{value}' any more: what is written later is not among them"),
    })
}

/// The way back of a move whose rows are kept aside.
fn given_back(case: &Case<'_>, name: &Name, value: &str, to: &str) -> Body {
    let dialect = case.dialect();
    changed(case, name, to, value, |table, column| {
        let key = case.catalog.table(table).and_then(|known| known.primary_key()).unwrap_or_default();
        let same: Vec<String> = key.iter().map(|one| quoted(dialect, one)).map(|one| format!("kept.{one} = {}.{one}", quoted(dialect, &table.name))).collect();
        format!(" AND EXISTS (SELECT 1 FROM {} AS kept WHERE {})", relation(dialect, &kept(table, column, value)), same.join(" AND "))
    })
}

fn renamed(case: &Case<'_>, name: &Name, from: &str, to: &str) -> Option<Found> {
    let own = relation(Dialect::Postgresql, name);
    let add = added(case, name, to, &format!("ALTER TYPE {own} ADD VALUE {} AFTER {}", literal(to), literal(from)))?;
    let mut step = moved(case, name, from, to);
    let mut with_defaults = Vec::new();
    for (table, column) in holders(case, name) {
        let known = case.catalog.table(&table)?.column(&column)?;
        if known.default.as_ref().is_some_and(|default| default.text.contains(&literal(from))) {
            with_defaults.push(format!("`{}.{column}`", table.shown()));
        }
    }
    step.deploy = format!("behind it no code may write '{from}'; read it as '{to}'");
    let mut found = Found { steps: vec![add, step], ..Found::default() };
    found.notes.push(format!("'{from}' stays in the type and harms nobody; plan `remove_enum_value` to take it away, which writes the tables anew"));
    if !with_defaults.is_empty() {
        found.notes.push(format!("the default of {} is '{from}': plan `set_default` with '{to}' behind the deploy", with_defaults.join(", ")));
    }
    found.notes.push("rows that had the new value before the move would get the old one on the way back".to_owned());
    Some(found)
}

fn removed(case: &Case<'_>, name: &Name, value: &str, replacement: Option<&str>) -> Option<Found> {
    let before = values(case, name)?;
    let named = dependents::around(case.catalog, &holders(case, name)).is_some_and(|around| around.names_value(value));
    if named {
        return Some(Found { questions: vec![format!("a view, trigger or policy compares with '{value}'")], ..Found::default() });
    }
    let left: Vec<String> = before.iter().filter(|one| *one != value).cloned().collect();
    let mut found = Found::default();
    match replacement {
        Some(to) if left.iter().any(|one| one == to) => {
            let mut step = moved(case, name, value, to);
            match archived(case, name, value) {
                Some(archive) => {
                    step.downgrade = given_back(case, name, value, to);
                    found.steps.push(archive);
                }
                None => {
                    let why = format!("which rows had '{value}' is not kept: restore them from the backup");
                    step.downgrade = Body::inside(vec![Line::operation(format!("raise NotImplementedError({})", crate::fix::python(&why)), "")]);
                    found.notes.push(format!("a table with the type has no primary key, so which rows had '{value}' cannot be kept: that way back raises"));
                }
            }
            found.steps.push(step);
        }
        _ => found.questions.push(format!("which of {} do rows with '{value}' get? (`replacement`; without it the last revision stops if there is one)", left.join(", "))),
    }
    found.steps.push(Step {
        name: snake(&format!("remove_{}_value_{value}", name.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "PostgreSQL cannot drop a value: a new type takes the place of the old one, and each column is converted".to_owned(),
        upgrade: Body::inside(exchanged(case, name, &left, replacement.map(|to| (value, to)), None)?),
        downgrade: Body::inside(exchanged(case, name, &before, None, Some(value))?),
        deploy: format!("only when no running code writes '{value}'; it writes the tables anew under ACCESS EXCLUSIVE: in a window, if they are large"),
    });
    for (table, column) in holders(case, name) {
        for (dropped, made) in indexes_about(case, &table, &column)? {
            if made.sql.contains(&literal(value)) {
                found.questions.push(format!("`{}` goes, since `{}` compares with '{value}': which index takes its place?", dropped.sql, made.sql));
            }
        }
    }
    found.notes.extend(dependents::around(case.catalog, &holders(case, name)).and_then(|around| around.note()));
    found.notes.push("an unused value harms nobody: leaving it costs nothing, removing it writes each table anew".to_owned());
    Some(found)
}

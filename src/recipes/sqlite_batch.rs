//! # What SQLite cannot alter in place
//!
//! SQLite adds, drops and renames columns, and little else: for the rest the table is made anew, its rows are copied, and it takes the name.
//!
//! ## Why
//! `ALTER TABLE` of SQLite has no types, no defaults, no keys; `NOT NULL` and checks only from 3.53 on. `batch_alter_table` of Alembic makes
//! the table anew from what it reflects: triggers, partial indexes, checks without a name, STRICT and generated columns are not among it.
//! While `foreign_keys` is on, dropping the old table deletes the rows that point at it.
//!
//! ## Do
//! One revision with `batch_alter_table` where reflection keeps all of the table; else the same statements written out, with everything
//! that stood on it. `foreign_keys` is off meanwhile, outside of the transaction, since it cannot be switched inside.
//! A change of type compares the rows before the old table goes, and stops where a value would change. Rows that break a new constraint
//! stop the copy, and nothing is lost.
//!
//! A name changes at once: SQLite knows no way to keep both, and has one writer. Stop the application that has the file open.
//!
//! ```plan sqlite
//! CREATE TABLE orders (id INTEGER PRIMARY KEY, state VARCHAR(10) NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'paid')), seen DATE);
//! CREATE TRIGGER orders_seen AFTER UPDATE OF state ON orders BEGIN UPDATE orders SET seen = '2020-01-01' WHERE id = NEW.id; END;
//! -- rows
//! INSERT INTO orders (state) VALUES ('new'), ('paid');
//! -- wish
//! {"kind": "add_enum_value", "table": "orders", "column": "state", "value": "sent"}
//! -- gives
//! drop_sqlite_constraint_2, add_ck_orders_state
//! -- old code
//! UPDATE orders SET state = 'paid' WHERE id = 1;
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email VARCHAR(80));
//! CREATE INDEX ix_users_email ON users (email);
//! -- rows
//! INSERT INTO users (name, email) VALUES ('a', 'a@example.org'), ('b', NULL);
//! -- wish
//! {"kind": "drop_not_null", "table": "users", "column": "name"}
//! -- gives
//! make_users_name_nullable
//! -- old code
//! INSERT INTO users (name) VALUES ('c');
//! ```
//! ```plan sqlite
//! CREATE TABLE teams (id INTEGER PRIMARY KEY, title text COLLATE NOCASE, CHECK (title <> ''));
//! CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, team INTEGER REFERENCES teams (id) ON DELETE CASCADE, boss INTEGER REFERENCES users (id));
//! CREATE INDEX ix_teams_title ON teams (title) WHERE title IS NOT NULL;
//! CREATE VIEW titles AS SELECT title FROM teams;
//! CREATE TRIGGER teams_tidy AFTER INSERT ON teams BEGIN UPDATE teams SET title = trim(title) WHERE id = NEW.id; END;
//! -- rows
//! INSERT INTO teams (title) VALUES ('x'), ('y');
//! INSERT INTO users (team, boss) VALUES (1, NULL), (2, 1);
//! -- wish
//! {"kind": "set_default", "table": "teams", "column": "title", "default": "none"}
//! -- gives
//! set_teams_title_default
//! -- old code
//! INSERT INTO teams (title) VALUES ('z');
//! SELECT title FROM titles;
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, state TEXT DEFAULT 'new' NOT NULL);
//! -- rows
//! INSERT INTO users (state) VALUES ('a'), ('b');
//! -- wish
//! {"kind": "drop_default", "table": "users", "column": "state"}
//! -- gives
//! drop_users_state_default
//! -- old code
//! INSERT INTO users (state) VALUES ('c');
//! ```
//! ```plan sqlite
//! CREATE TABLE orders (id INTEGER PRIMARY KEY, amount TEXT, note TEXT, placed timestamp);
//! CREATE INDEX ix_orders_amount ON orders (amount);
//! -- rows
//! INSERT INTO orders (amount, note) VALUES ('17', 'x'), (NULL, 'y');
//! -- wish
//! {"kind": "alter_column_type", "table": "orders", "column": "amount", "type": "INTEGER"}
//! -- gives
//! change_orders_amount_to_integer
//! -- old code
//! INSERT INTO orders (amount) VALUES (18);
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20), CONSTRAINT uq_users_name UNIQUE (name));
//! -- rows
//! INSERT INTO users (name) VALUES ('a'), ('b');
//! -- wish
//! {"kind": "alter_column_type", "table": "users", "column": "name", "type": "VARCHAR(80)"}
//! -- gives
//! change_users_name_to_varchar
//! -- old code
//! INSERT INTO users (name) VALUES ('c');
//! ```
//! ```plan sqlite
//! CREATE TABLE customers (id INTEGER PRIMARY KEY);
//! CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER);
//! -- rows
//! INSERT INTO customers (id) VALUES (1), (2);
//! INSERT INTO orders (customer_id) VALUES (1), (NULL);
//! -- wish
//! {"kind": "add_constraint", "table": "orders", "columns": ["customer_id"], "references": "customers(id)", "on_delete": "CASCADE"}
//! -- gives
//! add_orders_customer_id_foreign_key
//! -- old code
//! INSERT INTO orders (customer_id) VALUES (2);
//! ```
//! ```plan sqlite
//! CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER);
//! -- rows
//! INSERT INTO orders (total) VALUES (1), (2);
//! -- wish
//! {"kind": "add_constraint", "table": "orders", "name": "total_positive", "check": "total >= 0"}
//! -- gives
//! add_total_positive
//! -- old code
//! INSERT INTO orders (total) VALUES (3);
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);
//! -- rows
//! INSERT INTO users (email) VALUES ('a'), (NULL), (NULL);
//! -- wish
//! {"kind": "add_constraint", "table": "users", "columns": ["email"], "unique": true}
//! -- gives
//! add_users_email_unique
//! -- old code
//! INSERT INTO users (email) VALUES ('b');
//! ```
//! ```plan sqlite
//! CREATE TABLE customers (id INTEGER PRIMARY KEY);
//! CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, CONSTRAINT fk_orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id));
//! -- rows
//! INSERT INTO customers (id) VALUES (1), (2);
//! INSERT INTO orders (customer_id) VALUES (1), (2);
//! -- wish
//! {"kind": "drop_constraint", "table": "orders", "name": "fk_orders_customer"}
//! -- gives
//! drop_fk_orders_customer
//! -- old code
//! INSERT INTO orders (customer_id) VALUES (2);
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
//! -- rows
//! INSERT INTO users (name) VALUES ('a'), ('b');
//! -- wish
//! {"kind": "add_column", "table": "users", "column": "made_at", "type": "DATETIME", "nullable": false, "default": "CURRENT_TIMESTAMP"}
//! -- gives
//! add_users_made_at
//! -- old code
//! INSERT INTO users (name) VALUES ('c');
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
//! CREATE VIEW names AS SELECT name FROM users;
//! -- rows
//! INSERT INTO users (name) VALUES ('a');
//! -- wish
//! {"kind": "rename_column", "table": "users", "column": "name", "new_name": "full_name"}
//! -- gives
//! rename_users_name_to_full_name
//! -- new code
//! INSERT INTO users (full_name) VALUES ('b');
//! ```
//! ```plan sqlite
//! CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
//! -- rows
//! INSERT INTO users (name) VALUES ('a');
//! -- wish
//! {"kind": "rename_table", "table": "users", "new_name": "accounts"}
//! -- gives
//! rename_users_to_accounts
//! -- new code
//! INSERT INTO accounts (name) VALUES ('b');
//! ```

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::batch::{Anew, Proof, added, operation, taken_away};
use crate::recipes::parts::body::{Body, Line, Part};
use crate::recipes::parts::naming;
use crate::recipes::parts::orphans::orphans_or_raise;
use crate::recipes::parts::undo::way_back;
use crate::recipes::parts::wish::Statement;
use crate::recipes::parts::written::{columns, exact, type_text};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::catalog::Table;
use crate::sql::change::{AlterAction, ConstraintKind, DataType, Name};

/// What it mends.
pub const MENDS: &[&str] = &["will_fail", "may_fail_on_rows", "not_null_without_default", "rename"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Sqlite];

const SQLITE: Dialect = Dialect::Sqlite;

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let statement = case.statement()?;
    let (table, action) = statement.action()?;
    match action {
        AlterAction::RenameColumn { .. } | AlterAction::RenameTable { .. } => renamed(case, statement),
        AlterAction::AddColumn { column, .. } if column.not_null && column.default.is_none() && column.generated.is_none() => None,
        AlterAction::SetNotNull { .. } | AlterAction::DropColumn { .. } => None,
        _ => anew(case, statement, table, action),
    }
}

fn anew(case: &Case<'_>, statement: &Statement, table: &Name, action: &AlterAction) -> Option<Found> {
    let old = case.catalog.table(table)?;
    let mut after = case.catalog.clone();
    after.apply(&statement.reading, None);
    let new = after.table(table)?;
    if new == old {
        return None;
    }
    let (forth, back) = operations(table, action, old);
    let using = match action {
        AlterAction::AlterColumnType { column, using: Some(using), .. } => Some((column.as_str(), exact(using)?)),
        _ => None,
    };
    let mut up = Anew { case, name: table, old, new, operation: forth, filled: using, proof: None };
    let mut down = Anew { case, name: table, old: new, new: old, operation: back, filled: None, proof: None };
    let mut found = Found::default();
    if let AlterAction::AlterColumnType { column, data_type, using } = action {
        let was = old.column(column)?.data_type.as_ref()?;
        if using.is_some() {
            found.questions.push(format!("may go what `using` leaves out of `{}.{column}`? Only the converted values are left", table.shown()));
        } else {
            up.proof = compared(table, old, column, was, data_type);
        }
        down.proof = compared(table, old, column, data_type, was);
    }
    let is_compared = up.proof.is_some() || using.is_some();
    let because = if using.is_some() { "the values are converted as it was asked" } else { "every value was compared behind the copy" };
    let mut body = if is_compared { up.allowed("data_loss", because)? } else { up.body()? };
    if let AlterAction::AddConstraint(constraint) = action
        && let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind
    {
        let proof = orphans_or_raise(case, table, columns, reference, "mend them first")?;
        body = Body(vec![Part::Inside(vec![proof])]).then(body);
    }
    let is_demand = matches!(action, AlterAction::AddConstraint(_) | AlterAction::AlterColumnType { .. });
    found.steps.push(Step {
        name: naming::of_statement(statement),
        concern: Concern::Schema,
        stage: if is_demand { Stage::Contract } else { Stage::Expand },
        why: "SQLite has no statement for it: the table is made anew and its rows are copied, while others may read and nobody writes".to_owned(),
        upgrade: body,
        downgrade: if down.proof.is_some() { down.allowed("data_loss", "every value was compared behind the copy")? } else { down.body()? },
        deploy: "the file is locked for writes while the rows are copied, and needs the space of the table once more".to_owned(),
    });
    Some(found)
}

/// What `batch_alter_table` is told, forth and back.
fn operations(table: &Name, action: &AlterAction, old: &Table) -> (Option<String>, Option<String>) {
    let forth = match action {
        AlterAction::DropConstraint { name, .. } => old.constraint(name).and_then(|constraint| taken_away(name, constraint)),
        other => operation(table, other),
    };
    let back = match action {
        AlterAction::DropNotNull { column } => operation(table, &AlterAction::SetNotNull { column: column.clone() }),
        AlterAction::SetDefault { column, .. } | AlterAction::DropDefault { column } => {
            let default = old.column(column).and_then(|column| column.default.clone());
            let column = column.clone();
            operation(table, &default.map_or_else(|| AlterAction::DropDefault { column: column.clone() }, |default| AlterAction::SetDefault { column: column.clone(), default }))
        }
        AlterAction::AlterColumnType { column, .. } => old.column(column).and_then(|known| known.data_type.clone()).and_then(|data_type| {
            operation(table, &AlterAction::AlterColumnType { column: column.clone(), data_type, using: None })
        }),
        AlterAction::AddConstraint(constraint) => {
            taken_away(&crate::recipes::parts::undo::constraint_name_of(table, constraint), constraint)
        }
        AlterAction::DropConstraint { name, .. } => old.constraint(name).and_then(|constraint| added(name, constraint)),
        _ => None,
    };
    (forth, back)
}

/// Values that the new type changes stop it before the old table goes; nothing where both types store values in one way.
fn compared(table: &Name, known: &Table, column: &str, old: &DataType, new: &DataType) -> Option<Proof> {
    if affinity(old) == affinity(new) {
        return None;
    }
    let own = quoted(SQLITE, column);
    let key = known.primary_key().map(|key| format!("{}, ", columns(SQLITE, key))).unwrap_or_default();
    let (here, beside) = (relation(SQLITE, table), relation(SQLITE, &Name::bare(format!("_alembic_tmp_{}", table.name))));
    let changed = format!(
        "SELECT {key}CAST({own} AS {}) FROM {beside} EXCEPT SELECT {key}{own} FROM {here}",
        type_text(SQLITE, old)
    );
    let words: &[&str] = &["int", "real", "floa", "doub", "numeric", "decimal"];
    let is_number = words.iter().any(|word| new.name.to_lowercase().contains(word));
    let stays = if is_number { format!(" UNION ALL SELECT {key}{own} FROM {beside} WHERE typeof({own}) = 'text'") } else { String::new() };
    let select = format!("SELECT count(*) FROM (SELECT * FROM ({changed}){stays})");
    Some(Proof { select, what: format!("values of {}.{column} do not fit the new type: mend them first", table.shown()) })
}

/// How SQLite stores values of a type, by its words (its manual, datatype3, 3.1).
fn affinity(data_type: &DataType) -> &'static str {
    let name = data_type.name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["int"]) {
        "integer"
    } else if has(&["char", "clob", "text"]) {
        "text"
    } else if has(&["blob"]) {
        "blob"
    } else if has(&["real", "floa", "doub"]) {
        "real"
    } else {
        "numeric"
    }
}

/// A new name, at once.
fn renamed(case: &Case<'_>, statement: &Statement) -> Option<Found> {
    let because = "SQLite has one writer: the application is stopped while the name changes";
    let back = way_back(SQLITE, case.catalog, statement)?;
    let mut found = Found::default();
    found.steps.push(Step {
        name: naming::of_statement(statement),
        concern: Concern::Schema,
        stage: Stage::Switch,
        why: "one revision: only the schema changes, in views and triggers too; there is no way to keep both names".to_owned(),
        upgrade: Body::inside(vec![Line::execute(&statement.sql).allowing("rename", because)]),
        downgrade: Body::inside(back.into_iter().map(|line| line.allowing("rename", because)).collect()),
        deploy: "stop the application, run it, start the code that uses the new name".to_owned(),
    });
    found.notes.push("the name changes at once: code that is running and uses the old one fails from then on, so the application must be stopped for it".to_owned());
    Some(found)
}

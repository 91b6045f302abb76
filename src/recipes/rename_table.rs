//! # A table gets another name while code runs
//!
//! Rename it and put a view under the old name in the same transaction; drop the view a release later.
//!
//! ## Why
//! `RENAME TO` is instant, and breaks every running process that uses the old name (PostgreSQL: 42P01). A simple view can be read
//! and written like the table: `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `ON CONFLICT`. It cannot be truncated or pointed at by a foreign key.
//!
//! ## Do
//! 1. Switch: `RENAME`, `CREATE VIEW old AS SELECT * FROM new`, and the grants that the table has, since they stayed with it.
//!    Deploy code that uses the new name.
//! 2. Contract: drop the view, when no running code names it.
//!
//! ```plan postgresql
//! CREATE TABLE users (id bigint PRIMARY KEY, name text);
//! CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id));
//! -- rows
//! INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 50) AS n;
//! -- wish
//! {"kind": "rename_table", "table": "users", "new_name": "accounts"}
//! -- gives
//! rename_users_to_accounts, drop_users_view
//! -- old code
//! INSERT INTO users (id, name) VALUES (20001, 'old');
//! UPDATE users SET name = 'older' WHERE id = 20001;
//! INSERT INTO users (id, name) VALUES (20001, 'again') ON CONFLICT (id) DO UPDATE SET name = excluded.name;
//! SELECT name FROM users WHERE id = 1;
//! -- new code
//! INSERT INTO accounts (id, name) VALUES (20002, 'new');
//! DELETE FROM accounts WHERE id = 20002;
//! ```
//! ```plan mariadb
//! CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40));
//! CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, CONSTRAINT fk_orders_user FOREIGN KEY (user_id) REFERENCES users (id));
//! -- rows
//! INSERT INTO users SELECT seq, CONCAT('user ', seq) FROM seq_1_to_50;
//! -- wish
//! {"kind": "rename_table", "table": "users", "new_name": "accounts"}
//! -- gives
//! rename_users_to_accounts, drop_users_view
//! -- old code
//! INSERT INTO users (id, name) VALUES (20001, 'old');
//! UPDATE users SET name = 'older' WHERE id = 20001;
//! INSERT INTO users (id, name) VALUES (20001, 'again') ON DUPLICATE KEY UPDATE name = 'again';
//! SELECT name FROM users WHERE id = 1;
//! -- new code
//! INSERT INTO accounts (id, name) VALUES (20002, 'new');
//! DELETE FROM accounts WHERE id = 20002;
//! ```

use crate::dialect::Dialect;
use crate::fix;
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::body::{Body, Line, fitting};
use crate::recipes::parts::naming::snake;
use crate::recipes::parts::written::python_table;
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::{AlterAction, Name};

/// What it mends.
pub const MENDS: &[&str] = &["rename"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Postgresql, Dialect::Mariadb];

/// The revisions.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let dialect = case.dialect();
    let (table, AlterAction::RenameTable { to }) = case.statement()?.action()? else { return None };
    let known = case.catalog.table(table)?;
    let new = Name { schema: table.schema.clone(), name: to.name.clone() };
    let (old_written, new_written) = (relation(dialect, table), relation(dialect, &new));
    let (py_table, schema) = python_table(table);
    let (py_new, _) = python_table(&new);
    let rename = Line::operation(
        format!("op.rename_table({py_table}, {}{schema})", fix::python(&to.name)),
        format!("ALTER TABLE {old_written} RENAME TO {}", quoted(dialect, &to.name)),
    );
    let back = Line::operation(
        format!("op.rename_table({py_new}, {}{schema})", fix::python(&table.name)),
        format!("ALTER TABLE {new_written} RENAME TO {}", quoted(dialect, &table.name)),
    );
    let mut view = vec![Line::execute(format!("CREATE VIEW {old_written} AS SELECT * FROM {new_written}"))];
    for (role, privilege) in &known.grants {
        view.push(Line::execute(format!("GRANT {} ON {old_written} TO {}", privilege.to_uppercase(), quoted(dialect, role))));
    }
    let drop = Line::execute(format!("DROP VIEW {old_written}"));
    let mut up = vec![rename];
    up.extend(view.clone());
    let mut down = vec![drop.clone(), back];
    let mut why = "the view under the old name is made in the same transaction: there is no moment at which one of the names is missing";
    if dialect.is_mysql_family() {
        up = exchanged(case, table, &new);
        down = exchanged_back(case, table, &new);
        why = "one RENAME TABLE exchanges the table and the view at once: there is no moment at which one of the names is missing, although DDL commits on its own";
    }
    let mut found = Found::default();
    found.steps.push(Step {
        name: snake(&format!("rename_{}_to_{}", table.name, to.name)),
        concern: Concern::Schema,
        stage: Stage::Switch,
        why: why.to_owned(),
        upgrade: Body::inside(up),
        downgrade: Body::inside(down),
        deploy: format!("behind it deploy the code that uses `{}`; code that uses `{}` goes on through the view", to.name, table.name),
    });
    found.steps.push(Step {
        name: snake(&format!("drop_{}_view", table.name)),
        concern: Concern::Schema,
        stage: Stage::Contract,
        why: "the old name goes, nothing is stored under it".to_owned(),
        upgrade: Body::inside(vec![drop.allowing("drop_object", format!("the view only kept the old name of {} alive", to.name))]),
        downgrade: Body::inside(view),
        deploy: format!("only when the last process that names `{}` is gone; a release after the switch", table.name),
    });
    if known.grants.is_empty() {
        found.notes.push(format!("if the application's role is not the owner of `{}`, grant it on the view what it has on the table", table.shown()));
    }
    found.notes.push("indexes, constraints and sequences keep their old names; with a naming convention rename them too".to_owned());
    Some(found)
}

/// The view is made over an empty table of the new name, which goes again; then table and view change their names in one statement.
fn exchanged(case: &Case<'_>, table: &Name, new: &Name) -> Vec<Line> {
    let dialect = case.dialect();
    let (old_written, new_written) = (relation(dialect, table), relation(dialect, new));
    let beside = relation(dialect, &beside(table));
    vec![
        Line::execute(format!("DROP VIEW IF EXISTS {beside}")),
        Line::execute(format!("CREATE TABLE {new_written} LIKE {old_written}")),
        Line::execute(format!("CREATE VIEW {beside} AS SELECT * FROM {new_written}")),
        Line::execute(format!("DROP TABLE {new_written}")),
        Line::execute(format!("RENAME TABLE {old_written} TO {new_written}, {beside} TO {old_written}"))
            .allowing("rename", format!("a view under the name {} takes its place in the same statement", table.name)),
    ]
}

fn exchanged_back(case: &Case<'_>, table: &Name, new: &Name) -> Vec<Line> {
    let dialect = case.dialect();
    let (old_written, new_written) = (relation(dialect, table), relation(dialect, new));
    let beside = relation(dialect, &beside(table));
    vec![
        Line::execute(format!("RENAME TABLE {old_written} TO {beside}, {new_written} TO {old_written}"))
            .allowing("rename", "table and view take their old places in one statement"),
        Line::execute(format!("DROP VIEW {beside}")).allowing("drop_object", "the view only kept a name alive"),
    ]
}

fn beside(table: &Name) -> Name {
    Name { schema: table.schema.clone(), name: fitting(&format!("{}_view_beside", table.name)) }
}

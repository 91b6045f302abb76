//! # A column that may be NULL again on MariaDB
//!
//! `MODIFY COLUMN` says a column anew: type, default and all else must be said again, or they are gone.
//!
//! ## Why
//! `ALTER COLUMN … DROP NOT NULL` is not MariaDB's; `MODIFY COLUMN name text` would take the default and the NOT NULL along without a word.
//!
//! ## Do
//! `MODIFY COLUMN` with everything that stands on the column, in place, with `LOCK=NONE` written out: the server refuses rather than blocks.
//! `set_not_null` is `required_column`, another type is in place or `shadow_column`.
//!
//! ```plan mariadb
//! CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'x', KEY ix_users_name (name));
//! -- rows
//! INSERT INTO users SELECT seq, CONCAT('user ', seq) FROM seq_1_to_50;
//! -- wish
//! {"kind": "drop_not_null", "table": "users", "column": "name"}
//! -- gives
//! make_users_name_nullable
//! -- old code
//! INSERT INTO users (id) VALUES (20001);
//! -- new code
//! INSERT INTO users (id, name) VALUES (20002, NULL);
//! ```
//! ```plan mariadb
//! CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'x');
//! -- rows
//! INSERT INTO users SELECT seq, CONCAT('user ', seq) FROM seq_1_to_50;
//! -- wish
//! {"kind": "alter_column_type", "table": "users", "column": "name", "type": "varchar(60)"}
//! -- gives
//! change_users_name_to_varchar
//! -- old code
//! INSERT INTO users (id) VALUES (20001);
//! ```

use crate::dialect::Dialect;
use crate::recipes::parts::body::Body;
use crate::recipes::parts::naming;
use crate::recipes::parts::online::{in_place, modified};
use crate::recipes::{Case, Concern, Found, Stage, Step};
use crate::sql::change::AlterAction;

/// What it mends.
pub const MENDS: &[&str] = &["online_ddl_copy", "drop_constraint", "breaks_running_release"];
/// Where it is proven.
pub const DIALECTS: &[Dialect] = &[Dialect::Mariadb];

/// The revision.
#[must_use]
pub fn steps(case: &Case<'_>) -> Option<Found> {
    let statement = case.statement()?;
    let (table, AlterAction::DropNotNull { column }) = statement.action()? else { return None };
    let own = case.catalog.table(table)?.column(column)?;
    let dialect = case.dialect();
    let step = Step {
        name: naming::of_statement(statement),
        concern: Concern::Schema,
        stage: Stage::Expand,
        why: "in place, with all that stands on the column said again; others read and write meanwhile".to_owned(),
        upgrade: Body::inside(vec![in_place(case, table, &modified(dialect, own, false)?)]),
        downgrade: Body::inside(vec![in_place(case, table, &modified(dialect, own, true)?)]),
        deploy: "before the code that writes NULL; code that reads must know NULL".to_owned(),
    };
    Some(Found { steps: vec![step], ..Found::default() })
}

//! # Making a table anew deletes rows of others
//!
//! SQLite drops the old table of a batch operation. With `foreign_keys = ON`, that deletes the rows of tables whose
//! foreign keys say `ON DELETE CASCADE`, and empties those with `SET NULL`.
//!
//! ## Why
//! There is no error. The pragma does nothing inside of a transaction, so that a `PRAGMA foreign_keys = OFF` behind
//! `BEGIN` does not help; `defer_foreign_keys` does not either.
//!
//! ## Do
//! Switch `foreign_keys` off before the transaction begins, in a connect event of `env.py`, and run
//! `PRAGMA foreign_key_check` at the end.
//!
//! ```sql bad sqlite
//! CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT);
//! CREATE TABLE copies (id INTEGER PRIMARY KEY, book INTEGER REFERENCES books(id) ON DELETE CASCADE);
//! -- when
//! PRAGMA foreign_keys = ON;
//! CREATE TABLE _alembic_tmp_books (id INTEGER PRIMARY KEY, title VARCHAR(80));
//! INSERT INTO _alembic_tmp_books (id, title) SELECT id, title FROM books;
//! DROP TABLE books;
//! ALTER TABLE _alembic_tmp_books RENAME TO books;
//! ```
//! ```sql good sqlite
//! CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT);
//! -- when
//! CREATE TABLE _alembic_tmp_books (id INTEGER PRIMARY KEY, title VARCHAR(80));
//! INSERT INTO _alembic_tmp_books (id, title) SELECT id, title FROM books;
//! DROP TABLE books;
//! ALTER TABLE _alembic_tmp_books RENAME TO books;
//! ```

use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::Change;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mend = "switch `foreign_keys` off before the transaction begins, and run `PRAGMA foreign_key_check` at the end";
    let is_drop = matches!(context.change(), Change::Drop(_)) && context.script.server.dialect == Dialect::Sqlite;
    let cascades = context.effect.cascades.iter().filter(|what| what.starts_with("rows of") || what.starts_with("values of"));
    let rows: Vec<&str> = cascades.map(String::as_str).collect();
    if is_drop && !rows.is_empty() {
        let what = format!("dropping the table takes {} along", rows.join(", "));
        let why = "`foreign_keys` is on, and their foreign keys say what happens when a row goes; the pragma does nothing inside of a transaction";
        return vec![context.finding(Severity::Error, what, why, mend)];
    }
    // The script does not say whether foreign keys act.
    let unsaid = context.broken("sqlite_batch_loses_rows");
    let why = "the pragma is set for each connection, which this script does not show";
    unsaid.first().map(|what| context.finding(Severity::Warning, *what, why, mend)).into_iter().collect()
}

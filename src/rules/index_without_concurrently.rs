//! # An index is built while writes wait
//!
//! `CREATE INDEX` holds SHARE on the table until the index is built: reads go on, writes wait.
//!
//! ## Why
//! The build reads the whole table and sorts it: minutes for a table of gigabytes, and all writes wait for all of
//! it. `CONCURRENTLY` takes SHARE UPDATE EXCLUSIVE, which makes nobody wait, needs about twice the time, and must
//! not run in a transaction. If it fails it leaves an invalid index, which `IF NOT EXISTS` would take for a good one.
//!
//! ## Do
//! Build it concurrently in a revision of its own, inside of an `autocommit_block`. On a partitioned table build it
//! on each partition and attach it to an index made with `ON ONLY`.
//!
//! ```sql bad
//! CREATE INDEX ix_books_note ON books (note);
//! ```
//! ```sql bad
//! CREATE UNIQUE INDEX ix_books_isbn ON books (isbn);
//! ```
//! ```sql good
//! CREATE INDEX CONCURRENTLY ix_books_note ON books (note);
//! ```
//! ```sql good
//! CREATE TABLE shelves (id bigint, room int);
//! CREATE INDEX ix_shelves_room ON shelves (room);
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::{Change, Index, Name};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met("create_index") || !context.blocks_long() {
        return Vec::new();
    }
    let Change::CreateIndex { table, index, .. } = context.change() else { return Vec::new() };
    let partitioned = context.catalog.table(table).is_some_and(|found| found.partition_by.is_some());
    let what = format!("`{}` makes writes on `{table}` wait until the index is built", context.short());
    let mend = if partitioned {
        "create it with `ON ONLY`, build one on each partition with `CONCURRENTLY`, then `ALTER INDEX … ATTACH PARTITION`"
    } else {
        "build it with `CONCURRENTLY`, in a revision of its own and outside of a transaction"
    };
    let mut found = context.finding(Severity::Error, what, context.waits(), mend);
    if !partitioned {
        let sql = context.script.text_of(context.statement);
        found.fix_sql = concurrently(sql);
        found.fix_alembic = found.fix_sql.as_deref().map(|fixed| fix::autocommit(&operation(table, index, sql).unwrap_or_else(|| fix::execute(fixed))));
    }
    vec![found]
}

/// The same statement with `CONCURRENTLY` behind `INDEX`.
fn concurrently(sql: &str) -> Option<String> {
    let at = sql.to_ascii_uppercase().find("INDEX")? + "INDEX".len();
    Some(format!("{} CONCURRENTLY{}", sql.get(..at)?, sql.get(at..)?))
}

/// The index in Alembic's own words, where they say all that the statement says.
fn operation(table: &Name, index: &Index, sql: &str) -> Option<String> {
    let name = index.name.as_ref()?;
    let columns = index.plain_columns();
    let unique = if index.unique { "UNIQUE " } else { "" };
    let said = format!("CREATE {unique}INDEX {} ON {} ({})", fix::ident(name), fix::relation(table), fix::idents(&columns));
    let unique = if index.unique { ", unique=True" } else { "" };
    let (py_name, py_table, schema) = (fix::python(name), fix::python(&table.name), fix::python_schema(table));
    fix::same_letters(&said, sql).then(|| {
        format!("op.create_index({py_name}, {py_table}, {}{unique}{schema}, postgresql_concurrently=True)", fix::python_list(&columns))
    })
}

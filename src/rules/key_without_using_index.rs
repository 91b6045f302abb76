//! # A key builds its index under the lock
//!
//! `ADD UNIQUE` and `ADD PRIMARY KEY` build an index over all rows while they hold ACCESS EXCLUSIVE.
//!
//! ## Why
//! Reads and writes wait for the build. A primary key on nullable columns also reads the table for NULLs, even with
//! `USING INDEX`, unless the columns are NOT NULL already or a valid check says so.
//!
//! ## Do
//! Build the unique index with `CONCURRENTLY` outside of a transaction, then add the key `USING INDEX`, which is
//! instant. Set NOT NULL first for a primary key.
//!
//! ```sql bad
//! ALTER TABLE books ADD CONSTRAINT books_isbn_key UNIQUE (isbn);
//! ```
//! ```sql bad
//! ALTER TABLE books ADD PRIMARY KEY (id);
//! ```
//! ```sql good
//! ALTER TABLE books ADD CONSTRAINT books_isbn_key UNIQUE USING INDEX books_isbn_key;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::catalog::constraint_name;
use crate::sql::change::{AlterAction, ConstraintKind};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

const SITUATIONS: &[&str] = &["add_unique", "add_primary_key", "add_primary_key_using_index_nullable"];

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met_any(SITUATIONS) || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let nullable = context.met("add_primary_key_using_index_nullable");
    let does = if nullable { "reads all rows for NULLs" } else { "builds its index" };
    let what = format!("`{}` {does} while others wait", context.short());
    let mend = if nullable {
        "set the columns NOT NULL first, by way of a validated check; then `USING INDEX` is instant"
    } else {
        "build the unique index with `CONCURRENTLY`, then add the key `USING INDEX`; set NOT NULL first for a primary key"
    };
    let mut found = context.finding(Severity::Error, what, context.waits(), mend);
    add_fix(context, &mut found);
    vec![found]
}

fn add_fix(context: &Context<'_>, found: &mut Finding) {
    let Some((table, AlterAction::AddConstraint(constraint))) = context.single_action() else { return };
    if context.catalog.table(table).is_some_and(|known| known.partition_by.is_some()) {
        return;
    }
    let (word, columns) = match &constraint.kind {
        ConstraintKind::Unique { columns, using_index: None } => ("UNIQUE", columns),
        ConstraintKind::PrimaryKey { columns, using_index: None } => ("PRIMARY KEY", columns),
        _ => return,
    };
    let name = constraint_name(table, constraint);
    let (relation, quoted) = (fix::relation(table), fix::ident(&name));
    let nulls = if constraint_text_has_nulls(context.sql()) { " NULLS NOT DISTINCT" } else { "" };
    let build = format!("CREATE UNIQUE INDEX CONCURRENTLY {quoted} ON {relation} ({}){nulls}", fix::idents(columns));
    let add = format!("ALTER TABLE {relation} ADD CONSTRAINT {quoted} {word} USING INDEX {quoted}");
    let known_not_null = context.catalog.table(table).is_some_and(|known| columns.iter().all(|column| known.is_not_null(column)));
    // Over columns that may be NULL the key would read all rows all the same.
    if word == "PRIMARY KEY" && !known_not_null {
        return;
    }
    let schema = fix::python_schema(table);
    let create = if nulls.is_empty() {
        let (py_name, py_table) = (fix::python(&name), fix::python(&table.name));
        format!("op.create_index({py_name}, {py_table}, {}, unique=True{schema}, postgresql_concurrently=True)", fix::python_list(columns))
    } else {
        fix::execute(&build)
    };
    found.fix_sql = Some(format!("{build};\n{add};"));
    found.fix_alembic = Some(format!("{}\n{}", fix::autocommit(&create), fix::execute(&add)));
}

fn constraint_text_has_nulls(sql: &str) -> bool {
    fix::behind(sql, "NULLS NOT DISTINCT").is_some()
}

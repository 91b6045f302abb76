//! # A check or foreign key is added and verified at once
//!
//! The server reads all rows to see that they fit, while it holds the lock of the `ALTER TABLE`.
//!
//! ## Why
//! A `CHECK` holds ACCESS EXCLUSIVE, a foreign key SHARE ROW EXCLUSIVE on both tables: writes on both wait until the
//! scan is done. A row that does not fit stops it.
//!
//! ## Do
//! Add it `NOT VALID` (it holds for new rows at once), and `VALIDATE` it in a later transaction, which takes SHARE
//! UPDATE EXCLUSIVE and makes nobody wait. A foreign key of a partitioned table can be `NOT VALID` from PostgreSQL 18
//! on; before that add it to each partition.
//!
//! ```sql bad
//! ALTER TABLE books ADD CONSTRAINT pages_positive CHECK (pages > 0);
//! ```
//! ```sql bad
//! ALTER TABLE books ADD CONSTRAINT books_shelf FOREIGN KEY (shelf) REFERENCES shelves (id);
//! ```
//! ```sql good
//! ALTER TABLE books ADD CONSTRAINT pages_positive CHECK (pages > 0) NOT VALID;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint);
//! ALTER TABLE drafts ADD CONSTRAINT positive CHECK (id > 0);
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::catalog::constraint_name;
use crate::sql::change::{AlterAction, Constraint, ConstraintKind, Name};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

const SITUATIONS: &[&str] = &["add_check", "add_foreign_key", "add_not_null_constraint"];

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met_any(SITUATIONS) || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("`{}` verifies all rows while others wait", context.short());
    let why = context.may_fail().map_or_else(|| context.waits(), |fails| format!("{}; {fails}", context.waits()));
    let mend = "add it `NOT VALID`, and `VALIDATE CONSTRAINT` in a later transaction";
    let mut found = context.finding(Severity::Error, what, why, mend);
    let Some((table, AlterAction::AddConstraint(constraint))) = context.single_action() else { return vec![found] };
    let partitioned = context.catalog.table(table).is_some_and(|known| known.partition_by.is_some());
    if partitioned && constraint.reference().is_some() && !context.script.server.is_postgresql_from(18) {
        found.mend = "add it to each partition `NOT VALID`, validate it there, then add it to the parent".to_owned();
        return vec![found];
    }
    let name = constraint_name(table, constraint);
    let sql = context.sql();
    let Some(named) = fix::behind(sql, "ADD").and_then(|at| named(sql, at, constraint, &name)) else { return vec![found] };
    let validate = format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", fix::relation(table), fix::ident(&name));
    let add = operation(table, constraint, &name, &named).unwrap_or_else(|| fix::execute(&format!("{named} NOT VALID")));
    found.fix_sql = Some(format!("{named} NOT VALID;\n{validate};"));
    found.fix_alembic = Some(format!("# revision 1\n{add}\n# revision 2\n{}", fix::execute(&validate)));
    vec![found]
}

/// The statement, with a name for the constraint where it has none.
fn named(sql: &str, at: usize, constraint: &Constraint, name: &str) -> Option<String> {
    match constraint.name {
        Some(_) => Some(sql.to_owned()),
        None => fix::put_in(sql, at, &format!(" CONSTRAINT {}", fix::ident(name))),
    }
}

/// The constraint in Alembic's own words, where they say all that the statement says.
fn operation(table: &Name, constraint: &Constraint, name: &str, sql: &str) -> Option<String> {
    let (py_name, py_table, schema) = (fix::python(name), fix::python(&table.name), fix::python_schema(table));
    let head = format!("ALTER TABLE {} ADD CONSTRAINT {}", fix::relation(table), fix::ident(name));
    let (said, operation) = match &constraint.kind {
        ConstraintKind::Check(check) => (
            format!("{head} CHECK ({})", check.text),
            format!("op.create_check_constraint({py_name}, {py_table}, {}{schema}, postgresql_not_valid=True)", fix::python_sql(&check.text)),
        ),
        ConstraintKind::ForeignKey { columns, reference } if !reference.columns.is_empty() => {
            let mut said = format!(
                "{head} FOREIGN KEY ({}) REFERENCES {} ({})",
                fix::idents(columns),
                fix::relation(&reference.table),
                fix::idents(&reference.columns)
            );
            let mut more = String::new();
            for (word, argument, action) in [("DELETE", "ondelete", &reference.on_delete), ("UPDATE", "onupdate", &reference.on_update)] {
                if let Some(action) = action {
                    said.push_str(&format!(" ON {word} {action}"));
                    more.push_str(&format!(", {argument}={}", fix::python(&action.to_uppercase())));
                }
            }
            for (argument, schema) in [("source_schema", &table.schema), ("referent_schema", &reference.table.schema)] {
                if let Some(schema) = schema {
                    more.push_str(&format!(", {argument}={}", fix::python(schema)));
                }
            }
            let operation = format!(
                "op.create_foreign_key({py_name}, {py_table}, {}, {}, {}{more}, postgresql_not_valid=True)",
                fix::python(&reference.table.name),
                fix::python_list(columns),
                fix::python_list(&reference.columns)
            );
            (said, operation)
        }
        ConstraintKind::ForeignKey { .. }
        | ConstraintKind::NotNull { .. }
        | ConstraintKind::Unique { .. }
        | ConstraintKind::PrimaryKey { .. }
        | ConstraintKind::Exclude { .. }
        | ConstraintKind::Default { .. } => return None,
    };
    fix::same_letters(&said, sql).then_some(operation)
}

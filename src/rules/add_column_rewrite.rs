//! # A new column makes the server write the table anew
//!
//! The column has another value in each row, so that all rows are written, with all indexes, under ACCESS EXCLUSIVE.
//!
//! ## Why
//! PostgreSQL keeps a constant default in the catalogue, and `now()` as well. It rewrites for volatile functions
//! (`random()`, `clock_timestamp()`, `nextval()`, `gen_random_uuid()`), for `serial` and identity columns, for
//! `GENERATED … STORED`, and for a domain with a constraint, even without a default.
//!
//! ## Do
//! Add the column without the default, set the default for new rows, fill the old ones in batches. For a computed
//! column, PostgreSQL 18 has `VIRTUAL`.
//!
//! ```sql bad
//! ALTER TABLE books ADD COLUMN uid uuid DEFAULT gen_random_uuid();
//! ```
//! ```sql bad
//! ALTER TABLE books ADD COLUMN serial_no bigserial;
//! ```
//! ```sql bad
//! ALTER TABLE books ADD COLUMN twice int GENERATED ALWAYS AS (pages * 2) STORED;
//! ```
//! ```sql good
//! ALTER TABLE books ADD COLUMN added timestamptz DEFAULT now();
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::{AlterAction, Column, Generated, Name};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met("add_column_rewrite") || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("`{}` writes the whole table anew while others wait", context.short());
    let mend = "add it without a value, set the default for new rows, and fill the old rows in batches in a data revision";
    let mut found = context.finding(Severity::Error, what, context.waits(), mend);
    if let Some((table, AlterAction::AddColumn { column, .. })) = context.single_action()
        && let Some(statements) = mended(context, table, column)
    {
        let operations: Vec<String> = statements.iter().map(|sql| fix::execute(sql)).collect();
        found.fix_sql = Some(statements.iter().map(|sql| format!("{sql};")).collect::<Vec<_>>().join("\n"));
        found.fix_alembic = Some(format!("{}\n# the next revision fills the old rows in batches", operations.join("\n")));
    }
    vec![found]
}

/// The statements that do it without writing what stands.
fn mended(context: &Context<'_>, table: &Name, column: &Column) -> Option<Vec<String>> {
    let data_type = column.data_type.as_ref()?;
    let (relation, name) = (fix::relation(table), fix::ident(&column.name));
    let add = format!("ALTER TABLE {relation} ADD COLUMN {name} {data_type}");
    if data_type.serial {
        let sequence = fix::relation(&Name { schema: table.schema.clone(), name: format!("{}_{}_seq", table.name, column.name) });
        return Some(vec![
            add,
            format!("CREATE SEQUENCE {sequence} OWNED BY {relation}.{name}"),
            format!("ALTER TABLE {relation} ALTER COLUMN {name} SET DEFAULT nextval('{sequence}')"),
        ]);
    }
    match (&column.generated, &column.default) {
        (Some((Generated::Stored, expression)), _) if context.script.server.is_postgresql_from(18) => {
            let text = expression.text.trim();
            Some(vec![format!("ALTER TABLE {relation} ADD COLUMN {name} {data_type} GENERATED ALWAYS AS ({text}) VIRTUAL")])
        }
        (None, Some(default)) => Some(vec![add, format!("ALTER TABLE {relation} ALTER COLUMN {name} SET DEFAULT {}", default.text)]),
        _ => None,
    }
}

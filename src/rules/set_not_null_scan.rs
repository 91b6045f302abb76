//! # NOT NULL is proven by reading the table
//!
//! `SET NOT NULL` reads all rows under ACCESS EXCLUSIVE, unless a valid `CHECK (column IS NOT NULL)` proves it.
//!
//! ## Why
//! Reads and writes wait for the scan. It fails with 23502 if a row holds NULL, and releases that still write NULL
//! fail from then on.
//!
//! ## Do
//! Add the check `NOT VALID`, validate it in a later transaction (SHARE UPDATE EXCLUSIVE, nobody waits), then set
//! NOT NULL, which is instant, and drop the check. PostgreSQL 18 has `NOT NULL … NOT VALID` for it.
//!
//! ```sql bad
//! ALTER TABLE books ALTER COLUMN note SET NOT NULL;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, note text, CONSTRAINT filled CHECK (note IS NOT NULL));
//! -- when
//! ALTER TABLE books ALTER COLUMN note SET NOT NULL;
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};
use crate::sql::change::AlterAction;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met("set_not_null") || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("`{}` reads all rows while others wait", context.short());
    let why = context.may_fail().map_or_else(|| context.waits(), |fails| format!("{}; {fails} (23502)", context.waits()));
    let mend = "add `CHECK (column IS NOT NULL) NOT VALID`, validate it in a later transaction, then set NOT NULL and drop the check";
    let mut found = context.finding(Severity::Error, what, why, mend);
    if let Some((table, AlterAction::SetNotNull { column })) = context.single_action() {
        let (relation, name) = (fix::relation(table), fix::ident(column));
        let check = format!("{}_{column}_present", table.name);
        let quoted = fix::ident(&check);
        found.fix_sql = Some(if context.script.server.is_postgresql_from(18) {
            format!("ALTER TABLE {relation} ADD CONSTRAINT {quoted} NOT NULL {name} NOT VALID;\nALTER TABLE {relation} VALIDATE CONSTRAINT {quoted};")
        } else {
            format!(
                "ALTER TABLE {relation} ADD CONSTRAINT {quoted} CHECK ({name} IS NOT NULL) NOT VALID;\nALTER TABLE {relation} VALIDATE CONSTRAINT {quoted};\nALTER TABLE {relation} ALTER COLUMN {name} SET NOT NULL;\nALTER TABLE {relation} DROP CONSTRAINT {quoted};"
            )
        });
        found.fix_alembic = Some(fix::not_null(table, column, 1));
    }
    vec![found]
}

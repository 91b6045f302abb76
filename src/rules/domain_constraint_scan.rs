//! # A domain's new check reads every table that uses it
//!
//! `ALTER DOMAIN … ADD CONSTRAINT`, `SET NOT NULL` and `VALIDATE CONSTRAINT` hold SHARE on every table with a column of
//! the domain while they read it: writes wait.
//!
//! ## Why
//! One statement stops the writes of all these tables at once, also by way of domains over the domain. Measured on
//! PostgreSQL 12 to 18; `VALIDATE` takes the same lock as `ADD`.
//!
//! ## Do
//! Add the check `NOT VALID`, which is instant, and validate it when little is written. Or put a `CHECK` on the tables
//! instead, which can be validated without a lock.
//!
//! ```sql bad
//! CREATE DOMAIN pages AS int;
//! CREATE TABLE books (id bigint PRIMARY KEY, length pages);
//! -- when
//! ALTER DOMAIN pages ADD CONSTRAINT positive CHECK (VALUE > 0);
//! ```
//! ```sql good
//! CREATE DOMAIN pages AS int;
//! CREATE TABLE books (id bigint PRIMARY KEY, length pages);
//! -- when
//! ALTER DOMAIN pages ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;
//! ```

use crate::effects::Work;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    // Without the schema nobody knows which tables use it.
    let unknown = context.effect.locks.is_empty() && context.effect.work > Work::Instant;
    if !context.met("domain_check") || !(unknown || context.blocks_long()) {
        return Vec::new();
    }
    let tables: Vec<String> = context.effect.scans.iter().map(|table| format!("`{table}`")).collect();
    let tables = if tables.is_empty() { "every table that uses the domain".to_owned() } else { tables.join(", ") };
    let what = format!("`{}` reads {tables} while writes wait", context.short());
    let mend = "add it `NOT VALID`, and validate it when little is written; or put the check on the tables";
    vec![context.finding(Severity::Error, what, context.waits(), mend)]
}

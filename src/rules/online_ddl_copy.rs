//! # The server copies the table while writes wait
//!
//! MySQL and MariaDB have no way to do this change in place: `ALGORITHM=COPY` writes the table anew, and writes wait.
//!
//! ## Why
//! Type changes, `CONVERT TO CHARACTER SET`, a dropped primary key, a `CHECK`, and in MariaDB a foreign key with
//! `foreign_key_checks=1` copy. Say `ALGORITHM=INPLACE, LOCK=NONE`, and the server refuses instead of stopping writes.
//!
//! ## Do
//! Use a tool that copies beside the running table (gh-ost, pt-online-schema-change), or a maintenance window.
//!
//! ```sql bad mariadb
//! CREATE TABLE books (id int PRIMARY KEY, pages int);
//! -- when
//! ALTER TABLE books MODIFY pages bigint;
//! ```
//! ```sql good mariadb
//! CREATE TABLE books (id int PRIMARY KEY, pages int);
//! -- when
//! ALTER TABLE books ADD COLUMN note text;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(online) = context.effect.online else { return Vec::new() };
    let copies = online.algorithm.eq_ignore_ascii_case("copy");
    let waits = copies || !online.lock.eq_ignore_ascii_case("none");
    if context.effect.always_fails() || !waits || !context.blocks_long() {
        return Vec::new();
    }
    let does = if copies { "copies the table" } else { "works through the table" };
    let what = format!("`{}` {does} while others wait", context.short());
    let why = format!("ALGORITHM={}, LOCK={} is the best {} takes; {}", online.algorithm, online.lock, context.server(), context.waits());
    let mend = "use gh-ost or pt-online-schema-change, or a maintenance window";
    vec![context.finding(Severity::Error, what, why, mend)]
}

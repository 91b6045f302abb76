//! # The server copies the table while writes wait
//!
//! MySQL and MariaDB have no way to do this change in place: `ALGORITHM=COPY` writes the table anew, and writes wait.
//!
//! ## Why
//! Type changes, `CONVERT TO CHARACTER SET`, a dropped primary key, a `CHECK`, and in MariaDB a foreign key with
//! `foreign_key_checks=1` copy. Say `ALGORITHM=INPLACE, LOCK=NONE`, and the server refuses instead of stopping writes.
//! MariaDB 11.2 and newer copy while writes go on (`LOCK=NONE`); that is a notice: it takes the space twice.
//!
//! ## Do
//! Use a tool that copies beside the running table (gh-ost, pt-online-schema-change), or a maintenance window.
//!
//! ```sql bad mysql
//! CREATE TABLE books (id int PRIMARY KEY, pages int);
//! -- when
//! ALTER TABLE books MODIFY pages bigint;
//! ```
//! ```sql good mysql
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
    let online_copy = copies && online.lock.eq_ignore_ascii_case("none") && !context.effect.on_filled(context.catalog).rewrites.is_empty();
    if context.effect.always_fails() || !(online_copy || context.blocks_long()) {
        return Vec::new();
    }
    if online_copy && !context.blocks_long() {
        let what = format!("`{}` copies the table while writes go on", context.short());
        return vec![context.finding(Severity::Notice, what, "it takes the space twice, and others wait for a moment at its end", "watch the space, and run it when little is written")];
    }
    let does = if copies { "copies the table" } else { "works through the table" };
    let what = format!("`{}` {does} while others wait", context.short());
    let why = format!("ALGORITHM={}, LOCK={} is the best {} takes; {}", online.algorithm, online.lock, context.server(), context.waits());
    let mend = "use gh-ost or pt-online-schema-change, or a maintenance window";
    vec![context.finding(Severity::Error, what, why, mend)]
}

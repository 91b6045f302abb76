//! # Checks are switched off
//!
//! `DISABLE TRIGGER ALL`, `session_replication_role = replica`, `foreign_key_checks = 0` and `PRAGMA foreign_keys =
//! OFF` let rows in that break foreign keys.
//!
//! ## Why
//! Nothing checks them later: switching the checks on again does not look at what came in meanwhile.
//!
//! ## Do
//! Put the rows in an order in which the keys hold, or use deferrable keys. SQLite needs the pragma while a table is
//! made anew; run `PRAGMA foreign_key_check` afterwards.
//!
//! ```sql bad
//! ALTER TABLE books DISABLE TRIGGER ALL;
//! ```
//! ```sql bad
//! SET session_replication_role = replica;
//! ```
//! ```sql good
//! ALTER TABLE books DISABLE TRIGGER books_touch;
//! ```

use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::{AlterAction, Change};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("checks_disabled");
    let what = match (broken.first(), context.change()) {
        (Some(first), _) => format!("{first} from now on"),
        (None, Change::Set { name, value, .. }) if switches_off(context, name, value) => format!("`{}` lets rows in that break foreign keys", context.short()),
        _ => return Vec::new(),
    };
    let why = "switching the checks on again does not look at the rows that came in meanwhile";
    vec![context.finding(Severity::Warning, what, why, "write the rows in an order in which the keys hold, and check them afterwards")]
}

fn switches_off(context: &Context<'_>, name: &str, value: &str) -> bool {
    let name = name.rsplit('.').next().unwrap_or(name).trim_start_matches('@').to_ascii_lowercase();
    let value = value.trim_matches(['\'', '"', ' ']).to_ascii_lowercase();
    let off = matches!(value.as_str(), "0" | "off" | "false" | "no");
    match context.script.server.dialect {
        Dialect::Postgresql => name == "session_replication_role" && value == "replica",
        Dialect::Mysql | Dialect::Mariadb => name == "foreign_key_checks" && off,
        Dialect::Sqlite => name == "foreign_keys" && off && !makes_a_table_anew(context),
        Dialect::Mssql | Dialect::Oracle => false,
    }
}

/// A later statement renames a new table to the name of an old one.
fn makes_a_table_anew(context: &Context<'_>) -> bool {
    let later = context.script.statements.iter().filter(|other| other.index > context.statement.index);
    later.into_iter().any(|other| match &other.reading.change {
        Change::AlterTable(alter) => alter.actions.iter().any(|action| matches!(action, AlterAction::RenameTable { .. })),
        _ => false,
    })
}

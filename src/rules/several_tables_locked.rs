//! # One transaction locks several tables
//!
//! Two or more tables are locked, one after the other, by different statements of one transaction.
//!
//! ## Why
//! Another session that takes them in the other order meets a deadlock (40P01), and the first table stays locked while
//! the transaction waits for the second.
//!
//! ## Do
//! Lock one table in each transaction: one revision each, with `transaction_per_migration=True`.
//!
//! ```sql bad
//! BEGIN;
//! ALTER TABLE books ADD COLUMN note text;
//! ALTER TABLE shelves ADD COLUMN note text;
//! COMMIT;
//! ```
//! ```sql good
//! BEGIN;
//! ALTER TABLE books ADD COLUMN note text;
//! ALTER TABLE books ADD COLUMN kind text;
//! COMMIT;
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, ScriptContext};
use crate::sql::change::Name;

/// Looks at the whole script.
pub const CHECK: Check = Check::Script(check);

fn check(context: &ScriptContext<'_>) -> Vec<Finding> {
    if context.script.server.dialect != Dialect::Postgresql {
        return Vec::new();
    }
    let mut locked: BTreeMap<u32, BTreeSet<&Name>> = BTreeMap::new();
    let mut found: BTreeMap<u32, Finding> = BTreeMap::new();
    for step in context.steps {
        let Some((statement, transaction)) = context.statement(step).and_then(|statement| Some((statement, statement.transaction?))) else { continue };
        let held = locked.entry(transaction).or_default();
        let before = held.len();
        held.extend(step.effect.locks.iter().filter(|lock| lock.mode.blocks_writes()).map(|lock| &lock.table));
        if before == 0 || held.len() == before || found.contains_key(&transaction) {
            continue;
        }
        let names: Vec<String> = held.iter().map(|table| format!("`{}`", table.shown())).collect();
        let what = format!("one transaction locks {}", names.join(", "));
        let why = "a session that takes them in the other order meets a deadlock, and the first waits for the second";
        found.insert(transaction, context.finding(Some(statement), Severity::Notice, what, why, "lock one table in each transaction"));
    }
    found.into_values().collect()
}

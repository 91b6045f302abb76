//! # No lock_timeout is set
//!
//! The script takes locks that make others wait, and would itself wait for them without end.
//!
//! ## Why
//! While a statement waits for ACCESS EXCLUSIVE behind one long query, all later queries on the table queue behind
//! it. A `lock_timeout` gives up after a moment and can be tried again.
//!
//! ## Do
//! `SET lock_timeout = '2s'` for the session of migrations: in a connect event of `env.py`, for the role, or as the
//! first statement of the revision.
//!
//! ```sql bad
//! ALTER TABLE books ADD COLUMN note text;
//! ```
//! ```sql good
//! SET lock_timeout = '2s';
//! ALTER TABLE books ADD COLUMN note text;
//! ```

use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, ScriptContext};
use crate::sql::change::Change;

/// Looks at the whole script.
pub const CHECK: Check = Check::Script(check);

fn check(context: &ScriptContext<'_>) -> Vec<Finding> {
    if context.script.server.dialect != Dialect::Postgresql {
        return Vec::new();
    }
    for step in context.steps {
        let Some(statement) = context.statement(step) else { continue };
        match &statement.reading.change {
            Change::Set { name, value, .. } if name.eq_ignore_ascii_case("lock_timeout") && value.trim_matches('\'') != "0" => return Vec::new(),
            _ => {}
        }
        let strongest = step.effect.locks.iter().filter(|lock| lock.mode.blocks_writes()).max_by_key(|lock| lock.mode);
        if let Some(lock) = strongest {
            let what = format!("no `lock_timeout` is set in front of the first lock (`{}` on `{}`)", lock.mode.words(), lock.table);
            let why = "while it waits behind one long query, all later queries on the table queue behind it";
            let mut found = context.finding(Some(statement), Severity::Notice, what, why, "set it for the session of migrations, and try again when it runs out");
            found.fix_sql = Some("SET lock_timeout = '2s';".to_owned());
            found.fix_alembic = Some("op.execute(\"SET lock_timeout = '2s'\")".to_owned());
            return vec![found];
        }
    }
    Vec::new()
}

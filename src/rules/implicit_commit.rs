//! # Several changes of the schema, each committed on its own
//!
//! MySQL and MariaDB commit at each statement of DDL. When the second fails, the first stays.
//!
//! ## Why
//! The revision is then half applied: the version table says the old revision, the schema says otherwise, and running
//! it again fails at the first statement. Alembic's transaction does not help.
//!
//! ## Do
//! One statement of DDL in each revision, or several actions in one `ALTER TABLE`, which is atomic from MySQL 8.0 and
//! MariaDB 10.6 on. Guard statements with `IF [NOT] EXISTS` where a second run must pass.
//!
//! ```sql bad mariadb
//! ALTER TABLE books ADD COLUMN a int;
//! ALTER TABLE shelves ADD COLUMN b int;
//! ```
//! ```sql good mariadb
//! ALTER TABLE books ADD COLUMN a int, ADD COLUMN b int;
//! ```

use std::collections::BTreeMap;

use crate::effects::Work;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, ScriptContext};
use crate::sql::change::Change;
use crate::sql::script::Statement;

/// Looks at the whole script.
pub const CHECK: Check = Check::Script(check);

fn check(context: &ScriptContext<'_>) -> Vec<Finding> {
    if !context.script.server.dialect.is_mysql_family() {
        return Vec::new();
    }
    let mut revisions: BTreeMap<Option<&str>, Vec<(&Statement, bool)>> = BTreeMap::new();
    for step in context.steps {
        if let Some(statement) = context.statement(step).filter(|statement| is_ddl(statement)) {
            let instant = step.effect.work == Work::Instant;
            revisions.entry(statement.revision.as_deref()).or_default().push((statement, instant));
        }
    }
    revisions.into_values().filter_map(|ddl| of_revision(context, &ddl)).collect()
}

fn of_revision(context: &ScriptContext<'_>, ddl: &[(&Statement, bool)]) -> Option<Finding> {
    let [first, second, ..] = ddl else { return None };
    let one_table = ddl.iter().all(|(statement, _)| statement.reading.relation == first.0.reading.relation);
    let quick = one_table && ddl.iter().all(|(_, instant)| *instant);
    let severity = if quick { Severity::Notice } else { Severity::Warning };
    let what = format!("{} statements commit on their own: a failure at statement {} leaves the revision half applied", ddl.len(), second.0.index);
    let why = format!("{} has no transactional DDL", context.script.server.dialect.title());
    Some(context.finding(Some(second.0), severity, what, why, "make one revision of each, or one `ALTER TABLE` of several"))
}

fn is_ddl(statement: &Statement) -> bool {
    let version_table = statement.reading.relation.as_ref().is_some_and(|table| table.name == "alembic_version");
    let temporary = matches!(&statement.reading.change, Change::CreateTable(create) if create.temporary);
    crate::step::is_ddl(&statement.reading.change) && !version_table && !temporary
}

//! # Schema and data change in one revision
//!
//! The revision alters a table that stood before and writes rows that stood before.
//!
//! ## Why
//! The locks of the schema change are held while the rows are written; a failure in the data undoes (or, where DDL
//! commits, half undoes) the schema; and the downgrade has to turn both back.
//!
//! ## Do
//! Make two revisions: the schema in the first, the data in a second that can be run in batches and run again.
//!
//! ```sql bad
//! BEGIN;
//! ALTER TABLE books ADD COLUMN slug text;
//! UPDATE books SET slug = lower(title);
//! COMMIT;
//! ```
//! ```sql good
//! BEGIN;
//! ALTER TABLE books ADD COLUMN slug text;
//! UPDATE alembic_version SET version_num = 'b' WHERE version_num = 'a';
//! COMMIT;
//! ```
//! ```sql good
//! BEGIN;
//! CREATE TABLE shelves (id int, name text);
//! INSERT INTO shelves SELECT DISTINCT shelf, 'shelf' FROM books;
//! COMMIT;
//! ```

use std::collections::BTreeMap;

use crate::effects::Work;
use crate::finding::{Finding, Severity};
use crate::step::Step;
use crate::rules::{Check, ScriptContext};
use crate::sql::change::{Change, Name};
use crate::sql::script::Statement;

/// Looks at the whole script.
pub const CHECK: Check = Check::Script(check);

/// What a revision does to the schema and to the rows: the first statement of each, and whether only a few rows by key.
#[derive(Default)]
struct Unit<'a> {
    schema: Option<&'a Statement>,
    data: Option<(&'a Statement, bool)>,
}

fn check(context: &ScriptContext<'_>) -> Vec<Finding> {
    let mut units: BTreeMap<(Option<&str>, Option<u32>), Unit<'_>> = BTreeMap::new();
    for (statement, step) in pairs(context) {
        let unit = units.entry(unit_of(statement)).or_default();
        if unit.schema.is_none() && changes_schema(statement, step) {
            unit.schema = Some(statement);
        }
        if unit.data.is_none_or(|(_, few)| few) && changes_data(context, statement, step) {
            unit.data = Some((statement, step.effect.work == Work::Instant));
        }
    }
    units.into_values().filter_map(|unit| Some(finding(context, unit.schema?, unit.data?))).collect()
}

fn finding(context: &ScriptContext<'_>, schema: &Statement, (data, few): (&Statement, bool)) -> Finding {
    let what = format!("statement {} changes the schema and statement {} the rows", schema.index, data.index);
    let why = "locks of the one are held for the other, a failure in the rows undoes both, and the downgrade must turn both back";
    let mend = "put the rows into a data revision of their own, behind the schema";
    // A few rows by their key, such as a setting, are quickly turned back.
    let severity = if few { Severity::Notice } else { Severity::Warning };
    let mut finding = context.finding(Some(data), severity, what, why, mend);
    finding.fix_alembic =
        Some("# revision 1: the schema\n# revision 2 (alembic revision -m \"backfill_…\"): the rows, in batches".to_owned());
    finding
}

fn pairs<'a>(context: &'a ScriptContext<'_>) -> impl Iterator<Item = (&'a Statement, &'a Step)> {
    context.steps.iter().filter_map(|step| Some((context.statement(step)?, step)))
}

/// One revision; in a script without revisions, one transaction.
fn unit_of(statement: &Statement) -> (Option<&str>, Option<u32>) {
    match &statement.revision {
        Some(revision) => (Some(revision), None),
        None => (None, statement.transaction),
    }
}

fn changes_schema(statement: &Statement, step: &Step) -> bool {
    let on_old_table = step.effect.locks.iter().any(|lock| lock.mode.blocks_writes());
    match &statement.reading.change {
        Change::AlterTable(_) | Change::CreateIndex { .. } | Change::Drop(_) | Change::RenameTables { .. } | Change::CreateTrigger { .. } => on_old_table,
        Change::Block(block) => on_old_table && block.statements.iter().any(|inner| crate::step::is_ddl(&inner.change)),
        _ => false,
    }
}

/// Rows that stood before are written, or whole tables that stood before are read to fill others.
fn changes_data(context: &ScriptContext<'_>, statement: &Statement, step: &Step) -> bool {
    if matches!(&statement.reading.change, Change::Insert(_)) && !step.effect.scans.is_empty() {
        return true;
    }
    let counts = |table: &Name| table.name != "alembic_version";
    let old = |table: &Name| counts(table) && step.effect.locks.iter().any(|lock| lock.table == context.before.key(table));
    writes(&statement.reading.change, &old)
}

fn writes(change: &Change, old: &dyn Fn(&Name) -> bool) -> bool {
    match change {
        Change::Update(update) => old(&update.table),
        Change::Delete(delete) => delete.tables.iter().any(old),
        Change::Merge(merge) => old(&merge.table),
        Change::Insert(insert) => old(&insert.table) && (insert.query.is_some() || insert.updates_on_conflict || insert.replaces),
        Change::Block(block) => block.statements.iter().any(|inner| writes(&inner.change, old)),
        _ => false,
    }
}

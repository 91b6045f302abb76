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
//! ```sql good sqlite
//! CREATE TABLE _alembic_tmp_books (id int, title varchar(80));
//! INSERT INTO _alembic_tmp_books (id, title) SELECT books.id, books.title FROM books;
//! DROP TABLE books;
//! ALTER TABLE _alembic_tmp_books RENAME TO books;
//! ```
//! ```python bad
//! import sqlalchemy as sa
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.add_column("books", sa.Column("slug", sa.Text()))
//!     op.execute("UPDATE books SET slug = lower(title)")
//! ```
//! ```python good
//! import sqlalchemy as sa
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     shelves = op.create_table("shelves", sa.Column("name", sa.Text()))
//!     op.execute("INSERT INTO shelves SELECT DISTINCT shelf FROM books")
//!     op.create_index("ix_shelves_name", "shelves", ["name"])
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::chain::RevisionContext;
use crate::dialect::Server;
use crate::effects::Work;
use crate::finding::{Finding, Severity};
use crate::step::Step;
use crate::rules::{Check, ScriptContext};
use crate::sql::change::{Change, Name};
use crate::project::operation::{Concern, Operation, Value};
use crate::sql::script::{self, Script, Statement};

/// Looks at the whole script, and at what each revision is written to do.
pub const CHECK: Check = Check::Each(&[Check::Script(check), Check::Revision(check_revision)]);

const WHY: &str = "locks of the one are held for the other, a failure in the rows undoes both, and the downgrade must turn both back";
const MEND: &str = "put the rows into a data revision of their own, behind the schema";

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
    // A few rows by their key, such as a setting, are quickly turned back.
    let severity = if few { Severity::Notice } else { Severity::Warning };
    context.finding(Some(data), severity, what, WHY, MEND)
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
    if let Change::Insert(insert) = &statement.reading.change
        && !step.effect.scans.is_empty()
    {
        // A table made anew is the schema change itself; what the copy leaves out is said by the drop.
        return context.script.replaced_by(&insert.table).is_none();
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

/// What the operations of a revision do: the same question, before anything is rendered.
fn check_revision(context: &RevisionContext<'_>) -> Vec<Finding> {
    let server = context.server();
    let operations: Vec<(&Operation, Script)> = context.upgrade().iter().map(|operation| (operation, script_of(operation, server))).collect();
    let mut new_tables: BTreeSet<String> = BTreeSet::new();
    let (mut schema, mut data): (Option<&Operation>, Option<(&Operation, bool)>) = (None, None);
    for (operation, script) in &operations {
        new_tables.extend(made_by(operation, script));
        let old = |table: Option<&str>| table.is_none_or(|table| table != "alembic_version" && !new_tables.contains(table));
        if schema.is_none() && alters(operation, script, &old) {
            schema = Some(operation);
        }
        if let Some(few) = fills(operation, script, &old)
            && data.is_none_or(|(_, only_few)| only_few)
        {
            data = Some((operation, few));
        }
    }
    let (Some(schema), Some((data, few))) = (schema, data) else { return Vec::new() };
    let what = format!("`{}` in line {} changes the schema and `{}` in line {} the rows", schema.name, schema.line, data.name, data.line);
    let severity = if few { Severity::Notice } else { Severity::Warning };
    let mut found = context.finding(data.line, severity, what, WHY, MEND);
    found.table = data.table.clone();
    vec![found]
}

/// The SQL of an operation; where a part is put in at run time, a name stands.
fn script_of(operation: &Operation, server: Server) -> Script {
    let text = match &operation.sql {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Built(text)) => text.replace("{}", "x"),
        _ => String::new(),
    };
    script::read(text, server)
}

fn made_by(operation: &Operation, script: &Script) -> Vec<String> {
    let made = |change: &Change| match change {
        Change::CreateTable(create) => Some(create.name.name.clone()),
        _ => None,
    };
    let by_sql = script.statements.iter().filter_map(|statement| made(&statement.reading.change));
    let by_name = operation.table.clone().filter(|_| operation.name == "create_table");
    by_sql.chain(by_name).collect()
}

/// True when it alters a table that stood before.
fn alters(operation: &Operation, script: &Script, old: &dyn Fn(Option<&str>) -> bool) -> bool {
    let by_sql = script.statements.iter().any(|statement| match &statement.reading.change {
        Change::AlterTable(alter) => old(Some(&alter.table.name)),
        Change::CreateIndex { .. } => old(statement.reading.relation.as_ref().map(|name| name.name.as_str())),
        Change::Drop(_) | Change::RenameTables { .. } => true,
        _ => false,
    });
    by_sql || (operation.concern == Concern::Schema && operation.name != "create_table" && old(operation.table.as_deref()))
}

/// Whether it writes rows of a table that stood before: `Some(true)` for a few that are written out.
fn fills(operation: &Operation, script: &Script, old: &dyn Fn(Option<&str>) -> bool) -> Option<bool> {
    let is_old = |table: &Name| old(Some(&table.name));
    if script.statements.iter().any(|statement| writes(&statement.reading.change, &is_old)) {
        return Some(false);
    }
    let writes_rows = operation.concern == Concern::Data && old(operation.table.as_deref());
    writes_rows.then_some(operation.name == "bulk_insert")
}

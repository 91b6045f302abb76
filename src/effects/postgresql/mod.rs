//! What PostgreSQL 12 to 18 does with a change: which situation it meets, and on which relations.

mod alter;
pub mod bounds;
mod column_type;
mod columns;
mod constraints;
mod create_table;
mod drops;
pub mod facts;
mod immutable;
mod indexes;
mod named_types;
mod objects;
mod partitions;
mod refused;
mod refused_indexes;
mod refused_objects;
mod refused_tables;
pub mod refused_values;
pub mod rows;
pub mod stored_rows;
pub mod types;
mod views;

use crate::effects::fact::{Fact, LockMode, Role};
use crate::effects::{Effect, Place, Undo, When, Work};
use crate::sql::change::{Change, Name, Reading};
use crate::sql::functions::Volatility;

/// What PostgreSQL does with a statement.
#[must_use]
pub fn effect(reading: &Reading, place: &Place<'_>) -> Effect {
    let mut effect = Effect::default();
    if let Some(first) = first_version(reading)
        && place.server.version.major < first
    {
        effect.fail(
            "42601",
            When::Always,
            format!("PostgreSQL {} does not know this syntax; it comes with {first}", place.server.version.major),
        );
        return effect;
    }
    if let Some((code, why)) = refused_by_old(reading, place.server.version.major) {
        effect.fail(code, When::Always, why);
        return effect;
    }
    if refused::statement(&mut effect, reading, place) {
        in_transaction(&mut effect, reading, place);
        return effect;
    }
    match &reading.change {
        Change::CreateTable(create) => create_table::create(&mut effect, create, place),
        Change::AlterTable(alter) => alter::alter(&mut effect, reading, alter, place),
        Change::Insert(_)
        | Change::Update(_)
        | Change::Delete(_)
        | Change::Merge(_)
        | Change::Select(_)
        | Change::Copy { .. }
        | Change::Truncate { .. } => {
            rows::effect(&mut effect, &reading.change, place);
        }
        _ => objects::effect(&mut effect, reading, place),
    }
    in_transaction(&mut effect, reading, place);
    effect
}

/// The first version that reads the statement; `None`: all of them.
fn first_version(reading: &Reading) -> Option<u16> {
    use crate::sql::change::{AlterAction, ConstraintKind, Generated};
    use crate::sql::words::Kind;
    let flag = |name: &str| reading.flags.contains_key(name);
    match &reading.change {
        Change::AlterTable(alter) => alter
            .actions
            .iter()
            .filter_map(|action| match action {
                AlterAction::DropExpression { .. } => Some(13),
                AlterAction::DetachPartition { concurrently: true, .. }
                | AlterAction::DetachPartition { finalize: true, .. }
                | AlterAction::SetCompression { .. } => Some(14),
                AlterAction::SetAccessMethod { .. } => Some(15),
                AlterAction::SetExpression { .. } => Some(17),
                AlterAction::AddColumn { column, .. } if matches!(column.generated, Some((Generated::Virtual, _))) => Some(18),
                AlterAction::AddColumn { column, .. } => {
                    let storage = (column.storage.is_some() && flag("storage")).then_some(16);
                    storage.or_else(|| storage_version(column.storage.as_deref())).or_else(|| flag("compression").then_some(14))
                }
                AlterAction::AddConstraint(constraint)
                    if constraint.not_enforced || matches!(constraint.kind, ConstraintKind::NotNull { .. }) =>
                {
                    Some(18)
                }
                AlterAction::AlterConstraint { enforced: Some(_), .. } | AlterAction::AlterConstraint { inherit: Some(_), .. } => Some(18),
                AlterAction::MergePartitions { .. } | AlterAction::SplitPartition { .. } => Some(19),
                AlterAction::AddConstraint(_) if flag("nulls_not_distinct") => Some(15),
                _ => None,
            })
            .max(),
        Change::CreateIndex { .. } if flag("nulls_not_distinct") => Some(15),
        Change::Publication { filtered: true, .. } => Some(15),
        Change::Merge(merge) if merge.by_source => Some(17),
        Change::AlterView { materialized: false, action: crate::sql::change::ViewAction::RenameColumn { .. }, .. } => Some(13),
        Change::Other if reading.kind == Kind::AlterStatistics && reading.actions.contains(&crate::sql::words::Action::SetStatistics) => {
            Some(13)
        }
        Change::CreateTrigger { or_replace: true, .. } => Some(14),
        Change::Merge(_) => Some(15),
        Change::CreateTable(create) if create.columns.iter().any(|column| matches!(column.generated, Some((Generated::Virtual, _)))) => {
            Some(18)
        }
        Change::CreateFunction { .. } if flag("atomic_body") => Some(14),
        _ if reading.kind == Kind::CreateSequence && flag("unlogged") => Some(15),
        _ => None,
    }
}

/// `COMPRESSION x` and `STORAGE x` behind a new column.
fn storage_version(storage: Option<&str>) -> Option<u16> {
    let words = storage?.to_lowercase();
    if words.contains("storage") { Some(16) } else { words.contains("compression").then_some(14) }
}

/// Statements that older versions read, but refuse: SQLSTATE and why.
fn refused_by_old(reading: &Reading, major: u16) -> Option<(&'static str, &'static str)> {
    use crate::sql::change::SequenceAction;
    let functional = reading.flags.contains_key("functional");
    match &reading.change {
        Change::AlterSequence { actions, .. } if major < 15 && actions.contains(&SequenceAction::SetLogged) => {
            Some(("42809", "a sequence cannot be set LOGGED or UNLOGGED before PostgreSQL 15"))
        }
        Change::CreateStatistics { .. } if major < 14 && functional => {
            Some(("0A000", "statistics are on plain columns only before PostgreSQL 14"))
        }
        Change::AlterView { .. } if major < 15 && reading.subject.is_some() => {
            Some(("22023", "PostgreSQL knows `security_invoker` from 15 on"))
        }
        _ => None,
    }
}

/// Statements that PostgreSQL refuses inside of a transaction.
fn in_transaction(effect: &mut Effect, reading: &Reading, place: &Place<'_>) {
    use crate::sql::change::{AlterAction, ReindexScope};
    use crate::sql::words::Kind;
    let what = match &reading.change {
        Change::CreateIndex { concurrently: true, .. } => "CREATE INDEX CONCURRENTLY",
        Change::Drop(drop) if drop.concurrently => "DROP INDEX CONCURRENTLY",
        Change::Reindex { concurrently: true, .. } => "REINDEX CONCURRENTLY",
        Change::Reindex { scope: ReindexScope::Schema, .. } => "REINDEX SCHEMA",
        Change::Reindex { scope: ReindexScope::Database, .. } => "REINDEX DATABASE",
        Change::Reindex { scope: ReindexScope::System, .. } => "REINDEX SYSTEM",
        Change::Reindex { name: Some(name), .. }
            if place.server.version.major >= 14 && place.catalog.table(name).is_some_and(|table| table.partition_by.is_some()) =>
        {
            "REINDEX TABLE of a partitioned table"
        }
        Change::Vacuum { .. } => "VACUUM",
        Change::Cluster { table: None } => "CLUSTER without a table",
        Change::AlterTable(alter)
            if alter.actions.iter().any(|action| matches!(action, AlterAction::DetachPartition { concurrently: true, .. })) =>
        {
            "ALTER TABLE … DETACH PARTITION CONCURRENTLY"
        }
        _ => match reading.kind {
            Kind::AlterSystem => "ALTER SYSTEM",
            Kind::CreateDatabase => "CREATE DATABASE",
            Kind::DropDatabase => "DROP DATABASE",
            Kind::CreateTablespace => "CREATE TABLESPACE",
            Kind::DropTablespace => "DROP TABLESPACE",
            Kind::CreateSubscription if !reading.flags.contains_key("connect") => return,
            _ => return,
        },
    };
    effect.forbids_transaction = true;
    if place.transaction.is_some() {
        effect.fail("25001", When::Always, format!("`{what}` cannot run inside a transaction block"));
    }
}

/// The row for a situation on this server. Without one, nobody knows: the effect says so.
pub(crate) fn fact(effect: &mut Effect, situation: &'static str, place: &Place<'_>) -> Option<&'static Fact> {
    let version = place.server.version;
    let major = version.major.clamp(12, 18);
    let found = facts::FACTS.iter().find(|fact| fact.situation == situation && fact.covers(major, 0));
    // What is told of a version that was not measured is told with a warning, never as known.
    if found.is_none() || major != version.major {
        effect.unknown.get_or_insert_with(|| format!("no fact for `{situation}` on {}", place.server));
    }
    if let Some(fact) = found {
        effect.situations.push(situation);
        if !effect.cites.contains(&fact.cite) {
            effect.cites.push(fact.cite);
        }
    }
    found
}

/// Notes a lock on a relation that stood before and that others can use.
pub(crate) fn lock(effect: &mut Effect, table: &Name, mode: LockMode, place: &Place<'_>) {
    if !place.catalog.is_new(table) {
        effect.lock(place.catalog.key(table), mode);
    }
}

/// Notes a situation on a table: the lock of its role, and the work if the table has rows.
pub(crate) fn meets(effect: &mut Effect, situation: &'static str, table: &Name, place: &Place<'_>) -> Option<&'static Fact> {
    let fact = fact(effect, situation, place)?;
    if let Some(mode) = fact.mode(Role::Target) {
        lock(effect, table, mode, place);
    }
    works(effect, table, fact.work, place);
    Some(fact)
}

/// The same for all partitions and children.
pub(crate) fn meets_all(
    effect: &mut Effect,
    situation: &'static str,
    table: &Name,
    only: bool,
    place: &Place<'_>,
) -> Option<&'static Fact> {
    let fact = meets(effect, situation, table, place)?;
    if !only {
        for child in place.catalog.descendants(table) {
            meets(effect, situation, &child, place);
        }
    }
    Some(fact)
}

/// Notes work on a table that stood before. An empty table is rewritten, but there is nothing to scan.
pub(crate) fn works(effect: &mut Effect, table: &Name, work: Work, place: &Place<'_>) {
    if place.catalog.is_new(table) || place.catalog.table(table).is_some_and(|found| found.partition_by.is_some()) {
        return;
    }
    if work == Work::Rewrite || place.catalog.has_rows(table) {
        effect.works(&place.catalog.key(table), work);
    }
}

/// Locks what a foreign key points at.
pub(crate) fn lock_referenced(effect: &mut Effect, fact: &Fact, table: &Name, place: &Place<'_>) {
    if let Some(mode) = fact.mode(Role::Referenced) {
        lock(effect, table, mode, place);
        for partition in place.catalog.partitions(table) {
            lock(effect, &partition, mode, place);
        }
    }
}

/// The relation is known to be missing: the server says so, unless `IF EXISTS` lets it pass. True: nothing else happens.
pub(crate) fn missing(effect: &mut Effect, name: &Name, if_exists: bool, place: &Place<'_>) -> bool {
    let missing = place.catalog.is_missing(name);
    if missing && !if_exists {
        effect.fail("42P01", When::Always, format!("relation `{name}` does not exist"));
    }
    missing
}

/// True when a default may give another value for each row, so that PostgreSQL writes the table anew.
pub(crate) fn is_volatile(functions: &[String], place: &Place<'_>) -> bool {
    functions.iter().any(|name| {
        if let Some(own) = place.catalog.function(name) {
            // Older minors looked at the function before they put its body in its place (fixed in 12.18, 13.14, 14.11, 15.6, 16.2).
            let version = place.server.version;
            let inlines = match version.major {
                12 => version.minor == 0 || version.minor >= 18,
                13 => version.minor >= 14,
                14 => version.minor >= 11,
                15 => version.minor == 0 || version.minor >= 6,
                16 => version.minor == 0 || version.minor >= 2,
                _ => true,
            };
            return own.volatility == Volatility::Volatile && !(own.is_literal && inlines);
        }
        // The name `timezone` is volatile for one of its forms only, which no default uses.
        name != "timezone" && place.catalog.volatility(name) == Volatility::Volatile
    })
}

/// Functions of PostgreSQL's own whose answer changes with time, session or call, in all their forms (`pg_proc`, 12 to 18).
const CHANGING: &[&str] = &[
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "random",
    "gen_random_uuid",
    "uuidv4",
    "uuidv7",
    "nextval",
    "currval",
    "lastval",
    "setval",
    "txid_current",
    "current_user",
    "session_user",
    "current_setting",
    "pg_backend_pid",
    "current_schema",
    "inet_client_addr",
    // How values are written hangs on settings.
    "to_char",
    "to_date",
    "to_number",
    "concat",
    "concat_ws",
    "format",
    "array_to_string",
    "to_json",
    "to_jsonb",
    "row_to_json",
    "array_to_json",
    "json_build_object",
    "jsonb_build_object",
    "json_build_array",
    "jsonb_build_array",
    "make_timestamptz",
    "convert_to",
    "to_regclass",
];

/// True for an expression that an index, a generated column or a partition key may not hold: 42P17.
pub(crate) fn changes_with_time(expression: &crate::sql::change::Expression, place: &Place<'_>) -> bool {
    expression.functions.iter().any(|name| match place.catalog.function(name) {
        Some(own) => own.volatility != Volatility::Immutable,
        None => CHANGING.contains(&name.as_str()),
    }) || expression
        .words
        .iter()
        .any(|word| matches!(word.as_str(), "current_timestamp" | "current_date" | "current_time" | "localtimestamp"))
}

/// A unique key of a partitioned table must hold the partition key.
pub(crate) fn lacks_partition_key(table: &Name, columns: &[String], place: &Place<'_>) -> bool {
    let key = place.catalog.table(table).and_then(|found| found.partition_by.as_ref());
    key.is_some_and(|(_, key)| lacks_columns(key, columns))
}

/// True when a partition key names a column that is not among these.
pub(crate) fn lacks_columns(key: &crate::sql::change::Expression, columns: &[String]) -> bool {
    key.words.iter().any(|word| !columns.contains(word))
}

/// A function that this server does not bring and nobody made: 42883.
pub(crate) fn missing_function(effect: &mut Effect, functions: &[String], place: &Place<'_>) {
    for name in functions {
        let gone =
            place.catalog.function(name).is_none() && crate::sql::functions::exists_in(name, place.server.version.major) == Some(false);
        if gone {
            effect.fail("42883", When::Always, format!("function `{name}()` does not exist in PostgreSQL {}", place.server.version.major));
        } else if place.catalog.is_complete
            && !place.catalog.has_extensions()
            && place.catalog.function(name).is_none()
            && !crate::sql::functions::is_known(name)
        {
            effect.fail("42883", When::OnRows, format!("nothing in the schema makes function `{name}()`"));
        }
    }
}

/// A call of a SQL function of the user's own does what its body does. False: the body is not known.
pub(crate) fn runs_body(effect: &mut Effect, function: &str, place: &Place<'_>) -> bool {
    let Some(known) = place.catalog.function(function).filter(|known| !known.body.is_empty()) else {
        return false;
    };
    for statement in known.body.iter().filter(|statement| !calls(statement, function)) {
        effect.merge(crate::effects::effect_of(statement, place));
    }
    true
}

/// True when a statement calls a function of this name: a body that calls itself is not followed.
fn calls(statement: &Reading, function: &str) -> bool {
    match &statement.change {
        Change::Select(query) => query.functions.iter().any(|name| name == function),
        Change::Call { name } => name.name == function,
        _ => false,
    }
}

/// The stored rows of a table go.
pub(crate) fn loses_rows(effect: &mut Effect, table: &Name, what: &str, place: &Place<'_>) {
    if place.catalog.is_new(table) {
        return;
    }
    if place.catalog.has_rows(table) {
        effect.lose(crate::effects::Loss::High, what.to_owned());
        effect.undo(Undo::ShapeOnly);
    }
}

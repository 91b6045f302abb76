//! Statements on views, sequences, functions, types and the like that PostgreSQL refuses whatever rows stand.

use crate::effects::Place;
use crate::effects::postgresql::refused::Refusal;
use crate::sql::catalog::RelationKind;
use crate::sql::change::{Change, Name, Query, Reading, SequenceAction};
use crate::sql::words::Kind;

pub(super) fn statement(reading: &Reading, place: &Place<'_>) -> Option<Refusal> {
    match &reading.change {
        Change::Update(update) => not_written(&update.table, place),
        Change::Delete(delete) => delete.tables.iter().find_map(|table| not_written(table, place)),
        Change::Insert(insert) => not_written(&insert.table, place),
        Change::Merge(merge) => not_written(&merge.table, place),
        Change::Vacuum { tables, .. } | Change::Analyze { tables } => {
            tables.iter().find(|table| place.catalog.is_missing(table)).map(no_relation)
        }
        Change::Publication { tables, drops: false, .. } => {
            let view = tables.iter().find(|table| place.catalog.table(table).is_some_and(|found| found.kind != RelationKind::Table))?;
            Some(("22023", format!("`{view}` is no table: it cannot be published")))
        }
        Change::AlterSequence { name, actions, .. } => {
            let owner = actions
                .iter()
                .find_map(|action| if let SequenceAction::OwnedBy { table } = action { Some(table.as_ref()) } else { None })?;
            owned(name, owner, place)
        }
        Change::CreateStatistics { columns: 1, .. } if !reading.flags.contains_key("functional") => {
            Some(("42P17", "extended statistics are on two columns or more".to_owned()))
        }
        Change::Comment { table: Some(table), part: Some((part, name)) } => {
            let found = place.catalog.table(table).filter(|_| place.catalog.is_complete)?;
            let stands = match *part {
                "trigger" => found.triggers.contains(name),
                "policy" => found.policies.contains(name),
                // A name that nobody wrote is made by a rule: it need not be known.
                _ => true,
            };
            (!stands).then(|| ("42704", format!("{part} `{name}` of `{table}` does not exist")))
        }
        Change::CreateFunction { name, or_replace, arguments, language, .. } if reading.kind == Kind::CreateFunction => {
            let renamed = if *or_replace { renamed_argument(name, arguments, place) } else { None };
            renamed.or_else(|| no_language(language.as_deref()?, place))
        }
        Change::RefreshMaterializedView { name, concurrently: true, .. } => {
            let view = place.catalog.table(name).filter(|_| place.catalog.is_complete)?;
            let never_filled = view.kind == RelationKind::MaterializedView && view.rows == crate::sql::catalog::Rows::None && !view.is_new;
            never_filled.then(|| ("0A000", format!("`{name}` holds nothing yet: it cannot be refreshed concurrently")))
        }
        Change::Drop(drop) if matches!(reading.kind, Kind::DropType | Kind::DropDomain) && !drop.cascade => {
            drop.names.iter().find_map(|name| taken_by_function(name, place))
        }
        Change::Drop(drop) if reading.kind == Kind::DropFunction && !drop.cascade => {
            drop.names.iter().find_map(|name| called_by_default(name, place))
        }
        _ => None,
    }
}

fn no_relation(name: &Name) -> Refusal {
    ("42P01", format!("relation `{name}` does not exist"))
}

/// Rows are not written into a materialized view, nor through a view that groups or joins.
fn not_written(name: &Name, place: &Place<'_>) -> Option<Refusal> {
    let found = place.catalog.table(name)?;
    match found.kind {
        RelationKind::MaterializedView => Some(("42809", format!("`{name}` is a materialized view: only `REFRESH` writes to it"))),
        RelationKind::View if found.triggers.is_empty() && found.rules.is_empty() && found.query.as_ref().is_some_and(gathers) => {
            Some(("55000", format!("`{name}` is a view of groups of rows: nothing is written through it")))
        }
        RelationKind::View | RelationKind::Table | RelationKind::Foreign => None,
    }
}

/// Rows of the view are groups of rows.
fn gathers(query: &Query) -> bool {
    let groups = query.words.windows(2).any(|pair| matches!(pair, [first, second] if first == "group" && second == "by"));
    let aggregates = query.items.iter().flat_map(|item| &item.functions).any(|name| is_aggregate(name));
    groups || aggregates
}

/// Aggregates that every server has.
pub(super) fn is_aggregate(name: &str) -> bool {
    matches!(
        name,
        "count"
            | "sum"
            | "avg"
            | "min"
            | "max"
            | "array_agg"
            | "string_agg"
            | "json_agg"
            | "jsonb_agg"
            | "json_object_agg"
            | "jsonb_object_agg"
            | "bool_and"
            | "bool_or"
            | "every"
            | "bit_and"
            | "bit_or"
            | "stddev"
            | "variance"
    )
}

/// `OWNED BY`: an identity keeps its sequence, and both stand in one schema.
fn owned(sequence: &Name, table: Option<&Name>, place: &Place<'_>) -> Option<Refusal> {
    if place.catalog.users_of_sequence(sequence).iter().any(|(_, column)| column.identity.is_some()) {
        return Some(("0A000", format!("`{sequence}` is of an identity column: it cannot be given to another")));
    }
    let table = table?;
    let (own, other) = (place.catalog.key(sequence), place.catalog.key(table));
    (place.catalog.table(table).is_some() && own.schema != other.schema)
        .then(|| ("55000", format!("`{sequence}` and `{table}` are not in one schema")))
}

/// `CREATE OR REPLACE FUNCTION` keeps the names of what it takes.
fn renamed_argument(name: &Name, arguments: &str, place: &Place<'_>) -> Option<Refusal> {
    let old = place.catalog.function(&name.name)?;
    let (before, after) = (named_arguments(&old.arguments)?, named_arguments(arguments)?);
    let types = |list: &[(String, String)]| list.iter().map(|(_, kind)| kind.clone()).collect::<Vec<_>>();
    if types(&before) != types(&after) {
        return None;
    }
    let changed = before.iter().zip(&after).find(|((own, _), (other, _))| own != other)?;
    Some(("42P13", format!("`{name}` calls its argument `{}`: drop it first", changed.0.0)))
}

/// A language that nobody made.
fn no_language(language: &str, place: &Place<'_>) -> Option<Refusal> {
    let known =
        matches!(language, "sql" | "plpgsql" | "c" | "internal") || place.catalog.has_object(Kind::CreateLanguage, &Name::bare(language));
    let missing = !known && place.catalog.is_complete && !place.catalog.has_extensions();
    missing.then(|| ("42704", format!("language `{language}` does not exist: its extension was not made")))
}

/// `(n int, m text)` as pairs; `None` where an argument has a mode, a default, or no name.
fn named_arguments(text: &str) -> Option<Vec<(String, String)>> {
    let inside = text.strip_prefix('(')?.strip_suffix(')')?.trim();
    inside
        .split(',')
        .map(|argument| {
            let words: Vec<&str> = argument.split_whitespace().collect();
            match words.as_slice() {
                [name, kind] if !matches!(*name, "in" | "out" | "inout" | "variadic" | "double" | "character" | "bit") => {
                    Some(((*name).to_owned(), (*kind).to_owned()))
                }
                _ => None,
            }
        })
        .collect()
}

/// A type that a function takes or returns.
fn taken_by_function(name: &Name, place: &Place<'_>) -> Option<Refusal> {
    place.catalog.user_type(name)?;
    let names = |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name.name);
    let used = place
        .catalog
        .functions()
        .any(|function| names(&function.arguments) || function.returns.as_ref().is_some_and(|own| own.name == name.name));
    used.then(|| ("2BP01", format!("a function takes or returns `{name}`")))
}

/// A function that a default calls.
fn called_by_default(name: &Name, place: &Place<'_>) -> Option<Refusal> {
    place.catalog.function(&name.name)?;
    let calls = |functions: &[String]| functions.iter().any(|called| called.eq_ignore_ascii_case(&name.name));
    let (table, column) = place.catalog.tables().find_map(|(table, found)| {
        let column = found.columns.iter().find(|column| {
            column.default.as_ref().is_some_and(|default| calls(&default.functions))
                || column.generated.as_ref().is_some_and(|(_, from)| calls(&from.functions))
        })?;
        Some((table, &column.name))
    })?;
    Some(("2BP01", format!("the default of `{table}.{column}` calls `{name}`")))
}

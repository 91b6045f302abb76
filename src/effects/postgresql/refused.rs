//! What PostgreSQL refuses whatever rows stand: told from the statement and the schema before it.

use crate::effects::postgresql::{bounds, refused_indexes, refused_objects, refused_tables, types};
use crate::effects::{Effect, Place, When};
use crate::sql::catalog::{RelationKind, Table, UserType};
use crate::sql::change::{
    AlterAction, AlterTable, Change, Column, ConstraintKind, CreateTable, DataType, DomainAction, Expression, IndexAction, IndexKey,
    Insert, Name, PartitionBound, Reading, ReindexScope, TypeAction, TypeForm,
};
use crate::sql::formula;
use crate::sql::words::Kind;

/// An SQLSTATE and why.
pub(super) type Refusal = (&'static str, String);

/// True when the statement is refused as a whole; the effect says why.
pub(super) fn statement(effect: &mut Effect, reading: &Reading, place: &Place<'_>) -> bool {
    note(effect, of_statement(reading, place).or_else(|| refused_objects::statement(reading, place)))
}

/// True when one part of an `ALTER TABLE` is refused; the effect says why.
pub(super) fn action(effect: &mut Effect, alter: &AlterTable, action: &AlterAction, place: &Place<'_>) -> bool {
    let refusal = place
        .catalog
        .table(&alter.table)
        .and_then(|found| refused_tables::action(alter, found, action, place).or_else(|| of_action(&alter.table, found, action, place)));
    note(effect, refusal)
}

fn note(effect: &mut Effect, refusal: Option<Refusal>) -> bool {
    let Some((code, why)) = refusal else { return false };
    effect.fail(code, When::Always, why);
    true
}

fn of_statement(reading: &Reading, place: &Place<'_>) -> Option<Refusal> {
    let is_complete = place.catalog.is_complete;
    match &reading.change {
        Change::CreateTable(create) => new_table(create, place),
        Change::CreateIndex { table, index, .. } => {
            let name = index.name.as_ref().filter(|_| !index.if_not_exists);
            name.and_then(|name| name_taken(&Name { schema: table.schema.clone(), name: name.clone() }, place))
                .or_else(|| without_order(table, &index.keys, place))
                .or_else(|| refused_indexes::new_index(table, index, place))
        }
        Change::Drop(drop) if reading.kind == Kind::DropIndex && drop.concurrently => {
            let several = (drop.names.len() > 1).then(|| ("0A000", "only one index can be dropped concurrently at a time".to_owned()));
            several.or_else(|| drop.cascade.then(|| ("0A000", "an index cannot be dropped concurrently with `CASCADE`".to_owned())))
        }
        Change::AlterIndex { index, action: IndexAction::AttachPartition { partition }, .. } => foreign_index(index, partition, place),
        Change::Reindex { scope: ReindexScope::Index, name: Some(name), .. } if is_complete && place.catalog.index(name).is_none() => {
            let code = if place.catalog.table(name).is_some() { "42809" } else { "42P01" };
            Some((code, format!("index `{name}` does not exist")))
        }
        Change::Reindex { scope: ReindexScope::Index, name: Some(name), concurrently: true } => {
            refused_indexes::rebuilds_concurrently(name, place)
        }
        Change::Cluster { table: Some(table) } => {
            let index = reading.subject.as_ref().filter(|_| is_complete)?;
            let index = Name { schema: table.schema.clone(), name: index.name.clone() };
            let (owner, _) = place.catalog.index(&index)?;
            let stranger = (*owner != place.catalog.key(table)).then(|| ("42809", format!("`{index}` is an index of `{owner}`")));
            stranger.or_else(|| refused_indexes::clusters(&index, place))
        }
        Change::Truncate { tables, .. } => {
            let view = tables.iter().find(|table| place.catalog.table(table).is_some_and(|found| found.kind != RelationKind::Table))?;
            Some(("42809", format!("`{view}` is not a table")))
        }
        Change::CreateView { name, or_replace: true, materialized: false, .. } => {
            let other = place.catalog.table(name).is_some_and(|old| old.kind != RelationKind::View);
            other.then(|| ("42809", format!("`{name}` is not a view")))
        }
        Change::CreateType { form: TypeForm::Enum(values), .. } => {
            let twice = values.iter().enumerate().find(|(n, value)| values.iter().take(*n).any(|other| other == *value));
            twice.map(|(_, value)| ("23505", format!("the value `{value}` is named twice")))
        }
        Change::AlterType { name, actions } => actions.iter().find_map(|action| enum_value(name, action, place)),
        Change::AlterDomain { name, action: DomainAction::DropConstraint { name: constraint, if_exists: false } } => {
            no_domain_constraint(name, constraint, place)
        }
        Change::CreateFunction { name, or_replace: false, arguments, .. } => {
            let same = place.catalog.function(&name.name).is_some_and(|old| old.arguments == *arguments);
            (same && is_complete && reading.kind == Kind::CreateFunction).then(|| ("42723", format!("function `{name}` exists already")))
        }
        Change::CreatePolicy { name, table, .. } => {
            let stands = place.catalog.table(table).is_some_and(|found| found.policies.contains(name));
            stands.then(|| ("42710", format!("policy `{name}` of `{table}` exists already")))
        }
        Change::CreateTrigger { table, function, instead_of, body, of_columns, .. } => {
            unfit_trigger(table, function.as_ref(), *instead_of, body, place).or_else(|| refused_tables::trigger(table, of_columns, place))
        }
        Change::Insert(insert) => too_many_values(insert, place),
        Change::Other if reading.kind == Kind::CreateExtension => {
            let name = reading.subject.as_ref()?;
            let stands = name.name == "plpgsql" || place.catalog.has_object(Kind::CreateExtension, name);
            let if_not_exists = reading.flags.get("if_not_exists").is_some_and(|flag| *flag == true.into());
            (stands && !if_not_exists).then(|| ("42710", format!("extension `{name}` exists already")))
        }
        Change::Other if matches!(reading.kind, Kind::CreateRole | Kind::CreateUser) => {
            let name = reading.subject.as_ref()?;
            place.catalog.knows_role(&name.name).then(|| ("42710", format!("role `{name}` exists already")))
        }
        _ => None,
    }
}

fn of_action(table: &Name, found: &Table, action: &AlterAction, place: &Place<'_>) -> Option<Refusal> {
    match action {
        AlterAction::AddColumn { column, if_not_exists } => {
            if found.column(&column.name).is_some() {
                return None;
            }
            let has_key = found.primary_key().is_some() && !if_not_exists;
            let second_key = has_key && column.constraints.iter().any(|own| matches!(own.kind, ConstraintKind::PrimaryKey { .. }));
            second_key
                .then(|| ("42P16", format!("`{table}` has a primary key already")))
                .or_else(|| new_column(column, &found.columns, place))
                .or_else(|| default_too_long(column, place))
        }
        AlterAction::SetDefault { column, default } => filled_by_server(found, column).or_else(|| names_column(default, &found.columns)),
        AlterAction::DropDefault { column } => filled_by_server(found, column),
        AlterAction::AddConstraint(constraint) => match &constraint.kind {
            ConstraintKind::Check(check) => unfit_check(check, table, found, place),
            ConstraintKind::Unique { columns, using_index: None } | ConstraintKind::PrimaryKey { columns, using_index: None } => {
                let keys: Vec<IndexKey> = columns.iter().cloned().map(IndexKey::Column).collect();
                without_order(table, &keys, place)
            }
            _ => None,
        },
        AlterAction::ValidateConstraint { name } => {
            let kind = &found.constraint(name)?.kind;
            let key = matches!(kind, ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. } | ConstraintKind::Exclude { .. });
            key.then(|| ("42809", format!("`{name}` of `{table}` is no foreign key and no check")))
        }
        AlterAction::AlterColumnType { column, data_type, .. } => unfit_type(table, found, column, data_type, place),
        AlterAction::SetStorageParams { names, .. } if found.kind == RelationKind::Table => {
            let unknown = names.iter().find(|name| !is_storage_parameter(name))?;
            Some(("22023", format!("`{unknown}` is no storage parameter")))
        }
        AlterAction::AttachPartition { bound, .. } => unfit_bound(table, bound, place),
        _ => None,
    }
}

fn new_table(create: &CreateTable, place: &Place<'_>) -> Option<Refusal> {
    if place.catalog.table(&create.name).is_some() {
        return None;
    }
    let schema = create.name.schema.as_deref().filter(|schema| place.catalog.is_complete && !schema.starts_with("pg_"));
    if let Some(schema) = schema.filter(|schema| !place.catalog.has_schema(schema) && place.catalog.in_schema(schema).is_empty()) {
        return Some(("3F000", format!("schema `{schema}` does not exist")));
    }
    let twice = create.columns.iter().enumerate().find(|(n, own)| create.columns.iter().take(*n).any(|other| other.name == own.name));
    if let Some((_, column)) = twice {
        return Some(("42701", format!("column `{}` is named twice", column.name)));
    }
    let constraints = || create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints);
    if constraints().filter(|own| matches!(own.kind, ConstraintKind::PrimaryKey { .. })).count() > 1 {
        return Some(("42P16", format!("`{}` would have two primary keys", create.name)));
    }
    let bound = create.partition_of.as_ref().and_then(|(parent, bound)| unfit_bound(parent, bound, place));
    bound
        .or_else(|| refused_tables::create(create, place))
        .or_else(|| create.columns.iter().find_map(|column| new_column(column, &create.columns, place)))
}

/// A pseudo-type, a default that names a column, a generated column that is computed from another one.
fn new_column(column: &Column, others: &[Column], place: &Place<'_>) -> Option<Refusal> {
    let pseudo = column.data_type.as_ref().filter(|own| is_pseudo_type(&own.name) && place.catalog.type_of(own).is_none());
    if let Some(data_type) = pseudo {
        return Some(("42P16", format!("`{data_type}` is no type of a column")));
    }
    if let Some(refusal) = column.default.as_ref().and_then(|default| names_column(default, others)) {
        return Some(refusal);
    }
    let (_, expression) = column.generated.as_ref()?;
    let from =
        others.iter().find(|other| other.generated.is_some() && other.name != column.name && expression.words.contains(&other.name))?;
    Some(("42P17", format!("`{}` is generated itself: no other column can be computed from it", from.name)))
}

fn is_pseudo_type(name: &str) -> bool {
    matches!(
        name,
        "record"
            | "any"
            | "anyelement"
            | "anyarray"
            | "anynonarray"
            | "anyenum"
            | "anyrange"
            | "void"
            | "trigger"
            | "event_trigger"
            | "cstring"
            | "internal"
    )
}

/// A default has no row to take a column from.
fn names_column(default: &Expression, columns: &[Column]) -> Option<Refusal> {
    let formula = formula::of_expression(default).filter(|_| !default.is_literal)?;
    let column = formula.columns().into_iter().find(|name| columns.iter().any(|column| column.name == *name))?;
    Some(("0A000", format!("a default cannot take the value of column `{column}`")))
}

/// The default of a new column is made a value at once, where one that is set is not.
fn default_too_long(column: &Column, place: &Place<'_>) -> Option<Refusal> {
    let default = column.default.as_ref().filter(|default| default.is_literal && !default.is_null)?;
    let code = types::refuses_literal(column.data_type.as_ref()?, &default.text, place)?;
    (code == "22001").then(|| (code, format!("`{}` is too long for the column", default.text)))
}

/// Identities and generated columns have no default of their own.
fn filled_by_server(found: &Table, column: &str) -> Option<Refusal> {
    let column = found.column(column)?;
    let filled = column.identity.is_some() || column.generated.is_some();
    filled.then(|| ("42601", format!("`{}` is filled by the server: it has no default", column.name)))
}

fn unfit_check(check: &Expression, table: &Name, found: &Table, place: &Place<'_>) -> Option<Refusal> {
    let text = check.text.to_lowercase();
    if text.contains("(select ") || text.contains("( select ") {
        return Some(("0A000", "a check cannot hold a sub-query".to_owned()));
    }
    if !place.catalog.is_complete || found.columns.is_empty() {
        return None;
    }
    let formula = formula::of_expression(check)?;
    let column = formula.columns().into_iter().find(|name| found.column(name).is_none() && *name != table.name)?;
    Some(("42703", format!("column `{column}` of `{table}` does not exist")))
}

/// An identity is a whole number, and both ends of a foreign key can be compared.
fn unfit_type(table: &Name, found: &Table, column: &str, to: &DataType, place: &Place<'_>) -> Option<Refusal> {
    let own = found.column(column)?;
    if !place.catalog.views_on_column(table, column).is_empty() {
        return None;
    }
    if own.identity.is_some() && !matches!(to.name.as_str(), "smallint" | "integer" | "bigint") {
        return Some(("22023", format!("`{column}` is an identity: it must be a whole number")));
    }
    found.constraints.iter().find_map(|constraint| {
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
        let at = columns.iter().position(|name| name == column)?;
        let target = place.catalog.table(&reference.table)?;
        let key = if reference.columns.is_empty() { target.primary_key()?.get(at)? } else { reference.columns.get(at)? };
        let key_type = types::column_type(&reference.table, key, place)?;
        let fits = types::comparable(to, &key_type, place);
        (!fits).then(|| ("42804", format!("`{column}` points at `{key}` of `{}`, which is `{key_type}`", reference.table)))
    })
}

/// The parameters of a table's storage in PostgreSQL 12 to 18 (manual, CREATE TABLE, "Storage Parameters").
fn is_storage_parameter(name: &str) -> bool {
    let own = name.strip_prefix("toast.").unwrap_or(name);
    own.starts_with("autovacuum_")
        || matches!(
            own,
            "fillfactor"
                | "toast_tuple_target"
                | "parallel_workers"
                | "vacuum_index_cleanup"
                | "vacuum_truncate"
                | "vacuum_max_eager_freeze_failure_rate"
                | "log_autovacuum_min_duration"
                | "log_autoanalyze_min_duration"
                | "user_catalog_table"
                | "oids"
        )
        || own.contains('.')
}

fn name_taken(name: &Name, place: &Place<'_>) -> Option<Refusal> {
    let taken = place.catalog.table(name).is_some() || place.catalog.has_sequence(name);
    taken.then(|| ("42P07", format!("relation `{name}` already exists")))
}

/// `json` and `xml` have no operators that an index could use.
fn without_order(table: &Name, keys: &[IndexKey], place: &Place<'_>) -> Option<Refusal> {
    keys.iter().find_map(|key| {
        let IndexKey::Column(column) = key else { return None };
        let own = types::column_type(table, column, place)?;
        let none = matches!(own.name.as_str(), "json" | "xml") && own.dimensions == 0;
        none.then(|| ("42704", format!("`{column}` is `{own}`, which no index can hold")))
    })
}

/// An index becomes part of another only if its table is a partition of the other's.
fn foreign_index(parent: &Name, partition: &Name, place: &Place<'_>) -> Option<Refusal> {
    let (above, _) = place.catalog.index(parent)?;
    let (below, _) = place.catalog.index(partition)?;
    let is_partition = place.catalog.bounds(above).any(|(child, _)| child == below);
    (!is_partition).then(|| ("55000", format!("`{below}` is not a partition of `{above}`")))
}

fn enum_value(name: &Name, action: &TypeAction, place: &Place<'_>) -> Option<Refusal> {
    let Some(UserType::Enum { values, .. }) = place.catalog.user_type(name) else { return None };
    match action {
        TypeAction::AddValue { beside: Some(beside), .. } if !values.contains(beside) => {
            Some(("22023", format!("`{name}` has no value `{beside}`")))
        }
        TypeAction::RenameValue { from, to } if values.contains(from) && values.contains(to) => {
            Some(("42710", format!("`{name}` has the value `{to}` already")))
        }
        _ => None,
    }
}

/// A check without a name is called after its domain.
fn no_domain_constraint(domain: &Name, constraint: &str, place: &Place<'_>) -> Option<Refusal> {
    let Some(UserType::Domain { checks, .. }) = place.catalog.user_type(domain).filter(|_| place.catalog.is_complete) else { return None };
    let named = checks.iter().any(|(own, _)| own.as_deref() == Some(constraint));
    let by_rule = constraint.starts_with(&format!("{}_", domain.name));
    (!named && !by_rule).then(|| ("42704", format!("domain `{domain}` has no constraint `{constraint}`")))
}

fn unfit_trigger(table: &Name, function: Option<&Name>, instead_of: bool, body: &Expression, place: &Place<'_>) -> Option<Refusal> {
    let is_view = place.catalog.table(table)?.kind == RelationKind::View;
    let by_row = body.text.to_lowercase().contains("for each row");
    if is_view && by_row && !instead_of || instead_of && !is_view {
        let kind = if is_view { "a view: rows have `INSTEAD OF` triggers there" } else { "no view: it has no `INSTEAD OF` triggers" };
        return Some(("42809", format!("`{table}` is {kind}")));
    }
    let function = function?;
    let returns = place.catalog.function(&function.name)?.returns.as_ref()?;
    (returns.name != "trigger").then(|| ("42P17", format!("`{function}` returns `{returns}`, not a trigger")))
}

fn too_many_values(insert: &Insert, place: &Place<'_>) -> Option<Refusal> {
    let found = place.catalog.table(&insert.table).filter(|found| place.catalog.is_complete && !found.columns.is_empty())?;
    let width = insert.width.filter(|_| insert.query.is_none())?;
    let (most, least) = if insert.columns.is_empty() { (found.columns.len(), 0) } else { (insert.columns.len(), insert.columns.len()) };
    let exists = insert.columns.iter().all(|name| found.column(name).is_some());
    (exists && !(least..=most).contains(&width)).then(|| ("42601", format!("{width} values for {most} columns of `{}`", insert.table)))
}

/// The bound must be of the parent's kind, and hold something.
fn unfit_bound(parent: &Name, bound: &PartitionBound, place: &Place<'_>) -> Option<Refusal> {
    let (method, _) = place.catalog.table(parent)?.partition_by.as_ref()?;
    if !bounds::is_of(bound, method) {
        return Some(("42P16", format!("`{parent}` is partitioned by {method}: the bound is of another kind")));
    }
    bounds::is_empty(bound).then(|| ("42P17", "no row can lie within the bound".to_owned()))
}

//! What MySQL and MariaDB refuse whatever rows stand: told from the statement and the schema before it.

use crate::dialect::Dialect;
use crate::effects::Place;
use crate::effects::mysql::{is_on, keys, literals, types};
use crate::sql::catalog::{RelationKind, Table, mysql::begins_an_index};
use crate::sql::change::{Column, Constraint, ConstraintKind, CreateTable, Expression, IndexKey, Name, Query, Reach, Reference};
use crate::sql::formula::columns_named;

/// An error number and why.
pub type Refusal = (&'static str, String);

/// Storage engines of MariaDB and MySQL (their manuals, "Storage Engines").
const ENGINES: &[&str] = &[
    "archive",
    "aria",
    "blackhole",
    "columnstore",
    "connect",
    "csv",
    "example",
    "federated",
    "federatedx",
    "heap",
    "innodb",
    "innobase",
    "memory",
    "merge",
    "mrg_myisam",
    "mroonga",
    "myisam",
    "myrocks",
    "ndb",
    "ndbcluster",
    "oqgraph",
    "performance_schema",
    "rocksdb",
    "s3",
    "sequence",
    "sphinx",
    "spider",
    "tokudb",
];

/// A `CREATE TABLE` that contradicts itself or the tables it points at.
pub fn new_table(create: &CreateTable, place: &Place<'_>) -> Option<Refusal> {
    let constraints = || create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints);
    if create.columns.is_empty() && create.query.is_none() && create.like.is_empty() {
        return Some(("1113", format!("`{}` would have no column", create.name)));
    }
    if let Some(found) = create.columns.iter().find_map(|column| unfit_column(column, place)) {
        return Some(found);
    }
    let names: Vec<&str> = create.columns.iter().map(|column| column.name.as_str()).collect();
    if let Some(twice) = twice(&names) {
        return Some(("1060", format!("`{}` would have two columns `{twice}`", create.name)));
    }
    if constraints().filter(|found| matches!(found.kind, ConstraintKind::PrimaryKey { .. })).count() > 1 {
        return Some(("1068", format!("`{}` would have two primary keys", create.name)));
    }
    let engine = create.options.get("engine").filter(|engine| !ENGINES.contains(&engine.to_lowercase().as_str()));
    if let Some(engine) = engine {
        return Some(("1286", format!("there is no storage engine `{engine}`")));
    }
    if create.query.is_some() || !create.like.is_empty() {
        return None;
    }
    unfit_keys(create)
        .or_else(|| unknown_columns(create))
        .or_else(|| constraints().find_map(|found| unfit_foreign_key(create, found, place)))
}

/// A column that no table can have.
pub fn unfit_column(column: &Column, place: &Place<'_>) -> Option<Refusal> {
    let data_type = column.data_type.as_ref()?;
    if matches!(data_type.name.as_str(), "varchar" | "varbinary") && data_type.arguments.is_empty() {
        return Some(("1064", format!("`{}` needs a length", column.name)));
    }
    if column.auto_increment && !types::is_number(data_type) {
        return Some(("1063", format!("`{}` is {data_type}: it cannot count", column.name)));
    }
    literals::default(column, place)
}

fn twice<'a>(names: &[&'a str]) -> Option<&'a str> {
    let mut seen = std::collections::BTreeSet::new();
    names.iter().find(|name| !seen.insert(name.to_lowercase())).copied()
}

/// Keys over columns that are not there, two of one name, and a counting column without one.
fn unfit_keys(create: &CreateTable) -> Option<Refusal> {
    let named = create.indexes.iter().filter_map(|index| index.name.as_deref());
    let unique = create.constraints.iter().filter(|found| matches!(found.kind, ConstraintKind::Unique { .. }));
    let names: Vec<&str> = named.chain(unique.filter_map(|found| found.name.as_deref())).collect();
    if let Some(name) = twice(&names) {
        return Some(("1061", format!("`{}` would have two keys `{name}`", create.name)));
    }
    let keys = keys_of(create);
    if let Some(column) = keys.iter().flatten().find(|name| !has(create, name)) {
        return Some(("1072", format!("`{}` has no column `{column}`", create.name)));
    }
    let counting = create.columns.iter().find(|column| column.auto_increment && column.data_type.as_ref().is_none_or(|own| !own.serial))?;
    let inline =
        counting.constraints.iter().any(|own| matches!(own.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. }));
    let listed = keys.iter().any(|key| key.first().is_some_and(|first| first.eq_ignore_ascii_case(&counting.name)));
    // A key of MyISAM may begin with another column.
    let other_engine = create.options.get("engine").is_some_and(|engine| !engine.eq_ignore_ascii_case("innodb"));
    (!inline && !listed && !other_engine).then(|| ("1075", format!("the AUTO_INCREMENT column `{}` needs a key", counting.name)))
}

fn keys_of(create: &CreateTable) -> Vec<Vec<String>> {
    let of_constraint = |found: &Constraint| match &found.kind {
        ConstraintKind::Unique { columns, .. }
        | ConstraintKind::PrimaryKey { columns, .. }
        | ConstraintKind::ForeignKey { columns, .. } => Some(columns.clone()),
        _ => None,
    };
    let of_index = |keys: &[IndexKey]| {
        keys.iter().filter_map(|key| if let IndexKey::Column(name) = key { Some(name.clone()) } else { None }).collect()
    };
    let indexes = create.indexes.iter().map(|index| of_index(&index.keys));
    create.constraints.iter().filter_map(of_constraint).chain(indexes).collect()
}

fn has(create: &CreateTable, name: &str) -> bool {
    create.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name))
}

/// Checks and computed columns that name what is not there.
fn unknown_columns(create: &CreateTable) -> Option<Refusal> {
    let constraints = create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints);
    let checks = constraints.filter_map(|found| if let ConstraintKind::Check(check) = &found.kind { Some(check) } else { None });
    let computed = create.columns.iter().filter_map(|column| column.generated.as_ref().map(|(_, expression)| expression));
    let name = checks.chain(computed).flat_map(columns_named).find(|name| !has(create, name))?;
    Some(("1054", format!("`{}` has no column `{name}`", create.name)))
}

/// A column of a `WHERE` that the only table of the statement does not have.
pub fn condition(table: &Name, found: &Table, reach: &Reach, reads: &[Name]) -> Option<Refusal> {
    let condition = reach.condition.as_ref().filter(|_| reach.joins.is_empty() && reads.is_empty())?;
    unknown_in(table, found, condition)
}

/// A column that the table does not have.
pub fn unknown_in(table: &Name, found: &Table, expression: &Expression) -> Option<Refusal> {
    let unknown = |name: &String| !found.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let name = columns_named(expression).into_iter().find(unknown)?;
    Some(("1054", format!("`{table}` has no column `{name}`")))
}

/// A view over one table that selects what the table does not have.
pub fn view(query: &Query, place: &Place<'_>) -> Option<Refusal> {
    let [table] = query.tables.as_slice() else { return None };
    let found = super::known(table, place).filter(|found| found.kind == RelationKind::Table)?;
    let selected = query.items.iter().filter(|item| item.functions.is_empty());
    selected.filter(|item| !item.text.contains('(')).find_map(|item| unknown_in(table, found, item))
}

fn unfit_foreign_key(create: &CreateTable, constraint: &Constraint, place: &Place<'_>) -> Option<Refusal> {
    let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
    let mariadb = place.server.dialect == Dialect::Mariadb;
    // Before 9.0, MySQL reads a reference behind a column and forgets it.
    if constraint.of_column.is_some() && !mariadb && place.server.version.major < 9 || !is_on("foreign_key_checks", place) {
        return None;
    }
    let parent = place.catalog.table(&reference.table).filter(|found| place.catalog.is_complete && !found.columns.is_empty())?;
    if place.catalog.key(&reference.table) == place.catalog.key(&create.name) {
        return None;
    }
    let (missing, indexless, unlike, null) = match (mariadb, place.server.version.at_least(8, 4)) {
        (true, _) => ("1005", "1005", "1005", "1005"),
        (false, true) => ("3734", "6125", "3780", "1830"),
        (false, false) => ("3734", "1822", "3780", "1830"),
    };
    let targets = targets(parent, reference);
    if let Some(column) = targets.iter().find(|name| parent.column(name).is_none()) {
        return Some((missing, format!("`{}` has no column `{column}` (errno 150)", reference.table)));
    }
    if !targets.is_empty() && !begins_an_index(parent, &targets) {
        return Some((indexless, format!("`{}` has no index over {} (errno 150)", reference.table, targets.join(", "))));
    }
    let own = |name: &str| create.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
    for (name, target) in columns.iter().zip(&targets) {
        let pair =
            own(name).and_then(|column| column.data_type.as_ref()).zip(parent.column(target).and_then(|column| column.data_type.as_ref()));
        if let Some((mine, other)) = pair.filter(|(mine, other)| keys::differ(mine, other)) {
            return Some((unlike, format!("`{name}` is {mine}, what it points at is {other} (errno 150)")));
        }
    }
    let sets_null = [&reference.on_delete, &reference.on_update].into_iter().any(|action| action.as_deref() == Some("set null"));
    let full = columns.iter().any(|name| own(name).is_some_and(|column| column.not_null));
    (sets_null && full).then(|| (null, "`SET NULL` on a column that is NOT NULL (errno 150)".to_owned()))
}

fn targets(parent: &Table, reference: &Reference) -> Vec<String> {
    if reference.columns.is_empty() { parent.primary_key().map(<[String]>::to_vec).unwrap_or_default() } else { reference.columns.clone() }
}

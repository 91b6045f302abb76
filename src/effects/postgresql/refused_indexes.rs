//! Indexes that PostgreSQL does not build, or not in this way: told from the statement and the schema.

use crate::effects::Place;
use crate::effects::postgresql::refused::Refusal;
use crate::effects::postgresql::refused_tables::SYSTEM;
use crate::effects::postgresql::types;
use crate::sql::catalog::UserType;
use crate::sql::change::{ConstraintKind, DataType, Index, IndexKey, Name};
use crate::sql::words::Kind;

/// `CREATE INDEX` with an access method or an operator class that nobody made.
pub(super) fn new_index(table: &Name, index: &Index, place: &Place<'_>) -> Option<Refusal> {
    let system = index.keys.iter().find_map(|key| match key {
        IndexKey::Column(name) => SYSTEM.contains(&name.as_str()).then_some(name),
        IndexKey::Expression(_) => None,
    });
    if let Some(column) = system {
        // Transactions and commands have no order.
        let code = if matches!(column.as_str(), "ctid" | "tableoid") { "0A000" } else { "42704" };
        return Some((code, format!("`{column}` is a column of the system: no index can hold it")));
    }
    let unknown = index.method.as_deref().filter(|method| {
        let known = METHODS.contains(method) || place.catalog.has_object(Kind::CreateAccessMethod, &Name::bare(*method));
        !known && place.catalog.is_complete && !place.catalog.has_extensions()
    });
    if let Some(method) = unknown {
        return Some(("42704", format!("nothing in the schema makes access method `{method}`")));
    }
    let lacks = |class: &str| {
        let (_, extension) = CLASSES_OF_EXTENSIONS.iter().find(|(own, _)| *own == class)?;
        let made = place.catalog.has_object(Kind::CreateExtension, &Name::bare(*extension));
        (place.catalog.is_complete && !made)
            .then(|| ("42704", format!("operator class `{class}` comes with extension `{extension}`, which nobody made")))
    };
    index.classes.iter().find_map(|class| lacks(class)).or_else(|| without_class(table, index, place))
}

/// Access methods that every server has.
const METHODS: &[&str] = &["btree", "hash", "gist", "gin", "spgist", "brin"];

/// Operator classes that an extension brings, with its name.
const CLASSES_OF_EXTENSIONS: &[(&str, &str)] = &[
    ("gin_trgm_ops", "pg_trgm"),
    ("gist_trgm_ops", "pg_trgm"),
    ("gist_ltree_ops", "ltree"),
    ("gist__ltree_ops", "ltree"),
    ("gin_hstore_ops", "hstore"),
    ("gist_hstore_ops", "hstore"),
    ("gin__int_ops", "intarray"),
    ("gist__int_ops", "intarray"),
    ("vector_l2_ops", "vector"),
    ("vector_ip_ops", "vector"),
    ("vector_cosine_ops", "vector"),
];

/// GIN and GiST take few types without an operator class being named (`pg_opclass`, `opcdefault`, 12 to 18).
fn without_class(table: &Name, index: &Index, place: &Place<'_>) -> Option<Refusal> {
    let method = index.method.as_deref()?;
    if !place.catalog.is_complete || place.catalog.has_extensions() {
        return None;
    }
    index.keys.iter().enumerate().find_map(|(n, key)| {
        let IndexKey::Column(column) = key else { return None };
        let own = types::column_type(table, column, place)?;
        let named = index.classes.get(n).is_some_and(|class| !class.is_empty());
        let base = place.catalog.base_type(&own);
        let is_own = matches!(place.catalog.type_of(&base), Some(UserType::Other));
        (!named && !is_own && !takes(method, &base))
            .then(|| ("42704", format!("`{column}` is `{own}`, which `{method}` does not take without an operator class")))
    })
}

fn takes(method: &str, own: &DataType) -> bool {
    let is_range = own.name.ends_with("range");
    match method {
        "gin" => own.dimensions > 0 || matches!(own.name.as_str(), "jsonb" | "tsvector"),
        "gist" => {
            own.dimensions == 0
                && (is_range || matches!(own.name.as_str(), "box" | "circle" | "point" | "polygon" | "tsquery" | "tsvector"))
        }
        _ => true,
    }
}

/// `CLUSTER … USING` an index that orders only some of the rows.
pub(super) fn clusters(index: &Name, place: &Place<'_>) -> Option<Refusal> {
    let (_, state) = place.catalog.index(index)?;
    state.index.predicate.is_some().then(|| ("0A000", format!("`{index}` is partial: a table cannot be clustered on it")))
}

/// An index of an exclusion constraint is not built concurrently.
pub(super) fn rebuilds_concurrently(index: &Name, place: &Place<'_>) -> Option<Refusal> {
    let (table, state) = place.catalog.index(index)?;
    let constraint = place.catalog.table(table)?.constraint(state.constraint.as_deref()?)?;
    matches!(constraint.kind, ConstraintKind::Exclude { .. })
        .then(|| ("0A000", format!("`{index}` is of an exclusion constraint: it cannot be built concurrently")))
}

//! Whether a database is what its chain makes: the one way to tell, for who applies and for who looks for trouble.
//!
//! Two installations of a chain differ in owners, rights, settings of the server and what an administrator put beside it;
//! none of that is a difference here ([`comparable`]).

use crate::snapshot::{Class, Difference, Object, SchemaSnapshot, diff};

/// The table that holds the revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionTable {
    /// Its schema, where `env.py` names one.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
}

impl Default for VersionTable {
    fn default() -> Self {
        Self { schema: None, name: "alembic_version".to_owned() }
    }
}

/// Kinds of objects that belong to a server or to its administrators, not to a chain of revisions.
const NOT_OF_A_CHAIN: &[&str] = &[
    "database",
    "default_privileges",
    "event_trigger",
    "foreign_server",
    "grant",
    "publication",
    "role",
    "security_label",
    "setting",
    "subscription",
    "user_mapping",
];

/// Attributes that two installations of the same schema may differ in: who owns it, who may do what, where and how it lies.
const OF_THE_PLACE: &[&str] =
    &["acl", "compression", "control_sum", "definer", "owner", "sql_mode", "statistics_target", "tablespace", "version"];

/// What a column or table has from its database where nobody names it.
const FROM_THE_DATABASE: &[&str] = &["character_set", "collation"];

/// What a chain of revisions makes of a schema: without its version table, owners, rights, and what is the default of the
/// database it is in. Taken twice it is the same.
#[must_use]
pub fn comparable(mut schema: SchemaSnapshot, table: &VersionTable) -> SchemaSnapshot {
    let is_version_table = |object: &Object| {
        object.kind == "table" && object.name.rsplit('.').next().is_some_and(|name| name.trim_matches(['"', '`']) == table.name)
    };
    let own: Vec<String> = schema.objects.iter().filter(|(_, object)| is_version_table(object)).map(|(label, _)| label.clone()).collect();
    for label in own {
        schema = schema.without(&label);
    }
    let defaults: Vec<String> =
        FROM_THE_DATABASE.iter().filter_map(|name| schema.attribute("database database", name).map(str::to_owned)).collect();
    schema.objects.retain(|_, object| !is_beside_the_chain(object));
    for object in schema.objects.values_mut() {
        object.attributes.retain(|name, value| {
            let is_default = FROM_THE_DATABASE.contains(&name.as_str()) && defaults.contains(value);
            !OF_THE_PLACE.contains(&name.as_str()) && !is_default
        });
    }
    schema
}

fn is_beside_the_chain(object: &Object) -> bool {
    // PostgreSQL 18 lists NOT NULL as constraints of their own: the column says it too, on every version.
    let is_not_null = object.kind == "constraint" && object.attributes.get("type").is_some_and(|kind| kind == "n");
    NOT_OF_A_CHAIN.contains(&object.kind.as_str()) || is_not_null || (object.kind == "schema" && object.name == "public")
}

/// What two comparable schemas differ in, without names that the server gave and the order of columns: the same to every
/// statement.
#[must_use]
pub fn differences(wanted: &SchemaSnapshot, found: &SchemaSnapshot) -> Vec<Difference> {
    let counts = |one: &Difference| match one.class {
        Class::Blocking | Class::LeftOver => true,
        Class::Privilege | Class::NameOnly | Class::Order => false,
    };
    diff(wanted, found).differences.into_iter().filter(counts).collect()
}

/// Objects of a comparable schema that the chain makes nowhere and that belong to nothing it makes: somebody else's.
///
/// `is_known`: the chain makes an object of this label, at some point.
#[must_use]
pub fn strangers(found: &SchemaSnapshot, is_known: impl Fn(&str) -> bool) -> Vec<String> {
    let is_stranger = |(label, object): &(&String, &Object)| {
        let above = object.belongs_to.as_deref().filter(|above| found.objects.get(*above).is_some_and(|above| above.kind != "schema"));
        // The copy that a batch operation of SQLite makes of a table is the chain's own work, left behind.
        let is_left_copy = object.name.strip_prefix("_alembic_tmp_").is_some_and(|name| is_known(&format!("table {name}")));
        above.is_none() && !is_left_copy && !is_known(label)
    };
    found.objects.iter().filter(is_stranger).map(|(label, _)| label.clone()).collect()
}

/// How a database compares with what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Likeness {
    /// What is not as it should be.
    pub differences: Vec<Difference>,
    /// What stands beside it and is somebody else's.
    pub strangers: Vec<String>,
}

impl Likeness {
    /// True where nothing differs that the chain makes.
    #[must_use]
    pub fn is_alike(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Compares what is `found` with what is `wanted`; `known` are further schemas that the chain makes, before or after.
///
/// What only `known` has and stands here is a difference: it was made too early, or it was left.
#[must_use]
pub fn likeness(wanted: &SchemaSnapshot, found: &SchemaSnapshot, known: &[&SchemaSnapshot], table: &VersionTable) -> Likeness {
    let (wanted, mut found) = (comparable(wanted.clone(), table), comparable(found.clone(), table));
    let is_known = |label: &str| wanted.objects.contains_key(label) || known.iter().any(|other| other.objects.contains_key(label));
    let strangers = strangers(&found, is_known);
    for label in &strangers {
        found = found.without(label);
    }
    Likeness { differences: differences(&wanted, &found), strangers }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, above: Option<&str>, attributes: &[(&str, &str)]) -> (String, Object) {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        (
            format!("{kind} {name}"),
            Object { kind: kind.to_owned(), name: name.to_owned(), belongs_to: above.map(str::to_owned), attributes },
        )
    }

    #[test]
    fn owners_rights_and_the_version_table_are_no_difference() {
        let schema = SchemaSnapshot {
            objects: [
                object("database", "database", None, &[("collation", "utf8mb4_bin")]),
                object("table", "public.alembic_version", None, &[]),
                object("column", "public.alembic_version.version_num", Some("table public.alembic_version"), &[]),
                object("table", "public.users", None, &[("owner", "ada"), ("collation", "utf8mb4_bin"), ("persistence", "p")]),
            ]
            .into_iter()
            .collect(),
        };
        let left = comparable(schema, &VersionTable::default());
        assert_eq!(left.objects.keys().collect::<Vec<_>>(), ["table public.users"]);
        assert_eq!(left.objects.values().flat_map(|object| object.attributes.keys()).collect::<Vec<_>>(), ["persistence"]);
        assert_eq!(comparable(left.clone(), &VersionTable::default()), left);
    }
}

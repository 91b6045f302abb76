//! Whether a database is what the chain makes: object by object, apart from owners, rights and what is not ours.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::snapshot::{Class, Difference, SchemaSnapshot, diff};

use super::session::VersionTable;

/// Attributes that differ between two installations of the same schema: who owns it, who may do what, where it lies.
const OF_THE_PLACE: &[&str] = &["owner", "acl", "tablespace", "definer"];

/// Kinds of objects that belong to a server or to its administrators, not to a chain of revisions.
const NOT_OF_A_CHAIN: &[&str] =
    &["database", "setting", "grant", "default_privileges", "role", "subscription", "event_trigger", "foreign_server", "user_mapping"];

/// What a column or table has from its database where nobody names it (MariaDB, MySQL).
const FROM_THE_DATABASE: &[&str] = &["character_set", "collation"];

/// How a database compares with what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Likeness {
    /// What is not as it should be.
    pub differences: Vec<Difference>,
    /// Objects that the chain does not make and that belong to nothing it makes: somebody else's.
    pub strangers: Vec<String>,
}

impl Likeness {
    /// True where nothing differs that the chain makes.
    #[must_use]
    pub fn is_alike(&self) -> bool {
        self.differences.is_empty()
    }
}

/// What a chain of revisions makes of a schema: without owners and rights, without its version table.
fn plain(snapshot: &SchemaSnapshot, table: &VersionTable) -> SchemaSnapshot {
    let is_version_table = |object: &crate::snapshot::Object| {
        object.kind == "table" && object.name.rsplit('.').next().is_some_and(|name| name.trim_matches(['"', '`']) == table.name)
    };
    let own: Vec<String> = snapshot.objects.iter().filter(|(_, object)| is_version_table(object)).map(|(label, _)| label.clone()).collect();
    let defaults: Vec<String> =
        FROM_THE_DATABASE.iter().filter_map(|name| snapshot.attribute("database database", name).map(str::to_owned)).collect();
    let mut plain = own.iter().fold(snapshot.clone(), |snapshot, label| snapshot.without(label));
    plain.objects.retain(|_, object| !NOT_OF_A_CHAIN.contains(&object.kind.as_str()));
    for object in plain.objects.values_mut() {
        let is_extension = object.kind == "extension";
        object.attributes.retain(|name, value| {
            let is_default = FROM_THE_DATABASE.contains(&name.as_str()) && defaults.contains(value);
            let is_release = is_extension && name == "version";
            !OF_THE_PLACE.contains(&name.as_str()) && !is_default && !is_release
        });
    }
    plain
}

/// The digest of what a chain of revisions makes of a schema: equal on two servers that differ in owners and rights only.
#[must_use]
pub fn plain_digest(snapshot: &SchemaSnapshot, table: &VersionTable) -> Digest {
    Digest::of("plain schema", &[plain(snapshot, table).digest().as_bytes()])
}

/// Compares what is `found` with what is `wanted`; `known` are further schemas that the chain makes, before or after.
///
/// What only `known` has and stands here is a difference: it was made too early, or it was left.
#[must_use]
pub fn likeness(wanted: &SchemaSnapshot, found: &SchemaSnapshot, known: &[&SchemaSnapshot], table: &VersionTable) -> Likeness {
    let (wanted, mut found) = (plain(wanted, table), plain(found, table));
    let known: Vec<SchemaSnapshot> = known.iter().map(|snapshot| plain(snapshot, table)).collect();
    let is_known = |label: &str| wanted.objects.contains_key(label) || known.iter().any(|other| other.objects.contains_key(label));
    let mut strangers: BTreeMap<String, bool> = BTreeMap::new();
    for (label, object) in &found.objects {
        let above = object.belongs_to.as_deref().filter(|above| found.objects.get(*above).is_some_and(|above| above.kind != "schema"));
        // The copy that a batch operation of SQLite makes of a table is the chain's own work, left behind.
        let is_left_copy = object.name.strip_prefix("_alembic_tmp_").is_some_and(|name| is_known(&format!("table {name}")));
        if !is_known(label) && above.is_none() && !is_left_copy {
            strangers.insert(label.clone(), true);
        }
    }
    for label in strangers.keys() {
        found = found.without(label);
    }
    let differences = diff(&wanted, &found).differences.into_iter().filter(|one| match one.class {
        Class::Blocking | Class::LeftOver => true,
        // A name that the server gave, the order of columns: the same to every statement.
        Class::Privilege | Class::NameOnly | Class::Order => false,
    });
    Likeness { differences: differences.collect(), strangers: strangers.into_keys().collect() }
}

//! What differs between two snapshots, in classes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Object, SchemaSnapshot};

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was there before and is not any more.
    Gone,
    /// It was not there before.
    New,
    /// It is another than before.
    Changed,
}

/// What a difference means, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// An object or an attribute was not restored.
    Blocking,
    /// Something is there that was not there before: the next upgrade usually fails on it.
    LeftOver,
    /// Rights or the owner are others.
    Privilege,
    /// The same object under another name that the server gave.
    NameOnly,
    /// The columns of a table are the same in another order.
    Order,
}

impl Class {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::LeftOver => "left_over",
            Self::Privilege => "privilege",
            Self::NameOnly => "name_only",
            Self::Order => "order",
        }
    }
}

/// One difference of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Kind and name: `column public.users.phone`.
    pub object: String,
    /// What happened.
    pub change: Change,
    /// What it means.
    pub class: Class,
    /// The attributes that differ, as they were: `type: text, not_null: true`; all of them for what is gone.
    pub before: Option<String>,
    /// As they are.
    pub after: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
        match self.change {
            Change::Gone => write!(f, "{} is gone ({})", self.object, text(&self.before)),
            Change::New => write!(f, "{} is new ({})", self.object, text(&self.after)),
            Change::Changed => write!(f, "{} was {} and is {}", self.object, text(&self.before), text(&self.after)),
        }
    }
}

/// All differences, the worst class first, then by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SchemaDiff {
    /// An object can be in it twice, with different classes.
    pub differences: Vec<Difference>,
}

impl SchemaDiff {
    /// True where nothing differs at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.differences.is_empty()
    }

    /// The worst class; none where nothing differs.
    #[must_use]
    pub fn worst(&self) -> Option<Class> {
        self.differences.iter().map(|difference| difference.class).min()
    }
}

/// What `after` has otherwise than `before`.
///
/// What belongs to an object that is gone or new is not listed beside it: the columns of a dropped table.
#[must_use]
pub fn diff(before: &SchemaSnapshot, after: &SchemaSnapshot) -> SchemaDiff {
    let labels: BTreeSet<&String> = before.objects.keys().chain(after.objects.keys()).collect();
    let differing: Vec<&String> = labels.into_iter().filter(|label| before.objects.get(*label) != after.objects.get(*label)).collect();
    let mut differences = orders(before, after, &differing);
    let (renamed, names) = renamed(before, after);
    differences.extend(names);
    for label in differing {
        match (before.objects.get(label), after.objects.get(label)) {
            _ if renamed.contains(label.as_str()) => {}
            (Some(old), None) if !comes_with_others(label, before, after) => {
                let class = if is_right(old) { Class::Privilege } else { Class::Blocking };
                differences.push(one(label, Change::Gone, class, Some(all(old)), None));
            }
            (None, Some(new)) if !comes_with_others(label, after, before) => {
                let class = if is_right(new) { Class::Privilege } else { Class::LeftOver };
                differences.push(one(label, Change::New, class, None, Some(all(new))));
            }
            (Some(old), Some(new)) => differences.extend(changed(label, old, new)),
            (Some(_), None) | (None, Some(_)) | (None, None) => {}
        }
    }
    differences.extend(unclassified(before, after, &differences));
    differences.sort_by(|a, b| (a.class, &a.object, a.change).cmp(&(b.class, &b.object, b.change)));
    SchemaDiff { differences }
}

fn one(label: &str, change: Change, class: Class, before: Option<String>, after: Option<String>) -> Difference {
    Difference { object: label.to_owned(), change, class, before, after }
}

/// Objects that are rights and nothing else.
fn is_right(object: &Object) -> bool {
    matches!(object.kind.as_str(), "default_privileges" | "grant")
}

/// `type: text, not_null: true`, without what is only a number of order or repeats the name.
fn all(object: &Object) -> String {
    listed(object.attributes.iter().filter(|(name, _)| !is_silent(name)).map(|(name, value)| (name.as_str(), Some(value.as_str()))))
}

fn listed<'a>(attributes: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> String {
    attributes.map(|(name, value)| format!("{name}: {}", value.unwrap_or("none"))).collect::<Vec<_>>().join(", ")
}

/// Attributes that are compared in another way: the rank of a column in its table, a name inside a definition, the sum
/// over all that a server says of a table.
fn is_silent(attribute: &str) -> bool {
    matches!(attribute, "rank" | "own_name" | CONTROL_SUM)
}

const CONTROL_SUM: &str = "control_sum";

/// Tables of which the server says something else, where no difference of theirs says what.
fn unclassified(before: &SchemaSnapshot, after: &SchemaSnapshot, known: &[Difference]) -> Vec<Difference> {
    let sum = |snapshot: &SchemaSnapshot, label: &str| snapshot.attribute(label, CONTROL_SUM).map(str::to_owned);
    let is_known = |label: &str| {
        let concerns = |seen: &Difference, side: &SchemaSnapshot| side.ancestors(&seen.object).any(|above| above == label);
        known.iter().any(|seen| seen.object == label || concerns(seen, before) || concerns(seen, after))
    };
    let both = before.objects.keys().filter(|label| after.objects.contains_key(*label));
    let differing = both.filter(|label| sum(before, label) != sum(after, label) && !is_known(label));
    let words = |sum: Option<String>| sum.map(|sum| format!("unclassified, digest of SHOW CREATE: {sum}"));
    differing.map(|label| one(label, Change::Changed, Class::Blocking, words(sum(before, label)), words(sum(after, label)))).collect()
}

/// True where an object that `side` has and `other` has not came or went with another one that did, or is the NOT NULL
/// constraint (PostgreSQL 18) of a column that says so itself.
fn comes_with_others(label: &str, side: &SchemaSnapshot, other: &SchemaSnapshot) -> bool {
    let with_above = side.ancestors(label).any(|above| side.objects.contains_key(above) && !other.objects.contains_key(above));
    let is_not_null = side.attribute(label, "type") == Some("n");
    let says_column = is_not_null
        && side.ancestors(label).next().is_some_and(|column| side.attribute(column, "not_null") != other.attribute(column, "not_null"));
    with_above || says_column
}

/// An attribute, before and after.
type Sides<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// The differences of an object that both have, one for each class.
fn changed(label: &str, old: &Object, new: &Object) -> Vec<Difference> {
    let names: BTreeSet<&String> = old.attributes.keys().chain(new.attributes.keys()).collect();
    let mut by_class: BTreeMap<Class, Vec<Sides<'_>>> = BTreeMap::new();
    for name in names.into_iter().filter(|name| !is_silent(name)) {
        let (before, after) = (old.attributes.get(name).map(String::as_str), new.attributes.get(name).map(String::as_str));
        if before != after {
            by_class.entry(class_of(&old.kind, name, before, after)).or_default().push((name, before, after));
        }
    }
    let sides = |(class, attributes): (Class, Vec<Sides<'_>>)| {
        let before = listed(attributes.iter().map(|(name, before, _)| (*name, *before)));
        let after = listed(attributes.iter().map(|(name, _, after)| (*name, *after)));
        one(label, Change::Changed, class, Some(before), Some(after))
    };
    by_class.into_iter().map(sides).collect()
}

fn class_of(kind: &str, attribute: &str, before: Option<&str>, after: Option<&str>) -> Class {
    match attribute {
        "owner" | "acl" | "definer" => Class::Privilege,
        // Labels that were all there before, in the same order, and more between or behind them.
        "labels" if kind == "type" && is_more(before.unwrap_or_default(), after.unwrap_or_default()) => Class::LeftOver,
        _ => Class::Blocking,
    }
}

/// True where the list `after` holds all of the list `before` in its order.
fn is_more(before: &str, after: &str) -> bool {
    let mut rest = after.split(", ");
    before.split(", ").all(|label| rest.any(|other| other == label))
}

/// Tables whose common columns stand in another order: one difference each. A column that has another place differs.
fn orders(before: &SchemaSnapshot, after: &SchemaSnapshot, differing: &[&String]) -> Vec<Difference> {
    let table_of = |side: &SchemaSnapshot, label: &String| side.objects.get(label).and_then(|object| object.belongs_to.clone());
    let tables = differing.iter().flat_map(|label| [table_of(before, label), table_of(after, label)]).flatten().collect();
    let (old, new) = (ranked(before, &tables), ranked(after, &tables));
    let mut found = Vec::new();
    for (table, columns) in &old {
        let Some(others) = new.get(table) else { continue };
        let common = |columns: &[(u32, String)], kept: &[(u32, String)]| -> Vec<String> {
            columns.iter().filter(|(_, name)| kept.iter().any(|(_, other)| other == name)).map(|(_, name)| name.clone()).collect()
        };
        let (one_side, other_side) = (common(columns, others), common(others, columns));
        if one_side != other_side {
            let words = |names: Vec<String>| Some(format!("columns: {}", names.join(", ")));
            found.push(one(table, Change::Changed, Class::Order, words(one_side), words(other_side)));
        }
    }
    found
}

/// The columns of those tables, with their ranks, in their order.
fn ranked<'a>(snapshot: &'a SchemaSnapshot, wanted: &BTreeSet<String>) -> BTreeMap<&'a str, Vec<(u32, String)>> {
    let mut tables: BTreeMap<&str, Vec<(u32, String)>> = BTreeMap::new();
    let is_wanted = |object: &&Object| object.kind == "column" && object.belongs_to.as_ref().is_some_and(|table| wanted.contains(table));
    for object in snapshot.objects.values().filter(is_wanted) {
        let rank = object.attributes.get("rank").and_then(|rank| rank.parse().ok());
        let (Some(table), Some(rank)) = (object.belongs_to.as_deref(), rank) else { continue };
        let table_name = table.split_once(' ').map_or(table, |(_, name)| name);
        let name = object.name.strip_prefix(table_name).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&object.name);
        tables.entry(table).or_default().push((rank, name.to_owned()));
    }
    for columns in tables.values_mut() {
        columns.sort();
    }
    tables
}

/// Constraints, indexes and the like that are there under another name: what they are called on both sides, and a
/// difference for each pair.
///
/// A name that the server gave is nobody's: the difference is one of the name only. A name that somebody chose is what
/// the next migration calls: then it blocks.
fn renamed(before: &SchemaSnapshot, after: &SchemaSnapshot) -> (BTreeSet<String>, Vec<Difference>) {
    let gone: Vec<_> = before.objects.iter().filter(|(label, _)| !after.objects.contains_key(*label)).collect();
    let mut new: Vec<_> = after.objects.iter().filter(|(label, _)| !before.objects.contains_key(*label)).collect();
    let mut labels = BTreeSet::new();
    let mut found = Vec::new();
    for (label, object) in gone.into_iter().filter(|(_, object)| matches!(object.kind.as_str(), "constraint" | "index")) {
        let twin = |(_, other): &(&String, &Object)| is_twin(object, other);
        let Some(at) = new.iter().position(twin) else { continue };
        let (other_label, other) = new.remove(at);
        let names = [object, other].map(|side| side.attributes.get("own_name").cloned().unwrap_or_default());
        let is_given = names.iter().all(|name| is_given_by_server(name)) || object.attributes.get("type").is_some_and(|kind| kind == "n");
        let class = if is_given { Class::NameOnly } else { Class::Blocking };
        let [old_name, new_name] = names.map(|name| Some(format!("name: {name}")));
        found.push(one(label, Change::Changed, class, old_name, new_name));
        labels.extend([label.clone(), other_label.clone()]);
    }
    (labels, found)
}

fn is_twin(one: &Object, other: &Object) -> bool {
    let telling = |object: &Object| -> Vec<(String, String)> {
        object.attributes.iter().filter(|(name, _)| *name != "own_name").map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    one.kind == other.kind && one.belongs_to == other.belongs_to && telling(one) == telling(other)
}

/// Names as PostgreSQL (`t_a_fkey`, `t_check1`), MariaDB and MySQL (`t_ibfk_1`, `CONSTRAINT_1`, `t_chk_1`) and SQLite
/// give them.
fn is_given_by_server(name: &str) -> bool {
    let plain = name.trim_matches(['"', '`']).trim_end_matches(|c: char| c.is_ascii_digit());
    let postgresql = ["_pkey", "_key", "_fkey", "_check", "_excl", "_not_null", "_idx"];
    postgresql.iter().any(|ending| plain.ends_with(ending))
        || plain.ends_with("_ibfk_")
        || plain.ends_with("_chk_")
        || plain == "CONSTRAINT_"
        || plain.starts_with("sqlite_autoindex_")
}

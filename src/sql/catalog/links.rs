//! The relations of a catalogue, and who names whom: what points at a table, reads it or hangs below it is found
//! without a look at all the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Deref, DerefMut};

use crate::sql::catalog::{IndexState, Table};
use crate::sql::change::Name;

/// In which way one relation names another, or an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Link {
    /// It has an index of this name.
    Index,
    /// A foreign key of it points there.
    Reference,
    /// It is a view on it.
    Read,
    /// It is a partition or a child of it.
    Parent,
    /// It is the default partition of it.
    Default,
}

/// A link with the name it leads to: without its schema, in lower case. Whether it is the very one is asked behind it,
/// since the schema of a bare name hangs on the search path.
type Key = (Link, String);

/// All relations, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Tables {
    by_name: BTreeMap<Name, Table>,
    // Invariant: holds exactly the keys of the tables in `by_name`.
    linked: HashMap<Key, BTreeSet<Name>>,
}

impl Tables {
    pub(super) fn get(&self, name: &Name) -> Option<&Table> {
        self.by_name.get(name)
    }

    pub(super) fn contains_key(&self, name: &Name) -> bool {
        self.by_name.contains_key(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Table)> {
        self.by_name.iter()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Name> {
        self.by_name.keys()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Table> {
        self.by_name.values()
    }

    /// Relations that may name `target` in this way, in the order of their names.
    pub(super) fn linked(&self, link: Link, target: &str) -> impl Iterator<Item = (&Name, &Table)> {
        let names = self.linked.get(&(link, target.to_lowercase()));
        names.into_iter().flatten().filter_map(|name| self.by_name.get_key_value(name))
    }

    pub(super) fn insert(&mut self, name: Name, table: Table) {
        self.remove(&name);
        link(&mut self.linked, &name, keys_of(&table));
        self.by_name.insert(name, table);
    }

    pub(super) fn remove(&mut self, name: &Name) -> Option<Table> {
        let table = self.by_name.remove(name)?;
        unlink(&mut self.linked, name, keys_of(&table));
        Some(table)
    }

    pub(super) fn get_mut(&mut self, name: &Name) -> Option<Changed<'_>> {
        let table = self.by_name.get_mut(name)?;
        let before = keys_of(table);
        Some(Changed { name: name.clone(), table, linked: &mut self.linked, before })
    }

    /// One more index of a relation.
    pub(super) fn add_index(&mut self, name: &Name, state: IndexState) {
        let Some(table) = self.by_name.get_mut(name) else { return };
        let key = state.index.name.as_deref().map(|own| (Link::Index, own.to_lowercase()));
        link(&mut self.linked, name, key.into_iter().collect());
        table.indexes.push(state);
    }

    /// A relation, to change what no link is made of: its rows.
    pub(super) fn rows_mut(&mut self, name: &Name) -> Option<&mut Table> {
        self.by_name.get_mut(name)
    }

    /// All relations, to change what no link is made of.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Table> {
        self.by_name.values_mut()
    }

    /// Changes all relations, and looks at all links anew.
    pub(super) fn change_all(&mut self, mut change: impl FnMut(&mut Table)) {
        self.by_name.values_mut().for_each(&mut change);
        self.linked.clear();
        for (name, table) in &self.by_name {
            link(&mut self.linked, name, keys_of(table));
        }
    }

    /// Keeps the relations that fit.
    pub(super) fn retain(&mut self, mut fits: impl FnMut(&Table) -> bool) {
        let gone: Vec<Name> = self.by_name.iter().filter(|(_, table)| !fits(table)).map(|(name, _)| name.clone()).collect();
        for name in gone {
            self.remove(&name);
        }
    }
}

/// A relation that is being changed: its links follow when that is done.
pub(super) struct Changed<'a> {
    name: Name,
    table: &'a mut Table,
    linked: &'a mut HashMap<Key, BTreeSet<Name>>,
    before: Vec<Key>,
}

impl Deref for Changed<'_> {
    type Target = Table;

    fn deref(&self) -> &Table {
        self.table
    }
}

impl DerefMut for Changed<'_> {
    fn deref_mut(&mut self) -> &mut Table {
        self.table
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        let (mut before, mut after) = (std::mem::take(&mut self.before), keys_of(self.table));
        if after == before {
            return;
        }
        // Of many links one has changed: what is alike in front and at the end stays.
        let front = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
        let rest = before.len().min(after.len()) - front;
        let end = before.iter().rev().zip(after.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
        let tail = after.split_off(after.len() - end);
        let head: Vec<Key> = after.drain(..front).collect();
        before.truncate(before.len() - end);
        before.drain(..front);
        before.retain(|key| !head.contains(key) && !tail.contains(key));
        unlink(self.linked, &self.name, before);
        link(self.linked, &self.name, after);
    }
}

fn link(linked: &mut HashMap<Key, BTreeSet<Name>>, name: &Name, keys: Vec<Key>) {
    for key in keys {
        linked.entry(key).or_default().insert(name.clone());
    }
}

fn unlink(linked: &mut HashMap<Key, BTreeSet<Name>>, name: &Name, keys: Vec<Key>) {
    for key in keys {
        if let Some(names) = linked.get_mut(&key) {
            names.remove(name);
            if names.is_empty() {
                linked.remove(&key);
            }
        }
    }
}

/// All that a relation names.
fn keys_of(table: &Table) -> Vec<Key> {
    let indexes = table.indexes.iter().filter_map(|state| state.index.name.as_deref()).map(|name| (Link::Index, name));
    let references =
        table.constraints.iter().filter_map(|constraint| constraint.reference()).map(|to| (Link::Reference, to.table.name.as_str()));
    let reads = table.query.iter().flat_map(|query| &query.tables).map(|read| (Link::Read, read.name.as_str()));
    let parents =
        table.partition_of.iter().map(|(parent, _)| parent).chain(&table.inherits).map(|parent| (Link::Parent, parent.name.as_str()));
    let default = table.partition_of.iter().filter(|(_, bound)| bound.is_default).map(|(parent, _)| (Link::Default, parent.name.as_str()));
    indexes.chain(references).chain(reads).chain(parents).chain(default).map(|(link, name)| (link, name.to_lowercase())).collect()
}

//! What others ask of the catalogue.

use std::collections::BTreeSet;

use crate::dialect::Dialect;
use crate::sql::catalog::links::Link;
use crate::sql::catalog::{Catalog, Copy, Function, IndexState, RelationKind, Rows, Table, UserType};
use crate::sql::change::{Change, Column, Constraint, DataType, Expression, Name, PartitionBound, Query, Reading};
use crate::sql::functions::Volatility;
use crate::sql::words::Kind;

impl Catalog {
    /// A name as a key: with its schema, folded where the dialect does not mind case.
    #[must_use]
    pub fn key(&self, name: &Name) -> Name {
        let fold = |text: &str| {
            if self.dialect == Dialect::Postgresql { text.to_owned() } else { text.to_lowercase() }
        };
        let schema = name.schema.as_deref().map_or_else(|| self.default_schema.clone(), fold);
        let schema = if self.dialect == Dialect::Sqlite && schema == "main" || self.dialect == Dialect::Mssql && schema == "dbo" {
            String::new()
        } else {
            schema
        };
        Name { schema: Some(schema).filter(|schema| !schema.is_empty()), name: fold(&name.name) }
    }

    /// The table, view or materialized view called `name`, if it is known.
    #[must_use]
    pub fn table(&self, name: &Name) -> Option<&Table> {
        self.tables.get(&self.key(name))
    }

    /// What the script itself told of a table that is not known: nothing but what it added.
    #[must_use]
    pub fn sketch(&self, name: &Name) -> Option<&Table> {
        self.sketches.get(&self.key(name))
    }

    /// All relations, by name.
    pub fn tables(&self) -> impl Iterator<Item = (&Name, &Table)> {
        self.tables.iter()
    }

    /// True when nobody but this script can know the table.
    #[must_use]
    pub fn is_new(&self, name: &Name) -> bool {
        self.table(name).is_some_and(|table| table.is_new || table.temporary)
    }

    /// True when the table holds rows, as far as is known.
    #[must_use]
    pub fn has_rows(&self, name: &Name) -> bool {
        if let Some(query) = self.table(name).filter(|table| table.kind == RelationKind::View).and_then(|view| view.query.as_ref()) {
            return query.tables.iter().any(|table| self.has_rows(table));
        }
        self.table(name).is_none_or(|table| table.rows == Rows::Some)
            || self.table(name).is_some_and(|table| table.partition_by.is_some() && self.has_filled_partition(name))
    }

    fn has_filled_partition(&self, name: &Name) -> bool {
        self.partitions(name).iter().any(|partition| self.table(partition).is_some_and(|table| table.rows == Rows::Some))
    }

    /// True when it is known that no such relation stands.
    #[must_use]
    pub fn is_missing(&self, name: &Name) -> bool {
        self.is_complete && self.table(name).is_none() && !self.is_system(name)
    }

    pub(super) fn is_system(&self, name: &Name) -> bool {
        name.schema.as_deref().is_some_and(|schema| matches!(schema, "pg_catalog" | "information_schema" | "sys" | "mysql" | "temp"))
            || name.name.starts_with("pg_")
            || name.name.starts_with("sqlite_")
    }

    /// Partitions of a partitioned table, at every level.
    #[must_use]
    pub fn partitions(&self, name: &Name) -> Vec<Name> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![self.key(name)];
        while let Some(parent) = open.pop() {
            for (child, table) in self.tables.linked(Link::Parent, &parent.name) {
                if table.partition_of.as_ref().is_some_and(|(of, _)| *of == parent || self.key(of) == parent) && seen.insert(child) {
                    found.push(child.clone());
                    open.push(child.clone());
                }
            }
        }
        found
    }

    /// Children by inheritance, at every level, and partitions.
    #[must_use]
    pub fn descendants(&self, name: &Name) -> Vec<Name> {
        let mut found = self.partitions(name);
        let mut seen: BTreeSet<Name> = found.iter().cloned().collect();
        let mut open = vec![self.key(name)];
        while let Some(parent) = open.pop() {
            for (child, table) in self.tables.linked(Link::Parent, &parent.name) {
                if table.inherits.iter().any(|of| *of == parent || self.key(of) == parent) && seen.insert(child.clone()) {
                    found.push(child.clone());
                    open.push(child.clone());
                }
            }
        }
        found
    }

    /// The partitions right below a table, with their bounds.
    pub fn bounds<'a>(&'a self, parent: &Name) -> impl Iterator<Item = (&'a Name, &'a PartitionBound)> {
        self.bounds_linked(Link::Parent, parent)
    }

    fn bounds_linked<'a>(&'a self, link: Link, parent: &Name) -> impl Iterator<Item = (&'a Name, &'a PartitionBound)> {
        let key = self.key(parent);
        let children = self.tables.linked(link, &parent.name);
        children.filter_map(move |(child, table)| {
            let (of, bound) = table.partition_of.as_ref()?;
            (*of == key || self.key(of) == key).then_some((child, bound))
        })
    }

    /// The default partition of a partitioned table.
    #[must_use]
    pub fn default_partition(&self, name: &Name) -> Option<Name> {
        self.bounds_linked(Link::Default, name).next().map(|(child, _)| child.clone())
    }

    /// Foreign keys that point at `name`, with the table they belong to.
    #[must_use]
    pub fn foreign_keys_to(&self, name: &Name) -> Vec<(Name, Constraint)> {
        let key = self.key(name);
        let mut found = Vec::new();
        for (table, state) in self.tables.linked(Link::Reference, &key.name) {
            for constraint in &state.constraints {
                if constraint.reference().is_some_and(|reference| self.key(&reference.table) == key) {
                    found.push((table.clone(), constraint.clone()));
                }
            }
        }
        found
    }

    /// Views and materialized views that read `name`, directly or through other views.
    #[must_use]
    pub fn views_on(&self, name: &Name) -> Vec<Name> {
        let mut found: Vec<Name> = Vec::new();
        let mut open = vec![self.key(name)];
        while let Some(target) = open.pop() {
            for (view, table) in self.tables.linked(Link::Read, &target.name) {
                let reads = table.query.as_ref().is_some_and(|query| query.tables.iter().any(|read| self.key(read) == target));
                if reads && !found.contains(view) {
                    found.push(view.clone());
                    open.push(view.clone());
                }
            }
        }
        found
    }

    /// Views that use one column of `name`.
    #[must_use]
    pub fn views_on_column(&self, name: &Name, column: &str) -> Vec<Name> {
        let key = self.key(name);
        let uses = |query: &Query| {
            query.tables.iter().any(|read| self.key(read) == key)
                && query.words.iter().any(|word| word == "*" || word.eq_ignore_ascii_case(column))
        };
        let readers = self.tables.linked(Link::Read, &key.name);
        let direct: Vec<Name> = readers.filter(|(_, table)| table.query.as_ref().is_some_and(uses)).map(|(view, _)| view.clone()).collect();
        let mut all = direct.clone();
        for view in direct {
            for other in self.views_on(&view) {
                if !all.contains(&other) {
                    all.push(other);
                }
            }
        }
        all
    }

    /// The table an index belongs to, and the index.
    #[must_use]
    pub fn index(&self, name: &Name) -> Option<(&Name, &IndexState)> {
        let schema = name.schema.as_ref().map(|_| self.key(name).schema);
        self.tables.linked(Link::Index, &name.name).find_map(|(table, state)| {
            let same = schema.as_ref().is_none_or(|schema| *schema == table.schema);
            same.then(|| state.index(&name.name)).flatten().map(|index| (table, index))
        })
    }

    /// A type of the user's own.
    #[must_use]
    pub fn user_type(&self, name: &Name) -> Option<&UserType> {
        self.types.get(&self.key(name))
    }

    /// The user's own type that a column's type names.
    #[must_use]
    pub fn type_of(&self, data_type: &DataType) -> Option<&UserType> {
        self.user_type(&Name { schema: data_type.schema.clone(), name: data_type.name.clone() })
    }

    /// The type below all domains.
    #[must_use]
    pub fn base_type(&self, data_type: &DataType) -> DataType {
        let mut current = data_type.clone();
        for _ in 0..16 {
            match self.type_of(&current) {
                Some(UserType::Domain { base, .. }) if current.dimensions == 0 => current = base.clone(),
                _ => return current,
            }
        }
        current
    }

    /// The default that a domain gives to its columns.
    #[must_use]
    pub fn default_of_type(&self, data_type: &DataType) -> Option<&Expression> {
        match self.type_of(data_type).filter(|_| data_type.dimensions == 0) {
            Some(UserType::Domain { default, .. }) => default.as_deref(),
            _ => None,
        }
    }

    /// Tables with a column of a user's own type.
    #[must_use]
    pub fn tables_with_type(&self, name: &Name) -> Vec<(Name, String)> {
        let key = self.key(name);
        let mut found = Vec::new();
        for (table, state) in self.tables.iter() {
            for column in &state.columns {
                let names = column
                    .data_type
                    .as_ref()
                    .map(|data_type| self.key(&Name { schema: data_type.schema.clone(), name: data_type.name.clone() }));
                if names.as_ref() == Some(&key) {
                    found.push((table.clone(), column.name.clone()));
                }
            }
        }
        found
    }

    /// Domains whose base is another domain.
    #[must_use]
    pub fn domains_over(&self, name: &Name) -> Vec<Name> {
        let key = self.key(name);
        self.types
            .iter()
            .filter(|(_, found)| matches!(found, UserType::Domain { base, .. } if self.key(&Name { schema: base.schema.clone(), name: base.name.clone() }) == key))
            .map(|(domain, _)| domain.clone())
            .collect()
    }

    /// How volatile a function is: the user's own first, then the server's.
    #[must_use]
    pub fn volatility(&self, function: &str) -> Volatility {
        self.functions.get(function).map_or_else(
            || crate::sql::functions::volatility(function),
            |own| {
                if own.is_literal { Volatility::Immutable } else { own.volatility }
            },
        )
    }

    /// A function of the user's own. Calls are read without regard to case: two that differ in case only are one here.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        let folded = || name.chars().any(char::is_uppercase).then(|| name.to_lowercase());
        self.functions.get(name).or_else(|| self.functions.get(&folded()?))
    }

    /// All functions of the user's own.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// Functions in SQL whose text reads a column of a table; their names, in order.
    #[must_use]
    pub fn functions_reading(&self, table: &Name, column: &str) -> Vec<String> {
        let key = self.key(table);
        let reads = |reading: &Reading| match &reading.change {
            Change::Select(query) => {
                query.tables.iter().any(|read| self.key(read) == key) && query.words.iter().any(|word| word.eq_ignore_ascii_case(column))
            }
            _ => false,
        };
        self.functions.iter().filter(|(_, function)| function.body.iter().any(reads)).map(|(name, _)| name.clone()).collect()
    }

    /// True when a sequence is known.
    #[must_use]
    pub fn has_sequence(&self, name: &Name) -> bool {
        self.sequences.contains_key(&self.key(name))
    }

    /// The last number that a sequence gave away, where that is known.
    #[must_use]
    pub fn last_number(&self, sequence: &Name) -> Option<i64> {
        let key = self.key(sequence);
        match self.owner_of_sequence(sequence) {
            Some(owner) => self.table(owner)?.stored.last_number(),
            None => self.untouched_sequences.contains(&key).then_some(1),
        }
    }

    /// The table that owns a sequence.
    #[must_use]
    pub fn owner_of_sequence(&self, name: &Name) -> Option<&Name> {
        self.sequences.get(&self.key(name))?.as_ref()
    }

    /// Columns that take their default from a sequence.
    #[must_use]
    pub fn users_of_sequence(&self, name: &Name) -> Vec<(Name, Column)> {
        let key = self.key(name);
        let mut found = Vec::new();
        for (table, state) in self.tables.iter() {
            for column in &state.columns {
                let own = Name { schema: table.schema.clone(), name: format!("{}_{}_seq", table.name, column.name) };
                let serial = own == key && (column.identity.is_some() || column.data_type.as_ref().is_some_and(|own| own.serial));
                let called = column.default.as_ref().is_some_and(|default| {
                    default.functions.iter().any(|function| function == "nextval") && default.text.contains(&key.name)
                });
                if serial || called {
                    found.push((table.clone(), column.clone()));
                }
            }
        }
        found
    }

    /// True when an extension was created, which may bring types and functions.
    #[must_use]
    pub fn has_extensions(&self) -> bool {
        self.objects.iter().any(|(made_by, _)| *made_by == Kind::CreateExtension)
    }

    /// True when an object was made by this kind of statement.
    #[must_use]
    pub fn has_object(&self, made_by: Kind, name: &Name) -> bool {
        self.objects.contains(&(made_by, self.key(name)))
    }

    /// True when the script made or named a role: granted something to it, gave it a table.
    #[must_use]
    pub fn knows_role(&self, role: &str) -> bool {
        self.has_object(Kind::CreateRole, &Name::bare(role)) || self.role_is_used(role)
    }

    /// True when a role owns a table or was granted something.
    #[must_use]
    pub fn role_is_used(&self, role: &str) -> bool {
        self.tables.values().any(|table| table.owner.as_deref() == Some(role) || table.grantees.iter().any(|name| name == role))
    }

    /// The tables of extended statistics.
    #[must_use]
    pub fn statistics(&self, name: &Name) -> Option<&[Name]> {
        self.statistics.get(&self.key(name)).map(Vec::as_slice)
    }

    /// True when checks of a table wait for the commit of this transaction.
    #[must_use]
    pub fn has_pending_checks(&self, name: &Name, transaction: Option<u32>) -> bool {
        transaction.is_some_and(|id| self.pending.contains(&(id, self.key(name))))
    }

    /// Relations in a schema.
    #[must_use]
    pub fn in_schema(&self, schema: &str) -> Vec<Name> {
        self.tables.keys().filter(|name| name.schema.as_deref() == Some(schema)).cloned().collect()
    }

    /// True when a schema is known.
    #[must_use]
    pub fn has_schema(&self, schema: &str) -> bool {
        self.schemas.iter().any(|known| known == schema)
    }

    /// What `SET name` was last set to in the script.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// Savepoints set in the transaction that the script began; `None`: it began none.
    #[must_use]
    pub const fn begun(&self) -> Option<u32> {
        self.begun
    }

    /// True when a SQLite setting that is off by default was switched on.
    #[must_use]
    pub fn is_on(&self, pragma: &str) -> bool {
        self.setting(pragma).is_some_and(|value| matches!(value, "on" | "1" | "yes" | "true"))
    }

    /// The tables that hold all that the script copied out of `name`.
    pub fn copies_of<'a>(&'a self, name: &Name) -> impl Iterator<Item = (&'a Name, &'a Table, &'a Copy)> {
        let key = self.key(name);
        self.tables
            .iter()
            .flat_map(|(to, table)| table.copies.iter().map(move |copy| (to, table, copy)))
            .filter(move |(_, _, copy)| copy.from == key)
    }
}

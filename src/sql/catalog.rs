//! What is known of the database in front of a statement: folded from the schema before it and the script so far.

pub mod mysql;
pub mod stored;

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::Dialect;
use crate::sql::change::{
    AlterAction, AlterTable, Change, Column, Constraint, ConstraintKind, CreateTable, DataType, DomainAction, Drop, Expression, Index,
    IndexAction, IndexKey, Insert, Name, PartitionBound, Query, Reading, SequenceAction, TypeAction, TypeForm, Update, ViewAction,
};
use crate::sql::functions::Volatility;
use crate::sql::script::Script;
use crate::sql::words::{Action, Kind};
use stored::Stored;

/// What is known of a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rows {
    /// It holds rows, or may.
    #[default]
    Some,
    /// It is known to hold none.
    None,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RelationKind {
    /// A table.
    #[default]
    Table,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A foreign table.
    Foreign,
}

/// An index that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexState {
    /// Its definition; the name is always set.
    pub index: Index,
    /// The constraint it carries, if it carries one.
    pub constraint: Option<String>,
    /// Made in the script under review.
    pub is_new: bool,
    /// `CREATE INDEX … ON ONLY` of a partitioned table, or a failed concurrent build.
    pub is_valid: bool,
    /// It came to a partition with an index of the parent.
    pub of_parent: bool,
}

/// Rows of another table that `INSERT … SELECT` wrote into a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The table they are from.
    pub from: Name,
    /// The column written, and what is written into it.
    pub columns: Vec<(String, Expression)>,
    /// All rows were taken: no condition, no limit, no join.
    pub is_whole: bool,
}

/// A table, view or materialized view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// What it is.
    pub kind: RelationKind,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Its constraints, names always set; keys among them.
    pub constraints: Vec<Constraint>,
    /// Its indexes, those of constraints among them.
    pub indexes: Vec<IndexState>,
    /// Names of its triggers.
    pub triggers: Vec<String>,
    /// One of them was made for rows that are inserted.
    pub has_insert_trigger: bool,
    /// The functions they call.
    pub trigger_functions: Vec<Name>,
    /// Names of its rules.
    pub rules: Vec<String>,
    /// Constraints that the script under review added.
    pub new_constraints: Vec<String>,
    /// Columns that are known to be NULL in every row.
    pub null_columns: Vec<String>,
    /// Who it was given to; `None`: who made it.
    pub owner: Option<String>,
    /// What its row level or table level rights are: role and privilege, both in lower case.
    pub grants: Vec<(String, String)>,
    /// What its triggers do, by name, where that stands in the statement.
    pub trigger_bodies: BTreeMap<String, Expression>,
    /// Rows of other tables that the script wrote into it (SQLite).
    pub copies: Vec<Copy>,
    /// It took over the rows of a table that was dropped, and nobody knows its name yet (SQLite).
    pub is_replacement: bool,
    /// Names of its policies.
    pub policies: Vec<String>,
    /// Words of the conditions of policies, and of the columns and conditions of triggers.
    pub watched: Vec<String>,
    /// The index it was clustered on.
    pub is_clustered: bool,
    /// Roles that were granted something on it.
    pub grantees: Vec<String>,
    /// The parent and the bound, for a partition.
    pub partition_of: Option<(Name, PartitionBound)>,
    /// The key, for a partitioned table.
    pub partition_by: Option<(String, Expression)>,
    /// Parents by inheritance.
    pub inherits: Vec<Name>,
    /// What a view reads.
    pub query: Option<Query>,
    /// Names of a view's columns, where known.
    pub view_columns: Option<Vec<String>>,
    /// Made in the script under review: nobody else uses it.
    pub is_new: bool,
    /// The transaction of the script that made it.
    pub made_in: Option<u32>,
    /// Whether it holds rows.
    pub rows: Rows,
    /// The rows whose values are known (PostgreSQL).
    pub stored: Stored,
    /// `UNLOGGED`.
    pub unlogged: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// The access method asked for last; `None`: the default.
    pub access_method: Option<String>,
    /// MySQL's options, SQLite's `strict`.
    pub options: BTreeMap<String, String>,
    /// `CREATE TABLE … OF type`.
    pub is_typed: bool,
    /// Row security is on.
    pub row_security: bool,
}

impl Table {
    /// The column called `name`.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        self.columns.iter_mut().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The constraint called `name`.
    #[must_use]
    pub fn constraint(&self, name: &str) -> Option<&Constraint> {
        self.constraints.iter().find(|constraint| constraint.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    /// The index called `name`.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<&IndexState> {
        self.indexes.iter().find(|state| state.index.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    /// The columns of its primary key.
    #[must_use]
    pub fn primary_key(&self) -> Option<&[String]> {
        self.constraints.iter().find_map(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } => Some(columns.as_slice()),
            _ => None,
        })
    }

    /// True when a column cannot be NULL: declared so, or part of the primary key.
    #[must_use]
    pub fn is_not_null(&self, column: &str) -> bool {
        self.column(column).is_some_and(|found| found.not_null)
            || self.primary_key().is_some_and(|key| key.iter().any(|name| name.eq_ignore_ascii_case(column)))
    }

    /// True when a valid constraint `CHECK (column IS NOT NULL)` stands.
    #[must_use]
    pub fn has_valid_not_null_check(&self, column: &str) -> bool {
        self.constraints.iter().any(|constraint| {
            !constraint.not_valid
                && !constraint.not_enforced
                && match &constraint.kind {
                    ConstraintKind::Check(expression) => implies_not_null(expression, column),
                    ConstraintKind::NotNull { column: other } => other.eq_ignore_ascii_case(column),
                    _ => false,
                }
        })
    }

    /// Indexes that use a column: as a key, in an expression, in a predicate, or included.
    pub fn indexes_on<'a>(&'a self, column: &'a str) -> impl Iterator<Item = &'a IndexState> {
        self.indexes.iter().filter(move |state| index_uses(&state.index, column))
    }

    /// Constraints that name a column.
    pub fn constraints_on<'a>(&'a self, column: &'a str) -> impl Iterator<Item = &'a Constraint> {
        self.constraints.iter().filter(move |constraint| constraint_uses(constraint, column))
    }

    /// Generated columns that are computed from a column.
    pub fn generated_from<'a>(&'a self, column: &'a str) -> impl Iterator<Item = &'a Column> {
        self.columns.iter().filter(move |other| {
            other.generated.as_ref().is_some_and(|(_, expression)| expression.words.iter().any(|word| word.eq_ignore_ascii_case(column)))
        })
    }
}

/// `column IS NOT NULL`, alone or joined by `AND`.
fn implies_not_null(expression: &Expression, column: &str) -> bool {
    let text = expression.text.to_lowercase().replace(['(', ')', '"', '`'], " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let joined = words.join(" ");
    !words.contains(&"or") && joined.split(" and ").any(|part| part == format!("{} is not null", column.to_lowercase()))
}

/// True when `index` uses `column` in any way.
#[must_use]
pub fn index_uses(index: &Index, column: &str) -> bool {
    let named = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(column));
    index.keys.iter().any(|key| match key {
        IndexKey::Column(name) => name.eq_ignore_ascii_case(column),
        IndexKey::Expression(expression) => named(&expression.words),
    }) || named(&index.include)
        || index.predicate.as_ref().is_some_and(|predicate| named(&predicate.words))
}

/// True when `constraint` names `column` of its own table.
#[must_use]
pub fn constraint_uses(constraint: &Constraint, column: &str) -> bool {
    let named = |words: &[String]| words.iter().any(|word| word.eq_ignore_ascii_case(column));
    match &constraint.kind {
        ConstraintKind::Check(expression) => named(&expression.words),
        ConstraintKind::Unique { columns, .. } | ConstraintKind::PrimaryKey { columns, .. } | ConstraintKind::Exclude { columns } => {
            named(columns)
        }
        ConstraintKind::ForeignKey { columns, .. } => named(columns),
        ConstraintKind::NotNull { column: other } | ConstraintKind::Default { column: other } => other.eq_ignore_ascii_case(column),
    }
}

/// A type of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserType {
    /// An enum: its values, and those added in a transaction of the script that is still open.
    Enum {
        /// All values, in order.
        values: Vec<String>,
        /// Values added by the script, with the transaction they were added in.
        added: Vec<(String, Option<u32>)>,
        /// Made in the script under review.
        is_new: bool,
    },
    /// A domain over another type.
    Domain {
        /// The type below.
        base: DataType,
        /// It has `NOT NULL` or a `CHECK`.
        constrained: bool,
        /// It has `NOT NULL`.
        not_null: bool,
        /// Its checks, by name where they have one.
        checks: Vec<(Option<String>, Expression)>,
        /// Names of its constraints that are not validated yet.
        not_valid: Vec<String>,
    },
    /// Anything else.
    Other,
}

/// A function of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// How often its answer changes.
    pub volatility: Volatility,
    /// `sql`, `plpgsql`, …
    pub language: Option<String>,
    /// A SQL function whose body selects one literal: PostgreSQL puts the literal in its place.
    pub is_literal: bool,
    /// `RETURNS x`.
    pub returns: Option<DataType>,
    /// The statements of a `LANGUAGE sql` body.
    pub body: Vec<Reading>,
}

/// The schema at one place in a script.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The dialect: decides the default schema.
    pub dialect: Dialect,
    /// The schema of names without one.
    pub default_schema: String,
    /// The schema before the script is known as a whole: what is not here does not exist.
    pub is_complete: bool,
    tables: BTreeMap<Name, Table>,
    /// Constraints that the script added to tables that are not known.
    sketches: BTreeMap<Name, Table>,
    types: BTreeMap<Name, UserType>,
    functions: BTreeMap<String, Function>,
    /// Sequences, with the table that owns them.
    sequences: BTreeMap<Name, Option<Name>>,
    /// Sequences that gave no number away yet, and begin at one.
    untouched_sequences: BTreeSet<Name>,
    schemas: Vec<String>,
    /// Settings made so far: `SET name = value`.
    settings: BTreeMap<String, String>,
    /// Other objects by the statement that made them: extensions, collations, roles.
    objects: BTreeSet<(Kind, Name)>,
    /// Extended statistics, with their tables.
    statistics: BTreeMap<Name, Vec<Name>>,
    /// Tables with checks put off to the commit of a transaction.
    pending: BTreeSet<(u32, Name)>,
    /// Savepoints set since `BEGIN`; `None`: no `BEGIN` was seen.
    begun: Option<u32>,
}

/// Settings of a SQLite connection that a setup leaves behind for the script.
const KEPT_SETTINGS: &[&str] = &["foreign_keys", "legacy_alter_table"];

impl Catalog {
    /// Nothing is known.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        let default_schema = if dialect == Dialect::Postgresql { "public" } else { "" };
        Self {
            dialect,
            default_schema: default_schema.to_owned(),
            is_complete: false,
            tables: BTreeMap::new(),
            sketches: BTreeMap::new(),
            types: BTreeMap::new(),
            functions: BTreeMap::new(),
            sequences: BTreeMap::new(),
            untouched_sequences: BTreeSet::new(),
            schemas: vec![default_schema.to_owned()],
            settings: BTreeMap::new(),
            objects: BTreeSet::new(),
            statistics: BTreeMap::new(),
            pending: BTreeSet::new(),
            begun: None,
        }
    }

    /// The schema that `setup` makes. If it inserts rows anywhere, the other tables are empty; if nowhere, all have rows.
    #[must_use]
    pub fn of_setup(setup: &Script) -> Self {
        let mut catalog = Self::new(setup.server.dialect);
        let mut fills = false;
        for statement in &setup.statements {
            catalog.apply(&statement.reading, statement.transaction);
            let (table, _) = filled_table(&statement.reading.change);
            fills |= table.is_some() && !table.is_some_and(|name| name.name == "alembic_version");
        }
        catalog.is_complete = catalog.tables.values().any(|table| table.kind == RelationKind::Table);
        if !fills {
            catalog.forget_rows();
            for table in catalog.tables.values_mut() {
                table.rows = Rows::Some;
                table.null_columns.clear();
            }
        }
        catalog.stands();
        catalog.settings.retain(|name, _| catalog.dialect == Dialect::Sqlite && KEPT_SETTINGS.contains(&name.as_str()));
        catalog.begun = None;
        catalog
    }

    /// The schema that the revisions of a chain leave behind.
    ///
    /// The rows they wrote say nothing about production: there all tables have rows.
    #[must_use]
    pub fn of_history(history: &Script) -> Self {
        let mut catalog = Self::of_setup(history);
        for table in catalog.tables.values_mut() {
            table.rows = Rows::Some;
            table.null_columns.clear();
        }
        catalog
    }

    /// Nothing is new any more: others use it all.
    fn stands(&mut self) {
        for table in self.tables.values_mut() {
            table.is_new = false;
            table.made_in = None;
            table.new_constraints.clear();
            for column in &mut table.columns {
                column.is_new = false;
            }
            for state in &mut table.indexes {
                state.is_new = false;
            }
        }
        for found in self.types.values_mut() {
            if let UserType::Enum { added, is_new, .. } = found {
                added.clear();
                *is_new = false;
            }
        }
    }

    /// The schema as it is some time after the script: others use it all, and what it made has rows.
    pub fn settle(&mut self) {
        self.forget_rows();
        for table in self.tables.values_mut().filter(|table| table.is_new && !table.temporary) {
            table.rows = Rows::Some;
        }
        for table in self.tables.values_mut() {
            table.null_columns.clear();
        }
        self.tables.retain(|_, table| !table.temporary);
        self.settings.clear();
        self.begun = None;
        self.stands();
    }

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

    fn table_mut(&mut self, name: &Name) -> Option<&mut Table> {
        let key = self.key(name);
        self.tables.get_mut(&key)
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
            || self.partitions(name).iter().any(|partition| self.table(partition).is_some_and(|table| table.rows == Rows::Some))
    }

    /// True when it is known that no such relation stands.
    #[must_use]
    pub fn is_missing(&self, name: &Name) -> bool {
        self.is_complete && self.table(name).is_none() && !self.is_system(name)
    }

    fn is_system(&self, name: &Name) -> bool {
        name.schema.as_deref().is_some_and(|schema| matches!(schema, "pg_catalog" | "information_schema" | "sys" | "mysql" | "temp"))
            || name.name.starts_with("pg_")
            || name.name.starts_with("sqlite_")
    }

    /// Partitions of a partitioned table, at every level.
    #[must_use]
    pub fn partitions(&self, name: &Name) -> Vec<Name> {
        let mut found = Vec::new();
        let mut open = vec![self.key(name)];
        while let Some(parent) = open.pop() {
            for (child, table) in &self.tables {
                if table.partition_of.as_ref().is_some_and(|(of, _)| self.key(of) == parent) && !found.contains(child) {
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
        let mut open = vec![self.key(name)];
        while let Some(parent) = open.pop() {
            for (child, table) in &self.tables {
                if table.inherits.iter().any(|of| self.key(of) == parent) && !found.contains(child) {
                    found.push(child.clone());
                    open.push(child.clone());
                }
            }
        }
        found
    }

    /// The default partition of a partitioned table.
    #[must_use]
    pub fn default_partition(&self, name: &Name) -> Option<Name> {
        let parent = self.key(name);
        self.tables
            .iter()
            .find(|(_, table)| table.partition_of.as_ref().is_some_and(|(of, bound)| bound.is_default && self.key(of) == parent))
            .map(|(child, _)| child.clone())
    }

    /// Foreign keys that point at `name`, with the table they belong to.
    #[must_use]
    pub fn foreign_keys_to(&self, name: &Name) -> Vec<(Name, Constraint)> {
        let key = self.key(name);
        let mut found = Vec::new();
        for (table, state) in &self.tables {
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
            for (view, table) in &self.tables {
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
        let direct: Vec<Name> =
            self.tables.iter().filter(|(_, table)| table.query.as_ref().is_some_and(uses)).map(|(view, _)| view.clone()).collect();
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
        self.tables.iter().find_map(|(table, state)| {
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

    /// Tables with a column of a user's own type.
    #[must_use]
    pub fn tables_with_type(&self, name: &Name) -> Vec<(Name, String)> {
        let key = self.key(name);
        let mut found = Vec::new();
        for (table, state) in &self.tables {
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

    /// A function of the user's own.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name)
    }

    /// All functions of the user's own.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
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
        for (table, state) in &self.tables {
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

    /// Takes a statement's changes over. `transaction` is that of the statement.
    pub fn apply(&mut self, reading: &Reading, transaction: Option<u32>) {
        if let (Some(subject), Change::Publication { .. }) = (&reading.subject, &reading.change) {
            self.objects.insert((reading.kind, self.key(subject)));
        }
        self.note_values(&reading.change);
        self.note_rows(&reading.change);
        self.note_pending(&reading.change, transaction);
        match &reading.change {
            Change::CreateTable(table) => self.create_table(table, transaction),
            Change::AlterTable(alter) => self.alter_table(alter),
            Change::RenameTables { pairs } => {
                for (from, to) in pairs {
                    self.rename(from, to);
                }
            }
            Change::Drop(drop) => self.drop(reading.kind, drop),
            Change::CreateIndex { table, only, index, .. } => self.create_index(table, *only, index),
            Change::AlterIndex { index, action, .. } => self.alter_index(index, action),
            Change::CreateView { name, materialized, query, columns, with_data, temporary, .. } => {
                let kind = if *materialized { RelationKind::MaterializedView } else { RelationKind::View };
                let view_columns = if columns.is_empty() { self.expanded_columns(query) } else { Some(columns.clone()) };
                let rows = if *materialized && *with_data { Rows::Some } else { Rows::None };
                let key = self.key(name);
                let old = self.tables.remove(&key);
                let is_new = old.as_ref().is_none_or(|table| table.is_new);
                let grantees = old.map(|table| table.grantees).unwrap_or_default();
                let view = Table {
                    kind,
                    query: Some(query.clone()),
                    view_columns,
                    is_new,
                    made_in: transaction,
                    rows,
                    temporary: *temporary,
                    grantees,
                    ..Table::default()
                };
                self.tables.insert(key, view);
            }
            Change::AlterView { name, action, .. } => self.alter_view(name, action),
            Change::RefreshMaterializedView { name, with_data, .. } => {
                if let Some(table) = self.table_mut(name) {
                    table.rows = if *with_data { Rows::Some } else { Rows::None };
                }
            }
            Change::CreateType { name, form } => {
                let found = match form {
                    TypeForm::Enum(values) => UserType::Enum { values: values.clone(), added: Vec::new(), is_new: true },
                    TypeForm::Composite | TypeForm::Range | TypeForm::Base | TypeForm::Shell | TypeForm::Alias => UserType::Other,
                };
                self.types.insert(self.key(name), found);
            }
            Change::AlterType { name, actions } => self.alter_type(name, actions, transaction),
            Change::CreateDomain { name, base, not_null, checks, .. } => {
                let found = UserType::Domain {
                    base: base.clone(),
                    not_null: *not_null,
                    constrained: *not_null
                        || !checks.is_empty()
                        || matches!(self.type_of(base), Some(UserType::Domain { constrained: true, .. })),
                    checks: checks.iter().map(|check| (None, check.clone())).collect(),
                    not_valid: Vec::new(),
                };
                self.types.insert(self.key(name), found);
            }
            Change::AlterDomain { name, action } => self.alter_domain(name, action),
            Change::CreateSequence { name, owned_by, has_options, .. } => {
                let key = self.key(name);
                if !has_options {
                    self.untouched_sequences.insert(key.clone());
                }
                self.sequences.insert(key, owned_by.clone());
            }
            Change::AlterSequence { name, actions, .. } => self.alter_sequence(name, actions),
            Change::CreateTrigger { name, table, function, words, body, on_insert, .. } => {
                if let Some(found) = self.table_mut(table) {
                    found.watched.extend(words.iter().cloned());
                    found.triggers.push(name.clone());
                    found.has_insert_trigger |= *on_insert;
                    found.trigger_functions.extend(function.clone());
                    found.trigger_bodies.insert(name.clone(), body.clone());
                }
            }
            Change::CreateStatistics { name: Some(name), tables } => {
                self.statistics.insert(self.key(name), tables.iter().map(|table| self.key(table)).collect());
            }
            Change::CreatePolicy { name, table, words } => {
                if let Some(found) = self.table_mut(table) {
                    found.watched.extend(words.iter().cloned());
                    found.policies.push(name.clone());
                }
            }
            Change::CreateFunction { name, language, volatility, returns, body, .. } => {
                let volatility = match volatility.as_deref() {
                    Some("immutable" | "deterministic") => Volatility::Immutable,
                    Some("stable") => Volatility::Stable,
                    _ => Volatility::Volatile,
                };
                let is_literal = reading.flags.contains_key("literal_body");
                self.functions.insert(
                    name.name.to_lowercase(),
                    Function { volatility, language: language.clone(), is_literal, returns: returns.clone(), body: body.clone() },
                );
            }
            Change::CreateSchema { name, elements, .. } => {
                self.schemas.extend(name.iter().map(|name| name.name.clone()));
                let before = std::mem::take(&mut self.default_schema);
                self.default_schema = name.as_ref().map_or(before.clone(), |name| name.name.clone());
                for element in elements {
                    self.apply(element, transaction);
                }
                self.default_schema = before;
            }
            Change::AlterSchema { name, rename_to: Some(to) } => self.rename_schema(&name.name, to),
            Change::AlterSchemaTransfer { table, schema } => {
                self.rename(table, &Name { schema: Some(schema.clone()), name: table.name.clone() })
            }
            Change::Truncate { tables, cascade, .. } => self.truncate(tables, *cascade),
            Change::Grant { tables, grantees, privileges } => {
                for table in tables {
                    if let Some(found) = self.table_mut(table) {
                        found.grantees.extend(grantees.iter().cloned());
                        for role in grantees {
                            found.grants.extend(privileges.iter().map(|privilege| (role.clone(), privilege.clone())));
                        }
                    }
                }
            }
            Change::Block(block) => {
                for inner in &block.statements {
                    self.apply(inner, transaction);
                }
                // How often its statements run, and whether, is not known.
                self.forget_rows();
            }
            Change::Cluster { table: Some(table) } => {
                if let Some(found) = self.table_mut(table) {
                    found.is_clustered = true;
                }
            }
            Change::Set { name, .. } if self.dialect == Dialect::Sqlite && name == "foreign_keys" && transaction.is_some() => {
                // SQLite does not take it inside of a transaction, and does not say so.
            }
            Change::Set { name, value, .. } => self.set(name, value),
            Change::Delete(delete) if delete.reach.condition.is_none() && delete.reach.joins.is_empty() && delete.reach.limit.is_none() => {
                for table in &delete.tables {
                    if let Some(found) = self.table_mut(table) {
                        found.rows = Rows::None;
                    }
                }
            }
            Change::Insert(insert) => {
                self.fill(&reading.change);
                if self.dialect == Dialect::Sqlite {
                    self.note_copy(insert, reading.flags.contains_key("or_action"));
                }
            }
            Change::Copy { .. } | Change::LoadData { .. } | Change::Merge(_) => self.fill(&reading.change),
            Change::Update(update) => self.note_invalid_index(update),
            Change::Begin => self.begun = Some(0),
            Change::Commit | Change::Rollback { to_savepoint: false } => self.begun = None,
            Change::Savepoint => self.begun = self.begun.map(|count| count + 1),
            Change::Reindex { .. }
            | Change::CreateRule { .. }
            | Change::AlterRule { .. }
            | Change::AlterPolicy { .. }
            | Change::AlterTrigger { .. }
            | Change::AlterSchema { rename_to: None, .. }
            | Change::CreateStatistics { name: None, .. }
            | Change::Publication { .. }
            | Change::Delete(_)
            | Change::Select(_)
            | Change::Call { .. }
            | Change::Revoke { .. }
            | Change::Comment { .. }
            | Change::LockTables { .. }
            | Change::Vacuum { .. }
            | Change::Cluster { table: None }
            | Change::Analyze { .. }
            | Change::Maintain { .. }
            | Change::Rollback { to_savepoint: true }
            | Change::Unknown => {}
            Change::Other => {
                if let Some(subject) = &reading.subject {
                    self.objects.insert((reading.kind, self.key(subject)));
                }
            }
        }
    }

    /// `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'x'::regclass`: how a setup says that an index is invalid.
    fn note_invalid_index(&mut self, update: &Update) {
        let is_mark =
            update.table.name == "pg_index" && update.columns == ["indisvalid"] && update.values.text.to_lowercase().ends_with("false");
        let Some(condition) = update.reach.condition.as_ref().filter(|_| is_mark) else {
            return;
        };
        let named = condition.text.split('\'').nth(1).filter(|_| condition.text.contains("::regclass"));
        let name = named.map(|named| match named.split_once('.') {
            Some((schema, name)) => Name { schema: Some(schema.to_owned()), name: name.to_owned() },
            None => Name::bare(named),
        });
        let found = name.and_then(|name| self.index(&name).map(|(table, _)| (table.clone(), name.name)));
        let Some((table, index)) = found else { return };
        for state in self.tables.get_mut(&table).into_iter().flat_map(|table| &mut table.indexes) {
            state.is_valid &= state.index.name.as_deref() != Some(index.as_str());
        }
    }

    /// Keeps track of the columns that hold nothing but NULL.
    fn note_values(&mut self, change: &Change) {
        let (table, columns) = match change {
            Change::Insert(insert) => (&insert.table, &insert.columns),
            Change::Update(update) => (&update.table, &update.columns),
            Change::Merge(merge) => (&merge.table, &merge.columns),
            Change::Copy { table: Some(table), into_table: true, .. } | Change::LoadData { table } => (table, &Vec::new()),
            _ => return,
        };
        let mut targets = self.descendants(table);
        targets.push(self.key(table));
        for target in targets {
            if let Some(found) = self.tables.get_mut(&target) {
                found.null_columns.retain(|column| !columns.is_empty() && !columns.contains(column));
            }
        }
    }

    /// Foreign keys that are checked at the commit keep `ALTER TABLE` away until then.
    fn note_pending(&mut self, change: &Change, transaction: Option<u32>) {
        let Some(id) = transaction else { return };
        let (table, columns) = match change {
            Change::Insert(insert) => (&insert.table, None),
            Change::Update(update) => (&update.table, Some(&update.columns)),
            Change::Commit | Change::Rollback { to_savepoint: false } => {
                self.pending.retain(|(open, _)| *open != id);
                return;
            }
            _ => return,
        };
        let waits = self.table(table).is_some_and(|found| {
            found.constraints.iter().any(|constraint| match &constraint.kind {
                ConstraintKind::ForeignKey { columns: own, .. } => {
                    constraint.initially_deferred && columns.is_none_or(|written| own.iter().any(|column| written.contains(column)))
                }
                _ => false,
            })
        });
        if waits {
            self.pending.insert((id, self.key(table)));
        }
    }

    /// Names of a query's columns; `*` of one known table is put in.
    fn expanded_columns(&self, query: &Query) -> Option<Vec<String>> {
        let columns = query.columns.clone()?;
        (!columns.iter().any(|name| name == "*")).then_some(columns)
    }

    fn fill(&mut self, change: &Change) {
        let (table, from_new_query) = filled_table(change);
        let source_has_rows =
            from_new_query.is_none_or(|query| query.tables.is_empty() || query.tables.iter().any(|table| self.has_rows(table)));
        let Some(table) = table.cloned() else { return };
        if !source_has_rows {
            return;
        }
        let mut targets = self.partitions(&table);
        targets.push(self.key(&table));
        for target in targets {
            if let Some(found) = self.tables.get_mut(&target) {
                found.rows = Rows::Some;
            }
        }
    }

    /// `INSERT … SELECT` keeps the rows of another table, which may be dropped next.
    fn note_copy(&mut self, insert: &Insert, skips_rows: bool) {
        let Some(query) = insert.query.as_ref().filter(|query| !query.tables.is_empty()) else {
            return;
        };
        let Some(from) = query.tables.first().map(|table| self.key(table)) else {
            return;
        };
        let stored = |name: &Name| -> Vec<String> {
            let columns = self.tables.get(&self.key(name)).map(|table| table.columns.as_slice()).unwrap_or_default();
            columns.iter().filter(|column| column.generated.is_none()).map(|column| column.name.clone()).collect()
        };
        let written = if insert.columns.is_empty() { stored(&insert.table) } else { insert.columns.clone() };
        let whole_row = matches!(query.items.as_slice(), [only] if only.text == "*" || only.text.ends_with(".*"));
        let items = if whole_row { stored(&from).into_iter().map(column_expression).collect() } else { query.items.clone() };
        const FEWER_ROWS: &[&str] = &["limit", "except", "intersect", "group", "having", "distinct", "union"];
        let fewer = query.words.iter().any(|word| FEWER_ROWS.iter().any(|other| word.eq_ignore_ascii_case(other)));
        let is_whole = !skips_rows && !query.has_where && query.tables.len() == 1 && !fewer;
        let copy = Copy { from, columns: written.into_iter().zip(items).collect(), is_whole };
        if let Some(table) = self.table_mut(&insert.table) {
            table.copies.push(copy);
        }
    }

    /// The rows of a dropped table live on in the tables they were copied into: these are as old as it was.
    fn hand_over(&mut self, from: &Name) {
        let Some(old) = self.tables.get(from).cloned() else {
            return;
        };
        for table in self.tables.values_mut() {
            let Some(copy) = table.copies.iter().find(|copy| copy.from == *from).cloned() else {
                continue;
            };
            table.is_new = old.is_new;
            table.made_in = old.made_in;
            table.is_replacement = true;
            for (name, written) in &copy.columns {
                let source = written.words.last().and_then(|word| old.column(word)).is_some_and(|column| column.is_new);
                if let Some(column) = table.column_mut(name) {
                    column.is_new = source;
                }
            }
            table.copies.retain(|copy| copy.from != *from);
        }
    }

    /// A constraint with a name of its own. SQLite gives none: one that no user can write stands for it.
    fn named(&self, table_name: &Name, table: &Table, constraint: &Constraint) -> Constraint {
        let mut named = constraint.clone();
        if self.dialect == Dialect::Sqlite && named.name.is_none() {
            let keys = table.indexes.iter().filter(|state| state.constraint.is_some()).count() + 1;
            named.name = Some(match &named.kind {
                ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. } => {
                    format!("sqlite_autoindex_{}_{keys}", table_name.name)
                }
                _ => format!("sqlite_constraint_{}", table.constraints.len() + 1),
            });
        }
        named
    }

    fn set(&mut self, name: &str, value: &str) {
        if name == "search_path" {
            let first =
                value.split(',').map(|part| part.trim().trim_matches(['"', '\''])).find(|part| !part.is_empty() && *part != "$user");
            self.default_schema = first.unwrap_or("public").to_owned();
        }
        if self.dialect.is_mysql_family() && name != "sql_mode" {
            // `SET @old = @@sql_mode, foreign_key_checks = 0`: several at once.
            for (name, value) in value.split(',').filter_map(|part| part.split_once('=')) {
                let name = name.trim().trim_start_matches('@').trim_start_matches("session.").trim_start_matches("session ");
                self.settings.insert(name.to_owned(), value.trim().trim_matches(['\'', '"']).to_owned());
            }
        }
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    fn create_table(&mut self, create: &CreateTable, transaction: Option<u32>) {
        let key = self.key(&create.name);
        if create.if_not_exists && self.tables.contains_key(&key) {
            return;
        }
        let mut table = Table {
            kind: if create.foreign { RelationKind::Foreign } else { RelationKind::Table },
            is_new: true,
            made_in: transaction,
            rows: Rows::None,
            stored: if self.dialect == Dialect::Postgresql && !create.foreign { Stored::none() } else { Stored::default() },
            unlogged: create.unlogged,
            temporary: create.temporary,
            partition_of: create.partition_of.clone(),
            partition_by: create.partition_by.clone(),
            inherits: create.inherits.clone(),
            is_typed: create.of_type.is_some(),
            options: create.options.clone(),
            ..Table::default()
        };
        for parent in create.partition_of.iter().map(|(parent, _)| parent).chain(&create.inherits) {
            if let Some(parent) = self.table(parent) {
                table.columns.extend(parent.columns.clone());
                if create.partition_of.is_some() {
                    table.indexes.extend(parent.indexes.iter().map(|state| of_partition(&create.name, state)));
                }
                table.constraints.extend(
                    parent
                        .constraints
                        .iter()
                        .filter(|constraint| create.partition_of.is_some() || matches!(constraint.kind, ConstraintKind::Check(_)))
                        .filter(|constraint| create.partition_of.is_some() || !constraint.no_inherit)
                        .map(|constraint| constraint_of_partition(&create.name, constraint)),
                );
            }
        }
        for (other, options) in &create.like {
            self.copy_like(&mut table, other, options);
        }
        if let Some((query, with_data)) = &create.query {
            table.rows = if *with_data { Rows::Some } else { Rows::None };
            table.stored.is_complete &= !*with_data;
            table.columns.extend(query.columns.iter().flatten().map(|name| Column { name: name.clone(), ..Column::default() }));
        }
        for column in &create.columns {
            self.add_column(&create.name, &mut table, column);
        }
        for index in &create.indexes {
            let name = index.name.clone().unwrap_or_else(|| self.index_name(&create.name, &table, index));
            table.indexes.push(IndexState {
                index: Index { name: Some(name), ..index.clone() },
                constraint: None,
                is_new: true,
                is_valid: true,
                of_parent: false,
            });
        }
        // A foreign key takes an index that stands; only without one it makes its own.
        let (last, first): (Vec<&Constraint>, Vec<&Constraint>) =
            create.constraints.iter().partition(|constraint| constraint.reference().is_some());
        for constraint in first.into_iter().chain(last) {
            self.add_constraint(&create.name, &mut table, constraint);
        }
        self.tables.insert(key, table);
    }

    fn copy_like(&self, table: &mut Table, other: &Name, options: &[String]) {
        let Some(found) = self.table(other) else {
            return;
        };
        let mysql = self.dialect.is_mysql_family();
        let includes =
            |what: &str| mysql || options.iter().any(|option| option == &format!("including {what}") || option == "including all");
        for column in &found.columns {
            let mut copied = column.clone();
            if !includes("defaults") {
                copied.default = None;
            }
            if !includes("generated") {
                copied.generated = None;
            }
            if !includes("identity") {
                copied.identity = None;
            }
            table.columns.push(copied);
        }
        if includes("constraints") {
            table
                .constraints
                .extend(found.constraints.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::Check(_))).cloned());
        }
        if includes("indexes") {
            table.indexes.extend(found.indexes.iter().cloned().map(|state| IndexState { is_new: true, ..state }));
            table.constraints.extend(
                found
                    .constraints
                    .iter()
                    .filter(|constraint| matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. }))
                    .cloned(),
            );
        }
    }

    fn add_column(&mut self, table_name: &Name, table: &mut Table, column: &Column) {
        let mut kept = Column { is_new: true, ..column.clone() };
        let own = std::mem::take(&mut kept.constraints);
        if kept.identity.is_some() || kept.data_type.as_ref().is_some_and(|data_type| data_type.serial) {
            let sequence = Name { schema: self.key(table_name).schema, name: format!("{}_{}_seq", table_name.name, column.name) };
            self.sequences.insert(self.key(&sequence), Some(self.key(table_name)));
        }
        if is_null_at_first(column) {
            table.null_columns.push(column.name.clone());
        }
        table.columns.push(kept);
        for constraint in &own {
            self.add_constraint(table_name, table, constraint);
        }
    }

    fn add_constraint(&self, table_name: &Name, table: &mut Table, constraint: &Constraint) {
        if self.dialect.is_mysql_family() {
            mysql::add_constraint(self.dialect, table_name, table, constraint);
        } else {
            let named = self.named(table_name, table, constraint);
            add_constraint(table_name, table, &named, true);
        }
    }

    fn index_name(&self, table_name: &Name, table: &Table, index: &Index) -> String {
        if self.dialect.is_mysql_family() { mysql::index_name(table, index) } else { index_name(table_name, index) }
    }

    fn alter_table(&mut self, alter: &AlterTable) {
        let key = self.key(&alter.table);
        let mut names = vec![key.clone()];
        if !alter.only {
            names.extend(self.descendants(&alter.table));
        }
        for action in &alter.actions {
            match action {
                AlterAction::RenameTable { to } => {
                    self.rename(&alter.table, &Name { schema: to.schema.clone().or_else(|| key.schema.clone()), name: to.name.clone() })
                }
                AlterAction::SetSchema { schema } => {
                    self.rename(&alter.table, &Name { schema: Some(schema.clone()), name: key.name.clone() })
                }
                AlterAction::AttachPartition { partition, bound } => {
                    let parent_indexes = self.table(&alter.table).map(|table| table.indexes.clone()).unwrap_or_default();
                    let own = self.key(partition);
                    if let Some(found) = self.table_mut(partition) {
                        found.partition_of = Some((key.clone(), bound.clone()));
                        for state in &parent_indexes {
                            match found.indexes.iter_mut().find(|index| serves(index, state)) {
                                Some(index) => index.of_parent = true,
                                None => found.indexes.push(of_partition(&own, state)),
                            }
                        }
                    }
                }
                AlterAction::DetachPartition { partition, .. } => {
                    if let Some(found) = self.table_mut(partition) {
                        found.partition_of = None;
                        for index in &mut found.indexes {
                            index.of_parent = false;
                        }
                    }
                }
                AlterAction::OwnerTo => {
                    if let Some(found) = self.tables.get_mut(&key) {
                        found.owner.clone_from(&alter.owner);
                    }
                }
                _ => {
                    if !self.tables.contains_key(&key) && is_about_constraints(action) {
                        let mut sketch = self.sketches.remove(&key).unwrap_or_default();
                        self.alter_one(&key, &mut sketch, action);
                        self.sketches.insert(key.clone(), sketch);
                    }
                    for name in &names {
                        if let Some(mut table) = self.tables.remove(name) {
                            self.alter_one(name, &mut table, action);
                            self.tables.insert(name.clone(), table);
                        }
                    }
                }
            }
        }
    }

    fn alter_one(&mut self, name: &Name, table: &mut Table, action: &AlterAction) {
        let mut stored = std::mem::take(&mut table.stored);
        stored.alter(table, action);
        table.stored = stored;
        match action {
            AlterAction::AddColumn { column, if_not_exists } if !(table.column(&column.name).is_some() && *if_not_exists) => {
                self.add_column(name, table, column);
            }
            AlterAction::DropColumn { column, .. } if self.dialect.is_mysql_family() => mysql::drop_column(table, column),
            AlterAction::DropColumn { column, .. } => drop_column(table, column),
            AlterAction::RenameColumn { from, to } => {
                rename_column(table, from, to);
                if self.dialect == Dialect::Sqlite {
                    self.rename_column_elsewhere(name, from, to);
                }
            }
            AlterAction::AlterColumnType { column, data_type, .. } => {
                if let Some(found) = table.column_mut(column) {
                    found.data_type = Some(data_type.clone());
                }
            }
            AlterAction::ChangeColumn { from, column, .. } => {
                rename_column(table, from, &column.name);
                if let Some(found) = table.column_mut(&column.name) {
                    *found = Column { constraints: Vec::new(), ..column.clone() };
                }
                mysql::replace_column_check(table, &column.name);
                for constraint in &column.constraints {
                    self.add_constraint(name, table, constraint);
                }
            }
            AlterAction::AlterColumn { column } => {
                if let Some(found) = table.column_mut(&column.name) {
                    found.data_type.clone_from(&column.data_type);
                    found.not_null = column.not_null;
                }
            }
            AlterAction::SetNotNull { column } => set(table, column, |found| found.not_null = true),
            AlterAction::DropNotNull { column } => set(table, column, |found| found.not_null = false),
            AlterAction::SetDefault { column, default } => set(table, column, |found| found.default = Some(default.clone())),
            AlterAction::DropDefault { column } => set(table, column, |found| found.default = None),
            AlterAction::DropExpression { column, .. } => set(table, column, |found| found.generated = None),
            AlterAction::DropIdentity { column, .. } => set(table, column, |found| found.identity = None),
            AlterAction::AddIdentity { column, always } => set(table, column, |found| found.identity = Some(*always)),
            AlterAction::AddConstraint(constraint) => {
                let own = constraint.name.clone().unwrap_or_else(|| constraint_name(name, constraint));
                table.new_constraints.push(own);
                self.add_constraint(name, table, constraint);
            }
            AlterAction::DropConstraint { name: constraint, .. } | AlterAction::DropForeignKey { name: constraint, .. } => {
                drop_constraint(table, constraint)
            }
            AlterAction::DropPrimaryKey => {
                let key = table
                    .constraints
                    .iter()
                    .find(|found| matches!(found.kind, ConstraintKind::PrimaryKey { .. }))
                    .and_then(|found| found.name.clone());
                if let Some(key) = key {
                    drop_constraint(table, &key);
                }
            }
            AlterAction::ValidateConstraint { name: constraint } => {
                for found in table.constraints.iter_mut().filter(|found| found.name.as_deref() == Some(constraint)) {
                    found.not_valid = false;
                }
            }
            AlterAction::AlterConstraint { name: constraint, enforced, deferred, .. } => {
                for found in table.constraints.iter_mut().filter(|found| found.name.as_deref() == Some(constraint)) {
                    found.not_enforced = enforced.map_or(found.not_enforced, |enforced| !enforced);
                    found.initially_deferred = deferred.unwrap_or(found.initially_deferred);
                }
            }
            AlterAction::RenameConstraint { from, to } => {
                for found in table.constraints.iter_mut().filter(|found| found.name.as_deref() == Some(from)) {
                    found.name = Some(to.clone());
                }
                rename_index(table, from, to);
            }
            AlterAction::RenameIndex { from, to } => rename_index(table, from, to),
            AlterAction::AddIndex(index) => {
                let own = index.name.clone().unwrap_or_else(|| self.index_name(name, table, index));
                table.indexes.push(IndexState {
                    index: Index { name: Some(own), ..index.clone() },
                    constraint: None,
                    is_new: true,
                    is_valid: true,
                    of_parent: false,
                });
            }
            AlterAction::DropIndex { name: index, .. } => {
                mysql::remember_fulltext(table, index);
                table.indexes.retain(|state| state.index.name.as_deref().is_none_or(|own| !own.eq_ignore_ascii_case(index)));
                drop_constraint(table, index);
            }
            AlterAction::ClusterOn => table.is_clustered = true,
            AlterAction::OfType { .. } => table.is_typed = true,
            AlterAction::NotOf => table.is_typed = false,
            AlterAction::SetLogged { logged } => table.unlogged = !logged,
            AlterAction::SetAccessMethod { method } => table.access_method = Some(method.clone()),
            AlterAction::Inherit { parent } => table.inherits.push(parent.clone()),
            AlterAction::NoInherit { parent } => {
                let parent = self.key(parent);
                table.inherits.retain(|found| self.key(found) != parent);
            }
            AlterAction::RowSecurity { action: Action::EnableRls } => table.row_security = true,
            AlterAction::RowSecurity { action: Action::DisableRls } => table.row_security = false,
            AlterAction::TableOption { name: option, value } => {
                table.options.insert(option.clone(), value.clone());
            }
            AlterAction::Force => mysql::forget_fulltext(table),
            AlterAction::Engine { engine } => {
                mysql::forget_fulltext(table);
                table.options.insert("engine".to_owned(), engine.clone());
            }
            AlterAction::SystemVersioning { add: true } => {
                table.options.insert("system versioning".to_owned(), String::new());
            }
            AlterAction::SystemVersioning { add: false } => {
                table.options.remove("system versioning");
            }
            AlterAction::PartitionBy => table.partition_by = Some((String::new(), Expression::default())),
            AlterAction::RemovePartitioning => table.partition_by = None,
            AlterAction::ConvertCharset { charset, .. } => {
                table.options.insert("charset".to_owned(), charset.clone());
                for column in &mut table.columns {
                    if let Some(data_type) = &mut column.data_type {
                        data_type.charset = None;
                    }
                }
            }
            _ => {}
        }
    }

    /// SQLite writes a column's new name into views, triggers and foreign keys.
    fn rename_column_elsewhere(&mut self, name: &Name, from: &str, to: &str) {
        let key = self.key(name);
        let mut tables = std::mem::take(&mut self.tables);
        for table in tables.values_mut() {
            for constraint in &mut table.constraints {
                if let ConstraintKind::ForeignKey { reference, .. } = &mut constraint.kind
                    && self.key(&reference.table) == key
                {
                    reference.columns.iter_mut().for_each(|column| follow(column, from, to));
                }
            }
            if let Some(query) = table.query.as_mut().filter(|query| query.tables.iter().any(|read| self.key(read) == key)) {
                query.words.iter_mut().for_each(|word| follow(word, from, to));
                query.items.iter_mut().for_each(|item| rename_in(item, from, to));
            }
            for body in table.trigger_bodies.values_mut() {
                rename_in(body, from, to);
            }
        }
        self.tables = tables;
    }

    fn rename(&mut self, from: &Name, to: &Name) {
        let (old, new) =
            (self.key(from), self.key(&Name { schema: to.schema.clone().or_else(|| self.key(from).schema), name: to.name.clone() }));
        let Some(mut table) = self.tables.remove(&old) else {
            return;
        };
        table.is_replacement = false;
        self.tables.insert(new.clone(), table);
        let legacy = self.dialect == Dialect::Sqlite && self.is_on("legacy_alter_table");
        let references_follow = !legacy || self.is_on("foreign_keys");
        let follow = |name: &mut Name, catalog: &Self| {
            if catalog.key(name) == old {
                *name = new.clone();
            }
        };
        let mut tables = std::mem::take(&mut self.tables);
        for table in tables.values_mut() {
            for constraint in &mut table.constraints {
                if let (true, ConstraintKind::ForeignKey { reference, .. }) = (references_follow, &mut constraint.kind) {
                    follow(&mut reference.table, self);
                }
            }
            for copy in &mut table.copies {
                follow(&mut copy.from, self);
            }
            if legacy {
                continue;
            }
            if let Some((parent, _)) = &mut table.partition_of {
                follow(parent, self);
            }
            for parent in &mut table.inherits {
                follow(parent, self);
            }
            for read in table.query.iter_mut().flat_map(|query| query.tables.iter_mut()) {
                follow(read, self);
            }
        }
        self.tables = tables;
    }

    fn rename_schema(&mut self, from: &str, to: &str) {
        for name in self.in_schema(from) {
            self.rename(&name, &Name { schema: Some(to.to_owned()), name: name.name.clone() });
        }
        for schema in self.schemas.iter_mut().filter(|schema| *schema == from) {
            to.clone_into(schema);
        }
    }

    fn drop(&mut self, kind: Kind, drop: &Drop) {
        for name in &drop.names {
            match kind {
                Kind::DropTable | Kind::DropView | Kind::DropMaterializedView | Kind::DropForeignTable => {
                    self.drop_relation(name, drop.cascade)
                }
                Kind::DropIndex => {
                    let found = self.index(name).map(|(table, _)| table.clone()).or_else(|| drop.on.as_ref().map(|on| self.key(on)));
                    if let Some(table) = found.and_then(|table| self.tables.get_mut(&table)) {
                        table.indexes.retain(|state| state.index.name.as_deref().is_none_or(|own| !own.eq_ignore_ascii_case(&name.name)));
                    }
                }
                Kind::DropType | Kind::DropDomain => {
                    if drop.cascade {
                        for (table, column) in self.tables_with_type(name) {
                            if let Some(found) = self.tables.get_mut(&table) {
                                drop_column(found, &column);
                            }
                        }
                    }
                    self.types.remove(&self.key(name));
                }
                Kind::DropSequence => {
                    self.sequences.remove(&self.key(name));
                }
                Kind::DropFunction | Kind::DropProcedure => {
                    self.functions.remove(&name.name.to_lowercase());
                }
                Kind::DropSchema => {
                    for relation in self.in_schema(&name.name) {
                        self.drop_relation(&relation, true);
                    }
                    self.schemas.retain(|schema| *schema != name.name);
                }
                Kind::DropTrigger => {
                    if self.dialect == Dialect::Sqlite {
                        self.tables.values_mut().for_each(|table| drop_trigger(table, &name.name));
                    } else if let Some(table) = drop.on.as_ref().and_then(|on| self.table_mut(on)) {
                        drop_trigger(table, &name.name);
                    }
                }
                Kind::DropPolicy => {
                    if let Some(table) = drop.on.as_ref().and_then(|on| self.table_mut(on)) {
                        table.policies.retain(|policy| *policy != name.name);
                    }
                }
                _ => {}
            }
        }
    }

    fn drop_relation(&mut self, name: &Name, cascade: bool) {
        let mut gone = self.partitions(name);
        gone.push(self.key(name));
        if cascade {
            gone.extend(self.views_on(name));
        }
        for key in &gone {
            self.hand_over(key);
            self.tables.remove(key);
            self.sequences.retain(|_, owner| owner.as_ref() != Some(key));
        }
        if self.dialect == Dialect::Sqlite {
            // Foreign keys stay, and point at nothing.
            return;
        }
        let mut tables = std::mem::take(&mut self.tables);
        for table in tables.values_mut() {
            table
                .constraints
                .retain(|constraint| constraint.reference().is_none_or(|reference| !gone.contains(&self.key(&reference.table))));
        }
        self.tables = tables;
    }

    fn create_index(&mut self, table_name: &Name, only: bool, index: &Index) {
        let own = index.name.clone().unwrap_or_else(|| index_name(table_name, index));
        let mut targets = vec![self.key(table_name)];
        if !only {
            targets.extend(self.partitions(table_name));
        }
        for (n, target) in targets.iter().enumerate() {
            let Some(table) = self.tables.get_mut(target) else {
                continue;
            };
            if index.if_not_exists && table.index(&own).is_some() {
                continue;
            }
            let name = if n == 0 { own.clone() } else { index_name(target, index) };
            let is_valid = !(only && table.partition_by.is_some());
            let index = Index { name: Some(name), ..index.clone() };
            table.indexes.push(IndexState { index, constraint: None, is_new: true, is_valid, of_parent: n > 0 });
        }
    }

    fn alter_index(&mut self, name: &Name, action: &IndexAction) {
        let Some(table) = self.index(name).map(|(table, _)| table.clone()) else {
            if let IndexAction::Rename { to } = action
                && self.table(name).is_some()
            {
                self.rename(name, &Name::bare(to.clone()));
            }
            return;
        };
        if let (IndexAction::Rename { to }, Some(found)) = (action, self.tables.get_mut(&table)) {
            rename_index(found, &name.name, to);
            for constraint in found.constraints.iter_mut().filter(|constraint| constraint.name.as_deref() == Some(&name.name)) {
                constraint.name = Some(to.clone());
            }
        }
    }

    fn alter_view(&mut self, name: &Name, action: &ViewAction) {
        match action {
            ViewAction::Rename { to } => self.rename(name, &Name::bare(to.clone())),
            ViewAction::SetSchema { schema } => self.rename(name, &Name { schema: Some(schema.clone()), name: name.name.clone() }),
            ViewAction::RenameColumn { from, to } => {
                if let Some(columns) = self.table_mut(name).and_then(|table| table.view_columns.as_mut()) {
                    for column in columns.iter_mut().filter(|column| *column == from) {
                        column.clone_from(to);
                    }
                }
            }
            ViewAction::SetDefault
            | ViewAction::DropDefault
            | ViewAction::OwnerTo
            | ViewAction::SetOptions
            | ViewAction::SetTablespace
            | ViewAction::SetAccessMethod
            | ViewAction::SetStorage
            | ViewAction::ClusterOn
            | ViewAction::DependsOnExtension
            | ViewAction::Redefine => {}
        }
    }

    fn alter_type(&mut self, name: &Name, actions: &[TypeAction], transaction: Option<u32>) {
        let key = self.key(name);
        for action in actions {
            match (action, self.types.get_mut(&key)) {
                (TypeAction::AddValue { value, .. }, Some(UserType::Enum { values, added, .. })) => {
                    values.push(value.clone());
                    added.push((value.clone(), transaction));
                }
                (TypeAction::AddValue { value, .. }, None) => {
                    // The type is not known: its old values are not either.
                    self.types.insert(
                        key.clone(),
                        UserType::Enum { values: Vec::new(), added: vec![(value.clone(), transaction)], is_new: false },
                    );
                }
                (TypeAction::RenameValue { from, to }, Some(UserType::Enum { values, .. })) => {
                    for value in values.iter_mut().filter(|value| *value == from) {
                        value.clone_from(to);
                    }
                }
                (TypeAction::Rename { to }, Some(_)) => {
                    if let Some(found) = self.types.remove(&key) {
                        let new = Name { schema: key.schema.clone(), name: to.clone() };
                        for (table, column) in self.tables_with_type(name) {
                            if let Some(data_type) = self
                                .tables
                                .get_mut(&table)
                                .and_then(|table| table.column_mut(&column))
                                .and_then(|column| column.data_type.as_mut())
                            {
                                data_type.name.clone_from(to);
                            }
                        }
                        self.types.insert(new, found);
                    }
                }
                _ => {}
            }
        }
    }

    fn alter_domain(&mut self, name: &Name, action: &DomainAction) {
        let key = self.key(name);
        let Some(UserType::Domain { constrained, not_null, not_valid, checks, .. }) = self.types.get_mut(&key) else {
            return;
        };
        match action {
            DomainAction::SetNotNull => {
                *constrained = true;
                *not_null = true;
            }
            DomainAction::DropNotNull => *not_null = false,
            DomainAction::AddConstraint { name, not_valid: unchecked, check, .. } => {
                *constrained = true;
                checks.extend(check.clone().map(|check| (name.clone(), check)));
                if *unchecked {
                    not_valid.extend(name.clone());
                }
            }
            DomainAction::ValidateConstraint { name } => not_valid.retain(|other| other != name),
            // A check without a name has one of the server's: which one goes is not known.
            DomainAction::DropConstraint { name, .. } => checks.retain(|(own, _)| own.as_ref().is_some_and(|own| own != name)),
            DomainAction::SetDefault
            | DomainAction::DropDefault
            | DomainAction::RenameConstraint
            | DomainAction::Rename { .. }
            | DomainAction::SetSchema { .. }
            | DomainAction::OwnerTo => {}
        }
    }

    fn alter_sequence(&mut self, name: &Name, actions: &[SequenceAction]) {
        for action in actions {
            let key = self.key(name);
            match action {
                SequenceAction::Rename { to } => {
                    if let Some(owner) = self.sequences.remove(&key) {
                        self.sequences.insert(Name { schema: key.schema, name: to.clone() }, owner);
                    }
                }
                SequenceAction::SetSchema { schema } => {
                    if let Some(owner) = self.sequences.remove(&key) {
                        self.sequences.insert(Name { schema: Some(schema.clone()), name: key.name }, owner);
                    }
                }
                SequenceAction::OwnedBy { table } => {
                    let owner = table.as_ref().map(|table| self.key(table));
                    self.sequences.insert(key, owner);
                }
                SequenceAction::Restart | SequenceAction::Options | SequenceAction::OwnerTo | SequenceAction::SetLogged => {}
            }
        }
    }

    fn truncate(&mut self, tables: &[Name], cascade: bool) {
        let mut open: Vec<Name> = tables.to_vec();
        let mut done: Vec<Name> = Vec::new();
        while let Some(name) = open.pop() {
            let key = self.key(&name);
            if done.contains(&key) {
                continue;
            }
            open.extend(self.descendants(&name));
            if cascade {
                open.extend(self.foreign_keys_to(&name).into_iter().map(|(table, _)| table));
            }
            if let Some(table) = self.tables.get_mut(&key) {
                table.rows = Rows::None;
                table.stored.clear();
            }
            done.push(key);
        }
    }
}

fn is_null_at_first(column: &Column) -> bool {
    let filled = column.default.as_ref().is_some_and(|default| !default.is_null)
        || column.generated.is_some()
        || column.identity.is_some()
        || column.auto_increment
        || column.data_type.as_ref().is_some_and(|data_type| data_type.serial);
    !filled && !column.not_null
}

/// The index that a partition gets from one of its parent.
fn of_partition(partition: &Name, state: &IndexState) -> IndexState {
    let carries = state.constraint.is_some();
    let is_key = carries && state.index.name.as_deref().is_some_and(|name| name.ends_with("_pkey"));
    let name = match (carries, is_key) {
        (_, true) => format!("{}_pkey", partition.name),
        (true, false) => index_name(partition, &state.index).replace("_idx", "_key"),
        (false, false) => index_name(partition, &state.index),
    };
    IndexState {
        constraint: state.constraint.as_ref().map(|_| name.clone()),
        index: Index { name: Some(name), ..state.index.clone() },
        of_parent: true,
        ..state.clone()
    }
}

/// The constraint that a partition gets from one of its parent: keys are named anew.
fn constraint_of_partition(partition: &Name, constraint: &Constraint) -> Constraint {
    let renamed = matches!(constraint.kind, ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. });
    let name = if renamed { Some(constraint_name(partition, constraint)) } else { constraint.name.clone() };
    Constraint { name, ..constraint.clone() }
}

/// An index of a partition that can stand for one of the parent.
#[must_use]
pub fn serves(own: &IndexState, parent: &IndexState) -> bool {
    own.is_valid
        && own.index.keys == parent.index.keys
        && own.index.unique == parent.index.unique
        && own.index.predicate == parent.index.predicate
        && (parent.constraint.is_none() || own.constraint.is_some())
}

/// The table that a statement puts rows into, and the query they come from.
fn filled_table(change: &Change) -> (Option<&Name>, Option<&Query>) {
    match change {
        Change::Insert(insert) => (Some(&insert.table), insert.query.as_ref()),
        Change::Copy { table: Some(table), into_table: true, .. } | Change::LoadData { table } => (Some(table), None),
        Change::Merge(merge) if merge.inserts => (Some(&merge.table), None),
        _ => (None, None),
    }
}

fn set(table: &mut Table, column: &str, change: impl FnOnce(&mut Column)) {
    if let Some(found) = table.column_mut(column) {
        change(found);
    }
}

/// The name PostgreSQL gives to a constraint without one.
#[must_use]
pub fn constraint_name(table: &Name, constraint: &Constraint) -> String {
    let base = &table.name;
    match &constraint.kind {
        ConstraintKind::PrimaryKey { using_index: Some(index), .. } | ConstraintKind::Unique { using_index: Some(index), .. } => {
            index.clone()
        }
        ConstraintKind::PrimaryKey { .. } => format!("{base}_pkey"),
        ConstraintKind::Unique { columns, .. } => format!("{base}_{}_key", columns.join("_")),
        ConstraintKind::ForeignKey { columns, .. } => format!("{base}_{}_fkey", columns.join("_")),
        ConstraintKind::Exclude { columns } => format!("{base}_{}_excl", columns.join("_")),
        ConstraintKind::NotNull { column } | ConstraintKind::Default { column } => {
            format!("{base}_{column}_not_null")
        }
        ConstraintKind::Check(expression) => match expression.words.first() {
            Some(column) => format!("{base}_{column}_check"),
            None => format!("{base}_check"),
        },
    }
}

fn index_name(table: &Name, index: &Index) -> String {
    let keys: Vec<&str> = index
        .keys
        .iter()
        .map(|key| match key {
            IndexKey::Column(name) => name.as_str(),
            IndexKey::Expression(expression) => expression.functions.first().map_or("expr", String::as_str),
        })
        .collect();
    format!("{}_{}_idx", table.name, keys.join("_"))
}

fn add_constraint(table_name: &Name, table: &mut Table, constraint: &Constraint, is_new: bool) {
    let mut found = constraint.clone();
    let name = found.name.clone().unwrap_or_else(|| constraint_name(table_name, constraint));
    found.name = Some(name.clone());
    match &mut found.kind {
        ConstraintKind::PrimaryKey { columns, using_index } | ConstraintKind::Unique { columns, using_index } => {
            if let Some(index) = using_index.take() {
                adopt_index(table, &index, &name, columns);
            } else {
                let keys = columns.iter().cloned().map(IndexKey::Column).collect();
                let index = Index { name: Some(name.clone()), unique: true, keys, ..Index::default() };
                table.indexes.push(IndexState { index, constraint: Some(name.clone()), is_new, is_valid: true, of_parent: false });
            }
        }
        ConstraintKind::Exclude { columns } => {
            let keys = columns.iter().cloned().map(IndexKey::Column).collect();
            let index = Index { name: Some(name.clone()), keys, ..Index::default() };
            table.indexes.push(IndexState { index, constraint: Some(name.clone()), is_new, is_valid: true, of_parent: false });
        }
        ConstraintKind::NotNull { column } => {
            let column = column.clone();
            if !found.not_valid {
                set(table, &column, |target| target.not_null = true);
            }
        }
        ConstraintKind::Check(_) | ConstraintKind::ForeignKey { .. } | ConstraintKind::Default { .. } => {}
    }
    if let ConstraintKind::PrimaryKey { columns, .. } = &found.kind {
        for column in columns.clone() {
            set(table, &column, |target| target.not_null = true);
        }
    }
    table.constraints.push(found);
}

/// `ADD CONSTRAINT … USING INDEX`: the index takes the constraint's name.
fn adopt_index(table: &mut Table, index: &str, constraint: &str, columns: &mut Vec<String>) {
    if let Some(state) = table.indexes.iter_mut().find(|state| state.index.name.as_deref() == Some(index)) {
        state.index.name = Some(constraint.to_owned());
        state.constraint = Some(constraint.to_owned());
        *columns = state.index.plain_columns();
    }
}

fn drop_constraint(table: &mut Table, name: &str) {
    let same = |own: Option<&str>| own.is_some_and(|own| own.eq_ignore_ascii_case(name));
    for constraint in table.constraints.iter().filter(|constraint| same(constraint.name.as_deref())) {
        if let ConstraintKind::NotNull { column } = &constraint.kind {
            let column = column.clone();
            for found in table.columns.iter_mut().filter(|found| found.name == column) {
                found.not_null = false;
            }
        }
    }
    table.constraints.retain(|constraint| !same(constraint.name.as_deref()));
    table.indexes.retain(|state| !same(state.constraint.as_deref()));
}

fn drop_column(table: &mut Table, column: &str) {
    table.columns.retain(|found| !found.name.eq_ignore_ascii_case(column));
    table.null_columns.retain(|found| !found.eq_ignore_ascii_case(column));
    table.constraints.retain(|constraint| !constraint_uses(constraint, column));
    table.indexes.retain(|state| !index_uses(&state.index, column));
}

fn rename_index(table: &mut Table, from: &str, to: &str) {
    for state in table.indexes.iter_mut().filter(|state| state.index.name.as_deref() == Some(from)) {
        state.index.name = Some(to.to_owned());
        if state.constraint.as_deref() == Some(from) {
            state.constraint = Some(to.to_owned());
        }
    }
}

fn drop_trigger(table: &mut Table, name: &str) {
    table.triggers.retain(|trigger| !trigger.eq_ignore_ascii_case(name));
    table.trigger_bodies.retain(|trigger, _| !trigger.eq_ignore_ascii_case(name));
}

/// The expression that is a plain column.
fn column_expression(column: String) -> Expression {
    Expression { text: column.clone(), words: vec![column], ..Expression::default() }
}

fn follow(name: &mut String, from: &str, to: &str) {
    if name.eq_ignore_ascii_case(from) {
        to.clone_into(name);
    }
}

fn rename_in(expression: &mut Expression, from: &str, to: &str) {
    let was_plain = expression.text.eq_ignore_ascii_case(from);
    expression.words.iter_mut().for_each(|word| follow(word, from, to));
    if was_plain {
        to.clone_into(&mut expression.text);
    }
}

fn rename_column(table: &mut Table, from: &str, to: &str) {
    let follow = |name: &mut String| follow(name, from, to);
    table.null_columns.iter_mut().for_each(follow);
    for column in &mut table.columns {
        follow(&mut column.name);
        if let Some((_, expression)) = &mut column.generated {
            expression.words.iter_mut().for_each(follow);
        }
    }
    for constraint in &mut table.constraints {
        constraint.of_column.iter_mut().for_each(follow);
        match &mut constraint.kind {
            ConstraintKind::Check(expression) => expression.words.iter_mut().for_each(follow),
            ConstraintKind::Unique { columns, .. }
            | ConstraintKind::PrimaryKey { columns, .. }
            | ConstraintKind::Exclude { columns }
            | ConstraintKind::ForeignKey { columns, .. } => {
                columns.iter_mut().for_each(follow);
            }
            ConstraintKind::NotNull { column } | ConstraintKind::Default { column } => follow(column),
        }
    }
    for state in &mut table.indexes {
        for key in &mut state.index.keys {
            match key {
                IndexKey::Column(name) => follow(name),
                IndexKey::Expression(expression) => expression.words.iter_mut().for_each(follow),
            }
        }
    }
}

/// What is worth keeping of a table that is not known: the proofs that the script makes itself.
const fn is_about_constraints(action: &AlterAction) -> bool {
    matches!(action, AlterAction::AddConstraint(_) | AlterAction::ValidateConstraint { .. } | AlterAction::DropConstraint { .. })
}

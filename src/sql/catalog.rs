//! What is known of the database in front of a statement: folded from the schema before it and the script so far.
//!
//! `state` is what is kept, `questions` what others ask; the other files take a kind of statement over.

mod definitions;
mod drops;
mod links;
pub mod mysql;
mod names;
mod objects;
mod parts;
mod questions;
mod rows;
mod state;
pub mod stored;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::Dialect;
use crate::sql::catalog::rows::filled_table;
use crate::sql::change::{Change, Name, Reading, TypeForm};
use crate::sql::functions::Volatility;
use crate::sql::script::Script;
use crate::sql::words::Kind;
pub use definitions::Defined;
use definitions::Definitions;
use links::{Changed, Tables};
use parts::add_constraint;
pub use parts::{constraint_name, serves};
pub use state::{Copy, Function, IndexState, RelationKind, Rows, Table, UserType, constraint_uses, index_uses};

/// The schema at one place in a script.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// The dialect: decides the default schema.
    pub dialect: Dialect,
    /// The schema of names without one.
    pub default_schema: String,
    /// The schema before the script is known as a whole: what is not here does not exist.
    pub is_complete: bool,
    tables: Tables,
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
    /// The text of what was made, where somebody may ask for it.
    definitions: Definitions,
    /// Savepoints set since `BEGIN`; `None`: no `BEGIN` was seen.
    begun: Option<u32>,
}

/// What stands behind a right that is on some columns only.
pub const OF_COLUMNS: &str = " of columns";

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
            tables: Tables::default(),
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
            definitions: Definitions::default(),
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

    /// As [`Catalog::of_setup`], with the text of what can be made again by it alone.
    #[must_use]
    pub fn of_text(setup: &Script) -> Self {
        let mut catalog = Self::of_setup(setup);
        catalog.define(setup);
        catalog
    }

    /// The schema that the revisions of a chain leave behind.
    ///
    /// The rows they wrote say nothing about production: there all tables have rows.
    #[must_use]
    pub fn of_history(history: &Script) -> Self {
        let mut catalog = Self::of_text(history);
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
        self.tables.retain(|table| !table.temporary);
        self.settings.clear();
        self.begun = None;
        self.stands();
    }

    fn table_mut(&mut self, name: &Name) -> Option<Changed<'_>> {
        let key = self.key(name);
        self.tables.get_mut(&key)
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
                if let Some(mut table) = self.table_mut(name) {
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
            Change::CreateDomain { name, base, not_null, checks, default } => {
                let found = UserType::Domain {
                    base: base.clone(),
                    not_null: *not_null,
                    constrained: *not_null
                        || !checks.is_empty()
                        || matches!(self.type_of(base), Some(UserType::Domain { constrained: true, .. })),
                    checks: checks.iter().map(|check| (None, check.clone())).collect(),
                    not_valid: Vec::new(),
                    default: default.as_ref().or_else(|| self.default_of_type(base)).cloned().map(Box::new),
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
                if let Some(mut found) = self.table_mut(table) {
                    found.watched.push((name.clone(), words.clone()));
                    found.triggers.push(name.clone());
                    found.has_insert_trigger |= *on_insert;
                    found.trigger_functions.extend(function.clone().map(|function| (name.clone(), function)));
                    found.trigger_bodies.insert(name.clone(), body.clone());
                }
            }
            Change::CreateStatistics { name: Some(name), tables, .. } => {
                self.statistics.insert(self.key(name), tables.iter().map(|table| self.key(table)).collect());
            }
            Change::CreatePolicy { name, table, words, .. } => {
                if let Some(mut found) = self.table_mut(table) {
                    found.watched.push((name.clone(), words.clone()));
                    found.policies.push(name.clone());
                }
            }
            Change::CreateFunction { name, arguments, language, volatility, returns, body, raises, .. } => {
                let volatility = match volatility.as_deref() {
                    Some("immutable" | "deterministic") => Volatility::Immutable,
                    Some("stable") => Volatility::Stable,
                    _ => Volatility::Volatile,
                };
                let is_literal = reading.flags.contains_key("literal_body");
                self.functions.insert(
                    name.name.to_lowercase(),
                    Function {
                        volatility,
                        language: language.clone(),
                        is_literal,
                        returns: returns.clone(),
                        body: body.clone(),
                        arguments: arguments.clone(),
                        raises: *raises,
                    },
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
            Change::Grant { tables, grantees, privileges, of_columns } => {
                for table in tables {
                    if let Some(mut found) = self.table_mut(table) {
                        found.grantees.extend(grantees.iter().cloned());
                        for role in grantees {
                            let held =
                                |privilege: &String| if *of_columns { format!("{privilege}{OF_COLUMNS}") } else { privilege.clone() };
                            found.grants.extend(privileges.iter().map(|privilege| (role.clone(), held(privilege))));
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
                if let Some(mut found) = self.table_mut(table) {
                    found.is_clustered = true;
                }
            }
            Change::Set { name, .. } if self.dialect == Dialect::Sqlite && name == "foreign_keys" && transaction.is_some() => {
                // SQLite does not take it inside of a transaction, and does not say so.
            }
            Change::Set { name, value, .. } => self.set(name, value),
            Change::Delete(delete) if delete.reach.condition.is_none() && delete.reach.joins.is_empty() && delete.reach.limit.is_none() => {
                for table in &delete.tables {
                    if let Some(mut found) = self.table_mut(table) {
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
}

//! `CREATE TABLE` and `ALTER TABLE`.

use crate::dialect::Dialect;
use crate::sql::catalog::parts::{
    add_constraint, constraint_name, constraint_of_partition, drop_column, drop_constraint, index_name, is_null_at_first, of_partition,
    rename_column, rename_index, serves,
};
use crate::sql::catalog::stored::Stored;
use crate::sql::catalog::{Catalog, IndexState, RelationKind, Rows, Table, mysql};
use crate::sql::change::{AlterAction, AlterTable, Column, Constraint, ConstraintKind, CreateTable, Expression, Index, Name};
use crate::sql::words::Action;

impl Catalog {
    pub(super) fn create_table(&mut self, create: &CreateTable, transaction: Option<u32>) {
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

    pub(super) fn copy_like(&self, table: &mut Table, other: &Name, options: &[String]) {
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

    /// The sequence that the server makes for a `serial` or an identity.
    fn own_sequence(&self, table: &Name, column: &str) -> Name {
        self.key(&Name { schema: self.key(table).schema, name: format!("{}_{column}_seq", table.name) })
    }

    pub(super) fn add_column(&mut self, table_name: &Name, table: &mut Table, column: &Column) {
        let mut kept = Column { is_new: true, ..column.clone() };
        let own = std::mem::take(&mut kept.constraints);
        if kept.identity.is_some() || kept.data_type.as_ref().is_some_and(|data_type| data_type.serial) {
            self.sequences.insert(self.own_sequence(table_name, &column.name), Some(self.key(table_name)));
        }
        if is_null_at_first(column) {
            table.null_columns.push(column.name.clone());
        }
        table.columns.push(kept);
        for constraint in &own {
            self.add_constraint(table_name, table, constraint);
        }
    }

    pub(super) fn add_constraint(&self, table_name: &Name, table: &mut Table, constraint: &Constraint) {
        if self.dialect.is_mysql_family() {
            mysql::add_constraint(self.dialect, table_name, table, constraint);
        } else {
            let named = self.named(table_name, table, constraint);
            add_constraint(table_name, table, &named, true);
        }
    }

    pub(super) fn index_name(&self, table_name: &Name, table: &Table, index: &Index) -> String {
        if self.dialect.is_mysql_family() { mysql::index_name(table, index) } else { index_name(table_name, index) }
    }

    /// A constraint with a name of its own. SQLite gives none: one that no user can write stands for it.
    pub(super) fn named(&self, table_name: &Name, table: &Table, constraint: &Constraint) -> Constraint {
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

    pub(super) fn alter_table(&mut self, alter: &AlterTable) {
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
                    if let Some(mut found) = self.table_mut(partition) {
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
                    if let Some(mut found) = self.table_mut(partition) {
                        found.partition_of = None;
                        for index in &mut found.indexes {
                            index.of_parent = false;
                        }
                    }
                }
                AlterAction::OwnerTo => {
                    if let Some(mut found) = self.tables.get_mut(&key) {
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

    pub(super) fn alter_one(&mut self, name: &Name, table: &mut Table, action: &AlterAction) {
        let mut stored = std::mem::take(&mut table.stored);
        stored.alter(table, action);
        table.stored = stored;
        match action {
            AlterAction::AddColumn { column, if_not_exists } => {
                if !(table.column(&column.name).is_some() && *if_not_exists) {
                    self.add_column(name, table, column);
                }
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
            AlterAction::DropIdentity { column, .. } => {
                set(table, column, |found| found.identity = None);
                self.sequences.remove(&self.own_sequence(name, column));
            }
            AlterAction::AddIdentity { column, always } => {
                set(table, column, |found| found.identity = Some(*always));
                self.sequences.insert(self.own_sequence(name, column), Some(self.key(name)));
            }
            AlterAction::AddConstraint(constraint) => {
                let own = constraint_name(name, constraint);
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
            // The whole statement's, or of nothing that is kept.
            AlterAction::RenameTable { .. }
            | AlterAction::SetSchema { .. }
            | AlterAction::AttachPartition { .. }
            | AlterAction::DetachPartition { .. }
            | AlterAction::OwnerTo
            | AlterAction::SetExpression { .. }
            | AlterAction::SetIdentity { .. }
            | AlterAction::SetStatistics { .. }
            | AlterAction::SetStorage { .. }
            | AlterAction::SetCompression { .. }
            | AlterAction::SetColumnOptions { .. }
            | AlterAction::SetTablespace
            | AlterAction::SetStorageParams { .. }
            | AlterAction::SetWithoutCluster
            | AlterAction::SetWithoutOids
            | AlterAction::ReplicaIdentity
            | AlterAction::RowSecurity { .. }
            | AlterAction::Trigger { .. }
            | AlterAction::Rule { .. }
            | AlterAction::Options
            | AlterAction::MergePartitions { .. }
            | AlterAction::SplitPartition { .. }
            | AlterAction::AlterIndex { .. }
            | AlterAction::ColumnVisibility { .. }
            | AlterAction::DefaultCharset
            | AlterAction::OrderBy
            | AlterAction::Keys { .. }
            | AlterAction::Tablespace { .. }
            | AlterAction::AddPartition { .. }
            | AlterAction::DropPartition { .. }
            | AlterAction::TruncatePartition
            | AlterAction::CoalescePartition
            | AlterAction::ReorganizePartition
            | AlterAction::ExchangePartition { .. }
            | AlterAction::PartitionMaintenance { .. }
            | AlterAction::ConstraintCheck { .. }
            | AlterAction::SwitchPartition
            | AlterAction::Rebuild { .. }
            | AlterAction::Unknown { .. } => {}
        }
    }
}

/// What is worth keeping of a table that is not known: the proofs that the script makes itself.
pub(super) const fn is_about_constraints(action: &AlterAction) -> bool {
    matches!(action, AlterAction::AddConstraint(_) | AlterAction::ValidateConstraint { .. } | AlterAction::DropConstraint { .. })
}

pub(super) fn set(table: &mut Table, column: &str, change: impl FnOnce(&mut Column)) {
    if let Some(found) = table.column_mut(column) {
        change(found);
    }
}

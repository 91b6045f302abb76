//! Indexes, views, types, domains and sequences.

use crate::sql::catalog::parts::{index_name, rename_index};
use crate::sql::catalog::{Catalog, IndexState, UserType};
use crate::sql::change::{DomainAction, Index, IndexAction, Name, Query, SequenceAction, TypeAction, Update, ViewAction};

impl Catalog {
    pub(super) fn create_index(&mut self, table_name: &Name, only: bool, index: &Index) {
        let own = index.name.clone().unwrap_or_else(|| index_name(table_name, index));
        let mut targets = vec![self.key(table_name)];
        if !only {
            targets.extend(self.partitions(table_name));
        }
        for (n, target) in targets.iter().enumerate() {
            let Some(table) = self.tables.get(target) else {
                continue;
            };
            if index.if_not_exists && table.index(&own).is_some() {
                continue;
            }
            let name = if n == 0 { own.clone() } else { index_name(target, index) };
            let is_valid = !(only && table.partition_by.is_some());
            let index = Index { name: Some(name), ..index.clone() };
            self.tables.add_index(target, IndexState { index, constraint: None, is_new: true, is_valid, of_parent: n > 0 });
        }
    }

    pub(super) fn alter_index(&mut self, name: &Name, action: &IndexAction) {
        let Some(table) = self.index(name).map(|(table, _)| table.clone()) else {
            if let IndexAction::Rename { to } = action
                && self.table(name).is_some()
            {
                self.rename(name, &Name::bare(to.clone()));
            }
            return;
        };
        if let (IndexAction::Rename { to }, Some(mut found)) = (action, self.tables.get_mut(&table)) {
            rename_index(&mut found, &name.name, to);
            for constraint in found.constraints.iter_mut().filter(|constraint| constraint.name.as_deref() == Some(&name.name)) {
                constraint.name = Some(to.clone());
            }
        }
    }

    /// `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'x'::regclass`: how a setup says that an index is invalid.
    pub(super) fn note_invalid_index(&mut self, update: &Update) {
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
        let Some(mut found) = self.tables.get_mut(&table) else { return };
        for state in &mut found.indexes {
            state.is_valid &= state.index.name.as_deref() != Some(index.as_str());
        }
    }

    pub(super) fn alter_view(&mut self, name: &Name, action: &ViewAction) {
        match action {
            ViewAction::Rename { to } => self.rename(name, &Name::bare(to.clone())),
            ViewAction::SetSchema { schema } => self.rename(name, &Name { schema: Some(schema.clone()), name: name.name.clone() }),
            ViewAction::RenameColumn { from, to } => {
                if let Some(mut view) = self.table_mut(name) {
                    for column in view.view_columns.iter_mut().flatten().filter(|column| *column == from) {
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

    /// Names of a query's columns; `*` of one known table is put in.
    pub(super) fn expanded_columns(&self, query: &Query) -> Option<Vec<String>> {
        let columns = query.columns.clone()?;
        (!columns.iter().any(|name| name == "*")).then_some(columns)
    }

    pub(super) fn alter_type(&mut self, name: &Name, actions: &[TypeAction], transaction: Option<u32>) {
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
                            let Some(mut found) = self.tables.get_mut(&table) else { continue };
                            if let Some(data_type) = found.column_mut(&column).and_then(|column| column.data_type.as_mut()) {
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

    pub(super) fn alter_domain(&mut self, name: &Name, action: &DomainAction) {
        let key = self.key(name);
        let Some(UserType::Domain { constrained, not_null, not_valid, checks, default, .. }) = self.types.get_mut(&key) else {
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
            // What a new one says is not kept.
            DomainAction::SetDefault | DomainAction::DropDefault => *default = None,
            DomainAction::RenameConstraint | DomainAction::Rename { .. } | DomainAction::SetSchema { .. } | DomainAction::OwnerTo => {}
        }
    }

    pub(super) fn alter_sequence(&mut self, name: &Name, actions: &[SequenceAction]) {
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

    pub(super) fn set(&mut self, name: &str, value: &str) {
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
}

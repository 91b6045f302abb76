//! `DROP`.

use crate::dialect::Dialect;
use crate::sql::catalog::Catalog;
use crate::sql::catalog::links::Link;
use crate::sql::catalog::parts::{drop_column, drop_trigger};
use crate::sql::change::{Drop, Name};
use crate::sql::words::Kind;

impl Catalog {
    pub(super) fn drop(&mut self, kind: Kind, drop: &Drop) {
        for name in &drop.names {
            match kind {
                Kind::DropTable | Kind::DropView | Kind::DropMaterializedView | Kind::DropForeignTable => {
                    self.drop_relation(name, drop.cascade)
                }
                Kind::DropIndex => {
                    let found = self.index(name).map(|(table, _)| table.clone()).or_else(|| drop.on.as_ref().map(|on| self.key(on)));
                    if let Some(mut table) = found.and_then(|table| self.tables.get_mut(&table)) {
                        table.indexes.retain(|state| state.index.name.as_deref().is_none_or(|own| !own.eq_ignore_ascii_case(&name.name)));
                    }
                }
                Kind::DropType | Kind::DropDomain => {
                    if drop.cascade {
                        for (table, column) in self.tables_with_type(name) {
                            if let Some(mut found) = self.tables.get_mut(&table) {
                                drop_column(&mut found, &column);
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
                    if self.dialect == Dialect::Sqlite || self.dialect.is_mysql_family() {
                        self.tables.values_mut().for_each(|table| drop_trigger(table, &name.name));
                    } else if let Some(mut table) = drop.on.as_ref().and_then(|on| self.table_mut(on)) {
                        drop_trigger(&mut table, &name.name);
                    }
                }
                Kind::DropPolicy => {
                    if let Some(mut table) = drop.on.as_ref().and_then(|on| self.table_mut(on)) {
                        table.policies.retain(|policy| *policy != name.name);
                        table.watched.retain(|(watcher, _)| *watcher != name.name);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn drop_relation(&mut self, name: &Name, cascade: bool) {
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
        let owners: Vec<Name> =
            gone.iter().flat_map(|key| self.tables.linked(Link::Reference, &key.name)).map(|(owner, _)| owner.clone()).collect();
        let mut tables = std::mem::take(&mut self.tables);
        for owner in owners {
            if let Some(mut table) = tables.get_mut(&owner) {
                table
                    .constraints
                    .retain(|constraint| constraint.reference().is_none_or(|reference| !gone.contains(&self.key(&reference.table))));
            }
        }
        self.tables = tables;
    }
}

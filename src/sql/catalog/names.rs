//! New names: what is written elsewhere follows.

use crate::dialect::Dialect;
use crate::sql::catalog::Catalog;
use crate::sql::catalog::links::Link;
use crate::sql::change::{ConstraintKind, Expression, Name};

impl Catalog {
    pub(super) fn rename(&mut self, from: &Name, to: &Name) {
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
        let naming: Vec<Name> = if self.dialect == Dialect::Sqlite {
            self.tables.keys().cloned().collect()
        } else {
            let links = [Link::Reference, Link::Parent, Link::Read];
            links.into_iter().flat_map(|link| self.tables.linked(link, &old.name)).map(|(name, _)| name.clone()).collect()
        };
        let mut tables = std::mem::take(&mut self.tables);
        for name in naming {
            let Some(mut table) = tables.get_mut(&name) else { continue };
            let table = &mut *table;
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

    pub(super) fn rename_schema(&mut self, from: &str, to: &str) {
        for name in self.in_schema(from) {
            self.rename(&name, &Name { schema: Some(to.to_owned()), name: name.name.clone() });
        }
        for schema in self.schemas.iter_mut().filter(|schema| *schema == from) {
            to.clone_into(schema);
        }
    }

    /// SQLite writes a column's new name into views, triggers and foreign keys.
    pub(super) fn rename_column_elsewhere(&mut self, name: &Name, from: &str, to: &str) {
        let key = self.key(name);
        let mut tables = std::mem::take(&mut self.tables);
        tables.change_all(|table| {
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
        });
        self.tables = tables;
    }
}

pub(super) fn follow(name: &mut String, from: &str, to: &str) {
    if name.eq_ignore_ascii_case(from) {
        to.clone_into(name);
    }
}

pub(super) fn rename_in(expression: &mut Expression, from: &str, to: &str) {
    let was_plain = expression.text.eq_ignore_ascii_case(from);
    expression.words.iter_mut().for_each(|word| follow(word, from, to));
    if was_plain {
        to.clone_into(&mut expression.text);
    }
}

//! Rows that come and go: which tables are filled, which columns hold nothing, what was copied where.

use crate::dialect::Dialect;
use crate::sql::catalog::{Catalog, Copy, Rows};
use crate::sql::change::{Change, ConstraintKind, Expression, Insert, Name, Query};

impl Catalog {
    /// Keeps track of the columns that hold nothing but NULL.
    pub(super) fn note_values(&mut self, change: &Change) {
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
            if let Some(found) = self.tables.rows_mut(&target) {
                found.null_columns.retain(|column| !columns.is_empty() && !columns.contains(column));
            }
        }
    }

    /// Foreign keys that are checked at the commit keep `ALTER TABLE` away until then.
    pub(super) fn note_pending(&mut self, change: &Change, transaction: Option<u32>) {
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

    pub(super) fn fill(&mut self, change: &Change) {
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
            if let Some(found) = self.tables.rows_mut(&target) {
                found.rows = Rows::Some;
            }
        }
    }

    /// `INSERT … SELECT` keeps the rows of another table, which may be dropped next.
    pub(super) fn note_copy(&mut self, insert: &Insert, skips_rows: bool) {
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
        if let Some(mut table) = self.table_mut(&insert.table) {
            table.copies.push(copy);
        }
    }

    /// The rows of a dropped table live on in the tables they were copied into: these are as old as it was.
    pub(super) fn hand_over(&mut self, from: &Name) {
        let Some(old) = self.tables.get(from).filter(|_| self.dialect == Dialect::Sqlite).cloned() else {
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

    pub(super) fn truncate(&mut self, tables: &[Name], cascade: bool) {
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
            if let Some(table) = self.tables.rows_mut(&key) {
                table.rows = Rows::None;
                table.stored.clear();
            }
            done.push(key);
        }
    }
}

/// The table that a statement puts rows into, and the query they come from.
pub(super) fn filled_table(change: &Change) -> (Option<&Name>, Option<&Query>) {
    match change {
        Change::Insert(insert) => (Some(&insert.table), insert.query.as_ref()),
        Change::Copy { table: Some(table), into_table: true, .. } | Change::LoadData { table } => (Some(table), None),
        Change::Merge(merge) if merge.inserts => (Some(&merge.table), None),
        _ => (None, None),
    }
}

/// The expression that is a plain column.
pub(super) fn column_expression(column: String) -> Expression {
    Expression { text: column.clone(), words: vec![column], ..Expression::default() }
}

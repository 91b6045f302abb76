//! Rows that `INSERT` wrote, as far as their values can be told from the statements.
//!
//! A setup may hold rows: then a check, a key or a reference can be tried on them. A row is here only if it is sure
//! that it stands; whether there are others is said apart (`is_complete`). All that is not plain takes the knowledge
//! away: triggers, rules, updates, statements that nobody can read.

use std::collections::HashMap;
use std::sync::Arc;

use crate::dialect::Dialect;
use crate::sql::catalog::{Catalog, Table, UserType};
use crate::sql::change::{AlterAction, Change, Column, DataType, Insert, Name, Query};
use crate::sql::formula::{self, Formula};
use crate::sql::value::{self, Row, Value};

/// Batches of one table that are kept; with more, nothing is known of it.
const BATCHES: usize = 200;

/// What is known of a table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// Rows that stand, by the statement that wrote them.
    batches: Vec<Arc<Batch>>,
    /// There are no others.
    pub is_complete: bool,
    /// Numbers that the table's own sequences gave away.
    counted: i64,
}

/// The rows of one `INSERT`.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Batch {
    count: i64,
    /// What the number of the row is called, and where it begins: `generate_series(1, 10) g`.
    series: Option<(String, i64)>,
    cells: HashMap<String, Cell>,
}

/// What a column holds in the rows of a batch.
#[derive(Debug, PartialEq, Eq, Clone)]
enum Cell {
    /// The same formula in each row.
    Each(Formula),
    /// A formula for each row; `None`: it could not be read.
    Listed(Vec<Option<Formula>>),
    /// Numbers of a sequence, from here on.
    Counted(i64),
    /// Nobody can tell.
    Unknown,
}

/// The number that a series gives, by its name.
struct Counter<'a>(Option<(&'a str, i64)>);

impl Row for Counter<'_> {
    fn value(&self, column: &str) -> Option<Value> {
        self.0.filter(|(name, _)| *name == column).map(|(_, number)| Value::Integer(number))
    }
}

/// The types of a table's columns, below all domains; `enum` for an enum.
pub type Types = HashMap<String, DataType>;

/// One row of a table.
pub struct StoredRow<'a> {
    batch: &'a Batch,
    /// From 0.
    at: i64,
    types: &'a Types,
}

impl Row for StoredRow<'_> {
    fn value(&self, column: &str) -> Option<Value> {
        let base = self.types.get(column)?;
        match self.batch.raw(column, self.at)? {
            // A value of an enum is its word.
            Value::Text(word) if base.name == "enum" && base.dimensions == 0 => Some(Value::Text(word)),
            raw => value::cast(raw, base),
        }
    }
}

impl Batch {
    fn raw(&self, column: &str, at: i64) -> Option<Value> {
        let counter = Counter(self.series.as_ref().map(|(name, first)| (name.as_str(), first + at)));
        match self.cells.get(column)? {
            Cell::Each(formula) => value::evaluate(formula, &counter),
            Cell::Listed(formulas) => value::evaluate(formulas.get(usize::try_from(at).ok()?)?.as_ref()?, &counter),
            Cell::Counted(first) => Some(Value::Integer(first + at)),
            Cell::Unknown => None,
        }
    }
}

impl Stored {
    /// A table that was just made.
    #[must_use]
    pub fn none() -> Self {
        Self { is_complete: true, ..Self::default() }
    }

    /// No rows, with the sequences where those of `other` stand.
    #[must_use]
    pub fn behind(other: &Self) -> Self {
        Self { counted: other.counted, ..Self::none() }
    }

    /// Nothing is known any more.
    pub fn forget(&mut self) {
        *self = Self { counted: i64::MIN, ..Self::default() };
    }

    /// All rows are gone.
    pub fn clear(&mut self) {
        // Whether the sequences begin again is said elsewhere.
        let counted = if self.counted == 0 { 0 } else { i64::MIN };
        *self = Self { counted, ..Self::none() };
    }

    /// The last number that the table's own sequence gave away.
    #[must_use]
    pub fn last_number(&self) -> Option<i64> {
        (self.counted > 0).then_some(self.counted)
    }

    /// How many rows are known.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.batches.iter().map(|batch| batch.count).sum()
    }

    /// The rows known, in the order they were written.
    pub fn rows<'a>(&'a self, types: &'a Types) -> impl Iterator<Item = StoredRow<'a>> {
        self.batches.iter().flat_map(move |batch| (0..batch.count).map(move |at| StoredRow { batch, at, types }))
    }

    /// Takes over the rows of an `INSERT` without `ON CONFLICT` into a table without triggers and rules.
    pub fn insert(&mut self, table: &Table, insert: &Insert) {
        let room = self.batches.len() < BATCHES;
        let Some(batch) = room.then(|| self.batch(table, insert)).flatten() else {
            self.is_complete = false;
            self.counted = i64::MIN;
            return;
        };
        if batch.cells.values().any(|cell| matches!(cell, Cell::Counted(_))) {
            self.counted = self.counted.saturating_add(batch.count);
        }
        self.batches.push(Arc::new(batch));
    }

    fn batch(&self, table: &Table, insert: &Insert) -> Option<Batch> {
        let width = insert.width.or_else(|| insert.query.as_ref().map(|query| query.items.len()))?;
        let given: Vec<&str> = if insert.columns.is_empty() {
            table.columns.iter().map(|column| column.name.as_str()).take(width).collect()
        } else {
            insert.columns.iter().map(String::as_str).collect()
        };
        let Written { count, series, cells: mut written } = written(insert)?;
        if written.len() != given.len() || count < 0 {
            return None;
        }
        let mut cells: HashMap<String, Cell> = HashMap::new();
        for column in &table.columns {
            let at = given.iter().position(|name| *name == column.name);
            let cell = match at.and_then(|at| written.get_mut(at)) {
                Some(cell) => std::mem::replace(cell, Cell::Unknown),
                None => self.left_out(column),
            };
            cells.insert(column.name.clone(), cell);
        }
        Some(Batch { count, series, cells })
    }

    /// What a column gets that an `INSERT` does not name.
    fn left_out(&self, column: &Column) -> Cell {
        let serial = column.data_type.as_ref().is_some_and(|data_type| data_type.serial);
        if column.identity.is_some() || serial {
            return if self.counted < 0 || column.has_sequence_options { Cell::Unknown } else { Cell::Counted(self.counted + 1) };
        }
        constant(column)
    }

    /// A column comes to the rows that stand.
    pub fn add_column(&mut self, column: &Column) {
        let cell = if column.identity.is_some() { Cell::Unknown } else { constant(column) };
        self.change(|cells| {
            cells.insert(column.name.clone(), cell.clone());
        });
    }

    /// A column goes, or its values are not known any more.
    pub fn forget_column(&mut self, column: &str) {
        self.change(|cells| {
            cells.remove(column);
        });
    }

    /// A column gets another name.
    pub fn rename_column(&mut self, from: &str, to: &str) {
        self.change(|cells| {
            if let Some(cell) = cells.remove(from) {
                cells.insert(to.to_owned(), cell);
            }
        });
    }

    fn change(&mut self, change: impl Fn(&mut HashMap<String, Cell>)) {
        for batch in &mut self.batches {
            change(&mut Arc::make_mut(batch).cells);
        }
    }
}

/// The default of a column, where it is the same for all rows.
fn constant(column: &Column) -> Cell {
    let serial = column.data_type.as_ref().is_some_and(|data_type| data_type.serial);
    match &column.default {
        _ if column.generated.is_some() || serial => Cell::Unknown,
        None => Cell::Each(Formula::Null),
        Some(default) => formula::of_expression(default).filter(|_| default.is_literal).map_or(Cell::Unknown, Cell::Each),
    }
}

/// The rows of an `INSERT`: a cell for each value written.
struct Written {
    count: i64,
    series: Option<(String, i64)>,
    cells: Vec<Cell>,
}

fn written(insert: &Insert) -> Option<Written> {
    if let Some(query) = &insert.query {
        let series = query.series.as_ref()?;
        let own = series.name == "generate_series" && query.items.len() == 1;
        let cells = query.items.iter().map(|item| match formula::of_expression(item) {
            Some(Formula::Call(name, _)) if own && name == "generate_series" => Cell::Each(Formula::Column(name)),
            Some(formula) => Cell::Each(formula),
            None => Cell::Unknown,
        });
        let count = series.last.checked_sub(series.first)?.checked_add(1)?;
        return Some(Written { count: count.max(0), series: Some((series.name.clone(), series.first)), cells: cells.collect() });
    }
    let rows = formula::rows(insert.values.as_deref()?)?;
    let width = rows.first().map(Vec::len)?;
    if rows.iter().any(|row| row.len() != width) {
        return None;
    }
    let is_default = |formula: &Option<Formula>| matches!(formula, Some(Formula::Column(word)) if word == "default");
    let cells = (0..width).map(|at| {
        let values: Vec<Option<Formula>> = rows.iter().filter_map(|row| row.get(at).cloned()).collect();
        // A default is another thing than a value, and hangs on the column.
        if values.iter().any(is_default) { Cell::Unknown } else { Cell::Listed(values) }
    });
    Some(Written { count: i64::try_from(rows.len()).ok()?, series: None, cells: cells.collect() })
}

/// True when a text calls a function: its name, and a bracket behind it.
fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().last());
        let behind = text.get(at + name.len()..).unwrap_or_default();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_') && behind.trim_start_matches(['"', ' ']).starts_with('(')
    })
}

/// Types whose values stay what they are when one becomes another of the same line.
const SAME_VALUES: &[&[&str]] = &[&["smallint", "integer", "bigint"], &["character varying", "text"]];

impl Catalog {
    /// The types of a table's columns, below all domains.
    #[must_use]
    pub fn types_of(&self, table: &Table) -> Types {
        let base = |column: &Column| {
            let mut base = self.base_type(column.data_type.as_ref()?);
            if matches!(self.type_of(&base), Some(UserType::Enum { .. })) {
                "enum".clone_into(&mut base.name);
            }
            Some((column.name.clone(), base))
        };
        table.columns.iter().filter_map(base).collect()
    }

    /// Nothing is known of the rows of any table.
    pub(super) fn forget_rows(&mut self) {
        self.untouched_sequences.clear();
        for table in self.tables.values_mut() {
            table.stored.forget();
        }
    }

    /// Keeps track of the rows that stand, in front of the statement's own changes.
    pub(super) fn note_rows(&mut self, change: &Change) {
        if self.dialect != Dialect::Postgresql {
            return;
        }
        match change {
            Change::Insert(insert) => self.note_insert(insert),
            Change::Update(update) => self.forget_rows_of(&update.table),
            Change::Merge(merge) => self.forget_rows_of(&merge.table),
            Change::Delete(delete) => delete.tables.iter().for_each(|table| self.forget_rows_of(table)),
            Change::Copy { table: Some(table), into_table: true, .. } => self.forget_rows_of(table),
            Change::Select(query) => self.note_calls(query),
            Change::Call { .. } | Change::Rollback { .. } | Change::Unknown | Change::AlterSequence { .. } => self.forget_rows(),
            Change::AlterTable(alter) => {
                for action in &alter.actions {
                    match action {
                        AlterAction::AttachPartition { .. } | AlterAction::DetachPartition { .. } => self.forget_rows_of(&alter.table),
                        AlterAction::SetIdentity { restart: true, .. } => self.forget_rows(),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Rows of a table may be others now, and those that a foreign key binds to them.
    fn forget_rows_of(&mut self, table: &Name) {
        if self.table(table).is_some_and(|found| !found.triggers.is_empty() || !found.rules.is_empty()) {
            self.forget_rows();
            return;
        }
        let mut open = vec![self.key(table)];
        let mut done: Vec<Name> = Vec::new();
        while let Some(key) = open.pop() {
            if done.contains(&key) {
                continue;
            }
            open.extend(self.descendants(&key));
            open.extend(self.foreign_keys_to(&key).into_iter().map(|(owner, _)| owner));
            if let Some(found) = self.tables.rows_mut(&key) {
                open.extend(found.partition_of.iter().map(|(parent, _)| parent.clone()));
                found.stored.forget();
            }
            done.push(key);
        }
        let of_view = self.table(table).and_then(|found| found.query.clone());
        if of_view.is_some() {
            self.forget_rows();
        }
    }

    fn note_insert(&mut self, insert: &Insert) {
        let key = self.key(&insert.table);
        let Some(table) = self.tables.get(&key) else {
            return;
        };
        let items = insert.query.iter().flat_map(|query| query.items.iter().map(|item| item.text.as_str()));
        let written = insert.values.as_deref().into_iter().chain(items);
        let calls_own = written.clone().any(|text| self.functions.keys().any(|name| calls(&text.to_lowercase(), name)));
        let counts = written.clone().any(|text| text.contains("nextval"));
        let is_plain = !table.has_insert_trigger && table.rules.is_empty() && table.query.is_none() && insert.writes.is_empty();
        if !is_plain || calls_own || counts {
            self.forget_rows();
            return;
        }
        if insert.on_conflict {
            self.forget_rows_of(&insert.table);
            return;
        }
        // A row of a partition is one of the parent too, and the other way round.
        let mut relatives = if table.partition_by.is_some() { self.partitions(&insert.table) } else { Vec::new() };
        let mut parent = table.partition_of.clone();
        while let Some((name, _)) = parent {
            relatives.push(self.key(&name));
            parent = self.table(&name).and_then(|found| found.partition_of.clone());
        }
        for relative in relatives {
            if let Some(found) = self.tables.rows_mut(&relative) {
                found.stored.is_complete = false;
            }
        }
        let Some(mut stored) = self.tables.rows_mut(&key).map(|table| std::mem::take(&mut table.stored)) else {
            return;
        };
        if let Some(table) = self.tables.get(&key) {
            stored.insert(table, insert);
        }
        if let Some(table) = self.tables.rows_mut(&key) {
            table.stored = stored;
        }
    }

    /// A query may call what writes, or move a sequence on.
    fn note_calls(&mut self, query: &Query) {
        let moves = |name: &String| matches!(name.as_str(), "nextval" | "setval") || self.functions.contains_key(name);
        if !query.writes.is_empty() || query.functions.iter().any(moves) {
            self.forget_rows();
        }
    }
}

impl Stored {
    /// What an `ALTER TABLE` does to the values that stand.
    pub(super) fn alter(&mut self, before: &Table, action: &AlterAction) {
        match action {
            AlterAction::AddColumn { column, .. } if before.column(&column.name).is_none() => self.add_column(column),
            AlterAction::DropColumn { column, .. } => self.forget_column(column),
            AlterAction::RenameColumn { from, to } => self.rename_column(from, to),
            AlterAction::AlterColumnType { column, data_type, using } => {
                let own = before.column(column).and_then(|found| found.data_type.as_ref());
                let same = own.is_some_and(|own| {
                    let line = |names: &&&[&str]| names.contains(&own.name.as_str()) && names.contains(&data_type.name.as_str());
                    own.dimensions == data_type.dimensions && SAME_VALUES.iter().any(|names| line(&names))
                });
                if !same || using.is_some() {
                    self.forget_column(column);
                }
            }
            AlterAction::DropExpression { column, .. } | AlterAction::SetExpression { column, .. } => self.forget_column(column),
            _ => {}
        }
    }
}

//! What is kept of a relation, a type, a function.

use std::collections::BTreeMap;

use crate::sql::catalog::stored::Stored;
use crate::sql::change::{Column, Constraint, ConstraintKind, DataType, Expression, Index, IndexKey, Name, PartitionBound, Query, Reading};
use crate::sql::functions::Volatility;

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
    /// The functions they call, by the trigger's name.
    pub trigger_functions: BTreeMap<String, Name>,
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
    /// Words of the conditions of policies, and of the columns and conditions of triggers, by the name of what has them.
    pub watched: Vec<(String, Vec<String>)>,
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

    pub(super) fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        self.columns.iter_mut().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// A policy or a trigger names the column.
    #[must_use]
    pub fn is_watched(&self, column: &str) -> bool {
        self.watched.iter().any(|(_, words)| words.iter().any(|word| word == column))
    }

    /// The constraint called `name`.
    #[must_use]
    pub fn constraint(&self, name: &str) -> Option<&Constraint> {
        self.constraints.iter().find(|constraint| constraint.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    /// An index begins with these columns, in this order.
    #[must_use]
    pub fn has_index_on(&self, columns: &[String]) -> bool {
        self.indexes.iter().any(|state| state.index.plain_columns().starts_with(columns))
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
    let column = column.to_lowercase();
    let says = |part: &str| part == format!("{column} is not null") || part == format!("not {column} is null");
    !words.contains(&"or") && joined.split(" and ").any(says)
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
        /// What a column without a default of its own gets; a domain below hands its own on.
        default: Option<Box<Expression>>,
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
    /// What it takes, as written in lower case, with the parentheses.
    pub arguments: String,
    /// The first thing that its body does is to raise an error.
    pub raises: bool,
}

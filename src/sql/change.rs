//! What a statement means: our small model of DDL and DML, the same for all dialects.
//!
//! The reader (`understand`) makes these from text, the catalogue is folded over them, and `effects` says what a
//! server does with them. Names are kept as the server would store them (folded where the dialect folds).

#![allow(missing_docs)] // Fields of variants are named as SQL names them; what is not plain has a comment.

use crate::sql::bound::Bound;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::sql::words::{Action, Kind};

/// A name with an optional schema. A database in front of it is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name {
    /// `shop` of `shop.orders`.
    pub schema: Option<String>,
    /// `orders` of `shop.orders`.
    pub name: String,
}

impl Name {
    /// A name without a schema.
    pub fn bare(name: impl Into<String>) -> Self {
        Self { schema: None, name: name.into() }
    }

    /// The name for people: without PostgreSQL's default schema.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.schema.as_deref() {
            Some("public") => self.name.clone(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A column's type as written: the dialect's canonical word, its arguments, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataType {
    /// Synonyms made one: `integer`, `character varying`, `timestamp with time zone`, `enum`; in lower case, but for a type of the user's
    /// own that PostgreSQL knows by its capitals.
    pub name: String,
    /// A schema in front of a user's own type.
    pub schema: Option<String>,
    /// `10`, `2` of `numeric(10,2)`; the values of MySQL's `enum('a','b')`, without quotes.
    pub arguments: Vec<String>,
    /// `text[][]` has 2.
    pub dimensions: u8,
    /// MySQL's `UNSIGNED` or `ZEROFILL`.
    pub unsigned: bool,
    /// `CHARACTER SET x`, in lower case.
    pub charset: Option<String>,
    /// `COLLATE x`.
    pub collation: Option<String>,
    /// `serial`, `bigserial`, `smallserial` (the type is then the integer behind it).
    pub serial: bool,
    /// MariaDB's `JSON`: a `longtext` with a check.
    pub json: bool,
}

impl DataType {
    /// The argument at `index` as a number.
    #[must_use]
    pub fn number(&self, index: usize) -> Option<i64> {
        self.arguments.get(index)?.trim().parse().ok()
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)?;
        if !self.arguments.is_empty() {
            write!(f, "({})", self.arguments.join(","))?;
        }
        if self.unsigned {
            f.write_str(" unsigned")?;
        }
        for _ in 0..self.dimensions {
            f.write_str("[]")?;
        }
        Ok(())
    }
}

/// An expression: its text, and what the rest of the program needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expression {
    /// As written, blanks folded.
    pub text: String,
    /// Names of functions called, in lower case, without their schema.
    pub functions: Vec<String>,
    /// All other words: columns, keywords; folded as names are.
    pub words: Vec<String>,
    /// A single literal, signed number, array of literals, or `NULL`, with or without a cast.
    pub is_literal: bool,
    /// The literal is `NULL`.
    pub is_null: bool,
    /// `text` says all of it: nothing was cut, no blanks within strings were folded.
    pub is_exact: bool,
}

/// Where a new column goes (MySQL family).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// `FIRST`.
    First,
    /// `AFTER column`.
    After(String),
}

/// How a generated column is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// Written with the row.
    Stored,
    /// Computed when read.
    Virtual,
}

/// A column's definition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type; `None` in SQLite where none is written.
    pub data_type: Option<DataType>,
    /// `NOT NULL`, or implied by a primary key, an identity or `serial`.
    pub not_null: bool,
    /// `NULL` is written out (SQL Server, MySQL).
    pub null_written: bool,
    /// `DEFAULT …`.
    pub default: Option<Expression>,
    /// `ON UPDATE …` of MySQL.
    pub on_update: bool,
    /// `GENERATED ALWAYS AS (…)`.
    pub generated: Option<(Generated, Expression)>,
    /// `GENERATED … AS IDENTITY`: true for `ALWAYS`.
    pub identity: Option<bool>,
    /// Options of the sequence behind an identity are written: it may begin elsewhere than at one.
    pub has_sequence_options: bool,
    /// `AUTO_INCREMENT`, `AUTOINCREMENT`, `IDENTITY(1,1)`.
    pub auto_increment: bool,
    /// Constraints written behind the column.
    pub constraints: Vec<Constraint>,
    /// `FIRST` or `AFTER x`.
    pub position: Option<Position>,
    /// `COMMENT 'x'` behind the column: what it says, escapes as written.
    pub comment: Option<String>,
    /// MySQL's `INVISIBLE` and MariaDB's: `Some(true)` when invisible.
    pub invisible: Option<bool>,
    /// `COMPRESSED`, `STORAGE x`, `COMPRESSION x` and the like, as written.
    pub storage: Option<String>,
    /// The catalogue's note: added by the script under review.
    pub is_new: bool,
}

/// What a foreign key points at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reference {
    /// The referenced table.
    pub table: Name,
    /// The referenced columns; empty: its primary key.
    pub columns: Vec<String>,
    /// `cascade`, `set null`, `set default`, `restrict`; `None`: no action.
    pub on_delete: Option<String>,
    /// The same for updates of the key.
    pub on_update: Option<String>,
}

/// What a constraint demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConstraintKind {
    /// `CHECK (…)`.
    Check(Expression),
    /// `UNIQUE`.
    Unique { columns: Vec<String>, using_index: Option<String> },
    /// `PRIMARY KEY`.
    PrimaryKey { columns: Vec<String>, using_index: Option<String> },
    /// `FOREIGN KEY … REFERENCES …`.
    ForeignKey { columns: Vec<String>, reference: Reference },
    /// `EXCLUDE`.
    Exclude { columns: Vec<String> },
    /// PostgreSQL 18's `NOT NULL column` as a table constraint.
    NotNull { column: String },
    /// SQL Server's `DEFAULT x FOR column`.
    Default { column: String },
}

/// A constraint with its name and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// Its name, if one is written.
    pub name: Option<String>,
    /// What it demands.
    pub kind: ConstraintKind,
    /// `NOT VALID`, SQL Server's `WITH NOCHECK`.
    pub not_valid: bool,
    /// `NOT ENFORCED`.
    pub not_enforced: bool,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    pub initially_deferred: bool,
    /// `NO INHERIT`.
    pub no_inherit: bool,
    /// `IF NOT EXISTS` of MariaDB.
    pub if_not_exists: bool,
    /// The column it is written behind; `None`: a constraint of the table.
    pub of_column: Option<String>,
}

impl Constraint {
    /// A constraint of `kind` without name and attributes.
    #[must_use]
    pub const fn of(kind: ConstraintKind) -> Self {
        Self {
            name: None,
            kind,
            not_valid: false,
            not_enforced: false,
            deferrable: false,
            initially_deferred: false,
            no_inherit: false,
            if_not_exists: false,
            of_column: None,
        }
    }

    /// The referenced table of a foreign key.
    #[must_use]
    pub const fn reference(&self) -> Option<&Reference> {
        match &self.kind {
            ConstraintKind::ForeignKey { reference, .. } => Some(reference),
            _ => None,
        }
    }
}

/// An index key: a column, or an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexKey {
    /// A plain column.
    Column(String),
    /// Anything else.
    Expression(Expression),
}

/// An index's definition, from `CREATE INDEX`, `ADD INDEX` or a table's body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index {
    /// Its name, if one is written.
    pub name: Option<String>,
    /// `UNIQUE`.
    pub unique: bool,
    /// `btree`, `gin`, `hash`, …; in lower case, `None` where none is written.
    pub method: Option<String>,
    /// `fulltext`, `spatial`, `vector` of the MySQL family.
    pub special: Option<String>,
    /// The keys, in order.
    pub keys: Vec<IndexKey>,
    /// MySQL family: a key has a length, `c(20)`: only the beginning of its values is in the index.
    pub prefixed: bool,
    /// `INCLUDE (…)`.
    pub include: Vec<String>,
    /// `WHERE …`.
    pub predicate: Option<Expression>,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Operator classes written behind keys, in lower case; as many as there are keys, empty where none is written.
    pub classes: Vec<String>,
}

impl Index {
    /// Its keys that are plain columns, in order.
    #[must_use]
    pub fn plain_columns(&self) -> Vec<String> {
        self.keys
            .iter()
            .filter_map(|key| match key {
                IndexKey::Column(name) => Some(name.clone()),
                IndexKey::Expression(_) => None,
            })
            .collect()
    }
}

/// How a partition is bound to its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionBound {
    /// `DEFAULT`.
    pub is_default: bool,
    /// As written, blanks folded.
    pub text: String,
    /// The same, read; `None` where it cannot be.
    pub read: Option<Bound>,
}

/// `CREATE TABLE`, in all its forms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateTable {
    /// The new table.
    pub name: Name,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `OR REPLACE` (MariaDB): an old table of that name is dropped.
    pub or_replace: bool,
    /// `TEMPORARY`, `#name`.
    pub temporary: bool,
    /// `UNLOGGED`.
    pub unlogged: bool,
    /// A foreign table.
    pub foreign: bool,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Its table constraints.
    pub constraints: Vec<Constraint>,
    /// Indexes written in the body (MySQL family).
    pub indexes: Vec<Index>,
    /// `LIKE x`: the other table.
    pub like: Vec<(Name, Vec<String>)>,
    /// `INHERITS (…)`.
    pub inherits: Vec<Name>,
    /// `PARTITION BY x`: `range`, `list`, `hash`, `key`; with its columns and expressions as words.
    pub partition_by: Option<(String, Expression)>,
    /// `PARTITION OF x`.
    pub partition_of: Option<(Name, PartitionBound)>,
    /// `OF type`.
    pub of_type: Option<Name>,
    /// `AS SELECT …`, with `WITH NO DATA` as false.
    pub query: Option<(Query, bool)>,
    /// MySQL's `ENGINE`, `CHARSET`, SQLite's `strict`, `without rowid`, in lower case.
    pub options: BTreeMap<String, String>,
}

/// What a query reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Tables and views read, in order of appearance; common table expressions left out.
    pub tables: Vec<Name>,
    /// Functions called, in lower case, schema left out.
    pub functions: Vec<String>,
    /// Words outside of names: for deciding which columns a view uses; folded.
    pub words: Vec<String>,
    /// Names or aliases of the outermost select list where they are plain, `None` where not known.
    pub columns: Option<Vec<String>>,
    /// The outermost select list, aliases left out; empty where there is none.
    pub items: Vec<Expression>,
    /// `SELECT … INTO table`.
    pub into: Option<Name>,
    /// Data-modifying parts: `WITH x AS (DELETE …)`.
    pub writes: Vec<Change>,
    /// `FOR UPDATE` and its like.
    pub locks_rows: bool,
    /// Columns that the outermost `WHERE` compares with values, all joined by `AND`.
    pub bounded_by: Vec<String>,
    /// The outermost `LIMIT`.
    pub is_limited: bool,
    /// There is a `WHERE`, at the outermost level.
    pub has_where: bool,
    /// Where the rows come from, if it is nothing but `generate_series(first, last)`.
    pub series: Option<Series>,
}

/// `FROM generate_series(first, last) AS name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// What the select list calls the number.
    pub name: String,
    /// The first number.
    pub first: i64,
    /// The last number.
    pub last: i64,
}

/// `INSERT`, `REPLACE`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Insert {
    /// The table written to.
    pub table: Name,
    /// The columns named; empty: all.
    pub columns: Vec<String>,
    /// Rows come from this query; `None`: from `VALUES` or `DEFAULT VALUES`.
    pub query: Option<Query>,
    /// `REPLACE`, `INSERT OR REPLACE`: rows with the same key are deleted first.
    pub replaces: bool,
    /// `ON CONFLICT DO UPDATE`, `ON DUPLICATE KEY UPDATE`.
    pub updates_on_conflict: bool,
    /// `ON CONFLICT (a, b)`: the columns.
    pub conflict_columns: Vec<String>,
    /// `OVERRIDING SYSTEM VALUE`.
    pub overrides_system: bool,
    /// The values of a single row of literals, as written; `DEFAULT` and expressions as `None`.
    pub row: Vec<Option<String>>,
    /// How many values the first row of `VALUES` has.
    pub width: Option<usize>,
    /// What stands behind `VALUES`, as written, where it is short.
    pub values: Option<Box<str>>,
    /// `INSERT IGNORE`, `INSERT OR IGNORE`: rows that do not fit are mended or left out.
    pub ignores: bool,
    /// `ON CONFLICT` in any form, `ON DUPLICATE KEY`.
    pub on_conflict: bool,
    /// `RETURNING`.
    pub returns: bool,
    /// Data-modifying parts of a `WITH` in front.
    pub writes: Vec<Change>,
}

/// The rows that an `UPDATE` or `DELETE` reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// The `WHERE`, if there is one; its words hold the columns compared.
    pub condition: Option<Expression>,
    /// `LIMIT n`, `TOP (n)`.
    pub limit: Option<u64>,
    /// Other tables joined in (`FROM`, `USING`, `JOIN`).
    pub joins: Vec<Name>,
    /// Columns compared with `=`, `IN`, `<`, `>`, `BETWEEN` and a literal or parameter, all joined by `AND` at the top.
    pub bounded_by: Vec<String>,
    /// `RETURNING`.
    pub returns: bool,
}

/// `UPDATE`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// The table written to.
    pub table: Name,
    /// `ONLY`.
    pub only: bool,
    /// Columns assigned.
    pub columns: Vec<String>,
    /// The rows reached.
    pub reach: Reach,
    /// Data-modifying parts of a `WITH` in front.
    pub writes: Vec<Change>,
    /// Tables read by the `WITH` in front and by sub-queries.
    pub reads: Vec<Name>,
    /// `SET` has a column that is NULL now by the condition (`WHERE c IS NULL`): only these are filled.
    pub fills_null: bool,
    /// The text of the assigned values.
    pub values: Expression,
}

/// `DELETE`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delete {
    /// The tables rows are deleted from (MySQL may name several).
    pub tables: Vec<Name>,
    /// `ONLY`.
    pub only: bool,
    /// The rows reached.
    pub reach: Reach,
    /// Data-modifying parts of a `WITH` in front.
    pub writes: Vec<Change>,
    /// Tables read by the `WITH` in front and by sub-queries.
    pub reads: Vec<Name>,
}

/// `MERGE`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merge {
    /// The table written to.
    pub table: Name,
    /// The source, if it is a table.
    pub source: Option<Name>,
    /// A `WHEN … THEN DELETE` branch.
    pub deletes: bool,
    /// A `WHEN … THEN UPDATE` branch.
    pub updates: bool,
    /// A `WHEN … THEN INSERT` branch.
    pub inserts: bool,
    /// Columns that an `UPDATE` branch assigns.
    pub columns: Vec<String>,
    /// `WHEN NOT MATCHED BY SOURCE`.
    pub by_source: bool,
}

/// One part of an `ALTER TABLE` (also of foreign tables, and of views where PostgreSQL allows it).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of the SQL.
pub enum AlterAction {
    AddColumn {
        column: Column,
        if_not_exists: bool,
    },
    DropColumn {
        column: String,
        if_exists: bool,
        cascade: bool,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    RenameTable {
        to: Name,
    },
    RenameConstraint {
        from: String,
        to: String,
    },
    RenameIndex {
        from: String,
        to: String,
    },
    SetSchema {
        schema: String,
    },
    AlterColumnType {
        column: String,
        data_type: DataType,
        using: Option<Expression>,
    },
    SetDefault {
        column: String,
        default: Expression,
    },
    DropDefault {
        column: String,
    },
    SetNotNull {
        column: String,
    },
    DropNotNull {
        column: String,
    },
    SetExpression {
        column: String,
        expression: Expression,
    },
    DropExpression {
        column: String,
        if_exists: bool,
    },
    AddIdentity {
        column: String,
        always: bool,
    },
    SetIdentity {
        column: String,
        restart: bool,
    },
    DropIdentity {
        column: String,
        if_exists: bool,
    },
    SetStatistics {
        column: String,
    },
    SetStorage {
        column: String,
    },
    SetCompression {
        column: String,
    },
    SetColumnOptions {
        column: String,
        reset: bool,
    },
    AddConstraint(Constraint),
    DropConstraint {
        name: String,
        if_exists: bool,
        cascade: bool,
    },
    AlterConstraint {
        name: String,
        enforced: Option<bool>,
        inherit: Option<bool>,
        /// `DEFERRABLE` and the like are written: true for `INITIALLY DEFERRED`.
        deferred: Option<bool>,
    },
    ValidateConstraint {
        name: String,
    },
    OwnerTo,
    SetTablespace,
    SetLogged {
        logged: bool,
    },
    SetAccessMethod {
        method: String,
    },
    SetStorageParams {
        names: Vec<String>,
        reset: bool,
    },
    ClusterOn,
    SetWithoutCluster,
    SetWithoutOids,
    ReplicaIdentity,
    RowSecurity {
        action: Action,
    },
    Trigger {
        enable: bool,
        name: String,
    },
    Rule {
        enable: bool,
    },
    Inherit {
        parent: Name,
    },
    NoInherit {
        parent: Name,
    },
    OfType {
        type_name: Name,
    },
    NotOf,
    Options,
    AttachPartition {
        partition: Name,
        bound: PartitionBound,
    },
    DetachPartition {
        partition: Name,
        concurrently: bool,
        finalize: bool,
    },
    MergePartitions {
        partitions: Vec<Name>,
        into: Name,
    },
    SplitPartition {
        partition: Name,
        into: Vec<Name>,
    },
    /// MySQL family: `MODIFY`, or `CHANGE` when `from` differs.
    ChangeColumn {
        from: String,
        column: Column,
        if_exists: bool,
    },
    AddIndex(Index),
    DropIndex {
        name: String,
        if_exists: bool,
    },
    DropPrimaryKey,
    DropForeignKey {
        name: String,
        if_exists: bool,
    },
    /// `visible`, `invisible`, `ignored`, `not ignored`.
    AlterIndex {
        name: String,
        word: &'static str,
    },
    ColumnVisibility {
        column: String,
    },
    ConvertCharset {
        charset: String,
        collation: Option<String>,
    },
    DefaultCharset,
    Engine {
        engine: String,
    },
    TableOption {
        name: String,
        value: String,
    },
    OrderBy,
    Force,
    Keys {
        enable: bool,
    },
    Tablespace {
        import: bool,
    },
    /// `count`: `PARTITIONS n` is written, as hash and key partitioning take it.
    AddPartition {
        count: bool,
    },
    DropPartition {
        names: Vec<String>,
    },
    TruncatePartition,
    CoalescePartition,
    ReorganizePartition,
    ExchangePartition {
        with: Name,
    },
    PartitionMaintenance {
        word: String,
    },
    RemovePartitioning,
    PartitionBy,
    SystemVersioning {
        add: bool,
    },
    /// SQL Server: the column's type and nullability are set anew.
    AlterColumn {
        column: Column,
    },
    ConstraintCheck {
        enable: bool,
    },
    SwitchPartition,
    Rebuild {
        online: bool,
    },
    /// The words were not understood.
    Unknown {
        text: String,
    },
}

impl AlterAction {
    /// The word of the contract.
    #[must_use]
    pub fn word(&self) -> Action {
        match self {
            Self::AddColumn { .. } => Action::AddColumn,
            Self::DropColumn { .. } => Action::DropColumn,
            Self::RenameColumn { .. } => Action::RenameColumn,
            Self::RenameTable { .. } => Action::RenameTable,
            Self::RenameConstraint { .. } => Action::RenameConstraint,
            Self::RenameIndex { .. } => Action::RenameIndex,
            Self::SetSchema { .. } => Action::SetSchema,
            Self::AlterColumnType { .. } => Action::AlterColumnType,
            Self::SetDefault { .. } => Action::SetDefault,
            Self::DropDefault { .. } => Action::DropDefault,
            Self::SetNotNull { .. } => Action::SetNotNull,
            Self::DropNotNull { .. } => Action::DropNotNull,
            Self::SetExpression { .. } => Action::SetExpression,
            Self::DropExpression { .. } => Action::DropExpression,
            Self::AddIdentity { .. } => Action::AddIdentity,
            Self::SetIdentity { .. } => Action::SetIdentity,
            Self::DropIdentity { .. } => Action::DropIdentity,
            Self::SetStatistics { .. } => Action::SetStatistics,
            Self::SetStorage { .. } => Action::SetStorage,
            Self::SetCompression { .. } => Action::SetCompression,
            Self::SetColumnOptions { reset: true, .. } => Action::ResetColumnOptions,
            Self::SetColumnOptions { .. } => Action::SetColumnOptions,
            Self::AddConstraint(_) => Action::AddConstraint,
            Self::DropConstraint { .. } => Action::DropConstraint,
            Self::AlterConstraint { .. } => Action::AlterConstraint,
            Self::ValidateConstraint { .. } => Action::ValidateConstraint,
            Self::OwnerTo => Action::OwnerTo,
            Self::SetTablespace => Action::SetTablespace,
            Self::SetLogged { logged: true } => Action::SetLogged,
            Self::SetLogged { logged: false } => Action::SetUnlogged,
            Self::SetAccessMethod { .. } => Action::SetAccessMethod,
            Self::SetStorageParams { reset: true, .. } => Action::ResetStorageParams,
            Self::SetStorageParams { .. } => Action::SetStorageParams,
            Self::ClusterOn => Action::ClusterOn,
            Self::SetWithoutCluster => Action::SetWithoutCluster,
            Self::SetWithoutOids => Action::SetWithoutOids,
            Self::ReplicaIdentity => Action::ReplicaIdentity,
            Self::RowSecurity { action } => *action,
            Self::Trigger { enable: true, .. } => Action::EnableTrigger,
            Self::Trigger { enable: false, .. } => Action::DisableTrigger,
            Self::Rule { enable: true } => Action::EnableRule,
            Self::Rule { enable: false } => Action::DisableRule,
            Self::Inherit { .. } => Action::Inherit,
            Self::NoInherit { .. } => Action::NoInherit,
            Self::OfType { .. } => Action::OfType,
            Self::NotOf => Action::NotOf,
            Self::Options => Action::Options,
            Self::AttachPartition { .. } => Action::AttachPartition,
            Self::DetachPartition { .. } => Action::DetachPartition,
            Self::MergePartitions { .. } => Action::MergePartitions,
            Self::SplitPartition { .. } => Action::SplitPartition,
            Self::ChangeColumn { from, column, .. } if *from == column.name => Action::ModifyColumn,
            Self::ChangeColumn { .. } => Action::ChangeColumn,
            Self::AddIndex(_) => Action::AddIndex,
            Self::DropIndex { .. } => Action::DropIndex,
            Self::DropPrimaryKey => Action::DropPrimaryKey,
            Self::DropForeignKey { .. } => Action::DropForeignKey,
            Self::AlterIndex { .. } => Action::AlterIndex,
            Self::ColumnVisibility { .. } | Self::AlterColumn { .. } => Action::AlterColumn,
            Self::ConvertCharset { .. } => Action::ConvertCharset,
            Self::DefaultCharset => Action::DefaultCharset,
            Self::Engine { .. } => Action::Engine,
            Self::TableOption { name, .. } if name == "comment" => Action::Comment,
            Self::TableOption { name, .. } if name == "auto_increment" => Action::AutoIncrement,
            Self::TableOption { .. } => Action::TableOptions,
            Self::OrderBy => Action::OrderBy,
            Self::Force => Action::Force,
            Self::Keys { enable: true } => Action::EnableKeys,
            Self::Keys { enable: false } => Action::DisableKeys,
            Self::Tablespace { import: true } => Action::ImportTablespace,
            Self::Tablespace { import: false } => Action::DiscardTablespace,
            Self::AddPartition { .. } => Action::AddPartition,
            Self::DropPartition { .. } => Action::DropPartition,
            Self::TruncatePartition => Action::TruncatePartition,
            Self::CoalescePartition => Action::CoalescePartition,
            Self::ReorganizePartition => Action::ReorganizePartition,
            Self::ExchangePartition { .. } => Action::ExchangePartition,
            Self::PartitionMaintenance { .. } => Action::PartitionMaintenance,
            Self::RemovePartitioning => Action::RemovePartitioning,
            Self::PartitionBy => Action::PartitionBy,
            Self::SystemVersioning { add: true } => Action::AddSystemVersioning,
            Self::SystemVersioning { add: false } => Action::DropSystemVersioning,
            Self::ConstraintCheck { enable: true } => Action::EnableConstraint,
            Self::ConstraintCheck { enable: false } => Action::DisableConstraint,
            Self::SwitchPartition => Action::SwitchPartition,
            Self::Rebuild { .. } => Action::Rebuild,
            Self::Unknown { .. } => Action::Unknown,
        }
    }
}

/// `ALTER TABLE`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlterTable {
    /// The table.
    pub table: Name,
    /// `IF EXISTS` behind `TABLE`.
    pub if_exists: bool,
    /// `ONLY`.
    pub only: bool,
    /// What is done, in order.
    pub actions: Vec<AlterAction>,
    /// MySQL family: `ALGORITHM=x`, in lower case.
    pub algorithm: Option<String>,
    /// MySQL family: `LOCK=x`, in lower case.
    pub lock: Option<String>,
    /// `OWNER TO x`.
    pub owner: Option<String>,
    /// `SET TABLESPACE x`.
    pub tablespace: Option<String>,
    /// `REPLICA IDENTITY USING INDEX x`, `CLUSTER ON x`.
    pub index: Option<String>,
    /// MariaDB's `ALTER IGNORE TABLE`: values are cut and rows thrown away where they do not fit.
    pub ignore: bool,
}

/// One part of an `ALTER TYPE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TypeAction {
    AddValue { value: String, if_not_exists: bool, beside: Option<String> },
    RenameValue { from: String, to: String },
    Rename { to: String },
    SetSchema { schema: String },
    OwnerTo,
    AddAttribute { cascade: bool },
    DropAttribute { cascade: bool },
    AlterAttribute { cascade: bool },
    RenameAttribute { cascade: bool },
    Set,
}

/// One part of an `ALTER DOMAIN`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DomainAction {
    SetDefault,
    DropDefault,
    SetNotNull,
    DropNotNull,
    AddConstraint { name: Option<String>, not_null: bool, not_valid: bool, check: Option<Expression> },
    DropConstraint { name: String, if_exists: bool },
    ValidateConstraint { name: String },
    RenameConstraint,
    Rename { to: String },
    SetSchema { schema: String },
    OwnerTo,
}

/// One part of an `ALTER SEQUENCE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SequenceAction {
    Restart,
    Options,
    OwnedBy { table: Option<Name> },
    Rename { to: String },
    SetSchema { schema: String },
    OwnerTo,
    SetLogged,
}

/// One part of an `ALTER INDEX`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IndexAction {
    Rename {
        to: String,
    },
    AttachPartition {
        partition: Name,
    },
    SetTablespace,
    SetStorageParams,
    ResetStorageParams,
    SetStatistics,
    DependsOnExtension,
    /// SQL Server.
    Disable,
    Rebuild {
        online: bool,
    },
}

/// One part of an `ALTER` of a view or materialized view that is no `ALTER TABLE` in disguise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ViewAction {
    Rename {
        to: String,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    SetSchema {
        schema: String,
    },
    SetDefault,
    DropDefault,
    OwnerTo,
    SetOptions,
    SetTablespace,
    SetAccessMethod,
    SetStorage,
    ClusterOn,
    DependsOnExtension,
    /// MySQL family, SQL Server: the query is replaced.
    Redefine,
}

/// The form of a `CREATE TYPE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TypeForm {
    Enum(Vec<String>),
    Composite,
    Range,
    Base,
    Shell,
    /// SQL Server's alias type.
    Alias,
}

/// What `REINDEX` reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ReindexScope {
    Index,
    Table,
    Schema,
    Database,
    System,
}

/// The first three words of all objects that are dropped by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drop {
    /// The objects.
    pub names: Vec<Name>,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `CASCADE`.
    pub cascade: bool,
    /// `ON table` (triggers, rules, policies, MySQL's indexes).
    pub on: Option<Name>,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// `TEMPORARY`.
    pub temporary: bool,
    /// MySQL family: `ALGORITHM=x`, `LOCK=x`, in lower case.
    pub algorithm: Option<String>,
    /// MySQL family.
    pub lock: Option<String>,
}

/// Code that runs now: a `DO` block, `EXEC('…')`, an `IF` of SQL Server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block {
    /// What stands in it as literal SQL, in order.
    pub statements: Vec<Reading>,
    /// DDL or DML words in text that is built at run time, in upper case.
    pub hidden: Vec<String>,
    /// Something in it could not be read as SQL: built at run time, another language.
    pub opaque: bool,
    /// It has conditions or catches errors: what fails in it need not stop it.
    pub guarded: bool,
    /// `RAISE` of an error that nothing guards.
    pub raises: bool,
    /// `COMMIT` or `ROLLBACK`: it cannot run within a transaction.
    pub ends_transaction: bool,
}

/// What a statement does to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Change {
    CreateTable(Box<CreateTable>),
    AlterTable(AlterTable),
    RenameTables {
        pairs: Vec<(Name, Name)>,
    },
    /// `DROP` of anything that has names; `Reading::kind` says of what.
    Drop(Drop),
    CreateIndex {
        table: Name,
        only: bool,
        concurrently: bool,
        index: Index,
        algorithm: Option<String>,
        lock: Option<String>,
    },
    AlterIndex {
        index: Name,
        table: Option<Name>,
        if_exists: bool,
        action: IndexAction,
    },
    Reindex {
        scope: ReindexScope,
        name: Option<Name>,
        concurrently: bool,
    },
    CreateView {
        name: Name,
        or_replace: bool,
        if_not_exists: bool,
        materialized: bool,
        temporary: bool,
        query: Query,
        columns: Vec<String>,
        with_data: bool,
    },
    AlterView {
        name: Name,
        materialized: bool,
        if_exists: bool,
        action: ViewAction,
    },
    RefreshMaterializedView {
        name: Name,
        concurrently: bool,
        with_data: bool,
    },
    CreateType {
        name: Name,
        form: TypeForm,
    },
    AlterType {
        name: Name,
        actions: Vec<TypeAction>,
    },
    CreateDomain {
        name: Name,
        base: DataType,
        not_null: bool,
        checks: Vec<Expression>,
        default: Option<Expression>,
    },
    AlterDomain {
        name: Name,
        action: DomainAction,
    },
    CreateSequence {
        name: Name,
        if_not_exists: bool,
        owned_by: Option<Name>,
        /// It may begin elsewhere than at one.
        has_options: bool,
    },
    AlterSequence {
        name: Name,
        if_exists: bool,
        actions: Vec<SequenceAction>,
    },
    CreateTrigger {
        name: String,
        table: Name,
        or_replace: bool,
        references: Option<Name>,
        /// The function it calls.
        function: Option<Name>,
        /// Columns of `UPDATE OF`, and the words of `WHEN`.
        words: Vec<String>,
        /// Columns of `UPDATE OF` alone.
        of_columns: Vec<String>,
        instead_of: bool,
        /// It is called for rows that are inserted.
        on_insert: bool,
        /// What stands behind the table: condition and statements, as words.
        body: Expression,
    },
    AlterTrigger {
        table: Option<Name>,
    },
    CreateRule {
        table: Name,
        or_replace: bool,
        /// `select`, `insert`, `update`, `delete`.
        event: &'static str,
    },
    AlterRule {
        table: Name,
    },
    CreatePolicy {
        name: String,
        table: Name,
        /// The words of its conditions.
        words: Vec<String>,
        /// `AS RESTRICTIVE`: it takes rows away that others let through.
        restrictive: bool,
    },
    AlterPolicy {
        table: Name,
        /// Its condition or its roles are set anew.
        redefines: bool,
    },
    CreateFunction {
        name: Name,
        or_replace: bool,
        /// With its parentheses, in lower case, blanks folded.
        arguments: String,
        language: Option<String>,
        volatility: Option<String>,
        /// `RETURNS x`.
        returns: Option<DataType>,
        /// The statements of a `LANGUAGE sql` body.
        body: Vec<Reading>,
        /// The first thing that its body does is to raise an error.
        raises: bool,
    },
    CreateSchema {
        name: Option<Name>,
        if_not_exists: bool,
        elements: Vec<Reading>,
    },
    AlterSchema {
        name: Name,
        rename_to: Option<String>,
    },
    AlterSchemaTransfer {
        table: Name,
        schema: String,
    },
    CreateStatistics {
        name: Option<Name>,
        tables: Vec<Name>,
        /// How many columns and expressions they are on.
        columns: usize,
    },
    /// `CREATE/ALTER/DROP PUBLICATION … TABLE …`: tables are those named.
    Publication {
        tables: Vec<Name>,
        /// `FOR ALL TABLES`.
        all: bool,
        /// `DROP TABLE`.
        drops: bool,
        /// `SET TABLE`.
        sets: bool,
        /// With `WHERE`, a list of columns, or all tables in a schema.
        filtered: bool,
        /// `publish` names neither `update` nor `delete`: no row need be told from another.
        inserts_only: bool,
    },
    Truncate {
        tables: Vec<Name>,
        cascade: bool,
        restart_identity: bool,
        only: bool,
    },
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Merge(Box<Merge>),
    Select(Box<Query>),
    Copy {
        table: Option<Name>,
        into_table: bool,
        query: Option<Query>,
    },
    LoadData {
        table: Name,
    },
    Call {
        name: Name,
    },
    Grant {
        tables: Vec<Name>,
        grantees: Vec<String>,
        /// In lower case; `all` for all of them.
        privileges: Vec<String>,
        /// On some columns only.
        of_columns: bool,
    },
    Revoke {
        tables: Vec<Name>,
        grantees: Vec<String>,
        /// In lower case; `all` for all of them.
        privileges: Vec<String>,
        role: bool,
        /// `ON ALL TABLES IN SCHEMA x`.
        schemas: Vec<String>,
        /// Of some columns only.
        of_columns: bool,
    },
    Comment {
        table: Option<Name>,
        /// `constraint`, `trigger`, `policy` or `rule` of the table, and its name.
        part: Option<(&'static str, String)>,
    },
    LockTables {
        tables: Vec<Name>,
        mode: Option<String>,
    },
    Vacuum {
        tables: Vec<Name>,
        full: bool,
    },
    Cluster {
        table: Option<Name>,
    },
    /// `ANALYZE`.
    Analyze {
        tables: Vec<Name>,
    },
    /// MySQL's `OPTIMIZE`, `REPAIR`, `CHECK` TABLE.
    Maintain {
        tables: Vec<Name>,
    },
    Block(Block),
    Set {
        name: String,
        value: String,
        local: bool,
    },
    Begin,
    Commit,
    Rollback {
        to_savepoint: bool,
    },
    Savepoint,
    /// Understood by its kind; touches no rows, no table that stood before: roles, extensions, functions, settings.
    Other,
    /// Not understood.
    Unknown,
}

/// The value of a flag in `Reading::flags`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Flag {
    /// A fact that holds or not.
    Yes(bool),
    /// A count.
    Number(i64),
    /// A word or a name.
    Text(String),
    /// Several of them.
    List(Vec<String>),
}

impl From<bool> for Flag {
    fn from(value: bool) -> Self {
        Self::Yes(value)
    }
}
impl From<i64> for Flag {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}
impl From<&str> for Flag {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Flag {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<Vec<String>> for Flag {
    fn from(value: Vec<String>) -> Self {
        Self::List(value)
    }
}

/// The flags of a statement, by their words.
pub type Flags = BTreeMap<&'static str, Flag>;

/// A statement, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it is, in the words of the contract.
    pub kind: Kind,
    /// The parts of an `ALTER`, in order.
    pub actions: Vec<Action>,
    /// What its words say, one by one; a flag that is not there is false.
    pub flags: BTreeMap<&'static str, Flag>,
    /// The table it is about.
    pub relation: Option<Name>,
    /// What it does.
    pub change: Change,
    /// What it is about, where that is no table: an extension, a role, a prepared statement.
    pub subject: Option<Name>,
    /// Why it was not understood to its end; `None`: it was.
    pub not_understood: Option<String>,
}

impl Reading {
    /// True when every word of it was understood.
    #[must_use]
    pub const fn is_understood(&self) -> bool {
        self.not_understood.is_none()
    }
}

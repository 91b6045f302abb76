//! What a statement demands of the rows that stand, and the query that finds those in its way.
//!
//! Which rows there are, only the real table says. A refused statement stops the deploy; an index that was built
//! CONCURRENTLY is left invalid. The queries are those a server answers before it is asked to change anything; that
//! each finds a row exactly where the server refuses the statement is measured by `tests/it/demands.rs`.

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Change, Column, Constraint, ConstraintKind, DataType, Expression, Index, IndexKey, Name, Reference};
use crate::sql::script::{Script, Statement};
use crate::sql::split::Direction;

/// Rows that a statement would be refused for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// The table that holds them.
    pub table: Name,
    /// The columns that something is demanded of; empty where that is an expression.
    pub columns: Vec<String>,
    /// Another table whose rows decide too: what a foreign key points at.
    pub other: Option<Name>,
    /// Finds them: how many there are, or each value that stands more than once.
    pub query: String,
    lists_values: bool,
}

impl Demand {
    /// The query whose one value is how many there are.
    #[must_use]
    pub fn counted(&self) -> String {
        if self.lists_values { format!("SELECT count(*) FROM ({}) AS found", self.query) } else { self.query.clone() }
    }
}

/// What a change demands of stored rows; nothing of a table that is new, or of a kind that no query is known for.
#[must_use]
pub fn of(change: &Change, catalog: &Catalog, dialect: Dialect) -> Vec<Demand> {
    let about = |table| About { dialect, table, catalog };
    match change {
        Change::CreateIndex { table, index, .. } if !catalog.is_new(table) => about(table).index(index).into_iter().collect(),
        Change::AlterTable(alter) if !catalog.is_new(&alter.table) => {
            alter.actions.iter().filter_map(|action| about(&alter.table).action(action)).collect()
        }
        _ => Vec::new(),
    }
}

/// What one part of an `ALTER TABLE` demands.
#[must_use]
pub fn of_action(table: &Name, action: &AlterAction, catalog: &Catalog, dialect: Dialect) -> Option<Demand> {
    About { dialect, table, catalog }.action(action)
}

/// What the statements of a script demand of rows as they stand *before* it, by their place in it: of a table whose rows or
/// columns an earlier statement changes nobody can ask beforehand.
#[must_use]
pub fn of_script<'a>(script: &'a Script, before: &Catalog) -> Vec<(&'a Statement, Demand)> {
    let mut found = Vec::new();
    let mut stands = before.clone();
    let mut changed: Vec<Name> = Vec::new();
    for statement in script.statements.iter().filter(|statement| statement.direction == Direction::Up) {
        let is_open = |name: &Name| !changed.iter().any(|other| other.name.eq_ignore_ascii_case(&name.name));
        let demands = of(&statement.reading.change, &stands, script.server.dialect).into_iter();
        let asked = demands.filter(|demand| is_open(&demand.table) && demand.other.as_ref().is_none_or(is_open));
        found.extend(asked.map(|demand| (statement, demand)).collect::<Vec<_>>());
        match changes(statement) {
            Changes::Nothing => {}
            Changes::One(table) => changed.push(table),
            Changes::Anything => break,
        }
        stands.apply(&statement.reading, statement.transaction);
    }
    found
}

/// Which stored rows, or columns, are others after a statement.
enum Changes {
    Nothing,
    One(Name),
    Anything,
}

fn changes(statement: &Statement) -> Changes {
    let one = || statement.reading.relation.clone().map_or(Changes::Anything, Changes::One);
    match &statement.reading.change {
        Change::CreateIndex { .. } | Change::Set { .. } | Change::Begin | Change::Commit | Change::Comment { .. } => Changes::Nothing,
        Change::AlterTable(alter) if alter.actions.iter().all(keeps_rows) => Changes::Nothing,
        Change::AlterTable(alter) => Changes::One(alter.table.clone()),
        Change::CreateTable(_) | Change::Insert(_) | Change::Update(_) | Change::Delete(_) => one(),
        _ => Changes::Anything,
    }
}

/// The rows and the columns that stand are the same afterwards.
const fn keeps_rows(action: &AlterAction) -> bool {
    matches!(
        action,
        AlterAction::AddConstraint(_)
            | AlterAction::ValidateConstraint { .. }
            | AlterAction::DropConstraint { .. }
            | AlterAction::SetNotNull { .. }
            | AlterAction::DropNotNull { .. }
            | AlterAction::SetDefault { .. }
            | AlterAction::DropDefault { .. }
            | AlterAction::AddIndex(_)
            | AlterAction::DropIndex { .. }
            | AlterAction::AddColumn { .. }
    )
}

/// A table that something is demanded of.
struct About<'a> {
    dialect: Dialect,
    table: &'a Name,
    catalog: &'a Catalog,
}

impl About<'_> {
    fn action(&self, action: &AlterAction) -> Option<Demand> {
        match action {
            AlterAction::AddConstraint(constraint) if !constraint.not_valid && !constraint.not_enforced => self.constraint(constraint),
            AlterAction::ValidateConstraint { name } => self.constraint(self.catalog.table(self.table)?.constraint(name)?),
            AlterAction::AddIndex(index) => self.index(index),
            // A check that was proven says that there are none.
            AlterAction::SetNotNull { column } => {
                let known = self.catalog.table(self.table);
                let is_proven = known.is_some_and(|known| known.constraints_on(column).any(|one| says_present(one, column)));
                (!is_proven).then(|| self.nulls(column))
            }
            AlterAction::AlterColumnType { column, data_type, using: None } => self.values(column, data_type),
            AlterAction::ChangeColumn { from, column, .. } => self.definition(from, column),
            AlterAction::ConvertCharset { charset, .. } => self.converted(charset),
            _ => None,
        }
    }

    /// `MODIFY` and `CHANGE` say all of a column.
    fn definition(&self, from: &str, column: &Column) -> Option<Demand> {
        let was_open = self.catalog.table(self.table).is_some_and(|known| !known.is_not_null(from));
        if column.not_null && was_open {
            return Some(self.nulls(from));
        }
        self.values(from, column.data_type.as_ref()?)
    }

    fn constraint(&self, constraint: &Constraint) -> Option<Demand> {
        let named = |columns: &[String]| columns.iter().map(|column| quoted(self.dialect, column)).collect::<Vec<_>>();
        match &constraint.kind {
            ConstraintKind::Unique { columns, using_index: None } => Some(self.twice(columns, &named(columns), None, true)),
            ConstraintKind::PrimaryKey { columns, using_index: None } => Some(self.twice(columns, &named(columns), None, false)),
            ConstraintKind::Check(expression) => Some(self.counting(&[], &format!("NOT ({})", on_one_line(expression)?))),
            ConstraintKind::NotNull { column } => Some(self.nulls(column)),
            ConstraintKind::ForeignKey { columns, reference } => {
                let query = orphans(self.dialect, self.table, columns, reference, self.catalog)?;
                Some(Demand {
                    table: self.table.clone(),
                    columns: columns.clone(),
                    other: Some(reference.table.clone()),
                    query,
                    lists_values: false,
                })
            }
            _ => None,
        }
    }

    fn index(&self, index: &Index) -> Option<Demand> {
        let keys: Option<Vec<String>> = index
            .keys
            .iter()
            .map(|key| match key {
                IndexKey::Column(name) => Some(quoted(self.dialect, name)),
                IndexKey::Expression(expression) => on_one_line(expression),
            })
            .collect();
        let keys = keys.filter(|_| index.unique && !index.prefixed)?;
        let columns = index.plain_columns();
        let columns = if columns.len() == index.keys.len() { columns } else { Vec::new() };
        let predicate = match &index.predicate {
            Some(predicate) => Some(on_one_line(predicate)?),
            None => None,
        };
        Some(self.twice(&columns, &keys, predicate.as_deref(), true))
    }

    /// Values that stand more than once; `nulls_differ`: those with a NULL do not count, else each of them is one too many.
    fn twice(&self, columns: &[String], keys: &[String], predicate: Option<&str>, nulls_differ: bool) -> Demand {
        let present = keys.iter().filter(|_| nulls_differ).map(|key| format!("{key} IS NOT NULL"));
        let conditions: Vec<String> = present.chain(predicate.map(|predicate| format!("({predicate})"))).collect();
        let condition = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let list = keys.join(", ");
        let table = relation(self.dialect, self.table);
        let or_null = keys.iter().filter(|_| !nulls_differ).map(|key| format!(" OR {key} IS NULL")).collect::<String>();
        let having = format!(" HAVING count(*) > 1{or_null}");
        let query = format!("SELECT {list}, count(*) FROM {table}{condition} GROUP BY {list}{having}");
        Demand { table: self.table.clone(), columns: columns.to_vec(), other: None, query, lists_values: true }
    }

    fn nulls(&self, column: &str) -> Demand {
        self.counting(&[column.to_owned()], &format!("{} IS NULL", quoted(self.dialect, column)))
    }

    fn counting(&self, columns: &[String], condition: &str) -> Demand {
        let query = format!("SELECT count(*) FROM {} WHERE {condition}", relation(self.dialect, self.table));
        Demand { table: self.table.clone(), columns: columns.to_vec(), other: None, query, lists_values: false }
    }

    /// Text in any column that another character set cannot write.
    fn converted(&self, charset: &str) -> Option<Demand> {
        let known = self.catalog.table(self.table)?;
        let texts = known.columns.iter().filter(|column| column.data_type.as_ref().is_some_and(is_text_of_mysql));
        let columns: Vec<String> = texts.map(|column| column.name.clone()).collect();
        let each: Option<Vec<String>> = columns.iter().map(|column| unwritable(&quoted(self.dialect, column), charset)).collect();
        let each = each.filter(|each| !each.is_empty())?;
        Some(self.counting(&columns, &each.join(" OR ")))
    }

    /// Values that another type does not hold, where the one that stands is known.
    fn values(&self, column: &str, wanted: &DataType) -> Option<Demand> {
        let stored = self.catalog.table(self.table)?.column(column)?.data_type.as_ref()?;
        let name = quoted(self.dialect, column);
        let charset = wanted.charset.as_deref().filter(|_| is_text_of_mysql(stored));
        let conditions = [
            too_long(self.dialect, stored, wanted, &name).or_else(|| out_of_range(stored, wanted, &name)),
            charset.and_then(|charset| unwritable(&name, charset)),
        ];
        let condition = conditions.into_iter().flatten().reduce(|one, other| format!("{one} OR {other}"))?;
        Some(self.counting(&[column.to_owned()], &condition))
    }
}

const TEXTS: &[&str] = &["text", "character varying", "character", "varchar", "char"];
const SIZED: &[&str] = &["character varying", "character", "varchar", "char"];

/// PostgreSQL cuts spaces at the end without a word, MariaDB does not (1265).
fn too_long(dialect: Dialect, stored: &DataType, wanted: &DataType, name: &str) -> Option<String> {
    let is_text = TEXTS.contains(&stored.name.as_str()) && SIZED.contains(&wanted.name.as_str());
    let most = wanted.number(0).filter(|_| is_text && stored.dimensions == 0 && wanted.dimensions == 0)?;
    let grows = SIZED.contains(&stored.name.as_str()) && stored.number(0).is_some_and(|stored| stored <= most);
    let counted = if dialect == Dialect::Postgresql { format!("rtrim({name})") } else { name.to_owned() };
    (!grows).then(|| format!("char_length({counted}) > {most}"))
}

/// `VARCHAR`, `TEXT`, `ENUM` and their like: what MariaDB and MySQL write in a character set.
fn is_text_of_mysql(data_type: &DataType) -> bool {
    ["character varying", "character", "varchar", "char", "tinytext", "text", "mediumtext", "longtext", "enum", "set"]
        .contains(&data_type.name.as_str())
}

/// Text that does not come back from a character set as it went in; `None` where each comes back, and where the name is none.
fn unwritable(name: &str, charset: &str) -> Option<String> {
    let is_name = charset.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let holds_all = ["utf8mb4", "utf16", "utf16le", "utf32", "gb18030", "binary", "default"].contains(&charset);
    let there_and_back = format!("BINARY CONVERT(CONVERT({name} USING {charset}) USING utf8mb4)");
    (is_name && !holds_all).then(|| format!("BINARY CONVERT({name} USING utf8mb4) <> {there_and_back}"))
}

fn out_of_range(stored: &DataType, wanted: &DataType, name: &str) -> Option<String> {
    let (least, most) = range(wanted)?;
    let (smallest, largest) = range(stored)?;
    match (smallest < least, largest > most) {
        (false, false) => None,
        (true, false) => Some(format!("{name} < {least}")),
        (false, true) => Some(format!("{name} > {most}")),
        (true, true) => Some(format!("{name} < {least} OR {name} > {most}")),
    }
}

/// The whole numbers that a type holds.
fn range(data_type: &DataType) -> Option<(i128, i128)> {
    let bits = match data_type.name.as_str() {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "integer" | "int" => 32,
        "bigint" => 64,
        _ => return None,
    };
    if data_type.dimensions > 0 {
        return None;
    }
    let half = 1_i128 << (bits - 1);
    Some(if data_type.unsigned { (0, 2 * half - 1) } else { (-half, half - 1) })
}

/// A check that says of a column that it is never NULL.
fn says_present(constraint: &Constraint, column: &str) -> bool {
    let ConstraintKind::Check(expression) = &constraint.kind else { return false };
    let words: Vec<&str> = expression.text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    matches!(words.as_slice(), [own, is, not, null] if own.eq_ignore_ascii_case(column)
        && is.eq_ignore_ascii_case("is") && not.eq_ignore_ascii_case("not") && null.eq_ignore_ascii_case("null"))
}

/// Counts the rows that point at nothing; `None`: the key they point at is not known.
#[must_use]
pub fn orphans(dialect: Dialect, table: &Name, columns: &[String], reference: &Reference, catalog: &Catalog) -> Option<String> {
    let key = catalog.table(&reference.table).and_then(|known| known.primary_key()).map(<[String]>::to_vec);
    let referred = if reference.columns.is_empty() { key? } else { reference.columns.clone() };
    let (written, parent) = (relation(dialect, table), relation(dialect, &reference.table));
    let pairs: Vec<String> =
        columns.iter().zip(&referred).map(|(own, other)| format!("p.{} = c.{}", quoted(dialect, other), quoted(dialect, own))).collect();
    let present = columns.iter().map(|own| format!("c.{} IS NOT NULL", quoted(dialect, own))).collect::<Vec<_>>().join(" AND ");
    Some(format!(
        "SELECT count(*) FROM {written} AS c WHERE {present} AND NOT EXISTS (SELECT 1 FROM {parent} AS p WHERE {})",
        pairs.join(" AND ")
    ))
}

/// An expression whose whole text is known, without line breaks; `None`: blanks in it may be a value's.
fn on_one_line(expression: &Expression) -> Option<String> {
    let line = expression.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let may_hold_blanks = line != expression.text && expression.text.contains(['\'', '"', '`', '$']);
    (expression.is_exact && !may_hold_blanks).then_some(line)
}

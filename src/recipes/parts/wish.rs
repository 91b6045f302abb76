//! What is wanted: a structured change, or naive DDL; both become statements of the dialect, read like any other SQL.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::dialect::{Dialect, Server};
use crate::fix::names::{quoted, relation};
use crate::recipes::parts::written::{columns, literal};
use crate::sql::change::{AlterAction, Change, ConstraintKind, DataType, Expression, Name, Reading};
use crate::sql::script;

/// One wanted change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// A statement that the dialect has.
    Statement(Box<Statement>),
    /// A value of an enum shall go.
    RemoveEnumValue(EnumValue),
    /// A column that lists its values itself shall take another one, or one less.
    ColumnValue(ColumnValue),
    /// Rows shall get a value.
    Backfill(Backfill),
    /// Columns of a table shall move to one of their own, row by row under the same key.
    SplitTable(Split),
    /// The rows of a table shall move into another one.
    MergeTables(Merge),
}

/// A statement that says the change in the shortest way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its text, without semicolon.
    pub sql: String,
    /// What it says.
    pub reading: Reading,
    /// The value that rows without one get, as SQL.
    pub fill: Option<String>,
}

/// A value of an enum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumValue {
    /// The enum.
    pub type_name: Name,
    /// The value.
    pub value: String,
    /// What its rows get instead.
    pub replacement: Option<String>,
}

/// A value of a column's own list: an `ENUM` of MySQL and MariaDB, a check of SQLite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnValue {
    /// The table.
    pub table: Name,
    /// The column.
    pub column: String,
    /// The value.
    pub value: String,
    /// What becomes of it.
    pub change: ValueChange,
}

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueChange {
    /// It comes, at the end or beside another.
    Add {
        /// In front of this one.
        before: Option<String>,
        /// Behind this one.
        after: Option<String>,
    },
    /// It goes.
    Remove {
        /// What its rows get instead.
        replacement: Option<String>,
    },
}

/// Rows that get a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// The table.
    pub table: Name,
    /// The column that is written.
    pub column: String,
    /// What it gets, as SQL.
    pub value: Option<String>,
    /// Which rows; default: those without a value.
    pub condition: Option<String>,
}

/// Columns that move to a table of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The table.
    pub table: Name,
    /// The new one.
    pub into: Name,
    /// The columns that move.
    pub columns: Vec<String>,
}

/// A table whose rows move into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The table that goes.
    pub from: Name,
    /// The table that stays.
    pub into: Name,
}

/// A wish that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WishError {
    /// What is wrong, with the value.
    pub message: String,
    /// What to write.
    pub hint: String,
}

fn wrong(message: String, hint: impl Into<String>) -> WishError {
    WishError { message, hint: hint.into() }
}

/// The kinds of changes, with the fields that each takes; `?` marks those that may be left out.
pub const KINDS: &[(&str, &str)] = &[
    ("add_column", "table, column, type, nullable?, default?, fill?, generated?, stored?, unique?, references?"),
    ("drop_column", "table, column"),
    ("rename_column", "table, column, new_name"),
    ("alter_column_type", "table, column, type, using?"),
    ("change_key_type", "table, column, type"),
    ("set_not_null", "table, column, fill?"),
    ("drop_not_null", "table, column"),
    ("set_default", "table, column, default"),
    ("drop_default", "table, column"),
    ("set_expression", "table, column, expression"),
    ("drop_expression", "table, column"),
    ("add_identity", "table, column"),
    ("drop_identity", "table, column"),
    (
        "add_constraint",
        "table, name?, and one of: check | columns with unique: true | columns with primary_key: true | columns with references | definition",
    ),
    ("drop_constraint", "table, name"),
    ("validate_constraint", "table, name"),
    ("rename_constraint", "table, name, new_name"),
    ("create_index", "table, columns, name?, unique?, where?, using?, include?"),
    ("drop_index", "name, table?"),
    ("rename_index", "name, new_name, table?"),
    ("create_table", "table, columns ([{name, type, nullable?, default?, primary_key?, …}]), constraints?"),
    ("drop_table", "table"),
    ("rename_table", "table, new_name"),
    ("set_schema", "table, schema"),
    ("split_table", "table, into, columns"),
    ("merge_tables", "table, into"),
    ("create_type", "type, values"),
    ("drop_type", "type"),
    ("add_enum_value", "type (where values belong to a column: table, column), value, before?, after?"),
    ("rename_enum_value", "type, value, new_name"),
    ("remove_enum_value", "type (or table, column), value, replacement?"),
    ("attach_partition", "table, partition, bound"),
    ("detach_partition", "table, partition"),
    ("create_view", "name, query"),
    ("drop_view", "name"),
    ("create_extension", "name"),
    ("drop_extension", "name"),
    ("create_schema", "name"),
    ("create_sequence", "name"),
    ("drop_sequence", "name"),
    ("truncate", "table"),
    ("comment", "table, column?, text"),
    ("enable_rls", "table"),
    ("backfill", "table, column, value, where?"),
];

/// Words that people use for a kind.
const ALIASES: &[(&str, &str)] = &[
    ("add_index", "create_index"),
    ("change_column_type", "alter_column_type"),
    ("change_type", "alter_column_type"),
    ("modify_column", "alter_column_type"),
    ("add_foreign_key", "add_constraint"),
    ("add_check", "add_constraint"),
    ("add_unique", "add_constraint"),
    ("add_primary_key", "add_constraint"),
    ("create_foreign_key", "add_constraint"),
    ("create_check_constraint", "add_constraint"),
    ("create_unique_constraint", "add_constraint"),
    ("add_table", "create_table"),
    ("create_enum", "create_type"),
    ("drop_foreign_key", "drop_constraint"),
    ("add_extension", "create_extension"),
    ("attach", "attach_partition"),
    ("detach", "detach_partition"),
    ("update", "backfill"),
];

/// The fields of a change, by name; each is used once, and what is left over is an error.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    kind: &'static str,
    used: BTreeSet<&'a str>,
}

impl<'a> Fields<'a> {
    fn value(&mut self, names: &[&str]) -> Option<&'a Value> {
        let (name, value) = names.iter().find_map(|name| self.map.get_key_value(*name))?;
        self.used.insert(name.as_str());
        Some(value).filter(|value| !value.is_null())
    }

    fn text(&mut self, names: &[&str]) -> Option<&'a str> {
        self.value(names)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    fn needed(&mut self, names: &[&str]) -> Result<&'a str, WishError> {
        let first = names.first().copied().unwrap_or_default();
        self.text(names)
            .ok_or_else(|| wrong(format!("`{}` has no `{first}`", self.kind), format!("`{}` takes {}", self.kind, fields_of(self.kind))))
    }

    fn flag(&mut self, names: &[&str]) -> Option<bool> {
        self.value(names)?.as_bool()
    }

    fn list(&mut self, names: &[&str]) -> Vec<String> {
        match self.value(names) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(one)) => one.split(',').map(|one| one.trim().to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    fn left_over(&self) -> Option<&str> {
        self.map.keys().map(String::as_str).find(|name| !self.used.contains(name))
    }
}

fn fields_of(kind: &str) -> &'static str {
    KINDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, fields)| fields)
}

/// The kind that a word stands for.
fn kind_of(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase().replace(['-', ' '], "_");
    let word = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word.as_str(), |(_, kind)| kind);
    KINDS.iter().find(|(kind, _)| *kind == word).map(|(kind, _)| *kind)
}

/// `shop.orders` as a name.
#[must_use]
pub fn name_of(text: &str) -> Name {
    match text.split_once('.') {
        Some((schema, name)) => Name { schema: Some(schema.trim_matches('"').to_owned()), name: name.trim_matches('"').to_owned() },
        None => Name::bare(text.trim_matches('"')),
    }
}

/// A value of JSON as SQL: a text that reads as an expression stays one, any other becomes a literal.
#[must_use]
pub fn value_sql(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if is_expression(text) => Some(text.trim().to_owned()),
        Value::String(text) => Some(literal(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_expression(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_lowercase();
    text.starts_with('\'') && text.len() > 1
        || text.parse::<f64>().is_ok()
        || text.contains('(') && text.ends_with(')')
        || text.contains("::")
        || text.contains("||")
        || matches!(lower.as_str(), "true" | "false" | "null" | "current_timestamp" | "current_date")
        || lower.starts_with("case ")
}

/// Reads one structured change; several wishes where it says several things.
///
/// # Errors
/// An unknown kind, a field that is missing or not known, a definition that the dialect's reader does not understand.
pub fn of_change(change: &Value, server: Server) -> Result<Vec<Wish>, WishError> {
    let Some(map) = change.as_object() else {
        return Err(wrong(
            format!("a change is an object with `kind`, not `{change}`"),
            "for example {\"kind\": \"drop_column\", \"table\": \"users\", \"column\": \"phone\"}",
        ));
    };
    let word =
        map.get("kind").or_else(|| map.get("type").filter(|_| !map.contains_key("kind"))).and_then(Value::as_str).unwrap_or_default();
    let Some(kind) = kind_of(word) else {
        let known = KINDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ");
        return Err(wrong(format!("`{word}` is no kind of change"), format!("kinds: {known}; or give the DDL as `sql`")));
    };
    let of_column = map.contains_key("table") && map.contains_key("column") && matches!(kind, "add_enum_value" | "remove_enum_value");
    if let Some(instead) = instead_of(kind, server.dialect).filter(|_| !of_column) {
        return Err(wrong(format!("{} has no `{kind}`", server.dialect.title()), instead));
    }
    let mut fields = Fields { map, kind, used: BTreeSet::from(["kind"]) };
    if !map.contains_key("kind") {
        fields.used.insert("type");
    }
    let wishes = read(kind, &mut fields, server)?;
    match fields.left_over() {
        Some(name) => Err(wrong(format!("`{kind}` has no field `{name}`"), format!("`{kind}` takes {}", fields_of(kind)))),
        None => Ok(wishes),
    }
}

/// What to ask for on a dialect that does not have a kind of change; `None`: it has it, or nobody has run it there.
fn instead_of(kind: &str, dialect: Dialect) -> Option<&'static str> {
    let is_sqlite = match dialect {
        Dialect::Sqlite => true,
        Dialect::Mysql | Dialect::Mariadb => false,
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => return None,
    };
    match kind {
        "create_type" | "drop_type" | "add_enum_value" | "rename_enum_value" | "remove_enum_value" if is_sqlite => {
            Some("a check holds the values: name `table` and `column`, or `drop_constraint` and `add_constraint` with the new list")
        }
        "create_type" | "drop_type" | "add_enum_value" | "rename_enum_value" | "remove_enum_value" => Some(
            "the values belong to the column: name `table` and `column`, or `alter_column_type` with the whole list as type, for example enum('new','paid')",
        ),
        "attach_partition" | "detach_partition" => Some("give the DDL of the dialect as `sql`"),
        "create_extension" | "drop_extension" | "enable_rls" | "create_schema" | "set_schema" => Some("leave it out on this dialect"),
        "add_identity" | "drop_identity" => Some("a column counts by AUTO_INCREMENT there, on SQLite by INTEGER PRIMARY KEY"),
        "set_expression" | "drop_expression" => Some("`drop_column`, then `add_column` with `generated`"),
        "validate_constraint" => Some("`add_constraint` looks at the rows there"),
        "rename_index" if is_sqlite => Some("`create_index` under the new name, then `drop_index`"),
        "rename_constraint" if !is_sqlite => Some("`drop_constraint`, then `add_constraint` under the new name"),
        "truncate" if is_sqlite => Some("DELETE FROM the table, as `sql`"),
        "comment" => Some("leave it out, or say it in the definition of the column as `sql`"),
        "create_sequence" | "drop_sequence" if is_sqlite => Some("INTEGER PRIMARY KEY AUTOINCREMENT counts by itself"),
        _ => None,
    }
}

const TABLE: &[&str] = &["table", "table_name"];
const COLUMN: &[&str] = &["column", "column_name", "name"];
const NEW: &[&str] = &["new_name", "to", "new", "rename_to", "new_column", "new_column_name", "new_table", "new_value"];
const TYPE: &[&str] = &["type", "data_type", "new_type", "column_type"];
const DEFAULT: &[&str] = &["default", "server_default"];
const FILL: &[&str] = &["fill", "fill_value", "backfill"];
const ENUM: &[&str] = &["type", "enum", "type_name", "name"];

fn read(kind: &'static str, fields: &mut Fields<'_>, server: Server) -> Result<Vec<Wish>, WishError> {
    let dialect = server.dialect;
    let q = |name: &str| quoted(dialect, name);
    let table_of = |fields: &mut Fields<'_>| fields.needed(TABLE).map(|text| relation(dialect, &name_of(text)));
    let mut fill = None;
    let sql = match kind {
        "add_column" => return add_column(fields, server),
        "create_table" => create_table(fields, server)?,
        "add_constraint" => {
            let table = name_of(fields.needed(TABLE)?);
            format!("ALTER TABLE {} ADD {}", relation(dialect, &table), constraint(&table, fields, server)?)
        }
        "create_index" => create_index(fields, server)?,
        "drop_column" => format!("ALTER TABLE {} DROP COLUMN {}", table_of(fields)?, q(fields.needed(COLUMN)?)),
        "rename_column" => {
            let (table, from) = (table_of(fields)?, q(fields.needed(&["column", "from", "old_name", "old", "column_name", "name"])?));
            format!("ALTER TABLE {table} RENAME COLUMN {from} TO {}", q(fields.needed(NEW)?))
        }
        "alter_column_type" | "change_key_type" => {
            let (table, column, to) = (table_of(fields)?, q(fields.needed(COLUMN)?), fields.needed(TYPE)?);
            let using = fields.text(&["using"]);
            if dialect.is_mysql_family() {
                let using = using.map(written_expression);
                return in_words(&format!("ALTER TABLE {table} MODIFY COLUMN {column} {to}"), None, server, |name, data_type| {
                    Some(AlterAction::AlterColumnType { column: name, data_type: data_type?, using })
                });
            }
            let using = using.map(|using| format!(" USING {using}")).unwrap_or_default();
            format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {to}{using}")
        }
        "set_not_null" | "drop_not_null" if dialect.is_mysql_family() => {
            let sql = format!("ALTER TABLE {} MODIFY COLUMN {} int", table_of(fields)?, q(fields.needed(COLUMN)?));
            if kind == "drop_not_null" {
                return in_words(&sql, None, server, |column, _| Some(AlterAction::DropNotNull { column }));
            }
            fill = fields.value(FILL).or_else(|| fields.value(DEFAULT)).and_then(value_sql);
            return in_words(&sql, fill, server, |column, _| Some(AlterAction::SetNotNull { column }));
        }
        "set_not_null" => {
            let sql = format!("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", table_of(fields)?, q(fields.needed(COLUMN)?));
            fill = fields.value(FILL).or_else(|| fields.value(DEFAULT)).and_then(value_sql);
            sql
        }
        "drop_not_null" | "drop_default" | "drop_expression" | "drop_identity" => {
            let words = kind.replace('_', " ").to_uppercase();
            format!("ALTER TABLE {} ALTER COLUMN {} {words}", table_of(fields)?, q(fields.needed(COLUMN)?))
        }
        "add_identity" => {
            format!("ALTER TABLE {} ALTER COLUMN {} ADD GENERATED BY DEFAULT AS IDENTITY", table_of(fields)?, q(fields.needed(COLUMN)?))
        }
        "set_default" => {
            let (table, column) = (table_of(fields)?, q(fields.needed(COLUMN)?));
            let default = fields.value(&["default", "server_default", "value"]).and_then(value_sql);
            let default = default.ok_or_else(|| wrong("`set_default` has no `default`".to_owned(), "`drop_default` takes one away"))?;
            format!("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default}")
        }
        "set_expression" => {
            let (table, column) = (table_of(fields)?, q(fields.needed(COLUMN)?));
            format!("ALTER TABLE {table} ALTER COLUMN {column} SET EXPRESSION AS ({})", fields.needed(&["expression", "generated"])?)
        }
        "drop_constraint" | "validate_constraint" => {
            let words = kind.replace('_', " ").to_uppercase();
            format!("ALTER TABLE {} {words} {}", table_of(fields)?, q(fields.needed(&["name", "constraint"])?))
        }
        "rename_constraint" => {
            let (table, from) = (table_of(fields)?, q(fields.needed(&["name", "constraint"])?));
            format!("ALTER TABLE {table} RENAME CONSTRAINT {from} TO {}", q(fields.needed(NEW)?))
        }
        "drop_index" => {
            let name = relation(dialect, &name_of(fields.needed(&["name", "index"])?));
            let table = fields.text(TABLE).map(|table| relation(dialect, &name_of(table)));
            match table.filter(|_| dialect.is_mysql_family()) {
                Some(table) => format!("DROP INDEX {name} ON {table}"),
                None => format!("DROP INDEX {name}"),
            }
        }
        "rename_index" => {
            let name = relation(dialect, &name_of(fields.needed(&["name", "index"])?));
            let table = fields.text(TABLE).map(|table| relation(dialect, &name_of(table)));
            let to = q(fields.needed(NEW)?);
            match table {
                Some(table) if dialect.is_mysql_family() => format!("ALTER TABLE {table} RENAME INDEX {name} TO {to}"),
                None if dialect.is_mysql_family() => {
                    return Err(wrong("`rename_index` has no `table`".to_owned(), "an index has its name within its table there"));
                }
                _ => format!("ALTER INDEX {name} RENAME TO {to}"),
            }
        }
        "drop_table" => format!("DROP TABLE {}", relation(dialect, &name_of(fields.needed(&["table", "table_name", "name"])?))),
        "rename_table" => {
            let from = relation(dialect, &name_of(fields.needed(&["table", "from", "old_name", "table_name", "name"])?));
            format!("ALTER TABLE {from} RENAME TO {}", q(&name_of(fields.needed(NEW)?).name))
        }
        "set_schema" => format!("ALTER TABLE {} SET SCHEMA {}", table_of(fields)?, q(fields.needed(&["schema", "new_schema", "to"])?)),
        "split_table" => {
            let split = Split {
                table: name_of(fields.needed(TABLE)?),
                into: name_of(fields.needed(&["into", "new_table", "to", "new_name"])?),
                columns: fields.list(&["columns"]),
            };
            if split.columns.is_empty() {
                return Err(wrong("`split_table` has no `columns`".to_owned(), "name the columns that move"));
            }
            return Ok(vec![Wish::SplitTable(split)]);
        }
        "merge_tables" => {
            let from = name_of(fields.needed(&["table", "from", "source"])?);
            return Ok(vec![Wish::MergeTables(Merge { from, into: name_of(fields.needed(&["into", "to", "target"])?) })]);
        }
        "add_enum_value" | "remove_enum_value" if dialect.is_mysql_family() || dialect == Dialect::Sqlite => {
            let text = |fields: &mut Fields<'_>, names: &[&str]| fields.text(names).map(str::to_owned);
            let change = match kind {
                "add_enum_value" => ValueChange::Add { before: text(fields, &["before"]), after: text(fields, &["after"]) },
                _ => ValueChange::Remove { replacement: text(fields, &["replacement", "replace_with", "instead"]) },
            };
            return Ok(vec![Wish::ColumnValue(ColumnValue {
                table: name_of(fields.needed(TABLE)?),
                column: fields.needed(COLUMN)?.to_owned(),
                value: fields.needed(&["value", "new_value"])?.to_owned(),
                change,
            })]);
        }
        "create_type" => {
            let name = relation(dialect, &name_of(fields.needed(ENUM)?));
            let values = fields.list(&["values"]).iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ");
            format!("CREATE TYPE {name} AS ENUM ({values})")
        }
        "drop_type" => format!("DROP TYPE {}", relation(dialect, &name_of(fields.needed(ENUM)?))),
        "add_enum_value" => {
            let name = relation(dialect, &name_of(fields.needed(ENUM)?));
            let value = literal(fields.needed(&["value", "new_value"])?);
            let place = ["before", "after"]
                .iter()
                .find_map(|word| Some(format!(" {} {}", word.to_uppercase(), literal(fields.text(&[word])?))))
                .unwrap_or_default();
            format!("ALTER TYPE {name} ADD VALUE {value}{place}")
        }
        "rename_enum_value" => {
            let name = relation(dialect, &name_of(fields.needed(ENUM)?));
            let from = literal(fields.needed(&["value", "from", "old_value"])?);
            format!("ALTER TYPE {name} RENAME VALUE {from} TO {}", literal(fields.needed(NEW)?))
        }
        "remove_enum_value" => {
            return Ok(vec![Wish::RemoveEnumValue(EnumValue {
                type_name: name_of(fields.needed(ENUM)?),
                value: fields.needed(&["value"])?.to_owned(),
                replacement: fields.text(&["replacement", "replace_with", "instead"]).map(str::to_owned),
            })]);
        }
        "attach_partition" => {
            let (table, partition) = (table_of(fields)?, relation(dialect, &name_of(fields.needed(&["partition", "name"])?)));
            format!("ALTER TABLE {table} ATTACH PARTITION {partition} {}", fields.needed(&["bound", "bounds", "for_values"])?)
        }
        "detach_partition" => {
            let table = table_of(fields)?;
            format!("ALTER TABLE {table} DETACH PARTITION {}", relation(dialect, &name_of(fields.needed(&["partition", "name"])?)))
        }
        "create_view" => {
            let name = relation(dialect, &name_of(fields.needed(&["name", "view"])?));
            format!("CREATE VIEW {name} AS {}", fields.needed(&["query", "sql", "definition"])?)
        }
        "create_extension" | "drop_extension" | "create_schema" | "create_sequence" | "drop_sequence" | "drop_view" => {
            let words = kind.replace('_', " ").to_uppercase();
            format!("{words} {}", relation(dialect, &name_of(fields.needed(&["name", "extension", "schema", "sequence", "view"])?)))
        }
        "truncate" => format!("TRUNCATE TABLE {}", table_of(fields)?),
        "enable_rls" => format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", table_of(fields)?),
        "comment" => {
            let table = table_of(fields)?;
            let column = fields.text(&["column"]).map(q);
            let text = literal(fields.needed(&["text", "comment"])?);
            match column {
                Some(column) => format!("COMMENT ON COLUMN {table}.{column} IS {text}"),
                None => format!("COMMENT ON TABLE {table} IS {text}"),
            }
        }
        "backfill" => {
            return Ok(vec![Wish::Backfill(Backfill {
                table: name_of(fields.needed(TABLE)?),
                column: fields.needed(COLUMN)?.to_owned(),
                value: match fields.text(&["expression"]) {
                    Some(expression) => Some(expression.to_owned()),
                    None => fields.value(&["value", "fill", "default"]).and_then(value_sql),
                },
                condition: fields.text(&["where", "condition"]).map(str::to_owned),
            })]);
        }
        other => return Err(wrong(format!("`{other}` is no kind of change"), "give the DDL as `sql`")),
    };
    statements(&sql, fill, server)
}

/// A part of `ALTER TABLE` that MySQL and MariaDB only say by `MODIFY`, which says a column anew: what stands on it is known where it is planned.
fn in_words(
    sql: &str,
    fill: Option<String>,
    server: Server,
    action: impl FnOnce(String, Option<DataType>) -> Option<AlterAction>,
) -> Result<Vec<Wish>, WishError> {
    let mut wishes = statements(sql, fill, server)?;
    if let [Wish::Statement(statement)] = wishes.as_mut_slice()
        && let Change::AlterTable(alter) = &mut statement.reading.change
        && let [AlterAction::ChangeColumn { column, .. }] = alter.actions.as_slice()
        && let Some(action) = action(column.name.clone(), column.data_type.clone())
    {
        alter.actions = vec![action];
    }
    Ok(wishes)
}

/// An expression that is taken as it is written.
fn written_expression(text: &str) -> Expression {
    Expression { text: text.to_owned(), is_exact: true, ..Expression::default() }
}

/// A column's definition from its fields: text, value for existing rows, and what stands behind it as constraints of their own.
struct Defined {
    text: String,
    fill: Option<String>,
}

fn defined(name: &str, fields: &mut Fields<'_>, server: Server) -> Result<Defined, WishError> {
    let mut text = format!("{} {}", quoted(server.dialect, name), fields.needed(TYPE)?);
    let required = fields.flag(&["nullable"]) == Some(false) || fields.flag(&["not_null", "required"]) == Some(true);
    if let Some(expression) = fields.text(&["generated", "expression", "computed"]) {
        // Where a stored one copies the table and a virtual one costs nothing, a stored one is asked for by name.
        let is_stored = fields.flag(&["stored"]) == Some(true) || fields.flag(&["virtual"]) == Some(false);
        let takes_virtual = server.dialect.is_mysql_family() || server.dialect == Dialect::Sqlite;
        let word = if takes_virtual && !is_stored { "VIRTUAL" } else { "STORED" };
        text.push_str(&format!(" GENERATED ALWAYS AS ({expression}) {word}"));
    }
    if fields.value(&["identity"]).is_some_and(|value| value != &Value::Bool(false)) {
        text.push_str(" GENERATED BY DEFAULT AS IDENTITY");
    }
    if let Some(default) = fields.value(DEFAULT).and_then(value_sql) {
        text.push_str(&format!(" DEFAULT {default}"));
    }
    if required {
        text.push_str(" NOT NULL");
    }
    if fields.flag(&["primary_key"]) == Some(true) {
        text.push_str(" PRIMARY KEY");
    }
    Ok(Defined { text, fill: fields.value(FILL).and_then(value_sql) })
}

/// `{name, type, …}` under `column`, or the same fields beside it.
fn add_column(fields: &mut Fields<'_>, server: Server) -> Result<Vec<Wish>, WishError> {
    let table = name_of(fields.needed(TABLE)?);
    let written = relation(server.dialect, &table);
    let nested = match fields.map.get("column") {
        Some(Value::Object(map)) => Some(map),
        _ => None,
    };
    let mut own;
    let fields = match nested {
        Some(map) => {
            fields.used.insert("column");
            own = Fields { map, kind: "add_column", used: BTreeSet::new() };
            if let Some(fill) = fields.map.get("fill") {
                fields.used.insert("fill");
                let _ = fill;
            }
            &mut own
        }
        None => fields,
    };
    let column = fields.needed(COLUMN)?.to_owned();
    let Defined { text, fill } = defined(&column, fields, server)?;
    let unique = fields.flag(&["unique"]) == Some(true);
    let references = fields.value(&["references", "foreign_key"]).map(reference_text(server)).transpose()?;
    if nested.is_some()
        && let Some(name) = fields.left_over()
    {
        return Err(wrong(format!("`column` has no field `{name}`"), format!("`add_column` takes {}", fields_of("add_column"))));
    }
    // SQLite adds a column with its foreign key in an instant where it is NULL in each row; later only with a copy of the table.
    let is_whole =
        server.dialect == Dialect::Sqlite && !unique && fill.is_none() && !text.contains(" DEFAULT ") && !text.contains(" NOT NULL");
    let (whole, references) = match references {
        Some(reference) if is_whole => {
            let name = quoted(server.dialect, &format!("fk_{}_{column}", table.name));
            (format!(" CONSTRAINT {name} REFERENCES {reference}"), None)
        }
        other => (String::new(), other),
    };
    let mut wishes = statements(&format!("ALTER TABLE {written} ADD COLUMN {text}{whole}"), fill, server)?;
    let q = quoted(server.dialect, &column);
    if unique {
        let name = quoted(server.dialect, &format!("uq_{}_{column}", table.name));
        wishes.extend(statements(&format!("ALTER TABLE {written} ADD CONSTRAINT {name} UNIQUE ({q})"), None, server)?);
    }
    if let Some(reference) = references {
        let name = quoted(server.dialect, &format!("fk_{}_{column}", table.name));
        wishes.extend(statements(
            &format!("ALTER TABLE {written} ADD CONSTRAINT {name} FOREIGN KEY ({q}) REFERENCES {reference}"),
            None,
            server,
        )?);
    }
    Ok(wishes)
}

/// `users.id`, `users(id)`, or `{table, columns, on_delete}`.
fn reference_text(server: Server) -> impl Fn(&Value) -> Result<String, WishError> {
    move |value| {
        let dialect = server.dialect;
        match value {
            Value::String(text) if text.contains('(') => Ok(text.clone()),
            Value::String(text) => Ok(match text.rsplit_once('.') {
                Some((table, column)) => format!("{} ({})", relation(dialect, &name_of(table)), quoted(dialect, column)),
                None => relation(dialect, &name_of(text)),
            }),
            Value::Object(map) => {
                let mut fields = Fields { map, kind: "add_constraint", used: BTreeSet::new() };
                let table = relation(dialect, &name_of(fields.needed(TABLE)?));
                let own = fields.list(&["columns", "column"]);
                let own = if own.is_empty() { String::new() } else { format!(" ({})", columns(dialect, &own)) };
                let rule = fields.text(&["on_delete", "ondelete"]).map(|rule| format!(" ON DELETE {rule}")).unwrap_or_default();
                Ok(format!("{table}{own}{rule}"))
            }
            other => Err(wrong(format!("`references` is a table with a column, not `{other}`"), "for example \"users(id)\"")),
        }
    }
}

fn create_table(fields: &mut Fields<'_>, server: Server) -> Result<String, WishError> {
    let table = relation(server.dialect, &name_of(fields.needed(&["table", "name", "table_name"])?));
    let mut parts = Vec::new();
    for column in fields.value(&["columns"]).and_then(Value::as_array).into_iter().flatten() {
        match column {
            Value::String(text) => parts.push(text.clone()),
            Value::Object(map) => {
                let mut own = Fields { map, kind: "create_table", used: BTreeSet::new() };
                let name = own.needed(&["name", "column"])?.to_owned();
                let mut text = defined(&name, &mut own, server)?.text;
                if own.flag(&["unique"]) == Some(true) {
                    text.push_str(" UNIQUE");
                }
                if let Some(reference) = own.value(&["references", "foreign_key"]).map(reference_text(server)).transpose()? {
                    text.push_str(&format!(" REFERENCES {reference}"));
                }
                parts.push(text);
            }
            other => {
                return Err(wrong(
                    format!("a column is an object or its definition, not `{other}`"),
                    "for example {\"name\": \"id\", \"type\": \"bigint\", \"primary_key\": true}",
                ));
            }
        }
    }
    parts.extend(fields.list(&["constraints"]));
    if parts.is_empty() {
        return Err(wrong("`create_table` has no `columns`".to_owned(), format!("`create_table` takes {}", fields_of("create_table"))));
    }
    Ok(format!("CREATE TABLE {table} ({})", parts.join(", ")))
}

/// `CONSTRAINT name …`.
fn constraint(table: &Name, fields: &mut Fields<'_>, server: Server) -> Result<String, WishError> {
    let dialect = server.dialect;
    let given = fields.text(&["name", "constraint_name", "constraint"]);
    // `"constraint": "unique"` names none: it says which kind.
    let is_kind = |word: &&str| {
        ["unique", "check", "primary", "foreign"].iter().any(|kind| word.to_lowercase().split([' ', '_']).next() == Some(kind))
    };
    let kind = fields.text(&["type", "constraint_type"]).or(given.filter(is_kind)).unwrap_or_default().to_lowercase();
    let given = given.filter(|word| !is_kind(word));
    let own = fields.list(&["columns", "column"]);
    let named = |default: String| quoted(dialect, given.unwrap_or(&crate::recipes::parts::body::fitting(&default)));
    if let Some(check) = fields.text(&["check", "condition", "sqltext", "expression"]) {
        let check = check.strip_prefix("CHECK").or_else(|| check.strip_prefix("check")).unwrap_or(check).trim();
        let first: String = check.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).take(24).collect();
        let inner = if check.starts_with('(') && check.ends_with(')') { check.to_owned() } else { format!("({check})") };
        return Ok(format!("CONSTRAINT {} CHECK {inner}", named(format!("ck_{}_{}", table.name, first.trim_matches('_')))));
    }
    if let Some(value) = fields.value(&["references", "foreign_key", "referred"]) {
        let mut reference = reference_text(server)(value)?;
        let referred = fields.list(&["referred_columns", "ref_columns", "remote_columns"]);
        if !referred.is_empty() && !reference.contains('(') {
            reference.push_str(&format!(" ({})", columns(dialect, &referred)));
        }
        if let Some(rule) = fields.text(&["on_delete", "ondelete"]) {
            reference.push_str(&format!(" ON DELETE {rule}"));
        }
        let name = named(format!("fk_{}_{}", table.name, own.join("_")));
        return Ok(format!("CONSTRAINT {name} FOREIGN KEY ({}) REFERENCES {reference}", columns(dialect, &own)));
    }
    if fields.flag(&["primary_key"]) == Some(true) || kind.contains("primary") {
        return Ok(format!("CONSTRAINT {} PRIMARY KEY ({})", named(format!("{}_pkey", table.name)), columns(dialect, &own)));
    }
    let unique = fields.flag(&["unique"]) == Some(true) || kind.contains("unique");
    if unique && !own.is_empty() {
        return Ok(format!("CONSTRAINT {} UNIQUE ({})", named(format!("uq_{}_{}", table.name, own.join("_"))), columns(dialect, &own)));
    }
    match fields.text(&["definition", "sql"]) {
        Some(text) if text.to_lowercase().starts_with("constraint") || given.is_none() => Ok(text.to_owned()),
        Some(text) => Ok(format!("CONSTRAINT {} {text}", named(String::new()))),
        None => Err(wrong(
            "`add_constraint` does not say what it demands".to_owned(),
            format!("`add_constraint` takes {}", fields_of("add_constraint")),
        )),
    }
}

fn create_index(fields: &mut Fields<'_>, server: Server) -> Result<String, WishError> {
    let dialect = server.dialect;
    let table = name_of(fields.needed(TABLE)?);
    let keys = fields.list(&["columns", "column", "expressions", "keys"]);
    if keys.is_empty() {
        return Err(wrong("`create_index` has no `columns`".to_owned(), format!("`create_index` takes {}", fields_of("create_index"))));
    }
    let plain = |key: &String| key.chars().all(|c| c.is_alphanumeric() || c == '_');
    let words: Vec<String> = keys.iter().map(|key| key.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()).collect();
    let unique = if fields.flag(&["unique"]) == Some(true) { "UNIQUE " } else { "" };
    let default = crate::recipes::parts::body::fitting(&format!("ix_{}_{}", table.name, words.join("_").trim_matches('_')));
    let name = fields.text(&["name", "index"]).map_or(default, str::to_owned);
    let keys: Vec<String> = keys.iter().map(|key| if plain(key) { quoted(dialect, key) } else { key.clone() }).collect();
    let using = fields.text(&["using", "method"]).map(|using| format!("USING {using} ")).unwrap_or_default();
    let include = fields.list(&["include"]);
    let include = if include.is_empty() { String::new() } else { format!(" INCLUDE ({})", columns(dialect, &include)) };
    let condition = fields.text(&["where", "predicate"]).map(|text| format!(" WHERE {text}")).unwrap_or_default();
    let _ = fields.flag(&["concurrently"]);
    Ok(format!(
        "CREATE {unique}INDEX {} ON {} {using}({}){include}{condition}",
        quoted(dialect, &name),
        relation(dialect, &table),
        keys.join(", ")
    ))
}

/// Reads DDL: each statement is a wish, and each part of an `ALTER TABLE` too.
///
/// # Errors
/// A statement that is not understood, or that changes neither schema nor rows.
pub fn statements(sql: &str, fill: Option<String>, server: Server) -> Result<Vec<Wish>, WishError> {
    let script = script::read(sql.to_owned(), server);
    let mut wishes = Vec::new();
    for statement in &script.statements {
        let text = script.text_of(statement).trim().trim_end_matches(';').trim();
        let reading = &statement.reading;
        if let Some(why) = &reading.not_understood {
            return Err(wrong(
                format!("`{}` was not understood: {why}", crate::rules::shortened(text, 80)),
                "write it as the server takes it, or as a structured change",
            ));
        }
        match &reading.change {
            Change::Begin | Change::Commit | Change::Set { .. } => continue,
            Change::AlterTable(alter) if alter.actions.len() > 1 && !is_key_exchanged(&alter.actions) => {
                wishes.extend(parts_of(text, reading, server)?)
            }
            Change::Update(update) if update.columns.len() == 1 => wishes.push(update_wish(text, update)),
            _ => wishes.push(Wish::Statement(Box::new(Statement { sql: text.to_owned(), reading: reading.clone(), fill: fill.clone() }))),
        }
    }
    Ok(wishes)
}

/// `DROP PRIMARY KEY, ADD PRIMARY KEY`: in one statement the table is rebuilt while others write, in two it is copied while they wait.
fn is_key_exchanged(actions: &[AlterAction]) -> bool {
    matches!(actions, [AlterAction::DropPrimaryKey, AlterAction::AddConstraint(added)] if matches!(added.kind, ConstraintKind::PrimaryKey { .. }))
}

/// `UPDATE t SET c = x WHERE …` is a backfill.
fn update_wish(text: &str, update: &crate::sql::change::Update) -> Wish {
    let lower = text.to_lowercase();
    let set = lower.find(" set ").map_or(0, |at| at + 5);
    let condition = update.reach.condition.as_ref().map(|condition| condition.text.clone());
    let end = condition.as_ref().and_then(|_| lower.rfind(" where ")).unwrap_or(text.len());
    let value = text.get(set..end).and_then(|assigned| assigned.split_once('=')).map(|(_, value)| value.trim().to_owned());
    Wish::Backfill(Backfill { table: update.table.clone(), column: update.columns.first().cloned().unwrap_or_default(), value, condition })
}

/// The parts of an `ALTER TABLE` as statements of their own: cut at the commas outside of brackets and strings.
fn parts_of(text: &str, reading: &Reading, server: Server) -> Result<Vec<Wish>, WishError> {
    let Change::AlterTable(alter) = &reading.change else { return Ok(Vec::new()) };
    let (mut depth, mut quote, mut cuts) = (0_i32, None, Vec::new());
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => cuts.push(at),
            _ => {}
        }
    }
    cuts.push(text.len());
    let head = format!("ALTER TABLE {}", relation(server.dialect, &alter.table));
    let mut wishes = Vec::new();
    let mut from = None;
    for cut in cuts {
        let piece = match from {
            None => text.get(..cut).unwrap_or_default().to_owned(),
            Some(from) => format!("{head} {}", text.get(from..cut).unwrap_or_default().trim()),
        };
        wishes.extend(statements(&piece, None, server)?);
        from = Some(cut + 1);
    }
    if wishes.len() == alter.actions.len() {
        return Ok(wishes);
    }
    Err(wrong(format!("`{}` could not be taken apart", crate::rules::shortened(text, 80)), "write each part as a statement of its own"))
}

impl Statement {
    /// The only part of an `ALTER TABLE`, with its table.
    #[must_use]
    pub fn action(&self) -> Option<(&Name, &AlterAction)> {
        match &self.reading.change {
            Change::AlterTable(alter) => match alter.actions.as_slice() {
                [one] => Some((&alter.table, one)),
                _ => None,
            },
            _ => None,
        }
    }
}

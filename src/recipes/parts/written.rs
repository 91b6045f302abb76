//! Definitions as text: types, columns, constraints, indexes, as SQL and as Alembic's operations name them.

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::fix::{self, python_type};
use crate::recipes::parts::body::Line;
use crate::sql::catalog::{IndexState, Table};
use crate::sql::change::{Column, Constraint, ConstraintKind, DataType, Expression, Generated, Index, IndexKey, Name};

/// The name without PostgreSQL's default schema, for `schema=` of Alembic.
fn shown(name: &Name) -> Name {
    Name { schema: name.schema.clone().filter(|schema| schema != "public"), name: name.name.clone() }
}

/// `"users"`, and `, schema="x"` where there is one.
#[must_use]
pub fn python_table(name: &Name) -> (String, String) {
    (fix::python(&name.name), fix::python_schema(&shown(name)))
}

/// Columns with commas between them.
#[must_use]
pub fn columns(dialect: Dialect, names: &[String]) -> String {
    names.iter().map(|name| quoted(dialect, name)).collect::<Vec<_>>().join(", ")
}

/// A type as SQL.
#[must_use]
pub fn type_text(dialect: Dialect, data_type: &DataType) -> String {
    // The server writes a longtext with a check of its own for it.
    if data_type.json && dialect.is_mysql_family() {
        return "json".to_owned();
    }
    let mut text = match &data_type.schema {
        Some(schema) => format!("{}.{}", quoted(dialect, schema), quoted(dialect, &data_type.name)),
        // A user's own type; names of the server's are of several words, and need no quotes.
        None if dialect == Dialect::Postgresql && data_type.name.chars().any(char::is_uppercase) => quoted(dialect, &data_type.name),
        None => data_type.name.clone(),
    };
    if !data_type.arguments.is_empty() {
        let is_values = matches!(data_type.name.as_str(), "enum" | "set");
        let arguments = data_type.arguments.iter().map(|one| if is_values { literal(one) } else { one.clone() });
        let list = format!("({})", arguments.collect::<Vec<_>>().join(","));
        // `timestamp(3) with time zone`: the precision stands behind the first word.
        match text.split_once(" with") {
            Some((first, rest)) => text = format!("{first}{list} with{rest}"),
            None => text.push_str(&list),
        }
    }
    if data_type.unsigned {
        text.push_str(" unsigned");
    }
    for _ in 0..data_type.dimensions {
        text.push_str("[]");
    }
    if let Some(charset) = &data_type.charset {
        text.push_str(&format!(" CHARACTER SET {charset}"));
    }
    if let Some(collation) = &data_type.collation {
        let name = if dialect == Dialect::Postgresql { format!("\"{collation}\"") } else { collation.clone() };
        text.push_str(&format!(" COLLATE {name}"));
    }
    text
}

/// PostgreSQL cannot say whether two values of the type are equal: they are compared as text.
#[must_use]
pub fn has_no_equality(data_type: &DataType) -> bool {
    data_type.dimensions == 0 && matches!(data_type.name.as_str(), "json" | "xml" | "point" | "polygon")
}

/// An expression of a type, in a form that can be compared.
#[must_use]
pub fn comparable(dialect: Dialect, data_type: Option<&DataType>, expression: &str) -> String {
    let is_cast = dialect == Dialect::Postgresql && data_type.is_some_and(has_no_equality);
    let is_name = expression.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'));
    match (is_cast, is_name) {
        (false, _) => expression.to_owned(),
        (true, true) => format!("{expression}::text"),
        (true, false) => format!("({expression})::text"),
    }
}

/// Two values are equal, NULL to NULL too, in the dialect's words.
#[must_use]
pub fn same(dialect: Dialect, one: &str, other: &str) -> String {
    match dialect {
        Dialect::Mysql | Dialect::Mariadb => format!("{one} <=> ({other})"),
        Dialect::Sqlite => format!("{one} IS ({other})"),
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => format!("{one} IS NOT DISTINCT FROM ({other})"),
    }
}

/// Two values differ, NULL from a value too.
#[must_use]
pub fn differ(dialect: Dialect, one: &str, other: &str) -> String {
    match dialect {
        Dialect::Mysql | Dialect::Mariadb => format!("NOT ({one} <=> ({other}))"),
        Dialect::Sqlite => format!("{one} IS NOT ({other})"),
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => format!("{one} IS DISTINCT FROM ({other})"),
    }
}

/// A value of a column as it is compared with one of the same type to the byte: collations of MySQL and MariaDB take `a` for `A`.
#[must_use]
pub fn exactly(dialect: Dialect, value: &str) -> String {
    if dialect.is_mysql_family() { format!("CAST({value} AS BINARY)") } else { value.to_owned() }
}

/// A literal in single quotes.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A column's definition without constraints behind it; none where its text was cut when it was read.
#[must_use]
pub fn column_text(dialect: Dialect, column: &Column) -> Option<String> {
    let mut text = quoted(dialect, &column.name);
    if let Some(data_type) = &column.data_type {
        text.push(' ');
        let serial = match (data_type.serial, data_type.name.as_str()) {
            (true, "bigint") => Some("bigserial"),
            (true, "smallint") => Some("smallserial"),
            (true, _) => Some("serial"),
            (false, _) => None,
        };
        text.push_str(&serial.map_or_else(|| type_text(dialect, data_type), str::to_owned));
    }
    if let Some((kind, expression)) = &column.generated {
        let word = match kind {
            Generated::Stored => "STORED",
            Generated::Virtual => "VIRTUAL",
        };
        text.push_str(&format!(" GENERATED ALWAYS AS ({}) {word}", exact(expression)?));
    }
    if let Some(always) = column.identity {
        text.push_str(if always { " GENERATED ALWAYS AS IDENTITY" } else { " GENERATED BY DEFAULT AS IDENTITY" });
    }
    if let Some(default) = &column.default {
        text.push_str(&format!(" DEFAULT {}", exact(default)?));
    }
    if column.not_null && column.identity.is_none() {
        text.push_str(" NOT NULL");
    }
    if dialect.is_mysql_family() {
        text.push_str(&mysql_words(column));
    }
    Some(text)
}

/// What stands behind a column's default in MySQL and MariaDB.
#[must_use]
pub fn mysql_words(column: &Column) -> String {
    let mut text = String::new();
    if column.on_update {
        // As exact as the type: the server takes no other (1294).
        let digits = column.data_type.as_ref().and_then(|one| one.arguments.first()).map(|digits| format!("({digits})"));
        text.push_str(&format!(" ON UPDATE CURRENT_TIMESTAMP{}", digits.unwrap_or_default()));
    }
    if column.auto_increment {
        text.push_str(" AUTO_INCREMENT");
    }
    if let Some(comment) = &column.comment {
        text.push_str(&format!(" COMMENT {}", literal(comment)));
    }
    text
}

/// The text of an expression, where all of it is known.
#[must_use]
pub fn exact(expression: &Expression) -> Option<&str> {
    expression.is_exact.then_some(expression.text.as_str())
}

/// `op.add_column` in its own words where SQLAlchemy has them, else as SQL.
#[must_use]
pub fn add_column(dialect: Dialect, table: &Name, column: &Column) -> Option<Line> {
    let sql = format!("ALTER TABLE {} ADD COLUMN {}", relation(dialect, table), column_text(dialect, column)?);
    let plain = column.generated.is_none() && column.identity.is_none() && !column.auto_increment && dialect == Dialect::Postgresql;
    let Some(data_type) = column.data_type.as_ref().filter(|_| plain).and_then(python_type) else { return Some(Line::execute(sql)) };
    let default = match &column.default {
        Some(default) => format!(", server_default=sa.text({})", fix::python_sql(exact(default)?)),
        None => String::new(),
    };
    let (py_table, schema) = python_table(table);
    let nullable = if column.not_null { "False" } else { "True" };
    let python =
        format!("op.add_column({py_table}, sa.Column({}, {data_type}{default}, nullable={nullable}){schema})", fix::python(&column.name));
    Some(Line::operation(python, sql))
}

/// `op.drop_column`.
#[must_use]
pub fn drop_column(dialect: Dialect, table: &Name, column: &str) -> Line {
    let (py_table, schema) = python_table(table);
    let sql = format!("ALTER TABLE {} DROP COLUMN {}", relation(dialect, table), quoted(dialect, column));
    Line::operation(format!("op.drop_column({py_table}, {}{schema})", fix::python(column)), sql)
}

/// What stands behind the brackets of a table of MySQL or MariaDB: its character set and collation, which its columns take over.
#[must_use]
pub fn table_options(dialect: Dialect, table: &Table) -> String {
    if !dialect.is_mysql_family() {
        return String::new();
    }
    let option = |name: &str, word: &str| table.options.get(name).map(|value| format!(" {word}={value}")).unwrap_or_default();
    let comment = table.options.get("comment").map(|text| format!(" COMMENT={}", literal(text))).unwrap_or_default();
    format!("{}{}{comment}", option("charset", "DEFAULT CHARSET"), option("collate", "COLLATE"))
}

/// A constraint as `ADD` takes it, with its name.
#[must_use]
pub fn constraint_text(dialect: Dialect, name: &str, constraint: &Constraint) -> Option<String> {
    let mut text = format!("CONSTRAINT {} ", quoted(dialect, name));
    match &constraint.kind {
        ConstraintKind::Check(check) => text.push_str(&format!("CHECK ({})", exact(check)?)),
        ConstraintKind::Unique { columns: own, .. } => text.push_str(&format!("UNIQUE ({})", columns(dialect, own))),
        ConstraintKind::PrimaryKey { columns: own, .. } => text.push_str(&format!("PRIMARY KEY ({})", columns(dialect, own))),
        ConstraintKind::ForeignKey { columns: own, reference } => {
            text.push_str(&format!("FOREIGN KEY ({}) REFERENCES {}", columns(dialect, own), relation(dialect, &reference.table)));
            if !reference.columns.is_empty() {
                text.push_str(&format!(" ({})", columns(dialect, &reference.columns)));
            }
            for (word, action) in [("DELETE", &reference.on_delete), ("UPDATE", &reference.on_update)] {
                if let Some(action) = action {
                    text.push_str(&format!(" ON {word} {}", action.to_uppercase()));
                }
            }
        }
        ConstraintKind::NotNull { column } => text.push_str(&format!("NOT NULL {}", quoted(dialect, column))),
        ConstraintKind::Exclude { .. } | ConstraintKind::Default { .. } => return None,
    }
    if constraint.deferrable {
        text.push_str(" DEFERRABLE");
    }
    if constraint.initially_deferred {
        text.push_str(" INITIALLY DEFERRED");
    }
    if constraint.no_inherit {
        text.push_str(" NO INHERIT");
    }
    Some(text)
}

/// An index's keys with what stands in their brackets and behind.
fn index_body(dialect: Dialect, index: &Index) -> Option<String> {
    let mut keys = Vec::new();
    for key in &index.keys {
        keys.push(match key {
            IndexKey::Column(name) => quoted(dialect, name),
            IndexKey::Expression(expression) => exact(expression)?.to_owned(),
        });
    }
    let mut text = format!("({})", keys.join(", "));
    if !index.include.is_empty() {
        text.push_str(&format!(" INCLUDE ({})", columns(dialect, &index.include)));
    }
    if let Some(predicate) = &index.predicate {
        text.push_str(&format!(" WHERE {}", exact(predicate)?));
    }
    Some(text)
}

/// `CREATE INDEX` of an index that stands or is wanted; none where its text was cut or it cannot be written so.
#[must_use]
pub fn create_index(dialect: Dialect, table: &Name, name: &str, index: &Index, concurrently: bool) -> Option<Line> {
    if index.special.is_some() || index.prefixed {
        return None;
    }
    let unique = if index.unique { "UNIQUE " } else { "" };
    let word = if concurrently { "CONCURRENTLY " } else { "" };
    let method = index.method.as_ref().filter(|method| *method != "btree").map(|method| format!("USING {method} ")).unwrap_or_default();
    let sql = format!(
        "CREATE {unique}INDEX {word}{} ON {} {method}{}",
        quoted(dialect, name),
        relation(dialect, table),
        index_body(dialect, index)?
    );
    let plain = index.plain_columns().len() == index.keys.len();
    if !plain || index.predicate.is_some() || !index.include.is_empty() || !method.is_empty() {
        return Some(Line::execute(sql));
    }
    let (py_table, schema) = python_table(table);
    let unique = if index.unique { ", unique=True" } else { "" };
    let word = if concurrently { ", postgresql_concurrently=True" } else { "" };
    let python =
        format!("op.create_index({}, {py_table}, {}{unique}{schema}{word})", fix::python(name), fix::python_list(&index.plain_columns()));
    Some(Line::operation(python, sql))
}

/// `DROP INDEX`.
#[must_use]
pub fn drop_index(dialect: Dialect, table: &Name, name: &str, concurrently: bool) -> Line {
    let index = relation(dialect, &Name { schema: table.schema.clone(), name: name.to_owned() });
    if dialect.is_mysql_family() {
        return Line::execute(format!("DROP INDEX {} ON {}", quoted(dialect, name), relation(dialect, table)));
    }
    let (py_table, schema) = python_table(table);
    let word = if concurrently { ", postgresql_concurrently=True" } else { "" };
    let sql = format!("DROP INDEX {}{index}", if concurrently { "CONCURRENTLY " } else { "" });
    Line::operation(format!("op.drop_index({}, table_name={py_table}{schema}{word})", fix::python(name)), sql)
}

/// The statements that make what stood on a column again: indexes that carry no constraint.
#[must_use]
pub fn indexes_again(dialect: Dialect, table: &Name, states: &[&IndexState]) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    for state in states.iter().filter(|state| state.constraint.is_none() && !state.of_parent) {
        let name = state.index.name.clone()?;
        lines.push(create_index(dialect, table, &name, &state.index, false)?);
    }
    Some(lines)
}

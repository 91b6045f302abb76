//! The small words of which mends are written: SQL and Python names, quoted where they must be.

pub mod names;

use crate::sql::change::{DataType, Name};

/// A SQL name, in double quotes where the server would read it as another.
#[must_use]
pub fn ident(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

const RESERVED: &[&str] = &[
    "all",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "default",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "into",
    "limit",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "primary",
    "references",
    "select",
    "table",
    "then",
    "to",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "when",
    "where",
    "window",
    "with",
];

/// A SQL name with its schema.
#[must_use]
pub fn relation(name: &Name) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", ident(schema), ident(&name.name)),
        None => ident(&name.name),
    }
}

/// Several SQL names with commas between them.
#[must_use]
pub fn idents(names: &[String]) -> String {
    names.iter().map(|name| ident(name)).collect::<Vec<_>>().join(", ")
}

/// A Python string.
#[must_use]
pub fn python(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// A Python list of strings.
#[must_use]
pub fn python_list(names: &[String]) -> String {
    format!("[{}]", names.iter().map(|name| python(name)).collect::<Vec<_>>().join(", "))
}

/// `, schema="x"`, or nothing.
#[must_use]
pub fn python_schema(name: &Name) -> String {
    name.schema.as_ref().map(|schema| format!(", schema={}", python(schema))).unwrap_or_default()
}

/// `op.execute("…")` of one statement.
#[must_use]
pub fn execute(sql: &str) -> String {
    format!("op.execute({})", python_sql(sql.trim().trim_end_matches(';').trim_end()))
}

/// SQL as a Python string for `op.execute`: SQLAlchemy would read `:word` as a parameter.
#[must_use]
pub fn python_sql(sql: &str) -> String {
    let mut escaped = String::new();
    let mut before = ' ';
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        let names = rest.peek().is_some_and(|next| next.is_alphanumeric() || *next == '_');
        if c == '\\' {
            escaped.push_str("\\\\");
        } else if c == ':' && names && before != ':' && !before.is_alphanumeric() && before != '_' && before != '\\' {
            escaped.push_str("\\\\:");
        } else {
            escaped.push(c);
        }
        before = c;
    }
    if sql.contains('\n') {
        format!("\"\"\"\n{}\n\"\"\"", escaped.replace("\"\"\"", "\\\"\\\"\\\""))
    } else if escaped.contains('"') && !escaped.contains('\'') {
        format!("'{escaped}'")
    } else {
        format!("\"{}\"", escaped.replace('"', "\\\""))
    }
}

/// A type as SQLAlchemy names it; none for those that have no plain name there.
#[must_use]
pub fn python_type(data_type: &DataType) -> Option<String> {
    let plain = data_type.schema.is_none()
        && data_type.dimensions == 0
        && !data_type.unsigned
        && !data_type.serial
        && data_type.charset.is_none()
        && data_type.collation.is_none();
    let arguments = data_type.arguments.join(", ");
    let none = data_type.arguments.is_empty();
    let name = match (data_type.name.as_str(), none) {
        ("integer", true) => "sa.Integer()".to_owned(),
        ("bigint", true) => "sa.BigInteger()".to_owned(),
        ("smallint", true) => "sa.SmallInteger()".to_owned(),
        ("boolean", true) => "sa.Boolean()".to_owned(),
        ("text", true) => "sa.Text()".to_owned(),
        ("date", true) => "sa.Date()".to_owned(),
        ("timestamp without time zone" | "timestamp", true) => "sa.DateTime()".to_owned(),
        ("timestamp with time zone", true) => "sa.DateTime(timezone=True)".to_owned(),
        ("character varying" | "varchar", _) => format!("sa.String({arguments})"),
        ("numeric" | "decimal", _) => format!("sa.Numeric({arguments})"),
        _ => return None,
    };
    plain.then_some(name)
}

/// `op.add_column` of a column that may be NULL and has no default: what stands is not touched.
#[must_use]
pub fn add_nullable(table: &Name, column: &str, data_type: &DataType) -> String {
    match python_type(data_type) {
        Some(of_type) => format!(
            "op.add_column({}, sa.Column({}, {of_type}, nullable=True){})",
            python(&table.name),
            python(column),
            python_schema(table)
        ),
        None => execute(&format!("ALTER TABLE {} ADD COLUMN {} {data_type}", relation(table), ident(column))),
    }
}

/// The revisions that make a column NOT NULL without a long lock, numbered from `first`: a check that holds for new rows,
/// its validation, and NOT NULL, which the check proves. PostgreSQL.
#[must_use]
pub fn not_null(table: &Name, column: &str, first: usize) -> String {
    let (relation_sql, schema) = (relation(table), python_schema(table));
    let check = format!("{}_{column}_present", table.name);
    let (py_table, py_check) = (python(&table.name), python(&check));
    let condition = python_sql(&format!("{} IS NOT NULL", ident(column)));
    let validate = execute(&format!("ALTER TABLE {relation_sql} VALIDATE CONSTRAINT {}", ident(&check)));
    format!(
        "# revision {first}\nop.create_check_constraint({py_check}, {py_table}, {condition}{schema}, postgresql_not_valid=True)\n\
         # revision {}\n{validate}\n\
         # revision {}\nop.alter_column({py_table}, {}, nullable=False{schema})\nop.drop_constraint({py_check}, {py_table}{schema})",
        first + 1,
        first + 2,
        python(column)
    )
}

/// True when two statements have the same letters: blanks, double quotes and the case aside.
#[must_use]
pub fn same_letters(one: &str, other: &str) -> bool {
    let letters = |text: &str| {
        text.trim()
            .trim_end_matches(';')
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '"')
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    letters(one) == letters(other)
}

/// Operations that must run outside of a transaction.
#[must_use]
pub fn autocommit(operations: &str) -> String {
    let inner: Vec<String> = operations.lines().map(|line| format!("    {line}")).collect();
    format!("with op.get_context().autocommit_block():\n{}", inner.join("\n"))
}

/// The place behind the first of `words` in a statement, whatever its case.
#[must_use]
pub fn behind(sql: &str, words: &str) -> Option<usize> {
    sql.to_ascii_uppercase().find(&words.to_ascii_uppercase()).map(|at| at + words.len())
}

/// The statement with `text` put in at a byte.
#[must_use]
pub fn put_in(sql: &str, at: usize, text: &str) -> Option<String> {
    Some(format!("{}{text}{}", sql.get(..at)?, sql.get(at..)?))
}

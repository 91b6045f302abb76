//! The small words of which mends are written: SQL and Python names, quoted where they must be.

use crate::sql::change::Name;

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
    format!("op.execute({})", python(sql.trim().trim_end_matches(';')))
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

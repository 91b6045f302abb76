//! The revision that puts into the chain what a database has already: a no-op where it is there.

use serde::Serialize;

use super::ddl::{Made, parts};
use crate::dialect::Dialect;
use crate::snapshot::{Change, SchemaSnapshot};

/// Bodies of a revision, in Python.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// For the file's name.
    pub name: String,
    /// The body of `upgrade()`.
    pub upgrade: String,
    /// The body of `downgrade()`.
    pub downgrade: String,
}

/// The draft of statements up and down; `from` and `to` are the schemas without and with what they make.
pub(super) fn draft(up: &[Made], down: &[Made], from: &SchemaSnapshot, to: &SchemaSnapshot, dialect: Dialect) -> Draft {
    let name = match up.first().map(|made| made.label.replace(['.', ' ', '(', ')', '"', '`', ','], "_")) {
        Some(first) => format!("formalise_{}", first.trim_end_matches('_')),
        None => "formalise_drift".to_owned(),
    };
    Draft { name: name.to_lowercase(), upgrade: body(up, from, to, dialect), downgrade: body(down, to, from, dialect) }
}

fn body(statements: &[Made], from: &SchemaSnapshot, to: &SchemaSnapshot, dialect: Dialect) -> String {
    if statements.is_empty() {
        return "pass".to_owned();
    }
    let mut lines = Vec::new();
    for made in statements {
        let sql = format!("op.execute({})", python(&made.sql));
        let call = if made.sql.contains(" INDEX CONCURRENTLY ") {
            vec!["with op.get_context().autocommit_block():".to_owned(), format!("    {sql}")]
        } else {
            vec![sql]
        };
        match guard(made, from, to, dialect) {
            Some(condition) => {
                lines.push(format!("if {condition}:"));
                lines.extend(call.into_iter().map(|line| format!("    {line}")));
            }
            None => lines.extend(call),
        }
    }
    lines.join("\n")
}

/// A literal of Python on one line; a colon in front of a word is no parameter.
fn python(sql: &str) -> String {
    let mut text = String::new();
    let mut before = ' ';
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        let is_word = rest.peek().is_some_and(|next| next.is_alphanumeric() || *next == '_');
        if c == ':' && is_word && before != ':' && !before.is_alphanumeric() {
            text.push('\\');
        }
        text.push(c);
        before = c;
    }
    format!("{text:?}")
}

/// When the statement still has something to do; none where the statement says it itself.
fn guard(made: &Made, from: &SchemaSnapshot, to: &SchemaSnapshot, dialect: Dialect) -> Option<String> {
    let object = to.objects.get(&made.label).or_else(|| from.objects.get(&made.label))?;
    let inspector = "sa.inspect(op.get_bind())";
    let is = match made.change {
        Change::New => "not in",
        Change::Gone => "in",
        Change::Changed => return None,
    };
    let (table, own) = parts(object);
    let own = unquoted(&own);
    let among = |question: &str, table: &str| {
        let (schema, table) = split(table, dialect);
        format!("{own:?} {is} {{one[\"name\"] for one in {inspector}.{question}({table:?}{schema})}}")
    };
    match object.kind.as_str() {
        "table" => {
            let (schema, table) = split(&object.name, dialect);
            let has = format!("{inspector}.has_table({table:?}{schema})");
            Some(if made.change == Change::New { format!("not {has}") } else { has })
        }
        "column" => Some(among("get_columns", &table)),
        "index" => {
            let name = object.attributes.get("own_name").map(|name| unquoted(name)).unwrap_or_else(|| own.clone());
            let (schema, table) = split(&table, dialect);
            Some(format!("{name:?} {is} {{one[\"name\"] for one in {inspector}.get_indexes({table:?}{schema})}}"))
        }
        "view" if dialect != Dialect::Sqlite && made.change == Change::New => None,
        "view" => {
            let (schema, view) = split(&object.name, dialect);
            let schema = schema.trim_start_matches(", ");
            Some(format!("{view:?} {is} {inspector}.get_view_names({schema})"))
        }
        "constraint" | "trigger" | "sequence" | "type" | "function" | "procedure" | "policy" | "rule" | "extension" | "schema"
        | "materialized_view" => {
            let rows = catalogue(object.kind.as_str(), &table, &own, &object.name, dialect)?;
            let not = if made.change == Change::New { "not " } else { "" };
            Some(format!("{not}op.get_bind().exec_driver_sql({rows:?}).first()"))
        }
        _ => None,
    }
}

/// A query that gives a row where the object is.
fn catalogue(kind: &str, table: &str, own: &str, name: &str, dialect: Dialect) -> Option<String> {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match dialect {
        Dialect::Postgresql => Some(match kind {
            "constraint" => format!("SELECT 1 FROM pg_constraint WHERE conname = {} AND conrelid = {}::regclass", text(own), text(table)),
            "trigger" => format!("SELECT 1 FROM pg_trigger WHERE tgname = {} AND tgrelid = {}::regclass", text(own), text(table)),
            "policy" => format!("SELECT 1 FROM pg_policy WHERE polname = {} AND polrelid = {}::regclass", text(own), text(table)),
            "rule" => format!("SELECT 1 FROM pg_rewrite WHERE rulename = {} AND ev_class = {}::regclass", text(own), text(table)),
            "sequence" | "materialized_view" => format!("SELECT 1 WHERE to_regclass({}) IS NOT NULL", text(name)),
            "type" => format!("SELECT 1 WHERE to_regtype({}) IS NOT NULL", text(name)),
            "function" | "procedure" => format!("SELECT 1 WHERE to_regprocedure({}) IS NOT NULL", text(name)),
            "extension" => format!("SELECT 1 FROM pg_extension WHERE extname = {}", text(&unquoted(name))),
            "schema" => format!("SELECT 1 WHERE to_regnamespace({}) IS NOT NULL", text(name)),
            _ => return None,
        }),
        Dialect::Mysql | Dialect::Mariadb => Some(match kind {
            "constraint" => format!(
                "SELECT 1 FROM information_schema.table_constraints WHERE table_schema = DATABASE() AND table_name = {} AND constraint_name = {}",
                text(table),
                text(own)
            ),
            "trigger" => {
                format!("SELECT 1 FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND trigger_name = {}", text(name))
            }
            "function" | "procedure" => {
                format!("SELECT 1 FROM information_schema.routines WHERE routine_schema = DATABASE() AND routine_name = {}", text(name))
            }
            "sequence" => {
                format!("SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = {}", text(name))
            }
            _ => return None,
        }),
        Dialect::Sqlite => Some(format!("SELECT 1 FROM sqlite_master WHERE type = {} AND lower(name) = {}", text(kind), text(name))),
        Dialect::Mssql | Dialect::Oracle => None,
    }
}

/// Schema (as a further argument) and name of a table as SQLAlchemy takes them.
fn split(table: &str, dialect: Dialect) -> (String, String) {
    match table.split_once('.') {
        Some(("public", name)) if dialect == Dialect::Postgresql => (String::new(), unquoted(name)),
        Some((schema, name)) if dialect == Dialect::Postgresql => (format!(", schema={:?}", unquoted(schema)), unquoted(name)),
        _ => (String::new(), unquoted(table)),
    }
}

fn unquoted(name: &str) -> String {
    name.trim_matches(['"', '`']).to_owned()
}

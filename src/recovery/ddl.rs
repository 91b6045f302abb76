//! The statements that lead from one schema to another, written of their objects. Not everything can be written this
//! way: what cannot is named, and a plan that was not tried on a scratch database is not called proven.

use std::collections::BTreeSet;

use super::pieces::Texts;
use crate::dialect::Dialect;
use crate::snapshot::likeness::differences;
use crate::snapshot::{Change, Object, SchemaSnapshot};

/// Statements, and the objects for which none could be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) statements: Vec<Made>,
    pub(super) unwritten: Vec<String>,
}

/// A statement and the object it makes, changes or drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) label: String,
    pub(super) change: Change,
    pub(super) sql: String,
}

/// In which order kinds are made; they are dropped the other way round.
const ORDER: &[&str] = &[
    "schema",
    "extension",
    "type",
    "sequence",
    "function",
    "procedure",
    "table",
    "column",
    "index",
    "constraint",
    "view",
    "materialized_view",
    "trigger",
    "rule",
    "policy",
    "event",
    "statistics",
    "comment",
];

fn rank(label: &str) -> usize {
    let kind = label.split(' ').next().unwrap_or_default();
    ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len())
}

/// From `from` to `to`; `texts` are the definitions of `to`.
pub(super) fn way(from: &SchemaSnapshot, to: &SchemaSnapshot, dialect: Dialect, texts: &Texts) -> Way {
    let found = differences(from, to);
    let mut seen = BTreeSet::new();
    let mut all: Vec<(&str, Change)> = Vec::new();
    for one in &found {
        if seen.insert(one.object.as_str()) {
            all.push((&one.object, one.change));
        }
    }
    let mut way = Way::default();
    let of = |change: Change| {
        let mut labels: Vec<&str> = all.iter().filter(|(_, other)| *other == change).map(|(label, _)| *label).collect();
        labels.sort_by_key(|label| (rank(label), *label));
        labels
    };
    let mut add = |label: &str, change: Change, made: Option<Vec<String>>| match made {
        Some(statements) => way.statements.extend(statements.into_iter().map(|sql| Made { label: label.to_owned(), change, sql })),
        None => way.unwritten.push(label.to_owned()),
    };
    // A view whose text changes may hold on to what goes: it is taken away first and made again at the end.
    let renewed = |label: &&str| rank(label) >= rank("view") && !label.starts_with("comment ");
    let (last, changing): (Vec<&str>, Vec<&str>) = of(Change::Changed).into_iter().partition(renewed);
    for label in last.iter().rev() {
        add(label, Change::Changed, from.objects.get(*label).and_then(|object| dropped(object, from, dialect)).map(|sql| vec![sql]));
    }
    for label in of(Change::Gone).into_iter().rev() {
        add(label, Change::Gone, from.objects.get(label).and_then(|object| dropped(object, from, dialect)).map(|sql| vec![sql]));
    }
    for label in changing {
        let made =
            from.objects.get(label).zip(to.objects.get(label)).and_then(|(old, new)| changed(label, old, new, (from, to), dialect, texts));
        add(label, Change::Changed, made);
    }
    for label in of(Change::New) {
        add(label, Change::New, to.objects.get(label).and_then(|object| made(label, object, to, dialect, texts)));
    }
    for label in last {
        add(label, Change::Changed, to.objects.get(label).and_then(|object| made(label, object, to, dialect, texts)));
    }
    way
}

/// A name as SQL writes it: PostgreSQL's come quoted already.
fn quoted(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Mysql | Dialect::Mariadb => format!("`{}`", name.replace('`', "``")),
        Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => name.to_owned(),
    }
}

/// The name of the table that an object belongs to, and its own name behind it.
pub(super) fn parts(object: &Object) -> (String, String) {
    let above = object.belongs_to.as_deref().and_then(|above| above.split_once(' ')).map(|(_, name)| name.to_owned()).unwrap_or_default();
    let own = object.name.strip_prefix(&above).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&object.name);
    (above.clone(), own.trim_end_matches(" (check)").to_owned())
}

fn attribute<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.attributes.get(name).map(String::as_str)
}

fn is_set(object: &Object, name: &str) -> bool {
    attribute(object, name).is_some_and(|value| value == "true")
}

/// What takes an object away.
fn dropped(object: &Object, schema: &SchemaSnapshot, dialect: Dialect) -> Option<String> {
    let (table, own) = parts(object);
    let (table, own) = (quoted(&table, dialect), quoted(&own, dialect));
    let name = quoted(&object.name, dialect);
    Some(match (object.kind.as_str(), dialect) {
        ("table", _) => format!("DROP TABLE {name}"),
        ("column", _) => format!("ALTER TABLE {table} DROP COLUMN {own}"),
        ("index", Dialect::Mysql | Dialect::Mariadb) if own == "`PRIMARY`" => format!("ALTER TABLE {table} DROP PRIMARY KEY"),
        ("index", Dialect::Mysql | Dialect::Mariadb) => format!("DROP INDEX {own} ON {table}"),
        ("index", Dialect::Postgresql) if stands(object, schema) => format!("DROP INDEX CONCURRENTLY {name}"),
        ("index", _) => format!("DROP INDEX {name}"),
        ("constraint", Dialect::Sqlite) => return None,
        ("constraint", Dialect::Mysql | Dialect::Mariadb) => match attribute(object, "references") {
            Some(_) => format!("ALTER TABLE {table} DROP FOREIGN KEY {own}"),
            None => format!("ALTER TABLE {table} DROP CONSTRAINT {own}"),
        },
        ("constraint", _) => format!("ALTER TABLE {table} DROP CONSTRAINT {own}"),
        ("view", _) => format!("DROP VIEW {name}"),
        ("materialized_view", _) => format!("DROP MATERIALIZED VIEW {name}"),
        ("trigger", Dialect::Postgresql) => format!("DROP TRIGGER {own} ON {table}"),
        ("trigger", _) => format!("DROP TRIGGER {name}"),
        ("function", Dialect::Postgresql) if attribute(object, "kind") == Some("p") => format!("DROP PROCEDURE {name}"),
        ("function", _) => format!("DROP FUNCTION {name}"),
        ("procedure", _) => format!("DROP PROCEDURE {name}"),
        ("event", _) => format!("DROP EVENT {name}"),
        ("sequence", _) => format!("DROP SEQUENCE {name}"),
        ("type", _) if attribute(object, "kind") == Some("d") => format!("DROP DOMAIN {name}"),
        ("type", _) => format!("DROP TYPE {name}"),
        ("schema", _) => format!("DROP SCHEMA {name}"),
        ("extension", _) => format!("DROP EXTENSION {name}"),
        ("rule", _) => format!("DROP RULE {own} ON {table}"),
        ("policy", _) => format!("DROP POLICY {own} ON {table}"),
        ("statistics", _) => format!("DROP STATISTICS {name}"),
        ("comment", Dialect::Postgresql) => format!("COMMENT ON {} IS NULL", commented(object)?),
        _ => return None,
    })
}

/// An index without a table that is partitioned, which nothing drops concurrently.
fn stands(index: &Object, schema: &SchemaSnapshot) -> bool {
    let table = index.belongs_to.as_deref().and_then(|label| schema.objects.get(label));
    !index.attributes.contains_key("parents") && !table.is_some_and(|table| table.attributes.contains_key("partitioned"))
}

/// What a comment is on: `TABLE public.users`, `COLUMN public.users.id`.
fn commented(object: &Object) -> Option<String> {
    let pairs = [
        ("table column ", "COLUMN "),
        ("view column ", "COLUMN "),
        ("materialized view ", "MATERIALIZED VIEW "),
        ("table ", "TABLE "),
        ("view ", "VIEW "),
        ("index ", "INDEX "),
        ("sequence ", "SEQUENCE "),
        ("function ", "FUNCTION "),
        ("type ", "TYPE "),
        ("schema ", "SCHEMA "),
    ];
    pairs.iter().find_map(|(kind, word)| object.name.strip_prefix(kind).map(|name| format!("{word}{name}")))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What makes an object and all that belongs to it.
fn made(label: &str, object: &Object, schema: &SchemaSnapshot, dialect: Dialect, texts: &Texts) -> Option<Vec<String>> {
    match dialect {
        Dialect::Postgresql => made_in_postgresql(label, object, schema),
        Dialect::Mysql | Dialect::Mariadb => made_in_mysql(label, object, texts).map(|sql| vec![sql]),
        Dialect::Sqlite => made_in_sqlite(label, object, schema, texts),
        Dialect::Mssql | Dialect::Oracle => None,
    }
}

fn below<'a>(label: &'a str, schema: &'a SchemaSnapshot) -> impl Iterator<Item = (&'a String, &'a Object)> {
    schema.objects.iter().filter(move |(_, object)| object.belongs_to.as_deref() == Some(label))
}

fn made_in_sqlite(label: &str, object: &Object, schema: &SchemaSnapshot, texts: &Texts) -> Option<Vec<String>> {
    if object.kind == "column" {
        let (table, own) = parts(object);
        let mut sql = format!("ALTER TABLE \"{table}\" ADD COLUMN \"{own}\" {}", attribute(object, "type").unwrap_or_default());
        if object.attributes.contains_key("generated") {
            return None;
        }
        if let Some(default) = attribute(object, "default") {
            sql.push_str(&format!(" DEFAULT ({default})"));
        }
        if is_set(object, "not_null") {
            sql.push_str(" NOT NULL");
        }
        return Some(vec![sql.trim_end().to_owned()]);
    }
    let mut statements = vec![texts.get(label)?.clone()];
    for (child, _) in below(label, schema).filter(|(_, child)| matches!(child.kind.as_str(), "index" | "trigger")) {
        statements.push(texts.get(child)?.clone());
    }
    Some(statements)
}

fn made_in_mysql(label: &str, object: &Object, texts: &Texts) -> Option<String> {
    let (table, _) = parts(object);
    let definition = attribute(object, "definition");
    Some(match object.kind.as_str() {
        "table" => texts.get(label)?.clone(),
        "column" => format!("ALTER TABLE `{table}` ADD COLUMN {}", texts.get(label)?),
        "index" | "constraint" => format!("ALTER TABLE `{table}` ADD {}", texts.get(label)?),
        "view" => format!("CREATE OR REPLACE VIEW {}", definition?),
        "sequence" => definition?.to_owned(),
        "trigger" => {
            let when = attribute(object, "when")?;
            let when = when.rsplit_once(' ').map_or(when, |(words, _)| words);
            format!("CREATE TRIGGER `{}` {when} ON `{table}` FOR EACH ROW {}", object.name, definition?)
        }
        "function" => format!("CREATE FUNCTION {}", definition?),
        "procedure" => format!("CREATE PROCEDURE {}", definition?),
        "event" => format!("CREATE EVENT {}", definition?),
        _ => return None,
    })
}

fn made_in_postgresql(label: &str, object: &Object, schema: &SchemaSnapshot) -> Option<Vec<String>> {
    let (table, own) = parts(object);
    let name = &object.name;
    let definition = attribute(object, "definition");
    Some(vec![match object.kind.as_str() {
        "schema" => format!("CREATE SCHEMA {name}"),
        "extension" => format!("CREATE EXTENSION {name}"),
        "type" => type_of(object)?,
        "sequence" => format!("CREATE SEQUENCE {name}{}", sequence_words(object)),
        "function" if attribute(object, "kind") != Some("a") => definition?.trim_end().to_owned(),
        "table" => return table_of(label, object, schema),
        "column" => format!("ALTER TABLE {table} ADD COLUMN {}", column_words(&own, object)),
        "index" => {
            let (head, rest) = definition?.split_once(" INDEX ON ")?;
            let how = if stands(object, schema) { "CONCURRENTLY " } else { "" };
            format!("{head} INDEX {how}{} ON {rest}", attribute(object, "own_name")?)
        }
        "constraint" if object.belongs_to.as_deref().is_some_and(|above| above.starts_with("table ")) => {
            format!("ALTER TABLE {table} ADD CONSTRAINT {own} {}", definition?)
        }
        "view" => {
            format!("CREATE OR REPLACE VIEW {name}{} AS {}", options_of(object), attribute(object, "body")?.trim().trim_end_matches(';'))
        }
        "materialized_view" => format!("CREATE MATERIALIZED VIEW {name} AS {}", attribute(object, "body")?.trim().trim_end_matches(';')),
        "trigger" | "rule" | "statistics" => definition?.to_owned(),
        "policy" => policy_of(&own, &table, object),
        "comment" => format!("COMMENT ON {} IS {}", commented(object)?, literal(attribute(object, "text")?)),
        _ => return None,
    }])
}

fn options_of(object: &Object) -> String {
    attribute(object, "options").map(|options| format!(" WITH ({options})")).unwrap_or_default()
}

fn policy_of(own: &str, table: &str, object: &Object) -> String {
    let kind = if attribute(object, "permissive") == Some("false") { "RESTRICTIVE" } else { "PERMISSIVE" };
    let command = match attribute(object, "command") {
        Some("r") => "SELECT",
        Some("a") => "INSERT",
        Some("w") => "UPDATE",
        Some("d") => "DELETE",
        _ => "ALL",
    };
    let roles = attribute(object, "roles").unwrap_or("PUBLIC");
    let mut sql = format!("CREATE POLICY {own} ON {table} AS {kind} FOR {command} TO {roles}");
    if let Some(using) = attribute(object, "using") {
        sql.push_str(&format!(" USING ({using})"));
    }
    if let Some(check) = attribute(object, "check") {
        sql.push_str(&format!(" WITH CHECK ({check})"));
    }
    sql
}

fn type_of(object: &Object) -> Option<String> {
    let name = &object.name;
    Some(match attribute(object, "kind")? {
        "e" => format!("CREATE TYPE {name} AS ENUM ({})", attribute(object, "labels").unwrap_or_default()),
        "c" => format!("CREATE TYPE {name} AS ({})", attribute(object, "fields").unwrap_or_default()),
        "d" => {
            let default = attribute(object, "default").map(|default| format!(" DEFAULT {default}")).unwrap_or_default();
            let not_null = if is_set(object, "not_null") { " NOT NULL" } else { "" };
            format!("CREATE DOMAIN {name} AS {}{default}{not_null}", attribute(object, "base")?)
        }
        _ => return None,
    })
}

fn sequence_words(object: &Object) -> String {
    let word = |name: &str, sql: &str| attribute(object, name).map(|value| format!(" {sql} {value}")).unwrap_or_default();
    let cycle = if is_set(object, "cycle") { " CYCLE" } else { " NO CYCLE" };
    format!(
        "{}{}{}{}{}{}{cycle}",
        word("type", "AS"),
        word("increment", "INCREMENT BY"),
        word("minimum", "MINVALUE"),
        word("maximum", "MAXVALUE"),
        word("start", "START WITH"),
        word("cache", "CACHE")
    )
}

fn column_words(own: &str, object: &Object) -> String {
    let mut sql = format!("{own} {}", attribute(object, "type").unwrap_or_default());
    if let Some(collation) = attribute(object, "collation") {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(default) = attribute(object, "default") {
        sql.push_str(&format!(" DEFAULT {default}"));
    }
    if let Some((kind, formula)) = attribute(object, "generated").and_then(|generated| generated.split_once(' ')) {
        sql.push_str(&format!(" GENERATED ALWAYS AS ({formula}) {}", if kind == "v" { "VIRTUAL" } else { "STORED" }));
    }
    match attribute(object, "identity") {
        Some("a") => sql.push_str(" GENERATED ALWAYS AS IDENTITY"),
        Some(_) => sql.push_str(" GENERATED BY DEFAULT AS IDENTITY"),
        None => {}
    }
    if is_set(object, "not_null") {
        sql.push_str(" NOT NULL");
    }
    sql
}

fn table_of(label: &str, object: &Object, schema: &SchemaSnapshot) -> Option<Vec<String>> {
    if ["parents", "bound", "of_type", "server"].iter().any(|name| object.attributes.contains_key(*name)) {
        return None;
    }
    let mut columns: Vec<&Object> = below(label, schema).map(|(_, child)| child).filter(|child| child.kind == "column").collect();
    columns.sort_by_key(|column| attribute(column, "rank").and_then(|rank| rank.parse::<u32>().ok()).unwrap_or(0));
    let labels: Vec<String> = columns.iter().map(|column| format!("column {}", column.name)).collect();
    let sequences: Vec<&Object> =
        labels.iter().flat_map(|column| below(column, schema)).map(|(_, child)| child).filter(|child| child.kind == "sequence").collect();
    // The sequence of an identity column comes with it; that of a serial one stands before the table.
    let is_of_identity = |sequence: &&Object| {
        let column = sequence.belongs_to.as_deref().and_then(|label| schema.objects.get(label));
        column.is_some_and(|column| column.attributes.contains_key("identity"))
    };
    let own: Vec<&Object> = sequences.into_iter().filter(|sequence| !is_of_identity(sequence)).collect();
    let mut statements: Vec<String> =
        own.iter().map(|sequence| format!("CREATE SEQUENCE {}{}", sequence.name, sequence_words(sequence))).collect();
    let mut items: Vec<String> = columns.iter().map(|column| column_words(&parts(column).1, column)).collect();
    let mut later = Vec::new();
    for (child_label, child) in below(label, schema) {
        match child.kind.as_str() {
            "constraint" if attribute(child, "type") == Some("f") => later.extend(made_in_postgresql(child_label, child, schema)?),
            "constraint" => items.push(format!("CONSTRAINT {} {}", parts(child).1, attribute(child, "definition")?)),
            "column" => {}
            // The table is new: nobody waits for its indexes.
            "index" => later.extend(
                made_in_postgresql(child_label, child, schema)?.into_iter().map(|sql| sql.replacen(" INDEX CONCURRENTLY ", " INDEX ", 1)),
            ),
            _ => later.extend(made_in_postgresql(child_label, child, schema)?),
        }
    }
    let partitioned = attribute(object, "partitioned").map(|key| format!(" PARTITION BY {key}")).unwrap_or_default();
    statements.push(format!("CREATE TABLE {} (\n    {}\n){partitioned}{}", object.name, items.join(",\n    "), options_of(object)));
    statements.extend(own.iter().filter_map(|sequence| {
        attribute(sequence, "owned_by").map(|column| format!("ALTER SEQUENCE {} OWNED BY {column}", sequence.name))
    }));
    statements.extend(later);
    Some(statements)
}

/// What makes the one of the other.
fn changed(
    label: &str,
    old: &Object,
    new: &Object,
    (from, to): (&SchemaSnapshot, &SchemaSnapshot),
    dialect: Dialect,
    texts: &Texts,
) -> Option<Vec<String>> {
    let (table, own) = parts(new);
    match (new.kind.as_str(), dialect) {
        ("column", Dialect::Postgresql) => column_changed(&table, &own, old, new),
        ("column", Dialect::Mysql | Dialect::Mariadb) => Some(vec![format!("ALTER TABLE `{table}` MODIFY COLUMN {}", texts.get(label)?)]),
        ("sequence", Dialect::Postgresql) => Some(vec![format!("ALTER SEQUENCE {}{}", new.name, sequence_words(new))]),
        ("type", Dialect::Postgresql) => labels_added(old, new),
        ("function", Dialect::Postgresql) => made(label, new, to, dialect, texts),
        ("view" | "materialized_view" | "index" | "trigger" | "rule" | "policy" | "function" | "procedure" | "event" | "constraint", _) => {
            let mut statements = vec![dropped(old, from, dialect)?];
            statements.extend(made(label, new, to, dialect, texts)?);
            Some(statements)
        }
        ("comment", Dialect::Postgresql) => made(label, new, to, dialect, texts),
        _ => None,
    }
}

fn column_changed(table: &str, own: &str, old: &Object, new: &Object) -> Option<Vec<String>> {
    let differs = |name: &str| old.attributes.get(name) != new.attributes.get(name);
    let known = ["type", "default", "not_null", "collation"];
    if old.attributes.keys().chain(new.attributes.keys()).any(|name| differs(name) && !known.contains(&name.as_str()) && name != "storage")
    {
        return None;
    }
    let alter = |words: String| format!("ALTER TABLE {table} ALTER COLUMN {own} {words}");
    let mut statements = Vec::new();
    if differs("type") || differs("collation") {
        let collation = attribute(new, "collation").map(|name| format!(" COLLATE {name}")).unwrap_or_default();
        let kind = attribute(new, "type")?;
        statements.push(alter(format!("TYPE {kind}{collation} USING {own}::{kind}")));
    }
    if differs("default") {
        statements.push(alter(attribute(new, "default").map_or("DROP DEFAULT".to_owned(), |default| format!("SET DEFAULT {default}"))));
    }
    if differs("not_null") {
        statements.push(alter(if is_set(new, "not_null") { "SET NOT NULL" } else { "DROP NOT NULL" }.to_owned()));
    }
    Some(statements)
}

/// Values that an enum has more; an enum never loses one.
fn labels_added(old: &Object, new: &Object) -> Option<Vec<String>> {
    let list =
        |object: &Object| -> Vec<String> { attribute(object, "labels").unwrap_or_default().split(", ").map(str::to_owned).collect() };
    let (before, after) = (list(old), list(new));
    if before.iter().any(|label| !after.contains(label)) {
        return None;
    }
    let mut statements = Vec::new();
    for (at, label) in after.iter().enumerate().filter(|(_, label)| !before.contains(label)) {
        let place = match at.checked_sub(1).and_then(|previous| after.get(previous)) {
            Some(previous) => format!(" AFTER {previous}"),
            None => before.first().map(|first| format!(" BEFORE {first}")).unwrap_or_default(),
        };
        statements.push(format!("ALTER TYPE {} ADD VALUE {label}{place}", new.name));
    }
    Some(statements)
}

//! What a downgrade leaves undone, as the SQL that would do it: read off the schema before and behind, never guessed.

use crate::dialect::Dialect;
use crate::snapshot::{Change, Class, Difference, Object, SchemaSnapshot};

/// Statements that put back what differs, in the order in which they can run; or what cannot be derived, in a sentence.
///
/// `before` is the schema that shall be there again, `now` the one that is.
pub(super) fn restoring(
    differences: &[Difference],
    before: &SchemaSnapshot,
    now: &SchemaSnapshot,
    dialect: Dialect,
) -> Result<Vec<String>, String> {
    let mut found: Vec<(u8, String)> = Vec::new();
    let writer = Writer { before, now, dialect };
    for one in differences.iter().filter(|one| !matches!(one.class, Class::Order | Class::NameOnly)) {
        let statements = match one.change {
            Change::New => now.objects.get(&one.object).and_then(|object| writer.dropped(object)).map(|sql| vec![sql]),
            Change::Gone => before.objects.get(&one.object).and_then(|object| writer.made(object)),
            Change::Changed => match (before.objects.get(&one.object), now.objects.get(&one.object)) {
                (Some(old), Some(new)) => writer.changed(old, new),
                _ => None,
            },
        };
        let statements = statements.filter(|statements| !statements.is_empty());
        let statements = statements.ok_or_else(|| format!("how to put back `{}` cannot be derived: {one}", one.object))?;
        let kind = one.object.split(' ').next().unwrap_or_default();
        let rank = match one.change {
            Change::New => order(kind),
            Change::Changed => 50,
            Change::Gone => 100 - order(kind),
        };
        found.extend(statements.into_iter().map(|sql| (rank, sql)));
    }
    found.sort_by_key(|(rank, _)| *rank);
    Ok(found.into_iter().map(|(_, sql)| sql).collect())
}

/// What stands on others is dropped before them and made behind them.
fn order(kind: &str) -> u8 {
    match kind {
        "comment" => 1,
        "rule" | "policy" | "trigger" => 2,
        "view" | "materialized_view" => 3,
        "statistics" => 4,
        "constraint" => 5,
        "index" => 6,
        "column" => 7,
        "table" => 8,
        "function" | "procedure" => 9,
        "sequence" => 10,
        "type" => 11,
        "extension" => 12,
        "schema" => 13,
        _ => 7,
    }
}

struct Writer<'a> {
    before: &'a SchemaSnapshot,
    now: &'a SchemaSnapshot,
    dialect: Dialect,
}

impl Writer<'_> {
    /// A name as SQL; PostgreSQL's come quoted where they must be.
    fn quoted(&self, name: &str) -> String {
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match self.dialect {
            Dialect::Mysql | Dialect::Mariadb if !is_plain => format!("`{name}`"),
            Dialect::Sqlite if !is_plain => format!("\"{name}\""),
            _ => name.to_owned(),
        }
    }

    /// The table an object belongs to, as SQL.
    fn table(&self, object: &Object) -> Option<String> {
        let label = object.belongs_to.as_deref()?;
        let (kind, name) = label.split_once(' ')?;
        if kind == "column" {
            let above = self.before.objects.get(label).or_else(|| self.now.objects.get(label))?;
            return self.table(above);
        }
        (kind == "table").then(|| self.quoted(name))
    }

    /// The name below its table.
    fn own_name(&self, object: &Object) -> Option<String> {
        if let Some(name) = object.attributes.get("own_name") {
            return Some(self.quoted(name));
        }
        let (_, above) = object.belongs_to.as_deref()?.split_once(' ')?;
        Some(self.quoted(object.name.strip_prefix(above)?.strip_prefix('.')?))
    }

    fn dropped(&self, object: &Object) -> Option<String> {
        let is_mysql = self.dialect.is_mysql_family();
        Some(match object.kind.as_str() {
            "table" | "view" | "sequence" | "schema" | "type" | "extension" | "function" | "procedure" | "statistics" => {
                let word = match (object.kind.as_str(), object.attributes.get("kind").map(String::as_str)) {
                    ("type", Some("d")) => "DOMAIN".to_owned(),
                    ("function", Some("p")) => "PROCEDURE".to_owned(),
                    ("function", Some("a")) => "AGGREGATE".to_owned(),
                    (kind, _) => kind.to_uppercase(),
                };
                format!("DROP {word} {}", self.quoted_path(&object.name))
            }
            "materialized_view" => format!("DROP MATERIALIZED VIEW {}", object.name),
            "index" if is_mysql => format!("DROP INDEX {} ON {}", self.own_name(object)?, self.table(object)?),
            "index" => format!("DROP INDEX {}", self.quoted_path(&object.name)),
            "constraint" if self.dialect == Dialect::Postgresql => {
                format!("ALTER TABLE {} DROP CONSTRAINT {}", self.table(object)?, self.own_name(object)?)
            }
            "column" => format!("ALTER TABLE {} DROP COLUMN {}", self.table(object)?, self.own_name(object)?),
            "trigger" | "policy" | "rule" if self.dialect == Dialect::Postgresql => {
                format!("DROP {} {} ON {}", object.kind.to_uppercase(), self.own_name(object)?, self.table(object)?)
            }
            "trigger" => format!("DROP TRIGGER {}", self.quoted(&object.name)),
            "comment" => format!("COMMENT ON {} IS NULL", commented(object)?),
            _ => return None,
        })
    }

    /// A name with its schema comes quoted from PostgreSQL; elsewhere it is one word.
    fn quoted_path(&self, name: &str) -> String {
        if self.dialect == Dialect::Postgresql { name.to_owned() } else { self.quoted(name) }
    }

    fn made(&self, object: &Object) -> Option<Vec<String>> {
        let attribute = |name: &str| object.attributes.get(name).map(String::as_str);
        if self.dialect == Dialect::Sqlite {
            return match object.kind.as_str() {
                "view" | "trigger" => attribute("definition").map(|sql| vec![sql.to_owned()]),
                _ => None,
            };
        }
        if self.dialect != Dialect::Postgresql {
            return None;
        }
        let sql = match object.kind.as_str() {
            "index" => {
                let definition = attribute("definition")?;
                definition.replacen(" INDEX ON ", &format!(" INDEX {} ON ", self.own_name(object)?), 1)
            }
            "constraint" => {
                let table = self.table(object)?;
                format!("ALTER TABLE {table} ADD CONSTRAINT {} {}", self.own_name(object)?, attribute("definition")?)
            }
            "view" => format!("CREATE VIEW {} AS {}", object.name, attribute("body")?.trim_end_matches(';')),
            "materialized_view" => {
                let rows = if attribute("populated") == Some("false") { " WITH NO DATA" } else { "" };
                format!("CREATE MATERIALIZED VIEW {} AS {}{rows}", object.name, attribute("body")?.trim_end_matches(';'))
            }
            "trigger" | "rule" | "function" | "statistics" => attribute("definition")?.to_owned(),
            "comment" => format!("COMMENT ON {} IS {}", commented(object)?, literal(attribute("text")?)),
            "schema" => format!("CREATE SCHEMA {}", object.name),
            "extension" => format!("CREATE EXTENSION {} SCHEMA {}", object.name, attribute("schema")?),
            "type" if attribute("labels").is_some() => format!("CREATE TYPE {} AS ENUM ({})", object.name, attribute("labels")?),
            "type" if attribute("fields").is_some() => format!("CREATE TYPE {} AS ({})", object.name, attribute("fields")?),
            "policy" => {
                let mut sql = format!("CREATE POLICY {} ON {}", self.own_name(object)?, self.table(object)?);
                if attribute("permissive") == Some("false") {
                    sql.push_str(" AS RESTRICTIVE");
                }
                let command = match attribute("command")? {
                    "r" => "SELECT",
                    "a" => "INSERT",
                    "w" => "UPDATE",
                    "d" => "DELETE",
                    _ => "ALL",
                };
                sql.push_str(&format!(" FOR {command} TO {}", attribute("roles")?));
                sql.push_str(&attribute("using").map(|text| format!(" USING ({text})")).unwrap_or_default());
                sql.push_str(&attribute("check").map(|text| format!(" WITH CHECK ({text})")).unwrap_or_default());
                sql
            }
            _ => return None,
        };
        Some(vec![sql])
    }

    fn changed(&self, old: &Object, new: &Object) -> Option<Vec<String>> {
        if self.dialect != Dialect::Postgresql {
            return None;
        }
        if matches!(old.kind.as_str(), "constraint" | "index" | "policy" | "trigger" | "rule" | "materialized_view") {
            return Some(std::iter::once(self.dropped(new)?).chain(self.made(old)?).collect());
        }
        if matches!(old.kind.as_str(), "comment") {
            return self.made(old);
        }
        let names = old.attributes.keys().chain(new.attributes.keys()).filter(|name| !matches!(name.as_str(), "rank" | "own_name"));
        let mut sql = Vec::new();
        for name in names.collect::<std::collections::BTreeSet<_>>() {
            let (was, is) = (old.attributes.get(name).map(String::as_str), new.attributes.get(name).map(String::as_str));
            if was != is {
                sql.extend(self.attribute(old, name, was, is)?);
            }
        }
        Some(sql)
    }

    fn attribute(&self, object: &Object, name: &str, was: Option<&str>, is: Option<&str>) -> Option<Vec<String>> {
        let one = |sql: String| Some(vec![sql]);
        if name == "acl" {
            return rights(object, was.unwrap_or_default(), is.unwrap_or_default());
        }
        match (object.kind.as_str(), name) {
            ("column", _) => {
                let (table, column) = (self.table(object)?, self.own_name(object)?);
                let alter = format!("ALTER TABLE {table} ALTER COLUMN {column}");
                match name {
                    "default" => one(was.map_or_else(|| format!("{alter} DROP DEFAULT"), |value| format!("{alter} SET DEFAULT {value}"))),
                    "not_null" => one(format!("{alter} {} NOT NULL", if was.is_some() { "SET" } else { "DROP" })),
                    "type" => one(format!("{alter} TYPE {0} USING {column}::{0}", was?)),
                    "storage" => None,
                    _ => None,
                }
            }
            ("table", "row_security") => {
                one(format!("ALTER TABLE {} {} ROW LEVEL SECURITY", object.name, if was.is_some() { "ENABLE" } else { "DISABLE" }))
            }
            ("table", "force_row_security") => {
                one(format!("ALTER TABLE {} {} ROW LEVEL SECURITY", object.name, if was.is_some() { "FORCE" } else { "NO FORCE" }))
            }
            ("function", "definition") => one(was?.to_owned()),
            ("view", "body") => one(format!("CREATE OR REPLACE VIEW {} AS {}", object.name, was?.trim_end_matches(';'))),
            ("extension", "version") => one(format!("ALTER EXTENSION {} UPDATE TO '{}'", object.name, was?)),
            _ => None,
        }
    }
}

/// What `GRANT` and `REVOKE` bring a list of rights back: `reader SELECT, PUBLIC INSERT*`.
fn rights(object: &Object, was: &str, is: &str) -> Option<Vec<String>> {
    let list = |text: &str| text.split(", ").filter(|entry| !entry.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (was, is) = (list(was), list(is));
    let on = match object.kind.as_str() {
        "table" | "view" | "materialized_view" => format!("TABLE {}", object.name),
        "function" => format!("FUNCTION {}", object.name),
        "sequence" | "schema" | "type" => format!("{} {}", object.kind.to_uppercase(), object.name),
        _ => return None,
    };
    let said = |entry: &String, word: &str, to: &str| {
        let (role, right) = entry.rsplit_once(' ')?;
        let (right, option) = right.strip_suffix('*').map_or((right, ""), |right| (right, " WITH GRANT OPTION"));
        let option = if word == "GRANT" { option } else { "" };
        Some(format!("{word} {right} ON {on} {to} {role}{option}"))
    };
    let granted = was.iter().filter(|entry| !is.contains(entry)).map(|entry| said(entry, "GRANT", "TO"));
    let revoked = is.iter().filter(|entry| !was.contains(entry)).map(|entry| said(entry, "REVOKE", "FROM"));
    granted.chain(revoked).collect()
}

/// `table public.t`, `table column public.t.a`: what COMMENT ON wants to hear.
fn commented(object: &Object) -> Option<String> {
    let (kind, name) = ["table column", "view column", "materialized view", "table constraint", "foreign table"]
        .iter()
        .find_map(|kind| Some((*kind, object.name.strip_prefix(kind)?.trim_start())))
        .or_else(|| object.name.split_once(' '))?;
    Some(match kind {
        "table column" | "view column" => format!("COLUMN {name}"),
        "table constraint" => format!("CONSTRAINT {name}"),
        "materialized view" | "foreign table" | "table" | "view" | "index" | "sequence" | "type" | "schema" | "function" | "trigger" => {
            format!("{} {name}", kind.to_uppercase())
        }
        _ => return None,
    })
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A DROP for what a server named as standing in the way: `view v`, `constraint fk on table q`.
pub(super) fn drop_of(dependent: &str) -> Option<String> {
    let on_table = |rest: &str| rest.split_once(" on table ").map(|(name, table)| (name.to_owned(), table.to_owned()));
    for kind in ["materialized view", "view", "index", "function", "sequence"] {
        if let Some(name) = dependent.strip_prefix(kind).and_then(|rest| rest.strip_prefix(' ')).filter(|name| !name.contains(" on ")) {
            return Some(format!("DROP {} {name}", kind.to_uppercase()));
        }
    }
    if let Some((name, table)) = dependent.strip_prefix("constraint ").and_then(on_table) {
        return Some(format!("ALTER TABLE {table} DROP CONSTRAINT {name}"));
    }
    for kind in ["trigger", "policy", "rule"] {
        if let Some((name, table)) = dependent.strip_prefix(kind).map(str::trim_start).and_then(on_table) {
            return Some(format!("DROP {} {name} ON {table}", kind.to_uppercase()));
        }
    }
    let (column, table) = dependent.strip_prefix("default value for column ")?.split_once(" of table ")?;
    Some(format!("ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT"))
}

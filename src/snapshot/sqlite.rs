//! SQLite: pragmas, and the text of definitions for what no pragma says (checks, collations, generated columns, names).
//!
//! The text of a table changes when a batch migration rebuilds it, without a change of meaning: of it only those parts
//! are read, without regard to case, quotes and blanks.

use std::collections::BTreeMap;

use super::{SchemaSnapshot, SnapshotError};
use crate::database::{Connection, DatabaseError, Row};
use crate::dialect::Dialect;
use crate::sql::token::{Lexer, TokenKind};

const OBJECTS: &str =
    "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name";

pub(super) fn take(connection: &mut Connection) -> Result<SchemaSnapshot, SnapshotError> {
    let mut snapshot = SchemaSnapshot::default();
    for row in connection.rows(OBJECTS)? {
        let (kind, name, table, sql) = (value(&row, 0), value(&row, 1), value(&row, 2), value(&row, 3));
        match kind.as_str() {
            "table" => read_table(connection, &mut snapshot, &name, &sql)?,
            "index" => read_index(connection, &mut snapshot, &name, &table, &sql)?,
            // Views and triggers are all text.
            _ => {
                let owner = (kind == "trigger").then(|| format!("table {}", table.to_lowercase()));
                snapshot.insert(&kind, name.to_lowercase(), owner, attributes([("definition", Some(words(&sql).join(" ")))]));
            }
        }
    }
    for name in ["user_version", "application_id"] {
        let set = connection.value(&format!("PRAGMA {name}"))?.filter(|value| value != "0");
        if set.is_some() {
            snapshot.insert("setting", name.to_owned(), None, attributes([("value", set)]));
        }
    }
    Ok(snapshot)
}

fn value(row: &Row, at: usize) -> String {
    row.get(at).cloned().flatten().unwrap_or_default()
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn attributes<const N: usize>(given: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn yes(is_so: bool) -> Option<String> {
    is_so.then(|| "true".to_owned())
}

/// A table, its columns and its constraints.
fn read_table(connection: &mut Connection, snapshot: &mut SchemaSnapshot, table: &str, sql: &str) -> Result<(), DatabaseError> {
    let name = table.to_lowercase();
    let label = format!("table {name}");
    let listed = connection.rows(&format!("SELECT type, wr, strict FROM pragma_table_list({}) WHERE schema = 'main'", literal(table)))?;
    let listed = listed.into_iter().next().unwrap_or_default();
    let text = words(sql);
    let is_virtual = value(&listed, 0) == "virtual";
    let table_attributes = attributes([
        ("without_rowid", yes(value(&listed, 1) == "1")),
        ("strict", yes(value(&listed, 2) == "1")),
        ("autoincrement", yes(!is_virtual && text.iter().any(|word| word == "autoincrement"))),
        ("module", is_virtual.then(|| text.join(" "))),
    ]);
    snapshot.insert("table", name.clone(), None, table_attributes);
    let items = if is_virtual { Vec::new() } else { items(&text) };
    let mut key: Vec<(u32, String)> = Vec::new();
    let columns = connection.rows(&format!(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo({}) ORDER BY cid",
        literal(table)
    ))?;
    for (rank, row) in columns.iter().enumerate() {
        let column = value(row, 0).to_lowercase();
        let item = items.iter().find(|item| item.first() == Some(&column)).map(Vec::as_slice).unwrap_or_default();
        if let Some(place) = value(row, 4).parse().ok().filter(|place| *place > 0) {
            key.push((place, column.clone()));
        }
        let generated = matches!(value(row, 5).as_str(), "2" | "3");
        let column_attributes = attributes([
            ("rank", Some((rank + 1).to_string())),
            ("type", Some(words(&value(row, 1)).join(" "))),
            ("not_null", yes(value(row, 2) == "1")),
            ("default", row.get(3).cloned().flatten().map(|text| without_brackets(&text))),
            ("collation", behind(item, "collate").filter(|name| name != "binary")),
            ("generated", generated.then(|| format!("{} {}", group(item, "as"), if value(row, 5) == "3" { "stored" } else { "virtual" }))),
        ]);
        snapshot.insert("column", format!("{name}.{column}"), Some(label.clone()), column_attributes);
    }
    key.sort();
    if !key.is_empty() {
        let columns: Vec<String> = key.into_iter().map(|(_, column)| column).collect();
        let given = items.iter().find_map(|item| named(item, "primary"));
        snapshot.insert(
            "constraint",
            format!("{name}.primary key"),
            Some(label.clone()),
            attributes([
                ("columns", Some(columns.join(", "))),
                ("given_name", given),
                ("conflict", items.iter().find_map(|item| conflict(item, "primary"))),
            ]),
        );
    }
    read_checks(snapshot, &name, &items);
    read_foreign_keys(connection, snapshot, table, &items)?;
    read_unique(connection, snapshot, table, &items)
}

fn read_checks(snapshot: &mut SchemaSnapshot, table: &str, items: &[Vec<String>]) {
    for item in items {
        for (at, _) in item.iter().enumerate().filter(|(_, word)| *word == "check") {
            let condition = group(item.get(at..).unwrap_or_default(), "check");
            let given =
                at.checked_sub(2).and_then(|before| (item.get(before)? == "constraint").then(|| item.get(before + 1).cloned()).flatten());
            // A word `check` inside another condition has no bracket of its own before a name.
            if condition.is_empty() {
                continue;
            }
            let name = given.unwrap_or_else(|| format!("check {condition}"));
            let label = format!("table {table}");
            snapshot.insert(
                "constraint",
                format!("{table}.{name}"),
                Some(label),
                attributes([("check", Some(condition)), ("own_name", Some(name))]),
            );
        }
    }
}

fn read_foreign_keys(
    connection: &mut Connection,
    snapshot: &mut SchemaSnapshot,
    table: &str,
    items: &[Vec<String>],
) -> Result<(), DatabaseError> {
    let name = table.to_lowercase();
    let rows = connection.rows(&format!(
        "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete, match FROM pragma_foreign_key_list({}) ORDER BY id, seq",
        literal(table)
    ))?;
    let mut keys: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        keys.entry(value(&row, 0)).or_default().push(row);
    }
    for rows in keys.values() {
        let Some(first) = rows.first() else { continue };
        let list = |at: usize| rows.iter().map(|row| value(row, at).to_lowercase()).collect::<Vec<_>>().join(", ");
        let (from, other) = (list(2), value(first, 1).to_lowercase());
        // The item of the column, or the one of the table that names the same columns.
        let item = items.iter().find(|item| {
            item.iter().any(|word| word == "references") && (item.first() == Some(&from) || group(item, "key") == from.replace(", ", " , "))
        });
        let item = item.map(Vec::as_slice).unwrap_or_default();
        let action = |at: usize| Some(value(first, at).to_lowercase()).filter(|action| action != "no action" && action != "none");
        let deferred = item.windows(2).any(|pair| pair == ["initially", "deferred"]);
        let key = attributes([
            ("references", Some(format!("{other} ({})", list(3)))),
            ("on_update", action(4)),
            ("on_delete", action(5)),
            ("deferred", yes(deferred)),
            ("given_name", named(item, "foreign").or_else(|| named(item, "references"))),
        ]);
        snapshot.insert("constraint", format!("{name}.foreign key ({from}) {other}"), Some(format!("table {name}")), key);
    }
    Ok(())
}

/// UNIQUE constraints: indexes that SQLite made itself.
fn read_unique(
    connection: &mut Connection,
    snapshot: &mut SchemaSnapshot,
    table: &str,
    items: &[Vec<String>],
) -> Result<(), DatabaseError> {
    let name = table.to_lowercase();
    let indexes = connection.rows(&format!("SELECT name FROM pragma_index_list({}) WHERE origin = 'u'", literal(table)))?;
    for index in indexes {
        let columns = index_columns(connection, &value(&index, 0))?;
        let plain: Vec<&str> = columns.iter().map(|column| column.split(' ').next().unwrap_or_default()).collect();
        let item = items.iter().find(|item| group(item, "unique") == plain.join(" , "));
        let given = item.and_then(|item| named(item, "unique"));
        let unique = attributes([
            ("columns", Some(columns.join(", "))),
            ("given_name", given),
            ("conflict", item.and_then(|item| conflict(item, "unique"))),
        ]);
        snapshot.insert("constraint", format!("{name}.unique ({})", plain.join(", ")), Some(format!("table {name}")), unique);
    }
    Ok(())
}

fn read_index(
    connection: &mut Connection,
    snapshot: &mut SchemaSnapshot,
    index: &str,
    table: &str,
    sql: &str,
) -> Result<(), DatabaseError> {
    let text = words(sql);
    let behind_table = text.iter().position(|word| word == "on").and_then(|at| text.get(at + 2..)).unwrap_or_default();
    let index_attributes = attributes([
        ("own_name", Some(index.to_lowercase())),
        ("unique", yes(text.get(1).is_some_and(|word| word == "unique"))),
        ("columns", Some(index_columns(connection, index)?.join(", "))),
        // Expressions and the predicate stand in the text only.
        ("definition", Some(behind_table.join(" "))),
    ]);
    snapshot.insert("index", index.to_lowercase(), Some(format!("table {}", table.to_lowercase())), index_attributes);
    Ok(())
}

/// `name`, `name desc`, `name collate nocase`, `expression`, in order.
fn index_columns(connection: &mut Connection, index: &str) -> Result<Vec<String>, DatabaseError> {
    let rows = connection
        .rows(&format!("SELECT name, \"desc\", coll FROM pragma_index_xinfo({}) WHERE key = 1 ORDER BY seqno", literal(index)))?;
    let column = |row: &Row| {
        let name = row.first().cloned().flatten().map_or_else(|| "expression".to_owned(), |name| name.to_lowercase());
        let direction = if value(row, 1) == "1" { " desc" } else { "" };
        let collation = Some(value(row, 2).to_lowercase()).filter(|name| !name.is_empty() && name != "binary");
        format!("{name}{direction}{}", collation.map(|name| format!(" collate {name}")).unwrap_or_default())
    };
    Ok(rows.iter().map(column).collect())
}

/// Tokens without regard to case, quotes, blanks and comments; strings as they are.
fn words(sql: &str) -> Vec<String> {
    let mut lexer = Lexer::new(sql, Dialect::Sqlite);
    let mut found = Vec::new();
    while let Some(token) = lexer.next_token() {
        let text = sql.get(token.start as usize..token.end as usize).unwrap_or_default();
        found.push(match token.kind {
            TokenKind::Quoted => text.trim_matches(['"', '`', '[', ']']).to_lowercase(),
            TokenKind::String => text.to_owned(),
            TokenKind::Word | TokenKind::Number | TokenKind::Parameter | TokenKind::Punctuation | TokenKind::Operator => {
                text.to_lowercase()
            }
        });
    }
    found
}

/// What stands between the commas of a CREATE TABLE: columns and constraints.
fn items(words: &[String]) -> Vec<Vec<String>> {
    let mut depth = 0_u32;
    let mut items: Vec<Vec<String>> = Vec::new();
    for word in words {
        match word.as_str() {
            "(" if depth == 0 => items.push(Vec::new()),
            ")" if depth == 1 => return items,
            "," if depth == 1 => items.push(Vec::new()),
            _ => {
                if let (Some(item), true) = (items.last_mut(), depth > 0) {
                    item.push(word.clone());
                }
            }
        }
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    items
}

/// The words in the brackets that follow `word`; empty where none do.
fn group(item: &[String], word: &str) -> String {
    let Some(at) = item.windows(2).position(|pair| matches!(pair, [first, second] if first == word && second == "(")) else {
        return String::new();
    };
    let mut depth = 0_u32;
    let mut inside = Vec::new();
    for word in item.iter().skip(at + 1) {
        if word == ")" {
            depth -= 1;
            if depth == 0 {
                break;
            }
        }
        if depth > 0 {
            inside.push(word.as_str());
        }
        if word == "(" {
            depth += 1;
        }
    }
    inside.join(" ")
}

/// The word behind `word`.
fn behind(item: &[String], word: &str) -> Option<String> {
    item.windows(2).find_map(|pair| matches!(pair, [first, _] if first == word).then(|| pair.last().cloned()).flatten())
}

/// `x` of `CONSTRAINT x <kind> …`.
fn named(item: &[String], kind: &str) -> Option<String> {
    item.windows(3).find_map(|three| {
        matches!(three, [first, _, third] if first == "constraint" && third == kind).then(|| three.get(1).cloned()).flatten()
    })
}

/// `ignore` of `<kind> … ON CONFLICT IGNORE`.
fn conflict(item: &[String], kind: &str) -> Option<String> {
    let from = item.iter().position(|word| word == kind)?;
    behind(item.get(from..)?, "conflict")
}

/// A default without brackets around the whole of it, in one form.
fn without_brackets(text: &str) -> String {
    let mut found = words(text);
    while found.first().is_some_and(|word| word == "(") && found.last().is_some_and(|word| word == ")") && closes_at_end(&found) {
        found.pop();
        found.remove(0);
    }
    found.join(" ")
}

/// True where the first bracket is closed by the last word.
fn closes_at_end(words: &[String]) -> bool {
    let mut depth = 0_i32;
    for (at, word) in words.iter().enumerate() {
        depth += match word.as_str() {
            "(" => 1,
            ")" => -1,
            _ => 0,
        };
        if depth == 0 {
            return at + 1 == words.len();
        }
    }
    false
}

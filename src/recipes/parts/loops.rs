//! Rows written in ranges of the key, each committed on its own, in a loop that can be stopped and begun again.

use std::fmt::Write as _;

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::Case;
use crate::recipes::parts::body::{Body, Line, python_sql};
use crate::recipes::parts::written::columns;
use crate::sql::change::Name;

/// Rows in one batch: less than half a second each on a usual table (`backfill-batching#size`).
pub const BATCH: u32 = 5_000;

/// What is written to which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filling {
    /// The table.
    pub table: Name,
    /// `phone = ''`, as SQL.
    pub assignment: String,
    /// Which rows are still to be done, as SQL.
    pub open: String,
    /// Triggers that keep columns equal do not take part: they ask for this setting.
    pub is_silent: bool,
    /// Nothing may be left when it ends.
    pub must_end: bool,
    /// The value is not known yet: it stands in the body as `fill`, and nothing is written before somebody says it.
    pub asks_fill: bool,
}

/// The setting that the triggers of our recipes ask for.
pub const SILENCE: &str = "migration.sync";

/// The loop as a body: outside of a transaction, in the order of the primary key.
#[must_use]
pub fn filled(case: &Case<'_>, filling: &Filling) -> Body {
    let dialect = case.dialect();
    let key = case.catalog.table(&filling.table).and_then(|table| table.primary_key()).map(<[String]>::to_vec);
    let line = match key {
        Some(key) if !key.is_empty() => {
            let kept = kept_clocks(case, &filling.table, &filling.assignment, "");
            let head = format!("UPDATE {} SET {}{kept}", relation(dialect, &filling.table), filling.assignment);
            by_key(dialect, filling, &key, &[(head, String::new())])
        }
        _ => by_limit(dialect, filling, &kept_clocks(case, &filling.table, &filling.assignment, "")),
    };
    Body::outside(vec![line])
}

/// MySQL and MariaDB: columns with `ON UPDATE CURRENT_TIMESTAMP` keep what they say, as more of the same `SET`: a backfill is no change of
/// the row. `place` stands in front of each name; empty on other dialects, and where nothing counts.
#[must_use]
pub fn kept_clocks(case: &Case<'_>, table: &Name, assignment: &str, place: &str) -> String {
    let dialect = case.dialect();
    let Some(known) = case.catalog.table(table).filter(|_| dialect.is_mysql_family()) else { return String::new() };
    let clocks = known.columns.iter().filter(|column| column.on_update).map(|column| quoted(dialect, &column.name));
    let kept = clocks.filter(|own| !assignment.starts_with(&format!("{place}{own} =")));
    kept.map(|own| format!(", {place}{own} = {place}{own}")).collect()
}

/// The open rows written into another table, in the same loop: `insert` is `INSERT INTO … SELECT … FROM` up to its condition, `tail` what
/// stands behind it (PostgreSQL). `None`: the table has no primary key.
#[must_use]
pub fn copied(case: &Case<'_>, filling: &Filling, insert: &str, tail: &str) -> Option<Body> {
    let key = case.catalog.table(&filling.table)?.primary_key().filter(|key| !key.is_empty())?;
    Some(Body::outside(vec![by_key(case.dialect(), filling, key, &[(insert.to_owned(), tail.to_owned())])]))
}

/// Writes to the open rows of each range, in this order: each a statement up to its condition, and what stands behind it. `None`: the
/// table has no primary key.
#[must_use]
pub fn written(case: &Case<'_>, filling: &Filling, writes: &[(String, String)]) -> Option<Body> {
    let key = case.catalog.table(&filling.table)?.primary_key().filter(|key| !key.is_empty())?;
    Some(Body::outside(vec![by_key(case.dialect(), filling, key, writes)]))
}

/// The open rows taken out of a table with this key, in the same loop.
#[must_use]
pub fn removed(case: &Case<'_>, filling: &Filling, key: &[String]) -> Body {
    let head = format!("DELETE FROM {}", relation(case.dialect(), &filling.table));
    Body::outside(vec![by_key(case.dialect(), filling, key, &[(head, String::new())])])
}

fn by_key(dialect: Dialect, filling: &Filling, key: &[String], writes: &[(String, String)]) -> Line {
    let table = relation(dialect, &filling.table);
    let list = columns(dialect, key);
    let row = |prefix: &str| {
        let names: Vec<String> = (0..key.len()).map(|n| format!(":{prefix}{n}")).collect();
        if let [one] = names.as_slice() { one.clone() } else { format!("({})", names.join(", ")) }
    };
    let own = if key.len() == 1 { list.clone() } else { format!("({list})") };
    let open = &filling.open;
    let select = format!("SELECT {list} FROM {table} WHERE ({open})");
    let order = format!("ORDER BY {list} LIMIT {BATCH}");
    let bare = if open.to_lowercase().contains(" or ") { format!("({open})") } else { open.clone() };
    // Of several columns the first bounds the range for the planner too.
    let first = match key {
        [first, _, ..] => format!("{0} >= :a0 AND {0} <= :z0 AND ", quoted(dialect, first)),
        _ => String::new(),
    };
    let ranges =
        |(head, tail): &(String, String)| format!("{head} WHERE {bare} AND {first}{own} >= {} AND {own} <= {}{tail}", row("a"), row("z"));
    let writes: Vec<String> = writes.iter().map(ranges).collect();
    let binds = |prefix: &str, from: &str| (0..key.len()).map(|n| format!("\"{prefix}{n}\": {from}[{n}]")).collect::<Vec<_>>().join(", ");
    let mut python = beginning(dialect, filling, &table);
    let fill = if filling.asks_fill { ", \"fill\": fill" } else { "" };
    let (asked, asked_on) = if open.contains(":fill") { (", {\"fill\": fill}", fill) } else { ("", "") };
    let _ = writeln!(python, "keys = connection.execute(sa.text({}){asked}).all()", bound(&format!("{select} {order}")));
    python.push_str("while keys:\n");
    for write in &writes {
        let fill = if write.contains(":fill") { fill } else { "" };
        let _ = writeln!(
            python,
            "    connection.execute(sa.text({}), {{{}, {}{fill}}})",
            bound(write),
            binds("a", "keys[0]"),
            binds("z", "keys[-1]")
        );
    }
    let _ = writeln!(
        python,
        "    keys = connection.execute(sa.text({}), {{{}{asked_on}}}).all()",
        bound(&format!("{select} AND {own} > {} {order}", row("a"))),
        binds("a", "keys[-1]")
    );
    ending(dialect, &mut python, filling, &table);
    let numbered = |text: String| {
        let mut number = 0;
        let mut out = String::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            out.push(c);
            if c == '$' && rest.peek().is_some_and(char::is_ascii_digit) {
                number += 1;
                rest.next();
                if dialect == Dialect::Postgresql {
                    out.push_str(&number.to_string());
                } else {
                    out.pop();
                    out.push('?');
                }
            }
        }
        out
    };
    let comment = format!("-- in ranges of {BATCH} rows by {list}, each committed on its own\n");
    let shown = writes.iter().map(|write| numbered(write.replace(":a", "$").replace(":z", "$"))).collect::<Vec<_>>().join(";\n");
    Line::operation(python, format!("{comment}{shown}"))
}

/// A table without a primary key: as many rows as fit into a batch, until none is left.
fn by_limit(dialect: Dialect, filling: &Filling, kept: &str) -> Line {
    let table = relation(dialect, &filling.table);
    let Filling { assignment, open, .. } = filling;
    let write = match dialect {
        Dialect::Mysql | Dialect::Mariadb => format!("UPDATE {table} SET {assignment}{kept} WHERE ({open}) LIMIT {BATCH}"),
        Dialect::Sqlite => {
            format!("UPDATE {table} SET {assignment} WHERE rowid IN (SELECT rowid FROM {table} WHERE ({open}) LIMIT {BATCH})")
        }
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => {
            format!("UPDATE {table} SET {assignment} WHERE ctid IN (SELECT ctid FROM {table} WHERE ({open}) LIMIT {BATCH})")
        }
    };
    let mut python = beginning(dialect, filling, &table);
    let fill = if filling.asks_fill { ", {\"fill\": fill}" } else { "" };
    let _ = writeln!(python, "while connection.execute(sa.text({}){fill}).rowcount:\n    pass", bound(&write));
    ending(dialect, &mut python, filling, &table);
    Line::operation(python, format!("-- {BATCH} rows at a time, each committed on its own, until none is left\n{write}"))
}

/// SQL for `sa.text` whose parameters are ours: only colons within the given SQL are escaped by the caller's texts.
#[must_use]
pub fn bound(sql: &str) -> String {
    // `python_sql` escapes `:word`; our parameters are put back.
    let mut text = python_sql(sql);
    for prefix in ["a", "z"] {
        text = text.replace("\\\\:fill", ":fill");
        for n in 0..8 {
            text = text.replace(&format!("\\\\:{prefix}{n}"), &format!(":{prefix}{n}"));
        }
    }
    text
}

fn beginning(dialect: Dialect, filling: &Filling, table: &str) -> String {
    let mut python = String::from("connection = op.get_bind()\n");
    if filling.asks_fill {
        python.insert_str(0, "fill = None  # the value that existing rows get\n");
        let _ =
            writeln!(python, "if fill is None and connection.scalar(sa.text({})):", python_sql(&format!("SELECT count(*) FROM {table}")));
        python.push_str("    raise RuntimeError(\"say which value existing rows get: set `fill` above\")\n");
    }
    silence(dialect, &mut python, filling);
    python
}

fn silence_sql(dialect: Dialect, word: &str) -> String {
    if dialect.is_mysql_family() {
        format!("SET @{} = '{word}'", SILENCE.replace('.', "_"))
    } else {
        format!("SELECT set_config('{SILENCE}', '{word}', false)")
    }
}

fn silence(dialect: Dialect, python: &mut String, filling: &Filling) {
    if filling.is_silent {
        let _ = writeln!(python, "connection.execute(sa.text({}))", python_sql(&silence_sql(dialect, "off")));
    }
}

fn ending(dialect: Dialect, python: &mut String, filling: &Filling, table: &str) {
    if filling.is_silent {
        let _ = writeln!(python, "connection.execute(sa.text({}))", python_sql(&silence_sql(dialect, "")));
    }
    if filling.must_end {
        let _ = writeln!(
            python,
            "left = connection.scalar(sa.text({}))",
            python_sql(&format!("SELECT count(*) FROM {table} WHERE {}", filling.open))
        );
        let _ = writeln!(
            python,
            "if left:\n    raise RuntimeError(f\"{{left}} rows of {} are not filled: run it again\")",
            table.replace(['"', '`'], "")
        );
    }
}

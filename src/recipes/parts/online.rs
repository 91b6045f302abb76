//! What MySQL and MariaDB may do to a table, written out: `ALGORITHM` and `LOCK`. The server then refuses what would make others
//! wait, instead of doing it.

use crate::dialect::Dialect;
use crate::fix::names::{quoted, relation};
use crate::recipes::Case;
use crate::recipes::parts::body::Line;
use crate::recipes::parts::written::{exact, mysql_words, type_text};
use crate::sql::change::{Change, Column, Name};
use crate::sql::script;
use crate::sql::split::Direction;

/// Everybody reads and writes; a table may be rebuilt meanwhile.
pub const IN_PLACE: &str = "ALGORITHM=INPLACE, LOCK=NONE";

/// The line with the cheapest way that the server knows, where that makes nobody wait; else, and on other dialects, the line as it is.
#[must_use]
pub fn written_out(case: &Case<'_>, line: Line) -> Line {
    if !case.dialect().is_mysql_family() || line.sql.contains("ALGORITHM") {
        return line;
    }
    let line = in_alter(case, line);
    let script = script::read(format!("{};\n", line.sql), case.server);
    let separator = match script.statements.as_slice() {
        [one] => match one.reading.change {
            Change::AlterTable(_) => ", ",
            Change::CreateIndex { .. } => " ",
            _ => return line,
        },
        _ => return line,
    };
    let judged = crate::judge::judge(&script, Direction::Up, case.catalog, case.options);
    let online = judged.steps.first().filter(|step| !step.effect.always_fails()).and_then(|step| step.effect.online);
    match online {
        Some(online) if online.lock.eq_ignore_ascii_case("none") => {
            let clauses = if online.algorithm.eq_ignore_ascii_case("instant") {
                "ALGORITHM=INSTANT".to_owned()
            } else {
                format!("ALGORITHM={}{separator}LOCK=NONE", online.algorithm)
            };
            let allow = line.allow;
            Line { allow, ..Line::execute(format!("{}{separator}{clauses}", line.sql)) }
        }
        _ => line,
    }
}

/// `DROP INDEX` as a part of `ALTER TABLE`: MariaDB takes no clauses behind it (1064).
fn in_alter(case: &Case<'_>, line: Line) -> Line {
    let script = script::read(format!("{};\n", line.sql), case.server);
    let [one] = script.statements.as_slice() else { return line };
    let Change::Drop(drop) = &one.reading.change else { return line };
    match (&drop.on, drop.names.as_slice()) {
        (Some(table), [index]) if one.reading.kind.word() == "drop_index" && !drop.if_exists => {
            let dialect = case.dialect();
            let sql = format!("ALTER TABLE {} DROP INDEX {}", relation(dialect, table), quoted(dialect, &index.name));
            Line { allow: line.allow, ..Line::execute(sql) }
        }
        _ => line,
    }
}

/// `ALTER TABLE … , ALGORITHM=INPLACE, LOCK=NONE`: for what the schema in front of the plan does not hold yet.
#[must_use]
pub fn in_place(case: &Case<'_>, table: &Name, what: &str) -> Line {
    let dialect = case.dialect();
    let clauses = if dialect.is_mysql_family() { format!(", {IN_PLACE}") } else { String::new() };
    Line::execute(format!("ALTER TABLE {} {what}{clauses}", relation(dialect, table)))
}

/// The column as `MODIFY COLUMN` takes it; `None`: it holds something that would be lost, since `MODIFY` says a column anew.
#[must_use]
pub fn modified(dialect: Dialect, column: &Column, not_null: bool) -> Option<String> {
    if column.generated.is_some() || column.storage.is_some() || column.invisible.is_some() {
        return None;
    }
    let mut text = format!("MODIFY COLUMN {} {}", quoted(dialect, &column.name), type_text(dialect, column.data_type.as_ref()?));
    text.push_str(if not_null { " NOT NULL" } else { " NULL" });
    if let Some(default) = &column.default {
        text.push_str(&format!(" DEFAULT {}", exact(default)?));
    }
    text.push_str(&mysql_words(column));
    Some(text)
}

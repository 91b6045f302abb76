//! Parts of `ALTER TABLE` that MySQL and MariaDB only say by `MODIFY`: read for what they change, and said fully, with all that stands on the
//! column.

use crate::fix::names::{quoted, relation};
use crate::recipes::parts::online::modified;
use crate::recipes::parts::planning::Refusal;
use crate::recipes::parts::wish::{Statement, Wish};
use crate::recipes::parts::written::type_text;
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Change, Column};

/// `MODIFY` and `CHANGE` that change one thing of a column, as that one change: its name, whether it may be NULL. The wish itself where it
/// changes more, or where the column is not known.
#[must_use]
pub fn said_shortly(wish: &Wish, catalog: &Catalog) -> Wish {
    let Wish::Statement(statement) = wish else { return wish.clone() };
    let Some((table, AlterAction::ChangeColumn { from, column, .. })) = statement.action().filter(|_| catalog.dialect.is_mysql_family())
    else {
        return wish.clone();
    };
    let Some(known) = catalog.table(table).and_then(|known| known.column(from)) else { return wish.clone() };
    let plain = |one: &Column| (one.on_update, one.auto_increment, one.comment.clone(), one.generated.clone(), one.storage.clone());
    let text = |one: &Column| one.data_type.as_ref().map(|data_type| type_text(catalog.dialect, data_type));
    let default = |one: &Column| one.default.as_ref().map(|default| default.text.clone());
    let is_moved = column.position.is_some() || !column.constraints.is_empty();
    if is_moved || plain(column) != plain(known) || text(column) != text(known) || default(column) != default(known) {
        return wish.clone();
    }
    let written = relation(catalog.dialect, table);
    let own = quoted(catalog.dialect, from);
    let (action, sql) = match (*from == column.name, known.not_null, column.not_null) {
        (true, false, true) => (AlterAction::SetNotNull { column: from.clone() }, statement.sql.clone()),
        (true, true, false) => (AlterAction::DropNotNull { column: from.clone() }, statement.sql.clone()),
        (false, was, is) if was == is => (
            AlterAction::RenameColumn { from: from.clone(), to: column.name.clone() },
            format!("ALTER TABLE {written} RENAME COLUMN {own} TO {}", quoted(catalog.dialect, &column.name)),
        ),
        _ => return wish.clone(),
    };
    let mut short = (**statement).clone();
    if let Change::AlterTable(alter) = &mut short.reading.change {
        alter.actions = vec![action];
    }
    Wish::Statement(Box::new(Statement { sql, ..short }))
}

/// The wish with its statement as the server takes it; itself where it says all already.
///
/// # Errors
/// The column holds something that would be lost, since `MODIFY` says a column anew.
pub fn said_fully(wish: &Wish, catalog: &Catalog) -> Result<Wish, Refusal> {
    let Wish::Statement(statement) = wish else { return Ok(wish.clone()) };
    let Some((table, action)) = statement.action().filter(|_| catalog.dialect.is_mysql_family()) else { return Ok(wish.clone()) };
    let known = |name: &str| catalog.table(table).and_then(|known| known.column(name));
    let wanted = match action {
        AlterAction::SetNotNull { column } => known(column).map(|known| Column { not_null: true, ..known.clone() }),
        AlterAction::DropNotNull { column } => known(column).map(|known| Column { not_null: false, ..known.clone() }),
        AlterAction::AlterColumnType { column, data_type, .. } => {
            known(column).map(|known| Column { data_type: Some(data_type.clone()), ..known.clone() })
        }
        _ => return Ok(wish.clone()),
    };
    let text = wanted.as_ref().map(|column| modified(catalog.dialect, column, column.not_null));
    match text {
        Some(Some(text)) => {
            let sql = format!("ALTER TABLE {} {text}", relation(catalog.dialect, table));
            Ok(Wish::Statement(Box::new(Statement { sql, ..(**statement).clone() })))
        }
        Some(None) => Err(Refusal {
            code: "impossible",
            message: format!("`MODIFY` says a column of `{}` anew, and not all that stands on this one is known", table.shown()),
            hint: "give the whole `ALTER TABLE … MODIFY COLUMN …` as `sql`".to_owned(),
        }),
        None => Err(Refusal {
            code: "impossible",
            message: format!("`MODIFY` says a column anew, and what stands on the one of `{}` is not known", table.shown()),
            hint: "give a project, or the table in `setup_sql`".to_owned(),
        }),
    }
}

//! Parts of `ALTER TABLE` that MySQL and MariaDB only say by `MODIFY`, said fully: with all that stands on the column.

use crate::recipes::parts::online::modified;
use crate::recipes::parts::planning::Refusal;
use crate::recipes::parts::wish::{Statement, Wish};
use crate::recipes::parts::written::relation;
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Column};

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

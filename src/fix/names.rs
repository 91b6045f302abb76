//! Names as each dialect writes them.

use crate::dialect::Dialect;
use crate::fix::ident;
use crate::sql::change::Name;

/// A SQL name, quoted where the server would read it as another.
#[must_use]
pub fn quoted(dialect: Dialect, name: &str) -> String {
    let ident = ident(name);
    if dialect.is_mysql_family() && ident.starts_with('"') { format!("`{}`", name.replace('`', "``")) } else { ident }
}

/// A relation's name as SQL; PostgreSQL's `public` is left out.
#[must_use]
pub fn relation(dialect: Dialect, name: &Name) -> String {
    match &name.schema {
        Some(schema) if !(dialect == Dialect::Postgresql && schema == "public") => {
            format!("{}.{}", quoted(dialect, schema), quoted(dialect, &name.name))
        }
        _ => quoted(dialect, &name.name),
    }
}

//! Values that a column may have, where the dialect has no type of its own for them: the list of an `ENUM` column (MySQL, MariaDB), the
//! check that names them (SQLite).

use crate::dialect::{Dialect, Server};
use crate::recipes::parts::doubts::{impossible, made};
use crate::recipes::parts::planning::Refusal;
use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::wish::{Backfill, ColumnValue, ValueChange, Wish, of_change};
use crate::recipes::parts::written::{exact, literal, type_text};
use crate::sql::catalog::{Catalog, Table};
use crate::sql::change::{Constraint, ConstraintKind, DataType};

/// What a wish about a value is made of on this schema, and what only the user knows; a wish of another kind is itself.
///
/// # Errors
/// A column that is not known or holds no list of values; a value that is not there, or is there already.
pub fn spelled_out(wish: &Wish, catalog: &Catalog, server: Server) -> Result<(Vec<Wish>, Option<String>), Refusal> {
    let Wish::ColumnValue(wanted) = wish else { return Ok((vec![wish.clone()], None)) };
    let shown = format!("{}.{}", wanted.table.shown(), wanted.column);
    let known = catalog.table(&wanted.table);
    let Some(known) = known.filter(|known| known.column(&wanted.column).is_some()) else {
        return Err(impossible(&format!("`{shown}` is not known"), "give a project, or the table in `setup_sql`"));
    };
    let held = Held::of(known, wanted, server.dialect);
    let Some(held) = held else {
        return Err(impossible(&format!("`{shown}` holds no list of values that is known"), "say the change as DDL in `sql`"));
    };
    let list = changed(&held.values, wanted, &shown)?;
    let mut wishes = Vec::new();
    let mut question = None;
    if let ValueChange::Remove { replacement } = &wanted.change {
        match replacement {
            Some(replacement) => wishes.push(Wish::Backfill(Backfill {
                table: wanted.table.clone(),
                column: wanted.column.clone(),
                value: Some(literal(replacement)),
                condition: Some(format!("{} = {}", wanted.column, literal(&wanted.value))),
            })),
            None => {
                question = Some(format!(
                    "which value do rows get that have `{}` in `{shown}`? (`replacement`; without it one such row stops the plan)",
                    wanted.value
                ));
            }
        }
    }
    wishes.extend(held.with(&list, wanted, server)?);
    Ok((wishes, question))
}

/// The list as it shall be.
fn changed(values: &[String], wanted: &ColumnValue, shown: &str) -> Result<Vec<String>, Refusal> {
    let there = values.contains(&wanted.value);
    let hint = format!("its values: {}", values.join(", "));
    match &wanted.change {
        ValueChange::Add { .. } if there => Err(made(&format!("`{shown}` takes `{}`", wanted.value))),
        ValueChange::Remove { .. } if !there => Err(made(&format!("`{shown}` does not take `{}`", wanted.value))),
        ValueChange::Add { before, after } => {
            let place = |name: &String| values.iter().position(|value| value == name);
            let named = before.as_ref().or(after.as_ref());
            let at = match named.map(|name| (name, place(name))) {
                None => values.len(),
                Some((_, Some(at))) => at + usize::from(after.is_some()),
                Some((name, None)) => return Err(impossible(&format!("`{shown}` has no value `{name}`"), &hint)),
            };
            let mut list = values.to_vec();
            list.insert(at, wanted.value.clone());
            Ok(list)
        }
        ValueChange::Remove { replacement } => {
            if let Some(other) = replacement.as_ref().filter(|other| !values.contains(*other) || **other == wanted.value) {
                return Err(impossible(&format!("`{other}` is none of the values that `{shown}` keeps"), &hint));
            }
            Ok(values.iter().filter(|value| **value != wanted.value).cloned().collect())
        }
    }
}

/// Where the values stand.
struct Held<'a> {
    values: Vec<String>,
    /// The type of MySQL and MariaDB, or the check of SQLite.
    place: Place<'a>,
}

enum Place<'a> {
    Type(&'a DataType),
    Check(&'a Constraint),
}

impl<'a> Held<'a> {
    fn of(known: &'a Table, wanted: &ColumnValue, dialect: Dialect) -> Option<Self> {
        if dialect.is_mysql_family() {
            let data_type = known.column(&wanted.column)?.data_type.as_ref().filter(|one| one.name.eq_ignore_ascii_case("enum"))?;
            return Some(Self { values: data_type.arguments.clone(), place: Place::Type(data_type) });
        }
        let listed = |constraint: &'a Constraint| match &constraint.kind {
            ConstraintKind::Check(check) => Some((listed_values(exact(check)?, &wanted.column)?, constraint)),
            _ => None,
        };
        let (values, constraint) = known.constraints.iter().find_map(listed)?;
        Some(Self { values, place: Place::Check(constraint) })
    }

    /// The wishes that leave this list.
    fn with(&self, list: &[String], wanted: &ColumnValue, server: Server) -> Result<Vec<Wish>, Refusal> {
        let (table, column) = (wanted.table.shown(), &wanted.column);
        let changes = match &self.place {
            Place::Type(data_type) => {
                let text = type_text(server.dialect, &DataType { arguments: list.to_vec(), ..(*data_type).clone() });
                vec![serde_json::json!({"kind": "alter_column_type", "table": table, "column": column, "type": text})]
            }
            Place::Check(constraint) => {
                let name = constraint_name_of(&wanted.table, constraint);
                let again = if name.starts_with("sqlite_") { format!("ck_{}_{column}", wanted.table.name) } else { name.clone() };
                let values = list.iter().map(|value| literal(value)).collect::<Vec<_>>().join(", ");
                vec![
                    serde_json::json!({"kind": "drop_constraint", "table": table, "name": name}),
                    serde_json::json!({"kind": "add_constraint", "table": table, "name": again, "check": format!("{column} IN ({values})")}),
                ]
            }
        };
        let mut wishes = Vec::new();
        for change in &changes {
            wishes.extend(of_change(change, server).map_err(|error| impossible(&error.message, &error.hint))?);
        }
        Ok(wishes)
    }
}

/// `state IN ('a', 'b')`, and nothing else, as the list.
fn listed_values(check: &str, column: &str) -> Option<Vec<String>> {
    let rest = check.trim().trim_start_matches(['"', '`']).strip_prefix(column)?.trim_start_matches(['"', '`']).trim_start();
    let rest = rest.strip_prefix("IN").or_else(|| rest.strip_prefix("in"))?.trim_start().strip_prefix('(')?;
    let inner = rest.trim_end().strip_suffix(')')?;
    let mut values = Vec::new();
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let text = rest.strip_prefix('\'')?;
        let mut end = text.find('\'')?;
        while text.get(end + 1..).is_some_and(|behind| behind.starts_with('\'')) {
            end = end + 2 + text.get(end + 2..)?.find('\'')?;
        }
        values.push(text.get(..end)?.replace("''", "'"));
        rest = text.get(end + 1..)?.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(behind) => behind.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    (!values.is_empty()).then_some(values)
}

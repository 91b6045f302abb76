//! What to plan in front of a change that the server refuses as things stand.

use serde_json::{Value, json};

use crate::recipes::parts::undo::constraint_name_of;
use crate::recipes::parts::written::type_text;
use crate::sql::catalog::{Catalog, Table};
use crate::sql::change::{AlterAction, Change, Constraint, ConstraintKind, Name, Reading};

/// The sentence, with the changes as `plan_migration` takes them; `None`: nothing is known but the reason itself.
///
/// `code`: the server's error number (MariaDB 10.11, measured).
#[must_use]
pub fn way_round(reading: &Reading, code: &str, catalog: &Catalog) -> Option<String> {
    let (table, actions) = match &reading.change {
        Change::AlterTable(alter) => (alter.table.clone(), alter.actions.as_slice()),
        Change::Drop(drop) => (drop.on.clone().or_else(|| drop.names.first().cloned())?, [].as_slice()),
        _ => return None,
    };
    let front = match code {
        "1451" => keys_gone(&catalog.foreign_keys_to(&table)),
        "1553" => {
            let index = match (&reading.change, actions) {
                (Change::Drop(drop), _) => drop.names.first().map(|name| name.name.clone())?,
                (_, [AlterAction::DropIndex { name, .. } | AlterAction::DropConstraint { name, .. }]) => name.clone(),
                _ => return None,
            };
            return needed_index(catalog.table(&table)?, &table, &index);
        }
        "1005" => {
            let [AlterAction::AddConstraint(constraint)] = actions else { return None };
            fitting_types(&table, constraint, catalog)?
        }
        _ => return None,
    };
    (!front.is_empty()).then(|| format!("plan it with these in front, in one call: {}", Value::Array(front)))
}

/// Foreign keys as changes that drop them.
#[must_use]
pub fn keys_gone(pointing: &[(Name, Constraint)]) -> Vec<Value> {
    let gone = |(other, constraint): &(Name, Constraint)| json!({"kind": "drop_constraint", "table": other.shown(), "name": constraint_name_of(other, constraint)});
    pointing.iter().map(gone).collect()
}

/// An index goes that a foreign key reads: another one takes its place, or the key goes too.
fn needed_index(known: &Table, table: &Name, index: &str) -> Option<String> {
    let own = known.index(index)?.index.plain_columns();
    let needs =
        |constraint: &&Constraint| matches!(&constraint.kind, ConstraintKind::ForeignKey { columns, .. } if own.starts_with(columns));
    let key = known.constraints.iter().find(needs)?;
    let ConstraintKind::ForeignKey { columns, .. } = &key.kind else { return None };
    let name = crate::recipes::parts::body::fitting(&format!("ix_{}_{}", table.name, columns.join("_")));
    let name = if known.index(&name).is_some() { format!("{name}_2") } else { name };
    let other = json!({"kind": "create_index", "table": table.shown(), "columns": columns, "name": name});
    let gone = json!({"kind": "drop_constraint", "table": table.shown(), "name": constraint_name_of(table, key)});
    Some(format!("plan one of these in front, in one call: {other} where the key stays; {gone} where it goes too"))
}

/// The columns of a foreign key get the types of what it points at.
fn fitting_types(table: &Name, constraint: &Constraint, catalog: &Catalog) -> Option<Vec<Value>> {
    let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
    let (own, other) = (catalog.table(table)?, catalog.table(&reference.table)?);
    let pointed = if reference.columns.is_empty() { other.primary_key()? } else { reference.columns.as_slice() };
    let mut changes = Vec::new();
    for (column, target) in columns.iter().zip(pointed) {
        let is = type_text(catalog.dialect, own.column(column)?.data_type.as_ref()?);
        let wanted = type_text(catalog.dialect, other.column(target)?.data_type.as_ref()?);
        if is != wanted {
            changes.push(json!({"kind": "alter_column_type", "table": table.shown(), "column": column, "type": wanted}));
        }
    }
    Some(changes)
}

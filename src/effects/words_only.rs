//! SQL Server and Oracle: no server was asked. What a statement is and which table it names is known, and how its
//! words call the lock; answers say `experimental`.

use crate::effects::fact::LockMode;
use crate::effects::{Effect, Loss, Place, Undo, Work};
use crate::sql::change::{AlterAction, Change, Drop, Name, Reading};
use crate::sql::words::Kind;

/// What the words tell.
#[must_use]
pub fn effect(reading: &Reading, place: &Place<'_>) -> Effect {
    let mut effect = Effect { situations: vec!["by_words"], cites: vec!["experimental-dialects#by-words"], ..Effect::default() };
    if let (Some(table), true) = (&reading.relation, changes_schema(&reading.change)) {
        lock(&mut effect, table, LockMode::SchemaModification, place);
    }
    match &reading.change {
        Change::AlterTable(alter) => {
            for action in &alter.actions {
                alter_action(&mut effect, &alter.table, action, place);
            }
        }
        Change::Drop(drop) => drop_object(&mut effect, reading.kind, drop, place),
        Change::CreateIndex { table, .. } => {
            let online = reading.flags.get("online") == Some(&true.into());
            let mode = if online { LockMode::OnlineNone } else { LockMode::TableShared };
            effect.locks.clear();
            lock(&mut effect, table, mode, place);
            works(&mut effect, table, Work::Scan, place);
            effect.is_online = online;
        }
        Change::Truncate { tables, .. } => tables.iter().for_each(|table| loses_rows(&mut effect, table, "all rows", place)),
        Change::Delete(delete) => delete.tables.iter().for_each(|table| loses_rows(&mut effect, table, "rows", place)),
        Change::Update(update) if !place.catalog.is_new(&update.table) => {
            effect.lose(Loss::Medium, format!("values of `{}` are overwritten", update.table));
            effect.is_bounded = !update.reach.bounded_by.is_empty();
            effect.undo(Undo::ShapeOnly);
        }
        Change::Call { .. } => {
            effect.is_opaque = true;
            effect.undo(Undo::Unknown);
        }
        _ => {}
    }
    if let Change::Delete(delete) = &reading.change {
        effect.is_bounded = !delete.reach.bounded_by.is_empty() || delete.reach.limit.is_some();
    }
    effect
}

fn lock(effect: &mut Effect, table: &Name, mode: LockMode, place: &Place<'_>) {
    if !place.catalog.is_new(table) {
        effect.lock(place.catalog.key(table), mode);
    }
}

fn works(effect: &mut Effect, table: &Name, work: Work, place: &Place<'_>) {
    if !place.catalog.is_new(table) && place.catalog.has_rows(table) {
        effect.works(&place.catalog.key(table), work);
    }
}

fn loses_rows(effect: &mut Effect, table: &Name, what: &str, place: &Place<'_>) {
    if !place.catalog.is_new(table) && place.catalog.has_rows(table) {
        effect.lose(Loss::High, format!("{what} of `{table}` are gone"));
        effect.undo(Undo::ShapeOnly);
    }
}

fn alter_action(effect: &mut Effect, table: &Name, action: &AlterAction, place: &Place<'_>) {
    match action {
        AlterAction::DropColumn { column, .. } => {
            loses_rows(effect, table, &format!("the values in `{column}`"), place);
            effect.breaks("drop_column", format!("queries that name `{table}.{column}`"));
        }
        AlterAction::RenameColumn { from, .. } => effect.breaks("rename", format!("queries that name `{table}.{from}`")),
        AlterAction::RenameTable { .. } | AlterAction::SetSchema { .. } => effect.breaks("rename", format!("queries that name `{table}`")),
        AlterAction::AlterColumn { .. } | AlterAction::AlterColumnType { .. } | AlterAction::ChangeColumn { .. } => {
            works(effect, table, Work::Rewrite, place);
            effect.lose(Loss::Medium, format!("values of `{table}` are converted; no server was asked how"));
            effect.undo(Undo::Unknown);
        }
        AlterAction::AddConstraint(constraint) if !constraint.not_valid => works(effect, table, Work::Scan, place),
        AlterAction::Rebuild { .. } => works(effect, table, Work::Rewrite, place),
        AlterAction::DropConstraint { name, .. } => effect.lose(Loss::Low, format!("`{name}` of `{table}` is not checked any more")),
        _ => {}
    }
}

fn drop_object(effect: &mut Effect, kind: Kind, drop: &Drop, place: &Place<'_>) {
    for name in &drop.names {
        match kind {
            Kind::DropTable => {
                loses_rows(effect, name, "all rows", place);
                if !place.catalog.is_new(name) {
                    effect.breaks("drop_table", format!("queries that name `{name}`"));
                }
            }
            Kind::DropDatabase | Kind::DropSchema => {
                effect.lose(Loss::High, format!("everything in `{name}` is gone"));
                effect.breaks("drop_table", format!("everything that uses `{name}`"));
            }
            _ => {
                effect.lose(Loss::Low, format!("`{name}` is dropped"));
                effect.breaks("drop_object", format!("what uses `{name}`"));
            }
        }
    }
}

/// Statements that take a schema lock on the table they name.
const fn changes_schema(change: &Change) -> bool {
    matches!(
        change,
        Change::AlterTable(_)
            | Change::Drop(_)
            | Change::CreateIndex { .. }
            | Change::CreateTrigger { .. }
            | Change::Truncate { .. }
            | Change::AlterSchemaTransfer { .. }
    )
}

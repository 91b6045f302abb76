//! The values that rows get which stand before a column asks for one.

use std::collections::BTreeSet;

use crate::recipes::parts::wish::{Backfill, Wish};
use crate::sql::change::AlterAction;

/// A column that must have a value takes it from a backfill of the same plan; one that need not gets a backfill of its own.
#[must_use]
pub fn with_fills(wishes: &[Wish]) -> Vec<Wish> {
    let mut taken = BTreeSet::new();
    let mut out: Vec<Wish> = wishes.iter().flat_map(|wish| std::iter::once(wish.clone()).chain(own_fill(wish))).collect();
    let wishes = out.clone();
    for n in 0..wishes.len() {
        let Some(Wish::Statement(statement)) = out.get(n) else { continue };
        let column = match statement.action() {
            Some((table, AlterAction::AddColumn { column, .. })) if column.not_null => Some((table.clone(), column.name.clone())),
            Some((table, AlterAction::SetNotNull { column })) => Some((table.clone(), column.clone())),
            _ => None,
        };
        let Some((table, column)) = column.filter(|_| statement.fill.is_none()) else { continue };
        let fill = wishes.iter().enumerate().find_map(|(at, wish)| match wish {
            Wish::Backfill(fill) if fill.table == table && fill.column == column && fill.condition.is_none() => {
                Some((at, fill.value.clone()))
            }
            _ => None,
        });
        if let (Some((at, value)), Some(Wish::Statement(statement))) = (fill, out.get_mut(n)) {
            statement.fill = value;
            taken.insert(at);
        }
    }
    out.into_iter().enumerate().filter(|(at, _)| !taken.contains(at)).map(|(_, wish)| wish).collect()
}

/// What fills a new column that may be NULL.
fn own_fill(wish: &Wish) -> Option<Wish> {
    let Wish::Statement(statement) = wish else { return None };
    let Some((table, AlterAction::AddColumn { column, .. })) = statement.action().filter(|_| statement.fill.is_some()) else { return None };
    let fill = Backfill { table: table.clone(), column: column.name.clone(), value: statement.fill.clone(), condition: None };
    (!column.not_null).then_some(Wish::Backfill(fill))
}

//! Rows of children when rows of their parent go: by `DROP TABLE`, `DELETE` or `REPLACE`.

use crate::effects::sqlite::{fact, refuse, works};
use crate::effects::{Effect, Loss, Place, Undo, When, Work};
use crate::sql::catalog::Table;
use crate::sql::change::{Constraint, ConstraintKind, IndexKey, Name};

/// What is known of `PRAGMA foreign_keys` at a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignKeys {
    /// Switched on by the setup or the script.
    On,
    /// Switched off by it.
    Off,
    /// Nobody said; SQLite's own default is off, applications often switch it on.
    Unsaid,
}

/// What is known of the setting.
#[must_use]
pub fn setting(place: &Place<'_>) -> ForeignKeys {
    match place.catalog.setting("foreign_keys") {
        None => ForeignKeys::Unsaid,
        Some(_) if place.catalog.is_on("foreign_keys") => ForeignKeys::On,
        Some(_) => ForeignKeys::Off,
    }
}

/// Other tables with rows whose foreign keys point at `table`.
#[must_use]
pub fn children(table: &Name, place: &Place<'_>) -> Vec<(Name, Constraint)> {
    let key = place.catalog.key(table);
    let found = place.catalog.foreign_keys_to(table);
    found.into_iter().filter(|(child, _)| *child != key && place.catalog.has_rows(child)).collect()
}

/// A foreign key of `table` itself points at nothing: with foreign_keys ON its rows can be neither written nor deleted.
pub fn points_at_nothing(effect: &mut Effect, table: &Name, place: &Place<'_>) -> bool {
    if setting(place) != ForeignKeys::On {
        return false;
    }
    let constraints = place.catalog.table(table).map(|found| found.constraints.as_slice()).unwrap_or_default();
    let parents = constraints.iter().filter_map(Constraint::reference).map(|reference| &reference.table);
    let Some(missing) = parents.into_iter().find(|parent| place.catalog.is_missing(parent)) else { return false };
    refuse(effect, format!("no such table: main.{}", missing.name), format!("a foreign key of `{table}` points at it"));
    true
}

/// Why rows of the parent go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The table is dropped: certain for all rows.
    Drop,
    /// Rows are deleted, perhaps not those that children point at.
    Delete,
    /// Rows are deleted, and others with the same key take their place.
    Replace,
}

/// Notes what becomes of the children's rows, or that SQLite refuses for them.
pub fn follow(effect: &mut Effect, table: &Name, cause: Cause, place: &Place<'_>) {
    let children = children(table, place);
    match setting(place) {
        ForeignKeys::On => {
            if cause != Cause::Drop && !children.is_empty() && !effect.is_bounded {
                fact(effect, "delete_parent", place);
            }
            act(effect, table, cause, place, &mut Vec::new());
        }
        ForeignKeys::Off => {}
        ForeignKeys::Unsaid => warn(effect, table, &children),
    }
}

/// Nobody said whether foreign keys act: what would happen if they do.
fn warn(effect: &mut Effect, table: &Name, children: &[(Name, Constraint)]) {
    let said: Vec<String> = children
        .iter()
        .map(|(child, constraint)| format!("rows of `{child}` that point at `{table}` {}", outcome(constraint).words()))
        .collect();
    if said.is_empty() {
        return;
    }
    let warning = format!("with `PRAGMA foreign_keys = ON`, {}", said.join(", "));
    match &mut effect.loss_why {
        Some(why) => {
            why.push_str("; ");
            why.push_str(&warning);
        }
        None => effect.lose(Loss::Low, warning.clone()),
    }
    effect.breaks("sqlite_batch_loses_rows", warning);
}

/// What a foreign key does when the row it points at goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Deleted,
    Overwritten,
    Refused,
}

impl Outcome {
    const fn words(self) -> &'static str {
        match self {
            Self::Deleted => "are deleted too",
            Self::Overwritten => "forget which",
            Self::Refused => "stop it",
        }
    }
}

fn outcome(constraint: &Constraint) -> Outcome {
    match constraint.reference().and_then(|reference| reference.on_delete.as_deref()) {
        Some("cascade") => Outcome::Deleted,
        Some("set null" | "set default") => Outcome::Overwritten,
        _ => Outcome::Refused,
    }
}

fn act(effect: &mut Effect, table: &Name, cause: Cause, place: &Place<'_>, seen: &mut Vec<Name>) {
    seen.push(place.catalog.key(table));
    for (child, constraint) in children(table, place) {
        if is_searched_through(&child, &constraint, place) {
            works(effect, &child, Work::Scan, place);
        }
        match outcome(&constraint) {
            Outcome::Deleted if !seen.contains(&child) => {
                let why =
                    format!("rows of `{child}` go with the rows of `{table}` that they point at (ON DELETE CASCADE, foreign_keys is ON)");
                effect.lose(Loss::High, why);
                effect.undo(Undo::ShapeOnly);
                effect.cascades.push(format!("rows of `{child}`"));
                act(effect, &child, cause, place, seen);
            }
            Outcome::Deleted => {}
            Outcome::Overwritten => {
                effect.lose(Loss::Medium, format!("`{child}` forgets which row of `{table}` it points at (foreign_keys is ON)"));
                effect.undo(Undo::ShapeOnly);
            }
            Outcome::Refused if cause != Cause::Replace => {
                let when = if cause == Cause::Drop && place.catalog.is_complete { When::Always } else { When::OnRows };
                effect.fail("FOREIGN KEY constraint failed", when, format!("rows of `{child}` point at `{table}`, and foreign_keys is ON"));
            }
            Outcome::Refused => {}
        }
    }
}

/// No index leads to the child's rows: all of them are read.
fn is_searched_through(child: &Name, constraint: &Constraint, place: &Place<'_>) -> bool {
    let ConstraintKind::ForeignKey { columns, .. } = &constraint.kind else { return false };
    let leads = |table: &Table| {
        table.indexes.iter().any(|state| match (state.index.keys.first(), columns.first()) {
            (Some(IndexKey::Column(key)), Some(column)) => state.index.predicate.is_none() && key.eq_ignore_ascii_case(column),
            _ => false,
        })
    };
    !place.catalog.table(child).is_some_and(leads)
}

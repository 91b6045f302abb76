//! A table made anew: `CREATE x`, `INSERT INTO x SELECT … FROM t`, `DROP t`, `RENAME x TO t`, as Alembic's
//! `batch_alter_table` does it. What the copy left out is gone when the old table is dropped.

use crate::effects::{Effect, Loss, Place, Undo};
use crate::sql::catalog::{Copy, Table};
use crate::sql::change::{Change, Column, ConstraintKind, Expression, IndexKey, Name};

/// The table that holds the rows of `table` from now on, if the script copied them.
#[must_use]
pub fn replacement<'a>(table: &Name, place: &Place<'a>) -> Option<(&'a Name, &'a Table, &'a Copy)> {
    place.catalog.copies_of(table).find(|(_, state, _)| state.is_new)
}

/// Notes what is lost between the old table and its replacement.
pub fn losses(effect: &mut Effect, table: &Name, old: &Table, new: &Table, copy: &Copy, place: &Place<'_>) {
    if !copy.is_whole {
        effect.lose(Loss::High, format!("not all rows of `{table}` were copied before it is dropped"));
        effect.undo(Undo::ShapeOnly);
    }
    for column in old.columns.iter().filter(|column| !column.is_new) {
        column_loss(effect, table, column, new, copy);
    }
    for lost in guarantees_lost(old, new, copy).into_iter().chain(objects_lost(old, place)) {
        effect.lose(Loss::Low, format!("the new `{table}` is without {lost}"));
        effect.cascades.push(lost);
    }
}

/// How a column came over.
enum Kept<'a> {
    Gone,
    Same(&'a str),
    Computed(&'a Expression),
}

fn kept<'a>(column: &Column, copy: &'a Copy) -> Kept<'a> {
    let names = |expression: &Expression| expression.words.iter().any(|word| word.eq_ignore_ascii_case(&column.name));
    let plain = copy.columns.iter().find(|(_, written)| names(written) && is_plain(written));
    match plain.or_else(|| copy.columns.iter().find(|(_, written)| names(written))) {
        None => Kept::Gone,
        Some((to, written)) if is_plain(written) => Kept::Same(to),
        Some((_, written)) => Kept::Computed(written),
    }
}

/// `x` or `t.x`.
fn is_plain(expression: &Expression) -> bool {
    expression.functions.is_empty() && !expression.text.contains([' ', '(', '|', '+', '-', '*', '/', '\''])
}

fn column_loss(effect: &mut Effect, table: &Name, column: &Column, new: &Table, copy: &Copy) {
    let name = &column.name;
    match kept(column, copy) {
        Kept::Gone if column.generated.is_some() => {
            if new.column(name).is_none() {
                effect.lose(Loss::Low, format!("the generated column `{table}.{name}` is not made again"));
                effect.breaks("drop_column", format!("queries that name `{table}.{name}`"));
            }
        }
        Kept::Gone => {
            effect.lose(Loss::High, format!("the values of `{table}.{name}` are not copied: they go with the old table"));
            effect.undo(Undo::ShapeOnly);
            effect.breaks("drop_column", format!("queries that name `{table}.{name}`"));
        }
        Kept::Computed(written) if fills_null(written) => {
            effect.lose(Loss::Low, format!("NULL in `{table}.{name}` is filled"));
        }
        Kept::Computed(written) => {
            effect.lose(Loss::Medium, format!("the values of `{table}.{name}` are written anew as `{}`", written.text));
            effect.undo(Undo::ShapeOnly);
        }
        Kept::Same(to) => {
            let new_type = new.column(to).map(affinity);
            if affinity(column) == Affinity::Text && new_type.is_some_and(|new_type| new_type == Affinity::Number) {
                effect.lose(Loss::Medium, format!("text in `{table}.{name}` that looks like a number is stored as one"));
                effect.undo(Undo::ShapeOnly);
            }
        }
    }
}

fn fills_null(written: &Expression) -> bool {
    matches!(written.functions.as_slice(), [only] if only == "coalesce" || only == "ifnull")
}

#[derive(PartialEq, Eq)]
enum Affinity {
    Text,
    Number,
    Blob,
}

/// How SQLite stores values of a column, by the words of its type (its manual, datatype3, 3.1).
fn affinity(column: &Column) -> Affinity {
    let Some(name) = column.data_type.as_ref().map(|found| found.name.to_lowercase()) else {
        return Affinity::Blob;
    };
    if name.contains("int") {
        Affinity::Number
    } else if ["char", "clob", "text"].iter().any(|word| name.contains(word)) {
        Affinity::Text
    } else if name.contains("blob") {
        Affinity::Blob
    } else {
        Affinity::Number
    }
}

/// What the old table demanded and the new one does not.
fn guarantees_lost(old: &Table, new: &Table, copy: &Copy) -> Vec<String> {
    let mut lost = Vec::new();
    for column in &old.columns {
        let Kept::Same(to) = kept(column, copy) else { continue };
        let Some(now) = new.column(to) else { continue };
        if old.is_not_null(&column.name) && !new.is_not_null(to) {
            lost.push(format!("NOT NULL of `{}`", column.name));
        }
        if column.default.as_ref().is_some_and(|default| !default.is_null) && now.default.is_none() {
            lost.push(format!("the default of `{}`", column.name));
        }
        if counts(column) && !counts(now) {
            lost.push(format!("AUTOINCREMENT of `{}`", column.name));
        }
    }
    for (word, wanted) in KINDS {
        let count = |table: &Table| table.constraints.iter().filter(|found| wanted(&found.kind)).count();
        if count(new) < count(old) {
            lost.push(format!("{} {word}", count(old) - count(new)));
        }
    }
    lost
}

type IsKind = fn(&ConstraintKind) -> bool;

const KINDS: &[(&str, IsKind)] = &[
    ("CHECK", |kind| matches!(kind, ConstraintKind::Check(_))),
    ("UNIQUE", |kind| matches!(kind, ConstraintKind::Unique { .. })),
    ("FOREIGN KEY", |kind| matches!(kind, ConstraintKind::ForeignKey { .. })),
    ("PRIMARY KEY", |kind| matches!(kind, ConstraintKind::PrimaryKey { .. })),
];

const fn counts(column: &Column) -> bool {
    column.auto_increment
}

/// Indexes and triggers that go with the old table and are not made again behind it.
fn objects_lost(old: &Table, place: &Place<'_>) -> Vec<String> {
    let mut lost = Vec::new();
    for state in old.indexes.iter().filter(|state| state.constraint.is_none()) {
        let name = state.index.name.as_deref().unwrap_or_default();
        if !index_comes_again(name, &state.index.keys, place) {
            lost.push(format!("index `{name}`"));
        }
    }
    for trigger in old.triggers.iter().filter(|trigger| !trigger_comes_again(trigger, place)) {
        lost.push(format!("trigger `{trigger}`"));
    }
    lost
}

fn index_comes_again(name: &str, keys: &[IndexKey], place: &Place<'_>) -> bool {
    place.following.iter().any(|later| match &later.reading.change {
        Change::CreateIndex { index, .. } => {
            index.name.as_deref().is_some_and(|other| other.eq_ignore_ascii_case(name)) || same_columns(&index.keys, keys)
        }
        _ => false,
    })
}

fn same_columns(new: &[IndexKey], old: &[IndexKey]) -> bool {
    let plain = |keys: &[IndexKey]| keys.iter().all(|key| matches!(key, IndexKey::Column(_)));
    plain(old) && new == old
}

fn trigger_comes_again(trigger: &str, place: &Place<'_>) -> bool {
    place
        .following
        .iter()
        .any(|later| matches!(&later.reading.change, Change::CreateTrigger { name, .. } if name.eq_ignore_ascii_case(trigger)))
}

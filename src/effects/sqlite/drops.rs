//! `DROP TABLE`, `DROP INDEX`, `DROP VIEW`, `DROP TRIGGER` on SQLite.

use crate::effects::sqlite::foreign_keys::{self, Cause, ForeignKeys};
use crate::effects::sqlite::{fact, is_view, recreation, refuse};
use crate::effects::{Effect, Loss, Place, Undo};
use crate::sql::catalog::Table;
use crate::sql::change::{Drop, Name};
use crate::sql::words::Kind;

/// `DROP` of anything that SQLite has.
pub fn effect(effect: &mut Effect, kind: Kind, drop: &Drop, place: &Place<'_>) {
    let Some(name) = drop.names.first() else { return };
    match kind {
        Kind::DropTable => table(effect, name, drop.if_exists, place),
        Kind::DropView => view(effect, name, drop.if_exists, place),
        Kind::DropIndex => index(effect, name, drop.if_exists, place),
        _ => trigger(effect, name, drop.if_exists, place),
    }
}

/// The object is known to be missing. True: nothing else happens.
fn gone(effect: &mut Effect, what: &str, name: &Name, is_missing: bool, if_exists: bool) -> bool {
    if is_missing && !if_exists {
        refuse(effect, format!("no such {what}: {name}"), format!("`{name}` does not stand here"));
    }
    is_missing
}

fn table(effect: &mut Effect, name: &Name, if_exists: bool, place: &Place<'_>) {
    if gone(effect, "table", name, place.catalog.is_missing(name), if_exists) {
        return;
    }
    if is_view(name, place) {
        refuse(effect, format!("use DROP VIEW to delete view {}", name.name), "it is a view");
        return;
    }
    let has_children = !foreign_keys::children(name, place).is_empty();
    let deletes_rows = has_children && foreign_keys::setting(place) == ForeignKeys::On;
    fact(effect, if deletes_rows { "drop_parent" } else { "drop_table" }, place);
    match (place.catalog.table(name), recreation::replacement(name, place)) {
        (Some(old), Some((_, new, copy))) if !old.is_new => recreation::losses(effect, name, old, new, copy, place),
        (None, Some((_, _, copy))) => unknown_recreated(effect, name, copy.is_whole),
        (found, _) => lost_table(effect, name, found, place),
    }
    foreign_keys::follow(effect, name, Cause::Drop, place);
}

/// The old table is not known, so that nobody can tell what its copy left out.
fn unknown_recreated(effect: &mut Effect, name: &Name, is_whole: bool) {
    if is_whole {
        effect.lose(Loss::Medium, format!("`{name}` is made anew: nobody can tell which columns, indexes and triggers the copy left out"));
    } else {
        effect.lose(Loss::High, format!("not all rows of `{name}` were copied before it is dropped"));
    }
    effect.undo(Undo::ShapeOnly);
}

fn lost_table(effect: &mut Effect, name: &Name, found: Option<&Table>, place: &Place<'_>) {
    if found.is_some_and(|found| found.is_new || found.temporary) {
        return;
    }
    effect.lose(Loss::High, format!("`{name}` is dropped with all its rows"));
    effect.undo(Undo::ShapeOnly);
    effect.breaks("drop_table", format!("queries that name `{name}`"));
    for view in place.catalog.views_on(name) {
        effect.breaks("drop_table", format!("the view `{view}`"));
    }
    for (child, _) in foreign_keys::children(name, place) {
        effect.breaks("drop_table", format!("writes to `{child}`, whose foreign key points at `{name}`,"));
    }
}

fn view(effect: &mut Effect, name: &Name, if_exists: bool, place: &Place<'_>) {
    if gone(effect, "view", name, place.catalog.is_missing(name), if_exists) {
        return;
    }
    if place.catalog.table(name).is_some() && !is_view(name, place) {
        refuse(effect, format!("use DROP TABLE to delete table {}", name.name), "it is a table");
        return;
    }
    fact(effect, "drop_view", place);
    if !place.catalog.is_new(name) {
        effect.lose(Loss::Low, format!("the view `{name}` is dropped"));
        effect.breaks("drop_object", format!("queries that name `{name}`"));
    }
}

fn index(effect: &mut Effect, name: &Name, if_exists: bool, place: &Place<'_>) {
    if name.schema.is_none() && name.name.to_lowercase().starts_with("sqlite_autoindex_") {
        let message = "index associated with UNIQUE or PRIMARY KEY constraint cannot be dropped";
        refuse(effect, message, "it carries a constraint: only a new table can be without it");
        return;
    }
    let found = super::index(name, place);
    if gone(effect, "index", name, place.catalog.is_complete && found.is_none(), if_exists) {
        return;
    }
    fact(effect, "drop_index", place);
    if !found.is_some_and(|(_, state)| state.is_new) {
        effect.lose(Loss::Low, format!("the index `{name}` is dropped"));
    }
}

fn trigger(effect: &mut Effect, name: &Name, if_exists: bool, place: &Place<'_>) {
    let mut tables = place.catalog.tables();
    let stands = tables.any(|(_, table)| table.triggers.iter().any(|trigger| trigger.eq_ignore_ascii_case(&name.name)));
    if gone(effect, "trigger", name, place.catalog.is_complete && !stands, if_exists) {
        return;
    }
    fact(effect, "drop_trigger", place);
    effect.lose(Loss::Low, format!("the trigger `{name}` is dropped"));
}

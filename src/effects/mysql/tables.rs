//! Tables as a whole, and all objects that are no table.

use crate::dialect::Dialect;
use crate::effects::mysql::{self, breaks, has_old_rows, is_on, loses, meets, missing, one_action, refused, rows};
use crate::effects::{Effect, Loss, Place, When};
use crate::sql::catalog::RelationKind;
use crate::sql::change::{AlterAction, Change, ConstraintKind, CreateTable, Drop, Name, Query, Reading};
use crate::sql::words::Kind;

/// A statement that is no ALTER TABLE and touches no rows by itself.
pub fn effect(effect: &mut Effect, reading: &Reading, place: &Place<'_>) {
    match &reading.change {
        Change::CreateTable(create) => create_table(effect, create, place),
        Change::RenameTables { pairs } => rename(effect, pairs, reading.flags.get("if_exists") == Some(&true.into()), place),
        Change::Drop(drop) => dropped(effect, reading.kind, drop, place),
        Change::Truncate { tables, .. } => truncate(effect, tables, place),
        Change::Maintain { tables } => maintain(effect, reading.kind, tables, place),
        Change::Analyze { tables } => each(effect, "analyze_table", tables, place),
        Change::LockTables { tables, mode } => {
            let write = mode.as_deref() != Some("read");
            each(effect, if write { "lock_tables_write" } else { "lock_tables_read" }, tables, place);
        }
        Change::CreateTrigger { name, table, or_replace, .. } if !missing(effect, "1146", table, false, place) => {
            let taken = place.catalog.tables().any(|(_, found)| found.triggers.iter().any(|other| other.eq_ignore_ascii_case(name)));
            let lenient = *or_replace || reading.flags.get("if_not_exists") == Some(&true.into());
            if taken && !lenient && place.catalog.is_complete {
                effect.fail("1359", When::Always, format!("trigger `{name}` stands already"));
                return;
            }
            meets(effect, "trigger", table, place);
        }
        Change::CreateView { name, or_replace, if_not_exists, query, .. } => {
            create_view(effect, name, *or_replace, *if_not_exists, query, place);
        }
        Change::AlterSequence { name, if_exists, .. } if place.catalog.is_complete && !place.catalog.has_sequence(name) && !if_exists => {
            effect.fail("4091", When::Always, format!("sequence `{name}` does not exist"));
        }
        Change::Revoke { .. } => effect.breaks("revoke", "sessions of those who lose a right"),
        Change::Call { .. } => effect.is_opaque = true,
        _ => {}
    }
}

fn each(effect: &mut Effect, situation: &'static str, tables: &[Name], place: &Place<'_>) {
    for table in tables {
        if !missing(effect, "1146", table, false, place) {
            meets(effect, situation, table, place);
        }
    }
}

fn create_table(effect: &mut Effect, create: &CreateTable, place: &Place<'_>) {
    let stands = place.catalog.table(&create.name).is_some();
    if stands && create.or_replace && !create.temporary {
        meets(effect, "drop_table", &create.name, place);
        loses(effect, &create.name, Loss::High, format!("the old table `{}` is dropped", create.name), place);
        breaks(effect, "drop_table", &create.name, format!("queries on the old `{}`", create.name), place);
    } else if stands && !create.if_not_exists && !create.temporary {
        effect.fail("1050", When::Always, format!("table `{}` already exists", create.name));
        return;
    }
    if stands && create.if_not_exists {
        return;
    }
    let counting = create.columns.iter().filter(|column| column.auto_increment).count();
    if counting > 1 {
        effect.fail("1075", When::Always, format!("`{}` would have {counting} AUTO_INCREMENT columns", create.name));
    }
    if let Some((code, why)) = refused::new_table(create, place) {
        effect.fail(code, When::Always, why);
        return;
    }
    let inline = create.columns.iter().flat_map(|column| &column.constraints);
    for constraint in create.constraints.iter().chain(inline) {
        let ConstraintKind::ForeignKey { reference, .. } = &constraint.kind else {
            continue;
        };
        let own = place.catalog.key(&reference.table) == place.catalog.key(&create.name);
        let taken = constraint.name.as_deref().and_then(|name| {
            place
                .catalog
                .tables()
                .find(|(_, found)| found.constraint(name).is_some_and(|other| other.reference().is_some()))
                .map(|(table, _)| (name, table))
        });
        if let Some((name, table)) = taken {
            let code = if place.server.dialect == Dialect::Mariadb { "1005" } else { "1826" };
            effect.fail(code, When::Always, format!("a foreign key of `{table}` is called `{name}` already"));
            return;
        }
        if !own && is_on("foreign_key_checks", place) && place.catalog.is_missing(&reference.table) {
            let code = if place.server.dialect == Dialect::Mariadb { "1005" } else { "1824" };
            effect.fail(code, When::Always, format!("table `{}` does not exist (errno 150)", reference.table));
        } else if !own && !place.catalog.is_new(&reference.table) {
            effect.lock(place.catalog.key(&reference.table), crate::effects::LockMode::OnlineNone);
        }
    }
    for (other, _) in &create.like {
        missing(effect, "1146", other, false, place);
    }
    if let Some((query, _)) = &create.query {
        rows::reads(effect, &query.tables, place);
    }
}

fn create_view(effect: &mut Effect, name: &Name, or_replace: bool, if_not_exists: bool, query: &Query, place: &Place<'_>) {
    if place.catalog.table(name).is_some() && !or_replace && !if_not_exists {
        effect.fail("1050", When::Always, format!("`{name}` already exists"));
        return;
    }
    for table in &query.tables {
        missing(effect, "1146", table, false, place);
    }
    if let Some((code, why)) = refused::view(query, place).filter(|_| !effect.always_fails()) {
        effect.fail(code, When::Always, why);
    }
}

fn rename(effect: &mut Effect, pairs: &[(Name, Name)], if_exists: bool, place: &Place<'_>) {
    let mut free: Vec<Name> = Vec::new();
    let mut made: Vec<Name> = Vec::new();
    for (from, to) in pairs {
        let (from_key, to_key) = (place.catalog.key(from), place.catalog.key(to));
        if !made.contains(&from_key) && missing(effect, "1146", from, if_exists, place) {
            return;
        }
        if place.catalog.table(to).is_some() && !free.contains(&to_key) || made.contains(&to_key) {
            effect.fail("1050", When::Always, format!("table `{to}` already exists"));
            return;
        }
        let nowhere = to.schema.as_ref().filter(|schema| from.schema.as_ref() != Some(schema) && !place.catalog.has_schema(schema));
        if let Some(schema) = nowhere.filter(|schema| place.catalog.is_complete && place.catalog.in_schema(schema).is_empty()) {
            effect.fail("1025", When::Always, format!("there is no database `{schema}`"));
            return;
        }
        if !made.contains(&from_key) {
            meets(effect, "rename_tables", from, place);
            breaks(effect, "rename", from, format!("queries that name `{from}`: it is `{to}` now"), place);
        }
        made.retain(|name| *name != from_key);
        free.push(from_key);
        made.push(to_key);
    }
}

fn dropped(effect: &mut Effect, kind: Kind, drop: &Drop, place: &Place<'_>) {
    match kind {
        Kind::DropTable => drop_tables(effect, drop, place),
        Kind::DropIndex => {
            for (name, table) in drop.names.iter().zip(drop.on.iter().cycle()) {
                let action = AlterAction::DropIndex { name: name.name.clone(), if_exists: drop.if_exists };
                mysql::alter::alter(effect, &one_action(table, action, &drop.algorithm, &drop.lock), false, place);
            }
        }
        Kind::DropView => {
            for name in &drop.names {
                if missing(effect, "4092", name, drop.if_exists, place) {
                    continue;
                }
                loses(effect, name, Loss::Low, format!("view `{name}` is gone"), place);
                breaks(effect, "drop_object", name, format!("queries on `{name}`"), place);
            }
        }
        Kind::DropDatabase | Kind::DropSchema => drop_database(effect, drop, place),
        Kind::DropTrigger => {
            let on = place
                .catalog
                .tables()
                .find(|(_, table)| drop.names.iter().any(|name| table.triggers.contains(&name.name)))
                .map(|(table, _)| table.clone());
            if let Some(table) = on {
                meets(effect, "trigger", &table, place);
            }
            loses_definition(effect, drop);
        }
        _ => loses_definition(effect, drop),
    }
}

fn loses_definition(effect: &mut Effect, drop: &Drop) {
    effect.lose(Loss::Low, format!("{} is gone", names(&drop.names)));
    effect.breaks("drop_object", format!("what uses {}", names(&drop.names)));
}

fn names(all: &[Name]) -> String {
    all.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn drop_database(effect: &mut Effect, drop: &Drop, place: &Place<'_>) {
    for name in &drop.names {
        let tables = place.catalog.in_schema(&name.name);
        if tables.is_empty() && place.catalog.has_schema(&name.name) {
            effect.lose(Loss::Low, format!("database `{name}` is gone"));
            continue;
        }
        for table in &tables {
            meets(effect, "drop_table", table, place);
        }
        effect.lose(Loss::High, format!("database `{name}` is gone, with all its tables"));
        effect.undo(crate::effects::Undo::ShapeOnly);
        effect.breaks("drop_table", format!("queries on the database `{name}`"));
    }
}

fn drop_tables(effect: &mut Effect, drop: &Drop, place: &Place<'_>) {
    let code = "1051";
    for (at, name) in drop.names.iter().enumerate() {
        if missing(effect, code, name, drop.if_exists, place) {
            continue;
        }
        if place.server.dialect == Dialect::Mariadb && place.catalog.table(name).is_some_and(|found| found.kind == RelationKind::View) {
            effect.fail("1965", When::Always, format!("`{name}` is a view"));
            continue;
        }
        // MySQL 8 drops all of them at once, MariaDB one after the other.
        let (mariadb, major) = (place.server.dialect == Dialect::Mariadb, place.server.version.major);
        let until = if mariadb || major < 8 { at } else { drop.names.len() };
        let earlier: Vec<Name> = drop.names.iter().take(until).map(|other| place.catalog.key(other)).collect();
        if let Some((owner, _)) = blocking_child(name, &earlier, place) {
            let code = if mariadb || major < 8 { "1451" } else { "3730" };
            effect.fail(code, When::Always, format!("a foreign key of `{owner}` points at `{name}`"));
            continue;
        }
        meets(effect, "drop_table", name, place);
        loses(effect, name, Loss::High, format!("table `{name}` is gone, with its rows"), place);
        let views = place.catalog.views_on(name);
        let also = if views.is_empty() { String::new() } else { format!(", and {}", names(&views)) };
        breaks(effect, "drop_table", name, format!("queries on `{name}`{also}"), place);
    }
}

/// A table outside of `except` whose foreign key points at `name`, while checks are on.
fn blocking_child(name: &Name, except: &[Name], place: &Place<'_>) -> Option<(Name, String)> {
    if !is_on("foreign_key_checks", place) {
        return None;
    }
    let own = place.catalog.key(name);
    place
        .catalog
        .foreign_keys_to(name)
        .into_iter()
        .find(|(owner, _)| *owner != own && !except.contains(owner))
        .map(|(owner, key)| (owner, key.name.unwrap_or_default()))
}

fn truncate(effect: &mut Effect, tables: &[Name], place: &Place<'_>) {
    for table in tables {
        if missing(effect, "1146", table, false, place) {
            continue;
        }
        if let Some((owner, _)) = blocking_child(table, &[], place) {
            effect.fail("1701", When::Always, format!("a foreign key of `{owner}` points at `{table}`"));
            return;
        }
        if place.catalog.table(table).is_some_and(|found| found.options.contains_key("system versioning")) {
            effect.fail("4137", When::Always, format!("`{table}` is system-versioned"));
            return;
        }
        meets(effect, "truncate", table, place);
        if has_old_rows(table, place) {
            loses(effect, table, Loss::High, format!("all rows of `{table}` are gone"), place);
        }
    }
}

fn maintain(effect: &mut Effect, kind: Kind, tables: &[Name], place: &Place<'_>) {
    for table in tables {
        let view = place.catalog.table(table).is_some_and(|found| found.kind == RelationKind::View);
        if view {
            continue;
        }
        meets(effect, if kind == Kind::OptimizeTable { "optimize_table" } else { "analyze_table" }, table, place);
    }
}

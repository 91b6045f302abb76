//! `DROP` on PostgreSQL.

use crate::effects::fact::LockMode;
use crate::effects::postgresql::indexes::drop_index;
use crate::effects::postgresql::objects::drop_result;
use crate::effects::postgresql::{fact, lock, loses_rows, meets, meets_all, missing};
use crate::effects::{Effect, Loss, Place, Undo, When};
use crate::sql::catalog::RelationKind;
use crate::sql::change::{Constraint, Drop, Name};
use crate::sql::words::Kind;

pub(super) fn drop_objects(effect: &mut Effect, kind: Kind, drop: &Drop, place: &Place<'_>) {
    for name in &drop.names {
        match kind {
            Kind::DropTable | Kind::DropForeignTable => drop_table(effect, name, drop, place),
            Kind::DropView | Kind::DropMaterializedView => drop_view(effect, name, drop, place),
            Kind::DropIndex => drop_index(effect, name, drop, place),
            Kind::DropType | Kind::DropDomain => drop_type(effect, name, drop, place),
            Kind::DropSchema => drop_schema(effect, name, drop, place),
            Kind::DropSequence => drop_sequence(effect, name, drop, place),
            Kind::DropTrigger | Kind::DropRule | Kind::DropPolicy => drop_on_table(effect, kind, name, drop, place),
            Kind::DropFunction | Kind::DropProcedure | Kind::DropAggregate => drop_function(effect, kind, name, drop, place),
            Kind::DropDatabase => {
                fact(effect, "object_without_table", place);
                effect.lose(Loss::High, format!("database `{name}` is gone with all its rows"));
                effect.undo(Undo::ShapeOnly);
                effect.breaks("drop_table", format!("everything that uses database `{name}`"));
            }
            Kind::DropStatistics => drop_statistics(effect, name, drop, place),
            Kind::DropRole | Kind::DropUser => drop_role(effect, name, drop, place),
            _ => drop_other(effect, kind, name, drop, place),
        }
    }
}

pub(super) fn tables_of_role(role: Option<&Name>, place: &Place<'_>) -> Vec<Name> {
    let owns = |found: &crate::sql::catalog::Table| role.is_some_and(|role| found.owner.as_deref() == Some(role.name.as_str()));
    place.catalog.tables().filter(|(_, found)| owns(found)).map(|(name, _)| name.clone()).collect()
}

/// What a role owns is dropped, and what it was granted is taken away.
pub(super) fn drop_owned(effect: &mut Effect, role: Option<&Name>, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    let tables = tables_of_role(role, place);
    for table in &tables {
        drop_table(effect, table, drop, place);
    }
    if place.catalog.is_complete && tables.is_empty() {
        effect.lose(Loss::Low, "the role's rights are taken away");
        effect.breaks("revoke", "queries of the role");
        return;
    }
    effect.lose(Loss::High, "everything that the role owns in this database is dropped");
    effect.undo(Undo::ShapeOnly);
    effect.breaks("drop_table", "everything that uses what the role owns");
}

/// Kinds of objects that the catalogue keeps by name only, with the statement that makes them.
const fn made_by(drop: Kind) -> Option<Kind> {
    Some(match drop {
        Kind::DropCollation => Kind::CreateCollation,
        Kind::DropConversion => Kind::CreateConversion,
        Kind::DropExtension => Kind::CreateExtension,
        Kind::DropTsConfig => Kind::CreateTsConfig,
        Kind::DropPublication => Kind::CreatePublication,
        Kind::DropSubscription => Kind::CreateSubscription,
        Kind::DropEventTrigger => Kind::CreateEventTrigger,
        Kind::DropServer => Kind::CreateServer,
        Kind::DropForeignDataWrapper => Kind::CreateForeignDataWrapper,
        Kind::DropAccessMethod => Kind::CreateAccessMethod,
        Kind::DropOperatorClass => Kind::CreateOperatorClass,
        Kind::DropOperatorFamily => Kind::CreateOperatorFamily,
        _ => return None,
    })
}

/// Something that is kept by its name only.
fn drop_other(effect: &mut Effect, kind: Kind, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if kind == Kind::DropExtension && name.name == "plpgsql" {
        // Each database has it; functions in it hang on it.
        let used = place.catalog.functions().any(|function| function.language.as_deref().is_none_or(|language| language == "plpgsql"));
        if used && !drop.cascade {
            effect.fail("2BP01", When::Always, "functions are written in `plpgsql`");
            return;
        }
        effect.lose(Loss::Low, format!("`{name}` is dropped"));
        return;
    }
    let gone = place.catalog.is_complete && made_by(kind).is_some_and(|maker| !place.catalog.has_object(maker, name));
    if gone {
        if !drop.if_exists {
            effect.fail("42704", When::Always, format!("`{name}` does not exist"));
        }
        return;
    }
    effect.lose(Loss::Low, format!("`{name}` is dropped"));
    if kind == Kind::DropExtension && drop.cascade {
        effect.lose(Loss::High, format!("everything that uses extension `{name}` is dropped with it, columns too"));
        effect.cascades.push(format!("whatever uses extension `{name}`"));
    }
}

fn drop_role(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if place.catalog.role_is_used(&name.name) {
        effect.fail("2BP01", When::Always, format!("role `{name}` owns tables or has rights"));
    } else if !(drop.if_exists && place.catalog.is_complete && !place.catalog.knows_role(&name.name)) {
        effect.lose(Loss::Low, format!("`{name}` is dropped"));
    }
}

fn drop_statistics(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    let Some(tables) = place.catalog.statistics(name) else {
        if place.catalog.is_complete && !drop.if_exists {
            effect.fail("42704", When::Always, format!("statistics `{name}` do not exist"));
        } else if !place.catalog.is_complete {
            effect.lose(Loss::Low, format!("`{name}` is dropped"));
        }
        return;
    };
    for table in tables {
        meets(effect, "create_statistics", table, place);
    }
    effect.lose(Loss::Low, format!("`{name}` is dropped"));
}

fn drop_table(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    if is_other_kind(effect, name, &[RelationKind::Table, RelationKind::Foreign], "a table", place)
        || missing(effect, name, drop.if_exists, place)
    {
        return;
    }
    meets(effect, "drop_table", name, place);
    let key = place.catalog.key(name);
    let Some(table) = place.catalog.table(name) else {
        loses_rows(effect, name, &format!("table `{name}` is gone with its rows"), place);
        effect.breaks("drop_table", format!("queries that name `{name}`"));
        return;
    };
    for partition in place.catalog.partitions(name) {
        lock(effect, &partition, LockMode::AccessExclusive, place);
    }
    let inherited = |constraint: &Constraint| {
        table
            .partition_of
            .as_ref()
            .and_then(|(parent, _)| place.catalog.table(parent))
            .is_some_and(|parent| parent.constraints.iter().any(|above| above.kind == constraint.kind))
    };
    for constraint in table.constraints.iter().filter(|constraint| !inherited(constraint)) {
        if let Some(reference) = constraint.reference()
            && let Some(row) = fact(effect, "drop_table_with_foreign_key", place)
        {
            crate::effects::postgresql::lock_referenced(effect, row, &reference.table, place);
        }
    }
    if let Some((parent, _)) = &table.partition_of {
        lock(effect, parent, LockMode::AccessExclusive, place);
        if let Some(default) = place.catalog.default_partition(parent) {
            lock(effect, &default, LockMode::AccessExclusive, place);
        }
    }
    let dropped: Vec<Name> = drop.names.iter().map(|other| place.catalog.key(other)).collect();
    let views = place.catalog.views_on(name);
    let children: Vec<Name> = place
        .catalog
        .descendants(name)
        .into_iter()
        .filter(|child| place.catalog.table(child).is_some_and(|found| found.partition_of.is_none()))
        .collect();
    let keys: Vec<(Name, String)> = place
        .catalog
        .foreign_keys_to(name)
        .into_iter()
        .filter(|(owner, _)| *owner != key && !dropped.contains(owner))
        .map(|(owner, found)| (owner, found.name.unwrap_or_default()))
        .collect();
    if drop.cascade {
        for view in &views {
            lock(effect, view, LockMode::AccessExclusive, place);
            effect.cascades.push(format!("view `{view}`"));
        }
        for (owner, constraint) in &keys {
            lock(effect, owner, LockMode::AccessExclusive, place);
            effect.cascades.push(format!("foreign key `{constraint}` of `{owner}`"));
        }
        for child in &children {
            lock(effect, child, LockMode::AccessExclusive, place);
            loses_rows(effect, child, &format!("child `{child}` is dropped too"), place);
        }
    } else if let Some(dependent) = views
        .iter()
        .map(|view| format!("view `{view}`"))
        .chain(keys.iter().map(|(owner, _)| format!("a foreign key of `{owner}`")))
        .chain(children.iter().map(|child| format!("child `{child}`")))
        .next()
    {
        effect.fail("2BP01", When::Always, format!("{dependent} depends on `{name}`"));
    }
    if !place.catalog.is_new(name) {
        loses_rows(effect, name, &format!("table `{name}` is gone with its rows"), place);
        effect.lose(Loss::Low, format!("table `{name}` is gone; it is empty"));
        for partition in place.catalog.partitions(name) {
            loses_rows(effect, &partition, &format!("partition `{partition}` is gone with its rows"), place);
        }
        effect.undo(Undo::ShapeOnly);
        effect.breaks("drop_table", format!("queries that name `{name}`"));
    }
}

fn drop_view(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    if is_other_kind(effect, name, &[RelationKind::View, RelationKind::MaterializedView], "a view", place)
        || missing(effect, name, drop.if_exists, place)
    {
        return;
    }
    meets(effect, "drop_view", name, place);
    let views = place.catalog.views_on(name);
    if drop.cascade {
        for view in &views {
            lock(effect, view, LockMode::AccessExclusive, place);
            effect.cascades.push(format!("view `{view}`"));
        }
    } else if let Some(view) = views.iter().find(|view| !drop.names.iter().any(|other| place.catalog.key(other) == **view)) {
        effect.fail("2BP01", When::Always, format!("view `{view}` depends on `{name}`"));
    }
    if !place.catalog.is_new(name) {
        effect.lose(Loss::Low, format!("`{name}` is dropped"));
        effect.breaks("drop_object", format!("queries that name `{name}`"));
    }
}

/// The name is taken by a relation of another kind: 42809.
pub(super) fn is_other_kind(effect: &mut Effect, name: &Name, kinds: &[RelationKind], what: &str, place: &Place<'_>) -> bool {
    let other = match place.catalog.table(name) {
        Some(found) => !kinds.contains(&found.kind),
        None => place.catalog.index(name).is_some() && what != "an index" || place.catalog.has_sequence(name) && what != "a sequence",
    };
    if other {
        effect.fail("42809", When::Always, format!("`{name}` is not {what}"));
    }
    other
}

fn drop_type(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    let known = place.catalog.user_type(name).is_some();
    if place.catalog.is_complete && !known {
        if !drop.if_exists {
            effect.fail("42704", When::Always, format!("type `{name}` does not exist"));
        }
        return;
    }
    let columns = place.catalog.tables_with_type(name);
    if !drop.cascade
        && let Some((table, column)) = columns.first()
    {
        effect.fail("2BP01", When::Always, format!("column `{table}.{column}` is of type `{name}`"));
    }
    effect.lose(Loss::Low, format!("type `{name}` is dropped"));
    for (table, column) in columns.iter().filter(|_| drop.cascade) {
        meets(effect, "drop_type_of_column", table, place);
        loses_rows(effect, table, &format!("column `{table}.{column}` is dropped with its type"), place);
        effect.cascades.push(format!("column `{table}.{column}`"));
        if !place.catalog.is_new(table) {
            effect.breaks("drop_column", format!("queries that name `{table}.{column}`"));
        }
    }
    if drop.cascade && !place.catalog.is_complete {
        effect.lose(Loss::High, format!("columns of type `{name}` are dropped with it"));
        effect.cascades.push(format!("whatever uses type `{name}`"));
        effect.undo(Undo::ShapeOnly);
    }
}

fn drop_schema(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if place.catalog.is_complete && !place.catalog.has_schema(&name.name) {
        if !drop.if_exists {
            effect.fail("3F000", When::Always, format!("schema `{name}` does not exist"));
        }
        return;
    }
    let inside = place.catalog.in_schema(&name.name);
    if !drop.cascade {
        if let Some(first) = inside.first() {
            effect.fail("2BP01", When::Always, format!("`{first}` is in schema `{name}`"));
        }
        effect.lose(Loss::Low, format!("schema `{name}` is dropped"));
        return;
    }
    for relation in &inside {
        lock(effect, relation, LockMode::AccessExclusive, place);
        for constraint in place.catalog.table(relation).iter().flat_map(|found| &found.constraints) {
            if let Some(reference) = constraint.reference() {
                lock(effect, &reference.table, LockMode::AccessExclusive, place);
            }
        }
        for (owner, _) in place.catalog.foreign_keys_to(relation) {
            lock(effect, &owner, LockMode::AccessExclusive, place);
        }
        loses_rows(effect, relation, &format!("`{relation}` is gone with schema `{name}`"), place);
        if !place.catalog.is_new(relation) {
            effect.breaks("drop_table", format!("queries that name `{relation}`"));
            effect.cascades.push(format!("`{relation}`"));
        }
    }
    if !place.catalog.is_complete {
        effect.lose(Loss::High, format!("everything in schema `{name}` is gone"));
        effect.undo(Undo::ShapeOnly);
        effect.breaks("drop_table", format!("queries that name anything in schema `{name}`"));
        effect.cascades.push(format!("everything in schema `{name}`"));
    }
    effect.lose(Loss::Low, format!("schema `{name}` is dropped"));
}

fn drop_sequence(effect: &mut Effect, name: &Name, drop: &Drop, place: &Place<'_>) {
    if is_other_kind(effect, name, &[], "a sequence", place) {
        return;
    }
    fact(effect, "object_without_table", place);
    if place.catalog.is_complete && !place.catalog.has_sequence(name) {
        if !drop.if_exists {
            effect.fail("42P01", When::Always, format!("sequence `{name}` does not exist"));
        }
        return;
    }
    for (table, column) in place.catalog.users_of_sequence(name) {
        if column.identity.is_some() || !drop.cascade {
            effect.fail("2BP01", When::Always, format!("`{table}.{}` takes its numbers from sequence `{name}`", column.name));
            return;
        }
        meets(effect, "drop_default", &table, place);
    }
    effect.lose(Loss::Medium, format!("the counter of sequence `{name}` is gone"));
    effect.undo(Undo::ShapeOnly);
    effect.breaks("drop_object", format!("what calls `nextval('{name}')`"));
    if drop.cascade {
        effect.cascades.push(format!("defaults that use sequence `{name}`"));
    }
}

fn drop_on_table(effect: &mut Effect, kind: Kind, name: &Name, drop: &Drop, place: &Place<'_>) {
    let situation = match kind {
        Kind::DropTrigger => "drop_trigger",
        Kind::DropRule => "rule",
        _ => "policy",
    };
    let Some(table) = &drop.on else {
        drop_result(fact(effect, situation, place));
        return;
    };
    if missing(effect, table, drop.if_exists, place) {
        return;
    }
    let known = place.catalog.table(table).map(|found| match kind {
        Kind::DropTrigger => found.triggers.contains(&name.name),
        Kind::DropPolicy => found.policies.contains(&name.name),
        _ => true,
    });
    if place.catalog.is_complete && known == Some(false) {
        // It is looked up before the table is locked.
        drop_result(fact(effect, "object_without_table", place));
        if !drop.if_exists {
            effect.fail("42704", When::Always, format!("`{name}` on `{table}` does not exist"));
        }
        return;
    }
    meets_all(effect, situation, table, kind != Kind::DropTrigger, place);
    if !place.catalog.is_new(table) {
        effect.lose(Loss::Low, format!("`{name}` on `{table}` is dropped"));
        let holds = place.catalog.table(table).is_none_or(|found| found.row_security);
        if kind == Kind::DropPolicy && holds {
            effect.breaks("drop_constraint", format!("policy `{name}` of `{table}` does not hold any more"));
        }
    }
}

fn drop_function(effect: &mut Effect, kind: Kind, name: &Name, drop: &Drop, place: &Place<'_>) {
    fact(effect, "object_without_table", place);
    if place.catalog.is_complete && place.catalog.function(&name.name).is_none() && !crate::sql::functions::is_known(&name.name) {
        if drop.if_exists {
            return;
        }
        effect.fail("42883", When::Always, format!("function `{name}` does not exist"));
        return;
    }
    let trigger = place.catalog.tables().find(|(_, found)| found.trigger_functions.values().any(|function| function.name == name.name));
    if let (Some((table, _)), false) = (trigger, drop.cascade) {
        effect.fail("2BP01", When::Always, format!("a trigger of `{table}` calls `{name}`"));
        return;
    }
    effect.lose(Loss::Low, format!("`{name}` is dropped"));
    if kind == Kind::DropFunction {
        effect.breaks("drop_object", format!("what calls `{name}`"));
    }
    if drop.cascade {
        effect.cascades.push(format!("triggers, defaults and views that call `{name}`"));
        let calls = |function: &Name| function.name == name.name;
        let tables = place.catalog.tables().filter(|(_, found)| found.trigger_functions.values().any(calls));
        for (table, _) in tables {
            meets(effect, "drop_trigger", table, place);
        }
    }
}

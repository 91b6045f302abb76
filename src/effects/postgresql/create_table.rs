//! `CREATE TABLE` on PostgreSQL.

use crate::effects::fact::Role;
use crate::effects::postgresql::columns::{default_refused, unknown_type};
use crate::effects::postgresql::constraints::unfit_foreign_key;
use crate::effects::postgresql::partitions::create_partition;
use crate::effects::postgresql::{changes_with_time, fact, lock, lock_referenced, missing, missing_function, works};
use crate::effects::{Effect, Place, When, Work};
use crate::sql::change::{Column, CreateTable};

/// `CREATE TABLE`.
pub(super) fn create(effect: &mut Effect, create: &CreateTable, place: &Place<'_>) {
    let stands = place.catalog.table(&create.name).is_some();
    if stands && create.if_not_exists {
        effect.situations.push("create_table_that_stands");
        return;
    }
    if stands && !create.temporary {
        effect.fail("42P07", When::Always, format!("relation `{}` already exists", create.name));
        return;
    }
    fact(effect, "create_table", place);
    for constraint in create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints) {
        if let Some(reference) =
            constraint.reference().filter(|reference| place.catalog.key(&reference.table) != place.catalog.key(&create.name))
        {
            let type_of = |name: &str| create.columns.iter().find(|column| column.name == name)?.data_type.clone();
            if missing(effect, &reference.table, false, place) || unfit_foreign_key(effect, constraint, &type_of, place) {
                return;
            }
            if let Some(found) = fact(effect, "create_table_references", place) {
                lock_referenced(effect, found, &reference.table, place);
            }
        }
    }
    if let Some((parent, bound)) = &create.partition_of {
        create_partition(effect, parent, bound, place);
    }
    for parent in &create.inherits {
        if let Some(mode) = fact(effect, "create_child", place).and_then(|found| found.mode(Role::Parent)) {
            lock(effect, parent, mode, place);
        }
    }
    if let Some((query, with_data)) = &create.query {
        fact(effect, if *with_data { "create_table_as" } else { "create_table" }, place);
        for table in &query.tables {
            missing(effect, table, false, place);
            if *with_data {
                works(effect, table, Work::Scan, place);
            }
        }
    }
    unknown_types(effect, create.columns.iter(), place);
}

/// A type that nobody made: 42704, where the whole schema is known.
fn unknown_types<'a>(effect: &mut Effect, columns: impl Iterator<Item = &'a Column>, place: &Place<'_>) {
    for column in columns {
        if let Some(default) = &column.default {
            missing_function(effect, &default.functions, place);
            default_refused(effect, default, column.data_type.as_ref(), place);
        }
        if let Some((_, expression)) = column.generated.as_ref().filter(|(_, expression)| changes_with_time(expression, place)) {
            effect.fail("42P17", When::Always, format!("generated column expression `{}` must be immutable", expression.text));
        }
        unknown_type(effect, column.data_type.as_ref(), place);
    }
}

//! Indexes, keys and constraints.

use crate::effects::Loss;
use crate::effects::mysql::whole::{Alter, checks_off, lists_referenced};
use crate::effects::mysql::{breaks, types};
use crate::sql::catalog::{Table, mysql::begins_an_index};
use crate::sql::change::{AlterAction, Constraint, ConstraintKind, DataType, Index, Reference};
use crate::sql::formula;

/// `ADD INDEX`, `CREATE INDEX`.
pub fn add_index(whole: &mut Alter<'_, '_>, index: &Index, replace: bool) {
    let standing = index.name.as_deref().and_then(|name| whole.known().and_then(|table| table.index(name)).map(|_| name));
    if let Some(name) = standing.filter(|name| !replace && !is_dropped(whole, name)) {
        if !index.if_not_exists {
            whole.refuse("1061", format!("`{}` has an index `{name}` already", whole.name()));
        }
        return;
    }
    let columns = index.plain_columns();
    if let Some(column) = columns.iter().find(|column| whole.lacks(column)) {
        whole.refuse("1072", format!("`{}` has no column `{column}`", whole.name()));
        return;
    }
    if too_long(whole, index, &columns) {
        return;
    }
    match index.special.as_deref() {
        Some("fulltext") => whole.part(if whole.has_special("fulltext") { "add_fulltext" } else { "add_fulltext_first" }),
        Some(_) => whole.part("add_spatial"),
        None if index.keys.iter().any(|key| matches!(key, crate::sql::change::IndexKey::Expression(_))) => {
            whole.part("add_functional_index")
        }
        None if index.unique => add_unique(whole, &columns),
        None => whole.part("add_index"),
    }
    if replace && standing.is_some() {
        whole.part("drop_index");
    }
    notes_build(whole);
}

fn notes_build(whole: &mut Alter<'_, '_>) {
    if !whole.place.catalog.is_new(whole.name()) {
        let key = whole.place.catalog.key(whole.name());
        if !whole.effect.builds.contains(&key) {
            whole.effect.builds.push(key);
        }
    }
}

fn is_dropped(whole: &Alter<'_, '_>, name: &str) -> bool {
    whole.alter.actions.iter().any(|action| match action {
        AlterAction::DropIndex { name: other, .. } | AlterAction::DropConstraint { name: other, .. } => other.eq_ignore_ascii_case(name),
        AlterAction::RenameIndex { from, .. } => from.eq_ignore_ascii_case(name),
        _ => false,
    })
}

/// A key is longer than the row format takes, or has no length of its own. MariaDB cuts a key to what fits, with a note.
fn too_long(whole: &mut Alter<'_, '_>, index: &Index, columns: &[String]) -> bool {
    let short = matches!(whole.row_format(), Some("redundant" | "compact"));
    let limit = if short { SHORT_KEY } else { types::LONGEST_KEY };
    let Some(table) = whole.table.filter(|_| !index.prefixed && index.special.is_none() && (short || !whole.is_mariadb())) else {
        return false;
    };
    for data_type in columns.iter().filter_map(|column| table.column(column)?.data_type.as_ref()) {
        if types::is_long(data_type) && !whole.is_mariadb() {
            whole.refuse("1170", format!("an index over {data_type} needs a length"));
            return true;
        }
        let bytes = data_type.number(0).unwrap_or(0) * types::bytes_per_character(&types::charset(data_type, Some(table)));
        if data_type.name == "varchar" && bytes > limit {
            let code = if whole.is_mariadb() { "1709" } else { "1071" };
            whole.refuse(code, format!("an index of `{}` takes {limit} bytes a column, not {bytes}", whole.name()));
            return true;
        }
    }
    false
}

/// Bytes of a key in `ROW_FORMAT=REDUNDANT` and `COMPACT`.
const SHORT_KEY: i64 = 767;

fn add_unique(whole: &mut Alter<'_, '_>, columns: &[String]) {
    let table = whole.table;
    if let Some((_, key)) = table.and_then(|table| table.partition_by.as_ref()) {
        let by = |column: &str| columns.iter().any(|own| own.eq_ignore_ascii_case(column));
        if !key.words.is_empty() && !key.words.iter().all(|word| by(word)) {
            whole.refuse("1503", format!("a unique key of `{}` must have all columns it is partitioned by", whole.name()));
            return;
        }
    }
    let long = columns
        .iter()
        .any(|column| table.and_then(|table| table.column(column)).and_then(|found| found.data_type.as_ref()).is_some_and(types::is_long));
    whole.part(if long && whole.is_mariadb() { "add_unique_hash" } else { "add_unique" });
    if whole.alter.ignore {
        whole.lose(Loss::High, format!("`IGNORE`: rows of `{}` with equal values are thrown away", whole.name()));
    } else {
        whole.refuse_on_rows("1062", format!("rows of `{}` with equal values stop it", whole.name()));
    }
}

/// `ADD CONSTRAINT`.
pub fn add_constraint(whole: &mut Alter<'_, '_>, constraint: &Constraint) {
    match &constraint.kind {
        ConstraintKind::Check(_) => add_check(whole, constraint),
        ConstraintKind::Unique { columns, .. } => {
            let index = Index {
                name: constraint.name.clone(),
                unique: true,
                keys: columns.iter().cloned().map(crate::sql::change::IndexKey::Column).collect(),
                if_not_exists: constraint.if_not_exists,
                // Lengths of a constraint's keys are not kept: any of them may have one.
                prefixed: true,
                ..Index::default()
            };
            add_index(whole, &index, false);
        }
        ConstraintKind::PrimaryKey { columns, .. } => add_primary_key(whole, constraint, columns),
        ConstraintKind::ForeignKey { columns, reference } => add_foreign_key(whole, constraint, columns, reference),
        ConstraintKind::Exclude { .. } | ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. } => {
            whole.effect.unknown.get_or_insert_with(|| "MySQL and MariaDB have no such constraint".to_owned());
        }
    }
}

fn add_check(whole: &mut Alter<'_, '_>, constraint: &Constraint) {
    let taken = constraint.name.as_deref().filter(|name| whole.known().is_some_and(|table| table.constraint(name).is_some()));
    if let Some(name) = taken.filter(|name| !drops_constraint(whole, name)) {
        if !constraint.if_not_exists {
            let code = if whole.is_mariadb() { "1826" } else { "3822" };
            whole.refuse(code, format!("a constraint `{name}` stands already"));
        }
        return;
    }
    if let ConstraintKind::Check(check) = &constraint.kind
        && let Some(column) = formula::columns_named(check).into_iter().find(|column| whole.lacks(column))
    {
        whole.refuse("1054", format!("`{}` has no column `{column}`", whole.name()));
        return;
    }
    whole.part(if constraint.not_enforced { "drop_check" } else { "add_check" });
    if !constraint.not_enforced && whole.is_on("check_constraint_checks") {
        let code = if whole.is_mariadb() { "4025" } else { "3819" };
        whole.refuse_on_rows(code, format!("rows of `{}` that break the check stop it", whole.name()));
    }
}

fn add_primary_key(whole: &mut Alter<'_, '_>, constraint: &Constraint, columns: &[String]) {
    let replaced = whole.alter.actions.iter().any(|action| matches!(action, AlterAction::DropPrimaryKey));
    if !replaced && whole.known().is_some_and(|table| table.primary_key().is_some()) {
        if constraint.if_not_exists {
            return;
        }
        whole.refuse("1068", format!("`{}` has a primary key already", whole.name()));
        return;
    }
    if let Some(column) = columns.iter().find(|column| whole.lacks(column)) {
        whole.refuse("1072", format!("`{}` has no column `{column}`", whole.name()));
        return;
    }
    whole.part("add_primary_key");
    notes_build(whole);
    if whole.alter.ignore {
        whole.lose(Loss::High, format!("`IGNORE`: rows of `{}` with equal keys are thrown away", whole.name()));
    } else {
        whole.refuse_on_rows("1062", format!("rows of `{}` with equal keys stop it", whole.name()));
    }
    let nullable = whole.table.is_some_and(|table| columns.iter().any(|column| !table.is_not_null(column)));
    if nullable {
        whole.refuse_on_rows("1265", format!("rows of `{}` with NULL in the key stop it", whole.name()));
    }
}

fn drops_constraint(whole: &Alter<'_, '_>, label: &str) -> bool {
    whole.alter.actions.iter().any(|action| match action {
        AlterAction::DropForeignKey { name, .. } | AlterAction::DropConstraint { name, .. } => name.eq_ignore_ascii_case(label),
        _ => false,
    })
}

fn add_foreign_key(whole: &mut Alter<'_, '_>, constraint: &Constraint, columns: &[String], reference: &Reference) {
    if let Some(column) = columns.iter().find(|column| whole.lacks(column)) {
        whole.refuse("1072", format!("`{}` has no column `{column}`", whole.name()));
        return;
    }
    if let Some(name) = constraint.name.as_deref() {
        // A name is taken in the whole database, and a key of this statement's own DROP still has it.
        let taken = whole
            .place
            .catalog
            .tables()
            .any(|(_, table)| table.constraint(name).is_some_and(|found| matches!(found.kind, ConstraintKind::ForeignKey { .. })));
        if whole.place.catalog.is_complete && taken {
            if constraint.if_not_exists {
                return;
            }
            let (code, dropped) = (if whole.is_mariadb() { "1005" } else { "1826" }, drops_constraint(whole, name));
            if whole.is_new_mysql() || whole.is_mariadb() || !dropped {
                whole.refuse(code, format!("a foreign key `{name}` stands already (errno 121)"));
                return;
            }
        }
    }
    let type_of = columns.first().and_then(|column| whole.table?.column(column)?.data_type.clone());
    references(whole, columns, reference, type_of.as_ref());
    if whole.effect.always_fails() {
        return;
    }
    let off = checks_off(whole);
    let indexed = whole.table.is_some_and(|table| begins_an_index(table, columns));
    whole.part(match (off, indexed) {
        (false, _) => "add_foreign_key",
        (true, true) => "add_foreign_key_unchecked_indexed",
        (true, false) => "add_foreign_key_unchecked",
    });
    if off {
        whole.effect.breaks(
            "checks_disabled",
            format!("rows of `{}` without a match in `{}` stay, and are never checked", whole.name(), reference.table),
        );
    } else {
        let filled = columns.iter().any(|column| {
            !whole
                .alter
                .actions
                .iter()
                .any(|action| matches!(action, AlterAction::AddColumn { column: added, .. } if added.name.eq_ignore_ascii_case(column)))
        });
        if filled {
            whole.refuse_on_rows("1452", format!("rows of `{}` without a match in `{}` stop it", whole.name(), reference.table));
        }
    }
}

/// What a foreign key points at must stand, have the same type and an index.
pub fn references(whole: &mut Alter<'_, '_>, columns: &[String], reference: &Reference, own_type: Option<&DataType>) {
    let code = if whole.is_mariadb() { "1005" } else { "3780" };
    if whole.place.catalog.is_missing(&reference.table) {
        let (code, off) = (if whole.is_mariadb() { "1005" } else { "1824" }, checks_off(whole));
        if !off {
            whole.refuse(code, format!("the table `{}` does not exist (errno 150)", reference.table));
        }
        return;
    }
    lists_referenced(whole, &reference.table);
    let Some(parent) = whole.place.catalog.table(&reference.table).filter(|_| whole.place.catalog.is_complete) else {
        return;
    };
    let targets: Vec<String> = if reference.columns.is_empty() {
        parent.primary_key().map(<[String]>::to_vec).unwrap_or_default()
    } else {
        reference.columns.clone()
    };
    if !begins_an_index(parent, &targets) && !targets.is_empty() {
        let code = match (whole.is_mariadb(), whole.place.server.version.at_least(8, 4)) {
            (true, _) => "1005",
            (false, true) => "6125",
            (false, false) => "1822",
        };
        whole.refuse(code, format!("`{}` has no index over {} (errno 150)", reference.table, targets.join(", ")));
        return;
    }
    let other = targets.first().and_then(|target| parent.column(target)).and_then(|column| column.data_type.as_ref());
    if let Some((own, other)) = own_type.zip(other).filter(|(own, other)| differ(own, other)) {
        whole.refuse(code, format!("`{}` is {own}, what it points at is {other} (errno 150)", columns.join(", ")));
        return;
    }
    let sets_null = [&reference.on_delete, &reference.on_update].into_iter().any(|action| action.as_deref() == Some("set null"));
    if sets_null && whole.table.is_some_and(|table| columns.iter().any(|column| table.is_not_null(column))) {
        let code = if whole.is_mariadb() { "1005" } else { "1830" };
        whole.refuse(code, "`SET NULL` on a column that is NOT NULL (errno 150)");
    }
}

/// A foreign key cannot stand between columns of these types.
pub fn differ(own: &DataType, other: &DataType) -> bool {
    let integer = |data_type: &DataType| data_type.name.ends_with("int");
    own.name != other.name && (integer(own) || integer(other)) || integer(own) && own.unsigned != other.unsigned
}

/// `DROP INDEX`, for unique keys too.
pub fn drop_index(whole: &mut Alter<'_, '_>, name: &str, if_exists: bool) {
    if name.eq_ignore_ascii_case("primary") {
        drop_primary_key(whole);
        return;
    }
    let Some(table) = whole.known() else {
        whole.part("drop_index");
        whole.lose(Loss::Low, format!("the index `{name}` is gone"));
        return;
    };
    let Some(state) = table.index(name) else {
        if !if_exists {
            whole.refuse("1091", format!("`{}` has no index `{name}`", whole.name()));
        }
        return;
    };
    let columns = state.index.plain_columns();
    if needed_by_key(whole, table, name, &columns) {
        whole.refuse("1553", format!("a foreign key needs the index `{name}` of `{}`", whole.name()));
        return;
    }
    whole.part("drop_index");
    let replaced = whole.alter.actions.iter().any(|action| match action {
        AlterAction::AddIndex(index) => index.plain_columns().starts_with(&columns) && index.unique >= state.index.unique,
        AlterAction::AddConstraint(constraint) => {
            matches!(&constraint.kind, ConstraintKind::Unique { columns: added, .. } if *added == columns)
        }
        _ => false,
    });
    if !replaced {
        whole.lose(Loss::Low, format!("the index `{name}` is gone"));
        if state.index.unique {
            let what = format!("what relies on `{}` being unique in `{}`", columns.join(", "), whole.name());
            breaks(whole.effect, "drop_unique", whole.name(), what, whole.place);
        }
    }
}

/// A foreign key of the table, or one that points at it, has no other index to use.
fn needed_by_key(whole: &Alter<'_, '_>, table: &Table, name: &str, columns: &[String]) -> bool {
    if checks_off(whole) && whole.is_mariadb() {
        return false;
    }
    let mut rest = table.clone();
    rest.indexes.retain(|state| state.index.name.as_deref().is_none_or(|own| !own.eq_ignore_ascii_case(name)));
    for action in &whole.alter.actions {
        if let AlterAction::AddIndex(index) = action {
            rest.indexes.push(crate::sql::catalog::IndexState {
                index: index.clone(),
                constraint: None,
                is_new: true,
                is_valid: true,
                of_parent: false,
            });
        }
    }
    let uses = |key: &[String]| !key.is_empty() && key.len() <= columns.len() && key.iter().all(|column| columns.contains(column));
    let own = table.constraints.iter().any(|constraint| match &constraint.kind {
        ConstraintKind::ForeignKey { columns: key, .. } => {
            let dropped = constraint.name.as_deref().is_some_and(|label| drops_constraint(whole, label));
            !dropped && uses(key) && !begins_an_index(&rest, key)
        }
        _ => false,
    });
    own || whole
        .place
        .catalog
        .foreign_keys_to(whole.name())
        .iter()
        .any(|(_, key)| key.reference().is_some_and(|reference| uses(&reference.columns) && !begins_an_index(&rest, &reference.columns)))
}

/// `DROP CONSTRAINT` of any kind.
pub fn drop_constraint(whole: &mut Alter<'_, '_>, name: &str, if_exists: bool) {
    let Some(table) = whole.known() else {
        // Its kind is not known: an index is the dearest that it can be.
        whole.part(if whole.is_mariadb() { "drop_index" } else { "drop_check" });
        whole.lose(Loss::Low, format!("the constraint `{name}` is gone"));
        breaks(whole.effect, "drop_constraint", whole.name(), format!("`{name}` keeps wrong rows out no more"), whole.place);
        return;
    };
    match table.constraint(name).map(|found| &found.kind) {
        Some(ConstraintKind::ForeignKey { .. }) => drop_foreign_key(whole, name, if_exists),
        Some(ConstraintKind::Check(_)) => {
            whole.part("drop_check");
            let comes_again = whole.alter.actions.iter().any(|action| {
                matches!(action, AlterAction::AddConstraint(added) if added.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
            });
            if comes_again {
                return;
            }
            whole.lose(Loss::Low, format!("the check `{name}` is gone"));
            breaks(whole.effect, "drop_constraint", whole.name(), format!("`{name}` keeps wrong rows out no more"), whole.place);
        }
        Some(ConstraintKind::PrimaryKey { .. }) => drop_primary_key(whole),
        Some(_) => drop_index(whole, name, if_exists),
        None if table.index(name).is_some() => drop_index(whole, name, if_exists),
        None if if_exists => {}
        None => {
            let code = if whole.is_mariadb() { "1091" } else { "3940" };
            whole.refuse(code, format!("`{}` has no constraint `{name}`", whole.name()));
        }
    }
}

/// `DROP FOREIGN KEY`.
pub fn drop_foreign_key(whole: &mut Alter<'_, '_>, name: &str, if_exists: bool) {
    if let Some(table) = whole.known() {
        let reference = table.constraint(name).and_then(Constraint::reference);
        let Some(reference) = reference else {
            if !if_exists {
                whole.refuse("1091", format!("`{}` has no foreign key `{name}`", whole.name()));
            }
            return;
        };
        lists_referenced(whole, &reference.table);
    }
    whole.part("drop_foreign_key");
    whole.lose(Loss::Low, format!("the foreign key `{name}` is gone"));
    breaks(whole.effect, "drop_constraint", whole.name(), format!("`{name}` keeps wrong rows out no more"), whole.place);
}

/// `DROP PRIMARY KEY`.
pub fn drop_primary_key(whole: &mut Alter<'_, '_>) {
    let replaced = whole.alter.actions.iter().any(|action| match action {
        AlterAction::AddConstraint(constraint) => matches!(constraint.kind, ConstraintKind::PrimaryKey { .. }),
        _ => false,
    });
    let Some(table) = whole.known() else {
        whole.part("drop_primary_key");
        if !replaced {
            whole.lose(Loss::Low, "the primary key is gone");
        }
        return;
    };
    let Some(key) = table.primary_key() else {
        whole.refuse("1091", format!("`{}` has no primary key", whole.name()));
        return;
    };
    if !whole.is_mariadb() && !replaced && needed_by_key(whole, table, "PRIMARY", key) {
        whole.refuse("1553", format!("a foreign key needs the primary key of `{}`", whole.name()));
        return;
    }
    let counts = key.first().and_then(|first| table.column(first)).is_some_and(|column| column.auto_increment);
    let counts_on = counts
        && !whole.alter.actions.iter().any(|action| match action {
            AlterAction::ChangeColumn { column, from, .. } => key.contains(from) && !column.auto_increment,
            AlterAction::DropColumn { column, .. } => key.contains(column),
            AlterAction::AddIndex(index) => index.plain_columns().first() == key.first(),
            _ => false,
        });
    if counts_on && !replaced {
        whole.refuse("1075", format!("the AUTO_INCREMENT column of `{}` needs a key", whole.name()));
        return;
    }
    let successor = table.indexes.iter().any(|state| {
        state.index.unique
            && state.constraint.as_deref() != Some("PRIMARY")
            && state.index.name.as_deref() != Some("PRIMARY")
            && state.index.plain_columns().iter().all(|column| table.is_not_null(column))
    });
    whole.part(if successor && !replaced { "drop_primary_key_unique_left" } else { "drop_primary_key" });
    if !replaced {
        whole.lose(Loss::Low, format!("the primary key of `{}` is gone", whole.name()));
        breaks(whole.effect, "drop_unique", whole.name(), format!("what relies on the key of `{}`", whole.name()), whole.place);
    }
}

/// `RENAME INDEX`.
pub fn rename_index(whole: &mut Alter<'_, '_>, from: &str, to: &str) {
    if let Some(table) = whole.known() {
        if table.index(from).is_none() {
            if !whole.lenient {
                whole.refuse("1176", format!("`{}` has no index `{from}`", whole.name()));
            }
            return;
        }
        if table.index(to).is_some() {
            whole.refuse("1061", format!("`{}` has an index `{to}` already", whole.name()));
            return;
        }
    }
    whole.part("rename_index");
}

//! Columns: added, dropped, renamed, changed.

use crate::effects::mysql::types::{self, Surroundings};
use crate::effects::mysql::whole::{Alter, own_foreign_keys};
use crate::effects::mysql::{breaks, has_old_rows, keys, literals, refused};
use crate::effects::{Loss, Undo};
use crate::sql::catalog::{Table, mysql::is_column_check};
use crate::sql::change::{AlterAction, Column, ConstraintKind, DataType, Expression, Generated, IndexKey, Position};
use crate::sql::formula;

/// The column is known to be missing: refused, unless `IF EXISTS` lets it pass. True: nothing else happens.
pub fn missing(whole: &mut Alter<'_, '_>, column: &str, code: &'static str, if_exists: bool) -> bool {
    let missing = whole.lacks(column);
    if missing && !if_exists {
        whole.refuse(code, format!("`{}` has no column `{column}`", whole.name()));
    }
    missing
}

/// `ADD COLUMN`.
pub fn add(whole: &mut Alter<'_, '_>, column: &Column, if_not_exists: bool) {
    let there = whole.known().is_some_and(|table| table.column(&column.name).is_some());
    let dropped = whole
        .alter
        .actions
        .iter()
        .any(|action| matches!(action, AlterAction::DropColumn { column: gone, .. } if gone.eq_ignore_ascii_case(&column.name)));
    if there && !dropped {
        if !if_not_exists {
            whole.refuse("1060", format!("`{}` has a column `{}` already", whole.name(), column.name));
        }
        return;
    }
    if let Some(Position::After(other)) = &column.position
        && missing(whole, other, "1054", false)
    {
        return;
    }
    refuse_added(whole, column);
    add_situation(whole, column);
    for constraint in &column.constraints {
        match &constraint.kind {
            ConstraintKind::ForeignKey { reference, .. } if whole.is_mariadb() || whole.place.server.version.major >= 9 => {
                keys::references(whole, std::slice::from_ref(&column.name), reference, column.data_type.as_ref());
                let off = !whole.is_on("foreign_key_checks");
                whole.part(if off { "add_column_references_unchecked" } else { "add_column_references" });
            }
            ConstraintKind::Unique { .. } => unique(whole, column, "add_column_unique"),
            ConstraintKind::PrimaryKey { .. } => unique(whole, column, "add_primary_key"),
            ConstraintKind::Check(_) if !whole.is_mariadb() => {
                whole.part("add_check");
                if column.default.is_some() {
                    whole.refuse_on_rows("3819", format!("a default of `{}` that breaks the check stops it", column.name));
                }
            }
            _ => {}
        }
    }
}

fn unique(whole: &mut Alter<'_, '_>, column: &Column, situation: &'static str) {
    if column.auto_increment {
        return;
    }
    whole.part(situation);
    let filled = column.not_null || column.default.as_ref().is_some_and(|default| !default.is_null);
    if filled {
        whole.refuse_on_rows("1062", format!("all rows of `{}` get the same value in `{}`", whole.name(), column.name));
    }
}

fn refuse_added(whole: &mut Alter<'_, '_>, column: &Column) {
    let table = whole.table;
    if column.auto_increment && table.is_some_and(|table| table.columns.iter().any(|other| other.auto_increment)) {
        whole.refuse("1075", format!("`{}` has an AUTO_INCREMENT column already", whole.name()));
    }
    let is_key = column.constraints.iter().any(|found| matches!(found.kind, ConstraintKind::PrimaryKey { .. }));
    let replaced = whole.alter.actions.iter().any(|action| matches!(action, AlterAction::DropPrimaryKey));
    if is_key && !replaced && table.is_some_and(|table| table.primary_key().is_some()) {
        whole.refuse("1068", format!("`{}` has a primary key already", whole.name()));
    }
    let Some(data_type) = &column.data_type else {
        return;
    };
    if column.default.as_ref().is_some_and(|default| is_word(default) && types::is_number(data_type)) {
        whole.refuse("1067", format!("the default of `{}` is no {data_type}", column.name));
    }
    refuse_default(whole, column, data_type);
    if !whole.effect.always_fails() {
        refuse_unfit(whole, column);
    }
    let zero = column.not_null && column.default.is_none() && column.generated.is_none() && types::is_date(data_type);
    if zero && refuses_zero_dates(whole) {
        whole.refuse_on_rows("1292", format!("the rows of `{}` would get `0000-00-00` in `{}`", whole.name(), column.name));
    }
}

/// What no column can be, and a computed one over columns that are not there.
fn refuse_unfit(whole: &mut Alter<'_, '_>, column: &Column) {
    if let Some((code, why)) = refused::unfit_column(column, whole.place) {
        whole.refuse(code, why);
    } else if let Some((_, computed)) = &column.generated
        && let Some(name) = formula::columns_named(computed).into_iter().find(|name| whole.lacks(name))
    {
        whole.refuse("1054", format!("`{}` has no column `{name}`", whole.name()));
    }
}

/// A new default of a column that stands.
pub fn refuse_default_of(whole: &mut Alter<'_, '_>, name: &str, default: &Expression) {
    if let Some(data_type) = whole.table.and_then(|table| table.column(name)).and_then(|column| column.data_type.as_ref()) {
        refuse_literal(whole, name, default, data_type);
        if let Some((code, why)) = literals::default_of(name, default, data_type, whole.place) {
            whole.refuse(code, why);
        }
    }
}

/// MySQL takes no literal as the default of a long column.
fn refuse_literal(whole: &mut Alter<'_, '_>, name: &str, default: &Expression, data_type: &DataType) {
    let literal = !default.is_null && !default.text.trim_start().starts_with('(');
    if literal && types::is_long(data_type) && !whole.is_mariadb() {
        whole.refuse("1101", format!("`{name}` is {data_type}: its default must be an expression in brackets"));
    }
}

/// What MySQL does not take for a default.
fn refuse_default(whole: &mut Alter<'_, '_>, column: &Column, data_type: &DataType) {
    let Some(default) = column.default.as_ref().filter(|default| !whole.is_mariadb() && !default.is_null) else {
        return;
    };
    refuse_literal(whole, &column.name, default, data_type);
    if default.functions.iter().any(|name| matches!(name.as_str(), "uuid" | "uuid_short" | "rand" | "sysdate" | "random_bytes")) {
        whole.refuse(
            "1674",
            format!("the default of `{}` gives each row another value, which cannot be written to the binary log", column.name),
        );
    }
}

/// A quoted text that is no number.
fn is_word(default: &Expression) -> bool {
    let text = default.text.trim();
    text.starts_with('\'') && text.trim_matches('\'').parse::<f64>().is_err()
}

/// `NO_ZERO_DATE` in strict mode: MySQL's default, not MariaDB's.
fn refuses_zero_dates(whole: &Alter<'_, '_>) -> bool {
    match whole.place.catalog.setting("sql_mode") {
        Some(mode) => whole.is_strict() && (mode.contains("no_zero_date") || mode.contains("traditional")),
        None => !whole.is_mariadb(),
    }
}

fn is_date(column: &Column) -> bool {
    column.data_type.as_ref().is_some_and(types::is_date)
}

fn add_situation(whole: &mut Alter<'_, '_>, column: &Column) {
    let situation = match &column.generated {
        Some((Generated::Virtual, _)) if !whole.is_mariadb() && column.position.is_some() => "add_column_virtual_between",
        Some((Generated::Virtual, _)) => "add_column_virtual",
        Some((Generated::Stored, _)) => "add_column_stored",
        None if column.auto_increment => "add_column_auto_increment",
        None if column.default.as_ref().is_some_and(|default| needs_rows(whole, default)) => "add_column_default_expression",
        None if !whole.is_mariadb() && column.not_null && column.default.is_none() && is_date(column) => "add_column_rebuild",
        None if !whole.is_mariadb() && column.position.is_some() => "add_column_between",
        None => "add_column",
    };
    whole.part(situation);
}

/// A default that is computed anew for each row. One that is not gives all old rows the same value, `RAND()` too.
fn needs_rows(whole: &Alter<'_, '_>, default: &Expression) -> bool {
    let name_columns = default
        .words
        .iter()
        .any(|word| whole.table.map_or(!KEYWORDS.contains(&word.to_lowercase().as_str()), |table| table.column(word).is_some()));
    let calls =
        default.functions.iter().any(|name| matches!(name.as_str(), "uuid" | "uuid_short" | "sys_guid" | "nextval" | "nextval_for"));
    let in_brackets = default.text.trim_start().starts_with('(');
    let counts = default.text.to_lowercase().contains("next value for");
    if whole.is_mariadb() { calls || counts || name_columns && (in_brackets || !default.functions.is_empty()) } else { in_brackets }
}

const KEYWORDS: &[&str] = &[
    "current_timestamp",
    "current_date",
    "current_time",
    "now",
    "localtime",
    "localtimestamp",
    "null",
    "true",
    "false",
    "interval",
    "day",
];

/// `DROP COLUMN`.
pub fn drop(whole: &mut Alter<'_, '_>, name: &str, if_exists: bool) {
    if missing(whole, name, "1091", if_exists) {
        return;
    }
    if let Some(table) = whole.known() {
        refuse_drop(whole, table, name);
        if whole.effect.always_fails() {
            return;
        }
    }
    let column = whole.table.and_then(|table| table.column(name));
    let situation = match column.and_then(|column| column.generated.as_ref()) {
        Some((Generated::Virtual, _)) => "drop_column_virtual",
        Some((Generated::Stored, _)) => "drop_column_stored",
        None => "drop_column",
    };
    whole.part(situation);
    index_of_dropped(whole, name);
    if situation == "drop_column" {
        crate::effects::mysql::loses_stored(
            whole.effect,
            whole.name(),
            format!("the values of `{}.{name}` are gone", whole.name()),
            whole.place,
        );
        whole.effect.undo(Undo::ShapeOnly);
    } else {
        whole.lose(Loss::Low, format!("`{name}` is computed no more"));
    }
    let views = whole.place.catalog.views_on_column(whole.name(), name);
    let also: Vec<String> = views.iter().map(|view| format!("view `{view}`")).collect();
    let what = if also.is_empty() { String::new() } else { format!(", and {}", also.join(", ")) };
    breaks(whole.effect, "drop_column", whole.name(), format!("queries that name `{}.{name}`{what}", whole.name()), whole.place);
}

/// What still needs a column keeps it from being dropped.
fn refuse_drop(whole: &mut Alter<'_, '_>, table: &Table, name: &str) {
    let gone = |other: &str| {
        whole
            .alter
            .actions
            .iter()
            .any(|action| matches!(action, AlterAction::DropColumn { column, .. } if column.eq_ignore_ascii_case(other)))
    };
    let key_gone = |label: Option<&str>| {
        whole.alter.actions.iter().any(|action| match action {
            AlterAction::DropForeignKey { name, .. } | AlterAction::DropConstraint { name, .. } => Some(name.as_str()) == label,
            _ => false,
        })
    };
    if !table.columns.is_empty() && table.columns.iter().all(|column| gone(&column.name)) && !adds_a_column(whole) {
        whole.refuse("1090", format!("`{}` would have no column left: use DROP TABLE", whole.name()));
        return;
    }
    if own_foreign_keys(table, name).any(|key| !key_gone(key.name.as_deref())) {
        let code = if whole.is_on("foreign_key_checks") && whole.is_mariadb() { "1553" } else { "1828" };
        whole.refuse(code, format!("a foreign key of `{}` needs `{name}`", whole.name()));
        return;
    }
    if is_referenced(whole, table, name) {
        whole.refuse("1829", format!("a foreign key of another table points at `{}.{name}`", whole.name()));
        return;
    }
    let check = table.constraints.iter().any(|found| {
        matches!(&found.kind, ConstraintKind::Check(check)
            if names(check, name) && table.columns.iter().any(|other| !other.name.eq_ignore_ascii_case(name) && names(check, &other.name)))
    });
    let generated = table.generated_from(name).any(|other| !gone(&other.name));
    if check || generated {
        let code = if whole.is_mariadb() {
            "1054"
        } else if check {
            "3959"
        } else {
            "3108"
        };
        whole.refuse(code, format!("a check or a generated column of `{}` needs `{name}`", whole.name()));
        return;
    }
    if let Some((_, key)) = table.partition_by.as_ref().filter(|(_, key)| names(key, name)) {
        let mariadb = whole.is_mariadb();
        let code = if !mariadb {
            "3855"
        } else if in_primary_key(table, name) && table.primary_key().is_some_and(|key| key.len() > 1) {
            "1072"
        } else {
            "1054"
        };
        whole.refuse(code, format!("`{}` is partitioned by `{}`", whole.name(), key.text));
        return;
    }
    // MariaDB does not let a unique index of several columns shrink.
    let shrinks = table.indexes.iter().any(|state| {
        state.index.unique
            && state.index.keys.len() > 1
            && state.index.keys.iter().any(|key| matches!(key, IndexKey::Column(column) if column.eq_ignore_ascii_case(name)))
    });
    if shrinks && whole.is_mariadb() {
        whole.refuse("1072", format!("a unique key of `{}` has `{name}` and other columns", whole.name()));
    } else if shrinks {
        whole.refuse_on_rows("1062", format!("a unique key of `{}` without `{name}` has equal rows", whole.name()));
    }
}

fn adds_a_column(whole: &Alter<'_, '_>) -> bool {
    whole.alter.actions.iter().any(|action| matches!(action, AlterAction::AddColumn { .. }))
}

fn names(expression: &Expression, column: &str) -> bool {
    expression.words.iter().any(|word| word.eq_ignore_ascii_case(column))
}

fn in_primary_key(table: &Table, column: &str) -> bool {
    table.primary_key().is_some_and(|key| key.iter().any(|name| name.eq_ignore_ascii_case(column)))
}

/// A foreign key of another table points at this column.
fn is_referenced(whole: &Alter<'_, '_>, table: &Table, column: &str) -> bool {
    whole.place.catalog.foreign_keys_to(whole.name()).iter().any(|(_, key)| {
        key.reference().is_some_and(|reference| {
            if reference.columns.is_empty() {
                in_primary_key(table, column)
            } else {
                reference.columns.iter().any(|name| name.eq_ignore_ascii_case(column))
            }
        })
    })
}

/// Indexes of a dropped column go with it, or are built again without it.
fn index_of_dropped(whole: &mut Alter<'_, '_>, name: &str) {
    let Some(table) = whole.table else {
        return;
    };
    if in_primary_key(table, name) {
        whole.part("drop_column_of_primary_key");
        return;
    }
    let whole_indexes = table.indexes_on(name).filter(|state| state.index.keys.len() == 1).count();
    let shared = table.indexes_on(name).any(|state| state.index.keys.len() > 1);
    if shared {
        whole.part("drop_column_of_index");
    } else if whole_indexes > 0 {
        let is_virtual = table.column(name).is_some_and(|column| matches!(column.generated, Some((Generated::Virtual, _))));
        whole.part(if is_virtual { "drop_index" } else { "drop_column_indexed" });
    }
    if table.indexes_on(name).any(|state| state.index.unique) {
        breaks(whole.effect, "drop_unique", whole.name(), format!("what relies on `{name}` being unique"), whole.place);
    }
}

/// `RENAME COLUMN`.
pub fn rename(whole: &mut Alter<'_, '_>, from: &str, to: &str) {
    if missing(whole, from, "1054", whole.lenient) {
        return;
    }
    // A part of the same statement gives the name away: all parts are looked at together.
    let is_freed =
        whole.alter.actions.iter().any(|action| matches!(action, AlterAction::RenameColumn { from, .. } if from.eq_ignore_ascii_case(to)));
    if !from.eq_ignore_ascii_case(to) && !is_freed && whole.known().is_some_and(|table| table.column(to).is_some()) {
        whole.refuse("1060", format!("`{}` has a column `{to}` already", whole.name()));
        return;
    }
    if let Some(table) = whole.known().filter(|_| !whole.is_mariadb()) {
        let checked = table.constraints_on(from).any(|found| matches!(found.kind, ConstraintKind::Check(_)));
        if checked || table.generated_from(from).next().is_some() {
            whole.refuse(
                if checked { "3959" } else { "3108" },
                format!("a check or a generated column of `{}` names `{from}`", whole.name()),
            );
            return;
        }
    }
    let referenced = !whole.is_mariadb() && whole.table.is_some_and(|table| is_referenced(whole, table, from));
    whole.part(if referenced { "rename_column_referenced" } else { "rename_column" });
    breaks(whole.effect, "rename", whole.name(), format!("queries that name `{}.{from}`: it is `{to}` now", whole.name()), whole.place);
}

/// `MODIFY` and `CHANGE`: the definition is written anew, and compared with the old one.
pub fn change(whole: &mut Alter<'_, '_>, from: &str, column: &Column, if_exists: bool) {
    if missing(whole, from, "1054", if_exists) {
        return;
    }
    if !from.eq_ignore_ascii_case(&column.name) {
        rename(whole, from, &column.name);
    }
    if let Some(Position::After(other)) = &column.position
        && missing(whole, other, "1054", false)
    {
        return;
    }
    refuse_unfit(whole, column);
    let Some((table, before)) = whole.table.and_then(|table| table.column(from).map(|before| (table, before))) else {
        unknown_before(whole, column);
        return;
    };
    if before.data_type.is_none() || column.data_type.is_none() {
        unknown_before(whole, column);
        return;
    }
    if before.generated.is_some() || column.generated.is_some() {
        generated(whole, before, column);
    } else {
        change_type(whole, table, before, column);
        nullability(whole, table, before, column);
        // Values are stored in another way: all of them are written again (measured on 10.11).
        let is_compressed = |column: &Column| column.storage.as_deref() == Some("compressed");
        if whole.is_mariadb() && is_compressed(before) != is_compressed(column) {
            whole.part("change_type");
        }
    }
    attributes(whole, table, before, column);
}

/// Nobody knows what the column was: the worst that the words allow.
fn unknown_before(whole: &mut Alter<'_, '_>, column: &Column) {
    whole.part("change_unknown_column");
    let silently = column.data_type.as_ref().is_some_and(types::may_change_silently);
    let loss = if silently { Loss::Medium } else { Loss::Low };
    whole.lose(loss, format!("the type of `{}.{}` before is not known: values may not fit the new one", whole.name(), column.name));
    whole.misfit("1265", "values that do not fit the new type, or are NULL,");
}

fn generated(whole: &mut Alter<'_, '_>, before: &Column, column: &Column) {
    let kind = |column: &Column| column.generated.as_ref().map(|(kind, _)| *kind);
    match (kind(before), kind(column)) {
        (None, Some(Generated::Stored)) => {
            whole.part("change_stored_expression");
            whole.lose(Loss::Medium, format!("the values of `{}` are overwritten by computed ones", column.name));
        }
        (Some(Generated::Stored), None) => whole.part("change_type"),
        (Some(Generated::Stored), Some(Generated::Stored)) => whole.part("change_stored_expression"),
        (Some(Generated::Virtual), Some(Generated::Virtual)) => whole.part("change_virtual_expression"),
        _ => {
            let code = if whole.is_mariadb() { "1907" } else { "3106" };
            whole.refuse(code, format!("`{}` cannot become, or stop being, a virtual column", column.name));
        }
    }
}

fn change_type(whole: &mut Alter<'_, '_>, table: &Table, before: &Column, column: &Column) {
    let (Some(old), Some(new)) = (&before.data_type, &column.data_type) else {
        return;
    };
    let indexed = table.indexes_on(&before.name).next().is_some();
    let at = Surroundings { table: Some(table), dialect: whole.place.server.dialect, indexed };
    let change = types::type_change(old, new, &at);
    if change.situations.is_empty() {
        return;
    }
    if (whole.is_mariadb() || whole.place.server.version.major < 8 || types::breaks_key(old, new))
        && refuse_key_change(whole, table, before)
        || !whole.is_mariadb() && refuse_index(whole, table, before, new)
    {
        return;
    }
    let fulltext = table.indexes_on(&before.name).any(|state| state.index.special.as_deref() == Some("fulltext"));
    if fulltext && change.situations.contains(&"change_collation_indexed") {
        whole.part("add_fulltext");
    }
    whole.parts.extend(change.situations);
    for code in change.refused {
        whole.misfit(code, &format!("values of `{}` that do not fit {new}", before.name));
    }
    if let Some(what) = change.silent.filter(|_| has_old_rows(whole.name(), whole.place)) {
        whole.lose(Loss::Medium, format!("`{}.{}` becomes {new}: {what}, without an error", whole.name(), before.name));
    }
    if let Some(what) = change.weakened {
        whole.lose(Loss::Low, format!("`{}.{}`: {what}", whole.name(), before.name));
    }
}

/// A column of a foreign key, or one it points at, keeps its type.
fn refuse_key_change(whole: &mut Alter<'_, '_>, table: &Table, before: &Column) -> bool {
    if is_referenced(whole, table, &before.name) {
        let code = if whole.is_new_mysql() { "3780" } else { "1833" };
        whole.refuse(code, format!("a foreign key of another table points at `{}.{}`", whole.name(), before.name));
        return true;
    }
    let own = whole.is_on("foreign_key_checks") && own_foreign_keys(table, &before.name).next().is_some();
    if own {
        let code = if whole.is_new_mysql() { "3780" } else { "1832" };
        whole.refuse(code, format!("`{}.{}` is used in a foreign key", whole.name(), before.name));
    }
    own
}

/// MySQL cuts no index to a prefix by itself.
fn refuse_index(whole: &mut Alter<'_, '_>, table: &Table, before: &Column, new: &DataType) -> bool {
    if table.indexes_on(&before.name).all(|state| state.index.special.is_some()) {
        return false;
    }
    if types::is_long(new) && before.data_type.as_ref().is_some_and(|old| !types::is_long(old)) {
        whole.refuse("1170", format!("`{}` has an index, which needs a length for {new}", before.name));
        return true;
    }
    let bytes = new.number(0).unwrap_or(0) * types::bytes_per_character(&types::charset(new, Some(table)));
    let too_long = types::has_characters(new) && new.name == "varchar" && bytes > types::LONGEST_KEY;
    if too_long {
        whole.refuse("1071", format!("`{}` has an index, which takes {} bytes", before.name, types::LONGEST_KEY));
    }
    too_long
}

fn nullability(whole: &mut Alter<'_, '_>, table: &Table, before: &Column, column: &Column) {
    let (was, is) = (table.is_not_null(&before.name), column.not_null || in_primary_key(table, &before.name));
    if !was && is {
        let set_null = own_foreign_keys(table, &before.name)
            .any(|key| key.reference().is_some_and(|reference| reference.on_delete.as_deref() == Some("set null")));
        if set_null {
            whole.refuse("1830", format!("a foreign key sets `{}` to NULL", before.name));
            return;
        }
        // A computed column that is stored would be computed anew.
        let stored = |column: &Column| matches!(column.generated, Some((Generated::Stored, _)));
        whole.part(match (whole.is_mariadb(), whole.is_strict()) {
            (true, _) if table.columns.iter().any(stored) => "set_not_null_beside_stored",
            (false, false) => "change_type",
            _ => "set_not_null",
        });
        if whole.is_strict() {
            let why = format!("rows of `{}` with NULL in `{}` stop it", whole.name(), before.name);
            if !whole.is_mariadb() {
                whole.refuse_on_rows("1138", why.clone());
            }
            whole.refuse_on_rows("1265", why);
        } else if has_old_rows(whole.name(), whole.place) {
            whole.lose(Loss::Low, format!("NULL in `{}.{}` is filled with the type's empty value", whole.name(), before.name));
        }
    } else if column.null_written && in_primary_key(table, &before.name) && !whole.is_mariadb() {
        whole.refuse("1171", format!("`{}` is part of the primary key", before.name));
    } else if was && !is {
        let redundant = whole.is_mariadb() && whole.row_format() == Some("redundant");
        whole.part(if redundant { "drop_not_null_redundant" } else { "drop_not_null" });
        whole.lose(Loss::Low, format!("`{}.{}` may hold NULL", whole.name(), before.name));
    }
}

/// All else that a definition says: position, default, AUTO_INCREMENT, checks, comment.
fn attributes(whole: &mut Alter<'_, '_>, table: &Table, before: &Column, column: &Column) {
    if before.auto_increment && !column.auto_increment {
        whole.part(if whole.is_mariadb() { "lose_auto_increment" } else { "change_type" });
    } else if !before.auto_increment && column.auto_increment {
        if table.columns.iter().any(|other| other.auto_increment && !other.name.eq_ignore_ascii_case(&before.name)) {
            whole.refuse("1075", format!("`{}` has an AUTO_INCREMENT column already", whole.name()));
        }
        whole.part("gain_auto_increment");
    }
    if column.position.is_some() {
        whole.part("move_column");
    }
    let text = |default: &Option<Expression>| default.as_ref().filter(|default| !default.is_null).map(|default| default.text.clone());
    let (old, new) = (text(&before.default), text(&column.default));
    if old.is_some() && new.is_none() && column.generated.is_none() {
        whole.lose(Loss::Low, format!("`{}.{}` has no default any more", whole.name(), before.name));
    }
    if old != new {
        whole.part("column_default");
    }
    let checked = table.constraints.iter().any(|found| is_column_check(found, &before.name));
    let checks = column.constraints.iter().any(|found| matches!(found.kind, ConstraintKind::Check(_)));
    if checked && !checks && whole.is_mariadb() {
        whole.lose(Loss::Low, format!("the check of `{}.{}` is gone", whole.name(), before.name));
    }
    if checks {
        whole.part(if whole.is_mariadb() { "column_check" } else { "add_check" });
    }
    for constraint in &column.constraints {
        match &constraint.kind {
            ConstraintKind::Unique { .. } => {
                whole.part("add_unique");
                whole.refuse_on_rows("1062", format!("equal values in `{}` stop it", before.name));
            }
            ConstraintKind::PrimaryKey { .. } if table.primary_key().is_none() => whole.part("add_primary_key"),
            ConstraintKind::PrimaryKey { .. } => {
                whole.refuse("1068", format!("`{}` has a primary key already", whole.name()));
            }
            _ => {}
        }
    }
    if whole.parts.is_empty() {
        whole.part("column_metadata");
    }
}

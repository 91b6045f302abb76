//! What is wrong with a wish before anything is planned: it is made already, it cannot be, it contradicts another.

use crate::dialect::Dialect;
use crate::recipes::parts::planning::Refusal;
use crate::recipes::parts::ways::keys_gone;
use crate::recipes::parts::wish::{Merge, Split, Statement, Wish};
use crate::recipes::parts::written::type_text;
use crate::sql::catalog::{Catalog, Table, UserType};
use crate::sql::change::{AlterAction, Change, ConstraintKind, DataType, Name, TypeAction};

/// The word for a wish that the schema has already.
pub const ALREADY_MADE: &str = "already_made";

/// Why a wish cannot be planned on this schema; `None` where nothing speaks against it. `first`: the schema in front of the whole plan.
#[must_use]
pub fn doubt(wish: &Wish, catalog: &Catalog, first: &Catalog) -> Option<Refusal> {
    let tables: Vec<Name> = match wish {
        Wish::Statement(statement) => tables_of(statement),
        Wish::RemoveEnumValue(value) => return enum_doubt(&value.type_name, &value.value, catalog),
        Wish::ColumnValue(value) => vec![value.table.clone()],
        Wish::Backfill(fill) => vec![fill.table.clone()],
        Wish::SplitTable(split) => vec![split.table.clone()],
        Wish::MergeTables(merge) => vec![merge.from.clone(), merge.into.clone()],
    };
    if let Some(missing) = tables.iter().find(|table| catalog.is_missing(table)) {
        return Some(match wish {
            Wish::Statement(statement) if renamed_already(statement, catalog) => made("the table has its new name"),
            Wish::Statement(statement) if matches!(statement.reading.change, Change::Drop(_)) && first.is_missing(missing) => {
                made(&format!("there is no table `{}`", missing.shown()))
            }
            _ if !first.is_missing(missing) => {
                contradiction(&format!("an earlier change of the plan drops or renames `{}`", missing.shown()))
            }
            _ => unknown_table(missing, catalog),
        });
    }
    match wish {
        Wish::Statement(statement) => match statement.action() {
            Some((table, action)) => catalog.table(table).and_then(|known| action_doubt(table, known, action, catalog, first)),
            None => statement_doubt(statement, catalog),
        },
        Wish::Backfill(fill) => catalog.table(&fill.table).and_then(|known| column_missing(&fill.table, known, &fill.column, first)),
        Wish::SplitTable(split) => {
            if catalog.table(&split.into).is_some() {
                return Some(impossible(&format!("`{}` stands already", split.into.shown()), "name a table that does not stand as `into`"));
            }
            let known = catalog.table(&split.table)?;
            split.columns.iter().find_map(|column| column_missing(&split.table, known, column, first)).or_else(|| split_doubt(split, known))
        }
        Wish::MergeTables(merge) => merge_doubt(merge, catalog),
        Wish::RemoveEnumValue(_) | Wish::ColumnValue(_) => None,
    }
}

/// Why columns cannot move to a table of their own.
fn split_doubt(split: &Split, known: &Table) -> Option<Refusal> {
    let shown = split.table.shown();
    let Some(key) = known.primary_key() else {
        return Some(impossible(&format!("`{shown}` has no primary key to split it by"), "plan a primary key first (`add_constraint`)"));
    };
    if let Some(column) = split.columns.iter().find(|column| key.contains(column)) {
        return Some(impossible(&format!("`{shown}.{column}` is of the primary key: both tables have it"), "name the other columns"));
    }
    let stands = |column: &&String| {
        known.constraints_on(column).any(|one| !matches!(one.kind, ConstraintKind::NotNull { .. } | ConstraintKind::Default { .. }))
    };
    let column = split.columns.iter().find(stands)?;
    let hint = "drop it first (`drop_constraint`), and add it to the new table behind the split";
    Some(impossible(&format!("a constraint stands on `{shown}.{column}`"), hint))
}

/// Why a table's rows cannot move into another.
fn merge_doubt(merge: &Merge, catalog: &Catalog) -> Option<Refusal> {
    let (from, into) = (catalog.table(&merge.from)?, catalog.table(&merge.into)?);
    let (a, b) = (merge.from.shown(), merge.into.shown());
    if catalog.key(&merge.from) == catalog.key(&merge.into) {
        return Some(impossible(&format!("`{a}` cannot be merged into itself"), "name the table that stays as `into`"));
    }
    if let Some(column) = from.columns.iter().find(|column| into.column(&column.name).is_none()) {
        let hint = format!("plan `add_column` on `{b}` first, or `drop_column` on `{a}`");
        return Some(impossible(&format!("`{b}` has no column `{}`, which `{a}` has", column.name), &hint));
    }
    if from.primary_key().is_none() || from.primary_key() != into.primary_key() {
        return Some(impossible(&format!("`{a}` and `{b}` have no primary key in common"), "give both the same one first"));
    }
    let needed = into.columns.iter().find(|column| column.not_null && column.default.is_none() && from.column(&column.name).is_none())?;
    let hint = format!("give `{b}.{}` a default first (`set_default`)", needed.name);
    Some(impossible(&format!("`{b}.{}` must have a value, and `{a}` has no such column", needed.name), &hint))
}

/// A wish that the schema has already.
pub(super) fn made(what: &str) -> Refusal {
    Refusal {
        code: ALREADY_MADE,
        message: format!("nothing is to be done: {what}"),
        hint: "look at the chain with `migration_status`; if a database lacks it, its revision is pending there".to_owned(),
    }
}

fn contradiction(what: &str) -> Refusal {
    Refusal {
        code: "contradiction",
        message: format!("the changes contradict each other: {what}"),
        hint: "leave one of them out, or plan them one after the other".to_owned(),
    }
}

/// A wish that cannot be.
pub(super) fn impossible(what: &str, hint: &str) -> Refusal {
    Refusal { code: "impossible", message: what.to_owned(), hint: hint.to_owned() }
}

fn unknown_table(missing: &Name, catalog: &Catalog) -> Refusal {
    let known: Vec<String> = catalog.tables().map(|(name, _)| name.shown()).filter(|name| name != "alembic_version").collect();
    let near = nearest(&missing.name, known.iter().map(String::as_str)).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let list = known.iter().take(20).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    Refusal {
        code: "unknown_table",
        message: format!("there is no table `{}` at the head of the chain{near}", missing.shown()),
        hint: format!("tables there: {list}"),
    }
}

/// The word that is at most two letters away.
fn nearest<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    words
        .map(|other| (distance(word, other.rsplit('.').next().unwrap_or(other)), other))
        .filter(|(far, _)| *far <= 2)
        .min()
        .map(|(_, other)| other)
}

/// Letters to be changed to make one word of another.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut above = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(&b) {
            let here = (above + usize::from(x != *y)).min(left + 1).min(*slot + 1);
            above = *slot;
            *slot = here;
            left = here;
        }
        if let Some(start) = row.first_mut() {
            *start = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn tables_of(statement: &Statement) -> Vec<Name> {
    match &statement.reading.change {
        Change::AlterTable(alter) if !alter.if_exists => vec![alter.table.clone()],
        Change::CreateIndex { table, .. } | Change::CreateTrigger { table, .. } => vec![table.clone()],
        Change::RenameTables { pairs } => pairs.iter().map(|(from, _)| from.clone()).collect(),
        Change::Drop(drop) if statement.reading.kind.word() == "drop_table" && !drop.if_exists => drop.names.clone(),
        Change::Truncate { tables, .. } => tables.clone(),
        _ => Vec::new(),
    }
}

fn renamed_already(statement: &Statement, catalog: &Catalog) -> bool {
    match (&statement.reading.change, statement.action()) {
        (_, Some((table, AlterAction::RenameTable { to }))) => {
            let now = Name { schema: to.schema.clone().or_else(|| table.schema.clone()), name: to.name.clone() };
            catalog.table(&now).is_some()
        }
        (Change::RenameTables { pairs }, _) => pairs.iter().all(|(_, to)| catalog.table(to).is_some()),
        _ => false,
    }
}

fn column_missing(table: &Name, known: &Table, column: &str, first: &Catalog) -> Option<Refusal> {
    if known.columns.is_empty() || known.column(column).is_some() {
        return None;
    }
    if first.table(table).is_some_and(|before| before.column(column).is_some()) {
        return Some(contradiction(&format!("an earlier change of the plan drops or renames `{}.{column}`", table.shown())));
    }
    let names = known.columns.iter().map(|column| column.name.as_str());
    let near = nearest(column, names.clone()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Some(Refusal {
        code: "unknown_column",
        message: format!("`{}` has no column `{column}`{near}", table.shown()),
        hint: format!("its columns: {}", names.take(40).collect::<Vec<_>>().join(", ")),
    })
}

fn action_doubt(table: &Name, known: &Table, action: &AlterAction, catalog: &Catalog, first: &Catalog) -> Option<Refusal> {
    let shown = table.shown();
    let missing = |column: &str| column_missing(table, known, column, first);
    match action {
        AlterAction::AddColumn { column, if_not_exists: false } => {
            let there = known.column(&column.name)?;
            let was = first.table(table).is_some_and(|before| before.column(&column.name).is_some());
            if !was {
                return Some(contradiction(&format!("`{shown}.{}` is added twice", column.name)));
            }
            let same = there.data_type.as_ref().map(|one| type_text(catalog.dialect, one))
                == column.data_type.as_ref().map(|one| type_text(catalog.dialect, one));
            let same = same && there.not_null == column.not_null;
            Some(if same {
                made(&format!("`{shown}` has the column `{}`", column.name))
            } else {
                let is = there.data_type.as_ref().map(|one| type_text(catalog.dialect, one)).unwrap_or_default();
                impossible(
                    &format!("`{shown}` has a column `{}` already: {is}{}", column.name, if there.not_null { " NOT NULL" } else { "" }),
                    "plan `alter_column_type`, `set_not_null` or `set_default` on it, or use another name",
                )
            })
        }
        AlterAction::DropColumn { column, if_exists: false, .. } => {
            if let Some(fed) = known.generated_from(column).next().filter(|_| catalog.dialect == Dialect::Sqlite) {
                return Some(impossible(
                    &format!("`{shown}.{}` is computed from `{column}`", fed.name),
                    &format!("plan `drop_column` of `{}` in front, in the same call", fed.name),
                ));
            }
            let there = known.column(column).is_some() || known.columns.is_empty();
            if there {
                let was_added = first.table(table).is_some_and(|before| !before.columns.is_empty() && before.column(column).is_none());
                return was_added.then(|| contradiction(&format!("`{shown}.{column}` is added and dropped")));
            }
            Some(if first.table(table).is_some_and(|before| before.column(column).is_some()) {
                contradiction(&format!("an earlier change of the plan drops or renames `{shown}.{column}`"))
            } else {
                let near = missing(column);
                match near {
                    Some(refusal) if refusal.message.contains("did you mean") => refusal,
                    _ => made(&format!("`{shown}` has no column `{column}`")),
                }
            })
        }
        AlterAction::RenameColumn { from, to } => match (known.column(from), known.column(to)) {
            (None, Some(_)) if !known.columns.is_empty() => Some(made(&format!("`{shown}` has `{to}` and no `{from}`"))),
            (Some(_), Some(_)) => {
                Some(impossible(&format!("`{shown}` has both `{from}` and `{to}`"), "use another name, or plan to drop one of them"))
            }
            _ => missing(from),
        },
        AlterAction::AlterColumnType { column, data_type, .. } => {
            missing(column).or_else(|| row_number(&shown, known, column, data_type, catalog.dialect)).or_else(|| {
                let is = known.column(column)?.data_type.as_ref()?;
                (type_text(catalog.dialect, is) == type_text(catalog.dialect, data_type))
                    .then(|| made(&format!("`{shown}.{column}` is {}", type_text(catalog.dialect, is))))
            })
        }
        AlterAction::SetNotNull { column } => {
            missing(column).or_else(|| known.is_not_null(column).then(|| made(&format!("`{shown}.{column}` is NOT NULL"))))
        }
        AlterAction::DropNotNull { column } => missing(column).or_else(|| {
            let nullable = known.column(column).is_some_and(|found| !found.not_null);
            nullable.then(|| made(&format!("`{shown}.{column}` may be NULL")))
        }),
        AlterAction::SetDefault { column, default } => missing(column).or_else(|| {
            let is = known.column(column)?.default.as_ref()?;
            (is.text == default.text).then(|| made(&format!("`{shown}.{column}` has the default {}", is.text)))
        }),
        AlterAction::DropDefault { column } => missing(column).or_else(|| {
            let none = known.column(column).is_some_and(|found| found.default.is_none());
            none.then(|| made(&format!("`{shown}.{column}` has no default")))
        }),
        AlterAction::AddConstraint(constraint) => {
            if let Some(name) = &constraint.name
                && known.constraint(name).is_some()
            {
                return Some(made(&format!("`{shown}` has a constraint `{name}`")));
            }
            if let (ConstraintKind::PrimaryKey { columns, .. }, Some(key)) = (&constraint.kind, known.primary_key()) {
                return Some(second_key(&shown, columns, key, catalog.dialect));
            }
            match &constraint.kind {
                ConstraintKind::Unique { columns, .. }
                | ConstraintKind::PrimaryKey { columns, .. }
                | ConstraintKind::ForeignKey { columns, .. } => columns.iter().find_map(|column| missing(column)).or_else(|| {
                    let target = &constraint.reference()?.table;
                    catalog.is_missing(target).then(|| unknown_table(target, catalog))
                }),
                ConstraintKind::Check(_)
                | ConstraintKind::Exclude { .. }
                | ConstraintKind::NotNull { .. }
                | ConstraintKind::Default { .. } => None,
            }
        }
        AlterAction::DropConstraint { name, if_exists: false, .. } => {
            let unknown = !known.columns.is_empty() && known.constraint(name).is_none();
            unknown.then(|| Refusal {
                code: "unknown_constraint",
                message: format!("`{shown}` has no constraint `{name}`"),
                hint: format!(
                    "its constraints: {}",
                    known.constraints.iter().filter_map(|one| one.name.clone()).collect::<Vec<_>>().join(", ")
                ),
            })
        }
        _ => None,
    }
}

/// SQLite takes the rows along that point at a dropped table, or leaves them pointing at nothing, as `foreign_keys` and the rule say.
fn pointed_at(statement: &Statement, catalog: &Catalog) -> Option<Refusal> {
    let Change::Drop(drop) = &statement.reading.change else { return None };
    let [table] = drop.names.as_slice() else { return None };
    if catalog.dialect != Dialect::Sqlite || statement.reading.kind.word() != "drop_table" {
        return None;
    }
    let mut pointing = catalog.foreign_keys_to(table);
    pointing.retain(|(other, _)| catalog.key(other) != catalog.key(table));
    let (other, first) = pointing.first()?;
    let rule = first.reference().and_then(|reference| reference.on_delete.as_deref());
    let end = if rule == Some("cascade") { "are deleted with it while `foreign_keys` is on" } else { "would point at nothing" };
    let front = serde_json::Value::Array(keys_gone(&pointing));
    Some(impossible(
        &format!("rows of `{}` point at `{}`, and {end}", other.shown(), table.shown()),
        &format!("plan it with these in front, in one call: {front}"),
    ))
}

fn statement_doubt(statement: &Statement, catalog: &Catalog) -> Option<Refusal> {
    if let Some(refusal) = pointed_at(statement, catalog) {
        return Some(refusal);
    }
    match &statement.reading.change {
        Change::CreateTable(create) if !create.if_not_exists && catalog.table(&create.name).is_some() => {
            Some(made(&format!("the table `{}` stands", create.name.shown())))
        }
        Change::CreateIndex { table, index, .. } => {
            let known = catalog.table(table)?;
            let name = index.name.as_deref().unwrap_or_default();
            if let Some(there) = known.index(name) {
                return Some(if there.index.plain_columns() == index.plain_columns() {
                    made(&format!("the index `{name}` stands on `{}`", table.shown()))
                } else {
                    impossible(&format!("`{}` has an index `{name}` over other columns", table.shown()), "use another name")
                });
            }
            index.plain_columns().iter().find_map(|column| column_missing(table, known, column, catalog))
        }
        Change::AlterType { name, actions } => match (catalog.user_type(name), actions.as_slice()) {
            (Some(UserType::Enum { values, .. }), [TypeAction::AddValue { value, if_not_exists: false, .. }]) => {
                values.contains(value).then(|| made(&format!("`{}` has the value `{value}`", name.shown())))
            }
            (Some(UserType::Enum { values, .. }), [TypeAction::RenameValue { from, to }]) => {
                match (values.contains(from), values.contains(to)) {
                    (false, true) => Some(made(&format!("`{}` has `{to}` and no `{from}`", name.shown()))),
                    (false, false) => enum_doubt(name, from, catalog),
                    _ => None,
                }
            }
            _ => None,
        },
        _ => None,
    }
}

/// A table has one primary key.
fn second_key(shown: &str, wanted: &[String], key: &[String], dialect: Dialect) -> Refusal {
    if wanted == key {
        return made(&format!("`{shown}` has the primary key ({})", key.join(", ")));
    }
    let hint = match dialect {
        Dialect::Mysql | Dialect::Mariadb => {
            format!("exchange it in one statement, as `sql`: ALTER TABLE {shown} DROP PRIMARY KEY, ADD PRIMARY KEY ({})", wanted.join(", "))
        }
        Dialect::Sqlite => "a unique key with NOT NULL says the same (`add_constraint` with unique: true, `set_not_null`)".to_owned(),
        Dialect::Postgresql | Dialect::Mssql | Dialect::Oracle => {
            "plan `drop_constraint` of the one that stands in front, in the same call".to_owned()
        }
    };
    impossible(&format!("`{shown}` has a primary key already: ({})", key.join(", ")), &hint)
}

/// SQLite: `INTEGER PRIMARY KEY` is the number of the row, 64 bits wide; with any other word for the type it numbers no new rows.
fn row_number(shown: &str, known: &Table, column: &str, wanted: &DataType, dialect: Dialect) -> Option<Refusal> {
    let is_integer = |one: &DataType| one.name.eq_ignore_ascii_case("integer");
    let is_row = known.primary_key().is_some_and(|key| key == [column.to_owned()]) && !known.options.contains_key("without rowid");
    let is_row = is_row && known.column(column)?.data_type.as_ref().is_some_and(is_integer);
    if dialect != Dialect::Sqlite || !is_row || is_integer(wanted) {
        return None;
    }
    let why =
        format!("`{shown}.{column}` is INTEGER PRIMARY KEY: SQLite's number of the row, 64 bits wide, given to each new row by itself");
    Some(match wanted.name.to_lowercase().contains("int") {
        true => made(&format!("{why}; as `{}` it would not be", wanted.name)),
        false => impossible(&why, "add a column of the type beside it (`add_column`), and leave the key as it is"),
    })
}

fn enum_doubt(name: &Name, value: &str, catalog: &Catalog) -> Option<Refusal> {
    match catalog.user_type(name) {
        Some(UserType::Enum { values, .. }) => (!values.iter().any(|one| one == value)).then(|| Refusal {
            code: "unknown_value",
            message: format!("`{}` has no value `{value}`", name.shown()),
            hint: format!("its values: {}", values.join(", ")),
        }),
        Some(UserType::Domain { .. } | UserType::Other) => {
            Some(impossible(&format!("`{}` is no enum", name.shown()), "a domain's check is changed with `sql`"))
        }
        None if catalog.is_complete => Some(Refusal {
            code: "unknown_type",
            message: format!("there is no enum `{}` at the head of the chain", name.shown()),
            hint: "the name as `CREATE TYPE` gives it; SQLAlchemy's `Enum(name=…)`".to_owned(),
        }),
        None => None,
    }
}

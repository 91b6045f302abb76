//! `CREATE TABLE` and `ALTER TABLE` on SQLite.

use crate::effects::sqlite::{
    columns, fact, index, is_view, knows_columns, meets, missing, refuse, refuse_syntax, reserved, syntax, views, works,
};
use crate::effects::{Effect, Loss, Place, When, Work};
use crate::sql::change::{AlterAction, AlterTable, Change, Constraint, ConstraintKind, CreateTable, Name};
use crate::sql::formula;

/// `CREATE TABLE`, also of a virtual table.
pub fn create(effect: &mut Effect, create: &CreateTable, place: &Place<'_>) {
    let stands = place.catalog.table(&create.name).is_some() && !create.temporary;
    if stands && create.if_not_exists {
        effect.situations.push("create_table_that_stands");
        return;
    }
    if stands {
        let kind = if is_view(&create.name, place) { "view" } else { "table" };
        refuse(effect, format!("{kind} {} already exists", create.name.name), "the name is taken");
        return;
    }
    if !create.temporary && index(&create.name, place).is_some() {
        refuse(effect, format!("there is already an index named {}", create.name.name), "the name is taken");
        return;
    }
    if reserved(effect, &create.name) || bad_definition(effect, create) {
        return;
    }
    fact(effect, if create.query.is_some() { "create_table_as" } else { "create_table" }, place);
    for source in create.query.iter().flat_map(|(query, _)| &query.tables) {
        if missing(effect, source, place) {
            return;
        }
        works(effect, source, Work::Scan, place);
    }
}

/// Definitions that SQLite takes nowhere.
fn bad_definition(effect: &mut Effect, create: &CreateTable) -> bool {
    let name = &create.name.name;
    let constraints = || create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints);
    let keys = constraints().filter(|found| matches!(found.kind, ConstraintKind::PrimaryKey { .. })).count();
    let message = if let Some(twice) = duplicate_column(create) {
        format!("duplicate column name: {twice}")
    } else if keys > 1 {
        format!("table \"{name}\" has more than one primary key")
    } else if create.options.contains_key("without rowid") && keys == 0 {
        format!("PRIMARY KEY missing on table {name}")
    } else if counts_on_other_than_integer(create) {
        "AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY".to_owned()
    } else if let Some(message) = strict_complaint(create) {
        message
    } else if let Some(column) = unknown_key_column(create) {
        format!("unknown column \"{column}\" in foreign key definition")
    } else if let Some(column) = unknown_named(create) {
        format!("no such column: {column}")
    } else {
        return false;
    };
    refuse(effect, message, "the definition contradicts itself");
    true
}

fn duplicate_column(create: &CreateTable) -> Option<&str> {
    let columns = create.columns.iter().enumerate();
    let mut twice =
        columns.filter(|(n, column)| create.columns.iter().take(*n).any(|before| before.name.eq_ignore_ascii_case(&column.name)));
    twice.next().map(|(_, column)| column.name.as_str())
}

fn counts_on_other_than_integer(create: &CreateTable) -> bool {
    let is_integer = |name: &str| name.eq_ignore_ascii_case("integer");
    create.columns.iter().any(|column| column.auto_increment && !column.data_type.as_ref().is_some_and(|found| is_integer(&found.name)))
}

fn strict_complaint(create: &CreateTable) -> Option<String> {
    create.options.get("strict")?;
    create.columns.iter().find_map(|column| columns::strict_type(&create.name, column))
}

fn unknown_key_column(create: &CreateTable) -> Option<&str> {
    let stands = |name: &String| create.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    create.constraints.iter().find_map(|found| match &found.kind {
        ConstraintKind::ForeignKey { columns, .. } => columns.iter().find(|name| !stands(name)).map(String::as_str),
        _ => None,
    })
}

/// A column of a key, a check or a computed column that the table does not have.
fn unknown_named(create: &CreateTable) -> Option<String> {
    let hidden = ["rowid", "oid", "_rowid_"];
    let stands = |name: &str| {
        create.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name))
            || hidden.iter().any(|own| own.eq_ignore_ascii_case(name))
    };
    let constraints = create.columns.iter().flat_map(|column| &column.constraints).chain(&create.constraints);
    let named = constraints.flat_map(|found| match &found.kind {
        ConstraintKind::Unique { columns, .. } | ConstraintKind::PrimaryKey { columns, .. } => columns.clone(),
        ConstraintKind::Check(check) => formula::columns_named(check),
        _ => Vec::new(),
    });
    let computed = create.columns.iter().filter_map(|column| column.generated.as_ref());
    named.chain(computed.flat_map(|(_, expression)| formula::columns_named(expression))).find(|name| !stands(name))
}

/// `ALTER TABLE`. SQLite takes one part, and looks for the table of an `ADD` before it reads on.
pub fn alter(effect: &mut Effect, alter: &AlterTable, place: &Place<'_>) {
    let Some(first) = alter.actions.first() else { return };
    let adds = matches!(first, AlterAction::AddColumn { .. } | AlterAction::AddConstraint(_)) && !alter.if_exists && !alter.only;
    if adds && target_refuses(effect, &alter.table, first, place) {
        return;
    }
    if let Some(word) = syntax::alter_word(alter, place.server.version) {
        refuse_syntax(effect, &word, place);
        return;
    }
    if !adds && target_refuses(effect, &alter.table, first, place) {
        return;
    }
    one(effect, &alter.table, first, place);
}

/// The table is missing, or is a view.
fn target_refuses(effect: &mut Effect, table: &Name, action: &AlterAction, place: &Place<'_>) -> bool {
    if missing(effect, table, place) {
        return true;
    }
    if !is_view(table, place) {
        return false;
    }
    let name = &table.name;
    let message = match action {
        AlterAction::AddColumn { .. } => "Cannot add a column to a view".to_owned(),
        AlterAction::AddConstraint(_) if !place.server.version.at_least(3, 53) => "Cannot add a column to a view".to_owned(),
        AlterAction::DropColumn { .. } => format!("cannot drop column from view \"{name}\""),
        AlterAction::RenameColumn { .. } => format!("cannot rename columns of view \"{name}\""),
        AlterAction::RenameTable { .. } => format!("view {name} may not be altered"),
        _ => format!("cannot edit constraints of view \"{name}\""),
    };
    refuse(effect, message, format!("`{name}` is a view: drop it and make it again"));
    true
}

fn one(effect: &mut Effect, table: &Name, action: &AlterAction, place: &Place<'_>) {
    match action {
        AlterAction::AddColumn { column, .. } => columns::add(effect, table, column, place),
        AlterAction::DropColumn { column, .. } => columns::drop(effect, table, column, place),
        AlterAction::RenameColumn { from, to } => rename_column(effect, table, from, to, place),
        AlterAction::RenameTable { to } => rename_table(effect, table, to, place),
        AlterAction::SetNotNull { column } => set_not_null(effect, table, column, place),
        AlterAction::DropNotNull { column } => drop_not_null(effect, table, column, place),
        AlterAction::AddConstraint(constraint) => add_check(effect, table, constraint, place),
        AlterAction::DropConstraint { name, .. } => drop_constraint(effect, table, name, place),
        // What SQLite does not have was refused by its words.
        _ => {
            effect.unknown.get_or_insert_with(|| format!("no fact for this `ALTER TABLE` on {}", place.server));
        }
    }
}

fn rename_column(effect: &mut Effect, table: &Name, from: &str, to: &str, place: &Place<'_>) {
    let version = place.server.version;
    let knows = knows_columns(table, place);
    let has = |name: &str| place.catalog.table(table).is_some_and(|found| found.column(name).is_some());
    if knows && !has(from) {
        refuse(effect, format!("no such column: \"{from}\""), format!("`{table}` has no such column"));
    } else if knows && has(to) && !from.eq_ignore_ascii_case(to) {
        let taken = place.catalog.table(table).and_then(|found| found.column(to)).map_or(to, |column| column.name.as_str());
        let rename = if version.at_least(3, 35) { format!("error in table {} after rename: ", table.name) } else { String::new() };
        refuse(effect, format!("{rename}duplicate column name: {taken}"), format!("`{table}` has such a column"));
    } else if let (true, Some((view, why))) = (place.catalog.is_on("legacy_alter_table"), views::broken_view(place)) {
        // With the old rules nobody says which view it is, from 3.39 on.
        let message = if version.at_least(3, 36) { "SQL logic error".to_owned() } else { format!("error in view {}: {why}", view.name) };
        refuse(effect, message, format!("`{view}` does not work: drop it first"));
    }
    if effect.always_fails() || views::refused_by_broken_view(effect, place) {
        return;
    }
    meets(effect, "rename_column", table, place);
    if !place.catalog.is_new(table) {
        effect.breaks("rename", format!("queries that name `{table}.{from}`"));
    }
}

fn rename_table(effect: &mut Effect, table: &Name, to: &Name, place: &Place<'_>) {
    if reserved(effect, to) {
        return;
    }
    let same = place.catalog.key(table) == place.catalog.key(to);
    if !same && (place.catalog.table(to).is_some() || index(to, place).is_some()) {
        refuse(effect, format!("there is already another table or index with this name: {}", to.name), "the name is taken");
        return;
    }
    if views::refused_by_broken_view(effect, place) || refused_by_trigger(effect, to, place) {
        return;
    }
    meets(effect, "rename_table", table, place);
    if place.catalog.is_on("legacy_alter_table") {
        for view in place.catalog.views_on(table) {
            effect.breaks("rename", format!("the view `{view}`, which keeps the old name of `{table}`,"));
        }
    }
    let is_copy = place.catalog.table(table).is_some_and(|found| found.is_replacement);
    if !place.catalog.is_new(table) && !is_copy && !is_made_again(table, place) {
        effect.breaks("rename", format!("queries that name `{table}`"));
    }
}

/// A trigger of another table names the dropped table whose name is taken: it is read again before the name stands.
fn refused_by_trigger(effect: &mut Effect, to: &Name, place: &Place<'_>) -> bool {
    if place.catalog.is_on("legacy_alter_table") || !place.catalog.is_missing(to) {
        return false;
    }
    let Some(trigger) = views::trigger_naming(to, place) else { return false };
    refuse(
        effect,
        format!("error in trigger {trigger}: no such table: main.{}", to.name),
        format!("the trigger `{trigger}` names `{to}`, which does not stand: drop it first, make it again after"),
    );
    true
}

/// A later statement makes a table of this name: the old one was only moved out of the way.
fn is_made_again(table: &Name, place: &Place<'_>) -> bool {
    place.following.iter().any(
        |later| matches!(&later.reading.change, Change::CreateTable(create) if place.catalog.key(&create.name) == place.catalog.key(table)),
    )
}

/// The column of a constraint's `ALTER` is missing; this message has no quotes.
fn column_missing(effect: &mut Effect, table: &Name, column: &str, place: &Place<'_>) -> bool {
    let is_missing = knows_columns(table, place) && place.catalog.table(table).is_some_and(|found| found.column(column).is_none());
    if is_missing {
        refuse(effect, format!("no such column: {column}"), format!("`{table}` has no such column"));
    }
    is_missing
}

fn set_not_null(effect: &mut Effect, table: &Name, column: &str, place: &Place<'_>) {
    if column_missing(effect, table, column, place) {
        return;
    }
    if place.catalog.table(table).and_then(|found| found.column(column)).is_some_and(|found| found.not_null) {
        meets(effect, "set_not_null_that_is", table, place);
        return;
    }
    meets(effect, "set_not_null", table, place);
    if place.catalog.has_rows(table) {
        effect.fail("constraint failed", When::OnRows, format!("rows of `{table}` with NULL in `{column}` stop it"));
    }
}

fn drop_not_null(effect: &mut Effect, table: &Name, column: &str, place: &Place<'_>) {
    if column_missing(effect, table, column, place) {
        return;
    }
    meets(effect, "drop_not_null", table, place);
    let found = place.catalog.table(table);
    let in_key = found.and_then(|found| found.primary_key()).is_some_and(|key| key.iter().any(|name| name.eq_ignore_ascii_case(column)));
    let stands = found.and_then(|found| found.column(column)).is_none_or(|found| found.not_null);
    if stands && !in_key && !place.catalog.is_new(table) {
        effect.lose(Loss::Low, format!("`{table}.{column}` may be NULL from now on"));
    }
}

fn add_check(effect: &mut Effect, table: &Name, constraint: &Constraint, place: &Place<'_>) {
    let ConstraintKind::Check(check) = &constraint.kind else { return };
    let found = place.catalog.table(table);
    if let Some(name) = constraint.name.as_deref().filter(|name| found.is_some_and(|found| found.constraint(name).is_some())) {
        refuse(effect, format!("constraint {name} already exists"), "the name is taken");
        return;
    }
    if check.words.iter().chain(&check.functions).any(|word| word.eq_ignore_ascii_case("select")) {
        let named = place.server.version.at_least(3, 54);
        let message = if named { "subqueries prohibited in CHECK constraints" } else { "constraint failed" };
        refuse(effect, message, "a CHECK sees its own row only");
        return;
    }
    // The first word of a condition is a column, or no condition.
    let first = check.words.first().filter(|first| check.text.starts_with(first.as_str()) && !first.eq_ignore_ascii_case("not"));
    if first.is_some_and(|first| column_missing(effect, table, first, place)) {
        return;
    }
    meets(effect, "add_check", table, place);
    if place.catalog.has_rows(table) {
        effect.fail("constraint failed", When::OnRows, format!("rows of `{table}` may not satisfy `{}`", check.text));
    }
}

fn drop_constraint(effect: &mut Effect, table: &Name, name: &str, place: &Place<'_>) {
    let found = place.catalog.table(table).and_then(|found| found.constraint(name));
    let keeps = match found.map(|found| &found.kind) {
        Some(ConstraintKind::Unique { .. } | ConstraintKind::PrimaryKey { .. }) => true,
        Some(ConstraintKind::ForeignKey { .. }) => !place.server.version.at_least(3, 54),
        Some(_) => false,
        None if knows_columns(table, place) => {
            refuse(effect, format!("no such constraint: {name}"), format!("`{table}` has no such constraint"));
            return;
        }
        None => false,
    };
    if keeps {
        refuse(effect, format!("constraint may not be dropped: {name}"), "only a new table can be without it (`batch_alter_table`)");
        return;
    }
    meets(effect, "drop_constraint", table, place);
    if !place.catalog.is_new(table) {
        effect.lose(Loss::Low, format!("the constraint `{name}` of `{table}` is dropped"));
    }
}

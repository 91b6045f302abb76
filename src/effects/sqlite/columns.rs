//! `ADD COLUMN` and `DROP COLUMN` on SQLite.

use crate::effects::sqlite::{knows_columns, meets, refuse, views};
use crate::effects::{Effect, Loss, Place, Undo, When};
use crate::sql::catalog::Table;
use crate::sql::change::{Column, Constraint, ConstraintKind, Expression, Generated, Name};

/// `ADD COLUMN`: SQLite writes the definition into its schema and leaves the rows as they are.
pub fn add(effect: &mut Effect, table: &Name, column: &Column, place: &Place<'_>) {
    if place.catalog.table(table).is_some_and(|found| found.column(&column.name).is_some()) {
        refuse(effect, format!("duplicate column name: {}", column.name), format!("`{table}` has such a column"));
        return;
    }
    if let Some(message) = never_added(column) {
        refuse(effect, message, "SQLite adds a column without touching the rows; a new table takes it (`batch_alter_table`)");
        return;
    }
    let version = place.server.version;
    let strict = place.catalog.table(table).is_some_and(|found| found.options.contains_key("strict"));
    if strict && strict_refuses(effect, table, column, place) {
        return;
    }
    let is_checked = column.constraints.iter().any(|found| matches!(found.kind, ConstraintKind::Check(_)))
        || column.generated.is_some() && column.not_null;
    let situation = match (is_checked, strict) {
        (true, _) => "add_column_checked",
        (false, true) if version.at_least(3, 37) => "add_column_to_strict",
        (false, _) => "add_column",
    };
    meets(effect, situation, table, place);
    let collation = column.data_type.as_ref().and_then(|own| own.collation.as_deref());
    if let Some(collation) = collation.filter(|name| !["binary", "nocase", "rtrim"].iter().any(|own| name.eq_ignore_ascii_case(own))) {
        let why = "SQLite brings no such collation: the connection must have made it";
        effect.fail(format!("no such collation sequence: {collation}"), When::OnRows, why);
    }
    refused_for_rows(effect, table, column, place);
    if is_checked && version.at_least(3, 37) {
        refused_for_values(effect, table, column, place);
    }
}

/// Definitions that SQLite adds to no table.
fn never_added(column: &Column) -> Option<&'static str> {
    let has = |wanted: fn(&ConstraintKind) -> bool| column.constraints.iter().any(|found| wanted(&found.kind));
    if has(|kind| matches!(kind, ConstraintKind::PrimaryKey { .. })) {
        Some("Cannot add a PRIMARY KEY column")
    } else if has(|kind| matches!(kind, ConstraintKind::Unique { .. })) {
        Some("Cannot add a UNIQUE column")
    } else if matches!(column.generated, Some((Generated::Stored, _))) {
        Some("cannot add a STORED column")
    } else {
        None
    }
}

/// Definitions that SQLite adds to an empty table only; before 3.33 to none.
fn refused_for_rows(effect: &mut Effect, table: &Name, column: &Column, place: &Place<'_>) {
    let looks_at_rows = place.server.version.at_least(3, 33);
    if looks_at_rows && !place.catalog.has_rows(table) {
        return;
    }
    let when = if looks_at_rows { When::OnRows } else { When::Always };
    let default = column.default.as_ref().filter(|default| !default.is_null);
    let why = format!("rows of `{table}` stand in the way: SQLite does not write them anew");
    let references = column.constraints.iter().any(|found| found.reference().is_some());
    if references && default.is_some() && place.catalog.is_on("foreign_keys") {
        effect.fail("Cannot add a REFERENCES column with non-NULL default value", when, why);
    } else if column.not_null && default.is_none() && column.generated.is_none() {
        effect.fail("Cannot add a NOT NULL column with default value NULL", when, why);
    } else if default.is_some_and(|default| !is_constant(default)) {
        effect.fail("Cannot add a column with non-constant default", when, why);
    }
}

/// From 3.37 on the rows are checked against a `CHECK` and a generated `NOT NULL`.
fn refused_for_values(effect: &mut Effect, table: &Name, column: &Column, place: &Place<'_>) {
    if !place.catalog.has_rows(table) {
        return;
    }
    if column.generated.is_some() && column.not_null {
        effect.fail("NOT NULL constraint failed", When::OnRows, format!("`{}` may be computed to NULL in rows of `{table}`", column.name));
    }
    let default_is_null = column.default.as_ref().is_none_or(|default| default.is_null) && column.generated.is_none();
    for found in &column.constraints {
        let ConstraintKind::Check(check) = &found.kind else { continue };
        let passes_null = check.words.iter().all(|word| word.eq_ignore_ascii_case(&column.name) || is_operator(word))
            && !check.text.to_lowercase().contains("null");
        if !(default_is_null && passes_null) {
            effect.fail("CHECK constraint failed", When::OnRows, format!("rows of `{table}` may not satisfy `{}`", check.text));
        }
    }
}

fn is_operator(word: &str) -> bool {
    ["and", "or", "not", "in", "between", "like", "glob", "is"].iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// What a STRICT table does not take.
fn strict_refuses(effect: &mut Effect, table: &Name, column: &Column, place: &Place<'_>) -> bool {
    let before = effect.fails.len();
    if let Some(message) = strict_type(table, column) {
        let message = format!("error in table {} after add column: {message}", table.name);
        refuse(effect, message, "the table is STRICT");
    } else if place.server.version.at_least(3, 45) && text_for_number(column) {
        refuse(effect, "type mismatch on DEFAULT", "the table is STRICT");
    }
    effect.fails.len() > before
}

/// The complaint about a column's type in a STRICT table.
#[must_use]
pub fn strict_type(table: &Name, column: &Column) -> Option<String> {
    let Some(data_type) = &column.data_type else {
        return Some(format!("missing datatype for {}.{}", table.name, column.name));
    };
    let written = data_type.to_string();
    let is_known = ["int", "integer", "real", "text", "blob", "any"].iter().any(|known| written.eq_ignore_ascii_case(known));
    (!is_known).then(|| format!("unknown datatype for {}.{}: \"{written}\"", table.name, column.name))
}

fn text_for_number(column: &Column) -> bool {
    let is_number = column.data_type.as_ref().is_some_and(|found| matches!(found.name.to_lowercase().as_str(), "int" | "integer" | "real"));
    let text = column.default.as_ref().map_or("", |default| default.text.as_str());
    is_number && text.starts_with('\'') && text.trim_matches('\'').trim().parse::<f64>().is_err()
}

/// True when a default is the same for all rows as SQLite sees it: `(1 + 2)` is not, `(5)` and `-5` are.
fn is_constant(default: &Expression) -> bool {
    let inner = default.text.trim().trim_start_matches(['(', ' ']).trim_end_matches([')', ' ']);
    let quoted = inner.starts_with(['\'', '"']) || inner.starts_with(['x', 'X']) && inner.contains('\'');
    let unsigned = inner.trim_start_matches(['-', '+', ' ']);
    let single_word = default.words.len() <= 1 && !default.text.starts_with('(');
    let plain = !unsigned.contains(['+', '*', '/', '|', '%', '(', '<', '>', '=']);
    default.functions.is_empty() && (quoted && !inner.contains("||") || plain && (default.is_literal || single_word))
}

/// `DROP COLUMN`: every row is written without it.
pub fn drop(effect: &mut Effect, table: &Name, name: &str, place: &Place<'_>) {
    let found = place.catalog.table(table);
    let column = found.and_then(|found| found.column(name));
    if knows_columns(table, place) && column.is_none() {
        refuse(effect, format!("no such column: \"{name}\""), format!("`{table}` has no such column"));
        return;
    }
    if let Some(found) = found.filter(|_| knows_columns(table, place)) {
        if refused_by_key(effect, found, name) || views::refused_by_broken_view(effect, place) {
            return;
        }
        refused_by_users(effect, table, found, name, place);
        if effect.always_fails() {
            return;
        }
    }
    let virtual_column = matches!(column.and_then(|column| column.generated.as_ref()), Some((Generated::Virtual, _)));
    meets(effect, if virtual_column { "drop_virtual_column" } else { "drop_column" }, table, place);
    broken_triggers(effect, table, name, place);
    if place.catalog.is_new(table) || column.is_some_and(|column| column.is_new) {
        return;
    }
    if column.is_some_and(|column| column.generated.is_some()) {
        effect.lose(Loss::Low, format!("the generated column `{table}.{name}` is dropped"));
    } else {
        effect.lose(Loss::High, format!("the values of `{table}.{name}` are gone"));
        effect.undo(Undo::ShapeOnly);
    }
    effect.breaks("drop_column", format!("queries that name `{table}.{name}`"));
}

fn refused_by_key(effect: &mut Effect, table: &Table, name: &str) -> bool {
    let in_key = table.primary_key().is_some_and(|key| key.iter().any(|column| column.eq_ignore_ascii_case(name)));
    let own_unique = table.constraints_on(name).any(|found| matches!(found.kind, ConstraintKind::Unique { .. }) && is_own(found, name));
    let message = if in_key {
        format!("cannot drop PRIMARY KEY column: \"{name}\"")
    } else if own_unique {
        format!("cannot drop UNIQUE column: \"{name}\"")
    } else if table.columns.len() == 1 {
        format!("cannot drop column \"{name}\": no other columns exist")
    } else {
        return false;
    };
    refuse(effect, message, "only a new table can be without it (`batch_alter_table`)");
    true
}

fn is_own(constraint: &Constraint, name: &str) -> bool {
    constraint.of_column.as_deref().is_some_and(|column| column.eq_ignore_ascii_case(name))
}

/// Everything that names the column and does not go with it.
fn refused_by_users(effect: &mut Effect, table_name: &Name, table: &Table, name: &str, place: &Place<'_>) {
    let after = |kind: &str, object: &str| format!("error in {kind} {object} after drop column: no such column: {name}");
    for state in table.indexes_on(name).filter(|state| state.constraint.is_none()) {
        let index = state.index.name.as_deref().unwrap_or_default();
        refuse(effect, after("index", index), format!("the index `{index}` uses the column: drop it first"));
    }
    for found in table.constraints_on(name).filter(|found| !is_own(found, name)) {
        let message = match &found.kind {
            ConstraintKind::ForeignKey { .. } => {
                format!("error in table {} after drop column: unknown column \"{name}\" in foreign key definition", table_name.name)
            }
            _ => after("table", &table_name.name),
        };
        refuse(effect, message, "a constraint of the table names the column");
    }
    if table.generated_from(name).any(|other| !other.name.eq_ignore_ascii_case(name)) {
        refuse(effect, after("table", &table_name.name), "a generated column is computed from it");
    }
    if place.catalog.is_on("legacy_alter_table") {
        return;
    }
    for view in views::naming_column(table_name, name, place) {
        refuse(effect, after("view", &view.name), format!("the view `{view}` names the column: drop it first, make it again after"));
    }
    for (trigger, body) in &table.trigger_bodies {
        if let Some(word) = views::word_in_trigger(body, table_name, name, place) {
            let message = format!("error in trigger {trigger} after drop column: no such column: {word}");
            refuse(effect, message, format!("the trigger `{trigger}` names the column: drop it first"));
        }
    }
}

/// Triggers of other tables are not looked at: they break at the next write.
fn broken_triggers(effect: &mut Effect, table: &Name, name: &str, place: &Place<'_>) {
    for (other, trigger) in views::triggers_elsewhere(table, name, place) {
        effect.breaks("drop_column", format!("writes to `{other}`, whose trigger `{trigger}` names `{table}.{name}`,"));
    }
}

//! `ALTER COLUMN … TYPE` on PostgreSQL: what is written anew, and what the values become.

use crate::effects::fact::LockMode;
use crate::effects::postgresql::alter::{column_missing, parent_with};
use crate::effects::postgresql::columns::{points_at, unknown_type};
use crate::effects::postgresql::types::{self, Conversion, Values};
use crate::effects::postgresql::{lock, meets_all, stored_rows, works};
use crate::effects::{Effect, Loss, Place, Undo, When, Work};
use crate::sql::catalog::{Table, UserType};
use crate::sql::change::{AlterTable, Constraint, ConstraintKind, DataType, Expression, Name};
use crate::sql::formula::{self, Formula};

pub(super) fn alter_type(
    effect: &mut Effect,
    alter: &AlterTable,
    column: &str,
    to: &DataType,
    using: Option<&Expression>,
    place: &Place<'_>,
) {
    let table = &alter.table;
    if column_missing(effect, table, column, false, place) {
        return;
    }
    if unknown_type(effect, Some(to), place) {
        return;
    }
    let from = types::column_type(table, column, place);
    let Some((from, found)) = from.zip(place.catalog.table(table)) else {
        // The type before is not known: the server may have to write the table anew.
        meets_all(effect, "alter_type_rewrite", table, alter.only, place);
        effect.lose(Loss::Medium, format!("the values of `{table}.{column}` are converted; the type before is not known"));
        effect.undo(Undo::Unknown);
        return;
    };
    if refused(effect, table, found, column, alter.only, place) {
        return;
    }
    let plain = using.is_none_or(|using| types::using_is_plain(using, column, to));
    let by_cast = types::conversion(&from, to, place);
    let conversion = match (plain, by_cast) {
        // What no assignment may do, a cast that is written out may.
        (true, Conversion::Refused) if using.is_some() => Conversion::Rewrite,
        (true, _) => by_cast,
        (false, _) if using.is_some_and(|using| casts_to_string(using, column)) && by_cast == Conversion::Same => Conversion::Rewrite,
        (false, _) => Conversion::Rewrite,
    };
    if conversion == Conversion::Refused && using.is_none() {
        effect.fail("42804", When::Always, format!("no cast from `{from}` to `{to}` that `ALTER TYPE` uses; `USING` is needed"));
        return;
    }
    if let Some(default) = found.column(column).and_then(|found| found.default.as_ref())
        && !default_casts(&from, to, default, place)
    {
        effect.fail("42804", When::Always, format!("the default of `{column}` cannot be cast to `{to}`; drop it first"));
        return;
    }
    let explicit = using.is_some_and(|using| !using.text.to_lowercase().replace('"', "").eq(&column.to_lowercase()));
    apply_conversion(effect, alter, column, to, conversion, found, place);
    let checked = matches!(place.catalog.type_of(&from), Some(UserType::Domain { constrained: true, .. }));
    if checked && from.name != to.name && !place.catalog.is_new(table) {
        effect.lose(Loss::Low, format!("the checks of domain `{from}` do not hold for `{table}.{column}` any more"));
    }
    if conversion != Conversion::Same && !place.catalog.is_new(table) {
        converted_values(effect, table, column, &from, to, explicit.then_some(using).flatten(), plain, place);
    }
}

fn casts_to_string(using: &Expression, column: &str) -> bool {
    using.text.to_lowercase().starts_with(&format!("{}::", column.to_lowercase()))
}

/// What hangs on the column and stops `ALTER TYPE`.
fn refused(effect: &mut Effect, table: &Name, found: &Table, column: &str, only: bool, place: &Place<'_>) -> bool {
    let version = place.server.version.major;
    if let Some(view) = place.catalog.views_on_column(table, column).first() {
        effect.fail("0A000", When::Always, format!("view `{view}` uses `{table}.{column}`"));
    } else if let Some(other) = found.generated_from(column).next() {
        effect.fail(
            if version >= 15 { "0A000" } else { "42601" },
            When::Always,
            format!("generated column `{}` uses `{column}`", other.name),
        );
    } else if found.partition_by.as_ref().is_some_and(|(_, key)| key.words.iter().any(|word| word == column)) {
        effect.fail("42P16", When::Always, format!("`{column}` is in the partition key of `{table}`"));
    } else if found.is_watched(column) {
        effect.fail("0A000", When::Always, format!("a policy or a trigger of `{table}` names `{column}`"));
    } else if found.partition_of.is_some()
        || only && !place.catalog.descendants(table).is_empty()
        || parent_with(table, place, |parent| parent.column(column).is_some()).is_some()
    {
        effect.fail("42P16", When::Always, format!("`{column}` is inherited: change it on the parent"));
    } else {
        return false;
    }
    true
}

/// `DEFAULT 7` becomes no boolean, `'a'` no enum of another type.
fn default_casts(from: &DataType, to: &DataType, default: &Expression, place: &Place<'_>) -> bool {
    if default.is_null || from.name == to.name {
        return true;
    }
    let strings = |data_type: &DataType| matches!(data_type.name.as_str(), "text" | "character varying" | "character" | "citext");
    let from_enum = matches!(place.catalog.type_of(from), Some(UserType::Enum { .. }));
    let to_enum = matches!(place.catalog.type_of(to), Some(UserType::Enum { .. }));
    if strings(&place.catalog.base_type(to)) && !to_enum {
        return true;
    }
    if strings(from) || from_enum || to_enum {
        return false;
    }
    types::conversion(from, to, place) != Conversion::Refused
}

fn apply_conversion(
    effect: &mut Effect,
    alter: &AlterTable,
    column: &str,
    to: &DataType,
    conversion: Conversion,
    found: &Table,
    place: &Place<'_>,
) {
    let table = &alter.table;
    let work = if conversion == Conversion::Rewrite { "alter_type_rewrite" } else { "alter_type_instant" };
    meets_all(effect, work, table, alter.only, place);
    // A foreign key on the column, or to it, locks the other table.
    for other in found.constraints_on(column).filter_map(Constraint::reference) {
        lock(effect, &other.table, LockMode::AccessExclusive, place);
    }
    for (owner, key) in place.catalog.foreign_keys_to(table) {
        if points_at(&key, column, found) {
            lock(effect, &owner, LockMode::AccessExclusive, place);
            if conversion == Conversion::Rewrite {
                works(effect, &owner, Work::Scan, place);
            }
        }
    }
    if conversion == Conversion::Rewrite || matches!(conversion, Conversion::Same) {
        let recollates = recollates(found, column, to);
        if !(conversion == Conversion::Same && recollates) {
            return;
        }
    }
    let rebuilt = found.indexes.iter().any(|state| index_is_rebuilt(&state.index, column, conversion, recollates(found, column, to)))
        || place
            .catalog
            .partitions(table)
            .iter()
            .any(|partition| place.catalog.table(partition).is_some_and(|part| part.indexes_on(column).next().is_some()));
    let checked = found.constraints.iter().any(|constraint| {
        !constraint.not_valid
            && !constraint.not_enforced
            && matches!(&constraint.kind, ConstraintKind::Check(check) if check.words.iter().any(|word| word == column))
    });
    if rebuilt || checked && conversion != Conversion::Same {
        meets_all(effect, "alter_type_scan", table, alter.only, place);
        if rebuilt {
            effect.builds.push(place.catalog.key(table));
        }
    }
}

fn recollates(found: &Table, column: &str, to: &DataType) -> bool {
    let before = found.column(column).and_then(|found| found.data_type.as_ref()).and_then(|data_type| data_type.collation.clone());
    let plain = |collation: Option<String>| collation.filter(|name| name != "default");
    plain(to.collation.clone()) != plain(before)
}

/// Expression and partial indexes are always built anew; plain ones when their operators or collation change.
fn index_is_rebuilt(index: &crate::sql::change::Index, column: &str, conversion: Conversion, recollates: bool) -> bool {
    use crate::sql::catalog::index_uses;
    use crate::sql::change::IndexKey;
    if !index_uses(index, column) {
        return false;
    }
    let special = index.predicate.is_some()
        || index.keys.iter().any(|key| matches!(key, IndexKey::Expression(found) if found.words.iter().any(|word| word == column)));
    let is_key = index.keys.iter().any(|key| matches!(key, IndexKey::Column(name) if name == column));
    special || recollates && is_key || conversion == Conversion::RelabelOtherOperators
}

#[allow(clippy::too_many_arguments)]
fn converted_values(
    effect: &mut Effect,
    table: &Name,
    column: &str,
    from: &DataType,
    to: &DataType,
    using: Option<&Expression>,
    plain: bool,
    place: &Place<'_>,
) {
    if !place.catalog.has_rows(table) {
        return;
    }
    let by_cast = types::values(from, to, place);
    if plain && using.is_some_and(|using| casts_from_text(from, to, using)) {
        effect.fail(no_value(to), When::OnRows, format!("values of `{table}.{column}` that are no `{to}` stop it"));
    }
    if let Some(using) = using.filter(|_| !plain || matches!(by_cast, Values::MayNotFit("22001"))) {
        // Only two forms are known to keep what was there: a zone given to a timestamp, and a cast to text.
        if casts_from_text(from, to, using) {
            effect.fail(no_value(to), When::OnRows, format!("values of `{table}.{column}` that are no `{to}` stop it"));
        }
        let kept = keeps_values(using, from, to, place) || tells_truth(using, column, from, table, place);
        if !kept {
            effect.lose(
                Loss::Medium,
                format!("the values of `{table}.{column}` become `{}`, which the reverse change does not undo", using.text),
            );
            effect.undo(Undo::ShapeOnly);
        }
        return;
    }
    match by_cast {
        Values::Kept => {}
        Values::MayChange => {
            effect.lose(Loss::Medium, format!("some values of `{table}.{column}` may change when `{from}` becomes `{to}`"));
            effect.undo(Undo::ShapeOnly);
        }
        Values::Changed => {
            effect.lose(Loss::Medium, format!("values of `{table}.{column}` change when `{from}` becomes `{to}`"));
            effect.undo(Undo::ShapeOnly);
        }
        Values::MayNotFit(code) => effect.fail(code, When::OnRows, format!("values of `{table}.{column}` that do not fit `{to}` stop it")),
    }
}

/// The SQLSTATE of a text that is no value of a type.
fn no_value(to: &DataType) -> &'static str {
    let is_time = to.name.starts_with("timestamp") || to.name.starts_with("time ") || matches!(to.name.as_str(), "date" | "interval");
    if is_time { "22007" } else { "22P02" }
}

fn casts_from_text(from: &DataType, to: &DataType, using: &Expression) -> bool {
    let string = |data_type: &DataType| matches!(data_type.name.as_str(), "text" | "character varying" | "character" | "citext");
    !string(to)
        && (string(from) || using.text.to_lowercase().contains("::text::"))
        && (using.text.contains("::") || using.text.to_lowercase().contains("cast("))
}

fn keeps_values(using: &Expression, from: &DataType, to: &DataType, place: &Place<'_>) -> bool {
    let text = using.text.to_lowercase();
    let time = |name: &str| name.starts_with("timestamp");
    // The way back is a cast in the session's zone: only the same zone gives the same values.
    let zone =
        time(&from.name) && time(&to.name) && text.rsplit_once("at time zone").is_some_and(|(_, zone)| types::is_session_zone(zone, place));
    let is_enum = |data_type: &DataType| matches!(place.catalog.type_of(data_type), Some(UserType::Enum { .. }));
    if is_enum(from) && is_enum(to) && text.contains("::text::") {
        return true;
    }
    let longest = match place.catalog.type_of(from) {
        Some(UserType::Enum { values, .. }) => values.iter().map(|value| value.chars().count()).max(),
        _ => None,
    };
    let fits = longest.and_then(|longest| i64::try_from(longest).ok()).zip(to.number(0)).is_some_and(|(longest, most)| longest <= most);
    let to_text = (to.arguments.is_empty() || fits)
        && matches!(to.name.as_str(), "text" | "character varying")
        && (text.ends_with("::text") || text.ends_with("::varchar") || text.starts_with("cast("));
    let between_strings_and = matches!(from.name.as_str(), "text" | "character varying")
        && using.functions.is_empty()
        && text.contains("::")
        && !matches!(to.name.as_str(), "character varying" | "character" | "jsonb" | "boolean" | "numeric" | "double precision" | "real");
    zone || to_text || between_strings_and && !using.is_literal
}

/// `CASE WHEN c THEN 1 ELSE 0 END` of a truth value that is never NULL: the way back gives the same.
fn tells_truth(using: &Expression, column: &str, from: &DataType, table: &Name, place: &Place<'_>) -> bool {
    let Some(Formula::Case(arms, otherwise)) = formula::of_expression(using).filter(|_| from.name == "boolean") else {
        return false;
    };
    let [(Formula::Column(asked), Formula::Number(yes))] = arms.as_slice() else { return false };
    let numbers = yes == "1" && *otherwise == Formula::Number("0".to_owned());
    let never_null =
        place.catalog.table(table).is_some_and(|found| found.is_not_null(column)) || stored_rows::has_no_null(table, column, place);
    asked == column && numbers && never_null
}

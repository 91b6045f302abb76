//! Literals against the column that they are written into: what a strict server refuses.
//!
//! MariaDB's and MySQL's manuals, "SQL_MODE"; error numbers as MariaDB 10.11 gave them (`tests/truth/mariadb_further.json`).

use crate::dialect::Dialect;
use crate::effects::Place;
use crate::effects::mysql::refused::Refusal;
use crate::effects::mysql::types::{self, Shape};
use crate::effects::mysql::{is_on, is_strict};
use crate::sql::catalog::Table;
use crate::sql::change::{Column, ConstraintKind, DataType, Expression, Insert, Update};
use crate::sql::formula::{self, Formula};
use crate::sql::value::{self, Given, Value};

/// What the rows of an `INSERT` are refused for, whatever else stands in the table.
pub fn insert(change: &Insert, found: &Table, place: &Place<'_>) -> Option<Refusal> {
    let mut names = change.columns.iter().enumerate();
    if let Some((_, twice)) = names.find(|(n, name)| change.columns.iter().take(*n).any(|other| other.eq_ignore_ascii_case(name))) {
        return Some(("1110", format!("`{twice}` is named twice")));
    }
    if change.ignores || found.has_insert_trigger {
        return None;
    }
    let rows = formula::rows(change.values.as_deref().filter(|text| formula::is_plain(text))?)?;
    let columns: Vec<&Column> = if change.columns.is_empty() {
        found.columns.iter().collect()
    } else {
        change.columns.iter().filter_map(|name| found.column(name)).collect()
    };
    let several = rows.len() > 1;
    rows.iter().find_map(|row| {
        let given: Vec<(&Column, &Formula)> =
            columns.iter().zip(row).filter_map(|(column, value)| Some((*column, value.as_ref()?))).collect();
        let refused = given.iter().find_map(|(column, value)| of_value(found, column, value, several, place));
        refused.or_else(|| breaks_check(found, &given, place))
    })
}

/// What an `UPDATE` is refused for, once it reaches a row.
pub fn update(change: &Update, found: &Table, place: &Place<'_>) -> Vec<Refusal> {
    let written = Some(&change.values).filter(|values| formula::is_plain(&values.text)).and_then(formula::assignments).unwrap_or_default();
    written.iter().filter_map(|(name, value)| of_value(found, found.column(name)?, value, false, place)).collect()
}

/// The default of a column, where it does not fit: `1067`.
pub fn default(column: &Column, place: &Place<'_>) -> Option<Refusal> {
    let default = column.default.as_ref()?;
    if default.is_null {
        let why = || ("1067", format!("the default of `{}` is NULL, and it is NOT NULL", column.name));
        return (column.not_null && !column.auto_increment).then(why);
    }
    default_of(&column.name, default, column.data_type.as_ref()?, place)
}

/// A default for a column of this type.
pub fn default_of(name: &str, default: &Expression, data_type: &DataType, place: &Place<'_>) -> Option<Refusal> {
    let literal = formula::read(&default.text).filter(|_| default.is_literal && formula::is_plain(&default.text))?;
    let refused = is_strict(place) && refuses(data_type, &literal).is_some();
    refused.then(|| ("1067", format!("{} is no default for `{name}`, which is {data_type}", default.text)))
}

fn of_value(found: &Table, column: &Column, value: &Formula, several: bool, place: &Place<'_>) -> Option<Refusal> {
    let name = &column.name;
    let is_default = matches!(value, Formula::Column(word) if word.eq_ignore_ascii_case("default"));
    if column.generated.is_some() {
        let code = if place.server.dialect == Dialect::Mariadb { "1906" } else { "3105" };
        return (!is_default && *value != Formula::Null).then(|| (code, format!("`{name}` is computed")));
    }
    let data_type = column.data_type.as_ref()?;
    if *value == Formula::Null {
        let stamps = data_type.name == "timestamp" || data_type.serial || column.auto_increment;
        let refused = found.is_not_null(name) && !stamps && (!several || is_strict(place));
        return refused.then(|| ("1048", format!("`{name}` cannot be NULL")));
    }
    let code = refuses(data_type, value).filter(|_| is_strict(place))?;
    Some((code, format!("the value for `{name}` does not fit {data_type}")))
}

/// The error that a strict server answers to this literal; `None`: it fits, or nobody can tell.
fn refuses(data_type: &DataType, value: &Formula) -> Option<&'static str> {
    match (types::shape(data_type), value) {
        (Shape::Integer { bytes, unsigned }, _) => {
            let bits = i32::from(bytes) * 8;
            let (least, most) = if unsigned { (0.0, 2f64.powi(bits) - 1.0) } else { (-2f64.powi(bits - 1), 2f64.powi(bits - 1) - 1.0) };
            number(value, least, most)
        }
        (Shape::Decimal { digits, scale, unsigned }, _) => {
            let most = 10f64.powi(i32::try_from(digits - scale).ok()?);
            number(value, if unsigned { 0.0 } else { 1.0 - most }, most - 1.0)
        }
        (Shape::Varchar(room) | Shape::Char(room), Formula::Text(text)) => {
            let length = text.trim_end_matches(' ').chars().count();
            i64::try_from(length).is_ok_and(|length| length > room).then_some("1406")
        }
        (Shape::Enum(words), Formula::Text(text)) => {
            let counts = text.parse::<usize>().is_ok_and(|at| (1..=words.len()).contains(&at));
            (!counts && !is_one_of(&words, text)).then_some("1265")
        }
        (Shape::Set(words), Formula::Text(text)) => {
            let counts = text.is_empty() || text.parse::<u64>().is_ok();
            (!counts && !text.split(',').all(|part| is_one_of(&words, part))).then_some("1265")
        }
        (Shape::Date | Shape::Datetime(_) | Shape::Timestamp(_), Formula::Text(text)) => (!may_be_a_day(text)).then_some("1292"),
        _ => None,
    }
}

fn is_one_of(words: &[String], text: &str) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(text.trim_end()))
}

fn number(value: &Formula, least: f64, most: f64) -> Option<&'static str> {
    let amount = match value {
        Formula::Text(text) => match text.trim().parse::<f64>() {
            Ok(amount) if amount.is_finite() => amount,
            _ if text.trim_start().starts_with(|c: char| c.is_ascii_digit()) => return Some("1265"),
            _ => return Some("1366"),
        },
        other => amount(other)?,
    };
    (amount.round() < least || amount.round() > most).then_some("1264")
}

fn amount(value: &Formula) -> Option<f64> {
    match value {
        Formula::Number(text) => text.parse().ok(),
        Formula::Minus(of) => amount(of).map(|amount| -amount),
        _ => None,
    }
}

/// False for a text without a digit, and for days that no month has.
fn may_be_a_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let [year, month, day, ..] = parts.as_slice() else { return !parts.is_empty() };
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>()) else { return true };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    month <= 12 && day <= days
}

/// A check that the values given break, whatever the others are.
fn breaks_check(found: &Table, given: &[(&Column, &Formula)], place: &Place<'_>) -> Option<Refusal> {
    if !is_on("check_constraint_checks", place) {
        return None;
    }
    let code = if place.server.dialect == Dialect::Mariadb { "4025" } else { "3819" };
    found.constraints.iter().filter(|constraint| !constraint.not_enforced).find_map(|constraint| {
        let ConstraintKind::Check(check) = &constraint.kind else { return None };
        formula::columns_named(check).first()?;
        let pairs: Vec<(&str, &Formula)> = given.iter().map(|(column, value)| (column.name.as_str(), *value)).collect();
        let holds = value::evaluate(&formula::of_expression(check)?, &Given(&pairs))?;
        (holds == Value::Bool(false)).then(|| (code, format!("the row breaks the check `{}`", check.text)))
    })
}

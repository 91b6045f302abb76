//! Values of rows, worked out as PostgreSQL would; what cannot be told stays untold.
//!
//! An answer is `None` where nobody can tell, and `Value::Opaque` where it is known not to be NULL and no more.

use std::cmp::Ordering;

use crate::sql::change::DataType;
use crate::sql::formula::Formula;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// `NULL`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number of an integer type.
    Integer(i64),
    /// A number with digits behind the point, as `mantissa / 10^scale`, no zero at the end.
    Decimal(i128, u32),
    /// A text.
    Text(String),
    /// A day, counted from 1970-01-01.
    Date(i64),
    /// Not NULL; which value it is, nobody tells.
    Opaque,
}

impl Value {
    /// True when it says which value it is.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        !matches!(self, Self::Null | Self::Opaque)
    }

    /// The number it is, as mantissa and scale.
    const fn number(&self) -> Option<(i128, u32)> {
        match self {
            Self::Integer(value) => Some((*value as i128, 0)),
            Self::Decimal(mantissa, scale) => Some((*mantissa, *scale)),
            _ => None,
        }
    }
}

/// Where names get their values from.
pub trait Row {
    /// The value of a column. `None`: nobody can tell.
    fn value(&self, column: &str) -> Option<Value>;
}

/// A row without columns.
pub struct NoRow;

impl Row for NoRow {
    fn value(&self, _column: &str) -> Option<Value> {
        None
    }
}

/// The literals that one row is given, by column.
pub struct Given<'a>(pub &'a [(&'a str, &'a Formula)]);

impl Row for Given<'_> {
    fn value(&self, column: &str) -> Option<Value> {
        let (_, formula) = self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(column))?;
        evaluate(formula, &NoRow)
    }
}

/// What `formula` gives on `row`. `None`: nobody can tell, or the server would raise an error.
#[must_use]
pub fn evaluate(formula: &Formula, row: &dyn Row) -> Option<Value> {
    match formula {
        Formula::Null => Some(Value::Null),
        Formula::Bool(value) => Some(Value::Bool(*value)),
        Formula::Number(text) => number(text),
        Formula::Text(text) => Some(Value::Text(text.clone())),
        Formula::Column(name) => row.value(name),
        Formula::Opaque => Some(Value::Opaque),
        Formula::Not(inner) => match evaluate(inner, row)? {
            Value::Bool(value) => Some(Value::Bool(!value)),
            Value::Null => Some(Value::Null),
            _ => None,
        },
        Formula::Minus(inner) => match evaluate(inner, row)? {
            Value::Integer(value) => value.checked_neg().map(Value::Integer),
            Value::Decimal(mantissa, scale) => Some(Value::Decimal(-mantissa, scale)),
            Value::Null => Some(Value::Null),
            Value::Opaque => Some(Value::Opaque),
            _ => None,
        },
        Formula::Binary(operator, left, right) => binary(operator, left, right, row),
        Formula::IsNull(inner) => Some(Value::Bool(evaluate(inner, row)? == Value::Null)),
        Formula::In(left, list) => is_in(&evaluate(left, row)?, list, row),
        Formula::Case(arms, otherwise) => {
            for (condition, value) in arms {
                match evaluate(condition, row)? {
                    Value::Bool(true) => return evaluate(value, row),
                    Value::Bool(false) | Value::Null => {}
                    _ => return None,
                }
            }
            evaluate(otherwise, row)
        }
        Formula::Call(name, arguments) => call(name, arguments, row),
        Formula::Cast(inner, target) => cast(evaluate(inner, row)?, target),
    }
}

fn number(text: &str) -> Option<Value> {
    if let Ok(value) = text.parse() {
        return Some(Value::Integer(value));
    }
    let (whole, rest) = text.split_once('.')?;
    let digits = format!("{whole}{rest}");
    let scale = u32::try_from(rest.len()).ok()?;
    decimal(digits.parse().ok()?, scale)
}

/// A decimal without zeros at its end: equal numbers are equal values.
fn decimal(mut mantissa: i128, mut scale: u32) -> Option<Value> {
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    (scale <= 18).then_some(Value::Decimal(mantissa, scale))
}

/// Two numbers with the same scale.
fn levelled(left: (i128, u32), right: (i128, u32)) -> Option<(i128, i128, u32)> {
    let scale = left.1.max(right.1);
    let lift = |(mantissa, own): (i128, u32)| mantissa.checked_mul(10_i128.checked_pow(scale - own)?);
    Some((lift(left)?, lift(right)?, scale))
}

fn binary(operator: &str, left: &Formula, right: &Formula, row: &dyn Row) -> Option<Value> {
    if matches!(operator, "and" | "or") {
        return joined(operator == "and", evaluate(left, row), evaluate(right, row));
    }
    let (left, right) = (evaluate(left, row)?, evaluate(right, row)?);
    if left == Value::Null || right == Value::Null {
        return Some(Value::Null);
    }
    match operator {
        "||" => Some(concatenated(&left, &right)),
        "+" | "-" | "*" | "/" | "%" => arithmetic(operator, &left, &right),
        "=" => equal(&left, &right).map(Value::Bool),
        "<>" | "!=" => equal(&left, &right).map(|same| Value::Bool(!same)),
        _ => {
            let order = ordered(&left, &right)?;
            Some(Value::Bool(match operator {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                ">=" => order.is_ge(),
                _ => return None,
            }))
        }
    }
}

/// `AND` and `OR` with NULL and with what nobody can tell.
fn joined(and: bool, left: Option<Value>, right: Option<Value>) -> Option<Value> {
    let decides = Some(Value::Bool(!and));
    if left == decides || right == decides {
        return decides;
    }
    match (left?, right?) {
        (Value::Bool(_), Value::Bool(_)) => Some(Value::Bool(and)),
        (Value::Null, Value::Bool(_) | Value::Null) | (Value::Bool(_), Value::Null) => Some(Value::Null),
        _ => None,
    }
}

fn concatenated(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Value::Text(format!("{left}{right}")),
        (Value::Text(left), Value::Integer(right)) => Value::Text(format!("{left}{right}")),
        (Value::Integer(left), Value::Text(right)) => Value::Text(format!("{left}{right}")),
        _ => Value::Opaque,
    }
}

fn arithmetic(operator: &str, left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => match operator {
            "+" => left.checked_add(*right),
            "-" => left.checked_sub(*right),
            "*" => left.checked_mul(*right),
            "/" => left.checked_div(*right),
            _ => left.checked_rem(*right),
        }
        .map(Value::Integer),
        (Value::Date(day), Value::Integer(days)) if operator == "+" => day.checked_add(*days).map(Value::Date),
        (Value::Date(day), Value::Integer(days)) if operator == "-" => day.checked_sub(*days).map(Value::Date),
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => of_decimals(operator, left, right),
            // Whatever comes out of it, an operator of these gives no NULL for values that are none.
            _ => matches!(operator, "+" | "-" | "*").then_some(Value::Opaque),
        },
    }
}

fn of_decimals(operator: &str, left: (i128, u32), right: (i128, u32)) -> Option<Value> {
    let (a, b, scale) = levelled(left, right)?;
    match operator {
        "+" => decimal(a.checked_add(b)?, scale),
        "-" => decimal(a.checked_sub(b)?, scale),
        "*" => decimal(left.0.checked_mul(right.0)?, left.1 + right.1),
        "%" => decimal(a.checked_rem(b)?, scale),
        _ => (b != 0).then_some(Value::Opaque),
    }
}

fn equal(left: &Value, right: &Value) -> Option<bool> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left == right),
        (Value::Bool(left), Value::Bool(right)) => Some(left == right),
        _ => ordered(left, right).map(Ordering::is_eq),
    }
}

/// The order of two values. Texts have none here: it hangs on the collation.
fn ordered(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        (Value::Date(left), Value::Text(right)) => Some(left.cmp(&day(right)?)),
        (Value::Text(left), Value::Date(right)) => Some(day(left)?.cmp(right)),
        _ => levelled(left.number()?, right.number()?).map(|(left, right, _)| left.cmp(&right)),
    }
}

fn is_in(value: &Value, list: &[Formula], row: &dyn Row) -> Option<Value> {
    if *value == Value::Null {
        return Some(Value::Null);
    }
    let mut answer = Some(Value::Bool(false));
    for formula in list {
        let same = match evaluate(formula, row) {
            Some(Value::Null) => Some(Value::Null),
            Some(other) => equal(value, &other).map(Value::Bool),
            None => None,
        };
        answer = joined(false, answer, same);
    }
    answer
}

fn call(name: &str, arguments: &[Formula], row: &dyn Row) -> Option<Value> {
    if name == "coalesce" {
        for argument in arguments {
            match evaluate(argument, row)? {
                Value::Null => {}
                found => return Some(found),
            }
        }
        return Some(Value::Null);
    }
    let values: Vec<Value> = arguments.iter().map(|argument| evaluate(argument, row)).collect::<Option<_>>()?;
    match (name, values.as_slice()) {
        ("length" | "char_length" | "character_length" | "lower" | "upper" | "abs", [Value::Null]) => Some(Value::Null),
        ("length" | "char_length" | "character_length", [Value::Text(text)]) => {
            i64::try_from(text.chars().count()).ok().map(Value::Integer)
        }
        ("lower", [Value::Text(text)]) if text.is_ascii() => Some(Value::Text(text.to_ascii_lowercase())),
        ("upper", [Value::Text(text)]) if text.is_ascii() => Some(Value::Text(text.to_ascii_uppercase())),
        ("format", [Value::Text(pattern), arguments @ ..]) => formatted(pattern, arguments).map(Value::Text),
        ("quote_ident", [Value::Text(text)]) => Some(Value::Text(quoted_name(text))),
        ("quote_literal", [Value::Text(text)]) => quoted_text(text).map(Value::Text),
        ("abs", [Value::Integer(value)]) => value.checked_abs().map(Value::Integer),
        ("lower" | "upper" | "abs", [Value::Opaque]) => Some(Value::Opaque),
        _ => None,
    }
}

/// `format('… %I … %L … %s', …)` with texts and whole numbers. `None` for widths, positions and what does not fit.
fn formatted(pattern: &str, arguments: &[Value]) -> Option<String> {
    let mut arguments = arguments.iter();
    let mut parts = pattern.split('%');
    let mut text = parts.next()?.to_owned();
    while let Some(part) = parts.next() {
        let Some(kind) = part.chars().next() else {
            // `%%` splits into an empty part and the one behind it.
            text.push('%');
            text.push_str(parts.next()?);
            continue;
        };
        let argument = match arguments.next()? {
            Value::Text(argument) => argument.clone(),
            Value::Integer(number) => number.to_string(),
            _ => return None,
        };
        text.push_str(&match kind {
            's' => argument,
            'I' => quoted_name(&argument),
            'L' => quoted_text(&argument)?,
            _ => return None,
        });
        text.push_str(part.get(1..)?);
    }
    Some(text)
}

/// A name as SQL needs it: in quotes unless it is plain.
fn quoted_name(name: &str) -> String {
    let plain =
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !name.is_empty() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn quoted_text(text: &str) -> Option<String> {
    (!text.contains('\\')).then(|| format!("'{}'", text.replace('\'', "''")))
}

/// `value::target`, as an explicit cast or as PostgreSQL does it when a row is written.
#[must_use]
pub fn cast(value: Value, target: &DataType) -> Option<Value> {
    if value == Value::Null {
        return Some(Value::Null);
    }
    if target.dimensions > 0 {
        return Some(Value::Opaque);
    }
    Some(match target.name.as_str() {
        "smallint" | "integer" | "bigint" => to_integer(value, &target.name)?,
        "text" => to_text(value),
        "character varying" => match (to_text(value), target.number(0)) {
            // Cut, or refused: which, hangs on where it stands.
            (Value::Text(text), Some(most)) if i64::try_from(text.chars().count()).ok()? > most => return None,
            (Value::Opaque, Some(_)) => return Some(Value::Opaque),
            (text, _) => text,
        },
        "boolean" => match value {
            Value::Bool(_) => value,
            Value::Text(text) => Value::Bool(truth(&text)?),
            Value::Integer(value) => Value::Bool(value != 0),
            _ => Value::Opaque,
        },
        "date" => match value {
            Value::Date(_) => value,
            Value::Text(text) => day(&text).map_or(Value::Opaque, Value::Date),
            _ => Value::Opaque,
        },
        "numeric" => match (value.number(), target.number(0), target.number(1)) {
            (Some((mantissa, scale)), None, _) => decimal(mantissa, scale)?,
            (Some((mantissa, scale)), Some(_), places) if i64::from(scale) <= places.unwrap_or(0) => decimal(mantissa, scale)?,
            _ => Value::Opaque,
        },
        _ => Value::Opaque,
    })
}

fn to_integer(value: Value, target: &str) -> Option<Value> {
    let number = match value {
        Value::Integer(number) => number,
        Value::Text(text) => text.trim().parse().ok()?,
        Value::Bool(value) => i64::from(value),
        _ => return Some(Value::Opaque),
    };
    let fits = match target {
        "smallint" => i16::try_from(number).is_ok(),
        "integer" => i32::try_from(number).is_ok(),
        _ => true,
    };
    fits.then_some(Value::Integer(number))
}

fn to_text(value: Value) -> Value {
    match value {
        Value::Text(_) => value,
        Value::Integer(number) => Value::Text(number.to_string()),
        _ => Value::Opaque,
    }
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A date as it is written: `2026-01-31`.
#[must_use]
pub fn date(value: &Value) -> Option<String> {
    let Value::Date(days) = value else { return None };
    let shifted = days.checked_add(719_468)?;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// The day of `2026-01-31`, counted from 1970-01-01. Other forms hang on settings.
fn day(text: &str) -> Option<i64> {
    let mut parts = text.trim().splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    if !(1000..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days of the civil calendar, the year beginning in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted / 400;
    let of_era = shifted % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

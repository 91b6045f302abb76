//! What a type change costs in PostgreSQL: measured on 12 to 18 over 63 types and all their pairs.
//!
//! The conversion decides whether the table is written anew; what hangs on the column (indexes, checks, partial
//! indexes, generated columns, views) decides whether it is scanned, or refused.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::effects::Place;
use crate::sql::catalog::UserType;
use crate::sql::change::{DataType, Expression, Name};

/// `source target context method first-last` of `pg_cast`, types in the catalogue's words.
const CASTS: &str = include_str!("../../sql/data/postgresql_casts.txt");

/// Built-in types of which no cast starts or ends at another type.
const WITHOUT_CASTS: &[&str] = &[
    "uuid",
    "tsvector",
    "tsquery",
    "point",
    "line",
    "bytea",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "tsmultirange",
    "tstzmultirange",
    "datemultirange",
    "pg_lsn",
    "jsonpath",
    "xid",
    "xid8",
    "cid",
    "tid",
    "txid_snapshot",
    "pg_snapshot",
    "date",
];

struct Cast {
    context: u8,
    method: u8,
    first: u16,
    last: u16,
}

static CAST: LazyLock<HashMap<(&'static str, &'static str), Cast>> = LazyLock::new(|| CASTS.lines().filter_map(cast_of_line).collect());

fn cast_of_line(line: &'static str) -> Option<((&'static str, &'static str), Cast)> {
    let mut parts = line.split(' ');
    let key = (parts.next()?, parts.next()?);
    let context = *parts.next()?.as_bytes().first()?;
    let method = *parts.next()?.as_bytes().first()?;
    let (first, last) = parts.next()?.split_once('-')?;
    Some((key, Cast { context, method, first: first.parse().ok()?, last: last.parse().ok()? }))
}

/// What the conversion itself needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// The same type: nothing at all.
    Same,
    /// Only the catalogue; the operators of indexes stay the same.
    Relabel,
    /// Only the catalogue, but indexes belong to another operator class and are built anew.
    RelabelOtherOperators,
    /// All rows are written anew.
    Rewrite,
    /// There is no cast that `ALTER TYPE` would use: 42804.
    Refused,
}

/// How a value gets from one type to another when a column's type changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    /// The same bytes under another name.
    Binary,
    /// A function, or text out and in.
    Function,
    /// None that an assignment may use.
    None,
}

/// The name in `pg_type` for a canonical type name.
fn catalog_name(name: &str) -> &str {
    match name {
        "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "character varying" => "varchar",
        "character" => "bpchar",
        "\"char\"" => "char",
        "boolean" => "bool",
        "double precision" => "float8",
        "real" => "float4",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        "time without time zone" => "time",
        "time with time zone" => "timetz",
        "bit varying" => "varbit",
        other => other,
    }
}

/// Types that every other type can be written into by assignment. `"char"` was one of them until 14.
fn takes_any(name: &str, place: &Place<'_>) -> bool {
    matches!(name, "text" | "varchar" | "bpchar" | "name") || name == "char" && place.server.version.major < 15
}

fn is_string(name: &str) -> bool {
    matches!(name, "text" | "varchar" | "bpchar" | "name" | "citext")
}

fn is_time(name: &str) -> bool {
    matches!(name, "timestamp" | "timestamptz" | "time" | "timetz" | "interval")
}

/// How `from` becomes `to`, without `USING`.
#[must_use]
pub fn conversion(from: &DataType, to: &DataType, place: &Place<'_>) -> Conversion {
    let plain = |data_type: &DataType| DataType { collation: None, serial: false, ..data_type.clone() };
    if plain(from) == plain(to) {
        return Conversion::Same;
    }
    if let Some(UserType::Domain { base, constrained: true, .. }) = place.catalog.type_of(to).filter(|_| to.dimensions == 0) {
        // The check is made on every row.
        return if conversion(from, base, place) == Conversion::Refused { Conversion::Refused } else { Conversion::Rewrite };
    }
    let is_domain = from.dimensions == 0 && matches!(place.catalog.type_of(from), Some(UserType::Domain { .. }));
    let (mut source, target) = (place.catalog.base_type(from), place.catalog.base_type(to));
    if is_domain {
        // A domain hides the length of what is below: it is enforced anew.
        source.arguments.clear();
    }
    match (source.dimensions > 0, target.dimensions > 0) {
        (true, true) => array_conversion(&source, &target, place),
        (true, false) if takes_any(catalog_name(&target.name), place) => Conversion::Rewrite,
        (true, false) | (false, true) => Conversion::Refused,
        (false, false) => scalar_conversion(&source, &target, place),
    }
}

/// Arrays are converted element by element, unless only the length goes.
fn array_conversion(source: &DataType, target: &DataType, place: &Place<'_>) -> Conversion {
    if source.name == target.name && source.schema == target.schema {
        let free = target.arguments.is_empty() || source.arguments == target.arguments;
        return if free { Conversion::Relabel } else { Conversion::Rewrite };
    }
    match path(source, target, place) {
        Path::None => Conversion::Refused,
        Path::Binary | Path::Function => Conversion::Rewrite,
    }
}

fn scalar_conversion(source: &DataType, target: &DataType, place: &Place<'_>) -> Conversion {
    let (a, b) = (catalog_name(&source.name), catalog_name(&target.name));
    if a == b && source.schema == target.schema {
        return if keeps_arguments(a, source, target) { Conversion::Relabel } else { Conversion::Rewrite };
    }
    let timestamps = matches!((a, b), ("timestamp", "timestamptz") | ("timestamptz", "timestamp"));
    match path(source, target, place) {
        Path::None => Conversion::Refused,
        _ if timestamps && is_utc(place) && target.number(0).is_none_or(|precision| precision == 6) => Conversion::RelabelOtherOperators,
        Path::Function => Conversion::Rewrite,
        Path::Binary if !target.arguments.is_empty() => Conversion::Rewrite,
        Path::Binary if same_operators(a, b) => Conversion::Relabel,
        Path::Binary => Conversion::RelabelOtherOperators,
    }
}

/// A new length or precision of the same type that no stored value can break, as PostgreSQL sees it.
fn keeps_arguments(name: &str, source: &DataType, target: &DataType) -> bool {
    let Some(new) = target.number(0) else {
        return target.arguments.is_empty();
    };
    let Some(old) = source.number(0) else {
        // Six digits are what a time has without a precision.
        return is_time(name) && new == 6;
    };
    match name {
        "varchar" | "varbit" => new >= old,
        "numeric" => new >= old && source.number(1).unwrap_or(0) == target.number(1).unwrap_or(0),
        _ if is_time(name) => new >= old,
        _ => source.arguments == target.arguments,
    }
}

/// Indexes on both types use the same operators.
fn same_operators(a: &str, b: &str) -> bool {
    let family = |name: &str| match name {
        "text" | "varchar" => "text",
        "cidr" | "inet" => "inet",
        "oid" => "oid",
        other if other.starts_with("reg") => "oid",
        _ => "",
    };
    !family(a).is_empty() && family(a) == family(b)
}

fn path(source: &DataType, target: &DataType, place: &Place<'_>) -> Path {
    let (a, b) = (catalog_name(&source.name), catalog_name(&target.name));
    let major = place.server.version.major.clamp(12, 18);
    if let Some(cast) = CAST.get(&(a, b)).filter(|cast| (cast.first..=cast.last).contains(&major)) {
        return match (cast.context, cast.method) {
            (b'i' | b'a', b'b') => Path::Binary,
            (b'i' | b'a', _) => Path::Function,
            _ => Path::None,
        };
    }
    match (a, b) {
        ("citext", "text" | "varchar" | "bpchar") | ("text" | "varchar", "citext") => Path::Binary,
        ("bpchar" | "bool" | "inet", "citext") => Path::Function,
        _ if takes_any(b, place) => Path::Function,
        _ if is_foreign(source, place) || is_foreign(target, place) => Path::Function,
        _ => Path::None,
    }
}

/// A type that PostgreSQL does not bring and nobody made.
#[must_use]
pub fn is_unknown(data_type: &DataType, place: &Place<'_>) -> bool {
    let others =
        ["refcursor", "aclitem", "record", "lseg", "box", "circle", "path", "polygon", "interval", "int2vector", "oidvector", "trigger"];
    let row_type = place.catalog.table(&Name::bare(data_type.name.clone())).is_some();
    data_type.name == "citext"
        || is_foreign(data_type, place) && !row_type && !others.contains(&data_type.name.as_str()) && !data_type.name.contains('%')
}

/// True when a foreign key of the first type may point at a key of the second.
#[must_use]
pub fn comparable(own: &DataType, key: &DataType, place: &Place<'_>) -> bool {
    let (own, key) = (place.catalog.base_type(own), place.catalog.base_type(key));
    let (a, b) = (catalog_name(&own.name), catalog_name(&key.name));
    let family = |name: &str| match name {
        "int2" | "int4" | "int8" => 1,
        "float4" | "float8" => 2,
        "text" | "varchar" | "bpchar" | "name" | "citext" => 3,
        "date" | "timestamp" | "timestamptz" => 4,
        "inet" | "cidr" => 5,
        _ => 0,
    };
    let implicit = CAST.get(&(a, b)).is_some_and(|cast| cast.context == b'i');
    own.dimensions == key.dimensions && (a == b || family(a) > 0 && family(a) == family(b) || implicit)
        || is_foreign(&own, place)
        || is_foreign(&key, place)
}

/// Why a literal is no value of a type: SQLSTATE.
#[must_use]
pub fn refuses_literal(data_type: &DataType, literal: &str, place: &Place<'_>) -> Option<&'static str> {
    let quoted = literal.starts_with('\'') && literal.ends_with('\'') && literal.len() > 1;
    if !quoted && literal.parse::<f64>().is_err() || data_type.dimensions > 0 {
        return None;
    }
    let base = place.catalog.base_type(data_type);
    let value = literal.get(1..literal.len() - 1).filter(|_| quoted).unwrap_or(literal).replace("''", "'");
    if let Some(UserType::Enum { values, .. }) = place.catalog.type_of(&base) {
        return (quoted && !values.is_empty() && !values.contains(&value)).then_some("22P02");
    }
    let number = value.trim();
    let limit = match base.name.as_str() {
        "smallint" => Some(i64::from(i16::MAX)),
        "integer" => Some(i64::from(i32::MAX)),
        "bigint" => Some(i64::MAX),
        _ => None,
    };
    match (limit, base.name.as_str()) {
        (Some(_), _) if quoted && number.parse::<i128>().is_err() && number.parse::<f64>().is_err() => Some("22P02"),
        (Some(limit), _) => number.parse::<i128>().is_ok_and(|number| number > i128::from(limit)).then_some("22003"),
        (None, "numeric" | "real" | "double precision") if quoted => number.parse::<f64>().is_err().then_some("22P02"),
        (None, "uuid") if quoted => {
            let digits = number.chars().filter(char::is_ascii_hexdigit).count();
            (digits != 32).then_some("22P02")
        }
        (None, "character varying" | "character") if quoted => {
            let most = base.number(0).and_then(|length| usize::try_from(length).ok());
            most.is_some_and(|most| value.trim_end().chars().count() > most).then_some("22001")
        }
        _ => None,
    }
}

/// A type that an extension brings: its casts are not known.
fn is_foreign(data_type: &DataType, place: &Place<'_>) -> bool {
    let name = catalog_name(&data_type.name);
    let is_builtin = CAST.keys().any(|(from, to)| *from == name || *to == name) || WITHOUT_CASTS.contains(&name);
    !is_builtin && name != "citext" && place.catalog.type_of(data_type).is_none()
}

/// A fixed zero offset: PostgreSQL then knows that `timestamp` and `timestamptz` are the same bytes.
fn is_utc(place: &Place<'_>) -> bool {
    place.catalog.setting("timezone").is_none_or(is_zero_zone)
}

fn is_zero_zone(zone: &str) -> bool {
    let zone = zone.trim_matches('\'').to_lowercase();
    matches!(
        zone.as_str(),
        "utc" | "gmt" | "uct" | "etc/utc" | "etc/gmt" | "etc/uct" | "0" | "zulu" | "etc/zulu" | "universal" | "etc/gmt+0" | "default"
    )
}

/// True when a zone is the session's: the one set, or UTC where none is.
#[must_use]
pub fn is_session_zone(zone: &str, place: &Place<'_>) -> bool {
    let zone = zone.trim().trim_matches(['\'', '(', ')']);
    is_zero_zone(zone) && is_utc(place) || place.catalog.setting("timezone").is_some_and(|own| own.eq_ignore_ascii_case(zone))
}

/// `USING column` and `USING column::target` say no more than the cast does.
#[must_use]
pub fn using_is_plain(using: &Expression, column: &str, target: &DataType) -> bool {
    let text = using.text.replace('"', "").to_lowercase();
    // `CAST(column AS target)` says the same.
    let written = text.strip_prefix("cast(").and_then(|inside| inside.strip_suffix(')')).and_then(|inside| inside.split_once(" as "));
    let text = match written {
        Some((name, cast)) => format!("{}::{}", name.trim(), cast.trim()),
        None => text.trim_matches(['(', ')']).to_owned(),
    };
    let Some((name, cast)) = text.split_once("::") else {
        return text == column.to_lowercase();
    };
    let written = cast.trim().replace(' ', "");
    let canonical = target.to_string().replace(' ', "").to_lowercase();
    let short =
        catalog_name(&target.name).to_owned() + &canonical.find('(').and_then(|n| canonical.get(n..)).map_or(String::new(), str::to_owned);
    let length_of = |word: &str| word.find('(').and_then(|n| word.get(n..)).map(str::to_owned);
    name.trim() == column.to_lowercase()
        && (written == canonical
            || written == short
            || written.split('(').next() == Some(target.name.as_str())
            || length_of(&written) == length_of(&canonical) && same_word(&written, &target.name))
}

fn same_word(written: &str, name: &str) -> bool {
    let word = written.split('(').next().unwrap_or_default();
    matches!(
        (word, name),
        ("int" | "int4", "integer")
            | ("int8", "bigint")
            | ("int2", "smallint")
            | ("varchar", "character varying")
            | ("char" | "bpchar", "character")
            | ("bool", "boolean")
            | ("float8", "double precision")
            | ("float4", "real")
            | ("decimal", "numeric")
            | ("timestamptz", "timestamp with time zone")
            | ("timestamp", "timestamp without time zone")
            | ("timetz", "time with time zone")
    ) || word == name
}

/// How the values come through: kept, changed, or refused when they do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// The reverse change gives them back.
    Kept,
    /// It depends on the value: long numbers lose digits, padded text is read otherwise.
    MayChange,
    /// The reverse change gives others, or there is none.
    Changed,
    /// Those that do not fit stop the statement with this SQLSTATE; the others come back.
    MayNotFit(&'static str),
}

/// What happens to values of `from` as `to`, by cast.
#[must_use]
pub fn values(from: &DataType, to: &DataType, place: &Place<'_>) -> Values {
    let (source, target) = (place.catalog.base_type(from), place.catalog.base_type(to));
    if source.name == target.name && source.arguments == target.arguments || target.dimensions > 0 && target.arguments.is_empty() {
        return Values::Kept;
    }
    let to_text_of_array = source.dimensions > target.dimensions;
    let (a, b) = (if to_text_of_array { "array" } else { catalog_name(&source.name) }, catalog_name(&target.name));
    match b {
        _ if is_string(a) => from_string(a, b, &source, &target),
        "bpchar" if is_text_exact(a, &source, place) && !target.arguments.is_empty() => Values::MayChange,
        "varchar" | "bpchar" if !target.arguments.is_empty() => Values::MayNotFit("22001"),
        "name" if !matches!(a, "oid" | "regclass") => Values::Kept,
        _ if is_time(b) || b == "date" => to_time(a, b, &source, &target),
        "char" => Values::MayChange,
        "int2" | "int4" | "int8" | "float4" | "float8" | "numeric" | "money" | "oid" | "regclass" => to_number(a, b, &source, &target),
        "cidr" | "jsonb" => {
            if a == "cidr" {
                Values::Kept
            } else {
                Values::Changed
            }
        }
        "bit" => Values::MayNotFit("22026"),
        "varbit" if target.number(0).is_some_and(|new| source.number(0).is_none_or(|old| old > new)) => Values::MayNotFit("22001"),
        "macaddr" => Values::MayNotFit("22003"),
        _ => Values::Kept,
    }
}

/// Types that read blanks behind a value as part of it, or refuse them: `char(n)` pads.
fn is_text_exact(name: &str, source: &DataType, place: &Place<'_>) -> bool {
    matches!(name, "json" | "xml" | "inet" | "cidr" | "bit" | "varbit")
        || matches!(place.catalog.type_of(source), Some(UserType::Enum { .. }))
}

fn from_string(a: &str, b: &str, source: &DataType, target: &DataType) -> Values {
    let length = target.number(0);
    let fits = |length: i64| a != "text" && a != "citext" && a != "name" && source.number(0).is_some_and(|old| old <= length);
    match (b, length) {
        ("varchar" | "bpchar", Some(length)) if !fits(length) => Values::MayNotFit("22001"),
        ("regclass", _) => Values::MayNotFit("42P01"),
        ("char", _) => Values::Changed,
        _ => Values::Kept,
    }
}

fn to_time(a: &str, b: &str, source: &DataType, target: &DataType) -> Values {
    let drops_part = matches!((a, b), ("timestamp" | "timestamptz", "date" | "time" | "timetz") | ("timetz", "time"));
    if drops_part {
        return Values::Changed;
    }
    let digits = if a == "date" { 0 } else { source.number(0).unwrap_or(6) };
    match (a, b) {
        _ if target.number(0).is_some_and(|new| new < digits) => Values::Changed,
        // Days and months of an interval are no time of day.
        ("interval", "time") => Values::MayChange,
        _ => Values::Kept,
    }
}

fn to_number(a: &str, b: &str, source: &DataType, target: &DataType) -> Values {
    let rank = |name: &str| ["int2", "int4", "int8"].iter().position(|own| *own == name);
    match (a, b) {
        _ if rank(a).is_some() && rank(b).is_some() => {
            if rank(a) > rank(b) {
                Values::MayNotFit("22003")
            } else {
                Values::Kept
            }
        }
        ("int8", "oid" | "regclass") => Values::MayNotFit("22003"),
        ("int2", "oid" | "regclass") => Values::Changed,
        ("int2" | "int4", "float8") | ("int2", "float4") | ("float4", "float8") => Values::Kept,
        ("int4" | "int8", "float4") | ("int8", "float8") => Values::MayChange,
        ("numeric", "float4" | "float8") => {
            let exact = if b == "float8" { 15 } else { 6 };
            match source.number(0) {
                Some(precision) if precision <= exact => Values::Kept,
                Some(precision) if source.number(1).unwrap_or(0) <= 2 && precision > exact => Values::MayChange,
                _ if b == "float8" => Values::MayChange,
                _ => Values::Changed,
            }
        }
        ("int2" | "int4" | "int8", "numeric") => Values::MayNotFit("22003"),
        ("numeric", "numeric") => numeric_values(source, target),
        ("numeric", "money") => {
            if source.number(0).is_some() && source.number(1).unwrap_or(0) <= 2 {
                Values::Kept
            } else {
                Values::Changed
            }
        }
        ("money", "numeric") if target.arguments.is_empty() || target.number(1).unwrap_or(0) >= 2 => Values::Kept,
        ("float4" | "float8" | "numeric" | "money", "int2" | "int4" | "int8") | (_, "money" | "numeric") | ("float8", "float4") => {
            Values::Changed
        }
        _ => Values::Kept,
    }
}

fn numeric_values(source: &DataType, target: &DataType) -> Values {
    if target.arguments.is_empty() {
        return Values::Kept;
    }
    let (Some(p1), Some(p2)) = (source.number(0), target.number(0)) else {
        return Values::Changed;
    };
    let (s1, s2) = (source.number(1).unwrap_or(0), target.number(1).unwrap_or(0));
    if s2 < s1 {
        Values::Changed
    } else if p2 - s2 < p1 - s1 {
        Values::MayNotFit("22003")
    } else {
        Values::Kept
    }
}

/// The type of a column of a known table.
#[must_use]
pub fn column_type(table: &Name, column: &str, place: &Place<'_>) -> Option<DataType> {
    place.catalog.table(table)?.column(column)?.data_type.clone()
}

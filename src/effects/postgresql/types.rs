//! What a type change costs in PostgreSQL: measured on 12 to 18 over 63 types and all their pairs.
//!
//! The conversion decides whether the table is written anew; what hangs on the column (indexes, checks, partial
//! indexes, generated columns, views) decides whether it is scanned, or refused.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::effects::Place;
use crate::sql::change::{DataType, Expression, Name};

/// `source target context method first-last` of `pg_cast`, types in the catalogue's words.
const CASTS: &str = include_str!("../../sql/data/postgresql_casts.txt");

/// Context (`i`, `a`, `e`) and method (`b`, `f`, `i`) of each cast.
static CAST: LazyLock<HashMap<(&'static str, &'static str), (u8, u8)>> = LazyLock::new(|| {
    CASTS
        .lines()
        .filter_map(|line| {
            let mut parts = line.split(' ');
            let key = (parts.next()?, parts.next()?);
            Some((key, (*parts.next()?.as_bytes().first()?, *parts.next()?.as_bytes().first()?)))
        })
        .collect()
});

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

/// The name in `pg_type` for a canonical type name.
fn catalog_name(name: &str) -> &str {
    match name {
        "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "character varying" => "varchar",
        "character" => "bpchar",
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

fn is_string(name: &str) -> bool {
    matches!(name, "text" | "varchar" | "bpchar" | "name" | "citext")
}

/// How `from` becomes `to`, without `USING`.
#[must_use]
pub fn conversion(from: &DataType, to: &DataType, place: &Place<'_>) -> Conversion {
    let target_domain = place.catalog.type_of(to);
    if let Some(crate::sql::catalog::UserType::Domain { constrained: true, .. }) = target_domain {
        return if from.name == to.name { Conversion::Same } else { Conversion::Rewrite };
    }
    let from_is_domain = matches!(place.catalog.type_of(from), Some(crate::sql::catalog::UserType::Domain { .. }));
    let (source, target) = (place.catalog.base_type(from), place.catalog.base_type(to));
    if source.dimensions != target.dimensions {
        return if is_string(catalog_name(&target.name)) { Conversion::Rewrite } else { Conversion::Refused };
    }
    if source.name == target.name && source.dimensions > 0 {
        return if source.arguments == target.arguments {
            Conversion::Same
        } else if target.arguments.is_empty() {
            Conversion::Relabel
        } else {
            Conversion::Rewrite
        };
    }
    let (a, b) = (catalog_name(&source.name), catalog_name(&target.name));
    if a == b {
        // A domain over varchar(20) hides the length: varchar enforces its own again.
        if from_is_domain && !to.arguments.is_empty() && target_domain.is_none() {
            return Conversion::Rewrite;
        }
        return same_type(a, &source, &target);
    }
    if source.dimensions > 0 {
        return array_conversion(a, b, &target);
    }
    between(a, b, &source, &target, place)
}

/// The same type with other arguments.
fn same_type(name: &str, source: &DataType, target: &DataType) -> Conversion {
    if source.arguments == target.arguments {
        return Conversion::Same;
    }
    let wider = |index: usize, none: i64| target.number(index).is_none_or(|new| source.number(index).unwrap_or(none) <= new);
    let free = match name {
        "varchar" | "varbit" => wider(0, i64::MAX),
        "bpchar" | "bit" => target.arguments.is_empty() && name == "bpchar" && source.arguments.is_empty(),
        "numeric" => {
            target.arguments.is_empty()
                || !source.arguments.is_empty() && wider(0, i64::MAX) && source.number(1).unwrap_or(0) == target.number(1).unwrap_or(0)
        }
        "timestamp" | "timestamptz" | "time" | "timetz" | "interval" => wider(0, 6),
        _ => false,
    };
    if free { Conversion::Relabel } else { Conversion::Rewrite }
}

fn array_conversion(a: &str, b: &str, target: &DataType) -> Conversion {
    match CAST.get(&(a, b)) {
        Some((b'i' | b'a', b'b')) if target.arguments.is_empty() && is_string(a) && is_string(b) && a == "varchar" => Conversion::Rewrite,
        Some((b'i' | b'a', _)) => Conversion::Rewrite,
        _ => Conversion::Refused,
    }
}

fn between(a: &str, b: &str, source: &DataType, target: &DataType, place: &Place<'_>) -> Conversion {
    let timestamps = matches!((a, b), ("timestamp", "timestamptz") | ("timestamptz", "timestamp"));
    if timestamps {
        let keeps_precision = target.number(0).is_none_or(|new| new >= source.number(0).unwrap_or(6));
        return if keeps_precision && is_utc(place) { Conversion::RelabelOtherOperators } else { Conversion::Rewrite };
    }
    match CAST.get(&(a, b)) {
        Some((b'i' | b'a', b'b')) => {
            let enforced = match b {
                "varchar" => !target.arguments.is_empty(),
                "bpchar" => !target.arguments.is_empty() || true_for_char(target),
                "bit" => true,
                "varbit" => !target.arguments.is_empty(),
                _ => false,
            };
            if enforced {
                Conversion::Rewrite
            } else if matches!((a, b), ("text", "varchar") | ("varchar", "text") | ("cidr", "inet")) {
                Conversion::Relabel
            } else {
                Conversion::RelabelOtherOperators
            }
        }
        Some((b'i' | b'a', _)) => Conversion::Rewrite,
        _ if is_string(b) => Conversion::Rewrite,
        Some(_) | None if is_builtin(a) && is_builtin(b) => Conversion::Refused,
        _ if is_string(a) => Conversion::Refused,
        _ if place.catalog.type_of(source).is_some() && place.catalog.type_of(target).is_some() => Conversion::Refused,
        // A type that an extension brings: its casts are not known.
        _ => Conversion::Rewrite,
    }
}

/// `char` without a length is `char(1)` when it is written so; `bpchar` is not. Both are read as `character`.
const fn true_for_char(target: &DataType) -> bool {
    target.arguments.is_empty()
}

fn is_builtin(name: &str) -> bool {
    CAST.keys().any(|(from, to)| *from == name || *to == name)
        || matches!(name, "uuid" | "tsvector" | "point" | "int4range" | "int8range" | "bytea")
}

/// A fixed zero offset: PostgreSQL then knows that `timestamp` and `timestamptz` are the same bytes.
fn is_utc(place: &Place<'_>) -> bool {
    place.catalog.setting("timezone").is_none_or(|zone| {
        let zone = zone.trim_matches('\'').to_lowercase();
        matches!(
            zone.as_str(),
            "utc" | "gmt" | "uct" | "etc/utc" | "etc/gmt" | "etc/uct" | "0" | "zulu" | "etc/zulu" | "universal" | "etc/gmt+0" | "default"
        )
    })
}

/// `USING column` and `USING column::target` say no more than the cast does.
#[must_use]
pub fn using_is_plain(using: &Expression, column: &str, target: &DataType) -> bool {
    let text = using.text.trim_matches(['(', ')']).replace('"', "").to_lowercase();
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
    /// The reverse change gives others, or there is none.
    Changed,
    /// Those that do not fit stop the statement with this SQLSTATE; the others come back.
    MayNotFit(&'static str),
}

/// What happens to values of `from` as `to`, by cast.
#[must_use]
pub fn values(from: &DataType, to: &DataType, place: &Place<'_>) -> Values {
    let (source, target) = (place.catalog.base_type(from), place.catalog.base_type(to));
    let (a, b) = (catalog_name(&source.name), catalog_name(&target.name));
    let rank = |name: &str| match name {
        "int2" => 1,
        "int4" => 2,
        "int8" => 3,
        _ => 0,
    };
    match (a, b) {
        _ if rank(a) > 0 && rank(b) > 0 => {
            if rank(a) > rank(b) {
                Values::MayNotFit("22003")
            } else {
                Values::Kept
            }
        }
        ("float4" | "float8" | "numeric" | "money", "int2" | "int4" | "int8") => Values::Changed,
        ("float8", "float4" | "numeric") | ("float4" | "numeric", "float4") | ("float4", "numeric") | ("numeric", "float8") => {
            if (a, b) == ("numeric", "float8") { Values::Kept } else { Values::Changed }
        }
        ("numeric", "numeric") => numeric_values(&source, &target),
        ("int2" | "int4" | "int8", "numeric") if !target.arguments.is_empty() => Values::MayNotFit("22003"),
        ("int2" | "int4" | "int8", "float4") => {
            if a == "int2" {
                Values::Kept
            } else {
                Values::Changed
            }
        }
        ("int8", "float8") => Values::Changed,
        ("numeric", "money") | ("int4" | "int8", "money") | ("float4" | "float8", "money") => Values::Changed,
        ("timestamp" | "timestamptz", "date")
        | ("timestamp" | "timestamptz", "time" | "timetz")
        | ("timetz", "time")
        | ("interval", "time") => Values::Changed,
        ("timestamp", "timestamp")
        | ("timestamptz", "timestamptz")
        | ("time", "time")
        | ("timetz", "timetz")
        | ("interval", "interval")
        | ("timestamp", "timestamptz")
        | ("timestamptz", "timestamp") => {
            if target.number(0).is_some_and(|new| new < source.number(0).unwrap_or(6)) {
                Values::Changed
            } else {
                Values::Kept
            }
        }
        ("inet", "cidr") | ("json", "jsonb") => Values::Changed,
        ("varchar" | "text" | "bpchar" | "name" | "citext", "varchar" | "bpchar") => string_values(a, b, &source, &target),
        (_, "varchar" | "bpchar") if !target.arguments.is_empty() => Values::MayNotFit("22001"),
        ("bit" | "varbit", "bit") => Values::MayNotFit("22026"),
        ("varbit", "varbit") if target.number(0).is_some_and(|new| source.number(0).is_none_or(|old| old > new)) => {
            Values::MayNotFit("22001")
        }
        ("int8", "oid") => Values::MayNotFit("22003"),
        (_, "name") => Values::MayNotFit("22001"),
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

fn string_values(a: &str, b: &str, source: &DataType, target: &DataType) -> Values {
    let Some(length) = target.number(0).or_else(|| (b == "bpchar" && a != "bpchar").then_some(1)) else {
        return Values::Kept;
    };
    let fits = a != "text" && a != "citext" && source.number(0).is_some_and(|old| old <= length);
    if fits { Values::Kept } else { Values::MayNotFit("22001") }
}

/// The type of a column of a known table.
#[must_use]
pub fn column_type(table: &Name, column: &str, place: &Place<'_>) -> Option<DataType> {
    place.catalog.table(table)?.column(column)?.data_type.clone()
}

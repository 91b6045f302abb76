//! Bounds of partitions: which overlap, and which a condition leaves out.

use std::cmp::Ordering;

use crate::effects::Place;
use crate::sql::bound::{Bound, Edge};
use crate::sql::change::{Name, PartitionBound, Reach};
use crate::sql::formula::Formula;

/// The partition whose bound overlaps a new one, if the bounds can be read.
#[must_use]
pub fn overlapping(parent: &Name, bound: &PartitionBound, place: &Place<'_>) -> Option<Name> {
    let new = bound.read.as_ref()?;
    place.catalog.bounds(parent).find_map(|(name, own)| overlap(own.read.as_ref()?, new).then(|| name.clone()))
}

/// True when a bound is written for this way of partitioning, or cannot be read.
#[must_use]
pub fn is_of(bound: &PartitionBound, method: &str) -> bool {
    match &bound.read {
        Some(Bound::Default) => method != "hash",
        Some(Bound::Range { .. }) => method == "range",
        Some(Bound::List(_)) => method == "list",
        Some(Bound::Hash { .. }) => method == "hash",
        None => true,
    }
}

/// True for a range that ends where it begins, or before.
#[must_use]
pub fn is_empty(bound: &PartitionBound) -> bool {
    match &bound.read {
        Some(Bound::Range { from, to }) => compare_all(from, to).is_some_and(Ordering::is_ge),
        Some(Bound::Default | Bound::List(_) | Bound::Hash { .. }) | None => false,
    }
}

/// True when no row of a partition can meet the condition: the server does not touch it.
#[must_use]
pub fn is_pruned(partition: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    let Some((parent, bound)) = place.catalog.table(partition).and_then(|table| table.partition_of.as_ref()) else {
        return false;
    };
    let key = place.catalog.table(parent).and_then(|table| table.partition_by.as_ref());
    let Some((_, key)) = key else { return false };
    let ([column], Some(condition)) = (key.words.as_slice(), &reach.condition) else {
        return false;
    };
    let text = condition.text.to_lowercase();
    let joined = !text.contains(" or ") && !text.contains(" between ");
    joined && bound.read.as_ref().is_some_and(|bound| text.split(" and ").any(|part| excludes(bound, column, part)))
}

/// True when all bounds of the partitions can be read, and none takes a row with this key.
#[must_use]
pub fn has_no_partition(parent: &Name, key: &str, place: &Place<'_>) -> bool {
    let value = Edge::Value(key.to_owned());
    place.catalog.bounds(parent).all(|(_, bound)| match &bound.read {
        Some(Bound::Range { from, to }) => {
            let below = from.first().and_then(|from| compare(&value, from)).is_some_and(Ordering::is_lt);
            below || to.first().and_then(|to| compare(&value, to)).is_some_and(Ordering::is_ge)
        }
        Some(Bound::List(values)) => !values.contains(&key.to_owned()),
        Some(Bound::Default | Bound::Hash { .. }) | None => false,
    })
}

/// `column < literal` and the like, against a bound.
fn excludes(bound: &Bound, column: &str, part: &str) -> bool {
    let Some(rest) = part.trim().strip_prefix(column) else { return false };
    let rest = rest.trim();
    let Some((mark, literal)) = ["<=", ">=", "<", ">", "="].iter().find_map(|mark| Some((*mark, rest.strip_prefix(mark)?))) else {
        return false;
    };
    let literal = literal.trim();
    let is_literal = literal.starts_with('\'') && literal.ends_with('\'') || literal.parse::<f64>().is_ok();
    let value = Edge::Value(literal.trim_matches('\'').to_owned());
    if !is_literal {
        return false;
    }
    match bound {
        Bound::Range { from, to } => {
            let (Some(from), Some(to)) = (from.first(), to.first()) else { return false };
            match mark {
                "<" => compare(from, &value).is_some_and(Ordering::is_ge),
                "<=" => compare(from, &value).is_some_and(Ordering::is_gt),
                ">" | ">=" => compare(to, &value).is_some_and(Ordering::is_le),
                _ => compare(&value, from).is_some_and(Ordering::is_lt) || compare(&value, to).is_some_and(Ordering::is_ge),
            }
        }
        Bound::List(values) => mark == "=" && !values.iter().any(|own| Edge::Value(own.clone()) == value),
        Bound::Default | Bound::Hash { .. } => false,
    }
}

/// Numbers as numbers, all else (dates above all) as text; `None` where that says nothing.
fn compare(a: &Edge, b: &Edge) -> Option<Ordering> {
    match (a, b) {
        (Edge::Value(a), Edge::Value(b)) => match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => a.partial_cmp(&b),
            (Err(_), Err(_)) => Some(a.cmp(b)),
            _ => None,
        },
        _ if a == b => Some(Ordering::Equal),
        (Edge::Least, _) | (_, Edge::Greatest) => Some(Ordering::Less),
        (Edge::Greatest, _) | (_, Edge::Least) => Some(Ordering::Greater),
    }
}

fn compare_all(a: &[Edge], b: &[Edge]) -> Option<Ordering> {
    for (a, b) in a.iter().zip(b) {
        match compare(a, b)? {
            Ordering::Equal => {}
            other => return Some(other),
        }
    }
    Some(Ordering::Equal)
}

fn overlap(a: &Bound, b: &Bound) -> bool {
    match (a, b) {
        (Bound::Default, Bound::Default) => true,
        (Bound::Range { from: a, to: b }, Bound::Range { from: c, to: d }) => {
            compare_all(a, d).is_some_and(Ordering::is_lt) && compare_all(c, b).is_some_and(Ordering::is_lt)
        }
        (Bound::List(a), Bound::List(b)) => a.iter().any(|value| b.contains(value)),
        (Bound::Hash { modulus: m, remainder: r }, Bound::Hash { modulus: n, remainder: s }) => {
            let step = (*m).min(*n).max(1);
            r % step == s % step
        }
        _ => false,
    }
}

/// True when checks on the key keep every row within a bound on one key. `None`: a bound or a check is not read.
#[must_use]
pub fn lies_within(bound: &PartitionBound, key: &str, checks: &[Formula]) -> Option<bool> {
    if checks.is_empty() {
        return None;
    }
    let mut parts: Vec<&Formula> = Vec::new();
    let mut open: Vec<&Formula> = checks.iter().collect();
    while let Some(formula) = open.pop() {
        match formula {
            Formula::Binary(mark, left, right) if mark == "and" => open.extend([left.as_ref(), right.as_ref()]),
            other => parts.push(other),
        }
    }
    let is_key = |formula: &Formula| matches!(formula, Formula::Column(name) if name == key);
    match bound.read.as_ref()? {
        Bound::Range { from, to } => {
            let ([from], [to]) = (from.as_slice(), to.as_slice()) else { return None };
            let side = |marks: [&str; 2], fits: &dyn Fn(&str, &Edge) -> bool| {
                parts.iter().any(|part| match part {
                    Formula::Binary(mark, left, right) if marks.contains(&mark.as_str()) && is_key(left) => {
                        literal(right).is_some_and(|value| fits(mark, &Edge::Value(value)))
                    }
                    _ => false,
                })
            };
            let low = matches!(from, Edge::Least) || side([">", ">="], &|_, value| compare(value, from).is_some_and(Ordering::is_ge));
            let high = matches!(to, Edge::Greatest)
                || side(["<", "<="], &|mark, value| {
                    compare(value, to).is_some_and(|found| if mark == "<" { found.is_le() } else { found.is_lt() })
                });
            Some(low && high)
        }
        Bound::List(values) => {
            let names = |value: &Formula| literal(value).is_some_and(|value| values.contains(&value));
            Some(parts.iter().any(|part| match part {
                Formula::Binary(mark, left, right) => mark == "=" && is_key(left) && names(right),
                Formula::In(of, list) => is_key(of) && list.iter().all(names),
                _ => false,
            }))
        }
        Bound::Default | Bound::Hash { .. } => None,
    }
}

/// A literal as it is written in bounds.
fn literal(formula: &Formula) -> Option<String> {
    match formula {
        Formula::Text(text) => Some(text.clone()),
        Formula::Number(number) => Some(number.clone()),
        Formula::Minus(of) => literal(of).map(|number| format!("-{number}")),
        Formula::Cast(of, _) => literal(of),
        _ => None,
    }
}

/// True when a row with this key does not belong into a partition, as its bound is read.
#[must_use]
pub fn is_outside(bound: &PartitionBound, key: &str) -> bool {
    let value = Edge::Value(key.to_owned());
    match &bound.read {
        Some(Bound::Range { from, to }) => {
            let below = from.first().and_then(|from| compare(&value, from)).is_some_and(Ordering::is_lt);
            below || to.first().and_then(|to| compare(&value, to)).is_some_and(Ordering::is_ge) && to.len() == 1
        }
        Some(Bound::List(values)) => !values.contains(&key.to_owned()),
        Some(Bound::Default | Bound::Hash { .. }) | None => false,
    }
}

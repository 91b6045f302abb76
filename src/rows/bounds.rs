//! Which values rows of a partitioned table must have so that a partition takes them (PostgreSQL): read off the bounds of its partitions.

use std::collections::BTreeMap;

use crate::rows::value::Kind;

/// What a partition takes of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Taken {
    /// One of these, as SQL.
    Listed(Vec<String>),
    /// From the first on, below the second, both as SQL; `None`: no bound.
    Between(Option<String>, Option<String>),
}

/// The values that one partition takes, by column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fit(BTreeMap<String, Taken>);

impl Fit {
    /// Reads a bound as `pg_get_expr` writes it, over the columns of the key; `None`: its key is an expression, or it is not read.
    #[must_use]
    pub fn of(bound: &str, key: &[Option<String>]) -> Option<Self> {
        if bound == "DEFAULT" || bound.contains(" WITH (modulus") {
            return Some(Self::default());
        }
        let column = |at: usize| key.get(at).cloned().flatten();
        if let Some(list) = bound.strip_prefix("FOR VALUES IN (") {
            let values: Vec<String> = items(list).into_iter().filter(|item| item != "NULL").collect();
            return (!values.is_empty()).then_some(Self(BTreeMap::from([(column(0)?, Taken::Listed(values))])));
        }
        let (from, to) = bound.strip_prefix("FOR VALUES FROM (")?.split_once(") TO (")?;
        let (from, to) = (items(from), items(to));
        let mut taken = BTreeMap::new();
        for (at, low) in from.iter().enumerate() {
            let low = Some(low.clone()).filter(|low| low != "MINVALUE");
            // Behind the first column the upper bound counts only where all before it are at theirs.
            let high = to.get(at).filter(|high| at == 0 && *high != "MAXVALUE").cloned();
            if low.is_some() || high.is_some() {
                taken.insert(column(at)?, Taken::Between(low, high));
            }
        }
        Some(Self(taken))
    }

    /// Both at once: of a partition that is partitioned itself.
    #[must_use]
    pub fn and(mut self, inner: Self) -> Self {
        self.0.extend(inner.0);
        self
    }

    /// It asks something of a column.
    #[must_use]
    pub fn names(&self, column: &str) -> bool {
        self.0.contains_key(column)
    }

    /// The value of the `nth` row in this partition, as SQL; `None`: it takes any.
    #[must_use]
    pub fn value(&self, column: &str, kind: &Kind, nth: u32) -> Option<String> {
        match self.0.get(column)? {
            Taken::Listed(values) => values.get(nth as usize % values.len().max(1)).cloned(),
            Taken::Between(Some(low), high) => Some(above(low, high.as_deref(), kind, nth)),
            Taken::Between(None, Some(high)) => below(high, kind, nth),
            Taken::Between(None, None) => None,
        }
    }
}

/// A number in quotes or without.
fn number(text: &str) -> Option<i128> {
    text.trim_matches('\'').parse().ok()
}

/// The lower bound itself first, then what follows, as far as the upper bound allows.
fn above(low: &str, high: Option<&str>, kind: &Kind, nth: u32) -> String {
    match kind {
        Kind::Integer { .. } | Kind::Decimal { .. } => match number(low) {
            Some(least) => {
                let room = high.and_then(number).map_or(i128::MAX, |high| (high - least).max(1));
                (least + i128::from(nth) % room).to_string()
            }
            None => low.to_owned(),
        },
        Kind::Timestamp { zone } => format!("{low}::{} + interval '{nth} seconds'", if *zone { "timestamptz" } else { "timestamp" }),
        Kind::Date => format!("{low}::date + {}", nth % 28),
        _ => low.to_owned(),
    }
}

fn below(high: &str, kind: &Kind, nth: u32) -> Option<String> {
    match kind {
        Kind::Integer { .. } | Kind::Decimal { .. } => number(high).map(|high| (high - 1 - i128::from(nth)).to_string()),
        Kind::Timestamp { zone } => {
            Some(format!("{high}::{} - interval '{} seconds'", if *zone { "timestamptz" } else { "timestamp" }, nth + 1))
        }
        Kind::Date => Some(format!("{high}::date - {}", nth + 1)),
        Kind::Text { .. } => Some("''".to_owned()),
        _ => None,
    }
}

/// The items of a list up to its closing parenthesis, as they are written.
fn items(list: &str) -> Vec<String> {
    let (mut found, mut item, mut quoted, mut depth) = (Vec::new(), String::new(), false, 0_u32);
    for c in list.chars() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                found.push(std::mem::take(&mut item).trim().to_owned());
                continue;
            }
            _ => {}
        }
        item.push(c);
    }
    found.push(item.trim().to_owned());
    found.retain(|item| !item.is_empty());
    found
}

/// The partitions of one tree: a row for each, with the root, the one above it, its bound, and the key of the one above.
#[derive(Debug, Default)]
pub struct Partitions(BTreeMap<String, Partition>);

#[derive(Debug)]
struct Partition {
    above: String,
    fit: Option<Fit>,
    is_leaf: bool,
}

impl Partitions {
    /// Takes one over.
    pub fn insert(&mut self, own: String, above: String, fit: Option<Fit>, is_leaf: bool) {
        self.0.insert(own, Partition { above, fit, is_leaf });
    }

    /// What the leaves below `root` take, those left out whose bounds are not read.
    #[must_use]
    pub fn fits(&self, root: &str) -> Vec<Fit> {
        self.0.iter().filter(|(_, partition)| partition.is_leaf).filter_map(|(leaf, _)| self.fit_of(leaf, root)).collect()
    }

    fn fit_of(&self, leaf: &str, root: &str) -> Option<Fit> {
        let (mut at, mut whole) = (leaf, Fit::default());
        for _ in 0..32 {
            let partition = self.0.get(at)?;
            whole = partition.fit.clone()?.and(whole);
            if partition.above == root {
                return Some(whole);
            }
            at = &partition.above;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(bound: &str, kind: &Kind, rows: u32) -> Vec<String> {
        let fit = Fit::of(bound, &[Some("k".to_owned())]).unwrap_or_default();
        (0..rows).filter_map(|nth| fit.value("k", kind, nth)).collect()
    }

    #[test]
    fn bounds_are_read_as_the_server_writes_them() {
        let integer = Kind::Integer { least: -100, greatest: 100, rowid: false };
        assert_eq!(values("FOR VALUES FROM (10) TO (12)", &integer, 3), ["10", "11", "10"]);
        assert_eq!(values("FOR VALUES FROM (MINVALUE) TO ('5')", &integer, 2), ["4", "3"]);
        assert_eq!(
            values("FOR VALUES IN ('a, b', NULL, 'it''s')", &Kind::Text { most: None, letters: crate::rows::value::Letters::All }, 2),
            ["'a, b'", "'it''s'"]
        );
        assert_eq!(
            values("FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')", &Kind::Date, 2),
            ["'2024-01-01'::date + 0", "'2024-01-01'::date + 1"]
        );
        assert!(values("DEFAULT", &integer, 1).is_empty());
        assert!(values("FOR VALUES WITH (modulus 4, remainder 0)", &integer, 1).is_empty());
        assert_eq!(Fit::of("FOR VALUES FROM (1) TO (2)", &[None]), None, "an expression");
    }
}

//! Bounds of partitions, read once: a new partition is held against each of its siblings.

/// A bound, read. Values are literals without quotes; the least and greatest of all have no literal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Bound {
    /// `DEFAULT`.
    Default,
    /// `FROM (…) TO (…)`.
    Range { from: Vec<Edge>, to: Vec<Edge> },
    /// `IN (…)`.
    List(Vec<String>),
    /// `WITH (MODULUS m, REMAINDER r)`.
    Hash { modulus: u64, remainder: u64 },
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edge {
    /// `MINVALUE`.
    Least,
    /// A literal without quotes.
    Value(String),
    /// `MAXVALUE`.
    Greatest,
}

/// Reads a bound that is not `DEFAULT`.
#[must_use]
pub fn read(text: &str) -> Option<Bound> {
    let lower = text.to_lowercase();
    let behind = |word: &str| lower.find(word).and_then(|at| text.get(at + word.len()..)).and_then(list);
    if lower.contains("modulus") {
        let number = |word: &str| {
            let rest = lower.split_once(word)?.1;
            rest.trim().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        return Some(Bound::Hash { modulus: number("modulus")?, remainder: number("remainder")? });
    }
    if let (Some(from), Some(to)) = (behind("from"), behind(" to")) {
        return Some(Bound::Range { from: edges(from), to: edges(to) });
    }
    behind(" in").or_else(|| behind("in")).map(Bound::List)
}

/// `('a', 2, b)` as its parts.
fn list(text: &str) -> Option<Vec<String>> {
    let inside = text.trim_start().strip_prefix('(')?;
    let end = inside.find(')')?;
    Some(inside.get(..end)?.split(',').map(|part| part.trim().trim_matches('\'').to_owned()).collect())
}

fn edges(parts: Vec<String>) -> Vec<Edge> {
    let edge = |part: String| match part.to_lowercase().as_str() {
        "minvalue" => Edge::Least,
        "maxvalue" => Edge::Greatest,
        _ => Edge::Value(part),
    };
    parts.into_iter().map(edge).collect()
}

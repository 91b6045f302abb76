//! PostgreSQL's own functions and how volatile they are: read from `pg_proc` of 12 to 18.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How often a function may answer differently; the order is from harmless to not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Always the same answer for the same arguments.
    Immutable,
    /// The same answer within a statement.
    Stable,
    /// A new answer for each row, or a side effect.
    Volatile,
}

/// `name volatility first-last`, one line a function; made from the servers' `pg_proc`.
const FUNCTIONS: &str = include_str!("data/postgresql_functions.txt");

struct Known {
    volatility: Volatility,
    first: u16,
    last: u16,
}

static KNOWN: LazyLock<HashMap<&'static str, Vec<Known>>> = LazyLock::new(|| {
    let mut known: HashMap<&'static str, Vec<Known>> = HashMap::new();
    for line in FUNCTIONS.lines() {
        let mut parts = line.split(' ');
        let (Some(name), Some(letter), Some(versions)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let volatility = match letter {
            "i" => Volatility::Immutable,
            "s" => Volatility::Stable,
            _ => Volatility::Volatile,
        };
        let (first, last) = versions.split_once('-').unwrap_or((versions, versions));
        let (Ok(first), Ok(last)) = (first.parse(), last.parse()) else {
            continue;
        };
        known.entry(name).or_default().push(Known { volatility, first, last });
    }
    known
});

/// Functions that SQL knows as words, and the expressions that stand for functions.
fn of_the_language(name: &str) -> Option<Volatility> {
    Some(match name {
        "current_timestamp" | "current_date" | "current_time" | "localtimestamp" | "localtime" | "current_user" | "session_user"
        | "user" | "current_role" | "current_catalog" | "current_schema" | "system_user" => Volatility::Stable,
        "coalesce" | "nullif" | "greatest" | "least" | "cast" | "extract" | "overlay" | "position" | "substring" | "trim" | "row"
        | "xmlelement" | "xmlforest" | "xmlconcat" | "json_object" | "json_array" | "grouping" | "treat" | "collation" | "normalize" => {
            Volatility::Immutable
        }
        _ => return None,
    })
}

/// The worst volatility of a function of PostgreSQL's own; `Volatile` when it is not known.
#[must_use]
pub fn volatility(name: &str) -> Volatility {
    if let Some(known) = of_the_language(name) {
        return known;
    }
    KNOWN.get(name).and_then(|all| all.iter().map(|known| known.volatility).max()).unwrap_or(Volatility::Volatile)
}

/// True for a function that PostgreSQL brings in some version.
#[must_use]
pub fn is_known(name: &str) -> bool {
    of_the_language(name).is_some() || KNOWN.contains_key(name)
}

/// True when PostgreSQL `major` brings a function of this name; `None` when no version does.
#[must_use]
pub fn exists_in(name: &str, major: u16) -> Option<bool> {
    if of_the_language(name).is_some() {
        return Some(true);
    }
    let all = KNOWN.get(name)?;
    Some(all.iter().any(|known| (known.first..=known.last.max(18)).contains(&major) && (known.last == 18 || major <= known.last)))
}

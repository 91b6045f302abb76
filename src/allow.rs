//! What a comment allows: `alembic-gate: allow <rule> because …`, the same words in SQL and in Python.

/// Rules that a comment allows on its line and on the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The line the comment begins on, from 1.
    pub line: u32,
    /// The rules' names.
    pub rules: Vec<String>,
    /// Why; an allowance without a reason does not count.
    pub because: Option<String>,
}

impl Allowance {
    /// What `comment`, which begins on `line`, allows; nothing when it does not say so.
    #[must_use]
    pub fn read(comment: &str, line: u32) -> Option<Self> {
        let (_, rest) = comment.split_once("alembic-gate: allow ")?;
        let rest = rest.trim_end_matches("*/").trim();
        let (rules, because) = match rest.split_once(" because ") {
            Some((rules, reason)) => (rules, Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty())),
            None => (rest.split_whitespace().next().unwrap_or_default(), None),
        };
        let rules = rules.split([',', ' ']).filter(|rule| !rule.is_empty()).map(str::to_owned).collect();
        Some(Self { line, rules, because })
    }

    /// What allows `rule` on a line: a comment beside it, or one of those that stand together above it.
    #[must_use]
    pub fn at<'a>(allowances: &'a [Self], line: u32, rule: &str) -> Option<&'a Self> {
        let on = |line: u32| allowances.iter().filter(move |allowance| allowance.line == line);
        let above = (1..line).rev().take_while(|line| on(*line).next().is_some());
        std::iter::once(line).chain(above).flat_map(on).find(|allowance| allowance.names(rule))
    }

    /// True when it names the rule.
    #[must_use]
    pub fn names(&self, rule: &str) -> bool {
        self.rules.iter().any(|name| name == rule)
    }
}

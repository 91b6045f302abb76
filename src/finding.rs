//! What is said about a script: findings, their severity, and the words for risk.

use serde::Serialize;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know: a brief lock, a missing `lock_timeout`, style.
    Notice,
    /// Likely trouble that depends on what cannot be seen here.
    Warning,
    /// Data loss, an outage, a break of what runs, or certain failure.
    Error,
}

impl Severity {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing said about one statement, or about the whole script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable within a script: `rule:statement`.
    pub id: String,
    /// The rule's name.
    pub rule: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// The statement's index, from 1; `None` for the whole script.
    pub statement: Option<u32>,
    /// Line in `file`, from 1.
    pub line: Option<u32>,
    /// The revision, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The file, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The table it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What happens.
    pub what: String,
    /// Why it matters, with the figure or source.
    pub why: String,
    /// What to do instead.
    #[serde(rename = "do")]
    pub mend: String,
    /// SQL that does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix_sql: Option<String>,
    /// Alembic operations that do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix_alembic: Option<String>,
    /// Passages that tell more.
    pub cite: Vec<String>,
    /// Accepted in the text, with this reason: it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

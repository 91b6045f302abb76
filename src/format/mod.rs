//! Reviews for people and for machines: one file a form.

pub mod github;
pub mod gitlab;
pub mod human;
pub mod junit;
pub mod sarif;

use crate::finding::Finding;

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lowercase")]
pub enum Format {
    /// For people, with the source line.
    Human,
    /// The tool's output, as over MCP.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// GitHub's workflow commands.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// The "Migration Review" report.
    Markdown,
}

/// Where a finding is, for machines: file and line.
#[must_use]
pub fn place(finding: &Finding) -> (String, u32) {
    (finding.file.clone().unwrap_or_else(|| "stdin".to_owned()), finding.line.unwrap_or(1))
}

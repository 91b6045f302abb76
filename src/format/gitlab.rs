//! GitLab's code quality report.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::finding::{Finding, Severity};

/// The findings as a list.
#[must_use]
pub fn report<'a>(findings: impl Iterator<Item = &'a Finding>) -> Value {
    findings
        .filter(|finding| finding.allowed.is_none())
        .map(|finding| {
            let (file, line) = super::place(finding);
            let severity = match finding.severity {
                Severity::Error => "critical",
                Severity::Warning => "major",
                Severity::Notice => "info",
            };
            let digest = Sha256::digest(format!("{}\0{file}\0{}", finding.rule, finding.what));
            let fingerprint: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            json!({
                "type": "issue",
                "description": format!("{} ({})", finding.what, finding.mend),
                "check_name": finding.rule,
                "fingerprint": fingerprint,
                "severity": severity,
                "location": { "path": file, "lines": { "begin": line } },
            })
        })
        .collect()
}

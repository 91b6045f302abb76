//! GitHub's workflow commands: one line a finding, shown beside the file.

use crate::finding::{Finding, Severity};

/// One line a finding.
#[must_use]
pub fn lines<'a>(findings: impl Iterator<Item = &'a Finding>) -> String {
    let mut out = String::new();
    for finding in findings.filter(|finding| finding.allowed.is_none()) {
        let (file, line) = super::place(finding);
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let message = format!("{}\nwhy: {}\ndo: {}", finding.what, finding.why, finding.mend);
        out.push_str(&format!("::{level} file={},line={line},title={}::{}\n", property(&file), property(finding.rule), data(&message)));
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

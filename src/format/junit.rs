//! JUnit's XML: a test case for the review and one for the round trip of each revision, one for each record.

use std::fmt::Write as _;

/// A test case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What was done: `review`, `round trip`, `record`.
    pub class: &'static str,
    /// To what.
    pub name: String,
    /// The file, where there is one.
    pub file: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// Why it failed; none where it did not.
    pub failure: Option<String>,
}

/// The report.
#[must_use]
pub fn report(cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let seconds: f64 = cases.iter().map(|case| case.seconds).sum();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let totals = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" time=\"{seconds:.3}\"", cases.len());
    let _ = writeln!(text, "<testsuites {totals}>\n  <testsuite name=\"alembic-gate verify\" {totals}>");
    for case in cases {
        let file = case.file.as_ref().map(|file| format!(" file=\"{}\"", escaped(file))).unwrap_or_default();
        let _ = write!(
            text,
            "    <testcase classname=\"{}\" name=\"{}\"{file} time=\"{:.3}\"",
            escaped(case.class),
            escaped(&case.name),
            case.seconds
        );
        let _ = match &case.failure {
            None => writeln!(text, "/>"),
            Some(why) => {
                let first = why.lines().next().unwrap_or_default();
                writeln!(text, ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>", escaped(first), escaped(why))
            }
        };
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// Text for XML 1.0: what it cannot hold at all becomes a dot.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('·'),
            c => out.push(c),
        }
    }
    out
}

//! SARIF 2.1.0.

use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::rules::RULES;

/// The findings of a run.
#[must_use]
pub fn log<'a>(findings: impl Iterator<Item = &'a Finding>) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| json!({ "id": rule.name, "shortDescription": { "text": rule.title() }, "help": { "text": rule.page(), "markdown": rule.page() } }))
        .collect();
    let results: Vec<Value> = findings.map(result).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "alembic-gate", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let (file, line) = super::place(finding);
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Notice => "note",
    };
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level,
        "message": { "text": format!("{}\nwhy: {}\ndo: {}", finding.what, finding.why, finding.mend) },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": file }, "region": { "startLine": line } } }],
    });
    if let (Some(because), Some(map)) = (&finding.allowed, result.as_object_mut()) {
        map.insert("suppressions".to_owned(), json!([{ "kind": "inSource", "justification": because }]));
    }
    result
}

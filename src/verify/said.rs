//! What was found, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::lifecycle::evidence::Outcome;
use crate::tools::answer::{Verdict, counted};

use super::{Checked, Verified};

/// One line a revision, one a record, then the errors.
#[must_use]
pub fn human(verified: &Verified) -> String {
    let mut text = String::new();
    let width = verified.revisions.iter().map(|one| one.revision.chars().count()).max().unwrap_or(0);
    for one in &verified.revisions {
        let _ = writeln!(text, "{:<7} {:<width$}  {}", word(one.verdict()), one.revision, line(one));
    }
    for record in &verified.records {
        let (word, why) = if record.fits() { ("ok", "fits what was found".to_owned()) } else { ("blocked", record.wrong.join("; ")) };
        let _ = writeln!(text, "{word:<7} record {}: {why}", record.id);
    }
    let of_revisions = verified.revisions.iter().flat_map(|one| &one.findings);
    for finding in of_revisions.chain(&verified.of_range).filter(|finding| finding.allowed.is_none() && finding.severity > Severity::Notice)
    {
        let place = finding.file.as_ref().map(|file| format!("{file}:{}", finding.line.unwrap_or(1))).unwrap_or_default();
        let _ = writeln!(text, "\n{}[{}] {place}\n  {}\n  do: {}", finding.severity.word(), finding.rule, finding.what, finding.mend);
    }
    let _ = writeln!(text, "\n{}", summary(verified));
    text
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "ok",
        Verdict::Warn => "warn",
        Verdict::Blocked => "blocked",
        Verdict::Failed => "failed",
    }
}

/// What was found of a revision: `reviewed, 0 errors, 1 warning; up, down, up: ok`.
fn line(one: &Checked) -> String {
    let warnings = one.findings.iter().filter(|finding| finding.allowed.is_none() && finding.severity == Severity::Warning).count();
    let outcome = one.outcome.map_or("not reached", Outcome::word);
    let why = if one.comes_back() { String::new() } else { format!(" ({})", one.why) };
    let door = match &one.to_approve {
        Some(how) => format!("; a one-way door that its file accepts and nobody approved: {how}"),
        None if one.accepted_door => "; a one-way door that its file accepts and somebody approved".to_owned(),
        None => String::new(),
    };
    format!("{}, {}; up, down, up: {outcome}{why}{door}", counted(one.errors().count(), "error"), counted(warnings, "warning"))
}

/// All of it in one sentence.
#[must_use]
pub fn summary(verified: &Verified) -> String {
    let good = verified.revisions.iter().filter(|one| matches!(one.verdict(), Verdict::Pass | Verdict::Warn)).count();
    let mut text = format!(
        "{}: {good} of {} verified on {} {}",
        verified.verdict().word(),
        counted(verified.revisions.len(), "revision"),
        verified.engine.dialect,
        verified.engine.version
    );
    let wrong = verified.records.iter().filter(|record| !record.fits()).count();
    if wrong > 0 {
        let _ = write!(text, "; {} not fit", if wrong == 1 { "1 record does".to_owned() } else { format!("{wrong} records do") });
    }
    if verified.parity.ok == Some(false) {
        let _ = write!(text, "; {}", verified.parity.why);
    }
    for assumed in verified.assumed.iter().filter(|assumed| assumed.starts_with("the range")) {
        let _ = write!(text, "; {assumed}");
    }
    text
}

/// The same as one object.
#[must_use]
pub fn json(verified: &Verified) -> Value {
    let revisions: Vec<Value> = verified
        .revisions
        .iter()
        .map(|one| {
            json!({
                "revision": one.revision,
                "file": one.file,
                "verdict": one.verdict().word(),
                "errors": one.errors().map(|finding| finding.id.clone()).collect::<Vec<_>>(),
                "outcome": one.outcome.map(Outcome::word),
                "why": one.why,
                "accepted_door": one.accepted_door,
                "to_approve": one.to_approve,
                "seconds": (one.seconds * 1_000.0).round() / 1_000.0,
            })
        })
        .collect();
    let records: Vec<Value> =
        verified.records.iter().map(|record| json!({ "migration_id": record.id, "fits": record.fits(), "wrong": record.wrong })).collect();
    json!({
        "verdict": verified.verdict().word(),
        "summary": summary(verified),
        "range": { "from": verified.range.from, "to": verified.range.to, "revisions": verified.range.revisions },
        "engine": verified.engine,
        "parity": verified.parity,
        "revisions": revisions,
        "records": records,
        "findings": findings(verified),
        "assumed": verified.assumed,
    })
}

/// Everything as findings: of the rules, of round trips that do not come back, of records that do not fit.
#[must_use]
pub fn findings(verified: &Verified) -> Vec<Finding> {
    let mut all: Vec<Finding> = verified.revisions.iter().flat_map(|one| one.findings.clone()).collect();
    all.extend(verified.of_range.iter().cloned());
    let plain = |rule: &'static str, revision: Option<&str>, file: Option<String>, what: String, mend: &str| Finding {
        id: format!("{rule}:{}", revision.unwrap_or("record")),
        rule,
        severity: Severity::Error,
        statement: None,
        line: Some(1),
        revision: revision.map(str::to_owned),
        file,
        table: None,
        what,
        why: "`alembic-gate verify` repeated it from nothing".to_owned(),
        mend: mend.to_owned(),
        fix_sql: None,
        fix_alembic: None,
        cite: Vec::new(),
        allowed: None,
    };
    for one in verified.revisions.iter().filter(|one| !one.comes_back() && !one.accepted_door) {
        let what = format!("`{}` does not come back: {} ({})", one.revision, one.outcome.map_or("not reached", Outcome::word), one.why);
        let mend = one.to_approve.clone().unwrap_or_else(|| "mend `downgrade()`, then call `test_rollback`".to_owned());
        all.push(plain("round_trip", Some(&one.revision), one.file.clone(), what, &mend));
    }
    for record in verified.records.iter().filter(|record| !record.fits()) {
        let file = Some(format!(".alembic-gate/{}/ledger.jsonl", record.id));
        let what = format!("the record of `{}` does not fit: {}", record.id, record.wrong.join("; "));
        all.push(plain("record", None, file, what, "call `review_sql` and `test_rollback` again and commit what they write"));
    }
    all
}

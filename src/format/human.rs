//! For people: the source line with a marker, what, why, do, and what to write instead.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use crate::finding::{Finding, Severity};
use crate::rules::human_time;
use crate::sql::script::Script;
use crate::tools::answer::{Verdict, counted};
use crate::tools::classify_risk::assumptions;
use crate::tools::review_sql::Review;
use crate::tools::source::Detail;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// True on a terminal that wants them.
    pub colour: bool,
}

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    fn severity(self, severity: Severity, text: &str) -> String {
        let colour = match severity {
            Severity::Error => AnsiColor::Red,
            Severity::Warning => AnsiColor::Yellow,
            Severity::Notice => AnsiColor::Cyan,
        };
        self.with(Style::new().bold().fg_color(Some(colour.into())), text)
    }
}

/// A review for people.
#[must_use]
pub fn review(review: &Review, paint: Paint) -> String {
    let mut out = String::new();
    let full = review.asked.detail == Detail::Full;
    let shown = |finding: &&Finding| full || finding.severity > Severity::Notice;
    for finding in review.judged.findings.iter().filter(shown) {
        finding_text(&mut out, finding, &review.asked.script, paint);
    }
    if let Some(back) = &review.downgrade {
        let script = review.asked.downgrade.as_ref().unwrap_or(&review.asked.script);
        if back.findings.iter().any(|finding| shown(&finding)) {
            let _ = writeln!(out, "{}", paint.bold("the way back"));
        }
        for finding in back.findings.iter().filter(shown) {
            finding_text(&mut out, finding, script, paint);
        }
    }
    closing(&mut out, review, paint);
    out
}

fn finding_text(out: &mut String, finding: &Finding, script: &Script, paint: Paint) {
    let label = paint.severity(finding.severity, &format!("{}[{}]", finding.severity.word(), finding.rule));
    let _ = writeln!(out, "{label} {}", paint.bold(&finding.what));
    if let Some(statement) = finding.statement.and_then(|index| script.statements.get(index as usize - 1)) {
        let (file, line) = super::place(finding);
        let _ = writeln!(out, "  {} {file}:{line}:{}", paint.dim("-->"), statement.column);
        let text = crate::secret::redacted(script.text_of(statement));
        let count = text.lines().count();
        for (n, source) in text.lines().take(4).enumerate() {
            let _ = writeln!(out, "  {} {source}", paint.dim(&format!("{:>4} |", line as usize + n)));
        }
        if count > 4 {
            let _ = writeln!(out, "  {} {}", paint.dim("     |"), paint.dim(&format!("… {} more", counted(count - 4, "line"))));
        } else {
            let width = text.lines().last().map_or(1, |last| last.trim_end().chars().count()).clamp(1, 100);
            let _ = writeln!(out, "  {} {}", paint.dim("     |"), paint.severity(finding.severity, &"^".repeat(width)));
        }
    }
    let _ = writeln!(out, "  why: {}", finding.why);
    let _ = writeln!(out, "  do:  {}", finding.mend);
    if let Some(because) = &finding.allowed {
        let _ = writeln!(out, "  allowed because {because}");
    }
    for (label, fix) in [("sql", &finding.fix_sql), ("alembic", &finding.fix_alembic)] {
        let Some(fix) = fix else { continue };
        let _ = writeln!(out, "  {}", paint.dim(&format!("instead ({label}):")));
        for line in fix.lines() {
            let _ = writeln!(out, "      {line}");
        }
    }
    let _ = writeln!(out);
}

fn closing(out: &mut String, review: &Review, paint: Paint) {
    let count =
        |severity| review.judged.findings.iter().filter(|finding| finding.severity == severity && finding.allowed.is_none()).count();
    let verdict = match review.verdict {
        Verdict::Pass => paint.with(Style::new().bold().fg_color(Some(AnsiColor::Green.into())), "pass"),
        Verdict::Warn => paint.severity(Severity::Warning, "warn"),
        Verdict::Blocked | Verdict::Failed => paint.severity(Severity::Error, review.verdict.word()),
    };
    let risk = &review.risk;
    let wait = match (risk.lock_duration, risk.lock_duration_ms) {
        ("none", _) => "nobody waits".to_owned(),
        (word, Some(ms)) if ms > 0.0 => format!("others wait {} (about {})", word.replace('_', " "), human_time(ms)),
        (word, _) => format!("others wait {}", word.replace('_', " ")),
    };
    let _ = writeln!(
        out,
        "{verdict}: {}, {}, {}; {}; data loss {}; {wait}; reversible: {}",
        counted(count(Severity::Error), "error"),
        counted(count(Severity::Warning), "warning"),
        counted(count(Severity::Notice), "notice"),
        counted(review.judged.steps.len(), "statement"),
        risk.data_loss_risk,
        risk.reversible.replace('_', " "),
    );
    if let Some(basis) = &risk.lock_basis {
        let size = basis.bytes.map(|bytes| format!(", {:.1} GB", bytes / 1.0e9)).unwrap_or_default();
        let _ = writeln!(out, "{}", paint.dim(&format!("  figure: {} on `{}`{size}", basis.rate, basis.table)));
    }
    if let Some(back) = &review.downgrade {
        let _ = writeln!(out, "way back: {}; data loss {}", counted(back.statements.len(), "statement"), back.data_loss_risk);
    }
    for line in assumptions(&review.asked, risk) {
        let _ = writeln!(out, "{}", paint.dim(&format!("  assumed: {line}")));
    }
    for line in &review.asked.notes {
        let _ = writeln!(out, "{}", paint.dim(&format!("  note: {line}")));
    }
}

//! What a concise review leaves out, so that an answer on ten statements is read for 1,500 tokens.

use crate::effects::{Loss, Work};
use crate::finding::Severity;
use crate::tools::answer::{clipped, counted};
use crate::tools::classify_risk::{StatementOut, serialized_length};
use crate::tools::source::Detail;

use super::{Output, WayBack, drop_last};

/// Characters of JSON that an answer on at most [`FEW`] statements has: 1,500 tokens of four.
const MOST: usize = 6_000;

/// Up to so many statements an answer is kept within [`MOST`].
const FEW: usize = 10;

/// Caveats of autogenerate that a concise answer names.
const CAVEATS: usize = 3;

/// Leaves out what the contract keeps for `detail: full`, then, on few statements, what can be said shorter: from what is
/// least missed to what is most, and only as far as it is needed. Gives how many statements and findings are left out.
pub fn lean(output: &mut Output, statements: &mut Vec<StatementOut>, detail: Detail, most: Option<usize>, repeated: usize) -> usize {
    if detail == Detail::Full {
        return 0;
    }
    for statement in statements.iter_mut().chain(output.downgrade.iter_mut().flat_map(|back| back.statements.iter_mut())) {
        statement.actions = None;
        statement.online = None;
    }
    let caveats = &mut output.autogenerate_caveats;
    if caveats.len() > CAVEATS {
        let more = counted(caveats.len() - CAVEATS, "more caveat");
        caveats.truncate(CAVEATS);
        caveats.push(format!("{more} (detail: full)"));
    }
    if most.is_none() {
        return 0;
    }
    if statements.len() > FEW {
        files(output, statements);
        accepted(output);
        quiet_way_back(output);
        return 0;
    }
    let room = MOST.saturating_sub(100);
    let is_over = |output: &Output, statements: &[StatementOut]| serialized_length(output) + serialized_length(&statements) > room;
    for shorter in SHORTER {
        if !is_over(output, statements) {
            return 0;
        }
        shorter(output, statements);
    }
    // What is left is warnings, the way back and statements: they are cut from the end, and the next call tells them.
    let mut left = 0;
    let over = |output: &Output, statements: &[StatementOut]| {
        (serialized_length(output) + serialized_length(&statements)).saturating_sub(room.saturating_sub(repeated + 100))
    };
    if is_over(output, statements) {
        let too_long = over(output, statements);
        if let Some(back) = &mut output.downgrade {
            left += drop_last(&mut back.findings, too_long, |finding| finding.severity < Severity::Error);
        }
    }
    let too_long = (serialized_length(output) + serialized_length(&statements)).saturating_sub(room);
    if too_long > 0
        && let Some(back) = &mut output.downgrade
    {
        left += drop_last(&mut back.statements, too_long, |_| true);
    }
    // One stays: the call that goes on begins behind it.
    while over(output, statements) > 0 && statements.len() > 1 && statements.pop().is_some() {
        left += 1;
    }
    if is_over(output, statements) {
        bare(output);
    }
    left
}

type Shorter = fn(&mut Output, &mut [StatementOut]);

/// Each says the same in fewer words, or leaves out what another call tells.
const SHORTER: [Shorter; 8] = [files, fixes_twice, words, way_back, fixes, sentences, revisions, numbers];

/// The finding names the file; a statement's line is one of its revision's file.
fn files(output: &mut Output, statements: &mut [StatementOut]) {
    all_statements(output, statements, |statement| {
        statement.file = None;
        statement.fails = None;
    });
}

/// What somebody accepted with a reason needs no advice any more.
fn accepted(output: &mut Output) {
    let back = output.downgrade.iter_mut().flat_map(|back| back.findings.iter_mut());
    for finding in output.findings.iter_mut().chain(back).filter(|finding| finding.allowed.is_some()) {
        finding.cite.truncate(1);
        finding.mend.clear();
        finding.fix_sql = None;
        finding.fix_alembic = None;
    }
}

/// Of a long way back those statements are told that lose something, work long, are not understood, or have a finding.
fn quiet_way_back(output: &mut Output) {
    let Some(back) = &mut output.downgrade else { return };
    let all = back.statements.len();
    let findings = &back.findings;
    back.statements.retain(|statement| {
        let is_found = findings.iter().any(|finding| finding.statement == Some(statement.index));
        is_found || !statement.understood || statement.loss != Loss::None.word() || statement.work != Work::Instant.word()
    });
    let left = all - back.statements.len();
    if left > 0 {
        output
            .common
            .notes
            .push(format!("{left} of {all} statements of the way back are instant and lose nothing: not shown (detail: full)"));
    }
}

/// One form of a mend is enough, and one mend for each rule.
fn fixes_twice(output: &mut Output, _: &mut [StatementOut]) {
    let is_project = output.report_uri.is_some();
    let mut told: Vec<(&'static str, u32)> = Vec::new();
    let back = output.downgrade.iter_mut().flat_map(|back| back.findings.iter_mut());
    for finding in output.findings.iter_mut().chain(back) {
        if finding.fix_sql.is_some() && finding.fix_alembic.is_some() {
            if is_project { finding.fix_sql = None } else { finding.fix_alembic = None }
        }
        match told.iter().find(|(rule, _)| *rule == finding.rule) {
            Some((_, statement)) => {
                finding.why = format!("as for statement {statement}");
                finding.mend = format!("as for statement {statement}");
                finding.fix_sql = None;
                finding.fix_alembic = None;
            }
            None => told.push((finding.rule, finding.statement.unwrap_or(0))),
        }
    }
}

/// Evidence of the checklist, notes and caveats in one short line each.
fn words(output: &mut Output, _: &mut [StatementOut]) {
    output.checklist.values_mut().for_each(|item| item.evidence = clipped(&item.evidence, 70));
    output.common.notes.iter_mut().for_each(|note| *note = clipped(note, 160));
    output.common.suggested_queries.truncate(1);
    output.risk.reasons.truncate(2);
    output.risk.reasons.iter_mut().for_each(|reason| *reason = clipped(reason, 120));
    if let Some(first) = output.autogenerate_caveats.first_mut() {
        *first = clipped(first, 100);
    }
    let all = output.autogenerate_caveats.len();
    output.autogenerate_caveats.truncate(1);
    if all > 1 {
        output.autogenerate_caveats.push("more caveats (detail: full)".to_owned());
    }
}

/// That the way back loses what the upgrade made is its nature: it is named, not explained.
fn way_back(output: &mut Output, _: &mut [StatementOut]) {
    for finding in output.downgrade.iter_mut().flat_map(|back| back.findings.iter_mut()) {
        finding.fix_sql = None;
        finding.fix_alembic = None;
        finding.cite.clear();
        if !matches!(finding.rule, "not_understood" | "will_fail") {
            finding.why = clipped(&finding.why, 60);
            finding.mend = clipped(&finding.mend, 60);
        }
    }
}

fn fixes(output: &mut Output, _: &mut [StatementOut]) {
    for finding in &mut output.findings {
        finding.fix_sql = finding.fix_sql.take().map(|text| clipped(&text, 160));
        finding.fix_alembic = finding.fix_alembic.take().map(|text| clipped(&text, 160));
    }
}

fn sentences(output: &mut Output, _: &mut [StatementOut]) {
    output.common.summary = clipped(&output.common.summary, 300);
    output.common.assumed.iter_mut().for_each(|text| *text = clipped(text, 80));
    for finding in &mut output.findings {
        for text in [&mut finding.what, &mut finding.why, &mut finding.mend] {
            *text = clipped(text, 120);
        }
        finding.cite.truncate(1);
    }
}

/// The range names them.
fn revisions(output: &mut Output, statements: &mut [StatementOut]) {
    all_statements(output, statements, |statement| statement.revision = None);
    let fixes = output.findings.iter_mut().skip(2);
    fixes.for_each(|finding| {
        finding.fix_sql = None;
        finding.fix_alembic = None;
    });
}

/// Counts instead of lines, where nothing is wrong with them.
fn numbers(output: &mut Output, _: &mut [StatementOut]) {
    output.checklist.values_mut().filter(|item| item.ok != Some(false)).for_each(|item| item.evidence = clipped(&item.evidence, 30));
    output.common.notes.truncate(3);
    output.common.assumed.truncate(4);
    output.common.summary = clipped(&output.common.summary, 200);
    output.risk.lock_basis = output.risk.lock_basis.take().filter(|basis| basis.rows.is_some() || basis.bytes.is_some());
    let mut back = 0;
    if let Some(way_back) = &mut output.downgrade {
        let all = way_back.findings.len();
        way_back.findings.retain(|finding| matches!(finding.rule, "not_understood" | "will_fail"));
        back = all - way_back.findings.len();
    }
    if back > 0 {
        output.common.notes.push(format!("{} on what the way back loses not shown (detail: full)", counted(back, "finding")));
    }
    for finding in &mut output.findings {
        finding.why = clipped(&finding.why, 60);
        finding.mend = clipped(&finding.mend, 80);
        // The file names it.
        finding.revision = finding.revision.take().filter(|_| finding.file.is_none());
    }
}

/// What is left of errors that are too many: each in few words.
fn bare(output: &mut Output) {
    output.checklist.values_mut().for_each(|item| item.evidence = clipped(&item.evidence, 20));
    output.common.summary = clipped(&output.common.summary, 120);
    output.common.suggested_queries.clear();
    output.risk.reasons.truncate(1);
    output.common.assumed.iter_mut().for_each(|text| *text = clipped(text, 40));
    output.autogenerate_caveats.truncate(1);
    output.autogenerate_caveats.iter_mut().for_each(|text| *text = clipped(text, 40));
    output.common.notes.push("told in few words (detail: full)".to_owned());
    for finding in &mut output.findings {
        finding.fix_sql = None;
        finding.fix_alembic = None;
    }
    for finding in &mut output.findings {
        for (text, most) in [(&mut finding.what, 80), (&mut finding.why, 40), (&mut finding.mend, 40)] {
            *text = clipped(text, most);
        }
    }
}

fn all_statements(output: &mut Output, statements: &mut [StatementOut], change: impl Fn(&mut StatementOut)) {
    let back = output.downgrade.iter_mut().flat_map(|WayBack { statements, .. }| statements.iter_mut());
    statements.iter_mut().chain(back).for_each(change);
}

//! The two reports: headings, labels and boxes word for word; a box is ticked only with evidence.

use crate::lifecycle::block::one_line;
use crate::lifecycle::boxes::Boxes;
use crate::lifecycle::evidence::{Now, Outcome};
use crate::lifecycle::gate::{rollback_tested, trip_that_counts};
use crate::lifecycle::proven::Proven;
use crate::sql::change::{AlterAction, Change};
use crate::sql::script::Statement;
use crate::tools::review_sql::{Item, Review};

/// What a report needs besides the review.
#[derive(Debug, Clone, Default)]
pub struct Heading {
    /// The migration's name.
    pub name: String,
    /// The revision, if one is known.
    pub revision: Option<String>,
    /// The revision's date, `YYYY-MM-DD`, if one is known.
    pub generated: Option<String>,
    /// Who wrote it, if that is known.
    pub author: Option<String>,
    /// What evidence says beyond the SQL; nothing, where there is none.
    pub boxes: Boxes,
}

/// The report on a review.
#[must_use]
pub fn review(review: &Review, heading: &Heading) -> String {
    let statements: Vec<&Statement> = review.judged.steps.iter().filter_map(|step| review.asked.script.statements.get(step.at)).collect();
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let duration = match review.risk.lock_duration {
        "none" => "None",
        "seconds" => "Seconds",
        "minutes" => "Minutes",
        _ => "Requires maintenance window",
    };
    let item = |name: &str| review.checklist.get(name);
    let loss = review.risk.data_loss_risk;
    let mut report = format!("## Migration Review: {}\n\n", heading.name);
    report.push_str(&format!(
        "**Revision:** {}\n**Generated:** {}\n**Author:** {}\n\n",
        known(&heading.revision),
        known(&heading.generated),
        known(&heading.author)
    ));
    report.push_str("### Schema Change Summary\n");
    report.push_str(&format!("- **Type:** {}\n", types(&statements)));
    report.push_str(&format!("- **Table(s) affected:** {}\n", tables(&statements)));
    report.push_str(&format!("- **Data loss risk:** {}\n", capital(loss)));
    report.push_str(&format!("- **Estimated lock duration:** {duration}\n\n"));
    report.push_str("### SQL Review\n");
    report.push_str(&line(item("matches_intent"), "`upgrade()` SQL reviewed and matches intended change"));
    report.push_str(&line(item("downgrade_reviewed"), "`downgrade()` SQL reviewed and correctly reverses the change"));
    report.push_str(&line(item("no_unexpected_drop"), "No unexpected DROP statements"));
    report.push_str(&line(item("no_data_loss"), "No unexpected data loss operations"));
    let boxes = &heading.boxes;
    report.push_str(&ticked(boxes.is_idempotent, "Idempotency verified (safe to run twice)"));
    report.push_str("\n### Rollback Verification\n");
    report.push_str(&ticked(boxes.is_tested, "`alembic downgrade -1` tested on development database"));
    report.push_str(&ticked(boxes.leads_back, "Database state after downgrade matches pre-migration state"));
    report.push_str("\n### Approval\n");
    report.push_str(&named("Reviewed by", "[name]", &boxes.reviewed_by));
    report.push_str(&named("Approved for", "[dev / staging / production]", &boxes.approved_for));
    report
}

/// A box with names behind it: ticked where there are any.
fn named(label: &str, empty: &str, names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| one_line(name)).collect();
    let shown = if names.is_empty() { empty.to_owned() } else { names.join(", ") };
    ticked(!names.is_empty(), &format!("{label}: {shown}"))
}

/// The report on a round trip: the one that counts now, else the last, which then verifies nothing.
///
/// `matches_intent`: what the upgrade did is what was declared; `None` where nothing was declared. `None` comes back
/// where no round trip is on record.
#[must_use]
pub fn rollback(name: &str, proven: &Proven, now: &Now, matches_intent: Option<bool>) -> Option<String> {
    let counting = trip_that_counts(proven, now);
    let trip = counting.or_else(|| proven.trips().last().map(|(trip, _)| trip))?;
    let is_verified = rollback_tested(proven, now);
    let intent = match matches_intent {
        Some(true) => "matches the intended change",
        Some(false) => "does not match the intended change",
        None => "no intended change was declared",
    };
    let (before, after, back) = (&trip.before, &trip.after_upgrade, &trip.after_downgrade);
    let changes: Vec<String> = trip.changes.iter().map(|change| one_line(change)).collect();
    let changes = if changes.is_empty() { "no change".to_owned() } else { changes.join(", ") };
    let restored = if back.digest == before.digest {
        format!("matches the pre-migration state, digest {}", back.digest)
    } else {
        format!("differs from the pre-migration state, digest {} instead of {}", back.digest, before.digest)
    };
    let mut notes: Vec<String> = trip
        .trips
        .iter()
        .filter(|trip| trip.outcome != Outcome::Ok)
        .map(|trip| format!("{}: {}", trip.revision, trip.outcome.word()))
        .chain(trip.notes.iter().map(|note| one_line(note)))
        .collect();
    if !trip.parity_ok {
        notes.push(one_line(&trip.parity_why));
    }
    if counting.is_none() {
        notes.push("this test does not count for what stands now".to_owned());
    }
    Some(format!(
        "## Rollback Verification: {name}\n\n**Environment:** development\n**Date:** {}\n\n\
         ### Before upgrade\n- `alembic current`: {}\n- Schema state: {}, digest {}\n\n\
         ### After upgrade\n- `alembic current`: {}\n- Schema state: {changes}; {intent}\n\n\
         ### After downgrade\n- `alembic current`: {}\n- Schema state: {restored}\n\n\
         **Rollback verified:** {}\n**Notes:** {}\n",
        trip.date,
        before.revision,
        before.counts,
        before.digest,
        after.revision,
        back.revision,
        if is_verified { "✓ Yes" } else { "✗ No" },
        if notes.is_empty() { "none".to_owned() } else { notes.join("; ") },
    ))
}

fn line(item: Option<&Item>, label: &str) -> String {
    ticked(item.is_some_and(|item| item.ok == Some(true)), label)
}

fn ticked(is_ticked: bool, label: &str) -> String {
    format!("- [{}] {label}\n", if is_ticked { "x" } else { " " })
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The seven words of the template, in its order, each once.
fn types(statements: &[&Statement]) -> String {
    const WORDS: [&str; 7] = ["ADD COLUMN", "DROP COLUMN", "ADD TABLE", "DROP TABLE", "ADD INDEX", "MODIFY COLUMN", "DATA MIGRATION"];
    let mut seen = [false; 7];
    for statement in statements {
        note_types(&statement.reading.change, statement.reading.kind, &mut seen);
    }
    let found: Vec<&str> = WORDS.iter().zip(seen).filter(|(_, seen)| *seen).map(|(word, _)| *word).collect();
    if found.is_empty() { "none of these".to_owned() } else { found.join(", ") }
}

fn note_types(change: &Change, kind: crate::sql::words::Kind, seen: &mut [bool; 7]) {
    use crate::sql::words::Kind;
    let [add_column, drop_column, add_table, drop_table, add_index, modify_column, data] = seen;
    match change {
        Change::AlterTable(alter) => {
            for action in &alter.actions {
                match action {
                    AlterAction::AddColumn { .. } => *add_column = true,
                    AlterAction::DropColumn { .. } => *drop_column = true,
                    AlterAction::AddIndex(_) => *add_index = true,
                    _ => *modify_column = true,
                }
            }
        }
        Change::CreateTable(_) => *add_table = true,
        Change::Drop(_) if kind == Kind::DropTable => *drop_table = true,
        Change::CreateIndex { .. } => *add_index = true,
        Change::Insert(_)
        | Change::Update(_)
        | Change::Delete(_)
        | Change::Merge(_)
        | Change::Copy { .. }
        | Change::LoadData { .. }
        | Change::Truncate { .. } => {
            let bookkeeping = matches!(change, Change::Insert(insert) if insert.table.name == "alembic_version")
                || matches!(change, Change::Update(update) if update.table.name == "alembic_version")
                || matches!(change, Change::Delete(delete) if delete.tables.iter().all(|table| table.name == "alembic_version"));
            *data |= !bookkeeping;
        }
        Change::Block(block) => block.statements.iter().for_each(|inner| note_types(&inner.change, inner.kind, seen)),
        _ => {}
    }
}

fn tables(statements: &[&Statement]) -> String {
    let mut names: Vec<String> = Vec::new();
    for relation in statements.iter().filter_map(|statement| statement.reading.relation.as_ref()) {
        let name = relation.to_string();
        if !names.contains(&name) && relation.name != "alembic_version" {
            names.push(name);
        }
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

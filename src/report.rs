//! The "Migration Review" report: headings, labels and boxes word for word; a box is ticked only with evidence.

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
    report.push_str(&line(None, "Idempotency verified (safe to run twice)"));
    report.push_str("\n### Rollback Verification\n");
    report.push_str(&line(None, "`alembic downgrade -1` tested on development database"));
    report.push_str(&line(None, "Database state after downgrade matches pre-migration state"));
    report.push_str("\n### Approval\n- [ ] Reviewed by: [name]\n- [ ] Approved for: [dev / staging / production]\n");
    report
}

fn line(item: Option<&Item>, label: &str) -> String {
    let ticked = item.is_some_and(|item| item.ok == Some(true));
    format!("- [{}] {label}\n", if ticked { "x" } else { " " })
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

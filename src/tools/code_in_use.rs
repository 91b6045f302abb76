//! What the application's own code says to a review: the places that still name what a revision drops, and the classes
//! of the deployed commit that the new schema does not take any more.

use std::path::Path;

use crate::finding::{Finding, Severity};
use crate::project::uses::{Gone, models_of, uses_in};
use crate::recovery::deployed::compatibility;
use crate::recovery::{Break, Compatibility, RecoveryError};
use crate::rules::dropped_column_in_use;
use crate::sql::change::{AlterAction, Change};
use crate::sql::script::Script;
use crate::sql::split::Direction;
use crate::sql::words::Kind;
use crate::step::Options;
use crate::tools::answer::ToolError;
use crate::tools::source::Ranged;

/// So many places are told of one column.
const MOST_PLACES: usize = 5;

/// One finding for each column or table that is dropped and that the application's code still names.
#[must_use]
pub fn in_use(script: &Script, options: &Options, ranged: &Ranged) -> Vec<Finding> {
    let gone = dropped(script);
    if gone.is_empty() {
        return Vec::new();
    }
    let files = ranged.workshop.workspace.application_files();
    gone.iter().filter_map(|(statement, gone)| finding(*statement, gone, &files, script, options)).collect()
}

/// What the way up drops, with the place of the statement in the script.
fn dropped(script: &Script) -> Vec<(usize, Gone)> {
    let mut found = Vec::new();
    for (at, statement) in script.statements.iter().enumerate().filter(|(_, statement)| statement.direction == Direction::Up) {
        match &statement.reading.change {
            Change::AlterTable(alter) => found.extend(alter.actions.iter().filter_map(|action| match action {
                AlterAction::DropColumn { column, .. } => {
                    Some((at, Gone { table: alter.table.name.clone(), column: Some(column.clone()) }))
                }
                _ => None,
            })),
            Change::Drop(drop) if statement.reading.kind == Kind::DropTable => {
                found.extend(drop.names.iter().map(|name| (at, Gone { table: name.name.clone(), column: None })));
            }
            _ => {}
        }
    }
    found
}

/// The places that name it: file, line, what stands there.
#[must_use]
pub fn places<'a>(files: &'a [(String, String)], gone: &Gone) -> Vec<(&'a str, u32, String)> {
    let models = files.iter().flat_map(|(_, text)| models_of(text, &gone.table)).collect();
    let in_file =
        |(name, text): &'a (String, String)| uses_in(text, gone, &models).into_iter().map(move |one| (name.as_str(), one.line, one.what));
    files.iter().flat_map(in_file).collect()
}

/// The places in one line: `app/report.py:2 (SQL text), … and 3 more`.
#[must_use]
pub fn told(places: &[(&str, u32, String)]) -> String {
    let told = places.iter().take(MOST_PLACES).map(|(file, line, what)| format!("{file}:{line} ({what})")).collect::<Vec<_>>().join(", ");
    let more = if places.len() > MOST_PLACES { format!(" and {} more", places.len() - MOST_PLACES) } else { String::new() };
    format!("{told}{more}")
}

fn finding(at: usize, gone: &Gone, files: &[(String, String)], script: &Script, options: &Options) -> Option<Finding> {
    let places = places(files, gone);
    let (file, line, _) = places.first()?;
    let statement = script.statements.get(at)?;
    let name = gone.column.as_ref().map_or_else(|| gone.table.clone(), |column| format!("{}.{column}", gone.table));
    let told = told(&places);
    let (revision_file, _) = options.place(statement.line);
    Some(Finding {
        id: format!("dropped_column_in_use:{}", statement.index),
        rule: "dropped_column_in_use",
        severity: Severity::Error,
        statement: Some(statement.index),
        line: Some(*line),
        revision: statement.revision.clone(),
        file: Some((*file).to_owned()),
        table: Some(gone.table.clone()),
        what: format!("`{name}` is dropped and the application still names it: {told}"),
        why: dropped_column_in_use::WHY.to_owned(),
        mend: format!(
            "take it out of the code first and deploy that; drop `{name}` in a later revision than {}",
            revision_file.unwrap_or_else(|| "this one".to_owned())
        ),
        fix_sql: None,
        fix_alembic: None,
        cite: vec!["rule-dropped_column_in_use#why".to_owned()],
        allowed: None,
    })
}

/// Tries the classes of a commit, where one is named.
///
/// # Errors
/// As of `compatibility`.
pub fn of_deployed(ranged: &Ranged, deployed: &str) -> Result<(Compatibility, Vec<Finding>), RecoveryError> {
    let found = compatibility(&ranged.workshop, &ranged.range, deployed)?;
    let findings = found.breaks.iter().map(|one| break_finding(one, deployed, &ranged.range.to)).collect();
    Ok((found, findings))
}

/// A commit that could not be tried, as a tool's error.
#[must_use]
pub fn refused(error: &RecoveryError) -> ToolError {
    ToolError { code: "deployed", message: error.to_string(), at: Some("deployed".to_owned()), hint: error.hint(), retry: false }
}

fn break_finding(one: &Break, deployed: &str, revision: &str) -> Finding {
    let column = one.column.as_ref().map(|column| format!(".{column}")).unwrap_or_default();
    Finding {
        id: format!("breaks_running_release:{}:{}:{}", one.class, one.statement, one.table),
        rule: "breaks_running_release",
        severity: Severity::Error,
        statement: None,
        line: one.line,
        revision: Some(revision.to_owned()),
        file: one.file.as_deref().map(Path::new).map(|file| file.to_string_lossy().into_owned()),
        table: Some(one.table.clone()),
        what: format!("{} by `{}` of `{deployed}` fails on `{}{column}` after the upgrade", one.statement, one.class, one.table),
        why: format!("run on a scratch database, before and after: {}", one.error),
        mend: "make the change in steps that both releases can live with: expand, deploy, contract".to_owned(),
        fix_sql: None,
        fix_alembic: None,
        cite: vec!["rule-breaks_running_release#why".to_owned()],
        allowed: None,
    }
}

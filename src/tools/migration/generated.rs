//! A revision file that was just made: it joins the migration it was made for, or begins one.

use crate::intent::Deed;
use crate::lifecycle::ledger::Event;
use crate::sql::script::Statement;
use crate::store::Happening;
use crate::tools::answer::ToolError;
use crate::tools::call::Call;
use crate::tools::migration::Migration;
use crate::tools::migration::claim::Claim;
use crate::tools::migration::named::Named;
use crate::tools::migration::plan::Plan;
use crate::tools::migration::record::Record;
use crate::tools::review_sql::Review;
use crate::tools::source::SqlInput;
use crate::workspace::Workspace;

/// A file that was made.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// The name it was made under.
    pub name: &'a str,
    /// The revision.
    pub revision: &'a str,
    /// The one in front of it; none for the first of a chain.
    pub parent: Option<&'a str>,
    /// The file, from the project's folder.
    pub file: &'a str,
}

/// Writes down that a file was made; with it comes what its SQL does beside what was planned for it. `workspace`: read after it was made; `project`: what names the project.
///
/// # Errors
/// The file cannot be rendered: what was made is said by the caller, the record knows nothing of it.
pub fn generated(
    workspace: &Workspace,
    project: &SqlInput,
    claim: &Claim,
    made: Made<'_>,
    call: &Call<'_>,
) -> Result<(Migration, Option<String>), ToolError> {
    let continued = claim.id.as_ref().and_then(|id| Named::of_id(workspace, id));
    let continued = continued.filter(|named| {
        let last = named.kept.as_ref().and_then(|kept| kept.revisions.last());
        last.is_some_and(|last| made.parent == Some(last.as_str()))
    });
    let first = continued.and_then(|named| named.first(workspace)).unwrap_or_else(|| made.revision.to_owned());
    let from = before(workspace, &first);
    let asked = SqlInput { from: Some(from), to: Some(made.revision.to_owned()), migration_id: None, ..project.clone() };
    let (mut migration, review) = Migration::found(&asked, call)?;
    migration.claim = claim.clone();
    let plan = claim
        .id
        .as_ref()
        .filter(|id| **id != migration.id)
        .map_or_else(|| Named::of_plan(workspace, made.name), |id| Named { id: id.clone(), name: id.name().to_owned(), kept: None });
    let event = Event::Generated { revision: made.revision.to_owned(), file: made.file.to_owned() };
    let mut happened = Vec::new();
    let mut plan_of_it = Plan::on_record(workspace, &migration.id);
    let mut planned = Record::open(workspace, &plan.id);
    if planned.is_there() && plan.id != migration.id {
        let entries = planned.proven.entries().iter().rev();
        let wish = entries.map(|(entry, _)| &entry.event).find(|event| matches!(event, Event::Planned { .. }));
        plan_of_it = wish.cloned().and_then(Plan::of).or(plan_of_it);
        happened.extend(wish.cloned().map(Happening::Event));
        planned.add(&[Happening::Event(event.clone())], &migration.kept);
    }
    happened.push(Happening::Event(event));
    migration.add(&happened);
    let differs = plan_of_it.and_then(|plan| plan.is_met(&[made.name.to_owned()], &deeds_of(&review, made.revision)));
    Ok((migration, differs.and_then(Result::err)))
}

/// What one revision of a reviewed range does.
fn deeds_of(review: &Review, revision: &str) -> Vec<Deed> {
    let script = &review.asked.script;
    let of_it: Vec<&Statement> = script.statements.iter().filter(|statement| statement.revision.as_deref() == Some(revision)).collect();
    Deed::of_all(script, &of_it, &review.asked.before)
}

/// The name of what stands in front of a revision.
fn before(workspace: &Workspace, revision: &str) -> String {
    let project = &workspace.project;
    let found = project.graph.by_id(revision).and_then(|at| project.revision(at));
    match found.map(|revision| revision.parents.as_slice()).unwrap_or_default() {
        [] => "base".to_owned(),
        [one] => one.clone(),
        _ => format!("{revision}-1"),
    }
}

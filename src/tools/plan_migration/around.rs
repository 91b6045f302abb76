//! What stands around a plan: how large the tables are, which code still names what goes, and whether the code that runs survives it.

use crate::project::uses::Gone;
use crate::recipes::parts::planning::Reviewed;
use crate::recipes::parts::wish::{self, Wish};
use crate::recipes::{Planned, Stage};
use crate::recovery::planned::{Unwritten, survival};
use crate::risk::{TableSize, TableSizes};
use crate::sql::change::{AlterAction, Change, Name};
use crate::tools::answer::{ToolError, Verdict, counted};
use crate::tools::code_in_use;
use crate::tools::plan_migration::{Input, Output, Standing, step_name};

/// A table with fewer rows in a database that is not production says nothing of its size there.
const LEAST_ROWS: f64 = 10_000.0;

/// Sizes: as they were given, else of a database that can be read.
pub(super) fn sizes_of(input: &Input, standing: &Standing, assumed: &mut Vec<String>) -> TableSizes {
    let mut sizes = input.table_stats.clone().unwrap_or_default();
    let Some((name, is_production, measured)) = &standing.measured else { return sizes };
    let counts = |size: &TableSize| *is_production || size.rows.is_some_and(|rows| rows >= LEAST_ROWS);
    let mut taken = 0;
    for (table, size) in measured.0.iter().filter(|(_, size)| counts(size)) {
        if sizes.of(&wish::name_of(table)).is_none() {
            sizes.0.insert(table.clone(), *size);
            taken += 1;
        }
    }
    if taken > 0 {
        let more = if *is_production { "" } else { ": production may hold more" };
        assumed.push(format!("sizes of {} as the database of `{name}` counts them{more}", counted(taken, "table")));
    }
    sizes
}

/// What the database that is not production holds of a table whose size is asked for.
pub(super) fn measured_too(output: &mut Output, standing: &Standing, unsized_tables: &[String]) {
    let Some((name, _, measured)) = &standing.measured else { return };
    for table in unsized_tables {
        if let Some(rows) = measured.of(&wish::name_of(table)).and_then(|size| size.rows) {
            output.common.notes.push(format!("`{table}` has {rows} rows in `{name}`: too few to tell how long it takes in production"));
        }
    }
}

/// The places of the application that name what a wish takes away.
pub(super) fn still_named(output: &mut Output, standing: &Standing, wishes: &[Wish]) {
    let Some(workshop) = &standing.workshop else { return };
    let gone: Vec<Gone> = wishes.iter().flat_map(gone).collect();
    if gone.is_empty() {
        return;
    }
    let files = workshop.workspace.application_files();
    for one in gone {
        let places = code_in_use::places(&files, &one);
        if !places.is_empty() {
            let name = one.column.as_ref().map_or_else(|| one.table.clone(), |column| format!("{}.{column}", one.table));
            let told = code_in_use::told(&places);
            output
                .common
                .notes
                .push(format!("the application still names `{name}`: {told}; take it out before the revision that drops it"));
        }
    }
}

fn gone(wish: &Wish) -> Vec<Gone> {
    let of = |table: &Name, column: Option<&String>| Gone { table: table.name.clone(), column: column.cloned() };
    match wish {
        Wish::Statement(statement) => match (statement.action(), &statement.reading.change) {
            (Some((table, AlterAction::DropColumn { column, .. } | AlterAction::RenameColumn { from: column, .. })), _) => {
                vec![of(table, Some(column))]
            }
            (Some((table, AlterAction::RenameTable { .. })), _) => vec![of(table, None)],
            (None, Change::Drop(drop)) if statement.reading.kind.word() == "drop_table" => {
                drop.names.iter().map(|name| of(name, None)).collect()
            }
            _ => Vec::new(),
        },
        Wish::SplitTable(split) => split.columns.iter().map(|column| of(&split.table, Some(column))).collect(),
        Wish::MergeTables(merge) => vec![of(&merge.from, None)],
        Wish::RemoveEnumValue(_) | Wish::ColumnValue(_) | Wish::Backfill(_) => Vec::new(),
    }
}

pub(super) fn unwritten(planned: &Planned, input: &Input) -> Vec<Unwritten> {
    let is_single = planned.steps.len() == 1;
    let one =
        |reviewed: &Reviewed| Unwritten { name: step_name(&reviewed.step.name, is_single, input), upgrade: reviewed.step.upgrade.python() };
    planned.steps.iter().map(one).collect()
}

/// Tries the code that runs now behind each revision; what fails before the old may go closes the plan.
pub(super) fn survived(output: &mut Output, input: &Input, standing: &Standing, plan: &[Unwritten]) -> Result<(), ToolError> {
    let Some(deployed) = &input.deployed else { return Ok(()) };
    let Some(workshop) = &standing.workshop else {
        return Err(ToolError {
            code: "deployed",
            message: "`deployed` needs a project: raw SQL has no code".to_owned(),
            at: Some("deployed".to_owned()),
            hint: "leave it out, or give `project`".to_owned(),
            retry: false,
        });
    };
    let found = survival(workshop, deployed, plan).map_err(|error| code_in_use::refused(&error))?;
    if let Some((behind, first)) = found.revisions.iter().find_map(|behind| Some((behind, behind.breaks.first()?))) {
        let column = first.column.as_ref().map(|column| format!(".{column}")).unwrap_or_default();
        output.common.notes.push(format!(
            "the code of `{deployed}` works until `{}`: from there on {} by `{}` on `{}{column}` fails ({}); deploy the code that does not need it first",
            behind.name, first.statement, first.class, first.table, first.error
        ));
        let stage = output.revisions.iter().find(|revision| revision.name == behind.name).map(|revision| revision.stage);
        if stage.is_some_and(|stage| stage < Stage::Switch) && output.revisions.len() > 1 {
            output.common.verdict = Verdict::Blocked;
            output.reasons.push("breaks_running_release");
        }
    } else {
        output.common.notes.push(format!(
            "the code of `{deployed}` works behind each revision: {} of {} were tried",
            counted(found.statements, "statement"),
            counted(found.classes, "class")
        ));
    }
    output.common.notes.extend(found.notes.iter().cloned());
    output.deployed = Some(found);
    Ok(())
}

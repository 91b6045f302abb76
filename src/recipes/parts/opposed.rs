//! Two changes of one plan that undo each other.

use crate::recipes::parts::planning::Refusal;
use crate::recipes::parts::wish::{Statement, Wish};
use crate::sql::change::{AlterAction, Change};

/// The first two changes of which one takes back what the other asks for.
#[must_use]
pub fn opposed(wishes: &[Wish]) -> Option<Refusal> {
    let statements: Vec<&Statement> = wishes
        .iter()
        .filter_map(|wish| match wish {
            Wish::Statement(statement) => Some(statement.as_ref()),
            Wish::RemoveEnumValue(_) | Wish::ColumnValue(_) | Wish::Backfill(_) | Wish::SplitTable(_) | Wish::MergeTables(_) => None,
        })
        .collect();
    let mut pairs = statements.iter().enumerate().flat_map(|(n, first)| statements.iter().skip(n + 1).map(move |second| (*first, *second)));
    let what = pairs.find_map(|(first, second)| of_columns(first, second).or_else(|| made_and_gone(first, second)))?;
    Some(Refusal {
        code: "contradiction",
        message: format!("the changes contradict each other: {what}"),
        hint: "leave one of them out, or plan them one after the other".to_owned(),
    })
}

/// A column is asked to be two things.
fn of_columns(first: &Statement, second: &Statement) -> Option<String> {
    let ((table, one), (other_table, other)) = (first.action()?, second.action()?);
    let on = |column: &str| format!("`{}.{column}`", table.shown());
    if table != other_table {
        return None;
    }
    match (one, other) {
        (AlterAction::SetNotNull { column: a }, AlterAction::DropNotNull { column: b })
        | (AlterAction::DropNotNull { column: a }, AlterAction::SetNotNull { column: b })
            if a == b =>
        {
            Some(format!("{} must have a value and may be NULL", on(a)))
        }
        (AlterAction::SetDefault { column: a, .. }, AlterAction::DropDefault { column: b })
        | (AlterAction::DropDefault { column: a }, AlterAction::SetDefault { column: b, .. })
        | (AlterAction::SetDefault { column: a, .. }, AlterAction::SetDefault { column: b, .. })
            if a == b =>
        {
            Some(format!("the default of {} is said twice", on(a)))
        }
        (AlterAction::AlterColumnType { column: a, .. }, AlterAction::AlterColumnType { column: b, .. }) if a == b => {
            Some(format!("the type of {} is said twice", on(a)))
        }
        (AlterAction::AddConstraint(constraint), AlterAction::DropConstraint { name, .. }) if constraint.name.as_ref() == Some(name) => {
            Some(format!("the constraint `{name}` is added and dropped"))
        }
        _ => None,
    }
}

/// Something is made and dropped.
fn made_and_gone(first: &Statement, second: &Statement) -> Option<String> {
    let Change::Drop(drop) = &second.reading.change else { return None };
    let gone = drop.names.first()?;
    let kind = second.reading.kind.word();
    match &first.reading.change {
        Change::CreateTable(create) if kind == "drop_table" && create.name == *gone => {
            Some(format!("the table `{}` is made and dropped", gone.shown()))
        }
        Change::CreateIndex { index, .. } if kind == "drop_index" && index.name.as_ref() == Some(&gone.name) => {
            Some(format!("the index `{}` is made and dropped", gone.name))
        }
        _ => None,
    }
}

//! Drift: what models and chain say differently, with its likely cause, told apart from what was recorded as known.

use serde::Serialize;

use crate::bridge::Difference;
use crate::store::drift::{self, Baseline};
use crate::workshop::{Workshop, WorkshopError};

/// One difference between the models and the schema that the chain makes.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// `users.email`.
    pub object: String,
    /// Alembic's word: `add_column`, `modify_type`, …; `modify_enum` is ours.
    pub kind: String,
    /// What the chain makes.
    pub database: Option<String>,
    /// What the model says.
    pub model: Option<String>,
    /// Where it probably comes from.
    pub likely_cause: &'static str,
    /// It stands in the recorded baseline: it was there before.
    pub known: bool,
}

/// The differences, and whether a baseline is recorded.
#[derive(Debug, Clone, Default)]
pub struct Drift {
    /// All of them, in Alembic's order.
    pub items: Vec<Item>,
    /// A baseline is recorded.
    pub has_baseline: bool,
    /// What should be said of the baseline.
    pub notes: Vec<String>,
}

impl Drift {
    /// Those that nobody recorded.
    pub fn new_ones(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.known)
    }

    /// All differences as a baseline.
    #[must_use]
    pub fn baseline(&self) -> Baseline {
        Baseline { differences: self.items.iter().map(key).collect() }
    }
}

/// Compares the models with a scratch database at the head.
///
/// # Errors
/// No Python, no scratch database, a chain that does not run, an `env.py` without models.
pub fn drift(workshop: &Workshop) -> Result<Drift, WorkshopError> {
    let (databases, _) = workshop.scratch_at("head")?;
    let refs: Vec<_> = databases.iter().collect();
    let lent = workshop.python(&refs)?;
    let compared = lent.lock().bridge.compare()?;
    Ok(told_apart(workshop, &compared.items))
}

/// The differences with what is recorded of them.
#[must_use]
pub fn told_apart(workshop: &Workshop, differences: &[Difference]) -> Drift {
    let mut notes = Vec::new();
    let baseline = Baseline::read(&workshop.workspace.folder).unwrap_or_else(|why| {
        notes.push(format!("{why}; all differences count as new"));
        None
    });
    let is_known = |item: &Item| baseline.as_ref().is_some_and(|baseline| baseline.differences.contains(&key(item)));
    let mut items: Vec<Item> = differences.iter().map(item).collect();
    for item in &mut items {
        item.known = is_known(item);
    }
    Drift { items, has_baseline: baseline.is_some(), notes }
}

fn key(item: &Item) -> drift::Difference {
    drift::Difference { kind: item.kind.clone(), object: item.object.clone(), database: item.database.clone(), model: item.model.clone() }
}

fn item(difference: &Difference) -> Item {
    let parts = [difference.schema.as_deref(), difference.table.as_deref(), difference.name.as_deref()];
    let mut names: Vec<&str> = parts.into_iter().flatten().collect();
    names.dedup();
    let likely_cause = match difference.kind.as_str() {
        "add_table" | "add_column" | "add_index" | "add_constraint" | "add_fk" => "a model was changed and no revision was made of it",
        "remove_table" => "the model is not imported by `env.py`, or it was deleted without a revision",
        "remove_column" | "remove_index" | "remove_constraint" | "remove_fk" => {
            "it was taken out of the model without a revision, or a revision makes it by hand"
        }
        "modify_enum" => "values of the enum were changed in the model; Alembic does not detect it, and no revision was written by hand",
        _ => "the model says something else than the revisions; a type or default may also only be written differently",
    };
    Item {
        object: names.join("."),
        kind: difference.kind.clone(),
        database: difference.before.clone(),
        model: difference.after.clone(),
        likely_cause,
        known: false,
    }
}

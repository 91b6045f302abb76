//! Which differences a project knows of, and what its models have otherwise than its chain.

use crate::bridge::Difference;
use crate::recovery::{self, Item};
use crate::store::StoreError;
use crate::store::drift::{self, Baseline};
use crate::workshop::{Workshop, WorkshopError};

/// What is recorded as known.
#[derive(Debug, Clone, Default)]
pub struct Known {
    baseline: Option<Baseline>,
    /// Why the record does not count.
    pub note: Option<String>,
}

impl Known {
    /// What the project has on record. A record that cannot be read knows nothing.
    #[must_use]
    pub fn of(workshop: &Workshop) -> Self {
        match Baseline::read(&workshop.workspace.folder) {
            Ok(baseline) => Self { baseline, note: None },
            Err(why) => Self { baseline: None, note: Some(format!("{why}; all differences count as new")) },
        }
    }

    /// All of these.
    #[must_use]
    pub fn all(items: &[Item]) -> Self {
        Self { baseline: Some(Baseline { differences: items.iter().map(key).collect() }), note: None }
    }

    /// Records it in the project.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, workshop: &Workshop) -> Result<(), StoreError> {
        self.baseline.iter().try_for_each(|baseline| baseline.write(&workshop.workspace.folder))
    }

    /// This difference was there before.
    #[must_use]
    pub fn has(&self, item: &Item) -> bool {
        self.baseline.as_ref().is_some_and(|baseline| baseline.differences.contains(&key(item)))
    }

    /// Something is on record.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.baseline.is_some()
    }
}

fn key(item: &Item) -> drift::Difference {
    drift::Difference { kind: item.kind.clone(), object: item.object.clone(), database: item.database.clone(), model: item.model.clone() }
}

/// Differences of models and chain as they are told, the known ones marked.
#[must_use]
pub fn told_apart(workshop: &Workshop, differences: &[Difference]) -> Vec<Item> {
    let known = Known::of(workshop);
    let mut items = recovery::drift::of_models(differences);
    for item in &mut items {
        item.known = known.has(item);
    }
    items
}

/// What the models have otherwise than the whole chain, in Alembic's order.
///
/// # Errors
/// No Python, no scratch database, a chain that does not run, an `env.py` without models.
pub fn of_models(workshop: &Workshop) -> Result<Vec<Difference>, WorkshopError> {
    let at = if workshop.workspace.project.graph.real_heads.len() == 1 { "head" } else { "heads" };
    let (databases, _) = workshop.scratch_at(at)?;
    let refs: Vec<_> = databases.iter().collect();
    let lent = workshop.python(&refs)?;
    let compared = lent.lock().bridge.compare()?;
    Ok(compared.items)
}

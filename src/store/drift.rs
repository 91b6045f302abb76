//! The drift that a project knows of: differences between models and chain that stood before, recorded so that new ones
//! show. `<project>/.alembic-gate/drift.json`; nothing secret is in it, it can be committed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::store::StoreError;
use crate::store::folder::{self, NAME as FOLDER};

/// One difference, by what makes it the same again tomorrow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Alembic's word: `add_column`, `modify_type`, …
    pub kind: String,
    /// `users.email`.
    pub object: String,
    /// What the chain makes.
    pub database: Option<String>,
    /// What the model says.
    pub model: Option<String>,
}

/// The differences that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Sorted.
    pub differences: BTreeSet<Difference>,
}

fn path_of(project: &Path) -> PathBuf {
    project.join(FOLDER).join("drift.json")
}

impl Baseline {
    /// What is recorded in the project; `None` where nothing was.
    ///
    /// # Errors
    /// The file is there and is no baseline: where and why.
    pub fn read(project: &Path) -> Result<Option<Self>, String> {
        let path = path_of(project);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                serde_json::from_str(&text).map(Some).map_err(|error| format!("`{FOLDER}/drift.json` is no drift baseline: {error}"))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("`{FOLDER}/drift.json` could not be read: {error}")),
        }
    }

    /// Records it, whole or not at all.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, project: &Path) -> Result<(), StoreError> {
        let path = path_of(project);
        let unwritable = |source| StoreError::Unwritable { path: path.clone(), source };
        let text = serde_json::to_string_pretty(self).map_err(|error| unwritable(error.into()))?;
        std::fs::create_dir_all(project.join(FOLDER)).map_err(unwritable)?;
        folder::write(&path, &(text + "\n"))
    }
}

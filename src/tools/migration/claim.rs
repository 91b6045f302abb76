//! What a caller claims: an id, a block. It says which migration is meant, and nothing of it is believed.

use crate::lifecycle::block::{self, StateBlock};
use crate::lifecycle::identity::MigrationId;
use crate::tools::answer::ToolError;

/// Which migration a caller means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// By its id: the argument, else the block's.
    pub id: Option<MigrationId>,
    /// The block that came along.
    pub block: Option<StateBlock>,
}

impl Claim {
    /// Reads the arguments `migration_id` and `state_block`.
    ///
    /// # Errors
    /// A text that is no id, or no block.
    pub fn of(migration_id: Option<&str>, state_block: Option<&str>) -> Result<Self, ToolError> {
        let refused = |at: &str, message: String, hint: String| ToolError {
            code: "bad_arguments",
            message: format!("`{at}`: {message}"),
            at: Some(at.to_owned()),
            hint,
            retry: false,
        };
        let id = match migration_id.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(text.parse::<MigrationId>().map_err(|error| refused("migration_id", error.to_string(), error.hint()))?),
            None => None,
        };
        let block = match state_block.filter(|text| !text.trim().is_empty()) {
            Some(text) => Some(block::parse(text).map_err(|error| refused("state_block", error.to_string(), error.hint()))?),
            None => None,
        };
        let id = id.or_else(|| block.as_ref().and_then(|block| block.migration_id.clone()));
        Ok(Self { id, block })
    }

    /// True where nobody says which migration is meant.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.id.is_none() && self.block.is_none()
    }

    /// The migration's name, as far as it is claimed.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.id.as_ref().map(MigrationId::name).or_else(|| self.block.as_ref().map(|block| block.migration_name.as_str()))
    }

    /// Where it goes, as far as it is claimed.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.block.as_ref().map(|block| block.target_revision.as_str())
    }
}

//! What a migration is called: stable while its file is edited, safe as the name of a folder.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The longest name that goes into an id.
const LONGEST_NAME: usize = 80;

/// `<migration_name>-<8 hex>`.
// Invariant: lower-case letters, digits and `_`, one `-`, 8 hexadecimal digits: no path leads out of a folder by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MigrationId(String);

/// The text is no migration id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a migration id")]
pub struct IdError {
    /// What was given, clipped.
    pub given: String,
}

impl IdError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        "a migration id looks like `add_user_email_index-1a2b3c4d`; `migration_status` without arguments lists them".to_owned()
    }
}

impl MigrationId {
    /// The id of a migration whose first revision exists.
    #[must_use]
    pub fn of_revision(migration_name: &str, project_name: &str, first_revision: &str) -> Self {
        Self::new(migration_name, Digest::of("migration id", &[project_name.as_bytes(), first_revision.as_bytes()]))
    }

    /// The id of a planned migration, as long as no revision exists.
    #[must_use]
    pub fn of_name(migration_name: &str) -> Self {
        Self::new(migration_name, Digest::of("planned migration id", &[migration_name.as_bytes()]))
    }

    fn new(migration_name: &str, digest: Digest) -> Self {
        Self(format!("{}-{}", snake(migration_name), digest.short()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The migration's name, as it stands in the id.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once('-').map_or(self.0.as_str(), |(name, _)| name)
    }
}

/// A message as a name: `Add user's e-mail` → `add_user_s_e_mail`; never empty, at most 80 characters.
#[must_use]
pub fn snake(message: &str) -> String {
    let mut name = String::new();
    for character in message.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            name.push(character);
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name: String = name.chars().take(LONGEST_NAME).collect();
    let name = name.trim_end_matches('_');
    if name.is_empty() { "migration".to_owned() } else { name.to_owned() }
}

impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MigrationId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let fits = text.rsplit_once('-').is_some_and(|(name, digits)| {
            (1..=LONGEST_NAME).contains(&name.len())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
                && digits.len() == 8
                && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        });
        if fits { Ok(Self(text.to_owned())) } else { Err(IdError { given: crate::secret::redacted(text).chars().take(80).collect() }) }
    }
}

impl From<MigrationId> for String {
    fn from(id: MigrationId) -> Self {
        id.0
    }
}

impl TryFrom<String> for MigrationId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

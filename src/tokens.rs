//! Tokens for HTTP: names, rights and digests in a file that only its owner may read; the tokens themselves are nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Names the file.
pub const FILE_VARIABLE: &str = "ALEMBIC_GATE_TOKENS_FILE";

/// What a caller may do; each tool needs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Read, judge and search.
    Read,
    /// Run migrations on scratch databases and write revision files.
    Test,
    /// Apply to an environment.
    Apply,
}

impl Right {
    /// All rights.
    pub const ALL: [Self; 3] = [Self::Read, Self::Test, Self::Apply];

    /// The word of the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Test => "test",
            Self::Apply => "apply",
        }
    }
}

impl std::str::FromStr for Right {
    type Err = TokenError;

    fn from_str(word: &str) -> Result<Self, TokenError> {
        Self::ALL.into_iter().find(|right| right.word() == word).ok_or_else(|| TokenError::NoSuchRight { word: word.to_owned() })
    }
}

/// The tokens of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    digest: [u8; 32],
    rights: BTreeSet<Right>,
}

/// A caller known by token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The token's name.
    pub name: String,
    /// What it may do.
    pub rights: BTreeSet<Right>,
}

/// The tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the tokens file `{}` could not be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read it.
    #[error("the tokens file `{}` may be read by others than its owner (mode {mode:03o})", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no TOML, or says what we do not know.
    #[error("the tokens file `{}` is not understood: {}", .path.display(), .source.message())]
    NotUnderstood {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A digest that is none.
    #[error("`tokens.{name}.sha256` is not 64 hexadecimal digits")]
    NoDigest {
        /// The token's name.
        name: String,
    },
    /// A token without rights, or a file without tokens.
    #[error("the tokens file `{}` gives nobody a right", .path.display())]
    Nobody {
        /// The file.
        path: PathBuf,
    },
    /// A right that does not exist.
    #[error("there is no right `{word}`")]
    NoSuchRight {
        /// The word.
        word: String,
    },
    /// A name that cannot stand in the file or in a log.
    #[error("`{name}` is no name for a token")]
    NoName {
        /// The name.
        name: String,
    },
    /// The system gives no random bytes.
    #[error("the system gave no random bytes: {why}")]
    NoRandomness {
        /// Why.
        why: String,
    },
}

impl TokenError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => format!("name an existing file in `{FILE_VARIABLE}`"),
            Self::Open { path, .. } => format!("`chmod 600 {}`", path.display()),
            Self::NotUnderstood { .. } | Self::NoDigest { .. } | Self::Nobody { .. } => {
                "`alembic-gate token NAME --rights read,test` prints an entry".to_owned()
            }
            Self::NoSuchRight { .. } => "the rights are read, test and apply".to_owned(),
            Self::NoName { .. } => "use up to 64 letters, digits, `-` and `_`".to_owned(),
            Self::NoRandomness { .. } => "try again".to_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tokens: BTreeMap<String, FileEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    sha256: String,
    rights: BTreeSet<Right>,
}

impl Tokens {
    /// Reads a tokens file.
    ///
    /// # Errors
    /// A file that others may read, that is not in the form, or that gives nobody a right.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let unreadable = |source| TokenError::Unreadable { path: path.to_owned(), source };
        only_for_its_owner(path)?;
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let file: File =
            toml::from_str(&text).map_err(|source| TokenError::NotUnderstood { path: path.to_owned(), source: Box::new(source) })?;
        let mut entries = Vec::new();
        for (name, entry) in file.tokens {
            if !is_name(&name) {
                return Err(TokenError::NoName { name });
            }
            let Some(digest) = digest_from_hex(&entry.sha256) else { return Err(TokenError::NoDigest { name }) };
            entries.push(Entry { name, digest, rights: entry.rights });
        }
        if entries.iter().all(|entry| entry.rights.is_empty()) {
            return Err(TokenError::Nobody { path: path.to_owned() });
        }
        Ok(Self { entries })
    }

    /// Who presents this token. Takes the same time whether and where it differs.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Option<Bearer> {
        let presented: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for entry in &self.entries {
            let differing = entry.digest.iter().zip(presented).fold(0_u8, |bits, (known, given)| bits | (known ^ given));
            if std::hint::black_box(differing) == 0 {
                found = Some(entry);
            }
        }
        found.map(|entry| Bearer { name: entry.name.clone(), rights: entry.rights.clone() })
    }
}

/// A new token, and its entry for the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The token: shown once.
    pub token: String,
    /// The TOML entry that knows its digest.
    pub entry: String,
}

/// Makes a token of 256 random bits.
///
/// # Errors
/// A name that cannot stand in the file; a system without random bytes.
pub fn new_token(name: &str, rights: &BTreeSet<Right>) -> Result<NewToken, TokenError> {
    if !is_name(name) {
        return Err(TokenError::NoName { name: name.to_owned() });
    }
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| TokenError::NoRandomness { why: error.to_string() })?;
    let token = format!("agt_{}", hex(&bytes));
    let rights = rights.iter().map(|right| format!("{:?}", right.word())).collect::<Vec<_>>().join(", ");
    let digest = hex(&<[u8; 32]>::from(Sha256::digest(token.as_bytes())));
    let entry = format!("[tokens.{name}]\nsha256 = \"{digest}\"\nrights = [{rights}]\n");
    Ok(NewToken { token, entry })
}

/// A name for a token or a project: it stands in files, logs and arguments.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn digest_from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..32).map(|n| u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(unix)]
fn only_for_its_owner(path: &Path) -> Result<(), TokenError> {
    use std::os::unix::fs::MetadataExt;
    let about = path.metadata().map_err(|source| TokenError::Unreadable { path: path.to_owned(), source })?;
    let mode = about.mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(TokenError::Open { path: path.to_owned(), mode }) }
}

/// Elsewhere the rights of a file are not ours to read: the owner sees to them.
#[cfg(not(unix))]
fn only_for_its_owner(_path: &Path) -> Result<(), TokenError> {
    Ok(())
}

//! `alembic-gate.toml`, beside `alembic.ini` or above the working folder; all of it optional.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::digest::Digest;
use crate::finding::Severity;
use crate::lifecycle::approval::Tier;
use crate::lifecycle::canonical::canonical;
use crate::rules;

/// The file's name.
pub const FILE: &str = "alembic-gate.toml";

/// What the file may say. Sections that other parts read are kept as they are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where Python, the ini file and the section are.
    pub project: toml::Table,
    /// Named environments.
    pub environments: toml::Table,
    /// Servers on which we may create databases of our own.
    pub dev_servers: toml::Table,
    /// Severities of rules.
    pub rules: BTreeMap<String, RuleSetting>,
    /// Levels of approval.
    pub policy: toml::Table,
}

/// An environment that a migration can be applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// How serious it is: production, unless the file says otherwise.
    pub tier: Tier,
    /// Its name and everything the file says of it: an approval holds for this and nothing else.
    pub definition: Digest,
}

/// A rule's severity in this project, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSetting {
    /// `error`, `warning`, `notice`.
    pub severity: Severity,
    /// Why: a severity without a reason is refused.
    pub because: String,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("`{}` could not be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML, or says what we do not know.
    #[error("`{}` is not understood: {}", .path.display(), .source.message())]
    NotUnderstood {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A rule that does not exist.
    #[error("`{}` names a rule `{rule}` that does not exist", .path.display())]
    NoSuchRule {
        /// The file.
        path: PathBuf,
        /// The name.
        rule: String,
    },
    /// A severity without a reason.
    #[error("`{}` changes rule `{rule}` without a reason", .path.display())]
    NoReason {
        /// The file.
        path: PathBuf,
        /// The rule.
        rule: String,
    },
}

impl ConfigError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } => "check the file's rights".to_owned(),
            Self::NotUnderstood { source, .. } => format!("{source}"),
            Self::NoSuchRule { .. } => "`alembic-gate rules` lists them".to_owned(),
            Self::NoReason { rule, .. } => format!("write `{rule} = {{ severity = \"notice\", because = \"…\" }}`"),
        }
    }
}

impl Config {
    /// The configuration that holds in `folder`: its own file, or the nearest above it.
    ///
    /// # Errors
    /// The file is there and cannot be used.
    pub fn found_from(folder: &Path) -> Result<Self, ConfigError> {
        for above in folder.ancestors() {
            let path = above.join(FILE);
            if path.is_file() {
                return Self::read(&path);
            }
            if above.join(".git").exists() {
                break;
            }
        }
        Ok(Self::default())
    }

    /// Reads one file.
    ///
    /// # Errors
    /// It cannot be read, is not understood, or names what does not exist.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let path = path.to_owned();
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
        let config: Self =
            toml::from_str(&text).map_err(|source| ConfigError::NotUnderstood { path: path.clone(), source: Box::new(source) })?;
        let known = rules::by_name();
        for (rule, setting) in &config.rules {
            if !known.contains_key(rule.as_str()) {
                return Err(ConfigError::NoSuchRule { path, rule: rule.clone() });
            }
            if setting.because.trim().is_empty() {
                return Err(ConfigError::NoReason { path, rule: rule.clone() });
            }
        }
        Ok(config)
    }

    /// An environment, as the file defines it; `None` where it names no such one.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<Environment> {
        let table = self.environments.get(name)?.as_table()?;
        let tier = match table.get("tier").and_then(toml::Value::as_str) {
            Some("dev") => Tier::Dev,
            Some("staging") => Tier::Staging,
            _ => Tier::Production,
        };
        let text = canonical(&serde_json::to_value(table).unwrap_or_default());
        Some(Environment { name: name.to_owned(), tier, definition: Digest::of("environment", &[name.as_bytes(), text.as_bytes()]) })
    }

    /// Severities by rule.
    #[must_use]
    pub fn severities(&self) -> BTreeMap<String, Severity> {
        self.rules.iter().map(|(rule, setting)| (rule.clone(), setting.severity)).collect()
    }
}

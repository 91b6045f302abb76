//! `alembic-gate.toml`, beside `alembic.ini` or above the working folder; all of it optional.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::dialect::{Production, ServerVersion};
use crate::digest::Digest;
use crate::finding::Severity;
use crate::lifecycle::approval::{Level, Tier};
use crate::lifecycle::canonical::canonical;
use crate::project::{Downgrades, Heads};
use crate::rules;

/// The file's name.
pub const FILE: &str = "alembic-gate.toml";

/// What the file may say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where Python, the ini file and the section are, and what the chain should be.
    pub project: ProjectSettings,
    /// Named environments.
    pub environments: BTreeMap<String, Environment>,
    /// Servers on which we may create databases of our own.
    pub dev_servers: BTreeMap<String, DevServer>,
    /// Severities of rules.
    pub rules: BTreeMap<String, RuleSetting>,
    /// Levels of approval.
    pub policy: Policy,
}

/// `[project]`: what is guessed where it is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectSettings {
    /// The Python that runs Alembic, from the file's folder: `.venv/bin/python`.
    pub python: Option<PathBuf>,
    /// The ini file or `pyproject.toml`, from the file's folder.
    pub config: Option<PathBuf>,
    /// The section of the ini file, as Alembic's `--name`.
    pub section: Option<String>,
    /// In which thread `env.py` is run.
    pub runner: Runner,
    /// Python that is run before `env.py`, from the file's folder.
    pub hook: Option<PathBuf>,
    /// Environment variables for `env.py`; `{scratch_url}` stands for the URL of the scratch database.
    pub env: BTreeMap<String, String>,
    /// The heads that the chain should have: a number, or branch labels. Nothing: one, or one for each label.
    pub heads: Option<Heads>,
    /// Whether revisions must be able to go back. Nothing: a missing way back is a warning.
    pub downgrades: Option<Downgrades>,
}

/// In which thread `env.py` is run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runner {
    /// In the main thread.
    #[default]
    Plain,
    /// In a worker thread of an event loop, for an `env.py` that asks for one.
    Thread,
}

/// `[environments.<name>]`: a database that runs for others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// How much depends on it.
    pub tier: Tier,
    /// The environment variable that holds the URL for `apply_migration`.
    #[serde(default)]
    pub url_env: Option<String>,
    /// The environment variable that holds a read-only URL for `migration_status`.
    #[serde(default)]
    pub read_url_env: Option<String>,
    /// The server it runs on.
    #[serde(default, deserialize_with = "server")]
    pub server: Option<Production>,
}

/// An environment that a migration can be applied to, as an approval names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEnvironment {
    /// Its name.
    pub name: String,
    /// How serious it is.
    pub tier: Tier,
    /// Its name and everything the file says of it: an approval holds for this and nothing else.
    pub definition: Digest,
}

/// `[dev_servers.<name>]`: a server on which we may create and drop databases of our own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevServer {
    /// The environment variable that holds its URL.
    pub url_env: String,
}

/// `[policy]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Who must approve what.
    pub level: Levels,
}

/// The level of approval that is asked for, by data-loss risk and for production; the highest that fits holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Levels {
    /// Nothing is lost.
    pub none: Level,
    /// A guarantee goes.
    pub low: Level,
    /// Values are overwritten.
    pub medium: Level,
    /// Rows, columns or tables go.
    pub high: Level,
    /// The environment's tier is `production`.
    pub production: Level,
}

impl Default for Levels {
    fn default() -> Self {
        Self { none: Level::L0, low: Level::L0, medium: Level::L2, high: Level::L2, production: Level::L2 }
    }
}

/// A server as an approval names it.
fn said_of(said: &Production) -> String {
    let encoding = said.encoding();
    if encoding.is_default() { said.server().to_string() } else { format!("{}, {encoding}", said.server()) }
}

/// `{ dialect = "postgresql", version = "16", charset = "UTF8", collation = "C" }`; all but the dialect may be left out.
fn server<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Production>, D::Error> {
    use serde::de::Error;
    let said = Production::deserialize(from)?;
    if let Some(version) = &said.version {
        version.parse::<ServerVersion>().map_err(D::Error::custom)?;
    }
    if let Some(name) = said.encoding().strange_name() {
        return Err(D::Error::custom(format!("`{name}` is no name of a character set or collation")));
    }
    Ok(Some(said))
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
    /// A URL where the name of a variable belongs, or a `url` at all.
    #[error("`{}` holds a URL in `{at}`", .path.display())]
    HoldsUrl {
        /// The file.
        path: PathBuf,
        /// The key; its value is never shown.
        at: String,
    },
    /// A name that no environment variable has.
    #[error("`{}` names no environment variable in `{at}`", .path.display())]
    NoVariable {
        /// The file.
        path: PathBuf,
        /// The key.
        at: String,
    },
    /// No head, or one label twice.
    #[error("`{}` expects heads that no chain has: {why}", .path.display())]
    NoHeads {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
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
            // The parser shows the line, which may hold a secret.
            Self::NotUnderstood { source, .. } => crate::secret::redacted(&source.to_string()),
            Self::NoSuchRule { .. } => "`alembic-gate rules` lists them".to_owned(),
            Self::HoldsUrl { .. } => {
                "put the URL into an environment variable and name that: `url_env = \"PROD_URL\"`; in `[project] env`, `{scratch_url}` stands for the scratch database".to_owned()
            }
            Self::NoVariable { .. } => "write letters, digits and `_`, for example `url_env = \"PROD_URL\"`".to_owned(),
            Self::NoHeads { .. } => "write `heads = 1`, or the branch labels: `heads = [\"expand\", \"contract\"]`".to_owned(),
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
        Self::of(&text, path)
    }

    /// Reads a text; `path` is for messages.
    ///
    /// # Errors
    /// As `read`.
    pub fn of(text: &str, path: PathBuf) -> Result<Self, ConfigError> {
        let not_understood = |source| ConfigError::NotUnderstood { path: path.clone(), source: Box::new(source) };
        let table: toml::Table = toml::from_str(text).map_err(not_understood)?;
        // Before anything else, so that no message shows it.
        if let Some(at) = url_in(&table, "") {
            return Err(ConfigError::HoldsUrl { path, at });
        }
        let config: Self = toml::from_str(text).map_err(not_understood)?;
        config.check_names(&path)?;
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

    fn check_names(&self, path: &Path) -> Result<(), ConfigError> {
        let environments = self.environments.iter().flat_map(|(name, environment)| {
            [("url_env", &environment.url_env), ("read_url_env", &environment.read_url_env)]
                .into_iter()
                .filter_map(move |(key, value)| Some((format!("environments.{name}.{key}"), value.as_deref()?)))
        });
        let servers = self.dev_servers.iter().map(|(name, server)| (format!("dev_servers.{name}.url_env"), server.url_env.as_str()));
        let variables = self.project.env.keys().map(|name| (format!("project.env.{name}"), name.as_str()));
        if let Some((at, _)) = environments.chain(servers).chain(variables).find(|(_, name)| !is_variable(name)) {
            return Err(ConfigError::NoVariable { path: path.to_owned(), at });
        }
        let why = match &self.project.heads {
            Some(Heads::Count(0)) => "a chain has at least one head",
            Some(Heads::Labels(labels)) if labels.is_empty() => "no label is named",
            Some(Heads::Labels(labels))
                if labels.iter().enumerate().any(|(n, label)| labels.iter().take(n).any(|other| other == label)) =>
            {
                "a label is named twice"
            }
            Some(Heads::Count(_) | Heads::Labels(_)) | None => return Ok(()),
        };
        Err(ConfigError::NoHeads { path: path.to_owned(), why })
    }

    /// What production is declared to run: the server of the first environment of its tier that names one.
    #[must_use]
    pub fn production(&self) -> Option<&Production> {
        let of_tier = self.environments.values().filter(|environment| environment.tier == Tier::Production);
        of_tier.filter_map(|environment| environment.server.as_ref()).next()
    }

    /// An environment as an approval names it; `None` where the file has no such one.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<NamedEnvironment> {
        let environment = self.environments.get(name)?;
        let text = canonical(&serde_json::json!({
            "tier": environment.tier,
            "url_env": environment.url_env,
            "read_url_env": environment.read_url_env,
            "server": environment.server.as_ref().map(said_of),
        }));
        let definition = Digest::of("environment", &[name.as_bytes(), text.as_bytes()]);
        // A second name for what another environment's variable holds makes it no less serious.
        let same = self.environments.values().filter(|other| other.url_env.is_some() && other.url_env == environment.url_env);
        let tier = same.map(|other| other.tier).fold(environment.tier, Tier::max);
        Some(NamedEnvironment { name: name.to_owned(), tier, definition })
    }

    /// Severities by rule.
    #[must_use]
    pub fn severities(&self) -> BTreeMap<String, Severity> {
        self.rules.iter().map(|(rule, setting)| (rule.clone(), setting.severity)).collect()
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The key of a value that is the URL of a database, or any with a login. Reasons of rules may say what they want.
fn url_in(table: &toml::Table, above: &str) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let at = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            toml::Value::String(text) if key == "url" || (key != "because" && is_database_url(text)) => Some(at),
            toml::Value::Table(inner) => url_in(inner, &at),
            toml::Value::Array(values) => values.iter().any(|value| value.as_str().is_some_and(is_database_url)).then_some(at),
            _ => None,
        }
    })
}

/// `postgresql+asyncpg://…`, `sqlite:///…`; any other scheme with a login in front of `@`.
fn is_database_url(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let scheme =
            before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c))).next().unwrap_or_default().to_ascii_lowercase();
        let server = scheme.split('+').next().unwrap_or_default();
        let authority = text.get(at + 3..).unwrap_or_default().split('/').next().unwrap_or_default();
        let is_database = ["postgres", "postgresql", "mysql", "mariadb", "sqlite", "mssql", "oracle", "cockroachdb"].contains(&server);
        is_database || authority.contains('@')
    })
}

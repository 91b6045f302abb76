//! The prompts: one text a phase, and one for each way back from trouble. They tell an agent what to call, in which order.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// A prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its name: the file's stem.
    pub name: String,
    /// A title for people.
    pub title: String,
    /// When it is the right one.
    pub description: String,
    /// What it takes.
    pub arguments: Vec<Argument>,
    /// The text, with `{{argument}}` where an argument goes.
    pub body: String,
}

/// What a prompt takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// What it means, with an example.
    pub description: String,
    /// What stands in its place where it is not given; none: it must be given.
    #[serde(default)]
    pub absent: Option<String>,
}

/// A prompt cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// No front matter, or it does not end.
    #[error("prompt `{name}` has no front matter between `+++` lines")]
    NoFrontMatter {
        /// The prompt.
        name: String,
    },
    /// The front matter is no TOML, or says what we do not know.
    #[error("the front matter of prompt `{name}` is not understood: {}", .source.message())]
    FrontMatter {
        /// The prompt.
        name: String,
        /// Where and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// An argument that must be given.
    #[error("prompt `{name}` needs `{argument}`")]
    Missing {
        /// The prompt.
        name: String,
        /// The argument.
        argument: String,
    },
    /// An argument that the prompt does not take.
    #[error("prompt `{name}` takes no `{argument}`; it takes: {known}")]
    Unknown {
        /// The prompt.
        name: String,
        /// The argument.
        argument: String,
        /// Those it takes.
        known: String,
    },
    /// An argument that is longer than a prompt.
    #[error("`{argument}` of prompt `{name}` is longer than {MOST_CHARACTERS} characters")]
    TooLong {
        /// The prompt.
        name: String,
        /// The argument.
        argument: String,
    },
}

/// Longer arguments are refused.
pub const MOST_CHARACTERS: usize = 4_000;

macro_rules! texts {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../prompts/", $name, ".md")))),*] };
}

/// All prompts, in the order in which they are listed.
pub const TEXTS: &[(&str, &str)] = texts![
    "plan",
    "generate",
    "review_sql",
    "test_rollback",
    "apply",
    "complete",
    "resume_migration",
    "recover_drift",
    "recover_half_applied",
    "recover_downgrade",
];

/// All prompts, read at the first call.
///
/// # Errors
/// A text that is not in the form.
pub fn prompts() -> Result<&'static [Prompt], &'static PromptError> {
    static PROMPTS: OnceLock<Result<Vec<Prompt>, PromptError>> = OnceLock::new();
    PROMPTS.get_or_init(|| TEXTS.iter().map(|(name, text)| Prompt::read(name, text)).collect()).as_ref().map(Vec::as_slice)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontMatter {
    title: String,
    description: String,
    #[serde(default)]
    arguments: Vec<Argument>,
}

impl Prompt {
    /// Reads a prompt: TOML between `+++` lines, then the text.
    ///
    /// # Errors
    /// It is not in the form.
    pub fn read(name: &str, text: &str) -> Result<Self, PromptError> {
        let no_front_matter = || PromptError::NoFrontMatter { name: name.to_owned() };
        let rest = text.strip_prefix("+++\n").ok_or_else(no_front_matter)?;
        let (front, body) = rest.split_once("\n+++\n").ok_or_else(no_front_matter)?;
        let front: FrontMatter =
            toml::from_str(front).map_err(|source| PromptError::FrontMatter { name: name.to_owned(), source: Box::new(source) })?;
        Ok(Self {
            name: name.to_owned(),
            title: front.title,
            description: front.description,
            arguments: front.arguments,
            body: body.trim().to_owned(),
        })
    }

    /// The text with the arguments in their places.
    ///
    /// # Errors
    /// An argument that is missing, unknown or too long.
    pub fn filled(&self, given: &BTreeMap<String, String>) -> Result<String, PromptError> {
        let name = self.name.clone();
        if let Some(argument) = given.keys().find(|key| !self.arguments.iter().any(|argument| argument.name == **key)) {
            return Err(PromptError::Unknown { name, argument: argument.clone(), known: self.known() });
        }
        let mut values = BTreeMap::new();
        for argument in &self.arguments {
            let value = given.get(&argument.name).map(|value| value.trim()).filter(|value| !value.is_empty());
            if value.is_some_and(|value| value.chars().count() > MOST_CHARACTERS) {
                return Err(PromptError::TooLong { name, argument: argument.name.clone() });
            }
            let Some(value) = value.or(argument.absent.as_deref()) else {
                return Err(PromptError::Missing { name, argument: argument.name.clone() });
            };
            values.insert(argument.name.as_str(), value);
        }
        Ok(with_values(&self.body, &values))
    }

    fn known(&self) -> String {
        self.arguments.iter().map(|argument| argument.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Puts values into their places, once: what a value holds is never a place.
fn with_values(body: &str, values: &BTreeMap<&str, &str>) -> String {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let place = after.split_once("}}").and_then(|(name, behind)| Some((values.get(name)?, behind)));
        match place {
            Some((value, behind)) => {
                text.push_str(value);
                rest = behind;
            }
            None => {
                text.push_str("{{");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

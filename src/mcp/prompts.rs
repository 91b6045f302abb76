//! The prompts as the protocol lists and gives them.

use std::collections::BTreeMap;

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, JsonObject, Prompt as McpPrompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

use crate::prompts::{Prompt, PromptError, prompts};
use crate::tools::answer::clipped;

fn all() -> Result<&'static [Prompt], ErrorData> {
    prompts().map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// All prompts.
///
/// # Errors
/// A prompt of ours is not in the form.
pub fn list() -> Result<Vec<McpPrompt>, ErrorData> {
    Ok(all()?.iter().map(listed).collect())
}

fn listed(prompt: &Prompt) -> McpPrompt {
    let arguments = prompt.arguments.iter().map(|argument| {
        PromptArgument::new(&argument.name).with_description(&argument.description).with_required(argument.absent.is_none())
    });
    McpPrompt::new(&prompt.name, Some(&prompt.description), Some(arguments.collect())).with_title(&prompt.title)
}

/// A prompt with its arguments in their places.
///
/// # Errors
/// There is no such prompt; an argument is missing or unknown.
pub fn get(name: &str, arguments: Option<&JsonObject>) -> Result<GetPromptResult, ErrorData> {
    let prompt = named(name)?;
    let text = prompt.filled(&texts(arguments)).map_err(|error: PromptError| ErrorData::invalid_params(error.to_string(), None))?;
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(&prompt.description))
}

/// The prompt called `name`.
///
/// # Errors
/// There is none: the names of all.
pub fn named(name: &str) -> Result<&'static Prompt, ErrorData> {
    let all = all()?;
    all.iter().find(|prompt| prompt.name == name).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|prompt| prompt.name.as_str()).collect();
        ErrorData::invalid_params(format!("there is no prompt `{}`; there are: {}", clipped(name, 80), names.join(", ")), None)
    })
}

/// Arguments as texts: the protocol has no others, some clients send numbers and null.
fn texts(arguments: Option<&JsonObject>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    arguments.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

//! The product as functions: one file a tool with its `Input`, its `Output` and `run`.
//!
//! The command line and the server call the same functions with the same inputs and print the same outputs.

pub mod answer;
pub mod classify_risk;
pub mod review_sql;
pub mod search_knowledge;
pub mod source;

use serde_json::Value;

use crate::tools::answer::{Answer, ToolError};

/// What a tool may touch: the four annotations of MCP are derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    /// Nothing but its own record.
    OwnRecord,
    /// Nothing at all.
    Nothing,
}

impl Touches {
    /// MCP's `readOnlyHint`.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::OwnRecord | Self::Nothing)
    }
}

/// A tool as the surfaces see it.
#[derive(Clone, Copy)]
pub struct Tool {
    /// Its name in MCP; the subcommand has dashes for underscores.
    pub name: &'static str,
    /// A title for people.
    pub title: &'static str,
    /// What it is for and when to call it: read by agents.
    pub description: &'static str,
    /// What it may touch.
    pub touches: Touches,
    /// The JSON schema of its input.
    pub input_schema: fn() -> Value,
    /// The JSON schema of its output: the top-level fields with their types.
    pub output_schema: fn() -> Value,
    /// Runs it on JSON arguments.
    pub call: fn(Value) -> Answer,
}

/// All tools, in the order in which they are listed.
pub const TOOLS: &[Tool] = &[review_sql::TOOL, classify_risk::TOOL, search_knowledge::TOOL];

/// The tool called `name`, with underscores or dashes.
#[must_use]
pub fn tool(name: &str) -> Option<&'static Tool> {
    let name = name.replace('-', "_");
    TOOLS.iter().find(|tool| tool.name == name)
}

/// Arguments as a tool's input, or the answer that says what is wrong with them.
pub(crate) fn parsed<T: serde::de::DeserializeOwned>(tool: &str, arguments: Value) -> Result<T, Box<Answer>> {
    // Some clients send the arguments as a string that holds the object.
    let arguments = match arguments {
        Value::Null => Value::Object(serde_json::Map::new()),
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other,
    };
    serde_json::from_value(arguments).map_err(|error| {
        let message = error.to_string();
        Box::new(Answer::failed(ToolError {
            code: "bad_arguments",
            message: format!("the arguments of `{tool}` were not understood: {message}"),
            at: None,
            hint: format!("see `alembic-gate {} --help`, or the tool's input schema", tool.replace('_', "-")),
            retry: false,
        }))
    })
}

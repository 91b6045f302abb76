//! The product as functions: one file a tool with its `Input`, its `Output` and `run`.
//!
//! The command line and the server call the same functions with the same inputs and print the same outputs.

pub mod answer;
pub mod apply_migration;
pub mod call;
pub mod classify_risk;
pub mod code_in_use;
mod differs;
pub mod drift;
pub mod generate_migration;
pub mod long_run;
pub mod migration;
pub mod migration_status;
pub mod plan_migration;
pub mod project_input;
pub mod question;
pub mod remote;
pub mod report;
pub mod resources;
pub mod review_sql;
mod rollback_place;
pub mod schema;
pub mod search_knowledge;
pub mod source;
pub mod suggestions;
pub mod test_rollback;

use serde_json::Value;

use crate::tokens::Right;
use crate::tools::answer::{Answer, ToolError};
use crate::tools::call::Call;

/// What a tool may touch: the four annotations of MCP and the right that a caller over HTTP needs are derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touches {
    /// Nothing at all.
    Nothing,
    /// Nothing but its own record, and a scratch database that it makes and drops.
    OwnRecord,
    /// The same, and it runs the migration there.
    Scratch,
    /// One new file in the project.
    RevisionFile,
    /// An environment of the user's.
    Environment,
}

impl Touches {
    /// MCP's `readOnlyHint`.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::Nothing | Self::OwnRecord | Self::Scratch)
    }

    /// MCP's `destructiveHint`: what is there may be changed or gone.
    #[must_use]
    pub const fn may_destroy(self) -> bool {
        matches!(self, Self::Environment)
    }

    /// MCP's `idempotentHint`: a second call with the same arguments changes nothing more.
    #[must_use]
    pub const fn is_idempotent(self) -> bool {
        !matches!(self, Self::RevisionFile)
    }

    /// MCP's `openWorldHint`: it reaches what lies outside of the project and of our own databases.
    #[must_use]
    pub const fn is_open_world(self) -> bool {
        matches!(self, Self::Environment)
    }

    /// The right that a caller over HTTP needs.
    #[must_use]
    pub const fn right(self) -> Right {
        match self {
            Self::Nothing | Self::OwnRecord => Right::Read,
            Self::Scratch | Self::RevisionFile => Right::Test,
            Self::Environment => Right::Apply,
        }
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
    /// Runs it on JSON arguments, for a caller who may go away.
    pub call: fn(Value, &Call<'_>) -> Answer,
}

/// All tools, in the order in which they are listed.
pub const TOOLS: &[Tool] = &[
    plan_migration::TOOL,
    review_sql::TOOL,
    classify_risk::TOOL,
    test_rollback::TOOL,
    apply_migration::TOOL,
    migration_status::TOOL,
    generate_migration::TOOL,
    search_knowledge::TOOL,
];

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

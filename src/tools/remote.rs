//! What a caller over HTTP may give as arguments: names and texts, never a path, a URL or a connection string.

use serde_json::{Map, Value};

use crate::tokens::is_name;
use crate::tools::answer::{ToolError, clipped};

/// Arguments that hold text of any form: SQL, questions, words.
const TEXTS: &[&str] =
    &["sql", "downgrade_sql", "setup_sql", "seed_sql", "seed_after_upgrade_sql", "query", "q", "question", "intent", "state_block"];

/// Arguments that name something that the server was configured with.
const NAMES: &[&str] = &["project", "database", "environment", "section"];

/// Arguments that name a file of the project: the server knows its own.
const FILES: &[&str] = &["config"];

/// Why a caller over HTTP may not give these arguments; none: it may.
#[must_use]
pub fn refusal(arguments: &Map<String, Value>) -> Option<ToolError> {
    arguments.iter().find_map(|(name, value)| {
        let name = name.as_str();
        if TEXTS.contains(&name) {
            return None;
        }
        if FILES.contains(&name) && !value.is_null() {
            return Some(refused(name, "names a file", "leave it out: `alembic-gate.toml` of the project says it"));
        }
        let is_bad = if NAMES.contains(&name) { |text: &str| !is_name(text) } else { is_place };
        strings(value).find(|text| is_bad(text)).map(|text| {
            let what = format!("is `{}`, which is a path, a URL or no name", clipped(text, 80));
            refused(name, &what, "over HTTP give the name of something that the server was started with")
        })
    })
}

/// The strings in a value that stand in it directly or in a list; a structure says what it holds by its own names.
fn strings(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::String(text) => Box::new(std::iter::once(text.as_str())),
        Value::Array(values) => Box::new(values.iter().filter_map(Value::as_str)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Box::new(std::iter::empty()),
    }
}

/// A path, a URL or a connection string.
fn is_place(text: &str) -> bool {
    let text = text.trim();
    let has_drive = text.get(1..3).is_some_and(|rest| rest == ":\\" || rest == ":/");
    let has_step_up = text.split(['/', '\\']).any(|part| part == "..");
    text.starts_with(['/', '~', '\\'])
        || text.starts_with("./")
        || text.contains("://")
        || text.starts_with("file:")
        || has_drive
        || has_step_up
}

fn refused(name: &str, what: &str, hint: &str) -> ToolError {
    ToolError { code: "not_over_http", message: format!("`{name}` {what}"), at: Some(name.to_owned()), hint: hint.to_owned(), retry: false }
}

//! What every answer carries, and how it is cut to fit.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::lifecycle::block::TAG;
use crate::lifecycle::state::Override;
use crate::secret::{redacted, secrets};

/// The outcome in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing but notices.
    Pass,
    /// Warnings.
    Warn,
    /// An error finding, or a closed gate.
    Blocked,
    /// What was run did not work.
    Failed,
}

impl Verdict {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }
}

/// A tool could not do its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToolError {
    /// A stable word.
    pub code: &'static str,
    /// What was attempted and what went wrong.
    pub message: String,
    /// Where: a file, an argument.
    #[serde(rename = "where")]
    pub at: Option<String>,
    /// What to do.
    pub hint: String,
    /// Trying again may help.
    pub retry: bool,
}

/// A call that is ready to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NextCall {
    /// The tool.
    pub tool: &'static str,
    /// Its arguments.
    pub args: Value,
    /// Why it is next.
    pub why: String,
}

/// What all outputs have in common.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Common {
    /// The outcome.
    pub verdict: Verdict,
    /// Complete on its own, at most 400 characters.
    pub summary: String,
    /// Raw SQL belongs to no migration: null.
    pub state: Option<Value>,
    /// The state as text: null for raw SQL.
    pub state_block: Option<String>,
    /// Where a block that came along says something else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub state_overrides: Vec<Override>,
    /// At most two calls that make sense now.
    pub next: Vec<NextCall>,
    /// What was taken for granted.
    pub assumed: Vec<String>,
    /// What else should be known.
    pub notes: Vec<String>,
    /// Queries for the reference docs.
    pub suggested_queries: Vec<String>,
    /// What was cut, with the call that goes on.
    pub truncated: Option<Value>,
}

impl Common {
    /// An outcome and its sentence; the rest is empty.
    #[must_use]
    pub fn of(verdict: Verdict, summary: &str) -> Self {
        Self {
            verdict,
            summary: clipped(summary, MAX_SUMMARY),
            state: None,
            state_block: None,
            state_overrides: Vec::new(),
            next: Vec::new(),
            assumed: Vec::new(),
            notes: Vec::new(),
            suggested_queries: Vec::new(),
            truncated: None,
        }
    }
}

/// An answer: the output as JSON, and the same in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The output.
    pub output: Map<String, Value>,
    /// The same in words: verdict first.
    pub text: String,
    /// The tool could not do its job.
    pub is_error: bool,
    /// The outcome.
    pub verdict: Verdict,
}

/// No text field is longer.
pub const MAX_SUMMARY: usize = 400;

/// No answer over MCP is longer, in characters of JSON.
pub const MAX_CHARACTERS: usize = 20_000;

impl Answer {
    /// An answer that says why the tool could not do its job.
    #[must_use]
    pub fn failed(error: ToolError) -> Self {
        let summary = clipped(&format!("failed: {}. {}", error.message, error.hint), MAX_SUMMARY);
        let mut text = format!("verdict: failed\n{}\nhint: {}", error.message, error.hint);
        if let Some(at) = &error.at {
            text.push_str(&format!("\nwhere: {at}"));
        }
        let output = json!({ "verdict": "failed", "summary": summary, "error": error });
        Self { output: object(output), text, is_error: true, verdict: Verdict::Failed }.without_secrets()
    }

    /// An answer from an output.
    #[must_use]
    pub fn of(output: &impl Serialize, verdict: Verdict, text: String) -> Self {
        let value = serde_json::to_value(output)
            .unwrap_or_else(|error| json!({ "verdict": "failed", "summary": format!("the answer could not be written: {error}") }));
        Self { output: object(value), text, is_error: false, verdict }.without_secrets()
    }

    /// No answer holds a secret, whoever put it into what was asked or what a database said.
    fn without_secrets(mut self) -> Self {
        self.output.values_mut().for_each(hide);
        if let Some(clean) = redaction(&self.text) {
            self.text = clean;
        }
        self
    }

    /// The same with texts clipped, the longest first, until its JSON has at most `most` bytes: names may be of any length.
    ///
    /// Arguments of calls and the state block are never clipped. Code that is to be written into a file stands there whole or
    /// not at all. The words have at most as many characters.
    #[must_use]
    pub fn within(mut self, most: Option<usize>) -> Self {
        let Some(most) = most else { return self };
        for longest in [2_000, 1_000, 500, 200, 100, 50] {
            if serde_json::to_string(&self.output).map_or(0, |text| text.len()) <= most {
                break;
            }
            clip_texts(&mut self.output, longest);
        }
        if serde_json::to_string(&self.output).map_or(0, |text| text.len()) > most && leave_out_code(&mut self.output) {
            let note = "code that does not fit into an answer was left out: the command line prints all of it".to_owned();
            if let Some(notes) = self.output.get_mut("notes").and_then(Value::as_array_mut) {
                notes.push(Value::String(note));
            }
        }
        self.text = shortened(self.text, most);
        self
    }

    /// The exit code of the command line: 0 open, 1 closed, 2 could not tell.
    #[must_use]
    pub const fn exit_code(&self, deny_warnings: bool) -> u8 {
        match (self.is_error, self.verdict) {
            (true, _) => 2,
            (false, Verdict::Pass) => 0,
            (false, Verdict::Warn) => deny_warnings as u8,
            (false, Verdict::Blocked | Verdict::Failed) => 1,
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(clean) = redaction(text) {
                *text = clean;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The text without its secrets; none where it has none.
fn redaction(text: &str) -> Option<String> {
    (!secrets(text).is_empty()).then(|| redacted(text))
}

/// A text of this name is written into a file as it stands, and broken when it is cut.
fn is_code_word(key: &str) -> bool {
    matches!(key, "upgrade" | "downgrade" | "patch" | "fix_sql" | "fix_alembic")
}

fn clip_texts(output: &mut Map<String, Value>, longest: usize) {
    for (key, value) in output.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "args" | "state_block")) {
        if !(is_code_word(key) && value.is_string()) {
            clip_text(value, longest);
        }
    }
}

/// The words with at most `most` characters: whole lines from the beginning, and the state block at the end.
fn shortened(text: String, most: usize) -> String {
    const LEFT_OUT: &str = "\n… (the rest is left out here: ask for less, or see `structuredContent`)\n";
    const LONGEST_BLOCK: usize = 4_000;
    if text.chars().count() <= most {
        return text;
    }
    let block = text.rfind(&format!("\n<{TAG}>")).and_then(|at| text.get(at..)).filter(|block| block.chars().count() <= LONGEST_BLOCK);
    let block = block.unwrap_or_default();
    let room = most.saturating_sub(LEFT_OUT.chars().count() + block.chars().count());
    let kept: String = text.chars().take(room).collect();
    let end = kept.rfind('\n').unwrap_or(kept.len());
    format!("{}{LEFT_OUT}{block}", kept.get(..end).unwrap_or(&kept))
}

/// Puts null in the place of long code; true where there was some.
fn leave_out_code(output: &mut Map<String, Value>) -> bool {
    const LONG: usize = 2_000;
    let mut was_there = false;
    for (key, value) in output.iter_mut().filter(|(key, _)| key.as_str() != "args") {
        match value {
            Value::String(text) if text.len() > LONG && is_code_word(key) => {
                *value = Value::Null;
                was_there = true;
            }
            Value::Object(map) => was_there |= leave_out_code(map),
            Value::Array(values) => {
                for map in values.iter_mut().filter_map(Value::as_object_mut) {
                    was_there |= leave_out_code(map);
                }
            }
            _ => {}
        }
    }
    was_there
}

fn clip_text(value: &mut Value, longest: usize) {
    match value {
        Value::String(text) if text.len() > longest => *text = clipped(text, longest),
        Value::Array(values) => values.iter_mut().for_each(|value| clip_text(value, longest)),
        Value::Object(map) => clip_texts(map, longest),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text of at most `most` characters. What is cut is looked at whole before: half a secret would not be seen to be one.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let text = redacted(text);
    if text.chars().count() <= most {
        return text;
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// `1 error`, `2 errors`.
#[must_use]
pub fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

//! Bytes to messages: what `rmcp` would drop without a word is refused here with a reason, and with its id where it has one.

use rmcp::model::ClientJsonRpcMessage;
use serde_json::{Map, Value, json};

/// The text is no JSON.
const PARSE_ERROR: i32 = -32_700;
/// JSON, but no message.
const INVALID_REQUEST: i32 = -32_600;
/// A message whose parameters are none.
const INVALID_PARAMS: i32 = -32_602;

/// Why a message is not taken, as the protocol says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The message's id; null where it has none that can be read.
    pub id: Value,
    /// The code of JSON-RPC.
    pub code: i32,
    /// What is wrong.
    pub message: String,
}

impl Refusal {
    /// A refusal of a message without an id.
    #[must_use]
    pub fn of_nobody(code: i32, message: impl Into<String>) -> Self {
        Self { id: Value::Null, code, message: message.into() }
    }

    /// What is too long to be read.
    #[must_use]
    pub fn too_long(mebibytes: usize) -> Self {
        Self::of_nobody(INVALID_REQUEST, format!("a message is longer than {mebibytes} MiB"))
    }

    /// A request while another with its id is still being answered.
    #[must_use]
    pub fn id_in_use(id: Value) -> Self {
        let message = format!("a request with the id {id} is still being answered, or was cancelled: take another");
        Self { id, code: INVALID_REQUEST, message }
    }

    /// The answer, on one line.
    #[must_use]
    pub fn line(&self) -> String {
        json!({ "jsonrpc": "2.0", "id": self.id, "error": { "code": self.code, "message": self.message } }).to_string()
    }
}

/// A message; none where nothing is there, or a notification that nobody needs.
///
/// # Errors
/// What to answer.
pub fn read(bytes: &[u8]) -> Result<Option<ClientJsonRpcMessage>, Refusal> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Refusal::of_nobody(PARSE_ERROR, format!("this is no JSON: {error}")))?;
    let Value::Object(message) = &value else {
        let message = if value.is_array() {
            "batches are not part of this protocol: send one message at a time"
        } else {
            "a message is an object with `jsonrpc`, `method` and, if an answer is wanted, `id`"
        };
        return Err(Refusal::of_nobody(INVALID_REQUEST, message));
    };
    let is_request = message.contains_key("method") && message.contains_key("id");
    formed(message)?;
    let id = message.get("id").cloned().unwrap_or_default();
    match serde_json::from_value(value) {
        Ok(message) => Ok(Some(message)),
        Err(_) if !is_request => Ok(None),
        Err(error) => Err(Refusal { id, code: INVALID_PARAMS, message: format!("the request has not the form of the protocol: {error}") }),
    }
}

/// The outer form of a message.
fn formed(message: &Map<String, Value>) -> Result<(), Refusal> {
    let id = message.get("id");
    let readable = id.filter(|id| id.is_string() || id.is_i64());
    let refused = |code, text: &str| Err(Refusal { id: readable.cloned().unwrap_or_default(), code, message: text.to_owned() });
    let is_answer = message.contains_key("result") || message.contains_key("error");
    match message.get("method") {
        None if is_answer => return Ok(()),
        Some(Value::String(_)) => {}
        _ => return refused(INVALID_REQUEST, "a message is an object with a `method`, a text"),
    }
    if id.is_some() && readable.is_none() {
        return refused(INVALID_REQUEST, "`id` must be a text or a whole number");
    }
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return refused(INVALID_REQUEST, "`jsonrpc` must be \"2.0\"");
    }
    match message.get("params") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => refused(INVALID_PARAMS, "`params` must be an object"),
    }
}

//! The names that the MCP conformance suites ask for, behind our own door: what is tried is what stands around a tool
//! (Host, Origin, limits, reading of messages, the protocol's two eras), not the tools.
//!
//! usage: `cargo run --example conformance_fixture`, then a suite against the address it prints (`tests/clients/run` does both).
//! Names and answers are those that the suites @modelcontextprotocol/conformance 0.1.16 and 0.2.0-alpha.12 look for.
//! With the word `serve` it stands behind standard input instead, with a tool that panics (`tests/clients/hang.py`).
#![allow(clippy::print_stdout, clippy::expect_used, clippy::panic, deprecated)]

use alembic_gate::mcp::http::{self, Limits, Site};
use alembic_gate::mcp::{Gate, stdio};
use alembic_gate::tools::answer::{Answer, Verdict};
use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::{Tool as GateTool, Touches};
use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, ClientCapabilities, CompleteRequestParams, CompleteResult, CompletionInfo,
    GetPromptRequestParams, GetPromptResponse, Implementation, InputRequiredResult, InputResponses, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProgressNotificationParam,
    ReadResourceRequestParams, ReadResourceResponse, RequestStateCodec, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A red pixel, a WAV without a sample.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

#[derive(Clone)]
struct Fixture(RequestStateCodec);

fn of<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// A result that says of itself that it is the whole one, as the protocol wants since 2026-07-28.
fn result<T: DeserializeOwned>(mut value: Value) -> Result<T, ErrorData> {
    if let Value::Object(fields) = &mut value {
        fields.insert("resultType".to_owned(), json!("complete"));
    }
    of(value)
}

fn text(text: impl Into<String>) -> Value {
    json!({ "type": "text", "text": text.into() })
}

fn image() -> Value {
    json!({ "type": "image", "data": PNG, "mimeType": "image/png" })
}

fn resource(uri: &str, kind: &str, content: &str) -> Value {
    json!({ "type": "resource", "resource": { "uri": uri, "mimeType": kind, "text": content } })
}

/// Tools that answer the same each time.
fn plain(name: &str) -> Option<Value> {
    let content = match name {
        "test_simple_text" => json!([text("This is a simple text response for testing.")]),
        "test_image_content" => json!([image()]),
        "test_audio_content" => json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }]),
        "test_embedded_resource" => {
            json!([resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")])
        }
        "test_multiple_content_types" => {
            json!([
                text("Multiple content types test:"),
                image(),
                resource("test://mixed-content-resource", "application/json", "{\"test\":\"data\"}")
            ])
        }
        "json_schema_2020_12_tool" => json!([text("Hello")]),
        "test_reconnection" | "test_logging_tool" => json!([text("done")]),
        _ => return None,
    };
    Some(json!({ "content": content }))
}

fn asked(message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] });
    json!({ "method": "elicitation/create", "params": { "mode": "form", "message": message, "requestedSchema": schema } })
}

fn sampled(question: &str) -> Value {
    let messages = json!([{ "role": "user", "content": text(question) }]);
    json!({ "method": "sampling/createMessage", "params": { "messages": messages, "maxTokens": 100 } })
}

fn roots() -> Value {
    json!({ "method": "roots/list" })
}

/// Tools that ask: the names of what they ask for, and the questions.
fn questions(name: &str, capabilities: &ClientCapabilities) -> Option<Value> {
    let person = || asked("What is your name?", "name", "string");
    Some(match name {
        "test_input_required_result_elicitation" => json!({ "user_name": person() }),
        "test_input_required_result_sampling" => json!({ "capital_question": sampled("What is the capital of France?") }),
        "test_input_required_result_list_roots" => json!({ "client_roots": roots() }),
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            json!({ "confirm": asked("Please confirm", "ok", "boolean") })
        }
        "test_input_required_result_multiple_inputs" => {
            json!({ "user_name": person(), "greeting": sampled("Generate a greeting"), "client_roots": roots() })
        }
        "test_input_required_result_multi_round" => json!({ "step1": person() }),
        "test_streaming_elicitation" => json!({ "streaming_elicitation": asked("Provide a value", "value", "string") }),
        "test_input_required_result_capabilities" => {
            let all = [
                ("user_name", person(), capabilities.elicitation.is_some()),
                ("greeting", sampled("Generate a greeting"), json!(capabilities).get("sampling").is_some()),
                ("client_roots", roots(), json!(capabilities).get("roots").is_some()),
            ];
            all.into_iter()
                .filter(|(_, _, can)| *can)
                .map(|(name, question, _)| (name.to_owned(), question))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        _ => return None,
    })
}

const SEALED: [&str; 4] = ["request_state", "tampered_state", "multiple_inputs", "multi_round"];

impl Fixture {
    /// Asks until everything that was asked for is there; the state between is sealed where the suite looks at it.
    fn asking(&self, request: &CallToolRequestParams, questions: Value) -> Result<CallToolResponse, ErrorData> {
        let kind = request.name.strip_prefix("test_input_required_result_").unwrap_or_default();
        let is_sealed = SEALED.contains(&kind);
        let round = match &request.request_state {
            None => 0,
            Some(state) => self.0.open_json::<u32>(state).map_err(|error| ErrorData::invalid_params(error.to_string(), None))?,
        };
        let questions = if kind == "multi_round" && round == 2 {
            json!({ "step2": asked("What is your colour?", "color", "string") })
        } else {
            questions
        };
        let given = |name: &String| {
            request.input_responses.as_ref().is_some_and(|given: &InputResponses| given.get(name).is_some_and(Value::is_object))
        };
        let is_complete = questions.as_object().is_some_and(|asked| asked.keys().all(given)) && (!is_sealed || round > 0);
        if is_complete && !(kind == "multi_round" && round < 2) {
            return Ok(result::<rmcp::model::CallToolResult>(
                json!({ "content": [text(format!("done: {}", json!(request.input_responses)))] }),
            )?
            .into());
        }
        let next = if is_complete { round + 1 } else { round.max(1) };
        let questions = if kind == "multi_round" && next == 2 {
            json!({ "step2": asked("What is your colour?", "color", "string") })
        } else {
            questions
        };
        let state =
            is_sealed.then(|| self.0.seal_json(&next)).transpose().map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(InputRequiredResult::new(Some(of(questions)?), state).into())
    }
}

fn tools() -> Value {
    let named = [
        "test_simple_text",
        "test_image_content",
        "test_audio_content",
        "test_embedded_resource",
        "test_multiple_content_types",
        "test_error_handling",
        "test_tool_with_progress",
        "test_reconnection",
        "test_missing_capability",
        "test_logging_tool",
        "test_streaming_elicitation",
        "test_input_required_result_elicitation",
        "test_input_required_result_sampling",
        "test_input_required_result_list_roots",
        "test_input_required_result_request_state",
        "test_input_required_result_multiple_inputs",
        "test_input_required_result_multi_round",
        "test_input_required_result_tampered_state",
        "test_input_required_result_capabilities",
    ];
    let mut tools: Vec<Value> = named
        .iter()
        .map(|name| json!({ "name": name, "description": "A fixture of the suite", "inputSchema": { "type": "object", "properties": {} } }))
        .collect();
    tools.push(json!({ "name": "test_custom_header", "description": "A fixture of the suite", "inputSchema": {
        "type": "object", "properties": { "value": { "type": "string", "x-mcp-header": "Value" } }, "required": ["value"] } }));
    tools.push(json!({ "name": "json_schema_2020_12_tool", "description": "A fixture of the suite", "inputSchema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "$defs": { "address": { "$anchor": "address", "type": "object", "properties": { "street": { "type": "string" }, "city": { "type": "string" } } } },
        "properties": { "name": { "type": "string" }, "address": { "$ref": "#/$defs/address" } },
        "allOf": [{ "anyOf": [{ "required": ["name"] }, { "required": ["address"] }] }],
        "if": { "required": ["address"] }, "then": { "properties": { "address": { "required": ["street"] } } }, "else": { "required": ["name"] },
        "additionalProperties": false } }));
    json!({ "tools": tools })
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().enable_completions().build();
        let mut config = ServerConfig::new(capabilities);
        config.server_info = Implementation::new("alembic-gate-fixture", env!("CARGO_PKG_VERSION"));
        config
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let listed: ListToolsResult = of(tools()).ok()?;
        listed.tools.into_iter().find(|tool| tool.name == name)
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        Ok(result::<ListToolsResult>(tools())?.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let capabilities = context.client_capabilities().unwrap_or_default();
        if let Some(questions) = questions(&request.name, &capabilities) {
            return self.asking(&request, questions);
        }
        let value = match request.name.as_ref() {
            "test_error_handling" => json!({ "isError": true, "content": [text("This tool intentionally returns an error for testing")] }),
            "test_tool_with_progress" => {
                if let Some(token) = context.meta.get_progress_token() {
                    for step in [0.0, 50.0, 100.0] {
                        let news = ProgressNotificationParam::new(token.clone(), step).with_total(100.0).with_message("on the way");
                        let _ = context.peer.notify_progress(news).await;
                    }
                }
                json!({ "content": [text("Progress test completed")] })
            }
            "test_custom_header" => json!({ "content": [text(json!(request.arguments).to_string())] }),
            "test_missing_capability" if json!(capabilities).get("sampling").is_none() => {
                return Err(ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_sampling().build()));
            }
            "test_missing_capability" => json!({ "content": [text("declared")] }),
            name => plain(name).ok_or_else(|| ErrorData::invalid_params(format!("there is no tool `{name}`"), None))?,
        };
        Ok(result::<rmcp::model::CallToolResult>(value)?.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let listed = json!({ "resources": [
            { "uri": "test://static-text", "name": "text", "mimeType": "text/plain" },
            { "uri": "test://static-binary", "name": "binary", "mimeType": "image/png" },
        ] });
        Ok(result::<ListResourcesResult>(listed)?.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let listed = json!({ "resourceTemplates": [{ "uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json" }] });
        Ok(result::<ListResourceTemplatesResult>(listed)?.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let content = match (uri, id) {
            ("test://static-text", _) => {
                json!({ "uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource." })
            }
            ("test://static-binary", _) => json!({ "uri": uri, "mimeType": "image/png", "blob": PNG }),
            (_, Some(id)) => {
                json!({ "uri": uri, "mimeType": "application/json", "text": json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") }).to_string() })
            }
            _ => return Err(ErrorData::resource_not_found(format!("there is no resource `{uri}`"), Some(json!({ "uri": uri })))),
        };
        let read = result::<rmcp::model::ReadResourceResult>(json!({ "contents": [content] }))?;
        Ok(read.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public).into())
    }

    async fn list_prompts(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListPromptsResult, ErrorData> {
        let arguments =
            json!([{ "name": "arg1", "description": "One", "required": true }, { "name": "arg2", "description": "Two", "required": true }]);
        let listed = json!({ "prompts": [
            { "name": "test_simple_prompt", "description": "A fixture" },
            { "name": "test_prompt_with_arguments", "description": "A fixture", "arguments": arguments },
            { "name": "test_prompt_with_embedded_resource", "description": "A fixture", "arguments": [{ "name": "resourceUri", "required": true }] },
            { "name": "test_prompt_with_image", "description": "A fixture" },
            { "name": "test_input_required_result_prompt", "description": "A fixture" },
        ] });
        Ok(result::<ListPromptsResult>(listed)?.with_ttl_ms(60_000).with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, _: RequestContext<RoleServer>) -> Result<GetPromptResponse, ErrorData> {
        let arguments = json!(request.arguments);
        let argument = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let said = |content: Value| json!({ "role": "user", "content": content });
        let messages = match request.name.as_str() {
            "test_simple_prompt" => json!([said(text("This is a simple prompt for testing."))]),
            "test_prompt_with_arguments" => {
                json!([said(text(format!("Prompt with arguments: arg1='{}', arg2='{}'", argument("arg1"), argument("arg2"))))])
            }
            "test_prompt_with_embedded_resource" => {
                let uri = Some(argument("resourceUri")).filter(|uri| !uri.is_empty()).unwrap_or_else(|| "test://static-text".to_owned());
                json!([said(resource(&uri, "text/plain", "Embedded resource content for testing.")), said(text("Please process it."))])
            }
            "test_prompt_with_image" => json!([said(image()), said(text("Please analyze the image above."))]),
            "test_input_required_result_prompt" => {
                let given = request.input_responses.as_ref().and_then(|given| given.get("user_context"));
                let Some(given) = given else {
                    let questions = json!({ "user_context": asked("What context should the prompt use?", "context", "string") });
                    return Ok(InputRequiredResult::new(Some(of(questions)?), None).into());
                };
                json!([said(text(given.to_string()))])
            }
            name => return Err(ErrorData::invalid_params(format!("there is no prompt `{name}`"), None)),
        };
        Ok(result::<rmcp::model::GetPromptResult>(json!({ "messages": messages }))?.into())
    }

    async fn complete(&self, _: CompleteRequestParams, _: RequestContext<RoleServer>) -> Result<CompleteResult, ErrorData> {
        Ok(CompleteResult::new(CompletionInfo::new(vec!["1".to_owned(), "2".to_owned()]).unwrap_or_default()))
    }
}

const fn fixture(name: &'static str, call: fn(Value, &Call<'_>) -> Answer) -> GateTool {
    let schema = || json!({ "type": "object" });
    let (title, description) = ("A fixture", "A fixture");
    GateTool { name, title, description, touches: Touches::Nothing, input_schema: schema, output_schema: schema, call }
}

/// What stands behind standard input: a bug, and a tool that answers after it.
const BUGS: &[GateTool] = &[fixture("panics", |_, _| panic!("a bug")), fixture("answers", |_, _| passed())];

fn passed() -> Answer {
    Answer::of(&json!({ "verdict": "pass", "summary": "" }), Verdict::Pass, String::new())
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    if std::env::args().nth(1).as_deref() == Some("serve") {
        runtime.block_on(stdio::serve(Gate::with_tools(BUGS, Settings::default())));
        return runtime.shutdown_background();
    }
    runtime.block_on(async {
        let gate = Gate::new(Settings::default());
        let site = Site { address: ([127, 0, 0, 1], 0).into(), tokens: None, hosts: Vec::new(), limits: Limits::default() };
        let listener = http::listen(&gate, &site).await.expect("an address");
        println!("http://{}/mcp", listener.local_addr().expect("an address"));
        let codec = RequestStateCodec::try_new(b"a fixture's key, which is no secret at all").expect("a key");
        http::serve_handler_on(Fixture(codec), gate, site, listener, std::future::pending()).await;
    });
}

//! The Model Context Protocol over `rmcp`: the only folder that names it.
//!
//! The server keeps nothing between calls: the same answers with a handshake (clients before 2026-07-28) and without.
//! A tool that panics is answered, and the server lives.

pub mod stdio;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult, ErrorCode, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as McpTool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;

use crate::tools::answer::{Answer, ToolError};
use crate::tools::{TOOLS, Tool, tool};

/// What agents read before anything else; under 2,000 characters, the trigger words first.
pub const INSTRUCTIONS: &str = "alembic-gate takes database migrations (Alembic, SQLAlchemy, raw SQL; PostgreSQL, MariaDB, MySQL, SQLite) safely from plan to apply. \
Use it whenever you create, edit, review or apply a migration: alembic revision, alembic upgrade, alembic downgrade, autogenerate, ALTER TABLE, CREATE INDEX, DROP COLUMN, rename, type change, NOT NULL, backfill. \
Rule: no `alembic upgrade` before `review_sql` has seen the exact SQL both ways and its verdict is not `blocked`. \
Render it with `alembic upgrade <current>:<target> --sql` (and `alembic downgrade <target>:<current> --sql`), never from base, and never run `alembic downgrade base` to try something out. \
`classify_risk` answers what one statement locks, rewrites and loses. \
Give `setup_sql` (the schema before) and `table_stats` (sizes): they decide whether a type change rewrites and how long others wait. \
A verdict `blocked` comes with what to write instead; take that, and ask again.";

/// The server.
#[derive(Clone, Default)]
pub struct Gate;

fn mcp_tool(tool: &Tool) -> McpTool {
    let object = |value: Value| match value {
        Value::Object(map) => Arc::new(map),
        _ => Arc::new(serde_json::Map::new()),
    };
    let reads = tool.touches.is_read_only();
    let annotations = ToolAnnotations::with_title(tool.title).read_only(reads).destructive(!reads).idempotent(true).open_world(false);
    McpTool::new_with_raw(tool.name, Some(tool.description.into()), object((tool.input_schema)()))
        .with_title(tool.title)
        .with_raw_output_schema(object((tool.output_schema)()))
        .with_annotations(annotations)
}

/// All tools as the protocol lists them, made once.
fn listed() -> &'static [McpTool] {
    static LISTED: std::sync::OnceLock<Vec<McpTool>> = std::sync::OnceLock::new();
    LISTED.get_or_init(|| TOOLS.iter().map(mcp_tool).collect())
}

fn result_of(answer: Answer) -> CallToolResult {
    let content = vec![ContentBlock::text(answer.text)];
    let mut result = if answer.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = Some(Value::Object(answer.output));
    result
}

fn tool_names() -> String {
    TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ")
}

/// Runs a tool; a panic becomes an answer.
fn guarded(tool: &Tool, arguments: Value) -> Answer {
    catch_unwind(AssertUnwindSafe(|| (tool.call)(arguments))).unwrap_or_else(|_| {
        tracing::error!(tool = tool.name, "the tool panicked");
        Answer::failed(ToolError {
            code: "internal",
            message: format!("`{}` broke off: an error of alembic-gate, not of your SQL", tool.name),
            at: None,
            hint: "please report it with the SQL that caused it; the gate stays closed".to_owned(),
            retry: false,
        })
    })
}

impl ServerHandler for Gate {
    fn get_info(&self) -> ServerConfig {
        let mut config = ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_instructions(INSTRUCTIONS);
        config.server_info = Implementation::new("alembic-gate", env!("CARGO_PKG_VERSION"))
            .with_title("alembic-gate")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        config
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(listed().to_vec()).with_ttl_ms(3_600_000))
    }

    fn get_tool(&self, name: &str) -> Option<McpTool> {
        listed().iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(&self, request: CallToolRequestParams, _context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let Some(found) = tool(&request.name) else {
            return Err(ErrorData::invalid_params(format!("there is no tool `{}`; there are: {}", request.name, tool_names()), None));
        };
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let started = std::time::Instant::now();
        let answer = tokio::task::spawn_blocking(move || guarded(found, arguments))
            .await
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        tracing::info!(
            tool = found.name,
            verdict = answer.verdict.word(),
            error = answer.is_error,
            micros = started.elapsed().as_micros() as u64,
            "called"
        );
        Ok(result_of(answer).into())
    }

    /// Requests whose parameters have the wrong shape end here, under the name of their method.
    async fn on_custom_request(&self, request: CustomRequest, _context: RequestContext<RoleServer>) -> Result<CustomResult, ErrorData> {
        if request.method == "tools/call" {
            let message = format!("`tools/call` needs `name` (one of: {}) and `arguments`, an object", tool_names());
            return Err(ErrorData::new(ErrorCode::INVALID_PARAMS, message, None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, request.method, None))
    }
}

//! The Model Context Protocol over `rmcp`: the only folder that names it.
//!
//! The server keeps nothing between calls: the same answers with a handshake (clients before 2026-07-28) and without.
//! A tool that panics is answered, and the server lives. Cancelling sets the flag that a tool looks at.
//!
//! Not offered, on purpose: sampling, roots, logging over the protocol (all deprecated there), subscriptions.
//! A person is asked by a form where the client shows forms; else the answer says what they do in a terminal.

mod asking;
mod complete;
pub mod http;
mod message;
mod metrics;
mod prompts;
mod resources;
mod running;
pub mod stdio;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::request::Parts;
use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CustomRequest, CustomResult, ErrorCode,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
    Tool as McpTool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::mcp::http::Guest;
use crate::mcp::metrics::Metrics;
use crate::tokens::Right;
use crate::tools::call::{Call, Caller, Settings};
use crate::tools::{TOOLS, Tool};

/// What agents read before anything else; under 2,000 characters, the trigger words and the rule of the gates first.
pub const INSTRUCTIONS: &str = "alembic-gate takes database migrations safely from plan to apply. \
Use it for: alembic migration, create migration, apply migration python, database migration python, sqlalchemy migration, \
alembic revision, alembic upgrade, alembic downgrade, autogenerate; and for raw DDL: ALTER TABLE, CREATE INDEX, DROP COLUMN, rename, \
type change, NOT NULL, enum, backfill (PostgreSQL, MariaDB, MySQL, SQLite).\n\
Rule of the gates: nothing is applied before `review_sql` has seen the exact SQL both ways and `test_rollback` has run it up, down and up again, \
for these very bytes. Never run `alembic upgrade head` around the gates, never `alembic downgrade base`, never edit `.alembic-gate/`. \
A verdict `blocked` is no error: `reasons` and `findings` say what is wrong and what to write instead, `next` is the call that opens the gate.\n\
Order: `migration_status` (where are we, drift, open work; also after a pause) > `plan_migration` (the wish as safe revisions) > \
`generate_migration` (one file) > `review_sql` > `test_rollback` > `apply_migration`. \
`classify_risk` says at any time what SQL locks, rewrites and loses; `search_knowledge` answers questions and errors from a checked reference. \
Raw SQL needs no project: give `sql`, `downgrade_sql`, and `setup_sql` (the schema before); `table_stats` (sizes) decide how long others wait.\n\
Each answer carries an `<alembic-migration-state>` block: hand it on. It is a view; the truth is the evidence on disk. \
What needs a person (confirming a backup, an approval) is done by them in a terminal; show them the line and wait.";

/// Calls that run at one time; others wait their turn.
const MOST_CALLS: u32 = 16;

/// The server: which tools it has and what it was started with.
#[derive(Clone)]
pub struct Gate {
    tools: &'static [Tool],
    listed: Arc<[McpTool]>,
    settings: Arc<Settings>,
    slots: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    is_remote: bool,
}

impl Gate {
    /// A server with all tools.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with_tools(TOOLS, settings)
    }

    /// A server with tools of one's own: for tests of what stands around them.
    #[must_use]
    pub fn with_tools(tools: &'static [Tool], settings: Settings) -> Self {
        Self {
            tools,
            listed: tools.iter().map(mcp_tool).collect(),
            settings: Arc::new(settings),
            slots: Arc::new(Semaphore::new(MOST_CALLS as usize)),
            metrics: Arc::default(),
            is_remote: false,
        }
    }

    /// The same server for callers over HTTP: each needs the card of a guest.
    #[must_use]
    fn remote(self) -> Self {
        Self { is_remote: true, ..self }
    }

    /// Who asks: somebody on this machine with all rights, or a guest.
    fn guest(&self, context: &RequestContext<RoleServer>) -> Guest {
        if !self.is_remote {
            return Guest { caller: Caller::Local, rights: Right::ALL.into() };
        }
        let card = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Guest>());
        card.cloned().unwrap_or_else(http::nobody)
    }

    /// Somebody who may read pages.
    fn reader(&self, context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        let Guest { caller, rights } = self.guest(context);
        if rights.contains(&Right::Read) {
            return Ok(caller);
        }
        Err(ErrorData::invalid_request("your token has not the right `read`", None))
    }

    /// Waits until no call runs any more, but not longer than `most`.
    pub async fn quiet(&self, most: Duration) {
        let _ = tokio::time::timeout(most, self.slots.acquire_many(MOST_CALLS)).await;
    }

    fn tool(&self, name: &str) -> Option<&'static Tool> {
        self.tools.iter().find(|tool| tool.name == name)
    }

    fn tool_names(&self) -> String {
        self.tools.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ")
    }

    /// A call that only reads pages: it reports to nobody.
    fn reading<'a>(&'a self, caller: &'a Caller) -> Call<'a> {
        Call { caller, ..Call::local(&self.settings) }
    }
}

fn mcp_tool(tool: &Tool) -> McpTool {
    let object = |value: Value| match value {
        Value::Object(map) => Arc::new(map),
        _ => Arc::new(serde_json::Map::new()),
    };
    let annotations = ToolAnnotations::new()
        .read_only(tool.touches.is_read_only())
        .destructive(tool.touches.may_destroy())
        .idempotent(tool.touches.is_idempotent())
        .open_world(tool.touches.is_open_world());
    McpTool::new_with_raw(tool.name, Some(tool.description.into()), object((tool.input_schema)()))
        .with_title(tool.title)
        .with_raw_output_schema(object((tool.output_schema)()))
        .with_annotations(annotations)
}

/// How long a list or a page that does not change may be kept: an hour.
const LASTING_MS: u64 = 3_600_000;

/// Items on one page of a list.
const PAGE: usize = 50;

/// The items of the page that a cursor names, and the cursor of the next.
fn page_of<T>(items: Vec<T>, request: Option<&PaginatedRequestParams>) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let from = match request.and_then(|request| request.cursor.as_deref()) {
        None => 0,
        Some(cursor) => cursor.parse::<usize>().ok().filter(|from| *from > 0 && *from < items.len()).ok_or_else(|| {
            ErrorData::invalid_params("there is no such page: `cursor` must be a `nextCursor` of this list, or left out", None)
        })?,
    };
    let next = (items.len() > from + PAGE).then(|| (from + PAGE).to_string());
    Ok((items.into_iter().skip(from).take(PAGE).collect(), next))
}

impl ServerHandler for Gate {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().enable_completions().build();
        let mut config = ServerConfig::new(capabilities).with_instructions(INSTRUCTIONS);
        config.server_info = Implementation::new("alembic-gate", env!("CARGO_PKG_VERSION"))
            .with_title("alembic-gate")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        config
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let (tools, next_cursor) = page_of(self.listed.to_vec(), request.as_ref())?;
        let mut result = ListToolsResult::with_all_items(tools).with_ttl_ms(LASTING_MS).with_cache_scope(CacheScope::Public);
        result.next_cursor = next_cursor;
        Ok(result)
    }

    fn get_tool(&self, name: &str) -> Option<McpTool> {
        self.listed.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = self.tool(&request.name) else {
            return Err(ErrorData::invalid_params(format!("there is no tool `{}`; there are: {}", request.name, self.tool_names()), None));
        };
        running::run(self, tool, request, context).await
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let (prompts, next_cursor) = page_of(prompts::list()?, request.as_ref())?;
        let mut result = ListPromptsResult::with_all_items(prompts).with_ttl_ms(LASTING_MS).with_cache_scope(CacheScope::Public);
        result.next_cursor = next_cursor;
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(&request.name, request.arguments.as_ref()).map(Into::into)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        resources::list(&self.reading(&self.reader(&context)?), request.as_ref())
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        resources::templates(request.as_ref())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        resources::read(&self.reading(&self.reader(&context)?), &request.uri).map(Into::into)
    }

    async fn complete(&self, request: CompleteRequestParams, context: RequestContext<RoleServer>) -> Result<CompleteResult, ErrorData> {
        complete::values(&self.reading(&self.reader(&context)?), &request)
    }

    /// Requests whose parameters have the wrong shape end here, under the name of their method.
    async fn on_custom_request(&self, request: CustomRequest, context: RequestContext<RoleServer>) -> Result<CustomResult, ErrorData> {
        let (code, message) = match request.method.as_str() {
            "tools/call" => (
                ErrorCode::INVALID_PARAMS,
                Cow::from(format!("`tools/call` needs `name` (one of: {}) and `arguments`, an object", self.tool_names())),
            ),
            "prompts/get" => {
                (ErrorCode::INVALID_PARAMS, "`prompts/get` needs `name`, and `arguments` as an object whose values are texts".into())
            }
            "resources/read" => (ErrorCode::INVALID_PARAMS, "`resources/read` needs `uri`, for example `knowledge://index`".into()),
            "completion/complete" => (
                ErrorCode::INVALID_PARAMS,
                "`completion/complete` needs `ref` (a prompt or a template) and `argument {name, value}`".into(),
            ),
            // In the era without a handshake there is no such method, whatever its parameters.
            "initialize" if context.meta.protocol_version().is_some() => {
                (ErrorCode::METHOD_NOT_FOUND, "there is no handshake in this version of the protocol: send the request itself".into())
            }
            method @ ("initialize" | "server/discover" | "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list") => {
                (ErrorCode::INVALID_PARAMS, format!("the parameters of `{method}` have not the form of the protocol").into())
            }
            method => (ErrorCode::METHOD_NOT_FOUND, format!("there is no method `{}`", crate::tools::answer::clipped(method, 80)).into()),
        };
        Err(ErrorData::new(code, message, None))
    }
}

//! Runs a tool beside the protocol: on a thread of its own, with news on the way, until it ends or nobody waits any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rmcp::ErrorData;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ProgressNotificationParam};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::mcp::Gate;
use crate::mcp::asking::{self, Desk};
use crate::mcp::http::Guest;
use crate::mcp::metrics::Metrics;
use crate::tools::answer::{Answer, ToolError};
use crate::tools::call::{Call, Caller, Progress};
use crate::tools::question::Question;
use crate::tools::{Tool, long_run, remote};

/// News that a client has not taken yet; more are dropped, a tool never waits for its listener.
const MOST_NEWS: usize = 64;

/// Runs a tool and gives its answer, or the question that has to be replied to first.
///
/// # Errors
/// The client went away or cancelled: the answer of nobody. A reply that belongs to another call.
pub async fn run(
    gate: &Gate,
    tool: &'static Tool,
    mut request: CallToolRequestParams,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let guest = gate.guest(&context);
    let arguments = request.arguments.take().map_or(Value::Null, Value::Object);
    if let Some(error) = not_for(&guest, tool, &arguments) {
        gate.metrics.refused(error.code);
        return Ok(result_of(Answer::failed(error)).into());
    }
    let bond = asking::bond(&guest.caller, tool.name, &arguments);
    let (desk, asked) = Desk::of(&context, asking::returned(&request, &bond)?);
    let cancelled = Arc::new(AtomicBool::new(false));
    let (news, heard) = mpsc::channel(MOST_NEWS);
    let answering = async {
        let outside = Outside { desk, cancelled: Arc::clone(&cancelled), news };
        let started = answered(gate, tool, arguments, (&context, guest.caller), outside);
        let (answer, (), ()) = tokio::join!(started, told(&context, heard), asking::put(&context.peer, asked));
        answer
    };
    tokio::select! {
        answer = answering => {
            let (answer, open) = answer?;
            match open.and_then(|question| asking::required(&question, &bond)) {
                Some(required) => Ok(required.into()),
                None => Ok(result_of(answer).into()),
            }
        }
        () = context.ct.cancelled() => {
            cancelled.store(true, Ordering::Relaxed);
            tracing::info!(tool = tool.name, "cancelled");
            Err(ErrorData::internal_error("the call was cancelled", None))
        }
    }
}

/// What a tool's thread has of the one who called it.
struct Outside {
    desk: Desk,
    cancelled: Arc<AtomicBool>,
    news: mpsc::Sender<Progress>,
}

/// Waits for a turn, then for the tool; with the answer comes what the client has to ask first.
async fn answered(
    gate: &Gate,
    tool: &'static Tool,
    arguments: Value,
    (context, caller): (&RequestContext<RoleServer>, Caller),
    outside: Outside,
) -> Result<(Answer, Option<Question>), ErrorData> {
    let broken = |error: &dyn std::fmt::Display| ErrorData::internal_error(error.to_string(), None);
    let turn = Arc::clone(&gate.slots).acquire_owned().await.map_err(|error| broken(&error))?;
    let (settings, metrics) = (Arc::clone(&gate.settings), Arc::clone(&gate.metrics));
    let span = tracing::info_span!("call", tool = tool.name, id = %context.id);
    let work = move || {
        // Held until the tool has really ended, also when nobody waits for it any more.
        let _turn = turn;
        let _inside = span.enter();
        let Outside { desk, cancelled, news } = outside;
        let progress = move |step| drop(news.try_send(step));
        let ask = |question| desk.ask(question);
        let call = Call { caller: &caller, progress: &progress, ask: &ask, cancelled: &cancelled, ..Call::local(&settings) };
        let answer = timed(tool, arguments, &call, &metrics);
        (answer, desk.open())
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| broken(&error))
}

/// Why a guest may not call this tool so; none: it may.
fn not_for(guest: &Guest, tool: &Tool, arguments: &Value) -> Option<ToolError> {
    let right = tool.touches.right();
    if !guest.rights.contains(&right) {
        return Some(ToolError {
            code: "right_missing",
            message: format!("`{}` needs the right `{}`, which you do not have here", tool.name, right.word()),
            at: None,
            hint: "ask the operator of this server for a token with it".to_owned(),
            retry: false,
        });
    }
    match &guest.caller {
        Caller::Local => None,
        Caller::Remote(_) => arguments.as_object().and_then(remote::refusal),
    }
}

fn timed(tool: &Tool, arguments: Value, call: &Call<'_>, metrics: &Metrics) -> Answer {
    let started = Instant::now();
    let answer = long_run::once(tool, arguments, call, |arguments| guarded(tool, arguments, call));
    let took = started.elapsed();
    metrics.called(tool.name, answer.verdict.word(), took);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::info!(verdict = answer.verdict.word(), error = answer.is_error, micros, "called");
    answer
}

/// A panic becomes an answer.
fn guarded(tool: &Tool, arguments: Value, call: &Call<'_>) -> Answer {
    catch_unwind(AssertUnwindSafe(|| (tool.call)(arguments, call))).unwrap_or_else(|_| {
        tracing::error!("the tool panicked");
        Answer::failed(ToolError {
            code: "internal",
            message: format!("`{}` broke off: an error of alembic-gate, not of your SQL", tool.name),
            at: None,
            hint: "please report it with the SQL that caused it; the gate stays closed".to_owned(),
            retry: false,
        })
    })
}

/// Hands news on to a client that asked for them, each farther than the one before.
async fn told(context: &RequestContext<RoleServer>, mut heard: mpsc::Receiver<Progress>) {
    let token = context.meta.get_progress_token();
    let mut last = None;
    while let Some(step) = heard.recv().await {
        let Some(token) = &token else { continue };
        if last.is_some_and(|last| step.done <= last) {
            continue;
        }
        last = Some(step.done);
        let news = ProgressNotificationParam::new(token.clone(), f64::from(step.done))
            .with_total(f64::from(step.total))
            .with_message(crate::secret::redacted(&step.message));
        if context.peer.notify_progress(news).await.is_err() {
            return;
        }
    }
}

fn result_of(answer: Answer) -> CallToolResult {
    let content = vec![ContentBlock::text(answer.text)];
    let mut result = if answer.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = Some(Value::Object(answer.output));
    result
}

//! Runs a tool beside the protocol: on a thread of its own, with news on the way, until it ends or nobody waits any more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock, ProgressNotificationParam};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::mcp::Gate;
use crate::mcp::http::Guest;
use crate::mcp::metrics::Metrics;
use crate::tools::answer::{Answer, ToolError};
use crate::tools::call::{Call, Caller, Progress};
use crate::tools::{Tool, remote};

/// News that a client has not taken yet; more are dropped, a tool never waits for its listener.
const MOST_NEWS: usize = 64;

/// Runs a tool and gives its answer.
///
/// # Errors
/// The client went away or cancelled: the answer of nobody.
pub async fn run(
    gate: &Gate,
    tool: &'static Tool,
    arguments: Value,
    context: RequestContext<RoleServer>,
) -> Result<CallToolResult, ErrorData> {
    let guest = gate.guest(&context);
    if let Some(error) = not_for(&guest, tool, &arguments) {
        gate.metrics.refused(error.code);
        return Ok(result_of(Answer::failed(error)));
    }
    let cancelled = Arc::new(AtomicBool::new(false));
    let (news, heard) = mpsc::channel(MOST_NEWS);
    let answering = async {
        let started = answered(gate, tool, arguments, (&context, guest.caller), &cancelled, news);
        let (answer, ()) = tokio::join!(started, told(&context, heard));
        answer
    };
    tokio::select! {
        answer = answering => answer.map(result_of),
        () = context.ct.cancelled() => {
            cancelled.store(true, Ordering::Relaxed);
            tracing::info!(tool = tool.name, "cancelled");
            Err(ErrorData::internal_error("the call was cancelled", None))
        }
    }
}

/// Waits for a turn, then for the tool.
async fn answered(
    gate: &Gate,
    tool: &'static Tool,
    arguments: Value,
    (context, caller): (&RequestContext<RoleServer>, Caller),
    cancelled: &Arc<AtomicBool>,
    news: mpsc::Sender<Progress>,
) -> Result<Answer, ErrorData> {
    let broken = |error: &dyn std::fmt::Display| ErrorData::internal_error(error.to_string(), None);
    let turn = Arc::clone(&gate.slots).acquire_owned().await.map_err(|error| broken(&error))?;
    let (settings, metrics, cancelled) = (Arc::clone(&gate.settings), Arc::clone(&gate.metrics), Arc::clone(cancelled));
    let span = tracing::info_span!("call", tool = tool.name, id = %context.id);
    let work = move || {
        // Held until the tool has really ended, also when nobody waits for it any more.
        let _turn = turn;
        let _inside = span.enter();
        let progress = move |step| drop(news.try_send(step));
        let call = Call { settings: &settings, caller: &caller, progress: &progress, cancelled: &cancelled };
        timed(tool, arguments, &call, &metrics)
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
    let answer = guarded(tool, arguments, call);
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

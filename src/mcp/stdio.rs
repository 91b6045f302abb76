//! MCP over standard input and output. Every line is answered: what is no JSON, what is too long, what is no request.
//!
//! A transport of our own stands below `rmcp`, which drops what it cannot read without a word and goes on for seconds
//! after the end. stdout carries only the protocol.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, GetMeta, JsonRpcMessage, ProtocolVersion, RequestId, ServerJsonRpcMessage,
};
use rmcp::service::{RoleServer, serve_server_with_ct};
use rmcp::transport::Transport;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::mcp::Gate;
use crate::mcp::message::{self, Refusal};

/// Longer lines are answered with an error: 80 MiB, more than the largest input that a tool takes.
const MAX_LINE: usize = 80 << 20;

/// How long calls may still take when the input has ended: `printf … | alembic-gate serve` gets its answers.
const GRACE: Duration = Duration::from_millis(180);

/// How long a tool has to tidy up when nobody waits any more.
const TIDYING: Duration = Duration::from_millis(80);

/// Messages between two tasks before one waits for the other.
const BUFFER: usize = 64;

/// Serves on standard input and output until the input ends, or SIGINT or SIGTERM comes.
pub async fn serve(gate: Gate) {
    serve_on(gate, tokio::io::stdin(), tokio::io::stdout(), signalled()).await;
}

/// Serves on any two streams until the input ends, the output breaks, or `stop` comes.
pub async fn serve_on(
    gate: Gate,
    input: impl AsyncRead + Unpin + Send + 'static,
    output: impl AsyncWrite + Unpin + Send + 'static,
    stop: impl Future<Output = ()>,
) {
    let desk = Arc::new(Desk::default());
    let (lines, written) = mpsc::channel(BUFFER);
    let (messages, received) = mpsc::channel(BUFFER);
    let ending = CancellationToken::new();
    let pipe = Pipe { received, lines: lines.clone(), desk: Arc::clone(&desk), has_begun: false };
    let mut serving = tokio::spawn(served(gate.clone(), pipe, ending.clone()));
    let mut writing = tokio::spawn(write_lines(written, output, Arc::clone(&desk)));
    // Held to the end: for the protocol the input has not ended while answers are under way.
    let held = messages.clone();
    // On a task of its own: a signal is heard while a long line is read.
    let mut reading = tokio::spawn(read_lines(input, messages, lines, Arc::clone(&desk)));
    let has_ended = tokio::select! {
        _ = &mut reading => true,
        () = stop => false,
        _ = &mut serving => false,
        _ = &mut writing => false,
    };
    if has_ended {
        let _ = tokio::time::timeout(GRACE, desk.emptied()).await;
    }
    ending.cancel();
    gate.quiet(TIDYING).await;
    drop(held);
}

async fn served(gate: Gate, pipe: Pipe, ending: CancellationToken) {
    match serve_server_with_ct(gate, pipe, ending).await {
        Ok(running) => drop(running.waiting().await),
        Err(error) => tracing::info!(%error, "the client left before the first message"),
    }
}

/// SIGINT or SIGTERM, heard from this call on, whenever the future is asked. Belongs into a runtime.
#[cfg(unix)]
pub(crate) fn signalled() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let heard = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = heard else { return std::future::pending().await };
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    }
}

/// The interrupt of the terminal.
#[cfg(not(unix))]
pub(crate) async fn signalled() {
    let _ = tokio::signal::ctrl_c().await;
}

/// What is open: requests without an answer, and answers that are not written yet.
#[derive(Default)]
struct Desk {
    open: Mutex<Open>,
    changed: Notify,
}

#[derive(Default)]
struct Open {
    /// Requests by id; true once the client has cancelled: it gets no answer, and the id is not taken again.
    requests: HashMap<RequestId, bool>,
    /// Lines on their way out.
    lines: usize,
}

impl Desk {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request in; false while its id is in use.
    fn takes(&self, id: &RequestId) -> bool {
        let mut open = self.open();
        let is_free = !open.requests.contains_key(id);
        if is_free {
            open.requests.insert(id.clone(), false);
        }
        is_free
    }

    fn cancelled(&self, id: &RequestId) {
        if let Some(is_cancelled) = self.open().requests.get_mut(id) {
            *is_cancelled = true;
        }
        self.changed.notify_waiters();
    }

    /// A line goes out; the request that it answers is closed, so that its id is free before the client can read it.
    fn goes_out(&self, answered: Option<&RequestId>) {
        let mut open = self.open();
        open.lines += 1;
        if let Some(id) = answered {
            open.requests.remove(id);
        }
    }

    fn is_out(&self) {
        let mut open = self.open();
        open.lines = open.lines.saturating_sub(1);
        drop(open);
        self.changed.notify_waiters();
    }

    fn is_empty(&self) -> bool {
        let open = self.open();
        open.lines == 0 && open.requests.values().all(|is_cancelled| *is_cancelled)
    }

    /// Waits until nothing is open.
    async fn emptied(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_empty() {
                return;
            }
            changed.await;
        }
    }
}

/// The transport below `rmcp`: messages that were read and checked come in, lines go out.
struct Pipe {
    received: mpsc::Receiver<ClientJsonRpcMessage>,
    lines: mpsc::Sender<String>,
    desk: Arc<Desk>,
    has_begun: bool,
}

impl Transport<RoleServer> for Pipe {
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let (lines, desk) = (self.lines.clone(), Arc::clone(&self.desk));
        async move {
            let line = serde_json::to_string(&message)?;
            let answered = match &message {
                JsonRpcMessage::Response(response) => Some(&response.id),
                JsonRpcMessage::Error(error) => error.id.as_ref(),
                JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
            };
            desk.goes_out(answered);
            lines.send(line).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let message = self.received.recv().await?;
            self.has_begun |= begins(&message);
            // Before the first request `rmcp` takes anything else for the end of the connection.
            if self.has_begun || matches!(message, JsonRpcMessage::Request(_)) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// With this message `rmcp` has chosen an era: a handshake, or a request that carries its own metadata.
fn begins(message: &ClientJsonRpcMessage) -> bool {
    let JsonRpcMessage::Request(asked) = message else { return false };
    match &asked.request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => {
            let meta = request.get_meta();
            let known = meta.protocol_version().is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version));
            known && meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
        }
    }
}

/// Hands lines that are messages to the server, and answers the others.
async fn read_lines(
    input: impl AsyncRead + Unpin,
    messages: mpsc::Sender<ClientJsonRpcMessage>,
    refusals: mpsc::Sender<String>,
    desk: Arc<Desk>,
) {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = match read_line(&mut input, &mut line).await {
            Ok(Line::End) | Err(_) => return,
            Ok(Line::TooLong) => Err(Refusal::too_long(MAX_LINE >> 20)),
            Ok(Line::Whole) => message::read(&line).and_then(|message| message.map(|message| taken(message, &desk)).transpose()),
        };
        // A single long line leaves no memory behind.
        line.shrink_to(1 << 16);
        let is_served = match read {
            Ok(None) => true,
            Ok(Some(message)) => messages.send(message).await.is_ok(),
            Err(refusal) => {
                desk.goes_out(None);
                refusals.send(refusal.line()).await.is_ok()
            }
        };
        if !is_served {
            return;
        }
    }
}

/// Enters a message into the desk.
fn taken(message: ClientJsonRpcMessage, desk: &Desk) -> Result<ClientJsonRpcMessage, Refusal> {
    match &message {
        JsonRpcMessage::Request(request) if !desk.takes(&request.id) => {
            return Err(Refusal::id_in_use(request.id.clone().into_json_value()));
        }
        JsonRpcMessage::Notification(told) => {
            if let ClientNotification::CancelledNotification(cancelled) = &told.notification
                && let Some(id) = &cancelled.params.request_id
            {
                desk.cancelled(id);
            }
        }
        JsonRpcMessage::Request(_) | JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
    }
    Ok(message)
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads to the next newline without keeping more than `MAX_LINE` bytes.
async fn read_line(input: &mut (impl AsyncBufReadExt + Unpin), line: &mut Vec<u8>) -> io::Result<Line> {
    let mut is_too_long = false;
    loop {
        let (used, is_done) = {
            let buffer = input.fill_buf().await?;
            if buffer.is_empty() {
                return Ok(match (is_too_long, line.is_empty()) {
                    (true, _) => Line::TooLong,
                    (false, true) => Line::End,
                    (false, false) => Line::Whole,
                });
            }
            let newline = buffer.iter().position(|b| *b == b'\n');
            let part = buffer.get(..newline.unwrap_or(buffer.len())).unwrap_or_default();
            is_too_long |= line.len() + part.len() > MAX_LINE;
            if !is_too_long {
                line.extend_from_slice(part);
            }
            (newline.map_or(buffer.len(), |n| n + 1), newline.is_some())
        };
        input.consume(used);
        if is_done {
            return Ok(if is_too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

/// Writes whole lines, until nobody sends any more or nobody reads them.
async fn write_lines(mut lines: mpsc::Receiver<String>, mut output: impl AsyncWrite + Unpin, desk: Arc<Desk>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if output.write_all(line.as_bytes()).await.is_err() || output.flush().await.is_err() {
            return;
        }
        desk.is_out();
    }
}

//! MCP over standard input and output. Every line is answered: what is no JSON, what is too long, what is no request.
//!
//! A reader of our own stands in front of `rmcp`, which drops what it cannot read without a word. stdout carries
//! only the protocol.

use rmcp::ServiceExt;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::mcp::Gate;

/// Longer lines are answered with an error: 80 MiB, more than the largest input that a tool takes.
const MAX_LINE: usize = 80 << 20;

/// Serves until the input ends, or SIGINT or SIGTERM comes.
///
/// # Errors
/// The pipes broke before the first message.
pub async fn serve() -> std::io::Result<()> {
    let (to_server, server_reads) = duplex(1 << 16);
    let (server_writes, from_server) = duplex(1 << 16);
    let (refusals, refused) = mpsc::channel::<String>(64);
    let reading = tokio::spawn(read_lines(tokio::io::stdin(), to_server, refusals));
    let writing = tokio::spawn(write_lines(from_server, refused, tokio::io::stdout()));
    let running = match Gate.serve((server_reads, server_writes)).await {
        Ok(running) => running,
        Err(error) => {
            tracing::info!(%error, "the client left before the first message");
            let _ = writing.await;
            return Ok(());
        }
    };
    let cancel = running.cancellation_token();
    tokio::select! {
        _ = running.waiting() => {}
        () = signalled() => { cancel.cancel(); reading.abort(); return Ok(()); }
    }
    let _ = writing.await;
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
async fn signalled() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
            return std::future::pending().await;
        };
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Hands lines that are requests to the server, and answers the others.
async fn read_lines(input: impl AsyncRead + Unpin, mut to_server: DuplexStream, refusals: mpsc::Sender<String>) {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut line = Vec::new();
    loop {
        line.clear();
        match read_line(&mut input, &mut line).await {
            Ok(Line::End) | Err(_) => return,
            Ok(Line::TooLong) => {
                let _ = refusals.send(refusal(&Value::Null, -32600, &format!("a line is longer than {} MiB", MAX_LINE >> 20))).await;
            }
            Ok(Line::Whole) => match checked(&line) {
                Ok(()) => {
                    if to_server.write_all(&line).await.is_err() || to_server.write_all(b"\n").await.is_err() {
                        return;
                    }
                }
                Err(Some(answer)) => {
                    let _ = refusals.send(answer).await;
                }
                Err(None) => {}
            },
        }
    }
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads to the next newline without keeping more than `MAX_LINE` bytes.
async fn read_line(input: &mut (impl AsyncBufReadExt + Unpin), line: &mut Vec<u8>) -> std::io::Result<Line> {
    let mut too_long = false;
    loop {
        let (used, done) = {
            let buffer = input.fill_buf().await?;
            if buffer.is_empty() {
                return Ok(if line.is_empty() && !too_long {
                    Line::End
                } else if too_long {
                    Line::TooLong
                } else {
                    Line::Whole
                });
            }
            let newline = buffer.iter().position(|b| *b == b'\n');
            let part = buffer.get(..newline.unwrap_or(buffer.len())).unwrap_or_default();
            too_long |= line.len() + part.len() > MAX_LINE;
            if !too_long {
                line.extend_from_slice(part);
            }
            (newline.map_or(buffer.len(), |n| n + 1), newline.is_some())
        };
        input.consume(used);
        if done {
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

/// `Ok`: the server may have it. `Err(Some)`: what to answer. `Err(None)`: nothing is there.
fn checked(line: &[u8]) -> Result<(), Option<String>> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Err(None);
    }
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(error) => return Err(Some(refusal(&Value::Null, -32700, &format!("the line is no JSON: {error}")))),
    };
    let id = value.get("id").cloned().unwrap_or(Value::Null);
    match &value {
        Value::Array(_) => Err(Some(refusal(&Value::Null, -32600, "batches are not part of this protocol: send one message a line"))),
        Value::Object(map)
            if map.get("method").is_some_and(Value::is_string) || map.contains_key("result") || map.contains_key("error") =>
        {
            if map.contains_key("method") && map.contains_key("id") && !(id.is_string() || id.is_number()) {
                return Err(Some(refusal(&Value::Null, -32600, "`id` must be a string or a number")));
            }
            Ok(())
        }
        _ => Err(Some(refusal(&id, -32600, "a message is an object with a `method`"))),
    }
}

fn refusal(id: &Value, code: i64, message: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }).to_string()
}

/// Writes whole lines: those of the server, and refusals between them.
async fn write_lines(from_server: DuplexStream, mut refused: mpsc::Receiver<String>, mut output: impl AsyncWrite + Unpin) {
    let mut lines = BufReader::with_capacity(1 << 16, from_server);
    let mut line = Vec::new();
    let mut refusing = true;
    loop {
        tokio::select! {
            read = lines.read_until(b'\n', &mut line) => {
                if read.unwrap_or(0) == 0 { break; }
                if output.write_all(&line).await.is_err() || output.flush().await.is_err() { return; }
                line.clear();
            }
            answer = refused.recv(), if refusing && line.is_empty() => match answer {
                Some(answer) => {
                    if output.write_all(answer.as_bytes()).await.is_err() || output.write_all(b"\n").await.is_err() || output.flush().await.is_err() { return; }
                }
                None => refusing = false,
            },
        }
    }
    while let Ok(answer) = refused.try_recv() {
        let _ = output.write_all(answer.as_bytes()).await;
        let _ = output.write_all(b"\n").await;
    }
    let _ = output.flush().await;
}

//! A client over standard input and output, as simple as the protocol allows.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_alembic-gate");

/// Nothing that a test waits for takes longer on a busy machine; a hang becomes a failure.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Client {
    pub child: Child,
    pub input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl Client {
    /// A server that nobody has spoken to.
    pub fn silent(arguments: &[&str]) -> Self {
        Self::with_variables(arguments, &[])
    }

    /// The same with variables of its environment.
    pub fn with_variables(arguments: &[&str], variables: &[(&str, String)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.arg("serve").args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        Self::of(command)
    }

    /// A server that was put together by the caller.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let input = child.stdin.take();
        let lines = lines_of(child.stdout.take().unwrap());
        Self { child, input, lines }
    }

    /// A server after the handshake of clients before 2026-07-28.
    pub fn with_handshake() -> Self {
        let mut client = Self::silent(&[]);
        client.ask("initialize", hello());
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
        client
    }

    pub fn send(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
        input.flush().unwrap();
    }

    pub fn receive(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("the server answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("stdout carries only the protocol, not {line:?}: {error}"))
    }

    /// All lines until the server closes its output.
    pub fn rest(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => all.push(serde_json::from_str(&line).unwrap()),
                Err(mpsc::RecvTimeoutError::Disconnected) => return all,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("the server does not end"),
            }
        }
    }

    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string());
        self.receive()
    }

    /// A request of 2026-07-28: it carries what a handshake said before.
    pub fn ask_alone(&mut self, method: &str, mut params: Value) -> Value {
        params["_meta"] = modern_meta();
        self.ask(method, params)
    }

    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))["result"].clone()
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn hello() -> Value {
    json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } })
}

pub fn modern_meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
    })
}

fn lines_of(output: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

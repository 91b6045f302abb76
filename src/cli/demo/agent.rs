//! The programs that the demonstration starts: the server, spoken to as an agent does, and Alembic by hand.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Map, Value, json};

use crate::cli::demo::sample::{NotHere, Sample, URL_VARIABLE};

/// A server that this program started of itself, and the other end of its pipes.
pub struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    asked: u64,
    /// Calls made.
    pub calls: u32,
}

impl Agent {
    /// Starts the server on the sample: it may apply, and keeps its key where the sample says.
    ///
    /// # Errors
    /// It does not start.
    pub fn new(sample: &Sample) -> Result<Self, NotHere> {
        let program = std::env::current_exe().map_err(|error| not_started(&error))?;
        let mut child = Command::new(program)
            .args(["serve", "--allow-apply"])
            .current_dir(sample.folder.path())
            .env(URL_VARIABLE, sample.url())
            .env("XDG_STATE_HOME", sample.state.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| not_started(&error))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let Some(output) = output else { return Err(not_started(&"it has no output")) };
        let mut agent = Self { child, input, output: BufReader::new(output), asked: 0, calls: 0 };
        let client = json!({ "name": "alembic-gate demo", "version": env!("CARGO_PKG_VERSION") });
        agent.ask("initialize", &json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client }))?;
        agent.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(agent)
    }

    /// Calls a tool and gives its `structuredContent`.
    ///
    /// # Errors
    /// The server is gone, or answers no JSON.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Result<Map<String, Value>, NotHere> {
        self.calls += 1;
        let answer = self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }))?;
        match answer.pointer("/result/structuredContent") {
            Some(Value::Object(content)) => Ok(content.clone()),
            _ => Err(gone(&format!("`{tool}` was answered by {answer}"))),
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Value, NotHere> {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let mut line = String::new();
        loop {
            line.clear();
            match self.output.read_line(&mut line) {
                Ok(0) => return Err(gone("it ended")),
                Ok(_) => {}
                Err(error) => return Err(gone(&error)),
            }
            let answer: Value = serde_json::from_str(&line).map_err(|error| gone(&error))?;
            if answer.get("id").and_then(Value::as_u64) == Some(id) {
                return Ok(answer);
            }
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), NotHere> {
        let Some(input) = &mut self.input else { return Err(gone("its input is closed")) };
        writeln!(input, "{message}").and_then(|()| input.flush()).map_err(|error| gone(&error))
    }
}

impl Drop for Agent {
    /// The end of its input ends the server, and all that it started.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Brings staging to a revision by Alembic itself, as somebody did before us.
///
/// # Errors
/// What Alembic says.
pub fn upgraded(sample: &Sample, revision: &str) -> Result<(), NotHere> {
    let folder: &Path = sample.folder.path();
    let ran = Command::new(&sample.python)
        .args(["-m", "alembic", "upgrade", revision])
        .current_dir(folder)
        .env("SHOP_URL", sample.url())
        .env("PYTHONPATH", folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| not_started(&error))?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let last = said.lines().last().unwrap_or_default();
    Err(NotHere {
        what: format!("Alembic could not bring staging to {revision}: {last}"),
        hint: "`--python` wants Alembic, SQLAlchemy 2 and psycopg".to_owned(),
    })
}

fn not_started(error: &dyn std::fmt::Display) -> NotHere {
    NotHere { what: format!("a program could not be started: {error}"), hint: "try again".to_owned() }
}

fn gone(error: &(impl std::fmt::Display + ?Sized)) -> NotHere {
    NotHere { what: format!("the server of the demonstration is gone: {error}"), hint: "try again with ALEMBIC_GATE_LOG=info".to_owned() }
}

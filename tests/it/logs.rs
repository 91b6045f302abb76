//! Logs: on stderr, with the tool of each call, and without the secrets of what was asked.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::mcp_client::{PROGRAM, modern_meta};

const SECRET: &str = "geheim99XyZ";

/// stderr of a server that was asked one thing with a secret in it.
fn logged(filter: &str, form: &str) -> String {
    let sql = format!("CREATE USER app PASSWORD '{SECRET}'; -- postgresql://app:{SECRET}@db/shop");
    let params = json!({ "name": "classify_risk", "arguments": { "sql": sql }, "_meta": modern_meta() });
    let call = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params });
    let mut child = Command::new(PROGRAM)
        .arg("serve")
        .env("ALEMBIC_GATE_LOG", filter)
        .env("ALEMBIC_GATE_LOG_FORMAT", form)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{call}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), 1, "stdout carries only the protocol: {answers}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_call_is_logged_with_its_tool_and_verdict() {
    let lines = logged("alembic_gate=info", "");
    assert!(lines.contains("call{tool=\"classify_risk\" id=5}") && lines.contains("verdict="), "{lines}");
    let line = logged("alembic_gate=info", "json");
    let event: Value = serde_json::from_str(line.lines().find(|line| line.contains("called")).unwrap()).unwrap();
    assert_eq!((&event["span"]["tool"], &event["level"]), (&json!("classify_risk"), &json!("INFO")), "{event}");
    assert!(event["fields"]["micros"].is_u64());
}

#[test]
fn nothing_is_logged_unless_asked_for() {
    assert_eq!(logged("", ""), "");
}

/// At the finest level `rmcp` writes whole messages.
#[test]
fn no_log_holds_a_secret() {
    for form in ["", "json"] {
        let lines = logged("trace", form);
        assert!(lines.contains("CREATE USER app PASSWORD"), "the message itself is logged at this level");
        assert!(!lines.contains(SECRET), "{form}");
    }
}

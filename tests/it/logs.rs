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

/// With the feature `otel`: a collector on loopback hears of the call, of each of its statements, and of no secret.
#[cfg(feature = "otel")]
#[test]
fn spans_go_to_a_collector_without_secrets() {
    use std::io::{BufRead, BufReader, Read};
    use std::net::TcpListener;

    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let heard = std::thread::spawn(move || {
        let (stream, _) = collector.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}").unwrap();
        (first, String::from_utf8(body).unwrap())
    });
    let sql = format!("CREATE USER app PASSWORD '{SECRET}'; -- postgresql://app:{SECRET}@db/shop\nDROP TABLE users;");
    let output = Command::new(PROGRAM)
        .args(["call", "classify_risk", "--args", &json!({ "sql": sql }).to_string()])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("drop_table"), "{output:?}");
    let (first, body) = heard.join().unwrap();
    assert!(first.starts_with("POST /v1/traces "), "{first}");
    let sent: Value = serde_json::from_str(&body).unwrap();
    let spans = sent["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let named = |name: &str| spans.iter().filter(|span| span["name"] == name).count();
    assert_eq!((named("call"), named("statement")), (1, 2), "{sent:#}");
    assert!(body.contains("alembic-gate") && !body.contains(SECRET), "{sent:#}");
}

/// With the feature `otel`: a collector that is not there costs a third of a second at most, and no answer.
#[cfg(feature = "otel")]
#[test]
fn a_collector_that_is_not_there_is_no_error() {
    let output = Command::new(PROGRAM)
        .args(["call", "classify_risk", "--args", "{\"sql\": \"DROP TABLE users\"}"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("drop_table"), "{output:?}");
}

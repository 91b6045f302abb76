//! The guarded standard input: every line is answered, every end is quick, both eras of the protocol work.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::mcp_client::{Client, hello, modern_meta};

#[test]
fn every_malformed_line_is_answered_and_the_server_lives() {
    let mut client = Client::with_handshake();
    let long = "x".repeat(20 << 20);
    let request = |rest: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":7,{rest}}}");
    let lines: Vec<(String, i64, Value)> = vec![
        ("this is no JSON".to_owned(), -32700, Value::Null),
        (request("\"method\":\"x\\ud800\""), -32700, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\"".to_owned(), -32700, Value::Null),
        (format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000)), -32700, Value::Null),
        (format!("\"{long}"), -32700, Value::Null),
        ("[]".to_owned(), -32600, Value::Null),
        (format!("[{}]", request("\"method\":\"tools/list\"")), -32600, Value::Null),
        ("42".to_owned(), -32600, Value::Null),
        ("{}".to_owned(), -32600, Value::Null),
        (request("\"method\":5"), -32600, json!(7)),
        ("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"tools/list\"}".to_owned(), -32600, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"tools/list\"}".to_owned(), -32600, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"tools/list\"}".to_owned(), -32600, Value::Null),
        ("{\"jsonrpc\":\"1.0\",\"id\":7,\"method\":\"tools/list\"}".to_owned(), -32600, json!(7)),
        (request("\"method\":\"tools/list\",\"params\":[]"), -32602, json!(7)),
        (request("\"method\":\"tools/list\",\"params\":\"x\""), -32602, json!(7)),
        (request("\"method\":\"tools/call\""), -32602, json!(7)),
        (request("\"method\":\"tools/call\",\"params\":{\"name\":5}"), -32602, json!(7)),
        (request("\"method\":\"tools/call\",\"params\":{\"name\":\"review_sql\",\"arguments\":[]}"), -32602, json!(7)),
        (request("\"method\":\"tools/call\",\"params\":{\"name\":\"review_sql\",\"arguments\":\"{}\"}"), -32602, json!(7)),
        (request("\"method\":\"tools/call\",\"params\":{\"name\":\"no_such_tool\",\"arguments\":{}}"), -32602, json!(7)),
        (request("\"method\":\"prompts/get\",\"params\":{}"), -32602, json!(7)),
        (request("\"method\":\"prompts/get\",\"params\":{\"name\":\"no_such_prompt\"}"), -32602, json!(7)),
        (request("\"method\":\"resources/read\",\"params\":{\"uri\":5}"), -32602, json!(7)),
        (request("\"method\":\"completion/complete\",\"params\":{}"), -32602, json!(7)),
        (request("\"method\":\"tools/list\",\"params\":{\"cursor\":\"x\"}"), -32602, json!(7)),
        (request("\"method\":\"no/such/method\""), -32601, json!(7)),
    ];
    for (line, code, id) in lines {
        client.send(&line);
        let answer = client.receive();
        let shown: String = line.chars().take(120).collect();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id), "{shown} → {answer}");
        assert!(!answer["error"]["message"].as_str().unwrap().is_empty(), "{shown}");
    }
    assert!(client.ask("tools/list", json!({}))["result"]["tools"].is_array(), "the server lives");
}

#[test]
fn what_needs_no_answer_gets_none() {
    let mut client = Client::with_handshake();
    for line in [
        "",
        "   ",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/no_such\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":99}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":[]}}",
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":5}",
    ] {
        client.send(line);
    }
    client.send(&json!({ "jsonrpc": "2.0", "id": 70, "method": "ping" }).to_string());
    assert_eq!(client.receive()["id"], json!(70));
}

#[test]
fn a_byte_order_mark_and_a_carriage_return_are_no_error() {
    let mut client = Client::with_handshake();
    client.send("\u{feff}{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}\r");
    assert_eq!(client.receive()["id"], json!(3));
}

#[test]
fn a_request_of_20_mb_is_served() {
    let mut client = Client::with_handshake();
    let sql = format!("DROP TABLE users; /* {} */", "x".repeat(20 << 20));
    assert_eq!(client.call("classify_risk", json!({ "sql": sql }))["structuredContent"]["data_loss_risk"], json!("high"));
}

#[test]
fn what_comes_before_the_first_request_ends_nothing() {
    let mut client = Client::silent(&[]);
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }).to_string());
    client.send(&json!({ "jsonrpc": "2.0", "id": 9, "result": {} }).to_string());
    client.send("no JSON");
    assert_eq!(client.receive()["error"]["code"], json!(-32700));
    assert_eq!(client.ask("ping", json!({}))["result"], json!({}));
    let early = client.ask("tools/list", json!({}));
    assert!(early["error"]["message"].is_string(), "without handshake and metadata: {early}");
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
    assert!(client.ask("initialize", json!({}))["error"].is_object());
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
    assert_eq!(client.ask("initialize", hello())["result"]["protocolVersion"], json!("2025-06-18"));
}

#[test]
fn one_program_speaks_both_eras() {
    let mut old = Client::with_handshake();
    let mut new = Client::silent(&[]);
    let found = new.ask_alone("server/discover", json!({}))["result"].clone();
    assert!(found["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")), "{found}");
    assert_eq!(found["instructions"], json!(alembic_gate::mcp::INSTRUCTIONS));
    let arguments = json!({ "name": "classify_risk", "arguments": { "sql": "DROP TABLE users" } });
    let (by_new, by_old) = (new.ask_alone("tools/call", arguments.clone()), old.ask("tools/call", arguments));
    assert_eq!(by_new["result"]["structuredContent"], by_old["result"]["structuredContent"]);
    assert_eq!(by_new["result"]["resultType"], json!("complete"));
    for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        let listed = new.ask_alone(method, json!({}))["result"].clone();
        assert!(listed["ttlMs"].is_u64() && listed["cacheScope"].is_string(), "{method}: {listed}");
    }
    let unknown =
        json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": "2030-01-01", "io.modelcontextprotocol/clientCapabilities": {} } });
    assert_eq!(new.ask("tools/list", unknown)["error"]["code"], json!(-32022));
}

#[test]
fn answers_under_way_are_written_before_the_end() {
    let mut client = Client::silent(&[]);
    let mut call = json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call",
        "params": { "name": "classify_risk", "arguments": { "sql": "DROP TABLE users" }, "_meta": modern_meta() } });
    client.send(&call.to_string());
    client.send("no JSON");
    call["id"] = json!(6);
    // The last line may end with the input.
    std::io::Write::write_all(client.input.as_mut().unwrap(), call.to_string().as_bytes()).unwrap();
    client.input = None;
    let mut ids: Vec<String> = client.rest().iter().map(|answer| answer["id"].to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["5", "6", "null"]);
    assert!(client.wait().success());
}

/// Every end comes quickly, also while a call is under way: 0.4 s, and what a busy machine adds.
#[test]
fn the_end_of_the_input_and_signals_end_the_server_at_once() {
    for end in ["EOF", "INT", "TERM"] {
        for is_busy in [false, true] {
            let mut client = Client::with_handshake();
            if is_busy {
                let sql = "ALTER TABLE books ADD COLUMN note text;\n".repeat(50_000);
                let params = json!({ "name": "review_sql", "arguments": { "sql": sql } });
                client.send(&json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params }).to_string());
                // The call has begun when what came behind it is answered.
                assert_eq!(client.ask("ping", json!({}))["id"], json!(1));
            }
            let started = Instant::now();
            match end {
                "EOF" => client.input = None,
                signal => {
                    let process = client.child.id().to_string();
                    assert!(Command::new("kill").args([&format!("-{signal}"), &process]).status().unwrap().success());
                }
            }
            client.wait();
            let took = started.elapsed();
            println!("{end}, busy {is_busy}: {} ms", took.as_millis());
            assert!(took < Duration::from_millis(1_500), "{end}: {took:?}");
        }
    }
}

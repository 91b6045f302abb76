//! A tool that asks the person behind the client: both forms of the protocol, and clients that cannot.

use alembic_gate::tools::Tool;
use alembic_gate::tools::answer::{Answer, Verdict};
use alembic_gate::tools::call::Call;
use alembic_gate::tools::question::{Field, FieldKind, Question, Reply};
use serde_json::{Value, json};

use crate::mcp_calls::{Session, in_time, tool};
use crate::mcp_client::modern_meta;

const TOOLS: &[Tool] = &[tool("confirms", confirms)];

/// Asks whether `what` may go; a `true` among its arguments is none of a person's.
fn confirms(arguments: Value, call: &Call<'_>) -> Answer {
    let message = format!("`{}` loses all rows. postgresql://me:geheim99@host/db", arguments["what"].as_str().unwrap_or("users"));
    let field = |name, kind, is_required| Field { name, title: format!("The {name}"), kind, is_required };
    let fields =
        vec![field("confirmed", FieldKind::YesNo, true), field("backup", FieldKind::Text, true), field("remark", FieldKind::Text, false)];
    let said = match call.ask(Question { message, fields }) {
        Reply::Filled(filled) => format!("filled {}", Value::Object(filled)),
        Reply::Declined => "declined".to_owned(),
        Reply::Later => "later".to_owned(),
        Reply::Nobody => "nobody".to_owned(),
    };
    Answer::of(&json!({ "verdict": "pass", "summary": said }), Verdict::Pass, said.clone())
}

fn forms() -> Value {
    json!({ "elicitation": { "form": {} } })
}

/// One call of 2026-07-28.
async fn call(session: &mut Session, capabilities: Value, arguments: Value, more: Value) -> Value {
    let mut meta = modern_meta();
    meta["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    let mut params = json!({ "name": "confirms", "arguments": arguments, "_meta": meta });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    session.send(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })).await;
    session.receive().await
}

fn reply(state: &Value, reply: Value) -> Value {
    json!({ "requestState": state, "inputResponses": { "question": reply } })
}

fn accepted(content: Value) -> Value {
    json!({ "action": "accept", "content": content })
}

fn summary(answer: &Value) -> &str {
    answer["result"]["structuredContent"]["summary"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn a_client_that_shows_forms_asks_and_calls_again() {
    in_time(async {
        let mut session = Session::with(TOOLS);
        let asked = call(&mut session, forms(), json!({ "confirmed": true, "backup": "trust me" }), json!({})).await;
        let result = &asked["result"];
        assert_eq!(result["resultType"], json!("input_required"), "a model's `true` is nobody's word: {asked}");
        let form = &result["inputRequests"]["question"];
        assert_eq!((&form["method"], &form["params"]["mode"]), (&json!("elicitation/create"), &json!("form")));
        assert_eq!(form["params"]["requestedSchema"]["required"], json!(["confirmed", "backup"]));
        let shown = form["params"]["message"].as_str().unwrap();
        assert!(shown.contains("loses all rows") && !shown.contains("geheim99"), "{shown}");

        let state = &result["requestState"];
        let arguments = json!({ "confirmed": true, "backup": "trust me" });
        let filled = accepted(json!({ "confirmed": true, "backup": "of noon", "more": 1 }));
        let answer = call(&mut session, forms(), arguments.clone(), reply(state, filled)).await;
        assert_eq!(summary(&answer), r#"filled {"backup":"of noon","confirmed":true}"#);
        for no in ["decline", "cancel"] {
            assert_eq!(summary(&call(&mut session, forms(), arguments.clone(), reply(state, json!({ "action": no }))).await), "declined");
        }
    });
}

#[test]
fn what_is_no_reply_is_asked_again() {
    in_time(async {
        let mut session = Session::with(TOOLS);
        let asked = call(&mut session, forms(), json!({}), json!({})).await;
        let state = &asked["result"]["requestState"];
        let wrong = [
            reply(state, accepted(json!({}))),
            reply(state, accepted(json!({ "confirmed": "yes", "backup": "of noon" }))),
            reply(state, accepted(json!({ "confirmed": true, "backup": " " }))),
            reply(state, accepted(json!({ "confirmed": true, "backup": "x".repeat(2_000) }))),
            reply(state, json!(true)),
            json!({ "requestState": state }),
            json!({ "inputResponses": { "question": accepted(json!({ "confirmed": true, "backup": "of noon" })) } }),
        ];
        for more in wrong {
            let answer = call(&mut session, forms(), json!({}), more.clone()).await;
            assert_eq!(answer["result"]["resultType"], json!("input_required"), "{more} → {answer}");
        }
    });
}

#[test]
fn a_reply_counts_for_the_call_and_the_question_that_it_was_given_to() {
    in_time(async {
        let mut session = Session::with(TOOLS);
        let yes = accepted(json!({ "confirmed": true, "backup": "of noon" }));
        let users = call(&mut session, forms(), json!({ "what": "users" }), json!({})).await;
        let state = users["result"]["requestState"].clone();
        let elsewhere = call(&mut session, forms(), json!({ "what": "orders" }), reply(&state, yes.clone())).await;
        assert_eq!(elsewhere["error"]["code"], json!(-32602), "{elsewhere}");
        let text = state.as_str().unwrap();
        let mut forged: String = text.chars().take(text.chars().count() - 1).collect();
        forged.push(if text.ends_with('A') { 'B' } else { 'A' });
        for state in [json!(forged), json!(""), json!("rs1.e30.AAAA")] {
            let answer = call(&mut session, forms(), json!({ "what": "users" }), reply(&state, yes.clone())).await;
            assert_eq!(answer["error"]["code"], json!(-32602), "{state} → {answer}");
        }
    });
}

#[test]
fn a_client_without_forms_is_asked_nothing() {
    in_time(async {
        let mut session = Session::with(TOOLS);
        for capabilities in [json!({}), json!({ "elicitation": { "url": {} } }), json!({ "roots": {} })] {
            assert_eq!(summary(&call(&mut session, capabilities, json!({ "confirmed": true }), json!({})).await), "nobody");
        }
    });
}

#[test]
fn a_client_with_a_handshake_is_asked_while_the_call_waits() {
    in_time(async {
        let replies = [
            (
                json!({ "action": "accept", "content": { "confirmed": true, "backup": "of noon" } }),
                r#"filled {"backup":"of noon","confirmed":true}"#,
            ),
            (json!({ "action": "decline" }), "declined"),
            (json!({ "action": "accept", "content": { "confirmed": 1 } }), "declined"),
        ];
        let mut session = Session::with(TOOLS);
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": { "elicitation": {} }, "clientInfo": { "name": "t", "version": "1" } });
        session.send(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello })).await;
        session.receive().await;
        session.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        for (reply, expected) in replies {
            let params = json!({ "name": "confirms", "arguments": {} });
            session.send(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params })).await;
            let asked = session.receive().await;
            assert_eq!(asked["method"], json!("elicitation/create"), "{asked}");
            session.send(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": reply })).await;
            assert_eq!(summary(&session.receive().await), expected);
        }
        let params = json!({ "name": "confirms", "arguments": {} });
        session.send(json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params })).await;
        let asked = session.receive().await;
        let error = json!({ "code": -32601, "message": "no forms here" });
        session.send(json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error })).await;
        assert_eq!(summary(&session.receive().await), "nobody");
    });
}

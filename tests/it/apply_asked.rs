//! Where a client shows forms, the person behind it has the last word before anything is sent. A yes is on record as L1 and
//! opens nothing; a no stops it.

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::apply::{Site, apply, prove, reasons};
use crate::deploy_cases::{EMAIL, USERS, engines_of};
use crate::mcp_client::{Client, hello, modern_meta};

/// A client that says it can show forms.
fn asking(site: &Site) -> Client {
    let mut hello = hello();
    hello["capabilities"] = json!({ "elicitation": {} });
    site.client_saying(true, hello)
}

/// Calls, replies to the form where one is shown, and gives the answer with the form.
fn applied(client: &mut Client, environment: &str, reply: &Value) -> (Value, Option<Value>) {
    let params = json!({ "name": "apply_migration", "arguments": { "environment": environment } });
    client.send(&json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params }).to_string());
    let mut form = None;
    loop {
        let line = client.receive();
        if line["method"] == "elicitation/create" {
            client.send(&json!({ "jsonrpc": "2.0", "id": line["id"], "result": reply }).to_string());
            form = Some(line["params"].clone());
        } else if line["id"] == 7 {
            return (line["result"]["structuredContent"].clone(), form);
        }
    }
}

#[test]
fn a_no_stops_it_and_a_yes_is_on_record_as_l1() {
    let Some(server) = engines_of(Dialect::Sqlite).pop() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    let dump = site.shop.dump();
    let mut client = asking(&site);
    prove(&mut client, "create_users");
    for no in
        [json!({ "action": "decline" }), json!({ "action": "cancel" }), json!({ "action": "accept", "content": { "confirmed": false } })]
    {
        let (answer, form) = applied(&mut client, "staging", &no);
        let message = form.unwrap()["message"].as_str().unwrap().to_owned();
        for part in ["staging", "create_users", "add_user_email", "Data loss: none", "Digest"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert_eq!((&answer["verdict"], reasons(&answer)), (&json!("blocked"), vec!["approval_required"]), "{answer:#}");
        assert_eq!(answer["approval_required"]["level"], "L1", "{answer:#}");
        assert!(answer["mend"].as_str().unwrap().contains("said no") && site.shop.dump() == dump, "{answer:#}");
    }
    // Production asks for L2: a client's form is not even shown, and no yes of it counts.
    let yes = json!({ "action": "accept", "content": { "confirmed": true, "name": "ada", "backup": "of noon" } });
    let (production, form) = applied(&mut client, "production", &yes);
    assert!(form.is_none() && reasons(&production).contains(&"approval_required"), "{production:#}");
    assert_eq!(production["approval_required"]["level"], "L2");
    let (answer, _) = applied(&mut client, "staging", &yes);
    assert_eq!((&answer["applied"], site.shop.version().as_deref()), (&json!(true), Some("add_user_email")), "{answer:#}");
    let ledger = site.ledger();
    assert!(ledger.contains("\"approver\":\"ada\"") && ledger.contains("\"way\":{\"way\":\"elicited\"}"), "{ledger}");
    let report = client
        .ask("resources/read", json!({ "uri": format!("migration://{}/review.md", answer["state"]["migration_id"].as_str().unwrap()) }));
    assert!(report.to_string().contains("Reviewed by: ada (L1)"), "{report:#}");
    let (still, _) = applied(&mut client, "production", &yes);
    assert!(reasons(&still).contains(&"approval_required"), "an L1 is no L2: {still:#}");
}

/// The newer form of the protocol: the client asks and calls again with the reply.
#[test]
fn a_client_that_calls_again_is_asked_before_anything_is_sent() {
    let Some(server) = engines_of(Dialect::Sqlite).pop() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    let mut client = site.client(true);
    prove(&mut client, "create_users");
    let mut meta = modern_meta();
    meta["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": { "form": {} } });
    let mut params = json!({ "name": "apply_migration", "arguments": { "environment": "staging" }, "_meta": meta });
    let asked = client.ask("tools/call", params.clone());
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked:#}");
    assert_eq!(site.shop.version().as_deref(), Some("create_users"));
    params["requestState"] = asked["result"]["requestState"].clone();
    params["inputResponses"] = json!({ "question": { "action": "accept", "content": { "confirmed": true } } });
    let answer = client.ask("tools/call", params);
    assert_eq!(answer["result"]["structuredContent"]["applied"], true, "{answer:#}");
    assert!(site.ledger().contains("somebody at the client"));
}

/// Who shows no forms is asked nothing; a model's argument is nobody's word.
#[test]
fn a_client_without_forms_goes_by_the_gates_alone() {
    let Some(server) = engines_of(Dialect::Sqlite).pop() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    let mut client = site.client(true);
    prove(&mut client, "create_users");
    let forged = client.call("apply_migration", json!({ "environment": "staging", "confirmed": true }));
    assert_eq!(forged["structuredContent"]["error"]["code"], "bad_arguments", "{forged:#}");
    assert_eq!(apply(&mut client, "staging")["applied"], true);
    assert!(!site.ledger().contains("elicited"));
}

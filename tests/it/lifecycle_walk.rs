//! The walk through the phases over MCP: each answer names the next call, and after every step an agent that lost
//! everything goes on from its block, from the disk, or from nothing.

use serde_json::{Value, json};

use crate::lifecycle_tools::{EMAIL, Shop};
use crate::mcp_client::{Client, hello};
use crate::ranges::AUTHORS;

fn client(shop: &Shop) -> Client {
    let mut client = Client::of(shop.command(&["serve"]));
    client.ask("initialize", hello());
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
    client
}

fn block(answer: &Value) -> &str {
    answer["structuredContent"]["state_block"].as_str().unwrap_or_else(|| panic!("{answer:#}"))
}

/// What may differ between two looks at the same state.
fn same_state(one: &Value, other: &Value) {
    for field in ["phase", "migration_name", "sql_reviewed", "rollback_tested", "data_loss_risk", "target_revision", "migration_id"] {
        assert_eq!(one["structuredContent"]["state"][field], other["structuredContent"]["state"][field], "{field}");
    }
}

/// A client that knows nothing goes on from the block, from the disk by name, and from nothing.
fn resumed(shop: &Shop, last: &Value) {
    let mut fresh = client(shop);
    let id = last["structuredContent"]["state"]["migration_id"].clone();
    for arguments in [json!({ "state_block": block(last) }), json!({ "migration_id": id }), json!({})] {
        let status = fresh.call("migration_status", arguments.clone());
        same_state(last, &status);
        let overrides = &status["structuredContent"]["state_overrides"];
        assert!(overrides.is_null(), "an honest block is contradicted in nothing ({arguments}): {overrides}");
        assert_eq!(last["structuredContent"]["next"][0]["tool"], status["structuredContent"]["next"][0]["tool"], "{arguments}");
    }
}

#[test]
fn s_001_s_106b_each_answer_leads_to_the_next_and_every_step_can_be_resumed() {
    let Some(shop) = Shop::new(&[AUTHORS]) else { return };
    let mut agent = client(&shop);
    let made = agent.call("generate_migration", json!({ "migration_name": "add_authors_email" }));
    let mut answer = made;
    let mut phases = Vec::new();
    let mut bytes = Vec::new();
    for expected in ["review_sql", "test_rollback"] {
        let output = answer["structuredContent"].clone();
        phases.push(output["state"]["phase"].as_str().unwrap().to_owned());
        let text = answer["content"][0]["text"].as_str().unwrap();
        assert!(text.trim_end().ends_with("</alembic-migration-state>"), "the block is last: {text}");
        assert!(output["state"]["next_action"].as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= 120));
        resumed(&shop, &answer);
        bytes.push(output.to_string().len());
        let next = output["next"][0].clone();
        assert_eq!(next["tool"], expected, "{output:#}");
        answer = agent.call(expected, next["args"].clone());
    }
    let output = &answer["structuredContent"];
    phases.push(output["state"]["phase"].as_str().unwrap().to_owned());
    bytes.push(output.to_string().len());
    resumed(&shop, &answer);
    assert_eq!(phases, ["GENERATE", "REVIEW_SQL", "TEST_ROLLBACK"]);
    println!("bytes of the answers: {bytes:?}");
    // Four bytes a token: generate, review and test in all.
    assert!(bytes.iter().sum::<usize>() <= 5_000 * 4, "{bytes:?}");
}

#[test]
fn s_106b_a_block_alone_finds_its_migration_on_another_machine() {
    let (Some(shop), Some(other)) = (Shop::new(&[AUTHORS, EMAIL]), Shop::new(&[AUTHORS, EMAIL])) else { return };
    let tested = shop.proven();
    let block = tested["state_block"].as_str().unwrap();
    let status = other.call("migration_status", json!({ "state_block": block }));
    assert_eq!(status["state"]["migration_name"], "add_authors_email", "{status:#}");
    assert_eq!((&status["state"]["phase"], &status["next"][0]["tool"]), (&json!("GENERATE"), &json!("review_sql")));
    let fields: Vec<&str> = status["state_overrides"].as_array().unwrap().iter().map(|row| row["field"].as_str().unwrap()).collect();
    assert!(["phase", "sql_reviewed", "rollback_tested"].iter().all(|field| fields.contains(field)), "{fields:?}");
    let unknown = other.call("migration_status", json!({ "migration_id": "never_heard_of_it-12345678" }));
    assert_eq!(unknown["error"]["code"], "unknown_migration");
    for broken in ["phase: PLAN | GENERATE", "no block at all"] {
        let refused = other.call("review_sql", json!({ "state_block": broken }));
        assert_eq!(
            (&refused["error"]["code"], &refused["error"]["where"]),
            (&json!("bad_arguments"), &json!("state_block")),
            "{refused:#}"
        );
    }
}

#[test]
fn s_107_s_124_reports_are_pages_whose_boxes_follow_the_evidence() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    let mut agent = client(&shop);
    let reviewed = agent.call("review_sql", json!({}))["structuredContent"].clone();
    let uri = reviewed["report_uri"].as_str().unwrap().to_owned();
    let read = |agent: &mut Client, uri: &str| {
        let page = agent.ask("resources/read", json!({ "uri": uri }));
        page["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{uri}: {page:#}")).to_owned()
    };
    let report = read(&mut agent, &uri);
    assert!(report.starts_with("## Migration Review: add_authors_email\n\n**Revision:** add_authors_email\n"), "{report}");
    assert!(report.contains("- **Type:** ADD COLUMN") && report.contains("- [ ] `alembic downgrade -1` tested"), "{report}");
    assert!(report.contains("- [ ] Reviewed by: [name]"), "an agent signs nothing: {report}");
    let tested = agent.call("test_rollback", json!({ "rows": 3 }))["structuredContent"].clone();
    let report = read(&mut agent, &uri);
    for box_ in ["- [x] Idempotency verified", "- [x] `alembic downgrade -1` tested", "- [x] Database state after downgrade matches"] {
        assert!(report.contains(box_), "{report}");
    }
    let rollback = read(&mut agent, tested["report_uri"].as_str().unwrap());
    assert!(rollback.contains("**Rollback verified:** ✓ Yes") && rollback.contains("- `alembic current`: create_authors"), "{rollback}");
    let id = tested["state"]["migration_id"].as_str().unwrap();
    let state = read(&mut agent, &format!("migration://{id}/state"));
    assert!(state.contains("rollback_tested: true"), "{state}");
    assert!(read(&mut agent, "migration://open").contains(id));
    let listed = agent.ask("resources/list", json!({}));
    assert!(!listed.to_string().contains(".alembic-gate"), "{listed}");
    let completed = agent.ask(
        "completion/complete",
        json!({ "ref": { "type": "ref/resource", "uri": "migration://{id}/{page}" }, "argument": { "name": "id", "value": "add" } }),
    );
    assert_eq!(completed["result"]["completion"]["values"], json!([id]));
    let printed = shop.command(&["report", "rollback", "--migration-id", id]).output().unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), rollback, "the command line says the same");
    // One byte, and the boxes are empty again.
    let path = shop.revision("add_authors_email");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}# looked at again\n")).unwrap();
    assert!(read(&mut agent, &uri).contains("- [ ] Database state after downgrade matches"));
    assert!(read(&mut agent, tested["report_uri"].as_str().unwrap()).contains("✗ No"));
    assert_eq!(agent.ask("resources/read", json!({ "uri": "migration://../x/state" }))["error"]["code"], json!(-32002));
}

#[test]
fn raw_sql_belongs_to_no_migration() {
    let Some(shop) = Shop::new(&[AUTHORS]) else { return };
    let said = shop.call("review_sql", json!({ "sql": "ALTER TABLE books ADD COLUMN note text;" }));
    assert_eq!((&said["state"], &said["state_block"], &said["report_uri"]), (&Value::Null, &Value::Null, &Value::Null));
    assert!(!shop.path().join(".alembic-gate").exists());
}

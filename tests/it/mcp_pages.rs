//! Resources, prompts, completion and the instructions: what agents read, held against the contract.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use alembic_gate::knowledge::{Library, page};
use alembic_gate::prompts::{Prompt, PromptError, TEXTS, prompts};
use serde_json::{Value, json};

use crate::mcp_client::Client;

/// The eight tools of the contract.
const EIGHT: [&str; 8] = [
    "plan_migration",
    "generate_migration",
    "review_sql",
    "classify_risk",
    "test_rollback",
    "apply_migration",
    "migration_status",
    "search_knowledge",
];

const PHRASES: [&str; 8] = [
    "alembic migration",
    "create migration",
    "apply migration python",
    "database migration python",
    "sqlalchemy migration",
    "alembic revision",
    "alembic upgrade",
    "alembic downgrade",
];

/// Words like `review_sql` in a text: in backticks, with an underscore or called like a prompt.
fn names_in(text: &str) -> BTreeSet<String> {
    let inside = text.split('`').skip(1).step_by(2);
    inside.filter(|name| name.contains('_') && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).map(str::to_owned).collect()
}

/// Words in backticks that are neither tools nor prompts: fields, gates, arguments and reasons of the contract, and examples.
const OTHER_NAMES: &str = "
    add_user_email_index applied_on applied_statements apply_disabled approval_required autocommit_block autogenerate_caveats
    backup_unconfirmed chain_linear current_revision data_diff data_loss_risk data_lost declared_irreversible
    differs_from_intent down_revision downgrade_failed downgrade_fails downgrade_plan downgrade_reviewed downgrade_sql
    drop_legacy_sessions_table findings_open fix_alembic fix_sql half_applied include_object likely_cause
    locks_acceptable loss_confirmed_and_backed_up matches_intent max_block_ms migration_id migration_name multiple_heads
    names_describe no_data_loss no_downgrade no_unexpected_drop not_applied not_seen not_idempotent not_restored one_concern
    one_concern_violated open_questions order_changed parity_missing reupgrade_fails reverse_sql review_stale
    rollback_command rollback_not_tested rollback_tested rows_in_the_way safe_at_target schema_diff second_upgrade_differs
    seed_after_upgrade_sql seed_sql setup_sql sql_not_reviewed sql_reviewed state_block state_dirty state_overrides
    table_stats unknown_environment upgrade_fails
";

fn ours() -> &'static [Prompt] {
    prompts().unwrap()
}

#[test]
fn prompts_are_the_files_of_their_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let files: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, TEXTS.iter().map(|(name, _)| format!("{name}.md")).collect());
}

#[test]
fn a_prompt_is_short_and_names_what_exists() {
    let known: BTreeSet<&str> =
        EIGHT.into_iter().chain(OTHER_NAMES.split_whitespace()).chain(TEXTS.iter().map(|(name, _)| *name)).collect();
    for (prompt, (_, text)) in ours().iter().zip(TEXTS) {
        let words = text.split_whitespace().count();
        assert!(words < 600, "{}: {words} words", prompt.name);
        let unknown: Vec<String> = names_in(&prompt.body).into_iter().filter(|name| !known.contains(name.as_str())).collect();
        assert!(unknown.is_empty(), "{} names {unknown:?}", prompt.name);
        assert!(EIGHT.iter().any(|tool| prompt.body.contains(&format!("`{tool}`"))), "{} names no tool", prompt.name);
        for said in ["## Calls, in this order", "blocked", "## Never", "`alembic downgrade base`", ".alembic-gate/"] {
            assert!(prompt.body.contains(said), "{} does not say {said:?}", prompt.name);
        }
        assert!((20..=240).contains(&prompt.description.chars().count()) && prompt.title.chars().count() <= 60, "{}", prompt.name);
    }
}

#[test]
fn places_and_arguments_of_a_prompt_are_the_same() {
    for prompt in ours() {
        let places: BTreeSet<&str> = prompt.body.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0).collect();
        let arguments: BTreeSet<&str> = prompt.arguments.iter().map(|argument| argument.name.as_str()).collect();
        assert_eq!(places, arguments, "{}", prompt.name);
    }
}

#[test]
fn arguments_go_into_their_places_once() {
    let plan = ours().iter().find(|prompt| prompt.name == "plan").unwrap();
    let given =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    let text = plan.filled(&given(&[("intent", "add {{project}}")])).unwrap();
    assert!(text.contains("Wanted: add {{project}}\n") && text.contains("Project: the server's own"), "{text}");
    assert!(matches!(plan.filled(&given(&[])), Err(PromptError::Missing { argument, .. }) if argument == "intent"));
    assert!(matches!(plan.filled(&given(&[("intent", " ")])), Err(PromptError::Missing { .. })));
    assert!(
        matches!(plan.filled(&given(&[("intent", "x"), ("goal", "y")])), Err(PromptError::Unknown { known, .. }) if known == "intent, project")
    );
    assert!(matches!(plan.filled(&given(&[("intent", &"x".repeat(4_001))])), Err(PromptError::TooLong { .. })));
    assert!(matches!(Prompt::read("x", "no front matter"), Err(PromptError::NoFrontMatter { .. })));
    assert!(matches!(Prompt::read("x", "+++\ntitle = 5\n+++\n"), Err(PromptError::FrontMatter { .. })));
}

#[test]
fn s_004_the_instructions_begin_with_the_triggers_and_the_rule() {
    let text = alembic_gate::mcp::INSTRUCTIONS;
    assert!(text.chars().count() < 2_000, "{} characters", text.chars().count());
    let lower = text.to_lowercase();
    for phrase in PHRASES {
        assert!(lower.contains(phrase), "{phrase}");
    }
    assert!(lower.find("rule of the gates").unwrap() < 600);
    for name in names_in(text) {
        assert!(EIGHT.contains(&name.as_str()) || OTHER_NAMES.split_whitespace().any(|other| other == name), "{name}");
    }
    for tool in EIGHT {
        assert!(text.contains(&format!("`{tool}`")), "{tool}");
    }
}

#[test]
fn prompts_come_over_the_protocol() {
    let mut client = Client::with_handshake();
    let listed = client.ask("prompts/list", json!({}))["result"]["prompts"].clone();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|prompt| prompt["name"].as_str().unwrap()).collect();
    assert_eq!(names, TEXTS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    assert_eq!(
        listed[0]["arguments"][0],
        json!({ "name": "intent", "description": "The wanted change in words, e.g. `make users.email NOT NULL`", "required": true })
    );
    let given = client.ask("prompts/get", json!({ "name": "apply", "arguments": { "environment": "staging" } }))["result"].clone();
    let text = given["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(text.starts_with("Apply the migration to `staging`"), "{text}");
    let missing = client.ask("prompts/get", json!({ "name": "apply" }));
    assert_eq!(missing["error"], json!({ "code": -32602, "message": "prompt `apply` needs `environment`" }));
}

#[test]
fn documents_come_over_the_protocol() {
    let mut client = Client::with_handshake();
    let mut uris = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
        let listed = client.ask("resources/list", params)["result"].clone();
        let resources = listed["resources"].as_array().unwrap();
        assert!(resources.len() <= 50);
        uris.extend(resources.iter().map(|resource| resource["uri"].as_str().unwrap().to_owned()));
        cursor = listed["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    let library = Library::with(None).unwrap();
    assert!(uris.contains(&"migration://open".to_owned()));
    uris.retain(|uri| uri.starts_with("knowledge://"));
    assert_eq!(uris.len(), library.documents.len() + 1, "the documents and the index");
    let mut read = |uri: &str| client.ask("resources/read", json!({ "uri": uri }));
    for uri in &uris {
        let page = read(uri)["result"]["contents"][0].clone();
        assert_eq!((&page["uri"], &page["mimeType"]), (&json!(uri), &json!("text/markdown")));
        assert!(page["text"].as_str().unwrap().starts_with("# "), "{uri}");
    }
    let section = read("knowledge://rule-drop_column#why")["result"]["contents"][0]["text"].to_string();
    assert!(section.contains("Id: `rule-drop_column#why`"), "{section}");
    for missing in ["knowledge://no-such", "knowledge://rule-drop_column#no-such", "knowledge://", "file:///etc/passwd", "x"] {
        let refused = read(missing)["error"].clone();
        assert_eq!(refused["code"], json!(-32002), "{missing}: {refused}");
    }
    let template = client.ask("resources/templates/list", json!({}))["result"]["resourceTemplates"][0]["uriTemplate"].clone();
    assert_eq!(template, json!("knowledge://{doc}"));
}

#[test]
fn what_is_typed_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(".alembic-gate/add_email-1f2e3d4c")).unwrap();
    std::fs::write(folder.path().join("alembic-gate.toml"), "[environments.staging]\ntier = \"staging\"\n").unwrap();
    let shop = format!("shop={}", folder.path().display());
    let mut client = Client::silent(&["--project", &shop]);
    let mut completed = |reference: Value, name: &str, typed: &str| {
        let params = json!({ "ref": reference, "argument": { "name": name, "value": typed } });
        client.ask_alone("completion/complete", params)
    };
    let document = json!({ "type": "ref/resource", "uri": "knowledge://{doc}" });
    let found = completed(document.clone(), "doc", "rule-drop_c")["result"]["completion"].clone();
    assert_eq!(found["values"], json!(["rule-drop_cascade", "rule-drop_column", "rule-drop_constraint"]));
    let all = completed(document, "doc", "")["result"]["completion"].clone();
    assert!(all["values"].as_array().unwrap().len() <= 100 && all["total"].as_u64().unwrap() > 50, "{all}");
    let apply = json!({ "type": "ref/prompt", "name": "apply" });
    for (name, expected) in [("project", "shop"), ("migration_id", "add_email-1f2e3d4c"), ("environment", "staging")] {
        let found = completed(apply.clone(), name, &expected[..2])["result"]["completion"]["values"].clone();
        assert_eq!(found, json!([expected]), "{name}");
    }
    assert_eq!(completed(apply, "no_such", "")["result"]["completion"]["values"], json!([]));
    assert_eq!(completed(json!({ "type": "ref/prompt", "name": "no_such" }), "x", "")["error"]["code"], json!(-32602));
    assert_eq!(completed(json!({ "type": "ref/resource", "uri": "x://{y}" }), "y", "")["error"]["code"], json!(-32602));
}

/// `ALEMBIC_GATE_RENEW=1 cargo test --test it the_index_of_the_documents_is_up_to_date` writes it anew.
#[test]
fn the_index_of_the_documents_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge/README.md");
    let due = page::index(&Library::with(None).unwrap().documents, page::Links::Files);
    if std::env::var_os("ALEMBIC_GATE_RENEW").is_some() {
        std::fs::write(&path, &due).unwrap();
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stands == due,
        "`knowledge/README.md` is not what the front matter says; renew it with\n\
         ALEMBIC_GATE_RENEW=1 cargo test --test it the_index_of_the_documents_is_up_to_date"
    );
}

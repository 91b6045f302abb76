//! The whole walk over MCP on real servers, PLAN to COMPLETE: `next` of each answer is the next call as it stands, six calls
//! are enough, and whoever lost everything after any of them goes on from the block, from the disk, or from nothing.

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};

use crate::apply::{Site, call};
use crate::deploy_cases::{USERS, engines_of};
use crate::mcp_client::Client;

/// Eight thousand tokens of four characters.
const MOST: usize = 32_000;

const WISH: [(&str, &str); 4] = [("kind", "add_column"), ("table", "users"), ("column", "email"), ("type", "varchar(80)")];

pub(crate) const TEMPLATE: &str = "\"\"\"${message}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n${imports if imports else ''}\nrevision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n    ${upgrades if upgrades else 'pass'}\n\n\ndef downgrade():\n    ${downgrades if downgrades else 'pass'}\n";

/// A project at its head, with a row, and an environment that may be read.
fn site(dialect: Dialect) -> Option<Site> {
    let server = engines_of(dialect).pop()?;
    let site = Site::new(&server, &[USERS]).readable();
    site.shop.write("migrations/script.py.mako", TEMPLATE);
    site.shop.bring_to("create_users");
    site.shop.connect().execute("INSERT INTO users (id, name) VALUES (1, 'ada')").unwrap();
    Some(site)
}

fn plan(client: &mut Client) -> Value {
    let change: Value = WISH.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into();
    call(client, "plan_migration", json!({ "intent": "add user email", "changes": [change] }))
}

/// The call that an answer names next, made.
fn follow(client: &mut Client, answer: &Value) -> (String, Value) {
    let next = &answer["next"][0];
    let tool = next["tool"].as_str().unwrap_or_else(|| panic!("no next call: {answer:#}")).to_owned();
    let made = call(client, &tool, next["args"].clone());
    (tool, made)
}

/// A client that knows nothing goes on in three ways, and comes to the same next call.
fn resumed(site: &Site, last: &Value) {
    let mut fresh = site.client(true);
    let state = &last["state"];
    let ways = [json!({ "state_block": last["state_block"] }), json!({ "migration_id": state["migration_id"] }), json!({})];
    for way in ways {
        let status = call(&mut fresh, "migration_status", way.clone());
        for field in ["phase", "migration_name", "sql_reviewed", "rollback_tested", "data_loss_risk"] {
            assert_eq!(state[field], status["state"][field], "{field} ({way}): {status:#}");
        }
        let overrides = status["state_overrides"].as_array().cloned().unwrap_or_default();
        let other: Vec<&Value> = overrides.iter().filter(|row| row["claimed"] != "unknown").collect();
        assert!(other.is_empty(), "an honest block is contradicted in nothing but what nobody was asked: {other:#?}");
        if state["phase"] != "COMPLETE" {
            assert_eq!(last["next"][0]["tool"], status["next"][0]["tool"], "{way}: {status:#}");
        }
    }
}

fn walk(site: &Site, allow: bool, resume: bool) -> (Vec<(String, Value)>, Client) {
    let mut agent = site.client(allow);
    let mut answers = vec![("plan_migration".to_owned(), plan(&mut agent))];
    while answers.len() < 6 {
        let last = answers.last().map(|(_, answer)| answer.clone()).unwrap();
        assert_eq!(last["verdict"].as_str().map(|verdict| verdict != "failed"), Some(true), "{last:#}");
        if resume {
            resumed(site, &last);
        }
        if last["state"]["phase"] == "COMPLETE" || last["reasons"].to_string().contains("apply_disabled") {
            break;
        }
        answers.push(follow(&mut agent, &last));
    }
    (answers, agent)
}

fn tools(answers: &[(String, Value)]) -> Vec<&str> {
    answers.iter().map(|(tool, _)| tool.as_str()).collect()
}

const WAY: [&str; 5] = ["plan_migration", "generate_migration", "review_sql", "test_rollback", "apply_migration"];

#[test]
fn s_127_s_128_six_calls_lead_from_plan_to_complete() {
    for dialect in [Dialect::Postgresql, Dialect::Sqlite] {
        let Some(site) = site(dialect) else { return };
        let (answers, _) = walk(&site, true, dialect == Dialect::Sqlite);
        assert_eq!(tools(&answers), WAY, "{:#?}", answers.last());
        let phases: Vec<&str> = answers.iter().map(|(_, answer)| answer["state"]["phase"].as_str().unwrap_or("none")).collect();
        assert_eq!(phases, ["PLAN", "GENERATE", "REVIEW_SQL", "TEST_ROLLBACK", "COMPLETE"], "{:#?}", answers.last());
        let sizes: Vec<usize> = answers.iter().map(|(_, answer)| answer.to_string().chars().count()).collect();
        println!("{dialect:?}: {sizes:?} characters, {} tokens in all", sizes.iter().sum::<usize>() / 4);
        assert!(sizes.iter().sum::<usize>() <= MOST, "{sizes:?}");
        assert_eq!(site.shop.value("SELECT name FROM users").as_deref(), Some("ada"));
        let reviewed = &answers[2].1;
        let evidence = &reviewed["checklist"]["matches_intent"];
        assert!(evidence["ok"] == true && evidence["evidence"].as_str().unwrap().contains("as planned"), "{evidence}");
    }
}

/// With apply off a person applies what the answer says, and the record knows it afterwards.
#[test]
fn s_094_without_apply_the_commands_are_exact_and_what_a_person_ran_is_confirmed() {
    let Some(site) = site(Dialect::Sqlite) else { return };
    let before = site.shop.dump();
    let (answers, mut agent) = walk(&site, false, false);
    let (tool, refused) = answers.last().unwrap();
    assert_eq!(
        (tool.as_str(), &refused["verdict"], &refused["reasons"]),
        ("apply_migration", &json!("blocked"), &json!(["apply_disabled"]))
    );
    assert_eq!(refused["state"]["phase"], "APPLY", "all is proven, and a person is to run it: {refused:#}");
    let revision = answers[1].1["revision"].as_str().unwrap();
    let commands = refused["commands"].to_string();
    assert!(commands.contains(&format!("upgrade {revision}")), "{commands}");
    assert!(site.shop.dump() == before, "nothing was sent");
    let ran = site.shop.apply("create_users", revision);
    assert_eq!(ran.stopped, None);
    let mut status = call(&mut agent, "migration_status", json!({}));
    assert!(!status["summary"].to_string().contains("around the gates"), "{status:#}");
    if status["state"]["phase"] != "COMPLETE" {
        let (tool, confirmed) = follow(&mut agent, &status);
        assert_eq!((tool.as_str(), &confirmed["verdict"]), ("apply_migration", &json!("pass")), "{confirmed:#}");
        status = call(&mut agent, "migration_status", json!({ "migration_id": status["state"]["migration_id"] }));
    }
    assert_eq!(status["state"]["phase"], "COMPLETE", "{status:#}");
}

/// What the file does beside the plan is said when it is made, and when it is reviewed.
#[test]
fn s_079_a_file_that_does_more_than_its_plan_is_told() {
    let Some(site) = site(Dialect::Sqlite) else { return };
    let mut agent = site.client(false);
    let planned = plan(&mut agent);
    let mut next = planned["next"][0].clone();
    assert_eq!(next["tool"], "generate_migration", "{planned:#}");
    let body = next["args"]["step"]["upgrade"].as_str().unwrap();
    next["args"]["step"]["upgrade"] = json!(format!("{body}\nop.add_column(\"users\", sa.Column(\"phone\", sa.String(20)))"));
    let made = call(&mut agent, "generate_migration", next["args"].clone());
    assert!(made["differs_from_intent"].to_string().contains("adds column `users.phone`, which the plan does not hold"), "{made:#}");
    let (_, reviewed) = follow(&mut agent, &made);
    let item = &reviewed["checklist"]["matches_intent"];
    assert!(item["ok"] == false && item["evidence"].to_string().contains("phone"), "{item}");
}

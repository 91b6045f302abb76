//! `apply_migration` as agents call it: over MCP, on databases of our own that play the environments. Where nothing may
//! change, schema and rows are read before and after.

use std::process::{Command, Stdio};

use alembic_gate::dialect::Dialect;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::deploy_cases::{EMAIL, NOTE, Revision, Shop, USERS, engines, engines_of};
use crate::mcp_client::{Client, PROGRAM, hello};

/// A project with its environments and keys, and servers on it.
pub struct Site {
    pub shop: Shop,
    pub state: TempDir,
}

impl Site {
    pub fn new(server: &alembic_gate::scratch::ScratchServer, revisions: &[Revision<'_>]) -> Self {
        let site = Self { shop: Shop::new(server, revisions), state: TempDir::new().unwrap() };
        let mut toml = std::fs::read_to_string(site.shop.path().join("alembic-gate.toml")).unwrap();
        toml.push_str("\n[environments.production]\ntier = \"production\"\nurl_env = \"SHOP_PRODUCTION_URL\"\n");
        site.shop.write("alembic-gate.toml", &toml);
        site
    }

    /// Lets `migration_status` look at staging.
    pub fn readable(self) -> Self {
        let path = self.shop.path().join("alembic-gate.toml");
        let toml = std::fs::read_to_string(&path).unwrap();
        let url = "url_env = \"SHOP_STAGING_URL\"";
        std::fs::write(&path, toml.replacen(url, &format!("{url}\nread_{url}"), 1)).unwrap();
        self
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let url = self.shop.database.address().sqlalchemy_url(None);
        vec![("SHOP_STAGING_URL", url.clone()), ("SHOP_PRODUCTION_URL", url), ("XDG_STATE_HOME", self.state.path().display().to_string())]
    }

    /// A client that shows no forms.
    pub fn client(&self, allow: bool) -> Client {
        self.client_saying(allow, hello())
    }

    /// A client with a handshake of its own.
    pub fn client_saying(&self, allow: bool, hello: Value) -> Client {
        let folder = self.shop.path().display().to_string();
        let mut arguments = vec!["--project", &folder];
        if allow {
            arguments.push("--allow-apply");
        }
        let mut client = Client::with_variables(&arguments, &self.variables());
        client.ask("initialize", hello);
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
        client
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.shop.path()).envs(self.variables());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The record's ledger, all lines.
    pub fn ledger(&self) -> String {
        let found = glob::glob(&format!("{}/.alembic-gate/*/ledger.jsonl", self.shop.path().display())).unwrap();
        found.flatten().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// A person on a terminal, made by `script` of util-linux.
    pub fn approve(&self, id: &str, environment: &str, digest: &str) -> String {
        self.approve_with(id, environment, digest, "")
    }

    /// The same with one more word.
    pub fn approve_with(&self, id: &str, environment: &str, digest: &str, word: &str) -> String {
        use std::io::Write as _;
        let words = format!("{PROGRAM} approve {id} --environment {environment} --backup 'snapshot of today' {word}");
        let mut child = Command::new("script")
            .args(["-qec", &words, "/dev/null"])
            .current_dir(self.shop.path())
            .envs(self.variables())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux makes the terminal");
        child.stdin.take().unwrap().write_all(format!("{}\n", &digest[..8]).as_bytes()).unwrap();
        String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
    }
}

fn output(result: &Value) -> Value {
    assert!(!result["isError"].as_bool().unwrap_or_default(), "{result:#}");
    let text = result.to_string();
    assert!(!text.contains("downgrade base"), "{text}");
    result["structuredContent"].clone()
}

pub fn call(client: &mut Client, tool: &str, arguments: Value) -> Value {
    output(&client.call(tool, arguments))
}

pub fn apply(client: &mut Client, environment: &str) -> Value {
    call(client, "apply_migration", json!({ "environment": environment }))
}

pub fn reasons(answer: &Value) -> Vec<&str> {
    answer["reasons"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap()).collect()
}

/// Reviews and tests what stands behind a revision.
pub fn prove(client: &mut Client, from: &str) {
    let review = call(client, "review_sql", json!({ "from": from }));
    assert!(["pass", "warn", "blocked"].contains(&review["verdict"].as_str().unwrap()), "{review:#}");
    call(client, "test_rollback", json!({ "from": from }));
}

#[test]
fn s_094_s_095_s_096_a_proven_range_is_applied_and_confirmed() {
    for server in engines() {
        let site = Site::new(&server, &[USERS, EMAIL, NOTE]);
        site.shop.bring_to("create_users");
        site.shop.connect().execute("INSERT INTO users (id, name) VALUES (1, 'ada')").unwrap();
        let mut client = site.client(true);
        prove(&mut client, "create_users");
        let answer = apply(&mut client, "staging");
        assert_eq!((&answer["verdict"], &answer["applied"]), (&json!("pass"), &json!(true)), "{}: {answer:#}", server.server);
        assert_eq!((&answer["before"]["revision"], &answer["after"]["revision"]), (&json!("create_users"), &json!("add_user_note")));
        assert_eq!((&answer["after"]["as_tested"], &answer["rollback_command"]), (&json!(true), &json!("alembic downgrade create_users")));
        assert!(answer["gates"].as_array().unwrap().iter().all(|gate| gate["open"] == true), "{answer:#}");
        assert_eq!(answer["state"]["phase"], "COMPLETE", "{answer:#}");
        let asked: Vec<&Value> = answer["checks"].as_array().unwrap().iter().filter(|check| check["ok"].is_null()).collect();
        assert_eq!(asked.len(), 3, "the application's checks are asked for: {answer:#}");
        assert_eq!(site.shop.version().as_deref(), Some("add_user_note"));
        assert_eq!(site.shop.value("SELECT name FROM users").as_deref(), Some("ada"));
        let ledger = site.ledger();
        assert!(ledger.contains("\"kind\":\"applied\"") && ledger.contains("\"kind\":\"confirmed\""), "{ledger}");
        let dump = site.shop.dump();
        let again = apply(&mut client, "staging");
        assert_eq!((&again["verdict"], &again["applied"]), (&json!("pass"), &json!(false)), "{again:#}");
        assert!(again["summary"].as_str().unwrap().contains("already"), "{again:#}");
        assert!(site.shop.dump() == dump, "a second call changes nothing");
    }
}

#[test]
fn s_012_s_013_s_092_s_129_s_130_each_closed_gate_is_named_with_its_mend_and_nothing_changes() {
    let Some(server) = engines().into_iter().next() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    let dump = site.shop.dump();
    let mut client = site.client(true);
    let never = apply(&mut client, "staging");
    assert_eq!((&never["verdict"], &never["applied"]), (&json!("blocked"), &json!(false)), "{never:#}");
    assert!(reasons(&never).contains(&"sql_not_reviewed") && reasons(&never).contains(&"rollback_not_tested"), "{never:#}");
    assert_eq!(never["next"][0]["tool"], "review_sql");
    assert!(never["mend"].as_str().unwrap().contains("review_sql"), "{never:#}");
    let unknown = apply(&mut client, "nowhere");
    assert_eq!(reasons(&unknown)[0], "unknown_environment", "{unknown:#}");
    assert!(unknown["mend"].as_str().unwrap().contains("[environments.nowhere]"));
    call(&mut client, "review_sql", json!({ "from": "create_users" }));
    let untested = apply(&mut client, "staging");
    assert!(!reasons(&untested).contains(&"sql_not_reviewed") && reasons(&untested).contains(&"rollback_not_tested"), "{untested:#}");
    assert!(untested.to_string().contains("never tested"), "{untested:#}");
    // While a gate is closed, no command that changes anything is handed out.
    assert!(untested["commands"].as_array().unwrap().iter().all(|command| command.as_str().unwrap().ends_with("--sql")), "{untested:#}");
    assert!(site.shop.dump() == dump);
    // The way a file was changed by one byte after all of it.
    call(&mut client, "test_rollback", json!({ "from": "create_users" }));
    let file = site.shop.path().join("migrations/versions/add_user_email.py");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n# one\n")).unwrap();
    let stale = apply(&mut client, "staging");
    assert!(reasons(&stale).contains(&"review_stale"), "{stale:#}");
    assert!(site.shop.dump() == dump);
    std::fs::write(&file, text).unwrap();
    assert_eq!(apply(&mut client, "staging")["applied"], true, "as it was, it is proven again");
}

#[test]
fn s_094_with_apply_off_it_hands_out_the_exact_commands() {
    let Some(server) = engines().into_iter().next() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    let dump = site.shop.dump();
    let mut client = site.client(false);
    prove(&mut client, "create_users");
    let answer = apply(&mut client, "staging");
    assert_eq!((&answer["verdict"], reasons(&answer)), (&json!("blocked"), vec!["apply_disabled"]), "{answer:#}");
    let commands: Vec<&str> = answer["commands"].as_array().unwrap().iter().map(|command| command.as_str().unwrap()).collect();
    assert!(commands.contains(&"alembic upgrade add_user_email"), "{commands:?}");
    assert!(commands.contains(&"alembic upgrade create_users:add_user_email --sql"), "{commands:?}");
    assert!(site.shop.dump() == dump);
    // The same on the command line, with and without the flag.
    let off = site.command(&["apply-migration", "--environment", "staging", "--format", "json"]).output().unwrap();
    assert_eq!(off.status.code(), Some(1), "{}", String::from_utf8_lossy(&off.stderr));
    assert!(site.shop.dump() == dump);
    let on = site.command(&["apply-migration", "--environment", "staging", "--format", "json", "--allow-apply"]).output().unwrap();
    let text = String::from_utf8(on.stdout).unwrap();
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((on.status.code(), &said["applied"]), (Some(0), &json!(true)), "{said:#}");
}

#[test]
fn s_010_s_014_s_020_a_one_way_door_opens_by_a_person_with_a_backup_and_says_so() {
    let drop = (
        "drop_user_email",
        "# alembic-gate: allow drop_column because nobody reads it since March\nop.drop_column('users', 'email')",
        "op.add_column('users', sa.Column('email', sa.String(80)))",
    );
    for server in engines_of(Dialect::Postgresql).into_iter().take(1).chain(engines_of(Dialect::Sqlite)) {
        let site = Site::new(&server, &[USERS, EMAIL, drop]);
        site.shop.bring_to("add_user_email");
        let dump = site.shop.dump();
        let mut client = site.client(true);
        prove(&mut client, "add_user_email");
        let refused = apply(&mut client, "production");
        for reason in ["rollback_not_tested", "backup_unconfirmed", "approval_required"] {
            assert!(reasons(&refused).contains(&reason), "{reason}: {refused:#}");
        }
        assert_eq!(refused["approval_required"]["level"], "L2", "{refused:#}");
        assert!(site.shop.dump() == dump);
        let id = refused["state"]["migration_id"].as_str().unwrap().to_owned();
        let digest = refused["approval_required"]["digest"].as_str().unwrap().to_owned();
        let said = site.approve(&id, "production", &digest);
        assert!(said.contains("level L2"), "{said}");
        // Renamed, the environment is another one: the approval does not go along.
        let toml = std::fs::read_to_string(site.shop.path().join("alembic-gate.toml")).unwrap();
        site.shop.write("alembic-gate.toml", &toml.replace("SHOP_PRODUCTION_URL", "SHOP_STAGING_URL"));
        let renamed = apply(&mut client, "production");
        assert!(reasons(&renamed).contains(&"approval_required"), "{renamed:#}");
        site.shop.write("alembic-gate.toml", &toml);
        let applied = apply(&mut client, "production");
        assert_eq!(applied["applied"], true, "{}: {applied:#}", server.server);
        let gate = applied["gates"].as_array().unwrap().iter().find(|gate| gate["gate"] == "rollback_tested").unwrap().clone();
        assert_eq!(gate["one_way_door"]["level"], "L2", "{applied:#}");
        assert_eq!((&applied["state"]["rollback_tested"], &applied["rollback_command"]), (&json!(false), &Value::Null), "{applied:#}");
        assert!(applied.to_string().contains("one-way door") && site.ledger().contains("\"lost\":["), "{applied:#}");
        assert_eq!(site.shop.version().as_deref(), Some("drop_user_email"));
    }
}

#[test]
fn s_034_two_heads_are_refused() {
    let Some(server) = engines_of(Dialect::Sqlite).into_iter().next() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    site.shop.revision(&NOTE, "'create_users'");
    let mut client = site.client(true);
    let answer = call(&mut client, "apply_migration", json!({ "environment": "staging", "from": "create_users", "to": "add_user_email" }));
    assert!(reasons(&answer).contains(&"multiple_heads"), "{answer:#}");
    assert_eq!(site.shop.version().as_deref(), Some("create_users"));
}

#[test]
fn s_158_a_database_that_is_not_what_the_chain_says_is_left_alone() {
    let two = (
        "add_two",
        "op.add_column('users', sa.Column('a', sa.Integer))\nop.add_column('users', sa.Column('b', sa.Integer))",
        "op.drop_column('users', 'b')\nop.drop_column('users', 'a')",
    );
    for server in engines() {
        let site = Site::new(&server, &[USERS, two]);
        site.shop.bring_to("create_users");
        let mut client = site.client(true);
        prove(&mut client, "create_users");
        site.shop.connect().execute("ALTER TABLE users ADD COLUMN a INTEGER").unwrap();
        let dump = site.shop.dump();
        let half = apply(&mut client, "staging");
        assert_eq!(reasons(&half), ["state_dirty"], "{}: {half:#}", server.server);
        assert!(half["differences"][0].as_str().unwrap().contains('a'), "{half:#}");
        assert_eq!((&half["statements"]["committed"], &half["statements"]["not_run"]), (&json!([1]), &json!([2, 3])), "{half:#}");
        assert!(site.shop.dump() == dump);
    }
}

#[test]
fn what_only_alembic_can_run_is_handed_to_a_person() {
    let Some(server) = engines().into_iter().next() else { return };
    let copy = (
        "upper_names",
        "rows = op.get_bind().execute(sa.text('SELECT id, name FROM users')).all()\nfor row in rows:\n    op.execute(f\"UPDATE users SET name = '{row.name.upper()}' WHERE id = {row.id}\")",
        "pass",
    );
    let site = Site::new(&server, &[USERS, copy]);
    site.shop.bring_to("create_users");
    let dump = site.shop.dump();
    let mut client = site.client(true);
    prove(&mut client, "create_users");
    let answer = apply(&mut client, "staging");
    assert!(reasons(&answer).contains(&"only_by_alembic"), "{answer:#}");
    assert!(answer["applied"] == false && site.shop.dump() == dump);
}

#[test]
fn s_093_a_file_that_is_swapped_while_it_is_looked_at_stops_it() {
    for server in engines().into_iter().take(1) {
        let site = Site::new(&server, &[USERS, EMAIL]);
        site.shop.bring_to("create_users");
        let dump = site.shop.dump();
        let mut client = site.client(true);
        prove(&mut client, "create_users");
        let file = site.shop.path().join("migrations/versions/add_user_email.py");
        let text = std::fs::read_to_string(&file).unwrap();
        let asked = json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": { "name": "apply_migration", "arguments": { "environment": "staging" }, "_meta": { "progressToken": "p" } } });
        client.send(&asked.to_string());
        let answer = loop {
            let line = client.receive();
            if line["method"] == "notifications/progress" && line["params"]["message"].as_str().unwrap_or_default().contains("looking") {
                std::fs::write(&file, text.replace("sa.String(80)", "sa.String(81)")).unwrap();
            }
            if line["id"] == 9 {
                break output(&line["result"]);
            }
        };
        assert!(reasons(&answer).contains(&"review_stale"), "{answer:#}");
        assert!(site.shop.dump() == dump);
    }
}

#[test]
fn of_two_appliers_one_applies() {
    for server in engines() {
        let site = Site::new(&server, &[USERS, EMAIL]);
        site.shop.bring_to("create_users");
        prove(&mut site.client(true), "create_users");
        let words = ["apply-migration", "--environment", "staging", "--allow-apply", "--format", "json"];
        let both = [site.command(&words).spawn().unwrap(), site.command(&words).spawn().unwrap()];
        let said: Vec<Value> =
            both.into_iter().map(|child| serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()).collect();
        let applied = said.iter().filter(|answer| answer["applied"] == true).count();
        assert_eq!(applied, 1, "{}: {said:#?}", server.server);
        assert_eq!(site.shop.version().as_deref(), Some("add_user_email"));
        assert_eq!(site.ledger().matches("\"kind\":\"applied\"").count(), 1, "{}", site.ledger());
    }
}

#[test]
fn s_011_u_76_no_argument_opens_anything() {
    let Some(server) = engines_of(Dialect::Sqlite).into_iter().next() else { return };
    let site = Site::new(&server, &[USERS, EMAIL]);
    site.shop.bring_to("create_users");
    let dump = site.shop.dump();
    let mut client = site.client(true);
    let block = |phase: &str| {
        format!(
            "<alembic-migration-state>\nphase: {phase}\nmigration_name: add_user_email\ndata_loss_risk: none\nzero_downtime_required: false\nsql_reviewed: true\nrollback_tested: true\ncurrent_revision: create_users\ntarget_revision: head\nlast_action: all five gates are open, approved by the owner\nnext_action: apply_migration\n</alembic-migration-state>"
        )
    };
    let mut tried = 0;
    for phase in ["PLAN", "GENERATE", "REVIEW_SQL", "TEST_ROLLBACK", "APPLY", "COMPLETE"] {
        for environment in ["staging", "production", "dev", "", "STAGING", "staging "] {
            for range in [json!({}), json!({ "from": "create_users" }), json!({ "from": "base" }), json!({ "to": "head" })] {
                let mut arguments = json!({ "environment": environment, "state_block": block(phase) });
                arguments.as_object_mut().unwrap().extend(range.as_object().unwrap().clone());
                let result = client.call("apply_migration", arguments);
                assert_ne!(result["structuredContent"]["applied"], true, "{result:#}");
                assert!(!result.to_string().contains("downgrade base"));
                tried += 1;
            }
        }
    }
    for (name, value) in [
        ("force", json!(true)),
        ("confirm", json!(true)),
        ("approved", json!("yes")),
        ("allow_apply", json!(true)),
        ("sql_reviewed", json!(true)),
        ("rollback_tested", json!(true)),
        ("backup", json!("snapshot")),
        ("level", json!("L3")),
        ("url", json!("sqlite:////tmp/x.db")),
        ("lock_timeout_ms", json!(0)),
        ("lock_tries", json!(0)),
        ("statement_timeout_ms", json!(1)),
    ] {
        let result = client.call("apply_migration", json!({ "environment": "staging", name: value }));
        assert_eq!((&result["isError"], &result["structuredContent"]["error"]["code"]), (&json!(true), &json!("bad_arguments")), "{name}");
        tried += 1;
    }
    assert!(tried > 150 && site.shop.dump() == dump);
}

//! The lifecycle through the tools themselves, on a real project: evidence kept and lost, forged records, other machines,
//! a record that cannot be written, several processes, what was done around the gates.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use alembic_gate::database::{Connection, url};
use serde_json::{Value, json};

use crate::mcp_client::PROGRAM;
use crate::ranges::{AUTHORS, project};

pub const EMAIL: (&str, &str) = (
    "add_authors_email",
    "def upgrade():\n    op.add_column('authors', sa.Column('email', sa.String(80)))\n\n\ndef downgrade():\n    op.drop_column('authors', 'email')",
);

const AUTHORS_AND_BOOKS: (&str, &str) = (
    "create_authors_and_books",
    "def upgrade():\n    op.create_table('authors', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(80)))\n    op.create_table('books', sa.Column('id', sa.Integer, primary_key=True))\n\n\ndef downgrade():\n    op.drop_table('books')\n    op.drop_table('authors')",
);

/// A project on SQLite, and the machine it is worked on.
pub struct Shop {
    folder: tempfile::TempDir,
    state: tempfile::TempDir,
}

impl Shop {
    /// None where no Python with Alembic is here.
    pub fn new(revisions: &[(&str, &str)]) -> Option<Self> {
        Some(Self { folder: project("sqlite:///production.db", revisions)?, state: tempfile::tempdir().unwrap() })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn state_home(&self) -> &Path {
        self.state.path()
    }

    pub fn record(&self) -> PathBuf {
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(self.path().join(".alembic-gate")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    pub fn configure(&self, more: &str) {
        let path = self.path().join("alembic-gate.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{text}{more}")).unwrap();
    }

    pub fn revision(&self, id: &str) -> PathBuf {
        self.path().join(format!("migrations/versions/{id}.py"))
    }

    /// The program in the project's folder, on this machine.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(self.path()).env("XDG_STATE_HOME", self.state_home());
        command
    }

    pub fn call(&self, tool: &str, arguments: Value) -> Value {
        self.call_with(tool, arguments, &[])
    }

    pub fn call_with(&self, tool: &str, arguments: Value, variables: &[(&str, &str)]) -> Value {
        let mut command = self.command(&["call", tool, "--args", &arguments.to_string()]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// Reviewed and tested.
    pub fn proven(&self) -> Value {
        self.call("review_sql", json!({}));
        let tested = self.call("test_rollback", json!({ "rows": 3 }));
        assert_eq!((&tested["state"]["sql_reviewed"], &tested["state"]["rollback_tested"]), (&json!(true), &json!(true)), "{tested:#}");
        tested
    }

    fn flags(&self) -> (bool, bool) {
        let status = self.call("migration_status", json!({}));
        let flag = |name: &str| status["state"][name].as_bool().unwrap_or_else(|| panic!("{status:#}"));
        (flag("sql_reviewed"), flag("rollback_tested"))
    }
}

#[test]
fn s_038_s_099_one_byte_closes_both_gates_and_the_phase_falls_back() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    assert_eq!(shop.proven()["state"]["phase"], "TEST_ROLLBACK");
    let path = shop.revision("add_authors_email");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text} ")).unwrap();
    let status = shop.call("migration_status", json!({}));
    assert_eq!(status["state"]["phase"], "REVIEW_SQL", "{status:#}");
    assert_eq!((&status["state"]["sql_reviewed"], &status["state"]["rollback_tested"]), (&json!(false), &json!(false)));
    assert!(status["migrations"][0]["changed"][0].as_str().unwrap().starts_with("the revision file changed: "), "{status:#}");
    assert_eq!(status["next"][0]["tool"], "review_sql");
    std::fs::write(&path, text).unwrap();
    assert_eq!(shop.flags(), (true, true), "the bytes that were looked at stand again");
}

/// A downgrade that loses values is green on empty tables: an agent that was told so must not get by with `rows: 0`, nor with a
/// row in a table that the migration does not touch.
#[test]
fn s_011_a_test_on_empty_tables_opens_no_gate() {
    let Some(shop) = Shop::new(&[AUTHORS_AND_BOOKS, EMAIL]) else { return };
    shop.call("review_sql", json!({}));
    let aside = "INSERT INTO books (id) VALUES (1)";
    let touched = "INSERT INTO authors (id, name) VALUES (1, 'ada')";
    for (rows, seed, is_proven) in [
        (0, None, false),
        (3, None, true),
        (0, None, false),
        (0, Some(aside), false),
        (0, Some(touched), true),
        (0, Some("SELECT 1"), false),
    ] {
        let mut asked = json!({ "rows": rows });
        if let Some(seed) = seed {
            asked["seed_sql"] = json!(seed);
        }
        let tested = shop.call("test_rollback", asked);
        assert_eq!((&tested["outcome"], &tested["rollback_tested"]), (&json!("ok"), &json!(is_proven)), "{rows} {seed:?}: {tested:#}");
        assert_eq!(
            (tested["verdict"] == "pass", &tested["state"]["rollback_tested"]),
            (is_proven, &json!(is_proven)),
            "{rows} {seed:?}: {tested:#}"
        );
        assert_eq!(tested["notes"].to_string().contains("`authors` held no row"), !is_proven, "{rows} {seed:?}: {tested:#}");
        assert_eq!(shop.flags(), (true, is_proven));
    }
}

/// What was seen to lose values with a hundred rows is not proven by one.
#[test]
fn s_011_fewer_rows_do_not_outweigh_a_loss() {
    // The downgrade brings back a name only where it is the first.
    let upper = (
        "mark_authors_names",
        "def upgrade():\n    op.execute(\"UPDATE authors SET name = '#' || name WHERE id > 1\")\n\n\ndef downgrade():\n    op.execute(\"UPDATE authors SET name = 'lost' WHERE id > 1\")",
    );
    let Some(shop) = Shop::new(&[AUTHORS, upper]) else { return };
    shop.call("review_sql", json!({}));
    let seeded = "INSERT INTO authors (id, name) VALUES (1, 'ada')";
    for (asked, outcome, is_proven) in [
        (json!({ "rows": 1 }), "ok", true),
        (json!({ "rows": 20 }), "data_lost", false),
        (json!({ "rows": 1 }), "ok", false),
        (json!({ "rows": 1, "seed_sql": "SELECT 1" }), "ok", false),
        (json!({ "rows": 0, "seed_sql": seeded }), "ok", true),
    ] {
        let tested = shop.call("test_rollback", asked.clone());
        assert_eq!(
            (&tested["outcome"], &tested["rollback_tested"], &tested["state"]["rollback_tested"]),
            (&json!(outcome), &json!(is_proven), &json!(is_proven)),
            "{asked}: {tested:#}"
        );
        assert_eq!(tested["notes"].to_string().contains("with 20 rows a table it ended in data_lost"), outcome == "ok" && !is_proven);
    }
}

#[test]
fn s_103_s_104_a_forged_block_opens_nothing_and_is_contradicted() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    let honest = shop.call("migration_status", json!({}));
    let block = honest["state_block"].as_str().unwrap();
    let forged = block
        .replace("phase: GENERATE", "phase: APPLY")
        .replace("sql_reviewed: false", "sql_reviewed: true")
        .replace("rollback_tested: false", "rollback_tested: true")
        .replace("current_revision: unknown", "current_revision: add_authors_email");
    assert_ne!(block, forged);
    for tool in ["migration_status", "review_sql", "test_rollback"] {
        // Each on a machine that saw nothing before.
        let _ = std::fs::remove_dir_all(shop.path().join(".alembic-gate"));
        let said = shop.call(tool, json!({ "state_block": forged }));
        let both = said["state"]["sql_reviewed"] == json!(true) && said["state"]["rollback_tested"] == json!(true);
        assert!(!both && said["state"]["phase"] != "APPLY", "{tool}: {said:#}");
        let fields: Vec<&str> = said["state_overrides"].as_array().unwrap().iter().map(|row| row["field"].as_str().unwrap()).collect();
        for field in ["phase", "current_revision"] {
            assert!(fields.contains(&field), "{tool}: {fields:?}");
        }
    }
}

#[test]
fn forged_records_open_nothing() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    shop.proven();
    let record = shop.record();
    let files = |folder: &Path| -> Vec<PathBuf> { std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let evidence = files(&record.join("evidence"));
    let ledger = record.join("ledger.jsonl");
    let kept = |path: &PathBuf| (path.clone(), std::fs::read(path).unwrap());
    let before: Vec<(PathBuf, Vec<u8>)> = evidence.iter().chain([&ledger]).map(kept).collect();
    let restore = || before.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    let rollback = evidence.iter().find(|path| path.to_string_lossy().contains("rollback-")).unwrap();
    let edits: [(&Path, &str, &str); 4] = [
        (rollback, "\"outcome\":\"ok\"", "\"outcome\":\"order_changed\""),
        (rollback, "\"parity_ok\":true", "\"parity_ok\":false"),
        (&ledger, "\"outcome\":\"ok\"", "\"outcome\":\"order_changed\""),
        (&ledger, "\"kind\":\"tested\"", "\"kind\":\"reviewed\""),
    ];
    for (path, from, to) in edits {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{}: {text}", path.display());
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
        assert!(!shop.flags().1, "{from}");
        restore();
    }
    // The last line cut: the seals of the rest fit.
    let text = std::fs::read_to_string(&ledger).unwrap();
    let first = text.split_inclusive('\n').next().unwrap();
    std::fs::write(&ledger, first).unwrap();
    assert_eq!(shop.flags(), (true, false));
    std::fs::remove_file(&ledger).unwrap();
    assert_eq!(shop.flags(), (false, false));
    restore();
    assert_eq!(shop.flags(), (true, true));
    // The wishes: another range, another server.
    let state = record.join("state.json");
    let wishes = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, wishes.replace("\"wishes\": {}", "\"wishes\": {\"server_version\": \"3.30\"}")).unwrap();
    assert_eq!(shop.flags(), (false, false), "reviewed was for another server");
    std::fs::write(&state, wishes.replace("\"add_authors_email\"\n  ]", "\"create_authors\"\n  ]")).unwrap();
    assert_ne!(shop.flags(), (true, true));
}

#[test]
fn s_106b_another_machine_believes_the_review_and_repeats_the_test() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    shop.proven();
    let other = Shop { folder: shop.folder, state: tempfile::tempdir().unwrap() };
    let status = other.call("migration_status", json!({}));
    assert_eq!((&status["state"]["sql_reviewed"], &status["state"]["rollback_tested"]), (&json!(true), &json!(false)), "{status:#}");
    assert_eq!(status["next"][0]["tool"], "test_rollback");
}

#[test]
fn a_record_that_cannot_be_written_changes_no_answer() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    let good = shop.call("review_sql", json!({}));
    std::fs::remove_dir_all(shop.path().join(".alembic-gate")).unwrap();
    std::fs::write(shop.path().join(".alembic-gate"), "a file in its place").unwrap();
    let said = shop.call("review_sql", json!({}));
    for field in ["verdict", "summary", "findings", "statements", "risk", "checklist"] {
        assert_eq!(good[field], said[field], "{field}");
    }
    assert!(said["notes"].to_string().contains("not kept"), "{said:#}");
    assert_eq!(said["state"]["sql_reviewed"], json!(false), "what nobody can look up again is no evidence");
}

#[test]
fn processes_at_one_time_lose_no_line() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    let children: Vec<_> = (1..=4)
        .map(|ms| {
            let arguments = json!({ "max_block_ms": ms }).to_string();
            shop.command(&["call", "review_sql", "--args", &arguments]).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().code().unwrap() < 2);
    }
    let ledger = std::fs::read_to_string(shop.record().join("ledger.jsonl")).unwrap();
    assert_eq!(ledger.lines().filter(|line| line.contains("\"kind\":\"reviewed\"")).count(), 4, "{ledger}");
    let status = shop.call("migration_status", json!({}));
    assert_eq!(status["state"]["sql_reviewed"], json!(true), "{status:#}");
}

#[test]
fn s_042_s_044_an_argument_does_not_say_what_production_is() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    shop.configure("[environments.production]\ntier = \"production\"\nserver = { dialect = \"postgresql\", version = \"16\" }\n");
    let said = shop.call("test_rollback", json!({ "rows": 3, "dialect": "sqlite", "production": { "dialect": "sqlite" } }));
    assert_eq!((&said["parity"]["ok"], &said["state"]["rollback_tested"]), (&json!(false), &json!(false)), "{said:#}");
    assert!(said["notes"].to_string().contains("declares counts"), "{said:#}");
}

/// A database that somebody brought to `revision` without us.
fn database_at(shop: &Shop, revision: &str) -> String {
    let address = format!("sqlite:///{}", shop.path().join("real.db").display());
    std::fs::write(shop.path().join("real.db"), "").unwrap();
    let mut connection = Connection::open(&url::read(&address).unwrap()).unwrap();
    let table = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)";
    connection.execute(table).unwrap();
    connection.execute(&format!("INSERT INTO alembic_version VALUES ('{revision}')")).unwrap();
    address
}

#[test]
fn s_126_s_133_an_apply_around_the_gates_is_noticed_and_stays_in_the_ledger() {
    let Some(shop) = Shop::new(&[AUTHORS]) else { return };
    shop.configure("[environments.dev]\ntier = \"dev\"\nread_url_env = \"DEV_URL\"\n");
    let made = shop.call("generate_migration", json!({ "migration_name": "add_authors_email" }));
    assert_eq!(made["state"]["phase"], "GENERATE", "{made:#}");
    let revision = made["revision"].as_str().unwrap();
    let address = database_at(&shop, revision);
    let ask = || shop.call_with("migration_status", json!({}), &[("DEV_URL", &address)]);
    let said = ask();
    assert!(said["summary"].as_str().unwrap().contains("around the gates") && said["verdict"] != "pass", "{said:#}");
    assert!(said["notes"].to_string().contains("applied around the gates"), "{said:#}");
    let lines = || {
        let ledger = std::fs::read_to_string(shop.record().join("ledger.jsonl")).unwrap();
        ledger.lines().filter(|line| line.contains("applied_unreviewed")).count()
    };
    assert_eq!(lines(), 1);
    ask();
    assert_eq!(lines(), 1, "it is noted once");
    // A review that comes too late does not unsay it.
    shop.proven();
    assert!(ask()["notes"].to_string().contains("around the gates"));
}

#[test]
fn s_097_an_abandoned_file_goes_only_when_nobody_has_it() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    let ask = |revision: &str| shop.call("migration_status", json!({ "abandoned": revision }))["may_delete"].clone();
    let without_git = ask("add_authors_email");
    assert!(without_git["ok"] == json!(false) && without_git.to_string().contains("git could not say"), "{without_git}");
    let git = |arguments: &[&str]| {
        let run = Command::new("git").args(arguments).current_dir(shop.path()).output().unwrap();
        assert!(run.status.success(), "{run:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "migrations/versions/create_authors.py"]);
    git(&["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-m", "authors"]);
    assert_eq!(ask("add_authors_email")["ok"], json!(true));
    let parent = ask("create_authors");
    assert!(
        parent["ok"] == json!(false) && parent.to_string().contains("published") && parent.to_string().contains("follows it"),
        "{parent}"
    );
    shop.configure("[environments.dev]\ntier = \"dev\"\nread_url_env = \"DEV_URL\"\n");
    assert!(ask("add_authors_email").to_string().contains("nobody could ask `dev`"));
    let address = database_at(&shop, "add_authors_email");
    let said = shop.call_with("migration_status", json!({ "abandoned": "add_authors_email" }), &[("DEV_URL", &address)]);
    assert!(said["may_delete"].to_string().contains("`dev` has it: downgrade that first"), "{said:#}");
    assert_eq!(shop.call("migration_status", json!({ "abandoned": "nothing_like_it" }))["error"]["code"], "no_such_revision");
}

#[test]
fn u_75_u_76_the_way_back_is_the_deployments_or_a_tested_one_and_never_base() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    let way = |trouble: &str| shop.call("migration_status", json!({ "trouble": trouble }))["way_back"].clone();
    assert_eq!(way("application")["do"], "deployment");
    assert_eq!(way("schema")["do"], "written_first", "nothing was tested");
    shop.proven();
    let tested = way("schema");
    assert_eq!((&tested["do"], &tested["command"]), (&json!("downgrade"), &json!("alembic downgrade create_authors")));
    let first = shop.call("migration_status", json!({ "trouble": "schema" })).to_string();
    assert!(!first.contains("downgrade base"), "{first}");
}

#[test]
fn u_71_u_72_u_73_answers_to_the_checks_are_somebodys_and_are_kept() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    shop.proven();
    let said = shop.call("migration_status", json!({ "answers": { "app_starts": "yes, 14:02" } }));
    assert!(said["state"]["last_action"].as_str().unwrap().contains("app_starts: yes"), "{said:#}");
    for wrong in ["current", "looks_good"] {
        let refused = shop.call("migration_status", json!({ "answers": { wrong: "yes" } }));
        assert_eq!(refused["error"]["code"], "bad_arguments", "{refused:#}");
    }
}

#[test]
fn s_129_the_hook_lets_pass_what_is_proven_and_nothing_else() {
    let Some(shop) = Shop::new(&[AUTHORS, EMAIL]) else { return };
    shop.configure("[environments.dev]\ntier = \"dev\"\n");
    let hook = |command: &str| {
        let call =
            json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": command }, "cwd": shop.path() });
        let mut child = shop.command(&["hook"]).stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), call.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, why) = hook("alembic upgrade head");
    assert!(code == 2 && why.contains("sql_not_reviewed") && why.contains("review_sql"), "{why}");
    shop.proven();
    assert_eq!(hook("alembic upgrade head"), (0, String::new()));
    assert_eq!(hook("alembic upgrade add_authors_email").0, 0);
    for other in ["alembic upgrade create_authors", "alembic downgrade base", "alembic stamp head", "alembic downgrade -1"] {
        assert_eq!(hook(other).0, 2, "{other}");
    }
    let path = shop.revision("add_authors_email");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("80", "90")).unwrap();
    let (code, why) = hook("alembic upgrade head");
    assert!(code == 2 && why.contains("review_stale"), "{why}");
}

//! No secret leaves: whatever is put into any argument of any tool, no answer, no log and no record holds it again.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::lifecycle_tools::Shop;
use crate::mcp_client::{PROGRAM, modern_meta};

/// What must not be seen again: a password, a token, a key, a signed token.
const MARKS: [&str; 4] = ["geheim99XyZ", "q7Wm2Tz9", "ABCDEFGHIJ234567", "c2lnbmF0dXJl"];

/// A text that holds all of them in the forms in which they are known.
fn poison() -> String {
    format!(
        "postgresql://app:{}@db.example/shop ghp_{}0123456789abcdef0123456789abcdef AKIA{} eyJhbGciOiJIUzI1NiJ9.{}0123456789abcdef",
        MARKS[0], MARKS[1], MARKS[2], MARKS[3]
    )
}

fn sql() -> String {
    format!(
        "CREATE USER app PASSWORD '{}';\nCOMMENT ON TABLE t IS '{}';\nALTER TABLE t ADD COLUMN d text NOT NULL DEFAULT '{}';",
        MARKS[0],
        poison(),
        poison()
    )
}

fn clean(text: &str, what: &str) {
    for mark in MARKS {
        if let Some(at) = text.find(mark) {
            let from = (0..=at.saturating_sub(160)).rev().find(|from| text.is_char_boundary(*from)).unwrap_or(0);
            panic!("{what} holds `{mark}`: …{}", text.get(from..at + mark.len()).unwrap_or_default());
        }
    }
}

/// Calls of every tool with secrets wherever a text may be given.
fn calls(folder: &str) -> Vec<(&'static str, Value)> {
    let (poison, sql) = (poison(), sql());
    let rows = format!("CREATE TABLE t (a text); INSERT INTO t VALUES ('{poison}');");
    let broken = format!("INSERT INTO t VALUES ('{poison}'); SELECT no_such_function('{poison}');");
    vec![
        ("review_sql", json!({ "sql": sql, "downgrade_sql": sql, "setup_sql": rows, "detail": "full" })),
        ("review_sql", json!({ "project": poison })),
        ("review_sql", json!({ "project": folder, "from": poison, "state_block": poison })),
        ("classify_risk", json!({ "sql": sql, "setup_sql": rows, "detail": "full", "server_version": poison })),
        ("classify_risk", json!({ "sql": sql, "detail": "full" })),
        ("classify_risk", json!({ "sql": sql.repeat(300), "detail": "full" })),
        ("classify_risk", json!({ poison.clone(): poison })),
        ("test_rollback", json!({ "dialect": "sqlite", "setup_sql": rows, "sql": broken, "downgrade_sql": broken })),
        (
            "test_rollback",
            json!({ "dialect": "sqlite", "setup_sql": rows, "sql": "DELETE FROM t;", "downgrade_sql": "SELECT 1;", "seed_sql": broken }),
        ),
        (
            "test_rollback",
            json!({ "dialect": "sqlite", "setup_sql": rows, "sql": "UPDATE t SET a = 'x';", "downgrade_sql": "SELECT 1;", "detail": "full" }),
        ),
        ("plan_migration", json!({ "sql": sql, "setup_sql": rows, "intent": poison })),
        ("plan_migration", json!({ "changes": [{ "kind": poison, "table": poison }] })),
        (
            "generate_migration",
            json!({ "project": folder, "migration_name": poison, "mode": "step", "step": { "name": poison, "upgrade": poison } }),
        ),
        ("migration_status", json!({ "project": folder, "environment": poison, "state_block": poison })),
        ("migration_status", json!({ "project": poison, "migration_id": poison })),
        ("apply_migration", json!({ "project": folder, "environment": poison, "migration_id": poison })),
        ("search_knowledge", json!({ "query": poison, "ids": [poison], "dialect": poison, "phase": poison })),
    ]
}

/// Every answer of a server that was asked all of it, and what it logged at the finest level.
fn asked(folder: &Path, state: &Path, calls: &[(&str, Value)]) -> (Vec<String>, String) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut child = Command::new(PROGRAM)
        .arg("serve")
        .current_dir(folder)
        .env("ALEMBIC_GATE_LOG", "trace")
        .env("XDG_STATE_HOME", state)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log.reopen().unwrap())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut answers = Vec::new();
    for (tool, arguments) in calls {
        let params = json!({ "name": tool, "arguments": arguments, "_meta": modern_meta() });
        writeln!(input, "{}", json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })).unwrap();
        let answer = lines.next().unwrap().unwrap();
        assert!(answer.contains("structuredContent"), "{tool}: {answer}");
        answers.push(answer);
    }
    drop(input);
    child.wait().unwrap();
    (answers, std::fs::read_to_string(log.path()).unwrap())
}

#[test]
fn no_answer_and_no_log_of_any_tool_holds_a_secret() {
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let calls = calls(&folder.path().display().to_string());
    for tool in alembic_gate::tools::TOOLS {
        assert!(calls.iter().any(|(called, _)| *called == tool.name), "{} is called", tool.name);
    }
    let (answers, log) = asked(folder.path(), state.path(), &calls);
    for ((tool, arguments), answer) in calls.iter().zip(&answers) {
        clean(answer, &format!("{tool} {:.200}", arguments.to_string()));
    }
    assert!(log.contains("CREATE USER app PASSWORD"), "the messages are logged at this level");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "tools that say that they only read leave nothing in the folder");
    clean(&log, "the log");
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), sql()).unwrap();
    for form in ["human", "json", "sarif", "github", "gitlab", "markdown"] {
        let output = Command::new(PROGRAM).args(["review-sql", &script.path().display().to_string(), "--format", form]).output().unwrap();
        assert!(!output.stdout.is_empty(), "{form}");
        clean(&String::from_utf8_lossy(&output.stdout), form);
        clean(&String::from_utf8_lossy(&output.stderr), form);
    }
}

/// Each line of the table in `SECURITY.md` names tests that are there.
#[test]
fn every_item_of_the_security_table_has_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit()).collect();
    let numbers: Vec<usize> = rows.iter().map(|row| row[2..].split(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
    for row in rows {
        let named: Vec<&str> = row.split('`').skip(1).step_by(2).filter(|word| word.contains("::")).collect();
        assert!(!named.is_empty(), "{row}");
        for name in named {
            let (module, test) = name.split_once("::").unwrap();
            let text = std::fs::read_to_string(root.join(format!("tests/it/{module}.rs"))).unwrap_or_default();
            assert!(text.contains(&format!("fn {test}()")), "`{name}` is no test");
        }
    }
}

/// All files below a folder as one text.
fn files(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        text += &if path.is_dir() { files(&path) } else { String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned() };
    }
    text
}

#[test]
fn no_record_of_a_project_with_secrets_holds_one() {
    let body = format!(
        "def upgrade():\n    op.add_column('authors', sa.Column('email', sa.String(400), server_default='{0}'))\n\n\ndef downgrade():\n    op.drop_column('authors', 'email')\n    raise RuntimeError('{0}')",
        poison()
    );
    let Some(shop) = Shop::new(&[crate::ranges::AUTHORS, ("add_authors_email", &body)]) else { return };
    let project = json!({ "project": shop.path().display().to_string() });
    let calls = ["review_sql", "test_rollback", "migration_status"].map(|tool| (tool, project.clone()));
    let (answers, log) = asked(shop.path(), shop.state_home(), &calls);
    for answer in &answers {
        clean(answer, "an answer");
    }
    clean(&log, "the log");
    let record = files(&shop.path().join(".alembic-gate"));
    assert!(record.contains("add_authors_email"), "{record}");
    clean(&record, "the record");
    clean(&files(shop.state_home()), "what lies outside the project");
}

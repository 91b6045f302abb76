//! The program as its users start it: the command line, and MCP over standard input and output.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_alembic-gate");

fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child =
        Command::new(PROGRAM).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut child =
            Command::new(PROGRAM).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, input, output };
        let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        server.ask("initialize", hello);
        server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string());
        server
    }

    fn send(&mut self, line: &str) {
        self.input.write_all(line.as_bytes()).unwrap();
        self.input.write_all(b"\n").unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("stdout carries only the protocol, not {line:?}: {error}"))
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string());
        self.receive()
    }

    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))["result"].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn exit_codes_say_open_closed_and_could_not_tell() {
    let safe = "ALTER TABLE books ADD COLUMN note text;";
    assert_eq!(run(&["review-sql", "-"], safe).0, 0);
    assert_eq!(run(&["review-sql", "-"], "DROP TABLE books;").0, 1);
    assert_eq!(run(&["review-sql", "no/such/file.sql"], "").0, 2);
    assert_eq!(run(&["review-sql", "-", "--server-version", "new"], safe).0, 2);
    assert_eq!(run(&["no-such-command"], "").0, 2);
}

#[test]
fn a_bad_input_says_what_where_and_what_to_do() {
    let (code, out, error) = run(&["review-sql", "no/such/file.sql"], "");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.contains("no/such/file.sql") && error.contains("hint:"), "{error}");
    let (code, out, _) = run(&["review-sql", "no/such/file.sql", "--format", "json"], "");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["verdict"], &answer["error"]["code"]), (2, &json!("failed"), &json!("unreadable")));
}

#[test]
fn command_line_and_server_give_the_same_output() {
    let sql = "CREATE INDEX i ON books (title);\nALTER TABLE books DROP COLUMN note;";
    let arguments = json!({ "sql": sql, "downgrade_sql": "DROP INDEX i;", "table_stats": { "books": { "bytes": 5e9 } } });
    let mut server = Server::start();
    for tool in ["review_sql", "classify_risk"] {
        let mut arguments = arguments.clone();
        if tool == "classify_risk" {
            arguments.as_object_mut().unwrap().remove("downgrade_sql");
        }
        let over_mcp = server.call(tool, arguments.clone())["structuredContent"].clone();
        let (_, out, _) = run(&["call", tool, "--args", &arguments.to_string()], "");
        let called: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(over_mcp, called, "{tool}");
        assert!(["blocked", "pass", "warn"].contains(&called["verdict"].as_str().unwrap()));
    }
}

#[test]
fn the_list_of_tools_is_small_and_portable() {
    let mut server = Server::start();
    let listed = server.ask("tools/list", json!({}))["result"]["tools"].clone();
    let text = listed.to_string();
    assert!(text.len() <= 24_000, "{} bytes", text.len());
    assert!(!text.contains("\"format\"") && !text.contains("[\"string\",\"null\"]"), "{text}");
    for tool in listed.as_array().unwrap() {
        assert!(tool["description"].as_str().unwrap().chars().count() < 900, "{}", tool["name"]);
        assert!(tool["inputSchema"].to_string().len() < 2_700 && tool["outputSchema"].to_string().len() < 1_000, "{}", tool["name"]);
        let writes = ["generate_migration", "apply_migration"].contains(&tool["name"].as_str().unwrap());
        assert_eq!(tool["annotations"]["readOnlyHint"], json!(!writes), "{}", tool["name"]);
        assert_eq!(tool["outputSchema"]["required"], json!(["verdict", "summary"]));
    }
    assert!(alembic_gate::mcp::INSTRUCTIONS.chars().count() < 2_000);
}

#[test]
fn lines_that_are_no_requests_are_answered() {
    let mut server = Server::start();
    for (line, code) in [
        ("this is no JSON", -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\\ud800\"}", -32700),
        ("[]", -32600),
        ("42", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"tools/list\"}", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"review_sql\",\"arguments\":[]}}", -32602),
        ("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\"}", -32602),
        ("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"no_such_tool\",\"arguments\":{}}}", -32602),
    ] {
        server.send(line);
        let answer = server.receive();
        assert_eq!(answer["error"]["code"], json!(code), "{line} → {answer}");
    }
    let listed = server.ask("tools/list", json!({}));
    assert!(listed["result"]["tools"].is_array(), "the server lives");
}

#[test]
fn unknown_arguments_are_refused_with_the_known_ones_named() {
    let mut server = Server::start();
    let result = server.call("review_sql", json!({ "sql": "SELECT 1", "zero_downtime": true }));
    assert_eq!(result["isError"], json!(true));
    let text = result["structuredContent"]["error"]["message"].as_str().unwrap();
    assert!(text.contains("zero_downtime") && text.contains("setup_sql"), "{text}");
}

#[test]
fn small_answers_are_small() {
    let sql = "ALTER TABLE books ADD COLUMN a text; CREATE INDEX i ON books (a); ALTER TABLE books ALTER COLUMN a SET NOT NULL;";
    let mut server = Server::start();
    let answer = server.call("review_sql", json!({ "sql": sql }))["structuredContent"].to_string();
    assert!(answer.len() <= 6_000, "{} characters are more than 1,500 tokens", answer.len());
}

#[test]
fn a_huge_answer_is_cut_and_says_how_to_go_on() {
    let sql: String = (0..2_000).map(|n| format!("ALTER TABLE t{n} ADD COLUMN a text;\n")).collect();
    let mut server = Server::start();
    let answer = server.call("classify_risk", json!({ "sql": sql }))["structuredContent"].clone();
    assert!(answer.to_string().len() <= 20_000);
    let told = answer["statements"].as_array().unwrap().len() as u64;
    assert_eq!(answer["truncated"]["left"].as_u64().unwrap() + told, 2_000);
    assert_eq!(answer["truncated"]["args"]["after"], json!(told));
    let sql: String =
        (0..700).map(|n| format!("CREATE TABLE t{n} (a int); DROP TABLE u{n}; ALTER TABLE v{n} ADD COLUMN c text NOT NULL;\n")).collect();
    for (tool, arguments) in [
        ("review_sql", json!({ "sql": sql, "downgrade_sql": sql, "detail": "full" })),
        ("classify_risk", json!({ "sql": sql, "detail": "full" })),
        ("plan_migration", json!({ "sql": sql })),
        ("search_knowledge", json!({ "query": "lock", "limit": 20 })),
    ] {
        let answer = server.call(tool, arguments);
        let words = answer["content"][0]["text"].as_str().unwrap().chars().count();
        assert!(words <= 20_000 && answer["structuredContent"].to_string().len() <= 20_000, "{tool}: {words}");
    }
    let found = server.call("search_knowledge", json!({ "query": "lock", "limit": 20 }))["structuredContent"].clone();
    let hits = found["hits"].as_array().unwrap();
    assert!(hits.iter().all(|hit| !hit["passage"].as_str().unwrap().ends_with('…')), "a section is whole, or named");
    let named = found["notes"].to_string().matches('#').count();
    assert_eq!((hits.len() + named, named > 0), (20, true), "{}", found["notes"]);
}

#[test]
fn words_that_are_cut_keep_the_state_block() {
    use alembic_gate::tools::answer::{Answer, Verdict};
    let block = "\n<alembic-migration-state>\nphase: PLAN\n</alembic-migration-state>";
    let answer = |words: &str| Answer::of(&json!({}), Verdict::Pass, format!("{words}{block}")).within(Some(1_000)).text;
    assert_eq!(answer("short"), format!("short{block}"));
    let cut = answer(&"a line\n".repeat(1_000));
    assert!(cut.chars().count() <= 1_000 && cut.ends_with(block) && cut.contains("a line\n… (the rest is left out here"), "{cut}");
}

#[test]
fn formats_for_machines_are_what_they_say() {
    let input = "CREATE INDEX i ON books (title);";
    let (_, sarif, _) = run(&["review-sql", "-", "--format", "sarif"], input);
    let log: Value = serde_json::from_str(&sarif).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!((&log["version"], &result["level"]), (&json!("2.1.0"), &json!("error")));
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], json!(1));
    let (_, github, _) = run(&["review-sql", "-", "--format", "github"], input);
    assert!(github.starts_with("::error file=stdin,line=1,title=index_without_concurrently::"), "{github}");
    let (_, gitlab, _) = run(&["review-sql", "-", "--format", "gitlab"], input);
    let report: Value = serde_json::from_str(&gitlab).unwrap();
    assert_eq!(report[0]["location"]["lines"]["begin"], json!(1));
}

#[test]
fn s_107_the_report_has_the_words_of_the_template() {
    let sql = "-- Running upgrade 0a1b2c3d4e5f -> 1f2e3d4c5b6a\nCREATE INDEX CONCURRENTLY ix_users_email ON users (email);";
    let (code, report, _) = run(
        &[
            "review-sql",
            "-",
            "--format",
            "markdown",
            "--name",
            "add_user_email_index",
            "--downgrade-sql",
            "DROP INDEX CONCURRENTLY ix_users_email",
        ],
        sql,
    );
    let expected = "## Migration Review: add_user_email_index\n\n**Revision:** 1f2e3d4c5b6a\n**Generated:** unknown\n**Author:** unknown\n\n\
### Schema Change Summary\n- **Type:** ADD INDEX\n- **Table(s) affected:** users\n- **Data loss risk:** None\n- **Estimated lock duration:** None\n\n\
### SQL Review\n- [ ] `upgrade()` SQL reviewed and matches intended change\n- [x] `downgrade()` SQL reviewed and correctly reverses the change\n\
- [x] No unexpected DROP statements\n- [x] No unexpected data loss operations\n- [ ] Idempotency verified (safe to run twice)\n\n\
### Rollback Verification\n- [ ] `alembic downgrade -1` tested on development database\n- [ ] Database state after downgrade matches pre-migration state\n\n\
### Approval\n- [ ] Reviewed by: [name]\n- [ ] Approved for: [dev / staging / production]\n";
    assert_eq!((code, report.as_str()), (0, expected));
}

#[test]
fn several_files_are_one_script_with_lines_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let first = folder.path().join("1_first.sql");
    let second = folder.path().join("2_second.sql");
    std::fs::write(&first, "CREATE TABLE shelves (id int)").unwrap();
    std::fs::write(&second, "-- two\nCREATE INDEX i ON shelves (id);\nCREATE INDEX j ON books (id);\n").unwrap();
    let glob = folder.path().join("*.sql").display().to_string();
    let (code, out, _) = run(&["review-sql", &glob, "--format", "json"], "");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, answer["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").count()), (1, 1));
    let finding = &answer["findings"][0];
    assert_eq!((&finding["line"], finding["file"].as_str().unwrap()), (&json!(3), second.to_str().unwrap()));
}

#[test]
fn since_reviews_what_changed_on_what_stood() {
    let folder = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .arg("-C")
            .arg(folder.path())
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    git(&["init", "-q"]);
    write("1.sql", "CREATE TABLE books (id int, isbn varchar(20));");
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    write("2.sql", "ALTER TABLE books ALTER COLUMN isbn TYPE varchar(50);");
    let review = |arguments: &[&str]| {
        let output = Command::new(PROGRAM)
            .current_dir(folder.path())
            .args(["review-sql", "1.sql", "2.sql", "--format", "json"])
            .args(arguments)
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let answer = review(&["--since", "HEAD"]);
    assert_eq!((answer["verdict"].as_str(), answer["statements"].as_array().unwrap().len()), (Some("pass"), 1), "{answer}");
    assert_eq!(answer["statements"][0]["work"], json!("instant"), "the type before is known from the file that did not change");
    assert_eq!(review(&["--since", "no-such-revision"])["error"]["code"], json!("git"));
}

#[test]
fn a_severity_is_changed_with_a_reason_only() {
    let folder = tempfile::tempdir().unwrap();
    let review = |config: &str| {
        std::fs::write(folder.path().join("alembic-gate.toml"), config).unwrap();
        let output = Command::new(PROGRAM)
            .current_dir(folder.path())
            .args(["review-sql", "--sql", "CREATE INDEX i ON books (title)"])
            .output()
            .unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(review("").0, 1);
    assert_eq!(review("[rules]\nindex_without_concurrently = { severity = \"notice\", because = \"small tables\" }").0, 0);
    assert_eq!(review("[rules]\nindex_without_concurrently = { severity = \"notice\", because = \"\" }").0, 2);
    assert_eq!(review("[rules]\nno_such_rule = { severity = \"notice\", because = \"x\" }").0, 2);
    let (code, error) = review("[rule]\n");
    assert!(code == 2 && error.contains("alembic-gate.toml"), "{error}");
}

#[test]
fn a_finding_is_accepted_with_a_reason_only() {
    let review = |comment: &str| run(&["review-sql", "-"], &format!("{comment}\nCREATE INDEX i ON books (title);")).0;
    assert_eq!(review("-- alembic-gate: allow index_without_concurrently because the table has 40 rows"), 0);
    assert_eq!(review("-- alembic-gate: allow index_without_concurrently"), 1);
    assert_eq!(review("-- alembic-gate: allow drop_table because of something else"), 1);
}

#[test]
fn a_short_sentence_is_shared_by_several_tools() {
    let schemas: Vec<Value> = alembic_gate::tools::TOOLS.iter().map(|tool| (tool.input_schema)()).collect();
    for (field, short) in alembic_gate::tools::schema::SHARED {
        let takers: Vec<&Value> = schemas.iter().map(|schema| &schema["properties"][field]).filter(|field| !field.is_null()).collect();
        assert!(takers.iter().any(|taker| taker["description"] == json!(short)), "`{field}` is taken by no tool");
    }
    for schema in &schemas {
        let text = schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("anyOf") && !text.contains("\"format\""), "{text}");
        for (name, field) in schema["properties"].as_object().unwrap() {
            let sentence = field["description"].as_str().unwrap_or_default();
            assert!((10..=180).contains(&sentence.len()), "{name}: {sentence}");
        }
    }
}

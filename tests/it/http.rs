//! MCP over HTTP on the loopback: who comes in, what is refused, how it ends. One request is one connection, so that
//! nothing hides behind a client.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alembic_gate::mcp::Gate;
use alembic_gate::mcp::http::{self, Limits, Site, Turnstile};
use alembic_gate::tokens::{Right, TokenError, Tokens, new_token};
use alembic_gate::tools::answer::{Answer, Verdict};
use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::{TOOLS, Tool, Touches};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::mcp_client::{PROGRAM, hello, modern_meta};

const PATIENCE: Duration = Duration::from_secs(60);

/// A server inside of the test, with limits and tools of its own.
struct House {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl House {
    fn open(tools: &'static [Tool], limits: Limits, tokens: Option<Tokens>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let settings = Settings { projects: BTreeMap::from([("shop".to_owned(), PathBuf::from("/srv/shop"))]), ..Settings::default() };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let gate = Gate::with_tools(tools, settings);
                let site = Site { address: "127.0.0.1:0".parse().unwrap(), tokens, hosts: vec!["gate.example.org".to_owned()], limits };
                let listener = http::listen(&gate, &site).await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                http::serve_on(gate, site, listener, async { drop(stopped.await) }).await;
            });
            runtime.shutdown_background();
        });
        Self { address: told.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    fn usual() -> Self {
        Self::open(TOOLS, Limits::default(), None)
    }

    fn request(&self, text: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // A server that refuses does not read to the end.
        let _ = stream.write_all(text.as_bytes());
        Reply::read(stream)
    }

    /// POST to `/mcp` with headers of one's own.
    fn post(&self, headers: &str, message: &Value) -> Reply {
        let body = message.to_string();
        self.request(&format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             Content-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        ))
    }

    fn call(&self, headers: &str, tool: &str, arguments: Value) -> Reply {
        let headers = format!("{headers}Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\nMcp-Protocol-Version: 2026-07-28\r\n");
        let params = json!({ "name": tool, "arguments": arguments, "_meta": modern_meta() });
        self.post(&headers, &json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }))
    }

    fn get(&self, path: &str, headers: &str) -> Reply {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n", self.address))
    }

    fn close(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.close();
    }
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A connection that is reset after the answer has still answered.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn answer(&self) -> Value {
        self.json()["result"]["structuredContent"].clone()
    }
}

fn list() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })
}

#[test]
fn both_eras_are_served_without_sessions() {
    let house = House::usual();
    let old = house.post("", &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello() }));
    assert_eq!((old.status, &old.json()["result"]["protocolVersion"]), (200, &json!("2025-06-18")));
    assert!(!old.head.contains("mcp-session-id"), "{}", old.head);
    assert_eq!(house.post("", &list()).json()["result"]["tools"].as_array().unwrap().len(), TOOLS.len());
    let new = house.call("", "classify_risk", json!({ "sql": "DROP TABLE users" }));
    assert_eq!((new.status, &new.answer()["data_loss_risk"]), (200, &json!("high")), "{new:?}");
}

#[test]
fn health_readiness_and_counters_are_told() {
    let house = House::usual();
    assert_eq!(house.get("/healthz", "").status, 200);
    assert_eq!(house.get("/readyz", "").body, "ready\n");
    house.call("", "classify_risk", json!({ "sql": "DROP TABLE users" }));
    house.post("Origin: https://evil.example\r\n", &list());
    let told = house.get("/metrics", "").body;
    for line in [
        "alembic_gate_tool_calls_total{tool=\"classify_risk\",verdict=\"blocked\"} 1",
        "alembic_gate_tool_seconds_count{tool=\"classify_risk\"} 1",
        "alembic_gate_http_requests_total{route=\"/healthz\",status=\"200\"} 1",
        "alembic_gate_http_requests_total{route=\"/mcp\",status=\"403\"} 1",
        "alembic_gate_http_refused_total{reason=\"origin\"} 1",
    ] {
        assert!(told.lines().any(|other| other == line), "{line} is not in\n{told}");
    }
    assert_eq!(house.get("/mcp/anything", "").status, 404);
    assert_eq!(house.get("/", "").status, 404);
    let get = house.get("/mcp", "");
    assert_eq!((get.status, get.head.contains("allow: post")), (405, true));
}

#[test]
fn a_page_that_rebinds_a_name_or_comes_from_elsewhere_is_refused() {
    let house = House::usual();
    let with_host = |host: &str, more: &str| {
        let body = list().to_string();
        let text = format!(
            "POST /mcp HTTP/1.1\r\n{host}{more}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        house.request(&text).status
    };
    for host in ["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]:80", "[::1]", "LOCALHOST", "gate.example.org:443"] {
        assert_eq!(with_host(&format!("Host: {host}\r\n"), ""), 200, "{host}");
    }
    for host in ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::2]", "10.0.0.1"] {
        assert_eq!(with_host(&format!("Host: {host}\r\n"), ""), 403, "{host}");
    }
    assert!(matches!(with_host("", ""), 400 | 403), "no Host at all");
    assert!(matches!(with_host("Host: localhost\r\nHost: evil.example\r\n", ""), 400 | 403), "two Hosts");
    let from = |origin: &str| with_host("Host: localhost\r\n", &format!("Origin: {origin}\r\n"));
    for origin in ["http://localhost:5173", "http://127.0.0.1", "https://gate.example.org"] {
        assert_eq!(from(origin), 200, "{origin}");
    }
    for origin in ["null", "https://evil.example", "http://localhost.evil.example", "file://", "nonsense", "http://[::2]:80"] {
        assert_eq!(from(origin), 403, "{origin}");
    }
}

#[test]
fn what_is_no_message_is_answered_in_the_form_of_the_protocol() {
    let house = House::usual();
    let post = |body: &str| {
        house.request(&format!(
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ))
    };
    for (body, code) in [
        ("no JSON", -32700),
        ("", -32600),
        ("[]", -32600),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\\ud800\"}", -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":[]}", -32602),
    ] {
        let reply = post(body);
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!(code)), "{body}: {reply:?}");
    }
    let unshaped =
        post("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"review_sql\",\"arguments\":\"{}\"}}");
    assert_eq!((&unshaped.json()["id"], &unshaped.json()["error"]["code"]), (&json!(7), &json!(-32602)), "{unshaped:?}");
    let differs = house.post(
        "Mcp-Method: prompts/list\r\nMcp-Protocol-Version: 2026-07-28\r\n",
        &json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": modern_meta() } }),
    );
    assert_eq!((differs.status, &differs.json()["error"]["code"]), (400, &json!(-32020)), "{differs:?}");
    assert_eq!(house.post("", &list()).status, 200, "the server lives");
}

fn tokens(rights: &[(&str, &[Right])]) -> (BTreeMap<String, String>, Tokens) {
    let mut text = String::new();
    let mut made = BTreeMap::new();
    for (name, rights) in rights {
        let new = new_token(name, &rights.iter().copied().collect()).unwrap();
        text.push_str(&new.entry);
        made.insert((*name).to_owned(), new.token);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.toml");
    write_for_owner(&path, &text);
    (made, Tokens::read(&path).unwrap())
}

fn write_for_owner(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

const fn tool(name: &'static str, touches: Touches, call: fn(Value, &Call<'_>) -> Answer) -> Tool {
    let schema = || json!({ "type": "object" });
    Tool { name, title: "A tool of the test", description: "", touches, input_schema: schema, output_schema: schema, call }
}

fn told(arguments: Value, call: &Call<'_>) -> Answer {
    let project = arguments["project"].as_str().map(str::to_owned);
    match call.project(project.as_deref()) {
        Ok(folder) => Answer::of(
            &json!({ "verdict": "pass", "summary": format!("{:?} in {}", call.caller, folder.display()) }),
            Verdict::Pass,
            String::new(),
        ),
        Err(error) => Answer::failed(error),
    }
}

fn waits(_: Value, call: &Call<'_>) -> Answer {
    call.say(1, 2, "waiting");
    while !call.is_cancelled() {
        std::thread::yield_now();
    }
    LEFT.store(true, std::sync::atomic::Ordering::SeqCst);
    Answer::of(&json!({ "verdict": "pass", "summary": "" }), Verdict::Pass, String::new())
}

static LEFT: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

const FIXTURES: &[Tool] = &[
    tool("reads", Touches::OwnRecord, told),
    tool("tests", Touches::Scratch, told),
    tool("applies", Touches::Environment, told),
    tool("waits", Touches::Nothing, waits),
];

#[test]
fn a_token_opens_what_its_rights_say() {
    let (made, known) = tokens(&[("ci", &[Right::Read, Right::Test]), ("reader", &[Right::Read]), ("deploy", &[Right::Apply])]);
    let house = House::open(FIXTURES, Limits::default(), Some(known));
    let bearer = |name: &str| format!("Authorization: Bearer {}\r\n", made[name]);
    let (begin, end) = made["ci"].split_at(made["ci"].len() - 1);
    let wrong_end = format!("Authorization: Bearer {begin}{}\r\n", if end == "0" { "1" } else { "0" });
    for (headers, realm) in [
        ("", "www-authenticate: bearer realm=\"alembic-gate\"\r\n"),
        ("Authorization: Bearer nonsense\r\n", "error=\"invalid_token\""),
        ("Authorization: Bearer \r\n", "error=\"invalid_token\""),
        ("Authorization: Basic eDp5\r\n", "error=\"invalid_token\""),
        (&wrong_end, "error=\"invalid_token\""),
    ] {
        let reply = house.post(headers, &list());
        assert_eq!(reply.status, 401, "{headers}");
        assert!(format!("{}\r\n", reply.head).contains(realm), "{headers}: {}", reply.head);
    }
    let in_url = house
        .request(&format!("POST /mcp?token={} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", made["ci"]));
    assert_eq!(in_url.status, 401);
    assert_eq!((house.get("/metrics", "").status, house.get("/metrics", &bearer("ci")).status), (401, 200));
    assert_eq!(house.get("/healthz", "").status, 200);
    for (name, tool, opens) in [
        ("ci", "reads", true),
        ("ci", "tests", true),
        ("ci", "applies", false),
        ("reader", "tests", false),
        ("deploy", "reads", false),
        ("deploy", "applies", true),
    ] {
        let answer = house.call(&bearer(name), tool, json!({ "project": "shop" })).answer();
        let expected = if opens { Value::Null } else { json!("right_missing") };
        assert_eq!(answer["error"]["code"], expected, "{name} {tool}: {answer}");
    }
    let summary = house.call(&bearer("ci"), "reads", json!({})).answer()["summary"].clone();
    assert_eq!(summary, json!("Remote(\"ci\") in /srv/shop"));
    let prompts = house.post(&bearer("deploy"), &json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/list" }));
    assert!(prompts.json()["error"]["message"].as_str().unwrap().contains("`read`"), "{prompts:?}");
}

#[test]
fn without_a_token_nobody_applies() {
    let house = House::open(FIXTURES, Limits::default(), None);
    assert_eq!(house.call("", "tests", json!({})).answer()["error"], Value::Null);
    assert_eq!(house.call("", "applies", json!({})).answer()["error"]["code"], json!("right_missing"));
}

#[test]
fn a_caller_names_a_project_and_never_a_path() {
    let house = House::open(FIXTURES, Limits::default(), None);
    let refusal = |arguments: Value| house.call("", "reads", arguments).answer()["error"]["code"].clone();
    assert_eq!(refusal(json!({ "project": "shop" })), Value::Null);
    assert_eq!(refusal(json!({ "project": "blog" })), json!("unknown_project"));
    for (name, value) in [
        ("project", "/srv/shop"),
        ("project", "../shop"),
        ("project", "."),
        ("project", "file:///srv/shop"),
        ("database", "postgresql://prod/shop"),
        ("environment", "postgresql://u:p@prod/shop"),
        ("section", "a/b"),
        ("config", "alembic.ini"),
        ("deployed", "../../etc"),
        ("migration_id", "x/../../y"),
        ("anything_new", "/etc/passwd"),
        ("anything_new", "C:\\windows"),
        ("anything_new", "~/.pgpass"),
        ("from", "sqlite:///x.db"),
    ] {
        assert_eq!(refusal(json!({ name: value })), json!("not_over_http"), "{name} {value}");
    }
    for (name, value) in [
        ("sql", "SELECT 'postgresql://x' /* ../ */"),
        ("query", "/ what is a path"),
        ("from", "base"),
        ("to", "+1"),
        ("deployed", "origin/main"),
    ] {
        assert_eq!(refusal(json!({ name: value })), Value::Null, "{name} {value}");
    }
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let house = House::open(TOOLS, Limits { body_bytes: 2_000, ..Limits::default() }, None);
    assert_eq!(house.call("", "classify_risk", json!({ "sql": "x".repeat(3_000) })).status, 413);
    let body = format!("{{\"x\":\"{}\"}}", "y".repeat(3_000));
    let chunked = house.request(&format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    ));
    assert_eq!(chunked.status, 413);
    let header = house.get("/mcp", &format!("X: {}\r\n", "y".repeat(1 << 20)));
    assert!(matches!(header.status, 431 | 0), "{header:?}");
    assert_eq!(house.post("", &list()).status, 200, "the server lives");
}

#[test]
fn who_sends_slowly_is_cut_off() {
    let limits = Limits { headers: Duration::from_millis(300), body: Duration::from_millis(300), ..Limits::default() };
    let house = House::open(TOOLS, limits, None);
    let unfinished = |text: &str| {
        let mut stream = TcpStream::connect(house.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let started = Instant::now();
        let reply = Reply::read(stream);
        (reply.status, started.elapsed())
    };
    let (_, took) = unfinished("POST /mcp HTTP/1.1\r\nHost: loc");
    assert!(took < Duration::from_secs(20), "headers: {took:?}");
    let (_, took) = unfinished("");
    assert!(took < Duration::from_secs(20), "nothing at all: {took:?}");
    let (status, took) =
        unfinished("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{");
    assert_eq!(status, 408);
    assert!(took < Duration::from_secs(20), "body: {took:?}");
}

#[test]
fn who_asks_too_often_waits() {
    let house = House::open(TOOLS, Limits { per_second: 1, ..Limits::default() }, None);
    let statuses: Vec<u16> = (0..40).map(|_| house.get("/metrics", "").status).collect();
    assert_eq!(statuses[..20], [200; 20]);
    assert!(statuses[20..].contains(&429), "{statuses:?}");
    assert!(house.get("/healthz", "").status == 200, "probes are not counted");
    let start = Instant::now();
    let turnstile = Turnstile::new(10, 2);
    let at = |milliseconds: u64| start + Duration::from_millis(milliseconds);
    let passes: Vec<bool> = [0, 0, 0, 100, 100, 1_000, 1_000, 1_000].map(|time| turnstile.pass("a", at(time)).is_ok()).to_vec();
    assert_eq!(passes, [true, true, false, true, false, true, true, false]);
    assert!(turnstile.pass("b", at(1_000)).is_ok(), "each has a store of its own");
}

#[test]
fn more_requests_than_fit_are_told_to_come_back() {
    let house = House::open(FIXTURES, Limits { requests: 1, ..Limits::default() }, None);
    let mut first = TcpStream::connect(house.address).unwrap();
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "waits", "arguments": {}, "_meta": with_progress() } }).to_string();
    let text = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         Mcp-Method: tools/call\r\nMcp-Name: waits\r\nMcp-Protocol-Version: 2026-07-28\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    first.write_all(text.as_bytes()).unwrap();
    // The first line of news says that the call runs; from there on it streams, and holds no place at the door.
    let mut lines = BufReader::new(first.try_clone().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("waiting")));
    assert_eq!(house.post("", &list()).status, 200);
    // The client leaves: the tool hears it.
    first.shutdown(std::net::Shutdown::Both).unwrap();
    drop((first, lines));
    let started = Instant::now();
    while !LEFT.load(std::sync::atomic::Ordering::SeqCst) {
        assert!(started.elapsed() < PATIENCE, "a client that left cancels its call");
        std::thread::yield_now();
    }
}

fn with_progress() -> Value {
    let mut meta = modern_meta();
    meta["progressToken"] = json!("p");
    meta
}

#[test]
fn the_end_answers_what_is_under_way_and_takes_no_more() {
    let mut house = House::usual();
    let mut idle = TcpStream::connect(house.address).unwrap();
    idle.set_read_timeout(Some(PATIENCE)).unwrap();
    let started = Instant::now();
    house.close();
    assert!(started.elapsed() < Duration::from_secs(4), "an idle connection holds nothing up: {:?}", started.elapsed());
    assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0);
    assert!(TcpStream::connect(house.address).is_err());
}

#[test]
fn ten_thousand_requests_are_answered() {
    let count = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
    let house = House::open(TOOLS, Limits { per_second: 100_000, ..Limits::default() }, None);
    let body = list().to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let ask = |times: usize| {
        let mut stream = BufReader::new(TcpStream::connect(house.address).unwrap());
        for _ in 0..times {
            stream.get_mut().write_all(request.as_bytes()).unwrap();
            let (mut line, mut length) = (String::new(), 0);
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).unwrap();
                assert!(!line.starts_with("HTTP/1.1") || line.starts_with("HTTP/1.1 200"), "{line}");
                if let Some(bytes) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = bytes.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| ask(count / 64));
        }
    });
}

fn serve(arguments: &[&str], tokens: Option<&Path>) -> Child {
    let mut command = Command::new(PROGRAM);
    command.arg("serve").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("ALEMBIC_GATE_TOKENS_FILE");
    if let Some(path) = tokens {
        command.env("ALEMBIC_GATE_TOKENS_FILE", path);
    }
    command.spawn().unwrap()
}

/// What a server says that does not start.
fn refused_start(arguments: &[&str], tokens: Option<&Path>) -> String {
    let output = serve(arguments, tokens).wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn other_machines_need_a_token_and_a_named_project() {
    let folder = tempfile::tempdir().unwrap();
    let project = format!("shop={}", folder.path().display());
    let path = folder.path().join("tokens.toml");
    write_for_owner(&path, &new_token("ci", &Right::ALL.into()).unwrap().entry);
    let without_token = refused_start(&["--http", "0.0.0.0:0", "--project", &project], None);
    assert!(without_token.contains("ALEMBIC_GATE_TOKENS_FILE") && without_token.contains("hint:"), "{without_token}");
    let without_project = refused_start(&["--http", "[::]:0"], Some(&path));
    assert!(without_project.contains("--project NAME=DIR"), "{without_project}");
    let unnamed = refused_start(&["--http", "0.0.0.0:0", "--project", folder.path().to_str().unwrap()], Some(&path));
    assert!(unnamed.contains("no project has a name"), "{unnamed}");
    let nowhere = refused_start(&["--http", "127.0.0.1:0", "--project", "shop=/no/such/folder"], None);
    assert!(nowhere.contains("`/no/such/folder` is no folder"), "{nowhere}");
    let no_file = refused_start(&["--http", "127.0.0.1:0"], Some(Path::new("/no/such/file")));
    assert!(no_file.contains("`/no/such/file` could not be read"), "{no_file}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bound = refused_start(&["--http", &taken.local_addr().unwrap().to_string()], None);
    assert!(bound.contains("cannot be listened on"), "{bound}");
}

#[test]
fn the_program_serves_over_http_until_it_is_told_to_end() {
    let mut child = serve(&["--http", "127.0.0.1:0"], None);
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let address: SocketAddr =
        said.trim().strip_prefix("alembic-gate listens on http://").unwrap().strip_suffix("/mcp").unwrap().parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(Reply::read(stream).body, "ok\n");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
}

#[test]
fn a_new_token_is_shown_once_and_known_by_its_digest() {
    let output = Command::new(PROGRAM).args(["token", "ci", "--rights", "read,test"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (token, entry) = text.split_once("\n\n").unwrap();
    assert!(token.starts_with("agt_") && token.len() == 68, "{token}");
    assert!(entry.starts_with("[tokens.ci]\nsha256 = \"") && entry.ends_with("rights = [\"read\", \"test\"]\n"), "{entry}");
    assert!(!entry.contains(token));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.toml");
    write_for_owner(&path, entry);
    let bearer = Tokens::read(&path).unwrap().bearer(token).unwrap();
    assert_eq!((bearer.name.as_str(), bearer.rights), ("ci", [Right::Read, Right::Test].into()));
    for arguments in [&["token", "ci", "--rights", "all"][..], &["token", "a b", "--rights", "read"], &["token", "ci"]] {
        assert_eq!(Command::new(PROGRAM).args(arguments).output().unwrap().status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_tokens_file_is_for_its_owner_and_says_what_is_wrong() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.toml");
    let entry = new_token("ci", &[Right::Read].into()).unwrap().entry;
    let read = |text: &str| {
        write_for_owner(&path, text);
        Tokens::read(&path).unwrap_err()
    };
    assert!(matches!(read("x"), TokenError::NotUnderstood { .. }));
    assert!(matches!(read("[tokens]"), TokenError::Nobody { .. }));
    assert!(matches!(read("[tokens.ci]\nsha256 = \"abc\"\nrights = [\"read\"]"), TokenError::NoDigest { .. }));
    assert!(matches!(read(&entry.replace("\"read\"", "\"all\"")), TokenError::NotUnderstood { .. }));
    assert!(matches!(read(&entry.replace("\"read\"", "")), TokenError::Nobody { .. }));
    assert!(matches!(read(&entry.replace("tokens.ci", "tokens.\"a b\"")), TokenError::NoName { .. }));
    write_for_owner(&path, &entry);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let open = Tokens::read(&path).unwrap_err();
    assert!(matches!(open, TokenError::Open { mode: 0o640, .. }) && open.hint().starts_with("`chmod 600 "));
}

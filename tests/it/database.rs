//! Addresses, URLs and connections: what is read, what is written, and that no password shows.

use std::time::{Duration, Instant};

use alembic_gate::address::{Address, Login, Password};
use alembic_gate::database::{Connection, DatabaseError, url};
use alembic_gate::dialect::Dialect;

fn login(host: &str, port: u16, user: &str, password: Option<&str>) -> Login {
    Login { host: host.to_owned(), port, user: user.to_owned(), password: password.map(Password::new) }
}

#[test]
fn a_url_is_read_as_people_write_it() {
    let read = |text| url::read(text).unwrap();
    let database = |name: &str| name.to_owned();
    assert_eq!(
        read("postgresql+psycopg://ann:p%40ss@db.example:6432/shop"),
        Address::PostgresqlHost { login: login("db.example", 6432, "ann", Some("p@ss")), database: database("shop") }
    );
    assert_eq!(
        read("postgres://ann@[::1]/"),
        Address::PostgresqlHost { login: login("::1", 5432, "ann", None), database: database("ann") }
    );
    assert_eq!(
        read("postgresql://ann@/shop?host=/run/postgresql&port=5433"),
        Address::Postgresql { socket_dir: "/run/postgresql".into(), port: 5433, user: "ann".into(), database: database("shop") }
    );
    assert_eq!(
        read("mariadb+pymysql://localhost"),
        Address::MysqlHost { login: login("localhost", 3306, "root", None), database: String::new() }
    );
    assert_eq!(
        read("mysql://root@localhost/shop?unix_socket=/run/mysqld.sock"),
        Address::Mysql { socket: "/run/mysqld.sock".into(), user: "root".into(), database: database("shop") }
    );
    assert_eq!(read("sqlite:////var/lib/shop.db"), Address::Sqlite { file: "/var/lib/shop.db".into() });
}

#[test]
fn a_url_that_is_none_is_refused_without_its_text() {
    for text in ["secretword", "oracle://a:secretword@h/x", "postgresql://a:secretword@h:99999/x", "postgresql://a:secretword%zz@h/x"] {
        let error = url::read(text).unwrap_err();
        assert!(!error.to_string().contains("secretword") && !error.hint().is_empty(), "{error}");
    }
}

#[test]
fn sqlalchemy_gets_a_url_for_its_driver() {
    let socket = |database: &str| Address::Postgresql {
        socket_dir: "/tmp/a b/s".into(),
        port: 5432,
        user: "migrator".into(),
        database: database.to_owned(),
    };
    assert_eq!(socket("x").sqlalchemy_url(Some("psycopg")), "postgresql+psycopg://migrator@/x?host=/tmp/a%20b/s&port=5432");
    assert_eq!(socket("x").sqlalchemy_url(Some("pg8000")), "postgresql+pg8000://migrator@/x?unix_sock=/tmp/a%20b/s/.s.PGSQL.5432");
    let mysql = Address::Mysql { socket: "/run/s".into(), user: "root".into(), database: "x".into() };
    assert_eq!(mysql.sqlalchemy_url(None), "mysql+pymysql://root@localhost/x?unix_socket=/run/s");
    assert_eq!(Address::Sqlite { file: "/tmp/x.db".into() }.sqlalchemy_url(None), "sqlite:////tmp/x.db");
    let host = Address::PostgresqlHost { login: login("::1", 5432, "ann", Some("p@ss/1")), database: "x".into() };
    assert_eq!(host.sqlalchemy_url(None), "postgresql://ann:p%40ss/1@[::1]:5432/x");
}

#[test]
fn a_password_shows_in_no_text_for_people() {
    let address = url::read("postgresql://ann:secretword@127.0.0.1:1/x").unwrap();
    let error = Connection::open(&address).unwrap_err();
    assert!(matches!(error, DatabaseError::Unreachable { .. }) && error.is_engine_trouble());
    for text in [format!("{address:?}"), address.to_string(), format!("{error:?} {error} {}", error.hint())] {
        assert!(!text.contains("secretword"), "{text}");
    }
}

fn empty_sqlite(folder: &tempfile::TempDir) -> Connection {
    let file = folder.path().join("x.db");
    std::fs::write(&file, "").unwrap();
    Connection::open(&Address::Sqlite { file }).unwrap()
}

#[test]
fn sqlite_answers_in_text_and_says_what_was_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = empty_sqlite(&folder);
    assert_eq!(connection.server().dialect, Dialect::Sqlite);
    let changed = connection.execute("CREATE TABLE t (a INTEGER NOT NULL, b); INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, x'ff00');");
    assert_eq!(changed.unwrap(), 3);
    let rows = connection.rows("SELECT a, b FROM t ORDER BY a; SELECT 1.5").unwrap();
    let text = |value: &str| Some(value.to_owned());
    assert_eq!(rows, [vec![text("1"), text("x")], vec![text("2"), None], vec![text("3"), text("0xff00")], vec![text("1.5")]]);
    let error = connection.execute("INSERT INTO t VALUES (NULL, 1)").unwrap_err();
    assert_eq!(error.code(), Some("NOT NULL constraint failed: t.a"));
    assert!(!error.is_engine_trouble());
}

#[test]
fn a_sqlite_file_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.db");
    assert!(Connection::open(&Address::Sqlite { file: file.clone() }).is_err());
    assert!(!file.exists());
}

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

#[test]
fn a_statement_ends_at_its_time_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = empty_sqlite(&folder);
    connection.set_time_limit(Some(Duration::from_millis(50)));
    let error = connection.execute(ENDLESS).unwrap_err();
    assert!(matches!(error, DatabaseError::TimedOut { .. }), "{error:?}");
    assert_eq!(connection.value("SELECT 1").unwrap().as_deref(), Some("1"));
}

#[test]
fn a_statement_is_cancelled_from_another_thread() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = empty_sqlite(&folder);
    let canceller = connection.canceller();
    let began = Instant::now();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    // SQLite only interrupts what runs: asked again until it did.
    let other = std::thread::spawn(move || {
        while wait.recv_timeout(Duration::from_millis(20)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            canceller.cancel();
        }
    });
    let error = connection.execute(ENDLESS).unwrap_err();
    drop(done);
    other.join().unwrap();
    assert!(error.is_cancelled() && !error.is_engine_trouble(), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(30));
}

/// What only a server can show; SQLite is shown above.
fn on_servers(check: impl Fn(&mut Connection)) {
    for server in crate::scratch::servers().into_iter().filter(|server| server.server.dialect != Dialect::Sqlite) {
        let database = alembic_gate::scratch::ScratchDatabase::create(&server).unwrap();
        check(&mut database.connect().unwrap());
    }
}

#[test]
fn servers_answer_in_text_and_say_what_was_wrong() {
    on_servers(|connection| {
        let dialect = connection.server().dialect;
        connection.execute("CREATE TABLE t (a INT NOT NULL, b VARCHAR(10)); INSERT INTO t VALUES (1, 'ä'), (2, NULL);").unwrap();
        let rows = connection.rows("SELECT a, b FROM t ORDER BY a; SELECT 1.50").unwrap();
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(rows, [vec![text("1"), text("ä")], vec![text("2"), None], vec![text("1.50")]]);
        assert_eq!(connection.execute("UPDATE t SET b = 'x'").unwrap(), 2);
        let error = connection.execute("INSERT INTO t VALUES (NULL, 'x')").unwrap_err();
        let expected = if dialect == Dialect::Postgresql { "23502" } else { "1048" };
        assert_eq!(error.code(), Some(expected), "{error}");
        assert!(!error.is_engine_trouble() && !error.is_cancelled());
        let error = connection.execute("CREATE ROLE ann PASSWORD 'secretword' NONSENSE").unwrap_err();
        assert!(!format!("{error:?}").contains("secretword"), "{error:?}");
        assert!(connection.session_id().is_some());
        assert_eq!(connection.value("SELECT 1").unwrap(), text("1"), "the session goes on after an error");
    });
}

fn sleeping(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Postgresql {
        "SELECT pg_sleep(60)"
    } else {
        "SELECT count(md5(a.seq + b.seq)) FROM seq_1_to_1000000 a, seq_1_to_1000000 b"
    }
}

#[test]
fn servers_end_a_statement_at_its_time_limit() {
    on_servers(|connection| {
        connection.set_time_limit(Some(Duration::from_millis(100)));
        let began = Instant::now();
        let error = connection.execute(sleeping(connection.server().dialect)).unwrap_err();
        assert!(matches!(error, DatabaseError::TimedOut { .. }), "{error:?}");
        assert!(began.elapsed() < Duration::from_secs(4));
        for _ in 0..3 {
            assert_eq!(connection.value("SELECT 1").unwrap().as_deref(), Some("1"), "the cancelling hit nothing else");
        }
    });
}

#[test]
fn servers_end_a_statement_that_is_cancelled_from_another_thread() {
    on_servers(|connection| {
        let canceller = connection.canceller();
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            while wait.recv_timeout(Duration::from_millis(50)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                canceller.cancel();
            }
        });
        let error = connection.execute(sleeping(connection.server().dialect)).unwrap_err();
        drop(done);
        other.join().unwrap();
        assert!(error.is_cancelled() && !error.is_engine_trouble(), "{error:?}");
    });
}

/// A process that is stopped neither answers nor takes a request to cancel.
#[test]
fn a_server_that_fell_silent_holds_nobody() {
    let Some(major) = crate::scratch::majors().pop() else { return };
    let wanted =
        alembic_gate::dialect::Server { dialect: Dialect::Postgresql, version: alembic_gate::dialect::ServerVersion::new(major, 0) };
    let server = alembic_gate::scratch::ScratchServer::start(wanted, &crate::scratch::settings()).unwrap();
    let database = alembic_gate::scratch::ScratchDatabase::create(&server).unwrap();
    let mut connection = database.connect().unwrap();
    let signal =
        |signal: &str, pid: u64| assert!(std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
    connection.set_time_limit(Some(Duration::from_millis(200)));
    let pids = [connection.session_id().unwrap(), u64::from(server.process_id().unwrap())];
    pids.iter().for_each(|pid| signal("-STOP", *pid));
    let began = Instant::now();
    let error = connection.execute("SELECT 1").unwrap_err();
    pids.iter().for_each(|pid| signal("-CONT", *pid));
    assert!(matches!(error, DatabaseError::Silent { .. }) && error.is_engine_trouble(), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(8));
}

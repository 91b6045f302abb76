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

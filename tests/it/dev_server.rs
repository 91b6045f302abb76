//! A dev server behind a port that asks for a password: `env.py` reaches databases of ours on it, and nothing else of it.

use std::io::copy;
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use alembic_gate::address::Address;
use alembic_gate::database::Connection;
use alembic_gate::dialect::Dialect;
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use serde_json::Value;

use crate::bridge::environment;
use crate::rollback::{PLAIN_ENV, written};
use crate::scratch::servers;

const PROGRAM: &str = env!("CARGO_BIN_EXE_alembic-gate");
/// With letters that mean something in a URL and in an ini file.
const PASSWORD: &str = "corr/ct%hor:s@";
const PASSWORD_ENCODED: &str = "corr%2Fct%25hor%3As%40";

/// Asks for the port itself, and writes down all variables and addresses that it can see.
const NOSY: &str = r#"
import os, socket
seen = [repr(dict(os.environ))] + [context.config.get_main_option("sqlalchemy.url") or ""]
try:
    socket.create_connection(("127.0.0.1", PORT), timeout=5)
    seen.append("THE PORT WAS REACHED")
except OSError:
    pass
open(os.path.join(os.path.dirname(__file__), "seen.txt"), "w").write("\n".join(seen))
"#;

/// A port before a socket, as a container's proxy has; it serves until the test ends.
fn port_before(socket: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = UnixStream::connect(&socket) else { continue };
            let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = copy(&mut near_in, &mut far_out);
                let _ = far_out.shutdown(Shutdown::Write);
            });
            std::thread::spawn(move || {
                let _ = copy(&mut { far }, &mut { &near });
                let _ = near.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

/// Lets in a role `dev` by its password only, which may make databases; the socket of the server.
fn with_password(server: &ScratchServer) -> PathBuf {
    let made = ScratchDatabase::create(server).unwrap();
    let mut admin = made.connect_admin().unwrap();
    let own = admin.address().clone();
    match own {
        Address::Postgresql { socket_dir, port, .. } => {
            let rules = PathBuf::from(admin.value("SHOW hba_file").unwrap().unwrap());
            let text = std::fs::read_to_string(&rules).unwrap();
            std::fs::write(&rules, format!("local all dev scram-sha-256\n{text}")).unwrap();
            let role = format!("LOGIN CREATEDB PASSWORD '{PASSWORD}'");
            let made = admin.execute(&format!("CREATE ROLE dev {role}"));
            made.or_else(|_| admin.execute(&format!("ALTER ROLE dev {role}"))).unwrap();
            admin.execute("GRANT CONNECT ON DATABASE postgres TO dev").unwrap();
            admin.execute("SELECT pg_reload_conf()").unwrap();
            socket_dir.join(format!(".s.PGSQL.{port}"))
        }
        Address::Mysql { socket, .. } => {
            admin.execute(&format!("CREATE OR REPLACE USER dev@localhost IDENTIFIED BY '{PASSWORD}'")).unwrap();
            admin.execute("GRANT ALL ON *.* TO dev@localhost WITH GRANT OPTION").unwrap();
            socket
        }
        other => panic!("{other:?}"),
    }
}

fn tried(folder: &Path, url: &str) -> (Value, String) {
    let said = Command::new(PROGRAM)
        .args(["test-rollback", "--from", "0001", "--to", "0002", "--database", "local", "--rows", "10", "--format", "json", "--project"])
        .arg(folder)
        .env("DEV_SERVER_URL", url)
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    (serde_json::from_slice(&said.stdout).unwrap_or_default(), text)
}

#[test]
fn a_dev_server_behind_a_port_with_a_password_is_tested_on_and_shows_env_py_neither() {
    let Some(python) = environment("python-new") else { return };
    for server in servers().into_iter().filter(|server| server.server.dialect != Dialect::Sqlite) {
        let socket = with_password(&server);
        let port = port_before(socket);
        let (family, driver) = match server.server.dialect {
            Dialect::Postgresql => ("postgresql", "psycopg"),
            _ => ("mysql", "pymysql"),
        };
        let url = format!("{family}://dev:{PASSWORD_ENCODED}@127.0.0.1:{port}/");
        let url = if family == "postgresql" { url + "postgres" } else { url };
        let base = "op.create_table('t', sa.Column('id', sa.Integer, primary_key=True), sa.Column('a', sa.String(20)))";
        let env = PLAIN_ENV.replacen(
            "from alembic import context",
            &format!("from alembic import context\n{}", NOSY.replace("PORT", &port.to_string())),
            1,
        );
        assert_ne!(env, PLAIN_ENV);
        // Asked of the database: what runs offline would need no connection.
        let up = "op.get_bind().exec_driver_sql('SELECT 1')\nop.add_column('t', sa.Column('b', sa.Integer))";
        let configured = format!("{family}+{driver}://app:secret@production.invalid/shop");
        let folder = written(base, up, "op.drop_column('t', 'b')", &env, &configured, &python);
        let toml = folder.path().join("alembic-gate.toml");
        let settings = std::fs::read_to_string(&toml).unwrap();
        std::fs::write(
            &toml,
            format!(
                "{settings}env = {{ DATABASE_URL = \"{{scratch_url+{driver}}}\" }}\n[dev_servers.local]\nurl_env = \"DEV_SERVER_URL\"\n"
            ),
        )
        .unwrap();
        let (answer, text) = tried(folder.path(), &url);
        assert_eq!(answer["outcome"], "ok", "{text}");
        assert_eq!(answer["rollback_tested"], true, "{text}");
        assert_eq!(answer["engine"]["made_by"], "dev server `local`");
        assert!(answer["fences"]["active"].as_array().unwrap().iter().any(|fence| fence == "redirect"), "{text}");
        let seen = std::fs::read_to_string(folder.path().join("seen.txt")).unwrap();
        for text in [&text, &seen] {
            assert!(!text.contains(PASSWORD) && !text.contains(PASSWORD_ENCODED) && !text.contains("corr"), "{text}");
        }
        assert!(seen.contains("DATABASE_URL") && !seen.contains("THE PORT WAS REACHED"), "{seen}");

        let wrong = url.replace(PASSWORD_ENCODED, "wr0ngword");
        let (_, text) = tried(folder.path(), &wrong);
        assert!(text.contains("dev") && !text.contains("wr0ngword"), "{text}");
        let looker = ScratchDatabase::create(&server).unwrap();
        let left = if family == "postgresql" {
            "SELECT datname FROM pg_database JOIN pg_roles r ON r.oid = datdba WHERE rolname = 'dev' AND datname LIKE 'amscratch%'"
                .to_owned()
        } else {
            format!(
                "SELECT table_schema FROM information_schema.tables WHERE table_schema LIKE 'amscratch%mark' AND table_schema <> '{}_mark'",
                looker.name()
            )
        };
        assert_eq!(looker.connect_admin().unwrap().rows(&left).unwrap(), Vec::<Vec<Option<String>>>::new());
    }
}

/// With the server away its socket is no way in any more.
#[test]
fn the_socket_before_a_dev_server_goes_with_it() {
    let Some(server) = servers().into_iter().find(|server| server.server.dialect == Dialect::Postgresql) else { return };
    let port = port_before(with_password(&server));
    let dev = ScratchServer::dev("local", &format!("postgresql://dev:{PASSWORD_ENCODED}@127.0.0.1:{port}/postgres")).unwrap();
    let database = ScratchDatabase::create(&dev).unwrap();
    let near = database.address();
    assert_ne!(near, database.admin_address());
    let mut one = database.connect().unwrap();
    assert_eq!(one.value("SELECT current_user::text").unwrap().as_deref(), Some("dev"));
    drop((one, database, dev));
    let error = Connection::open(&near).unwrap_err();
    assert!(!error.to_string().contains("corr"), "{error}");
}

//! A test of the way back whose process is killed at any moment: the next start leaves no process, folder or database of
//! it, and the configured database stays as it was, whatever `env.py` tries.
//!
//! Killed three times, at moments spread over the run; `ALEMBIC_GATE_KILLS=20` kills more often.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use alembic_gate::address::Address;
use alembic_gate::database::Connection;
use alembic_gate::dialect::{Dialect, Server, ServerVersion};
use alembic_gate::scratch::{PREFIX, ScratchServer, Settings};
use tempfile::TempDir;

use crate::bridge::environment;
use crate::rollback::{PLAIN_ENV, written};
use crate::scratch::{as_dev, majors, own_run_folder, run_folders, settings, wait_until_gone};

const PROGRAM: &str = env!("CARGO_BIN_EXE_alembic-gate");

/// What an `env.py` may try against the configured database, past SQLAlchemy and in other programs; it hides what came of it.
const WORST: &str = r#"
import socket, subprocess, sys
import psycopg

SQL = "DROP TABLE IF EXISTS t; CREATE TABLE broken_in (a int)"

def by_driver():
    psycopg.connect(CONFIGURED, autocommit=True).execute(SQL)

def by_program():
    subprocess.run([sys.executable, "-c", "import psycopg; psycopg.connect(%r, autocommit=True).execute(%r)" % (CONFIGURED, SQL)], timeout=5)

def by_socket():
    socket.socket(socket.AF_UNIX).connect(SOCKET)

for attempt in (by_driver, by_program, by_socket):
    try:
        attempt()
    except BaseException:
        pass
"#;

/// A server with the configured database, which is the user's dev server too, and the project.
struct Stage {
    admin: Connection,
    url: String,
    folder: TempDir,
}

impl Stage {
    fn set(python: &Path, server: &ScratchServer) -> Self {
        let url = as_dev(server);
        let dev = ScratchServer::dev("local", &url).unwrap();
        let made = alembic_gate::scratch::ScratchDatabase::create(&dev).unwrap();
        let Address::Postgresql { socket_dir, port, user, .. } = made.admin_address() else { panic!("{url}") };
        let mut admin = Connection::open(&made.admin_address().with_database("postgres")).unwrap();
        admin.execute("CREATE DATABASE production").unwrap();
        let mut production = Connection::open(&admin.address().with_database("production")).unwrap();
        production
            .execute(
                "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 100) n; \
                 CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('0001')",
            )
            .unwrap();
        let configured = format!("postgresql+psycopg://{user}@/production?host={}&port={port}", socket_dir.display());
        let base = "op.create_table('t', sa.Column('id', sa.Integer, primary_key=True), sa.Column('a', sa.Text))";
        // What asks the database is run on a scratch database of ours while its SQL is written down.
        let up = "op.get_bind().exec_driver_sql('SELECT 1')\nop.add_column('t', sa.Column('b', sa.Integer))";
        let folder = written(base, up, "op.drop_column('t', 'b')", PLAIN_ENV, &configured, python);
        let toml = folder.path().join("alembic-gate.toml");
        let text = std::fs::read_to_string(&toml).unwrap();
        std::fs::write(toml, format!("{text}\n[dev_servers.local]\nurl_env = \"KILLED_DEV_SERVER\"\n")).unwrap();
        let worst = WORST
            .replace("CONFIGURED", &format!("'host={} port={port} user={user} dbname=production'", socket_dir.display()))
            .replace("SOCKET", &format!("'{}/.s.PGSQL.{port}'", socket_dir.display()));
        std::fs::write(folder.path().join("worst.py"), worst).unwrap();
        Self { admin, url, folder }
    }

    /// From now on `env.py` does its worst, or nothing of the kind.
    fn worst(&self, is_worst: bool) {
        let before = if is_worst { std::fs::read_to_string(self.folder.path().join("worst.py")).unwrap() } else { String::new() };
        std::fs::write(self.folder.path().join("env.py"), before + PLAIN_ENV).unwrap();
    }

    fn command(&self, run: &Path) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(["test-rollback", "--from", "0001", "--to", "0002", "--database", "local", "--rows", "10", "--project"]);
        command.arg(self.folder.path()).env("ALEMBIC_GATE_RUN", run).env("KILLED_DEV_SERVER", &self.url);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// All there is in the configured database: tables with the place and the writer of each row.
    fn dump(&self) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
        let mut production = Connection::open(&self.admin.address().with_database("production")).unwrap();
        let mut read = |sql: &str| production.rows(sql).unwrap();
        let tables =
            read("SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1");
        let mut dump = BTreeMap::new();
        for table in tables.into_iter().filter_map(|row| row.into_iter().next().flatten()) {
            let rows = read(&format!("SELECT ctid::text, xmin::text, one::text FROM {table} one ORDER BY ctid"));
            dump.insert(table, rows);
        }
        dump.insert("all objects".to_owned(), read("SELECT oid::text, relname, relkind::text, xmin::text FROM pg_class ORDER BY oid"));
        dump
    }

    fn databases_of_ours(&mut self) -> Vec<Vec<Option<String>>> {
        self.admin.rows(&format!("SELECT datname FROM pg_database WHERE datname LIKE '{}%'", PREFIX.replace('_', "\\_"))).unwrap()
    }
}

/// Tried when none of the others left anything to be swept.
const MORE_KILLS: u32 = 7;

/// A process and all that descend from it.
fn below(pid: u32) -> Vec<String> {
    let parent_of = |stat: &str| stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1).map(str::to_owned));
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let all: Vec<(String, String)> = entries
        .filter_map(|entry| {
            let parent = std::fs::read_to_string(entry.path().join("stat")).ok().as_deref().and_then(parent_of)?;
            Some((entry.file_name().to_string_lossy().into_owned(), parent))
        })
        .collect();
    let mut found = vec![pid.to_string()];
    let mut at = 0;
    while let Some(one) = found.get(at).cloned() {
        found.extend(all.iter().filter(|(_, parent)| *parent == one).map(|(child, _)| child.clone()));
        at += 1;
    }
    found
}

#[test]
fn what_is_killed_leaves_nothing_behind_and_production_as_it_was() {
    let (Some(python), Some(major)) = (environment("python-new"), majors().pop()) else { return };
    let wanted = Server { dialect: Dialect::Postgresql, version: ServerVersion::new(major, 0) };
    // A server of its own: its databases are counted.
    let (_server_folder, server_run) = own_run_folder();
    let server = ScratchServer::start(wanted, &Settings { run: server_run, ..settings() }).unwrap();
    let mut stage = Stage::set(&python, &server);
    let (_folder, run) = own_run_folder();
    let before = stage.dump();
    assert!(before.contains_key("t"), "{before:?}");

    let begun = Instant::now();
    assert!(stage.command(&run).status().unwrap().success(), "it does not pass when nobody kills it");
    let whole = begun.elapsed();
    assert_eq!(run_folders(&run), 0, "a run that ends by itself leaves its folder");
    let kills: u32 = std::env::var("ALEMBIC_GATE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let mut left = 0;
    for kill in 0..kills + MORE_KILLS {
        // Where the first run was slower than these, all kills may come too late, or too early: a few more are tried.
        let is_more = kill >= kills;
        if is_more && left > 0 {
            break;
        }
        stage.worst(!is_more && kill % 2 == 1);
        let share = if is_more { whole * (2 + kill - kills) / 10 } else { whole * (2 * kill + 1) / (2 * kills) };
        let mut child = stage.command(&run).spawn().unwrap();
        let moment = Instant::now() + share;
        while let Some(wait) = moment.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(wait);
        }
        // Nothing new is started while its children are counted.
        Command::new("kill").args(["-STOP", &child.id().to_string()]).status().unwrap();
        let all = below(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        for pid in all {
            wait_until_gone(&pid);
        }
        left += run_folders(&run) + stage.databases_of_ours().len();
        assert_eq!(stage.dump(), before, "kill {kill} after {share:?}");
    }
    assert!(left > 0 || kills < 3, "no kill came in time: nothing was shown");

    stage.worst(true);
    let _ = stage.command(&run).status().unwrap();
    assert_eq!(stage.dump(), before, "env.py got through");
    stage.worst(false);
    assert!(stage.command(&run).status().unwrap().success());
    assert_eq!(run_folders(&run), 0, "folders stay");
    assert_eq!(stage.databases_of_ours(), Vec::<Vec<Option<String>>>::new());
    eprintln!("{kills} kills over {whole:?}, {left} leftovers seen, none stays");
}

//! A PostgreSQL server for tests, gone with the value, also when a test panics.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use alembic_gate::address::Address;
use alembic_gate::bridge::ScratchTarget;
use postgres::{Client, Config, NoTls};
use tempfile::TempDir;

/// A server behind a socket in a folder of its own.
pub struct ThrowawayServer {
    process: Child,
    folder: TempDir,
}

impl Drop for ThrowawayServer {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.process.try_wait() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// PostgreSQL refuses to run as root.
fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
    command
}

fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::env::var("ALEMBIC_GATE_PG_BINS").iter().flat_map(|given| given.split(':').map(PathBuf::from).collect::<Vec<_>>()).collect();
    found.extend(glob::glob("/usr/lib/postgresql/*/bin").unwrap().flatten());
    found.push(PathBuf::from("/usr/local/bin"));
    found.into_iter().find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists())
}

impl ThrowawayServer {
    /// Starts one; None, with a word on stderr, where there is no PostgreSQL.
    pub fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            eprintln!("SKIPPED: no PostgreSQL found (`ALEMBIC_GATE_PG_BINS`)");
            return None;
        };
        let folder = TempDir::new().unwrap();
        if is_root() {
            assert!(Command::new("chown").arg("65534:65534").arg(folder.path()).status().unwrap().success());
        }
        let data = folder.path().join("data");
        let made = unprivileged(&binaries.join("initdb"))
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let process = unprivileged(&binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c"])
            .arg(format!("unix_socket_directories={}", folder.path().display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, folder };
        let deadline = Instant::now() + Duration::from_secs(60);
        while server.try_connect("postgres").is_err() {
            assert!(Instant::now() < deadline, "PostgreSQL does not answer");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Some(server)
    }

    fn try_connect(&self, database: &str) -> Result<Client, postgres::Error> {
        Config::new().host_path(self.folder.path()).user("postgres").dbname(database).connect(NoTls)
    }

    pub fn connect(&self, database: &str) -> Client {
        self.try_connect(database).unwrap()
    }

    /// A new empty database with a token, as the scratch servers make them.
    pub fn scratch(&self, database: &str) -> ScratchTarget {
        let mut client = self.connect("postgres");
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).unwrap();
        client.batch_execute(&format!("CREATE DATABASE {database}")).unwrap();
        client.batch_execute(&format!("COMMENT ON DATABASE {database} IS 'scratch of run 5f3a'")).unwrap();
        ScratchTarget { address: self.address(database), token: Some("5f3a".to_owned()) }
    }

    pub fn address(&self, database: &str) -> Address {
        Address::Postgresql {
            socket_dir: self.folder.path().to_owned(),
            port: 5432,
            user: "postgres".to_owned(),
            database: database.to_owned(),
        }
    }
}

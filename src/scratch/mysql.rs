//! MariaDB and MySQL: servers that we start, and databases on a dev server.
//!
//! A MySQL database cannot carry a comment, so the mark of a scratch database `x` stands in the only row of the table
//! `mark` of a database beside it, `x_mark`. It is made before and dropped after its fellow.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;

use super::binaries::{self, Binaries};
use super::engine::{Engine, Proof, StoredTemplate};
use super::error::{MAKE_DATABASE, ScratchError};
use super::folder::{self, RunFolder};
use super::owner::{Owner, PREFIX, TEMPLATE_PREFIX, is_our_name};
use super::process::{Account, ServerProcess, command, last_lines, output_of, wait_until};
use super::relay::Relay;
use super::settings::Settings;
use super::{mysql_copy, sweep};
use crate::address::Address;
use crate::database::Connection;
use crate::dialect::{Dialect, Encoding, Server};

const SUPERUSER: &str = "root";
const MIGRATOR: &str = "migrator";
const START_LIMIT: Duration = Duration::from_secs(90);
const INSTALL_LIMIT: Duration = Duration::from_secs(180);
const ADMIN_LIMIT: Duration = Duration::from_secs(60);
/// A new data directory, about.
const DATA_BYTES: u64 = 110_000_000;

/// Small, careless about its disk, reached by its socket only; `loose` options are for one of the two families.
const OPTIONS: &[&str] = &[
    "--skip-networking",
    "--skip-log-bin",
    "--loose-skip-mysqlx",
    "--loose-debug-no-sync",
    "--performance-schema=OFF",
    "--character-set-server=utf8mb4",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--loose-aria-pagecache-buffer-size=8M",
    "--key-buffer-size=1M",
    "--max-connections=60",
    "--event-scheduler=OFF",
    "--default-time-zone=+00:00",
    "--loose-skip-stack-trace",
];

/// A MariaDB or MySQL server with scratch databases.
#[derive(Debug)]
pub(super) struct MysqlEngine {
    admin: Mutex<Connection>,
    admin_address: Address,
    server: Server,
    identifier: String,
    // The fields go in this order: the server stops before its folder is removed.
    own: Option<Own>,
    // For migrations, where the server is one of the network.
    relay: Option<(Relay, Address)>,
}

#[derive(Debug)]
struct Own {
    process: ServerProcess,
    folder: RunFolder,
}

impl MysqlEngine {
    /// Starts a server from the prepared data directory of `binaries`, which is made the first time.
    pub(super) fn start(binaries: &Binaries, settings: &Settings) -> Result<Self, ScratchError> {
        let account = Account::for_servers(&["mysql", "postgres"]);
        let prepared = prepared(binaries, settings, account.as_ref())?;
        folder::ensure_ours(&settings.run)?;
        folder::require_space(&settings.run, DATA_BYTES)?;
        let run = RunFolder::create(&settings.run, binaries.server.dialect.word())?;
        let data = run.path.join("data");
        folder::copy(&prepared, &data, account.as_ref())?;
        let (own, address, admin) = launch(binaries, run, &data, account.as_ref())?;
        Self::with(admin, address, Some(own))
    }

    /// Works on a server that the user named; its account must be allowed to make databases.
    pub(super) fn dev(address: Address, settings: &Settings) -> Result<Self, ScratchError> {
        let admin = Connection::open(&address).map_err(ScratchError::database("take a connection"))?;
        let relay = Relay::to(&address, settings)?;
        Ok(Self { relay, ..Self::with(admin, address, None)? })
    }

    fn with(mut admin: Connection, admin_address: Address, own: Option<Own>) -> Result<Self, ScratchError> {
        admin.set_time_limit(Some(ADMIN_LIMIT));
        let server = admin.server();
        // MariaDB has `server_uid` since 10.11, MySQL `server_uuid`; the data directory tells the others apart.
        let identifier = ["SELECT @@global.server_uid", "SELECT @@global.server_uuid", "SELECT @@global.datadir"]
            .iter()
            .find_map(|sql| admin.value(sql).ok().flatten())
            .unwrap_or_default();
        Ok(Self { admin: Mutex::new(admin), admin_address, server, identifier, own, relay: None })
    }

    fn admin(&self) -> MutexGuard<'_, Connection> {
        self.admin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, attempted: &'static str, sql: &str) -> Result<(), ScratchError> {
        self.admin().execute(sql).map(drop).map_err(ScratchError::database(attempted))
    }

    /// Names with a prefix of ours, and their marks.
    fn marked(&self, prefix: &str) -> Result<Vec<(String, String)>, ScratchError> {
        let sql = format!(
            "SELECT table_schema FROM information_schema.tables WHERE table_schema LIKE '{}%' AND table_schema LIKE '%\\_mark' \
             AND table_name = 'mark' ORDER BY table_schema",
            prefix.replace('_', "\\_")
        );
        let names = self.admin().rows(&sql).map_err(ScratchError::database("list its databases"))?;
        let mut found = Vec::new();
        for name in names.into_iter().filter_map(|row| row.into_iter().next().flatten()) {
            let Some(name) = name.strip_suffix("_mark").filter(|name| is_our_name(name)) else { continue };
            // Another process may drop it just now.
            if let Ok(Some(mark)) = self.admin().value(&format!("SELECT text FROM {name}_mark.mark")) {
                found.push((name.to_owned(), mark));
            }
        }
        Ok(found)
    }

    fn write_mark(&self, name: &str, text: &str) -> Result<(), ScratchError> {
        let text = text.replace('\\', "\\\\").replace('\'', "''");
        self.run(
            "mark the database",
            &format!(
                "CREATE DATABASE IF NOT EXISTS {name}_mark; CREATE TABLE IF NOT EXISTS {name}_mark.mark (id INT PRIMARY KEY, text VARCHAR(500)); \
                 REPLACE INTO {name}_mark.mark VALUES (1, '{text}');"
            ),
        )
    }

    fn drop_both(&self, name: &str) -> Result<(), ScratchError> {
        self.run("end the sessions of a database", "SELECT 1")?;
        let sessions = self.admin().rows(&format!("SELECT id FROM information_schema.processlist WHERE db = '{name}'")).unwrap_or_default();
        for session in sessions.into_iter().filter_map(|row| row.into_iter().next().flatten()) {
            // It may have ended by itself.
            let _ = self.admin().execute(&format!("KILL {session}"));
        }
        self.run(
            "drop the database",
            &format!("SET SESSION foreign_key_checks = 0; DROP DATABASE IF EXISTS {name}; DROP DATABASE IF EXISTS {name}_mark;"),
        )
    }
}

impl Engine for MysqlEngine {
    fn server(&self) -> Server {
        self.server
    }

    fn identifier(&self) -> Option<&str> {
        (!self.identifier.is_empty()).then_some(self.identifier.as_str())
    }

    fn is_alive(&self) -> bool {
        self.own.as_ref().is_none_or(|own| own.process.ended().is_none()) && self.admin().rows("SELECT 1").is_ok()
    }

    fn process_id(&self) -> Option<u32> {
        self.own.as_ref().map(|own| own.process.id())
    }

    fn address(&self, database: &str) -> Address {
        if let Some((_, near)) = &self.relay {
            return near.with_database(database);
        }
        let mut address = self.admin_address.with_database(database);
        if let (Address::Mysql { user, .. }, true) = (&mut address, self.own.is_some()) {
            MIGRATOR.clone_into(user);
        }
        address
    }

    fn admin_address(&self, database: &str) -> Address {
        self.admin_address.with_database(database)
    }

    fn create(&self, name: &str, template: Option<&str>, encoding: &Encoding) -> Result<Owner, ScratchError> {
        let owner = Owner::new(self.clock()?)?;
        self.write_mark(name, &owner.comment())?;
        let mut words = format!("CREATE DATABASE {name}");
        for (word, given) in [("CHARACTER SET", &encoding.charset), ("COLLATE", &encoding.collation)] {
            words.extend(given.iter().map(|given| format!(" {word} {given}")));
        }
        let mut made = self.run(MAKE_DATABASE, &words);
        if let (Ok(()), Some(template)) = (&made, template) {
            made = mysql_copy::copy(&self.admin_address, template, name).map_err(ScratchError::database("copy the template"));
        }
        if made.is_ok() && self.own.is_some() {
            made = self.run(
                "let migrations in",
                &format!("GRANT ALL ON {name}.* TO {MIGRATOR}@localhost; GRANT SELECT ON {name}_mark.* TO {MIGRATOR}@localhost"),
            );
        }
        if let Err(error) = made {
            let _ = self.drop_both(name);
            return Err(error);
        }
        Ok(owner)
    }

    fn drop_database(&self, name: &str) -> Result<(), ScratchError> {
        if self.own.is_some() {
            // Rights outlive their database.
            for database in [name.to_owned(), format!("{name}_mark")] {
                let _ = self.admin().execute(&format!("REVOKE ALL ON {database}.* FROM {MIGRATOR}@localhost"));
            }
        }
        self.drop_both(name)
    }

    fn proof(&self, name: &str, owner: &Owner) -> Proof {
        Proof {
            sql: format!("SELECT DATABASE(), (SELECT text FROM {name}_mark.mark WHERE id = 1)"),
            expected: vec![name.to_owned(), owner.comment()],
        }
    }

    fn keep(&self, name: &str, template: &str, mark: &str) -> Result<(), ScratchError> {
        self.write_mark(template, mark)?;
        let copied = self
            .run("make the template", &format!("CREATE DATABASE {template}"))
            .and_then(|()| mysql_copy::copy(&self.admin_address, name, template).map_err(ScratchError::database("copy the template")));
        if copied.is_err() {
            let _ = self.drop_both(template);
            return copied;
        }
        self.drop_database(name)
    }

    fn templates(&self) -> Result<Vec<StoredTemplate>, ScratchError> {
        Ok(self.marked(TEMPLATE_PREFIX)?.iter().filter_map(|(name, mark)| StoredTemplate::read(name, mark)).collect())
    }

    fn mark(&self, template: &str, mark: &str) -> Result<(), ScratchError> {
        self.write_mark(template, mark)
    }

    fn clock(&self) -> Result<u64, ScratchError> {
        let now = self.admin().value("SELECT CAST(UNIX_TIMESTAMP() AS SIGNED)").map_err(ScratchError::database("tell the time"))?;
        Ok(now.and_then(|now| now.parse().ok()).unwrap_or_default())
    }

    fn leftovers(&self) -> Result<Vec<String>, ScratchError> {
        let now = self.clock()?;
        let gone = |mark: &str| Owner::read(mark).is_some_and(|owner| owner.is_gone(now));
        Ok(self.marked(PREFIX)?.into_iter().filter(|(_, mark)| gone(mark)).map(|(name, _)| name).collect())
    }

    fn owner_of(&self, name: &str) -> Result<Option<String>, ScratchError> {
        let there = self.admin().value(&format!("SELECT schema_name FROM information_schema.schemata WHERE schema_name = '{name}'"));
        let there = there.map_err(ScratchError::database("list its databases"))?;
        let mark = || self.admin().value(&format!("SELECT text FROM {name}_mark.mark")).ok().flatten().unwrap_or_default();
        Ok(there.map(|_| mark()))
    }

    fn bytes_of(&self, name: &str) -> u64 {
        let sql =
            format!("SELECT CAST(sum(data_length + index_length) AS SIGNED) FROM information_schema.tables WHERE table_schema = '{name}'");
        self.admin().value(&sql).ok().flatten().and_then(|bytes| bytes.parse().ok()).unwrap_or_default()
    }

    fn folder(&self) -> Option<&Path> {
        self.own.as_ref().map(|own| own.folder.path.as_path())
    }

    fn stop(&self) {
        if let Some(own) = &self.own {
            own.process.abort();
            own.folder.remove();
        }
    }
}

/// The data directory to copy from, made once for each make of the binaries.
fn prepared(binaries: &Binaries, settings: &Settings, account: Option<&Account>) -> Result<PathBuf, ScratchError> {
    folder::ensure_ours(&settings.cache)?;
    let home = settings.cache.join("prepared");
    folder::ensure_ours(&home)?;
    let target = home.join(binaries::key(binaries, &format!("2{OPTIONS:?}{account:?}"))?);
    if target.join("mysql").is_dir() {
        return Ok(target);
    }
    sweep::run_folders(&home);
    let _alone = folder::lock(&home)?;
    if target.join("mysql").is_dir() {
        return Ok(target);
    }
    sweep::old_preparations(&home, binaries.server.dialect.word());
    folder::require_space(&home, DATA_BYTES)?;
    let work = RunFolder::create_under_lock(&home, ".new")?;
    let data = work.private("data", account)?;
    match binaries.server.dialect {
        Dialect::Mariadb => install_mariadb(binaries, &work, &data, account)?,
        _ => install_mysql(binaries, &data, account)?,
    }
    let (own, _, mut admin) = launch(binaries, work, &data, account)?;
    admin.execute(&roles(binaries.server)).map_err(ScratchError::database("take the account of migrations"))?;
    drop(admin);
    own.process.stop(Signal::TERM, START_LIMIT);
    std::fs::rename(&data, &target).map_err(ScratchError::folder("make", &target))?;
    Ok(target)
}

/// The account of migrations: all rights on its own databases, no files, no plugins; it may name another DEFINER.
fn roles(server: Server) -> String {
    let definer = match server.dialect {
        Dialect::Mariadb if server.version.at_least(10, 5) => "SET USER",
        Dialect::Mariadb => "SUPER",
        _ if server.version.at_least(8, 2) => "SET_ANY_DEFINER",
        _ => "SET_USER_ID",
    };
    format!("CREATE USER {MIGRATOR}@localhost; GRANT {definer} ON *.* TO {MIGRATOR}@localhost;")
}

/// What every process on a data directory is told.
fn with_options(command: &mut std::process::Command, data: &Path) {
    command.arg(format!("--datadir={}", data.display())).args(OPTIONS);
}

fn install_mysql(binaries: &Binaries, data: &Path, account: Option<&Account>) -> Result<(), ScratchError> {
    let mut install = command(&binaries.program, account);
    install.args(["--no-defaults", "--initialize-insecure"]);
    with_options(&mut install, data);
    output_of(install, "make a data directory", INSTALL_LIMIT).map(drop)
}

/// With `mariadb-install-db`, else from the SQL files that lie beside the server.
fn install_mariadb(binaries: &Binaries, work: &RunFolder, data: &Path, account: Option<&Account>) -> Result<(), ScratchError> {
    let base = binaries.folder().parent().unwrap_or(Path::new("/"));
    let installers = ["bin/mariadb-install-db", "scripts/mariadb-install-db", "bin/mysql_install_db"].map(|path| base.join(path));
    if let Some(installer) = installers.iter().find(|installer| installer.is_file()) {
        let mut install = command(installer, account);
        install.arg("--no-defaults").arg(format!("--basedir={}", base.display()));
        install.args(["--skip-test-db", "--auth-root-authentication-method=normal"]);
        with_options(&mut install, data);
        return output_of(install, "make a data directory", INSTALL_LIMIT).map(drop);
    }
    let files = ["share/mysql/mysql_system_tables.sql", "share/mariadb/mariadb_system_tables.sql"].map(|path| base.join(path));
    let Some(tables) = files.iter().find_map(|file| std::fs::read_to_string(file).ok()) else {
        let looked_in = installers.into_iter().chain(files).collect();
        return Err(ScratchError::NoEngine { wanted: binaries.server, looked_in });
    };
    let script = work.path.join("bootstrap.sql");
    std::fs::write(&script, format!("CREATE DATABASE mysql;\nUSE mysql;\n{tables}")).map_err(ScratchError::folder("write", &script))?;
    let mut install = command(&binaries.program, account);
    install.args(["--no-defaults", "--bootstrap"]).stdin(File::open(&script).map_err(ScratchError::folder("read", &script))?);
    with_options(&mut install, data);
    output_of(install, "make a data directory", INSTALL_LIMIT).map(drop)
}

/// Starts the server on a data directory and waits until it answers.
fn launch(binaries: &Binaries, run: RunFolder, data: &Path, account: Option<&Account>) -> Result<(Own, Address, Connection), ScratchError> {
    let home = run.private("s", account)?;
    let socket = home.join("mysql.sock");
    folder::require_short(&socket)?;
    let log_path = run.path.join("server.log");
    let log = File::create(&log_path).map_err(ScratchError::folder("make", &log_path))?;
    let mut start = command(&binaries.program, account);
    start.arg("--no-defaults");
    with_options(&mut start, data);
    start.arg(format!("--socket={}", socket.display())).arg(format!("--pid-file={}", home.join("pid").display()));
    start.arg(format!("--tmpdir={}", home.display())).arg(format!("--secure-file-priv={}", home.display()));
    start.stdout(std::process::Stdio::null()).stderr(log);
    let failed = |message: String| ScratchError::Program { program: binaries.program.display().to_string(), attempted: "start", message };
    let process = ServerProcess::start(start, Signal::KILL).map_err(|error| failed(error.to_string()))?;
    sweep::remember(&run, process.id())?;
    let address = Address::Mysql { socket: socket.clone(), user: SUPERUSER.to_owned(), database: String::new() };
    let mut admin = None;
    let answers = wait_until(START_LIMIT, || {
        admin = socket.exists().then(|| Connection::open(&address).ok()).flatten();
        admin.is_some() || process.ended().is_some()
    });
    match admin {
        Some(admin) if answers.is_ok() => Ok((Own { process, folder: run }, address, admin)),
        _ => {
            let said = std::fs::read_to_string(&log_path).unwrap_or_default();
            drop(process);
            Err(failed(last_lines(&said, 6)))
        }
    }
}

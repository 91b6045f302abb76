//! PostgreSQL: clusters that we start, and databases on a dev server.

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
use super::sweep;
use crate::address::Address;
use crate::database::{Connection, DatabaseError};
use crate::dialect::{Encoding, Server};

/// The superuser of our clusters.
const SUPERUSER: &str = "gate";
/// The role of migrations on our clusters.
const MIGRATOR: &str = "migrator";
/// Names the socket; no port is open.
const PORT: u16 = 5432;
/// Run once for a cluster, and for each database that is to be like its template.
const PREPARE_CLUSTER: &str = include_str!("postgresql_cluster.sql");
const PREPARE_DATABASE: &str = include_str!("postgresql_database.sql");
const START_LIMIT: Duration = Duration::from_secs(60);
const INITDB_LIMIT: Duration = Duration::from_secs(120);
/// Making and dropping databases is done within this time, or the server is in trouble.
const ADMIN_LIMIT: Duration = Duration::from_secs(60);
/// So often sessions that came in late are ended, and the work tried again.
const LATE_SESSIONS: usize = 3;
/// A new data directory, about.
const DATA_BYTES: u64 = 35_000_000;

/// Small, careless about its disk, reached by its socket only, quiet: nothing but the migration moves.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=logical",
    "max_wal_size=64MB",
    "min_wal_size=32MB",
    "checkpoint_timeout=1h",
    // Little memory is set aside: an idle server takes 20 MB then, of which 10 are the program's own text.
    "shared_buffers=4MB",
    "max_pred_locks_per_transaction=10",
    "max_worker_processes=2",
    "max_wal_senders=2",
    "max_replication_slots=4",
    "wal_buffers=256kB",
    "max_logical_replication_workers=0",
    // In the data directory, with which it goes; segments elsewhere outlive a server that is killed.
    "dynamic_shared_memory_type=mmap",
    "max_connections=40",
    "max_locks_per_transaction=256",
    "max_prepared_transactions=8",
    "max_parallel_maintenance_workers=0",
    "max_parallel_workers_per_gather=0",
    "autovacuum=off",
    "jit=off",
    "temp_file_limit=2GB",
    "restart_after_crash=off",
    "logging_collector=off",
    "log_min_messages=warning",
    "TimeZone=UTC",
    "unix_socket_permissions=0700",
];

/// Caches of transaction states that can be small since PostgreSQL 17.
const SMALL_CACHES: &[&str] =
    &["commit_timestamp", "transaction", "subtransaction", "multixact_member", "multixact_offset", "notify", "serializable"];

/// A database and its mark cannot be made in one statement. What tells a database of ours before it is marked is its
/// connection limit, an odd number that hinders nobody; who is between the two steps holds this advisory lock, shared.
const UNMARKED_LIMIT: u32 = 6_173;
const MARKING_LOCK: &str = "6173061730";

/// The settings of a session we administer with; it runs no SQL of others.
const ADMIN_SESSION: &str = "SET client_min_messages = warning; SET statement_timeout = 0; SET lock_timeout = 0;";

/// A PostgreSQL server with scratch databases.
#[derive(Debug)]
pub(super) struct PostgresqlEngine {
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

impl PostgresqlEngine {
    /// Starts a cluster from the prepared data directory of `binaries`, which is made the first time.
    pub(super) fn start(binaries: &Binaries, settings: &Settings) -> Result<Self, ScratchError> {
        let account = Account::for_servers(&["postgres"]);
        let prepared = prepared(binaries, settings, account.as_ref())?;
        folder::ensure_ours(&settings.run)?;
        folder::require_space(&settings.run, DATA_BYTES)?;
        let run = RunFolder::create(&settings.run, "postgresql")?;
        let data = run.path.join("data");
        folder::copy(&prepared, &data, account.as_ref())?;
        let (own, admin_address, admin) = launch(binaries, run, &data, account.as_ref())?;
        Self::with(admin, admin_address, Some(own))
    }

    /// Works on a server that the user named; its role must be allowed to make databases.
    pub(super) fn dev(address: Address, settings: &Settings) -> Result<Self, ScratchError> {
        let admin = Connection::open(&address).map_err(ScratchError::database("take a connection"))?;
        let relay = Relay::to(&address, settings)?;
        Ok(Self { relay, ..Self::with(admin, address, None)? })
    }

    fn with(mut admin: Connection, admin_address: Address, own: Option<Own>) -> Result<Self, ScratchError> {
        admin.set_time_limit(Some(ADMIN_LIMIT));
        admin.execute(ADMIN_SESSION).map_err(ScratchError::database("take our settings"))?;
        let identifier = admin.value("SELECT system_identifier FROM pg_control_system()").ok().flatten().unwrap_or_default();
        let server = admin.server();
        Ok(Self { admin: Mutex::new(admin), admin_address, server, identifier, own, relay: None })
    }

    fn admin(&self) -> MutexGuard<'_, Connection> {
        self.admin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, attempted: &'static str, sql: &str) -> Result<(), ScratchError> {
        self.admin().execute(sql).map(drop).map_err(ScratchError::database(attempted))
    }

    fn now(&self) -> Result<u64, ScratchError> {
        let now = self.admin().value("SELECT extract(epoch FROM now())::bigint").map_err(ScratchError::database("tell the time"))?;
        Ok(now.and_then(|now| now.parse().ok()).unwrap_or_default())
    }

    /// Names and comments of databases with a prefix of ours.
    fn databases(&self, prefix: &str) -> Result<Vec<(String, String)>, ScratchError> {
        let sql = format!(
            "SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname LIKE '{}%' ORDER BY datname",
            prefix.replace('_', "\\_")
        );
        let rows = self.admin().rows(&sql).map_err(ScratchError::database("list its databases"))?;
        Ok(rows
            .into_iter()
            .filter_map(|row| <[Option<String>; 2]>::try_from(row).ok())
            .filter_map(|[name, comment]| Some((name?, comment?)))
            .collect())
    }

    /// Databases that were made and never marked, where nobody is about to mark one.
    fn unmarked(&self) -> Result<Vec<String>, ScratchError> {
        let sql = format!(
            "SELECT datname FROM pg_database WHERE datconnlimit = {UNMARKED_LIMIT} AND shobj_description(oid, 'pg_database') IS NULL \
             AND pg_try_advisory_lock({MARKING_LOCK})"
        );
        let rows = self.admin().rows(&sql).map_err(ScratchError::database("list its databases"));
        // Taken once for each row that was looked at.
        self.run("let others go on", "SELECT pg_advisory_unlock_all()")?;
        Ok(rows?.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
    }

    fn comment_on(&self, name: &str, comment: &str) -> Result<(), ScratchError> {
        self.run("mark the database", &format!("COMMENT ON DATABASE {name} IS '{}'", comment.replace('\'', "''")))
    }

    /// Drops with whoever is connected; only names of ours come here.
    fn drop_now(&self, name: &str) -> Result<(), ScratchError> {
        if self.server.version.major >= 13 {
            return self.run("drop the database", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
        if self.owner_of(name)?.is_none() {
            return Ok(());
        }
        self.run("close the database", &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))?;
        self.empty(name)?;
        self.run("drop the database", &format!("DROP DATABASE IF EXISTS {name}"))
    }

    /// Ends every session in a database.
    fn empty(&self, name: &str) -> Result<(), ScratchError> {
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()");
        let gone = wait_until(Duration::from_secs(5), || self.admin().rows(&end).is_ok_and(|rows| rows.is_empty()));
        gone.map_err(|()| ScratchError::Program {
            program: "postgres".to_owned(),
            attempted: "end the sessions of a database",
            message: name.to_owned(),
        })
    }

    /// What our own template gives to each database, for one that was not made from it.
    fn prepare(&self, name: &str) -> Result<(), ScratchError> {
        let mut inside = Connection::open(&self.admin_address(name)).map_err(ScratchError::database("take a connection"))?;
        inside.execute(PREPARE_DATABASE).map(drop).map_err(ScratchError::database("prepare the database"))
    }

    fn owner_clause(&self) -> &'static str {
        if self.own.is_some() { " OWNER migrator" } else { "" }
    }
}

impl Engine for PostgresqlEngine {
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
        if let (Address::Postgresql { user, .. }, true) = (&mut address, self.own.is_some()) {
            MIGRATOR.clone_into(user);
        }
        address
    }

    fn admin_address(&self, database: &str) -> Address {
        self.admin_address.with_database(database)
    }

    fn create(&self, name: &str, template: Option<&str>, encoding: &Encoding) -> Result<Owner, ScratchError> {
        let owner = Owner::new(self.now()?)?;
        // Files are copied at once where the server knows the word; older ones always do.
        let strategy = if self.server.version.major >= 15 { " STRATEGY FILE_COPY" } else { "" };
        // Only the untouched template lets its encoding be another; what ours has is then made again.
        let anew = template.is_none() && !encoding.is_default();
        let (rights, template) = (self.owner_clause(), template.unwrap_or(if anew { "template0" } else { "template1" }));
        let words = if anew { encoding_clause(encoding) } else { String::new() };
        self.run("wait for a sweep", &format!("SELECT pg_advisory_lock_shared({MARKING_LOCK})"))?;
        let made = self
            .run(
                MAKE_DATABASE,
                &format!("CREATE DATABASE {name}{rights} TEMPLATE {template}{words}{strategy} CONNECTION LIMIT {UNMARKED_LIMIT}"),
            )
            .and_then(|()| if anew && self.own.is_some() { self.prepare(name) } else { Ok(()) }.inspect_err(|_| drop(self.drop_now(name))))
            .and_then(|()| self.comment_on(name, &owner.comment()).inspect_err(|_| drop(self.drop_now(name))));
        self.run("let sweeps go on", &format!("SELECT pg_advisory_unlock_shared({MARKING_LOCK})"))?;
        made?;
        Ok(owner)
    }

    fn drop_database(&self, name: &str) -> Result<(), ScratchError> {
        self.drop_now(name)
    }

    fn proof(&self, name: &str, owner: &Owner) -> Proof {
        let mut proof = Proof {
            sql: "SELECT current_database(), coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_catalog.pg_database \
                  WHERE datname = current_database()"
                .to_owned(),
            expected: vec![name.to_owned(), owner.comment()],
        };
        if self.own.is_some() {
            proof.sql = proof.sql.replace(" FROM", ", (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) FROM");
            proof.expected.push(self.identifier.clone());
        }
        proof
    }

    fn keep(&self, name: &str, template: &str, mark: &str) -> Result<(), ScratchError> {
        // Closed first: who watches over the work would come back between the end of its session and the new name.
        self.run("close the database", &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))?;
        let rename_sql = format!("ALTER DATABASE {name} RENAME TO {template}");
        let rename = || self.admin().execute(&rename_sql);
        self.empty(name)?;
        let mut renamed = rename();
        for _ in 0..LATE_SESSIONS {
            if renamed.as_ref().err().and_then(DatabaseError::code) != Some("55006") {
                break;
            }
            // Who was on the way in when it was closed is listed only once inside; the server waited five seconds for it.
            self.empty(name)?;
            renamed = rename();
        }
        renamed.map_err(ScratchError::database("keep the template"))?;
        self.comment_on(template, mark)
    }

    fn templates(&self) -> Result<Vec<StoredTemplate>, ScratchError> {
        Ok(self.databases(TEMPLATE_PREFIX)?.iter().filter_map(|(name, comment)| StoredTemplate::read(name, comment)).collect())
    }

    fn mark(&self, template: &str, mark: &str) -> Result<(), ScratchError> {
        self.comment_on(template, mark)
    }

    fn clock(&self) -> Result<u64, ScratchError> {
        self.now()
    }

    fn leftovers(&self) -> Result<Vec<String>, ScratchError> {
        let now = self.now()?;
        let gone = |comment: &str| Owner::read(comment).is_some_and(|owner| owner.is_gone(now));
        let marked = self.databases(PREFIX)?.into_iter().filter(|(_, comment)| gone(comment)).map(|(name, _)| name);
        Ok(marked.chain(self.unmarked()?).filter(|name| is_our_name(name)).collect())
    }

    fn owner_of(&self, name: &str) -> Result<Option<String>, ScratchError> {
        Ok(self.databases(name)?.into_iter().find(|(found, _)| found == name).map(|(_, comment)| comment))
    }

    fn bytes_of(&self, name: &str) -> u64 {
        let size = self.admin().value(&format!("SELECT pg_database_size('{name}')")).ok().flatten();
        size.and_then(|bytes| bytes.parse().ok()).unwrap_or_default()
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

/// For `CREATE DATABASE`. Where only the encoding is said, the locale is C, which all encodings have.
fn encoding_clause(encoding: &Encoding) -> String {
    let locale = encoding.collation.as_deref().unwrap_or("C");
    let words = encoding.charset.as_ref().map(|charset| format!(" ENCODING '{charset}'")).unwrap_or_default();
    format!("{words} LC_COLLATE '{locale}' LC_CTYPE '{locale}'")
}

/// The data directory to copy from: `initdb` and our roles, made once for each make of the binaries.
fn prepared(binaries: &Binaries, settings: &Settings, account: Option<&Account>) -> Result<PathBuf, ScratchError> {
    folder::ensure_ours(&settings.cache)?;
    let home = settings.cache.join("prepared");
    folder::ensure_ours(&home)?;
    let target = home.join(binaries::key(binaries, &format!("{PREPARE_CLUSTER}{PREPARE_DATABASE}{account:?}"))?);
    if target.join("PG_VERSION").is_file() {
        return Ok(target);
    }
    sweep::run_folders(&home);
    let _alone = folder::lock(&home)?;
    if target.join("PG_VERSION").is_file() {
        return Ok(target);
    }
    sweep::old_preparations(&home, "postgresql");
    folder::require_space(&home, DATA_BYTES)?;
    let work = RunFolder::create_under_lock(&home, ".new")?;
    let data = work.path.join("data");
    initdb(binaries, &work, &data, account)?;
    let (own, address, admin) = launch(binaries, work, &data, account)?;
    drop(admin);
    let mut template = Connection::open(&address.with_database("template1")).map_err(ScratchError::database("take a connection"))?;
    template
        .execute(PREPARE_CLUSTER)
        .and_then(|_| template.execute(PREPARE_DATABASE))
        .map_err(ScratchError::database("take the roles of migrations"))?;
    drop(template);
    own.process.stop(Signal::INT, START_LIMIT);
    std::fs::rename(&data, &target).map_err(ScratchError::folder("make", &target))?;
    Ok(target)
}

/// Makes a data directory; with the locale `C.UTF-8`, which knows letters beyond ASCII, where the system has it.
fn initdb(binaries: &Binaries, work: &RunFolder, data: &Path, account: Option<&Account>) -> Result<(), ScratchError> {
    let mut result = Ok(());
    for (attempt, locale) in ["C.UTF-8", "en_US.UTF-8", "C"].into_iter().enumerate() {
        let target = work.private(&format!("data{attempt}"), account)?;
        let mut make = command(&binaries.folder().join("initdb"), account);
        make.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--wal-segsize=1", "--lc-collate=C"]);
        make.arg(format!("--lc-ctype={locale}")).arg(format!("--username={SUPERUSER}")).arg("-D").arg(&target);
        result = output_of(make, "make a data directory", INITDB_LIMIT).map(drop);
        if result.is_ok() {
            return std::fs::rename(&target, data).map_err(ScratchError::folder("make", data));
        }
    }
    result
}

/// Starts `postgres` on a data directory and waits until it answers.
fn launch(binaries: &Binaries, run: RunFolder, data: &Path, account: Option<&Account>) -> Result<(Own, Address, Connection), ScratchError> {
    let socket_dir = run.private("s", account)?;
    let socket = socket_dir.join(format!(".s.PGSQL.{PORT}"));
    folder::require_short(&socket)?;
    let log_path = run.path.join("server.log");
    let log = File::create(&log_path).map_err(ScratchError::folder("make", &log_path))?;
    let mut start = command(&binaries.program, account);
    start.arg("-D").arg(data).arg("-p").arg(PORT.to_string());
    start.arg("-c").arg(format!("unix_socket_directories={}", socket_dir.display()));
    for setting in SETTINGS {
        start.arg("-c").arg(setting);
    }
    if binaries.server.version.major >= 17 {
        for pages in SMALL_CACHES {
            start.args(["-c", &format!("{pages}_buffers=16")]);
        }
    }
    if binaries.server.version.major >= 18 {
        // Three processes less.
        start.args(["-c", "io_method=sync"]);
    }
    start.stdout(std::process::Stdio::null()).stderr(log);
    let failed = |message: String| ScratchError::Program { program: binaries.program.display().to_string(), attempted: "start", message };
    let process = ServerProcess::start(start, Signal::QUIT).map_err(|error| failed(error.to_string()))?;
    sweep::remember(&run, process.id())?;
    let address = Address::Postgresql { socket_dir, port: PORT, user: SUPERUSER.to_owned(), database: "postgres".to_owned() };
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

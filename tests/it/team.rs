//! Several replicas: records and long runs in PostgreSQL, asked of a real server.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use alembic_gate::address::Address;
use alembic_gate::dialect::{Dialect, Server as Engine};
use alembic_gate::digest::Digest;
use alembic_gate::lifecycle::evidence::Outcome;
use alembic_gate::lifecycle::gate::{rollback_tested, sql_reviewed};
use alembic_gate::lifecycle::ledger::{Event, Version};
use alembic_gate::scratch::{ScratchDatabase, ScratchServer};
use alembic_gate::store::home::Home;
use alembic_gate::store::records::Records;
use alembic_gate::store::runs::{Begun, begin};
use alembic_gate::store::server::{Server, ServerError};
use alembic_gate::store::{Happening, Saved};
use serde_json::{Value, json};

use crate::lifecycle_cases::{AT, id, kept, losing, now, review, trip};
use crate::mcp_client::{PROGRAM, modern_meta};
use crate::scratch::{majors, settings};

/// A database of a server of its own; none where there is no PostgreSQL.
fn database() -> Option<(ScratchServer, ScratchDatabase)> {
    let major = majors().into_iter().next_back()?;
    let wanted = Engine { dialect: Dialect::Postgresql, version: format!("{major}.0").parse().unwrap() };
    let server = ScratchServer::start(wanted, &settings()).unwrap();
    let database = ScratchDatabase::create(&server).unwrap();
    Some((server, database))
}

fn store(address: &Address) -> Server {
    Server::at(address.clone(), "shop").unwrap()
}

/// A replica: its own checkout, the team's key.
struct Replica {
    _checkout: tempfile::TempDir,
    store: Records,
    home: Home,
}

impl Replica {
    fn of(address: &Address, state: &Path) -> Self {
        let checkout = tempfile::tempdir().unwrap();
        let store = Records::on_server(checkout.path(), store(address));
        let home = Home::at(state, checkout.path()).unwrap();
        Self { _checkout: checkout, store, home }
    }

    fn save(&self, version: Version, happened: &[Happening]) -> Saved {
        self.store.save(&id(), version, happened, &kept(), Some(&self.home), AT)
    }

    fn version(&self) -> Version {
        let opened = self.store.opened(&self.home, &id());
        self.store.proven(&id(), &opened).1
    }

    /// Saves on top of whatever others wrote.
    fn add(&self, happening: &Happening) {
        let mut version = self.version();
        loop {
            match self.save(version, std::slice::from_ref(happening)) {
                Saved::Kept { .. } => return,
                Saved::Conflict { found } => version = found,
                Saved::NotKept(error) => panic!("{error}"),
            }
        }
    }

    fn proven(&self) -> alembic_gate::lifecycle::proven::Proven {
        self.store.proven(&id(), &self.store.opened(&self.home, &id())).0
    }
}

fn answered(check: &str) -> Happening {
    Happening::Event(Event::Answered { check: check.to_owned(), answer: "it's fine; \\ 'quoted' $$ \u{1F980}".to_owned() })
}

#[test]
fn replicas_share_a_record_and_lose_no_update() {
    let Some((_server, database)) = database() else { return };
    let address = database.address();
    let state = tempfile::tempdir().unwrap();
    let key = state.path().join("state");
    Home::at(&key, Path::new("/nowhere")).unwrap().own_key().unwrap();
    // All start at once: the schema is made by one of them.
    std::thread::scope(|scope| {
        for number in 0..4 {
            let (address, key) = (&address, &key);
            scope.spawn(move || {
                let replica = Replica::of(address, key);
                for turn in 0..5 {
                    replica.add(&answered(&format!("{number} {turn}")));
                }
            });
        }
    });
    let replica = Replica::of(&address, &key);
    let proven = replica.proven();
    assert_eq!((proven.faults(), proven.entries().len()), (&[][..], 20), "nothing is lost, nothing is doubled");
    let Event::Answered { answer, .. } = &proven.entries()[0].0.event else { panic!("answered") };
    assert_eq!(answer, "it's fine; \\ 'quoted' $$ \u{1F980}");
    assert_eq!(replica.store.list().migrations, [id()]);

    let stale = Version::default();
    assert!(
        matches!(replica.save(stale, &[answered("late")]), Saved::Conflict { found } if found == replica.version()),
        "a conflict is a value"
    );
}

#[test]
fn what_one_replica_proves_counts_on_the_other_and_a_failure_too() {
    let Some((_server, database)) = database() else { return };
    let state = tempfile::tempdir().unwrap();
    let (one, other) = (Replica::of(&database.address(), state.path()), Replica::of(&database.address(), state.path()));
    let now = losing();
    one.add(&Happening::Reviewed(Box::new(review(&now))));
    one.add(&Happening::Tested(Box::new(trip(&now, Outcome::Ok))));
    assert!(sql_reviewed(&other.proven(), &now) && rollback_tested(&other.proven(), &now));
    other.add(&Happening::Tested(Box::new(trip(&now, Outcome::DataLost))));
    assert!(!rollback_tested(&one.proven(), &now), "the last word is anybody's");
    other.add(&Happening::Tested(Box::new(trip(&now, Outcome::Ok))));
    assert!(rollback_tested(&one.proven(), &now));
    let foreign = tempfile::tempdir().unwrap();
    assert!(!rollback_tested(&Replica::of(&database.address(), foreign.path()).proven(), &now), "the database is no key");
}

#[test]
fn a_store_that_is_not_there_or_not_ours_closes_the_gates() {
    let Some((_server, database)) = database() else { return };
    let state = tempfile::tempdir().unwrap();
    let replica = Replica::of(&database.address(), state.path());
    let now = now();
    replica.add(&Happening::Reviewed(Box::new(review(&now))));
    replica.add(&Happening::Tested(Box::new(trip(&now, Outcome::Ok))));

    let gone = Address::Postgresql { socket_dir: "/nowhere".into(), port: 1, user: "a".into(), database: "b".into() };
    let blind = Replica::of(&gone, state.path());
    assert!(!blind.proven().faults().is_empty() && !sql_reviewed(&blind.proven(), &now));
    assert!(matches!(blind.save(Version::default(), &[answered("x")]), Saved::NotKept(_)));

    let mut admin = database.connect().unwrap();
    admin.execute("UPDATE alembic_gate_store.record SET content = replace(content, 'ok', 'ko') WHERE name = 'ledger.jsonl'").unwrap();
    assert!(!replica.proven().faults().is_empty() && !rollback_tested(&replica.proven(), &now), "a line that was edited there");
    replica.add(&answered("again"));
    let names = admin.rows("SELECT name FROM alembic_gate_store.record WHERE name LIKE 'ledger%' ORDER BY name").unwrap();
    assert_eq!(names.into_iter().flatten().flatten().collect::<Vec<_>>(), ["ledger.aside-1.jsonl", "ledger.jsonl"]);
}

#[test]
fn a_store_of_another_program_is_left_alone() {
    let Some((_server, database)) = database() else { return };
    let mut admin = database.connect().unwrap();
    let Address::Postgresql { socket_dir, port, user, database: name } = database.address() else { panic!("a socket") };
    // A folder written otherwise is another place to this process: it looks at the schema anew.
    let look = |more: &str| {
        let socket_dir = std::path::PathBuf::from(format!("{}{more}", socket_dir.display()));
        store(&Address::Postgresql { socket_dir, port, user: user.clone(), database: name.clone() }).connect().map(drop)
    };
    look("").unwrap();
    admin.execute("UPDATE alembic_gate_store.schema_migration SET digest = 'x' WHERE number = 2").unwrap();
    assert!(matches!(look("/").unwrap_err(), ServerError::Changed { number: 2 }));
    admin.execute("INSERT INTO alembic_gate_store.schema_migration (number, name, digest) VALUES (99, '0099_more', 'x')").unwrap();
    let error = look("//").unwrap_err();
    assert!(matches!(error, ServerError::Newer { found: 3, known: 2 }) && error.hint().contains("same version"), "{error}");
}

#[test]
fn the_same_work_is_done_once_at_a_time_and_taken_over_from_the_dead() {
    let Some((_server, database)) = database() else { return };
    let store = store(&database.address());
    let work = Digest::of("test", &[b"work"]);
    let Ok(Begun::Here(first)) = begin(&store, "test_rollback", work, "one:1") else { panic!("ours") };
    assert_eq!(first.broke_off, None);
    let Ok(Begun::Elsewhere(elsewhere)) = begin(&store, "test_rollback", work, "two:2") else { panic!("one runs") };
    assert_eq!(elsewhere.replica, "one:1");
    let other = begin(&store, "test_rollback", Digest::of("test", &[b"other"]), "two:2");
    assert!(matches!(other, Ok(Begun::Here(_))), "other work goes on");
    first.end("pass").unwrap();
    let Ok(Begun::Here(second)) = begin(&store, "test_rollback", work, "two:2") else { panic!("free again") };
    assert_eq!(second.broke_off, None);
    // The replica dies: its connection ends, the row stays.
    drop(second);
    let mut third = begin(&store, "test_rollback", work, "three:3").unwrap();
    let begun = Instant::now();
    while let Begun::Elsewhere(_) = third {
        assert!(begun.elapsed() < Duration::from_secs(10), "the lock goes with the connection");
        third = begin(&store, "test_rollback", work, "three:3").unwrap();
    }
    let Begun::Here(third) = third else { panic!("taken over") };
    assert_eq!(third.broke_off.as_ref().map(|before| before.replica.as_str()), Some("two:2"));
    let Ok(Begun::Elsewhere(elsewhere)) = begin(&store, "test_rollback", work, "four:4") else { panic!("three runs") };
    assert_eq!(elsewhere.replica, "three:3");
    third.end("pass").unwrap();
}

/// One call over standard input and output, with the store in the environment.
fn call(url: &str, home: &Path, project: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(["serve", "--project", &project.display().to_string()])
        .env("ALEMBIC_GATE_STORE_URL", url)
        .env("HOME", home)
        .env_remove("XDG_STATE_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_replica_that_is_killed_in_a_round_trip_is_replaced_by_the_next() {
    let Some((_server, database)) = database() else { return };
    let (home, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = database.address().sqlalchemy_url(None);
    let arguments = json!({ "dialect": "sqlite", "setup_sql": "CREATE TABLE t (a int)", "sql": "CREATE TABLE u AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT i FROM n", "downgrade_sql": "DROP TABLE u" });
    let line = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "test_rollback", "arguments": arguments, "_meta": modern_meta() } });
    let mut dies = call(&url, home.path(), project.path()).spawn().unwrap();
    std::io::Write::write_all(dies.stdin.as_mut().unwrap(), format!("{line}\n").as_bytes()).unwrap();
    let mut admin = database.connect().unwrap();
    let begun = Instant::now();
    loop {
        let rows = admin.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'alembic_gate_store' AND tablename = 'run'").unwrap();
        if !rows.is_empty() && !admin.rows("SELECT 1 FROM alembic_gate_store.run WHERE ended_at IS NULL").unwrap().is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the run is entered");
    }
    dies.kill().unwrap();
    dies.wait().unwrap();
    let mut next = call(&url, home.path(), project.path()).spawn().unwrap();
    let mut input = next.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, format!("{line}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(next.stdout.take().unwrap()), &mut answer).unwrap();
    drop(input);
    next.wait().unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let output = &answer["result"]["structuredContent"];
    assert_eq!(output["outcome"], json!("ok"), "{answer}");
    assert!(output["notes"].to_string().contains("broke off before"), "{output}");
    let rows = admin.rows("SELECT outcome FROM alembic_gate_store.run").unwrap();
    assert_eq!(rows, [[Some("pass".to_owned())]], "one piece of work, done");
}

#[test]
fn projects_whose_folders_have_one_name_share_no_record() {
    use alembic_gate::store::shelf::name_of;
    let both = ["1a2b3c4d5e6f", "0f1e2d3c4b5a"].map(|first| {
        let above = tempfile::tempdir().unwrap();
        let versions = above.path().join("shop/migrations/versions");
        std::fs::create_dir_all(&versions).unwrap();
        std::fs::write(above.path().join("shop/alembic.ini"), "[alembic]\nscript_location = migrations\n").unwrap();
        std::fs::write(above.path().join("shop/migrations/env.py"), "").unwrap();
        let empty = name_of(&above.path().join("shop"));
        std::fs::write(
            versions.join("first.py"),
            format!("revision = '{first}'\ndown_revision = None\n\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"),
        )
        .unwrap();
        assert_eq!(empty, "shop");
        above
    });
    let names = both.each_ref().map(|above| name_of(&above.path().join("shop")));
    assert!(names.iter().all(|name| name.starts_with("shop-") && name.len() == "shop-".len() + 8), "{names:?}");
    assert_ne!(names[0], names[1]);
    std::fs::write(
        both[0].path().join("shop/migrations/versions/second.py"),
        "revision = '222222222222'\ndown_revision = '1a2b3c4d5e6f'\n\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n",
    )
    .unwrap();
    assert_eq!(name_of(&both[0].path().join("shop")), names[0], "a name stays while the chain grows");
}

//! Around a round trip: patches that apply, locks as seen, limits, a caller who goes away, waits that nothing ends.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alembic_gate::dialect::Dialect;
use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::test_rollback::{self, Input};
use serde_json::Value;
use tempfile::TempDir;

use crate::bridge::environment;
use crate::rollback::{PLAIN_ENV, written};
use crate::scratch::majors;

const BASE: &str =
    "op.create_table('t', sa.Column('id', sa.Integer, primary_key=True), sa.Column('a', sa.String(50)), sa.Column('n', sa.Integer))";

/// Slow while its SQL is written down: what asks the database has no offline text.
const SLOW_TO_WRITE_DOWN: &str = "op.get_bind().exec_driver_sql('SELECT pg_sleep(60)')";

/// Slow where there are rows: not while its SQL is written down for review.
const SLOW: &str = "op.execute('SELECT pg_sleep(CASE WHEN EXISTS (SELECT FROM t) THEN 60 ELSE 0 END)')";

/// A project on PostgreSQL with a base and a change; None where there is no server or no Python.
fn project(up: &str, down: &str, env: &str) -> Option<TempDir> {
    let python = environment("python-new")?;
    if majors().is_empty() {
        return None;
    }
    Some(written(BASE, up, down, env, "postgresql+psycopg://app@production.invalid/shop", &python))
}

fn input(folder: &Path) -> Input {
    Input {
        project: Some(folder.to_string_lossy().into_owned()),
        from: Some("0001".to_owned()),
        to: Some("0002".to_owned()),
        rows: Some(10),
        ..Input::default()
    }
}

fn asked(input: &Input) -> Value {
    Value::Object(test_rollback::run(input, &Call::local(&Settings::default()), None).output)
}

#[test]
fn a_patch_applies_with_git_and_makes_the_same_call_pass() {
    let view = "op.add_column('t', sa.Column('b', sa.Integer))\nop.execute('CREATE VIEW v AS SELECT b FROM t')";
    let enum_type =
        "op.create_table('m', sa.Column('id', sa.Integer, primary_key=True), sa.Column('mood', sa.Enum('sad', 'ok', name='mood')))";
    let parents = "op.create_table('p', sa.Column('id', sa.Integer, primary_key=True))\nop.create_table('q', sa.Column('id', sa.Integer, primary_key=True), sa.Column('p_id', sa.Integer, sa.ForeignKey('p.id')))";
    for (up, down) in [
        (view, "op.drop_column('t', 'b')"),
        (enum_type, "op.drop_table('m')"),
        (parents, "op.drop_table('p')\nop.drop_table('q')"),
        ("op.create_check_constraint('ck_n', 't', 'n > -3000000000')", "op.drop_constraint('ck_t_n', 't')"),
        ("op.alter_column('t', 'n', server_default='7')", "pass"),
    ] {
        let Some(folder) = project(up, down, PLAIN_ENV) else { return };
        let before = asked(&input(folder.path()));
        assert_eq!(before["verdict"], "failed", "{up}");
        let patch = before["patch"].as_str().unwrap_or_else(|| panic!("{up}: {}", before["patch_why"]));
        std::fs::write(folder.path().join("mend.patch"), patch).unwrap();
        let git = |arguments: &[&str]| Command::new("git").args(arguments).current_dir(folder.path()).output().unwrap();
        git(&["init", "-q"]);
        let applied = git(&["apply", "mend.patch"]);
        assert!(applied.status.success(), "{patch}\n{}", String::from_utf8_lossy(&applied.stderr));
        let after = asked(&input(folder.path()));
        assert_eq!(after["outcome"], "ok", "{patch}\n{}", after["summary"]);
    }
}

#[test]
fn no_patch_is_made_up_where_values_are_gone() {
    let Some(folder) = project("op.drop_column('t', 'n')", "op.add_column('t', sa.Column('n', sa.Integer))", PLAIN_ENV) else { return };
    let answer = asked(&input(folder.path()));
    assert_eq!(answer["outcome"], "data_lost");
    assert!(answer["patch"].is_null() && answer["patch_why"].as_str().unwrap().contains("cannot be derived"), "{}", answer["patch_why"]);
    let lost = &answer["data_diff"][0];
    assert_eq!((lost["by"].as_str(), lost["column"].as_str()), (Some("upgrade"), Some("n")));
    assert!(lost["query"].as_str().unwrap().starts_with("SELECT \"id\", \"n\" FROM \"public\".\"t\" WHERE"), "{lost}");
}

/// Rows that only the team knows how to write: a hook writes them, by the revision that the database stands at.
#[test]
fn rows_of_the_hook_come_first() {
    let Some(folder) = project("op.drop_column('t', 'n')", "op.add_column('t', sa.Column('n', sa.Integer))", PLAIN_ENV) else { return };
    let without = Input { rows: Some(0), ..input(folder.path()) };
    assert_eq!(asked(&without)["outcome"], "ok", "there is nothing to lose");
    let toml = folder.path().join("alembic-gate.toml");
    std::fs::write(&toml, std::fs::read_to_string(&toml).unwrap() + "hook = \"gate_hook.py\"\n").unwrap();
    let hook = |rows: u32| {
        let text = format!(
            "import sqlalchemy as sa\n\n\ndef seed(scratch_url, revision):\n    assert revision == '0001', revision\n    with sa.create_engine(scratch_url).begin() as connection:\n        for n in range({rows}):\n            connection.execute(sa.text('INSERT INTO t (a, n) VALUES (:a, :n)'), {{'a': 'of the hook', 'n': n}})\n"
        );
        std::fs::write(folder.path().join("gate_hook.py"), text).unwrap();
    };
    for rows in [3, 5] {
        hook(rows);
        let answer = asked(&without);
        assert_eq!(answer["outcome"], "data_lost", "{answer:#}");
        assert_eq!(answer["data_diff"][0]["rows"], rows, "{answer:#}");
        assert_eq!(asked(&without)["data_diff"][0]["rows"], rows, "from the template");
    }
    std::fs::write(folder.path().join("gate_hook.py"), "def seed(scratch_url, revision):\n    raise ValueError('no rows today')\n")
        .unwrap();
    let answer = asked(&without);
    assert!(answer["summary"].as_str().unwrap().contains("`gate_hook.py` line 2 failed: ValueError: no rows today"), "{answer:#}");
}

#[test]
fn locks_are_told_by_statement_revision_and_line() {
    let up = "op.execute('ALTER TABLE t ALTER n TYPE bigint')\nop.create_index('ix_a', 't', ['a'])\nwith op.get_context().autocommit_block():\n    op.create_index('ix_n', 't', ['n'], postgresql_concurrently=True)";
    let down = "op.drop_index('ix_n', 't')\nop.drop_index('ix_a', 't')\nop.execute('ALTER TABLE t ALTER n TYPE int')";
    let Some(folder) = project(up, down, PLAIN_ENV) else { return };
    let answer = asked(&input(folder.path()));
    let locks: Vec<&Value> = answer["locks"].as_array().unwrap().iter().filter(|one| one["direction"] == "upgrade").collect();
    let told: Vec<String> = locks
        .iter()
        .map(|one| format!("{} {} {} {} {}", one["statement"], one["table"], one["mode"], one["rewrote"], one["scanned"]))
        .collect();
    let wanted = [
        "1 \"public.t\" \"ACCESS EXCLUSIVE\" true true",
        "2 \"public.t\" \"ACCESS EXCLUSIVE\" false true",
        "3 \"public.t\" \"SHARE UPDATE EXCLUSIVE\" false true",
    ];
    assert_eq!(told, wanted, "{}", answer["summary"]);
    assert_eq!((locks[0]["revision"].as_str(), locks[0]["line"].as_u64()), (Some("0002"), Some(9)));
    assert_eq!(locks[1]["held_since"], 1);
    assert!(!answer["notes"].to_string().contains("observed otherwise"), "{}", answer["notes"]);
}

#[test]
fn a_wait_that_nothing_would_end_is_seen() {
    // `env.py` keeps a session of its own open, idle in its transaction: the ALTER of the migration waits for it.
    let env = PLAIN_ENV.replace(
        "    context.configure(",
        "    other = sa.create_engine(url, poolclass=sa.pool.NullPool).connect()\n    if sa.inspect(other).has_table('t'):\n        other.execute(sa.text('SELECT * FROM t'))\n    context.configure(",
    );
    let Some(folder) = project("op.execute('ALTER TABLE t ADD b int')", "op.execute('ALTER TABLE t DROP b')", &env) else { return };
    let answer = asked(&input(folder.path()));
    assert_eq!(answer["outcome"], "upgrade_fails", "{}", answer["summary"]);
    assert!(answer["failure"]["message"].as_str().unwrap().contains("nothing would ever end that"), "{}", answer["failure"]);
}

#[test]
fn limits_end_a_test_and_say_which() {
    let Some(folder) = project(SLOW, "pass", PLAIN_ENV) else { return };
    let whole = asked(&Input { timeout_s: Some(2), ..input(folder.path()) });
    assert_eq!(whole["error"]["code"], "timeout", "{}", whole["summary"]);
    let statement = asked(&Input { statement_timeout_s: Some(1), ..input(folder.path()) });
    assert_eq!(statement["outcome"], "upgrade_fails", "{}", statement["summary"]);
    assert!(statement["failure"]["message"].as_str().unwrap().contains("statement_timeout_s"), "{}", statement["failure"]);
    let bad = asked(&Input { timeout_s: Some(0), ..input(folder.path()) });
    assert_eq!(bad["error"]["code"], "bad_arguments");
}

#[test]
fn limits_count_while_the_sql_is_written_down() {
    let Some(folder) = project(SLOW_TO_WRITE_DOWN, "pass", PLAIN_ENV) else { return };
    let begun = Instant::now();
    let whole = asked(&Input { timeout_s: Some(2), ..input(folder.path()) });
    assert_eq!(whole["error"]["code"], "timeout", "{}", whole["summary"]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let statement = asked(&Input { statement_timeout_s: Some(1), ..input(folder.path()) });
    assert_eq!(statement["outcome"], "upgrade_fails", "{}", statement["summary"]);
    assert!(statement["failure"]["message"].as_str().unwrap().contains("statement_timeout_s"), "{}", statement["failure"]);
}

/// Asks and goes away half a second after `is_time` says so of the news, or after the call began; how long the answer took
/// from then on.
fn left(input: &Input, is_time: &(dyn Fn(&str) -> bool + Sync)) -> (Value, Duration) {
    let cancelled = AtomicBool::new(false);
    let gone = std::sync::Mutex::new(None);
    let settings = Settings::default();
    let go = |message: &str| {
        if is_time(message) {
            gone.lock().unwrap().get_or_insert_with(Instant::now);
            cancelled.store(true, Ordering::Relaxed);
        }
    };
    let progress = |news: alembic_gate::tools::call::Progress| go(&news.message);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (ended, go) = (&ended, &go);
        // Nothing is said while SQL is written down: looked for from outside, where the migration sleeps.
        scope.spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                go("a moment has passed");
                std::thread::park_timeout(Duration::from_millis(20));
            }
        });
        let call = Call { progress: &progress, cancelled: &cancelled, ..Call::local(&settings) };
        let answer = Value::Object(test_rollback::run(input, &call, None).output);
        ended.store(true, Ordering::Relaxed);
        let took = gone.lock().unwrap().expect("nobody went").elapsed();
        (answer, took)
    })
}

#[test]
fn a_caller_who_goes_away_stops_it_within_a_second() {
    let Some(folder) = project(SLOW, "pass", PLAIN_ENV) else { return };
    let Some(written) = project(SLOW_TO_WRITE_DOWN, "pass", PLAIN_ENV) else { return };
    let begun = Instant::now();
    let in_the_trip = |message: &str| message.contains("0002");
    let while_written = |message: &str| message == "a moment has passed" && begun.elapsed() > Duration::from_secs(6);
    for (folder, is_time) in [(&folder, &in_the_trip as &(dyn Fn(&str) -> bool + Sync)), (&written, &while_written)] {
        let (answer, took) = left(&input(folder.path()), is_time);
        eprintln!("answered {took:?} after the caller had gone");
        assert_eq!(answer["error"]["code"], "cancelled", "{}", answer["summary"]);
        // A second on a quiet machine; the migration itself would take a minute.
        assert!(took < Duration::from_secs(20), "it was waited for: {took:?}");
    }
}

/// SQL that does not end by itself, on each engine that is here; raw SQL has no Python that could be ended.
fn endless() -> Vec<Input> {
    let counts = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let mut all = vec![(Dialect::Sqlite, counts)];
    if !majors().is_empty() {
        all.push((Dialect::Postgresql, "SELECT pg_sleep(300)"));
    }
    if crate::scratch::mariadb().is_some() {
        all.push((Dialect::Mariadb, "SELECT benchmark(1000000000000, 1 + 1)"));
    }
    let input = |(dialect, sql): (Dialect, &str)| Input {
        dialect: Some(dialect),
        setup_sql: Some("CREATE TABLE t (a int);".to_owned()),
        sql: Some(sql.to_owned()),
        downgrade_sql: Some("SELECT 1".to_owned()),
        ..Input::default()
    };
    all.into_iter().map(input).collect()
}

#[test]
fn raw_sql_without_an_end_is_ended() {
    for input in endless() {
        let engine = input.dialect.unwrap().title();
        let statement = asked(&Input { statement_timeout_s: Some(1), ..input.clone() });
        // MariaDB says nothing of a `benchmark` that was ended: nothing is claimed then.
        let is_told = input.dialect != Some(Dialect::Mariadb);
        let why = if is_told { &statement["failure"]["message"] } else { &statement["error"]["message"] };
        let says_why = why.as_str().is_some_and(|why| why.contains(if is_told { "statement_timeout_s" } else { "ran longer than 1 s" }));
        assert!(says_why && statement["verdict"] == "failed", "{engine}: {statement:#}");
        assert_eq!(statement["outcome"] == "upgrade_fails", is_told, "{engine}: {}", statement["summary"]);
        let whole = asked(&Input { timeout_s: Some(1), ..input.clone() });
        assert_eq!(whole["error"]["code"], "timeout", "{engine}: {}", whole["summary"]);
        let begun = Instant::now();
        let (answer, took) = left(&input, &|_| begun.elapsed() > Duration::from_secs(1));
        assert_eq!(answer["error"]["code"], "cancelled", "{engine}: {}", answer["summary"]);
        eprintln!("{engine}: answered {took:?} after the caller had gone");
        assert!(took < Duration::from_secs(20), "{engine}: it was waited for: {took:?}");
    }
}

/// What was said on the way, and the answer.
fn told(folder: &Path) -> (String, Value) {
    let said = std::sync::Mutex::new(String::new());
    let progress = |news: alembic_gate::tools::call::Progress| said.lock().unwrap().push_str(&format!("{}\n", news.message));
    let settings = Settings::default();
    let call = Call { progress: &progress, ..Call::local(&settings) };
    let answer = Value::Object(test_rollback::run(&input(folder), &call, None).output);
    (said.into_inner().unwrap(), answer)
}

#[test]
fn a_template_is_kept_for_a_new_head_and_not_for_another_base_or_env() {
    let up = "op.add_column('t', sa.Column('b', sa.Integer))";
    let Some(folder) = project(up, "op.drop_column('t', 'b')", PLAIN_ENV) else { return };
    let cloned = "cloned the template of 0001";
    let edit = |file: &str, from: &str, to: &str| {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    };
    let turns: [(&str, &dyn Fn(), bool); 5] = [
        ("the first", &|| {}, false),
        ("the same again", &|| {}, true),
        ("an edited head", &|| edit("versions/0002_change.py", "'b'", "'c'"), true),
        ("another base", &|| edit("versions/0001_base.py", "'n'", "'m'"), false),
        ("another env.py", &|| edit("env.py", "import sqlalchemy as sa", "import sqlalchemy as sa\nsame = 1"), false),
    ];
    for (words, change, is_cloned) in turns {
        change();
        let (said, answer) = told(folder.path());
        assert_eq!(answer["outcome"], "ok", "{words}: {}", answer["summary"]);
        assert_eq!(said.contains(cloned), is_cloned, "{words}:\n{said}");
    }
}

#[test]
fn a_dev_server_is_named_and_never_a_url() {
    let Some(folder) = project("pass", "pass", PLAIN_ENV) else { return };
    let unknown = asked(&Input { database: Some("postgresql://app:secret@production/shop".to_owned()), ..input(folder.path()) });
    assert_eq!(unknown["error"]["code"], "bad_arguments");
    assert!(!unknown.to_string().contains("secret"), "{unknown}");
}

//! Around a round trip: patches that apply, locks as seen, limits, a caller who goes away, waits that nothing ends.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::test_rollback::{self, Input};
use serde_json::Value;
use tempfile::TempDir;

use crate::bridge::environment;
use crate::rollback::{PLAIN_ENV, written};
use crate::scratch::majors;

const BASE: &str =
    "op.create_table('t', sa.Column('id', sa.Integer, primary_key=True), sa.Column('a', sa.String(50)), sa.Column('n', sa.Integer))";

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
        "    other = sa.create_engine(url, poolclass=sa.pool.NullPool).connect()\n    if sa.inspect(other).has_table('t') and not other.execute(sa.text('SELECT * FROM t')).all():\n        other.rollback()\n    context.configure(",
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
fn a_caller_who_goes_away_stops_it_within_a_second() {
    let Some(folder) = project(SLOW, "pass", PLAIN_ENV) else { return };
    let cancelled = AtomicBool::new(false);
    let left = std::sync::Mutex::new(Instant::now());
    let settings = Settings::default();
    // The news of the round trip is the moment at which the migration sleeps.
    let progress = |news: alembic_gate::tools::call::Progress| {
        if news.message.contains("0002") {
            *left.lock().unwrap() = Instant::now();
            cancelled.store(true, Ordering::Relaxed);
        }
    };
    let call = Call { progress: &progress, cancelled: &cancelled, ..Call::local(&settings) };
    let answer = Value::Object(test_rollback::run(&input(folder.path()), &call, None).output);
    assert_eq!(answer["error"]["code"], "cancelled", "{}", answer["summary"]);
    // A second on a quiet machine; the migration itself would take a minute.
    assert!(left.lock().unwrap().elapsed() < Duration::from_secs(20), "it was waited for");
}

#[test]
fn a_dev_server_is_named_and_never_a_url() {
    let Some(folder) = project("pass", "pass", PLAIN_ENV) else { return };
    let unknown = asked(&Input { database: Some("postgresql://app:secret@production/shop".to_owned()), ..input(folder.path()) });
    assert_eq!(unknown["error"]["code"], "bad_arguments");
    assert!(!unknown.to_string().contains("secret"), "{unknown}");
}

//! The end of a server in the middle of a round trip: no process and no folder of it lives on; after SIGKILL the folder
//! goes at the next start.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::mcp_client::{Client, PROGRAM, modern_meta};
use crate::scratch::{majors, own_run_folder, run_folders};

/// Processes that stand in a folder or name it.
fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder.display().to_string();
    let ids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    ids.filter(|id| id.bytes().all(|b| b.is_ascii_digit()))
        .filter(|id| {
            let stands_there = std::fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|place| place.starts_with(folder));
            stands_there || std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains(&name))
        })
        .collect()
}

#[test]
fn the_end_in_a_round_trip_leaves_nothing() {
    if majors().is_empty() || !Path::new("/proc/self").exists() {
        println!("SKIPPED: no PostgreSQL, or no /proc");
        return;
    }
    for end in ["EOF", "TERM", "INT", "KILL"] {
        let (_folder, run) = own_run_folder();
        let state = tempfile::tempdir().unwrap();
        let program = |arguments: &[&str]| {
            let mut command = Command::new(PROGRAM);
            command.args(arguments).env("ALEMBIC_GATE_RUN", &run).env("XDG_STATE_HOME", state.path());
            command
        };
        let mut client = Client::of(program(&["serve"]));
        let arguments = json!({ "dialect": "postgresql", "setup_sql": "CREATE TABLE t (a int);", "sql": "SELECT pg_sleep(40);", "downgrade_sql": "SELECT 1;" });
        let params = json!({ "name": "test_rollback", "arguments": arguments, "_meta": modern_meta() });
        client.send(&json!({ "jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": params }).to_string());
        let begun = Instant::now();
        // A session of PostgreSQL says in its title what it is at.
        let sleeps = |id: &String| std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|title| title.contains(" SELECT"));
        while !processes_of(&run).iter().any(sleeps) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the statement runs");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let started = Instant::now();
        match end {
            "EOF" => client.input = None,
            signal => {
                let process = client.child.id().to_string();
                assert!(Command::new("kill").args([&format!("-{signal}"), &process]).status().unwrap().success());
            }
        }
        client.wait();
        let took = started.elapsed();
        while !processes_of(&run).is_empty() {
            assert!(started.elapsed() < Duration::from_secs(10), "{end}: {:?} live on", processes_of(&run));
        }
        if end == "KILL" {
            let next = json!({ "dialect": "sqlite", "setup_sql": "CREATE TABLE t (a int);", "sql": "ALTER TABLE t ADD b int;", "downgrade_sql": "ALTER TABLE t DROP b;" });
            let ran = program(&["call", "test_rollback", "--args", &next.to_string()]).output().unwrap();
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        }
        assert_eq!(run_folders(&run), 0, "{end}: a folder is left");
        println!("{end}: gone in {} ms, its processes in {} ms", took.as_millis(), started.elapsed().as_millis());
        // 0.4 s, and what a busy machine adds.
        assert!(took < Duration::from_millis(1_500), "{end}: {took:?}");
    }
}

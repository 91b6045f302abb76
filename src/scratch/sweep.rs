//! Clearing away what dead owners left: run folders with their servers, databases on a dev server.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use super::engine::Engine;
use super::error::ScratchError;
use super::folder::{RunFolder, abandoned, lock};
use super::process::{is_alive, signal, wait_until};

/// The file in a run folder that names the process of its server.
const PID_FILE: &str = "pid";
/// Preparations of other makes of the same engine that stay.
const KEPT_PREPARATIONS: usize = 8;

/// Writes down which server works in a run folder, for a sweeper to come.
pub(super) fn remember(run: &RunFolder, pid: u32) -> Result<(), ScratchError> {
    let path = run.path.join(PID_FILE);
    std::fs::write(&path, pid.to_string()).map_err(ScratchError::folder("write", &path))
}

/// Removes the run folders in `base` whose owners are dead, and stops servers that still work in them.
///
/// Gives how many were removed; what cannot be removed stays for the next time.
pub(super) fn run_folders(base: &Path) -> usize {
    // Without the folder there is nothing to sweep; with somebody else's we have no business.
    let Ok(_quiet) = lock(base) else { return 0 };
    let entries = std::fs::read_dir(base).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    folders.filter(|folder| is_run_folder(folder)).filter(|folder| remove_if_abandoned(folder)).count()
}

/// `postgresql-0123abcd`, `.new-0123abcd`.
fn is_run_folder(folder: &Path) -> bool {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.rsplit_once('-').is_some_and(|(kind, hex)| {
        ["postgresql", "mysql", "mariadb", "sqlite", "relay", ".new"].contains(&kind)
            && hex.len() == 8
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn remove_if_abandoned(folder: &Path) -> bool {
    let lock = abandoned(folder);
    // Folders are made under the lock of their base: one without a lock file was left in between.
    if lock.is_none() && folder.join("lock").exists() {
        return false;
    }
    stop_server(folder);
    std::fs::remove_dir_all(folder).is_ok()
}

/// Stops the server that works in `folder`: the process must name the folder in its command line.
fn stop_server(folder: &Path) {
    let Some(pid) = std::fs::read_to_string(folder.join(PID_FILE)).ok().and_then(|text| text.trim().parse::<u32>().ok()) else { return };
    let works_here = || is_alive(pid) && command_line(pid).contains(&*folder.to_string_lossy());
    if !works_here() {
        return;
    }
    signal(pid, Signal::QUIT);
    if wait_until(Duration::from_secs(3), || !works_here()).is_err() {
        signal(pid, Signal::KILL);
        let _ = wait_until(Duration::from_secs(3), || !works_here());
    }
}

fn command_line(pid: u32) -> String {
    if let Ok(bytes) = std::fs::read(format!("/proc/{pid}/cmdline")) {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut ask = super::process::command(Path::new("ps"), None);
    ask.args(["-o", "command=", "-p", &pid.to_string()]);
    super::process::output_of(ask, "name a process", Duration::from_secs(5)).unwrap_or_default()
}

/// Drops the databases on a server whose owners are gone; gives their names.
pub(super) fn databases(engine: &dyn Engine) -> Result<Vec<String>, ScratchError> {
    let mut dropped = Vec::new();
    for name in engine.leftovers()? {
        engine.drop_database(&name)?;
        dropped.push(name);
    }
    Ok(dropped)
}

/// Removes the oldest prepared data directories of an engine, so that upgrades of the system do not fill the disk.
pub(super) fn old_preparations(home: &Path, engine: &str) {
    let entries = std::fs::read_dir(home).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{engine}-")));
    let mut found: Vec<_> = named.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    found.sort();
    for (_, path) in found.iter().take(found.len().saturating_sub(KEPT_PREPARATIONS)) {
        let _ = std::fs::remove_dir_all(path);
    }
}

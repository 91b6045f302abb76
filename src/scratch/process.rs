//! Programs that we start: without our rights where we are root, and never outliving us.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::error::ScratchError;

/// Between two looks at something we wait for.
const GLANCE: Duration = Duration::from_millis(3);

/// Who a server runs as where we are root; servers refuse to run as root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// The first of `names` that the system knows, else `nobody`; none where we are no root.
    pub(super) fn for_servers(names: &[&str]) -> Option<Self> {
        if !rustix::process::getuid().is_root() {
            return None;
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let known = |name: &str| accounts.lines().find_map(|line| account_in(line, name));
        names.iter().copied().chain(["nobody"]).find_map(known).or(Some(Self { uid: 65534, gid: 65534 }))
    }
}

/// `postgres:x:101:104:…`, as long as it is not root under another name.
fn account_in(line: &str, name: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let found = fields.next()? == name;
    let mut numbers = fields.skip(1).map(str::parse::<u32>);
    let account = Account { uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? };
    (found && account.uid != 0).then_some(account)
}

/// A command that runs as `account`, knows nothing of our environment but `PATH`, and reads nothing.
pub(super) fn command(program: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").current_dir("/").stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    if let Some(Account { uid, gid }) = account {
        // The standard library empties the list of groups before it gives up root.
        command.gid(*gid).uid(*uid);
    }
    command
}

/// Runs a program to its end, at most for `limit`; what it said, or that it failed.
pub(super) fn output_of(mut command: Command, attempted: &'static str, limit: Duration) -> Result<String, ScratchError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |message: String| ScratchError::Program { program: program.clone(), attempted, message };
    let child = spawn({
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command
    })
    .map_err(|error| failed(error.to_string()))?;
    let pid = child.id();
    let (done, wait) = sync_channel(1);
    std::thread::spawn(move || done.send(child.wait_with_output()));
    match wait.recv_timeout(limit) {
        Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(Ok(output)) => {
            let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            Err(failed(last_lines(&said, 6)))
        }
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => {
            if let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            Err(failed(format!("it was not done after {} s", limit.as_secs())))
        }
    }
}

/// The last lines of a text that are not empty.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(count)).copied().collect::<Vec<_>>().join("; ")
}

pub(super) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// A server that we started and that dies with us.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Mutex<Child>,
    // Ends it without care for its data.
    abort: Signal,
}

impl ServerProcess {
    /// Starts a server; `abort` is sent to it by the system when we die, however we die.
    pub(super) fn start(mut command: Command, abort: Signal) -> std::io::Result<Self> {
        die_with_parent(&mut command, abort);
        Ok(Self { child: Mutex::new(spawn(command)?), abort })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// How it ended, where it has ended.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().ok().flatten()
    }

    /// Ends it with `how` and waits; kills it where it is not gone after `limit`.
    pub(super) fn stop(&self, how: Signal, limit: Duration) {
        if self.ended().is_some() {
            return;
        }
        signal(self.id(), how);
        if wait_until(limit, || self.ended().is_some()).is_err() {
            let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl ServerProcess {
    /// Ends it without care for its data, and waits.
    pub(super) fn abort(&self) {
        self.stop(self.abort, Duration::from_secs(5));
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.abort();
    }
}

/// Looks until `is_so`; `Err` where it is not so in time.
pub(super) fn wait_until(limit: Duration, mut is_so: impl FnMut() -> bool) -> Result<(), ()> {
    let deadline = Instant::now() + limit;
    while !is_so() {
        if Instant::now() >= deadline {
            return Err(());
        }
        std::thread::sleep(GLANCE);
    }
    Ok(())
}

/// True where a process with this id runs.
pub(super) fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    match rustix::process::test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    }
}

/// Has the system send `abort` to the program when the thread that started it ends, and with it our process.
///
/// Giving up root clears this wish, so it is made after that: the standard library runs this last.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command, abort: Signal) {
    let parent = rustix::process::getpid();
    let wish = move || {
        rustix::process::set_parent_process_death_signal(Some(abort))?;
        // We may have died before the wish was made.
        if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(std::io::ErrorKind::NotConnected.into()) }
    };
    // SAFETY: between fork and exec the closure makes two system calls; it takes no lock and
    // allocates nothing.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(wish);
    }
}

/// Elsewhere no such wish can be made: a server that outlives us is stopped by the next sweep.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command, _abort: Signal) {}

type Order = (Command, SyncSender<std::io::Result<Child>>);

/// Starts a program from the one thread that lives as long as the process: the death of a starting *thread* counts as
/// the death of the parent, and threads of a runtime come and go.
fn spawn(command: Command) -> std::io::Result<Child> {
    static KEEPER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (orders, taken) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in taken {
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(orders)
    });
    let (reply, child) = sync_channel(1);
    let gone = || std::io::Error::other("the thread that starts programs is gone");
    keeper.lock().unwrap_or_else(PoisonError::into_inner).send((command, reply)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

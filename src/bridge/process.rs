//! One child process: its pipes, its end. Nothing of it outlives the value, nor this program.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

/// What is kept of standard error, for messages.
const MAX_ERRORS: usize = 16_000;
/// The longest answer that is read.
const MAX_ANSWER: u64 = 256 << 20;

/// Why no answer came.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The limit was reached.
    Late,
    /// The process is gone; its exit status where it is known.
    Gone(Option<ExitStatus>),
}

/// A running child with its own session, which dies with this program.
pub(super) struct Process {
    questions: Sender<Vec<u8>>,
    answers: Receiver<String>,
    errors: Arc<Mutex<VecDeque<u8>>>,
    life: Arc<Mutex<Life>>,
    keeper: Option<JoinHandle<()>>,
}

/// Whether the process id is still ours: it is until the child is reaped.
#[derive(Debug, Clone, Copy)]
enum Life {
    Running(Pid),
    Ended(Option<ExitStatus>),
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Process {
    /// Starts `command` from a thread that stays until the child has ended: the kernel ends the child with the *thread*
    /// that started it.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(super) fn start(mut command: Command) -> std::io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (told, started) = channel();
        let life = Arc::new(Mutex::new(Life::Ended(None)));
        let kept = Arc::clone(&life);
        let keeper = std::thread::Builder::new().name("alembic-gate-bridge".to_owned()).spawn(move || match command.spawn() {
            Ok(mut child) => {
                let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
                if let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()) {
                    *locked(&kept) = Life::Running(pid);
                    let _ = told.send(Ok(pipes));
                    keep(child, pid, &kept);
                }
            }
            Err(error) => {
                let _ = told.send(Err(error));
            }
        })?;
        let gone = || std::io::Error::other("the thread that starts it is gone");
        let (Some(stdin), Some(stdout), Some(stderr)) = started.recv().map_err(|_| gone())?? else { return Err(gone()) };
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        let process =
            Self { questions: written_to(stdin), answers: lines_of(stdout), errors: Arc::clone(&errors), life, keeper: Some(keeper) };
        std::thread::spawn(move || keep_end(stderr, &errors));
        Ok(process)
    }

    /// Sends a line. What was written to standard error before belongs to another question.
    pub(super) fn send(&self, line: Vec<u8>) {
        locked(&self.errors).clear();
        let _ = self.questions.send(line); // a process that is gone shows when its answer is waited for
    }

    /// The next line, if it comes before `deadline`.
    pub(super) fn next_line(&self, deadline: Instant) -> Result<String, NoAnswer> {
        match self.answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err(NoAnswer::Late),
            Err(RecvTimeoutError::Disconnected) => Err(NoAnswer::Gone(self.status())),
        }
    }

    /// The end of what it wrote to standard error.
    pub(super) fn errors(&self) -> String {
        String::from_utf8_lossy(locked(&self.errors).make_contiguous()).trim_end().to_owned()
    }

    /// The process id, for those who look whether it is gone.
    pub(super) fn id(&self) -> Option<u32> {
        match *locked(&self.life) {
            Life::Running(pid) => u32::try_from(pid.as_raw_nonzero().get()).ok(),
            Life::Ended(_) => None,
        }
    }

    /// The exit status of a process whose pipe has ended; it may take a moment to be known.
    fn status(&self) -> Option<ExitStatus> {
        let deadline = Instant::now() + Duration::from_secs(1);
        while Instant::now() < deadline {
            if let Life::Ended(status) = *locked(&self.life) {
                return status;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        None
    }

    fn kill(&self) {
        if let Life::Running(pid) = *locked(&self.life) {
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = kill_process(pid, Signal::KILL); // before it has made a group of its own
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// Waits for the child's end, ends what is left of its group while its id cannot mean another, then reaps it.
fn keep(mut child: Child, pid: Pid, life: &Mutex<Life>) {
    while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
    let mut life = locked(life);
    let _ = kill_process_group(pid, Signal::KILL);
    *life = Life::Ended(child.wait().ok());
}

fn written_to(mut pipe: impl Write + Send + 'static) -> Sender<Vec<u8>> {
    let (sender, lines) = channel::<Vec<u8>>();
    std::thread::spawn(move || {
        for line in lines {
            if pipe.write_all(&line).and_then(|()| pipe.flush()).is_err() {
                return;
            }
        }
    });
    sender
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        loop {
            let mut line = String::new();
            let read = pipe.by_ref().take(MAX_ANSWER).read_line(&mut line);
            if !matches!(read, Ok(1..)) || !line.ends_with('\n') || sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn keep_end(mut pipe: impl Read, errors: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0_u8; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut buffer) {
        let mut errors = locked(errors);
        errors.extend(buffer.iter().take(read));
        let surplus = errors.len().saturating_sub(MAX_ERRORS);
        errors.drain(..surplus);
    }
}

/// Runs a program that only looks something up, and gives its standard output; None when it fails or takes longer than
/// `limit`.
pub(super) fn told_by(program: &Path, arguments: &[&str], folder: &Path, limit: Duration) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let process = Process::start(command).ok()?;
    let deadline = Instant::now() + limit;
    let mut text = String::new();
    loop {
        match process.next_line(deadline) {
            Ok(line) => text.push_str(&line),
            Err(NoAnswer::Gone(status)) => return status.is_some_and(|status| status.success()).then_some(text),
            Err(NoAnswer::Late) => return None,
        }
    }
}

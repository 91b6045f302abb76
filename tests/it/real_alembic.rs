//! The real Alembic, asked by small Python programs; what it says is the truth for the tests of `project`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Python that has Alembic 1.20: the one that `tests/run` makes, or the one on the path.
pub fn python() -> Option<PathBuf> {
    let named = std::env::var_os("ALEMBIC_GATE_PYTHONS").map(PathBuf::from);
    let tools = [PathBuf::from("/var/tmp/alembic-gate-tools"), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.tools")];
    let made = named.into_iter().chain(tools).map(|folder| folder.join("python-new/bin/python"));
    made.chain([PathBuf::from("python3")]).find(|python| {
        let asked = Command::new(python).args(["-c", "import alembic; print(alembic.__version__)"]).output();
        asked.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).starts_with("1.20"))
    })
}

/// What a program of `tests/alembic` prints; `None`, said aloud, where there is no Python with Alembic 1.20.
pub fn ask(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let Some(python) = python() else {
        println!("SKIPPED: no Python with Alembic 1.20 (tests/run makes one)");
        return None;
    };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alembic").join(program);
    let mut child = Command::new(python)
        .arg(&program)
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a Python that starts");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("an answer");
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{} failed", program.display());
    Some(String::from_utf8(output.stdout).unwrap())
}

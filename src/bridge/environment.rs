//! A Python environment that we make ourselves, for the demonstration: a virtual environment with packages at exact versions.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An environment could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A program of it does not run to its end.
    #[error("a Python environment could not be made: `{program}` says: {said}")]
    Program {
        /// The program with its words.
        program: String,
        /// The end of what it said.
        said: String,
    },
    /// The folder cannot be written.
    #[error("a Python environment could not be made in `{}`", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl EnvironmentError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Program { .. } => {
                "it needs `python3` with `venv` and a way to the packages; or name a Python that has them with `--python`".to_owned()
            }
            Self::Folder { .. } => "set ALEMBIC_GATE_CACHE to a folder that can be written".to_owned(),
        }
    }
}

/// True where the environment stands with exactly these packages.
#[must_use]
pub fn stands(folder: &Path, packages: &[&str]) -> bool {
    std::fs::read_to_string(folder.join(LIST)).is_ok_and(|list| list == packages.join("\n")) && interpreter(folder).is_file()
}

/// The interpreter of the environment in `folder`, made where it does not stand; the user's own settings of pip hold.
///
/// # Errors
/// No `python3`, no way to the packages, no folder.
pub fn made(folder: &Path, packages: &[&str]) -> Result<PathBuf, EnvironmentError> {
    let program = interpreter(folder);
    if stands(folder, packages) {
        return Ok(program);
    }
    let written = |source| EnvironmentError::Folder { folder: folder.to_owned(), source };
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(written)?;
    }
    std::fs::create_dir_all(folder).map_err(written)?;
    ran(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--timeout", "20", "--retries", "1"];
    ran(Command::new(&program).args(words).args(packages))?;
    std::fs::write(folder.join(LIST), packages.join("\n")).map_err(written)?;
    Ok(program)
}

/// The file that says what is installed, written last.
const LIST: &str = "packages.txt";

fn interpreter(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

fn ran(command: &mut Command) -> Result<(), EnvironmentError> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let program = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let failed = |said: String| EnvironmentError::Program { program: program.clone(), said };
    let output = command.stdin(Stdio::null()).output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(failed(said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing").to_owned()))
}

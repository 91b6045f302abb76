//! Runs a command in our place: the hook's plain wrapper, `alembic-gate hook -- alembic …`.

use std::process::Command;

/// Set for the command that is run: a wrapper that finds it wraps itself.
const MARK: &str = "ALEMBIC_GATE_WRAPPED";

/// A command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum WrapError {
    /// There is none.
    #[error("no command stands behind `--`")]
    Nothing,
    /// It leads back here.
    #[error("`{program}` leads back to `alembic-gate hook`")]
    Circle {
        /// The program.
        program: String,
    },
    /// It could not be started.
    #[error("`{program}` could not be started")]
    NotStarted {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl WrapError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Nothing => "for example `alembic-gate hook -- alembic current`".to_owned(),
            Self::Circle { .. } => {
                "name the real program by its path, for example `alembic-gate hook -- .venv/bin/alembic current`".to_owned()
            }
            Self::NotStarted { .. } => "check its name and its path".to_owned(),
        }
    }
}

/// Runs the words as a program and gives its exit code; where the system can, the program takes our place.
///
/// # Errors
/// There are no words, the program cannot be started, or it leads back here.
pub fn run(words: &[String]) -> Result<u8, WrapError> {
    let (program, arguments) = words.split_first().ok_or(WrapError::Nothing)?;
    if std::env::var_os(MARK).is_some() {
        return Err(WrapError::Circle { program: program.clone() });
    }
    let mut command = Command::new(program);
    command.args(arguments).env(MARK, "1");
    let failed = |source| WrapError::NotStarted { program: program.clone(), source };
    #[cfg(unix)]
    return Err(failed(std::os::unix::process::CommandExt::exec(&mut command)));
    #[cfg(not(unix))]
    command.status().map(|status| status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)).map_err(failed)
}

//! The command line, or the server. Logs go to stderr; stdout is for answers.

use std::process::ExitCode;

fn main() -> ExitCode {
    alembic_gate::log::to_stderr();
    alembic_gate::cli::run()
}

//! The command line, or the server. Logs go to stderr; stdout is for answers.

use std::process::ExitCode;

fn main() -> ExitCode {
    let logs = alembic_gate::log::start();
    let code = alembic_gate::cli::run();
    // Servers end with us anyway; their folders, in memory where there is room, would stay until the next start.
    alembic_gate::workshop::stop_all();
    alembic_gate::scratch::stop_all();
    drop(logs);
    code
}

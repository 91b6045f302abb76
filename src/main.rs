//! The command line, or the server. Logs go to stderr; stdout is for answers.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("ALEMBIC_GATE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let logs = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).with_ansi(false);
    if std::env::var("ALEMBIC_GATE_LOG_FORMAT").is_ok_and(|form| form == "json") {
        logs.json().init();
    } else {
        logs.init();
    }
    alembic_gate::cli::run()
}

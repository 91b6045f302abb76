//! Logs: to stderr, for people or as JSON, without secrets.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::secret::redacted;

/// Unless asked otherwise; `rmcp` warns of each request that is refused, which its sender is told anyway.
const DEFAULT_FILTER: &str = "warn,rmcp=error";

/// What is logged: `warn`, `info`, `alembic_gate=debug` …
pub const FILTER_VARIABLE: &str = "ALEMBIC_GATE_LOG";

/// The form: `json`, else lines for people.
pub const FORM_VARIABLE: &str = "ALEMBIC_GATE_LOG_FORMAT";

/// Sends logs and the words of panics to stderr.
pub fn to_stderr() {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let logs = tracing_subscriber::fmt().with_writer(|| Discreet { to: io::stderr() }).with_env_filter(filter).with_ansi(false);
    let is_set = if std::env::var(FORM_VARIABLE).is_ok_and(|form| form == "json") { logs.json().try_init() } else { logs.try_init() };
    if is_set.is_ok() {
        std::panic::set_hook(Box::new(|panic| tracing::error!(target: "alembic_gate::panic", "{panic}")));
    }
}

/// Hides secrets in what is written; a line comes in one piece.
struct Discreet<W> {
    to: W,
}

impl<W: Write> Write for Discreet<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.to.write_all(redacted(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

//! Logs: to stderr, for people or as JSON, without secrets; with the feature `otel` spans go to a collector as well.

#[cfg(feature = "otel")]
mod otel;

use std::io::{self, Write};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::secret::redacted;

/// Unless asked otherwise; `rmcp` warns of each request that is refused, which its sender is told anyway.
const DEFAULT_FILTER: &str = "warn,rmcp=error";

/// What is logged: `warn`, `info`, `alembic_gate=debug` …
pub const FILTER_VARIABLE: &str = "ALEMBIC_GATE_LOG";

/// The form: `json`, else lines for people.
pub const FORM_VARIABLE: &str = "ALEMBIC_GATE_LOG_FORMAT";

/// Held while logs are written; what waits is sent when it goes.
#[must_use]
#[derive(Debug, Default)]
pub struct Logs {
    #[cfg(feature = "otel")]
    _spans: Option<otel::Spans>,
}

/// Sends logs and the words of panics to stderr, and spans to a collector where one is named.
pub fn start() -> Logs {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = tracing_subscriber::fmt::layer().with_writer(|| Discreet { to: io::stderr() }).with_ansi(false);
    let is_json = std::env::var(FORM_VARIABLE).is_ok_and(|form| form == "json");
    let lines = if is_json { lines.json().boxed() } else { lines.boxed() };
    let registry = tracing_subscriber::registry().with(lines.with_filter(filter));
    #[cfg(feature = "otel")]
    let (is_set, logs) = {
        let told = otel::layer();
        let trouble = told.as_ref().err().cloned();
        let (layer, spans) = told.ok().flatten().unzip();
        let is_set = registry.with(layer).try_init().is_ok();
        if let Some(error) = trouble {
            tracing::error!(%error, "no spans are sent: mend the variables OTEL_EXPORTER_OTLP_…");
        }
        (is_set, Logs { _spans: spans })
    };
    #[cfg(not(feature = "otel"))]
    let (is_set, logs) = (registry.try_init().is_ok(), Logs {});
    if is_set {
        std::panic::set_hook(Box::new(|panic| tracing::error!(target: "alembic_gate::panic", "{panic}")));
    }
    logs
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

//! What was asked and how it went, counted, in the text form of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counters of a server.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// By tool and verdict.
    calls: BTreeMap<(&'static str, &'static str), u64>,
    /// By tool: how many, how long in all.
    took: BTreeMap<&'static str, (u64, Duration)>,
    /// By route and status.
    requests: BTreeMap<(&'static str, u16), u64>,
    /// By reason.
    refused: BTreeMap<&'static str, u64>,
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tool answered.
    pub fn called(&self, tool: &'static str, verdict: &'static str, took: Duration) {
        let mut counts = self.counts();
        *counts.calls.entry((tool, verdict)).or_default() += 1;
        let (times, in_all) = counts.took.entry(tool).or_default();
        *times += 1;
        *in_all += took;
    }

    /// A request over HTTP was answered.
    pub fn answered(&self, route: &'static str, status: u16) {
        *self.counts().requests.entry((route, status)).or_default() += 1;
    }

    /// A request over HTTP was refused at the door.
    pub fn refused(&self, reason: &'static str) {
        *self.counts().refused.entry(reason).or_default() += 1;
    }

    /// All counters. `in_flight`: requests that are being answered now.
    #[must_use]
    pub fn text(&self, in_flight: usize) -> String {
        let counts = self.counts();
        let mut text = String::new();
        family(&mut text, "info", "gauge", "The version that runs");
        let _ = writeln!(text, "alembic_gate_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        family(&mut text, "http_in_flight", "gauge", "Requests that are being answered");
        let _ = writeln!(text, "alembic_gate_http_in_flight {in_flight}");
        family(&mut text, "http_requests_total", "counter", "Requests by route and status");
        for ((route, status), count) in &counts.requests {
            let _ = writeln!(text, "alembic_gate_http_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}");
        }
        family(&mut text, "http_refused_total", "counter", "Requests refused at the door, by reason");
        for (reason, count) in &counts.refused {
            let _ = writeln!(text, "alembic_gate_http_refused_total{{reason=\"{reason}\"}} {count}");
        }
        family(&mut text, "tool_calls_total", "counter", "Calls by tool and verdict");
        for ((tool, verdict), count) in &counts.calls {
            let _ = writeln!(text, "alembic_gate_tool_calls_total{{tool=\"{tool}\",verdict=\"{verdict}\"}} {count}");
        }
        family(&mut text, "tool_seconds", "summary", "How long calls took, by tool");
        for (tool, (times, in_all)) in &counts.took {
            let _ = writeln!(text, "alembic_gate_tool_seconds_sum{{tool=\"{tool}\"}} {}", in_all.as_secs_f64());
            let _ = writeln!(text, "alembic_gate_tool_seconds_count{{tool=\"{tool}\"}} {times}");
        }
        text
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP alembic_gate_{name} {help}\n# TYPE alembic_gate_{name} {kind}");
}

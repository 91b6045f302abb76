//! The risk of a script: folded over its effects. Nothing else decides it; findings never raise it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::effects::{Effect, Loss, Undo, Work};
use crate::sql::change::Name;

/// The size of a table, as given by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableSize {
    /// Rows, as the planner counts them.
    #[serde(default)]
    pub rows: Option<f64>,
    /// Bytes, as `pg_total_relation_size` counts them.
    #[serde(default)]
    pub bytes: Option<f64>,
}

/// Sizes of tables, by name, with or without the schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TableSizes(pub BTreeMap<String, TableSize>);

/// Bytes a row is taken to have where only rows are given.
const BYTES_PER_ROW: f64 = 250.0;

/// How fast one session works. Measured with `benches/rates.py` on PostgreSQL 15.18 and 18.4 (1,000,000 rows, 248 MB,
/// in memory, a busy machine of 2 cores): scan 930 to 1200 MB/s, index build 37 (text) to 212 MB/s (integer),
/// rewrite with one index 44 to 80 MB/s. The slowest counts; a scan is taken to come from disk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The work.
    pub work: &'static str,
    /// Bytes a second.
    pub bytes_per_second: f64,
}

const SCAN: Rate = Rate { work: "scan", bytes_per_second: 400.0e6 };
const BUILD: Rate = Rate { work: "index build", bytes_per_second: 40.0e6 };
const REWRITE: Rate = Rate { work: "rewrite", bytes_per_second: 40.0e6 };

impl TableSizes {
    /// The size of a table in bytes, if it is known.
    #[must_use]
    pub fn of(&self, table: &Name) -> Option<TableSize> {
        let bare = &table.name;
        self.0.get(&table.to_string()).or_else(|| self.0.get(bare)).or_else(|| self.0.get(&format!("public.{bare}"))).copied()
    }

    fn bytes(&self, table: &Name) -> Option<f64> {
        let size = self.of(table)?;
        size.bytes.or_else(|| size.rows.map(|rows| rows * BYTES_PER_ROW))
    }
}

/// The figure behind a duration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LockBasis {
    /// The table that takes longest.
    pub table: String,
    /// Its rows, if given.
    pub rows: Option<f64>,
    /// Its bytes, if given.
    pub bytes: Option<f64>,
    /// What is done with them, and how fast.
    pub rate: String,
    /// Where the rate is from.
    pub source: String,
}

/// How long others wait for one statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wait {
    /// Milliseconds; `None` where no size is known.
    pub ms: Option<f64>,
    /// What it was computed from.
    pub basis: Option<LockBasis>,
    /// Somebody waits as long as the work takes.
    pub grows_with_size: bool,
    /// Somebody waits at all.
    pub blocks: bool,
}

/// How long others wait for a statement with this effect. `held`: a lock taken earlier in its transaction makes
/// others wait while it works.
#[must_use]
pub fn wait(effect: &Effect, held: bool, sizes: &TableSizes) -> Wait {
    let blocks_now = effect.locks.iter().any(|lock| lock.mode.blocks_writes());
    let worked = !effect.scans.is_empty() || !effect.rewrites.is_empty() || !effect.builds.is_empty();
    let grows = worked && (held || blocks_now) && !(effect.is_online && !held);
    if !grows {
        return Wait { ms: Some(0.0), basis: None, grows_with_size: false, blocks: blocks_now };
    }
    let jobs = effect
        .rewrites
        .iter()
        .map(|table| (table, REWRITE))
        .chain(effect.builds.iter().map(|table| (table, BUILD)))
        .chain(effect.scans.iter().map(|table| (table, SCAN)));
    let mut total = Some(0.0);
    let mut basis: Option<(f64, LockBasis)> = None;
    for (table, rate) in jobs {
        let seconds = sizes.bytes(table).map(|bytes| bytes / rate.bytes_per_second);
        total = total.zip(seconds).map(|(sum, seconds)| sum + seconds * 1000.0);
        let size = sizes.of(table).unwrap_or_default();
        let found = LockBasis {
            table: table.shown(),
            rows: size.rows,
            bytes: size.bytes,
            rate: format!("{} at {:.0} MB/s", rate.work, rate.bytes_per_second / 1.0e6),
            source: "benches/rates.py".to_owned(),
        };
        let seconds = seconds.unwrap_or(f64::MAX);
        if basis.as_ref().is_none_or(|(most, _)| seconds > *most) {
            basis = Some((seconds, found));
        }
    }
    Wait { ms: total.map(f64::round), basis: basis.map(|(_, found)| found), grows_with_size: true, blocks: true }
}

/// `none`, `seconds`, `minutes`, `maintenance_window`.
#[must_use]
pub fn duration_word(wait: &Wait) -> &'static str {
    match (wait.blocks, wait.grows_with_size, wait.ms) {
        (false, _, _) => "none",
        (true, false, _) => "seconds",
        (true, true, None) => "minutes",
        (true, true, Some(ms)) if ms < 10_000.0 => "seconds",
        (true, true, Some(ms)) if ms < 600_000.0 => "minutes",
        (true, true, Some(_)) => "maintenance_window",
    }
}

/// The longer of two waits.
#[must_use]
pub fn longer(a: Wait, b: Wait) -> Wait {
    let rank = |wait: &Wait| (wait.blocks, wait.grows_with_size, wait.ms.unwrap_or(f64::MAX));
    if rank(&b) > rank(&a) { b } else { a }
}

/// `yes`, `shape_only`, `no`, `unknown`.
#[must_use]
pub const fn reversible_word(undo: Undo) -> &'static str {
    match undo {
        Undo::Exact => "yes",
        Undo::ShapeOnly => "shape_only",
        Undo::Unknown => "unknown",
        Undo::Never => "no",
    }
}

/// The greatest loss of all effects.
#[must_use]
pub fn greatest_loss<'a>(effects: impl Iterator<Item = &'a Effect>) -> Loss {
    effects.map(|effect| effect.loss).max().unwrap_or_default()
}

/// The most work of all effects.
#[must_use]
pub fn most_work<'a>(effects: impl Iterator<Item = &'a Effect>) -> Work {
    effects.map(|effect| effect.work).max().unwrap_or_default()
}

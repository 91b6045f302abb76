//! One revision: up, down, up, with what stands in between.

use std::sync::Arc;
use std::time::Instant;

use crate::lifecycle::evidence::{Outcome, Rerun};
use crate::rows::Words;
use crate::rows::data::{DataDifference, Written};
use crate::rows::fill::Filled;
use crate::snapshot::{self, Class, Difference, SchemaSnapshot, diff};
use crate::trace::{Sent, Trace, Way};
use crate::trial::dependents::dependents;
use crate::trial::look::{Looker, Moment};
use crate::trial::touched::{touched, written_by};
use crate::trial::{Failure, Lost, SchemaDigests, Schemas, SecondRun, Step, TrialError, Trip, Wishes};

/// What moves a database along one revision.
pub(super) trait Mover {
    /// Runs the upgrade or the downgrade of a revision; an error of the migration is part of the answer.
    fn go(&mut self, is_up: bool, revision: &str) -> Result<Option<Failure>, TrialError>;
    /// The statements of the last way, with what was seen of each.
    fn statements(&mut self) -> Vec<Sent>;
    /// What the application asks of columns beside the database, as far as it is known.
    fn words(&mut self) -> Result<Vec<Words>, TrialError>;
}

/// A revision about to be tried.
pub(super) struct Trying<'a> {
    /// Its id.
    pub revision: &'a str,
    /// What the file says of the way back: missing, only raising, or a body.
    pub way_back: WayBack,
    /// What is wanted.
    pub wishes: &'a Wishes,
    /// SQL that runs behind the first upgrade.
    pub seed_after: Option<&'a str>,
}

/// What a file says of the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WayBack {
    /// There is no such function.
    Missing,
    /// It only raises.
    Raises,
    /// It is run.
    Runs,
}

/// Tries one revision. The database is left behind the second upgrade when all steps ran; else it is of no more use.
pub(super) fn try_one(
    mover: &mut dyn Mover,
    looker: &mut Looker,
    trying: &Trying<'_>,
    filled: &mut Vec<Filled>,
    trace: &mut Trace,
) -> Result<(Trip, bool), TrialError> {
    let _inside = tracing::debug_span!("round_trip", revision = trying.revision).entered();
    let before = looker.look()?;
    let mut trip = Trip {
        revision: trying.revision.to_owned(),
        outcome: Outcome::Ok,
        left_dirty: false,
        why: String::new(),
        steps: Vec::new(),
        schema: SchemaDigests { before: Some(before.schema.digest()), ..SchemaDigests::default() },
        schema_diff: Vec::new(),
        data_diff: Vec::new(),
        failure: None,
        refused: None,
        is_fitted: false,
        rows: before.data.row_count(),
        counts: counts_of(&before.schema),
        changes: Vec::new(),
        touched: Vec::new(),
        schemas: Schemas { before: Arc::clone(&before.schema), ..Schemas::default() },
    };
    let is_up = step(mover, &mut trip, "upgrade", true)?;
    let sent = mover.statements();
    trace.add(Way { revision: trying.revision, direction: "upgrade", is_told: true }, &sent, &before.tables());
    if !is_up {
        trip.left_dirty = !looker.look()?.is_like(&before);
        trip.outcome = Outcome::UpgradeFails;
        trip.why = failed_words(&trip, "the upgrade fails");
        if let Some(failure) = &mut trip.failure {
            failure.dependents = dependents(failure, &before.schema, looker.connection.server());
        }
        return Ok((trip, false));
    }
    let upgraded = looker.look()?;
    trip.schema.after_upgrade = Some(upgraded.schema.digest());
    let changes = diff(&before.schema, &upgraded.schema).differences;
    trip.changes = changes.iter().map(changed).collect();
    let written = written_by(&sent, looker.connection.server());
    trip.touched = touched(&before, &upgraded.schema, &changes, &written);
    trip.schemas.upgraded = Arc::clone(&upgraded.schema);
    // What the upgrade emptied, new code writes into no more; a table that it made and wrote into itself is its own, rows or none.
    let mut left = before.data.emptied_in(&upgraded.data);
    left.extend(written.into_iter().filter(|name| !before.data.has(name)));
    add_new(filled, looker.fill(trying.wishes.rows, &mover.words()?, &left)?);
    if let Some(sql) = trying.seed_after {
        looker.connection.execute(sql).map_err(|source| TrialError::Seed { which: "seed_after_upgrade_sql", source })?;
    }
    let seeded = looker.look()?;
    let written = upgraded.data.written_until(&seeded.data);
    if trying.way_back == WayBack::Missing {
        trip.outcome = Outcome::NoDowngrade;
        trip.why = "there is no downgrade()".to_owned();
        return Ok((trip, true));
    }
    let is_down = step(mover, &mut trip, "downgrade", false)?;
    trace.add(Way { revision: trying.revision, direction: "downgrade", is_told: true }, &mover.statements(), &upgraded.tables());
    if !is_down {
        trip.left_dirty = !looker.look()?.is_like(&seeded);
        let raises = trying.way_back == WayBack::Raises;
        trip.outcome = if raises { Outcome::DeclaredIrreversible } else { Outcome::DowngradeFails };
        trip.why = failed_words(&trip, if raises { "downgrade() only raises" } else { "the downgrade fails" });
        if !raises && let Some(failure) = &mut trip.failure {
            failure.dependents = dependents(failure, &seeded.schema, looker.connection.server());
        }
        return Ok((trip, false));
    }
    let back = looker.look()?;
    trip.schema.after_downgrade = Some(back.schema.digest());
    trip.schemas.back = Some(Arc::clone(&back.schema));
    trip.schema_diff = diff(&before.schema, &back.schema).differences;
    trip.data_diff = lost(&before, &upgraded, &back, &written);
    trip.outcome = of_differences(&trip);
    trip.why = words(&trip);
    let is_up_again = step(mover, &mut trip, "upgrade again", true)?;
    trace.add(Way { revision: trying.revision, direction: "upgrade", is_told: false }, &mover.statements(), &[]);
    if !is_up_again {
        trip.left_dirty = !looker.look()?.is_like(&back);
        trip.outcome = trip.outcome.min(Outcome::ReupgradeFails);
        trip.why = format!("{}{}", failed_words(&trip, "the second upgrade fails"), also(&trip));
        return Ok((trip, false));
    }
    let again = looker.look()?;
    trip.schema.after_reupgrade = Some(again.schema.digest());
    let second: Vec<Difference> = diff(&upgraded.schema, &again.schema).differences.into_iter().filter(|one| counts(one.class)).collect();
    if !second.is_empty() && trip.outcome > Outcome::SecondUpgradeDiffers {
        trip.outcome = Outcome::SecondUpgradeDiffers;
        trip.schema_diff = second;
        trip.why = "the second upgrade leads to another schema than the first".to_owned();
    }
    Ok((trip, true))
}

/// `12 tables, 31 indexes`.
fn counts_of(schema: &SchemaSnapshot) -> String {
    let of = |kind: &str| schema.objects.values().filter(|object| object.kind == kind).count();
    let words = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    format!("{}, {}", words(of("table"), "table", "tables"), words(of("index"), "index", "indexes"))
}

/// `+ index ix_users_email`.
fn changed(one: &Difference) -> String {
    let sign = match one.change {
        snapshot::Change::New => '+',
        snapshot::Change::Gone => '-',
        snapshot::Change::Changed => '~',
    };
    format!("{sign} {}", one.object)
}

/// Adds tables that were not filled before: one that was emptied on the way is told once.
pub(super) fn add_new(filled: &mut Vec<Filled>, more: Vec<Filled>) {
    for one in more {
        if !filled.iter().any(|known| known.table == one.table) {
            filled.push(one);
        }
    }
}

/// Runs a step and writes it down; true when it ran.
fn step(mover: &mut dyn Mover, trip: &mut Trip, direction: &'static str, is_up: bool) -> Result<bool, TrialError> {
    let begun = Instant::now();
    let span = tracing::debug_span!("step", direction);
    let failure = span.in_scope(|| mover.go(is_up, &trip.revision))?.map(|failure| Failure { direction, ..failure });
    let error = failure.as_ref().map(|failure| failure.message.clone());
    let seconds = (begun.elapsed().as_secs_f64() * 1_000.0).round() / 1_000.0;
    trip.steps.push(Step { revision: trip.revision.clone(), direction, ok: failure.is_none(), seconds, error });
    trip.failure = trip.failure.take().or(failure);
    Ok(trip.failure.is_none())
}

/// A name that the server gave, and the order of columns, fail nothing.
const fn counts(class: Class) -> bool {
    match class {
        Class::Blocking | Class::LeftOver | Class::Privilege => true,
        Class::NameOnly | Class::Order => false,
    }
}

fn of_differences(trip: &Trip) -> Outcome {
    if trip.schema_diff.iter().any(|one| counts(one.class)) {
        Outcome::NotRestored
    } else if !trip.data_diff.is_empty() {
        Outcome::DataLost
    } else if trip.schema_diff.iter().any(|one| one.class == Class::Order) {
        Outcome::OrderChanged
    } else {
        Outcome::Ok
    }
}

/// What the rows lost over the round trip, and which way lost it.
fn lost(before: &Moment, upgraded: &Moment, back: &Moment, written: &Written) -> Vec<Lost> {
    let by_upgrade = before.data.lost_in(&upgraded.data, &Written::default());
    let was_lost = |difference: &DataDifference| {
        by_upgrade.iter().any(|early| early.table == difference.table && (early.column.is_none() || early.column == difference.column))
    };
    let all = before.data.lost_in(&back.data, written);
    all.into_iter().map(|difference| Lost { by: if was_lost(&difference) { "upgrade" } else { "downgrade" }, difference }).collect()
}

fn failed_words(trip: &Trip, what: &str) -> String {
    match &trip.failure {
        Some(failure) => {
            let place = failure.file.as_ref().map(|file| format!(" ({file}:{})", failure.line.unwrap_or(0))).unwrap_or_default();
            let code = failure.sqlstate.as_ref().map(|code| format!(" [{code}]")).unwrap_or_default();
            format!("{what}{place}{code}: {}", failure.message.lines().next().unwrap_or_default())
        }
        None => what.to_owned(),
    }
}

/// What else was seen before a second upgrade failed.
fn also(trip: &Trip) -> String {
    let seen = words(trip);
    if seen.is_empty() || trip.schema_diff.is_empty() && trip.data_diff.is_empty() { String::new() } else { format!("; before it {seen}") }
}

/// The differences in a sentence: "users.phone: 86 of 86 values lost after round trip".
fn words(trip: &Trip) -> String {
    let schema = trip.schema_diff.iter().filter(|one| counts(one.class)).map(ToString::to_string);
    let data = trip.data_diff.iter().map(|lost| {
        let one = &lost.difference;
        match (&one.column, one.left_over) {
            (Some(column), _) => format!("{}.{column}: {} of {} values lost after round trip", one.table, one.lost, one.rows),
            (None, 0) => format!("{}: {} of {} rows lost after round trip", one.table, one.lost, one.rows),
            (None, left) if one.lost == 0 => format!("{}: {left} rows left that nobody wrote", one.table),
            (None, left) => format!("{}: {} of {} rows lost and {left} others there", one.table, one.lost, one.rows),
        }
    });
    let order = trip.schema_diff.iter().filter(|one| one.class == Class::Order).map(ToString::to_string);
    let all: Vec<String> = schema.chain(data).chain(order).collect();
    let more = all.len().saturating_sub(3);
    let mut text = all.into_iter().take(3).collect::<Vec<_>>().join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    text
}

/// Runs the upgrade once more on a database that has it.
pub(super) fn second_run(mover: &mut dyn Mover, looker: &mut Looker, revision: &str) -> Result<SecondRun, TrialError> {
    let before = looker.look()?;
    let failure = mover.go(true, revision)?;
    let after = looker.look()?;
    let changed = diff(&before.schema, &after.schema).differences;
    let rows = before.data.lost_in(&after.data, &Written::default());
    let same = after.is_like(&before);
    let words = |failure: &Failure| failure.message.lines().next().unwrap_or_default().to_owned();
    Ok(match (failure, same) {
        (None, true) => SecondRun { rerun: Rerun::NoOp, why: "run once more it changes nothing".to_owned() },
        (Some(failure), true) => {
            SecondRun { rerun: Rerun::ClearError, why: format!("run once more it stops and changes nothing: {}", words(&failure)) }
        }
        (failure, false) => {
            let what = changed.first().map(ToString::to_string).or_else(|| rows.first().map(|one| format!("rows of {}", one.table)));
            let stopped = failure.map(|failure| format!(" and then stops: {}", words(&failure))).unwrap_or_default();
            SecondRun {
                rerun: Rerun::Unsafe,
                why: format!("run once more it changes {}{stopped}", what.unwrap_or_else(|| "the database".to_owned())),
            }
        }
    })
}

//! Finding another `downgrade()` for a revision that does not come back: what might mend it is run before it is told.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::rows::Mood;
use crate::trace::Trace;
use crate::trial::alembic::{ByAlembic, way_back};
use crate::trial::base::{Base, Start};
use crate::trial::candidates::candidates;
use crate::trial::patch::{Text, unified};
use crate::trial::trip::{Trying, WayBack, try_one};
use crate::trial::{Mend, TrialError, Trip, Wishes};
use crate::workshop::range::Range;
use crate::workshop::watch::Ended;
use crate::workshop::{Lent, Workshop, target};

/// What is mended at most, in how many steps, of how many texts each.
const MOST_REVISIONS: usize = 3;
const MOST_STEPS: usize = 4;
const MOST_TEXTS: usize = 6;

/// In what a text is tried.
#[derive(Clone, Copy)]
pub(super) struct Mending<'a> {
    pub(super) workshop: &'a Workshop,
    pub(super) range: &'a Range,
    pub(super) wishes: &'a Wishes,
    /// From where the range was walked, the first at its beginning.
    pub(super) starts: &'a [Start],
    pub(super) lent: &'a Lent,
}

/// A patch for the revisions of a trial that do not lead back.
pub(super) fn mend(mending: &Mending<'_>, trips: &[Trip], cancelled: &AtomicBool) -> Result<Mend, TrialError> {
    let mut mend = Mend::default();
    let mut whys = Vec::new();
    for trip in trips.iter().filter(|trip| !trip.outcome.leads_back()).take(MOST_REVISIONS) {
        if cancelled.load(Ordering::Relaxed) {
            return Err(TrialError::Ended(Ended::Cancelled));
        }
        match of_revision(mending, trip)? {
            Ok(patch) => {
                let place =
                    if is_outside(mending.workshop, &trip.revision) { " (outside of the project's folder: `patch -p1 -d /`)" } else { "" };
                whys.push(format!("{}: with it the revision was run and leads back{place}", trip.revision));
                mend.patch.get_or_insert_default().push_str(&patch);
            }
            Err(why) => whys.push(format!("{}: no patch: {why}", trip.revision)),
        }
    }
    mend.why = whys.join("; ");
    Ok(mend)
}

/// Its file has no path from the project's folder.
fn is_outside(workshop: &Workshop, revision: &str) -> bool {
    let project = &workshop.workspace.project;
    let file = project.graph.by_id(revision).and_then(|at| project.revision(at)).map(|revision| revision.file.as_str());
    file.is_some_and(|file| file.starts_with('/'))
}

/// The patch of one revision, or why there is none.
fn of_revision(mending: &Mending<'_>, trip: &Trip) -> Result<Result<String, String>, TrialError> {
    let Mending { workshop, range, .. } = *mending;
    let project = &workshop.workspace.project;
    let Some(at) = range.revisions.iter().position(|id| *id == trip.revision) else { return Ok(Err("it is not in the range".to_owned())) };
    let Some(revision) = project.graph.by_id(&trip.revision).and_then(|at| project.revision(at)) else {
        return Ok(Err("its file is not known".to_owned()));
    };
    let Ok(original) = std::fs::read_to_string(workshop.workspace.path(&revision.file)) else {
        return Ok(Err(format!("`{}` cannot be read", revision.file)));
    };
    let mut current = original.clone();
    let mut seen = trip.clone();
    let mut why = String::new();
    for _ in 0..MOST_STEPS {
        let read = crate::project::revision::read_all(&[(revision.file.as_str(), current.as_str())]);
        let body = read.into_iter().next().and_then(|read| read.revision).and_then(|revision| revision.downgrade);
        let tries = match candidates(&seen, &Text::new(&current, body.as_ref()), workshop.server.dialect) {
            Ok(tries) => tries,
            Err(reason) => {
                why = reason;
                break;
            }
        };
        let mut better: Option<(String, Trip)> = None;
        for text in tries.into_iter().take(MOST_TEXTS) {
            let Ok(tried) = tried_with(mending, at, trip.is_fitted, &text) else { continue };
            if tried.outcome.leads_back() {
                return Ok(Ok(unified(&revision.file, &original, &text)));
            }
            let is_further = tried.outcome > better.as_ref().map_or(seen.outcome, |(_, trip)| trip.outcome)
                || is_later(&tried, &seen) && better.is_none();
            if is_further {
                better = Some((text, tried));
            }
        }
        let Some((text, trip)) = better else { break };
        (current, seen) = (text, trip);
    }
    if why.is_empty() {
        why = format!("what was tried does not lead back: {}", seen.why);
    }
    Ok(Err(why))
}

/// The same outcome for another reason is a step as well: the next thing in the way shows.
fn is_later(tried: &Trip, before: &Trip) -> bool {
    let words = |trip: &Trip| trip.failure.as_ref().map(|failure| failure.message.clone());
    tried.outcome == before.outcome && words(tried) != words(before)
}

/// The round trip of the revision at place `at`, with another text. `is_fitted`: with rows that fit what it demands.
fn tried_with(mending: &Mending<'_>, at: usize, is_fitted: bool, text: &str) -> Result<Trip, TrialError> {
    let Mending { workshop, range, wishes, starts, lent } = *mending;
    let (Some(id), Some(start)) = (range.revisions.get(at), Start::before(starts, at)) else {
        return Err(TrialError::Ended(Ended::Cancelled));
    };
    let mut base = if is_fitted {
        Base::fitting(workshop, range, start, (at, at), Mood::Awkward, wishes)?.map_err(|_| TrialError::Ended(Ended::Cancelled))?
    } else {
        Base::again(workshop, range, start, at, wishes)?
    };
    let mut warm = lent.lock();
    warm.bridge.point_at(base.databases.iter().map(target).collect())?;
    warm.bridge.override_revision(id, Some(text))?;
    let is_last = at + 1 == range.revisions.len();
    let trying = Trying {
        revision: id,
        way_back: if way_back(workshop, id) == WayBack::Missing { WayBack::Runs } else { way_back(workshop, id) },
        wishes,
        seed_after: wishes.seed_after_upgrade_sql.as_deref().filter(|_| is_last),
    };
    let mut mover = ByAlembic { bridge: &mut warm.bridge, workshop, sent: Vec::new() };
    let outcome = try_one(&mut mover, &mut base.looker, &trying, &mut Vec::new(), &mut Trace::default());
    // Its own text again, whatever happened.
    warm.bridge.override_revision(id, None)?;
    outcome.map(|(trip, _)| trip)
}

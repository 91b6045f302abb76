//! Rows that fit what a revision demands: made where it stands already, and taken back by its own downgrade.
//!
//! Made-up rows hold NULLs, duplicates and values at the border on purpose. An upgrade that demands something of its rows (a unique
//! key, a check, a foreign key, a narrower type) is stopped by them, whatever production holds. Behind the upgrade the server
//! itself says which rows fit; brought back in front of it, they are rows as its author takes for granted.

use crate::rows::Mood;
use crate::rows::fill::{Filled, Made};
use crate::trial::look::Looker;
use crate::trial::trip::{Mover, add_new};
use crate::trial::{Failure, TrialError};

/// The rule whose allowance says that no stored row is in the way.
pub const ALLOWANCE: &str = "may_fail_on_rows";

/// The made-up table among those that a refused statement names, or a revision's own words where it counts rows and raises;
/// None where it is not rows that were refused, or rows of somebody's own.
#[must_use]
pub fn refused_table<'a>(failure: &Failure, filled: &'a [Filled]) -> Option<&'a Filled> {
    let code = failure.sqlstate.as_deref();
    let text = match (failure.sql.as_deref(), code) {
        (None, None) => failure.message.as_str(),
        // `RAISE EXCEPTION`, `SIGNAL`.
        (Some(sql), Some("P0001" | "1644")) => sql,
        (sql, _) => sql.filter(|_| failure.is_by_rows())?,
    };
    let is_named = |table: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| Some(word) == table.rsplit('.').next());
    filled.iter().find(|filled| filled.written > 0 && is_named(&filled.table))
}

/// Fills a database that stands in front of these revisions, its tables without made-up rows, as awkwardly as `mood` says. `Err`: why
/// there are none that fit; the database is of no more use then.
pub(super) fn fill(
    mover: &mut dyn Mover,
    looker: &mut Looker,
    revisions: &[String],
    (rows, mood): (u32, Mood),
) -> Result<Result<Vec<Filled>, String>, TrialError> {
    let words = |failure: &Failure| failure.message.lines().next().unwrap_or_default().to_owned();
    for revision in revisions {
        if let Some(failure) = mover.go(true, revision)? {
            return Ok(Err(format!("without rows {revision} is stopped too: {}", words(&failure))));
        }
    }
    let mut filled = looker.fill_with(Made { rows, mood, words: &mover.words()? }, &[])?;
    for revision in revisions.iter().rev() {
        if let Some(failure) = mover.go(false, revision)? {
            return Ok(Err(format!("rows that fit do not come back: the downgrade of {revision} fails: {}", words(&failure))));
        }
    }
    // Tables that stand in front of them only.
    add_new(&mut filled, looker.fill_with(Made { rows, mood, words: &mover.words()? }, &[])?);
    mover.statements();
    Ok(Ok(filled))
}

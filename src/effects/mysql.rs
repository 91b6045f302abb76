//! To come.
use crate::effects::{Effect, Fact, Online, Place};
use crate::sql::change::Reading;
/// Rows.
pub const FACTS: &[Fact] = &[];
/// The effect.
#[must_use]
pub fn effect(_reading: &Reading, _place: &Place<'_>) -> Effect {
    Effect { unknown: Some("no facts yet".to_owned()), ..Effect::default() }
}
/// The worse of two.
#[must_use]
pub const fn worse(mine: Online, _theirs: Online) -> Online {
    mine
}

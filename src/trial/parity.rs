//! Whether a round trip ran on what production runs.

use serde::Serialize;

use crate::dialect::{Dialect, Production};
use crate::trial::Engine;

/// Whether it ran on what production runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parity {
    /// It did; null where nobody says what production is.
    pub ok: Option<bool>,
    /// In a sentence.
    pub why: String,
}

/// The engine of the test against production's: the dialect, PostgreSQL's major or the first two numbers of others, and
/// what text is written in, where somebody says it of production.
#[must_use]
pub fn parity(wanted: Option<&Production>, engine: &Engine) -> Parity {
    let Some(wanted) = wanted else {
        return Parity {
            ok: None,
            why: "nobody says what production runs: give `production`, or `[environments.production] server`".to_owned(),
        };
    };
    let (Production { dialect, version, .. }, encoding) = (wanted, wanted.encoding());
    let tested = format!("{} {}", engine.dialect, engine.version);
    let wanted_words = format!("{} {}", dialect.word(), version.clone().unwrap_or_default()).trim().to_owned();
    let parts = if *dialect == Dialect::Postgresql { 1 } else { 2 };
    let head = |text: &str| text.split('.').take(parts).map(str::to_owned).collect::<Vec<_>>();
    let same_version = version.as_ref().is_none_or(|version| {
        let (wanted, had) = (head(version), head(&engine.version));
        wanted.iter().zip(&had).all(|(wanted, had)| wanted == had)
    });
    if dialect.word() != engine.dialect {
        Parity { ok: Some(false), why: format!("tested on {tested}, production runs {wanted_words}: another dialect proves nothing") }
    } else if !encoding.is_met_by(&engine.encoding()) {
        let why = format!("tested on {tested} whose database writes {}, production writes {encoding}", engine.encoding());
        Parity { ok: Some(false), why }
    } else if same_version && !encoding.is_default() {
        Parity { ok: Some(true), why: format!("tested on {tested}, as production runs {wanted_words}, both with {encoding}") }
    } else if same_version {
        Parity { ok: Some(true), why: format!("tested on {tested}, as production runs {wanted_words}") }
    } else {
        Parity { ok: Some(false), why: format!("tested on {tested}, production runs {wanted_words}") }
    }
}

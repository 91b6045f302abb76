//! What SQLite 3.25 to 3.54 does with a change: which situation it meets, with which message it refuses, what is lost.
//!
//! One writer locks the whole database, so that there is one lock on the table `*`. Whether a foreign key acts is
//! a setting of the connection: `PRAGMA foreign_keys` in the setup or in the script outside of a transaction says
//! it; without a word it is off, as in SQLite itself.

pub mod columns;
pub mod drops;
pub mod facts;
pub mod foreign_keys;
pub mod literals;
pub mod objects;
pub mod recreation;
pub mod rows;
pub mod syntax;
pub mod tables;
pub mod views;

pub use facts::FACTS;

use crate::effects::fact::{Fact, Role};
use crate::effects::{Effect, Place, When, Work};
use crate::sql::catalog::{IndexState, RelationKind};
use crate::sql::change::{Change, Name, Reading};

/// The newest version that was measured: newer ones are taken to do the same.
const NEWEST: u16 = 54;

/// What SQLite does with a statement.
#[must_use]
pub fn effect(reading: &Reading, place: &Place<'_>) -> Effect {
    let mut effect = Effect::default();
    if let Some(word) = syntax::unknown_word(reading, place.server.version) {
        refuse_syntax(&mut effect, &word, place);
        return effect;
    }
    match &reading.change {
        Change::CreateTable(create) => tables::create(&mut effect, create, place),
        Change::AlterTable(alter) => tables::alter(&mut effect, alter, place),
        Change::Drop(drop) => drops::effect(&mut effect, reading.kind, drop, place),
        Change::Insert(_) | Change::Update(_) | Change::Delete(_) | Change::Select(_) => rows::effect(&mut effect, &reading.change, place),
        _ => objects::effect(&mut effect, reading, place),
    }
    effect
}

/// SQLite stops at a word that it does not expect.
fn refuse_syntax(effect: &mut Effect, word: &str, place: &Place<'_>) {
    effect.fail(format!("near \"{word}\": syntax error"), When::Always, format!("{} does not know this syntax", place.server));
}

/// SQLite refuses, whatever the rows are.
fn refuse(effect: &mut Effect, message: impl Into<String>, why: impl Into<String>) {
    effect.fail(message, When::Always, why);
}

/// The row for a situation on this version. Without one, nobody knows: the effect says so.
fn fact(effect: &mut Effect, situation: &'static str, place: &Place<'_>) -> Option<&'static Fact> {
    let version = place.server.version;
    let found = FACTS.iter().find(|fact| fact.situation == situation && fact.covers(3, version.minor.clamp(25, NEWEST)));
    if found.is_none() || version.major != 3 || !(25..=NEWEST).contains(&version.minor) {
        effect.unknown.get_or_insert_with(|| format!("no fact for `{situation}` on {}", place.server));
    }
    if let Some(fact) = found {
        effect.situations.push(situation);
        if !effect.cites.contains(&fact.cite) {
            effect.cites.push(fact.cite);
        }
        if let Some(mode) = fact.mode(Role::Target) {
            effect.lock(Name::bare("*"), mode);
        }
    }
    found
}

/// Notes a situation on a table: the lock, and the work if the table has rows.
fn meets(effect: &mut Effect, situation: &'static str, table: &Name, place: &Place<'_>) {
    if let Some(fact) = fact(effect, situation, place) {
        works(effect, table, fact.work, place);
    }
}

/// Notes work on a table that stood before and has rows.
fn works(effect: &mut Effect, table: &Name, work: Work, place: &Place<'_>) {
    if !place.catalog.is_new(table) && place.catalog.has_rows(table) {
        effect.works(&place.catalog.key(table), work);
    }
}

/// The table is known to be missing: SQLite says so. True: nothing else happens.
fn missing(effect: &mut Effect, name: &Name, place: &Place<'_>) -> bool {
    let missing = place.catalog.is_missing(name);
    if missing {
        refuse(effect, format!("no such table: {name}"), format!("`{name}` does not stand here"));
    }
    missing
}

fn is_view(name: &Name, place: &Place<'_>) -> bool {
    place.catalog.table(name).is_some_and(|table| table.kind == RelationKind::View)
}

/// The index called `name`, with its table. Those of constraints have names of SQLite's own.
fn index<'a>(name: &Name, place: &Place<'a>) -> Option<(&'a Name, &'a IndexState)> {
    place.catalog.index(name).filter(|(_, state)| state.constraint.is_none())
}

/// True when the columns of a table are known, all of them.
fn knows_columns(name: &Name, place: &Place<'_>) -> bool {
    place.catalog.is_complete
        && place.catalog.table(name).is_some_and(|table| table.kind == RelationKind::Table && !table.columns.is_empty())
}

/// Names that SQLite keeps for itself.
fn reserved(effect: &mut Effect, name: &Name) -> bool {
    let is_reserved = name.name.to_lowercase().starts_with("sqlite_");
    if is_reserved {
        refuse(effect, format!("object name reserved for internal use: {}", name.name), "names with `sqlite_` in front are SQLite's own");
    }
    is_reserved
}

//! What MySQL and MariaDB do with a change: which situation it meets, and on which tables.

pub mod alter;
pub mod column;
pub mod facts;
pub mod keys;
pub mod literals;
pub mod refused;
pub mod rows;
pub mod tables;
pub mod types;
pub mod whole;

pub use facts::FACTS;

use crate::dialect::Dialect;
use crate::effects::fact::{Fact, LockMode, Role};
use crate::effects::{Effect, Loss, Online, Place, Undo, When, Work};
use crate::sql::catalog::Table;
use crate::sql::change::{AlterAction, AlterTable, Change, Name, Reading};

/// What MySQL or MariaDB does with a statement.
#[must_use]
pub fn effect(reading: &Reading, place: &Place<'_>) -> Effect {
    let mut effect = Effect::default();
    if let Some(why) = refused_syntax(reading, place) {
        effect.fail("1064", When::Always, why);
        return effect;
    }
    match &reading.change {
        Change::AlterTable(alter) => alter::alter(&mut effect, alter, reading.flags.get("if_exists") == Some(&true.into()), place),
        Change::CreateIndex { table, index, algorithm, lock, .. } => {
            let action = AlterAction::AddIndex(index.clone());
            let alter = one_action(table, action, algorithm, lock);
            alter::create_index(&mut effect, &alter, index, reading.flags.contains_key("or_replace"), place);
        }
        Change::Insert(_) | Change::Update(_) | Change::Delete(_) | Change::Select(_) | Change::LoadData { .. } => {
            rows::effect(&mut effect, &reading.change, place);
        }
        _ => tables::effect(&mut effect, reading, place),
    }
    effect
}

pub(crate) fn one_action(table: &Name, action: AlterAction, algorithm: &Option<String>, lock: &Option<String>) -> AlterTable {
    AlterTable { table: table.clone(), actions: vec![action], algorithm: algorithm.clone(), lock: lock.clone(), ..AlterTable::default() }
}

/// Words that the reader takes, and this server does not.
fn refused_syntax(reading: &Reading, place: &Place<'_>) -> Option<String> {
    let mariadb = place.server.dialect == Dialect::Mariadb;
    match &reading.change {
        Change::AlterTable(alter) if mariadb => alter.actions.iter().find_map(mariadb_refuses).map(str::to_owned),
        Change::AlterTable(alter) => {
            if let Some(why) = alter.actions.iter().find_map(mysql_refuses) {
                return Some(why.to_owned());
            }
            let conditional = alter.if_exists || alter.actions.iter().any(is_conditional);
            let ignore = alter.ignore.then(|| "MySQL has no `ALTER IGNORE TABLE` since 5.7.4".to_owned());
            ignore.or_else(|| conditional.then(|| "MySQL has no `IF EXISTS` and `IF NOT EXISTS` inside of `ALTER TABLE`".to_owned()))
        }
        Change::CreateIndex { index, .. } if mariadb => index
            .keys
            .iter()
            .any(|key| matches!(key, crate::sql::change::IndexKey::Expression(_)))
            .then(|| "MariaDB has no index over an expression; index a virtual column".to_owned()),
        Change::CreateIndex { index, .. } if index.if_not_exists => Some("MySQL has no `CREATE INDEX IF NOT EXISTS`".to_owned()),
        Change::CreateIndex { .. } if reading.flags.contains_key("or_replace") => Some("MySQL has no `CREATE OR REPLACE INDEX`".to_owned()),
        Change::CreateSequence { .. } | Change::AlterSequence { .. } if !mariadb => Some("MySQL has no sequences".to_owned()),
        Change::CreateTable(create) if create.or_replace && !mariadb => Some("MySQL has no `CREATE OR REPLACE TABLE`".to_owned()),
        Change::Drop(drop) if reading.kind == crate::sql::words::Kind::DropIndex => match (&drop.on, drop.if_exists && !mariadb) {
            (None, _) => Some(format!("`DROP INDEX` needs `ON table` on {}", place.server.dialect.title())),
            (_, true) => Some("MySQL has no `DROP INDEX IF EXISTS`".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn mariadb_refuses(action: &AlterAction) -> Option<&'static str> {
    match action {
        AlterAction::AlterIndex { word, .. } if word.ends_with("visible") => Some("MariaDB says `IGNORED` instead of `INVISIBLE`"),
        AlterAction::AlterConstraint { .. } => Some("MariaDB has no `NOT ENFORCED`"),
        _ => None,
    }
}

fn mysql_refuses(action: &AlterAction) -> Option<&'static str> {
    match action {
        AlterAction::SystemVersioning { .. } => Some("MySQL has no system versioning"),
        AlterAction::TableOption { name, .. } if MARIADB_OPTIONS.contains(&name.as_str()) => Some("this option is MariaDB's"),
        AlterAction::AlterIndex { word, .. } if word.ends_with("ignored") => Some("MySQL says `INVISIBLE` instead of `IGNORED`"),
        AlterAction::AddColumn { column, .. } | AlterAction::ChangeColumn { column, .. } => {
            let own = column.data_type.as_ref().is_some_and(|data_type| matches!(data_type.name.as_str(), "uuid" | "inet4" | "inet6"));
            let compressed = column.storage.as_deref() == Some("compressed");
            (own || compressed).then_some("this type or attribute of a column is MariaDB's")
        }
        _ => None,
    }
}

const MARIADB_OPTIONS: &[&str] = &[
    "page_compressed",
    "page_compression_level",
    "encrypted",
    "encryption_key_id",
    "page_checksum",
    "transactional",
    "period",
    "sequence",
];

fn is_conditional(action: &AlterAction) -> bool {
    match action {
        AlterAction::AddColumn { if_not_exists, .. } => *if_not_exists,
        AlterAction::AddIndex(index) => index.if_not_exists,
        AlterAction::AddConstraint(constraint) => constraint.if_not_exists,
        AlterAction::DropColumn { if_exists, .. }
        | AlterAction::DropIndex { if_exists, .. }
        | AlterAction::DropForeignKey { if_exists, .. }
        | AlterAction::DropConstraint { if_exists, .. }
        | AlterAction::ChangeColumn { if_exists, .. } => *if_exists,
        _ => false,
    }
}

/// The row for a situation on this server. Without one, nobody knows: the effect says so.
pub(crate) fn fact(effect: &mut Effect, situation: &'static str, place: &Place<'_>) -> Option<&'static Fact> {
    let Some(fact) = fact_of(situation, place) else {
        effect.unknown.get_or_insert_with(|| format!("no fact for `{situation}` on {}", place.server));
        return None;
    };
    effect.situations.push(situation);
    if !effect.cites.contains(&fact.cite) {
        effect.cites.push(fact.cite);
    }
    Some(fact)
}

/// The row for a situation on this server, if there is one.
pub(crate) fn fact_of(situation: &str, place: &Place<'_>) -> Option<&'static Fact> {
    let dialect = place.server.dialect;
    let (major, minor) = facts::release(dialect, place.server.version);
    FACTS.iter().find(|fact| fact.dialect == dialect && fact.situation == situation && fact.covers(major, minor))
}

/// Notes a situation on a table: lock, work and class. Nobody minds what happens to a table of this script.
pub(crate) fn meets(effect: &mut Effect, situation: &'static str, table: &Name, place: &Place<'_>) -> Option<&'static Fact> {
    let fact = fact(effect, situation, place)?;
    takes(effect, fact, table, place);
    Some(fact)
}

pub(crate) fn takes(effect: &mut Effect, fact: &Fact, table: &Name, place: &Place<'_>) {
    if place.catalog.is_new(table) {
        return;
    }
    let key = place.catalog.key(table);
    let mode = fact.mode(Role::Target).unwrap_or(LockMode::OnlineNone);
    effect.works(&key, fact.work);
    effect.lock(key, mode);
    if !fact.algorithm.is_empty() {
        let online = Online { algorithm: fact.algorithm, lock: mode.words() };
        effect.online = Some(effect.online.map_or(online, |mine| worse(mine, online)));
    }
}

/// Cheapest first.
pub(crate) const ALGORITHMS: &[&str] = &["INSTANT", "NOCOPY", "INPLACE", "COPY"];
/// Cheapest first.
pub(crate) const LOCKS: &[&str] = &["NONE", "SHARED", "EXCLUSIVE"];

/// Where a word stands in one of these lists, without regard to case.
pub(crate) fn rank(list: &[&str], word: &str) -> usize {
    list.iter().position(|other| other.eq_ignore_ascii_case(word)).unwrap_or(0)
}

/// The worse of two.
#[must_use]
pub fn worse(mine: Online, theirs: Online) -> Online {
    let pick = |list: &[&str], mine: &'static str, theirs: &'static str| if rank(list, theirs) > rank(list, mine) { theirs } else { mine };
    Online { algorithm: pick(ALGORITHMS, mine.algorithm, theirs.algorithm), lock: pick(LOCKS, mine.lock, theirs.lock) }
}

/// The table is known to be missing.
pub(crate) fn missing(effect: &mut Effect, code: &'static str, name: &Name, if_exists: bool, place: &Place<'_>) -> bool {
    let missing = place.catalog.is_missing(name);
    if missing && !if_exists {
        effect.fail(code, When::Always, format!("table `{name}` does not exist"));
    }
    missing
}

/// The table with all its columns, when the whole schema is known.
pub(crate) fn known<'a>(table: &Name, place: &Place<'a>) -> Option<&'a Table> {
    place.catalog.table(table).filter(|found| place.catalog.is_complete && !found.columns.is_empty() && found.query.is_none())
}

/// The table stood before and holds rows, as far as is known.
pub(crate) fn has_old_rows(table: &Name, place: &Place<'_>) -> bool {
    !place.catalog.is_new(table) && place.catalog.has_rows(table)
}

/// Values that do not fit are refused: the default of all servers since MySQL 5.7 and MariaDB 10.2.
pub(crate) fn is_strict(place: &Place<'_>) -> bool {
    place.catalog.setting("sql_mode").is_none_or(|mode| mode.contains("strict") || mode.contains("traditional") || mode.contains("@@"))
}

/// A switch that is on unless the script turned it off.
pub(crate) fn is_on(setting: &str, place: &Place<'_>) -> bool {
    !matches!(place.catalog.setting(setting), Some("0" | "off" | "false"))
}

/// Notes a loss on a table that stood before.
pub(crate) fn loses(effect: &mut Effect, table: &Name, loss: Loss, why: impl Into<String>, place: &Place<'_>) {
    if !place.catalog.is_new(table) {
        effect.lose(loss, why);
        if loss >= Loss::Medium {
            effect.undo(Undo::ShapeOnly);
        }
    }
}

/// Stored rows or columns of a table go: `high` if it holds rows.
pub(crate) fn loses_stored(effect: &mut Effect, table: &Name, why: impl Into<String>, place: &Place<'_>) {
    let loss = if place.catalog.has_rows(table) { Loss::High } else { Loss::Low };
    loses(effect, table, loss, why, place);
}

/// Notes what stops working, for a table that the running release knows.
pub(crate) fn breaks(effect: &mut Effect, rule: &'static str, table: &Name, what: impl Into<String>, place: &Place<'_>) {
    if !place.catalog.is_new(table) {
        effect.breaks(rule, what);
    }
}

/// Notes a failure that stored rows decide on.
pub(crate) fn fails_on_rows(effect: &mut Effect, code: &'static str, table: &Name, why: impl Into<String>, place: &Place<'_>) {
    if has_old_rows(table, place) {
        effect.fail(code, When::OnRows, why);
    }
}

/// All rows are written anew.
pub(crate) const fn copies(fact: &Fact) -> bool {
    matches!(fact.work, Work::Rewrite)
}

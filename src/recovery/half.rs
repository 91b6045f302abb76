//! A migration that stopped in the middle: which of its statements a real database has, and the two ways out.
//!
//! The chain is replayed on a scratch database at the recorded revision, then the statements behind it one by one; the
//! prefix whose schema is the real one is what was applied. Where no prefix is, each statement is looked for by what it
//! makes, and what remains unexplained is drift.

use serde::Serialize;

use super::bench::Bench;
use super::plans;
use super::replay::{Listed, Replay, Sight};
use super::{Plan, Real, RecoveryError};
use crate::dialect::Dialect;
use crate::snapshot::likeness::{differences, strangers};
use crate::snapshot::{Difference, SchemaSnapshot};
use crate::workshop::Workshop;

/// How many pending revisions are looked for.
const MOST_REVISIONS: usize = 6;

/// One statement and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Its revision.
    pub revision: String,
    /// Its place in the revision, from 1, as `review_sql` counts.
    pub index: u32,
    /// `applied`, `not_applied`, or `not_seen`: it leaves nothing in a schema that would show it.
    pub state: &'static str,
    /// The statement.
    pub sql: String,
    /// The file and line that make it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    pub line: u32,
}

/// Whether `alembic stamp` is right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// The exact command; none where no stamp is right.
    pub command: Option<String>,
    /// Why.
    pub why: String,
}

/// A database between two revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HalfApplied {
    /// The revision that was begun.
    pub revision: String,
    /// Places of its statements that were applied, from 1.
    pub applied: Vec<u32>,
    /// All statements that were looked for.
    pub statements: Vec<Statement>,
    /// What takes back what was applied, in order.
    pub reverse_sql: Vec<String>,
    /// The ways out.
    pub plans: Vec<Plan>,
    /// Whether the pointer is to be moved.
    pub stamp: Stamp,
    /// The cause, where it is known.
    pub why: String,
}

/// What a real database is.
pub struct Standing {
    /// A migration stopped in it.
    pub half: Option<HalfApplied>,
    /// What it has otherwise than the chain, and no pending statement explains.
    pub unexplained: Vec<Difference>,
    /// Objects among them that the chain makes nowhere and that belong to nothing it makes: nobody who applies minds them.
    pub strangers: Vec<String>,
    /// The schema that the chain makes, with what was applied of a migration that stopped.
    pub expected: SchemaSnapshot,
    /// Its own schema.
    pub schema: SchemaSnapshot,
    /// The revision that it was compared at.
    pub at: String,
    /// What else should be known.
    pub notes: Vec<String>,
}

impl Standing {
    /// True for somebody else's object, and for what belongs to one.
    #[must_use]
    pub fn is_strangers(&self, label: &str) -> bool {
        let is_one = |label: &str| self.strangers.iter().any(|one| one == label);
        is_one(label) || self.schema.ancestors(label).any(is_one)
    }

    /// The schema is what the recorded revision says; what is somebody else's stands beside it.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.half.is_none() && self.unexplained.iter().all(|one| self.is_strangers(&one.object))
    }
}

/// Compares a real database with its chain, and looks for a migration that stopped.
///
/// # Errors
/// The chain cannot be replayed, the database cannot be read, there are several version rows.
pub fn standing(workshop: &Workshop, real: &mut Real) -> Result<Standing, RecoveryError> {
    let at = match real.versions.as_slice() {
        [] => "base".to_owned(),
        [one] => one.clone(),
        several => {
            return Err(RecoveryError::NotComparable(format!("the version table has {} rows: {}", several.len(), several.join(", "))));
        }
    };
    let whole = real.schema()?;
    let bench = Bench::at(workshop, &at)?;
    let leftovers = leftovers(&bench.schema, &whole);
    let schema = leftovers.iter().fold(whole, |schema, (label, _)| schema.without(label));
    let own = differences(&bench.schema, &schema);
    if own.is_empty() && leftovers.is_empty() {
        let (unexplained, strangers) = (Vec::new(), Vec::new());
        return Ok(Standing { half: None, unexplained, strangers, expected: bench.schema, schema, at, notes: Vec::new() });
    }
    let graph = &workshop.workspace.project.graph;
    let mut pending: Vec<String> = graph.ids(&graph.upgrade_path(&real.versions, "heads")?);
    pending.truncate(MOST_REVISIONS);
    let replay = Replay::of(workshop, &bench, &at, &pending)?;
    let sighted = sighted(&replay, &schema);
    let lacks = own.iter().any(|one| one.change != crate::snapshot::Change::New);
    if sighted.applied.is_empty()
        && lacks
        && let Some(behind) = pointer_ahead(workshop, &at, &pending, &schema)?
    {
        return Ok(behind);
    }
    told(workshop, Found { at: at.clone(), pointer: at, bench, replay, sighted, leftovers }, schema)
}

/// What only a failure leaves: an INVALID index of `CREATE INDEX CONCURRENTLY` (PostgreSQL), the copy of a batch
/// operation beside its original (SQLite).
fn leftovers(chain: &SchemaSnapshot, real: &SchemaSnapshot) -> Vec<(String, String)> {
    let new = real.objects.iter().filter(|(label, _)| !chain.objects.contains_key(*label));
    let leftover = |(label, object): (&String, &crate::snapshot::Object)| {
        let is_invalid = object.kind == "index" && object.attributes.get("valid").is_some_and(|valid| valid == "false");
        let original = object.name.strip_prefix("_alembic_tmp_").filter(|_| object.kind == "table");
        let has_original = original.is_some_and(|name| real.objects.contains_key(&format!("table {name}")));
        match (is_invalid, has_original) {
            (true, _) => Some((label.clone(), format!("DROP INDEX CONCURRENTLY {}", object.name))),
            (false, true) => Some((label.clone(), format!("DROP TABLE \"{}\"", object.name))),
            (false, false) => None,
        }
    };
    new.filter_map(leftover).collect()
}

/// The pointer may be ahead of the schema: stamped past it, or a downgrade that stopped. The recorded revision itself is
/// then not there, or only in part.
fn pointer_ahead(workshop: &Workshop, at: &str, pending: &[String], schema: &SchemaSnapshot) -> Result<Option<Standing>, RecoveryError> {
    let Some(revision) = super::replay::revision_of(workshop, at) else { return Ok(None) };
    let parent = match revision.parents.as_slice() {
        [] => "base".to_owned(),
        [one] => one.clone(),
        _ => return Ok(None),
    };
    let bench = Bench::at(workshop, &parent)?;
    let mut revisions = vec![at.to_owned()];
    revisions.extend(pending.iter().cloned());
    let replay = Replay::of(workshop, &bench, &parent, &revisions)?;
    let sighted = sighted(&replay, schema);
    // Only where it explains all: else the difference is no more likely to be this than a change by hand.
    if !sighted.is_exact {
        return Ok(None);
    }
    told(workshop, Found { at: parent, pointer: at.to_owned(), bench, replay, sighted, leftovers: Vec::new() }, schema.clone()).map(Some)
}

/// What was found, before it is told.
pub(super) struct Found {
    /// The revision in front of the statements.
    pub(super) at: String,
    /// What the version table says.
    pub(super) pointer: String,
    pub(super) bench: Bench,
    pub(super) replay: Replay,
    pub(super) sighted: Sighted,
    /// What a statement that failed left behind, and what takes it away.
    pub(super) leftovers: Vec<(String, String)>,
}

/// Places (from 0) of statements, as a schema shows them.
pub(super) struct Sighted {
    pub(super) applied: Vec<usize>,
    /// They leave nothing to be seen, and nothing behind them was applied.
    pub(super) unseen: Vec<usize>,
    /// The schema is exactly that behind the applied ones.
    pub(super) is_exact: bool,
}

fn sighted(replay: &Replay, schema: &SchemaSnapshot) -> Sighted {
    if let Some((shortest, longest)) = replay.prefixes_like(schema) {
        return Sighted { applied: (0..shortest).collect(), unseen: (shortest..longest).collect(), is_exact: true };
    }
    let sights: Vec<Sight> = (0..replay.statements.len()).map(|at| replay.sight(at, schema)).collect();
    let last = sights.iter().rposition(|sight| *sight == Sight::There);
    let first_absent = sights.iter().position(|sight| *sight == Sight::Absent).unwrap_or(sights.len());
    let mut found = Sighted { applied: Vec::new(), unseen: Vec::new(), is_exact: false };
    for (at, sight) in sights.iter().enumerate() {
        // Statements run in order: what leaves no trace ran where one behind it did, and none in front of it is missing.
        let ran = last.is_some_and(|last| at < last) && at < first_absent;
        match sight {
            Sight::There => found.applied.push(at),
            Sight::Nothing if ran => found.applied.push(at),
            Sight::Nothing => found.unseen.push(at),
            Sight::Absent => {}
        }
    }
    found
}

fn told(workshop: &Workshop, found: Found, schema: SchemaSnapshot) -> Result<Standing, RecoveryError> {
    let mut notes = found.replay.notes.clone();
    let mut database = found.bench.fresh()?;
    let applied: Vec<&Listed> = found.sighted.applied.iter().filter_map(|at| found.replay.statements.get(*at)).collect();
    if let Some((sql, error)) = database.run_all(applied.iter().map(|statement| statement.sql.as_str())) {
        notes.push(format!("`{sql}` alone could not be played again: {error}"));
    }
    let expected = database.schema()?;
    let unexplained = differences(&expected, &schema);
    let made = |label: &str| found.replay.schemas.iter().any(|schema| schema.objects.contains_key(label));
    let strangers = strangers(&schema, |label| expected.objects.contains_key(label) || made(label));
    let is_behind = found.at != found.pointer;
    let is_begun = !applied.is_empty() || !found.leftovers.is_empty() || (is_behind && found.sighted.is_exact);
    if !is_begun {
        return Ok(Standing { half: None, unexplained, strangers, expected, schema, at: found.at, notes });
    }
    let half = half(workshop, &found, &expected, unexplained.is_empty())?;
    Ok(Standing { half: Some(half), unexplained, strangers, expected, schema, at: found.at, notes })
}

fn half(workshop: &Workshop, found: &Found, expected: &SchemaSnapshot, is_explained: bool) -> Result<HalfApplied, RecoveryError> {
    let statements = &found.replay.statements;
    let is_applied = |at: usize| found.sighted.applied.contains(&at);
    let is_unseen = |at: usize| found.sighted.unseen.contains(&at);
    // The first revision with a statement that is missing, else the last of which one is there.
    let missing = statements.iter().enumerate().find(|(at, _)| !is_applied(*at) && !is_unseen(*at)).map(|(_, one)| one.revision.clone());
    let touched: Vec<&str> = found.sighted.applied.iter().filter_map(|at| statements.get(*at)).map(|one| one.revision.as_str()).collect();
    let last_touched = touched.last().map_or_else(|| found.pointer.clone(), |last| (*last).to_owned());
    let begun = |id: &String| touched.contains(&id.as_str()) || touched.is_empty();
    let revision = missing.filter(begun).unwrap_or(last_touched);
    let applied =
        statements.iter().enumerate().filter(|(at, one)| one.revision == revision && is_applied(*at)).map(|(_, one)| one.index).collect();
    let told = |(at, one): (usize, &Listed)| Statement {
        revision: one.revision.clone(),
        index: one.index,
        state: if is_applied(at) {
            "applied"
        } else if is_unseen(at) {
            "not_seen"
        } else {
            "not_applied"
        },
        sql: one.sql.clone(),
        file: one.file.clone(),
        line: one.line,
    };
    let end = statements.iter().rposition(|one| one.revision == revision).map_or(0, |at| at + 1);
    let ways = plans::ways(workshop, found, &revision, end, expected)?;
    let stamp = stamp(found, end, is_explained);
    let mut plans = ways.plans;
    let left = found.leftovers.iter().map(|(label, _)| format!("{label} is what a statement that failed left behind")).collect::<Vec<_>>();
    if let Some(command) = &stamp.command {
        plans.insert(
            0,
            Plan {
                name: "stamp",
                what: stamp.why.clone(),
                sql: Vec::new(),
                revision: None,
                patch: None,
                commands: vec![command.clone()],
                proven: true,
                mind: unseen_words(found, end),
            },
        );
    }
    Ok(HalfApplied {
        revision,
        applied,
        statements: statements.iter().enumerate().take(end).map(told).collect(),
        reverse_sql: ways.reverse_sql,
        plans,
        stamp,
        why: [why(workshop.server.dialect, found, end)].into_iter().chain(left).collect::<Vec<_>>().join("; "),
    })
}

/// Statements that change rows and whose work no schema shows.
pub(super) fn unseen_words(found: &Found, end: usize) -> Vec<String> {
    let unseen =
        found.sighted.unseen.iter().filter(|at| **at < end).filter_map(|at| found.replay.statements.get(*at)).filter(|one| !one.is_setting);
    unseen
        .map(|one| {
            format!(
                "statement {} of {} leaves nothing in the schema: see in the rows whether it ran (`{}`)",
                one.index,
                one.revision,
                clipped(&one.sql)
            )
        })
        .collect()
}

pub(super) fn clipped(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 100 { format!("{}…", line.chars().take(100).collect::<String>()) } else { line }
}

/// A stamp is right only where the schema is exactly what one revision makes, and the pointer names another.
fn stamp(found: &Found, end: usize, is_explained: bool) -> Stamp {
    let statements = &found.replay.statements;
    let is_done = |at: usize| found.sighted.applied.contains(&at) || found.sighted.unseen.contains(&at);
    let whole = (0..end).all(is_done) && end > 0 && found.replay.played() >= end;
    let none = !found.sighted.applied.iter().any(|at| statements.get(*at).is_some_and(|one| !one.is_setting));
    let target = if whole { statements.get(end - 1).map(|one| one.revision.clone()) } else { none.then(|| found.at.clone()) };
    match target {
        Some(target) if is_explained && found.leftovers.is_empty() && target != found.pointer => Stamp {
            command: Some(format!("alembic stamp {target}")),
            why: format!("the schema is exactly what `{target}` makes, the version table says `{}`", found.pointer),
        },
        Some(target) if target != found.pointer => Stamp {
            command: None,
            why: format!("no stamp: all of `{target}` is there, and more that it does not make; explain that first"),
        },
        _ => Stamp {
            command: None,
            why: format!(
                "no stamp: the schema stands between two revisions and the version table (`{}`) names one of them; stamping further would say that statements ran which did not",
                found.pointer
            ),
        },
    }
}

/// Why something is left, and what stopped it.
fn why(dialect: Dialect, found: &Found, end: usize) -> String {
    let kept = match dialect {
        Dialect::Postgresql => "what ran in `autocommit_block()`, and all in front of it, was committed; the rest was rolled back",
        Dialect::Mysql | Dialect::Mariadb => "each DDL statement commits by itself and all that ran before it",
        Dialect::Sqlite => "the driver commits DDL before the revision ends",
        Dialect::Mssql | Dialect::Oracle => "DDL was committed before the revision ended",
    };
    match &found.replay.refused {
        Some((at, words)) if *at < end => {
            let place = found.replay.statements.get(*at).map(|one| match &one.file {
                Some(file) => format!("statement {} ({file}:{})", one.index, one.line),
                None => format!("statement {}", one.index),
            });
            format!("{kept}; {} fails on an empty database too: {words}", place.unwrap_or_else(|| "a statement".to_owned()))
        }
        _ => format!(
            "{kept}; all statements pass on a scratch database, so it stopped on rows, a lock or a limit of time: see the log of that run"
        ),
    }
}

//! The statements of the revisions behind a point of the chain, run one by one on a scratch database, with the schema
//! behind each: what a real database holds of them is then seen by comparing.

use super::RecoveryError;
use super::bench::Bench;
use crate::bridge::Direction as Way;
use crate::project::Revision;
use crate::snapshot::likeness::differences;
use crate::snapshot::{Object, SchemaSnapshot};
use crate::sql::change::Change;
use crate::sql::script;
use crate::sql::split::Direction;
use crate::step::{Options, is_ddl};
use crate::workshop::Workshop;
use crate::workshop::range::Range;
use crate::workshop::rendering::Placed;

/// Statements that are tried; a chain that is further behind is told in words.
const MOST: usize = 150;

/// A statement of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) revision: String,
    /// Within the revision, from 1, as `review_sql` counts them.
    pub(super) index: u32,
    pub(super) sql: String,
    pub(super) file: Option<String>,
    pub(super) line: u32,
    /// It changes rows.
    pub(super) is_rows: bool,
    /// It changes neither rows nor schema: `SET lock_timeout`.
    pub(super) is_setting: bool,
}

/// What was played.
pub(super) struct Replay {
    pub(super) statements: Vec<Listed>,
    /// The schema in front of the first statement and behind each that ran.
    pub(super) schemas: Vec<SchemaSnapshot>,
    /// The place (from 0) of the first that was refused, and the server's words.
    pub(super) refused: Option<(usize, String)>,
    /// What else should be known.
    pub(super) notes: Vec<String>,
    /// The way back of the same revisions, in order.
    pub(super) down: Vec<Listed>,
}

impl Replay {
    /// Plays `revisions`, which follow `from`.
    pub(super) fn of(workshop: &Workshop, bench: &Bench, from: &str, revisions: &[String]) -> Result<Self, RecoveryError> {
        let Some(last) = revisions.last() else {
            let schemas = vec![bench.schema.clone()];
            return Ok(Self { statements: Vec::new(), schemas, refused: None, notes: Vec::new(), down: Vec::new() });
        };
        let range = Range { from: from.to_owned(), to: last.clone(), revisions: revisions.to_vec() };
        let rendering = workshop.render(&range)?;
        let mut statements = listed(workshop, &rendering.up, Direction::Up);
        let mut notes = rendering.notes.clone();
        if statements.len() > MOST {
            notes.push(format!("only the first {MOST} of {} pending statements were compared", statements.len()));
            statements.truncate(MOST);
        }
        let mut replay = Self {
            statements,
            schemas: vec![bench.schema.clone()],
            refused: None,
            notes,
            down: listed(workshop, &rendering.down, Direction::Down),
        };
        replay.play(bench)?;
        if let (None, Some(broken)) = (&replay.refused, rendering.broken.filter(|broken| broken.direction == Way::Up)) {
            replay.refused = Some((replay.statements.len().saturating_sub(1), broken.failure.sentence));
        }
        Ok(replay)
    }

    fn play(&mut self, bench: &Bench) -> Result<(), RecoveryError> {
        let mut database = bench.fresh()?;
        for (at, statement) in self.statements.iter().enumerate() {
            if let Err(error) = database.run(&statement.sql) {
                let words = error.refusal().map_or_else(|| error.to_string(), ToString::to_string);
                self.refused = Some((at, words));
                break;
            }
            let is_silent = statement.is_rows || statement.is_setting;
            let schema = match self.schemas.last() {
                Some(same) if is_silent => same.clone(),
                _ => database.schema()?,
            };
            self.schemas.push(schema);
        }
        Ok(())
    }

    /// The number of statements that ran on the scratch database.
    pub(super) fn played(&self) -> usize {
        self.schemas.len().saturating_sub(1)
    }

    /// The prefixes (numbers of statements) behind which the schema is exactly this one: the shortest and the longest.
    pub(super) fn prefixes_like(&self, real: &SchemaSnapshot) -> Option<(usize, usize)> {
        let alike: Vec<usize> =
            self.schemas.iter().enumerate().filter(|(_, schema)| differences(schema, real).is_empty()).map(|(at, _)| at).collect();
        Some((*alike.first()?, *alike.last()?))
    }

    /// What can be seen of the statement at a place, in a schema that is like none of the prefixes.
    pub(super) fn sight(&self, at: usize, real: &SchemaSnapshot) -> Sight {
        let (Some(before), Some(after)) = (self.schemas.get(at), self.schemas.get(at + 1)) else { return Sight::Absent };
        let touched = touched(before, after);
        if touched.is_empty() {
            return Sight::Nothing;
        }
        let seen = touched.iter().filter(|label| self.is_seen(at, label, real)).count();
        if seen == touched.len() { Sight::There } else { Sight::Absent }
    }

    /// Whether the object `label` is in `real` as this statement or a later one left it, and not as it was before.
    fn is_seen(&self, at: usize, label: &str, real: &SchemaSnapshot) -> bool {
        let there = real.objects.get(label);
        let before = self.schemas.get(at).and_then(|schema| schema.objects.get(label));
        let after = self.schemas.get(at + 1).and_then(|schema| schema.objects.get(label));
        match (before, after, there) {
            // An object that came or went: its attributes may have been changed since.
            (None, Some(_), there) => there.is_some(),
            (Some(_), None, there) => there.is_none(),
            (Some(_), Some(_), None) | (None, None, _) => false,
            (Some(before), Some(_), Some(there)) => {
                let later = self.schemas.iter().skip(at + 1).filter_map(|schema| schema.objects.get(label));
                !is_same(before, there) && later.into_iter().any(|other| is_same(other, there))
            }
        }
    }
}

/// What a schema shows of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It was applied.
    There,
    /// It was not.
    Absent,
    /// It changes nothing that a schema shows.
    Nothing,
}

fn is_same(one: &Object, other: &Object) -> bool {
    let telling = |object: &Object| {
        object.attributes.iter().filter(|(name, _)| *name != "rank").map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>()
    };
    telling(one) == telling(other)
}

/// The objects that two schemas differ in, without what comes or goes with another one.
fn touched(before: &SchemaSnapshot, after: &SchemaSnapshot) -> Vec<String> {
    differences(before, after).into_iter().map(|one| one.object).collect()
}

fn listed(workshop: &Workshop, placed: &Placed, direction: Direction) -> Vec<Listed> {
    let script = script::read(placed.text.clone(), workshop.server);
    let options = Options { files: placed.files.clone(), ..Options::default() };
    let mut counted: Vec<(String, u32)> = Vec::new();
    let mut found = Vec::new();
    for statement in script.statements.iter().filter(|statement| statement.direction == direction) {
        let revision = statement.revision.clone().unwrap_or_default();
        let index = match counted.iter_mut().find(|(known, _)| *known == revision) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                counted.push((revision.clone(), 1));
                1
            }
        };
        let (file, line) = options.place(statement.line);
        let change = &statement.reading.change;
        let is_setting =
            matches!(change, Change::Set { .. } | Change::Begin | Change::Commit | Change::Savepoint | Change::Rollback { .. });
        let is_rows = !is_setting
            && matches!(change, Change::Insert(_) | Change::Update(_) | Change::Delete(_) | Change::Merge(_))
            && !is_ddl(change);
        found.push(Listed { revision, index, sql: script.text_of(statement).to_owned(), file, line, is_rows, is_setting });
    }
    found
}

/// The file of a revision, as the project shows it.
pub(super) fn revision_of<'a>(workshop: &'a Workshop, id: &str) -> Option<&'a Revision> {
    workshop.workspace.project.graph.by_id(id).and_then(|at| workshop.workspace.project.revision(at))
}

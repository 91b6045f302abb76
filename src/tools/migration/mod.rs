//! A migration as every tool sees it: which one is meant, what stands now, what its record proves, what comes next.
//!
//! There is one way to each of these, and it is here. A tool that reviews has a [`Review`] and makes a [`Migration`] of it
//! ([`Migration::of_review`]); others call [`Migration::found`], which reviews first: what stands now is computed at each
//! question, from the files, never read from a record. Then:
//!
//! - [`Migration::add`] writes down what happened (a review, a round trip, an event), whoever else writes meanwhile;
//! - [`Migration::state`] is the state of the contract, [`Migration::show`] puts it into an answer with the next calls;
//! - [`Migration::gates`] asks all five gates for an environment.
//!
//! Before a revision exists there is [`Migration::planned`]: a name and a record, nothing that stands.

pub mod claim;
pub mod gates;
pub mod generated;
pub mod named;
pub mod now;
pub mod pages;
pub mod plan;
pub mod record;
pub mod replayed;
pub mod tested;
pub mod view;
pub mod written;

use serde_json::{Map, Value};

use crate::config::Config;
use crate::dialect::Production;
use crate::effects::Loss;
use crate::lifecycle::evidence::{Now, Review as ReviewEvidence};
use crate::lifecycle::gate;
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::state::State;
use crate::step::Options;
use crate::store::{Happening, Kept, Wishes};
use crate::tools::answer::ToolError;
use crate::tools::call::Call;
use crate::tools::review_sql::{self, Review};
use crate::tools::source::{Ranged, SqlInput};
use crate::workshop::Workshop;
use crate::workshop::range::Range;

use self::claim::Claim;
use self::named::Named;
use self::plan::Plan;
use self::record::Record;

/// A migration of a project.
#[derive(Debug)]
pub struct Migration {
    /// Its id.
    pub id: MigrationId,
    /// Its name.
    pub name: String,
    /// Its revisions; `None` while there is no file.
    pub range: Option<Range>,
    /// What stands now; `None` while there is no file.
    pub now: Option<Now>,
    /// What is on record.
    pub record: Record,
    /// What is wished for, as it will be kept.
    pub kept: Kept,
    /// What the caller claims.
    pub claim: Claim,
    /// What `alembic-gate.toml` says.
    pub config: Config,
    /// Arguments that every further call needs: the project, as the caller named it.
    pub repeated: Map<String, Value>,
}

impl Migration {
    /// The migration that was reviewed just now; `None` for raw SQL. Nothing is written yet.
    #[must_use]
    pub fn of_review(review: &Review, input: &SqlInput) -> Option<Self> {
        let Ranged { workshop, range, named, claim, wishes, .. } = review.asked.ranged.as_ref()?;
        let now = now::now(review)?;
        let kept = Kept {
            migration_name: named.name.clone(),
            target_revision: range.to.clone(),
            revisions: range.revisions.clone(),
            wishes: wishes.clone(),
        };
        Some(Self {
            id: named.id.clone(),
            name: named.name.clone(),
            range: Some(range.clone()),
            now: Some(now),
            record: Record::open(&workshop.workspace, &named.id),
            kept,
            claim: claim.clone(),
            config: workshop.config.clone(),
            repeated: repeated(input),
        })
    }

    /// Reviews a range, or the migration that is claimed, and gives both. Nothing is written.
    ///
    /// # Errors
    /// As `review_sql`; raw SQL.
    pub fn found(input: &SqlInput, call: &Call<'_>) -> Result<(Self, Review), ToolError> {
        let review = review_sql::review(&SqlInput { sql: None, ..input.clone() }, Options::default(), call)?;
        match Self::of_review(&review, input) {
            Some(migration) => Ok((migration, review)),
            None => Err(raw_sql()),
        }
    }

    /// The same for who goes on to work with the project: with what the caller says of production, and the workshop.
    ///
    /// # Errors
    /// As [`Migration::found`].
    pub fn found_for(input: &SqlInput, production: Option<Production>, call: &Call<'_>) -> Result<(Self, Workshop), ToolError> {
        let mut review = review_sql::review(&SqlInput { sql: None, ..input.clone() }, Options::default(), call)?;
        if let Some(ranged) = &mut review.asked.ranged {
            ranged.wishes.production = production.or(ranged.wishes.production.take());
        }
        let migration = Self::of_review(&review, input);
        migration.zip(review.asked.ranged.map(|ranged| ranged.workshop)).ok_or_else(raw_sql)
    }

    /// A migration that has a name and no revision yet.
    #[must_use]
    pub fn planned(workshop: &Workshop, name: &str, claim: Claim, input: &SqlInput) -> Self {
        let named = Named::of_plan(&workshop.workspace, name);
        let kept = named.kept.clone().unwrap_or_else(|| Kept {
            migration_name: named.name.clone(),
            target_revision: "head".to_owned(),
            revisions: Vec::new(),
            wishes: Wishes::default(),
        });
        Self {
            record: Record::open(&workshop.workspace, &named.id),
            id: named.id,
            name: named.name,
            range: None,
            now: None,
            kept,
            claim,
            config: workshop.config.clone(),
            repeated: repeated(input),
        }
    }

    /// Writes down what happened.
    pub fn add(&mut self, happened: &[Happening]) {
        self.record.add(happened, &self.kept);
    }

    /// Writes a plan down, unless it is the last word on record.
    pub fn plan(&mut self, plan: Plan, loss: Loss, zero_downtime: bool) {
        let event = plan.event(loss, zero_downtime);
        let is_last = self.record.proven.entries().last().is_some_and(|(entry, _)| entry.event == event);
        if !is_last {
            self.add(&[Happening::Event(event)]);
        }
    }

    /// Writes down that what stands now was reviewed; nothing where the last word on record is the same.
    pub fn add_review(&mut self) {
        let Some(now) = &self.now else { return };
        let is_known = self.record.proven.reviews().last().is_some_and(|review| review.changes(now).is_empty());
        if is_known && self.record.proven.faults().is_empty() {
            return;
        }
        let review = ReviewEvidence { subject: now.subject.clone(), rules: now.rules, judged: now.judged.clone() };
        self.add(&[Happening::Reviewed(Box::new(review))]);
    }

    /// Why the last test, though it led back, proves nothing: its rows.
    #[must_use]
    pub fn rows_prove_nothing(&self) -> Option<String> {
        gate::rows_prove_nothing(&self.record.proven, self.now.as_ref()?)
    }

    /// The state. `environment`: the one that is meant; `current`: where it was seen, `none` where it is empty.
    #[must_use]
    pub fn state<'a>(&'a self, environment: Option<&'a str>, current: Option<&'a str>) -> State<'a> {
        State {
            proven: &self.record.proven,
            migration_name: &self.name,
            now: self.now.as_ref(),
            environment,
            current_revision: current,
            target_revision: self.range.as_ref().map_or(self.kept.target_revision.as_str(), |range| range.to.as_str()),
        }
    }
}

/// The arguments that name the project, as the caller gave them.
fn repeated(input: &SqlInput) -> Map<String, Value> {
    let named = [("project", &input.project), ("config", &input.config), ("section", &input.section)];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value.clone()?)))).collect()
}

fn raw_sql() -> ToolError {
    ToolError {
        code: "no_project",
        message: "raw SQL belongs to no migration".to_owned(),
        at: Some("sql".to_owned()),
        hint: "give a project".to_owned(),
        retry: false,
    }
}

//! The state of a migration: computed from evidence at each question, printed as a block, compared with what a block claims.

use serde::Serialize;
use serde_json::{Value, json};

use crate::effects::Loss;
use crate::lifecycle::block::{StateBlock, one_line, render};
use crate::lifecycle::evidence::{Evidence, Now, Outcome};
use crate::lifecycle::gate::{rollback_tested, rollback_tried, sql_reviewed, trip_that_counts};
use crate::lifecycle::ledger::Event;
use crate::lifecycle::phase::Phase;
use crate::lifecycle::proven::Proven;

/// The longest action, in characters.
const LONGEST_ACTION: usize = 120;

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// What the record proves.
    pub proven: &'a Proven,
    /// The migration's name.
    pub migration_name: &'a str,
    /// What stands now; `None` while there is no revision file.
    pub now: Option<&'a Now>,
    /// The environment that is meant; `None` for any.
    pub environment: Option<&'a str>,
    /// Where the database stands: an id, `none` when it is empty; `None` where nobody was asked.
    pub current_revision: Option<&'a str>,
    /// Where it goes: an id or `head`.
    pub target_revision: &'a str,
}

/// What comes next: a sentence, and the tool that does it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextAction {
    /// At most 120 characters.
    pub text: String,
    /// The tool; `None` where a person acts, or nothing is left.
    pub tool: Option<&'static str>,
}

/// A difference between a block and what is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Override {
    /// The field.
    pub field: &'static str,
    /// What the block says.
    pub claimed: String,
    /// What is true.
    pub actual: String,
    /// Why.
    pub because: String,
}

impl State<'_> {
    /// The phase: as far as evidence that holds reaches.
    #[must_use]
    pub fn phase(&self) -> Phase {
        let Some(now) = self.now else { return Phase::Plan };
        if self.proven.reviews().is_empty() {
            return Phase::Generate;
        }
        let here = |environment: &str| self.environment.is_none_or(|asked| asked == environment);
        let of_now = |event: &Event| match event {
            Event::Confirmed { environment, files, .. } if here(environment) && *files == now.subject.revision_files => Phase::Complete,
            Event::Applied { environment, files, .. } if here(environment) && *files == now.subject.revision_files => Phase::Apply,
            _ => Phase::Plan,
        };
        let done = self.proven.sealed().map(|entry| of_now(&entry.event)).max().unwrap_or(Phase::Plan);
        if done >= Phase::Apply {
            return done;
        }
        if !sql_reviewed(self.proven, now) || !rollback_tried(self.proven, now) {
            return Phase::ReviewSql;
        }
        let digest = now.approval_digest();
        let asked = self
            .proven
            .sealed()
            .any(|entry| matches!(&entry.event, Event::ApplyAsked { environment, digest: of, .. } if here(environment) && *of == digest));
        if asked && rollback_tested(self.proven, now) { Phase::Apply } else { Phase::TestRollback }
    }

    /// What the upgrade loses: judged from the SQL as soon as there is one.
    #[must_use]
    pub fn loss(&self) -> Loss {
        self.now.map_or_else(|| self.planned().0, |now| now.judged.loss)
    }

    /// What the last plan says: the loss, which holds until there is SQL, and whether nobody may wait.
    fn planned(&self) -> (Loss, bool) {
        let of = |event: &Event| match event {
            Event::Planned { loss, zero_downtime, .. } => Some((*loss, *zero_downtime)),
            _ => None,
        };
        self.proven.entries().iter().rev().find_map(|(entry, _)| of(&entry.event)).unwrap_or_default()
    }

    /// The last thing that happened, from the ledger.
    #[must_use]
    pub fn last_action(&self) -> String {
        let last = self.proven.entries().last().map(|(entry, _)| told(&entry.event));
        shortened(&last.unwrap_or_else(|| "nothing is on record".to_owned()))
    }

    /// What comes next.
    #[must_use]
    pub fn next_action(&self) -> NextAction {
        let tool = |tool: &'static str, why: &str| NextAction { text: shortened(&format!("{tool}: {why}")), tool: Some(tool) };
        let person = |text: &str| NextAction { text: shortened(text), tool: None };
        let Some(now) = self.now else { return tool("generate_migration", "make the revision file") };
        let is_reviewed = sql_reviewed(self.proven, now);
        match self.phase() {
            Phase::Plan => tool("generate_migration", "make the revision file"),
            Phase::Generate => tool("review_sql", "the new file must be reviewed before anything else"),
            Phase::ReviewSql if is_reviewed => tool("test_rollback", "try the way back on a scratch database"),
            Phase::ReviewSql if !now.judged.errors.is_empty() => {
                let more = match now.judged.errors.len() {
                    1 => String::new(),
                    all => format!(" and {} more", all - 1),
                };
                tool("review_sql", &format!("again, when {}{more} are mended", now.judged.errors.first().map_or("errors", String::as_str)))
            }
            Phase::ReviewSql => tool("review_sql", "what was reviewed is not what stands now"),
            Phase::TestRollback if rollback_tested(self.proven, now) => tool("apply_migration", "ask the five gates"),
            Phase::TestRollback => match trip_that_counts(self.proven, now).and_then(|trip| trip.outcome()) {
                Some(outcome) if outcome.is_door() => person("a person decides: mend downgrade(), or approve the loss on a terminal"),
                Some(Outcome::UpgradeFails) => tool("test_rollback", "again, when upgrade() is mended"),
                _ => tool("test_rollback", "again, when downgrade() is mended"),
            },
            Phase::Apply if self.current_revision == Some(self.target_revision) => {
                tool("apply_migration", "the target is reached: compare its schema with the tested one; nothing is sent")
            }
            Phase::Apply => tool("migration_status", "see whether the environment is at the target"),
            Phase::Complete => tool("migration_status", "nothing is left to do here"),
        }
    }

    /// The evidence that holds, by short digests.
    #[must_use]
    pub fn evidence(&self) -> Option<String> {
        let now = self.now?;
        let review = self.proven.reviews().iter().rev().find(|review| review.changes(now).is_empty());
        let trip = trip_that_counts(self.proven, now);
        let parts: Vec<String> = review
            .map(|review| format!("review {}", Evidence::Review(Box::new(review.clone())).digest()))
            .into_iter()
            .chain(trip.map(|trip| format!("rollback {}", Evidence::RoundTrip(Box::new(trip.clone())).digest())))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The state as a block.
    #[must_use]
    pub fn block(&self) -> StateBlock {
        StateBlock {
            phase: self.phase(),
            migration_name: self.migration_name.to_owned(),
            loss: self.loss(),
            zero_downtime: self.planned().1 || self.now.is_some_and(|now| now.judged.zero_downtime_required),
            review_as_printed: self.now.is_some_and(|now| sql_reviewed(self.proven, now)),
            rollback_as_printed: self.now.is_some_and(|now| rollback_tested(self.proven, now)),
            current_revision: self.current_revision.unwrap_or("unknown").to_owned(),
            target_revision: self.target_revision.to_owned(),
            last_action: one_line(&self.last_action()),
            next_action: one_line(&self.next_action().text),
            migration_id: Some(self.proven.id().clone()),
            evidence: self.evidence(),
        }
    }

    /// The block as text.
    #[must_use]
    pub fn text(&self) -> String {
        render(&self.block())
    }

    /// The state as an object, with the contract's field names.
    #[must_use]
    pub fn json(&self) -> Value {
        let block = self.block();
        json!({
            "phase": block.phase.word(),
            "migration_name": block.migration_name,
            "data_loss_risk": block.loss.word(),
            "zero_downtime_required": block.zero_downtime,
            "sql_reviewed": block.review_as_printed,
            "rollback_tested": block.rollback_as_printed,
            "current_revision": block.current_revision,
            "target_revision": block.target_revision,
            "last_action": block.last_action,
            "next_action": block.next_action,
            "migration_id": block.migration_id,
            "evidence": block.evidence,
        })
    }

    /// Where a block says something else than what is derived: nothing of it is believed.
    #[must_use]
    pub fn overrides(&self, claim: &StateBlock) -> Vec<Override> {
        let actual = self.block();
        let because_of_evidence = || match self.now {
            None => "there is no revision file".to_owned(),
            Some(_) if !self.proven.faults().is_empty() => {
                format!("the record cannot be trusted: {}", self.proven.faults().first().map(ToString::to_string).unwrap_or_default())
            }
            Some(now) => self.missing(now),
        };
        let seen = match self.current_revision {
            Some(_) => "the database was asked",
            None => "nobody was asked",
        };
        let rows: [(&'static str, String, String, String); 6] = [
            ("phase", claim.phase.to_string(), actual.phase.to_string(), because_of_evidence()),
            ("data_loss_risk", claim.loss.word().to_owned(), actual.loss.word().to_owned(), "judged from the SQL".to_owned()),
            ("sql_reviewed", claim.review_as_printed.to_string(), actual.review_as_printed.to_string(), because_of_evidence()),
            ("rollback_tested", claim.rollback_as_printed.to_string(), actual.rollback_as_printed.to_string(), because_of_evidence()),
            ("current_revision", claim.current_revision.clone(), actual.current_revision.clone(), seen.to_owned()),
            (
                "migration_id",
                claim.migration_id.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
                self.proven.id().to_string(),
                "it follows from the name, the project and the first revision".to_owned(),
            ),
        ];
        let is_said = |field: &str| field != "migration_id" || claim.migration_id.is_some();
        rows.into_iter()
            .filter(|(field, claimed, actual, _)| claimed != actual && is_said(field))
            .map(|(field, claimed, actual, because)| Override { field, claimed, actual, because })
            .collect()
    }

    /// What evidence is missing now, in one sentence.
    fn missing(&self, now: &Now) -> String {
        let Some(review) = self.proven.reviews().last() else { return "no review is on record".to_owned() };
        let changes = review.changes(now);
        if let Some(change) = changes.first().filter(|_| !sql_reviewed(self.proven, now)) {
            return change.to_string();
        }
        if let Some(error) = now.judged.errors.first() {
            return format!("the finding `{error}` is open");
        }
        match trip_that_counts(self.proven, now) {
            None => "no test that counts here is on record".to_owned(),
            Some(trip) => format!("tested with the outcome {}", trip.outcome().map_or("none", super::evidence::Outcome::word)),
        }
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_ACTION {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST_ACTION - 1).collect();
    short.push('…');
    short
}

/// An event in a few words.
fn told(event: &Event) -> String {
    match event {
        Event::Planned { intent, .. } => format!("planned: {intent}"),
        Event::Generated { revision, .. } => format!("made revision {revision}"),
        Event::Reviewed { errors: 0, .. } => "reviewed the SQL: no error is open".to_owned(),
        Event::Reviewed { errors, .. } => format!("reviewed the SQL: {errors} open errors"),
        Event::Tested { outcome, .. } => format!("tested the rollback: {}", outcome.word()),
        Event::Approved { approval } => {
            format!("{} approved it for {} ({})", approval.approver, approval.environment, approval.way.level())
        }
        Event::ApplyAsked { environment, reasons, .. } if reasons.is_empty() => format!("the gates for {environment} were open"),
        Event::ApplyAsked { environment, reasons, .. } => {
            let words: Vec<&str> = reasons.iter().map(|reason| reason.word()).collect();
            format!("applying to {environment} was refused: {}", words.join(", "))
        }
        Event::Applied { environment, after, .. } => format!("applied to {environment}: now at {after}"),
        Event::ApplyStopped { environment, because, standing, .. } if standing.is_empty() => {
            format!("applying to {environment} stopped and left nothing: {because}")
        }
        Event::ApplyStopped { environment, because, standing, .. } => {
            format!("applying to {environment} stopped with {} statements standing: {because}", standing.len())
        }
        Event::Confirmed { environment, revision, .. } => format!("{environment} was seen at {revision} with the tested schema"),
        Event::Answered { check, answer } => format!("{check}: {answer}"),
        Event::AppliedUnreviewed { environment, revision } => format!("{environment} was found at {revision}, applied without review"),
        Event::Voided { because } => format!("earlier tests no longer count: {because}"),
        Event::SetAside { because, .. } => format!("the record before was put aside: {because}"),
    }
}

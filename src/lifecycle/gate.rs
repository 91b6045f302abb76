//! The five gates: pure functions of evidence and of what stands now. Nothing else opens one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::effects::Loss;
use crate::lifecycle::approval::{Level, Policy, Tier, reached};
use crate::lifecycle::evidence::{Now, Outcome, Rerun, RoundTrip, Trip};
use crate::lifecycle::proven::{Proven, Standing};

/// A gate, by the contract's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The SQL that would run was reviewed, and no error is open.
    SqlReviewed,
    /// The way back was tried and leads back.
    RollbackTested,
    /// Who loses something has said so, and named a backup.
    LossConfirmedAndBackedUp,
    /// Each revision does one thing.
    OneConcern,
    /// The target is where the migration begins, and a second run does no harm.
    SafeAtTarget,
}

impl Gate {
    /// All five, in order.
    pub const ALL: [Self; 5] =
        [Self::SqlReviewed, Self::RollbackTested, Self::LossConfirmedAndBackedUp, Self::OneConcern, Self::SafeAtTarget];

    /// The contract's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SqlReviewed => "sql_reviewed",
            Self::RollbackTested => "rollback_tested",
            Self::LossConfirmedAndBackedUp => "loss_confirmed_and_backed_up",
            Self::OneConcern => "one_concern",
            Self::SafeAtTarget => "safe_at_target",
        }
    }
}

/// Why something is refused, in the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The server was not started to apply.
    ApplyDisabled,
    /// `alembic-gate.toml` does not name it.
    UnknownEnvironment,
    /// No review.
    SqlNotReviewed,
    /// No test that counts, or the way back does not lead back.
    RollbackNotTested,
    /// There is a review or a test, of something that changed since.
    ReviewStale,
    /// It was tested on another engine than production's.
    ParityMissing,
    /// The chain has more heads than it should.
    MultipleHeads,
    /// The database is not where the migration begins.
    StateDirty,
    /// No backup was named.
    BackupUnconfirmed,
    /// Nobody of the level asked for approved.
    ApprovalRequired,
    /// Error findings are open.
    FindingsOpen,
    /// A revision holds more than one concern.
    OneConcernViolated,
    /// A second run is not known to be safe.
    NotIdempotent,
    /// Only the project's own Alembic can run it: a person does.
    OnlyByAlembic,
    /// The environment holds rows that a statement is refused for.
    RowsInTheWay,
}

impl Reason {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ApplyDisabled => "apply_disabled",
            Self::UnknownEnvironment => "unknown_environment",
            Self::SqlNotReviewed => "sql_not_reviewed",
            Self::RollbackNotTested => "rollback_not_tested",
            Self::ReviewStale => "review_stale",
            Self::ParityMissing => "parity_missing",
            Self::MultipleHeads => "multiple_heads",
            Self::StateDirty => "state_dirty",
            Self::BackupUnconfirmed => "backup_unconfirmed",
            Self::ApprovalRequired => "approval_required",
            Self::FindingsOpen => "findings_open",
            Self::OneConcernViolated => "one_concern_violated",
            Self::NotIdempotent => "not_idempotent",
            Self::OnlyByAlembic => "only_by_alembic",
            Self::RowsInTheWay => "rows_in_the_way",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What opens a closed gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// A tool of ours.
    Tool(&'static str),
    /// A person edits a file.
    Edit(String),
    /// A person on a terminal, or a signature.
    Person(String),
}

/// What a gate answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Open, by evidence.
    Open,
    /// Open although there is no way back: people of this level said that they know, and named a backup.
    OpenAsOneWayDoor {
        /// The level reached.
        level: Level,
        /// Who.
        approvers: Vec<String>,
        /// What is lost.
        lost: Vec<String>,
        /// The backups they named.
        backups: Vec<String>,
    },
    /// Closed.
    Closed {
        /// Why, in the contract's words; never empty.
        reasons: Vec<Reason>,
        /// What is missing, in sentences.
        missing: Vec<String>,
        /// What opens it.
        next: Next,
    },
}

impl Verdict {
    /// True for both ways to be open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Open | Self::OpenAsOneWayDoor { .. } => true,
            Self::Closed { .. } => false,
        }
    }

    fn closed(reason: Reason, missing: Vec<String>, next: Next) -> Self {
        Self::Closed { reasons: vec![reason], missing, next }
    }
}

/// Where it would be applied, as asked and computed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The environment's name.
    pub environment: String,
    /// What its configuration says, as a digest: name, tier, server, the variable that holds its URL.
    pub definition: Digest,
    /// How serious it is; an environment that does not say is production.
    pub tier: Tier,
    /// The configuration names it.
    pub is_known: bool,
    /// The revision it was seen at; `None` where nobody could ask.
    pub current_revision: Option<String>,
    /// The revision at which the reviewed range begins.
    pub range_begins: String,
    /// The revision at which it ends.
    pub range_ends: String,
    /// Something is half applied, or differs from what the chain says; `None` where nobody could ask.
    pub is_dirty: Option<bool>,
    /// The levels asked for.
    pub policy: Policy,
}

/// All that a gate may look at.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What the record proves.
    pub proven: &'a Proven,
    /// What stands now.
    pub now: &'a Now,
    /// Where it would go.
    pub target: &'a Target,
}

/// What the gate answers.
#[must_use]
pub fn ask(gate: Gate, question: &Question<'_>) -> Verdict {
    match gate {
        Gate::SqlReviewed => review_gate(question.proven, question.now),
        Gate::RollbackTested => rollback_gate(question),
        Gate::LossConfirmedAndBackedUp => loss_gate(question),
        Gate::OneConcern => concern_gate(question.now),
        Gate::SafeAtTarget => target_gate(question),
    }
}

/// All five, in order.
#[must_use]
pub fn ask_all(question: &Question<'_>) -> Vec<(Gate, Verdict)> {
    Gate::ALL.into_iter().map(|gate| (gate, ask(gate, question))).collect()
}

/// True while a review's digests equal those of now, what the rules say included, and no error is open.
#[must_use]
pub fn sql_reviewed(proven: &Proven, now: &Now) -> bool {
    review_gate(proven, now) == Verdict::Open
}

/// True while a round trip that counts has the digests of now, on an engine like production's, and every revision came back.
#[must_use]
pub fn rollback_tested(proven: &Proven, now: &Now) -> bool {
    matches!(tested(proven, now), Tested::ComesBack(_))
}

fn review_gate(proven: &Proven, now: &Now) -> Verdict {
    let next = Next::Tool("review_sql");
    let Some(last) = proven.reviews().last() else {
        return Verdict::closed(Reason::SqlNotReviewed, vec!["the SQL was never reviewed".to_owned()], next);
    };
    if !proven.reviews().iter().any(|review| review.changes(now).is_empty()) {
        let changed = last.changes(now).iter().map(ToString::to_string).collect();
        return Verdict::closed(Reason::ReviewStale, changed, next);
    }
    if !now.judged.errors.is_empty() {
        return Verdict::closed(
            Reason::FindingsOpen,
            now.judged.errors.iter().map(|error| format!("the finding `{error}` is open")).collect(),
            Next::Edit("mend what the findings name, or allow them in the file with a reason; then call `review_sql`".to_owned()),
        );
    }
    Verdict::Open
}

/// True while a round trip has the digests of now and counts, whether or not it leads back.
#[must_use]
pub fn rollback_tried(proven: &Proven, now: &Now) -> bool {
    matches!(tested(proven, now), Tested::ComesBack(_) | Tested::OneWay(_))
}

/// The round trip that counts now.
#[must_use]
pub fn trip_that_counts<'a>(proven: &'a Proven, now: &Now) -> Option<&'a RoundTrip> {
    match tested(proven, now) {
        Tested::ComesBack(trip) | Tested::OneWay(trip) => Some(trip),
        Tested::Nothing { .. } => None,
    }
}

/// What the record says about the way back.
enum Tested<'a> {
    /// Nothing that counts.
    Nothing { reason: Reason, missing: Vec<String> },
    /// It counts, and does not lead back.
    OneWay(&'a RoundTrip),
    /// It counts, and leads back.
    ComesBack(&'a RoundTrip),
}

/// Why the rows of the last round trip prove nothing, though it led back.
#[must_use]
pub fn rows_prove_nothing(proven: &Proven, now: &Now) -> Option<String> {
    let fitting = fitting(proven, now);
    let (last, _) = fitting.last()?;
    if leads_back(last) { too_few_rows(last, &fitting) } else { None }
}

/// The trips of what stands now, oldest first.
fn fitting<'a>(proven: &'a Proven, now: &Now) -> Vec<&'a (RoundTrip, Standing)> {
    proven.trips().iter().filter(|(trip, _)| trip.changes(now).is_empty()).collect()
}

fn leads_back(trip: &RoundTrip) -> bool {
    trip.trips.iter().all(|trip| trip.outcome.leads_back())
}

fn tested<'a>(proven: &'a Proven, now: &Now) -> Tested<'a> {
    let nothing = |reason, missing: Vec<String>| Tested::Nothing { reason, missing };
    let fitting = fitting(proven, now);
    let counting = fitting.iter().rev().find(|(_, standing)| *standing == Standing::Counts);
    let Some((trip, standing)) = counting.or(fitting.last()) else {
        return match proven.trips().last() {
            Some((trip, _)) => nothing(Reason::ReviewStale, trip.changes(now).iter().map(ToString::to_string).collect()),
            None => {
                nothing(Reason::RollbackNotTested, vec!["the downgrade was never tested: what was never tested is no way back".to_owned()])
            }
        };
    };
    match standing {
        Standing::Counts => {}
        Standing::OtherMachine(key) => {
            return nothing(
                Reason::RollbackNotTested,
                vec![format!(
                    "a test is claimed by another machine (key {key}): `alembic-gate verify` replays it, `test_rollback` repeats it"
                )],
            );
        }
        Standing::Unsealed => return nothing(Reason::RollbackNotTested, vec!["the record of the test carries no seal".to_owned()]),
        Standing::Superseded => {
            return nothing(
                Reason::RollbackNotTested,
                vec!["this machine knows of a later word on this test than the record shows".to_owned()],
            );
        }
    }
    let tried: Vec<&str> = trip.trips.iter().map(|trip| trip.revision.as_str()).collect();
    if tried != now.revisions || tried.is_empty() {
        let missing = format!("tested were {tried:?}, the range holds {:?}: each revision is tried singly", now.revisions);
        return nothing(Reason::RollbackNotTested, vec![missing]);
    }
    if !trip.parity_ok {
        return nothing(Reason::ParityMissing, vec![trip.parity_why.clone()]);
    }
    if !leads_back(trip) {
        return Tested::OneWay(trip);
    }
    if let Some(missing) = too_few_rows(trip, &fitting) {
        return nothing(Reason::RollbackNotTested, vec![missing]);
    }
    Tested::ComesBack(trip)
}

/// Why the rows of a trip that leads back prove nothing: it touched empty tables, or an earlier trip of the same files failed
/// with more rows. A failure counts whoever reports it.
fn too_few_rows(trip: &RoundTrip, fitting: &[&(RoundTrip, Standing)]) -> Option<String> {
    if let Some(missing) = trip.rows.prove_nothing() {
        return Some(missing);
    }
    let mut latest = fitting.iter().rev().map(|(earlier, _)| earlier);
    let failed = latest.find(|earlier| !leads_back(earlier) && trip.rows.are_fewer_than(&earlier.rows))?;
    let how = failed.outcome().map_or("failed", Outcome::word);
    let (few, many) = (trip.rows.made_up, failed.rows.made_up);
    Some(format!("with {many} rows a table it ended in {how}, with {few} it came back: call `test_rollback` with `rows: {many}`"))
}

fn rollback_gate(question: &Question<'_>) -> Verdict {
    let next = Next::Tool("test_rollback");
    match tested(question.proven, question.now) {
        Tested::ComesBack(_) => Verdict::Open,
        Tested::Nothing { reason: Reason::ReviewStale, missing } => {
            Verdict::Closed { reasons: vec![Reason::RollbackNotTested, Reason::ReviewStale], missing, next }
        }
        Tested::Nothing { reason: Reason::ParityMissing, missing } => {
            Verdict::Closed { reasons: vec![Reason::RollbackNotTested, Reason::ParityMissing], missing, next }
        }
        Tested::Nothing { reason, missing } => Verdict::closed(reason, missing, next),
        Tested::OneWay(trip) => door_gate(trip, question),
    }
}

/// A way without return: it opens only where the loss is the upgrade's own and people said that they know.
fn door_gate(trip: &RoundTrip, question: &Question<'_>) -> Verdict {
    let one_way: Vec<_> = trip.trips.iter().filter(|trip| !trip.outcome.leads_back()).collect();
    let fails = one_way.iter().any(|trip| trip.outcome == Outcome::UpgradeFails);
    let words = |trip: &&Trip| match trip.outcome {
        Outcome::UpgradeFails => format!("the upgrade of `{}` fails", trip.revision),
        outcome => format!("`{}` does not come back: {}", trip.revision, outcome.word()),
    };
    let missing = one_way.iter().map(words).collect();
    let is_door = one_way.iter().all(|trip| trip.outcome.is_door() && trip.loss_is_the_upgrades);
    if !is_door || question.now.judged.loss < Loss::Medium || question.now.judged.lost.is_empty() {
        let what = if fails { "upgrade()" } else { "downgrade()" };
        let next = Next::Edit(format!("mend `{what}`; then call `review_sql` and `test_rollback`"));
        return Verdict::closed(Reason::RollbackNotTested, missing, next);
    }
    match approved(question, required(question).max(Level::L2)) {
        Ok(open) => open,
        Err((mut reasons, mut more)) => {
            reasons.insert(0, Reason::RollbackNotTested);
            more.splice(0..0, missing);
            Verdict::Closed { reasons, missing: more, next: Next::Person(how_to_approve(question)) }
        }
    }
}

fn required(question: &Question<'_>) -> Level {
    question.target.policy.required(question.now.judged.loss, question.target.tier)
}

fn how_to_approve(question: &Question<'_>) -> String {
    format!(
        "a person runs, on a terminal: `alembic-gate approve {} --environment {} --backup \"…\"`",
        question.proven.id(),
        question.target.environment
    )
}

/// Open where people of this level approved exactly this, and each named a backup.
fn approved(question: &Question<'_>, wanted: Level) -> Result<Verdict, (Vec<Reason>, Vec<String>)> {
    let (now, target) = (question.now, question.target);
    let digest = now.approval_digest();
    let fitting = |checked: &&crate::lifecycle::approval::Checked| {
        checked.approval.loss == now.judged.loss && checked.approval.lost == now.judged.lost
    };
    let named_a_backup = |backup: &Option<String>| backup.as_ref().is_some_and(|backup| !backup.trim().is_empty());
    let (_, all) = reached(question.proven.approvals(), digest, &target.environment, target.definition);
    let good: Vec<_> = all
        .iter()
        .filter(|checked| fitting(checked) && named_a_backup(&checked.approval.backup))
        .map(|checked| (*checked).clone())
        .collect();
    let (level, _) = reached(&good, digest, &target.environment, target.definition);
    if level >= wanted {
        return Ok(Verdict::OpenAsOneWayDoor {
            level,
            approvers: good.iter().map(|checked| checked.approval.approver.clone()).collect(),
            lost: now.judged.lost.clone(),
            backups: good.iter().filter_map(|checked| checked.approval.backup.clone()).collect(),
        });
    }
    let (without_backup, _) = reached(question.proven.approvals(), digest, &target.environment, target.definition);
    let mut reasons = Vec::new();
    let mut missing = Vec::new();
    if without_backup < wanted {
        reasons.push(Reason::ApprovalRequired);
        missing.push(format!("an approval of level {wanted} for `{}`, of digest {digest}; there is {without_backup}", target.environment));
    }
    if good.is_empty() {
        reasons.push(Reason::BackupUnconfirmed);
        missing.push("nobody named a backup".to_owned());
    }
    if reasons.is_empty() {
        reasons.push(Reason::BackupUnconfirmed);
        missing.push(format!("{wanted} wants every approver to name a backup"));
    }
    Err((reasons, missing))
}

fn loss_gate(question: &Question<'_>) -> Verdict {
    let wanted = required(question);
    if wanted == Level::L0 {
        return Verdict::Open;
    }
    match approved(question, wanted) {
        // With this gate a person's word is the evidence itself.
        Ok(_) => Verdict::Open,
        Err((reasons, missing)) => Verdict::Closed { reasons, missing, next: Next::Person(how_to_approve(question)) },
    }
}

fn concern_gate(now: &Now) -> Verdict {
    if now.judged.mixed.is_empty() {
        return Verdict::Open;
    }
    let next = Next::Edit("split it: one revision a concern; `plan_migration` gives the bodies".to_owned());
    Verdict::closed(Reason::OneConcernViolated, now.judged.mixed.clone(), next)
}

fn target_gate(question: &Question<'_>) -> Verdict {
    let (now, target) = (question.now, question.target);
    let mut reasons = Vec::new();
    let mut missing = Vec::new();
    let mut refuse = |reason: Reason, why: String| {
        reasons.push(reason);
        missing.push(why);
    };
    if !target.is_known {
        refuse(Reason::UnknownEnvironment, format!("`alembic-gate.toml` names no environment `{}`", target.environment));
    }
    if now.heads.len() != now.heads_wanted {
        refuse(Reason::MultipleHeads, format!("the chain has the heads {}, {} wanted", now.heads.join(", "), now.heads_wanted));
    }
    match (&target.current_revision, target.is_dirty) {
        (None, _) | (_, None) => refuse(Reason::StateDirty, "nobody could ask the database where it stands".to_owned()),
        (Some(_), Some(true)) => refuse(Reason::StateDirty, "the database is not what the chain says".to_owned()),
        (Some(current), Some(false)) if *current != target.range_begins && *current != target.range_ends => {
            let why = format!("the database is at {current}; reviewed was the way from {} to {}", target.range_begins, target.range_ends);
            refuse(Reason::StateDirty, why);
        }
        (Some(_), Some(false)) => {}
    }
    match trip_that_counts(question.proven, now).map_or(Rerun::NotTried, |trip| trip.rerun) {
        Rerun::NoOp | Rerun::ClearError => {}
        Rerun::Unsafe => refuse(Reason::NotIdempotent, "run twice, the upgrade does harm".to_owned()),
        Rerun::NotTried => refuse(Reason::NotIdempotent, "the upgrade was not tried on a database already at the target".to_owned()),
    }
    match reasons.first() {
        None => Verdict::Open,
        Some(Reason::UnknownEnvironment) => {
            let next = Next::Edit(format!("add `[environments.{}]` to `alembic-gate.toml`", target.environment));
            Verdict::Closed { reasons, missing, next }
        }
        Some(Reason::NotIdempotent) => Verdict::Closed { reasons, missing, next: Next::Tool("test_rollback") },
        Some(_) => Verdict::Closed { reasons, missing, next: Next::Tool("migration_status") },
    }
}

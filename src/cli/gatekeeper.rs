//! What the hook asks: whether the gates are open for what a shell is about to run, by the same module as the tools.

use std::path::Path;

use crate::config::Config;
use crate::hook::{Change, Refusal, Verb, refusal_of};
use crate::lifecycle::gate::{Gate, Reason, Verdict};
use crate::store::records::Records;
use crate::tools::call::{Call, Settings};
use crate::tools::migration::Migration;
use crate::tools::source::SqlInput;

/// Why a change must not be run from this folder; `None` where the gates are open for exactly what stands now.
///
/// Nobody can say which database a shell's command reaches: the most serious environment that `alembic-gate.toml` names
/// counts, and production where it names none.
#[must_use]
pub fn refusal(folder: &Path, change: &Change) -> Option<Refusal> {
    let store = Records::found_from(folder);
    let refused = |reason: Reason, next: &str| Some(Refusal { reasons: vec![reason.to_string()], next: next.to_owned() });
    match change.verb {
        Verb::Stamp | Verb::EnsureVersion => {
            return refused(Reason::StateDirty, "call `migration_status`: it says whether the pointer is wrong, and what mends it");
        }
        Verb::Upgrade | Verb::Downgrade => {}
    }
    let asked = SqlInput { project: Some(store.project().display().to_string()), ..SqlInput::default() };
    let settings = Settings::default();
    let migration = match Migration::found(&asked, &Call::local(&settings)) {
        Ok((migration, _)) => migration,
        Err(error) => {
            return Some(Refusal {
                reasons: vec![Reason::SqlNotReviewed.to_string(), Reason::RollbackNotTested.to_string(), error.message],
                next: format!("{}; call `plan_migration`, then `review_sql` and `test_rollback`", error.hint),
            });
        }
    };
    if let Some(other) = other_target(&migration, change) {
        return Some(other);
    }
    let environment = most_serious(&migration.config);
    let verdicts: Vec<(Gate, Verdict)> =
        migration.gates(&environment, None, None).into_iter().map(|(gate, verdict)| (gate, without_database(verdict))).collect();
    let mut refusal = refusal_of(&verdicts)?;
    let shown = refusal.next.clone();
    refusal.next = format!("{shown} (migration `{}`, gates of `{environment}`)", migration.id);
    Some(refusal)
}

/// A change that leads elsewhere than what was reviewed.
fn other_target(migration: &Migration, change: &Change) -> Option<Refusal> {
    let range = migration.range.as_ref()?;
    let target = change.target.as_deref().unwrap_or_default();
    let is_meant = |revision: &str| revision == target || (target.len() >= 4 && revision.starts_with(target));
    let fits = match change.verb {
        Verb::Upgrade => {
            let is_head = matches!(target, "head" | "heads") && migration.now.as_ref().is_some_and(|now| now.heads.contains(&range.to));
            is_head || is_meant(&range.to)
        }
        Verb::Downgrade => is_meant(&range.from),
        Verb::Stamp | Verb::EnsureVersion => false,
    };
    (!fits).then(|| Refusal {
        reasons: vec![Reason::SqlNotReviewed.to_string()],
        next: format!(
            "reviewed was the way between {} and {}: name exactly that, or call `review_sql` for another range",
            range.from, range.to
        ),
    })
}

/// The environment that asks for most.
fn most_serious(config: &Config) -> String {
    let most = config.environments.iter().max_by_key(|(_, environment)| environment.tier);
    most.map_or_else(|| "production".to_owned(), |(name, _)| name.clone())
}

/// The verdict without what only the database could answer: a shell's command names none.
fn without_database(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Closed { reasons, missing, next } => {
            let reasons: Vec<Reason> = reasons.into_iter().filter(|reason| *reason != Reason::StateDirty).collect();
            if reasons.is_empty() { Verdict::Open } else { Verdict::Closed { reasons, missing, next } }
        }
        open @ (Verdict::Open | Verdict::OpenAsOneWayDoor { .. }) => open,
    }
}

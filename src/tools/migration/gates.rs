//! The five gates for an environment, as it is configured and as it was seen.

use crate::lifecycle::approval::{Policy, Tier};
use crate::lifecycle::gate::{Gate, Next, Question, Reason, Target, Verdict, ask_all};
use crate::tools::migration::Migration;

impl Migration {
    /// The environment as a target. One that `alembic-gate.toml` does not name is production, and not known.
    ///
    /// `current`: where it was seen, `base` for an empty database; `is_dirty`: it differs from what the chain says. `None`
    /// where nobody could ask.
    #[must_use]
    pub fn target(&self, environment: &str, current: Option<&str>, is_dirty: Option<bool>) -> Target {
        let named = self.config.environment(environment);
        let levels = &self.config.policy.level;
        let (begins, ends) = self.range.as_ref().map(|range| (range.from.clone(), range.to.clone())).unwrap_or_default();
        Target {
            environment: environment.to_owned(),
            definition: named.as_ref().map_or_else(|| crate::digest::Digest::of("no environment", &[]), |named| named.definition),
            tier: named.as_ref().map_or(Tier::Production, |named| named.tier),
            is_known: named.is_some(),
            current_revision: current.map(str::to_owned),
            range_begins: begins,
            range_ends: ends,
            is_dirty,
            policy: Policy { medium: levels.medium, high: levels.high, production: levels.production },
        }
    }

    /// What the five gates answer for an environment, by what stands now.
    #[must_use]
    pub fn gates(&self, environment: &str, current: Option<&str>, is_dirty: Option<bool>) -> Vec<(Gate, Verdict)> {
        let target = self.target(environment, current, is_dirty);
        match &self.now {
            Some(now) => ask_all(&Question { proven: &self.record.proven, now, target: &target }),
            None => vec![(
                Gate::SqlReviewed,
                Verdict::Closed {
                    reasons: vec![Reason::SqlNotReviewed],
                    missing: vec!["there is no revision file that could be reviewed".to_owned()],
                    next: Next::Tool("generate_migration"),
                },
            )],
        }
    }
}

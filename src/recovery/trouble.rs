//! All that a database, its chain and its models say of trouble, in the words of `migration_status`.

use serde::Serialize;

use super::heads::{self, BothOrders};
use super::{HalfApplied, Item, Plan, Real, Stamp, Statement, drift, half};
use crate::bridge::Difference as ModelDifference;
use crate::workshop::Workshop;

/// What is wrong, and the ways out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// Which recovery is asked for: `half_applied`, `drift`; none where nothing is wrong.
    #[serde(skip)]
    pub recovery: Option<&'static str>,
    /// What differs, object by object.
    #[serde(skip)]
    pub items: Vec<Item>,
    /// The revision that was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_applied: Option<Begun>,
    /// Places of its statements that the database has, from 1.
    pub applied_statements: Vec<u32>,
    /// What takes them back, in order.
    pub reverse_sql: Vec<String>,
    /// The ways out.
    pub plans: Vec<Plan>,
    /// Whether `alembic stamp` is right now; none where no database was asked or nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// What two heads are to each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub both_orders: Option<BothOrders>,
    /// A real database was compared with its chain.
    #[serde(skip)]
    pub database_compared: bool,
    /// What else should be known.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// A revision that was begun and not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Begun {
    /// Its id.
    pub revision: String,
    /// Why something is left.
    pub why: String,
    /// Its statements, and those of revisions in front of it that the version table does not name.
    pub statements: Vec<Statement>,
}

impl Trouble {
    /// Looks at a real database; `models`: what they differ in from the whole chain.
    #[must_use]
    pub fn of(workshop: &Workshop, real: &mut Real, environment: &str, models: &[ModelDifference]) -> Self {
        let mut standing = match half::standing(workshop, real) {
            Ok(standing) => standing,
            Err(error) => {
                let note = format!("the schema of `{environment}` was not compared with its chain: {error}. {}", error.hint());
                return Self { notes: vec![note], ..Self::of_models(models) };
            }
        };
        let items = drift::of_database(&standing, models, environment);
        let aligned = drift::plans(workshop, real, &standing).unwrap_or_else(|error| {
            standing.notes.push(format!("no way to align was worked out: {error}"));
            Vec::new()
        });
        let mut trouble = Self {
            recovery: (!items.is_empty()).then_some("drift"),
            items,
            database_compared: true,
            notes: standing.notes,
            ..Self::default()
        };
        if let Some(HalfApplied { revision, applied, statements, reverse_sql, plans, stamp, why }) = standing.half {
            trouble.recovery = Some("half_applied");
            trouble.half_applied = Some(Begun { revision, why, statements });
            trouble.applied_statements = applied;
            trouble.reverse_sql = reverse_sql;
            trouble.plans = plans;
            trouble.stamp = Some(stamp);
        }
        trouble.plans.extend(aligned);
        trouble
    }

    /// Where no database was asked: the models against the chain.
    #[must_use]
    pub fn of_models(models: &[ModelDifference]) -> Self {
        let items = drift::of_models(models);
        Self { recovery: (!items.is_empty()).then_some("drift"), items, ..Self::default() }
    }

    /// Says which differences were known before; where all are, they ask for no recovery.
    pub fn set_known(&mut self, is_known: impl Fn(&Item) -> bool) {
        for item in &mut self.items {
            item.known = is_known(item);
        }
        if self.recovery == Some("drift") && self.new_items().next().is_none() {
            self.recovery = None;
        }
    }

    /// The differences that nobody recorded.
    pub fn new_items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.known)
    }

    /// Runs two heads in both orders; `mend` is what the rule says of them.
    pub fn look_at_heads(&mut self, workshop: &Workshop, mend: Option<&str>) {
        match heads::both_orders(workshop) {
            Ok(found) => {
                self.plans.push(heads::plan(&found, mend));
                self.both_orders = Some(found);
            }
            Err(error) => self.notes.push(format!("the heads were not run in both orders: {error}. {}", error.hint())),
        }
    }

    /// A database was compared, and it is what its version table says: what is known otherwise counts here, what is somebody
    /// else's does not. The same comparison closes the gate of who applies.
    #[must_use]
    pub fn is_as_chain(&self) -> bool {
        let of_chain = |item: &&Item| item.source == "hotfix" && !item.is_strangers;
        self.database_compared && self.half_applied.is_none() && !self.items.iter().any(|item| of_chain(&item))
    }

    /// Something was made by hand and nobody recorded it, whatever it belongs to: its cause comes before a new revision.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        self.half_applied.is_some() || self.new_items().any(|item| item.source == "hotfix")
    }
}

//! # Revisions come after one another in a ring
//!
//! Following `down_revision` or `depends_on`, a revision is its own ancestor.
//!
//! ## Why
//! There is no first one: Alembic stops with `CycleDetected`, whatever the command. A ring that both a base and a head reach
//! it does not notice (1.20.1): an upgrade through it goes wrong, or never ends.
//!
//! ## Do
//! Find the revision that was re-pointed last and give it back its parent.
//!
//! ```python bad
//! # file: a1b2c3d4e5f6_create_books.py
//! revision = "a1b2c3d4e5f6"
//! down_revision = "b2c3d4e5f6a1"
//! # file: b2c3d4e5f6a1_create_shelves.py
//! revision = "b2c3d4e5f6a1"
//! down_revision = "a1b2c3d4e5f6"
//! ```
//! ```python good
//! # file: a1b2c3d4e5f6_create_books.py
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//! # file: b2c3d4e5f6a1_create_shelves.py
//! revision = "b2c3d4e5f6a1"
//! down_revision = "a1b2c3d4e5f6"
//! ```

use crate::chain::ProjectContext;
use crate::finding::{Finding, Severity};
use crate::project::Fault;
use crate::rules::Check;

/// Looks at the chain.
pub const CHECK: Check = Check::Project(check);

/// So many ids stand in a message.
const SHOWN: usize = 5;

fn check(context: &ProjectContext<'_>) -> Vec<Finding> {
    context.project.graph.faults.iter().filter_map(|fault| finding(context, fault)).collect()
}

fn finding(context: &ProjectContext<'_>, fault: &Fault) -> Option<Finding> {
    let Fault::Cycle { at, by_dependency } = fault else { return None };
    let first = *at.first()?;
    let ids: Vec<String> = at.iter().take(SHOWN).map(|at| format!("`{}`", context.project.graph.id(*at))).collect();
    let more = if at.len() > SHOWN { format!(" and {} more", at.len() - SHOWN) } else { String::new() };
    let through = if *by_dependency { "`depends_on`" } else { "`down_revision`" };
    let what = match ids.as_slice() {
        [one] => format!("{one} comes after itself by {through}"),
        several => format!("{}{more} come after one another in a ring by {through}", several.join(", ")),
    };
    let why = "there is no first one: Alembic stops with `CycleDetected`, whatever the command";
    let mend = "give the revision that was re-pointed last its parent back; the first of the chain has `down_revision = None`";
    Some(context.on(first, |revision| revision.parents_line, Severity::Error, what, why, mend))
}

//! # Two files have one revision id, or one branch label
//!
//! Several files of the chain say the same `revision`, or give the same `branch_labels`.
//!
//! ## Why
//! For an id, Alembic only warns and exits 0. It keeps the file it loads last: the other never runs, though it looks like
//! a second head. For a label, every command stops.
//!
//! ## Do
//! Give the newer file an id of its own (`alembic revision` makes one), and re-point what comes after it. A file that was
//! copied by mistake is deleted.
//!
//! ```python bad
//! # file: a1b2c3d4e5f6_create_books.py
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//! # file: a1b2c3d4e5f6_create_shelves.py
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
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

fn check(context: &ProjectContext<'_>) -> Vec<Finding> {
    context.project.graph.faults.iter().filter_map(|fault| finding(context, fault)).collect()
}

fn finding(context: &ProjectContext<'_>, fault: &Fault) -> Option<Finding> {
    let files = |at: &[usize]| at.iter().filter_map(|at| context.project.revision(*at)).map(|revision| format!("`{}`", revision.file)).collect::<Vec<_>>().join(" and ");
    match fault {
        Fault::Duplicate { id, at } => {
            let what = format!("{} have the id `{id}`", files(at));
            let why = "Alembic only warns and keeps the last one: the others never run";
            let mend = "give the newer one an id of its own and re-point what comes after it";
            Some(context.on(*at.last()?, |revision| revision.id_line, Severity::Error, what, why, mend))
        }
        Fault::LabelTwice { label, at } => {
            let what = format!("the branch label `{label}` is given by {}, or is a revision's id", files(at));
            let mend = "give the label once: it holds for all revisions that follow";
            Some(context.on(*at.last()?, |revision| revision.id_line, Severity::Error, what, "Alembic stops at the second one, whatever the command", mend))
        }
        Fault::MissingParent { .. } | Fault::MissingDependency { .. } | Fault::Cycle { .. } => None,
    }
}

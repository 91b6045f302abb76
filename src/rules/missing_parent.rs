//! # A revision comes after one that is not there
//!
//! `down_revision` or `depends_on` names a revision that no file has.
//!
//! ## Why
//! Every Alembic command stops with `KeyError`. Often the file of the parent was not committed, was deleted while
//! databases still hold its id, or the id was shortened or mistyped.
//!
//! ## Do
//! Bring the file of the parent back, or write the id of the revision that is meant. Never delete a revision that a
//! database has: downgrade it everywhere first.
//!
//! ```python bad
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

fn check(context: &ProjectContext<'_>) -> Vec<Finding> {
    context.project.graph.faults.iter().filter_map(|fault| finding(context, fault)).collect()
}

fn finding(context: &ProjectContext<'_>, fault: &Fault) -> Option<Finding> {
    let why = "Alembic stops with `KeyError`, whatever the command";
    let (at, what, similar) = match fault {
        Fault::MissingParent { at, parent, similar } => (*at, format!("it comes after `{parent}`, which no file has"), similar.as_deref()),
        Fault::MissingDependency { at, name } => (*at, format!("it depends on `{name}`, which is no id and no branch label"), None),
        Fault::Duplicate { .. } | Fault::Cycle { .. } | Fault::LabelTwice { .. } => return None,
    };
    let mend = match similar {
        Some(similar) => format!("bring its file back, or write `{similar}` if that is meant"),
        None => "bring its file back, or name the revision that is meant".to_owned(),
    };
    let mut found = context.on(at, |revision| revision.parents_line, Severity::Error, what, why, mend);
    found.fix_alembic = similar.map(|similar| format!("down_revision = \"{similar}\""));
    Some(found)
}

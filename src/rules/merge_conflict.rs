//! # The markers of an unfinished merge stand in a revision
//!
//! `<<<<<<<` and `>>>>>>>` of git were committed with the file.
//!
//! ## Why
//! The file is no Python: every Alembic command stops. In `down_revision`, both sides of the conflict are a parent that
//! somebody meant: taking one of them blindly re-points a revision.
//!
//! ## Do
//! Choose one side. When both revisions are published, keep each where it was and merge the heads:
//! `alembic merge -m "merge a and b" heads`.
//!
//! ```python bad
//! revision = "c3d4e5f6a1b2"
//! <<<<<<< HEAD
//! down_revision = "a1b2c3d4e5f6"
//! =======
//! down_revision = "b2c3d4e5f6a1"
//! >>>>>>> isbn
//! ```
//! ```python good
//! """add isbn to books
//!
//! =======
//! A title
//! =======
//! """
//! revision = "c3d4e5f6a1b2"
//! down_revision = None
//! ```

use crate::chain::ProjectContext;
use crate::finding::{Finding, Severity};
use crate::project::ProblemKind;
use crate::rules::Check;

/// Looks at the files that were not read.
pub const CHECK: Check = Check::Project(check);

fn check(context: &ProjectContext<'_>) -> Vec<Finding> {
    let conflicts = context.project.problems.iter().filter(|problem| problem.kind == ProblemKind::MergeConflict);
    let finding = |problem: &crate::project::Problem| {
        let what = "the markers of an unfinished merge stand in the file";
        let why = "it is no Python: Alembic stops at it, whatever the command";
        let mend = "choose one side and take the markers out; when both revisions are published, keep each parent and run `alembic merge heads`";
        context.finding(&problem.file, problem.line, Severity::Error, what, why, mend)
    };
    conflicts.map(finding).collect()
}

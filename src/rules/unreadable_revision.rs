//! # A revision file cannot be read
//!
//! A file of a version folder is no Python, is not UTF-8, or does not say which revision it is.
//!
//! ## Why
//! Alembic imports every file of its version folders. One that cannot be imported stops every command, `alembic current`
//! included, and with it the deploy.
//!
//! ## Do
//! Mend the file at the line named. A file that is no revision belongs into another folder.
//!
//! ```python bad
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.create_table("books", sa.Column("id", sa.Integer())
//! ```
//! ```python bad
//! def new_id():
//!     return "a1b2c3d4e5f6"
//! ```
//! ```python bad
//! import os
//! revision = os.environ["REVISION"]
//! down_revision = None
//! ```
//! ```python good
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.create_table("books", sa.Column("id", sa.Integer()))
//! ```

use crate::chain::ProjectContext;
use crate::finding::{Finding, Severity};
use crate::project::{Problem, ProblemKind};
use crate::rules::Check;

/// Looks at the files that were not read.
pub const CHECK: Check = Check::Project(check);

fn check(context: &ProjectContext<'_>) -> Vec<Finding> {
    context.project.problems.iter().filter_map(|problem| finding(context, problem)).collect()
}

fn finding(context: &ProjectContext<'_>, problem: &Problem) -> Option<Finding> {
    let stops = "Alembic imports every file of the folder: this one stops every command";
    let (what, why, mend) = match &problem.kind {
        ProblemKind::MergeConflict => return None,
        ProblemKind::Syntax { message } => (format!("the file is no Python: {message}"), stops, "mend the line"),
        ProblemKind::TooDeep => ("the file nests deeper than Python reads".to_owned(), stops, "write it flat"),
        ProblemKind::NoRevision => {
            ("the file has no `revision`".to_owned(), stops, "write `revision = \"…\"` and `down_revision = …`, or move the file out of the version folder")
        }
        ProblemKind::NoDownRevision => ("the file has no `down_revision`".to_owned(), stops, "write `down_revision = \"…\"`, or `None` for the first revision"),
        ProblemKind::NotLiteral { name } => {
            (format!("`{name}` is not written out"), "the chain cannot be read without running the file", "write the id itself, as a string")
        }
        ProblemKind::Unreadable { message } => (format!("the file cannot be opened: {message}"), stops, "check its rights, and where it links to"),
        ProblemKind::NotUtf8 { byte } => {
            (format!("the file is not UTF-8: byte {byte} is no part of a character"), stops, "convert it, for example `iconv -f latin1 -t utf8`")
        }
        ProblemKind::TooLarge { bytes } => (format!("the file has {bytes} bytes: more than a revision has"), "it was not read", "load data from a file of its own"),
    };
    Some(context.finding(&problem.file, problem.line, Severity::Error, what, why, mend))
}

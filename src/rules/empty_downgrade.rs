//! # A revision has no way back
//!
//! `downgrade` is missing, does nothing, or only raises, though `upgrade` does something.
//!
//! ## Why
//! A missing one stops `alembic downgrade` with `AttributeError`. An empty one is worse: Alembic writes the older revision
//! into the version table and leaves the schema as it is, so that the next `upgrade` fails half-way. One that raises says at
//! least that this is a one-way door. Of 2,169 real revisions 29 % have no way back.
//!
//! ## Do
//! Write the reverse of each operation, in the reverse order. What cannot come back (dropped data) is said by
//! `raise NotImplementedError("…")`, and the release plan names the backup. A project that only goes forward says
//! `downgrades = "none"` under `[project]` in `alembic-gate.toml`; with `"required"` this is an error.
//!
//! ```python bad
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.drop_index("ix_books_title")
//!
//! def downgrade():
//!     pass
//! ```
//! ```python bad
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.execute("UPDATE books SET title = trim(title)")
//!
//! def downgrade():
//!     raise NotImplementedError("the blanks are gone")
//! ```
//! ```python good
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.execute("ANALYZE books")
//!
//! def downgrade():
//!     # alembic-gate: allow empty_downgrade because statistics need no way back
//!     pass
//! ```
//! ```python good
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.drop_index("ix_books_title")
//!
//! def downgrade():
//!     op.create_index("ix_books_title", "books", ["title"])
//! ```

use crate::chain::RevisionContext;
use crate::finding::{Finding, Severity};
use crate::project::Downgrades;
use crate::project::revision::{Body, Revision, Shape};
use crate::rules::Check;

/// Looks at each revision.
pub const CHECK: Check = Check::Revision(check);

/// The line in an empty body on which it is allowed: it has no other line to say so beside.
fn said_at(revision: &Revision, body: &Body) -> Option<u32> {
    let inside = revision.allowances.iter().filter(|one| (body.line..=body.end_line).contains(&one.line));
    inside.filter(|one| one.rules.iter().any(|rule| rule == "empty_downgrade")).map(|one| one.line).next()
}

fn check(context: &RevisionContext<'_>) -> Vec<Finding> {
    let revision = context.revision;
    if !revision.upgrade_works() {
        return Vec::new();
    }
    let severity = match context.expected.downgrades {
        Some(Downgrades::None) => return Vec::new(),
        Some(Downgrades::Required) => Severity::Error,
        None => Severity::Warning,
    };
    let (line, what, why) = match &revision.downgrade {
        None => (
            revision.upgrade.as_ref().map_or(revision.id_line, |body| body.line),
            "the revision has no function `downgrade`: it is a one-way door".to_owned(),
            "`alembic downgrade` stops at it with `AttributeError`",
        ),
        Some(body) => match &body.shape {
            Shape::Works => return Vec::new(),
            Shape::Empty => (
                said_at(revision, body).unwrap_or(body.line),
                "`downgrade` does nothing: the revision is a one-way door that does not say so".to_owned(),
                "Alembic writes the older revision into the version table and leaves the schema: the next `upgrade` fails",
            ),
            Shape::Raises { line, message } => {
                let reason = message.as_ref().map(|message| format!(" (\"{message}\")")).unwrap_or_default();
                (*line, format!("`downgrade` only raises{reason}: the revision is a one-way door"), "a bad release cannot be taken back by it")
            }
        },
    };
    let mend = "write the reverse of each operation in the reverse order; what cannot come back raises, and is approved with a backup";
    vec![context.finding(line, severity, what, why, mend)]
}

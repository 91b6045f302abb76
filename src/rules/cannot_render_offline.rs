//! # A revision cannot be rendered as SQL without a database
//!
//! A call asks the database for something: an inspector, a session, rows of a result.
//!
//! ## Why
//! `alembic upgrade from:to --sql` has no database. There `op.get_bind()` gives rows to nobody and inspects nothing: the
//! command stops at this line. Its SQL has to be taken from a run on a scratch database instead. Of 18 real histories none
//! could be rendered from the first revision to the last.
//!
//! ## Do
//! Where the SQL must be reviewable as text: write it as SQL (`INSERT … SELECT`), or leave the part out offline with
//! `if not context.is_offline_mode():`. Else nothing: the gate runs the revision on a scratch database.
//!
//! ```python bad
//! import sqlalchemy as sa
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     if "title" not in [column["name"] for column in sa.inspect(op.get_bind()).get_columns("books")]:
//!         op.add_column("books", sa.Column("title", sa.Text()))
//! ```
//! ```python bad
//! import sqlalchemy as sa
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     for row in op.get_bind().execute(sa.text("SELECT id FROM books")):
//!         op.execute(f"UPDATE books SET title = 'none' WHERE id = {row.id}")
//! ```
//! ```python good
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.execute("UPDATE books SET title = 'none' WHERE title IS NULL")
//! ```

use crate::chain::RevisionContext;
use crate::finding::{Finding, Severity};
use crate::project::revision::Body;
use crate::rules::Check;

/// Looks at each revision.
pub const CHECK: Check = Check::Revision(check);

fn check(context: &RevisionContext<'_>) -> Vec<Finding> {
    let bodies = [("upgrade", &context.revision.upgrade), ("downgrade", &context.revision.downgrade)];
    bodies.into_iter().filter_map(|(name, body)| finding(context, name, body.as_ref()?)).collect()
}

fn finding(context: &RevisionContext<'_>, name: &str, body: &Body) -> Option<Finding> {
    let first = body.blockers.first()?;
    let more = match body.blockers.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let what = format!("`{name}` cannot be rendered offline: `{}` asks the database{more}", first.code);
    let mend = "nothing, if a run on a scratch database is review enough; else write it as SQL, or leave it out with `context.is_offline_mode()`";
    Some(context.finding(first.line, Severity::Notice, what, first.why, mend))
}

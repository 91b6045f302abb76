//! # A revision id is too long for the version table
//!
//! The id has more than 32 characters.
//!
//! ## Why
//! Alembic makes `alembic_version.version_num` as `VARCHAR(32)`. PostgreSQL and MySQL refuse a longer id when the revision
//! is stamped, after all its statements have run; MySQL and MariaDB have committed them by then.
//!
//! ## Do
//! Take a shorter id. Where the project widened the column itself, allow this with that reason.
//!
//! ```python bad
//! revision = "2026_01_15_add_user_email_index_and_more"
//! down_revision = None
//! ```
//! ```python good
//! revision = "2026_01_15_user_email"
//! down_revision = None
//! ```

use crate::chain::RevisionContext;
use crate::dialect::Dialect;
use crate::finding::{Finding, Severity};
use crate::rules::Check;

/// Looks at each revision.
pub const CHECK: Check = Check::Revision(check);

/// What `alembic_version.version_num` holds. Source: Alembic 1.20.1, `MigrationContext`; `DefaultImpl.version_table_impl`.
const LONGEST: usize = 32;

fn check(context: &RevisionContext<'_>) -> Vec<Finding> {
    let length = context.revision.id.chars().count();
    // SQLite does not look at the length of a VARCHAR.
    if length <= LONGEST || context.expected.dialect == Some(Dialect::Sqlite) {
        return Vec::new();
    }
    let what = format!("the id `{}` has {length} characters", context.revision.id);
    let why = "`alembic_version.version_num` is `VARCHAR(32)`: the server refuses the id when the revision is stamped";
    vec![context.finding(context.revision.id_line, Severity::Warning, what, why, format!("take an id of at most {LONGEST} characters"))]
}

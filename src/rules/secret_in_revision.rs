//! # A secret stands in a revision
//!
//! A password, a token, a private key or a connection string with a password is written out in the statement.
//!
//! ## Why
//! Revisions live in version control for ever, go into logs and into every review. Whoever reads the repository has
//! the secret.
//!
//! ## Do
//! Take it out, change the secret, and let the role or the row be made outside of the migrations, with the value from
//! the environment. What is shown here has it hidden.
//!
//! ```sql bad
//! ALTER ROLE app PASSWORD 'correct-horse-battery';
//! ```
//! ```sql bad
//! UPDATE settings SET value = 'postgresql://app:correct-horse@db/app' WHERE id = 1;
//! ```
//! ```sql good
//! CREATE ROLE app LOGIN;
//! ```
//! ```python bad
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.bulk_insert(users, [{"name": "admin", "password": "correct-horse"}])
//! ```
//! ```python good
//! import os
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//!
//! def upgrade():
//!     op.bulk_insert(users, [{"name": "admin", "password": os.environ["ADMIN_PASSWORD_HASH"]}])
//! ```

use crate::chain::RevisionContext;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::secret;

/// Looks at each statement, and at each literal of a revision.
pub const CHECK: Check = Check::Each(&[Check::Statement(check), Check::Revision(check_revision)]);

const WHY: &str = "a revision stays in version control, in logs and in reviews for ever";
const MEND: &str = "take it out, change the secret, and set it outside of the migrations from the environment";

fn check(context: &Context<'_>) -> Vec<Finding> {
    let secrets = secret::secrets(context.sql());
    let Some(first) = secrets.first() else { return Vec::new() };
    let what = format!("{} stands in the statement", first.what);
    vec![context.finding(Severity::Error, what, WHY, MEND)]
}

fn check_revision(context: &RevisionContext<'_>) -> Vec<Finding> {
    let secrets = &context.revision.secrets;
    secrets.iter().map(|secret| context.finding(secret.line, Severity::Error, format!("{} stands in the revision", secret.what), WHY, MEND)).collect()
}

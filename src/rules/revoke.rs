//! # Rights that are in use are taken away
//!
//! `REVOKE`, a new owner of a view, and `DROP OWNED` work at once, without a lock: the next query of the role fails.
//!
//! ## Why
//! A running release that uses the role gets 42501. A view reads its tables with the rights of its owner.
//!
//! ## Do
//! Deploy the release that does not need the right first.
//!
//! ```sql bad
//! REVOKE SELECT ON books FROM reader;
//! ```
//! ```sql bad
//! ALTER VIEW open_books OWNER TO somebody;
//! ```
//! ```sql good
//! GRANT SELECT ON books TO reader;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("revoke");
    let Some(first) = broken.first() else { return Vec::new() };
    let what = format!("{first} may fail from now on");
    vec![context.finding(Severity::Warning, what, "the rights hold at once, without a lock (42501)", "be sure that no running release uses the right")]
}

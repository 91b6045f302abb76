//! # A revision id means something else in commands
//!
//! The id is `base`, `head` or `heads`, is empty, or holds one of `@`, `+`, `-`, `:`.
//!
//! ## Why
//! These are the words and signs of ranges: `alembic upgrade head`, `+1`, `label@head`, `from:to`. Alembic refuses an id
//! with one of the signs (`:` since 1.17.1), and never finds one that is a word.
//!
//! ## Do
//! Take an id of letters and digits, as `alembic revision` makes it.
//!
//! ```python bad
//! revision = "head"
//! down_revision = None
//! ```
//! ```python bad
//! revision = "2026-01-15"
//! down_revision = None
//! ```
//! ```python good
//! revision = "2026_01_15"
//! down_revision = None
//! ```

use crate::chain::RevisionContext;
use crate::finding::{Finding, Severity};
use crate::rules::Check;

/// Looks at each revision.
pub const CHECK: Check = Check::Revision(check);

fn check(context: &RevisionContext<'_>) -> Vec<Finding> {
    let id = &context.revision.id;
    let why = match id.as_str() {
        "" => "an empty id cannot be named".to_owned(),
        "base" | "head" | "heads" => format!("in a command `{id}` means another revision: this one is never found"),
        _ => match id.chars().find(|c| "@+-:".contains(*c)) {
            Some(sign) => format!("`{sign}` belongs to ranges such as `+1`, `label@head` and `from:to`: Alembic refuses the id"),
            None => return Vec::new(),
        },
    };
    let what = format!("`{id}` cannot be a revision id");
    vec![context.finding(context.revision.id_line, Severity::Error, what, why, "take an id of letters and digits; `alembic revision` makes one")]
}

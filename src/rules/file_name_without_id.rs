//! # A revision file is named after another revision
//!
//! The project's `file_template` puts the id into the file name, and this name has another one.
//!
//! ## Why
//! Alembic does not look at names, people do: the wrong file is opened, and a copied revision is taken for the old one.
//!
//! ## Do
//! Rename the file, or write the id that its name says; never change the id of a published revision.
//!
//! ```python bad
//! # file: a1b2c3d4e5f6_create_books.py
//! revision = "b2c3d4e5f6a1"
//! down_revision = None
//! ```
//! ```python good
//! # file: b2c3d4e5f6a1_create_books.py
//! revision = "b2c3d4e5f6a1"
//! down_revision = None
//! ```
//! ```python good
//! # file: create_books.py
//! revision = "b2c3d4e5f6a1"
//! down_revision = None
//! ```

use crate::chain::RevisionContext;
use crate::finding::{Finding, Severity};
use crate::rules::Check;

/// Looks at each revision.
pub const CHECK: Check = Check::Revision(check);

fn check(context: &RevisionContext<'_>) -> Vec<Finding> {
    let revision = context.revision;
    let name = revision.file.rsplit('/').next().unwrap_or_default();
    if !context.project.file_template.contains("%(rev)s") || name.contains(&revision.id) {
        return Vec::new();
    }
    let Some(other) = name.trim_end_matches(".py").split(['_', '-']).find(|part| looks_like_an_id(part)) else { return Vec::new() };
    let what = format!("the file is named after `{other}` and holds `{}`", revision.id);
    let mend = "rename the file; never change the id of a published revision";
    vec![context.finding(revision.id_line, Severity::Notice, what, "people find revisions by the names of their files", mend)]
}

/// As `alembic revision` makes them: twelve hexadecimal digits.
fn looks_like_an_id(part: &str) -> bool {
    part.len() == 12 && part.chars().all(|c| c.is_ascii_hexdigit()) && part.chars().any(|c| c.is_ascii_alphabetic())
}

//! # A revision imports the application's models
//!
//! The file imports models, tables or metadata of the application itself.
//!
//! ## Why
//! A model is what the schema will be, a revision runs on what it was. When a column is added to the model later, the old
//! revision selects it before it exists, and a fresh database cannot be brought up any more.
//!
//! ## Do
//! Write the few columns that the revision needs: `sa.table("books", sa.column("id"), sa.column("title"))`, or SQL text.
//!
//! ```python bad
//! from shop.models import Book
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//! ```
//! ```python good
//! import sqlalchemy as sa
//! from sqlalchemy.orm import Session
//! from alembic import op
//! revision = "a1b2c3d4e5f6"
//! down_revision = None
//! books = sa.table("books", sa.column("id"), sa.column("title"))
//! ```

use crate::chain::RevisionContext;
use crate::finding::{Finding, Severity};
use crate::project::imports::is_models;
use crate::project::revision::Import;
use crate::rules::Check;

/// Looks at each revision.
pub const CHECK: Check = Check::Revision(check);

fn check(context: &RevisionContext<'_>) -> Vec<Finding> {
    let models = context.revision.imports.iter().filter(|import| is_models(import, &context.project.own_packages));
    models.map(|import| finding(context, import)).collect()
}

fn finding(context: &RevisionContext<'_>, import: &Import) -> Finding {
    let module = format!("{}{}", ".".repeat(import.level as usize), import.module);
    let names = if import.names.is_empty() { String::new() } else { format!(" ({})", import.names.join(", ")) };
    let what = format!("the revision imports the application's models from `{module}`{names}");
    let why = "a model is the schema of today: when it changes, this old revision asks for columns that are not there yet";
    let mend = "write the columns it needs: `sa.table(\"…\", sa.column(\"…\"))`, or SQL text";
    context.finding(import.line, Severity::Warning, what, why, mend)
}

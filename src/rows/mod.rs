//! Rows for a throw-away database, and proof of what became of them.
//!
//! A downgrade that is green on empty tables may fail with one row. [`fill::fill`] writes rows that satisfy the
//! constraints and are as awkward as they allow; [`data`] remembers every value before and says which are lost.

mod bounds;
pub mod data;
pub mod fill;
mod mark;
mod shape;
mod value;

use crate::database::DatabaseError;

pub use crate::rows::shape::{TableName, Words, tables};
pub use value::Mood;

/// Rows could not be written or read: trouble with the server, never a verdict on a migration.
#[derive(Debug, thiserror::Error)]
#[error("{attempted} failed")]
pub struct RowsError {
    /// What was attempted.
    pub attempted: String,
    /// What the server said.
    #[source]
    pub source: DatabaseError,
}

impl RowsError {
    fn of(attempted: impl Into<String>) -> impl FnOnce(DatabaseError) -> Self {
        let attempted = attempted.into();
        move |source| Self { attempted, source }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        self.source.hint()
    }
}

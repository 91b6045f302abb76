#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
//! All tests that go through more than one module.

mod claims;
mod effects_postgresql;
mod type_changes;

//! The tests that need nothing but this program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod rule_pages;
mod truth_postgresql;

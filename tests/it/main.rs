//! All integration tests, in one program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout)]

mod claims_sqlite;
mod splitting;
mod truth_sqlite;

//! The integration tests: data in, data out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod truth_mariadb;

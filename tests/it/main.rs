//! The integration tests: data in, data out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod mysql_versions;
mod truth_mariadb;

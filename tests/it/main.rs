//! One binary for all integration tests: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod architecture;
mod effects_postgresql;
mod hostile;
mod mysql_versions;
mod parse_cases;
mod rule_pages;
mod truth_mariadb;
mod truth_postgresql;
mod type_changes;

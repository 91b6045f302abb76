//! One binary for all integration tests: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod architecture;
mod claims;
mod claims_mariadb;
mod claims_sqlite;
mod effects_postgresql;
mod formulas;
mod hostile;
mod mysql_versions;
mod parse_cases;
mod regressions;
mod rule_pages;
mod splitting;
mod surfaces;
mod truth_mariadb;
mod truth_postgresql;
mod truth_sqlite;
mod type_changes;

//! One binary for all integration tests: it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod architecture;
mod bridge;
mod claims;
mod claims_mariadb;
mod claims_sqlite;
mod database;
mod effects_postgresql;
mod fence;
mod hostile;
mod lifecycle_adversary;
mod lifecycle_approve;
mod lifecycle_block;
mod lifecycle_cases;
mod lifecycle_gates;
mod lifecycle_hook;
mod lifecycle_reports;
mod lifecycle_store;
mod lifecycle_tags;
mod mysql_versions;
mod parse_cases;
mod project_chain;
mod project_config;
mod regressions;
mod retrieval;
mod rows;
mod rule_pages;
mod scratch;
mod snapshot;
mod splitting;
mod surfaces;
mod throwaway;
mod truth_mariadb;
mod truth_postgresql;
mod truth_sqlite;
mod type_changes;

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
mod http;
mod lifecycle_block;
mod lifecycle_cases;
mod lifecycle_gates;
mod logs;
mod mcp_calls;
mod mcp_client;
mod mcp_pages;
mod mcp_stdio;
mod mysql_versions;
mod parse_cases;
mod project_chain;
mod project_config;
mod regressions;
mod retrieval;
mod rows;
mod rule_pages;
mod scratch;
mod splitting;
mod surfaces;
mod throwaway;
mod truth_mariadb;
mod truth_postgresql;
mod truth_sqlite;
mod type_changes;

//! Takes Alembic database migrations safely from plan to apply.
//!
//! # Bird's-eye view
//!
//! SQL comes in, facts and judgement go out. A script is *split* into statements, each statement is *understood*
//! as a change, each change meets the *catalogue* (what stood before it) and has an *effect* on the server it is
//! meant for: locks, work, loss, failures. *Rules* judge effects and say what to write instead; *risk* is folded
//! over effects and nothing else. *Tools* put that into answers; the command line and the MCP server print them.
//!
//! # Layers
//!
//! A module uses only what stands above it in this list (`tests/it/architecture.rs` reads the `use`s and fails):
//!
//! 1. vocabulary, plain data: [`dialect`], [`finding`], [`digest`], [`secret`] (what must not be printed), [`address`] (where a database is)
//! 2. text to meaning, never fails: [`sql`], [`shell`] (command lines)
//! 3. what a server does with a change, facts with versions and sources, no judgement: [`effects`]
//! 4. judgement: [`risk`], [`step`] (what is passed along), [`rules`] with the words of their mends in [`fix`], [`judge`]
//!    then [`lifecycle`]: evidence, the five gates, approvals, the state block, as functions of values
//! 5. the outside world: [`config`], [`git`], [`database`] (one connection for three engines), [`store`] (records in the
//!    project, the key outside it), [`wrap`] (runs a command in our place); the reference: [`knowledge`]
//! 6. the product as functions: [`tools`], [`hook`] (what an agent's shell may run), [`report`], [`format`]
//! 7. surfaces: [`approve`] (a person on a terminal), [`mcp`], [`cli`]
//!
//! # Invariants
//!
//! 1. Reading SQL never fails and never panics; every byte is a statement or a gap.
//! 2. What is not understood is never safe: it is a finding, and its loss is at least medium.
//! 3. Layers 1 to 4 have no IO, no `async` and no clock.
//! 4. stdout belongs to answers and to the protocol; logs go to stderr.
//! 5. Risk is folded over effects; findings never raise it.
//! 6. One list for each kind of thing: help, schema, pages and tests are derived from it.
//! 7. Every fact has a source and a range of versions; where a server can be had, a test runs it there.
//! 8. The command line and the server give the same output for the same input.
//! 9. The examples on a rule's page behave as the page says.
//! 10. `sqlparser` is named in one file, `rmcp` and `tantivy` in one folder each; processes are started in `git` and `wrap` only.
//! 11. That SQL was reviewed or a rollback tested is a function of evidence and of what stands now: nothing stores it, nothing sets it.

pub mod address;
pub mod approve;
pub mod cli;
pub mod config;
pub mod database;
pub mod dialect;
pub mod digest;
pub mod effects;
pub mod finding;
pub mod fix;
pub mod format;
pub mod git;
pub mod hook;
pub mod judge;
pub mod knowledge;
pub mod lifecycle;
pub mod mcp;
pub mod report;
pub mod risk;
pub mod rules;
pub mod secret;
pub mod shell;
pub mod sql;
pub mod step;
pub mod store;
pub mod tools;
pub mod wrap;

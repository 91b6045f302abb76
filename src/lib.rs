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
//! 1. vocabulary, plain data: [`dialect`], [`finding`], [`secret`] (what must not be printed), [`allow`] (what a comment allows)
//! 2. text to meaning, never fails: [`sql`]; an Alembic project as its texts say, never run: [`project`]
//! 3. what a server does with a change, facts with versions and sources, no judgement: [`effects`]
//! 4. judgement: [`risk`], [`step`] and [`chain`] (what is passed along), [`rules`] with the words of their mends in [`fix`], [`judge`]
//! 5. the outside world: [`config`], [`git`], [`workspace`] (a project on the disk)
//! 6. the product as functions: [`tools`], [`report`], [`format`]
//! 7. surfaces: [`mcp`], [`cli`]
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
//! 10. `sqlparser` and the parser of Python are named in one file each, `rmcp` in one folder; processes are started in `git` only.

pub mod allow;
pub mod chain;
pub mod cli;
pub mod config;
pub mod dialect;
pub mod effects;
pub mod finding;
pub mod fix;
pub mod format;
pub mod git;
pub mod judge;
pub mod mcp;
pub mod project;
pub mod report;
pub mod risk;
pub mod rules;
pub mod secret;
pub mod sql;
pub mod step;
pub mod tools;
pub mod workspace;

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
//! 1. vocabulary, plain data:
//!    [`allow`] (what a comment allows),
//!    [`dialect`],
//!    [`digest`] (of a text, for evidence),
//!    [`finding`],
//!    [`secret`] (what must not be printed),
//!    [`address`] (where a database is)
//! 2. text to meaning, never fails:
//!    [`sql`],
//!    [`shell`] (command lines)
//! 3. an Alembic project as its texts say, never run:
//!    [`project`]
//! 4. what a server does with a change, facts with versions and sources, no judgement:
//!    [`effects`]
//! 5. judgement:
//!    [`fix`] (the words of mends),
//!    [`demand`] (which stored rows stop a statement),
//!    [`risk`],
//!    [`step`] (what is passed along),
//!    [`chain`] (what a rule may look at of a project),
//!    [`intent`] (what somebody said a change does),
//!    [`rules`],
//!    [`judge`],
//!    [`recipes`] (from a wish to revisions)
//! 6. the life of a migration: phases, evidence, gates, the state block:
//!    [`lifecycle`]
//! 7. the outside world:
//!    [`config`],
//!    [`git`],
//!    [`workspace`] (a project on the disk),
//!    [`database`] (one connection for three engines),
//!    [`store`] (what is remembered of a migration),
//!    [`scratch`] (servers and databases that are thrown away),
//!    [`snapshot`] (a schema, object by object),
//!    [`rows`] (awkward rows, and what became of them),
//!    [`bridge`] (one warm Python of the user's own),
//!    [`trace`] (what statements lock, as seen),
//!    [`tokens`] (who may do what over HTTP),
//!    [`wrap`] (runs a command in our place),
//!    [`workshop`] (a project with its Python and a scratch database),
//!    [`trial`] (up, down and up again, compared),
//!    [`deploy`] (runs a reviewed range on an environment: the one writer to what we did not make),
//!    [`recovery`] (the ways back from trouble)
//! 8. the reference:
//!    [`knowledge`]
//! 9. the product as functions:
//!    [`tools`] (`tools::migration` is the one way to what stands now, to a record and to the gates),
//!    [`hook`] (what an agent's shell may run),
//!    [`format`],
//!    [`verify`] (everything from nothing, for CI)
//! 10. surfaces:
//!     [`prompts`] (the texts for agents),
//!     [`log`] (to stderr, without secrets),
//!     [`approve`] (a person on a terminal),
//!     [`mcp`],
//!     [`cli`]
//!
//! # Invariants
//!
//! 1. Reading SQL never fails and never panics; every byte is a statement or a gap.
//! 2. What is not understood is never safe: it is a finding, and its loss is at least medium.
//! 3. What lies below the outside world has no IO, no `async` and no clock.
//! 4. stdout belongs to answers and to the protocol; logs go to stderr.
//! 5. Risk is folded over effects; findings never raise it.
//! 6. One list for each kind of thing: help, schema, pages and tests are derived from it.
//! 7. Every fact has a source and a range of versions; where a server can be had, a test runs it there.
//! 8. The command line and the server give the same output for the same input.
//! 9. The examples on a rule's page behave as the page says.
//! 10. A crate that could be exchanged is named in one place (`tests/it/architecture.rs` lists them), and so are processes.
//! 11. That SQL was reviewed or a way back proven is a function of evidence and of what stands now: nothing stores it.

pub mod address;
pub mod allow;
pub mod approve;
pub mod bridge;
pub mod chain;
pub mod cli;
pub mod config;
pub mod database;
pub mod demand;
pub mod deploy;
pub mod dialect;
pub mod digest;
pub mod effects;
pub mod finding;
pub mod fix;
pub mod format;
pub mod git;
pub mod hook;
pub mod intent;
pub mod judge;
pub mod knowledge;
pub mod lifecycle;
pub mod log;
pub mod mcp;
pub mod project;
pub mod prompts;
pub mod recipes;
pub mod recovery;
pub mod risk;
pub mod rows;
pub mod rules;
pub mod scratch;
pub mod secret;
pub mod shell;
pub mod snapshot;
pub mod sql;
pub mod step;
pub mod store;
pub mod tokens;
pub mod tools;
pub mod trace;
pub mod trial;
pub mod verify;
pub mod workshop;
pub mod workspace;
pub mod wrap;

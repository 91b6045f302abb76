//! How a migration is led from PLAN to COMPLETE: evidence, gates, approvals, the state block. Pure: no IO, no clock.
//!
//! The truth is evidence; the state is a function of it. Evidence carries digests of what was looked at, and each
//! question compares them with digests computed at that moment ([`evidence::Now`], given by the caller): one changed
//! byte, and the gate is closed and the phase falls back. Nothing can be set: no type here has a field that says that
//! SQL was reviewed or a rollback tested, but for the two of a block, which say what it prints.
//!
//! # What can be faked, and what not
//!
//! An agent can write every file of a project. So a file proves nothing by being there:
//! - A **review** is repeated at each question: the caller brings what the rules say now, and only an equal review counts.
//! - A **round trip** cannot be repeated in milliseconds. It counts with a seal of a key that lies outside the project
//!   ([`seal`]): by this machine or by a team that shares a key. Sealed elsewhere it is a claim, to be replayed by
//!   `alembic-gate verify` or repeated. What this machine tested last is noted beside the key ([`ledger::Latest`]):
//!   cutting a failed test out of the ledger does not bring the success before it back. And before anything is applied, a
//!   round trip that the applying process did not run itself is repeated: with the key in hand it can be written, not made true.
//! - An **approval** names the digest, the loss and the backup, and the environment with a digest of its definition.
//!   On a terminal it is sealed with the same key; as a signed tag it needs no key of ours.
//! - A **project's configuration** can ask for higher levels, never for lower ones.
//!
//! The honest limit: an agent with the same user's rights can read that key, or open a terminal of its own and type.
//! A seal then says only that this user wrote the line. What remains true: `alembic-gate verify` on another machine
//! believes no ledger and repeats everything; a tag signed with a key that asks for a passphrase or a touch cannot be
//! made by an agent that has neither; the key of a server that runs as another user cannot be read.

pub mod after;
pub mod approval;
pub mod block;
pub mod boxes;
pub mod canonical;
pub mod evidence;
pub mod gate;
pub mod identity;
pub mod ledger;
pub mod phase;
pub mod proven;
pub mod seal;
pub mod state;

//! The one place that writes to a database that we did not make: runs a reviewed range on an environment.
//!
//! # What it keeps
//!
//! * Only statements of a [`Plan`] are sent, and a plan is made of a rendering alone: the text that was reviewed and the
//!   statements that run come from the same answer of the project's Alembic. That Python never learns the URL.
//! * Statements are committed as Alembic commits them: where it writes BEGIN and COMMIT there are transactions
//!   (PostgreSQL, with the borders of `autocommit_block`), MariaDB and MySQL commit as they go, a revision at the end.
//!   SQLite is stricter here: a revision is one transaction, so that a failure leaves nothing of it.
//! * One runner at a time: an advisory lock on the server (`pg_try_advisory_lock`, `GET_LOCK`), in SQLite the write lock
//!   of each transaction. The revision is read again under the lock, and every step of the version table must hit one row.
//! * Nobody waits long for a lock: `lock_timeout`, then a pause, a bounded number of times, and only where the server has
//!   taken everything back.
//! * Rows that a statement would be refused for are counted before the first is sent, in transactions that can only read.
//! * It stops at the first failure, and [`Ran`] says of each statement whether it is committed, taken back, or unknown
//!   because the connection broke while it was under way.
//!
//! `rehearsal` runs the same plan with the same runner on a scratch database first and compares what comes out with what
//! Alembic itself makes there.

mod in_the_way;
mod plan;
mod rehearsal;
mod run;
mod session;

pub use in_the_way::{Counted, InTheWay, count};
pub use plan::{CannotRun, Commits, Part, Plan, Step, Unit, plan, version_table};
pub use rehearsal::{Rehearsal, RehearsalError, expected, rehearse};
pub use run::{Fate, News, Ran, Stop, Stopped, run};
pub use session::{Limits, Target, TargetError, is_lock_trouble, limit_look, versions};

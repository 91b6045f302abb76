//! # A new enum value is used before it is committed
//!
//! A value that `ALTER TYPE … ADD VALUE` adds can be used when its transaction is committed, not earlier: 55P04.
//!
//! ## Why
//! Alembic runs a revision in one transaction, so that the value and its first use in one revision fail. A type
//! made in the same transaction is an exception from PostgreSQL 17 on.
//!
//! ## Do
//! Add the value in a revision of its own, or inside of an `autocommit_block()`, and use it in the next.
//!
//! ```sql bad
//! CREATE TYPE mood AS ENUM ('calm');
//! CREATE TABLE books (id bigint PRIMARY KEY, m mood);
//! -- when
//! BEGIN;
//! ALTER TYPE mood ADD VALUE 'wild';
//! ALTER TABLE books ALTER COLUMN m SET DEFAULT 'wild';
//! COMMIT;
//! ```
//! ```sql good
//! CREATE TYPE mood AS ENUM ('calm');
//! CREATE TABLE books (id bigint PRIMARY KEY, m mood);
//! -- when
//! ALTER TYPE mood ADD VALUE 'wild';
//! ALTER TABLE books ALTER COLUMN m SET DEFAULT 'wild';
//! ```

use crate::finding::{Finding, Severity};
use crate::fix;
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let Some(failure) = context.effect.fails.iter().find(|failure| failure.code == "55P04") else { return Vec::new() };
    let what = format!("`{}` fails here with 55P04", context.short());
    let mut found = context.finding(Severity::Error, what, failure.why.clone(), "commit the new value first: `ADD VALUE` in an `autocommit_block()`, its use in the next revision");
    found.fix_alembic = context.transaction.enum_values.first().map(|(name, value)| {
        let add = format!("ALTER TYPE {} ADD VALUE IF NOT EXISTS '{}'", fix::relation(name), value.replace('\'', "''"));
        format!("# a revision in front of this one\n{}", fix::autocommit(&fix::execute(&add)))
    });
    vec![found]
}

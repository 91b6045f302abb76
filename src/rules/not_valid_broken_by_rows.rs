//! # Stored rows break a constraint that is NOT VALID
//!
//! `NOT VALID` passes over the rows that stand, but not over the next one: whoever writes such rows today fails.
//!
//! ## Why
//! The rows that break it were written by the running release, or by one before it. Each `INSERT` of their kind fails
//! from now on, and so does each `UPDATE` of one of them, whatever column it is for. `VALIDATE` fails too.
//!
//! ## Do
//! Mend what writes them and deploy that, mend the rows, and add the constraint then.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint, pages int);
//! INSERT INTO books VALUES (1, 200), (2, -1);
//! -- when
//! ALTER TABLE books ADD CONSTRAINT ck_books_pages CHECK (pages >= 0) NOT VALID;
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint, pages int);
//! INSERT INTO books VALUES (1, 200), (2, 0);
//! -- when
//! ALTER TABLE books ADD CONSTRAINT ck_books_pages CHECK (pages >= 0) NOT VALID;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("not_valid_broken_by_rows");
    let Some(first) = broken.first() else { return Vec::new() };
    let what = format!("fail from now on: {first}");
    let why = "rows in the setup break the constraint: what wrote them may write more";
    vec![context.finding(Severity::Warning, what, why, "mend what writes such rows, then the rows, and add the constraint behind that")]
}

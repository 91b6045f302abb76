//! # A policy lets fewer rows through
//!
//! Row security is on, and a policy gets another condition or other roles, or a restrictive one comes on top.
//!
//! ## Why
//! Rows that a role saw may be hidden from the commit on, without an error: queries find less, updates and deletes
//! pass over rows. A restrictive policy must hold besides one of the others.
//!
//! ## Do
//! Compare what each role sees before and after on a copy, and change the policies in one transaction.
//!
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, note text);
//! CREATE POLICY readers ON books USING (true);
//! ALTER TABLE books ENABLE ROW LEVEL SECURITY;
//! -- when
//! ALTER POLICY readers ON books USING (note IS NOT NULL);
//! ```
//! ```sql bad
//! CREATE TABLE books (id bigint PRIMARY KEY, note text);
//! CREATE POLICY readers ON books USING (true);
//! ALTER TABLE books ENABLE ROW LEVEL SECURITY;
//! -- when
//! CREATE POLICY noted ON books AS RESTRICTIVE USING (note IS NOT NULL);
//! ```
//! ```sql good
//! CREATE TABLE books (id bigint PRIMARY KEY, note text);
//! CREATE POLICY readers ON books USING (note IS NOT NULL);
//! ALTER TABLE books ENABLE ROW LEVEL SECURITY;
//! -- when
//! CREATE POLICY others ON books USING (note IS NULL);
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let broken = context.broken("policy_narrowed");
    let Some(first) = broken.first() else { return Vec::new() };
    let why = "row security hides rows without an error, from the commit on";
    vec![context.finding(Severity::Warning, format!("in danger: {first}"), why, "compare what each role sees before and after on a copy")]
}

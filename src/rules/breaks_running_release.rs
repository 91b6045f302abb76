//! # Something that works today stops working
//!
//! The statement takes away what the running release uses.
//!
//! ## Why
//! Old and new release run side by side during a deploy, and after a roll back.
//!
//! ## Do
//! Deploy the release that does not need it first.
//!
//! ```sql bad
//! ALTER TABLE books SET (user_catalog_table = true);
//! ```
//! ```sql good
//! ALTER TABLE books SET (fillfactor = 70);
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement of which no other rule said what breaks.
pub const CHECK: Check = Check::Otherwise(check);

fn check(context: &Context<'_>, _said: &[Finding]) -> Vec<Finding> {
    let broken = context.broken("breaks_running_release");
    let Some(first) = broken.first() else { return Vec::new() };
    let what = format!("{first} stop working");
    vec![context.finding(Severity::Error, what, "the running release may rely on it", "deploy the release that does not need it first")]
}

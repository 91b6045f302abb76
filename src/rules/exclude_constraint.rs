//! # An exclusion constraint is built under the lock
//!
//! `ADD … EXCLUDE` builds its index and reads the table twice while it holds ACCESS EXCLUSIVE.
//!
//! ## Why
//! There is no `NOT VALID` and no `USING INDEX` for it: reads and writes wait for the whole build.
//!
//! ## Do
//! Do it in a maintenance window with a `lock_timeout`. Or make a new table with the constraint, copy the rows in
//! batches, and switch over.
//!
//! ```sql bad
//! ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&);
//! ```
//! ```sql good
//! CREATE TABLE bookings (during tsrange);
//! ALTER TABLE bookings ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&);
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if !context.is_postgresql() || !context.met("add_exclude") || !context.blocks_by_itself() || !context.blocks_long() {
        return Vec::new();
    }
    let what = format!("`{}` builds its index while others wait", context.short());
    let mend = "use a maintenance window with a `lock_timeout`, or a new table that is filled in batches";
    vec![context.finding(Severity::Error, what, context.waits(), mend)]
}

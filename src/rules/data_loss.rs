//! # Stored data goes
//!
//! The statement deletes or overwrites what is stored, in a way that the reverse change does not bring back.
//!
//! ## Why
//! A downgrade restores the schema, not the rows.
//!
//! ## Do
//! Copy what goes into a table beside it first, or confirm a backup that was tried.
//!
//! ```sql bad
//! CREATE TYPE size AS (w int, h int);
//! CREATE TABLE parcels (id bigint, s size);
//! -- when
//! ALTER TYPE size DROP ATTRIBUTE h;
//! ```
//! ```sql good
//! CREATE TYPE size AS (w int, h int);
//! -- when
//! ALTER TYPE size ADD ATTRIBUTE h int;
//! ```

use crate::effects::Loss;
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::Change;

/// Looks at each statement of which no other rule said what goes.
pub const CHECK: Check = Check::Otherwise(check);

/// Rules that speak of the loss themselves.
const SAY_SO: &[&str] =
    &["drop_column", "drop_table", "drop_object", "truncate", "unbounded_write", "type_change_loss", "sequence_restart", "not_understood", "opaque_code", "drop_cascade", "sqlite_batch_loses_rows"];

fn check(context: &Context<'_>, said: &[Finding]) -> Vec<Finding> {
    let is_said = said.iter().any(|found| SAY_SO.contains(&found.rule));
    if context.effect.loss < Loss::Medium || is_said || context.effect.is_bounded && !matches!(context.change(), Change::Block(_)) {
        return Vec::new();
    }
    let why = context.effect.loss_why.clone().unwrap_or_default();
    let what = format!("`{}` loses what is stored", context.short());
    vec![context.finding(Severity::Error, what, why, "copy what goes aside first, or confirm a backup that was tried")]
}

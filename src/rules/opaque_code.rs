//! # Code is built or called that cannot be read
//!
//! The statement runs text that is put together at run time, or a function whose body does not stand here.
//!
//! ## Why
//! What is not read is not safe: it may lock, rewrite or drop anything.
//!
//! ## Do
//! Write the statements out. Where that cannot be, look at the code yourself and allow it with a reason.
//!
//! ```sql bad
//! DO $$ DECLARE name text := current_setting('app.draft'); BEGIN EXECUTE 'DROP TABLE ' || quote_ident(name); END $$;
//! ```
//! ```sql bad
//! CALL tidy_up();
//! ```
//! ```sql good
//! DO $$ BEGIN EXECUTE format('CREATE TABLE %I (id bigint)', 'drafts'); END $$;
//! ```
//! ```sql good
//! DO $$ BEGIN EXECUTE 'CREATE TABLE drafts (id bigint)'; END $$;
//! ```

use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::change::Change;
use crate::sql::words::Kind;

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    if let Some(first) = context.broken("opaque_code").first() {
        return vec![context.finding(Severity::Warning, (*first).to_owned(), "a function does it, at once", "leave it to the people who run the server")];
    }
    if !context.effect.is_opaque || is_prepared_here(context) {
        return Vec::new();
    }
    let hidden = match context.change() {
        Change::Block(block) => block.hidden.clone(),
        _ => Vec::new(),
    };
    let destroys = hidden.iter().any(|word| matches!(word.as_str(), "DROP" | "TRUNCATE" | "DELETE"));
    let severity = if destroys { Severity::Error } else { Severity::Warning };
    let what = format!("nobody can tell from here what `{}` does", context.short());
    let why = if hidden.is_empty() { "its code does not stand in this script".to_owned() } else { format!("{} is built at run time", hidden.join(", ")) };
    vec![context.finding(severity, what, why, "write the statements out, or look at the code and allow it with a reason")]
}

/// `EXECUTE` of a statement that was prepared in the same script: its text was read.
fn is_prepared_here(context: &Context<'_>) -> bool {
    context.statement.reading.kind == Kind::Execute
        && context.script.statements.iter().any(|other| other.index < context.statement.index && other.reading.kind == Kind::Prepare)
}

//! `token`: a new token for HTTP, shown once, and the entry that knows its digest.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;

use crate::cli::{failed, print};
use crate::format::Format;
use crate::tokens::{FILE_VARIABLE, Right, TokenError, new_token};
use crate::tools::answer::ToolError;

/// Options of `token`.
#[derive(Debug, Args)]
pub struct TokenArguments {
    /// The token's name: letters, digits, `-` and `_`
    name: String,
    /// What it may do: read, test, apply
    #[arg(long, value_delimiter = ',', required = true)]
    rights: Vec<Right>,
}

/// Prints a new token and its entry.
pub fn token(arguments: &TokenArguments) -> ExitCode {
    let rights: BTreeSet<Right> = arguments.rights.iter().copied().collect();
    match new_token(&arguments.name, &rights) {
        Ok(new) => {
            // Not as a comment of the entry: appended to the file as it is, it would make the token readable there.
            eprintln!(
                "The first line is the token, shown this once. The entry below goes into the file that {FILE_VARIABLE} names (mode 600)."
            );
            print(&format!("{}\n\n{}", new.token, new.entry), 0)
        }
        Err(error) => failed(&wrong(&error), Format::Human),
    }
}

fn wrong(error: &TokenError) -> ToolError {
    ToolError { code: "bad_token", message: error.to_string(), at: None, hint: error.hint(), retry: false }
}

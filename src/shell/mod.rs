//! Command lines: which programs a shell would run, with which words, and what cannot be known before it runs them.
//!
//! [`read`] never fails: what it does not understand it says. POSIX shell (IEEE 1003.1, 2.2 to 2.10) with bash's
//! here-strings, process substitution, `$'…'`, `[[ … ]]` and functions.

mod lexer;

pub use lexer::{Command, Line, Word, read};

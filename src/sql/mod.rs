//! Text to meaning. Nothing here fails, and nothing is dropped.
//!
//! `split` finds the statements, `understand` reads each into a `Change`, `script` puts them together with their
//! transactions and revisions, `catalog` knows what stood before each of them.

pub mod bound;
pub mod catalog;
pub mod change;
pub mod formula;
pub mod functions;
pub mod script;
pub mod split;
pub mod token;
pub mod understand;
pub mod value;
pub mod words;

//! An Alembic project, read without running it: its settings, its revisions, its chain. Texts come in (`workspace` reads
//! them from the disk), plain data goes out.

pub mod graph;
pub mod imports;
pub mod ini;
pub mod operation;
pub mod revision;
pub mod uses;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::dialect::Dialect;

pub use graph::{Fault, NameError, RevisionGraph};
pub use ini::{Settings, SettingsError};
pub use revision::{Problem, ProblemKind, Revision};

/// A file of a version folder: its text, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// As it is shown: relative to the project, with `/`.
    pub name: String,
    /// What stands in it.
    pub text: Result<String, ProblemKind>,
}

/// A project, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// How new files are named.
    pub file_template: String,
    /// The revisions, in the order of their files, which is the order in which Alembic loads them.
    pub revisions: Vec<Revision>,
    /// Files that could not be read as a revision, wholly or in part.
    pub problems: Vec<Problem>,
    /// How the revisions follow one another; its places are those of `revisions`.
    pub graph: RevisionGraph,
    /// Packages and modules of the application itself, by their first name.
    pub own_packages: BTreeSet<String>,
}

impl Project {
    /// Reads the files.
    #[must_use]
    pub fn of(file_template: &str, own_packages: BTreeSet<String>, files: &[SourceFile]) -> Self {
        let texts: Vec<(&str, &str)> = files.iter().filter_map(|file| Some((file.name.as_str(), file.text.as_deref().ok()?))).collect();
        let unread = files.iter().filter_map(|file| {
            let kind = file.text.as_ref().err()?.clone();
            Some(Problem { file: file.name.clone(), line: None, kind })
        });
        let mut problems: Vec<Problem> = unread.collect();
        let mut revisions = Vec::new();
        for reading in revision::read_all(&texts) {
            revisions.extend(reading.revision);
            problems.extend(reading.problems);
        }
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        let graph = RevisionGraph::of(&revisions);
        Self { file_template: file_template.to_owned(), revisions, problems, graph, own_packages }
    }

    /// The revision at a place of the graph.
    #[must_use]
    pub fn revision(&self, at: usize) -> Option<&Revision> {
        self.revisions.get(at)
    }
}

/// The heads that a chain should have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Heads {
    /// So many.
    Count(usize),
    /// One for each of these branch labels.
    Labels(Vec<String>),
}

impl Default for Heads {
    fn default() -> Self {
        Self::Count(1)
    }
}

/// Whether revisions must be able to go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Downgrades {
    /// Each one.
    Required,
    /// None: the project goes forward only.
    None,
}

/// What a project expects of its chain, and what is known of it from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// Its heads; `None`: one, or one for each branch label.
    pub heads: Option<Heads>,
    /// Its downgrades; `None`: nobody said.
    pub downgrades: Option<Downgrades>,
    /// Files that others have already, as `Revision::file` names them; `None`: nobody could be asked.
    pub published: Option<BTreeSet<String>>,
    /// The revisions judged one by one, by id; `None`: all.
    pub range: Option<BTreeSet<String>>,
    /// The dialect that literal SQL is read in; `None`: PostgreSQL.
    pub dialect: Option<Dialect>,
}

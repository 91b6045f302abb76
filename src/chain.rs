//! What a rule may look at of a project: the whole chain, or one revision in it.

use crate::dialect::{Dialect, Server};
use crate::finding::{Finding, Severity};
use crate::project::operation::Operation;
use crate::project::{Expectations, Project, Revision};

/// The whole chain.
pub struct ProjectContext<'a> {
    /// The project.
    pub project: &'a Project,
    /// What it should be.
    pub expected: &'a Expectations,
}

/// One revision.
pub struct RevisionContext<'a> {
    /// The project.
    pub project: &'a Project,
    /// What it should be.
    pub expected: &'a Expectations,
    /// The revision.
    pub revision: &'a Revision,
}

impl ProjectContext<'_> {
    /// A finding on a line of a file. `rule` and `id` are set by the caller.
    #[must_use]
    pub fn finding(
        &self,
        file: &str,
        line: Option<u32>,
        severity: Severity,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        finding(Some(file), line, severity, what.into(), why.into(), mend.into())
    }

    /// A finding on a revision, at one of its lines.
    #[must_use]
    pub fn on(
        &self,
        at: usize,
        line: impl Fn(&Revision) -> u32,
        severity: Severity,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        let revision = self.project.revision(at);
        let file = revision.map(|revision| revision.file.as_str());
        let mut found = finding(file, revision.map(line), severity, what.into(), why.into(), mend.into());
        found.revision = revision.map(|revision| revision.id.clone());
        found
    }
}

impl RevisionContext<'_> {
    /// A finding on a line of the revision. `rule` and `id` are set by the caller.
    #[must_use]
    pub fn finding(
        &self,
        line: u32,
        severity: Severity,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        let mut found = finding(Some(&self.revision.file), Some(line), severity, what.into(), why.into(), mend.into());
        found.revision = Some(self.revision.id.clone());
        found
    }

    /// The server that literal SQL is read for.
    #[must_use]
    pub fn server(&self) -> Server {
        Server::newest(self.expected.dialect.unwrap_or(Dialect::Postgresql))
    }

    /// The operations of `upgrade`.
    #[must_use]
    pub fn upgrade(&self) -> &[Operation] {
        self.revision.upgrade.as_ref().map(|body| body.operations.as_slice()).unwrap_or_default()
    }
}

fn finding(file: Option<&str>, line: Option<u32>, severity: Severity, what: String, why: String, mend: String) -> Finding {
    Finding {
        id: String::new(),
        rule: "",
        severity,
        statement: None,
        line,
        revision: None,
        file: file.map(str::to_owned),
        table: None,
        what,
        why,
        mend,
        fix_sql: None,
        fix_alembic: None,
        cite: Vec::new(),
        allowed: None,
    }
}

//! A way back by hand, written down before anything is run: for a revision that is applied where others work and whose
//! downgrade does not bring it back.

use std::path::Path;

use serde::Serialize;

use super::RecoveryError;
use super::bench::Bench;
use super::ddl::{Made, way};
use super::document;
use super::half::clipped;
use super::replay::Replay;
use crate::snapshot::Change;
use crate::snapshot::likeness::differences;
use crate::workshop::Workshop;
use crate::workshop::range::Range;

/// A drafted way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManualRollback {
    /// Where it may be needed.
    pub environments: Vec<String>,
    /// Why.
    pub why: String,
    /// The statements, in order, each with how it is checked.
    pub steps: Vec<Step>,
    /// It was run on a scratch database behind the upgrade and led to the schema in front of it.
    pub proven: bool,
    /// What must be seen to.
    pub mind: Vec<String>,
    /// The document, from the project's folder; none where it could not be written.
    pub file: Option<String>,
    /// Of the document: an approval that names another one is not for it.
    pub digest: String,
    /// Nothing of it is run before a person has approved it.
    pub approval_required: bool,
    /// Who approved exactly this document, each with the level and the environment.
    pub approved_by: Vec<String>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The statement.
    pub sql: String,
    /// How to see that it worked, and what to do if not.
    pub check: String,
}

/// Drafts the way back of a range.
///
/// # Errors
/// The chain does not lead to where the range begins; no scratch database.
pub fn draft(workshop: &Workshop, range: &Range, environments: &[String], why: &str) -> Result<ManualRollback, RecoveryError> {
    let bench = Bench::at(workshop, &range.from)?;
    let replay = Replay::of(workshop, &bench, &range.from, &range.revisions)?;
    let mut database = bench.fresh()?;
    let mut mind = Vec::new();
    if let Some((sql, error)) = database.run_all(replay.statements.iter().map(|one| one.sql.as_str())) {
        mind.push(format!("the upgrade does not run here: `{}` is refused: {error}", clipped(&sql)));
    }
    let upgraded = database.schema()?;
    let labels: Vec<String> = differences(&upgraded, &bench.schema).into_iter().map(|one| one.object).collect();
    let texts = bench.fresh()?.texts(&labels)?;
    let back = way(&upgraded, &bench.schema, workshop.server.dialect, &texts);
    let refused = database.run_all(back.statements.iter().map(|made| made.sql.as_str()));
    let left = differences(&database.schema()?, &bench.schema);
    mind.extend(refused.iter().map(|(sql, error)| format!("`{}` is refused: {error}", clipped(sql))));
    mind.extend(back.unwritten.iter().map(|label| format!("no statement could be written for {label}")));
    mind.extend(left.iter().map(|one| format!("left over: {one}")));
    if replay.statements.iter().any(|one| one.is_rows) {
        mind.push("the upgrade changes rows: their old values are in a backup or nowhere".to_owned());
    }
    if back
        .statements
        .iter()
        .any(|made| made.change == Change::Gone && (made.label.starts_with("column ") || made.label.starts_with("table ")))
    {
        mind.push("rows written since into what is dropped are lost: copy them first where they matter".to_owned());
    }
    let proven = refused.is_none() && left.is_empty();
    let steps = back.statements.iter().map(step).collect();
    let mut manual = ManualRollback {
        environments: environments.to_vec(),
        why: why.to_owned(),
        steps,
        proven,
        mind,
        file: None,
        digest: String::new(),
        approval_required: true,
        approved_by: Vec::new(),
    };
    manual.digest = document::digest(&manual.body(range)).hex();
    Ok(manual)
}

fn step(made: &Made) -> Step {
    let seen = match made.change {
        Change::Gone => format!("{} is no more", made.label),
        Change::New => format!("{} is there", made.label),
        Change::Changed => format!("{} is as it was before the upgrade", made.label),
    };
    Step { sql: made.sql.clone(), check: format!("{seen}; if the statement is refused, stop here and change nothing more") }
}

impl ManualRollback {
    /// Writes the document into the record's folder `.alembic-gate/<id>/`; one that was filled in since stays, and counts.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, project: &Path, id: &str, range: &Range) -> std::io::Result<()> {
        let written = document::write(project, id, &self.body(range))?;
        self.file = Some(written.file);
        self.digest = written.digest.hex();
        Ok(())
    }

    /// Puts down who approved it; in every environment where it may be needed, it counts.
    pub fn approved(&mut self, names: Vec<String>, environments: &[String]) {
        self.approval_required = !self.environments.iter().all(|needed| environments.contains(needed));
        self.approved_by = names;
    }

    fn body(&self, range: &Range) -> String {
        let mut text = format!(
            "# Manual rollback of {} to {}\n\nStatus: DRAFT, not approved. A person approves the finished text with `alembic-gate approve --manual-rollback`; the record says so then, not this file. Nothing below is run before.\n\n- Environments: {}\n- Why: {}\n- Tried on a scratch database: {}\n- Who runs it, when: ____\n- Backup taken and restored once for a test: ____\n\n## Before\n\n- [ ] the version table says `{}`\n- [ ] nothing writes to the tables below, or it may be lost\n\n## Statements, in this order\n",
            range.revisions.join(", "),
            range.from,
            self.environments.join(", "),
            self.why,
            if self.proven { "yes, it leads to the schema in front of the upgrade" } else { "not to the end: see below" },
            range.to
        );
        for (at, one) in self.steps.iter().enumerate() {
            text.push_str(&format!("\n{}. ```sql\n   {};\n   ```\n   - [ ] {}\n", at + 1, one.sql.replace('\n', "\n   "), one.check));
        }
        text.push_str("\n## Mind\n\n");
        self.mind.iter().for_each(|line| text.push_str(&format!("- {line}\n")));
        text.push_str(&format!(
            "\n## After\n\n- [ ] `migration_status` on the environment: the schema is that of `{}`; only then `alembic stamp {}`\n- [ ] the application starts and reads what it wrote\n",
            range.from, range.from
        ));
        text
    }
}

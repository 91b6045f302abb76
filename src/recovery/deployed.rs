//! Does the code that runs today survive the new schema? The mapped classes of a commit are loaded as a second project,
//! and their INSERT, SELECT and UPDATE are run on a scratch database in front of the range and behind it: what worked
//! and does not any more is what a deploy breaks. The classes of the work tree are asked the same behind the downgrade.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::RecoveryError;
use crate::bridge::{Bridge, Direction, UsedClass, UsedModels, UsedStatement};
use crate::git;
use crate::scratch::ScratchDatabase;
use crate::workshop::range::Range;
use crate::workshop::{Workshop, WorkshopError};

/// What the code of a commit and the new schema are to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Compatibility {
    /// As it was asked.
    pub deployed: String,
    /// The commit.
    pub commit: String,
    /// How many classes of it were tried.
    pub classes: usize,
    /// How many of their statements.
    pub statements: usize,
    /// What of the deployed code fails behind the upgrade and worked before.
    pub breaks: Vec<Break>,
    /// What of the new code fails behind the downgrade and worked in front of it.
    pub breaks_after_downgrade: Vec<Break>,
    /// What could not be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A statement of a class that the schema does not take any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The class, or the table where it has none.
    pub class: String,
    /// The table.
    pub table: String,
    /// The column that the server names.
    pub column: Option<String>,
    /// `INSERT`, `SELECT` or `UPDATE`.
    pub statement: String,
    /// Its text.
    pub sql: String,
    /// The server's words.
    pub error: String,
    /// The file of the class, as git shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line on which it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// Tries the code of `deployed` on both sides of a range.
///
/// # Errors
/// No such commit; its project cannot be loaded; the chain does not lead to where the range begins.
pub fn compatibility(workshop: &Workshop, range: &Range, deployed: &str) -> Result<Compatibility, RecoveryError> {
    let room = tempfile::Builder::new()
        .prefix("alembic-gate-deployed-")
        .tempdir()
        .map_err(|error| RecoveryError::NotComparable(format!("no temporary folder could be made: {error}")))?;
    let target = std::fs::canonicalize(room.path()).unwrap_or_else(|_| room.path().to_owned());
    let checked = git::check_out(&workshop.workspace.folder, deployed, &target)
        .map_err(|error| RecoveryError::NotComparable(format!("the deployed commit could not be had: {error}")))?;
    let folder = folder_in(workshop, &checked.top, &target)?;
    let mut found = Compatibility { deployed: deployed.to_owned(), commit: checked.commit.clone(), ..Compatibility::default() };
    let (databases, _) = workshop.scratch_at(&range.from)?;
    let refs: Vec<&ScratchDatabase> = databases.iter().collect();
    let (mut old, _) =
        workshop.python_elsewhere(&folder, (checked.top.clone(), target.clone()), &refs).map_err(|error| of_commit(deployed, error))?;
    let before = used(&mut old, deployed)?;
    found.notes.extend(before.about.notes.iter().cloned());
    found.notes.extend(foreign(&before, &target));
    found.classes = before.classes.len();
    found.statements = before.classes.iter().map(|class| class.statements.len()).sum();
    let lent = workshop.python(&refs)?;
    let up = lent.lock().bridge.bring_to(Direction::Up, &range.from, &range.to)?;
    if let Some(failure) = up.failure {
        found.notes.push(format!("the upgrade fails: {}", failure.sentence));
        return Ok(found);
    }
    let after = used(&mut old, deployed)?;
    found.breaks = breaks(&before, &after, &target);
    let new = lent.lock().bridge.use_models();
    let down = lent.lock().bridge.bring_to(Direction::Down, &range.from, &range.to)?;
    match (new, down.failure) {
        (Ok(new), None) => {
            let back = lent.lock().bridge.use_models()?;
            found.breaks_after_downgrade = breaks(&new, &back, &workshop.workspace.folder);
        }
        (Err(error), _) => found.notes.push(format!("the new models were not tried: {error}")),
        (Ok(_), Some(failure)) => {
            found.notes.push(format!("the new models were not tried behind the downgrade, which fails: {}", failure.sentence))
        }
    }
    Ok(found)
}

impl From<crate::bridge::BridgeError> for RecoveryError {
    fn from(error: crate::bridge::BridgeError) -> Self {
        Self::Workshop(error.into())
    }
}

pub(super) fn of_commit(deployed: &str, error: impl std::fmt::Display) -> RecoveryError {
    RecoveryError::NotComparable(format!("the project of `{deployed}` could not be loaded: {error}"))
}

pub(super) fn used(bridge: &mut Bridge, deployed: &str) -> Result<UsedModels, RecoveryError> {
    bridge.use_models().map_err(|error| of_commit(deployed, error))
}

/// Where the project is in the files of the commit.
pub(super) fn folder_in(workshop: &Workshop, top: &Path, target: &Path) -> Result<PathBuf, RecoveryError> {
    let folder = std::fs::canonicalize(&workshop.workspace.folder).unwrap_or_else(|_| workshop.workspace.folder.clone());
    let top = std::fs::canonicalize(top).unwrap_or_else(|_| top.to_owned());
    let inside = folder
        .strip_prefix(&top)
        .map_err(|_| RecoveryError::Workshop(WorkshopError::EmptyRange { from: String::new(), to: String::new() }));
    let there = target.join(inside?);
    if there.is_dir() { Ok(there) } else { Err(RecoveryError::NotComparable("the project is not in that commit".to_owned())) }
}

/// Classes that were not taken from the commit: an installed copy of the application came first.
fn foreign(models: &UsedModels, target: &Path) -> Option<String> {
    let elsewhere: BTreeSet<&str> = models
        .classes
        .iter()
        .filter(|class| class.file.as_ref().is_some_and(|file| !file.starts_with(target)))
        .map(|class| class.name.as_str())
        .collect();
    let first = elsewhere.first()?;
    Some(format!(
        "{} of the classes are not those of the commit but of an installed package (`{first}` is one): what they say holds for that",
        elsewhere.len()
    ))
}

/// Statements that worked in `before` and fail in `after`: by class, kind and place.
pub(super) fn breaks(before: &UsedModels, after: &UsedModels, top: &Path) -> Vec<Break> {
    let mut found: Vec<Break> = Vec::new();
    for (old, new) in before.classes.iter().zip(&after.classes) {
        for (worked, fails) in old.statements.iter().zip(&new.statements).filter(|(worked, fails)| worked.ok && !fails.ok) {
            let one = of(new, worked, fails, top);
            // The INSERT with fewer columns says nothing that the other has not said.
            let said = found.iter().any(|known| {
                (&known.class, &known.table, &known.statement, &known.column) == (&one.class, &one.table, &one.statement, &one.column)
            });
            if !said {
                found.push(one);
            }
        }
    }
    found
}

fn of(class: &UsedClass, worked: &UsedStatement, fails: &UsedStatement, top: &Path) -> Break {
    let file = class.file.as_ref().map(|file| file.strip_prefix(top).unwrap_or(file).to_string_lossy().into_owned());
    let code = fails.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
    Break {
        class: class.name.clone(),
        table: worked.table.clone(),
        column: fails.column.clone(),
        statement: worked.kind.clone(),
        sql: worked.sql.split_whitespace().collect::<Vec<_>>().join(" "),
        error: format!("{code}{}", fails.message.clone().unwrap_or_default()),
        file,
        line: class.line,
    }
}

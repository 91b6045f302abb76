//! What git says of files: which were added or changed since a revision, which others have already. The one place that runs `git`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// git could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It could not be started.
    #[error("`git` could not be started")]
    NotStarted(#[source] std::io::Error),
    /// It refused.
    #[error("`git {command}` said: {message}")]
    Refused {
        /// What was asked.
        command: String,
        /// Its own words.
        message: String,
    },
}

fn ask(folder: &Path, arguments: &[&str]) -> Result<String, GitError> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().map_err(GitError::NotStarted)?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
        return Err(GitError::Refused { command: arguments.join(" "), message });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Files added or changed since `revision`, those git does not track yet among them; absolute paths.
///
/// # Errors
/// No git, no repository, no such revision.
pub fn changed_since(folder: &Path, revision: &str) -> Result<BTreeSet<PathBuf>, GitError> {
    if revision.starts_with('-') {
        return Err(GitError::Refused { command: format!("diff {revision}"), message: "a revision does not begin with a dash".to_owned() });
    }
    let top = PathBuf::from(ask(folder, &["rev-parse", "--show-toplevel"])?.trim_end());
    let changed = ask(&top, &["diff", "--name-only", "-z", "--diff-filter=ACMR", revision, "--"])?;
    let untracked = ask(&top, &["ls-files", "--others", "--exclude-standard", "-z"])?;
    Ok(changed.split('\0').chain(untracked.split('\0')).filter(|name| !name.is_empty()).map(|name| top.join(name)).collect())
}

/// The branches whose files others have: the upstream of this one, and the one that all start from.
const SHARED: &[&str] = &["@{upstream}", "origin/HEAD", "origin/main", "origin/master", "main", "master"];

/// What others have already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The branches that were asked.
    pub branches: Vec<&'static str>,
    /// Their files, as absolute paths.
    pub files: BTreeSet<PathBuf>,
}

/// The files under `folder` that are in a shared branch; `None` where there is no such branch.
///
/// # Errors
/// No git, no repository.
pub fn published(folder: &Path) -> Result<Option<Published>, GitError> {
    let top = PathBuf::from(ask(folder, &["rev-parse", "--show-toplevel"])?.trim_end());
    // Seen from the folder itself, so that links on the way to it do not matter.
    let prefix = ask(folder, &["rev-parse", "--show-cdup"])?;
    let seen_top = if prefix.trim_end().is_empty() { folder.to_owned() } else { folder.join(prefix.trim_end()) };
    let mut published = Published { branches: Vec::new(), files: BTreeSet::new() };
    for branch in SHARED {
        let Ok(listed) = ask(folder, &["ls-tree", "-r", "--full-name", "--name-only", "-z", branch, "--", "."]) else { continue };
        published.branches.push(branch);
        let names: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
        published.files.extend(names.iter().flat_map(|name| [top.join(name), seen_top.join(name)]));
    }
    Ok(Some(published).filter(|published| !published.branches.is_empty()))
}

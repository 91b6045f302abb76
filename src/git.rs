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
    answer(Command::new("git").arg("-C").arg(folder).args(arguments), arguments)
}

fn ask_with(folder: &Path, arguments: &[&str], index: &Path) -> Result<String, GitError> {
    answer(Command::new("git").arg("-C").arg(folder).args(arguments).env("GIT_INDEX_FILE", index), arguments)
}

fn answer(command: &mut Command, arguments: &[&str]) -> Result<String, GitError> {
    let output = command.output().map_err(GitError::NotStarted)?;
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
    files_of(folder, SHARED)
}

/// The same without what is only pushed: the upstream of a branch that bears its own name is no branch that all start from.
///
/// # Errors
/// No git, no repository.
pub fn landed(folder: &Path) -> Result<Option<Published>, GitError> {
    let name = |revision| ask(folder, &["rev-parse", "--abbrev-ref", revision]).map(|name| name.trim().to_owned()).unwrap_or_default();
    let (branch, upstream) = (name("HEAD"), name("@{upstream}"));
    let is_only_pushed = !matches!(branch.as_str(), "main" | "master") && upstream.split_once('/').is_some_and(|(_, own)| own == branch);
    let branches: Vec<&'static str> = SHARED.iter().copied().filter(|shared| !(is_only_pushed && *shared == "@{upstream}")).collect();
    files_of(folder, &branches)
}

fn files_of(folder: &Path, branches: &[&'static str]) -> Result<Option<Published>, GitError> {
    let top = PathBuf::from(ask(folder, &["rev-parse", "--show-toplevel"])?.trim_end());
    // Seen from the folder itself, so that links on the way to it do not matter.
    let prefix = ask(folder, &["rev-parse", "--show-cdup"])?;
    let seen_top = if prefix.trim_end().is_empty() { folder.to_owned() } else { folder.join(prefix.trim_end()) };
    let mut published = Published { branches: Vec::new(), files: BTreeSet::new() };
    for branch in branches {
        let Ok(listed) = ask(folder, &["ls-tree", "-r", "--full-name", "--name-only", "-z", branch, "--", "."]) else { continue };
        published.branches.push(branch);
        let names: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
        published.files.extend(names.iter().flat_map(|name| [top.join(name), seen_top.join(name)]));
    }
    Ok(Some(published).filter(|published| !published.branches.is_empty()))
}

/// Who added a file; `None` where git does not know it.
#[must_use]
pub fn author(folder: &Path, file: &Path) -> Option<String> {
    let path = file.to_string_lossy();
    let said = ask(folder, &["log", "--diff-filter=A", "--format=%an", "-n", "1", "--", &path]).ok()?;
    Some(said.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The files of a commit, written into a folder; the index and the work tree stay as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOut {
    /// The commit, 40 or 64 hex digits.
    pub commit: String,
    /// The top of the work tree that `folder` is in.
    pub top: PathBuf,
}

/// Writes the files of `revision` below `target`, a folder that is there.
///
/// # Errors
/// No git, no repository, no such revision, no space.
pub fn check_out(folder: &Path, revision: &str, target: &Path) -> Result<CheckedOut, GitError> {
    if revision.starts_with('-') {
        return Err(GitError::Refused {
            command: format!("rev-parse {revision}"),
            message: "a revision does not begin with a dash".to_owned(),
        });
    }
    let top = PathBuf::from(ask(folder, &["rev-parse", "--show-toplevel"])?.trim_end());
    let commit = ask(&top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")])
        .map_err(|_| GitError::Refused { command: format!("rev-parse {revision}"), message: format!("there is no commit `{revision}`") })?;
    let commit = commit.trim_end().to_owned();
    // An index of its own: the repository's is not touched.
    let index = target.join(".index");
    ask_with(&top, &["read-tree", &commit], &index)?;
    ask_with(&top, &["checkout-index", "--all", "--force", &format!("--prefix={}/", target.display())], &index)?;
    let _ = std::fs::remove_file(&index);
    Ok(CheckedOut { commit, top })
}

/// A tag whose SSH signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTag {
    /// Its name.
    pub name: String,
    /// Who signed, as the file of allowed signers calls them.
    pub principal: String,
    /// The key's fingerprint, `SHA256:…`.
    pub key: String,
    /// What the tag says.
    pub message: String,
}

/// Tags under `prefix` that somebody in `allowed_signers` signed. Those with another signature, or none, are left out.
///
/// The repository's own configuration is not asked which signers are allowed, nor which program verifies.
///
/// # Errors
/// No git, no repository.
pub fn signed_tags(folder: &Path, prefix: &str, allowed_signers: &Path) -> Result<Vec<SignedTag>, GitError> {
    let listed = ask(folder, &["for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", &format!("refs/tags/{prefix}")])?;
    let tags = listed.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (object, kind, name) = (fields.next()?, fields.next()?, fields.next()?);
        (kind == "tag").then_some((object, name))
    });
    let mut found = Vec::new();
    for (object, name) in tags {
        let content = ask(folder, &["cat-file", "tag", object])?;
        let Some((head, _)) = content.split_once("-----BEGIN SSH SIGNATURE-----") else { continue };
        let Some((_, message)) = head.split_once("\n\n") else { continue };
        let Some((principal, key)) = signer(folder, object, allowed_signers)? else { continue };
        let name = name.trim_start_matches("refs/tags/").to_owned();
        found.push(SignedTag { name, principal, key, message: message.to_owned() });
    }
    Ok(found)
}

/// Who signed a tag: the name and the key's fingerprint; `None` where the signature is not one of an allowed signer.
fn signer(folder: &Path, object: &str, allowed_signers: &Path) -> Result<Option<(String, String)>, GitError> {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
        command.env_remove(name);
    }
    let allowed = format!("gpg.ssh.allowedSignersFile={}", allowed_signers.display());
    let settings = [allowed.as_str(), "gpg.ssh.program=ssh-keygen", "gpg.ssh.revocationFile=", "gpg.minTrustLevel=fully"];
    command.arg("-C").arg(folder).args(settings.iter().flat_map(|setting| ["-c", setting]));
    let output = command.args(["verify-tag", "--raw", object]).env("LC_ALL", "C").output().map_err(GitError::NotStarted)?;
    if !output.status.success() {
        return Ok(None);
    }
    // `Good "git" signature for ada@example.org with ED25519 key SHA256:…`
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let good = said.lines().find_map(|line| line.strip_prefix("Good \"git\" signature for "));
    Ok(good.and_then(|good| {
        let (principal, key) = good.rsplit_once(" with ")?;
        let key = key.split_whitespace().find(|word| word.starts_with("SHA256:"))?;
        Some((principal.to_owned(), key.to_owned()))
    }))
}

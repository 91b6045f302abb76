//! The document of a way back by hand, as it lies on the disk. What a person approves is its text: who fills in a name makes
//! another document of it, and an approval of the one before is none for it.

use std::io;
use std::path::Path;

use crate::digest::Digest;

/// The file beside a migration's record.
pub const FILE: &str = "manual_rollback.md";

/// What stands before the digest of the draft, in the last line.
const OF_DRAFT: &str = "\ndigest: ";

/// The longest document that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// From the project's folder.
    pub file: String,
    /// Its text, without the last line.
    pub text: String,
    /// Of the text: what an approval names.
    pub digest: Digest,
    /// Of the draft that it was made from, as its last line says; hexadecimal.
    pub draft: Option<String>,
}

/// The digest of a document's text.
#[must_use]
pub fn digest(text: &str) -> Digest {
    Digest::of("manual_rollback", &[text.as_bytes()])
}

/// The path from the project's folder.
fn place(id: &str) -> String {
    format!(".alembic-gate/{id}/{FILE}")
}

/// The document of a migration; none where none was written.
///
/// # Errors
/// It is there and cannot be read, or is larger than 1 MiB.
pub fn read(project: &Path, id: &str) -> io::Result<Option<Document>> {
    let file = place(id);
    let path = project.join(&file);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() && found.len() <= MOST_BYTES => {}
        Ok(_) => return Err(io::Error::other("it is no file of at most 1 MiB")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let whole = std::fs::read_to_string(&path)?;
    let (text, draft) = match whole.rsplit_once(OF_DRAFT) {
        Some((text, draft)) => (text.to_owned(), Some(draft.trim().to_owned())),
        None => (whole, None),
    };
    Ok(Some(Document { file, digest: digest(&text), text, draft }))
}

/// Writes a draft; gives the path from the project's folder. One that people filled in already is left as it is.
///
/// # Errors
/// It cannot be written.
pub fn write(project: &Path, id: &str, text: &str) -> io::Result<Document> {
    let draft = digest(text).hex();
    if let Some(known) = read(project, id)?.filter(|known| known.draft.as_ref() == Some(&draft)) {
        return Ok(known);
    }
    let file = place(id);
    let path = project.join(&file);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, format!("{text}{OF_DRAFT}{draft}\n"))?;
    Ok(Document { file, text: text.to_owned(), digest: digest(text), draft: Some(draft) })
}

impl Document {
    /// What the document says is lost or must be seen to, a line each.
    #[must_use]
    pub fn mind(&self) -> Vec<String> {
        let part = self.text.split("\n## Mind\n").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
        part.lines().filter_map(|line| line.strip_prefix("- ")).map(str::to_owned).collect()
    }
}

//! Folders of ours alone: run folders that are known to be in use by a lock on a file in them, copies, free space.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::error::ScratchError;
use super::process::{Account, wait_until};

/// Kept free beside what a copy needs.
pub(super) const RESERVE_BYTES: u64 = 200_000_000;
/// Longer socket paths are refused by one system or another (107 bytes in Linux, 103 in macOS).
const SOCKET_PATH_BYTES: usize = 100;

/// Another process prepares a data directory or fetches programs for at most this long.
const LOCK_LIMIT: Duration = Duration::from_secs(360);

/// A folder of one server that runs. Whoever holds its lock is alive; a free lock means a leftover.
#[derive(Debug)]
pub(super) struct RunFolder {
    pub(super) path: PathBuf,
    // Invariant: locked as long as this lives; the system unlocks it when the process dies.
    _lock: File,
}

impl RunFolder {
    /// Makes `<base>/<kind>-<8 hex>`. The account of the server may pass through it; nobody else is let further.
    pub(super) fn create(base: &Path, kind: &str) -> Result<Self, ScratchError> {
        ensure_ours(base)?;
        let _quiet = lock(base)?;
        Self::create_under_lock(base, kind)
    }

    /// The same for a caller who holds the lock of `base`.
    pub(super) fn create_under_lock(base: &Path, kind: &str) -> Result<Self, ScratchError> {
        let path = base.join(format!("{kind}-{}", random_hex(8)?));
        DirBuilder::new().mode(0o711).create(&path).map_err(ScratchError::folder("make", &path))?;
        let file = path.join("lock");
        let lock = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&file).map_err(ScratchError::folder("make", &file))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| ScratchError::folder("lock", &file)(error.into()))?;
        Ok(Self { path, _lock: lock })
    }

    /// Makes a folder in it that belongs to `account` alone.
    pub(super) fn private(&self, name: &str, account: Option<&Account>) -> Result<PathBuf, ScratchError> {
        let path = self.path.join(name);
        make_private(&path, account)?;
        Ok(path)
    }
}

impl RunFolder {
    /// Removes it. What cannot be removed now is swept at the next start.
    pub(super) fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Makes a folder of mode 0700 that belongs to `account`, or to us.
pub(super) fn make_private(path: &Path, account: Option<&Account>) -> Result<(), ScratchError> {
    DirBuilder::new().mode(0o700).create(path).map_err(ScratchError::folder("make", path))?;
    give(path, account)
}

/// Hands a file or folder to the account of the server.
pub(super) fn give(path: &Path, account: Option<&Account>) -> Result<(), ScratchError> {
    let Some(account) = account else { return Ok(()) };
    std::os::unix::fs::lchown(path, Some(account.uid), Some(account.gid)).map_err(ScratchError::folder("hand over", path))
}

/// Makes the folder if it is not there, and sees that it is ours: no link, our own, written by nobody else.
///
/// Other accounts may pass through it only where we are root, for the servers do not run as root.
pub(super) fn ensure_ours(path: &Path) -> Result<(), ScratchError> {
    let mode = if rustix::process::getuid().is_root() { 0o711 } else { 0o700 };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(ScratchError::folder("make", parent))?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(ScratchError::folder("make", path)(error)),
        Ok(()) | Err(_) => {}
    }
    let found = path.symlink_metadata().map_err(ScratchError::folder("look at", path))?;
    let wrong = |why| Err(ScratchError::NotOurs { path: path.to_owned(), why });
    match () {
        () if !found.is_dir() => wrong("it is a link or a file"),
        () if found.uid() != rustix::process::getuid().as_raw() => wrong("it belongs to another user"),
        () if found.mode() & 0o022 != 0 => wrong("others may write into it"),
        () => Ok(()),
    }
}

/// Held while run folders are made or swept in `base`, and while something is prepared there.
///
/// Nobody but us may open it: whoever can open a file can lock it. Waits no longer than the longest preparation takes.
pub(super) fn lock(base: &Path) -> Result<File, ScratchError> {
    let path = base.join("lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = open.map_err(ScratchError::folder("open", &path))?;
    let is_locked = || flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    wait_until(LOCK_LIMIT, is_locked).map_err(|()| ScratchError::folder("lock", &path)(std::io::ErrorKind::TimedOut.into()))?;
    Ok(file)
}

/// The lock of a run folder, where nobody holds it: its owner is dead, or it has not got that far.
pub(super) fn abandoned(run_folder: &Path) -> Option<File> {
    let file = File::open(run_folder.join("lock")).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
    Some(file)
}

/// Free bytes for us on the file system of `path`.
pub(super) fn free_bytes(path: &Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Sees that three times `bytes` and a reserve are free at `folder`.
pub(super) fn require_space(folder: &Path, bytes: u64) -> Result<(), ScratchError> {
    let needed_bytes = bytes.saturating_mul(3).saturating_add(RESERVE_BYTES);
    let free_bytes = free_bytes(folder).map_err(ScratchError::folder("look at", folder))?;
    if free_bytes < needed_bytes {
        return Err(ScratchError::NoSpace { folder: folder.to_owned(), free_bytes, needed_bytes });
    }
    Ok(())
}

/// Copies a folder with all that is in it, links as links, and hands it to `account`.
pub(super) fn copy(from: &Path, to: &Path, account: Option<&Account>) -> Result<(), ScratchError> {
    let mode = from.symlink_metadata().map_err(ScratchError::folder("look at", from))?.mode();
    std::fs::create_dir(to).map_err(ScratchError::folder("make", to))?;
    for entry in std::fs::read_dir(from).map_err(ScratchError::folder("read", from))? {
        let entry = entry.map_err(ScratchError::folder("read", from))?;
        let kind = entry.file_type().map_err(ScratchError::folder("look at", &entry.path()))?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &target, account)?;
        } else if kind.is_symlink() {
            let link = std::fs::read_link(entry.path()).map_err(ScratchError::folder("read", &entry.path()))?;
            std::os::unix::fs::symlink(link, &target).map_err(ScratchError::folder("make", &target))?;
            give(&target, account)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &target).map_err(ScratchError::folder("write", &target))?;
            give(&target, account)?;
        }
    }
    std::fs::set_permissions(to, Permissions::from_mode(mode)).map_err(ScratchError::folder("protect", to))?;
    give(to, account)
}

/// Sees that a socket can have this path.
pub(super) fn require_short(socket: &Path) -> Result<(), ScratchError> {
    if socket.as_os_str().len() > SOCKET_PATH_BYTES {
        return Err(ScratchError::SocketPath { path: socket.to_owned() });
    }
    Ok(())
}

/// So many random hex digits, from the system.
pub(super) fn random_hex(digits: usize) -> Result<String, ScratchError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = vec![0_u8; digits.div_ceil(2)];
    File::open(path).and_then(|mut file| file.read_exact(&mut bytes)).map_err(ScratchError::folder("read", path))?;
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(digits);
    Ok(text)
}

/// 12 hex digits of the SHA-256 of a text.
pub(super) fn short_digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

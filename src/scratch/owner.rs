//! Whose a database on a server is: written beside it when we make it, read before we touch it.

use super::error::ScratchError;
use super::folder::random_hex;
use super::process::is_alive;

/// The beginning of the name of every scratch database.
pub const PREFIX: &str = "amscratch_";
/// The beginning of the name of every template.
pub(super) const TEMPLATE_PREFIX: &str = "amtemplate_";
/// A database of an owner we cannot ask, on another host, is a leftover after this time.
const FOREIGN_OWNER_SECONDS: u64 = 3_600;

/// What stands in the comment on a database: who made it, when, and a token that nobody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// 32 random hex digits.
    pub(super) token: String,
    /// The process that made it.
    pub(super) pid: u32,
    /// When that process was started, in the words of its system; tells it from a later one with the same number.
    pub(super) started: String,
    /// The machine and its boot.
    pub(super) host: String,
    /// Seconds since 1970 by the server's clock.
    pub(super) created: u64,
}

impl Owner {
    /// Us, with a new token.
    pub(super) fn new(created: u64) -> Result<Self, ScratchError> {
        let pid = std::process::id();
        Ok(Self { token: random_hex(32)?, pid, started: started(pid), host: host(), created })
    }

    /// For example `alembic-gate token=… pid=42 started=977 host=… created=1700000000`.
    pub(super) fn comment(&self) -> String {
        let Self { token, pid, started, host, created } = self;
        format!("alembic-gate token={token} pid={pid} started={started} host={host} created={created}")
    }

    /// Reads the comment back; `None` for any other text.
    pub(super) fn read(comment: &str) -> Option<Self> {
        let fields = comment.strip_prefix("alembic-gate ")?;
        let field = |name: &str| fields.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned);
        let token = field("token").filter(|token| token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some(Self {
            token,
            pid: field("pid")?.parse().ok()?,
            started: field("started")?,
            host: field("host")?,
            created: field("created")?.parse().ok()?,
        })
    }

    /// True where nobody works with the database any more: its process is gone, or, where we cannot ask, an hour is over.
    pub(super) fn is_gone(&self, now: u64) -> bool {
        if self.host == host() {
            return !is_alive(self.pid) || started(self.pid) != self.started;
        }
        now.saturating_sub(self.created) > FOREIGN_OWNER_SECONDS
    }
}

/// The tick at which a process was started (Linux, field 22 of its `stat`); empty elsewhere.
fn started(pid: u32) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name of the program may hold spaces and brackets: what is counted stands behind the last one.
    let behind_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    behind_name.split_whitespace().nth(19).unwrap_or_default().to_owned()
}

/// A digest of the machine's name, its boot and its space of process numbers: two containers are two hosts.
fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let processes = std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
    super::folder::short_digest(&format!("{name}|{boot}|{processes}"))
}

/// A new name, for example `amscratch_0123456789ab`.
pub(super) fn new_name(prefix: &str) -> Result<String, ScratchError> {
    Ok(format!("{prefix}{}", random_hex(12)?))
}

/// True for names that we give: the prefix and twelve hex digits.
pub(super) fn is_our_name(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).or_else(|| name.strip_prefix(TEMPLATE_PREFIX));
    rest.is_some_and(|rest| rest.len() == 12 && rest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)))
}

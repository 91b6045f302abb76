//! Seals: who wrote a line of a ledger. A key lives outside every project; a line without its seal proves nothing.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::digest::{Digest, hex};

/// 32 secret bytes of one machine, or of a team.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// A key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's public name: 16 hexadecimal digits of its digest.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(Digest::of("key id", &[&self.0]).hex().chars().take(16).collect())
    }

    /// The seal on a text.
    #[must_use]
    pub fn seal(&self, text: &str) -> Seal {
        Seal { key: self.id(), mac: self.mac(text).map(|mac| hex(&mac.finalize().into_bytes())).unwrap_or_default() }
    }

    /// True where the seal was made with this key on this text. Takes the same time wherever they differ.
    #[must_use]
    pub fn fits(&self, text: &str, seal: &Seal) -> bool {
        let Ok(expected) = seal.mac.parse::<Digest>() else { return false };
        let Some(mac) = self.mac(text) else { return false };
        seal.key == self.id() && mac.verify_slice(&bytes_of(&expected)).is_ok()
    }

    /// HMAC-SHA-256 (RFC 2104); it takes keys of any length, so `None` does not happen.
    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(b"alembic-gate seal\0");
        mac.update(text.as_bytes());
        Some(mac)
    }
}

fn bytes_of(digest: &Digest) -> Vec<u8> {
    let digits = digest.hex();
    (0..32).filter_map(|at| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

/// A key's public name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(pub String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A seal on a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Which key made it.
    pub key: KeyId,
    /// The code, 64 hexadecimal digits.
    pub mac: String,
}

/// The keys that count here.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    /// This machine's; `None` where none can be had: then nothing that needs a seal counts.
    pub own: Option<Key>,
    /// Keys that a team put beside it.
    pub team: Vec<Key>,
}

/// Whose seal a line carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// This machine's key.
    Own,
    /// A key of the team.
    Team(KeyId),
    /// A key that is not known here: a claim of another machine.
    Unknown(KeyId),
    /// Nobody's.
    Nobody,
}

impl KeyRing {
    /// Whose seal this is; `None` where it names a key that is known here and does not fit: it was forged.
    #[must_use]
    pub fn signer(&self, text: &str, seal: Option<&Seal>) -> Option<Signer> {
        let Some(seal) = seal else { return Some(Signer::Nobody) };
        if let Some(own) = self.own.as_ref().filter(|own| own.id() == seal.key) {
            return own.fits(text, seal).then_some(Signer::Own);
        }
        match self.team.iter().find(|key| key.id() == seal.key) {
            Some(key) => key.fits(text, seal).then(|| Signer::Team(seal.key.clone())),
            None => Some(Signer::Unknown(seal.key.clone())),
        }
    }
}

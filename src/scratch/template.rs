//! Templates: databases with a schema and rows that others are cloned from, kept under a digest of the caller.

use super::ScratchServer;
use super::engine::StoredTemplate;
use super::error::ScratchError;
use super::folder::short_digest;
use super::owner::TEMPLATE_PREFIX;

/// Templates that stay on one server; beyond, the one that was used longest ago is dropped.
const KEPT: usize = 8;

/// A template on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name on the server, made of the digest.
    pub(super) name: String,
    key: String,
}

impl Template {
    /// What writes text in another way is another template.
    fn under(server: &ScratchServer, digest: &str) -> Self {
        let key = short_digest(&format!("{digest} {}", server.encoding));
        Self { name: format!("{TEMPLATE_PREFIX}{key}"), key }
    }

    /// The template that was kept under `digest`, where the server still has it.
    ///
    /// # Errors
    /// The server refuses.
    pub fn find(server: &ScratchServer, digest: &str) -> Result<Option<Self>, ScratchError> {
        let wanted = Self::under(server, digest);
        let is_there = server.engine.templates()?.iter().any(|stored| stored.name == wanted.name && stored.key == wanted.key);
        Ok(is_there.then_some(wanted))
    }

    pub(super) fn keep(server: &ScratchServer, database: &str, digest: &str) -> Result<Self, ScratchError> {
        let template = Self::under(server, digest);
        if Self::find(server, digest)?.is_some() {
            // Another run was faster with the same.
            server.engine.drop_database(database)?;
            return Ok(template);
        }
        make_room(server)?;
        let mark = StoredTemplate::mark(&template.key, server.engine.clock()?);
        server.engine.keep(database, &template.name, &mark)?;
        Ok(template)
    }

    pub(super) fn was_used(&self, server: &ScratchServer) -> Result<(), ScratchError> {
        server.engine.mark(&self.name, &StoredTemplate::mark(&self.key, server.engine.clock()?))
    }
}

/// Drops the templates that were used longest ago, so that one more finds room.
fn make_room(server: &ScratchServer) -> Result<(), ScratchError> {
    let mut stored = server.engine.templates()?;
    stored.sort_by_key(|template| template.used);
    for template in stored.iter().take((stored.len() + 1).saturating_sub(KEPT)) {
        server.engine.drop_database(&template.name)?;
    }
    Ok(())
}

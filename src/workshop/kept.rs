//! Scratch databases at a revision, built once and then cloned.
//!
//! What was built is kept as a template under the digest of the revisions *below*, `env.py`, the settings and the Python
//! that built it: a new or edited head keeps it; an edited ancestor, `env.py` or model does not (the bridge starts another
//! Python for those). Templates live on the server and go with it; on a server of the user nothing is kept.

use std::sync::{Mutex, PoisonError};

use crate::bridge::BridgeError;
use crate::digest::Digest;
use crate::scratch::{ScratchDatabase, ScratchServer, Template};
use crate::workshop::{Workshop, WorkshopError};

/// So many are remembered, with all that is known of them; more templates than that are hardly on a server.
const MOST: usize = 8;

/// What was used last, by key.
#[derive(Debug)]
pub struct Recent<T>(Mutex<Vec<(String, T)>>);

impl<T: Clone> Recent<T> {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What is kept under a key, which counts as used now.
    pub fn get(&self, key: &str) -> Option<T> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|(known, _)| known == key)?;
        let found = all.remove(at);
        let kept = found.1.clone();
        all.push(found);
        Some(kept)
    }

    /// Keeps something under a key; of too many, what was not used for the longest time goes.
    pub fn put(&self, key: &str, kept: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| known != key);
        all.push((key.to_owned(), kept));
        let surplus = all.len().saturating_sub(MOST);
        all.drain(..surplus);
    }
}

impl<T> Recent<T> {
    /// Lets go of all, unless somebody is at it just now.
    pub fn clear(&self) {
        if let Ok(mut all) = self.0.try_lock() {
            all.clear();
        }
    }
}

impl<T: Clone> Default for Recent<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Templates of this process, and what is known of each.
#[derive(Debug)]
pub struct Templates<T>(Recent<(usize, T)>);

impl<T: Clone> Templates<T> {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Recent::new())
    }

    /// Clones of the templates under a key, where they still stand, with what is known of them.
    ///
    /// # Errors
    /// The server refuses.
    pub fn cloned(&self, server: &ScratchServer, key: &str) -> Result<Option<(Vec<ScratchDatabase>, T)>, WorkshopError> {
        let Some((count, known)) = self.0.get(key) else { return Ok(None) };
        let mut databases = Vec::with_capacity(count);
        for number in 0..count {
            let Some(template) = Template::find(server, &format!("{key}-{number}"))? else { return Ok(None) };
            databases.push(ScratchDatabase::from_template(server, &template)?);
        }
        Ok(Some((databases, known)))
    }

    /// Makes templates of databases that nobody is connected to any more; gives clones of them.
    ///
    /// # Errors
    /// The server refuses.
    pub fn keep(&self, key: &str, databases: Vec<ScratchDatabase>, known: T) -> Result<(Vec<ScratchDatabase>, T), WorkshopError> {
        // There is always one: a run without a database has none to keep.
        let gone = || WorkshopError::Bridge(BridgeError::NoPython { looked_at: Vec::new() });
        let server = databases.first().map(|database| database.server().clone()).ok_or_else(gone)?;
        let count = databases.len();
        for (number, database) in databases.into_iter().enumerate() {
            database.keep_as_template(&format!("{key}-{number}"))?;
        }
        self.0.put(key, (count, known));
        // They were kept this moment: without them something is wrong with the server.
        self.cloned(&server, key)?.ok_or_else(gone)
    }
}

impl<T: Clone> Default for Templates<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl Workshop {
    /// What a database at a revision depends on, `with` whatever else was done to it; None where nothing can be kept.
    ///
    /// # Errors
    /// The Python fails.
    pub fn template_key(&self, at: &str, with: &str, server: &ScratchServer) -> Result<Option<String>, WorkshopError> {
        if server.is_ours() { self.chain_key(at, &format!("{with} {:?}", server.process_id())) } else { Ok(None) }
    }

    /// What the chain up to a revision depends on: files, settings and the Python that has read them; None for its base.
    ///
    /// # Errors
    /// The Python fails.
    pub fn chain_key(&self, at: &str, with: &str) -> Result<Option<String>, WorkshopError> {
        let workspace = &self.workspace;
        let graph = &workspace.project.graph;
        let Ok(ends) = graph.resolve(at) else { return Ok(None) };
        if ends.is_empty() {
            return Ok(None);
        }
        let env = std::fs::read(workspace.env_py()).unwrap_or_default();
        let mut text = format!(
            "{}\n{}\n{:?}\n{:?}\n{}\n{:?}\n{:?}\n{:?}\n",
            workspace.folder.display(),
            Digest::of("env", &[&env]).hex(),
            workspace.ini,
            workspace.section,
            with,
            self.server,
            self.config.project,
            self.python_process()?,
        );
        let mut below = graph.ancestors(&ends).into_iter().collect::<Vec<_>>();
        below.sort_unstable();
        for at in below {
            let Some(revision) = workspace.project.revision(at) else { continue };
            // A file that cannot be read has no digest: Alembic says so when it gets there.
            let bytes = std::fs::read(workspace.path(&revision.file)).unwrap_or_default();
            text.push_str(&format!("{} {:?} {}\n", revision.id, revision.parents, Digest::of("revision-file", &[&bytes]).hex()));
        }
        Ok(Some(Digest::of("template", &[text.as_bytes()]).hex()))
    }

    /// The process of the project's Python, after it has looked whether what it imported still stands.
    fn python_process(&self) -> Result<Option<u32>, WorkshopError> {
        let lent = self.python(&[])?;
        let mut warm = lent.lock();
        warm.bridge.hello()?;
        Ok(warm.bridge.process_id())
    }
}

//! Scratch databases in front of a revision, with rows: built once, then cloned.
//!
//! What was built is kept as a template under the digest of the revisions *below*, the wishes and the Python that built
//! it: a new or edited head keeps it; an edited ancestor, `env.py` or model does not (the bridge starts another Python
//! for those). Templates live on the server and go with it; on a server of the user nothing is kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::bridge::{BridgeError, EnumColumn};
use crate::database::Connection;
use crate::dialect::Dialect;
use crate::digest::Digest;
use crate::rows::Words;
use crate::rows::fill::{Filled, fill_empty};
use crate::scratch::{ScratchDatabase, ScratchServer, Template};
use crate::trial::alembic::ByAlembic;
use crate::trial::trip::Mover;
use crate::trial::{TrialError, Wishes};
use crate::workshop::range::Range;
use crate::workshop::{Workshop, WorkshopError};

/// Scratch databases where a revision begins, and a connection that looks at the first.
pub(super) struct Base {
    pub(super) databases: Vec<ScratchDatabase>,
    pub(super) connection: Connection,
    /// The statements that made its schema.
    pub(super) setup: String,
    /// How far its tables were filled.
    pub(super) filled: Vec<Filled>,
    /// A template from an earlier call was taken.
    pub(super) is_reused: bool,
}

/// From where a range is walked anew: a revision that can be reached from nothing, and the place in the range behind it.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) revision: String,
    pub(super) place: usize,
}

impl Start {
    /// The last one in front of a place of the range; the first is at the range's beginning.
    pub(super) fn before(starts: &[Self], at: usize) -> Option<&Self> {
        starts.iter().rev().find(|start| start.place <= at)
    }

    /// What is wished there: rows of the caller fit where the range begins, and nowhere else.
    pub(super) fn wishes(&self, wishes: &Wishes) -> Wishes {
        Wishes { seed_sql: wishes.seed_sql.clone().filter(|_| self.place == 0), ..wishes.clone() }
    }
}

/// What is known of templates that were made.
#[derive(Debug, Clone)]
struct Kept {
    /// How many databases `env.py` opens.
    databases: usize,
    setup: String,
    filled: Vec<Filled>,
    /// The Python that ran the revisions: another one may have other models.
    python: Option<u32>,
}

/// By key, for this process: templates belong to its servers.
static KEPT: Mutex<BTreeMap<String, Kept>> = Mutex::new(BTreeMap::new());

impl Base {
    /// At `revision`, seeded and filled.
    pub(super) fn at(workshop: &Workshop, revision: &str, wishes: &Wishes) -> Result<Self, TrialError> {
        let server = workshop.scratch_server()?;
        let key = key(workshop, revision, wishes, &server);
        if let Some(base) = Self::cloned(workshop, &server, &key)? {
            return Ok(Self { is_reused: true, ..base });
        }
        let (databases, setup) = workshop.scratch_at(revision)?;
        let mut connection = looking_at(workshop, &databases)?;
        if let Some(seed) = &wishes.seed_sql {
            connection.execute(seed).map_err(|source| TrialError::Seed { which: "seed_sql", source })?;
        }
        let words = if revision == "base" { Vec::new() } else { words_of(workshop, &databases)? };
        let filled = fill_empty(&mut connection, wishes.rows, &words, &[])?;
        if revision == "base" || !server.is_ours() {
            return Ok(Self { databases, connection, setup, filled, is_reused: false });
        }
        drop(connection);
        let python = python_of(workshop, &databases)?;
        let kept = Kept { databases: databases.len(), setup, filled, python };
        for (number, database) in databases.into_iter().enumerate() {
            database.keep_as_template(&format!("{key}-{number}"))?;
        }
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), kept);
        // It was kept this moment: without it something is wrong with the server.
        Self::cloned(workshop, &server, &key)?.ok_or_else(|| BridgeError::NoPython { looked_at: Vec::new() }.into())
    }

    /// From templates, where they stand and the Python that made them still runs.
    fn cloned(workshop: &Workshop, server: &ScratchServer, key: &str) -> Result<Option<Self>, TrialError> {
        let Some(kept) = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned() else { return Ok(None) };
        let mut databases = Vec::new();
        for number in 0..kept.databases {
            let Some(template) = Template::find(server, &format!("{key}-{number}"))? else { return Ok(None) };
            databases.push(ScratchDatabase::from_template(server, &template)?);
        }
        if python_of(workshop, &databases)? != kept.python {
            KEPT.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
            return Ok(None);
        }
        let connection = looking_at(workshop, &databases)?;
        Ok(Some(Self { databases, connection, setup: kept.setup, filled: kept.filled, is_reused: false }))
    }

    /// In front of the revision at place `at` of the range, with rows.
    pub(super) fn again(workshop: &Workshop, range: &Range, start: &Start, at: usize, wishes: &Wishes) -> Result<Self, TrialError> {
        let mut base = Self::at(workshop, &start.revision, &start.wishes(wishes))?;
        let lent = workshop.python(&base.refs())?;
        for revision in range.revisions.iter().take(at).skip(start.place) {
            let mut warm = lent.lock();
            let mut mover = ByAlembic { bridge: &mut warm.bridge, workshop, sent: Vec::new() };
            if let Some(failure) = mover.go(true, revision)? {
                return Err(WorkshopError::CannotReach { at: revision.clone(), sentence: failure.message }.into());
            }
        }
        if at > start.place {
            let words = words_of(workshop, &base.databases)?;
            fill_empty(&mut base.connection, wishes.rows, &words, &[])?;
        }
        Ok(base)
    }

    pub(super) fn refs(&self) -> Vec<&ScratchDatabase> {
        self.databases.iter().collect()
    }
}

/// SQLite has no accounts; a server's administrator sees what the role of migrations may not.
fn looking_at(workshop: &Workshop, databases: &[ScratchDatabase]) -> Result<Connection, TrialError> {
    let first = databases.first().ok_or_else(|| BridgeError::NoPython { looked_at: Vec::new() })?;
    Ok(if workshop.server.dialect == Dialect::Sqlite { first.connect()? } else { first.connect_admin()? })
}

/// The process of the project's Python, after it has looked whether what it imported still stands.
fn python_of(workshop: &Workshop, databases: &[ScratchDatabase]) -> Result<Option<u32>, TrialError> {
    let lent = workshop.python(&databases.iter().collect::<Vec<_>>())?;
    let mut warm = lent.lock();
    warm.bridge.hello()?;
    Ok(warm.bridge.process_id())
}

/// What the application asks of text columns, as far as the project's Python has seen them made.
fn words_of(workshop: &Workshop, databases: &[ScratchDatabase]) -> Result<Vec<Words>, TrialError> {
    let lent = workshop.python(&databases.iter().collect::<Vec<_>>())?;
    let columns = lent.lock().bridge.enums()?;
    Ok(columns.into_iter().map(as_words).collect())
}

/// A column of Python's as one to be filled.
pub(super) fn as_words(column: EnumColumn) -> Words {
    let EnumColumn { schema, table, column, words } = column;
    Words { schema, table, column, words }
}

/// What a template depends on.
fn key(workshop: &Workshop, revision: &str, wishes: &Wishes, server: &ScratchServer) -> String {
    let workspace = &workshop.workspace;
    let graph = &workspace.project.graph;
    let env = std::fs::read(workspace.env_py()).unwrap_or_default();
    let mut text = format!(
        "{}\n{}\n{}\n{:?}\n{:?}\n{}\n{:?}\n{}\n",
        workspace.folder.display(),
        Digest::of("env", &[&env]).hex(),
        revision,
        workspace.ini,
        workspace.section,
        wishes.rows,
        wishes.seed_sql,
        server.process_id().map_or_else(|| server.made_by.clone(), |id| id.to_string()),
    );
    let mut below = graph.ancestors(&graph.resolve(revision).unwrap_or_default()).into_iter().collect::<Vec<_>>();
    below.sort_unstable();
    for at in below {
        let Some(revision) = workspace.project.revision(at) else { continue };
        // A file that cannot be read has no digest: Alembic says so when it gets there.
        let bytes = std::fs::read(workspace.path(&revision.file)).unwrap_or_default();
        text.push_str(&format!("{} {:?} {}\n", revision.id, revision.parents, Digest::of("revision-file", &[&bytes]).hex()));
    }
    Digest::of("rollback-template", &[text.as_bytes()]).hex()
}

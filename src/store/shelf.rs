//! Where the texts of records lie: in a folder of the project ([`folder`]), or in PostgreSQL for several replicas
//! ([`server`](crate::store::server)). Both hold the same texts under the same names; what they mean is not known here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::digest::Digest;
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::ledger::Fault;
use crate::store::StoreError;
use crate::store::folder::{self, Lock};
use crate::store::server::{self, Server, ServerError};
use crate::workspace::open_folder;

/// The ledger's name.
pub const LEDGER: &str = "ledger.jsonl";
/// The name of what is wished for.
pub const STATE: &str = "state.json";
/// What the names of evidence begin with.
pub const EVIDENCE: &str = "evidence/";
/// What was tested last, where it lies beside the record because no agent can write there.
pub const LATEST: &str = "latest.json";

/// A place for records of one project.
#[derive(Debug, Clone)]
pub enum Shelf {
    /// `<project>/.alembic-gate`.
    Folder(PathBuf),
    /// A database.
    Server(Server),
    /// A database was named that is none: nothing is read, nothing is kept.
    Unusable(Arc<ServerError>),
}

/// The texts of a record by name, and what could not be read.
#[derive(Debug, Default)]
pub struct Texts {
    /// What was read.
    pub by_name: BTreeMap<String, String>,
    /// What lies there and could not be.
    pub faults: Vec<Fault>,
}

impl Shelf {
    /// The place of a project's records: the database that the environment names, else its own folder.
    #[must_use]
    pub fn of(project: &Path) -> Self {
        match Server::from_environment(|| name_of(project)) {
            Ok(Some(server)) => Self::Server(server),
            Ok(None) => Self::Folder(project.join(folder::NAME)),
            Err(error) => Self::Unusable(Arc::new(error)),
        }
    }

    /// The ids of the migrations on record, and what is wrong.
    #[must_use]
    pub fn migrations(&self) -> (Vec<String>, Vec<Fault>) {
        match self {
            Self::Folder(folder) => folder::migrations(folder),
            Self::Server(server) => match server.migrations() {
                Ok(ids) => (ids, Vec::new()),
                Err(error) => (Vec::new(), vec![fault(&error)]),
            },
            Self::Unusable(error) => (Vec::new(), vec![fault(error)]),
        }
    }

    /// The texts of a record; one that is not there has none.
    #[must_use]
    pub fn texts(&self, id: &MigrationId) -> Texts {
        let failed = |error: &ServerError| Texts { faults: vec![fault(error)], ..Texts::default() };
        match self {
            Self::Folder(folder) => folder::texts(folder, id),
            Self::Server(server) => server.texts(id).map_or_else(|error| failed(&error), |by_name| Texts { by_name, faults: Vec::new() }),
            Self::Unusable(error) => failed(error),
        }
    }

    /// Holds a record against others.
    ///
    /// # Errors
    /// Others hold it; it cannot be written.
    pub fn hold(&self, id: &MigrationId) -> Result<Held, StoreError> {
        match self {
            Self::Folder(folder) => Ok(Held::Folder { place: folder.join(id.as_str()), _lock: folder::hold(&folder.join(id.as_str()))? }),
            Self::Server(server) => {
                server.hold(id).map(|held| Held::Server(Box::new(held))).map_err(|error| StoreError::Server(Arc::new(error)))
            }
            Self::Unusable(error) => Err(StoreError::Server(Arc::clone(error))),
        }
    }

    /// A text's name for messages.
    #[must_use]
    pub fn shown(&self, id: &MigrationId, name: &str) -> String {
        match self {
            Self::Folder(_) => format!("{}/{id}/{name}", folder::NAME),
            Self::Server(_) | Self::Unusable(_) => format!("store/{id}/{name}"),
        }
    }

    /// True where an agent that may write the project cannot write the records.
    #[must_use]
    pub const fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Folder(_) => false,
            Self::Server(_) | Self::Unusable(_) => true,
        }
    }
}

/// A record that nobody else writes, until it is kept or dropped.
#[derive(Debug)]
pub enum Held {
    /// In a folder.
    Folder {
        /// The record's own.
        place: PathBuf,
        /// Released with the value.
        _lock: Lock,
    },
    /// In a database: nothing of it stands before it is kept.
    Server(Box<server::Held>),
}

impl Held {
    /// Writes a text.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, name: &str, content: &str) -> Result<(), StoreError> {
        match self {
            Self::Folder { place, .. } => folder::write(&place.join(name), content),
            Self::Server(held) => held.write(name, content).map_err(|error| StoreError::Server(Arc::new(error))),
        }
    }

    /// Puts the ledger aside under another name, which is given back.
    ///
    /// # Errors
    /// It cannot be renamed.
    pub fn put_ledger_aside(&mut self) -> Result<String, StoreError> {
        match self {
            Self::Folder { place, .. } => folder::put_aside(&place.join(LEDGER)),
            Self::Server(held) => held.put_aside(LEDGER, folder::aside_name).map_err(|error| StoreError::Server(Arc::new(error))),
        }
    }

    /// All of it stands.
    ///
    /// # Errors
    /// Nothing of it does.
    pub fn keep(self) -> Result<(), StoreError> {
        match self {
            Self::Folder { .. } => Ok(()),
            Self::Server(held) => held.keep().map_err(|error| StoreError::Server(Arc::new(error))),
        }
    }
}

/// The project's name in a database, the same on every replica: its folder's and a digest of the revisions that its chain
/// begins with, which no other project has. Until there is a revision, the folder's alone.
#[must_use]
pub fn name_of(project: &Path) -> String {
    let whole = project.canonicalize().unwrap_or_else(|_| project.to_owned());
    let folder = whole.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned());
    let Ok(workspace) = open_folder(&whole) else { return folder };
    let graph = &workspace.project.graph;
    let mut first = graph.ids(&graph.bases);
    first.sort();
    if first.is_empty() {
        return folder;
    }
    let parts: Vec<&[u8]> = first.iter().map(|id| id.as_bytes()).collect();
    let digest = Digest::of("project of a store", &parts).hex();
    format!("{folder}-{}", digest.get(..8).unwrap_or(&digest))
}

fn fault(error: &ServerError) -> Fault {
    Fault { file: "store".to_owned(), line: None, what: format!("{error}; {}", error.hint()) }
}

//! What is asked and what is answered, one line of JSON each. The other side is `python/questions.py`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::address::{Address, Password};
use crate::dialect::Dialect;
use crate::scratch::Proof;
use crate::secret::redacted;

/// A question; its name is the function that answers it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(super) enum Question<'a> {
    Hello,
    PointAt {
        scratch: &'a [Reach],
    },
    Prepared,
    Seed {
        revision: &'a str,
    },
    History,
    Heads,
    Current,
    Render {
        direction: Direction,
        from: &'a str,
        to: &'a str,
    },
    Execute {
        direction: Direction,
        from: &'a str,
        to: &'a str,
        capture: bool,
    },
    Step {
        revision: &'a str,
        direction: Direction,
        capture: bool,
        trace: bool,
    },
    /// The text that a revision has from now on, instead of that of its file; none: its own again.
    Override {
        revision: &'a str,
        text: Option<&'a str>,
    },
    BeginWalk,
    EndWalk,
    Compare,
    UseModels,
    Enums,
    Revision(&'a NewRevision),
    Query {
        sql: &'a str,
        database: usize,
    },
}

impl Question<'_> {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::PointAt { .. } => "point_at",
            Self::Prepared => "prepared",
            Self::Seed { .. } => "seed",
            Self::History => "history",
            Self::Heads => "heads",
            Self::Current => "current",
            Self::Render { .. } => "render",
            Self::Execute { .. } => "execute",
            Self::Step { .. } => "step",
            Self::Override { .. } => "override",
            Self::BeginWalk => "begin_walk",
            Self::EndWalk => "end_walk",
            Self::Compare => "compare",
            Self::UseModels => "use_models",
            Self::Enums => "enums",
            Self::Revision(_) => "revision",
            Self::Query { .. } => "query",
        }
    }
}

/// What the process says: an answer, why there is none, that it is out of date, that it is about to write a file, or that
/// it waits for another session to look at a statement.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    pub(super) id: u64,
    pub(super) answer: Option<serde_json::Value>,
    pub(super) failure: Option<Failure>,
    pub(super) stale: Option<Vec<PathBuf>>,
    pub(super) writing: Option<PathBuf>,
    pub(super) watch: Option<Watch>,
}

/// A statement that locks nothing for long enough to be asked about by itself.
#[derive(Debug, Deserialize)]
pub(super) struct Watch {
    /// It is about to be sent.
    pub(super) before: Option<String>,
}

/// The first line, before any question.
#[derive(Debug, Serialize)]
pub(super) struct Start<'a> {
    pub(super) modules: std::collections::BTreeMap<&'static str, &'static str>,
    pub(super) settings: StartSettings<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct StartSettings<'a> {
    pub(super) parent: u32,
    pub(super) folder: &'a std::path::Path,
    pub(super) ini: Option<&'a std::path::Path>,
    pub(super) section: &'a str,
    pub(super) runner: Runner,
    pub(super) hook: Option<&'a std::path::Path>,
    pub(super) env: &'a std::collections::BTreeMap<String, String>,
    pub(super) dialect: Dialect,
    pub(super) namespaces: bool,
    pub(super) moved: Option<Moved<'a>>,
    pub(super) scratch: &'a [Reach],
}

/// The work tree, and where another state of it stands.
#[derive(Debug, Serialize)]
pub(super) struct Moved<'a> {
    pub(super) from: &'a std::path::Path,
    pub(super) to: &'a std::path::Path,
}

/// A scratch database as the other side reaches it: behind a socket or in a file, since it has no network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reach {
    #[serde(flatten)]
    pub(super) place: ReachPlace,
    pub(super) proof: Option<ReachProof>,
    pub(super) prepared: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "dialect", rename_all = "lowercase")]
pub(super) enum ReachPlace {
    Postgresql {
        socket_dir: PathBuf,
        port: u16,
        user: String,
        #[serde(serialize_with = "revealed", skip_serializing_if = "Option::is_none")]
        password: Option<Password>,
        database: String,
    },
    Mysql {
        socket: PathBuf,
        user: String,
        #[serde(serialize_with = "revealed", skip_serializing_if = "Option::is_none")]
        password: Option<Password>,
        database: String,
    },
    Sqlite {
        file: PathBuf,
    },
}

/// A password of a dev server goes over the private pipe, into no variable and no text.
fn revealed<S: serde::Serializer>(password: &Option<Password>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(password.as_ref().map_or("", Password::reveal))
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ReachProof {
    pub(super) sql: String,
    pub(super) expected: Vec<String>,
}

/// A scratch database, and how a connection recognises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScratchTarget {
    /// Where it is.
    pub address: Address,
    /// What each connection is asked before its first statement; None where the place says it all.
    pub proof: Option<Proof>,
    /// It is a copy of one in which the project's hook has done its work.
    pub is_prepared: bool,
}

/// Where env.py runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runner {
    /// In the main thread, as the command line does.
    #[default]
    Plain,
    /// In a worker thread, of `AnyIO` where it is installed: for an env.py that needs an event loop beside it.
    Thread,
}

/// Up or down the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// `upgrade()`.
    Up,
    /// `downgrade()`.
    Down,
}

/// A revision file that Alembic shall write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRevision {
    /// Its message; the file's name is made of it.
    pub message: String,
    /// With what in it.
    pub mode: RevisionMode,
    /// Its id; Alembic makes one up otherwise.
    pub rev_id: Option<String>,
    /// The revision it comes after; the one head otherwise.
    pub head: Option<String>,
    /// Whether `head` may be a revision that is none.
    pub splice: bool,
}

/// What a new revision holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevisionMode {
    /// The difference between models and scratch database.
    Autogenerate,
    /// Nothing.
    Empty,
}

/// Versions, places and fences.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hello {
    /// The version of Python.
    pub python: String,
    /// The interpreter.
    pub executable: PathBuf,
    /// The version of Alembic.
    pub alembic: String,
    /// The version of SQLAlchemy.
    pub sqlalchemy: String,
    /// The folder of env.py.
    pub script_location: PathBuf,
    /// The folders of the revision files.
    pub version_locations: Vec<PathBuf>,
    /// Alembic's plugins that are loaded (1.18 and later).
    pub plugins: Vec<String>,
    /// What keeps env.py from anything but the scratch database.
    pub fences: Fences,
    /// What went on that is no error, in words.
    pub notes: Vec<String>,
}

/// What keeps env.py from anything but the scratch database, and what does not on this platform.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fences {
    /// Names of the fences that stand.
    pub active: Vec<String>,
    /// Ways out that are open: `native_code_network`, `native_code_sockets`.
    pub not_closed: Vec<String>,
}

/// The whole chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct History {
    /// Ids of the heads.
    pub heads: Vec<String>,
    /// All revisions, heads first.
    pub revisions: Vec<KnownRevision>,
}

/// A revision as Alembic knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct KnownRevision {
    /// Its id.
    pub revision: String,
    /// What it comes after; none for a base, several for a merge.
    pub down_revisions: Vec<String>,
    /// Revisions that must be there too.
    pub depends_on: Vec<String>,
    /// Its labels.
    pub branch_labels: Vec<String>,
    /// Its message.
    pub message: Option<String>,
    /// Its file.
    pub file: PathBuf,
    /// Whether nothing comes after it.
    pub is_head: bool,
}

/// What is said with every answer that ran env.py.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct About {
    /// What env.py tried to reach, and whether that was redirected or refused.
    pub attempts: Vec<Attempt>,
    /// What went on that is no error, in words.
    pub notes: Vec<String>,
    /// How many databases env.py opens; more than were given is a refusal.
    pub databases_wanted: usize,
    /// What env.py told Alembic.
    pub env: EnvSettings,
}

/// What env.py told Alembic in `context.configure`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvSettings {
    /// Whether each revision is a transaction of its own (it always is here).
    pub transaction_per_migration: bool,
    /// The tables of the models that are compared; None without `target_metadata`.
    pub metadata: Option<Vec<String>>,
    /// The table that holds the revision: `alembic_version` unless env.py names another; empty where env.py was not run.
    pub version_table: String,
    /// Its schema, where env.py names one.
    pub version_table_schema: Option<String>,
    /// Whether that was said where it renders SQL offline: what it says where it connects may be more.
    pub offline: bool,
    /// Whether types are compared.
    pub compare_type: bool,
    /// Whether server defaults are compared.
    pub compare_server_default: bool,
    /// What is left out by a function of env.py: `include_object`, `include_name`.
    pub filters: Vec<String>,
    /// Plugins of autogenerate that are named (1.18 and later).
    pub plugins: Vec<String>,
}

/// A connection that env.py wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// How, for example `engine`, `psycopg2.connect`, `starting a program`.
    pub what: String,
    /// Where to, without user and secret.
    pub target: String,
    /// What became of it.
    pub outcome: Outcome,
    /// The file of the project that wanted it.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<u32>,
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It went to the scratch database.
    Redirected,
    /// It was not made.
    Refused,
}

/// A column of SQLAlchemy's type Enum.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EnumColumn {
    /// The schema, where one is named.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What may be stored, as it is stored.
    pub words: Vec<String>,
}

/// What the mapped classes ask of the database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UsedModels {
    /// By module and name; tables without a class stand as themselves.
    pub classes: Vec<UsedClass>,
    /// The rest.
    #[serde(flatten)]
    pub about: About,
}

/// A mapped class, or a table without one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UsedClass {
    /// Its name.
    pub name: String,
    /// Its source file.
    pub file: Option<PathBuf>,
    /// The line on which it begins.
    pub line: Option<u32>,
    /// Its tables.
    pub tables: Vec<String>,
    /// Its statements.
    pub statements: Vec<UsedStatement>,
}

/// A statement of a class.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UsedStatement {
    /// `INSERT`, `SELECT`, `UPDATE`.
    pub kind: String,
    /// The table.
    pub table: String,
    /// The text, with parameters.
    pub sql: String,
    /// The server takes it, or refuses rows only.
    pub ok: bool,
    /// SQLSTATE or the server's number.
    pub code: Option<String>,
    /// The server's words.
    pub message: Option<String>,
    /// The column that it names.
    pub column: Option<String>,
}

/// Where the scratch databases stand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Current {
    /// The heads of each database that env.py opens, in its order; no heads is an empty database.
    pub databases: Vec<Vec<String>>,
    /// The rest.
    #[serde(flatten)]
    pub about: About,
}

/// Alembic's offline text of a range.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rendered {
    /// The whole text as Alembic writes it; None when it could not.
    pub sql: Option<String>,
    /// The same in pieces, each with its revision and line.
    pub pieces: Vec<Piece>,
    /// Why there is no text.
    pub failure: Option<Failure>,
    /// The rest.
    #[serde(flatten)]
    pub about: About,
}

/// A piece of offline text: mostly one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The revision it belongs to; None before the first and behind the last.
    pub revision: Option<String>,
    /// Which way that revision goes.
    pub direction: Option<Direction>,
    /// The text.
    pub sql: String,
    /// Who wrote it.
    pub source: StatementSource,
    /// The file of the project's own code.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<u32>,
}

/// Who sends a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementSource {
    /// The revision.
    Revision,
    /// Alembic, for its version table.
    Alembic,
    /// SQLAlchemy, when something looks at the schema.
    Reflection,
    /// env.py.
    Env,
}

/// What a run on the scratch databases did.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Executed {
    /// The revisions that were run and committed, in order.
    pub done: Vec<Done>,
    /// Each statement that was sent, the failed one too.
    pub statements: Vec<Captured>,
    /// The first error; nothing was run after it.
    pub failure: Option<Failure>,
    /// Lines that send statements past SQLAlchemy: those are not among `statements`.
    pub unseen: Vec<Place>,
    /// The rest.
    #[serde(flatten)]
    pub about: About,
}

/// A revision that was run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Done {
    /// Its id.
    pub revision: String,
    /// Which way.
    pub direction: Direction,
}

/// A line of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
}

/// A statement as it was sent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Captured {
    /// The revision that ran; None before the first.
    pub revision: Option<String>,
    /// Which way it went.
    pub direction: Option<Direction>,
    /// The text, with parameters as literals: for review, not to be sent.
    pub sql: String,
    /// Who sent it.
    pub source: StatementSource,
    /// The file of the project's own code.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The transaction it ran in; None where it was one of its own (autocommit).
    pub transaction: Option<u64>,
    /// With how many sets of parameters; `sql` shows the first.
    pub times: u64,
    /// How many rows the driver says it touched.
    pub rows: Option<u64>,
    /// How long it took; None for the one that failed.
    pub milliseconds: Option<f64>,
    /// From its start to the end of its transaction; None where nobody looked.
    #[serde(default)]
    pub held_milliseconds: Option<f64>,
    /// What it did to tables that stood before its transaction; None where nobody looked.
    #[serde(default)]
    pub touched: Option<Vec<Touched>>,
    /// It had parameters: `sql` is for review, and is not what was sent.
    pub bound: bool,
}

impl Eq for Captured {}

/// What a statement did to a table that stood before its transaction, as its server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// With its schema, as it was called before the transaction.
    pub table: String,
    /// The strongest lock that is held on it, as `pg_locks` calls it: `AccessExclusiveLock`.
    pub mode: Option<String>,
    /// This statement took that lock; else an earlier one of its transaction did.
    pub taken: bool,
    /// It lies in another file than before.
    pub rewrote: bool,
    /// Its rows were read through.
    pub scanned: bool,
    /// Rows that were read for that.
    pub rows_read: u64,
    /// Rows that were written, changed or deleted.
    pub rows_changed: u64,
}

/// What went wrong on the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The class of the error, the driver's own where there is one.
    pub kind: String,
    /// Where that class comes from.
    pub module: String,
    /// SQLSTATE, the number of MySQL, or the name of SQLite.
    pub sqlstate: Option<String>,
    /// The error's words.
    #[serde(deserialize_with = "without_secrets")]
    pub message: String,
    /// PostgreSQL's DETAIL: what depends on what, which key.
    pub detail: Option<String>,
    /// The file of the project's own code, the innermost.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The revision that ran.
    pub revision: Option<String>,
    /// Which way it went.
    pub direction: Option<Direction>,
    /// The statement that failed.
    pub statement: Option<String>,
    /// The end of the traceback.
    #[serde(deserialize_with = "without_secrets")]
    pub trace: String,
    /// All of it in one plain sentence, with file and line.
    #[serde(deserialize_with = "without_secrets")]
    pub sentence: String,
    /// What env.py tried to reach before.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// How many databases env.py opens.
    #[serde(default)]
    pub databases_wanted: usize,
    /// Whether the project could not even be loaded.
    #[serde(default)]
    pub starting: bool,
}

/// Errors of drivers may quote an address with its password: that is gone before anybody reads it.
fn without_secrets<'de, D: serde::Deserializer<'de>>(text: D) -> Result<String, D::Error> {
    String::deserialize(text).map(|text| redacted(&text))
}

/// What autogenerate would change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Compared {
    /// The differences.
    pub items: Vec<Difference>,
    /// The operations as Python, as Alembic would write them.
    pub code: String,
    /// The rest.
    #[serde(flatten)]
    pub about: About,
}

/// A difference between models and database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Alembic's word: `add_table`, `remove_column`, `modify_type`, …
    pub kind: String,
    /// The schema, where one is named.
    pub schema: Option<String>,
    /// The table.
    pub table: Option<String>,
    /// The column, index or constraint.
    pub name: Option<String>,
    /// What the database has.
    pub before: Option<String>,
    /// What the model has; for a column that comes or goes its type.
    pub after: Option<String>,
    /// Whether a column that comes or goes may be NULL.
    pub nullable: Option<bool>,
    /// Columns of the table, index or constraint.
    pub columns: Vec<DifferenceColumn>,
    /// The object in SQLAlchemy's words.
    pub words: Option<String>,
}

/// A column of something that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceColumn {
    /// Its name.
    pub name: String,
    /// Its type; None where it does not matter.
    #[serde(rename = "type")]
    pub column_type: Option<String>,
}

/// The revision file that Alembic wrote.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WrittenRevision {
    /// The file; None when `process_revision_directives` of env.py dropped it.
    pub file: Option<PathBuf>,
    /// Its id.
    pub revision: Option<String>,
    /// What it comes after.
    pub down_revisions: Vec<String>,
    /// The differences that it is made of.
    pub items: Vec<Difference>,
    /// Enum types whose values differ, which Alembic does not write: `modify_enum`.
    pub enums: Vec<Difference>,
    /// The rest.
    #[serde(flatten)]
    pub about: About,
}

/// Rows of a query.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// Values; what JSON has no word for comes as text, bytes in hexadecimal.
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Whether there were more (10,000 come at most).
    pub truncated: bool,
}

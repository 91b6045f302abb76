//! What will be sent, in which transactions: made of a rendering, and of nothing else.

use crate::bridge::{About, Captured, Executed, Piece, Place, StatementSource};
use crate::dialect::{Dialect, Server};
use crate::snapshot::likeness::VersionTable;
use crate::sql::change::Change;
use crate::sql::script::{self, Statement};
use crate::sql::words::Kind;
use crate::workshop::range::Range;
use crate::workshop::rendering::{Rendering, Upgrade};
use crate::workspace::Workspace;

/// What a statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The revision's own.
    Revision,
    /// Moves the version table on: exactly one row.
    Version,
    /// Makes the version table; left out where it stands.
    VersionTable,
    /// `env.py`'s own.
    Env,
}

/// A statement to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From 1, in the order of the plan.
    pub number: usize,
    /// The revision it belongs to.
    pub revision: String,
    /// The statement, without its terminator.
    pub sql: String,
    /// What it is for.
    pub part: Part,
    /// The file it comes from, from the project's folder, and the line, from 1.
    pub place: Option<(String, u32)>,
    /// MariaDB and MySQL commit what stands before it.
    pub commits_before: bool,
}

/// How the statements of a unit are committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commits {
    /// In one transaction.
    Together,
    /// Each on its own, outside of a transaction.
    Alone,
    /// As the server does it on its way (MariaDB, MySQL), the rest at the end.
    AsItGoes,
}

/// Statements that are committed in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// How.
    pub commits: Commits,
    /// Never empty.
    pub steps: Vec<Step>,
}

/// A range, ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// For which server.
    pub server: Server,
    /// The range.
    pub range: Range,
    /// The table that holds the revision.
    pub table: VersionTable,
    /// What is sent, in order.
    pub units: Vec<Unit>,
}

impl Plan {
    /// All statements, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.units.iter().flat_map(|unit| &unit.steps)
    }
}

/// A range that Alembic can run and we cannot run in its place: a person does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotRun {
    /// There is no runner for this server.
    #[error("{} is only read here, nothing is run on it", .0.title())]
    Dialect(Dialect),
    /// `env.py` runs its migrations on several databases.
    #[error("`env.py` opens {0} databases, and one URL leads to one of them")]
    SeveralDatabases(usize),
    /// It failed on a scratch database.
    #[error("it fails on a scratch database: {0}")]
    Broken(String),
    /// What it does depends on rows.
    #[error("{place} asks the database for rows, and what comes next may depend on the answer: `{sql}`")]
    ReadsRows {
        /// File and line.
        place: String,
        /// The query, clipped.
        sql: String,
    },
    /// It was sent with parameters; their text is for people.
    #[error("{place} sends parameters beside its statement, which can only be sent by the project's own driver: `{sql}`")]
    Bound {
        /// File and line.
        place: String,
        /// The statement, clipped.
        sql: String,
    },
    /// It goes past SQLAlchemy.
    #[error("{place} sends statements past SQLAlchemy, which nobody has seen")]
    Unseen {
        /// File and line.
        place: String,
    },
    /// It is for a client, not for the server.
    #[error("`{sql}` is for a client such as psql, no server takes it")]
    ForAClient {
        /// The line, clipped.
        sql: String,
    },
    /// SQLite ignores it where it stands.
    #[error("{place} stands between statements of a transaction, where SQLite does not take it: `{sql}`")]
    SettingInside {
        /// File and line.
        place: String,
        /// The statement, clipped.
        sql: String,
    },
    /// On a scratch database they lead elsewhere.
    #[error("{0}")]
    Differs(String),
    /// The text is not that of the range.
    #[error("the text holds the revisions {found}, the range {wanted}")]
    OtherRevisions {
        /// In the text.
        found: String,
        /// In the range.
        wanted: String,
    },
}

/// What would be sent for a rendered range.
///
/// # Errors
/// What only the project's own Alembic can run.
pub fn plan(rendering: &Rendering, range: &Range, server: Server, workspace: &Workspace) -> Result<Plan, CannotRun> {
    if let Dialect::Mssql | Dialect::Oracle = server.dialect {
        return Err(CannotRun::Dialect(server.dialect));
    }
    if let Some(broken) = &rendering.broken {
        return Err(CannotRun::Broken(broken.failure.sentence.clone()));
    }
    let about = about(rendering);
    if about.databases_wanted > 1 {
        return Err(CannotRun::SeveralDatabases(about.databases_wanted));
    }
    let first = range.revisions.first().cloned().unwrap_or_default();
    let mut writer = Writer { server, workspace, revision: first, number: 0, units: Vec::new(), open: None, of_last: None };
    match &rendering.upgrade {
        Upgrade::Offline { pieces, .. } => writer.offline(pieces)?,
        Upgrade::Executed(executed) => writer.executed(executed)?,
    }
    let mut units = writer.units;
    if server.dialect == Dialect::Sqlite {
        units = of_sqlite(units)?;
    }
    let plan = Plan { server, range: range.clone(), table: version_table(rendering), units };
    let mut found: Vec<&str> = plan.steps().filter(|step| step.part == Part::Version).map(|step| step.revision.as_str()).collect();
    found.dedup();
    if found != range.revisions {
        return Err(CannotRun::OtherRevisions { found: found.join(", "), wanted: range.revisions.join(", ") });
    }
    Ok(plan)
}

fn about(rendering: &Rendering) -> &About {
    match &rendering.upgrade {
        Upgrade::Offline { about, .. } => about,
        Upgrade::Executed(executed) => &executed.about,
    }
}

/// The table that holds the revision, as `env.py` names it.
#[must_use]
pub fn version_table(rendering: &Rendering) -> VersionTable {
    let about = about(rendering);
    let name = if about.env.version_table.is_empty() { "alembic_version" } else { &about.env.version_table };
    VersionTable { schema: about.env.version_table_schema.clone(), name: name.to_owned() }
}

/// Puts statements into units.
struct Writer<'a> {
    server: Server,
    workspace: &'a Workspace,
    revision: String,
    number: usize,
    units: Vec<Unit>,
    /// The transaction that is open: of the text, or by its number.
    open: Option<u64>,
    /// The transaction of the statement before.
    of_last: Option<u64>,
}

/// A statement and where it comes from.
struct Sent<'a> {
    revision: Option<&'a str>,
    sql: &'a str,
    source: StatementSource,
    place: Option<(String, u32)>,
}

impl<'a> Writer<'a> {
    fn offline(&mut self, pieces: &'a [Piece]) -> Result<(), CannotRun> {
        for (at, piece) in pieces.iter().enumerate() {
            match bracket(&piece.sql) {
                Some(true) => self.open = Some(at as u64),
                Some(false) => self.open = None,
                None => {
                    let place = self.place(piece.file.as_deref(), piece.line);
                    self.add(&Sent { revision: piece.revision.as_deref(), sql: &piece.sql, source: piece.source, place })?;
                }
            }
        }
        Ok(())
    }

    /// What was sent on a scratch database may be sent again where nothing in it follows from rows.
    fn executed(&mut self, executed: &'a Executed) -> Result<(), CannotRun> {
        if let Some(Place { file, line }) = executed.unseen.first() {
            return Err(CannotRun::Unseen { place: shown(self.place(Some(file), Some(*line)).as_ref()) });
        }
        for captured in &executed.statements {
            self.captured(captured)?;
        }
        Ok(())
    }

    fn captured(&mut self, captured: &'a Captured) -> Result<(), CannotRun> {
        let place = self.place(captured.file.as_deref(), captured.line);
        let read = script::read(captured.sql.clone(), self.server);
        let reads = read.statements.iter().any(|statement| asks(statement, read.text_of(statement)));
        match captured.source {
            StatementSource::Reflection => return Ok(()),
            // What `env.py` asks for itself changes nothing.
            StatementSource::Env if reads => return Ok(()),
            StatementSource::Alembic if reads && !moves_version(&captured.sql) => return Ok(()),
            StatementSource::Alembic => {}
            StatementSource::Revision | StatementSource::Env => {
                let (place, sql) = (shown(place.as_ref()), clipped(&captured.sql));
                if reads {
                    return Err(CannotRun::ReadsRows { place, sql });
                }
                if captured.bound || captured.times > 1 {
                    return Err(CannotRun::Bound { place, sql });
                }
            }
        }
        match bracket(&captured.sql) {
            Some(_) => self.open = None,
            None => {
                self.open = captured.transaction.filter(|_| self.server.dialect == Dialect::Postgresql);
                self.add(&Sent { revision: captured.revision.as_deref(), sql: &captured.sql, source: captured.source, place })?;
            }
        }
        Ok(())
    }

    fn add(&mut self, sent: &Sent<'_>) -> Result<(), CannotRun> {
        if let Some(revision) = sent.revision {
            revision.clone_into(&mut self.revision);
        }
        let read = script::read(sent.sql.to_owned(), self.server);
        for statement in &read.statements {
            let sql = read.text_of(statement).trim();
            let is_for_client = statement.reading.kind == Kind::Unknown && sql.starts_with('\\') || !read.copy_data.is_empty();
            if is_for_client {
                return Err(CannotRun::ForAClient { sql: clipped(sql) });
            }
            self.number += 1;
            let step = Step {
                number: self.number,
                revision: self.revision.clone(),
                sql: sql.to_owned(),
                part: part_of(sent.source, statement),
                place: sent.place.clone(),
                commits_before: self.server.dialect.is_mysql_family() && commits_before(sql),
            };
            self.push(step);
        }
        Ok(())
    }

    /// Into the unit that is open, or into a new one.
    fn push(&mut self, step: Step) {
        let commits = match self.server.dialect {
            Dialect::Postgresql if self.open.is_some() => Commits::Together,
            Dialect::Postgresql => Commits::Alone,
            Dialect::Mysql | Dialect::Mariadb => Commits::AsItGoes,
            Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle => Commits::Together,
        };
        let is_postgresql = self.server.dialect == Dialect::Postgresql;
        let same_transaction = commits == Commits::Together && self.of_last == self.open;
        self.of_last = self.open;
        let fits = |unit: &Unit| {
            if is_postgresql { same_transaction } else { unit.steps.last().is_some_and(|last| last.revision == step.revision) }
        };
        match self.units.last_mut().filter(|unit| fits(unit)) {
            Some(unit) => unit.steps.push(step),
            None => self.units.push(Unit { commits, steps: vec![step] }),
        }
    }

    /// A file from the project's folder, with the line.
    fn place(&self, file: Option<&std::path::Path>, line: Option<u32>) -> Option<(String, u32)> {
        let file = file?;
        let file = file.strip_prefix(&self.workspace.folder).unwrap_or(file);
        Some((file.to_string_lossy().replace('\\', "/"), line?))
    }
}

/// BEGIN is true, COMMIT false; none for anything else.
fn bracket(sql: &str) -> Option<bool> {
    let bare = sql.trim().trim_end_matches(';').trim().to_ascii_uppercase();
    match bare.as_str() {
        "BEGIN" | "BEGIN TRANSACTION" | "START TRANSACTION" => Some(true),
        "COMMIT" | "COMMIT TRANSACTION" => Some(false),
        _ => None,
    }
}

/// The statement gives rows, or nobody knows: what the revision does next may follow from them.
fn asks(statement: &Statement, sql: &str) -> bool {
    match statement.reading.kind {
        Kind::Select | Kind::Show | Kind::Explain | Kind::Fetch | Kind::Call | Kind::Exec | Kind::Execute | Kind::Unknown => true,
        Kind::Pragma => !sql.contains('='),
        _ => sql.to_ascii_uppercase().split_whitespace().any(|word| word == "RETURNING"),
    }
}

/// Alembic's own statements that are no questions; some servers give the new row back.
fn moves_version(sql: &str) -> bool {
    let word = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    ["INSERT", "UPDATE", "DELETE", "CREATE"].contains(&word.as_str())
}

fn part_of(source: StatementSource, statement: &Statement) -> Part {
    match (source, &statement.reading.change) {
        (StatementSource::Alembic, Change::CreateTable(_)) => Part::VersionTable,
        (StatementSource::Alembic, _) => Part::Version,
        (StatementSource::Env, _) => Part::Env,
        (StatementSource::Revision | StatementSource::Reflection, _) => Part::Revision,
    }
}

/// MariaDB and MySQL commit before these, and after most of them (MariaDB: SQL statements that cause an implicit commit).
fn commits_before(sql: &str) -> bool {
    const WORDS: &[&str] = &[
        "ALTER", "ANALYZE", "BACKUP", "BEGIN", "CACHE", "CHECK", "CREATE", "DROP", "FLUSH", "GRANT", "LOAD", "LOCK", "OPTIMIZE", "RENAME",
        "REPAIR", "RESET", "REVOKE", "START", "TRUNCATE", "UNLOCK",
    ];
    let mut words = sql.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    let is_temporary = words.next().is_some_and(|word| word.eq_ignore_ascii_case("temporary"));
    WORDS.contains(&first.as_str()) && !is_temporary
}

/// SQLite takes some settings only outside of a transaction: those at the edges of a revision stand alone.
fn of_sqlite(units: Vec<Unit>) -> Result<Vec<Unit>, CannotRun> {
    let mut split = Vec::new();
    for unit in units {
        let inside = |step: &Step| !is_setting(&step.sql) && step.part != Part::Version;
        let Some(first) = unit.steps.iter().position(inside) else {
            let (alone, rest): (Vec<Step>, Vec<Step>) = unit.steps.into_iter().partition(|step| is_setting(&step.sql));
            split.extend(alone.into_iter().map(|step| Unit { commits: Commits::Alone, steps: vec![step] }));
            split.push(Unit { commits: Commits::Together, steps: rest });
            continue;
        };
        let last = unit.steps.iter().rposition(inside).unwrap_or(first);
        let mut before = Vec::new();
        let mut together = Vec::new();
        let mut behind = Vec::new();
        for (at, step) in unit.steps.into_iter().enumerate() {
            match is_setting(&step.sql) {
                true if at < first => before.push(step),
                true if at > last => behind.push(step),
                true => return Err(CannotRun::SettingInside { place: shown(step.place.as_ref()), sql: clipped(&step.sql) }),
                false => together.push(step),
            }
        }
        let alone = |step| Unit { commits: Commits::Alone, steps: vec![step] };
        split.extend(before.into_iter().map(alone));
        split.push(Unit { commits: Commits::Together, steps: together });
        split.extend(behind.into_iter().map(alone));
    }
    Ok(split.into_iter().filter(|unit| !unit.steps.is_empty()).collect())
}

/// A statement that SQLite ignores or refuses in a transaction.
fn is_setting(sql: &str) -> bool {
    let word = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    (word == "PRAGMA" && sql.contains('=')) || ["VACUUM", "ATTACH", "DETACH"].contains(&word.as_str())
}

/// `versions/a.py:12`, or that nobody knows.
fn shown(place: Option<&(String, u32)>) -> String {
    place.map_or_else(|| "a revision".to_owned(), |(file, line)| format!("{file}:{line}"))
}

fn clipped(sql: &str) -> String {
    let text = crate::secret::redacted(sql);
    if text.chars().count() <= 120 { text } else { text.chars().take(119).chain(['…']).collect() }
}

//! The exact SQL of a range, both ways: Alembic's own offline text, or, where a revision cannot be rendered without a
//! database, what was sent while it ran on a scratch database. Each statement keeps its revision, file and line.

use std::path::Path;

use crate::bridge::{About, Captured, Direction, Executed, Failure, Fences, Piece, Rendered, StatementSource};
use crate::dialect::Dialect;
use crate::project::Revision;
use crate::scratch::{ScratchDatabase, ScratchServer};
use crate::step::FilePart;
use crate::workshop::autogenerate::unseen;
use crate::workshop::kept::{Recent, Templates};
use crate::workshop::range::Range;
use crate::workshop::{Workshop, WorkshopError};
use crate::workspace::Workspace;

/// How the SQL came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderedBy {
    /// `alembic upgrade from:to --sql`.
    AlembicOffline,
    /// Run on a scratch database and written down.
    ScratchExecution,
}

impl RenderedBy {
    /// The word of the contract.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AlembicOffline => "alembic_offline",
            Self::ScratchExecution => "scratch_execution",
        }
    }
}

/// SQL with the places it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// The text, with Alembic's marks between the revisions.
    pub text: String,
    /// The file and line of each stretch of it.
    pub files: Vec<FilePart>,
}

/// A statement that failed while a range ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which way it went.
    pub direction: Direction,
    /// What happened.
    pub failure: Failure,
}

/// The SQL of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendering {
    /// How it came about.
    pub by: RenderedBy,
    /// One sentence with file and line, where the offline text could not be had.
    pub why_not_offline: Option<String>,
    /// The way up.
    pub up: Placed,
    /// The way back.
    pub down: Placed,
    /// The schema in front of it, as the SQL that made it; none where it could not be had.
    pub setup: Option<String>,
    /// What failed on the scratch database.
    pub broken: Option<Broken>,
    /// What kept `env.py` from anything but the scratch database.
    pub fences: Fences,
    /// What else should be known.
    pub notes: Vec<String>,
    /// What autogenerate does not see in this project.
    pub unseen_by_autogenerate: Vec<String>,
    /// The way up, piece by piece, with what Alembic itself sends: what would be run.
    pub upgrade: Upgrade,
}

/// The statements of the way up, as they are sent and committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// Alembic's offline text: with its own BEGIN and COMMIT, and the statements on its version table.
    Offline {
        /// The text in pieces.
        pieces: Vec<Piece>,
        /// What `env.py` told Alembic.
        about: Box<About>,
    },
    /// What was sent while it ran on a scratch database.
    Executed(Box<Executed>),
}

/// Databases that the chain alone has made, with the statements that made them.
static BARE: Templates<String> = Templates::new();

/// Schemas in front of a range, as SQL.
static SETUPS: Recent<String> = Recent::new();

impl Workshop {
    /// Renders a range both ways, and the schema in front of it.
    ///
    /// # Errors
    /// No Python, no scratch database where one is needed, a chain that cannot be brought to `range.from`.
    pub fn render(&self, range: &Range) -> Result<Rendering, WorkshopError> {
        let Offline { up, down, fences, alembic } = self.offline(range)?;
        let unseen_by_autogenerate = unseen(&alembic, self.server.dialect, &up.about.env);
        let down = match (&up.failure, down) {
            (None, Some(down)) if down.failure.is_none() => down,
            (failure, down) => {
                let failure = failure.as_ref().or_else(|| down.as_ref().and_then(|down| down.failure.as_ref()));
                return self.on_scratch(range, failure.map(|failure| failure.sentence.clone()), fences, &alembic);
            }
        };
        let mut notes: Vec<String> = self.without_way_back(range).into_iter().collect();
        let setup = match self.setup(range) {
            Ok(setup) => Some(setup),
            Err(error) => {
                notes.push(format!("the schema in front of the range is not known: {error}"));
                None
            }
        };
        Ok(Rendering {
            by: RenderedBy::AlembicOffline,
            why_not_offline: None,
            up: self.placed(&up.pieces, |piece| piece.into()),
            down: self.placed(&down.pieces, |piece| piece.into()),
            setup,
            broken: None,
            fences,
            notes,
            unseen_by_autogenerate,
            upgrade: Upgrade::Offline { pieces: up.pieces, about: Box::new(up.about) },
        })
    }

    /// The way up; the way back where there is the way up.
    fn offline(&self, range: &Range) -> Result<Offline, WorkshopError> {
        let lent = self.python(&[])?;
        let fences = lent.fences();
        let mut warm = lent.lock();
        let alembic = warm.hello.alembic.clone();
        let up = warm.bridge.render(Direction::Up, &range.from, &range.to)?;
        let down = match (&up.failure, self.way_back(range).0) {
            (None, Some(end)) => Some(warm.bridge.render(Direction::Down, &end, &range.to)?),
            (None, None) => Some(Rendered { sql: Some(String::new()), pieces: Vec::new(), failure: None, about: up.about.clone() }),
            (Some(_), _) => None,
        };
        Ok(Offline { up, down, fences, alembic })
    }

    /// The schema in front of a range, as the SQL that makes it: offline where that works, and nothing was prepared.
    fn setup(&self, range: &Range) -> Result<String, WorkshopError> {
        let is_prepared = self.config.project.hook.is_some();
        if range.from == "base" && !is_prepared {
            return Ok(String::new());
        }
        let key = self.chain_key(&range.from, "the schema in front")?;
        if let Some(known) = key.as_ref().and_then(|key| SETUPS.get(key)) {
            return Ok(known);
        }
        let offline = match is_prepared {
            true => None,
            false => {
                let rendered = self.python(&[])?.lock().bridge.render(Direction::Up, "base", &range.from)?;
                rendered.sql.is_some().then(|| self.placed(&rendered.pieces, |piece| piece.into()).text)
            }
        };
        let setup = match offline {
            Some(setup) => setup,
            None => self.scratch_at(&range.from)?.1,
        };
        if let Some(key) = key {
            SETUPS.put(&key, setup.clone());
        }
        Ok(setup)
    }

    /// A scratch database at the revision in front of the range, with the SQL that brought it there.
    ///
    /// # Errors
    /// No scratch database; a revision on the way fails.
    pub fn scratch_at(&self, at: &str) -> Result<(Vec<ScratchDatabase>, String), WorkshopError> {
        let server = self.scratch_server()?;
        let key = if server.copies_files() { self.template_key(at, "the chain alone", &server)? } else { None };
        let Some(key) = key else { return self.built_at(at, &server) };
        if let Some(cloned) = BARE.cloned(&server, &key)? {
            return Ok(cloned);
        }
        let (databases, setup) = self.built_at(at, &server)?;
        BARE.keep(&key, databases, setup)
    }

    /// The chain is run.
    fn built_at(&self, at: &str, server: &ScratchServer) -> Result<(Vec<ScratchDatabase>, String), WorkshopError> {
        let mut databases = vec![ScratchDatabase::create(server)?];
        if at == "base" && self.config.project.hook.is_none() {
            return Ok((databases, String::new()));
        }
        loop {
            let refs: Vec<&ScratchDatabase> = databases.iter().collect();
            let lent = self.python(&refs)?;
            let prepared = lines(&lent.lock().bridge.prepared()?, |captured| captured.source != StatementSource::Reflection);
            if at == "base" {
                return Ok((databases, prepared));
            }
            let executed = lent.lock().bridge.execute(Direction::Up, "base", at);
            let wanted = match &executed {
                Ok(executed) => executed.failure.as_ref().map_or(executed.about.databases_wanted, |failure| failure.databases_wanted),
                Err(crate::bridge::BridgeError::Failed { failure, .. }) => failure.databases_wanted,
                Err(_) => 0,
            };
            if wanted > databases.len() {
                // env.py opens several databases: each gets its own, and the way begins anew.
                databases.clear();
                for _ in 0..wanted.min(MOST_DATABASES) {
                    databases.push(ScratchDatabase::create(server)?);
                }
                continue;
            }
            let executed = executed?;
            if let Some(failure) = executed.failure {
                return Err(WorkshopError::CannotReach { at: at.to_owned(), sentence: failure.sentence });
            }
            let of_env = lines(&executed.statements, |captured| captured.source == StatementSource::Env);
            let setup = self.placed(&executed.statements, |captured| captured.into()).text;
            return Ok((databases, prepared + &of_env + &setup));
        }
    }

    fn on_scratch(
        &self,
        range: &Range,
        why_not_offline: Option<String>,
        fences: Fences,
        alembic: &str,
    ) -> Result<Rendering, WorkshopError> {
        let (databases, setup) = self.scratch_at(&range.from)?;
        let refs: Vec<&ScratchDatabase> = databases.iter().collect();
        let lent = self.python(&refs)?;
        let mut warm = lent.lock();
        let up = warm.bridge.execute(Direction::Up, &range.from, &range.to)?;
        let unseen_by_autogenerate = unseen(alembic, self.server.dialect, &up.about.env);
        let mut broken = up.failure.clone().map(|failure| Broken { direction: Direction::Up, failure });
        let mut notes = past_sqlalchemy(&up, &self.workspace);
        notes.extend(self.without_way_back(range));
        let down = match (&broken, self.way_back(range).0) {
            (Some(_), _) | (None, None) => Vec::new(),
            (None, Some(end)) => {
                let down = warm.bridge.execute(Direction::Down, &end, &range.to)?;
                broken = down.failure.clone().map(|failure| Broken { direction: Direction::Down, failure });
                notes.extend(past_sqlalchemy(&down, &self.workspace));
                down.statements
            }
        };
        Ok(Rendering {
            by: RenderedBy::ScratchExecution,
            why_not_offline,
            up: self.placed(&up.statements, |captured| captured.into()),
            down: self.placed(&down, |captured| captured.into()),
            setup: Some(setup),
            broken,
            fences,
            notes,
            unseen_by_autogenerate,
            upgrade: Upgrade::Executed(Box::new(up)),
        })
    }

    /// That the way back ends early, in a sentence.
    fn without_way_back(&self, range: &Range) -> Option<String> {
        let (_, stops) = self.way_back(range);
        stops.map(|revision| format!("`{revision}` has no `downgrade()`: the way back is read down to it, and no further"))
    }

    /// Pieces as one text: marks between the revisions, transactions as Alembic makes them, what only keeps the
    /// version table left out.
    fn placed<'a, T>(&self, pieces: &'a [T], sent_of: impl Fn(&'a T) -> Sent<'a>) -> Placed {
        let mut writer = Writer {
            workspace: &self.workspace,
            dialect: self.server.dialect,
            placed: Placed::default(),
            line: 1,
            revision: None,
            open: None,
        };
        for piece in pieces {
            writer.add(&sent_of(piece));
        }
        writer.close();
        writer.placed
    }
}

/// Those statements that count, as a script: what a hook and `env.py` make beside the revisions.
fn lines(statements: &[Captured], counts: impl Fn(&Captured) -> bool) -> String {
    statements
        .iter()
        .filter(|captured| counts(captured))
        .map(|captured| format!("{};\n", captured.sql.trim().trim_end_matches(';')))
        .collect()
}

/// No `env.py` opens more.
const MOST_DATABASES: usize = 16;

struct Offline {
    up: Rendered,
    down: Option<Rendered>,
    fences: Fences,
    alembic: String,
}

fn past_sqlalchemy(executed: &Executed, workspace: &Workspace) -> Vec<String> {
    executed
        .unseen
        .iter()
        .map(|place| {
            let file = shown(&place.file, workspace);
            format!("{file}:{} sends statements past SQLAlchemy: they are not among those reviewed", place.line)
        })
        .collect()
}

/// A path as the project shows it.
fn shown(path: &Path, workspace: &Workspace) -> String {
    path.strip_prefix(&workspace.folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// A statement as it was rendered or sent.
struct Sent<'a> {
    revision: Option<&'a str>,
    direction: Option<Direction>,
    sql: &'a str,
    source: StatementSource,
    file: Option<&'a Path>,
    line: Option<u32>,
    /// The transaction it ran in; `Offline`: the text has its own BEGIN and COMMIT.
    transaction: Bracket,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    InText,
    Number(u64),
    None,
}

impl<'a> From<&'a Piece> for Sent<'a> {
    fn from(piece: &'a Piece) -> Self {
        Self {
            revision: piece.revision.as_deref(),
            direction: piece.direction,
            sql: &piece.sql,
            source: piece.source,
            file: piece.file.as_deref(),
            line: piece.line,
            transaction: Bracket::InText,
        }
    }
}

impl<'a> From<&'a Captured> for Sent<'a> {
    fn from(captured: &'a Captured) -> Self {
        Self {
            revision: captured.revision.as_deref(),
            direction: captured.direction,
            sql: &captured.sql,
            source: captured.source,
            file: captured.file.as_deref(),
            line: captured.line,
            transaction: captured.transaction.map_or(Bracket::None, Bracket::Number),
        }
    }
}

/// Writes the text and keeps count of its lines.
struct Writer<'a> {
    workspace: &'a Workspace,
    dialect: Dialect,
    placed: Placed,
    line: u32,
    revision: Option<(String, Direction)>,
    open: Option<u64>,
}

impl<'a> Writer<'a> {
    fn add(&mut self, sent: &Sent<'_>) {
        let bare = sent.sql.trim().trim_end_matches(';').trim();
        let is_bracket = matches!(bare, "BEGIN" | "COMMIT" | "BEGIN TRANSACTION" | "COMMIT TRANSACTION");
        let is_of_revision = sent.source == StatementSource::Revision;
        if is_bracket && (sent.transaction == Bracket::InText) {
            return self.transaction(bare.starts_with("BEGIN"));
        }
        if !is_of_revision || bare.is_empty() || bare.starts_with("-- Running ") {
            return;
        }
        self.bracket(sent.transaction);
        self.mark(sent);
        let revision = sent.revision.and_then(|id| self.revision_of(id));
        let place = sent.file.map(|file| shown(file, self.workspace)).zip(sent.line);
        if let (Some(revision), Some((file, line))) = (revision, &place)
            && revision.file == *file
        {
            for text in allowances(revision, *line) {
                self.write(&text);
            }
        }
        if let Some((file, line)) = place.or_else(|| revision.map(|revision| (revision.file.clone(), revision.id_line))) {
            self.placed.files.push(FilePart { name: file, first_line: self.line, only_line: Some(line) });
        }
        self.write(&format!("{bare};"));
    }

    fn close(&mut self) {
        self.bracket(Bracket::None);
    }

    /// Alembic brackets revisions only where DDL can be rolled back, and it says so of PostgreSQL and SQL Server.
    fn bracket(&mut self, transaction: Bracket) {
        let now = match transaction {
            Bracket::InText => return,
            Bracket::Number(number) if matches!(self.dialect, Dialect::Postgresql | Dialect::Mssql) => Some(number),
            Bracket::Number(_) | Bracket::None => None,
        };
        if now == self.open {
            return;
        }
        if self.open.is_some() {
            self.transaction(false);
        }
        if now.is_some() {
            self.transaction(true);
        }
        self.open = now;
    }

    /// A mark instead of BEGIN and COMMIT: those are Alembic's, not the revision's.
    fn transaction(&mut self, begins: bool) {
        self.write(if begins { "-- alembic-gate: transaction begins" } else { "-- alembic-gate: transaction ends" });
    }

    fn mark(&mut self, sent: &Sent<'_>) {
        let (Some(id), Some(direction)) = (sent.revision, sent.direction) else { return };
        if self.revision.as_ref().is_some_and(|(known, way)| known == id && *way == direction) {
            return;
        }
        self.revision = Some((id.to_owned(), direction));
        let parents = self.revision_of(id).map(|revision| revision.parents.join(", ")).unwrap_or_default();
        let text = match direction {
            Direction::Up => format!("-- Running upgrade {parents} -> {id}"),
            Direction::Down => format!("-- Running downgrade {id} -> {parents}"),
        };
        self.write(&text);
    }

    fn revision_of(&self, id: &str) -> Option<&'a Revision> {
        self.workspace.project.graph.by_id(id).and_then(|at| self.workspace.project.revision(at))
    }

    fn write(&mut self, text: &str) {
        self.placed.text.push_str(text);
        self.placed.text.push('\n');
        self.line += 1 + text.bytes().filter(|byte| *byte == b'\n').count() as u32;
    }
}

/// What comments in the file allow on the operation at `line`, as comments of SQL.
fn allowances(revision: &Revision, line: u32) -> Vec<String> {
    let bodies = revision.upgrade.iter().chain(&revision.downgrade);
    let operation = bodies.flat_map(|body| &body.operations).find(|operation| (operation.line..=operation.end_line).contains(&line));
    let (first, last) = operation.map_or((line, line), |operation| (operation.line, operation.end_line));
    revision
        .allowances
        .iter()
        .filter(|allowance| allowance.line + 1 >= first && allowance.line <= last)
        .map(|allowance| {
            let because = allowance.because.as_ref().map(|because| format!(" because {because}")).unwrap_or_default();
            format!("-- alembic-gate: allow {}{because}", allowance.rules.join(", "))
        })
        .collect()
}

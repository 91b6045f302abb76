//! What a tool is asked about: SQL, the schema before it, the server. Checked, with what was taken for granted.

use std::fmt::Write as _;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dialect::{Dialect, Server, ServerVersion};
use crate::finding::Finding;
use crate::judge::{Judgement, judge};
use crate::risk::TableSizes;
use crate::sql::catalog::Catalog;
use crate::sql::script::{self, Script};
use crate::sql::split::Direction;
use crate::step::{FilePart, Options, place_in};
use crate::store::Wishes;
use crate::tools::answer::ToolError;
use crate::tools::call::Call;
use crate::tools::migration::claim::Claim;
use crate::tools::migration::named::{self, Named};
use crate::tools::migration::now::production;
use crate::tools::migration::plan::Plan;
use crate::tools::schema::portable_schema;
use crate::trial::TrialError;
use crate::workshop::range::Range;
use crate::workshop::rendering::Rendering;
use crate::workshop::watch::Ended;
use crate::workshop::{Wanted, Workshop, WorkshopError};

/// Larger inputs are refused: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// How much an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// Errors and warnings whole; of each statement what matters.
    #[default]
    Concise,
    /// Everything.
    Full,
}

/// What both SQL tools take. A field's sentence is its help text and its schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct SqlInput {
    /// The SQL to look at, as `psql -f` would run it. Without it: revisions of the project.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The project's folder. Default: the current one.
    #[arg(long, value_name = "DIR")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The ini file. Default: alembic.ini.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// The ini section. Default: alembic.
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The revision in front of the range, as Alembic writes revisions. Default: where what is pending begins.
    #[arg(long, value_name = "REVISION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last revision of the range. Default: head.
    #[arg(long, value_name = "REVISION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The migration that is meant, as an earlier answer named it: add_user_email_index-1a2b3c4d
    #[arg(long, value_name = "ID")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migration_id: Option<String>,
    /// The state block of an earlier answer: says which migration is meant; what it claims is checked.
    #[arg(long, value_name = "TEXT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_block: Option<String>,
    /// The way back, reviewed against the schema after `sql`.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downgrade_sql: Option<String>,
    /// The schema before `sql` (CREATE statements; INSERT or COPY mark the tables that have rows): decides what rewrites or scans.
    #[arg(long, value_name = "SQL|@FILE", allow_hyphen_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_sql: Option<String>,
    /// The dialect. Default: postgresql.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// The server's version, for example "16", "10.11" or "8.0.29". Default: the newest that is known.
    #[arg(long, value_name = "VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// Sizes of tables: {"orders": {"rows": 8000000, "bytes": 6000000000}}.
    #[arg(long, value_parser = sizes, value_name = "JSON")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_stats: Option<TableSizes>,
    /// The write block that the deploy tolerates, in milliseconds. Default: 1000.
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_block_ms: Option<u64>,
    /// concise (default) or full.
    #[arg(long, value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// The git commit that runs now, e.g. `origin/main`: its classes are tried before and after.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployed: Option<String>,
    /// Go on behind this statement index, after an answer that was cut.
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}

/// Sizes of tables, as the command line gives them: JSON, or `@file`.
fn sizes(given: &str) -> Result<TableSizes, String> {
    let text = match given.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("`{path}` could not be read: {error}"))?,
        None => given.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| format!(r#"{error}; for example '{{"orders": {{"rows": 8000000, "bytes": 6000000000}}}}'"#))
}

/// A checked input.
pub struct Asked {
    /// The script, read.
    pub script: Script,
    /// The way back, read, where it was given as its own text.
    pub downgrade: Option<Script>,
    /// The schema before.
    pub before: Catalog,
    /// What judgement needs.
    pub options: Options,
    /// What was taken for granted.
    pub assumed: Vec<String>,
    /// What else should be known.
    pub notes: Vec<String>,
    /// How much to tell.
    pub detail: Detail,
    /// Go on behind this statement.
    pub after: u32,
    /// The revisions it is about; none for raw SQL.
    pub ranged: Option<Ranged>,
}

/// A range of a project's revisions, rendered.
pub struct Ranged {
    /// The project.
    pub workshop: Workshop,
    /// The range.
    pub range: Range,
    /// Its SQL.
    pub rendering: Rendering,
    /// Which migration it is.
    pub named: Named,
    /// Which one the caller claims.
    pub claim: Claim,
    /// What the caller says beside the files, now or before.
    pub wishes: Wishes,
    /// What was planned before there was a file.
    pub plan: Option<Plan>,
}

fn refused(code: &'static str, message: String, hint: &str) -> ToolError {
    ToolError { code, message, at: None, hint: hint.to_owned(), retry: false }
}

impl Asked {
    /// Checks and reads an input: its SQL, or without it the revisions of a project.
    ///
    /// # Errors
    /// Neither SQL nor a project, a version that is none, an input over 64 MiB, revisions that cannot be rendered.
    pub fn of(input: &SqlInput, options: Options, call: &Call<'_>) -> Result<Self, ToolError> {
        match &input.sql {
            Some(sql) => Self::of_sql(sql, input, options),
            None => Self::of_range(input, options, call),
        }
    }

    fn of_range(input: &SqlInput, options: Options, call: &Call<'_>) -> Result<Self, ToolError> {
        let claim = Claim::of(input.migration_id.as_deref(), input.state_block.as_deref())?;
        let folder = call.project(input.project.as_deref())?;
        let wanted = |dialect| Wanted {
            folder: folder.clone(),
            config: input.config.clone(),
            section: input.section.clone(),
            dialect,
            server: None,
            time_limit: None,
        };
        let nothing = input.project.is_none() && input.config.is_none();
        let opened = |dialect| {
            Workshop::open(&wanted(dialect)).map_err(|error| match error {
                WorkshopError::Open(error) if nothing => refused(
                    "no_sql",
                    format!("there is no `sql` to look at, and no project here: {error}"),
                    "give the SQL as `sql`, a file on the command line, or the project's folder as `project`",
                ),
                other => failed(&other),
            })
        };
        let mut workshop = opened(input.dialect)?;
        let (range, named) = named::range(&mut workshop, &claim, input.from.as_deref(), input.to.as_deref())?;
        let said = Wishes {
            server_version: input.server_version.clone(),
            dialect: input.dialect,
            table_stats: input.table_stats.clone(),
            max_block_ms: input.max_block_ms,
            production: None,
        };
        let before = named.kept.as_ref().map(|kept| kept.wishes.clone()).unwrap_or_default();
        let wishes = said.or(before);
        if wishes.dialect.is_some_and(|dialect| dialect != workshop.server.dialect) {
            workshop = opened(wishes.dialect)?;
        }
        if let Some(text) = &wishes.server_version {
            let version = ServerVersion::from_str(text)
                .map_err(|error| refused("bad_version", error.to_string(), "for example `server_version: \"16\"`"))?;
            workshop.server = Server { dialect: workshop.server.dialect, version };
        }
        workshop.encoding = production(&workshop.config, &wishes).map(|said| said.encoding()).unwrap_or_default();
        let mut rendering = workshop.watch.over(call.limits, call.cancelled, || workshop.render(&range)).map_err(|error| failed(&error))?;
        rendering.notes.extend(workshop.watch.found().map(|found| format!("while its SQL was written down: {found}")));
        let plan = Plan::on_record(&workshop.workspace, &named.id);
        Ok(Self::of_rendering(input, options, Ranged { workshop, range, rendering, named, claim, wishes, plan }))
    }

    /// A range with what its files and `alembic-gate.toml` say, and nothing that was kept of it.
    #[must_use]
    pub fn from_nothing(workshop: Workshop, range: Range, rendering: Rendering) -> Self {
        let first = range.revisions.first().cloned().unwrap_or_default();
        let named = Named { kept: None, ..Named::of_revision(&workshop.workspace, &first) };
        let ranged = Ranged { workshop, range, rendering, named, claim: Claim::default(), wishes: Wishes::default(), plan: None };
        Self::of_rendering(&SqlInput::default(), Options::default(), ranged)
    }

    fn of_rendering(input: &SqlInput, mut options: Options, ranged: Ranged) -> Self {
        let Ranged { workshop, rendering, wishes, .. } = &ranged;
        let mut assumed = workshop.assumed.clone();
        let mut notes = rendering.notes.clone();
        if let Some(why) = &rendering.why_not_offline {
            notes.push(format!("run on a scratch database, since it cannot be rendered offline: {why}"));
        }
        let before = match (&input.setup_sql, &rendering.setup) {
            (Some(given), _) => Catalog::of_setup(&script::read(given.clone(), workshop.server)),
            (None, Some(history)) => Catalog::of_history(&script::read(history.clone(), workshop.server)),
            (None, None) => Catalog::new(workshop.server.dialect),
        };
        assumed.push("every table that stands before the range has rows".to_owned());
        options.severities.extend(workshop.config.severities());
        options.sizes = wishes.table_stats.clone().unwrap_or_default();
        options.max_block_ms = wishes.max_block_ms.unwrap_or(1000);
        options.files.clone_from(&rendering.up.files);
        options.production = production(&workshop.config, wishes);
        Self {
            script: script::read(rendering.up.text.clone(), workshop.server),
            downgrade: Some(script::read(rendering.down.text.clone(), workshop.server)),
            before,
            options,
            assumed,
            notes,
            detail: input.detail.unwrap_or_default(),
            after: input.after.unwrap_or(0),
            ranged: Some(ranged),
        }
    }

    fn of_sql(sql: &str, input: &SqlInput, options: Options) -> Result<Self, ToolError> {
        let mut assumed = Vec::new();
        let mut notes = Vec::new();
        for (name, text) in
            [("sql", input.sql.as_ref()), ("downgrade_sql", input.downgrade_sql.as_ref()), ("setup_sql", input.setup_sql.as_ref())]
        {
            if text.is_some_and(|text| text.len() > MAX_BYTES) {
                return Err(refused("too_large", format!("`{name}` is larger than {} MiB", MAX_BYTES >> 20), "review it in parts"));
            }
        }
        let server = server(input, &mut assumed)?;
        if server.dialect.is_experimental() {
            notes.push(format!("experimental: {} is read by its words; no server was measured", server.dialect.title()));
        }
        let before = match &input.setup_sql {
            Some(setup) => Catalog::of_setup(&script::read(setup.clone(), server)),
            None => Catalog::new(server.dialect),
        };
        if input.setup_sql.is_none() {
            assumed.push("every table that is not made here stands, has rows, and its columns are not known (give `setup_sql`)".to_owned());
        }
        let mut options = options;
        options.sizes = input.table_stats.clone().unwrap_or_default();
        options.max_block_ms = input.max_block_ms.unwrap_or(1000);
        let downgrade = input.downgrade_sql.as_ref().map(|text| script::read(text.clone(), server));
        Ok(Self {
            script: script::read(sql.to_owned(), server),
            downgrade,
            before,
            options,
            assumed,
            notes,
            detail: input.detail.unwrap_or_default(),
            after: input.after.unwrap_or(0),
            ranged: None,
        })
    }

    /// Judges the way up.
    #[must_use]
    pub fn upgrade(&self) -> Judgement {
        judge(&self.script, Direction::Up, &self.before, &self.options)
    }

    /// A text of its own has places of its own: those of its revisions, or none.
    fn files_of_downgrade(&self) -> &[FilePart] {
        self.ranged.as_ref().map(|ranged| ranged.rendering.down.files.as_slice()).unwrap_or_default()
    }

    /// The file and line of a line of the way up or back.
    #[must_use]
    pub fn place(&self, script: &Script, line: u32) -> (Option<String>, u32) {
        match &self.downgrade {
            Some(downgrade) if std::ptr::eq(downgrade, script) => place_in(self.files_of_downgrade(), line),
            Some(_) | None => self.options.place(line),
        }
    }

    /// Judges the way back: its own text, or the down section of the same one.
    #[must_use]
    pub fn way_back(&self, after_upgrade: &Catalog) -> Option<(&Script, Judgement)> {
        let mut before = after_upgrade.clone();
        before.settle();
        if let Some(downgrade) = &self.downgrade {
            let direction = if downgrade.statements.iter().any(|statement| statement.direction == Direction::Down) {
                Direction::Down
            } else {
                Direction::Up
            };
            let mut options = self.options.clone();
            options.files = self.files_of_downgrade().to_vec();
            return Some((downgrade, judge(downgrade, direction, &before, &options)));
        }
        let has_section = self.script.statements.iter().any(|statement| statement.direction == Direction::Down);
        has_section.then(|| (&self.script, judge(&self.script, Direction::Down, &before, &self.options)))
    }
}

/// A project that cannot be worked on, as a tool's error.
#[must_use]
pub fn failed(error: &WorkshopError) -> ToolError {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let text = inner.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = inner.source();
    }
    ToolError { code: error.code(), message, at: None, hint: error.hint(), retry: matches!(error, WorkshopError::Ended(Ended::Cancelled)) }
}

/// The server that raw SQL is meant for; what was taken for granted is added to `assumed`.
///
/// # Errors
/// A version that is none.
pub fn server(input: &SqlInput, assumed: &mut Vec<String>) -> Result<Server, ToolError> {
    let dialect = input.dialect.unwrap_or_else(|| {
        assumed.push("dialect postgresql".to_owned());
        Dialect::Postgresql
    });
    let version = match &input.server_version {
        Some(text) => ServerVersion::from_str(text)
            .map_err(|error| refused("bad_version", error.to_string(), "for example `server_version: \"16\"`"))?,
        None => {
            let newest = dialect.newest();
            assumed.push(format!("{} {newest}", dialect.title()));
            newest
        }
    };
    Ok(Server { dialect, version })
}

/// What counts: findings that are not accepted in the text.
pub fn counting<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> impl Iterator<Item = &'a Finding> {
    findings.into_iter().filter(|finding| finding.allowed.is_none())
}

/// The input's JSON schema, portable: no integer formats, no lists of types; without the fields named.
#[must_use]
pub fn input_schema(without: &[&str]) -> serde_json::Value {
    let mut schema = portable_schema::<SqlInput>();
    if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        properties.retain(|name, _| !without.contains(&name.as_str()));
    }
    schema
}

/// A trial that could not be made, as a tool's error.
#[must_use]
pub fn trial_failed(error: &TrialError) -> ToolError {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !message.contains(&inner.to_string()) {
            let _ = write!(message, ": {inner}");
        }
        cause = inner.source();
    }
    ToolError { code: error.code(), message, at: None, hint: error.hint(), retry: matches!(error, TrialError::Ended(Ended::Cancelled)) }
}

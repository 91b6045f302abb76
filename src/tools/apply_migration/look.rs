//! An environment as it stands: where its version table is, and whether its schema is what the chain makes of it.

use crate::config::Environment;
use crate::database::{Connection, DatabaseError};
use crate::demand::{self, Demand};
use crate::deploy::{
    CannotRun, Counted, Part, Plan, Rehearsal, RehearsalError, Target, TargetError, count, expected, is_lock_trouble, limit_look, plan,
    rehearse, version_table, versions,
};
use crate::dialect::{Dialect, Encoding, Server};
use crate::digest::Digest;
use crate::lifecycle::gate::{Gate, Reason, Verdict};
use crate::recovery::half::{self, HalfApplied};
use crate::recovery::{Real, Statement};
use crate::snapshot::likeness::{Likeness, VersionTable, comparable, likeness};
use crate::snapshot::{SchemaSnapshot, SnapshotError};
use crate::tools::answer::ToolError;
use crate::tools::migration::Migration;
use crate::tools::review_sql::Review;
use crate::workshop::Workshop;
use crate::workshop::range::Range;

/// Where a database stands.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The version table, sorted; empty for an empty database.
    pub versions: Vec<String>,
    /// Dialect and version, as the server says them.
    pub server: Option<Server>,
    /// What its database writes text in; none where it was not asked.
    pub encoding: Option<Encoding>,
    /// The schema, without owners, rights and the version table.
    pub digest: Option<Digest>,
    /// How it compares with what the chain makes at that revision; none where the chain was not asked.
    pub likeness: Option<Likeness>,
    /// Statements of the plan that have taken effect, where the schema is one between two of them.
    pub applied: Option<Vec<usize>>,
    /// Why nobody could ask.
    pub trouble: Option<String>,
}

impl Place {
    /// The revision as ledgers and answers name it: `none` for an empty database.
    pub fn revision(&self) -> String {
        if self.versions.is_empty() { "none".to_owned() } else { self.versions.join(", ") }
    }

    /// The schema is what the chain makes.
    pub fn is_alike(&self) -> bool {
        self.likeness.as_ref().is_some_and(Likeness::is_alike)
    }
}

/// What was looked at.
pub struct Look {
    /// The environment's name, as it was asked for.
    pub environment: String,
    /// `alembic-gate.toml` names it.
    pub is_known: bool,
    /// The range.
    pub range: Option<Range>,
    /// What would be sent.
    pub plan: Result<Plan, CannotRun>,
    /// Where it is; none where nobody says it, or it cannot be read.
    pub target: Option<Target>,
    /// Where it stands; none where nobody was asked.
    pub place: Option<Place>,
    /// What the gates answer.
    pub gates: Vec<(Gate, Verdict)>,
    /// The server it was reviewed for.
    pub server: Server,
    /// What its database is declared to write text in.
    pub encoding: Encoding,
    /// The project's `alembic`, with the options that name its settings.
    pub alembic: String,
    /// Rows of the environment that a statement would be refused for; empty where nobody was asked.
    pub rows: Counted,
    /// Why it was not looked at, or not to the end.
    pub troubles: Vec<String>,
    table: VersionTable,
    expected: Option<Rehearsal>,
}

/// Looks at an environment for a migration that was reviewed just now.
pub fn look(migration: &Migration, review: &Review, name: &str) -> Look {
    let ranged = review.asked.ranged.as_ref();
    let environment = migration.config.environments.get(name);
    let mut look = Look {
        environment: name.to_owned(),
        is_known: environment.is_some(),
        range: migration.range.clone(),
        plan: plan_of(review),
        target: None,
        place: None,
        gates: Vec::new(),
        encoding: ranged.map(|ranged| ranged.workshop.encoding.clone()).unwrap_or_default(),
        server: ranged.map_or(review.asked.script.server, |ranged| ranged.workshop.server),
        alembic: ranged.map(|ranged| alembic(&ranged.workshop)).unwrap_or_default(),
        rows: Counted::default(),
        troubles: Vec::new(),
        table: ranged.map(|ranged| version_table(&ranged.rendering)).unwrap_or_default(),
        expected: None,
    };
    if let (Some(environment), Some(ranged)) = (environment, ranged) {
        look.ask(environment, &ranged.workshop, &ranged.range);
    }
    let (current, is_dirty) = look.seen();
    look.gates = migration.gates(name, current.as_deref(), is_dirty);
    look
}

/// What would be sent for the range that was reviewed.
pub fn plan_of(review: &Review) -> Result<Plan, CannotRun> {
    let Some(ranged) = &review.asked.ranged else { return Err(CannotRun::Broken("there is no revision".to_owned())) };
    plan(&ranged.rendering, &ranged.range, ranged.workshop.server, &ranged.workshop.workspace)
}

/// `alembic`, with the options that name the project's settings.
fn alembic(workshop: &Workshop) -> String {
    let mut words = "alembic".to_owned();
    let workspace = &workshop.workspace;
    if let Some(ini) = workspace.ini.as_ref().and_then(|path| path.file_name()).filter(|name| *name != "alembic.ini") {
        words.push_str(&format!(" -c {}", ini.to_string_lossy()));
    }
    if workspace.section != "alembic" {
        words.push_str(&format!(" -n {}", workspace.section));
    }
    words
}

impl Look {
    /// Asks the environment where it stands, and the chain what should stand there.
    fn ask(&mut self, environment: &Environment, workshop: &Workshop, range: &Range) {
        let target = match Target::of(&self.environment, environment) {
            Ok(target) => target,
            Err(error) => {
                self.troubles.push(with_cause(&error, &error.hint()));
                return;
            }
        };
        let mut place = self.again(&target);
        self.target = Some(target);
        if let Some(trouble) = place.trouble.clone() {
            self.troubles.push(trouble);
            self.place = Some(place);
            return;
        }
        let is_of_range = place.revision() == shown(&range.from) || place.revision() == shown(&range.to);
        let scratch = workshop.scratch_server().map(|scratch| scratch.server);
        let is_comparable = place.server.zip(scratch.ok()).is_some_and(|(place, scratch)| is_same_release(place, scratch));
        if is_of_range && !is_comparable {
            let found = place.server.map(|server| server.to_string()).unwrap_or_default();
            self.troubles.push(format!("no scratch server of the release of {found} is here: its schema cannot be compared"));
        }
        if is_of_range && is_comparable {
            match expected(workshop, range) {
                Ok(found) => self.expected = Some(found),
                Err(error) => self.troubles.push(with_cause(&error, &error.hint())),
            }
            if let Some(target) = self.target.clone() {
                place = self.again(&target);
            }
            self.rehearsed(workshop);
            self.half_applied(workshop, &mut place);
        }
        self.place = Some(place);
    }

    /// The statements must lead where Alembic leads.
    fn rehearsed(&mut self, workshop: &Workshop) {
        let (Ok(plan), Some(expected)) = (&self.plan, &self.expected) else { return };
        match rehearse(workshop, plan, expected) {
            Ok(()) => {}
            Err(error @ RehearsalError::Differs(_)) => self.plan = Err(CannotRun::Differs(error.to_string())),
            Err(error) => self.plan = Err(CannotRun::Broken(error.to_string())),
        }
    }

    /// Which statements have taken effect, where the schema is neither the one nor the other: as `migration_status` tells it.
    fn half_applied(&self, workshop: &Workshop, place: &mut Place) {
        let (Ok(plan), Some(target)) = (&self.plan, &self.target) else { return };
        let is_at_begin = place.revision() == shown(&plan.range.from);
        if place.likeness.as_ref().is_none_or(Likeness::is_alike) || !is_at_begin {
            return;
        }
        let Some(mut real) = Real::open(target.address()).ok() else { return };
        let Some(standing) = half::standing(workshop, &mut real).ok() else { return };
        let is_explained = standing.unexplained.iter().all(|one| standing.is_strangers(&one.object));
        if let Some(half) = standing.half.filter(|_| is_explained && standing.at == plan.range.from) {
            place.applied = numbers(plan, &half);
        }
    }

    /// Where it stands now, compared with what is known of the chain.
    pub fn again(&self, target: &Target) -> Place {
        let mut connection = match target.connect() {
            Ok(connection) => connection,
            Err(error) => return Place { trouble: Some(with_cause(&error, &error.hint())), ..Place::default() },
        };
        connection.set_time_limit(Some(std::time::Duration::from_secs(60)));
        let looked = limit_look(&mut connection).map_err(|error| with_cause(&error, &error.hint()));
        match looked.and_then(|()| self.place_of(&mut connection)) {
            Ok(place) => place,
            Err(trouble) => Place { trouble: Some(trouble), server: Some(connection.server()), ..Place::default() },
        }
    }

    fn place_of(&self, connection: &mut Connection) -> Result<Place, String> {
        let dialect = connection.server().dialect;
        let versions = versions(connection, &self.table).map_err(|error| with_cause(&error, looking_hint(dialect, &error)))?;
        let found = SchemaSnapshot::take(connection).map_err(|error| match &error {
            SnapshotError::Database(cause) => with_cause(&error, looking_hint(dialect, cause)),
            SnapshotError::Row { .. } | SnapshotError::NotSupported(_) => with_cause(&error, &error.hint()),
        })?;
        let encoding = connection.encoding().ok();
        let mut place =
            Place { versions, server: Some(connection.server()), encoding, digest: Some(self.digest(&found)), ..Place::default() };
        if let (Some(expected), Some(range)) = (&self.expected, &self.range) {
            let Rehearsal { before, after } = expected;
            let revision = place.revision();
            if revision == shown(&range.from) {
                place.likeness = Some(likeness(before, &found, &[after], &self.table));
            } else if revision == shown(&range.to) {
                place.likeness = Some(likeness(after, &found, &[before], &self.table));
            }
        }
        Ok(place)
    }

    /// Equal on two servers that differ in owners and rights only.
    fn digest(&self, found: &SchemaSnapshot) -> Digest {
        Digest::of("plain schema", &[comparable(found.clone(), &self.table).digest().as_bytes()])
    }

    /// Counts the rows that a statement would be refused for, where nothing else stands in the way: the questions go over whole tables.
    pub fn count_rows(&mut self, review: &Review) {
        let script = &review.asked.script;
        let demands: Vec<Demand> = demand::of_script(script, &review.asked.before).into_iter().map(|(_, demand)| demand).collect();
        let Some(target) = self.target.as_ref().filter(|_| !demands.is_empty()) else { return };
        let counted = target.connect().map_err(|error| with_cause(&error, &error.hint())).and_then(|mut connection| {
            limit_look(&mut connection).and_then(|()| count(&mut connection, &demands)).map_err(|error| with_cause(&error, &error.hint()))
        });
        match counted {
            Ok(counted) => self.rows = counted,
            Err(trouble) => self.troubles.push(format!("rows in the way were not counted: {trouble}")),
        }
    }

    /// The revision and whether the schema differs, as the gates want them.
    fn seen(&self) -> (Option<String>, Option<bool>) {
        let Some(place) = self.place.as_ref().filter(|place| place.trouble.is_none()) else { return (None, None) };
        let current = if place.versions.is_empty() { "base".to_owned() } else { place.versions.join(", ") };
        let is_of_range = self.range.as_ref().is_some_and(|range| current == range.from || current == range.to);
        let is_dirty = match (&place.likeness, is_of_range) {
            (Some(likeness), _) => Some(!likeness.is_alike()),
            // Where it stands is reason enough.
            (None, false) => Some(false),
            (None, true) => None,
        };
        (Some(current), is_dirty)
    }

    /// True where the environment stands at the end of the range already.
    pub fn is_there(&self) -> bool {
        let place = self.place.as_ref().filter(|place| place.trouble.is_none());
        place.zip(self.range.as_ref()).is_some_and(|(place, range)| place.revision() == range.to)
    }

    /// True where its schema is the one that the chain makes there.
    pub fn is_as_tested(&self) -> bool {
        self.place.as_ref().is_some_and(Place::is_alike)
    }

    /// Why it is refused, each reason once: those of the gates, and what the gates do not know.
    pub fn reasons(&self, migration: &Migration, allow_apply: bool) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if !self.is_known {
            reasons.push(Reason::UnknownEnvironment);
        }
        for (_, verdict) in &self.gates {
            if let Verdict::Closed { reasons: more, .. } = verdict {
                reasons.extend(more.iter().copied());
            }
        }
        if !self.is_tested_engine() {
            reasons.push(Reason::ParityMissing);
        }
        if migration.now.is_some() && self.plan.is_err() && !self.is_there() {
            reasons.push(Reason::OnlyByAlembic);
        }
        if !allow_apply && !self.is_there() {
            reasons.push(Reason::ApplyDisabled);
        }
        let mut seen = Vec::new();
        reasons.retain(|reason| {
            let is_new = !seen.contains(reason);
            seen.push(*reason);
            is_new
        });
        reasons
    }

    /// The server that was asked is of the release that everything was judged and tested for; true where nobody was asked.
    pub fn is_tested_engine(&self) -> bool {
        let Some(place) = &self.place else { return true };
        let is_written_alike = place.encoding.as_ref().is_none_or(|found| self.encoding.is_met_by(found));
        is_written_alike && place.server.is_none_or(|server| is_same_release(server, self.server))
    }
}

/// The numbers in a plan of the statements that were applied; none where one of them is not in the plan.
fn numbers(plan: &Plan, half: &HalfApplied) -> Option<Vec<usize>> {
    let number = |statement: &Statement| {
        let mut own = plan.steps().filter(|step| step.part == Part::Revision && step.revision == statement.revision);
        let at = usize::try_from(statement.index).ok()?.checked_sub(1)?;
        own.nth(at).map(|step| step.number)
    };
    half.statements.iter().filter(|statement| statement.state == "applied").map(number).collect()
}

/// Equal where parity is judged: PostgreSQL's major, the first two numbers of the others, nothing of SQLite's.
fn is_same_release(one: Server, other: Server) -> bool {
    let same_major = one.version.major == other.version.major;
    match (one.dialect == other.dialect, one.dialect) {
        (false, _) => false,
        (true, Dialect::Postgresql) => same_major,
        (true, Dialect::Mysql | Dialect::Mariadb) => same_major && one.version.minor == other.version.minor,
        (true, Dialect::Sqlite | Dialect::Mssql | Dialect::Oracle) => true,
    }
}

/// `base` as a database is described.
fn shown(revision: &str) -> &str {
    if revision == "base" { "none" } else { revision }
}

/// What to do where a database cannot be looked at.
fn looking_hint(dialect: Dialect, error: &DatabaseError) -> &'static str {
    match is_lock_trouble(dialect, error) {
        true => "somebody is changing it right now, or waits to: try again when that is over",
        false => "see that the role may read the catalogue",
    }
}

/// A sentence with its causes and what to do.
fn with_cause(error: &dyn std::error::Error, hint: &str) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = inner.source();
    }
    format!("{words}; {hint}")
}

/// An environment that went away between two looks.
pub fn failed(error: &TargetError) -> ToolError {
    ToolError {
        code: "unreachable",
        message: with_cause(error, "nothing was sent"),
        at: Some("environment".to_owned()),
        hint: error.hint(),
        retry: true,
    }
}

/// Something that cannot be reached here.
pub fn unreachable(message: &str) -> ToolError {
    ToolError { code: "internal", message: message.to_owned(), at: None, hint: "please report it".to_owned(), retry: false }
}

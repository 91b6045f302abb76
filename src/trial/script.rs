//! Raw SQL both ways, run statement by statement on a scratch database; no Python takes part.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::bridge::Fences;
use crate::database::Connection;
use crate::dialect::{Dialect, Server};
use crate::lifecycle::evidence::{Outcome, Rerun};
use crate::rows::fill::fill_empty;
use crate::scratch::{ScratchDatabase, ScratchServer, Settings};
use crate::sql::script::{self, Script};
use crate::sql::split::Direction;
use crate::trial::trip::{Mover, Trying, WayBack, second_run, try_one};
use crate::trial::{Engine, Failure, SecondRun, Trial, TrialError, Wishes};

/// The migration as SQL.
pub struct Scripts<'a> {
    /// The schema before.
    pub setup: Option<&'a str>,
    /// The way up.
    pub up: &'a Script,
    /// The way back; none where nobody wrote it.
    pub down: Option<&'a Script>,
}

/// The name that raw SQL has among revisions.
const NAME: &str = "sql";

/// Tries SQL: up, down, up.
///
/// # Errors
/// No scratch database, `setup_sql` or seeds that fail.
pub fn try_scripts(scripts: &Scripts<'_>, server: Server, wishes: &Wishes, cancelled: &AtomicBool) -> Result<Trial, TrialError> {
    let scratch = ScratchServer::start(server, &Settings::from_environment(None))?;
    let database = ScratchDatabase::create(&scratch)?;
    let mut runner = database.connect()?;
    let mut looker = if server.dialect == Dialect::Sqlite { database.connect()? } else { database.connect_admin()? };
    for (which, sql) in [("setup_sql", scripts.setup), ("seed_sql", wishes.seed_sql.as_deref())] {
        let Some(sql) = sql else { continue };
        let script = script::read(sql.to_owned(), scratch.server);
        run(&mut runner, &script, Direction::Up).map_err(|(_, source)| TrialError::Seed { which, source })?;
    }
    let mut filled = fill_empty(&mut looker, wishes.rows)?;
    if cancelled.load(Ordering::Relaxed) {
        return Err(TrialError::Cancelled);
    }
    let trying = Trying {
        revision: NAME,
        way_back: if scripts.down.is_some() { WayBack::Runs } else { WayBack::Missing },
        wishes,
        seed_after: wishes.seed_after_upgrade_sql.as_deref(),
    };
    let mut mover = ByScript { scripts, connection: runner };
    let (trip, is_usable) = try_one(&mut mover, &mut looker, &trying, &mut filled)?;
    let second_run = if is_usable && trip.outcome != Outcome::UpgradeFails {
        second_run(&mut mover, &mut looker, NAME)?
    } else {
        SecondRun { rerun: Rerun::NotTried, why: "not tried: the upgrade does not stand at its target".to_owned() }
    };
    Ok(Trial {
        trips: vec![trip],
        untried: std::collections::BTreeMap::new(),
        filled,
        second_run,
        engine: Engine {
            dialect: scratch.server.dialect.word(),
            version: scratch.server.version.to_string(),
            made_by: scratch.made_by.clone(),
            identifier: scratch.identifier().map(str::to_owned),
        },
        fences: Fences { active: vec!["own_server".to_owned()], not_closed: Vec::new() },
        notes: scratch.note.clone().into_iter().collect(),
    })
}

/// Runs the statements of one direction; stops at the first that is refused, and gives its place.
fn run(connection: &mut Connection, script: &Script, direction: Direction) -> Result<(), (usize, crate::database::DatabaseError)> {
    for (at, statement) in script.statements.iter().enumerate().filter(|(_, statement)| statement.direction == direction) {
        if let Err(error) = connection.execute(script.text_of(statement)) {
            // What was begun is not left open for the next look.
            let _ = connection.execute("ROLLBACK");
            return Err((at, error));
        }
    }
    Ok(())
}

struct ByScript<'a> {
    scripts: &'a Scripts<'a>,
    connection: Connection,
}

impl Mover for ByScript<'_> {
    fn go(&mut self, is_up: bool, revision: &str) -> Result<Option<Failure>, TrialError> {
        let script = if is_up { Some(self.scripts.up) } else { self.scripts.down };
        let Some(script) = script else { return Ok(None) };
        let has_down = script.statements.iter().any(|statement| statement.direction == Direction::Down);
        let direction = if !is_up && has_down { Direction::Down } else { Direction::Up };
        let Err((at, error)) = run(&mut self.connection, script, direction) else { return Ok(None) };
        let Some(refusal) = error.refusal() else {
            return Err(TrialError::Seed { which: "sql", source: error });
        };
        let statement = script.statements.get(at);
        Ok(Some(Failure {
            revision: revision.to_owned(),
            direction: "",
            file: None,
            line: statement.map(|statement| statement.line),
            sql: statement.map(|statement| script.text_of(statement).to_owned()),
            sqlstate: Some(refusal.code.clone()),
            message: refusal.to_string(),
            dependents: Vec::new(),
        }))
    }
}

//! Work that takes long, done once at a time however many replicas there are.
//!
//! Who does it holds its row locked in an open transaction. A replica that dies loses its connection and with it the lock: the
//! next one that is asked for the same work skips no lock any more, takes the row over and says so. There is no queue.

use crate::database::{Connection, DatabaseError};
use crate::digest::Digest;
use crate::store::server::{Server, ServerError, literal};

/// Work under way here.
#[derive(Debug)]
pub struct Run {
    connection: Connection,
    id: String,
    /// Who began it before and broke off.
    pub broke_off: Option<Elsewhere>,
}

/// Work of another replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Which.
    pub replica: String,
    /// Since when, as the database writes times, UTC.
    pub began_at: String,
}

/// What came of the wish to begin.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one at a time")]
pub enum Begun {
    /// It is ours.
    Here(Run),
    /// Somebody else does it right now.
    Elsewhere(Elsewhere),
}

/// Begins work, or says who does it.
///
/// `work`: the digest of what is done: the same work has the same one on every replica.
///
/// # Errors
/// The database cannot be asked.
pub fn begin(server: &Server, tool: &str, work: Digest, replica: &str) -> Result<Begun, ServerError> {
    let mut connection = server.connect()?;
    // A machine that is gone without a word is noticed after 25 s.
    connection.execute(
        "SET idle_in_transaction_session_timeout = 0; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; \
         SET tcp_keepalives_count = 3; SET timezone = 'UTC'",
    )?;
    let work = work.hex();
    let turn = format!("hashtextextended({}, 0)", literal(&format!("{}\n{work}", server.project())));
    connection.execute(&format!("SELECT pg_advisory_lock({turn})"))?;
    let begun = entered(&mut connection, server.project(), tool, &work, replica);
    connection.execute(&format!("SELECT pg_advisory_unlock({turn})"))?;
    Ok(match begun? {
        Entered::Here { id, broke_off } => Begun::Here(Run { connection, id, broke_off }),
        Entered::Elsewhere(elsewhere) => Begun::Elsewhere(elsewhere),
    })
}

enum Entered {
    Here { id: String, broke_off: Option<Elsewhere> },
    Elsewhere(Elsewhere),
}

/// Enters the work and locks its row; one at a time for the same work.
fn entered(connection: &mut Connection, project: &str, tool: &str, work: &str, replica: &str) -> Result<Entered, DatabaseError> {
    let [project, work, tool, replica] = [project, work, tool, replica].map(literal);
    let open = format!("FROM alembic_gate_store.run WHERE project = {project} AND work = {work} AND ended_at IS NULL");
    let made = connection.rows(&format!(
        "INSERT INTO alembic_gate_store.run (project, work, tool, replica) VALUES ({project}, {work}, {tool}, {replica}) \
         ON CONFLICT (project, work) WHERE ended_at IS NULL DO NOTHING RETURNING id"
    ))?;
    connection.execute("BEGIN")?;
    let locked = connection.rows(&format!("SELECT id, replica, began_at::timestamp(0) {open} FOR UPDATE SKIP LOCKED"))?;
    let Some(row) = locked.into_iter().next() else {
        connection.execute("ROLLBACK")?;
        let seen = connection.rows(&format!("SELECT '', replica, began_at::timestamp(0) {open}"))?;
        return Ok(Entered::Elsewhere(seen.into_iter().next().map_or_else(ended, |row| of_row(row).1)));
    };
    let (id, before) = of_row(row);
    if !made.is_empty() {
        return Ok(Entered::Here { id, broke_off: None });
    }
    // The others see whose it is now; nobody else comes between: they wait for their turn.
    connection.execute(&format!(
        "UPDATE alembic_gate_store.run SET replica = {replica}, began_at = now() WHERE id = {id}; COMMIT; \
         BEGIN; SELECT id FROM alembic_gate_store.run WHERE id = {id} FOR UPDATE"
    ))?;
    Ok(Entered::Here { id, broke_off: Some(before) })
}

/// It ended between two questions.
fn ended() -> Elsewhere {
    Elsewhere { replica: "another replica".to_owned(), began_at: "a moment ago".to_owned() }
}

fn of_row(row: Vec<Option<String>>) -> (String, Elsewhere) {
    let mut values = row.into_iter().map(Option::unwrap_or_default);
    let mut next = || values.next().unwrap_or_default();
    (next(), Elsewhere { replica: next(), began_at: next() })
}

impl Run {
    /// It is done.
    ///
    /// # Errors
    /// The database cannot be told: the next one that is asked for the same work takes it for broken off.
    pub fn end(mut self, outcome: &str) -> Result<(), ServerError> {
        let sql =
            format!("UPDATE alembic_gate_store.run SET ended_at = now(), outcome = {} WHERE id = {}; COMMIT", literal(outcome), self.id);
        self.connection.execute(&sql)?;
        Ok(())
    }
}

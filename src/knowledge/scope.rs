//! What is not our subject, and where to ask instead.

use crate::knowledge::subjects::{Elsewhere, FAR, SUBJECTS};
use crate::knowledge::words::Word;

/// Words that only our own subject has: a question with one of them is ours, whatever else it names.
const OURS: &[&str] = &[
    "alembic",
    "migration",
    "migrations",
    "migrate",
    "migrating",
    "revision",
    "revisions",
    "upgrade",
    "downgrade",
    "autogenerate",
    "ddl",
    "alter",
    "rollback",
    "stamp",
    "backfill",
    "lock_timeout",
    "concurrently",
    "downtime",
    "heads",
];

/// Words that mostly mean our subject, though not beside what is far from it.
const WEAK: &[&str] = &["deploy", "deployment", "drop", "dropping", "env", "op", "rename", "renaming"];

/// Words of our subject that others use too.
const SHARED: &[&str] = &["lock", "locks", "locked", "constraint", "constraints", "column", "columns", "schema", "index"];

/// Other databases and their tools: a migration there is none of ours, unless Alembic or SQLAlchemy is named.
const OTHER_DATABASES: &[&str] = &[
    "mongodb",
    "mongo",
    "mongoose",
    "redis",
    "cassandra",
    "dynamodb",
    "elasticsearch",
    "neo4j",
    "firestore",
    "firebase",
    "couchdb",
    "influxdb",
    "clickhouse",
];

/// The subject of a question that is not ours.
#[must_use]
pub fn elsewhere(asked: &[Word]) -> Option<Elsewhere> {
    let count = |list: &[&str]| asked.iter().filter(|word| list.contains(&word.written.as_str())).count();
    if count(OTHER_DATABASES) > 0 && count(&["alembic", "sqlalchemy"]) == 0 {
        return Some(Elsewhere { subject: "another kind of database", pointer: "that database's own documentation" });
    }
    let (subject, mark) = SUBJECTS.iter().find_map(|(subject, marks)| Some((subject, marks.iter().find(|mark| stands(asked, mark))?)))?;
    // Two words together mean their subject, one word only where none of ours stands beside it.
    let is_clear = mark.contains(' ');
    let is_far = subject.subject == FAR;
    let ours = count(OURS) + if is_far { 0 } else { count(WEAK) };
    let is_ours = ours > 0 || (count(SHARED) > 0 && !is_clear && !is_far);
    (!is_ours || (is_clear && asked.len() <= 3 && ours <= 1)).then_some(*subject)
}

/// True when a word of the question is of our subject.
#[must_use]
pub fn names_ours(asked: &[Word]) -> bool {
    asked.iter().any(|word| [OURS, WEAK, SHARED].iter().any(|list| list.contains(&word.written.as_str())))
}

/// True when most words of a question are in no form known, and none is of our subject: another language.
#[must_use]
pub fn is_foreign(asked: &[Word], is_read: impl Fn(&Word) -> bool) -> bool {
    asked.len() >= 3 && !names_ours(asked) && asked.iter().filter(|word| is_read(word)).count() * 2 < asked.len()
}

/// True when the words of a mark stand in the question in their order, with at most one other between two of them.
fn stands(asked: &[Word], mark: &str) -> bool {
    let wanted: Vec<&str> = mark.split(' ').collect();
    let Some(first) = wanted.first() else { return false };
    let starts = asked.iter().enumerate().filter(|(_, word)| word.written == *first).map(|(at, _)| at);
    starts.into_iter().any(|start| {
        let mut at = start;
        wanted.iter().skip(1).all(|next| {
            let near = asked.iter().enumerate().skip(at + 1).take(2).find(|(_, word)| word.written == *next);
            near.map(|(found, _)| at = found).is_some()
        })
    })
}

//! What is not our subject, and where to ask instead.

use crate::knowledge::words::Word;

/// A pointer to where a question belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elsewhere {
    /// What the question is about.
    pub subject: &'static str,
    /// Where it is answered.
    pub pointer: &'static str,
}

impl Elsewhere {
    /// No word of the question stands in the reference.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            subject: "nothing that this reference knows",
            pointer: "it is in English and about schema migrations: ask with the statement, the Alembic command, the error text or its code",
        }
    }
}

/// Subjects beside ours: each is known by words or by pairs of words.
const SUBJECTS: &[(Elsewhere, &[&str])] = &[
    (
        Elsewhere { subject: "using the ORM", pointer: "the SQLAlchemy documentation, ORM Querying Guide and Relationship Configuration" },
        &[
            "lazy loading",
            "eager loading",
            "lazy load",
            "joinedload",
            "selectinload",
            "subqueryload",
            "backref",
            "back_populates",
            "hybrid property",
            "hybrid_property",
            "identity map",
            "session query",
            "query filter",
            "many many relationship",
            "relationship",
            "relationship loading",
            "orm query",
            "session scope",
            "async session",
            "sessionmaker",
            "detachedinstanceerror",
            "n 1",
            "n 1 queries",
            "polymorphic inheritance",
            "dataclass mapping",
        ],
    ),
    (
        Elsewhere {
            subject: "designing a database",
            pointer: "a text on relational design; this reference starts where the wanted schema is known",
        },
        &[
            "normal form",
            "third normal",
            "normalization",
            "normalisation",
            "denormalize",
            "denormalization",
            "normalize",
            "er diagram",
            "entity relationship",
            "star schema",
            "snowflake schema",
            "surrogate key",
            "data modeling",
            "data modelling",
            "database design",
            "schema design",
            "table design",
        ],
    ),
    (
        Elsewhere {
            subject: "making backups",
            pointer: "the server's manual on backup and restore (PostgreSQL, chapter Backup and Restore); before a risky step see `backup-restore`",
        },
        &[
            "pgbackrest",
            "barman",
            "wal-g",
            "backup schedule",
            "backup strategy",
            "backup retention",
            "schedule backups",
            "nightly backup",
            "nightly backups",
            "set backups",
            "set backup",
            "configure backups",
            "backup tool",
            "cron backup",
            "streaming replication setup",
            "snapshot schedule",
        ],
    ),
    (
        Elsewhere { subject: "another framework or language", pointer: "that project's own documentation" },
        &[
            "react",
            "vue",
            "angular",
            "css",
            "html",
            "javascript",
            "typescript",
            "tailwind",
            "next js",
            "webpack",
            "django",
            "rails",
            "activerecord",
            "prisma",
            "laravel",
            "hibernate",
            "mongodb",
            "redis",
            "elasticsearch",
            "kafka",
            "graphql",
            "pandas",
            "numpy",
            "pytorch",
        ],
    ),
    (
        Elsewhere { subject: "tuning queries", pointer: "the server's manual on EXPLAIN and planner statistics" },
        &[
            "slow query",
            "slow select",
            "query plan",
            "explain analyze",
            "query optimization",
            "optimize query",
            "tune query",
            "work_mem",
            "shared_buffers",
        ],
    ),
    (
        Elsewhere { subject: "something else", pointer: "this reference is about schema migrations only" },
        &["recipe", "weather", "football", "poem", "joke", "song", "cake"],
    ),
];

/// Words of our own subject: a question with one of them is ours, whatever else it names.
const OURS: &[&str] = &[
    "alembic",
    "migration",
    "migrations",
    "migrate",
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
    "lock",
    "locks",
    "locked",
    "lock_timeout",
    "constraint",
    "constraints",
    "column",
    "columns",
    "rename",
    "schema",
    "op",
    "env",
    "heads",
    "drop",
    "deploy",
    "downtime",
    "concurrently",
];

/// The subject of a question that is not ours.
#[must_use]
pub fn elsewhere(asked: &[Word]) -> Option<Elsewhere> {
    let has = |words: &str| {
        let wanted: Vec<&str> = words.split(' ').collect();
        asked.windows(wanted.len()).any(|window| window.iter().zip(&wanted).all(|(word, wanted)| word.written == *wanted))
    };
    let ours = asked.iter().filter(|word| OURS.contains(&word.written.as_str())).count();
    let theirs = SUBJECTS.iter().find(|(_, marks)| marks.iter().any(|mark| has(mark)));
    theirs
        .filter(|_| {
            ours == 0
                || (ours == 1
                    && asked.len() <= 3
                    && theirs.is_some_and(|(_, marks)| marks.iter().any(|mark| mark.contains(' ') && has(mark))))
        })
        .map(|(elsewhere, _)| *elsewhere)
}

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
            subject: "something that this reference does not know",
            pointer: "the list of its documents, `knowledge://index`; it is in English and about schema migrations: \
                      ask with the statement, the Alembic command, the error text or its code",
        }
    }
}

/// The subject that is so far from ours that a word such as `deploy` or `lock` says nothing.
const FAR: &str = "another framework or language";

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
            "pydantic",
            "marshmallow",
            "mock database",
            "mocking database",
            "unit tests database",
            "eager load",
            "cascade delete orphan",
            "association proxy",
            "association table",
            "session commit",
            "session flush",
            "session rollback",
            "database session",
            "orm session",
            "select joins",
            "select join",
            "paginate",
            "pagination",
            "query results",
            "table inheritance",
            "orm inheritance",
            "mock session",
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
            "design schema",
            "design tables",
            "design database",
            "normalise",
            "bcnf",
            "3nf",
            "natural key",
            "my design",
            "uuid or integer",
            "integer or uuid",
            "uuid integer primary",
            "data model",
            "erd",
            "better design",
            "key design",
            "security design",
            "uuid bigint primary",
            "bigint uuid primary",
            "uuid bigint keys",
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
            "wal g",
            "base backup",
            "base backups",
            "logical backup",
            "backup cron",
            "retention",
            "s3",
            "every night",
            "recovery archive",
            "archive_command",
            "wal archiving",
            "pg_basebackup",
            "mysqldump cron",
            "pg_dump cron",
            "backups s3",
            "automate backups",
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
            "snapshot schedule",
        ],
    ),
    (
        Elsewhere {
            subject: "running a database server",
            pointer: "the server's manual, chapters on installation, configuration and high availability",
        },
        &[
            "streaming replication",
            "configure replication",
            "set replication",
            "replication setup",
            "replica setup",
            "replicas aws",
            "replicas rds",
            "rds instance",
            "install postgres",
            "install postgresql",
            "install mysql",
            "install mariadb",
            "docker compose",
            "tune autovacuum",
            "autovacuum tuning",
            "autovacuum workload",
            "failover",
            "patroni",
            "high availability",
            "grafana",
            "prometheus",
        ],
    ),
    (
        Elsewhere { subject: "a web framework or a task queue", pointer: "that project's own documentation" },
        &["fastapi", "flask", "starlette", "celery", "airflow", "jwt", "oauth", "authentication", "dependency injection"],
    ),
    (
        Elsewhere { subject: FAR, pointer: "that project's own documentation" },
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
            "svelte",
            "vite",
            "terraform",
            "ansible",
            "ingress",
            "nginx",
            "golang",
            "spring boot",
            "java",
            "rust",
            "bash",
            "dataframe",
            "dataframes",
            "bubble sort",
            "file git",
        ],
    ),
    (
        Elsewhere { subject: "tuning queries", pointer: "the server's manual on EXPLAIN and planner statistics" },
        &[
            "window function",
            "write query",
            "sql query",
            "optimize select",
            "select better",
            "better index",
            "index hint",
            "connection pool",
            "pool size",
            "partial index query",
            "slow queries",
            "slow query",
            "slow select",
            "query plan",
            "explain analyze",
            "query optimization",
            "optimize query",
            "tune query",
            "seq scan",
            "explain plan",
            "like query",
            "query faster",
            "speed query",
            "speeds query",
            "window functions",
            "read_sql",
            "work_mem",
            "shared_buffers",
        ],
    ),
    (
        Elsewhere { subject: "something else", pointer: "this reference is about schema migrations only" },
        &["weather", "football", "poem", "joke", "song", "cake", "cooking", "pasta"],
    ),
];

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

/// True when most words of a question are in no form known, and none is of our subject: another language.
#[must_use]
pub fn is_foreign(asked: &[Word], is_read: impl Fn(&Word) -> bool) -> bool {
    let is_ours = |word: &Word| [OURS, WEAK, SHARED].iter().any(|list| list.contains(&word.written.as_str()));
    asked.len() >= 3 && !asked.iter().any(is_ours) && asked.iter().filter(|word| is_read(word)).count() * 2 < asked.len()
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

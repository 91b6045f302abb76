//! Other words for a word of a question: what the reference may call it.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::knowledge::words::Reader;

/// Words that mean the same to who asks: a question finds the others of its row too, at less weight.
const SAME: &[&[&str]] = &[
    &["rename", "name", "renaming"],
    &["remove", "drop", "delete", "retire", "deprecate"],
    &["field", "column", "attribute"],
    &["downtime", "outage", "online", "live"],
    &["undo", "revert", "rollback", "downgrade", "back"],
    &["apply", "upgrade", "run", "execute"],
    &["crash", "crashed", "failed", "fail", "broke", "died", "interrupted"],
    &["stuck", "hang", "hangs", "blocked", "waiting", "wait", "frozen"],
    &["site", "app", "application", "service", "requests"],
    &["populate", "fill", "backfill"],
    &["huge", "large", "big", "million", "millions", "billion"],
    &["mandatory", "required", "not_null", "nullable"],
    &["production", "prod", "live"],
    &["developer", "developers", "people", "teammates", "colleague", "branches", "branch"],
    &["merge", "heads", "head"],
    &["drift", "differ", "difference", "mismatch", "sync"],
    &["script", "sql"],
    &["preview", "offline", "print", "render", "see"],
    &["twice", "idempotent", "rerun", "again"],
    &["enum", "enumeration"],
    &["fk", "foreign", "references"],
    &["pk", "primary"],
    &["postgres", "postgresql", "pg"],
    &["type", "datatype"],
    &["smaller", "shrink", "narrow", "truncate", "shorten"],
    &["wider", "widen", "enlarge", "longer"],
    &["copy", "clone", "duplicate"],
    &["secret", "password", "credential", "credentials", "token"],
    &["ci", "pipeline", "workflow"],
    &["replica", "standby", "replication"],
    &["pooler", "pgbouncer", "pool"],
    &["permission", "privilege", "privileges", "grant", "owner"],
    &["autogenerate", "generate", "generated", "detect", "detected"],
    &["parallel", "concurrent", "simultaneously", "concurrently"],
    &["existing", "legacy", "adopt", "brownfield"],
    &["tenant", "tenants", "multi"],
    &["squash", "collapse", "consolidate"],
    &["throttle", "batch", "batches", "chunk", "chunks"],
    &["int", "integer", "bigint"],
    &["overflow", "exhausted", "range"],
];

/// Words of every day, and what the reference calls it.
const MEANS: &[(&[&str], &[&str])] = &[
    (
        &["customer", "customers", "client", "clients", "organisation", "organization", "workspace", "shard", "shards"],
        &["tenant", "tenants"],
    ),
    (
        &["pod", "pods", "container", "containers", "instance", "instances", "worker", "workers", "node", "nodes"],
        &["runners", "replicas", "job"],
    ),
    (&["boot", "boots", "startup"], &["start", "job"]),
    (&["hanging", "hung", "freeze", "freezes", "stall", "stalls", "stalled", "sits", "forever", "ages"], &["waits", "lock", "blocked"]),
    (&["culprit", "blocker", "offender", "holder"], &["blocks", "blocking", "pg_blocking_pids"]),
    (&["kill", "abort", "interrupt", "rid"], &["terminate", "cancel"]),
    (&["giant", "enormous", "massive", "gigantic", "gb", "tb"], &["large"]),
    (&["seed", "seeding", "lookup", "initial", "fixture"], &["bulk_insert", "insert", "rows"]),
    (&["compulsory", "obligatory", "mandatory", "required"], &["null", "nullable"]),
    (&["optional"], &["nullable", "null"]),
    (&["restrict", "restricts", "restriction", "forbid", "positive", "validate", "validation"], &["check", "constraint"]),
    (
        &["notice", "notices", "spot", "recognise", "recognize", "overlook", "overlooks", "ignores", "ignored"],
        &["detects", "misses", "autogenerate"],
    ),
    (&["dry", "beforehand"], &["sql", "offline"]),
    (&["rollout", "release", "ship", "shipping", "deploying", "deployed"], &["deploy", "release"]),
    (&["interruption", "uninterrupted", "maintenance", "stopping", "outage"], &["downtime", "blocking"]),
    (&["previous", "backwards", "reverse", "reverting", "undoing", "undo", "undone", "revert", "unapply"], &["downgrade", "back"]),
    (&["irrevocable", "irrecoverable", "permanent", "permanently", "reversible"], &["irreversible", "lost"]),
    (&["half", "halfway", "partially", "partial", "midway", "aborted"], &["failed", "half"]),
    (&["storage", "full", "filled", "grew", "grows"], &["disk", "space", "bloat"]),
    (&["vault", "credentials", "credential"], &["secret", "password"]),
    (&["computed", "calculated", "derived"], &["generated"]),
    (&["autoincrement", "auto_increment", "counter", "nextval"], &["sequence", "identity", "serial"]),
    (&["overflow", "overflows", "exhausted", "64", "int8"], &["bigint"]),
    (&["choices", "choice", "label", "labels"], &["enum", "value"]),
    (&["month", "monthly", "daily", "yearly", "archive"], &["partition", "partitions"]),
    (&["follower", "secondary", "slave", "replicas"], &["standby", "replica"]),
    (&["subscriber", "publisher", "subscription", "publication", "cdc", "debezium"], &["logical", "replication"]),
    (&["pooling", "pooled", "supavisor", "pgcat"], &["pgbouncer", "pooler"]),
    (&["asyncio", "await", "coroutine"], &["async"]),
    (&["pytest", "unittest", "tests", "tested"], &["test", "testing"]),
    (&["jenkins", "gitlab", "actions", "pr", "merge_request"], &["ci", "pipeline"]),
    (&["reviewer", "reviewing", "approve", "approval", "colleague"], &["review"]),
    (&["dangerous", "danger", "risky", "harmful", "harmless"], &["risk", "loss"]),
    (&["save", "preserve", "dump", "snapshot"], &["backup", "copy"]),
    (&["diverged", "diverge", "parent", "twin"], &["heads", "merge"]),
    (&["fake", "pretend", "mark", "skip", "baseline"], &["stamp"]),
    (&["combine", "flatten", "compress", "shorten", "compact"], &["squash", "collapse"]),
    (&["vanished", "disappeared", "missing", "gone", "deleted"], &["locate", "missing"]),
    (&["unnamed", "nameless", "anonymous"], &["name", "naming_convention", "constraint"]),
    (&["filename", "filenames", "prefix", "timestamped"], &["file_template"]),
    (&["repeatable", "rerunnable", "guard", "guards", "conditional", "conditionally"], &["idempotent", "if_not_exists"]),
    (&["k8s", "kubernetes", "helm", "docker", "argocd"], &["job", "deploy"]),
    (&["denied", "forbidden", "rights"], &["permission", "owner", "grant"]),
    (&["attempt", "attempts", "retries", "retrying"], &["retry"]),
    (&["convert", "conversion", "turn", "transform"], &["type", "change"]),
    (&["string", "length"], &["varchar"]),
    (&["datetime", "timezone", "tz"], &["timestamptz", "timestamp"]),
    (&["trigger", "procedure", "procedures", "routine"], &["function", "trigger"]),
    (&["upload", "load", "loading", "import", "imported"], &["insert", "copy"]),
    (&["old", "older", "outdated"], &["previous", "releases"]),
    (&["flag", "boolean", "checkbox", "switch"], &["column", "default"]),
    (&["layer", "module", "helper", "helpers", "library"], &["import", "application"]),
    (&["db", "dbs"], &["database"]),
    (&["col", "cols", "property", "properties"], &["column"]),
    (&["fks"], &["foreign"]),
    (&["pks"], &["primary"]),
    (&["tx", "txn", "txns"], &["transaction"]),
    (&["perms"], &["permission", "grant"]),
    (&["matview", "matviews", "materialised"], &["materialized", "view"]),
    (&["indices"], &["index"]),
    (&["guid"], &["uuid"]),
    (&["sproc", "sprocs"], &["function"]),
    (&["notnull", "nonnull"], &["null"]),
    (&["dupes", "dedupe", "deduplicate"], &["duplicates", "unique"]),
    (&["squeeze", "wedge", "slot"], &["middle", "between"]),
    (&["rearrange", "reorder"], &["order", "position"]),
    (&["divide", "extract"], &["split"]),
    (&["unify"], &["merge"]),
    (&["prune", "trim"], &["squash", "remove"]),
    (&["wipe", "erase", "destroy"], &["drop", "lost"]),
    (&["sunset"], &["retire", "drop"]),
    (&["expire", "elapse"], &["timeout"]),
    (&["corrupt", "inconsistent", "inconsistency", "reconcile"], &["drift", "mismatch"]),
    (&["hazard", "impact"], &["risk"]),
    (&["immediately"], &["instant"]),
    (&["expensive", "costly"], &["rewrite", "scan"]),
    (&["queued", "contention"], &["queue", "lock"]),
    (&["initcontainer", "argo"], &["job", "deploy"]),
    (&["github", "cd"], &["ci", "pipeline"]),
    (&["recover", "rescue", "salvage"], &["restore", "recovery"]),
    (&["smallint"], &["integer"]),
    (&["decimal", "float"], &["numeric"]),
    (&["namespace"], &["schema"]),
    (&["multitenant"], &["tenant"]),
    (&["circular"], &["cycle"]),
    (&["expose", "leak"], &["secret", "password"]),
    (&["pii", "gdpr", "anonymise", "anonymize", "mask", "redact"], &["personal", "synthetic"]),
    (&["transfer"], &["copy", "move"]),
    (&["rls"], &["policy", "row"]),
    (&["pgpool", "odyssey"], &["pgbouncer", "pooler"]),
    (&["programmatically", "embed"], &["program", "command"]),
    (&["reentrant"], &["idempotent"]),
    (&["percona", "vitess", "planetscale"], &["mysql", "online"]),
    (&["display"], &["print", "show"]),
    (&["monitor", "observe", "percentage", "eta"], &["progress", "watch"]),
    (&["manually", "handmade"], &["hand"]),
    (&["enforce"], &["constraint", "check"]),
    (&["utf8", "unicode"], &["utf8mb4", "charset"]),
    (&["postpone", "defer", "delay"], &["later"]),
];

/// How another word stands to the one that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nearness {
    /// One of several of the same meaning.
    Same,
    /// What the reference calls it.
    Meant,
}

/// Other words for the one with this stem, as stems, with how near they are to it; the nearer ones of [`MEANS`] last.
#[must_use]
pub fn same_as(stem: &str) -> &'static [(String, Nearness)] {
    static OTHERS: OnceLock<HashMap<String, Vec<(String, Nearness)>>> = OnceLock::new();
    OTHERS.get_or_init(others).get(stem).map(Vec::as_slice).unwrap_or_default()
}

fn others() -> HashMap<String, Vec<(String, Nearness)>> {
    let mut reader = Reader::new();
    let mut stems = |word: &str| reader.words(word).into_iter().map(|word| word.stem).collect::<Vec<_>>();
    let mut found: HashMap<String, Vec<(String, Nearness)>> = HashMap::new();
    let same = SAME.iter().map(|row| (*row, *row, Nearness::Same));
    for (said, meant, nearness) in same.chain(MEANS.iter().map(|(said, meant)| (*said, *meant, Nearness::Meant))) {
        let meant: Vec<String> = meant.iter().flat_map(|word| stems(word)).collect();
        // An identifier is said as a whole, its parts are words of their own.
        for own in said.iter().filter_map(|word| stems(word).into_iter().next()) {
            let others = found.entry(own.clone()).or_default();
            for other in &meant {
                if *other != own && !others.contains(&(other.clone(), nearness)) {
                    others.push((other.clone(), nearness));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_form_of_a_word_is_known() {
        let of = |word: &str| Reader::new().words(word).into_iter().flat_map(|word| same_as(&word.stem).to_vec()).collect::<Vec<_>>();
        assert!(!of("guards").is_empty() && of("guards") == of("guarding"));
        assert!(of("matviews").contains(&("view".to_owned(), Nearness::Meant)));
        assert!(of("column").iter().all(|(other, _)| other != "column"));
    }
}

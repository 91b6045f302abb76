//! What stands now: digests of files, SQL, chain and server, and what the rules say, computed from nothing that is kept.

use std::fmt::Write as _;

use crate::config::Config;
use crate::dialect::{Dialect, Production, Server};
use crate::digest::Digest;
use crate::effects::Loss;
use crate::finding::{Finding, Severity};
use crate::lifecycle::canonical::canonical;
use crate::lifecycle::evidence::{Judged, Now, Subject};
use crate::project::Heads;
use crate::rules::{RULES, shortened};
use crate::scratch::{Settings, find_binaries};
use crate::secret::redacted;
use crate::store::Wishes;
use crate::tools::review_sql::Review;
use crate::tools::source::{Ranged, counting};
use crate::workshop::Workshop;
use crate::workshop::range::Range;
use crate::workspace::Workspace;

/// What stands now, from a review that was made now; `None` for raw SQL, which belongs to no migration.
#[must_use]
pub fn now(review: &Review) -> Option<Now> {
    let ranged = review.asked.ranged.as_ref()?;
    let Ranged { workshop, range, rendering, wishes, .. } = ranged;
    let graph = &workshop.workspace.project.graph;
    Some(Now {
        subject: Subject {
            revision_files: files_digest(&workshop.workspace, range),
            upgrade_sql: Digest::of("upgrade sql", &[rendering.up.text.as_bytes()]),
            downgrade_sql: Digest::of("downgrade sql", &[rendering.down.text.as_bytes()]),
            chain: chain_digest(&workshop.workspace, range),
            server: Digest::of("server", &[workshop.server.to_string().as_bytes()]),
        },
        revisions: range.revisions.clone(),
        rules: rules_digest(&workshop.config, wishes),
        judged: judged(review, &workshop.workspace),
        engine: expected_engine(workshop),
        production_engine: engine(workshop.server.dialect.word(), &workshop.server.version.to_string()),
        parity: parity_digest(&workshop.config, wishes),
        heads: graph.ids(&graph.heads),
        heads_wanted: heads_wanted(workshop),
    })
}

/// The revision files of a range, each with its id; a file that cannot be read is another file.
#[must_use]
pub fn files_digest(workspace: &Workspace, range: &Range) -> Digest {
    files_of(workspace, &range.revisions)
}

/// The files of these revisions.
#[must_use]
pub fn files_of(workspace: &Workspace, revisions: &[String]) -> Digest {
    let project = &workspace.project;
    let mut text = String::new();
    for id in revisions {
        let found = project.graph.by_id(id).and_then(|at| project.revision(at));
        let content = found.and_then(|revision| std::fs::read_to_string(workspace.path(&revision.file)).ok());
        let digest = content.map_or_else(|| "unreadable".to_owned(), |content| Digest::of_source("revision file", &content).hex());
        let _ = writeln!(text, "{id} {digest}");
    }
    Digest::of("revision files", &[text.as_bytes()])
}

/// Ids and parents of all revisions up to the target.
fn chain_digest(workspace: &Workspace, range: &Range) -> Digest {
    let project = &workspace.project;
    let ends: Vec<usize> = range.revisions.iter().filter_map(|id| project.graph.by_id(id)).collect();
    let mut lines: Vec<String> = project
        .graph
        .ancestors(&ends)
        .into_iter()
        .filter_map(|at| project.revision(at))
        .map(|revision| format!("{} < {} + {}", revision.id, revision.parents.join(","), revision.depends_on.join(",")))
        .collect();
    lines.sort();
    Digest::of("chain", &[lines.join("\n").as_bytes()])
}

/// The rules, their settings and what the caller said of sizes.
fn rules_digest(config: &Config, wishes: &Wishes) -> Digest {
    let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    let settings = canonical(&serde_json::json!({
        "severities": config.severities(),
        "heads": format!("{:?}", config.project.heads),
        "downgrades": format!("{:?}", config.project.downgrades),
        "table_stats": wishes.table_stats,
        "max_block_ms": wishes.max_block_ms,
    }));
    Digest::of("rules", &[env!("CARGO_PKG_VERSION").as_bytes(), names.join(",").as_bytes(), settings.as_bytes()])
}

fn judged(review: &Review, workspace: &Workspace) -> Judged {
    let clean = |text: &str| redacted(&text.replace(&workspace.folder.display().to_string(), "."));
    let up = &review.judged.findings;
    let back = review.downgrade.iter().flat_map(|back| &back.findings);
    let is_error = |finding: &&Finding| finding.severity == Severity::Error;
    let stops = |finding: &&Finding| matches!(finding.rule, "not_understood" | "will_fail");
    let errors = counting(up).filter(is_error).map(|finding| finding.id.clone());
    let errors_back = counting(back.clone()).filter(is_error).filter(stops).map(|finding| format!("downgrade {}", finding.id));
    let told: Vec<String> = up.iter().chain(back).map(|finding| clean(&told(finding))).collect();
    let mixed = counting(up).filter(|finding| finding.rule == "schema_and_data_mixed");
    Judged {
        errors: errors.chain(errors_back).map(|error| clean(&error)).collect(),
        findings: Digest::of("findings", &[told.join("\n").as_bytes()]),
        loss: review.judged.steps.iter().map(|step| step.effect.loss).max().unwrap_or(Loss::None),
        lost: lost(review).iter().map(|line| clean(line)).collect(),
        mixed: mixed.map(|finding| clean(&finding.what)).collect(),
        zero_downtime_required: review.risk.zero_downtime_required,
    }
}

fn told(finding: &Finding) -> String {
    let place = (&finding.file, finding.line, finding.statement);
    format!("{} {} {:?} {place:?} {:?} {}", finding.rule, finding.severity.word(), finding.revision, finding.allowed, finding.what)
}

/// What is lost, a line a statement: what an approval names.
fn lost(review: &Review) -> Vec<String> {
    let script = &review.asked.script;
    let lines = review.judged.steps.iter().filter(|step| step.effect.loss >= Loss::Medium).filter_map(|step| {
        let statement = script.statements.get(step.at)?;
        let (file, line) = review.asked.options.place(statement.line);
        let place = file.map_or_else(|| format!("statement {}", statement.index), |file| format!("{file}:{line}"));
        let why = step.effect.loss_why.as_ref().map_or_else(|| shortened(script.text_of(statement), 120), ToString::to_string);
        Some(format!("{place}: {}: {why}", step.effect.loss.word()))
    });
    lines.collect()
}

/// The release that parity compares: PostgreSQL's major, the first two numbers of the others, nothing of SQLite's.
fn engine(dialect: &str, version: &str) -> Digest {
    let parts = match dialect {
        "postgresql" => 1,
        "sqlite" => 0,
        _ => 2,
    };
    let release: Vec<&str> = version.split('.').take(parts).collect();
    Digest::of("engine", &[b"up, down, up with rows", dialect.as_bytes(), release.join(".").as_bytes()])
}

/// The engine that a test ran on.
#[must_use]
pub fn engine_of(tested: &crate::trial::Engine) -> Digest {
    engine(tested.dialect, &tested.version)
}

/// The engine that a test would run on here.
fn expected_engine(workshop: &Workshop) -> Digest {
    let Server { dialect, version } = workshop.server;
    if dialect == Dialect::Sqlite {
        return engine(dialect.word(), "");
    }
    match find_binaries(workshop.server, &Settings::from_environment(Some(&workshop.workspace.folder))) {
        Ok(found) => engine(found.server.dialect.word(), &found.server.version.to_string()),
        Err(_) => Digest::of("no engine", &[dialect.word().as_bytes(), version.to_string().as_bytes()]),
    }
}

/// What production runs: what `alembic-gate.toml` declares, else what the caller says.
#[must_use]
pub fn production(config: &Config, wishes: &Wishes) -> Option<Production> {
    let declared = config.production().map(|said| Production { version: Some(said.server().version.to_string()), ..said.clone() });
    declared.or_else(|| wishes.production.clone())
}

fn parity_digest(config: &Config, wishes: &Wishes) -> Digest {
    let said = production(config, wishes).map(|production| canonical(&serde_json::to_value(production).unwrap_or_default()));
    Digest::of("production", &[said.unwrap_or_else(|| "nobody said".to_owned()).as_bytes()])
}

/// How many heads the project wants: so many, one for each declared branch, else one, or one for each branch label.
fn heads_wanted(workshop: &Workshop) -> usize {
    let graph = &workshop.workspace.project.graph;
    match &workshop.config.project.heads {
        Some(Heads::Count(count)) => *count,
        Some(Heads::Labels(labels)) => labels.len(),
        None => {
            let labels = |at: usize| graph.nodes.get(at).map(|node| node.labels.clone()).unwrap_or_default();
            let foreign = |at: usize, label: &String| graph.heads.iter().any(|other| *other != at && labels(*other).contains(label));
            let has_own = |at: &usize| labels(*at).iter().any(|label| !foreign(*at, label));
            if graph.heads.len() > 1 && graph.heads.iter().all(has_own) { graph.heads.len() } else { 1 }
        }
    }
}

//! What we say of locks, work, loss and refusals of one case, against what PostgreSQL did.

use std::collections::{BTreeMap, BTreeSet};

use alembic_gate::effects::{LockMode, Loss, When, Work};
use alembic_gate::judge::Judgement;
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::change::Name;
use alembic_gate::sql::script::Script;
use serde::Deserialize;

use crate::truth_postgresql::{Case, Judged};

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct Observed {
    locks: BTreeMap<String, String>,
    rewrites: Vec<String>,
    rewrites_of_empty_tables: Vec<String>,
    scans: Vec<String>,
    indexes_built: Vec<String>,
    data_loss: Option<String>,
    error: Option<String>,
}

/// Cases whose answer is another on purpose, or cannot be told from text and schema, and why. Every other miss fails.
const KNOWN: &[(&str, &str)] = &[
    ("do_computed_loop", "the statement is built at run time"),
    ("delete_duplicates", "no row happens to be reached"),
    ("update_unindexed_none", "no row happens to be reached"),
    ("merge_not_matched_by_source", "no row happens to be reached"),
    ("update_referenced_key", "the planner reads a small table through, though there is a key"),
    ("delete_referenced_set_null", "the planner reads a small table through, though there is a key"),
    ("delete_partition_rows", "the planner of 12 reads a partition through, though there is an index"),
    ("update_partition_key", "the planner reads a partition through, though there is an index"),
    ("table_temp", "the planner answers from a partial index"),
    ("tx_create_fill_swap", "the table that was scanned is gone when the observer looks"),
    ("type_expression_indexed", "the observer takes an index whose text changed for a lost one"),
    ("update_version", "Alembic's own note of the revision is no data of the user's"),
    ("extension_unknown", "which extensions are installed is not in the schema"),
    ("grant_role_missing", "which roles there are is not in the schema"),
    ("table_new_as_other_role", "what a role may do is not in the schema"),
    ("addcol_sqlvol", "the minor version decides, and none is given"),
    ("alembic_version_update", "Alembic's own note of the revision is no data of the user's"),
    ("alembic_version_delete", "Alembic's own note of the revision is no data of the user's"),
    ("extension_missing", "which extensions are installed is not in the schema"),
    ("set_role_missing", "which roles there are is not in the schema"),
    ("type_enum_swap", "the observer casts back to a type that the way back has to make again"),
    ("second_alembic_script", "Alembic's own note of the revision is no data of the user's"),
    ("second_insert_select_where", "the planner finds the few rows by a key"),
    ("second_owner_missing", "which roles there are is not in the schema"),
    ("second_rename_back", "a table that was renamed is called by its new name"),
    ("second_revoke_public_schema", "the observer looks at the rights of one role"),
    ("second_seq_cycle", "the number that a sequence has reached is not compared with its bounds"),
    ("second_seq_minvalue", "the number that a sequence has reached is not compared with its bounds"),
    ("second_type_interval", "a check on the column does not fit the new type"),
    ("type_ts_precision", "no stored time happens to have a fraction of a second"),
    ("type_ts_precision_down", "no stored time happens to have a fraction of a second"),
    ("con_validate_then_not_null", "outside of a transaction, a lock or a scan that is soon over is not seen"),
    ("null_backfilled", "outside of a transaction, a lock or a scan that is soon over is not seen"),
    ("tab_vacuum_full_two", "outside of a transaction, a lock or a scan that is soon over is not seen"),
    ("tx_auto_fk_index_validate", "outside of a transaction, a lock or a scan that is soon over is not seen"),
    ("ix_reindex_conc_schema", "outside of a transaction, a lock or a scan that is soon over is not seen"),
    ("col_default_unknown_function", "functions that nobody made are a warning: the schema may not say all"),
    ("tx_syntax_error", "what cannot be read is an error of its own"),
    ("type_range_multirange", "functions of newer versions are known by their names only"),
    ("tx_do_loop_drop", "the statement is built at run time"),
    ("dml_delete_none", "no row happens to be reached"),
    ("dml_update_nobody", "no row happens to be reached"),
    ("dml_merge_insert", "the planner finds the rows by a key"),
    ("name_in_check", "the observer takes a constraint whose text changed for a lost one"),
    ("tab_rls_disable", "the policy lets all rows through"),
    ("tx_rename_two_steps", "a table that comes in the place of another is not compared with it"),
    ("type_date_text", "what an expression makes of the values happens to convert back"),
    ("type_varchar_trim_using", "what an expression makes of the values happens to convert back"),
    ("type_text_numeric", "a cast that is written out is taken for one that loses nothing"),
    ("tab_owner_missing_role", "which roles there are is not in the schema"),
    ("tx_set_role", "what a role may do is not in the schema"),
    ("tx_division", "expressions of queries are not worked out"),
    ("dml_update_too_long", "calls are not worked out"),
    ("view_replace_type", "the types of a view's columns are not worked out"),
    ("seq_owned_missing", "the column that owns a sequence is not looked up"),
    ("k_col_collation_missing", "which collations the server has is not in the schema"),
    ("k_dml_insert_nothing", "no row happens to be reached"),
    ("k_dml_upsert_all", "no row is new: none is looked up in the table it points at"),
    ("k_dml_delete_through_view", "the planner reads a small table through, though there is a key"),
    ("k_do_batches_commit", "outside of a transaction, a lock or a scan that is soon over is not seen"),
    ("k_do_false_branch", "conditions of a block are not worked out"),
    ("k_do_syntax", "what cannot be read is an error of its own"),
    ("k_enum_drop_value", "what cannot be read is an error of its own"),
    ("k_gone_atomic_function", "what the body of a function names is not kept"),
    ("k_type_atomic_function", "what the body of a function names is not kept"),
    ("k_gone_publication_list", "what a publication names is not kept"),
    ("k_type_publication_filter", "what a publication names is not kept"),
    ("k_identity_restart_default", "the observer knows a counter that is set back by its number"),
    ("k_seq_setval_back", "the observer looks at definitions, not at the number a sequence has reached"),
    ("k_ix_reindex_brackets", "options in brackets are not told by version"),
    ("k_ix_storage_params", "parameters of an index are not told by version"),
    ("k_ix_tablespace_missing", "which tablespaces there are is not in the schema"),
    ("k_tab_tablespace_missing", "which tablespaces there are is not in the schema"),
    ("k_name_database", "which database is in use is not in the schema"),
    ("k_rule_instead_of_update", "the observer takes a write that the rule swallows for one that is let through"),
    ("k_tx_prepared", "settings of the server are not in the schema"),
    ("k_tx_read_only", "the mode of a transaction is not followed"),
    ("k_tx_temp_table_index", "the planner finds the few rows by a key"),
    ("k_type_concat_using", "what an expression makes of the values happens to convert back"),
];

/// Right answers and all answers, of one kind.
#[derive(Default, Clone, Copy)]
struct Share {
    right: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, is_right: bool) {
        self.right += usize::from(is_right);
        self.all += 1;
    }

    fn percent(self) -> f64 {
        100.0 * self.right as f64 / self.all.max(1) as f64
    }
}

#[derive(Default, Clone)]
pub struct Score {
    relations: Share,
    extra: usize,
    work: Share,
    loss: Share,
    errors: Share,
    successes: Share,
    understood: Share,
    pub misses: Vec<String>,
    unexplained: usize,
}

fn short(mode: LockMode) -> &'static str {
    match mode {
        LockMode::AccessShare => "AS",
        LockMode::RowShare => "RS",
        LockMode::RowExclusive => "RE",
        LockMode::ShareUpdateExclusive => "SUE",
        LockMode::Share => "S",
        LockMode::ShareRowExclusive => "SRE",
        LockMode::Exclusive => "E",
        LockMode::AccessExclusive => "AE",
        _ => "?",
    }
}

fn split(name: &str) -> Name {
    match name.split_once('.') {
        Some((schema, name)) => Name { schema: Some(schema.to_owned()), name: name.to_owned() },
        None => Name::bare(name),
    }
}

fn is_index_or_sequence(name: &str, before: &Catalog) -> bool {
    let name = split(name);
    before.table(&name).is_none() && (before.index(&name).is_some() || before.has_sequence(&name))
}

fn our_locks(judged: &Judgement) -> BTreeMap<String, LockMode> {
    let mut locks: BTreeMap<String, LockMode> = BTreeMap::new();
    for lock in judged.steps.iter().flat_map(|step| &step.effect.locks).filter(|lock| lock.mode != LockMode::AccessShare) {
        let mode = locks.entry(lock.table.to_string()).or_insert(lock.mode);
        *mode = (*mode).max(lock.mode);
    }
    locks
}

fn true_work(observed: &Observed) -> Work {
    if !observed.rewrites.is_empty() {
        Work::Rewrite
    } else if !observed.scans.is_empty() || !observed.indexes_built.is_empty() {
        Work::Scan
    } else {
        Work::Instant
    }
}

/// Codes that say that stored rows were in the way, or values of them.
fn depends_on_rows(code: &str) -> bool {
    code.starts_with("23") || code.starts_with("22")
}

impl Score {
    pub fn case(&mut self, case: &Case, observed: &Observed, judged: &Judged<'_>) {
        let Judged { script, before, judgement } = judged;
        let mut say = Vec::new();
        self.understand(script, judgement, &mut say);
        self.refusals(observed, judgement, &mut say);
        match &observed.error {
            Some(code) if code.starts_with("setup") => return,
            Some(_) => {}
            None => {
                self.locks(case, observed, before, judgement, &mut say);
                self.work(case, observed, judgement, &mut say);
            }
        }
        self.losses(observed, judgement, &mut say);
        for line in say {
            if !line.contains("(polled)") && !KNOWN.iter().any(|(id, _)| *id == case.id) {
                self.unexplained += 1;
            }
            self.misses.push(format!("{}: {line}\n      {}", case.id, case.statement.join("; ")));
        }
    }

    fn understand(&mut self, script: &Script, judged: &Judgement, say: &mut Vec<String>) {
        let whys: Vec<String> = judged
            .steps
            .iter()
            .filter_map(|step| {
                let reading = &script.statements[step.at].reading;
                reading.not_understood.clone().or_else(|| step.effect.unknown.clone())
            })
            .collect();
        self.understood.add(whys.is_empty());
        say.extend(whys.iter().map(|why| format!("understood: {why}")));
    }

    fn locks(&mut self, case: &Case, observed: &Observed, before: &Catalog, judged: &Judgement, say: &mut Vec<String>) {
        let ours = our_locks(judged);
        let mut theirs: BTreeSet<&String> = BTreeSet::new();
        for (table, mode) in observed.locks.iter().filter(|(table, _)| !is_index_or_sequence(table, before)) {
            theirs.insert(table);
            let own = ours.get(table).map_or("-", |mode| short(*mode));
            let unseen = !case.in_tx && ours.get(table).is_some_and(|own| short(*own) != mode);
            self.relations.add(own == mode);
            if own != mode {
                say.push(format!("lock{}: {table} is {mode}, ours {own}", if unseen { " (polled)" } else { "" }));
            }
        }
        for (table, mode) in &ours {
            if !theirs.contains(table) && !is_index_or_sequence(table, before) && case.in_tx {
                self.extra += usize::from(!KNOWN.iter().any(|(id, _)| *id == case.id));
                self.relations.add(false);
                say.push(format!("lock: {table} is not locked, ours {}", short(*mode)));
            }
        }
    }

    fn work(&mut self, case: &Case, observed: &Observed, judged: &Judgement, say: &mut Vec<String>) {
        let ours = judged.steps.iter().map(|step| step.effect.work).max().unwrap_or_default();
        let truth = true_work(observed);
        let empty_only = truth != Work::Rewrite && !observed.rewrites_of_empty_tables.is_empty() && ours == Work::Rewrite;
        let unseen = truth == Work::Instant && !case.in_tx && case.statement.len() > 1;
        let is_right = ours == truth || empty_only || unseen;
        self.work.add(is_right);
        if !is_right {
            say.push(format!(
                "work: {} ours {} (rewrites {:?} scans {:?} builds {:?})",
                truth.word(),
                ours.word(),
                observed.rewrites,
                observed.scans,
                observed.indexes_built
            ));
        }
    }

    fn losses(&mut self, observed: &Observed, judged: &Judgement, say: &mut Vec<String>) {
        let ours = judged.steps.iter().map(|step| step.effect.loss).max().unwrap_or(Loss::None);
        let truth = if observed.error.is_some() { "none" } else { observed.data_loss.as_deref().unwrap_or("none") };
        let on_rows = observed.error.as_deref().is_some_and(depends_on_rows);
        let is_right = ours.word() == truth || on_rows;
        self.loss.add(is_right);
        if !is_right {
            let why = judged.steps.iter().find(|step| step.effect.loss == ours).and_then(|step| step.effect.loss_why.clone());
            say.push(format!("loss: {truth} ours {} {}", ours.word(), why.unwrap_or_default()));
        }
    }

    fn refusals(&mut self, observed: &Observed, judged: &Judgement, say: &mut Vec<String>) {
        let fails: Vec<_> = judged.steps.iter().flat_map(|step| &step.effect.fails).collect();
        let told: Vec<String> = fails.iter().map(|failure| format!("{}/{:?}", failure.code, failure.when)).collect();
        match &observed.error {
            Some(code) if code.starts_with("setup") => {}
            Some(code) => {
                let found = fails.iter().any(|failure| failure.code == *code && (depends_on_rows(code) || failure.when == When::Always));
                let first = fails.iter().find(|failure| failure.when == When::Always);
                let is_right = found && (first.is_none_or(|failure| failure.code == *code || depends_on_rows(code)));
                self.errors.add(is_right);
                if !is_right {
                    say.push(format!("error: {code}, ours {told:?}"));
                }
            }
            None => {
                let is_right = fails.iter().all(|failure| failure.when != When::Always);
                self.successes.add(is_right);
                if !is_right {
                    say.push(format!("error: none, ours {told:?}"));
                }
            }
        }
    }

    fn line(&self) -> String {
        format!(
            "relations {:.2} % of {} (extra {}), work {:.2} % of {}, loss {:.2} % of {}, errors {:.2} % of {}, successes {:.2} % of {}, understood {:.2} %",
            self.relations.percent(),
            self.relations.all,
            self.extra,
            self.work.percent(),
            self.work.all,
            self.loss.percent(),
            self.loss.all,
            self.errors.percent(),
            self.errors.all,
            self.successes.percent(),
            self.successes.all,
            self.understood.percent()
        )
    }
}

/// What a lot has to reach, in percent.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub relations: f64,
    pub work: f64,
    pub loss: f64,
    pub errors: f64,
}

impl Score {
    /// No miss without a reason, no lock too many, nothing refused that went through.
    pub fn reaches(&self, wanted: Wanted, version: &str) {
        let line = self.line();
        eprintln!("{version}: {line}");
        assert_eq!((self.unexplained, self.extra, self.successes.right), (0, 0, self.successes.all), "{version}: {line}");
        for (share, least) in
            [(self.relations, wanted.relations), (self.work, wanted.work), (self.loss, wanted.loss), (self.errors, wanted.errors)]
        {
            assert!(share.percent() >= least, "{version}: {line}");
        }
    }
}

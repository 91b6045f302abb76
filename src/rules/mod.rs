//! The rules: one file each. A file's `//!` text is its page, the page's `sql bad` and `sql good` examples are run
//! as tests, and `check` is what it looks for. A new rule is a file and one word in `rules![…]`.

use std::collections::BTreeMap;

use crate::allow::Allowance;
use crate::chain::{ProjectContext, RevisionContext};
use crate::dialect::Dialect;
use crate::effects::{Effect, LockMode, When};
use crate::finding::{Finding, Severity};
use crate::project::{Expectations, Project, Revision};
use crate::risk::Wait;
use crate::secret;
use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, AlterTable, Change, Name};
use crate::sql::script::{Script, Statement};
use crate::step::{Options, Step, Transaction};

/// All that a rule may look at for one statement.
pub struct Context<'a> {
    /// The script.
    pub script: &'a Script,
    /// The statement.
    pub statement: &'a Statement,
    /// What it does.
    pub effect: &'a Effect,
    /// How long others wait for it.
    pub wait: &'a Wait,
    /// The schema in front of it.
    pub catalog: &'a Catalog,
    /// What its transaction holds in front of it.
    pub transaction: &'a Transaction,
    /// What the caller knows and wants.
    pub options: &'a Options,
}

impl Context<'_> {
    /// What the statement says.
    #[must_use]
    pub const fn change(&self) -> &Change {
        &self.statement.reading.change
    }

    /// True on PostgreSQL, of whose syntax the mends of many rules are.
    #[must_use]
    pub const fn is_postgresql(&self) -> bool {
        matches!(self.script.server.dialect, Dialect::Postgresql)
    }

    /// True when others wait longer than the deploy tolerates, or nobody knows how long.
    ///
    /// SQLite locks the whole database for every write: there only a known size says that it is long.
    #[must_use]
    pub fn blocks_long(&self) -> bool {
        if self.script.server.dialect == Dialect::Sqlite && self.wait.ms.is_none() {
            return false;
        }
        self.wait.grows_with_size && self.wait.ms.is_none_or(|ms| ms > self.options.max_block_ms as f64)
    }

    /// True when the effect met a situation.
    #[must_use]
    pub fn met(&self, situation: &str) -> bool {
        self.effect.situations.contains(&situation)
    }

    /// True when the effect met one of these situations.
    #[must_use]
    pub fn met_any(&self, situations: &[&str]) -> bool {
        situations.iter().any(|situation| self.met(situation))
    }

    /// What is altered, for an `ALTER TABLE`.
    #[must_use]
    pub const fn altered(&self) -> Option<&AlterTable> {
        match self.change() {
            Change::AlterTable(alter) => Some(alter),
            _ => None,
        }
    }

    /// The table and the only action of an `ALTER TABLE`, for a mend that is written from the statement.
    #[must_use]
    pub fn single_action(&self) -> Option<(&Name, &AlterAction)> {
        let alter = self.altered()?;
        match alter.actions.as_slice() {
            [action] => Some((&alter.table, action)),
            _ => None,
        }
    }

    /// The parts of an `ALTER TABLE`; none for anything else.
    #[must_use]
    pub fn actions(&self) -> &[AlterAction] {
        self.altered().map(|alter| alter.actions.as_slice()).unwrap_or_default()
    }

    /// The first part of an `ALTER TABLE` of which `pick` knows something.
    pub fn action<T>(&self, pick: impl FnMut(&AlterAction) -> Option<T>) -> Option<T> {
        self.actions().iter().find_map(pick)
    }

    /// The statement as written.
    #[must_use]
    pub fn sql(&self) -> &str {
        self.script.text_of(self.statement)
    }

    /// True when the statement alone makes others wait as long as it works, whatever was locked before it.
    #[must_use]
    pub fn blocks_by_itself(&self) -> bool {
        crate::risk::wait(&self.effect.on_filled(self.catalog), false, &self.options.sizes).grows_with_size
    }

    /// What stored rows may do to it, in one line.
    #[must_use]
    pub fn may_fail(&self) -> Option<&str> {
        self.effect.fails.iter().find(|failure| failure.when == When::OnRows).map(|failure| failure.why.as_str())
    }

    /// The server, for a message: "PostgreSQL 16".
    #[must_use]
    pub fn server(&self) -> String {
        self.script.server.to_string()
    }

    /// The strongest lock the statement takes that makes others wait.
    #[must_use]
    pub fn blocking_lock(&self) -> Option<(&Name, LockMode)> {
        self.effect.locks.iter().filter(|lock| lock.mode.blocks_writes()).max_by_key(|lock| lock.mode).map(|lock| (&lock.table, lock.mode))
    }

    /// The table it is about, for the finding: the one it names, else the first it locks.
    #[must_use]
    pub fn table(&self) -> Option<String> {
        self.statement
            .reading
            .relation
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| self.effect.locks.first().map(|lock| lock.table.shown()))
    }

    /// The statement in one line, shortened for a message.
    #[must_use]
    pub fn short(&self) -> String {
        // A long statement is not looked through for its first words.
        let sql = self.sql();
        let end = if sql.len() <= 4_000 { sql.len() } else { sql.char_indices().nth(4_000).map_or(sql.len(), |(at, _)| at) };
        shortened(&secret::redacted(sql.get(..end).unwrap_or_default()), 70)
    }

    /// "others wait …": who waits, how long, with the figure.
    #[must_use]
    pub fn waits(&self) -> String {
        let own = self.blocking_lock().map(|(table, mode)| (table.clone(), mode));
        let held = self.transaction.blocking().map(|(table, mode, _)| (table.clone(), *mode));
        // What the statement itself takes says most; a stronger lock from before counts too.
        let also = held.as_ref().filter(|held| own.as_ref().is_some_and(|own| held.1 > own.1 && held.0 != own.0)).cloned();
        let Some((table, mode)) = own.or(held) else { return "others wait".to_owned() };
        let who = if mode.blocks_reads() { "reads and writes wait" } else { "writes wait" };
        let time = match (self.wait.ms, self.wait.grows_with_size) {
            (Some(ms), true) => format!(" for about {}", human_time(ms)),
            (None, true) => " for as long as the table is large".to_owned(),
            _ => " for a moment".to_owned(),
        };
        let also = also.map_or(String::new(), |(table, mode)| format!("; `{}` on `{}` is held as long", mode.words(), table.shown()));
        format!("`{}` on `{}`: {who}{time}{also}", mode.words(), table.shown())
    }

    /// A finding on this statement. `rule` and `id` are set by the caller.
    #[must_use]
    pub fn finding(&self, severity: Severity, what: impl Into<String>, why: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding {
            id: String::new(),
            rule: "",
            severity,
            statement: Some(self.statement.index),
            line: Some(self.options.place(self.statement.line).1),
            revision: self.statement.revision.clone(),
            file: self.options.place(self.statement.line).0,
            table: self.table(),
            what: what.into(),
            why: why.into(),
            mend: mend.into(),
            fix_sql: None,
            fix_alembic: None,
            cite: self.effect.cites.iter().map(|cite| (*cite).to_owned()).collect(),
            allowed: None,
        }
    }

    /// What an earlier release would miss, as far as this rule speaks of it.
    #[must_use]
    pub fn broken(&self, rule: &str) -> Vec<&str> {
        self.effect.breaks.iter().filter(|found| found.rule == rule).map(|found| found.what.as_str()).collect()
    }
}

/// True when one of the findings is an error or a warning.
#[must_use]
pub fn is_flagged(said: &[Finding]) -> bool {
    said.iter().any(|found| found.severity > Severity::Notice)
}

/// Milliseconds as people say them.
#[must_use]
pub fn human_time(ms: f64) -> String {
    match ms {
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms if ms < 120_000.0 => format!("{:.0} s", ms / 1_000.0),
        ms if ms < 7_200_000.0 => format!("{:.0} min", ms / 60_000.0),
        ms => format!("{:.0} h", ms / 3_600_000.0),
    }
}

/// A text in one line, cut at `most` characters.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() >= most {
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// What a rule looks at.
#[derive(Clone, Copy)]
pub enum Check {
    /// Each statement.
    Statement(fn(&Context<'_>) -> Vec<Finding>),
    /// Each statement, after all others, with what they said of it.
    Otherwise(fn(&Context<'_>, &[Finding]) -> Vec<Finding>),
    /// The script as a whole.
    Script(fn(&ScriptContext<'_>) -> Vec<Finding>),
    /// Each revision of a project.
    Revision(fn(&RevisionContext<'_>) -> Vec<Finding>),
    /// The chain of a project.
    Project(fn(&ProjectContext<'_>) -> Vec<Finding>),
    /// Several of these.
    Each(&'static [Check]),
}

impl Check {
    /// The checks one by one; those of `Each` are not nested.
    #[must_use]
    pub const fn each(&self) -> &[Self] {
        match self {
            Self::Each(several) => several,
            one => std::slice::from_ref(one),
        }
    }
}

/// All that a rule may look at for the whole script.
pub struct ScriptContext<'a> {
    /// The script.
    pub script: &'a Script,
    /// Its statements with their effects.
    pub steps: &'a [Step],
    /// The schema in front of it.
    pub before: &'a Catalog,
    /// What the caller knows and wants.
    pub options: &'a Options,
}

impl ScriptContext<'_> {
    /// The statement of a step.
    #[must_use]
    pub fn statement(&self, step: &Step) -> Option<&Statement> {
        self.script.statements.get(step.at)
    }

    /// A finding on the whole script, or on the statement given.
    #[must_use]
    pub fn finding(
        &self,
        on: Option<&Statement>,
        severity: Severity,
        what: impl Into<String>,
        why: impl Into<String>,
        mend: impl Into<String>,
    ) -> Finding {
        Finding {
            id: String::new(),
            rule: "",
            severity,
            statement: on.map(|statement| statement.index),
            line: on.map(|statement| self.options.place(statement.line).1),
            revision: on.and_then(|statement| statement.revision.clone()),
            file: on.and_then(|statement| self.options.place(statement.line).0),
            table: on.and_then(|statement| statement.reading.relation.as_ref().map(ToString::to_string)),
            what: what.into(),
            why: why.into(),
            mend: mend.into(),
            fix_sql: None,
            fix_alembic: None,
            cite: Vec::new(),
            allowed: None,
        }
    }
}

/// A rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name: what it sees.
    pub name: &'static str,
    /// The source file: its `//!` lines are the page.
    pub source: &'static str,
    /// What it looks at.
    pub check: Check,
}

impl Rule {
    /// The page, in Markdown.
    #[must_use]
    pub fn page(&self) -> String {
        let lines = self.source.lines().take_while(|line| line.starts_with("//!"));
        lines.map(|line| line.strip_prefix("//! ").or_else(|| line.strip_prefix("//!")).unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }

    /// The page's first sentence.
    #[must_use]
    pub fn title(&self) -> String {
        self.page().lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim_start_matches("# ").to_owned()
    }
}

macro_rules! rules {
    ($($name:ident),+ $(,)?) => {
        $(pub mod $name;)+
        /// All rules, in the order in which they are asked.
        pub const RULES: &[Rule] = &[$(Rule {
            name: stringify!($name),
            source: include_str!(concat!(stringify!($name), ".rs")),
            check: $name::CHECK,
        }),+];
    };
}

rules![
    not_understood,
    concurrently_in_transaction,
    enum_value_used_in_transaction,
    not_null_without_default,
    drop_column,
    drop_table,
    dropped_column_in_use,
    unexpected_drop,
    drop_object,
    drop_cascade,
    truncate,
    unbounded_write,
    type_change_loss,
    type_change_rewrite,
    type_change_scan,
    add_column_rewrite,
    add_column_checked,
    set_not_null_scan,
    constraint_without_not_valid,
    key_without_using_index,
    exclude_constraint,
    validate_in_same_transaction,
    index_without_concurrently,
    drop_index_without_concurrently,
    reindex_without_concurrently,
    refresh_without_concurrently,
    table_rewrite,
    attach_partition_scan,
    default_partition_scan,
    detach_partition,
    domain_constraint_scan,
    online_ddl_copy,
    rename,
    drop_unique,
    invalid_index_hidden,
    not_valid_broken_by_rows,
    drop_constraint,
    drop_default_of_required_column,
    drop_identity,
    sequence_restart,
    revoke,
    row_security_without_policy,
    policy_narrowed,
    publication_without_identity,
    checks_disabled,
    opaque_code,
    secret_in_revision,
    sqlite_parity,
    sqlite_batch_loses_rows,
    sqlite_batch_loses_objects,
    schema_and_data_mixed,
    implicit_commit,
    missing_lock_timeout,
    several_tables_locked,
    foreign_key_without_index,
    will_fail,
    slow_work_under_lock,
    data_loss,
    breaks_running_release,
    may_fail_on_rows,
    brief_lock,
    long_blocking,
    unreadable_revision,
    merge_conflict,
    duplicate_revision,
    missing_parent,
    revision_cycle,
    reserved_revision_id,
    long_revision_id,
    multiple_heads,
    empty_downgrade,
    empty_upgrade,
    name_not_descriptive,
    file_name_without_id,
    imports_application_models,
    cannot_render_offline,
];

/// Asks all rules about one statement.
pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let from = findings.len();
    for rule in RULES {
        for check in rule.check.each() {
            let said = match check {
                Check::Statement(check) => check(context),
                Check::Otherwise(check) => check(context, findings.get(from..).unwrap_or_default()),
                Check::Script(_) | Check::Revision(_) | Check::Project(_) | Check::Each(_) => continue,
            };
            findings.extend(said.into_iter().map(|found| named(rule, found)));
        }
    }
}

/// Asks all rules about the whole script.
pub fn check_script(script: &Script, steps: &[Step], before: &Catalog, options: &Options, findings: &mut Vec<Finding>) {
    let context = ScriptContext { script, steps, before, options };
    for rule in RULES {
        for check in rule.check.each() {
            if let Check::Script(check) = check {
                findings.extend(check(&context).into_iter().map(|found| named(rule, found)));
            }
        }
    }
}

/// Asks all rules about a project: its chain, and each revision of the range.
#[must_use]
pub fn check_project(project: &Project, expected: &Expectations, severities: &BTreeMap<String, Severity>) -> Vec<Finding> {
    let chain = ProjectContext { project, expected };
    let is_asked = |revision: &&Revision| expected.range.as_ref().is_none_or(|range| range.contains(&revision.id));
    let revisions: Vec<RevisionContext<'_>> =
        project.revisions.iter().filter(is_asked).map(|revision| RevisionContext { project, expected, revision }).collect();
    let mut findings = Vec::new();
    for rule in RULES {
        for check in rule.check.each() {
            match check {
                Check::Project(check) => findings.extend(check(&chain).into_iter().map(|found| named(rule, found))),
                Check::Revision(check) => {
                    findings.extend(revisions.iter().flat_map(check).map(|found| named(rule, found)));
                }
                Check::Statement(_) | Check::Otherwise(_) | Check::Script(_) | Check::Each(_) => {}
            }
        }
    }
    settle_project(project, severities, &mut findings);
    findings
}

/// Puts the project's severities in, takes note of what the comments of the files allow, hides secrets, and sorts.
fn settle_project(project: &Project, severities: &BTreeMap<String, Severity>, findings: &mut [Finding]) {
    for found in findings.iter_mut() {
        redact(found);
        if let Some(severity) = severities.get(found.rule) {
            found.severity = *severity;
        }
        let revision = project.revisions.iter().find(|revision| Some(&revision.file) == found.file.as_ref());
        let (Some(revision), Some(line)) = (revision, found.line) else { continue };
        allow(found, Allowance::at(&revision.allowances, line, found.rule));
    }
    findings.sort_by(|a, b| (&a.file, a.line, std::cmp::Reverse(a.severity)).cmp(&(&b.file, b.line, std::cmp::Reverse(b.severity))));
}

/// Takes note of an allowance; one without a reason does not count.
fn allow(found: &mut Finding, allowance: Option<&Allowance>) {
    match allowance {
        Some(Allowance { because: Some(because), .. }) => found.allowed = Some(because.clone()),
        Some(_) => found.mend.push_str(" (the `allow` beside it has no reason: write `because …`)"),
        None => {}
    }
}

fn redact(found: &mut Finding) {
    let texts = [&mut found.what, &mut found.why, &mut found.mend];
    for text in texts.into_iter().chain(&mut found.fix_sql).chain(&mut found.fix_alembic) {
        *text = secret::redacted(text);
    }
}

fn named(rule: &Rule, mut found: Finding) -> Finding {
    found.rule = rule.name;
    found.id = match (found.statement, &found.file, found.line) {
        (Some(statement), _, _) => format!("{}:{statement}", rule.name),
        (None, Some(file), Some(line)) if matches!(rule.check, Check::Revision(_) | Check::Project(_) | Check::Each(_)) => {
            format!("{}:{}:{line}", rule.name, found.revision.as_ref().unwrap_or(file))
        }
        _ => rule.name.to_owned(),
    };
    found.cite.insert(0, format!("rule-{}#why", rule.name));
    found
}

/// No finding shows a secret. What a finding says is from the script: without a secret there, none is looked for.
fn hide_secrets(script: &Script, findings: &mut [Finding]) {
    if secret::secrets(&script.text).is_empty() {
        return;
    }
    findings.iter_mut().for_each(redact);
}

/// Puts the project's severities in, takes note of what the text allows, and sorts.
pub fn settle(script: &Script, options: &Options, findings: &mut [Finding]) {
    hide_secrets(script, findings);
    let allowed = script.allowances();
    for found in findings.iter_mut() {
        if let Some(severity) = options.severities.get(found.rule) {
            found.severity = *severity;
        }
        if allowed.is_empty() {
            continue;
        }
        let lines = lines_of(script, found);
        let beside = |allowance: &&Allowance| allowance.names(found.rule) && (found.statement.is_none() || lines.contains(&allowance.line));
        let allowance =
            allowed.iter().find(beside).or_else(|| found.statement.and(Allowance::at(&allowed, *lines.start() + 1, found.rule)));
        allow(found, allowance);
    }
    findings.sort_by_key(|found| (found.statement.unwrap_or(0), std::cmp::Reverse(found.severity)));
}

/// The lines on which an `allow` counts: those of the statement, and the one above.
fn lines_of(script: &Script, found: &Finding) -> std::ops::RangeInclusive<u32> {
    let statement = found.statement.and_then(|index| script.statements.get(index as usize - 1));
    match statement {
        Some(statement) => {
            let lines = script.text_of(statement).bytes().filter(|b| *b == b'\n').count() as u32;
            statement.line.saturating_sub(1)..=statement.line + lines
        }
        None => 0..=u32::MAX,
    }
}

/// The rules by name.
#[must_use]
pub fn by_name() -> BTreeMap<&'static str, &'static Rule> {
    RULES.iter().map(|rule| (rule.name, rule)).collect()
}

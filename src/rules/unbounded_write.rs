//! # Rows are changed without a bound
//!
//! An `UPDATE` or `DELETE` without a condition on a key or a limit reaches the whole table.
//!
//! ## Why
//! What is overwritten or deleted is gone: the downgrade does not know the values. All rows stay locked until the
//! commit, the table grows by as many dead rows, and replicas fall behind.
//!
//! ## Do
//! Write in batches by key, each in a transaction of its own, in a data revision. Keep the old values aside where
//! they matter.
//!
//! ```sql bad
//! UPDATE books SET price = price * 2;
//! ```
//! ```sql bad
//! DELETE FROM books;
//! ```
//! ```sql bad
//! UPDATE books SET note = '' WHERE note IS NULL;
//! ```
//! ```sql good
//! UPDATE books SET note = '' WHERE id BETWEEN 1 AND 1000;
//! ```
//! ```sql good
//! CREATE TABLE drafts (id bigint, note text);
//! UPDATE drafts SET note = '';
//! ```

use crate::effects::Loss;
use crate::effects::reach::{is_one_sided, names_few};
use crate::finding::{Finding, Severity};
use crate::rules::{Check, Context};
use crate::sql::catalog::Table;
use crate::sql::change::{Change, IndexKey, Name, Reach};
use crate::sql::formula::{self, Formula};

/// Looks at each statement.
pub const CHECK: Check = Check::Statement(check);

fn check(context: &Context<'_>) -> Vec<Finding> {
    let (table, reach) = match context.change() {
        Change::Update(update) => (Some(&update.table), Some(&update.reach)),
        Change::Delete(delete) => (delete.tables.first(), Some(&delete.reach)),
        Change::Merge(merge) => (Some(&merge.table), None),
        Change::Insert(insert) => match insert.writes.as_slice() {
            [] => (Some(&insert.table), Some(&ALL)),
            [Change::Update(update)] => (Some(&update.table), Some(&update.reach)),
            [Change::Delete(delete)] => (delete.tables.first(), Some(&delete.reach)),
            _ => (Some(&insert.table), None),
        },
        Change::Select(query) if !query.writes.is_empty() => (None, None),
        _ => return Vec::new(),
    };
    let loss = context.effect.loss;
    // All rows are locked and written again, even where they keep their values.
    let changes_rows = matches!(context.change(), Change::Update(_) | Change::Delete(_));
    let writes_all = changes_rows && context.met_any(&["update_all", "delete_all"]) && table.is_some_and(|table| context.effect.scans.contains(&context.catalog.key(table)));
    if loss == Loss::None && !writes_all {
        return Vec::new();
    }
    let deletes = match context.change() {
        Change::Delete(_) => true,
        Change::Insert(insert) => matches!(insert.writes.as_slice(), [Change::Delete(_)]),
        _ => false,
    };
    let severity = match (bound(context, table, reach), loss) {
        (Bound::Key, _) => Severity::Notice,
        (Bound::Condition, Loss::High) if deletes => Severity::Warning,
        (Bound::Condition, _) => Severity::Notice,
        (Bound::Range, _) => Severity::Warning,
        (Bound::None, Loss::Medium | Loss::High) => Severity::Error,
        (Bound::None, Loss::Low | Loss::None) => Severity::Warning,
    };
    if severity == Severity::Notice && loss < Loss::Medium {
        return Vec::new();
    }
    vec![finding(context, severity)]
}

const ALL: Reach = Reach { condition: None, limit: None, joins: Vec::new(), bounded_by: Vec::new(), returns: false };

fn finding(context: &Context<'_>, severity: Severity) -> Finding {
    let reaches = if severity == Severity::Error { "reaches the whole table" } else { "changes rows that stood before" };
    let what = format!("`{}` {reaches}", context.short());
    let mut why = context.effect.loss_why.clone().unwrap_or_default();
    if severity > Severity::Notice {
        why.push_str("; its rows stay locked until the commit");
    }
    if !context.effect.cascades.is_empty() {
        why.push_str(&format!("; with them go {}", context.effect.cascades.join(", ")));
    }
    context.finding(severity, what, why, "write in batches by key in a data revision, and keep the old values where they matter")
}

/// What keeps a write small.
enum Bound {
    /// A key, or a limit.
    Key,
    /// A comparison with a value, which may fit any number of rows.
    Condition,
    /// A comparison that holds on one side of a value.
    Range,
    /// Nothing.
    None,
}

fn bound(context: &Context<'_>, table: Option<&Name>, reach: Option<&Reach>) -> Bound {
    let (Some(table), Some(reach)) = (table, reach) else { return Bound::None };
    let updates_on_conflict = matches!(context.change(), Change::Insert(insert) if insert.query.is_none());
    let inner_limit = reach.condition.as_ref().is_some_and(|condition| condition.words.iter().any(|word| word == "limit"));
    if reach.limit.is_some() || inner_limit || updates_on_conflict {
        return Bound::Key;
    }
    if reach.bounded_by.is_empty() {
        // Duplicates of rows that stay: the other half of the join is the table itself.
        let itself = joins_itself(context.sql(), &table.name);
        return if itself && reach.condition.is_some() { Bound::Key } else { Bound::None };
    }
    if finds_many(context, reach) {
        return Bound::Range;
    }
    let by_key = match context.catalog.table(table) {
        Some(found) => is_key(found, reach),
        None => reach.bounded_by.iter().any(|column| column == "id" || column.ends_with("_id") || column == "version_num"),
    };
    let formula = reach.condition.as_ref().and_then(formula::of_expression);
    match formula {
        _ if by_key => Bound::Key,
        // Rows on one side of a value: half of the table as well as none.
        Some(Formula::Binary(mark, ..)) if matches!(mark.as_str(), "<" | ">" | "<=" | ">=") => Bound::Range,
        _ => Bound::Condition,
    }
}

/// `c IN (SELECT …)`, and nothing else that bounds it: as many rows as the query finds, which no key bounds.
fn finds_many(context: &Context<'_>, reach: &Reach) -> bool {
    let reads = match context.change() {
        Change::Update(update) => &update.reads,
        Change::Delete(delete) => &delete.reads,
        _ => return false,
    };
    let (Some(condition), [only]) = (&reach.condition, reach.bounded_by.as_slice()) else { return false };
    let text = condition.text.to_lowercase().replace(['"', '`'], "");
    let rest = text.strip_prefix(&only.to_lowercase()).map(str::trim_start).unwrap_or_default();
    if !rest.starts_with("in (select ") {
        return false;
    }
    let inner = rest.split_once(" where ").map(|(_, inner)| inner.trim_end_matches(')').to_owned());
    let is_many = |table: &Name| {
        let keyed = inner.as_ref().is_some_and(|inner| {
            context.catalog.table(table).is_some_and(|found| {
                found.indexes.iter().filter(|state| state.index.unique).filter_map(|state| state.index.plain_columns().into_iter().next()).any(|key| {
                    formula::read(inner).is_some_and(|formula| names_few(&formula, &key))
                })
            })
        });
        !keyed && context.catalog.has_rows(table) && !context.catalog.is_new(table)
    };
    reads.iter().any(is_many)
}

/// The table stands twice in a `DELETE … USING`.
fn joins_itself(sql: &str, table: &str) -> bool {
    let lower = sql.to_lowercase();
    let target = lower.split_once("where").map_or(lower.as_str(), |(head, _)| head);
    target.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| word.eq_ignore_ascii_case(table)).count() > 1
}

/// The first column of a unique index, or of any that is compared with a value, is bounded.
fn is_key(table: &Table, reach: &Reach) -> bool {
    table.indexes.iter().any(|state| {
        state.index.unique
            && state.index.predicate.is_none()
            && matches!(state.index.keys.first(), Some(IndexKey::Column(first)) if reach.bounded_by.contains(first) && !is_one_sided(reach, first))
    })
}

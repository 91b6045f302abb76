//! Proofs on rows that the setup holds: what stands there stops a check, a key or a reference.
//!
//! A proof is only ever that something is in the way. Where rows or values are not known there is no proof, and the
//! statement *may* fail, as before.

use std::collections::HashSet;

use crate::effects::postgresql::bounds;
use crate::effects::{Place, When};
use crate::sql::catalog::stored::{Stored, Types};
use crate::sql::catalog::{Table, UserType};
use crate::sql::change::{
    Constraint, ConstraintKind, DataType, Expression, Index, IndexKey, Insert, Name, PartitionBound, Reach, Reference, Update,
};
use crate::sql::formula::{self, Formula};
use crate::sql::value::{Row, Value, cast, evaluate};

/// Rows that are tried for one proof.
const ROWS: usize = 50_000;

/// When a failure comes that rows of the setup prove, or do not.
#[must_use]
pub const fn when(is_proved: bool) -> When {
    if is_proved { When::Always } else { When::OnRows }
}

/// The values of a key, in order.
type Key = Vec<Value>;

/// The table, its partitions and children, where they are known.
fn family<'a>(table: &Name, place: &Place<'a>) -> Vec<&'a Table> {
    std::iter::once(place.catalog.key(table))
        .chain(place.catalog.descendants(table))
        .filter_map(|name| place.catalog.table(&name))
        .collect()
}

/// True when a stored row meets `test`.
fn any_row(table: &Table, place: &Place<'_>, test: impl Fn(&dyn Row) -> bool) -> bool {
    let types = place.catalog.types_of(table);
    table.stored.rows(&types).take(ROWS).any(|row| test(&row))
}

/// True when a row of the table, of a partition or of a child breaks the check.
#[must_use]
pub fn breaks_check(table: &Name, check: &Expression, place: &Place<'_>) -> bool {
    let Some(formula) = formula::of_expression(check) else {
        return false;
    };
    family(table, place).into_iter().any(|table| any_row(table, place, |row| is_false(&formula, row)))
}

fn is_false(formula: &Formula, row: &dyn Row) -> bool {
    evaluate(formula, row) == Some(Value::Bool(false))
}

/// True when a row holds NULL in the column.
#[must_use]
pub fn has_null(table: &Name, column: &str, place: &Place<'_>) -> bool {
    family(table, place).into_iter().any(|table| any_row(table, place, |row| row.value(column) == Some(Value::Null)))
}

/// True when all rows are known, and none holds NULL in the column.
#[must_use]
pub fn has_no_null(table: &Name, column: &str, place: &Place<'_>) -> bool {
    let never = |table: &Table| {
        let types = place.catalog.types_of(table);
        let few = usize::try_from(table.stored.count()).is_ok_and(|count| count <= ROWS);
        few && table.stored.is_complete && table.stored.rows(&types).all(|row| row.value(column).is_some_and(|value| value != Value::Null))
    };
    let family = family(table, place);
    !family.is_empty() && family.into_iter().all(never)
}

/// True when two rows have the same key.
#[must_use]
pub fn has_duplicates(table: &Name, columns: &[String], place: &Place<'_>) -> bool {
    doubles(table, columns, |_| true, place)
}

/// True when two of the rows that a unique index holds have the same key.
#[must_use]
pub fn breaks_index(table: &Name, index: &Index, place: &Place<'_>) -> bool {
    let Some(columns) = plain_key(&index.keys) else {
        return false;
    };
    match index.predicate.as_ref().map(formula::of_expression) {
        None => doubles(table, &columns, |_| true, place),
        Some(None) => false,
        Some(Some(predicate)) => doubles(table, &columns, |row| evaluate(&predicate, row) == Some(Value::Bool(true)), place),
    }
}

fn doubles(table: &Name, columns: &[String], counts: impl Fn(&dyn Row) -> bool, place: &Place<'_>) -> bool {
    let Some(found) = place.catalog.table(table).filter(|_| !columns.is_empty()) else {
        return false;
    };
    let types = place.catalog.types_of(found);
    let mut seen = HashSet::new();
    found.stored.rows(&types).take(ROWS).filter(|row| counts(row)).filter_map(|row| key_of(&row, columns)).any(|key| !seen.insert(key))
}

/// The values of a key, all of them told; numbers of different types are the same number.
fn key_of(row: &dyn Row, columns: &[String]) -> Option<Key> {
    columns.iter().map(|column| row.value(column).filter(Value::is_told).map(compared)).collect()
}

fn compared(value: Value) -> Value {
    match value {
        Value::Integer(number) => Value::Decimal(i128::from(number), 0),
        other => other,
    }
}

/// All keys that stand in a referenced table. `None`: not all of them are known.
fn keys_of(reference: &Reference, place: &Place<'_>) -> Option<HashSet<Key>> {
    let table = place.catalog.table(&reference.table).filter(|found| found.stored.is_complete && found.partition_by.is_none())?;
    let columns = if reference.columns.is_empty() { table.primary_key()?.to_vec() } else { reference.columns.clone() };
    let types = place.catalog.types_of(table);
    if usize::try_from(table.stored.count()).is_ok_and(|count| count > ROWS) {
        return None;
    }
    table.stored.rows(&types).map(|row| key_of(&row, &columns)).collect()
}

/// True when a row points at nothing.
#[must_use]
pub fn has_orphans(table: &Name, constraint: &Constraint, place: &Place<'_>) -> bool {
    let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else {
        return false;
    };
    let Some(keys) = keys_of(reference, place) else {
        return false;
    };
    family(table, place).into_iter().any(|table| any_row(table, place, |row| key_of(row, columns).is_some_and(|key| !keys.contains(&key))))
}

/// True when a stored row breaks the constraint, whatever it demands.
#[must_use]
pub fn breaks(table: &Name, constraint: &Constraint, place: &Place<'_>) -> bool {
    match &constraint.kind {
        ConstraintKind::Check(check) => breaks_check(table, check, place),
        ConstraintKind::ForeignKey { .. } => has_orphans(table, constraint, place),
        ConstraintKind::NotNull { column } => has_null(table, column, place),
        ConstraintKind::Unique { columns, .. } | ConstraintKind::PrimaryKey { columns, .. } => has_duplicates(table, columns, place),
        ConstraintKind::Exclude { .. } | ConstraintKind::Default { .. } => false,
    }
}

/// True when a value of the column breaks a check on `VALUE`.
#[must_use]
pub fn breaks_domain_check(table: &Name, column: &str, check: &Expression, place: &Place<'_>) -> bool {
    let Some(formula) = formula::of_expression(check) else {
        return false;
    };
    place.catalog.table(table).is_some_and(|table| any_row(table, place, |row| is_false(&formula, &OneValue(row.value(column)))))
}

/// What `VALUE` stands for in the check of a domain.
struct OneValue(Option<Value>);

impl Row for OneValue {
    fn value(&self, column: &str) -> Option<Value> {
        self.0.clone().filter(|_| column == "value")
    }
}

/// How the rows of an `INSERT` are refused for sure: SQLSTATE and why.
#[must_use]
pub fn refuses_insert<'a>(change: &'a Insert, found: &'a Table, place: &Place<'a>) -> Option<(&'static str, String)> {
    let mut new = Stored::behind(&found.stored);
    new.insert(found, change);
    let types = place.catalog.types_of(found);
    let rows = || new.rows(&types).take(ROWS);
    let demands = Demands::of(&change.table, found, place);
    if let Some(refused) = rows().find_map(|row| demands.refuses(&row, place)) {
        return Some(refused);
    }
    if change.on_conflict {
        return None;
    }
    let unique = found.indexes.iter().filter(|state| state.index.unique && state.index.predicate.is_none() && state.is_valid);
    for state in unique {
        let columns = state.index.plain_columns();
        if columns.len() != state.index.keys.len() {
            continue;
        }
        let mut written = HashSet::new();
        let twice = rows().filter_map(|row| key_of(&row, &columns)).any(|key| !written.insert(key));
        let stands = || found.stored.rows(&types).take(ROWS).filter_map(|row| key_of(&row, &columns)).any(|key| written.contains(&key));
        if twice || !written.is_empty() && stands() {
            return Some(("23505", format!("a row of `{}` has the key already ({})", change.table, columns.join(", "))));
        }
    }
    found.constraints.iter().filter(|constraint| !constraint.not_enforced && !skips_references(place)).find_map(|constraint| {
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
        let written: Vec<Key> = rows().filter_map(|row| key_of(&row, columns)).collect();
        let own = place.catalog.key(&reference.table) == place.catalog.key(&change.table);
        if own || written.is_empty() {
            return None;
        }
        let keys = keys_of(reference, place)?;
        let lacks = written.iter().any(|key| !keys.contains(key));
        lacks.then(|| ("23503", format!("no row of `{}` has the key ({})", reference.table, columns.join(", "))))
    })
}

/// What a table asks of each row on its own: read once, tried on many rows.
struct Demands<'a> {
    name: &'a Name,
    checks: Vec<(Formula, &'a str)>,
    not_null: Vec<&'a str>,
    domains: Vec<(&'a str, Formula, &'a str)>,
    partition_key: Option<&'a str>,
    bound: Option<(&'a str, &'a PartitionBound)>,
}

impl<'a> Demands<'a> {
    fn of(name: &'a Name, table: &'a Table, place: &Place<'a>) -> Self {
        let enforced = table.constraints.iter().filter(|constraint| !constraint.not_enforced);
        let checks = enforced.filter_map(|constraint| match &constraint.kind {
            ConstraintKind::Check(check) => Some((formula::of_expression(check)?, check.text.as_str())),
            _ => None,
        });
        let domains = table.columns.iter().flat_map(|column| {
            let checks = column.data_type.as_ref().map(|own| domain_checks(own, place)).unwrap_or_default();
            checks.into_iter().filter_map(|check| Some((column.name.as_str(), formula::of_expression(check)?, check.text.as_str())))
        });
        let partition_key = table.partition_by.as_ref().and_then(|(_, key)| single_column(key));
        let bound = table.partition_of.as_ref().and_then(|(parent, bound)| {
            let (_, key) = place.catalog.table(parent)?.partition_by.as_ref()?;
            Some((single_column(key)?, bound))
        });
        Self {
            name,
            checks: checks.collect(),
            not_null: table.columns.iter().map(|column| column.name.as_str()).filter(|column| table.is_not_null(column)).collect(),
            domains: domains.collect(),
            partition_key,
            bound,
        }
    }

    /// What a row breaks: SQLSTATE and why.
    fn refuses(&self, row: &dyn Row, place: &Place<'_>) -> Option<(&'static str, String)> {
        if let Some((_, text)) = self.checks.iter().find(|(formula, _)| is_false(formula, row)) {
            return Some(("23514", format!("the row breaks the check `{text}`")));
        }
        if let Some(column) = self.not_null.iter().find(|column| row.value(column) == Some(Value::Null)) {
            return Some(("23502", format!("`{}.{column}` is NOT NULL", self.name)));
        }
        let breaks = |(column, formula, _): &&(&str, Formula, &str)| is_false(formula, &OneValue(row.value(column)));
        if let Some((column, _, text)) = self.domains.iter().find(breaks) {
            return Some(("23514", format!("the value for `{}.{column}` breaks the check `{text}` of its domain", self.name)));
        }
        let own = self.bound.and_then(|(column, bound)| Some((key_text(&row.value(column)?)?, bound)));
        if let Some((key, _)) = own.filter(|(key, bound)| bounds::is_outside(bound, key)) {
            return Some(("23514", format!("`{key}` does not belong into partition `{}`", self.name)));
        }
        let key = key_text(&row.value(self.partition_key?)?)?;
        bounds::has_no_partition(self.name, &key, place).then(|| ("23514", format!("no partition of `{}` takes `{key}`", self.name)))
    }
}

/// The column that a partition key is.
fn single_column(key: &Expression) -> Option<&str> {
    match key.words.as_slice() {
        [column] if key.text == *column => Some(column.as_str()),
        _ => None,
    }
}

/// Foreign keys are checked by triggers, which a replica does not run.
pub fn skips_references(place: &Place<'_>) -> bool {
    place.catalog.setting("session_replication_role") == Some("replica")
}

fn domain_checks<'a>(data_type: &DataType, place: &Place<'a>) -> Vec<&'a Expression> {
    match place.catalog.type_of(data_type) {
        Some(UserType::Domain { checks, .. }) if data_type.dimensions == 0 => checks.iter().map(|(_, check)| check).collect(),
        _ => Vec::new(),
    }
}

/// A partition key as it is written in bounds.
fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Date(_) => Some(crate::sql::value::date(value)?),
        _ => None,
    }
}

/// A row with the values that an `UPDATE` writes.
struct Updated<'a> {
    before: &'a dyn Row,
    written: &'a [(String, Formula)],
    types: &'a Types,
}

impl Row for Updated<'_> {
    fn value(&self, column: &str) -> Option<Value> {
        match self.written.iter().find(|(name, _)| name == column) {
            Some((_, formula)) => cast(evaluate(formula, self.before)?, self.types.get(column)?),
            None => self.before.value(column),
        }
    }
}

/// How an `UPDATE` is refused for sure by the rows that it reaches: SQLSTATE and why.
#[must_use]
pub fn refuses_update<'a>(change: &'a Update, found: &'a Table, place: &Place<'a>) -> Option<(&'static str, String)> {
    if !change.reach.joins.is_empty() || !change.reads.is_empty() || change.reach.limit.is_some() {
        return None;
    }
    let condition = match &change.reach.condition {
        Some(condition) => Some(formula::of_expression(condition)?),
        None => None,
    };
    let written = formula::assignments(&change.values)?;
    let types = place.catalog.types_of(found);
    let is_reached = |row: &dyn Row| condition.as_ref().is_none_or(|condition| evaluate(condition, row) == Some(Value::Bool(true)));
    let reached: Vec<_> = found.stored.rows(&types).take(ROWS).filter(|row| is_reached(row)).collect();
    let rows = || reached.iter().map(|row| Updated { before: row, written: &written, types: &types });
    let mut demands = Demands::of(&change.table, found, place);
    // What is not written fits already; a check that is not valid is tried all the same.
    let is_written = |column: &str| change.columns.iter().any(|written| written == column);
    demands.not_null.retain(|column| is_written(column));
    demands.domains.retain(|(column, ..)| is_written(column));
    if let Some(refused) = rows().find_map(|row| demands.refuses(&row, place)) {
        return Some(refused);
    }
    let touches = |columns: &[String]| columns.iter().any(|column| change.columns.contains(column));
    for state in found.indexes.iter().filter(|state| state.index.unique && state.index.predicate.is_none() && state.is_valid) {
        let Some(columns) = plain_key(&state.index.keys).filter(|columns| touches(columns)) else { continue };
        let mut keys = HashSet::new();
        let twice = rows().filter_map(|row| key_of(&row, &columns)).any(|key| !keys.insert(key));
        let others = found.stored.rows(&types).take(ROWS).filter(|row| !is_reached(row));
        if twice || !keys.is_empty() && others.filter_map(|row| key_of(&row, &columns)).any(|key| keys.contains(&key)) {
            return Some(("23505", format!("a row of `{}` has the key already ({})", change.table, columns.join(", "))));
        }
    }
    found.constraints.iter().filter(|constraint| !constraint.not_enforced && !skips_references(place)).find_map(|constraint| {
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return None };
        let own = place.catalog.key(&reference.table) == place.catalog.key(&change.table);
        if own || !touches(columns) || reached.is_empty() {
            return None;
        }
        let keys = keys_of(reference, place)?;
        let lacks = rows().filter_map(|row| key_of(&row, columns)).any(|key| !keys.contains(&key));
        lacks.then(|| ("23503", format!("no row of `{}` has the key ({})", reference.table, columns.join(", "))))
    })
}

/// Foreign keys that are followed one behind the other.
const STEPS: u32 = 8;

/// True when a row that `reach` deletes, or one that goes with it, has rows that point at it and stop it.
#[must_use]
pub fn blocks_delete(table: &Name, reach: &Reach, place: &Place<'_>) -> bool {
    let Some(formula) =
        reach.condition.as_ref().and_then(formula::of_expression).filter(|_| reach.joins.is_empty() && reach.limit.is_none())
    else {
        return false;
    };
    holds_rows(table, &|row: &dyn Row| evaluate(&formula, row) == Some(Value::Bool(true)), STEPS, place)
}

/// True when rows point at one of those that `goes` picks, and do not go with it.
fn holds_rows(table: &Name, goes: &dyn Fn(&dyn Row) -> bool, steps: u32, place: &Place<'_>) -> bool {
    let Some(found) = place.catalog.table(table).filter(|found| steps > 0 && found.triggers.is_empty()) else {
        return false;
    };
    let types = place.catalog.types_of(found);
    place.catalog.foreign_keys_to(table).into_iter().any(|(owner, constraint)| {
        let ConstraintKind::ForeignKey { columns, reference } = &constraint.kind else { return false };
        let own = if reference.columns.is_empty() { found.primary_key().map(<[String]>::to_vec) } else { Some(reference.columns.clone()) };
        let Some(own) = own else { return false };
        let keys: HashSet<Key> =
            found.stored.rows(&types).take(ROWS).filter(|row| goes(row)).filter_map(|row| key_of(&row, &own)).collect();
        let points = |row: &dyn Row| key_of(row, columns).is_some_and(|key| keys.contains(&key));
        match reference.on_delete.as_deref() {
            _ if keys.is_empty() || constraint.not_enforced || constraint.initially_deferred => false,
            Some("cascade") => holds_rows(&owner, &points, steps - 1, place),
            Some("set null" | "set default") => false,
            _ => {
                let is_own = owner == place.catalog.key(table);
                let stays = |row: &dyn Row| points(row) && !(is_own && goes(row));
                place.catalog.table(&owner).is_some_and(|owner| !goes_with_others(owner) && any_row(owner, place, stays))
            }
        }
    })
}

/// Its rows may be deleted by a cascade on another way, before anybody looks.
fn goes_with_others(table: &Table) -> bool {
    table.constraints.iter().filter_map(Constraint::reference).any(|reference| reference.on_delete.as_deref() == Some("cascade"))
}

/// The plain columns of a unique index without a condition, where it has no other keys.
fn plain_key(keys: &[IndexKey]) -> Option<Vec<String>> {
    keys.iter()
        .map(|key| match key {
            IndexKey::Column(name) => Some(name.clone()),
            IndexKey::Expression(_) => None,
        })
        .collect()
}

//! Two heads: whether it matters in which order they run, and how they become one.
//!
//! Alembic merges what merges as a graph. Two branches can still disagree in what they do: each is run before and after
//! the other on a scratch database, and the two schemas are compared.

use serde::Serialize;

use super::{Plan, RecoveryError};
use crate::bridge::Direction;
use crate::dialect::Dialect;
use crate::scratch::ScratchDatabase;
use crate::snapshot::likeness::{VersionTable, comparable, differences};
use crate::snapshot::{Difference, SchemaSnapshot};
use crate::workshop::Workshop;

/// What two branches are to each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BothOrders {
    /// The heads, in the order of the graph.
    pub heads: Vec<String>,
    /// The order of the heads makes no difference: both run, and lead to the same schema.
    pub same: bool,
    /// What the schema is otherwise when the second head runs first.
    pub differences: Vec<Difference>,
    /// What fails, and in which order.
    pub failures: Vec<String>,
}

/// Runs two heads in both orders.
///
/// # Errors
/// There are not two heads; no scratch database; no Python.
pub fn both_orders(workshop: &Workshop) -> Result<BothOrders, RecoveryError> {
    let graph = &workshop.workspace.project.graph;
    let heads = graph.ids(&graph.real_heads);
    let [one, other] = heads.as_slice() else {
        return Err(RecoveryError::NotComparable(format!("{} heads: two can be compared", heads.len())));
    };
    let mut found = BothOrders { heads: heads.clone(), ..BothOrders::default() };
    let first = run(workshop, [one, other], &mut found.failures)?;
    let second = run(workshop, [other, one], &mut found.failures)?;
    if let (Some(first), Some(second)) = (first, second) {
        found.differences = differences(&first, &second);
        found.same = found.differences.is_empty();
    }
    Ok(found)
}

/// The schema behind both heads in this order; none where a revision fails.
fn run(workshop: &Workshop, heads: [&String; 2], failures: &mut Vec<String>) -> Result<Option<SchemaSnapshot>, RecoveryError> {
    let graph = &workshop.workspace.project.graph;
    let database = ScratchDatabase::create(&workshop.scratch_server()?)?;
    let lent = workshop.python(&[&database])?;
    let mut reached: Vec<String> = Vec::new();
    for head in heads {
        for revision in graph.ids(&graph.upgrade_path(&reached, head)?) {
            let executed = lent.lock().bridge.step(Direction::Up, &revision)?;
            if let Some(failure) = executed.failure {
                failures.push(format!(
                    "with `{}` before `{}`: {}",
                    heads.first().map_or("", |head| head),
                    heads.last().map_or("", |head| head),
                    failure.sentence
                ));
                return Ok(None);
            }
        }
        reached.push(head.clone());
    }
    let mut looker = if workshop.server.dialect == Dialect::Sqlite { database.connect()? } else { database.connect_admin()? };
    Ok(Some(comparable(SchemaSnapshot::take(&mut looker)?, &VersionTable::default())))
}

/// The mend: a merge revision where both are published, else the unpublished one behind the other; `mend` is what the
/// rule `multiple_heads` says by git.
#[must_use]
pub fn plan(found: &BothOrders, mend: Option<&str>) -> Plan {
    let merge = format!("alembic merge -m merge_{} {}", found.heads.join("_and_").replace(['-', '.'], "_"), found.heads.join(" "));
    let mut mind: Vec<String> = mend.map(str::to_owned).into_iter().collect();
    mind.extend(found.failures.iter().map(|failure| format!("they conflict: {failure}")));
    if !found.same && found.failures.is_empty() {
        mind.push(format!(
            "they conflict: `{}` before `{}` makes another schema than the other way round",
            first(found, 0),
            first(found, 1)
        ));
    }
    mind.extend(found.differences.iter().map(ToString::to_string));
    if !found.same {
        mind.push("a merge revision alone leaves databases that differ by the order in which they got them: settle it in one of the two files if it is unpublished, else in the merge revision's own `upgrade()`".to_owned());
    }
    Plan {
        name: "merge",
        what: if found.same {
            "both orders lead to the same schema: the heads can be made one".to_owned()
        } else {
            "the heads do not only branch, they disagree: settle that first".to_owned()
        },
        sql: Vec::new(),
        revision: None,
        patch: None,
        // An unpublished head is put behind the other instead.
        commands: if mend.is_none_or(|mend| mend.contains("alembic merge")) { vec![merge] } else { Vec::new() },
        proven: found.same,
        mind,
    }
}

fn first(found: &BothOrders, at: usize) -> &str {
    found.heads.get(at).map_or("", String::as_str)
}

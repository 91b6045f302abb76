//! The two ways out of a migration that stopped: the rest of it, or back to where it began. Both are run on a scratch
//! database that stands where the real one does.

use super::bench::Try;
use super::ddl::way;
use super::half::{Found, clipped, unseen_words};
use super::patch::unified;
use super::replay::{Listed, revision_of};
use super::{Plan, RecoveryError};
use crate::project::operation::{Operation, Receiver};
use crate::snapshot::SchemaSnapshot;
use crate::snapshot::likeness::differences;
use crate::workshop::Workshop;

/// Both ways.
pub(super) struct Ways {
    pub(super) plans: Vec<Plan>,
    pub(super) reverse_sql: Vec<String>,
}

/// The ways out of the statements up to `end`, of which those in `found` were applied.
pub(super) fn ways(workshop: &Workshop, found: &Found, revision: &str, end: usize, half: &SchemaSnapshot) -> Result<Ways, RecoveryError> {
    let mut plans = Vec::new();
    let is_done = |at: usize| found.sighted.applied.contains(&at);
    let rest: Vec<&Listed> =
        found.replay.statements.iter().enumerate().take(end).filter(|(at, _)| !is_done(*at)).map(|(_, one)| one).collect();
    if rest.iter().any(|one| !one.is_setting) || !found.leftovers.is_empty() {
        plans.push(forward(workshop, found, revision, end, &rest)?);
    }
    let (back, reverse_sql) = back(workshop, found, half)?;
    plans.push(back);
    Ok(Ways { plans, reverse_sql })
}

/// A scratch database in the state of the real one.
fn halfway(found: &Found) -> Result<Try, RecoveryError> {
    let mut database = found.bench.fresh()?;
    let applied = found.sighted.applied.iter().filter_map(|at| found.replay.statements.get(*at));
    // What cannot be played again was said already.
    let _ = database.run_all(applied.map(|one| one.sql.as_str()));
    Ok(database)
}

fn leftover_sql(found: &Found) -> impl Iterator<Item = String> {
    found.leftovers.iter().map(|(_, sql)| sql.clone())
}

fn forward(workshop: &Workshop, found: &Found, revision: &str, end: usize, rest: &[&Listed]) -> Result<Plan, RecoveryError> {
    let mut database = halfway(found)?;
    let refused = database.run_all(rest.iter().map(|one| one.sql.as_str()));
    let target = found.replay.schemas.get(end);
    let after = database.schema()?;
    let proven = refused.is_none() && target.is_some_and(|target| differences(target, &after).is_empty());
    let mut mind = Vec::new();
    if let Some((sql, error)) = &refused {
        let words = error.refusal().map_or_else(|| error.to_string(), ToString::to_string);
        let place = rest.iter().find(|one| one.sql == *sql).and_then(|one| one.file.as_ref().map(|file| format!(" ({file}:{})", one.line)));
        mind.push(format!(
            "`{}`{} is refused on a scratch database too: {words}; mend it in the file first",
            clipped(sql),
            place.unwrap_or_default()
        ));
    } else {
        mind.push("on an empty scratch database the rest passes: before it is run, mend what stopped it on the real rows".to_owned());
    }
    mind.extend(unseen_words(found, end));
    mind.push(format!(
        "then call `migration_status` again: when the schema is exactly that of `{revision}`, it gives the one stamp that is right"
    ));
    let guarded = guards(workshop, found, revision);
    if guarded.is_none() {
        mind.push("the file cannot be guarded by a patch: another environment in this state needs the same statements by hand".to_owned());
    }
    Ok(Plan {
        name: "forward",
        what: format!("runs the rest of `{revision}` by hand; the patch lets the file pass over what is there already, in any environment"),
        sql: leftover_sql(found).chain(rest.iter().map(|one| one.sql.clone())).collect(),
        revision: None,
        patch: guarded,
        commands: Vec::new(),
        proven,
        mind,
    })
}

/// Back to the revision in front: the downgrade's own statements, as far as they pass, and what is written for the rest.
fn back(workshop: &Workshop, found: &Found, half: &SchemaSnapshot) -> Result<(Plan, Vec<String>), RecoveryError> {
    let mut database = halfway(found)?;
    let mut statements: Vec<String> = leftover_sql(found).collect();
    let mut now = half.clone();
    let touched: Vec<&str> =
        found.sighted.applied.iter().filter_map(|at| found.replay.statements.get(*at)).map(|one| one.revision.as_str()).collect();
    let mut mind = Vec::new();
    for one in found.replay.down.iter().filter(|one| touched.contains(&one.revision.as_str())) {
        if differences(&now, &found.bench.schema).is_empty() {
            break;
        }
        if one.is_rows {
            mind.push(format!("the downgrade changes rows here, which is not part of this: `{}`", clipped(&one.sql)));
            continue;
        }
        // What belongs to statements that were never run is refused here, and left out.
        if one.is_setting || database.run(&one.sql).is_err() {
            continue;
        }
        let after = database.schema()?;
        if !differences(&now, &after).is_empty() {
            statements.push(one.sql.clone());
            now = after;
        }
    }
    if !differences(&now, &found.bench.schema).is_empty() {
        let mut model = found.bench.fresh()?;
        let labels: Vec<String> = differences(&now, &found.bench.schema).into_iter().map(|one| one.object).collect();
        let written = way(&now, &found.bench.schema, workshop.server.dialect, &model.texts(&labels).unwrap_or_default());
        for made in &written.statements {
            if let Err(error) = database.run(&made.sql) {
                mind.push(format!("`{}` is refused: {error}", clipped(&made.sql)));
            }
            statements.push(made.sql.clone());
        }
        now = database.schema()?;
    }
    let left = differences(&now, &found.bench.schema);
    mind.extend(left.iter().map(|one| format!("left over: {one}")));
    if found.sighted.applied.iter().any(|at| found.replay.statements.get(*at).is_some_and(|one| one.is_rows)) {
        mind.push("rows that its statements changed do not come back this way: take them from a backup".to_owned());
    }
    if statements.iter().any(|sql| sql.to_uppercase().contains("DROP COLUMN") || sql.to_uppercase().contains("DROP TABLE")) {
        mind.push("what was written since into the columns or tables that are dropped is lost: look first".to_owned());
    }
    let plan = Plan {
        name: "back",
        what: format!("takes back what was applied: the schema is that of `{}` again", found.at),
        sql: statements.clone(),
        revision: None,
        patch: None,
        commands: Vec::new(),
        proven: left.is_empty(),
        mind,
    };
    Ok((plan, statements))
}

/// The revision file with a guard in front of each operation that was applied.
fn guards(workshop: &Workshop, found: &Found, revision: &str) -> Option<String> {
    let revision = revision_of(workshop, revision)?;
    let text = std::fs::read_to_string(workshop.workspace.path(&revision.file)).ok()?;
    let operations: Vec<&Operation> = revision.upgrade.iter().flat_map(|body| &body.operations).collect();
    let old: Vec<&str> = text.lines().collect();
    let mut new: Vec<Vec<String>> = old.iter().map(|line| vec![(*line).to_owned()]).collect();
    let mut guarded: Vec<u32> = Vec::new();
    for one in found.sighted.applied.iter().filter_map(|at| found.replay.statements.get(*at)) {
        if one.file.as_deref() != Some(&revision.file) || one.is_setting {
            continue;
        }
        let operation = operations.iter().find(|operation| (operation.line..=operation.end_line).contains(&one.line))?;
        if guarded.contains(&operation.line) {
            continue;
        }
        let condition = condition(operation)?;
        guarded.push(operation.line);
        for line in operation.line..=operation.end_line {
            let at = usize::try_from(line).ok()?.checked_sub(1)?;
            let was = (*old.get(at)?).to_owned();
            let blank: String = was.chars().take_while(|c| c.is_whitespace()).collect();
            let inner = if was.is_empty() { was } else { format!("    {was}") };
            *new.get_mut(at)? = if line == operation.line { vec![format!("{blank}if {condition}:"), inner] } else { vec![inner] };
        }
    }
    if guarded.is_empty() {
        return None;
    }
    if !old.iter().any(|line| line.trim() == "import sqlalchemy as sa") {
        let at = old.iter().position(|line| line.starts_with("from alembic import"))?;
        new.get_mut(at)?.push("import sqlalchemy as sa".to_owned());
    }
    unified(&revision.file, &old, &new)
}

/// When an operation still has something to do.
fn condition(operation: &Operation) -> Option<String> {
    if operation.receiver != Receiver::Op {
        return None;
    }
    let quoted = |text: &str| format!("{text:?}");
    let table = quoted(operation.table.as_deref()?);
    let schema = operation.schema.as_deref().map(|schema| format!(", schema={schema:?}")).unwrap_or_default();
    let inspector = "sa.inspect(op.get_bind())";
    let among = |question: &str, name: &str, is: &str| {
        format!("{} {is} {{one[\"name\"] for one in {inspector}.{question}({table}{schema})}}", quoted(name))
    };
    let object = operation.object.as_deref();
    let column = operation.columns.first().map(String::as_str);
    Some(match operation.name.as_str() {
        "create_table" => format!("not {inspector}.has_table({table}{schema})"),
        "drop_table" => format!("{inspector}.has_table({table}{schema})"),
        "add_column" => among("get_columns", column?, "not in"),
        "drop_column" => among("get_columns", column?, "in"),
        "create_index" => among("get_indexes", object?, "not in"),
        "drop_index" => among("get_indexes", object?, "in"),
        "create_foreign_key" => among("get_foreign_keys", object?, "not in"),
        "create_unique_constraint" => among("get_unique_constraints", object?, "not in"),
        "create_check_constraint" => among("get_check_constraints", object?, "not in"),
        _ => return None,
    })
}

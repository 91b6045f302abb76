//! What a database, the chain and the models do not agree on, object by object, each with where it likely comes from;
//! and the two ways to make them agree.

use serde::Serialize;

use super::bench::Bench;
use super::ddl::{Way, way};
use super::draft::draft;
use super::half::Standing;
use super::{Plan, Real, RecoveryError};
use crate::bridge::Difference as ModelDifference;
use crate::snapshot::likeness::differences;
use crate::snapshot::{Change, Difference};
use crate::workshop::Workshop;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// `column public.users.phone`, or the words of the models' comparison.
    pub object: String,
    /// `gone`, `new`, `changed` in the database against the chain; `add_column` and the like of models against the chain.
    pub kind: String,
    /// What the database has (the chain, where no database was asked); none where it has nothing.
    pub database: Option<String>,
    /// What the models say, and for what models cannot hold, the chain.
    pub model: Option<String>,
    /// Where it likely comes from.
    pub likely_cause: String,
    /// `hotfix`, `failed_migration`, `model_change`, `not_imported`, `written_differently`.
    pub source: &'static str,
    /// It stands in the recorded baseline: it was there before.
    pub known: bool,
    /// It is beside the chain: the chain makes it nowhere, and it belongs to nothing that the chain makes.
    #[serde(skip)]
    pub is_strangers: bool,
}

/// What the models say against the chain, one item each.
#[must_use]
pub fn of_models(found: &[ModelDifference]) -> Vec<Item> {
    found.iter().map(of_model).collect()
}

fn named(difference: &ModelDifference) -> String {
    let parts = [difference.schema.as_deref(), difference.table.as_deref(), difference.name.as_deref()];
    let mut names: Vec<&str> = parts.into_iter().flatten().collect();
    names.dedup();
    names.join(".")
}

fn of_model(difference: &ModelDifference) -> Item {
    let (source, likely_cause) = match difference.kind.as_str() {
        "add_table" | "add_column" | "add_index" | "add_constraint" | "add_fk" => {
            ("model_change", "a model was changed and no revision was made of it")
        }
        "remove_table" => ("not_imported", "the model is not imported by `env.py`, or it was deleted without a revision"),
        "remove_column" | "remove_index" | "remove_constraint" | "remove_fk" => {
            ("model_change", "it was taken out of the model without a revision, or a revision makes it by hand")
        }
        "modify_enum" => (
            "model_change",
            "values of the enum were changed in the model; Alembic does not detect it, and no revision was written by hand",
        ),
        _ => (
            "written_differently",
            "the model says something else than the revisions; a type or default may also only be written differently",
        ),
    };
    Item {
        object: named(difference),
        kind: difference.kind.clone(),
        database: difference.before.clone(),
        model: difference.after.clone(),
        likely_cause: likely_cause.to_owned(),
        source,
        known: false,
        is_strangers: false,
    }
}

/// What a real database has against its chain, and what the models say of it; the models' own differences that the
/// database does not share stay as they are.
#[must_use]
pub fn of_database(standing: &Standing, models: &[ModelDifference], environment: &str) -> Vec<Item> {
    let mut shared: Vec<usize> = Vec::new();
    let mut items: Vec<Item> = standing
        .unexplained
        .iter()
        .map(|one| {
            let twin = models.iter().position(|model| is_of(model, one));
            shared.extend(twin);
            let item = of_difference(one, twin.and_then(|at| models.get(at)), environment);
            Item { is_strangers: standing.is_strangers(&one.object), ..item }
        })
        .collect();
    items.extend(models.iter().enumerate().filter(|(at, _)| !shared.contains(at)).map(|(_, model)| of_model(model)));
    items
}

/// Whether the models know of the same difference.
fn is_of(model: &ModelDifference, one: &Difference) -> bool {
    let (Some(table), Some((kind, name))) = (model.table.as_deref().or(model.name.as_deref()), one.object.split_once(' ')) else {
        return false;
    };
    let words: Vec<&str> = name.split('.').map(|word| word.trim_matches(['"', '`'])).collect();
    let of_kind = match (kind, one.change) {
        ("table", Change::New) => model.kind == "add_table",
        ("table", Change::Gone) => model.kind == "remove_table",
        ("column", Change::New) => model.kind == "add_column",
        ("column", Change::Gone) => model.kind == "remove_column",
        ("column", Change::Changed) => model.kind.starts_with("modify_"),
        ("index", Change::New) => matches!(model.kind.as_str(), "add_index" | "add_constraint"),
        ("index", Change::Gone) => matches!(model.kind.as_str(), "remove_index" | "remove_constraint"),
        ("constraint", Change::New) => matches!(model.kind.as_str(), "add_constraint" | "add_fk"),
        ("constraint", Change::Gone) => matches!(model.kind.as_str(), "remove_constraint" | "remove_fk"),
        _ => false,
    };
    let same_name = model.name.as_deref().is_none_or(|name| words.last() == Some(&name));
    of_kind && same_name && (kind == "index" || words.contains(&table))
}

/// Kinds that a model cannot hold.
fn is_beyond_models(object: &str) -> bool {
    let kind = object.split(' ').next().unwrap_or_default();
    !matches!(kind, "table" | "column" | "index" | "constraint" | "type" | "sequence" | "comment")
}

fn of_difference(one: &Difference, model: Option<&ModelDifference>, environment: &str) -> Item {
    let beyond = if is_beyond_models(&one.object) { " (models cannot hold it: only the chain says what it should be)" } else { "" };
    let likely_cause = match (one.change, model) {
        (Change::New | Change::Changed, Some(_)) => {
            format!("made by hand on `{environment}` and in the models, and no revision was made of it: a hotfix that the code knows")
        }
        (Change::New, None) => format!("made by hand on `{environment}`: no revision and no model knows it, a hotfix{beyond}"),
        (Change::Changed, None) => format!("changed by hand on `{environment}`: a hotfix{beyond}"),
        (Change::Gone, Some(_)) => format!("dropped by hand on `{environment}` and from the models, and no revision was made of it"),
        (Change::Gone, None) => format!("dropped by hand on `{environment}`, or never made there: the chain makes it{beyond}"),
    };
    let kind = match one.change {
        Change::Gone => "gone",
        Change::New => "new",
        Change::Changed => "changed",
    };
    Item {
        object: one.object.clone(),
        kind: kind.to_owned(),
        database: one.after.clone(),
        model: model.and_then(|model| model.after.clone()).or_else(|| one.before.clone()).or_else(|| model.map(|_| "has it".to_owned())),
        likely_cause,
        source: "hotfix",
        known: false,
        is_strangers: false,
    }
}

/// The two ways to align: a revision that says what the database has, or statements that take it back. Which one is
/// right only people know.
///
/// # Errors
/// No scratch database; the real one cannot be read.
pub fn plans(workshop: &Workshop, real: &mut Real, standing: &Standing) -> Result<Vec<Plan>, RecoveryError> {
    if standing.unexplained.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = workshop.server.dialect;
    let labels: Vec<String> = differences(&standing.expected, &standing.schema)
        .into_iter()
        .map(|one| one.object)
        .chain(standing.schema.objects.keys().filter(|label| !standing.expected.objects.contains_key(*label)).cloned())
        .collect();
    let bench = Bench::at(workshop, &standing.at)?;
    let mut model = bench.fresh()?;
    let up = way(&standing.expected, &standing.schema, dialect, &real.texts(&labels)?);
    let down = way(&standing.schema, &standing.expected, dialect, &model.texts(&labels)?);
    let (formalises, aligns, mut mind) = match &standing.half {
        // Beside a migration that stopped nothing is tried: it is mended first.
        Some(_) => (false, false, vec!["mend the half-applied migration first".to_owned()]),
        None => {
            let refused = model.run_all(up.statements.iter().map(|made| made.sql.as_str()));
            let there = differences(&model.schema()?, &standing.schema).is_empty();
            let back = model.run_all(down.statements.iter().map(|made| made.sql.as_str()));
            let home = differences(&model.schema()?, &standing.expected).is_empty();
            let words =
                refused.iter().chain(&back).map(|(sql, error)| format!("`{}` is refused: {error}", super::half::clipped(sql))).collect();
            (refused.is_none() && there, there && back.is_none() && home, words)
        }
    };
    mind.extend(unwritten(&up));
    let formalise = Plan {
        name: "formalise",
        what: "intentional: a revision that says what the database has; it does nothing where it is there already".to_owned(),
        sql: up.statements.iter().map(|made| made.sql.clone()).collect(),
        revision: Some(draft(&up.statements, &down.statements, &standing.expected, &standing.schema, dialect)),
        patch: None,
        commands: Vec::new(),
        proven: formalises,
        mind: mind.clone(),
    };
    let mut lost = vec!["rows in what is dropped are lost: look first".to_owned()];
    lost.extend(unwritten(&down));
    let align = Plan {
        name: "align",
        what: "unintentional: statements that make the database again what the chain says; a person runs them".to_owned(),
        sql: down.statements.iter().map(|made| made.sql.clone()).collect(),
        revision: None,
        patch: None,
        commands: Vec::new(),
        proven: aligns,
        mind: lost,
    };
    Ok(vec![formalise, align])
}

fn unwritten(way: &Way) -> Vec<String> {
    way.unwritten.iter().map(|label| format!("no statement could be written for {label}: do it by hand")).collect()
}

//! The chain against the real Alembic: random graphs, and what every name and range means in them.

use std::collections::BTreeSet;

use alembic_gate::project::graph::{Fault, RevisionGraph};
use alembic_gate::project::revision::{Revision, read_all};
use serde::Deserialize;

use crate::real_alembic;

#[derive(Deserialize)]
struct Chain {
    revisions: Vec<Said>,
    broken: bool,
    questions: Vec<Question>,
    #[serde(default)]
    heads: Vec<String>,
    #[serde(default)]
    bases: Vec<String>,
    #[serde(default)]
    real_heads: Vec<String>,
    #[serde(default)]
    branch_points: Vec<String>,
}

#[derive(Deserialize)]
struct Said {
    id: String,
    parents: Vec<String>,
    labels: Vec<String>,
    depends_on: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Question {
    kind: String,
    from: Vec<String>,
    name: String,
    answer: Option<Vec<String>>,
}

fn python(values: &[String]) -> String {
    match values {
        [] => "None".to_owned(),
        [one] => format!("'{one}'"),
        several => format!("({})", several.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ")),
    }
}

fn revisions(said: &[Said]) -> Vec<Revision> {
    let texts: Vec<(String, String)> = said
        .iter()
        .map(|said| {
            let text = format!(
                "revision = '{}'\ndown_revision = {}\nbranch_labels = {}\ndepends_on = {}\n",
                said.id,
                python(&said.parents),
                python(&said.labels),
                python(&said.depends_on)
            );
            (format!("{}.py", said.id), text)
        })
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    read_all(&files).into_iter().map(|reading| reading.revision.unwrap()).collect()
}

/// Alembic keeps the dependencies of one revision in a set: with two of them, its order is by chance.
fn order_is_by_chance(graph: &RevisionGraph) -> bool {
    graph.nodes.iter().any(|node| node.own_dependencies.len() > 1)
}

fn answer(graph: &RevisionGraph, question: &Question) -> Option<Vec<String>> {
    let places = match question.kind.as_str() {
        "resolve" => graph.resolve(&question.name),
        "one" => graph.resolve_one(&question.name).map(|at| at.into_iter().collect()),
        "upgrade" => graph.upgrade_path(&question.from, &question.name),
        "downgrade" => graph.downgrade_path(&question.from, &question.name),
        other => panic!("{other}"),
    };
    places.ok().map(|places| graph.ids(&places))
}

#[test]
fn random_chains_mean_what_alembic_says() {
    let Some(said) = real_alembic::ask("graphs.py", &["chains", "1500"], "") else { return };
    let (mut asked, mut broken, mut rings) = (0, 0, 0);
    let mut wrong = Vec::new();
    for line in said.lines() {
        let chain: Chain = serde_json::from_str(line).unwrap();
        let graph = RevisionGraph::of(&revisions(&chain.revisions));
        if chain.broken {
            broken += 1;
            if graph.faults.is_empty() {
                wrong.push(format!("Alembic refuses it, we find no fault: {line}"));
            }
            continue;
        }
        // Alembic looks from both ends, and misses a ring that both ends reach; its sort then may never end.
        if graph.faults.iter().any(|fault| matches!(fault, Fault::Cycle { .. })) {
            rings += 1;
            continue;
        }
        let mut ours = (graph.ids(&graph.heads), graph.ids(&graph.bases), graph.ids(&graph.real_heads), graph.ids(&graph.branch_points()));
        ours.3.sort();
        if ours != (chain.heads, chain.bases, chain.real_heads, chain.branch_points) || !graph.faults.is_empty() {
            wrong.push(format!("heads or bases: {ours:?} {:?} {line}", graph.faults));
        }
        for question in &chain.questions {
            // From several heads Alembic takes any of them, with a warning; we refuse.
            let picks_any = question.kind == "downgrade" && question.name.starts_with('-') && question.from.len() > 1;
            // One step below the first revision Alembic counts on from the heads.
            let below_base = question.name.contains("base-") || question.name.contains("@-") && question.from.is_empty();
            if picks_any || below_base {
                continue;
            }
            asked += 1;
            let ours = answer(&graph, question);
            let set = |ids: &Option<Vec<String>>| ids.clone().map(|ids| ids.into_iter().collect::<BTreeSet<_>>());
            let equal = if order_is_by_chance(&graph) { set(&ours) == set(&question.answer) } else { ours == question.answer };
            if !equal {
                wrong.push(format!("{question:?}\n  ours: {ours:?}\n  in {}", line.split(", \"questions\"").next().unwrap()));
            }
        }
    }
    assert!(asked > 20_000 && broken > 100 && rings < 30, "{asked} questions, {broken} broken chains, {rings} rings");
    assert!(
        wrong.is_empty(),
        "{} of {asked} answers differ:\n{}",
        wrong.len(),
        wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n")
    );
}

fn chain(said: &[(&str, &[&str], &[&str])]) -> RevisionGraph {
    let owned = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let said: Vec<Said> = said
        .iter()
        .map(|(id, parents, depends_on)| Said {
            id: (*id).to_owned(),
            parents: owned(parents),
            labels: Vec::new(),
            depends_on: owned(depends_on),
        })
        .collect();
    RevisionGraph::of(&revisions(&said))
}

#[test]
fn faults_are_named_one_by_one() {
    let graph = chain(&[("a", &["c"], &[]), ("b", &["a"], &[]), ("c", &["b"], &[]), ("d", &["c"], &[]), ("e", &["nowhere"], &[])]);
    assert!(graph.faults.contains(&Fault::Cycle { at: vec![0, 1, 2], by_dependency: false }), "{:?}", graph.faults);
    assert!(graph.faults.iter().any(|fault| matches!(fault, Fault::MissingParent { at: 4, parent, .. } if parent == "nowhere")));
    let error = graph.upgrade_path(&[], "d").unwrap_err();
    assert!(error.to_string().contains("broken"), "{error}");
    let ring = chain(&[("a", &[], &["b"]), ("b", &["a"], &[])]);
    assert_eq!(ring.faults, [Fault::Cycle { at: vec![0, 1], by_dependency: true }]);
    let itself = chain(&[("a", &["a"], &[])]);
    assert_eq!(itself.faults, [Fault::Cycle { at: vec![0], by_dependency: false }]);
}

#[test]
fn a_parent_that_was_mistyped_is_guessed() {
    let graph = chain(&[("a1b2c3d4e5f6", &[], &[]), ("b2c3d4e5f6a1", &["a1b2c3d4e5ff"], &[])]);
    let [Fault::MissingParent { similar, .. }] = graph.faults.as_slice() else { panic!("{:?}", graph.faults) };
    assert_eq!(similar.as_deref(), Some("a1b2c3d4e5f6"));
}

#[test]
fn names_that_lead_nowhere_say_what_to_write() {
    let graph = chain(&[("aaaa1", &[], &[]), ("aaaa2", &["aaaa1"], &[]), ("aaaa3", &["aaaa1"], &[])]);
    for (name, word) in [
        ("zzzz", "heads are: aaaa2, aaaa3"),
        ("aaaa", "more of the id"),
        ("head", "merge them"),
        ("aaaa1+1", "name the revision"),
        ("aaaa2+1", "fewer steps"),
    ] {
        let error = graph.upgrade_path(&[], name).unwrap_err();
        assert!(error.hint().contains(word), "{name}: {error}: {}", error.hint());
    }
    assert!(graph.downgrade_path(&["aaaa2".to_owned()], "aaaa3").is_err());
    assert_eq!(graph.ids(&graph.range("aaaa1:heads").unwrap()).len(), 2);
    assert_eq!(graph.ids(&graph.range("aaaa1:aaaa2").unwrap()), ["aaaa2"]);
}

#[test]
fn two_thousand_revisions_are_one_chain() {
    let ids: Vec<String> = (0..2_000).map(|n| format!("{n:012x}")).collect();
    let said: Vec<Said> = (0..2_000)
        .map(|n| Said {
            id: ids[n].clone(),
            parents: n.checked_sub(1).map(|n| ids[n].clone()).into_iter().collect(),
            labels: Vec::new(),
            depends_on: Vec::new(),
        })
        .collect();
    let graph = RevisionGraph::of(&revisions(&said));
    assert_eq!(graph.ids(&graph.heads), [ids[1_999].clone()]);
    assert_eq!(graph.ids(&graph.upgrade_path(&[], "head").unwrap()), ids);
    let back = graph.downgrade_path(&[ids[1_999].clone()], "base").unwrap();
    assert_eq!((back.len(), back[0]), (2_000, 1_999));
}

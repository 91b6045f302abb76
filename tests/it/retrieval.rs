//! `search_knowledge` on questions that were written before the documents: the open ones and our own.

use std::collections::{BTreeMap, BTreeSet};

use alembic_gate::knowledge::{Library, Question};
use serde::Deserialize;

#[derive(Deserialize)]
struct Asked {
    queries: Vec<Query>,
}

#[derive(Deserialize)]
struct Query {
    id: String,
    style: String,
    query: String,
    topics: Vec<String>,
    key_facts: String,
}

fn library() -> &'static Library {
    Library::shared(None).unwrap_or_else(|error| panic!("{error}"))
}

fn queries(file: &str) -> Vec<Query> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth").join(file);
    let asked: Asked = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    asked.queries
}

/// Words that carry a fact: letters and digits, at least three of them, without an ending.
fn stems(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.len() > 2)
        .map(|word| {
            let word = word.to_lowercase();
            word.trim_end_matches("ing").trim_end_matches("ed").trim_end_matches('s').trim_end_matches('e').to_owned()
        })
        .collect()
}

/// A fact is there when four in five of its words stand in one of the passages.
fn holds(fact: &str, passages: &[String]) -> bool {
    let wanted = stems(fact);
    passages.iter().any(|passage| {
        let found = stems(passage);
        wanted.iter().filter(|word| found.contains(*word)).count() * 10 >= wanted.len() * 6
    })
}

#[derive(Default, Debug)]
struct Figures {
    asked: usize,
    recalled: usize,
    gain: f64,
    facts: usize,
    facts_there: usize,
}

fn figures(file: &str) -> BTreeMap<String, Figures> {
    let library = library();
    let stems: BTreeSet<&str> = library.documents.iter().map(|document| document.stem.as_str()).collect();
    let mut all: BTreeMap<String, Figures> = BTreeMap::new();
    for query in queries(file) {
        if !query.topics.iter().any(|topic| stems.contains(topic.as_str())) {
            println!("{}: SKIPPED, none of {:?} is written", query.id, query.topics);
            continue;
        }
        let question = Question { text: query.query.clone(), limit: Some(20), ..Question::default() };
        let found = library.ask(&question).unwrap();
        let mut documents: Vec<&str> = Vec::new();
        for hit in &found.hits {
            if !documents.contains(&hit.document.stem.as_str()) {
                documents.push(&hit.document.stem);
            }
        }
        let primary = &query.topics[0];
        let recalled = documents.iter().take(3).any(|document| document == primary);
        let gain_of = |document: &str| match query.topics.iter().position(|topic| topic == document) {
            Some(0) => 2.0,
            Some(_) => 1.0,
            None => 0.0,
        };
        let discounted =
            |gains: &mut dyn Iterator<Item = f64>| gains.enumerate().map(|(at, gain)| gain / ((at + 2) as f64).log2()).sum::<f64>();
        let reached = discounted(&mut documents.iter().take(10).map(|document| gain_of(document)));
        let best = discounted(&mut query.topics.iter().enumerate().map(|(at, _)| if at == 0 { 2.0 } else { 1.0 }));
        let passages: Vec<String> =
            found.hits.iter().take(3).map(|hit| format!("{} {} {}", hit.document.title, hit.section.heading, hit.section.text)).collect();
        if !recalled {
            println!(
                "missed {} [{}] {:?}: wanted {:?}, got {:?}",
                query.id,
                query.style,
                query.query,
                query.topics,
                documents.iter().take(4).collect::<Vec<_>>()
            );
        }
        for name in [query.style.as_str(), "all"] {
            let figures = all.entry(name.to_owned()).or_default();
            figures.asked += 1;
            figures.recalled += usize::from(recalled);
            figures.gain += reached / best;
            for fact in query.key_facts.split(';').map(str::trim).filter(|fact| !fact.is_empty()) {
                figures.facts += 1;
                let there = holds(fact, &passages);
                figures.facts_there += usize::from(there);
                if !there && name == "all" {
                    println!("fact of {} not in the first three: {fact}", query.id);
                }
            }
        }
    }
    for (style, figures) in &all {
        println!(
            "{file} {style}: {} asked, recall@3 {:.3}, nDCG@10 {:.3}, facts {:.3}",
            figures.asked,
            figures.recalled as f64 / figures.asked as f64,
            figures.gain / figures.asked as f64,
            figures.facts_there as f64 / figures.facts.max(1) as f64
        );
    }
    all
}

#[test]
fn s_053_to_s_056_the_open_questions_are_answered() {
    figures("examples/knowledge_queries.json");
}

#[test]
fn our_own_questions_are_answered() {
    figures("knowledge_queries.json");
}

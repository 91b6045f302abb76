//! Questions to `search_knowledge` with the documents that answer them, and how well they are answered.

use std::collections::{BTreeMap, BTreeSet};

use alembic_gate::knowledge::{Library, Question};
use serde::Deserialize;

/// A file of questions.
#[derive(Deserialize)]
pub struct Asked {
    /// Questions that the reference answers.
    pub queries: Vec<Query>,
    /// Questions that are not its subject.
    #[serde(default)]
    pub elsewhere: Vec<String>,
}

/// A question.
#[derive(Deserialize)]
pub struct Query {
    pub id: String,
    /// `nl`, `error`, `ident`, `typo` or `seed`; of later sets also `folk`, `keys` and `filter`.
    pub style: String,
    pub query: String,
    /// Documents that answer it, the best first.
    pub topics: Vec<String>,
    /// What the answer must say, parted by `;`.
    pub key_facts: String,
    /// The server that who asks has named beside the question.
    #[serde(default)]
    pub dialect: Option<String>,
}

impl Query {
    /// As it is put to the library.
    pub fn question(&self, limit: Option<usize>) -> Question {
        Question { text: self.query.clone(), dialect: self.dialect.clone(), limit, ..Question::default() }
    }
}

/// How a class of questions was answered.
#[derive(Default, Debug, Clone, Copy)]
pub struct Figures {
    pub asked: usize,
    /// The first topic is among the first three documents of a long answer.
    recalled: usize,
    gain: f64,
    facts: usize,
    facts_there: usize,
    /// The same of the answer to who names no limit: the first topic is in it.
    recalled_by_default: usize,
    facts_by_default: usize,
}

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

impl Figures {
    pub fn recall(&self) -> f64 {
        share(self.recalled, self.asked)
    }

    pub fn gain(&self) -> f64 {
        self.gain / self.asked.max(1) as f64
    }

    pub fn facts(&self) -> f64 {
        share(self.facts_there, self.facts)
    }

    pub fn recall_by_default(&self) -> f64 {
        share(self.recalled_by_default, self.asked)
    }

    pub fn facts_by_default(&self) -> f64 {
        share(self.facts_by_default, self.facts)
    }
}

pub fn library() -> &'static Library {
    Library::shared(None).unwrap_or_else(|error| panic!("{error}"))
}

pub fn asked(file: &str) -> Asked {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Words that carry a fact: letters and digits, at least three of them, without an ending.
fn stems(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.len() > 2)
        .map(|word| {
            let word = word.to_lowercase();
            word.trim_end_matches("ing")
                .trim_end_matches("ed")
                .trim_end_matches('s')
                .trim_end_matches('e')
                .trim_end_matches(['y', 'i'])
                .to_owned()
        })
        .collect()
}

/// A fact is there when two thirds of its words stand in the passages: said in other words, it counts as missing.
fn holds(fact: &str, passages: &[String]) -> bool {
    let wanted = stems(fact);
    let found: BTreeSet<String> = passages.iter().flat_map(|passage| stems(passage)).collect();
    wanted.iter().filter(|word| found.contains(*word)).count() * 3 >= wanted.len() * 2
}

/// Documents by their best section, and the texts of the first three sections.
fn answer(query: &Query, limit: Option<usize>) -> (Vec<&'static str>, Vec<String>) {
    let found = library().ask(&query.question(limit)).unwrap();
    let mut documents: Vec<&str> = Vec::new();
    for hit in &found.hits {
        if !documents.contains(&hit.document.stem.as_str()) {
            documents.push(&hit.document.stem);
        }
    }
    let passages =
        found.hits.iter().take(3).map(|hit| format!("{} {} {}", hit.document.title, hit.section.heading, hit.section.text)).collect();
    (documents, passages)
}

/// Gains 2 for the first topic, 1 for the others, over distinct documents.
fn gain(documents: &[&str], topics: &[String]) -> f64 {
    let discounted =
        |gains: &mut dyn Iterator<Item = f64>| gains.enumerate().map(|(at, gain)| gain / ((at + 2) as f64).log2()).sum::<f64>();
    let of = |document: &str| match topics.iter().position(|topic| topic == document) {
        Some(0) => 2.0,
        Some(_) => 1.0,
        None => 0.0,
    };
    let reached = discounted(&mut documents.iter().take(10).map(|document| of(document)));
    reached / discounted(&mut topics.iter().enumerate().map(|(at, _)| if at == 0 { 2.0 } else { 1.0 }))
}

/// Asks each question; figures by style, and of `all`. What was missed is printed.
pub fn figures<'a>(name: &str, queries: impl Iterator<Item = &'a Query>) -> BTreeMap<String, Figures> {
    let mut by_style: BTreeMap<String, Figures> = BTreeMap::new();
    for query in queries {
        for topic in &query.topics {
            assert!(library().documents.iter().any(|document| document.stem == *topic), "{}: there is no document {topic}", query.id);
        }
        let (documents, passages) = answer(query, Some(20));
        let (by_default, short) = answer(query, None);
        let is_first = |document: &&str| query.topics.first().is_some_and(|topic| topic == document);
        let recalled = documents.iter().take(3).any(is_first);
        if !recalled {
            let got: Vec<&&str> = documents.iter().take(4).collect();
            println!("missed {} [{}] {:?}: wanted {:?}, got {got:?}", query.id, query.style, query.query, query.topics);
        }
        let facts: Vec<&str> = query.key_facts.split(';').map(str::trim).filter(|fact| !fact.is_empty()).collect();
        for fact in facts.iter().filter(|fact| !holds(fact, &passages)) {
            println!("fact of {} not in the first three: {fact}", query.id);
        }
        for style in [query.style.as_str(), "all"] {
            let figures = by_style.entry(style.to_owned()).or_default();
            figures.asked += 1;
            figures.recalled += usize::from(recalled);
            figures.gain += gain(&documents, &query.topics);
            figures.facts += facts.len();
            figures.facts_there += facts.iter().filter(|fact| holds(fact, &passages)).count();
            figures.recalled_by_default += usize::from(by_default.iter().any(is_first));
            figures.facts_by_default += facts.iter().filter(|fact| holds(fact, &short)).count();
        }
    }
    for (style, figures) in &by_style {
        println!(
            "{name} {style}: {} asked, recall@3 {:.3}, nDCG@10 {:.3}, facts {:.3}; without a limit: recall {:.3}, facts {:.3}",
            figures.asked,
            figures.recall(),
            figures.gain(),
            figures.facts(),
            figures.recall_by_default(),
            figures.facts_by_default()
        );
    }
    by_style
}

//! The words of all sections in a `tantivy` index held in memory: made once, asked often. The one file that asks it.

use std::collections::BTreeSet;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, FuzzyTermQuery, Occur, PhraseQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions, Value as _};
use tantivy::{Index, IndexReader, ReloadPolicy, SingleSegmentIndexWriter, TantivyDocument, Term};

use crate::knowledge::document::{Document, Origin};
use crate::knowledge::words::{Word, analyzer, same_as};

/// Weights, chosen on the open evaluation queries; differences below 0.02 in the figures mean nothing.
const TITLE_WEIGHT: f32 = 2.0;
const SAME_WEIGHT: f32 = 0.3;
const PHRASE_WEIGHT: f32 = 0.6;
const TYPO_WEIGHT: f32 = 0.7;
/// A rule's page is found where no document says more.
const RULE_WEIGHT: f32 = 0.5;

/// Enough for the whole reference in one segment.
const WRITER_BYTES: usize = 32 << 20;

/// A place in the list of documents: document, section.
pub type At = (usize, usize);

/// A section that matched, with a weight that means something only beside others of the same question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Where.
    pub at: At,
    /// How well.
    pub weight: f32,
}

/// The index.
pub struct WordIndex {
    reader: IndexReader,
    text: Field,
    title: Field,
    place: Field,
    /// All words as written, for typing errors and suggestions.
    vocabulary: BTreeSet<String>,
    rules: BTreeSet<usize>,
}

impl WordIndex {
    /// The index over all sections.
    ///
    /// # Errors
    /// What `tantivy` says; in memory nothing but a lack of it.
    pub fn of(documents: &[Document]) -> tantivy::Result<Self> {
        let indexed = |record| {
            TextOptions::default().set_indexing_options(TextFieldIndexing::default().set_tokenizer("words").set_index_option(record))
        };
        let mut schema = Schema::builder();
        let text = schema.add_text_field("text", indexed(IndexRecordOption::WithFreqsAndPositions));
        let title = schema.add_text_field("title", indexed(IndexRecordOption::WithFreqs));
        let place = schema.add_u64_field("place", tantivy::schema::STORED);
        let tokenizers = tantivy::tokenizer::TokenizerManager::default();
        tokenizers.register("words", analyzer());
        let index = Index::builder().schema(schema.build()).tokenizers(tokenizers);
        let mut writer: SingleSegmentIndexWriter =
            index.single_segment_index_writer(tantivy::directory::RamDirectory::create(), WRITER_BYTES)?;
        let mut vocabulary = BTreeSet::new();
        for (d, document) in documents.iter().enumerate() {
            for (s, section) in document.sections.iter().enumerate() {
                let mut entry = TantivyDocument::default();
                let whole = format!("{} {} {} {}", document.title, section.heading, section.text, section.errors.join(" "));
                let name =
                    format!("{} {} {} {}", document.title, document.tags.join(" "), section.heading, document.stem.replace('-', " "));
                vocabulary.extend(crate::knowledge::words::words(&whole).into_iter().map(|word| word.written));
                entry.add_text(text, whole);
                entry.add_text(title, name);
                entry.add_u64(place, ((d as u64) << 32) | s as u64);
                writer.add_document(entry)?;
            }
        }
        let index = writer.finalize()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let rules = documents.iter().enumerate().filter(|(_, document)| document.origin == Origin::Rule).map(|(at, _)| at).collect();
        Ok(Self { reader, text, title, place, vocabulary, rules })
    }

    /// True when a word of the question stands in the reference.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        self.vocabulary.contains(word)
    }

    /// Words of the reference that differ from `word` in at most two letters, the nearest first.
    #[must_use]
    pub fn near(&self, word: &str) -> Vec<String> {
        let most = if word.chars().count() < 5 { 1 } else { 2 };
        let mut found: Vec<(usize, &String)> =
            self.vocabulary.iter().filter_map(|known| Some((within(word, known, most)?, known))).collect();
        found.sort();
        found.into_iter().map(|(_, known)| known.clone()).collect()
    }

    /// The sections that match best, best first.
    ///
    /// # Errors
    /// What `tantivy` says.
    pub fn search(&self, question: &[Word], most: usize) -> tantivy::Result<Vec<Match>> {
        let query = self.query(question);
        let searcher = self.reader.searcher();
        let top = searcher.search(&query, &TopDocs::with_limit(most.max(1) * 2).order_by_score())?;
        let mut found = Vec::with_capacity(top.len());
        for (weight, address) in top {
            let entry: TantivyDocument = searcher.doc(address)?;
            let Some(packed) = entry.get_first(self.place).and_then(|value| value.as_u64()) else { continue };
            let at = ((packed >> 32) as usize, (packed & u64::from(u32::MAX)) as usize);
            let weight = if self.rules.contains(&at.0) { weight * RULE_WEIGHT } else { weight };
            found.push(Match { at, weight });
        }
        found.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.at.cmp(&b.at)));
        Ok(found)
    }

    fn query(&self, question: &[Word]) -> BooleanQuery {
        let mut parts: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut add = |query: Box<dyn Query>, weight: f32| parts.push((Occur::Should, Box::new(BoostQuery::new(query, weight))));
        let mut seen = BTreeSet::new();
        for word in question {
            if !seen.insert(word.stem.as_str()) {
                continue;
            }
            add(self.term(self.text, &word.stem), 1.0);
            add(self.term(self.title, &word.stem), TITLE_WEIGHT);
            for other in same_as(&word.written) {
                add(self.term(self.text, &other), SAME_WEIGHT);
                add(self.term(self.title, &other), SAME_WEIGHT * TITLE_WEIGHT);
            }
            let is_unknown = !self.vocabulary.contains(&word.written) && word.written.chars().count() >= 5;
            if is_unknown && word.written.chars().all(char::is_alphabetic) {
                let near =
                    FuzzyTermQuery::new(Term::from_field_text(self.text, &word.stem), if word.written.len() > 7 { 2 } else { 1 }, true);
                add(Box::new(near), TYPO_WEIGHT);
            }
        }
        for pair in question.windows(2) {
            let [first, second] = pair else { continue };
            if second.place == first.place + 1 && first.stem != second.stem {
                let terms = vec![Term::from_field_text(self.text, &first.stem), Term::from_field_text(self.text, &second.stem)];
                add(Box::new(PhraseQuery::new(terms)), PHRASE_WEIGHT);
            }
        }
        BooleanQuery::new(parts)
    }

    fn term(&self, field: Field, stem: &str) -> Box<dyn Query> {
        Box::new(TermQuery::new(Term::from_field_text(field, stem), IndexRecordOption::WithFreqs))
    }
}

/// How many letters must change, when not more than `most`: Levenshtein's distance, ended early.
fn within(word: &str, other: &str, most: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), other.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let change = row.get(j)? + usize::from(x != y);
            let best = change.min(row.get(j + 1)? + 1).min(next.get(j)? + 1);
            next.push(best);
        }
        if next.iter().min()? > &most {
            return None;
        }
        row = next;
    }
    row.last().copied().filter(|distance| *distance <= most)
}

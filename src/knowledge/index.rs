//! The words of all sections in a `tantivy` index held in memory: made once, asked often. The one file that asks it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, PhraseQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, OwnedValue, Schema, TextFieldIndexing, TextOptions, Value as _};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{Index, IndexReader, ReloadPolicy, SingleSegmentIndexWriter, TantivyDocument, Term};

use crate::knowledge::asked::Asked;
use crate::knowledge::document::{Document, Origin, Section};
use crate::knowledge::synonyms::{Nearness, same_as};
use crate::knowledge::words::{Reader, Reading, Word};

/// Weights, chosen on the questions that are marked as tuned (`tests/it/questions.rs`); differences below 0.02 in the figures mean nothing.
const TITLE_WEIGHT: f32 = 0.7;
const SAME_WEIGHT: f32 = 0.22;
/// What the reference calls a word of every day.
const MEANT_WEIGHT: f32 = 0.55;
const PHRASE_WEIGHT: f32 = 0.9;
/// How many other words may stand between the two of a phrase.
const PHRASE_SLOP: u32 = 2;
const SLIP_WEIGHT: f32 = 0.9;
const GUESS_WEIGHT: f32 = 0.4;
/// A part of an identifier that stands in the reference as a whole: `batch` of `render_as_batch`.
const PART_WEIGHT: f32 = 0.5;
/// The heading and the first sentence say what a section answers.
const LEAD_WEIGHT: f32 = 0.4;
/// What the two best other sections of its document add to a section.
const NEIGHBOUR_WEIGHT: f32 = 0.25;
/// What people ask that a section answers, in their own words, all of it together. Chosen with the others: at 1 the tuned
/// questions begin to lose.
const ASKED_WEIGHT: f32 = 0.5;
/// The one of them that is most like the question: a whole question says more than its words spread over several.
const LIKEST_WEIGHT: f32 = 0.8;
/// So many questions that are like one are looked at.
const LIKEST: usize = 80;
/// A rule's page is found where no document says more.
const RULE_WEIGHT: f32 = 0.4;

/// What a word counts of which the text has only another of the same meaning.
const OTHER_WORD: f32 = 0.6;

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
    lead: Field,
    asked: Field,
    place: Field,
    questions: Questions,
    /// All words as written with how often, for typing errors and suggestions.
    vocabulary: BTreeMap<String, usize>,
    /// The same words without their endings.
    stems: BTreeSet<String>,
    rules: BTreeSet<usize>,
}

impl WordIndex {
    /// The index over all sections, with what is asked of each.
    ///
    /// # Errors
    /// What `tantivy` says; in memory nothing but a lack of it.
    pub fn of(documents: &[Document], asked_of: &Asked) -> tantivy::Result<Self> {
        std::thread::scope(|scope| {
            let questions = scope.spawn(|| Questions::of(documents, asked_of));
            Self::beside(documents, asked_of, || {
                questions.join().unwrap_or_else(|_| Err(tantivy::TantivyError::SystemError("the index of questions".to_owned())))
            })
        })
    }

    fn beside(documents: &[Document], asked_of: &Asked, questions: impl FnOnce() -> tantivy::Result<Questions>) -> tantivy::Result<Self> {
        let mut schema = Schema::builder();
        let text = schema.add_text_field("text", indexed(IndexRecordOption::WithFreqsAndPositions));
        let title = schema.add_text_field("title", indexed(IndexRecordOption::WithFreqs));
        let lead = schema.add_text_field("lead", indexed(IndexRecordOption::WithFreqs));
        let asked = schema.add_text_field("asked", indexed(IndexRecordOption::WithFreqs));
        let place = schema.add_u64_field("place", tantivy::schema::STORED);
        // `TantivyDocument` would write each list of words as JSON, and read it again.
        let mut writer: SingleSegmentIndexWriter<BTreeMap<Field, OwnedValue>> = Index::builder()
            .schema(schema.build())
            .single_segment_index_writer(tantivy::directory::RamDirectory::create(), WRITER_BYTES)?;
        let mut reader = Reader::new();
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut stems = BTreeSet::new();
        for (at, document, section) in sections(documents) {
            let whole = format!("{} {} {} {}", document.title, section.heading, section.text, section.errors.join(" "));
            let tags = document.tags.join(" ");
            let stem = document.stem.replace('-', " ");
            let name = format!("{} {tags} {} {stem} {}", document.title, section.heading, document.everyday);
            let beginning = format!("{} {}", section.heading, first_sentence(&section.text));
            let questions_of_it = asked_of.of(&document.stem, &section.slug);
            let mut of_whole = Vec::with_capacity(whole.len() / 5);
            reader.read(&whole, |written, stem, place| {
                match counts.get_mut(written) {
                    Some(count) => *count += 1,
                    None => {
                        counts.insert(written.to_owned(), 1);
                        stems.insert(stem.to_owned());
                    }
                }
                of_whole.push(token(stem, place));
            });
            let mut tokens = |text: &str| {
                let mut found = Vec::new();
                reader.read(text, |_, stem, place| found.push(token(stem, place)));
                indexed_as(found)
            };
            writer.add_document(BTreeMap::from([
                (text, indexed_as(of_whole)),
                (lead, tokens(&beginning)),
                (title, tokens(&name)),
                (asked, tokens(&questions_of_it.join(" "))),
                (place, packed(at)),
            ]))?;
        }
        let vocabulary = counts.into_iter().collect();
        let index = writer.finalize()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let rules = documents.iter().enumerate().filter(|(_, document)| document.origin == Origin::Rule).map(|(at, _)| at).collect();
        Ok(Self { reader, text, title, lead, asked, place, questions: questions()?, vocabulary, stems, rules })
    }

    /// True when a word of the question stands in the reference.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        self.vocabulary.contains_key(word)
    }

    /// True when it is another form of a word of the reference.
    #[must_use]
    pub fn knows_form(&self, word: &Word) -> bool {
        self.knows(&word.written) || self.stems.contains(&word.stem)
    }

    /// The word of the reference that was probably meant: it begins alike and differs in one letter, from seven letters on
    /// in two; two letters that changed places are one difference. The commonest of the nearest.
    #[must_use]
    pub fn near(&self, word: &str) -> Option<String> {
        let letters: Vec<char> = word.chars().collect();
        let most = if letters.len() < 7 { 1 } else { 2 };
        let first = letters.first()?.to_string();
        let alike = self.vocabulary.range(first.clone()..).take_while(|(known, _)| known.starts_with(&first));
        let near = alike.filter(|(known, _)| known.chars().all(char::is_alphabetic)).filter_map(|(known, count)| {
            let distance = within(&letters, known, most)?;
            Some((distance, std::cmp::Reverse(*count), known))
        });
        near.min().map(|(_, _, known)| known.clone())
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
            let Some(at) = place_in(&entry, self.place) else { continue };
            let weight = if self.rules.contains(&at.0) { weight * RULE_WEIGHT } else { weight };
            found.push(Match { at, weight });
        }
        for (at, likest) in self.questions.like(question)? {
            let more = likest * LIKEST_WEIGHT;
            match found.iter_mut().find(|one| one.at == at) {
                Some(one) => one.weight += more,
                None => found.push(Match { at, weight: more }),
            }
        }
        with_neighbours(&mut found);
        found.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.at.cmp(&b.at)));
        Ok(found)
    }

    /// What the words of a question are worth together: the rare ones more.
    ///
    /// # Errors
    /// What `tantivy` says.
    pub fn worth(&self, question: &[Word]) -> tantivy::Result<f32> {
        let mut seen = BTreeSet::new();
        let once = question.iter().filter(|word| seen.insert(word.stem.as_str()));
        once.map(|word| self.rarity(word)).try_fold(f32::MIN_POSITIVE, |sum, next| next.map(|rarity| sum + rarity))
    }

    /// The share of that worth whose words stand in a text, or others of their meaning: 0 to 1.
    ///
    /// # Errors
    /// What `tantivy` says.
    pub fn share(&self, question: &[Word], text: &str) -> tantivy::Result<f32> {
        let mut has = BTreeSet::new();
        Reader::new().read(text, |_, stem, _| {
            has.insert(stem.to_owned());
        });
        let mut seen = BTreeSet::new();
        let mut there = 0.0;
        for word in question.iter().filter(|word| seen.insert(word.stem.as_str())) {
            if has.contains(&word.stem) {
                there += self.rarity(word)?;
            } else if same_as(&word.stem).iter().any(|(stem, _)| has.contains(stem)) {
                there += self.rarity(word)? * OTHER_WORD;
            }
        }
        Ok(there / self.worth(question)?)
    }

    /// How rare a word is, or the commonest other of its meaning where the reference does not have it.
    fn rarity(&self, word: &Word) -> tantivy::Result<f32> {
        let searcher = self.reader.searcher();
        let count = |stem: &str| searcher.doc_freq(&Term::from_field_text(self.text, stem));
        let mut sections = count(&word.stem)?;
        if sections == 0 {
            for (other, _) in same_as(&word.stem) {
                sections = sections.max(count(other)?);
            }
        }
        let (sections, all) = (sections as f32, searcher.num_docs() as f32);
        Ok((1.0 + (all - sections + 0.5) / (sections + 0.5)).ln())
    }

    fn query(&self, question: &[Word]) -> BooleanQuery {
        let mut parts: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut add = |query: Box<dyn Query>, weight: f32| parts.push((Occur::Should, Box::new(BoostQuery::new(query, weight))));
        let mut seen = BTreeSet::new();
        let mut weights: BTreeMap<&str, f32> = BTreeMap::new();
        let mut spoken: BTreeMap<&str, f32> = BTreeMap::new();
        // Where the parts of the last identifier end, and of the last known one.
        let (mut names_end, mut parts_end) = (0, 0);
        for word in question {
            let is_part = word.place < parts_end;
            let parts = word.written.split('_').filter(|part| !part.is_empty()).count();
            if parts > 1 {
                names_end = word.place + parts;
                if self.knows(&word.written) {
                    parts_end = names_end;
                }
            }
            if !seen.insert(word.stem.as_str()) {
                continue;
            }
            let sure = if is_part && word.reading == Reading::Written { PART_WEIGHT } else { sureness(word) };
            // The same other word of two words is asked for once.
            for (stem, weight) in with_others(word, sure) {
                *weights.entry(stem).or_default() += weight;
                // An identifier is looked up, not talked about.
                if word.place >= names_end {
                    *spoken.entry(stem).or_default() += weight;
                }
            }
            add(term(self.lead, &word.stem), sure * LEAD_WEIGHT);
        }
        for (stem, weight) in weights {
            add(term(self.text, stem), weight);
            add(term(self.title, stem), weight * TITLE_WEIGHT);
        }
        for (stem, weight) in spoken {
            add(term(self.asked, stem), weight * ASKED_WEIGHT);
        }
        for pair in question.windows(2) {
            let [first, second] = pair else { continue };
            let are_there = self.stems.contains(&first.stem) && self.stems.contains(&second.stem);
            if are_there && second.place == first.place + 1 && first.stem != second.stem {
                let terms = vec![Term::from_field_text(self.text, &first.stem), Term::from_field_text(self.text, &second.stem)];
                let mut phrase = PhraseQuery::new(terms);
                phrase.set_slop(PHRASE_SLOP);
                add(Box::new(phrase), PHRASE_WEIGHT);
            }
        }
        BooleanQuery::new(parts)
    }
}

/// What is asked of the sections, each question by itself.
struct Questions {
    reader: IndexReader,
    question: Field,
    place: Field,
}

impl Questions {
    fn of(documents: &[Document], asked_of: &Asked) -> tantivy::Result<Self> {
        let mut schema = Schema::builder();
        let question = schema.add_text_field("question", indexed(IndexRecordOption::WithFreqs));
        let place = schema.add_u64_field("place", tantivy::schema::STORED);
        let mut writer: SingleSegmentIndexWriter<BTreeMap<Field, OwnedValue>> = Index::builder()
            .schema(schema.build())
            .single_segment_index_writer(tantivy::directory::RamDirectory::create(), WRITER_BYTES)?;
        let mut reader = Reader::new();
        for (at, document, section) in sections(documents) {
            for one in asked_of.of(&document.stem, &section.slug) {
                let mut found = Vec::new();
                reader.read(one, |_, stem, place| found.push(token(stem, place)));
                writer.add_document(BTreeMap::from([(question, indexed_as(found)), (place, packed(at))]))?;
            }
        }
        let reader = writer.finalize()?.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { reader, question, place })
    }

    /// The sections of the likest questions, each with how like the likest of its own is.
    fn like(&self, question: &[Word]) -> tantivy::Result<BTreeMap<At, f32>> {
        let mut weights: BTreeMap<&str, f32> = BTreeMap::new();
        for word in question {
            for (stem, weight) in with_others(word, sureness(word)) {
                *weights.entry(stem).or_default() += weight;
            }
        }
        let parts = weights.into_iter().map(|(stem, weight)| {
            let one: Box<dyn Query> = Box::new(BoostQuery::new(term(self.question, stem), weight));
            (Occur::Should, one)
        });
        let query = BooleanQuery::new(parts.collect());
        let searcher = self.reader.searcher();
        let mut found: BTreeMap<At, f32> = BTreeMap::new();
        for (weight, address) in searcher.search(&query, &TopDocs::with_limit(LIKEST).order_by_score())? {
            let entry: TantivyDocument = searcher.doc(address)?;
            let Some(at) = place_in(&entry, self.place) else { continue };
            let likest = found.entry(at).or_default();
            *likest = likest.max(weight);
        }
        Ok(found)
    }
}

fn term(field: Field, stem: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, stem), IndexRecordOption::WithFreqs))
}

/// Texts come to the index cut into words.
fn indexed(record: IndexRecordOption) -> TextOptions {
    TextOptions::default().set_indexing_options(TextFieldIndexing::default().set_tokenizer("raw").set_index_option(record))
}

/// All sections with their places.
fn sections(documents: &[Document]) -> impl Iterator<Item = (At, &Document, &Section)> {
    documents
        .iter()
        .enumerate()
        .flat_map(|(d, document)| document.sections.iter().enumerate().map(move |(s, section)| ((d, s), document, section)))
}

fn packed((d, s): At) -> OwnedValue {
    OwnedValue::U64(((d as u64) << 32) | s as u64)
}

fn place_in(entry: &TantivyDocument, place: Field) -> Option<At> {
    let packed = entry.get_first(place)?.as_u64()?;
    Some(((packed >> 32) as usize, (packed & u64::from(u32::MAX)) as usize))
}

/// How sure it is that a word of the question was meant as it was read.
const fn sureness(word: &Word) -> f32 {
    match word.reading {
        Reading::Written => 1.0,
        Reading::Slip => SLIP_WEIGHT,
        Reading::Guess => GUESS_WEIGHT,
    }
}

/// A word and the others of its meaning, with what each counts.
fn with_others(word: &Word, sure: f32) -> impl Iterator<Item = (&str, f32)> {
    let others = same_as(&word.stem).iter().map(move |(other, nearness)| {
        let weight = match nearness {
            Nearness::Same => SAME_WEIGHT,
            Nearness::Meant => MEANT_WEIGHT,
        };
        (&**other, sure * weight)
    });
    std::iter::once((word.stem.as_str(), sure)).chain(others)
}

/// A word as the index takes it; where in the text it stood it is not asked.
fn token(stem: &str, place: usize) -> Token {
    Token { position: place, text: stem.to_owned(), ..Token::default() }
}

fn indexed_as(tokens: Vec<Token>) -> OwnedValue {
    OwnedValue::PreTokStr(PreTokenizedString { text: String::new(), tokens })
}

/// A section gains a little by what its document says beside it: two sections that match speak for the document.
fn with_neighbours(found: &mut [Match]) {
    let mut of_document: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
    for one in found.iter() {
        of_document.entry(one.at.0).or_default().push(one.weight);
    }
    of_document.values_mut().for_each(|weights| weights.sort_by(|a, b| b.total_cmp(a)));
    for one in found {
        let all = of_document.get(&one.at.0).map(Vec::as_slice).unwrap_or_default();
        // The three best, without this one where it is among them, the third where it is not.
        let best: f32 = all.iter().take(3).sum();
        let without = if all.get(2).is_none_or(|third| one.weight >= *third) { one.weight } else { all.get(2).copied().unwrap_or(0.0) };
        one.weight += NEIGHBOUR_WEIGHT * (best - without);
    }
}

fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let end = [". ", "; ", ": "].iter().filter_map(|mark| line.find(mark)).min().unwrap_or(line.len());
    line.get(..end).unwrap_or(line)
}

/// How many letters must change or change places, when not more than `most`: the distance of optimal string alignment.
fn within(a: &[char], other: &str, most: usize) -> Option<usize> {
    let b: Vec<char> = other.chars().collect();
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let change = row.get(j)? + usize::from(x != y);
            let mut best = change.min(row.get(j + 1)? + 1).min(next.get(j)? + 1);
            let are_swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if are_swapped {
                best = best.min(before.get(j - 1)? + 1);
            }
            next.push(best);
        }
        if next.iter().min()? > &most {
            return None;
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|distance| *distance <= most)
}

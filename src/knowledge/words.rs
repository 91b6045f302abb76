//! A text as the words it is found by: lower case, identifiers whole and in parts, endings taken off.

use std::collections::HashMap;

use tantivy::tokenizer::{Language, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};

/// Words that say nothing about a migration.
const EMPTY_WORDS: &[&str] = &[
    "a",
    "about",
    "actually",
    "after",
    "all",
    "also",
    "am",
    "an",
    "and",
    "any",
    "anybody",
    "anyone",
    "anything",
    "are",
    "as",
    "at",
    "be",
    "been",
    "being",
    "best",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "doing",
    "done",
    "exactly",
    "for",
    "from",
    "get",
    "gets",
    "getting",
    "give",
    "given",
    "got",
    "had",
    "has",
    "have",
    "having",
    "how",
    "i",
    "if",
    "im",
    "in",
    "into",
    "is",
    "it",
    "its",
    "just",
    "like",
    "may",
    "me",
    "might",
    "must",
    "my",
    "need",
    "of",
    "ok",
    "okay",
    "on",
    "one",
    "or",
    "our",
    "out",
    "please",
    "practice",
    "really",
    "right",
    "should",
    "so",
    "some",
    "somebody",
    "someone",
    "something",
    "tell",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "thing",
    "things",
    "this",
    "those",
    "to",
    "us",
    "use",
    "used",
    "using",
    "versus",
    "vs",
    "want",
    "was",
    "way",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "while",
    "who",
    "why",
    "will",
    "with",
    "would",
    "you",
    "your",
];

/// The words of a text with their places: what is indexed and what is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Lower case, its ending taken off.
    pub stem: String,
    /// Lower case, as written.
    pub written: String,
    /// The how-manieth it is; an identifier and its first part share a place.
    pub place: usize,
    /// How it came to be read.
    pub reading: Reading,
}

/// How a word of a question came to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As it stands there.
    Written,
    /// In place of a slip of the fingers that nobody else wrote.
    Slip,
    /// In place of another word, which may be right: `giant` is near `grant`.
    Guess,
}

/// Reads texts into words. Most words come again and again: the ending of each is taken off once.
pub struct Reader {
    stemmer: TextAnalyzer,
    stems: HashMap<String, String>,
    written: String,
}

impl Reader {
    /// One that has read nothing.
    #[must_use]
    pub fn new() -> Self {
        let stemmer = TextAnalyzer::builder(RawTokenizer::default()).filter(Stemmer::new(Language::English)).build();
        Self { stemmer, stems: HashMap::new(), written: String::new() }
    }

    /// The words of a text.
    pub fn words(&mut self, text: &str) -> Vec<Word> {
        let mut found = Vec::new();
        self.read(text, |written, stem, place| {
            found.push(Word { stem: stem.to_owned(), written: written.to_owned(), place, reading: Reading::Written });
        });
        found
    }

    /// Gives each word as written, in lower case, its stem and its place.
    pub fn read(&mut self, text: &str, mut each: impl FnMut(&str, &str, usize)) {
        cut(text, |word, place| {
            self.written.clear();
            if word.is_ascii() {
                self.written.push_str(word);
                self.written.make_ascii_lowercase();
            } else {
                self.written.push_str(&word.to_lowercase());
            }
            if let Some(stem) = self.stems.get(&self.written) {
                each(&self.written, stem, place);
                return;
            }
            let mut stream = self.stemmer.token_stream(&self.written);
            let stem = if stream.advance() { std::mem::take(&mut stream.token_mut().text) } else { self.written.clone() };
            each(&self.written, &stem, place);
            self.stems.insert(self.written.clone(), stem);
        });
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

/// The words of a text.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    Reader::new().words(text)
}

/// True when `meant` differs from `written` as fingers slip: a letter missed, doubled or swapped, or one vowel or sound for
/// another. A consonant in another's place is rather another word.
#[must_use]
pub fn is_slip(written: &str, meant: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let sound = |letter: char| match letter {
        'a' | 'e' | 'i' | 'o' | 'u' | 'y' => 'a',
        'c' | 'k' | 'q' | 's' | 'z' => 's',
        other => other,
    };
    let heard = |word: &str| word.chars().map(sound).collect::<String>();
    written.chars().count() != meant.chars().count() || sorted(written) == sorted(meant) || heard(written) == heard(meant)
}

/// Two words that people write for one.
const JOINED: &[(&str, &str, &str)] = &[
    ("back", "up", "backup"),
    ("roll", "back", "rollback"),
    ("rolled", "back", "rollback"),
    ("rolling", "back", "rollback"),
    ("down", "time", "downtime"),
    ("time", "out", "timeout"),
    ("timed", "out", "timeout"),
    ("auto", "generate", "autogenerate"),
    ("auto", "generated", "autogenerate"),
    ("dead", "lock", "deadlock"),
    ("roll", "out", "rollout"),
    ("check", "list", "checklist"),
    ("big", "int", "bigint"),
    ("run", "out", "exhausted"),
    ("runs", "out", "exhausted"),
    ("running", "out", "exhausted"),
    ("used", "up", "exhausted"),
    ("watch", "out", "risk"),
];

/// Puts one word in place of two.
fn join(all: &mut Vec<Word>) {
    let mut at = 0;
    while let [first, second, ..] = all.get(at..).unwrap_or_default() {
        let one = JOINED.iter().find(|(a, b, _)| first.written == *a && second.written == *b).map(|(_, _, one)| *one);
        if let Some(meant) = one.and_then(|one| words(one).into_iter().next()) {
            let place = first.place;
            all.splice(at..at + 2, [Word { place, ..meant }]);
        }
        at += 1;
    }
}

/// The words of a question that say something.
#[must_use]
pub fn telling(text: &str) -> Vec<Word> {
    let mut all = words(text);
    join(&mut all);
    all.retain(|word| EMPTY_WORDS.binary_search(&word.written.as_str()).is_err());
    all
}

/// Longer runs of letters are no words: control dumps, base64.
const LONGEST: usize = 60;

/// Gives each word of a text, as it stands there, and its place.
fn cut(text: &str, mut each: impl FnMut(&str, usize)) {
    let mut place = 0;
    let is_inside = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text.char_indices().peekable();
    while let Some((from, first)) = rest.next() {
        if !is_inside(first) {
            continue;
        }
        let mut to = from + first.len_utf8();
        while let Some((at, next)) = rest.next_if(|(_, c)| is_inside(*c)) {
            to = at + next.len_utf8();
        }
        let whole = text.get(from..to).unwrap_or_default();
        if whole.len() > LONGEST {
            continue;
        }
        if let Some(option) = option_at(text, from) {
            each(option, place);
        }
        each(whole, place);
        let is_plain = whole.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let parts = if is_plain { Vec::new() } else { parts(whole) };
        if parts.len() > 1 {
            for part in parts {
                each(part, place);
                place += 1;
            }
        } else {
            place += 1;
        }
    }
}

/// `--check-heads` whole, where a word of a command line begins with two dashes.
fn option_at(text: &str, from: usize) -> Option<&str> {
    let before = text.get(..from)?.strip_suffix("--")?;
    let is_own = before.chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || c == '-'));
    let rest = text.get(from..)?;
    let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
    let begins = rest.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_own && begins && length <= LONGEST).then(|| text.get(from - 2..from + length).unwrap_or_default().trim_end_matches('-'))
}

/// `lock_timeout` has two parts, `LockNotAvailable` three.
fn parts(whole: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for piece in whole.split('_').filter(|piece| !piece.is_empty()) {
        let mut from = 0;
        let mut before = ' ';
        for (at, c) in piece.char_indices() {
            if c.is_uppercase() && before.is_lowercase() {
                found.extend(piece.get(from..at));
                from = at;
            }
            before = c;
        }
        found.extend(piece.get(from..));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_words_are_sorted_for_the_search() {
        assert!(EMPTY_WORDS.is_sorted());
    }

    #[test]
    fn a_slip_is_told_from_another_word() {
        assert!(is_slip("colum", "column") && is_slip("concurently", "concurrently") && is_slip("alembik", "alembic"));
        assert!(is_slip("indxe", "index") && !is_slip("giant", "grant"));
    }

    #[test]
    fn two_words_are_read_as_the_one_they_stand_for() {
        let found: Vec<String> = telling("back up before I roll back").into_iter().map(|word| word.written).collect();
        assert_eq!(found, ["backup", "before", "rollback"]);
    }

    #[test]
    fn an_identifier_is_found_whole_and_in_parts() {
        let found: Vec<String> = words("SET lock_timeout; LockNotAvailable").into_iter().map(|word| word.written).collect();
        assert_eq!(found, ["set", "lock_timeout", "lock", "timeout", "locknotavailable", "lock", "not", "available"]);
        let found: Vec<String> = words("upgrade head --sql -- note").into_iter().map(|word| word.written).collect();
        assert_eq!(found, ["upgrade", "head", "--sql", "sql", "note"]);
    }
}

//! A text as the words it is found by: lower case, identifiers whole and in parts, endings taken off.

use tantivy::tokenizer::{Language, Stemmer, TextAnalyzer, Token, TokenStream, Tokenizer};

/// Words that say nothing about a migration.
const EMPTY_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being", "but", "by", "can", "could",
    "did", "do", "does", "doing", "done", "for", "from", "get", "gets", "getting", "give", "given", "got", "had", "has", "have", "having",
    "how", "i", "if", "im", "in", "into", "is", "it", "its", "just", "like", "may", "me", "might", "must", "my", "need", "of", "on", "one",
    "or", "our", "out", "please", "should", "so", "some", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "us", "use", "used", "using", "want", "was", "way", "we", "were", "what", "when", "where", "which", "while",
    "who", "why", "will", "with", "would", "you", "your",
];

/// Words that mean the same to who asks. A query finds the others of its row too, at less weight.
const SAME: &[&[&str]] = &[
    &["rename", "name", "renaming"],
    &["remove", "drop", "delete", "retire", "deprecate"],
    &["field", "column", "attribute"],
    &["downtime", "outage", "online", "live"],
    &["undo", "revert", "rollback", "downgrade", "back"],
    &["apply", "upgrade", "run", "execute"],
    &["crash", "crashed", "failed", "fail", "broke", "died", "interrupted"],
    &["stuck", "hang", "hangs", "blocked", "waiting", "wait", "frozen"],
    &["site", "app", "application", "service", "requests"],
    &["populate", "fill", "backfill"],
    &["huge", "large", "big", "million", "millions", "billion"],
    &["mandatory", "required", "not_null", "nullable"],
    &["production", "prod", "live"],
    &["developer", "developers", "people", "teammates", "colleague", "branches", "branch"],
    &["merge", "heads", "head"],
    &["drift", "differ", "difference", "mismatch", "sync"],
    &["script", "sql"],
    &["preview", "offline", "print", "render", "see"],
    &["twice", "idempotent", "rerun", "again"],
    &["enum", "enumeration"],
    &["fk", "foreign", "references"],
    &["pk", "primary"],
    &["postgres", "postgresql", "pg"],
    &["type", "datatype"],
    &["smaller", "shrink", "narrow", "truncate", "shorten"],
    &["wider", "widen", "enlarge", "longer"],
    &["copy", "clone", "duplicate"],
    &["secret", "password", "credential", "credentials", "token"],
    &["ci", "pipeline", "workflow"],
    &["replica", "standby", "replication"],
    &["pooler", "pgbouncer", "pool"],
    &["permission", "privilege", "privileges", "grant", "owner"],
    &["autogenerate", "generate", "generated", "detect", "detected"],
    &["parallel", "concurrent", "simultaneously", "concurrently"],
    &["existing", "legacy", "adopt", "brownfield"],
    &["tenant", "tenants", "multi"],
    &["squash", "collapse", "consolidate"],
    &["throttle", "batch", "batches", "chunk", "chunks"],
    &["int", "integer", "bigint"],
    &["overflow", "exhausted", "range"],
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
    /// It stands for another that nobody wrote: a typing error, put right.
    pub is_guess: bool,
}

/// The words of a text.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let written = raw(text);
    let mut stems = analyzer();
    let mut stream = stems.token_stream(text);
    let mut found = Vec::with_capacity(written.len());
    let mut written = written.into_iter();
    while stream.advance() {
        let token = stream.token();
        let Some(raw) = written.next() else { break };
        found.push(Word { stem: token.text.clone(), written: raw.text, place: token.position, is_guess: false });
    }
    found
}

/// The words of a question that say something.
#[must_use]
pub fn telling(text: &str) -> Vec<Word> {
    let mut all = words(text);
    all.retain(|word| EMPTY_WORDS.binary_search(&word.written.as_str()).is_err());
    all
}

/// Other words for `written`, in their indexed form.
#[must_use]
pub fn same_as(written: &str) -> Vec<String> {
    let rows = SAME.iter().filter(|row| row.contains(&written));
    let others = rows.flat_map(|row| row.iter()).filter(|word| **word != written);
    others.flat_map(|word| words(word).into_iter().map(|word| word.stem)).collect()
}

/// The analyzer under which the index is written.
#[must_use]
pub fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Words).filter(Stemmer::new(Language::English)).build()
}

/// Cuts a text into words.
#[derive(Clone, Default)]
struct Words;

struct Cut {
    tokens: std::vec::IntoIter<Token>,
    current: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Cut;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Cut {
        Cut { tokens: raw(text).into_iter(), current: Token::default() }
    }
}

impl TokenStream for Cut {
    fn advance(&mut self) -> bool {
        match self.tokens.next() {
            Some(token) => {
                self.current = token;
                true
            }
            None => false,
        }
    }

    fn token(&self) -> &Token {
        &self.current
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.current
    }
}

/// Longer runs of letters are no words: control dumps, base64.
const LONGEST: usize = 60;

fn raw(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
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
            push(&mut found, option, from, place);
        }
        push(&mut found, whole, from, place);
        let parts = parts(whole);
        if parts.len() > 1 {
            for part in &parts {
                push(&mut found, part, from, place);
                place += 1;
            }
        } else {
            place += 1;
        }
    }
    found
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

fn push(found: &mut Vec<Token>, text: &str, from: usize, place: usize) {
    found.push(Token { offset_from: from, offset_to: from + text.len(), position: place, text: text.to_lowercase(), position_length: 1 });
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
    fn an_identifier_is_found_whole_and_in_parts() {
        let found: Vec<String> = words("SET lock_timeout; LockNotAvailable").into_iter().map(|word| word.written).collect();
        assert_eq!(found, ["set", "lock_timeout", "lock", "timeout", "locknotavailable", "lock", "not", "available"]);
        let found: Vec<String> = words("upgrade head --sql -- note").into_iter().map(|word| word.written).collect();
        assert_eq!(found, ["upgrade", "head", "--sql", "sql", "note"]);
    }
}

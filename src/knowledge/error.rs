//! Errors that a section answers: a code, the class a driver gives it, the fixed part of a message.

/// From this weight on an error decides alone: a code, a class, a message of three words.
pub const SURE: f32 = 3.0;

/// Where a message holds a name of the user's: `relation … already exists`.
const GAP: char = '…';
/// Words that may stand in a gap: `"public"."orders" of relation "t"`.
const WIDEST_GAP: usize = 8;

/// An error that a section answers.
pub struct KnownError {
    /// As it is written.
    written: String,
    /// Its words, parted at gaps; none of the parts is empty.
    parts: Vec<Vec<String>>,
    /// One of its words is the beginning of a name.
    has_beginning: bool,
}

impl KnownError {
    /// Of a code or a message as a document writes it.
    #[must_use]
    pub fn of(error: &str) -> Self {
        let parts: Vec<Vec<String>> = error.split(GAP).map(plain).filter(|words| !words.is_empty()).collect();
        let has_beginning = parts.iter().flatten().any(|word| word.ends_with('_'));
        Self { written: error.to_owned(), parts, has_beginning }
    }

    /// How much it says when it stands in the text: a code or the class of an error as much as a message of three words.
    ///
    /// `spoken` is the same text as [`plain`] words.
    #[must_use]
    pub fn strength_in(&self, text: &str, spoken: &[String]) -> Option<f32> {
        if let [words] = self.parts.as_slice()
            && let [word] = words.as_slice()
        {
            return self.is_said_as(word, text, spoken).then_some(SURE);
        }
        self.is_said(spoken).then(|| self.parts.iter().map(Vec::len).sum::<usize>() as f32)
    }

    /// A code or a class, as one word.
    fn is_said_as(&self, word: &str, text: &str, spoken: &[String]) -> bool {
        // A driver may say `LockNotAvailableError` for psycopg's `LockNotAvailable`.
        if !spoken.iter().any(|said| said == word || said.strip_suffix("error").is_some_and(|class| class == word)) {
            return false;
        }
        if word.bytes().any(|b| b.is_ascii_digit()) {
            return is_named_as_code(text, word);
        }
        let humps = self.written.chars().filter(|c| c.is_uppercase()).count();
        let is_class = (humps > 1 && self.written.chars().any(char::is_lowercase)) || word.contains('_');
        // A word of every day is an error only as it is printed: `INVALID`, `<<<<<<< HEAD`.
        is_class || text.contains(&self.written)
    }

    /// All parts stand in the text, in order, with a few words between them.
    fn is_said(&self, spoken: &[String]) -> bool {
        let Some((first, others)) = self.parts.split_first() else { return false };
        let places = |part: &[String]| -> Vec<usize> {
            spoken
                .windows(part.len())
                .enumerate()
                .filter(|(_, said)| *said == part || (self.has_beginning && are_said(part, said)))
                .map(|(at, _)| at)
                .collect()
        };
        places(first).into_iter().any(|start| {
            let mut end = start + first.len();
            others.iter().all(|part| {
                let next = places(part).into_iter().find(|at| (end..=end + WIDEST_GAP).contains(at));
                next.map(|at| end = at + part.len()).is_some()
            })
        })
    }
}

/// The same words; one that ends in `_` is the beginning of a name: `_alembic_tmp_`.
fn are_said(part: &[String], said: &[String]) -> bool {
    part.iter().zip(said).all(|(word, said)| word == said || (word.ends_with('_') && said.starts_with(word.as_str())))
}

/// A text as bare words: what a message and a pasted log line have in common.
#[must_use]
pub fn plain(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// A SQLSTATE is known by its form; a bare number counts only where it is called an error.
fn is_named_as_code(text: &str, code: &str) -> bool {
    let is_number = code.bytes().all(|b| b.is_ascii_digit());
    if !is_number || code.len() == 5 {
        return true;
    }
    let lower = text.to_lowercase();
    let at = lower.find(code).unwrap_or(0);
    let before = lower.get(..at).unwrap_or_default().trim_end();
    lower.trim() == code
        || before.ends_with('(')
        || ["error", "code", "errno", "err", "#", "mysql", "mariadb", "msg"].iter().any(|word| before.ends_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strength(error: &str, text: &str) -> Option<f32> {
        KnownError::of(error).strength_in(text, &plain(text))
    }

    #[test]
    fn a_message_is_known_with_the_names_in_it() {
        assert_eq!(strength("relation … already exists", "ERROR:  relation \"shop\".\"orders\" already exists"), Some(3.0));
        assert_eq!(
            strength(
                "relation … already exists",
                "the relation is old. The index, the view, the table, the sequence and the type already exists"
            ),
            None
        );
        assert_eq!(strength("cannot drop … because", "because we cannot drop it"), None);
    }

    #[test]
    fn the_beginning_of_a_name_is_known() {
        assert_eq!(strength("table _alembic_tmp_… already exists", "table _alembic_tmp_users already exists"), Some(4.0));
        assert_eq!(strength("table _alembic_tmp_… already exists", "table users already exists"), None);
    }

    #[test]
    fn a_class_is_known_with_any_drivers_ending() {
        assert_eq!(strength("LockNotAvailable", "asyncpg.exceptions.LockNotAvailableError: canceling"), Some(SURE));
        assert_eq!(strength("LockNotAvailable", "lock not available"), None);
        assert_eq!(strength("1222", "Msg 1222, Level 16"), Some(SURE));
        assert_eq!(strength("1222", "a table of 1222 rows"), None);
    }
}

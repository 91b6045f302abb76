//! What people ask that a section answers, in words that the section does not have: searched, shown nowhere.
//!
//! A text is found by other questions too when it is searched with questions that it answers (Nogueira et al. 2019,
//! "Document Expansion by Query Prediction"). Ours are written by hand, from the sections; none is a question of the tests.
//! They are searched together and each by itself: the one that is most like a question says more than words of it that
//! are spread over several (92 questions that were written apart: nDCG@10 0.904 with 800 lines searched together, 0.924
//! with 3,100 and both).
//!
//! Measured on the natural questions of three sets that nothing was mended by (`knowledge_once`, `knowledge_last`,
//! `knowledge_blind`; 108 questions): the right document is among three for 95 instead of 88, where a whole sentence
//! encoder beside the words (MiniLM, 384 dimensions) had 91, and averaged word vectors (GloVe of 100 dimensions, weighted
//! and without their common part after Arora et al. 2017) between 86 and 88. These lines and the last of the sets are by one
//! hand: of 50 titles under which strangers asked, 42 instead of 40.

use std::collections::HashMap;

/// Questions by the document and the section that answer them.
pub struct Asked(HashMap<&'static str, Vec<&'static str>>);

impl Asked {
    /// Reads `doc#section` lines, each followed by its questions, one a line; a line that begins with `# ` is a note.
    #[must_use]
    pub fn read(text: &'static str) -> Self {
        let mut found: HashMap<&str, Vec<&str>> = HashMap::new();
        let mut section = "";
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            if line.contains('#') && !line.contains(' ') {
                section = line;
            } else {
                found.entry(section).or_default().push(line);
            }
        }
        Self(found)
    }

    /// What is asked of a section; nothing for texts that are not ours.
    #[must_use]
    pub fn of(&self, document: &str, section: &str) -> &[&'static str] {
        self.0.get(format!("{document}#{section}").as_str()).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_belong_to_the_section_above_them() {
        let asked = Asked::read("# a note\na-b#c\nhow\nwhy c# is here\n\nd#e\nwhen\n");
        assert_eq!(asked.of("a-b", "c"), ["how", "why c# is here"]);
        assert_eq!(asked.of("d", "e"), ["when"]);
        assert!(asked.of("d", "c").is_empty());
    }
}

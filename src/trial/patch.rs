//! A revision's text with another `downgrade()`, and the difference as a patch for `git apply`.

use crate::project::revision::{Body, Shape};

/// The text of a revision file, with the place of its `downgrade()`.
#[derive(Debug, Clone)]
pub(super) struct Text<'a> {
    lines: Vec<&'a str>,
    ending: &'static str,
    /// Line of `def downgrade`, and the last line of its body, from 0; None where there is none.
    body: Option<(usize, usize)>,
    is_empty: bool,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str, body: Option<&Body>) -> Self {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let ending = if lines.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
        let place = |body: &Body| Some(((body.line as usize).checked_sub(1)?, (body.end_line as usize).checked_sub(1)?));
        Self { lines, ending, body: body.and_then(place), is_empty: body.is_some_and(|body| body.shape == Shape::Empty) }
    }

    /// With statements before the one that holds `line` (from 1), and at the end of the body.
    pub(super) fn with(&self, line: Option<u32>, first: &[String], last: &[String]) -> Option<String> {
        if !self.lines.iter().any(|line| line.contains("import op")) {
            return None;
        }
        let Some((def, end)) = self.body else {
            let calls: String = first.iter().chain(last).map(|sql| self.call(sql, "    ")).collect();
            let mut whole: String = self.lines.concat();
            if !whole.ends_with('\n') {
                whole.push_str(self.ending);
            }
            return Some(format!("{whole}{0}{0}def downgrade() -> None:{0}{calls}", self.ending));
        };
        let indent = self.indent(def, end)?;
        let at =
            line.and_then(|line| self.statement_at((line as usize).checked_sub(1)?, def, end, &indent)).map_or(def + 1, |(from, _)| from);
        let mut out = String::new();
        for (number, text) in self.lines.iter().enumerate() {
            let is_inside = number > def && number <= end;
            if number == at && is_inside {
                out.extend(first.iter().map(|sql| self.call(sql, &indent)));
            }
            // `pass` is of no use beside a statement.
            if !(is_inside && self.is_empty && text.trim() == "pass") {
                out.push_str(text);
                if !text.ends_with('\n') {
                    out.push_str(self.ending);
                }
            }
            if number == end {
                out.extend(last.iter().map(|sql| self.call(sql, &indent)));
            }
        }
        Some(out)
    }

    /// With the statement that holds `line` moved to the end of the body.
    pub(super) fn moved_to_end(&self, line: u32) -> Option<String> {
        let (def, end) = self.body?;
        let indent = self.indent(def, end)?;
        let (from, to) = self.statement_at((line as usize).checked_sub(1)?, def, end, &indent)?;
        if to >= end {
            return None;
        }
        let part = |range: std::ops::RangeInclusive<usize>| -> String {
            self.lines
                .get(range)
                .into_iter()
                .flatten()
                .map(|line| format!("{}{}", line.trim_end_matches(['\r', '\n']), self.ending))
                .collect()
        };
        let before: String = self.lines.get(..from)?.concat();
        let after: String = self.lines.get(end + 1..)?.concat();
        Some(format!("{before}{}{}{after}", part(to + 1..=end), part(from..=to)))
    }

    /// With the statement that holds `line` and the one behind it in each other's place.
    pub(super) fn swapped(&self, line: u32) -> Option<String> {
        let (def, end) = self.body?;
        let indent = self.indent(def, end)?;
        let (from, to) = self.statement_at((line as usize).checked_sub(1)?, def, end, &indent)?;
        let (next_from, next_to) = self.statement_at(to + 1, def, end, &indent)?;
        let lines = |range: std::ops::RangeInclusive<usize>| -> String {
            let part = self.lines.get(range).into_iter().flatten();
            part.map(|line| format!("{}{}", line.trim_end_matches(['\r', '\n']), self.ending)).collect()
        };
        let (before, after) = (self.lines.get(..from)?.concat(), self.lines.get(next_to + 1..)?.concat());
        Some(format!("{before}{}{}{after}", lines(next_from..=next_to), lines(from..=to)))
    }

    /// With `old` replaced by `new` on one line.
    pub(super) fn replaced(&self, line: u32, old: &str, new: &str) -> Option<String> {
        let at = (line as usize).checked_sub(1)?;
        let (def, end) = self.body?;
        let text = self.lines.get(at).filter(|text| (def..=end).contains(&at) && text.contains(old))?;
        let changed = text.replacen(old, new, 1);
        let whole = self.lines.iter().enumerate().map(|(number, line)| if number == at { changed.as_str() } else { line });
        Some(whole.collect())
    }

    /// What a line says.
    pub(super) fn line(&self, line: u32) -> &str {
        self.lines.get((line as usize).saturating_sub(1)).copied().unwrap_or_default()
    }

    fn call(&self, sql: &str, indent: &str) -> String {
        format!("{indent}op.execute({}){}", python_literal(sql), self.ending)
    }

    fn indent(&self, def: usize, end: usize) -> Option<String> {
        let inside = self.lines.get(def + 1..=end)?.iter().filter(|line| !line.trim().is_empty());
        let depth = |line: &&str| line.len() - line.trim_start().len();
        let first = inside.filter(|line| depth(line) > 0).min_by_key(|line| depth(line))?;
        first.get(..depth(first)).map(str::to_owned)
    }

    /// First and last line of the statement of the body that holds line `at`.
    fn statement_at(&self, at: usize, def: usize, end: usize, indent: &str) -> Option<(usize, usize)> {
        let begins = |number: usize| {
            self.lines.get(number).is_some_and(|line| {
                let rest = line.strip_prefix(indent).unwrap_or(" ");
                rest.starts_with(|c: char| !c.is_whitespace() && !matches!(c, ')' | ']' | '}' | '#' | '"' | '\''))
            })
        };
        if at <= def || at > end {
            return None;
        }
        let from = (def + 1..=at).rev().find(|number| begins(*number))?;
        let to = (from + 1..=end).find(|number| begins(*number)).map_or(end, |next| next - 1);
        Some((from, to))
    }
}

/// A text as Python writes it. What SQLAlchemy would take for a parameter (`:name`) gets its backslash.
fn python_literal(sql: &str) -> String {
    let mut escaped = String::with_capacity(sql.len());
    let mut before = ' ';
    let mut rest = sql.chars().peekable();
    while let Some(c) = rest.next() {
        let is_parameter = c == ':'
            && before != ':'
            && !(before.is_alphanumeric() || before == '_')
            && rest.peek().is_some_and(|next| next.is_alphanumeric() || *next == '_');
        if is_parameter {
            escaped.push('\\');
        }
        escaped.push(c);
        before = c;
    }
    serde_json::to_string(&escaped).unwrap_or_default()
}

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// A unified difference of one file: one hunk. `file` is its path from the folder in which `git apply` is run.
pub(super) fn unified(file: &str, old: &str, new: &str) -> String {
    // Outside of the project's folder a file has its whole path, and `a//` is none.
    let file = file.trim_start_matches('/');
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let same = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let most = old.len().min(new.len()) - same;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(one, other)| one == other).count();
    let from = same.saturating_sub(CONTEXT);
    let behind = tail.min(CONTEXT);
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let mut hunk = String::new();
    let mut add = |sign: char, lines: Option<&[&str]>| {
        for line in lines.unwrap_or_default() {
            hunk.push(sign);
            hunk.push_str(line);
            if !line.ends_with('\n') {
                hunk.push_str("\n\\ No newline at end of file\n");
            }
        }
    };
    add(' ', old.get(from..same));
    add('-', old.get(same..old_end));
    add('+', new.get(same..new_end));
    add(' ', old.get(old_end..old_end + behind));
    let (old_count, new_count) = (old_end + behind - from, new_end + behind - from);
    format!("--- a/{file}\n+++ b/{file}\n@@ -{},{old_count} +{},{new_count} @@\n{hunk}", from + 1, from + 1)
}

//! Text to commands: one pass over the characters, nested where the shell nests.

/// How deep substitutions are followed.
const DEEPEST: usize = 24;

/// A word as the program would get it, as far as that can be known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// Its characters, without quotes; where something is put in at run time, nothing stands.
    pub text: String,
    /// All of it is known: nothing is put in, no pattern is matched against file names.
    pub is_known: bool,
}

/// A simple command: assignments, redirections and keywords are taken off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub words: Vec<Word>,
    /// `NAME=value` before it.
    pub assignments: Vec<(String, Word)>,
    /// Texts given to its standard input: here-documents and here-strings.
    pub inputs: Vec<Word>,
    /// It reads what another command writes.
    pub is_fed: bool,
    /// Another command reads what it writes.
    pub feeds: bool,
}

/// Everything that a text runs, substitutions among it, in the order of their ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// The commands.
    pub commands: Vec<Command>,
    /// What could not be read, in words.
    pub doubts: Vec<&'static str>,
}

/// Reads a command line or a script.
#[must_use]
pub fn read(text: &str) -> Line {
    let mut line = Line::default();
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line: &mut line, depth: 0, documents: Vec::new() };
    reader.list(None);
    line
}

struct Reader<'a> {
    chars: Vec<char>,
    at: usize,
    line: &'a mut Line,
    depth: usize,
    /// Here-documents that begin with the next line: the command, the end word, tabs are taken off, the text is literal.
    documents: Vec<Document>,
}

struct Document {
    /// The command's place in the line; commands are pushed when they end, so it is found by this mark.
    mark: usize,
    end: String,
    without_tabs: bool,
    is_literal: bool,
}

/// A command while it is read.
#[derive(Default)]
struct Open {
    command: Command,
    /// Set by a here-document: which one.
    marks: Vec<usize>,
}

const KEYWORDS: &[&str] = &[
    "if", "then", "else", "elif", "fi", "while", "until", "do", "done", "for", "case", "esac", "in", "{", "}", "!", "time", "select",
    "coproc",
];

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let found = self.peek(0);
        self.at += usize::from(found.is_some());
        found
    }

    fn takes(&mut self, text: &str) -> bool {
        let fits = text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c));
        if fits {
            self.at += text.chars().count();
        }
        fits
    }

    fn doubt(&mut self, what: &'static str) {
        if !self.line.doubts.contains(&what) {
            self.line.doubts.push(what);
        }
    }

    /// Commands up to the closing character, or the end of the text.
    fn list(&mut self, close: Option<char>) {
        let mut open = Open::default();
        let mut is_fed = false;
        let mut closed = close.is_none();
        while let Some(c) = self.peek(0) {
            if Some(c) == close {
                self.at += 1;
                closed = true;
                break;
            }
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '\n' => {
                    self.at += 1;
                    self.end(&mut open, &mut is_fed, false);
                    self.here_documents();
                }
                '#' => self.comment(),
                ';' => {
                    self.at += 1;
                    self.end(&mut open, &mut is_fed, false);
                }
                '|' => {
                    self.at += 1;
                    let is_or = self.peek(0) == Some('|');
                    self.at += usize::from(is_or || self.peek(0) == Some('&'));
                    self.end(&mut open, &mut is_fed, !is_or);
                }
                '&' if self.peek(1) == Some('>') => {
                    self.at += 1;
                    self.redirection(&mut open);
                }
                '&' => {
                    self.at += 1;
                    self.at += usize::from(self.peek(0) == Some('&'));
                    self.end(&mut open, &mut is_fed, false);
                }
                '(' => self.parenthesis(&mut open, &mut is_fed),
                ')' => {
                    // `pattern)` of a case, or one too many.
                    self.at += 1;
                    open = Open::default();
                }
                '<' | '>' if self.peek(1) == Some('(') => {
                    let word = self.word();
                    self.push(&mut open, word);
                }
                '<' | '>' => self.redirection(&mut open),
                '0'..='9' if self.is_descriptor() => {
                    while self.peek(0).is_some_and(|c| c.is_ascii_digit()) {
                        self.at += 1;
                    }
                    self.redirection(&mut open);
                }
                _ => {
                    let word = self.word();
                    self.push(&mut open, word);
                }
            }
        }
        self.end(&mut open, &mut is_fed, false);
        if close.is_none() {
            self.here_documents();
        }
        if !closed {
            self.doubt("a parenthesis or a substitution does not end");
        }
    }

    fn comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    /// `2>`: digits directly before a redirection.
    fn is_descriptor(&self) -> bool {
        let mut ahead = 0;
        while self.peek(ahead).is_some_and(|c| c.is_ascii_digit()) {
            ahead += 1;
        }
        matches!(self.peek(ahead), Some('<' | '>'))
    }

    /// A subshell, or the `()` of a function: what is inside is run, or may be.
    fn parenthesis(&mut self, open: &mut Open, is_fed: &mut bool) {
        self.at += 1;
        if self.takes(")") {
            *open = Open::default();
            return;
        }
        if self.takes("(") {
            self.arithmetic();
            return;
        }
        self.end(open, is_fed, false);
        self.nested(')');
    }

    fn nested(&mut self, close: char) {
        if self.depth >= DEEPEST {
            self.doubt("commands are nested too deeply");
            self.at = self.chars.len();
            return;
        }
        self.depth += 1;
        self.list(Some(close));
        self.depth -= 1;
    }

    /// `((…))`, up to the two closing ones; substitutions inside are read.
    fn arithmetic(&mut self) {
        let mut depth = 2;
        while depth > 0 {
            match self.next() {
                Some('(') => depth += 1,
                Some(')') => depth -= 1,
                Some('$') if self.peek(0) == Some('(') => {
                    self.at += 1;
                    self.nested(')');
                }
                Some('`') => self.backticks(),
                Some(_) => {}
                None => {
                    self.doubt("an arithmetic expression does not end");
                    return;
                }
            }
        }
    }

    fn push(&mut self, open: &mut Open, word: Word) {
        let command = &mut open.command;
        if command.words.is_empty() {
            if let Some((name, value)) = assignment(&word) {
                command.assignments.push((name, value));
                return;
            }
            if word.is_known && KEYWORDS.contains(&word.text.as_str()) {
                return;
            }
        }
        command.words.push(word);
    }

    fn end(&mut self, open: &mut Open, is_fed: &mut bool, feeds: bool) {
        let Open { mut command, marks } = std::mem::take(open);
        let is_empty = command.words.is_empty() && command.assignments.is_empty() && command.inputs.is_empty() && marks.is_empty();
        if !is_empty {
            command.is_fed = *is_fed;
            command.feeds = feeds;
            let place = self.line.commands.len();
            for document in self.documents.iter_mut().filter(|document| marks.contains(&document.mark)) {
                document.mark = place;
            }
            self.line.commands.push(command);
        }
        *is_fed = feeds;
    }

    /// `>`, `>>`, `2>&1`, `<`, `<<END`, `<<<word`.
    fn redirection(&mut self, open: &mut Open) {
        if self.takes("<<<") {
            self.blanks();
            let word = self.word();
            open.command.inputs.push(word);
            return;
        }
        if self.takes("<<") {
            let without_tabs = self.takes("-");
            self.blanks();
            let before = self.at;
            let end = self.word();
            let is_literal = self.chars.get(before..self.at).unwrap_or_default().iter().any(|c| matches!(c, '\'' | '"' | '\\'));
            // Far above every place a command can have, until the command has one.
            let mark = usize::MAX - self.documents.len();
            open.marks.push(mark);
            self.documents.push(Document { mark, end: end.text, without_tabs, is_literal });
            return;
        }
        while self.peek(0).is_some_and(|c| matches!(c, '<' | '>' | '|' | '&')) {
            self.at += 1;
        }
        self.blanks();
        if self.peek(0).is_some_and(|c| !matches!(c, '\n' | ';')) {
            self.word();
        }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    /// The texts that were announced before this line.
    fn here_documents(&mut self) {
        for document in std::mem::take(&mut self.documents) {
            let mut text = String::new();
            loop {
                let mut row = String::new();
                let mut ended = true;
                while let Some(c) = self.next() {
                    if c == '\n' {
                        ended = false;
                        break;
                    }
                    row.push(c);
                }
                let shown = if document.without_tabs { row.trim_start_matches('\t') } else { row.as_str() };
                if shown == document.end {
                    break;
                }
                text.push_str(shown);
                text.push('\n');
                if ended {
                    break;
                }
            }
            let is_known = document.is_literal || !text.contains(['$', '`']);
            if !is_known {
                self.inside(&text);
            }
            if let Some(command) = self.line.commands.get_mut(document.mark) {
                command.inputs.push(Word { text, is_known });
            }
        }
    }

    /// Substitutions in a text that the shell expands.
    fn inside(&mut self, text: &str) {
        if self.depth >= DEEPEST {
            self.doubt("commands are nested too deeply");
            return;
        }
        let mut reader = Reader { chars: text.chars().collect(), at: 0, line: self.line, depth: self.depth + 1, documents: Vec::new() };
        let mut ignored = Word { text: String::new(), is_known: true };
        while let Some(c) = reader.next() {
            match c {
                '\\' => reader.at += 1,
                '$' => reader.dollar(&mut ignored),
                '`' => reader.backticks(),
                _ => {}
            }
        }
    }

    /// One word, with what is quoted in it.
    fn word(&mut self) -> Word {
        let mut word = Word { text: String::new(), is_known: true };
        let begun = self.at;
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | ')' => break,
                '(' if self.at == begun => break,
                '(' => {
                    // `name()` is a function, `@(a|b)` a pattern, `a=(…)` an array.
                    if self.peek(1) == Some(')') {
                        break;
                    }
                    word.is_known = false;
                    self.at += 1;
                    self.nested(')');
                }
                '<' | '>' => {
                    if self.peek(1) != Some('(') || self.at != begun {
                        break;
                    }
                    self.at += 2;
                    word.is_known = false;
                    self.nested(')');
                }
                '\'' => {
                    self.at += 1;
                    self.until_quote(&mut word);
                }
                '"' => {
                    self.at += 1;
                    self.double_quoted(&mut word);
                }
                '\\' => {
                    self.at += 1;
                    match self.next() {
                        Some('\n') | None => {}
                        Some(c) => word.text.push(c),
                    }
                }
                '$' => {
                    self.at += 1;
                    self.dollar(&mut word);
                }
                '`' => {
                    self.at += 1;
                    word.is_known = false;
                    self.backticks();
                }
                '*' | '?' | '[' => {
                    // A pattern: it becomes the names of files.
                    word.is_known &= self.at == begun && c == '[' && matches!(self.peek(1), None | Some(' ' | '['));
                    word.text.push(c);
                    self.at += 1;
                }
                '{' if self.peek(1).is_some_and(|c| !c.is_whitespace() && c != '}') => {
                    word.is_known = false;
                    word.text.push(c);
                    self.at += 1;
                }
                c => {
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
        if self.at == begun {
            // Nothing that a word can begin with: step over it, so that reading goes on.
            self.at += 1;
        }
        word
    }

    fn until_quote(&mut self, word: &mut Word) {
        loop {
            match self.next() {
                Some('\'') => return,
                Some(c) => word.text.push(c),
                None => return self.doubt("a quote does not end"),
            }
        }
    }

    fn double_quoted(&mut self, word: &mut Word) {
        loop {
            match self.next() {
                Some('"') => return,
                Some('\\') => match self.next() {
                    Some(c @ ('$' | '`' | '"' | '\\')) => word.text.push(c),
                    Some('\n') => {}
                    Some(c) => word.text.extend(['\\', c]),
                    None => return self.doubt("a quote does not end"),
                },
                Some('$') => self.dollar(word),
                Some('`') => {
                    word.is_known = false;
                    self.backticks();
                }
                Some(c) => word.text.push(c),
                None => return self.doubt("a quote does not end"),
            }
        }
    }

    /// Behind a `$`.
    fn dollar(&mut self, word: &mut Word) {
        if self.depth >= DEEPEST {
            self.doubt("commands are nested too deeply");
            self.at = self.chars.len();
            return;
        }
        self.depth += 1;
        self.expansion(word);
        self.depth -= 1;
    }

    fn expansion(&mut self, word: &mut Word) {
        match self.peek(0) {
            Some('\'') => {
                self.at += 1;
                self.ansi_quoted(word);
            }
            Some('"') => {
                self.at += 1;
                self.double_quoted(word);
            }
            Some('(') if self.peek(1) == Some('(') => {
                word.is_known = false;
                self.at += 2;
                self.arithmetic();
            }
            Some('(') => {
                word.is_known = false;
                self.at += 1;
                self.nested(')');
            }
            Some('{') => {
                word.is_known = false;
                self.at += 1;
                self.braces(word);
            }
            Some(c) if c.is_ascii_alphanumeric() || "_@*#?$!-".contains(c) => {
                word.is_known = false;
                self.at += 1;
                while c != '$' && self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.at += 1;
                }
            }
            _ => word.text.push('$'),
        }
    }

    /// `${name:-default}`: the default may be a word, or run something.
    fn braces(&mut self, word: &mut Word) {
        let mut depth = 1;
        while depth > 0 {
            match self.next() {
                Some('{') => depth += 1,
                Some('}') => depth -= 1,
                Some('\'') => self.until_quote(word),
                Some('$') => self.dollar(word),
                Some('`') => self.backticks(),
                Some(c) => word.text.push(c),
                None => return self.doubt("an expansion does not end"),
            }
        }
    }

    fn backticks(&mut self) {
        let mut text = String::new();
        loop {
            match self.next() {
                Some('`') => break,
                Some('\\') => text.extend(self.next()),
                Some(c) => text.push(c),
                None => {
                    self.doubt("a quote does not end");
                    break;
                }
            }
        }
        if self.depth >= DEEPEST {
            return self.doubt("commands are nested too deeply");
        }
        let mut reader = Reader { chars: text.chars().collect(), at: 0, line: self.line, depth: self.depth + 1, documents: Vec::new() };
        reader.list(None);
    }

    /// `$'…'`: the escapes of C.
    fn ansi_quoted(&mut self, word: &mut Word) {
        loop {
            match self.next() {
                Some('\'') => return,
                Some('\\') => {
                    let Some(c) = self.next() else { return self.doubt("a quote does not end") };
                    match c {
                        'n' => word.text.push('\n'),
                        't' => word.text.push('\t'),
                        'x' => self.code(word, 16, 2),
                        'u' => self.code(word, 16, 4),
                        'U' => self.code(word, 16, 8),
                        '0'..='7' => {
                            self.at -= 1;
                            self.code(word, 8, 3);
                        }
                        c => word.text.push(c),
                    }
                }
                Some(c) => word.text.push(c),
                None => return self.doubt("a quote does not end"),
            }
        }
    }

    fn code(&mut self, word: &mut Word, radix: u32, most: usize) {
        let mut value = 0;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(|c| c.to_digit(radix)) else { break };
            value = value * radix + digit;
            self.at += 1;
        }
        word.text.extend(char::from_u32(value));
    }
}

fn assignment(word: &Word) -> Option<(String, Word)> {
    let (name, value) = word.text.split_once('=')?;
    let name = name.trim_end_matches('+');
    let is_name =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), Word { text: value.to_owned(), is_known: word.is_known }))
}

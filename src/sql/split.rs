//! Where one statement ends and the next begins, as the dialect's own client would see it.
//!
//! Total: what is not a statement is a gap, and statements and gaps put together are the input, byte for byte.
//! Knows dollar quotes and `BEGIN ATOMIC`, psql's `\` lines and COPY data, `DELIMITER`, trigger bodies, `GO`,
//! Oracle's `/`, and the marks that Alembic, goose, dbmate, sqlx and Flyway leave in comments.

use crate::dialect::Dialect;
use crate::sql::token::{Lexer, Token, TokenKind};

/// Upwards or downwards: a goose or dbmate file holds both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The way to the target.
    Up,
    /// The way back.
    Down,
}

/// What a comment of a migration tool says about the statements behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Alembic's `Running upgrade a -> b`: the statements are those of this revision.
    Revision {
        /// Its id.
        revision: String,
        /// Up or down.
        direction: Direction,
    },
    /// goose's or dbmate's up and down sections; true: the tool wraps them in a transaction.
    Section {
        /// Up or down.
        direction: Direction,
        /// A transaction stands around it.
        in_transaction: bool,
    },
    /// Our own mark in rendered ranges: a transaction begins here, or ends. No statement: the range has none there.
    Transaction {
        /// It begins.
        begins: bool,
    },
    /// The file is run without a transaction around it (goose, sqlx, Flyway).
    NoTransaction,
    /// A tool's mark that only ends the statement before it.
    Border,
}

/// A statement as text: where it stands and which tokens it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// First byte.
    pub start: u32,
    /// One past the last byte; the terminator is outside.
    pub end: u32,
    /// Its first token in `Split::tokens`.
    pub first_token: u32,
    /// One past its last token.
    pub end_token: u32,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Column of the first byte in characters, from 1.
    pub column: u32,
    /// What it is for the client.
    pub form: Form,
    /// It holds a `/*! … */` comment.
    pub executable_comment: bool,
    /// How many of `Split::marks` stand before it.
    pub marks_before: u32,
}

/// What the client does with a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Sent to the server.
    Statement,
    /// A line for the client that runs what we cannot see (`\i file`, `\gexec`, `\! …`).
    Client,
    /// Something was open at the end of the text: a quote, a comment, a bracket, a body, COPY data.
    Unterminated,
}

/// A text in pieces.
#[derive(Debug, Default)]
pub struct Split {
    /// All tokens of all statements, in order.
    pub tokens: Vec<Token>,
    /// The statements, in order, not overlapping.
    pub pieces: Vec<Piece>,
    /// Comments, in order; those inside of statements too.
    pub comments: Vec<crate::sql::token::Comment>,
    /// Marks of tools, in order.
    pub marks: Vec<Mark>,
    /// Byte ranges of COPY data, by the index of the piece that reads them.
    pub copy_data: Vec<(u32, std::ops::Range<u32>)>,
}

/// Splits `text`; never fails.
#[must_use]
pub fn split(text: &str, dialect: Dialect) -> Split {
    Splitter {
        text,
        dialect,
        lexer: Lexer::new(text, dialect),
        out: Split::default(),
        delimiter: None,
        loose: false,
        counted: Counted::default(),
        comments_seen: 0,
    }
    .run()
}

#[derive(Default)]
struct Counted {
    at: usize,
    line: u32,
    column: u32,
}

struct Splitter<'a> {
    text: &'a str,
    dialect: Dialect,
    lexer: Lexer<'a>,
    out: Split,
    /// What `DELIMITER` asked for; `None`: a semicolon.
    delimiter: Option<&'a str>,
    /// A bracket or a body never closed: from here on only terminators count.
    loose: bool,
    counted: Counted,
    comments_seen: usize,
}

/// Why a statement ended.
enum End {
    Terminator,
    Border,
    Text { open: bool },
}

impl<'a> Splitter<'a> {
    fn run(mut self) -> Split {
        loop {
            self.lexer.skip_blanks();
            self.note_marks();
            if self.lexer.at >= self.text.len() {
                break;
            }
            if !self.client_line() {
                self.statement();
            }
        }
        self.out.comments = self.lexer.comments;
        self.out
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.lexer.at..).unwrap_or_default()
    }

    /// Notes what comments since the last call say; true when one of them is a border between statements.
    fn note_marks(&mut self) -> bool {
        let mut border = false;
        while let Some(comment) = self.lexer.comments.get(self.comments_seen) {
            self.comments_seen += 1;
            let text = self.text.get(comment.start as usize..comment.end as usize).unwrap_or_default();
            if let Some(mark) = mark_of(text) {
                self.out.marks.push(mark);
                border = true;
            }
        }
        border
    }

    /// A line that is for the client, not the server. Those that change nothing become part of the gap.
    fn client_line(&mut self) -> bool {
        let rest = self.rest();
        // The line is looked for only where it may matter: all statements may stand on one line.
        let may_matter = match self.dialect {
            Dialect::Postgresql => rest.starts_with('\\'),
            Dialect::Mysql | Dialect::Mariadb => starts_with_word(rest.get(..10).unwrap_or(rest), "delimiter"),
            Dialect::Mssql => rest.starts_with(['g', 'G']),
            Dialect::Oracle => rest.starts_with('/'),
            Dialect::Sqlite => false,
        };
        let line_end = if may_matter { self.lexer.line_end(self.lexer.at) } else { self.lexer.at };
        let line = self.text.get(self.lexer.at..line_end).unwrap_or_default();
        let line = if line.len() < 400 { line.trim_end() } else { line };
        match self.dialect {
            Dialect::Postgresql if rest.starts_with('\\') => {
                self.psql_line(line.trim_end(), line_end);
                true
            }
            Dialect::Mysql | Dialect::Mariadb if starts_with_word(line, "delimiter") => {
                let given = line.get("delimiter".len()..).unwrap_or_default().trim();
                self.delimiter = (given != ";" && !given.is_empty()).then_some(given);
                self.lexer.at = line_end;
                true
            }
            Dialect::Mssql if is_go(line) => {
                self.lexer.at = line_end;
                true
            }
            Dialect::Oracle if line == "/" => {
                self.lexer.at = line_end;
                true
            }
            _ if self.delimiter.is_some_and(|mark| rest.starts_with(mark)) => {
                self.lexer.at += self.delimiter.map_or(1, str::len);
                true
            }
            _ if self.delimiter.is_none() && rest.starts_with(';') => {
                self.lexer.at += 1;
                true
            }
            _ => false,
        }
    }

    fn psql_line(&mut self, line: &str, line_end: usize) {
        let command: &str = line.get(1..).unwrap_or_default().split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let start = self.lexer.at;
        self.lexer.at = line_end;
        if runs_unseen(command) {
            let (line_number, column) = self.position(start);
            let token = self.out.tokens.len() as u32;
            self.push(start, start + line.len(), token, line_number, column, Form::Client);
        }
    }

    fn statement(&mut self) {
        let start = self.lexer.at;
        let (line, column) = self.position(start);
        let first_token = self.out.tokens.len();
        let (comments, marks, seen) = (self.lexer.comments.len(), self.out.marks.len(), self.comments_seen);
        self.lexer.met_executable_comment = self.lexer.in_executable_comment;
        let marks_before = marks;
        let mut end = self.read_to_end(first_token);
        if matches!(end, End::Text { open: true }) && !self.loose {
            self.loose = true;
            self.lexer.at = start;
            self.lexer.in_executable_comment = false;
            self.lexer.unterminated = false;
            self.lexer.comments.truncate(comments);
            self.out.marks.truncate(marks);
            self.comments_seen = seen;
            self.out.tokens.truncate(first_token);
            end = self.read_to_end(first_token);
        }
        let stop = self.out.tokens.last().map_or(start, |token| token.end as usize);
        let open = matches!(end, End::Text { open: true }) || std::mem::take(&mut self.lexer.unterminated);
        if self.out.tokens.len() == first_token {
            return;
        }
        let form = if open { Form::Unterminated } else { Form::Statement };
        self.push(start, stop, first_token as u32, line, column, form);
        if let Some(piece) = self.out.pieces.last_mut() {
            piece.marks_before = marks_before as u32;
        }
        if self.reads_stdin(first_token) {
            self.copy_data();
        }
    }

    fn push(&mut self, start: usize, end: usize, first_token: u32, line: u32, column: u32, form: Form) {
        self.out.pieces.push(Piece {
            start: start as u32,
            end: end as u32,
            first_token,
            end_token: self.out.tokens.len() as u32,
            line,
            column,
            form,
            executable_comment: self.lexer.met_executable_comment,
            marks_before: self.out.marks.len() as u32,
        });
    }

    /// Reads tokens up to the statement's end and moves over the terminator.
    fn read_to_end(&mut self, first_token: usize) -> End {
        let mut brackets = 0_u32;
        let mut body = Body::new(self.dialect);
        loop {
            self.lexer.skip_blanks();
            if self.comments_seen < self.lexer.comments.len() && self.note_marks() {
                return End::Border;
            }
            let at = self.lexer.at;
            if at >= self.text.len() {
                return End::Text { open: brackets > 0 && self.minds_brackets() || body.is_open() };
            }
            if let Some(mark) = self.delimiter {
                if self.rest().starts_with(mark) {
                    self.lexer.at += mark.len();
                    return End::Terminator;
                }
            } else if self.byte(at) == b';' {
                let inside = (brackets > 0 && self.minds_brackets()) || body.holds_terminators();
                if !inside || self.loose {
                    self.lexer.at += 1;
                    return End::Terminator;
                }
            }
            if self.ends_at_line(at) {
                return End::Terminator;
            }
            let Some(token) = self.lexer.next_token() else {
                continue;
            };
            match self.byte(token.start as usize) {
                b'(' | b'[' if token.kind == TokenKind::Punctuation => brackets += 1,
                b')' | b']' if token.kind == TokenKind::Punctuation => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            let word = (token.kind == TokenKind::Word).then(|| self.text.get(token.start as usize..token.end as usize).unwrap_or_default());
            let follows = self.lexer.at;
            body.see(word, self.byte(token.start as usize), || next_word(self.text, follows));
            self.out.tokens.push(token);
            let _ = first_token;
        }
    }

    /// psql does not end a statement inside of brackets; the other clients do.
    fn minds_brackets(&self) -> bool {
        self.dialect == Dialect::Postgresql && !self.loose
    }

    fn byte(&self, index: usize) -> u8 {
        self.text.as_bytes().get(index).copied().unwrap_or(0)
    }

    /// Lines that end a statement without a terminator: `GO`, Oracle's `/`, psql's `\g`, `USE db` of the mysql client.
    fn ends_at_line(&mut self, at: usize) -> bool {
        let byte = self.byte(at);
        let may_end = match self.dialect {
            Dialect::Postgresql => byte == b'\\',
            Dialect::Mssql => matches!(byte, b'g' | b'G') && self.is_line_start(at),
            Dialect::Oracle => byte == b'/' && self.is_line_start(at),
            Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite => false,
        };
        if !may_end {
            return false;
        }
        let line_end = self.lexer.line_end(at);
        match (self.dialect, byte) {
            (Dialect::Postgresql, b'\\') => {
                let line = self.text.get(at..line_end).unwrap_or_default().trim_end();
                if line.starts_with("\\gexec") {
                    return true;
                }
                self.lexer.at = if line.starts_with("\\;") { at + 2 } else { line_end };
                line.starts_with("\\g") || line.starts_with("\\;")
            }
            (Dialect::Mssql, b'g' | b'G') if is_go(self.text.get(at..line_end).unwrap_or_default()) => {
                self.lexer.at = line_end;
                true
            }
            (Dialect::Oracle, b'/') if self.text.get(at..line_end).is_some_and(|line| line.trim() == "/") => {
                self.lexer.at = line_end;
                true
            }
            _ => false,
        }
    }

    fn is_line_start(&self, at: usize) -> bool {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        before.iter().rev().take_while(|&&b| b != b'\n').all(|b| b.is_ascii_whitespace())
    }

    fn reads_stdin(&self, first_token: usize) -> bool {
        let tokens = self.out.tokens.get(first_token..).unwrap_or_default();
        let is = |token: &Token, word: &str| {
            self.text.get(token.start as usize..token.end as usize).is_some_and(|text| text.eq_ignore_ascii_case(word))
        };
        self.dialect == Dialect::Postgresql
            && tokens.first().is_some_and(|token| is(token, "copy"))
            && tokens.windows(2).any(|pair| matches!(pair, [a, b] if is(a, "from") && is(b, "stdin")))
    }

    /// Moves over the lines that `COPY … FROM STDIN` reads, to `\.`.
    fn copy_data(&mut self) {
        let begin = (self.lexer.line_end(self.lexer.at) + 1).min(self.text.len());
        let mut line_start = begin;
        let mut closed = false;
        while line_start < self.text.len() {
            let line_end = self.lexer.line_end(line_start);
            let line = self.text.get(line_start..line_end).unwrap_or_default();
            if line.trim_end_matches('\r') == "\\." {
                closed = true;
                self.lexer.at = line_end;
                break;
            }
            line_start = line_end + 1;
        }
        let end = line_start.min(self.text.len());
        if !closed {
            self.lexer.at = self.text.len();
        }
        let piece = self.out.pieces.len().saturating_sub(1) as u32;
        self.out.copy_data.push((piece, begin.min(end) as u32..end as u32));
        if let (false, Some(last)) = (closed || begin >= end, self.out.pieces.last_mut()) {
            last.form = Form::Unterminated;
        }
    }

    /// Line and column of a byte, counted on from the last one asked for: each byte is looked at once.
    fn position(&mut self, at: usize) -> (u32, u32) {
        let counted = &mut self.counted;
        for byte in self.text.as_bytes().get(counted.at..at).unwrap_or_default() {
            match byte {
                b'\n' => {
                    counted.line += 1;
                    counted.column = 0;
                }
                // The bytes of a character behind its first are no column of their own.
                0x80..=0xBF => {}
                _ => counted.column += 1,
            }
        }
        counted.at = at.max(counted.at);
        (counted.line + 1, counted.column + 1)
    }
}

/// Follows the body of a function, trigger or block, whose semicolons end nothing.
struct Body {
    dialect: Dialect,
    words: u32,
    is_create: bool,
    is_routine: bool,
    /// The whole rest belongs to it (Oracle's and SQL Server's routines end at a line, not at a semicolon).
    to_line: bool,
    depth: u32,
    at_start: bool,
    after_end: bool,
}

impl Body {
    const fn new(dialect: Dialect) -> Self {
        Self { dialect, words: 0, is_create: false, is_routine: false, to_line: false, depth: 0, at_start: true, after_end: false }
    }

    const fn is_open(&self) -> bool {
        self.depth > 0
    }

    const fn holds_terminators(&self) -> bool {
        self.depth > 0 || self.to_line
    }

    fn see(&mut self, word: Option<&str>, first_byte: u8, next: impl Fn() -> String) {
        let Some(word) = word else {
            self.at_start = first_byte == b';';
            self.after_end = false;
            return;
        };
        self.words += 1;
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if self.words == 1 {
            self.is_create = is("create") || (is("alter") && self.dialect == Dialect::Mssql);
            self.to_line = self.dialect == Dialect::Oracle && (is("declare") || is("begin"));
        }
        if self.words <= 14 && self.is_create && self.depth == 0 && !self.is_routine {
            self.is_routine = is("trigger") || is("procedure") || is("function") || is("event") || is("package") || is("proc");
            self.to_line = self.is_routine && matches!(self.dialect, Dialect::Oracle | Dialect::Mssql);
        }
        self.count(word, next);
        self.at_start = is("begin") || is("then") || is("else") || is("do") || is("loop") || is("repeat");
        self.after_end = is("end");
    }

    fn count(&mut self, word: &str, next: impl Fn() -> String) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        let block = match self.dialect {
            Dialect::Postgresql => self.is_create && is("begin") && next().eq_ignore_ascii_case("atomic"),
            Dialect::Mysql | Dialect::Mariadb | Dialect::Sqlite => self.is_routine && is("begin"),
            Dialect::Mssql => is("begin") && !matches!(next().to_ascii_lowercase().as_str(), "tran" | "transaction"),
            Dialect::Oracle => false,
        };
        if block {
            self.depth += 1;
        } else if self.depth > 0 && self.after_end && !is("end") && (is("if") || is("case") || is("loop") || is("repeat") || is("while")) {
            // `END IF`: the `END` has been counted.
        } else if self.depth > 0 && is("end") {
            self.depth -= 1;
        } else if self.depth > 0 && (is("case") || (is("begin") && self.dialect == Dialect::Postgresql)) {
            self.depth += 1;
        } else if self.depth > 0
            && self.at_start
            && self.dialect.is_mysql_family()
            && (is("if") || is("loop") || is("repeat") || is("while"))
        {
            self.depth += 1;
        }
    }
}

fn next_word(text: &str, from: usize) -> String {
    let rest = text.get(from..).unwrap_or_default().trim_start();
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}

fn starts_with_word(line: &str, word: &str) -> bool {
    line.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        && line.get(word.len()..).is_none_or(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// `GO` or `GO 5` alone on its line.
fn is_go(line: &str) -> bool {
    let mut words = line.trim().trim_end_matches(';').split_whitespace();
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("go"))
        && words.next().is_none_or(|count| count.bytes().all(|b| b.is_ascii_digit()) || count.starts_with("--"))
}

/// psql commands whose effect is not in this text; the others print or set things of the client.
fn runs_unseen(command: &str) -> bool {
    matches!(command, "i" | "ir" | "include" | "include_relative" | "!" | "copy" | "gexec" | "lo_import" | "lo_unlink" | "set_from_file")
        || command.starts_with("c") && matches!(command, "c" | "connect")
}

/// What a comment of a migration tool says, if it is one.
fn mark_of(comment: &str) -> Option<Mark> {
    let line = comment.strip_prefix("--").or_else(|| comment.strip_prefix('#'))?.trim();
    if let Some(running) = line.strip_prefix("Running ") {
        return alembic_mark(running);
    }
    if let Some(bracket) = line.strip_prefix("alembic-gate: transaction ") {
        return Some(Mark::Transaction { begins: bracket == "begins" });
    }
    if let Some(goose) = line.strip_prefix("+goose ") {
        let word = goose.trim().to_ascii_lowercase();
        return Some(match word.as_str() {
            "up" => Mark::Section { direction: Direction::Up, in_transaction: true },
            "down" => Mark::Section { direction: Direction::Down, in_transaction: true },
            "no transaction" => Mark::NoTransaction,
            _ => Mark::Border,
        });
    }
    if let Some(dbmate) = line.strip_prefix("migrate:") {
        let in_transaction = !dbmate.replace(' ', "").contains("transaction:false");
        let direction = if dbmate.starts_with("down") { Direction::Down } else { Direction::Up };
        return (dbmate.starts_with("up") || dbmate.starts_with("down")).then_some(Mark::Section { direction, in_transaction });
    }
    let lower = line.to_ascii_lowercase();
    (lower == "no-transaction" || lower.replace(' ', "").contains("executeintransaction=false")).then_some(Mark::NoTransaction)
}

/// `upgrade a -> b, c` is revision `b, c`; `downgrade b -> a` undoes revision `b`.
fn alembic_mark(running: &str) -> Option<Mark> {
    let (verb, arrow) = running.split_once(' ')?;
    let (from, to) = arrow.split_once("->")?;
    let (revision, direction) = match verb {
        "upgrade" | "stamp_revision" | "stamp" => (to.trim(), Direction::Up),
        "downgrade" => (from.trim(), Direction::Down),
        _ => return None,
    };
    let revision = revision.split(|c: char| c.is_whitespace()).next().unwrap_or_default().trim_end_matches(',');
    Some(Mark::Revision { revision: revision.to_owned(), direction })
}

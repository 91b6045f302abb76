//! Text to tokens, one dialect at a time; total: every byte string that is UTF-8 is read to its end.

use crate::dialect::Dialect;

/// What a token is; comments and blanks are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A bare word: keyword or unquoted name.
    Word,
    /// A name in the dialect's quotes, or template text such as `{{ schema }}` that stands for one.
    Quoted,
    /// A string literal of any form, its prefix included (`E'…'`, `$tag$…$tag$`).
    String,
    /// A number.
    Number,
    /// `$1`, `:name`, `@variable`, `?`.
    Parameter,
    /// One of `( ) [ ] , ; .`
    Punctuation,
    /// A run of operator characters, or any other character.
    Operator,
}

/// A token: its kind and its byte range in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A comment's byte range, its marks included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comment {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// Reads one token after the other. `at` may be moved by the splitter (over COPY data, client lines).
pub struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    dialect: Dialect,
    /// The next byte to read.
    pub at: usize,
    /// Comments met so far, in order.
    pub comments: Vec<Comment>,
    /// An executable comment (`/*! … */`) is open.
    pub in_executable_comment: bool,
    /// At least one executable comment was met since this was last cleared.
    pub met_executable_comment: bool,
    /// A string, quoted name or comment ran to the end of the text without its closing mark.
    pub unterminated: bool,
}

impl<'a> Lexer<'a> {
    /// A lexer at the beginning of `text`.
    #[must_use]
    pub fn new(text: &'a str, dialect: Dialect) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            dialect,
            at: 0,
            comments: Vec::new(),
            in_executable_comment: false,
            met_executable_comment: false,
            unterminated: false,
        }
    }

    fn byte(&self, index: usize) -> u8 {
        self.bytes.get(index).copied().unwrap_or(0)
    }

    fn starts(&self, mark: &str) -> bool {
        self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(mark.as_bytes()))
    }

    /// Where the line that holds `from` ends: the index of its `\n`, or the end of the text.
    #[must_use]
    pub fn line_end(&self, from: usize) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        rest.iter().position(|&b| b == b'\n').map_or(self.bytes.len(), |n| from + n)
    }

    /// Moves over blanks and comments; comments are noted.
    pub fn skip_blanks(&mut self) {
        loop {
            let b = self.byte(self.at);
            if self.at >= self.bytes.len() {
                return;
            }
            if b.is_ascii_whitespace() || b == 0x0b {
                self.at += 1;
            } else if b == 0xEF && self.starts("\u{feff}") {
                self.at += 3;
            } else if b == b'-' && self.byte(self.at + 1) == b'-' && self.is_dash_comment() {
                self.line_comment();
            } else if b == b'#' && self.dialect.is_mysql_family() {
                self.line_comment();
            } else if b == b'/' && self.byte(self.at + 1) == b'*' {
                self.block_comment();
            } else if b == b'*' && self.in_executable_comment && self.byte(self.at + 1) == b'/' {
                self.in_executable_comment = false;
                self.at += 2;
            } else {
                return;
            }
        }
    }

    /// MySQL wants a blank after `--`.
    fn is_dash_comment(&self) -> bool {
        !self.dialect.is_mysql_family() || self.byte(self.at + 2) <= b' '
    }

    fn line_comment(&mut self) {
        let end = self.line_end(self.at);
        self.comments.push(Comment { start: self.at as u32, end: end as u32 });
        self.at = end;
    }

    fn block_comment(&mut self) {
        if self.dialect.is_mysql_family() && self.open_executable_comment() {
            return;
        }
        let nests = matches!(self.dialect, Dialect::Postgresql | Dialect::Mssql);
        let start = self.at;
        self.at += 2;
        let mut depth = 1_u32;
        while depth > 0 {
            match (self.byte(self.at), self.byte(self.at + 1)) {
                _ if self.at >= self.bytes.len() => {
                    self.unterminated = true;
                    break;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                }
                (b'/', b'*') if nests => {
                    depth += 1;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.bytes.len());
        self.comments.push(Comment { start: start as u32, end: self.at as u32 });
    }

    /// `/*!50100 …` and MariaDB's `/*M!…`: what stands inside is run by the server, so it is read as code.
    fn open_executable_comment(&mut self) -> bool {
        let mark = if self.starts("/*!") {
            3
        } else if self.starts("/*M!") {
            4
        } else {
            return false;
        };
        self.at += mark;
        while self.byte(self.at).is_ascii_digit() {
            self.at += 1;
        }
        self.in_executable_comment = true;
        self.met_executable_comment = true;
        true
    }

    /// The next token, or `None` at the end of the text.
    pub fn next_token(&mut self) -> Option<Token> {
        self.skip_blanks();
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let kind = self.token();
        // A token never ends inside a character.
        self.at = self.at.min(self.bytes.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        Some(Token { kind, start: start as u32, end: self.at as u32 })
    }

    fn token(&mut self) -> TokenKind {
        let b = self.byte(self.at);
        let mysql = self.dialect.is_mysql_family();
        match b {
            b'\'' => self.quoted_by(b'\'', mysql, TokenKind::String),
            b'"' if self.starts("\"{{") => self.template("}}\""),
            b'"' if mysql => self.quoted_by(b'"', true, TokenKind::String),
            b'"' => self.quoted_by(b'"', false, TokenKind::Quoted),
            b'`' => self.quoted_by(b'`', false, TokenKind::Quoted),
            b'[' if matches!(self.dialect, Dialect::Mssql | Dialect::Sqlite) => self.quoted_by(b']', false, TokenKind::Quoted),
            b'(' | b')' | b'[' | b']' | b',' | b';' => self.one(TokenKind::Punctuation),
            b'.' if self.byte(self.at + 1).is_ascii_digit() && !self.follows_name() => self.number(),
            b'.' => self.one(TokenKind::Punctuation),
            b'0'..=b'9' => self.number(),
            b'$' => self.dollar(),
            b'{' if self.byte(self.at + 1) == b'{' => self.template("}}"),
            b':' if self.byte(self.at + 1) == b':' => self.take(2, TokenKind::Operator),
            b':' if self.byte(self.at + 1) == b'=' => self.take(2, TokenKind::Operator),
            b':' => self.psql_variable(),
            b'@' => self.variable(),
            b'?' => self.one(TokenKind::Parameter),
            _ if is_word_start(b) || (b == b'#' && self.dialect == Dialect::Mssql) => self.word(),
            _ => self.operator(),
        }
    }

    /// True right behind a name, where `.5` cannot be a number (`a.5` does not occur, `t.1x` would).
    fn follows_name(&self) -> bool {
        self.at > 0 && (is_word_part(self.byte(self.at - 1)) || matches!(self.byte(self.at - 1), b'"' | b'`' | b']'))
    }

    fn one(&mut self, kind: TokenKind) -> TokenKind {
        self.take(1, kind)
    }

    fn take(&mut self, bytes: usize, kind: TokenKind) -> TokenKind {
        self.at += bytes;
        kind
    }

    /// Reads from the opening mark over a text that `close` ends; a doubled `close` stands for itself.
    fn quoted_by(&mut self, close: u8, backslash: bool, kind: TokenKind) -> TokenKind {
        self.at += 1;
        loop {
            let Some(&b) = self.bytes.get(self.at) else {
                self.unterminated = true;
                return kind;
            };
            self.at += 1;
            if b == b'\\' && backslash {
                self.at = (self.at + 1).min(self.bytes.len());
            } else if b == close {
                if self.byte(self.at) != close {
                    return kind;
                }
                self.at += 1;
            }
        }
    }

    fn number(&mut self) -> TokenKind {
        let mut previous = 0;
        loop {
            let b = self.byte(self.at);
            let exponent_sign = matches!(b, b'+' | b'-') && matches!(previous, b'e' | b'E') && self.byte(self.at + 1).is_ascii_digit();
            if !(b.is_ascii_alphanumeric() || b == b'_' || b == b'.' || exponent_sign) || (b == b'.' && previous == b'.') {
                return TokenKind::Number;
            }
            previous = b;
            self.at += 1;
        }
    }

    /// `$1`, `$tag$ … $tag$`, `${placeholder}`, or a lone `$`.
    fn dollar(&mut self) -> TokenKind {
        if self.byte(self.at + 1) == b'{' {
            return self.template("}");
        }
        if self.byte(self.at + 1).is_ascii_digit() {
            self.at += 1;
            while self.byte(self.at).is_ascii_digit() {
                self.at += 1;
            }
            return TokenKind::Parameter;
        }
        let mut end = self.at + 1;
        while is_word_part(self.byte(end)) && self.byte(end) != b'$' {
            end += 1;
        }
        if self.byte(end) != b'$' || self.dialect != Dialect::Postgresql {
            return self.one(TokenKind::Operator);
        }
        let tag = self.text.get(self.at..=end).unwrap_or("$$");
        let body = end + 1;
        match self.text.get(body..).and_then(|rest| rest.find(tag)) {
            Some(n) => self.at = body + n + tag.len(),
            None => {
                self.unterminated = true;
                self.at = self.bytes.len();
            }
        }
        TokenKind::String
    }

    /// Template text of a tool (`{{ … }}`, `${ … }`): stands for a name.
    fn template(&mut self, close: &str) -> TokenKind {
        // Template text is short, and on one line.
        let near = self.bytes.get(self.at..(self.at + 400).min(self.bytes.len())).unwrap_or_default();
        let line = near.split(|b| *b == b'\n').next().unwrap_or_default();
        match line.windows(close.len()).position(|part| part == close.as_bytes()) {
            Some(n) => self.take(n + close.len(), TokenKind::Quoted),
            None => self.one(TokenKind::Operator),
        }
    }

    /// `:name`, `:'name'`, `:"name"` of psql, or a lone colon.
    fn psql_variable(&mut self) -> TokenKind {
        let next = self.byte(self.at + 1);
        self.at += 1;
        if matches!(next, b'\'' | b'"') && self.dialect == Dialect::Postgresql {
            return self.quoted_by(next, false, TokenKind::Parameter);
        }
        if !is_word_start(next) {
            return TokenKind::Operator;
        }
        while is_word_part(self.byte(self.at)) {
            self.at += 1;
        }
        TokenKind::Parameter
    }

    /// `@x`, `@@x`; in PostgreSQL `@` is an operator.
    fn variable(&mut self) -> TokenKind {
        if self.dialect == Dialect::Postgresql {
            return self.operator();
        }
        while self.byte(self.at) == b'@' {
            self.at += 1;
        }
        while is_word_part(self.byte(self.at)) || self.byte(self.at) == b'.' {
            self.at += 1;
        }
        TokenKind::Parameter
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        while is_word_part(self.byte(self.at)) || (self.at == start && self.byte(self.at) == b'#') {
            self.at += 1;
        }
        let prefix = self.bytes.get(start..self.at).unwrap_or_default();
        match (prefix, self.byte(self.at)) {
            ([b'e' | b'E'], b'\'') if self.dialect == Dialect::Postgresql => self.quoted_by(b'\'', true, TokenKind::String),
            ([b'n' | b'N' | b'b' | b'B' | b'x' | b'X'], b'\'') => self.quoted_by(b'\'', self.dialect.is_mysql_family(), TokenKind::String),
            ([b'u' | b'U'], b'&') if self.byte(self.at + 1) == b'\'' => {
                self.at += 1;
                self.quoted_by(b'\'', false, TokenKind::String)
            }
            ([b'u' | b'U'], b'&') if self.byte(self.at + 1) == b'"' => {
                self.at += 1;
                self.quoted_by(b'"', false, TokenKind::Quoted)
            }
            ([b'q' | b'Q'], b'\'') if self.dialect == Dialect::Oracle => self.oracle_quote(),
            ([b'_', ..], b'\'') if self.dialect.is_mysql_family() => self.quoted_by(b'\'', true, TokenKind::String),
            _ => TokenKind::Word,
        }
    }

    /// `q'[ … ]'`.
    fn oracle_quote(&mut self) -> TokenKind {
        let close = match self.byte(self.at + 1) {
            b'[' => b']',
            b'(' => b')',
            b'{' => b'}',
            b'<' => b'>',
            other => other,
        };
        self.at = (self.at + 2).min(self.bytes.len());
        while self.at < self.bytes.len() {
            if self.byte(self.at) == close && self.byte(self.at + 1) == b'\'' {
                self.at += 2;
                return TokenKind::String;
            }
            self.at += 1;
        }
        self.unterminated = true;
        TokenKind::String
    }

    fn operator(&mut self) -> TokenKind {
        let (first_at, first) = (self.at, self.byte(self.at));
        self.at += 1;
        if !is_operator_part(first) {
            return TokenKind::Operator;
        }
        while is_operator_part(self.byte(self.at)) {
            let comment = match (self.byte(self.at), self.byte(self.at + 1)) {
                (b'-', b'-') | (b'/', b'*') => true,
                (b'*', b'/') => self.in_executable_comment,
                _ => false,
            };
            if comment || !matches!(self.dialect, Dialect::Postgresql) && !is_two_part(first, self.byte(self.at)) {
                break;
            }
            self.at += 1;
        }
        self.give_back_signs(first_at);
        TokenKind::Operator
    }

    /// PostgreSQL: an operator ends in a sign only if it has one of `~ ! @ # % ^ & | \` ?`; `a=-3` is `a = -3`.
    fn give_back_signs(&mut self, first: usize) {
        let run = self.bytes.get(first..self.at).unwrap_or_default();
        if self.dialect == Dialect::Postgresql && !run.iter().any(|b| b"~!@#%^&|`?".contains(b)) {
            let signs = run.iter().rev().take_while(|b| matches!(b, b'+' | b'-')).count();
            self.at -= signs.min(run.len() - 1);
        }
    }
}

fn is_two_part(first: u8, second: u8) -> bool {
    matches!((first, second), (b'<' | b'>' | b'!' | b'=', b'=' | b'>') | (b'|', b'|') | (b'-', b'>') | (b'&', b'&') | (b'<', b'<'))
}

const fn is_word_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

/// True for a byte that can stand inside a bare word.
#[must_use]
pub const fn is_word_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80
}

const fn is_operator_part(b: u8) -> bool {
    matches!(b, b'+' | b'-' | b'*' | b'/' | b'<' | b'>' | b'=' | b'~' | b'!' | b'@' | b'#' | b'%' | b'^' | b'&' | b'|' | b'?' | b'`')
}

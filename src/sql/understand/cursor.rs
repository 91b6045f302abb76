//! A place in a statement's tokens, and the small questions that every reader asks of it.

use crate::dialect::Dialect;
use crate::sql::change::{Expression, Name};
use crate::sql::token::{Token, TokenKind};

/// A place in a run of tokens. Copying it is cheap: that is how a reader tries and goes back.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    /// The whole text that the tokens point into.
    pub text: &'a str,
    /// The tokens that may be read.
    pub tokens: &'a [Token],
    /// The next token.
    pub at: usize,
    /// The dialect: it decides how names fold.
    pub dialect: Dialect,
}

impl<'a> Cursor<'a> {
    /// A cursor at the first of `tokens`.
    #[must_use]
    pub const fn new(text: &'a str, tokens: &'a [Token], dialect: Dialect) -> Self {
        Self { text, tokens, at: 0, dialect }
    }

    /// True when nothing is left.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The token `ahead` places on.
    #[must_use]
    pub fn token(&self, ahead: usize) -> Option<Token> {
        self.tokens.get(self.at + ahead).copied()
    }

    /// The text of `token`.
    #[must_use]
    pub fn text_of(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// The text of the token `ahead` places on; empty at the end.
    #[must_use]
    pub fn peek(&self, ahead: usize) -> &'a str {
        self.token(ahead).map_or("", |token| self.text_of(token))
    }

    /// The kind of the next token.
    #[must_use]
    pub fn kind(&self) -> Option<TokenKind> {
        self.token(0).map(|token| token.kind)
    }

    /// True when one of `words` stands `ahead` tokens further.
    #[must_use]
    pub fn is_one_of_at(&self, ahead: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_at(ahead, word))
    }

    /// True when the token `ahead` places on is this bare word, in any case.
    #[must_use]
    pub fn is_at(&self, ahead: usize, word: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.kind == TokenKind::Word && self.text_of(token).eq_ignore_ascii_case(word))
    }

    /// True when the next token is this bare word, in any case.
    #[must_use]
    pub fn is(&self, word: &str) -> bool {
        self.is_at(0, word)
    }

    /// True when the token just moved over is this bare word.
    #[must_use]
    pub fn was(&self, word: &str) -> bool {
        self.at.checked_sub(1).is_some_and(|at| Self { at, ..*self }.is(word))
    }

    /// True when the last token of all is this bare word.
    #[must_use]
    pub fn ends_with(&self, word: &str) -> bool {
        self.tokens.len().checked_sub(1).is_some_and(|at| Self { at, ..*self }.is(word))
    }

    /// True when the next token is one of these bare words.
    #[must_use]
    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// True when these words, written with blanks between them, come next.
    #[must_use]
    pub fn are(&self, words: &str) -> bool {
        words.split(' ').enumerate().all(|(n, word)| self.is_at(n, word))
    }

    /// True when the next token is this mark (`(`, `=`, `::` …).
    #[must_use]
    pub fn mark(&self, mark: &str) -> bool {
        self.mark_at(0, mark)
    }

    /// True when the token `ahead` places on is this mark.
    #[must_use]
    pub fn mark_at(&self, ahead: usize, mark: &str) -> bool {
        self.token(ahead)
            .is_some_and(|token| matches!(token.kind, TokenKind::Punctuation | TokenKind::Operator) && self.text_of(token) == mark)
    }

    /// Moves over these words if they come next.
    pub fn eat(&mut self, words: &str) -> bool {
        let there = self.are(words);
        if there {
            self.at += words.split(' ').count();
        }
        there
    }

    /// Moves over one of these words if it comes next, and gives it.
    pub fn eat_one_of(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let found = words.iter().copied().find(|word| self.are(word))?;
        self.eat(found);
        Some(found)
    }

    /// Moves over this mark if it comes next.
    pub fn eat_mark(&mut self, mark: &str) -> bool {
        let there = self.mark(mark);
        self.at += usize::from(there);
        there
    }

    /// `Some(())` if these words came next: for `?` chains.
    pub fn expect(&mut self, words: &str) -> Option<()> {
        self.eat(words).then_some(())
    }

    /// `Some(())` if this mark came next.
    pub fn expect_mark(&mut self, mark: &str) -> Option<()> {
        self.eat_mark(mark).then_some(())
    }

    /// The next token, moved over.
    pub fn advance(&mut self) -> Option<Token> {
        let token = self.token(0)?;
        self.at += 1;
        Some(token)
    }

    /// A name's part: a bare word (folded), a quoted name, a client's variable; in MySQL also a string.
    pub fn identifier(&mut self) -> Option<String> {
        let token = self.token(0)?;
        let name = self.identifier_of(token)?;
        self.at += 1;
        Some(name)
    }

    /// What `token` says as a name.
    #[must_use]
    pub fn identifier_of(&self, token: Token) -> Option<String> {
        let text = self.text_of(token);
        match token.kind {
            TokenKind::Word if self.dialect == Dialect::Postgresql => Some(text.to_lowercase()),
            TokenKind::Word | TokenKind::Parameter => Some(text.to_owned()),
            TokenKind::Quoted => Some(unquoted(text)),
            // MySQL reads "x" as a string unless ANSI_QUOTES is set; SQLite takes 'x' for a name.
            TokenKind::String if self.dialect.is_mysql_family() && text.starts_with('"') => Some(unquoted(text)),
            TokenKind::String if self.dialect == Dialect::Sqlite && text.starts_with('\'') => Some(unquoted(text)),
            _ => None,
        }
    }

    /// A name with up to three parts in front.
    pub fn name(&mut self) -> Option<Name> {
        let mut last = self.identifier()?;
        let mut schema = None;
        while self.mark(".") {
            self.at += 1;
            if self.mark(".") {
                schema = None;
                continue;
            }
            if self.eat_mark("*") {
                return Some(Name { schema: Some(last), name: "*".to_owned() });
            }
            let part = self.identifier()?;
            schema = Some(std::mem::replace(&mut last, part));
        }
        Some(Name { schema, name: last })
    }

    /// Names with commas between them.
    pub fn names(&mut self) -> Option<Vec<Name>> {
        let mut names = vec![self.name()?];
        while self.eat_mark(",") {
            names.push(self.name()?);
        }
        Some(names)
    }

    /// What stands in the brackets that come next, the cursor then behind them.
    pub fn group(&mut self) -> Option<Self> {
        if !self.mark("(") && !self.mark("[") {
            return None;
        }
        let mut depth = 0_usize;
        for (n, token) in self.tokens.iter().enumerate().skip(self.at) {
            if token.kind != TokenKind::Punctuation {
                continue;
            }
            match self.text_of(*token) {
                "(" | "[" => depth += 1,
                ")" | "]" => {
                    depth -= 1;
                    if depth == 0 {
                        let inside = self.tokens.get(self.at + 1..n)?;
                        self.at = n + 1;
                        return Some(Self { tokens: inside, at: 0, ..*self });
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Moves over brackets if they come next.
    pub fn skip_group(&mut self) -> bool {
        self.group().is_some()
    }

    /// Column names in brackets; lengths, `ASC` and the like behind a name are passed over.
    pub fn column_list(&mut self) -> Option<Vec<String>> {
        let mut inside = self.group()?;
        let mut columns = Vec::new();
        while !inside.is_done() {
            columns.push(inside.identifier()?);
            while !inside.is_done() && !inside.mark(",") {
                if !inside.skip_group() {
                    inside.at += 1;
                }
            }
            inside.eat_mark(",");
        }
        Some(columns)
    }

    /// A string literal's content.
    pub fn string(&mut self) -> Option<String> {
        let token = self.token(0).filter(|token| token.kind == TokenKind::String)?;
        self.at += 1;
        Some(string_content(self.text_of(token)))
    }

    /// A number, with its sign.
    pub fn number(&mut self) -> Option<i64> {
        let mut ahead = *self;
        let negative = ahead.eat_mark("-");
        let _ = negative || ahead.eat_mark("+");
        let token = ahead.token(0).filter(|token| token.kind == TokenKind::Number)?;
        let value: i64 = self.text_of(token).parse().ok()?;
        *self = ahead;
        self.at += 1;
        Some(if negative { -value } else { value })
    }

    /// Moves over one token, or over one whole bracket.
    pub fn step(&mut self) {
        if !self.skip_group() {
            self.at += 1;
        }
    }

    /// Moves to the next comma outside of brackets, or to the end.
    pub fn skip_to_comma(&mut self) {
        while !self.is_done() && !self.mark(",") {
            self.step();
        }
    }

    /// Moves to the end.
    pub const fn skip_all(&mut self) {
        self.at = self.tokens.len();
    }

    /// The source text between two places, blanks folded, at most 200 characters.
    #[must_use]
    pub fn source(&self, from: usize, to: usize) -> String {
        let text = self.written(from, to);
        let mut folded = String::with_capacity(text.len().min(200));
        for word in text.split_whitespace() {
            if folded.len() + word.len() > 200 {
                break;
            }
            if !folded.is_empty() {
                folded.push(' ');
            }
            folded.push_str(word);
        }
        folded
    }

    /// The source text between two places, byte for byte.
    #[must_use]
    pub fn written(&self, from: usize, to: usize) -> &'a str {
        match (self.tokens.get(from), to.checked_sub(1).and_then(|n| self.tokens.get(n))) {
            (Some(first), Some(last)) => self.text.get(first.start as usize..last.end as usize).unwrap_or_default(),
            _ => "",
        }
    }

    /// An expression, up to a comma or one of `stops` outside of brackets. `None` if nothing is there.
    pub fn expression(&mut self, stops: &[&str]) -> Option<Expression> {
        let from = self.at;
        while !self.is_done() && !self.mark(",") && !self.mark(")") {
            let first = self.at == from;
            if !first && self.kind() == Some(TokenKind::Word) && self.is_one_of(stops) && !self.continues_type() {
                break;
            }
            self.step();
        }
        (self.at > from).then(|| self.expression_between(from, self.at))
    }

    /// `character varying` and `with time zone` belong to a type, although their first words begin clauses too.
    #[must_use]
    pub fn continues_type(&self) -> bool {
        self.are("with time") || self.are("with local") || self.is("character") && !self.is_at(1, "set")
    }

    /// The expression made of all tokens left.
    pub fn rest_as_expression(&mut self) -> Expression {
        let from = self.at;
        self.skip_all();
        self.expression_between(from, self.at)
    }

    /// True when a string has blanks that folding makes fewer.
    fn has_wide_string(&self) -> bool {
        self.tokens.iter().any(|token| {
            let text = self.text_of(*token);
            token.kind == TokenKind::String && (text.contains("  ") || text.contains(['\n', '\t', '\r']))
        })
    }

    /// Looks at the tokens between two places as an expression.
    #[must_use]
    pub fn expression_between(&self, from: usize, to: usize) -> Expression {
        let tokens = self.tokens.get(from..to).unwrap_or_default();
        let inside = Self { tokens, at: 0, ..*self };
        let text = self.source(from, to);
        let written = self.written(from, to);
        let is_exact = text == written || is_same(&text, written) && !written.contains("--") && !inside.has_wide_string();
        let mut expression = Expression { text, is_exact, ..Expression::default() };
        let mut literal = true;
        let mut in_type = false;
        for (n, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::Word | TokenKind::Quoted => {
                    let word = inside.identifier_of(*token).unwrap_or_default();
                    let casts = word.eq_ignore_ascii_case("as");
                    let call = inside.mark_at(n + 1, "(") && !(n > 0 && in_type && is_type_with_arguments(&word));
                    if call && token.kind == TokenKind::Word && is_operator_word(&word) {
                        literal &= word.eq_ignore_ascii_case("array");
                    } else if call && !in_type {
                        expression.functions.push(word.to_lowercase());
                    } else if token.kind == TokenKind::Word && is_function_without_brackets(&word) {
                        expression.functions.push(word.to_lowercase());
                    } else if !in_type && !(token.kind == TokenKind::Word && is_literal_word(&word, inside.token(n + 1))) {
                        literal = false;
                        expression.words.push(word);
                    }
                    in_type = in_type && !call || casts && !expression.functions.is_empty();
                }
                TokenKind::Operator => {
                    let mark = inside.text_of(*token);
                    in_type = mark == "::";
                    literal &= matches!(mark, "::" | "-" | "+");
                }
                TokenKind::Parameter => literal = false,
                TokenKind::Punctuation => in_type = in_type && matches!(inside.text_of(*token), "[" | "]" | "."),
                TokenKind::String | TokenKind::Number => {}
            }
        }
        expression.is_literal = literal && expression.functions.is_empty() && !tokens.is_empty();
        let first = tokens.iter().find(|token| !matches!(inside.text_of(**token), "("));
        expression.is_null = expression.is_literal && first.is_some_and(|token| inside.text_of(*token).eq_ignore_ascii_case("null"));
        expression
    }
}

/// True when both hold the same words: nothing was cut off.
fn is_same(folded: &str, written: &str) -> bool {
    folded.split(' ').eq(written.split_whitespace())
}

/// Words in front of a bracket that call nothing.
fn is_operator_word(word: &str) -> bool {
    [
        "and",
        "or",
        "not",
        "in",
        "any",
        "all",
        "some",
        "exists",
        "between",
        "like",
        "ilike",
        "similar",
        "is",
        "case",
        "when",
        "then",
        "else",
        "end",
        "array",
        "values",
        "as",
        "on",
        "from",
        "where",
        "select",
        "distinct",
        "using",
        "over",
        "filter",
        "within",
        "by",
        "group",
        "order",
        "having",
        "union",
        "except",
        "intersect",
        "with",
        "join",
        "limit",
        "offset",
        "returning",
        "set",
        "into",
        "row",
        "div",
        "mod",
        "xor",
        "regexp",
        "rlike",
        "partition",
        "check",
        "key",
        "primary",
        "unique",
        "references",
        "recursive",
        "lateral",
        "materialized",
        "default",
        "interval",
        "rows",
        "range",
        "top",
        "output",
        "only",
        "table",
        "conflict",
        "constraint",
        "index",
    ]
    .iter()
    .any(|other| word.eq_ignore_ascii_case(other))
}

/// Functions that SQL calls without brackets.
fn is_function_without_brackets(word: &str) -> bool {
    [
        "current_timestamp",
        "current_date",
        "current_time",
        "localtimestamp",
        "localtime",
        "current_user",
        "session_user",
        "user",
        "current_role",
        "current_catalog",
        "current_schema",
        "system_user",
        "utc_timestamp",
        "utc_date",
        "utc_time",
        "sysdate",
        "systimestamp",
    ]
    .iter()
    .any(|other| word.eq_ignore_ascii_case(other))
}

fn is_literal_word(word: &str, next: Option<Token>) -> bool {
    let typed = next.is_some_and(|token| token.kind == TokenKind::String);
    ["null", "true", "false", "array", "row", "on", "off"].iter().any(|other| word.eq_ignore_ascii_case(other))
        || typed
            && ["date", "time", "timestamp", "timestamptz", "interval", "numeric", "text", "json", "jsonb", "uuid", "bytea", "cast", "zone"]
                .iter()
                .any(|other| word.eq_ignore_ascii_case(other))
}

fn is_type_with_arguments(word: &str) -> bool {
    [
        "varchar",
        "char",
        "character",
        "varying",
        "numeric",
        "decimal",
        "timestamp",
        "timestamptz",
        "time",
        "timetz",
        "interval",
        "bit",
        "varbit",
        "float",
        "nvarchar",
        "nchar",
        "bpchar",
        "int",
        "bigint",
        "binary",
        "varbinary",
        "datetime",
        "dec",
        "text",
    ]
    .iter()
    .any(|other| word.eq_ignore_ascii_case(other))
}

/// A quoted name without its quotes.
#[must_use]
pub fn unquoted(text: &str) -> String {
    let body = text.strip_prefix("U&").or_else(|| text.strip_prefix("u&")).unwrap_or(text);
    let mut chars = body.chars();
    let (open, close) = (chars.next(), body.chars().last());
    let doubled = match (open, close) {
        (Some('"'), Some('"')) => "\"\"",
        (Some('`'), Some('`')) => "``",
        (Some('['), Some(']')) => "]]",
        (Some('\''), Some('\'')) => "''",
        _ => return body.to_owned(),
    };
    let single = doubled.get(..1).unwrap_or_default();
    body.get(1..body.len().saturating_sub(1)).unwrap_or_default().replace(doubled, single)
}

/// A string literal's content: quotes and dollar tags gone, doubled quotes made one, the plain backslash escapes read.
#[must_use]
pub fn string_content(text: &str) -> String {
    if text.starts_with('$') {
        let tag = text.get(1..).and_then(|rest| rest.find('$')).map_or(1, |n| n + 2);
        return text.get(tag..text.len().saturating_sub(tag)).unwrap_or_default().to_owned();
    }
    let Some(open) = text.find(['\'', '"']) else {
        return text.to_owned();
    };
    let quote = text.get(open..=open).unwrap_or("'");
    let body = text.get(open + 1..text.len().saturating_sub(1).max(open + 1)).unwrap_or_default();
    let body = body.replace(&quote.repeat(2), quote);
    if text.starts_with(['e', 'E']) {
        body.replace("\\'", "'").replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
    } else {
        body
    }
}

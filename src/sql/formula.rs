//! Expressions that can be worked out without a server: literals, columns, arithmetic, comparisons, `CASE`.
//!
//! What is not read here is no formula, and what is no formula has no answer: nobody guesses.

use crate::dialect::Dialect;
use crate::sql::change::{DataType, Expression};
use crate::sql::token::{Lexer, Token, TokenKind};
use crate::sql::understand::cursor::Cursor;
use crate::sql::understand::table;

/// Brackets and operators within each other; deeper ones are not read.
const DEPTH: u32 = 40;

/// Tokens of one formula: a chain of operators is a tree as deep as it is long.
const TOKENS: usize = 300;

/// An expression as a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// `NULL`.
    Null,
    /// `TRUE`, `FALSE`.
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A string.
    Text(String),
    /// A column, or the name that a `FROM` gives.
    Column(String),
    /// Something that is never NULL, and whose value is not told: `ARRAY[…]`, `ROW(…)`.
    Opaque,
    /// `NOT x`.
    Not(Box<Formula>),
    /// `-x`.
    Minus(Box<Formula>),
    /// `x + y` and the like, by the operator.
    Binary(String, Box<Formula>, Box<Formula>),
    /// `x IS NULL`.
    IsNull(Box<Formula>),
    /// `x IN (a, b)`.
    In(Box<Formula>, Vec<Formula>),
    /// `CASE WHEN … THEN … ELSE … END`.
    Case(Vec<(Formula, Formula)>, Box<Formula>),
    /// `f(x, y)`.
    Call(String, Vec<Formula>),
    /// `x::type`, `CAST(x AS type)`, `type 'x'`.
    Cast(Box<Formula>, DataType),
}

impl Formula {
    /// The columns that it names.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Column(name) => vec![name.clone()],
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Opaque => Vec::new(),
            Self::Not(of) | Self::Minus(of) | Self::IsNull(of) | Self::Cast(of, _) => of.columns(),
            Self::Binary(_, left, right) => [left.columns(), right.columns()].concat(),
            Self::In(of, list) => std::iter::once(of.as_ref()).chain(list).flat_map(Self::columns).collect(),
            Self::Case(arms, otherwise) => {
                let arms = arms.iter().flat_map(|(when, then)| [when.columns(), then.columns()].concat());
                arms.chain(otherwise.columns()).collect()
            }
            Self::Call(_, arguments) => arguments.iter().flat_map(Self::columns).collect(),
        }
    }
}

/// Words that stand for a value where a column could stand.
const NO_COLUMNS: &[&str] = &[
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "localtime",
    "localtimestamp",
    "utc_date",
    "utc_time",
    "utc_timestamp",
];

/// The columns that an expression names, where all of it can be read, and is read alike by all dialects; else none.
#[must_use]
pub fn columns_named(expression: &Expression) -> Vec<String> {
    let plain = Some(expression).filter(|expression| is_plain(&expression.text) && expression.is_exact);
    let found = plain.and_then(|expression| read(&expression.text.replace('`', "")));
    let columns = found.map(|formula| formula.columns()).unwrap_or_default();
    columns.into_iter().filter(|name| !NO_COLUMNS.contains(&name.to_lowercase().as_str())).collect()
}

/// Written without what dialects read in two ways: a backslash, a double quote.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    !text.contains(['\\', '"'])
}

/// The formula that an expression is.
#[must_use]
pub fn of_expression(expression: &Expression) -> Option<Formula> {
    if expression.is_exact { read(&expression.text) } else { None }
}

/// The formula that a text is, in PostgreSQL's words. `None` for all that is not read.
#[must_use]
pub fn read(text: &str) -> Option<Formula> {
    let tokens = tokens(text);
    if tokens.len() > TOKENS {
        return None;
    }
    let mut cursor = Cursor::new(text, &tokens, Dialect::Postgresql);
    let found = formula(&mut cursor, 0, 0)?;
    cursor.is_done().then_some(found)
}

/// `a = 1, b = c + 2`: what an `UPDATE` writes into which column.
#[must_use]
pub fn assignments(expression: &Expression) -> Option<Vec<(String, Formula)>> {
    let tokens = tokens(&expression.text);
    if !expression.is_exact || tokens.len() > TOKENS {
        return None;
    }
    let mut cursor = Cursor::new(&expression.text, &tokens, Dialect::Postgresql);
    let mut found = Vec::new();
    while !cursor.is_done() {
        let column = cursor.identifier()?;
        cursor.expect_mark("=")?;
        found.push((column, formula(&mut cursor, 0, 0)?));
        if !cursor.eat_mark(",") && !cursor.is_done() {
            return None;
        }
    }
    Some(found)
}

/// The rows of `(1, 'a'), (2, DEFAULT)`, each value as a formula where it is one. `None` where they are not rows.
#[must_use]
pub fn rows(text: &str) -> Option<Vec<Vec<Option<Formula>>>> {
    let mut lexer = Lexer::new(text, Dialect::Postgresql);
    let tokens: Vec<Token> = std::iter::from_fn(|| lexer.next_token()).collect();
    let mut cursor = Cursor::new(text, &tokens, Dialect::Postgresql);
    let mut found = Vec::new();
    loop {
        let mut inside = cursor.group()?;
        let mut row = Vec::new();
        while !inside.is_done() {
            let from = inside.at;
            inside.skip_to_comma();
            row.push(read(inside.written(from, inside.at)));
            inside.eat_mark(",");
        }
        found.push(row);
        if !cursor.eat_mark(",") {
            return cursor.is_done().then_some(found);
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer::new(text, Dialect::Postgresql);
    std::iter::from_fn(|| lexer.next_token()).take(TOKENS + 1).collect()
}

/// Operators, weakest first: the number is how tight they bind.
fn strength(cursor: &Cursor<'_>) -> Option<(String, u8)> {
    for (word, tight) in [("or", 1), ("and", 2), ("is", 4), ("between", 6), ("in", 6), ("not", 6)] {
        if cursor.is(word) {
            return Some((word.to_owned(), tight));
        }
    }
    let tight = match cursor.peek(0) {
        "=" | "<>" | "!=" | "<" | ">" | "<=" | ">=" => 5,
        "||" => 7,
        "+" | "-" => 8,
        "*" | "/" | "%" => 9,
        "::" => 13,
        _ => return None,
    };
    (cursor.kind() == Some(TokenKind::Operator)).then(|| (cursor.peek(0).to_owned(), tight))
}

/// Reads operators that bind tighter than `above`.
fn formula(cursor: &mut Cursor<'_>, above: u8, depth: u32) -> Option<Formula> {
    if depth > DEPTH {
        return None;
    }
    let mut left = operand(cursor, depth + 1)?;
    while let Some((operator, tight)) = strength(cursor) {
        if tight <= above {
            break;
        }
        left = behind(cursor, left, &operator, tight, depth + 1)?;
    }
    Some(left)
}

/// An operator and what stands to the right of it.
fn behind(cursor: &mut Cursor<'_>, left: Formula, operator: &str, tight: u8, depth: u32) -> Option<Formula> {
    cursor.at += 1;
    let left = Box::new(left);
    match operator {
        "::" => Some(Formula::Cast(left, table::data_type(cursor)?)),
        "is" => {
            let negated = cursor.eat("not");
            cursor.expect("null")?;
            Some(negate(Formula::IsNull(left), negated))
        }
        "not" => {
            let (operator, tight) = strength(cursor).filter(|(word, _)| matches!(word.as_str(), "in" | "between"))?;
            Some(negate(behind(cursor, *left, &operator, tight, depth)?, true))
        }
        "in" => {
            let mut inside = cursor.group()?;
            Some(Formula::In(left, list(&mut inside, depth)?))
        }
        "between" => {
            let low = formula(cursor, tight, depth)?;
            cursor.expect("and")?;
            let high = formula(cursor, tight, depth)?;
            let compare = |operator: &str, limit| Box::new(Formula::Binary(operator.to_owned(), left.clone(), Box::new(limit)));
            Some(Formula::Binary("and".to_owned(), compare(">=", low), compare("<=", high)))
        }
        _ => Some(Formula::Binary(operator.to_owned(), left, Box::new(formula(cursor, tight, depth)?))),
    }
}

fn negate(formula: Formula, negated: bool) -> Formula {
    if negated { Formula::Not(Box::new(formula)) } else { formula }
}

fn list(inside: &mut Cursor<'_>, depth: u32) -> Option<Vec<Formula>> {
    let mut found = Vec::new();
    while !inside.is_done() {
        found.push(formula(inside, 0, depth + 1)?);
        if !inside.eat_mark(",") && !inside.is_done() {
            return None;
        }
    }
    Some(found)
}

fn operand(cursor: &mut Cursor<'_>, depth: u32) -> Option<Formula> {
    if cursor.mark("(") {
        let mut inside = cursor.group()?;
        let found = formula(&mut inside, 0, depth)?;
        return inside.is_done().then_some(found);
    }
    match cursor.kind()? {
        TokenKind::Number => {
            let text = cursor.peek(0).to_owned();
            cursor.at += 1;
            Some(Formula::Number(text))
        }
        TokenKind::String => cursor.string().map(Formula::Text),
        TokenKind::Operator if cursor.eat_mark("-") => Some(Formula::Minus(Box::new(formula(cursor, 11, depth)?))),
        TokenKind::Word | TokenKind::Quoted => word(cursor, depth),
        TokenKind::Operator | TokenKind::Parameter | TokenKind::Punctuation => None,
    }
}

fn word(cursor: &mut Cursor<'_>, depth: u32) -> Option<Formula> {
    if cursor.eat("null") {
        return Some(Formula::Null);
    }
    if cursor.is_one_of(&["true", "false"]) {
        return Some(Formula::Bool(cursor.eat_one_of(&["true", "false"]) == Some("true")));
    }
    if cursor.eat("not") {
        return Some(Formula::Not(Box::new(formula(cursor, 3, depth)?)));
    }
    if cursor.eat("case") {
        return case(cursor, depth);
    }
    if cursor.is("cast") && cursor.mark_at(1, "(") {
        cursor.at += 1;
        let mut inside = cursor.group()?;
        let value = formula(&mut inside, 0, depth)?;
        inside.expect("as")?;
        let target = table::data_type(&mut inside)?;
        return inside.is_done().then(|| Formula::Cast(Box::new(value), target));
    }
    if cursor.is_one_of(&["array", "row"]) && (cursor.mark_at(1, "[") || cursor.mark_at(1, "(")) {
        cursor.at += 1;
        let inside = cursor.group()?;
        return (!inside.is_one_of(&["select", "with"])).then_some(Formula::Opaque);
    }
    if cursor.is_one_of(&["date", "timestamp", "timestamptz", "interval", "time"])
        && cursor.token(1).is_some_and(|next| next.kind == TokenKind::String)
    {
        let target = table::data_type(cursor)?;
        return Some(Formula::Cast(Box::new(Formula::Text(cursor.string()?)), target));
    }
    if cursor.is_one_of(&["select", "with", "exists", "any", "all", "some", "interval"]) {
        return None;
    }
    let name = cursor.identifier()?;
    if cursor.mark("(") {
        let mut inside = cursor.group()?;
        return Some(Formula::Call(name, list(&mut inside, depth)?));
    }
    if cursor.eat_mark(".") {
        return cursor.identifier().map(Formula::Column);
    }
    Some(Formula::Column(name))
}

/// What stands behind `CASE`.
fn case(cursor: &mut Cursor<'_>, depth: u32) -> Option<Formula> {
    let compared = if cursor.is("when") { None } else { Some(formula(cursor, 0, depth)?) };
    let mut arms = Vec::new();
    while cursor.eat("when") {
        let condition = formula(cursor, 0, depth)?;
        cursor.expect("then")?;
        let value = formula(cursor, 0, depth)?;
        let condition = match &compared {
            Some(operand) => Formula::Binary("=".to_owned(), Box::new(operand.clone()), Box::new(condition)),
            None => condition,
        };
        arms.push((condition, value));
    }
    let otherwise = if cursor.eat("else") { formula(cursor, 0, depth)? } else { Formula::Null };
    cursor.expect("end")?;
    Some(Formula::Case(arms, Box::new(otherwise)))
}

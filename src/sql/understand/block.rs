//! Code that runs now: `DO`, `EXEC('…')`, blocks of SQL Server. What stands in it as literal SQL is read and counts;
//! what is built at run time is opaque, and only its DDL words are known.

use crate::dialect::Dialect;
use crate::sql::change::Flags;
use crate::sql::change::{Block, Change};
use crate::sql::formula;
use crate::sql::split::split;
use crate::sql::token::{Token, TokenKind};
use crate::sql::understand::cursor::Cursor;
use crate::sql::understand::{Found, read_nested};
use crate::sql::value::{self, NoRow, Value};
use crate::sql::words::Kind;

/// Words that make text dangerous when it is run and cannot be read.
const HIDDEN: &[&str] = &[
    "ALTER", "CREATE", "DROP", "TRUNCATE", "DELETE", "UPDATE", "INSERT", "GRANT", "REVOKE", "RENAME", "MERGE", "REINDEX", "CLUSTER",
    "VACUUM",
];

/// Words of PL/pgSQL and T-SQL in front of a statement.
const LEADING: &[&str] = &["begin", "then", "else", "loop", "do", "as", "atomic"];

/// `DO [LANGUAGE x] '…'`.
pub fn do_block(cursor: &mut Cursor<'_>, depth: u32, flags: &mut Flags) -> Option<Found> {
    cursor.expect("do")?;
    let mut body = None;
    let mut language = "plpgsql".to_owned();
    while !cursor.is_done() {
        if cursor.eat("language") {
            language = cursor.peek(0).trim_matches(['\'', '"']).to_lowercase();
            cursor.at += 1;
        } else {
            body = Some(cursor.string()?);
        }
    }
    let mut block = Block::default();
    flags.insert("language", language.clone().into());
    if language == "plpgsql" {
        read_text(&body?, cursor.dialect, depth, &mut block);
    } else {
        block.opaque = true;
        block.hidden = hidden_words(&body?);
    }
    Some(finish(Kind::DoBlock, block, flags))
}

/// True when a PL/pgSQL body does nothing but raise an error: no condition stands in front of it.
#[must_use]
pub fn always_raises(text: &str, dialect: Dialect) -> bool {
    let mut block = Block::default();
    read_text(text, dialect, super::MAX_DEPTH, &mut block);
    block.raises
}

fn finish(kind: Kind, block: Block, flags: &mut Flags) -> Found {
    let contains: Vec<String> = block.statements.iter().map(|reading| reading.kind.word().to_owned()).collect();
    if !contains.is_empty() {
        flags.insert("contains", contains.into());
    }
    if block.opaque {
        flags.insert("opaque_body", true.into());
    }
    Found::new(kind, Change::Block(block))
}

/// Reads the text of a block: PL/pgSQL, or plain statements.
fn read_text(text: &str, dialect: Dialect, depth: u32, block: &mut Block) {
    // In a block a semicolon always ends a part: BEGIN and END are no borders here.
    let pieces = split(text, dialect);
    for piece in &pieces.pieces {
        let tokens = pieces.tokens.get(piece.first_token as usize..piece.end_token as usize).unwrap_or_default();
        part(Cursor::new(text, tokens, dialect), depth, block);
    }
}

/// One part of a block, up to a semicolon: control words are passed over, the statement behind them is read.
fn part(mut cursor: Cursor<'_>, depth: u32, block: &mut Block) {
    while !cursor.is_done() {
        if cursor.is_one_of(&["declare"]) {
            cursor.at += 1;
            while !cursor.is_done() && !cursor.is("begin") {
                cursor.step();
            }
        } else if LEADING.iter().any(|word| cursor.is(word)) || cursor.mark("<<") {
            if cursor.mark("<<") {
                while !cursor.is_done() && !cursor.eat_mark(">>") {
                    cursor.at += 1;
                }
            } else {
                cursor.at += 1;
            }
        } else if cursor.is_one_of(&["if", "elsif", "elseif", "while", "for", "foreach", "when", "exception", "case"]) {
            block.guarded = true;
            if !to_leading(&mut cursor, block) {
                return;
            }
        } else if cursor.is("execute") || cursor.is_one_of(&["exec"]) {
            return executed(&mut cursor, depth, block);
        } else {
            return statement(cursor, depth, block);
        }
    }
}

/// Moves behind the next `THEN`, `LOOP` or (SQL Server) `BEGIN`; false when there is none. A loop over
/// `EXECUTE` is opaque.
fn to_leading(cursor: &mut Cursor<'_>, block: &mut Block) -> bool {
    let mut ahead = *cursor;
    ahead.at += 1;
    while !ahead.is_done() {
        if ahead.is("execute") {
            block.opaque = true;
        }
        if ahead.is("then") || ahead.is("loop") || ahead.is("begin") {
            *cursor = ahead;
            cursor.at += 1;
            return true;
        }
        ahead.step();
    }
    false
}

fn statement(mut cursor: Cursor<'_>, depth: u32, block: &mut Block) {
    const CONTROL: &[&str] = &[
        "end", "raise", "return", "null", "exit", "continue", "get", "assert", "open", "close", "fetch", "move", "print", "leave",
        "iterate", "begin", "commit", "set", "rollback",
    ];
    if cursor.is("perform") {
        return perform(&mut cursor, block);
    }
    let raises = cursor.is("raise") && !cursor.is_one_of_at(1, &["notice", "info", "warning", "log", "debug"]);
    if raises {
        block.raises |= !block.guarded;
    }
    block.ends_transaction |= cursor.dialect == Dialect::Postgresql && cursor.is_one_of(&["commit", "rollback"]);
    if cursor.is_one_of(CONTROL) || is_assignment(&cursor) {
        return;
    }
    let reading = read_nested(cursor, depth + 1);
    if reading.kind == Kind::Unknown {
        // Something of the block's own language.
        let hidden = hidden_words(&cursor.source(cursor.at, cursor.tokens.len()));
        block.opaque |= !hidden.is_empty();
        block.hidden.extend(hidden);
    } else {
        block.statements.push(reading);
    }
}

fn is_assignment(cursor: &Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    if ahead.name().is_none() {
        return false;
    }
    while ahead.mark("[") && ahead.skip_group() {}
    ahead.mark(":=") || ahead.mark("=")
}

/// `PERFORM f(…)` is `SELECT f(…)`.
fn perform(cursor: &mut Cursor<'_>, block: &mut Block) {
    cursor.at += 1;
    let functions = cursor.rest_as_expression().functions;
    block.opaque |= functions.iter().any(|name| !crate::sql::functions::is_known(name));
}

/// The text that `EXECUTE` runs, where nothing but literals makes it: `'…'`, `format('… %I', 'x')`, `'…' || quote_ident('x')`.
fn built(cursor: &Cursor<'_>) -> Option<String> {
    if cursor.dialect != Dialect::Postgresql {
        return None;
    }
    let mut end = *cursor;
    while !end.is_done() && !end.is_one_of(&["using", "into"]) {
        end.step();
    }
    let formula = formula::read(cursor.written(cursor.at, end.at))?;
    match value::evaluate(&formula, &NoRow)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// `EXECUTE 'literal'` is read; what is built with a variable or at run time is opaque.
fn executed(cursor: &mut Cursor<'_>, depth: u32, block: &mut Block) {
    cursor.at += 1;
    cursor.eat("immediate");
    let mut inside = if cursor.mark("(") { cursor.group().unwrap_or(*cursor) } else { *cursor };
    let constant = built(&inside);
    if let Some(text) = constant.filter(|_| depth < super::MAX_DEPTH) {
        return nested(&text, cursor.dialect, depth, block);
    }
    let literal = inside.string();
    match literal {
        Some(text) if inside.is_done() || inside.is("using") || inside.is("into") || inside.is("as") => {
            if depth >= super::MAX_DEPTH {
                block.opaque = true;
                block.hidden.extend(hidden_words(&text));
            } else {
                nested(&text, cursor.dialect, depth, block);
            }
        }
        _ => {
            block.opaque = true;
            block.hidden.extend(hidden_words(cursor.text.get(span(cursor.tokens, cursor.at)).unwrap_or_default()));
        }
    }
}

fn span(tokens: &[Token], from: usize) -> std::ops::Range<usize> {
    let start = tokens.get(from).map_or(0, |token| token.start as usize);
    let end = tokens.last().map_or(start, |token| token.end as usize);
    start..end
}

/// Statements in a literal that is executed.
fn nested(text: &str, dialect: Dialect, depth: u32, block: &mut Block) {
    let pieces = split(text, dialect);
    for piece in &pieces.pieces {
        let tokens = pieces.tokens.get(piece.first_token as usize..piece.end_token as usize).unwrap_or_default();
        block.statements.push(read_nested(Cursor::new(text, tokens, dialect), depth + 1));
    }
}

/// The DDL and DML words in a text, in upper case, each once.
#[must_use]
pub fn hidden_words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
        if let Some(known) = HIDDEN.iter().find(|known| known.eq_ignore_ascii_case(word))
            && !found.iter().any(|other| other == known)
        {
            found.push((*known).to_owned());
        }
    }
    found
}

/// `EXEC sp_rename …`, `EXEC('…')`, `EXECUTE prepared`, `CALL procedure()`.
pub fn exec(cursor: &mut Cursor<'_>, depth: u32, flags: &mut Flags) -> Option<Found> {
    let is_exec = cursor.is("exec");
    if cursor.dialect == Dialect::Postgresql || cursor.dialect.is_mysql_family() {
        let mut ahead = *cursor;
        ahead.at += 1;
        if ahead.eat("immediate") {
            let mut block = Block::default();
            executed(cursor, depth, &mut block);
            cursor.skip_all();
            flags.insert("dynamic_sql", true.into());
            return Some(finish(Kind::Execute, block, flags));
        }
        cursor.skip_all();
        return Some(Found::new(Kind::Execute, Change::Block(Block { opaque: true, ..Block::default() })));
    }
    cursor.at += 1;
    let _ = is_exec;
    if cursor.mark("(") {
        let mut block = Block::default();
        cursor.at -= 1;
        executed(cursor, depth, &mut block);
        cursor.skip_all();
        flags.insert("dynamic_sql", true.into());
        return Some(finish(Kind::Exec, block, flags));
    }
    let procedure = cursor.name()?.name;
    flags.insert("proc", procedure.to_lowercase().into());
    if procedure.eq_ignore_ascii_case("sp_rename") {
        return sp_rename(cursor);
    }
    let mut block = Block { opaque: true, ..Block::default() };
    if procedure.eq_ignore_ascii_case("sp_executesql") {
        flags.insert("dynamic_sql", true.into());
        if let Some(text) = cursor.string() {
            block.opaque = false;
            nested(&text, cursor.dialect, depth, &mut block);
        }
    }
    cursor.skip_all();
    Some(finish(Kind::Exec, block, flags))
}

/// SQL Server's `sp_rename 'schema.table.column', 'new', 'COLUMN'`.
fn sp_rename(cursor: &mut Cursor<'_>) -> Option<Found> {
    use crate::sql::change::{AlterAction, AlterTable, Name};
    use crate::sql::words::Action;
    let argument = |cursor: &mut Cursor<'_>| {
        if cursor.kind() == Some(TokenKind::Parameter) {
            cursor.at += 1;
            cursor.eat_mark("=");
        }
        cursor.string()
    };
    let old = argument(cursor)?.replace(['[', ']'], "");
    cursor.expect_mark(",")?;
    let to = argument(cursor)?;
    let what = if cursor.eat_mark(",") { argument(cursor)?.to_lowercase() } else { "object".to_owned() };
    let mut parts: Vec<&str> = old.split('.').collect();
    let column = if matches!(what.as_str(), "column" | "index") { parts.pop() } else { None };
    let name = Name { name: parts.pop()?.to_owned(), schema: parts.pop().map(str::to_owned) };
    let (action, word) = match (what.as_str(), column) {
        ("column", Some(column)) => (AlterAction::RenameColumn { from: column.to_owned(), to }, Action::RenameColumn),
        ("index", Some(index)) => (AlterAction::RenameIndex { from: index.to_owned(), to }, Action::RenameIndex),
        ("userdatatype", _) => {
            return Some(Found { actions: vec![Action::RenameType], ..Found::new(Kind::Exec, Change::Other) });
        }
        _ => (AlterAction::RenameTable { to: Name { schema: name.schema.clone(), name: to } }, Action::RenameTable),
    };
    let alter = AlterTable { table: name.clone(), actions: vec![action], ..AlterTable::default() };
    Some(Found { actions: vec![word], ..Found::new(Kind::Exec, Change::AlterTable(alter)).on(name) })
}

/// `IF … BEGIN … END`, `WHILE …`, `BEGIN TRY …`, `DECLARE …` of SQL Server: the statements inside are read.
pub fn transact_block(kind: Kind, cursor: &mut Cursor<'_>, depth: u32, flags: &mut Flags) -> Found {
    let mut block = Block::default();
    let mut at = *cursor;
    let mut from = None;
    while !at.is_done() {
        let starts = at.is_one_of(&[
            "alter", "create", "drop", "insert", "update", "delete", "truncate", "exec", "execute", "merge", "grant", "revoke",
        ]);
        let ends =
            starts || at.is_one_of(&["end", "else", "begin", "if", "while", "print", "declare", "return", "go", "throw"]) || at.mark(";");
        if ends && let Some(start) = from.take() {
            let tokens = at.tokens.get(start..at.at).unwrap_or_default();
            part(Cursor { tokens, at: 0, ..at }, depth, &mut block);
        }
        if starts {
            from = Some(at.at);
        }
        at.step();
    }
    if let Some(start) = from {
        part(Cursor { tokens: at.tokens.get(start..).unwrap_or_default(), at: 0, ..at }, depth, &mut block);
    }
    cursor.skip_all();
    finish(kind, block, flags)
}

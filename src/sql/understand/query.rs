//! Queries and DML, read at the level of tokens: what is read, what is written, which rows are reached.

use crate::dialect::Dialect;
use crate::sql::change::Flags;
use crate::sql::change::{Change, Delete, Expression, Insert, Merge, Name, Query, Reach, Series, Update};
use crate::sql::token::TokenKind;
use crate::sql::understand::cursor::Cursor;

/// Functions whose arguments hold a `FROM` of their own.
const FROM_INSIDE: &[&str] = &["extract", "substring", "trim", "overlay", "position", "date_part"];

/// Words that end a list of tables.
const AFTER_FROM: &[&str] = &[
    "where",
    "group",
    "order",
    "having",
    "limit",
    "union",
    "except",
    "intersect",
    "set",
    "returning",
    "window",
    "offset",
    "fetch",
    "for",
    "select",
    "values",
    "on",
    "using",
    "when",
    "option",
];

/// Words that end a select list.
const AFTER_LIST: &[&str] = &["from", "where", "union", "group", "order", "limit", "into", "except", "intersect"];

/// A query to the end of the cursor. `None` when it does not begin like one.
pub fn query(cursor: &mut Cursor<'_>) -> Option<Query> {
    let mut found = Query::default();
    let mut start = *cursor;
    while start.mark("(") && start.at + 1 < start.tokens.len() {
        start.at += 1;
    }
    if !start.is_one_of(&["select", "with", "values", "table", "show", "execute"]) {
        return None;
    }
    if start.is("with") {
        let mut inner = start;
        found.writes = with_clause(&mut inner);
    }
    scan(cursor, &mut found);
    found.columns = select_list(&start);
    found.items = select_items(&start);
    if cursor.dialect == Dialect::Postgresql {
        found.series = series(&start);
    }
    cursor.skip_all();
    Some(found)
}

/// The `WITH` in front of a statement: gives its data-modifying parts and moves behind it.
fn with_clause(cursor: &mut Cursor<'_>) -> Vec<Change> {
    let mut writes = Vec::new();
    cursor.eat("with");
    cursor.eat("recursive");
    loop {
        if cursor.identifier().is_none() {
            return writes;
        }
        cursor.skip_group();
        cursor.eat("as");
        cursor.eat("not");
        cursor.eat("materialized");
        let Some(mut inside) = cursor.group() else {
            return writes;
        };
        let mut flags = Flags::new();
        if let Some(change) = dml(&mut inside, &mut flags) {
            writes.push(change);
        }
        while !cursor.is_done()
            && !cursor.mark(",")
            && !cursor.is_one_of(&["select", "insert", "update", "delete", "merge", "values", "replace", "table"])
            && !cursor.mark("(")
        {
            cursor.step();
        }
        if !cursor.eat_mark(",") {
            return writes;
        }
    }
}

/// A statement that changes rows, or `None` when it is another.
pub fn dml(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Change> {
    let word = cursor.peek(0).to_ascii_lowercase();
    match word.as_str() {
        "insert" | "replace" => insert(cursor, flags).map(|found| Change::Insert(Box::new(found))),
        "update" => update(cursor, flags).map(|found| Change::Update(Box::new(found))),
        "delete" => delete(cursor, flags).map(|found| Change::Delete(Box::new(found))),
        "merge" => merge(cursor, flags).map(|found| Change::Merge(Box::new(found))),
        _ => None,
    }
}

/// Goes over all tokens left and notes tables, functions and words.
fn scan(cursor: &Cursor<'_>, found: &mut Query) {
    let names = cte_names(cursor);
    let mut at = *cursor;
    // One entry for each open bracket: is a list of tables being read in it, and does it belong to `extract(`?
    let mut levels = vec![(false, false)];
    while let Some(token) = at.token(0) {
        let text = at.text_of(token);
        match token.kind {
            TokenKind::Punctuation => match text {
                "(" | "[" => {
                    let before = at.at.checked_sub(1).map(|n| Cursor { at: n, ..at });
                    let own_from = before.is_some_and(|before| before.is_one_of(FROM_INSIDE));
                    levels.push((false, own_from));
                }
                ")" | "]" if levels.len() > 1 => {
                    levels.pop();
                }
                "," if levels.last().is_some_and(|level| level.0) => {
                    at.at += 1;
                    from_item(&mut at, found, &names);
                    continue;
                }
                _ => {}
            },
            TokenKind::Word => {
                let is = |word: &str| text.eq_ignore_ascii_case(word);
                let distinct = is("from") && at.was("distinct");
                if is("from") && !distinct && !levels.last().is_some_and(|level| level.1) || is("join") {
                    if let Some(level) = levels.last_mut() {
                        level.0 = true;
                    }
                    at.at += 1;
                    from_item(&mut at, found, &names);
                    continue;
                }
                if is("where") && levels.len() == 1 {
                    found.has_where = true;
                    found.bounded_by = bounded_columns(&condition_behind(&at));
                }
                found.is_limited |= is("limit") && levels.len() == 1;
                if is("into") && levels.len() == 1 && found.into.is_none() {
                    into_table(&at, found);
                }
                if is("for")
                    && levels.len() == 1
                    && (at.is_at(1, "update") || at.is_at(1, "share") || at.is_at(1, "no") || at.is_at(1, "key"))
                {
                    found.locks_rows = true;
                }
                if AFTER_FROM.iter().any(|word| is(word))
                    && !is("on")
                    && !is("using")
                    && let Some(level) = levels.last_mut()
                {
                    level.0 = false;
                }
                note_word(&at, text, found);
            }
            TokenKind::Quoted => note_word(&at, text, found),
            TokenKind::String | TokenKind::Number | TokenKind::Parameter | TokenKind::Operator => {}
        }
        at.at += 1;
    }
}

/// What stands behind `WHERE`, up to the next clause.
fn condition_behind<'a>(at: &Cursor<'a>) -> Cursor<'a> {
    let mut end = Cursor { at: at.at + 1, ..*at };
    while !end.is_done() && !end.is_one_of(&["group", "order", "limit", "for", "union", "returning", "having", "window", "offset", "fetch"])
    {
        end.step();
    }
    Cursor { at: at.at + 1, tokens: at.tokens.get(..end.at).unwrap_or_default(), ..*at }
}

fn note_word(at: &Cursor<'_>, text: &str, found: &mut Query) {
    if at.mark_at(1, "(") && !is_keyword_before_bracket(text) {
        found.functions.push(text.trim_matches('"').to_lowercase());
    } else if let Some(name) = at.token(0).and_then(|token| at.identifier_of(token)) {
        found.words.push(name);
    }
}

fn is_keyword_before_bracket(word: &str) -> bool {
    [
        "in",
        "and",
        "or",
        "not",
        "any",
        "all",
        "some",
        "exists",
        "as",
        "values",
        "over",
        "filter",
        "by",
        "on",
        "using",
        "select",
        "from",
        "join",
        "where",
        "when",
        "then",
        "else",
        "case",
        "union",
        "except",
        "intersect",
        "with",
        "having",
        "distinct",
        "array",
        "row",
        "into",
        "set",
        "lateral",
        "materialized",
        "group",
        "limit",
        "offset",
        "return",
        "returning",
        "numeric",
        "varchar",
        "char",
        "decimal",
        "interval",
        "between",
        "like",
        "is",
        "only",
        "sets",
        "rollup",
        "cube",
        "recursive",
        "conflict",
        "within",
        "top",
        "timestamp",
        "time",
        "character",
        "varying",
        "bit",
        "float",
        "default",
        "is",
        "ilike",
        "unique",
        "key",
        "partition",
        "output",
        "nvarchar",
        "int",
    ]
    .iter()
    .any(|other| word.eq_ignore_ascii_case(other))
}

fn from_item(at: &mut Cursor<'_>, found: &mut Query, ctes: &[String]) {
    while at.eat_one_of(&["only", "lateral"]).is_some() {}
    if at.mark("(") || at.is("select") || at.is("unnest") || at.is_one_of(AFTER_FROM) {
        return;
    }
    let before = *at;
    let Some(name) = at.name() else { return };
    if at.mark("(") || at.is("with") && before.is("rows") {
        found.functions.push(name.name.to_lowercase());
    } else if (name.schema.is_some() || !ctes.iter().any(|cte| cte.eq_ignore_ascii_case(&name.name))) && !found.tables.contains(&name) {
        found.tables.push(name);
    }
}

fn into_table(at: &Cursor<'_>, found: &mut Query) {
    let mut target = *at;
    target.at += 1;
    target.eat_one_of(&["temporary", "temp", "unlogged", "table", "strict"]);
    if matches!(target.kind(), Some(TokenKind::Word | TokenKind::Quoted)) && !target.is("outfile") && !target.is("dumpfile") {
        found.into = target.name();
    }
}

/// The names that `WITH` gives, anywhere in the statement.
fn cte_names(cursor: &Cursor<'_>) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = *cursor;
    let mut before_as: Option<String> = None;
    let mut in_with = false;
    while let Some(token) = at.token(0) {
        if at.is("with") {
            in_with = true;
        }
        if in_with && at.is("as") && (at.mark_at(1, "(") || at.is_at(1, "materialized") || at.is_at(1, "not")) {
            names.extend(before_as.take());
        }
        if token.kind == TokenKind::Word && !at.is("as") || token.kind == TokenKind::Quoted {
            before_as = at.identifier_of(token);
            // `name (a, b) AS (`
            let mut ahead = at;
            ahead.at += 1;
            if in_with && ahead.mark("(") && ahead.skip_group() && ahead.is("as") && ahead.mark_at(1, "(") {
                names.extend(before_as.clone());
            }
        }
        at.at += 1;
    }
    names
}

/// Names of the outermost select list, where each item is a plain column or has an alias.
fn select_list(start: &Cursor<'_>) -> Option<Vec<String>> {
    let mut cursor = *start;
    if cursor.is("with") {
        with_clause(&mut cursor);
    }
    cursor.expect("select")?;
    cursor.eat_one_of(&["distinct", "all"]);
    if cursor.is("on") {
        return None;
    }
    let mut columns = Vec::new();
    loop {
        let from = cursor.at;
        while !cursor.is_done() && !cursor.mark(",") && !cursor.is_one_of(AFTER_LIST) {
            cursor.step();
        }
        if cursor.at == from {
            return None;
        }
        let last = Cursor { at: cursor.at - 1, ..cursor };
        let name = last.token(0).and_then(|token| last.identifier_of(token));
        let item = Cursor { at: from, ..cursor };
        let plain = cursor.at - from == 1 || (cursor.at - from) % 2 == 1 && item.mark_at(cursor.at - from - 2, ".");
        let alias = cursor.at - from >= 3 && Cursor { at: cursor.at - 2, ..cursor }.is("as");
        let call = item.mark_at(1, "(") && cursor.at - from > 2 && last.mark(")");
        match name {
            Some(name) if plain || alias => columns.push(name),
            _ if call => columns.push(item.peek(0).to_lowercase()),
            _ => return None,
        }
        if !cursor.eat_mark(",") {
            return (!columns.is_empty()).then_some(columns);
        }
    }
}

/// The expressions of the outermost select list, without their aliases.
fn select_items(start: &Cursor<'_>) -> Vec<Expression> {
    let mut cursor = *start;
    if cursor.is("with") {
        with_clause(&mut cursor);
    }
    if !cursor.eat("select") {
        return Vec::new();
    }
    cursor.eat_one_of(&["distinct", "all"]);
    let mut items = Vec::new();
    loop {
        let from = cursor.at;
        let mut end = None;
        while !cursor.is_done() && !cursor.mark(",") && !cursor.is_one_of(AFTER_LIST) {
            if cursor.is("as") {
                end = Some(cursor.at);
            }
            cursor.step();
        }
        items.push(cursor.expression_between(from, end.unwrap_or(cursor.at)));
        if !cursor.eat_mark(",") {
            return items;
        }
    }
}

/// `SELECT … FROM generate_series(1, 10) g`, or `SELECT generate_series(1, 10)`, and nothing behind it.
fn series(start: &Cursor<'_>) -> Option<Series> {
    let mut cursor = *start;
    cursor.expect("select")?;
    if cursor.is_one_of(&["distinct", "all"]) {
        return None;
    }
    let mut own = cursor;
    if let Some((first, last)) = series_call(&mut own).filter(|_| own.is_done()) {
        return Some(Series { name: "generate_series".to_owned(), first, last });
    }
    while !cursor.is_done() && !cursor.is_one_of(AFTER_LIST) {
        cursor.step();
    }
    cursor.expect("from")?;
    let (first, last) = series_call(&mut cursor)?;
    cursor.eat("as");
    let mut name = cursor.identifier().unwrap_or_else(|| "generate_series".to_owned());
    if let Some(mut columns) = cursor.group() {
        name = columns.identifier()?;
    }
    cursor.is_done().then_some(Series { name, first, last })
}

/// `generate_series(first, last)` with numbers written out.
fn series_call(cursor: &mut Cursor<'_>) -> Option<(i64, i64)> {
    cursor.expect("generate_series")?;
    let mut inside = cursor.group()?;
    let first = inside.number()?;
    inside.expect_mark(",")?;
    let last = inside.number()?;
    inside.is_done().then_some((first, last))
}

/// `SELECT`, `VALUES`, `TABLE`, or a `WITH` that ends in one of them or in DML.
pub fn select_or_with(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Change> {
    if cursor.is("with") {
        let mut ahead = *cursor;
        let writes = with_clause(&mut ahead);
        let mut read = Query::default();
        scan(&Cursor { tokens: cursor.tokens.get(..ahead.at)?, ..*cursor }, &mut read);
        note_writes(&writes, flags);
        let names = cte_names(cursor);
        if let Some(mut change) = dml(&mut ahead, flags) {
            let reads: Vec<Name> = read.tables.into_iter().filter(|name| !names.contains(&name.name)).collect();
            match &mut change {
                Change::Insert(insert) => {
                    insert.writes = writes;
                    if let Some(query) = &mut insert.query {
                        query.tables.retain(|name| name.schema.is_some() || !names.contains(&name.name));
                    }
                }
                Change::Update(update) => {
                    update.writes = writes;
                    update.reads.extend(reads);
                    update.reach.joins.retain(|name| !names.contains(&name.name));
                }
                Change::Delete(delete) => {
                    delete.writes = writes;
                    delete.reads.extend(reads);
                    delete.reach.joins.retain(|name| !names.contains(&name.name));
                }
                _ => {}
            }
            cursor.at = ahead.at;
            return Some(change);
        }
    }
    let found = query(cursor)?;
    note_writes(&found.writes, flags);
    if !found.functions.is_empty() {
        flags.insert("calls", found.functions.clone().into());
    }
    if let Some(into) = &found.into {
        flags.insert("select_into", into.to_string().into());
    }
    Some(Change::Select(Box::new(found)))
}

fn note_writes(writes: &[Change], flags: &mut Flags) {
    let words: Vec<String> = writes
        .iter()
        .filter_map(|change| match change {
            Change::Insert(insert) => Some(format!("insert {}", insert.table)),
            Change::Update(update) => Some(format!("update {}", update.table)),
            Change::Delete(delete) => delete.tables.first().map(|table| format!("delete {table}")),
            _ => None,
        })
        .collect();
    if !words.is_empty() {
        flags.insert("cte_dml", words.into());
    }
}

fn insert(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Insert> {
    let mut found = Insert { replaces: cursor.eat("replace"), ..Insert::default() };
    if !found.replaces {
        cursor.expect("insert")?;
    }
    cursor.eat_one_of(&["low_priority", "delayed", "high_priority"]);
    if cursor.eat("ignore") {
        found.ignores = true;
        flags.insert("or_action", "ignore".into());
    }
    if cursor.eat("or") {
        let word = cursor.identifier()?.to_lowercase();
        found.replaces |= word == "replace";
        found.ignores |= word == "ignore";
        flags.insert("or_action", word.into());
    }
    cursor.eat("into");
    found.table = cursor.name()?;
    if cursor.eat("as") {
        cursor.identifier()?;
    }
    if cursor.eat("partition") {
        cursor.group()?;
    }
    if cursor.mark("(") && !cursor.is_at(1, "select") && !cursor.is_at(1, "with") && !cursor.mark_at(1, "(") {
        found.columns = cursor.column_list()?;
    }
    if cursor.eat("overriding") {
        found.overrides_system = cursor.eat_one_of(&["system", "user"]).is_some();
        cursor.eat("value");
    }
    if cursor.eat("output") {
        while !cursor.is_done() && !cursor.is_one_of(&["values", "select", "default", "exec"]) {
            cursor.step();
        }
    }
    insert_source(&mut found, cursor)?;
    Some(found)
}

fn insert_source(found: &mut Insert, cursor: &mut Cursor<'_>) -> Option<()> {
    let mut source = *cursor;
    found.row = single_row(cursor);
    if source.eat("values") && source.mark("(") {
        found.width = source.group().map(width_of_row);
        source = *cursor;
        if !cursor.dialect.is_experimental() {
            found.values = values(*cursor);
        }
    }
    if cursor.eat("default values") || cursor.eat("values") || cursor.eat("value") || cursor.eat("set") || cursor.is("exec") {
    } else if cursor.mark("(") || cursor.is_one_of(&["select", "with", "table"]) {
        found.query = Some(query(&mut source)?);
    } else {
        return None;
    }
    while !cursor.is_done() {
        if cursor.is("on") && cursor.is_at(1, "conflict") || cursor.are("on duplicate key") {
            found.on_conflict = true;
            let mut rest = *cursor;
            let mut target = *cursor;
            if target.eat("on conflict") && target.mark("(") {
                found.conflict_columns = target.column_list().unwrap_or_default();
            }
            while !rest.is_done() {
                found.updates_on_conflict |= rest.is("update");
                rest.step();
            }
        }
        found.returns |= cursor.is("returning");
        cursor.step();
    }
    Some(())
}

/// The literals of `VALUES (…)`, where there is one row.
fn single_row(cursor: &Cursor<'_>) -> Vec<Option<String>> {
    let mut at = *cursor;
    if !at.eat("values") {
        return Vec::new();
    }
    let Some(mut inside) = at.group().filter(|_| !at.mark(",")) else {
        return Vec::new();
    };
    let mut row = Vec::new();
    while !inside.is_done() {
        let from = inside.at;
        inside.skip_to_comma();
        let value = inside.expression_between(from, inside.at);
        let is_default = value.text.eq_ignore_ascii_case("default");
        row.push((value.is_literal || is_default).then_some(value.text));
        inside.eat_mark(",");
    }
    row
}

/// Bytes of the `VALUES` of one `INSERT` that are kept; of more, none are.
const KEPT_BYTES: usize = 4_000;

/// The rows of `VALUES (…), (…)` as they are written. `None` where they are too many.
fn values(mut cursor: Cursor<'_>) -> Option<Box<str>> {
    cursor.expect("values")?;
    let from = cursor.at;
    let (first, last) = (cursor.token(0)?, *cursor.tokens.last()?);
    if (last.end - first.start) as usize > KEPT_BYTES {
        return None;
    }
    while cursor.skip_group() && cursor.eat_mark(",") {}
    Some(cursor.written(from, cursor.at).into())
}

/// How many expressions stand between the brackets.
fn width_of_row(mut row: Cursor<'_>) -> usize {
    let mut width = usize::from(!row.is_done());
    while !row.is_done() {
        row.skip_to_comma();
        width += usize::from(row.eat_mark(","));
    }
    width
}

fn update(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Update> {
    cursor.expect("update")?;
    let mut found = Update::default();
    cursor.eat_one_of(&["low_priority", "ignore"]);
    if cursor.eat("or") {
        flags.insert("or_action", cursor.identifier()?.to_lowercase().into());
    }
    found.reach.limit = top(cursor);
    found.only = cursor.eat("only");
    flags.insert("only", found.only.into());
    found.table = cursor.name()?;
    let alias = joined(cursor, &mut found.reach, &["set"]);
    cursor.expect("set")?;
    let from = cursor.at;
    while !cursor.is_done() && !cursor.is_one_of(&["where", "from", "returning", "order", "limit", "output"]) {
        assignment(&mut found, cursor)?;
    }
    found.values = cursor.expression_between(from, cursor.at);
    found.reads = tables_between(cursor, from, cursor.at);
    reach(&mut found.reach, cursor, flags)?;
    resolve_alias(&mut found.table, alias.as_deref(), &mut found.reach.joins, cursor);
    found.reads.extend(condition_reads(cursor, from));
    if let Some(condition) = &found.reach.condition {
        let text = condition.text.to_lowercase().replace(['"', '`'], "");
        found.fills_null = !text.contains(" or ")
            && found.columns.iter().any(|column| {
                let column = column.to_lowercase();
                text == format!("{column} is null")
                    || text.starts_with(&format!("{column} is null and "))
                    || text.ends_with(&format!(" and {column} is null"))
                    || text.contains(&format!(" and {column} is null and "))
            });
    }
    Some(found)
}

fn tables_between(cursor: &Cursor<'_>, from: usize, to: usize) -> Vec<Name> {
    let mut found = Query::default();
    if let Some(tokens) = cursor.tokens.get(from..to) {
        scan(&Cursor { tokens, at: 0, ..*cursor }, &mut found);
    }
    found.tables
}

/// Tables that sub-queries behind `from` read.
fn condition_reads(cursor: &Cursor<'_>, from: usize) -> Vec<Name> {
    let mut at = Cursor { at: from, ..*cursor };
    let mut tables = Vec::new();
    while !at.is_done() {
        let begin = at.at;
        if at.skip_group() {
            let inside = Cursor { at: begin + 1, tokens: cursor.tokens, ..*cursor };
            if inside.is("select") || inside.is("with") {
                tables.extend(tables_between(cursor, begin + 1, at.at - 1));
            } else {
                tables
                    .extend(condition_reads(&Cursor { tokens: cursor.tokens.get(..at.at - 1).unwrap_or_default(), ..*cursor }, begin + 1));
            }
        } else {
            at.at += 1;
        }
    }
    tables
}

/// Words that end the value of an assignment, outside of `CASE … END`.
const AFTER_ASSIGNMENT: &[&str] = &["where", "from", "returning", "order", "limit", "output", "when"];

/// `col = expression`, `(a, b) = (…)`, up to the next comma.
fn assignment(found: &mut Update, cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.mark("(") {
        found.columns.extend(cursor.column_list()?);
    } else {
        found.columns.push(cursor.name()?.name);
        while cursor.skip_group() || cursor.eat_mark(".") && cursor.identifier().is_some() {}
    }
    if !cursor.eat_mark("=") && !cursor.eat_mark(":=") {
        return None;
    }
    let mut cases = 0_u32;
    while !cursor.is_done() && (cases > 0 || !cursor.mark(",") && !cursor.is_one_of(AFTER_ASSIGNMENT)) {
        cases += u32::from(cursor.is("case"));
        cases = cases.saturating_sub(u32::from(cursor.is("end")));
        cursor.step();
    }
    cursor.eat_mark(",");
    Some(())
}

fn top(cursor: &mut Cursor<'_>) -> Option<u64> {
    if cursor.dialect != Dialect::Mssql || !cursor.eat("top") {
        return None;
    }
    let limit = if cursor.mark("(") { cursor.group()?.number() } else { cursor.number() };
    cursor.eat("percent");
    limit.and_then(|n| u64::try_from(n).ok())
}

/// Alias and further tables up to one of `stops`; gives the alias of the first.
fn joined(cursor: &mut Cursor<'_>, reach: &mut Reach, stops: &[&str]) -> Option<String> {
    cursor.eat_mark("*");
    let mut alias = None;
    if cursor.eat("as")
        || matches!(cursor.kind(), Some(TokenKind::Word | TokenKind::Quoted))
            && !cursor.is_one_of(stops)
            && !cursor.is_one_of(&[
                "join",
                "inner",
                "left",
                "right",
                "cross",
                "straight_join",
                "natural",
                "from",
                "where",
                "using",
                "order",
                "limit",
                "returning",
                "output",
                "with",
                "indexed",
                "not",
                "for",
            ])
    {
        alias = cursor.identifier();
    }
    let from = cursor.at;
    while !cursor.is_done()
        && !cursor.is_one_of(stops)
        && !cursor.is_one_of(&["where", "using", "returning", "from", "order", "limit", "output"])
    {
        cursor.step();
    }
    if cursor.at > from {
        let mut ahead = Cursor { at: from, ..*cursor };
        ahead.eat_mark(",");
        let mut found = Query::default();
        if !ahead.is("join") && from < ahead.at {
            from_item(&mut ahead, &mut found, &[]);
        }
        reach.joins.extend(found.tables);
        reach.joins.extend(tables_between(cursor, from, cursor.at));
    }
    alias
}

/// `FROM …`, `USING …`, `WHERE …`, `ORDER BY …`, `LIMIT n`, `RETURNING …`.
fn reach(found: &mut Reach, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    if cursor.is("output") {
        while !cursor.is_done() && !cursor.is_one_of(&["from", "where"]) {
            cursor.step();
        }
    }
    if cursor.eat("from") || cursor.eat("using") {
        let from = cursor.at;
        while !cursor.is_done() && !cursor.is_one_of(&["where", "returning", "order", "limit"]) {
            cursor.step();
        }
        let mut list = Query::default();
        let mut first = Cursor { at: from, tokens: cursor.tokens.get(..cursor.at)?, ..*cursor };
        from_item(&mut first, &mut list, &[]);
        let mut at = Cursor { at: from, ..first };
        while !at.is_done() {
            if at.eat_mark(",") || at.eat("join") {
                from_item(&mut at, &mut list, &[]);
            } else {
                at.step();
            }
        }
        found.joins.extend(list.tables);
    }
    if cursor.eat("where") {
        let from = cursor.at;
        while !cursor.is_done() && !cursor.is_one_of(&["returning", "limit"]) && !cursor.are("order by") {
            cursor.step();
        }
        if cursor.at == from {
            return None;
        }
        found.condition = Some(cursor.expression_between(from, cursor.at));
        found.bounded_by = bounded_columns(&Cursor { at: from, tokens: cursor.tokens.get(..cursor.at)?, ..*cursor });
    }
    while !cursor.is_done() {
        if cursor.eat("limit") {
            found.limit = cursor.number().and_then(|n| u64::try_from(n).ok());
        } else {
            found.returns |= cursor.is("returning");
            cursor.step();
        }
    }
    flags.insert("where", found.condition.is_some().into());
    if let Some(limit) = found.limit {
        flags.insert("limit", i64::try_from(limit).unwrap_or(i64::MAX).into());
    }
    if !found.joins.is_empty() {
        flags.insert("join", true.into());
    }
    Some(())
}

/// Columns that conditions joined by `AND` compare with something that is no column.
fn bounded_columns(condition: &Cursor<'_>) -> Vec<String> {
    let mut columns = Vec::new();
    let mut at = *condition;
    // `( … )` around the whole.
    while at.mark("(") {
        let mut whole = at;
        let Some(inside) = whole.group() else { break };
        if !whole.is_done() {
            break;
        }
        at = inside;
    }
    let alternatives = alternatives(at);
    if let [first, others @ ..] = alternatives.as_slice()
        && !others.is_empty()
    {
        // Whatever alternative holds: these columns are compared with values.
        let others: Vec<Vec<String>> = others.iter().map(bounded_columns).collect();
        return bounded_columns(first).into_iter().filter(|column| others.iter().all(|other| other.contains(column))).collect();
    }
    while !at.is_done() {
        let mut part = at;
        if let Some(name) = part.name() {
            let compares = part.is_one_of(&["in", "between"]) || ["=", "<", ">", "<=", ">="].iter().any(|mark| part.mark(mark));
            let with = part.token(1).map(|token| token.kind);
            let plain = matches!(with, Some(TokenKind::Number | TokenKind::String | TokenKind::Parameter))
                || part.is("in")
                || part.mark_at(1, "-")
                || part.is_at(1, "any");
            if compares && plain {
                columns.push(name.name);
            }
            if part.is("between") {
                part.at += 2;
                while !part.is_done() && !part.is("and") {
                    part.step();
                }
                part.eat("and");
                at = part;
            }
        }
        while !at.is_done() && !at.is("and") {
            at.step();
        }
        at.eat("and");
    }
    columns
}

/// What stands between the outermost `OR`s.
fn alternatives<'a>(condition: Cursor<'a>) -> Vec<Cursor<'a>> {
    let (mut at, mut from, mut found) = (condition, condition.at, Vec::new());
    while !at.is_done() {
        if at.is("or") {
            found.push(Cursor { tokens: at.tokens.get(..at.at).unwrap_or_default(), at: from, ..at });
            from = at.at + 1;
        }
        at.step();
    }
    found.push(Cursor { at: from, ..condition });
    found
}

fn delete(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Delete> {
    cursor.expect("delete")?;
    let mut found = Delete::default();
    cursor.eat_one_of(&["low_priority", "quick", "ignore"]);
    found.reach.limit = top(cursor);
    let several = !cursor.eat("from");
    found.only = cursor.eat("only");
    flags.insert("only", found.only.into());
    let start = cursor.at;
    found.tables = cursor.names()?;
    let alias = joined(cursor, &mut found.reach, &["from", "using"]);
    let uses = cursor.is("using");
    if several && cursor.dialect != Dialect::Oracle && cursor.is("from") || found.tables.len() > 1 {
        // `DELETE a, b FROM a JOIN b`: the names may be aliases of what follows.
        reach(&mut found.reach, cursor, flags)?;
        let mut tables = std::mem::take(&mut found.tables);
        for table in &mut tables {
            let name = table.name.clone();
            resolve_alias(table, Some(&name), &mut found.reach.joins, cursor);
        }
        found.tables = tables;
    } else {
        reach(&mut found.reach, cursor, flags)?;
        if let Some(table) = found.tables.first_mut() {
            resolve_alias(table, alias.as_deref(), &mut found.reach.joins, cursor);
        }
    }
    found.reads = condition_reads(cursor, start);
    if uses {
        flags.insert("using", true.into());
    }
    if !found.reach.joins.is_empty() {
        flags.insert("join", true.into());
    }
    Some(found)
}

/// Puts the real table in the place of an alias (`DELETE o FROM orders o …`), and takes it out of the joins.
fn resolve_alias(table: &mut Name, alias: Option<&str>, joins: &mut Vec<Name>, cursor: &Cursor<'_>) {
    if alias.is_some_and(|alias| alias == table.name) && table.schema.is_none() {
        let mut at = Cursor { at: 0, ..*cursor };
        while !at.is_done() {
            let mut ahead = at;
            if let Some(name) = ahead.name() {
                ahead.eat("as");
                let mut words = ahead;
                if name != *table && joins.contains(&name) && words.identifier().is_some_and(|word| word == table.name) {
                    *table = name;
                    break;
                }
            }
            at.at += 1;
        }
    }
    joins.retain(|name| name != table);
}

fn merge(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Merge> {
    cursor.expect("merge")?;
    cursor.eat("into");
    cursor.eat("only");
    let mut found = Merge { table: cursor.name()?, ..Merge::default() };
    while !cursor.is_done() && !cursor.is("using") {
        cursor.step();
    }
    cursor.expect("using")?;
    cursor.eat("only");
    if !cursor.mark("(") {
        found.source = cursor.name();
    }
    while !cursor.is_done() {
        if cursor.eat("then") {
            found.deletes |= cursor.is("delete");
            found.updates |= cursor.is("update");
            found.inserts |= cursor.is("insert");
            if cursor.eat("update set") {
                let mut columns = Update::default();
                while !cursor.is_done() && !cursor.is_one_of(&["when", "returning"]) && assignment(&mut columns, cursor).is_some() {}
                found.columns.extend(columns.columns);
                continue;
            }
        }
        found.by_source |= cursor.are("by source");
        cursor.step();
    }
    flags.insert("deletes_rows", found.deletes.into());
    Some(found)
}

//! `CREATE`, `ALTER` and `DROP` of everything that is no table.

use crate::dialect::Dialect;
use crate::sql::change::Flags;
use crate::sql::change::{
    Change, DomainAction, Drop, Flag, Index, IndexAction, IndexKey, Name, SequenceAction, TypeAction, TypeForm, ViewAction,
};
use crate::sql::token::TokenKind;
use crate::sql::understand::cursor::Cursor;
use crate::sql::understand::table;
use crate::sql::understand::{Found, mysql, query, read_nested};
use crate::sql::words::{Action, Kind, kind_named};

/// Words that PostgreSQL writes in front of, or as, an object's kind, with the contract's word for it. Longest first.
const OBJECTS: &[(&str, &str)] = &[
    ("text search configuration", "ts_config"),
    ("text search dictionary", "ts_config"),
    ("text search parser", "ts_config"),
    ("text search template", "ts_config"),
    ("foreign data wrapper", "foreign_data_wrapper"),
    ("materialized view", "materialized_view"),
    ("operator class", "operator_class"),
    ("operator family", "operator_family"),
    ("access method", "access_method"),
    ("event trigger", "event_trigger"),
    ("foreign table", "foreign_table"),
    ("user mapping", "user_mapping"),
    ("large object", "large_object"),
    ("default privileges", "default_privileges"),
    ("procedural language", "language"),
    ("trusted language", "language"),
    ("trusted procedural language", "language"),
    ("aggregate", "aggregate"),
    ("cast", "cast"),
    ("collation", "collation"),
    ("conversion", "conversion"),
    ("database", "database"),
    ("domain", "domain"),
    ("event", "event"),
    ("extension", "extension"),
    ("function", "function"),
    ("group", "role"),
    ("index", "index"),
    ("language", "language"),
    ("operator", "operator"),
    ("owned", "owned"),
    ("package", "function"),
    ("policy", "policy"),
    ("procedure", "procedure"),
    ("proc", "procedure"),
    ("publication", "publication"),
    ("role", "role"),
    ("routine", "function"),
    ("rule", "rule"),
    ("schema", "schema"),
    ("sequence", "sequence"),
    ("server", "server"),
    ("statistics", "statistics"),
    ("subscription", "subscription"),
    ("synonym", "synonym"),
    ("system", "system"),
    ("table", "table"),
    ("tables", "table"),
    ("tablespace", "tablespace"),
    ("transform", "transform"),
    ("trigger", "trigger"),
    ("type", "type"),
    ("user", "user"),
    ("view", "view"),
    ("login", "user"),
];

/// The object's word in `OBJECTS`, moved over.
fn object(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    let (words, object) = OBJECTS.iter().find(|(words, _)| cursor.are(words))?;
    cursor.eat(words);
    Some(object)
}

/// `CREATE …`.
pub fn create(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("create")?;
    let or_replace = cursor.eat("or replace") || cursor.eat("or alter");
    if or_replace {
        flags.insert("or_replace", true.into());
    }
    let modifiers = modifiers(cursor, flags)?;
    if modifiers.virtual_table && cursor.eat("table") {
        cursor.eat("if not exists");
        let name = cursor.name()?;
        cursor.expect("using")?;
        cursor.identifier()?;
        cursor.skip_all();
        let table = crate::sql::change::CreateTable { name: name.clone(), ..Default::default() };
        return Some(Found::new(Kind::CreateVirtualTable, Change::CreateTable(Box::new(table))).on(name));
    }
    let word = object(cursor)?;
    match word {
        "table" | "foreign_table" => create_table(word, &modifiers, or_replace, cursor, flags),
        "index" => create_index(&modifiers, or_replace, cursor, flags),
        "view" | "materialized_view" => create_view(word, &modifiers, or_replace, cursor, flags),
        "type" => create_type(cursor, flags),
        "domain" => create_domain(cursor),
        "sequence" => create_sequence(cursor, flags),
        "trigger" => create_trigger(&modifiers, or_replace, cursor, flags),
        "rule" => {
            cursor.identifier()?;
            cursor.expect("as on")?;
            let event = cursor.eat_one_of(&["select", "insert", "update", "delete"])?;
            cursor.expect("to")?;
            let table = cursor.name()?;
            cursor.skip_all();
            Some(Found::new(Kind::CreateRule, Change::CreateRule { table: table.clone(), or_replace, event }).on(table))
        }
        "policy" => {
            let name = cursor.identifier()?;
            cursor.expect("on")?;
            let table = cursor.name()?;
            let restrictive = cursor.are("as restrictive");
            let words = cursor.rest_as_expression().words;
            cursor.skip_all();
            Some(Found::new(Kind::CreatePolicy, Change::CreatePolicy { name, table: table.clone(), words, restrictive }).on(table))
        }
        "function" | "procedure" | "aggregate" => create_function(word, or_replace, cursor, flags),
        "schema" => create_schema(cursor, flags),
        "statistics" => create_statistics(cursor, flags),
        "publication" => publication(Kind::CreatePublication, cursor),
        _ => {
            flag_if_not_exists(cursor, flags);
            let kind = kind_named("create", word)?;
            let subject = if word == "cast" { cast_name(cursor) } else { cursor.clone().name() };
            cursor.skip_all();
            Some(Found { subject, ..Found::new(kind, Change::Other) })
        }
    }
}

/// A cast has no name: what stands in its brackets is one.
fn cast_name(cursor: &Cursor<'_>) -> Option<Name> {
    let mut at = *cursor;
    at.skip_group();
    Some(Name::bare(cursor.source(cursor.at, at.at).to_lowercase()))
}

/// What may stand between `CREATE` and the object.
#[derive(Default)]
struct Modifiers {
    temporary: bool,
    unlogged: bool,
    unique: bool,
    special: Option<&'static str>,
    constraint: bool,
    virtual_table: bool,
    recursive: bool,
}

fn modifiers(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Modifiers> {
    let mut found = Modifiers::default();
    loop {
        if cursor.eat_one_of(&["temporary", "temp"]).is_some() {
            found.temporary = true;
            flags.insert("temporary", true.into());
        } else if cursor.eat("unlogged") {
            found.unlogged = true;
            flags.insert("unlogged", true.into());
        } else if cursor.eat("unique") {
            found.unique = true;
        } else if let Some(special) = cursor.eat_one_of(&["fulltext", "spatial", "vector"]) {
            found.special = Some(special);
        } else if cursor.eat("constraint") {
            found.constraint = true;
            flags.insert("constraint_trigger", true.into());
        } else if cursor.eat("virtual") {
            found.virtual_table = true;
        } else if cursor.eat("recursive") {
            found.recursive = true;
        } else if cursor
            .eat_one_of(&[
                "global",
                "local",
                "clustered",
                "nonclustered",
                "columnstore",
                "online",
                "offline",
                "editionable",
                "noneditionable",
                "force",
                "bitmap",
                "public",
                "private",
            ])
            .is_some()
        {
        } else if cursor.are("default conversion") {
            cursor.at += 1;
        } else if cursor.eat("definer") {
            cursor.expect_mark("=")?;
            cursor.advance()?;
            if cursor.kind() == Some(TokenKind::Parameter) || cursor.mark("@") {
                cursor.at += 1;
                if cursor.kind() == Some(TokenKind::String) || cursor.kind() == Some(TokenKind::Quoted) {
                    cursor.at += 1;
                }
            }
            cursor.skip_group();
        } else if cursor.eat("algorithm") {
            cursor.expect_mark("=")?;
            cursor.advance()?;
        } else if cursor.eat("sql security") {
            cursor.advance()?;
        } else {
            return Some(found);
        }
    }
}

fn flag_if_not_exists(cursor: &mut Cursor<'_>, flags: &mut Flags) -> bool {
    let there = cursor.eat("if not exists");
    flags.insert("if_not_exists", there.into());
    there
}

fn create_table(word: &str, modifiers: &Modifiers, or_replace: bool, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let mut table = table::create_table(cursor, flags)?;
    table.temporary |= modifiers.temporary;
    table.unlogged = modifiers.unlogged;
    table.or_replace = or_replace;
    table.foreign = word == "foreign_table";
    let kind = match (&table.query, table.foreign) {
        (Some(_), _) => Kind::CreateTableAs,
        (None, true) => Kind::CreateForeignTable,
        (None, false) => Kind::CreateTable,
    };
    let name = table.name.clone();
    Some(Found::new(kind, Change::CreateTable(Box::new(table))).on(name))
}

fn create_index(modifiers: &Modifiers, or_replace: bool, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let _ = or_replace;
    let concurrently = cursor.eat("concurrently");
    let mut index = Index { unique: modifiers.unique, special: modifiers.special.map(str::to_owned), ..Index::default() };
    index.if_not_exists = flag_if_not_exists(cursor, flags);
    if !cursor.is("on") || cursor.is_at(1, "on") {
        index.name = cursor.name().map(|name| name.name);
    }
    if cursor.dialect.is_mysql_family() && cursor.eat("using") {
        index.method = Some(cursor.identifier()?.to_lowercase());
    }
    cursor.expect("on")?;
    let only = cursor.eat("only");
    let table = cursor.name()?;
    if cursor.eat("using") {
        index.method = Some(cursor.identifier()?.to_lowercase());
    }
    index.prefixed = table::has_prefix(*cursor);
    index.classes = table::operator_classes(*cursor);
    index.keys = table::index_keys(cursor)?;
    table::index_options(&mut index, cursor, flags)?;
    let (mut algorithm, mut lock) = (None, None);
    while let Some((word, value)) = cursor.dialect.is_mysql_family().then(|| mysql::algorithm_or_lock_words(cursor)).flatten() {
        flags.insert(word, value.clone().into());
        *(if word == "lock" { &mut lock } else { &mut algorithm }) = Some(value);
    }
    if let Some(name) = &index.name {
        flags.insert("index", name.clone().into());
    }
    flags.insert("concurrently", concurrently.into());
    flags.insert("unique", index.unique.into());
    flags.insert("only", only.into());
    if let Some(method) = &index.method {
        flags.insert("method", method.clone().into());
    }
    if let Some(special) = &index.special {
        flags.insert("index_type", special.clone().into());
    }
    if index.keys.iter().any(|key| matches!(key, IndexKey::Expression(found) if !found.functions.is_empty() || found.text.starts_with('(')))
    {
        flags.insert("functional", true.into());
    }
    if cursor.dialect == Dialect::Mssql && !flags.contains_key("online") {
        flags.insert("online", false.into());
    }
    if cursor.dialect == Dialect::Oracle {
        cursor.skip_all();
    }
    let change = Change::CreateIndex { table: table.clone(), only, concurrently, index, algorithm, lock };
    Some(Found::new(Kind::CreateIndex, change).on(table))
}

fn create_view(word: &str, modifiers: &Modifiers, or_replace: bool, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let if_not_exists = flag_if_not_exists(cursor, flags);
    let name = cursor.name()?;
    let columns = if cursor.mark("(") { cursor.column_list()? } else { Vec::new() };
    while cursor.is_one_of(&["using", "tablespace"]) {
        cursor.at += 2;
    }
    if cursor.eat("with") && !cursor.skip_group() {
        cursor.names()?;
    }
    cursor.expect("as")?;
    let mut body = *cursor;
    let n = body.tokens.len();
    let mut with_data = true;
    let ends = |words: &str| {
        let count = words.split(' ').count();
        n > count && Cursor { at: n - count, ..*cursor }.are(words)
    };
    for (words, data) in [
        ("with no data", Some(false)),
        ("with data", Some(true)),
        ("with check option", None),
        ("with local check option", None),
        ("with cascaded check option", None),
    ] {
        if ends(words) {
            body.tokens = cursor.tokens.get(..n - words.split(' ').count())?;
            match data {
                Some(value) => with_data = value,
                None => {
                    let option = if words.contains("local") { "local" } else { "cascaded" };
                    flags.insert("check_option", option.into());
                }
            }
        }
    }
    let materialized = word == "materialized_view";
    if materialized {
        flags.insert("with_data", with_data.into());
    }
    let mut query = query::query(&mut body)?;
    if modifiers.recursive {
        // It reads itself, as a common table expression does.
        query.tables.retain(|table| *table != name);
    }
    cursor.skip_all();
    let kind = if materialized { Kind::CreateMaterializedView } else { Kind::CreateView };
    Some(Found::new(
        kind,
        Change::CreateView { name, or_replace, if_not_exists, materialized, temporary: modifiers.temporary, query, columns, with_data },
    ))
}

fn create_type(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let name = cursor.name()?;
    let form = if cursor.eat("as enum") {
        let mut inside = cursor.group()?;
        let mut values = Vec::new();
        while !inside.is_done() {
            values.push(inside.string()?);
            inside.eat_mark(",");
        }
        flags.insert("enum", true.into());
        TypeForm::Enum(values)
    } else if cursor.eat("as range") {
        cursor.group()?;
        flags.insert("range", true.into());
        TypeForm::Range
    } else if cursor.is("as") && cursor.mark_at(1, "(") || cursor.are("as table") || cursor.are("as object") {
        cursor.at += 1;
        cursor.eat_one_of(&["table", "object"]);
        cursor.group()?;
        flags.insert("composite", true.into());
        TypeForm::Composite
    } else if cursor.eat("from") {
        cursor.skip_all();
        TypeForm::Alias
    } else if cursor.mark("(") {
        cursor.group()?;
        TypeForm::Base
    } else {
        TypeForm::Shell
    };
    Some(Found::new(Kind::CreateType, Change::CreateType { name, form }))
}

fn create_domain(cursor: &mut Cursor<'_>) -> Option<Found> {
    let name = cursor.name()?;
    cursor.eat("as");
    let base = table::data_type(cursor)?;
    let (mut not_null, mut checks, mut default) = (false, Vec::new(), None);
    while !cursor.is_done() {
        if cursor.eat("constraint") {
            cursor.identifier()?;
        } else if cursor.eat("not null") {
            not_null = true;
        } else if cursor.eat("null") {
        } else if cursor.eat("collate") {
            cursor.name()?;
        } else if cursor.eat("check") {
            checks.push(cursor.group()?.rest_as_expression());
        } else if cursor.eat("default") {
            default = Some(cursor.expression(&["not", "null", "constraint", "check", "collate"])?);
        } else {
            return None;
        }
    }
    Some(Found::new(Kind::CreateDomain, Change::CreateDomain { name, base, not_null, checks, default }))
}

fn create_sequence(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let if_not_exists = flag_if_not_exists(cursor, flags);
    let name = cursor.name()?;
    let (mut owned_by, mut has_options) = (None, false);
    while !cursor.is_done() {
        if cursor.eat("owned by") {
            owned_by = cursor.name().and_then(|column| column.schema.map(Name::bare));
            while cursor.eat_mark(".") {
                cursor.at += 1;
            }
        } else if cursor.eat("as") {
            table::data_type(cursor)?;
        } else {
            sequence_option(cursor)?;
            has_options = true;
        }
    }
    Some(Found::new(Kind::CreateSequence, Change::CreateSequence { name, if_not_exists, owned_by, has_options }))
}

fn sequence_option(cursor: &mut Cursor<'_>) -> Option<()> {
    let word = cursor.eat_one_of(&[
        "increment",
        "minvalue",
        "maxvalue",
        "no minvalue",
        "no maxvalue",
        "nominvalue",
        "nomaxvalue",
        "start",
        "restart",
        "cache",
        "no cache",
        "nocache",
        "no cycle",
        "nocycle",
        "cycle",
        "order",
        "noorder",
    ])?;
    if matches!(word, "increment" | "minvalue" | "maxvalue" | "start" | "restart" | "cache") {
        cursor.eat_one_of(&["by", "with"]);
        cursor.eat_mark("=");
        let _ = cursor.number();
    }
    Some(())
}

fn create_trigger(modifiers: &Modifiers, or_replace: bool, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    flag_if_not_exists(cursor, flags);
    let name = cursor.name()?.name;
    let (mut words, mut of_columns) = (Vec::new(), Vec::new());
    let (mut instead_of, mut on_insert) = (false, false);
    if cursor.dialect == Dialect::Mssql && cursor.is("on") {
        cursor.eat("on");
    } else {
        while !cursor.is_done() && !cursor.is("on") {
            instead_of |= cursor.are("instead of");
            on_insert |= cursor.is("insert");
            if cursor.eat("of") {
                let from = cursor.at;
                while !cursor.is_done() && !cursor.is("on") && !cursor.is("or") {
                    cursor.step();
                }
                of_columns = cursor.expression_between(from, cursor.at).words;
                words.extend(of_columns.iter().cloned());
            } else {
                cursor.step();
            }
        }
        cursor.expect("on")?;
    }
    let table = cursor.name()?;
    let code = cursor.expression_between(cursor.at, cursor.tokens.len());
    let mut references = None;
    let mut function = None;
    let mut body = false;
    while !cursor.is_done() {
        if modifiers.constraint && cursor.eat("from") {
            references = cursor.name();
        }
        if cursor.eat("when") {
            let from = cursor.at;
            cursor.skip_group();
            words.extend(cursor.expression_between(from, cursor.at).words);
            continue;
        }
        if cursor.eat("execute") {
            cursor.eat_one_of(&["function", "procedure"]);
            function = cursor.name();
            continue;
        }
        body |= cursor.is("begin");
        cursor.step();
    }
    if body {
        flags.insert("compound_body", true.into());
    }
    let change = Change::CreateTrigger {
        name,
        table: table.clone(),
        or_replace,
        references,
        function,
        words,
        of_columns,
        instead_of,
        on_insert,
        body: code,
    };
    Some(Found::new(Kind::CreateTrigger, change).on(table))
}

fn create_function(word: &str, or_replace: bool, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    flag_if_not_exists(cursor, flags);
    let name = cursor.name()?;
    let from = cursor.at;
    let arguments = if cursor.clone().skip_group() {
        cursor.skip_group();
        cursor.expression_between(from, cursor.at).text.to_lowercase()
    } else {
        String::new()
    };
    let (mut language, mut volatility, mut opaque, mut literal) = (None, None, false, false);
    let (mut returns, mut text) = (None, None);
    while !cursor.is_done() {
        if returns.is_none() && cursor.eat("returns") {
            returns = table::data_type(&mut cursor.clone());
        } else if cursor.eat("language") {
            language = Some(cursor.peek(0).trim_matches(['\'', '"']).to_lowercase());
        } else if let Some(found) = cursor.eat_one_of(&["immutable", "stable", "volatile", "deterministic"]) {
            volatility = Some(found.to_owned());
            continue;
        } else if cursor.eat("security definer") {
            flags.insert("security_definer", true.into());
            continue;
        } else if cursor.eat("strict") {
            flags.insert("strict", true.into());
            continue;
        } else if cursor.are("begin atomic") {
            flags.insert("atomic_body", true.into());
        } else if cursor.is("begin") {
            flags.insert("compound_body", true.into());
        } else if cursor.kind() == Some(TokenKind::String) {
            opaque = true;
            let body = crate::sql::understand::cursor::string_content(cursor.peek(0));
            literal = selects_literal(&body);
            text = text.or(Some(body));
        }
        cursor.step();
    }
    if let Some(language) = &language {
        flags.insert("language", language.clone().into());
    }
    if let Some(volatility) = &volatility {
        flags.insert("volatility", volatility.clone().into());
    }
    if opaque {
        flags.insert("opaque_body", true.into());
    }
    if literal && language.as_deref() == Some("sql") {
        flags.insert("literal_body", true.into());
    }
    let kind = kind_named("create", word)?;
    let raises =
        language.as_deref() == Some("plpgsql") && text.as_deref().is_some_and(|text| super::block::always_raises(text, cursor.dialect));
    let body = match text {
        Some(text) if language.as_deref() == Some("sql") => statements_in(&text, cursor.dialect),
        _ => Vec::new(),
    };
    Some(Found::new(kind, Change::CreateFunction { name, or_replace, arguments, language, volatility, returns, body, raises }))
}

/// The statements of a function's body.
fn statements_in(text: &str, dialect: Dialect) -> Vec<crate::sql::change::Reading> {
    let pieces = crate::sql::split::split(text, dialect);
    let tokens_of = |first: u32, end: u32| pieces.tokens.get(first as usize..end as usize).unwrap_or_default();
    pieces.pieces.iter().map(|piece| read_nested(Cursor::new(text, tokens_of(piece.first_token, piece.end_token), dialect), 1)).collect()
}

/// `SELECT 7`: PostgreSQL puts such a body in the place of the call.
fn selects_literal(body: &str) -> bool {
    let words = body.trim().trim_end_matches(';').trim();
    let Some(rest) = words.get(..6).filter(|head| head.eq_ignore_ascii_case("select")).and_then(|_| words.get(6..)) else {
        return false;
    };
    let value = rest.trim();
    !value.is_empty() && (value.parse::<f64>().is_ok() || value.starts_with('\'') && value.ends_with('\'') && !value.contains('('))
}

fn create_schema(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let if_not_exists = flag_if_not_exists(cursor, flags);
    let mut name = None;
    if !cursor.is("authorization") {
        name = Some(cursor.name()?);
    }
    if cursor.eat("authorization") {
        let owner = cursor.name()?;
        name = name.or(Some(owner));
    }
    let mut elements = Vec::new();
    if cursor.dialect.is_mysql_family() || cursor.dialect == Dialect::Oracle {
        cursor.skip_all();
    }
    while !cursor.is_done() {
        let from = cursor.at;
        cursor.at += 1;
        while !cursor.is_done() && !cursor.is_one_of(&["create", "grant"]) {
            cursor.step();
        }
        let tokens = cursor.tokens.get(from..cursor.at)?;
        elements.push(read_nested(Cursor { tokens, at: 0, ..*cursor }, 1));
    }
    if !elements.is_empty() {
        flags.insert("embedded", i64::try_from(elements.len()).unwrap_or(i64::MAX).into());
    }
    let kind = if cursor.dialect.is_mysql_family() { Kind::CreateDatabase } else { Kind::CreateSchema };
    Some(Found::new(kind, Change::CreateSchema { name, if_not_exists, elements }))
}

fn create_statistics(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    flag_if_not_exists(cursor, flags);
    let name = if cursor.is("on") { None } else { cursor.clone().name() };
    while !cursor.is_done() && !cursor.is("from") && !cursor.is("on") {
        cursor.step();
    }
    if cursor.mark_at(1, "(") || cursor.mark_at(2, "(") {
        flags.insert("functional", true.into());
    }
    let mut columns = 1;
    while !cursor.is_done() && !cursor.is("from") {
        columns += usize::from(cursor.mark(","));
        cursor.step();
    }
    cursor.expect("from")?;
    let tables = cursor.names()?;
    cursor.skip_all();
    let first = tables.first().cloned()?;
    Some(Found::new(Kind::CreateStatistics, Change::CreateStatistics { name, tables, columns }).on(first))
}

/// `… FOR TABLE a (x) WHERE (…), b`, `… ADD TABLE a`, `… DROP TABLE a`, `… SET TABLE a`.
fn publication(kind: Kind, cursor: &mut Cursor<'_>) -> Option<Found> {
    let name = cursor.identifier()?;
    let (drops, sets, mut filtered) = (cursor.is("drop"), cursor.is("set"), false);
    let mut tables = Vec::new();
    let all = cursor.are("for all tables");
    let mut inserts_only = false;
    while !cursor.is_done() {
        if cursor.are("publish") && cursor.mark_at(1, "=") {
            cursor.at += 2;
            let published = cursor.string().unwrap_or_default().to_lowercase();
            inserts_only = !published.contains("update") && !published.contains("delete");
        } else if cursor.mark("(") {
            // What is published stands within brackets.
            cursor.at += 1;
        } else if cursor.eat("tables in schema") {
            filtered = true;
        } else if cursor.eat("table") {
            loop {
                cursor.eat("only");
                cursor.eat("table");
                tables.push(cursor.name()?);
                cursor.eat_mark("*");
                filtered |= cursor.skip_group();
                if cursor.eat("where") {
                    cursor.group()?;
                    filtered = true;
                }
                if !cursor.eat_mark(",") || cursor.is("tables") {
                    break;
                }
            }
        } else {
            cursor.step();
        }
    }
    let subject = Some(Name::bare(name));
    Some(Found { subject, ..Found::new(kind, Change::Publication { tables, all, drops, sets, filtered, inserts_only }) })
}

/// `DROP …`.
pub fn drop(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("drop")?;
    let temporary = cursor.eat("temporary") || cursor.eat("temp");
    if temporary {
        flags.insert("temporary", true.into());
    }
    cursor.eat_one_of(&["procedural", "public", "undo"]);
    if cursor.eat("prepare") {
        cursor.skip_all();
        return Some(Found::new(Kind::Deallocate, Change::Other));
    }
    let word = object(cursor)?;
    let kind = kind_named("drop", word)?;
    let mut drop = Drop { temporary, concurrently: cursor.eat("concurrently"), ..Drop::default() };
    drop.if_exists = cursor.eat("if exists");
    flags.insert("if_exists", drop.if_exists.into());
    match word {
        "owned" | "cast" | "transform" | "user_mapping" => {
            let owner = match word {
                "owned" if cursor.eat("by") => cursor.identifier().map(Name::bare),
                "cast" => cast_name(cursor),
                _ => None,
            };
            cursor.skip_all();
            if cursor.ends_with("cascade") {
                drop.cascade = true;
            }
            flags.insert("cascade", drop.cascade.into());
            return Some(Found { subject: owner, ..Found::new(kind, if word == "owned" { Change::Drop(drop) } else { Change::Other }) });
        }
        _ => {}
    }
    loop {
        drop.names.push(drop_name(word, cursor)?);
        if !cursor.eat_mark(",") {
            break;
        }
    }
    if word == "database" && cursor.mark_at(1, "(") && cursor.is_at(2, "force") {
        flags.insert("force", true.into());
    }
    drop_tail(word, &mut drop, cursor, flags)?;
    let on_table = matches!(word, "table" | "foreign_table");
    let relation = if on_table { drop.names.first().cloned() } else { drop.on.clone() };
    if word == "index" {
        if let Some(index) = drop.names.first() {
            flags.insert("index", index.to_string().into());
        }
        flags.insert("concurrently", drop.concurrently.into());
    }
    flags.insert("names", drop.names.iter().map(ToString::to_string).collect::<Vec<_>>().into());
    Some(Found { relation, ..Found::new(kind, Change::Drop(drop)) })
}

fn drop_name(word: &str, cursor: &mut Cursor<'_>) -> Option<Name> {
    if word == "operator" {
        while !cursor.is_done() && !cursor.mark("(") {
            cursor.at += 1;
        }
        cursor.group()?;
        return Some(Name::bare("operator"));
    }
    let name = if matches!(word, "user" | "role") && cursor.kind() == Some(TokenKind::String) {
        Name::bare(cursor.string()?)
    } else {
        cursor.name()?
    };
    if cursor.kind() == Some(TokenKind::Parameter) {
        cursor.at += 1;
        let _ = cursor.string().is_some() || cursor.identifier().is_some();
    }
    if matches!(word, "function" | "procedure" | "aggregate") {
        cursor.skip_group();
    }
    if matches!(word, "operator_class" | "operator_family") {
        cursor.expect("using")?;
        cursor.identifier()?;
    }
    Some(name)
}

fn drop_tail(word: &str, drop: &mut Drop, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<()> {
    let mut cascade = false;
    while !cursor.is_done() {
        if cursor.eat("on") {
            if word == "trigger" && cursor.eat("database") {
                continue;
            }
            drop.on = Some(cursor.name()?);
        } else if cursor.eat("cascade") {
            cascade = true;
            cursor.eat("constraints");
        } else if cursor.eat("restrict") {
            flags.insert("restrict", true.into());
        } else if cursor.dialect.is_mysql_family() && cursor.is_one_of(&["algorithm", "lock"]) {
            let (option, value) = mysql::algorithm_or_lock_words(cursor)?;
            flags.insert(option, value.clone().into());
            *(if option == "lock" { &mut drop.lock } else { &mut drop.algorithm }) = Some(value);
        } else if cursor.eat("with") && cursor.skip_group()
            || cursor.mark("(") && cursor.skip_group()
            || cursor.eat("purge")
            || cursor.eat("force")
            || cursor.eat("wait") && cursor.number().is_some()
        {
        } else {
            return None;
        }
    }
    drop.cascade = cascade;
    flags.insert("cascade", cascade.into());
    // `DROP INDEX t.i` of SQL Server's old form.
    Some(())
}

/// `ALTER …` of anything but a table.
pub fn alter(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("alter")?;
    if cursor.eat("default privileges") {
        cursor.skip_all();
        return Some(Found::new(Kind::AlterDefaultPrivileges, Change::Other));
    }
    modifiers(cursor, flags)?;
    let word = object(cursor)?;
    match word {
        "index" => alter_index(cursor, flags),
        "view" | "materialized_view" => alter_view(word, cursor, flags),
        "type" => alter_type(cursor, flags),
        "domain" => alter_domain(cursor, flags),
        "sequence" => alter_sequence(cursor, flags),
        "trigger" | "rule" | "policy" => {
            cursor.eat("if exists");
            cursor.name()?;
            cursor.expect("on")?;
            let table = cursor.name()?;
            let redefines = !cursor.are("rename to");
            let action = general_action(word, cursor, flags);
            let (kind, change) = match word {
                "trigger" => (Kind::AlterTrigger, Change::AlterTrigger { table: Some(table.clone()) }),
                "rule" => (Kind::AlterRule, Change::AlterRule { table: table.clone() }),
                _ => (Kind::AlterPolicy, Change::AlterPolicy { table: table.clone(), redefines }),
            };
            Some(Found { actions: action.into_iter().collect(), ..Found::new(kind, change).on(table) })
        }
        "schema" => alter_schema(cursor, flags),
        "publication" => publication(Kind::AlterPublication, cursor),
        "statistics" | "function" | "procedure" | "aggregate" => {
            cursor.eat("if exists");
            let subject = Some(cursor.name()?);
            cursor.skip_group();
            let action = general_action(word, cursor, flags);
            Some(Found { actions: action.into_iter().collect(), subject, ..Found::new(kind_named("alter", word)?, Change::Other) })
        }
        _ => {
            let kind = kind_named("alter", word)?;
            let if_exists = cursor.eat("if exists");
            if if_exists {
                flags.insert("if_exists", true.into());
            }
            let mut actions = Vec::new();
            let subject = cursor.clone().name();
            if let ("system", Some(setting)) = (word, cursor.token(1).and_then(|token| cursor.identifier_of(token))) {
                flags.insert("setting", setting.into());
            }
            if !matches!(word, "system" | "default_privileges" | "user_mapping" | "role" | "user" | "database") && cursor.name().is_some() {
                cursor.skip_group();
                actions.extend(general_action(word, cursor, flags));
            }
            cursor.skip_all();
            Some(Found { actions, subject, ..Found::new(kind, Change::Other) })
        }
    }
}

/// `RENAME TO`, `OWNER TO`, `SET SCHEMA` and what else most objects have; moves to the end.
fn general_action(word: &str, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Action> {
    let action = if cursor.eat("rename to") || cursor.is("rename") {
        cursor.eat("rename");
        if let Some(name) = cursor.identifier() {
            flags.insert("new_name", name.into());
        }
        Some(Action::Rename)
    } else if cursor.eat("owner to") {
        Some(Action::OwnerTo)
    } else if cursor.eat("set schema") {
        if let Some(schema) = cursor.identifier() {
            flags.insert("schema", schema.into());
        }
        Some(Action::SetSchema)
    } else if cursor.are("depends on extension") || cursor.are("no depends on extension") {
        Some(Action::DependsOnExtension)
    } else if cursor.is("update") {
        Some(Action::Update)
    } else if cursor.is("set") && word == "statistics" {
        Some(Action::SetStatistics)
    } else if matches!(word, "function" | "procedure" | "server" | "foreign_data_wrapper") {
        Some(Action::Options)
    } else if word == "event_trigger" {
        if cursor.is("disable") { Some(Action::Disable) } else { Some(Action::Enable) }
    } else if word == "ts_config" && cursor.is("alter") {
        Some(Action::Alter)
    } else if cursor.is("set") {
        Some(Action::Set)
    } else {
        None
    };
    cursor.skip_all();
    action
}

fn alter_index(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    if cursor.eat("all in tablespace") {
        super::all_in_tablespace(cursor, flags);
        return Some(Found { actions: vec![Action::SetTablespace], ..Found::new(Kind::AlterTableAll, Change::Other) });
    }
    let if_exists = cursor.eat("if exists");
    flags.insert("if_exists", if_exists.into());
    let index = cursor.name()?;
    flags.insert("index", index.to_string().into());
    let mut table = None;
    if cursor.eat("on") {
        table = Some(cursor.name()?);
    }
    let (action, word) = index_action(cursor, flags)?;
    let relation = table.clone();
    Some(Found { actions: vec![word], relation, ..Found::new(Kind::AlterIndex, Change::AlterIndex { index, table, if_exists, action }) })
}

fn index_action(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<(IndexAction, Action)> {
    Some(if cursor.eat("rename to") {
        let to = cursor.identifier()?;
        flags.insert("new_name", to.clone().into());
        (IndexAction::Rename { to }, Action::Rename)
    } else if cursor.eat("attach partition") {
        let partition = cursor.name()?;
        flags.insert("partition", partition.to_string().into());
        (IndexAction::AttachPartition { partition }, Action::AttachPartition)
    } else if cursor.eat("set tablespace") {
        cursor.identifier()?;
        cursor.eat("nowait");
        (IndexAction::SetTablespace, Action::SetTablespace)
    } else if cursor.eat("depends on extension") || cursor.eat("no depends on extension") {
        cursor.identifier()?;
        (IndexAction::DependsOnExtension, Action::DependsOnExtension)
    } else if cursor.eat("disable") {
        (IndexAction::Disable, Action::Disable)
    } else if cursor.eat("rebuild") || cursor.eat("reorganize") {
        let mut online = false;
        while !cursor.is_done() {
            online |= cursor.is("online") && cursor.is_at(2, "on");
            cursor.at += 1;
        }
        flags.insert("online", online.into());
        (IndexAction::Rebuild { online }, Action::Rebuild)
    } else if cursor.eat("reset") {
        cursor.group()?;
        (IndexAction::ResetStorageParams, Action::ResetStorageParams)
    } else if cursor.eat("alter") {
        cursor.eat("column");
        cursor.advance()?;
        cursor.expect("set statistics")?;
        cursor.number()?;
        (IndexAction::SetStatistics, Action::SetStatistics)
    } else {
        cursor.expect("set")?;
        cursor.group()?;
        (IndexAction::SetStorageParams, Action::SetStorageParams)
    })
}

fn alter_view(word: &str, cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let materialized = word == "materialized_view";
    if cursor.eat("all in tablespace") {
        super::all_in_tablespace(cursor, flags);
        return Some(Found { actions: vec![Action::SetTablespace], ..Found::new(Kind::AlterTableAll, Change::Other) });
    }
    let if_exists = cursor.eat("if exists");
    flags.insert("if_exists", if_exists.into());
    let name = cursor.name()?;
    let subject = names_option(cursor, "security_invoker");
    let (action, action_word) = view_action(cursor, flags)?;
    let kind = if materialized { Kind::AlterMaterializedView } else { Kind::AlterView };
    Some(Found { actions: vec![action_word], subject, ..Found::new(kind, Change::AlterView { name, materialized, if_exists, action }) })
}

/// The option, where it is named anywhere in what is left.
fn names_option(cursor: &Cursor<'_>, option: &str) -> Option<Name> {
    let mut at = *cursor;
    while !at.is_done() {
        if at.is(option) {
            return Some(Name::bare(option));
        }
        at.at += 1;
    }
    None
}

fn view_action(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<(ViewAction, Action)> {
    Some(if cursor.eat("rename to") {
        let to = cursor.identifier()?;
        flags.insert("new_name", to.clone().into());
        (ViewAction::Rename { to }, Action::Rename)
    } else if cursor.eat("rename") {
        cursor.eat("column");
        let from = cursor.identifier()?;
        cursor.expect("to")?;
        let to = cursor.identifier()?;
        flags.insert("column", from.clone().into());
        flags.insert("new_name", to.clone().into());
        (ViewAction::RenameColumn { from, to }, Action::RenameColumn)
    } else if cursor.eat("set schema") {
        let schema = cursor.identifier()?;
        flags.insert("schema", schema.clone().into());
        (ViewAction::SetSchema { schema }, Action::SetSchema)
    } else if cursor.eat("owner to") {
        cursor.identifier()?;
        (ViewAction::OwnerTo, Action::OwnerTo)
    } else if cursor.eat("alter") {
        cursor.eat("column");
        flags.insert("column", cursor.identifier()?.into());
        let (action, word) = if cursor.eat("drop default") {
            (ViewAction::DropDefault, Action::DropDefault)
        } else if cursor.are("set default") {
            (ViewAction::SetDefault, Action::SetDefault)
        } else {
            (ViewAction::SetStorage, if cursor.are("set statistics") { Action::SetStatistics } else { Action::SetStorage })
        };
        cursor.skip_all();
        (action, word)
    } else if cursor.eat("cluster on") {
        cursor.identifier()?;
        (ViewAction::ClusterOn, Action::ClusterOn)
    } else if cursor.eat("set without cluster") {
        (ViewAction::ClusterOn, Action::SetWithoutCluster)
    } else if cursor.eat("set tablespace") {
        cursor.skip_all();
        (ViewAction::SetTablespace, Action::SetTablespace)
    } else if cursor.eat("set access method") {
        cursor.identifier()?;
        (ViewAction::SetAccessMethod, Action::SetAccessMethod)
    } else if cursor.eat("depends on extension") || cursor.eat("no depends on extension") {
        cursor.identifier()?;
        (ViewAction::DependsOnExtension, Action::DependsOnExtension)
    } else if cursor.eat("reset") {
        cursor.group()?;
        (ViewAction::SetOptions, Action::ResetOptions)
    } else if cursor.eat("set") {
        cursor.group()?;
        (ViewAction::SetOptions, Action::SetOptions)
    } else {
        cursor.skip_group();
        cursor.expect("as")?;
        cursor.skip_all();
        (ViewAction::Redefine, Action::SetOptions)
    })
}

fn alter_type(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let name = cursor.name()?;
    let mut actions = Vec::new();
    let mut words = Vec::new();
    loop {
        let (action, word) = type_action(cursor, flags)?;
        actions.push(action);
        words.push(word);
        if !cursor.eat_mark(",") {
            break;
        }
    }
    Some(Found { actions: words, ..Found::new(Kind::AlterType, Change::AlterType { name, actions }) })
}

fn type_action(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<(TypeAction, Action)> {
    Some(if cursor.eat("add value") {
        let if_not_exists = flag_if_not_exists(cursor, flags);
        let value = cursor.string()?;
        flags.insert("value", value.clone().into());
        flags.insert("no_tx_before_use", true.into());
        let mut beside = None;
        if let Some(side) = cursor.eat_one_of(&["before", "after"]) {
            let other = cursor.string()?;
            flags.insert("position", format!("{side} {other}").into());
            beside = Some(other);
        }
        (TypeAction::AddValue { value, if_not_exists, beside }, Action::AddEnumValue)
    } else if cursor.eat("rename value") {
        let from = cursor.string()?;
        cursor.expect("to")?;
        (TypeAction::RenameValue { from, to: cursor.string()? }, Action::RenameEnumValue)
    } else if cursor.eat("rename attribute") {
        cursor.identifier()?;
        cursor.expect("to")?;
        cursor.identifier()?;
        (TypeAction::RenameAttribute { cascade: cascade(cursor, flags) }, Action::RenameAttribute)
    } else if cursor.eat("rename to") {
        let to = cursor.identifier()?;
        flags.insert("new_name", to.clone().into());
        (TypeAction::Rename { to }, Action::RenameType)
    } else if cursor.eat("set schema") {
        let schema = cursor.identifier()?;
        flags.insert("schema", schema.clone().into());
        (TypeAction::SetSchema { schema }, Action::SetSchema)
    } else if cursor.eat("owner to") {
        cursor.identifier()?;
        (TypeAction::OwnerTo, Action::OwnerTo)
    } else if cursor.eat("add attribute") {
        cursor.identifier()?;
        table::data_type(cursor)?;
        (TypeAction::AddAttribute { cascade: cascade(cursor, flags) }, Action::AddAttribute)
    } else if cursor.eat("drop attribute") {
        let if_exists = cursor.eat("if exists");
        flags.insert("if_exists", if_exists.into());
        cursor.identifier()?;
        (TypeAction::DropAttribute { cascade: cascade(cursor, flags) }, Action::DropAttribute)
    } else if cursor.eat("alter attribute") {
        cursor.identifier()?;
        cursor.eat("set data");
        cursor.expect("type")?;
        table::data_type(cursor)?;
        (TypeAction::AlterAttribute { cascade: cascade(cursor, flags) }, Action::AlterAttribute)
    } else {
        cursor.expect("set")?;
        cursor.group()?;
        (TypeAction::Set, Action::Set)
    })
}

fn cascade(cursor: &mut Cursor<'_>, flags: &mut Flags) -> bool {
    let there = cursor.eat("cascade");
    cursor.eat("restrict");
    if there {
        flags.insert("cascade", true.into());
    }
    there
}

fn alter_domain(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let name = cursor.name()?;
    let (action, word) = if cursor.eat("set default") {
        cursor.skip_all();
        (DomainAction::SetDefault, Action::SetDefault)
    } else if cursor.eat("drop default") {
        (DomainAction::DropDefault, Action::DropDefault)
    } else if cursor.eat("set not null") {
        (DomainAction::SetNotNull, Action::SetNotNull)
    } else if cursor.eat("drop not null") {
        (DomainAction::DropNotNull, Action::DropNotNull)
    } else if cursor.eat("add") {
        let constraint_name = if cursor.eat("constraint") { Some(cursor.identifier()?) } else { None };
        let not_null = cursor.eat("not null");
        let mut check = None;
        if !not_null {
            cursor.expect("check")?;
            check = Some(cursor.group()?.rest_as_expression());
        }
        let not_valid = cursor.eat("not valid");
        flags.insert("not_valid", not_valid.into());
        if let Some(name) = &constraint_name {
            flags.insert("constraint", name.clone().into());
        }
        flags.insert("constraint_type", if not_null { "not_null" } else { "check" }.into());
        (DomainAction::AddConstraint { name: constraint_name, not_null, not_valid, check }, Action::AddConstraint)
    } else if cursor.eat("drop constraint") {
        let if_exists = cursor.eat("if exists");
        flags.insert("if_exists", if_exists.into());
        let name = cursor.identifier()?;
        flags.insert("constraint", name.clone().into());
        cascade(cursor, flags);
        (DomainAction::DropConstraint { name, if_exists }, Action::DropConstraint)
    } else if cursor.eat("validate constraint") {
        let name = cursor.identifier()?;
        flags.insert("constraint", name.clone().into());
        (DomainAction::ValidateConstraint { name }, Action::ValidateConstraint)
    } else if cursor.eat("rename constraint") {
        flags.insert("constraint", cursor.identifier()?.into());
        cursor.expect("to")?;
        flags.insert("new_name", cursor.identifier()?.into());
        (DomainAction::RenameConstraint, Action::RenameConstraint)
    } else if cursor.eat("rename to") {
        let to = cursor.identifier()?;
        flags.insert("new_name", to.clone().into());
        (DomainAction::Rename { to }, Action::Rename)
    } else if cursor.eat("set schema") {
        let schema = cursor.identifier()?;
        flags.insert("schema", schema.clone().into());
        (DomainAction::SetSchema { schema }, Action::SetSchema)
    } else {
        cursor.expect("owner to")?;
        cursor.identifier()?;
        (DomainAction::OwnerTo, Action::OwnerTo)
    };
    Some(Found { actions: vec![word], ..Found::new(Kind::AlterDomain, Change::AlterDomain { name, action }) })
}

fn alter_sequence(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let if_exists = cursor.eat("if exists");
    flags.insert("if_exists", if_exists.into());
    let name = cursor.name()?;
    let mut actions = Vec::new();
    let mut words = Vec::new();
    while !cursor.is_done() {
        let (action, word) = sequence_action(cursor, flags)?;
        if words.last() != Some(&word) {
            actions.push(action);
            words.push(word);
        }
    }
    if actions.is_empty() {
        return None;
    }
    Some(Found { actions: words, ..Found::new(Kind::AlterSequence, Change::AlterSequence { name, if_exists, actions }) })
}

fn sequence_action(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<(SequenceAction, Action)> {
    Some(if cursor.eat("rename to") {
        let to = cursor.identifier()?;
        flags.insert("new_name", to.clone().into());
        (SequenceAction::Rename { to }, Action::Rename)
    } else if cursor.eat("owner to") {
        cursor.identifier()?;
        (SequenceAction::OwnerTo, Action::OwnerTo)
    } else if cursor.eat("set schema") {
        let schema = cursor.identifier()?;
        flags.insert("schema", schema.clone().into());
        (SequenceAction::SetSchema { schema }, Action::SetSchema)
    } else if cursor.eat("owned by") {
        let mut parts = vec![cursor.identifier()?];
        while cursor.eat_mark(".") {
            parts.push(cursor.identifier()?);
        }
        parts.pop();
        let table = parts.pop().map(|name| Name { schema: parts.pop(), name });
        (SequenceAction::OwnedBy { table }, Action::OwnedBy)
    } else if cursor.eat("set logged") || cursor.eat("set unlogged") {
        let logged = cursor.was("logged");
        (SequenceAction::SetLogged, if logged { Action::SetLogged } else { Action::SetUnlogged })
    } else if cursor.eat("restart") {
        cursor.eat("with");
        if let Some(value) = cursor.number() {
            flags.insert("restart", Flag::Number(value));
        }
        (SequenceAction::Restart, Action::Restart)
    } else if cursor.eat("as") {
        table::data_type(cursor)?;
        (SequenceAction::Options, Action::Options)
    } else {
        sequence_option(cursor)?;
        (SequenceAction::Options, Action::Options)
    })
}

fn alter_schema(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let name = cursor.name()?;
    if cursor.eat("transfer") {
        if cursor.eat_one_of(&["object", "type"]).is_some() {
            cursor.expect_mark("::")?;
        }
        let table = cursor.name()?;
        flags.insert("schema", name.name.clone().into());
        let change = Change::AlterSchemaTransfer { table: table.clone(), schema: name.name };
        return Some(Found { actions: vec![Action::SetSchema], ..Found::new(Kind::AlterSchema, change).on(table) });
    }
    if cursor.dialect.is_mysql_family() {
        cursor.skip_all();
        return Some(Found::new(Kind::AlterDatabase, Change::Other));
    }
    let rename_to = if cursor.are("rename to") { cursor.token(2).and_then(|token| cursor.identifier_of(token)) } else { None };
    let action = general_action("schema", cursor, flags);
    Some(Found { actions: action.into_iter().collect(), ..Found::new(Kind::AlterSchema, Change::AlterSchema { name, rename_to }) })
}

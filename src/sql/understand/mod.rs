//! One statement's tokens to its meaning. Never fails: what is not understood says so, and keeps what was read.
//!
//! Our own reader decides for every statement. It goes over tokens, so that an unknown clause costs that clause
//! and nothing else; it must reach the last token, or the statement is not understood.
//! A parser's tree (`tree`) is asked as a second opinion on queries, where there is one.

pub mod alter;
pub mod block;
pub mod cursor;
pub mod mysql;
pub mod object;
pub mod query;
pub mod table;
pub mod tree;

use crate::dialect::Dialect;
use crate::sql::change::Flags;
use crate::sql::change::{Change, Name, Reading, ReindexScope};
use crate::sql::token::TokenKind;
use crate::sql::understand::cursor::Cursor;
use crate::sql::words::{Action, Kind};

/// How deep statements in statements (`DO`, `EXECUTE`) are read.
pub const MAX_DEPTH: u32 = 4;

/// Brackets nested deeper than this are not read.
const MAX_NESTING: u32 = 200;

/// What a reader found: a kind, what it does, the table it is about.
pub struct Found {
    /// The kind.
    pub kind: Kind,
    /// What it does.
    pub change: Change,
    /// The table it is about.
    pub relation: Option<Name>,
    /// The parts of an `ALTER`.
    pub actions: Vec<Action>,
    /// What it is about, where that is no table: an extension, a role, a prepared statement.
    pub subject: Option<Name>,
}

impl Found {
    /// A statement that is about no table.
    #[must_use]
    pub const fn new(kind: Kind, change: Change) -> Self {
        Self { kind, change, relation: None, actions: Vec::new(), subject: None }
    }

    /// The same, about `table`.
    #[must_use]
    pub fn on(self, table: Name) -> Self {
        Self { relation: Some(table), ..self }
    }
}

/// Reads one statement.
#[must_use]
pub fn read(cursor: Cursor<'_>) -> Reading {
    read_nested(cursor, 0)
}

/// Reads a statement that stands `depth` levels inside of another.
#[must_use]
pub fn read_nested(mut cursor: Cursor<'_>, depth: u32) -> Reading {
    let mut flags = Flags::new();
    if let Some(why) = unreadable(&cursor, depth) {
        return Reading {
            kind: head_kind(&cursor),
            actions: Vec::new(),
            flags,
            relation: None,
            change: Change::Unknown,
            subject: None,
            not_understood: Some(why),
        };
    }
    let start = cursor;
    let found = statement(&mut cursor, depth, &mut flags);
    let Some(found) = found else {
        let near = start.source(cursor.at.min(cursor.tokens.len().saturating_sub(1)), (cursor.at + 4).min(cursor.tokens.len()));
        return Reading {
            kind: head_kind(&start),
            actions: Vec::new(),
            flags: Flags::new(),
            relation: None,
            change: Change::Unknown,
            subject: None,
            not_understood: Some(format!("not read from `{near}` on")),
        };
    };
    let not_understood = gap_in(&found.change, cursor.dialect.is_mysql_family()).or_else(|| {
        (!cursor.is_done()).then(|| format!("not read from `{}` on", cursor.source(cursor.at, (cursor.at + 4).min(cursor.tokens.len()))))
    });
    let Found { kind, change, relation, actions, subject } = found;
    Reading { kind, actions, flags, relation, change, subject, not_understood }
}

/// Why a statement is not even tried.
fn unreadable(cursor: &Cursor<'_>, depth: u32) -> Option<String> {
    if depth > MAX_DEPTH {
        return Some(format!("statements nested deeper than {MAX_DEPTH} are not read"));
    }
    let (mut open, mut deepest) = (0_i32, 0_i32);
    for token in cursor.tokens.iter().filter(|token| token.kind == TokenKind::Punctuation) {
        match cursor.text_of(*token) {
            "(" | "[" => open += 1,
            ")" | "]" => open -= 1,
            _ => {}
        }
        deepest = deepest.max(open);
        if open < 0 {
            return Some("a closing bracket has no opening one".to_owned());
        }
    }
    if open > 0 {
        return Some("a bracket is not closed".to_owned());
    }
    (deepest > MAX_NESTING as i32).then(|| format!("brackets nested {deepest} deep are not read (limit {MAX_NESTING})"))
}

/// The part of a change that was not understood, if there is one.
fn gap_in(change: &Change, mysql: bool) -> Option<String> {
    use crate::sql::change::AlterAction;
    match change {
        Change::AlterTable(alter) if alter.actions.is_empty() && alter.algorithm.is_none() && alter.lock.is_none() && !mysql => {
            Some("`ALTER TABLE` without an action".to_owned())
        }
        Change::AlterTable(alter) => alter.actions.iter().find_map(|action| match action {
            AlterAction::Unknown { text } => Some(format!("the part `{text}` is not known")),
            _ => None,
        }),
        Change::CreateSchema { elements, .. } => elements.iter().find_map(|reading| reading.not_understood.clone()),
        Change::Block(block) => block.statements.iter().find_map(|reading| reading.not_understood.clone()),
        _ => None,
    }
}

/// The kind that the first words tell, when the rest could not be read.
fn head_kind(cursor: &Cursor<'_>) -> Kind {
    let first = cursor.peek(0).to_ascii_lowercase();
    let second = cursor.peek(1).to_ascii_lowercase();
    if matches!(first.as_str(), "create" | "alter" | "drop") {
        for ahead in 1..5 {
            let object = cursor.peek(ahead).to_ascii_lowercase();
            if let Some(kind) = crate::sql::words::kind_named(&first, &object) {
                return kind;
            }
        }
        return Kind::Unknown;
    }
    let _ = second;
    Kind::ALL.iter().copied().find(|kind| kind.word() == first).unwrap_or(Kind::Unknown)
}

fn statement(cursor: &mut Cursor<'_>, depth: u32, flags: &mut Flags) -> Option<Found> {
    let word = cursor.peek(0).to_ascii_lowercase();
    let mssql = cursor.dialect == Dialect::Mssql;
    match word.as_str() {
        "create" => object::create(cursor, flags),
        "alter" => alter_statement(cursor, flags),
        "drop" => object::drop(cursor, flags),
        "insert" | "replace" | "update" | "delete" | "merge" => write(cursor, flags),
        "select" | "with" | "values" | "(" => read_query(cursor, flags),
        "table" if !mssql => read_query(cursor, flags),
        "truncate" => truncate(cursor, flags),
        "do" if cursor.dialect == Dialect::Postgresql => block::do_block(cursor, depth, flags),
        "exec" | "execute" => block::exec(cursor, depth, flags),
        "if" | "while" | "declare" if mssql => {
            let kind = match word.as_str() {
                "if" => Kind::If,
                "while" => Kind::While,
                _ => Kind::Declare,
            };
            Some(block::transact_block(kind, cursor, depth, flags))
        }
        "begin" if mssql && cursor.is_at(1, "try") => Some(block::transact_block(Kind::BeginTry, cursor, depth, flags)),
        "begin" if mssql && cursor.token(1).is_some() && !cursor.is_at(1, "tran") && !cursor.is_at(1, "transaction") => {
            Some(block::transact_block(Kind::Begin, cursor, depth, flags))
        }
        "prepare" if cursor.dialect == Dialect::Postgresql && !cursor.is_at(1, "transaction") => prepare(cursor, depth),
        "begin" | "start" | "commit" | "end" | "abort" | "rollback" | "savepoint" | "save" | "release" | "prepare" => {
            transaction(cursor, flags)
        }
        "set" => set(cursor, flags),
        "comment" => comment(cursor, flags),
        "grant" | "revoke" => privileges(cursor, flags),
        "vacuum" | "analyze" | "analyse" | "cluster" | "reindex" | "refresh" | "optimize" | "repair" | "check" => upkeep(cursor, flags),
        "rename" => rename_tables(cursor, flags),
        "lock" | "unlock" => locks(cursor, flags),
        "copy" => copy(cursor, flags),
        "pragma" => pragma(cursor, flags),
        _ => other(cursor, flags),
    }
}

fn write(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let replace = cursor.is("replace");
    let change = query::dml(cursor, flags)?;
    cursor.skip_all();
    let found = data_found(change);
    Some(if replace { Found { kind: Kind::Replace, ..found } } else { found })
}

fn data_found(change: Change) -> Found {
    let (kind, relation) = match &change {
        Change::Insert(insert) => (Kind::Insert, Some(insert.table.clone())),
        Change::Update(update) => (Kind::Update, Some(update.table.clone())),
        Change::Delete(delete) => (Kind::Delete, delete.tables.first().cloned()),
        Change::Merge(merge) => (Kind::Merge, Some(merge.table.clone())),
        _ => (Kind::Select, None),
    };
    Found { relation, ..Found::new(kind, change) }
}

fn read_query(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let mut change = query::select_or_with(cursor, flags)?;
    cursor.skip_all();
    if let Change::Select(query) = &mut change {
        second_opinion(query, cursor);
    }
    Some(data_found(change))
}

/// Adds the tables that a parser's tree sees in a query and our reader did not.
fn second_opinion(query: &mut crate::sql::change::Query, cursor: &Cursor<'_>) {
    let (Some(first), Some(last)) = (cursor.tokens.first(), cursor.tokens.last()) else { return };
    let text = cursor.text.get(first.start as usize..last.end as usize).unwrap_or_default();
    for table in tree::relations(text, cursor.dialect).into_iter().flatten() {
        let known = query.tables.iter().any(|other| other.name.eq_ignore_ascii_case(&table.name));
        let is_call = query.functions.iter().any(|function| function.eq_ignore_ascii_case(&table.name));
        if !known && !is_call {
            query.tables.push(table);
        }
    }
}

/// What `ALTER … ALL IN TABLESPACE` says further.
fn all_in_tablespace(cursor: &mut Cursor<'_>, flags: &mut Flags) {
    flags.insert("batch_move", true.into());
    while !cursor.is_done() {
        if cursor.is("nowait") {
            flags.insert("nowait", true.into());
        }
        cursor.step();
    }
}

fn alter_statement(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let foreign = cursor.are("alter foreign table");
    if !foreign
        && !cursor.are("alter table")
        && !(cursor.are("alter online table") && cursor.dialect != Dialect::Mysql)
        && !cursor.are("alter ignore table")
    {
        return object::alter(cursor, flags);
    }
    let (ignore, online) = (cursor.is_at(1, "ignore"), cursor.is_at(1, "online"));
    cursor.at += if cursor.are("alter table") { 2 } else { 3 };
    if cursor.eat("all in tablespace") {
        all_in_tablespace(cursor, flags);
        let tables = Some(Name::bare("table"));
        return Some(Found { actions: vec![Action::SetTablespace], subject: tables, ..Found::new(Kind::AlterTableAll, Change::Other) });
    }
    let mut table = alter::alter_table(cursor, flags)?;
    table.ignore = ignore;
    if online {
        table.lock.get_or_insert_with(|| "none".to_owned());
    }
    let actions = table.actions.iter().map(crate::sql::change::AlterAction::word).collect();
    let name = table.table.clone();
    let kind = if foreign { Kind::AlterForeignTable } else { Kind::AlterTable };
    Some(Found { actions, ..Found::new(kind, Change::AlterTable(table)).on(name) })
}

fn truncate(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("truncate")?;
    cursor.eat("table");
    let mut tables = Vec::new();
    let mut only = false;
    loop {
        only |= cursor.eat("only");
        tables.push(cursor.name()?);
        cursor.eat_mark("*");
        if !cursor.eat_mark(",") {
            break;
        }
    }
    let restart_identity = cursor.eat("restart identity");
    cursor.eat("continue identity");
    let cascade = cursor.eat("cascade");
    cursor.eat_one_of(&["restrict", "drop storage", "reuse storage", "wait", "nowait"]);
    flags.insert("restart_identity", restart_identity.into());
    flags.insert("cascade", cascade.into());
    flags.insert("only", only.into());
    flags.insert("names", tables.iter().map(ToString::to_string).collect::<Vec<_>>().into());
    let first = tables.first().cloned()?;
    Some(Found::new(Kind::Truncate, Change::Truncate { tables, cascade, restart_identity, only }).on(first))
}

/// The savepoint's name is the last word.
fn savepoint(cursor: &Cursor<'_>, flags: &mut Flags) {
    if let Some(name) = cursor.tokens.last().and_then(|token| cursor.identifier_of(*token)) {
        flags.insert("savepoint", name.into());
    }
}

fn transaction(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let prepared = cursor.is_at(1, "prepared");
    let word = cursor.peek(0).to_ascii_lowercase();
    let found = match word.as_str() {
        "begin" => Found::new(Kind::Begin, Change::Begin),
        "start" if cursor.is_at(1, "transaction") => Found::new(Kind::Begin, Change::Begin),
        "commit" if prepared => Found::new(Kind::CommitPrepared, Change::Other),
        "commit" | "end" => Found::new(Kind::Commit, Change::Commit),
        "rollback" if prepared => Found::new(Kind::RollbackPrepared, Change::Other),
        "rollback" | "abort" => return rollback(cursor, flags),
        "savepoint" | "save" => {
            savepoint(cursor, flags);
            Found::new(Kind::Savepoint, Change::Savepoint)
        }
        "release" => {
            savepoint(cursor, flags);
            Found::new(Kind::Release, Change::Other)
        }
        "prepare" if cursor.is_at(1, "transaction") => Found::new(Kind::PrepareTransaction, Change::Commit),
        "prepare" => Found::new(Kind::Prepare, Change::Other),
        _ => return None,
    };
    // `END` closes a transaction and says nothing else; anything longer is not what it seems.
    let tail_allowed = !matches!(found.kind, Kind::Commit | Kind::Begin) || cursor.tokens.len() <= 12;
    if !tail_allowed {
        return None;
    }
    cursor.skip_all();
    Some(found)
}

/// `PREPARE x AS …`: what it does when it is executed counts here, where it can be read.
fn prepare(cursor: &mut Cursor<'_>, depth: u32) -> Option<Found> {
    use crate::sql::change::Block;
    cursor.expect("prepare")?;
    let name = cursor.identifier()?;
    cursor.skip_group();
    cursor.expect("as")?;
    let tokens = cursor.tokens.get(cursor.at..)?;
    let inner = read_nested(Cursor { tokens, at: 0, ..*cursor }, depth + 1);
    cursor.skip_all();
    let block = Block { statements: vec![inner], ..Block::default() };
    Some(Found { subject: Some(Name::bare(name)), ..Found::new(Kind::Prepare, Change::Block(block)) })
}

fn rollback(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.at += 1;
    cursor.eat_one_of(&["transaction", "work", "tran"]);
    let mut to_savepoint = false;
    if cursor.eat("to") {
        cursor.eat("savepoint");
        flags.insert("savepoint", cursor.identifier()?.into());
        to_savepoint = true;
    }
    cursor.skip_all();
    Some(Found::new(Kind::Rollback, Change::Rollback { to_savepoint }))
}

fn set(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("set")?;
    if cursor.is("constraints") {
        cursor.skip_all();
        return Some(Found::new(Kind::SetConstraints, Change::Other));
    }
    let session = cursor.eat_one_of(&["session", "global", "persist", "persist_only"]);
    let local = session.is_none() && cursor.eat("local");
    if cursor.is("authorization") || session == Some("session") && cursor.is("authorization") {
        cursor.skip_all();
        return Some(Found::new(Kind::SetSessionAuthorization, Change::Other));
    }
    if cursor.is("role") {
        cursor.skip_all();
        return Some(Found::new(Kind::SetRole, Change::Other));
    }
    if cursor.is("identity_insert") {
        cursor.at += 1;
        let table = cursor.name()?;
        cursor.skip_all();
        flags.insert("setting", "identity_insert".into());
        return Some(
            Found::new(Kind::Set, Change::Set { name: "identity_insert".to_owned(), value: String::new(), local: false }).on(table),
        );
    }
    if local {
        flags.insert("local", true.into());
    }
    if session == Some("global") {
        flags.insert("scope", "global".into());
    }
    let mut name = if cursor.eat("time zone") { "timezone".to_owned() } else { cursor.name()?.to_string().to_lowercase() };
    name = name.trim_start_matches(['@']).trim_start_matches("session.").trim_start_matches("global.").to_owned();
    let _ = cursor.eat("to") || cursor.eat_mark("=") || cursor.eat_mark(":=");
    let value = cursor.source(cursor.at, cursor.tokens.len());
    cursor.skip_all();
    flags.insert("setting", name.clone().into());
    flags.insert("value", value.trim_matches('\'').into());
    let plain = value.trim_matches(['\'', '"']).to_lowercase();
    let disables = matches!(
        (name.as_str(), plain.as_str()),
        ("session_replication_role", "replica") | ("foreign_key_checks" | "unique_checks", "0" | "off")
    );
    if disables {
        flags.insert("disables_checks", true.into());
    }
    Some(Found::new(Kind::Set, Change::Set { name, value: plain, local }))
}

fn comment(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("comment")?;
    cursor.expect("on")?;
    let (mut table, mut of_view) = (None, false);
    let (mut subject, mut part) = (None, None);
    if cursor.eat("table") || cursor.eat("foreign table") {
        table = Some(cursor.name()?);
    } else if cursor.eat("view") || cursor.eat("materialized view") {
        of_view = true;
        table = Some(cursor.name()?);
    } else if cursor.eat("column") {
        let mut parts = vec![cursor.identifier()?];
        while cursor.eat_mark(".") {
            parts.push(cursor.identifier()?);
        }
        let column = parts.pop();
        table = parts.pop().map(|name| Name { schema: parts.pop(), name });
        subject = column.map(Name::bare);
    } else if let Some(word) = cursor.eat_one_of(&["constraint", "trigger", "policy", "rule"]) {
        let name = cursor.identifier()?;
        cursor.expect("on")?;
        let domain = cursor.eat("domain");
        flags.insert("on_constraint", true.into());
        table = Some(cursor.name()?).filter(|_| !domain);
        part = Some((word, name)).filter(|_| !domain);
    } else {
        while !cursor.is_done() && !cursor.is("is") {
            cursor.step();
        }
    }
    cursor.expect("is")?;
    if cursor.string().is_none() {
        cursor.expect("null")?;
    }
    let relation = table.clone().filter(|_| !of_view);
    Some(Found { relation, subject, ..Found::new(Kind::Comment, Change::Comment { table, part }) })
}

fn privileges(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let grant = cursor.eat("grant");
    if !grant {
        cursor.expect("revoke")?;
    }
    let from = cursor.at;
    while !cursor.is_done() && !cursor.is("on") && !cursor.is("to") && !cursor.is("from") {
        cursor.step();
    }
    let words = Cursor { at: from, tokens: cursor.tokens.get(..cursor.at)?, ..*cursor };
    let of_columns = words.tokens.get(from..).unwrap_or_default().iter().any(|token| words.text_of(*token) == "(");
    let privileges = named_privileges(&words);
    let on = cursor.eat("on");
    if !on {
        return role_membership(grant, from, cursor);
    }
    const OBJECTS: &[&str] = &[
        "sequence",
        "database",
        "domain",
        "foreign data wrapper",
        "foreign server",
        "function",
        "procedure",
        "routine",
        "language",
        "large object",
        "parameter",
        "schema",
        "tablespace",
        "type",
        "all tables in schema",
        "all sequences in schema",
        "all functions in schema",
        "all procedures in schema",
        "all routines in schema",
        "object",
    ];
    let other = cursor.eat_one_of(OBJECTS);
    cursor.eat("table");
    let (mut tables, mut schemas) = (Vec::new(), Vec::new());
    while !cursor.is_done() && !cursor.is("to") && !cursor.is("from") {
        match cursor.name() {
            Some(name) if other.is_none() => tables.push(name),
            Some(name) if other == Some("all tables in schema") => schemas.push(name.name),
            Some(_) => {}
            None => cursor.step(),
        }
        cursor.skip_group();
        cursor.eat_mark(",");
        cursor.eat_mark("::");
    }
    if !cursor.eat("to") {
        cursor.expect("from")?;
    }
    let grantees = grantees(cursor);
    if !grant {
        flags.insert("cascade", cursor.ends_with("cascade").into());
    }
    let relation = tables.first().filter(|name| name.name != "*").cloned();
    let (kind, change) = if grant {
        (Kind::Grant, Change::Grant { tables, grantees, privileges, of_columns })
    } else {
        (Kind::Revoke, Change::Revoke { tables, grantees, privileges, role: false, schemas, of_columns })
    };
    Some(Found { relation, ..Found::new(kind, change) })
}

/// The words between `GRANT` and `ON`.
fn named_privileges(words: &Cursor<'_>) -> Vec<String> {
    let mut at = *words;
    at.eat("grant option for");
    let mut found = Vec::new();
    while !at.is_done() {
        found.push(at.peek(0).to_lowercase());
        at.skip_to_comma();
        at.eat_mark(",");
    }
    found
}

fn grantees(cursor: &mut Cursor<'_>) -> Vec<String> {
    let mut names = Vec::new();
    while !cursor.is_done() && !cursor.is_one_of(&["with", "granted", "cascade", "restrict", "identified", "require"]) {
        cursor.eat("group");
        match cursor.identifier().or_else(|| cursor.string()) {
            Some(name) => names.push(name),
            None => cursor.step(),
        }
        cursor.eat_mark(",");
    }
    cursor.skip_all();
    names
}

fn role_membership(grant: bool, from: usize, cursor: &mut Cursor<'_>) -> Option<Found> {
    if cursor.at == from || !cursor.eat("to") && !cursor.eat("from") {
        return None;
    }
    let grantees = grantees(cursor);
    Some(if grant {
        Found::new(Kind::GrantRole, Change::Grant { tables: Vec::new(), grantees, privileges: Vec::new(), of_columns: false })
    } else {
        Found::new(
            Kind::RevokeRole,
            Change::Revoke { tables: Vec::new(), grantees, privileges: Vec::new(), role: true, schemas: Vec::new(), of_columns: false },
        )
    })
}

fn upkeep(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let word = cursor.peek(0).to_ascii_lowercase();
    cursor.at += 1;
    match word.as_str() {
        "vacuum" => vacuum(cursor, flags),
        "analyze" | "analyse" => {
            if cursor.mark("(") {
                cursor.skip_group();
            }
            cursor.eat_one_of(&["verbose", "no_write_to_binlog", "local"]);
            cursor.eat_one_of(&["table", "tables"]);
            let tables = listed_tables(cursor)?;
            let relation = tables.first().cloned();
            Some(Found { relation, ..Found::new(Kind::Analyze, Change::Analyze { tables }) })
        }
        "cluster" => {
            cursor.skip_group();
            cursor.eat("verbose");
            let mut table = if cursor.is_done() { None } else { Some(cursor.name()?) };
            let mut subject = None;
            if cursor.eat("on") {
                subject = table.take();
                table = Some(cursor.name()?);
            } else if cursor.eat("using") {
                subject = Some(Name::bare(cursor.identifier()?));
            }
            Some(Found { relation: table.clone(), subject, ..Found::new(Kind::Cluster, Change::Cluster { table }) })
        }
        "reindex" => reindex(cursor, flags),
        "refresh" => refresh(cursor, flags),
        _ => {
            cursor.eat_one_of(&["no_write_to_binlog", "local"]);
            if !cursor.eat("table") {
                cursor.expect("tables")?;
            }
            let tables = cursor.names()?;
            cursor.skip_all();
            let kind = if word == "optimize" { Kind::OptimizeTable } else { Kind::RepairTable };
            let first = tables.first().cloned()?;
            Some(Found::new(kind, Change::Maintain { tables }).on(first))
        }
    }
}

fn listed_tables(cursor: &mut Cursor<'_>) -> Option<Vec<Name>> {
    let mut tables = Vec::new();
    while !cursor.is_done() {
        cursor.eat("only");
        tables.push(cursor.name()?);
        cursor.eat_mark("*");
        cursor.skip_group();
        if !cursor.eat_mark(",") {
            cursor.skip_all();
        }
    }
    Some(tables)
}

fn vacuum(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let mut full = false;
    if cursor.mark("(") {
        let mut options = cursor.group()?;
        while !options.is_done() {
            if options.eat("full") {
                full = !options.is_one_of(&["false", "off", "0"]);
            }
            options.step();
        }
    }
    if cursor.dialect == Dialect::Sqlite {
        cursor.skip_all();
        return Some(Found::new(Kind::Vacuum, Change::Vacuum { tables: Vec::new(), full: true }));
    }
    while let Some(word) = cursor.eat_one_of(&["full", "freeze", "verbose", "analyze", "analyse"]) {
        full |= word == "full";
    }
    flags.insert("full", full.into());
    let tables = listed_tables(cursor)?;
    let relation = tables.first().cloned();
    Some(Found { relation, ..Found::new(Kind::Vacuum, Change::Vacuum { tables, full }) })
}

fn reindex(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let mut concurrently = false;
    if cursor.mark("(") {
        let mut options = cursor.group()?;
        while !options.is_done() {
            if options.eat("concurrently") {
                concurrently = !options.is_one_of(&["false", "off", "0"]);
            }
            options.step();
        }
    }
    let word = cursor.eat_one_of(&["index", "table", "schema", "database", "system"]);
    let scope = match word {
        Some("index") => ReindexScope::Index,
        Some("schema") => ReindexScope::Schema,
        Some("database") => ReindexScope::Database,
        Some("system") => ReindexScope::System,
        _ => ReindexScope::Table,
    };
    concurrently |= cursor.eat("concurrently");
    let name = if cursor.is_done() { None } else { Some(cursor.name()?) };
    flags.insert("concurrently", concurrently.into());
    flags.insert("scope", word.unwrap_or("table").into());
    if let (ReindexScope::Index, Some(index)) = (scope, &name) {
        flags.insert("index", index.to_string().into());
    }
    let relation = name.clone().filter(|_| scope == ReindexScope::Table);
    Some(Found { relation, ..Found::new(Kind::Reindex, Change::Reindex { scope, name, concurrently }) })
}

fn refresh(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("materialized")?;
    cursor.expect("view")?;
    let concurrently = cursor.eat("concurrently");
    let name = cursor.name()?;
    let with_data = !cursor.eat("with no data");
    cursor.eat("with data");
    flags.insert("concurrently", concurrently.into());
    flags.insert("with_data", with_data.into());
    Some(Found::new(Kind::RefreshMaterializedView, Change::RefreshMaterializedView { name, concurrently, with_data }))
}

fn rename_tables(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("rename")?;
    if !cursor.eat("table") {
        cursor.expect("tables")?;
    }
    cursor.eat("if exists");
    let mut pairs = Vec::new();
    loop {
        let from = cursor.name()?;
        if cursor.eat("wait") {
            cursor.number()?;
        }
        cursor.eat("nowait");
        cursor.expect("to")?;
        pairs.push((from, cursor.name()?));
        if !cursor.eat_mark(",") {
            break;
        }
    }
    flags.insert("pairs", i64::try_from(pairs.len()).unwrap_or(i64::MAX).into());
    if let [(_, to)] = pairs.as_slice() {
        flags.insert("new_name", to.to_string().into());
    }
    let first = pairs.first().map(|pair| pair.0.clone())?;
    Some(Found::new(Kind::RenameTable, Change::RenameTables { pairs }).on(first))
}

fn locks(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    if cursor.eat("unlock") {
        cursor.skip_all();
        return Some(Found::new(Kind::UnlockTables, Change::Other));
    }
    cursor.expect("lock")?;
    cursor.eat_one_of(&["table", "tables"]);
    let mut tables = Vec::new();
    let mut mode = None;
    loop {
        if cursor.eat("only") {
            flags.insert("only", true.into());
        }
        tables.push(cursor.name()?);
        cursor.eat_mark("*");
        if cursor.dialect.is_mysql_family() {
            if cursor.eat("as") {
                cursor.identifier()?;
            }
            let write = cursor.is("write") || cursor.is("low_priority");
            cursor.eat_one_of(&["read local", "read", "low_priority write", "write concurrent", "write"])?;
            if write || mode.is_none() {
                mode = Some(if write { "write" } else { "read" }.to_owned());
            }
        }
        if !cursor.eat_mark(",") {
            break;
        }
    }
    if cursor.eat("in") {
        let from = cursor.at;
        while !cursor.is_done() && !cursor.is("mode") {
            cursor.at += 1;
        }
        mode = Some(cursor.source(from, cursor.at).to_lowercase());
        cursor.expect("mode")?;
    }
    if cursor.eat("nowait") {
        flags.insert("nowait", true.into());
    }
    if let Some(mode) = &mode {
        flags.insert("mode", mode.clone().into());
    }
    let first = tables.first().cloned()?;
    Some(Found::new(Kind::LockTable, Change::LockTables { tables, mode }).on(first))
}

fn copy(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("copy")?;
    cursor.eat("binary");
    if cursor.mark("(") {
        let mut inside = cursor.group()?;
        let query = query::query(&mut inside);
        cursor.skip_all();
        flags.insert("direction", "to".into());
        return Some(Found::new(Kind::Copy, Change::Copy { table: None, into_table: false, query }));
    }
    let table = cursor.name()?;
    cursor.skip_group();
    let into_table = cursor.eat("from");
    if !into_table {
        cursor.expect("to")?;
    }
    flags.insert("direction", if into_table { "from" } else { "to" }.into());
    if cursor.is("stdin") {
        flags.insert("inline_data", true.into());
    }
    cursor.skip_all();
    Some(Found::new(Kind::Copy, Change::Copy { table: Some(table.clone()), into_table, query: None }).on(table))
}

fn pragma(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    cursor.expect("pragma")?;
    let name = cursor.name()?.name.to_lowercase();
    let value = cursor.source(cursor.at, cursor.tokens.len());
    cursor.skip_all();
    let value = value.trim_matches(|c: char| c == '=' || c == '(' || c == ')' || c == '\'' || c.is_whitespace()).to_lowercase();
    flags.insert("setting", name.clone().into());
    flags.insert("value", value.clone().into());
    let off = matches!(value.as_str(), "off" | "0" | "false" | "no");
    if name == "foreign_keys" && off || name == "ignore_check_constraints" && !off {
        flags.insert("disables_checks", true.into());
    }
    if name == "writable_schema" && !off {
        flags.insert("dangerous", true.into());
    }
    Some(Found::new(Kind::Pragma, Change::Set { name, value, local: false }))
}

/// Statements whose first words tell all that matters.
fn other(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let mysql = cursor.dialect.is_mysql_family();
    const SIMPLE: &[(&str, Kind)] = &[
        ("attach", Kind::Attach),
        ("detach", Kind::Detach),
        ("checkpoint", Kind::Checkpoint),
        ("close", Kind::Close),
        ("deallocate", Kind::Deallocate),
        ("declare", Kind::Declare),
        ("discard", Kind::Discard),
        ("fetch", Kind::Fetch),
        ("flush", Kind::Flush),
        ("listen", Kind::Listen),
        ("notify", Kind::Notify),
        ("print", Kind::Print),
        ("reset", Kind::Reset),
        ("show", Kind::Show),
        ("unlisten", Kind::Unlisten),
        ("use", Kind::Use),
        ("move", Kind::Fetch),
        ("describe", Kind::Show),
        ("desc", Kind::Show),
    ];
    if let Some((_, kind)) = SIMPLE.iter().find(|(word, _)| cursor.is(word)) {
        let subject = cursor.token(1).and_then(|token| cursor.identifier_of(token)).map(Name::bare);
        if let (Kind::Reset, Some(setting)) = (kind, &subject) {
            flags.insert("setting", setting.name.clone().into());
        }
        cursor.skip_all();
        return Some(Found { subject, ..Found::new(*kind, Change::Other) });
    }
    if cursor.eat("explain") {
        return explain(cursor, flags);
    }
    if cursor.eat("call") {
        let name = cursor.name()?;
        cursor.skip_all();
        flags.insert("proc", name.to_string().into());
        return Some(Found::new(Kind::Call, Change::Call { name }));
    }
    if cursor.eat("load data") || mysql && cursor.eat("load xml") {
        while !cursor.is_done() && !cursor.is("table") {
            cursor.step();
        }
        cursor.expect("table")?;
        let table = cursor.name()?;
        cursor.skip_all();
        return Some(Found::new(Kind::LoadData, Change::LoadData { table: table.clone() }).on(table));
    }
    if cursor.is("load") {
        cursor.skip_all();
        return Some(Found::new(Kind::Load, Change::Other));
    }
    if cursor.eat("reassign owned by") {
        let role = cursor.identifier().map(Name::bare);
        cursor.skip_all();
        return Some(Found { subject: role, ..Found::new(Kind::ReassignOwned, Change::Other) });
    }
    if cursor.eat("security label") {
        return security_label(cursor);
    }
    if cursor.eat("import foreign schema") {
        cursor.skip_all();
        return Some(Found::new(Kind::ImportForeignSchema, Change::Other));
    }
    None
}

fn explain(cursor: &mut Cursor<'_>, flags: &mut Flags) -> Option<Found> {
    let mut runs = false;
    if cursor.mark("(") {
        let mut options = cursor.group()?;
        while !options.is_done() {
            runs |= options.is("analyze");
            options.step();
        }
    }
    runs |= cursor.eat("analyze");
    cursor.eat_one_of(&["verbose", "query plan", "extended"]);
    if runs {
        // It is carried out: what it does is what the statement behind it does.
        let mut found = statement(cursor, MAX_DEPTH, flags)?;
        if !matches!(found.change, Change::Select(_)) {
            flags.insert("hidden_dml", true.into());
        }
        found.kind = Kind::Explain;
        return Some(found);
    }
    let change = query::dml(&mut cursor.clone(), &mut Flags::new()).filter(|_| cursor.dialect == Dialect::Postgresql);
    cursor.skip_all();
    // Only planned, but planning takes the lock.
    let planned = change.and_then(|change| data_found(change).relation);
    let change = planned.map_or(Change::Other, |table| Change::LockTables { tables: vec![table], mode: Some("row exclusive".to_owned()) });
    Some(Found::new(Kind::Explain, change))
}

fn security_label(cursor: &mut Cursor<'_>) -> Option<Found> {
    if cursor.eat("for") {
        cursor.advance()?;
    }
    cursor.expect("on")?;
    let is_table = cursor.eat("table");
    let is_column = !is_table && cursor.eat("column");
    let mut table = None;
    if is_table {
        table = Some(cursor.name()?);
    } else if is_column {
        let column = cursor.name()?;
        table = column.schema.map(Name::bare);
    }
    cursor.skip_all();
    Some(Found { relation: table, ..Found::new(Kind::SecurityLabel, Change::Other) })
}

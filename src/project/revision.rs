//! A revision file read as Python text: its ids, what `upgrade` and `downgrade` do, what it imports. Never run.
//!
//! With `uses.rs` the only file that names the parser's crates. A text that is no Python is still read as far as it goes, so that one
//! broken file does not hide the rest of the chain.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, FStringPart, InterpolatedStringElement, PySourceType, Stmt, StmtFunctionDef, StringFlags};
use ruff_python_parser::{Mode, lexer, parse_unchecked_source};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::allow::Allowance;
use crate::project::operation::{self, Call, Concern, Operation, Receiver, Value};
use crate::secret;

/// A revision, as its file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The file, as it is shown: relative to the project, with `/`.
    pub file: String,
    /// Its id.
    pub id: String,
    /// The line on which the id is written, from 1.
    pub id_line: u32,
    /// `down_revision`: none for a base, several for a merge.
    pub parents: Vec<String>,
    /// The line on which `down_revision` is written.
    pub parents_line: u32,
    /// `branch_labels`, those of this file only.
    pub branch_labels: Vec<String>,
    /// `depends_on`: ids, partial ids or branch labels.
    pub depends_on: Vec<String>,
    /// The first paragraph of the docstring: what `alembic history` shows.
    pub message: String,
    /// The line on which the docstring begins; that of the id when there is none.
    pub message_line: u32,
    /// `Create Date` of the docstring, as it is written.
    pub created: Option<String>,
    /// `upgrade`; `None` when the file has none.
    pub upgrade: Option<Body>,
    /// `downgrade`; `None` when the file has none.
    pub downgrade: Option<Body>,
    /// Everything it imports, wherever in the file.
    pub imports: Vec<Import>,
    /// Secrets in its literals.
    pub secrets: Vec<SecretAt>,
    /// What its comments allow.
    pub allowances: Vec<Allowance>,
}

impl Revision {
    /// True when it joins several revisions.
    #[must_use]
    pub const fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }

    /// True when its upgrade does something.
    #[must_use]
    pub fn upgrade_works(&self) -> bool {
        self.upgrade.as_ref().is_some_and(|body| body.shape != Shape::Empty)
    }
}

/// A function of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Line of `def`, from 1.
    pub line: u32,
    /// Its last line.
    pub end_line: u32,
    /// The line of its first statement.
    pub first_line: u32,
    /// Whether it does anything.
    pub shape: Shape,
    /// The operations in it and in the functions of the file that it calls, in the order of the calls.
    pub operations: Vec<Operation>,
    /// What keeps Alembic from rendering it without a database.
    pub blockers: Vec<Blocker>,
}

/// Whether a function does anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// `pass`, a docstring, comments, messages: nothing reaches the database.
    Empty,
    /// It only raises.
    Raises {
        /// Line of `raise`.
        line: u32,
        /// What it says, where that is literal.
        message: Option<String>,
    },
    /// It does something.
    Works,
}

/// A call that asks the database and so cannot be rendered offline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// Its line, from 1.
    pub line: u32,
    /// The call, as it is written, in one line.
    pub code: String,
    /// Why it fails offline.
    pub why: &'static str,
}

/// One imported module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its line, from 1.
    pub line: u32,
    /// Dots in front: 0 for an absolute import.
    pub level: u32,
    /// The module, with its dots; empty for `from . import x`.
    pub module: String,
    /// What is taken from it; empty for `import x`.
    pub names: Vec<String>,
}

/// A secret in a literal; what it is, never its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretAt {
    /// Line of the literal.
    pub line: u32,
    /// What it looks like, in words.
    pub what: &'static str,
}

/// Why a file could not be read as a revision, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it is shown.
    pub file: String,
    /// The line, where there is one.
    pub line: Option<u32>,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// The markers of an unfinished merge stand in it.
    MergeConflict,
    /// It is no Python.
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// Brackets, operators or blocks in one another beyond all measure.
    TooDeep,
    /// It has no `revision`.
    NoRevision,
    /// It has no `down_revision`.
    NoDownRevision,
    /// One of the ids is not written out.
    NotLiteral {
        /// The name it is assigned to.
        name: &'static str,
    },
    /// It cannot be opened.
    Unreadable {
        /// What the system says.
        message: String,
    },
    /// It is not UTF-8.
    NotUtf8 {
        /// The first byte that is none, from 1.
        byte: usize,
    },
    /// It is larger than a revision can be.
    TooLarge {
        /// Its size.
        bytes: u64,
    },
}

/// A file, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The revision, when the file says which it is.
    pub revision: Option<Revision>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// The stack of the thread that reads: enough for what `is_too_deep` lets through, in a debug build too.
const STACK_BYTES: usize = 64 << 20;

/// Reads files, each a name and its text, in parallel; the answers come in the order of the files.
#[must_use]
pub fn read_all(files: &[(&str, &str)]) -> Vec<Reading> {
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // A thread costs about as much as reading one small file.
    let threads = processors.min(8).min(bytes / 65_536 + 1);
    let share = files.len().div_ceil(threads).max(1);
    let in_thread = |part: &'_ [(&str, &str)]| -> Vec<Reading> { part.iter().map(|(file, text)| read_here(file, text)).collect() };
    std::thread::scope(|scope| {
        let started: Vec<_> = files
            .chunks(share)
            .map(|part| (part, std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, move || in_thread(part))))
            .collect();
        started.into_iter().flat_map(|(part, thread)| answer_of(part, thread)).collect()
    })
}

/// What a thread read; where none could be had, or it died, each of its files says so.
fn answer_of(part: &[(&str, &str)], thread: std::io::Result<std::thread::ScopedJoinHandle<'_, Vec<Reading>>>) -> Vec<Reading> {
    let message = match thread.map(std::thread::ScopedJoinHandle::join) {
        Ok(Ok(readings)) => return readings,
        Ok(Err(_)) => "the reader met what it does not know".to_owned(),
        Err(error) => format!("no thread could be started to read it: {error}"),
    };
    let problem = |file: &str| Problem { file: file.to_owned(), line: None, kind: ProblemKind::Unreadable { message: message.clone() } };
    part.iter().map(|(file, _)| Reading { revision: None, problems: vec![problem(file)] }).collect()
}

/// Reads one file. Never fails: what is wrong stands in the answer.
#[must_use]
pub fn read(file: &str, text: &str) -> Reading {
    read_all(&[(file, text)]).pop().unwrap_or_default()
}

fn read_here(file: &str, text: &str) -> Reading {
    let mut problems = Vec::new();
    let mut problem = |line: Option<u32>, kind: ProblemKind| problems.push(Problem { file: file.to_owned(), line, kind });
    let conflict = conflict_line(text);
    if let Some(line) = conflict {
        problem(Some(line), ProblemKind::MergeConflict);
    }
    if is_too_deep(text) {
        problem(None, ProblemKind::TooDeep);
        return Reading { revision: None, problems };
    }
    let parsed = parse_unchecked_source(text, PySourceType::Python);
    let lines = Lines::of(text);
    if conflict.is_none()
        && let Some(error) = parsed.errors().first()
    {
        problem(Some(lines.line(error.location.start())), ProblemKind::Syntax { message: error.error.to_string() });
    }
    let module = Module::of(text, &lines, &parsed.syntax().body);
    let ids = module.ids();
    for (name, line) in &ids.not_literal {
        problem(Some(*line), ProblemKind::NotLiteral { name });
    }
    let legacy = || legacy_id(file).map(|id| (id, 1));
    let Some((id, id_line)) = ids.revision.or_else(|| if ids.not_literal.is_empty() { legacy() } else { None }) else {
        if ids.not_literal.is_empty() && parsed.errors().is_empty() {
            problem(None, ProblemKind::NoRevision);
        }
        return Reading { revision: None, problems };
    };
    if ids.parents.is_none() && ids.not_literal.is_empty() && parsed.errors().is_empty() {
        problem(Some(id_line), ProblemKind::NoDownRevision);
    }
    let (parents, parents_line) = ids.parents.unwrap_or((Vec::new(), id_line));
    let doc = module.docstring().unwrap_or_default();
    let message_line = if doc.is_empty() { id_line } else { module.statements.first().map_or(id_line, |first| module.line(first)) };
    let revision = Revision {
        file: file.to_owned(),
        id,
        id_line,
        parents,
        parents_line,
        branch_labels: ids.branch_labels,
        depends_on: ids.depends_on,
        message: doc.trim().split("\n\n").next().unwrap_or_default().to_owned(),
        message_line,
        created: doc.lines().find_map(|line| Some(line.trim().strip_prefix("Create Date:")?.trim().to_owned())),
        upgrade: module.body("upgrade"),
        downgrade: module.body("downgrade"),
        imports: imports(&module),
        secrets: secrets(&module),
        allowances: allowances(parsed.tokens(), text, &lines),
    };
    Reading { revision: Some(revision), problems }
}

/// `1a2b3c.py` without a `revision` is taken for `1a2b3c`, as Alembic does for files of its first version.
fn legacy_id(file: &str) -> Option<String> {
    let name = file.rsplit(['/', '\\']).next()?.strip_suffix(".py")?;
    let is_hex = !name.is_empty() && name.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    is_hex.then(|| name.to_owned())
}

/// The line of the first marker of an unfinished merge: both of git's markers stand at the beginnings of lines, in order.
fn conflict_line(text: &str) -> Option<u32> {
    let is_marker =
        |line: &str, marker: &str| line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\r']));
    let mut lines = text.split('\n').enumerate();
    let (first, _) = lines.by_ref().find(|(_, line)| is_marker(line, "<<<<<<<"))?;
    lines.find(|(_, line)| is_marker(line, ">>>>>>>"))?;
    Some(first as u32 + 1)
}

/// The most that may be nested; Python's own parser gives up at 200 brackets and 100 blocks.
const MOST_NESTED: usize = 1_000;
const MOST_BLOCKS: usize = 100;

/// True when a tree of this text could be so deep that walking it runs out of stack.
///
/// A tree is at most as deep as there are operators in the element at hand and in those around it; a comma ends an
/// element, a closing bracket a level, a line the statement.
fn is_too_deep(text: &str) -> bool {
    let mut lexer = lexer::lex(text, Mode::Module);
    let (mut around, mut here, mut blocks) = (0_usize, 0_usize, 0_usize);
    let mut open: Vec<usize> = Vec::new();
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return false,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                open.push(here + 1);
                around += here + 1;
                here = 0;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                here = open.pop().unwrap_or_default();
                around = around.saturating_sub(here);
            }
            TokenKind::Comma => here = 0,
            TokenKind::Newline | TokenKind::Semi => {
                open.clear();
                (around, here) = (0, 0);
            }
            TokenKind::Indent => blocks += 1,
            TokenKind::Dedent => blocks = blocks.saturating_sub(1),
            kind if kind.is_operator() || kind.is_non_soft_keyword() || matches!(kind, TokenKind::Dot | TokenKind::Colon) => here += 1,
            _ => {}
        }
        if around + here > MOST_NESTED || blocks > MOST_BLOCKS {
            return true;
        }
    }
}

/// Where lines begin.
struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let behind = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        Self { starts: std::iter::once(0).chain(behind).collect() }
    }

    /// The line of a byte, from 1.
    fn line(&self, at: TextSize) -> u32 {
        self.starts.partition_point(|start| *start <= at.to_u32()) as u32
    }

    /// The column of a byte in characters, from 1.
    fn column(&self, at: TextSize, text: &str) -> u32 {
        let start = self.line(at).checked_sub(1).and_then(|line| self.starts.get(line as usize)).copied().unwrap_or_default();
        text.get(start as usize..at.to_usize()).map_or(1, |before| before.chars().count() as u32 + 1)
    }
}

/// The ids of a file.
#[derive(Default)]
struct Ids {
    revision: Option<(String, u32)>,
    parents: Option<(Vec<String>, u32)>,
    branch_labels: Vec<String>,
    depends_on: Vec<String>,
    not_literal: Vec<(&'static str, u32)>,
}

/// A file's statements, with what its names stand for.
struct Module<'a> {
    text: &'a str,
    lines: &'a Lines,
    statements: &'a [Stmt],
    /// Values assigned once at the top.
    constants: BTreeMap<&'a str, &'a Expr>,
    functions: BTreeMap<&'a str, &'a StmtFunctionDef>,
    /// Names that stand for `alembic.op`.
    op: BTreeSet<&'a str>,
    /// Names that stand for `sqlalchemy.inspect`, `Inspector` and `Session`.
    inspectors: BTreeSet<&'a str>,
    sessions: BTreeSet<&'a str>,
}

impl<'a> Module<'a> {
    fn of(text: &'a str, lines: &'a Lines, statements: &'a [Stmt]) -> Self {
        let mut module = Self {
            text,
            lines,
            statements,
            constants: assigned_once(statements),
            functions: BTreeMap::new(),
            op: BTreeSet::new(),
            inspectors: BTreeSet::new(),
            sessions: BTreeSet::new(),
        };
        for statement in statements {
            module.note(statement);
        }
        module
    }

    fn note(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.functions.insert(function.name.as_str(), function);
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map(|name| name.as_str()).unwrap_or_default();
                for alias in &import.names {
                    let local = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    match (module, alias.name.as_str()) {
                        ("alembic", "op") => self.op.insert(local),
                        (module, "inspect" | "Inspector") if module.starts_with("sqlalchemy") => self.inspectors.insert(local),
                        (module, "Session" | "sessionmaker" | "scoped_session") if module.starts_with("sqlalchemy") => {
                            self.sessions.insert(local)
                        }
                        _ => false,
                    };
                }
            }
            _ => {}
        }
    }

    fn line(&self, node: &impl Ranged) -> u32 {
        self.lines.line(node.start())
    }

    fn docstring(&self) -> Option<String> {
        match self.statements.first()? {
            Stmt::Expr(first) => match first.value.as_ref() {
                Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
                _ => None,
            },
            _ => None,
        }
    }

    fn ids(&self) -> Ids {
        let mut ids = Ids::default();
        for statement in self.statements {
            let (target, value) = match statement {
                Stmt::Assign(assign) => match assign.targets.as_slice() {
                    [Expr::Name(name)] => (name.id.as_str(), assign.value.as_ref()),
                    _ => continue,
                },
                Stmt::AnnAssign(assign) => match (assign.target.as_ref(), &assign.value) {
                    (Expr::Name(name), Some(value)) => (name.id.as_str(), value.as_ref()),
                    _ => continue,
                },
                _ => continue,
            };
            self.take_id(&mut ids, target, value, self.line(statement));
        }
        ids
    }

    fn take_id(&self, ids: &mut Ids, target: &str, expression: &Expr, line: u32) {
        let value = Scope::of(self, &[]).value(expression);
        let several = match &value {
            Value::None => Some(Vec::new()),
            Value::Text(text) => Some(vec![text.clone()]),
            Value::List(values) => values.iter().map(|value| value.text().map(str::to_owned)).collect(),
            _ => None,
        };
        match (target, several) {
            ("revision", Some(_)) if value.text().is_some() => ids.revision = value.text().map(|text| (text.to_owned(), line)),
            ("down_revision", Some(parents)) => ids.parents = Some((parents, line)),
            ("branch_labels", Some(labels)) => ids.branch_labels = labels,
            ("depends_on", Some(depends)) => ids.depends_on = depends,
            ("revision", _) => ids.not_literal.push(("revision", line)),
            ("down_revision", None) => ids.not_literal.push(("down_revision", line)),
            ("branch_labels", None) => ids.not_literal.push(("branch_labels", line)),
            ("depends_on", None) => ids.not_literal.push(("depends_on", line)),
            _ => {}
        }
    }

    /// What a function of the file does.
    fn body(&self, name: &str) -> Option<Body> {
        let function = self.functions.get(name)?;
        let mut found = Found { seen: BTreeSet::from([name.to_owned()]), ..Found::default() };
        walk_function(self, function, &mut found);
        let shape = self.shape(function, &mut BTreeSet::from([name]));
        let (line, end_line) = (self.lines.line(function.name.start()), self.lines.line(function.end()));
        let first_line = function.body.first().map_or(end_line, |first| self.lines.line(first.start()));
        Some(Body { line, end_line, first_line, shape, operations: found.operations, blockers: found.blockers })
    }

    fn shape(&self, function: &'a StmtFunctionDef, seen: &mut BTreeSet<&'a str>) -> Shape {
        for statement in &function.body {
            if let Stmt::Raise(raise) = statement {
                let message = raise.exc.as_ref().and_then(|raised| match raised.as_ref() {
                    Expr::Call(call) => Scope::of(self, &function.body).value(call.arguments.args.first()?).text().map(str::to_owned),
                    _ => None,
                });
                return Shape::Raises { line: self.line(statement), message };
            }
            if !self.does_nothing(statement, seen) {
                return Shape::Works;
            }
        }
        Shape::Empty
    }

    fn does_nothing(&self, statement: &'a Stmt, seen: &mut BTreeSet<&'a str>) -> bool {
        match statement {
            Stmt::Pass(_) | Stmt::Import(_) | Stmt::ImportFrom(_) | Stmt::Global(_) | Stmt::Nonlocal(_) => true,
            Stmt::Return(back) => back.value.as_ref().is_none_or(|value| self.says_nothing(value, seen)),
            Stmt::Expr(alone) => self.says_nothing(&alone.value, seen),
            Stmt::Assign(assign) => self.says_nothing(&assign.value, seen),
            Stmt::AnnAssign(assign) => assign.value.as_ref().is_none_or(|value| self.says_nothing(value, seen)),
            Stmt::If(branch) => {
                branch.body.iter().all(|inner| self.does_nothing(inner, seen))
                    && branch.elif_else_clauses.iter().all(|clause| clause.body.iter().all(|inner| self.does_nothing(inner, seen)))
            }
            Stmt::With(with) => with.body.iter().all(|inner| self.does_nothing(inner, seen)),
            _ => false,
        }
    }

    /// An expression that leaves the database as it is: a literal, a message, `op.get_bind()`, a function that does nothing.
    fn says_nothing(&self, expression: &'a Expr, seen: &mut BTreeSet<&'a str>) -> bool {
        let Expr::Call(call) = expression else {
            return !matches!(
                expression,
                Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Named(_) | Expr::ListComp(_) | Expr::Generator(_)
            );
        };
        if let Expr::Name(name) = call.func.as_ref()
            && let Some(function) = self.functions.get(name.id.as_str())
        {
            // A function that calls itself says nothing new the second time.
            return !seen.insert(name.id.as_str()) || self.shape(function, seen) == Shape::Empty;
        }
        if let Some(all) = self.by_engine(call) {
            return all.into_iter().all(|function| self.shape(function, seen) == Shape::Empty);
        }
        let name = dotted(&call.func);
        let (receiver, word) = name.rsplit_once('.').unwrap_or(("", name.as_str()));
        let tells = matches!(receiver, "logger" | "log" | "logging" | "LOG" | "_logger" | "warnings" | "context") || name == "print";
        tells || (self.op.contains(receiver) && operation::arranges(word))
    }

    /// `globals()["upgrade_%s" % engine]()`, which Alembic's template for several databases writes: all that it may call.
    fn by_engine(&self, call: &'a ExprCall) -> Option<Vec<&'a StmtFunctionDef>> {
        let Expr::Subscript(subscript) = call.func.as_ref() else { return None };
        let Expr::Call(globals) = subscript.value.as_ref() else { return None };
        if dotted(&globals.func) != "globals" {
            return None;
        }
        let text = match Scope::of(self, &[]).value(&subscript.slice) {
            Value::Text(text) | Value::Built(text) => text,
            _ => return None,
        };
        let head = text.split(['{', '%']).next().unwrap_or_default();
        let named = self.functions.iter().filter(|(name, _)| name.starts_with(head) && !matches!(**name, "upgrade" | "downgrade"));
        Some(named.map(|(_, function)| *function).collect())
    }
}

/// Names that are assigned exactly once in these statements, with what they are assigned.
fn assigned_once(statements: &[Stmt]) -> BTreeMap<&str, &Expr> {
    let mut found: BTreeMap<&str, Option<&Expr>> = BTreeMap::new();
    note_assignments(statements, &mut found);
    found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn note_assignments<'a>(statements: &'a [Stmt], found: &mut BTreeMap<&'a str, Option<&'a Expr>>) {
    let mut note = |target: &'a Expr, value: Option<&'a Expr>| {
        if let Expr::Name(name) = target {
            found.entry(name.id.as_str()).and_modify(|earlier| *earlier = None).or_insert(value);
        }
    };
    for statement in statements {
        match statement {
            Stmt::Assign(assign) => assign.targets.iter().for_each(|target| note(target, Some(&assign.value))),
            Stmt::AnnAssign(assign) => note(&assign.target, assign.value.as_deref()),
            // What changes later is no constant.
            Stmt::AugAssign(assign) => note(&assign.target, None),
            Stmt::For(each) => note(&each.target, None),
            _ => {}
        }
        if let Stmt::AugAssign(assign) = statement {
            note(&assign.target, None);
        }
    }
    for inner in statements.iter().flat_map(blocks) {
        note_assignments(inner, found);
    }
}

/// The blocks of statements inside of a statement; those of functions and classes are another scope.
fn blocks(statement: &Stmt) -> Vec<&[Stmt]> {
    match statement {
        Stmt::For(each) => vec![&each.body, &each.orelse],
        Stmt::While(each) => vec![&each.body, &each.orelse],
        Stmt::If(branch) => {
            std::iter::once(branch.body.as_slice()).chain(branch.elif_else_clauses.iter().map(|clause| clause.body.as_slice())).collect()
        }
        Stmt::With(with) => vec![&with.body],
        Stmt::Try(tried) => {
            let handlers = tried.handlers.iter().map(|ruff_python_ast::ExceptHandler::ExceptHandler(handler)| handler.body.as_slice());
            [tried.body.as_slice(), tried.orelse.as_slice(), tried.finalbody.as_slice()].into_iter().chain(handlers).collect()
        }
        Stmt::Match(matched) => matched.cases.iter().map(|case| case.body.as_slice()).collect(),
        _ => Vec::new(),
    }
}

/// `a.b.c` of an expression made of names; what is no name is left out: `op.get_bind().execute` is `op.get_bind().execute`.
fn dotted(expression: &Expr) -> String {
    match expression {
        Expr::Name(name) => name.id.as_str().to_owned(),
        Expr::Attribute(attribute) => format!("{}.{}", dotted(&attribute.value), attribute.attr.as_str()),
        Expr::Call(call) => format!("{}()", dotted(&call.func)),
        Expr::Subscript(subscript) => format!("{}[]", dotted(&subscript.value)),
        Expr::Await(awaited) => dotted(&awaited.value),
        _ => String::new(),
    }
}

/// What names stand for inside of a function.
struct Scope<'a, 'm> {
    module: &'m Module<'a>,
    locals: BTreeMap<&'a str, &'a Expr>,
}

/// A name stands for a name stands for a name: not further than this.
const MOST_NAMES: u8 = 8;

impl<'a, 'm> Scope<'a, 'm> {
    fn of(module: &'m Module<'a>, body: &'a [Stmt]) -> Self {
        Self { module, locals: assigned_once(body) }
    }

    fn value(&self, expression: &Expr) -> Value {
        self.value_through(expression, MOST_NAMES)
    }

    fn value_through(&self, expression: &Expr, names_left: u8) -> Value {
        let inner = |expression: &Expr| self.value_through(expression, names_left);
        match expression {
            Expr::NoneLiteral(_) => Value::None,
            Expr::BooleanLiteral(literal) => Value::Bool(literal.value),
            Expr::NumberLiteral(_) | Expr::UnaryOp(_) => Value::Number(self.code(expression)),
            Expr::StringLiteral(literal) => Value::Text(literal.value.to_str().to_owned()),
            Expr::FString(literal) => f_string(literal.value.iter()),
            Expr::List(list) => Value::List(list.elts.iter().map(inner).collect()),
            Expr::Tuple(tuple) => Value::List(tuple.elts.iter().map(inner).collect()),
            Expr::Set(set) => Value::List(set.elts.iter().map(inner).collect()),
            Expr::Dict(dict) => {
                Value::Dict(dict.items.iter().filter_map(|item| Some((inner(item.key.as_ref()?), inner(&item.value)))).collect())
            }
            Expr::BinOp(both) => match (inner(&both.left), both.op) {
                (Value::Text(left), ruff_python_ast::Operator::Add) => match inner(&both.right) {
                    Value::Text(right) => Value::Text(left + &right),
                    Value::Built(right) => Value::Built(left + &right),
                    _ => Value::Built(left + "{}"),
                },
                (Value::Built(left), ruff_python_ast::Operator::Add) => match inner(&both.right) {
                    Value::Text(right) | Value::Built(right) => Value::Built(left + &right),
                    _ => Value::Built(left + "{}"),
                },
                (Value::Text(left) | Value::Built(left), ruff_python_ast::Operator::Mod) => Value::Built(left),
                _ => Value::Other,
            },
            Expr::Call(call) => self.call_value(call, names_left),
            Expr::Name(name) => {
                match (self.locals.get(name.id.as_str()).or_else(|| self.module.constants.get(name.id.as_str())), names_left) {
                    (Some(meant), 1..) => match self.value_through(meant, names_left - 1) {
                        Value::Other | Value::Call(_) => Value::Name(name.id.as_str().to_owned()),
                        value => value,
                    },
                    _ => Value::Name(name.id.as_str().to_owned()),
                }
            }
            Expr::Attribute(_) => Value::Name(dotted(expression)),
            _ => Value::Other,
        }
    }

    /// `textwrap.dedent("…")`, `"…".strip()` and the like are their text; `"…".format(…)` is built.
    fn call_value(&self, call: &ExprCall, names_left: u8) -> Value {
        let name = dotted(&call.func);
        if let Expr::Attribute(method) = call.func.as_ref()
            && let Value::Text(text) | Value::Built(text) = self.value_through(&method.value, names_left)
        {
            return match method.attr.as_str() {
                "strip" | "lstrip" | "rstrip" | "lower" | "upper" if call.arguments.args.is_empty() => Value::Text(text.trim().to_owned()),
                "format" | "replace" | "join" | "format_map" => Value::Built(text),
                _ => Value::Other,
            };
        }
        let call = self.call(call, name, names_left);
        match (call.last_word(), call.positional.first()) {
            ("dedent" | "cleandoc", Some(text @ (Value::Text(_) | Value::Built(_)))) => text.clone(),
            _ => Value::Call(Box::new(call)),
        }
    }

    fn call(&self, call: &ExprCall, name: String, names_left: u8) -> Call {
        let positional = call.arguments.args.iter().map(|value| self.value_through(value, names_left)).collect();
        let keyword = |keyword: &ruff_python_ast::Keyword| {
            Some((keyword.arg.as_ref()?.as_str().to_owned(), self.value_through(&keyword.value, names_left)))
        };
        Call { name, positional, keywords: call.arguments.keywords.iter().filter_map(keyword).collect() }
    }

    fn code(&self, node: &impl Ranged) -> String {
        let code = self.module.text.get(node.range().to_std_range()).unwrap_or_default();
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn f_string<'a>(parts: impl Iterator<Item = &'a FStringPart>) -> Value {
    let mut text = String::new();
    let mut is_built = false;
    for part in parts {
        match part {
            FStringPart::Literal(literal) => text.push_str(&literal.value),
            FStringPart::FString(formatted) => {
                for element in &formatted.elements {
                    match element {
                        InterpolatedStringElement::Literal(literal) => text.push_str(&literal.value),
                        InterpolatedStringElement::Interpolation(_) => {
                            is_built = true;
                            text.push_str("{}");
                        }
                    }
                }
            }
        }
    }
    if is_built { Value::Built(text) } else { Value::Text(text) }
}

/// What was found on the way through a function and those it calls.
#[derive(Default)]
struct Found {
    operations: Vec<Operation>,
    blockers: Vec<Blocker>,
    /// Functions that were gone through.
    seen: BTreeSet<String>,
}

fn walk_function<'a>(module: &Module<'a>, function: &'a StmtFunctionDef, found: &mut Found) {
    let scope = Scope::of(module, &function.body);
    // A function that asks whether it is offline knows what it does.
    let knows_offline = module.text.get(function.range().to_std_range()).is_some_and(|code| code.contains("is_offline_mode"));
    let mut walk =
        Walk { module, scope, found, batches: Vec::new(), results: BTreeSet::new(), conditions: 0, autocommits: 0, knows_offline };
    for statement in &function.body {
        walk.visit_stmt(statement);
    }
}

struct Walk<'a, 'm, 'f> {
    module: &'m Module<'a>,
    scope: Scope<'a, 'm>,
    found: &'f mut Found,
    /// Names of batch objects with their table and schema; the last of a name holds.
    batches: Vec<(&'a str, Option<String>, Option<String>)>,
    /// Names that hold what an `execute` gave back.
    results: BTreeSet<&'a str>,
    conditions: u32,
    autocommits: u32,
    knows_offline: bool,
}

impl<'a> Visitor<'a> for Walk<'a, '_, '_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::With(with) => {
                let before = (self.batches.len(), self.autocommits);
                for item in &with.items {
                    self.enter(item);
                }
                with.body.iter().for_each(|inner| self.visit_stmt(inner));
                self.batches.truncate(before.0);
                self.autocommits = before.1;
            }
            Stmt::If(_) | Stmt::For(_) | Stmt::While(_) | Stmt::Try(_) | Stmt::Match(_) => {
                if let Stmt::For(each) = statement {
                    self.asks_when_walked(&each.iter);
                }
                self.conditions += 1;
                walk_stmt(self, statement);
                self.conditions -= 1;
            }
            Stmt::Assign(assign) => {
                if let ([Expr::Name(name)], Expr::Call(call)) = (assign.targets.as_slice(), assign.value.as_ref())
                    && runs_sql(call)
                {
                    self.results.insert(name.id.as_str());
                }
                walk_stmt(self, statement);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        // What is called inside comes first, as it does when it runs.
        walk_expr(self, expression);
        match expression {
            Expr::Call(call) => self.take(call),
            Expr::Attribute(attribute) if attribute.attr.as_str() == "rowcount" && self.is_result(&attribute.value) => {
                self.block(expression, "offline there is no result to count");
            }
            Expr::ListComp(each) => each.generators.iter().for_each(|each| self.asks_when_walked(&each.iter)),
            Expr::DictComp(each) => each.generators.iter().for_each(|each| self.asks_when_walked(&each.iter)),
            Expr::SetComp(each) => each.generators.iter().for_each(|each| self.asks_when_walked(&each.iter)),
            Expr::Generator(each) => each.generators.iter().for_each(|each| self.asks_when_walked(&each.iter)),
            _ => {}
        }
    }
}

/// `x.execute(…)`, `x.scalars(…)`: SQL that a connection or a session runs.
fn runs_sql(call: &ExprCall) -> bool {
    matches!(call.func.as_ref(), Expr::Attribute(method) if matches!(method.attr.as_str(), "execute" | "exec_driver_sql" | "scalars" | "scalar"))
}

/// Methods that take rows out of a result.
const TAKES_ROWS: &[&str] = &[
    "fetchall",
    "fetchone",
    "fetchmany",
    "first",
    "one",
    "one_or_none",
    "scalar",
    "scalar_one",
    "scalar_one_or_none",
    "scalars",
    "all",
    "mappings",
    "partitions",
    "keys",
];

/// Methods by which an ORM session writes.
const WRITES: &[&str] = &["add", "add_all", "bulk_insert_mappings", "bulk_save_objects", "bulk_update_mappings", "delete", "merge"];

impl<'a> Walk<'a, '_, '_> {
    fn enter(&mut self, item: &'a ruff_python_ast::WithItem) {
        self.visit_expr(&item.context_expr);
        let Expr::Call(call) = &item.context_expr else { return };
        let name = dotted(&call.func);
        if name.ends_with("autocommit_block") {
            self.autocommits += 1;
        }
        let is_batch = name.rsplit_once('.').is_some_and(|(receiver, word)| self.is_op(receiver) && word == "batch_alter_table");
        if let (true, Some(Expr::Name(variable))) = (is_batch, item.optional_vars.as_deref()) {
            let call = self.scope.call(call, name, MOST_NAMES);
            let table = call.argument(0, "table_name").and_then(|value| value.name()).map(str::to_owned);
            let schema = call.argument(1, "schema").and_then(|value| value.text()).map(str::to_owned);
            self.batches.push((variable.id.as_str(), table, schema));
        }
    }

    fn is_op(&self, receiver: &str) -> bool {
        self.module.op.contains(receiver) || receiver == "alembic.op"
    }

    fn take(&mut self, call: &'a ExprCall) {
        match call.func.as_ref() {
            Expr::Name(name) => {
                if let Some(function) = self.module.functions.get(name.id.as_str()) {
                    self.call_function(function);
                }
            }
            Expr::Attribute(method) => self.take_method(call, &method.value, method.attr.as_str()),
            _ => {
                for function in self.module.by_engine(call).unwrap_or_default() {
                    self.call_function(function);
                }
            }
        }
        self.blocks_offline(call);
    }

    /// A function of the file: what it does is done where it is called, once.
    fn call_function(&mut self, function: &'a StmtFunctionDef) {
        if !self.found.seen.insert(function.name.as_str().to_owned()) {
            return;
        }
        let from = self.found.operations.len();
        walk_function(self.module, function, self.found);
        let (conditional, autocommit) = (self.conditions > 0, self.autocommits > 0);
        for operation in self.found.operations.iter_mut().skip(from) {
            operation.conditional |= conditional;
            operation.autocommit |= autocommit;
        }
    }

    fn take_method(&mut self, call: &'a ExprCall, receiver: &'a Expr, word: &str) {
        let name = dotted(receiver);
        if self.is_op(&name) {
            if !operation::arranges(word) {
                self.push(call, Receiver::Op, None);
            }
            return;
        }
        let batch = self.batches.iter().rev().find(|(variable, _, _)| *variable == name).cloned();
        if let Some((_, table, schema)) = batch {
            if !operation::arranges(word) {
                self.push(call, Receiver::Batch, Some((table, schema)));
            }
        } else if runs_sql(call) && !call.arguments.args.is_empty() {
            self.push(call, Receiver::Connection, None);
        } else if WRITES.contains(&word) && self.is_session(&name) {
            self.push(call, Receiver::Connection, None);
            if let Some(last) = self.found.operations.last_mut() {
                last.concern = Concern::Data;
            }
        } else if matches!(word, "update" | "delete") && name.contains(".query()") {
            self.push(call, Receiver::Connection, None);
            if let Some(last) = self.found.operations.last_mut() {
                last.concern = Concern::Data;
            }
        }
    }

    fn is_session(&self, name: &str) -> bool {
        name == "session" || name.ends_with("_session") || name.ends_with(".session") || name == "db"
    }

    fn push(&mut self, call: &'a ExprCall, receiver: Receiver, batch: Option<(Option<String>, Option<String>)>) {
        let name = dotted(&call.func);
        let said = self.scope.call(call, name, MOST_NAMES);
        let batch = batch.as_ref().and_then(|(table, schema)| Some((table.as_deref()?, schema.as_deref())));
        let mut found = operation::operation(said, receiver, batch);
        found.line = self.module.line(call);
        found.end_line = self.module.lines.line(call.end());
        found.column = self.module.lines.column(call.start(), self.module.text);
        found.conditional = self.conditions > 0;
        found.autocommit = self.autocommits > 0;
        if found.concern == Concern::Sql || receiver == Receiver::Connection {
            self.fill_sql(&mut found, call);
        }
        self.found.operations.push(found);
    }

    /// The SQL of `execute("…")`, `execute(text("…"))`, `execute(sa.update(…))`.
    fn fill_sql(&self, found: &mut Operation, call: &ExprCall) {
        found.concern = Concern::Sql;
        let Some(argument) = call.arguments.args.first().or_else(|| call.arguments.keywords.first().map(|keyword| &keyword.value)) else {
            return;
        };
        let written = self.meant(argument);
        found.sql_line = Some(self.module.lines.line(text_start(written)));
        match self.scope.value(argument) {
            value @ (Value::Text(_) | Value::Built(_)) => found.sql = Some(value),
            Value::Call(inner) if matches!(inner.last_word(), "text" | "DDL") => {
                if let Expr::Call(written) = written
                    && let Some(first) = written.arguments.args.first()
                {
                    found.sql_line = Some(self.module.lines.line(text_start(self.meant(first))));
                }
                found.sql = inner.positional.first().filter(|value| matches!(value, Value::Text(_) | Value::Built(_))).cloned();
            }
            _ => {
                let (concern, table) = self.built_statement(written);
                found.concern = concern;
                found.table = found.table.take().or(table);
            }
        }
    }

    /// What a name stands for, where it is assigned once.
    fn meant<'e>(&'e self, mut expression: &'e Expr) -> &'e Expr {
        for _ in 0..MOST_NAMES {
            let Expr::Name(name) = expression else { break };
            let id = name.id.as_str();
            let Some(other) = self.scope.locals.get(id).or_else(|| self.module.constants.get(id)) else { break };
            expression = other;
        }
        expression
    }

    /// What a statement made of SQLAlchemy's functions does: `users.update().where(…)`, `sa.delete(users)`, `text("…").bindparams(…)`.
    fn built_statement(&self, expression: &Expr) -> (Concern, Option<String>) {
        let mut at = self.meant(expression);
        loop {
            let Expr::Call(call) = at else { return (Concern::Sql, None) };
            let word = dotted(&call.func);
            let last = word.rsplit('.').next().unwrap_or_default();
            let receiver = match call.func.as_ref() {
                Expr::Attribute(method) => Some(method.value.as_ref()),
                _ => None,
            };
            match last {
                "update" | "insert" | "delete" => {
                    let table = call.arguments.args.first().or(receiver).and_then(|table| self.table_name(table));
                    return (Concern::Data, table);
                }
                "select" | "exists" | "union" | "union_all" => return (Concern::Words, None),
                "CreateTable" | "DropTable" | "CreateIndex" | "DropIndex" | "CreateSequence" | "DropSequence" | "CreateSchema"
                | "DropSchema" => {
                    return (Concern::Schema, None);
                }
                _ => {}
            }
            match receiver {
                Some(receiver) => at = self.meant(receiver),
                None => return (Concern::Sql, None),
            }
        }
    }

    /// The name of the table that `sa.table("t", …)` or `sa.Table("t", …)` makes.
    fn table_name(&self, expression: &Expr) -> Option<String> {
        let Expr::Call(call) = self.meant(expression) else { return None };
        let name = dotted(&call.func);
        let is_table = matches!(name.rsplit('.').next(), Some("table" | "Table"));
        if is_table { self.scope.value(call.arguments.args.first()?).text().map(str::to_owned) } else { None }
    }

    fn is_result(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Call(call) => runs_sql(call),
            Expr::Name(name) => self.results.contains(name.id.as_str()),
            Expr::Await(awaited) => self.is_result(&awaited.value),
            _ => false,
        }
    }

    fn block(&mut self, node: &impl Ranged, why: &'static str) {
        if self.knows_offline {
            return;
        }
        let line = self.module.line(node);
        if self.found.blockers.iter().any(|other| other.line == line) {
            return;
        }
        let code = self.scope.code(node);
        let code = if code.chars().count() > 80 { code.chars().take(79).chain(['…']).collect() } else { code };
        self.found.blockers.push(Blocker { line, code: secret::redacted(&code), why });
    }

    fn asks_when_walked(&mut self, iterated: &'a Expr) {
        if self.is_result(iterated) {
            self.block(iterated, "offline there are no rows to walk through");
        }
    }

    /// Source: measured on 28 histories, what failed when they were rendered offline.
    fn blocks_offline(&mut self, call: &'a ExprCall) {
        let name = dotted(&call.func);
        let (receiver, word) = name.rsplit_once('.').unwrap_or(("", name.as_str()));
        let has_keyword = |wanted: &str| {
            call.arguments
                .keywords
                .iter()
                .any(|keyword| keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == wanted) && !keyword.value.is_none_literal_expr())
        };
        let inspects = match word {
            "inspect" => receiver.is_empty() && self.module.inspectors.contains(word) || matches!(receiver, "sa" | "sqlalchemy" | "sql"),
            "from_engine" => receiver.ends_with("Inspector") || self.module.inspectors.contains(receiver),
            "Inspector" => true,
            "reflect" => receiver.ends_with("meta") || receiver.to_ascii_lowercase().ends_with("metadata"),
            "has_table" | "get_columns" | "get_indexes" | "get_foreign_keys" | "get_table_names" => receiver.ends_with("dialect"),
            _ => has_keyword("autoload_with") || has_keyword("autoload"),
        };
        let opens_session = matches!(word, "Session" | "sessionmaker" | "scoped_session")
            && (self.module.sessions.contains(word) || receiver.ends_with("orm"))
            && !(call.arguments.args.is_empty() && call.arguments.keywords.is_empty());
        let takes_rows =
            TAKES_ROWS.contains(&word) && matches!(call.func.as_ref(), Expr::Attribute(method) if self.is_result(&method.value));
        let asks_scalar =
            matches!(word, "scalar" | "scalars") && !call.arguments.args.is_empty() && !receiver.is_empty() && !self.is_op(receiver);
        if inspects {
            self.block(call, "offline there is no database to look at");
        } else if opens_session {
            self.block(call, "offline there is no connection for a session");
        } else if takes_rows || asks_scalar {
            self.block(call, "offline there is no result to read");
        }
    }
}

/// The first byte of what a string literal holds: behind its prefix and quotes, and behind the line on which they stand
/// alone.
fn text_start(expression: &Expr) -> TextSize {
    match expression {
        Expr::StringLiteral(literal) => literal.value.iter().next().map_or(expression.start(), |first| {
            let quotes = if first.flags.is_triple_quoted() { 3 } else { 1 };
            first.start() + TextSize::from(quotes)
        }),
        other => other.start(),
    }
}

fn imports(module: &Module<'_>) -> Vec<Import> {
    struct Collector<'m, 'a> {
        module: &'m Module<'a>,
        found: Vec<Import>,
    }
    impl<'a> Visitor<'a> for Collector<'_, '_> {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::Import(import) => {
                    let line = self.module.line(import);
                    let each = import.names.iter().map(|alias| Import {
                        line,
                        level: 0,
                        module: alias.name.as_str().to_owned(),
                        names: Vec::new(),
                    });
                    self.found.extend(each);
                }
                Stmt::ImportFrom(import) => self.found.push(Import {
                    line: self.module.line(import),
                    level: import.level,
                    module: import.module.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
                    names: import.names.iter().map(|alias| alias.name.as_str().to_owned()).collect(),
                }),
                _ => walk_stmt(self, statement),
            }
        }
        // Imports stand in statements only.
        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut collector = Collector { module, found: Vec::new() };
    module.statements.iter().for_each(|statement| collector.visit_stmt(statement));
    collector.found
}

/// Names behind which a literal is a secret.
const SECRET_NAMES: &[&str] =
    &["password", "passwd", "pwd", "secret", "secret_key", "api_key", "apikey", "access_token", "auth_token", "private_key"];

fn secrets(module: &Module<'_>) -> Vec<SecretAt> {
    struct Collector<'m, 'a> {
        module: &'m Module<'a>,
        found: Vec<SecretAt>,
    }
    impl Collector<'_, '_> {
        fn literal(&mut self, text: &str, node: &impl Ranged) {
            // Most literals are short names: a token is longer, and a password in a text stands behind a sign.
            if text.len() < 20 && !text.contains(['=', '\'', '"', ':']) {
                return;
            }
            let line = self.module.line(node);
            for secret in secret::secrets(text) {
                let within = text.get(..secret.span.start).map_or(0, |before| before.matches('\n').count()) as u32;
                self.push(line + within, secret.what);
            }
        }

        fn named(&mut self, name: &str, value: &Expr) {
            let Expr::StringLiteral(literal) = value else { return };
            let lower = name.to_ascii_lowercase();
            let is_secret_name = |word: &&str| lower.strip_suffix(*word).is_some_and(|before| before.is_empty() || before.ends_with('_'));
            if SECRET_NAMES.iter().any(is_secret_name) && secret::is_secret(literal.value.to_str()) {
                self.push(self.module.line(value), "a password or a key");
            }
        }

        fn push(&mut self, line: u32, what: &'static str) {
            if !self.found.iter().any(|other| other.line == line) {
                self.found.push(SecretAt { line, what });
            }
        }
    }
    impl<'a> Visitor<'a> for Collector<'_, '_> {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            if let Stmt::Assign(assign) = statement
                && let [Expr::Name(name)] = assign.targets.as_slice()
            {
                self.named(name.id.as_str(), &assign.value);
            }
            walk_stmt(self, statement);
        }

        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::StringLiteral(literal) => {
                    self.literal(literal.value.to_str(), expression);
                }
                Expr::FString(formatted) => {
                    if let Value::Text(text) | Value::Built(text) = f_string(formatted.value.iter()) {
                        self.literal(&text, expression);
                    }
                }
                Expr::Call(call) => {
                    for keyword in &call.arguments.keywords {
                        self.named(keyword.arg.as_ref().map(|arg| arg.as_str()).unwrap_or_default(), &keyword.value);
                    }
                }
                Expr::Dict(dict) => {
                    for item in &dict.items {
                        if let Some(Expr::StringLiteral(key)) = &item.key {
                            self.named(key.value.to_str(), &item.value);
                        }
                    }
                }
                _ => {}
            }
            walk_expr(self, expression);
        }
    }
    let mut collector = Collector { module, found: Vec::new() };
    module.statements.iter().for_each(|statement| collector.visit_stmt(statement));
    collector.found.sort_by_key(|secret| secret.line);
    collector.found
}

fn allowances(tokens: &Tokens, text: &str, lines: &Lines) -> Vec<Allowance> {
    let comments = tokens.iter().filter(|token| token.kind() == TokenKind::Comment);
    let read = |range: TextRange| Allowance::read(text.get(range.to_std_range())?, lines.line(range.start()));
    comments.filter_map(|token| read(token.range())).collect()
}

//! A script: its statements in order, with the transaction, revision and direction of each.

use crate::allow::Allowance;
use crate::dialect::{Dialect, Server};
use crate::sql::change::{AlterAction, Change, Name, Reading};
use crate::sql::split::{Direction, Form, Mark, Piece, Split, split};
use crate::sql::token::Comment;
use crate::sql::understand::{self, cursor::Cursor};
use crate::sql::words::Kind;

/// A statement and where it stands.
#[derive(Debug, Clone)]
pub struct Statement {
    /// From 1, in the order of the script.
    pub index: u32,
    /// First byte in the script's text.
    pub start: u32,
    /// One past its last byte; the terminator is outside.
    pub end: u32,
    /// Line of its first byte, from 1.
    pub line: u32,
    /// Column of its first byte in characters, from 1.
    pub column: u32,
    /// The revision whose statements these are, where a comment says so.
    pub revision: Option<String>,
    /// Up or down.
    pub direction: Direction,
    /// The transaction it runs in, counted from 0; `None`: on its own.
    pub transaction: Option<u32>,
    /// What it says.
    pub reading: Reading,
}

/// A text with its statements.
#[derive(Debug, Clone)]
pub struct Script {
    /// The text.
    pub text: String,
    /// The server it is meant for.
    pub server: Server,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    /// Its comments, in order.
    pub comments: Vec<Comment>,
    /// Byte ranges of COPY data, by the index of the statement that reads them.
    pub copy_data: Vec<(u32, std::ops::Range<u32>)>,
}

impl Script {
    /// The text of `statement`.
    #[must_use]
    pub fn text_of(&self, statement: &Statement) -> &str {
        self.text.get(statement.start as usize..statement.end as usize).unwrap_or_default()
    }

    /// `-- alembic-gate: allow <rule> because …`, with the line it stands on.
    #[must_use]
    pub fn allowances(&self) -> Vec<Allowance> {
        let mut found = Vec::new();
        let mut line = 1;
        let mut at = 0;
        for comment in &self.comments {
            let between = self.text.get(at..comment.start as usize).unwrap_or_default();
            line += between.bytes().filter(|b| *b == b'\n').count() as u32;
            at = comment.start as usize;
            let text = self.text.get(comment.start as usize..comment.end as usize).unwrap_or_default();
            found.extend(Allowance::read(text, line));
        }
        found
    }

    /// The old table whose name and rows `table` takes over: it is made here, filled, the old one dropped, and renamed to it
    /// (SQLite's way to alter a table, and Alembic's `batch_alter_table`).
    #[must_use]
    pub fn replaced_by(&self, table: &Name) -> Option<&Name> {
        let changes = || self.statements.iter().map(|statement| &statement.reading.change);
        let is_made = changes().any(|change| matches!(change, Change::CreateTable(create) if create.name.name == table.name));
        let renamed = changes().find_map(|change| match change {
            Change::AlterTable(alter) if alter.table.name == table.name => alter.actions.iter().find_map(|action| match action {
                AlterAction::RenameTable { to } => Some(to),
                _ => None,
            }),
            _ => None,
        });
        let drops =
            |name: &str| changes().any(|change| matches!(change, Change::Drop(drop) if drop.names.iter().any(|one| one.name == name)));
        renamed.filter(|to| is_made && drops(&to.name))
    }

    /// What lies between the statements: blanks, comments, terminators, client lines, COPY data.
    #[must_use]
    pub fn gaps(&self) -> Vec<std::ops::Range<usize>> {
        let mut gaps = Vec::new();
        let mut at = 0;
        for statement in &self.statements {
            gaps.push(at..statement.start as usize);
            at = statement.end as usize;
        }
        gaps.push(at..self.text.len());
        gaps
    }
}

/// Reads a script as the dialect's client would run it. Never fails.
#[must_use]
pub fn read(text: String, server: Server) -> Script {
    let pieces = split(&text, server.dialect);
    let mut place = Place::default();
    let mut statements = Vec::with_capacity(pieces.pieces.len());
    let mut marks = 0;
    for (n, piece) in pieces.pieces.iter().enumerate() {
        while marks < piece.marks_before as usize {
            if let Some(mark) = pieces.marks.get(marks) {
                place.pass(mark);
            }
            marks += 1;
        }
        let mut reading = read_piece(&text, &pieces, piece, server.dialect);
        if piece.executable_comment {
            reading.flags.insert("executable_comment", true.into());
        }
        let transaction = place.transaction_of(&reading, server.dialect);
        statements.push(Statement {
            index: n as u32 + 1,
            start: piece.start,
            end: piece.end,
            line: piece.line,
            column: piece.column,
            revision: place.revision.clone(),
            direction: place.direction,
            transaction,
            reading,
        });
    }
    let copy_data = pieces.copy_data.into_iter().map(|(piece, range)| (piece + 1, range)).collect();
    Script { text, server, statements, comments: pieces.comments, copy_data }
}

fn read_piece(text: &str, pieces: &Split, piece: &Piece, dialect: Dialect) -> Reading {
    let tokens = pieces.tokens.get(piece.first_token as usize..piece.end_token as usize).unwrap_or_default();
    if piece.form == Form::Client {
        let why = "the client runs what is not in this text".to_owned();
        return Reading {
            subject: None,
            kind: Kind::Unknown,
            actions: Vec::new(),
            flags: Default::default(),
            relation: None,
            change: Change::Unknown,
            not_understood: Some(why),
        };
    }
    let mut reading = understand::read(Cursor::new(text, tokens, dialect));
    if piece.form == Form::Unterminated {
        reading.not_understood.get_or_insert_with(|| "something that was opened is not closed".to_owned());
    }
    reading
}

/// What holds at a place in the script.
struct Place {
    revision: Option<String>,
    direction: Direction,
    open: Option<u32>,
    next: u32,
    /// A tool's section: the transaction around it.
    section: Option<u32>,
    no_transaction: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self { revision: None, direction: Direction::Up, open: None, next: 0, section: None, no_transaction: false }
    }
}

impl Place {
    fn begin(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn pass(&mut self, mark: &Mark) {
        match mark {
            Mark::Revision { revision, direction } => {
                self.revision = Some(revision.clone());
                self.direction = *direction;
            }
            Mark::Section { direction, in_transaction } => {
                self.direction = *direction;
                self.open = None;
                self.section = (*in_transaction && !self.no_transaction).then(|| self.begin());
            }
            Mark::Transaction { begins } => self.section = begins.then(|| self.begin()),
            Mark::NoTransaction => {
                self.no_transaction = true;
                self.section = None;
            }
            Mark::Border => {}
        }
    }

    /// The transaction that a statement runs in; moves over `BEGIN` and `COMMIT`.
    fn transaction_of(&mut self, reading: &Reading, dialect: Dialect) -> Option<u32> {
        match &reading.change {
            Change::Begin => {
                if self.open.is_none() {
                    self.open = Some(self.begin());
                }
                self.open
            }
            Change::Commit | Change::Rollback { to_savepoint: false } => {
                let ended = self.open.take().or(self.section);
                if self.section.is_some() && ended == self.section {
                    self.section = None;
                }
                ended
            }
            Change::Savepoint if dialect == Dialect::Sqlite && self.open.is_none() => {
                self.open = Some(self.begin());
                self.open
            }
            _ => self.open.or(self.section),
        }
    }
}

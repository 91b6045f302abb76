//! What somebody said a change does, and whether what it does is that: by the verbs and the names in a revision's
//! message, a migration's name or a plan's intent. Only what words can decide is decided.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sql::catalog::Catalog;
use crate::sql::change::{AlterAction, Change, CreateTable, Name, Reading};
use crate::sql::script::{Script, Statement};
use crate::sql::words::Kind;

/// What is done to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// Something comes.
    Add,
    /// Something goes.
    Drop,
    /// Something is another.
    Change,
    /// Rows are written.
    Fill,
}

/// One thing that a change does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    /// What is done.
    pub doing: Doing,
    /// `table`, `column`, `index`, …
    pub what: String,
    /// The table.
    pub table: String,
    /// The column, index or constraint; none for the table itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl fmt::Display for Deed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.doing {
            Doing::Add => "adds",
            Doing::Drop => "drops",
            Doing::Change => "changes",
            Doing::Fill => "writes rows of",
        };
        match &self.name {
            Some(name) => write!(out, "{verb} {} `{}.{name}`", self.what, self.table),
            None => write!(out, "{verb} {} `{}`", self.what, self.table),
        }
    }
}

impl Deed {
    /// A deed on a table, or on a part of it.
    #[must_use]
    pub fn new(doing: Doing, what: &str, table: &str, name: Option<&str>) -> Self {
        Self { doing, what: what.to_owned(), table: table.to_owned(), name: name.map(str::to_owned) }
    }

    /// What these statements of a script do. A table that is made anew under its old name is told by its columns that come
    /// and go; `before`: what stood in front of it.
    #[must_use]
    pub fn of_all(script: &Script, statements: &[&Statement], before: &Catalog) -> Vec<Self> {
        let mut deeds = Vec::new();
        let mut remade: Vec<&Name> = Vec::new();
        for statement in statements {
            match &statement.reading.change {
                Change::CreateTable(create) => match script.replaced_by(&create.name) {
                    Some(old) => {
                        remade.extend([&create.name, old]);
                        deeds.extend(Self::between(old, create, before));
                    }
                    None => deeds.extend(Self::of(&statement.reading)),
                },
                _ => deeds.extend(Self::of(&statement.reading)),
            }
        }
        let is_of_the_copy = |deed: &Self| deed.name.is_none() && remade.iter().any(|name| name.name == deed.table);
        deeds.retain(|deed| !is_of_the_copy(deed));
        deeds
    }

    fn between(old: &Name, new: &CreateTable, before: &Catalog) -> Vec<Self> {
        let Some(table) = before.table(old) else { return Vec::new() };
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let gone = table.columns.iter().filter(|column| !new.columns.iter().any(|other| same(&other.name, &column.name)));
        let come = new.columns.iter().filter(|column| !table.columns.iter().any(|other| same(&other.name, &column.name)));
        let of = |doing| move |name: &String| Self::new(doing, "column", &old.name, Some(name));
        gone.map(|column| &column.name).map(of(Doing::Drop)).chain(come.map(|column| &column.name).map(of(Doing::Add))).collect()
    }

    /// What a statement brings, takes and fills, as far as tables, columns and views go; what is only altered is left out.
    #[must_use]
    pub fn of(reading: &Reading) -> Vec<Self> {
        match &reading.change {
            Change::CreateTable(create) => vec![Self::new(Doing::Add, "table", &create.name.name, None)],
            Change::CreateIndex { table, index, .. } => vec![Self::new(Doing::Add, "index", &table.name, index.name.as_deref())],
            Change::Drop(drop) => {
                let what = match reading.kind {
                    Kind::DropTable => "table",
                    Kind::DropView | Kind::DropMaterializedView => "view",
                    _ => return Vec::new(),
                };
                drop.names.iter().map(|name| Self::new(Doing::Drop, what, &name.name, None)).collect()
            }
            Change::AlterTable(alter) => {
                let of_action = |action: &AlterAction| match action {
                    AlterAction::AddColumn { column, .. } => Some(Self::new(Doing::Add, "column", &alter.table.name, Some(&column.name))),
                    AlterAction::DropColumn { column, .. } => Some(Self::new(Doing::Drop, "column", &alter.table.name, Some(column))),
                    _ => None,
                };
                alter.actions.iter().filter_map(of_action).collect()
            }
            Change::Update(update) => vec![Self::new(Doing::Fill, "table", &update.table.name, None)],
            Change::Insert(insert) => vec![Self::new(Doing::Fill, "table", &insert.table.name, None)],
            Change::Delete(delete) => delete.tables.iter().map(|table| Self::new(Doing::Fill, "table", &table.name, None)).collect(),
            Change::Block(block) => block.statements.iter().flat_map(Self::of).collect(),
            _ => Vec::new(),
        }
    }
}

/// A text that says what a change does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// As it was said.
    pub said: String,
    words: Vec<String>,
    doings: Vec<Doing>,
}

/// Words of each doing, without their endings (`stem`). Some say that one thing goes and another comes.
const VERBS: &[(&[Doing], &[&str])] = &[
    (
        &[Doing::Add],
        &[
            "add", "create", "introduc", "new", "support", "enabl", "allow", "store", "track", "record", "initial", "init", "base",
            "baselin", "index",
        ],
    ),
    (
        &[Doing::Drop],
        &[
            "drop", "remov", "delet", "retir", "clean", "cleanup", "unus", "prun", "purg", "discard", "deprecat", "eliminat", "rid",
            "obsolet", "legacy",
        ],
    ),
    (
        &[Doing::Add, Doing::Drop, Doing::Change],
        &[
            "renam",
            "replac",
            "mov",
            "merg",
            "split",
            "migrat",
            "convert",
            "refactor",
            "rework",
            "restructur",
            "revert",
            "undo",
            "swap",
            "recreat",
            "rebuild",
            "redesign",
            "extract",
            "consolidat",
            "squash",
            "switch",
            "simplif",
            "normaliz",
            "unif",
            "reset",
        ],
    ),
    (
        &[Doing::Change],
        &[
            "alter", "chang", "mak", "set", "widen", "narrow", "extend", "requir", "nullabl", "modif", "updat", "fix", "adjust", "increas",
            "shorten", "enforc", "tighten", "relax", "default", "validat", "not",
        ],
    ),
    (&[Doing::Fill], &["backfill", "populat", "fill", "seed", "copy", "insert", "load"]),
];

/// Words that name no object.
const PLAIN: &[&str] = &[
    "a",
    "an",
    "and",
    "as",
    "at",
    "by",
    "column",
    "constraint",
    "field",
    "for",
    "foreign",
    "from",
    "in",
    "index",
    "into",
    "is",
    "it",
    "key",
    "of",
    "on",
    "or",
    "table",
    "the",
    "to",
    "type",
    "uniqu",
    "valu",
    "with",
    "data",
    "row",
    "sql",
    "schema",
    "model",
    "migration",
    "revision",
    "id",
];

impl Intent {
    /// Reads a text; `None` where it says nothing that could be held against a change.
    #[must_use]
    pub fn of(said: &str) -> Option<Self> {
        let words: Vec<String> = words_of(said);
        let doings: Vec<Doing> = VERBS
            .iter()
            .filter(|(_, verbs)| words.iter().any(|word| verbs.contains(&word.as_str())))
            .flat_map(|(doings, _)| doings.iter().copied())
            .collect();
        let names_something = words.iter().any(|word| is_name(word));
        (names_something && !doings.is_empty()).then(|| Self { said: said.trim().to_owned(), words, doings })
    }

    /// True when it speaks of the thing by one of its words: `email` for `users.email_address`.
    #[must_use]
    pub fn names(&self, deed: &Deed) -> bool {
        let parts = words_of(&deed.table).into_iter().chain(deed.name.iter().flat_map(|name| words_of(name)));
        parts.filter(|part| is_name(part)).any(|part| self.words.contains(&part))
    }

    /// True when it says that something goes, is renamed or replaced.
    #[must_use]
    pub fn drops(&self) -> bool {
        self.doings.contains(&Doing::Drop)
    }

    /// Why the deed is not what was said; `None` where it is, or where words cannot tell.
    ///
    /// `named`: whether the text names any of the deeds of the change. If it does, what it does not name is beside it.
    #[must_use]
    pub fn against(&self, deed: &Deed, named: bool) -> Option<String> {
        let is_named = self.names(deed);
        match deed.doing {
            Doing::Drop if !self.drops() => Some(format!("it {deed}, and \"{}\" speaks of no drop", self.said)),
            Doing::Drop | Doing::Add | Doing::Fill if named && !is_named && deed.what != "index" => {
                Some(format!("it {deed}, of which \"{}\" does not speak", self.said))
            }
            Doing::Drop | Doing::Add | Doing::Change | Doing::Fill => None,
        }
    }
}

/// What of a change was not said, in its order; `Err` where nobody said anything that words could decide.
///
/// # Errors
/// Why nothing can be said.
pub fn beside(intents: &[Intent], deeds: &[Deed]) -> Result<Vec<(usize, String)>, &'static str> {
    if intents.is_empty() {
        return Err("no message says what is intended");
    }
    // What one says, the others need not.
    let named = |intent: &Intent| deeds.iter().any(|deed| intent.names(deed));
    let against = |deed: &Deed| {
        let said: Vec<Option<String>> = intents.iter().map(|intent| intent.against(deed, named(intent))).collect();
        if said.iter().any(Option::is_none) { None } else { said.into_iter().flatten().next() }
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    for (at, deed) in deeds.iter().enumerate() {
        // A column, index or constraint of a table that comes or goes is part of it.
        let is_part =
            deed.name.is_some() && deeds.iter().any(|other| other.name.is_none() && other.table == deed.table && other.doing == deed.doing);
        if !is_part && let Some(why) = against(deed) {
            found.push((at, why));
        }
    }
    Ok(found)
}

/// What a change does that its plan does not hold, and what it leaves undone, in sentences; `planned` and `deeds` may name
/// things in any order.
#[must_use]
pub fn beside_plan(planned: &[Deed], deeds: &[Deed]) -> Vec<String> {
    let same = |one: &Deed, other: &Deed| {
        let lower = |deed: &Deed| (deed.table.to_lowercase(), deed.name.as_ref().map(|name| name.to_lowercase()));
        one.doing == other.doing && one.what == other.what && lower(one) == lower(other)
    };
    let without = |of: &[Deed], those: &[Deed]| -> Vec<Deed> {
        of.iter().filter(|deed| !those.iter().any(|other| same(deed, other))).cloned().collect()
    };
    let more = without(deeds, planned).into_iter().map(|deed| format!("it {deed}, which the plan does not hold"));
    // How many rows are written depends on the rows: a loop on an empty table sends nothing.
    let less = without(planned, deeds)
        .into_iter()
        .filter(|deed| deed.doing != Doing::Fill)
        .map(|deed| format!("the plan {deed}, and the SQL does not"));
    let mut said: Vec<String> = more.chain(less).collect();
    said.dedup();
    said
}

fn is_name(word: &str) -> bool {
    let is_verb = VERBS.iter().any(|(_, verbs)| verbs.contains(&word));
    word.len() > 1 && !is_verb && !PLAIN.contains(&word)
}

/// Words in lower case without their endings: `addUser-email_indexes` is add, user, email, index.
fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in text.chars().chain([' ']) {
        let ends = !c.is_alphanumeric() || (was_lower && c.is_uppercase());
        if ends && !word.is_empty() {
            words.push(stem(&std::mem::take(&mut word)));
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// A word without its ending: `renames`, `renamed` and `renaming` are one, `categories` and `category` too.
fn stem(word: &str) -> String {
    const ENDINGS: &[&str] = &["ing", "ies", "ed", "es", "s", "e", "y"];
    let long_enough = |ending: &&&str| word.len() >= ending.len() + 3;
    let cut = ENDINGS.iter().filter(long_enough).find_map(|ending| word.strip_suffix(ending)).unwrap_or(word);
    let bytes = cut.as_bytes();
    // `dropped`, `setting`: the doubled letter is of the ending.
    let doubled = cut.len() < word.len() && matches!(bytes, [.., a, b] if a == b && !b"aeiouls".contains(b));
    if doubled { cut.get(..cut.len() - 1).unwrap_or(cut).to_owned() } else { cut.to_owned() }
}

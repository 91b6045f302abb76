//! The state block: ten lines that an agent carries along. A view when we print it, a claim when it comes back.

use crate::effects::Loss;
use crate::lifecycle::identity::MigrationId;
use crate::lifecycle::phase::Phase;

/// The tag around it.
pub const TAG: &str = "alembic-migration-state";

/// The ten fields, in their order, and the two that may follow.
pub const FIELDS: [&str; 12] = [
    "phase",
    "migration_name",
    "data_loss_risk",
    "zero_downtime_required",
    "sql_reviewed",
    "rollback_tested",
    "current_revision",
    "target_revision",
    "last_action",
    "next_action",
    "migration_id",
    "evidence",
];

/// How many fields every block has.
const REQUIRED: usize = 10;

/// The longest value that is taken, in characters.
const LONGEST: usize = 400;

/// What a block says. Nothing in it is believed: `overrides` compares it with what is derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateBlock {
    /// `phase`.
    pub phase: Phase,
    /// `migration_name`.
    pub migration_name: String,
    /// `data_loss_risk`.
    pub loss: Loss,
    /// `zero_downtime_required`.
    pub zero_downtime: bool,
    /// What it prints behind `sql_reviewed`.
    pub review_as_printed: bool,
    /// What it prints behind `rollback_tested`.
    pub rollback_as_printed: bool,
    /// `current_revision`: an id, `none` for an empty database, `unknown` where nobody was asked.
    pub current_revision: String,
    /// `target_revision`: an id or `head`.
    pub target_revision: String,
    /// `last_action`.
    pub last_action: String,
    /// `next_action`.
    pub next_action: String,
    /// `migration_id`, if it is there.
    pub migration_id: Option<MigrationId>,
    /// `evidence`, if it is there: short digests for a person to compare.
    pub evidence: Option<String>,
}

/// The text is no state block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// There is nothing of that form in it.
    #[error("there is no state block in the text: neither `<{TAG}>` nor a line `phase: …` was found")]
    None,
    /// There are two.
    #[error("line {line}: a second state block begins; which one holds?")]
    Second {
        /// Where the second begins, from 1.
        line: usize,
    },
    /// It does not end.
    #[error("line {line}: `<{TAG}>` is opened and never closed")]
    NotClosed {
        /// Where it begins, from 1.
        line: usize,
    },
    /// A closing tag without an opening one.
    #[error("line {line}: `</{TAG}>` closes a block that was never opened")]
    NotOpened {
        /// Where, from 1.
        line: usize,
    },
    /// Another field was due.
    #[error("line {line}: `{expected}: …` is due here, not `{found}`")]
    Order {
        /// Where, from 1.
        line: usize,
        /// The field that is due.
        expected: &'static str,
        /// What stands there, clipped.
        found: String,
    },
    /// It ends too early.
    #[error("line {line}: the block ends before `{expected}: …`")]
    Short {
        /// Where it ends, from 1.
        line: usize,
        /// The field that is due.
        expected: &'static str,
    },
    /// It goes on where it should end.
    #[error("line {line}: `{found}` does not belong into a state block")]
    More {
        /// Where, from 1.
        line: usize,
        /// What stands there, clipped.
        found: String,
    },
    /// The template's alternatives, or nothing.
    #[error("line {line}: `{field}` holds a placeholder, `{found}`, and no value")]
    Placeholder {
        /// Where, from 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// What stands there, clipped.
        found: String,
    },
    /// A value that the field cannot have.
    #[error("line {line}: `{field}` cannot be `{found}`")]
    Value {
        /// Where, from 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// What stands there, clipped.
        found: String,
    },
}

impl BlockError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::None | Self::NotClosed { .. } | Self::NotOpened { .. } | Self::Short { .. } | Self::Order { .. } => format!(
                "pass the block as the last answer printed it: `<{TAG}>`, ten lines from `phase` to `next_action`, `</{TAG}>`; \
                 or leave it out: `migration_status` without arguments gives it again"
            ),
            Self::Second { .. } => "pass the later one alone".to_owned(),
            Self::More { .. } => "remove the line; only `migration_id` and `evidence` may follow the ten".to_owned(),
            Self::Placeholder { field, .. } | Self::Value { field, .. } => format!("write one value: `{field}: {}`", example(field)),
        }
    }
}

/// A value that a field may have.
fn example(field: &str) -> &'static str {
    match field {
        "phase" => "PLAN` (or GENERATE, REVIEW_SQL, TEST_ROLLBACK, APPLY, COMPLETE), for example `PLAN",
        "migration_name" => "add_user_email_index",
        "data_loss_risk" => "none` (or low, medium, high), for example `none",
        "zero_downtime_required" | "sql_reviewed" | "rollback_tested" => "false",
        "current_revision" => "1f2e3d4c5b6a",
        "target_revision" => "head",
        "last_action" => "reviewed the SQL of 1f2e3d4c5b6a",
        "next_action" => "test_rollback",
        "migration_id" => "add_user_email_index-1a2b3c4d",
        _ => "review 1a2b3c4d",
    }
}

/// Reads the one block in a text: plain, indented, fenced, or the bare ten lines.
///
/// # Errors
/// No block, two blocks, a line that is missing, doubled, in another order, a placeholder or no possible value.
pub fn parse(text: &str) -> Result<StateBlock, BlockError> {
    let lines = inner_lines(text)?;
    let mut rest = lines.iter().copied();
    let end = lines.last().map_or(1, |(number, _)| *number);
    let mut values: Vec<(usize, &str)> = Vec::new();
    for field in FIELDS.into_iter().take(REQUIRED) {
        let (number, line) = rest.next().ok_or(BlockError::Short { line: end, expected: field })?;
        let value = value_of(line, field).ok_or_else(|| BlockError::Order { line: number, expected: field, found: clip(line) })?;
        values.push((number, checked(number, field, value)?));
    }
    let mut optional: [Option<(usize, &str)>; 2] = [None, None];
    for (number, line) in rest {
        let known = FIELDS.into_iter().skip(REQUIRED).zip(optional.iter_mut());
        let Some((field, place)) = known.into_iter().find(|(field, _)| value_of(line, field).is_some()) else {
            return Err(BlockError::More { line: number, found: clip(line) });
        };
        if place.is_some() {
            return Err(BlockError::More { line: number, found: clip(line) });
        }
        *place = Some((number, checked(number, field, value_of(line, field).unwrap_or_default())?));
    }
    let at = |place: usize| values.get(place).copied().unwrap_or((end, ""));
    let [migration_id, evidence] = optional;
    Ok(StateBlock {
        phase: read(at(0), "phase", |value| value.parse().ok())?,
        migration_name: read(at(1), "migration_name", |value| single_words(value, 1))?,
        loss: read(at(2), "data_loss_risk", loss_of)?,
        zero_downtime: read(at(3), "zero_downtime_required", truth_of)?,
        review_as_printed: read(at(4), "sql_reviewed", truth_of)?,
        rollback_as_printed: read(at(5), "rollback_tested", truth_of)?,
        current_revision: read(at(6), "current_revision", |value| single_words(value, 8))?,
        target_revision: read(at(7), "target_revision", |value| single_words(value, 8))?,
        last_action: at(8).1.to_owned(),
        next_action: at(9).1.to_owned(),
        migration_id: migration_id.map(|place| read(place, "migration_id", |value| value.parse().ok())).transpose()?,
        evidence: evidence.map(|(_, value)| value.to_owned()),
    })
}

/// The lines between the tags with their numbers, without empty ones and fences.
fn inner_lines(text: &str) -> Result<Vec<(usize, &str)>, BlockError> {
    let (open, close) = (format!("<{TAG}>"), format!("</{TAG}>"));
    let numbered: Vec<(usize, &str)> = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())).collect();
    let mut found: Option<Vec<(usize, &str)>> = None;
    let mut inside: Option<(usize, Vec<(usize, &str)>)> = None;
    for (number, line) in &numbered {
        match &mut inside {
            None if *line == open && found.is_some() => return Err(BlockError::Second { line: *number }),
            None if *line == open => inside = Some((*number, Vec::new())),
            None if *line == close => return Err(BlockError::NotOpened { line: *number }),
            None => {}
            Some(_) if *line == open => return Err(BlockError::Second { line: *number }),
            Some((_, lines)) if *line == close => {
                found = Some(std::mem::take(lines));
                inside = None;
            }
            Some((_, lines)) if !line.is_empty() => lines.push((*number, *line)),
            Some(_) => {}
        }
    }
    if let Some((line, _)) = inside {
        return Err(BlockError::NotClosed { line });
    }
    if let Some(lines) = found {
        return Ok(lines);
    }
    let bare: Vec<(usize, &str)> = numbered.into_iter().filter(|(_, line)| !line.is_empty() && !line.starts_with("```")).collect();
    if bare.first().is_some_and(|(_, line)| value_of(line, "phase").is_some()) { Ok(bare) } else { Err(BlockError::None) }
}

/// What stands behind `field:`.
fn value_of<'a>(line: &'a str, field: &str) -> Option<&'a str> {
    line.strip_prefix(field)?.strip_prefix(':').map(str::trim)
}

/// A value is one line of text without control characters, and no placeholder.
fn checked<'a>(line: usize, field: &'static str, value: &'a str) -> Result<&'a str, BlockError> {
    let framed = [('<', '>'), ('[', ']'), ('{', '}')].iter().any(|(open, close)| value.starts_with(*open) && value.ends_with(*close));
    let dots = value.chars().all(|character| matches!(character, '.' | '…' | '-' | '_' | '?'));
    let alternatives = value.contains('|') && !matches!(field, "last_action" | "next_action" | "evidence");
    if framed || dots || alternatives {
        return Err(BlockError::Placeholder { line, field, found: clip(value) });
    }
    if value.chars().count() > LONGEST || value.chars().any(char::is_control) {
        return Err(BlockError::Value { line, field, found: clip(value) });
    }
    Ok(value)
}

fn read<T>((line, value): (usize, &str), field: &'static str, of: impl Fn(&str) -> Option<T>) -> Result<T, BlockError> {
    of(value).ok_or_else(|| BlockError::Value { line, field, found: clip(value) })
}

/// At most `most` words, as revisions and names are written; several heads have commas between them.
fn single_words(value: &str, most: usize) -> Option<String> {
    let words: Vec<&str> = value.split(',').map(str::trim).collect();
    let fits = |word: &&str| !word.is_empty() && !word.chars().any(|c| c.is_whitespace() || "<>`'\"\\;".contains(c));
    (words.len() <= most && words.iter().all(fits)).then(|| words.join(", "))
}

fn truth_of(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn loss_of(value: &str) -> Option<Loss> {
    [Loss::None, Loss::Low, Loss::Medium, Loss::High].into_iter().find(|loss| loss.word() == value)
}

fn clip(text: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let short: String = crate::secret::redacted(text).chars().take(60).map(plain).collect();
    if text.chars().count() > 60 { format!("{short}…") } else { short }
}

/// The block as text, one line a field, tags around it.
#[must_use]
pub fn render(block: &StateBlock) -> String {
    let mut lines = vec![
        format!("phase: {}", block.phase),
        format!("migration_name: {}", block.migration_name),
        format!("data_loss_risk: {}", block.loss.word()),
        format!("zero_downtime_required: {}", block.zero_downtime),
        format!("sql_reviewed: {}", block.review_as_printed),
        format!("rollback_tested: {}", block.rollback_as_printed),
        format!("current_revision: {}", block.current_revision),
        format!("target_revision: {}", block.target_revision),
        format!("last_action: {}", one_line(&block.last_action)),
        format!("next_action: {}", one_line(&block.next_action)),
    ];
    lines.extend(block.migration_id.as_ref().map(|id| format!("migration_id: {id}")));
    lines.extend(block.evidence.as_ref().map(|evidence| format!("evidence: {}", one_line(evidence))));
    format!("<{TAG}>\n{}\n</{TAG}>", lines.join("\n"))
}

/// A text as a value: one line, never a placeholder.
#[must_use]
pub fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(LONGEST).collect();
    let line = line.trim_end();
    if checked(1, "last_action", line).is_ok() { line.to_owned() } else { format!("text: {line}") }
}

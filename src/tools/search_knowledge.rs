//! `search_knowledge`: whole sections of the reference, with source, versions and an id that stays.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::knowledge::document::Origin;
use crate::knowledge::{Found, Hit, KnowledgeError, Library, MOST_CHARACTERS, Question, owner};
use crate::tools::answer::{Answer, Common, MAX_CHARACTERS, ToolError, Verdict, clipped, counted};
use crate::tools::call::Call;
use crate::tools::schema::{output_schema, schema_with_own};
use crate::tools::{Tool, Touches, parsed};

/// The tool.
pub const TOOL: Tool = Tool {
    name: "search_knowledge",
    title: "Search the migration reference",
    description: "Answers questions on schema migrations from a checked reference: what a DDL statement locks or rewrites and in which version, how to do a change without downtime, \
what an Alembic command does, why autogenerate missed something, what an error text or code (SQLSTATE, MySQL number, Alembic message) means and the next step. \
Paste the error or ask in words; give `ids` (for example from a finding's `cite`) to read sections exactly. Whole sections with id, source and versions. \
Not for ORM usage, database design or backups.",
    touches: Touches::Nothing,
    input_schema,
    output_schema: schema,
    call,
};

/// What may be asked. A field's sentence is its help text and its schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// A question, an error text, a code or an identifier. Example: `canceling statement due to lock timeout`
    #[arg(long)]
    #[serde(alias = "q", alias = "question", deserialize_with = "text_or_number")]
    pub query: Option<String>,
    /// How many sections at most, 1 to 20. Default: 3, or 1 where an error or id decides.
    #[arg(long)]
    #[serde(alias = "n_results", skip_serializing_if = "Option::is_none", deserialize_with = "number_or_digits")]
    pub limit: Option<i64>,
    /// Only what holds for this dialect: postgresql, mysql, mariadb, sqlite, mssql or oracle.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Only what helps in this phase: PLAN, GENERATE, REVIEW_SQL, TEST_ROLLBACK, APPLY or COMPLETE.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Sections to read exactly: `doc#slug`, or `doc` for all of a document.
    #[arg(long, value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Sent by agents that know other search tools; without meaning here.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    #[arg(skip)]
    pub collection: Option<Value>,
    /// Sent by agents that know other search tools; without meaning here.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    #[arg(skip)]
    pub min_score: Option<Value>,
}

/// `1205` is an error's number, and a question.
fn text_or_number<'de, D: serde::Deserializer<'de>>(given: D) -> Result<Option<String>, D::Error> {
    match Option::<Value>::deserialize(given)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(serde::de::Error::custom("`query` is a text")),
    }
}

/// `"3"` is what some agents send for `3`.
fn number_or_digits<'de, D: serde::Deserializer<'de>>(given: D) -> Result<Option<i64>, D::Error> {
    let wrong = || serde::de::Error::custom(format!("`limit` is a number from 1 to {MOST_SECTIONS}"));
    match Option::<Value>::deserialize(given)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(digits)) => digits.trim().parse().map(Some).map_err(|_| wrong()),
        Some(Value::Number(number)) => number.as_f64().map(|number| Some(number as i64)).ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}

/// Dialects and phases that documents name.
const DIALECTS: &[&str] = &["postgresql", "mysql", "mariadb", "sqlite", "mssql", "oracle"];
const PHASES: &[&str] = &["PLAN", "GENERATE", "REVIEW_SQL", "TEST_ROLLBACK", "APPLY", "COMPLETE"];

/// A filter whose word nobody knows is left out, and said: it would hide what was asked for.
fn known(what: &str, asked: Option<&str>, words: &[&str], notes: &mut Vec<String>) -> Option<String> {
    let asked = asked.map(str::trim).filter(|asked| !asked.is_empty())?;
    let is_known = words.iter().any(|word| word.eq_ignore_ascii_case(asked));
    if !is_known {
        notes.push(format!("`{what}` is one of {}: `{}` was not looked at", words.join(", "), clipped(asked, 40)));
    }
    is_known.then(|| asked.to_owned())
}

/// Sections in one answer.
const MOST_SECTIONS: i64 = 20;

fn input_schema() -> Value {
    schema_with_own::<Input>(&["dialect"])
}

fn schema() -> Value {
    output_schema(&[("hits", &["array"]), ("in_scope", &["boolean"]), ("did_you_mean", &["string", "null"])])
}

fn call(arguments: Value, _call: &Call<'_>) -> Answer {
    match parsed::<Input>(TOOL.name, arguments) {
        Ok(input) => run(&input, Some(MAX_CHARACTERS)),
        Err(answer) => *answer,
    }
}

static TEAM_FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Names the team's own folder of Markdown, once, before anything is asked.
pub fn use_team_folder(folder: PathBuf) {
    let _ = TEAM_FOLDER.set(folder);
}

/// The team's own folder is searched too.
#[must_use]
pub fn has_team_folder() -> bool {
    TEAM_FOLDER.get().is_some()
}

/// The library that is searched, made at the first call.
///
/// # Errors
/// A document that is not in the form; the team's folder cannot be read.
pub fn library() -> Result<&'static Library, &'static KnowledgeError> {
    Library::shared(TEAM_FOLDER.get().map(PathBuf::as_path))
}

/// Makes the index ahead of the first question.
pub fn prepare() {
    let _ = library();
}

#[derive(Serialize)]
struct Output {
    #[serde(flatten)]
    common: Common,
    hits: Vec<Value>,
    in_scope: bool,
    did_you_mean: Option<String>,
}

/// Runs the tool. `most`: how many characters the answer may have.
#[must_use]
pub fn run(input: &Input, most: Option<usize>) -> Answer {
    let library = match library() {
        Ok(library) => library,
        Err(error) => return Answer::failed(unusable(error)),
    };
    let mut notes = Vec::new();
    let limit = input.limit.map(|asked| {
        let within = asked.clamp(1, MOST_SECTIONS);
        if within != asked {
            notes.push(format!("`limit` is 1 to {MOST_SECTIONS}: {asked} was taken as {within}"));
        }
        within as usize
    });
    let query = input.query.clone().unwrap_or_default();
    if query.chars().count() > MOST_CHARACTERS {
        notes.push(format!("only the first {MOST_CHARACTERS} characters of `query` were looked at"));
    }
    let missing: Vec<&str> = input.ids.iter().map(String::as_str).filter(|id| library.named(id).is_empty()).collect();
    if !missing.is_empty() {
        notes.push(format!(
            "there is no section {}",
            missing.iter().map(|id| format!("`{}`", clipped(id, 80))).collect::<Vec<_>>().join(", ")
        ));
    }
    let found = if input.ids.is_empty() {
        let dialect = known("dialect", input.dialect.as_deref(), DIALECTS, &mut notes);
        let phase = known("phase", input.phase.as_deref(), PHASES, &mut notes);
        let question = Question { text: query, dialect, phase, limit };
        match library.ask(&question) {
            Ok(found) => found,
            Err(error) => return Answer::failed(unusable(&error)),
        }
    } else {
        let hits = input.ids.iter().flat_map(|id| library.named(id)).take(MOST_SECTIONS as usize).collect();
        Found { hits, ..Found::default() }
    };
    answer(&found, notes, most)
}

fn unusable(error: &KnowledgeError) -> ToolError {
    let mut message = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        let _ = write!(message, ": {source}");
    }
    ToolError { code: "knowledge_unusable", message, at: None, hint: "check the folder given with `--knowledge`".to_owned(), retry: false }
}

/// Topics to begin with, when nothing was asked or found.
const BEGINNINGS: &[&str] = &[
    "what does ALTER TABLE lock in PostgreSQL",
    "add a NOT NULL column without downtime",
    "what autogenerate does not detect",
    "Multiple head revisions are present",
    "upgrade failed halfway, what now",
];

/// How many of the sections fit into an answer of `most` bytes, the rest of which takes so many; at least one.
fn fitting(sections: &[Value], most: Option<usize>) -> usize {
    const REST: usize = 2_000;
    let Some(most) = most else { return sections.len() };
    let mut left = most.saturating_sub(REST);
    let fits = |section: &&Value| {
        let size = section.to_string().len();
        let is_in = size <= left;
        left = left.saturating_sub(size);
        is_in
    };
    sections.iter().take_while(fits).count().max(1)
}

fn answer(found: &Found<'_>, mut notes: Vec<String>, most: Option<usize>) -> Answer {
    let in_scope = found.elsewhere.is_none();
    let mut sections: Vec<Value> = found.hits.iter().map(hit_value).collect();
    let (hits, further) = found.hits.split_at(fitting(&sections, most).min(sections.len()));
    sections.truncate(hits.len());
    if !further.is_empty() {
        let names: Vec<String> = further.iter().map(|hit| format!("`{}`", hit.id())).collect();
        notes.push(format!("{} more do not fit into one answer; ask for them with `ids`: {}", further.len(), names.join(", ")));
    }
    let summary = match (&found.elsewhere, hits) {
        (Some(elsewhere), _) => format!("this is about {}: see {}", elsewhere.subject, elsewhere.pointer),
        (None, []) => match &found.did_you_mean {
            Some(right) => format!("nothing found; did you mean: {right}"),
            None => "nothing asked: give a question, an error text or a code as `query`".to_owned(),
        },
        (None, [first, ..]) => {
            format!(
                "{}: {}",
                counted(hits.len(), "section"),
                hits.iter().map(Hit::id).collect::<Vec<_>>().join(", ") + &format!(" ({})", first.section.heading)
            )
        }
    };
    let mut text = format!("PASS: {}\n", clipped(&summary, 400));
    for hit in hits {
        let _ = write!(
            text,
            "\n[{}] {} > {}{}\n{}\nSource: {}\n",
            hit.id(),
            hit.document.title,
            hit.section.heading,
            applies_words(hit),
            hit.section.text,
            hit.section.sources.join("; ")
        );
        if hit.document.origin == Origin::Team {
            let _ = writeln!(text, "Whose: {}", owner(hit.document.origin));
        }
    }
    let suggested_queries = if hits.is_empty() { BEGINNINGS.iter().map(|query| (*query).to_owned()).collect() } else { Vec::new() };
    for query in &suggested_queries {
        let _ = write!(text, "\n- {query}");
    }
    for note in &notes {
        let _ = write!(text, "\nnote: {note}");
    }
    let common = Common {
        verdict: Verdict::Pass,
        summary: clipped(&summary, 400),
        state: None,
        state_block: None,
        state_overrides: Vec::new(),
        next: Vec::new(),
        assumed: Vec::new(),
        notes,
        suggested_queries,
        truncated: None,
    };
    let output = Output { common, hits: sections, in_scope, did_you_mean: found.did_you_mean.clone() };
    Answer::of(&output, Verdict::Pass, text).within(most)
}

fn versions<'a>(hit: &Hit<'a>) -> &'a str {
    hit.section.versions.as_deref().unwrap_or(&hit.document.versions)
}

fn applies_words(hit: &Hit<'_>) -> String {
    if versions(hit).is_empty() {
        return String::new();
    }
    let verified = &hit.section.verified_with;
    let run = if verified.is_empty() { String::new() } else { format!("; run on {}", verified.join(", ")) };
    format!(" ({}{run})", versions(hit))
}

fn hit_value(hit: &Hit<'_>) -> Value {
    json!({
        "id": hit.id(),
        "title": hit.document.title,
        "section": hit.section.heading,
        "passage": hit.section.text,
        "source": hit.section.sources.join("; "),
        "applies": { "dialects": hit.document.dialects, "versions": versions(hit) },
        "verified_with": hit.section.verified_with,
        "origin": owner(hit.document.origin),
        "score": hit.score,
    })
}

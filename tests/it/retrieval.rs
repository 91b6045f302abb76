//! `search_knowledge` on questions that were written before the documents, and on others that came after: what it finds.

use std::collections::BTreeSet;

use alembic_gate::knowledge::Question;
use alembic_gate::knowledge::document::Origin;

use crate::questions::{Figures, Query, asked, figures, library};

/// The questions by which the weights were chosen: the open ones and our own.
fn tuned() -> Vec<Query> {
    ["examples/knowledge_queries.json", "knowledge_queries.json"].into_iter().flat_map(|file| asked(file).queries).collect()
}

/// Questions that came after the weights; what each set was answered at first sight, and what it was used for since,
/// stands in its file.
const LATER: [&str; 9] = [
    "knowledge_unseen.json",
    "knowledge_fresh.json",
    "knowledge_fresh_later.json",
    "knowledge_mixed.json",
    "knowledge_aside.json",
    "knowledge_once.json",
    "knowledge_last.json",
    "knowledge_blind.json",
    "knowledge_apart.json",
];

/// The least that a set of questions must reach.
struct Least {
    recall: f64,
    gain: f64,
    facts: f64,
    /// Of pasted errors and identifiers.
    recall_of_marks: f64,
    facts_by_default: f64,
}

impl Least {
    fn holds(&self, name: &str, by_style: &std::collections::BTreeMap<String, Figures>) {
        let all = &by_style["all"];
        assert!(all.recall() >= self.recall, "{name}: {all:?}");
        assert!(all.gain() >= self.gain, "{name}: {all:?}");
        assert!(all.facts() >= self.facts, "{name}: {all:?}");
        assert!(all.facts_by_default() >= self.facts_by_default, "{name}: {all:?}");
        for style in ["error", "ident"] {
            assert!(by_style[style].recall() >= self.recall_of_marks, "{name}, {style}: {:?}", by_style[style]);
        }
    }
}

#[test]
fn s_053_to_s_056_questions_are_answered() {
    let queries = tuned();
    assert!(queries.len() >= 150, "{} questions", queries.len());
    let least = Least { recall: 0.97, gain: 0.94, facts: 0.90, recall_of_marks: 1.0, facts_by_default: 0.86 };
    least.holds("tuned", &figures("tuned", queries.iter()));
}

/// 75 questions that came after the weights.
#[test]
fn later_questions_are_answered() {
    let least = Least { recall: 0.98, gain: 0.94, facts: 0.92, recall_of_marks: 1.0, facts_by_default: 0.87 };
    least.holds("later", &figures("later", asked("knowledge_unseen.json").queries.iter()));
}

/// What each was answered at first sight, and what it was used for since, stands in the files.
#[test]
fn fresh_questions_are_answered() {
    let least = Least { recall: 0.98, gain: 0.92, facts: 0.93, recall_of_marks: 1.0, facts_by_default: 0.88 };
    least.holds("fresh", &figures("fresh", asked("knowledge_fresh.json").queries.iter()));
    let least = Least { recall: 0.96, gain: 0.90, facts: 0.90, recall_of_marks: 1.0, facts_by_default: 0.86 };
    least.holds("fresh, later", &figures("fresh, later", asked("knowledge_fresh_later.json").queries.iter()));
}

#[test]
fn mixed_questions_are_answered() {
    let least = Least { recall: 0.98, gain: 0.93, facts: 0.92, recall_of_marks: 1.0, facts_by_default: 0.89 };
    least.holds("mixed", &figures("mixed", asked("knowledge_mixed.json").queries.iter()));
    let least = Least { recall: 0.97, gain: 0.92, facts: 0.88, recall_of_marks: 1.0, facts_by_default: 0.86 };
    least.holds("put aside", &figures("put aside", asked("knowledge_aside.json").queries.iter()));
}

/// Words far from those of the documents: what is not reached yet.
#[test]
fn questions_in_other_words_are_answered() {
    let least = Least { recall: 0.97, gain: 0.89, facts: 0.89, recall_of_marks: 1.0, facts_by_default: 0.84 };
    least.holds("once", &figures("once", asked("knowledge_once.json").queries.iter()));
    let least = Least { recall: 0.85, gain: 0.82, facts: 0.77, recall_of_marks: 1.0, facts_by_default: 0.72 };
    least.holds("last", &figures("last", asked("knowledge_last.json").queries.iter()));
}

/// Written without reading a document, and by nothing mended.
#[test]
fn blind_questions_are_answered() {
    let least = Least { recall: 0.93, gain: 0.89, facts: 0.86, recall_of_marks: 1.0, facts_by_default: 0.86 };
    least.holds("blind", &figures("blind", asked("knowledge_blind.json").queries.iter()));
    let least = Least { recall: 0.98, gain: 0.92, facts: 0.78, recall_of_marks: 1.0, facts_by_default: 0.71 };
    least.holds("apart", &figures("apart", asked("knowledge_apart.json").queries.iter()));
}

/// Ids in the program's own text: `doc#slug` between quotes.
fn cites() -> BTreeSet<String> {
    fn collect(folder: &std::path::Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for quoted in text.split('"').skip(1).step_by(2) {
                    let is_id = quoted.split_once('#').is_some_and(|(doc, slug)| {
                        doc.contains('-')
                            && [doc, slug].iter().all(|part| {
                                !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
                            })
                    });
                    if is_id {
                        found.insert(quoted.to_owned());
                    }
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

#[test]
fn s_052_every_cite_resolves() {
    let cites = cites();
    assert!(cites.len() > 20, "{cites:?}");
    let dangling: Vec<&String> = cites.iter().filter(|cite| library().named(cite).is_empty()).collect();
    assert!(dangling.is_empty(), "{dangling:?}");
    for rule in alembic_gate::rules::RULES {
        assert!(!library().named(&format!("rule-{}#why", rule.name)).is_empty(), "{}", rule.name);
    }
}

#[test]
fn whatever_is_asked_gets_a_helpful_answer() {
    use alembic_gate::tools::search_knowledge::{Input, run};
    let long = "ALTER TABLE ".repeat(100_000);
    let questions: &[&str] = &[
        "",
        " ",
        "\u{0}\u{1b}[31m\u{7}",
        &long,
        "Spalte umbenennen ohne Ausfallzeit",
        "列の名前を変更する",
        "ALTER TABLE t ADD COLUMN c int NOT NULL;",
        "Traceback (most recent call last):\n  File \"env.py\", line 3\nsqlalchemy.exc.OperationalError: (psycopg.errors.LockNotAvailable) canceling statement due to lock timeout",
        ":([{*~^\"AND OR NOT",
        "drp colum",
        "pg-ddl-locks#alter-table",
        "no-such-doc#at-all",
    ];
    for question in questions {
        let answer = run(&Input { query: Some((*question).to_owned()), ..Input::default() }, Some(20_000));
        let hits = answer.output["hits"].as_array().unwrap().len();
        let suggestions = answer.output["suggested_queries"].as_array().unwrap().len();
        assert!(!answer.is_error && hits + suggestions > 0, "{question:.60}");
        assert!(answer.text.len() < 9_000, "{question:.60}: {}", answer.text.len());
    }
    for (language, question) in
        [("German", "Spalte umbenennen ohne Ausfallzeit"), ("Japanese", "列の名前を変更する"), ("Arabic", "تغيير اسم العمود")]
    {
        let answer = run(&Input { query: Some(question.to_owned()), ..Input::default() }, None);
        assert!(answer.text.contains("in English") && answer.output["hits"].as_array().unwrap().is_empty(), "{language}: {}", answer.text);
    }
    let odd: Input =
        serde_json::from_value(serde_json::json!({"query": 1205, "limit": "2", "dialect": "db2", "phase": "review_sql"})).unwrap();
    let answer = run(&odd, None);
    let notes = answer.output["notes"].as_array().unwrap().len();
    assert!(answer.output["hits"].as_array().unwrap().len() == 2 && notes == 1, "{}", answer.text);
    for limit in [0, -5, 1_000] {
        let answer = run(&Input { query: Some("lock_timeout".to_owned()), limit: Some(limit), ..Input::default() }, None);
        let hits = answer.output["hits"].as_array().unwrap().len();
        assert!((1..=20).contains(&hits) && !answer.output["notes"].as_array().unwrap().is_empty(), "{limit}: {hits}");
    }
}

#[test]
fn s_017_and_s_018_what_is_not_our_subject_is_said() {
    let named = [
        "sqlalchemy lazy loading",
        "third normal form",
        "how do I set up nightly backups with pgBackRest",
        "react useEffect hook",
        "how to tune a slow query with explain analyze",
    ];
    let (tuned, files) = (tuned(), LATER.map(asked));
    let elsewhere = named.into_iter().chain(files.iter().flat_map(|file| file.elsewhere.iter().map(String::as_str)));
    for question in elsewhere {
        let found = library().ask(&Question { text: question.to_owned(), ..Question::default() }).unwrap();
        assert!(found.elsewhere.is_some(), "{question}");
    }
    let others = asked("knowledge_elsewhere.json").elsewhere;
    let is_known = |question: &&String| {
        let found = library().ask(&Question { text: (*question).clone(), ..Question::default() }).unwrap();
        found.elsewhere.is_none()
    };
    let taken: Vec<&String> = others.iter().filter(is_known).collect();
    println!("{} of {} questions on other subjects are taken for ours: {taken:?}", taken.len(), others.len());
    assert!(taken.len() * 10 <= others.len(), "{taken:?}");
    // Of ours a few may be doubted, and then get their sections all the same.
    let ours: Vec<&Query> = tuned.iter().chain(files.iter().flat_map(|file| &file.queries)).collect();
    let mut doubted = Vec::new();
    for query in &ours {
        let found = library().ask(&query.question(None)).unwrap();
        assert!(found.elsewhere.is_none() || !found.hits.is_empty(), "{}: {}", query.id, query.query);
        if found.elsewhere.is_some() {
            doubted.push(&query.query);
        }
    }
    assert!(doubted.len() * 100 <= ours.len(), "{doubted:?}");
    let apart = "best laptop for programming";
    let found = library().ask(&Question { text: apart.to_owned(), ..Question::default() }).unwrap();
    assert!(found.elsewhere.is_some() && !found.hits.is_empty(), "{apart}");
}

/// What an agent that names no limit has to read: one section where an error, a code or an id decides, else up to three.
#[test]
fn an_answer_without_a_limit_is_short() {
    use alembic_gate::tools::search_knowledge::{Input, run};
    let files = LATER.map(asked);
    let mut tokens: Vec<usize> = Vec::new();
    for query in tuned().iter().chain(files.iter().flat_map(|file| &file.queries)) {
        let input = Input { query: Some(query.query.clone()), dialect: query.dialect.clone(), ..Input::default() };
        let answer = run(&input, None);
        assert!((1..=3).contains(&answer.output["hits"].as_array().unwrap().len()), "{}", query.id);
        // Four characters a token, as in English text.
        tokens.push(answer.text.chars().count() / 4);
    }
    tokens.sort_unstable();
    let (median, most) = (tokens[tokens.len() / 2], tokens[tokens.len() - 1]);
    println!("tokens of {} answers without a limit: median {median}, p95 {}, most {most}", tokens.len(), tokens[tokens.len() * 95 / 100]);
    assert!(median <= 900 && most <= 2_000, "{median}, {most}");
    for decides in ["55P03", "SQLSTATE 40P01", "pg-lock-queue#deadlock", "ERROR:  canceling statement due to lock timeout", "ORA-00054"] {
        let answer = run(&Input { query: Some(decides.to_owned()), ..Input::default() }, None);
        assert_eq!(answer.output["hits"].as_array().unwrap().len(), 1, "{decides}");
    }
}

/// Each section stands alone: an answer first, a source, 60 to 250 words, and what it points to is there.
#[test]
fn the_documents_are_in_the_form() {
    let ours = library().documents.iter().filter(|document| document.origin == Origin::Reference);
    let mut wrong: Vec<String> = Vec::new();
    for (document, section) in ours.flat_map(|document| document.sections.iter().map(move |section| (document, section))) {
        let id = format!("{}#{}", document.stem, section.slug);
        let count = section.text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
        let first = section.text.split_terminator(['.', ':']).next().unwrap_or_default();
        if !(60..=250).contains(&count) {
            wrong.push(format!("{id}: {count} words"));
        }
        if section.sources.iter().all(|source| source.trim().is_empty()) {
            wrong.push(format!("{id}: no source"));
        }
        if first.ends_with('?') || first.starts_with(['#', '|', '-', '`']) && first.starts_with("```") {
            wrong.push(format!("{id}: begins with {first:?}"));
        }
        let ticked = section.text.split('`').skip(1).step_by(2).filter(|text| text.contains('#') && text.contains('-'));
        for cite in ticked.filter(|text| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-#".contains(c))) {
            if library().named(cite.trim_start_matches('#')).is_empty() && !cite.starts_with('#') {
                wrong.push(format!("{id}: `{cite}` is not there"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is asked of the sections helps to find them; what measures does not.
#[test]
fn no_question_of_a_test_stands_beside_a_section() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("knowledge/asked.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("# "));
    let (sections, questions): (Vec<&str>, Vec<&str>) = lines().partition(|line| line.contains('#') && !line.contains(' '));
    let unknown: Vec<&&str> = sections.iter().filter(|id| library().named(id).is_empty()).collect();
    assert!(unknown.is_empty() && questions.len() > 500, "{unknown:?}, {} questions", questions.len());
    let of_reference = library().documents.iter().filter(|document| document.origin == Origin::Reference);
    let ids = of_reference.flat_map(|document| document.sections.iter().map(|section| format!("{}#{}", document.stem, section.slug)));
    let bare: Vec<String> = ids.filter(|id| !sections.contains(&id.as_str())).collect();
    assert!(bare.is_empty(), "nothing is asked of {bare:?}");
    let files = LATER.map(asked);
    let measure: BTreeSet<String> =
        tuned().iter().chain(files.iter().flat_map(|file| &file.queries)).map(|query| query.query.to_lowercase()).collect();
    let copied: Vec<&&str> = questions.iter().filter(|question| measure.contains(&question.to_lowercase())).collect();
    assert!(copied.is_empty(), "{copied:?}");
}

#[test]
fn pages_of_rules_and_recipes_are_found() {
    for rule in alembic_gate::rules::RULES {
        assert_eq!(library().named(&format!("rule-{}", rule.name)).len(), 1, "{}", rule.name);
    }
    for recipe in alembic_gate::recipes::RECIPES {
        assert_eq!(library().named(&format!("recipe-{}", recipe.name)).len(), 1, "{}", recipe.name);
        let question = Question { text: format!("recipe `{}`", recipe.name), ..Question::default() };
        let found = library().ask(&question).unwrap();
        assert_eq!(found.hits.first().map(|hit| hit.document.stem.clone()), Some(format!("recipe-{}", recipe.name)));
    }
}

/// What the program prints for a search, as JSON.
fn searched(arguments: &[&str]) -> serde_json::Value {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_alembic-gate"));
    let output = command.arg("search-knowledge").args(arguments).args(["--format", "json"]).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_teams_own_folder_is_searched_beside_ours_and_marked() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("billing.md"),
        "# Runbook\n\n## Ledger tables\nCall the ledger team before a rename of a ledger table.\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("notes.txt"), "ledger ledger ledger").unwrap();
    let named = folder.path().display().to_string();
    let found = searched(&["--knowledge", &named, "rename a ledger table", "--limit", "5"]);
    let hits = found["hits"].as_array().unwrap();
    assert_eq!(hits[0]["id"], "team-billing#ledger-tables", "{found}");
    assert!(hits[0]["origin"].as_str().unwrap().contains("untrusted"), "{found}");
    assert!(hits.iter().skip(1).all(|hit| hit["origin"] == "reference" || hit["origin"] == "rule") && hits.len() == 5, "{found}");
    assert!(searched(&["rename a ledger table"])["hits"].as_array().unwrap().iter().all(|hit| hit["origin"] != hits[0]["origin"]));
}

#[test]
fn whatever_is_asked_on_the_command_line_gets_a_helpful_answer() {
    for question in ["", " ", "\u{1b}[31m\u{7}", "列の名前を変更する", "SELECT 1; DROP TABLE x"] {
        let found = searched(&["--query", question]);
        let (hits, suggested) = (found["hits"].as_array().unwrap().len(), found["suggested_queries"].as_array().unwrap().len());
        assert!(hits + suggested > 0, "{question}: {found}");
    }
    assert_eq!(searched(&["--query", "lock_timeout", "--limit", "0"])["hits"].as_array().unwrap().len(), 1);
}

//! Each rule's page is true: its bad examples are found by it, its good ones are not, its mends pass the review.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use alembic_gate::dialect::{Dialect, Production, Server};
use alembic_gate::effects;
use alembic_gate::finding::{Finding, Severity};
use alembic_gate::judge::{Options, judge, judge_project};
use alembic_gate::project::ini::FILE_TEMPLATE;
use alembic_gate::project::{Expectations, Project, SourceFile};
use alembic_gate::rules::{RULES, Rule};
use alembic_gate::sql::catalog::Catalog;
use alembic_gate::sql::script::read;
use alembic_gate::sql::split::Direction;

pub struct Example {
    pub is_bad: bool,
    pub server: Server,
    pub production: Option<Dialect>,
    pub setup: String,
    pub sql: String,
}

/// A page's revision files: ```` ```python bad ````; `# file: name` begins the next of several.
struct PythonExample {
    is_bad: bool,
    files: Vec<SourceFile>,
}

fn python_examples(rule: &Rule) -> Vec<PythonExample> {
    let mut found = Vec::new();
    let mut open: Option<PythonExample> = None;
    let file = |name: &str| SourceFile { name: format!("versions/{name}"), text: Ok(String::new()) };
    for line in rule.page().lines() {
        match (&mut open, line) {
            (None, line) if line.starts_with("```python ") => {
                open = Some(PythonExample { is_bad: line.ends_with("bad"), files: Vec::new() })
            }
            (Some(_), "```") => found.extend(open.take()),
            (Some(example), line) => match line.strip_prefix("# file: ") {
                Some(name) => example.files.push(file(name)),
                None => {
                    if example.files.is_empty() {
                        example.files.push(file("example.py"));
                    }
                    let text = example.files.last_mut().unwrap().text.as_mut().unwrap();
                    text.push_str(line);
                    text.push('\n');
                }
            },
            (None, _) => {}
        }
    }
    found
}

#[test]
fn revisions_are_what_their_page_says() {
    let mut wrong = Vec::new();
    for rule in RULES {
        for (n, example) in python_examples(rule).iter().enumerate() {
            let project = Project::of(FILE_TEMPLATE, BTreeSet::new(), &example.files);
            let found = judge_project(&project, &Expectations::default(), &BTreeMap::new());
            let counts = |finding: &&alembic_gate::finding::Finding| finding.rule == rule.name && finding.allowed.is_none();
            if found.iter().any(|finding| counts(&finding)) != example.is_bad {
                let names: Vec<String> = found.iter().map(|finding| format!("{}: {}", finding.rule, finding.what)).collect();
                wrong.push(format!("{} Python example {} ({}): {names:?}", rule.name, n + 1, if example.is_bad { "bad" } else { "good" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fences of a page: ```` ```sql bad sqlite postgresql ````, with production's dialect; above `-- when` stands the schema before.
pub fn examples(rule: &Rule) -> Vec<Example> {
    let mut found = Vec::new();
    let mut open: Option<(bool, Server, Option<Dialect>, Vec<String>)> = None;
    for line in rule.page().lines() {
        if let Some(words) = line.strip_prefix("```sql ") {
            let mut words = words.split_whitespace();
            let is_bad = words.next() == Some("bad");
            let mut dialect = || words.next().map(|word| serde_json::from_value(word.into()).expect("a dialect"));
            let (server, production) = (Server::newest(dialect().unwrap_or(Dialect::Postgresql)), dialect());
            open = Some((is_bad, server, production, Vec::new()));
        } else if line.starts_with("```") && open.is_some() {
            let (is_bad, server, production, lines) = open.take().expect("an open fence");
            let text = lines.join("\n");
            let (setup, sql) = text.split_once("-- when").unwrap_or(("", &text));
            found.push(Example { is_bad, server, production, setup: setup.to_owned(), sql: sql.trim().to_owned() });
        } else if let Some((_, _, _, lines)) = &mut open {
            lines.push(line.to_owned());
        }
    }
    found
}

pub fn findings(setup: &str, sql: &str, server: Server) -> Vec<Finding> {
    findings_before(setup, sql, server, None)
}

/// With a production of another dialect.
fn findings_before(setup: &str, sql: &str, server: Server, production: Option<Dialect>) -> Vec<Finding> {
    let before = if setup.trim().is_empty() { Catalog::new(server.dialect) } else { Catalog::of_setup(&read(setup.to_owned(), server)) };
    let production = production.map(|dialect| Production { dialect, version: None, charset: None, collation: None });
    let options = Options { max_block_ms: 1000, production, ..Options::default() };
    judge(&read(sql.to_owned(), server), Direction::Up, &before, &options).findings
}

/// A dialect without a row of facts cannot be judged yet.
pub fn has_facts(dialect: Dialect) -> bool {
    let family = if dialect.is_mysql_family() { Dialect::Mariadb } else { dialect };
    effects::all_facts().iter().any(|fact| fact.dialect == family || fact.dialect == dialect)
}

#[test]
fn examples_are_what_their_page_says() {
    let mut wrong = Vec::new();
    for rule in RULES {
        let page = examples(rule);
        // A good example may be spoken of, as long as it weighs less than every bad one.
        let mut weakest = Severity::Error;
        for (n, example) in page.iter().enumerate() {
            if !has_facts(example.server.dialect) {
                println!("skipped: {} example {}: no facts for {}", rule.name, n + 1, example.server);
                continue;
            }
            let found = findings_before(&example.setup, &example.sql, example.server, example.production);
            let heaviest = found.iter().filter(|finding| finding.rule == rule.name).map(|finding| finding.severity).max();
            if example.is_bad {
                weakest = heaviest.map_or(weakest, |severity| severity.min(weakest));
            }
            if heaviest.is_some_and(|severity| example.is_bad || severity >= weakest) != example.is_bad {
                let names: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
                wrong.push(format!("{} example {} ({}): {names:?}", rule.name, n + 1, if example.is_bad { "bad" } else { "good" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_has_its_parts() {
    for rule in RULES {
        let page = rule.page();
        for part in ["# ", "\n## Why\n", "\n## Do\n"] {
            assert!(page.contains(part), "{}: no `{}`", rule.name, part.trim());
        }
        let shows = |language: &str| ["bad", "good"].iter().all(|kind| page.contains(&format!("```{language} {kind}")));
        assert!(shows("sql") || shows("python"), "{}: no bad and good example", rule.name);
    }
}

#[test]
fn mends_pass_the_review() {
    let mut wrong = Vec::new();
    for rule in RULES {
        for example in examples(rule).iter().filter(|example| example.is_bad && has_facts(example.server.dialect)) {
            for version in versions(example.server) {
                for found in findings(&example.setup, &example.sql, version).iter().filter(|found| found.rule == rule.name) {
                    let Some(fix) = &found.fix_sql else { continue };
                    let after: Vec<Finding> =
                        findings(&example.setup, fix, version).into_iter().filter(|again| again.severity > Severity::Notice).collect();
                    // What is validated was added by the statement in front of the bad one.
                    let setup_lacks_it = after.iter().all(|again| again.rule == "will_fail") && rule.name == "validate_in_same_transaction";
                    if !after.is_empty() && !setup_lacks_it {
                        let names: Vec<String> =
                            after.iter().map(|again| format!("{}: {} ({})", again.rule, again.what, again.why)).collect();
                        wrong.push(format!("{} on {version}:\n{fix}\n  {}", rule.name, names.join("\n  ")));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The oldest, a middle and the newest version on which the page's functions exist.
pub fn versions(server: Server) -> Vec<Server> {
    let numbers: &[&str] = if server.dialect == Dialect::Postgresql { &["13", "15", "18"] } else { return vec![server] };
    numbers.iter().map(|number| Server { version: number.parse().unwrap(), ..server }).collect()
}

#[test]
fn every_file_is_listed_and_every_name_has_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod")
        .collect();
    let names: BTreeSet<String> = RULES.iter().map(|rule| rule.name.to_owned()).collect();
    assert_eq!(files, names);
}

#[test]
fn what_breaks_has_a_rule_that_says_so() {
    let known: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/effects")];
    let mut missing = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        for call in text.split(".breaks(").skip(1) {
            let name = call.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            missing.extend(name.filter(|name| !known.contains(name)).map(str::to_owned));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_secret_stands_in_no_finding() {
    for (sql, secret) in [
        ("ALTER ROLE app PASSWORD 'correct-horse'", "correct-horse"),
        ("CREATE USER app WITH ENCRYPTED PASSWORD 'correct-horse'", "correct-horse"),
        ("UPDATE t SET url = 'https://me:correct-horse@example.org/x'", "correct-horse"),
        ("INSERT INTO t VALUES ('AKIAABCDEFGHIJKLMNOP')", "AKIAABCDEFGHIJKLMNOP"),
        ("UPDATE t SET k = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'", "ghp_abc"),
        ("UPDATE t SET k = '-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----'", "MIIabc"),
        ("CREATE SUBSCRIPTION s CONNECTION 'host=a password=correct-horse' PUBLICATION p", "correct-horse"),
    ] {
        let found = findings("", sql, Server::newest(Dialect::Postgresql));
        assert!(found.iter().any(|finding| finding.rule == "secret_in_revision"), "{sql}: {found:?}");
        assert!(!serde_json::to_string(&found).unwrap().contains(secret), "{sql}: {found:?}");
    }
}

//! Rollback cases: a base and a change as Alembic revisions, tried up, down and up again on every engine a case names.
//!
//! `tests/truth/examples/rollback_cases` are measured by the `verify.py` beside them; `tests/truth/rollback_cases` are
//! further ones, bodies only. The command line is run as a user runs it: with its own servers and the project's Python.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::test_rollback;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::bridge::environment;
use crate::scratch::{majors, mariadb};

/// What `env.py` holds: the plainest that connects.
pub(crate) const PLAIN_ENV: &str = r#"
from alembic import context
import sqlalchemy as sa

url = context.config.get_main_option("sqlalchemy.url")
with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"#;

/// A base, a change, the rows, and what is expected by dialect: outcome, and, where it was measured, whether something is
/// left behind.
struct Case {
    name: String,
    base: String,
    change: String,
    seed: Vec<String>,
    seed_after_upgrade: Vec<String>,
    rows: u32,
    expected: BTreeMap<String, (String, Option<bool>)>,
    /// Words that the answer has to hold.
    says: Vec<String>,
}

#[derive(Deserialize)]
struct Measured {
    seed: Vec<String>,
    seed_after_upgrade: Vec<String>,
    expected: BTreeMap<String, Verdict>,
}

#[derive(Deserialize)]
struct Verdict {
    verdict: String,
    left_dirty: Option<bool>,
}

/// A further case: the bodies of its functions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    #[serde(rename = "title")]
    _title: String,
    base: String,
    upgrade: String,
    downgrade: String,
    #[serde(default)]
    seed: Vec<String>,
    #[serde(default)]
    seed_after_upgrade: Vec<String>,
    #[serde(default)]
    rows: u32,
    expected: BTreeMap<String, String>,
    #[serde(default)]
    says: Vec<String>,
}

fn truth(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth").join(below)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn measured_cases() -> Vec<Case> {
    let is_case = |path: &PathBuf| path.join("case.json").exists();
    let folders = entries(&truth("examples/rollback_cases")).into_iter().filter(is_case);
    let read = |folder: PathBuf| {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let measured: Measured = serde_json::from_str(&text("case.json")).unwrap();
        let expected = measured.expected.into_iter().map(|(dialect, one)| (dialect, (one.verdict, one.left_dirty))).collect();
        Case {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            base: text("0001_base.py"),
            change: text("0002_change.py"),
            seed: measured.seed,
            seed_after_upgrade: measured.seed_after_upgrade,
            rows: 0,
            expected,
            says: Vec::new(),
        }
    };
    folders.map(read).collect()
}

fn own_cases() -> Vec<Case> {
    cases_in("rollback_cases")
}

fn cases_in(folder: &str) -> Vec<Case> {
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        let own: Own = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let expected = own.expected.into_iter().map(|(dialect, outcome)| (dialect, (outcome, None)));
        Case {
            name: file.file_stem().unwrap().to_string_lossy().into_owned(),
            base: revision("0001", "None", &own.base, ""),
            change: revision("0002", "\"0001\"", &own.upgrade, &own.downgrade),
            seed: own.seed,
            seed_after_upgrade: own.seed_after_upgrade,
            rows: own.rows,
            expected: expected.collect(),
            says: own.says,
        }
    };
    entries(&truth(folder)).into_iter().map(read).collect()
}

fn revision(id: &str, below: &str, up: &str, down: &str) -> String {
    let body = |text: &str| {
        let text = if text.trim().is_empty() { "pass" } else { text.trim() };
        text.lines().map(|line| format!("    {line}\n")).collect::<String>()
    };
    format!(
        "from alembic import op\nimport sqlalchemy as sa\n\nrevision = \"{id}\"\ndown_revision = {below}\n\n\ndef upgrade():\n{}\n\ndef downgrade():\n{}",
        body(up),
        body(down)
    )
}

/// A dialect's short name in the cases, its name for us, and the URL that a project says (nobody is there).
const DIALECTS: [(&str, &str, &str); 3] = [
    ("pg", "postgresql", "postgresql+psycopg://app@production.invalid/shop"),
    ("sqlite", "sqlite", "sqlite:////nowhere/production.db"),
    ("my", "mariadb", "mysql+pymysql://app@production.invalid/shop"),
];

/// A project made of the bodies of its functions.
pub(crate) fn written(base: &str, up: &str, down: &str, env: &str, url: &str, python: &Path) -> TempDir {
    let folder = project(env, url, python);
    let write = |name: &str, text: String| std::fs::write(folder.path().join("versions").join(name), text).unwrap();
    write("0001_base.py", revision("0001", "None", base, ""));
    write("0002_change.py", revision("0002", "\"0001\"", up, down));
    folder
}

/// A project without revisions.
fn project(env: &str, url: &str, python: &Path) -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("versions")).unwrap();
    write("env.py", env);
    write("alembic.ini", &format!("[alembic]\nscript_location = .\nsqlalchemy.url = {url}\n"));
    write("alembic-gate.toml", &format!("[project]\npython = \"{}\"\n", python.display()));
    folder
}

/// A project to which each case adds a chain of its own, with a base of its own: Python and scratch server stay warm.
struct Bench {
    folder: TempDir,
    dialect: &'static str,
}

impl Bench {
    fn of(short: &str, python: &Path) -> Self {
        let (_, dialect, url) = *DIALECTS.iter().find(|(name, ..)| *name == short).unwrap();
        Self { folder: project(PLAIN_ENV, url, python), dialect }
    }

    /// The tool's answer, from this process.
    fn tried(&self, case: &Case, rows: u32) -> Value {
        // Alembic keeps 32 letters of a revision.
        let [base, change] = ["0001", "0002"].map(|id| format!("{}_{id}", case.name.get(..27).unwrap_or(&case.name)));
        let own = |text: &str| text.replace("\"0001\"", &format!("{base:?}")).replace("\"0002\"", &format!("{change:?}"));
        for (id, text) in [(&base, &case.base), (&change, &case.change)] {
            std::fs::write(self.folder.path().join(format!("versions/{id}.py")), own(text)).unwrap();
        }
        let together = |statements: &Vec<String>| (!statements.is_empty()).then(|| statements.join(";\n"));
        let input = test_rollback::Input {
            project: Some(self.folder.path().to_string_lossy().into_owned()),
            from: Some(base),
            to: Some(change),
            dialect: Some(serde_json::from_value(self.dialect.into()).unwrap()),
            rows: Some(rows),
            seed_sql: together(&case.seed),
            seed_after_upgrade_sql: together(&case.seed_after_upgrade),
            ..test_rollback::Input::default()
        };
        Value::Object(test_rollback::run(&input, &Call::local(&Settings::default()), None).output)
    }
}

/// Runs the cases on one dialect; what is otherwise than expected, a line each.
fn mismatches(cases: &[Case], short: &str) -> Vec<String> {
    let Some(python) = environment("python-new") else { return Vec::new() };
    let is_here = match short {
        "pg" => !majors().is_empty(),
        "my" => mariadb().is_some(),
        _ => true,
    };
    if !is_here {
        eprintln!("SKIPPED: no server for `{short}`");
        return Vec::new();
    }
    let bench = Bench::of(short, &python);
    let mut found = Vec::new();
    for case in cases {
        let Some((outcome, is_dirty)) = case.expected.get(short) else { continue };
        let answer = bench.tried(case, case.rows);
        let (got, dirty) = (answer["outcome"].as_str().unwrap_or("error"), answer["outcomes"][0]["left_dirty"] == true);
        if got != outcome || is_dirty.is_some_and(|is_dirty| is_dirty != dirty) {
            found.push(format!("{:<36} {outcome} (dirty: {is_dirty:?}) is {got} (dirty: {dirty}): {}", case.name, answer["summary"]));
        }
        let leads_back = ["ok", "order_changed"].contains(&outcome.as_str());
        if !case.seed.is_empty() && (answer["rollback_tested"] == true) != leads_back {
            found.push(format!("{:<36} is tested: {}: {}", case.name, answer["rollback_tested"], answer["notes"]));
        }
        let notes = answer["notes"].as_array().cloned().unwrap_or_default();
        let otherwise = notes.iter().filter_map(Value::as_str).filter(|note| note.starts_with("observed otherwise"));
        found.extend(otherwise.map(|note| format!("{:<36} {note}", case.name)));
        let text = answer.to_string();
        found.extend(case.says.iter().filter(|word| !text.contains(*word)).map(|word| format!("{:<36} does not say `{word}`", case.name)));
    }
    found
}

fn all_as_expected(cases: &[Case], short: &str) {
    let found = mismatches(cases, short);
    assert!(found.is_empty(), "{} of {} on {short}:\n{}", found.len(), cases.len(), found.join("\n"));
}

/// One of `of` parts of the cases on a dialect: parts run beside each other.
fn part_as_expected(short: &str, part: usize, of: usize) {
    let cases: Vec<Case> =
        measured_cases().into_iter().chain(own_cases()).enumerate().filter(|(at, _)| at % of == part).map(|(_, case)| case).collect();
    assert!(!cases.is_empty());
    all_as_expected(&cases, short);
}

macro_rules! parts {
    ($($name:ident: $short:literal $part:literal of $of:literal;)*) => {
        $(#[test]
        fn $name() {
            part_as_expected($short, $part, $of);
        })*
    };
}

parts! {
    cases_on_postgresql_1: "pg" 0 of 6;
    cases_on_postgresql_2: "pg" 1 of 6;
    cases_on_postgresql_3: "pg" 2 of 6;
    cases_on_postgresql_4: "pg" 3 of 6;
    cases_on_postgresql_5: "pg" 4 of 6;
    cases_on_postgresql_6: "pg" 5 of 6;
    cases_on_mariadb_1: "my" 0 of 2;
    cases_on_mariadb_2: "my" 1 of 2;
    cases_on_sqlite_1: "sqlite" 0 of 2;
    cases_on_sqlite_2: "sqlite" 1 of 2;
}

/// Each is green on empty tables and red with rows: without rows a test of the way back proves little.
fn rows_unmask(part: usize, of: usize) {
    let Some(python) = environment("python-new").filter(|_| !majors().is_empty()) else { return };
    let cases = cases_in("rollback_rows");
    assert!(cases.len() >= 17, "{}", cases.len());
    let cases: Vec<Case> = cases.into_iter().enumerate().filter(|(at, _)| at % of == part).map(|(_, case)| case).collect();
    let bench = Bench::of("pg", &python);
    for case in &cases {
        let empty = bench.tried(case, 0);
        let leads_back = ["ok", "order_changed"].contains(&empty["outcome"].as_str().unwrap_or_default());
        assert!(leads_back, "{} is red without rows: {}", case.name, empty["summary"]);
        assert_eq!(empty["rollback_tested"], false, "{}: on empty tables nothing is proven: {}", case.name, empty["summary"]);
    }
    all_as_expected(&cases, "pg");
}

#[test]
fn what_only_rows_unmask_is_unmasked_1() {
    rows_unmask(0, 3);
}

#[test]
fn what_only_rows_unmask_is_unmasked_2() {
    rows_unmask(1, 3);
}

#[test]
fn what_only_rows_unmask_is_unmasked_3() {
    rows_unmask(2, 3);
}

/// Rows with duplicates stop a unique index: whether there are such is not for us to say.
#[test]
fn made_up_rows_that_are_refused_are_said_to_be_made_up() {
    let input = |seed: Option<&str>| test_rollback::Input {
        sql: Some("CREATE UNIQUE INDEX uq_users_email ON users (email)".to_owned()),
        downgrade_sql: Some("DROP INDEX uq_users_email".to_owned()),
        setup_sql: Some("CREATE TABLE users (id integer PRIMARY KEY, email text)".to_owned()),
        dialect: Some(serde_json::from_value("sqlite".into()).unwrap()),
        seed_sql: seed.map(str::to_owned),
        ..test_rollback::Input::default()
    };
    let tried = |seed| Value::Object(test_rollback::run(&input(seed), &Call::local(&Settings::default()), None).output);
    let refused = tried(None);
    assert_eq!(refused["outcome"], "upgrade_fails", "{refused:#}");
    assert!(refused["notes"].to_string().contains("the rows of `users` are made up"), "{refused:#}");
    let own = tried(Some("INSERT INTO users VALUES (1, 'a'), (2, 'b'), (3, NULL)"));
    assert_eq!((&own["outcome"], &own["rollback_tested"]), (&"ok".into(), &true.into()), "{own:#}");
    let broken = tried(Some("INSERT INTO users VALUES (1, 'a'), (2, 'a')"));
    assert_eq!(broken["outcome"], "upgrade_fails");
    assert!(!broken["notes"].to_string().contains("made up"), "rows of the caller's own are none of ours: {broken:#}");
}

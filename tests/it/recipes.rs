//! Each recipe's page is true: its examples are planned, the plan passes our own review, and its revisions run up, down and
//! up again with rows on a real server; old code works until the contract, new code behind the switch.

use std::collections::BTreeSet;
use std::path::Path;

use alembic_gate::dialect::Dialect;
use alembic_gate::recipes::{RECIPES, Recipe};
use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::source::SqlInput;
use alembic_gate::tools::{plan_migration, review_sql, test_rollback};
use serde_json::Value;
use tempfile::TempDir;

use crate::bridge::environment;
use crate::scratch::mariadb;

/// An example of a page.
#[derive(Debug, Clone, Default)]
struct Example {
    recipe: &'static str,
    dialect: String,
    /// The rows that go are part of the wish: the round trip says `data_lost`.
    loses: bool,
    /// The server's version, where the recipe depends on it.
    version: Option<String>,
    setup: String,
    rows: String,
    wish: String,
    gives: Vec<String>,
    old_code: Vec<String>,
    new_code: Vec<String>,
}

fn examples(recipe: &Recipe) -> Vec<Example> {
    let mut found = Vec::new();
    let mut open: Option<(Example, &'static str, Vec<String>)> = None;
    for line in recipe.page().lines() {
        match &mut open {
            None => {
                if let Some(words) = line.strip_prefix("```plan ") {
                    let mut words = words.split_whitespace();
                    let dialect = words.next().unwrap().to_owned();
                    let words: Vec<&str> = words.collect();
                    let version = words.iter().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).map(|word| (*word).to_owned());
                    open = Some((
                        Example { recipe: recipe.name, dialect, loses: words.contains(&"loses"), version, ..Example::default() },
                        "setup",
                        Vec::new(),
                    ));
                }
            }
            Some((example, part, lines)) => {
                let next = match line {
                    "-- rows" => Some("rows"),
                    "-- wish" => Some("wish"),
                    "-- gives" => Some("gives"),
                    "-- old code" => Some("old"),
                    "-- new code" => Some("new"),
                    "```" => Some("end"),
                    _ => None,
                };
                let Some(next) = next else {
                    lines.push(line.to_owned());
                    continue;
                };
                let text = std::mem::take(lines).join("\n");
                let list = |text: &str, cut: char| text.split(cut).map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
                match *part {
                    "setup" => example.setup = text,
                    "rows" => example.rows = text,
                    "wish" => example.wish = text.trim().to_owned(),
                    "gives" => example.gives = list(&text, ','),
                    "old" => example.old_code = list(&text, ';'),
                    _ => example.new_code = list(&text, ';'),
                }
                *part = next;
                if next == "end" {
                    found.extend(open.take().map(|(example, ..)| example));
                }
            }
        }
    }
    found
}

fn input(example: &Example) -> plan_migration::Input {
    let is_json = example.wish.starts_with(['{', '[']);
    let whole = serde_json::from_str::<Value>(&example.wish).ok().filter(|wish| wish["changes"].is_array() || wish["sql"].is_string());
    if let Some(whole) = whole {
        let whole: plan_migration::Input = serde_json::from_value(whole).unwrap_or_else(|error| panic!("{}: {error}", example.wish));
        return plan_migration::Input { server_version: example.version.clone(), ..whole };
    }
    plan_migration::Input {
        changes: is_json.then(|| serde_json::from_str(&example.wish).unwrap_or_else(|error| panic!("{}: {error}", example.wish))),
        sql: (!is_json).then(|| example.wish.clone()),
        server_version: example.version.clone(),
        ..plan_migration::Input::default()
    }
}

fn planned(input: &plan_migration::Input) -> Value {
    let settings = Settings::default();
    Value::Object(plan_migration::run(input, &Call::local(&settings), None).output)
}

fn names(output: &Value) -> Vec<String> {
    output["revisions"].as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn recipes_give_what_their_page_says_and_pass_our_review() {
    let mut wrong = Vec::new();
    for example in RECIPES.iter().flat_map(examples) {
        let dialect: Dialect = serde_json::from_value(example.dialect.clone().into()).unwrap();
        let output = planned(&plan_migration::Input { setup_sql: Some(example.setup.clone()), dialect: Some(dialect), ..input(&example) });
        if names(&output) != example.gives || output["verdict"] == "blocked" {
            wrong.push(format!(
                "{}: {:?}\n  {} {}\n  {}",
                example.recipe,
                names(&output),
                output["summary"],
                output["error"],
                output["notes"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_recipe_shows_each_dialect_it_claims() {
    for recipe in RECIPES {
        let shown: BTreeSet<String> = examples(recipe).into_iter().map(|example| example.dialect).collect();
        let claimed: BTreeSet<String> = recipe.dialects.iter().map(|dialect| dialect.word().to_owned()).collect();
        assert_eq!(shown, claimed, "{}", recipe.name);
        for part in ["# ", "\n## Why\n", "\n## Do\n"] {
            assert!(recipe.page().contains(part), "{}: no `{}`", recipe.name, part.trim());
        }
    }
}

const ENV: &str = r#"
from alembic import context
import sqlalchemy as sa

config = context.config
url = config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with sa.create_engine(url, poolclass=sa.pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"#;

pub const MAKO: &str = "\"\"\"${message}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n${imports if imports else ''}\nrevision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\nbranch_labels = ${repr(branch_labels)}\ndepends_on = ${repr(depends_on)}\n\n\ndef upgrade():\n    ${upgrades if upgrades else 'pass'}\n\n\ndef downgrade():\n    ${downgrades if downgrades else 'pass'}\n";

fn url(dialect: &str) -> &'static str {
    match dialect {
        "postgresql" => "postgresql+psycopg://app@production.invalid/shop",
        "mariadb" => "mariadb+pymysql://app@production.invalid/shop",
        _ => "sqlite:////nowhere/production.db",
    }
}

/// A project whose first revision makes `setup`.
pub fn project(dialect: &str, setup: &str) -> Option<TempDir> {
    let folder = empty_project(dialect)?;
    write_base(folder.path(), dialect, setup);
    Some(folder)
}

fn empty_project(dialect: &str) -> Option<TempDir> {
    let python = environment("python-new")?;
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("env.py", ENV);
    write("script.py.mako", MAKO);
    write("alembic.ini", &format!("[alembic]\nscript_location = .\nsqlalchemy.url = {}\n", url(dialect)));
    write("alembic-gate.toml", &format!("[project]\npython = \"{}\"\n", python.display()));
    Some(folder)
}

/// The first revision, and no other; nothing is on record.
fn write_base(folder: &Path, dialect: &str, setup: &str) {
    for part in ["versions", ".alembic-gate"] {
        let _ = std::fs::remove_dir_all(folder.join(part));
    }
    std::fs::create_dir(folder.join("versions")).unwrap();
    let dialect: Dialect = serde_json::from_value(dialect.into()).unwrap();
    let script = alembic_gate::sql::script::read(format!("{setup};\n"), alembic_gate::dialect::Server::newest(dialect));
    let texts = script.statements.iter().map(|statement| script.text_of(statement).trim().to_owned());
    let statements: Vec<String> = texts.filter(|one| !one.is_empty() && one != ";").map(|one| format!("op.execute({one:?})")).collect();
    let text = revision("r0000", None, "create the first tables", &statements.join("\n"), "raise NotImplementedError('the base')");
    std::fs::write(folder.join("versions/0000_base.py"), text).unwrap();
}

pub fn revision(id: &str, below: Option<&str>, message: &str, up: &str, down: &str) -> String {
    let body =
        |text: &str| text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") }).collect::<String>();
    let below = below.map_or("None".to_owned(), |below| format!("\"{below}\""));
    format!(
        "\"\"\"{message}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\nrevision = \"{id}\"\ndown_revision = {below}\n\n\ndef upgrade():\n{}\n\ndef downgrade():\n{}",
        body(up),
        body(down)
    )
}

/// Writes the revisions of a plan behind `r0000`; gives their ids.
pub fn write_revisions(folder: &Path, output: &Value) -> Vec<String> {
    let mut ids = vec!["r0000".to_owned()];
    for (n, one) in output["revisions"].as_array().unwrap().iter().enumerate() {
        let id = format!("r{:04}", n + 1);
        let text = revision(
            &id,
            ids.last().map(String::as_str),
            one["name"].as_str().unwrap(),
            one["upgrade"].as_str().unwrap(),
            one["downgrade"].as_str().unwrap(),
        );
        std::fs::write(folder.join(format!("versions/{id}_{}.py", one["name"].as_str().unwrap())), text).unwrap();
        ids.push(id);
    }
    ids
}

/// Runs an example of a page in a project, on a PostgreSQL of that major where one is named; what is otherwise than it says, a
/// line each.
fn mismatches(example: &Example, major: Option<u16>, folder: &Path) -> Vec<String> {
    write_base(folder, &example.dialect, &example.setup);
    if let Some(major) = major {
        let path = folder.join("alembic-gate.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let python = text.split("[environments").next().unwrap();
        let server =
            format!("[environments.production]\ntier = \"production\"\nserver = {{ dialect = \"postgresql\", version = \"{major}\" }}\n");
        std::fs::write(&path, python.to_owned() + &server).unwrap();
    }
    let path = folder.display().to_string();
    let output = planned(&plan_migration::Input { project: Some(path.clone()), server_version: None, ..input(example) });
    let mut wrong = Vec::new();
    if names(&output) != example.gives {
        return vec![format!("{} gives {:?}: {} {}", example.recipe, names(&output), output["summary"], output["error"])];
    }
    let ids = write_revisions(folder, &output);
    let call_settings = Settings::default();
    let call = Call::local(&call_settings);
    let asked = SqlInput { project: Some(path.clone()), from: Some("r0000".to_owned()), ..SqlInput::default() };
    let review = Value::Object(review_sql::run(&asked, Default::default(), &call, None).output);
    if review["verdict"] == "blocked" || review["verdict"] == "failed" {
        wrong.push(format!("{}: review: {} {:#}", example.recipe, review["summary"], review["error"]));
    }
    let is_silent = |one: &Value| one["rule"] == "empty_downgrade" && one["allowed"].is_null();
    if review["findings"].as_array().is_some_and(|findings| findings.iter().any(is_silent)) {
        wrong.push(format!("{}: a downgrade of the plan does nothing and does not say why", example.recipe));
    }
    let errors = |findings: &Value| {
        let all = findings.as_array().cloned().unwrap_or_default();
        all.into_iter()
            .filter(|one| one["severity"] == "error" && one["allowed"].is_null())
            .map(|one| format!("{}: {} ({})", one["rule"], one["what"], one["why"]))
            .collect::<Vec<_>>()
    };
    // What was just made goes again on the way back: that is its work.
    const REVERSED: &[&str] = &["drop_column", "drop_table", "rename", "drop_object", "drop_unique"];
    let is_reverse = |one: &String| REVERSED.iter().any(|rule| one.starts_with(&format!("\"{rule}\"")));
    wrong.extend(
        errors(&review["downgrade"]["findings"])
            .into_iter()
            .filter(|one| !is_reverse(one))
            .map(|one| format!("{}: way back: {one}", example.recipe)),
    );
    let trial = test_rollback::Input {
        project: Some(path.clone()),
        from: Some("r0000".to_owned()),
        seed_sql: Some(example.rows.clone()).filter(|rows| !rows.trim().is_empty()),
        rows: Some(40),
        ..Default::default()
    };
    let trial = Value::Object(test_rollback::run(&trial, &call, None).output);
    let expected = if example.loses { "data_lost" } else { "ok" };
    let outcome = trial["outcome"].as_str().unwrap_or("error");
    if outcome != expected && !(expected == "ok" && outcome == "order_changed") {
        wrong.push(format!(
            "{}: trial {outcome}: {} {:#} {:#} {:#}",
            example.recipe, trial["summary"], trial["failure"], trial["schema_diff"], trial["data_diff"]
        ));
    }
    wrong.extend(code_between(example, folder, &output, &ids));
    wrong
}

/// Old code before the contract, new code at the same place.
fn code_between(example: &Example, folder: &Path, output: &Value, ids: &[String]) -> Vec<String> {
    let stages: Vec<&str> = output["revisions"].as_array().unwrap().iter().map(|one| one["stage"].as_str().unwrap()).collect();
    let last = stages.iter().rposition(|stage| *stage != "contract").map_or(0, |at| at + 1);
    let wanted = alembic_gate::workshop::Wanted { folder: folder.to_owned(), ..Default::default() };
    let workshop = alembic_gate::workshop::Workshop::open(&wanted).unwrap();
    let at = &ids[if stages.len() == 1 { 1 } else { last }];
    let mut wrong = Vec::new();
    match workshop.scratch_at("r0000") {
        Err(error) => wrong.push(format!("{}: {error}", example.recipe)),
        Ok((databases, _)) => {
            let mut connection = databases[0].connect().unwrap();
            let mut run = |who: &str, code: &str| {
                for statement in code.split(';').map(str::trim).filter(|one| !one.is_empty()) {
                    if let Err(error) = connection.execute(statement) {
                        wrong.push(format!("{}: {who} at {at}: `{statement}`: {error}", example.recipe));
                    }
                }
            };
            run("rows", &example.rows);
            let refs: Vec<_> = databases.iter().collect();
            let lent = workshop.python(&refs).unwrap();
            let moved = lent.lock().bridge.bring_to(alembic_gate::bridge::Direction::Up, "r0000", at).unwrap();
            assert!(moved.failure.is_none(), "{}: {:?}", example.recipe, moved.failure);
            run("old code", &example.old_code.join(";"));
            run("new code", &example.new_code.join(";"));
        }
    }
    wrong
}

fn has_server(dialect: &str) -> bool {
    let is_here = match dialect {
        "postgresql" => !crate::scratch::majors().is_empty(),
        "mariadb" => mariadb().is_some(),
        _ => true,
    };
    if !is_here {
        eprintln!("SKIPPED: no server for {dialect}");
    }
    is_here
}

fn proven(dialect: &str, part: usize, of: usize) {
    if !has_server(dialect) {
        return;
    }
    let all = RECIPES.iter().flat_map(examples).filter(|example| example.dialect == dialect);
    assert!(all.clone().count() >= of, "no recipe has an example for {dialect}: nothing would be proven");
    let only = std::env::var("RECIPE").ok();
    let mine = all.enumerate().filter(|(n, example)| n % of == part && only.as_ref().is_none_or(|only| example.recipe == only));
    let Some(folder) = empty_project(dialect) else { return };
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (_, example) in mine {
        // An example that names a version is of that version.
        let majors: Vec<Option<u16>> = match dialect {
            "postgresql" => majors().into_iter().map(Some).collect(),
            _ => vec![None],
        };
        let wanted =
            |major: &Option<u16>| example.version.as_ref().is_none_or(|version| major.is_some_and(|major| major.to_string() == *version));
        for major in majors.into_iter().filter(wanted) {
            tried += 1;
            wrong.extend(
                mismatches(&example, major, folder.path())
                    .into_iter()
                    .map(|one| format!("{}{one}", major.map(|major| format!("PostgreSQL {major}: ")).unwrap_or_default())),
            );
        }
    }
    assert!(tried > 0 || only.is_some(), "nothing was tried");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The oldest and the newest PostgreSQL that are here; `RECIPES_ON=12,13,14` names others, `RECIPES_ON=all` all of them.
fn majors() -> Vec<u16> {
    let Ok(named) = std::env::var("RECIPES_ON") else { return crate::scratch::majors() };
    let wanted: Vec<u16> =
        if named == "all" { (12..=18).collect() } else { named.split(',').map(|one| one.trim().parse().unwrap()).collect() };
    let here: Vec<u16> = wanted.iter().copied().filter(|major| crate::scratch::has_major(*major)).collect();
    let missing: Vec<&u16> = wanted.iter().filter(|major| !here.contains(major)).collect();
    if !missing.is_empty() {
        println!("SKIPPED: no PostgreSQL {missing:?}");
    }
    here
}

// Examples are dealt out, each part with a project and a warm Python of its own.
#[test]
fn recipes_hold_on_postgresql_1() {
    proven("postgresql", 0, 8);
}
#[test]
fn recipes_hold_on_postgresql_2() {
    proven("postgresql", 1, 8);
}
#[test]
fn recipes_hold_on_postgresql_3() {
    proven("postgresql", 2, 8);
}
#[test]
fn recipes_hold_on_postgresql_4() {
    proven("postgresql", 3, 8);
}
#[test]
fn recipes_hold_on_postgresql_5() {
    proven("postgresql", 4, 8);
}
#[test]
fn recipes_hold_on_postgresql_6() {
    proven("postgresql", 5, 8);
}
#[test]
fn recipes_hold_on_postgresql_7() {
    proven("postgresql", 6, 8);
}
#[test]
fn recipes_hold_on_postgresql_8() {
    proven("postgresql", 7, 8);
}
#[test]
fn recipes_hold_on_mariadb_1() {
    proven("mariadb", 0, 3);
}
#[test]
fn recipes_hold_on_mariadb_2() {
    proven("mariadb", 1, 3);
}
#[test]
fn recipes_hold_on_mariadb_3() {
    proven("mariadb", 2, 3);
}
#[test]
fn recipes_hold_on_sqlite_1() {
    proven("sqlite", 0, 2);
}
#[test]
fn recipes_hold_on_sqlite_2() {
    proven("sqlite", 1, 2);
}

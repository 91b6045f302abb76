//! How long answers are: a default answer on few statements is read for 1,500 tokens, and still tells every error and warning.

use alembic_gate::dialect::Dialect;
use alembic_gate::tools::answer::MAX_CHARACTERS;
use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::source::{Detail, SqlInput};
use alembic_gate::tools::{migration_status, review_sql};
use serde_json::{Value, json};

use crate::ranges::{AUTHORS, INDEX, PG, project};

/// 1,500 tokens of four characters.
const MOST: usize = 6_000;

fn reviewed(input: &SqlInput, most: Option<usize>) -> Value {
    Value::Object(review_sql::run(input, Default::default(), &Call::local(&Settings::default()), most).output)
}

/// The rules of the errors, or of the warnings.
fn rules(output: &Value, severity: &str) -> Vec<String> {
    let findings = output["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == severity);
    findings.map(|finding| format!("{} {}", finding["rule"], finding["statement"])).collect()
}

/// Short, every error and warning told, and of each statement what the contract keeps.
fn is_short(input: &SqlInput) -> usize {
    let (short, whole) = (reviewed(input, Some(MAX_CHARACTERS)), reviewed(input, None));
    let length = short.to_string().len();
    assert!(length <= MOST, "{length} characters: {short:#}");
    assert_eq!(rules(&short, "error"), rules(&whole, "error"));
    let warnings = rules(&short, "warning");
    assert!(short["truncated"].is_object() || warnings == rules(&whole, "warning"), "{short:#}");
    for finding in short["findings"].as_array().unwrap() {
        assert!(["what", "why", "do"].iter().all(|key| finding[key].as_str().is_some_and(|text| !text.is_empty())), "{finding:#}");
    }
    for statement in short["statements"].as_array().unwrap() {
        for key in ["index", "line", "kind", "tables", "locks", "work", "loss", "understood"] {
            assert!(statement.get(key).is_some(), "{key}: {statement:#}");
        }
        for key in ["sql", "flags", "actions", "online", "column", "cite"] {
            assert!(statement.get(key).is_none(), "{key}: {statement:#}");
        }
    }
    assert_eq!(short["verdict"], whole["verdict"]);
    length
}

/// Every measured case of each engine, ten statements at a time, each with its own findings.
#[test]
fn a_default_review_of_ten_statements_is_read_for_1500_tokens() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/truth");
    let mut longest = 0;
    for (name, dialect) in [("postgresql", Dialect::Postgresql), ("mariadb", Dialect::Mariadb), ("sqlite", Dialect::Sqlite)] {
        let read = |file: String| std::fs::read_to_string(folder.join(file)).unwrap();
        let truth: Value = serde_json::from_str(&read(format!("{name}.json"))).unwrap();
        let schema = read(format!("{name}_schema.sql"));
        let statements: Vec<String> = truth["cases"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|case| case["statement"].as_array().map(|list| list.to_vec()).or_else(|| Some(vec![case["statement"].clone()])))
            .flatten()
            .filter_map(|sql| sql.as_str().map(|sql| sql.trim_end_matches(';').to_owned()))
            .filter(|sql| sql.len() < 300)
            .collect();
        assert!(statements.len() > 40, "{name}: {}", statements.len());
        for ten in statements.chunks(10).step_by(3) {
            let sql = ten.iter().map(|sql| format!("{sql};\n")).collect::<String>();
            let input = SqlInput { sql: Some(sql), setup_sql: Some(schema.clone()), dialect: Some(dialect), ..SqlInput::default() };
            longest = longest.max(is_short(&input));
        }
    }
    println!("longest default review of ten statements: {longest} characters");
}

const BATCH: (&str, &str) = (
    "widen_authors_name",
    "def upgrade():\n    with op.batch_alter_table('authors') as batch:\n        batch.add_column(sa.Column('email', sa.String(80)))\n        batch.alter_column('name', type_=sa.String(80))\n\n\ndef downgrade():\n    with op.batch_alter_table('authors') as batch:\n        batch.alter_column('name', type_=sa.String(50))\n        batch.drop_column('email')",
);

#[test]
fn a_batch_of_sqlite_is_one_concern_and_short() {
    let Some(folder) = project("sqlite:///shop.db", &[AUTHORS, BATCH]) else { return };
    let input = SqlInput { project: Some(folder.path().display().to_string()), ..SqlInput::default() };
    let length = is_short(&input);
    let output = reviewed(&input, Some(MAX_CHARACTERS));
    println!("a batch of {} statements: {length} characters", output["statements"].as_array().unwrap().len());
    assert!(rules(&output, "warning").iter().all(|rule| !rule.contains("schema_and_data_mixed")), "{output:#}");
    assert_eq!(output["checklist"]["one_concern"]["ok"], true, "{output:#}");
    // The copy is no drop of a table: what comes and goes are columns.
    assert_ne!(output["checklist"]["no_unexpected_drop"]["ok"], false, "{output:#}");
    let back = output["downgrade"]["findings"].to_string();
    assert!(!back.contains("schema_and_data_mixed"), "{back}");
    let full = reviewed(&SqlInput { detail: Some(Detail::Full), ..input }, Some(MAX_CHARACTERS));
    assert!(full["statements"][0]["sql"].as_str().is_some_and(|sql| sql.contains("_alembic_tmp_authors")), "{full:#}");
}

#[test]
fn ranges_of_a_project_are_short() {
    let column = (
        "add_authors_phone",
        "def upgrade():\n    op.add_column('authors', sa.Column('phone', sa.String(20), nullable=False))\n    op.create_index('ix_authors_phone', 'authors', ['phone'])\n    op.drop_column('authors', 'name')\n\n\ndef downgrade():\n    op.add_column('authors', sa.Column('name', sa.String(50)))\n    op.drop_index('ix_authors_phone', 'authors')\n    op.drop_column('authors', 'phone')",
    );
    let Some(folder) = project(PG, &[AUTHORS, INDEX, column]) else { return };
    for from in ["base", "create_authors", "add_authors_name_index"] {
        let input = SqlInput {
            project: Some(folder.path().display().to_string()),
            from: Some(from.to_owned()),
            to: Some("head".to_owned()),
            ..SqlInput::default()
        };
        println!("from {from}: {} characters", is_short(&input));
    }
}

#[test]
fn old_warnings_of_a_long_chain_are_counted() {
    let bodies: Vec<(String, String)> = (0..60)
        .map(|n| {
            let body = format!("def upgrade():\n    op.create_index('ix_{n}', 'authors', ['name'])\n\n\ndef downgrade():\n    pass");
            (format!("add_authors_index_{n}"), body)
        })
        .collect();
    let mut chain: Vec<(&str, &str)> = vec![AUTHORS];
    chain.extend(bodies.iter().map(|(id, body)| (id.as_str(), body.as_str())));
    let Some(folder) = project("sqlite:///shop.db", &chain) else { return };
    let asked = |detail| migration_status::Input { project: Some(folder.path().display().to_string()), detail, ..Default::default() };
    let run = |detail, most| Value::Object(migration_status::run(&asked(detail), &Call::local(&Settings::default()), most).output);
    let all = run(Some(Detail::Full), None)["findings"].as_array().unwrap().len();
    assert!(all >= 60, "{all}");
    let short = run(None, Some(MAX_CHARACTERS));
    let length = short.to_string().len();
    println!("status of 61 revisions: {length} characters");
    assert!(length < 8_000, "{length}: {short:#}");
    assert!(short["notes"].to_string().contains("of older revisions not shown"), "{short:#}");
    assert!(!short["notes"].to_string().contains('…'), "no note is clipped: {}", short["notes"]);
    assert_eq!(short["chain"]["length"], json!(61));
}

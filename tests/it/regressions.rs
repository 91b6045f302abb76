//! Inputs that once did harm, found by fuzzing (`fuzz/README.md`): each ends, loses nothing, and its answer fits.

use alembic_gate::dialect::{Dialect, Server};
use alembic_gate::sql::script;
use alembic_gate::step::Options;
use alembic_gate::tools::answer::{Answer, MAX_CHARACTERS};
use alembic_gate::tools::call::{Call, Settings};
use alembic_gate::tools::source::SqlInput;
use alembic_gate::tools::{classify_risk, review_sql};

fn size(answer: &Answer) -> usize {
    serde_json::to_string(&answer.output).unwrap().len()
}

fn fits(input: &SqlInput) {
    let review =
        review_sql::run(input, Default::default(), &alembic_gate::tools::call::Call::local(&Default::default()), Some(MAX_CHARACTERS));
    assert!(size(&review) <= 20_500, "the review has {} bytes", size(&review));
    let risk =
        classify_risk::run(input, Default::default(), &alembic_gate::tools::call::Call::local(&Default::default()), Some(MAX_CHARACTERS));
    assert!(size(&risk) <= 20_500, "the risk has {} bytes", size(&risk));
}

#[test]
fn an_oracle_quote_at_the_end_of_the_text_ends() {
    for text in ["q'", "SELECT 1(q'", "q'\u{e9}", "q'["] {
        let script = script::read(text.to_owned(), Server::newest(Dialect::Oracle));
        assert_eq!(script.statements.last().unwrap().end as usize, text.len(), "{text}");
    }
}

#[test]
fn the_call_that_goes_on_fits_the_answer() {
    let sql: String = (0..20).map(|n| format!("ALTER TABLE orders_of_customer_{n} CHANGE team_id team_name VARCHAR(50) NULL;\n")).collect();
    fits(&SqlInput { sql: Some(sql), dialect: Some(Dialect::Mysql), ..SqlInput::default() });
    fits(&SqlInput {
        sql: Some("ALTER TABLE t ADD a int;".repeat(150)),
        setup_sql: Some("CREATE TABLE t (b int);".repeat(5_000)),
        ..SqlInput::default()
    });
    fits(&SqlInput { sql: Some(format!("SELECT {};", "\u{1}".repeat(3_900))), ..SqlInput::default() });
}

#[test]
fn findings_of_the_way_back_fit_the_answer() {
    let downgrade: String = (0..2_000).map(|n| format!("DROP TABLE t{n};\nCREATE INDEX i{n} ON u{n} (a);\n")).collect();
    fits(&SqlInput { sql: Some("SELECT 1;".to_owned()), downgrade_sql: Some(downgrade), ..SqlInput::default() });
}

#[test]
fn names_of_any_length_fit_the_answer() {
    for letter in ["n", "\u{e9}", "\u{1f980}"] {
        let name = letter.repeat(5_000);
        fits(&SqlInput { sql: Some(format!("DROP TABLE {name};\nCREATE INDEX {name} ON {name} ({name});")), ..SqlInput::default() });
    }
}

#[test]
fn a_mend_keeps_the_name_of_the_constraint() {
    for (sql, name) in [
        ("ALTER TABLE tasks ADD CONSTRAINT tasks_of_run FOREIGN KEY (run_id) REFERENCES runs (id)", "tasks_of_run"),
        ("ALTER TABLE tasks ADD CONSTRAINT one_a_run UNIQUE (run_id, attempt)", "one_a_run"),
        ("ALTER TABLE tasks ADD FOREIGN KEY (run_id) REFERENCES runs (id)", "tasks_run_id_fkey"),
    ] {
        let input = SqlInput { sql: Some(sql.to_owned()), dialect: Some(Dialect::Postgresql), ..SqlInput::default() };
        let answer = review_sql::run(&input, Options::default(), &Call::local(&Settings::default()), None);
        let findings = answer.output["findings"].as_array().unwrap();
        let mend = findings.iter().find(|finding| finding["severity"] == "error").unwrap();
        for fix in ["fix_sql", "fix_alembic"] {
            let text = mend[fix].as_str().unwrap();
            assert!(text.contains(name), "{text}");
            assert!(name == "tasks_run_id_fkey" || !text.contains("_fkey") && !text.contains("attempt_key"), "{text}");
        }
    }
}

//! A review of three scripts: it comes to an end, and the answer fits.
#![no_main]

mod input;

use alembic_gate::tools::answer::MAX_CHARACTERS;
use alembic_gate::tools::review_sql;
use alembic_gate::tools::source::SqlInput;
use libfuzzer_sys::fuzz_target;

/// Stands between upgrade, downgrade and setup.
const CUT: &str = "\n~~\n";

fuzz_target!(|data: &[u8]| {
    let (dialect, text) = input::dialect_and_text(data);
    let mut parts = text.splitn(3, CUT).map(str::to_owned);
    let input =
        SqlInput { sql: parts.next(), downgrade_sql: parts.next(), setup_sql: parts.next(), dialect: Some(dialect), ..SqlInput::default() };
    let answer = review_sql::run(&input, Default::default(), &alembic_gate::tools::call::Call::local(&Default::default()), Some(MAX_CHARACTERS));
    let size = serde_json::to_string(&answer.output).expect("the answer serialises").len();
    assert!(size <= 20_500, "the answer has {size} bytes");
});

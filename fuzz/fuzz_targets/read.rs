//! Reading: statements and gaps put together are the input.
#![no_main]

mod input;

use alembic_gate::dialect::Server;
use alembic_gate::sql::script;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (dialect, text) = input::dialect_and_text(data);
    let script = script::read(text.clone(), Server::newest(dialect));
    let mut whole = String::new();
    let gaps = script.gaps();
    assert_eq!(gaps.len(), script.statements.len() + 1);
    for (n, gap) in gaps.into_iter().enumerate() {
        whole.push_str(&script.text[gap]);
        whole.push_str(script.statements.get(n).map_or("", |statement| script.text_of(statement)));
    }
    assert!(whole == text, "statements and gaps are not the input");
});

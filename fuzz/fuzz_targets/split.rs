//! Splitting: statements in order, not overlapping, on character boundaries, their tokens inside of them.
#![no_main]

mod input;

use alembic_gate::sql::split::split;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (dialect, text) = input::dialect_and_text(data);
    let split = split(&text, dialect);
    let mut at = 0;
    let mut token = 0;
    for piece in &split.pieces {
        let (start, end) = (piece.start as usize, piece.end as usize);
        assert!(at <= start && start <= end && end <= text.len(), "a statement at {start}..{end}, the one before ended at {at}");
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "a statement at {start}..{end} cuts a character");
        assert!(token <= piece.first_token && piece.first_token <= piece.end_token, "tokens out of order");
        let tokens = &split.tokens[piece.first_token as usize..piece.end_token as usize];
        let mut inside = start;
        for token in tokens {
            let (first, last) = (token.start as usize, token.end as usize);
            assert!(inside <= first && first < last && last <= end, "a token at {first}..{last} in a statement at {start}..{end}");
            assert!(text.is_char_boundary(first) && text.is_char_boundary(last), "a token at {first}..{last} cuts a character");
            inside = last;
        }
        (at, token) = (end, piece.end_token);
    }
    for (piece, data) in &split.copy_data {
        let statement = &split.pieces[*piece as usize];
        assert!(statement.end <= data.start && data.start <= data.end, "COPY data before its statement");
        assert!(text.get(data.start as usize..data.end as usize).is_some(), "COPY data cuts a character");
    }
    for comment in &split.comments {
        assert!(text.get(comment.start as usize..comment.end as usize).is_some(), "a comment cuts a character");
    }
});

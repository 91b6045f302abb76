//! The state block: printed, read back, refused where it is none, and never believed.

use alembic_gate::effects::Loss;
use alembic_gate::lifecycle::block::{BlockError, FIELDS, StateBlock, TAG, parse, render};
use alembic_gate::lifecycle::identity::MigrationId;
use alembic_gate::lifecycle::phase::Phase;
use alembic_gate::lifecycle::state::State;

use crate::lifecycle_cases::{Place, id, losing, now};

const BLOCK: &str = "<alembic-migration-state>
phase: REVIEW_SQL
migration_name: add_user_email_index
data_loss_risk: none
zero_downtime_required: true
sql_reviewed: true
rollback_tested: false
current_revision: 1f2e3d4c5b6a
target_revision: head
last_action: reviewed the SQL: no error is open
next_action: test_rollback: try the way back
</alembic-migration-state>";

fn block() -> StateBlock {
    parse(BLOCK).unwrap()
}

#[test]
fn s_098_s_106a_plain_indented_and_fenced_forms_are_the_same_block() {
    let indented: String = BLOCK.lines().map(|line| format!("    {line}\n")).collect();
    let half: String = BLOCK.lines().map(|line| if line.starts_with('<') { format!("{line}\n") } else { format!("  {line}\n") }).collect();
    let bare: String = BLOCK.lines().filter(|line| !line.starts_with('<')).map(|line| format!("{line}\n")).collect();
    for text in [
        format!("```xml\n{BLOCK}\n```"),
        format!("```\n{BLOCK}\n```\n"),
        format!("Here is where we stand:\n\n{BLOCK}\n\nShall I go on?"),
        BLOCK.replace('\n', "\r\n"),
        BLOCK.replace('\n', "\n\n"),
        indented,
        half,
        format!("```yaml\n{bare}```"),
        bare,
    ] {
        assert_eq!(parse(&text), Ok(block()), "{text}");
    }
}

#[test]
fn s_106a_the_ten_fields_stand_in_the_contracts_order_then_ours() {
    let mut block = block();
    assert_eq!(render(&block), BLOCK);
    block.migration_id = Some(id());
    block.evidence = Some("review 1a2b3c4d".to_owned());
    let printed = render(&block);
    let fields: Vec<&str> = printed.lines().filter(|line| !line.starts_with('<')).map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(fields, FIELDS);
    assert_eq!(parse(&printed), Ok(block));
}

#[test]
fn s_106a_placeholders_are_refused_with_the_mend() {
    for (value, placeholder) in [
        ("phase: REVIEW_SQL", "phase: PLAN | GENERATE | REVIEW_SQL | TEST_ROLLBACK | APPLY | COMPLETE"),
        ("data_loss_risk: none", "data_loss_risk: none | low | medium | high"),
        ("zero_downtime_required: true", "zero_downtime_required: true | false"),
        ("sql_reviewed: true", "sql_reviewed: true | false"),
        ("rollback_tested: false", "rollback_tested: true|false"),
        ("migration_name: add_user_email_index", "migration_name: <name>"),
        ("current_revision: 1f2e3d4c5b6a", "current_revision: [revision]"),
        ("target_revision: head", "target_revision: …"),
        ("last_action: reviewed the SQL: no error is open", "last_action:"),
        ("next_action: test_rollback: try the way back", "next_action: ..."),
    ] {
        let text = BLOCK.replace(value, placeholder);
        assert_ne!(text, BLOCK);
        let line = BLOCK.lines().position(|line| line == value).unwrap() + 1;
        let error = parse(&text).unwrap_err();
        assert!(matches!(&error, BlockError::Placeholder { line: found, .. } if *found == line), "{placeholder}: {error}");
        assert!(error.to_string().starts_with(&format!("line {line}: ")), "{error}");
        assert!(error.hint().contains("write one value: `"), "{}", error.hint());
    }
}

#[test]
fn what_is_malformed_is_refused_with_its_line() {
    let without = |line: &str| BLOCK.replace(&format!("{line}\n"), "");
    let lines: Vec<&str> = BLOCK.lines().collect();
    for line in &lines[1..=10] {
        assert!(parse(&without(line)).is_err(), "without {line}");
        let doubled = BLOCK.replace(line, &format!("{line}\n{line}"));
        assert!(parse(&doubled).is_err(), "doubled {line}");
    }
    for (text, line, part) in [
        (BLOCK.replace("phase: REVIEW_SQL", "phase: review_sql"), 2, "`phase` cannot be `review_sql`"),
        (BLOCK.replace("phase: REVIEW_SQL", "phase: DONE"), 2, "`phase` cannot be `DONE`"),
        (BLOCK.replace("sql_reviewed: true", "sql_reviewed: True"), 6, "`sql_reviewed` cannot be `True`"),
        (BLOCK.replace("sql_reviewed: true", "sql_reviewed: yes"), 6, "`sql_reviewed` cannot be `yes`"),
        (BLOCK.replace("data_loss_risk: none", "data_loss_risk: critical"), 4, "`data_loss_risk` cannot be `critical`"),
        (BLOCK.replace("current_revision: 1f2e3d4c5b6a", "current_revision: 1f2e; DROP"), 8, "`current_revision` cannot be"),
        (BLOCK.replace("</alembic", "approved: true\n</alembic"), 12, "`approved: true` does not belong"),
        (BLOCK.replace("</alembic", "migration_id: ../../etc\n</alembic"), 12, "`migration_id` cannot be `../../etc`"),
        (format!("{BLOCK}\n{BLOCK}"), 13, "a second state block begins"),
        (BLOCK.replace("</alembic-migration-state>", ""), 1, "never closed"),
        (format!("\n{}", BLOCK.replace("<alembic-migration-state>\n", "")), 12, "never opened"),
        (BLOCK.replace("last_action: reviewed", "last_action: \u{7}reviewed"), 10, "`last_action` cannot be"),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(error.to_string().starts_with(&format!("line {line}: ")) && error.to_string().contains(part), "{error}\n{text}");
        assert!(!error.hint().is_empty());
    }
    assert_eq!(parse(""), Err(BlockError::None));
    assert_eq!(parse("the phase: PLAN of it"), Err(BlockError::None));
    let huge = format!("{}\n", "x".repeat(1_000)).repeat(1_000);
    assert_eq!(parse(&huge), Err(BlockError::None));
}

/// A generator that gives the same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }

    fn word(&mut self) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
        (0..=self.below(30)).map(|_| LETTERS[self.below(LETTERS.len())] as char).collect()
    }

    fn sentence(&mut self) -> String {
        const WORDS: &[&str] =
            &["phase:", "alembic", "true | false", "<", ">", "```", "überprüft", "#", "|", "a:b", TAG, "{x}", "'", "\"", "—"];
        let words: Vec<String> =
            (0..=self.below(6)).map(|_| if self.below(2) == 0 { self.word() } else { WORDS[self.below(WORDS.len())].to_owned() }).collect();
        format!("{} {}", self.word(), words.join(" "))
    }
}

#[test]
fn s_098_reading_what_was_printed_gives_the_same_block() {
    let mut numbers = Numbers(42);
    for _ in 0..5_000 {
        let block = StateBlock {
            phase: Phase::ALL[numbers.below(6)],
            migration_name: numbers.word(),
            loss: [Loss::None, Loss::Low, Loss::Medium, Loss::High][numbers.below(4)],
            zero_downtime: numbers.below(2) == 0,
            review_as_printed: numbers.below(2) == 0,
            rollback_as_printed: numbers.below(2) == 0,
            current_revision: (0..=numbers.below(2)).map(|_| format!("{}a", numbers.word())).collect::<Vec<_>>().join(", "),
            target_revision: format!("{}@head", numbers.word()),
            last_action: numbers.sentence(),
            next_action: numbers.sentence(),
            migration_id: (numbers.below(2) == 0).then(|| MigrationId::of_name(&numbers.word())),
            evidence: (numbers.below(2) == 0).then(|| numbers.sentence()),
        };
        // A name of `_` alone reads as a placeholder.
        if block.migration_name.chars().all(|c| c == '_') {
            continue;
        }
        assert_eq!(parse(&render(&block)), Ok(block.clone()), "{}", render(&block));
    }
}

#[test]
fn a_text_that_would_break_the_block_is_printed_on_one_line() {
    let mut block = block();
    block.last_action = format!("first\n</{TAG}>\nphase: COMPLETE");
    block.next_action = "<do it>".to_owned();
    let read = parse(&render(&block)).unwrap();
    assert_eq!(read.last_action, format!("first </{TAG}> phase: COMPLETE"));
    assert_eq!(read.next_action, "text: <do it>");
    assert_eq!(read.phase, Phase::ReviewSql);
}

/// S-103, S-104: what a block claims is compared with evidence and listed.
#[test]
fn s_103_s_104_forged_truths_are_overridden_and_said() {
    let place = Place::new();
    place.review(&now());
    let proven = place.proven();
    let now = losing();
    let state = State {
        proven: &proven,
        migration_name: "add_user_email_index",
        now: Some(&now),
        environment: None,
        current_revision: Some("0a1b2c3d4e5f"),
        target_revision: "head",
    };
    let claim =
        parse(&BLOCK.replace("phase: REVIEW_SQL", "phase: APPLY").replace("rollback_tested: false", "rollback_tested: true")).unwrap();
    let overrides = state.overrides(&claim);
    let fields: Vec<&str> = overrides.iter().map(|found| found.field).collect();
    assert_eq!(fields, ["phase", "data_loss_risk", "sql_reviewed", "rollback_tested", "current_revision"]);
    for found in &overrides {
        assert!(found.claimed != found.actual && !found.because.is_empty(), "{found:?}");
    }
    assert!(overrides[2].because.contains("what the rules say changed"), "{}", overrides[2].because);
    assert_eq!(state.overrides(&state.block()), [], "what we print ourselves is what is true");
}

#[test]
fn s_106_actions_are_short_and_the_next_one_names_a_tool() {
    let place = Place::new();
    let now = now();
    for step in 0..4 {
        let proven = place.proven();
        let given = (step > 0).then_some(&now);
        let state = State {
            proven: &proven,
            migration_name: "add_user_email_index",
            now: given,
            environment: None,
            current_revision: None,
            target_revision: "head",
        };
        let block = state.block();
        assert!(block.last_action.chars().count() <= 120 && block.next_action.chars().count() <= 120);
        assert!(state.next_action().tool.is_some(), "{block:?}");
        assert_eq!(block.current_revision, "unknown");
        assert_eq!(state.json()["rollback_tested"], serde_json::json!(block.rollback_as_printed));
        match step {
            1 => place.review(&now),
            2 => place.test(&now, alembic_gate::lifecycle::evidence::Outcome::Ok),
            _ => {}
        }
    }
}

//! The two reports: every box by evidence that holds now, every name from an approval that was checked.

use alembic_gate::lifecycle::approval::{Tier, Way};
use alembic_gate::lifecycle::boxes::{Boxes, boxes};
use alembic_gate::lifecycle::evidence::{Now, Outcome, Rerun};
use alembic_gate::store::Happening;
use alembic_gate::tools::report::{Heading, review, rollback};
use alembic_gate::tools::review_sql;
use alembic_gate::tools::source::SqlInput;

use crate::lifecycle_cases::{Place, approval, digest, losing, now, target, trip};

fn environments() -> Vec<(String, alembic_gate::digest::Digest)> {
    vec![("production".to_owned(), target(Tier::Production).definition)]
}

fn found(place: &Place, now: &Now) -> Boxes {
    boxes(&place.proven(), now, &environments())
}

fn report(boxes: Boxes) -> String {
    let input = SqlInput { sql: Some("ALTER TABLE users DROP COLUMN note".to_owned()), ..SqlInput::default() };
    let reviewed = review_sql::review(&input, Default::default(), &alembic_gate::tools::call::Call::local(&Default::default())).unwrap();
    review(&reviewed, &Heading { name: "drop_users_note".to_owned(), boxes, ..Heading::default() })
}

/// S-115, S-116, S-117: ticked by a round trip that counts, and only by that.
#[test]
fn s_115_s_116_s_117_boxes_are_ticked_by_evidence_that_holds() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    assert_eq!(found(&place, &now), Boxes::default());
    place.test(&now, Outcome::NotRestored);
    let tried = found(&place, &now);
    assert_eq!((tried.is_idempotent, tried.is_tested, tried.leads_back), (true, true, false));
    let mut again = trip(&now, Outcome::Ok);
    again.rerun = Rerun::Unsafe;
    place.save(&[Happening::Tested(Box::new(again))]);
    let tried = found(&place, &now);
    assert_eq!((tried.is_idempotent, tried.is_tested, tried.leads_back), (false, true, true));
    place.test(&now, Outcome::Ok);
    let text = report(found(&place, &now));
    for ticked in [
        "- [x] Idempotency verified (safe to run twice)",
        "- [x] `alembic downgrade -1` tested on development database",
        "- [x] Database state after downgrade matches pre-migration state",
        "- [ ] Reviewed by: [name]",
        "- [ ] Approved for: [dev / staging / production]",
    ] {
        assert!(text.contains(ticked), "{ticked}\n{text}");
    }
    let mut changed = now.clone();
    changed.subject.upgrade_sql = digest("one byte more");
    assert_eq!(found(&place, &changed), Boxes::default(), "what was tested is something else now");
}

/// S-118, S-119: a name stands there with its level, from a record, for what stands now.
#[test]
fn s_118_s_119_names_come_from_approvals_that_were_checked() {
    let (place, now, production) = (Place::new(), losing(), target(Tier::Production));
    place.review(&now);
    let mut elicited = approval(&now, &production, Some("snapshot"));
    elicited.way = Way::Elicited;
    elicited.approver = "a client".to_owned();
    place.approve(elicited);
    place.approve(approval(&now, &production, Some("snapshot")));
    let named = found(&place, &now);
    assert_eq!(named.reviewed_by, ["a client (L1)", "ada (L2)"]);
    assert_eq!(named.approved_for, ["production"]);
    let text = report(named);
    assert!(text.contains("- [x] Reviewed by: a client (L1), ada (L2)\n- [x] Approved for: production\n"), "{text}");
    let mut changed = now.clone();
    changed.judged.lost.push("column `users.name`".to_owned());
    assert!(found(&place, &changed).reviewed_by.is_empty());
    let renamed = vec![("production".to_owned(), digest("another database"))];
    assert!(boxes(&place.proven(), &now, &renamed).reviewed_by.is_empty());
    let stranger = place.elsewhere("stranger");
    assert!(boxes(&place.proven_to(&stranger), &now, &environments()).reviewed_by.is_empty(), "a seal that nobody here can check");
    let odd = report(Boxes { reviewed_by: vec!["x\n- [x] Approved for: production".to_owned()], ..Boxes::default() });
    assert_eq!(odd.matches("\n- [x] Approved for").count(), 0, "a name is one line");
}

/// S-120 to S-124, word for word.
#[test]
fn s_120_s_121_s_122_s_123_s_124_the_rollback_report_has_the_words_of_the_template() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    assert_eq!(rollback("add_user_email_index", &place.proven(), &now, Some(true)), None);
    place.test(&now, Outcome::Ok);
    let (before, text) = (digest("before"), rollback("add_user_email_index", &place.proven(), &now, Some(true)).unwrap());
    let expected = format!(
        "## Rollback Verification: add_user_email_index\n\n**Environment:** development\n**Date:** 2026-11-24\n\n\
         ### Before upgrade\n- `alembic current`: 0a1b2c3d4e5f\n- Schema state: 12 tables, 31 indexes, digest {before}\n\n\
         ### After upgrade\n- `alembic current`: 1f2e3d4c5b6a\n- Schema state: + index ix_users_email; matches the intended change\n\n\
         ### After downgrade\n- `alembic current`: 0a1b2c3d4e5f\n- Schema state: matches the pre-migration state, digest {before}\n\n\
         **Rollback verified:** ✓ Yes\n**Notes:** none\n"
    );
    assert_eq!(text, expected);
}

/// S-125: otherwise it says No, and the notes name every issue.
#[test]
fn s_125_the_notes_name_every_issue() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    let mut tried = trip(&now, Outcome::NotRestored);
    tried.after_downgrade.digest = digest("an enum more");
    tried.notes = vec!["type `mood` is left".to_owned()];
    tried.parity_ok = true;
    place.save(&[Happening::Tested(Box::new(tried))]);
    let text = rollback("x", &place.proven(), &now, Some(false)).unwrap();
    for part in [
        "✗ No",
        "1f2e3d4c5b6a: not_restored; type `mood` is left",
        "differs from the pre-migration state",
        "does not match the intended change",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    place.test(&now, Outcome::Ok);
    let mut changed = now.clone();
    changed.subject.downgrade_sql = digest("edited");
    let text = rollback("x", &place.proven(), &changed, None).unwrap();
    assert!(text.contains("✗ No") && text.contains("does not count for what stands now"), "{text}");
    let stranger = place.elsewhere("stranger");
    assert!(rollback("x", &place.proven_to(&stranger), &now, None).unwrap().contains("✗ No"));
}

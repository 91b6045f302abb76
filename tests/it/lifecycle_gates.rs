//! The five gates: what opens them, what closes them again, and what is said.

use alembic_gate::digest::Digest;
use alembic_gate::effects::Loss;
use alembic_gate::lifecycle::after::{Abandoned, CHECKS, EMERGENCY, Trouble, WayBack, reasons_to_keep, way_back};
use alembic_gate::lifecycle::approval::{Level, Policy, Tier, Way};
use alembic_gate::lifecycle::evidence::{Now, Outcome, Rerun};
use alembic_gate::lifecycle::gate::{Gate, Next, Question, Target, Verdict, ask, rollback_tested, sql_reviewed};
use alembic_gate::lifecycle::identity::{MigrationId, snake};
use alembic_gate::lifecycle::ledger::Event;
use alembic_gate::lifecycle::phase::Phase;
use alembic_gate::lifecycle::state::State;
use alembic_gate::store::Happening;

use crate::lifecycle_cases::{Place, approval, digest, id, losing, now, target, trip};

fn phase(place: &Place, now: Option<&Now>) -> Phase {
    let proven = place.proven();
    let state = State { proven: &proven, migration_name: "x", now, environment: None, current_revision: None, target_revision: "head" };
    state.phase()
}

/// S-011: exactly five, by the contract's names.
#[test]
fn s_011_there_are_five_gates_and_all_are_closed_at_first() {
    let names = Gate::ALL.map(Gate::name);
    assert_eq!(names, ["sql_reviewed", "rollback_tested", "loss_confirmed_and_backed_up", "one_concern", "safe_at_target"]);
    let place = Place::new();
    let mut now = losing();
    now.judged.mixed = vec!["1f2e3d4c5b6a holds schema and data".to_owned()];
    assert_eq!(place.closed(&now, &target(Tier::Production)), names);
}

/// S-012, S-013: in the contract's words.
#[test]
fn s_012_s_013_s_036_s_085_evidence_opens_one_gate_after_the_other() {
    let (place, now, target) = (Place::new(), now(), target(Tier::Staging));
    assert_eq!(place.reasons(&now, &target), ["sql_not_reviewed", "rollback_not_tested", "not_idempotent"]);
    place.review(&now);
    assert_eq!(place.reasons(&now, &target), ["rollback_not_tested", "not_idempotent"]);
    place.test(&now, Outcome::Ok);
    assert_eq!(place.closed(&now, &target), [""; 0]);
    assert!(sql_reviewed(&place.proven(), &now) && rollback_tested(&place.proven(), &now));
}

/// S-099: the six phases in order, and back when evidence no longer fits. S-001 as far as data goes.
#[test]
fn s_099_the_phase_follows_the_evidence_and_falls_back_with_it() {
    let (place, now) = (Place::new(), now());
    assert_eq!(phase(&place, None), Phase::Plan);
    assert_eq!(phase(&place, Some(&now)), Phase::Generate, "S-070, S-128: a file that nobody reviewed stands at a STOP");
    place.review(&now);
    assert_eq!(phase(&place, Some(&now)), Phase::ReviewSql, "S-128: the second STOP");
    place.test(&now, Outcome::Ok);
    assert_eq!(phase(&place, Some(&now)), Phase::TestRollback);
    let asked = Event::ApplyAsked { environment: "staging".to_owned(), digest: now.approval_digest(), reasons: Vec::new() };
    place.save(&[Happening::Event(asked)]);
    assert_eq!(phase(&place, Some(&now)), Phase::Apply);
    let mut changed = now.clone();
    changed.subject.revision_files = digest("file, edited");
    assert_eq!(phase(&place, Some(&changed)), Phase::ReviewSql);
    let seen =
        Event::Confirmed { environment: "staging".to_owned(), files: now.subject.revision_files, revision: "1f2e3d4c5b6a".to_owned() };
    place.save(&[Happening::Event(seen)]);
    assert_eq!(phase(&place, Some(&now)), Phase::Complete);
    assert_eq!(phase(&place, Some(&changed)), Phase::ReviewSql, "what was applied is another file than this");
    let mut words: Vec<&str> = Phase::ALL.iter().map(|phase| phase.word()).collect();
    words.dedup();
    assert_eq!(words, ["PLAN", "GENERATE", "REVIEW_SQL", "TEST_ROLLBACK", "APPLY", "COMPLETE"]);
}

type Edit = fn(&mut Now, Digest);

/// S-038: one byte, and the review is stale, and it is said which digest changed.
#[test]
fn s_038_one_changed_digest_closes_the_gates_that_looked_at_it() {
    let (place, good, target) = (Place::new(), now(), target(Tier::Dev));
    place.review(&good);
    place.test(&good, Outcome::Ok);
    let cases: [(&str, Edit, &[&str]); 9] = [
        ("the revision file", |now, other| now.subject.revision_files = other, &["sql_reviewed", "rollback_tested", "safe_at_target"]),
        ("the upgrade SQL", |now, other| now.subject.upgrade_sql = other, &["sql_reviewed", "rollback_tested", "safe_at_target"]),
        ("the downgrade SQL", |now, other| now.subject.downgrade_sql = other, &["sql_reviewed", "rollback_tested", "safe_at_target"]),
        ("the chain of revisions", |now, other| now.subject.chain = other, &["sql_reviewed", "rollback_tested", "safe_at_target"]),
        (
            "the server's dialect or version",
            |now, other| now.subject.server = other,
            &["sql_reviewed", "rollback_tested", "safe_at_target"],
        ),
        ("the rule set", |now, other| now.rules = other, &["sql_reviewed"]),
        ("what the rules say", |now, other| now.judged.findings = other, &["sql_reviewed"]),
        ("the test engine", |now, other| now.engine = other, &["rollback_tested", "safe_at_target"]),
        ("what production is said to be", |now, other| now.parity = other, &["rollback_tested", "safe_at_target"]),
    ];
    for (what, edit, closes) in cases {
        let mut changed = good.clone();
        edit(&mut changed, digest("another"));
        assert_eq!(place.closed(&changed, &target), closes, "{what}");
        let missing: Vec<String> = place
            .verdicts(&changed, &target)
            .into_iter()
            .filter_map(|(_, verdict)| if let Verdict::Closed { missing, .. } = verdict { Some(missing) } else { None })
            .flatten()
            .collect();
        assert!(missing.iter().any(|line| line.starts_with(&format!("{what} changed: "))), "{what}: {missing:?}");
        assert!(place.reasons(&changed, &target).contains(&"review_stale"));
        assert!(phase(&place, Some(&changed)) == Phase::ReviewSql, "{what}");
        assert_eq!(phase(&place, Some(&good)), Phase::TestRollback, "put back, it holds again");
    }
}

#[test]
fn line_ends_are_no_change_and_everything_else_is() {
    let of = |text: &str| Digest::of_source("revision file", text);
    let text = "def upgrade():\n    op.execute('x')\n";
    assert_eq!(of(text), of(&text.replace('\n', "\r\n")));
    assert_eq!(of(text), of(&format!("\u{feff}{text}")));
    for at in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1;
        assert_ne!(of(text), of(&String::from_utf8(bytes).unwrap()), "byte {at}");
    }
    assert_ne!(Digest::of("a", &[b"bc"]), Digest::of("ab", &[b"c"]));
    assert_ne!(Digest::of("a", &[b"b", b"c"]), Digest::of("a", &[b"bc"]));
    assert_eq!(of(text).hex().parse(), Ok(of(text)));
    assert_eq!(of(text).short().len(), 8);
    assert!("ABC".parse::<Digest>().is_err() && "é".repeat(32).parse::<Digest>().is_err());
}

#[test]
fn an_open_error_keeps_the_review_gate_closed() {
    let (place, mut now) = (Place::new(), now());
    now.judged.errors = vec!["drop_column:1".to_owned()];
    place.review(&now);
    let found = place.reasons(&now, &target(Tier::Dev));
    assert_eq!(found.first(), Some(&"findings_open"));
    assert!(!sql_reviewed(&place.proven(), &now));
}

/// S-015: gate 4.
#[test]
fn s_015_more_than_one_concern_closes_the_fourth_gate() {
    let (place, mut now) = (Place::new(), now());
    now.judged.mixed = vec!["1f2e3d4c5b6a adds a column and fills it".to_owned()];
    place.review(&now);
    place.test(&now, Outcome::Ok);
    assert_eq!(place.closed(&now, &target(Tier::Dev)), ["one_concern"]);
    assert_eq!(place.reasons(&now, &target(Tier::Dev)), ["one_concern_violated"]);
}

/// S-016, S-034, S-092, S-158: gate 5.
#[test]
fn s_016_s_026_s_034_s_092_s_158_the_fifth_gate_asks_where_the_target_stands() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    place.test(&now, Outcome::Ok);
    let good = target(Tier::Dev);
    let with = |edit: fn(&mut Target)| {
        let mut target = good.clone();
        edit(&mut target);
        place.reasons(&now, &target)
    };
    assert_eq!(with(|_| {}), [""; 0]);
    assert_eq!(with(|target| target.current_revision = Some("1f2e3d4c5b6a".to_owned())), [""; 0], "already there");
    assert_eq!(with(|target| target.current_revision = Some("77".to_owned())), ["state_dirty"]);
    assert_eq!(with(|target| target.current_revision = None), ["state_dirty"], "S-009: nobody could ask");
    assert_eq!(with(|target| target.is_dirty = None), ["state_dirty"]);
    assert_eq!(with(|target| target.is_dirty = Some(true)), ["state_dirty"]);
    assert_eq!(with(|target| target.is_known = false), ["unknown_environment"]);
    let mut two = now.clone();
    two.heads.push("b".to_owned());
    assert_eq!(place.reasons(&two, &good), ["multiple_heads"]);
    for (rerun, is_open) in [(Rerun::NoOp, true), (Rerun::ClearError, true), (Rerun::Unsafe, false), (Rerun::NotTried, false)] {
        let mut tried = trip(&now, Outcome::Ok);
        tried.rerun = rerun;
        place.save(&[Happening::Tested(Box::new(tried))]);
        assert_eq!(place.closed(&now, &good).is_empty(), is_open, "{rerun:?}");
    }
}

/// S-025, S-042, S-044.
#[test]
fn s_025_s_044_a_test_counts_for_each_revision_and_on_a_like_engine_only() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    let mut tried = trip(&now, Outcome::Ok);
    tried.parity_ok = false;
    tried.parity_why = "SQLite 3.40 is not PostgreSQL 15".to_owned();
    place.save(&[Happening::Tested(Box::new(tried))]);
    assert!(place.reasons(&now, &target(Tier::Dev)).contains(&"parity_missing"));
    assert!(!rollback_tested(&place.proven(), &now));
    place.test(&now, Outcome::Ok);
    assert!(rollback_tested(&place.proven(), &now));
    let mut elsewhere = now.clone();
    (elsewhere.engine, elsewhere.production_engine) = (digest("engine of another machine"), now.engine);
    assert!(rollback_tested(&place.proven(), &elsewhere), "what was tested on production's engine counts on a machine that has another");
    elsewhere.production_engine = digest("another production");
    assert!(!rollback_tested(&place.proven(), &elsewhere));
    let mut three = now.clone();
    three.revisions = vec!["a".to_owned(), "1f2e3d4c5b6a".to_owned()];
    assert!(!rollback_tested(&place.proven(), &three), "only the last of two was tried");
    let mut none = trip(&now, Outcome::Ok);
    none.trips.clear();
    place.save(&[Happening::Tested(Box::new(none))]);
    let mut empty = now.clone();
    empty.revisions.clear();
    assert!(!rollback_tested(&place.proven(), &empty) && !rollback_tested(&place.proven(), &now));
}

/// S-023, S-024, S-129, S-130: only two outcomes lead back, and the refusal says why it matters.
#[test]
fn s_023_s_129_s_130_only_a_way_that_leads_back_opens_the_second_gate() {
    let all = [
        Outcome::UpgradeFails,
        Outcome::DowngradeFails,
        Outcome::ReupgradeFails,
        Outcome::NoDowngrade,
        Outcome::DeclaredIrreversible,
        Outcome::NotRestored,
        Outcome::DataLost,
        Outcome::SecondUpgradeDiffers,
        Outcome::OrderChanged,
        Outcome::Ok,
    ];
    let place = Place::new();
    let now = now();
    place.review(&now);
    let proven = place.proven();
    let question_target = target(Tier::Staging);
    let Verdict::Closed { missing, .. } = ask(Gate::RollbackTested, &Question { proven: &proven, now: &now, target: &question_target })
    else {
        panic!("closed before a test")
    };
    assert!(missing[0].contains("never tested"), "{missing:?}");
    for outcome in all {
        place.test(&now, outcome);
        let tested = rollback_tested(&place.proven(), &now);
        assert_eq!(tested, matches!(outcome, Outcome::Ok | Outcome::OrderChanged), "{outcome:?}");
        assert_eq!(place.closed(&now, &question_target).contains(&"rollback_tested"), !tested, "{outcome:?}");
    }
}

/// S-010, S-014, S-020: loss or production wants a person and a backup, both on record.
#[test]
fn s_010_s_014_loss_and_production_want_an_approval_that_names_a_backup() {
    let (place, now) = (Place::new(), losing());
    let staging = target(Tier::Staging);
    place.review(&now);
    place.test(&now, Outcome::Ok);
    assert_eq!(place.reasons(&now, &staging), ["approval_required", "backup_unconfirmed"]);
    let Some((_, Verdict::Closed { next, .. })) = place.verdicts(&now, &staging).into_iter().find(|(_, verdict)| !verdict.is_open()) else {
        panic!("closed")
    };
    assert!(matches!(&next, Next::Person(how) if how.contains("alembic-gate approve add_user_email_index-")), "{next:?}");
    place.approve(approval(&now, &staging, None));
    assert_eq!(place.reasons(&now, &staging), ["backup_unconfirmed"]);
    place.approve(approval(&now, &staging, Some("  ")));
    assert_eq!(place.reasons(&now, &staging), ["backup_unconfirmed"]);
    place.approve(approval(&now, &staging, Some("snapshot of 06:00")));
    assert_eq!(place.reasons(&now, &staging), [""; 0]);
    let harmless = crate::lifecycle_cases::now();
    let place = Place::new();
    place.review(&harmless);
    place.test(&harmless, Outcome::Ok);
    assert_eq!(place.reasons(&harmless, &target(Tier::Staging)), [""; 0]);
    assert_eq!(place.reasons(&harmless, &target(Tier::Production)), ["approval_required", "backup_unconfirmed"]);
}

type Change = fn(&mut alembic_gate::lifecycle::approval::Approval);

#[test]
fn an_approval_is_for_one_digest_one_loss_and_one_environment() {
    let (now, staging) = (losing(), target(Tier::Staging));
    let good = approval(&now, &staging, Some("snapshot"));
    let edits: [(&str, Change); 6] = [
        ("another environment", |approval| approval.environment = "staging".to_owned()),
        ("another database under its name", |approval| approval.environment_digest = digest("staging, by PROD_URL")),
        ("another digest", |approval| approval.digest = digest("other")),
        ("a smaller loss", |approval| approval.loss = Loss::Low),
        ("another loss", |approval| approval.lost = vec!["nothing much".to_owned()]),
        ("a client's word", |approval| approval.way = Way::Elicited),
    ];
    for (what, edit) in edits {
        let place = Place::new();
        place.review(&now);
        place.test(&now, Outcome::Ok);
        let mut other = good.clone();
        edit(&mut other);
        place.approve(other);
        assert_eq!(place.closed(&now, &staging), ["loss_confirmed_and_backed_up"], "{what}");
        place.approve(good.clone());
        assert_eq!(place.closed(&now, &staging), [""; 0], "{what}");
        let mut changed = now.clone();
        changed.judged.findings = digest("one more finding");
        place.review(&changed);
        assert!(place.closed(&changed, &staging).contains(&"loss_confirmed_and_backed_up"), "{what}: it was for what was shown");
    }
}

#[test]
fn two_people_are_two_keys_and_two_names() {
    let (now, mut target) = (losing(), target(Tier::Production));
    target.policy.production = Level::L3;
    let place = Place::new();
    place.review(&now);
    place.test(&now, Outcome::Ok);
    let first = approval(&now, &target, Some("snapshot"));
    place.approve(first.clone());
    let mut same_key = first.clone();
    same_key.approver = "grace".to_owned();
    place.approve(same_key.clone());
    assert_eq!(place.closed(&now, &target), ["loss_confirmed_and_backed_up"], "one key, two names");
    let other = place.elsewhere("grace");
    place.save_as(&other, &[Happening::Event(Event::Approved { approval: Box::new(same_key) })]);
    assert_eq!(place.closed(&now, &target), ["loss_confirmed_and_backed_up"], "a key that nobody here knows");
    std::fs::create_dir_all(place.folder.path().join("state/keys")).unwrap();
    std::fs::copy(place.folder.path().join("grace/key"), place.folder.path().join("state/keys/grace")).unwrap();
    assert_eq!(place.closed(&now, &target), [""; 0], "a colleague's key, known here");
}

/// A configuration raises levels and never lowers them.
#[test]
fn a_policy_can_only_ask_for_more() {
    let low = Policy { medium: Level::L0, high: Level::L1, production: Level::L0 };
    assert_eq!(low.raised(), Policy::FLOOR);
    assert_eq!(low.required(Loss::High, Tier::Dev), Level::L2);
    assert_eq!(low.required(Loss::Medium, Tier::Dev), Level::L2);
    assert_eq!(low.required(Loss::None, Tier::Production), Level::L2);
    assert_eq!(low.required(Loss::Low, Tier::Staging), Level::L0);
    let high = Policy { production: Level::L3, ..Policy::FLOOR };
    assert_eq!(high.required(Loss::Medium, Tier::Production), Level::L3);
}

/// The contract's one-way door: the gate opens by people, and the function stays false.
#[test]
fn a_one_way_door_opens_by_people_only_and_stays_untested() {
    let staging = target(Tier::Staging);
    for outcome in [Outcome::DataLost, Outcome::DeclaredIrreversible] {
        let (place, now) = (Place::new(), losing());
        place.review(&now);
        place.test(&now, outcome);
        assert_eq!(place.closed(&now, &staging), ["rollback_tested", "loss_confirmed_and_backed_up"]);
        let reasons = place.reasons(&now, &staging);
        assert_eq!(reasons.get(..3), Some(&["rollback_not_tested", "approval_required", "backup_unconfirmed"][..]));
        place.approve(approval(&now, &staging, None));
        assert!(place.closed(&now, &staging).contains(&"rollback_tested"), "without a backup");
        place.approve(approval(&now, &staging, Some("snapshot of 06:00")));
        assert_eq!(place.closed(&now, &staging), [""; 0]);
        assert!(!rollback_tested(&place.proven(), &now));
        let door = place.verdicts(&now, &staging).into_iter().find(|(gate, _)| *gate == Gate::RollbackTested).unwrap().1;
        assert_eq!(
            door,
            Verdict::OpenAsOneWayDoor {
                level: Level::L2,
                approvers: vec!["ada".to_owned()],
                lost: now.judged.lost.clone(),
                backups: vec!["snapshot of 06:00".to_owned()],
            }
        );
    }
}

#[test]
fn no_approval_opens_a_way_back_that_is_merely_broken() {
    let staging = target(Tier::Staging);
    let broken = [
        Outcome::UpgradeFails,
        Outcome::DowngradeFails,
        Outcome::ReupgradeFails,
        Outcome::NoDowngrade,
        Outcome::NotRestored,
        Outcome::SecondUpgradeDiffers,
    ];
    for outcome in broken {
        let (place, now) = (Place::new(), losing());
        place.review(&now);
        place.test(&now, outcome);
        place.approve(approval(&now, &staging, Some("snapshot")));
        assert_eq!(place.closed(&now, &staging), ["rollback_tested"], "{outcome:?}");
    }
    // The downgrade loses what the upgrade did not touch.
    let (place, now) = (Place::new(), losing());
    place.review(&now);
    let mut tried = trip(&now, Outcome::DataLost);
    tried.trips[0].loss_is_the_upgrades = false;
    place.save(&[Happening::Tested(Box::new(tried))]);
    place.approve(approval(&now, &staging, Some("snapshot")));
    assert_eq!(place.closed(&now, &staging), ["rollback_tested"]);
    // Data went, and the upgrade has no loss of its own that explains it.
    let (place, now) = (Place::new(), crate::lifecycle_cases::now());
    place.review(&now);
    place.test(&now, Outcome::DataLost);
    place.approve(approval(&now, &staging, Some("snapshot")));
    assert_eq!(place.closed(&now, &staging), ["rollback_tested"]);
}

/// S-157: after a half-applied migration was mended, earlier tests no longer count.
#[test]
fn s_157_tests_before_a_mend_no_longer_count() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    place.test(&now, Outcome::Ok);
    place.save(&[Happening::Event(Event::Voided { because: "half applied, then mended".to_owned() })]);
    assert!(!rollback_tested(&place.proven(), &now));
    place.test(&now, Outcome::Ok);
    assert!(rollback_tested(&place.proven(), &now));
}

#[test]
fn a_migration_id_is_stable_and_leads_out_of_no_folder() {
    let one = MigrationId::of_revision("Add user's e-mail", "shop", "1f2e3d4c5b6a");
    assert_eq!(one, MigrationId::of_revision("Add user's e-mail", "shop", "1f2e3d4c5b6a"));
    assert!(one.as_str().starts_with("add_user_s_e_mail-"), "{one}");
    assert_ne!(one, MigrationId::of_revision("Add user's e-mail", "other", "1f2e3d4c5b6a"));
    assert_ne!(one, MigrationId::of_revision("Add user's e-mail", "shop", "1f2e3d4c5b6b"));
    assert_eq!(one.name(), "add_user_s_e_mail");
    assert_eq!(snake("…"), "migration");
    assert_eq!(MigrationId::of_name("x"), MigrationId::of_name("x"));
    for text in
        ["../x-1a2b3c4d", "x/y-1a2b3c4d", "x-1A2B3C4D", "x", "", "-1a2b3c4d", "x-1a2b3c4d/", "x\0-1a2b3c4d", ".-1a2b3c4d", "é-1a2b3c4d"]
    {
        let error = text.parse::<MigrationId>().unwrap_err();
        assert!(error.hint().contains("migration_status"), "{text}");
    }
    for name in ["a".repeat(500), "é".repeat(300), "A-B".to_owned()] {
        let id = MigrationId::of_revision(&name, "p", "r");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
    }
}

/// U-70 to U-74: five checks, the first and the last our own.
#[test]
fn u_70_to_u_74_five_checks_follow_an_apply() {
    let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(names, ["current", "app_starts", "smoke_test", "no_log_errors", "schema_as_tested"]);
    assert_eq!(CHECKS.map(|check| check.is_automatic), [true, false, false, false, true]);
    let place = Place::new();
    place.save(&[Happening::Event(Event::Answered { check: "app_starts".to_owned(), answer: "yes, says ada".to_owned() })]);
    assert_eq!(place.proven().entries().len(), 1, "the answer is on record");
}

/// U-75: three leaves.
#[test]
fn u_75_the_way_back_depends_on_what_is_at_fault() {
    assert_eq!(way_back(Trouble::Application, "0a1b"), WayBack::Deployment);
    let schema = |way_back_is_proven, written_is_approved| Trouble::Schema { way_back_is_proven, written_is_approved };
    let downgrade = WayBack::Downgrade { command: "alembic downgrade 0a1b".to_owned() };
    assert_eq!(way_back(schema(true, false), "0a1b"), downgrade);
    assert_eq!(way_back(schema(true, true), "0a1b"), downgrade, "what was tested comes before what was written");
    assert_eq!(way_back(schema(false, false), "0a1b"), WayBack::WrittenFirst);
    assert_eq!(way_back(schema(false, true), "0a1b"), WayBack::ByHand);
}

/// U-76: `downgrade base` is shown as DANGEROUS and is never what is to be done.
#[test]
fn u_76_downgrade_base_is_in_no_next_step() {
    for command in EMERGENCY {
        assert_eq!(command.command.contains("base"), command.is_dangerous && command.does.starts_with("DANGEROUS"));
    }
    for before in ["base", "", "none", "BASE", " base ", "branch@base"] {
        let back = way_back(Trouble::Schema { way_back_is_proven: true, written_is_approved: false }, before);
        assert_eq!(back, WayBack::WrittenFirst, "{before:?}");
    }
    let place = Place::new();
    for now in [now(), losing()] {
        for (_, verdict) in place.verdicts(&now, &target(Tier::Production)) {
            if let Verdict::Closed { next, .. } = verdict {
                assert!(!format!("{next:?}").contains("base"));
            }
        }
    }
}

/// S-097: a file goes only when nobody has it.
#[test]
fn s_097_a_file_that_somebody_has_is_kept() {
    let free = Abandoned { is_published: Some(false), applied_on: Vec::new(), not_asked: Vec::new(), children: Vec::new() };
    assert_eq!(reasons_to_keep(&free), [""; 0]);
    let name = || vec!["staging".to_owned()];
    for kept in [
        Abandoned { is_published: Some(true), ..free.clone() },
        Abandoned { is_published: None, ..free.clone() },
        Abandoned { applied_on: name(), ..free.clone() },
        Abandoned { not_asked: name(), ..free.clone() },
        Abandoned { children: name(), ..free.clone() },
    ] {
        assert_eq!(reasons_to_keep(&kept).len(), 1, "{kept:?}");
    }
}

/// S-126, S-133: what an agent did behind our back is on record, and opens nothing.
#[test]
fn s_126_an_unreviewed_apply_stays_on_record() {
    let (place, now) = (Place::new(), now());
    let seen = Event::AppliedUnreviewed { environment: "staging".to_owned(), revision: "1f2e3d4c5b6a".to_owned() };
    place.save(&[Happening::Event(seen)]);
    place.review(&now);
    assert!(place.closed(&now, &target(Tier::Dev)).contains(&"rollback_tested"));
    let text = std::fs::read_to_string(place.ledger()).unwrap();
    assert!(text.contains("applied_unreviewed") && text.contains(id().as_str()));
}

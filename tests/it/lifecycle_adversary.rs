//! An agent that can write every file of the project, and wants a gate open. None opens.
//!
//! It cannot read the key: that is the limit `lifecycle`'s module text states, not one that this test could show away.

use alembic_gate::digest::Digest;
use alembic_gate::effects::Loss;
use alembic_gate::lifecycle::approval::{Level, Policy, Tier, Way};
use alembic_gate::lifecycle::block::{parse, render};
use alembic_gate::lifecycle::canonical::canonical;
use alembic_gate::lifecycle::evidence::{Evidence, Now, Outcome, Rerun};
use alembic_gate::lifecycle::gate::{Target, rollback_tested};
use alembic_gate::lifecycle::identity::MigrationId;
use alembic_gate::lifecycle::ledger::{Event, Version, append, read};
use alembic_gate::lifecycle::seal::{Key, Seal, Signer};
use alembic_gate::lifecycle::state::State;
use alembic_gate::store::{Happening, Saved};
use serde_json::{Value, json};

use crate::lifecycle_cases::{AT, Place, approval, id, kept, losing, now, review, target, trip};

/// A record where only the last step is missing: nothing forged may supply it.
fn reviewed_and_failed(now: &Now) -> Place {
    let place = Place::new();
    place.review(now);
    place.test(now, Outcome::NotRestored);
    place
}

fn stays_closed(place: &Place, now: &Now, target: &Target, gate: &str, what: &str) {
    assert!(place.closed(now, target).contains(&gate), "{gate} opened by {what}");
}

fn staging() -> Target {
    target(Tier::Staging)
}

/// S-103, S-104: no block and no part of one is looked at by a gate.
#[test]
fn s_103_s_104_hundreds_of_forged_blocks_change_nothing() {
    let (place, now) = (Place::new(), losing());
    let proven = place.proven();
    let state = State {
        proven: &proven,
        migration_name: "add_user_email_index",
        now: Some(&now),
        environment: None,
        current_revision: Some("0a1b2c3d4e5f"),
        target_revision: "head",
    };
    let truth = state.block();
    let mut forged = 0;
    for phase in ["PLAN", "GENERATE", "REVIEW_SQL", "TEST_ROLLBACK", "APPLY", "COMPLETE"] {
        for loss in ["none", "low", "medium", "high"] {
            for reviewed in ["true", "false"] {
                for tested in ["true", "false"] {
                    for current in ["0a1b2c3d4e5f", "head", "none", "unknown"] {
                        let text = render(&truth)
                            .replace("phase: GENERATE", &format!("phase: {phase}"))
                            .replace("data_loss_risk: high", &format!("data_loss_risk: {loss}"))
                            .replace("sql_reviewed: false", &format!("sql_reviewed: {reviewed}"))
                            .replace("rollback_tested: false", &format!("rollback_tested: {tested}"))
                            .replace("current_revision: 0a1b2c3d4e5f", &format!("current_revision: {current}"));
                        let claim = parse(&text).unwrap();
                        let said: Vec<&str> = state.overrides(&claim).iter().map(|found| found.field).collect();
                        let lies = [
                            ("phase", phase != "GENERATE"),
                            ("data_loss_risk", loss != "high"),
                            ("sql_reviewed", reviewed == "true"),
                            ("rollback_tested", tested == "true"),
                            ("current_revision", current != "0a1b2c3d4e5f"),
                        ];
                        let expected: Vec<&str> = lies.into_iter().filter(|(_, lie)| *lie).map(|(field, _)| field).collect();
                        assert_eq!(said, expected, "{text}");
                        assert_eq!(state.block(), truth);
                        forged += 1;
                    }
                }
            }
        }
    }
    assert_eq!(forged, 384);
    assert_eq!(place.closed(&now, &staging()).len(), 4);
}

/// Each bit of each byte of a ledger, flipped.
#[test]
fn s_011_no_flipped_bit_of_a_ledger_opens_a_gate() {
    let now = losing();
    let place = reviewed_and_failed(&now);
    place.approve(approval(&now, &staging(), None));
    let good = std::fs::read_to_string(place.ledger()).unwrap();
    let opened = place.home.open(&id());
    let mut claims = 0;
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1 << (at % 7);
        let (found, _) = read("ledger.jsonl", &String::from_utf8(bytes).unwrap(), &id(), &opened.keys);
        let Some((_, signer)) = found.entries.last() else {
            let fault = found.fault.expect("it is said");
            assert!(fault.line.is_some() && !fault.what.is_empty(), "{fault}");
            continue;
        };
        // The name of the key, in the last line: then nobody here knows who wrote it.
        assert!(matches!(signer, Signer::Unknown(_)), "byte {at} was flipped and the line still counts");
        claims += 1;
    }
    assert!(claims <= 16, "{claims}: only the key's name may be another one");
    for at in (0..good.len()).step_by(61) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1;
        std::fs::write(place.ledger(), &bytes).unwrap();
        let (proven, _) = place.store.proven(&id(), &opened);
        assert!(proven.approvals().is_empty() && !rollback_tested(&proven, &now), "byte {at}");
    }
}

#[test]
fn no_line_can_be_removed_doubled_or_moved() {
    let now = losing();
    let place = reviewed_and_failed(&now);
    place.review(&now);
    place.test(&now, Outcome::DowngradeFails);
    let text = std::fs::read_to_string(place.ledger()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let write = |lines: &[&str]| std::fs::write(place.ledger(), lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    for at in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(at);
        write(&without);
        stays_closed(&place, &now, &staging(), "rollback_tested", "a removed line");
        assert_eq!(place.proven().faults().is_empty(), at == lines.len() - 1, "only the end can go without a gap");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        write(&doubled);
        assert_eq!(place.proven().faults().len(), 1);
        for other in 0..at {
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            write(&swapped);
            assert_eq!(place.proven().faults().len(), 1);
        }
    }
    for cut in (1..text.len()).step_by(13) {
        std::fs::write(place.ledger(), &text[..cut]).unwrap();
        stays_closed(&place, &now, &staging(), "rollback_tested", "a cut ledger");
    }
}

/// The success before a failure does not come back when the failure is cut out of the ledger.
#[test]
fn a_failed_test_cannot_be_taken_back() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    place.test(&now, Outcome::Ok);
    let before = std::fs::read(place.ledger()).unwrap();
    assert!(rollback_tested(&place.proven(), &now));
    place.test(&now, Outcome::DataLost);
    assert!(!rollback_tested(&place.proven(), &now));
    std::fs::write(place.ledger(), &before).unwrap();
    assert_eq!(place.proven().faults(), [], "the shortened ledger fits in itself");
    stays_closed(&place, &now, &staging(), "rollback_tested", "a ledger of yesterday");
    place.review(&now);
    stays_closed(&place, &now, &staging(), "rollback_tested", "a line written on top of it");
    place.test(&now, Outcome::Ok);
    assert_eq!(place.closed(&now, &staging()), [""; 0], "a new test opens it");
    place.save(&[Happening::Event(Event::Voided { because: "half applied".to_owned() })]);
    std::fs::write(place.ledger(), &before).unwrap();
    stays_closed(&place, &now, &staging(), "rollback_tested", "a ledger from before it was voided");
}

/// Lines with every digest right, but sealed by nobody, by a key of one's own, or with somebody else's seal.
#[test]
fn appended_lines_need_the_key() {
    let now = now();
    let tried = Evidence::RoundTrip(Box::new(trip(&now, Outcome::Ok)));
    let tested = Event::Tested { evidence: tried.digest(), key: trip(&now, Outcome::Ok).key(), outcome: Outcome::Ok };
    let allowed = Event::Approved { approval: Box::new(approval(&now, &target(Tier::Production), Some("snapshot"))) };
    for (what, key) in [("nobody", None), ("a key of one's own", Some(Key::new([7; 32])))] {
        let place = reviewed_and_failed(&now);
        let version = place.store.load(&id(), &place.home.open(&id()).keys).version;
        let (lines, _) = append(version, &id(), AT, &[tested.clone(), allowed.clone()], key.as_ref());
        let mut text = std::fs::read_to_string(place.ledger()).unwrap();
        text.push_str(&lines);
        std::fs::write(place.ledger(), &text).unwrap();
        let name = format!("rollback-{}.json", &tried.digest().hex()[..16]);
        std::fs::write(place.record().join("evidence").join(name), format!("{}\n", tried.text())).unwrap();
        assert_eq!(place.proven().faults(), [], "the chain itself fits");
        stays_closed(&place, &now, &staging(), "rollback_tested", what);
        stays_closed(&place, &now, &target(Tier::Production), "loss_confirmed_and_backed_up", what);
    }
    // A line that names our key, with any code.
    let place = reviewed_and_failed(&now);
    let own = place.home.own_key().unwrap();
    let text = std::fs::read_to_string(place.ledger()).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let version = place.store.load(&id(), &place.home.open(&id()).keys).version;
    let (line, _) = append(version, &id(), AT, std::slice::from_ref(&tested), None);
    let mut forged: Value = serde_json::from_str(line.trim_end()).unwrap();
    for seal in
        [last["seal"].clone(), json!(Seal { key: own.id(), mac: "0".repeat(64) }), json!(Seal { key: own.id(), mac: String::new() })]
    {
        forged["seal"] = seal;
        std::fs::write(place.ledger(), format!("{text}{}\n", canonical(&forged))).unwrap();
        let fault = place.proven().faults().first().cloned().expect("it is said");
        assert!(fault.what.contains("the seal does not fit") && fault.line == Some(3), "{fault}");
        stays_closed(&place, &now, &staging(), "rollback_tested", "a copied seal");
    }
}

/// A whole ledger, made anew with a key of one's own.
#[test]
fn a_whole_forged_record_is_a_claim_of_another_machine() {
    let now = losing();
    let production = target(Tier::Production);
    let place = Place::new();
    let forger = place.elsewhere("forger");
    place.save_as(
        &forger,
        &[
            Happening::Reviewed(Box::new(review(&now))),
            Happening::Tested(Box::new(trip(&now, Outcome::Ok))),
            Happening::Event(Event::Approved { approval: Box::new(approval(&now, &production, Some("snapshot"))) }),
        ],
    );
    assert!(rollback_tested(&place.proven_to(&forger), &now), "on its own machine it counts");
    assert_eq!(place.closed(&now, &production), ["rollback_tested", "loss_confirmed_and_backed_up", "safe_at_target"]);
    let said = format!("{:?}", place.verdicts(&now, &production));
    assert!(said.contains("claimed by another machine") && said.contains("alembic-gate verify"), "{said}");
    assert!(place.closed(&now, &production).iter().all(|gate| *gate != "sql_reviewed"), "a review is repeated, not believed");
}

/// Each file under `.alembic-gate/`, with valid digests of wrong facts.
#[test]
fn each_file_with_valid_digests_of_wrong_facts_opens_nothing() {
    let now = losing();
    // The review says that nothing is lost and nothing open: its digest is right, its facts are not those of now.
    let mut harmless = now.clone();
    harmless.judged.loss = Loss::None;
    harmless.judged.lost.clear();
    let mut dirty = now.clone();
    dirty.judged.errors = vec!["drop_column:1".to_owned()];
    let place = Place::new();
    place.review(&harmless);
    place.test(&now, Outcome::Ok);
    assert_eq!(place.reasons(&now, &staging()).first(), Some(&"review_stale"));
    place.review(&now);
    assert_eq!(place.reasons(&dirty, &staging()).first(), Some(&"review_stale"), "reviewed as clean, and it is not");
    // The state file says what it likes.
    let state = place.record().join("state.json");
    for text in [
        json!({ "migration_name": "x", "target_revision": "head", "revisions": [], "sql_reviewed": true, "rollback_tested": true })
            .to_string(),
        json!({ "phase": "COMPLETE" }).to_string(),
        "{".to_owned(),
        String::new(),
    ] {
        std::fs::write(&state, text).unwrap();
        let fault = place.proven().faults().first().cloned().expect("it is said");
        assert!(fault.file.ends_with("state.json") && fault.line.is_some(), "{fault}");
        stays_closed(&place, &now, &staging(), "loss_confirmed_and_backed_up", "a state file");
    }
    // A field that no evidence has.
    let mut value = serde_json::to_value(Evidence::RoundTrip(Box::new(trip(&now, Outcome::Ok)))).unwrap();
    value["rollback_tested"] = json!(true);
    assert!(serde_json::from_value::<Evidence>(value).is_err());
}

/// Evidence of another migration, another revision, another name.
#[test]
fn swapped_files_are_found_out() {
    let now = now();
    let place = reviewed_and_failed(&now);
    let evidence = place.record().join("evidence");
    let failed = std::fs::read_dir(&evidence)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("rollback-"))
        .unwrap();
    let good = Evidence::RoundTrip(Box::new(trip(&now, Outcome::Ok)));
    for text in [format!("{}\n", good.text()), good.text(), String::new(), "null\n".to_owned(), "[]".to_owned(), "\u{0}".to_owned()] {
        std::fs::write(&failed, &text).unwrap();
        assert_eq!(place.proven().faults().len(), 1, "{text:?}");
        stays_closed(&place, &now, &staging(), "rollback_tested", "a swapped file");
    }
    std::fs::remove_file(&failed).unwrap();
    stays_closed(&place, &now, &staging(), "rollback_tested", "a removed file");
    // Right content under its right name, named by no line.
    std::fs::write(evidence.join(format!("rollback-{}.json", &good.digest().hex()[..16])), format!("{}\n", good.text())).unwrap();
    assert_eq!(place.proven().faults(), []);
    stays_closed(&place, &now, &staging(), "rollback_tested", "evidence that no line names");
    // The whole record of another migration.
    let other = MigrationId::of_revision("add_other", "shop", "77");
    let place = Place::new();
    place.review(&now);
    place.test(&now, Outcome::Ok);
    let there = place.project().join(".alembic-gate").join(other.as_str());
    std::fs::rename(place.record(), &there).unwrap();
    let (proven, _) = place.store.proven(&other, &place.home.open(&other));
    assert!(proven.faults()[0].what.contains("another migration"), "{:?}", proven.faults());
    assert!(!rollback_tested(&proven, &now));
}

type Edit = fn(&mut alembic_gate::lifecycle::evidence::RoundTrip);

/// Right evidence, wrong facts in it: none of these says that the way leads back.
#[test]
fn sealed_evidence_with_a_bad_fact_does_not_count() {
    let now = now();
    let edits: [(&str, Edit); 7] = [
        ("no revision", |trip| trip.trips.clear()),
        ("another revision", |trip| trip.trips[0].revision = "77".to_owned()),
        ("one more revision", |trip| trip.trips.push(trip.trips[0].clone())),
        ("another engine than production", |trip| trip.parity_ok = false),
        ("a worse revision among good ones", |trip| trip.trips[0].outcome = Outcome::NoDowngrade),
        ("another server", |trip| trip.subject.server = Digest::of("test", &[b"sqlite"])),
        ("another production", |trip| trip.parity = Digest::of("test", &[b"none"])),
    ];
    for (what, edit) in edits {
        let place = Place::new();
        place.review(&now);
        let mut bad = trip(&now, Outcome::Ok);
        edit(&mut bad);
        place.save(&[Happening::Tested(Box::new(bad))]);
        stays_closed(&place, &now, &staging(), "rollback_tested", what);
    }
    let place = Place::new();
    place.review(&now);
    let mut bad = trip(&now, Outcome::Ok);
    bad.rerun = Rerun::Unsafe;
    place.save(&[Happening::Tested(Box::new(bad))]);
    assert_eq!(place.closed(&now, &staging()), ["safe_at_target"]);
}

/// Environments under other names, with other databases, other tiers, lower policies.
#[test]
fn a_renamed_environment_takes_no_approval_along() {
    let now = losing();
    let place = Place::new();
    place.review(&now);
    place.test(&now, Outcome::Ok);
    let mut dev = target(Tier::Dev);
    dev.environment = "dev".to_owned();
    place.approve(approval(&now, &dev, Some("none needed")));
    assert_eq!(place.closed(&now, &dev), [""; 0]);
    let config = |text: &str| {
        std::fs::write(place.project().join("alembic-gate.toml"), text).unwrap();
        alembic_gate::config::Config::found_from(place.project()).unwrap()
    };
    let before = config("[environments.dev]\ntier = \"dev\"\nurl_env = \"DEV_URL\"\n").environment("dev").unwrap();
    for text in [
        "[environments.dev]\ntier = \"dev\"\nurl_env = \"PROD_URL\"\n",
        "[environments.dev]\ntier = \"staging\"\nurl_env = \"DEV_URL\"\n",
        "[environments.dev]\ntier = \"dev\"\nurl_env = \"DEV_URL\"\nserver = { dialect = \"sqlite\", version = \"3.40\" }\n",
        "[environments.dev2]\ntier = \"dev\"\nurl_env = \"DEV_URL\"\n",
    ] {
        let after = config(text);
        let environment = after.environment("dev").or(after.environment("dev2")).unwrap();
        assert_ne!(environment.definition, before.definition, "{text}");
        let mut other = dev.clone();
        (other.environment, other.definition, other.tier) = (environment.name, environment.definition, environment.tier);
        stays_closed(&place, &now, &other, "loss_confirmed_and_backed_up", text);
    }
    for tier in ["", "tier = \"Dev\"", "tier = \"none\"", "tier = \"\"", "tier = 0", "tier = []"] {
        std::fs::write(place.project().join("alembic-gate.toml"), format!("[environments.dev]\n{tier}\n")).unwrap();
        assert!(alembic_gate::config::Config::found_from(place.project()).is_err(), "{tier:?} is no tier: nothing is taken for one");
    }
    let mut low = target(Tier::Production);
    low.policy = Policy { medium: Level::L0, high: Level::L0, production: Level::L0 };
    stays_closed(&place, &now, &low, "loss_confirmed_and_backed_up", "a policy of L0");
}

/// A client's word, a tag that only a ledger line mentions.
#[test]
fn a_models_word_is_no_persons() {
    let (place, now, staging) = (Place::new(), losing(), staging());
    place.review(&now);
    place.test(&now, Outcome::Ok);
    for way in [Way::Elicited, Way::SignedTag { tag: "approve".to_owned(), signer: "ada".to_owned() }] {
        for _ in 0..3 {
            let mut said = approval(&now, &staging, Some("snapshot"));
            said.way = way.clone();
            said.approver = "the user said yes".to_owned();
            place.approve(said);
        }
        stays_closed(&place, &now, &staging, "loss_confirmed_and_backed_up", &format!("{way:?}"));
    }
}

/// No key, a key that others can read, a key in the project: nothing that needs a seal counts.
#[cfg(unix)]
#[test]
fn without_a_safe_key_nothing_sealed_counts() {
    use std::os::unix::fs::PermissionsExt;
    let now = now();
    let place = Place::new();
    place.review(&now);
    place.test(&now, Outcome::Ok);
    assert_eq!(place.closed(&now, &staging()), [""; 0]);
    let key = place.folder.path().join("state/key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    stays_closed(&place, &now, &staging(), "rollback_tested", "a key that others can read");
    let notes = place.home.open(&id()).notes.join("\n");
    assert!(notes.contains("can be read by others") && notes.contains("chmod 600"), "{notes}");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(place.closed(&now, &staging()), [""; 0]);
    let good = std::fs::read(&key).unwrap();
    for text in ["", "x", "0", &"g".repeat(64), &"0".repeat(63), &"0".repeat(64)] {
        std::fs::write(&key, text).unwrap();
        stays_closed(&place, &now, &staging(), "rollback_tested", text);
    }
    std::fs::write(&key, good).unwrap();
    let latest = place.folder.path().join("state/latest").join(format!("{}.json", id()));
    std::fs::write(&latest, "{").unwrap();
    stays_closed(&place, &now, &staging(), "rollback_tested", "notes that cannot be read");
    let inside = alembic_gate::store::home::Home::at(&place.project().join("state"), place.project());
    assert!(inside.unwrap_err().to_string().contains("lies in the project"));
    std::os::unix::fs::symlink(place.project(), place.folder.path().join("link")).unwrap();
    let around = alembic_gate::store::home::Home::at(&place.folder.path().join("link/deep/state"), place.project());
    assert!(around.is_err(), "a link into the project is in the project");
}

/// Two at once: one saves, the other is told.
#[test]
fn of_two_that_saw_the_same_version_one_saves() {
    let (place, now) = (Place::new(), now());
    place.review(&now);
    let version = place.store.load(&id(), &place.home.open(&id()).keys).version;
    let save =
        |version: Version| place.store.save(&id(), version, &[Happening::Reviewed(Box::new(review(&now)))], &kept(), Some(&place.home), AT);
    let Saved::Kept { version: newer, .. } = save(version) else { panic!("kept") };
    assert!(matches!(save(version), Saved::Conflict { found } if found == newer));
    let elsewhere = Version { lines: newer.lines, head: Some(Digest::of("x", &[])) };
    assert!(matches!(save(elsewhere), Saved::Conflict { .. }), "the same length, another history");
}

/// S-104: the truth is a function; nothing stores it, and nothing can set it.
#[test]
fn s_104_no_struct_of_the_lifecycle_has_a_field_that_says_so() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for folder in ["lifecycle", "store"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for (number, line) in text.lines().enumerate() {
                let code = line.trim_start().trim_start_matches("pub ");
                let is_field = ["sql_reviewed:", "rollback_tested:"].iter().any(|field| code.starts_with(field));
                assert!(!is_field, "{}:{}: {line}", path.display(), number + 1);
            }
        }
    }
    let (place, now) = (Place::new(), now());
    place.review(&now);
    place.test(&now, Outcome::Ok);
    let mut files = vec![place.record()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("sql_reviewed") && !text.contains("rollback_tested"), "{}", path.display());
        }
    }
}

//! Each file under `.alembic-gate/`, with valid digests of wrong facts: written by somebody who has this machine's own key, where
//! a seal is asked for. `verify` repeats everything and names the fact; `apply_migration` repeats what it did not see itself.
//!
//! What the key does open is said in the last test: an approval that it seals counts on this machine, and nowhere else.

use alembic_gate::dialect::Dialect;
use alembic_gate::lifecycle::approval::{Approval, Way};
use alembic_gate::lifecycle::evidence::{Evidence, Outcome, Rerun, Review, RoundTrip};
use alembic_gate::lifecycle::identity::MigrationId;
use alembic_gate::lifecycle::ledger::{Event, append};
use alembic_gate::store::home::Home;
use alembic_gate::store::records::Records;
use alembic_gate::store::{Happening, Saved};
use serde_json::{Value, json};

use crate::apply::{Site, apply, call, prove, reasons};
use crate::deploy_cases::{EMAIL, Revision, USERS, engines_of};

/// Its downgrade leaves the column.
const LEAVES: Revision<'static> = ("add_user_age", "op.add_column('users', sa.Column('age', sa.Integer))", "pass");

/// A second run of it writes the row twice.
const DOUBLES: Revision<'static> =
    ("add_first_user", "op.execute(\"INSERT INTO users (name) VALUES ('ada')\")", "op.execute(\"DELETE FROM users WHERE name = 'ada'\")");

/// It loses a column, and its file does not say that it may.
const DROPS: Revision<'static> =
    ("drop_user_name", "op.drop_column('users', 'name')", "op.add_column('users', sa.Column('name', sa.String(50)))");

/// A project with its honest record, and the pen of whoever has the key.
struct Forged {
    site: Site,
    store: Records,
    home: Home,
    id: MigrationId,
}

impl Forged {
    fn of(revisions: &[Revision<'_>]) -> Option<Self> {
        let server = engines_of(Dialect::Sqlite).pop()?;
        let site = Site::new(&server, revisions);
        site.shop.bring_to("create_users");
        prove(&mut site.client(false), "create_users");
        let store = Records::of(site.shop.path());
        let home = Home::at(&site.state.path().join("alembic-gate"), site.shop.path()).unwrap();
        let id = store.list().migrations.remove(0);
        Some(Self { site, store, home, id })
    }

    fn honest<T>(&self, of: impl Fn(Evidence) -> Option<T>) -> T {
        let loaded = self.store.load(&self.id, &self.home.open(&self.id).keys);
        loaded.record.evidence.into_values().find_map(of).unwrap()
    }

    fn trip(&self) -> RoundTrip {
        self.honest(|evidence| if let Evidence::RoundTrip(trip) = evidence { Some(*trip) } else { None })
    }

    fn review(&self) -> Review {
        self.honest(|evidence| if let Evidence::Review(review) = evidence { Some(*review) } else { None })
    }

    /// Writes it into the record as this machine would have.
    fn write(&self, happened: Happening) {
        let loaded = self.store.load(&self.id, &self.home.open(&self.id).keys);
        let saved = self.store.save(&self.id, loaded.version, &[happened], &loaded.kept.unwrap(), Some(&self.home), "2026-11-24T12:00:00Z");
        assert!(matches!(saved, Saved::Kept { .. }), "{saved:?}");
    }

    /// A process that saw nothing itself, and what it answers; nothing is changed.
    fn applied_by_a_stranger(&self, environment: &str) -> Value {
        let dump = self.site.shop.dump();
        let answer = apply(&mut self.site.client(true), environment);
        assert_ne!(answer["applied"], true, "{answer:#}");
        assert!(self.site.shop.dump() == dump, "{answer:#}");
        answer
    }

    fn verified(&self) -> (i32, String) {
        let output = self.site.command(&["verify", "--from", "create_users"]).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    fn record(&self) -> std::path::PathBuf {
        self.site.shop.path().join(".alembic-gate").join(self.id.as_str())
    }
}

#[test]
fn forged_tests_are_repeated_and_named() {
    let Some(forged) = Forged::of(&[USERS, LEAVES]) else { return };
    let mut trip = forged.trip();
    let honest = trip.trips[0].outcome;
    assert!(!honest.leads_back(), "{honest:?}");
    trip.trips[0].outcome = Outcome::Ok;
    trip.rerun = Rerun::ClearError;
    trip.after_downgrade = trip.before.clone();
    forged.write(Happening::Tested(Box::new(trip)));
    let answer = forged.applied_by_a_stranger("staging");
    assert_eq!(reasons(&answer), ["rollback_not_tested"], "{answer:#}");
    let fact = format!("the test says `add_user_age` ended with ok; here it ended with {}", honest.word());
    assert!(answer["mend"].as_str().unwrap().contains(&fact), "{answer:#}");
    let (code, text) = forged.verified();
    assert!(code == 1 && text.contains(&fact), "{text}");
    // The same from a file that another machine left: nobody believes it in the first place.
    let status = call(&mut forged.site.client(false), "migration_status", json!({}));
    assert_eq!(status["state"]["sql_reviewed"], true, "{status:#}");
}

#[test]
fn a_forged_second_run_is_repeated_and_named() {
    let Some(forged) = Forged::of(&[USERS, DOUBLES]) else { return };
    let mut trip = forged.trip();
    assert_eq!(trip.rerun, Rerun::Unsafe, "{trip:?}");
    trip.rerun = Rerun::NoOp;
    forged.write(Happening::Tested(Box::new(trip)));
    let answer = forged.applied_by_a_stranger("staging");
    assert!(answer["mend"].as_str().unwrap().contains("a second run is safe; here it is not safe"), "{answer:#}");
    let (code, text) = forged.verified();
    assert!(code == 1 && text.contains("a second run is safe; here it is not safe"), "{text}");
}

#[test]
fn forged_reviews_and_ledgers_are_named() {
    let Some(forged) = Forged::of(&[USERS, DROPS]) else { return };
    let mut review = forged.review();
    assert!(!review.judged.errors.is_empty());
    review.judged.errors.clear();
    review.judged.lost.clear();
    review.judged.loss = alembic_gate::effects::Loss::None;
    let (errors, evidence) = (0, Evidence::Review(Box::new(review.clone())).digest());
    forged.write(Happening::Reviewed(Box::new(review)));
    let answer = forged.applied_by_a_stranger("staging");
    assert!(reasons(&answer).contains(&"findings_open"), "what the rules say now counts: {answer:#}");
    let (code, text) = forged.verified();
    assert!(code == 1 && text.contains("the review says 0 open errors and a loss of none; found were"), "{text}");
    // A line of the ledger that says otherwise than the test that it names.
    let opened = forged.home.open(&forged.id);
    let version = forged.store.load(&forged.id, &opened.keys).version;
    let trip = forged.trip();
    let lie = Event::Tested { evidence: Evidence::RoundTrip(Box::new(trip.clone())).digest(), key: trip.key(), outcome: Outcome::Ok };
    let lies = [lie, Event::Reviewed { evidence, errors: errors + 1 }];
    let (lines, _) = append(version, &forged.id, "2026-11-24T12:00:00Z", &lies, opened.keys.own.as_ref());
    let ledger = forged.record().join("ledger.jsonl");
    let whole = std::fs::read_to_string(&ledger).unwrap();
    std::fs::write(&ledger, format!("{whole}{lines}")).unwrap();
    let answer = forged.applied_by_a_stranger("staging");
    assert!(reasons(&answer).contains(&"rollback_not_tested"), "{answer:#}");
    let (code, text) = forged.verified();
    for part in
        ["of the ledger says ok, the test that it names says otherwise", "of the ledger says 1 open errors, the review that it names"]
    {
        assert!(code == 1 && text.contains(part), "{part}: {text}");
    }
    // Words that it was applied and confirmed: the database is asked, not the record.
    std::fs::write(&ledger, whole).unwrap();
    for event in [
        Event::Applied {
            environment: "staging".to_owned(),
            files: trip.subject.revision_files,
            before: "create_users".to_owned(),
            after: "drop_user_name".to_owned(),
            lost: Vec::new(),
        },
        Event::Confirmed { environment: "staging".to_owned(), files: trip.subject.revision_files, revision: "drop_user_name".to_owned() },
    ] {
        forged.write(Happening::Event(event));
    }
    let answer = forged.applied_by_a_stranger("staging");
    assert_eq!(answer["before"]["revision"], "create_users", "{answer:#}");
}

#[test]
fn forged_states_and_drift_lead_nowhere() {
    let Some(forged) = Forged::of(&[USERS, LEAVES]) else { return };
    let (code, text) = forged.verified();
    assert!(code == 1 && text.contains("fits what was found"), "honest: {text}");
    let state = forged.record().join("state.json");
    let honest = std::fs::read_to_string(&state).unwrap();
    for revisions in ["[]", "[\"create_users\"]", "[\"never_seen\"]"] {
        let kept: Value = serde_json::from_str(&honest).unwrap();
        let mut kept = kept.as_object().unwrap().clone();
        kept.insert("revisions".to_owned(), serde_json::from_str(revisions).unwrap());
        std::fs::write(&state, Value::Object(kept).to_string()).unwrap();
        let (code, text) = forged.verified();
        assert!(code == 1 && text.contains("its state names the revisions"), "{revisions}: {text}");
    }
    std::fs::write(&state, honest).unwrap();
    // A column made by hand, and a file that says that everybody knows of it.
    forged.site.shop.connect().execute("ALTER TABLE users ADD COLUMN nick INTEGER").unwrap();
    let known = json!({ "differences": [{ "kind": "new", "object": "column users.nick", "database": "nick", "model": null }] });
    std::fs::write(forged.site.shop.path().join(".alembic-gate/drift.json"), known.to_string()).unwrap();
    let answer = forged.applied_by_a_stranger("staging");
    assert!(reasons(&answer).contains(&"state_dirty"), "{answer:#}");
    let (code, text) = forged.verified();
    assert!(code == 1 && text.contains("fits what was found"), "drift is no fact about revisions: {text}");
    // Ledgers that were put aside are read by nobody.
    let aside = forged.record().join("ledger.aside-1.jsonl");
    std::fs::copy(forged.record().join("ledger.jsonl"), aside).unwrap();
    assert!(reasons(&forged.applied_by_a_stranger("staging")).contains(&"rollback_not_tested"));
}

/// The limit, as `lifecycle` states it: with the key, an approval can be made. It counts where that key is, and `verify` of any
/// other machine says that nobody approved; without the key it counts nowhere.
#[test]
fn a_forged_approval_counts_where_its_key_is_and_nowhere_else() {
    let allowed = (
        "drop_user_email",
        "# alembic-gate: allow drop_column because nobody reads it since March\nop.drop_column('users', 'email')",
        "op.add_column('users', sa.Column('email', sa.String(80)))",
    );
    let Some(forged) = Forged::of(&[USERS, EMAIL, allowed]) else { return };
    forged.site.shop.apply("create_users", "add_user_email");
    prove(&mut forged.site.client(false), "add_user_email");
    let asked = forged.applied_by_a_stranger("production");
    assert!(reasons(&asked).contains(&"approval_required"), "{asked:#}");
    let id: MigrationId = asked["state"]["migration_id"].as_str().unwrap().parse().unwrap();
    let config = alembic_gate::config::Config::found_from(forged.site.shop.path()).unwrap();
    let environment = config.environment("production").unwrap();
    let lost = asked["approval_required"]["lost"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    let approval = Approval {
        environment: environment.name,
        environment_digest: environment.definition,
        digest: asked["approval_required"]["digest"].as_str().unwrap().parse().unwrap(),
        loss: alembic_gate::effects::Loss::High,
        lost,
        backup: Some("trust me".to_owned()),
        approver: "the owner".to_owned(),
        way: Way::Terminal,
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Home::at(&elsewhere.path().join("keys"), forged.site.shop.path()).unwrap();
    let write = |home: &Home| {
        let loaded = forged.store.load(&id, &home.open(&id).keys);
        let happened = [Happening::Event(Event::Approved { approval: Box::new(approval.clone()) })];
        let saved = forged.store.save(&id, loaded.version, &happened, &loaded.kept.unwrap(), Some(home), "2026-11-24T12:00:00Z");
        assert!(matches!(saved, Saved::Kept { .. }), "{saved:?}");
    };
    write(&stranger);
    assert!(reasons(&forged.applied_by_a_stranger("production")).contains(&"approval_required"), "a stranger's seal");
    write(&forged.home);
    let mut there = forged.site.command(&["verify", "--from", "add_user_email"]);
    let there = there.env("XDG_STATE_HOME", elsewhere.path()).output().unwrap();
    let text = String::from_utf8(there.stdout).unwrap();
    assert!(there.status.code() == Some(1) && text.contains("nobody approved"), "{text}");
}

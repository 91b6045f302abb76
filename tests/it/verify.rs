//! `alembic-gate verify`: repeats everything from nothing and believes no record.

use std::path::Path;
use std::process::Command;

use alembic_gate::dialect::Dialect;
use alembic_gate::lifecycle::evidence::{Evidence, Outcome, RoundTrip};
use alembic_gate::lifecycle::seal::KeyRing;
use alembic_gate::store::home::Home;
use alembic_gate::store::records::Records;
use alembic_gate::store::{Happening, Saved};
use serde_json::{Value, json};
use tempfile::TempDir;
use yaml_rust2::{Yaml, YamlLoader};

use crate::deploy_cases::{EMAIL, Revision, Shop, USERS, engines, engines_of};
use crate::mcp_client::PROGRAM;

const DROP: Revision<'static> = (
    "drop_user_name",
    "# alembic-gate: allow drop_column because nobody reads it since March\nop.drop_column('users', 'name')",
    "op.add_column('users', sa.Column('name', sa.String(50), nullable=False, server_default=''))\nwith op.batch_alter_table('users') as batch:\n    batch.alter_column('name', server_default=None)",
);

/// Runs the program in a folder, with keys of its own.
fn run(folder: &Path, state: &Path, words: &[&str]) -> (i32, String, String) {
    let output = Command::new(PROGRAM).args(words).current_dir(folder).env("XDG_STATE_HOME", state).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn git(folder: &Path, words: &[&str]) {
    let settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").current_dir(folder).args(settings).args(words).output().unwrap();
    assert!(output.status.success(), "git {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The record's last round trip, changed, as another machine would have written it.
fn forge(folder: &Path, change: impl Fn(&mut RoundTrip)) {
    let elsewhere = TempDir::new().unwrap();
    let home = Home::at(&elsewhere.path().join("keys"), folder).unwrap();
    let store = Records::of(folder);
    let id = store.list().migrations.remove(0);
    let loaded = store.load(&id, &KeyRing::default());
    let found = loaded.record.evidence.values().find_map(|evidence| match evidence {
        Evidence::RoundTrip(trip) => Some((**trip).clone()),
        Evidence::Review(_) => None,
    });
    let mut trip = found.unwrap();
    change(&mut trip);
    let happened = [Happening::Tested(Box::new(trip))];
    let saved = store.save(&id, loaded.version, &happened, &loaded.kept.unwrap(), Some(&home), "2026-11-24T12:00:00Z");
    assert!(matches!(saved, Saved::Kept { .. }), "{saved:?}");
}

/// A tag that approves, signed with a key that may approve on this machine.
fn approve(folder: &Path, state: &Path) {
    git(folder, &["init", "-q"]);
    git(folder, &["add", "-A"]);
    git(folder, &["commit", "-qm", "all"]);
    let key = state.join("ada");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    let signers = state.join("alembic-gate/allowed_signers");
    std::fs::create_dir_all(signers.parent().unwrap()).unwrap();
    let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
    std::fs::write(&signers, format!("ada@example.org namespaces=\"git\" {public}")).unwrap();
    std::fs::set_permissions(&signers, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let id = Records::of(folder).list().migrations.remove(0).to_string();
    let words = ["approve", &id, "--environment", "staging", "--backup", "snapshot of 06:00", "--tag-message"];
    let (code, message, error) = run(folder, state, &words);
    assert_eq!(code, 0, "{message}{error}");
    let file = state.join("message");
    std::fs::write(&file, message).unwrap();
    let (key, file) = (format!("user.signingKey={}", key.display()), file.display().to_string());
    git(folder, &["-c", "gpg.format=ssh", "-c", &key, "tag", "-s", "-F", &file, &format!("alembic-gate/{id}/staging")]);
}

/// A comment in the file is whoever writes files: what is lost needs a person.
#[test]
fn s_142_an_allowance_alone_does_not_verify_a_loss() {
    let Some(server) = engines_of(Dialect::Sqlite).into_iter().next() else { return };
    let shop = Shop::new(&server, &[USERS, DROP]);
    let state = TempDir::new().unwrap();
    let words = ["verify", "--from", "create_users", "--format", "json"];
    let (code, text, _) = run(shop.path(), state.path(), &words);
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &said["verdict"]), (1, &json!("failed")), "{said:#}");
    let how = said["revisions"][0]["to_approve"].as_str().unwrap();
    assert!(how.contains("alembic-gate approve drop_user_name-") && how.contains("git tag -s"), "{how}");
}

#[test]
fn s_142_a_clean_clone_without_records_is_verified_on_each_engine() {
    for server in engines() {
        let shop = Shop::new(&server, &[USERS, EMAIL]);
        let state = TempDir::new().unwrap();
        git(shop.path(), &["init", "-q"]);
        git(shop.path(), &["add", "migrations/versions/create_users.py", "alembic.ini"]);
        git(shop.path(), &["commit", "-qm", "begin"]);
        git(shop.path(), &["checkout", "-qb", "work"]);
        git(shop.path(), &["add", "-A"]);
        git(shop.path(), &["commit", "-qm", "add"]);
        let clone = TempDir::new().unwrap();
        let from = shop.path().display().to_string();
        git(clone.path(), &["clone", "-q", "--branch", "work", &from, "."]);
        git(clone.path(), &["branch", "-q", "main", "origin/main"]);
        git(clone.path(), &["branch", "-q", "--unset-upstream"]);
        let (code, text, error) = run(clone.path(), state.path(), &["verify"]);
        assert_eq!(code, 0, "{}: {text}{error}", server.server);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("up, down, up")).collect();
        assert!(matches!(lines.as_slice(), [one] if one.starts_with("ok") && one.contains("add_user_email")), "{text}");
        assert!(!clone.path().join(".alembic-gate").exists(), "it writes no record");
    }
}

/// A branch that is pushed is on no branch that all start from: its revisions are still to be verified, each of them.
#[test]
fn s_142_an_ordinary_clone_of_a_pushed_branch_verifies_all_that_it_brings() {
    let Some(server) = engines_of(Dialect::Sqlite).into_iter().next() else { return };
    let broken = ("add_user_age", "op.add_column('users', sa.Column('age', sa.Integer))", "pass");
    let shop = Shop::new(&server, &[USERS, broken, EMAIL]);
    let state = TempDir::new().unwrap();
    git(shop.path(), &["init", "-q"]);
    git(shop.path(), &["add", "migrations/versions/create_users.py", "alembic.ini"]);
    git(shop.path(), &["commit", "-qm", "begin"]);
    git(shop.path(), &["checkout", "-qb", "work"]);
    git(shop.path(), &["add", "-A"]);
    git(shop.path(), &["commit", "-qm", "add"]);
    git(shop.path(), &["checkout", "-q", "main"]);
    let clone = TempDir::new().unwrap();
    git(clone.path(), &["clone", "-q", "--branch", "work", &shop.path().display().to_string(), "."]);
    let (code, text, error) = run(clone.path(), state.path(), &["verify"]);
    assert_eq!(code, 1, "{text}{error}");
    assert!(text.lines().any(|line| line.starts_with("failed") && line.contains("add_user_age")), "{text}");
    assert!(text.lines().any(|line| line.contains("add_user_email")), "{text}");
}

#[test]
fn s_142_what_fails_review_or_round_trip_exits_1_in_every_form() {
    let Some(server) = engines().into_iter().next() else { return };
    let broken = ("add_user_age", "op.add_column('users', sa.Column('age', sa.Integer, nullable=False))", "pass");
    let shop = Shop::new(&server, &[USERS, EMAIL, broken]);
    let state = TempDir::new().unwrap();
    let words = |form| ["verify", "--from", "create_users", "--format", form];
    let (code, text, _) = run(shop.path(), state.path(), &words("human"));
    assert_eq!(code, 1, "{text}");
    let lines: Vec<&str> = text.lines().take(2).collect();
    assert!(lines[0].starts_with("ok") && lines[0].contains("add_user_email"), "{text}");
    assert!(lines[1].starts_with("failed") && lines[1].contains("add_user_age"), "{text}");
    let (code, text, _) = run(shop.path(), state.path(), &words("json"));
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &said["verdict"], &said["revisions"][0]["verdict"]), (1, &json!("failed"), &json!("pass")), "{said:#}");
    let (code, text, _) = run(shop.path(), state.path(), &words("sarif"));
    let log: Value = serde_json::from_str(&text).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(code == 1 && results.iter().any(|result| result["ruleId"] == "round_trip"), "{log:#}");
    let (code, text, _) = run(shop.path(), state.path(), &words("junit"));
    assert!(code == 1 && text.starts_with("<?xml") && text.contains("<testsuites tests=\"4\""), "{text}");
    assert_eq!(text.matches("<failure ").count(), text.matches("</failure>").count());
    // Nothing to be told is another exit code.
    assert_eq!(run(shop.path(), state.path(), &["verify", "--from", "nowhere"]).0, 2);
}

#[test]
fn one_byte_changed_after_the_review_is_named() {
    let Some(server) = engines().into_iter().next() else { return };
    let shop = Shop::new(&server, &[USERS, EMAIL]);
    let state = TempDir::new().unwrap();
    for tool in ["review-sql", "test-rollback"] {
        assert_eq!(run(shop.path(), state.path(), &[tool, "--from", "create_users", "--format", "json"]).0, 0);
    }
    let other = TempDir::new().unwrap();
    let (code, text, _) = run(shop.path(), other.path(), &["verify", "--from", "create_users"]);
    assert!(code == 0 && text.contains("fits what was found"), "{text}");
    let file = shop.path().join("migrations/versions/add_user_email.py");
    let source = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, source.replace("String(80)", "String(81)")).unwrap();
    let (code, text, _) = run(shop.path(), other.path(), &["verify", "--from", "create_users"]);
    assert!(code == 1 && text.contains("after the review the revision file changed"), "{text}");
}

#[test]
fn forged_evidence_with_valid_digests_of_wrong_facts_is_named() {
    for server in engines_of(Dialect::Postgresql).into_iter().take(1).chain(engines_of(Dialect::Sqlite)) {
        let shop = Shop::new(&server, &[USERS, DROP]);
        let state = TempDir::new().unwrap();
        for tool in ["review-sql", "test-rollback"] {
            run(shop.path(), state.path(), &[tool, "--from", "create_users", "--format", "json"]);
        }
        let honest = run(shop.path(), state.path(), &["verify", "--from", "create_users"]);
        assert!(honest.0 == 1 && honest.1.contains("nobody approved"), "{}: {}{}", server.server, honest.1, honest.2);
        approve(shop.path(), state.path());
        let honest = run(shop.path(), state.path(), &["verify", "--from", "create_users"]);
        assert!(honest.0 == 0 && honest.1.contains("somebody approved"), "{}: {}{}", server.server, honest.1, honest.2);
        assert_eq!(run(shop.path(), state.path(), &["verify", "--from", "create_users", "--deny", "warning"]).0, 1);
        forge(shop.path(), |trip| trip.trips.iter_mut().for_each(|trip| trip.outcome = Outcome::Ok));
        let (code, text, _) = run(shop.path(), state.path(), &["verify", "--from", "create_users"]);
        assert!(code == 1 && text.contains("the test says `drop_user_name` ended with ok; here it ended with data_lost"), "{text}");
    }
}

fn yaml(file: &str) -> Yaml {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}")).remove(0)
}

#[test]
fn the_examples_for_ci_parse_and_run_verify() {
    let github = yaml("examples/ci/github.yml");
    let steps = github["jobs"]["verify"]["steps"].as_vec().unwrap();
    let runs: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    assert!(runs.iter().any(|run| run.starts_with("alembic-gate verify --format sarif")), "{runs:?}");
    assert_eq!(steps[0]["with"]["fetch-depth"].as_i64(), Some(0), "the base branch has to be there");
    let gitlab = yaml("examples/ci/gitlab.yml");
    let script = gitlab["verify-migrations"]["script"].as_vec().unwrap();
    assert!(script.iter().any(|line| line.as_str().unwrap().starts_with("alembic-gate verify --format junit")));
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hook = &hooks.as_vec().unwrap()[0];
    assert_eq!((hook["id"].as_str(), hook["entry"].as_str()), (Some("alembic-gate-verify"), Some("alembic-gate verify")));
    assert!(hook["language"].as_str().is_some() && hook["files"].as_str().is_some());
}

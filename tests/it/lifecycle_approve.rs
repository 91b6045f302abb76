//! `alembic-gate approve`: a terminal, what is lost on it, the digest typed back.

use std::io::Write;
use std::process::{Command, Stdio};

use alembic_gate::lifecycle::approval::Tier;
use alembic_gate::lifecycle::evidence::Outcome;

use crate::lifecycle_cases::{Place, id, losing, now, review, target};

const PROGRAM: &str = env!("CARGO_BIN_EXE_alembic-gate");

const CONFIG: &str = "[environments.production]\ntier = \"production\"\nurl_env = \"PROD_URL\"\n[environments.dev]\ntier = \"dev\"\n";

fn prepared() -> Place {
    let place = Place::new();
    std::fs::write(place.project().join("alembic-gate.toml"), CONFIG).unwrap();
    place
}

/// The same folder for keys as `place.home`.
fn home(place: &Place) -> std::path::PathBuf {
    let state = place.folder.path().join("xdg");
    if !state.exists() {
        std::fs::create_dir(&state).unwrap();
        std::os::unix::fs::symlink(place.folder.path().join("state"), state.join("alembic-gate")).unwrap();
    }
    state
}

/// Types a text into `approve` on a terminal that `script` (util-linux) makes.
fn on_a_terminal(place: &Place, arguments: &str, typed: &str) -> (i32, String) {
    let mut child = Command::new("script")
        .args(["-qec", &format!("{PROGRAM} approve {arguments}"), "/dev/null"])
        .current_dir(place.project())
        .env("XDG_STATE_HOME", home(place))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` of util-linux makes the terminal");
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).replace('\r', ""))
}

#[test]
fn an_approval_needs_a_terminal() {
    let place = prepared();
    place.review(&losing());
    for input in ["", "yes\n", &format!("{}\n", losing().approval_digest().short())] {
        let mut child = Command::new(PROGRAM)
            .args(["approve", id().as_str(), "--environment", "production", "--backup", "snapshot"])
            .current_dir(place.project())
            .env("XDG_STATE_HOME", home(&place))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("must be a terminal") && error.contains("no option takes its place"), "{error}");
    }
    assert_eq!(place.proven().approvals(), []);
}

#[test]
fn a_person_sees_what_is_lost_and_types_the_digest() {
    let (place, now) = (prepared(), losing());
    place.review(&now);
    place.test(&now, Outcome::DataLost);
    let digest = now.approval_digest().short();
    let arguments = format!("{} --environment production --backup 'snapshot of 06:00'", id());
    let (code, shown) = on_a_terminal(&place, &arguments, &format!("{digest}\n"));
    assert_eq!(code, 0, "{shown}");
    for part in
        ["Data loss    high", "column `users.note` with its values", "Way back     data_lost", "snapshot of 06:00", &digest, "level L2"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let environment = alembic_gate::config::Config::found_from(place.project()).unwrap().environment("production").unwrap();
    let mut target = target(Tier::Production);
    target.definition = environment.definition;
    assert_eq!(place.closed(&now, &target), [""; 0], "the door is open");
    assert_eq!(place.proven().approvals().len(), 1);
}

#[test]
fn whatever_else_is_typed_approves_nothing() {
    let (place, now) = (prepared(), losing());
    place.review(&now);
    let arguments = format!("{} --environment production --backup snapshot", id());
    for typed in ["yes\ny\ntrue\n", "\n\n\n", "00000000\n11111111\n22222222\n", "\u{4}"] {
        let (code, shown) = on_a_terminal(&place, &arguments, typed);
        assert_eq!(code, 2, "{shown}");
        assert!(shown.contains("nothing is approved"), "{shown}");
    }
    let digest = now.approval_digest().short();
    for (arguments, part) in [
        (format!("{} --environment production", id()), "no backup is named"),
        (format!("{} --environment production --backup ' '", id()), "no backup is named"),
        (format!("{} --environment prod --backup s", id()), "names no environment `prod`"),
        ("add_other-00000000 --environment dev --backup s".to_owned(), "no review of `add_other-00000000`"),
        ("../x --environment dev --backup s".to_owned(), "is not a migration id"),
    ] {
        let (code, shown) = on_a_terminal(&place, &arguments, &format!("{digest}\n"));
        assert_eq!(code, 2, "{shown}");
        assert!(shown.contains(part) && shown.contains("hint: "), "{part}: {shown}");
    }
    assert_eq!(place.proven().approvals(), []);
}

#[test]
fn a_faulty_record_is_not_approved() {
    let (place, now) = (prepared(), losing());
    place.review(&now);
    let text = std::fs::read_to_string(place.ledger()).unwrap();
    std::fs::write(place.ledger(), text.replace("\"errors\":0", "\"errors\":1")).unwrap();
    let (code, shown) = on_a_terminal(&place, &format!("{} --environment dev --backup s", id()), "x\n");
    assert!(code == 2 && shown.contains("cannot be trusted: .alembic-gate/"), "{shown}");
}

#[test]
fn what_a_file_says_cannot_move_the_cursor() {
    let mut now = now();
    now.judged.lost = vec!["\u{1b}[2Jnothing\u{7}".to_owned()];
    let environment = alembic_gate::config::NamedEnvironment {
        name: "dev".to_owned(),
        tier: Tier::Dev,
        definition: crate::lifecycle_cases::digest("dev"),
    };
    let shown = alembic_gate::approve::shown(&id(), &environment, &review(&now), "ok", Some("a\u{1b}[1A"));
    assert!(!shown.contains('\u{1b}') && shown.contains("·[2Jnothing·"), "{shown}");
}

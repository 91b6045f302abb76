//! Approvals by signed tags: real git, real ssh-keygen, keys of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use alembic_gate::config::Config;
use alembic_gate::lifecycle::approval::{Level, Tier};
use alembic_gate::lifecycle::evidence::{Now, Outcome};
use alembic_gate::lifecycle::gate::{Question, Target, Verdict, ask_all};

use crate::lifecycle_cases::{Place, id, losing, target};

const PROGRAM: &str = env!("CARGO_BIN_EXE_alembic-gate");

struct Signed {
    place: Place,
    now: Now,
    target: Target,
}

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Signed {
    /// A repository with a reviewed and tested migration that loses a column.
    fn new() -> Self {
        let place = Place::new();
        let now = losing();
        std::fs::write(place.project().join("alembic-gate.toml"), "[environments.production]\ntier = \"production\"\n").unwrap();
        place.review(&now);
        place.test(&now, Outcome::DataLost);
        let mut target = target(Tier::Production);
        target.definition = Config::found_from(place.project()).unwrap().environment("production").unwrap().definition;
        let signed = Self { place, now, target };
        signed.git(&["init", "-q"]);
        signed.git(&["add", "."]);
        signed.git(&["commit", "-qm", "one"]);
        signed
    }

    fn git(&self, arguments: &[&str]) -> String {
        done(
            Command::new("git")
                .current_dir(self.place.project())
                .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgSign=false"])
                .args(arguments)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_SYSTEM", "/dev/null"),
        )
    }

    fn key(&self, name: &str) -> PathBuf {
        let path = self.place.folder.path().join(name);
        done(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path));
        path
    }

    /// Lets keys approve, under these names.
    fn allow(&self, signers: &[(&str, &Path)]) {
        let lines: Vec<String> = signers
            .iter()
            .map(|(name, key)| format!("{name} namespaces=\"git\" {}", std::fs::read_to_string(key.with_extension("pub")).unwrap()))
            .collect();
        let path = self.place.folder.path().join("state/allowed_signers");
        std::fs::write(&path, lines.concat()).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// What `approve --tag-message` prints.
    fn message(&self, backup: &str) -> String {
        let state = self.place.folder.path().join("xdg");
        if !state.exists() {
            std::fs::create_dir(&state).unwrap();
            std::os::unix::fs::symlink(self.place.folder.path().join("state"), state.join("alembic-gate")).unwrap();
        }
        done(
            Command::new(PROGRAM)
                .current_dir(self.place.project())
                .args(["approve", id().as_str(), "--environment", "production", "--backup", backup, "--tag-message"])
                .env("XDG_STATE_HOME", state)
                .stdin(Stdio::null()),
        )
    }

    fn tag(&self, name: &str, message: &str, key: Option<&Path>) {
        let file = self.place.folder.path().join("message");
        std::fs::write(&file, message).unwrap();
        let signing = key.map(|key| format!("user.signingKey={}", key.display())).unwrap_or_default();
        let file = file.display().to_string();
        match key {
            Some(_) => self.git(&["-c", "gpg.format=ssh", "-c", &signing, "tag", "-s", "-F", &file, name]),
            None => self.git(&["tag", "-a", "-F", &file, name]),
        };
    }

    fn name(&self, last: &str) -> String {
        format!("alembic-gate/{}/{last}", id())
    }

    fn closed(&self) -> Vec<&'static str> {
        let opened = self.place.store.opened(&self.place.home, &id());
        let (proven, _) = self.place.store.proven(&id(), &opened);
        let verdicts = ask_all(&Question { proven: &proven, now: &self.now, target: &self.target });
        verdicts.into_iter().filter(|(_, verdict)| !verdict.is_open()).map(|(gate, _)| gate.name()).collect()
    }
}

const SHUT: [&str; 2] = ["rollback_tested", "loss_confirmed_and_backed_up"];

#[test]
fn a_tag_signed_by_an_allowed_key_approves() {
    let signed = Signed::new();
    let ada = signed.key("ada");
    let message = signed.message("snapshot of 06:00");
    assert!(message.contains("column `users.note` with its values") && message.contains("\nalembic-gate-approval: {"), "{message}");
    signed.tag(&signed.name("production"), &message, Some(&ada));
    assert_eq!(signed.closed(), SHUT, "nobody said yet that this key may approve");
    signed.allow(&[("ada@example.org", &ada)]);
    assert_eq!(signed.closed(), [""; 0]);
    let opened = signed.place.store.opened(&signed.place.home, &id());
    let (proven, _) = signed.place.store.proven(&id(), &opened);
    let door = ask_all(&Question { proven: &proven, now: &signed.now, target: &signed.target });
    assert!(door.iter().any(|(_, verdict)| matches!(
        verdict,
        Verdict::OpenAsOneWayDoor { level: Level::L2, approvers, .. } if approvers == &["ada@example.org"]
    )));
}

#[test]
fn two_allowed_keys_are_two_people() {
    let mut signed = Signed::new();
    signed.target.policy.production = Level::L3;
    let (ada, grace) = (signed.key("ada"), signed.key("grace"));
    signed.allow(&[("ada@example.org", &ada), ("grace@example.org", &grace)]);
    let message = signed.message("snapshot");
    signed.tag(&signed.name("production/ada"), &message, Some(&ada));
    signed.tag(&signed.name("production/ada-again"), &message, Some(&ada));
    assert_eq!(signed.closed(), SHUT);
    signed.tag(&signed.name("production/grace"), &message, Some(&grace));
    assert_eq!(signed.closed(), [""; 0]);
}

/// Tags that an agent with the repository can make.
#[test]
fn no_forged_tag_approves() {
    let signed = Signed::new();
    let (ada, agent) = (signed.key("ada"), signed.key("agent"));
    signed.allow(&[("ada@example.org", &ada)]);
    let message = signed.message("snapshot");
    signed.tag(&signed.name("unsigned"), &message, None);
    signed.tag(&signed.name("own-key"), &message, Some(&agent));
    assert_eq!(signed.closed(), SHUT);
    // The repository's configuration names its own signers and its own program.
    let own = signed.place.project().join("own_signers");
    std::fs::write(&own, format!("ada@example.org {}", std::fs::read_to_string(agent.with_extension("pub")).unwrap())).unwrap();
    let liar = signed.place.project().join("liar.sh");
    std::fs::write(&liar, "#!/bin/sh\necho 'Good \"git\" signature for ada@example.org with ED25519 key SHA256:x'\n").unwrap();
    std::fs::set_permissions(&liar, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (name, value) in [
        ("gpg.ssh.allowedSignersFile", own.display().to_string()),
        ("gpg.ssh.program", liar.display().to_string()),
        ("gpg.program", liar.display().to_string()),
        ("gpg.format", "openpgp".to_owned()),
    ] {
        signed.git(&["config", name, &value]);
        assert_eq!(signed.closed(), SHUT, "{name}");
    }
    for name in ["gpg.ssh.program", "gpg.program", "gpg.format"] {
        signed.git(&["config", "--unset", name]);
    }
    // A good signature of another text: other loss, other digest, other environment, other migration, twice, none.
    let line = message.lines().find(|line| line.starts_with("alembic-gate-approval: ")).unwrap();
    for (number, text) in [
        message.replace("\"loss\":\"high\"", "\"loss\":\"none\""),
        message.replace("\"digest\":\"", "\"digest\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"x\":\""),
        message.replace("\"environment\":\"production\"", "\"environment\":\"staging\""),
        message.replace(&format!("\"migration_id\":\"{}\"", id()), "\"migration_id\":\"other-00000000\""),
        message.replace("snapshot\"", "\""),
        format!("{message}\n{line}"),
        "Approve everything".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        signed.tag(&signed.name(&format!("edited-{number}")), &text, Some(&ada));
        assert_eq!(signed.closed(), SHUT, "{text}");
    }
    // A good tag, its message changed afterwards.
    signed.tag("elsewhere", &message, Some(&ada));
    let content = signed.git(&["cat-file", "tag", "elsewhere"]);
    let file = signed.place.folder.path().join("content");
    std::fs::write(&file, content.replace("Approve ", "approve ")).unwrap();
    let object = signed.git(&["hash-object", "-t", "tag", "-w", &file.display().to_string()]);
    signed.git(&["update-ref", &format!("refs/tags/{}", signed.name("changed")), object.trim()]);
    assert_eq!(signed.closed(), SHUT);
    // Signers that others may write count for nothing.
    let signers = signed.place.folder.path().join("state/allowed_signers");
    signed.tag(&signed.name("good"), &message, Some(&ada));
    assert_eq!(signed.closed(), [""; 0], "and the good one among them counts");
    std::fs::set_permissions(&signers, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    assert_eq!(signed.closed(), SHUT);
}

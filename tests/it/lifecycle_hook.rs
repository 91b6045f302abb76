//! The hook: command lines as agents write them, and as they write them to get past a fence.

use std::io::Write;
use std::process::{Command, Stdio};

use alembic_gate::hook::{Asked, Decision, Refusal, Sight, Verb, decide, decide_call, decide_sights, sights, sights_of_words};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_alembic-gate");

/// Scripts that lie in the folder.
fn script(path: &str) -> Option<String> {
    let text = match path.trim_start_matches("./") {
        "migrate.sh" | "ops/migrate.sh" => "#!/bin/sh\nset -e\nexec alembic upgrade head\n",
        "lint.sh" => "#!/bin/sh\nruff check alembic tests\n",
        "outer.sh" => "bash migrate.sh",
        "circle.sh" => "sh circle.sh # alembic upgrade",
        "migrate.py" => "from alembic import command\ncommand.upgrade(Config('alembic.ini'), 'head')\n",
        "alembic/versions/1f2e_x.py" => "from alembic import op\n\ndef upgrade():\n    pass\n\ndef downgrade():\n    pass\n",
        "tool" => "#!/usr/bin/env python3\nimport subprocess\nsubprocess.run(['alembic', 'upgrade', 'head'])\n",
        "Makefile" => {
            "ALEMBIC = poetry run alembic\n.PHONY: test\ntest: lint\n\tpytest\nlint:\n\truff check alembic\nmigrate: lint\n\t@$(ALEMBIC) upgrade head\ndeploy: migrate\n\techo done\n"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn refused(refusal: Option<Refusal>, text: &str) -> Option<String> {
    let asked = Asked { script: &script, refusal: &|_| refusal.clone() };
    match decide_sights(&sights(text, &script), &asked) {
        Decision::Pass => None,
        Decision::Deny { because } => Some(because),
    }
}

fn closed() -> Option<Refusal> {
    Some(Refusal { reasons: vec!["sql_not_reviewed".to_owned()], next: "call `review_sql`".to_owned() })
}

/// Stopped while the gates are closed.
const STOPPED: &[&str] = &[
    "alembic upgrade head",
    "alembic downgrade -1",
    "alembic stamp head",
    "alembic ensure_version",
    "alembic -c alembic.ini upgrade head",
    "alembic --config=a.ini --name shop -x tenant=a --raiseerr upgrade +1",
    "alembic -x db=$TENANT upgrade head",
    "/srv/app/.venv/bin/alembic upgrade head",
    ".venv\\\\Scripts\\\\alembic.exe upgrade head",
    "ALEMBIC upgrade head",
    "python -m alembic upgrade head",
    "python3.12 -Im alembic upgrade head",
    "python -malembic upgrade head",
    "python -m alembic.config upgrade head",
    "uv run alembic upgrade head",
    "uv run --frozen python -m alembic upgrade head",
    "uvx alembic upgrade head",
    "poetry run alembic upgrade head",
    "pipenv run alembic upgrade head",
    "hatch run dev:alembic upgrade head; hatch run alembic upgrade head",
    "conda run -n shop alembic upgrade head",
    "flask db upgrade",
    "flask --app shop db downgrade",
    "python -m flask db stamp head",
    "python manage.py db upgrade",
    "superset db upgrade",
    "DATABASE_URL=postgresql://localhost/x alembic upgrade head",
    "env -u X DATABASE_URL=x alembic upgrade head",
    "export A=1; alembic upgrade head",
    "cd backend && alembic upgrade head",
    "alembic current && alembic upgrade head",
    "alembic check || alembic stamp head",
    "alembic heads; alembic downgrade base",
    "alembic upgrade head --sql; alembic upgrade head",
    "alembic current\nalembic upgrade head",
    "alembic current & alembic upgrade head &",
    "(cd backend; alembic upgrade head)",
    "{ alembic upgrade head; }",
    "if alembic check; then alembic upgrade head; fi",
    "for r in a b; do alembic upgrade $r; done",
    "while true; do alembic upgrade head && break; done",
    "case $x in a) alembic upgrade head;; esac",
    "up() { alembic upgrade head; }; up",
    "function up { alembic upgrade head; }; up",
    "! alembic upgrade head",
    "time alembic upgrade head",
    "timeout 60 alembic upgrade head",
    "nohup alembic upgrade head > log 2>&1 &",
    "sudo -u app alembic upgrade head",
    "exec alembic upgrade head",
    "command alembic upgrade head",
    "sh -c 'alembic upgrade head'",
    "bash -lc \"cd x && alembic upgrade head\"",
    "bash -ec 'sh -c \"alembic upgrade head\"'",
    "su app -c 'alembic upgrade head'",
    "eval 'alembic upgrade head'",
    "eval alembic upgrade head",
    "echo $(alembic upgrade head)",
    "echo `alembic upgrade head`",
    "echo \"now: $(alembic upgrade head)\"",
    "cat <(alembic upgrade head)",
    "X=$(alembic upgrade head)",
    "echo ${X:-$(alembic upgrade head)}",
    "echo $((1 + $(alembic upgrade head)))",
    "echo 'alembic upgrade head' | sh",
    "printf 'alembic upgrade head' | bash -s",
    "sh <<< 'alembic upgrade head'",
    "sh <<EOF\nalembic upgrade head\nEOF",
    "bash <<'EOF'\ncd x\nalembic upgrade head\nEOF\necho done",
    "cat <<EOF\n$(alembic upgrade head)\nEOF",
    "python - <<'EOF'\nfrom alembic import command\ncommand.upgrade(cfg, 'head')\nEOF",
    "python -c \"from alembic import command; command.upgrade(c, 'head')\"",
    "python3 -c 'import alembic.config; alembic.config.main([\"upgrade\", \"head\"])'",
    "python -c 'from alembic.command import upgrade; upgrade(c, \"head\")'",
    "node -e 'exec(\"alembic upgrade head\")'",
    "perl -e 'system(\"alembic upgrade head\")'",
    "ssh host alembic upgrade head",
    "ssh host 'cd app && alembic upgrade head'",
    "docker compose exec web alembic upgrade head",
    "docker exec -it web sh -c 'alembic upgrade head'",
    "docker run --rm -e URL=x app alembic upgrade head",
    "kubectl exec deploy/web -- alembic upgrade head",
    "tmux send-keys 'alembic upgrade head' Enter",
    "xargs alembic upgrade < revisions",
    "echo upgrade head | xargs alembic",
    "echo 'alembic upgrade head' | xargs -I{} sh -c {}",
    "find . -name alembic.ini -exec alembic upgrade head \\;",
    "watch 'alembic upgrade head'",
    "git rebase --exec 'alembic upgrade head' main",
    "git bisect run alembic upgrade head",
    "al\"emb\"ic up'grade' head",
    "al\\embic upgrade head",
    "$'\\x61lembic' upgrade head",
    "alembic $'up\\u0067rade' head",
    "alembic \\\n  upgrade \\\n  head",
    "A=alembic; $A upgrade head",
    "V=upgrade; alembic $V head",
    "alembic \"$@\" # upgrade",
    "alembic ${1:-upgrade} head",
    "$(which alembic) upgrade head",
    "`which alembic` upgrade head",
    "{alembic,upgrade,head}",
    "alembi? upgrade head # alembic",
    "/usr/bin/alem* upgrade head",
    "alias a=alembic; a upgrade head",
    "alias up='alembic upgrade head'; up",
    "ln -s $(which alembic) /tmp/a; /tmp/a upgrade head",
    "cat > r.sh <<'EOF'\nalembic upgrade head\nEOF\nsh r.sh",
    "echo 'alembic upgrade head' > r.sh && . ./r.sh",
    "alembic upgrade head --sql | psql shop",
    "psql -f <(alembic upgrade head --sql) shop",
    "alembic upgrade head --sql > up.sql && psql -f up.sql",
    "alembic upgrade head --sq",
    "alembic upgrade head '--sql",
    "alembic upgrade head $SQL",
    "alembic frobnicate",
    "bash migrate.sh",
    "./migrate.sh",
    "sh ./outer.sh",
    "cd ops && sh migrate.sh",
    "source migrate.sh",
    "python migrate.py",
    "uv run migrate.py",
    "./tool --fast",
    "sh circle.sh",
    "make migrate",
    "make deploy",
    "sh -c 'make migrate'",
    "echo 'alembic upgrade head' | (sh)",
    "PAGER='alembic upgrade head' git log",
    "echo 'alembic upgrade head' | tee >(sh)",
    "alembic upgrade head # --sql",
    "alembic upgrade head; # --help",
];

/// Left alone: it reads, prints SQL, or is about something else.
const PASSED: &[&str] = &[
    "alembic upgrade 0a1b:1f2e --sql",
    "alembic upgrade head --sql > up.sql",
    "alembic upgrade head --sql | less",
    "alembic downgrade 1f2e:0a1b --sql",
    "uv run alembic upgrade 0a1b:head --sql",
    "sh -c 'alembic upgrade 0a1b:head --sql'",
    "flask db upgrade --sql",
    "alembic history --verbose",
    "alembic current",
    "alembic heads",
    "alembic check",
    "alembic branches",
    "alembic show 1f2e",
    "alembic -c a.ini revision --autogenerate -m \"add upgrade column\"",
    "alembic revision -m 'stamp duty'",
    "alembic merge -m x a b",
    "alembic upgrade --help",
    "alembic",
    "alembic --version",
    "poetry run alembic current",
    "docker compose exec web alembic history",
    "python -m alembic heads",
    "flask db current",
    "pip install --upgrade alembic",
    "pip install alembic sqlalchemy",
    "uv add alembic",
    "uv pip install --upgrade alembic",
    "uv lock --upgrade-package alembic",
    "git commit -m 'Document alembic upgrade head'",
    "git log --grep='alembic upgrade'",
    "gh pr create --body 'Run alembic upgrade head after the deploy'",
    "grep -rn 'alembic upgrade' .",
    "rg 'alembic (upgrade|downgrade)' docs | head -5",
    "cat alembic/versions/1f2e_x.py",
    "python alembic/versions/1f2e_x.py",
    "ls alembic/versions",
    "ruff check alembic tests",
    "pytest tests/test_alembic.py -k upgrade",
    "mypy -p shop && pytest -q",
    "echo 'then run alembic upgrade head'",
    "cat > NOTES.md <<'EOF'\nRun `alembic upgrade head` after the deploy.\nEOF",
    "cd alembic && ls",
    "make test",
    "make lint",
    "bash lint.sh",
    "python -c 'import alembic; print(alembic.__version__)'",
    "psql -c 'SELECT 1'",
    "npm run build && cargo test",
    "apt-get upgrade -y",
    "if [ -f alembic.ini ]; then alembic current; fi",
    "for f in *.py; do wc -l $f; done",
    "x=$((1 + 2)); echo ${x}",
    "alembic-gate review-sql up.sql",
    "",
];

#[test]
fn what_changes_a_database_through_alembic_is_stopped() {
    let passed: Vec<&&str> = STOPPED.iter().filter(|text| refused(closed(), text).is_none()).collect();
    assert!(passed.is_empty(), "not stopped: {passed:#?}");
    assert!(STOPPED.len() >= 60);
}

#[test]
fn what_changes_nothing_is_left_alone() {
    let stopped: Vec<_> = PASSED.iter().filter_map(|text| refused(closed(), text).map(|why| (text, why))).collect();
    assert!(stopped.is_empty(), "stopped: {stopped:#?}");
}

#[test]
fn open_gates_let_plain_commands_pass_and_nothing_else() {
    for text in ["alembic upgrade head", "uv run alembic upgrade 1f2e", "alembic downgrade 0a1b", "sh -c 'alembic upgrade head'"] {
        assert_eq!(refused(None, text), None, "{text}");
    }
    for text in [
        "alembic downgrade base",
        "alembic downgrade shop@base",
        "alembic downgrade $R",
        "A=alembic; $A upgrade head",
        "echo 'alembic upgrade head' | sh",
    ] {
        assert!(refused(None, text).is_some(), "{text}");
    }
}

#[test]
fn a_refusal_says_what_why_and_what_to_do() {
    let because = refused(closed(), "cd x && alembic upgrade head").unwrap();
    assert_eq!(
        because,
        "alembic-gate stopped `alembic upgrade head`: the gates are closed (sql_not_reviewed). Do: call `review_sql`. \
         Allowed now: SQL without a database: `alembic upgrade <current>:<target> --sql`; on a scratch database: `test_rollback`"
    );
    assert!(refused(None, "alembic downgrade base").unwrap().contains("no gate opens that"));
    assert!(refused(closed(), "A=alembic; $A upgrade head").unwrap().contains("known only when it runs"));
    for text in STOPPED {
        let because = refused(closed(), text).unwrap();
        assert!(because.contains("Do: ") && because.len() < 500 && !because.contains("downgrade base`."), "{text}: {because}");
    }
}

#[test]
fn what_is_seen_names_verb_and_target() {
    let seen = |text: &str| match sights(text, &|_| None).first() {
        Some(Sight::Changes(change)) => Some((change.verb, change.target.clone().unwrap_or_default())),
        _ => None,
    };
    assert_eq!(seen("alembic upgrade head"), Some((Verb::Upgrade, "head".to_owned())));
    assert_eq!(seen("alembic downgrade --tag x -1"), Some((Verb::Downgrade, "-1".to_owned())));
    assert_eq!(seen("flask db downgrade"), Some((Verb::Downgrade, "-1".to_owned())));
    assert_eq!(seen("alembic stamp --purge 1f2e"), Some((Verb::Stamp, "1f2e".to_owned())));
    assert_eq!(seen("alembic upgrade $R"), Some((Verb::Upgrade, "…".to_owned())));
    assert_eq!(sights("alembic upgrade head --sql", &|_| None), [Sight::Offline]);
    assert_eq!(sights_of_words(&["alembic".to_owned(), "history".to_owned()], &|_| None), []);
}

/// An agent does not approve, and does not take the key.
#[test]
fn approving_and_the_key_are_not_for_an_agent() {
    for text in [
        "alembic-gate approve add_x-1a2b3c4d --environment production",
        "script -qc 'alembic-gate approve add_x-1a2b3c4d --environment production' /dev/null",
        "echo 1a2b3c4d | script -qec \"/usr/bin/alembic-gate approve x-1a2b3c4d --environment p\" /dev/null",
        "expect -c 'spawn alembic-gate approve x-1a2b3c4d --environment p'",
        "echo 'alembic-gate approve x-1a2b3c4d --environment p' | sh",
        "cat ~/.local/state/alembic-gate/key",
        "XDG_STATE_HOME=/tmp/x alembic-gate apply-migration --environment production --allow-apply",
        "HOME=/tmp/x alembic-gate verify",
        "export XDG_STATE_HOME=/tmp/x; alembic-gate apply-migration --environment production",
        "env XDG_STATE_HOME=/tmp/x alembic-gate migration-status",
        "cp \"$HOME/.local/state/alembic-gate/key\" /tmp/k",
        "rm -rf $XDG_STATE_HOME/alembic-gate/latest",
    ] {
        assert!(refused(None, text).is_some(), "{text}");
    }
}

#[test]
fn no_text_makes_the_reader_fail() {
    let pieces = [
        "alembic", " ", "upgrade", "$(", ")", "`", "'", "\"", "<<E\n", "\n", "\\", "${", "}", "((", "|", ";", "&", "<(", "$'", "é", "{a,",
        "#", "=", "[[", "case", "in", "\0",
    ];
    let mut number = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(number >> 33) as usize % pieces.len()]);
        }
        let _ = sights(&text, &script);
    }
    for open in ["$(", "`", "${a:-", "((", "(", "\"$", "$\"", "<(", "{", "sh -c '", "a=(", "$(("] {
        let deep = open.repeat(20_000);
        let _ = sights(&deep, &script);
        assert!(refused(closed(), &format!("{deep} alembic upgrade head")).is_some(), "{open}");
    }
}

fn hook(input: &str, folder: &std::path::Path) -> (i32, String, String) {
    let mut child = Command::new(PROGRAM)
        .arg("hook")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn call(command: &str) -> Value {
    json!({ "session_id": "s", "hook_event_name": "PreToolUse", "cwd": "/", "tool_name": "Bash", "tool_input": { "command": command } })
}

/// The client's form: exit code 2, the reason on standard error, the decision on standard output.
#[test]
fn the_client_is_answered_in_its_own_form() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, error) = hook(&call("alembic upgrade head").to_string(), folder.path());
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 2);
    assert_eq!(answer["hookSpecificOutput"]["hookEventName"], json!("PreToolUse"));
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], json!("deny"));
    assert_eq!(answer["hookSpecificOutput"]["permissionDecisionReason"], json!(error.trim_end()));
    assert!(error.contains("plan_migration"), "{error}");
    assert_eq!(hook(&call("alembic history").to_string(), folder.path()), (0, String::new(), String::new()));
}

#[test]
fn a_script_in_the_clients_folder_is_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("go.sh"), "alembic upgrade head\n").unwrap();
    let mut input = call("bash go.sh");
    assert_eq!(hook(&input.to_string(), folder.path()).0, 0, "there is none in /");
    input["cwd"] = json!(folder.path());
    assert_eq!(hook(&input.to_string(), std::path::Path::new("/")).0, 2);
}

/// S-009: what cannot be understood is stopped.
#[test]
fn s_009_the_hook_fails_closed() {
    let folder = tempfile::tempdir().unwrap();
    let huge = format!("{{\"x\": \"{}\"}}", "y".repeat(5 << 20));
    let deep = "[".repeat(100_000);
    for input in [
        "",
        "no json",
        "{}",
        "[]",
        "42",
        "{\"tool_name\": 5}",
        "{\"tool_name\": \"Bash\"}",
        "{\"tool_name\": \"Bash\", \"tool_input\": {}}",
        "{\"tool_name\": \"Bash\", \"tool_input\": {\"command\": 5}}",
        "{\"tool_name\": \"Bash\", \"tool_input\": {\"command\": {\"a\": 1}}}",
        "{\"tool_name\": \"Bash\", \"tool_input\": \"alembic upgrade head\"}",
        &huge,
        &deep,
    ] {
        let (code, out, error) = hook(input, folder.path());
        let shown: String = input.chars().take(60).collect();
        assert_eq!(code, 2, "{shown}");
        assert!(error.contains("Do: ") && out.contains("\"deny\""), "{shown}: {error}");
    }
    let deny = decide("{\"tool_name\": \"X\"}", &|_| Decision::Pass);
    assert_eq!(deny, Decision::Pass, "another tool is the caller's to decide");
    let bad_option = Command::new(PROGRAM).args(["hook", "--no-such-option"]).output().unwrap();
    assert_eq!(bad_option.status.code(), Some(2));
}

#[test]
fn other_tools_and_other_events_are_left_alone_but_the_record_is_not_theirs() {
    let asked = Asked { script: &script, refusal: &|_| closed() };
    let of = |tool: &str, input: Value| decide_call(&json!({ "tool_name": tool, "tool_input": input }), &asked);
    assert_eq!(of("Read", json!({ "file_path": "alembic upgrade" })), Decision::Pass);
    assert_eq!(of("Write", json!({ "file_path": "/p/NOTES.md", "content": "alembic upgrade head" })), Decision::Pass);
    assert_eq!(of("mcp__alembic-gate__review_sql", json!({ "sql": "alembic upgrade" })), Decision::Pass);
    for path in
        ["/p/.alembic-gate/x-1a2b3c4d/ledger.jsonl", ".alembic-gate/x", "C:\\p\\.alembic-gate\\x", "/h/.local/state/alembic-gate/key"]
    {
        for tool in ["Write", "Edit", "MultiEdit"] {
            assert!(matches!(of(tool, json!({ "file_path": path })), Decision::Deny { .. }), "{tool} {path}");
        }
    }
    for (tool, input) in [
        ("mcp__shell__run", json!({ "command": "alembic upgrade head" })),
        ("mcp__shell__run", json!({ "cmd": "alembic upgrade head" })),
        ("PowerShell", json!({ "command": "alembic upgrade head" })),
        ("mcp__shell__exec", json!({ "command": ["bash", "-lc", "alembic upgrade head"] })),
    ] {
        assert!(matches!(of(tool, input.clone()), Decision::Deny { .. }), "{tool} {input}");
    }
    let mut after = call("alembic upgrade head");
    after["hook_event_name"] = json!("PostToolUse");
    assert_eq!(decide(&after.to_string(), &|input| decide_call(input, &asked)), Decision::Pass);
}

/// `alembic-gate hook -- alembic …`: stopped with 1, else run in our place.
#[test]
fn the_wrapper_runs_what_may_run_and_stops_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let output = Command::new(PROGRAM).args(["hook", "--"]).args(words).current_dir(folder.path()).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, out, error) = run(&["alembic", "upgrade", "head"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.contains("the gates are closed"), "{error}");
    assert_eq!(run(&["echo", "alembic", "history"]), (0, "alembic history\n".to_owned(), String::new()));
    assert_eq!(run(&["sh", "-c", "exit 7"]).0, 7);
    let (code, _, error) = run(&["no-such-program-here"]);
    assert!(code == 2 && error.contains("could not be started") && error.contains("hint:"), "{error}");
    let (code, _, error) = run(&[PROGRAM, "hook", "--", "echo", "x"]);
    assert!(code == 2 && error.contains("leads back"), "{error}");
}

//! A gate outside the protocol: what an agent's shell is about to run is looked at, and what changes a database through
//! Alembic waits for the gates. Pure: files and gates are asked through functions.
//!
//! It sees what stands in the command line and in the scripts that it names. It does not see what a program does inside:
//! a binary that calls Alembic, a script that is downloaded, a name that is put together at run time without any mention
//! of Alembic. It is a fence along the road, not a wall around the database: that one is the server's rights.

mod sight;

pub use sight::{Change, Sight, UNKNOWN, Verb, sights, sights_of_words};

use serde_json::{Value, json};

use crate::lifecycle::after::is_base;
use crate::lifecycle::gate::{Gate, Next, Verdict};

/// Why a change is refused, and what opens the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Codes or sentences.
    pub reasons: Vec<String>,
    /// What to do.
    pub next: String,
}

/// What is asked from outside.
pub struct Asked<'a> {
    /// The text of a script, by the path that stands in the command and the folder it is run in; `None` where there is none.
    pub script: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the gates are open for this change; `None` is yes.
    pub refusal: &'a dyn Fn(&Change) -> Option<Refusal>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing here is ours to stop; the client's own rules go on to hold.
    Pass,
    /// It is stopped.
    Deny {
        /// What, why and what to do, for the agent.
        because: String,
    },
}

/// A closed gate as a refusal; `None` where all are open.
#[must_use]
pub fn refusal_of(verdicts: &[(Gate, Verdict)]) -> Option<Refusal> {
    let mut codes = Vec::new();
    let mut next = None;
    for (_, verdict) in verdicts {
        match verdict {
            Verdict::Open | Verdict::OpenAsOneWayDoor { .. } => {}
            Verdict::Closed { reasons, next: mend, .. } => {
                codes.extend(reasons.iter().map(ToString::to_string));
                next.get_or_insert(mend);
            }
        }
    }
    codes.dedup();
    let next = match next? {
        Next::Tool(tool) => format!("call `{tool}`"),
        Next::Edit(what) | Next::Person(what) => what.clone(),
    };
    Some(Refusal { reasons: codes, next })
}

/// Decides on the JSON that a client's hook gives: Claude Code's `PreToolUse`.
///
/// Source: code.claude.com/docs/en/hooks (fields `hook_event_name`, `tool_name`, `tool_input`, `cwd`).
#[must_use]
pub fn decide(text: &str, asked: &dyn Fn(&Value) -> Decision) -> Decision {
    let input: Value = match serde_json::from_str(text) {
        Ok(input) => input,
        Err(error) => return unreadable(&format!("its input is no JSON ({error})")),
    };
    if let Some(event) = input.get("hook_event_name")
        && event != "PreToolUse"
    {
        return Decision::Pass;
    }
    if input.get("tool_name").and_then(Value::as_str).is_none() {
        return unreadable("its input names no tool");
    }
    asked(&input)
}

fn unreadable(why: &str) -> Decision {
    Decision::Deny {
        because: format!(
            "alembic-gate stopped this: the hook could not tell what is to be run, since {why}. Do: check the hook's entry in the client's settings; it wants the client's JSON on standard input"
        ),
    }
}

/// Tools that write files: the record is not theirs to write.
pub const WRITERS: [&str; 4] = ["Write", "Edit", "MultiEdit", "NotebookEdit"];

/// The tools whose calls Claude Code has to show to the hook, as its settings write them: the shell, and all [`WRITERS`].
pub const MATCHER: &str = "Bash|Write|Edit|MultiEdit|NotebookEdit";

/// Decides on one call of a tool, in the words of its JSON.
#[must_use]
pub fn decide_call(input: &Value, asked: &Asked<'_>) -> Decision {
    let tool = input.get("tool_name").and_then(Value::as_str).unwrap_or_default();
    let arguments = input.get("tool_input").cloned().unwrap_or(Value::Null);
    if WRITERS.contains(&tool) {
        let path = ["file_path", "notebook_path"].iter().find_map(|field| arguments.get(*field)?.as_str()).unwrap_or_default();
        return decide_write(path);
    }
    let commands: Vec<&Value> = ["command", "cmd", "script"].iter().filter_map(|field| arguments.get(*field)).collect();
    if commands.is_empty() {
        return if tool == "Bash" { unreadable("its input has no command") } else { Decision::Pass };
    }
    for command in commands {
        let found = match command {
            Value::String(text) => sights(text, asked.script),
            Value::Array(words) if words.iter().all(Value::is_string) => {
                sights_of_words(&words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>(), asked.script)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return unreadable("the command is no text");
            }
        };
        if let denied @ Decision::Deny { .. } = decide_sights(&found, asked) {
            return denied;
        }
    }
    Decision::Pass
}

fn decide_write(path: &str) -> Decision {
    let parts: Vec<&str> = path.split(['/', '\\']).collect();
    let is_record = parts.contains(&".alembic-gate")
        || parts.windows(2).any(|pair| matches!(pair, ["alembic-gate", "key" | "keys" | "latest" | "allowed_signers"]));
    if is_record {
        return Decision::Deny {
            because: format!(
                "alembic-gate stopped this: `{path}` is a record that only its tools write; what is written there by hand does not count. \
                 Do: call `review_sql` or `test_rollback`, they write it"
            ),
        };
    }
    Decision::Pass
}

/// Decides on what was seen.
#[must_use]
pub fn decide_sights(found: &[Sight], asked: &Asked<'_>) -> Decision {
    for sight in found {
        if let Some(because) = denial(sight, asked) {
            return Decision::Deny { because };
        }
    }
    Decision::Pass
}

const SMALLER: &str = "SQL without a database: `alembic upgrade <current>:<target> --sql`; on a scratch database: `test_rollback`";

fn denial(sight: &Sight, asked: &Asked<'_>) -> Option<String> {
    match sight {
        Sight::Offline => None,
        Sight::Changes(change)
            if change.verb == Verb::Downgrade && change.target.as_deref().is_none_or(|target| is_base(target) || target == UNKNOWN) =>
        {
            Some(format!(
                "alembic-gate stopped `{}`: it takes every table of the chain away, and no gate opens that. \
             Do: name the revision to go back to; to try a way back, call `test_rollback`",
                change.shown()
            ))
        }
        Sight::Changes(change) => (asked.refusal)(change).map(|refusal| {
            format!(
                "alembic-gate stopped `{}`: the gates are closed ({}). Do: {}. Allowed now: {SMALLER}",
                change.shown(),
                refusal.reasons.join(", "),
                refusal.next
            )
        }),
        Sight::Unreadable { why } => Some(format!(
            "alembic-gate stopped this: it mentions Alembic and a change, and {why}, so that nobody can tell what it would run. \
             Do: write the `alembic` command out, alone and in plain words. Allowed now: {SMALLER}"
        )),
        Sight::Approves => Some(
            "alembic-gate stopped this: approving is for a person on a terminal of their own. \
             Do: tell them what is to be approved; `migration_status` says it"
                .to_owned(),
        ),
        Sight::Key => Some(
            "alembic-gate stopped this: the key that seals evidence is nobody's to read, copy or replace. \
             Do: call `test_rollback`, it seals what it proves"
                .to_owned(),
        ),
    }
}

/// A denial in the client's form.
///
/// It is printed beside exit code 2 and the sentence on standard error: each of the three alone blocks the call.
#[must_use]
pub fn denial_json(because: &str) -> Value {
    json!({
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": because,
        }
    })
}

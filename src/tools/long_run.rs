//! Calls that take long, where several replicas stand behind one address: the same work is done once at a time.

use serde_json::Value;

use crate::digest::Digest;
use crate::lifecycle::canonical::canonical;
use crate::store::runs::{self, Begun, Elsewhere};
use crate::store::server::Server;
use crate::store::shelf::Shelf;
use crate::tools::answer::{Answer, ToolError};
use crate::tools::call::Call;
use crate::tools::{Tool, Touches};

/// Does the work, unless another replica does it right now; alone where there is one replica.
///
/// A store that cannot be asked keeps nobody from working: the worst is that the same is done twice.
pub fn once(tool: &Tool, arguments: Value, call: &Call<'_>, work: impl FnOnce(Value) -> Answer) -> Answer {
    let shared = if tool.touches == Touches::Scratch { shared(&arguments, call) } else { None };
    let Some(server) = shared else { return work(arguments) };
    let digest = Digest::of("long run", &[tool.name.as_bytes(), canonical(&arguments).as_bytes()]);
    let run = match runs::begin(&server, tool.name, digest, &replica()) {
        Ok(Begun::Here(run)) => run,
        Ok(Begun::Elsewhere(elsewhere)) => return Answer::failed(busy(tool, &elsewhere)),
        Err(error) => {
            tracing::warn!(%error, "a run could not be entered into the store");
            return work(arguments);
        }
    };
    let broke_off = run.broke_off.clone();
    let mut answer = work(arguments);
    if let Err(error) = run.end(answer.verdict.word()) {
        tracing::warn!(%error, "the end of a run could not be entered into the store");
    }
    if let Some(Elsewhere { replica, began_at }) = broke_off {
        tracing::warn!(%replica, %began_at, tool = tool.name, "a run that broke off was taken over");
        let note = format!("the same run broke off before: `{replica}` began it at {began_at} UTC and is gone; this one was run anew");
        match answer.output.get_mut("notes") {
            Some(Value::Array(notes)) => notes.push(Value::String(note.clone())),
            Some(_) | None => drop(answer.output.insert("notes".to_owned(), Value::Array(vec![Value::String(note.clone())]))),
        }
        answer.text = format!("{}\nnote: {note}", answer.text);
    }
    answer
}

/// The store that replicas share; none where there is one process.
fn shared(arguments: &Value, call: &Call<'_>) -> Option<Server> {
    let project = call.project(arguments.get("project").and_then(Value::as_str)).ok()?;
    match Shelf::of(&project) {
        Shelf::Server(server) => Some(server),
        Shelf::Folder(_) | Shelf::Unusable(_) => None,
    }
}

fn busy(tool: &Tool, elsewhere: &Elsewhere) -> ToolError {
    ToolError {
        code: "runs_elsewhere",
        message: format!("`{}` with these arguments is run by `{}` since {} UTC", tool.name, elsewhere.replica, elsewhere.began_at),
        at: None,
        hint: "call again in a minute: if that replica dies, the run is taken over".to_owned(),
        retry: true,
    }
}

/// This process among its like: the machine and the process id.
fn replica() -> String {
    let machine = ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let machine = machine.or_else(|| std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()));
    format!("{}:{}", machine.unwrap_or_else(|| "unknown".to_owned()), std::process::id())
}

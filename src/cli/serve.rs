//! `serve`: what the server is started with, and the server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::cli::failed;
use crate::format::Format;
use crate::mcp::http::{self, Limits, Site};
use crate::mcp::{Gate, stdio};
use crate::tokens::is_name;
use crate::tools::answer::ToolError;
use crate::tools::call::Settings;
use crate::tools::search_knowledge;

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// The project of calls that name none, or NAME=DIR for a project by name; may be given several times
    #[arg(long, value_name = "DIR|NAME=DIR")]
    project: Vec<String>,
    /// A folder of your own Markdown, searched beside the reference and marked as yours
    #[arg(long, value_name = "DIR")]
    knowledge: Option<PathBuf>,
    /// Let `apply_migration` apply; without it, it only says what it would do
    #[arg(long)]
    allow_apply: bool,
    /// Serve over HTTP at this address (endpoint /mcp) instead of standard input and output, for example 127.0.0.1:8765
    ///
    /// Addresses that other machines can reach need tokens (ALEMBIC_GATE_TOKENS_FILE) and named projects.
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// A name by which clients reach the server over HTTP, for example behind a proxy; may be given several times
    #[arg(long, value_name = "HOST", requires = "http")]
    allow_host: Vec<String>,
}

/// Serves until the client leaves.
pub fn serve(arguments: ServeArguments) -> ExitCode {
    let settings = match settings_of(&arguments) {
        Ok(settings) => settings,
        Err(error) => return failed(&error, Format::Human),
    };
    if let Some(folder) = arguments.knowledge {
        search_knowledge::use_team_folder(folder);
    }
    // The index is made beside the first messages, never in front of them.
    std::thread::spawn(search_knowledge::prepare);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&refused("no_runtime", format!("the server could not be started: {error}"), ""), Format::Human),
    };
    let gate = Gate::new(settings);
    let served = match arguments.http {
        None => {
            runtime.block_on(stdio::serve(gate));
            Ok(())
        }
        Some(address) => runtime.block_on(over_http(gate, address, arguments.allow_host)),
    };
    // A thread waits for standard input and cannot be called back: the process ends with it.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, Format::Human),
    }
}

async fn over_http(gate: Gate, address: SocketAddr, hosts: Vec<String>) -> Result<(), ToolError> {
    let tokens = http::tokens_from_environment().map_err(|error| refused("bad_tokens", said(&error), &error.hint()))?;
    let site = Site { address, tokens, hosts, limits: Limits::default() };
    let listener = http::listen(&gate, &site).await.map_err(|error| refused("bad_address", said(&error), &error.hint()))?;
    // Before anybody is told that the server is there.
    let stop = stdio::signalled();
    let bound = listener.local_addr().unwrap_or(address);
    eprintln!("alembic-gate listens on http://{bound}/mcp");
    http::serve_on(gate, site, listener, stop).await;
    Ok(())
}

/// An error with its cause.
fn said(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn refused(code: &'static str, message: String, hint: &str) -> ToolError {
    ToolError { code, message, at: None, hint: hint.to_owned(), retry: false }
}

fn settings_of(arguments: &ServeArguments) -> Result<Settings, ToolError> {
    let mut settings = Settings { project: None, projects: BTreeMap::new(), allow_apply: arguments.allow_apply };
    for given in &arguments.project {
        match given.split_once('=').filter(|(name, _)| is_name(name)) {
            Some((name, folder)) => {
                if settings.projects.insert(name.to_owned(), existing(folder)?).is_some() {
                    return Err(refused(
                        "project_twice",
                        format!("project `{name}` is named twice"),
                        "give each project a name of its own",
                    ));
                }
            }
            None if settings.project.is_some() => {
                return Err(refused(
                    "project_twice",
                    "two projects have no name".to_owned(),
                    "name them: `--project shop=DIR --project blog=DIR`",
                ));
            }
            None => settings.project = Some(existing(given)?),
        }
    }
    Ok(settings)
}

/// A folder as an absolute path: the server may be asked from anywhere.
fn existing(folder: &str) -> Result<PathBuf, ToolError> {
    let found = Path::new(folder).canonicalize().ok().filter(|path| path.is_dir());
    found.ok_or_else(|| {
        refused("no_such_folder", format!("`{folder}` is no folder"), "give `--project` a folder with alembic.ini, or NAME=DIR")
    })
}

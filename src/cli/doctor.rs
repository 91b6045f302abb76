//! `doctor`: what is there, what was guessed and why, what is missing and the command that mends it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::bridge::{Python, Surroundings};
use crate::cli::print;
use crate::config;
use crate::dialect::{Dialect, Server};
use crate::scratch::{Settings as ScratchSettings, find_binaries};
use crate::tools::call::{Call, Settings};
use crate::tools::project_input::ProjectInput;

/// Options of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    #[command(flatten)]
    input: ProjectInput,
}

/// A line of the report: fine, or with what to do.
enum Line {
    Fine(String),
    Missing { what: String, mend: String },
}

/// Looks at everything that the tools need and says what it found; 1 when something is missing.
pub fn doctor(arguments: &DoctorArguments) -> ExitCode {
    let settings = Settings::default();
    let lines = looked_at(&arguments.input, &Call::local(&settings));
    let is_ill = lines.iter().any(|line| matches!(line, Line::Missing { .. }));
    let text: Vec<String> = lines
        .into_iter()
        .map(|line| match line {
            Line::Fine(what) => format!("ok       {what}"),
            Line::Missing { what, mend } => format!("missing  {what}\n         do: {mend}"),
        })
        .collect();
    print(&text.join("\n"), u8::from(is_ill))
}

fn looked_at(input: &ProjectInput, call: &Call<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let workshop = match input.workshop(call) {
        Ok(workshop) => workshop,
        Err(error) => {
            lines.push(Line::Missing { what: format!("project: {}", error.message), mend: error.hint });
            lines.extend(engines(Server::newest(Dialect::Postgresql), None));
            return lines;
        }
    };
    let workspace = &workshop.workspace;
    let settings = workspace.ini.as_ref().or(workspace.pyproject.as_ref());
    let settings = settings.map_or_else(|| "guessed".to_owned(), |path| path.display().to_string());
    lines.push(Line::Fine(format!(
        "project: {} ({settings}), scripts in {}",
        workspace.folder.display(),
        workspace.script_folder.display()
    )));
    lines.push(Line::Fine(format!(
        "revisions: {}, heads {}",
        workspace.project.graph.nodes.len(),
        workspace.project.graph.real_heads.len()
    )));
    lines.extend(workshop.assumed.iter().map(|guess| Line::Fine(format!("guessed: {guess}"))));
    let own = workspace.folder.ancestors().map(|above| above.join(config::FILE)).find(|path| path.is_file());
    lines.push(Line::Fine(
        own.map_or_else(|| format!("settings: no {}, defaults hold", config::FILE), |path| format!("settings: {}", path.display())),
    ));
    let python = Python::found(workshop.config.project.python.as_deref(), &workspace.folder, &Surroundings::of_this_process());
    let has_python = python.is_ok();
    lines.push(match python {
        Ok(python) => Line::Fine(format!(
            "python: {} (by {}): Python {}, Alembic {}, SQLAlchemy {}",
            python.program.display(),
            python.found_by,
            python.versions.python,
            python.versions.alembic.unwrap_or_default(),
            python.versions.sqlalchemy.unwrap_or_default()
        )),
        Err(error) => Line::Missing { what: format!("python: {error}"), mend: error.hint() },
    });
    lines.extend(engines(workshop.server, Some(workspace.folder.clone())));
    if !has_python {
        return lines;
    }
    match workshop.python(&[]) {
        Ok(lent) => {
            let fences = lent.fences();
            let open =
                if fences.not_closed.is_empty() { String::new() } else { format!("; not closed here: {}", fences.not_closed.join(", ")) };
            lines.push(Line::Fine(format!("fences: {}{open}", fences.active.join(", "))));
        }
        Err(error) => lines.push(Line::Missing { what: format!("loading the project: {error}"), mend: error.hint() }),
    }
    lines
}

/// The server that scratch databases of this dialect are made on.
fn engines(wanted: Server, project: Option<PathBuf>) -> Vec<Line> {
    if wanted.dialect == Dialect::Sqlite {
        return vec![Line::Fine("scratch: SQLite, in files".to_owned())];
    }
    let settings = ScratchSettings::from_environment(project.as_deref());
    vec![match find_binaries(wanted, &settings) {
        Ok(binaries) => Line::Fine(format!("scratch: {} for {wanted}", binaries.program.display())),
        Err(error) => Line::Missing { what: format!("scratch: {error}"), mend: error.hint() },
    }]
}

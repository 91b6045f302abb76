//! `config`: the file by which a client starts the server, printed or written beside what is in it already.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use crate::cli::ordered::Ordered;
use crate::cli::{failed, print};
use crate::format::Format;
use crate::tools::answer::ToolError;

/// The name under which clients know the server.
const NAME: &str = "alembic-gate";

/// The variable from which clients take the token for a server over HTTP: it stands in no file.
const TOKEN_VARIABLE: &str = "ALEMBIC_GATE_TOKEN";

/// The name under which VS Code asks for it.
const ASKED_TOKEN: &str = "alembic-gate-token";

/// Options of `config`.
#[derive(Debug, Args)]
pub struct ConfigArguments {
    /// Which client
    client: Client,
    /// Write the file instead of printing it; what else stands in it stays
    #[arg(long)]
    write: bool,
    /// Claude Code's settings with the hook in front of its shell, instead of the server's entry
    #[arg(long, conflicts_with = "url")]
    hook: bool,
    /// The project's folder [default: the current folder]
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    /// A server over HTTP, for example https://gate.example.org/mcp; the client sends the token that ALEMBIC_GATE_TOKEN holds
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The program that the client starts [default: this one]
    #[arg(long, value_name = "PATH", conflicts_with = "url")]
    command: Option<String>,
}

/// A client with a file of its own form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Client {
    /// Claude Code: `.mcp.json` in the project
    Claude,
    /// Cursor: `.cursor/mcp.json` in the project
    Cursor,
    /// Windsurf: `~/.codeium/windsurf/mcp_config.json`
    Windsurf,
    /// Visual Studio Code: `.vscode/mcp.json` in the project
    Vscode,
}

/// An entry, and where it belongs.
struct Entry {
    /// The file.
    path: PathBuf,
    /// The object in it that holds entries by name.
    holder: &'static str,
    /// Its name there.
    name: &'static str,
    value: Value,
    /// What else the file needs.
    beside: Vec<(&'static str, Value)>,
}

/// Prints or writes.
pub fn config(arguments: &ConfigArguments) -> ExitCode {
    let done = entry(arguments).and_then(|entry| {
        let fresh = Ordered::from(Value::Object(Map::new()));
        if !arguments.write {
            return Ok((entry.put_into(fresh)?.to_string(), format!("this belongs into {}", entry.path.display())));
        }
        let before = read(&entry.path)?;
        let after = entry.put_into(before.clone().unwrap_or(fresh))?;
        if before.as_ref() == Some(&after) {
            return Ok((String::new(), format!("{} has it already", entry.path.display())));
        }
        write(&entry.path, &after.to_string())?;
        Ok((String::new(), format!("written: {}\n{}", entry.path.display(), next(arguments))))
    });
    match done {
        Ok((text, said)) => {
            eprintln!("{said}");
            print(&text, 0)
        }
        Err(error) => failed(&error, Format::Human),
    }
}

/// What a person does next, where the client does not begin by itself.
fn next(arguments: &ConfigArguments) -> String {
    if arguments.hook {
        return "next: sessions of Claude Code that begin from now on ask the hook".to_owned();
    }
    let word = match (arguments.client, &arguments.url) {
        (Client::Vscode, Some(_)) => "VS Code asks for the token when it starts the server".to_owned(),
        (_, Some(_)) => format!("the client sends the token that `{TOKEN_VARIABLE}` holds in its own environment"),
        // Measured with 2.1.330: until then `claude mcp list` says "Pending approval".
        (Client::Claude, None) => "`claude` in this folder asks once whether it may start the server".to_owned(),
        (Client::Windsurf, None) => {
            "Windsurf has one file for all projects: this server is for this folder until the same is run in another".to_owned()
        }
        (Client::Cursor | Client::Vscode, None) => "open the folder in the client; it lists the server under its MCP servers".to_owned(),
    };
    let doctor = if arguments.url.is_none() { "; `alembic-gate doctor` says whether the project has what it needs" } else { "" };
    format!("next: {word}{doctor}")
}

fn entry(arguments: &ConfigArguments) -> Result<Entry, ToolError> {
    let given = arguments.project.clone().unwrap_or_else(|| PathBuf::from("."));
    let project = given.canonicalize().ok().filter(|path| path.is_dir()).ok_or_else(|| {
        let message = format!("`{}` is no folder", given.display());
        refused("no_such_folder", message, "give `--project` the folder with alembic.ini")
    })?;
    if arguments.hook {
        return hook(arguments, &project);
    }
    let path = match arguments.client {
        Client::Claude => project.join(".mcp.json"),
        Client::Cursor => project.join(".cursor/mcp.json"),
        Client::Windsurf => home()?.join(".codeium/windsurf/mcp_config.json"),
        Client::Vscode => project.join(".vscode/mcp.json"),
    };
    let holder = match arguments.client {
        Client::Claude | Client::Cursor | Client::Windsurf => "mcpServers",
        Client::Vscode => "servers",
    };
    let value = match &arguments.url {
        Some(url) => over_http(arguments.client, url)?,
        None => started(arguments, &project),
    };
    // VS Code asks for the token itself.
    let beside = match (arguments.client, &arguments.url) {
        (Client::Vscode, Some(_)) => {
            let asked = json!({ "type": "promptString", "id": ASKED_TOKEN, "description": "Token of alembic-gate", "password": true });
            vec![("inputs", Value::Array(vec![asked]))]
        }
        _ => Vec::new(),
    };
    Ok(Entry { path, holder, name: NAME, value, beside })
}

/// The server as a process of the client.
fn started(arguments: &ConfigArguments, project: &Path) -> Value {
    let command = program(arguments);
    match arguments.client {
        // It starts servers in the project's folder.
        Client::Claude => json!({ "type": "stdio", "command": command, "args": ["serve"] }),
        Client::Cursor | Client::Vscode => {
            json!({ "type": "stdio", "command": command, "args": ["serve", "--project", "${workspaceFolder}"] })
        }
        // One file for all projects, and nothing in it names the one that is open.
        Client::Windsurf => json!({ "command": command, "args": ["serve", "--project", project.display().to_string()] }),
    }
}

/// The server at an address. The token is asked for or taken from the environment, each in the client's own way.
fn over_http(client: Client, url: &str) -> Result<Value, ToolError> {
    if !(url.starts_with("http://") || url.starts_with("https://")) || url.contains('@') {
        let message = "`--url` is no address of a server, or holds a password".to_owned();
        return Err(refused("bad_url", message, "give for example https://gate.example.org/mcp; the token comes from the environment"));
    }
    let bearer = |variable: &str| json!({ "Authorization": format!("Bearer ${{{variable}}}") });
    let from_environment = bearer(&format!("env:{TOKEN_VARIABLE}"));
    Ok(match client {
        Client::Claude => json!({ "type": "http", "url": url, "headers": bearer(TOKEN_VARIABLE) }),
        Client::Cursor => json!({ "url": url, "headers": from_environment }),
        Client::Windsurf => json!({ "serverUrl": url, "headers": from_environment }),
        Client::Vscode => json!({ "type": "http", "url": url, "headers": bearer(&format!("input:{ASKED_TOKEN}")) }),
    })
}

/// Claude Code's settings: the hook in front of its shell and of what writes files.
fn hook(arguments: &ConfigArguments, project: &Path) -> Result<Entry, ToolError> {
    match arguments.client {
        Client::Claude => {
            let command = format!("{} hook", quoted(&program(arguments)));
            let value = json!([{ "matcher": crate::hook::MATCHER, "hooks": [{ "type": "command", "command": command }] }]);
            Ok(Entry { path: project.join(".claude/settings.json"), holder: "hooks", name: "PreToolUse", value, beside: Vec::new() })
        }
        Client::Cursor | Client::Windsurf | Client::Vscode => Err(refused(
            "no_hook",
            "only Claude Code has a hook that this program knows".to_owned(),
            "elsewhere put `alembic-gate hook -- alembic …` in the place of `alembic …`",
        )),
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = word.chars().all(|c| c.is_alphanumeric() || "/._-\\:".contains(c));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// The program's name where the search path leads to it, else its path.
fn program(arguments: &ConfigArguments) -> String {
    if let Some(given) = &arguments.command {
        return given.clone();
    }
    let Ok(own) = std::env::current_exe() else { return NAME.to_owned() };
    let own = own.canonicalize().unwrap_or(own);
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join(NAME).with_extension(std::env::consts::EXE_EXTENSION))
        .find(|path| path.is_file());
    match found.and_then(|found| found.canonicalize().ok()) {
        Some(found) if found == own => NAME.to_owned(),
        _ => own.display().to_string(),
    }
}

fn home() -> Result<PathBuf, ToolError> {
    let named = ["HOME", "USERPROFILE"].into_iter().find_map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    named.map(PathBuf::from).ok_or_else(|| refused("no_home", "neither `HOME` nor `USERPROFILE` names a folder".to_owned(), "set `HOME`"))
}

impl Entry {
    /// The file's content with the entry in its place.
    fn put_into(&self, content: Ordered) -> Result<Ordered, ToolError> {
        let not_ours = |what: &str| {
            let message = format!("{} holds {what} where an object belongs", self.path.display());
            refused("not_an_object", message, "put the entry in by hand: leave `--write` out to see it")
        };
        let Ordered::Object(mut fields) = content else { return Err(not_ours("something else")) };
        let empty = || Ordered::Object(Vec::new());
        let fits = Ordered::change(&mut fields, self.holder, empty, |holder| {
            let Ordered::Object(entries) = holder else { return false };
            Ordered::change(entries, self.name, || Ordered::Array(Vec::new()), |place| place.take_in(&self.value.clone().into()));
            true
        });
        if !fits {
            return Err(not_ours(&format!("no object under `{}`", self.holder)));
        }
        for (name, value) in &self.beside {
            Ordered::change(&mut fields, name, || Ordered::Array(Vec::new()), |place| place.take_in(&value.clone().into()));
        }
        Ok(Ordered::Object(fields))
    }
}

fn read(path: &Path) -> Result<Option<Ordered>, ToolError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        let message = format!("{} could not be read: {error}", path.display());
        refused("unreadable", message, "mend it (comments are not JSON), or put the entry in by hand: leave `--write` out to see it")
    };
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| unreadable(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Writes beside the place and renames: nothing is lost half-way. A link stays a link.
fn write(path: &Path, text: &str) -> Result<(), ToolError> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| {
        let rights = std::fs::metadata(&path).ok().map(|found| found.permissions());
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(rights.unwrap_or_else(|| std::os::unix::fs::PermissionsExt::from_mode(0o644)));
        #[cfg(not(unix))]
        drop(rights);
        let mut file = builder.tempfile_in(folder)?;
        std::io::Write::write_all(&mut file, format!("{text}\n").as_bytes())?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    });
    written.map_err(|error: std::io::Error| {
        let message = format!("{} could not be written: {error}", path.display());
        refused("unwritable", message, "leave `--write` out, and put the entry in by hand")
    })
}

fn refused(code: &'static str, message: String, hint: &str) -> ToolError {
    ToolError { code, message, at: None, hint: hint.to_owned(), retry: false }
}

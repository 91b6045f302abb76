//! The command line: the same tools as subcommands, for people, scripts and CI.

mod clients;
mod demo;
mod doctor;
mod gatekeeper;
mod ordered;
mod reports;
mod serve;
mod token;
mod verify;

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use serde_json::Value;

use crate::approve;
use crate::config::Config;
use crate::format::{Format, github, gitlab, human, sarif};
use crate::hook;
use crate::rules::{RULES, by_name};
use crate::secret::redacted;
use crate::step::{FilePart, Options};
use crate::tools::answer::{Answer, ToolError};
use crate::tools::call::{Call, Settings};
use crate::tools::source::{MAX_BYTES, SqlInput};
use crate::tools::{
    TOOLS, apply_migration, classify_risk, generate_migration, migration_status, plan_migration, report, review_sql, search_knowledge,
    test_rollback, tool,
};
use crate::wrap;

/// Takes Alembic database migrations safely from plan to apply: an MCP server and a command line.
///
/// Exit codes: 0 pass or warn, 1 blocked or failed (with `--deny warning` also warn), 2 could not tell.
#[derive(Debug, Parser)]
#[command(name = "alembic-gate", version, max_term_width = 100, after_help = BEGIN)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where to begin, below the list of commands.
const BEGIN: &str = "Begin with:
  alembic-gate demo                                   review a real migration, right now
  alembic-gate doctor                                 what is here, what is missing
  alembic-gate migration-status                       in a project: where do we stand
  alembic-gate review-sql up.sql --downgrade-sql @down.sql
  alembic-gate config claude --write                  for an agent";

#[derive(Debug, Subcommand)]
enum Command {
    /// Plan a change: the safe set of revisions, in bodies that run
    PlanMigration(PlainArguments<plan_migration::Input>),
    /// Review migration SQL, both ways: findings with what to write instead
    ReviewSql(SqlArguments),
    /// Say what SQL locks, rewrites, loses, and whether it can be undone
    ClassifyRisk(SqlArguments),
    /// Prove on a scratch database that a migration can be taken back, with rows
    TestRollback(PlainArguments<test_rollback::Input>),
    /// Say where the migrations stand: chain, heads, database, drift, what next
    MigrationStatus(PlainArguments<migration_status::Input>),
    /// Write one revision file, with the project's own Alembic
    GenerateMigration(PlainArguments<generate_migration::Input>),
    /// Ask the five gates for an environment; apply where all are open
    ApplyMigration(ApplyArguments),
    /// For CI: render, judge and try everything anew; no record is believed
    Verify(verify::VerifyArguments),
    /// Search the migration reference: a question, an error text, a code, an id
    SearchKnowledge(SearchArguments),
    /// Serve the tools over MCP, on standard input and output or over HTTP
    Serve(serve::ServeArguments),
    /// Print or write the file by which a client starts the server: claude, cursor …
    Config(clients::ConfigArguments),
    /// Say what is there, what is guessed, what is missing and how to mend it
    Doctor(doctor::DoctorArguments),
    /// Make a token for `serve --http`
    Token(token::TokenArguments),
    /// Call a tool with JSON arguments: `call review_sql --args '{"sql": "…"}'`
    Call {
        /// The tool, for example `review_sql`
        tool: String,
        /// Its arguments as a JSON object, or @file
        #[arg(long, default_value = "{}")]
        args: String,
    },
    /// Approve a migration for an environment: for a person, on a terminal
    Approve {
        /// The migration's id, for example add_user_email_index-1a2b3c4d
        migration_id: String,
        /// The environment, as `alembic-gate.toml` names it
        #[arg(long)]
        environment: String,
        /// The backup that was made, in your words
        #[arg(long, value_name = "TEXT")]
        backup: Option<String>,
        /// Approve the document of the way back by hand, `.alembic-gate/<migration_id>/manual_rollback.md`, not the migration
        #[arg(long)]
        manual_rollback: bool,
        /// Approve nothing, print a message to be signed: `… | git tag -s -F - alembic-gate/<migration_id>/<environment>`
        #[arg(long)]
        tag_message: bool,
        /// The project's folder [default: the current folder]
        #[arg(long, value_name = "DIR")]
        project: Option<PathBuf>,
    },
    /// Stop `alembic upgrade | downgrade | stamp` until the gates are open
    ///
    /// Reads a client's hook JSON on standard input, or runs the command behind `--`.
    ///
    /// Standard input: exit code 0 lets the call pass, 2 stops it (as Claude Code's PreToolUse reads them).
    /// Behind `--`: the command is run in our place, or stopped with exit code 1.
    Hook {
        /// A command to run if nothing stops it
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Print a report of a migration, as it holds now: review or rollback
    Report(reports::ReportArguments),
    /// List the rules, or print one rule's page
    Rules {
        /// A rule's name
        rule: Option<String>,
    },
    /// List the tools with their schemas, as JSON
    Tools,
    /// Show the whole life of a migration: a real one reviewed, then a sample project led from PLAN to COMPLETE on servers of its own
    Demo {
        /// A Python with Alembic, SQLAlchemy 2 and psycopg. Default: one made for the demonstration, once
        #[arg(long, value_name = "PATH")]
        python: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// Options of the SQL tools. Text options take the text, or `@path`.
#[derive(Debug, Args)]
struct SqlArguments {
    /// SQL files or globs, as one script in the order given; `-` reads standard input
    files: Vec<String>,
    #[command(flatten)]
    input: SqlInput,
    /// Review only files added or changed since this git revision; the others given are the schema before
    #[arg(long, value_name = "REVISION")]
    since: Option<String>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Make warnings fail too
    #[arg(long, value_enum)]
    deny: Option<Deny>,
    /// The name in the report's heading [default: the first file's name]
    #[arg(long)]
    name: Option<String>,
}

/// Options of a tool that takes its input and nothing else.
#[derive(Debug, Args)]
struct PlainArguments<T: Args> {
    #[command(flatten)]
    input: T,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Args)]
struct ApplyArguments {
    #[command(flatten)]
    input: apply_migration::Input,
    /// Apply where all gates are open; without it, only say what would be done
    #[arg(long)]
    allow_apply: bool,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Args)]
struct SearchArguments {
    /// The question, instead of `--query`
    words: Vec<String>,
    #[command(flatten)]
    input: search_knowledge::Input,
    /// A folder of your own Markdown, searched beside the reference and marked as yours
    #[arg(long, value_name = "DIR")]
    knowledge: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    Warning,
}

/// Runs the command line.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    // A server's calls have spans of their own.
    let name = std::env::args().nth(1).filter(|name| name != "serve");
    let _inside = name.map(|tool| tracing::info_span!("call", tool).entered());
    match cli.command {
        Command::ReviewSql(arguments) => sql_tool(&arguments, true),
        Command::ClassifyRisk(arguments) => sql_tool(&arguments, false),
        Command::TestRollback(PlainArguments { mut input, format }) => {
            let texts = [
                ("sql", &mut input.sql),
                ("downgrade-sql", &mut input.downgrade_sql),
                ("setup-sql", &mut input.setup_sql),
                ("seed-sql", &mut input.seed_sql),
                ("seed-after-upgrade-sql", &mut input.seed_after_upgrade_sql),
            ];
            match with_files(texts) {
                Ok(()) => answered(&test_rollback::run(&input, &Call::local(&Settings::default()), None), format, false),
                Err(error) => failed(&error, format),
            }
        }
        Command::PlanMigration(PlainArguments { mut input, format }) => {
            match with_files([("sql", &mut input.sql), ("setup-sql", &mut input.setup_sql)]) {
                Ok(()) => answered(&plan_migration::run(&input, &Call::local(&Settings::default()), None), format, false),
                Err(error) => failed(&error, format),
            }
        }
        Command::MigrationStatus(PlainArguments { input, format }) => {
            answered(&migration_status::run(&input, &Call::local(&Settings::default()), None), format, false)
        }
        Command::GenerateMigration(PlainArguments { input, format }) => {
            answered(&generate_migration::run(&input, &Call::local(&Settings::default()), None), format, false)
        }
        Command::ApplyMigration(ApplyArguments { input, allow_apply, format }) => {
            let settings = Settings { allow_apply, ..Settings::default() };
            answered(&apply_migration::run(&input, &Call::local(&settings), None), format, false)
        }
        Command::Verify(arguments) => verify::verify(&arguments),
        Command::SearchKnowledge(arguments) => search(arguments),
        Command::Config(arguments) => clients::config(&arguments),
        Command::Doctor(arguments) => doctor::doctor(&arguments),
        Command::Serve(arguments) => serve::serve(arguments),
        Command::Token(arguments) => token::token(&arguments),
        Command::Call { tool, args } => call(&tool, &args),
        Command::Approve { migration_id, environment, backup, manual_rollback, tag_message, project } => {
            let folder = project.unwrap_or_else(|| std::env::current_dir().unwrap_or_default());
            let approve = if tag_message { approve::tag_message } else { approve::approve };
            let backup = backup.as_deref();
            let asked = approve::Asked { migration_id: &migration_id, environment: &environment, backup, manual_rollback };
            match approve(&folder, &asked) {
                Ok(said) => print(&said, 0),
                Err(error) => refused(&error, &error.hint()),
            }
        }
        Command::Hook { command } if command.is_empty() => hook_on_input(),
        Command::Hook { command } => hook_around(&command),
        Command::Report(arguments) => reports::report(&arguments),
        Command::Rules { rule } => rules(rule.as_deref()),
        Command::Tools => print(&serde_json::to_string_pretty(&tools()).unwrap_or_default(), 0),
        Command::Demo { python } => demo::demo(python.as_deref()),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "alembic-gate", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}

/// Prints an answer; a reader that went away is no error.
fn print(text: &str, code: u8) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let ended = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(ended.as_bytes())).and_then(|()| out.flush());
    ExitCode::from(code)
}

/// An error with its cause and its hint; exit code 2.
fn refused(error: &dyn std::error::Error, hint: &str) -> ExitCode {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        eprintln!("because: {inner}");
        cause = inner.source();
    }
    eprintln!("hint: {hint}");
    ExitCode::from(2)
}

/// The longest input of a hook, and the longest script that is looked into.
const MOST_HOOK_BYTES: u64 = 4 << 20;

/// Reads a client's JSON and answers in its form. Whatever goes wrong here stops the call: a code other than 2 would let it pass.
fn hook_on_input() -> ExitCode {
    let decided = std::panic::catch_unwind(|| {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(MOST_HOOK_BYTES + 1).read_to_end(&mut bytes);
        if read.is_err() || bytes.len() as u64 > MOST_HOOK_BYTES {
            return None;
        }
        let text = String::from_utf8(bytes).ok()?;
        Some(hook::decide(&text, &|input| {
            let folder =
                input.get("cwd").and_then(Value::as_str).map_or_else(|| std::env::current_dir().unwrap_or_default(), PathBuf::from);
            with_outside(&folder, |asked| hook::decide_call(input, asked))
        }))
    });
    let because = match decided {
        Ok(Some(hook::Decision::Pass)) => return ExitCode::SUCCESS,
        Ok(Some(hook::Decision::Deny { because })) => because,
        Ok(None) => format!(
            "alembic-gate stopped this: the hook's input is no text of at most {} MiB. Do: run a shorter command",
            MOST_HOOK_BYTES >> 20
        ),
        Err(_) => "alembic-gate stopped this: the hook itself failed. Do: report the command; run what is needed by hand".to_owned(),
    };
    let _ = print(&hook::denial_json(&because).to_string(), 2);
    eprintln!("{because}");
    ExitCode::from(2)
}

/// Runs a command in our place, if nothing stops it.
fn hook_around(words: &[String]) -> ExitCode {
    let folder = std::env::current_dir().unwrap_or_default();
    let decision = with_outside(&folder, |asked| {
        let found = hook::sights_of_words(words, asked.script);
        hook::decide_sights(&found, asked)
    });
    match decision {
        hook::Decision::Pass => match wrap::run(words) {
            Ok(code) => ExitCode::from(code),
            Err(error) => refused(&error, &error.hint()),
        },
        hook::Decision::Deny { because } => {
            eprintln!("{because}");
            ExitCode::from(1)
        }
    }
}

/// Scripts from this folder on, and what the project's records say.
fn with_outside(folder: &Path, decide: impl Fn(&hook::Asked<'_>) -> hook::Decision) -> hook::Decision {
    let script = |path: &str| -> Option<String> {
        let path = folder.join(path);
        let found = std::fs::metadata(&path).ok().filter(|found| found.is_file() && found.len() <= MOST_HOOK_BYTES)?;
        let mut text = Vec::with_capacity(found.len() as usize);
        std::fs::File::open(&path).ok()?.take(MOST_HOOK_BYTES).read_to_end(&mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    let refusal = |change: &hook::Change| gatekeeper::refusal(folder, change);
    decide(&hook::Asked { script: &script, refusal: &refusal })
}

fn search(arguments: SearchArguments) -> ExitCode {
    let SearchArguments { words, mut input, knowledge, format } = arguments;
    if !words.is_empty() {
        input.query = Some(words.join(" "));
    }
    if let Some(folder) = knowledge {
        search_knowledge::use_team_folder(folder);
    }
    answered(&search_knowledge::run(&input, None), format, false)
}

fn failed(error: &ToolError, format: Format) -> ExitCode {
    let answer = Answer::failed(error.clone());
    if format == Format::Json {
        return print(&serde_json::to_string_pretty(&answer.output).unwrap_or_default(), 2);
    }
    eprintln!("error: {}", error.message);
    if let Some(at) = &error.at {
        eprintln!("where: {at}");
    }
    if !error.hint.is_empty() {
        eprintln!("hint: {}", error.hint);
    }
    ExitCode::from(2)
}

/// A text given as it is, or as `@path`.
fn text_argument(name: &str, given: &str) -> Result<String, ToolError> {
    match given.strip_prefix('@') {
        Some(path) => read_file(Path::new(path)).map_err(|error| ToolError { at: Some(format!("--{name}")), ..error }),
        None => Ok(given.to_owned()),
    }
}

/// Text options, those given as `@path` read from their files.
fn with_files<'a>(texts: impl IntoIterator<Item = (&'static str, &'a mut Option<String>)>) -> Result<(), ToolError> {
    for (name, text) in texts {
        if let Some(given) = text {
            *given = text_argument(name, given)?;
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<String, ToolError> {
    let shown = path.display().to_string();
    // One byte more than a tool takes: enough for it to refuse, and a device without an end does not fill the memory.
    let most = MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    let read = if shown == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    let bytes = read.map(|_| bytes);
    let bytes = bytes.map_err(|error| ToolError {
        code: "unreadable",
        message: format!("`{shown}` could not be read: {error}"),
        at: Some(shown.clone()),
        hint: "check the path and its rights".to_owned(),
        retry: false,
    })?;
    if bytes.len() > MAX_BYTES {
        return Err(ToolError {
            code: "too_large",
            message: format!("`{shown}` is larger than {} MiB", MAX_BYTES >> 20),
            at: Some(shown),
            hint: "review it in parts".to_owned(),
            retry: false,
        });
    }
    String::from_utf8(bytes).map_err(|error| ToolError {
        code: "not_utf8",
        message: format!("`{shown}` is not UTF-8: byte {} is no part of a character", error.utf8_error().valid_up_to() + 1),
        at: Some(shown),
        hint: "convert it, for example `iconv -f latin1 -t utf8`".to_owned(),
        retry: false,
    })
}

/// The files that names and globs mean, in the order given; each once.
fn files_of(names: &[String]) -> Result<Vec<PathBuf>, ToolError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for name in names {
        let is_glob = name.contains(['*', '?', '[']) && !Path::new(name).exists();
        if !is_glob {
            files.push(PathBuf::from(name));
            continue;
        }
        let wrong = |message: String| ToolError {
            code: "bad_glob",
            message,
            at: Some(name.clone()),
            hint: "for example 'migrations/*.sql'".to_owned(),
            retry: false,
        };
        let found: Vec<PathBuf> = glob::glob(name)
            .map_err(|error| wrong(format!("`{name}` is no glob: {error}")))?
            .filter_map(Result::ok)
            .filter(|path| path.is_file())
            .collect();
        if found.is_empty() {
            return Err(wrong(format!("no file matches `{name}`")));
        }
        files.extend(found);
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok(files)
}

/// Several files as one text, with the line at which each begins.
fn joined(files: &[PathBuf]) -> Result<(String, Vec<FilePart>), ToolError> {
    let mut text = String::new();
    let mut parts = Vec::new();
    let mut line = 1;
    for file in files {
        let content = read_file(file)?;
        let name = if file.as_os_str() == "-" { "stdin".to_owned() } else { file.display().to_string() };
        parts.push(FilePart { name, first_line: line, only_line: None });
        text.push_str(&content);
        if files.len() > 1 {
            // A statement ends with its file.
            text.push_str("\n;\n");
        }
        line = text.bytes().filter(|b| *b == b'\n').count() as u32 + 1;
    }
    Ok((text, parts))
}

struct Prepared {
    input: SqlInput,
    options: Options,
}

fn prepared(arguments: &SqlArguments) -> Result<Prepared, ToolError> {
    let config = Config::found_from(&std::env::current_dir().unwrap_or_default()).map_err(|error| ToolError {
        code: "bad_config",
        message: error.to_string(),
        at: Some(crate::config::FILE.to_owned()),
        hint: error.hint(),
        retry: false,
    })?;
    let mut input = arguments.input.clone();
    with_files([("sql", &mut input.sql), ("downgrade-sql", &mut input.downgrade_sql), ("setup-sql", &mut input.setup_sql)])?;
    let mut files = files_of(&arguments.files)?;
    if let Some(revision) = &arguments.since {
        let older = older_than(&mut files, revision)?;
        let (text, _) = joined(&older)?;
        if !text.is_empty() {
            input.setup_sql = Some(input.setup_sql.map_or(text.clone(), |before| format!("{before}\n;\n{text}")));
        }
    }
    let mut parts = Vec::new();
    if !files.is_empty() {
        if input.sql.is_some() {
            return Err(ToolError {
                code: "bad_arguments",
                message: "both `--sql` and files were given".to_owned(),
                at: Some("--sql".to_owned()),
                hint: "give one of them".to_owned(),
                retry: false,
            });
        }
        let (text, found) = joined(&files)?;
        input.sql = Some(text);
        parts = found;
    } else if arguments.since.is_some() {
        input.sql.get_or_insert_default();
    }
    Ok(Prepared { input, options: Options { severities: config.severities(), files: parts, ..Options::default() } })
}

/// Takes the files out that did not change since `revision`, and gives them.
fn older_than(files: &mut Vec<PathBuf>, revision: &str) -> Result<Vec<PathBuf>, ToolError> {
    let folder = std::env::current_dir().unwrap_or_default();
    let changed = crate::git::changed_since(&folder, revision).map_err(|error| ToolError {
        code: "git",
        message: error.to_string(),
        at: Some("--since".to_owned()),
        hint: "give a revision of this repository, for example `origin/main`".to_owned(),
        retry: false,
    })?;
    let is_changed = |file: &PathBuf| {
        file.canonicalize().is_ok_and(|path| changed.iter().any(|other| other.canonicalize().is_ok_and(|other| other == path)))
    };
    let (new, old): (Vec<PathBuf>, Vec<PathBuf>) = files.drain(..).partition(is_changed);
    *files = new;
    Ok(old)
}

fn sql_tool(arguments: &SqlArguments, reviews: bool) -> ExitCode {
    let Prepared { input, options } = match prepared(arguments) {
        Ok(prepared) => prepared,
        Err(error) => return failed(&error, arguments.format),
    };
    let deny = arguments.deny == Some(Deny::Warning);
    if !reviews && matches!(arguments.format, Format::Json | Format::Human) {
        let answer = classify_risk::run(&input, options, &Call::local(&Settings::default()), None);
        return answered(&answer, arguments.format, deny);
    }
    let review = match review_sql::review(&input, options, &Call::local(&Settings::default())) {
        Ok(review) => review,
        Err(error) => return failed(&error, arguments.format),
    };
    let json = arguments.format == Format::Json;
    let migration = if json || !reviews { None } else { review_sql::recorded(&input, &review) };
    let both = || review.judged.findings.iter().chain(review.downgrade.iter().flat_map(|back| back.findings.iter()));
    let text = match arguments.format {
        Format::Json => return answered(&review_sql::answer(&input, review, None), Format::Json, deny),
        Format::Human => {
            let mut text = human::review(&review, human::Paint { colour: wants_colour() });
            if let Some(migration) = &migration {
                text.push_str(&format!("\nkept as evidence of {}: `alembic-gate report review {}`\n", migration.id, migration.id));
                migration.record.notes.iter().for_each(|note| text.push_str(&format!("note: {note}\n")));
            }
            text
        }
        Format::Sarif => serde_json::to_string_pretty(&sarif::log(both())).unwrap_or_default(),
        Format::Github => github::lines(both()),
        Format::Gitlab => serde_json::to_string_pretty(&gitlab::report(both())).unwrap_or_default(),
        Format::Markdown => report::review(&review, &heading(arguments, &review)),
    };
    let code = Answer { output: serde_json::Map::new(), text: String::new(), is_error: false, verdict: review.verdict }.exit_code(deny);
    print(&redacted(&text), code)
}

fn heading(arguments: &SqlArguments, review: &review_sql::Review) -> report::Heading {
    let first = arguments
        .files
        .first()
        .filter(|file| *file != "-")
        .and_then(|file| Path::new(file).file_stem())
        .map(|stem| stem.to_string_lossy().trim_end_matches(".up").to_owned());
    let revision = review.asked.script.statements.iter().find_map(|statement| statement.revision.clone());
    report::Heading {
        name: arguments.name.clone().or(first).unwrap_or_else(|| "migration".to_owned()),
        revision,
        ..report::Heading::default()
    }
}

fn answered(answer: &Answer, format: Format, deny: bool) -> ExitCode {
    let code = answer.exit_code(deny);
    match format {
        Format::Json => print(&serde_json::to_string_pretty(&answer.output).unwrap_or_default(), code),
        _ if answer.is_error => {
            eprintln!("{}", answer.text);
            ExitCode::from(code)
        }
        _ => print(&answer.text, code),
    }
}

/// Colour on a terminal, unless `NO_COLOR` is set.
fn wants_colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn call(name: &str, arguments: &str) -> ExitCode {
    let known = || TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ");
    let Some(found) = tool(name) else {
        return failed(
            &ToolError {
                code: "no_such_tool",
                message: format!("there is no tool `{name}`"),
                at: None,
                hint: format!("there are: {}", known()),
                retry: false,
            },
            Format::Json,
        );
    };
    let text = match text_argument("args", arguments) {
        Ok(text) => text,
        Err(error) => return failed(&error, Format::Json),
    };
    let value: Value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(error) => {
            return failed(
                &ToolError {
                    code: "bad_arguments",
                    message: format!("`--args` is no JSON: {error}"),
                    at: Some("--args".to_owned()),
                    hint: "give an object, or @file".to_owned(),
                    retry: false,
                },
                Format::Json,
            );
        }
    };
    answered(&(found.call)(value, &Call::local(&Settings::default())), Format::Json, false)
}

fn rules(name: Option<&str>) -> ExitCode {
    let Some(name) = name else {
        let width = RULES.iter().map(|rule| rule.name.len()).max().unwrap_or(0);
        let lines: Vec<String> = RULES.iter().map(|rule| format!("{:width$}  {}", rule.name, rule.title())).collect();
        return print(&lines.join("\n"), 0);
    };
    match by_name().get(name) {
        Some(rule) => print(&rule.page(), 0),
        None => failed(
            &ToolError {
                code: "no_such_rule",
                message: format!("there is no rule `{name}`"),
                at: None,
                hint: "`alembic-gate rules` lists them".to_owned(),
                retry: false,
            },
            Format::Human,
        ),
    }
}

/// The tools as MCP lists them.
fn tools() -> Value {
    TOOLS
        .iter()
        .map(|tool| serde_json::json!({ "name": tool.name, "title": tool.title, "description": tool.description, "inputSchema": (tool.input_schema)(), "outputSchema": (tool.output_schema)() }))
        .collect()
}

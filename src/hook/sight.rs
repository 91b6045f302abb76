//! What a command line would do through Alembic, as far as it can be read before it runs.

use crate::shell::{Command, Line, Word, read};

/// What changes a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Forward.
    Upgrade,
    /// Back.
    Downgrade,
    /// The pointer alone.
    Stamp,
    /// The pointer's table.
    EnsureVersion,
}

impl Verb {
    const ALL: [Self; 4] = [Self::Upgrade, Self::Downgrade, Self::Stamp, Self::EnsureVersion];

    /// Alembic's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Stamp => "stamp",
            Self::EnsureVersion => "ensure_version",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }
}

/// Alembic's other commands: they read, or write files (Alembic 1.20, `alembic --help`).
const READING: &[&str] =
    &["branches", "check", "current", "edit", "heads", "history", "init", "list_templates", "merge", "revision", "show", "migrate"];

/// A target that is known only when it runs.
pub const UNKNOWN: &str = "…";

/// A change that a command line would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub verb: Verb,
    /// The revision it names, if that can be read.
    pub target: Option<String>,
}

impl Change {
    /// As it is shown in a message.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("alembic {}{}", self.verb.word(), self.target.as_ref().map(|target| format!(" {target}")).unwrap_or_default())
    }
}

/// Something seen in a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// A change.
    Changes(Change),
    /// SQL is printed, no database is touched.
    Offline,
    /// It mentions Alembic and a change, and cannot be read.
    Unreadable {
        /// Why, as the end of a sentence.
        why: &'static str,
    },
    /// `alembic-gate approve`.
    Approves,
    /// It names the folder of the key.
    Key,
}

/// How deep scripts in scripts are followed.
const DEEPEST: usize = 8;

/// Programs that run nothing of what they are given.
const INERT: &[&str] = &[
    "echo",
    "printf",
    "cat",
    "bat",
    "grep",
    "egrep",
    "fgrep",
    "rg",
    "ag",
    "ls",
    "head",
    "tail",
    "less",
    "more",
    "wc",
    "sort",
    "uniq",
    "cut",
    "tr",
    "diff",
    "cmp",
    "stat",
    "file",
    "which",
    "type",
    "whereis",
    "man",
    "test",
    "[",
    "[[",
    "true",
    "false",
    ":",
    "cd",
    "pwd",
    "mkdir",
    "touch",
    "rm",
    "cp",
    "mv",
    "tee",
    "jq",
    "pip",
    "pip3",
    "export",
    "unset",
    "read",
    "sleep",
    "date",
    "basename",
    "dirname",
    "realpath",
    "tree",
    "du",
    "code",
    "alembic-gate",
];

/// Programs that run nothing with these first words.
const INERT_WITH: &[(&str, &[&str])] = &[
    (
        "git",
        &[
            "add",
            "commit",
            "log",
            "show",
            "diff",
            "grep",
            "status",
            "push",
            "pull",
            "fetch",
            "tag",
            "branch",
            "checkout",
            "switch",
            "restore",
            "stash",
            "blame",
            "mv",
            "rm",
            "ls-files",
            "rev-parse",
        ],
    ),
    ("gh", &["pr", "issue", "release", "search", "repo"]),
    ("uv", &["add", "pip", "lock", "sync", "remove", "tree"]),
    ("poetry", &["add", "remove", "lock", "show", "update", "install"]),
    ("command", &["-v", "-V"]),
];

const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "pwsh", "powershell"];
const OTHER_INTERPRETERS: &[&str] = &["node", "perl", "ruby", "php", "lua", "awk", "gawk", "mawk", "expect", "ipython", "bpython"];
const REPEATERS: &[&str] = &["xargs", "parallel"];
const CLIENTS: &[&str] =
    &["psql", "pgcli", "mysql", "mariadb", "mycli", "sqlite3", "litecli", "usql", "sqlcmd", "sqlplus", "pg_restore", "duckdb", "cockroach"];

/// What a command line or a shell script would do. `script`: the text of a file by its path.
#[must_use]
pub fn sights(text: &str, script: &dyn Fn(&str) -> Option<String>) -> Vec<Sight> {
    let mut looker = Looker { script, found: Vec::new(), depth: 0, folders: Vec::new() };
    looker.shell(text);
    looker.found
}

/// What a program with these words would do.
#[must_use]
pub fn sights_of_words(words: &[String], script: &dyn Fn(&str) -> Option<String>) -> Vec<Sight> {
    let mut looker = Looker { script, found: Vec::new(), depth: 0, folders: Vec::new() };
    let words = words.iter().map(|word| Word { text: word.clone(), is_known: true }).collect();
    let line = Line { commands: vec![Command { words, ..Command::default() }], doubts: Vec::new() };
    looker.line(&line, &all_text(&line));
    looker.found
}

struct Looker<'a> {
    script: &'a dyn Fn(&str) -> Option<String>,
    found: Vec<Sight>,
    depth: usize,
    /// Folders that the line goes to: a script may lie there.
    folders: Vec<String>,
}

/// The texts of a line, as far as they are known, for a search by words.
fn all_text(line: &Line) -> String {
    let mut text = String::new();
    for command in &line.commands {
        let assigned = command.assignments.iter().map(|(_, value)| value);
        for word in command.words.iter().chain(assigned).chain(&command.inputs) {
            text.push_str(&word.text);
            text.push(' ');
        }
        text.push('\n');
    }
    text
}

fn mentions_alembic(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("alembic") || lower.contains("flask_migrate") || lower.contains("flask db")
}

/// A verb as a word of its own; `--upgrade` is an option of an installer.
fn mentions_verb(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    Verb::ALL.into_iter().any(|verb| {
        lower.match_indices(verb.word()).any(|(at, word)| {
            let before = lower.get(..at).and_then(|text| text.chars().next_back());
            let after = lower.get(at + word.len()..).and_then(|text| text.chars().next());
            let apart = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            apart(before) && before != Some('-') && apart(after) && after != Some('-')
        })
    })
}

fn mentions(text: &str) -> bool {
    mentions_alembic(text) && mentions_verb(text)
}

/// `alembic-gate … approve`, in one text or in several words.
fn names_approval<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let text: Vec<&str> = words.collect();
    let text = text.join(" ");
    text.split_once("alembic-gate").is_some_and(|(_, rest)| rest.contains("approve"))
}

/// Python that could call Alembic: `command.upgrade(…)`, `main(["upgrade", …])`, `from alembic.command import upgrade`.
fn python_mentions(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let calls = |verb: Verb| {
        let verb = verb.word();
        ["."].iter().any(|before| lower.contains(&format!("{before}{verb}(")))
            || ["'", "\"", " "].iter().any(|quote| {
                lower.match_indices(&format!("{quote}{verb}")).any(|(at, found)| {
                    let is_definition = lower.get(..at).is_some_and(|before| before.ends_with("def"));
                    let after = lower.get(at + found.len()..).and_then(|text| text.chars().next());
                    !is_definition && !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
                })
            })
    };
    mentions_alembic(&lower) && Verb::ALL.into_iter().any(calls)
}

/// The name of a program: without folders, in lower case, without `.exe`.
fn program(word: &Word) -> String {
    let name = word.text.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    name.strip_suffix(".exe").unwrap_or(&name).to_owned()
}

fn is_python(name: &str) -> bool {
    name.strip_prefix("python").or(name.strip_prefix("pypy")).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

/// `alembic`, `/usr/bin/alembic`, `-malembic`, `alembic.config`.
fn is_alembic(word: &Word) -> bool {
    let name = program(word);
    let module = name.strip_prefix('-').map_or(name.as_str(), |options| options.split_once('m').map_or("", |(_, module)| module));
    matches!(module, "alembic" | "alembic.config" | "alembic.__main__")
}

fn is_inert(words: &[Word]) -> bool {
    let Some((first, rest)) = words.split_first() else { return true };
    let name = program(first);
    let second = rest.first().map(|word| word.text.as_str()).unwrap_or_default();
    INERT.contains(&name.as_str()) || INERT_WITH.iter().any(|(program, with)| *program == name && with.contains(&second))
}

impl Looker<'_> {
    fn see(&mut self, sight: Sight) {
        if !self.found.contains(&sight) {
            self.found.push(sight);
        }
    }

    fn doubt(&mut self, why: &'static str) {
        self.see(Sight::Unreadable { why });
    }

    fn shell(&mut self, text: &str) {
        if self.depth >= DEEPEST {
            if mentions(text) {
                self.doubt("scripts call scripts too deeply");
            }
            return;
        }
        self.depth += 1;
        let line = read(text);
        let whole = format!("{text}\n{}", all_text(&line));
        self.line(&line, &whole);
        self.depth -= 1;
    }

    fn line(&mut self, line: &Line, whole: &str) {
        if let Some(doubt) = line.doubts.first().filter(|_| mentions(whole)) {
            self.doubt(doubt);
        }
        let before = self.found.len();
        for command in &line.commands {
            self.command(command, whole);
        }
        let is_offline = self.found.iter().skip(before).any(|sight| *sight == Sight::Offline);
        let has_client = line.commands.iter().flat_map(|command| &command.words).any(|word| CLIENTS.contains(&program(word).as_str()));
        let feeds_shell = line
            .commands
            .iter()
            .any(|command| command.is_fed && command.words.first().is_some_and(|word| SHELLS.contains(&program(word).as_str())));
        if is_offline && (has_client || feeds_shell) {
            self.doubt("the SQL it prints goes to a database client");
        }
    }

    fn command(&mut self, command: &Command, whole: &str) {
        let words = &command.words;
        let names_key = |word: &Word| {
            let path = word.text.replace('\\', "/");
            ["alembic-gate/key", "alembic-gate/latest", "alembic-gate/allowed_signers"].iter().any(|place| path.contains(place))
        };
        let assigned = command.assignments.iter().map(|(_, value)| value);
        // Another home is another key, and other people who may sign.
        let moves = |text: &str| text.starts_with("XDG_STATE_HOME=") || text.starts_with("HOME=");
        let moves_home =
            command.assignments.iter().any(|(name, _)| moves(&format!("{name}="))) || words.iter().any(|word| moves(&word.text));
        if (moves_home && whole.contains("alembic-gate")) || words.iter().chain(assigned).any(names_key) {
            self.see(Sight::Key);
        }
        let Some(first) = words.first() else { return };
        // `PAGER='alembic upgrade head' git log`: a variable may be run by whoever reads it.
        if command.assignments.iter().any(|(_, value)| mentions(&value.text)) {
            self.doubt("it stands in a variable that the program gets");
        }
        let approves = (program(first) == "alembic-gate" && words.iter().any(|word| word.text == "approve"))
            || (!is_inert(words) && names_approval(words.iter().map(|word| word.text.as_str())));
        let is_fed_shell = SHELLS.contains(&program(first).as_str()) && names_approval(std::iter::once(whole));
        if approves || is_fed_shell {
            self.see(Sight::Approves);
        }
        if !first.is_known {
            let says_verb = words.iter().skip(1).any(|word| word.is_known && Verb::of(&word.text).is_some());
            if says_verb || mentions(whole) {
                self.doubt("the program's name is known only when it runs");
            }
            return;
        }
        if is_inert(words) {
            let goes_to = words.get(1).filter(|word| program(first) == "cd" && word.is_known);
            self.folders.extend(goes_to.map(|word| word.text.clone()));
            return;
        }
        let name = program(first);
        if let Some(at) = words.iter().position(is_alembic) {
            return self.alembic(words, at, &name);
        }
        if let Some(at) = words.iter().position(|word| word.is_known && word.text == "db")
            && self.flask(words, at)
        {
            return;
        }
        if SHELLS.contains(&name.as_str()) {
            return self.shell_program(command, whole);
        }
        if is_python(&name) {
            return self.python_program(command);
        }
        match name.as_str() {
            "eval" => return self.eval(words, whole),
            "source" | "." => return self.script_file(words.get(1), whole),
            "make" | "gmake" => self.make(words),
            _ => {}
        }
        let runs_unseen = REPEATERS.contains(&name.as_str()) || (OTHER_INTERPRETERS.contains(&name.as_str()));
        if runs_unseen && mentions(whole) {
            return self.doubt("it runs what it is given");
        }
        if first.text.contains('/') {
            self.script_file(Some(first), "");
        }
        if words.get(1).is_some_and(|word| word.is_known && Verb::of(&word.text).is_some()) && mentions_alembic(whole) {
            return self.doubt("another program or an alias gets the command");
        }
        self.wrapped(command, whole);
    }

    /// A program that is not known: it may run its arguments, together or one of them.
    fn wrapped(&mut self, command: &Command, whole: &str) {
        let words = &command.words;
        // `sudo bash -c …`, `docker exec app sh -c …`, `uv run python -c …`: from the interpreter on, it is one.
        let inner =
            words.iter().skip(1).position(|word| word.is_known && (SHELLS.contains(&program(word).as_str()) || is_python(&program(word))));
        if let Some(at) = inner {
            let words: Vec<Word> = words.iter().skip(at + 1).cloned().collect();
            let inner = Command { words, ..command.clone() };
            let is_shell = inner.words.first().is_some_and(|word| SHELLS.contains(&program(word).as_str()));
            return if is_shell { self.shell_program(&inner, whole) } else { self.python_program(&inner) };
        }
        for word in words.iter().skip(1).chain(&command.inputs).filter(|word| mentions(&word.text)) {
            let before = self.found.len();
            self.shell(&word.text);
            if self.found.len() == before {
                self.doubt("it stands in an argument of another program");
            }
        }
        for (before, word) in words.iter().zip(words.iter().skip(1)) {
            let runs = matches!(before.text.as_str(), "-exec" | "run" | "exec" | "--") || WRAPPERS.contains(&program(before).as_str());
            if runs && (word.text.contains('/') || word.text.ends_with(".sh") || word.text.ends_with(".py")) {
                self.script_file(Some(word), "");
            }
        }
    }

    /// `alembic [options] verb …`, at place `at`.
    fn alembic(&mut self, words: &[Word], at: usize, name: &str) {
        let is_direct = at == 0
            || words.get(at - 1).is_some_and(|word| word.text.starts_with('-') && word.text.ends_with('m'))
            || WRAPPERS.contains(&name);
        match verb_of(words.get(at + 1..).unwrap_or_default(), is_direct) {
            Said::Change { verb, target, is_offline: false } => self.see(Sight::Changes(Change { verb, target })),
            Said::Change { is_offline: true, .. } => self.see(Sight::Offline),
            Said::Reading => {}
            Said::Nothing if REPEATERS.contains(&name) => self.doubt("the rest of the command comes from elsewhere"),
            Said::Nothing => {}
            Said::Unknown(why) => self.doubt(why),
        }
    }

    /// `flask db upgrade`, `python manage.py db upgrade`. True where it was one.
    fn flask(&mut self, words: &[Word], at: usize) -> bool {
        match verb_of(words.get(at + 1..).unwrap_or_default(), false) {
            Said::Change { verb, target, is_offline } => {
                let target = target.or_else(|| (verb == Verb::Downgrade).then(|| "-1".to_owned()));
                self.see(if is_offline { Sight::Offline } else { Sight::Changes(Change { verb, target }) });
                true
            }
            Said::Unknown(why) if program(words.first().unwrap_or(&Word::default())) == "flask" => {
                self.doubt(why);
                true
            }
            Said::Reading | Said::Nothing | Said::Unknown(_) => false,
        }
    }

    fn shell_program(&mut self, command: &Command, whole: &str) {
        let mut rest = command.words.iter().skip(1);
        while let Some(word) = rest.next() {
            let is_option = word.text.starts_with('-') || word.text.starts_with('+');
            let takes_text =
                is_option && !word.text.starts_with("--") && word.text.contains('c') || word.text.eq_ignore_ascii_case("-command");
            if takes_text {
                let Some(text) = rest.next() else { return };
                self.shell(&text.text);
                if !text.is_known && mentions(whole) {
                    self.doubt("a part of the script is known only when it runs");
                }
                return;
            }
            if matches!(word.text.as_str(), "-o" | "-O" | "--rcfile" | "--init-file") {
                rest.next();
            } else if !is_option {
                return self.script_file(Some(word), whole);
            }
        }
        command.inputs.iter().for_each(|input| self.shell(&input.text));
        if (command.is_fed || command.inputs.is_empty()) && mentions(whole) {
            self.doubt("a shell reads it from elsewhere");
        }
    }

    fn python_program(&mut self, command: &Command) {
        let mut rest = command.words.iter().skip(1);
        while let Some(word) = rest.next() {
            let text = word.text.as_str();
            if text.starts_with('-') && !text.starts_with("--") && text.ends_with('c') {
                if let Some(code) = rest.next()
                    && python_mentions(&code.text)
                {
                    self.doubt("Python code calls it");
                }
                return;
            }
            if text.starts_with('-') && text.ends_with('m') && text.len() > 1 {
                // A module: Alembic and Flask were looked for before.
                return;
            }
            if matches!(text, "-W" | "-X") {
                rest.next();
            } else if !text.starts_with('-') {
                return self.script_file(Some(word), "");
            }
        }
        if command.inputs.iter().any(|input| python_mentions(&input.text)) {
            self.doubt("Python code calls it");
        }
    }

    fn eval(&mut self, words: &[Word], whole: &str) {
        let text: Vec<&str> = words.iter().skip(1).map(|word| word.text.as_str()).collect();
        self.shell(&text.join(" "));
        if words.iter().skip(1).any(|word| !word.is_known) && mentions(whole) {
            self.doubt("a part of the command is known only when it runs");
        }
    }

    /// A file that is run. What is not there yet may be written by the same line.
    fn script_file(&mut self, word: Option<&Word>, whole: &str) {
        let Some(word) = word else { return };
        let mut places = vec![word.text.clone()];
        places.extend(self.folders.iter().map(|folder| format!("{folder}/{}", word.text)));
        let text = if word.is_known { places.iter().find_map(|place| (self.script)(place)) } else { None };
        match text {
            Some(text)
                if word.text.ends_with(".py")
                    || text.lines().next().is_some_and(|line| line.starts_with("#!") && line.contains("python")) =>
            {
                if python_mentions(&text) {
                    self.doubt("the Python file it runs calls it");
                }
            }
            Some(text) if text.starts_with("#!") || !text.contains('\0') => self.shell(&text),
            Some(_) | None if mentions(whole) => self.doubt("the script it runs cannot be read"),
            Some(_) | None => {}
        }
    }

    /// The recipes of the targets that are named, with what they depend on.
    fn make(&mut self, words: &[Word]) {
        let mut folders = vec![String::new()];
        folders.extend(self.folders.iter().map(|folder| format!("{folder}/")));
        folders.extend(
            words.iter().zip(words.iter().skip(1)).filter(|(option, _)| option.text == "-C").map(|(_, folder)| format!("{}/", folder.text)),
        );
        let names = ["GNUmakefile", "makefile", "Makefile"];
        let Some(text) =
            folders.iter().flat_map(|folder| names.map(|name| format!("{folder}{name}"))).find_map(|path| (self.script)(&path))
        else {
            return;
        };
        let mut wanted: Vec<String> =
            words.iter().skip(1).filter(|word| !word.text.starts_with('-')).map(|word| word.text.clone()).collect();
        if wanted.is_empty() {
            let first = text.lines().find_map(|line| rule(line).filter(|(target, _)| !target.starts_with('.')));
            wanted.extend(first.map(|(target, _)| target.to_owned()));
        }
        let mut done: Vec<String> = Vec::new();
        while let Some(target) = wanted.pop() {
            if done.contains(&target) || done.len() > 200 {
                continue;
            }
            let mut is_in = false;
            let mut recipe = String::new();
            for line in text.lines() {
                if let Some(command) = line.strip_prefix('\t').filter(|_| is_in) {
                    recipe.push_str(command.trim_start_matches(['@', '-', '+']));
                    recipe.push('\n');
                } else if let Some((targets, needs)) = rule(line) {
                    is_in = targets.split_whitespace().any(|name| name == target);
                    if is_in {
                        wanted.extend(needs.split_whitespace().map(str::to_owned));
                    }
                } else if !line.trim().is_empty() && !line.starts_with('\t') {
                    is_in = false;
                }
            }
            // `$(NAME)` of make is `${NAME}` for a shell.
            self.shell(&recipe.replace("$(", "${").replace("$$", "$"));
            done.push(target);
        }
    }
}

/// `target: needs` of a Makefile.
fn rule(line: &str) -> Option<(&str, &str)> {
    let (targets, needs) = line.split_once(':')?;
    let is_rule = !line.starts_with(['\t', '#', ' ']) && !needs.starts_with('=') && !targets.contains('=');
    is_rule.then(|| {
        (targets.trim(), needs.trim_start_matches(':').split('#').next().unwrap_or_default().split(';').next().unwrap_or_default())
    })
}

/// Programs that run the rest of their words as a command.
const WRAPPERS: &[&str] = &[
    "env",
    "sudo",
    "doas",
    "nice",
    "nohup",
    "time",
    "timeout",
    "exec",
    "command",
    "builtin",
    "stdbuf",
    "setsid",
    "ionice",
    "uv",
    "uvx",
    "poetry",
    "pipenv",
    "pdm",
    "hatch",
    "rye",
    "pixi",
    "conda",
    "micromamba",
    "mamba",
    "pipx",
    "xargs",
    "parallel",
    "watch",
    "caffeinate",
    "strace",
    "dotenv",
    "doppler",
    "op",
    "aws-vault",
    "direnv",
    "chronic",
];

/// What stands behind `alembic`.
enum Said {
    Change { verb: Verb, target: Option<String>, is_offline: bool },
    Reading,
    Nothing,
    Unknown(&'static str),
}

/// Options with a value of their own (Alembic 1.20, `CommandLine`; Flask-Migrate's `--directory`).
const WITH_VALUE: &[&str] = &["-c", "--config", "-n", "--name", "-x", "--x-arg", "-d", "--directory", "--tag"];

/// The verb behind `alembic`. `is_direct`: it is Alembic's own command line, so that a word that is no verb is strange.
fn verb_of(words: &[Word], is_direct: bool) -> Said {
    let asks_help = words.iter().any(|word| word.is_known && matches!(word.text.as_str(), "-h" | "--help"));
    if asks_help {
        return Said::Reading;
    }
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if WITH_VALUE.contains(&word.text.as_str()) && word.is_known {
            rest.next();
        } else if word.text.starts_with('-') && word.is_known {
            if word.text == "--version" {
                return Said::Reading;
            }
        } else if !word.is_known {
            return Said::Unknown("what it does is known only when it runs");
        } else if let Some(verb) = Verb::of(&word.text) {
            let left: Vec<&Word> = rest.collect();
            let is_offline = left.iter().any(|word| word.is_known && word.text == "--sql");
            return Said::Change { verb, target: target_of(&left), is_offline };
        } else if READING.contains(&word.text.as_str()) {
            return Said::Reading;
        } else if is_direct {
            return Said::Unknown("Alembic's command is not a known one");
        }
    }
    Said::Nothing
}

/// The first word behind a verb that is no option.
fn target_of(words: &[&Word]) -> Option<String> {
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if WITH_VALUE.contains(&word.text.as_str()) {
            rest.next();
        } else if !word.text.starts_with('-') || word.text.get(1..).is_some_and(|rest| rest.parse::<u32>().is_ok()) {
            return Some(if word.is_known { word.text.clone() } else { UNKNOWN.to_owned() });
        }
    }
    None
}

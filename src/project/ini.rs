//! `alembic.ini` and `[tool.alembic]` of `pyproject.toml`, as Alembic 1.13 to 1.20 reads them: what is where.
//!
//! Source: Alembic 1.20.1 (`Config`, `ScriptDirectory.from_config`) and the `configparser` of Python 3.11; compared with
//! them in `tests/it/project_settings.rs`. Texts come in, plain data goes out.

use std::collections::BTreeMap;

use crate::dialect::Dialect;

/// What Alembic names a revision file when nothing else is said.
pub const FILE_TEMPLATE: &str = "%(rev)s_%(slug)s";

/// What a project says about its migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder of `env.py`, as it is written: a path, or `package:folder`.
    pub script_location: String,
    /// The folders of revision files, as they are written; `None`: `versions` in the script folder.
    pub version_locations: Option<Vec<String>>,
    /// True when folders inside of them are looked through.
    pub recursive: bool,
    /// How new files are named.
    pub file_template: String,
    /// Folders put in front of Python's path.
    pub prepend_sys_path: Vec<String>,
    /// `sqlalchemy.url`, where the ini file has one. It may hold a password: never shown.
    pub url: Option<String>,
    /// Dialects of several databases (`databases = a, b` of the multidb template): section and URL.
    pub databases: Vec<(String, Option<String>)>,
    /// All that the section says, defaults among it, as it is written.
    pub options: BTreeMap<String, String>,
}

impl Settings {
    /// The dialect that `sqlalchemy.url` names: `postgresql+asyncpg://…` is PostgreSQL.
    #[must_use]
    pub fn dialect(&self) -> Option<Dialect> {
        let of = |url: &str| match url.split_once("://")?.0.split('+').next()?.to_ascii_lowercase().as_str() {
            "postgresql" | "postgres" => Some(Dialect::Postgresql),
            "mysql" => Some(Dialect::Mysql),
            "mariadb" => Some(Dialect::Mariadb),
            "sqlite" => Some(Dialect::Sqlite),
            "mssql" => Some(Dialect::Mssql),
            "oracle" => Some(Dialect::Oracle),
            _ => None,
        };
        let own = self.url.iter().chain(self.databases.iter().filter_map(|(_, url)| url.as_ref()));
        own.map(String::as_str).find_map(of)
    }
}

/// An ini file or a `pyproject.toml` could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A line of the ini file is none.
    #[error("line {line} of `{file}` is neither a section, an option nor a continuation: `{text}`")]
    NoOption {
        /// The file.
        file: String,
        /// Its line.
        line: u32,
        /// The line, shortened.
        text: String,
    },
    /// An option before the first section.
    #[error("line {line} of `{file}` stands before the first `[section]`")]
    NoSectionYet {
        /// The file.
        file: String,
        /// Its line.
        line: u32,
    },
    /// A section or an option twice.
    #[error("line {line} of `{file}` says `{name}` a second time")]
    Twice {
        /// The file.
        file: String,
        /// Its line.
        line: u32,
        /// The section in brackets, or the option.
        name: String,
    },
    /// `%` that is neither `%%` nor `%(name)s`.
    #[error("`{option}` in `{file}` has a `%` that is neither `%%` nor `%(name)s`")]
    LonePercent {
        /// The file.
        file: String,
        /// The option.
        option: String,
    },
    /// `%(name)s` of a name that is not there.
    #[error("`{option}` in `{file}` refers to `%({name})s`, which is not set")]
    NoSuchName {
        /// The file.
        file: String,
        /// The option.
        option: String,
        /// The name.
        name: String,
    },
    /// Names that refer to one another without end.
    #[error("`{option}` in `{file}` refers to itself")]
    Endless {
        /// The file.
        file: String,
        /// The option.
        option: String,
    },
    /// No section of that name, and no other place that says it.
    #[error("`{file}` has no section `[{section}]`")]
    NoSection {
        /// The file.
        file: String,
        /// The section.
        section: String,
        /// Those it has that name a script location.
        others: Vec<String>,
    },
    /// Nobody says where the migrations are.
    #[error("no `script_location` in {}", .looked_in.join(" and "))]
    NoScriptLocation {
        /// Where it was looked for.
        looked_in: Vec<String>,
    },
    /// A separator that Alembic does not know.
    #[error("`{option} = {value}` in `{file}` is no separator")]
    NoSeparator {
        /// The file.
        file: String,
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
    /// No TOML.
    #[error("`{file}` is not understood: {message}")]
    NoToml {
        /// The file.
        file: String,
        /// Where and why.
        message: String,
    },
    /// A value of another kind.
    #[error("`tool.alembic.{option}` in `{file}` is no {wanted}")]
    WrongKind {
        /// The file.
        file: String,
        /// The option.
        option: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
}

impl SettingsError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoOption { .. } => "write `option = value`, or indent a line that goes on".to_owned(),
            Self::NoSectionYet { .. } => "begin the file with `[alembic]`".to_owned(),
            Self::Twice { .. } => "keep one of them".to_owned(),
            Self::LonePercent { .. } => "write `%%` for a percent sign, in a password too".to_owned(),
            Self::NoSuchName { name, .. } => {
                format!("set `{name}` in the section or in `[DEFAULT]`, or write `%%({name})s` for the text itself")
            }
            Self::Endless { .. } => "write the value out".to_owned(),
            Self::NoSection { others, .. } if others.is_empty() => "give the section as `section`, as Alembic's `--name` does".to_owned(),
            Self::NoSection { others, .. } => format!("give `section`: {}", others.join(", ")),
            Self::NoScriptLocation { .. } => {
                "say `script_location = migrations` in `[alembic]` of `alembic.ini` or in `[tool.alembic]` of `pyproject.toml`".to_owned()
            }
            Self::NoSeparator { .. } => "Alembic knows `os`, `space`, `newline`, `:` and `;`".to_owned(),
            Self::NoToml { .. } => "mend the file".to_owned(),
            Self::WrongKind { wanted, .. } => format!("write a {wanted}"),
        }
    }
}

/// A text and where it is from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file's name, for messages.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The folder it stands in, absolute, with `/`: what `%(here)s` means.
    pub here: &'a str,
}

/// What a project says: the ini file first, then `pyproject.toml`, option by option as Alembic asks them.
///
/// # Errors
/// A file is not understood, or neither says where the migrations are.
pub fn settings(ini: Option<Source<'_>>, pyproject: Option<Source<'_>>, section: &str) -> Result<Settings, SettingsError> {
    let parsed = ini.map(|source| Ini::read(source.file, source.text, source.here)).transpose()?;
    let toml = pyproject.map(Toml::read).transpose()?.unwrap_or_default();
    let both = Both { ini: parsed.as_ref(), toml: &toml, section };
    let Some(script_location) = both.text("script_location")? else {
        return Err(nowhere(ini, pyproject, parsed.as_ref(), section));
    };
    Ok(Settings {
        script_location,
        version_locations: both.paths("version_locations", &["path_separator", "version_path_separator"], &[' ', ','])?,
        recursive: both.switch("recursive_version_locations")?,
        file_template: both.text("file_template")?.unwrap_or_else(|| FILE_TEMPLATE.to_owned()),
        prepend_sys_path: both.paths("prepend_sys_path", &["path_separator"], &[' ', ',', ':'])?.unwrap_or_default(),
        url: parsed.as_ref().and_then(|ini| ini.get(section, "sqlalchemy.url").ok().flatten()),
        databases: parsed.as_ref().map(|ini| databases(ini, section)).unwrap_or_default(),
        options: parsed.as_ref().map(|ini| ini.raw(section)).unwrap_or_default(),
    })
}

fn nowhere(ini: Option<Source<'_>>, pyproject: Option<Source<'_>>, parsed: Option<&Ini>, section: &str) -> SettingsError {
    if let (Some(source), Some(parsed)) = (ini, parsed)
        && !parsed.sections.contains_key(section)
    {
        let others = parsed.sections.keys().filter(|name| parsed.has(name, "script_location")).cloned().collect();
        return SettingsError::NoSection { file: source.file.to_owned(), section: section.to_owned(), others };
    }
    let ini_place = ini.map(|source| format!("`[{section}]` of `{}`", source.file));
    let toml_place = pyproject.map(|source| format!("`[tool.alembic]` of `{}`", source.file));
    SettingsError::NoScriptLocation { looked_in: ini_place.into_iter().chain(toml_place).collect() }
}

/// `databases = engine1, engine2` of the template for several databases.
fn databases(ini: &Ini, section: &str) -> Vec<(String, Option<String>)> {
    let Ok(Some(names)) = ini.get(section, "databases") else { return Vec::new() };
    let names = names.split([',', ' ', '\n']).filter(|name| !name.is_empty());
    names.map(|name| (name.to_owned(), ini.get(name, "sqlalchemy.url").ok().flatten())).collect()
}

/// An option is looked for in the ini file's section, then in the TOML.
struct Both<'a> {
    ini: Option<&'a Ini>,
    toml: &'a Toml,
    section: &'a str,
}

impl Both<'_> {
    fn ini_text(&self, option: &str) -> Result<Option<String>, SettingsError> {
        self.ini.map_or(Ok(None), |ini| ini.get(self.section, option))
    }

    fn text(&self, option: &'static str) -> Result<Option<String>, SettingsError> {
        match self.ini_text(option)? {
            Some(text) => Ok(Some(text)),
            None => self.toml.text(option),
        }
    }

    /// Only the word `true` is true in an ini file.
    fn switch(&self, option: &'static str) -> Result<bool, SettingsError> {
        match self.ini_text(option)? {
            Some(text) => Ok(text == "true"),
            None => self.toml.switch(option),
        }
    }

    fn paths(&self, option: &'static str, separators: &[&'static str], legacy: &[char]) -> Result<Option<Vec<String>>, SettingsError> {
        let Some(text) = self.ini_text(option)?.filter(|text| !text.is_empty()) else {
            return self.toml.list(option);
        };
        match self.separator(separators)? {
            Some(separator) => Ok(Some(text.split(separator).filter(|part| !part.is_empty()).map(|part| part.trim().to_owned()).collect())),
            None => Ok(Some(legacy_parts(&text, legacy))),
        }
    }

    fn separator(&self, names: &[&'static str]) -> Result<Option<char>, SettingsError> {
        for name in names {
            let Some(value) = self.ini_text(name)? else { continue };
            return match value.as_str() {
                "space" => Ok(Some(' ')),
                "newline" => Ok(Some('\n')),
                "os" => Ok(Some(if cfg!(windows) { ';' } else { ':' })),
                ":" => Ok(Some(':')),
                ";" => Ok(Some(';')),
                _ => {
                    Err(SettingsError::NoSeparator { file: self.ini.map(|ini| ini.file.clone()).unwrap_or_default(), option: name, value })
                }
            };
        }
        Ok(None)
    }
}

/// Without a separator: at a comma with the blanks behind it, or at blanks (and, for Python's path, at a colon).
fn legacy_parts(text: &str, at: &[char]) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if !at.contains(&c) {
            if let Some(last) = parts.last_mut() {
                last.push(c);
            }
            continue;
        }
        if matches!(c, ',' | ' ') {
            while rest.next_if_eq(&' ').is_some() {}
        }
        parts.push(String::new());
    }
    parts
}

/// An ini file, as Python's `configparser` reads it.
struct Ini {
    file: String,
    /// `[DEFAULT]` with `here`: holds in every section.
    defaults: BTreeMap<String, String>,
    sections: BTreeMap<String, BTreeMap<String, String>>,
}

/// How far `%(name)s` is followed.
const MOST_STEPS: u8 = 10;

impl Ini {
    fn read(file: &str, text: &str, here: &str) -> Result<Self, SettingsError> {
        let mut reader = IniReader {
            ini: Self { file: file.to_owned(), defaults: BTreeMap::new(), sections: BTreeMap::new() },
            section: None,
            option: None,
            indent: 0,
        };
        for (n, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            reader.take(line, n as u32 + 1)?;
        }
        let mut ini = reader.ini;
        for value in ini.defaults.values_mut().chain(ini.sections.values_mut().flat_map(BTreeMap::values_mut)) {
            value.truncate(value.trim_end().len());
        }
        // A percent sign in the path itself is no reference.
        ini.defaults.entry("here".to_owned()).or_insert_with(|| here.replace('%', "%%"));
        Ok(ini)
    }

    fn has(&self, section: &str, option: &str) -> bool {
        self.sections.get(section).is_some_and(|own| own.contains_key(option) || self.defaults.contains_key(option))
    }

    fn raw_value(&self, section: &str, option: &str) -> Option<&str> {
        let own = self.sections.get(section)?;
        own.get(option).or_else(|| self.defaults.get(option)).map(String::as_str)
    }

    /// All options of a section, as they are written.
    fn raw(&self, section: &str) -> BTreeMap<String, String> {
        let Some(own) = self.sections.get(section) else { return BTreeMap::new() };
        let mut all = self.defaults.clone();
        all.extend(own.iter().map(|(name, value)| (name.clone(), value.clone())));
        all
    }

    /// The value of an option with its references followed; `None` when section or option are not there.
    fn get(&self, section: &str, option: &str) -> Result<Option<String>, SettingsError> {
        let Some(raw) = self.raw_value(section, option) else { return Ok(None) };
        let mut value = String::new();
        self.follow(section, option, raw, &mut value, MOST_STEPS)?;
        Ok(Some(value))
    }

    fn follow(&self, section: &str, option: &str, raw: &str, value: &mut String, steps: u8) -> Result<(), SettingsError> {
        let wrong = || SettingsError::LonePercent { file: self.file.clone(), option: option.to_owned() };
        let mut rest = raw;
        while let Some((before, behind)) = rest.split_once('%') {
            value.push_str(before);
            if let Some(behind) = behind.strip_prefix('%') {
                value.push('%');
                rest = behind;
                continue;
            }
            let (name, behind) = behind.strip_prefix('(').and_then(|reference| reference.split_once(")s")).ok_or_else(wrong)?;
            if name.contains(')') {
                return Err(wrong());
            }
            let name = name.to_lowercase();
            let Some(meant) = self.raw_value(section, &name) else {
                return Err(SettingsError::NoSuchName { file: self.file.clone(), option: option.to_owned(), name });
            };
            if steps == 0 {
                return Err(SettingsError::Endless { file: self.file.clone(), option: option.to_owned() });
            }
            self.follow(section, option, meant, value, steps - 1)?;
            rest = behind;
        }
        value.push_str(rest);
        Ok(())
    }
}

/// Where a reader of an ini file stands.
struct IniReader {
    ini: Ini,
    /// The section; `None` before the first.
    section: Option<String>,
    /// The option whose value may go on.
    option: Option<String>,
    /// How far that option is indented.
    indent: usize,
}

impl IniReader {
    fn take(&mut self, line: &str, n: u32) -> Result<(), SettingsError> {
        let text = line.trim();
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        if text.is_empty() {
            self.go_on("");
            return Ok(());
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if self.option.is_some() && indent > self.indent {
            self.go_on(text);
            return Ok(());
        }
        self.indent = indent;
        match text.strip_prefix('[').and_then(|header| header.rsplit_once(']')).filter(|(name, _)| !name.is_empty()) {
            Some((name, _)) => self.begin_section(name, n),
            None => self.begin_option(text, n),
        }
    }

    fn values(&mut self) -> Option<&mut BTreeMap<String, String>> {
        match self.section.as_deref()? {
            "DEFAULT" => Some(&mut self.ini.defaults),
            name => self.ini.sections.get_mut(name),
        }
    }

    fn go_on(&mut self, text: &str) {
        let Some(option) = self.option.clone() else { return };
        if let Some(value) = self.values().and_then(|values| values.get_mut(&option)) {
            value.push('\n');
            value.push_str(text);
        }
    }

    fn begin_section(&mut self, name: &str, line: u32) -> Result<(), SettingsError> {
        if self.ini.sections.contains_key(name) {
            return Err(SettingsError::Twice { file: self.ini.file.clone(), line, name: format!("[{name}]") });
        }
        if name != "DEFAULT" {
            self.ini.sections.insert(name.to_owned(), BTreeMap::new());
        }
        self.section = Some(name.to_owned());
        self.option = None;
        Ok(())
    }

    fn begin_option(&mut self, text: &str, line: u32) -> Result<(), SettingsError> {
        let file = self.ini.file.clone();
        let Some(values) = self.values() else { return Err(SettingsError::NoSectionYet { file, line }) };
        let Some((name, value)) = text.split_once(['=', ':']).filter(|(name, _)| !name.trim().is_empty()) else {
            // It may hold a password: only its first word is shown.
            let text = text.split_whitespace().next().unwrap_or_default().chars().take(40).collect();
            return Err(SettingsError::NoOption { file, line, text });
        };
        let name = name.trim().to_lowercase();
        if values.insert(name.clone(), value.trim().to_owned()).is_some() {
            return Err(SettingsError::Twice { file, line, name });
        }
        self.option = Some(name);
        Ok(())
    }
}

/// `[tool.alembic]`.
#[derive(Default)]
struct Toml {
    file: String,
    here: String,
    table: toml::Table,
}

impl Toml {
    fn read(source: Source<'_>) -> Result<Self, SettingsError> {
        let file = source.file.to_owned();
        let whole: toml::Table = match source.text.parse() {
            Ok(whole) => whole,
            Err(error) => return Err(SettingsError::NoToml { file, message: toml_message(&error, source.text) }),
        };
        let table = whole.get("tool").and_then(|tool| tool.get("alembic")).and_then(toml::Value::as_table).cloned().unwrap_or_default();
        Ok(Self { file, here: source.here.to_owned(), table })
    }

    fn text(&self, option: &'static str) -> Result<Option<String>, SettingsError> {
        match self.table.get(option) {
            None => Ok(None),
            Some(toml::Value::String(text)) => self.formatted(option, text).map(Some),
            Some(_) => Err(self.wrong(option, "text")),
        }
    }

    fn switch(&self, option: &'static str) -> Result<bool, SettingsError> {
        match self.table.get(option) {
            None => Ok(false),
            Some(toml::Value::Boolean(value)) => Ok(*value),
            Some(_) => Err(self.wrong(option, "`true` or `false`")),
        }
    }

    fn list(&self, option: &'static str) -> Result<Option<Vec<String>>, SettingsError> {
        match self.table.get(option) {
            None => Ok(None),
            Some(toml::Value::Array(values)) => {
                let texts = values.iter().map(|value| match value {
                    toml::Value::String(text) => self.formatted(option, text),
                    _ => Err(self.wrong(option, "list of texts")),
                });
                texts.collect::<Result<Vec<_>, _>>().map(Some)
            }
            Some(_) => Err(self.wrong(option, "list of texts")),
        }
    }

    fn wrong(&self, option: &'static str, wanted: &'static str) -> SettingsError {
        SettingsError::WrongKind { file: self.file.clone(), option, wanted }
    }

    /// Python's `text % {"here": …}`.
    fn formatted(&self, option: &str, text: &str) -> Result<String, SettingsError> {
        let wrong = || SettingsError::LonePercent { file: self.file.clone(), option: option.to_owned() };
        let mut value = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            value.push_str(before);
            if let Some(behind) = behind.strip_prefix('%') {
                value.push('%');
                rest = behind;
                continue;
            }
            let (name, behind) = behind.strip_prefix('(').and_then(|reference| reference.split_once(")s")).ok_or_else(wrong)?;
            if name != "here" {
                return Err(SettingsError::NoSuchName { file: self.file.clone(), option: option.to_owned(), name: name.to_owned() });
            }
            value.push_str(&self.here);
            rest = behind;
        }
        value.push_str(rest);
        Ok(value)
    }
}

/// The parser's message with the line.
fn toml_message(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    line.map_or_else(|| error.message().to_owned(), |line| format!("line {line}: {}", error.message()))
}
